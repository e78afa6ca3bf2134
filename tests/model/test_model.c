/* SPDX-License-Identifier: MIT */
/*
 * The tables of model.c against a second copy of the rules, written as the text of the design has
 * them: every state against every state.
 */
#undef NDEBUG
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "cmocka.h" /* quoted: it must follow the headers above */
#include "model/model.h"

struct rule {
	const char *from, *to; /* `to`: names separated by spaces */
};

static const struct rule job_rules[] = {
	{"awaiting_approval", "queued dismissed expired cancelled"},
	{"queued", "starting failed cancelled"},
	{"starting", "running queued failed cancelled lost"},
	{"running", "completed failed timed_out cancelled lost queued"},
	{"failed", "queued"},
	{"timed_out", "queued"},
	{"lost", "queued"},
	{"cancelled", "queued"},
	{"rejected", "queued"},
	{"completed", "queued"},
	{"dismissed", ""},
	{"expired", ""},
};

static const struct rule run_rules[] = {
	{"created", "starting running stopping exited lost"},
	{"starting", "running stopping exited lost"},
	{"running", "stopping exited lost"},
	{"stopping", "exited lost"},
	{"exited", ""},
	{"lost", ""},
};

static const struct rule delivery_rules[] = {
	{"scheduled", "pending"},
	{"pending", "sending cancelled"},
	{"sending", "sent pending dead unknown"},
	{"sent", "acked"},
	{"acked", ""},
	{"dead", "pending"},
	{"unknown", "pending"},
	{"cancelled", ""},
};

static bool list_has_word(const char *words, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = strstr(words, word); p != NULL; p = strstr(p + 1, word)) {
		bool starts = p == words || p[-1] == ' ';

		if (starts && (p[n] == ' ' || p[n] == '\0'))
			return true;
	}
	return false;
}

static bool rules_allow(const struct rule *rules, size_t n, const char *from, const char *to)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(rules[i].from, from) == 0)
			return list_has_word(rules[i].to, to);
	fail_msg("the test has no rule for %s", from);
	return false;
}

static void every_job_move_is_as_written(void **state UNUSED)
{
	assert_int_equal(ARRAY_LEN(job_rules), JOB_STATES);
	for (unsigned a = 0; a < JOB_STATES; a++)
		for (unsigned b = 0; b < JOB_STATES; b++)
			assert_int_equal(
				job_may_move(a, b), rules_allow(job_rules, ARRAY_LEN(job_rules),
							    job_state_name(a), job_state_name(b)));
}

static void every_run_move_is_as_written(void **state UNUSED)
{
	assert_int_equal(ARRAY_LEN(run_rules), RUN_STATES);
	for (unsigned a = 0; a < RUN_STATES; a++)
		for (unsigned b = 0; b < RUN_STATES; b++)
			assert_int_equal(
				run_may_move(a, b), rules_allow(run_rules, ARRAY_LEN(run_rules),
							    run_state_name(a), run_state_name(b)));
}

static void every_delivery_move_is_as_written(void **state UNUSED)
{
	assert_int_equal(ARRAY_LEN(delivery_rules), DELIVERY_STATES);
	for (unsigned a = 0; a < DELIVERY_STATES; a++)
		for (unsigned b = 0; b < DELIVERY_STATES; b++)
			assert_int_equal(delivery_may_move(a, b),
				rules_allow(delivery_rules, ARRAY_LEN(delivery_rules),
					delivery_state_name(a), delivery_state_name(b)));
}

static void numbers_that_are_no_state_never_move(void **state UNUSED)
{
	for (unsigned s = 0; s < 64; s++) {
		assert_false(job_may_move(JOB_STATES, s));
		assert_false(job_may_move(s, JOB_STATES + s));
		assert_false(run_may_move(RUN_STATES, s));
		assert_false(run_may_move(s, RUN_STATES + s));
		assert_false(delivery_may_move(DELIVERY_STATES, s));
		assert_false(delivery_may_move(s, DELIVERY_STATES + s));
	}
}

static void job_names_go_there_and_back(void **state UNUSED)
{
	enum job_state s = JOB_STATES;

	for (unsigned i = 0; i < JOB_STATES; i++) {
		assert_true(job_state_from_name(job_state_name(i), &s));
		assert_int_equal(s, i);
	}
	s = JOB_LOST;
	assert_false(job_state_from_name("active", &s));
	assert_false(job_state_from_name("Queued", &s));
	assert_false(job_state_from_name("", &s));
	assert_false(job_state_from_name(NULL, &s));
	assert_int_equal(s, JOB_LOST);
}

static void run_and_delivery_names_go_there_and_back(void **state UNUSED)
{
	enum run_state r = RUN_STATES;
	enum delivery_state d = DELIVERY_STATES;

	for (unsigned i = 0; i < RUN_STATES; i++) {
		assert_true(run_state_from_name(run_state_name(i), &r));
		assert_int_equal(r, i);
	}
	for (unsigned i = 0; i < DELIVERY_STATES; i++) {
		assert_true(delivery_state_from_name(delivery_state_name(i), &d));
		assert_int_equal(d, i);
	}
	assert_false(run_state_from_name("queued", &r));
	assert_false(delivery_state_from_name(NULL, &d));
}

static void over_and_active_are_disjoint_and_complete(void **state UNUSED)
{
	static const char over[] =
		"completed failed timed_out cancelled lost dismissed expired rejected";

	for (unsigned i = 0; i < JOB_STATES; i++)
		assert_int_equal(job_is_over(i), list_has_word(over, job_state_name(i)));
	for (unsigned i = 0; i < JOB_STATES; i++)
		assert_int_equal(job_is_active(i), i == JOB_STARTING || i == JOB_RUNNING);
	for (unsigned i = 0; i < RUN_STATES; i++)
		assert_int_equal(run_is_over(i), i == RUN_EXITED || i == RUN_LOST);
	assert_false(job_is_over(JOB_STATES));
}

static void a_record_is_empty_after_fini_and_fini_may_be_repeated(void **state UNUSED)
{
	struct job j = {.pylon = xstrdup("p"), .error = xstrdup("e"), .seq = 3};
	struct run r = {.handle = xstrdup("h"), .attempt = 2};
	struct turn t = {.text = xstrdup("t"), .session_id = xstrdup("s"), .by = xstrdup("b")};
	struct delivery d = {.message = xstrdup("{}"), .attempt = 1};
	struct event_record e = {.body = xstrdup("{}"), .body_n = 2};

	for (int i = 0; i < 2; i++) {
		job_fini(&j);
		run_fini(&r);
		turn_fini(&t);
		delivery_fini(&d);
		event_record_fini(&e);
	}
	assert_null(j.pylon);
	assert_int_equal(j.seq, 0);
	assert_null(r.handle);
	assert_null(t.text);
	assert_null(t.session_id);
	assert_null(t.by);
	assert_null(d.message);
	assert_null(e.body);
	assert_int_equal(e.body_n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_job_move_is_as_written),
		cmocka_unit_test(every_run_move_is_as_written),
		cmocka_unit_test(every_delivery_move_is_as_written),
		cmocka_unit_test(numbers_that_are_no_state_never_move),
		cmocka_unit_test(job_names_go_there_and_back),
		cmocka_unit_test(run_and_delivery_names_go_there_and_back),
		cmocka_unit_test(over_and_active_are_disjoint_and_complete),
		cmocka_unit_test(a_record_is_empty_after_fini_and_fini_may_be_repeated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
