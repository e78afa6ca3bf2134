/* SPDX-License-Identifier: MIT */
/*
 * calendar/schedule.c - when a schedule fires. schedule_parse.c makes it out of a text.
 *
 * Instants are whole seconds inside and microseconds outside; what is asked for beyond the calendar
 * (before the year 1, after 9999) is answered as if it were its end.
 */
#include "base/limits.h"
#include "calendar/duration.h"
#include "calendar/moment-internal.h"
#include "calendar/schedule-internal.h"

int64_t schedule_seconds(int64_t us)
{
	int64_t s = us / US_PER_SEC - (us % US_PER_SEC < 0 ? 1 : 0);

	return MAX_OF(INSTANT_MIN, MIN_OF(s, INSTANT_MAX));
}

struct dates schedule_dates(const struct schedule *s)
{
	return (struct dates){&s->phrase, s->zone, s->anchor_s};
}

void schedule_free(struct schedule *s)
{
	if (s == NULL)
		return;
	if (s->zone != NULL)
		zone_unref(s->zone);
	free(s->crons);
	free(s->canonical);
	free(s);
}

enum schedule_kind schedule_kind(const struct schedule *s)
{
	return s->rule == RULE_ONCE ? SCHEDULE_ONCE : SCHEDULE_RECURRING;
}

const struct zone *schedule_zone(const struct schedule *s)
{
	return s->zone;
}

const char *schedule_canonical(const struct schedule *s)
{
	return s->canonical;
}

bool schedule_is_anchored(const struct schedule *s)
{
	return s->rule == RULE_ELAPSED || (s->rule == RULE_DATES && s->phrase.n > 1);
}

bool schedule_is_never(const struct schedule *s)
{
	struct dates d = schedule_dates(s);

	if (s->rule == RULE_DATES)
		return dates_is_never(&d);
	for (size_t i = 0; i < s->cron_count; i++)
		if (!cron_is_never(&s->crons[i]))
			return false;
	return s->rule == RULE_CRON;
}

/* --- words --- */

/* "every 90 minutes", where that is not what a cron expression says; else as it was written. */
static void describe_elapsed(struct buf *out, const struct schedule *s)
{
	struct phrase p = {.form = PHRASE_STEP, .weekdays = WEEK_ALL, .unit = UNIT_SECOND};
	int64_t whole = 60;

	p.n = s->period_s;
	if (p.n % 3600 == 0) {
		p.unit = UNIT_HOUR;
		p.n /= 3600;
		whole = 24;
	} else if (p.n % 60 == 0) {
		p.unit = UNIT_MINUTE;
		p.n /= 60;
	}
	if (s->has_phrase) {
		phrase_print(out, &s->phrase);
	} else if (whole % p.n != 0) {
		phrase_print(out, &p);
	} else {
		buf_add_str(out, "@every ");
		duration_print(out, s->period_s * US_PER_SEC);
	}
}

/* The zone that the text named, so that the words are read in it again. */
static void describe_zone(struct buf *out, const struct schedule *s)
{
	const char *name = zone_name(s->zone);
	bool is_offset = *name == '+' || *name == '-';

	if (s->has_other_zone)
		buf_printf(out, is_offset ? " %s" : " in %s", name);
}

/* A prefix takes all names, a phrase only places: "in EST" is refused. */
static bool zone_can_be_said(const struct schedule *s)
{
	const char *name = zone_name(s->zone);

	return !s->has_other_zone || !s->has_prefix || strchr(name, '/') != NULL ||
	       str_eq(name, "UTC");
}

static void describe_cron(struct buf *out, const struct schedule *s)
{
	struct phrase p;

	if (zone_can_be_said(s) && phrase_of_cron(&s->crons[0], &p)) {
		phrase_print(out, &p);
		describe_zone(out, s);
		return;
	}
	if (s->has_other_zone)
		buf_printf(out, "CRON_TZ=%s ", zone_name(s->zone));
	buf_add_str(out, s->canonical);
}

static void describe_phrase(struct buf *out, const struct schedule *s)
{
	phrase_print(out, &s->phrase);
	describe_zone(out, s);
}

void schedule_describe(struct buf *out, const struct schedule *s)
{
	switch (s->rule) {
	case RULE_CRON:
		if (s->cron_count == 1)
			describe_cron(out, s);
		else
			describe_phrase(out, s);
		break;
	case RULE_ELAPSED:
		describe_elapsed(out, s);
		break;
	case RULE_DATES:
		describe_phrase(out, s);
		break;
	case RULE_ONCE:
		if (moment_print(out, s->zone, s->at_s))
			describe_zone(out, s);
		break;
	}
}

/* --- instants --- */

static bool next_of_crons(const struct schedule *s, int64_t after, int64_t *ret)
{
	bool is_found = false;
	int64_t at;

	for (size_t i = 0; i < s->cron_count; i++) {
		if (cron_next(&s->crons[i], s->zone, after, &at) && (!is_found || at < *ret)) {
			*ret = at;
			is_found = true;
		}
	}
	return is_found;
}

static bool previous_of_crons(const struct schedule *s, int64_t until, int64_t *ret)
{
	bool is_found = false;
	int64_t at;

	for (size_t i = 0; i < s->cron_count; i++) {
		if (cron_previous(&s->crons[i], s->zone, until, &at) && (!is_found || at > *ret)) {
			*ret = at;
			is_found = true;
		}
	}
	return is_found;
}

/* How many expressions more than one fire at that instant. */
static int64_t surplus_at(const struct schedule *s, int64_t at)
{
	int64_t n = 0, last;

	for (size_t i = 0; i < s->cron_count; i++)
		if (cron_previous(&s->crons[i], s->zone, at, &last) && last == at)
			n++;
	return n > 1 ? n - 1 : 0;
}

/* Several expressions have no wall time in common, so only at the end of a gap, where the times
 * within it are made up for, can two of them meet. */
static int64_t count_of_crons(const struct schedule *s, int64_t after, int64_t until)
{
	int64_t n = 0, at = after;

	for (size_t i = 0; i < s->cron_count; i++)
		n += cron_count(&s->crons[i], s->zone, after, until);
	while (s->cron_count > 1 && zone_next_change(s->zone, at, &at) && at <= until)
		n -= surplus_at(s, at);
	return n;
}

/* Number of the last period that ends at or before that instant; 0 = none. */
static int64_t periods_until(const struct schedule *s, int64_t until)
{
	return until <= s->anchor_s ? 0 : (until - s->anchor_s) / s->period_s;
}

static int64_t count_of_dates(const struct schedule *s, int64_t after, int64_t until)
{
	struct dates d = schedule_dates(s);
	int64_t n = 0;

	while (dates_next(&d, after, &after) && after <= until)
		n++;
	return n;
}

bool schedule_next(const struct schedule *s, int64_t after_us, int64_t *ret_us)
{
	struct dates d = schedule_dates(s);
	int64_t after = schedule_seconds(after_us), at = 0;
	bool is_found = false;

	switch (s->rule) {
	case RULE_CRON:
		is_found = next_of_crons(s, after, &at);
		break;
	case RULE_ELAPSED:
		at = s->anchor_s + (periods_until(s, after) + 1) * s->period_s;
		is_found = at <= INSTANT_MAX;
		break;
	case RULE_DATES:
		is_found = dates_next(&d, after, &at);
		break;
	case RULE_ONCE:
		at = s->at_s;
		is_found = at > after;
		break;
	}
	if (!is_found || at > INSTANT_MAX)
		return false;
	*ret_us = at * US_PER_SEC;
	return true;
}

bool schedule_previous(const struct schedule *s, int64_t until_us, int64_t *ret_us)
{
	struct dates d = schedule_dates(s);
	int64_t until = schedule_seconds(until_us), at = 0;
	bool is_found = false;

	switch (s->rule) {
	case RULE_CRON:
		is_found = previous_of_crons(s, until, &at);
		break;
	case RULE_ELAPSED:
		at = s->anchor_s + periods_until(s, until) * s->period_s;
		is_found = at > s->anchor_s;
		break;
	case RULE_DATES:
		is_found = dates_previous(&d, until, &at);
		break;
	case RULE_ONCE:
		at = s->at_s;
		is_found = at <= until;
		break;
	}
	/* `until` may have been moved up to where the calendar begins. */
	if (!is_found || at * US_PER_SEC > until_us)
		return false;
	*ret_us = at * US_PER_SEC;
	return true;
}

int64_t schedule_count(const struct schedule *s, int64_t after_us, int64_t until_us)
{
	int64_t after = schedule_seconds(after_us), until = schedule_seconds(until_us);

	if (until <= after)
		return 0;
	switch (s->rule) {
	case RULE_CRON:
		return count_of_crons(s, after, until);
	case RULE_ELAPSED:
		return periods_until(s, until) - periods_until(s, after);
	case RULE_DATES:
		return count_of_dates(s, after, until);
	case RULE_ONCE:
		break;
	}
	return s->at_s > after && s->at_s <= until ? 1 : 0;
}
