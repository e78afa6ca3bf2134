/* SPDX-License-Identifier: MIT */
/*
 * client/client.h - blocking calls to a running daemon, for short-lived commands; and to the
 * container engine, for a shell in a container.
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

/* What a connection has become when both sides have left HTTP: bytes in both directions. */
struct client_tunnel {
	int fd;           /* a connected stream socket; to be used with MSG_DONTWAIT or poll(2) */
	struct buf first; /* what the peer had already sent behind its answer */
};
#define CLIENT_TUNNEL_NULL ((struct client_tunnel){.fd = -1})
void client_tunnel_fini(struct client_tunnel *t);

/* POSTs `body` (JSON) and asks for `Upgrade: tcp` (RFC 9110 section 7.8), which is how container
 * engines hand out the streams of a process. ret->status 101: *ret_tunnel is the caller's and the
 * client has no connection any more. An answer of 300 and above is a refusal, whole in *ret; a 2xx,
 * or a 101 to something else, is a failure. */
NODISCARD int client_upgrade(struct client *c, const char *path, struct slice body,
	struct client_answer *ret, struct client_tunnel *ret_tunnel, struct err *e);

#endif
