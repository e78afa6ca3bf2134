/* SPDX-License-Identifier: MIT */
/*
 * calendar/dates.c - occurrences of phrases that no cron expression says: every 3 days, every other
 * monday, the second weekday of a month, every 3 months on the 15th.
 *
 * A rule is a set of days and a list of times of day. Steps are computed from the anchor's date
 * each time, never from the step before, so that "every month from 31 January" is clamped without
 * drifting. Weeks begin on Monday, and the anchor's week or month is the first.
 *
 * The times follow the rule of fixed cron jobs: in a gap the first instant after it, in an overlap
 * the first pass. That never turns the order of two wall times around, though two may become the
 * same instant.
 */
#include "calendar/phrase-internal.h"

#define MONTHS_LOOKED_AT (400 * 12)
#define EPOCH_WEEKDAY    3 /* 1970-01-01 was a Thursday; days since its Monday */

static int64_t day_max(void)
{
	return civil_days(YEAR_MAX, 12, 31);
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

static int64_t day_of(const struct dates *d, int64_t at_s)
{
	struct civil c = zone_civil(d->zone, at_s);

	return civil_days(c.year, c.month, c.day);
}

static int64_t anchor_day(const struct dates *d)
{
	return day_of(d, d->anchor_s);
}

static int64_t month_index(int64_t day)
{
	struct civil c = civil_from_days(day);

	return (int64_t)c.year * 12 + c.month - 1;
}

/* --- every N days, weeks, months, years --- */

static int64_t step_days(const struct phrase *p)
{
	return p->unit == UNIT_WEEK ? p->n * 7 : p->n;
}

/* The k-th step; false beyond the calendar. */
static bool nth_step(const struct dates *d, int64_t k, int64_t *ret)
{
	const struct phrase *p = d->phrase;
	int64_t start = anchor_day(d);
	struct civil c = civil_from_days(start);

	if (p->unit == UNIT_DAY || p->unit == UNIT_WEEK) {
		*ret = start + k * step_days(p);
		return *ret <= day_max();
	}
	if (!civil_add_months(&c, k * p->n * (p->unit == UNIT_YEAR ? 12 : 1)))
		return false;
	*ret = civil_days(c.year, c.month, c.day);
	return true;
}

/* The number of the last step that is not after `day`, or one less; not negative. */
static int64_t step_near(const struct dates *d, int64_t day)
{
	const struct phrase *p = d->phrase;
	int64_t start = anchor_day(d), k;

	if (p->unit == UNIT_DAY || p->unit == UNIT_WEEK)
		k = floor_div(day - start, step_days(p));
	else
		k = floor_div(month_index(day) - month_index(start),
			    p->n * (p->unit == UNIT_YEAR ? 12 : 1)) -
		    1;
	return MAX_OF(k, 0);
}

static bool steps_from(const struct dates *d, int64_t day, int64_t *ret)
{
	for (int64_t k = step_near(d, day); nth_step(d, k, ret); k++)
		if (*ret >= day)
			return true;
	return false;
}

static bool steps_until(const struct dates *d, int64_t day, int64_t *ret)
{
	bool is_found = false;
	int64_t at;

	for (int64_t k = step_near(d, day); nth_step(d, k, &at) && at <= day; k++) {
		*ret = at;
		is_found = true;
	}
	return is_found;
}

/* --- every N weeks on days of the week --- */

static int64_t week_of(int64_t day)
{
	return floor_div(day + EPOCH_WEEKDAY, 7);
}

static bool is_in_weeks(const struct dates *d, int64_t day)
{
	int64_t distance = week_of(day) - week_of(anchor_day(d));

	return distance >= 0 && distance % d->phrase->n == 0 &&
	       (d->phrase->weekdays >> civil_weekday(day) & 1) != 0;
}

/* Of the weeks that count, the first that ends on `day` or later (`to_past`: the last one that
 * begins on it or before); days before the anchor's week belong to none. */
static int64_t week_near(const struct dates *d, int64_t day, bool to_past)
{
	int64_t first = week_of(anchor_day(d)), n = d->phrase->n;
	int64_t k = floor_div(week_of(day) - first + (to_past ? 0 : n - 1), n);

	return (first + k * n) * 7 - EPOCH_WEEKDAY;
}

static bool weeks_from(const struct dates *d, int64_t day, int64_t *ret)
{
	int64_t at = MAX_OF(day, anchor_day(d));

	for (int i = 0; i < 2; i++) {
		int64_t monday = week_near(d, at, false);

		for (at = MAX_OF(at, monday); at < monday + 7 && at <= day_max(); at++) {
			if (is_in_weeks(d, at)) {
				*ret = at;
				return true;
			}
		}
	}
	return false;
}

static bool weeks_until(const struct dates *d, int64_t day, int64_t *ret)
{
	int64_t at = day;

	for (int i = 0; i < 2; i++) {
		int64_t monday = week_near(d, at, true);

		for (at = MIN_OF(at, monday + 6); at >= monday && at >= anchor_day(d); at--) {
			if (is_in_weeks(d, at)) {
				*ret = at;
				return true;
			}
		}
	}
	return false;
}

/* --- every N months on some of their days --- */

static uint32_t weekday_bits(const struct month_days *m, int64_t first, int length)
{
	uint32_t set = 0;

	for (int day = 1; day <= length; day++) {
		int weekday = civil_weekday(first + day - 1);

		if ((m->nth[(day + 6) / 7] >> weekday & 1) != 0 ||
			(day + 7 > length && (m->last_weekdays >> weekday & 1) != 0))
			set |= 1U << day;
	}
	return set;
}

static uint32_t working_bits(const struct month_days *m, int64_t first, int length)
{
	uint32_t set = 0;
	int k = 0, last = 0;

	for (int day = 1; day <= length; day++) {
		if ((WEEK_WORKING >> civil_weekday(first + day - 1) & 1) == 0)
			continue;
		last = day;
		if (++k <= 5 && (m->working >> k & 1) != 0)
			set |= 1U << day;
	}
	return m->last_working ? set | 1U << last : set;
}

/* Which days of a month it means: bit n is day n. */
static uint32_t month_bits(const struct month_days *m, int year, int month)
{
	int length = civil_month_days(year, month);
	int64_t first = civil_days(year, month, 1);
	uint32_t all = (uint32_t)((UINT64_C(1) << (length + 1)) - 2);

	return (m->days & all) | (m->last_day ? 1U << length : 0) | weekday_bits(m, first, length) |
	       working_bits(m, first, length);
}

static bool is_in_step(const struct dates *d, int64_t index)
{
	return (index - month_index(anchor_day(d))) % d->phrase->n == 0;
}

/* The first matching day from `day` on, or (direction -1) the last one up to it. */
static bool months_find(const struct dates *d, int64_t day, int direction, int64_t *ret)
{
	int64_t index = month_index(day);

	for (int i = 0; i < MONTHS_LOOKED_AT; i++, index += direction) {
		int year = (int)(index / 12), month = (int)(index % 12) + 1;
		int64_t before;
		uint32_t set;

		if (year < YEAR_MIN || year > YEAR_MAX)
			return false;
		if (!is_in_step(d, index))
			continue;
		before = civil_days(year, month, 1) - 1;
		set = month_bits(&d->phrase->month_days, year, month);
		if (i == 0)
			set &= direction > 0 ? ~0U << (day - before)
					     : (uint32_t)((UINT64_C(2) << (day - before)) - 1);
		if (set != 0) {
			*ret = before +
			       (direction > 0 ? __builtin_ctz(set) : 31 - __builtin_clz(set));
			return true;
		}
	}
	return false;
}

/* --- days and times together --- */

static bool day_from(const struct dates *d, int64_t day, int64_t *ret)
{
	switch (d->phrase->form) {
	case PHRASE_DATES:
		return steps_from(d, day, ret);
	case PHRASE_WEEKS:
		return weeks_from(d, day, ret);
	case PHRASE_MONTH:
	case PHRASE_STEP:
	case PHRASE_DAYS:
	case PHRASE_YEAR:
		break;
	}
	return months_find(d, day, 1, ret);
}

static bool day_until(const struct dates *d, int64_t day, int64_t *ret)
{
	switch (d->phrase->form) {
	case PHRASE_DATES:
		return steps_until(d, day, ret);
	case PHRASE_WEEKS:
		return weeks_until(d, day, ret);
	case PHRASE_MONTH:
	case PHRASE_STEP:
	case PHRASE_DAYS:
	case PHRASE_YEAR:
		break;
	}
	return months_find(d, day, -1, ret);
}

static int64_t instant_of(const struct dates *d, int64_t day, size_t i)
{
	return zone_instants_of(d->zone, day * SECONDS_PER_DAY + d->phrase->times[i]).first;
}

/* Nothing before the anchor, unless the rule does not depend on it. */
static bool is_anchored(const struct dates *d)
{
	return d->phrase->n > 1;
}

bool dates_is_never(const struct dates *d)
{
	int64_t day;

	return !day_from(d, anchor_day(d), &day);
}

bool dates_next(const struct dates *d, int64_t after_s, int64_t *ret_s)
{
	int64_t from = is_anchored(d) ? MAX_OF(after_s, d->anchor_s) : after_s;

	/* A wall time that is earlier than what the clock shows at `from` is not after it. */
	for (int64_t day = day_of(d, from); day_from(d, day, &day); day++) {
		for (size_t i = 0; i < d->phrase->time_count; i++) {
			int64_t at = instant_of(d, day, i);

			if (at > from) {
				*ret_s = at;
				return true;
			}
		}
	}
	return false;
}

bool dates_previous(const struct dates *d, int64_t until_s, int64_t *ret_s)
{
	/* One day more: in the second pass of an overlap over midnight, times of the day to come
	 * have already been. */
	for (int64_t day = day_of(d, until_s) + 1; day_until(d, day, &day); day--) {
		for (size_t i = d->phrase->time_count; i > 0; i--) {
			int64_t at = instant_of(d, day, i - 1);

			if (at > until_s)
				continue;
			if (is_anchored(d) && at <= d->anchor_s)
				return false;
			*ret_s = at;
			return true;
		}
	}
	return false;
}
