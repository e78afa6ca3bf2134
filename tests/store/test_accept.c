/* SPDX-License-Identifier: MIT */
/*
 * T1: one delivery id is one job, what has no room is kept as a rejected row and may come back.
 */
#undef NDEBUG
#include "fixture.h"

static void an_accepted_event_is_a_queued_job_with_its_event(void **state)
{
	struct fixture *f = *state;
	struct store_accept r = accept_request(f, "d1");
	struct event_record ev = {0};
	struct job j;

	assert_int_equal(do_accept(f, &r), 0);
	assert_int_equal(r.verdict, ACCEPT_NEW);
	assert_true(r.took_room);
	assert_string_equal(r.found_id.s, r.job_id.s);
	j = get_job(f, &r.job_id);
	assert_int_equal(j.seq, 1);
	assert_string_equal(j.pylon, "p");
	assert_int_equal(j.state, JOB_QUEUED);
	assert_string_equal(j.source, "webhook");
	assert_string_equal(j.delivery_id, "d1");
	assert_int_equal(j.created_at, NOW);
	assert_int_equal(j.queued_at, NOW);
	assert_int_equal(j.exit_code, -1);
	assert_null(j.reason);
	assert_null(j.result);
	job_fini(&j);
	assert_int_equal(store_event(f->db, &r.job_id, &ev, NULL), 0);
	assert_string_equal(ev.source, "webhook");
	assert_string_equal(ev.headers_json, "{\"x\":\"y\"}");
	assert_string_equal(ev.query, "a=b");
	assert_string_equal(ev.body, "{\"n\":1}");
	assert_int_equal(ev.body_n, 7);
	assert_int_equal(ev.received_at, NOW);
	event_record_fini(&ev);
}

static void an_accepted_job_is_there_after_reopening(void **state)
{
	struct fixture *f = *state;
	struct id job = make_job(f);

	fixture_reopen(f);
	assert_int_equal(state_of(f, &job), JOB_QUEUED);
	assert_sound(f);
}

static void the_same_delivery_again_is_a_duplicate_with_the_first_id(void **state)
{
	struct fixture *f = *state;
	struct store_accept a = accept_request(f, "d1"), b = accept_request(f, "d1");

	assert_int_equal(do_accept(f, &a), 0);
	fixture_reopen(f);
	assert_int_equal(do_accept(f, &b), 0);
	assert_int_equal(b.verdict, ACCEPT_DUPLICATE);
	assert_string_equal(b.found_id.s, a.job_id.s);
	assert_false(b.body_differs);
	assert_false(b.took_room);
	assert_int_equal(f->asked_for_room, 1);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM jobs"), 1);
}

static void the_same_delivery_with_another_body_is_told_apart(void **state)
{
	struct fixture *f = *state;
	struct store_accept a = accept_request(f, "d1"), b = accept_request(f, "d1");

	assert_int_equal(do_accept(f, &a), 0);
	b.body = SLICE_LIT("{}");
	b.body_sha256 = "bb";
	assert_int_equal(do_accept(f, &b), 0);
	assert_int_equal(b.verdict, ACCEPT_DUPLICATE);
	assert_true(b.body_differs);
}

static void a_body_without_a_hash_never_differs(void **state)
{
	struct fixture *f = *state;
	struct store_accept a = accept_request(f, "d1"), b = accept_request(f, "d1");

	a.body_sha256 = NULL;
	assert_int_equal(do_accept(f, &a), 0);
	assert_int_equal(do_accept(f, &b), 0);
	assert_int_equal(b.verdict, ACCEPT_DUPLICATE);
	assert_false(b.body_differs);
}

static void without_a_delivery_id_every_event_is_a_job(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 3; i++)
		(void)make_job(f);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM jobs"), 3);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM dedupe"), 0);
}

static void sixty_four_deliveries_with_one_id_in_one_turn_are_one_job(void **state)
{
	struct fixture *f = *state;
	struct store_accept r[64];
	struct told t[64] = {0};
	int fresh = 0;

	for (int i = 0; i < 64; i++) {
		r[i] = accept_request(f, "same");
		r[i].op.done = tell_done;
		r[i].op.ctx = &t[i];
		store_accept(f->db, &r[i]);
	}
	assert_int_equal(f->wakes, 1);
	assert_int_equal(commit(f), 0);
	for (int i = 0; i < 64; i++) {
		assert_int_equal(t[i].times, 1);
		assert_int_equal(t[i].rc, 0);
		assert_string_equal(r[i].found_id.s, r[0].job_id.s);
		fresh += r[i].verdict == ACCEPT_NEW;
		assert_true(i == 0 || t[i].order == t[i - 1].order + 1);
	}
	assert_int_equal(fresh, 1);
	assert_int_equal(f->asked_for_room, 1);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM jobs"), 1);
}

static void jobs_of_one_turn_have_rising_times_and_order(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 5; i++)
		(void)make_job(f);
	assert_int_equal(sql_value(f->path, "SELECT count(DISTINCT created_at) FROM jobs"), 5);
	assert_int_equal(
		sql_value(f->path, "SELECT max(created_at) - min(created_at) FROM jobs"), 4);
	assert_int_equal(
		sql_value(f->path, "SELECT count(*) FROM jobs a JOIN jobs b "
				   "ON b.seq = a.seq + 1 WHERE b.created_at > a.created_at"),
		4);
}

static void a_clock_set_back_far_is_believed(void **state)
{
	struct fixture *f = *state;
	struct store_accept a = accept_request(f, NULL), b = accept_request(f, NULL);
	struct job j;

	assert_int_equal(do_accept(f, &a), 0);
	b.now_real = NOW - 3600 * US_PER_SEC;
	assert_int_equal(do_accept(f, &b), 0);
	j = get_job(f, &b.job_id);
	assert_int_equal(j.created_at, b.now_real);
	assert_int_equal(j.seq, 2);
	job_fini(&j);
}

static void what_needs_approval_waits_without_room(void **state)
{
	struct fixture *f = *state;
	struct store_accept r = accept_request(f, "d1");
	struct store_outgoing out = outgoing("stdout", NOW);
	struct id expiring;
	struct job j;
	int64_t at;

	f->has_room = false;
	out.kind = "approval";
	r.needs_approval = true;
	r.expires_at = NOW + 5;
	r.outgoing = &out;
	r.outgoing_count = 1;
	assert_int_equal(do_accept(f, &r), 0);
	assert_int_equal(r.verdict, ACCEPT_NEW);
	assert_false(r.took_room);
	assert_int_equal(f->asked_for_room, 0);
	j = get_job(f, &r.job_id);
	assert_int_equal(j.state, JOB_AWAITING_APPROVAL);
	assert_int_equal(j.expires_at, NOW + 5);
	assert_int_equal(j.queued_at, 0);
	job_fini(&j);
	assert_int_equal(store_next_expiry(f->db, &at, &expiring, NULL), 0);
	assert_int_equal(at, NOW + 5);
	assert_string_equal(expiring.s, r.job_id.s);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM deliveries "
					    "WHERE kind = 'approval' AND state = 'pending'"),
		1);
}

static void what_may_not_start_yet_waits_without_room(void **state)
{
	struct fixture *f = *state;
	struct store_counts c;
	int64_t due = -1;
	struct job j;

	for (int64_t early = -1; early <= 1; early++) {
		struct store_accept r = accept_request(f, NULL);

		f->has_room = early <= 0;
		f->asked_for_room = 0;
		r.not_before = NOW + early;
		assert_int_equal(do_accept(f, &r), 0);
		assert_int_equal(r.verdict, ACCEPT_NEW);
		assert_int_equal(f->asked_for_room, early <= 0);
		assert_int_equal(r.took_room, early <= 0);
		j = get_job(f, &r.job_id);
		assert_int_equal(j.state, JOB_QUEUED);
		assert_int_equal(j.queued_at, NOW);
		assert_int_equal(j.not_before, early > 0 ? NOW + early : 0);
		job_fini(&j);
	}
	assert_int_equal(store_count(f->db, NOW, &c, NULL), 0);
	assert_int_equal(c.queued_now, 2);
	assert_int_equal(c.jobs[JOB_QUEUED], 3);
	fixture_close(f);
	sql_run(f->path, "DELETE FROM jobs WHERE not_before = 0");
	fixture_open(f);
	assert_int_equal(store_next_queued(f->db, NOW, false, &j, &due, NULL), STORE_E_NOT_FOUND);
	assert_int_equal(due, NOW + 1);
	assert_int_equal(store_next_queued(f->db, NOW + 1, false, &j, &due, NULL), 0);
	job_fini(&j);
}

static void approval_goes_before_the_time(void **state)
{
	struct fixture *f = *state;
	struct store_accept r = accept_request(f, NULL);
	struct job j;

	r.needs_approval = true;
	r.not_before = NOW + 1;
	assert_int_equal(do_accept(f, &r), 0);
	j = get_job(f, &r.job_id);
	assert_int_equal(j.state, JOB_AWAITING_APPROVAL);
	assert_int_equal(j.not_before, 0);
	job_fini(&j);
}

static void a_rejected_event_may_come_back_for_later(void **state)
{
	struct fixture *f = *state;
	struct store_accept a = accept_request(f, "d1"), b = accept_request(f, "d1");
	struct job j;

	f->has_room = false;
	assert_int_equal(do_accept(f, &a), 0);
	b.not_before = NOW + 1;
	assert_int_equal(do_accept(f, &b), 0);
	assert_int_equal(b.verdict, ACCEPT_REVIVED);
	assert_false(b.took_room);
	j = get_job(f, &a.job_id);
	assert_int_equal(j.state, JOB_QUEUED);
	assert_int_equal(j.not_before, NOW + 1);
	job_fini(&j);
}

static void without_room_a_rejected_row_keeps_the_event(void **state)
{
	struct fixture *f = *state;
	struct store_accept r = accept_request(f, "d1");
	struct store_outgoing out = outgoing("stdout", NOW);
	struct event_record ev = {0};
	struct job j;

	f->has_room = false;
	r.outgoing = &out;
	r.outgoing_count = 1;
	assert_int_equal(do_accept(f, &r), 0);
	assert_int_equal(r.verdict, ACCEPT_REJECTED);
	assert_false(r.took_room);
	j = get_job(f, &r.job_id);
	assert_int_equal(j.state, JOB_REJECTED);
	assert_string_equal(j.reason, "full");
	assert_int_equal(j.finished_at, NOW);
	job_fini(&j);
	assert_int_equal(store_event(f->db, &r.job_id, &ev, NULL), 0);
	event_record_fini(&ev);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM deliveries"), 0);
}

static void a_redelivery_without_room_makes_no_second_row(void **state)
{
	struct fixture *f = *state;
	struct store_accept a = accept_request(f, "d1"), b = accept_request(f, "d1");

	f->has_room = false;
	assert_int_equal(do_accept(f, &a), 0);
	assert_int_equal(do_accept(f, &b), 0);
	assert_int_equal(b.verdict, ACCEPT_REJECTED);
	assert_string_equal(b.found_id.s, a.job_id.s);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM jobs"), 1);
}

static void a_redelivery_with_room_revives_the_same_row(void **state)
{
	struct fixture *f = *state;
	struct store_accept a = accept_request(f, "d1"), b = accept_request(f, "d1");
	struct store_accept c = accept_request(f, "d1");
	struct job j;

	f->has_room = false;
	assert_int_equal(do_accept(f, &a), 0);
	f->has_room = true;
	b.now_real = NOW + 9;
	assert_int_equal(do_accept(f, &b), 0);
	assert_int_equal(b.verdict, ACCEPT_REVIVED);
	assert_true(b.took_room);
	assert_string_equal(b.found_id.s, a.job_id.s);
	j = get_job(f, &a.job_id);
	assert_int_equal(j.state, JOB_QUEUED);
	assert_int_equal(j.queued_at, NOW + 9);
	assert_int_equal(j.finished_at, 0);
	assert_null(j.reason);
	job_fini(&j);
	assert_int_equal(do_accept(f, &c), 0);
	assert_int_equal(c.verdict, ACCEPT_DUPLICATE);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM jobs"), 1);
}

static void a_rejected_event_does_not_slip_past_a_new_approval_rule(void **state)
{
	struct fixture *f = *state;
	struct store_accept a = accept_request(f, "d1"), b = accept_request(f, "d1");

	f->has_room = false;
	assert_int_equal(do_accept(f, &a), 0);
	f->has_room = true;
	b.needs_approval = true;
	assert_int_equal(do_accept(f, &b), 0);
	assert_int_equal(b.verdict, ACCEPT_REJECTED);
	assert_int_equal(state_of(f, &a.job_id), JOB_REJECTED);
}

static void rejected_without_a_delivery_id_is_a_row_each_time(void **state)
{
	struct fixture *f = *state;

	f->has_room = false;
	for (int i = 0; i < 3; i++) {
		struct store_accept r = accept_request(f, NULL);

		assert_int_equal(do_accept(f, &r), 0);
		assert_int_equal(r.verdict, ACCEPT_REJECTED);
	}
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM jobs WHERE state='rejected'"), 3);
}

/* Rejects count events with the ids "r<from>" and on, in turns of at most 64. */
static void reject_many(struct fixture *f, int from, int count)
{
	for (int i = 0; i < count; i += 64) {
		struct store_accept r[64];
		struct told t[64] = {0};
		char keys[64][16];
		int n = MIN_OF(64, count - i);

		for (int k = 0; k < n; k++) {
			(void)snprintf(keys[k], sizeof(keys[k]), "r%d", from + i + k);
			r[k] = accept_request(f, keys[k]);
			r[k].now_real = NOW + from + i + k;
			r[k].op.done = tell_done;
			r[k].op.ctx = &t[k];
			store_accept(f->db, &r[k]);
		}
		assert_int_equal(commit(f), 0);
		for (int k = 0; k < n; k++) {
			assert_int_equal(t[k].rc, 0);
			assert_int_equal(r[k].verdict, ACCEPT_REJECTED);
		}
	}
}

static int64_t rejected_rows(const struct fixture *f)
{
	return sql_value(f->path, "SELECT count(*) FROM jobs WHERE state = 'rejected'");
}

static void rejected_rows_are_kept_up_to_the_limit(void **state)
{
	struct fixture *f = *state;

	f->has_room = false;
	reject_many(f, 0, REJECTED_ROWS_MAX - 1);
	assert_int_equal(rejected_rows(f), REJECTED_ROWS_MAX - 1);
	reject_many(f, REJECTED_ROWS_MAX - 1, 1);
	assert_int_equal(rejected_rows(f), REJECTED_ROWS_MAX);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM dedupe WHERE key = 'r0'"), 1);
	reject_many(f, REJECTED_ROWS_MAX, 1);
	assert_int_equal(rejected_rows(f), REJECTED_ROWS_MAX);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM dedupe WHERE key = 'r0'"), 0);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM dedupe WHERE key = 'r1'"), 1);
	reject_many(f, REJECTED_ROWS_MAX + 1, 64);
	assert_int_equal(rejected_rows(f), REJECTED_ROWS_MAX);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM dedupe"), REJECTED_ROWS_MAX);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM events"), REJECTED_ROWS_MAX);
	assert_sound(f);
}

static void a_dropped_rejection_is_new_again_when_redelivered(void **state)
{
	struct fixture *f = *state;
	struct store_accept r;

	f->has_room = false;
	reject_many(f, 0, REJECTED_ROWS_MAX + 1);
	f->has_room = true;
	r = accept_request(f, "r0");
	assert_int_equal(do_accept(f, &r), 0);
	assert_int_equal(r.verdict, ACCEPT_NEW);
}

static void reviving_makes_room_for_another_rejection(void **state)
{
	struct fixture *f = *state;
	struct store_accept r;

	f->has_room = false;
	reject_many(f, 0, REJECTED_ROWS_MAX);
	f->has_room = true;
	r = accept_request(f, "r500");
	assert_int_equal(do_accept(f, &r), 0);
	assert_int_equal(r.verdict, ACCEPT_REVIVED);
	f->has_room = false;
	reject_many(f, REJECTED_ROWS_MAX, 1);
	assert_int_equal(rejected_rows(f), REJECTED_ROWS_MAX);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM dedupe WHERE key = 'r0'"), 1);
}

static void a_body_of_25_mib_is_kept_byte_for_byte(void **state)
{
	struct fixture *f = *state;
	struct store_accept r = accept_request(f, NULL);
	struct event_record ev = {0};
	char *body = xcalloc(1, BODY_MAX_LIMIT + 1);

	memset(body, ' ', BODY_MAX_LIMIT);
	body[0] = '{';
	body[BODY_MAX_LIMIT - 1] = '}';
	r.body = (struct slice){body, BODY_MAX_LIMIT};
	assert_int_equal(do_accept(f, &r), 0);
	assert_int_equal(store_event(f->db, &r.job_id, &ev, NULL), 0);
	assert_int_equal(ev.body_n, BODY_MAX_LIMIT);
	assert_memory_equal(ev.body, body, BODY_MAX_LIMIT);
	event_record_fini(&ev);
	free(body);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_accepted_event_is_a_queued_job_with_its_event),
		TEST(an_accepted_job_is_there_after_reopening),
		TEST(the_same_delivery_again_is_a_duplicate_with_the_first_id),
		TEST(the_same_delivery_with_another_body_is_told_apart),
		TEST(a_body_without_a_hash_never_differs),
		TEST(without_a_delivery_id_every_event_is_a_job),
		TEST(sixty_four_deliveries_with_one_id_in_one_turn_are_one_job),
		TEST(jobs_of_one_turn_have_rising_times_and_order),
		TEST(a_clock_set_back_far_is_believed),
		TEST(what_needs_approval_waits_without_room),
		TEST(what_may_not_start_yet_waits_without_room),
		TEST(approval_goes_before_the_time),
		TEST(a_rejected_event_may_come_back_for_later),
		TEST(without_room_a_rejected_row_keeps_the_event),
		TEST(a_redelivery_without_room_makes_no_second_row),
		TEST(a_redelivery_with_room_revives_the_same_row),
		TEST(a_rejected_event_does_not_slip_past_a_new_approval_rule),
		TEST(rejected_without_a_delivery_id_is_a_row_each_time),
		TEST(rejected_rows_are_kept_up_to_the_limit),
		TEST(a_dropped_rejection_is_new_again_when_redelivered),
		TEST(reviving_makes_room_for_another_rejection),
		TEST(a_body_of_25_mib_is_kept_byte_for_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
