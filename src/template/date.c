/* SPDX-License-Identifier: MIT */
/*
 * template/date.c - times from RFC 3339 text and into the layouts of Go, always in UTC.
 *
 * A layout shows how the moment "Mon Jan 2 15:04:05 MST 2006" would be written (the constants of
 * Go's package time). Surprises of the original that are kept: "Jan" and "Mon" are names only when
 * no lower-case letter follows ("Month" is text), "_2006" is a year behind an underscore, and
 * ".000" is a fraction only when no digit follows.
 *
 * The calendar is the C library's timegm() and gmtime_r(), which know no zones.
 */
#include <ctype.h>
#include <stdio.h>
#include <time.h>

#include "template/value_internal.h"

#define SECONDS_MIN INT64_C(-62167219200) /* 0000-01-01 */
#define SECONDS_END INT64_C(253402300800) /* behind 9999-12-31 */
#define NS_PER_S    1000000000

/* --- reading --- */

static bool take_number(struct slice *s, size_t n, int *ret)
{
	uint64_t value;

	if (s->n < n || !slice_to_u64((struct slice){s->p, n}, 9999, &value))
		return false;
	*s = (struct slice){s->p + n, s->n - n};
	*ret = (int)value;
	return true;
}

static bool take_char(struct slice *s, const char *any_of)
{
	if (s->n == 0 || *s->p == '\0' || strchr(any_of, *s->p) == NULL)
		return false;
	*s = (struct slice){s->p + 1, s->n - 1};
	return true;
}

static bool take_date(struct slice *s, int64_t *ret)
{
	struct tm t = {.tm_mday = 0};
	int year, month, day;

	if (!take_number(s, 4, &year) || !take_char(s, "-") || !take_number(s, 2, &month) ||
		!take_char(s, "-") || !take_number(s, 2, &day))
		return false;
	t.tm_year = year - 1900;
	t.tm_mon = month - 1;
	t.tm_mday = day;
	*ret = timegm(&t);
	/* timegm() makes the 1st of March of a 30th of February. */
	return t.tm_year == year - 1900 && t.tm_mon == month - 1 && t.tm_mday == day;
}

/* Digits behind the point, down to nanoseconds. */
static bool take_fraction(struct slice *s, uint32_t *ret)
{
	uint32_t value = 0, place = NS_PER_S / 10;

	if (s->n == 0 || !isdigit((unsigned char)*s->p))
		return false;
	for (; s->n > 0 && isdigit((unsigned char)*s->p); s->p++, s->n--, place /= 10)
		value += (uint32_t)(*s->p - '0') * place;
	*ret = value;
	return true;
}

static bool take_clock(struct slice *s, int64_t *seconds, uint32_t *ret_ns)
{
	int hour, minute, second = 0;

	if (!take_number(s, 2, &hour) || !take_char(s, ":") || !take_number(s, 2, &minute))
		return false;
	if (take_char(s, ":")) {
		if (!take_number(s, 2, &second))
			return false;
		if (take_char(s, ".") && !take_fraction(s, ret_ns))
			return false;
	}
	*seconds += (int64_t)hour * 3600 + (int64_t)minute * 60 + second;
	return hour <= 23 && minute <= 59 && second <= 60;
}

/* Z, +hh:mm, +hhmm or nothing. */
static bool take_zone(struct slice *s, int64_t *seconds)
{
	int hour, minute;
	bool is_west;

	if (s->n == 0 || take_char(s, "Zz"))
		return s->n == 0;
	is_west = *s->p == '-';
	if (!take_char(s, "+-") || !take_number(s, 2, &hour))
		return false;
	(void)take_char(s, ":");
	if (!take_number(s, 2, &minute) || hour > 23 || minute > 59)
		return false;
	*seconds += (is_west ? 1 : -1) * ((int64_t)hour * 3600 + (int64_t)minute * 60);
	return s->n == 0;
}

bool date_parse(struct slice text, int64_t *ret_seconds, uint32_t *ret_nanoseconds)
{
	int64_t seconds;
	uint32_t ns = 0;

	if (!take_date(&text, &seconds))
		return false;
	if (text.n > 0 && (!take_char(&text, "Tt ") || !take_clock(&text, &seconds, &ns) ||
				  !take_zone(&text, &seconds)))
		return false;
	*ret_seconds = seconds;
	*ret_nanoseconds = ns;
	return true;
}

/* --- writing --- */

enum part {
	PART_MONTH_LONG,
	PART_MONTH_SHORT,
	PART_MONTH_0,
	PART_MONTH,
	PART_WEEKDAY_LONG,
	PART_WEEKDAY_SHORT,
	PART_ZONE_NAME,
	PART_YEAR,
	PART_UNDERSCORE_YEAR,
	PART_YEAR_0,
	PART_YEAR_DAY_0,
	PART_YEAR_DAY_BLANK,
	PART_DAY,
	PART_DAY_0,
	PART_DAY_BLANK,
	PART_HOUR,
	PART_HOUR12,
	PART_HOUR12_0,
	PART_MINUTE,
	PART_MINUTE_0,
	PART_SECOND,
	PART_SECOND_0,
	PART_PM,
	PART_PM_LOWER,
	PART_ZULU,
	PART_OFFSET_HOUR,
	PART_OFFSET,
	PART_OFFSET_COLON,
	PART_OFFSET_SECONDS,
	PART_OFFSET_COLON_SECONDS,
};

/* A longer one stands before a shorter one that it begins with. */
static const struct {
	const char *text;
	enum part part;
} parts[] = {
	{"January", PART_MONTH_LONG},
	{"Jan", PART_MONTH_SHORT},
	{"Monday", PART_WEEKDAY_LONG},
	{"Mon", PART_WEEKDAY_SHORT},
	{"MST", PART_ZONE_NAME},
	{"_2006", PART_UNDERSCORE_YEAR},
	{"__2", PART_YEAR_DAY_BLANK},
	{"_2", PART_DAY_BLANK},
	{"002", PART_YEAR_DAY_0},
	{"01", PART_MONTH_0},
	{"02", PART_DAY_0},
	{"03", PART_HOUR12_0},
	{"04", PART_MINUTE_0},
	{"05", PART_SECOND_0},
	{"06", PART_YEAR_0},
	{"15", PART_HOUR},
	{"1", PART_MONTH},
	{"2006", PART_YEAR},
	{"2", PART_DAY},
	{"3", PART_HOUR12},
	{"4", PART_MINUTE},
	{"5", PART_SECOND},
	{"PM", PART_PM},
	{"pm", PART_PM_LOWER},
	{"-07:00:00", PART_OFFSET_COLON_SECONDS},
	{"-070000", PART_OFFSET_SECONDS},
	{"-07:00", PART_OFFSET_COLON},
	{"-0700", PART_OFFSET},
	{"-07", PART_OFFSET_HOUR},
	{"Z07:00:00", PART_ZULU},
	{"Z070000", PART_ZULU},
	{"Z07:00", PART_ZULU},
	{"Z0700", PART_ZULU},
	{"Z07", PART_ZULU},
};

static void add_name(struct buf *out, const char *name, bool is_long)
{
	buf_add(out, name, is_long ? strlen(name) : 3);
}

static void add_part(struct buf *out, enum part part, const struct tm *t)
{
	static const char *const months[] = {"January", "February", "March", "April", "May", "June",
		"July", "August", "September", "October", "November", "December"};
	static const char *const days[] = {
		"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
	int hour12 = t->tm_hour % 12 == 0 ? 12 : t->tm_hour % 12;

	switch (part) {
	case PART_MONTH_LONG:
	case PART_MONTH_SHORT:
		add_name(out, months[t->tm_mon], part == PART_MONTH_LONG);
		break;
	case PART_MONTH_0:
		buf_printf(out, "%02d", t->tm_mon + 1);
		break;
	case PART_MONTH:
		buf_printf(out, "%d", t->tm_mon + 1);
		break;
	case PART_WEEKDAY_LONG:
	case PART_WEEKDAY_SHORT:
		add_name(out, days[t->tm_wday], part == PART_WEEKDAY_LONG);
		break;
	case PART_ZONE_NAME:
		buf_add_str(out, "UTC");
		break;
	case PART_UNDERSCORE_YEAR:
		buf_printf(out, "_%04d", t->tm_year + 1900);
		break;
	case PART_YEAR:
		buf_printf(out, "%04d", t->tm_year + 1900);
		break;
	case PART_YEAR_0:
		buf_printf(out, "%02d", (t->tm_year + 1900) % 100);
		break;
	case PART_YEAR_DAY_0:
		buf_printf(out, "%03d", t->tm_yday + 1);
		break;
	case PART_YEAR_DAY_BLANK:
		buf_printf(out, "%3d", t->tm_yday + 1);
		break;
	case PART_DAY:
		buf_printf(out, "%d", t->tm_mday);
		break;
	case PART_DAY_0:
		buf_printf(out, "%02d", t->tm_mday);
		break;
	case PART_DAY_BLANK:
		buf_printf(out, "%2d", t->tm_mday);
		break;
	case PART_HOUR:
		buf_printf(out, "%02d", t->tm_hour);
		break;
	case PART_HOUR12:
		buf_printf(out, "%d", hour12);
		break;
	case PART_HOUR12_0:
		buf_printf(out, "%02d", hour12);
		break;
	case PART_MINUTE:
		buf_printf(out, "%d", t->tm_min);
		break;
	case PART_MINUTE_0:
		buf_printf(out, "%02d", t->tm_min);
		break;
	case PART_SECOND:
		buf_printf(out, "%d", t->tm_sec);
		break;
	case PART_SECOND_0:
		buf_printf(out, "%02d", t->tm_sec);
		break;
	case PART_PM:
		buf_add_str(out, t->tm_hour < 12 ? "AM" : "PM");
		break;
	case PART_PM_LOWER:
		buf_add_str(out, t->tm_hour < 12 ? "am" : "pm");
		break;
	case PART_ZULU:
		buf_add_char(out, 'Z');
		break;
	case PART_OFFSET_HOUR:
		buf_add_str(out, "+00");
		break;
	case PART_OFFSET:
		buf_add_str(out, "+0000");
		break;
	case PART_OFFSET_COLON:
		buf_add_str(out, "+00:00");
		break;
	case PART_OFFSET_SECONDS:
		buf_add_str(out, "+000000");
		break;
	case PART_OFFSET_COLON_SECONDS:
		buf_add_str(out, "+00:00:00");
		break;
	}
}

/* Bytes of the part that the layout begins with; 0 when it is text. */
static size_t match(struct slice layout, enum part *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		size_t n = strlen(parts[i].text);
		bool is_short_name;

		if (layout.n < n || memcmp(layout.p, parts[i].text, n) != 0)
			continue;
		is_short_name =
			parts[i].part == PART_MONTH_SHORT || parts[i].part == PART_WEEKDAY_SHORT;
		if (is_short_name && layout.n > n && islower((unsigned char)layout.p[n]))
			continue;
		*ret = parts[i].part;
		return n;
	}
	return 0;
}

/* ".000" writes so many digits, ".999" leaves zeros at the end out. Returns how many bytes of the
 * layout it was; 0 when it is none. */
static size_t add_fraction(struct buf *out, struct slice layout, uint32_t ns)
{
	char digits[16];
	size_t n = 1, kept;

	if (layout.n < 2 || (layout.p[1] != '0' && layout.p[1] != '9'))
		return 0;
	while (n < layout.n && layout.p[n] == layout.p[1])
		n++;
	if (n < layout.n && isdigit((unsigned char)layout.p[n]))
		return 0;
	(void)snprintf(digits, sizeof(digits), "%09u", (unsigned)ns);
	kept = MIN_OF(n - 1, (size_t)9);
	while (layout.p[1] == '9' && kept > 0 && digits[kept - 1] == '0')
		kept--;
	if (kept > 0) {
		buf_add_char(out, layout.p[0]);
		buf_add(out, digits, kept);
	}
	return n;
}

bool date_add(struct buf *out, struct slice layout, int64_t seconds, uint32_t nanoseconds)
{
	time_t when = seconds;
	struct tm t;

	if (seconds < SECONDS_MIN || seconds >= SECONDS_END || gmtime_r(&when, &t) == NULL)
		return false;
	while (layout.n > 0) {
		enum part part;
		size_t n = 0;

		if (strchr("JM_012345Pp-Z", *layout.p) != NULL && *layout.p != '\0')
			n = match(layout, &part);
		if (n > 0)
			add_part(out, part, &t);
		else if (*layout.p == '.' || *layout.p == ',')
			n = add_fraction(out, layout, nanoseconds);
		if (n == 0)
			buf_add_char(out, layout.p[n++]);
		layout = (struct slice){layout.p + n, layout.n - n};
	}
	return true;
}
