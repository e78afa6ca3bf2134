/* SPDX-License-Identifier: MIT */
/*
 * calendar/instant.h - wall-clock instants in text, always in UTC.
 */
#ifndef PYLON_CALENDAR_INSTANT_H
#define PYLON_CALENDAR_INSTANT_H

#include "base/str.h"

#define INSTANT_SIZE 32

/* RFC 3339 with milliseconds: 2026-11-20T09:00:00.000Z. */
void instant_print(int64_t real_us, char ret[INSTANT_SIZE]);
/* RFC 3339 and its relatives (also a date alone, a space for the T, an offset of +hh:mm); false
 * when it is none. */
bool instant_parse(struct slice text, int64_t *ret_real_us);
/* "30 sec ago", "5 min ago", "3 hours ago", "2 days ago". */
void instant_print_ago(struct buf *out, int64_t real_us, int64_t now_real_us);

#endif
