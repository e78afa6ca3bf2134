/* SPDX-License-Identifier: MIT */
/*
 * The turn: order, callbacks, and what happens when the database is busy, full or refuses one
 * operation.
 */
#undef NDEBUG
#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

/* An accept and a must-finish that wait for the same turn. */
struct pair {
	struct id job, run;
	struct store_accept accept;
	struct store_finish finish;
	struct told accepted, finished;
};

static void pair_ask(struct fixture *f, struct pair *p)
{
	p->job = make_job(f);
	assert_int_equal(do_claim(f, &p->job, &p->run), 0);
	assert_int_equal(do_started(f, &p->job, &p->run), 0);
	p->accept = accept_request(f, NULL);
	p->accept.op.done = tell_done;
	p->accept.op.ctx = &p->accepted;
	p->finish = finish_request(&p->job, &p->run, JOB_COMPLETED);
	p->finish.op.done = tell_done;
	p->finish.op.ctx = &p->finished;
	p->finish.op.must = true;
	p->accepted = p->finished = (struct told){0};
	store_accept(f->db, &p->accept);
	store_finish(f->db, &p->finish);
}

static sqlite3 *lock_out(struct fixture *f)
{
	sqlite3 *other = NULL;

	assert_int_equal(sqlite3_open(f->path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	return other;
}

static void an_empty_turn_costs_nothing(void **state)
{
	struct fixture *f = *state;

	assert_false(store_has_work(f->store));
	assert_int_equal(commit(f), 0);
	assert_int_equal(f->wakes, 0);
}

static void the_first_request_of_a_turn_wakes_the_loop(void **state)
{
	struct fixture *f = *state;
	struct store_accept r[3];
	struct told t[3] = {0};

	for (int i = 0; i < 3; i++) {
		r[i] = accept_request(f, NULL);
		r[i].op.done = tell_done;
		r[i].op.ctx = &t[i];
	}
	store_accept(f->db, &r[0]);
	store_accept(f->db, &r[1]);
	assert_true(store_has_work(f->store));
	assert_int_equal(f->wakes, 1);
	assert_int_equal(commit(f), 0);
	assert_false(store_has_work(f->store));
	store_accept(f->db, &r[2]);
	assert_int_equal(f->wakes, 2);
	assert_int_equal(commit(f), 0);
	assert_true(t[0].order < t[1].order && t[1].order < t[2].order);
}

static void a_request_without_done_is_committed(void **state)
{
	struct fixture *f = *state;
	struct store_accept r = accept_request(f, NULL);

	store_accept(f->db, &r);
	assert_int_equal(commit(f), 0);
	assert_int_equal(state_of(f, &r.job_id), JOB_QUEUED);
}

static void nothing_is_visible_or_told_before_the_commit(void **state)
{
	struct fixture *f = *state;
	struct store_accept r = accept_request(f, NULL);
	struct told t = {0};
	struct job j;

	r.op.done = tell_done;
	r.op.ctx = &t;
	store_accept(f->db, &r);
	assert_int_equal(t.times, 0);
	assert_int_equal(store_job(f->db, &r.job_id, &j, NULL), STORE_E_NOT_FOUND);
	assert_int_equal(commit(f), 0);
	assert_int_equal(t.times, 1);
}

static void a_condition_fails_no_other_operation_of_the_turn(void **state)
{
	struct fixture *f = *state;
	struct store_accept a = accept_request(f, NULL), b = accept_request(f, NULL);
	struct store_claim c = {.now_real = NOW};
	struct told t[3] = {0};

	id_make(&c.job_id);
	id_make(&c.run_id);
	a.op.done = b.op.done = c.op.done = tell_done;
	a.op.ctx = &t[0];
	c.op.ctx = &t[1];
	b.op.ctx = &t[2];
	store_accept(f->db, &a);
	store_claim(f->db, &c);
	store_accept(f->db, &b);
	assert_int_equal(commit(f), 0);
	assert_int_equal(t[0].rc, 0);
	assert_int_equal(t[1].rc, STORE_E_NOT_FOUND);
	assert_int_equal(t[2].rc, 0);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM jobs"), 2);
}

/* A chain: accept, then from its callback a claim. */
struct chain {
	struct store_accept accept;
	struct store_claim claim;
	struct store_db *db;
	struct told claimed;
};

static void chain_accepted(struct store_op *op, int rc, const struct err *e UNUSED)
{
	struct chain *c = op->ctx;

	assert_int_equal(rc, 0);
	c->claim = (struct store_claim){.job_id = c->accept.job_id, .now_real = NOW};
	id_make(&c->claim.run_id);
	c->claim.op.done = tell_done;
	c->claim.op.ctx = &c->claimed;
	store_claim(c->db, &c->claim);
}

static void what_a_callback_asks_for_belongs_to_the_next_turn(void **state)
{
	struct fixture *f = *state;
	struct chain c = {.accept = accept_request(f, NULL), .db = f->db};

	c.accept.op.done = chain_accepted;
	c.accept.op.ctx = &c;
	store_accept(f->db, &c.accept);
	(void)commit(f);
	assert_int_equal(c.claimed.times, 0);
	assert_true(store_has_work(f->store));
	assert_int_equal(f->wakes, 2);
	assert_int_equal(commit(f), 0);
	assert_int_equal(c.claimed.times, 1);
	assert_int_equal(c.claimed.rc, 0);
}

static void free_it(struct store_op *op, int rc, const struct err *e UNUSED)
{
	assert_int_equal(rc, 0);
	++*(int *)op->ctx;
	free(container_of(op, struct store_accept, op));
}

static void a_callback_may_free_its_request(void **state)
{
	struct fixture *f = *state;
	int freed = 0;

	for (int i = 0; i < 5; i++) {
		struct store_accept *r = xcalloc(1, sizeof(*r));

		*r = accept_request(f, NULL);
		r->op.done = free_it;
		r->op.ctx = &freed;
		store_accept(f->db, r);
	}
	assert_int_equal(commit(f), 0);
	assert_int_equal(freed, 5);
}

static void close_db(struct store_op *op, int rc, const struct err *e UNUSED)
{
	struct fixture *f = op->ctx;

	assert_int_equal(rc, 0);
	store_close(f->db);
	f->db = NULL;
}

static void a_callback_may_close_its_database(void **state)
{
	struct fixture *f = *state;
	struct store_accept r = accept_request(f, NULL);

	r.op.done = close_db;
	r.op.ctx = f;
	store_accept(f->db, &r);
	assert_int_equal(commit(f), 0);
	assert_null(f->db);
}

static void databases_of_one_store_fail_apart(void **state)
{
	struct fixture *f = *state;
	CLEANUP(freep) char *path = xasprintf("%s/pylons/q/jobs.db", f->dir);
	struct store_accept a = accept_request(f, NULL), b = accept_request(f, NULL);
	struct told t[2] = {0};
	struct store_db *second;
	sqlite3 *other = lock_out(f);

	assert_int_equal(store_open(f->store, path, "q", &second, NULL, NULL), 0);
	assert_string_equal(store_path(second), path);
	a.op.done = b.op.done = tell_done;
	a.op.ctx = &t[0];
	b.op.ctx = &t[1];
	store_accept(f->db, &a);
	store_accept(second, &b);
	assert_int_equal(commit(f), STORE_BUSY_RETRY_US);
	assert_int_equal(t[0].times, 0);
	assert_int_equal(t[1].times, 1);
	assert_int_equal(t[1].rc, 0);
	assert_int_equal(sqlite3_close(other), SQLITE_OK);
	assert_int_equal(commit(f), 0);
	assert_int_equal(t[0].rc, 0);
}

/* --- busy --- */

static void a_busy_database_keeps_everything_until_it_is_free(void **state)
{
	struct fixture *f = *state;
	struct pair p;
	sqlite3 *other;

	pair_ask(f, &p);
	other = lock_out(f);
	assert_int_equal(commit(f), STORE_BUSY_RETRY_US);
	f->mono += STORE_BUSY_RETRY_US;
	assert_int_equal(commit(f), STORE_BUSY_RETRY_US);
	assert_int_equal(p.accepted.times + p.finished.times, 0);
	assert_int_equal(f->asked_for_room, 1); /* only make_job's */
	assert_int_equal(sqlite3_close(other), SQLITE_OK);
	assert_int_equal(commit(f), 0);
	assert_int_equal(p.accepted.rc, 0);
	assert_int_equal(p.finished.rc, 0);
	assert_int_equal(p.accepted.order + 1, p.finished.order);
	assert_int_equal(state_of(f, &p.job), JOB_COMPLETED);
}

static void busy_for_too_long_fails_what_may_fail_and_keeps_what_must_not(void **state)
{
	struct fixture *f = *state;
	struct store_accept late = accept_request(f, NULL);
	struct told told_late = {0};
	struct pair p;
	sqlite3 *other;

	pair_ask(f, &p);
	other = lock_out(f);
	(void)commit(f);
	f->mono += STORE_BUSY_US - 1;
	late.op.done = tell_done;
	late.op.ctx = &told_late;
	store_accept(f->db, &late);
	(void)commit(f);
	assert_int_equal(p.accepted.times, 0);
	f->mono += 1;
	assert_int_equal(commit(f), STORE_BUSY_RETRY_US);
	assert_int_equal(p.accepted.times, 1);
	assert_int_equal(p.accepted.rc, -EBUSY);
	assert_true(p.accepted.text[0] != '\0');
	assert_int_equal(told_late.times, 0); /* it came later */
	f->mono += 10 * STORE_BUSY_US;
	assert_int_equal(commit(f), STORE_BUSY_RETRY_US);
	assert_int_equal(told_late.rc, -EBUSY);
	assert_int_equal(p.finished.times, 0);
	assert_true(store_has_work(f->store));
	assert_int_equal(sqlite3_close(other), SQLITE_OK);
	assert_int_equal(commit(f), 0);
	assert_int_equal(p.finished.rc, 0);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM jobs"), 1);
}

/* --- full --- */

static void set_max_pages(struct fixture *f, int64_t more)
{
	char sql[64];

	(void)snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %lld",
		(long long)(more < 0 ? INT32_MAX : sql_value(f->path, "PRAGMA page_count") + more));
	assert_int_equal(sqlite3_exec(f->db->sql, sql, NULL, NULL, NULL), SQLITE_OK);
}

static void a_full_disk_fails_the_accept_and_keeps_the_finish(void **state)
{
	struct fixture *f = *state;
	CLEANUP(freep) char *big = xcalloc(1, 20000);
	struct store_accept late;
	struct told told_late = {0};
	struct pair p;

	pair_ask(f, &p);
	memset(big, 'x', 19999);
	p.finish.result = big;
	set_max_pages(f, 0);
	assert_int_equal(commit(f), STORE_RETRY_US);
	assert_int_equal(p.accepted.rc, -ENOSPC);
	assert_int_equal(p.accepted.times, 1);
	assert_int_equal(p.finished.times, 0);
	assert_int_equal(state_of(f, &p.job), JOB_RUNNING);
	/* Others are refused at once, and the finish is not tried before its time. */
	late = accept_request(f, NULL);
	late.body = (struct slice){big, 19999};
	late.op.done = tell_done;
	late.op.ctx = &told_late;
	store_accept(f->db, &late);
	f->mono += STORE_RETRY_US - 1;
	assert_int_equal(commit(f), 1);
	assert_int_equal(told_late.rc, -ENOSPC);
	set_max_pages(f, -1);
	assert_int_equal(commit(f), 1);
	assert_int_equal(p.finished.times, 0);
	f->mono += 1;
	assert_int_equal(commit(f), 0);
	assert_int_equal(p.finished.rc, 0);
	assert_int_equal(state_of(f, &p.job), JOB_COMPLETED);
	assert_sound(f);
}

static void a_finish_that_still_fits_is_written_at_once(void **state)
{
	struct fixture *f = *state;
	CLEANUP(freep) char *big = xcalloc(1, 20000);
	struct pair p;

	pair_ask(f, &p);
	memset(big, 'x', 19999);
	p.accept.body = (struct slice){big, 19999};
	set_max_pages(f, 0);
	assert_int_equal(commit(f), 0);
	assert_int_equal(p.accepted.rc, -ENOSPC);
	assert_int_equal(p.finished.rc, 0);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM jobs"), 1);
}

static void what_must_not_fail_keeps_its_order_while_full(void **state)
{
	struct fixture *f = *state;
	CLEANUP(freep) char *big = xcalloc(1, 20000);
	struct store_move after = {0};
	struct told told_after = {0};
	struct pair p;

	pair_ask(f, &p);
	memset(big, 'x', 19999);
	p.finish.result = big;
	set_max_pages(f, 0);
	assert_int_equal(commit(f), STORE_RETRY_US);
	/* A retry of the job whose end is still waiting: it would be refused if it overtook. */
	after = move_request(&p.job, JOB_COMPLETED, JOB_QUEUED);
	after.op.must = true;
	after.op.done = tell_done;
	after.op.ctx = &told_after;
	store_move(f->db, &after);
	assert_int_equal(commit(f), STORE_RETRY_US);
	assert_int_equal(told_after.times, 0);
	set_max_pages(f, -1);
	f->mono += STORE_RETRY_US;
	assert_int_equal(commit(f), 0);
	assert_int_equal(p.finished.rc, 0);
	assert_int_equal(told_after.rc, 0);
	assert_int_equal(state_of(f, &p.job), JOB_QUEUED);
}

/* Fills a file system of 1 MiB with events; exits with 0 when all went as promised. */
static void fill_tmpfs(struct fixture *f, void *ctx UNUSED)
{
	char *big = xcalloc(1, 60000);
	int accepted = 0, rc = 0;

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("none", f->dir, "tmpfs", 0, "size=1m") < 0)
		_exit(77);
	fixture_open(f);
	memset(big, 'x', 59999);
	while (rc == 0 && accepted < 100) {
		struct store_accept r = accept_request(f, NULL);

		r.body = (struct slice){big, 59999};
		rc = do_accept(f, &r);
		accepted += rc == 0;
	}
	if (rc != -ENOSPC || sql_value(f->path, "SELECT count(*) FROM jobs") != accepted)
		_exit(1);
	fixture_reopen(f);
	if (sql_value(f->path, "SELECT count(*) FROM jobs") != accepted ||
		store_check(f->path, NULL) != 0)
		_exit(2);
	fixture_close(f);
	free(big);
	_exit(0);
}

static void a_full_file_system_loses_nothing_that_was_accepted(void **state)
{
	struct fixture *f = *state;
	int status;

	fixture_close(f);
	status = in_child(fill_tmpfs, f, NULL);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* --- one bad operation --- */

static void an_operation_with_impossible_values_fails_alone(void **state)
{
	struct fixture *f = *state;
	struct store_accept good = accept_request(f, "k1"), bad = accept_request(f, "k2");
	struct store_accept last = accept_request(f, "k3");
	struct told t[3] = {0};

	bad.pylon = NULL; /* NOT NULL */
	good.op.done = bad.op.done = last.op.done = tell_done;
	good.op.ctx = &t[0];
	bad.op.ctx = &t[1];
	last.op.ctx = &t[2];
	bad.op.must = true; /* would be tried for ever */
	store_accept(f->db, &good);
	store_accept(f->db, &bad);
	store_accept(f->db, &last);
	assert_int_equal(commit(f), 0);
	assert_int_equal(t[0].rc, 0);
	assert_int_equal(t[1].rc, -EINVAL);
	assert_int_equal(t[2].rc, 0);
	assert_int_equal(good.verdict, ACCEPT_NEW);
	assert_true(good.took_room);
	/* Room is asked for once each, although they ran twice. */
	assert_int_equal(f->asked_for_room, 3);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM jobs"), 2);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM dedupe WHERE key='k2'"), 0);
	assert_sound(f);
}

static void closing_drops_what_was_not_committed(void **state)
{
	struct fixture *f = *state;
	struct store_accept r = accept_request(f, NULL);
	struct told t = {0};

	r.op.done = tell_done;
	r.op.ctx = &t;
	store_accept(f->db, &r);
	fixture_reopen(f);
	assert_int_equal(t.times, 0);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM jobs"), 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_empty_turn_costs_nothing),
		TEST(the_first_request_of_a_turn_wakes_the_loop),
		TEST(a_request_without_done_is_committed),
		TEST(nothing_is_visible_or_told_before_the_commit),
		TEST(a_condition_fails_no_other_operation_of_the_turn),
		TEST(what_a_callback_asks_for_belongs_to_the_next_turn),
		TEST(a_callback_may_free_its_request),
		TEST(a_callback_may_close_its_database),
		TEST(databases_of_one_store_fail_apart),
		TEST(a_busy_database_keeps_everything_until_it_is_free),
		TEST(busy_for_too_long_fails_what_may_fail_and_keeps_what_must_not),
		TEST(a_full_disk_fails_the_accept_and_keeps_the_finish),
		TEST(a_finish_that_still_fits_is_written_at_once),
		TEST(what_must_not_fail_keeps_its_order_while_full),
		TEST(a_full_file_system_loses_nothing_that_was_accepted),
		TEST(an_operation_with_impossible_values_fails_alone),
		TEST(closing_drops_what_was_not_committed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
