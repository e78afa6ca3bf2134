/* SPDX-License-Identifier: MIT */
/* tests/loop/test_clock.c - the wall clock that e2e tests can move. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "cmocka.h" /* quoted: it must follow the headers above */
#include "lib/scratch.h"
#include "loop/loop.h"

static void do_nothing(void *ctx)
{
	(void)ctx;
}

/* How far the wall clock of a loop is from the machine's, in whole seconds. */
static int64_t offset_of(const struct loop *l, const struct loop *straight)
{
	int64_t us = loop_real(l) - loop_real(straight);

	return (us + (us < 0 ? -US_PER_SEC : US_PER_SEC) / 2) / US_PER_SEC;
}

static void turn(struct loop *l)
{
	struct defer d;

	defer_init(&d, l, do_nothing, NULL);
	defer_set(&d);
	assert_true(loop_turn(l, US_PER_SEC) > 0);
}

/* Writes the file with a time of change of its own, as the next write a moment later has. */
static void set_file(struct scratch *s, const char *content, int stamp)
{
	const char *path = scratch_file(s, "clock", content);
	struct timespec times[2] = {{.tv_sec = 1000 + stamp}, {.tv_sec = 1000 + stamp}};

	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void test_clock_moves_the_wall_clock_only(void **state)
{
	CLEANUP(loop_freep) struct loop *straight = loop_new(NULL);
	CLEANUP(loop_freep) struct loop *l = NULL;
	int64_t mono;

	set_file(*state, "86400\n", 0);
	assert_int_equal(setenv("PYLON_TEST_CLOCK", scratch_path(*state, "clock"), 1), 0);
	l = loop_new(NULL);
	assert_int_equal(unsetenv("PYLON_TEST_CLOCK"), 0);
	mono = loop_mono(l);
	assert_true(mono - loop_mono(straight) < US_PER_SEC);
#ifdef PYLON_TEST_HOOKS
	assert_int_equal(offset_of(l, straight), 86400);
	set_file(*state, "-3600", 1);
	assert_int_equal(offset_of(l, straight), 86400);
	turn(l);
	assert_int_equal(offset_of(l, straight), -3600);
	/* Not read again while it has not changed, and what is no number changes nothing. */
	set_file(*state, "0", 1);
	turn(l);
	assert_int_equal(offset_of(l, straight), -3600);
	set_file(*state, "", 2);
	turn(l);
	set_file(*state, "soon", 3);
	turn(l);
	set_file(*state, "100000000001", 4);
	turn(l);
	assert_int_equal(offset_of(l, straight), -3600);
	set_file(*state, " +7 ", 5);
	turn(l);
	assert_int_equal(offset_of(l, straight), 7);
#else
	turn(l);
	assert_int_equal(offset_of(l, straight), 0);
#endif
}

static void missing_test_clock_changes_nothing(void **state)
{
	CLEANUP(loop_freep) struct loop *straight = loop_new(NULL);
	CLEANUP(loop_freep) struct loop *l = NULL;

	assert_int_equal(setenv("PYLON_TEST_CLOCK", scratch_path(*state, "none"), 1), 0);
	l = loop_new(NULL);
	assert_int_equal(unsetenv("PYLON_TEST_CLOCK"), 0);
	turn(l);
	assert_int_equal(offset_of(l, straight), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_clock_moves_the_wall_clock_only),
		TEST(missing_test_clock_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
