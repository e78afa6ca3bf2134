/* SPDX-License-Identifier: MIT */
/*
 * tests/http/test_deadlines.c - every deadline of a connection, just before and just after it, with
 * a clock that moves when told. The sockets are real.
 */
#include <poll.h>

#include "http/world.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"

/* WAIT_MOVE is looked at in steps of this. */
#define STEP_US US_PER_SEC

static int setup(void **state)
{
	*state = world_new(true);
	return 0;
}

static int teardown(void **state)
{
	world_free(*state);
	return 0;
}

static void pass(struct world *w, int64_t us)
{
	loop_advance(w->loop, us);
}

static void idle_connection_is_closed_in_silence(void **state)
{
	struct world *w = *state;
	struct peer p;

	peer_connect(&p, w);
	peer_expect_silence(w, &p);
	pass(w, HTTP_IDLE_TIMEOUT_US - 1);
	peer_expect_silence(w, &p);
	pass(w, 1);
	peer_wait_closed(w, &p);
	assert_int_equal(p.in.n, 0);
	peer_close(&p);
}

static void idle_time_begins_anew_with_each_answer(void **state)
{
	struct world *w = *state;
	struct peer p;

	peer_connect(&p, w);
	for (int i = 0; i < 3; i++) {
		peer_say(w, &p, GET("/"));
		assert_int_equal(peer_answer(w, &p), 200);
		pass(w, HTTP_IDLE_TIMEOUT_US - 1);
	}
	peer_expect_silence(w, &p);
	pass(w, 1);
	peer_wait_closed(w, &p);
	peer_close(&p);
}

static void slow_head_is_refused(void **state)
{
	struct world *w = *state;
	struct peer p;

	peer_connect(&p, w);
	peer_expect_silence(w, &p);
	pass(w, US_PER_SEC);
	peer_say(w, &p, "GET / HT");
	peer_expect_silence(w, &p);
	/* More bytes win no time. */
	pass(w, HTTP_HEAD_TIMEOUT_US - 1);
	peer_say(w, &p, "TP");
	peer_expect_silence(w, &p);
	pass(w, 1);
	assert_int_equal(peer_answer(w, &p), 408);
	assert_non_null(strstr(p.body.p, "\"code\":\"timeout\""));
	peer_wait_closed(w, &p);
	peer_close(&p);
}

static void begin_body(struct world *w, struct peer *p)
{
	peer_connect(p, w);
	peer_say(w, p, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\n\r\n");
	peer_expect_silence(w, p);
}

static void body_that_does_not_come_is_refused(void **state)
{
	struct world *w = *state;
	struct peer p;

	begin_body(w, &p);
	pass(w, HTTP_BODY_GRACE_US - 1);
	peer_expect_silence(w, &p);
	pass(w, STEP_US + 1);
	assert_int_equal(peer_answer(w, &p), 408);
	peer_wait_closed(w, &p);
	peer_close(&p);
	assert_true(list_is_empty(&w->server->requests));
}

/* Sends n bytes a second for so many seconds; 0 = still waiting. */
static int dribble(struct world *w, struct peer *p, size_t n, unsigned seconds)
{
	CLEANUP(freep) char *bytes = xcalloc(n, 1);

	memset(bytes, 'b', n);
	for (unsigned i = 0; i < seconds; i++) {
		peer_send(w, p, (struct slice){bytes, n});
		peer_expect_silence(w, p);
		pass(w, US_PER_SEC);
		peer_read(p);
		if (p->in.n > 0)
			return peer_answer(w, p);
	}
	return 0;
}

static void slow_body_is_read_as_long_as_it_keeps_its_rate(void **state)
{
	struct world *w = *state;
	struct peer p;

	begin_body(w, &p);
	assert_int_equal(dribble(w, &p, HTTP_BODY_RATE_MIN, 50), 0);
	peer_close(&p);
	begin_body(w, &p);
	assert_int_equal(dribble(w, &p, HTTP_BODY_RATE_MIN / 2, 50), 408);
	peer_close(&p);
}

static void handler_may_take_its_time(void **state)
{
	struct world *w = *state;
	struct peer p;

	w->mode = MODE_HOLD;
	peer_connect(&p, w);
	peer_say(w, &p, GET("/"));
	world_until(w, &w->held_count, 1);
	pass(w, 3600 * US_PER_SEC);
	peer_expect_silence(w, &p);
	world_answer(w, 0);
	assert_int_equal(peer_answer(w, &p), 200);
	peer_close(&p);
}

static void answer_that_nobody_reads_is_given_up(void **state)
{
	struct world *w = *state;
	CLEANUP(buf_fini) struct buf big = BUF_NULL;
	int64_t earned;
	struct peer p;

	buf_reserve(&big, MIB(32));
	memset(big.p, 'x', MIB(32));
	w->mode = MODE_HOLD;
	peer_connect(&p, w);
	peer_say(w, &p, GET("/"));
	world_until(w, &w->held_count, 1);
	http_respond(w->held[0], 200, NULL, (struct slice){big.p, MIB(32)}, NULL);
	for (int i = 0; i < 20; i++)
		world_turn(w);
	/* What the kernel took after the first send counts as moved. */
	earned = (int64_t)(list_entry(w->server->connections.next, struct connection, all)->moved /
			   HTTP_BODY_RATE_MIN) *
		 US_PER_SEC;
	pass(w, HTTP_WRITE_TIMEOUT_US + earned - 1);
	assert_int_equal(http_server_connections(w->server), 1);
	pass(w, 2 * STEP_US);
	assert_int_equal(http_server_connections(w->server), 0);
	peer_close(&p);
}

/* On a busy machine the kernel may move bytes to the peer's side a little later, which is progress.
 */
static void let_kernel_take_all(struct world *w)
{
	size_t last = 0;

	for (int quiet = 0; quiet < 30; quiet++) {
		world_turn(w);
		(void)poll(NULL, 0, 1);
		if (connection_backlog(w->stream->conn) != last)
			quiet = 0;
		last = connection_backlog(w->stream->conn);
	}
}

static void stream_without_progress_is_lost(void **state)
{
	struct world *w = *state;
	CLEANUP(buf_fini) struct buf piece = BUF_NULL;
	struct peer p;

	buf_reserve(&piece, KIB(16));
	memset(piece.p, 'x', KIB(16));
	w->mode = MODE_STREAM;
	peer_connect(&p, w);
	peer_say(w, &p, GET("/"));
	peer_wait_bytes(w, &p, 1);
	/* A silent stream is fine for ever. */
	pass(w, 3600 * US_PER_SEC);
	assert_int_equal(w->gone, 0);
	for (int i = 0; i < 100 && connection_backlog(w->stream->conn) < KIB(32); i++) {
		while (connection_backlog(w->stream->conn) < KIB(32))
			(void)http_stream_write(w->stream, (struct slice){piece.p, KIB(16)});
		let_kernel_take_all(w);
	}
	pass(w, HTTP_WRITE_TIMEOUT_US - 1);
	assert_int_equal(w->gone, 0);
	pass(w, STEP_US + 1);
	assert_int_equal(w->gone, 1);
	peer_close(&p);
}

static void lingering_ends(void **state)
{
	struct world *w = *state;
	struct peer p;

	peer_connect(&p, w);
	peer_say(w, &p, "bad\r\n\r\n");
	assert_int_equal(peer_answer(w, &p), 400);
	/* The client keeps its side open and goes on talking. */
	peer_say(w, &p, "more");
	pass(w, HTTP_LINGER_US - 1);
	assert_int_equal(http_server_connections(w->server), 1);
	pass(w, 1);
	assert_int_equal(http_server_connections(w->server), 0);
	peer_close(&p);
}

static void nothing_pending_sets_no_timer(void **state)
{
	struct world *w = *state;
	struct peer p;

	peer_connect(&p, w);
	peer_say(w, &p, GET("/"));
	assert_int_equal(peer_answer(w, &p), 200);
	peer_close(&p);
	for (int i = 0; i < 8; i++)
		world_turn(w);
	assert_int_equal(http_server_connections(w->server), 0);
	pass(w, HTTP_IDLE_TIMEOUT_US);
	assert_false(timer_is_set(&w->server->timer));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(idle_connection_is_closed_in_silence),
		TEST(idle_time_begins_anew_with_each_answer),
		TEST(slow_head_is_refused),
		TEST(body_that_does_not_come_is_refused),
		TEST(slow_body_is_read_as_long_as_it_keeps_its_rate),
		TEST(handler_may_take_its_time),
		TEST(answer_that_nobody_reads_is_given_up),
		TEST(stream_without_progress_is_lost),
		TEST(lingering_ends),
		TEST(nothing_pending_sets_no_timer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
