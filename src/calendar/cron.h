/* SPDX-License-Identifier: MIT */
/*
 * calendar/cron.h - cron expressions and the instants they mean.
 *
 * 5 fields (minute hour day-of-month month day-of-week) or 6 (seconds first), the macros @hourly
 * @daily @midnight @weekly @monthly @yearly @annually, and the extensions L, LW, nW, nL and n#k.
 * docs/schedules.md has the grammar and the rule. In short: the day rule is Debian's crontab(5) (a
 * day field that starts with * makes both fields have to match, else either is enough), and so is
 * the DST rule (a fixed time in a gap fires at its end, in an overlap at its first pass; an
 * expression whose minute or hour starts with * follows real time).
 *
 * `@every` and zone prefixes are schedule.h's business. Pure and bounded: a search looks at no more
 * than 400 years of days. Times are seconds since 1970.
 */
#ifndef PYLON_CALENDAR_CRON_H
#define PYLON_CALENDAR_CRON_H

#include "base/err.h"
#include "base/str.h"
#include "calendar/zone.h"

/* A parsed expression: plain data, copied freely. Bit n of a set is the value n. */
struct cron {
	uint64_t seconds, minutes; /* 0-59 */
	uint32_t hours;            /* 0-23 */
	uint32_t days;             /* 1-31 */
	uint32_t months;           /* 1-12 */
	uint32_t weekdays;         /* 0-6, 0 = Sunday */
	uint32_t nearest;          /* nW: bit n */
	uint32_t nth[6];           /* n#k: nth[k] has bit n; k 1-5 */
	uint32_t last_weekday;     /* nL: bit n */
	bool last_day;             /* L */
	bool last_working_day;     /* LW */
	bool has_seconds;          /* 6 fields were written */
	bool day_is_star;          /* day-of-month starts with * (or is ?) */
	bool weekday_is_star;
	bool is_wildcard; /* minute or hour starts with *: follows real time */
};

/* Where and why a text was refused. */
struct cron_fault {
	size_t column; /* byte, from 0 */
	char text[160];
};

/* The whole text must be an expression. -EINVAL with *fault (may be NULL). */
NODISCARD int cron_parse(struct cron *ret, struct slice text, struct cron_fault *fault);
/* True when it cannot ever fire (0 0 31 2 *). */
bool cron_is_never(const struct cron *c);
/* The shortest usual way to write it, 5 fields where seconds are 0 (or 6); parsing it gives the
 * same schedule. */
void cron_print(struct buf *out, const struct cron *c);

/* The first instant after `after_s` (exclusive); false when there is none in 400 years. */
bool cron_next(const struct cron *c, const struct zone *z, int64_t after_s, int64_t *ret_s);
/* The last instant at or before `until_s`; false when there is none in 400 years. */
bool cron_previous(const struct cron *c, const struct zone *z, int64_t until_s, int64_t *ret_s);
/* How many instants there are in (after_s, until_s], by arithmetic over days: ten years of
 * "* * * * *" take well under 50 ms. */
int64_t cron_count(const struct cron *c, const struct zone *z, int64_t after_s, int64_t until_s);

#endif
