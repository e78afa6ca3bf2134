/* SPDX-License-Identifier: MIT */
/*
 * tests/http/test_client.c - the client against our own server: calls, streams, cancelling in all
 * the places where it is allowed. One real loop for both.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "http/caller.h"

enum { TURNS_MAX = 5000 };

/* --- plain calls --- */

static void answer_is_brought_over_tcp_and_unix(void **state)
{
	struct fixture *f = *state;
	struct seen s;
	struct http_spec spec = spec_of(f, "GET", &s);

	call_run(f, &spec);
	assert_int_equal(s.error, 0);
	assert_int_equal(s.status, 200);
	assert_int_equal(s.heads, 1);
	assert_int_equal(s.head_status, 200);
	assert_true(s.was_sent && s.retry_after_us == -1);
	assert_string_equal(buf_str(&s.body), "GET /x");
	seen_fini(&s);

	spec = spec_of(f, "POST", &s);
	spec.unix_socket = f->w->socket;
	spec.url = "http://docker/v1/y";
	spec.body = SLICE_LIT("{}");
	call_run(f, &spec);
	assert_int_equal(s.error, 0);
	assert_true(f->w->was_local);
	assert_string_equal(buf_str(&s.body), "POST /v1/y {}");
	seen_fini(&s);
}

static void connection_is_used_again(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 6; i++) {
		struct seen s;
		struct http_spec spec = spec_of(f, i % 2 == 0 ? "GET" : "POST", &s);

		spec.unix_socket = f->w->socket;
		call_run(f, &spec);
		assert_int_equal(s.status, 200);
		seen_fini(&s);
	}
	assert_int_equal(http_server_connections(f->w->server), 1);
}

static void parallel_calls_all_end(void **state)
{
	enum { CALLS = 16 };
	struct fixture *f = *state;
	struct seen s[CALLS];

	for (size_t i = 0; i < CALLS; i++) {
		struct http_spec spec = spec_of(f, "GET", &s[i]);

		call_start(f, &spec);
	}
	for (size_t i = 0; i < CALLS; i++) {
		call_wait(f, &s[i]);
		assert_int_equal(s[i].status, 200);
		seen_fini(&s[i]);
	}
	/* Only some idle connections are kept. */
	for (int i = 0; i < 20; i++)
		world_turn(f->w);
	assert_true(http_server_connections(f->w->server) <= 8);
}

static void request_is_sent_as_asked(void **state)
{
	static const char *const headers[] = {"X-Mine: 1", "User-Agent: me", NULL};
	struct fixture *f = *state;
	CLEANUP(buf_fini) struct buf big = BUF_NULL;
	const struct inbound *in;
	struct slice v;
	struct seen s;
	struct http_spec spec = spec_of(f, "PATCH", &s);

	for (size_t i = 0; i < MIB(2); i++)
		buf_add_char(&big, 'b');
	spec.headers = headers;
	spec.body = buf_slice(&big);
	f->w->mode = MODE_HOLD;
	f->w->body_max = MIB(3);
	call_start(f, &spec);
	world_until(f->w, &f->w->held_count, 1);
	in = http_request_inbound(f->w->held[0]);
	assert_true(slice_eq_str(in->method, "PATCH"));
	assert_true(slice_eq(in->body, buf_slice(&big)));
	assert_int_equal(inbound_header(in, "x-mine", &v), 1);
	assert_int_equal(inbound_header(in, "user-agent", &v), 1);
	assert_true(slice_eq_str(v, "me"));
	assert_int_equal(inbound_header(in, "expect", &v), 0);
	assert_int_equal(inbound_header(in, "content-type", &v), 0);
	world_answer(f->w, 0);
	call_wait(f, &s);
	assert_int_equal(s.status, 200);
	seen_fini(&s);
}

static void methods_without_a_body_work(void **state)
{
	static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		CLEANUP(freep) char *want = xasprintf("%s /x", methods[i]);
		struct seen s;
		struct http_spec spec = spec_of(f, methods[i], &s);

		call_run(f, &spec);
		assert_int_equal(s.error, 0);
		assert_string_equal(buf_str(&s.body), str_eq(methods[i], "HEAD") ? "" : want);
		seen_fini(&s);
	}
}

static void bad_specs_end_with_an_error(void **state)
{
	static const char *const evil[] = {"X: a\r\nY: b", NULL};
	static const char *const urls[] = {"ftp://127.0.0.1/", "file:///etc/passwd", "http://", ""};
	struct fixture *f = *state;
	struct seen s;
	struct http_spec spec = spec_of(f, "GET", &s);

	spec.headers = evil;
	call_run(f, &spec);
	assert_int_equal(s.error, -EIO);
	assert_non_null(strstr(s.text.p, "control character"));
	seen_fini(&s);
	spec = spec_of(f, "GET / HTTP/1.1\r\nX:", &s);
	call_run(f, &spec);
	assert_int_equal(s.error, -EIO);
	seen_fini(&s);
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		spec = spec_of(f, "GET", &s);
		spec.url = urls[i];
		call_run(f, &spec);
		assert_true(s.error != 0 && !s.was_sent);
		seen_fini(&s);
	}
	assert_int_equal(f->w->handled, 0);
}

/* --- streams --- */

static void stream_brings_pieces_as_they_come(void **state)
{
	struct fixture *f = *state;
	struct seen s;
	struct http_spec spec = spec_of(f, "GET", &s);

	spec.on_data = seen_data;
	spec.timeout_us = 0;
	f->w->mode = MODE_STREAM;
	call_start(f, &spec);
	for (unsigned i = 0; i < TURNS_MAX && s.heads == 0; i++)
		world_turn(f->w);
	assert_int_equal(s.head_status, 200);
	for (unsigned n = 1; n <= 3; n++) {
		assert_true(http_stream_write(f->w->stream, SLICE_LIT("data\n")));
		for (unsigned i = 0; i < TURNS_MAX && s.pieces < n; i++)
			world_turn(f->w);
	}
	assert_string_equal(buf_str(&s.body), "data\ndata\ndata\n");
	assert_int_equal(s.done, 0);
	http_stream_end(f->w->stream);
	call_wait(f, &s);
	assert_int_equal(s.error, 0);
	seen_fini(&s);
}

static void reader_may_end_a_stream(void **state)
{
	struct fixture *f = *state;
	struct seen s;
	struct http_spec spec = spec_of(f, "GET", &s);

	spec.on_data = seen_data;
	s.refuse_data = true;
	call_run(f, &spec);
	assert_int_equal(s.error, -ECANCELED);
	assert_int_equal(s.status, 200);
	seen_fini(&s);
}

static void error_body_of_a_stream_is_gathered(void **state)
{
	struct fixture *f = *state;
	struct seen s;
	struct http_spec spec = spec_of(f, "GET", &s);

	f->w->refusal = (struct answer){.status = 404, .code = "not_found", .text = "No."};
	spec.on_data = seen_data;
	call_run(f, &spec);
	assert_int_equal(s.status, 404);
	assert_int_equal(s.pieces, 0);
	assert_non_null(strstr(buf_str(&s.body), "not_found"));
	seen_fini(&s);
}

/* --- cancelling --- */

static void cancelled_call_is_never_heard_of(void **state)
{
	struct fixture *f = *state;
	struct seen s;
	struct http_spec spec = spec_of(f, "GET", &s);

	/* Over TCP the server would not notice before it answers. */
	spec.unix_socket = f->w->socket;
	/* Before it starts. */
	http_call_cancel(http_call(f->client, &spec));
	quiet_turns(f);
	assert_int_equal(f->w->handled, 0);
	/* Under way. */
	f->w->mode = MODE_HOLD;
	call_start(f, &spec);
	world_until(f->w, &f->w->held_count, 1);
	http_call_cancel(s.call);
	quiet_turns(f);
	assert_int_equal(http_server_connections(f->w->server), 0);
	world_answer(f->w, 0);
	/* From inside its own callback. */
	f->w->mode = MODE_ECHO;
	s.cancel_at_head = true;
	call_start(f, &spec);
	for (unsigned i = 0; i < TURNS_MAX && s.heads == 0; i++)
		world_turn(f->w);
	quiet_turns(f);
	assert_int_equal(s.done, 0);
	assert_true(list_is_empty(&f->client->running));
	assert_true(list_is_empty(&f->client->cancelled));
	http_call_cancel(NULL);
	seen_fini(&s);
}

static void call_cancels_another_from_inside(void **state)
{
	struct fixture *f = *state;

	for (int from_data = 0; from_data <= 1; from_data++) {
		struct seen a, b;
		struct http_spec sa = spec_of(f, "GET", &a), sb = spec_of(f, "GET", &b);

		f->w->mode = MODE_HOLD;
		f->w->held_count = 0;
		call_start(f, &sb);
		world_until(f->w, &f->w->held_count, 1);
		f->w->mode = MODE_ECHO;
		a.victim = &b;
		sa.on_data = from_data ? seen_data : NULL;
		call_run(f, &sa);
		assert_int_equal(a.error, 0);
		world_answer(f->w, 0);
		quiet_turns(f);
		assert_int_equal(b.done, 0);
		seen_fini(&a);
	}
}

static void call_starts_another_from_inside(void **state)
{
	struct fixture *f = *state;

	for (int from_data = 0; from_data <= 1; from_data++) {
		struct seen a, b;
		struct http_spec sa = spec_of(f, "GET", &a), sb = spec_of(f, "GET", &b);

		a.then = &sb;
		a.then_client = f->client;
		sa.on_data = from_data ? seen_data : NULL;
		call_run(f, &sa);
		call_wait(f, &b);
		assert_int_equal(b.status, 200);
		seen_fini(&a);
		seen_fini(&b);
	}
}

static void client_may_go_with_calls_under_way(void **state)
{
	struct fixture *f = *state;
	struct seen s;
	struct http_spec spec = spec_of(f, "GET", &s);

	f->w->mode = MODE_HOLD;
	call_start(f, &spec);
	world_until(f->w, &f->w->held_count, 1);
	call_start(f, &spec);
	http_client_free(f->client);
	f->client = NULL;
	quiet_turns(f);
	assert_int_equal(s.done, 0);
}

/* --- the rest --- */

static void curl_is_started_by_the_first_call(void **state)
{
	struct fixture *f = *state;
	struct seen s;
	struct http_spec spec = spec_of(f, "GET", &s);

	assert_null(f->client->multi);
	call_run(f, &spec);
	assert_non_null(f->client->multi);
	seen_fini(&s);
}

static void sockets_are_not_inherited(void **state)
{
	struct fixture *f = *state;
	struct seen s;
	struct http_spec spec = spec_of(f, "GET", &s);
	struct sockaddr_storage a;

	f->w->mode = MODE_HOLD;
	call_start(f, &spec);
	world_until(f->w, &f->w->held_count, 1);
	for (int fd = 3; fd < 256; fd++) {
		socklen_t n = sizeof(a);

		if (getpeername(fd, (struct sockaddr *)&a, &n) == 0 && a.ss_family == AF_INET)
			assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	}
	http_call_cancel(s.call);
	world_answer(f->w, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, caller_setup, caller_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(answer_is_brought_over_tcp_and_unix),
		TEST(connection_is_used_again),
		TEST(parallel_calls_all_end),
		TEST(request_is_sent_as_asked),
		TEST(methods_without_a_body_work),
		TEST(bad_specs_end_with_an_error),
		TEST(stream_brings_pieces_as_they_come),
		TEST(reader_may_end_a_stream),
		TEST(error_body_of_a_stream_is_gathered),
		TEST(cancelled_call_is_never_heard_of),
		TEST(call_cancels_another_from_inside),
		TEST(call_starts_another_from_inside),
		TEST(client_may_go_with_calls_under_way),
		TEST(curl_is_started_by_the_first_call),
		TEST(sockets_are_not_inherited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
