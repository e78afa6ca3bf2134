/* SPDX-License-Identifier: MIT */
/*
 * http/receive.c - from bytes to requests.
 *
 * Bytes are read into the server's one buffer and used where they lie; only what cannot be used
 * yet (a partial head, requests sent ahead) is copied to c->in, so an idle connection owns nothing.
 *
 * Invariant: take_head() and take_body() may change the state of the connection in every way, up to
 * closing it, because handlers answer from inside; the loop in advance() only believes c->state.
 */
#include <errno.h>
#include <sys/socket.h>

#include "http/server_internal.h"

static const struct http_refusal cut_short = {
	400, "bad_request", "The request ended before it was complete."};
static const struct http_refusal bad_path = {
	400, "bad_request", "The path holds a broken percent-escape."};
static const struct http_refusal too_large = {413, "too_large", "The body is too large."};

/* The whole request is there. */
static void hand_to_handler(struct connection *c)
{
	struct http_server *s = c->server;
	struct http_request *r = c->req;

	c->state = CONN_WAITING;
	wait_clear(c);
	r->in.body = (struct slice){r->body, r->body_n};
	r->is_pending = true;
	server_request_begins(s);
	s->handlers.handle(s->handlers.ctx, r);
}

/* The Unix socket speaks a second protocol, whose first byte no HTTP request has. It is decided
 * with the first byte, so `in` is in the server's buffer, not in c->in. */
static bool is_other_protocol(const struct connection *c, struct slice in)
{
	return in.n > 0 && c->is_fresh && c->is_local && in.p[0] == '{' &&
	       c->server->handlers.lines != NULL;
}

static void hand_over(struct connection *c, struct slice in)
{
	struct http_server *s = c->server;

	s->handlers.lines(s->handlers.ctx, connection_detach(c), in);
}

/* Asks the handler how large a body may be; false when it refused and is answered. */
static bool admit(struct connection *c)
{
	struct http_server *s = c->server;
	struct http_request *r = c->req;
	struct answer a = {.status = 0};
	int status;

	if (s->handlers.admit == NULL) {
		r->body_max = BODY_MAX_DEFAULT;
		return true;
	}
	status = s->handlers.admit(s->handlers.ctx, r, &r->body_max, &a);
	if (status == 0)
		return true;
	a.status = status;
	if (r->has_body)
		r->is_keep_alive = false;
	http_respond_answer(r, &a);
	answer_fini(&a);
	return false;
}

static void begin_body(struct connection *c, bool expects_continue)
{
	c->state = CONN_BODY;
	wait_move(c);
	if (expects_continue)
		connection_write(c, SLICE_LIT("HTTP/1.1 100 Continue\r\n\r\n"));
}

/* Takes one head; false when there is nothing more to be done with these bytes now. */
static bool take_head(struct connection *c, struct slice *in)
{
	struct http_head *h = &c->server->head;
	const char *p = in->p;
	enum http_verdict v;

	if (in->n == 0)
		return false;
	if (is_other_protocol(c, *in)) {
		hand_over(c, *in);
		return false;
	}
	v = http_head_parse(h, p, in->n);
	if (v == HTTP_REFUSED)
		connection_refuse(c, &h->refusal);
	if (v != HTTP_DONE)
		return false;
	c->is_fresh = false;
	in->p += h->size;
	in->n -= h->size;
	c->req = request_new(c, h, p);
	if (c->req == NULL)
		connection_refuse(c, &bad_path);
	else if (!admit(c))
		return true;
	else if (c->req->length > c->req->body_max)
		connection_refuse(c, &too_large);
	else if (!c->req->has_body)
		hand_to_handler(c);
	else
		begin_body(c, h->expects_continue && in->n == 0);
	return true;
}

static bool take_body(struct connection *c, struct slice *in)
{
	struct http_request *r = c->req;
	const struct http_refusal *why = NULL;
	struct slice data;
	size_t used;
	enum http_verdict v = http_body_read(&r->reader, in->p, in->n, &used, &data);

	in->p += used;
	in->n -= used;
	c->moved += data.n;
	if (data.n > 0)
		why = request_add_body(r, data);
	if (v == HTTP_REFUSED)
		why = &r->reader.refusal;
	if (why != NULL)
		connection_refuse(c, why);
	else if (v == HTTP_DONE)
		hand_to_handler(c);
	else
		return in->n > 0;
	return true;
}

/* What is left of the bytes waits in c->in. */
static void keep(struct connection *c, struct slice in)
{
	if (c->state == CONN_LINGER || in.n == 0) {
		buf_fini(&c->in);
		c->in_at = 0;
	} else if (c->in.n > 0) {
		c->in_at = (size_t)(in.p - c->in.p);
	} else {
		buf_add(&c->in, in.p, in.n);
	}
}

/* Waits for more of a request. */
static void want_more(struct connection *c)
{
	if (c->state == CONN_HEAD && c->in.n == 0) {
		connection_rest(c);
		return;
	}
	if (c->saw_end) {
		connection_refuse(c, &cut_short);
		return;
	}
	if (c->state == CONN_HEAD && !wait_is(c, WAIT_HEAD))
		wait_set(c, WAIT_HEAD);
	connection_mask(c, connection_backlog(c) > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/* Does all that can be done with the bytes, which are either all of c->in or not in it. */
static void advance(struct connection *c, struct slice in)
{
	bool goes_on = true;

	c->is_running = true;
	while (goes_on) {
		if (c->state == CONN_HEAD)
			goes_on = take_head(c, &in);
		else if (c->state == CONN_BODY)
			goes_on = take_body(c, &in);
		else
			goes_on = false;
	}
	c->is_running = false;
	if (c->state == CONN_CLOSED)
		return;
	keep(c, in);
	if (c->state == CONN_HEAD || c->state == CONN_BODY)
		want_more(c);
}

void connection_continue(struct connection *c)
{
	struct slice in = SLICE_LIT("");

	if (c->in.n > 0)
		in = (struct slice){c->in.p + c->in_at, c->in.n - c->in_at};
	advance(c, in);
}

void connection_read(struct connection *c)
{
	struct http_server *s = c->server;
	/* What is sent ahead of an answer is kept, so not much of it is taken at a time. */
	size_t want = c->state == CONN_BODY ? sizeof(s->read) : HTTP_HEAD_MAX;
	ssize_t n = recv(c->fd, s->read, want, 0);

	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			connection_close(c);
		return;
	}
	c->saw_end = n == 0;
	if (n > 0 && c->in.n == 0) {
		advance(c, (struct slice){s->read, (size_t)n});
		return;
	}
	if (n > 0) {
		buf_drop_front(&c->in, c->in_at);
		c->in_at = 0;
		buf_add(&c->in, s->read, (size_t)n);
	}
	connection_continue(c);
}
