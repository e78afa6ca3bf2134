/* SPDX-License-Identifier: MIT */
#include <time.h>

#include "calendar/civil.h"
#include "lib/t.h"

static const int64_t first_day = -719162; /* 0001-01-01 */
static const int64_t last_day = 2932896;  /* 9999-12-31 */

static void every_day_of_the_calendar_agrees_with_the_c_library(void **state)
{
	(void)state;
	for (int64_t day = first_day; day <= last_day; day++) {
		time_t t = (time_t)(day * SECONDS_PER_DAY);
		struct civil c = civil_from_days(day);
		struct tm tm;

		assert_non_null(gmtime_r(&t, &tm));
		if (c.year != tm.tm_year + 1900 || c.month != tm.tm_mon + 1 || c.day != tm.tm_mday)
			fail_msg("day %lld is %d-%d-%d", (long long)day, c.year, c.month, c.day);
		assert_true(c.hour == 0 && c.minute == 0 && c.second == 0);
		assert_true(civil_days(c.year, c.month, c.day) == day);
		assert_true(civil_weekday(day) == tm.tm_wday);
		assert_true(civil_is_valid(&c));
	}
}

static void the_calendar_begins_and_ends_where_it_says(void **state)
{
	(void)state;
	assert_int_equal(civil_days(1970, 1, 1), 0);
	assert_int_equal(civil_days(YEAR_MIN, 1, 1), first_day);
	assert_int_equal(civil_days(YEAR_MAX, 12, 31), last_day);
}

static void months_have_their_lengths(void **state)
{
	static const struct {
		int year, month, days;
	} rows[] = {
		{2023, 2, 28},
		{2024, 2, 29},
		{1900, 2, 28},
		{2000, 2, 29},
		{2100, 2, 28},
		{2023, 1, 31},
		{2023, 4, 30},
		{2023, 12, 31},
		{2024, 12, 31},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(civil_month_days(rows[i].year, rows[i].month), rows[i].days);
}

static void what_no_clock_shows_is_not_valid(void **state)
{
	static const struct {
		struct civil c;
		bool is_valid;
	} rows[] = {
		{{2024, 2, 29, 23, 59, 59}, true},
		{{1, 1, 1, 0, 0, 0}, true},
		{{9999, 12, 31, 0, 0, 0}, true},
		{{0, 12, 31, 0, 0, 0}, false},
		{{10000, 1, 1, 0, 0, 0}, false},
		{{2023, 2, 29, 0, 0, 0}, false},
		{{2023, 0, 1, 0, 0, 0}, false},
		{{2023, 13, 1, 0, 0, 0}, false},
		{{2023, 1, 0, 0, 0, 0}, false},
		{{2023, 1, 32, 0, 0, 0}, false},
		{{2023, 1, 1, -1, 0, 0}, false},
		{{2023, 1, 1, 24, 0, 0}, false},
		{{2023, 1, 1, 0, -1, 0}, false},
		{{2023, 1, 1, 0, 60, 0}, false},
		{{2023, 1, 1, 0, 0, -1}, false},
		{{2023, 1, 1, 0, 0, 60}, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(civil_is_valid(&rows[i].c), rows[i].is_valid);
}

static void wall_seconds_and_civil_times_are_the_same_thing(void **state)
{
	static const int64_t walls[] = {0, -1, 59, 86399, 86400, -86400, -86401, 951782400,
		INT64_C(-62135596800), INT64_C(253402300799)};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(walls); i++) {
		struct civil c = civil_from_wall(walls[i]);

		assert_true(civil_is_valid(&c));
		assert_true(civil_wall(&c) == walls[i]);
	}
	assert_int_equal(civil_from_wall(-1).second, 59);
	assert_int_equal(civil_from_wall(-1).hour, 23);
	assert_int_equal(civil_from_wall(-1).day, 31);
}

static void months_are_added_within_the_months_end(void **state)
{
	static const struct {
		int year, month, day;
		int64_t n;
		int ret_year, ret_month, ret_day;
	} rows[] = {
		{2023, 1, 31, 1, 2023, 2, 28},
		{2024, 1, 31, 1, 2024, 2, 29},
		{2024, 2, 29, 12, 2025, 2, 28},
		{2024, 2, 29, 48, 2028, 2, 29},
		{2023, 12, 31, 1, 2024, 1, 31},
		{2023, 1, 15, -1, 2022, 12, 15},
		{2023, 3, 31, -1, 2023, 2, 28},
		{2023, 5, 5, 0, 2023, 5, 5},
		{9999, 11, 30, 1, 9999, 12, 30},
		{1, 2, 1, -1, 1, 1, 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct civil c = {rows[i].year, rows[i].month, rows[i].day, 9, 30, 15};

		assert_true(civil_add_months(&c, rows[i].n));
		assert_int_equal(c.year, rows[i].ret_year);
		assert_int_equal(c.month, rows[i].ret_month);
		assert_int_equal(c.day, rows[i].ret_day);
		assert_true(c.hour == 9 && c.minute == 30 && c.second == 15);
	}
}

static void months_do_not_lead_out_of_the_calendar(void **state)
{
	static const int64_t far[] = {1, INT64_C(1) << 40, INT64_MAX};
	struct civil last = {9999, 12, 1, 0, 0, 0}, first = {1, 1, 1, 0, 0, 0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(far); i++) {
		assert_false(civil_add_months(&last, far[i]));
		assert_false(civil_add_months(&first, -far[i]));
	}
	assert_false(civil_add_months(&first, INT64_MIN));
	assert_int_equal(last.year, 9999);
	assert_int_equal(first.year, 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_day_of_the_calendar_agrees_with_the_c_library),
		cmocka_unit_test(the_calendar_begins_and_ends_where_it_says),
		cmocka_unit_test(months_have_their_lengths),
		cmocka_unit_test(what_no_clock_shows_is_not_valid),
		cmocka_unit_test(wall_seconds_and_civil_times_are_the_same_thing),
		cmocka_unit_test(months_are_added_within_the_months_end),
		cmocka_unit_test(months_do_not_lead_out_of_the_calendar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
