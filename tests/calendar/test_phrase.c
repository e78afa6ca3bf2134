/* SPDX-License-Identifier: MIT */
/*
 * Recurring phrases: which cron expression they are, when they fire where they are none, and where
 * and why a text is refused.
 */
#include "base/json.h"
#include "base/limits.h"
#include "calendar/reading.h"
#include "lib/t.h"

static void is_cron(const char *text, const char *canonical)
{
	CLEANUP(schedule_freep) struct schedule *s = read_at(text, "UTC", NOW);

	if (!str_eq(schedule_canonical(s), canonical))
		fail_msg("\"%s\" is %s, not %s", text, schedule_canonical(s), canonical);
	assert_int_equal(schedule_kind(s), SCHEDULE_RECURRING);
	assert_false(schedule_is_anchored(s));
}

struct pair {
	const char *text, *cron;
};

static void are_cron(const struct pair *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		is_cron(rows[i].text, rows[i].cron);
}

static void steps_of_the_clock_are_cron(void **state)
{
	static const struct pair rows[] = {
		{"every minute", "* * * * *"},
		{"every 1 minute", "* * * * *"},
		{"every 5 minutes", "*/5 * * * *"},
		{"every five minutes", "*/5 * * * *"},
		{"every 5m", "*/5 * * * *"},
		{"every 30 min", "*/30 * * * *"},
		{"every 60 minutes", "0 * * * *"},
		{"every hour", "0 * * * *"},
		{"hourly", "0 * * * *"},
		{"every other hour", "0 */2 * * *"},
		{"every 6 hours", "0 */6 * * *"},
		{"every 24 hours", "0 0 * * *"},
		{"every second", "* * * * * *"},
		{"every 30 seconds", "*/30 * * * * *"},
		{"every hour at :15", "15 * * * *"},
		{"hourly at :05 and :35", "5,35 * * * *"},
		{"every hour :15", "15 * * * *"},
		{"every 2 hours at :15", "15 */2 * * *"},
		{"every hour at :15 on weekdays", "15 * * * 1-5"},
		{"every 15 minutes on weekends", "*/15 * * * 0,6"},
		{"every 15 minutes between 9 and 17:45 on weekdays", "*/15 9-17 * * 1-5"},
		{"every 15 minutes on weekdays between 9am and 4:50pm", "*/15 9-16 * * 1-5"},
		{"every 15 minutes from 9 to 16:45", "*/15 9-16 * * *"},
		{"every minute between 0:00 and 0:59", "* 0 * * *"},
		{"every 20 minutes between 22 and midnight", "*/20 22,23 * * *"},
		{"every hour between 9 and 17", "0 9-17 * * *"},
		{"every hour between 9:30 and 17", "30 9-16 * * *"},
		{"every 2 hours between 9 and 17", "0 9-17/2 * * *"},
		{"every 10 minutes between 9:05 and 10", "5-55/10 9 * * *"},
	};

	(void)state;
	are_cron(rows, ARRAY_LEN(rows));
}

static void days_of_the_week_are_cron(void **state)
{
	static const struct pair rows[] = {
		{"every day", "0 0 * * *"},
		{"everyday at 9", "0 9 * * *"},
		{"every day at noon", "0 12 * * *"},
		{"every day at midnight", "0 0 * * *"},
		{"every day at 17h30", "30 17 * * *"},
		{"every day 9", "0 9 * * *"},
		{"EVERY  Day\tAT 9", "0 9 * * *"},
		{"  every day at 9  ", "0 9 * * *"},
		{"each day at 12am", "0 0 * * *"},
		{"every day at 12pm", "0 12 * * *"},
		{"every day at 12:30am", "30 0 * * *"},
		{"every day at 9 p.m.", "0 21 * * *"},
		{"every day at 09:00:30", "30 0 9 * * *"},
		{"at 9 every day", "0 9 * * *"},
		{"9:30pm every day", "30 21 * * *"},
		{"daily", "0 0 * * *"},
		{"daily at 9 and 17", "0 9,17 * * *"},
		{"daily at 9, at 12 and at 17", "0 9,12,17 * * *"},
		{"every day at 17, 9 and 17", "0 9,17 * * *"},
		{"every weekday at 9", "0 9 * * 1-5"},
		{"weekdays 9:15", "15 9 * * 1-5"},
		{"on weekdays at 9", "0 9 * * 1-5"},
		{"every weekend at 10am", "0 10 * * 0,6"},
		{"weekends at 10am", "0 10 * * 0,6"},
		{"every monday", "0 0 * * 1"},
		{"every mon at 9", "0 9 * * 1"},
		{"every monday, wednesday and friday at 7", "0 7 * * 1,3,5"},
		{"every monday, wednesday, and friday at 7", "0 7 * * 1,3,5"},
		{"every mon-fri at 9", "0 9 * * 1-5"},
		{"mon-fri at 9", "0 9 * * 1-5"},
		{"monday thru friday at 9", "0 9 * * 1-5"},
		{"monday and thursday at 9", "0 9 * * 1,4"},
		{"every friday to monday at 9", "0 9 * * 0,1,5,6"},
		{"mondays and thursdays at 18:30", "30 18 * * 1,4"},
		{"on sundays", "0 0 * * 0"},
		{"weekly", "0 0 * * 0"},
		{"every week at 9", "0 9 * * 0"},
		{"weekly on tuesday at 9", "0 9 * * 2"},
		{"weekly at 9 on tuesday", "0 9 * * 2"},
		{"every week on tue, thu at 9", "0 9 * * 2,4"},
		{"every monday, at 9am", "0 9 * * 1"},
		{"mondays, tuesdays, 9:00", "0 9 * * 1,2"},
		{"every day, at 9, 12 and 17", "0 9,12,17 * * *"},
		{"daily, noon", "0 12 * * *"},
	};

	(void)state;
	are_cron(rows, ARRAY_LEN(rows));
}

static void days_of_months_and_years_are_cron(void **state)
{
	static const struct pair rows[] = {
		{"monthly", "0 0 1 * *"},
		{"every month at 9", "0 9 1 * *"},
		{"on the 1st of every month at 10:15", "15 10 1 * *"},
		{"on the 1st and 15th of every month at 9", "0 9 1,15 * *"},
		{"on the 1st and the 15th of each month at 9", "0 9 1,15 * *"},
		{"the 2nd, 3rd and 4th of the month", "0 0 2-4 * *"},
		{"on the first of every month", "0 0 1 * *"},
		{"every 31st of the month at 9", "0 9 31 * *"},
		{"on day 1 of every month at 08:30", "30 8 1 * *"},
		{"on days 1, 2 and 15 of every month", "0 0 1,2,15 * *"},
		{"monthly on day 5 at noon", "0 12 5 * *"},
		{"monthly on the last day at 17:00", "0 17 L * *"},
		{"every month on the 15th and the last day at 9", "0 9 15,L * *"},
		{"monthly at 9 on the 15th", "0 9 15 * *"},
		{"every first monday of the month at 9", "0 9 * * 1#1"},
		{"every second tuesday of the month at 9", "0 9 * * 2#2"},
		{"every third wednesday of every month", "0 0 * * 3#3"},
		{"every fourth thursday of the month", "0 0 * * 4#4"},
		{"every 5th friday of the month", "0 0 * * 5#5"},
		{"every last friday of the month at 17:00", "0 17 * * 5L"},
		{"every first and third monday of the month", "0 0 * * 1#1,1#3"},
		{"the first monday and the last friday of every month", "0 0 * * 1#1,5L"},
		{"on the first monday of the month at 9", "0 9 * * 1#1"},
		{"monthly on the first monday at 9", "0 9 * * 1#1"},
		{"every first weekday of the month at 9", "0 9 1W * *"},
		{"every last weekday of the month at 9", "0 9 LW * *"},
		{"on day 15 and the last friday of every month", "0 0 15 * 5L"},
		{"yearly", "0 0 1 1 *"},
		{"annually at 9", "0 9 1 1 *"},
		{"every year on jan 1 at 00:00", "0 0 1 1 *"},
		{"every year on january 1st at 9", "0 9 1 1 *"},
		{"every year on the 25th of december", "0 0 25 12 *"},
		{"yearly on feb 29", "0 0 29 2 *"},
		{"every 25 december at 9", "0 9 25 12 *"},
		{"every sept 3 at 9", "0 9 3 9 *"},
		{"dec 25 every year at 9", "0 9 25 12 *"},
	};

	(void)state;
	are_cron(rows, ARRAY_LEN(rows));
}

/* The phrases of nl_schedule.json and the expressions beside them. */
static void published_phrases_fire_like_their_expressions(void **state)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	CLEANUP(js_freep) struct js *j = NULL;
	const struct js *rows;

	(void)state;
	assert_int_equal(
		file_read(PYLON_SOURCE_DIR "/tests/calendar/nl_schedule.json", MIB(1), &text, NULL),
		0);
	j = js_parse(text.p, text.n, NULL);
	rows = js_get(j, "recurring_phrases");
	assert_true(js_len(rows) >= 12);
	for (size_t i = 0; i < js_len(rows); i++) {
		const char *cron = js_get_str(js_at(rows, i), "equivalent_cron");
		CLEANUP(freep) char *nexts = nexts_of(cron, "Europe/Berlin", NOW, 5);

		fires_at(js_get_str(js_at(rows, i), "input"), "Europe/Berlin", NOW, nexts);
	}
}

/* No single expression says these. */
static void is_rule(const char *text, bool is_anchored, const char *instants)
{
	CLEANUP(schedule_freep) struct schedule *s = read_at(text, "UTC", NOW);

	assert_null(schedule_canonical(s));
	assert_int_equal(schedule_is_anchored(s), is_anchored);
	fires_at(text, "UTC", NOW, instants);
}

static void times_with_different_minutes_are_a_rule(void **state)
{
	(void)state;
	is_rule("every weekday at 9:00 and 17:30", false,
		"2026-04-28T17:30:00Z 2026-04-29T09:00:00Z 2026-04-29T17:30:00Z");
	/* Both ends belong to it. */
	is_rule("every 15 minutes between 9 and 17 on weekdays", false,
		"2026-04-28T14:30:00Z 2026-04-28T14:45:00Z 2026-04-28T15:00:00Z "
		"2026-04-28T15:15:00Z 2026-04-28T15:30:00Z 2026-04-28T15:45:00Z "
		"2026-04-28T16:00:00Z 2026-04-28T16:15:00Z 2026-04-28T16:30:00Z "
		"2026-04-28T16:45:00Z 2026-04-28T17:00:00Z 2026-04-29T09:00:00Z");
	is_rule("every 90 minutes between 9 and 17", false,
		"2026-04-28T15:00:00Z 2026-04-28T16:30:00Z 2026-04-29T09:00:00Z");
	is_rule("every 30 minutes between 9:30 and 16:15", false,
		"2026-04-28T14:30:00Z 2026-04-28T15:00:00Z 2026-04-28T15:30:00Z "
		"2026-04-28T16:00:00Z 2026-04-29T09:30:00Z");
}

static void what_does_not_divide_is_counted_from_the_anchor(void **state)
{
	(void)state;
	is_rule("every 90 minutes", true,
		"2026-04-28T15:45:00Z 2026-04-28T17:15:00Z 2026-04-28T18:45:00Z");
	is_rule("every 7 minutes", true, "2026-04-28T14:22:00Z 2026-04-28T14:29:00Z");
	is_rule("every 5 hours", true, "2026-04-28T19:15:00Z 2026-04-29T00:15:00Z");
	is_rule("every 120 minutes", true, "2026-04-28T16:15:00Z");
	is_rule("@every 5m", true, "2026-04-28T14:20:00Z");
	/* Elapsed time does not care about clocks. */
	fires_at("every 5 hours", "Europe/Berlin", "2026-03-28T23:00:00Z",
		"2026-03-29T04:00:00Z 2026-03-29T09:00:00Z");
}

static void days_weeks_and_months_step_from_the_date_of_the_anchor(void **state)
{
	(void)state;
	is_rule("every 3 days", true, "2026-05-01T00:00:00Z 2026-05-04T00:00:00Z");
	is_rule("every 3 days at 17:00", true, "2026-04-28T17:00:00Z 2026-05-01T17:00:00Z");
	is_rule("every other day at 9", true, "2026-04-30T09:00:00Z 2026-05-02T09:00:00Z");
	is_rule("every 2 weeks at 9", true, "2026-05-12T09:00:00Z 2026-05-26T09:00:00Z");
	is_rule("every 2 months at 9", true, "2026-06-28T09:00:00Z 2026-08-28T09:00:00Z");
	is_rule("every 2 years", true, "2028-04-28T00:00:00Z 2030-04-28T00:00:00Z");
	/* Clamped to the end of the month, and back to the 31st. */
	fires_at("every other month at 9", "UTC", "2026-12-31T10:00:00Z",
		"2027-02-28T09:00:00Z 2027-04-30T09:00:00Z 2027-06-30T09:00:00Z "
		"2027-08-31T09:00:00Z");
	/* The date is that of the zone, not of UTC. */
	fires_at("every 2 days at 9", "Asia/Tokyo", "2026-04-28T23:30:00Z",
		"2026-04-29T00:00:00Z 2026-05-01T00:00:00Z");
}

static void every_other_week_counts_from_the_week_of_the_anchor(void **state)
{
	(void)state;
	is_rule("every other monday at 9", true, "2026-05-11T09:00:00Z 2026-05-25T09:00:00Z");
	is_rule("every other friday at 9", true, "2026-05-01T09:00:00Z 2026-05-15T09:00:00Z");
	is_rule("every other tuesday at 17", true, "2026-04-28T17:00:00Z 2026-05-12T17:00:00Z");
	is_rule("every other tuesday at 9", true, "2026-05-12T09:00:00Z 2026-05-26T09:00:00Z");
	is_rule("every other week on sunday", true, "2026-05-03T00:00:00Z 2026-05-17T00:00:00Z");
	is_rule("every 3 weeks on mon and wed at 9", true,
		"2026-04-29T09:00:00Z 2026-05-18T09:00:00Z 2026-05-20T09:00:00Z "
		"2026-06-08T09:00:00Z");
	/* Asked later, the anchor stays what it was. */
	fires_at("every other monday at 9", "UTC", "2026-04-26T12:00:00Z",
		"2026-05-04T09:00:00Z 2026-05-18T09:00:00Z");
}

static void months_that_cron_cannot_count_are_a_rule(void **state)
{
	(void)state;
	is_rule("every third weekday of the month at 9", false,
		"2026-05-05T09:00:00Z 2026-06-03T09:00:00Z 2026-07-03T09:00:00Z");
	is_rule("every first and second weekday of the month at 9", false,
		"2026-05-01T09:00:00Z 2026-05-04T09:00:00Z 2026-06-01T09:00:00Z");
	is_rule("every 3 months on the 15th at 9", true,
		"2026-07-15T09:00:00Z 2026-10-15T09:00:00Z");
	is_rule("every 3 months on the 30th at 9", true,
		"2026-04-30T09:00:00Z 2026-07-30T09:00:00Z");
	is_rule("every other month on the last day", true,
		"2026-04-30T00:00:00Z 2026-06-30T00:00:00Z");
	is_rule("on the 5th of every 3 months", true, "2026-07-05T00:00:00Z");
	is_rule("every 2 months on the last weekday at 9", true,
		"2026-04-30T09:00:00Z 2026-06-30T09:00:00Z 2026-08-31T09:00:00Z");
	/* A month without that day is left out. */
	is_rule("every 2 months on day 31", true,
		"2026-08-31T00:00:00Z 2026-10-31T00:00:00Z 2026-12-31T00:00:00Z");
}

static void month_that_never_has_the_day_never_fires(void **state)
{
	CLEANUP(schedule_freep)
	struct schedule *s = read_at("every 12 months on day 31", "UTC", "2026-02-10T00:00:00Z");
	int64_t at;

	(void)state;
	assert_true(schedule_is_never(s));
	assert_false(schedule_next(s, us_of(NOW), &at));
	assert_false(schedule_previous(s, us_of(NOW), &at));
	assert_int_equal(schedule_count(s, 0, us_of(NOW)), 0);
}

static void nothing_recurs_before_its_anchor(void **state)
{
	static const char *const texts[] = {"every 90 minutes", "every other monday at 9",
		"every 3 days at 9", "every 3 months on the 1st", "@every 1h"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		CLEANUP(schedule_freep) struct schedule *s = read_at(texts[i], "UTC", NOW);
		int64_t first, at;

		assert_true(schedule_next(s, us_of(NOW), &first));
		assert_true(schedule_next(s, us_of(NOW) - 1000 * DAY_US, &at));
		assert_int_equal(first, at);
		assert_false(schedule_previous(s, first - 1, &at));
		assert_int_equal(schedule_count(s, 0, first), 1);
	}
}

static void zone_may_end_a_phrase(void **state)
{
	static const char *const texts[] = {"every day at 9 in Europe/Berlin",
		"every day at 9 Europe/Berlin", "at 9 every day in Europe/Berlin"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		CLEANUP(schedule_freep) struct schedule *s = read_at(texts[i], "Asia/Tokyo", NOW);

		assert_string_equal(zone_name(schedule_zone(s)), "Europe/Berlin");
		assert_string_equal(schedule_canonical(s), "0 9 * * *");
		fires_at(texts[i], "Asia/Tokyo", NOW, "2026-04-29T07:00:00Z");
	}
	fires_at("every day at 9 in UTC", "Asia/Tokyo", NOW, "2026-04-29T09:00:00Z");
	fires_at("every day at 9 in GMT", "Asia/Tokyo", NOW, "2026-04-29T09:00:00Z");
}

static void clock_changes_follow_the_rule_of_fixed_jobs(void **state)
{
	(void)state;
	/* 02:30 does not exist on 29 March: the first instant after the gap. */
	fires_at("every 2 days at 2:30", "Europe/Berlin", "2026-03-27T00:00:00Z",
		"2026-03-27T01:30:00Z 2026-03-29T01:00:00Z 2026-03-31T00:30:00Z");
	fires_at("every day at 2:30 and 9:15", "Europe/Berlin", "2026-03-28T12:00:00Z",
		"2026-03-29T01:00:00Z 2026-03-29T07:15:00Z 2026-03-30T00:30:00Z");
	/* Both times of the gap become one. */
	fires_at("every day at 2:10 and 3:00", "Europe/Berlin", "2026-03-28T12:00:00Z",
		"2026-03-29T01:00:00Z 2026-03-30T00:10:00Z");
	/* 02:30 comes twice on 25 October: its first pass. */
	fires_at("every 2 days at 2:30", "Europe/Berlin", "2026-10-23T12:00:00Z",
		"2026-10-25T00:30:00Z 2026-10-27T01:30:00Z");
}

/* --- refusals --- */

static void others_are_refused_at_their_place(void **state)
{
	static const struct {
		const char *text;
		size_t column;
		const char *why;
	} rows[] = {
		{"every", 5, "missing at the end"},
		{"every dya at 9", 6, "not understood"},
		{"every day at", 12, "missing at the end"},
		{"every day at 25:00", 13, "no hour"},
		{"every day at 24:00", 13, "no hour"},
		{"every day at 9:60", 15, "more than 59"},
		{"every day at 9:5", 15, "two digits"},
		{"every day at 13pm", 13, "no hour"},
		{"every day at 0am", 13, "no hour"},
		{"every day at 009", 13, "no time"},
		{"every day at 9x", 14, "not understood"},
		{"every day at 9 and", 18, "missing at the end"},
		{"every day at 9 at 10", 15, "said before"},
		{"at 9 every day at 10", 15, "said before"},
		{"every 0 minutes", 6, "no number"},
		{"every -5 minutes", 6, "forward"},
		{"every 1.5 hours", 7, "not understood"},
		{"every 99999999999 minutes", 6, "too large"},
		{"every 5", 7, "missing at the end"},
		{"every 5 parsecs", 8, "not understood"},
		{"every 5 minutes at 9", 16, "does not go"},
		{"at 9 every 5 minutes", 0, "does not go"},
		{"every hour at 15", 14, "not understood"},
		{"every hour at :60", 15, "minute of the hour"},
		{"every hour at :5", 15, "minute of the hour"},
		{"every 5 hours at :15", 14, "divides a day"},
		{"every 90 minutes on weekdays", 17, "cannot be kept"},
		{"every 15 minutes between 17 and 9", 32, "later than the start"},
		{"every 15 minutes between 9 and 9", 31, "later than the start"},
		{"every 15 minutes between 9", 26, "missing at the end"},
		{"every 15 seconds between 9 and 17", 17, "does not go"},
		{"every monday at 9 and thursday at 10", 22, "not understood"},
		{"every monday and", 16, "missing at the end"},
		{"every mon-weekend", 10, "range"},
		{"every other weekday", 12, "not understood"},
		{"every second monday", 6, "two ways"},
		{"every first monday", 18, "missing at the end"},
		{"every sixth monday of the month", 6, "not understood"},
		{"every 6th monday of the month", 6, "that many"},
		{"on the 32nd of every month", 7, "no month has"},
		{"on day 0 of every month", 7, "no month has"},
		{"on the 1st and first monday of every month", 21, "which of the numbers"},
		{"on the 15th and the last friday of every month", 25, "which of the numbers"},
		{"on the last of every month", 12, "not understood"},
		{"yearly on feb 30", 10, "never has"},
		{"every year on april 31", 14, "never has"},
		{"every day in Mars/Phobos", 13, "Mars/Phobos"},
		{"every day at 9 in EST", 18, "fixed offset"},
		{"every day at 9 EST", 15, "fixed offset"},
		{"every day at 9 BST", 15, "no time zone"},
		{"every day at 9 in", 17, "missing at the end"},
		{"every day at 9 please", 15, "not understood"},
		{"every day at 9 tomorrow", 15, "not understood"},
		{"every day at 9; every day at 10", 14, "not understood"},
		{"next monday every week", 0, "not understood"},
		{"every 999999999 hours", 21, "longer than"},
		{"every 36501 days", 6, "too much"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct schedule_fault f = refusal(rows[i].text);

		if (f.column != rows[i].column || strstr(f.text, rows[i].why) == NULL)
			fail_msg("\"%s\" at %zu: %s", rows[i].text, f.column, f.text);
	}
}

static void probable_word_is_suggested(void **state)
{
	static const struct {
		const char *text, *meant;
	} rows[] = {
		{"every dya at 9", "\"day\""},
		{"every wekday at 9", "\"weekday\""},
		{"every mondya at 9", "\"Monday\""},
		{"evry day at 9", "\"every\""},
		{"dialy at 9", "\"daily\""},
		{"every 5 minuts", "\"minutes\""},
		{"tomorow at 9", "\"tomorrow\""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strstr(refusal(rows[i].text).hint, rows[i].meant) == NULL)
			fail_msg("\"%s\": %s", rows[i].text, refusal(rows[i].text).hint);
	assert_null(strstr(refusal("every xylophone at 9").hint, "did you mean"));
}

static void limits_hold(void **state)
{
	struct buf many = BUF_NULL;

	(void)state;
	is_rule("every 36500 days", true, "2126-04-04T00:00:00Z");
	assert_true(refusal("every 36501 days").column == 6);
	/* 48 times of day are taken, a 49th is not. */
	buf_add_str(&many, "every day at 0:00");
	for (int i = 1; i < 48; i++)
		buf_printf(&many, ",%d:%02d", i / 2, i % 2 * 30);
	is_cron(many.p, "0,30 0-23 * * *");
	buf_add_str(&many, ",0:01");
	assert_non_null(strstr(refusal(many.p).text, "more than 48"));
	buf_fini(&many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_of_the_clock_are_cron),
		cmocka_unit_test(days_of_the_week_are_cron),
		cmocka_unit_test(days_of_months_and_years_are_cron),
		cmocka_unit_test(published_phrases_fire_like_their_expressions),
		cmocka_unit_test(times_with_different_minutes_are_a_rule),
		cmocka_unit_test(what_does_not_divide_is_counted_from_the_anchor),
		cmocka_unit_test(days_weeks_and_months_step_from_the_date_of_the_anchor),
		cmocka_unit_test(every_other_week_counts_from_the_week_of_the_anchor),
		cmocka_unit_test(months_that_cron_cannot_count_are_a_rule),
		cmocka_unit_test(month_that_never_has_the_day_never_fires),
		cmocka_unit_test(nothing_recurs_before_its_anchor),
		cmocka_unit_test(zone_may_end_a_phrase),
		cmocka_unit_test(clock_changes_follow_the_rule_of_fixed_jobs),
		cmocka_unit_test(others_are_refused_at_their_place),
		cmocka_unit_test(probable_word_is_suggested),
		cmocka_unit_test(limits_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
