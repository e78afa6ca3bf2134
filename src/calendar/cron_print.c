/* SPDX-License-Identifier: MIT */
/*
 * calendar/cron_print.c - the shortest usual way to write an expression.
 *
 * Sets are printed as lists of values, ranges and steps. The first character of a field has a
 * meaning of its own (the day rule, the rule for clock changes), so a field that has to start with
 * a star does, and one that must not does not: every minute of a fixed job is 0-59. A starred set
 * always has the field's least value; with a step above the range it is that value alone.
 */
#include "calendar/cron_internal.h"

enum {
	RUN_MIN = 3,  /* values in a row that become a range */
	STEP_MIN = 5, /* values at one distance that become a range with a step */
};

enum star {
	STAR_NEVER,
	STAR_ALWAYS,
	STAR_IF_WHOLE, /* where a star and its step are the whole set, and that is not one value */
};

static uint64_t multiples(int min, int max, int step)
{
	uint64_t set = 0;

	for (int i = min; i <= max; i += step)
		set |= UINT64_C(1) << i;
	return set;
}

/* The smallest step with which * stays within the set; the set has `min`. */
static int star_step(uint64_t set, int min, int max)
{
	int step = 1;

	while ((multiples(min, max, step) & ~set) != 0)
		step++;
	return step;
}

static void print_star(struct buf *out, int step)
{
	buf_add_char(out, '*');
	if (step > 1)
		buf_printf(out, "/%d", step);
}

static void begin_item(struct buf *out, size_t *n)
{
	if ((*n)++ > 0)
		buf_add_char(out, ',');
}

/* Values and ranges; *n counts the items of the field. */
static void print_list(struct buf *out, uint64_t set, size_t *n)
{
	while (set != 0) {
		int first = __builtin_ctzll(set), last = first;

		while (last < 63 && set >> (last + 1) & 1)
			last++;
		if (last - first + 1 < RUN_MIN)
			last = first;
		begin_item(out, n);
		buf_printf(out, "%d", first);
		if (last > first)
			buf_printf(out, "-%d", last);
		set &= ~bits_between(first, last);
	}
}

/* a-b/step when that is all of the set and shorter than the list in `out` from `start` on. */
static void prefer_step(struct buf *out, size_t start, uint64_t set)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	int first, last, step;

	if (__builtin_popcountll(set) < STEP_MIN)
		return;
	first = __builtin_ctzll(set);
	last = 63 - __builtin_clzll(set);
	step = __builtin_ctzll(set & (set - 1)) - first;
	if (step == 1 || multiples(first, last, step) != set)
		return;
	buf_printf(&text, "%d-%d/%d", first, last, step);
	if (text.n >= out->n - start)
		return;
	out->n = start;
	buf_add_slice(out, buf_slice(&text));
}

/* The plain values of a field; 0 when there are none. Returns the number of items. */
static size_t print_set(struct buf *out, uint64_t set, int min, int max, enum star star)
{
	size_t n = 0, start = out->n;
	bool has_min = set >> min & 1;
	int step = has_min ? star_step(set, min, max) : 0;
	bool is_whole = has_min && multiples(min, max, step) == set && (set & (set - 1)) != 0;

	if (star == STAR_ALWAYS || (star == STAR_IF_WHOLE && is_whole)) {
		must(has_min);
		begin_item(out, &n);
		print_star(out, step);
		print_list(out, set & ~multiples(min, max, step), &n);
		return n;
	}
	print_list(out, set, &n);
	prefer_step(out, start, set);
	return n;
}

static void print_days(struct buf *out, const struct cron *c)
{
	enum star star = c->day_is_star ? STAR_ALWAYS : STAR_NEVER;
	size_t n = print_set(out, c->days, DAY_MIN, DAY_MAX, star);

	for (int day = DAY_MIN; day <= DAY_MAX; day++) {
		if (c->nearest >> day & 1) {
			begin_item(out, &n);
			buf_printf(out, "%dW", day);
		}
	}
	if (c->last_day) {
		begin_item(out, &n);
		buf_add_str(out, "L");
	}
	if (c->last_working_day) {
		begin_item(out, &n);
		buf_add_str(out, "LW");
	}
}

static void print_weekdays(struct buf *out, const struct cron *c)
{
	enum star star = c->weekday_is_star ? STAR_ALWAYS : STAR_NEVER;
	size_t n = print_set(out, c->weekdays, 0, WEEKDAY_MAX - 1, star);

	for (int k = 1; k <= NTH_MAX; k++) {
		for (int day = 0; day < WEEKDAY_MAX; day++) {
			if (c->nth[k] >> day & 1) {
				begin_item(out, &n);
				buf_printf(out, "%d#%d", day, k);
			}
		}
	}
	for (int day = 0; day < WEEKDAY_MAX; day++) {
		if (c->last_weekday >> day & 1) {
			begin_item(out, &n);
			buf_printf(out, "%dL", day);
		}
	}
}

/* Whether print_set() makes a star out of it by itself. */
static bool is_whole_star(uint64_t set, int max)
{
	return (set & 1) != 0 && (set & (set - 1)) != 0 &&
	       multiples(0, max, star_step(set, 0, max)) == set;
}

/* Either field's star makes a wildcard; which one it was is not kept and does not matter. */
static void print_times(struct buf *out, const struct cron *c)
{
	enum star minutes = c->is_wildcard ? STAR_IF_WHOLE : STAR_NEVER, hours = minutes;

	if (c->is_wildcard && !is_whole_star(c->minutes, MINUTE_MAX) &&
		!is_whole_star(c->hours, HOUR_MAX)) {
		if ((c->minutes & 1) != 0)
			minutes = STAR_ALWAYS;
		else
			hours = STAR_ALWAYS;
	}
	(void)print_set(out, c->minutes, 0, MINUTE_MAX, minutes);
	buf_add_char(out, ' ');
	(void)print_set(out, c->hours, 0, HOUR_MAX, hours);
}

void cron_print(struct buf *out, const struct cron *c)
{
	if (c->seconds != 1) {
		(void)print_set(out, c->seconds, 0, SECOND_MAX, STAR_IF_WHOLE);
		buf_add_char(out, ' ');
	}
	print_times(out, c);
	buf_add_char(out, ' ');
	print_days(out, c);
	buf_add_char(out, ' ');
	/* Nobody writes January and July as every sixth month. */
	(void)print_set(out, c->months, MONTH_MIN, MONTH_MAX,
		__builtin_popcount(c->months) == 2 ? STAR_NEVER : STAR_IF_WHOLE);
	buf_add_char(out, ' ');
	print_weekdays(out, c);
}
