/* SPDX-License-Identifier: MIT */
/*
 * calendar/words-internal.h - a schedule's text as tokens, and the words it may have.
 *
 * Tokens are as small as can be (words of letters, numbers of digits, single signs); what was
 * written together ("9am", "17h30", "Europe/Berlin") is told by is_glued. A parser takes tokens
 * from a reader and returns false once it has called reader_fail(): the first fault is the one that
 * the user sees.
 */
#ifndef PYLON_CALENDAR_WORDS_INTERNAL_H
#define PYLON_CALENDAR_WORDS_INTERNAL_H

#include "calendar/schedule.h"

#define NUMBER_MAX INT64_C(999999999) /* of what a text counts; nine digits */

/* Instants are whole seconds between these: two days less than the calendar at both ends, so that
 * no zone leads out of it. */
#define INSTANT_MIN (INT64_C(-62135596800) + SECONDS_PER_DAY * 2)
#define INSTANT_MAX (INT64_C(253402300799) - SECONDS_PER_DAY * 2)

enum token_kind {
	TOKEN_END,
	TOKEN_WORD,
	TOKEN_NUMBER,
	TOKEN_SIGN,
};

struct token {
	enum token_kind kind;
	struct slice text;
	size_t column;
	bool is_glued; /* nothing stands between it and the token before */
};

struct reader {
	struct slice text;
	struct schedule_fault *fault; /* never NULL */
	size_t n, at;
	struct token v[SCHEDULE_TEXT_MAX + 1]; /* v[n] is TOKEN_END */
};

enum unit {
	UNIT_SECOND,
	UNIT_MINUTE,
	UNIT_HOUR,
	UNIT_DAY,
	UNIT_WEEK,
	UNIT_MONTH,
	UNIT_YEAR,
};

/* A time of day as written. */
struct clock_time {
	int s;            /* seconds since midnight */
	bool is_bare;     /* a number without am or pm: "9", "9:30" */
	bool is_midnight; /* the word */
};

/* The text has at most SCHEDULE_TEXT_MAX bytes. False for a byte that no schedule has. */
NODISCARD bool reader_init(struct reader *r, struct slice text, struct schedule_fault *fault);
/* The token `ahead` places further on; TOKEN_END beyond the last. */
const struct token *reader_peek(const struct reader *r, size_t ahead);
bool reader_is_end(const struct reader *r);
/* The same as reader_peek() for those questions that come up often. */
bool reader_sees(const struct reader *r, size_t ahead, const char *word);
bool reader_sees_sign(const struct reader *r, size_t ahead, char sign);
/* Takes the next token when it is that one. */
bool reader_word(struct reader *r, const char *word);
bool reader_sign(struct reader *r, char sign);
/* Takes what separates the members of a list: a comma, "and", or both. */
bool reader_separator(struct reader *r);
/* Takes the next token and all that are glued to it. */
struct slice reader_joined(struct reader *r);

/* Writes down what is wrong at token t; `hint` may be NULL. Always false. */
bool reader_fail(struct reader *r, const struct token *t, const char *hint, const char *fmt, ...)
	PRINTF(4, 5);
/* The same for a next token that fits nowhere: it looks for a word that was probably meant. */
bool reader_misses(struct reader *r, const char *hint);

/* --- vocabulary; the token's text, in any case --- */

bool token_is(const struct token *t, const char *word);
/* 0 = Sunday. *ret_is_plural: "mondays". */
bool token_weekday(const struct token *t, int *ret, bool *ret_is_plural);
bool token_month(const struct token *t, int *ret);
bool token_unit(const struct token *t, enum unit *ret);
/* "first" to "fifth" are 1-5. */
bool token_ordinal(const struct token *t, int *ret);
/* "st", "nd", "rd", "th" glued to a number. */
bool token_is_ordinal_ending(const struct token *t);
/* Digits, or one of "one" to "twelve"; false when it is neither or above NUMBER_MAX. */
bool token_number(const struct token *t, int64_t *ret);
const char *weekday_name(int weekday); /* "Sunday" */
const char *month_name(int month);     /* 1 = "January" */
const char *ordinal_name(int k);       /* 1 = "first" */
const char *unit_name(enum unit unit); /* "second" */

/* --- time_of_day.c --- */

/* Can a TIME begin with the token `ahead`? */
bool reader_sees_time(const struct reader *r, size_t ahead);
/* The same, but a bare number ("9") is not enough. */
bool reader_sees_clear_time(const struct reader *r, size_t ahead);
/* Takes a TIME. */
NODISCARD bool reader_time(struct reader *r, struct clock_time *ret);
/* Does a time follow, with or without a comma or "at" before it? */
bool reader_sees_at(const struct reader *r);
/* reader_separator() in a list of days; a comma before a time ("mondays, at 9") is left. */
bool reader_day_separator(struct reader *r);
/* hh:mm, with :ss when there are seconds. */
void clock_print(struct buf *out, int s);

/* --- zone_name.c --- */

/* Takes a zone if the text has one here, and what comes before it ("in"): *ret is a new reference,
 * or stays. With `letters` the fixed zones by letters (EST) and +hhmm may stand there, too. */
NODISCARD bool reader_zone(struct reader *r, bool letters, struct zone **ret);

#endif
