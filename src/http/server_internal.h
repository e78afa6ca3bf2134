/* SPDX-License-Identifier: MIT */
/*
 * http/server_internal.h - what the files of the server share. Not for other rooms.
 *
 * A connection is in one state at a time and walks
 *
 *   HEAD -> BODY -> WAITING -> WRITING -> HEAD ...      (a refusal jumps to WRITING)
 *                           -> STREAM  -> WRITING
 *                              WRITING -> LINGER -> CLOSED
 *
 * It is closed from any state at once; its memory goes when the last function that may hold it has
 * returned (server_leave()). So everybody may close a connection, and whoever calls something that
 * may do so looks at c->state afterwards.
 */
#ifndef PYLON_HTTP_SERVER_INTERNAL_H
#define PYLON_HTTP_SERVER_INTERNAL_H

#include <sys/epoll.h>

#include "http/http.h"
#include "http/parser.h"

/* What an event's pointer points at: the first member of both. */
enum source {
	SOURCE_LISTENER,
	SOURCE_CONNECTION,
};

/* Everything of one kind waits equally long, so a list in order of arrival is sorted by time. */
enum wait {
	WAIT_IDLE,   /* for the next request */
	WAIT_HEAD,   /* for the rest of a head */
	WAIT_MOVE,   /* for bytes of a body or of our answer: looked at once in a while */
	WAIT_LINGER, /* for the client to have read a refusal */
	WAIT_KINDS,
};

/* Copied from base/limits.h at creation; tests set their own. */
struct http_limits {
	size_t connections;
	size_t local_extra; /* so many more over the Unix socket: a flood must not lock us out */
	uint64_t bodies;    /* bytes of all bodies in memory */
	int64_t wait_us[WAIT_KINDS];
	int64_t body_grace_us;
	int64_t write_us;
};

struct listener {
	enum source source;
	int fd; /* -1 = closed */
	bool is_local;
	bool is_paused;
	struct list node;
	struct http_server *server;
	char *path; /* of a Unix socket that we made, else NULL */
	uint64_t device, inode;
	struct folder_watch *folder; /* where path is; NULL = not watched */
	char *trouble;               /* what was logged last about it; NULL = nothing */
};

enum connection_state {
	CONN_HEAD,    /* no request, or a part of its head */
	CONN_BODY,    /* the body of c->req is being read */
	CONN_WAITING, /* c->req is the handler's */
	CONN_WRITING, /* the end of an answer is in c->out */
	CONN_STREAM,  /* c->stream is the handler's */
	CONN_LINGER,  /* the write side is shut, what still comes is thrown away */
	CONN_CLOSED,
};

struct connection {
	enum source source;
	int fd;
	struct http_server *server;
	uint8_t state; /* enum connection_state */
	uint8_t wait;  /* enum wait, when wait_node is linked */
	bool is_local;
	bool is_fresh;   /* no request yet */
	bool is_running; /* connection_advance() is at work */
	bool saw_end;    /* the client has shut its write side */
	bool is_kept;    /* after the answer under way the connection goes on */
	uint32_t mask;   /* epoll events asked for */
	struct list all;
	struct list ready; /* bytes of the next request are in c->in */
	struct list wait_node;
	int64_t wait_mono;  /* when the wait is over */
	int64_t since_mono; /* WAIT_MOVE: start, and bytes since */
	uint64_t moved;
	struct http_request *req;
	struct http_stream *stream;
	struct buf in; /* a partial head, or what was sent ahead; from in_at on */
	size_t in_at;
	struct buf out; /* not sent yet; from out_at on */
	size_t out_at;
};

struct http_request {
	struct http_server *server;
	struct connection *conn; /* NULL when the client has left */
	struct list node;
	struct inbound in;
	struct slice target;
	void *data;
	struct buf path; /* memory of in.path, when it had escapes */
	bool is_local, is_http10, is_head, is_keep_alive;
	bool is_pending; /* counted in server->pending */
	bool has_body;
	struct http_body reader;
	uint64_t length; /* announced; 0 when chunked */
	size_t body_max;
	char *body;
	size_t body_n, body_size;
	struct inbound_field fields[]; /* then the bytes of the head */
};

struct http_stream {
	struct http_server *server;
	struct connection *conn; /* NULL when lost */
	struct list node;        /* in server->lost */
	void (*gone)(void *ctx);
	void (*drained)(void *ctx);
	void *ctx;
	bool is_raw;  /* HTTP/1.0: no chunks */
	bool is_mute; /* HEAD: no content */
	bool is_full; /* the writer waits for `drained` */
};

enum {
	EVENTS_MAX = 256,
	READ_SIZE = 64 << 10,
};

struct http_server {
	struct loop *loop;
	struct http_handlers handlers;
	struct http_limits limits;
	int epoll_fd;
	int reserve_fd; /* given up for a moment to refuse somebody when there is no other */
	struct watch watch;
	struct timer timer;
	struct defer defer;
	struct list listeners;
	struct list connections;
	struct list dead; /* closed connections whose memory is still there */
	struct list ready;
	struct list requests;
	struct list lost; /* streams whose `gone` is due */
	struct list waits[WAIT_KINDS];
	size_t connection_count;
	size_t pending;
	size_t most_pending; /* since memory was last given back */
	int64_t trim_mono;   /* when to give it back; 0 = there is nothing worth it */
	uint64_t body_bytes;
	unsigned depth; /* of server_enter() */
	bool is_paused; /* a listener is */
	bool is_stopping;
	int64_t accept_mono; /* when to try again; 0 = when a connection closes */
	struct buf scratch;  /* an answer being built */
	struct http_head head;
	struct epoll_event events[EVENTS_MAX];
	char read[READ_SIZE];
};

/* server.c: a server that no loop watches, and its part of one turn: tests run it under a fake
 * loop. */
struct http_server *server_create(struct loop *l, const struct http_handlers *h, struct err *e);
void server_poll(struct http_server *s);
/* Brackets around everything that may close connections. */
void server_enter(struct http_server *s);
void server_leave(struct http_server *s);
/* Makes the timer go off no later than this. */
void server_wake_at(struct http_server *s, int64_t at_mono);

/* A request was handed to `handle`; it was answered. */
void server_request_begins(struct http_server *s);
void server_request_ends(struct http_server *s);

/* wait.c */
void wait_set(struct connection *c, enum wait kind);
void wait_clear(struct connection *c);
/* Starts or restarts the measuring of bytes that WAIT_MOVE judges. */
void wait_move(struct connection *c);
bool wait_is(const struct connection *c, enum wait kind);
/* Deals with all waits that are over; returns when the next one will be (0 = none). */
int64_t wait_expire(struct http_server *s, int64_t now);

/* listen.c */
void listener_event(struct listener *l);
/* A connection has turned idle: it may be given up soon for a new one. */
void listeners_idle_one(struct http_server *s);
/* A connection has closed, or it is time to try again. */
void listeners_resume(struct http_server *s);
void listeners_free(struct http_server *s);

/* connection.c */
void connection_open(struct http_server *s, int fd, bool is_local);
void connection_close(struct connection *c);
void connection_event(struct connection *c, uint32_t events);
/* Takes the connection apart; its descriptor is the caller's then. */
int connection_detach(struct connection *c);
/* Between two requests, nothing is buffered. */
void connection_rest(struct connection *c);
/* The wait is over. */
void connection_expire(struct connection *c, int64_t now);
/* Sends, and keeps what cannot be sent now. The connection may be closed afterwards. */
void connection_write(struct connection *c, struct slice data);
size_t connection_backlog(const struct connection *c);
/* The answer is complete (c->out holds the rest of it): goes on with WRITING and what follows. */
void connection_finish(struct connection *c, bool is_kept);
void connection_mask(struct connection *c, uint32_t mask);

/* receive.c: reads once and does what can be done with it. */
void connection_read(struct connection *c);
/* Goes on with bytes that were sent ahead. */
void connection_continue(struct connection *c);

/* request.c */
/* Copies the head. NULL when the path does not decode. */
struct http_request *request_new(struct connection *c, const struct http_head *h, const char *p);
void request_free(struct http_request *r);
/* Adds to the body; a refusal when it gets too large, else NULL. */
const struct http_refusal *request_add_body(struct http_request *r, struct slice data);

/* respond.c */
/* Answers with an error and closes the connection afterwards; c->req is freed. */
void connection_refuse(struct connection *c, const struct http_refusal *why);
/* Empties server->scratch and begins an answer in it. */
struct buf *answer_begin(struct http_server *s, int status, const char *type);
/* The end of a head: Connection and the empty line. */
void answer_end_head(struct buf *b, bool is_kept, bool is_http10);

/* stream.c */
void stream_lost(struct http_stream *st);
void stream_flushed(struct http_stream *st);
void streams_tell(struct http_server *s);

#endif
