/* SPDX-License-Identifier: MIT */
/*
 * tests/calendar/walker.c - see walker.h.
 *
 * The clock rule is put as crontab(5) of Debian puts it: when the clock jumps forward, fixed jobs
 * of the hour left out run at once; when it jumps back, none runs until the clock has caught up. So
 * a walker only has to remember how far the clock has been.
 *
 * To be quick, a chunk of time whose offset is the same wherever it is probed is taken as one
 * without changes: no clock jumps forth and back within six hours.
 */
#include "calendar/walker.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define DAY    86400
#define HOUR   3600
#define MINUTE 60

/* One item of a field as it was written: lo-hi/step, or a day rule with its number in lo. */
struct item {
	enum { PLAIN, LAST, LAST_WORKING, NEAREST_WORKING, LAST_WEEKDAY, NTH_WEEKDAY } rule;
	int lo, hi, step;
	int nth;
};

struct field {
	struct item items[64];
	size_t n;
	bool is_star;
};

enum {
	F_SECOND,
	F_MINUTE,
	F_HOUR,
	F_DAY,
	F_MONTH,
	F_WEEKDAY,
	F_COUNT,
};

static const int lowest[F_COUNT] = {0, 0, 0, 1, 1, 0};
static const int highest[F_COUNT] = {59, 59, 23, 31, 12, 7};

struct walk {
	struct field fields[F_COUNT];
	bool is_wildcard;
	int64_t after, until;
	int64_t reached; /* the wall clock has been up to here, exclusive */
	int64_t *found;
	size_t n, max;
};

static int read_value(const char **p)
{
	static const char names[][4] = {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug",
		"sep", "oct", "nov", "dec", "sun", "mon", "tue", "wed", "thu", "fri", "sat"};
	char *end;
	int n;

	for (int i = 0; i < 19; i++) {
		if (strncasecmp(*p, names[i], 3) == 0) {
			*p += 3;
			return i < 12 ? i + 1 : i - 12;
		}
	}
	n = (int)strtol(*p, &end, 10);
	*p = end;
	return n;
}

static struct item read_item(const char *p, int f)
{
	struct item item = {PLAIN, lowest[f], highest[f], 1, 0};

	if (strcasecmp(p, "L") == 0 || strcasecmp(p, "LW") == 0) {
		item.rule = p[1] == '\0' ? LAST : LAST_WORKING;
		return item;
	}
	if (*p == '*' || *p == '?') {
		p++;
	} else {
		item.lo = item.hi = read_value(&p);
		if (*p == '-') {
			p++;
			item.hi = read_value(&p);
		} else if (*p == '/') {
			item.hi = highest[f];
		} else if (*p == 'L') {
			item.rule = LAST_WEEKDAY;
		} else if (*p == 'W') {
			item.rule = NEAREST_WORKING;
		} else if (*p == '#') {
			item.rule = NTH_WEEKDAY;
			item.nth = p[1] - '0';
		}
	}
	if (*p == '/')
		item.step = (int)strtol(p + 1, NULL, 10);
	return item;
}

static void read_field(struct field *field, char *text, int f)
{
	char *item;

	field->is_star = *text == '*' || *text == '?';
	while ((item = strsep(&text, ",")) != NULL)
		field->items[field->n++] = read_item(item, f);
}

static void read_expression(struct walk *w, const char *expression)
{
	char text[1024], *rest = text, *word;
	char *words[F_COUNT] = {NULL};
	int n = 0, first;

	(void)strncpy(text, expression, sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	while (n < F_COUNT && (word = strsep(&rest, " ")) != NULL)
		words[n++] = word;
	first = F_COUNT - n;
	if (first > 0)
		w->fields[F_SECOND].items[w->fields[F_SECOND].n++] =
			(struct item){PLAIN, 0, 0, 1, 0};
	for (int f = first; f < F_COUNT; f++)
		read_field(&w->fields[f], words[f - first], f);
	w->is_wildcard = w->fields[F_MINUTE].is_star || w->fields[F_HOUR].is_star;
}

static bool has_value(const struct field *field, int value)
{
	for (size_t i = 0; i < field->n; i++) {
		const struct item *item = &field->items[i];

		for (int v = item->lo; item->rule == PLAIN && v <= item->hi; v += item->step)
			if (v == value)
				return true;
	}
	return false;
}

static int month_length(const struct tm *date)
{
	/* Day 0 of the next month. */
	struct tm last = {.tm_year = date->tm_year, .tm_mon = date->tm_mon + 1, .tm_mday = 0};

	(void)timegm(&last);
	return last.tm_mday;
}

static bool is_working_day(const struct tm *date, int day)
{
	int weekday = (date->tm_wday + 35 + day - date->tm_mday) % 7;

	return day >= 1 && day <= month_length(date) && weekday >= 1 && weekday <= 5;
}

static int nearest_working_day(const struct tm *date, int day)
{
	if (day > month_length(date))
		return 0;
	for (int away = 0;; away++) {
		if (is_working_day(date, day - away))
			return day - away;
		if (is_working_day(date, day + away))
			return day + away;
	}
}

static bool is_day_by_rule(const struct item *item, const struct tm *date)
{
	int day = date->tm_mday, length = month_length(date);

	switch (item->rule) {
	case LAST:
		return day == length;
	case LAST_WORKING:
		while (!is_working_day(date, length))
			length--;
		return day == length;
	case NEAREST_WORKING:
		return day == nearest_working_day(date, item->lo);
	case LAST_WEEKDAY:
		return date->tm_wday == item->lo % 7 && day + 7 > length;
	case NTH_WEEKDAY:
		return date->tm_wday == item->lo % 7 && (day + 6) / 7 == item->nth;
	case PLAIN:
	default:
		return false;
	}
}

static bool has_day_by_rule(const struct field *field, const struct tm *date)
{
	for (size_t i = 0; i < field->n; i++)
		if (is_day_by_rule(&field->items[i], date))
			return true;
	return false;
}

static bool matches_date(const struct walk *w, const struct tm *date)
{
	const struct field *day = &w->fields[F_DAY], *weekday = &w->fields[F_WEEKDAY];
	bool is_day, is_weekday;

	if (!has_value(&w->fields[F_MONTH], date->tm_mon + 1))
		return false;
	is_day = has_value(day, date->tm_mday) || has_day_by_rule(day, date);
	is_weekday = has_value(weekday, date->tm_wday) ||
		     (date->tm_wday == 0 && has_value(weekday, 7)) ||
		     has_day_by_rule(weekday, date);
	return day->is_star || weekday->is_star ? is_day && is_weekday : is_day || is_weekday;
}

static struct tm wall_tm(int64_t wall)
{
	time_t t = (time_t)wall;
	struct tm tm;

	(void)gmtime_r(&t, &tm);
	return tm;
}

static bool matches_minute(const struct walk *w, int64_t wall)
{
	struct tm tm = wall_tm(wall);

	return has_value(&w->fields[F_MINUTE], tm.tm_min) &&
	       has_value(&w->fields[F_HOUR], tm.tm_hour) && matches_date(w, &tm);
}

static int64_t offset_at(int64_t at)
{
	time_t t = (time_t)at;
	struct tm tm;

	(void)localtime_r(&t, &tm);
	return tm.tm_gmtoff;
}

static void fire(struct walk *w, int64_t at)
{
	if (at <= w->after || at > w->until || w->n == w->max)
		return;
	if (w->n == 0 || w->found[w->n - 1] != at)
		w->found[w->n++] = at;
}

/* One real minute that begins at `at`, when the clock shows `wall`. */
static void walk_minute(struct walk *w, int64_t at, int64_t wall)
{
	if (!w->is_wildcard)
		for (int64_t missed = w->reached; missed < wall; missed += MINUTE)
			if (matches_minute(w, missed))
				fire(w, at);
	if ((w->is_wildcard || wall >= w->reached) && matches_minute(w, wall))
		for (int second = 0; second < 60; second++)
			if (has_value(&w->fields[F_SECOND], second))
				fire(w, at + second);
	if (wall + MINUTE > w->reached)
		w->reached = wall + MINUTE;
}

/* Minutes of one offset. Whole days that do not match are passed over. */
static void walk_quiet(struct walk *w, int64_t at, int64_t length)
{
	int64_t wall = at + offset_at(at), end = wall + length;
	struct tm first = wall_tm(wall), last = wall_tm(end - 1);

	if (wall == w->reached && !matches_date(w, &first) && !matches_date(w, &last)) {
		w->reached = end;
		return;
	}
	for (; wall < end && w->n < w->max; wall += MINUTE, at += MINUTE)
		walk_minute(w, at, wall);
}

static bool is_quiet(int64_t at, int64_t length)
{
	int64_t offset = offset_at(at);

	return offset_at(at + length / 4) == offset && offset_at(at + length / 2) == offset &&
	       offset_at(at + length / 4 * 3) == offset && offset_at(at + length - 1) == offset;
}

static void walk_day(struct walk *w, int64_t at)
{
	if (is_quiet(at, DAY)) {
		walk_quiet(w, at, DAY);
		return;
	}
	for (int64_t end = at + DAY; at < end; at += HOUR) {
		if (is_quiet(at, HOUR)) {
			walk_quiet(w, at, HOUR);
			continue;
		}
		for (int64_t t = at; t < at + HOUR; t += MINUTE)
			walk_minute(w, t, t + offset_at(t));
	}
}

size_t walk(const char *expression, int64_t after_s, int64_t *ret_s, size_t max)
{
	struct walk w = {.after = after_s,
		.until = after_s + (int64_t)WALK_DAYS * DAY,
		.found = ret_s,
		.max = max};
	/* Two days earlier, so that it is known how far the clock has been. */
	int64_t at = after_s - after_s % DAY - (int64_t)2 * DAY;

	read_expression(&w, expression);
	w.reached = at + offset_at(at);
	for (; at <= w.until && w.n < max; at += DAY)
		walk_day(&w, at);
	return w.n;
}
