/* SPDX-License-Identifier: MIT */
/*
 * calendar/duration.h - lengths of time as text.
 *
 * The grammar is that of Go's time.ParseDuration (decimal numbers with units, "1h30m", "1.5h",
 * "300ms") plus d (24 h) and w (7 d). A bare number other than 0 is refused, white space too.
 * Results are microseconds; what is smaller is cut off.
 */
#ifndef PYLON_CALENDAR_DURATION_H
#define PYLON_CALENDAR_DURATION_H

#include "base/err.h"
#include "base/str.h"

/* 0, or -EINVAL / -ERANGE with *e naming the byte where it went wrong. */
NODISCARD int duration_parse(struct slice text, int64_t *ret_us, struct err *e);
/* Shortest form for people: "1h30m", "45s", "1.5s", "0s"; units up to hours as in Go. */
void duration_print(struct buf *out, int64_t us);

#endif
