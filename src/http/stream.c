/* SPDX-License-Identifier: MIT */
/*
 * http/stream.c - answers that stay open: chunked, for event streams and logs that are followed.
 *
 * The kernel's send buffer is bounded, or it would grow until a slow reader is megabytes behind
 * before anybody notices. The end of the client's side counts as leaving (EPOLLRDHUP), so a gone
 * subscriber is noticed at once, not at the next event.
 *
 * Invariant: `gone` is called from the server's defer, never from inside http_stream_write() or
 * any other call, so a writer may walk a list of streams without fear. Between the loss and that
 * call the stream is there and swallows what is written.
 */
#include <stdio.h>
#include <sys/socket.h>

#include "http/server_internal.h"

#define SEND_BUFFER KIB(64)

void stream_lost(struct http_stream *st)
{
	st->conn = NULL;
	list_append(&st->server->lost, &st->node);
	defer_set(&st->server->defer);
}

void streams_tell(struct http_server *s)
{
	while (!list_is_empty(&s->lost)) {
		struct http_stream *st = list_entry(s->lost.next, struct http_stream, node);
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what was freed has left the list */
		void (*gone)(void *ctx) = st->gone;
		void *ctx = st->ctx;

		list_remove(&st->node);
		free(st);
		if (gone != NULL)
			gone(ctx);
	}
}

/* What is wanted of epoll, and whether we wait for the client. */
static void settle(struct http_stream *st)
{
	struct connection *c = st->conn;
	size_t backlog;

	if (c == NULL)
		return;
	backlog = connection_backlog(c);
	if (backlog > HTTP_STREAM_BACKLOG) {
		connection_close(c);
		return;
	}
	connection_mask(c, backlog > 0 ? EPOLLRDHUP | EPOLLOUT : EPOLLRDHUP);
	if (backlog == 0)
		wait_clear(c);
	else if (!wait_is(c, WAIT_MOVE))
		wait_move(c);
}

static void begin(struct http_stream *st, struct connection *c, int status, const char *type)
{
	int size = (int)SEND_BUFFER;
	struct buf *b = answer_begin(c->server, status, type);

	(void)setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	buf_add_str(b, "Cache-Control: no-store\r\n");
	if (!st->is_raw)
		buf_add_str(b, "Transfer-Encoding: chunked\r\n");
	answer_end_head(b, c->is_kept, false);
	connection_write(c, buf_slice(b));
	settle(st);
}

struct http_stream *http_stream_start(
	struct http_request *r, int status, const char *type, void (*gone)(void *ctx), void *ctx)
{
	struct http_server *s = r->server;
	struct connection *c = r->conn;
	struct http_stream *st = xcalloc(1, sizeof(*st));

	*st = (struct http_stream){.server = s, .conn = c, .gone = gone, .ctx = ctx};
	list_init(&st->node);
	st->is_raw = r->is_http10;
	st->is_mute = r->is_head;
	server_enter(s);
	if (r->is_pending)
		server_request_ends(s);
	if (c == NULL) {
		stream_lost(st);
	} else {
		c->req = NULL;
		c->stream = st;
		c->state = CONN_STREAM;
		c->is_kept = r->is_keep_alive && !r->is_http10 && !s->is_stopping;
		begin(st, c, status, type);
	}
	request_free(r);
	server_leave(s);
	return st;
}

static void write_chunk(struct http_stream *st, struct slice data)
{
	struct buf *b = &st->server->scratch;

	if (st->is_raw) {
		connection_write(st->conn, data);
		return;
	}
	buf_clear(b);
	buf_printf(b, "%zx\r\n", data.n);
	buf_add(b, data.p, data.n);
	buf_add_str(b, "\r\n");
	connection_write(st->conn, buf_slice(b));
}

bool http_stream_write(struct http_stream *st, struct slice data)
{
	struct http_server *s = st->server;

	if (st->conn == NULL)
		return false;
	/* A chunk without content would be the end. */
	if (st->is_mute || data.n == 0)
		return true;
	server_enter(s);
	write_chunk(st, data);
	settle(st);
	st->is_full = st->conn == NULL || connection_backlog(st->conn) > HTTP_STREAM_BACKLOG / 2;
	server_leave(s);
	return !st->is_full;
}

void http_stream_on_drained(struct http_stream *st, void (*drained)(void *ctx))
{
	st->drained = drained;
}

void stream_flushed(struct http_stream *st)
{
	struct connection *c = st->conn;

	/* Any progress is enough here; the backlog bounds the rest. */
	if (c->moved > 0 && connection_backlog(c) > 0)
		wait_move(c);
	settle(st);
	if (st->conn == NULL || !st->is_full ||
		connection_backlog(st->conn) > HTTP_STREAM_BACKLOG / 4)
		return;
	st->is_full = false;
	if (st->drained != NULL)
		st->drained(st->ctx);
}

void http_stream_end(struct http_stream *st)
{
	struct http_server *s;
	struct connection *c;

	if (st == NULL)
		return;
	s = st->server;
	c = st->conn;
	server_enter(s);
	list_remove(&st->node);
	if (c != NULL) {
		c->stream = NULL;
		if (!st->is_raw && !st->is_mute)
			connection_write(c, SLICE_LIT("0\r\n\r\n"));
		connection_finish(c, c->is_kept);
	}
	free(st);
	server_leave(s);
}
