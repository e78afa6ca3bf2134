/* SPDX-License-Identifier: MIT */
/*
 * T2, T3, reports, stopping and T4: the life of a run and what it does to its job.
 */
#undef NDEBUG
#include "fixture.h"

static struct run get_run(struct fixture *f, const struct id *id)
{
	struct run r = {0};

	assert_int_equal(store_run(f->db, id, &r, NULL), 0);
	return r;
}

static struct id make_running(struct fixture *f, struct id *ret_run)
{
	struct id job = make_job(f);

	assert_int_equal(do_claim(f, &job, ret_run), 0);
	assert_int_equal(do_started(f, &job, ret_run), 0);
	return job;
}

static void a_claim_names_the_run_before_anything_starts(void **state)
{
	struct fixture *f = *state;
	struct id job = make_job(f), run;
	struct run r;
	struct job j;

	assert_int_equal(do_claim(f, &job, &run), 0);
	j = get_job(f, &job);
	assert_int_equal(j.state, JOB_STARTING);
	assert_int_equal(j.attempt, 1);
	job_fini(&j);
	r = get_run(f, &run);
	assert_string_equal(r.job_id.s, job.s);
	assert_int_equal(r.attempt, 1);
	assert_int_equal(r.state, RUN_CREATED);
	assert_int_equal(r.stop, STOP_NONE);
	assert_string_equal(r.token_sha256, run.s);
	assert_int_equal(r.timeout_us, 7);
	assert_int_equal(r.exit_code, -1);
	assert_null(r.handle);
	run_fini(&r);
	assert_sound(f);
}

static void a_job_is_claimed_once(void **state)
{
	struct fixture *f = *state;
	struct id job = make_job(f), run;

	assert_int_equal(do_claim(f, &job, &run), 0);
	assert_int_equal(do_claim(f, &job, &run), STORE_E_STATE);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM runs"), 1);
}

static void two_claims_of_one_turn_have_one_winner(void **state)
{
	struct fixture *f = *state;
	struct id job = make_job(f);
	struct store_claim r[2];
	struct told t[2] = {0};

	for (int i = 0; i < 2; i++) {
		r[i] = (struct store_claim){.job_id = job, .now_real = NOW};
		id_make(&r[i].run_id);
		r[i].op.done = tell_done;
		r[i].op.ctx = &t[i];
		store_claim(f->db, &r[i]);
	}
	assert_int_equal(commit(f), 0);
	assert_int_equal(t[0].rc, 0);
	assert_int_equal(r[0].attempt, 1);
	assert_int_equal(t[1].rc, STORE_E_STATE);
	assert_sound(f);
}

static void a_job_that_is_not_due_is_not_claimed(void **state)
{
	struct fixture *f = *state;
	struct id job = make_finished(f, JOB_FAILED, NOW), run;
	struct store_move m = move_request(&job, JOB_FAILED, JOB_QUEUED);

	m.not_before = NOW + 1;
	assert_int_equal(do_move(f, &m), 0);
	assert_int_equal(do_claim(f, &job, &run), STORE_E_STATE);
	m = move_request(&job, JOB_QUEUED, JOB_CANCELLED);
	assert_int_equal(do_move(f, &m), 0);
	m = move_request(&job, JOB_CANCELLED, JOB_QUEUED);
	m.not_before = NOW;
	assert_int_equal(do_move(f, &m), 0);
	assert_int_equal(do_claim(f, &job, &run), 0);
}

static void only_queued_jobs_are_claimed(void **state)
{
	struct fixture *f = *state;
	struct id nobody, run, job = make_finished(f, JOB_COMPLETED, NOW);

	id_make(&nobody);
	assert_int_equal(do_claim(f, &nobody, &run), STORE_E_NOT_FOUND);
	assert_int_equal(do_claim(f, &job, &run), STORE_E_STATE);
}

static void a_started_run_has_its_handle_and_its_job_runs(void **state)
{
	struct fixture *f = *state;
	struct id run, job = make_running(f, &run);
	struct run r = get_run(f, &run);
	struct job j = get_job(f, &job);

	assert_int_equal(r.state, RUN_RUNNING);
	assert_string_equal(r.handle, "box");
	assert_string_equal(r.image, "img");
	assert_int_equal(r.started_at, NOW + 1);
	assert_int_equal(j.state, JOB_RUNNING);
	assert_int_equal(j.started_at, NOW + 1);
	run_fini(&r);
	job_fini(&j);
}

static void telling_the_start_twice_is_harmless(void **state)
{
	struct fixture *f = *state;
	struct id run, job = make_running(f, &run);
	struct run r;

	assert_int_equal(do_started(f, &job, &run), 0);
	r = get_run(f, &run);
	assert_int_equal(r.state, RUN_RUNNING);
	run_fini(&r);
	assert_sound(f);
}

static void a_start_of_an_unknown_or_finished_run_is_refused(void **state)
{
	struct fixture *f = *state;
	struct id nobody, run, job = make_running(f, &run), other = make_job(f);
	struct store_finish fin = finish_request(&job, &run, JOB_COMPLETED);

	id_make(&nobody);
	assert_int_equal(do_started(f, &job, &nobody), STORE_E_NOT_FOUND);
	assert_int_equal(do_started(f, &other, &run), STORE_E_NOT_FOUND);
	assert_int_equal(do_finish(f, &fin), 0);
	assert_int_equal(do_started(f, &job, &run), STORE_E_STATE);
	assert_int_equal(state_of(f, &job), JOB_COMPLETED);
}

static int do_report(struct fixture *f, const struct id *job, const char *token, const char *text)
{
	struct store_report r = {.job_id = *job, .report = slice_of(text)};
	struct told t = {0};

	(void)str_copy(r.token_sha256, sizeof(r.token_sha256), token);
	r.op.done = tell_done;
	r.op.ctx = &t;
	store_report(f->db, &r);
	assert_int_equal(commit(f), 0);
	return t.rc;
}

static void a_report_is_kept_for_the_living_run_with_that_token(void **state)
{
	struct fixture *f = *state;
	struct id run, job = make_running(f, &run), other = make_job(f);
	struct store_finish fin = finish_request(&job, &run, JOB_COMPLETED);
	struct run r;

	assert_int_equal(do_report(f, &job, run.s, "{\"a\":1}"), 0);
	assert_int_equal(do_report(f, &job, run.s, "{\"a\":2}"), 0);
	assert_int_equal(do_report(f, &job, "wrong", "{}"), STORE_E_NOT_FOUND);
	assert_int_equal(do_report(f, &other, run.s, "{}"), STORE_E_NOT_FOUND);
	r = get_run(f, &run);
	assert_string_equal(r.report, "{\"a\":2}");
	run_fini(&r);
	assert_int_equal(do_finish(f, &fin), 0);
	assert_int_equal(do_report(f, &job, run.s, "{}"), STORE_E_NOT_FOUND);
}

static void the_first_reason_to_stop_stays(void **state)
{
	struct fixture *f = *state;
	struct id run, job = make_running(f, &run);
	struct run r;
	struct job j;

	assert_int_equal(do_stopping(f, &job, &run, STOP_TIMEOUT), 0);
	assert_int_equal(do_stopping(f, &job, &run, STOP_CANCEL), 0);
	fixture_reopen(f);
	r = get_run(f, &run);
	assert_int_equal(r.state, RUN_STOPPING);
	assert_int_equal(r.stop, STOP_TIMEOUT);
	run_fini(&r);
	j = get_job(f, &job);
	assert_int_equal(j.state, JOB_RUNNING);
	assert_string_equal(j.decided_by, "ann");
	job_fini(&j);
}

static void a_run_stopped_while_it_starts_learns_its_handle_and_stays_stopping(void **state)
{
	struct fixture *f = *state;
	struct id job = make_job(f), run;
	struct run r;

	assert_int_equal(do_claim(f, &job, &run), 0);
	assert_int_equal(do_stopping(f, &job, &run, STOP_CANCEL), 0);
	assert_int_equal(do_started(f, &job, &run), 0);
	r = get_run(f, &run);
	assert_int_equal(r.state, RUN_STOPPING);
	assert_string_equal(r.handle, "box");
	run_fini(&r);
	assert_int_equal(state_of(f, &job), JOB_RUNNING);
}

static void a_finished_run_is_not_stopped(void **state)
{
	struct fixture *f = *state;
	struct id nobody, run, job = make_running(f, &run);
	struct store_finish fin = finish_request(&job, &run, JOB_COMPLETED);

	id_make(&nobody);
	assert_int_equal(do_finish(f, &fin), 0);
	assert_int_equal(do_stopping(f, &job, &run, STOP_CANCEL), STORE_E_STATE);
	assert_int_equal(do_stopping(f, &job, &nobody, STOP_CANCEL), STORE_E_NOT_FOUND);
}

static void a_finish_writes_run_job_and_deliveries_together(void **state)
{
	struct fixture *f = *state;
	struct id run, job = make_running(f, &run);
	struct store_finish fin = finish_request(&job, &run, JOB_FAILED);
	struct store_outgoing out = outgoing("webhook", NOW);
	struct delivery d;
	struct run r;
	struct job j;

	fin.exit_code = 3;
	fin.reason = "oom";
	fin.error = "boom";
	fin.counts = true;
	fin.outgoing = &out;
	fin.outgoing_count = 1;
	assert_int_equal(do_finish(f, &fin), 0);
	fixture_reopen(f);
	r = get_run(f, &run);
	assert_int_equal(r.state, RUN_EXITED);
	assert_int_equal(r.exit_code, 3);
	assert_string_equal(r.reason, "oom");
	assert_int_equal(r.finished_at, NOW + 2);
	run_fini(&r);
	j = get_job(f, &job);
	assert_int_equal(j.state, JOB_FAILED);
	assert_int_equal(j.exit_code, 3);
	assert_int_equal(j.failures, 1);
	assert_string_equal(j.reason, "oom");
	assert_string_equal(j.error, "boom");
	assert_string_equal(j.result, "text");
	assert_string_equal(j.output_json, "{\"result\":\"text\"}");
	assert_string_equal(j.session_id, "s1");
	assert_true(j.cost_usd > 0.24 && j.cost_usd < 0.26);
	assert_int_equal(j.finished_at, NOW + 2);
	job_fini(&j);
	assert_int_equal(store_delivery(f->db, &out.id, &d, NULL), 0);
	assert_int_equal(d.state, DELIVERY_PENDING);
	assert_string_equal(d.job_id.s, job.s);
	delivery_fini(&d);
	assert_sound(f);
}

static void a_finished_run_never_changes(void **state)
{
	struct fixture *f = *state;
	struct id run, job = make_running(f, &run);
	struct store_finish fin = finish_request(&job, &run, JOB_COMPLETED);
	struct store_outgoing out = outgoing("webhook", NOW);
	struct job j;

	assert_int_equal(do_finish(f, &fin), 0);
	fin = finish_request(&job, &run, JOB_FAILED);
	fin.result = "other";
	fin.outgoing = &out;
	fin.outgoing_count = 1;
	assert_int_equal(do_finish(f, &fin), STORE_E_STATE);
	j = get_job(f, &job);
	assert_int_equal(j.state, JOB_COMPLETED);
	assert_string_equal(j.result, "text");
	job_fini(&j);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM deliveries"), 0);
}

static void a_late_end_of_an_earlier_run_does_not_end_the_job(void **state)
{
	struct fixture *f = *state;
	struct id first, second, job = make_running(f, &first);
	struct store_finish fin = finish_request(&job, &first, JOB_QUEUED);

	assert_int_equal(do_finish(f, &fin), 0);
	assert_int_equal(do_claim(f, &job, &second), 0);
	assert_int_equal(do_started(f, &job, &second), 0);
	fin = finish_request(&job, &first, JOB_FAILED);
	assert_int_equal(do_finish(f, &fin), STORE_E_STATE);
	assert_int_equal(state_of(f, &job), JOB_RUNNING);
}

static void a_finish_the_table_forbids_leaves_no_trace(void **state)
{
	struct fixture *f = *state;
	struct id job = make_job(f), run, nobody;
	struct store_finish fin;
	struct run r;

	id_make(&nobody);
	assert_int_equal(do_claim(f, &job, &run), 0);
	fin = finish_request(&job, &run, JOB_COMPLETED); /* starting -> completed */
	assert_int_equal(do_finish(f, &fin), STORE_E_STATE);
	fin = finish_request(&job, &nobody, JOB_FAILED);
	assert_int_equal(do_finish(f, &fin), STORE_E_NOT_FOUND);
	assert_int_equal(state_of(f, &job), JOB_STARTING);
	r = get_run(f, &run);
	assert_int_equal(r.state, RUN_CREATED);
	run_fini(&r);
	fin = finish_request(&job, &run, JOB_LOST);
	fin.run_state = RUN_LOST;
	assert_int_equal(do_finish(f, &fin), 0);
	assert_int_equal(state_of(f, &job), JOB_LOST);
}

static void every_end_the_table_allows_is_written(void **state)
{
	struct fixture *f = *state;

	for (unsigned from = JOB_STARTING; from <= JOB_RUNNING; from++) {
		for (unsigned to = JOB_COMPLETED; to < JOB_STATES; to++) {
			struct id job = make_job(f), run;
			struct store_finish fin;
			bool may = job_may_move(from, to);

			assert_int_equal(do_claim(f, &job, &run), 0);
			if (from == JOB_RUNNING)
				assert_int_equal(do_started(f, &job, &run), 0);
			fin = finish_request(&job, &run, to);
			assert_int_equal(do_finish(f, &fin), may ? 0 : STORE_E_STATE);
			assert_int_equal(state_of(f, &job), may ? to : from);
		}
	}
	assert_sound(f);
}

static void a_retry_queues_the_same_job_and_clears_the_attempt(void **state)
{
	struct fixture *f = *state;
	struct id run, second, job = make_running(f, &run), living;
	struct store_finish fin = finish_request(&job, &run, JOB_QUEUED);
	struct run r;
	struct job j;

	fin.exit_code = 1;
	fin.error = "boom";
	fin.reason = "retry";
	fin.counts = true;
	fin.not_before = NOW - 1;
	assert_int_equal(do_finish(f, &fin), 0);
	j = get_job(f, &job);
	assert_int_equal(j.state, JOB_QUEUED);
	assert_int_equal(j.failures, 1);
	assert_int_equal(j.attempt, 1);
	assert_int_equal(j.not_before, NOW - 1);
	assert_int_equal(j.queued_at, NOW + 2);
	assert_int_equal(j.started_at, 0);
	assert_int_equal(j.finished_at, 0);
	assert_int_equal(j.exit_code, -1);
	assert_null(j.result);
	assert_null(j.output_json);
	assert_string_equal(j.error, "boom");
	assert_string_equal(j.session_id, "s1");
	job_fini(&j);
	assert_int_equal(store_living_run(f->db, &job, &r, NULL), STORE_E_NOT_FOUND);
	assert_int_equal(do_claim(f, &job, &second), 0);
	assert_int_equal(store_living_run(f->db, &job, &r, NULL), 0);
	assert_int_equal(r.attempt, 2);
	living = r.id;
	assert_string_equal(living.s, second.s);
	run_fini(&r);
	j = get_job(f, &job);
	assert_null(j.error);
	assert_null(j.reason);
	assert_int_equal(j.not_before, 0);
	job_fini(&j);
	assert_sound(f);
}

static void a_retry_that_does_not_count_leaves_failures(void **state)
{
	struct fixture *f = *state;
	struct id run, job = make_running(f, &run);
	struct store_finish fin = finish_request(&job, &run, JOB_QUEUED);
	struct job j;

	assert_int_equal(do_finish(f, &fin), 0);
	j = get_job(f, &job);
	assert_int_equal(j.failures, 0);
	job_fini(&j);
}

static void cost_adds_up_and_a_session_stays_known(void **state)
{
	struct fixture *f = *state;
	struct id run, job = make_running(f, &run);
	struct store_finish fin = finish_request(&job, &run, JOB_QUEUED);
	struct job j;

	assert_int_equal(do_finish(f, &fin), 0);
	assert_int_equal(do_claim(f, &job, &run), 0);
	assert_int_equal(do_started(f, &job, &run), 0);
	fin = finish_request(&job, &run, JOB_COMPLETED);
	fin.session_id = NULL;
	assert_int_equal(do_finish(f, &fin), 0);
	j = get_job(f, &job);
	assert_true(j.cost_usd > 0.49 && j.cost_usd < 0.51);
	assert_string_equal(j.session_id, "s1");
	job_fini(&j);
}

static void a_cost_that_is_no_number_counts_nothing(void **state)
{
	struct fixture *f = *state;
	struct id run, job = make_running(f, &run);
	struct store_finish fin = finish_request(&job, &run, JOB_COMPLETED);
	struct job j;

	fin.cost_usd = __builtin_nan("");
	assert_int_equal(do_finish(f, &fin), 0);
	j = get_job(f, &job);
	assert_true(j.cost_usd >= 0 && j.cost_usd <= 0);
	job_fini(&j);
}

static void collect_attempt(const struct run *r, void *ctx)
{
	int *seen = ctx;

	assert_int_equal(r->attempt, ++*seen);
}

static void runs_are_listed_oldest_first(void **state)
{
	struct fixture *f = *state;
	struct id run, job = make_job(f);
	int seen = 0;

	for (int i = 0; i < 3; i++) {
		struct store_finish fin;

		assert_int_equal(do_claim(f, &job, &run), 0);
		assert_int_equal(do_started(f, &job, &run), 0);
		fin = finish_request(&job, &run, JOB_QUEUED);
		assert_int_equal(do_finish(f, &fin), 0);
	}
	assert_int_equal(store_runs(f->db, &job, collect_attempt, &seen, NULL), 0);
	assert_int_equal(seen, 3);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_claim_names_the_run_before_anything_starts),
		TEST(a_job_is_claimed_once),
		TEST(two_claims_of_one_turn_have_one_winner),
		TEST(a_job_that_is_not_due_is_not_claimed),
		TEST(only_queued_jobs_are_claimed),
		TEST(a_started_run_has_its_handle_and_its_job_runs),
		TEST(telling_the_start_twice_is_harmless),
		TEST(a_start_of_an_unknown_or_finished_run_is_refused),
		TEST(a_report_is_kept_for_the_living_run_with_that_token),
		TEST(the_first_reason_to_stop_stays),
		TEST(a_run_stopped_while_it_starts_learns_its_handle_and_stays_stopping),
		TEST(a_finished_run_is_not_stopped),
		TEST(a_finish_writes_run_job_and_deliveries_together),
		TEST(a_finished_run_never_changes),
		TEST(a_late_end_of_an_earlier_run_does_not_end_the_job),
		TEST(a_finish_the_table_forbids_leaves_no_trace),
		TEST(every_end_the_table_allows_is_written),
		TEST(a_retry_queues_the_same_job_and_clears_the_attempt),
		TEST(a_retry_that_does_not_count_leaves_failures),
		TEST(cost_adds_up_and_a_session_stays_known),
		TEST(a_cost_that_is_no_number_counts_nothing),
		TEST(runs_are_listed_oldest_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
