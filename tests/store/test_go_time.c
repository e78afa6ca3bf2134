/* SPDX-License-Identifier: MIT */
/*
 * Timestamps of the Go program, in every form it is known to have left.
 */
#undef NDEBUG
#include "fixture.h"
#include "store/go_time.h"

static void assert_time(const char *text, int64_t want)
{
	int64_t at = -1;

	if (!go_time_parse(slice_of(text), &at))
		fail_msg("refused: %s", text);
	if (at != want)
		fail_msg("%s is %lld, not %lld", text, (long long)at, (long long)want);
}

#define SEC INT64_C(1000000)
/* 2026-11-20 08:00:37 UTC, by date(1). */
#define T (INT64_C(1795161637) * SEC)

static void gos_own_text_is_read(void **state UNUSED)
{
	assert_time("2026-11-20 03:00:37.861883312 -0500 EST m=+0.000032429", T + 861883);
	assert_time("2026-11-20 03:00:37.861883312 -0500 EST", T + 861883);
	assert_time("2026-11-20 03:00:37.8 -0500 EST m=+12.5", T + 800000);
	assert_time("2026-11-20 03:00:37 -0500 EST", T);
	assert_time("2026-11-20 08:00:37 +0000 UTC", T);
	assert_time("2026-11-20 08:00:37.000000001 +0000 UTC m=-0.1", T);
	assert_time("2026-11-20 13:45:37 +0545 +0545", T);
	assert_time("2026-11-20 11:30:37.5 +0330 +0330 m=+1.0", T + 500000);
	assert_time("2026-11-20 05:00:37 -03 -03", T);
	assert_time("2026-11-20 03:00:37 -0500 -0500 m=+0.1", T);
}

static void other_writers_forms_are_read(void **state UNUSED)
{
	assert_time("2026-11-20 08:00:37", T);
	assert_time("2026-11-20T08:00:37", T);
	assert_time("2026-11-20T08:00:37Z", T);
	assert_time("2026-11-20T08:00:37.25Z", T + 250000);
	assert_time("2026-11-20T03:00:37-05:00", T);
	assert_time("2026-11-20 03:00:37-05:00", T);
	assert_time("2026-11-20 03:00:37 -05:00", T);
	assert_time("2026-11-20 13:30:37.123456789+05:30", T + 123456);
	assert_time("  2026-11-20 08:00:37 ", T);
}

static void numbers_are_told_apart_by_their_size(void **state UNUSED)
{
	assert_time("1795161637", T);
	assert_time("1795161637000", T);
	assert_time("1795161637000000", T);
	assert_time("1795161637000000000", T);
	assert_time("0", 0);
	assert_time("-5", 0);
	assert_int_equal(go_time_from_int(1795161637), T);
	assert_int_equal(go_time_from_int(-1), 0);
	assert_true(go_time_from_int(INT64_MAX) > 0);
}

static void days_are_counted_by_the_gregorian_calendar(void **state UNUSED)
{
	assert_time("1970-01-01 00:00:00", 0);
	assert_time("1970-01-01 00:00:01", SEC);
	assert_time("1970-01-01 00:00:00 -0100 X", 3600 * SEC);
	assert_time("2000-02-29 00:00:00", INT64_C(951782400) * SEC);
	assert_time("2000-03-01 00:00:00", INT64_C(951868800) * SEC);
	assert_time("2024-12-31 23:59:59", INT64_C(1735689599) * SEC);
	assert_time("2100-03-01 00:00:00", INT64_C(4107542400) * SEC);
	assert_time("9999-12-31 23:59:59.999999 +0000 UTC", INT64_C(253402300799) * SEC + 999999);
}

static void what_lies_before_1970_is_not_yet(void **state UNUSED)
{
	assert_time("0001-01-01 00:00:00 +0000 UTC", 0);
	assert_time("1969-12-31 23:59:59", 0);
	assert_time("1970-01-01 00:00:00 +0100 CET", 0);
}

static void anything_else_is_refused(void **state UNUSED)
{
	static const char *const bad[] = {"", " ", "-", "now", "2026-11-20", "2026-11-20 08:00",
		"2026-11-20 08:00:37.", "2026-11-20 24:00:00", "2026-11-20 08:60:00",
		"2026-11-20 08:00:60", "2026-13-01 00:00:00", "2026-00-01 00:00:00",
		"2026-11-31 00:00:00", "2026-02-29 00:00:00", "2100-02-29 00:00:00",
		"0000-01-01 00:00:00", "26-11-20 08:00:37", "2026-11-20 08:00:37 EST",
		"2026-11-20 08:00:37 +05000 X", "2026-11-20 08:00:37 +0060 X",
		"2026-11-20 08:00:37 +2400 X", "2026-11-20 08:00:37 -0500 EST m=+1 more",
		"2026-11-20 08:00:37Zulu", "2026-11-20_08:00:37", "99999999999999999999", "1e9",
		"2026-11-20 08:00:37 -0500  EST"};
	int64_t at = 7;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (go_time_parse(slice_of(bad[i]), &at))
			fail_msg("taken: \"%s\"", bad[i]);
		assert_int_equal(at, 7);
	}
	assert_false(go_time_parse(SLICE_NULL, &at));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gos_own_text_is_read),
		cmocka_unit_test(other_writers_forms_are_read),
		cmocka_unit_test(numbers_are_told_apart_by_their_size),
		cmocka_unit_test(days_are_counted_by_the_gregorian_calendar),
		cmocka_unit_test(what_lies_before_1970_is_not_yet),
		cmocka_unit_test(anything_else_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
