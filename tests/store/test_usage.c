/* SPDX-License-Identifier: MIT */
/*
 * Cost and tokens: kept with each run, added up for the job, and numbers that can be shown whatever
 * an agent told.
 */
#undef NDEBUG
#include <math.h>
#include <signal.h>
#include <sys/wait.h>

#include "fixture.h"

#define COST_MOST 1e9

static bool is_about(double a, double b)
{
	return a > b - 1e-6 && a < b + 1e-6;
}

static void assert_usage(
	const struct usage *u, int64_t in, int64_t out, int64_t read, int64_t write)
{
	assert_int_equal(u->input_tokens, in);
	assert_int_equal(u->output_tokens, out);
	assert_int_equal(u->cache_read_tokens, read);
	assert_int_equal(u->cache_write_tokens, write);
}

/* A run of a queued job that tells this. */
static struct id run_once(struct fixture *f, const struct id *job, enum job_state end, double cost,
	struct usage usage)
{
	struct store_finish r;
	struct id run;

	assert_int_equal(do_claim(f, job, &run), 0);
	assert_int_equal(do_started(f, job, &run), 0);
	r = finish_request(job, &run, end);
	r.cost_usd = cost;
	r.usage = usage;
	assert_int_equal(do_finish(f, &r), 0);
	return run;
}

static struct run get_run(struct fixture *f, const struct id *id)
{
	struct run r = {0};

	assert_int_equal(store_run(f->db, id, &r, NULL), 0);
	return r;
}

static void assert_job(struct fixture *f, const struct id *job, double cost, int64_t in,
	int64_t out, int64_t read, int64_t write)
{
	struct job j = get_job(f, job);

	assert_true(is_about(j.cost_usd, cost));
	assert_usage(&j.usage, in, out, read, write);
	job_fini(&j);
}

static void what_a_run_used_is_kept_with_it(void **state)
{
	struct fixture *f = *state;
	struct id job = make_job(f), run;
	struct run r;

	run = run_once(f, &job, JOB_COMPLETED, 0.125, (struct usage){1, 2, 3, 4});
	fixture_reopen(f);
	r = get_run(f, &run);
	assert_true(is_about(r.cost_usd, 0.125));
	assert_usage(&r.usage, 1, 2, 3, 4);
	assert_int_equal(r.exit_code, 0); /* the columns beside it are what they were */
	assert_int_equal(r.created_at, NOW);
	assert_string_equal(r.image, "img");
	run_fini(&r);
	assert_job(f, &job, 0.125, 1, 2, 3, 4);
}

/* store_runs() and store_jobs() of three runs and their job. */
static void collect_run(const struct run *r, void *ctx)
{
	int *n = ctx;
	int64_t i = ++*n;

	assert_true(is_about(r->cost_usd, 0.5 * (double)i));
	assert_usage(&r->usage, i, 10 * i, 100 * i, 1000 * i);
}

static void collect_job(const struct job *j, void *ctx)
{
	int *n = ctx;

	assert_true(is_about(j->cost_usd, 3));
	assert_usage(&j->usage, 6, 60, 600, 6000);
	++*n;
}

static void a_job_used_what_all_its_runs_used(void **state)
{
	static const enum job_state ends[] = {JOB_QUEUED, JOB_QUEUED, JOB_COMPLETED};
	struct fixture *f = *state;
	struct store_job_query any = {.state = JOB_STATES}, completed = {.state = JOB_COMPLETED};
	struct id job = make_job(f);
	struct job j;
	int n = 0;

	for (int64_t i = 1; i <= 3; i++)
		(void)run_once(f, &job, ends[i - 1], 0.5 * (double)i,
			(struct usage){i, 10 * i, 100 * i, 1000 * i});
	assert_job(f, &job, 3, 6, 60, 600, 6000);
	assert_int_equal(store_job_by_prefix(f->db, job.s, &j, NULL), 0);
	assert_usage(&j.usage, 6, 60, 600, 6000);
	job_fini(&j);
	assert_int_equal(store_runs(f->db, &job, collect_run, &n, NULL), 0);
	assert_int_equal(n, 3);
	n = 0;
	assert_int_equal(store_jobs(f->db, &any, collect_job, &n, NULL), 0);
	assert_int_equal(store_jobs(f->db, &completed, collect_job, &n, NULL), 0);
	assert_int_equal(n, 2);
}

static void collect_cost_only(const struct job *j, void *ctx)
{
	int *n = ctx;

	assert_true(is_about(j->cost_usd, 0.5));
	assert_usage(&j->usage, 0, 0, 0, 0);
	++*n;
}

static void the_reads_that_start_jobs_do_not_add_up(void **state)
{
	struct fixture *f = *state;
	struct id job = make_job(f);
	struct job j;
	int64_t due;
	int n = 0;

	(void)run_once(f, &job, JOB_QUEUED, 0.5, (struct usage){1, 1, 1, 1});
	assert_int_equal(store_next_queued(f->db, NOW, false, &j, &due, NULL), 0);
	collect_cost_only(&j, &n);
	job_fini(&j);
	assert_int_equal(store_open_jobs(f->db, false, collect_cost_only, &n, NULL), 0);
	assert_int_equal(n, 2);
	assert_null(f->db->slots[SLOT_GET_USAGE]);
}

static void what_others_used_is_not_counted(void **state)
{
	struct fixture *f = *state;
	struct id a = make_job(f), b = make_job(f), run;
	struct run r;

	run = run_once(f, &a, JOB_QUEUED, 0.5, (struct usage){1, 2, 3, 4});
	(void)run_once(f, &b, JOB_COMPLETED, 0.25, (struct usage){10, 20, 30, 40});
	assert_int_equal(do_claim(f, &a, &run), 0);
	r = get_run(f, &run);
	assert_true(is_about(r.cost_usd, 0));
	assert_usage(&r.usage, 0, 0, 0, 0);
	run_fini(&r);
	assert_int_equal(store_living_run(f->db, &a, &r, NULL), 0);
	assert_usage(&r.usage, 0, 0, 0, 0);
	run_fini(&r);
	assert_job(f, &a, 0.5, 1, 2, 3, 4);
	assert_job(f, &b, 0.25, 10, 20, 30, 40);
}

static void a_run_has_a_row_only_when_there_is_something_to_tell(void **state)
{
	static const struct {
		double cost;
		struct usage usage;
	} told[] = {{1e-9, {0}}, {0, {1, 0, 0, 0}}, {0, {0, 1, 0, 0}}, {0, {0, 0, 1, 0}},
		{0, {0, 0, 0, 1}}};
	struct fixture *f = *state;
	struct id job = make_job(f), run;
	struct run r;

	run = run_once(f, &job, JOB_QUEUED, 0, (struct usage){0});
	(void)run_once(f, &job, JOB_QUEUED, -1, (struct usage){-1, -1, -1, -1});
	(void)run_once(f, &job, JOB_QUEUED, (double)NAN, (struct usage){0});
	assert_int_equal(count_rows(f, "usage"), 0);
	r = get_run(f, &run);
	assert_true(is_about(r.cost_usd, 0));
	assert_usage(&r.usage, 0, 0, 0, 0);
	run_fini(&r);
	for (size_t i = 0; i < ARRAY_LEN(told); i++) {
		(void)run_once(f, &job, JOB_QUEUED, told[i].cost, told[i].usage);
		assert_int_equal(count_rows(f, "usage"), i + 1);
	}
	assert_job(f, &job, 0, 1, 1, 1, 1);
	assert_sound(f);
}

static void a_number_below_nothing_counts_nothing(void **state)
{
	struct fixture *f = *state;
	struct id job = make_job(f), run;
	struct run r;

	(void)run_once(f, &job, JOB_QUEUED, 0.5, (struct usage){10, 10, 10, 10});
	run = run_once(f, &job, JOB_COMPLETED, -0.25, (struct usage){-1, INT64_MIN, 5, -7});
	r = get_run(f, &run);
	assert_true(is_about(r.cost_usd, 0));
	assert_usage(&r.usage, 0, 0, 5, 0);
	run_fini(&r);
	assert_job(f, &job, 0.5, 10, 10, 15, 10);
}

static void sums_stop_at_the_largest_number(void **state)
{
	struct fixture *f = *state;
	struct id job = make_job(f);

	(void)run_once(f, &job, JOB_QUEUED, 0,
		(struct usage){INT64_MAX - 2, INT64_MAX - 1, INT64_MAX, INT64_MAX});
	assert_job(f, &job, 0, INT64_MAX - 2, INT64_MAX - 1, INT64_MAX, INT64_MAX);
	(void)run_once(f, &job, JOB_QUEUED, 0, (struct usage){1, 1, 1, INT64_MAX});
	assert_job(f, &job, 0, INT64_MAX - 1, INT64_MAX, INT64_MAX, INT64_MAX);
	(void)run_once(f, &job, JOB_QUEUED, 0, (struct usage){2, 1, INT64_MAX, 7});
	assert_job(f, &job, 0, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX);
	assert_sound(f);
}

static void a_cost_is_cut_at_a_billion_and_its_sum_stays_a_number(void **state)
{
	static const double told[] = {COST_MOST - 1, COST_MOST, COST_MOST + 1, 1e308, 1e308};
	struct fixture *f = *state;
	struct id job = make_job(f);
	double sum = 0;

	for (size_t i = 0; i < ARRAY_LEN(told); i++) {
		struct id run = run_once(f, &job, JOB_QUEUED, told[i], (struct usage){0});
		double counted = told[i] > COST_MOST ? COST_MOST : told[i];
		struct run r = get_run(f, &run);

		assert_true(is_about(r.cost_usd, counted));
		run_fini(&r);
		sum += counted;
		assert_job(f, &job, sum, 0, 0, 0, 0);
	}
	/* Infinite is no number to begin with. */
	(void)run_once(f, &job, JOB_QUEUED, (double)INFINITY, (struct usage){0});
	(void)run_once(f, &job, JOB_QUEUED, (double)-INFINITY, (struct usage){0});
	assert_job(f, &job, sum, 0, 0, 0, 0);
}

static void an_end_that_is_refused_adds_nothing(void **state)
{
	struct fixture *f = *state;
	struct id job = make_job(f), run;
	struct store_finish again;

	run = run_once(f, &job, JOB_QUEUED, 0.5, (struct usage){1, 2, 3, 4});
	again = finish_request(&job, &run, JOB_COMPLETED);
	again.usage = (struct usage){9, 9, 9, 9};
	assert_int_equal(do_finish(f, &again), STORE_E_STATE);
	assert_int_equal(do_claim(f, &job, &run), 0);
	again.run_id = run; /* starting -> completed is no move */
	assert_int_equal(do_finish(f, &again), STORE_E_STATE);
	assert_job(f, &job, 0.5, 1, 2, 3, 4);
	assert_int_equal(count_rows(f, "usage"), 1);
}

static void a_retry_and_a_reply_keep_what_was_used(void **state)
{
	struct fixture *f = *state;
	struct id job = make_job(f);
	struct store_move m = move_request(&job, JOB_FAILED, JOB_QUEUED);

	(void)run_once(f, &job, JOB_FAILED, 0.5, (struct usage){1, 2, 3, 4});
	assert_int_equal(do_move(f, &m), 0);
	assert_job(f, &job, 0.5, 1, 2, 3, 4);
	(void)run_once(f, &job, JOB_FAILED, 0.5, (struct usage){1, 2, 3, 4});
	m.turn = "go on";
	assert_int_equal(do_move(f, &m), 0);
	assert_job(f, &job, 1, 2, 4, 6, 8);
	(void)run_once(f, &job, JOB_COMPLETED, 0.5, (struct usage){1, 2, 3, 4});
	assert_job(f, &job, 1.5, 3, 6, 9, 12);
}

static void usage_goes_with_its_job(void **state)
{
	struct fixture *f = *state;
	struct id old = make_job(f), kept = make_job(f);
	struct store_prune r = {.jobs_before = NOW + 100};
	struct told t = {0};

	(void)run_once(f, &old, JOB_QUEUED, 0.5, (struct usage){1, 2, 3, 4});
	(void)run_once(f, &old, JOB_COMPLETED, 0.5, (struct usage){1, 2, 3, 4});
	(void)run_once(f, &kept, JOB_QUEUED, 0.5, (struct usage){5, 6, 7, 8});
	r.op.done = tell_done;
	r.op.ctx = &t;
	store_prune(f->db, &r);
	assert_int_equal(commit(f), 0);
	assert_int_equal(t.rc, 0);
	assert_int_equal(r.rows, 1);
	assert_int_equal(count_rows(f, "usage"), 1);
	assert_job(f, &kept, 0.5, 5, 6, 7, 8);
	assert_sound(f);
}

/* --- kills, plans --- */

struct act {
	struct id job, run;
	int statements;
};

static void act_finish(struct fixture *f, void *ctx)
{
	struct act *a = ctx;
	struct store_finish r = finish_request(&a->job, &a->run, JOB_COMPLETED);

	r.usage = (struct usage){1, 2, 3, 4};
	fixture_open(f);
	die_after(f, a->statements);
	(void)do_finish(f, &r);
}

static void an_end_killed_anywhere_has_its_usage_or_is_none(void **state)
{
	struct fixture *f = *state;
	struct act a = {.job = make_job(f)};
	int status;

	assert_int_equal(do_claim(f, &a.job, &a.run), 0);
	assert_int_equal(do_started(f, &a.job, &a.run), 0);
	for (;; a.statements++) {
		assert_true(a.statements < 100);
		fixture_close(f);
		status = in_child(act_finish, f, &a);
		fixture_open(f);
		assert_sound(f);
		if (WIFEXITED(status))
			break;
		assert_int_equal(WTERMSIG(status), SIGKILL);
		assert_int_equal(state_of(f, &a.job), JOB_RUNNING);
		assert_int_equal(count_rows(f, "usage"), 0);
	}
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_true(a.statements >= 5);
	assert_int_equal(state_of(f, &a.job), JOB_COMPLETED);
	assert_job(f, &a.job, 0.25, 1, 2, 3, 4);
}

static void no_statement_about_usage_reads_a_whole_table(void **state)
{
	static const enum slot slots[] = {
		SLOT_GET_USAGE, SLOT_GET_RUN, SLOT_GET_RUNS, SLOT_GET_LIVING};
	struct fixture *f = *state;
	struct id job = make_job(f), run;
	struct run r;
	int n = 0;

	run = run_once(f, &job, JOB_COMPLETED, 0.5, (struct usage){1, 10, 100, 1000});
	assert_job(f, &job, 0.5, 1, 10, 100, 1000);
	r = get_run(f, &run);
	run_fini(&r);
	assert_int_equal(store_runs(f->db, &job, collect_run, &n, NULL), 0);
	assert_int_equal(store_living_run(f->db, &job, &r, NULL), STORE_E_NOT_FOUND);
	assert_indexed(f, slots, ARRAY_LEN(slots));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_a_run_used_is_kept_with_it),
		TEST(a_job_used_what_all_its_runs_used),
		TEST(the_reads_that_start_jobs_do_not_add_up),
		TEST(what_others_used_is_not_counted),
		TEST(a_run_has_a_row_only_when_there_is_something_to_tell),
		TEST(a_number_below_nothing_counts_nothing),
		TEST(sums_stop_at_the_largest_number),
		TEST(a_cost_is_cut_at_a_billion_and_its_sum_stays_a_number),
		TEST(an_end_that_is_refused_adds_nothing),
		TEST(a_retry_and_a_reply_keep_what_was_used),
		TEST(usage_goes_with_its_job),
		TEST(an_end_killed_anywhere_has_its_usage_or_is_none),
		TEST(no_statement_about_usage_reads_a_whole_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
