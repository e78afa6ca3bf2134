/* SPDX-License-Identifier: MIT */
/*
 * calendar/cron.c - from wall times to instants: the rule for clocks that jump.
 *
 * Time is cut into stretches of one offset, in each of which instants and wall times are the same
 * but for a constant. A wildcard expression takes every stretch as it comes. A fixed one looks only
 * at what the wall clock has never shown: the clock has reached some wall time before a stretch
 * begins (its highest so far), and what lies below has had its turn. If the stretch begins above
 * that, the clock jumped, and what lies between fires once, where the stretch begins.
 *
 * So a fixed job fires when the clock first shows or passes its time, whatever the zone does:
 * several changes in a row, gaps over midnight and lost days need no rule of their own.
 */
#include "calendar/cron.h"

#include "calendar/cron_internal.h"

#define INSTANT_MIN    INT64_C(-62135424000) /* 0001-01-03: wall times stay within the calendar */
#define INSTANT_MAX    INT64_C(253402128000) /* 9999-12-30 */
#define SEARCH_SECONDS (INT64_C(146097) * SECONDS_PER_DAY) /* 400 years */
/* Two clocks never differ by more. */
#define CLOCKS_APART (3 * SECONDS_PER_DAY)

/* Instants [from, to) of one offset. Wall times below `reached` were shown or jumped over before.
 */
struct stretch {
	int64_t from, to;
	int offset;
	int64_t reached;
};

static int offset_at(const struct zone *z, int64_t at_s)
{
	return zone_offset(z, at_s, NULL, NULL);
}

/* The highest any clock before `from` got, exclusive. Changes further back than clocks can differ
 * have no say. */
static int64_t reached_before(const struct zone *z, int64_t from_s)
{
	int64_t at = from_s, reached = INT64_MIN;

	do {
		reached = MAX_OF(reached, at + offset_at(z, at - 1));
	} while (zone_previous_change(z, at - 1, &at) && at > from_s - CLOCKS_APART);
	return reached;
}

static struct stretch stretch_at(const struct zone *z, int64_t at_s)
{
	struct stretch s = {.from = INSTANT_MIN, .to = INSTANT_MAX + 1};

	s.offset = offset_at(z, at_s);
	(void)zone_next_change(z, at_s, &s.to);
	if (zone_previous_change(z, at_s, &s.from))
		s.reached = reached_before(z, s.from);
	else
		s.reached = s.from + s.offset;
	return s;
}

/* The one after it; s->to is a change. */
static struct stretch stretch_after(const struct zone *z, const struct stretch *s)
{
	struct stretch next = {.from = s->to, .to = INSTANT_MAX + 1};

	next.offset = offset_at(z, next.from);
	next.reached = MAX_OF(s->reached, s->to + s->offset);
	(void)zone_next_change(z, next.from, &next.to);
	return next;
}

/* The first wall time of a stretch that counts. */
static int64_t first_wall(const struct cron *c, const struct stretch *s)
{
	int64_t first = s->from + s->offset;

	return c->is_wildcard ? first : MAX_OF(first, s->reached);
}

/* Whether something was jumped over that must fire where the stretch begins. */
static bool has_missed(const struct cron *c, const struct stretch *s)
{
	int64_t wall;

	return !c->is_wildcard && cron_wall_next(c, s->reached, s->from + s->offset, &wall);
}

/* The first instant of [from_s, to_s) within the stretch. */
static bool next_within(
	const struct cron *c, const struct stretch *s, int64_t from_s, int64_t to_s, int64_t *ret_s)
{
	int64_t wall;

	if (from_s <= s->from && has_missed(c, s)) {
		*ret_s = s->from;
		return true;
	}
	if (!cron_wall_next(c, MAX_OF(from_s + s->offset, first_wall(c, s)),
		    MIN_OF(to_s, s->to) + s->offset, &wall))
		return false;
	*ret_s = wall - s->offset;
	return true;
}

bool cron_next(const struct cron *c, const struct zone *z, int64_t after_s, int64_t *ret_s)
{
	int64_t from = MAX_OF(after_s, INSTANT_MIN - 1) + (after_s < INSTANT_MAX), to;
	struct stretch s;

	if (after_s >= INSTANT_MAX || cron_is_never(c))
		return false;
	to = MIN_OF(from + SEARCH_SECONDS, INSTANT_MAX + 1);
	s = stretch_at(z, from);
	while (!next_within(c, &s, from, to, ret_s)) {
		if (s.to >= to)
			return false;
		s = stretch_after(z, &s);
	}
	return true;
}

/* The last instant of [from_s, to_s) within the stretch. */
static bool previous_within(
	const struct cron *c, const struct stretch *s, int64_t from_s, int64_t to_s, int64_t *ret_s)
{
	int64_t wall;

	if (cron_wall_previous(c, MAX_OF(from_s + s->offset, first_wall(c, s)),
		    MIN_OF(to_s, s->to) + s->offset, &wall)) {
		*ret_s = wall - s->offset;
		return true;
	}
	if (from_s > s->from || !has_missed(c, s))
		return false;
	*ret_s = s->from;
	return true;
}

bool cron_previous(const struct cron *c, const struct zone *z, int64_t until_s, int64_t *ret_s)
{
	int64_t to = MIN_OF(until_s, INSTANT_MAX) + 1, from;
	struct stretch s;

	if (until_s < INSTANT_MIN || cron_is_never(c))
		return false;
	from = MAX_OF(to - SEARCH_SECONDS, INSTANT_MIN);
	s = stretch_at(z, to - 1);
	while (!previous_within(c, &s, from, to, ret_s)) {
		if (s.from <= from)
			return false;
		s = stretch_at(z, s.from - 1);
	}
	return true;
}

/* How many instants of [from_s, to_s) lie within the stretch. */
static int64_t count_within(
	const struct cron *c, const struct stretch *s, int64_t from_s, int64_t to_s)
{
	int64_t first = MAX_OF(from_s + s->offset, first_wall(c, s)), wall;
	int64_t n = cron_wall_count(c, first, MIN_OF(to_s, s->to) + s->offset);

	/* What was missed fires together with what is due at that very instant. */
	if (from_s <= s->from && has_missed(c, s) &&
		!(cron_wall_next(c, first, s->from + s->offset + 1, &wall)))
		n++;
	return n;
}

int64_t cron_count(const struct cron *c, const struct zone *z, int64_t after_s, int64_t until_s)
{
	int64_t from = MAX_OF(after_s, INSTANT_MIN - 1) + (after_s < INSTANT_MAX);
	int64_t to = MIN_OF(until_s, INSTANT_MAX) + 1, n = 0;
	struct stretch s;

	if (from >= to || cron_is_never(c))
		return 0;
	s = stretch_at(z, from);
	n = count_within(c, &s, from, to);
	while (s.to < to) {
		s = stretch_after(z, &s);
		n += count_within(c, &s, from, to);
	}
	return n;
}
