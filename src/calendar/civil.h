/* SPDX-License-Identifier: MIT */
/*
 * calendar/civil.h - the proleptic Gregorian calendar as arithmetic, without zones or clocks.
 *
 * A civil time is what a wall clock shows. "Wall seconds" are a civil time written as a number: the
 * seconds since 1970-01-01 00:00:00 as if there were no zones. Days are counted from 1970-01-01.
 * Everything is exact for years 0-9999 and never overflows within them.
 */
#ifndef PYLON_CALENDAR_CIVIL_H
#define PYLON_CALENDAR_CIVIL_H

#include "base/base.h"

#define SECONDS_PER_DAY INT64_C(86400)
#define YEAR_MIN        1
#define YEAR_MAX        9999

struct civil {
	int year, month, day;     /* month 1-12, day 1-31 */
	int hour, minute, second; /* no leap seconds */
};

/* Days from 1970-01-01 to that date; month and day must exist. */
int64_t civil_days(int year, int month, int day);
/* The date of a day number; the time of day is 00:00:00. */
struct civil civil_from_days(int64_t days);
/* 0 = Sunday ... 6 = Saturday. */
int civil_weekday(int64_t days);
int civil_month_days(int year, int month);
bool civil_is_valid(const struct civil *c);

int64_t civil_wall(const struct civil *c);
struct civil civil_from_wall(int64_t wall_s);

/* The same day of the month n months later (n may be negative), clamped to the month's end. The
 * time of day stays. False when the year leaves YEAR_MIN..YEAR_MAX. */
bool civil_add_months(struct civil *c, int64_t n);

#endif
