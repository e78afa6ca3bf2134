/* SPDX-License-Identifier: MIT */
/*
 * The ledger of occurrences: it is paged newest first, forgotten when it is old, and never read
 * from end to end.
 */
#undef NDEBUG
#include "fixture.h"

#define MANY 10000

static int setup_schedule(void **state)
{
	(void)fixture_setup(state);
	assert_int_equal(do_schedule(*state, 1, NOW - 1), 0);
	return 0;
}

/* Runs SQL beside the program, as if all this had happened. */
static void insert(struct fixture *f, const char *sql)
{
	fixture_close(f);
	sql_run(f->path, sql);
	fixture_open(f);
}

/* Rows "t" of `count` instants 1, 2, ..., skipped, decided a second after they came. */
static void insert_many(struct fixture *f, int count)
{
	CLEANUP(freep)
	char *sql =
		xasprintf("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE "
			  "i < %d) INSERT INTO occurrences(schedule, epoch, at, last, count, "
			  "outcome, decided_at) "
			  "SELECT 't', 1, i, i, 1, 'skipped_catch_up', i + 1 FROM n",
			count);

	insert(f, sql);
}

/* An instant of "trigger" that ran or, without a job, was skipped; decided when it came. */
static void decide(struct fixture *f, int64_t at, struct store_accept *job)
{
	struct store_occurrence o = instant(at, job);
	struct store_occur r = occur_request(OVERLAP_ALLOW, &o, 1);

	r.now_real = at;
	assert_int_equal(do_occur(f, &r), 0);
	assert_false(o.was_known);
}

/* --- lists --- */

struct page {
	size_t n;
	int64_t at[600], epoch[600];
	char schedule[600];
};

static void collect(const struct occurrence *o, void *ctx)
{
	struct page *p = ctx;

	assert_true(p->n < ARRAY_LEN(p->at));
	p->schedule[p->n] = o->schedule[0];
	p->epoch[p->n] = o->epoch;
	p->at[p->n++] = o->at;
}

static struct page list(struct fixture *f, const char *schedule, int64_t before, size_t limit)
{
	struct page p = {0};

	assert_int_equal(store_occurrences(f->db, schedule, before, limit, collect, &p, NULL), 0);
	return p;
}

static void ten_thousand_are_paged_newest_first_without_gap_or_repetition(void **state)
{
	static const char *const schedules[] = {NULL, "t"};
	struct fixture *f = *state;

	insert_many(f, MANY);
	for (size_t s = 0; s < ARRAY_LEN(schedules); s++) {
		int64_t next = MANY, before = 0;

		while (next > 0) {
			struct page p = list(f, schedules[s], before, LIST_LIMIT_MAX);

			assert_int_equal(p.n, MIN_OF(next, LIST_LIMIT_MAX));
			for (size_t i = 0; i < p.n; i++)
				assert_int_equal(p.at[i], next--);
			before = p.at[p.n - 1];
		}
		assert_int_equal(list(f, schedules[s], before, 1).n, 0);
	}
}

static void without_a_limit_a_list_still_ends(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(list(f, NULL, 0, 0).n, 0);
	insert_many(f, LIST_LIMIT_DEFAULT + 1);
	assert_int_equal(list(f, NULL, 0, 0).n, LIST_LIMIT_DEFAULT);
	assert_int_equal(list(f, "t", 0, 0).n, LIST_LIMIT_DEFAULT);
	assert_int_equal(list(f, "t", 0, LIST_LIMIT_DEFAULT + 2).n, LIST_LIMIT_DEFAULT + 1);
}

static void rows_of_one_instant_are_never_parted(void **state)
{
	struct fixture *f = *state;
	struct page p;

	insert(f, "INSERT INTO occurrences(schedule, epoch, at, last, count, outcome, decided_at) "
		  "VALUES('t', 1, 10, 10, 1, 'ran', 1), ('t', 1, 20, 20, 1, 'ran', 1), "
		  "('t', 2, 20, 20, 1, 'ran', 1), ('u', 1, 20, 20, 1, 'ran', 1), "
		  "('t', 1, 30, 30, 1, 'ran', 1), ('u', 1, 5, 5, 1, 'ran', 1)");
	p = list(f, NULL, 0, 2);
	assert_int_equal(p.n, 4);
	assert_int_equal(p.at[0], 30);
	assert_int_equal(p.epoch[1], 2); /* the later epoch is the newer one */
	assert_int_equal(p.schedule[2], 'u');
	assert_int_equal(p.schedule[3], 't');
	p = list(f, NULL, 20, 2);
	assert_int_equal(p.n, 2);
	assert_int_equal(p.at[0], 10);
	assert_int_equal(p.at[1], 5);
	p = list(f, "t", 0, 2);
	assert_int_equal(p.n, 3);
	assert_int_equal(p.epoch[1], 2);
	assert_int_equal(p.epoch[2], 1);
	p = list(f, "t", 20, 2);
	assert_int_equal(p.n, 1);
	assert_int_equal(p.at[0], 10);
	assert_int_equal(list(f, "nobody", 0, 2).n, 0);
}

static void list_again(const struct occurrence *o, void *ctx)
{
	struct fixture *f = ctx;

	assert_int_equal(list(f, NULL, 0, 9).n, 3);
	assert_string_equal(o->schedule, "t");
}

static void a_callback_may_read_the_same_list(void **state)
{
	struct fixture *f = *state;

	insert_many(f, 3);
	assert_int_equal(store_occurrences(f->db, NULL, 0, 9, list_again, f, NULL), 0);
}

static void a_job_of_no_occurrence_has_none(void **state)
{
	struct fixture *f = *state;
	struct id job = make_job(f);
	struct occurrence o;

	assert_int_equal(store_occurrence_of(f->db, &job, &o, NULL), STORE_E_NOT_FOUND);
}

static void an_outcome_that_does_not_exist_is_damage(void **state)
{
	struct fixture *f = *state;
	struct page p = {0};

	insert_many(f, 1);
	assert_int_equal(sqlite3_exec(f->db->sql,
				 "PRAGMA ignore_check_constraints = ON; "
				 "UPDATE occurrences SET outcome = '?'",
				 NULL, NULL, NULL),
		SQLITE_OK);
	assert_true(store_occurrences(f->db, NULL, 0, 1, collect, &p, NULL) < 0);
	assert_int_equal(p.n, 0);
}

/* --- prune --- */

static struct store_prune prune(struct fixture *f, int64_t before)
{
	struct store_prune r = {.jobs_before = before};
	struct told t = {0};

	r.op.done = tell_done;
	r.op.ctx = &t;
	store_prune(f->db, &r);
	assert_int_equal(commit(f), 0);
	assert_int_equal(t.rc, 0);
	return r;
}

static void old_occurrences_go_in_small_batches_but_for_the_newest(void **state)
{
	struct fixture *f = *state;
	int64_t total = 0;
	int batches = 0;
	struct store_prune r;

	insert_many(f, 1000);
	assert_int_equal(prune(f, 0).rows, 0);
	/* Row i was decided at i + 1, and 501 is not before 501. */
	do {
		r = prune(f, 501);
		assert_true(r.rows <= 200);
		total += r.rows;
		batches++;
	} while (r.more);
	assert_int_equal(total, 499);
	assert_true(batches >= 3);
	assert_int_equal(sql_value(f->path, "SELECT min(at) FROM occurrences"), 500);
	while (prune(f, NOW).more) {
	}
	assert_int_equal(count_rows(f, "occurrences"), 1);
	assert_int_equal(sql_value(f->path, "SELECT at FROM occurrences"), 1000);
}

static void each_schedule_keeps_its_newest_of_the_latest_epoch(void **state)
{
	struct fixture *f = *state;

	insert(f, "INSERT INTO occurrences(schedule, epoch, at, last, count, outcome, decided_at) "
		  "VALUES('t', 1, 10, 10, 1, 'skipped_limit', 1), "
		  "('t', 1, 90, 90, 1, 'skipped_limit', 1), "
		  "('t', 2, 20, 20, 1, 'skipped_limit', 1), "
		  "('u', 1, 5, 5, 1, 'skipped_limit', 1)");
	assert_int_equal(prune(f, 1000).rows, 2);
	assert_int_equal(count_rows(f, "occurrences WHERE schedule = 't' AND epoch = 2"), 1);
	assert_int_equal(count_rows(f, "occurrences WHERE schedule = 'u'"), 1);
	assert_int_equal(prune(f, 1000).rows, 0);
}

static void an_occurrence_stays_as_long_as_its_job(void **state)
{
	struct fixture *f = *state;
	struct store_accept job = scheduled_request(f);
	struct store_move m;

	decide(f, NOW, &job);
	decide(f, NOW + 1, NULL);
	decide(f, NOW + 2, NULL);
	assert_int_equal(prune(f, NOW + 100).rows, 1);
	assert_int_equal(count_rows(f, "occurrences WHERE job_id IS NOT NULL"), 1);
	m = move_request(&job.job_id, JOB_QUEUED, JOB_CANCELLED);
	assert_int_equal(do_move(f, &m), 0);
	assert_int_equal(prune(f, NOW + 100).rows, 2); /* the job, then its occurrence */
	assert_int_equal(count_rows(f, "jobs"), 0);
	assert_int_equal(count_rows(f, "occurrences"), 1);
}

static void the_ledger_says_which_job_it_was_after_the_job_is_gone(void **state)
{
	struct fixture *f = *state;
	struct store_accept job = scheduled_request(f);
	CLEANUP(occurrence_fini) struct occurrence o = {0};
	struct store_move m;

	decide(f, NOW, &job); /* also the newest: it stays */
	m = move_request(&job.job_id, JOB_QUEUED, JOB_CANCELLED);
	assert_int_equal(do_move(f, &m), 0);
	assert_int_equal(prune(f, NOW + 100).rows, 1);
	assert_int_equal(count_rows(f, "jobs"), 0);
	assert_int_equal(store_occurrence_of(f->db, &job.job_id, &o, NULL), 0);
	assert_int_equal(o.at, NOW);
	assert_sound(f);
}

/* --- plans --- */

static void no_statement_about_occurrences_reads_a_whole_table(void **state)
{
	static const enum slot slots[] = {SLOT_DECIDED_TO, SLOT_OCCURRENCE_KNOWN,
		SLOT_OCCURRENCE_OPEN, SLOT_GET_SCHEDULE, SLOT_GET_OCCURRENCE, SLOT_LIST_OCCURRENCES,
		SLOT_LIST_OCCURRENCES_OF, SLOT_PRUNE_OCCURRENCES};
	struct fixture *f = *state;
	struct store_accept job = scheduled_request(f);
	struct store_occurrence o = instant(NOW, &job);
	struct store_occur r = occur_request(OVERLAP_SKIP, &o, 1);
	CLEANUP(schedule_state_fini) struct schedule_state s = {0};
	CLEANUP(occurrence_fini) struct occurrence got = {0};

	assert_int_equal(do_occur(f, &r), 0);
	assert_int_equal(store_schedule_state(f->db, "trigger", &s, NULL), 0);
	assert_int_equal(store_occurrence_of(f->db, &job.job_id, &got, NULL), 0);
	assert_int_equal(list(f, NULL, 0, 0).n, 1);
	assert_int_equal(list(f, "trigger", 0, 0).n, 1);
	(void)prune(f, NOW);
	assert_indexed(f, slots, ARRAY_LEN(slots));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup_schedule, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ten_thousand_are_paged_newest_first_without_gap_or_repetition),
		TEST(without_a_limit_a_list_still_ends),
		TEST(rows_of_one_instant_are_never_parted),
		TEST(a_callback_may_read_the_same_list),
		TEST(a_job_of_no_occurrence_has_none),
		TEST(an_outcome_that_does_not_exist_is_damage),
		TEST(old_occurrences_go_in_small_batches_but_for_the_newest),
		TEST(each_schedule_keeps_its_newest_of_the_latest_epoch),
		TEST(an_occurrence_stays_as_long_as_its_job),
		TEST(the_ledger_says_which_job_it_was_after_the_job_is_gone),
		TEST(no_statement_about_occurrences_reads_a_whole_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
