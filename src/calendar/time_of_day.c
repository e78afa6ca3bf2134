/* SPDX-License-Identifier: MIT */
/*
 * calendar/time_of_day.c - times of day: 9, 9am, 9:30pm, 09:00, 17h30, noon, midnight.
 *
 * The clock has 24 hours unless am or pm follows, and then 12: "13pm" and "0am" are refused, and so
 * is 24:00, which some read as the start and some as the end of a day. Seconds may be given
 * (09:30:15), for the sake of expressions with six fields.
 */
#include "calendar/words-internal.h"

#define NOON_S  (12 * 3600)
#define FORMS   "A time is 9, 9am, 9:30pm, 09:00, 17h30, noon or midnight."
#define HOUR_12 12

enum meridiem {
	NOT_TOLD,
	AM,
	PM,
};

/* "am", "p.m." and the like; how many tokens that are. */
static size_t see_meridiem(const struct reader *r, size_t ahead, enum meridiem *ret)
{
	const struct token *t = reader_peek(r, ahead);
	size_t n;

	if (token_is(t, "am") || token_is(t, "pm")) {
		*ret = token_is(t, "am") ? AM : PM;
		return 1;
	}
	if ((!token_is(t, "a") && !token_is(t, "p")) || !reader_sees_sign(r, ahead + 1, '.') ||
		!reader_sees(r, ahead + 2, "m"))
		return 0;
	n = reader_sees_sign(r, ahead + 3, '.') ? 4 : 3;
	for (size_t i = 1; i < n; i++)
		if (!reader_peek(r, ahead + i)->is_glued)
			return 0;
	*ret = token_is(t, "a") ? AM : PM;
	return n;
}

bool reader_sees_time(const struct reader *r, size_t ahead)
{
	return reader_sees(r, ahead, "noon") || reader_sees(r, ahead, "midnight") ||
	       (reader_peek(r, ahead)->kind == TOKEN_NUMBER &&
		       !token_is_ordinal_ending(reader_peek(r, ahead + 1)));
}

bool reader_sees_clear_time(const struct reader *r, size_t ahead)
{
	const struct token *next = reader_peek(r, ahead + 1), *third = reader_peek(r, ahead + 2),
			   *fourth = reader_peek(r, ahead + 3);
	enum meridiem m;

	if (!reader_sees_time(r, ahead))
		return false;
	if (reader_peek(r, ahead)->kind == TOKEN_WORD || see_meridiem(r, ahead + 1, &m) > 0)
		return true;
	if (!next->is_glued)
		return false;
	if (next->kind == TOKEN_SIGN)
		return *next->text.p == ':';
	/* 17h30 is a time, 1h30m a length. */
	return token_is(next, "h") && third->is_glued && third->kind == TOKEN_NUMBER &&
	       !(fourth->is_glued && fourth->kind == TOKEN_WORD);
}

bool reader_sees_at(const struct reader *r)
{
	size_t i = reader_sees_sign(r, 0, ',') ? 1 : 0;

	return reader_sees(r, i, "at") || reader_sees_time(r, i);
}

bool reader_day_separator(struct reader *r)
{
	return (!reader_sees_sign(r, 0, ',') || !reader_sees_at(r)) && reader_separator(r);
}

/* ":30" after the hour, or "h30"; minutes and seconds have two digits. */
static bool take_sixtieth(struct reader *r, int *ret)
{
	const struct token *t = reader_peek(r, 0);
	int64_t value = 0;

	if (!t->is_glued || t->kind != TOKEN_NUMBER || t->text.n != 2)
		return reader_fail(r, t, FORMS, "two digits are wanted here");
	if (!token_number(t, &value) || value > 59)
		return reader_fail(r, t, FORMS, "\"%.*s\" is more than 59", SLICE_ARG(t->text));
	r->at++;
	*ret = (int)value;
	return true;
}

/* What may follow the hour. */
static bool take_minutes(struct reader *r, int *minute, int *second, bool *ret_is_h)
{
	const struct token *t = reader_peek(r, 0);

	*ret_is_h = false;
	if (!t->is_glued)
		return true;
	if (reader_sign(r, ':')) {
		if (!take_sixtieth(r, minute))
			return false;
		if (!reader_sees_sign(r, 0, ':') || !reader_peek(r, 0)->is_glued)
			return true;
		r->at++;
		return take_sixtieth(r, second);
	}
	if (reader_word(r, "h")) {
		*ret_is_h = true;
		t = reader_peek(r, 0);
		return !t->is_glued || t->kind != TOKEN_NUMBER || take_sixtieth(r, minute);
	}
	return true;
}

/* The hour on the 24-hour clock; false when there is none like that. */
static bool hour_of(int64_t written, enum meridiem m, int64_t *ret)
{
	*ret = written;
	if (m == NOT_TOLD)
		return written < 24;
	if (written < 1 || written > HOUR_12)
		return false;
	*ret = written % HOUR_12 + (m == PM ? HOUR_12 : 0);
	return true;
}

static bool take_number(struct reader *r, struct clock_time *ret)
{
	const struct token *t = reader_peek(r, 0);
	enum meridiem m = NOT_TOLD;
	int minute = 0, second = 0;
	int64_t written = 0, hour;
	bool is_h;
	size_t n;

	if (t->text.n > 2 || !token_number(t, &written))
		return reader_fail(r, t, FORMS, "\"%.*s\" is no time of day",
			(int)MIN_OF(t->text.n, (size_t)20), t->text.p);
	r->at++;
	if (!take_minutes(r, &minute, &second, &is_h))
		return false;
	n = is_h ? 0 : see_meridiem(r, 0, &m);
	if (!hour_of(written, m, &hour))
		return reader_fail(r, t,
			m != NOT_TOLD ? "With am or pm the hour is 1 to 12."
				      : "The hour is 0 to 23; midnight is 0:00, or the word.",
			"%lld is no hour of the day", (long long)written);
	r->at += n;
	*ret = (struct clock_time){(int)hour * 3600 + minute * 60 + second, m == NOT_TOLD, false};
	return true;
}

bool reader_time(struct reader *r, struct clock_time *ret)
{
	if (reader_word(r, "noon")) {
		*ret = (struct clock_time){NOON_S, false, false};
		return true;
	}
	if (reader_word(r, "midnight")) {
		*ret = (struct clock_time){0, false, true};
		return true;
	}
	if (!reader_sees_time(r, 0))
		return reader_misses(r, FORMS);
	return take_number(r, ret);
}

void clock_print(struct buf *out, int s)
{
	buf_printf(out, "%02d:%02d", s / 3600, s / 60 % 60);
	if (s % 60 != 0)
		buf_printf(out, ":%02d", s % 60);
}
