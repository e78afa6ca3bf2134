/* SPDX-License-Identifier: MIT */
/*
 * Zones against the C library's, for every zone of this machine; and how they are found by name.
 */
#include <fts.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <time.h>

#include "calendar/dice.h"
#include "calendar/tzif.h"
#include "calendar/zone.h"
#include "calendar/zone_internal.h"
#include "lib/t.h"

#define ZONEINFO "/usr/share/zoneinfo"
#define HOUR     INT64_C(3600)

static const int64_t instant_1970 = 0, instant_2100 = INT64_C(4102444800);

static struct zone *load(const char *name)
{
	struct err e = CLEAN_ERR;
	struct zone *z = zone_load(name, &e);

	if (z == NULL)
		fail_msg("%s", e.text);
	return z;
}

static void set_library_zone(const char *tz)
{
	assert_int_equal(setenv("TZ", tz, 1), 0);
	tzset();
}

static void check_against_library(const struct zone *z, int64_t at)
{
	const char *abbreviation;
	time_t t = (time_t)at;
	bool is_dst;
	int offset = zone_offset(z, at, &is_dst, &abbreviation);
	struct civil c = zone_civil(z, at);
	struct tm tm;

	assert_non_null(localtime_r(&t, &tm));
	if (offset != tm.tm_gmtoff || is_dst != (tm.tm_isdst > 0) ||
		strcmp(abbreviation, tm.tm_zone) != 0)
		fail_msg("%s at %" PRId64 ": %d %s %s, but should be %ld %s %s", zone_name(z), at,
			offset, is_dst ? "dst" : "std", abbreviation, tm.tm_gmtoff,
			tm.tm_isdst ? "dst" : "std", tm.tm_zone);
	assert_true(c.year == tm.tm_year + 1900 && c.month == tm.tm_mon + 1 &&
		    c.day == tm.tm_mday && c.hour == tm.tm_hour && c.minute == tm.tm_min &&
		    c.second == tm.tm_sec);
}

static void check_around(const struct zone *z, int64_t at)
{
	if (at <= instant_1970 || at >= instant_2100)
		return;
	check_against_library(z, at - 1);
	check_against_library(z, at);
	check_against_library(z, at + 1);
}

/* Random instants, every change and every transition of the file. */
static size_t check_zone(struct dice *d, const struct zone *z)
{
	int64_t at = instant_1970;
	size_t changes = 0;

	for (size_t i = 0; i < 200; i++)
		check_against_library(z, dice_between(d, instant_1970, instant_2100));
	for (size_t i = 0; i < z->data.n; i++)
		check_around(z, z->data.at[i]);
	while (zone_next_change(z, at, &at) && at < instant_2100) {
		int64_t back;

		assert_int_not_equal(
			zone_offset(z, at - 1, NULL, NULL), zone_offset(z, at, NULL, NULL));
		check_around(z, at);
		/* The way back leads over the same ones. */
		assert_true(zone_previous_change(z, at, &back) && back == at);
		assert_true(!zone_previous_change(z, at - 1, &back) || back < at);
		assert_true(zone_next_change(z, at - 1, &back) && back == at);
		changes++;
	}
	return changes;
}

/* Calls fn with the name of each zone of this machine; those with leap seconds and the copies are
 * left out. */
static size_t for_each_zone(void (*fn)(const char *name, void *ctx), void *ctx)
{
	char root[] = ZONEINFO;
	char *const roots[] = {root, NULL};
	FTS *tree = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, NULL);
	FTSENT *entry;
	size_t n = 0;

	assert_non_null(tree);
	while ((entry = fts_read(tree)) != NULL) {
		CLEANUP(buf_fini) struct buf bytes = BUF_NULL;

		if (entry->fts_info == FTS_D && entry->fts_level == 1 &&
			(str_eq(entry->fts_name, "right") || str_eq(entry->fts_name, "posix")))
			(void)fts_set(tree, entry, FTS_SKIP);
		if (entry->fts_info != FTS_F ||
			file_read(entry->fts_path, MIB(4), &bytes, NULL) < 0 || bytes.n < 44 ||
			memcmp(bytes.p, "TZif", 4) != 0)
			continue;
		fn(entry->fts_path + sizeof(ZONEINFO), ctx);
		n++;
	}
	assert_int_equal(fts_close(tree), 0);
	return n;
}

struct tally {
	struct dice dice;
	size_t changes;
};

static void check_named(const char *name, void *ctx)
{
	struct tally *tally = ctx;
	CLEANUP(zone_unrefp) struct zone *z = load(name);

	set_library_zone(name);
	tally->changes += check_zone(&tally->dice, z);
}

static void every_zone_agrees_with_the_c_library(void **state)
{
	struct tally tally = {.changes = 0};
	size_t n;

	(void)state;
	dice_start(&tally.dice, "PYLON_ZONE_SEED");
	n = for_each_zone(check_named, &tally);
	printf("%zu zones, %zu changes\n", n, tally.changes);
	assert_true(n > 300);
	assert_true(tally.changes > 10000);
}

static void tz_strings_agree_with_the_c_library(void **state)
{
	static const char *const rules[] = {
		"UTC0",
		"CET-1CEST,M3.5.0,M10.5.0/3",
		"EST5EDT,M3.2.0,M11.1.0",
		"<+03>-3",
		"<-0330>3:30<-0230>,M3.2.0,M11.1.0",
		"IST-1GMT0,M10.5.0,M3.5.0/1",
		"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
		"<+00>0<+02>-2,M3.5.0/1,M10.5.0/3",
		"<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
		"EET-2EEST,M3.4.4/50,M10.4.4/50",
		"NZST-12NZDT,M9.5.0,M4.1.0/3",
		"<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45",
		"AAA3BBB,J60/0,J300/0",
		"AAA3BBB,J59,J365/-24",
		"AAA3BBB,59/0,300",
		"AAA-3BBB,0/25,364/-3:30:15",
		"AAA+05:30:15BBB4:30:15,M1.1.1/-167,M12.5.6/167",
		"LONGNAME-10OTHERNAME-11:00:30,M10.1.0/167,M3.5.0/-167",
	};
	struct dice d;

	(void)state;
	dice_start(&d, "PYLON_ZONE_SEED");
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		struct err e = CLEAN_ERR;
		CLEANUP(zone_unrefp) struct zone *z = tzif_zone_of_rule(rules[i], &e);

		if (z == NULL)
			fail_msg("%s", e.text);
		set_library_zone(rules[i]);
		(void)check_zone(&d, z);
	}
}

static void unsafe_and_unknown_names_are_refused(void **state)
{
	static const struct {
		const char *name;
		int code;
	} rows[] = {
		{"", -EINVAL},
		{"/etc/passwd", -EINVAL},
		{"/usr/share/zoneinfo/Europe/Berlin", -EINVAL},
		{"..", -EINVAL},
		{".", -EINVAL},
		{"../zoneinfo/UTC", -EINVAL},
		{"Europe/../UTC", -EINVAL},
		{"Europe//Berlin", -EINVAL},
		{"Europe/", -EINVAL},
		{"Europe/Berlin/", -EINVAL},
		{"Europe/Berlin\n", -EINVAL},
		{"Europe/Ber lin", -EINVAL},
		{"Europe\\Berlin", -EINVAL},
		{"zone.tab", -EINVAL},
		{"Nowhere/Bogus", -ENOENT},
		{"Europe", -ENOENT},
		{"Europe/Berlin/Mitte", -ENOENT},
		{"leapseconds", -EINVAL},
	};

	(void)state;
	assert_null(zone_load(NULL, NULL));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = CLEAN_ERR;

		if (zone_load(rows[i].name, &e) != NULL)
			fail_msg("\"%s\" is taken", rows[i].name);
		if (e.code != rows[i].code)
			fail_msg("\"%s\": %d %s", rows[i].name, e.code, e.text);
	}
}

static void a_name_in_the_wrong_case_gets_a_hint(void **state)
{
	static const char *const rows[][2] = {
		{"europe/berlin", "\"Europe/Berlin\"?"},
		{"EUROPE/BERLIN", "\"Europe/Berlin\"?"},
		{"america/argentina/buenos_aires", "\"America/Argentina/Buenos_Aires\"?"},
		{"utc", "\"UTC\"?"},
	};
	struct err e = CLEAN_ERR;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_null(zone_load(rows[i][0], &e));
		assert_non_null(strstr(e.text, rows[i][1]));
	}
	assert_null(zone_load("Europe/Berlinn", &e));
	assert_null(strchr(e.text, '?'));
	assert_null(zone_load("Europe", &e));
	assert_null(strchr(e.text, '?'));
}

/* A folder that stands for the machine's zones; gone with zoneinfo_restore(). */
static char *zoneinfo_replace(void)
{
	char *folder = t_folder();

	assert_int_equal(setenv("TZDIR", folder, 1), 0);
	return folder;
}

static void zoneinfo_restore(char *folder)
{
	assert_int_equal(unsetenv("TZDIR"), 0);
	t_folder_remove(folder);
}

static void write_zone(const char *folder, const char *name, const struct tzif *t)
{
	CLEANUP(freep) char *path = xasprintf("%s/%s", folder, name);
	CLEANUP(buf_fini) struct buf bytes = BUF_NULL;

	tzif_write(&bytes, t);
	assert_int_equal(file_write(path, buf_str(&bytes), bytes.n, 0644, NULL), 0);
}

static void a_name_has_a_greatest_length(void **state)
{
	char *folder = zoneinfo_replace();

	(void)state;
	for (int n = ZONE_NAME_MAX - 1; n <= ZONE_NAME_MAX + 1; n++) {
		CLEANUP(freep) char *name = xasprintf("%0*d", n, 0);
		CLEANUP(zone_unrefp) struct zone *z = NULL;

		write_zone(folder, name, &tzif_two);
		z = zone_load(name, NULL);
		assert_int_equal(z != NULL, n <= ZONE_NAME_MAX);
	}
	zoneinfo_restore(folder);
}

static void schedules_share_a_zone_until_its_file_changes(void **state)
{
	char *folder = zoneinfo_replace();
	CLEANUP(freep) char *path = xasprintf("%s/Zone", folder);
	CLEANUP(zone_unrefp) struct zone *old = NULL, *same = NULL, *new = NULL, *other = NULL;
	struct tzif t = tzif_two;

	(void)state;
	write_zone(folder, "Zone", &tzif_two);
	write_zone(folder, "Other", &tzif_two);
	old = load("Zone");
	same = load("Zone");
	other = load("Other");
	assert_ptr_equal(old, same);
	assert_ptr_not_equal(old, other);
	assert_string_equal(zone_path(old), path);

	t.n = 0;
	write_zone(folder, "Zone", &t);
	new = load("Zone");
	assert_ptr_not_equal(new, old);
	assert_int_equal(zone_offset(new, 1000000, NULL, NULL), 3600);
	/* Who has the old one keeps it as it was. */
	assert_int_equal(zone_offset(old, 1000000, NULL, NULL), 7200);

	assert_int_equal(unlink(path), 0);
	assert_null(zone_load("Zone", NULL));
	zoneinfo_restore(folder);
}

/* Writes over a file until the kernel's clock has moved on since; the inode stays. */
static void overwrite(const char *path, const struct buf *bytes)
{
	struct stat before, after;

	assert_int_equal(stat(path, &before), 0);
	do {
		FILE *f = fopen(path, "r+b");

		assert_non_null(f);
		assert_int_equal(fwrite(bytes->p, 1, bytes->n, f), bytes->n);
		assert_int_equal(fclose(f), 0);
		assert_int_equal(stat(path, &after), 0);
	} while (before.st_ctim.tv_sec == after.st_ctim.tv_sec &&
		 before.st_ctim.tv_nsec == after.st_ctim.tv_nsec);
	assert_true(before.st_ino == after.st_ino && before.st_size == after.st_size);
}

static void a_file_written_over_in_place_is_read_again(void **state)
{
	static const uint8_t after[] = {0, 1};
	char *folder = zoneinfo_replace();
	CLEANUP(freep) char *path = xasprintf("%s/Zone", folder);
	CLEANUP(buf_fini) struct buf bytes = BUF_NULL;
	CLEANUP(zone_unrefp) struct zone *old = NULL, *new = NULL;
	struct tzif t = tzif_two;

	(void)state;
	write_zone(folder, "Zone", &tzif_two);
	old = load("Zone");
	t.after = after;
	tzif_write(&bytes, &t);
	overwrite(path, &bytes);
	new = load("Zone");
	assert_ptr_not_equal(new, old);
	assert_int_equal(zone_offset(old, 1500000, NULL, NULL), 7200);
	assert_int_equal(zone_offset(new, 1500000, NULL, NULL), 3600);
	zoneinfo_restore(folder);
}

static void a_file_that_is_no_zone_is_refused_by_name(void **state)
{
	char *folder = zoneinfo_replace();
	CLEANUP(freep) char *path = xasprintf("%s/Text", folder);
	struct err e = CLEAN_ERR;

	(void)state;
	assert_int_equal(file_write(path, "hello\n", 6, 0644, NULL), 0);
	assert_null(zone_load("Text", &e));
	assert_non_null(strstr(e.text, "Text"));
	assert_non_null(strstr(e.text, "TZif"));
	zoneinfo_restore(folder);
}

static void utc_and_fixed_offsets_need_no_file(void **state)
{
	static const struct {
		int offset;
		const char *name;
	} rows[] = {
		{0, "UTC"},
		{3600, "+01:00"},
		{-18000, "-05:00"},
		{20700, "+05:45"},
		{-12600, "-03:30"},
		{-1, "-00:00:01"},
		{93599, "+25:59:59"},
	};
	CLEANUP(zone_unrefp) struct zone *utc = NULL;
	char *folder = zoneinfo_replace();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(zone_unrefp) struct zone *z = zone_fixed(rows[i].offset);
		struct zone_instants when = zone_instants_of(z, 1000000);
		const char *abbreviation;
		int64_t change;
		bool is_dst;

		assert_string_equal(zone_name(z), rows[i].name);
		assert_null(zone_path(z));
		assert_int_equal(zone_offset(z, 0, &is_dst, &abbreviation), rows[i].offset);
		assert_false(is_dst);
		assert_string_equal(abbreviation, rows[i].name);
		assert_false(zone_next_change(z, 0, &change));
		assert_false(zone_previous_change(z, 0, &change));
		assert_int_equal(when.match, ZONE_ONCE);
		assert_true(when.first == 1000000 - rows[i].offset && when.second == when.first);
	}
	utc = load("UTC");
	assert_null(zone_path(utc));
	zoneinfo_restore(folder);
}

static void gaps_and_overlaps_are_found(void **state)
{
	static const struct {
		const char *zone;
		struct civil wall;
		enum zone_match match;
		struct civil first, second; /* UTC */
	} rows[] = {
		{"Europe/Berlin", {2026, 3, 29, 1, 59, 59}, ZONE_ONCE, {2026, 3, 29, 0, 59, 59},
			{2026, 3, 29, 0, 59, 59}},
		{"Europe/Berlin", {2026, 3, 29, 2, 0, 0}, ZONE_GAP, {2026, 3, 29, 1, 0, 0},
			{2026, 3, 29, 1, 0, 0}},
		{"Europe/Berlin", {2026, 3, 29, 2, 30, 0}, ZONE_GAP, {2026, 3, 29, 1, 0, 0},
			{2026, 3, 29, 1, 30, 0}},
		{"Europe/Berlin", {2026, 3, 29, 3, 0, 0}, ZONE_ONCE, {2026, 3, 29, 1, 0, 0},
			{2026, 3, 29, 1, 0, 0}},
		{"Europe/Berlin", {2026, 10, 25, 2, 0, 0}, ZONE_TWICE, {2026, 10, 25, 0, 0, 0},
			{2026, 10, 25, 1, 0, 0}},
		{"Europe/Berlin", {2026, 10, 25, 2, 59, 59}, ZONE_TWICE, {2026, 10, 25, 0, 59, 59},
			{2026, 10, 25, 1, 59, 59}},
		{"Europe/Berlin", {2026, 10, 25, 3, 0, 0}, ZONE_ONCE, {2026, 10, 25, 2, 0, 0},
			{2026, 10, 25, 2, 0, 0}},
		/* Friday never came. */
		{"Pacific/Apia", {2011, 12, 30, 0, 0, 0}, ZONE_GAP, {2011, 12, 30, 10, 0, 0},
			{2011, 12, 30, 10, 0, 0}},
		{"Pacific/Apia", {2011, 12, 30, 12, 0, 0}, ZONE_GAP, {2011, 12, 30, 10, 0, 0},
			{2011, 12, 30, 22, 0, 0}},
		{"Pacific/Apia", {2011, 12, 30, 23, 59, 59}, ZONE_GAP, {2011, 12, 30, 10, 0, 0},
			{2011, 12, 31, 9, 59, 59}},
		{"Pacific/Apia", {2011, 12, 31, 0, 0, 0}, ZONE_ONCE, {2011, 12, 30, 10, 0, 0},
			{2011, 12, 30, 10, 0, 0}},
		/* No midnight, and one that comes twice. */
		{"Africa/Cairo", {2023, 4, 28, 0, 0, 0}, ZONE_GAP, {2023, 4, 27, 22, 0, 0},
			{2023, 4, 27, 22, 0, 0}},
		{"America/Sao_Paulo", {2018, 2, 17, 23, 30, 0}, ZONE_TWICE, {2018, 2, 18, 1, 30, 0},
			{2018, 2, 18, 2, 30, 0}},
		/* Half an hour, two hours, and winter time as the exception. */
		{"Australia/Lord_Howe", {2025, 10, 5, 2, 15, 0}, ZONE_GAP, {2025, 10, 4, 15, 30, 0},
			{2025, 10, 4, 15, 45, 0}},
		{"Australia/Lord_Howe", {2026, 4, 5, 1, 45, 0}, ZONE_TWICE, {2026, 4, 4, 14, 45, 0},
			{2026, 4, 4, 15, 15, 0}},
		{"Antarctica/Troll", {2025, 3, 30, 2, 30, 0}, ZONE_GAP, {2025, 3, 30, 1, 0, 0},
			{2025, 3, 30, 2, 30, 0}},
		{"Europe/Dublin", {2025, 10, 26, 1, 30, 0}, ZONE_TWICE, {2025, 10, 26, 0, 30, 0},
			{2025, 10, 26, 1, 30, 0}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(zone_unrefp) struct zone *z = load(rows[i].zone);
		struct zone_instants when = zone_instants_of(z, civil_wall(&rows[i].wall));

		if (when.match != rows[i].match || when.first != civil_wall(&rows[i].first) ||
			when.second != civil_wall(&rows[i].second))
			fail_msg("row %zu: %d %" PRId64 " %" PRId64, i, (int)when.match, when.first,
				when.second);
	}
}

/* All instants that show a wall time, by trying every offset the zone has around it. */
static size_t instants_by_trial(const struct zone *z, int64_t wall, int64_t *ret_first)
{
	int offsets[16], offset = zone_offset(z, wall - 30 * HOUR, NULL, NULL);
	int64_t at = wall - 30 * HOUR;
	size_t n = 0, found = 0;

	do {
		bool is_new = true;

		offset = zone_offset(z, at, NULL, NULL);
		for (size_t i = 0; i < n; i++)
			is_new = is_new && offsets[i] != offset;
		if (is_new) {
			assert_true(n < ARRAY_LEN(offsets));
			offsets[n++] = offset;
		}
	} while (zone_next_change(z, at, &at) && at < wall + 30 * HOUR);
	for (size_t i = 0; i < n; i++) {
		at = wall - offsets[i];
		if (zone_offset(z, at, NULL, NULL) != offsets[i])
			continue;
		if (found++ == 0 || at < *ret_first)
			*ret_first = at;
	}
	return found;
}

static void check_walls(const char *name, void *ctx)
{
	struct tally *tally = ctx;
	CLEANUP(zone_unrefp) struct zone *z = load(name);

	for (size_t i = 0; i < 100; i++) {
		int64_t wall = dice_between(&tally->dice, instant_1970, instant_2100), at;
		struct zone_instants when;
		size_t n;

		if (zone_next_change(z, wall, &at))
			wall = at + zone_offset(z, at, NULL, NULL) +
			       dice_between(&tally->dice, -2 * HOUR, 2 * HOUR);
		n = instants_by_trial(z, wall, &at);
		when = zone_instants_of(z, wall);
		assert_int_equal(when.match, n == 0 ? ZONE_GAP : n == 1 ? ZONE_ONCE : ZONE_TWICE);
		if (n > 0)
			assert_true(when.first == at);
		else
			assert_true(
				zone_offset(z, when.first, NULL, NULL) + when.first > wall &&
				zone_offset(z, when.first - 1, NULL, NULL) + when.first <= wall);
		tally->changes += n != 1;
	}
}

static void every_wall_time_finds_its_instants(void **state)
{
	struct tally tally = {.changes = 0};

	(void)state;
	dice_start(&tally.dice, "PYLON_ZONE_SEED");
	(void)for_each_zone(check_walls, &tally);
	assert_true(tally.changes > 1000);
}

static void the_system_zone_comes_from_the_environment_first(void **state)
{
	static const char *const rows[][2] = {
		{"Europe/Berlin", "Europe/Berlin"},
		{":Europe/Berlin", "Europe/Berlin"},
		{ZONEINFO "/Asia/Tokyo", "Asia/Tokyo"},
		{":" ZONEINFO "/Asia/Tokyo", "Asia/Tokyo"},
		{"UTC", "UTC"},
	};
	static const char *const no_names[] = {"", "CET-1CEST,M3.5.0,M10.5.0/3", "Nowhere/Bogus",
		"/etc/passwd", "../../etc/localtime"};
	CLEANUP(freep) char *machine = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(freep) char *name = NULL;

		set_library_zone(rows[i][0]);
		name = zone_system_name();
		assert_string_equal(name, rows[i][1]);
	}
	assert_int_equal(unsetenv("TZ"), 0);
	machine = zone_system_name();
	zone_unref(load(machine));
	for (size_t i = 0; i < ARRAY_LEN(no_names); i++) {
		CLEANUP(freep) char *name = NULL;

		set_library_zone(no_names[i]);
		name = zone_system_name();
		assert_string_equal(name, machine);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_zone_agrees_with_the_c_library),
		cmocka_unit_test(tz_strings_agree_with_the_c_library),
		cmocka_unit_test(unsafe_and_unknown_names_are_refused),
		cmocka_unit_test(a_name_in_the_wrong_case_gets_a_hint),
		cmocka_unit_test(a_name_has_a_greatest_length),
		cmocka_unit_test(schedules_share_a_zone_until_its_file_changes),
		cmocka_unit_test(a_file_written_over_in_place_is_read_again),
		cmocka_unit_test(a_file_that_is_no_zone_is_refused_by_name),
		cmocka_unit_test(utc_and_fixed_offsets_need_no_file),
		cmocka_unit_test(gaps_and_overlaps_are_found),
		cmocka_unit_test(every_wall_time_finds_its_instants),
		cmocka_unit_test(the_system_zone_comes_from_the_environment_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
