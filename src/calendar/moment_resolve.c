/* SPDX-License-Identifier: MIT */
/*
 * calendar/moment_resolve.c - from what a moment says to the instant, given now and a zone.
 *
 * Seconds, minutes and hours are elapsed time; days and longer are calendar steps that keep the
 * wall clock. A wall time in an overlap is its first pass; in a gap it moves forward by the length
 * of the gap. Nothing that is now or past comes out of here.
 */
#include <stdio.h>

#include "calendar/moment-internal.h"

#define NOON_S     (12 * 3600)
#define YEARS_MORE 8 /* until there is a 29 February again, at most */

static int64_t day_of(const struct civil *c)
{
	return civil_days(c->year, c->month, c->day);
}

static int64_t instant_of(const struct zone *z, int64_t wall_s)
{
	struct zone_instants at = zone_instants_of(z, wall_s);

	return at.match == ZONE_GAP ? at.second : at.first;
}

static int default_time(const struct moment *m, const struct civil *now)
{
	static const int parts[] = {0, 6 * 3600, 15 * 3600, 20 * 3600, 22 * 3600};

	if (m->has_time)
		return m->time_s;
	if (m->part != PART_NONE)
		return parts[m->part];
	if (m->kind == MOMENT_DAY)
		return now->hour * 3600 + now->minute * 60 + now->second;
	return NOON_S;
}

static bool too_late(struct reader *r)
{
	return reader_fail(r, &r->v[0], NULL, "that is after the year %d", YEAR_MAX);
}

/* Day numbers may have been counted far: they must be in the calendar before they become a time. */
static bool at_day(struct reader *r, const struct zone *z, int64_t day, int time_s, int64_t *ret)
{
	/* The last day of all is left out, so that no zone can push it over the end. */
	if (day >= civil_days(YEAR_MAX, 12, 31))
		return too_late(r);
	*ret = instant_of(z, day * SECONDS_PER_DAY + time_s);
	return true;
}

static bool resolve_clock(
	struct reader *r, const struct moment *m, const struct zone *z, int64_t now, int64_t *ret)
{
	struct civil c = zone_civil(z, now);
	int64_t day = day_of(&c);

	/* A day can be missing from a zone's calendar, so not just today and tomorrow. */
	for (int i = 0; i < 4; i++) {
		if (!at_day(r, z, day + i, m->time_s, ret))
			return false;
		if (*ret > now)
			break;
	}
	return true;
}

/* Seconds alone are counted without looking at a calendar. */
static bool resolve_step(
	struct reader *r, const struct moment *m, const struct zone *z, int64_t now, int64_t *ret)
{
	struct civil c;
	int time_s;

	if (m->seconds > (int64_t)(YEAR_MAX + 1) * 366 * SECONDS_PER_DAY)
		return too_late(r);
	if (!m->has_calendar && !m->has_time) {
		*ret = now + m->seconds;
		return true;
	}
	if (!m->has_calendar)
		now += m->seconds; /* now+36h@9: the clock of that day */
	if (now > INSTANT_MAX)
		return too_late(r);
	c = zone_civil(z, now);
	time_s = m->has_time ? m->time_s : c.hour * 3600 + c.minute * 60 + c.second;
	if (!civil_add_months(&c, m->months))
		return too_late(r);
	if (!at_day(r, z, day_of(&c) + m->days, time_s, ret))
		return false;
	if (m->has_calendar)
		*ret += m->seconds;
	return true;
}

/* Days until that weekday, 0-6 from today, or that of the following week (from Monday on). */
static int64_t days_to_weekday(const struct moment *m, int64_t today)
{
	int now = civil_weekday(today);

	if (m->which == WEEK_NEXT)
		return 7 - (now + 6) % 7 + (m->weekday + 6) % 7;
	return (m->weekday - now + 7) % 7;
}

static bool resolve_weekday(
	struct reader *r, const struct moment *m, const struct zone *z, int64_t now, int64_t *ret)
{
	struct civil c = zone_civil(z, now);
	int64_t day = day_of(&c) + days_to_weekday(m, day_of(&c));

	if (!at_day(r, z, day, default_time(m, &c), ret))
		return false;
	/* Today, but earlier: then it is the one in a week. */
	if (*ret <= now && m->which == WEEK_COMING)
		return at_day(r, z, day + 7, default_time(m, &c), ret);
	return true;
}

/* "friday 8 may": it must be one. */
static bool check_weekday(struct reader *r, const struct moment *m, int64_t day)
{
	struct civil c = civil_from_days(day);

	if (m->weekday < 0 || civil_weekday(day) == m->weekday)
		return true;
	return reader_fail(r, &r->v[0], NULL, "%d %s %d is a %s", c.day, month_name(c.month),
		c.year, weekday_name(civil_weekday(day)));
}

static bool resolve_date(
	struct reader *r, const struct moment *m, const struct zone *z, int64_t now, int64_t *ret)
{
	struct civil c = zone_civil(z, now);
	int first = m->year != 0 ? m->year : c.year;
	int last = m->year != 0 ? m->year : c.year + YEARS_MORE;

	for (int year = first; year <= last; year++) {
		int64_t day;

		if (year > YEAR_MAX)
			return too_late(r);
		if (m->day > civil_month_days(year, m->month))
			continue;
		day = civil_days(year, m->month, m->day);
		if (!at_day(r, z, day, default_time(m, &c), ret))
			return false;
		if (*ret > now || m->year != 0)
			return check_weekday(r, m, day);
	}
	return true;
}

static bool resolve_month_end(
	struct reader *r, const struct moment *m, const struct zone *z, int64_t now, int64_t *ret)
{
	struct civil c = zone_civil(z, now);
	int64_t day = civil_days(c.year, c.month, civil_month_days(c.year, c.month));

	return at_day(r, z, day, default_time(m, &c), ret);
}

static bool resolve(
	struct reader *r, const struct moment *m, const struct zone *z, int64_t now, int64_t *ret)
{
	struct civil c;

	switch (m->kind) {
	case MOMENT_CLOCK:
		return resolve_clock(r, m, z, now, ret);
	case MOMENT_STEP:
		return resolve_step(r, m, z, now, ret);
	case MOMENT_WEEKDAY:
		return resolve_weekday(r, m, z, now, ret);
	case MOMENT_DATE:
		return resolve_date(r, m, z, now, ret);
	case MOMENT_MONTH_END:
		return resolve_month_end(r, m, z, now, ret);
	case MOMENT_DAY:
		break;
	}
	c = zone_civil(z, now);
	return at_day(r, z, day_of(&c) + m->days, default_time(m, &c), ret);
}

bool moment_resolve(struct reader *r, const struct moment *m, const struct zone *z, int64_t now_s,
	int64_t *ret_s)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	int64_t at = 0;

	if (!resolve(r, m, z, now_s, &at))
		return false;
	if (at > INSTANT_MAX)
		return too_late(r);
	if (at == now_s)
		return reader_fail(r, &r->v[0], "Say when: tomorrow at 9, in 2 hours.",
			"that is now, not later");
	if (at < now_s) {
		(void)moment_print(&text, z, at);
		return reader_fail(r, &r->v[0], NULL, "that is past: it was %s", text.p);
	}
	*ret_s = at;
	return true;
}

bool moment_print(struct buf *out, const struct zone *z, int64_t at_s)
{
	struct civil c = zone_civil(z, at_s);
	int64_t wall = civil_wall(&c);

	/* The second pass of an overlap has no name of its own in the zone's clock. */
	if (instant_of(z, wall) != at_s) {
		c = civil_from_wall(at_s);
		buf_printf(out, "%04d-%02d-%02dT%02d:%02d:%02dZ", c.year, c.month, c.day, c.hour,
			c.minute, c.second);
		return false;
	}
	buf_printf(out, "on %s %d %s %04d at ", weekday_name(civil_weekday(day_of(&c))), c.day,
		month_name(c.month), c.year);
	clock_print(out, c.hour * 3600 + c.minute * 60 + c.second);
	return true;
}
