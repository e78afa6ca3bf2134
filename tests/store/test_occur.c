/* SPDX-License-Identifier: MIT */
/*
 * T1 for schedules: every instant is decided once, with one outcome, and its job is made with it.
 */
#undef NDEBUG
#include "fixture.h"

/* A schedule with one instant a minute, seen from the outside. */
#define MINUTE (60 * US_PER_SEC)

static int setup_schedule(void **state)
{
	(void)fixture_setup(state);
	assert_int_equal(do_schedule(*state, 1, NOW - 1), 0);
	return 0;
}

static int64_t decided_to(struct fixture *f)
{
	CLEANUP(schedule_state_fini) struct schedule_state s = {0};

	assert_int_equal(store_schedule_state(f->db, "trigger", &s, NULL), 0);
	return s.decided_to;
}

/* Wants one instant to run; what became of it. The job's id is written to *ret (may be NULL). */
static struct store_occurrence decide(
	struct fixture *f, int64_t at, enum overlap overlap, struct id *ret)
{
	struct store_accept job = scheduled_request(f);
	struct store_occurrence o = instant(at, &job);
	struct store_occur r = occur_request(overlap, &o, 1);

	assert_int_equal(do_occur(f, &r), 0);
	assert_int_equal(job.verdict,
		!o.was_known && o.outcome == OCCURRENCE_RAN ? ACCEPT_NEW : ACCEPT_REJECTED);
	if (ret != NULL)
		*ret = job.job_id;
	o.job = NULL;
	return o;
}

static void what_runs_is_a_row_and_a_queued_job(void **state)
{
	struct fixture *f = *state;
	struct store_accept job = scheduled_request(f);
	struct store_occurrence o = instant(NOW, &job);
	struct store_occur r = occur_request(OVERLAP_SKIP, &o, 1);
	struct store_outgoing out = outgoing("stdout", NOW);
	CLEANUP(occurrence_fini) struct occurrence got = {0};
	CLEANUP(event_record_fini) struct event_record ev = {0};
	CLEANUP(job_fini) struct job j = {0};

	o.note = "on time";
	job.outgoing = &out;
	job.outgoing_count = 1;
	assert_int_equal(do_occur(f, &r), 0);
	assert_false(o.was_known);
	assert_int_equal(o.outcome, OCCURRENCE_RAN);
	assert_true(job.took_room);
	fixture_reopen(f);
	assert_int_equal(store_occurrence_of(f->db, &job.job_id, &got, NULL), 0);
	assert_string_equal(got.schedule, "trigger");
	assert_int_equal(got.epoch, 1);
	assert_int_equal(got.at, NOW);
	assert_int_equal(got.last, NOW);
	assert_int_equal(got.count, 1);
	assert_int_equal(got.outcome, OCCURRENCE_RAN);
	assert_string_equal(got.job_id.s, job.job_id.s);
	assert_string_equal(got.note, "on time");
	assert_int_equal(got.decided_at, NOW);
	j = get_job(f, &job.job_id);
	assert_int_equal(j.state, JOB_QUEUED);
	assert_string_equal(j.source, "schedule");
	assert_int_equal(store_event(f->db, &job.job_id, &ev, NULL), 0);
	assert_string_equal(ev.body, "{\"n\":1}");
	assert_int_equal(count_rows(f, "deliveries WHERE state = 'pending'"), 1);
	assert_int_equal(decided_to(f), NOW);
	assert_sound(f);
}

static void every_outcome_is_stored_as_it_is(void **state)
{
	struct fixture *f = *state;
	struct store_accept jobs[OCCURRENCE_OUTCOMES];
	struct store_occurrence v[OCCURRENCE_OUTCOMES];
	struct store_occur r;

	for (int i = 0; i < OCCURRENCE_OUTCOMES; i++) {
		bool runs = i == OCCURRENCE_RAN || i == OCCURRENCE_RAN_LATE;

		jobs[i] = scheduled_request(f);
		v[i] = instant(NOW + i, runs ? &jobs[i] : NULL);
		v[i].outcome = (enum occurrence_outcome)i;
	}
	r = occur_request(OVERLAP_ALLOW, v, ARRAY_LEN(v));
	assert_int_equal(do_occur(f, &r), 0);
	for (int i = 0; i < OCCURRENCE_OUTCOMES; i++) {
		CLEANUP(freep)
		char *which = xasprintf("occurrences WHERE at = %lld AND outcome = '%s' AND "
					"(job_id IS NOT NULL) = %d",
			(long long)NOW + i, occurrence_outcome_name((enum occurrence_outcome)i),
			v[i].job != NULL);

		assert_int_equal(v[i].outcome, i);
		assert_int_equal(count_rows(f, which), 1);
	}
	assert_int_equal(count_rows(f, "jobs"), 2);
	assert_int_equal(f->asked_for_room, 2);
	assert_int_equal(decided_to(f), NOW + OCCURRENCE_OUTCOMES - 1);
}

/* --- once --- */

static void an_instant_is_decided_once_also_across_a_restart(void **state)
{
	struct fixture *f = *state;
	struct id first, second;
	struct store_occurrence o;

	(void)decide(f, NOW, OVERLAP_ALLOW, &first);
	fixture_reopen(f);
	o = decide(f, NOW, OVERLAP_ALLOW, &second);
	assert_true(o.was_known);
	assert_int_equal(f->asked_for_room, 1);
	assert_int_equal(count_rows(f, "jobs"), 1);
	assert_int_equal(count_rows(f, "occurrences"), 1);
	assert_int_equal(state_of(f, &first), JOB_QUEUED);
}

static void a_skipped_instant_is_decided_too(void **state)
{
	struct fixture *f = *state;
	struct store_occurrence skipped = instant(NOW, NULL);
	struct store_occur r = occur_request(OVERLAP_ALLOW, &skipped, 1);

	assert_int_equal(do_occur(f, &r), 0);
	assert_true(decide(f, NOW, OVERLAP_ALLOW, NULL).was_known);
	assert_int_equal(count_rows(f, "jobs"), 0);
	assert_int_equal(count_rows(f, "occurrences WHERE outcome = 'skipped_catch_up'"), 1);
}

static void the_same_instant_twice_in_one_turn_is_one_job(void **state)
{
	struct fixture *f = *state;
	struct store_accept jobs[3];
	struct store_occurrence v[3];
	struct store_occur both, other;
	struct told t[2] = {0};

	for (int i = 0; i < 3; i++) {
		jobs[i] = scheduled_request(f);
		v[i] = instant(NOW, &jobs[i]);
	}
	both = occur_request(OVERLAP_ALLOW, v, 2);
	other = occur_request(OVERLAP_ALLOW, v + 2, 1);
	both.op.done = other.op.done = tell_done;
	both.op.ctx = &t[0];
	other.op.ctx = &t[1];
	store_occur(f->db, &both);
	store_occur(f->db, &other);
	assert_int_equal(commit(f), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(t[i].times, 1);
		assert_int_equal(t[i].rc, 0);
	}
	assert_false(v[0].was_known);
	assert_true(v[1].was_known);
	assert_true(v[2].was_known);
	assert_int_equal(f->asked_for_room, 1);
	assert_int_equal(count_rows(f, "jobs"), 1);
}

static void the_instants_inside_a_stretch_are_known(void **state)
{
	struct fixture *f = *state;
	struct store_occurrence stretch = instant(NOW, NULL);
	struct store_occur r;

	stretch.last = NOW + 10 * MINUTE;
	stretch.count = 11;
	r = occur_request(OVERLAP_ALLOW, &stretch, 1);
	assert_int_equal(do_occur(f, &r), 0);
	assert_int_equal(decided_to(f), NOW + 10 * MINUTE);
	assert_true(decide(f, NOW, OVERLAP_ALLOW, NULL).was_known);
	assert_true(decide(f, NOW + 5 * MINUTE, OVERLAP_ALLOW, NULL).was_known);
	assert_true(decide(f, NOW + 10 * MINUTE, OVERLAP_ALLOW, NULL).was_known);
	assert_int_equal(count_rows(f, "jobs"), 0);
	assert_false(decide(f, NOW + 10 * MINUTE + 1, OVERLAP_ALLOW, NULL).was_known);
	assert_false(decide(f, NOW - 1, OVERLAP_ALLOW, NULL).was_known);
	assert_int_equal(count_rows(f, "jobs"), 2);
}

static void a_new_epoch_decides_the_same_instant_again(void **state)
{
	struct fixture *f = *state;
	struct store_accept job = scheduled_request(f);
	struct store_occurrence o = instant(NOW, &job);
	struct store_occur r = occur_request(OVERLAP_ALLOW, &o, 1);

	(void)decide(f, NOW, OVERLAP_ALLOW, NULL);
	assert_int_equal(do_schedule(f, 2, NOW - 5), 0);
	assert_int_equal(decided_to(f), NOW - 5);
	r.epoch = 2;
	assert_int_equal(do_occur(f, &r), 0);
	assert_false(o.was_known);
	assert_int_equal(count_rows(f, "occurrences WHERE at = 1800000000000000"), 2);
	assert_int_equal(count_rows(f, "jobs"), 2);
	assert_int_equal(decided_to(f), NOW);
}

static void another_schedule_has_instants_of_its_own(void **state)
{
	struct fixture *f = *state;
	struct store_schedule s = {.schedule = "other", .spec = "x", .epoch = 1};
	struct store_occurrence o = instant(NOW, NULL);
	struct store_occur r = occur_request(OVERLAP_ALLOW, &o, 1);

	(void)decide(f, NOW, OVERLAP_ALLOW, NULL);
	store_schedule(f->db, &s);
	r.schedule = "other";
	assert_int_equal(do_occur(f, &r), 0);
	assert_false(o.was_known);
}

/* --- the state of a schedule --- */

static void a_schedule_is_kept_as_it_was_told(void **state)
{
	struct fixture *f = *state;
	CLEANUP(schedule_state_fini) struct schedule_state s = {0};
	struct store_schedule r = {.schedule = "trigger",
		.spec = "@daily Europe/Berlin",
		.anchor = 5,
		.epoch = 3,
		.decided_to = 6,
		.disabled_at = 7};

	assert_int_equal(store_schedule_state(f->db, "nobody", &s, NULL), STORE_E_NOT_FOUND);
	store_schedule(f->db, &r);
	assert_int_equal(commit(f), 0);
	fixture_reopen(f);
	assert_int_equal(store_schedule_state(f->db, "trigger", &s, NULL), 0);
	assert_string_equal(s.spec, "@daily Europe/Berlin");
	assert_int_equal(s.anchor, 5);
	assert_int_equal(s.epoch, 3);
	assert_int_equal(s.decided_to, 6);
	assert_int_equal(s.disabled_at, 7);
}

static void what_is_decided_never_goes_back_within_an_epoch(void **state)
{
	struct fixture *f = *state;

	(void)decide(f, NOW, OVERLAP_ALLOW, NULL);
	(void)decide(f, NOW - MINUTE, OVERLAP_ALLOW, NULL);
	assert_int_equal(decided_to(f), NOW);
	assert_int_equal(do_schedule(f, 1, NOW - 1), 0);
	assert_int_equal(decided_to(f), NOW);
	assert_int_equal(do_schedule(f, 1, NOW + 1), 0);
	assert_int_equal(decided_to(f), NOW + 1);
	assert_int_equal(do_schedule(f, 2, NOW - MINUTE), 0);
	assert_int_equal(decided_to(f), NOW - MINUTE);
	assert_int_equal(do_schedule(f, 1, NOW + MINUTE), STORE_E_STATE);
	assert_int_equal(decided_to(f), NOW - MINUTE);
}

static void without_a_state_of_that_epoch_nothing_is_decided(void **state)
{
	struct fixture *f = *state;
	struct store_accept job = scheduled_request(f);
	struct store_occurrence o = instant(NOW, &job);
	struct store_occur r = occur_request(OVERLAP_ALLOW, &o, 1);

	for (r.epoch = 0; r.epoch <= 2; r.epoch += 2)
		assert_int_equal(do_occur(f, &r), STORE_E_NOT_FOUND);
	r.epoch = 1;
	r.schedule = "nobody";
	assert_int_equal(do_occur(f, &r), STORE_E_NOT_FOUND);
	assert_int_equal(f->asked_for_room, 0);
	assert_int_equal(count_rows(f, "occurrences"), 0);
	assert_int_equal(count_rows(f, "jobs"), 0);
	assert_int_equal(decided_to(f), NOW - 1);
}

static void a_request_without_occurrences_only_moves_on(void **state)
{
	struct fixture *f = *state;
	struct store_occur r = {
		.schedule = "trigger", .epoch = 1, .decided_to = NOW + 9, .now_real = NOW};

	assert_int_equal(do_occur(f, &r), 0);
	assert_int_equal(decided_to(f), NOW + 9);
}

/* --- overlap --- */

/* A job of an occurrence, brought to that state. */
static struct id make_scheduled(struct fixture *f, enum job_state s)
{
	struct store_accept job = scheduled_request(f);
	struct store_occurrence o = instant(NOW, &job);
	struct store_occur r = occur_request(OVERLAP_ALLOW, &o, 1);
	struct store_finish end;
	struct id run;

	job.needs_approval = s == JOB_AWAITING_APPROVAL;
	assert_int_equal(do_occur(f, &r), 0);
	if (s == JOB_AWAITING_APPROVAL || s == JOB_QUEUED)
		return job.job_id;
	assert_int_equal(do_claim(f, &job.job_id, &run), 0);
	if (s == JOB_STARTING)
		return job.job_id;
	assert_int_equal(do_started(f, &job.job_id, &run), 0);
	if (s == JOB_RUNNING)
		return job.job_id;
	end = finish_request(&job.job_id, &run, s);
	assert_int_equal(do_finish(f, &end), 0);
	return job.job_id;
}

static void an_open_job_is_in_the_way_as_the_policy_says(void **state)
{
	static const enum job_state states[] = {JOB_AWAITING_APPROVAL, JOB_QUEUED, JOB_STARTING,
		JOB_RUNNING, JOB_COMPLETED, JOB_FAILED};
	/* One letter per state: s = skipped, r = ran. */
	static const char *const expected[OVERLAPS] = {
		[OVERLAP_SKIP] = "ssssrr",
		[OVERLAP_QUEUE_ONE] = "ssrrrr",
		[OVERLAP_QUEUE_ALL] = "rrrrrr",
		[OVERLAP_CANCEL_PREVIOUS] = "rrrrrr",
		[OVERLAP_ALLOW] = "rrrrrr",
	};
	struct fixture *f = *state;

	for (int p = 0; p < OVERLAPS; p++) {
		for (size_t s = 0; s < ARRAY_LEN(states); s++) {
			bool skips = expected[p][s] == 's';
			struct store_occurrence o;

			(void)snprintf(f->path, sizeof(f->path), "%s/%d%zu.db", f->dir, p, s);
			fixture_reopen(f);
			assert_int_equal(do_schedule(f, 1, NOW - 1), 0);
			(void)make_scheduled(f, states[s]);
			f->asked_for_room = 0;
			o = decide(f, NOW + 1, (enum overlap)p, NULL);
			assert_int_equal(
				o.outcome, skips ? OCCURRENCE_SKIPPED_OVERLAP : OCCURRENCE_RAN);
			assert_int_equal(f->asked_for_room, !skips);
			assert_int_equal(count_rows(f, "jobs"), skips ? 1 : 2);
			assert_int_equal(count_rows(f, "occurrences WHERE job_id IS NOT NULL"),
				skips ? 1 : 2);
			assert_int_equal(decided_to(f), NOW + 1);
		}
	}
}

static void the_jobs_of_the_same_request_are_in_the_way(void **state)
{
	static const int jobs[OVERLAPS] = {[OVERLAP_SKIP] = 1,
		[OVERLAP_QUEUE_ONE] = 1,
		[OVERLAP_QUEUE_ALL] = 3,
		[OVERLAP_CANCEL_PREVIOUS] = 3,
		[OVERLAP_ALLOW] = 3};
	struct fixture *f = *state;

	for (int p = 0; p < OVERLAPS; p++) {
		struct store_accept job[3];
		struct store_occurrence v[3];
		struct store_occur r;

		(void)snprintf(f->path, sizeof(f->path), "%s/%d.db", f->dir, p);
		fixture_reopen(f);
		assert_int_equal(do_schedule(f, 1, NOW - 1), 0);
		for (int i = 0; i < 3; i++) {
			job[i] = scheduled_request(f);
			v[i] = instant(NOW + i, &job[i]);
			v[i].outcome = OCCURRENCE_RAN_LATE;
		}
		r = occur_request((enum overlap)p, v, 3);
		assert_int_equal(do_occur(f, &r), 0);
		for (int i = 0; i < 3; i++)
			assert_int_equal(v[i].outcome,
				i < jobs[p] ? OCCURRENCE_RAN_LATE : OCCURRENCE_SKIPPED_OVERLAP);
		assert_int_equal(count_rows(f, "jobs"), jobs[p]);
		assert_int_equal(count_rows(f, "occurrences"), 3);
	}
}

static void queue_one_lets_one_wait_behind_the_one_that_runs(void **state)
{
	struct fixture *f = *state;

	(void)make_scheduled(f, JOB_RUNNING);
	assert_int_equal(decide(f, NOW + 1, OVERLAP_QUEUE_ONE, NULL).outcome, OCCURRENCE_RAN);
	assert_int_equal(
		decide(f, NOW + 2, OVERLAP_QUEUE_ONE, NULL).outcome, OCCURRENCE_SKIPPED_OVERLAP);
	assert_int_equal(count_rows(f, "jobs"), 2);
}

static void other_jobs_are_in_nobodys_way(void **state)
{
	struct fixture *f = *state;
	struct store_schedule s = {.schedule = "other", .spec = "x", .epoch = 1};
	struct store_accept job = scheduled_request(f);
	struct store_occurrence o = instant(NOW, &job);
	struct store_occur r = occur_request(OVERLAP_ALLOW, &o, 1);

	(void)make_job(f);
	store_schedule(f->db, &s);
	r.schedule = "other";
	assert_int_equal(do_occur(f, &r), 0);
	assert_int_equal(decide(f, NOW, OVERLAP_SKIP, NULL).outcome, OCCURRENCE_RAN);
	assert_int_equal(
		decide(f, NOW + 1, OVERLAP_SKIP, NULL).outcome, OCCURRENCE_SKIPPED_OVERLAP);
}

static void a_job_that_is_tried_again_is_in_the_way_again(void **state)
{
	struct fixture *f = *state;
	struct id failed = make_scheduled(f, JOB_FAILED);
	struct store_move m = move_request(&failed, JOB_FAILED, JOB_QUEUED);

	assert_int_equal(do_move(f, &m), 0);
	assert_int_equal(
		decide(f, NOW + 1, OVERLAP_SKIP, NULL).outcome, OCCURRENCE_SKIPPED_OVERLAP);
	m = move_request(&failed, JOB_QUEUED, JOB_CANCELLED);
	assert_int_equal(do_move(f, &m), 0);
	assert_int_equal(decide(f, NOW + 2, OVERLAP_SKIP, NULL).outcome, OCCURRENCE_RAN);
}

/* --- room --- */

static void without_room_only_the_outcome_is_left(void **state)
{
	struct fixture *f = *state;
	struct store_occurrence o;

	f->has_room = false;
	o = decide(f, NOW, OVERLAP_SKIP, NULL);
	assert_int_equal(o.outcome, OCCURRENCE_SKIPPED_LIMIT);
	assert_int_equal(count_rows(f, "jobs"), 0);
	assert_int_equal(count_rows(f, "events"), 0);
	assert_int_equal(count_rows(f, "occurrences WHERE outcome = 'skipped_limit'"), 1);
	assert_int_equal(decided_to(f), NOW);
	f->has_room = true;
	assert_true(decide(f, NOW, OVERLAP_SKIP, NULL).was_known);
	assert_int_equal(count_rows(f, "jobs"), 0);
}

static void what_waits_takes_no_room(void **state)
{
	static const struct {
		int64_t not_before;
		bool needs_approval, asks;
	} cases[] = {
		{0, false, true},
		{NOW - 1, false, true},
		{NOW, false, true},
		{NOW + 1, false, false},
		{0, true, false},
		{NOW + 1, true, false},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct store_accept job = scheduled_request(f);
		struct store_occurrence o = instant(NOW + (int64_t)i, &job);
		struct store_occur r = occur_request(OVERLAP_ALLOW, &o, 1);

		f->asked_for_room = 0;
		job.not_before = cases[i].not_before;
		job.needs_approval = cases[i].needs_approval;
		assert_int_equal(do_occur(f, &r), 0);
		assert_int_equal(o.outcome, OCCURRENCE_RAN);
		assert_int_equal(f->asked_for_room, cases[i].asks);
		assert_int_equal(job.took_room, cases[i].asks);
	}
	assert_int_equal(count_rows(f, "jobs WHERE state = 'queued'"), 4);
	assert_int_equal(count_rows(f, "jobs WHERE not_before > 0"), 1);
	assert_int_equal(count_rows(f, "jobs WHERE state = 'awaiting_approval'"), 2);
}

static bool room_from_the_second_time_on(void *ctx)
{
	struct fixture *f = ctx;

	return ++f->asked_for_room > 1;
}

/* An operation of the same turn that the database refuses: all others are tried again. */
static struct store_accept bad_request(struct fixture *f)
{
	struct store_accept r = accept_request(f, NULL);

	r.job_id = make_job(f);
	f->asked_for_room = 0;
	return r;
}

static void a_second_try_asks_for_room_once_and_decides_anew(void **state)
{
	struct fixture *f = *state;
	struct store_accept bad = bad_request(f), jobs[2];
	struct store_occurrence v[2];
	struct store_occur r;
	struct told t[2] = {0};

	for (int i = 0; i < 2; i++) {
		jobs[i] = scheduled_request(f);
		jobs[i].take_room = room_from_the_second_time_on;
		v[i] = instant(NOW + i, &jobs[i]);
	}
	r = occur_request(OVERLAP_ALLOW, v, 2);
	r.op.done = bad.op.done = tell_done;
	r.op.ctx = &t[0];
	bad.op.ctx = &t[1];
	store_occur(f->db, &r);
	store_accept(f->db, &bad);
	assert_int_equal(commit(f), 0);
	assert_int_equal(t[0].rc, 0);
	assert_true(t[1].rc < 0);
	/* First try: the first has no room, the second has; second try: the first has room. */
	assert_int_equal(v[0].outcome, OCCURRENCE_RAN);
	assert_int_equal(v[1].outcome, OCCURRENCE_RAN);
	assert_false(v[0].was_known);
	assert_int_equal(jobs[0].verdict, ACCEPT_NEW);
	assert_int_equal(count_rows(f, "occurrences WHERE outcome = 'ran'"), 2);
	assert_true(jobs[0].took_room && jobs[1].took_room);
	assert_int_equal(f->asked_for_room, 4); /* twice for the first, once for the two others */
	assert_int_equal(count_rows(f, "jobs"), 3);
}

static void values_that_the_schema_refuses_fail_the_request_alone(void **state)
{
	struct fixture *f = *state;
	struct store_occurrence o = instant(NOW, NULL);
	struct store_occur r = occur_request(OVERLAP_ALLOW, &o, 1);

	o.last = NOW - 1;
	assert_true(do_occur(f, &r) < 0);
	o.last = NOW;
	o.count = 0;
	assert_true(do_occur(f, &r) < 0);
	assert_int_equal(decided_to(f), NOW - 1);
	o.count = 1;
	assert_int_equal(do_occur(f, &r), 0);
	assert_int_equal(decided_to(f), NOW);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup_schedule, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_runs_is_a_row_and_a_queued_job),
		TEST(every_outcome_is_stored_as_it_is),
		TEST(an_instant_is_decided_once_also_across_a_restart),
		TEST(a_skipped_instant_is_decided_too),
		TEST(the_same_instant_twice_in_one_turn_is_one_job),
		TEST(the_instants_inside_a_stretch_are_known),
		TEST(a_new_epoch_decides_the_same_instant_again),
		TEST(another_schedule_has_instants_of_its_own),
		TEST(a_schedule_is_kept_as_it_was_told),
		TEST(what_is_decided_never_goes_back_within_an_epoch),
		TEST(without_a_state_of_that_epoch_nothing_is_decided),
		TEST(a_request_without_occurrences_only_moves_on),
		TEST(an_open_job_is_in_the_way_as_the_policy_says),
		TEST(the_jobs_of_the_same_request_are_in_the_way),
		TEST(queue_one_lets_one_wait_behind_the_one_that_runs),
		TEST(other_jobs_are_in_nobodys_way),
		TEST(a_job_that_is_tried_again_is_in_the_way_again),
		TEST(without_room_only_the_outcome_is_left),
		TEST(what_waits_takes_no_room),
		TEST(a_second_try_asks_for_room_once_and_decides_anew),
		TEST(values_that_the_schema_refuses_fail_the_request_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
