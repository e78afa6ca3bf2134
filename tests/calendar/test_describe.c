/* SPDX-License-Identifier: MIT */
/*
 * Descriptions: what they say, and that reading them gives the same schedule again. And the tables
 * of examples in docs/schedules.md: each must be true.
 */
#include "calendar/cron.h"
#include "calendar/dice.h"
#include "calendar/reading.h"
#include "lib/t.h"

#define EXPRESSIONS 1500

static char *words_of(const struct schedule *s)
{
	struct buf words = BUF_NULL;

	schedule_describe(&words, s);
	return buf_steal(&words);
}

struct pair {
	const char *text, *words;
};

static void are_said(const struct pair *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		CLEANUP(schedule_freep) struct schedule *s = read_at(rows[i].text, "UTC", NOW);
		CLEANUP(freep) char *words = words_of(s);

		if (!str_eq(words, rows[i].words))
			fail_msg(
				"\"%s\" is \"%s\", not \"%s\"", rows[i].text, words, rows[i].words);
	}
}

static void expressions_are_said_in_words(void **state)
{
	static const struct pair rows[] = {
		{"0 9 * * 1", "every Monday at 09:00"},
		{"0 9 * * 1-5", "every weekday at 09:00"},
		{"*/15 * * * *", "every 15 minutes"},
		{"0 */6 * * *", "every 6 hours"},
		{"30 8 1 * *", "on day 1 of every month at 08:30"},
		{"0 0 * * *", "every day at 00:00"},
		{"0 9,17 * * 1-5", "every weekday at 09:00 and 17:00"},
		{"* * * * *", "every minute"},
		{"0 * * * *", "every hour"},
		{"15,45 * * * *", "every hour at :15 and :45"},
		{"10 */2 * * *", "every 2 hours at :10"},
		{"*/10 * * * * *", "every 10 seconds"},
		{"0 10 * * sat,sun", "every weekend at 10:00"},
		{"0 9 * * 0,1,4", "every Monday, Thursday and Sunday at 09:00"},
		{"*/15 9-16 * * 1-5", "every 15 minutes between 09:00 and 16:45 on weekdays"},
		{"0 9-17 * * *", "every hour between 09:00 and 17:00"},
		{"30 22-23,0-1 * * *", "every day at 00:30, 01:30, 22:30 and 23:30"},
		{"0 9 1,15 * *", "on days 1 and 15 of every month at 09:00"},
		{"0 9 L * *", "on the last day of every month at 09:00"},
		{"0 9 1W * *", "on the first weekday of every month at 09:00"},
		{"0 9 LW * *", "on the last weekday of every month at 09:00"},
		{"0 9 * * 1#1", "on the first Monday of every month at 09:00"},
		{"0 9 * * 1#1,1#3,1L",
			"on the first, third and last Monday of every month at 09:00"},
		{"0 9 13 * 5L", "on day 13 and the last Friday of every month at 09:00"},
		{"0 0 1 1 *", "every year on January 1 at 00:00"},
		{"0 0 29 2 *", "every year on February 29 at 00:00"},
		{"30 0 9 * * *", "every day at 09:00:30"},
		{"@weekly", "every Sunday at 00:00"},
	};

	(void)state;
	are_said(rows, ARRAY_LEN(rows));
}

/* Else the words would be another schedule where the zone is another. */
static void zone_of_the_text_is_said(void **state)
{
	static const struct pair rows[] = {
		{"CRON_TZ=Asia/Tokyo 0 9 * * *", "every day at 09:00 in Asia/Tokyo"},
		{"TZ=Asia/Tokyo 0 9 13 * 5", "CRON_TZ=Asia/Tokyo 0 9 13 * 5"},
		{"TZ=EST5EDT 0 9 * * *", "CRON_TZ=EST5EDT 0 9 * * *"},
		{"TZ=UTC 0 9 * * *", "every day at 09:00"},
		{"TZ=Asia/Tokyo @every 90m", "every 90 minutes"},
		{"every other monday at 9 in Asia/Tokyo",
			"every 2 weeks on Monday at 09:00 in Asia/Tokyo"},
		{"weekdays at 9 and 17:30 in Asia/Tokyo",
			"every weekday at 09:00 and 17:30 in Asia/Tokyo"},
		{"tomorrow at 9 Asia/Tokyo", "on Wednesday 29 April 2026 at 09:00 in Asia/Tokyo"},
		{"tomorrow at 9 EST", "on Wednesday 29 April 2026 at 09:00 -05:00"},
		{"tomorrow at 9 UTC", "on Wednesday 29 April 2026 at 09:00"},
	};

	(void)state;
	are_said(rows, ARRAY_LEN(rows));
}

static void what_cannot_be_said_well_is_the_expression(void **state)
{
	static const struct pair rows[] = {
		{"0 0 31 2 *", "0 0 31 2 *"},
		{"*/7 * * * *", "*/7 * * * *"},
		{"0 9 15W * *", "0 9 15W * *"},
		{"0 9 * 6-8 *", "0 9 * 6-8 *"},
		{"0 9 13 * 5", "0 9 13 * 5"},
		{"*/30 9 * * *", "every 30 minutes between 09:00 and 09:30"},
		{"0,10,20,30,40,50 9,11 * * *", "0-50/10 9,11 * * *"},
		{"@every 5m", "@every 5m"},
		{"@every 1d", "@every 24h"},
	};

	(void)state;
	are_said(rows, ARRAY_LEN(rows));
}

static void rules_and_moments_are_said_in_words(void **state)
{
	static const struct pair rows[] = {
		{"every 90 minutes", "every 90 minutes"},
		{"@every 1h30m", "every 90 minutes"},
		{"@every 45s", "every 45 seconds"},
		{"every other monday at 9", "every 2 weeks on Monday at 09:00"},
		{"every 3 weeks on weekdays", "every 3 weeks on weekdays at 00:00"},
		{"every 3 days", "every 3 days at 00:00"},
		{"every other month at 9", "every 2 months at 09:00"},
		{"every 3 months on the 15th and the last day at 9",
			"every 3 months on day 15 and the last day at 09:00"},
		{"every third weekday of the month at 9",
			"on the third weekday of every month at 09:00"},
		{"weekdays at 9 and 17:30", "every weekday at 09:00 and 17:30"},
		{"every 30 minutes between 9:30 and midnight",
			"every 30 minutes between 09:30 and midnight"},
		{"tomorrow at 9", "on Wednesday 29 April 2026 at 09:00"},
		{"in 30s", "on Tuesday 28 April 2026 at 14:15:30"},
	};

	(void)state;
	are_said(rows, ARRAY_LEN(rows));
}

static void comes_back(const char *text, const char *zone, const char *now)
{
	CLEANUP(schedule_freep) struct schedule *s = read_at(text, zone, now);
	CLEANUP(freep) char *words = words_of(s);
	CLEANUP(schedule_freep) struct schedule *again = read_at(words, zone, now);
	CLEANUP(freep) char *words_again = words_of(again);

	/* A moment that had to be said in UTC is read in that zone and said in its words. */
	if (!str_eq(words, words_again) && schedule_kind(s) == SCHEDULE_RECURRING)
		fail_msg("\"%s\": \"%s\" became \"%s\"", text, words, words_again);
	same_schedule(s, again, us_of(now));
}

static void descriptions_can_be_read_back(void **state)
{
	static const char *const texts[] = {"every minute", "every 7 minutes", "every 90 minutes",
		"every 48 hours", "every 120 minutes", "every 45 seconds", "every 5 hours",
		"hourly", "hourly at :05, :25 and :45", "every 3 hours at :15 on weekends",
		"every 15 minutes between 9 and 17 on mon, tue and sat",
		"every 90 minutes between 9 and midnight", "every 25 minutes between 0 and 12",
		"every 30 minutes between 1:30 and 4", "every hour between 22 and midnight",
		"daily", "every day at 9, 12:30 and 17:00:15", "every weekday at 9",
		"every weekend", "every monday, wednesday and sunday at 18:30",
		"every friday to monday at 2:30", "every 2 days", "every 11 days at 9 and 17:30",
		"every 5 weeks at 9", "every other monday at 9",
		"every 3 weeks on weekends at 2:30", "every 4 weeks on tue and thu at 9",
		"every other month at 9", "every 13 months", "every 3 years at noon",
		"on the 1st and 31st of every month at 2:30", "on the last day of every month",
		"every first and last monday of the month",
		"every fifth sunday of the month at 2:30", "every first weekday of the month",
		"every second weekday of the month", "every fourth and last weekday of the month",
		"on day 2, the last day and the second tuesday of every month at 9 and 17:30",
		"every 3 months on the 31st", "every 5 months on the last weekday at 9",
		"every other month on the third weekday and the first monday at 9",
		"every year on feb 29 at 9 and 17:30", "@every 1s", "@every 5m", "@every 61m",
		"@every 26h", "@every 36500d", "0 0 31 2 *", "0 0 30 2 *", "0 9 15W * 3#2",
		"*/20 2 * * *", "30 2 * * *", "0 0-23 * * *", "0,30 9 * * *", "*/30 9 * * *",
		"0 0-23/2 * * *", "0 9 ? * 1", "0 9 */2 * 1", "59 59 23 31 12 *",
		"0/20 */8 * * 1-5", "in 2 hours", "noon", "next friday at 2:30", "eod",
		"every day at 9 in Asia/Tokyo", "TZ=Etc/GMT+5 0 9 * * 1", "TZ=UTC @daily",
		"TZ=EST5EDT 0 9 * * 1", "CRON_TZ=Asia/Kathmandu 0 9 13 * 5", "daily in UTC",
		"every 3 days at 9 in Japan", "next friday at 9 EST", "noon Asia/Kolkata",
		"2030-01-01T09:00-03:30", "2030-01-01T09:00Z"};
	static const struct {
		const char *zone, *now;
	} places[] = {
		{"UTC", NOW},
		{"Europe/Berlin", "2026-03-28T11:30:30Z"},
		{"Europe/Berlin", "2026-10-24T23:30:00Z"},
		{"America/Sao_Paulo", "2018-02-17T15:00:00Z"},
		{"Pacific/Apia", "2011-12-29T01:00:00Z"},
		{"Australia/Lord_Howe", "2026-10-03T05:00:00Z"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		for (size_t k = 0; k < ARRAY_LEN(places); k++)
			comes_back(texts[i], places[k].zone, places[k].now);
}

/* In the second pass of an overlap the wall clock alone would name the first. */
static void moment_in_a_second_pass_comes_back(void **state)
{
	CLEANUP(schedule_freep)
	struct schedule *s = read_at("now+30m", "Europe/Berlin", "2026-10-25T00:45:00Z");
	CLEANUP(freep) char *words = words_of(s);

	(void)state;
	assert_string_equal(words, "2026-10-25T01:15:00Z");
	comes_back("now+30m", "Europe/Berlin", "2026-10-25T00:45:00Z");
}

static void descriptions_of_random_expressions_can_be_read_back(void **state)
{
	struct dice d;
	int said = 0;

	(void)state;
	dice_start(&d, "PYLON_DESCRIBE_SEED");
	for (int i = 0; i < EXPRESSIONS; i++) {
		CLEANUP(buf_fini) struct buf text = BUF_NULL;
		CLEANUP(schedule_freep) struct schedule *s = NULL;
		CLEANUP(freep) char *words = NULL;

		dice_expression(&d, &text);
		comes_back(buf_str(&text), "Europe/Berlin", "2026-03-28T11:30:00Z");
		s = read_at(buf_str(&text), "UTC", NOW);
		words = words_of(s);
		said += !str_eq(words, schedule_canonical(s));
	}
	/* Else this would prove nothing about words. */
	assert_true(said > EXPRESSIONS / 50);
}

/* --- docs/schedules.md --- */

/* The n-th `code` of a line, "" when there is none. */
static char *code_of(struct slice line, int n)
{
	const char *start = NULL;

	for (size_t i = 0; i < line.n; i++) {
		if (line.p[i] != '`')
			continue;
		if (start == NULL)
			start = line.p + i + 1;
		else if (n-- > 0)
			start = NULL;
		else
			return xstrndup(start, (size_t)(line.p + i - start));
	}
	return xstrdup("");
}

/* A row of two columns, a text and the expression or instant that it is; false for other lines. */
static bool is_example(struct slice line)
{
	size_t bars = 0, ticks = 0;

	for (size_t i = 0; i < line.n; i++) {
		bars += line.p[i] == '|';
		ticks += line.p[i] == '`';
	}
	return line.n > 5 && bars == 3 && ticks == 4 && memcmp(line.p, "| `", 3) == 0 &&
	       memcmp(line.p + line.n - 3, "` |", 3) == 0;
}

static void is_true(const char *text, const char *what)
{
	CLEANUP(schedule_freep) struct schedule *s = read_at(text, "UTC", NOW);
	CLEANUP(freep)
	char *instant = xasprintf("%.10sT%sZ", what, what + MIN_OF(strlen(what), 11));

	if (schedule_kind(s) == SCHEDULE_RECURRING) {
		assert_string_equal(schedule_canonical(s), what);
	} else {
		int64_t at;

		assert_true(schedule_next(s, us_of(NOW), &at));
		if (at != us_of(instant))
			fail_msg("\"%s\" is not %s", text, what);
	}
}

static void examples_of_the_manual_are_true(void **state)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	int examples = 0;

	(void)state;
	assert_int_equal(file_read(PYLON_SOURCE_DIR "/docs/schedules.md", 1 << 20, &text, NULL), 0);
	for (char *p = text.p; *p != '\0';) {
		size_t n = strcspn(p, "\n");
		struct slice line = {p, n};
		CLEANUP(freep) char *one = code_of(line, 0);
		CLEANUP(freep) char *other = code_of(line, 1);

		if (is_example(line)) {
			is_true(one, other);
			examples++;
		}
		p += n + (p[n] == '\n');
	}
	assert_true(examples > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expressions_are_said_in_words),
		cmocka_unit_test(zone_of_the_text_is_said),
		cmocka_unit_test(what_cannot_be_said_well_is_the_expression),
		cmocka_unit_test(rules_and_moments_are_said_in_words),
		cmocka_unit_test(descriptions_can_be_read_back),
		cmocka_unit_test(moment_in_a_second_pass_comes_back),
		cmocka_unit_test(descriptions_of_random_expressions_can_be_read_back),
		cmocka_unit_test(examples_of_the_manual_are_true),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
