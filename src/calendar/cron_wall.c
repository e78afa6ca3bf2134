/* SPDX-License-Identifier: MIT */
/*
 * calendar/cron_wall.c - which wall times an expression matches.
 *
 * Everything is done by the month: cron_days_of() gives its matching days as bits, so that a search
 * through 400 years is 4800 small steps and a count multiplies days by times of day.
 */
#include "calendar/cron_internal.h"

/* A set that repeats this pattern every seven bits, for weekdays. */
#define WEEKLY UINT32_C(0x10204081)

enum {
	SATURDAY = 6,
	SECONDS_PER_HOUR = 3600,
	SECONDS_PER_MINUTE = 60,
};

/* A month as the rules below see it. */
struct month {
	int length;  /* its last day */
	int weekday; /* of day 1, 0 = Sunday */
};

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static uint32_t day_bit(int day)
{
	return UINT32_C(1) << day;
}

static int weekday_of(const struct month *m, int day)
{
	return (m->weekday + day - 1) % 7;
}

static bool is_working_day(const struct month *m, int day)
{
	int weekday = weekday_of(m, day);

	return weekday != 0 && weekday != SATURDAY;
}

/* nW: the working day nearest to day n, within the month. */
static int nearest_working_day(const struct month *m, int day)
{
	int weekday = weekday_of(m, day);

	must(m->length > 2);
	if (weekday == SATURDAY)
		return day > 1 ? day - 1 : day + 2;
	if (weekday == 0)
		return day < m->length ? day + 1 : day - 2;
	return day;
}

static uint32_t days_by_date(const struct cron *c, const struct month *m)
{
	uint32_t days = c->days;

	for (int day = DAY_MIN; day <= m->length && c->nearest >> day != 0; day++)
		if (c->nearest & day_bit(day))
			days |= day_bit(nearest_working_day(m, day));
	if (c->last_day)
		days |= day_bit(m->length);
	if (c->last_working_day) {
		int day = m->length;

		while (!is_working_day(m, day))
			day--;
		days |= day_bit(day);
	}
	return days;
}

/* All days of a month with one of these weekdays (bit n = weekday n). */
static uint32_t days_with_weekday(uint32_t weekdays, const struct month *m)
{
	/* Bit n of the turned set is the weekday of day n. */
	uint32_t two_weeks = weekdays | weekdays << 7;
	uint32_t turned = (two_weeks >> ((m->weekday + 6) % 7)) & 0x7f;

	return (uint32_t)((uint64_t)turned * WEEKLY);
}

static uint32_t days_by_weekday(const struct cron *c, const struct month *m)
{
	uint32_t days = days_with_weekday(c->weekdays, m);

	for (int k = 1; k <= NTH_MAX; k++)
		days |= days_with_weekday(c->nth[k], m) &
			(uint32_t)bits_between((k - 1) * 7 + 1, MIN_OF(k * 7, DAY_MAX));
	days |= days_with_weekday(c->last_weekday, m) &
		(uint32_t)bits_between(m->length - 6, m->length);
	return days;
}

uint32_t cron_days_of(const struct cron *c, int year, int month)
{
	struct month m;
	uint32_t by_date, by_weekday;

	if (!(c->months >> month & 1))
		return 0;
	m.length = civil_month_days(year, month);
	m.weekday = civil_weekday(civil_days(year, month, 1));
	by_date = days_by_date(c, &m);
	by_weekday = days_by_weekday(c, &m);
	/* crontab(5), Debian: a field that starts with * does not make days by itself. */
	return (c->day_is_star || c->weekday_is_star ? by_date & by_weekday
						     : by_date | by_weekday) &
	       (uint32_t)bits_between(DAY_MIN, m.length);
}

bool cron_is_never(const struct cron *c)
{
	/* These years begin on every weekday, as leap years and as others. */
	for (int year = 2000; year < 2028; year++)
		for (int month = MONTH_MIN; month <= MONTH_MAX; month++)
			if (cron_days_of(c, year, month) != 0)
				return false;
	return true;
}

static int lowest(uint64_t set)
{
	return __builtin_ctzll(set);
}

static int highest(uint64_t set)
{
	return 63 - __builtin_clzll(set);
}

static uint64_t from_bit(uint64_t set, int n)
{
	return n > 63 ? 0 : set & (~UINT64_C(0) << n);
}

static uint64_t below_bit(uint64_t set, int n)
{
	return set & ~from_bit(~UINT64_C(0), n);
}

static bool has_bit(uint64_t set, int n)
{
	return set >> n & 1;
}

static int first_time(const struct cron *c)
{
	return lowest(c->hours) * SECONDS_PER_HOUR + lowest(c->minutes) * SECONDS_PER_MINUTE +
	       lowest(c->seconds);
}

static int last_time(const struct cron *c)
{
	return highest(c->hours) * SECONDS_PER_HOUR + highest(c->minutes) * SECONDS_PER_MINUTE +
	       highest(c->seconds);
}

/* The first matching second of a day from `time` on; -1 when there is none. */
static int next_time(const struct cron *c, int time)
{
	int hour = time / SECONDS_PER_HOUR, minute = time / 60 % 60, second = time % 60;
	uint64_t later;

	if (has_bit(c->hours, hour)) {
		later = from_bit(c->seconds, second);
		if (has_bit(c->minutes, minute) && later != 0)
			return time - second + lowest(later);
		later = from_bit(c->minutes, minute + 1);
		if (later != 0)
			return hour * SECONDS_PER_HOUR + lowest(later) * SECONDS_PER_MINUTE +
			       lowest(c->seconds);
	}
	later = from_bit(c->hours, hour + 1);
	if (later == 0)
		return -1;
	return lowest(later) * SECONDS_PER_HOUR + first_time(c) % SECONDS_PER_HOUR;
}

/* The last matching second of a day before `time`; -1 when there is none. */
static int previous_time(const struct cron *c, int time)
{
	int hour = time / SECONDS_PER_HOUR, minute = time / 60 % 60, second = time % 60;
	uint64_t earlier;

	if (has_bit(c->hours, hour)) {
		earlier = below_bit(c->seconds, second);
		if (has_bit(c->minutes, minute) && earlier != 0)
			return time - second + highest(earlier);
		earlier = below_bit(c->minutes, minute);
		if (earlier != 0)
			return hour * SECONDS_PER_HOUR + highest(earlier) * SECONDS_PER_MINUTE +
			       highest(c->seconds);
	}
	earlier = below_bit(c->hours, hour);
	if (earlier == 0)
		return -1;
	return highest(earlier) * SECONDS_PER_HOUR + last_time(c) % SECONDS_PER_HOUR;
}

/* How many matching seconds of a day are before `time`. */
static int64_t times_before(const struct cron *c, int time)
{
	int hour = time / SECONDS_PER_HOUR, minute = time / 60 % 60, second = time % 60;
	int64_t per_minute = __builtin_popcountll(c->seconds);
	int64_t per_hour = per_minute * __builtin_popcountll(c->minutes);
	int64_t n = per_hour * __builtin_popcountll(below_bit(c->hours, hour));

	if (hour <= HOUR_MAX && has_bit(c->hours, hour)) {
		n += per_minute * __builtin_popcountll(below_bit(c->minutes, minute));
		if (has_bit(c->minutes, minute))
			n += __builtin_popcountll(below_bit(c->seconds, second));
	}
	return n;
}

/* The first matching day in first..last. */
static bool next_day(const struct cron *c, int64_t first, int64_t last, int64_t *ret)
{
	struct civil date = civil_from_days(first);
	int64_t month_start = first - date.day + 1;
	uint32_t days = cron_days_of(c, date.year, date.month);

	days = (uint32_t)from_bit(days, date.day);
	while (days == 0) {
		month_start += civil_month_days(date.year, date.month);
		if (month_start > last)
			return false;
		date.year += date.month / MONTH_MAX;
		date.month = date.month % MONTH_MAX + 1;
		days = cron_days_of(c, date.year, date.month);
	}
	*ret = month_start + lowest(days) - 1;
	return *ret <= last;
}

/* The last matching day in first..last. */
static bool previous_day(const struct cron *c, int64_t first, int64_t last, int64_t *ret)
{
	struct civil date = civil_from_days(last);
	int64_t month_start = last - date.day + 1;
	uint32_t days = cron_days_of(c, date.year, date.month);

	days = (uint32_t)below_bit(days, date.day + 1);
	while (days == 0) {
		if (month_start <= first)
			return false;
		date.year -= date.month == MONTH_MIN;
		date.month = date.month == MONTH_MIN ? MONTH_MAX : date.month - 1;
		month_start -= civil_month_days(date.year, date.month);
		days = cron_days_of(c, date.year, date.month);
	}
	*ret = month_start + highest(days) - 1;
	return *ret >= first;
}

/* How many matching days there are in first..last. */
static int64_t count_days(const struct cron *c, int64_t first, int64_t last)
{
	struct civil date = civil_from_days(first);
	int64_t month_start = first - date.day + 1, n = 0;

	while (month_start <= last) {
		uint32_t days = cron_days_of(c, date.year, date.month);

		if (month_start < first)
			days = (uint32_t)from_bit(days, (int)(first - month_start) + 1);
		if (last - month_start < DAY_MAX)
			days = (uint32_t)below_bit(days, (int)(last - month_start) + 2);
		n += __builtin_popcount(days);
		month_start += civil_month_days(date.year, date.month);
		date.year += date.month / MONTH_MAX;
		date.month = date.month % MONTH_MAX + 1;
	}
	return n;
}

static bool is_matching_day(const struct cron *c, int64_t day)
{
	struct civil date = civil_from_days(day);

	return has_bit(cron_days_of(c, date.year, date.month), date.day);
}

bool cron_wall_next(const struct cron *c, int64_t from_s, int64_t to_s, int64_t *ret_s)
{
	int64_t day = floor_div(from_s, SECONDS_PER_DAY);
	int64_t last = floor_div(to_s - 1, SECONDS_PER_DAY);
	int time = (int)(from_s - day * SECONDS_PER_DAY);

	if (from_s >= to_s)
		return false;
	time = next_time(c, time);
	if (time < 0 || !is_matching_day(c, day)) {
		if (!next_day(c, day + 1, last, &day))
			return false;
		time = first_time(c);
	}
	*ret_s = day * SECONDS_PER_DAY + time;
	return *ret_s < to_s;
}

bool cron_wall_previous(const struct cron *c, int64_t from_s, int64_t to_s, int64_t *ret_s)
{
	int64_t first = floor_div(from_s, SECONDS_PER_DAY);
	int64_t day = floor_div(to_s, SECONDS_PER_DAY);
	int time = (int)(to_s - day * SECONDS_PER_DAY);

	if (from_s >= to_s)
		return false;
	time = previous_time(c, time);
	if (time < 0 || !is_matching_day(c, day)) {
		if (!previous_day(c, first, day - 1, &day))
			return false;
		time = last_time(c);
	}
	*ret_s = day * SECONDS_PER_DAY + time;
	return *ret_s >= from_s;
}

int64_t cron_wall_count(const struct cron *c, int64_t from_s, int64_t to_s)
{
	int64_t first = floor_div(from_s, SECONDS_PER_DAY), last = floor_div(to_s, SECONDS_PER_DAY);
	int64_t n;

	if (from_s >= to_s)
		return 0;
	n = count_days(c, first, last - 1) * times_before(c, (int)SECONDS_PER_DAY);
	if (is_matching_day(c, first))
		n -= times_before(c, (int)(from_s - first * SECONDS_PER_DAY));
	if (is_matching_day(c, last))
		n += times_before(c, (int)(to_s - last * SECONDS_PER_DAY));
	return n;
}
