/* SPDX-License-Identifier: MIT */
/*
 * Databases of our own earlier versions are taken over in place: nothing of them changes, what is
 * new works, the copy made before is whole, and a kill at any statement leaves the one or the other
 * version.
 */
#undef NDEBUG
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "fixture.h"

#define JOB(n) "aaaaaaaa-0000-4000-8000-00000000000" #n

/* What there was before the present version, and the jobs in the file of each. */
static const struct old {
	int version;
	int64_t jobs;
} olds[] = {{3, 4}, {4, 5}};

_Static_assert(ARRAY_LEN(olds) == SCHEMA_VERSION - SCHEMA_OLDEST, "a file for each old version");

/* The file version_<n>.sql as a database. */
static void make_version(const struct fixture *f, int version)
{
	CLEANUP(freep) char *folder = xasprintf("%s/pylons/p", f->dir);
	CLEANUP(freep)
	char *file = xasprintf(PYLON_SOURCE_DIR "/tests/store/version_%d.sql", version);
	CLEANUP(buf_fini) struct buf sql = BUF_NULL;

	assert_int_equal(file_read(file, MIB(1), &sql, NULL), 0);
	assert_int_equal(dir_make(folder, 0700, NULL), 0);
	sql_run(f->path, buf_str(&sql));
}

static struct store_migration upgrade(struct fixture *f)
{
	struct store_migration m;
	struct err e = CLEAN_ERR;

	f->store = store_new(NULL, NULL);
	if (store_open(f->store, f->path, "named", &f->db, &m, &e) != 0)
		fail_msg("%s", e.text);
	assert_sound(f);
	return m;
}

static struct id id_of(const char *s)
{
	struct id id;

	(void)str_copy(id.s, sizeof(id.s), s);
	return id;
}

/* Makes way for the next one. */
static void clear(struct fixture *f)
{
	CLEANUP(freep) char *folder = xasprintf("%s/pylons", f->dir);

	fixture_close(f);
	assert_int_equal(tree_remove(folder, NULL), 0);
}

static int64_t rows(const char *path, const char *what)
{
	CLEANUP(freep) char *sql = xasprintf("SELECT count(*) FROM %s", what);

	return sql_value(path, sql);
}

/* What both files have. */
static void assert_kept(struct fixture *f, int64_t jobs)
{
	CLEANUP(job_fini) struct job j = {0};
	struct id first = id_of(JOB(1)), queued = id_of(JOB(2)), run;
	struct store_accept again;

	j = get_job(f, &first);
	assert_int_equal(j.state, JOB_COMPLETED);
	assert_string_equal(j.result, "done");
	assert_string_equal(j.session_id, "s1");
	assert_true(j.cost_usd > 0.24 && j.cost_usd < 0.26);
	assert_int_equal(j.usage.input_tokens, 0);
	assert_int_equal(j.finished_at, 1002);
	assert_int_equal(rows(f->path, "events WHERE body = '{\"n\":' || job_seq || '}'"), jobs);
	assert_int_equal(rows(f->path, "deliveries WHERE state = 'pending'"), 1);
	assert_int_equal(rows(f->path, "runs WHERE handle = 'box4' AND state = 'running'"), 1);
	again = accept_request(f, "d1");
	assert_int_equal(do_accept(f, &again), 0);
	assert_int_equal(again.verdict, ACCEPT_DUPLICATE);
	assert_int_equal(do_claim(f, &queued, &run), 0);
}

static void an_older_database_is_taken_over_as_it_is(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(olds); i++) {
		struct store_migration m;

		make_version(f, olds[i].version);
		m = upgrade(f);
		assert_int_equal(m.from, olds[i].version);
		assert_int_equal(m.to, 5);
		assert_int_equal(m.rows, olds[i].jobs);
		assert_int_equal(sql_value(f->path, "PRAGMA user_version"), 5);
		assert_kept(f, olds[i].jobs);
		/* And the next opening has nothing to do. */
		fixture_close(f);
		m = upgrade(f);
		assert_int_equal(m.from, 5);
		assert_int_equal(m.rows, 0);
		assert_string_equal(m.backup, "");
		clear(f);
	}
}

static void the_schedules_of_version_4_go_on_where_they_were(void **state)
{
	struct fixture *f = *state;
	CLEANUP(schedule_state_fini) struct schedule_state s = {0};
	CLEANUP(occurrence_fini) struct occurrence o = {0};
	struct store_occurrence known;
	struct store_occur r;
	struct id job = id_of(JOB(5));

	make_version(f, 4);
	(void)upgrade(f);
	assert_int_equal(store_schedule_state(f->db, "trigger", &s, NULL), 0);
	assert_string_equal(s.spec, "0 * * * * UTC");
	assert_int_equal(s.decided_to, 5000);
	assert_int_equal(store_occurrence_of(f->db, &job, &o, NULL), 0);
	assert_int_equal(o.at, 5000);
	assert_int_equal(rows(f->path, "occurrences WHERE count = 2 AND last = 4000"), 1);
	known = instant(5000, NULL);
	r = occur_request(OVERLAP_SKIP, &known, 1);
	assert_int_equal(do_occur(f, &r), 0);
	assert_true(known.was_known);
}

static void the_schedules_new_since_3_work_beside_the_old_rows(void **state)
{
	struct fixture *f = *state;
	CLEANUP(job_fini) struct job j = {0};
	struct store_accept job;
	struct store_occurrence o;
	struct store_occur r;

	make_version(f, 3);
	(void)upgrade(f);
	job = scheduled_request(f);
	o = instant(NOW, &job);
	r = occur_request(OVERLAP_SKIP, &o, 1);
	assert_int_equal(do_occur(f, &r), STORE_E_NOT_FOUND);
	assert_int_equal(do_schedule(f, 1, NOW - 1), 0);
	assert_int_equal(do_occur(f, &r), 0);
	assert_int_equal(o.outcome, OCCURRENCE_RAN); /* the running webhook job is not in the way */
	j = get_job(f, &job.job_id);
	assert_int_equal(j.seq, 5);
}

static void an_old_job_is_replied_to_and_adds_to_its_cost(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(olds); i++) {
		struct id job = id_of(JOB(1)), run;
		struct store_move reply = move_request(&job, JOB_COMPLETED, JOB_QUEUED);
		struct store_finish fin;
		struct turn t = {0};
		struct job j;

		make_version(f, olds[i].version);
		(void)upgrade(f);
		reply.turn = "and now?";
		assert_int_equal(do_move(f, &reply), 0);
		assert_int_equal(do_claim(f, &job, &run), 0);
		assert_int_equal(store_turn(f->db, &job, &t, NULL), 0);
		assert_string_equal(t.text, "and now?");
		assert_string_equal(t.session_id, "s1");
		turn_fini(&t);
		assert_int_equal(do_started(f, &job, &run), 0);
		fin = finish_request(&job, &run, JOB_COMPLETED);
		fin.usage.output_tokens = 9;
		assert_int_equal(do_finish(f, &fin), 0);
		j = get_job(f, &job);
		assert_true(j.cost_usd > 0.49 && j.cost_usd < 0.51);
		assert_int_equal(j.usage.output_tokens, 9);
		job_fini(&j);
		assert_sound(f);
		clear(f);
	}
}

/* Tables and indexes of one database that the other lacks. */
#define MISSING(from, in)                                                                          \
	"SELECT count(*) FROM (SELECT type, name, sql FROM " from ".sqlite_schema "                \
	"EXCEPT SELECT type, name, sql FROM " in ".sqlite_schema)"

static void an_upgraded_database_has_the_shape_of_a_new_one(void **state)
{
	static const char *const questions[] = {MISSING("main", "up"), MISSING("up", "main")};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(olds); i++) {
		CLEANUP(freep)
		char *up = xasprintf("%s/pylons/p/v%d.db", f->dir, olds[i].version);
		CLEANUP(freep) char *sql = xasprintf("ATTACH '%s' AS up", up);

		make_version(f, olds[i].version);
		(void)upgrade(f);
		fixture_close(f);
		assert_int_equal(rename(f->path, up), 0);
		fixture_open(f);
		assert_int_equal(sqlite3_exec(f->db->sql, sql, NULL, NULL, NULL), SQLITE_OK);
		for (size_t k = 0; k < ARRAY_LEN(questions); k++) {
			int64_t n = -1;

			assert_int_equal(sql_number(f->db, questions[k], 0, &n, NULL), 0);
			assert_int_equal(n, 0);
		}
		clear(f);
	}
}

static void the_copy_is_whole_and_still_the_old_version(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(olds); i++) {
		int version = olds[i].version;
		CLEANUP(freep)
		char *name = xasprintf("%s/pylons/p/.backups/jobs.db.v%d.1", f->dir, version);
		struct store_migration m;
		struct stat st;

		make_version(f, version);
		m = upgrade(f);
		assert_string_equal(m.backup, name);
		assert_int_equal(stat(m.backup, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
		assert_int_equal(store_check(m.backup, NULL), 0);
		assert_int_equal(sql_value(m.backup, "PRAGMA user_version"), version);
		assert_int_equal(rows(m.backup, "jobs"), olds[i].jobs);
		assert_int_equal(
			rows(m.backup, "sqlite_schema WHERE name = 'occurrences'"), version > 3);
		assert_int_equal(rows(m.backup, "sqlite_schema WHERE name = 'turns'"), 0);
		clear(f);
	}
}

/* Refused, with no copy left and the old version still there. */
static void assert_refused(struct fixture *f, int version, int rc, const char *why)
{
	CLEANUP(freep) char *folder = xasprintf("%s/pylons/p/.backups", f->dir);
	struct store_db *db = NULL;
	struct err e = CLEAN_ERR;

	f->store = store_new(NULL, NULL);
	assert_int_equal(store_open(f->store, f->path, "p", &db, NULL, &e), rc);
	if (strstr(e.text, why) == NULL)
		fail_msg("%s", e.text);
	fixture_close(f);
	assert_int_equal(sql_value(f->path, "PRAGMA user_version"), version);
	assert_int_equal(rows(f->path, "sqlite_schema WHERE name = 'usage'"), 0);
	(void)rmdir(folder); /* fails when something is in it */
	assert_false(file_exists(folder));
	clear(f);
}

static void an_altered_older_database_is_refused(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(olds); i++) {
		make_version(f, olds[i].version);
		sql_run(f->path, "DROP INDEX jobs_queue");
		assert_refused(f, olds[i].version, -EUCLEAN, "as they must be");
	}
	make_version(f, 4);
	sql_run(f->path, "DROP INDEX occurrences_job");
	assert_refused(f, 4, -EUCLEAN, "as they must be");
}

static void an_older_database_with_a_damaged_index_is_refused(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(olds); i++) {
		make_version(f, olds[i].version);
		/* A row that was written while an index looked away: only the check of the copy
		 * sees it. */
		sql_run(f->path, "CREATE TABLE kept AS SELECT * FROM sqlite_schema "
				 "WHERE name = 'jobs_created'; PRAGMA writable_schema = ON;"
				 "DELETE FROM sqlite_schema WHERE name = 'jobs_created'");
		sql_run(f->path, "UPDATE jobs SET created_at = 7 WHERE seq = 2;"
				 "PRAGMA writable_schema = ON;"
				 "INSERT INTO sqlite_schema SELECT * FROM kept; DROP TABLE kept");
		assert_refused(f, olds[i].version, -EUCLEAN, "jobs_created");
	}
}

static void a_table_of_that_name_stops_the_upgrade_with_nothing_changed(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(olds); i++) {
		CLEANUP(freep) char *why = xasprintf("migrating version %d", olds[i].version);

		make_version(f, olds[i].version);
		sql_run(f->path, "CREATE TABLE turns(mine)"); /* after usage was made */
		assert_refused(f, olds[i].version, -EIO, why);
	}
}

/* Killed at each statement of opening it, from the first to the last. */
static void kill_everywhere(struct fixture *f, const struct old *old)
{
	bool is_done = false;
	int before = 0, after = 0;

	for (int n = 0; !is_done; n++) {
		bool is_new;

		assert_true(n < 500);
		make_version(f, old->version);
		is_done = WIFEXITED(in_child(open_and_die, f, &n));
		is_new = sql_value(f->path, "PRAGMA user_version") == 5;
		*(is_new ? &after : &before) += 1;
		assert_int_equal(rows(f->path, "sqlite_schema WHERE name IN ('usage', "
					       "'turns', 'turns_job')"),
			is_new ? 3 : 0);
		assert_int_equal(rows(f->path, "sqlite_schema WHERE name IN ('schedules', "
					       "'occurrences', 'jobs_scheduled')"),
			is_new || old->version > 3 ? 3 : 0);
		assert_int_equal(rows(f->path, "jobs"), old->jobs);
		assert_int_equal(upgrade(f).to, 5);
		assert_int_equal(rows(f->path, "jobs"), old->jobs);
		assert_int_equal(rows(f->path, "events"), old->jobs);
		clear(f);
	}
	assert_true(before > 20);
	assert_true(after > 1);
}

static void a_kill_at_any_statement_leaves_the_old_or_the_new_version(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(olds); i++)
		kill_everywhere(*state, &olds[i]);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup_folder, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_older_database_is_taken_over_as_it_is),
		TEST(the_schedules_of_version_4_go_on_where_they_were),
		TEST(the_schedules_new_since_3_work_beside_the_old_rows),
		TEST(an_old_job_is_replied_to_and_adds_to_its_cost),
		TEST(an_upgraded_database_has_the_shape_of_a_new_one),
		TEST(the_copy_is_whole_and_still_the_old_version),
		TEST(an_altered_older_database_is_refused),
		TEST(an_older_database_with_a_damaged_index_is_refused),
		TEST(a_table_of_that_name_stops_the_upgrade_with_nothing_changed),
		TEST(a_kill_at_any_statement_leaves_the_old_or_the_new_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
