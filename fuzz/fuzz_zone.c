/* SPDX-License-Identifier: MIT */
/*
 * TZif files: any bytes; what does not begin like one is tried as a TZ string. Whatever is read
 * must have offsets within a day and a bit, changes in order that are the same both ways, and wall
 * times that lead to instants which show them.
 */
#include "calendar/zone.h"
#include "calendar/zone_internal.h"

#define INSTANT_FIRST INT64_C(-62135000000) /* the first week of the year 1 */
#define INSTANT_LAST  INT64_C(253402000000) /* the last one of 9999 */

enum {
	CHANGES_MAX = 40,
	SOME_HOURS = 30,
};

static void check_offset(const struct zone *z, int64_t at)
{
	const char *abbreviation = NULL;
	int offset = zone_offset(z, at, NULL, &abbreviation);

	must(offset > ZONE_OFFSET_MIN && offset < ZONE_OFFSET_MAX);
	must(strlen(abbreviation) < 512);
}

static void check_wall(const struct zone *z, int64_t wall)
{
	struct zone_instants when = zone_instants_of(z, wall);
	int offset = zone_offset(z, when.first, NULL, NULL);

	must(when.first <= when.second);
	/* The last and the first days of the calendar have no neighbours. */
	if (wall < INSTANT_FIRST || wall > INSTANT_LAST)
		return;
	if (when.match == ZONE_GAP) {
		must(when.first + offset > wall);
		must(when.first - 1 + zone_offset(z, when.first - 1, NULL, NULL) < wall);
		return;
	}
	must(when.first + offset == wall);
	must(when.second + zone_offset(z, when.second, NULL, NULL) == wall);
	must((when.match == ZONE_ONCE) == (when.first == when.second));
}

static void check_from(const struct zone *z, int64_t from)
{
	int64_t at = from, found;

	check_offset(z, from);
	for (int i = 0; i < CHANGES_MAX && zone_next_change(z, at, &found); i++) {
		int64_t back;

		must(found > at);
		must(zone_offset(z, found - 1, NULL, NULL) != zone_offset(z, found, NULL, NULL));
		must(zone_previous_change(z, found, &back) && back == found);
		must(!zone_previous_change(z, found - 1, &back) || back <= at || i == 0);
		check_wall(z, found + zone_offset(z, found, NULL, NULL));
		check_wall(z, found + zone_offset(z, found - 1, NULL, NULL));
		check_wall(z, found - 1 + zone_offset(z, found, NULL, NULL));
		at = found;
	}
	for (int64_t hour = -SOME_HOURS; hour <= SOME_HOURS; hour++)
		check_wall(z, from + hour * 3600);
}

static void check_rule(struct slice text)
{
	struct zone_rule rule;
	int64_t at = 1700000000, back;

	if (zone_rule_parse(&rule, text, NULL) < 0)
		return;
	for (int i = 0; i < CHANGES_MAX && zone_rule_next(&rule, at, &at); i++)
		must(zone_rule_previous(&rule, at, &back) && back == at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int64_t starts[] = {
		INT64_MIN, -2208988800, 0, 1700000000, 2145916800, 253402300799, INT64_MAX};
	struct err e = CLEAN_ERR;
	struct zone *z;

	if (size < 4 || memcmp(data, "TZif", 4) != 0)
		check_rule((struct slice){(const char *)data, size});
	z = zone_parse("Fuzz", data, size, &e);
	if (z == NULL) {
		must(e.code < 0 && e.text[0] != '\0');
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
		int64_t start = MAX_OF(MIN_OF(starts[i], INSTANT_LAST), INSTANT_FIRST);

		check_offset(z, starts[i]);
		check_from(z, start);
	}
	zone_unref(z);
	return 0;
}
