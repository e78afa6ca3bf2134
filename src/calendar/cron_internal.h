/* SPDX-License-Identifier: MIT */
/*
 * calendar/cron_internal.h - what an expression says about wall clocks; for cron*.c only.
 *
 * Nothing here knows a zone: a wall time is a number of seconds (civil.h), and a range of them is
 * [from_s, to_s).
 */
#ifndef PYLON_CALENDAR_CRON_INTERNAL_H
#define PYLON_CALENDAR_CRON_INTERNAL_H

#include "calendar/cron.h"

/* What a field may hold. Weekdays go to 7, which is Sunday again. */
enum {
	SECOND_MAX = 59,
	MINUTE_MAX = 59,
	HOUR_MAX = 23,
	DAY_MIN = 1,
	DAY_MAX = 31,
	MONTH_MIN = 1,
	MONTH_MAX = 12,
	WEEKDAY_MAX = 7,
	NTH_MAX = 5,
};

/* Bits a to b. */
static inline uint64_t bits_between(int a, int b)
{
	return (~UINT64_C(0) >> (63 - b)) & (~UINT64_C(0) << a);
}

/* The days of a month that match, bit n = day n; 0 when the month itself does not. */
uint32_t cron_days_of(const struct cron *c, int year, int month);

/* The first and the last matching wall time in a range, and how many there are. */
bool cron_wall_next(const struct cron *c, int64_t from_s, int64_t to_s, int64_t *ret_s);
bool cron_wall_previous(const struct cron *c, int64_t from_s, int64_t to_s, int64_t *ret_s);
int64_t cron_wall_count(const struct cron *c, int64_t from_s, int64_t to_s);

#endif
