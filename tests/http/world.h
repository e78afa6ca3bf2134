/* SPDX-License-Identifier: MIT */
/*
 * tests/http/world.h - a server in this process, a handler that does as a test says, and clients
 * with plain sockets. Everything that waits is bounded.
 */
#ifndef PYLON_TESTS_HTTP_WORLD_H
#define PYLON_TESTS_HTTP_WORLD_H

#include "http/server_internal.h"
#include "lib/t.h"

enum mode {
	MODE_ECHO,   /* answer at once: "METHOD path body" */
	MODE_HOLD,   /* keep the request in held[] */
	MODE_STREAM, /* start a stream */
	MODE_EMPTY,  /* 204 */
};

struct world {
	struct loop *loop;
	struct http_server *server;
	bool is_fake; /* fake clock; the server is polled */
	uint16_t port;
	char *folder;
	char *socket; /* path of the Unix socket */
	/* what the handler does */
	void (*first)(void *ctx, const struct http_request *r); /* or NULL */
	void *first_ctx;
	enum mode mode;
	size_t body_max;
	struct answer refusal; /* of admit, when status is not 0 */
	/* what it saw */
	size_t handled;
	struct http_request *held[64];
	size_t held_count;
	struct http_stream *stream;
	unsigned gone, drained;
	bool was_local;
	int lines_fd;
	struct buf lines_first;
};

/* A server on 127.0.0.1 and on a Unix socket, with a real loop or a fake one. */
struct world *world_new(bool is_fake);
void world_free(struct world *w);
/* One turn; waits a little for something to happen. */
void world_turn(struct world *w);
/* Answers held[i] with its number. */
void world_answer(struct world *w, size_t i);
/* Turns until *value reaches at least n. */
void world_until(struct world *w, const size_t *value, size_t n);
/* The path of a name in the folder; the caller frees. */
char *world_path(const struct world *w, const char *name);

struct peer {
	int fd;
	struct buf in; /* received and not used yet */
	bool is_closed;
	bool was_reset;
	/* the last answer */
	struct buf head, body;
};

#define PEER_NULL ((struct peer){.fd = -1})

void peer_connect(struct peer *p, const struct world *w);
void peer_connect_unix(struct peer *p, const char *path);
void peer_close(struct peer *p);
/* Sends all, turning the world as often as needed. */
void peer_send(struct world *w, struct peer *p, struct slice s);
void peer_say(struct world *w, struct peer *p, const char *text);
/* Takes what has come. */
void peer_read(struct peer *p);
/* Waits for a whole answer (Content-Length or none); its status, 0 = closed without one. */
int peer_answer(struct world *w, struct peer *p);
/* Waits for `n` received bytes. */
void peer_wait_bytes(struct world *w, struct peer *p, size_t n);
void peer_wait_closed(struct world *w, struct peer *p);
/* Turns the world a few times; nothing may come and the connection must stay. */
void peer_expect_silence(struct world *w, struct peer *p);
bool peer_head_has(const struct peer *p, const char *line);

#endif
