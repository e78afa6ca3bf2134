/* SPDX-License-Identifier: MIT */
/*
 * calendar/civil.c - dates to day numbers and back.
 *
 * The leap year rule alone makes it: the number of leap years before a year gives the day number of
 * its 1 January, a table gives the days before a month. Backwards, the year is guessed from the
 * mean length of a year (400 years are always 146097 days) and then corrected by at most one.
 */
#include "calendar/civil.h"

#define DAYS_PER_400_YEARS INT64_C(146097)
#define EPOCH_YEAR         1970
#define EPOCH_DAYS         INT64_C(719528) /* from 0000-01-01 to 1970-01-01 */

static const int days_before_month[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int64_t floor_mod(int64_t a, int64_t b)
{
	return a - floor_div(a, b) * b;
}

static bool is_leap_year(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Of 1 January. Year 0 is a leap year and is counted with those before `year`. */
static int64_t year_start(int64_t year)
{
	int64_t y = year - 1;

	return year * 365 + floor_div(y, 4) - floor_div(y, 100) + floor_div(y, 400) + 1 -
	       EPOCH_DAYS;
}

/* Days of the year before the first of that month; month 13 is the next year's first. */
static int month_start(int64_t year, int month)
{
	return days_before_month[month - 1] + (month > 2 && is_leap_year(year));
}

int64_t civil_days(int year, int month, int day)
{
	must(month >= 1 && month <= 12);
	return year_start(year) + month_start(year, month) + day - 1;
}

struct civil civil_from_days(int64_t days)
{
	int64_t year = EPOCH_YEAR + floor_div(days * 400, DAYS_PER_400_YEARS);
	int day_of_year, month;

	while (year_start(year) > days)
		year--;
	while (year_start(year + 1) <= days)
		year++;
	day_of_year = (int)(days - year_start(year));
	/* No month is longer than 31 days: this guess is right or one too small. */
	month = day_of_year / 31 + 1;
	if (day_of_year >= month_start(year, month + 1))
		month++;
	return (struct civil){
		.year = (int)year,
		.month = month,
		.day = day_of_year - month_start(year, month) + 1,
	};
}

int civil_weekday(int64_t days)
{
	/* 1970-01-01 was a Thursday. */
	return (int)floor_mod(days + 4, 7);
}

int civil_month_days(int year, int month)
{
	must(month >= 1 && month <= 12);
	return month_start(year, month + 1) - month_start(year, month);
}

bool civil_is_valid(const struct civil *c)
{
	return c->year >= YEAR_MIN && c->year <= YEAR_MAX && c->month >= 1 && c->month <= 12 &&
	       c->day >= 1 && c->day <= civil_month_days(c->year, c->month) && c->hour >= 0 &&
	       c->hour <= 23 && c->minute >= 0 && c->minute <= 59 && c->second >= 0 &&
	       c->second <= 59;
}

int64_t civil_wall(const struct civil *c)
{
	return civil_days(c->year, c->month, c->day) * SECONDS_PER_DAY + (int64_t)c->hour * 3600 +
	       (int64_t)c->minute * 60 + c->second;
}

struct civil civil_from_wall(int64_t wall_s)
{
	struct civil c = civil_from_days(floor_div(wall_s, SECONDS_PER_DAY));
	int second_of_day = (int)floor_mod(wall_s, SECONDS_PER_DAY);

	c.hour = second_of_day / 3600;
	c.minute = second_of_day / 60 % 60;
	c.second = second_of_day % 60;
	return c;
}

bool civil_add_months(struct civil *c, int64_t n)
{
	int64_t months = (int64_t)c->year * 12 + c->month - 1, sum;

	if (__builtin_add_overflow(months, n, &sum) || sum < YEAR_MIN * INT64_C(12) ||
		sum >= (YEAR_MAX + 1) * INT64_C(12))
		return false;
	c->year = (int)(sum / 12);
	c->month = (int)(sum % 12) + 1;
	c->day = MIN_OF(c->day, civil_month_days(c->year, c->month));
	return true;
}
