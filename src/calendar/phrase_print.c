/* SPDX-License-Identifier: MIT */
/*
 * calendar/phrase_print.c - a phrase in words, short, with a 24-hour clock. phrase_parse() reads
 * every sentence that is printed here and finds the same phrase in it.
 */
#include <inttypes.h>

#include "calendar/phrase-internal.h"

/* "a", "a and b", "a, b and c" */
static void print_list(struct buf *out, const struct strv *l)
{
	for (size_t i = 0; i < l->n; i++) {
		if (i > 0)
			buf_add_str(out, i + 1 == l->n ? " and " : ", ");
		buf_add_str(out, l->v[i]);
	}
}

static void print_times(struct buf *out, const struct phrase *p)
{
	CLEANUP(strv_fini) struct strv l = STRV_NULL;

	for (size_t i = 0; i < p->time_count; i++) {
		CLEANUP(buf_fini) struct buf one = BUF_NULL;

		clock_print(&one, p->times[i]);
		strv_take(&l, buf_steal(&one));
	}
	buf_add_str(out, " at ");
	print_list(out, &l);
}

/* "Monday and Thursday", from Monday on. */
static void print_weekdays(struct buf *out, uint32_t set)
{
	CLEANUP(strv_fini) struct strv l = STRV_NULL;

	for (int i = 1; i <= 7; i++)
		if ((set >> (i % 7) & 1) != 0)
			strv_add(&l, weekday_name(i % 7));
	print_list(out, &l);
}

static void print_on_weekdays(struct buf *out, uint32_t set)
{
	buf_add_str(out, " on ");
	if (set == WEEK_WORKING)
		buf_add_str(out, "weekdays");
	else if (set == WEEK_END)
		buf_add_str(out, "weekends");
	else
		print_weekdays(out, set);
}

/* "every hour", "every 2 weeks" */
static void print_every(struct buf *out, int64_t n, enum unit unit)
{
	if (n == 1)
		buf_printf(out, "every %s", unit_name(unit));
	else
		buf_printf(out, "every %" PRId64 " %ss", n, unit_name(unit));
}

static void print_marks(struct buf *out, uint64_t marks)
{
	CLEANUP(strv_fini) struct strv l = STRV_NULL;

	for (int i = 0; i < 60; i++)
		if ((marks >> i & 1) != 0)
			strv_addf(&l, ":%02d", i);
	if (l.n > 0)
		buf_add_str(out, " at ");
	print_list(out, &l);
}

static void print_step(struct buf *out, const struct phrase *p)
{
	print_every(out, p->n, p->unit);
	print_marks(out, p->marks);
	if (p->has_span) {
		buf_add_str(out, " between ");
		clock_print(out, p->span_from * 60);
		buf_add_str(out, " and ");
		if (p->span_to == DAY_MINUTES)
			buf_add_str(out, "midnight");
		else
			clock_print(out, p->span_to * 60);
	}
	if (p->weekdays != WEEK_ALL)
		print_on_weekdays(out, p->weekdays);
}

static void print_days(struct buf *out, const struct phrase *p)
{
	buf_add_str(out, "every ");
	if (p->weekdays == WEEK_ALL)
		buf_add_str(out, "day");
	else if (p->weekdays == WEEK_WORKING)
		buf_add_str(out, "weekday");
	else if (p->weekdays == WEEK_END)
		buf_add_str(out, "weekend");
	else
		print_weekdays(out, p->weekdays);
}

/* "the first and last Friday"; nothing when there are none. */
static void add_counted(struct strv *parts, uint32_t ordinals, bool has_last, const char *noun)
{
	CLEANUP(strv_fini) struct strv l = STRV_NULL;
	CLEANUP(buf_fini) struct buf text = BUF_NULL;

	for (int k = 1; k <= 5; k++)
		if ((ordinals >> k & 1) != 0)
			strv_add(&l, ordinal_name(k));
	if (has_last)
		strv_add(&l, "last");
	if (l.n == 0)
		return;
	buf_add_str(&text, "the ");
	print_list(&text, &l);
	buf_printf(&text, " %s", noun);
	strv_take(parts, buf_steal(&text));
}

/* "days 1 and 15" */
static void add_numbered(struct strv *parts, uint32_t days)
{
	CLEANUP(strv_fini) struct strv l = STRV_NULL;
	CLEANUP(buf_fini) struct buf text = BUF_NULL;

	for (int day = 1; day <= 31; day++)
		if ((days >> day & 1) != 0)
			strv_addf(&l, "%d", day);
	if (l.n == 0)
		return;
	buf_add_str(&text, l.n == 1 ? "day " : "days ");
	print_list(&text, &l);
	strv_take(parts, buf_steal(&text));
}

static void print_month_days(struct buf *out, const struct month_days *d)
{
	CLEANUP(strv_fini) struct strv parts = STRV_NULL;

	add_numbered(&parts, d->days);
	if (d->last_day)
		strv_add(&parts, "the last day");
	add_counted(&parts, d->working, d->last_working, "weekday");
	for (int i = 1; i <= 7; i++) {
		int day = i % 7;
		uint32_t ordinals = 0;

		for (int k = 1; k <= 5; k++)
			ordinals |= (d->nth[k] >> day & 1) << k;
		add_counted(
			&parts, ordinals, (d->last_weekdays >> day & 1) != 0, weekday_name(day));
	}
	for (size_t i = 0; i < parts.n; i++)
		buf_printf(out, " %s%s", i > 0 ? "and " : "", parts.v[i]);
}

static void print_month(struct buf *out, const struct phrase *p)
{
	if (p->n > 1) {
		print_every(out, p->n, UNIT_MONTH);
		buf_add_char(out, ' ');
	}
	buf_add_str(out, "on");
	print_month_days(out, &p->month_days);
	if (p->n == 1)
		buf_add_str(out, " of every month");
}

void phrase_print(struct buf *out, const struct phrase *p)
{
	switch (p->form) {
	case PHRASE_STEP:
		print_step(out, p);
		return; /* the others have times of day */
	case PHRASE_DAYS:
		print_days(out, p);
		break;
	case PHRASE_DATES:
		print_every(out, p->n, p->unit);
		break;
	case PHRASE_WEEKS:
		print_every(out, p->n, UNIT_WEEK);
		print_on_weekdays(out, p->weekdays);
		break;
	case PHRASE_MONTH:
		print_month(out, p);
		break;
	case PHRASE_YEAR:
		buf_printf(out, "every year on %s %d", month_name(p->month), p->day);
		break;
	}
	print_times(out, p);
}
