/* SPDX-License-Identifier: MIT */
/*
 * calendar/phrase_days.c - which days: days of the week, days of the month, a date of the year.
 *
 * An ordinal is a day of the month by itself ("the 1st") and a choice before a noun ("the first
 * monday"). A noun belongs to all ordinals of its list ("the first and third monday"); what could
 * be meant either way is refused ("the 1st and first monday", "the 1st and the last monday").
 */
#include "calendar/phrase-internal.h"

#define DAYS_HINT                                                                                  \
	"Days are: monday, mon, mon-fri, weekday, weekend; several with commas and \"and\"."
#define MONTH_HINT                                                                                 \
	"Days of a month are: the 1st and 15th, day 1, the last day, the first monday, the last "  \
	"weekday."
#define DATE_HINT "A date of the year is: jan 1, 1 january, the 1st of january."

/* --- days of the week --- */

/* "weekday", "weekends" and the names, as a set. */
static bool token_weekdays(const struct token *t, uint32_t *ret)
{
	bool is_plural;
	int day;

	if (token_is(t, "weekday") || token_is(t, "weekdays")) {
		*ret = WEEK_WORKING;
		return true;
	}
	if (token_is(t, "weekend") || token_is(t, "weekends")) {
		*ret = WEEK_END;
		return true;
	}
	if (!token_weekday(t, &day, &is_plural))
		return false;
	*ret = 1U << day;
	return true;
}

bool reader_sees_weekdays(const struct reader *r)
{
	uint32_t set;

	return token_weekdays(reader_peek(r, 0), &set);
}

static bool take_range_word(struct reader *r)
{
	return reader_word(r, "to") || reader_word(r, "through") || reader_word(r, "thru") ||
	       reader_sign(r, '-');
}

/* One member: a name, or a range of names, which may go over the weekend. */
static bool take_weekdays(struct reader *r, uint32_t *set)
{
	const struct token *first = reader_peek(r, 0), *last;
	uint32_t from, to;

	if (!token_weekdays(first, &from))
		return reader_misses(r, DAYS_HINT);
	r->at++;
	*set |= from;
	if (!take_range_word(r))
		return true;
	last = reader_peek(r, 0);
	if (!token_weekdays(last, &to))
		return reader_misses(r, DAYS_HINT);
	if ((from & (from - 1)) != 0 || (to & (to - 1)) != 0)
		return reader_fail(r, last, DAYS_HINT, "a range goes from one day to another");
	r->at++;
	for (uint32_t day = from; day != to; day = day == 1U << 6 ? 1U : day << 1)
		*set |= day;
	*set |= to;
	return true;
}

bool reader_weekdays(struct reader *r, uint32_t *ret)
{
	uint32_t set = 0;

	do {
		if (!take_weekdays(r, &set))
			return false;
	} while (reader_day_separator(r));
	*ret = set;
	return true;
}

/* --- days of the month --- */

/* The ordinals in front of a noun. */
struct ordinals {
	const struct token *start;
	uint32_t set; /* bit k: the k-th */
	bool has_last;
	bool has_numbers, has_words; /* "1st", "first" */
	bool has_article;            /* "the" within the list */
};

static bool day_is_possible(struct reader *r, const struct token *t, int64_t day)
{
	if (day >= 1 && day <= 31)
		return true;
	return reader_fail(r, t, MONTH_HINT, "no month has a day %.*s",
		(int)MIN_OF(t->text.n, (size_t)20), t->text.p);
}

/* "1st", "first", "last"; false without a fault when there is none. */
static bool sees_ordinal(const struct reader *r, size_t ahead)
{
	const struct token *t = reader_peek(r, ahead);
	int k;

	return token_ordinal(t, &k) || token_is(t, "last") ||
	       (t->kind == TOKEN_NUMBER && token_is_ordinal_ending(reader_peek(r, ahead + 1)));
}

static bool take_ordinal(struct reader *r, struct ordinals *o)
{
	const struct token *t = reader_peek(r, 0);
	int64_t number = 0;
	int k;

	r->at++;
	if (token_is(t, "last")) {
		o->has_last = true;
		return true;
	}
	if (token_ordinal(t, &k)) {
		o->has_words = true;
		o->set |= 1U << k;
		return true;
	}
	r->at++;
	if (!token_number(t, &number))
		number = 0;
	o->has_numbers = true;
	if (!day_is_possible(r, t, number))
		return false;
	o->set |= 1U << number;
	return true;
}

/* A separator, but only when an ordinal follows it (with or without "the"). */
static bool take_ordinal_separator(struct reader *r, struct ordinals *o)
{
	size_t start = r->at;

	if (reader_separator(r)) {
		bool is_article = reader_word(r, "the");

		if (sees_ordinal(r, 0)) {
			o->has_article |= is_article;
			return true;
		}
	}
	r->at = start;
	return false;
}

static bool take_ordinals(struct reader *r, struct ordinals *o)
{
	*o = (struct ordinals){.start = reader_peek(r, 0)};
	do {
		if (!take_ordinal(r, o))
			return false;
	} while (take_ordinal_separator(r, o));
	return true;
}

/* The first, second ... of a noun: only five can be. */
static bool are_few(struct reader *r, const struct ordinals *o)
{
	if ((o->set & ~0x3eU) == 0)
		return true;
	return reader_fail(r, o->start, MONTH_HINT, "no month has that many of this day");
}

static bool add_weekdays(
	struct reader *r, const struct ordinals *o, uint32_t weekdays, struct month_days *ret)
{
	if (!are_few(r, o))
		return false;
	for (int k = 1; k <= 5; k++)
		if ((o->set >> k & 1) != 0)
			ret->nth[k] |= weekdays;
	if (o->has_last)
		ret->last_weekdays |= weekdays;
	return true;
}

static bool add_working(struct reader *r, const struct ordinals *o, struct month_days *ret)
{
	if (!are_few(r, o))
		return false;
	ret->working |= o->set;
	ret->last_working |= o->has_last;
	return true;
}

/* Ordinals with what they count. */
static bool take_counted(struct reader *r, struct month_days *ret)
{
	struct ordinals o;
	const struct token *noun;
	bool is_plural;
	int day;

	if (!take_ordinals(r, &o))
		return false;
	noun = reader_peek(r, 0);
	if ((token_is(noun, "weekday") || token_weekday(noun, &day, &is_plural)) && o.has_numbers &&
		(o.has_words || o.has_article))
		return reader_fail(
			r, noun, MONTH_HINT, "which of the numbers before it does this belong to?");
	if (token_is(noun, "weekday")) {
		r->at++;
		return add_working(r, &o, ret);
	}
	if (token_weekday(noun, &day, &is_plural)) {
		r->at++;
		return add_weekdays(r, &o, 1U << day, ret);
	}
	if (!reader_word(r, "day") && o.has_last)
		return reader_misses(r, MONTH_HINT);
	ret->days |= o.set;
	ret->last_day |= o.has_last;
	return true;
}

/* "day 1", "days 1, 2 and 3". */
static bool take_numbered(struct reader *r, struct month_days *ret)
{
	size_t start;

	r->at++;
	do {
		const struct token *t = reader_peek(r, 0);
		int64_t day = 0;

		if (t->kind != TOKEN_NUMBER)
			return reader_misses(r, MONTH_HINT);
		if (!token_number(t, &day))
			day = 0;
		if (!day_is_possible(r, t, day))
			return false;
		r->at++;
		ret->days |= 1U << day;
		start = r->at;
	} while (reader_separator(r) && reader_peek(r, 0)->kind == TOKEN_NUMBER &&
		 !sees_ordinal(r, 0));
	r->at = start;
	return true;
}

bool reader_month_days(struct reader *r, struct month_days *ret)
{
	*ret = (struct month_days){0};
	do {
		bool is_day = reader_sees(r, 0, "day") || reader_sees(r, 0, "days");

		if (!is_day)
			(void)reader_word(r, "the");
		if (!is_day && !sees_ordinal(r, 0))
			return reader_misses(r, MONTH_HINT);
		if (is_day ? !take_numbered(r, ret) : !take_counted(r, ret))
			return false;
	} while (reader_day_separator(r));
	return true;
}

/* --- dates of the year --- */

bool reader_sees_month_day(const struct reader *r)
{
	size_t i = reader_sees(r, 0, "the") ? 1 : 0;
	int month;

	if (i == 0 && token_month(reader_peek(r, 0), &month))
		return true;
	if (reader_peek(r, i)->kind == TOKEN_NUMBER)
		i += token_is_ordinal_ending(reader_peek(r, i + 1)) ? 2 : 1;
	else if (sees_ordinal(r, i) && !reader_sees(r, i, "last"))
		i++;
	else
		return false;
	if (reader_sees(r, i, "of"))
		i++;
	return token_month(reader_peek(r, i), &month);
}

/* The day of a date: 5, 5th, fifth. */
static bool take_day(struct reader *r, int *day)
{
	const struct token *t = reader_peek(r, 0);
	int64_t number = 0;

	if (token_ordinal(t, day)) {
		r->at++;
		return true;
	}
	if (t->kind != TOKEN_NUMBER)
		return reader_misses(r, DATE_HINT);
	if (!token_number(t, &number))
		number = 0;
	if (!day_is_possible(r, t, number))
		return false;
	r->at++;
	if (token_is_ordinal_ending(reader_peek(r, 0)))
		r->at++;
	*day = (int)number;
	return true;
}

bool reader_month_day(struct reader *r, int *month, int *day)
{
	const struct token *start = reader_peek(r, 0);

	if (token_month(start, month)) {
		r->at++;
		(void)reader_word(r, "the");
		if (!take_day(r, day))
			return false;
	} else {
		(void)reader_word(r, "the");
		start = reader_peek(r, 0);
		if (!take_day(r, day))
			return false;
		(void)reader_word(r, "of");
		if (!token_month(reader_peek(r, 0), month))
			return reader_misses(r, DATE_HINT);
		r->at++;
	}
	/* 2000 was a leap year. */
	if (*day > civil_month_days(2000, *month))
		return reader_fail(
			r, start, NULL, "%s never has a day %d", month_name(*month), *day);
	return true;
}
