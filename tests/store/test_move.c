/* SPDX-License-Identifier: MIT */
/*
 * Decisions about jobs without a living run.
 */
#undef NDEBUG
#include "fixture.h"

static struct id make_awaiting(struct fixture *f, struct id *ret_delivery)
{
	struct store_accept r = accept_request(f, NULL);
	struct store_outgoing out = outgoing("stdout", NOW);

	out.kind = "approval";
	r.needs_approval = true;
	r.expires_at = NOW + 5;
	r.outgoing = &out;
	r.outgoing_count = 1;
	assert_int_equal(do_accept(f, &r), 0);
	*ret_delivery = out.id;
	return r.job_id;
}

static bool room_of(void *ctx)
{
	struct fixture *f = ctx;

	f->asked_for_room++;
	return f->has_room;
}

static void an_approval_queues_the_job_and_withdraws_the_question(void **state)
{
	struct fixture *f = *state;
	struct id question, job = make_awaiting(f, &question);
	struct store_move m = move_request(&job, JOB_AWAITING_APPROVAL, JOB_QUEUED);
	struct delivery d;
	struct job j;

	m.take_room = room_of;
	m.room_ctx = f;
	assert_int_equal(do_move(f, &m), 0);
	assert_int_equal(m.was, JOB_AWAITING_APPROVAL);
	assert_true(m.took_room);
	j = get_job(f, &job);
	assert_int_equal(j.state, JOB_QUEUED);
	assert_int_equal(j.queued_at, NOW + 3);
	assert_int_equal(j.expires_at, 0);
	assert_string_equal(j.decided_by, "bob");
	job_fini(&j);
	assert_int_equal(store_delivery(f->db, &question, &d, NULL), 0);
	assert_int_equal(d.state, DELIVERY_CANCELLED);
	delivery_fini(&d);
}

static void an_approval_without_room_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct id question, job = make_awaiting(f, &question);
	struct store_move m = move_request(&job, JOB_AWAITING_APPROVAL, JOB_QUEUED);

	f->has_room = false;
	m.take_room = room_of;
	m.room_ctx = f;
	assert_int_equal(do_move(f, &m), STORE_E_FULL);
	assert_false(m.took_room);
	assert_int_equal(state_of(f, &job), JOB_AWAITING_APPROVAL);
}

static void room_is_not_asked_for_when_the_move_is_refused(void **state)
{
	struct fixture *f = *state;
	struct id job = make_job(f);
	struct store_move m = move_request(&job, JOB_FAILED, JOB_QUEUED);

	f->asked_for_room = 0;
	m.take_room = room_of;
	m.room_ctx = f;
	assert_int_equal(do_move(f, &m), STORE_E_STATE);
	assert_int_equal(m.was, JOB_QUEUED);
	assert_int_equal(f->asked_for_room, 0);
}

static void a_decision_is_made_once(void **state)
{
	struct fixture *f = *state;
	struct id question, job = make_awaiting(f, &question);
	struct store_move yes = move_request(&job, JOB_AWAITING_APPROVAL, JOB_QUEUED);
	struct store_move no = move_request(&job, JOB_AWAITING_APPROVAL, JOB_DISMISSED);
	struct told t[2] = {0};

	yes.op.done = no.op.done = tell_done;
	yes.op.ctx = &t[0];
	no.op.ctx = &t[1];
	store_move(f->db, &no);
	store_move(f->db, &yes);
	assert_int_equal(commit(f), 0);
	assert_int_equal(t[0].rc, STORE_E_STATE);
	assert_int_equal(t[1].rc, 0);
	assert_int_equal(state_of(f, &job), JOB_DISMISSED);
}

static void a_retry_by_hand_starts_a_new_life_with_the_same_id(void **state)
{
	struct fixture *f = *state;
	struct id job = make_finished(f, JOB_FAILED, NOW), run;
	struct store_move m = move_request(&job, JOB_FAILED, JOB_QUEUED);
	struct store_outgoing out = outgoing("stdout", NOW);
	struct job j;

	m.outgoing = &out;
	m.outgoing_count = 1;
	j = get_job(f, &job);
	assert_int_equal(j.failures, 1);
	job_fini(&j);
	assert_int_equal(do_move(f, &m), 0);
	j = get_job(f, &job);
	assert_int_equal(j.state, JOB_QUEUED);
	assert_int_equal(j.attempt, 1);
	assert_int_equal(j.failures, 0);
	assert_int_equal(j.exit_code, -1);
	assert_int_equal(j.started_at, 0);
	assert_int_equal(j.finished_at, 0);
	assert_null(j.result);
	assert_null(j.output_json);
	assert_null(j.error);
	assert_string_equal(j.session_id, "s1");
	assert_string_equal(j.decided_by, "bob");
	job_fini(&j);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM deliveries"), 1);
	assert_int_equal(do_claim(f, &job, &run), 0);
	assert_sound(f);
}

static void a_rejected_job_is_retried(void **state)
{
	struct fixture *f = *state;
	struct store_accept r = accept_request(f, "d1");
	struct store_move m;

	f->has_room = false;
	assert_int_equal(do_accept(f, &r), 0);
	m = move_request(&r.job_id, JOB_REJECTED, JOB_QUEUED);
	assert_int_equal(do_move(f, &m), 0);
	assert_int_equal(state_of(f, &r.job_id), JOB_QUEUED);
}

static void an_end_is_told_with_its_reason(void **state)
{
	struct fixture *f = *state;
	struct id job = make_job(f);
	struct store_move m = move_request(&job, JOB_QUEUED, JOB_FAILED);
	struct job j;

	m.reason = "engine_down";
	m.error = "no engine";
	m.by = NULL;
	assert_int_equal(do_move(f, &m), 0);
	j = get_job(f, &job);
	assert_int_equal(j.state, JOB_FAILED);
	assert_string_equal(j.reason, "engine_down");
	assert_string_equal(j.error, "no engine");
	assert_int_equal(j.finished_at, NOW + 3);
	assert_null(j.decided_by);
	job_fini(&j);
}

static void a_job_with_a_living_run_is_left_to_its_run(void **state)
{
	struct fixture *f = *state;
	struct id job = make_job(f), run;
	struct store_move m = move_request(&job, JOB_STARTING, JOB_CANCELLED);

	assert_int_equal(do_claim(f, &job, &run), 0);
	assert_int_equal(do_move(f, &m), STORE_E_STATE);
	assert_int_equal(state_of(f, &job), JOB_STARTING);
	assert_sound(f);
}

static void an_unknown_job_is_not_found(void **state)
{
	struct fixture *f = *state;
	struct id nobody;
	struct store_move m;

	id_make(&nobody);
	m = move_request(&nobody, JOB_QUEUED, JOB_CANCELLED);
	assert_int_equal(do_move(f, &m), STORE_E_NOT_FOUND);
}

/* Puts a job into any state, by the way the flow has. */
static struct id make_in(struct fixture *f, enum job_state s)
{
	struct id delivery, job, run;
	struct store_accept r = accept_request(f, NULL);
	struct store_move m;

	if (s == JOB_AWAITING_APPROVAL || s == JOB_DISMISSED || s == JOB_EXPIRED) {
		job = make_awaiting(f, &delivery);
		m = move_request(&job, JOB_AWAITING_APPROVAL, s);
		if (s != JOB_AWAITING_APPROVAL)
			assert_int_equal(do_move(f, &m), 0);
		return job;
	}
	if (s == JOB_REJECTED) {
		f->has_room = false;
		assert_int_equal(do_accept(f, &r), 0);
		f->has_room = true;
		return r.job_id;
	}
	if (job_is_over(s))
		return make_finished(f, s, NOW);
	job = make_job(f);
	if (job_is_active(s))
		assert_int_equal(do_claim(f, &job, &run), 0);
	if (s == JOB_RUNNING)
		assert_int_equal(do_started(f, &job, &run), 0);
	return job;
}

static void every_move_is_made_exactly_when_the_table_allows_it(void **state)
{
	static const enum job_state targets[] = {
		JOB_QUEUED, JOB_DISMISSED, JOB_EXPIRED, JOB_CANCELLED, JOB_FAILED};
	struct fixture *f = *state;

	for (unsigned from = 0; from < JOB_STATES; from++) {
		for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
			struct id job = make_in(f, from);
			struct store_move m = move_request(&job, from, targets[i]);
			bool may = job_may_move(from, targets[i]) && !job_is_active(from);

			assert_int_equal(state_of(f, &job), from);
			assert_int_equal(do_move(f, &m), may ? 0 : STORE_E_STATE);
			assert_int_equal(state_of(f, &job), may ? targets[i] : from);
		}
	}
	assert_sound(f);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_approval_queues_the_job_and_withdraws_the_question),
		TEST(an_approval_without_room_changes_nothing),
		TEST(room_is_not_asked_for_when_the_move_is_refused),
		TEST(a_decision_is_made_once),
		TEST(a_retry_by_hand_starts_a_new_life_with_the_same_id),
		TEST(a_rejected_job_is_retried),
		TEST(an_end_is_told_with_its_reason),
		TEST(a_job_with_a_living_run_is_left_to_its_run),
		TEST(an_unknown_job_is_not_found),
		TEST(every_move_is_made_exactly_when_the_table_allows_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
