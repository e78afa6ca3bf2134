/* SPDX-License-Identifier: MIT */
/*
 * calendar/schedule-internal.h - what a schedule is made of; for schedule*.c only.
 */
#ifndef PYLON_CALENDAR_SCHEDULE_INTERNAL_H
#define PYLON_CALENDAR_SCHEDULE_INTERNAL_H

#include "calendar/phrase-internal.h"

enum schedule_rule {
	RULE_CRON,    /* one expression, or several that never name the same wall time */
	RULE_ELAPSED, /* anchor + k * period, k from 1 */
	RULE_DATES,
	RULE_ONCE,
};

struct schedule {
	enum schedule_rule rule;
	struct zone *zone;
	bool has_prefix;     /* CRON_TZ= */
	bool has_other_zone; /* the text named one that is not the given one */
	int64_t anchor_s;
	bool has_phrase; /* else it was written as an expression, or is a moment */
	struct phrase phrase;
	struct cron *crons; /* RULE_CRON */
	size_t cron_count;
	int64_t period_s; /* RULE_ELAPSED */
	int64_t at_s;     /* RULE_ONCE */
	char *canonical;  /* NULL = none */
};

/* Whole seconds within the calendar. */
int64_t schedule_seconds(int64_t us);
struct dates schedule_dates(const struct schedule *s);

#endif
