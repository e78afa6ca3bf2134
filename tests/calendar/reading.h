/* SPDX-License-Identifier: MIT */
/*
 * tests/calendar/reading.h - schedules from texts, and instants as text, for the tests of
 * schedules.
 */
#ifndef PYLON_TESTS_CALENDAR_READING_H
#define PYLON_TESTS_CALENDAR_READING_H

#include "calendar/schedule.h"

#define NOW    "2026-04-28T14:15:00Z" /* a Tuesday */
#define US     INT64_C(1000000)
#define DAY_US (INT64_C(86400) * US)

/* Microseconds of an instant like NOW. */
int64_t us_of(const char *instant);
/* A place as a zone; fails the test when there is none. */
struct zone *place(const char *name);

/* Reads a text; fails the test when it is refused. schedule_free() it. */
struct schedule *read_at(const char *text, const char *zone, const char *now);
/* The same, with what is wanted, and 0 or -EINVAL as the answer. */
int read_as(const char *text, enum schedule_want want, struct schedule_fault *fault);
/* The fault of a text that must be refused, read in UTC at NOW. */
struct schedule_fault refusal(const char *text);

/* The next instants of a text as "2026-05-04T09:00:00Z ..."; free() it. */
char *nexts_of(const char *text, const char *zone, const char *now, int count);
/* Fails the test unless these are the next instants. */
void fires_at(const char *text, const char *zone, const char *now, const char *instants);
/* Fails the test unless both fire alike (same cron expression, same 20 instants). */
void same_schedule(const struct schedule *a, const struct schedule *b, int64_t from_us);
/* next, previous and count must tell one story, for so many occurrences after from_us. */
void one_story(const struct schedule *s, int64_t from_us, int occurrences);

#endif
