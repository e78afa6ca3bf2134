/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/str.h"
#include "cmocka.h" /* quoted: it must follow the headers above */
#include "lib/scratch.h"

#ifdef PYLON_TEST_HOOKS
static void pass_three_times(void *ctx)
{
	CHILD_CHECK(setenv("PYLON_FAILPOINT", ctx, 1) == 0);
	(void)close(STDERR_FILENO);
	failpoint_setup();
	failpoint(FP_claim_before);
	for (unsigned i = 0; i < 3; i++)
		failpoint(FP_accept_after);
}

static int outcome(char *setting)
{
	return scratch_fork(pass_three_times, setting);
}

static void process_dies_at_the_chosen_passage(void **state)
{
	char third[] = "accept_after:3", fourth[] = "accept_after:4", other[] = "claim_before:1";

	(void)state;
	assert_int_equal(WTERMSIG(outcome(third)), SIGKILL);
	assert_int_equal(WTERMSIG(outcome(other)), SIGKILL);
	assert_int_equal(outcome(fourth), 0);
}

static void unknown_setting_ends_the_process(void **state)
{
	char none[] = "", unknown[] = "nowhere:1", zero[] = "accept_after:0";
	char bare[] = "accept_after", prefix[] = "accept:1", letters[] = "accept_after:x";
	char *bad[] = {unknown, zero, bare, prefix, letters};

	(void)state;
	assert_int_equal(outcome(none), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(WEXITSTATUS(outcome(bad[i])), 2);
}

static void names_can_be_walked(void **state)
{
	(void)state;
	assert_string_equal(failpoint_name(0), "accept_before");
	assert_string_equal(failpoint_name(FP_answer_after), "answer_after");
	assert_non_null(failpoint_name(FP_COUNT - 1));
	assert_null(failpoint_name(FP_COUNT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(process_dies_at_the_chosen_passage),
		cmocka_unit_test(unknown_setting_ends_the_process),
		cmocka_unit_test(names_can_be_walked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
static void without_test_hooks_there_are_none(void **state)
{
	(void)state;
	failpoint(FP_accept_before);
	assert_null(failpoint_name(0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_test_hooks_there_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
