/* SPDX-License-Identifier: MIT */
/*
 * tests/http/test_server.c - requests and answers over real sockets: keeping connections, order,
 * bodies and their limits, refusals, clients that leave.
 */
#include <netinet/in.h>
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

static void connection_is_kept_for_the_next_request(void **state)
{
	struct world *w = *state;
	struct peer p;

	peer_connect(&p, w);
	for (int i = 0; i < 3; i++) {
		peer_say(w, &p, GET("/a%20b"));
		assert_int_equal(peer_answer(w, &p), 200);
		assert_string_equal(p.body.p, "GET /a b");
		assert_true(peer_head_has(&p, "Content-Type: text/plain"));
		assert_true(peer_head_has(&p, "Content-Length: 8"));
		assert_false(peer_head_has(&p, "Connection: close"));
	}
	assert_int_equal(http_server_connections(w->server), 1);
	peer_close(&p);
}

static void request_may_come_byte_by_byte(void **state)
{
	static const char text[] =
		"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
		"3\r\nabc\r\n2;e=1\r\nde\r\n0\r\nT: r\r\n\r\n";
	struct world *w = *state;
	struct peer p;

	peer_connect(&p, w);
	for (size_t i = 0; i + 1 < sizeof(text); i++)
		peer_send(w, &p, (struct slice){text + i, 1});
	assert_int_equal(peer_answer(w, &p), 200);
	assert_string_equal(p.body.p, "POST /x abcde");
	peer_close(&p);
}

static void idle_connection_owns_no_buffers(void **state)
{
	struct world *w = *state;
	struct connection *c;
	struct peer p;

	assert_true(sizeof(*c) < 500);
	peer_connect(&p, w);
	peer_say(w, &p, "GET / HTTP/1.1\r\nHo");
	peer_expect_silence(w, &p);
	c = list_entry(w->server->connections.next, struct connection, all);
	assert_true(c->in.n > 0);
	peer_say(w, &p, "st: h\r\n\r\n");
	assert_int_equal(peer_answer(w, &p), 200);
	assert_null(c->in.p);
	assert_null(c->out.p);
	assert_null(c->req);
	peer_close(&p);
}

static void requests_sent_ahead_are_answered_in_order(void **state)
{
	struct world *w = *state;
	struct peer p;

	w->mode = MODE_HOLD;
	peer_connect(&p, w);
	peer_say(w, &p, GET("/0") GET("/1") GET("/2") "GET /3 HTTP/1.1\r\n");
	world_until(w, &w->held_count, 1);
	for (size_t i = 0; i < 3; i++) {
		char want[8];

		/* One at a time. */
		peer_expect_silence(w, &p);
		assert_int_equal(w->held_count, i + 1);
		(void)snprintf(want, sizeof(want), "%zu", i);
		world_answer(w, i);
		assert_int_equal(peer_answer(w, &p), 200);
		assert_string_equal(p.body.p, want);
		if (i < 2)
			world_until(w, &w->held_count, i + 2);
	}
	peer_say(w, &p, "Host: h\r\n\r\n");
	world_until(w, &w->held_count, 4);
	assert_int_equal(http_server_pending(w->server), 1);
	world_answer(w, 3);
	assert_int_equal(http_server_pending(w->server), 0);
	assert_int_equal(peer_answer(w, &p), 200);
	peer_close(&p);
}

static void thousand_requests_in_odd_pieces_are_answered(void **state)
{
	enum { REQUESTS = 1000 };
	struct world *w = *state;
	CLEANUP(buf_fini) struct buf all = BUF_NULL;
	size_t at = 0, piece = 1;
	struct peer p;

	for (unsigned i = 0; i < REQUESTS; i++)
		buf_printf(&all, "POST /%u HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nok", i);
	peer_connect(&p, w);
	while (at < all.n) {
		size_t n = MIN_OF(piece, all.n - at);

		peer_send(w, &p, (struct slice){all.p + at, n});
		peer_read(&p);
		at += n;
		piece = piece * 7 % 4099 + 1;
	}
	for (unsigned i = 0; i < REQUESTS; i++) {
		char want[32];

		assert_int_equal(peer_answer(w, &p), 200);
		(void)snprintf(want, sizeof(want), "POST /%u ok", i);
		assert_string_equal(p.body.p, want);
	}
	peer_close(&p);
}

static void half_closed_client_still_gets_its_answer(void **state)
{
	struct world *w = *state;
	struct peer p;

	w->mode = MODE_HOLD;
	peer_connect(&p, w);
	peer_say(w, &p, GET("/0") GET("/1"));
	assert_int_equal(shutdown(p.fd, SHUT_WR), 0);
	world_until(w, &w->held_count, 1);
	peer_expect_silence(w, &p);
	world_answer(w, 0);
	assert_int_equal(peer_answer(w, &p), 200);
	world_until(w, &w->held_count, 2);
	world_answer(w, 1);
	assert_int_equal(peer_answer(w, &p), 200);
	peer_wait_closed(w, &p);
	assert_false(p.was_reset);
	peer_close(&p);
}

static void request_cut_short_by_a_half_close_is_refused(void **state)
{
	static const char *const parts[] = {"GET / HTTP/1.1\r\nHost",
		"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabc",
		"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		struct peer p;

		peer_connect(&p, w);
		peer_say(w, &p, parts[i]);
		assert_int_equal(shutdown(p.fd, SHUT_WR), 0);
		assert_int_equal(peer_answer(w, &p), 400);
		peer_wait_closed(w, &p);
		peer_close(&p);
	}
	assert_int_equal(w->handled, 0);
	assert_int_equal(http_server_connections(w->server), 0);
}

static void http10_closes_unless_asked_to_keep(void **state)
{
	struct world *w = *state;
	struct peer p;

	peer_connect(&p, w);
	peer_say(w, &p, "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	assert_int_equal(peer_answer(w, &p), 200);
	assert_true(peer_head_has(&p, "Connection: keep-alive"));
	peer_say(w, &p, "GET /b HTTP/1.0\r\n\r\n");
	assert_int_equal(peer_answer(w, &p), 200);
	assert_true(peer_head_has(&p, "Connection: close"));
	peer_wait_closed(w, &p);
	peer_close(&p);
}

static void head_and_204_have_no_body(void **state)
{
	struct world *w = *state;
	struct peer p;

	peer_connect(&p, w);
	peer_say(w, &p, "HEAD /abc HTTP/1.1\r\nHost: h\r\n\r\n");
	peer_wait_bytes(w, &p, 1);
	assert_non_null(strstr(p.in.p, "Content-Length: 9\r\n"));
	assert_true(str_has_suffix(p.in.p, "\r\n\r\n"));
	buf_clear(&p.in);
	w->mode = MODE_EMPTY;
	peer_say(w, &p, GET("/"));
	assert_int_equal(peer_answer(w, &p), 204);
	assert_null(strstr(p.head.p, "Content-"));
	peer_expect_silence(w, &p);
	peer_close(&p);
}

/* --- refusals --- */

static void refusal_is_read_before_the_connection_ends(void **state)
{
	struct world *w = *state;
	CLEANUP(buf_fini) struct buf noise = BUF_NULL;
	struct peer p;

	/* Much more than was read when the refusal was written: a reset would eat the answer. */
	for (size_t i = 0; i < KIB(300); i++)
		buf_add_char(&noise, 'x');
	peer_connect(&p, w);
	peer_say(w, &p, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1, 2\r\n\r\n");
	peer_send(w, &p, buf_slice(&noise));
	assert_int_equal(peer_answer(w, &p), 400);
	assert_true(peer_head_has(&p, "Connection: close"));
	assert_true(peer_head_has(&p, "Content-Type: application/problem+json"));
	assert_string_equal(p.body.p,
		"{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,"
		"\"code\":\"bad_request\",\"detail\":\"The Content-Length is not a number.\"}\n");
	peer_wait_closed(w, &p);
	assert_false(p.was_reset);
	peer_close(&p);
	assert_int_equal(w->handled, 0);
}

static void refusals_have_their_status_and_code(void **state)
{
	static const struct {
		const char *request;
		int status;
		const char *code;
	} rows[] = {
		{"TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", 405, "method_not_allowed"},
		{"BREW / HTTP/1.1\r\nHost: h\r\n\r\n", 501, "method_not_allowed"},
		{"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505, "bad_request"},
		{GET("/%zz"), 400, "bad_request"},
		{GET("/%00"), 400, "bad_request"},
		{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 65537\r\n\r\n", 413, "too_large"},
		{"POST / HTTP/1.1\r\nHost: h\r\nExpect: x\r\n\r\n", 417, "bad_request"},
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(freep) char *code = xasprintf("\"code\":\"%s\"", rows[i].code);
		struct peer p;

		peer_connect(&p, w);
		peer_say(w, &p, rows[i].request);
		assert_int_equal(peer_answer(w, &p), rows[i].status);
		assert_non_null(strstr(p.body.p, code));
		assert_int_equal(peer_head_has(&p, "Allow: " HTTP_METHODS), rows[i].status == 405);
		assert_true(peer_head_has(&p, "Connection: close"));
		peer_close(&p);
	}
	assert_int_equal(w->handled, 0);
}

static void handler_refuses_before_the_body_is_read(void **state)
{
	struct world *w = *state;
	struct peer p;

	w->refusal =
		(struct answer){.status = 404, .code = "not_found", .text = "No \"such\" path."};
	peer_connect(&p, w);
	/* Nothing but the head was sent: the connection can go on. */
	peer_say(w, &p, GET("/"));
	assert_int_equal(peer_answer(w, &p), 404);
	assert_non_null(strstr(p.body.p, "\"detail\":\"No \\\"such\\\" path.\""));
	peer_say(w, &p,
		"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
	assert_int_equal(peer_answer(w, &p), 404);
	assert_true(peer_head_has(&p, "Connection: close"));
	peer_wait_closed(w, &p);
	peer_close(&p);
	assert_int_equal(w->handled, 0);
	assert_int_equal(http_server_pending(w->server), 0);
}

/* --- bodies --- */

static int post_body(struct world *w, size_t n, bool is_chunked)
{
	CLEANUP(buf_fini) struct buf b = BUF_NULL;
	struct peer p;
	int status;

	buf_add_str(&b, "POST / HTTP/1.1\r\nHost: h\r\n");
	if (is_chunked)
		buf_printf(&b, "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", n);
	else
		buf_printf(&b, "Content-Length: %zu\r\n\r\n", n);
	for (size_t i = 0; i < n; i++)
		buf_add_char(&b, (char)('a' + i % 26));
	if (is_chunked)
		buf_add_str(&b, "\r\n0\r\n\r\n");
	peer_connect(&p, w);
	peer_send(w, &p, buf_slice(&b));
	status = peer_answer(w, &p);
	if (status == 200)
		assert_int_equal(p.body.n, strlen("POST / ") + n);
	peer_close(&p);
	return status;
}

static void body_limit_is_exact(void **state)
{
	struct world *w = *state;

	for (int is_chunked = 0; is_chunked <= 1; is_chunked++) {
		w->body_max = 100000;
		assert_int_equal(post_body(w, w->body_max - 1, is_chunked), 200);
		assert_int_equal(post_body(w, w->body_max, is_chunked), 200);
		assert_int_equal(post_body(w, w->body_max + 1, is_chunked), 413);
	}
}

static void memory_for_all_bodies_is_bounded(void **state)
{
	struct world *w = *state;
	struct peer p[2];
	CLEANUP(buf_fini) struct buf part = BUF_NULL;

	w->body_max = 100000;
	w->server->limits.bodies = 150000;
	buf_add_str(&part, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n");
	for (size_t i = 0; i < 90000; i++)
		buf_add_char(&part, 'b');
	peer_connect(&p[0], w);
	peer_send(w, &p[0], buf_slice(&part));
	peer_expect_silence(w, &p[0]);
	assert_true(w->server->body_bytes >= 90000);
	peer_connect(&p[1], w);
	peer_send(w, &p[1], buf_slice(&part));
	assert_int_equal(peer_answer(w, &p[1]), 503);
	assert_non_null(strstr(p[1].body.p, "\"code\":\"full\""));
	assert_true(peer_head_has(&p[1], "Retry-After: 1"));
	/* The first is not disturbed. */
	peer_send(w, &p[0], (struct slice){part.p + part.n - 10000, 10000});
	assert_int_equal(peer_answer(w, &p[0]), 200);
	assert_int_equal(w->server->body_bytes, 0);
	peer_close(&p[0]);
	peer_close(&p[1]);
}

static void continue_is_sent_to_those_who_wait_for_it(void **state)
{
	struct world *w = *state;
	struct peer p;

	peer_connect(&p, w);
	peer_say(w, &p,
		"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
	assert_int_equal(peer_answer(w, &p), 100);
	peer_say(w, &p, "ok");
	assert_int_equal(peer_answer(w, &p), 200);
	assert_string_equal(p.body.p, "POST / ok");
	/* Who sends the body at once does not need it. */
	peer_say(w, &p,
		"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok");
	assert_int_equal(peer_answer(w, &p), 200);
	/* Too large: refused instead of asked for. */
	peer_say(w, &p,
		"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 65537\r\n\r\n");
	assert_int_equal(peer_answer(w, &p), 413);
	peer_close(&p);
}

/* --- clients that leave --- */

static void reset_connection(struct peer *p)
{
	struct linger now = {.l_onoff = 1, .l_linger = 0};

	(void)setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	closep(&p->fd);
}

static void wait_connections(struct world *w, size_t n)
{
	for (unsigned i = 0; i < 1000 && http_server_connections(w->server) != n; i++)
		world_turn(w);
	assert_int_equal(http_server_connections(w->server), n);
}

static void request_outlives_a_client_that_leaves(void **state)
{
	struct world *w = *state;

	w->mode = MODE_HOLD;
	for (size_t i = 0; i < 20; i++) {
		struct peer p;

		if (i % 2 == 0)
			peer_connect(&p, w);
		else
			peer_connect_unix(&p, w->socket);
		peer_say(w, &p, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nok");
		world_until(w, &w->held_count, i + 1);
		reset_connection(&p);
		wait_connections(w, 0);
		peer_close(&p);
	}
	assert_int_equal(http_server_pending(w->server), 20);
	for (size_t i = 0; i < 20; i++) {
		assert_true(slice_eq_str(http_request_inbound(w->held[i])->body, "ok"));
		world_answer(w, i);
	}
	assert_int_equal(http_server_pending(w->server), 0);
}

static void resets_in_the_middle_leave_nothing_behind(void **state)
{
	static const char *const parts[] = {"", "G", "GET / HTTP/1.1\r\nHost: h\r\n",
		"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc", "bad\r\n\r\n"};
	struct world *w = *state;

	for (size_t i = 0; i < 100; i++) {
		struct peer p;

		peer_connect(&p, w);
		peer_say(w, &p, parts[i % ARRAY_LEN(parts)]);
		if (i % 2 == 0)
			reset_connection(&p);
		peer_close(&p);
	}
	wait_connections(w, 0);
	assert_true(list_is_empty(&w->server->requests));
	assert_int_equal(w->server->body_bytes, 0);
	for (size_t i = 0; i < WAIT_KINDS; i++)
		assert_true(list_is_empty(&w->server->waits[i]));
}

static void waiting_connection_makes_no_work(void **state)
{
	struct world *w = *state;
	struct peer p;

	w->mode = MODE_HOLD;
	peer_connect(&p, w);
	peer_say(w, &p, GET("/"));
	world_until(w, &w->held_count, 1);
	/* More bytes and the end of the client's side are there, and nobody spins on them. */
	peer_say(w, &p, "more");
	assert_int_equal(shutdown(p.fd, SHUT_WR), 0);
	for (int i = 0; i < 4; i++)
		world_turn(w);
	assert_int_equal(loop_turn(w->loop, 10000), 0);
	world_answer(w, 0);
	assert_int_equal(peer_answer(w, &p), 200);
	assert_int_equal(peer_answer(w, &p), 400);
	peer_close(&p);
}

/* --- answers --- */

static int respond_answer(struct world *w, struct peer *p, const struct answer *a)
{
	w->mode = MODE_HOLD;
	w->held_count = 0;
	peer_say(w, p, GET("/"));
	world_until(w, &w->held_count, 1);
	http_respond_answer(w->held[0], a);
	return peer_answer(w, p);
}

static void answers_of_the_flow_become_json(void **state)
{
	struct world *w = *state;
	struct answer ok = {.status = 202, .outcome = "accepted", .job_id = "id-1"};
	struct answer ignored = {.status = 200, .outcome = "ignored", .text = "filtered"};
	struct answer full = {
		.status = 503, .code = "full", .text = "No room.", .retry_after_s = 30};
	struct answer method = {.status = 405, .code = "method_not_allowed", .allow = "POST"};
	struct peer p;

	peer_connect(&p, w);
	assert_int_equal(respond_answer(w, &p, &ok), 202);
	assert_true(peer_head_has(&p, "Content-Type: application/json"));
	assert_string_equal(p.body.p, "{\"job_id\":\"id-1\",\"status\":\"accepted\"}\n");
	assert_int_equal(respond_answer(w, &p, &ignored), 200);
	assert_string_equal(p.body.p, "{\"status\":\"ignored\",\"reason\":\"filtered\"}\n");
	assert_int_equal(respond_answer(w, &p, &full), 503);
	assert_true(peer_head_has(&p, "Retry-After: 30"));
	assert_true(peer_head_has(&p, "Content-Type: application/problem+json"));
	assert_non_null(strstr(p.body.p, "\"title\":\"Service Unavailable\",\"status\":503,"
					 "\"code\":\"full\",\"detail\":\"No room.\"}"));
	assert_int_equal(respond_answer(w, &p, &method), 405);
	assert_true(peer_head_has(&p, "Allow: POST"));
	peer_close(&p);
}

static void answer_with_a_body_of_its_own_is_sent_as_it_is(void **state)
{
	struct world *w = *state;
	struct answer echo = {.status = 200,
		.outcome = "handshake",
		.text = "not told",
		.reply = xstrdup("{\"challenge\":\"x\"}\n"),
		.reply_type = "application/json"};
	struct answer empty = {.status = 200, .allow = "POST, OPTIONS", .reply = xstrdup("")};
	struct answer none = {.status = 204, .reply = xstrdup("")};
	struct peer p;

	strv_add(&empty.headers, "WebHook-Allowed-Origin: sender.example");
	strv_add(&empty.headers, "WebHook-Allowed-Rate: *");
	peer_connect(&p, w);
	assert_int_equal(respond_answer(w, &p, &echo), 200);
	assert_true(peer_head_has(&p, "Content-Type: application/json"));
	assert_string_equal(p.body.p, "{\"challenge\":\"x\"}\n");
	assert_int_equal(respond_answer(w, &p, &empty), 200);
	assert_int_equal(p.body.n, 0);
	assert_true(peer_head_has(&p, "Content-Length: 0"));
	assert_true(peer_head_has(&p, "Allow: POST, OPTIONS"));
	assert_true(peer_head_has(&p, "WebHook-Allowed-Origin: sender.example"));
	assert_true(peer_head_has(&p, "WebHook-Allowed-Rate: *"));
	assert_null(strstr(p.head.p, "Content-Type"));
	assert_int_equal(respond_answer(w, &p, &none), 204);
	assert_null(strstr(p.head.p, "Content-"));
	peer_close(&p);
	answer_fini(&echo);
	answer_fini(&empty);
	answer_fini(&none);
}

static void header_with_a_line_break_is_left_out(void **state)
{
	static const char *const headers[] = {
		"X-Good: 1", "X-Bad: 1\r\nX-Evil: 1", "X-Last: 2", NULL};
	struct world *w = *state;
	struct peer p;

	w->mode = MODE_HOLD;
	peer_connect(&p, w);
	peer_say(w, &p, GET("/"));
	world_until(w, &w->held_count, 1);
	http_respond(w->held[0], 200, NULL, SLICE_NULL, headers);
	assert_int_equal(peer_answer(w, &p), 200);
	assert_true(peer_head_has(&p, "X-Good: 1"));
	assert_true(peer_head_has(&p, "X-Last: 2"));
	assert_null(strstr(p.head.p, "Evil"));
	peer_close(&p);
}

static void large_answer_arrives_whole(void **state)
{
	struct world *w = *state;
	CLEANUP(buf_fini) struct buf big = BUF_NULL;
	struct peer p;

	for (size_t i = 0; i < MIB(4); i++)
		buf_add_char(&big, (char)('a' + i % 23));
	w->mode = MODE_HOLD;
	peer_connect(&p, w);
	peer_say(w, &p, GET("/") GET("/next"));
	world_until(w, &w->held_count, 1);
	http_respond(w->held[0], 200, "text/plain", buf_slice(&big), NULL);
	assert_true(w->server->scratch.size <= KIB(64));
	assert_int_equal(peer_answer(w, &p), 200);
	assert_true(slice_eq(buf_slice(&p.body), buf_slice(&big)));
	world_until(w, &w->held_count, 2);
	world_answer(w, 1);
	assert_int_equal(peer_answer(w, &p), 200);
	peer_close(&p);
}

/* --- what handlers may ask --- */

static void request_tells_what_was_sent(void **state)
{
	struct world *w = *state;
	CLEANUP(buf_fini) struct buf v = BUF_NULL;
	struct http_request *r;
	struct slice s;
	struct peer p;

	w->mode = MODE_HOLD;
	peer_connect(&p, w);
	peer_say(w, &p,
		"GET /%61?a=1&b=x+y%2Bz%20&c&d=%zz&a=2 HTTP/1.1\r\nHost: h\r\nX-Y: 1\r\n\r\n");
	world_until(w, &w->held_count, 1);
	r = w->held[0];
	assert_true(slice_eq_str(http_request_target(r), "/%61?a=1&b=x+y%2Bz%20&c&d=%zz&a=2"));
	assert_true(slice_eq_str(http_request_inbound(r)->path, "/a"));
	assert_true(http_request_header(r, "x-y", &s));
	assert_true(slice_eq_str(s, "1"));
	assert_false(http_request_header(r, "x-z", &s));
	assert_true(http_request_query(r, "a", &v));
	assert_string_equal(buf_str(&v), "1");
	buf_clear(&v);
	assert_true(http_request_query(r, "b", &v));
	assert_string_equal(buf_str(&v), "x y+z ");
	buf_clear(&v);
	assert_true(http_request_query(r, "c", &v));
	assert_string_equal(buf_str(&v), "");
	assert_false(http_request_query(r, "d", &v));
	assert_false(http_request_query(r, "e", &v));
	assert_false(http_request_is_local(r));
	http_request_set_data(r, w);
	assert_ptr_equal(http_request_data(r), w);
	world_answer(w, 0);
	peer_close(&p);
}

static void server_may_go_at_any_time(void **state)
{
	static const char *const parts[] = {"", "GET", GET("/"), GET("/") GET("/"), "bad\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc"};
	struct world *w = *state;
	struct peer p[ARRAY_LEN(parts) + 1];

	w->mode = MODE_HOLD;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		peer_connect(&p[i], w);
		peer_say(w, &p[i], parts[i]);
	}
	w->mode = MODE_STREAM;
	peer_connect(&p[ARRAY_LEN(parts)], w);
	peer_say(w, &p[ARRAY_LEN(parts)], GET("/"));
	peer_wait_bytes(w, &p[ARRAY_LEN(parts)], 1);
	assert_non_null(w->stream);
	http_server_free(w->server);
	w->server = NULL;
	assert_int_equal(w->gone, 1);
	for (size_t i = 0; i < ARRAY_LEN(p); i++)
		peer_close(&p[i]);
}

static void ask(struct peer *peers, size_t i)
{
	CLEANUP(freep) char *text = xasprintf("GET /%zu HTTP/1.1\r\nHost: h\r\n\r\n", i);

	assert_int_equal(
		send(peers[i].fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Whoever is heard asks again at once. */
static void ask_again(void *ctx, const struct http_request *r)
{
	ask(ctx, (size_t)(http_request_inbound(r)->path.p[1] - '0'));
}

/* How many requests one turn takes from so many clients that never pause. */
static size_t taken_in_a_turn(size_t peers)
{
	struct world *w = world_new(true);
	struct peer p[4];
	size_t before, taken;

	for (size_t i = 0; i < peers; i++) {
		peer_connect_unix(&p[i], w->socket);
		ask(p, i);
		assert_int_equal(peer_answer(w, &p[i]), 200);
	}
	for (size_t i = 0; i < peers; i++)
		ask(p, i);
	w->first = ask_again;
	w->first_ctx = p;
	before = w->handled;
	server_poll(w->server);
	taken = w->handled - before;
	for (size_t i = 0; i < peers; i++)
		peer_close(&p[i]);
	world_free(w);
	return taken;
}

static void busy_turn_takes_what_comes_meanwhile_but_ends(void **state)
{
	(void)state;
	assert_int_equal(taken_in_a_turn(3), 3);
	assert_int_equal(taken_in_a_turn(4), 16);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(connection_is_kept_for_the_next_request),
		TEST(request_may_come_byte_by_byte),
		TEST(idle_connection_owns_no_buffers),
		TEST(requests_sent_ahead_are_answered_in_order),
		TEST(thousand_requests_in_odd_pieces_are_answered),
		TEST(half_closed_client_still_gets_its_answer),
		TEST(request_cut_short_by_a_half_close_is_refused),
		TEST(http10_closes_unless_asked_to_keep),
		TEST(head_and_204_have_no_body),
		TEST(refusal_is_read_before_the_connection_ends),
		TEST(refusals_have_their_status_and_code),
		TEST(handler_refuses_before_the_body_is_read),
		TEST(body_limit_is_exact),
		TEST(memory_for_all_bodies_is_bounded),
		TEST(continue_is_sent_to_those_who_wait_for_it),
		TEST(request_outlives_a_client_that_leaves),
		TEST(resets_in_the_middle_leave_nothing_behind),
		TEST(waiting_connection_makes_no_work),
		TEST(answers_of_the_flow_become_json),
		TEST(answer_with_a_body_of_its_own_is_sent_as_it_is),
		TEST(header_with_a_line_break_is_left_out),
		TEST(large_answer_arrives_whole),
		TEST(request_tells_what_was_sent),
		TEST(server_may_go_at_any_time),
		cmocka_unit_test(busy_turn_takes_what_comes_meanwhile_but_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
