/* SPDX-License-Identifier: MIT */
/*
 * calendar/phrase_cron.c - phrases as cron expressions, and expressions as phrases.
 *
 * Times of day become one expression for each set of hours that share their minutes: 9:00 and
 * 17:00 are one expression, 9:00 and 17:30 two, which never name the same time. The way back
 * guesses the phrase and then checks it: only a phrase that becomes the very same expression is
 * used, so a description cannot be wrong.
 */
#include <inttypes.h>

#include "calendar/phrase-internal.h"

#define HOURS_ALL   0xffffffU
#define MINUTES_ALL ((UINT64_C(1) << 60) - 1)
#define DAYS_ALL    0xfffffffeU
#define MONTHS_ALL  0x1ffeU
#define SPOKEN_MAX  6 /* times of day in a description */
#define MARKS_MAX   4
#define SPAN_MIN    3 /* hours in a row that are better said as a span */

/* --- phrase to cron --- */

/* Minutes of each hour. */
struct day_times {
	uint64_t minutes[24];
};

static void add_number(struct buf *out, int value)
{
	buf_printf(out, "%s%d", out->n > 0 ? "," : "", value);
}

static void add_bits(struct buf *out, uint64_t set)
{
	for (int i = 0; i < 64; i++)
		if ((set >> i & 1) != 0)
			add_number(out, i);
}

static uint64_t multiples(int64_t step, int below)
{
	uint64_t set = 0;

	for (int64_t i = 0; i < below; i += step)
		set |= UINT64_C(1) << i;
	return set;
}

static void add_text(struct buf *out, const char *text)
{
	buf_printf(out, "%s%s", out->n > 0 ? "," : "", text);
}

static void add_month_days(struct buf *out, const struct month_days *d)
{
	add_bits(out, d->days);
	if (d->last_day)
		add_text(out, "L");
	if (d->last_working)
		add_text(out, "LW");
	if (d->working != 0)
		add_text(out, "1W");
}

static void add_month_weekdays(struct buf *out, const struct month_days *d)
{
	for (int day = 0; day < 7; day++) {
		for (int k = 1; k <= 5; k++)
			if ((d->nth[k] >> day & 1) != 0)
				buf_printf(out, "%s%d#%d", out->n > 0 ? "," : "", day, k);
		if ((d->last_weekdays >> day & 1) != 0)
			buf_printf(out, "%s%dL", out->n > 0 ? "," : "", day);
	}
}

/* Day-of-month, month and day-of-week. */
static char *days_fields(const struct phrase *p)
{
	CLEANUP(buf_fini) struct buf days = BUF_NULL;
	CLEANUP(buf_fini) struct buf weekdays = BUF_NULL;

	if (p->form == PHRASE_YEAR)
		return xasprintf("%d %d *", p->day, p->month);
	if (p->form == PHRASE_MONTH) {
		add_month_days(&days, &p->month_days);
		add_month_weekdays(&weekdays, &p->month_days);
	} else if (p->weekdays != WEEK_ALL) {
		add_bits(&weekdays, p->weekdays);
	}
	return xasprintf("%s * %s", days.n > 0 ? days.p : "*", weekdays.n > 0 ? weekdays.p : "*");
}

/* One expression for each set of hours with the same minutes. A field of all multiples of `step`
 * is written with a star: it follows real time. */
static void add_crons(
	struct strv *ret, struct day_times *t, int second, int64_t step, const char *days)
{
	for (int hour = 0; hour < 24; hour++) {
		CLEANUP(buf_fini) struct buf minutes = BUF_NULL;
		CLEANUP(buf_fini) struct buf hours = BUF_NULL;
		CLEANUP(buf_fini) struct buf text = BUF_NULL;
		uint64_t set = t->minutes[hour];

		if (set == 0)
			continue;
		for (int i = hour; i < 24; i++) {
			if (t->minutes[i] == set) {
				add_number(&hours, i);
				t->minutes[i] = 0;
			}
		}
		if (step > 0 && step < 60 && 60 % step == 0 && set == multiples(step, 60))
			buf_printf(&minutes, "*/%" PRId64, step);
		else
			add_bits(&minutes, set);
		if (second > 0)
			buf_printf(&text, "%d ", second);
		buf_printf(&text, "%s %s %s", minutes.p, hours.p, days);
		strv_take(ret, buf_steal(&text));
	}
}

static void add_times(struct strv *ret, const struct phrase *p, const char *days)
{
	for (int second = 0; second < 60; second++) {
		struct day_times t = {0};
		bool is_any = false;

		for (size_t i = 0; i < p->time_count; i++) {
			int minute = p->times[i] / 60;

			if (p->times[i] % 60 != second)
				continue;
			t.minutes[minute / 60] |= UINT64_C(1) << (minute % 60);
			is_any = true;
		}
		if (is_any)
			add_crons(ret, &t, second, 0, days);
	}
}

/* From the start of the span in steps, up to its end; midnight belongs to the next day. */
static void add_span(struct strv *ret, const struct phrase *p, const char *days)
{
	int64_t step = p->unit == UNIT_HOUR ? p->n * 60 : p->n;
	struct day_times t = {0};

	for (int64_t i = p->span_from; i <= p->span_to && i < DAY_MINUTES; i += step)
		t.minutes[i / 60] |= UINT64_C(1) << (i % 60);
	add_crons(ret, &t, 0, step, days);
}

static void add_step(struct strv *ret, const struct phrase *p, const char *days)
{
	CLEANUP(buf_fini) struct buf marks = BUF_NULL;

	if (p->unit == UNIT_HOUR && 24 % p->n == 0) {
		add_bits(&marks, p->marks == 0 ? 1 : p->marks);
		if (p->n == 24)
			strv_addf(ret, "%s 0 %s", marks.p, days);
		else
			strv_addf(ret, "%s */%" PRId64 " %s", marks.p, p->n, days);
	} else if (p->unit == UNIT_MINUTE && 60 % p->n == 0) {
		if (p->n == 60)
			strv_addf(ret, "0 * %s", days);
		else
			strv_addf(ret, "*/%" PRId64 " * %s", p->n, days);
	} else if (p->unit == UNIT_SECOND && 60 % p->n == 0) {
		if (p->n == 60)
			strv_addf(ret, "* * %s", days);
		else
			strv_addf(ret, "*/%" PRId64 " * * %s", p->n, days);
	}
}

void phrase_crons(const struct phrase *p, struct strv *ret)
{
	CLEANUP(freep) char *days = days_fields(p);

	switch (p->form) {
	case PHRASE_STEP:
		if (p->has_span)
			add_span(ret, p, days);
		else
			add_step(ret, p, days);
		break;
	case PHRASE_MONTH:
		/* nW says the first working day of a month, but not the second. */
		if (p->n == 1 && (p->month_days.working & ~2U) == 0)
			add_times(ret, p, days);
		break;
	case PHRASE_DAYS:
	case PHRASE_YEAR:
		add_times(ret, p, days);
		break;
	case PHRASE_DATES:
	case PHRASE_WEEKS:
		break;
	}
}

/* --- cron to phrase --- */

static bool is_single(uint64_t set)
{
	return set != 0 && (set & (set - 1)) == 0;
}

/* The step when the set is 0, n, 2n ... below the limit, with at least two values; else 0. */
static int64_t step_of(uint64_t set, int limit)
{
	int step;

	if ((set & 1) == 0 || is_single(set))
		return 0;
	step = __builtin_ctzll(set & (set - 1));
	return limit % step == 0 && set == multiples(step, limit) ? step : 0;
}

/* Are the hours one stretch? */
static bool is_stretch(uint32_t hours, int *first, int *last)
{
	if (hours == 0)
		return false;
	*first = __builtin_ctz(hours);
	*last = 31 - __builtin_clz(hours);
	return __builtin_popcount(hours) == *last - *first + 1;
}

static bool days_of(const struct cron *c, struct phrase *ret)
{
	struct month_days *d = &ret->month_days;
	bool has_nth = c->last_weekday != 0;

	for (int k = 1; k <= 5; k++) {
		d->nth[k] = c->nth[k];
		has_nth |= c->nth[k] != 0;
	}
	if (c->months != MONTHS_ALL) {
		if (!is_single(c->months) || !is_single(c->days))
			return false;
		ret->form = PHRASE_YEAR;
		ret->month = __builtin_ctz(c->months);
		ret->day = __builtin_ctz(c->days);
		return ret->day <= civil_month_days(2000, ret->month); /* a leap year */
	}
	if (c->days == DAYS_ALL && !has_nth) {
		ret->form = PHRASE_DAYS;
		ret->weekdays = c->weekdays & WEEK_ALL;
		return ret->weekdays != 0;
	}
	ret->form = PHRASE_MONTH;
	d->days = c->day_is_star ? 0 : c->days;
	d->last_weekdays = c->last_weekday;
	d->last_day = c->last_day;
	d->last_working = c->last_working_day;
	d->working = c->nearest & 2U;
	return true;
}

static void set_step(struct phrase *p, enum unit unit, int64_t n, uint64_t marks)
{
	p->form = PHRASE_STEP;
	p->unit = unit;
	p->n = n;
	p->marks = marks == 1 ? 0 : marks;
}

static void set_span(struct phrase *p, int from, int to)
{
	p->has_span = true;
	p->span_from = from;
	p->span_to = to;
}

/* "every 15 minutes", "every hour at :15", "every 2 hours", and such between two hours. */
static bool steps_of(const struct cron *c, struct phrase *ret)
{
	int64_t minutes = step_of(c->minutes, 60), hours = step_of(c->hours, 24);
	bool has_few = c->minutes != 0 && __builtin_popcountll(c->minutes) <= MARKS_MAX;
	int first, last, minute;

	if (c->hours == HOURS_ALL && minutes > 0) {
		set_step(ret, UNIT_MINUTE, minutes, 0);
		return true;
	}
	if (c->is_wildcard && hours > 0 && has_few) {
		set_step(ret, UNIT_HOUR, hours, c->minutes);
		return true;
	}
	if (!is_stretch(c->hours, &first, &last))
		return false;
	if (minutes > 0 && c->is_wildcard) {
		set_step(ret, UNIT_MINUTE, minutes, 0);
		set_span(ret, first * 60, last * 60 + 60 - (int)minutes);
		return true;
	}
	if (!is_single(c->minutes) || last - first + 1 < SPAN_MIN)
		return false;
	set_step(ret, UNIT_HOUR, 1, 0);
	minute = __builtin_ctzll(c->minutes);
	set_span(ret, first * 60 + minute, last * 60 + minute);
	return true;
}

static bool times_of(const struct cron *c, struct phrase *ret)
{
	int second = c->seconds == 0 ? 0 : __builtin_ctzll(c->seconds);

	if (__builtin_popcountll(c->minutes) * __builtin_popcount(c->hours) > SPOKEN_MAX)
		return false;
	for (int hour = 0; hour < 24; hour++)
		for (int minute = 0; minute < 60; minute++)
			if ((c->hours >> hour & 1) != 0 && (c->minutes >> minute & 1) != 0)
				ret->times[ret->time_count++] = (hour * 60 + minute) * 60 + second;
	return ret->time_count > 0;
}

static bool guess(const struct cron *c, struct phrase *ret)
{
	int64_t seconds = step_of(c->seconds, 60);

	*ret = (struct phrase){.n = 1, .weekdays = WEEK_ALL};
	if (!days_of(c, ret))
		return false;
	if (seconds > 0 && ret->form == PHRASE_DAYS) {
		set_step(ret, UNIT_SECOND, seconds, 0);
		return true;
	}
	return (c->seconds == 1 && ret->form == PHRASE_DAYS && steps_of(c, ret)) ||
	       times_of(c, ret);
}

bool phrase_of_cron(const struct cron *c, struct phrase *ret)
{
	CLEANUP(strv_fini) struct strv texts = STRV_NULL;
	CLEANUP(buf_fini) struct buf ours = BUF_NULL;
	CLEANUP(buf_fini) struct buf theirs = BUF_NULL;
	struct cron again;

	if (!guess(c, ret))
		return false;
	phrase_crons(ret, &texts);
	if (texts.n != 1 || cron_parse(&again, slice_of(texts.v[0]), NULL) < 0)
		return false;
	cron_print(&ours, &again);
	cron_print(&theirs, c);
	return slice_eq(buf_slice(&ours), buf_slice(&theirs));
}
