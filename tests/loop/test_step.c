/* SPDX-License-Identifier: MIT */
/*
 * tests/loop/test_step.c - who hears that the wall clock was stepped.
 *
 * The machine's own clock is not touched: what the kernel would tell is only that it is time to
 * measure, and what is measured is moved by a fake clock or by the file of test builds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "base/limits.h"
#include "cmocka.h" /* quoted: it must follow the headers above */
#include "lib/scratch.h"
#include "loop/loop.h"

#define REAL_START INT64_C(1795165200000000)
#define HOUR       (3600 * US_PER_SEC)
/* No test waits this long unless it fails. */
#define PATIENCE (5 * US_PER_SEC)

struct listener {
	struct loop *l;
	unsigned calls;
	int64_t step_us; /* the last one */
	struct listener *other;
};

static void hear(int64_t step_us, void *ctx)
{
	struct listener *h = ctx;

	h->calls++;
	h->step_us = step_us;
}

static void listen_to(struct loop *l, struct listener *h)
{
	struct err e = CLEAN_ERR;

	h->l = l;
	if (loop_on_clock_step(l, hear, h, &e) < 0)
		fail_msg("%s", e.text);
}

static void step_moves_only_the_wall_clock_and_is_told(void **state)
{
	CLEANUP(loop_freep) struct loop *l = loop_new_fake(REAL_START);
	struct listener h[2] = {0};
	int64_t mono = loop_mono(l);

	(void)state;
	listen_to(l, &h[0]);
	listen_to(l, &h[1]);
	loop_step_clock(l, 4 * HOUR);
	assert_int_equal(loop_real(l), REAL_START + 4 * HOUR);
	assert_int_equal(loop_mono(l), mono);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(h[i].calls, 1);
		assert_int_equal(h[i].step_us, 4 * HOUR);
	}
	loop_step_clock(l, -48 * HOUR);
	assert_int_equal(loop_real(l), REAL_START - 44 * HOUR);
	assert_int_equal(h[1].calls, 2);
	assert_int_equal(h[1].step_us, -48 * HOUR);
}

static void time_that_passes_is_no_step(void **state)
{
	CLEANUP(loop_freep) struct loop *l = loop_new_fake(REAL_START);
	struct listener h = {0};

	(void)state;
	listen_to(l, &h);
	loop_advance(l, 100 * HOUR);
	loop_step_clock(l, 0);
	assert_int_equal(h.calls, 0);
}

static void only_a_second_or_more_is_told(void **state)
{
	static const struct {
		int64_t us;
		unsigned calls;
	} cases[] = {
		{US_PER_SEC - 1, 0},
		{US_PER_SEC, 1},
		{US_PER_SEC + 1, 1},
		{-US_PER_SEC + 1, 0},
		{-US_PER_SEC, 1},
		{-US_PER_SEC - 1, 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(loop_freep) struct loop *l = loop_new_fake(REAL_START);
		struct listener h = {0};

		listen_to(l, &h);
		loop_step_clock(l, cases[i].us);
		assert_int_equal(h.calls, cases[i].calls);
		assert_int_equal(h.step_us, cases[i].calls == 0 ? 0 : cases[i].us);
	}
}

static void small_steps_add_up(void **state)
{
	CLEANUP(loop_freep) struct loop *l = loop_new_fake(REAL_START);
	struct listener h = {0};

	(void)state;
	/* What was before the first listener is not its business. */
	loop_step_clock(l, 900 * US_PER_MS);
	listen_to(l, &h);
	loop_step_clock(l, 600 * US_PER_MS);
	assert_int_equal(h.calls, 0);
	loop_step_clock(l, 600 * US_PER_MS);
	assert_int_equal(h.calls, 1);
	assert_int_equal(h.step_us, 1200 * US_PER_MS);
	/* Counting begins anew, and to and fro is nothing. */
	loop_step_clock(l, 900 * US_PER_MS);
	loop_step_clock(l, -1800 * US_PER_MS);
	assert_int_equal(h.calls, 1);
	loop_step_clock(l, -100 * US_PER_MS);
	assert_int_equal(h.calls, 2);
	assert_int_equal(h.step_us, -US_PER_SEC);
}

static void listener_that_left_hears_nothing(void **state)
{
	CLEANUP(loop_freep) struct loop *l = loop_new_fake(REAL_START);
	struct listener h[2] = {0};

	(void)state;
	loop_off_clock_step(l, hear, &h[0]);
	listen_to(l, &h[0]);
	listen_to(l, &h[1]);
	loop_off_clock_step(l, hear, &h[0]);
	loop_off_clock_step(l, hear, &h[0]);
	loop_step_clock(l, HOUR);
	assert_int_equal(h[0].calls, 0);
	assert_int_equal(h[1].calls, 1);
}

static void leave_and_bring_another(int64_t step_us, void *ctx)
{
	struct listener *h = ctx;

	hear(step_us, h);
	loop_off_clock_step(h->l, leave_and_bring_another, h);
	loop_off_clock_step(h->l, hear, h->other);
	listen_to(h->l, h->other);
}

static void listener_may_leave_and_bring_another_while_it_hears(void **state)
{
	CLEANUP(loop_freep) struct loop *l = loop_new_fake(REAL_START);
	struct listener other = {0}, h = {.l = l, .other = &other};

	(void)state;
	assert_int_equal(loop_on_clock_step(l, leave_and_bring_another, &h, NULL), 0);
	listen_to(l, &other);
	loop_step_clock(l, HOUR);
	assert_int_equal(h.calls, 1);
	loop_step_clock(l, HOUR);
	assert_int_equal(h.calls, 1);
	assert_int_equal(other.calls, 2);
}

static void clock_of_the_machine_that_is_left_alone_is_silent(void **state)
{
	CLEANUP(loop_freep) struct loop *l = loop_new(NULL);
	struct listener h[2] = {0};

	(void)state;
	listen_to(l, &h[0]);
	listen_to(l, &h[1]);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(loop_turn(l, 1000), 0);
	assert_int_equal(h[0].calls + h[1].calls, 0);
}

#ifdef PYLON_TEST_HOOKS
/* Nothing else happens in the loop: only the file can wake it up. */
static void wait_for_step(struct loop *l, const struct listener *h, unsigned calls)
{
	while (h->calls < calls)
		assert_true(loop_turn(l, PATIENCE) > 0);
	assert_int_equal(h->calls, calls);
}

/* Replaces the file in one go, as a test's driver does. */
static void move_file_in(struct scratch *s, const char *content)
{
	CLEANUP(freep) char *from = xstrdup(scratch_file(s, "clock.new", content));

	assert_int_equal(rename(from, scratch_path(s, "clock")), 0);
}

static bool is_about(int64_t us, int64_t expected)
{
	return us > expected - US_PER_SEC && us < expected + US_PER_SEC;
}

static void sleeping_loop_hears_that_the_test_clock_was_written(void **state)
{
	CLEANUP(loop_freep) struct loop *l = NULL;
	struct listener h = {0};
	int64_t real;

	assert_int_equal(setenv("PYLON_TEST_CLOCK", scratch_path(*state, "clock"), 1), 0);
	l = loop_new(NULL);
	assert_int_equal(unsetenv("PYLON_TEST_CLOCK"), 0);
	listen_to(l, &h);
	real = loop_real(l);
	move_file_in(*state, "14400");
	wait_for_step(l, &h, 1);
	assert_true(is_about(h.step_us, 4 * HOUR));
	assert_true(loop_real(l) >= real + 4 * HOUR);
	move_file_in(*state, "-3600");
	wait_for_step(l, &h, 2);
	assert_true(is_about(h.step_us, -5 * HOUR));
	assert_true(loop_real(l) < real);
}

static void another_file_beside_the_test_clock_is_no_step(void **state)
{
	CLEANUP(loop_freep) struct loop *l = NULL;
	struct listener h = {0};

	(void)scratch_file(*state, "clock", "100");
	assert_int_equal(setenv("PYLON_TEST_CLOCK", scratch_path(*state, "clock"), 1), 0);
	l = loop_new(NULL);
	assert_int_equal(unsetenv("PYLON_TEST_CLOCK"), 0);
	listen_to(l, &h);
	(void)scratch_file(*state, "other", "14400");
	while (loop_turn(l, 0) > 0)
		;
	assert_int_equal(h.calls, 0);
}
#endif

#define SCRATCH(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(step_moves_only_the_wall_clock_and_is_told),
		cmocka_unit_test(time_that_passes_is_no_step),
		cmocka_unit_test(only_a_second_or_more_is_told),
		cmocka_unit_test(small_steps_add_up),
		cmocka_unit_test(listener_that_left_hears_nothing),
		cmocka_unit_test(listener_may_leave_and_bring_another_while_it_hears),
		cmocka_unit_test(clock_of_the_machine_that_is_left_alone_is_silent),
#ifdef PYLON_TEST_HOOKS
		SCRATCH(sleeping_loop_hears_that_the_test_clock_was_written),
		SCRATCH(another_file_beside_the_test_clock_is_no_step),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
