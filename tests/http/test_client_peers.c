/* SPDX-License-Identifier: MIT */
/*
 * tests/http/test_client_peers.c - the client against peers that are mute, cut their answers short,
 * say too much or are not there; and against addresses it must not talk to.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "http/caller.h"

enum { TURNS_MAX = 5000 };

struct raw {
	int listen_fd, fd;
	char *url;
};

static void raw_listen(struct raw *r)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);

	r->fd = -1;
	r->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(r->listen_fd, (const struct sockaddr *)&a, n), 0);
	assert_int_equal(listen(r->listen_fd, 5), 0);
	assert_int_equal(getsockname(r->listen_fd, (struct sockaddr *)&a, &n), 0);
	r->url = xasprintf("http://127.0.0.1:%u/raw", ntohs(a.sin_port));
}

static void raw_close(struct raw *r)
{
	closep(&r->fd);
	closep(&r->listen_fd);
	free(r->url);
}

/* Waits for a connection (unless there is one) and for a request on it. */
static void raw_request(struct fixture *f, struct raw *r)
{
	char bytes[4096];
	ssize_t n = -1;

	for (unsigned i = 0; i < TURNS_MAX && n <= 0; i++) {
		world_turn(f->w);
		if (r->fd < 0)
			r->fd = accept4(r->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (r->fd >= 0)
			n = recv(r->fd, bytes, sizeof(bytes), 0);
	}
	assert_true(n > 0);
}

static void raw_say(struct raw *r, const char *text)
{
	assert_int_equal(send(r->fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Sends a request, answers it with these bytes and closes. */
static void run_raw(struct fixture *f, const char *answer, const struct http_spec *spec)
{
	struct http_spec mine = *spec;
	struct raw r;

	raw_listen(&r);
	mine.url = r.url;
	call_start(f, &mine);
	raw_request(f, &r);
	raw_say(&r, answer);
	closep(&r.fd);
	call_wait(f, mine.ctx);
	raw_close(&r);
}

static void mute_peer_ends_at_the_deadline(void **state)
{
	struct fixture *f = *state;
	CLEANUP(freep) char *path = world_path(f->w, "mute");
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct seen s;
	struct http_spec spec = spec_of(f, "POST", &s);

	memcpy(a.sun_path, path, strlen(path));
	assert_int_equal(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 5), 0);
	spec.unix_socket = path;
	spec.timeout_us = 300 * US_PER_MS;
	call_run(f, &spec);
	assert_int_equal(s.error, -ETIMEDOUT);
	assert_int_equal(s.status, 0);
	/* It may have read it: connecting succeeded by itself. */
	assert_true(s.was_sent);
	seen_fini(&s);
	(void)close(fd);
}

static void nobody_there_is_refused(void **state)
{
	struct fixture *f = *state;
	struct seen s;
	struct http_spec spec = spec_of(f, "POST", &s);

	spec.unix_socket = "/nonexistent/socket";
	call_run(f, &spec);
	assert_int_equal(s.error, -ECONNREFUSED);
	assert_false(s.was_sent);
	seen_fini(&s);
	spec = spec_of(f, "POST", &s);
	spec.url = "http://127.0.0.1:1/";
	call_run(f, &spec);
	assert_int_equal(s.error, -ECONNREFUSED);
	assert_false(s.was_sent);
	assert_true(s.text.n > 0);
	seen_fini(&s);
}

static void answer_limit_is_exact(void **state)
{
	enum { LIMIT = 1000 };
	struct fixture *f = *state;

	for (size_t n = LIMIT - 1; n <= LIMIT + 1; n++) {
		CLEANUP(buf_fini) struct buf body = BUF_NULL;
		struct seen s;
		struct http_spec spec = spec_of(f, "POST", &s);

		/* The echo puts "POST /x " in front. */
		while (body.n < n - strlen("POST /x "))
			buf_add_char(&body, 'b');
		spec.body = buf_slice(&body);
		spec.max_body = LIMIT;
		call_run(f, &spec);
		assert_int_equal(s.error, n > LIMIT ? -EMSGSIZE : 0);
		assert_int_equal(s.status, 200);
		assert_true(s.body.n <= LIMIT);
		seen_fini(&s);
	}
}

static void cut_answers_are_resets(void **state)
{
	static const char *const answers[] = {"", "HTTP/1.1 200 OK\r\nContent-Le",
		"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct seen s;
		struct http_spec spec = spec_of(f, "POST", &s);

		run_raw(f, answers[i], &spec);
		assert_int_equal(s.error, -ECONNRESET);
		assert_true(s.was_sent);
		seen_fini(&s);
	}
}

static void garbage_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct seen s;
	struct http_spec spec = spec_of(f, "GET", &s);

	run_raw(f, "SSH-2.0-OpenSSH\r\n\r\n", &spec);
	assert_int_equal(s.error, -EIO);
	assert_int_equal(s.status, 0);
	seen_fini(&s);
}

static void redirects_are_not_followed(void **state)
{
	struct fixture *f = *state;
	CLEANUP(freep)
	char *answer = xasprintf(
		"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 2\r\n\r\nno", f->url);
	struct seen s;
	struct http_spec spec = spec_of(f, "GET", &s);

	run_raw(f, answer, &spec);
	assert_int_equal(s.error, 0);
	assert_int_equal(s.status, 302);
	assert_string_equal(buf_str(&s.body), "no");
	assert_int_equal(f->w->handled, 0);
	seen_fini(&s);
}

static void interim_answers_are_passed_over(void **state)
{
	struct fixture *f = *state;
	struct seen s;
	struct http_spec spec = spec_of(f, "GET", &s);

	run_raw(f,
		"HTTP/1.1 103 Early Hints\r\nRetry-After: 9\r\n\r\n"
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nRetry-After: 7\r\n\r\n",
		&spec);
	assert_int_equal(s.error, 0);
	assert_int_equal(s.heads, 1);
	assert_int_equal(s.head_status, 200);
	assert_int_equal(s.retry_after_us, -1);
	seen_fini(&s);
}

/* A first request is answered; the second one is read and the connection closed. */
static void die_after_reading(struct fixture *f, struct raw *r, const char *method, struct seen *s)
{
	struct http_spec spec = spec_of(f, method, s);

	raw_listen(r);
	spec.url = r->url;
	call_start(f, &spec);
	raw_request(f, r);
	raw_say(r, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	call_wait(f, s);
	seen_fini(s);
	spec = spec_of(f, method, s);
	spec.url = r->url;
	call_start(f, &spec);
	raw_request(f, r);
	closep(&r->fd);
}

static void request_that_may_have_been_read_is_not_repeated(void **state)
{
	struct fixture *f = *state;
	struct seen s;
	struct raw r;

	die_after_reading(f, &r, "POST", &s);
	call_wait(f, &s);
	assert_int_equal(s.error, -ECONNRESET);
	assert_true(s.was_sent);
	seen_fini(&s);
	raw_close(&r);
	/* Asking twice does no harm. */
	die_after_reading(f, &r, "GET", &s);
	raw_request(f, &r);
	raw_say(&r, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	call_wait(f, &s);
	assert_int_equal(s.status, 200);
	seen_fini(&s);
	raw_close(&r);
}

/* --- private addresses --- */

static void private_addresses_are_refused(void **state)
{
	struct fixture *f = *state;
	CLEANUP(freep) char *local = xasprintf("http://localhost:%u/", f->w->port);
	CLEANUP(freep) char *mapped = xasprintf("http://[::ffff:127.0.0.1]:%u/", f->w->port);
	const char *urls[] = {f->url, local, mapped};

	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		struct seen s;
		struct http_spec spec = spec_of(f, "GET", &s);

		spec.url = urls[i];
		spec.deny_private = true;
		call_run(f, &spec);
		assert_int_equal(s.error, -EACCES);
		assert_false(s.was_sent);
		assert_non_null(strstr(s.text.p, "private"));
		seen_fini(&s);
	}
	assert_int_equal(f->w->handled, 0);
	assert_int_equal(http_server_connections(f->w->server), 0);
}

static void kept_connection_is_no_way_around(void **state)
{
	struct fixture *f = *state;
	struct seen s;
	struct http_spec spec = spec_of(f, "GET", &s);

	call_run(f, &spec);
	assert_int_equal(s.status, 200);
	seen_fini(&s);
	spec = spec_of(f, "GET", &s);
	spec.deny_private = true;
	call_run(f, &spec);
	assert_int_equal(s.error, -EACCES);
	assert_int_equal(f->w->handled, 1);
	seen_fini(&s);
}

static void proxy_is_for_plain_tcp_only(void **state)
{
	struct fixture *f = *state;
	struct seen s;
	struct http_spec spec = spec_of(f, "GET", &s);

	assert_int_equal(setenv("http_proxy", f->url, 1), 0);
	spec.url = "http://nobody.invalid/far";
	call_run(f, &spec);
	assert_int_equal(s.error, 0);
	assert_string_equal(buf_str(&s.body), "GET /far");
	seen_fini(&s);
	assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1/", 1), 0);
	spec = spec_of(f, "GET", &s);
	spec.unix_socket = f->w->socket;
	call_run(f, &spec);
	assert_int_equal(s.status, 200);
	seen_fini(&s);
	assert_int_equal(unsetenv("http_proxy"), 0);
}

static void addresses_are_judged(void **state UNUSED)
{
	static const char *const private[] = {"0.0.0.0", "10.1.2.3", "100.64.0.1",
		"100.127.255.255", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1",
		"172.31.255.255", "192.0.0.1", "192.168.0.1", "198.18.0.1", "198.19.255.255",
		"224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:10.0.0.1",
		"::ffff:127.0.0.1", "::7f00:1", "64:ff9b::7f00:1", "2002:7f00:1::", "fc00::1",
		"fdff::1", "fe80::1", "febf::1", "fec0::1", "ff02::1", "2001::1", "2001:db8::1",
		"100::1", "", "x", "1.2.3", "fe80::1%lo"};
	static const char *const public[] = {"1.1.1.1", "9.255.255.255", "11.0.0.0",
		"100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1", "169.253.0.1",
		"169.255.0.1", "172.15.255.255", "172.32.0.0", "192.167.0.1", "192.169.0.1",
		"198.17.0.1", "198.20.0.1", "223.255.255.255", "2606:4700::1111", "2a00::1",
		"::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1", "2001:4860:4860::8888"};

	for (size_t i = 0; i < ARRAY_LEN(private); i++)
		assert_true(address_text_is_private(private[i]));
	for (size_t i = 0; i < ARRAY_LEN(public); i++)
		assert_false(address_text_is_private(public[i]));
}

/* --- Retry-After --- */

static void retry_after_is_bounded(void **state UNUSED)
{
	/* 2020-09-13 12:26:40 UTC */
	const int64_t now = INT64_C(1600000000) * US_PER_SEC;
	static const struct {
		const char *value;
		int64_t seconds; /* -1 = none */
	} rows[] = {
		{"0", 0},
		{"1", 1},
		{"3599", 3599},
		{"3600", 3600},
		{"3601", 3600},
		{"99999999999999999999999999", 3600},
		{"-5", 0},
		{"-99999999999999999999999999", 0},
		{"Sun, 13 Sep 2020 12:27:40 GMT", 60},
		{"Sun, 13 Sep 2020 12:26:40 GMT", 0},
		{"Sat, 12 Sep 2020 12:26:40 GMT", 0},
		{"Fri, 31 Dec 2099 23:59:59 GMT", 3600},
		{"", -1},
		{"soon", -1},
		{"-", -1},
		{"Sun, 13 Sep 2020 12:27:40 GMT and much, much more text than a date has", -1},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t want = rows[i].seconds < 0 ? -1 : rows[i].seconds * US_PER_SEC;

		assert_int_equal(retry_after_parse(slice_of(rows[i].value), now), want);
	}
}

static void retry_after_is_told(void **state)
{
	struct fixture *f = *state;
	struct seen s;
	struct http_spec spec = spec_of(f, "GET", &s);

	f->w->refusal = (struct answer){.status = 429, .code = "rate_limited", .retry_after_s = 7};
	call_run(f, &spec);
	assert_int_equal(s.status, 429);
	assert_int_equal(s.retry_after_us, 7 * US_PER_SEC);
	seen_fini(&s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, caller_setup, caller_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(mute_peer_ends_at_the_deadline),
		TEST(nobody_there_is_refused),
		TEST(answer_limit_is_exact),
		TEST(cut_answers_are_resets),
		TEST(garbage_is_an_error),
		TEST(redirects_are_not_followed),
		TEST(interim_answers_are_passed_over),
		TEST(request_that_may_have_been_read_is_not_repeated),
		TEST(private_addresses_are_refused),
		TEST(kept_connection_is_no_way_around),
		TEST(proxy_is_for_plain_tcp_only),
		TEST(addresses_are_judged),
		TEST(retry_after_is_bounded),
		TEST(retry_after_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
