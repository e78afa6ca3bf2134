/* SPDX-License-Identifier: MIT */
/*
 * calendar/instant.c - instants from and to text (RFC 3339), without the C library's time zone.
 *
 * Dates are the proleptic Gregorian calendar, years 0000 to 9999. A leap second (:60) is the first
 * moment of the next minute, as in POSIX time. A text without a zone is UTC.
 */
#include "calendar/instant.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/limits.h"

#define S_PER_DAY   INT64_C(86400)
#define REAL_US_MIN (INT64_C(-62167219200) * US_PER_SEC)     /* 0000-01-01 */
#define REAL_US_MAX (INT64_C(253402300800) * US_PER_SEC - 1) /* the end of 9999-12-31 */

struct civil {
	int64_t year;
	unsigned month, day; /* from 1 */
};

/* Days from 1970-01-01. The year is counted from March, so that the leap day comes last, and in
 * eras of 400 years, each of 146097 days. */
static int64_t days_of(struct civil c)
{
	int64_t year = c.month <= 2 ? c.year - 1 : c.year;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t year_of_era = year - era * 400;
	int64_t month = c.month > 2 ? (int64_t)c.month - 3 : (int64_t)c.month + 9;
	int64_t day_of_year = (153 * month + 2) / 5 + (int64_t)c.day - 1;

	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
	       day_of_year - 719468;
}

static struct civil civil_of(int64_t days)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t day_of_era = z - era * 146097;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month = (5 * day_of_year + 2) / 153;
	struct civil c;

	c.day = (unsigned)(day_of_year - (153 * month + 2) / 5 + 1);
	c.month = (unsigned)(month < 10 ? month + 3 : month - 9);
	c.year = year_of_era + era * 400 + (c.month <= 2 ? 1 : 0);
	return c;
}

void instant_print(int64_t real_us, char ret[INSTANT_SIZE])
{
	int64_t us = MAX_OF(REAL_US_MIN, MIN_OF(real_us, REAL_US_MAX));
	int64_t shifted = us - REAL_US_MIN; /* not negative, so that / and % go down */
	int64_t ms = shifted / 1000 % 1000, s = shifted / US_PER_SEC % S_PER_DAY;
	struct civil c =
		civil_of(shifted / US_PER_SEC / S_PER_DAY + REAL_US_MIN / US_PER_SEC / S_PER_DAY);

	(void)snprintf(ret, INSTANT_SIZE,
		"%04" PRId64 "-%02u-%02uT%02" PRId64 ":%02" PRId64 ":%02" PRId64 ".%03" PRId64 "Z",
		c.year, c.month, c.day, s / 3600, s / 60 % 60, s % 60, ms);
}

/* Takes exactly n digits off the front of *s. */
static bool take_number(struct slice *s, size_t n, unsigned *ret)
{
	uint64_t value;

	if (s->n < n || !slice_to_u64((struct slice){s->p, n}, 9999, &value))
		return false;
	s->p += n;
	s->n -= n;
	*ret = (unsigned)value;
	return true;
}

static bool take_char(struct slice *s, const char *any_of)
{
	if (s->n == 0 || *s->p == '\0' || strchr(any_of, *s->p) == NULL)
		return false;
	s->p++;
	s->n--;
	return true;
}

static unsigned days_in_month(struct civil c)
{
	static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool is_leap = c.year % 4 == 0 && (c.year % 100 != 0 || c.year % 400 == 0);

	return c.month == 2 && is_leap ? 29 : days[c.month - 1];
}

static bool take_date(struct slice *s, int64_t *ret_days)
{
	struct civil c;
	unsigned year;

	if (!take_number(s, 4, &year) || !take_char(s, "-") || !take_number(s, 2, &c.month) ||
		!take_char(s, "-") || !take_number(s, 2, &c.day))
		return false;
	c.year = year;
	if (c.month < 1 || c.month > 12 || c.day < 1 || c.day > days_in_month(c))
		return false;
	*ret_days = days_of(c);
	return true;
}

/* The digits behind the point; those below a microsecond are cut off. */
static bool take_fraction(struct slice *s, int64_t *ret_us)
{
	int64_t us = 0, place = US_PER_SEC / 10;

	if (s->n == 0 || *s->p < '0' || *s->p > '9')
		return false;
	for (; s->n > 0 && *s->p >= '0' && *s->p <= '9'; s->p++, s->n--, place /= 10)
		us += (*s->p - '0') * place;
	*ret_us = us;
	return true;
}

/* hh:mm, then perhaps :ss and a fraction. */
static bool take_clock(struct slice *s, int64_t *ret_us)
{
	unsigned hour, minute, second = 0;
	int64_t fraction = 0;

	if (!take_number(s, 2, &hour) || !take_char(s, ":") || !take_number(s, 2, &minute))
		return false;
	if (take_char(s, ":")) {
		if (!take_number(s, 2, &second))
			return false;
		if (take_char(s, ".") && !take_fraction(s, &fraction))
			return false;
	}
	if (hour > 23 || minute > 59 || second > 60)
		return false;
	*ret_us = ((int64_t)hour * 3600 + (int64_t)minute * 60 + (int64_t)second) * US_PER_SEC +
		  fraction;
	return true;
}

/* Z, +hh:mm, +hhmm or nothing, to the end of the text. */
static bool take_zone(struct slice *s, int64_t *ret_offset_us)
{
	unsigned hour, minute;
	bool is_west;

	*ret_offset_us = 0;
	if (s->n == 0 || take_char(s, "Zz"))
		return s->n == 0;
	is_west = *s->p == '-';
	if (!take_char(s, "+-") || !take_number(s, 2, &hour))
		return false;
	(void)take_char(s, ":");
	if (!take_number(s, 2, &minute) || hour > 23 || minute > 59)
		return false;
	*ret_offset_us = ((int64_t)hour * 3600 + (int64_t)minute * 60) * US_PER_SEC;
	if (is_west)
		*ret_offset_us = -*ret_offset_us;
	return s->n == 0;
}

bool instant_parse(struct slice text, int64_t *ret_real_us)
{
	int64_t days, clock = 0, offset = 0;

	if (!take_date(&text, &days))
		return false;
	if (text.n > 0 && (!take_char(&text, "Tt ") || !take_clock(&text, &clock) ||
				  !take_zone(&text, &offset)))
		return false;
	*ret_real_us = days * S_PER_DAY * US_PER_SEC + clock - offset;
	return true;
}

void instant_print_ago(struct buf *out, int64_t real_us, int64_t now_real_us)
{
	int64_t us;

	/* An instant in the future (a clock that was set back) was just now. */
	if (__builtin_sub_overflow(now_real_us, real_us, &us))
		us = now_real_us > real_us ? INT64_MAX : 0;
	us = MAX_OF(us, 0);
	if (us < 60 * US_PER_SEC) {
		buf_printf(out, "%" PRId64 " sec ago", us / US_PER_SEC);
	} else if (us < 3600 * US_PER_SEC) {
		buf_printf(out, "%" PRId64 " min ago", us / (60 * US_PER_SEC));
	} else if (us < S_PER_DAY * US_PER_SEC) {
		int64_t hours = us / (3600 * US_PER_SEC);

		buf_printf(out, "%" PRId64 " hour%s ago", hours, hours == 1 ? "" : "s");
	} else {
		int64_t days = us / (S_PER_DAY * US_PER_SEC);

		buf_printf(out, "%" PRId64 " day%s ago", days, days == 1 ? "" : "s");
	}
}
