/* SPDX-License-Identifier: MIT */
/*
 * tests/api/test_lines.c - JSON lines on a socket pair: framing, limits, and that nothing a client
 * sends or does harms anybody else.
 */
#include <sys/socket.h>

#include "api/lines.h"

#define PING(id) "{\"id\":\"" id "\",\"type\":\"ping\"}\n"
#define PONG(id) "{\"id\":\"" id "\",\"ok\":true,\"result\":{\"pong\":true}}\n"

static struct lines_limits *limits(struct world *w)
{
	return &w->api->lines->limits;
}

/* Still as it should be? */
static void expect_alive(struct world *w, struct peer *p)
{
	expect_text(w, p, PING("alive"), PONG("alive"));
}

/* --- framing --- */

static void requests_are_answered_one_a_line(void **state)
{
	struct world *w = *state;
	struct peer p = peer_open(w, PING("0"));

	peer_wait(w, &p, 1);
	assert_string_equal(buf_str(&p.got), PONG("0"));
	expect_text(w, &p, PING("1") PING("2") "{\"id\":\"3\",", PONG("1") PONG("2"));
	expect_text(w, &p, "\"type\":\"ping\"}\n", PONG("3"));
	expect_text(w, &p, "\n \t\r\n\r\n" PING("4") "\n", PONG("4"));
	expect_text(w, &p, "{\"id\":\"5\",\"type\":\"ping\"}\r\n", PONG("5"));
	peer_fini(&p);
}

static void a_line_may_come_byte_by_byte(void **state)
{
	static const char text[] = PING("1");
	struct world *w = *state;
	struct peer p = peer_open(w, "{");

	for (size_t i = 1; text[i] != '\0'; i++)
		peer_send(w, &p, (struct slice){text + i, 1});
	peer_wait(w, &p, 1);
	assert_string_equal(buf_str(&p.got), PONG("1"));
	peer_fini(&p);
}

static void what_is_no_request_is_told_and_harms_nothing(void **state)
{
	static const struct {
		const char *text, *id, *error;
	} rows[] = {{"{", "unknown", "not JSON: "}, {"garbage", "unknown", "not JSON: "},
		{"GET / HTTP/1.1", "unknown", "not JSON: "}, {"\x80\xff", "unknown", "not JSON: "},
		{"{\"id\":\"a\",\"id\":\"b\",\"type\":\"ping\"}", "unknown", "not JSON: "},
		{"[]", "unknown", "Invalid request envelope"},
		{"\"ping\"", "unknown", "Invalid request envelope"},
		{"null", "unknown", "Invalid request envelope"},
		{"{}", "unknown", "Invalid request envelope"},
		{"{\"id\":\"\",\"type\":\"ping\"}", "unknown", "Invalid request envelope"},
		{"{\"id\":7,\"type\":\"ping\"}", "unknown", "Invalid request envelope"},
		{"{\"id\":\"x\"}", "x", "Unknown request type: undefined"},
		{"{\"id\":\"x\",\"type\":4}", "x", "Unknown request type: undefined"},
		{"{\"id\":\"x\",\"type\":\"tasks.add\"}", "x", "Unknown request type: tasks.add"}};
	struct world *w = *state;
	struct peer p = peer_open(w, "");

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(js_freep) struct js *o = NULL;

		buf_clear(&p.got);
		peer_send(w, &p, slice_of(rows[i].text));
		peer_send(w, &p, SLICE_LIT("\n"));
		peer_wait(w, &p, 1);
		o = js_parse(p.got.p, p.got.n, NULL);
		assert_string_equal(js_get_str(o, "id"), rows[i].id);
		assert_false(js_get_bool(o, "ok", true));
		assert_true(str_has_prefix(js_get_str(o, "error"), rows[i].error));
	}
	peer_send(w, &p, (struct slice){"\0\0\n", 3});
	peer_wait(w, &p, 2);
	expect_alive(w, &p);
	peer_fini(&p);
}

static void ids_are_echoed_up_to_their_limit(void **state)
{
	struct world *w = *state;
	struct peer p = peer_open(w, "");

	for (size_t n = LINES_ID_MAX - 1; n <= LINES_ID_MAX + 1; n++) {
		CLEANUP(buf_fini) struct buf id = BUF_NULL;
		CLEANUP(freep) char *text = NULL;
		CLEANUP(freep) char *want = NULL;

		while (id.n < n)
			buf_add_char(&id, 'i');
		text = xasprintf("{\"id\":\"%s\",\"type\":\"ping\"}\n", id.p);
		want = xasprintf("{\"id\":\"%s\",\"ok\":true,\"result\":{\"pong\":true}}\n", id.p);
		expect_text(w, &p, text,
			n <= LINES_ID_MAX ? want
					  : "{\"id\":\"unknown\",\"ok\":false,\"error\":\"Invalid "
					    "request envelope\"}\n");
	}
	peer_fini(&p);
}

/* A request of exactly n bytes. */
static char *long_request(size_t n)
{
	static const char head[] = "{\"id\":\"l\",\"type\":\"ping\",\"x\":\"", tail[] = "\"}";
	CLEANUP(buf_fini) struct buf text = BUF_NULL;

	buf_add_str(&text, head);
	while (text.n < n - strlen(tail))
		buf_add_char(&text, 'x');
	buf_add_str(&text, tail);
	assert_int_equal(text.n, n);
	return buf_steal(&text);
}

static void lines_are_limited_and_what_follows_is_read(void **state)
{
	static const char too_long[] =
		"{\"id\":\"unknown\",\"ok\":false,\"error\":\"a request has at "
		"most 1048576 bytes\"}\n";
	struct world *w = *state;
	struct peer p = peer_open(w, "");

	for (size_t n = LINES_LINE_MAX - 1; n <= LINES_LINE_MAX + 1; n++) {
		CLEANUP(freep) char *line = long_request(n);
		CLEANUP(freep) char *text = xasprintf("%s\n", line);

		expect_text(w, &p, text, n <= LINES_LINE_MAX ? PONG("l") : too_long);
	}
	/* Told once, at once, and the rest of the line is skipped however long it is. */
	{
		CLEANUP(freep) char *line = long_request(LINES_LINE_MAX + 1);

		expect_text(w, &p, line, too_long);
		expect_text(w, &p, line, "");
		expect_text(w, &p, "x\"}\n" PING("1"), PONG("1"));
	}
	peer_fini(&p);
}

/* --- ends --- */

static void last_line_needs_no_newline(void **state)
{
	struct world *w = *state;
	struct peer p = peer_open(w, "{\"id\":\"1\",");

	peer_send(w, &p, SLICE_LIT("\"type\":\"ping\"}"));
	assert_int_equal(shutdown(p.fd, SHUT_WR), 0);
	peer_wait_closed(w, &p);
	assert_string_equal(buf_str(&p.got), PONG("1"));
	assert_int_equal(w->api->lines->client_count, 0);
	peer_fini(&p);
}

#define EMIT                                                                                           \
	"{\"id\":\"e\",\"type\":\"emit\",\"event\":{\"id\":\"evt_1\",\"version\":1,\"type\":"          \
	"\"session.x\",\"source\":\"app\",\"timestamp\":\"2026-05-16T08:00:00.000Z\",\"payload\":{}}}" \
	"\n"

/* Nobody takes the answers. */
static void what_was_sent_before_a_hang_up_counts(void **state)
{
	struct world *w = *state;
	struct peer p = peer_open(w, "{");

	assert_int_equal(send(p.fd, EMIT + 1, sizeof(EMIT) - 2, 0), (ssize_t)sizeof(EMIT) - 2);
	for (int i = 0; i < 40; i++)
		assert_int_equal(send(p.fd, EMIT, sizeof(EMIT) - 1, 0), (ssize_t)sizeof(EMIT) - 1);
	peer_fini(&p);
	for (int i = 0; i < 200 && w->api->lines->client_count > 0; i++)
		turn(w);
	assert_int_equal(w->api->lines->emitted, 41);
	assert_int_equal(w->api->lines->client_count, 0);
}

/* It still talks, but listens no more. */
static void deaf_client_is_heard(void **state)
{
	struct world *w = *state;
	struct peer p = peer_open(w, EMIT);

	assert_int_equal(shutdown(p.fd, SHUT_RD), 0);
	for (int i = 0; i < 5; i++)
		turn(w);
	peer_send(w, &p, SLICE_LIT(EMIT EMIT));
	for (int i = 0; i < 5; i++)
		turn(w);
	assert_int_equal(w->api->lines->emitted, 3);
	peer_fini(&p);
}

#define START                                                                                          \
	"{\"id\":\"s\",\"type\":\"runs.startBackground\",\"input\":{\"taskSlug\":\"t\",\"cwd\":\"/\"," \
	"\"argv\":[\"true\"]}}\n"

static void client_that_leaves_does_not_undo_its_request(void **state)
{
	struct world *w = *state;
	struct peer p = peer_open(w, START);

	fake.answers_later = true;
	for (int i = 0; i < 5; i++)
		turn(w);
	assert_non_null(fake.waiting);
	assert_int_equal(api_pending(w->api), 1);
	peer_fini(&p);
	for (int i = 0; i < 5; i++)
		turn(w);
	fake.waiting(fake.waiting_ctx, &fake.answer);
	turn(w);
	assert_int_equal(api_pending(w->api), 0);
	assert_int_equal(w->api->lines->client_count, 0);
}

static void request_that_is_never_answered_goes_with_the_api(void **state)
{
	struct world *w = *state;
	struct peer p = peer_open(w, START);

	fake.answers_later = true;
	for (int i = 0; i < 5; i++)
		turn(w);
	assert_non_null(fake.waiting);
	peer_fini(&p);
}

static void answers_come_in_any_order(void **state)
{
	struct world *w = *state;
	struct peer p = peer_open(w, START);

	fake.answers_later = true;
	peer_send(w, &p, SLICE_LIT(PING("1")));
	peer_wait(w, &p, 1);
	assert_string_equal(buf_str(&p.got), PONG("1"));
	fake.waiting(fake.waiting_ctx, &fake.answer);
	peer_wait(w, &p, 2);
	assert_non_null(strstr(buf_str(&p.got), "\"id\":\"s\""));
	peer_fini(&p);
}

static void closing_lets_answers_out_and_nothing_in(void **state)
{
	struct world *w = *state;
	struct peer idle = peer_open(w, PING("1")), busy = peer_open(w, START);
	struct peer late;

	fake.answers_later = true;
	peer_wait(w, &idle, 1);
	assert_non_null(fake.waiting);
	api_close_streams(w->api);
	peer_wait_closed(w, &idle);
	assert_int_equal(api_pending(w->api), 1);
	assert_true(send(busy.fd, PING("2"), strlen(PING("2")), 0) > 0);
	turn(w);
	fake.waiting(fake.waiting_ctx, &fake.answer);
	peer_wait_closed(w, &busy);
	assert_int_equal(count_lines(&busy), 1);
	assert_int_equal(api_pending(w->api), 0);
	late = peer_open(w, PING("3"));
	peer_wait_closed(w, &late);
	assert_int_equal(count_lines(&late), 0);
	peer_fini(&idle);
	peer_fini(&busy);
	peer_fini(&late);
}

/* --- limits --- */

static void unanswered_requests_are_limited(void **state)
{
	struct world *w = *state;
	struct peer p;

	limits(w)->pending = 2;
	fake.answers_later = true;
	p = peer_open(w, START START PING("1"));
	for (int i = 0; i < 10; i++)
		turn(w);
	/* The third waits, and is not refused. */
	peer_take(&p);
	assert_int_equal(count_lines(&p), 0);
	fake.waiting(fake.waiting_ctx, &fake.answer);
	peer_wait(w, &p, 2);
	assert_non_null(strstr(buf_str(&p.got), PONG("1")));
	peer_fini(&p);
}

static void unanswered_requests_of_all_are_limited(void **state)
{
	struct world *w = *state;
	struct peer a, b;

	limits(w)->waiting = 1;
	fake.answers_later = true;
	a = peer_open(w, START);
	turn(w);
	b = peer_open(w, PING("1"));
	peer_wait(w, &b, 1);
	assert_non_null(strstr(buf_str(&b.got), "too many requests wait"));
	fake.waiting(fake.waiting_ctx, &fake.answer);
	expect_alive(w, &b);
	peer_fini(&a);
	peer_fini(&b);
}

static void slow_reader_is_not_read(void **state)
{
	struct world *w = *state;
	struct peer p;
	size_t sent = 0, n;

	limits(w)->rate = SIZE_MAX;
	limits(w)->backlog = KIB(4);
	p = peer_open(w, "");
	/* It asks as long as anybody listens, and takes no answer. */
	for (int idle = 0; idle < 100; idle++) {
		while (send(p.fd, PING("1"), strlen(PING("1")), MSG_NOSIGNAL) > 0) {
			sent++;
			idle = 0;
		}
		turn(w);
	}
	/* Both sockets are full, and what is kept is bounded. */
	assert_true(w->api->lines->held < KIB(64));
	n = sent - 1;
	for (int i = 0; i < 100000 && count_lines(&p) < n; i++) {
		peer_take(&p);
		turn(w);
		if (i % 1000 == 0)
			assert_false(p.is_closed);
	}
	assert_true(count_lines(&p) >= n);
	peer_fini(&p);
}

static void client_that_is_too_quick_waits(void **state)
{
	struct world *w = *state;
	struct peer p;

	for (size_t n = 2; n <= 4; n++) {
		limits(w)->rate = 3;
		p = peer_open(w, "");
		for (size_t i = 0; i < n; i++)
			peer_send(w, &p, SLICE_LIT(PING("1")));
		for (int i = 0; i < 20; i++)
			turn(w);
		peer_take(&p);
		assert_int_equal(count_lines(&p), MIN_OF(n, (size_t)3));
		/* Nobody else does. */
		limits(w)->rate = 1000;
		{
			struct peer other = peer_open(w, PING("2"));

			peer_wait(w, &other, 1);
			peer_fini(&other);
		}
		peer_fini(&p);
		for (int i = 0; i < 20; i++)
			turn(w);
	}
}

static void who_was_quick_is_heard_in_the_next_second(void **state)
{
	struct world *w = *state;
	struct peer p;

	limits(w)->rate = 1;
	p = peer_open(w, PING("1") PING("2"));
	peer_wait(w, &p, 2);
	peer_fini(&p);
}

static void longest_silent_client_makes_room(void **state)
{
	struct world *w = *state;
	struct peer p[4];

	limits(w)->clients = 3;
	for (size_t i = 0; i < 3; i++) {
		p[i] = peer_open(w, PING("1"));
		peer_wait(w, &p[i], 1);
	}
	assert_int_equal(w->api->lines->client_count, 3);
	expect_alive(w, &p[0]);
	p[3] = peer_open(w, PING("1"));
	peer_wait(w, &p[3], 1);
	peer_wait_closed(w, &p[1]);
	assert_int_equal(w->api->lines->client_count, 3);
	expect_alive(w, &p[0]);
	expect_alive(w, &p[2]);
	for (size_t i = 0; i < 4; i++)
		peer_fini(&p[i]);
}

static void client_that_had_to_go_is_not_answered(void **state)
{
	struct world *w = *state;
	struct peer p, other;

	limits(w)->clients = 1;
	fake.answers_later = true;
	p = peer_open(w, START);
	for (int i = 0; i < 5; i++)
		turn(w);
	other = peer_open(w, PING("1"));
	peer_wait_closed(w, &p);
	assert_int_equal(api_pending(w->api), 1);
	fake.waiting(fake.waiting_ctx, &fake.answer);
	assert_int_equal(api_pending(w->api), 0);
	peer_wait(w, &other, 1);
	peer_fini(&p);
	peer_fini(&other);
}

static void long_queue_does_not_hold_up_the_loop(void **state)
{
	struct world *w = *state;
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	struct peer p;

	for (int i = 0; i < 200; i++)
		buf_add_str(&text, PING("1"));
	p = peer_open(w, buf_str(&text));
	turn(w);
	peer_take(&p);
	assert_true(count_lines(&p) < 100);
	peer_wait(w, &p, 200);
	peer_fini(&p);
}

static void unfinished_lines_together_are_limited(void **state)
{
	struct world *w = *state;
	CLEANUP(freep) char *half = long_request(1000);
	struct peer a, b;

	half[999] = '\0';
	for (size_t held = 1997; held <= 1999; held++) {
		limits(w)->held = held;
		a = peer_open(w, half);
		turn(w);
		b = peer_open(w, half);
		turn(w);
		if (held < 1998) {
			peer_wait_closed(w, &b);
			assert_non_null(strstr(buf_str(&b.got), "too many unfinished requests"));
		} else {
			expect_text(w, &b, "}\n", PONG("l"));
		}
		expect_text(w, &a, "}\n", PONG("l"));
		peer_fini(&a);
		peer_fini(&b);
		for (int i = 0; i < 20; i++)
			turn(w);
		assert_int_equal(w->api->lines->held, 0);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, lines_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(requests_are_answered_one_a_line),
		TEST(a_line_may_come_byte_by_byte),
		TEST(what_is_no_request_is_told_and_harms_nothing),
		TEST(ids_are_echoed_up_to_their_limit),
		TEST(lines_are_limited_and_what_follows_is_read),
		TEST(last_line_needs_no_newline),
		TEST(what_was_sent_before_a_hang_up_counts),
		TEST(deaf_client_is_heard),
		TEST(client_that_leaves_does_not_undo_its_request),
		TEST(request_that_is_never_answered_goes_with_the_api),
		TEST(answers_come_in_any_order),
		TEST(closing_lets_answers_out_and_nothing_in),
		TEST(unanswered_requests_are_limited),
		TEST(unanswered_requests_of_all_are_limited),
		TEST(slow_reader_is_not_read),
		TEST(client_that_is_too_quick_waits),
		TEST(who_was_quick_is_heard_in_the_next_second),
		TEST(longest_silent_client_makes_room),
		TEST(client_that_had_to_go_is_not_answered),
		TEST(long_queue_does_not_hold_up_the_loop),
		TEST(unfinished_lines_together_are_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
