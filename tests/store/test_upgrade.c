/* SPDX-License-Identifier: MIT */
/*
 * Databases of our own earlier version are taken over in place: nothing of them changes, what is
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

/* The file version_3.sql as a database. */
static void make_version_3(const struct fixture *f)
{
	CLEANUP(freep) char *folder = xasprintf("%s/pylons/p", f->dir);
	CLEANUP(buf_fini) struct buf sql = BUF_NULL;

	assert_int_equal(
		file_read(PYLON_SOURCE_DIR "/tests/store/version_3.sql", MIB(1), &sql, NULL), 0);
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

static int64_t rows(const char *path, const char *what)
{
	CLEANUP(freep) char *sql = xasprintf("SELECT count(*) FROM %s", what);

	return sql_value(path, sql);
}

static void a_version_3_database_is_taken_over_as_it_is(void **state)
{
	struct fixture *f = *state;
	CLEANUP(job_fini) struct job j = {0};
	struct id first = id_of(JOB(1)), queued = id_of(JOB(2)), run;
	struct store_migration m;
	struct store_accept again;

	make_version_3(f);
	m = upgrade(f);
	assert_int_equal(m.from, 3);
	assert_int_equal(m.to, 4);
	assert_int_equal(m.rows, 4);
	assert_int_equal(sql_value(f->path, "PRAGMA user_version"), 4);
	j = get_job(f, &first);
	assert_int_equal(j.state, JOB_COMPLETED);
	assert_string_equal(j.result, "done");
	assert_string_equal(j.session_id, "s1");
	assert_int_equal(j.finished_at, 1002);
	assert_int_equal(rows(f->path, "events WHERE body = '{\"n\":' || job_seq || '}'"), 4);
	assert_int_equal(rows(f->path, "deliveries WHERE state = 'pending'"), 1);
	assert_int_equal(rows(f->path, "runs WHERE handle = 'box4' AND state = 'running'"), 1);
	again = accept_request(f, "d1");
	assert_int_equal(do_accept(f, &again), 0);
	assert_int_equal(again.verdict, ACCEPT_DUPLICATE);
	assert_int_equal(do_claim(f, &queued, &run), 0);
	/* And the next opening has nothing to do. */
	fixture_close(f);
	m = upgrade(f);
	assert_int_equal(m.from, 4);
	assert_int_equal(m.rows, 0);
	assert_string_equal(m.backup, "");
}

static void the_new_tables_work_beside_the_old_rows(void **state)
{
	struct fixture *f = *state;
	CLEANUP(job_fini) struct job j = {0};
	struct store_accept job;
	struct store_occurrence o;
	struct store_occur r;

	make_version_3(f);
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

static void an_upgraded_database_has_the_shape_of_a_new_one(void **state)
{
	struct fixture *f = *state;
	CLEANUP(freep) char *fresh = xasprintf("%s/fresh.db", f->dir);
	CLEANUP(freep) char *sql = NULL;

	make_version_3(f);
	(void)upgrade(f);
	fixture_close(f);
	sql = xasprintf("ATTACH '%s' AS up", f->path);
	(void)str_copy(f->path, sizeof(f->path), fresh);
	fixture_open(f);
	assert_int_equal(sqlite3_exec(f->db->sql, sql, NULL, NULL, NULL), SQLITE_OK);
	for (int way = 0; way < 2; way++) {
		int64_t n = -1;

		assert_int_equal(
			sql_number(f->db,
				way == 0 ? "SELECT count(*) FROM (SELECT type, name, sql FROM "
					   "main.sqlite_schema EXCEPT SELECT type, name, sql "
					   "FROM up.sqlite_schema)"
					 : "SELECT count(*) FROM (SELECT type, name, sql FROM "
					   "up.sqlite_schema EXCEPT SELECT type, name, sql "
					   "FROM main.sqlite_schema)",
				0, &n, NULL),
			0);
		assert_int_equal(n, 0);
	}
}

static void the_copy_is_whole_and_still_version_3(void **state)
{
	struct fixture *f = *state;
	CLEANUP(freep) char *name = xasprintf("%s/pylons/p/.backups/jobs.db.v3.1", f->dir);
	struct store_migration m;
	struct stat st;

	make_version_3(f);
	m = upgrade(f);
	assert_string_equal(m.backup, name);
	assert_int_equal(stat(m.backup, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(store_check(m.backup, NULL), 0);
	assert_int_equal(sql_value(m.backup, "PRAGMA user_version"), 3);
	assert_int_equal(rows(m.backup, "jobs"), 4);
	assert_int_equal(rows(m.backup, "sqlite_schema WHERE name = 'occurrences'"), 0);
}

/* Refused, with no copy left and the old version still there. */
static void assert_refused(struct fixture *f)
{
	CLEANUP(freep) char *folder = xasprintf("%s/pylons/p/.backups", f->dir);
	struct store_db *db = NULL;
	struct err e = CLEAN_ERR;

	f->store = store_new(NULL, NULL);
	assert_int_equal(store_open(f->store, f->path, "p", &db, NULL, &e), -EUCLEAN);
	fixture_close(f);
	assert_int_equal(sql_value(f->path, "PRAGMA user_version"), 3);
	assert_int_equal(rows(f->path, "sqlite_schema WHERE name = 'schedules'"), 0);
	(void)rmdir(folder); /* fails when something is in it */
	assert_false(file_exists(folder));
}

static void an_altered_version_3_database_is_refused(void **state)
{
	struct fixture *f = *state;

	make_version_3(f);
	sql_run(f->path, "DROP INDEX jobs_queue");
	assert_refused(f);
}

static void a_version_3_database_with_a_damaged_index_is_refused(void **state)
{
	struct fixture *f = *state;

	make_version_3(f);
	/* A row that was written while an index looked away: only the check of the copy sees it. */
	sql_run(f->path,
		"CREATE TABLE kept AS SELECT * FROM sqlite_schema WHERE name = 'jobs_created';"
		"PRAGMA writable_schema = ON;"
		"DELETE FROM sqlite_schema WHERE name = 'jobs_created'");
	sql_run(f->path, "UPDATE jobs SET created_at = 7 WHERE seq = 2;"
			 "PRAGMA writable_schema = ON;"
			 "INSERT INTO sqlite_schema SELECT * FROM kept; DROP TABLE kept");
	assert_refused(f);
}

static void a_table_of_that_name_stops_the_upgrade_with_nothing_changed(void **state)
{
	struct fixture *f = *state;
	CLEANUP(freep) char *copy = xasprintf("%s/pylons/p/.backups/jobs.db.v3.1", f->dir);
	struct store_db *db = NULL;
	struct err e = CLEAN_ERR;

	make_version_3(f);
	sql_run(f->path, "CREATE TABLE occurrences(mine)");
	f->store = store_new(NULL, NULL);
	assert_true(store_open(f->store, f->path, "p", &db, NULL, &e) < 0);
	assert_non_null(strstr(e.text, "migrating version 3"));
	assert_int_equal(sql_value(f->path, "PRAGMA user_version"), 3);
	assert_int_equal(rows(f->path, "sqlite_schema WHERE name = 'schedules'"), 0);
	assert_false(file_exists(copy)); /* it would be made again at every try */
}

static void a_kill_at_any_statement_leaves_the_old_or_the_new_version(void **state)
{
	struct fixture *f = *state;
	CLEANUP(freep) char *folder = xasprintf("%s/pylons", f->dir);
	bool is_done = false;
	int old = 0, new = 0;

	for (int n = 0; !is_done; n++) {
		bool is_new;

		assert_true(n < 500);
		make_version_3(f);
		is_done = WIFEXITED(in_child(open_and_die, f, &n));
		is_new = sql_value(f->path, "PRAGMA user_version") == 4;
		*(is_new ? &new : &old) += 1;
		assert_int_equal(rows(f->path, "sqlite_schema WHERE name IN ('schedules', "
					       "'occurrences', 'jobs_scheduled')"),
			is_new ? 3 : 0);
		assert_int_equal(rows(f->path, "jobs"), 4);
		assert_int_equal(upgrade(f).to, 4);
		assert_int_equal(rows(f->path, "jobs"), 4);
		assert_int_equal(rows(f->path, "events"), 4);
		fixture_close(f);
		assert_int_equal(tree_remove(folder, NULL), 0);
	}
	assert_true(old > 20);
	assert_true(new > 1);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup_folder, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_version_3_database_is_taken_over_as_it_is),
		TEST(the_new_tables_work_beside_the_old_rows),
		TEST(an_upgraded_database_has_the_shape_of_a_new_one),
		TEST(the_copy_is_whole_and_still_version_3),
		TEST(an_altered_version_3_database_is_refused),
		TEST(a_version_3_database_with_a_damaged_index_is_refused),
		TEST(a_table_of_that_name_stops_the_upgrade_with_nothing_changed),
		TEST(a_kill_at_any_statement_leaves_the_old_or_the_new_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
