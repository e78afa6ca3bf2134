/* SPDX-License-Identifier: MIT */
/*
 * Schedules as a whole: which language a text is in, what is wanted and what not, limits, hostile
 * bytes, the picture of a fault; and that next, previous and count agree with each other and with a
 * slow walk over all days.
 */
#include "calendar/reading.h"
#include "lib/t.h"

/* --- languages --- */

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

static void wrong_text_is_judged_in_its_own_language(void **state)
{
	static const struct refused rows[] = {
		/* cron */
		{"60 * * * *", 0, "minute"},
		{"* * * *", 7, "5 fields"},
		{"0 9", 3, "5 fields"},
		{"0 9 1 jan", 9, "5 fields"},
		{"  0 9 * * 8", 10, "day"},
		{"-5 * * * *", 0, ""},
		{"*/0 * * * *", 2, ""},
		{"every * * * *", 0, ""},
		{"@reboot", 0, "macros"},
		/* @every */
		{"@every", 6, "missing"},
		{"@every 0s", 7, "less than a second"},
		{"@every -1h", 7, "no sign"},
		{"@every +1h", 7, "no sign"},
		{"@every 999ms", 7, "less than a second"},
		{"@every 1500ms", 7, "whole seconds"},
		{"@every 90", 7, "unit"},
		{"@every 5 minutes", 7, "unit"},
		{"@every 36501d", 7, "longer than"},
		/* zone in front */
		{"TZ=UTC", 6, "missing"},
		{"TZ= 0 9 * * *", 3, ""},
		{"CRON_TZ=Mars/Phobos 0 9 * * *", 8, "Mars/Phobos"},
		{"TZ=UTC 61 * * * *", 7, "minute"},
		{"TZ=UTC every day", 7, "cron expression"},
		{"TZ=UTC @every 1x", 14, "unit"},
		/* phrase, moment */
		{"every dya at 9", 6, "\"dya\""},
		{"tomorrow at 9 dya", 14, "\"dya\""},
		{"", 0, "no text"},
		{" \t ", 0, "no text"},
	};

	(void)state;
	are_refused(rows, ARRAY_LEN(rows));
}

static void dates_and_times_are_not_taken_for_cron(void **state)
{
	(void)state;
	fires_at("2026-05-01 9", "UTC", NOW, "2026-05-01T09:00:00Z");
	fires_at("1 may 2026 09:30", "UTC", NOW, "2026-05-01T09:30:00Z");
	fires_at("5 4 1 1 1", "UTC", NOW, "2027-01-01T04:05:00Z");
	fires_at("10-59/15 10-20/2 1 1 1", "UTC", NOW, "2027-01-01T10:10:00Z");
	assert_non_null(strstr(refusal("13/6/2027 10").text, "two ways"));
}

static void prefix_sets_the_zone_of_an_expression(void **state)
{
	CLEANUP(schedule_freep)
	struct schedule *s = read_at("CRON_TZ=Asia/Tokyo  0 9 * * *", "Europe/Berlin", NOW);

	(void)state;
	assert_string_equal(zone_name(schedule_zone(s)), "Asia/Tokyo");
	assert_string_equal(schedule_canonical(s), "0 9 * * *");
	fires_at("TZ=Asia/Tokyo @daily", "UTC", NOW, "2026-04-28T15:00:00Z");
	fires_at("TZ=Asia/Tokyo @every 1h", "UTC", NOW, "2026-04-28T15:15:00Z");
}

static void every_duration_is_taken_in_whole_seconds(void **state)
{
	(void)state;
	fires_at("@every 1s", "UTC", NOW, "2026-04-28T14:15:01Z 2026-04-28T14:15:02Z");
	fires_at("@every 1.5m", "UTC", NOW, "2026-04-28T14:16:30Z 2026-04-28T14:18:00Z");
	fires_at("@EVERY 1d12h", "UTC", NOW, "2026-04-30T02:15:00Z 2026-05-01T14:15:00Z");
	fires_at("@every 36500d", "UTC", NOW, "2126-04-04T14:15:00Z");
}

static void only_what_is_wanted_is_taken(void **state)
{
	struct schedule_fault f;

	(void)state;
	assert_int_equal(read_as("tomorrow at 9", SCHEDULE_WANT_ONCE, &f), 0);
	assert_int_equal(read_as("every day at 9", SCHEDULE_WANT_RECURRING, &f), 0);
	assert_int_equal(read_as("0 9 * * *", SCHEDULE_WANT_RECURRING, &f), 0);
	assert_int_equal(read_as("0 9 * * *", SCHEDULE_WANT_CRON, &f), 0);
	assert_int_equal(read_as("@daily", SCHEDULE_WANT_CRON, &f), 0);
	assert_int_equal(read_as("@every 5m", SCHEDULE_WANT_CRON, &f), 0);
	assert_int_equal(read_as("TZ=UTC 0 9 * * *", SCHEDULE_WANT_CRON, &f), 0);

	assert_int_equal(read_as("every day at 9", SCHEDULE_WANT_ONCE, &f), -EINVAL);
	assert_non_null(strstr(f.text, "recurs"));
	assert_non_null(strstr(f.hint, "tomorrow at 9"));
	assert_int_equal(read_as("0 9 * * *", SCHEDULE_WANT_ONCE, &f), -EINVAL);
	assert_non_null(strstr(f.text, "recurs"));
	assert_int_equal(read_as("@every 1h", SCHEDULE_WANT_ONCE, &f), -EINVAL);
	assert_int_equal(read_as("tomorrow at 9", SCHEDULE_WANT_RECURRING, &f), -EINVAL);
	assert_non_null(strstr(f.text, "single moment"));
	assert_non_null(strstr(f.hint, "every weekday"));
	/* Its kind is what is wrong with it first, not that it is past. */
	assert_int_equal(read_as("today at 9", SCHEDULE_WANT_RECURRING, &f), -EINVAL);
	assert_non_null(strstr(f.text, "single moment"));
	assert_int_equal(read_as("every day at 9", SCHEDULE_WANT_CRON, &f), -EINVAL);
	assert_non_null(strstr(f.text, "cron"));
	assert_int_equal(read_as("tomorrow", SCHEDULE_WANT_CRON, &f), -EINVAL);
	/* A fault need not be asked for. */
	assert_int_equal(read_as("every dya", SCHEDULE_WANT_ANY, NULL), -EINVAL);
}

/* --- hostile texts --- */

static int read_bytes(const char *p, size_t n, struct schedule_fault *f)
{
	CLEANUP(zone_unrefp) struct zone *z = place("UTC");
	CLEANUP(schedule_freep) struct schedule *s = NULL;
	struct schedule_text t = {{p, n}, z, us_of(NOW), SCHEDULE_WANT_ANY};

	return schedule_parse(&s, &t, f);
}

static void text_has_a_limit(void **state)
{
	char text[SCHEDULE_TEXT_MAX + 2];
	struct schedule_fault f;

	(void)state;
	memset(text, ' ', sizeof(text));
	(void)memcpy(text, "every day at 9", 14);
	assert_int_equal(read_bytes(text, SCHEDULE_TEXT_MAX - 1, &f), 0);
	assert_int_equal(read_bytes(text, SCHEDULE_TEXT_MAX, &f), 0);
	assert_int_equal(read_bytes(text, SCHEDULE_TEXT_MAX + 1, &f), -EINVAL);
	assert_int_equal(f.column, SCHEDULE_TEXT_MAX);
	memset(text, 'a', sizeof(text));
	assert_int_equal(read_bytes(text, SCHEDULE_TEXT_MAX, &f), -EINVAL);
	/* As many tokens as there are bytes. */
	memset(text, '+', sizeof(text));
	assert_int_equal(read_bytes(text, SCHEDULE_TEXT_MAX, &f), -EINVAL);
}

static void ten_kilobytes_are_refused_at_the_limit(void **state)
{
	CLEANUP(freep) char *text = xcalloc(10240, 1);
	CLEANUP(buf_fini) struct buf picture = BUF_NULL;
	struct schedule_fault f;

	(void)state;
	memset(text, '9', 10240);
	assert_int_equal(read_bytes(text, 10240, &f), -EINVAL);
	assert_int_equal(f.column, SCHEDULE_TEXT_MAX);
	schedule_fault_print(&picture, (struct slice){text, 10240}, &f);
	assert_true(picture.n < 1024);
}

static void control_characters_and_foreign_digits_are_refused(void **state)
{
	static const struct {
		const char *text;
		size_t n, column;
	} rows[] = {
		{"CRON_TZ=\x01 0 9 * * *", 19, 8},
		{"@every 5m\n", 10, 9},
		{"every\0day", 9, 5},
		{"every day\n", 10, 9},
		{"0 9 * * *\r", 10, 9},
		{"\033[31mevery day", 14, 0},
		{"every day at 9\x7f", 15, 14},
		{"every \xd9\xa3 minutes", 16, 6}, /* ARABIC-INDIC DIGIT THREE */
		{"every\xc2\xa0"
		 "day",
			10, 5}, /* NO-BREAK SPACE */
		{"\xff\xfe", 2, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct schedule_fault f;

		assert_int_equal(read_bytes(rows[i].text, rows[i].n, &f), -EINVAL);
		assert_int_equal(f.column, rows[i].column);
		assert_non_null(strstr(f.text, "character"));
	}
}

/* --- the picture --- */

static void shows(const char *text, size_t n, size_t column, const char *picture)
{
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	struct schedule_fault f = {.column = column, .text = "what is wrong"};

	schedule_fault_print(&out, (struct slice){text, n}, &f);
	assert_string_equal(out.p, picture);
}

static void fault_is_shown_with_a_caret_below_its_place(void **state)
{
	struct schedule_fault f = refusal("every dya at 9");
	CLEANUP(buf_fini) struct buf out = BUF_NULL;

	(void)state;
	schedule_fault_print(&out, SLICE_LIT("every dya at 9"), &f);
	assert_non_null(strstr(out.p, "\"dya\" is not understood here\n"
				      "  every dya at 9\n"
				      "        ^\n"
				      "did you mean \"day\"?"));
	shows("abc", 3, 0, "what is wrong\n  abc\n  ^");
	shows("abc", 3, 3, "what is wrong\n  abc\n     ^");
	shows("abc", 3, 99, "what is wrong\n  abc\n     ^");
	shows("", 0, 0, "what is wrong\n  \n  ^");
}

static void picture_is_safe_for_a_terminal(void **state)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	struct schedule_fault f = {.column = 250, .text = "x"};
	const char *window;

	(void)state;
	shows("a\033[1mb", 6, 5, "what is wrong\n  a?[1mb\n       ^");
	shows("a\0b", 3, 2, "what is wrong\n  a?b\n    ^");
	/* One column for a character, however many bytes it has. */
	shows("\xc3\xa4\xc3\xb6x", 5, 4, "what is wrong\n  \xc3\xa4\xc3\xb6x\n    ^");
	shows("\xe2\x80\xaex", 4, 3, "what is wrong\n  ?x\n   ^"); /* right-to-left override */
	shows("\xc3x", 2, 1, "what is wrong\n  ?x\n   ^");
	/* Of a long text only what is around the place. */
	for (int i = 0; i < 500; i++)
		buf_add_char(&text, i == 250 ? '!' : '.');
	schedule_fault_print(&out, buf_slice(&text), &f);
	assert_true(out.n < 300);
	window = strchr(out.p, '\n') + 1;
	assert_int_equal(
		strchr(window, '!') - window, strchr(window, '^') - strchr(window, '\n') - 1);
}

/* --- instants --- */

static const char *const all_kinds[] = {"* * * * *", "*/20 2 * * *", "30 2 * * *", "0 0 * * *",
	"0 9 * * 1-5", "0 9 1,15 * *", "0 0 L * *", "0 0 29 2 *", "every day at 2:10 and 3:00",
	"every day at 2:10, 2:40, 3:00 and 3:15", "every 30 minutes between 1:30 and 4",
	"every 25 minutes between 0 and 5", "every 90 minutes", "@every 5m", "every 2 days at 2:30",
	"every day at 0:00 and 0:30", "every other sunday at 2:30 and 3:00", "every 3 weeks at 2",
	"every other month on the last day at 2:30", "every 2 months", "every 3 years at 9",
	"every second weekday of the month at 2:30 and 3:00", "every 3 weeks on weekends at 23:30",
	"on day 31 of every month at 2:30 and 17:15"};

static const struct {
	const char *zone, *from;
} all_places[] = {
	{"UTC", NOW}, {"Europe/Berlin", "2026-03-28T11:30:00Z"},
	{"Europe/Berlin", "2026-10-25T00:40:00Z"},
	{"America/Sao_Paulo", "2018-02-17T15:00:00Z"},  /* a second 23:00 */
	{"America/Sao_Paulo", "2018-11-03T15:00:00Z"},  /* no 00:00 */
	{"Pacific/Apia", "2011-12-28T01:00:00Z"},       /* no Friday */
	{"Australia/Lord_Howe", "2026-04-04T10:00:00Z"} /* half an hour */
};

static void next_previous_and_count_tell_one_story(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all_kinds); i++) {
		for (size_t k = 0; k < ARRAY_LEN(all_places); k++) {
			CLEANUP(schedule_freep)
			struct schedule *s =
				read_at(all_kinds[i], all_places[k].zone, all_places[k].from);

			one_story(s, us_of(all_places[k].from), 40);
		}
	}
}

static void rules_that_meet_at_the_end_of_a_gap_count_once(void **state)
{
	CLEANUP(schedule_freep)
	struct schedule *s = read_at("every day at 2:10, 2:40 and 3:00", "Europe/Berlin", NOW);

	(void)state;
	/* A normal day, and 29 March, when all three are at 03:00. */
	assert_int_equal(
		schedule_count(s, us_of("2026-03-27T12:00:00Z"), us_of("2026-03-28T12:00:00Z")), 3);
	assert_int_equal(
		schedule_count(s, us_of("2026-03-28T12:00:00Z"), us_of("2026-03-29T12:00:00Z")), 1);
}

/* In St. John's the clock went from 00:01 back to 23:01 of the day before. */
static void midnight_of_a_day_to_come_may_have_been(void **state)
{
	CLEANUP(schedule_freep)
	struct schedule *s =
		read_at("every 2 days at 0:00", "America/St_Johns", "2010-11-05T12:00:00Z");
	int64_t midnight = us_of("2010-11-07T02:30:00Z"), at;

	(void)state;
	assert_true(schedule_next(s, us_of("2010-11-05T12:00:00Z"), &at));
	assert_int_equal(at, midnight);
	assert_true(schedule_previous(s, us_of("2010-11-07T02:45:00Z"), &at));
	assert_int_equal(at, midnight);
	assert_true(schedule_next(s, us_of("2010-11-07T02:45:00Z"), &at));
	assert_int_equal(at, us_of("2010-11-09T03:30:00Z"));
}

static void parts_of_a_second_are_between_occurrences(void **state)
{
	CLEANUP(schedule_freep) struct schedule *s = read_at("* * * * *", "UTC", NOW);
	int64_t noon = us_of("2026-04-28T12:00:00Z"), at;

	(void)state;
	assert_true(schedule_next(s, noon - 1, &at) && at == noon);
	assert_true(schedule_next(s, noon, &at) && at == noon + 60 * US);
	assert_true(schedule_next(s, noon + 1, &at) && at == noon + 60 * US);
	assert_true(schedule_previous(s, noon, &at) && at == noon);
	assert_true(schedule_previous(s, noon + 1, &at) && at == noon);
	assert_true(schedule_previous(s, noon - 1, &at) && at == noon - 60 * US);
	assert_true(schedule_next(s, -1, &at) && at == 0);
	assert_true(schedule_previous(s, -1, &at) && at == -60 * US);
	assert_int_equal(schedule_count(s, noon - 1, noon), 1);
	assert_int_equal(schedule_count(s, noon, noon + 60 * US - 1), 0);
	assert_int_equal(schedule_count(s, noon, noon), 0);
	assert_int_equal(schedule_count(s, noon + 1, noon), 0);
}

static void ends_of_time_are_survived(void **state)
{
	static const int64_t ends[] = {INT64_MIN, INT64_MIN + 1, -62135596800 * US, 0,
		253402300799 * US, INT64_MAX - 1, INT64_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all_kinds); i++) {
		CLEANUP(zone_unrefp) struct zone *z = place("Europe/Berlin");

		for (size_t k = 0; k < ARRAY_LEN(ends); k++) {
			CLEANUP(schedule_freep) struct schedule *s = NULL;
			struct schedule_text t = {
				slice_of(all_kinds[i]), z, ends[k], SCHEDULE_WANT_ANY};
			int64_t at;

			assert_int_equal(schedule_parse(&s, &t, NULL), 0);
			for (size_t m = 0; m < ARRAY_LEN(ends); m++) {
				if (schedule_next(s, ends[m], &at))
					assert_true(at > ends[m]);
				if (schedule_previous(s, ends[m], &at))
					assert_true(at <= ends[m]);
			}
			assert_false(schedule_next(s, INT64_MAX, &at));
		}
	}
}

static void impossible_date_loads_and_never_fires(void **state)
{
	CLEANUP(schedule_freep) struct schedule *s = read_at("0 0 31 2 *", "UTC", NOW);
	CLEANUP(schedule_freep) struct schedule *leap = read_at("0 0 29 2 *", "UTC", NOW);
	int64_t at;

	(void)state;
	assert_true(schedule_is_never(s));
	assert_false(schedule_next(s, us_of(NOW), &at));
	assert_int_equal(schedule_count(s, 0, us_of(NOW)), 0);
	assert_false(schedule_is_never(leap));
}

/* --- the slow walk --- */

/* A rule of dates, as simply as it can be said: is this day one? */
typedef bool is_day_fn(int64_t day, int64_t anchor_day);

static bool every_3_days(int64_t day, int64_t anchor)
{
	return (day - anchor) % 3 == 0;
}

static bool every_2_weeks_on_mon_and_sat(int64_t day, int64_t anchor)
{
	/* Monday 1969-12-29 was day -3. */
	int64_t weeks = (day + 3) / 7 - (anchor + 3) / 7;

	return weeks % 2 == 0 && (civil_weekday(day) == 1 || civil_weekday(day) == 6);
}

static bool every_2_months(int64_t day, int64_t anchor)
{
	struct civil c = civil_from_days(day), a = civil_from_days(anchor);
	int length = civil_month_days(c.year, c.month);

	return (c.year * 12 + c.month - a.year * 12 - a.month) % 2 == 0 &&
	       c.day == (a.day < length ? a.day : length);
}

static bool last_day_of_3rd_month(int64_t day, int64_t anchor)
{
	struct civil c = civil_from_days(day), a = civil_from_days(anchor);

	return (c.year * 12 + c.month - a.year * 12 - a.month) % 3 == 0 &&
	       c.day == civil_month_days(c.year, c.month);
}

static bool last_friday_of_2nd_month(int64_t day, int64_t anchor)
{
	struct civil c = civil_from_days(day), a = civil_from_days(anchor);

	return (c.year * 12 + c.month - a.year * 12 - a.month) % 2 == 0 &&
	       civil_weekday(day) == 5 && civil_from_days(day + 7).month != c.month;
}

static bool second_weekday(int64_t day, int64_t anchor)
{
	struct civil c = civil_from_days(day);
	int n = 0;

	(void)anchor;
	for (int64_t i = day - c.day + 1; i <= day; i++)
		n += civil_weekday(i) >= 1 && civil_weekday(i) <= 5;
	return n == 2 && civil_weekday(day) >= 1 && civil_weekday(day) <= 5;
}

static void fires_on_days(const char *text, is_day_fn *is_day, const char *now)
{
	CLEANUP(schedule_freep) struct schedule *s = read_at(text, "UTC", now);
	int64_t anchor = us_of(now) / DAY_US, at = us_of(now);

	for (int64_t day = anchor; day < anchor + 1500; day++) {
		int64_t wanted = day * DAY_US + 9 * 3600 * US;

		if (!is_day(day, anchor) || wanted <= us_of(now))
			continue;
		assert_true(schedule_next(s, at, &at));
		if (at != wanted)
			fail_msg("\"%s\" from %s: day %d, not %d", text, now, (int)(at / DAY_US),
				(int)day);
	}
}

static void rules_of_dates_agree_with_a_slow_walk(void **state)
{
	static const char *const anchors[] = {NOW, "2026-01-31T08:00:00Z", "2026-12-31T23:59:59Z",
		"2028-02-29T09:00:00Z", "2026-05-03T00:00:00Z", "2026-05-04T00:00:00Z"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(anchors); i++) {
		fires_on_days("every 3 days at 9", every_3_days, anchors[i]);
		fires_on_days("every other week on mon and sat at 9", every_2_weeks_on_mon_and_sat,
			anchors[i]);
		fires_on_days("every 2 months at 9", every_2_months, anchors[i]);
		fires_on_days(
			"every 3 months on the last day at 9", last_day_of_3rd_month, anchors[i]);
		fires_on_days("every other month on the last friday at 9", last_friday_of_2nd_month,
			anchors[i]);
		fires_on_days("every second weekday of the month at 9", second_weekday, anchors[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_text_is_judged_in_its_own_language),
		cmocka_unit_test(dates_and_times_are_not_taken_for_cron),
		cmocka_unit_test(prefix_sets_the_zone_of_an_expression),
		cmocka_unit_test(every_duration_is_taken_in_whole_seconds),
		cmocka_unit_test(only_what_is_wanted_is_taken),
		cmocka_unit_test(text_has_a_limit),
		cmocka_unit_test(ten_kilobytes_are_refused_at_the_limit),
		cmocka_unit_test(control_characters_and_foreign_digits_are_refused),
		cmocka_unit_test(fault_is_shown_with_a_caret_below_its_place),
		cmocka_unit_test(picture_is_safe_for_a_terminal),
		cmocka_unit_test(next_previous_and_count_tell_one_story),
		cmocka_unit_test(rules_that_meet_at_the_end_of_a_gap_count_once),
		cmocka_unit_test(midnight_of_a_day_to_come_may_have_been),
		cmocka_unit_test(parts_of_a_second_are_between_occurrences),
		cmocka_unit_test(ends_of_time_are_survived),
		cmocka_unit_test(impossible_date_loads_and_never_fires),
		cmocka_unit_test(rules_of_dates_agree_with_a_slow_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
