/* SPDX-License-Identifier: MIT */
/*
 * calendar/schedule.h - everything that has a time: cron expressions, recurring phrases, moments.
 *
 * One text, one reading: the whole of it must be understood, and what recurs is never taken for a
 * moment or the reverse. docs/schedules.md is the grammar for users. What a phrase cannot say as a
 * cron expression is a rule with an anchor: the instant of its creation, which the caller keeps and
 * gives again whenever it parses the text again.
 *
 * Pure: instants and zones go in, instants come out; microseconds since 1970 UTC, whole seconds.
 * Every search ends within a bound.
 */
#ifndef PYLON_CALENDAR_SCHEDULE_H
#define PYLON_CALENDAR_SCHEDULE_H

#include "base/err.h"
#include "base/str.h"
#include "calendar/zone.h"

#define SCHEDULE_TEXT_MAX 512 /* bytes of a text */

struct schedule;
struct js;

enum schedule_kind {
	SCHEDULE_RECURRING,
	SCHEDULE_ONCE,
};

enum schedule_want {
	SCHEDULE_WANT_ANY,
	SCHEDULE_WANT_RECURRING, /* a moment is refused with a hint */
	SCHEDULE_WANT_ONCE,      /* and the reverse */
	SCHEDULE_WANT_CRON,      /* only a cron expression, macro or @every (trigger.cron) */
};

struct schedule_text {
	struct slice text;
	const struct zone *zone; /* unless the text names one itself; a reference is kept */
	int64_t anchor_us;       /* of recurring rules; and "now" for moments */
	enum schedule_want want;
};

/* Why a text was refused. */
struct schedule_fault {
	size_t column;  /* byte, from 0 */
	char text[192]; /* what is wrong there */
	char hint[256]; /* accepted forms, or what was probably meant; "" = none */
};

/* 0 with *ret; -EINVAL with *fault (may be NULL). */
NODISCARD int schedule_parse(
	struct schedule **ret, const struct schedule_text *t, struct schedule_fault *fault);
void schedule_free(struct schedule *s);
DEFINE_FREEP(struct schedule, schedule_free)
/* Appends several lines: what is wrong, the text, a caret below the place, the hint. Control
 * characters of the text are shown as ?. No newline at the end. */
void schedule_fault_print(struct buf *out, struct slice text, const struct schedule_fault *f);

enum schedule_kind schedule_kind(const struct schedule *s);
/* The zone it is read in: the text's own or the given one. */
const struct zone *schedule_zone(const struct schedule *s);
/* The cron expression that means the same, NULL when there is none (borrowed). Without its zone. */
const char *schedule_canonical(const struct schedule *s);
/* True when next instants depend on the anchor. */
bool schedule_is_anchored(const struct schedule *s);
/* True when it never fires (0 0 31 2 *). */
bool schedule_is_never(const struct schedule *s);
/* Short plain English with a 24-hour clock: "every weekday at 09:00"; appended. Parsing it gives
 * the same schedule again. What cannot be said well is the expression itself. */
void schedule_describe(struct buf *out, const struct schedule *s);

/* How it was read and its next `count` instants after from_us, as JSON: kind, canonical,
 * description, zone, next; js_free(). */
struct js *schedule_reading(const struct schedule *s, int64_t from_us, size_t count);

/* The first occurrence after `after_us` (exclusive); false when there is none. */
bool schedule_next(const struct schedule *s, int64_t after_us, int64_t *ret_us);
/* The last one at or before `until_us`. */
bool schedule_previous(const struct schedule *s, int64_t until_us, int64_t *ret_us);
/* How many lie in (after_us, until_us]; by arithmetic, ten years of minutes in a few ms. */
int64_t schedule_count(const struct schedule *s, int64_t after_us, int64_t until_us);

#endif
