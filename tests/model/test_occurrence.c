/* SPDX-License-Identifier: MIT */
/* tests/model/test_occurrence.c - the words of schedules, which files and databases hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "cmocka.h" /* quoted: it must follow the headers above */
#include "model/occurrence.h"

static void catch_up_words_are_those_of_the_configuration(void **state)
{
	static const char *const words[] = {"none", "last", "all"};
	enum catch_up c;

	(void)state;
	assert_int_equal(ARRAY_LEN(words), CATCH_UPS);
	for (unsigned i = 0; i < CATCH_UPS; i++) {
		assert_string_equal(catch_up_name((enum catch_up)i), words[i]);
		assert_true(catch_up_from_name(words[i], &c));
		assert_int_equal(c, i);
	}
}

static void overlap_words_are_those_of_the_configuration(void **state)
{
	static const char *const words[] = {
		"skip", "queue_one", "queue_all", "cancel_previous", "allow"};
	enum overlap o;

	(void)state;
	assert_int_equal(ARRAY_LEN(words), OVERLAPS);
	for (unsigned i = 0; i < OVERLAPS; i++) {
		assert_string_equal(overlap_name((enum overlap)i), words[i]);
		assert_true(overlap_from_name(words[i], &o));
		assert_int_equal(o, i);
	}
}

static void outcome_words_are_those_of_the_interface(void **state)
{
	static const char *const words[] = {"ran", "ran_late", "skipped_overlap",
		"skipped_catch_up", "skipped_disabled", "skipped_limit", "failed_to_start"};
	enum occurrence_outcome o;

	(void)state;
	assert_int_equal(ARRAY_LEN(words), OCCURRENCE_OUTCOMES);
	for (unsigned i = 0; i < OCCURRENCE_OUTCOMES; i++) {
		assert_string_equal(occurrence_outcome_name((enum occurrence_outcome)i), words[i]);
		assert_true(occurrence_outcome_from_name(words[i], &o));
		assert_int_equal(o, i);
	}
}

static void other_words_are_refused_and_change_nothing(void **state)
{
	static const char *const words[] = {
		NULL, "", "None", "las", "last ", "skipped", "ran_", "0"};
	enum catch_up c = CATCH_UP_ALL;
	enum overlap o = OVERLAP_ALLOW;
	enum occurrence_outcome outcome = OCCURRENCE_FAILED_TO_START;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		assert_false(catch_up_from_name(words[i], &c));
		assert_false(overlap_from_name(words[i], &o));
		assert_false(occurrence_outcome_from_name(words[i], &outcome));
	}
	assert_int_equal(c, CATCH_UP_ALL);
	assert_int_equal(o, OVERLAP_ALLOW);
	assert_int_equal(outcome, OCCURRENCE_FAILED_TO_START);
}

static void rows_free_what_they_own_and_are_empty_then(void **state)
{
	struct occurrence o = {.schedule = xstrdup("trigger"), .note = xstrdup("why"), .count = 3};
	struct schedule_state s = {.spec = xstrdup("0 9 * * * UTC"), .epoch = 2};

	(void)state;
	occurrence_fini(&o);
	assert_null(o.schedule);
	assert_null(o.note);
	assert_int_equal(o.count, 0);
	occurrence_fini(&o);
	schedule_state_fini(&s);
	assert_null(s.spec);
	assert_int_equal(s.epoch, 0);
	schedule_state_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(catch_up_words_are_those_of_the_configuration),
		cmocka_unit_test(overlap_words_are_those_of_the_configuration),
		cmocka_unit_test(outcome_words_are_those_of_the_interface),
		cmocka_unit_test(other_words_are_refused_and_change_nothing),
		cmocka_unit_test(rows_free_what_they_own_and_are_empty_then),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
