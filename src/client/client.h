/* SPDX-License-Identifier: MIT */
/*
 * client/client.h - blocking calls to a running daemon, for short-lived commands.
 *
 * HTTP/1.1 over the Unix socket (or plain TCP to a local webhook port), one connection per client,
 * no library. Answers are bounded; every call has a deadline. The peer is our own daemon, yet its
 * answers are parsed as carefully as a stranger's.
 */
#ifndef PYLON_CLIENT_CLIENT_H
#define PYLON_CLIENT_CLIENT_H

#include "base/err.h"
#include "base/str.h"

struct client;

/* Connects. -ENOENT / -ECONNREFUSED: no daemon there (*e says what was tried). */
NODISCARD int client_open_unix(struct client **ret, const char *path, struct err *e);
NODISCARD int client_open_tcp(struct client **ret, const char *host, uint16_t port, struct err *e);
void client_close(struct client *c);
DEFINE_FREEP(struct client, client_close)

struct client_answer {
	int status;
	struct buf body; /* at most 16 MiB */
};
void client_answer_fini(struct client_answer *a);

/* One request; headers is a NULL-ended array of "Name: value" or NULL. 60 s. */
NODISCARD int client_call(struct client *c, const char *method, const char *path,
	const char *const *headers, struct slice body, struct client_answer *ret, struct err *e);
/* A stream: on_data for each piece of the body until it ends or on_data returns false. A status
 * other than 200 ends it with the answer in *ret. */
NODISCARD int client_stream(struct client *c, const char *path,
	bool (*on_data)(void *ctx, struct slice data), void *ctx, struct client_answer *ret,
	struct err *e);

#endif
