/* SPDX-License-Identifier: MIT */
/*
 * The helpers of fixture.h. A failing assertion inside one of them fails the test that called it.
 */
#include "fixture.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

static int told_count;

static void on_wake(void *ctx)
{
	((struct fixture *)ctx)->wakes++;
}

int fixture_setup_folder(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/pylon-store-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->path, sizeof(f->path), "%s/pylons/p/jobs.db", f->dir);
	f->mono = 1000000;
	f->has_room = true;
	*state = f;
	return 0;
}

int fixture_setup(void **state)
{
	(void)fixture_setup_folder(state);
	fixture_open(*state);
	return 0;
}

int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	fixture_close(f);
	assert_int_equal(tree_remove(f->dir, NULL), 0);
	free(f);
	return 0;
}

void fixture_open(struct fixture *f)
{
	struct err e = CLEAN_ERR;

	f->store = store_new(on_wake, f);
	if (store_open(f->store, f->path, "p", &f->db, NULL, &e) != 0)
		fail_msg("%s", e.text);
}

void fixture_close(struct fixture *f)
{
	store_free(f->store);
	f->store = NULL;
	f->db = NULL;
}

void tell_done(struct store_op *op, int rc, const struct err *e)
{
	struct told *t = op->ctx;

	t->times++;
	t->rc = rc;
	t->order = ++told_count;
	(void)str_copy(t->text, sizeof(t->text), e == NULL ? "" : e->text);
}

int64_t commit(struct fixture *f)
{
	return store_commit(f->store, f->mono);
}

/* Asks, commits, answers. */
#define RUN(f, r, ask)                                                                             \
	__extension__({                                                                            \
		struct told t_ = {0};                                                              \
		(r)->op.done = tell_done;                                                          \
		(r)->op.ctx = &t_;                                                                 \
		ask((f)->db, (r));                                                                 \
		assert_int_equal(t_.times, 0);                                                     \
		assert_int_equal(commit(f), 0);                                                    \
		assert_int_equal(t_.times, 1);                                                     \
		t_.rc;                                                                             \
	})

static bool take_room(void *ctx)
{
	struct fixture *f = ctx;

	f->asked_for_room++;
	return f->has_room;
}

struct store_accept accept_request(struct fixture *f, const char *delivery_id)
{
	struct store_accept r = {
		.pylon = "p",
		.source = "webhook",
		.delivery_id = delivery_id,
		.headers_json = "{\"x\":\"y\"}",
		.query = "a=b",
		.body = SLICE_LIT("{\"n\":1}"),
		.body_sha256 = "aa",
		.now_real = NOW,
		.take_room = take_room,
		.room_ctx = f,
	};

	id_make(&r.job_id);
	id_make(&r.event_id);
	return r;
}

int do_accept(struct fixture *f, struct store_accept *r)
{
	return RUN(f, r, store_accept);
}

struct id make_job(struct fixture *f)
{
	struct store_accept r = accept_request(f, NULL);

	assert_int_equal(do_accept(f, &r), 0);
	assert_int_equal(r.verdict, ACCEPT_NEW);
	return r.job_id;
}

int do_claim(struct fixture *f, const struct id *job, struct id *ret_run)
{
	struct store_claim r = {.job_id = *job, .timeout_us = 7, .now_real = NOW};

	id_make(&r.run_id);
	(void)str_copy(r.token_sha256, sizeof(r.token_sha256), r.run_id.s);
	*ret_run = r.run_id;
	return RUN(f, &r, store_claim);
}

int do_started(struct fixture *f, const struct id *job, const struct id *run)
{
	struct store_started r = {.job_id = *job,
		.run_id = *run,
		.handle = "box",
		.image = "img",
		.now_real = NOW + 1};

	return RUN(f, &r, store_started);
}

int do_stopping(struct fixture *f, const struct id *job, const struct id *run, enum stop_reason why)
{
	struct store_stopping r = {.job_id = *job, .run_id = *run, .stop = why, .by = "ann"};

	return RUN(f, &r, store_stopping);
}

struct store_finish finish_request(
	const struct id *job, const struct id *run, enum job_state job_state)
{
	return (struct store_finish){
		.job_id = *job,
		.run_id = *run,
		.run_state = RUN_EXITED,
		.job_state = job_state,
		.result = "text",
		.output_json = "{\"result\":\"text\"}",
		.session_id = "s1",
		.cost_usd = 0.25,
		.now_real = NOW + 2,
	};
}

int do_finish(struct fixture *f, struct store_finish *r)
{
	return RUN(f, r, store_finish);
}

struct store_move move_request(const struct id *job, enum job_state from, enum job_state to)
{
	return (struct store_move){
		.job_id = *job,
		.from_any_of = {from},
		.from_count = 1,
		.to = to,
		.by = "bob",
		.now_real = NOW + 3,
	};
}

int do_move(struct fixture *f, struct store_move *r)
{
	return RUN(f, r, store_move);
}

struct id make_finished(struct fixture *f, enum job_state end, int64_t at)
{
	struct id job = make_job(f), run;
	struct store_finish r;

	assert_int_equal(do_claim(f, &job, &run), 0);
	assert_int_equal(do_started(f, &job, &run), 0);
	r = finish_request(&job, &run, end);
	r.counts = end != JOB_COMPLETED;
	r.now_real = at;
	assert_int_equal(do_finish(f, &r), 0);
	return job;
}

int do_schedule(struct fixture *f, int64_t epoch, int64_t decided_to)
{
	struct store_schedule r = {.schedule = "trigger",
		.spec = "0 * * * * UTC",
		.anchor = NOW - 1,
		.epoch = epoch,
		.decided_to = decided_to};

	return RUN(f, &r, store_schedule);
}

struct store_accept scheduled_request(struct fixture *f)
{
	struct store_accept r = accept_request(f, NULL);

	r.source = "schedule";
	return r;
}

struct store_occurrence instant(int64_t at, struct store_accept *job)
{
	return (struct store_occurrence){
		.at = at,
		.last = at,
		.count = 1,
		.outcome = job != NULL ? OCCURRENCE_RAN : OCCURRENCE_SKIPPED_CATCH_UP,
		.job = job,
	};
}

struct store_occur occur_request(enum overlap overlap, struct store_occurrence *v, size_t n)
{
	return (struct store_occur){
		.schedule = "trigger",
		.epoch = 1,
		.decided_to = v[n - 1].last,
		.overlap = overlap,
		.now_real = NOW,
		.v = v,
		.n = n,
	};
}

int do_occur(struct fixture *f, struct store_occur *r)
{
	return RUN(f, r, store_occur);
}

struct store_outgoing outgoing(const char *channel, int64_t due_at)
{
	struct store_outgoing o = {
		.kind = "result", .channel = channel, .message = "{}", .due_at = due_at};

	id_make(&o.id);
	return o;
}

struct id make_deliveries(
	struct fixture *f, size_t n, const char *const *channels, int64_t due, struct id *ret)
{
	struct id job = make_job(f), run;
	struct store_outgoing out[8];
	struct store_finish r;

	assert_true(n <= ARRAY_LEN(out));
	for (size_t i = 0; i < n; i++) {
		out[i] = outgoing(channels[i], due);
		ret[i] = out[i].id;
	}
	assert_int_equal(do_claim(f, &job, &run), 0);
	assert_int_equal(do_started(f, &job, &run), 0);
	r = finish_request(&job, &run, JOB_COMPLETED);
	r.outgoing = out;
	r.outgoing_count = n;
	assert_int_equal(do_finish(f, &r), 0);
	return job;
}

struct job get_job(struct fixture *f, const struct id *id)
{
	struct job j = {0};
	struct err e = CLEAN_ERR;

	if (store_job(f->db, id, &j, &e) != 0)
		fail_msg("no job %s %s", id->s, e.text);
	return j;
}

enum job_state state_of(struct fixture *f, const struct id *id)
{
	struct job j = get_job(f, id);
	enum job_state s = j.state;

	job_fini(&j);
	return s;
}

int64_t sql_value(const char *path, const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = NULL;
	int64_t v;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	v = sqlite3_column_int64(stmt, 0);
	(void)sqlite3_finalize(stmt);
	(void)sqlite3_close(db);
	return v;
}

void sql_run(const char *path, const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	(void)sqlite3_close(db);
}

void assert_sound(struct fixture *f)
{
	struct err e = CLEAN_ERR;

	if (store_check(f->path, &e) != 0)
		fail_msg("%s", e.text);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM pragma_foreign_key_check()"), 0);
	/* A job runs exactly when one run of it lives. */
	assert_int_equal(
		sql_value(f->path, "SELECT count(*) FROM jobs j WHERE (state IN "
				   "('starting','running')) != (SELECT count(*) FROM runs r WHERE "
				   "r.job_id = j.id AND r.state NOT IN ('exited','lost'))"),
		0);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM jobs WHERE seq NOT IN "
					    "(SELECT job_seq FROM events)"),
		0);
	/* Turns are taken in their order, by runs of their own job. */
	assert_int_equal(
		sql_value(f->path, "SELECT count(*) FROM turns a JOIN turns b ON "
				   "a.job_id = b.job_id AND a.seq < b.seq WHERE a.run_id IS NULL "
				   "AND b.run_id IS NOT NULL"),
		0);
	assert_int_equal(
		sql_value(f->path, "SELECT count(*) FROM turns t JOIN runs r ON r.id = t.run_id "
				   "WHERE r.job_id <> t.job_id"),
		0);
	/* Only a run that is over has used something. */
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM usage JOIN runs ON id = run_id "
					    "WHERE state NOT IN ('exited','lost')"),
		0);
}

/* May this step of a plan be? No reading from end to end, but of the open jobs of occurrences. */
static bool is_indexed(const char *step)
{
	return strstr(step, "TEMP B-TREE") == NULL &&
	       (!str_has_prefix(step, "SCAN ") || strstr(step, "INDEX jobs_scheduled") != NULL);
}

static void assert_plan(struct fixture *f, const char *sql)
{
	CLEANUP(freep) char *explain = xasprintf("EXPLAIN QUERY PLAN %s", sql);
	struct query q;
	char wrong[256] = "";
	int n = 0, rc;

	query_open(&q, f->db, SLOT_NONE, explain);
	while ((rc = query_next(&q, NULL)) > 0) {
		CLEANUP(freep) char *step = NULL;

		q.got = 3;
		step = get_text(&q, NULL);
		if (!is_indexed(step))
			(void)str_copy(wrong, sizeof(wrong), step);
		n++;
	}
	query_close(&q); /* before anything fails: the teardown closes the database */
	if (wrong[0] != '\0')
		fail_msg("%s: %s", wrong, sql);
	assert_int_equal(rc, 0);
	assert_true(n > 0);
}

void assert_indexed(struct fixture *f, const enum slot *slots, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		assert_non_null(f->db->slots[slots[i]]);
		assert_plan(f, sqlite3_sql(f->db->slots[slots[i]]));
	}
}

int64_t count_rows(const struct fixture *f, const char *what)
{
	CLEANUP(freep) char *sql = xasprintf("SELECT count(*) FROM %s", what);

	return sql_value(f->path, sql);
}

int in_child(void (*fn)(struct fixture *f, void *ctx), struct fixture *f, void *ctx)
{
	int status = -1;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		fn(f, ctx);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int statements_left;

static int on_statement(unsigned what UNUSED, void *ctx UNUSED, void *p UNUSED, void *x UNUSED)
{
	if (--statements_left < 0)
		(void)raise(SIGKILL);
	return 0;
}

void die_after(struct fixture *f, int statements)
{
	statements_left = statements;
	(void)sqlite3_trace_v2(f->db->sql, SQLITE_TRACE_STMT, on_statement, NULL);
}

static int on_connection(sqlite3 *db, char **error UNUSED, const void *api UNUSED)
{
	return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, on_statement, NULL);
}

void open_and_die(struct fixture *f, void *statements)
{
	statements_left = *(int *)statements;
	(void)sqlite3_auto_extension((void (*)(void))(uintptr_t)on_connection);
	fixture_open(f);
	fixture_close(f);
}
