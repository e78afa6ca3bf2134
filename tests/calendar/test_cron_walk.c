/* SPDX-License-Identifier: MIT */
/*
 * Random expressions, zones and instants: cron_next() against the walker, which knows nothing of
 * our calendar, zones or search. PYLON_WALK_COUNT is how many; PYLON_WALK_SEED repeats a run.
 */
#include <inttypes.h>
#include <time.h>

#include "calendar/cron.h"
#include "calendar/dice.h"
#include "calendar/walker.h"
#include "lib/t.h"

enum {
	COUNT_DEFAULT = 20000,
	FOUND_MAX = 4,
};

/* Those whose clocks do something odd, and some that do not. */
static const char *const zones[] = {
	"UTC",
	"Europe/Berlin",
	"Europe/London",
	"Europe/Dublin",
	"Europe/Lisbon",
	"Europe/Moscow",
	"Europe/Istanbul",
	"Europe/Volgograd",
	"America/New_York",
	"America/St_Johns",
	"America/Sao_Paulo",
	"America/Santiago",
	"America/Asuncion",
	"America/Caracas",
	"America/Havana",
	"America/Nuuk",
	"America/Scoresbysund",
	"America/Anchorage",
	"Africa/Cairo",
	"Africa/Casablanca",
	"Africa/Juba",
	"Africa/Windhoek",
	"Antarctica/Troll",
	"Antarctica/Casey",
	"Antarctica/Macquarie",
	"Asia/Amman",
	"Asia/Beirut",
	"Asia/Dhaka",
	"Asia/Gaza",
	"Asia/Hong_Kong",
	"Asia/Kathmandu",
	"Asia/Pyongyang",
	"Asia/Tehran",
	"Atlantic/Azores",
	"Australia/Adelaide",
	"Australia/Lord_Howe",
	"Pacific/Apia",
	"Pacific/Chatham",
	"Pacific/Easter",
	"Pacific/Enderbury",
	"Pacific/Fakaofo",
	"Pacific/Fiji",
	"Pacific/Kwajalein",
	"Pacific/Norfolk",
};

static const int64_t first_instant = INT64_C(160000000); /* 1975 */
static const int64_t last_instant = INT64_C(4100000000); /* 2099 */

/* Half of them within three days before a change, most of the rest anywhere. */
static int64_t random_instant(struct dice *d, const struct zone *z)
{
	int64_t at = dice_between(d, first_instant, last_instant), change;

	if (dice_chance(d, 70) && zone_next_change(z, at, &change))
		at = change - dice_between(d, -7200, INT64_C(3) * 86400);
	/* Minutes are what most people ask at. */
	return dice_chance(d, 50) ? at - at % 60 : at;
}

static void check(const char *expression, const struct zone *z, int64_t after)
{
	int64_t found[FOUND_MAX], at = after, next = 0;
	size_t n = walk(expression, after, found, FOUND_MAX);
	struct cron_fault fault;
	struct cron c;

	if (cron_parse(&c, slice_of(expression), &fault) < 0)
		fail_msg("\"%s\" is refused: %s", expression, fault.text);
	for (size_t i = 0; i < n; i++) {
		if (!cron_next(&c, z, at, &next) || next != found[i])
			fail_msg("\"%s\" in %s after %" PRId64 ": instant %zu is %" PRId64
				 ", but should be %" PRId64,
				expression, zone_name(z), after, i, next, found[i]);
		at = next;
	}
	if (n < FOUND_MAX && cron_next(&c, z, at, &next) &&
		next <= after + INT64_C(86400) * WALK_DAYS)
		fail_msg("\"%s\" in %s after %" PRId64 ": %" PRId64 " should not be", expression,
			zone_name(z), after, next);
}

static void the_search_agrees_with_a_walk(void **state)
{
	const char *count = getenv("PYLON_WALK_COUNT");
	size_t n = count == NULL ? COUNT_DEFAULT : strtoul(count, NULL, 10);
	CLEANUP(buf_fini) struct buf expression = BUF_NULL;
	struct err e = CLEAN_ERR;
	struct dice d;

	(void)state;
	dice_start(&d, "PYLON_WALK_SEED");
	for (size_t i = 0; i < n;) {
		const char *name = zones[dice_below(&d, ARRAY_LEN(zones))];
		struct zone *z = zone_load(name, &e);

		if (z == NULL)
			fail_msg("%s", e.text);
		assert_int_equal(setenv("TZ", name, 1), 0);
		tzset();
		/* Changing the C library's zone costs more than a walk. */
		for (size_t in_zone = 0; in_zone < 20 && i < n; in_zone++, i++) {
			buf_clear(&expression);
			dice_expression(&d, &expression);
			check(buf_str(&expression), z, random_instant(&d, z));
		}
		zone_unref(z);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_search_agrees_with_a_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
