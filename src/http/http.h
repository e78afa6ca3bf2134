/* SPDX-License-Identifier: MIT */
/*
 * http/http.h - the HTTP/1.1 server: listeners, requests, answers, streams.
 *
 * The reader is our own strict push parser (http/parser.h, RFC 9112). All connections of a server
 * share one nested epoll descriptor, which is one source of the loop; a request head is parsed in
 * place in a shared read buffer, so an idle connection owns no memory of its own beyond its struct.
 * Refusals are answered, the write side is closed and the rest drained for a moment, or the reset
 * would eat the answer.
 *
 * Life of a request: `admit` sees the head and says how large a body may be (or refuses it);
 * `handle` gets the whole request and must answer exactly once, now or later, with http_respond()
 * or http_stream_start()...http_stream_end(). Until then the connection is out of the poll set
 * (hang-ups still seen): a client that leaves does not undo its job, its answer is dropped.
 * Requests pipelined behind it wait. Request objects belong to the server; everything in them is
 * borrowed until the answer is given.
 */
#ifndef PYLON_HTTP_HTTP_H
#define PYLON_HTTP_HTTP_H

#include "base/inbound.h"
#include "base/limits.h"
#include "loop/loop.h"

struct http_server;
struct http_request;

struct http_handlers {
	/* The head is complete. Return 0 and set *ret_max_body (bytes) to go on; else a status with
	 * *ret_answer filled, which is sent before the body is read. Called before `100 Continue`.
	 */
	int (*admit)(void *ctx, struct http_request *req, size_t *ret_max_body,
		struct answer *ret_answer);
	/* The request is whole. */
	void (*handle)(void *ctx, struct http_request *req);
	/* May be NULL. A connection over the Unix socket began with '{', which no HTTP request
	 * does: it is another protocol's. The descriptor (non-blocking) is the callee's from here
	 * on and the server forgets it; `first` is what was read so far, borrowed for this call. */
	void (*lines)(void *ctx, int fd, struct slice first);
	void *ctx;
};

struct http_server *http_server_new(struct loop *l, const struct http_handlers *h, struct err *e);
/* Closes all connections at once. Streams are told `gone`; requests that were not answered are gone
 * with the server and must not be answered any more. */
void http_server_free(struct http_server *s);
DEFINE_FREEP(struct http_server, http_server_free)

/* Listens on host:port ("" or "0.0.0.0" or "::" = any; a name is not resolved: addresses only, and
 * "localhost"). Port 0 picks one; *ret_port tells which. */
NODISCARD int http_listen_tcp(
	struct http_server *s, const char *host, uint16_t port, uint16_t *ret_port, struct err *e);
/* Listens on a Unix socket path (mode 0600, bound under a temporary name and renamed; what is there
 * and is no socket is not removed; too long a path is an error that says so). Whoever removes the
 * file later gets it made anew. Peers other than our own uid and root are closed at once. */
NODISCARD int http_listen_unix(struct http_server *s, const char *path, struct err *e);
/* Takes over a listening descriptor (socket activation). */
NODISCARD int http_listen_fd(struct http_server *s, int fd, struct err *e);
/* Stops accepting; open requests go on. The Unix socket's file is removed. */
void http_server_stop_listening(struct http_server *s);
/* Requests whose answer is not given yet (streams not counted). */
size_t http_server_pending(const struct http_server *s);
size_t http_server_connections(const struct http_server *s);
/* Path of the Unix socket that it listens on; NULL = none. Borrowed. */
const char *http_server_socket(const struct http_server *s);

/* --- inside handlers --- */
const struct inbound *http_request_inbound(const struct http_request *r);
/* The target as sent (for refusing what decodes strangely), and header by any-case name. */
struct slice http_request_target(const struct http_request *r);
bool http_request_header(const struct http_request *r, const char *name, struct slice *ret);
/* First value of `name` in the query, decoded into out ("%41", and '+' for a blank, as form
 * encoders write it); false when absent or broken. */
bool http_request_query(const struct http_request *r, const char *name, struct buf *out);
bool http_request_is_local(const struct http_request *r); /* came over the Unix socket */
/* Room for the handler's own data until the answer (not freed by the server). */
void http_request_set_data(struct http_request *r, void *data);
void *http_request_data(const struct http_request *r);

/* Answers: status, media type (NULL = no body), body (copied), extra header lines ("Name: value",
 * NULL-ended array or NULL). HEAD gets no body. May free the request: do not touch it afterwards.
 */
void http_respond(struct http_request *r, int status, const char *type, struct slice body,
	const char *const *headers);
/* Answers from a `struct answer`: 2xx as its own reply, else as {"job_id":...,"status":...,
 * "reason":...}; refusals as problem+json (RFC 9457) with `code`; Retry-After, Allow and further
 * lines as set there. */
void http_respond_answer(struct http_request *r, const struct answer *a);

/* A chunked answer that stays open. `gone` is called once when the client leaves or is too slow
 * (more than HTTP_STREAM_BACKLOG bytes behind, or no progress for HTTP_WRITE_TIMEOUT_US): the
 * stream is dead then and must not be used again. It is not called after http_stream_end(), and
 * never from inside of a call of these functions: until it comes, writing does nothing. */
#define HTTP_STREAM_BACKLOG KIB(256)
struct http_stream;
struct http_stream *http_stream_start(
	struct http_request *r, int status, const char *type, void (*gone)(void *ctx), void *ctx);
/* False when the backlog is above half of its bound: better wait (`drained` tells when to go on).
 */
bool http_stream_write(struct http_stream *s, struct slice data);
void http_stream_on_drained(struct http_stream *s, void (*drained)(void *ctx));
void http_stream_end(struct http_stream *s);

/* Reason phrase of a status. */
const char *http_reason(int status);
/* Percent-decodes; false on a broken escape or a NUL. */
bool http_percent_decode(struct slice in, struct buf *out);

#endif
