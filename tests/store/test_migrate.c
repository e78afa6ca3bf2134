/* SPDX-License-Identifier: MIT */
/*
 * Databases of the Go program, versions 0 to 2, become ours; the copy made before is verified; a
 * kill at any statement leaves the old or the new version.
 */
#undef NDEBUG
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "fixture.h"

#define GO_JOBS                                                                                    \
	"CREATE TABLE jobs (id TEXT PRIMARY KEY, pylon_name TEXT NOT NULL, "                       \
	"status TEXT NOT NULL DEFAULT 'pending', trigger_payload TEXT, agent_output TEXT, "        \
	"telegram_topic_id TEXT DEFAULT '', telegram_message_id TEXT DEFAULT '', "                 \
	"container_id TEXT DEFAULT '', callback_url TEXT DEFAULT '', session_id TEXT DEFAULT '', " \
	"error TEXT DEFAULT '', created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, "                  \
	"started_at TIMESTAMP, completed_at TIMESTAMP);"                                           \
	"CREATE INDEX idx_jobs_status ON jobs(status);"                                            \
	"CREATE INDEX idx_jobs_created ON jobs(created_at);"                                       \
	"CREATE INDEX idx_jobs_pylon ON jobs(pylon_name);"
#define GO_SAMPLE                                                                                  \
	"CREATE TABLE payload_sample (pylon_name TEXT PRIMARY KEY, payload TEXT NOT NULL, "        \
	"updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);"                                         \
	"INSERT INTO payload_sample(pylon_name, payload) VALUES('p', '{}');"
#define GO_VERSION "CREATE TABLE schema_version(version INTEGER NOT NULL);"

#define ID(n) "0000000" #n "-0000-4000-8000-000000000000"
#define T     (INT64_C(1795161637) * US_PER_SEC) /* 2026-11-20 08:00:37 UTC */

static void make_go(const struct fixture *f, const char *sql)
{
	CLEANUP(freep) char *folder = xasprintf("%s/pylons/p", f->dir);

	assert_int_equal(dir_make(folder, 0700, NULL), 0);
	sql_run(f->path, "PRAGMA journal_mode = WAL");
	sql_run(f->path, sql);
}

static struct store_migration open_old(struct fixture *f)
{
	struct store_migration m;
	struct err e = CLEAN_ERR;

	f->store = store_new(NULL, NULL);
	if (store_open(f->store, f->path, "named", &f->db, &m, &e) != 0)
		fail_msg("%s", e.text);
	assert_int_equal(m.to, 5);
	assert_sound(f);
	return m;
}

static struct job job_of(struct fixture *f, const char *id)
{
	struct id i;

	(void)str_copy(i.s, sizeof(i.s), id);
	return get_job(f, &i);
}

static char *body_of(struct fixture *f, const char *id)
{
	struct event_record ev = {0};
	struct id i;
	char *body;

	(void)str_copy(i.s, sizeof(i.s), id);
	assert_int_equal(store_event(f->db, &i, &ev, NULL), 0);
	assert_int_equal(strlen(ev.body), ev.body_n);
	body = STEAL(ev.body);
	event_record_fini(&ev);
	return body;
}

static void a_version_2_job_keeps_what_it_was(void **state)
{
	struct fixture *f = *state;
	struct store_migration m;
	struct job j;
	char *body;

	make_go(f, GO_JOBS GO_SAMPLE GO_VERSION
		"INSERT INTO schema_version VALUES(2);"
		"INSERT INTO jobs(id, pylon_name, status, trigger_payload, agent_output, "
		"session_id, created_at, completed_at) VALUES('" ID(
			1) "', 'p', 'completed', "
			   "'{\"n\":1.50}', '{\"result\":\"done\",\"session_id\":\"in\","
			   "\"total_cost_usd\":0.5}', 'col', "
			   "'2026-11-20 03:00:37.861883312 -0500 EST m=+0.000032429', "
			   "'2026-11-20 03:01:37 -0500 EST m=+60.0')");
	m = open_old(f);
	assert_int_equal(m.from, 2);
	assert_int_equal(m.rows, 1);
	j = job_of(f, ID(1));
	assert_int_equal(j.seq, 1);
	assert_string_equal(j.pylon, "p");
	assert_int_equal(j.state, JOB_COMPLETED);
	assert_string_equal(j.source, "webhook");
	assert_int_equal(j.created_at, T + 861883);
	assert_int_equal(j.finished_at, T + 60 * US_PER_SEC);
	assert_int_equal(j.exit_code, -1);
	assert_string_equal(j.result, "done");
	assert_string_equal(j.session_id, "col");
	assert_true(j.cost_usd > 0.49 && j.cost_usd < 0.51);
	assert_non_null(strstr(j.output_json, "total_cost_usd"));
	assert_null(j.error);
	assert_null(j.reason);
	assert_null(j.delivery_id);
	job_fini(&j);
	body = body_of(f, ID(1));
	assert_string_equal(body, "{\"n\":1.50}");
	free(body);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM sqlite_schema WHERE name IN "
					    "('go_jobs', 'schema_version', 'payload_sample')"),
		0);
	/* And the next opening has nothing to do. */
	fixture_close(f);
	m = open_old(f);
	assert_int_equal(m.from, 5);
	assert_int_equal(m.rows, 0);
}

static void an_old_job_is_replied_to_in_its_session(void **state)
{
	struct fixture *f = *state;
	struct store_move reply;
	struct turn t = {0};
	struct id job, run;
	struct job j;

	make_go(f, GO_JOBS GO_VERSION
		"INSERT INTO schema_version VALUES(2);"
		"INSERT INTO jobs(id, pylon_name, status, session_id, agent_output) VALUES('" ID(
			1) "', 'p', 'completed', 'old', '{\"total_cost_usd\":0.5}')");
	(void)open_old(f);
	(void)str_copy(job.s, sizeof(job.s), ID(1));
	reply = move_request(&job, JOB_COMPLETED, JOB_QUEUED);
	reply.turn = "and now?";
	assert_int_equal(do_move(f, &reply), 0);
	assert_int_equal(do_claim(f, &job, &run), 0);
	assert_int_equal(store_turn(f->db, &job, &t, NULL), 0);
	assert_string_equal(t.session_id, "old");
	turn_fini(&t);
	j = get_job(f, &job);
	assert_true(j.cost_usd > 0.49 && j.cost_usd < 0.51);
	assert_int_equal(j.usage.input_tokens, 0);
	job_fini(&j);
	assert_sound(f);
}

static void versions_0_and_1_and_a_missing_version_are_taken(void **state)
{
	static const struct {
		const char *sql;
		int from;
		int64_t rows;
	} old[] = {
		{GO_JOBS GO_VERSION "INSERT INTO schema_version VALUES(1);"
				    "INSERT INTO jobs(id, pylon_name) VALUES('" ID(1) "', 'p')",
			1, 1},
		{GO_JOBS GO_VERSION "INSERT INTO schema_version VALUES(0)", 0, 0},
		{GO_JOBS GO_VERSION "INSERT INTO jobs(id, pylon_name) VALUES('" ID(1) "', 'p')", 0,
			1},
		{GO_JOBS "INSERT INTO jobs(id, pylon_name) VALUES('" ID(1) "', 'p')", 0, 1},
		{"CREATE TABLE schema_version(version INTEGER);"
		 "INSERT INTO schema_version VALUES(NULL);",
			0, 0},
		{GO_VERSION, 0, 0},
		/* An early table that lacks most columns. */
		{"CREATE TABLE jobs(id TEXT PRIMARY KEY, status TEXT);"
		 "INSERT INTO jobs VALUES('" ID(1) "', 'failed')",
			0, 1},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(old); i++) {
		struct store_migration m;

		(void)snprintf(f->path, sizeof(f->path), "%s/pylons/p/jobs%zu.db", f->dir, i);
		make_go(f, old[i].sql);
		m = open_old(f);
		assert_int_equal(m.from, old[i].from);
		assert_int_equal(m.rows, old[i].rows);
		assert_true(file_exists(m.backup));
		(void)make_job(f);
		fixture_close(f);
	}
}

static void every_old_state_has_a_place(void **state)
{
	static const struct {
		const char *old;
		enum job_state now;
	} states[] = {
		{"completed", JOB_COMPLETED},
		{"failed", JOB_FAILED},
		{"timeout", JOB_TIMED_OUT},
		{"dismissed", JOB_DISMISSED},
		{"awaiting_approval", JOB_AWAITING_APPROVAL},
		{"queued", JOB_QUEUED},
		{"pending", JOB_QUEUED},
		{"approved", JOB_QUEUED},
		{"triggered", JOB_QUEUED},
		{"running", JOB_LOST},
		{"active", JOB_LOST},
		{"", JOB_LOST},
		{"what?", JOB_LOST},
	};
	struct fixture *f = *state;
	struct buf sql = BUF_NULL;

	buf_add_str(&sql, GO_JOBS GO_SAMPLE GO_VERSION "INSERT INTO schema_version VALUES(2);");
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		buf_printf(&sql,
			"INSERT INTO jobs(id, pylon_name, status) VALUES("
			"'%08zu-0000-4000-8000-000000000000', 'p', '%s');",
			i, states[i].old);
	make_go(f, buf_str(&sql));
	buf_fini(&sql);
	assert_int_equal(open_old(f).rows, ARRAY_LEN(states));
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		CLEANUP(freep) char *id = xasprintf("%08zu-0000-4000-8000-000000000000", i);
		struct job j = job_of(f, id);

		assert_int_equal(j.state, states[i].now);
		assert_int_equal(j.seq, i + 1);
		assert_int_equal(j.finished_at > 0, job_is_over(j.state));
		if (j.state == JOB_LOST)
			assert_string_equal(j.reason, "migrated");
		job_fini(&j);
	}
}

static void odd_times_keep_the_order_of_the_rows(void **state)
{
	struct fixture *f = *state;
	struct job j;

	make_go(f, GO_JOBS GO_VERSION
		"INSERT INTO schema_version VALUES(1);"
		"INSERT INTO jobs(id, pylon_name, status, created_at) VALUES"
		"('" ID(9) "', 'p', 'failed', 'yesterday'),"
			   "('" ID(2) "', 'p', 'failed', '2026-11-20 13:45:37 +0545 +0545 m=+1.0'),"
				      "('" ID(3) "', 'p', 'failed', NULL),"
						 "('" ID(4) "', 'p', 'failed', 1795161638),"
							    "('" ID(5) "', 'p', 'failed', '2026-11-20T08:00:39Z'),"
								       "('" ID(6) "', 'p', 'failed', x'00ff'),"
										  "('" ID(7) "', 'p', 'failed', 1795161640.5)");
	(void)open_old(f);
	j = job_of(f, ID(9));
	assert_int_equal(j.seq, 1);
	assert_int_equal(j.created_at, 1);
	job_fini(&j);
	j = job_of(f, ID(2));
	assert_int_equal(j.created_at, T);
	job_fini(&j);
	j = job_of(f, ID(3));
	assert_int_equal(j.created_at, T);
	assert_int_equal(j.finished_at, T);
	job_fini(&j);
	j = job_of(f, ID(4));
	assert_int_equal(j.created_at, T + US_PER_SEC);
	job_fini(&j);
	j = job_of(f, ID(5));
	assert_int_equal(j.created_at, T + 2 * US_PER_SEC);
	job_fini(&j);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM jobs a JOIN jobs b ON "
					    "b.seq = a.seq + 1 WHERE b.created_at < a.created_at"),
		0);
}

static void payloads_that_are_no_object_become_one(void **state)
{
	static const char *const bodies[] = {"{}", "{}", "{\"value\":[1,2]}",
		"{\"text\":\"not json {\"}", "{\"a\":{\"b\":[]}}", "{\"value\":\"str\"}"};
	struct fixture *f = *state;

	make_go(f, GO_JOBS GO_VERSION
		"INSERT INTO schema_version VALUES(1);"
		"INSERT INTO jobs(id, pylon_name, status, trigger_payload) VALUES"
		"('" ID(0) "', 'p', 'failed', NULL), ('" ID(
			1) "', 'p', 'failed', 'null'),"
			   "('" ID(2) "', 'p', 'failed', '[1,2]'), ('" ID(
				   3) "', 'p', 'failed', 'not json {'),"
				      "('" ID(4) "', 'p', 'failed', '{\"a\":{\"b\":[]}}'),"
						 "('" ID(5) "', 'p', 'failed', '\"str\"')");
	(void)open_old(f);
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		CLEANUP(freep) char *id = xasprintf("%08zu-0000-4000-8000-000000000000", i);
		CLEANUP(freep) char *body = body_of(f, id);
		struct job j = job_of(f, id);

		assert_string_equal(body, bodies[i]);
		assert_string_equal(j.source, i < 2 ? "manual" : "webhook");
		job_fini(&j);
	}
}

static void outputs_of_every_shape_are_taken(void **state)
{
	struct fixture *f = *state;
	struct job j;

	make_go(f, GO_JOBS GO_VERSION
		"INSERT INTO schema_version VALUES(1);"
		"INSERT INTO jobs(id, pylon_name, status, agent_output, error, session_id) VALUES"
		"('" ID(0) "', 'p', 'completed', 'null', '', ''),"
			   "('" ID(1) "', 'p', 'completed', '\"just text\"', 'bad', ''),"
				      "('" ID(2) "', 'p', 'completed', 'plain \x1b[1mtext', NULL, NULL),"
						 "('" ID(3) "', 'p', 'completed', '{\"result\":7,\"session_id\":\"s\"}', '', ''),"
							    "('" ID(4) "', 'p', 'completed', '{\"result\":\"' || "
								       "replace(hex(zeroblob(150000)), '00', 'é') || '\"}', '', '')");
	(void)open_old(f);
	j = job_of(f, ID(0));
	assert_null(j.result);
	assert_null(j.output_json);
	assert_null(j.error);
	assert_null(j.session_id);
	job_fini(&j);
	j = job_of(f, ID(1));
	assert_string_equal(j.result, "just text");
	assert_string_equal(j.error, "bad");
	job_fini(&j);
	j = job_of(f, ID(2));
	assert_string_equal(j.result, "plain text");
	assert_null(j.output_json);
	job_fini(&j);
	j = job_of(f, ID(3));
	assert_null(j.result);
	assert_string_equal(j.session_id, "s");
	job_fini(&j);
	j = job_of(f, ID(4));
	assert_int_equal(strlen(j.result), RESULT_TEXT_MAX);
	assert_true(utf8_is_valid(j.result, strlen(j.result)));
	job_fini(&j);
}

static void ids_and_names_that_are_missing_are_made(void **state)
{
	struct fixture *f = *state;

	make_go(f, "CREATE TABLE jobs(id TEXT PRIMARY KEY, pylon_name TEXT, status TEXT);"
		   "INSERT INTO jobs VALUES(NULL, NULL, 'failed'), (NULL, 'q', 'failed'), "
		   "('short', '', 'failed'), "
		   "('0000000A-0000-4000-8000-000000000000', 'p', 'failed')");
	assert_int_equal(open_old(f).rows, 4);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM jobs WHERE pylon = 'named'"), 2);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM jobs WHERE length(id) = 36 AND "
					    "reason LIKE 'migrated from the id %'"),
		4);
	assert_int_equal(
		sql_value(f->path, "SELECT count(*) FROM jobs WHERE reason LIKE '%\"short\"'"), 1);
}

static void the_copy_is_whole_private_and_still_the_old_version(void **state)
{
	struct fixture *f = *state;
	struct store_migration m;
	struct stat st;
	CLEANUP(freep) char *folder = xasprintf("%s/pylons/p/.backups", f->dir);

	make_go(f, GO_JOBS GO_SAMPLE GO_VERSION
		"INSERT INTO schema_version VALUES(2);"
		"INSERT INTO jobs(id, pylon_name, telegram_topic_id) VALUES('" ID(
			1) "', 'p', '42')");
	m = open_old(f);
	assert_true(str_has_prefix(m.backup, folder));
	assert_int_equal(stat(m.backup, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(store_check(m.backup, NULL), 0);
	assert_int_equal(sql_value(m.backup, "SELECT version FROM schema_version"), 2);
	assert_int_equal(sql_value(m.backup, "SELECT telegram_topic_id FROM jobs"), 42);
	assert_int_equal(sql_value(m.backup, "SELECT count(*) FROM payload_sample"), 1);
}

static void an_earlier_copy_is_never_written_over(void **state)
{
	struct fixture *f = *state;
	struct store_migration a, b;
	CLEANUP(freep) char *part = NULL;

	make_go(f, GO_JOBS GO_VERSION);
	a = open_old(f);
	fixture_close(f);
	assert_int_equal(unlink(f->path), 0);
	make_go(f, GO_JOBS GO_VERSION);
	part = xasprintf("%s/pylons/p/.backups/jobs.db.v0.2.part", f->dir);
	assert_int_equal(file_write(part, "left by a crash", 15, 0600, NULL), 0);
	b = open_old(f);
	assert_string_not_equal(a.backup, b.backup);
	assert_true(file_exists(a.backup));
	assert_true(file_exists(b.backup));
	assert_false(file_exists(part));
}

static void what_the_wal_holds_is_migrated_too(void **state)
{
	struct fixture *f = *state;
	CLEANUP(freep) char *wal = xasprintf("%s-wal", f->path);
	sqlite3 *writer = NULL;
	pid_t pid;
	int status;

	make_go(f, GO_JOBS GO_VERSION "INSERT INTO schema_version VALUES(2)");
	pid = fork();
	if (pid == 0) { /* dies with its last rows in the -wal */
		(void)sqlite3_open(f->path, &writer);
		(void)sqlite3_exec(writer,
			"INSERT INTO jobs(id, pylon_name) VALUES('" ID(1) "', 'p')", NULL, NULL,
			NULL);
		(void)raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(file_exists(wal));
	assert_int_equal(open_old(f).rows, 1);
}

static void a_damaged_old_database_is_refused(void **state)
{
	struct fixture *f = *state;
	struct store_db *db = NULL;
	struct err e = CLEAN_ERR;
	CLEANUP(freep) char *folder = xasprintf("%s/pylons/p/.backups", f->dir);

	make_go(f, GO_JOBS GO_VERSION "INSERT INTO schema_version VALUES(2);"
				      "INSERT INTO jobs(id, pylon_name) VALUES('" ID(1) "', 'p')");
	/* A row that was written while an index looked away: only the whole check sees that. */
	sql_run(f->path,
		"CREATE TABLE kept AS SELECT * FROM sqlite_schema WHERE name = 'idx_jobs_pylon';"
		"PRAGMA writable_schema = ON;"
		"DELETE FROM sqlite_schema WHERE name = 'idx_jobs_pylon'");
	sql_run(f->path,
		"INSERT INTO jobs(id, pylon_name) VALUES('" ID(
			2) "', 'p');"
			   "PRAGMA writable_schema = ON;"
			   "INSERT INTO sqlite_schema SELECT * FROM kept; DROP TABLE kept");
	f->store = store_new(NULL, NULL);
	assert_int_equal(store_open(f->store, f->path, "p", &db, NULL, &e), -EUCLEAN);
	assert_int_equal(sql_value(f->path, "SELECT version FROM schema_version"), 2);
	assert_int_equal(rmdir(folder), 0); /* no bad copy is left behind */
}

/* --- kills --- */

static void a_kill_at_any_statement_leaves_the_old_or_the_new_version(void **state)
{
	struct fixture *f = *state;
	CLEANUP(freep) char *folder = xasprintf("%s/pylons", f->dir);
	bool is_done = false;
	int old = 0, new = 0;

	for (int n = 0; !is_done; n++) {
		int status;

		assert_true(n < 500);
		make_go(f, GO_JOBS GO_SAMPLE GO_VERSION
			"INSERT INTO schema_version VALUES(2);"
			"INSERT INTO jobs(id, pylon_name, status) VALUES"
			"('" ID(1) "', 'p', 'completed'), ('" ID(2) "', 'p', 'queued')");
		status = in_child(open_and_die, f, &n);
		is_done = WIFEXITED(status);
		if (sql_value(f->path, "PRAGMA user_version") == 5) {
			new ++;
			assert_int_equal(sql_value(f->path, "SELECT count(*) FROM events"), 2);
		} else {
			old++;
			assert_int_equal(
				sql_value(f->path, "SELECT version FROM schema_version"), 2);
			assert_int_equal(
				sql_value(f->path, "SELECT count(*) FROM payload_sample"), 1);
		}
		assert_int_equal(sql_value(f->path, "SELECT count(*) FROM jobs"), 2);
		(void)open_old(f);
		assert_int_equal(sql_value(f->path, "SELECT count(*) FROM jobs"), 2);
		fixture_close(f);
		assert_int_equal(tree_remove(folder, NULL), 0);
	}
	assert_true(old > 40);
	assert_true(new > 1);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup_folder, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_version_2_job_keeps_what_it_was),
		TEST(an_old_job_is_replied_to_in_its_session),
		TEST(versions_0_and_1_and_a_missing_version_are_taken),
		TEST(every_old_state_has_a_place),
		TEST(odd_times_keep_the_order_of_the_rows),
		TEST(payloads_that_are_no_object_become_one),
		TEST(outputs_of_every_shape_are_taken),
		TEST(ids_and_names_that_are_missing_are_made),
		TEST(the_copy_is_whole_private_and_still_the_old_version),
		TEST(an_earlier_copy_is_never_written_over),
		TEST(what_the_wal_holds_is_migrated_too),
		TEST(a_damaged_old_database_is_refused),
		TEST(a_kill_at_any_statement_leaves_the_old_or_the_new_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
