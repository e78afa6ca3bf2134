/* SPDX-License-Identifier: MIT */
/*
 * client/client-internal.h - the connection below the calls.
 */
#ifndef PYLON_CLIENT_CLIENT_INTERNAL_H
#define PYLON_CLIENT_CLIENT_INTERNAL_H

#include "base/limits.h"
#include "client/client.h"

#define ANSWER_BODY_MAX    MIB(16)
#define ANSWER_HEAD_MAX    HTTP_HEAD_MAX
#define CALL_TIMEOUT_US    (60 * US_PER_SEC)
#define STREAM_LINE_MAX    HTTP_CHUNK_LINE_MAX
#define CLIENT_NO_DEADLINE INT64_MAX
#define CLIENT_READ_SIZE   KIB(16)
#define STATUS_SWITCHING   101

struct client {
	char *unix_path; /* NULL = TCP */
	char *host;      /* TCP */
	uint16_t port;
	char *authority;  /* value of Host */
	int fd;           /* -1 = not connected */
	struct buf in;    /* received, not yet used */
	int64_t deadline; /* CLOCK_BOOTTIME us of the call under way */
};

/* --- connect.c --- */

/* Connects, or does nothing when connected and the peer has not hung up since. */
NODISCARD int client_connect(struct client *c, struct err *e);
void client_disconnect(struct client *c);
int64_t client_now(void);
NODISCARD int client_send(struct client *c, struct slice data, struct err *e);
/* Reads some bytes behind c->in. Returns 1, 0 at the end of the stream, or negative. */
NODISCARD int client_fill(struct client *c, struct err *e);

/* --- client.c --- */

struct client_request {
	const char *method, *path;
	const char *const *headers; /* NULL-ended, or NULL */
	struct slice body;
	bool is_upgrade; /* the answer may be 101 */
};

struct client_head;
/* Sends the request and reads the answer's head. */
NODISCARD int client_exchange(
	struct client *c, const struct client_request *q, struct client_head *ret, struct err *e);
/* Reads the whole body of an answer into *ret. */
NODISCARD int client_gather(
	struct client *c, const struct client_head *h, struct client_answer *ret, struct err *e);

/* --- answer.c --- */

/* What an answer's head says about its body. */
struct client_head {
	int status;
	bool is_chunked;
	bool has_length;
	uint64_t length;
	bool closes; /* the connection cannot be used again */
	bool is_tcp; /* with 101: `Upgrade: tcp` */
};

/* Takes a head (the final one: 1xx are skipped, but for 101) off the connection. */
NODISCARD int client_read_head(struct client *c, struct client_head *ret, struct err *e);
/* Hands out the body; on_data returning false ends it with -ECANCELED. */
NODISCARD int client_read_body(struct client *c, const struct client_head *h,
	bool (*on_data)(void *ctx, struct slice data), void *ctx, struct err *e);

#endif
