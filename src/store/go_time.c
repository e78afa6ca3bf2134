/* SPDX-License-Identifier: MIT */
/*
 * Timestamps of the Go program. It bound time.Time values to a driver that wrote time.String(), so
 * its databases hold, in local zones:
 *
 *	2026-11-20 03:00:37.861883312 -0500 EST m=+0.000032429
 *
 * with trailing zeros of the fraction left out, sometimes without "m=", and for zones that have no
 * letters with an abbreviation like "+0330" behind the offset of the same look. Columns with SQL
 * defaults hold "YYYY-MM-DD HH:MM:SS" in UTC.
 *
 * Invariant: the offset decides, the abbreviation never does ("EST" has meant three offsets).
 */
#include "store/go_time.h"

#include "base/limits.h"

/* What is left to read. Every take_* function moves it forward only when it succeeds. */
static bool take_char(struct slice *s, char c)
{
	if (s->n == 0 || s->p[0] != c)
		return false;
	s->p++;
	s->n--;
	return true;
}

static bool next_is_digit(const struct slice *s)
{
	return s->n > 0 && s->p[0] >= '0' && s->p[0] <= '9';
}

/* Exactly `digits` digits with a value of at most max. */
static bool take_number(struct slice *s, size_t digits, int max, int *ret)
{
	uint64_t v;

	if (s->n < digits || !slice_to_u64((struct slice){s->p, digits}, (uint64_t)max, &v))
		return false;
	s->p += digits;
	s->n -= digits;
	*ret = (int)v;
	return true;
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int month_days(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days from 1970-01-01 to a date of the Gregorian calendar, for years 1 to 9999. */
static int64_t days_since_1970(int year, int month, int day)
{
	int before = year - 1;
	int64_t days = (int64_t)before * 365 + before / 4 - before / 100 + before / 400;

	for (int m = 1; m < month; m++)
		days += month_days(year, m);
	return days + day - 1 - 719162; /* days from 0001-01-01 to 1970-01-01 */
}

/* "YYYY-MM-DD" as days. */
static bool take_date(struct slice *s, int64_t *ret)
{
	int year, month, day;

	if (!take_number(s, 4, 9999, &year) || !take_char(s, '-') ||
		!take_number(s, 2, 12, &month) || !take_char(s, '-') ||
		!take_number(s, 2, 31, &day))
		return false;
	if (year < 1 || month < 1 || day < 1 || day > month_days(year, month))
		return false;
	*ret = days_since_1970(year, month, day);
	return true;
}

/* ".861883312" as microseconds; digits behind the sixth are dropped. */
static bool take_fraction(struct slice *s, int64_t *ret)
{
	int64_t us = 0, unit = US_PER_SEC / 10;

	if (!take_char(s, '.'))
		return true;
	if (!next_is_digit(s))
		return false;
	for (; next_is_digit(s); s->p++, s->n--) {
		us += (s->p[0] - '0') * unit;
		unit /= 10;
	}
	*ret += us;
	return true;
}

/* "HH:MM:SS[.fraction]" as microseconds. */
static bool take_clock(struct slice *s, int64_t *ret)
{
	int hour, minute, second;

	if (!take_number(s, 2, 23, &hour) || !take_char(s, ':') ||
		!take_number(s, 2, 59, &minute) || !take_char(s, ':') ||
		!take_number(s, 2, 59, &second))
		return false;
	*ret = (hour * INT64_C(3600) + minute * INT64_C(60) + second) * US_PER_SEC;
	return take_fraction(s, ret);
}

/* "Z", "-0500", "-05:00", "-05" or nothing (UTC), with or without a space before. */
static bool take_offset(struct slice *s, int64_t *ret_us)
{
	int hour, minute = 0;
	bool is_west;

	*ret_us = 0;
	(void)take_char(s, ' ');
	if (s->n == 0 || take_char(s, 'Z'))
		return true;
	is_west = s->p[0] == '-';
	if ((!take_char(s, '-') && !take_char(s, '+')) || !take_number(s, 2, 23, &hour))
		return false;
	if ((take_char(s, ':') || next_is_digit(s)) && !take_number(s, 2, 59, &minute))
		return false;
	*ret_us = (hour * INT64_C(3600) + minute * INT64_C(60)) * US_PER_SEC * (is_west ? -1 : 1);
	return true;
}

/* A space and what follows it up to the next one; nothing at all is fine too. */
static bool take_word(struct slice *s)
{
	size_t n = 0;

	if (s->n == 0)
		return true;
	if (!take_char(s, ' '))
		return false;
	while (n < s->n && s->p[n] > ' ')
		n++;
	s->p += n;
	s->n -= n;
	return n > 0;
}

int64_t go_time_from_int(int64_t v)
{
	if (v <= 0)
		return 0;
	if (v < INT64_C(100000000000)) /* seconds, up to the year 5138 */
		return v * US_PER_SEC;
	if (v < INT64_C(100000000000000)) /* milliseconds */
		return v * US_PER_MS;
	if (v < INT64_C(100000000000000000)) /* microseconds */
		return v;
	return v / 1000;
}

static bool parse_int(struct slice s, int64_t *ret)
{
	bool is_negative = take_char(&s, '-');
	uint64_t v;

	if (!slice_to_u64(s, INT64_MAX, &v))
		return false;
	*ret = is_negative ? 0 : go_time_from_int((int64_t)v);
	return true;
}

bool go_time_parse(struct slice text, int64_t *ret)
{
	struct slice s = slice_trim(text);
	int64_t days, clock, offset, at;

	if (parse_int(s, ret))
		return true;
	if (!take_date(&s, &days) || (!take_char(&s, ' ') && !take_char(&s, 'T')) ||
		!take_clock(&s, &clock) || !take_offset(&s, &offset))
		return false;
	/* The zone's abbreviation, the monotonic reading. */
	for (int i = 0; i < 2; i++)
		if (!take_word(&s))
			return false;
	if (s.n > 0)
		return false;
	at = days * 86400 * US_PER_SEC + clock - offset;
	*ret = at > 0 ? at : 0;
	return true;
}
