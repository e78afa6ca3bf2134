/* SPDX-License-Identifier: MIT */
/*
 * calendar/moment.c - the grammar of moments.
 *
 *     moment = time | [time] day [part] [["at"] time]
 *     day    = "now+" N LETTER | "in" lengths | lengths ("later" | "from now") | "today" ...
 *              | ["next" | "this"] WEEKDAY | "next" UNIT | date | "eod" | "end of month"
 *
 * What could be read in two ways is refused: 5/6 and 1.5.2026, a number alone, a time of day after
 * hours or minutes ("in 30 minutes at 9"), an hour that is not in the part of the day named before
 * it ("tomorrow morning at 3pm").
 */
#include "calendar/moment-internal.h"
#include "calendar/phrase-internal.h"

#define FORMS                                                                                      \
	"Forms: every weekday at 9; mondays at 18:30; on the 1st of every month; every 15 "        \
	"minutes; tomorrow at 9; in 2 hours; friday 17:30; may 5 at 9; 2026-05-01 09:00; "         \
	"now+1d@20:00."
#define LENGTH_FORMS "A length is: 30 minutes, 2 hours and 30 minutes, 1h30m, a week, half an hour."
#define NOW_FORMS    "After \"now+\": a number and s, m, h, d or w, such as now+1d@20:00."
#define DATE_FORMS   "Write 2026-05-06, or 6 may 2026."
#define NOON_S       (12 * 3600)

/* --- lengths of time --- */

static bool is_article(const struct token *t)
{
	return token_is(t, "a") || token_is(t, "an");
}

/* Does "3 days", "an hour" or "half an hour" begin there? */
static bool sees_length(const struct reader *r, size_t ahead)
{
	const struct token *t = reader_peek(r, ahead), *next = reader_peek(r, ahead + 1);
	int64_t n;
	enum unit unit;

	if (token_is(t, "half"))
		return is_article(next);
	return (t->kind == TOKEN_NUMBER || token_number(t, &n) || is_article(t)) &&
	       token_unit(next, &unit);
}

static void add_length(struct moment *m, int64_t n, enum unit unit)
{
	static const int seconds[] = {1, 60, 3600};

	if (unit <= UNIT_HOUR) {
		m->seconds += n * seconds[unit];
		return;
	}
	m->has_calendar = true;
	if (unit <= UNIT_WEEK)
		m->days += unit == UNIT_WEEK ? n * 7 : n;
	else
		m->months += unit == UNIT_YEAR ? n * 12 : n;
}

static bool take_half(struct reader *r, struct moment *m)
{
	const struct token *t;
	enum unit unit;

	if (!is_article(reader_peek(r, 0)))
		return reader_misses(r, "Such as: half an hour.");
	r->at++;
	t = reader_peek(r, 0);
	if (!token_unit(t, &unit) || unit != UNIT_HOUR)
		return reader_fail(r, t, "Such as: half an hour.", "only hours have halves here");
	r->at++;
	add_length(m, 30, UNIT_MINUTE);
	return true;
}

static bool take_length(struct reader *r, struct moment *m)
{
	const struct token *t = reader_peek(r, 0);
	int64_t n = 1;
	enum unit unit;

	if (reader_word(r, "half"))
		return take_half(r, m);
	if (reader_sees_sign(r, 0, '-'))
		return reader_fail(r, t, LENGTH_FORMS, "only the future can be asked for");
	if (!is_article(t) && !token_number(t, &n)) {
		if (t->kind == TOKEN_NUMBER)
			return reader_fail(r, t, NULL, "this number is too large");
		return reader_misses(r, LENGTH_FORMS);
	}
	r->at++;
	if (!token_unit(reader_peek(r, 0), &unit))
		return reader_misses(r, LENGTH_FORMS);
	r->at++;
	add_length(m, n, unit);
	return true;
}

/* Goes on to another length: behind a separator, or at once, unless it is rather a time of day
 * ("in 2 days 17h30"). */
static bool take_to_length(struct reader *r)
{
	size_t before = r->at;

	if (reader_separator(r) && sees_length(r, 0))
		return true;
	r->at = before;
	return sees_length(r, 0) && (reader_peek(r, 0)->is_glued || !reader_sees_clear_time(r, 0));
}

/* Lengths one after the other, with or without "and": 1h30m, 2 hours and 30 minutes. */
static bool take_lengths(struct reader *r, struct moment *m)
{
	m->kind = MOMENT_STEP;
	do {
		if (!take_length(r, m))
			return false;
	} while (take_to_length(r));
	return true;
}

/* "2 hours later", "a week from now" */
static bool take_later(struct reader *r, struct moment *m)
{
	if (!take_lengths(r, m))
		return false;
	if (reader_word(r, "later"))
		return true;
	if (reader_word(r, "from")) {
		if (reader_word(r, "now"))
			return true;
		return reader_misses(r, "Such as: a week from now.");
	}
	if (reader_sees(r, 0, "ago"))
		return reader_fail(r, reader_peek(r, 0), LENGTH_FORMS, "that is in the past");
	return reader_misses(r, "Such as: in 2 hours, 2 hours later, 2 hours from now.");
}

/* "now+1d2h" is neither two lengths, as this form has one, nor 2:00 on the next day. */
static bool check_one_length(struct reader *r)
{
	const struct token *t = reader_peek(r, 0);
	bool is_glued = t->kind == TOKEN_NUMBER && t->is_glued;

	if (!is_glued && (!sees_length(r, 0) || reader_sees_clear_time(r, 0)))
		return true;
	return reader_fail(r, t, "Write now+26h, now+1d@2:00, or in 1 day and 2 hours.",
		"after \"now+\" there is one number only");
}

/* "+1d" after "now" */
static bool take_now(struct reader *r, struct moment *m)
{
	static const struct {
		const char *letter;
		enum unit unit;
	} letters[] = {{"s", UNIT_SECOND}, {"m", UNIT_MINUTE}, {"h", UNIT_HOUR}, {"d", UNIT_DAY},
		{"w", UNIT_WEEK}};
	const struct token *t = reader_peek(r, 0);
	int64_t n = 0;

	m->kind = MOMENT_STEP;
	if (reader_sees_sign(r, 0, '-'))
		return reader_fail(r, t, NOW_FORMS, "that is in the past");
	if (!reader_sign(r, '+'))
		return reader_misses(r, NOW_FORMS);
	t = reader_peek(r, 0);
	if (t->kind != TOKEN_NUMBER)
		return reader_misses(r, NOW_FORMS);
	if (!token_number(t, &n))
		return reader_fail(r, t, NULL, "this number is too large");
	r->at++;
	t = reader_peek(r, 0);
	if (t->text.n == 1 && *t->text.p == 'M')
		return reader_fail(r, t, "Write now+30m, or in 1 month.",
			"some read this as minutes and some as months");
	for (size_t i = 0; i < ARRAY_LEN(letters); i++) {
		if (reader_word(r, letters[i].letter)) {
			add_length(m, n, letters[i].unit);
			return check_one_length(r);
		}
	}
	return reader_misses(r, NOW_FORMS);
}

/* --- dates --- */

/* Digits, all of `n` places, glued to what is before unless it is the first. */
static bool sees_digits(const struct reader *r, size_t ahead, size_t n)
{
	const struct token *t = reader_peek(r, ahead);

	return t->kind == TOKEN_NUMBER && t->text.n == n && (ahead == 0 || t->is_glued);
}

/* 2026-05-01 */
static bool sees_iso_date(const struct reader *r)
{
	return sees_digits(r, 0, 4) && reader_sees_sign(r, 1, '-') && sees_digits(r, 2, 2) &&
	       reader_sees_sign(r, 3, '-') && sees_digits(r, 4, 2);
}

static bool take_iso_date(struct reader *r, struct moment *m)
{
	const struct token *t = reader_peek(r, 0);
	int64_t year = 0, month = 0, day = 0;
	struct civil c;

	(void)token_number(t, &year);
	(void)token_number(reader_peek(r, 2), &month);
	(void)token_number(reader_peek(r, 4), &day);
	c = (struct civil){.year = (int)year, .month = (int)month, .day = (int)day};
	if (!civil_is_valid(&c))
		return reader_fail(r, t, DATE_FORMS, "there is no such date");
	r->at += 5;
	m->kind = MOMENT_DATE;
	m->year = c.year;
	m->month = c.month;
	m->day = c.day;
	/* Only here "T" stands before the time. */
	if (!reader_sees(r, 0, "t") || !reader_peek(r, 0)->is_glued)
		return true;
	r->at++;
	if (!sees_digits(r, 0, 2) || !reader_sees_clear_time(r, 0))
		return reader_fail(r, reader_peek(r, 0), "Such as: 2026-05-01T09:00Z.",
			"a time is wanted after T");
	return true;
}

/* "5 may 2027": the year, when there is one. */
static bool take_month_date(struct reader *r, struct moment *m)
{
	const struct token *start = reader_peek(r, 0);
	size_t before;
	int64_t year = 0;

	m->kind = MOMENT_DATE;
	if (!reader_month_day(r, &m->month, &m->day))
		return false;
	before = r->at;
	(void)reader_sign(r, ',');
	if (reader_peek(r, 0)->kind != TOKEN_NUMBER || reader_peek(r, 0)->text.n != 4) {
		r->at = before;
		return true;
	}
	(void)token_number(reader_peek(r, 0), &year);
	r->at++;
	m->year = (int)year;
	if (year < YEAR_MIN || m->day > civil_month_days(m->year, m->month))
		return reader_fail(r, start, NULL, "there is no such date");
	return true;
}

static bool sees_date(const struct reader *r)
{
	return sees_iso_date(r) || reader_sees_month_day(r);
}

static bool take_date(struct reader *r, struct moment *m)
{
	return sees_iso_date(r) ? take_iso_date(r, m) : take_month_date(r, m);
}

/* 5/6, 1.5.2026, 5-6: some put the day first and some the month. */
static bool sees_numeric_date(const struct reader *r)
{
	enum unit unit;

	return reader_peek(r, 0)->kind == TOKEN_NUMBER && reader_peek(r, 2)->kind == TOKEN_NUMBER &&
	       !token_unit(reader_peek(r, 3), &unit) &&
	       (reader_sees_sign(r, 1, '/') || reader_sees_sign(r, 1, '.') ||
		       reader_sees_sign(r, 1, '-'));
}

/* --- days --- */

static void take_part(struct reader *r, struct moment *m)
{
	if (reader_word(r, "morning"))
		m->part = PART_MORNING;
	else if (reader_word(r, "afternoon"))
		m->part = PART_AFTERNOON;
	else if (reader_word(r, "evening"))
		m->part = PART_EVENING;
}

static void set_day(struct moment *m, int64_t days)
{
	m->kind = MOMENT_DAY;
	m->days = days;
}

/* A weekday, and the date that may follow it: "friday", "friday 8 may". */
static bool take_weekday(struct reader *r, struct moment *m)
{
	size_t before;
	bool is_plural;

	(void)token_weekday(reader_peek(r, 0), &m->weekday, &is_plural);
	r->at++;
	before = r->at;
	(void)reader_sign(r, ',');
	if (m->which == WEEK_COMING && sees_date(r))
		return take_date(r, m);
	r->at = before;
	m->kind = MOMENT_WEEKDAY;
	take_part(r, m);
	return true;
}

static bool sees_weekday(const struct reader *r)
{
	bool is_plural;
	int day;

	return token_weekday(reader_peek(r, 0), &day, &is_plural);
}

static bool take_next(struct reader *r, struct moment *m)
{
	enum unit unit;

	if (sees_weekday(r)) {
		m->which = WEEK_NEXT;
		return take_weekday(r, m);
	}
	if (token_unit(reader_peek(r, 0), &unit) && unit >= UNIT_WEEK) {
		r->at++;
		m->kind = MOMENT_STEP;
		add_length(m, 1, unit);
		return true;
	}
	return reader_misses(r, "After \"next\": a day's name, week, month, year.");
}

static bool take_this(struct reader *r, struct moment *m)
{
	if (sees_weekday(r)) {
		m->which = WEEK_THIS;
		return take_weekday(r, m);
	}
	set_day(m, 0);
	take_part(r, m);
	if (m->part != PART_NONE)
		return true;
	return reader_misses(r, "After \"this\": a day's name, morning, afternoon, evening.");
}

/* "end of month", "end of the day" */
static bool take_end(struct reader *r, struct moment *m)
{
	if (!reader_word(r, "of"))
		return reader_misses(r, "Such as: end of month, end of day.");
	(void)reader_word(r, "the");
	if (reader_word(r, "month")) {
		m->kind = MOMENT_MONTH_END;
		return true;
	}
	if (!reader_word(r, "day"))
		return reader_misses(r, "Such as: end of month, end of day.");
	set_day(m, 0);
	m->has_time = true;
	m->time_s = 18 * 3600;
	return true;
}

/* "[the] day after tomorrow" */
static bool take_day_after(struct reader *r, struct moment *m)
{
	(void)reader_word(r, "the");
	(void)reader_word(r, "day");
	if (!reader_word(r, "after") || !reader_word(r, "tomorrow"))
		return reader_misses(r, "Such as: the day after tomorrow.");
	set_day(m, 2);
	take_part(r, m);
	return true;
}

static bool sees_day_after(const struct reader *r)
{
	size_t i = reader_sees(r, 0, "the") ? 1 : 0;

	return reader_sees(r, i, "day") && reader_sees(r, i + 1, "after");
}

static bool take_day_word(struct reader *r, struct moment *m, bool *ret_is_one)
{
	*ret_is_one = true;
	if (reader_word(r, "today")) {
		set_day(m, 0);
	} else if (reader_word(r, "tomorrow")) {
		set_day(m, 1);
		take_part(r, m);
	} else if (reader_word(r, "tonight")) {
		set_day(m, 0);
		m->part = PART_NIGHT;
	} else if (reader_word(r, "eod")) {
		set_day(m, 0);
		m->has_time = true;
		m->time_s = 18 * 3600;
	} else if (reader_word(r, "next")) {
		return take_next(r, m);
	} else if (reader_word(r, "this")) {
		return take_this(r, m);
	} else if (reader_word(r, "end")) {
		return take_end(r, m);
	} else if (sees_day_after(r)) {
		return take_day_after(r, m);
	} else {
		*ret_is_one = false;
	}
	return true;
}

/* What cannot be a moment, with the reason. */
static bool refuse(struct reader *r)
{
	const struct token *t = reader_peek(r, 0);

	if (token_is(t, "yesterday") || (token_is(t, "last") && !reader_sees(r, 1, "day")))
		return reader_fail(r, t, FORMS, "that is in the past");
	if (sees_numeric_date(r))
		return reader_fail(r, t, DATE_FORMS, "a date like this can be read in two ways");
	if (t->kind == TOKEN_NUMBER && t->text.n <= 2 && reader_peek(r, 1)->kind == TOKEN_END)
		return reader_fail(r, t, "Write \"at 9\" for a time of day, or \"in 9 minutes\".",
			"a number alone says too little");
	return reader_misses(r, FORMS);
}

/* Everything but a time of day alone. */
static bool take_day(struct reader *r, struct moment *m)
{
	bool is_one;

	if (reader_word(r, "now"))
		return take_now(r, m);
	if (reader_word(r, "in"))
		return take_lengths(r, m);
	if (!take_day_word(r, m, &is_one))
		return false;
	if (is_one)
		return true;
	(void)reader_word(r, "on");
	if (sees_weekday(r))
		return take_weekday(r, m);
	if (sees_date(r))
		return take_date(r, m);
	if (sees_length(r, 0))
		return take_later(r, m);
	return refuse(r);
}

/* --- the time of day --- */

/* "evening at 8" is 20:00, and "morning at 3pm" is nonsense. */
static bool fit_part(struct reader *r, const struct token *start, const struct clock_time *time,
	struct moment *m)
{
	int hour = time->s / 3600;

	m->time_s = time->s;
	if (m->part == PART_NONE)
		return true;
	/* "midnight", "12am", "0:00": not the one this day began with. */
	if (time->s == 0 && m->part == PART_NIGHT) {
		m->days++;
		return true;
	}
	if (m->part != PART_MORNING && time->is_bare && hour >= 1 && hour <= 11)
		m->time_s += NOON_S;
	if (time->is_bare && hour == 12 && m->part >= PART_EVENING)
		return reader_fail(r, start, NULL, "say noon or midnight");
	if ((m->part == PART_MORNING) != (m->time_s < NOON_S) || time->is_midnight)
		return reader_fail(r, start, NULL, "it is not that time then");
	return true;
}

static bool take_time(struct reader *r, struct moment *m)
{
	const struct token *start = reader_peek(r, 0);
	struct clock_time time = {0};

	if (!reader_time(r, &time))
		return false;
	/* RFC 3339 has fractions of a second; here the second is the smallest. */
	if (m->kind == MOMENT_DATE && reader_sees_sign(r, 0, '.') && reader_peek(r, 0)->is_glued &&
		reader_peek(r, 1)->kind == TOKEN_NUMBER && reader_peek(r, 1)->is_glued)
		r->at += 2;
	if (m->has_time)
		return reader_fail(r, start, NULL, "the time of day has been said before");
	m->has_time = true;
	return fit_part(r, start, &time, m);
}

/* Is there an "at", or a time without it, after a day? */
static bool take_at(struct reader *r)
{
	size_t before = r->at;

	(void)reader_sign(r, ',');
	if (reader_word(r, "at") || reader_sign(r, '@') || reader_sees_time(r, 0))
		return true;
	r->at = before;
	return false;
}

static bool take_time_after(struct reader *r, struct moment *m, bool is_now)
{
	const struct token *start = reader_peek(r, 0);

	if (!take_at(r))
		return true;
	if (m->kind == MOMENT_STEP && m->seconds != 0 && !is_now)
		return reader_fail(r, start, "Days and longer go with a time: in 2 days at 9.",
			"hours and minutes are counted from now, so they have their time already");
	return take_time(r, m);
}

/* Does a day follow the time ("8pm tomorrow"), or is it the end, or a zone? */
static bool sees_day(const struct reader *r)
{
	static const char *const words[] = {
		"today", "tomorrow", "tonight", "next", "this", "on", "the", "day"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (reader_sees(r, 0, words[i]))
			return true;
	return sees_weekday(r) || sees_date(r) || (reader_sees(r, 0, "in") && sees_length(r, 1));
}

static bool take_time_first(struct reader *r, struct moment *m)
{
	const struct token *start;
	struct clock_time time = {0};

	(void)reader_word(r, "at");
	start = reader_peek(r, 0);
	if (!reader_time(r, &time))
		return false;
	if (sees_day(r) && !take_day(r, m))
		return false;
	if (m->has_time)
		return reader_fail(r, start, NULL, "there is a second time of day further on");
	if (m->kind == MOMENT_STEP && m->seconds != 0)
		return reader_fail(r, start, NULL,
			"hours and minutes are counted from now, so they have their time already");
	m->has_time = true;
	return fit_part(r, start, &time, m);
}

bool moment_parse(struct reader *r, struct moment *ret)
{
	bool is_now = reader_sees(r, 0, "now");

	*ret = (struct moment){.kind = MOMENT_CLOCK, .weekday = -1};
	if (reader_sees(r, 0, "at") || reader_sees_clear_time(r, 0))
		return take_time_first(r, ret);
	return take_day(r, ret) && take_time_after(r, ret, is_now);
}
