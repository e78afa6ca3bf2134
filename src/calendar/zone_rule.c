/* SPDX-License-Identifier: MIT */
/*
 * calendar/zone_rule.c - the TZ string at the end of a TZif file (POSIX.1-2017, XBD 8.3, with the
 * larger transition times of RFC 9636 section 3.3.2): EST5EDT,M3.2.0,M11.1.0 or <+03>-3.
 *
 * Surprises: offsets in the string count westwards. Daylight saving time may be the smaller offset
 * (Dublin), its days may run into a neighbouring year, and it may last all year: then each summer
 * ends where the next begins, or after.
 */
#include "calendar/zone_internal.h"

#define HOURS_OFFSET_MAX 24
#define HOURS_TIME_MAX   167
#define REPEATS_YEARS    400 /* the calendar's own period */

struct cursor {
	const char *p, *end;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool take_char(struct cursor *c, char wanted)
{
	if (c->p == c->end || *c->p != wanted)
		return false;
	c->p++;
	return true;
}

/* A number of one to three digits in min..max. */
static bool take_number(struct cursor *c, int min, int max, int *ret)
{
	const char *start = c->p;
	int value = 0;

	while (c->p < c->end && is_digit(*c->p) && c->p - start < 3)
		value = value * 10 + (*c->p++ - '0');
	if (c->p == start || value < min || value > max)
		return false;
	*ret = value;
	return true;
}

/* Letters, or anything but blanks within <>. */
static bool take_name(struct cursor *c, char ret[ZONE_ABBREVIATION_MAX])
{
	bool is_quoted = take_char(c, '<');
	struct slice name = {c->p, 0};

	while (c->p < c->end &&
		(is_letter(*c->p) ||
			(is_quoted && (is_digit(*c->p) || *c->p == '+' || *c->p == '-'))))
		c->p++;
	name.n = (size_t)(c->p - name.p);
	if (name.n < 3 || name.n >= ZONE_ABBREVIATION_MAX || (is_quoted && !take_char(c, '>')))
		return false;
	memcpy(ret, name.p, name.n);
	ret[name.n] = '\0';
	return true;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(struct cursor *c, int hours_max, int *ret_s)
{
	bool is_negative = take_char(c, '-');
	int hours, minutes = 0, seconds = 0;

	if (!is_negative)
		(void)take_char(c, '+');
	if (!take_number(c, 0, hours_max, &hours))
		return false;
	if (take_char(c, ':')) {
		if (!take_number(c, 0, 59, &minutes))
			return false;
		if (take_char(c, ':') && !take_number(c, 0, 59, &seconds))
			return false;
	}
	*ret_s = (hours * 3600 + minutes * 60 + seconds) * (is_negative ? -1 : 1);
	return true;
}

static bool take_offset(struct cursor *c, int *ret_east_s)
{
	int west_s;

	if (!take_time(c, HOURS_OFFSET_MAX, &west_s))
		return false;
	*ret_east_s = -west_s;
	return true;
}

static bool take_day(struct cursor *c, struct rule_date *ret)
{
	if (take_char(c, 'J')) {
		ret->kind = RULE_JULIAN;
		return take_number(c, 1, 365, &ret->day);
	}
	if (take_char(c, 'M')) {
		ret->kind = RULE_WEEKDAY;
		return take_number(c, 1, 12, &ret->month) && take_char(c, '.') &&
		       take_number(c, 1, 5, &ret->week) && take_char(c, '.') &&
		       take_number(c, 0, 6, &ret->day);
	}
	ret->kind = RULE_DAY;
	return take_number(c, 0, 365, &ret->day);
}

/* ,date[/time] */
static bool take_date(struct cursor *c, struct rule_date *ret)
{
	ret->time_s = 2 * 3600;
	return take_char(c, ',') && take_day(c, ret) &&
	       (!take_char(c, '/') || take_time(c, HOURS_TIME_MAX, &ret->time_s));
}

static bool take_dst(struct cursor *c, struct zone_rule *r)
{
	if (!take_name(c, r->dst_name))
		return false;
	r->has_dst = true;
	r->dst_offset = r->standard_offset + 3600;
	if (c->p < c->end && *c->p != ',' && !take_offset(c, &r->dst_offset))
		return false;
	return take_date(c, &r->start) && take_date(c, &r->end);
}

int zone_rule_parse(struct zone_rule *ret, struct slice text, struct err *e)
{
	struct cursor c = {text.p, text.p + text.n};
	struct zone_rule r = {.has_dst = false};

	if (!take_name(&c, r.standard_name) || !take_offset(&c, &r.standard_offset) ||
		(c.p < c.end && !take_dst(&c, &r)) || c.p < c.end)
		return err_set(e, -EINVAL, "its TZ string is wrong at byte %zu",
			(size_t)(c.p - text.p) + 1);
	*ret = r;
	return 0;
}

/* Day number of a rule's day in a year. */
static int64_t rule_day(const struct rule_date *d, int year)
{
	int64_t first, day;

	switch (d->kind) {
	case RULE_JULIAN:
		/* 1 March is day 60 in every year. */
		return civil_days(year, 1, 1) + d->day - 1 +
		       (d->day >= 60 && civil_month_days(year, 2) == 29);
	case RULE_DAY:
		return civil_days(year, 1, 1) + d->day;
	case RULE_WEEKDAY:
	default:
		first = civil_days(year, d->month, 1);
		day = (d->day - civil_weekday(first) + 7) % 7 + (d->week - 1) * 7;
		return first + (day < civil_month_days(year, d->month) ? day : day - 7);
	}
}

static int64_t dst_start(const struct zone_rule *r, int year)
{
	return rule_day(&r->start, year) * SECONDS_PER_DAY + r->start.time_s - r->standard_offset;
}

static int64_t dst_end(const struct zone_rule *r, int year)
{
	return rule_day(&r->end, year) * SECONDS_PER_DAY + r->end.time_s - r->dst_offset;
}

/* The year whose neighbours hold all that matters around an instant. */
static int year_of(int64_t at_s)
{
	return civil_from_wall(at_s).year;
}

bool zone_rule_is_dst(const struct zone_rule *r, int64_t at_s)
{
	int year = year_of(at_s);

	/* A start or end can be a week and a day outside its year: the summer of at_s may have
	 * begun two years back. */
	for (int y = year - 2; r->has_dst && y <= year + 1; y++) {
		int64_t start = dst_start(r, y), end = dst_end(r, y);

		/* In the south summer ends next year. */
		if (end <= start)
			end = dst_end(r, y + 1);
		if (start <= at_s && at_s < end)
			return true;
	}
	return false;
}

int zone_rule_offset(const struct zone_rule *r, int64_t at_s)
{
	return zone_rule_is_dst(r, at_s) ? r->dst_offset : r->standard_offset;
}

static bool is_change(const struct zone_rule *r, int64_t at_s)
{
	return zone_rule_offset(r, at_s - 1) != zone_rule_offset(r, at_s);
}

/* The next (or previous) start or end. There is one within two years. */
static int64_t next_event(const struct zone_rule *r, int64_t at_s)
{
	int64_t next = INT64_MAX;
	int year = year_of(at_s);

	for (int y = year - 1; y <= year + 2; y++) {
		int64_t start = dst_start(r, y), end = dst_end(r, y);

		if (start > at_s && start < next)
			next = start;
		if (end > at_s && end < next)
			next = end;
	}
	return next;
}

static int64_t previous_event(const struct zone_rule *r, int64_t at_s)
{
	int64_t previous = INT64_MIN;
	int year = year_of(at_s);

	for (int y = year - 2; y <= year + 1; y++) {
		int64_t start = dst_start(r, y), end = dst_end(r, y);

		if (start <= at_s && start > previous)
			previous = start;
		if (end <= at_s && end > previous)
			previous = end;
	}
	return previous;
}

bool zone_rule_next(const struct zone_rule *r, int64_t at_s, int64_t *ret_s)
{
	int last_year = year_of(at_s) + REPEATS_YEARS;

	if (!r->has_dst || r->dst_offset == r->standard_offset)
		return false;
	do {
		at_s = next_event(r, at_s);
		if (is_change(r, at_s)) {
			*ret_s = at_s;
			return true;
		}
	} while (year_of(at_s) <= last_year);
	return false;
}

bool zone_rule_previous(const struct zone_rule *r, int64_t at_s, int64_t *ret_s)
{
	int first_year = year_of(at_s) - REPEATS_YEARS;

	if (!r->has_dst || r->dst_offset == r->standard_offset)
		return false;
	do {
		at_s = previous_event(r, at_s);
		if (is_change(r, at_s)) {
			*ret_s = at_s;
			return true;
		}
		at_s--;
	} while (year_of(at_s) >= first_year);
	return false;
}
