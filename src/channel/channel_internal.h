/* SPDX-License-Identifier: MIT */
/*
 * The inside of channel_new(): channel.c has the port and the messages under way, one file each has
 * a kind of destination.
 */
#ifndef CHANNEL_CHANNEL_INTERNAL_H
#define CHANNEL_CHANNEL_INTERNAL_H

#include "base/json.h"
#include "channel/channel.h"

struct printer;

struct channels {
	struct channel base;
	struct loop *loop;
	struct http_client *client;
	channel_done_fn *done;
	void *ctx;
	struct printer *printer;
	struct list sendings;
	int64_t timeout_us; /* of one webhook call; tests make it short */
};

/* One message on its way. */
struct sending {
	struct list node; /* channels.sendings */
	struct channels *owner;
	struct id delivery_id;
	struct http_call *call;
	struct defer defer; /* tells a failure that was known at once */
	enum channel_outcome outcome;
	char *text;
	struct list turn; /* printer.c: in its queue, */
	struct buf print; /* what is to be printed, */
	size_t printed;   /* and how much of it was */
};

struct sending *sending_new(struct channels *c, const struct id *delivery_id);
/* Tells the outcome and frees s; text may be NULL. Not from inside send(). */
void sending_end(
	struct sending *s, enum channel_outcome outcome, int64_t retry_after_us, const char *text);
/* The same from inside send(): told in the next turn. */
void sending_end_later(struct sending *s, enum channel_outcome outcome, const char *text);

/* printer.c: stdout. `fd` is borrowed. */
struct printer *printer_new(struct channels *c, int fd);
void printer_free(struct printer *p);
void printer_send(struct printer *p, struct sending *s, const struct channel_message *m);
/* The block of text that is printed for a message. */
void printer_render(struct buf *out, const struct channel_message *m);

/* webhook.c */
void webhook_send(
	struct sending *s, const struct channel_target *to, const struct channel_message *m);
bool webhook_target_is_valid(const struct channel_target *to, struct err *e);
/* The body that is posted; false when the message is no JSON object with a job. */
bool webhook_body(struct buf *out, const struct channel_message *m, int64_t now_real);

#endif
