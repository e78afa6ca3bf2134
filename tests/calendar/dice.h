/* SPDX-License-Identifier: MIT */
/*
 * tests/calendar/dice.h - random choices that can be repeated, and random cron expressions.
 */
#ifndef PYLON_TESTS_CALENDAR_DICE_H
#define PYLON_TESTS_CALENDAR_DICE_H

#include "base/str.h"

struct dice {
	uint64_t state;
};

/* Takes the seed from that environment variable, else a fresh one, and prints it with the
 * variable's name: a failure can be had again. */
void dice_start(struct dice *d, const char *variable);
uint64_t dice_next(struct dice *d);
/* 0 to n-1; n > 0. */
size_t dice_below(struct dice *d, size_t n);
int64_t dice_between(struct dice *d, int64_t min, int64_t max);
/* True in `percent` of 100 throws. */
bool dice_chance(struct dice *d, unsigned percent);

/* Appends a valid expression; one that never fires is rare. Night hours and whole days are more
 * likely than others: there the clocks change. */
void dice_expression(struct dice *d, struct buf *out);

#endif
