/* SPDX-License-Identifier: MIT */
/*
 * store/go_time.h - timestamps as the Go program left them in its databases. For migrate.c and for
 * the fuzz target; not a public header of the room.
 */
#ifndef PYLON_STORE_GO_TIME_H
#define PYLON_STORE_GO_TIME_H

#include "base/str.h"

/* Reads one timestamp: "YYYY-MM-DD HH:MM:SS" with a space or T between, then optionally a fraction
 * of any length, an offset (Z, +-HH, +-HHMM or +-HH:MM), a zone's abbreviation and Go's monotonic
 * reading "m=+1.5"; without an offset it is UTC. Or an integer: seconds, or by its size milli-,
 * micro- or nanoseconds since 1970. False when it is none of these. *ret is in microseconds; what
 * lies before 1970 (Go's zero time is the year 1) becomes 0. */
bool go_time_parse(struct slice text, int64_t *ret);
/* The same for a number. */
int64_t go_time_from_int(int64_t v);

#endif
