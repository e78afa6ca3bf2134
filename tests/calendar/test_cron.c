/* SPDX-License-Identifier: MIT */
/*
 * The search: vectors from outside (cron_next.json), the day rule, the rule for clock changes, and
 * that next, previous and count are three views of one thing. test_cron_text.c has the grammar.
 */
#include <inttypes.h>

#include "base/json.h"
#include "base/limits.h"
#include "calendar/cron.h"
#include "calendar/dice.h"
#include "calendar/instant.h"
#include "calendar/tzif.h"
#include "lib/t.h"

static struct cron parse(const char *text)
{
	struct cron_fault fault;
	struct cron c;

	if (cron_parse(&c, slice_of(text), &fault) < 0)
		fail_msg("\"%s\" at %zu: %s", text, fault.column, fault.text);
	return c;
}

static struct zone *load(const char *name)
{
	struct err e = CLEAN_ERR;
	struct zone *z = zone_load(name, &e);

	if (z == NULL)
		fail_msg("%s", e.text);
	return z;
}

static int64_t seconds_of(const char *text)
{
	int64_t us;

	if (!instant_parse(slice_of(text), &us))
		fail_msg("\"%s\" is no instant", text);
	return us / INT64_C(1000000);
}

static const char *text_of(int64_t at, char ret[INSTANT_SIZE])
{
	instant_print(at * INT64_C(1000000), ret);
	return ret;
}

static void check_next(const char *id, const struct cron *c, const struct zone *z, int64_t after,
	const char *wanted)
{
	char text[INSTANT_SIZE];
	int64_t next;

	if (!cron_next(c, z, after, &next))
		fail_msg("%s: never, but should be %s", id, wanted);
	if (next != seconds_of(wanted))
		fail_msg("%s: %s, but should be %s", id, text_of(next, text), wanted);
}

/* Zone prefixes and @every are read by schedule.c. */
static bool is_cron(const char *text)
{
	return !str_has_prefix(text, "TZ=") && !str_has_prefix(text, "CRON_TZ=") &&
	       !str_has_prefix(text, "@every");
}

static struct js *vectors(void)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	struct err e = CLEAN_ERR;
	struct js *all;

	if (file_read(PYLON_SOURCE_DIR "/tests/calendar/cron_next.json", MIB(1), &text, &e) < 0)
		fail_msg("%s", e.text);
	all = js_parse(buf_str(&text), text.n, &e);
	if (all == NULL)
		fail_msg("%s", e.text);
	return all;
}

static void vectors_fire_when_they_should(void **state)
{
	CLEANUP(js_freep) struct js *all = vectors();
	const struct js *rows = js_get(all, "fires");

	(void)state;
	assert_true(js_len(rows) > 80);
	for (size_t i = 0; i < js_len(rows); i++) {
		const struct js *row = js_at(rows, i), *expect = js_get(row, "expect");
		CLEANUP(zone_unrefp) struct zone *z = load(js_get_str(row, "tz"));
		int64_t at = seconds_of(js_get_str(row, "from"));
		struct cron c;

		if (!is_cron(js_get_str(row, "expr")))
			continue;
		c = parse(js_get_str(row, "expr"));
		for (size_t n = 0; n < js_len(expect); n++) {
			const char *wanted = js_str(js_at(expect, n));

			check_next(js_get_str(row, "id"), &c, z, at, wanted);
			at = seconds_of(wanted);
		}
	}
}

static void vectors_that_never_fire_never_do(void **state)
{
	CLEANUP(js_freep) struct js *all = vectors();
	const struct js *rows = js_get(all, "never");
	CLEANUP(zone_unrefp) struct zone *utc = load("UTC");

	(void)state;
	assert_true(js_len(rows) > 0);
	for (size_t i = 0; i < js_len(rows); i++) {
		struct cron c = parse(js_get_str(js_at(rows, i), "expr"));
		int64_t at = 0;

		assert_true(cron_is_never(&c));
		assert_false(cron_next(&c, utc, 0, &at));
		assert_false(cron_previous(&c, utc, 0, &at));
		assert_int_equal(cron_count(&c, utc, 0, INT64_C(4000000000)), 0);
	}
}

static void vectors_that_are_wrong_are_refused(void **state)
{
	CLEANUP(js_freep) struct js *all = vectors();
	const struct js *rows = js_get(all, "refused");

	(void)state;
	assert_true(js_len(rows) > 20);
	for (size_t i = 0; i < js_len(rows); i++) {
		const char *text = js_get_str(js_at(rows, i), "expr");
		struct cron c;

		if (cron_parse(&c, slice_of(text), NULL) != -EINVAL)
			fail_msg("\"%s\" is taken", text);
	}
}

/* What fires after `from`, in order; the last one is NULL. */
struct row {
	const char *expression, *zone, *from;
	const char *wanted[6];
};

static void check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		CLEANUP(zone_unrefp) struct zone *z = load(rows[i].zone);
		struct cron c = parse(rows[i].expression);
		int64_t at = seconds_of(rows[i].from);

		for (size_t k = 0; rows[i].wanted[k] != NULL; k++) {
			check_next(rows[i].expression, &c, z, at, rows[i].wanted[k]);
			at = seconds_of(rows[i].wanted[k]);
		}
	}
}

static void the_day_rule_is_debians(void **state)
{
	static const struct row rows[] = {
		/* Both restricted: either. 2026-05-01 is a Friday. */
		{"0 0 13 * 5", "UTC", "2026-05-01T00:00:00Z",
			{"2026-05-08T00:00:00Z", "2026-05-13T00:00:00Z", "2026-05-15T00:00:00Z"}},
		/* A star, with or without a step, in either field: both. */
		{"0 0 */2 * 5", "UTC", "2026-05-01T00:00:00Z",
			{"2026-05-15T00:00:00Z", "2026-05-29T00:00:00Z", "2026-06-05T00:00:00Z"}},
		{"0 0 1-7 * */7", "UTC", "2026-05-01T00:00:00Z",
			{"2026-05-03T00:00:00Z", "2026-06-07T00:00:00Z"}},
		{"0 0 13 * *", "UTC", "2026-05-01T00:00:00Z", {"2026-05-13T00:00:00Z"}},
		{"0 0 ? * 5", "UTC", "2026-05-01T00:00:00Z", {"2026-05-08T00:00:00Z"}},
		{"0 0 13 * ?", "UTC", "2026-05-01T00:00:00Z", {"2026-05-13T00:00:00Z"}},
		/* Also with other items behind it. */
		{"0 0 */31,2 * 5", "UTC", "2026-05-01T00:00:00Z", {"2026-10-02T00:00:00Z"}},
		/* Every day, but without a star: either, so every day. */
		{"0 0 1-31 * 5", "UTC", "2026-05-01T00:00:00Z", {"2026-05-02T00:00:00Z"}},
		{"0 0 13 * 0-6", "UTC", "2026-05-01T00:00:00Z", {"2026-05-02T00:00:00Z"}},
		/* A star behind something else is none. */
		{"0 0 13,* * 5", "UTC", "2026-05-01T00:00:00Z", {"2026-05-02T00:00:00Z"}},
		/* Day rules are values like others. */
		{"0 0 L * 5", "UTC", "2026-05-20T00:00:00Z",
			{"2026-05-22T00:00:00Z", "2026-05-29T00:00:00Z", "2026-05-31T00:00:00Z"}},
		{"0 0 L * */7", "UTC", "2026-05-20T00:00:00Z", {"2026-05-31T00:00:00Z"}},
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

static void days_that_move_find_their_place(void **state)
{
	static const struct row rows[] = {
		{"0 0 L * *", "UTC", "2024-01-31T00:00:00Z",
			{"2024-02-29T00:00:00Z", "2024-03-31T00:00:00Z", "2024-04-30T00:00:00Z"}},
		/* 2026: January ends on a Saturday, February too, May on a Sunday. */
		{"0 0 LW * *", "UTC", "2026-01-01T00:00:00Z",
			{"2026-01-30T00:00:00Z", "2026-02-27T00:00:00Z", "2026-03-31T00:00:00Z"}},
		{"0 0 LW 5 *", "UTC", "2026-01-01T00:00:00Z", {"2026-05-29T00:00:00Z"}},
		/* Saturday the 1st and Sunday the 1st stay in their month. */
		{"0 0 1W 8 *", "UTC", "2026-01-01T00:00:00Z", {"2026-08-03T00:00:00Z"}},
		{"0 0 1W 2 *", "UTC", "2026-01-01T00:00:00Z", {"2026-02-02T00:00:00Z"}},
		/* So do Saturday the 31st and Sunday the 31st. */
		{"0 0 31W 1 *", "UTC", "2026-01-01T00:00:00Z", {"2026-01-30T00:00:00Z"}},
		{"0 0 31W 5 *", "UTC", "2026-01-01T00:00:00Z", {"2026-05-29T00:00:00Z"}},
		/* Saturday goes back a day, Sunday forward. */
		{"0 0 15W * *", "UTC", "2026-02-01T00:00:00Z",
			{"2026-02-16T00:00:00Z", "2026-03-16T00:00:00Z"}},
		{"0 0 15W 8 *", "UTC", "2026-02-01T00:00:00Z", {"2026-08-14T00:00:00Z"}},
		/* Only months that have the day. */
		{"0 0 31W * *", "UTC", "2026-03-31T00:00:00Z", {"2026-05-29T00:00:00Z"}},
		{"0 0 29W 2 *", "UTC", "2026-01-01T00:00:00Z", {"2028-02-29T00:00:00Z"}},
		{"0 0 5W,20W * *", "UTC", "2026-08-01T00:00:00Z",
			{"2026-08-05T00:00:00Z", "2026-08-20T00:00:00Z", "2026-09-04T00:00:00Z",
				"2026-09-21T00:00:00Z"}},
		{"0 0 * * 5L", "UTC", "2026-01-01T00:00:00Z",
			{"2026-01-30T00:00:00Z", "2026-02-27T00:00:00Z"}},
		{"0 0 * * 0L,7L", "UTC", "2026-01-01T00:00:00Z",
			{"2026-01-25T00:00:00Z", "2026-02-22T00:00:00Z"}},
		{"0 0 * * mon#1", "UTC", "2026-06-01T00:00:00Z",
			{"2026-07-06T00:00:00Z", "2026-08-03T00:00:00Z"}},
		{"0 0 * * 7#5", "UTC", "2026-01-01T00:00:00Z",
			{"2026-03-29T00:00:00Z", "2026-05-31T00:00:00Z"}},
		{"0 0 * * 1,5#2,6L", "UTC", "2026-01-05T00:00:00Z",
			{"2026-01-09T00:00:00Z", "2026-01-12T00:00:00Z", "2026-01-19T00:00:00Z",
				"2026-01-26T00:00:00Z", "2026-01-31T00:00:00Z"}},
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

static void what_a_jump_leaves_out_fires_once_at_its_end(void **state)
{
	static const struct row rows[] = {
		/* 02:00-03:00 is missing in Berlin on 29 March 2026. */
		{"30 2 * * *", "Europe/Berlin", "2026-03-28T02:00:00Z",
			{"2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"}},
		{"0,10,59 2 * * *", "Europe/Berlin", "2026-03-28T02:00:00Z",
			{"2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"}},
		/* Together with what is due there anyway. */
		{"0,30 2,3 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z",
			{"2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:00:00Z"}},
		/* The wall clock's date counts, also that of times left out. */
		{"30 2 29 3 *", "Europe/Berlin", "2026-01-01T00:00:00Z",
			{"2026-03-29T01:00:00Z", "2027-03-29T00:30:00Z"}},
		{"30 2 * * 1", "Europe/Berlin", "2026-03-28T12:00:00Z", {"2026-03-30T00:30:00Z"}},
		/* Seconds are times like others. */
		{"15,45 59 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z",
			{"2026-03-29T01:00:00Z", "2026-03-30T00:59:15Z", "2026-03-30T00:59:45Z"}},
		{"* 59 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z",
			{"2026-03-29T01:00:00Z", "2026-03-30T00:59:00Z"}},
		/* Midnight is missing in Cairo on 28 April 2023, and only that day is meant. */
		{"30 0 28 * *", "Africa/Cairo", "2023-04-01T00:00:00Z",
			{"2023-04-27T22:00:00Z", "2023-05-27T21:30:00Z"}},
		{"59 23 27 * *", "Africa/Cairo", "2023-04-01T00:00:00Z",
			{"2023-04-27T21:59:00Z", "2023-05-27T20:59:00Z"}},
		/* The hour before midnight; and one across it, 23:30 to 00:30, which leaves out a
		 * bit of either date. */
		{"30 23 30 * *", "America/Nuuk", "2024-03-01T00:00:00Z",
			{"2024-03-31T01:00:00Z", "2024-05-01T00:30:00Z"}},
		{"45 23 30 3 *", "America/Toronto", "1919-03-01T00:00:00Z",
			{"1919-03-31T04:30:00Z", "1920-03-31T04:45:00Z"}},
		{"15 0 31 3 *", "America/Toronto", "1919-03-01T00:00:00Z",
			{"1919-03-31T04:30:00Z", "1920-03-31T05:15:00Z"}},
		{"15 0,23 * * *", "America/Toronto", "1919-03-30T05:20:00Z",
			{"1919-03-31T04:15:00Z", "1919-03-31T04:30:00Z", "1919-04-01T03:15:00Z"}},
		/* A Friday that never was. */
		{"0 12 * * 5", "Pacific/Apia", "2011-12-24T00:00:00Z",
			{"2011-12-30T10:00:00Z", "2012-01-05T22:00:00Z"}},
		{"0 12 30 12 *", "Pacific/Apia", "2011-01-01T00:00:00Z",
			{"2011-12-30T10:00:00Z", "2012-12-29T22:00:00Z"}},
		{"0 12 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z",
			{"2011-12-29T22:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T22:00:00Z"}},
		/* Half an hour and two. */
		{"15 2 * * *", "Australia/Lord_Howe", "2025-10-04T00:00:00Z",
			{"2025-10-04T15:30:00Z", "2025-10-05T15:15:00Z"}},
		{"0 1,2 * * *", "Antarctica/Troll", "2025-03-29T12:00:00Z",
			{"2025-03-30T01:00:00Z", "2025-03-30T23:00:00Z"}},
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

static void what_comes_twice_fires_at_its_first_pass(void **state)
{
	static const struct row rows[] = {
		/* 02:00-03:00 comes twice in Berlin on 25 October 2026. */
		{"30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z",
			{"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"}},
		/* Asked in between. */
		{"30 2 * * *", "Europe/Berlin", "2026-10-25T00:45:00Z", {"2026-10-26T01:30:00Z"}},
		{"30 2 * * *", "Europe/Berlin", "2026-10-25T01:15:00Z", {"2026-10-26T01:30:00Z"}},
		{"0 2,3 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z",
			{"2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z", "2026-10-26T01:00:00Z"}},
		{"59 59 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z",
			{"2026-10-25T00:59:59Z", "2026-10-26T01:59:59Z"}},
		/* 23:00-24:00 comes twice, so two dates are begun once each. */
		{"30 23 * * *", "America/Sao_Paulo", "2018-02-17T00:00:00Z",
			{"2018-02-17T01:30:00Z", "2018-02-18T01:30:00Z", "2018-02-19T02:30:00Z"}},
		{"0 0 * * *", "America/Sao_Paulo", "2018-02-17T12:00:00Z",
			{"2018-02-18T03:00:00Z", "2018-02-19T03:00:00Z"}},
		/* The overlap crosses midnight: 00:00-01:00 of Havana. */
		{"30 0 * * *", "America/Havana", "2025-11-01T12:00:00Z",
			{"2025-11-02T04:30:00Z", "2025-11-03T05:30:00Z"}},
		/* Winter time as the exception. */
		{"30 1 * * *", "Europe/Dublin", "2025-10-25T12:00:00Z",
			{"2025-10-26T00:30:00Z", "2025-10-27T01:30:00Z"}},
		{"45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00:00Z",
			{"2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"}},
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

static void a_star_in_minute_or_hour_follows_real_time(void **state)
{
	static const struct row rows[] = {
		{"*/30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", {"2026-03-30T00:00:00Z"}},
		{"30 */1 * * *", "Europe/Berlin", "2026-03-29T00:00:00Z",
			{"2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z", "2026-03-29T02:30:00Z"}},
		{"?/30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z",
			{"2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z",
				"2026-10-25T01:30:00Z", "2026-10-26T01:00:00Z"}},
		{"*/60,30 2 * * *", "Europe/Berlin", "2026-10-25T00:29:00Z",
			{"2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z",
				"2026-10-26T01:00:00Z"}},
		/* A star in the seconds says nothing about it. */
		{"*/30 0 2 * * *", "Europe/Berlin", "2026-10-25T00:00:30Z",
			{"2026-10-26T01:00:00Z"}},
		{"0 * * * *", "Pacific/Apia", "2011-12-30T08:30:00Z",
			{"2011-12-30T09:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T11:00:00Z"}},
		{"0 */6 30 12 *", "Pacific/Apia", "2011-12-01T00:00:00Z", {"2012-12-29T10:00:00Z"}},
		/* Where the offset is odd, by the wall clock all the same. */
		{"0 * * * *", "Asia/Kathmandu", "2026-01-01T00:00:00Z",
			{"2026-01-01T00:15:00Z", "2026-01-01T01:15:00Z"}},
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

/* Clocks go back an hour at 03:00 and, ten minutes later, half an hour forward: at 02:10 it is
 * 02:40. The day is 1970-01-12. */
static struct zone *zone_with_a_jump_in_an_overlap(void)
{
	static const int64_t at[] = {11 * 86400 + 3600, 11 * 86400 + 3600 + 600};
	static const uint8_t after[] = {1, 2};
	static const struct tzif_type types[] = {{7200, 1, 0}, {3600, 0, 0}, {5400, 0, 0}};
	static const struct tzif t = {
		.version = '2',
		.n = 2,
		.at = at,
		.after = after,
		.type_count = 3,
		.types = types,
		.abbreviations = "XXX",
		.abbreviations_n = 4,
		.footer = "XXX-1:30",
	};
	struct zone *z = tzif_zone(&t, NULL);

	assert_non_null(z);
	return z;
}

static void a_jump_within_what_comes_twice_changes_nothing(void **state)
{
	CLEANUP(zone_unrefp) struct zone *z = zone_with_a_jump_in_an_overlap();
	struct cron fixed = parse("5,20,50 2 * * *"), later = parse("0 3 * * *");
	struct cron wildcard = parse("*/5 2 * * *");
	int64_t from = seconds_of("1970-01-12T00:00:00Z"), at;

	(void)state;
	check_next("first pass", &fixed, z, from, "1970-01-12T00:05:00Z");
	check_next("first pass", &fixed, z, from + 3000, "1970-01-13T00:35:00Z");
	/* Also when asked after the jump. */
	check_next("second pass", &fixed, z, from + 3600 + 700, "1970-01-13T00:35:00Z");
	assert_true(cron_previous(&fixed, z, from + 3600 + 900, &at) && at == from + 3000);
	check_next("caught up", &later, z, from, "1970-01-12T01:30:00Z");
	/* 02:00, 02:05, then 02:40. */
	check_next("real time", &wildcard, z, from + 3600 + 300, "1970-01-12T01:10:00Z");
}

static void an_impossible_date_is_never(void **state)
{
	static const struct {
		const char *expression;
		bool is_never;
	} rows[] = {
		{"0 0 31 2 *", true},
		{"0 0 30 2 *", true},
		{"0 0 31 2,4,6,9,11 *", true},
		{"0 0 30W 2 *", true},
		{"0 0 31W 4 *", true},
		/* With an OR there is always a Monday; with an AND there is not. */
		{"0 0 31 2 1", false},
		{"0 0 31 2 */1", true},
		{"0 0 */1 2 mon#5", false},
		{"0 0 */31,31 2 0#2", true},
		{"0 0 29 2 *", false},
		{"0 0 29 2 */7", false},
		{"0 0 29W 2 *", false},
		{"* * * * *", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cron c = parse(rows[i].expression);

		if (cron_is_never(&c) != rows[i].is_never)
			fail_msg("%s", rows[i].expression);
	}
}

static void rare_dates_are_found(void **state)
{
	static const struct row rows[] = {
		{"0 0 29 2 */7", "UTC", "2026-01-01T00:00:00Z",
			{"2032-02-29T00:00:00Z", "2060-02-29T00:00:00Z", "2088-02-29T00:00:00Z",
				"2128-02-29T00:00:00Z"}},
		{"0 0 29 2 */7", "Europe/Berlin", "2088-03-01T00:00:00Z", {"2128-02-28T23:00:00Z"}},
		{"0 0 */1 2 sat#5", "UTC", "2026-01-01T00:00:00Z",
			{"2048-02-29T00:00:00Z", "2076-02-29T00:00:00Z", "2116-02-29T00:00:00Z"}},
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

/* The first n instants after `from`, against the other two questions. */
static void check_three_views(
	const char *expression, const struct cron *c, const struct zone *z, int64_t from, size_t n)
{
	int64_t at = from, last = from, found;

	for (size_t i = 0; i < n; i++) {
		if (!cron_next(c, z, last, &at))
			break;
		if (at <= last)
			fail_msg("\"%s\" in %s: next goes back", expression, zone_name(z));
		if (!cron_previous(c, z, at, &found) || found != at)
			fail_msg("\"%s\" in %s: previous of %" PRId64 " is %" PRId64, expression,
				zone_name(z), at, found);
		if (cron_previous(c, z, at - 1, &found) && (i == 0 ? found > from : found != last))
			fail_msg("\"%s\" in %s: previous before %" PRId64 " is %" PRId64,
				expression, zone_name(z), at, found);
		if (cron_count(c, z, from, at) != (int64_t)i + 1 ||
			cron_count(c, z, from, at - 1) != (int64_t)i ||
			cron_count(c, z, last, at) != 1)
			fail_msg("\"%s\" in %s: %" PRId64 " from %" PRId64 " to %" PRId64
				 ", but should be %zu",
				expression, zone_name(z), cron_count(c, z, from, at), from, at,
				i + 1);
		last = at;
	}
}

static void next_previous_and_count_agree(void **state)
{
	static const char *const names[] = {"UTC", "Europe/Berlin", "America/New_York",
		"America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca",
		"Antarctica/Troll", "America/Nuuk", "Africa/Monrovia", "Europe/Amsterdam"};
	struct zone *zones[ARRAY_LEN(names) + 1];
	struct dice d;

	(void)state;
	dice_start(&d, "PYLON_CRON_SEED");
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		zones[i] = load(names[i]);
	zones[ARRAY_LEN(names)] = zone_with_a_jump_in_an_overlap();
	for (size_t i = 0; i < 4000; i++) {
		const struct zone *z = zones[dice_below(&d, ARRAY_LEN(zones))];
		/* Some before all standard time. */
		int64_t from = dice_between(&d, INT64_C(-4000000000), INT64_C(8000000000));
		CLEANUP(buf_fini) struct buf expression = BUF_NULL;
		struct cron c;

		if (z == zones[ARRAY_LEN(names)])
			from = dice_between(&d, 10 * 86400, 12 * 86400);
		else if (dice_chance(&d, 50) && zone_next_change(z, from, &from))
			from -= dice_between(&d, -3600, INT64_C(2) * 86400);
		dice_expression(&d, &expression);
		c = parse(buf_str(&expression));
		check_three_views(buf_str(&expression), &c, z, from, 30);
	}
	for (size_t i = 0; i < ARRAY_LEN(zones); i++)
		zone_unref(zones[i]);
}

static void ten_years_are_counted(void **state)
{
	static const struct {
		const char *expression, *zone;
		int64_t n;
	} rows[] = {
		{"* * * * *", "UTC", INT64_C(3653) * 1440},
		{"* * * * *", "Europe/Berlin", INT64_C(3653) * 1440},
		{"* * * * * *", "Pacific/Apia", INT64_C(3653) * 86400},
		{"0 * * * *", "Europe/Berlin", INT64_C(3653) * 24},
		{"0 0 * * *", "Europe/Berlin", 3653},
		{"30 2 * * *", "Europe/Berlin", 3653},
		{"0 2,3 * * *", "Europe/Berlin", INT64_C(2) * 3653 - 10},
		{"0 0 29 2 *", "Europe/Berlin", 3},
		{"0 0 31 2 *", "Europe/Berlin", 0},
		{"0 12 1 * *", "America/New_York", 120},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(zone_unrefp) struct zone *z = load(rows[i].zone);
		struct cron c = parse(rows[i].expression);
		int64_t n = cron_count(&c, z, seconds_of("2016-02-01T12:30:00Z"),
			seconds_of("2026-02-01T12:30:00Z"));

		if (n != rows[i].n)
			fail_msg("%s in %s: %" PRId64, rows[i].expression, rows[i].zone, n);
	}
}

static void nothing_lies_in_an_empty_range(void **state)
{
	CLEANUP(zone_unrefp) struct zone *utc = load("UTC");
	struct cron c = parse("* * * * *");

	(void)state;
	assert_int_equal(cron_count(&c, utc, 600, 600), 0);
	assert_int_equal(cron_count(&c, utc, 600, 0), 0);
	assert_int_equal(cron_count(&c, utc, 599, 600), 1);
	assert_int_equal(cron_count(&c, utc, 600, 659), 0);
	assert_int_equal(cron_count(&c, utc, 600, 660), 1);
	assert_int_equal(cron_count(&c, utc, INT64_MAX, INT64_MIN), 0);
	assert_int_equal(cron_count(&c, utc, INT64_MAX - 1, INT64_MAX), 0);
}

static void the_calendars_ends_are_the_ends_of_every_search(void **state)
{
	static const char *const expressions[] = {"* * * * *", "0 0 1 1 *", "0 0 29 2 */7"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(expressions); i++) {
		CLEANUP(zone_unrefp) struct zone *z = load(i == 0 ? "Europe/Berlin" : "UTC");
		struct cron c = parse(expressions[i]);
		int64_t first = 0, last = 0, at;

		assert_true(cron_next(&c, z, INT64_MIN, &first));
		assert_true(first < seconds_of("0100-01-01T00:00:00Z"));
		assert_true(cron_previous(&c, z, INT64_MAX, &last));
		assert_true(last > seconds_of("9900-01-01T00:00:00Z"));
		assert_false(cron_next(&c, z, INT64_MAX, &at));
		assert_false(cron_next(&c, z, last, &at));
		assert_false(cron_previous(&c, z, INT64_MIN, &at));
		assert_false(cron_previous(&c, z, first - 1, &at));
		assert_true(cron_count(&c, z, INT64_MIN, INT64_MAX) > 200);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_fire_when_they_should),
		cmocka_unit_test(vectors_that_never_fire_never_do),
		cmocka_unit_test(vectors_that_are_wrong_are_refused),
		cmocka_unit_test(the_day_rule_is_debians),
		cmocka_unit_test(days_that_move_find_their_place),
		cmocka_unit_test(what_a_jump_leaves_out_fires_once_at_its_end),
		cmocka_unit_test(what_comes_twice_fires_at_its_first_pass),
		cmocka_unit_test(a_star_in_minute_or_hour_follows_real_time),
		cmocka_unit_test(a_jump_within_what_comes_twice_changes_nothing),
		cmocka_unit_test(an_impossible_date_is_never),
		cmocka_unit_test(rare_dates_are_found),
		cmocka_unit_test(next_previous_and_count_agree),
		cmocka_unit_test(ten_years_are_counted),
		cmocka_unit_test(nothing_lies_in_an_empty_range),
		cmocka_unit_test(the_calendars_ends_are_the_ends_of_every_search),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
