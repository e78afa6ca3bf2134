/* SPDX-License-Identifier: MIT */
/*
 * tests/client/test_client.c - the client against peers that say exactly what a test wants, over a
 * Unix socket and over TCP.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include "client/peer.h"

static struct client *open_it(const struct peer *p)
{
	struct client *c = NULL;
	struct err e = CLEAN_ERR;

	assert_int_equal(client_open_unix(&c, p->path, &e), 0);
	return c;
}

/* GET /x of a peer that says `reply`. */
static int call(struct peer *p, const char *reply, struct client_answer *ret, struct err *e)
{
	const char *const replies[] = {reply, NULL};
	CLEANUP(client_closep) struct client *c = NULL;

	peer_start_unix(p, replies);
	c = open_it(p);
	return client_call(c, "GET", "/x", NULL, SLICE_NULL, ret, e);
}

static void expect_body(struct peer *p, const char *reply, int status, const char *body)
{
	CLEANUP(client_answer_fini) struct client_answer a = {0};
	struct err e = CLEAN_ERR;
	int r = call(p, reply, &a, &e);

	if (r != 0)
		fail_msg("%s", e.text);
	assert_int_equal(a.status, status);
	assert_string_equal(buf_str(&a.body), body);
}

static void expect_failure(struct peer *p, const char *reply, int code)
{
	CLEANUP(client_answer_fini) struct client_answer a = {0};
	struct err e = CLEAN_ERR;

	assert_int_equal(call(p, reply, &a, &e), code);
	assert_true(str_has_prefix(e.text, "GET /x: "));
}

static void body_by_length(void **state)
{
	expect_body(*state, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello");
}

static void body_in_chunks(void **state)
{
	expect_body(*state,
		"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n"
		"5\r\nhello\r\nA;x=y\r\n, big worl\r\n1\r\nd\r\n0\r\nTrailer: 1\r\n\r\n",
		404, "hello, big world");
}

static void body_until_the_end(void **state)
{
	expect_body(*state, "HTTP/1.0 200 OK\r\n\r\nall of it", 200, "all of it");
}

static void no_body_with_204(void **state)
{
	expect_body(*state, "HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n", 204, "");
}

static void interim_answers_are_skipped(void **state)
{
	expect_body(*state,
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}",
		202, "{}");
}

static void cut_body_is_a_failure(void **state)
{
	struct peer *p = *state;

	expect_failure(p, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel", -ECONNRESET);
}

static void cut_chunk_is_a_failure(void **state)
{
	expect_failure(*state, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe",
		-ECONNRESET);
}

static void missing_last_chunk_is_a_failure(void **state)
{
	expect_failure(*state, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n",
		-ECONNRESET);
}

static void two_lengths_are_refused(void **state)
{
	expect_failure(*state,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
		-EPROTO);
}

static void repeated_length_is_refused(void **state)
{
	expect_failure(*state, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
		-EPROTO);
}

static void bad_chunk_size_is_refused(void **state)
{
	expect_failure(
		*state, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", -EPROTO);
}

static void other_protocols_are_refused(void **state)
{
	expect_failure(*state, "{\"id\":1}\n\n", -EPROTO);
}

static void status_must_be_three_digits(void **state)
{
	expect_failure(*state, "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n", -EPROTO);
}

static void endless_head_is_refused(void **state)
{
	CLEANUP(buf_fini) struct buf reply = BUF_NULL;

	buf_add_str(&reply, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < 2000; i++)
		buf_add_str(&reply, "X-Filler: 1234567\r\n");
	buf_add_str(&reply, "Content-Length: 0\r\n\r\n");
	expect_failure(*state, buf_str(&reply), -EPROTO);
}

static void answer_larger_than_16_mib_is_refused(void **state)
{
	CLEANUP(buf_fini) struct buf reply = BUF_NULL;

	buf_printf(&reply, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n",
		(16 << 20) + 1);
	buf_reserve(&reply, (16 << 20) + 16);
	for (int i = 0; i <= 16 << 20; i++)
		buf_add_char(&reply, 'x');
	buf_add_str(&reply, "\r\n0\r\n\r\n");
	expect_failure(*state, buf_str(&reply), -EMSGSIZE);
}

static void request_says_what_it_should(void **state)
{
	static const char *const replies[] = {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", NULL};
	static const char *const headers[] = {"Content-Type: application/json", NULL};
	struct peer *p = *state;
	CLEANUP(client_closep) struct client *c = NULL;
	CLEANUP(freep) char *get = NULL;
	CLEANUP(freep) char *post = NULL;
	struct client_answer a = {0};
	struct err e = CLEAN_ERR;

	peer_start_unix(p, replies);
	c = open_it(p);
	assert_int_equal(client_call(c, "GET", "/a?b=1", NULL, SLICE_NULL, &a, &e), 0);
	assert_int_equal(client_call(c, "POST", "/c", headers, SLICE_LIT("{}"), &a, &e), 0);
	get = peer_request(p, 0);
	post = peer_request(p, 1);
	assert_string_equal(get, "GET /a?b=1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
	assert_string_equal(post,
		"POST /c HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
		"Content-Length: 2\r\n\r\n{}");
}

static void line_ends_cannot_be_smuggled_in(void **state)
{
	static const char *const replies[] = {NULL};
	static const char *const bad[] = {"X: a\r\nY: b", NULL};
	struct peer *p = *state;
	CLEANUP(client_closep) struct client *c = NULL;
	struct client_answer a = {0};
	struct err e = CLEAN_ERR;

	peer_start_unix(p, replies);
	c = open_it(p);
	assert_int_equal(client_call(c, "GET", "/a b", NULL, SLICE_NULL, &a, &e), -EINVAL);
	assert_int_equal(client_call(c, "GET", "/a\r\n", NULL, SLICE_NULL, &a, &e), -EINVAL);
	assert_int_equal(client_call(c, "GET", "/a", bad, SLICE_NULL, &a, &e), -EINVAL);
}

static void closed_connection_is_made_anew(void **state)
{
	static const char *const replies[] = {"HTTP/1.1 200 OK\r\n\r\none",
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo", NULL};
	struct peer *p = *state;
	CLEANUP(client_closep) struct client *c = NULL;
	CLEANUP(client_answer_fini) struct client_answer one = {0};
	CLEANUP(client_answer_fini) struct client_answer two = {0};
	struct err e = CLEAN_ERR;

	peer_start_unix(p, replies);
	c = open_it(p);
	assert_int_equal(client_call(c, "GET", "/", NULL, SLICE_NULL, &one, &e), 0);
	assert_int_equal(client_call(c, "GET", "/", NULL, SLICE_NULL, &two, &e), 0);
	assert_string_equal(buf_str(&one.body), "one");
	assert_string_equal(buf_str(&two.body), "two");
}

static void tcp_names_its_host_and_port(void **state)
{
	static const char *const replies[] = {
		"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", NULL};
	struct peer *p = *state;
	CLEANUP(client_closep) struct client *c = NULL;
	CLEANUP(freep) char *want = NULL;
	CLEANUP(freep) char *got = NULL;
	struct client_answer a = {0};
	struct err e = CLEAN_ERR;

	peer_start_tcp(p, replies);
	assert_int_equal(client_open_tcp(&c, "127.0.0.1", p->port, &e), 0);
	assert_int_equal(client_call(c, "POST", "/hook", NULL, SLICE_NULL, &a, &e), 0);
	assert_int_equal(a.status, 202);
	want = xasprintf("Host: 127.0.0.1:%u\r\n", (unsigned)p->port);
	got = peer_request(p, 0);
	assert_non_null(strstr(got, want));
	assert_non_null(strstr(got, "Content-Length: 0\r\n"));
}

static void no_daemon_is_told_apart(void **state)
{
	struct peer *p = *state;
	CLEANUP(freep) char *long_path = xcalloc(1, 300);
	struct client *c = NULL;
	struct err e = CLEAN_ERR;
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	assert_int_equal(client_open_unix(&c, p->path, &e), -ENOENT);
	assert_non_null(strstr(e.text, p->path));
	/* A socket file that nobody listens on any more. */
	assert_true(str_copy(a.sun_path, sizeof(a.sun_path), p->path));
	p->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(p->fd, (struct sockaddr *)&a, sizeof(a)), 0);
	closep(&p->fd);
	assert_int_equal(client_open_unix(&c, p->path, &e), -ECONNREFUSED);
	(void)memset(long_path, 'x', 299);
	assert_int_equal(client_open_unix(&c, long_path, &e), -ENAMETOOLONG);
	assert_null(c);
}

struct gathered {
	struct buf text;
	size_t stop_at;
};

static bool gather(void *ctx, struct slice data)
{
	struct gathered *g = ctx;

	buf_add_slice(&g->text, data);
	return g->text.n < g->stop_at;
}

static void stream_hands_out_pieces_until_it_ends(void **state)
{
	static const char *const replies[] = {
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nafter", NULL};
	struct peer *p = *state;
	CLEANUP(client_closep) struct client *c = NULL;
	CLEANUP(client_answer_fini) struct client_answer a = {0};
	CLEANUP(client_answer_fini) struct client_answer after = {0};
	struct gathered g = {.stop_at = SIZE_MAX};
	struct err e = CLEAN_ERR;

	peer_start_unix(p, replies);
	c = open_it(p);
	assert_int_equal(client_stream(c, "/s", gather, &g, &a, &e), 0);
	assert_int_equal(a.status, 200);
	assert_string_equal(buf_str(&g.text), "onetwo");
	/* The connection is good for more. */
	assert_int_equal(client_call(c, "GET", "/t", NULL, SLICE_NULL, &after, &e), 0);
	assert_string_equal(buf_str(&after.body), "after");
	buf_fini(&g.text);
}

static void stream_ends_when_the_reader_has_enough(void **state)
{
	static const char *const replies[] = {
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n",
		NULL};
	struct peer *p = *state;
	CLEANUP(client_closep) struct client *c = NULL;
	CLEANUP(client_answer_fini) struct client_answer a = {0};
	struct gathered g = {.stop_at = 1};
	struct err e = CLEAN_ERR;

	peer_start_unix(p, replies);
	c = open_it(p);
	assert_int_equal(client_stream(c, "/s", gather, &g, &a, &e), 0);
	assert_true(g.text.n >= 1);
	buf_fini(&g.text);
}

static void refused_stream_is_an_answer(void **state)
{
	static const char *const replies[] = {
		"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope", NULL};
	struct peer *p = *state;
	CLEANUP(client_closep) struct client *c = NULL;
	CLEANUP(client_answer_fini) struct client_answer a = {0};
	struct gathered g = {.stop_at = SIZE_MAX};
	struct err e = CLEAN_ERR;

	peer_start_unix(p, replies);
	c = open_it(p);
	assert_int_equal(client_stream(c, "/s", gather, &g, &a, &e), 0);
	assert_int_equal(a.status, 404);
	assert_string_equal(buf_str(&a.body), "nope");
	assert_int_equal(g.text.n, 0);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, peer_setup, peer_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(body_by_length),
		ROW(body_in_chunks),
		ROW(body_until_the_end),
		ROW(no_body_with_204),
		ROW(interim_answers_are_skipped),
		ROW(cut_body_is_a_failure),
		ROW(cut_chunk_is_a_failure),
		ROW(missing_last_chunk_is_a_failure),
		ROW(two_lengths_are_refused),
		ROW(repeated_length_is_refused),
		ROW(bad_chunk_size_is_refused),
		ROW(other_protocols_are_refused),
		ROW(status_must_be_three_digits),
		ROW(endless_head_is_refused),
		ROW(answer_larger_than_16_mib_is_refused),
		ROW(request_says_what_it_should),
		ROW(line_ends_cannot_be_smuggled_in),
		ROW(closed_connection_is_made_anew),
		ROW(tcp_names_its_host_and_port),
		ROW(no_daemon_is_told_apart),
		ROW(stream_hands_out_pieces_until_it_ends),
		ROW(stream_ends_when_the_reader_has_enough),
		ROW(refused_stream_is_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
