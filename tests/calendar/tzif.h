/* SPDX-License-Identifier: MIT */
/*
 * tests/calendar/tzif.h - TZif files as tests want them, right or wrong.
 */
#ifndef PYLON_TESTS_CALENDAR_TZIF_H
#define PYLON_TESTS_CALENDAR_TZIF_H

#include "calendar/zone.h"

struct tzif_type {
	int32_t offset;
	uint8_t is_dst;
	uint8_t abbreviation; /* index */
};

struct tzif {
	char version; /* 0, '2', '3' ... */
	size_t n;     /* transitions */
	const int64_t *at;
	const uint8_t *after;
	size_t type_count;
	const struct tzif_type *types;
	const char *abbreviations; /* with NULs between, and the last one's */
	size_t abbreviations_n;
	const char *footer; /* TZ string; NULL = no footer at all */
	/* What a header may claim beside that; the bytes follow as zeros. */
	uint32_t isutcnt, isstdcnt, leapcnt;
	bool is_fat; /* from version 2 on: the first block is full, too */
};

/* Appends the bytes of the file. */
void tzif_write(struct buf *out, const struct tzif *t);
/* The zone "Test/Zone" of such a file, as zone_parse(). */
struct zone *tzif_zone(const struct tzif *t, struct err *e);
/* A zone of which only the TZ string speaks. */
struct zone *tzif_zone_of_rule(const char *rule, struct err *e);

/* One hour east, two from 1000000 to 2000000: what tests vary. */
extern const struct tzif tzif_two;

#endif
