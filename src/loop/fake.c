/* SPDX-License-Identifier: MIT */
/*
 * loop/fake.c - the loop of tests: no descriptors, and a clock that stands still until told.
 *
 * It goes through the same steps as the real one: defers, one timer, the end-of-turn hook. A test
 * whose callbacks never come to rest is ended instead of running for ever.
 */
#include "loop/loop_internal.h"

/* Turns without the clock moving; far above what any test needs. */
#define TURNS_MAX 1000000

/* Not 0, so that "an hour ago" is still a positive time. */
#define FAKE_MONO_START INT64_C(86400000000)

struct loop *loop_new_fake(int64_t real_us)
{
	struct loop *l = xcalloc(1, sizeof(*l));

	list_init(&l->defers);
	list_init(&l->signals);
	list_init(&l->step_listeners);
	l->step_fd = -1;
	l->timers.round_mono = INT64_MIN;
	l->armed_mono = INT64_MAX;
	l->fake_real = real_us;
	l->fake_mono = FAKE_MONO_START;
	return l;
}

bool fake_turn(struct loop *l)
{
	bool was_wanted = l->is_turn_wanted;
	size_t count = defers_run(l);

	count += timers_fire(l, true);
	l->is_turn_wanted = turn_end_call(l);
	return count > 0 || was_wanted || l->is_turn_wanted;
}

void loop_settle(struct loop *l)
{
	unsigned turns = 0;

	must(l->event == NULL);
	while (fake_turn(l))
		must(++turns < TURNS_MAX);
}

void loop_advance(struct loop *l, int64_t us)
{
	int64_t target;

	must(l->event == NULL && us >= 0 && !__builtin_add_overflow(l->fake_mono, us, &target));
	for (;;) {
		int64_t next;

		loop_settle(l);
		next = MIN_OF(timers_next(l), target);
		l->fake_real += next - l->fake_mono;
		l->fake_mono = next;
		if (next == target)
			break;
	}
	loop_settle(l);
}

void loop_step_clock(struct loop *l, int64_t us)
{
	must(l->event == NULL && !__builtin_add_overflow(l->fake_real, us, &l->fake_real));
	steps_check(l);
}
