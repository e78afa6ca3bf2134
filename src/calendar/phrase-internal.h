/* SPDX-License-Identifier: MIT */
/*
 * calendar/phrase-internal.h - what a recurring phrase says, between text and rule.
 *
 *     text --phrase_parse()--> struct phrase --phrase_crons()--> cron expressions
 *     text <--phrase_print()--      "        --dates_*()-------> instants, where cron cannot say it
 *                                   "        <--phrase_of_cron() (for descriptions)
 */
#ifndef PYLON_CALENDAR_PHRASE_INTERNAL_H
#define PYLON_CALENDAR_PHRASE_INTERNAL_H

#include "calendar/cron.h"
#include "calendar/words-internal.h"

#define PHRASE_TIMES_MAX 48
#define PHRASE_N_MAX     36500 /* days, months ...: a hundred years and more */
#define WEEK_ALL         0x7fU
#define WEEK_WORKING     0x3eU /* Monday to Friday; bit 0 = Sunday */
#define WEEK_END         0x41U
#define DAY_MINUTES      1440

enum phrase_form {
	PHRASE_STEP,  /* every N seconds, minutes or hours */
	PHRASE_DAYS,  /* on days of the week */
	PHRASE_DATES, /* every N days, weeks, months or years, from the anchor's date */
	PHRASE_WEEKS, /* every N weeks on days of the week; N > 1 */
	PHRASE_MONTH, /* on days of every Nth month */
	PHRASE_YEAR,  /* on one date of every year */
};

/* Days of a month; any of them. Bit n is the value n. */
struct month_days {
	uint32_t days;          /* 1-31 */
	uint32_t nth[6];        /* nth[k]: the k-th of these weekdays, k 1-5 */
	uint32_t last_weekdays; /* the last of these weekdays */
	uint32_t working;       /* the k-th day from Monday to Friday, k 1-5 */
	bool last_day, last_working;
};

struct phrase {
	enum phrase_form form;
	int64_t n;         /* every n ... */
	enum unit unit;    /* of PHRASE_STEP and PHRASE_DATES */
	uint32_t weekdays; /* of DAYS, WEEKS and STEP (there WEEK_ALL when not told) */
	uint64_t marks;    /* of STEP by hours: minutes of the hour, bit 0-59; 0 = not told */
	bool has_span;     /* of STEP: only between these minutes of the day, both included */
	int span_from, span_to;
	struct month_days month_days;
	int month, day;              /* of YEAR */
	int times[PHRASE_TIMES_MAX]; /* seconds of the day, ascending; at least one but for STEP */
	size_t time_count;
};

/* --- phrase.c, phrase_days.c --- */

/* Has the text a word that only something recurring has? */
bool phrase_is_recurring(const struct reader *r);
/* Takes a phrase, up to what it does not understand (a zone, or the end). */
NODISCARD bool phrase_parse(struct reader *r, struct phrase *ret);
/* "monday", "weekdays", "mon-fri", "tuesday and friday"; does one begin here? */
bool reader_sees_weekdays(const struct reader *r);
NODISCARD bool reader_weekdays(struct reader *r, uint32_t *ret);
/* "the 1st and 15th", "day 3", "the last friday". */
NODISCARD bool reader_month_days(struct reader *r, struct month_days *ret);
/* "may 5", "5 may", "5th of may", "the 5th of may"; does one begin here? */
bool reader_sees_month_day(const struct reader *r);
NODISCARD bool reader_month_day(struct reader *r, int *month, int *day);

/* --- phrase_print.c, phrase_cron.c --- */

void phrase_print(struct buf *out, const struct phrase *p);
/* The expressions that together mean the same; none when there are none. */
void phrase_crons(const struct phrase *p, struct strv *ret);
/* A phrase that means exactly the same; false when there is none that is short. */
bool phrase_of_cron(const struct cron *c, struct phrase *ret);

/* --- dates.c: phrases that no cron expression says (DATES, WEEKS, MONTH) --- */

struct dates {
	const struct phrase *phrase;
	const struct zone *zone;
	int64_t anchor_s;
};

/* True when it never fires. */
bool dates_is_never(const struct dates *d);
bool dates_next(const struct dates *d, int64_t after_s, int64_t *ret_s);
bool dates_previous(const struct dates *d, int64_t until_s, int64_t *ret_s);

#endif
