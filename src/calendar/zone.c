/* SPDX-License-Identifier: MIT */
/*
 * calendar/zone.c - what a zone's clocks show at an instant, and the reverse.
 *
 * All of it rests on zone_offset(); a "change" is an instant at which that differs from the second
 * before, so transitions that only rename the zone are none. Instants outside the years
 * YEAR_MIN..YEAR_MAX are treated as the nearest within, which keeps all sums small.
 *
 * Surprise: a file and its TZ string overlap by design. From the last transition on the string
 * rules, even where the file disagrees.
 */
#include "calendar/zone.h"

#include <stdio.h>

#include "calendar/zone_internal.h"

#define INSTANT_MIN INT64_C(-62135596800) /* 0001-01-01T00:00:00Z */
#define INSTANT_MAX INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

struct zone *zone_new_take(const char *name, struct zone_data *data)
{
	struct zone *z = xcalloc_held(1, sizeof(*z));

	z->refs = 1;
	z->name = xstrdup(name);
	z->data = *data;
	*data = (struct zone_data){0};
	list_init(&z->loaded);
	return z;
}

struct zone *zone_parse(const char *name, const void *bytes, size_t n, struct err *e)
{
	struct zone_data data;

	if (n > ZONE_FILE_MAX) {
		err_set(e, -EFBIG, "time zone %s: its file is larger than %zu bytes", name,
			ZONE_FILE_MAX);
		return NULL;
	}
	if (zone_data_parse(&data, bytes, n, e) < 0) {
		err_wrap(e, "time zone %s", name);
		return NULL;
	}
	return zone_new_take(name, &data);
}

struct zone *zone_fixed(int offset_s)
{
	struct zone_data data = {.types = xcalloc(1, sizeof(*data.types))};
	int rest = offset_s < 0 ? -offset_s : offset_s;
	char name[ZONE_ABBREVIATION_MAX] = "UTC";

	must(offset_s > ZONE_OFFSET_MIN && offset_s < ZONE_OFFSET_MAX);
	if (rest % 60 != 0)
		(void)snprintf(name, sizeof(name), "%c%02d:%02d:%02d", offset_s < 0 ? '-' : '+',
			rest / 3600, rest / 60 % 60, rest % 60);
	else if (rest > 0)
		(void)snprintf(name, sizeof(name), "%c%02d:%02d", offset_s < 0 ? '-' : '+',
			rest / 3600, rest / 60 % 60);
	data.types[0].offset = offset_s;
	data.abbreviations = xstrdup(name);
	return zone_new_take(name, &data);
}

struct zone *zone_ref(struct zone *z)
{
	z->refs++;
	return z;
}

void zone_unref(struct zone *z)
{
	if (z == NULL || --z->refs > 0)
		return;
	list_remove(&z->loaded);
	zone_data_fini(&z->data);
	free(z->name);
	free(z->path);
	free(z);
}

const char *zone_name(const struct zone *z)
{
	return z->name;
}

const char *zone_path(const struct zone *z)
{
	return z->path;
}

/* How many transitions have happened at an instant. */
static size_t transitions_until(const struct zone_data *d, int64_t at_s)
{
	size_t low = 0, high = d->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (d->at[middle] <= at_s)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int64_t clamp(int64_t at_s)
{
	return MAX_OF(INSTANT_MIN, MIN_OF(at_s, INSTANT_MAX));
}

int zone_offset(const struct zone *z, int64_t at_s, bool *ret_is_dst, const char **ret_abbreviation)
{
	const struct zone_data *d = &z->data;
	int64_t at = clamp(at_s);
	size_t passed = transitions_until(d, at);
	const struct zone_type *type = &d->types[passed > 0 ? d->after[passed - 1] : 0];
	bool is_dst = type->is_dst;
	const char *abbreviation = d->abbreviations + type->abbreviation;
	int offset = type->offset;

	if (d->rule != NULL && passed == d->n) {
		is_dst = zone_rule_is_dst(d->rule, at);
		abbreviation = is_dst ? d->rule->dst_name : d->rule->standard_name;
		offset = is_dst ? d->rule->dst_offset : d->rule->standard_offset;
	}
	if (ret_is_dst != NULL)
		*ret_is_dst = is_dst;
	if (ret_abbreviation != NULL)
		*ret_abbreviation = abbreviation;
	return offset;
}

struct civil zone_civil(const struct zone *z, int64_t at_s)
{
	int64_t at = clamp(at_s);

	return civil_from_wall(at + zone_offset(z, at, NULL, NULL));
}

static bool is_change(const struct zone *z, int64_t at_s)
{
	return at_s > INSTANT_MIN && at_s <= INSTANT_MAX &&
	       zone_offset(z, at_s - 1, NULL, NULL) != zone_offset(z, at_s, NULL, NULL);
}

bool zone_next_change(const struct zone *z, int64_t at_s, int64_t *ret_s)
{
	const struct zone_data *d = &z->data;
	int64_t at = clamp(at_s), next;

	for (size_t i = transitions_until(d, at); i < d->n; i++) {
		at = MAX_OF(at, d->at[i]);
		if (is_change(z, d->at[i])) {
			*ret_s = d->at[i];
			return true;
		}
	}
	if (d->rule == NULL || at > INSTANT_MAX || !zone_rule_next(d->rule, at, &next) ||
		next > INSTANT_MAX)
		return false;
	*ret_s = next;
	return true;
}

bool zone_previous_change(const struct zone *z, int64_t at_s, int64_t *ret_s)
{
	const struct zone_data *d = &z->data;
	int64_t at = clamp(at_s), previous;
	size_t passed = transitions_until(d, at);

	if (d->rule != NULL && passed == d->n && zone_rule_previous(d->rule, at, &previous) &&
		previous > INSTANT_MIN && (d->n == 0 || previous > d->at[d->n - 1])) {
		*ret_s = previous;
		return true;
	}
	for (size_t i = passed; i > 0; i--) {
		if (is_change(z, d->at[i - 1])) {
			*ret_s = d->at[i - 1];
			return true;
		}
	}
	return false;
}

/*
 * Walks the stretches of one offset around the wall time. At its start all clocks are still behind
 * it and at its end all are ahead, so it was shown in between or jumped over.
 */
struct zone_instants zone_instants_of(const struct zone *z, int64_t wall_s)
{
	int64_t wall = clamp(wall_s), at = wall - ZONE_OFFSET_MAX, end = wall - ZONE_OFFSET_MIN;
	int offset = zone_offset(z, at, NULL, NULL);
	struct zone_instants shown = {ZONE_ONCE, 0, 0}, gap = {ZONE_GAP, 0, 0};
	size_t n = 0;

	while (at < end && n < 2) {
		int64_t next = end, instant = wall - offset;
		int after;

		(void)zone_next_change(z, at, &next);
		if (instant >= at && instant < next) {
			shown.second = instant;
			if (n++ == 0)
				shown.first = instant;
		}
		after = zone_offset(z, next, NULL, NULL);
		if (next + offset <= wall && wall < next + after)
			gap = (struct zone_instants){ZONE_GAP, next, instant};
		at = next;
		offset = after;
	}
	if (n == 2)
		shown.match = ZONE_TWICE;
	return n > 0 ? shown : gap;
}
