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
#include "calendar/civil.h"

#define REAL_US_MIN (INT64_C(-62167219200) * US_PER_SEC)     /* 0000-01-01 */
#define REAL_US_MAX (INT64_C(253402300800) * US_PER_SEC - 1) /* the end of 9999-12-31 */

void instant_print(int64_t real_us, char ret[INSTANT_SIZE])
{
	int64_t us = MAX_OF(REAL_US_MIN, MIN_OF(real_us, REAL_US_MAX));
	int64_t shifted = us - REAL_US_MIN; /* not negative, so that / and % go down */
	int64_t ms = shifted / 1000 % 1000, s = shifted / US_PER_SEC % SECONDS_PER_DAY;
	struct civil c = civil_from_days(shifted / US_PER_SEC / SECONDS_PER_DAY +
					 REAL_US_MIN / US_PER_SEC / SECONDS_PER_DAY);

	(void)snprintf(ret, INSTANT_SIZE,
		"%04d-%02d-%02dT%02" PRId64 ":%02" PRId64 ":%02" PRId64 ".%03" PRId64 "Z", c.year,
		c.month, c.day, s / 3600, s / 60 % 60, s % 60, ms);
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

static bool take_date(struct slice *s, int64_t *ret_days)
{
	unsigned year, month, day;

	if (!take_number(s, 4, &year) || !take_char(s, "-") || !take_number(s, 2, &month) ||
		!take_char(s, "-") || !take_number(s, 2, &day))
		return false;
	if (month < 1 || month > 12 || day < 1 ||
		(int)day > civil_month_days((int)year, (int)month))
		return false;
	*ret_days = civil_days((int)year, (int)month, (int)day);
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
	*ret_real_us = days * SECONDS_PER_DAY * US_PER_SEC + clock - offset;
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
	} else if (us < SECONDS_PER_DAY * US_PER_SEC) {
		int64_t hours = us / (3600 * US_PER_SEC);

		buf_printf(out, "%" PRId64 " hour%s ago", hours, hours == 1 ? "" : "s");
	} else {
		int64_t days = us / (SECONDS_PER_DAY * US_PER_SEC);

		buf_printf(out, "%" PRId64 " day%s ago", days, days == 1 ? "" : "s");
	}
}
