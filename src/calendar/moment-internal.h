/* SPDX-License-Identifier: MIT */
/*
 * calendar/moment-internal.h - what a moment says, between text and instant.
 *
 * The grammar (moment.c) does not look at the clock; that is moment_resolve()'s business, because
 * the zone, by which "today" goes, stands at the end of the text.
 */
#ifndef PYLON_CALENDAR_MOMENT_INTERNAL_H
#define PYLON_CALENDAR_MOMENT_INTERNAL_H

#include "calendar/words-internal.h"

enum moment_kind {
	MOMENT_CLOCK,     /* the next time that the clock shows it: "8pm" */
	MOMENT_STEP,      /* now and some months, days and seconds: "in 2 hours" */
	MOMENT_DAY,       /* today and some days: "tomorrow" */
	MOMENT_WEEKDAY,   /* "next friday" */
	MOMENT_DATE,      /* "may 5", "2026-05-01" */
	MOMENT_MONTH_END, /* "end of month" */
};

enum which_week {
	WEEK_COMING, /* "friday": the next one that is to come */
	WEEK_THIS,   /* "this friday": today or one of the next six days */
	WEEK_NEXT,   /* "next friday": that of the following week */
};

enum day_part {
	PART_NONE,
	PART_MORNING,
	PART_AFTERNOON,
	PART_EVENING,
	PART_NIGHT, /* tonight */
};

struct moment {
	enum moment_kind kind;
	int64_t months, days, seconds; /* STEP; DAY uses days */
	bool has_calendar;             /* STEP: days or longer were named, if with 0 */
	int weekday;                   /* WEEKDAY; DATE: the one that was said, -1 = none */
	enum which_week which;
	int year, month, day; /* DATE; year 0 = the next such date */
	bool has_time;
	int time_s; /* seconds of the day */
	enum day_part part;
};

/* Takes a moment, up to what it does not understand (a zone, or the end). */
NODISCARD bool moment_parse(struct reader *r, struct moment *ret);
/* The instant. False with a fault when it is not after now, or is not at all. */
NODISCARD bool moment_resolve(struct reader *r, const struct moment *m, const struct zone *z,
	int64_t now_s, int64_t *ret_s);
/* In words that moment_parse() reads: "on Tuesday 5 May 2026 at 09:00". False when it had to be
 * said in UTC, because the zone's clock shows that time twice. */
bool moment_print(struct buf *out, const struct zone *z, int64_t at_s);

#endif
