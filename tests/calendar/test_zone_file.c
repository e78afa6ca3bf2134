/* SPDX-License-Identifier: MIT */
/*
 * TZif files and TZ strings: every version, every way to be wrong, every limit.
 */
#include <inttypes.h>

#include "calendar/tzif.h"
#include "calendar/zone.h"
#include "calendar/zone_internal.h"
#include "lib/t.h"

#define ZONEINFO "/usr/share/zoneinfo"

static int64_t instant(int year, int month, int day, int hour, int minute)
{
	struct civil c = {year, month, day, hour, minute, 0};

	return civil_wall(&c);
}

static void what_is_no_tz_string_is_refused(void **state)
{
	static const char *const rules[] = {
		"CET",
		"CE-1",
		"1CET-1",
		"<CET-1",
		"<+3>-3",
		"<+03 >-3",
		"CET-",
		"CET-25",
		"CET-1:60",
		"CET-1:00:60",
		"CET-1CEST",
		"CET-1CEST,",
		"CET-1CEST,M3.5.0",
		"CET-1CEST,M3.5.0,",
		"CET-1CEST,M0.5.0,M10.5.0",
		"CET-1CEST,M13.5.0,M10.5.0",
		"CET-1CEST,M3.0.0,M10.5.0",
		"CET-1CEST,M3.6.0,M10.5.0",
		"CET-1CEST,M3.5.7,M10.5.0",
		"CET-1CEST,M3.5,M10.5.0",
		"CET-1CEST,M3.5.0/168,M10.5.0",
		"CET-1CEST,M3.5.0/-168,M10.5.0",
		"CET-1CEST,J0,M10.5.0",
		"CET-1CEST,J366,M10.5.0",
		"CET-1CEST,366,M10.5.0",
		"CET-1CEST,-1,M10.5.0",
		"CET-1CEST,M3.5.0,M10.5.0 ",
		"CET-1CEST,M3.5.0,M10.5.0,M1.1.1",
		" CET-1",
		":Europe/Berlin",
		"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF-1",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		struct err e = CLEAN_ERR;

		if (tzif_zone_of_rule(rules[i], &e) != NULL)
			fail_msg("\"%s\" is taken", rules[i]);
		assert_int_equal(e.code, -EINVAL);
		assert_non_null(strstr(e.text, "TZ string"));
	}
}

static void daylight_saving_time_may_last_all_year(void **state)
{
	CLEANUP(zone_unrefp) struct zone *z = tzif_zone_of_rule("EST5EDT,0/0,J365/25", NULL);
	int64_t change;

	(void)state;
	assert_non_null(z);
	for (int year = 1999; year < 2030; year++) {
		int64_t at = instant(year, 1, 1, 5, 0);

		for (int64_t away = -7200; away <= 7200; away += 600) {
			bool is_dst;

			assert_int_equal(zone_offset(z, at + away, &is_dst, NULL), -4 * 3600);
			assert_true(is_dst);
		}
	}
	assert_false(zone_next_change(z, 0, &change));
	assert_false(zone_previous_change(z, 0, &change));
}

static void daylight_saving_time_that_moves_no_clock_is_no_change(void **state)
{
	CLEANUP(zone_unrefp) struct zone *z = tzif_zone_of_rule("AAA-1BBB-1,M3.5.0,M10.5.0", NULL);
	const char *abbreviation;
	int64_t change;

	(void)state;
	assert_non_null(z);
	assert_false(zone_next_change(z, 0, &change));
	assert_false(zone_previous_change(z, instant(2025, 1, 1, 0, 0), &change));
	(void)zone_offset(z, instant(2025, 7, 1, 0, 0), NULL, &abbreviation);
	assert_string_equal(abbreviation, "BBB");
}

static void check_two(const struct zone *z)
{
	const char *abbreviation;
	bool is_dst;

	assert_int_equal(zone_offset(z, INT64_MIN, NULL, NULL), 3600);
	assert_int_equal(zone_offset(z, 999999, NULL, NULL), 3600);
	assert_int_equal(zone_offset(z, 1000000, &is_dst, &abbreviation), 7200);
	assert_true(is_dst);
	assert_string_equal(abbreviation, "DST");
	assert_int_equal(zone_offset(z, 1999999, NULL, NULL), 7200);
	assert_int_equal(zone_offset(z, 2000000, &is_dst, &abbreviation), 3600);
	assert_false(is_dst);
	assert_string_equal(abbreviation, "STD");
	assert_int_equal(zone_offset(z, INT64_MAX, NULL, NULL), 3600);
}

static void files_of_every_version_are_read(void **state)
{
	static const struct {
		char version;
		bool is_fat;
		const char *footer;
	} rows[] = {
		{'\0', false, NULL},
		{'2', false, "STD-1"},
		{'2', true, "STD-1"},
		{'2', false, ""},
		{'2', false, NULL},
		{'3', false, "STD-1"},
		{'4', true, "STD-1"},
		{'5', false, "STD-1"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = CLEAN_ERR;
		struct tzif t = tzif_two;
		CLEANUP(zone_unrefp) struct zone *z = NULL;

		t.version = rows[i].version;
		t.is_fat = rows[i].is_fat;
		t.footer = rows[i].footer;
		/* Indicators that nobody needs. */
		t.isutcnt = t.isstdcnt = i % 2 == 0 ? 2 : 0;
		z = tzif_zone(&t, &e);
		if (z == NULL)
			fail_msg("row %zu: %s", i, e.text);
		assert_string_equal(zone_name(z), "Test/Zone");
		assert_null(zone_path(z));
		check_two(z);
	}
}

static void times_beyond_32_bits_come_from_the_second_block(void **state)
{
	static const int64_t times[] = {-(INT64_C(1) << 40), INT64_C(1) << 33};
	struct tzif t = tzif_two;
	CLEANUP(zone_unrefp) struct zone *z = NULL;
	int64_t change;

	(void)state;
	t.at = times;
	z = tzif_zone(&t, NULL);
	assert_non_null(z);
	/* Before the calendar: no change that anybody could ask for. */
	assert_int_equal(zone_offset(z, INT64_MIN, NULL, NULL), 7200);
	assert_true(zone_next_change(z, INT64_MIN, &change));
	assert_true(change == times[1]);
	assert_false(zone_next_change(z, change, &change));
	assert_true(zone_previous_change(z, INT64_MAX, &change));
	assert_true(change == times[1]);
	assert_false(zone_previous_change(z, change - 1, &change));
}

static void the_footer_rules_from_the_last_transition_on(void **state)
{
	struct tzif t = tzif_two;
	CLEANUP(zone_unrefp) struct zone *z = NULL;
	const char *abbreviation;
	int64_t change = 0;

	(void)state;
	t.footer = "AAA-1BBB,M3.5.0,M10.5.0/3";
	z = tzif_zone(&t, NULL);
	assert_non_null(z);
	assert_int_equal(zone_offset(z, 1999999, NULL, NULL), 7200);
	assert_int_equal(zone_offset(z, 2000000, NULL, &abbreviation), 3600);
	assert_string_equal(abbreviation, "AAA");
	assert_true(zone_next_change(z, 1000000, &change) && change == 2000000);
	assert_true(zone_next_change(z, change, &change));
	assert_true(change == instant(1970, 3, 29, 1, 0));
	assert_true(zone_previous_change(z, change - 1, &change) && change == 2000000);
	/* For ever. */
	assert_true(zone_next_change(z, instant(9999, 4, 1, 0, 0), &change));
	assert_true(change == instant(9999, 10, 31, 1, 0));
	assert_false(zone_next_change(z, change, &change));
}

static void check_refused(const struct tzif *t, const char *why)
{
	struct err e = CLEAN_ERR;

	if (tzif_zone(t, &e) != NULL)
		fail_msg("taken, but: %s", why);
	if (e.code != -EINVAL || strstr(e.text, why) == NULL)
		fail_msg("\"%s\" does not say: %s", e.text, why);
}

static void files_that_contradict_themselves_are_refused(void **state)
{
	static const int64_t unordered[] = {2000000, 1000000}, equal[] = {1000000, 1000000};
	static const uint8_t beyond[] = {1, 2};
	static const struct tzif_type no_abbreviation[] = {{3600, 0, 0}, {7200, 1, 8}};
	static const struct tzif_type no_bool[] = {{3600, 0, 0}, {7200, 2, 4}};
	struct tzif t = tzif_two;

	(void)state;
	t.at = unordered;
	check_refused(&t, "not in order");
	t.at = equal;
	check_refused(&t, "not in order");
	t = tzif_two;
	t.after = beyond;
	check_refused(&t, "type that is not there");
	t = tzif_two;
	t.types = no_abbreviation;
	check_refused(&t, "abbreviation that is not there");
	t.types = no_bool;
	check_refused(&t, "neither standard nor");
	t = tzif_two;
	t.abbreviations = "STD\0DSTx";
	check_refused(&t, "do not end");
	t.abbreviations = "STD\0D\033T";
	check_refused(&t, "not text");
	t = tzif_two;
	t.type_count = 0;
	t.n = 0;
	check_refused(&t, "number of its types");
	t = tzif_two;
	t.abbreviations_n = 0;
	check_refused(&t, "size of its abbreviations");
	t = tzif_two;
	t.isutcnt = 1;
	check_refused(&t, "indicators");
	t.isutcnt = 0;
	t.isstdcnt = 3;
	check_refused(&t, "indicators");
	t = tzif_two;
	t.version = '1';
	check_refused(&t, "version");
	t = tzif_two;
	t.footer = "nonsense";
	check_refused(&t, "TZ string");
}

static void zones_with_leap_seconds_are_refused(void **state)
{
	struct tzif t = tzif_two;
	struct err e = CLEAN_ERR;

	(void)state;
	t.leapcnt = 1;
	check_refused(&t, "leap seconds");
	t.version = '\0';
	check_refused(&t, "leap seconds");
	if (file_exists(ZONEINFO "/right/Europe/Berlin")) {
		assert_null(zone_load("right/Europe/Berlin", &e));
		assert_non_null(strstr(e.text, "leap seconds"));
	}
}

static void offsets_end_at_a_day_and_a_bit(void **state)
{
	static const struct {
		int32_t offset;
		bool is_fine;
	} rows[] = {
		{26 * 3600 - 1, true},
		{26 * 3600, false},
		{26 * 3600 + 1, false},
		{-25 * 3600 + 1, true},
		{-25 * 3600, false},
		{-25 * 3600 - 1, false},
		{INT32_MAX, false},
		{INT32_MIN, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tzif_type types[] = {{3600, 0, 0}, {rows[i].offset, 1, 4}};
		struct tzif t = tzif_two;
		CLEANUP(zone_unrefp) struct zone *z = NULL;

		t.types = types;
		z = tzif_zone(&t, NULL);
		assert_int_equal(z != NULL, rows[i].is_fine);
	}
}

static void a_file_that_is_cut_short_is_refused_at_every_length(void **state)
{
	CLEANUP(buf_fini) struct buf bytes = BUF_NULL;
	size_t without_footer;
	struct tzif t = tzif_two;

	(void)state;
	t.is_fat = true;
	t.isstdcnt = t.isutcnt = 2;
	tzif_write(&bytes, &t);
	without_footer = bytes.n - strlen("\nSTD-1\n");
	for (size_t n = 0; n <= bytes.n; n++) {
		/* Exactly n bytes, so that a sanitizer sees one too many. */
		CLEANUP(freep) char *exact = xcalloc(n + 1, 1);
		CLEANUP(zone_unrefp) struct zone *z = NULL;

		memcpy(exact, buf_str(&bytes), n);
		z = zone_parse("Test/Zone", exact, n, NULL);
		assert_int_equal(z != NULL, n == bytes.n || n == without_footer);
	}
}

static void a_file_has_a_largest_size(void **state)
{
	(void)state;
	for (int more = -1; more <= 1; more++) {
		CLEANUP(buf_fini) struct buf bytes = BUF_NULL;
		CLEANUP(zone_unrefp) struct zone *z = NULL;
		struct err e = CLEAN_ERR;

		/* What follows the footer belongs to nobody. */
		tzif_write(&bytes, &tzif_two);
		while (bytes.n < (size_t)((long)ZONE_FILE_MAX + more))
			buf_add_char(&bytes, 'x');
		z = zone_parse("Test/Zone", buf_str(&bytes), bytes.n, &e);
		assert_int_equal(z != NULL, more <= 0);
		assert_int_equal(e.code, more <= 0 ? 0 : -EFBIG);
	}
}

static void counts_that_lie_allocate_nothing(void **state)
{
	static const size_t count_offsets[] = {20, 24, 28, 32, 36, 40};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(count_offsets); i++) {
		for (int is_fat = 0; is_fat <= 1; is_fat++) {
			CLEANUP(buf_fini) struct buf bytes = BUF_NULL;
			struct tzif t = tzif_two;

			t.version = is_fat ? '2' : '\0';
			t.is_fat = is_fat;
			tzif_write(&bytes, &t);
			memset(bytes.p + count_offsets[i], 0xff, 4);
			assert_null(zone_parse("Test/Zone", buf_str(&bytes), bytes.n, NULL));
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_tz_string_is_refused),
		cmocka_unit_test(daylight_saving_time_may_last_all_year),
		cmocka_unit_test(daylight_saving_time_that_moves_no_clock_is_no_change),
		cmocka_unit_test(files_of_every_version_are_read),
		cmocka_unit_test(times_beyond_32_bits_come_from_the_second_block),
		cmocka_unit_test(the_footer_rules_from_the_last_transition_on),
		cmocka_unit_test(files_that_contradict_themselves_are_refused),
		cmocka_unit_test(zones_with_leap_seconds_are_refused),
		cmocka_unit_test(offsets_end_at_a_day_and_a_bit),
		cmocka_unit_test(a_file_that_is_cut_short_is_refused_at_every_length),
		cmocka_unit_test(a_file_has_a_largest_size),
		cmocka_unit_test(counts_that_lie_allocate_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
