/* SPDX-License-Identifier: MIT */
/*
 * test_recover.c - what a new process makes of what a dead one left: nothing is running by rumour.
 */
#include "engine/world.h"

#define CONFIG "version: 1\ndocker:\n  max_concurrent: 2\ndefaults:\n  channel:\n    type: stdout\n"

#define PYLON                                                                                      \
	"name: hook\ncreated: 2026-01-01T00:00:00Z\n"                                              \
	"trigger:\n  type: webhook\n  path: /hook\n  secret: s3cret\n"                             \
	"  signature_header: X-Hub-Signature-256\n"                                                \
	"workspace:\n  type: none\nchannel:\n  type: stdout\nagent:\n  type: mock\n"               \
	"  prompt: hi\n  timeout: 60s\n"

/* The survey of the next start finds the container of that run. */
static void leave_container(struct world *w, const struct fake_run *r, const char *state)
{
	w->runner.found[0] = (struct runner_found){
		.run_id = r->run_id, .job_id = r->job_id, .container_id = "c0ffee", .state = state};
	w->runner.found_n = 1;
}

static void post_one(struct world *w, char id[40])
{
	world_open(w, CONFIG, PYLON);
	world_post(w, "d-1", "{}");
	(void)str_copy(id, 40, w->answer.job_id);
}

static void a_running_container_is_adopted_and_finished_once(void **state UNUSED)
{
	struct world w;
	struct job j = {0};
	char id[40];

	post_one(&w, id);
	world_started(&w, 0);
	leave_container(&w, world_run(&w, 0), "running");
	world_crash(&w);
	world_restart(&w);
	assert_int_equal(w.runner.n, 1);
	assert_true(world_run(&w, 0)->is_adopted);
	world_assert_state(&w, id, JOB_RUNNING);
	world_exited(&w, 0, 0);
	assert_int_equal(world_job(&w, id, &j), JOB_COMPLETED);
	assert_int_equal(j.attempt, 1);
	job_fini(&j);
	assert_int_equal(w.channel.n, 1);
	world_close(&w);
}

static void a_container_that_died_before_its_start_was_recorded_is_adopted_too(void **state UNUSED)
{
	struct world w;
	char id[40];

	post_one(&w, id);
	leave_container(&w, world_run(&w, 0), "created");
	world_crash(&w);
	world_restart(&w);
	assert_true(world_run(&w, 0)->is_adopted);
	world_started(&w, 0);
	world_assert_state(&w, id, JOB_RUNNING);
	world_close(&w);
}

static void a_run_that_ended_before_its_start_was_recorded_is_finished(void **state UNUSED)
{
	struct world w;
	struct job j = {0};
	char id[40];

	post_one(&w, id);
	leave_container(&w, world_run(&w, 0), "exited");
	world_crash(&w);
	world_restart(&w);
	assert_true(world_run(&w, 0)->is_adopted);
	world_exited(&w, 0, 0);
	assert_int_equal(world_job(&w, id, &j), JOB_COMPLETED);
	assert_true(j.started_at > 0);
	job_fini(&j);
	world_close(&w);
}

static void a_claim_without_a_container_is_queued_again_on_the_record(void **state UNUSED)
{
	struct world w;
	struct job j = {0};
	char id[40];

	post_one(&w, id);
	world_crash(&w);
	world_restart(&w);
	assert_int_equal(w.runner.n, 1);
	assert_false(world_run(&w, 0)->is_adopted);
	assert_int_equal(world_job(&w, id, &j), JOB_STARTING);
	assert_int_equal(j.attempt, 2);
	assert_int_equal(j.failures, 0);
	job_fini(&j);
	world_close(&w);
}

static void a_job_whose_starts_kill_the_daemon_is_parked_as_poison(void **state UNUSED)
{
	struct world w;
	struct job j = {0};
	char id[40];

	post_one(&w, id);
	for (int i = 0; i < POISON_STARTS_MAX; i++) {
		world_assert_state(&w, id, JOB_STARTING);
		world_crash(&w);
		world_restart(&w);
	}
	assert_int_equal(world_job(&w, id, &j), JOB_FAILED);
	assert_string_equal(j.reason, "poison");
	job_fini(&j);
	assert_int_equal(w.runner.n, 0);
	world_close(&w);
}

static void a_vanished_container_is_lost_unless_it_reported(void **state UNUSED)
{
	struct runner_exit gone = {.is_gone = true, .exit_code = -1, .stdout_tail = ""};

	for (int reported = 0; reported < 2; reported++) {
		struct world w;
		struct id run;
		char id[40];

		post_one(&w, id);
		world_started(&w, 0);
		run = world_run(&w, 0)->run_id;
		if (reported)
			world_result(&w, 0,
				"{\"status\":\"completed\",\"output\":{\"result\":\"done\"}}");
		w.runner.found_n = 0;
		world_crash(&w);
		world_restart(&w);
		assert_true(world_run(&w, 0)->is_adopted);
		w.runner.ev.exited(w.runner.ev.ctx, &run, &gone);
		loop_settle(w.loop);
		world_assert_state(&w, id, reported ? JOB_COMPLETED : JOB_LOST);
		world_close(&w);
	}
}

static void a_stop_decision_survives_the_process_that_made_it(void **state UNUSED)
{
	struct world w;
	char id[40];

	post_one(&w, id);
	world_started(&w, 0);
	world_decide(&w, ENGINE_KILL, id);
	leave_container(&w, world_run(&w, 0), "running");
	world_crash(&w);
	world_restart(&w);
	assert_int_equal(world_run(&w, 0)->stops, 1);
	world_exited(&w, 0, 137);
	world_assert_state(&w, id, JOB_CANCELLED);
	world_close(&w);
}

static void the_time_limit_counts_from_the_first_start(void **state UNUSED)
{
	struct world w;
	char id[40];

	post_one(&w, id);
	world_started(&w, 0);
	loop_advance(w.loop, 50 * US_PER_SEC);
	leave_container(&w, world_run(&w, 0), "running");
	world_crash(&w);
	loop_advance(w.loop, 5 * US_PER_SEC);
	world_restart(&w);
	loop_advance(w.loop, 4 * US_PER_SEC);
	assert_int_equal(world_run(&w, 0)->stops, 0);
	loop_advance(w.loop, 2 * US_PER_SEC);
	assert_int_equal(world_run(&w, 0)->stops, 1);
	world_close(&w);
}

static void containers_of_finished_runs_are_removed_and_unknown_ones_are_not(void **state UNUSED)
{
	struct world w;
	struct fake_run old;
	char id[40];

	post_one(&w, id);
	world_started(&w, 0);
	old = *world_run(&w, 0);
	world_exited(&w, 0, 0);
	leave_container(&w, &old, "exited");
	w.runner.found[1] = w.runner.found[0];
	id_make(&w.runner.found[1].run_id);
	w.runner.found_n = 2;
	world_crash(&w);
	world_restart(&w);
	assert_int_equal(w.runner.removed, 1);
	world_close(&w);
}

static void a_delivery_that_was_being_sent_is_sent_again_and_says_so(void **state UNUSED)
{
	struct world w;
	char id[40];

	post_one(&w, id);
	world_started(&w, 0);
	world_exited(&w, 0, 0);
	assert_int_equal(w.channel.n, 1);
	assert_false(w.channel.sent[0].is_repeat);
	w.runner.found_n = 0;
	world_crash(&w);
	world_restart(&w);
	assert_int_equal(w.channel.n, 1);
	assert_true(w.channel.sent[0].is_repeat);
	assert_int_equal(w.channel.sent[0].attempt, 2);
	world_sent(&w, 0, CHANNEL_SENT, -1);
	world_crash(&w);
	world_restart(&w);
	assert_int_equal(w.channel.n, 0);
	world_close(&w);
}

static void a_failed_survey_delays_no_door_and_is_repeated(void **state UNUSED)
{
	struct world w;
	char id[40];

	post_one(&w, id);
	world_crash(&w);
	w.runner.survey_fails = true;
	world_restart(&w);
	assert_true(w.is_prepared);
	assert_int_equal(w.runner.n, 0);
	w.runner.survey_fails = false;
	loop_advance(w.loop, 6 * US_PER_SEC);
	assert_int_equal(w.runner.n, 1);
	world_close(&w);
}

static void retries_that_were_used_up_stay_used_up(void **state UNUSED)
{
	struct world w;
	struct job j = {0};
	char id[40];

	world_open(&w, CONFIG, PYLON "  retries: 1\n  retry_backoff: 10s\n");
	world_post(&w, "d-1", "{}");
	(void)str_copy(id, sizeof(id), w.answer.job_id);
	world_started(&w, 0);
	world_exited(&w, 0, 3);
	loop_advance(w.loop, 11 * US_PER_SEC);
	world_started(&w, 1);
	leave_container(&w, world_run(&w, 1), "running");
	world_crash(&w);
	world_restart(&w);
	assert_true(world_run(&w, 0)->is_adopted);
	world_exited(&w, 0, 3);
	assert_int_equal(world_job(&w, id, &j), JOB_FAILED);
	assert_int_equal(j.attempt, 2);
	job_fini(&j);
	world_close(&w);
}

/* Until the engine has told what is alive, nobody knows how many slots are free. */
static void no_queued_job_starts_before_the_survey_succeeded(void **state UNUSED)
{
	struct world w;
	char id[40];

	post_one(&w, id);
	world_crash(&w);
	w.runner.survey_fails = true;
	world_restart(&w);
	world_post(&w, "d-2", "{}");
	assert_int_equal(w.answer.status, 202);
	assert_int_equal(w.runner.n, 0);
	w.runner.survey_fails = false;
	loop_advance(w.loop, 6 * US_PER_SEC);
	assert_int_equal(w.runner.n, 2);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_running_container_is_adopted_and_finished_once),
		cmocka_unit_test(
			a_container_that_died_before_its_start_was_recorded_is_adopted_too),
		cmocka_unit_test(a_run_that_ended_before_its_start_was_recorded_is_finished),
		cmocka_unit_test(a_claim_without_a_container_is_queued_again_on_the_record),
		cmocka_unit_test(a_job_whose_starts_kill_the_daemon_is_parked_as_poison),
		cmocka_unit_test(a_vanished_container_is_lost_unless_it_reported),
		cmocka_unit_test(a_stop_decision_survives_the_process_that_made_it),
		cmocka_unit_test(the_time_limit_counts_from_the_first_start),
		cmocka_unit_test(containers_of_finished_runs_are_removed_and_unknown_ones_are_not),
		cmocka_unit_test(a_failed_survey_delays_no_door_and_is_repeated),
		cmocka_unit_test(retries_that_were_used_up_stay_used_up),
		cmocka_unit_test(no_queued_job_starts_before_the_survey_succeeded),
		cmocka_unit_test(a_delivery_that_was_being_sent_is_sent_again_and_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
