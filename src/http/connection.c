/* SPDX-License-Identifier: MIT */
/*
 * http/connection.c - one connection from accept to close: its states, events and writing.
 *
 * One request at a time: while it is the handler's or its answer is not sent, nothing is read, so
 * answers keep the order of requests.
 *
 * While the handler has the request, the event mask is emptied, but lazily, at the first event that
 * says there is something to read: most clients send nothing then and the two epoll_ctl calls are
 * saved. Hang-ups are reported whatever the mask is (epoll_ctl(2)).
 *
 * Surprise: closing a socket with unread bytes sends a reset, and a reset makes the client's kernel
 * throw away the answer it has not read yet. So the last answer shuts the write side only and
 * what still comes is thrown away for a while (RFC 9112 section 9.6).
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/server_internal.h"

static const struct http_refusal too_slow = {408, "timeout", "The request took too long."};

void connection_open(struct http_server *s, int fd, bool is_local)
{
	struct connection *c = xcalloc(1, sizeof(*c));
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};

	c->source = SOURCE_CONNECTION;
	c->server = s;
	c->fd = fd;
	c->is_local = is_local;
	c->is_fresh = true;
	c->mask = ev.events;
	list_init(&c->all);
	list_init(&c->ready);
	list_init(&c->wait_node);
	if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0) {
		(void)close(fd);
		free(c);
		return;
	}
	list_append(&s->connections, &c->all);
	s->connection_count++;
	wait_set(c, WAIT_IDLE);
}

int connection_detach(struct connection *c)
{
	struct http_server *s = c->server;
	int fd = c->fd;

	/* Explicit, because a child between fork and exec may hold a copy of it. */
	(void)epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	if (c->req != NULL) {
		c->req->conn = NULL;
		if (!c->req->is_pending)
			request_free(c->req);
		c->req = NULL;
	}
	if (c->stream != NULL)
		stream_lost(c->stream);
	c->stream = NULL;
	c->state = CONN_CLOSED;
	c->fd = -1;
	wait_clear(c);
	list_remove(&c->ready);
	list_remove(&c->all);
	list_append(&s->dead, &c->all);
	buf_fini(&c->in);
	buf_fini(&c->out);
	s->connection_count--;
	listeners_resume(s);
	return fd;
}

void connection_close(struct connection *c)
{
	if (c->state != CONN_CLOSED)
		(void)close(connection_detach(c));
}

void connection_mask(struct connection *c, uint32_t mask)
{
	struct epoll_event ev = {.events = mask, .data.ptr = c};

	if (c->mask != mask && c->state != CONN_CLOSED)
		(void)epoll_ctl(c->server->epoll_fd, EPOLL_CTL_MOD, c->fd, &ev);
	c->mask = mask;
}

/* --- writing --- */

size_t connection_backlog(const struct connection *c)
{
	return c->out.n - c->out_at;
}

/* Returns the bytes sent, 0 when there is no room; closes the connection on an error. */
static size_t try_send(struct connection *c, const char *p, size_t n)
{
	ssize_t sent;

	do
		sent = send(c->fd, p, n, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0 && errno != EAGAIN)
		connection_close(c);
	return sent < 0 ? 0 : (size_t)sent;
}

void connection_write(struct connection *c, struct slice data)
{
	size_t sent = 0;

	if (connection_backlog(c) == 0)
		sent = try_send(c, data.p, data.n);
	if (c->state == CONN_CLOSED || sent == data.n)
		return;
	buf_drop_front(&c->out, c->out_at);
	c->out_at = 0;
	buf_add(&c->out, data.p + sent, data.n - sent);
}

/* Sends what is kept. */
static void flush(struct connection *c)
{
	size_t sent = try_send(c, c->out.p + c->out_at, connection_backlog(c));

	c->out_at += sent;
	c->moved += sent;
	if (c->state == CONN_CLOSED || connection_backlog(c) > 0)
		return;
	buf_fini(&c->out);
	c->out_at = 0;
}

/* --- after the answer --- */

static void linger(struct connection *c)
{
	if (c->saw_end || shutdown(c->fd, SHUT_WR) < 0) {
		connection_close(c);
		return;
	}
	c->state = CONN_LINGER;
	buf_fini(&c->in);
	c->in_at = 0;
	connection_mask(c, EPOLLIN);
	wait_set(c, WAIT_LINGER);
}

void connection_rest(struct connection *c)
{
	if (c->saw_end) {
		connection_close(c);
		return;
	}
	connection_mask(c, EPOLLIN);
	wait_set(c, WAIT_IDLE);
	listeners_idle_one(c->server);
}

/* The answer is sent. */
static void next_request(struct connection *c)
{
	struct http_server *s = c->server;

	if (!c->is_kept) {
		linger(c);
		return;
	}
	c->state = CONN_HEAD;
	wait_clear(c);
	if (c->is_running)
		return;
	if (c->in.n == 0) {
		connection_rest(c);
		return;
	}
	/* Not at once: we may be inside of anybody's http_respond(). */
	connection_mask(c, 0);
	list_remove(&c->ready);
	list_append(&s->ready, &c->ready);
	defer_set(&s->defer);
}

void connection_finish(struct connection *c, bool is_kept)
{
	if (c->state == CONN_CLOSED)
		return;
	c->is_kept = is_kept;
	c->state = CONN_WRITING;
	if (connection_backlog(c) == 0) {
		next_request(c);
		return;
	}
	connection_mask(c, EPOLLOUT);
	wait_move(c);
}

static void discard(struct connection *c)
{
	ssize_t n = recv(c->fd, c->server->read, sizeof(c->server->read), 0);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		connection_close(c);
}

/* --- events --- */

/* There was room to send. */
static void send_some(struct connection *c)
{
	flush(c);
	if (c->state == CONN_CLOSED)
		return;
	if (c->state == CONN_STREAM)
		stream_flushed(c->stream);
	else if (connection_backlog(c) > 0)
		return;
	else if (c->state == CONN_WRITING)
		next_request(c);
	else
		connection_mask(c, EPOLLIN);
}

void connection_event(struct connection *c, uint32_t events)
{
	const uint32_t gone = EPOLLHUP | EPOLLERR;

	switch ((enum connection_state)c->state) {
	case CONN_HEAD:
	case CONN_BODY:
		/* What was sent before a hang-up still counts. */
		if ((events & EPOLLOUT) != 0)
			send_some(c);
		if ((events & (EPOLLIN | gone)) != 0 && c->state <= CONN_BODY)
			connection_read(c);
		break;
	case CONN_WAITING:
		if ((events & gone) != 0)
			connection_close(c);
		else
			connection_mask(c, 0);
		break;
	case CONN_WRITING:
	case CONN_STREAM:
		if ((events & (gone | EPOLLRDHUP)) != 0)
			connection_close(c);
		else if ((events & EPOLLOUT) != 0)
			send_some(c);
		break;
	case CONN_LINGER:
		discard(c);
		break;
	case CONN_CLOSED:
		break;
	}
}

/* True when fewer bytes moved than must have by now: a grace, then HTTP_BODY_RATE_MIN. */
static bool is_too_slow(const struct connection *c, int64_t now, int64_t grace_us)
{
	int64_t earned = INT64_MAX / 2;

	if (c->moved < (uint64_t)(INT64_MAX / 4 / US_PER_SEC))
		earned = (int64_t)c->moved * US_PER_SEC / (int64_t)HTTP_BODY_RATE_MIN;
	return now - c->since_mono > grace_us + earned;
}

static void expire_move(struct connection *c, int64_t now)
{
	const struct http_limits *l = &c->server->limits;

	if (!is_too_slow(c, now, c->state == CONN_BODY ? l->body_grace_us : l->write_us))
		wait_set(c, WAIT_MOVE);
	else if (c->state == CONN_BODY)
		connection_refuse(c, &too_slow);
	else
		connection_close(c);
}

void connection_expire(struct connection *c, int64_t now)
{
	switch ((enum wait)c->wait) {
	case WAIT_MOVE:
		expire_move(c, now);
		break;
	case WAIT_HEAD:
		connection_refuse(c, &too_slow);
		break;
	case WAIT_IDLE:
	case WAIT_LINGER:
	case WAIT_KINDS:
		connection_close(c);
		break;
	}
}
