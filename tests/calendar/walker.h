/* SPDX-License-Identifier: MIT */
/*
 * tests/calendar/walker.h - when does a cron expression fire? The slow way.
 *
 * It walks along real time and looks at the C library's clock (localtime_r, so the environment's TZ
 * is the zone), with a parser and a calendar of its own: nothing in it comes from src/calendar, so
 * that both can only be wrong together by chance. It wants valid expressions and instants from 1975
 * on, when all clocks are whole minutes from UTC.
 */
#ifndef PYLON_TESTS_CALENDAR_WALKER_H
#define PYLON_TESTS_CALENDAR_WALKER_H

#include <stddef.h>
#include <stdint.h>

#define WALK_DAYS 400

/* The first instants (at most max) in (after_s, after_s + WALK_DAYS], their number returned. */
size_t walk(const char *expression, int64_t after_s, int64_t *ret_s, size_t max);

#endif
