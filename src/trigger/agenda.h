/* SPDX-License-Identifier: MIT */
/*
 * trigger/agenda.h - what is due when by the wall clock: the schedule heap.
 *
 * One timer stands for the earliest entry; between occurrences the program sleeps. Wall times are
 * turned into deadlines of CLOCK_BOOTTIME (which goes on during suspend) anew whenever the clock
 * was stepped, and at least hourly. What is due is told from the loop, never from inside a call.
 *
 * Ownership: entries are embedded in their owners, which must cancel them before they go. The
 * agenda goes before its loop, and not from inside its own events.
 */
#ifndef PYLON_TRIGGER_AGENDA_H
#define PYLON_TRIGGER_AGENDA_H

#include "loop/loop.h"

struct agenda_entry {
	int64_t due_real;
	uint64_t seq; /* equal times are due in the order they were set */
	size_t slot;  /* place in the heap + 1; 0 = not in it */
};

struct agenda;

struct agenda_events {
	/* It is due (and out of the heap): plan it and set it again. */
	void (*due)(struct agenda_entry *entry, void *ctx);
	/* The wall clock was stepped by step_us (loop_on_clock_step()): every schedule must be
	 * planned again. What is set or cancelled here is not told before. May be NULL. */
	void (*stepped)(int64_t step_us, void *ctx);
	void *ctx;
};

/* When steps cannot be heard of (no descriptor left), it says so in the log and has the hour. */
struct agenda *agenda_new(struct loop *l, const struct agenda_events *ev);
void agenda_free(struct agenda *a);
DEFINE_FREEP(struct agenda, agenda_free)

/* (Re-)enters it; what is past is due in the next turn, also when it is set by `due`. */
void agenda_set(struct agenda *a, struct agenda_entry *entry, int64_t due_real);
/* Fine when it is not in it. */
void agenda_cancel(struct agenda *a, struct agenda_entry *entry);
/* Of the earliest entry; 0 = none. */
int64_t agenda_next(const struct agenda *a);

#endif
