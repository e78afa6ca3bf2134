/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include "base/limits.h"
#include "calendar/instant.h"
#include "cmocka.h" /* quoted: it must follow the headers above */

#define S   US_PER_SEC
#define DAY (86400 * S)

static void prints(int64_t us, const char *expected)
{
	char text[INSTANT_SIZE];

	instant_print(us, text);
	assert_string_equal(text, expected);
}

static void instant_is_printed_with_milliseconds(void **state)
{
	(void)state;
	prints(0, "1970-01-01T00:00:00.000Z");
	prints(1795165200 * S, "2026-11-20T09:00:00.000Z");
	prints(1795165200 * S + 999999, "2026-11-20T09:00:00.999Z");
	prints(-1, "1969-12-31T23:59:59.999Z");
	prints(951782400 * S, "2000-02-29T00:00:00.000Z");
	prints(-2203891200 * S, "1900-03-01T00:00:00.000Z");
	prints(253402300799 * S + 999999, "9999-12-31T23:59:59.999Z");
	prints(253402300800 * S, "9999-12-31T23:59:59.999Z");
	prints(-62167219200 * S, "0000-01-01T00:00:00.000Z");
	prints(-62167219200 * S - 1, "0000-01-01T00:00:00.000Z");
	prints(INT64_MAX, "9999-12-31T23:59:59.999Z");
	prints(INT64_MIN, "0000-01-01T00:00:00.000Z");
}

static void every_day_agrees_with_the_c_library(void **state)
{
	(void)state;
	for (int64_t day = -141427; day < 80000; day++) {
		time_t t = day * 86400 + day % 86400 * (day % 2);
		char text[INSTANT_SIZE], expected[INSTANT_SIZE];
		struct tm tm;
		int64_t back;

		assert_non_null(gmtime_r(&t, &tm));
		(void)strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S.000Z", &tm);
		instant_print((int64_t)t * S, text);
		assert_string_equal(text, expected);
		assert_true(instant_parse(slice_of(text), &back));
		assert_true(back == (int64_t)t * S);
	}
}

static void forms_of_rfc_3339_and_its_relatives_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t us;
	} rows[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"1970-01-01T00:00:00.000Z", 0},
		{"1970-01-02", DAY},
		{"1970-01-01 00:01", 60 * S},
		{"1970-01-01t00:00:01z", S},
		{"1970-01-01 00:00:01", S},
		{"1970-01-01T00:00:00.5Z", S / 2},
		{"1970-01-01T00:00:00.123456Z", 123456},
		{"1970-01-01T00:00:00.1234569999999999999999Z", 123456},
		{"1970-01-01T01:00:00+01:00", 0},
		{"1970-01-01T01:00:00+0100", 0},
		{"1969-12-31T18:30:00-05:30", 0},
		{"1970-01-01T23:59:00+23:59", 0},
		{"1970-01-01T02:00+02:00", 0},
		{"1972-06-30T23:59:60Z", 78796800 * S},
		{"2000-02-29", 951782400 * S},
		{"0000-01-01", -62167219200 * S},
		{"9999-12-31T23:59:59.999999Z", 253402300800 * S - 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t us = -1;

		if (!instant_parse(slice_of(rows[i].text), &us))
			fail_msg("%s is refused", rows[i].text);
		assert_int_equal(us, rows[i].us);
	}
}

static void anything_else_is_refused(void **state)
{
	static const char *const rows[] = {"", "1970", "1970-01", "1970-1-1", "70-01-01",
		"1970-00-01", "1970-13-01", "1970-01-00", "1970-01-32", "1970-04-31", "1971-02-29",
		"1900-02-29", "2100-02-29", "1970-01-01T", "1970-01-01T00", "1970-01-01T0:00",
		"1970-01-01T24:00", "1970-01-01T00:60", "1970-01-01T00:00:61",
		"1970-01-01T00:00:00.", "1970-01-01T00:00:00.Z", "1970-01-01T00:00:00,5Z",
		"1970-01-01T00:00:00Zx", "1970-01-01T00:00:00 Z", "1970-01-01T00:00:00+1",
		"1970-01-01T00:00:00+01", "1970-01-01T00:00:00+24:00", "1970-01-01T00:00:00+01:60",
		"1970-01-01T00:00:00+01:00:00", "1970-01-01X00:00", "1970/01/01", " 1970-01-01",
		"1970-01-01 ", "+970-01-01", "1970-01-01T-1:00", "1970-01-01Z", "10000-01-01",
		"19700101"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t us = -7;

		if (instant_parse(slice_of(rows[i]), &us))
			fail_msg("%s is taken", rows[i]);
		assert_int_equal(us, -7);
	}
	assert_false(instant_parse((struct slice){"1970-01-01\0", 11}, &(int64_t){0}));
}

static void is_ago(int64_t us, const char *expected)
{
	struct buf b = BUF_NULL;

	instant_print_ago(&b, 1000 * DAY - us, 1000 * DAY);
	assert_string_equal(buf_str(&b), expected);
	buf_fini(&b);
}

static void age_is_told_in_its_largest_unit(void **state)
{
	struct buf b = BUF_NULL;

	(void)state;
	is_ago(0, "0 sec ago");
	is_ago(30 * S, "30 sec ago");
	is_ago(60 * S - 1, "59 sec ago");
	is_ago(60 * S, "1 min ago");
	is_ago(5 * 60 * S, "5 min ago");
	is_ago(3600 * S - 1, "59 min ago");
	is_ago(3600 * S, "1 hour ago");
	is_ago(3 * 3600 * S, "3 hours ago");
	is_ago(DAY - 1, "23 hours ago");
	is_ago(DAY, "1 day ago");
	is_ago(2 * DAY, "2 days ago");
	is_ago(-5 * S, "0 sec ago");
	instant_print_ago(&b, INT64_MIN, INT64_MAX);
	buf_add_char(&b, '|');
	instant_print_ago(&b, INT64_MAX, INT64_MIN);
	assert_string_equal(buf_str(&b), "106751991 days ago|0 sec ago");
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(instant_is_printed_with_milliseconds),
		cmocka_unit_test(every_day_agrees_with_the_c_library),
		cmocka_unit_test(forms_of_rfc_3339_and_its_relatives_are_read),
		cmocka_unit_test(anything_else_is_refused),
		cmocka_unit_test(age_is_told_in_its_largest_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
