/* SPDX-License-Identifier: MIT */
/*
 * tests/http/test_parser.c - the request parser against tables: what is good, what is refused and
 * how, every limit at one below, at and one above; and that cutting the bytes changes nothing.
 */
#include "http/parser.h"
#include "lib/t.h"

#define S(text)    SLICE_LIT(text)
#define HOST       "Host: h\r\n"
#define POST(head) S("POST / HTTP/1.1\r\n" HOST head "\r\n")

struct row {
	struct slice bytes;
	int status; /* 0 = accepted */
};

static struct http_head head;

static int verdict_of(struct slice s)
{
	switch (http_head_parse(&head, s.p, s.n)) {
	case HTTP_DONE:
		assert_int_equal(head.size, s.n);
		return 0;
	case HTTP_REFUSED:
		assert_non_null(head.refusal.code);
		assert_non_null(head.refusal.text);
		return head.refusal.status;
	case HTTP_MORE:
		break;
	}
	return -1;
}

/* The verdict of every prefix is "more" or the verdict of the whole, from some length on. */
static void check_prefixes(struct slice s, int status)
{
	bool is_decided = false;

	for (size_t n = 0; n <= s.n; n++) {
		/* An exact copy, so that a sanitizer sees reading beyond it. */
		char *copy = xstrndup(s.p, n);
		enum http_verdict v = http_head_parse(&head, copy, n);

		if (v == HTTP_REFUSED)
			assert_int_equal(head.refusal.status, status);
		if (v == HTTP_DONE)
			assert_true(status == 0 && n == s.n);
		assert_false(is_decided && v == HTTP_MORE);
		is_decided = v != HTTP_MORE;
		free(copy);
	}
	assert_true(is_decided);
}

static void check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int status = verdict_of(rows[i].bytes);

		if (status != rows[i].status)
			print_message("row %zu: got %d, want %d: %.*s\n", i, status, rows[i].status,
				SLICE_ARG(rows[i].bytes));
		assert_int_equal(status, rows[i].status);
		check_prefixes(rows[i].bytes, rows[i].status);
	}
}

static void good_heads_are_accepted(void **state UNUSED)
{
	const struct row rows[] = {
		{S("GET / HTTP/1.1\r\n" HOST "\r\n"), 0},
		{S("\r\nGET / HTTP/1.1\r\n" HOST "\r\n"), 0},
		{S("GET / HTTP/1.0\r\n\r\n"), 0},
		{S("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"), 0},
		{S("OPTIONS http://h HTTP/1.1\r\n" HOST "\r\n"), 0},
		{S("PATCH /a?b=%41&c HTTP/1.1\r\n" HOST "\r\n"), 0},
		{S("DELETE http://h:80/a HTTP/1.1\r\n" HOST "\r\n"), 0},
		{S("HEAD HTTPS://user.example/ HTTP/1.1\r\n" HOST "\r\n"), 0},
		{POST("Content-Length: 0\r\n"), 0},
		{POST("Content-Length: 9999999999999999999\r\n"), 0},
		{POST("content-length:\t7 \t\r\n"), 0},
		{POST("Transfer-Encoding: chunked\r\n"), 0},
		{POST("transfer-encoding: CHUNKED\r\n"), 0},
		{POST("Expect: 100-Continue\r\nContent-Length: 1\r\n"), 0},
		{POST("X:\r\n"), 0},
		{POST("X: \xc3\xa4\xff\tb\r\n"), 0},
		{POST("!#$%&'*+-.^_`|~09azAZ: v\r\n"), 0},
	};

	check_rows(rows, ARRAY_LEN(rows));
}

static void bad_request_lines_are_refused(void **state UNUSED)
{
	const struct row rows[] = {
		{S("GET /\r\n" HOST "\r\n"), 400},
		{S("GET  / HTTP/1.1\r\n" HOST "\r\n"), 400},
		{S("GET /  HTTP/1.1\r\n" HOST "\r\n"), 400},
		{S("GET /a b HTTP/1.1\r\n" HOST "\r\n"), 400},
		{S(" GET / HTTP/1.1\r\n" HOST "\r\n"), 400},
		{S("GET / HTTP/1.1 \r\n" HOST "\r\n"), 400},
		{S("GET / HTTP/11\r\n" HOST "\r\n"), 400},
		{S("GET / http/1.1\r\n" HOST "\r\n"), 400},
		{S("GET / HTTP/1.10\r\n" HOST "\r\n"), 400},
		{S("GET / HTTP/1.x\r\n" HOST "\r\n"), 400},
		{S("GET / HTTP/1.2\r\n" HOST "\r\n"), 505},
		{S("GET / HTTP/0.9\r\n" HOST "\r\n"), 505},
		{S("PRI * HTTP/2.0\r\n\r\n"), 505},
		{S("G\xe9T / HTTP/1.1\r\n" HOST "\r\n"), 400},
		{S("G(T / HTTP/1.1\r\n" HOST "\r\n"), 400},
		{S("GET /\0 HTTP/1.1\r\n" HOST "\r\n"), 400},
		{S("GET /\x7f HTTP/1.1\r\n" HOST "\r\n"), 400},
		{S("GET /\x80 HTTP/1.1\r\n" HOST "\r\n"), 400},
		{S("GET /#a HTTP/1.1\r\n" HOST "\r\n"), 400},
		{S("GET a HTTP/1.1\r\n" HOST "\r\n"), 400},
		{S("GET * HTTP/1.1\r\n" HOST "\r\n"), 400},
		{S("OPTIONS *x HTTP/1.1\r\n" HOST "\r\n"), 400},
		{S("GET ftp://h/ HTTP/1.1\r\n" HOST "\r\n"), 400},
		{S("GET http:///a HTTP/1.1\r\n" HOST "\r\n"), 400},
		{S("GET http://u@h/ HTTP/1.1\r\n" HOST "\r\n"), 400},
		{S("GET h:80 HTTP/1.1\r\n" HOST "\r\n"), 400},
		{S("CONNECT h:443 HTTP/1.1\r\n" HOST "\r\n"), 405},
		{S("TRACE / HTTP/1.1\r\n" HOST "\r\n"), 405},
		{S("BREW / HTTP/1.1\r\n" HOST "\r\n"), 501},
		{S("get / HTTP/1.1\r\n" HOST "\r\n"), 501},
		{S("\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n"), 400},
		{S("\nGET / HTTP/1.1\r\n" HOST "\r\n"), 400},
		{S("\x16\x03\x01\x02\x01\x01\xfc\x03\x03"), 400},
		{S("\x00\x01\x02"), 400},
	};

	check_rows(rows, ARRAY_LEN(rows));
}

static void bad_fields_are_refused(void **state UNUSED)
{
	const struct row rows[] = {
		{S("GET / HTTP/1.1\r\n\r\n"), 400},
		{POST("Host: h\r\n"), 400},
		{S("GET / HTTP/1.1\r\nHost:\r\n\r\n"), 400},
		{S("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), 400},
		{S("GET / HTTP/1.1\r\nHost: u@h\r\n\r\n"), 400},
		{S("GET / HTTP/1.1\r\nHost: h:99999\r\n\r\n"), 400},
		{S("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"), 400},
		{POST(" X: folded\r\n"), 400},
		{POST("X: a\r\n b\r\n"), 400},
		{POST("X: a\r\n\tb\r\n"), 400},
		{POST("X : a\r\n"), 400},
		{POST("X\t: a\r\n"), 400},
		{POST(": a\r\n"), 400},
		{POST("X\r\n"), 400},
		{POST("X(: a\r\n"), 400},
		{POST("\xc3\xa4: a\r\n"), 400},
		{POST("X: a\rb\r\n"), 400},
		{POST("X: a\nY: b\r\n"), 400},
		{POST("X: a\r\r\n"), 400},
		{POST("X: a\0b\r\n"), 400},
		{POST("X: a\x7f\r\n"), 400},
		{POST("X: a\x1b[m\r\n"), 400},
		{POST("Expect: 200-maybe\r\n"), 417},
		{POST("Expect: 100-continue, x\r\n"), 417},
		{POST("Expect:\r\n"), 417},
		{S("GET / HTTP/1.1\nHost: h\n\n"), 400},
	};

	check_rows(rows, ARRAY_LEN(rows));
}

static void every_doubt_about_framing_is_a_refusal(void **state UNUSED)
{
	const struct row rows[] = {
		{POST("Transfer-Encoding:\r\n"), 400},
		{POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
		{POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"), 400},
		{POST("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n"), 400},
		{POST("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"), 400},
		{POST("Transfer-Encoding: identity\r\n"), 501},
		{POST("Transfer-Encoding: chunked, identity\r\n"), 501},
		{POST("Transfer-Encoding: gzip, chunked\r\n"), 501},
		{POST("Transfer-Encoding: xchunked\r\n"), 501},
		{POST("Transfer-Encoding: \"chunked\"\r\n"), 501},
		{POST("Transfer-Encoding: chunked;q=1\r\n"), 501},
		{POST("Transfer-Encoding: chunked\x0b\r\n"), 400},
		{POST("Transfer-Encoding: chunked\0\r\n"), 400},
		{POST("Transfer-Encoding : chunked\r\n"), 400},
		{S("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400},
		{POST("Content-Length: 1\r\nContent-Length: 1\r\n"), 400},
		{POST("Content-Length: 7, 7\r\n"), 400},
		{POST("Content-Length: 7 7\r\n"), 400},
		{POST("Content-Length:\r\n"), 400},
		{POST("Content-Length: +7\r\n"), 400},
		{POST("Content-Length: -7\r\n"), 400},
		{POST("Content-Length: 0x7\r\n"), 400},
		{POST("Content-Length: 7.0\r\n"), 400},
		{POST("Content-Length: \xd9\xa7\r\n"), 400},
		{POST("Content-Length: 10000000000000000000\r\n"), 413},
		{POST("Content-Length: 00000000000000000007\r\n"), 413},
	};

	check_rows(rows, ARRAY_LEN(rows));
}

static void head_is_taken_apart(void **state UNUSED)
{
	struct slice s = S("POST /a/b%20c?x=1&y HTTP/1.1\r\nHost: h:1\r\nX-A:  v w \r\n"
			   "Content-Length: 12\r\n\r\nrest");

	assert_int_equal(http_head_parse(&head, s.p, s.n), HTTP_DONE);
	assert_int_equal(head.size, s.n - 4);
	assert_true(slice_eq_str(head.method, "POST"));
	assert_true(slice_eq_str(head.target, "/a/b%20c?x=1&y"));
	assert_true(slice_eq_str(head.path, "/a/b%20c"));
	assert_true(slice_eq_str(head.query, "x=1&y"));
	assert_int_equal(head.field_count, 3);
	assert_true(slice_eq_str(head.fields[1].name, "X-A"));
	assert_true(slice_eq_str(head.fields[1].value, "v w"));
	assert_int_equal(head.length, 12);
	assert_true(head.is_keep_alive && !head.is_chunked && !head.expects_continue);
}

static void target_names_the_host_when_it_is_absolute(void **state UNUSED)
{
	assert_int_equal(
		verdict_of(S("GET http://real:8?q HTTP/1.1\r\nA: b\r\nhost: other\r\n\r\n")), 0);
	assert_true(slice_eq_str(head.path, "/"));
	assert_true(slice_eq_str(head.query, "q"));
	assert_true(slice_eq_str(head.fields[1].value, "real:8"));
	assert_int_equal(verdict_of(S("OPTIONS http://h HTTP/1.1\r\n" HOST "\r\n")), 0);
	assert_true(slice_eq_str(head.path, "*"));
}

static void connection_options_are_understood(void **state UNUSED)
{
	const struct {
		struct slice bytes;
		bool is_keep_alive;
	} rows[] = {
		{S("GET / HTTP/1.1\r\n" HOST "\r\n"), true},
		{S("GET / HTTP/1.1\r\n" HOST "Connection: Close\r\n\r\n"), false},
		{S("GET / HTTP/1.1\r\n" HOST "Connection: x , close\r\n\r\n"), false},
		{S("GET / HTTP/1.1\r\n" HOST "Connection: x\r\nConnection: close\r\n\r\n"), false},
		{S("GET / HTTP/1.1\r\n" HOST "Connection: keep-alive, close\r\n\r\n"), false},
		{S("GET / HTTP/1.1\r\n" HOST "Connection: closed\r\n\r\n"), true},
		{S("GET / HTTP/1.0\r\n\r\n"), false},
		{S("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"), true},
		{S("GET / HTTP/1.0\r\nConnection: keep-alive,close\r\n\r\n"), false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(verdict_of(rows[i].bytes), 0);
		assert_int_equal(head.is_keep_alive, rows[i].is_keep_alive);
	}
}

static void expectation_is_only_kept_when_a_body_follows(void **state UNUSED)
{
	assert_int_equal(verdict_of(POST("Expect: 100-continue\r\nContent-Length: 1\r\n")), 0);
	assert_true(head.expects_continue);
	assert_int_equal(verdict_of(POST("Expect: 100-continue\r\nContent-Length: 0\r\n")), 0);
	assert_false(head.expects_continue);
	assert_int_equal(
		verdict_of(
			S("PUT / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n")),
		0);
	assert_false(head.expects_continue);
}

static void authorities_are_checked(void **state UNUSED)
{
	static const char *const good[] = {"h", "H.example", "1.2.3.4:80", "[::1]", "[::1]:8080",
		"h:", "h:65535", "a%41b", "x_y-z~", "[1:2::3.4.5.6]"};
	static const char *const bad[] = {"", ":80", "h:65536", "h:-1", "h:8a", "h/a", "h?", "h@h",
		"[]", "[::1", "::1", "[::1]x", "[g::1]", "a%4", "a%zz", "a\"b", "a,b c", "h:80:80"};

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(http_authority_is_valid(slice_of(good[i])));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(http_authority_is_valid(slice_of(bad[i])));
}

/* --- limits --- */

static int status_of(const struct buf *b)
{
	return verdict_of(buf_slice(b));
}

static void target_limit_is_exact(void **state UNUSED)
{
	for (size_t n = HTTP_TARGET_MAX - 1; n <= HTTP_TARGET_MAX + 1; n++) {
		CLEANUP(buf_fini) struct buf b = BUF_NULL;

		buf_add_str(&b, "GET /");
		for (size_t i = 1; i < n; i++)
			buf_add_char(&b, 'a');
		/* Undecided or refused before the line is complete, never otherwise after. */
		assert_int_equal(http_head_parse(&head, b.p, b.n),
			n > HTTP_TARGET_MAX ? HTTP_REFUSED : HTTP_MORE);
		buf_add_str(&b, " HTTP/1.1\r\n" HOST "\r\n");
		assert_int_equal(status_of(&b), n > HTTP_TARGET_MAX ? 414 : 0);
	}
}

static void head_limit_is_exact(void **state UNUSED)
{
	for (size_t n = HTTP_HEAD_MAX - 1; n <= HTTP_HEAD_MAX + 1; n++) {
		CLEANUP(buf_fini) struct buf b = BUF_NULL;

		buf_add_str(&b, "GET / HTTP/1.1\r\n" HOST "X: ");
		while (b.n < n - 4)
			buf_add_char(&b, 'a');
		buf_add_str(&b, "\r\n\r\n");
		assert_int_equal(b.n, n);
		assert_int_equal(status_of(&b), n > HTTP_HEAD_MAX ? 431 : 0);
	}
}

static void field_count_limit_is_exact(void **state UNUSED)
{
	for (size_t n = HTTP_FIELDS_MAX - 1; n <= HTTP_FIELDS_MAX + 1; n++) {
		CLEANUP(buf_fini) struct buf b = BUF_NULL;

		buf_add_str(&b, "GET / HTTP/1.1\r\n" HOST);
		for (size_t i = 1; i < n; i++)
			buf_add_str(&b, "X: y\r\n");
		buf_add_str(&b, "\r\n");
		assert_int_equal(status_of(&b), n > HTTP_FIELDS_MAX ? 431 : 0);
	}
}

/* --- bodies --- */

/* Reads `in` cut into pieces; 0, or the status of the refusal, -1 = wants more. */
static int read_body(
	struct slice in, bool is_chunked, size_t piece, struct buf *content, size_t *ret_used)
{
	struct http_head h = {.is_chunked = is_chunked, .length = is_chunked ? 0 : 5};
	struct http_body b;
	enum http_verdict v = HTTP_MORE;
	size_t at = 0;

	http_body_init(&b, &h);
	while (v == HTTP_MORE && at < in.n) {
		size_t n = MIN_OF(piece, in.n - at), used;
		char *copy = xstrndup(in.p + at, n);
		struct slice data;

		v = http_body_read(&b, copy, n, &used, &data);
		assert_true(used > 0 && used <= n);
		if (data.n > 0)
			buf_add_slice(content, data);
		at += used;
		free(copy);
	}
	*ret_used = at;
	return v == HTTP_MORE ? -1 : v == HTTP_DONE ? 0 : b.refusal.status;
}

struct body_row {
	struct slice bytes;
	int status;
	const char *content;
};

static void check_body(struct slice in, bool is_chunked, int status, const char *content)
{
	const size_t pieces[] = {1, 2, 3, 7, in.n};
	size_t first_used = 0;

	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		CLEANUP(buf_fini) struct buf got = BUF_NULL;
		size_t used;

		assert_int_equal(read_body(in, is_chunked, pieces[i], &got, &used), status);
		assert_string_equal(buf_str(&got), content);
		if (i == 0)
			first_used = used;
		/* The same byte decides. */
		assert_int_equal(used, first_used);
	}
}

static void chunked_bodies_are_read_in_any_pieces(void **state UNUSED)
{
	const struct body_row rows[] = {
		{S("0\r\n\r\n"), 0, ""},
		{S("3\r\nabc\r\n0\r\n\r\n"), 0, "abc"},
		{S("3\r\nabc\r\n0\r\n\r\nGET"), 0, "abc"},
		{S("1\r\na\r\n2\r\nbc\r\n000\r\n\r\n"), 0, "abc"},
		{S("A;x=\"a;b\"\r\n0123456789\r\n0;y\r\n\r\n"), 0, "0123456789"},
		{S("0b\r\n0123456789a\r\n0\r\nX: y\r\nZ:\r\n\r\n"), 0, "0123456789a"},
		{S("3\r\nabc\r\n"), -1, "abc"},
		{S("3\r\nabc\r\n0\r\n"), -1, "abc"},
		{S("g\r\naa\r\n0\r\n\r\n"), 400, ""},
		{S("-1\r\naa\r\n0\r\n\r\n"), 400, ""},
		{S("+1\r\na\r\n0\r\n\r\n"), 400, ""},
		{S("0x1\r\na\r\n0\r\n\r\n"), 400, ""},
		{S(" 1\r\na\r\n0\r\n\r\n"), 400, ""},
		{S("1 \r\na\r\n0\r\n\r\n"), 400, ""},
		{S("2 erf\r\naa\r\n0\r\n\r\n"), 400, ""},
		{S("\r\naa\r\n0\r\n\r\n"), 400, ""},
		{S(";x\r\naa\r\n0\r\n\r\n"), 400, ""},
		{S("1\na\r\n0\r\n\r\n"), 400, ""},
		{S("1\r\na\n0\r\n\r\n"), 400, "a"},
		{S("1\r\naX\r\n0\r\n\r\n"), 400, "a"},
		{S("1\r\na\rX0\r\n\r\n"), 400, "a"},
		{S("1;a\nb\r\na\r\n0\r\n\r\n"), 400, ""},
		{S("1;a\rb\r\na\r\n0\r\n\r\n"), 400, ""},
		{S("1;\x01\r\na\r\n0\r\n\r\n"), 400, ""},
		{S("0\r\n\n"), 400, ""},
		{S("0\r\nX\r\n\r\n"), 400, ""},
		{S("0\r\nX : y\r\n\r\n"), 400, ""},
		{S("0\r\n X: y\r\n\r\n"), 400, ""},
		{S("0\r\nX: y\r\n Z: y\r\n\r\n"), 400, ""},
		{S("0\r\n: y\r\n\r\n"), 400, ""},
		{S("0\r\nX: \0\r\n\r\n"), 400, ""},
		{S("0\r\nX: y\n\r\n"), 400, ""},
		{S("0\r\nX: y\rz\r\n\r\n"), 400, ""},
		{S("0\r\n\rx"), 400, ""},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_body(rows[i].bytes, true, rows[i].status, rows[i].content);
}

static void counted_bodies_end_where_they_said(void **state UNUSED)
{
	check_body(S("12345"), false, 0, "12345");
	check_body(S("12345GET / "), false, 0, "12345");
	check_body(S("1234"), false, -1, "1234");
}

static void chunk_size_must_fit(void **state UNUSED)
{
	struct http_head h = {.is_chunked = true};
	struct http_body b;
	struct slice data;
	size_t used;

	http_body_init(&b, &h);
	assert_int_equal(http_body_read(&b, "fffffffffffffff\r\n", 17, &used, &data), HTTP_MORE);
	assert_true(b.left == UINT64_C(0xfffffffffffffff));
	http_body_init(&b, &h);
	assert_int_equal(
		http_body_read(&b, "0000000000000000001\r\n", 21, &used, &data), HTTP_MORE);
	assert_int_equal(b.left, 1);
	http_body_init(&b, &h);
	assert_int_equal(
		http_body_read(&b, "10000000000000000\r\n", 19, &used, &data), HTTP_REFUSED);
	/* It stays refused. */
	assert_int_equal(http_body_read(&b, "0", 1, &used, &data), HTTP_REFUSED);
	assert_int_equal(used, 0);
}

static void chunk_line_limit_is_exact(void **state UNUSED)
{
	for (size_t n = HTTP_CHUNK_LINE_MAX - 1; n <= HTTP_CHUNK_LINE_MAX + 1; n++) {
		CLEANUP(buf_fini) struct buf b = BUF_NULL;

		buf_add_str(&b, "1\r\na\r\n1;");
		while (b.n < 6 + n)
			buf_add_char(&b, 'e');
		buf_add_str(&b, "\r\nb\r\n0\r\n\r\n");
		if (n > HTTP_CHUNK_LINE_MAX)
			check_body(buf_slice(&b), true, 400, "a");
		else
			check_body(buf_slice(&b), true, 0, "ab");
	}
}

static void trailer_limit_is_exact(void **state UNUSED)
{
	for (size_t n = HTTP_TRAILER_MAX - 1; n <= HTTP_TRAILER_MAX + 1; n++) {
		CLEANUP(buf_fini) struct buf b = BUF_NULL;

		buf_add_str(&b, "0\r\nX: ");
		while (b.n < 3 + n - 4)
			buf_add_char(&b, 't');
		buf_add_str(&b, "\r\n\r\n");
		check_body(buf_slice(&b), true, n > HTTP_TRAILER_MAX ? 400 : 0, "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_heads_are_accepted),
		cmocka_unit_test(bad_request_lines_are_refused),
		cmocka_unit_test(bad_fields_are_refused),
		cmocka_unit_test(every_doubt_about_framing_is_a_refusal),
		cmocka_unit_test(head_is_taken_apart),
		cmocka_unit_test(target_names_the_host_when_it_is_absolute),
		cmocka_unit_test(connection_options_are_understood),
		cmocka_unit_test(expectation_is_only_kept_when_a_body_follows),
		cmocka_unit_test(authorities_are_checked),
		cmocka_unit_test(target_limit_is_exact),
		cmocka_unit_test(head_limit_is_exact),
		cmocka_unit_test(field_count_limit_is_exact),
		cmocka_unit_test(chunked_bodies_are_read_in_any_pieces),
		cmocka_unit_test(counted_bodies_end_where_they_said),
		cmocka_unit_test(chunk_size_must_fit),
		cmocka_unit_test(chunk_line_limit_is_exact),
		cmocka_unit_test(trailer_limit_is_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
