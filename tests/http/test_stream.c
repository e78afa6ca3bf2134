/* SPDX-License-Identifier: MIT */
/*
 * tests/http/test_stream.c - answers that stay open: chunks, slow readers, clients that leave, and
 * the other protocol of the Unix socket.
 */
#include <sys/socket.h>

#include "http/world.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"

static int setup(void **state)
{
	*state = world_new(false);
	return 0;
}

static int teardown(void **state)
{
	world_free(*state);
	return 0;
}

static void until_gone(struct world *w, unsigned n)
{
	for (unsigned i = 0; i < 2000 && w->gone < n; i++)
		world_turn(w);
	assert_int_equal(w->gone, n);
}

/* Starts a stream with this request. */
static void start(struct world *w, struct peer *p, const char *request)
{
	w->mode = MODE_STREAM;
	peer_connect(p, w);
	peer_say(w, p, request);
	for (unsigned i = 0; i < 2000 && w->stream == NULL; i++)
		world_turn(w);
	assert_non_null(w->stream);
	assert_int_equal(peer_answer(w, p), 200);
}

static void expect_bytes(struct world *w, struct peer *p, const char *text)
{
	peer_wait_bytes(w, p, strlen(text));
	assert_string_equal(p->in.p, text);
	buf_clear(&p->in);
}

static void stream_is_chunked_and_the_connection_goes_on(void **state)
{
	struct world *w = *state;
	struct peer p;

	start(w, &p, GET("/"));
	assert_true(peer_head_has(&p, "Transfer-Encoding: chunked"));
	assert_true(peer_head_has(&p, "Cache-Control: no-store"));
	assert_int_equal(http_server_pending(w->server), 0);
	assert_true(http_stream_write(w->stream, SLICE_LIT("hello, stream")));
	expect_bytes(w, &p, "d\r\nhello, stream\r\n");
	/* Nothing is not the end. */
	assert_true(http_stream_write(w->stream, SLICE_NULL));
	peer_expect_silence(w, &p);
	/* A request sent ahead waits for the end. */
	w->mode = MODE_ECHO;
	peer_say(w, &p, GET("/next"));
	peer_expect_silence(w, &p);
	http_stream_end(w->stream);
	peer_wait_bytes(w, &p, 5);
	assert_int_equal(memcmp(p.in.p, "0\r\n\r\n", 5), 0);
	buf_drop_front(&p.in, 5);
	assert_int_equal(peer_answer(w, &p), 200);
	assert_string_equal(p.body.p, "GET /next");
	assert_int_equal(w->gone, 0);
	peer_close(&p);
}

static void http10_stream_is_raw_and_ends_with_the_connection(void **state)
{
	struct world *w = *state;
	struct peer p;

	start(w, &p, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	assert_true(peer_head_has(&p, "Connection: close"));
	assert_true(http_stream_write(w->stream, SLICE_LIT("raw")));
	expect_bytes(w, &p, "raw");
	http_stream_end(w->stream);
	peer_wait_closed(w, &p);
	peer_close(&p);
}

static void head_of_a_stream_has_no_content(void **state)
{
	struct world *w = *state;
	struct peer p;

	start(w, &p, "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_true(http_stream_write(w->stream, SLICE_LIT("x")));
	http_stream_end(w->stream);
	peer_expect_silence(w, &p);
	peer_close(&p);
}

static void client_that_leaves_is_noticed_at_once(void **state)
{
	struct world *w = *state;
	struct peer p;

	start(w, &p, GET("/"));
	peer_close(&p);
	until_gone(w, 1);
	/* The end of its side is enough. */
	start(w, &p, GET("/"));
	assert_int_equal(shutdown(p.fd, SHUT_WR), 0);
	until_gone(w, 2);
	peer_close(&p);
	assert_int_equal(http_server_connections(w->server), 0);
}

static void writer_is_never_told_from_inside(void **state)
{
	struct world *w = *state;
	CLEANUP(buf_fini) struct buf piece = BUF_NULL;
	struct peer p;
	unsigned writes = 0;

	for (size_t i = 0; i < KIB(8); i++)
		buf_add_char(&piece, 's');
	start(w, &p, GET("/"));
	/* Nobody reads: the kernel's buffer is bounded, then ours. */
	while (http_stream_write(w->stream, buf_slice(&piece)))
		assert_true(++writes < MIB(4) / KIB(8));
	while (w->stream->conn != NULL)
		assert_false(http_stream_write(w->stream, buf_slice(&piece)));
	assert_int_equal(w->gone, 0);
	assert_false(http_stream_write(w->stream, buf_slice(&piece)));
	until_gone(w, 1);
	assert_int_equal(http_server_connections(w->server), 0);
	peer_close(&p);
}

static void backlog_limit_is_exact(void **state)
{
	struct world *w = *state;
	CLEANUP(buf_fini) struct buf b = BUF_NULL;
	struct peer p;
	size_t room;

	buf_reserve(&b, HTTP_STREAM_BACKLOG);
	memset(b.p, 'x', HTTP_STREAM_BACKLOG);
	start(w, &p, "GET / HTTP/1.0\r\n\r\n");
	while (connection_backlog(w->stream->conn) == 0)
		(void)http_stream_write(w->stream, (struct slice){b.p, KIB(4)});
	room = HTTP_STREAM_BACKLOG - connection_backlog(w->stream->conn);
	(void)http_stream_write(w->stream, (struct slice){b.p, room - 1});
	assert_non_null(w->stream->conn);
	(void)http_stream_write(w->stream, (struct slice){b.p, 1});
	assert_non_null(w->stream->conn);
	(void)http_stream_write(w->stream, (struct slice){b.p, 1});
	assert_null(w->stream->conn);
	until_gone(w, 1);
	peer_close(&p);
}

static void full_writer_hears_when_to_go_on(void **state)
{
	struct world *w = *state;
	CLEANUP(buf_fini) struct buf piece = BUF_NULL;
	struct peer p;
	size_t written = 0;

	for (size_t i = 0; i < KIB(8); i++)
		buf_add_char(&piece, 's');
	start(w, &p, "GET / HTTP/1.0\r\n\r\n");
	do
		written += piece.n;
	while (http_stream_write(w->stream, buf_slice(&piece)));
	for (unsigned i = 0; i < 5000 && w->drained == 0; i++) {
		peer_read(&p);
		world_turn(w);
	}
	assert_int_equal(w->drained, 1);
	assert_true(http_stream_write(w->stream, SLICE_LIT("more")));
	http_stream_end(w->stream);
	peer_wait_closed(w, &p);
	assert_int_equal(p.in.n, written + 4);
	assert_int_equal(w->drained, 1);
	peer_close(&p);
}

static void stream_for_a_client_that_left_before_is_gone(void **state)
{
	struct world *w = *state;
	struct peer p;

	w->mode = MODE_HOLD;
	peer_connect_unix(&p, w->socket);
	peer_say(w, &p, GET("/"));
	world_until(w, &w->held_count, 1);
	peer_close(&p);
	for (unsigned i = 0; i < 2000 && http_server_connections(w->server) > 0; i++)
		world_turn(w);
	w->mode = MODE_STREAM;
	w->server->handlers.handle(w, w->held[0]);
	assert_false(http_stream_write(w->stream, SLICE_LIT("x")));
	assert_int_equal(w->gone, 0);
	until_gone(w, 1);
}

static void lost_stream_may_be_ended_before_it_is_told(void **state)
{
	struct world *w = *state;
	struct peer p;

	start(w, &p, GET("/"));
	connection_close(w->stream->conn);
	http_stream_end(w->stream);
	for (int i = 0; i < 5; i++)
		world_turn(w);
	assert_int_equal(w->gone, 0);
	peer_close(&p);
}

/* --- the other protocol --- */

static void brace_on_the_unix_socket_is_handed_over(void **state)
{
	struct world *w = *state;
	struct peer p;
	char got[8] = "";

	peer_connect_unix(&p, w->socket);
	peer_say(w, &p, "{\"type\":");
	for (unsigned i = 0; i < 2000 && w->lines_fd < 0; i++)
		world_turn(w);
	assert_true(w->lines_fd >= 0);
	assert_string_equal(buf_str(&w->lines_first), "{\"type\":");
	assert_int_equal(http_server_connections(w->server), 0);
	/* It is a working connection of the callee's now. */
	assert_int_equal(send(w->lines_fd, "hi", 2, 0), 2);
	assert_int_equal(recv(p.fd, got, sizeof(got), 0), 2);
	assert_string_equal(got, "hi");
	peer_close(&p);
}

static void brace_elsewhere_is_a_bad_request(void **state)
{
	struct world *w = *state;
	struct peer p;

	peer_connect(&p, w);
	peer_say(w, &p, "{\"type\":1}\r\n");
	assert_int_equal(peer_answer(w, &p), 400);
	peer_close(&p);
	/* A connection that has spoken HTTP stays with it. */
	peer_connect_unix(&p, w->socket);
	peer_say(w, &p, GET("/"));
	assert_int_equal(peer_answer(w, &p), 200);
	assert_true(w->was_local);
	peer_say(w, &p, "{\"type\":1}\r\n");
	assert_int_equal(peer_answer(w, &p), 400);
	assert_int_equal(w->lines_fd, -1);
	peer_close(&p);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(stream_is_chunked_and_the_connection_goes_on),
		TEST(http10_stream_is_raw_and_ends_with_the_connection),
		TEST(head_of_a_stream_has_no_content),
		TEST(client_that_leaves_is_noticed_at_once),
		TEST(writer_is_never_told_from_inside),
		TEST(backlog_limit_is_exact),
		TEST(full_writer_hears_when_to_go_on),
		TEST(stream_for_a_client_that_left_before_is_gone),
		TEST(lost_stream_may_be_ended_before_it_is_told),
		TEST(brace_on_the_unix_socket_is_handed_over),
		TEST(brace_elsewhere_is_a_bad_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
