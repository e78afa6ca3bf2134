/* SPDX-License-Identifier: MIT */
/*
 * channel/channel.h - the port through which one message goes to one destination.
 *
 * A channel renders a message and sends it once. It keeps nothing and retries nothing: the outbox
 * (store, engine) decides that from the outcome. `is_repeat` says that an earlier attempt may have
 * arrived; a channel that cannot make the receiver notice a repetition by itself says so in the
 * text ("(repeat)").
 */
#ifndef PYLON_CHANNEL_CHANNEL_H
#define PYLON_CHANNEL_CHANNEL_H

#include "base/id.h"
#include "base/str.h"
#include "http/client.h"
#include "loop/loop.h"

/* Where to. Borrowed until `done`. */
struct channel_target {
	const char *type; /* "stdout", "webhook" */
	const char *url;
	const char *secret;         /* Standard Webhooks secret; NULL = unsigned */
	const struct strv *headers; /* extra "Name: value"; may be NULL */
	bool allow_private;
};

/* What to tell. `message` is the JSON object of the delivery row:
 * {"kind":"result|approval|notice","job":{id,pylon,state,...},"topic":..,"text":..}. */
struct channel_message {
	struct id delivery_id; /* idempotency key: the same in every attempt */
	const char *kind;
	const char *message;
	bool is_repeat;
	int attempt;
};

enum channel_outcome {
	CHANNEL_SENT,
	CHANNEL_RETRY,   /* not delivered; worth another try */
	CHANNEL_DEAD,    /* the destination refuses it for good */
	CHANNEL_UNKNOWN, /* it may have arrived (timed out after sending) */
};

struct channel_report {
	enum channel_outcome outcome;
	int64_t retry_after_us; /* the destination's wish; -1 = none */
	const char *text;       /* why, for people; NULL when sent */
};

typedef void channel_done_fn(
	void *ctx, const struct id *delivery_id, const struct channel_report *r);

struct channel;
struct channel_ops {
	/* Sends; `done` given at creation is called once, never from inside send(). */
	void (*send)(struct channel *c, const struct channel_target *to,
		const struct channel_message *m);
	void (*free)(struct channel *c);
};
struct channel {
	const struct channel_ops *ops;
};

/* All real channels behind one port. Borrows loop and client; `out` is the stdout of the stdout
 * channel (a descriptor; -1 = STDOUT_FILENO). */
struct channel *channel_new(
	struct loop *l, struct http_client *client, int out, channel_done_fn *done, void *ctx);
/* False with *e when the target cannot work (no url, scheme not http(s), unusable secret). */
bool channel_target_is_valid(const struct channel_target *to, struct err *e);

#endif
