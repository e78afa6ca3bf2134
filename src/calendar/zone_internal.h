/* SPDX-License-Identifier: MIT */
/*
 * calendar/zone_internal.h - what a zone is made of; for zone*.c only.
 */
#ifndef PYLON_CALENDAR_ZONE_INTERNAL_H
#define PYLON_CALENDAR_ZONE_INTERNAL_H

#include <sys/stat.h>

#include "base/limits.h"
#include "calendar/zone.h"

/* RFC 9636 section 3.2 recommends that offsets stay within -25 h and +26 h, exclusive; we insist,
 * so that a wall time is never further than this from its instants. */
enum {
	ZONE_OFFSET_MIN = -25 * 3600,
	ZONE_OFFSET_MAX = 26 * 3600,
};

#define ZONE_ABBREVIATION_MAX 32
#define ZONE_NAME_MAX         64      /* bytes; the longest of IANA has 32 */
#define ZONE_FILE_MAX         KIB(64) /* the largest of Debian has 4 KiB */

/* One day of each year (POSIX.1-2017, XBD 8.3). */
struct rule_date {
	enum { RULE_JULIAN, RULE_DAY, RULE_WEEKDAY } kind;
	int month;  /* RULE_WEEKDAY: 1-12 */
	int week;   /* RULE_WEEKDAY: 1-5, 5 = the last */
	int day;    /* Jn: 1-365, never 29 February; n: 0-365; RULE_WEEKDAY: 0-6, 0 = Sunday */
	int time_s; /* wall time of that day, -167 h to 167 h */
};

/* A parsed TZ string: what is true after the last transition of a file. */
struct zone_rule {
	int standard_offset, dst_offset; /* seconds east */
	bool has_dst;
	char standard_name[ZONE_ABBREVIATION_MAX], dst_name[ZONE_ABBREVIATION_MAX];
	struct rule_date start, end;
};

/* -EINVAL with *e when it is not exactly one TZ string. */
NODISCARD int zone_rule_parse(struct zone_rule *ret, struct slice text, struct err *e);
bool zone_rule_is_dst(const struct zone_rule *r, int64_t at_s);
int zone_rule_offset(const struct zone_rule *r, int64_t at_s);
/* The first instant after at_s (the last one at or before it) at which the offset changes; false
 * when there is none within 400 years, after which all repeats. */
bool zone_rule_next(const struct zone_rule *r, int64_t at_s, int64_t *ret_s);
bool zone_rule_previous(const struct zone_rule *r, int64_t at_s, int64_t *ret_s);

struct zone_type {
	int32_t offset;
	bool is_dst;
	uint8_t abbreviation; /* index into the abbreviations */
};

/* What a TZif file says. */
struct zone_data {
	size_t n;                /* transitions, ascending */
	int64_t *at;             /* instants */
	uint8_t *after;          /* the type from then on */
	struct zone_type *types; /* at least one; the first is true before all transitions */
	char *abbreviations;
	struct zone_rule *rule; /* true from the last transition on; NULL = the last type stays */
};

/* -EINVAL with *e; *ret is untouched then. */
NODISCARD int zone_data_parse(
	struct zone_data *ret, const unsigned char *bytes, size_t n, struct err *e);
void zone_data_fini(struct zone_data *d);

/* Which file it was, and which state of it: nothing about a file changes without its change time,
 * but that is as coarse as the kernel's tick. */
struct zone_file_id {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed;
};

struct zone {
	unsigned refs;
	char *name;
	char *path; /* NULL = none */
	struct zone_data data;
	struct zone_file_id id; /* of path */
	struct list loaded;     /* in the list of zone_load.c, or alone */
};

/* One reference; data is taken over. */
struct zone *zone_new_take(const char *name, struct zone_data *data);

#endif
