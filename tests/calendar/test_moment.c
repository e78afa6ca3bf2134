/* SPDX-License-Identifier: MIT */
/*
 * Moments: the instants of all forms, what they default to, what clock changes do to them, and what
 * is refused.
 */
#include "lib/t.h"

#include "base/json.h"
#include "base/limits.h"
#include "calendar/instant.h"
#include "calendar/reading.h"

#define NEW_YORK "America/New_York"
#define BERLIN   "Europe/Berlin"

static void is_once(const char *text, const char *zone, const char *now, const char *instant)
{
	CLEANUP(schedule_freep) struct schedule *s = read_at(text, zone, now);
	int64_t at, again;

	assert_int_equal(schedule_kind(s), SCHEDULE_ONCE);
	assert_null(schedule_canonical(s));
	assert_false(schedule_is_anchored(s));
	fires_at(text, zone, now, instant);
	assert_true(schedule_next(s, us_of(now), &at));
	assert_false(schedule_next(s, at, &again));
	assert_false(schedule_previous(s, at - 1, &again));
	assert_int_equal(schedule_count(s, us_of(now), at), 1);
}

struct row {
	const char *text, *instant;
};

/* In New York it is Tuesday 28 April 2026, 10:15. */
static void are_in_new_york(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		is_once(rows[i].text, NEW_YORK, NOW, rows[i].instant);
}

static void lengths_are_counted_from_now(void **state)
{
	static const struct row rows[] = {
		{"in 30s", "2026-04-28T14:15:30Z"},
		{"in 10m", "2026-04-28T14:25:00Z"},
		{"in 10 mins", "2026-04-28T14:25:00Z"},
		{"in ten minutes", "2026-04-28T14:25:00Z"},
		{"in an hour", "2026-04-28T15:15:00Z"},
		{"in half an hour", "2026-04-28T14:45:00Z"},
		{"in 1h30m", "2026-04-28T15:45:00Z"},
		{"in 1 hour 30 minutes", "2026-04-28T15:45:00Z"},
		{"in 2 hours and 30 minutes", "2026-04-28T16:45:00Z"},
		{"in 2 hours, 30 minutes", "2026-04-28T16:45:00Z"},
		{"in 1 hour and half an hour", "2026-04-28T15:45:00Z"},
		{"in 1d2h30m", "2026-04-29T16:45:00Z"},
		{"in a day", "2026-04-29T14:15:00Z"},
		{"in 2 weeks", "2026-05-12T14:15:00Z"},
		{"in two weeks at 9am", "2026-05-12T13:00:00Z"},
		{"in 2 weeks 9am", "2026-05-12T13:00:00Z"},
		{"in 2 days 17h30", "2026-04-30T21:30:00Z"},
		{"in a month", "2026-05-28T14:15:00Z"},
		{"in 3 months at noon", "2026-07-28T16:00:00Z"},
		{"in 1 year", "2027-04-28T14:15:00Z"},
		{"in 1 year and 2 months", "2027-06-28T14:15:00Z"},
		{"2 hours later", "2026-04-28T16:15:00Z"},
		{"an hour later", "2026-04-28T15:15:00Z"},
		{"half an hour from now", "2026-04-28T14:45:00Z"},
		{"a week from now", "2026-05-05T14:15:00Z"},
		{"a week from now at 9", "2026-05-05T13:00:00Z"},
		{"1h30m from now", "2026-04-28T15:45:00Z"},
		{"now+90m", "2026-04-28T15:45:00Z"},
		{"NOW + 2 H", "2026-04-28T16:15:00Z"},
		{"now+1d", "2026-04-29T14:15:00Z"},
		{"now+1d@20:00", "2026-04-30T00:00:00Z"},
		{"now+1d @ 8pm", "2026-04-30T00:00:00Z"},
		{"now+1w@09:30", "2026-05-05T13:30:00Z"},
		{"now+1d@noon", "2026-04-29T16:00:00Z"},
		{"now+36h@9", "2026-04-29T13:00:00Z"},
		{"now+1d 20:00", "2026-04-30T00:00:00Z"},
		{"now+1d 9", "2026-04-29T13:00:00Z"},
		{"now+1d 17h30", "2026-04-29T21:30:00Z"},
	};

	(void)state;
	are_in_new_york(rows, ARRAY_LEN(rows));
}

static void days_have_their_own_defaults(void **state)
{
	static const struct row rows[] = {
		{"today at 5pm", "2026-04-28T21:00:00Z"},
		{"today 17:00", "2026-04-28T21:00:00Z"},
		{"tomorrow", "2026-04-29T14:15:00Z"},
		{"tomorrow 8pm", "2026-04-30T00:00:00Z"},
		{"tomorrow, 8pm", "2026-04-30T00:00:00Z"},
		{"tomorrow at 20h", "2026-04-30T00:00:00Z"},
		{"tomorrow at midnight", "2026-04-29T04:00:00Z"},
		{"tomorrow noon", "2026-04-29T16:00:00Z"},
		{"tomorrow morning", "2026-04-29T10:00:00Z"},
		{"tomorrow afternoon", "2026-04-29T19:00:00Z"},
		{"tomorrow evening", "2026-04-30T00:00:00Z"},
		{"tomorrow morning at 9", "2026-04-29T13:00:00Z"},
		{"tomorrow evening at 7:30", "2026-04-29T23:30:00Z"},
		{"tomorrow afternoon at 3", "2026-04-29T19:00:00Z"},
		{"the day after tomorrow", "2026-04-30T14:15:00Z"},
		{"day after tomorrow at 9", "2026-04-30T13:00:00Z"},
		{"this afternoon", "2026-04-28T19:00:00Z"},
		{"this evening", "2026-04-29T00:00:00Z"},
		{"this evening at 9", "2026-04-29T01:00:00Z"},
		{"tonight", "2026-04-29T02:00:00Z"},
		{"tonight at 9", "2026-04-29T01:00:00Z"},
		{"tonight 11", "2026-04-29T03:00:00Z"},
		{"tonight at 20:30", "2026-04-29T00:30:00Z"},
		{"tonight at midnight", "2026-04-29T04:00:00Z"},
		{"tonight at 12am", "2026-04-29T04:00:00Z"},
		{"tonight at 0:00", "2026-04-29T04:00:00Z"},
		{"eod", "2026-04-28T22:00:00Z"},
		{"end of day", "2026-04-28T22:00:00Z"},
		{"end of month", "2026-04-30T16:00:00Z"},
		{"end of the month at 5pm", "2026-04-30T21:00:00Z"},
		{"next week", "2026-05-05T14:15:00Z"},
		{"next week at 9", "2026-05-05T13:00:00Z"},
		{"next month", "2026-05-28T14:15:00Z"},
		{"next year", "2027-04-28T14:15:00Z"},
	};

	(void)state;
	are_in_new_york(rows, ARRAY_LEN(rows));
}

static void clock_alone_means_the_next_time_it_shows_that(void **state)
{
	static const struct row rows[] = {
		{"noon", "2026-04-28T16:00:00Z"},
		{"midnight", "2026-04-29T04:00:00Z"},
		{"8pm", "2026-04-29T00:00:00Z"},
		{"8 pm", "2026-04-29T00:00:00Z"},
		{"8:30 a.m.", "2026-04-29T12:30:00Z"},
		{"20:00", "2026-04-29T00:00:00Z"},
		{"at 3", "2026-04-29T07:00:00Z"},
		{"at 15", "2026-04-28T19:00:00Z"},
		{"10:15", "2026-04-29T14:15:00Z"},
		{"10:16", "2026-04-28T14:16:00Z"},
		{"12am", "2026-04-29T04:00:00Z"},
		{"8pm tomorrow", "2026-04-30T00:00:00Z"},
		{"at 9 tomorrow", "2026-04-29T13:00:00Z"},
		{"9am on friday", "2026-05-01T13:00:00Z"},
		{"at 9 tonight", "2026-04-29T01:00:00Z"},
		{"noon on may 5", "2026-05-05T16:00:00Z"},
		{"at 9 in 2 days", "2026-04-30T13:00:00Z"},
	};

	(void)state;
	are_in_new_york(rows, ARRAY_LEN(rows));
}

static void weekdays_know_this_week_and_the_next(void **state)
{
	static const struct row rows[] = {
		{"friday", "2026-05-01T16:00:00Z"},
		{"on fri at 9", "2026-05-01T13:00:00Z"},
		{"friday 17:30", "2026-05-01T21:30:00Z"},
		{"friday at midnight", "2026-05-01T04:00:00Z"},
		{"friday evening", "2026-05-02T00:00:00Z"},
		{"monday", "2026-05-04T16:00:00Z"},
		{"tuesday", "2026-04-28T16:00:00Z"},
		{"tuesday at 17:00", "2026-04-28T21:00:00Z"},
		{"tuesday at 9", "2026-05-05T13:00:00Z"},
		{"tuesday 10:15", "2026-05-05T14:15:00Z"},
		{"this friday", "2026-05-01T16:00:00Z"},
		{"this tuesday", "2026-04-28T16:00:00Z"},
		{"next monday", "2026-05-04T16:00:00Z"},
		{"next tuesday", "2026-05-05T16:00:00Z"},
		{"next friday at 9", "2026-05-08T13:00:00Z"},
		{"next sunday", "2026-05-10T16:00:00Z"},
	};

	(void)state;
	are_in_new_york(rows, ARRAY_LEN(rows));
	/* On a Sunday the following week begins tomorrow. */
	is_once("next monday", "UTC", "2026-05-03T10:00:00Z", "2026-05-04T12:00:00Z");
	is_once("next sunday", "UTC", "2026-05-03T10:00:00Z", "2026-05-10T12:00:00Z");
	is_once("sunday at 9", "UTC", "2026-05-03T10:00:00Z", "2026-05-10T09:00:00Z");
}

static void dates_are_read(void **state)
{
	static const struct row rows[] = {
		{"may 5", "2026-05-05T16:00:00Z"},
		{"May 5 at 9", "2026-05-05T13:00:00Z"},
		{"may 5 9am", "2026-05-05T13:00:00Z"},
		{"may 5th at 9", "2026-05-05T13:00:00Z"},
		{"may 5 2027", "2027-05-05T16:00:00Z"},
		{"may 5, 2027 at 9am", "2027-05-05T13:00:00Z"},
		{"5 may", "2026-05-05T16:00:00Z"},
		{"5th of may", "2026-05-05T16:00:00Z"},
		{"on the 5th of may at 9", "2026-05-05T13:00:00Z"},
		{"the first of may", "2026-05-01T16:00:00Z"},
		{"1 may 2026 09:30", "2026-05-01T13:30:00Z"},
		{"apr 1", "2027-04-01T16:00:00Z"},
		{"april 28 at 9", "2027-04-28T13:00:00Z"},
		{"april 28 at 17:00", "2026-04-28T21:00:00Z"},
		{"feb 29", "2028-02-29T17:00:00Z"},
		{"friday 8 may", "2026-05-08T16:00:00Z"},
		{"friday, may 8 at 9", "2026-05-08T13:00:00Z"},
		{"2026-05-01", "2026-05-01T16:00:00Z"},
		{"2026-05-01 09:00", "2026-05-01T13:00:00Z"},
		{"2026-05-01 at 9", "2026-05-01T13:00:00Z"},
		{"2026-05-01T09:00", "2026-05-01T13:00:00Z"},
		{"2026-05-01T09:00Z", "2026-05-01T09:00:00Z"},
		{"2026-05-01T09:00:30Z", "2026-05-01T09:00:30Z"},
		{"2026-05-01T09:00:00.000Z", "2026-05-01T09:00:00Z"},
		{"2026-05-01t09:00:00+02:00", "2026-05-01T07:00:00Z"},
		{"2026-05-01T09:00-04:00", "2026-05-01T13:00:00Z"},
		{"2026-05-01 09:00 -0330", "2026-05-01T12:30:00Z"},
	};

	(void)state;
	are_in_new_york(rows, ARRAY_LEN(rows));
}

static void zone_at_the_end_is_honoured(void **state)
{
	static const struct row rows[] = {
		{"tomorrow at 9 UTC", "2026-04-29T09:00:00Z"},
		{"tomorrow at 9 GMT", "2026-04-29T09:00:00Z"},
		{"8pm Z", "2026-04-28T20:00:00Z"},
		{"tomorrow at 9 EST", "2026-04-29T14:00:00Z"},
		{"tomorrow at 9 edt", "2026-04-29T13:00:00Z"},
		{"tomorrow at 9 CST", "2026-04-29T15:00:00Z"},
		{"tomorrow at 9 CDT", "2026-04-29T14:00:00Z"},
		{"tomorrow at 9 MST", "2026-04-29T16:00:00Z"},
		{"tomorrow at 9 MDT", "2026-04-29T15:00:00Z"},
		{"tomorrow at 9 PST", "2026-04-29T17:00:00Z"},
		{"tomorrow at 9 PDT", "2026-04-29T16:00:00Z"},
		{"tomorrow at 9 CET", "2026-04-29T08:00:00Z"},
		{"tomorrow at 9 CEST", "2026-04-29T07:00:00Z"},
		{"tomorrow at 9 +0530", "2026-04-29T03:30:00Z"},
		{"tomorrow at 9 -05:00", "2026-04-29T14:00:00Z"},
		{"tomorrow at 9 Europe/Berlin", "2026-04-29T07:00:00Z"},
		{"tomorrow at 9 in Europe/Berlin", "2026-04-29T07:00:00Z"},
		{"in 2 hours in Europe/Berlin", "2026-04-28T16:15:00Z"},
		/* Today and tomorrow are those of the zone: there it is the 29th already. */
		{"tomorrow at 9 Pacific/Kiritimati", "2026-04-29T19:00:00Z"},
	};
	CLEANUP(schedule_freep) struct schedule *s = read_at("8pm EST", BERLIN, NOW);

	(void)state;
	are_in_new_york(rows, ARRAY_LEN(rows));
	assert_int_equal(zone_offset(schedule_zone(s), 0, NULL, NULL), -5 * 3600);
}

static void calendar_steps_keep_the_wall_clock_and_are_clamped(void **state)
{
	(void)state;
	is_once("in 1 month", "UTC", "2026-01-31T10:00:00Z", "2026-02-28T10:00:00Z");
	is_once("in 1 month", "UTC", "2028-01-31T10:00:00Z", "2028-02-29T10:00:00Z");
	is_once("in 13 months", "UTC", "2026-12-31T10:00:00Z", "2028-01-31T10:00:00Z");
	is_once("next year", "UTC", "2028-02-29T10:00:00Z", "2029-02-28T10:00:00Z");
	/* A day has 23 hours then; 24 hours are 24 hours. */
	is_once("in 1 day", BERLIN, "2026-03-28T12:00:00Z", "2026-03-29T11:00:00Z");
	is_once("in 24 hours", BERLIN, "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z");
	is_once("in 1 day and 1 hour", BERLIN, "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z");
	is_once("tomorrow", BERLIN, "2026-10-24T12:00:00Z", "2026-10-25T13:00:00Z");
	/* Parts of a second are cut off now, so that "in 30s" is not 30.9. */
	is_once("in 30s", "UTC", "2026-04-28T14:15:00.900Z", "2026-04-28T14:15:30Z");
}

static void gap_moves_forward_and_overlap_is_its_first_pass(void **state)
{
	(void)state;
	is_once("tomorrow at 2:30", BERLIN, "2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z");
	is_once("now+1d@02:30", NEW_YORK, "2026-03-07T20:00:00Z", "2026-03-08T07:30:00Z");
	is_once("tomorrow at 2:30", BERLIN, "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z");
	is_once("2026-10-25 02:30", BERLIN, "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z");
	/* Between the passes, the first one is over. */
	is_once("at 2:30", BERLIN, "2026-10-25T00:45:00Z", "2026-10-26T01:30:00Z");
	/* Minutes are elapsed time, also when the clock is put back meanwhile. */
	is_once("now+30m", BERLIN, "2026-10-25T00:45:00Z", "2026-10-25T01:15:00Z");
	/* The Friday that Samoa left out. */
	is_once("tomorrow at 9", "Pacific/Apia", "2011-12-29T20:00:00Z", "2011-12-30T19:00:00Z");
}

/* --- published vectors (nl_schedule.json) --- */

static void check_published(const struct js *row, const char *zone, const char *wanted)
{
	const char *text = js_get_str(row, "input"), *now = js_get_str(row, "now");
	CLEANUP(zone_unrefp) struct zone *z = place(zone);
	CLEANUP(schedule_freep) struct schedule *s = NULL;
	struct schedule_text t = {slice_of(text), z, us_of(now), SCHEDULE_WANT_ONCE};

	if (wanted != NULL)
		is_once(text, zone, now, wanted);
	else if (schedule_parse(&s, &t, NULL) == 0)
		fail_msg("\"%s\" was understood", text);
}

static void published_moments_come_out_right(void **state)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	CLEANUP(js_freep) struct js *j = NULL;
	const struct js *rows;

	(void)state;
	assert_int_equal(
		file_read(PYLON_SOURCE_DIR "/tests/calendar/nl_schedule.json", MIB(1), &text, NULL),
		0);
	j = js_parse(text.p, text.n, NULL);
	rows = js_get(j, "once");
	assert_true(js_len(rows) >= 37);
	for (size_t i = 0; i < js_len(rows); i++) {
		const struct js *row = js_at(rows, i), *wanted = js_get(row, "expect");

		check_published(row, "UTC", js_get_str(wanted, "UTC"));
		check_published(row, NEW_YORK, js_get_str(wanted, NEW_YORK));
	}
	rows = js_get(j, "once_dst");
	assert_true(js_len(rows) >= 2);
	for (size_t i = 0; i < js_len(rows); i++)
		check_published(js_at(rows, i), js_get_str(js_at(rows, i), "tz"),
			js_get_str(js_at(rows, i), "expect"));
}

/* --- refusals --- */

struct refused {
	const char *text;
	size_t column;
	const char *why;
};

static void are_refused(const struct refused *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct schedule_fault f = refusal(rows[i].text);

		if (f.column != rows[i].column || strstr(f.text, rows[i].why) == NULL)
			fail_msg("\"%s\" at %zu: %s", rows[i].text, f.column, f.text);
	}
}

static void past_and_present_are_refused(void **state)
{
	static const struct refused rows[] = {
		{"now", 3, "missing at the end"},
		{"now+0d", 0, "now, not later"},
		{"now-1d", 3, "past"},
		{"in 0 minutes", 0, "now, not later"},
		{"in -5 minutes", 3, "future"},
		{"today", 0, "now, not later"},
		{"14:15 on april 28 2026", 0, "now, not later"},
		{"today at 9", 0, "it was on Tuesday 28 April 2026 at 09:00"},
		{"this morning", 0, "it was on Tuesday 28 April 2026 at 06:00"},
		{"this tuesday at 9", 0, "it was on Tuesday 28 April 2026 at 09:00"},
		{"2026-04-28 14:14", 0, "past"},
		{"may 5 2020", 0, "past"},
		{"now+1h@9", 0, "past"},
		{"yesterday", 0, "past"},
		{"last friday", 0, "past"},
		{"2 hours ago", 8, "past"},
	};
	struct schedule_fault fault;

	(void)state;
	are_refused(rows, ARRAY_LEN(rows));
	assert_int_equal(read_as("2026-04-28 14:15:01", SCHEDULE_WANT_ONCE, &fault), 0);
}

static void what_has_two_readings_is_refused(void **state)
{
	static const struct refused rows[] = {
		{"5/6", 0, "two ways"},
		{"05/06/2026", 0, "two ways"},
		{"13/6/2027 10:00", 0, "two ways"},
		{"2026/05/01", 0, "two ways"},
		{"1.5.2026", 0, "two ways"},
		{"5-6", 0, "two ways"},
		{"9", 0, "says too little"},
		{"in 30 minutes at 9am", 14, "have their time already"},
		{"at 9am in 30 minutes", 3, "have their time already"},
		{"tonight at 12", 11, "noon or midnight"},
		{"now+1d2h", 6, "one number only"},
		{"now+1d 2h", 7, "one number only"},
		{"now+1d9", 6, "one number only"},
		{"now+1M", 5, "some as months"},
		{"tomorrow morning at 3pm", 20, "not that time"},
		{"this evening at 9am", 16, "not that time"},
		{"friday may 9", 0, "9 May 2026 is a Saturday"},
		{"tomorrow at 9 BST", 14, "no time zone"},
		{"tomorrow at 9 IST", 14, "no time zone"},
	};

	(void)state;
	are_refused(rows, ARRAY_LEN(rows));
	assert_non_null(strstr(refusal("5/6").hint, "2026-05-06"));
}

static void impossible_times_are_refused(void **state)
{
	static const struct refused rows[] = {
		{"friday 25:00", 7, "no hour"},
		{"tomorrow at 24:00", 12, "no hour"},
		{"tomorrow 8:75pm", 11, "more than 59"},
		{"13pm tomorrow", 0, "no hour"},
		{"now+1d@25:00", 7, "no hour"},
		{"now+1d@8:61pm", 9, "more than 59"},
		{"2026-05-01T24:00", 11, "no hour"},
		{"2026-05-01T09:00:60Z", 17, "more than 59"},
		{"2026-02-30", 0, "no such date"},
		{"2026-13-01", 0, "no such date"},
		{"feb 30", 0, "never has a day 30"},
		{"feb 29 2027", 0, "no such date"},
		{"may 32", 4, "no month has"},
		{"tomorrow at 9 +2400", 14, "no offset"},
		{"tomorrow at 9 +0560", 14, "no offset"},
		{"tomorrow at 9 +5", 14, "no offset"},
		{"tomorrow at 9 Europe/Atlantis", 14, "Europe/Atlantis"},
	};

	(void)state;
	are_refused(rows, ARRAY_LEN(rows));
}

static void what_is_not_wholly_understood_is_refused(void **state)
{
	static const struct refused rows[] = {
		{"not a date", 0, "not understood"},
		{"last day of month", 0, "not understood"},
		{"remind me tomorrow", 0, "not understood"},
		{"tomorrow at 9 please", 14, "not understood"},
		{"tomorrow at 9 at 10", 14, "not understood"},
		{"tomorrow night", 9, "not understood"},
		{"in a few minutes", 5, "not understood"},
		{"in 1.5 hours", 4, "not understood"},
		{"in half a day", 10, "only hours"},
		{"in 5", 4, "missing at the end"},
		{"in thirteen minutes", 3, "not understood"},
		{"1.5 hours later", 0, "not understood"},
		{"10m", 3, "missing at the end"},
		{"2 weeks", 7, "missing at the end"},
		{"next", 4, "missing at the end"},
		{"next day", 5, "not understood"},
		{"this week", 5, "not understood"},
		{"end of week", 7, "not understood"},
		{"a week from monday", 12, "not understood"},
		{"now+1y", 5, "not understood"},
		{"now+1mo", 5, "not understood"},
		{"now+1days", 5, "not understood"},
		{"now+d", 4, "not understood"},
		{"may", 3, "missing at the end"},
		{"may 2027", 4, "no month has"},
		{"20260501", 0, "not understood"},
		{"1777000000", 0, "not understood"},
		{"2026-05-01T9", 11, "wanted after T"},
		{"2026-05-01 09:00Zulu", 16, "not understood"},
	};

	(void)state;
	are_refused(rows, ARRAY_LEN(rows));
}

static void far_future_ends_with_the_calendar(void **state)
{
	static const struct refused rows[] = {
		{"in 99999999999 minutes", 3, "too large"},
		{"now+99999999999d", 4, "too large"},
		{"in 999999999 weeks", 0, "after the year 9999"},
		{"in 999999999 months", 0, "after the year 9999"},
		{"in 999999999 years", 0, "after the year 9999"},
		{"in 999999999h999999999h", 0, "after the year 9999"},
		{"in 999999999 hours and 999999999 weeks", 0, "after the year 9999"},
		{"9999-12-31", 0, "after the year 9999"},
		{"9999-12-30", 0, "after the year 9999"},
	};

	(void)state;
	are_refused(rows, ARRAY_LEN(rows));
	is_once("9999-12-29 09:00", "UTC", NOW, "9999-12-29T09:00:00Z");
	is_once("in 7973 years", "UTC", NOW, "9999-04-28T14:15:00Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths_are_counted_from_now),
		cmocka_unit_test(days_have_their_own_defaults),
		cmocka_unit_test(clock_alone_means_the_next_time_it_shows_that),
		cmocka_unit_test(weekdays_know_this_week_and_the_next),
		cmocka_unit_test(dates_are_read),
		cmocka_unit_test(zone_at_the_end_is_honoured),
		cmocka_unit_test(calendar_steps_keep_the_wall_clock_and_are_clamped),
		cmocka_unit_test(gap_moves_forward_and_overlap_is_its_first_pass),
		cmocka_unit_test(published_moments_come_out_right),
		cmocka_unit_test(past_and_present_are_refused),
		cmocka_unit_test(what_has_two_readings_is_refused),
		cmocka_unit_test(impossible_times_are_refused),
		cmocka_unit_test(what_is_not_wholly_understood_is_refused),
		cmocka_unit_test(far_future_ends_with_the_calendar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
