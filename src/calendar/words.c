/* SPDX-License-Identifier: MIT */
/*
 * calendar/words.c - tokens, vocabulary and faults of schedule texts.
 *
 * Only ASCII has a meaning here: a digit or blank of another script that looks like one is refused,
 * not taken for what it looks like.
 */
#include <stdio.h>

#include "calendar/words-internal.h"

#define SUGGEST_MIN  3 /* shorter words are near to everything */
#define SUGGEST_LONG 7 /* from here on two slips are forgiven */

static const char *const weekday_names[] = {
	"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
static const char *const month_names[] = {"January", "February", "March", "April", "May", "June",
	"July", "August", "September", "October", "November", "December"};
static const char *const ordinal_names[] = {"first", "second", "third", "fourth", "fifth"};
static const char *const unit_names[] = {
	"second", "minute", "hour", "day", "week", "month", "year"};
static const char *const number_names[] = {"one", "two", "three", "four", "five", "six", "seven",
	"eight", "nine", "ten", "eleven", "twelve"};

struct word {
	const char *name;
	int value;
};

static const struct word weekday_short[] = {{"sun", 0}, {"mon", 1}, {"tue", 2}, {"tues", 2},
	{"wed", 3}, {"weds", 3}, {"thu", 4}, {"thur", 4}, {"thurs", 4}, {"fri", 5}, {"sat", 6}};
static const struct word unit_short[] = {{"s", UNIT_SECOND}, {"sec", UNIT_SECOND},
	{"secs", UNIT_SECOND}, {"m", UNIT_MINUTE}, {"min", UNIT_MINUTE}, {"mins", UNIT_MINUTE},
	{"h", UNIT_HOUR}, {"hr", UNIT_HOUR}, {"hrs", UNIT_HOUR}, {"d", UNIT_DAY}, {"w", UNIT_WEEK},
	{"wk", UNIT_WEEK}, {"wks", UNIT_WEEK}, {"mo", UNIT_MONTH}, {"mos", UNIT_MONTH},
	{"y", UNIT_YEAR}, {"yr", UNIT_YEAR}, {"yrs", UNIT_YEAR}};

/* What "did you mean" knows besides the names above. */
static const char *const other_words[] = {"every", "each", "other", "daily", "hourly", "weekly",
	"monthly", "yearly", "annually", "weekday", "weekdays", "weekend", "weekends", "last",
	"between", "from", "noon", "midnight", "today", "tonight", "tomorrow", "next", "this",
	"morning", "afternoon", "evening", "later", "now", "end", "after", "half", "days", "weeks",
	"months", "years", "hours", "minutes", "seconds", "mondays", "tuesdays", "wednesdays",
	"thursdays", "fridays", "saturdays", "sundays"};

/* --- reading --- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static enum token_kind kind_of(char c)
{
	if (is_letter(c))
		return TOKEN_WORD;
	if (is_digit(c))
		return TOKEN_NUMBER;
	return c > ' ' && c < 0x7f ? TOKEN_SIGN : TOKEN_END;
}

/* The bytes at p[0..n) that make one token of that kind. */
static size_t token_length(const char *p, size_t n, enum token_kind kind)
{
	size_t i = 1;

	while (kind != TOKEN_SIGN && i < n && kind_of(p[i]) == kind)
		i++;
	return i;
}

bool reader_init(struct reader *r, struct slice text, struct schedule_fault *fault)
{
	bool is_glued = false;

	must(text.n <= SCHEDULE_TEXT_MAX);
	r->text = text;
	r->fault = fault;
	r->n = r->at = 0;
	for (size_t i = 0; i < text.n;) {
		struct token *t = &r->v[r->n];

		if (is_blank(text.p[i])) {
			is_glued = false;
			i++;
			continue;
		}
		*t = (struct token){kind_of(text.p[i]), {text.p + i, 1}, i, is_glued};
		if (t->kind == TOKEN_END)
			return reader_fail(r, t, NULL, "a character that no schedule has");
		t->text.n = token_length(text.p + i, text.n - i, t->kind);
		i += t->text.n;
		is_glued = true;
		r->n++;
	}
	r->v[r->n] = (struct token){TOKEN_END, {text.p + text.n, 0}, text.n, false};
	return true;
}

const struct token *reader_peek(const struct reader *r, size_t ahead)
{
	return &r->v[MIN_OF(r->at + ahead, r->n)];
}

bool reader_is_end(const struct reader *r)
{
	return r->at == r->n;
}

bool reader_sees(const struct reader *r, size_t ahead, const char *word)
{
	return token_is(reader_peek(r, ahead), word);
}

bool reader_sees_sign(const struct reader *r, size_t ahead, char sign)
{
	const struct token *t = reader_peek(r, ahead);

	return t->kind == TOKEN_SIGN && *t->text.p == sign;
}

bool reader_word(struct reader *r, const char *word)
{
	if (!reader_sees(r, 0, word))
		return false;
	r->at++;
	return true;
}

bool reader_sign(struct reader *r, char sign)
{
	if (!reader_sees_sign(r, 0, sign))
		return false;
	r->at++;
	return true;
}

bool reader_separator(struct reader *r)
{
	bool is_comma = reader_sign(r, ',');

	return reader_word(r, "and") || is_comma;
}

struct slice reader_joined(struct reader *r)
{
	struct slice all = reader_peek(r, 0)->text;

	if (!reader_is_end(r))
		r->at++;
	while (!reader_is_end(r) && reader_peek(r, 0)->is_glued) {
		all.n += reader_peek(r, 0)->text.n;
		r->at++;
	}
	return all;
}

/* --- faults --- */

bool reader_fail(struct reader *r, const struct token *t, const char *hint, const char *fmt, ...)
{
	va_list ap;

	r->fault->column = t->column;
	va_start(ap, fmt);
	(void)vsnprintf(r->fault->text, sizeof(r->fault->text), fmt, ap);
	va_end(ap);
	(void)snprintf(r->fault->hint, sizeof(r->fault->hint), "%s", hint == NULL ? "" : hint);
	return false;
}

static void nearer(const char *typed, const char *const *names, size_t n, const char **best,
	unsigned *distance)
{
	for (size_t i = 0; i < n; i++) {
		unsigned d = str_distance(typed, names[i]);

		if (d < *distance) {
			*distance = d;
			*best = names[i];
		}
	}
}

/* The word that was probably meant, in lower case; false when none is near. */
static bool suggest(struct slice word, char *ret, size_t size)
{
	char typed[16];
	const char *best = NULL;
	unsigned distance = word.n >= SUGGEST_LONG ? 3 : 2;

	if (word.n < SUGGEST_MIN || word.n >= sizeof(typed))
		return false;
	for (size_t i = 0; i < word.n; i++)
		typed[i] = (char)(word.p[i] | 0x20);
	typed[word.n] = '\0';
	nearer(typed, other_words, ARRAY_LEN(other_words), &best, &distance);
	nearer(typed, unit_names, ARRAY_LEN(unit_names), &best, &distance);
	nearer(typed, ordinal_names, ARRAY_LEN(ordinal_names), &best, &distance);
	typed[0] = (char)(typed[0] & ~0x20);
	nearer(typed, weekday_names, ARRAY_LEN(weekday_names), &best, &distance);
	nearer(typed, month_names, ARRAY_LEN(month_names), &best, &distance);
	if (best == NULL || distance == 0)
		return false;
	(void)str_copy(ret, size, best);
	return true;
}

bool reader_misses(struct reader *r, const char *hint)
{
	const struct token *t = reader_peek(r, 0);
	char meant[16], both[sizeof(r->fault->hint)];

	if (t->kind == TOKEN_END)
		return reader_fail(r, t, hint, "something is missing at the end");
	if (t->kind == TOKEN_WORD && suggest(t->text, meant, sizeof(meant))) {
		(void)snprintf(both, sizeof(both), "did you mean \"%s\"?%s%s", meant,
			hint == NULL ? "" : " ", hint == NULL ? "" : hint);
		hint = both;
	}
	return reader_fail(r, t, hint, "\"%.*s\" is not understood here",
		(int)MIN_OF(t->text.n, (size_t)40), t->text.p);
}

/* --- vocabulary --- */

bool token_is(const struct token *t, const char *word)
{
	return t->kind == TOKEN_WORD && slice_eq_nocase(t->text, word);
}

/* Where `t` stands in a list of names. */
static bool find_name(const struct token *t, const char *const *names, size_t n, int *ret)
{
	for (size_t i = 0; i < n; i++) {
		if (token_is(t, names[i])) {
			*ret = (int)i;
			return true;
		}
	}
	return false;
}

static bool find_word(const struct token *t, const struct word *words, size_t n, int *ret)
{
	for (size_t i = 0; i < n; i++) {
		if (token_is(t, words[i].name)) {
			*ret = words[i].value;
			return true;
		}
	}
	return false;
}

/* `t` without a plural s. */
static bool find_plural(const struct token *t, const char *const *names, size_t n, int *ret)
{
	struct token one = *t;

	if (t->kind != TOKEN_WORD || t->text.n < 2 || (t->text.p[t->text.n - 1] | 0x20) != 's')
		return false;
	one.text.n--;
	return find_name(&one, names, n, ret);
}

bool token_weekday(const struct token *t, int *ret, bool *ret_is_plural)
{
	*ret_is_plural = find_plural(t, weekday_names, ARRAY_LEN(weekday_names), ret);
	return *ret_is_plural || find_name(t, weekday_names, ARRAY_LEN(weekday_names), ret) ||
	       find_word(t, weekday_short, ARRAY_LEN(weekday_short), ret);
}

bool token_month(const struct token *t, int *ret)
{
	if (token_is(t, "sept")) {
		*ret = 9;
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(month_names); i++) {
		const char three[] = {
			month_names[i][0], month_names[i][1], month_names[i][2], '\0'};

		if (token_is(t, month_names[i]) || token_is(t, three)) {
			*ret = (int)i + 1;
			return true;
		}
	}
	return false;
}

bool token_unit(const struct token *t, enum unit *ret)
{
	int i;

	if (!find_name(t, unit_names, ARRAY_LEN(unit_names), &i) &&
		!find_plural(t, unit_names, ARRAY_LEN(unit_names), &i) &&
		!find_word(t, unit_short, ARRAY_LEN(unit_short), &i))
		return false;
	*ret = (enum unit)i;
	return true;
}

bool token_ordinal(const struct token *t, int *ret)
{
	if (!find_name(t, ordinal_names, ARRAY_LEN(ordinal_names), ret))
		return false;
	(*ret)++;
	return true;
}

bool token_is_ordinal_ending(const struct token *t)
{
	return t->is_glued &&
	       (token_is(t, "st") || token_is(t, "nd") || token_is(t, "rd") || token_is(t, "th"));
}

bool token_number(const struct token *t, int64_t *ret)
{
	uint64_t value;
	int i;

	if (find_name(t, number_names, ARRAY_LEN(number_names), &i)) {
		*ret = i + 1;
		return true;
	}
	if (t->kind != TOKEN_NUMBER || !slice_to_u64(t->text, (uint64_t)NUMBER_MAX, &value))
		return false;
	*ret = (int64_t)value;
	return true;
}

const char *weekday_name(int weekday)
{
	return weekday_names[weekday];
}

const char *month_name(int month)
{
	return month_names[month - 1];
}

const char *ordinal_name(int k)
{
	return ordinal_names[k - 1];
}

const char *unit_name(enum unit unit)
{
	return unit_names[unit];
}
