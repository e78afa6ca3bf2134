/* SPDX-License-Identifier: MIT */
/*
 * calendar/phrase.c - the grammar of recurring phrases.
 *
 *     phrase  = [times] ( ("every" | "each") every | adverb unit-rest | ["on"] days [times] )
 *     every   = "other" DAYNAMES | ["other" | N] UNIT unit-rest | days [times]
 *     days    = weekdays | month-days "of" month | date-of-year
 *
 * The parser never goes back further than one list separator: which form it is shows in its first
 * words. "every second monday" could be every other one or the second of a month and is refused.
 */
#include "calendar/phrase-internal.h"

#define FORMS                                                                                      \
	"Forms: every 15 minutes; every weekday at 9; mondays and thursdays at 18:30; on the 1st " \
	"of every month at 8:30; every other friday; every last friday of the month."
#define EVERY_FORMS                                                                                \
	"After \"every\": 5 minutes, day, weekday, monday and friday, other week, first monday "   \
	"of the month, jan 1."
#define SPAN_FORM    "Such as: every 15 minutes between 9 and 17 on weekdays."
#define MARK_FORM    "Such as: every hour at :15, every 2 hours at :15 and :45."
#define NO_TIME      "a time of day does not go with seconds, minutes or hours"
#define OF_MONTH     "Such as: every first monday of the month, on the 15th of every month."
#define SECOND_FORMS "Write \"every other ...\", or \"every second ... of the month\"."

static const struct {
	const char *name;
	enum unit unit;
} adverbs[] = {
	{"hourly", UNIT_HOUR},
	{"daily", UNIT_DAY},
	{"everyday", UNIT_DAY},
	{"weekly", UNIT_WEEK},
	{"monthly", UNIT_MONTH},
	{"yearly", UNIT_YEAR},
	{"annually", UNIT_YEAR},
};

static bool token_adverb(const struct token *t, enum unit *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(adverbs); i++) {
		if (token_is(t, adverbs[i].name)) {
			*ret = adverbs[i].unit;
			return true;
		}
	}
	return false;
}

static bool token_is_every(const struct token *t)
{
	return token_is(t, "every") || token_is(t, "each");
}

/* "of the month", but not that of "end of the month". */
static bool is_of_the_month(const struct token *v, size_t i)
{
	return token_is(&v[i], "of") && token_is(&v[i + 1], "the") &&
	       token_is(&v[i + 2], "month") && (i == 0 || !token_is(&v[i - 1], "end"));
}

/* "mon-fri", "monday and thursday": several days are no moment. */
static bool are_weekdays(const struct reader *r, size_t i)
{
	const struct token *next = &r->v[i + 1];
	bool is_plural, is_range = token_is(next, "to") || token_is(next, "through") ||
				   token_is(next, "thru");
	int day;

	if (i + 2 >= r->n || !token_weekday(&r->v[i], &day, &is_plural))
		return false;
	if (next->kind == TOKEN_SIGN)
		is_range = *next->text.p == '-' || *next->text.p == ',';
	return (is_range || token_is(next, "and")) && token_weekday(&r->v[i + 2], &day, &is_plural);
}

bool phrase_is_recurring(const struct reader *r)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct token *t = &r->v[i];
		bool is_plural;
		enum unit unit;
		int day;

		if (token_is_every(t) || token_adverb(t, &unit) || token_is(t, "weekdays") ||
			token_is(t, "weekends"))
			return true;
		if ((token_weekday(t, &day, &is_plural) && is_plural) || are_weekdays(r, i))
			return true;
		if (i + 2 < r->n && is_of_the_month(r->v, i))
			return true;
	}
	return false;
}

/* --- times --- */

static bool add_time(struct reader *r, const struct token *at, int s, struct phrase *p)
{
	size_t i = p->time_count;

	for (size_t k = 0; k < p->time_count; k++)
		if (p->times[k] == s)
			return true;
	if (p->time_count == PHRASE_TIMES_MAX)
		return reader_fail(r, at, NULL, "more than %d times of day", PHRASE_TIMES_MAX);
	for (; i > 0 && p->times[i - 1] > s; i--)
		p->times[i] = p->times[i - 1];
	p->times[i] = s;
	p->time_count++;
	return true;
}

/* [,] [at] TIME, TIME and TIME. */
static bool take_times(struct reader *r, struct phrase *p)
{
	if (p->time_count > 0)
		return reader_fail(r, reader_peek(r, 0),
			"Name all times in one place, such as: at 9, 12:30 and 17.",
			"the time of day has been said before");
	(void)reader_sign(r, ',');
	do {
		const struct token *start;
		struct clock_time time = {0};

		(void)reader_word(r, "at");
		start = reader_peek(r, 0);
		if (!reader_time(r, &time) || !add_time(r, start, time.s, p))
			return false;
	} while (reader_separator(r));
	return true;
}

/* --- seconds, minutes, hours --- */

/* ":15" */
static bool take_mark(struct reader *r, struct phrase *p)
{
	const struct token *t;
	int64_t minute = 0;

	if (!reader_sign(r, ':'))
		return reader_misses(r, MARK_FORM);
	t = reader_peek(r, 0);
	if (t->kind != TOKEN_NUMBER || t->text.n != 2 || !token_number(t, &minute) || minute > 59)
		return reader_fail(
			r, t, MARK_FORM, "a minute of the hour is wanted here, :00 to :59");
	r->at++;
	p->marks |= UINT64_C(1) << minute;
	return true;
}

static bool take_marks(struct reader *r, struct phrase *p)
{
	const struct token *start = reader_peek(r, 0);

	if (p->unit != UNIT_HOUR || p->marks != 0 || p->has_span)
		return reader_fail(r, start, MARK_FORM, NO_TIME);
	if (24 % p->n != 0)
		return reader_fail(r, start, MARK_FORM,
			"only a number of hours that divides a day has minutes of its own");
	(void)reader_word(r, "at");
	do {
		if (!take_mark(r, p))
			return false;
	} while (reader_separator(r));
	return true;
}

/* A time of whole minutes, in minutes. */
static bool take_span_end(struct reader *r, bool is_end, int *ret)
{
	const struct token *t = reader_peek(r, 0);
	struct clock_time time = {0};

	if (!reader_time(r, &time))
		return false;
	if (time.s % 60 != 0)
		return reader_fail(r, t, SPAN_FORM, "whole minutes are wanted here");
	*ret = is_end && time.is_midnight ? DAY_MINUTES : time.s / 60;
	return true;
}

/* between A and B, from A to B: both belong to it. */
static bool take_span(struct reader *r, struct phrase *p)
{
	const struct token *start = reader_peek(r, 0), *end;
	bool is_between = reader_word(r, "between");

	if (p->has_span || p->marks != 0 || p->unit == UNIT_SECOND)
		return reader_fail(r, start, SPAN_FORM, "this does not go with what is before it");
	if (!is_between)
		(void)reader_word(r, "from");
	if (!take_span_end(r, false, &p->span_from))
		return false;
	if (!reader_word(r, is_between ? "and" : "to"))
		return reader_misses(r, SPAN_FORM);
	end = reader_peek(r, 0);
	if (!take_span_end(r, true, &p->span_to))
		return false;
	if (p->span_to <= p->span_from)
		return reader_fail(r, end,
			"The clock has 24 hours: between 9 and 17, between 9am and 5pm.",
			"the end must be later than the start, on the same day");
	p->has_span = true;
	return true;
}

static bool take_step_weekdays(struct reader *r, struct phrase *p)
{
	const struct token *start = reader_peek(r, 0);

	(void)reader_word(r, "on");
	if (p->weekdays != WEEK_ALL)
		return reader_fail(r, start, SPAN_FORM, "the days have been said before");
	return reader_weekdays(r, &p->weekdays);
}

static int64_t step_seconds(const struct phrase *p)
{
	static const int seconds[] = {1, 60, 3600};

	return p->n * seconds[p->unit];
}

/* Steps that do not divide the hour or the day are counted from the anchor, around the clock. */
static bool check_step(struct reader *r, const struct token *start, const struct phrase *p)
{
	static const char *const wholes[] = {"minute", "hour", "day"};
	int64_t whole = p->unit == UNIT_HOUR ? 24 : 60;

	if (step_seconds(p) > PHRASE_N_MAX * SECONDS_PER_DAY)
		return reader_fail(r, start, NULL, "this is longer than %d days", PHRASE_N_MAX);
	if (p->weekdays != WEEK_ALL && !p->has_span && whole % p->n != 0)
		return reader_fail(r, start, "Such as: every 15 minutes on weekdays.",
			"what does not divide the %s cannot be kept to some days", wholes[p->unit]);
	return true;
}

static bool take_step(struct reader *r, struct phrase *p)
{
	const struct token *start = reader_peek(r, 0);

	p->form = PHRASE_STEP;
	for (;;) {
		bool is_at = reader_sees(r, 0, "at");

		if (reader_sees(r, 0, "between") || reader_sees(r, 0, "from")) {
			if (!take_span(r, p))
				return false;
		} else if (reader_sees(r, 0, "on") || reader_sees_weekdays(r)) {
			if (!take_step_weekdays(r, p))
				return false;
		} else if (is_at || reader_sees_sign(r, 0, ':')) {
			if (!take_marks(r, p))
				return false;
		} else {
			return check_step(r, start, p);
		}
	}
}

/* --- days, weeks, months, years --- */

static bool take_on_weekdays(struct reader *r, struct phrase *p)
{
	p->form = p->n == 1 ? PHRASE_DAYS : PHRASE_WEEKS;
	return reader_weekdays(r, &p->weekdays);
}

static bool take_on_month_days(struct reader *r, struct phrase *p)
{
	p->form = PHRASE_MONTH;
	return reader_month_days(r, &p->month_days);
}

static bool take_on_date(struct reader *r, struct phrase *p)
{
	p->form = PHRASE_YEAR;
	return reader_month_day(r, &p->month, &p->day);
}

static bool take_on(struct reader *r, struct phrase *p)
{
	switch (p->unit) {
	case UNIT_WEEK:
		return take_on_weekdays(r, p);
	case UNIT_MONTH:
		return take_on_month_days(r, p);
	case UNIT_YEAR:
		if (p->n == 1)
			return take_on_date(r, p);
		break;
	case UNIT_SECOND:
	case UNIT_MINUTE:
	case UNIT_HOUR:
	case UNIT_DAY:
		break;
	}
	r->at--;
	return reader_misses(r, FORMS);
}

/* What the unit alone means: with n = 1 what the macros mean, else steps from the anchor's date. */
static void default_days(struct phrase *p)
{
	p->form = PHRASE_DATES;
	if (p->n > 1)
		return;
	if (p->unit == UNIT_MONTH) {
		p->form = PHRASE_MONTH;
		p->month_days.days = 1U << 1;
	} else if (p->unit == UNIT_YEAR) {
		p->form = PHRASE_YEAR;
		p->month = p->day = 1;
	} else {
		p->form = PHRASE_DAYS;
		p->weekdays = p->unit == UNIT_WEEK ? 1U : WEEK_ALL;
	}
}

/* What may follow "every N UNIT" and "daily": days, and times of day, in either order. */
static bool take_unit_rest(struct reader *r, struct phrase *p)
{
	bool has_days = false;

	if (p->unit <= UNIT_HOUR)
		return take_step(r, p);
	default_days(p);
	for (;;) {
		if (!has_days && reader_word(r, "on")) {
			has_days = true;
			if (!take_on(r, p))
				return false;
		} else if (reader_sees_at(r)) {
			if (!take_times(r, p))
				return false;
		} else {
			return true;
		}
	}
}

/* "of the month", "of every month", "every 3 months". */
static bool take_of_month(struct reader *r, struct phrase *p)
{
	const struct token *t;
	bool is_of = reader_word(r, "of"), is_every = false;
	enum unit unit;

	if (!is_of && !token_is_every(reader_peek(r, 0)))
		return reader_misses(r, OF_MONTH);
	if (token_is_every(reader_peek(r, 0))) {
		is_every = true;
		r->at++;
	} else {
		(void)reader_word(r, "the");
	}
	t = reader_peek(r, 0);
	if (is_every && reader_word(r, "other")) {
		p->n = 2;
	} else if (is_every && token_number(t, &p->n)) {
		if (p->n < 1 || p->n > PHRASE_N_MAX)
			return reader_fail(r, t, NULL, "1 to %d is wanted here", PHRASE_N_MAX);
		r->at++;
	}
	if (!token_unit(reader_peek(r, 0), &unit) || unit != UNIT_MONTH)
		return reader_misses(r, OF_MONTH);
	r->at++;
	return true;
}

/* "every 5 ...": the number has been seen. */
static bool take_number(struct reader *r, struct phrase *p)
{
	const struct token *t = reader_peek(r, 0);

	if (!token_number(t, &p->n) || p->n < 1)
		return reader_fail(r, t, EVERY_FORMS, "\"%.*s\" is %s",
			(int)MIN_OF(t->text.n, (size_t)20), t->text.p,
			p->n < 1 ? "no number to repeat by" : "too large");
	r->at++;
	if (!token_unit(reader_peek(r, 0), &p->unit))
		return reader_misses(
			r, "A unit is: seconds, minutes, hours, days, weeks, months, years.");
	r->at++;
	if (p->unit >= UNIT_DAY && p->n > PHRASE_N_MAX)
		return reader_fail(r, t, NULL, "more than %d is too much", PHRASE_N_MAX);
	return take_unit_rest(r, p);
}

/* "every other monday", "every other week". */
static bool take_other(struct reader *r, struct phrase *p)
{
	const struct token *t = reader_peek(r, 0);

	p->n = 2;
	if (token_unit(t, &p->unit)) {
		r->at++;
		return take_unit_rest(r, p);
	}
	if (!reader_sees_weekdays(r) || token_is(t, "weekday") || token_is(t, "weekend"))
		return reader_misses(r, "Such as: every other monday, every other week.");
	return take_on_weekdays(r, p);
}

/* "first", "1st", "last" - but not the unit "second". */
static bool sees_ordinal(const struct reader *r)
{
	const struct token *t = reader_peek(r, 0), *next = reader_peek(r, 1);
	bool is_plural;
	int k;

	if (t->kind == TOKEN_NUMBER)
		return token_is_ordinal_ending(next);
	if (token_is(t, "second"))
		return token_weekday(next, &k, &is_plural) || token_is(next, "weekday") ||
		       token_is(next, "day") || token_is(next, "and") ||
		       reader_sees_sign(r, 1, ',');
	return token_is(t, "last") || token_is(t, "the") || token_ordinal(t, &k);
}

static bool take_ordinals_of_month(struct reader *r, struct phrase *p)
{
	const struct token *start = reader_peek(r, 0);

	if (!take_on_month_days(r, p))
		return false;
	if (token_is(start, "second") && !reader_sees(r, 0, "of"))
		return reader_fail(r, start, SECOND_FORMS, "this can be read in two ways");
	return take_of_month(r, p);
}

static bool take_every(struct reader *r, struct phrase *p)
{
	const struct token *t = reader_peek(r, 0);
	int64_t n;

	if (reader_word(r, "other"))
		return take_other(r, p);
	if (reader_sees_month_day(r))
		return take_on_date(r, p);
	if (sees_ordinal(r))
		return take_ordinals_of_month(r, p);
	if (reader_sees_sign(r, 0, '-'))
		return reader_fail(r, t, EVERY_FORMS, "time only goes forward");
	if (t->kind == TOKEN_NUMBER || token_number(t, &n))
		return take_number(r, p);
	if (token_unit(t, &p->unit)) {
		r->at++;
		return take_unit_rest(r, p);
	}
	if (reader_sees_weekdays(r))
		return take_on_weekdays(r, p);
	return reader_misses(r, EVERY_FORMS);
}

/* "jan 1 every year". */
static bool take_date_every_year(struct reader *r, struct phrase *p)
{
	enum unit unit;

	if (!take_on_date(r, p))
		return false;
	(void)reader_word(r, "of");
	if (!token_is_every(reader_peek(r, 0)))
		return reader_misses(r, FORMS);
	r->at++;
	if (!token_unit(reader_peek(r, 0), &unit) || unit != UNIT_YEAR)
		return reader_misses(r, FORMS);
	r->at++;
	return true;
}

/* What does not begin with "every". */
static bool take_plain(struct reader *r, struct phrase *p)
{
	bool is_on;

	if (token_adverb(reader_peek(r, 0), &p->unit)) {
		r->at++;
		return take_unit_rest(r, p);
	}
	is_on = reader_word(r, "on");
	if (reader_sees_weekdays(r))
		return take_on_weekdays(r, p);
	if (reader_sees_month_day(r))
		return take_date_every_year(r, p);
	if (!is_on && !sees_ordinal(r) && !reader_sees(r, 0, "day") && !reader_sees(r, 0, "days"))
		return reader_misses(r, FORMS);
	return take_on_month_days(r, p) && take_of_month(r, p);
}

bool phrase_parse(struct reader *r, struct phrase *ret)
{
	const struct token *start = reader_peek(r, 0);
	bool is_understood;

	*ret = (struct phrase){.n = 1, .weekdays = WEEK_ALL};
	if ((reader_sees(r, 0, "at") || reader_sees_clear_time(r, 0)) && !take_times(r, ret))
		return false;
	if (token_is_every(reader_peek(r, 0))) {
		r->at++;
		is_understood = take_every(r, ret);
	} else {
		is_understood = take_plain(r, ret);
	}
	if (!is_understood)
		return false;
	if (ret->form == PHRASE_STEP && ret->time_count > 0)
		return reader_fail(r, start, MARK_FORM, NO_TIME);
	if (ret->form != PHRASE_STEP && reader_sees_at(r) && !take_times(r, ret))
		return false;
	if (ret->form != PHRASE_STEP && ret->time_count == 0)
		ret->time_count = 1; /* 00:00 */
	return true;
}
