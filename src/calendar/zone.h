/* SPDX-License-Identifier: MIT */
/*
 * calendar/zone.h - time zones from the system's TZif files (RFC 9636, versions 1-4).
 *
 * A zone is read once and then immutable; after the last transition in the file its POSIX footer
 * rules, as in the RFC, for ever. Names are those of the IANA database ("Europe/Berlin"), looked
 * up below $TZDIR or /usr/share/zoneinfo; "UTC" needs no file. Seconds here are seconds since 1970
 * without leap seconds; "right/" zones (with leap seconds) are refused.
 *
 * Ownership: zone_load() gives a counted reference; zone_unref() the last one frees it. All who
 * hold a zone of one name share it, unless its file has changed in between: then the next
 * zone_load() gives a new one, and the old one stays as it is.
 */
#ifndef PYLON_CALENDAR_ZONE_H
#define PYLON_CALENDAR_ZONE_H

#include "base/err.h"
#include "base/str.h"
#include "calendar/civil.h"

struct zone;

/* NULL with *e: no such zone (with a hint to the nearest name when only its case is wrong), an
 * unsafe name (absolute, "..", empty), or a file that is none. */
struct zone *zone_load(const char *name, struct err *e);
/* From the bytes of a TZif file (at most 64 KiB), for tests and fuzzing. */
struct zone *zone_parse(const char *name, const void *bytes, size_t n, struct err *e);
/* A fixed offset, east positive, from above -25 h to below 26 h; its name is "UTC" or "+05:30".
 * For the zones that moments may name by letters. */
struct zone *zone_fixed(int offset_s);
struct zone *zone_ref(struct zone *z);
void zone_unref(struct zone *z);
static inline void zone_unrefp(struct zone **z)
{
	zone_unref(*z);
}

const char *zone_name(const struct zone *z);
/* Path of the file it came from, NULL = none (UTC, fixed). */
const char *zone_path(const struct zone *z);
/* The machine's own zone: $TZ when it names one, else what /etc/localtime links to, else UTC;
 * heap. */
char *zone_system_name(void);

/* Seconds east of UTC at an instant; *ret_is_dst and *ret_abbreviation may be NULL. */
int zone_offset(
	const struct zone *z, int64_t at_s, bool *ret_is_dst, const char **ret_abbreviation);
struct civil zone_civil(const struct zone *z, int64_t at_s);

/* What instants show a given wall time. */
enum zone_match {
	ZONE_ONCE, /* exactly one: first == second */
	ZONE_GAP, /* none: a clock jumped over it. first = the first instant after the gap, second =
		   * the wall time moved forward by the length of the gap */
	ZONE_TWICE, /* two: first and second pass */
};

struct zone_instants {
	enum zone_match match;
	int64_t first, second;
};

/* Also right when a whole day is skipped (Apia, 2011-12-30) and for transitions at midnight. */
struct zone_instants zone_instants_of(const struct zone *z, int64_t wall_s);

/* The next instant after at_s at which the offset changes; false when it never does again (within
 * YEAR_MAX). */
bool zone_next_change(const struct zone *z, int64_t at_s, int64_t *ret_s);
/* The last one at or before at_s. */
bool zone_previous_change(const struct zone *z, int64_t at_s, int64_t *ret_s);

#endif
