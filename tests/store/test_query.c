/* SPDX-License-Identifier: MIT */
/*
 * Reads, and forgetting (prune).
 */
#undef NDEBUG
#include "fixture.h"

struct seen {
	size_t n;
	struct id ids[64];
	struct fixture *f;
};

static void collect(const struct job *j, void *ctx)
{
	struct seen *s = ctx;

	assert_true(s->n < ARRAY_LEN(s->ids));
	s->ids[s->n++] = j->id;
}

static void jobs_are_paged_newest_first_without_gap_or_repetition(void **state)
{
	struct fixture *f = *state;
	struct store_job_query q = {.state = JOB_STATES, .limit = 2};
	struct id made[5];
	int next = 4;

	for (int i = 0; i < 5; i++)
		made[i] = make_job(f); /* all at the same NOW */
	for (;;) {
		struct seen s = {0};
		struct job j;

		assert_int_equal(store_jobs(f->db, &q, collect, &s, NULL), 0);
		if (s.n == 0)
			break;
		for (size_t i = 0; i < s.n; i++)
			assert_string_equal(s.ids[i].s, made[next--].s);
		j = get_job(f, &s.ids[s.n - 1]);
		q.before_created = j.created_at;
		job_fini(&j);
	}
	assert_int_equal(next, -1);
}

static void jobs_are_listed_by_state(void **state)
{
	struct fixture *f = *state;
	struct store_job_query q = {.state = JOB_FAILED};
	struct id failed = make_finished(f, JOB_FAILED, NOW);
	struct seen s = {0};

	(void)make_job(f);
	(void)make_finished(f, JOB_COMPLETED, NOW);
	assert_int_equal(store_jobs(f->db, &q, collect, &s, NULL), 0);
	assert_int_equal(s.n, 1);
	assert_string_equal(s.ids[0].s, failed.s);
	q.before_created = NOW; /* nothing is older */
	s.n = 0;
	assert_int_equal(store_jobs(f->db, &q, collect, &s, NULL), 0);
	assert_int_equal(s.n, 0);
}

static void without_a_limit_a_list_still_ends(void **state)
{
	struct fixture *f = *state;
	struct store_job_query q = {.state = JOB_STATES};
	struct seen s = {0};

	for (int i = 0; i < LIST_LIMIT_DEFAULT + 2; i++)
		(void)make_job(f);
	assert_int_equal(store_jobs(f->db, &q, collect, &s, NULL), 0);
	assert_int_equal(s.n, LIST_LIMIT_DEFAULT);
}

static void list_again(const struct job *j UNUSED, void *ctx)
{
	struct seen *s = ctx, inner = {0};
	struct store_job_query q = {.state = JOB_STATES};

	assert_int_equal(store_jobs(s->f->db, &q, collect, &inner, NULL), 0);
	assert_int_equal(inner.n, 3);
	s->n++;
}

static void a_callback_may_read_the_same_list(void **state)
{
	struct fixture *f = *state;
	struct store_job_query q = {.state = JOB_STATES};
	struct seen s = {.f = f};

	for (int i = 0; i < 3; i++)
		(void)make_job(f);
	assert_int_equal(store_jobs(f->db, &q, list_again, &s, NULL), 0);
	assert_int_equal(s.n, 3);
}

static void a_job_is_found_by_a_unique_prefix(void **state)
{
	struct fixture *f = *state;
	struct store_accept a = accept_request(f, NULL), b = accept_request(f, NULL);
	struct job j;

	(void)str_copy(a.job_id.s, ID_SIZE, "aaaa1111-0000-4000-8000-000000000000");
	(void)str_copy(b.job_id.s, ID_SIZE, "aaaa2222-0000-4000-8000-000000000000");
	assert_int_equal(do_accept(f, &a), 0);
	assert_int_equal(do_accept(f, &b), 0);
	assert_int_equal(store_job_by_prefix(f->db, "aaaa2", &j, NULL), 0);
	assert_string_equal(j.id.s, b.job_id.s);
	job_fini(&j);
	assert_int_equal(store_job_by_prefix(f->db, a.job_id.s, &j, NULL), 0);
	assert_string_equal(j.id.s, a.job_id.s);
	job_fini(&j);
	assert_int_equal(store_job_by_prefix(f->db, "aaaa", &j, NULL), STORE_E_STATE);
	assert_int_equal(store_job_by_prefix(f->db, "aaaa3", &j, NULL), STORE_E_NOT_FOUND);
	assert_int_equal(store_job_by_prefix(f->db, "ffff", &j, NULL), STORE_E_NOT_FOUND);
}

static void what_is_not_there_is_not_found(void **state)
{
	struct fixture *f = *state;
	struct event_record ev;
	struct run r;
	struct job j;
	struct id id;

	id_make(&id);
	assert_int_equal(store_job(f->db, &id, &j, NULL), STORE_E_NOT_FOUND);
	assert_int_equal(store_event(f->db, &id, &ev, NULL), STORE_E_NOT_FOUND);
	assert_int_equal(store_run(f->db, &id, &r, NULL), STORE_E_NOT_FOUND);
	assert_int_equal(store_living_run(f->db, &id, &r, NULL), STORE_E_NOT_FOUND);
}

static void the_queue_is_first_in_first_out_whatever_the_clock_says(void **state)
{
	struct fixture *f = *state;
	struct store_accept a = accept_request(f, NULL), b = accept_request(f, NULL);
	struct id run;
	struct job j;
	int64_t due = -1;

	assert_int_equal(do_accept(f, &a), 0);
	b.now_real = NOW - 3600 * US_PER_SEC;
	assert_int_equal(do_accept(f, &b), 0);
	assert_int_equal(store_next_queued(f->db, NOW, false, &j, &due, NULL), 0);
	assert_string_equal(j.id.s, a.job_id.s);
	job_fini(&j);
	assert_int_equal(do_claim(f, &a.job_id, &run), 0);
	assert_int_equal(store_next_queued(f->db, NOW, false, &j, &due, NULL), 0);
	assert_string_equal(j.id.s, b.job_id.s);
	job_fini(&j);
	assert_int_equal(do_claim(f, &b.job_id, &run), 0);
	assert_int_equal(store_next_queued(f->db, NOW, false, &j, &due, NULL), STORE_E_NOT_FOUND);
	assert_int_equal(due, 0);
}

static void a_delayed_job_does_not_hold_up_the_queue(void **state)
{
	struct fixture *f = *state;
	struct id late = make_finished(f, JOB_FAILED, NOW), ready;
	struct store_move m = move_request(&late, JOB_FAILED, JOB_QUEUED);
	struct store_counts c;
	struct id run;
	struct job j;
	int64_t due = -1;

	m.not_before = NOW + 100;
	assert_int_equal(do_move(f, &m), 0);
	ready = make_job(f);
	assert_int_equal(store_next_queued(f->db, NOW, false, &j, &due, NULL), 0);
	assert_string_equal(j.id.s, ready.s);
	job_fini(&j);
	assert_int_equal(store_count(f->db, NOW, &c, NULL), 0);
	assert_int_equal(c.jobs[JOB_QUEUED], 2);
	assert_int_equal(c.queued_now, 1);
	assert_int_equal(do_claim(f, &ready, &run), 0);
	assert_int_equal(store_next_queued(f->db, NOW, false, &j, &due, NULL), STORE_E_NOT_FOUND);
	assert_int_equal(due, NOW + 100);
	assert_int_equal(store_next_queued(f->db, NOW + 100, false, &j, &due, NULL), 0);
	assert_string_equal(j.id.s, late.s);
	job_fini(&j);
}

static void jobs_of_occurrences_can_be_passed_over(void **state)
{
	struct fixture *f = *state;
	struct store_accept due = scheduled_request(f), later = scheduled_request(f);
	struct store_accept webhook = accept_request(f, NULL), delayed = accept_request(f, NULL);
	struct id run;
	struct job j;
	int64_t next = -1;

	assert_int_equal(do_accept(f, &due), 0);
	later.not_before = NOW + 5;
	assert_int_equal(do_accept(f, &later), 0);
	assert_int_equal(store_next_queued(f->db, NOW, true, &j, &next, NULL), STORE_E_NOT_FOUND);
	assert_int_equal(next, 0);
	delayed.not_before = NOW + 9;
	assert_int_equal(do_accept(f, &delayed), 0);
	assert_int_equal(store_next_queued(f->db, NOW, true, &j, &next, NULL), STORE_E_NOT_FOUND);
	assert_int_equal(next, NOW + 9);
	assert_int_equal(do_accept(f, &webhook), 0);
	assert_int_equal(store_next_queued(f->db, NOW, true, &j, &next, NULL), 0);
	assert_string_equal(j.id.s, webhook.job_id.s);
	job_fini(&j);
	assert_int_equal(store_next_queued(f->db, NOW, false, &j, &next, NULL), 0);
	assert_string_equal(j.id.s, due.job_id.s);
	job_fini(&j);
	assert_int_equal(do_claim(f, &due.job_id, &run), 0);
	assert_int_equal(do_claim(f, &webhook.job_id, &run), 0);
	assert_int_equal(store_next_queued(f->db, NOW, false, &j, &next, NULL), STORE_E_NOT_FOUND);
	assert_int_equal(next, NOW + 5);
}

static void open_jobs_come_oldest_first_and_only_they(void **state)
{
	struct fixture *f = *state;
	struct store_accept w = accept_request(f, NULL);
	struct id queued = make_job(f), starting = make_job(f), running = make_job(f), run;
	struct store_counts c;
	struct seen s = {0};

	(void)make_finished(f, JOB_COMPLETED, NOW);
	w.needs_approval = true;
	assert_int_equal(do_accept(f, &w), 0);
	assert_int_equal(do_claim(f, &starting, &run), 0);
	assert_int_equal(do_claim(f, &running, &run), 0);
	assert_int_equal(do_started(f, &running, &run), 0);
	assert_int_equal(store_open_jobs(f->db, false, collect, &s, NULL), 0);
	assert_int_equal(s.n, 4);
	assert_string_equal(s.ids[0].s, queued.s);
	assert_string_equal(s.ids[3].s, w.job_id.s);
	s.n = 0;
	assert_int_equal(store_open_jobs(f->db, true, collect, &s, NULL), 0);
	assert_int_equal(s.n, 2);
	assert_string_equal(s.ids[0].s, starting.s);
	assert_string_equal(s.ids[1].s, running.s);
	assert_int_equal(store_count(f->db, NOW, &c, NULL), 0);
	assert_int_equal(c.jobs[JOB_QUEUED], 1);
	assert_int_equal(c.jobs[JOB_STARTING], 1);
	assert_int_equal(c.jobs[JOB_RUNNING], 1);
	assert_int_equal(c.jobs[JOB_AWAITING_APPROVAL], 1);
	assert_int_equal(c.jobs[JOB_COMPLETED], 0);
}

static void the_earliest_expiry_is_told(void **state)
{
	struct fixture *f = *state;
	int64_t expiries[] = {NOW + 30, NOW + 10, 0, NOW + 20};
	struct id ids[4], found;
	struct store_move m;
	int64_t at = -1;

	assert_int_equal(store_next_expiry(f->db, &at, &found, NULL), 0);
	assert_int_equal(at, 0);
	for (int i = 0; i < 4; i++) {
		struct store_accept r = accept_request(f, NULL);

		r.needs_approval = true;
		r.expires_at = expiries[i];
		assert_int_equal(do_accept(f, &r), 0);
		ids[i] = r.job_id;
	}
	assert_int_equal(store_next_expiry(f->db, &at, &found, NULL), 0);
	assert_int_equal(at, NOW + 10);
	assert_string_equal(found.s, ids[1].s);
	m = move_request(&ids[1], JOB_AWAITING_APPROVAL, JOB_EXPIRED);
	assert_int_equal(do_move(f, &m), 0);
	assert_int_equal(store_next_expiry(f->db, &at, &found, NULL), 0);
	assert_int_equal(at, NOW + 20);
}

/* --- prune --- */

static struct store_prune do_prune(struct fixture *f, int64_t jobs, int64_t dedupe)
{
	struct store_prune r = {.jobs_before = jobs, .dedupe_before = dedupe};
	struct told t = {0};

	r.op.done = tell_done;
	r.op.ctx = &t;
	store_prune(f->db, &r);
	assert_int_equal(commit(f), 0);
	assert_int_equal(t.rc, 0);
	return r;
}

static void old_finished_jobs_go_with_all_that_hangs_on_them(void **state)
{
	static const char *const channels[] = {"webhook"};
	struct fixture *f = *state;
	struct id old = make_finished(f, JOB_COMPLETED, NOW - 10);
	struct id young = make_finished(f, JOB_FAILED, NOW), waiting = make_job(f), pending;
	struct id unsent = make_deliveries(f, 1, channels, NOW, &pending);
	struct store_prune r = do_prune(f, NOW, 0);
	struct job j;

	assert_int_equal(r.rows, 1);
	assert_false(r.more);
	assert_int_equal(store_job(f->db, &old, &j, NULL), STORE_E_NOT_FOUND);
	r = do_prune(f, NOW + 1000, 0);
	assert_int_equal(r.rows, 1);
	assert_int_equal(store_job(f->db, &young, &j, NULL), STORE_E_NOT_FOUND);
	assert_int_equal(state_of(f, &waiting), JOB_QUEUED);
	assert_int_equal(state_of(f, &unsent), JOB_COMPLETED);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM events"), 2);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM runs"), 1);
	assert_sound(f);
}

static void a_dead_delivery_does_not_keep_an_old_job(void **state)
{
	static const char *const channels[] = {"webhook"};
	struct fixture *f = *state;
	struct id id, job = make_deliveries(f, 1, channels, NOW, &id);
	struct job j;

	fixture_close(f);
	sql_run(f->path, "UPDATE deliveries SET state = 'dead'");
	fixture_open(f);
	assert_int_equal(do_prune(f, NOW + 1000, 0).rows, 1);
	assert_int_equal(store_job(f->db, &job, &j, NULL), STORE_E_NOT_FOUND);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM deliveries"), 0);
}

static void zero_keeps_everything(void **state)
{
	struct fixture *f = *state;

	(void)make_finished(f, JOB_COMPLETED, 1);
	assert_int_equal(do_prune(f, 0, 0).rows, 0);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM jobs"), 1);
}

static void dedupe_keys_outlive_jobs_and_are_pruned_by_their_own_age(void **state)
{
	struct fixture *f = *state;
	struct store_accept a = accept_request(f, "d1"), b = accept_request(f, "d1");
	struct store_move m;

	assert_int_equal(do_accept(f, &a), 0);
	m = move_request(&a.job_id, JOB_QUEUED, JOB_CANCELLED);
	assert_int_equal(do_move(f, &m), 0);
	assert_int_equal(do_prune(f, NOW + 1000, NOW).rows, 1);
	assert_int_equal(do_accept(f, &b), 0);
	assert_int_equal(b.verdict, ACCEPT_DUPLICATE);
	assert_string_equal(b.found_id.s, a.job_id.s);
	assert_int_equal(do_prune(f, 0, NOW + 1).rows, 1);
	assert_int_equal(do_accept(f, &b), 0);
	assert_int_equal(b.verdict, ACCEPT_NEW);
}

static void a_pruned_rejection_takes_its_key_along(void **state)
{
	struct fixture *f = *state;
	struct store_accept a = accept_request(f, "d1"), b = accept_request(f, "d1");

	f->has_room = false;
	assert_int_equal(do_accept(f, &a), 0);
	assert_int_equal(do_prune(f, NOW + 1, 0).rows, 1);
	f->has_room = true;
	assert_int_equal(do_accept(f, &b), 0);
	assert_int_equal(b.verdict, ACCEPT_NEW);
}

static void pruning_goes_in_small_batches(void **state)
{
	struct fixture *f = *state;
	int64_t total = 0;
	int batches = 0;
	struct store_prune r;

	for (int i = 0; i < 250; i++) {
		char key[16];
		struct store_accept a = accept_request(f, key);

		(void)snprintf(key, sizeof(key), "k%d", i);
		assert_int_equal(do_accept(f, &a), 0);
	}
	fixture_close(f);
	sql_run(f->path, "UPDATE jobs SET state = 'completed', finished_at = 5");
	fixture_open(f);
	do {
		r = do_prune(f, NOW, NOW + 1);
		assert_true(r.rows < 300);
		total += r.rows;
		batches++;
	} while (r.more);
	assert_int_equal(total, 500);
	assert_true(batches >= 3);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM jobs"), 0);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM events"), 0);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM dedupe"), 0);
}

static void rejected_rows_beyond_the_limit_are_pruned(void **state)
{
	struct fixture *f = *state;
	struct store_prune r;
	int64_t total = 0;

	f->has_room = false;
	for (int i = 0; i < 3; i++) {
		struct store_accept a = accept_request(f, NULL);

		assert_int_equal(do_accept(f, &a), 0);
	}
	fixture_close(f);
	sql_run(f->path, "WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n "
			 "WHERE i < 1127) INSERT INTO jobs(id, seq, pylon, state, source, "
			 "created_at, finished_at) SELECT 'x' || i, i, 'p', 'rejected', 'webhook', "
			 "i, i FROM n");
	fixture_open(f);
	do {
		r = do_prune(f, 0, 0);
		assert_true(r.rows < 100);
		total += r.rows;
	} while (r.more);
	assert_int_equal(total, 121);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM jobs"), REJECTED_ROWS_MAX);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(jobs_are_paged_newest_first_without_gap_or_repetition),
		TEST(jobs_are_listed_by_state),
		TEST(without_a_limit_a_list_still_ends),
		TEST(a_callback_may_read_the_same_list),
		TEST(a_job_is_found_by_a_unique_prefix),
		TEST(what_is_not_there_is_not_found),
		TEST(the_queue_is_first_in_first_out_whatever_the_clock_says),
		TEST(a_delayed_job_does_not_hold_up_the_queue),
		TEST(jobs_of_occurrences_can_be_passed_over),
		TEST(open_jobs_come_oldest_first_and_only_they),
		TEST(the_earliest_expiry_is_told),
		TEST(old_finished_jobs_go_with_all_that_hangs_on_them),
		TEST(a_dead_delivery_does_not_keep_an_old_job),
		TEST(zero_keeps_everything),
		TEST(dedupe_keys_outlive_jobs_and_are_pruned_by_their_own_age),
		TEST(a_pruned_rejection_takes_its_key_along),
		TEST(pruning_goes_in_small_batches),
		TEST(rejected_rows_beyond_the_limit_are_pruned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
