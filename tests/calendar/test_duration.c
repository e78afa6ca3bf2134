/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "base/limits.h"
#include "calendar/duration.h"
#include "cmocka.h" /* quoted: it must follow the headers above */

#define S   US_PER_SEC
#define MIN (60 * S)
#define H   (60 * MIN)

static void text_of_gos_grammar_is_a_duration(void **state)
{
	static const struct {
		const char *text;
		int64_t us;
	} rows[] = {
		{"0", 0},
		{"+0", 0},
		{"-0", 0},
		{"0s", 0},
		{"15m", 15 * MIN},
		{"1h30m", 90 * MIN},
		{"1.5h", 90 * MIN},
		{"+5m", 5 * MIN},
		{"-5m", -5 * MIN},
		{".5s", S / 2},
		{"5.s", 5 * S},
		{"10ms", 10000},
		{"300us", 300},
		{"300\xC2\xB5s", 300},
		{"300\xCE\xBCs", 300},
		{"1999ns", 1},
		{"0.5us0.5us", 1},
		{"500ns500ns", 1},
		{"1m1m", 2 * MIN},
		{"3h2m1s", 3 * H + 2 * MIN + S},
		{"1s1h", H + S},
		{"1d", 24 * H},
		{"2w", 14 * 24 * H},
		{"1w2d3h", (9 * 24 + 3) * H},
		{"0.000001s", 1},
		{"0.0000019s", 1},
		{"0.333333333333333333333333333333333s", 333333},
		{"0.99999999999999999999999999999999999w", 7 * 24 * H - 1},
		{"00001h", H},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = CLEAN_ERR;
		int64_t us = -1;

		if (duration_parse(slice_of(rows[i].text), &us, &e) < 0)
			fail_msg("%s", e.text);
		assert_int_equal(us, rows[i].us);
	}
}

static void anything_else_is_refused_at_its_byte(void **state)
{
	static const struct {
		const char *text, *place;
	} rows[] = {
		{"", "missing"},
		{"90", "unit (such as s, m or h) is missing at byte 3"},
		{"10", "byte 3"},
		{"00", "byte 3"},
		{"1H", "not known at byte 2"},
		{" 5m", "number is missing at byte 1"},
		{"5 m", "byte 2"},
		{"5m ", "byte 2"},
		{"1h 30m", "byte 2"},
		{"1hx30m", "byte 2"},
		{"+", "byte 2"},
		{"-", "byte 2"},
		{"--5m", "byte 2"},
		{".", "byte 1"},
		{".s", "byte 1"},
		{"1h.m", "byte 3"},
		{"m", "byte 1"},
		{"1y", "byte 2"},
		{"1mo", "byte 2"},
		{"1.2.3s", "byte 4"},
		{"1e3s", "byte 2"},
		{"5m\n", "byte 2"},
		{"1h-30m", "byte 2"},
		{"\xFF", "byte 1"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = CLEAN_ERR;
		int64_t us = -7;

		assert_int_equal(duration_parse(slice_of(rows[i].text), &us, &e), -EINVAL);
		assert_int_equal(us, -7);
		if (strstr(e.text, rows[i].place) == NULL)
			fail_msg("\"%s\": %s", rows[i].text, e.text);
	}
}

static void result_has_the_range_of_its_type(void **state)
{
	static const char *const large[] = {"9223372036854775808us", "9223372036855s", "15250285w",
		"99999999999999999999s", "9223372036854775807us1us",
		"9223372036854775807us999ns1ns", "153722867281m", "18446744073709551616ns"};
	int64_t us;
	struct err e = CLEAN_ERR;

	(void)state;
	assert_int_equal(duration_parse(SLICE_LIT("9223372036854775806us"), &us, &e), 0);
	assert_int_equal(us, INT64_MAX - 1);
	assert_int_equal(duration_parse(SLICE_LIT("9223372036854775807us"), &us, &e), 0);
	assert_int_equal(us, INT64_MAX);
	assert_int_equal(duration_parse(SLICE_LIT("-9223372036854775807us999ns"), &us, &e), 0);
	assert_int_equal(us, -INT64_MAX);
	for (size_t i = 0; i < ARRAY_LEN(large); i++)
		assert_int_equal(duration_parse(slice_of(large[i]), &us, &e), -ERANGE);
}

static void prints(int64_t us, const char *expected)
{
	struct buf b = BUF_NULL;

	duration_print(&b, us);
	assert_string_equal(buf_str(&b), expected);
	buf_fini(&b);
}

static void duration_is_printed_short(void **state)
{
	(void)state;
	prints(0, "0s");
	prints(1, "1us");
	prints(999, "999us");
	prints(1000, "1ms");
	prints(1500, "1.5ms");
	prints(S - 1, "999.999ms");
	prints(S, "1s");
	prints(S + S / 2, "1.5s");
	prints(45 * S, "45s");
	prints(94 * S, "1m34s");
	prints(90 * MIN, "1h30m");
	prints(H + MIN + S, "1h1m1s");
	prints(H, "1h");
	prints(H + S, "1h1s");
	prints(MIN, "1m");
	prints(49 * H, "49h");
	prints(MIN + 1, "1m0.000001s");
	prints(-90 * MIN, "-1h30m");
	prints(INT64_MAX, "2562047788h54.775807s");
	prints(INT64_MIN, "-2562047788h54.775808s");
}

static void what_is_printed_can_be_read(void **state)
{
	(void)state;
	for (int64_t us = 1; us < INT64_MAX / 3; us = us * 3 + 1) {
		struct buf b = BUF_NULL;
		int64_t again;

		duration_print(&b, us);
		assert_int_equal(duration_parse(buf_slice(&b), &again, NULL), 0);
		assert_int_equal(again, us);
		buf_fini(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_of_gos_grammar_is_a_duration),
		cmocka_unit_test(anything_else_is_refused_at_its_byte),
		cmocka_unit_test(result_has_the_range_of_its_type),
		cmocka_unit_test(duration_is_printed_short),
		cmocka_unit_test(what_is_printed_can_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
