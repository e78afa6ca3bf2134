/* SPDX-License-Identifier: MIT */
/*
 * tests/client/test_upgrade.c - leaving HTTP, or not.
 */
#include <sys/socket.h>

#include "client/peer.h"

#define SWITCHING "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"

/* A child that takes one request, says `reply`, takes what comes until the other side closes its
 * half, and says how much that was. */
static void start_tunnel(struct peer *p, const char *reply)
{
	peer_listen(p);
	p->pid = fork();
	assert_true(p->pid >= 0);
	if (p->pid == 0) {
		CLEANUP(freep) char *count = NULL;
		int fd = accept(p->fd, NULL, NULL);
		char piece[4096];
		size_t total = 0;
		ssize_t n;

		if (peer_read_request(fd, p, 0))
			peer_send(fd, reply);
		while ((n = recv(fd, piece, sizeof(piece), 0)) > 0)
			total += (size_t)n;
		count = xasprintf("%zu came", total);
		peer_send(fd, count);
		(void)close(fd);
		_exit(0);
	}
}

static int upgrade(
	struct peer *p, struct client_answer *answer, struct client_tunnel *tunnel, struct err *e)
{
	CLEANUP(client_closep) struct client *c = NULL;

	assert_int_equal(client_open_unix(&c, p->path, e), 0);
	return client_upgrade(c, "/start", SLICE_LIT("{}"), answer, tunnel, e);
}

/* Everything that comes through the tunnel; free() it. */
static char *listen_to(struct client_tunnel *t)
{
	char piece[64];
	ssize_t n;

	while ((n = recv(t->fd, piece, sizeof(piece), 0)) > 0)
		buf_add(&t->first, piece, (size_t)n);
	assert_int_equal(n, 0);
	return buf_steal(&t->first);
}

/* `reply` begins with a head of 101 and goes on with `said`. */
static void expect_tunnel(struct peer *p, const char *reply, const char *said)
{
	CLEANUP(client_tunnel_fini) struct client_tunnel tunnel = CLIENT_TUNNEL_NULL;
	CLEANUP(client_answer_fini) struct client_answer answer = {0};
	CLEANUP(freep) char *want = xasprintf("%s5 came", said);
	CLEANUP(freep) char *got = NULL;
	struct err e = CLEAN_ERR;

	start_tunnel(p, reply);
	if (upgrade(p, &answer, &tunnel, &e) != 0)
		fail_msg("%s", e.text);
	assert_int_equal(answer.status, 101);
	/* The client is gone; the tunnel lives. */
	assert_int_equal(send(tunnel.fd, "keys\n", 5, MSG_NOSIGNAL), 5);
	assert_int_equal(shutdown(tunnel.fd, SHUT_WR), 0);
	got = listen_to(&tunnel);
	assert_string_equal(got, want);
}

static void both_directions_are_open_and_each_ends_alone(void **state)
{
	expect_tunnel(*state, SWITCHING "\r\n", "");
}

static void what_came_with_the_answer_is_not_lost(void **state)
{
	CLEANUP(buf_fini) struct buf reply = BUF_NULL;

	/* Long replies are sent whole. */
	buf_add_str(&reply, SWITCHING "\r\n");
	for (int i = 0; i < 70000; i++)
		buf_add_char(&reply, (char)('a' + i % 26));
	expect_tunnel(*state, buf_str(&reply), strstr(buf_str(&reply), "\r\n\r\n") + 4);
}

static void nothing_behind_the_answer_is_taken_for_http(void **state)
{
	expect_tunnel(*state, SWITCHING "Content-Length: 3\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\n");
}

static void interim_answers_come_first(void **state)
{
	expect_tunnel(*state, "HTTP/1.1 100 Continue\r\n\r\n" SWITCHING "\r\nhello", "hello");
}

static void request_asks_for_the_upgrade(void **state)
{
	struct peer *p = *state;
	CLEANUP(freep) char *request = NULL;

	expect_tunnel(p, SWITCHING "\r\n", "");
	request = peer_request(p, 0);
	assert_string_equal(request,
		"POST /start HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
		"Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 2\r\n\r\n{}");
}

static void a_refusal_is_an_answer(void **state)
{
	static const char *const replies[] = {
		"HTTP/1.1 409 Conflict\r\nContent-Length: 15\r\n\r\n{\"message\":\"x\"}", NULL};
	CLEANUP(client_tunnel_fini) struct client_tunnel tunnel = CLIENT_TUNNEL_NULL;
	CLEANUP(client_answer_fini) struct client_answer answer = {0};
	struct err e = CLEAN_ERR;

	peer_start_unix(*state, replies);
	assert_int_equal(upgrade(*state, &answer, &tunnel, &e), 0);
	assert_int_equal(answer.status, 409);
	assert_string_equal(buf_str(&answer.body), "{\"message\":\"x\"}");
	assert_int_equal(tunnel.fd, -1);
}

static void expect_failure(struct peer *p, const char *reply, int code)
{
	const char *const replies[] = {reply, NULL};
	CLEANUP(client_tunnel_fini) struct client_tunnel tunnel = CLIENT_TUNNEL_NULL;
	CLEANUP(client_answer_fini) struct client_answer answer = {0};
	struct err e = CLEAN_ERR;

	peer_start_unix(p, replies);
	assert_int_equal(upgrade(p, &answer, &tunnel, &e), code);
	assert_true(str_has_prefix(e.text, "POST /start: "));
	assert_int_equal(tunnel.fd, -1);
}

static void a_switch_to_something_else_is_refused(void **state)
{
	expect_failure(*state, "HTTP/1.1 101 X\r\nUpgrade: h2c\r\n\r\n", -EPROTO);
}

static void a_switch_to_nothing_named_is_refused(void **state)
{
	expect_failure(*state, "HTTP/1.1 101 X\r\nConnection: Upgrade\r\n\r\n", -EPROTO);
}

/* It has no length: waiting for its end would be waiting for ever. */
static void an_endless_200_is_refused_at_once(void **state)
{
	expect_failure(*state, "HTTP/1.1 200 OK\r\n\r\n", -EPROTO);
}

static void a_peer_that_leaves_is_a_failure(void **state)
{
	expect_failure(*state, "HTTP/1.1 101 UPGRADED\r\nUpgr", -ECONNRESET);
}

static void nobody_switches_who_was_not_asked(void **state)
{
	static const char *const replies[] = {SWITCHING "\r\n", NULL};
	CLEANUP(client_closep) struct client *c = NULL;
	CLEANUP(client_answer_fini) struct client_answer answer = {0};
	struct peer *p = *state;
	struct err e = CLEAN_ERR;

	peer_start_unix(p, replies);
	assert_int_equal(client_open_unix(&c, p->path, &e), 0);
	assert_int_equal(client_call(c, "GET", "/x", NULL, SLICE_NULL, &answer, &e), -EPROTO);
}

/* The tunnel has the connection: the next call makes another. */
static void the_client_is_good_for_more_calls(void **state)
{
	static const char *const replies[] = {
		SWITCHING "\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", NULL};
	CLEANUP(client_tunnel_fini) struct client_tunnel tunnel = CLIENT_TUNNEL_NULL;
	CLEANUP(client_closep) struct client *c = NULL;
	CLEANUP(client_answer_fini) struct client_answer first = {0};
	CLEANUP(client_answer_fini) struct client_answer second = {0};
	struct peer *p = *state;
	struct err e = CLEAN_ERR;

	peer_start_unix(p, replies);
	assert_int_equal(client_open_unix(&c, p->path, &e), 0);
	assert_int_equal(client_upgrade(c, "/start", SLICE_NULL, &first, &tunnel, &e), 0);
	assert_int_equal(client_call(c, "GET", "/x", NULL, SLICE_NULL, &second, &e), 0);
	assert_string_equal(buf_str(&second.body), "ok");
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, peer_setup, peer_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(both_directions_are_open_and_each_ends_alone),
		ROW(what_came_with_the_answer_is_not_lost),
		ROW(nothing_behind_the_answer_is_taken_for_http),
		ROW(interim_answers_come_first),
		ROW(request_asks_for_the_upgrade),
		ROW(a_refusal_is_an_answer),
		ROW(a_switch_to_something_else_is_refused),
		ROW(a_switch_to_nothing_named_is_refused),
		ROW(an_endless_200_is_refused_at_once),
		ROW(a_peer_that_leaves_is_a_failure),
		ROW(nobody_switches_who_was_not_asked),
		ROW(the_client_is_good_for_more_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
