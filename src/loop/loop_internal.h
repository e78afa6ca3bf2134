/* SPDX-License-Identifier: MIT */
/* loop/loop_internal.h - what the files of this room share. */
#ifndef PYLON_LOOP_LOOP_INTERNAL_H
#define PYLON_LOOP_LOOP_INTERNAL_H

#include <systemd/sd-event.h>

#include "loop/loop.h"

/* Armed timers: a binary heap ordered by (at_mono, seq). */
struct timer_heap {
	struct timer **v;
	size_t n, size;
	uint64_t next_seq;
	/* While timers are being fired: the moment of the round; else INT64_MIN. */
	int64_t round_mono;
};

struct loop {
	sd_event *event; /* NULL: a fake loop, which has no descriptors at all */
	struct timer_heap timers;
	sd_event_source *timer_source;
	int64_t armed_mono; /* what timer_source waits for; INT64_MAX = nothing */

	struct list defers;
	sd_event_source *post_source;
	unsigned posts; /* calls of post_source in this turn */
	bool (*turn_end)(void *ctx);
	void *turn_end_ctx;
	bool is_turn_wanted; /* by the hook: one more turn at once */

	struct list signals;
	struct list step_listeners;
	struct watch step_watch;
	int step_fd;              /* -1 = not open */
	int64_t step_distance_us; /* wall clock minus mono, as told last */
	bool is_stopped;
	int result;
	int64_t lag_us;

	int64_t fake_real, fake_mono;
	int64_t real_offset_us; /* added to the wall clock by PYLON_TEST_CLOCK */
	char *test_clock_path;
	int64_t test_clock_mtime_ns;
	ino_t test_clock_inode;
	struct folder_watch *test_clock_watch;
};

/* timer.c: fires the timers that are due, except those set meanwhile; returns how many. At most
 * one when `only_one`. */
size_t timers_fire(struct loop *l, bool only_one);
/* When the next timer is due; INT64_MAX when there is none. */
int64_t timers_next(const struct loop *l);
/* Makes timer_source wait for the next timer. */
void timers_arm(struct loop *l);
/* Disarms all. */
void timers_fini(struct loop *l);

/* loop.c: runs the defers that are set now; returns how many. */
size_t defers_run(struct loop *l);
/* loop.c: calls the hook; true when it wants another turn. */
bool turn_end_call(struct loop *l);

/* fake.c: one turn of a fake loop; true when something was done. */
bool fake_turn(struct loop *l);

/* step.c: tells the listeners when the wall clock is not where it was. */
void steps_check(struct loop *l);
void steps_fini(struct loop *l);

/* clock.c */
void test_clock_init(struct loop *l);
void test_clock_check(struct loop *l);

#endif
