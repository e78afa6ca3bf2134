/* SPDX-License-Identifier: MIT */
/*
 * Opening: what a new database is like, and what is refused with nothing touched.
 */
#undef NDEBUG
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/file.h"
#include "fixture.h"

static int open_code(struct fixture *f, struct err *e)
{
	struct store_db *db = NULL;
	int rc;

	*e = CLEAN_ERR;
	f->store = store_new(NULL, NULL);
	rc = store_open(f->store, f->path, "p", &db, NULL, e);
	if (rc < 0)
		assert_null(db);
	fixture_close(f);
	return rc;
}

static void file_hash(const char *path, char ret[SHA256_HEX_SIZE])
{
	struct buf b = BUF_NULL;

	assert_int_equal(file_read(path, MIB(128), &b, NULL), 0);
	sha256_hex(b.p, b.n, ret);
	buf_fini(&b);
}

static void make_folder(const struct fixture *f)
{
	CLEANUP(freep) char *folder = xasprintf("%s/pylons/p", f->dir);

	assert_int_equal(dir_make(folder, 0700, NULL), 0);
}

static void overwrite(const char *path, off_t at, const void *p, size_t n)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, p, n, at), n);
	(void)close(fd);
}

/* Refused, with that code and the same bytes before and after. */
static void assert_refused(struct fixture *f, int code)
{
	char before[SHA256_HEX_SIZE], after[SHA256_HEX_SIZE];
	struct err e;

	file_hash(f->path, before);
	assert_int_equal(open_code(f, &e), code);
	assert_non_null(strstr(e.text, f->path));
	file_hash(f->path, after);
	assert_string_equal(before, after);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void a_new_database_is_durable_private_and_ours(void **state)
{
	struct fixture *f = *state;
	CLEANUP(freep) char *folder = xasprintf("%s/pylons/p", f->dir);
	CLEANUP(freep) char *wal = xasprintf("%s-wal", f->path);
	struct store_migration m = {.rows = 9};
	int64_t v = 0;

	(void)umask(0);
	f->store = store_new(NULL, NULL);
	assert_int_equal(store_open(f->store, f->path, "p", &f->db, &m, NULL), 0);
	(void)umask(022);
	assert_int_equal(m.from, m.to);
	assert_int_equal(m.rows, 0);
	assert_int_equal(mode_of(folder), 0700);
	assert_int_equal(mode_of(f->path), 0600);
	assert_int_equal(mode_of(wal), 0600);
	assert_int_equal(sql_number(f->db, "PRAGMA synchronous", 0, &v, NULL), 0);
	assert_int_equal(v, 2);
	assert_int_equal(sql_number(f->db, "PRAGMA foreign_keys", 0, &v, NULL), 0);
	assert_int_equal(v, 1);
	assert_int_equal(sql_number(f->db, "PRAGMA trusted_schema", 0, &v, NULL), 0);
	assert_int_equal(v, 0);
	assert_int_equal(sql_number(f->db, "PRAGMA cell_size_check", 0, &v, NULL), 0);
	assert_int_equal(v, 1);
	assert_int_equal(sql_number(f->db, "PRAGMA busy_timeout", 0, &v, NULL), 0);
	assert_int_equal(v, 0);
	assert_int_equal(sql_number(f->db, "SELECT journal_mode = 'wal' FROM pragma_journal_mode",
				 0, &v, NULL),
		0);
	assert_int_equal(v, 1);
	assert_int_equal(sql_value(f->path, "PRAGMA application_id"), 0x50594c4e);
	assert_int_equal(sql_value(f->path, "PRAGMA user_version"), m.to);
	assert_int_equal(sql_value(f->path, "SELECT pk FROM pragma_table_info('jobs') "
					    "WHERE name = 'id' AND type = 'TEXT'"),
		1);
	assert_sound(f);
}

static void a_world_readable_file_is_made_private(void **state)
{
	struct fixture *f = *state;

	fixture_open(f);
	fixture_close(f);
	assert_int_equal(chmod(f->path, 0644), 0);
	fixture_open(f);
	assert_int_equal(mode_of(f->path), 0600);
}

static void an_empty_file_becomes_a_database(void **state)
{
	struct fixture *f = *state;

	make_folder(f);
	assert_int_equal(file_write(f->path, "", 0, 0644, NULL), 0);
	fixture_open(f);
	(void)make_job(f);
}

static void another_program_may_read_while_we_write(void **state)
{
	struct fixture *f = *state;

	fixture_open(f);
	for (int i = 1; i < 4; i++) {
		(void)make_job(f);
		assert_int_equal(sql_value(f->path, "SELECT count(*) FROM jobs"), i);
	}
}

#define OCCURRENCE                                                                                 \
	"INSERT INTO occurrences(schedule, epoch, at, last, count, outcome, job_id, decided_at) "  \
	"VALUES("

static void the_schema_itself_refuses_what_may_not_be(void **state)
{
	static const char *const bad[] = {
		"UPDATE jobs SET state = 'sleeping'",
		"UPDATE jobs SET state = 'completed'",
		"UPDATE jobs SET finished_at = 5",
		"UPDATE jobs SET attempt = 'many'",
		"UPDATE runs SET state = 'paused'",
		"INSERT INTO runs(id, job_id, attempt, state, token_sha256, created_at) "
		"SELECT 'r2', job_id, 2, 'created', 't', 1 FROM runs",
		"INSERT INTO events(job_seq, id, received_at, body) VALUES(99, 'e', 1, '{}')",
		"INSERT INTO jobs(seq, pylon, state, source, created_at) "
		"VALUES(9, 'p', 'queued', 'x', 1)",
		"INSERT INTO schedules(id, spec, anchor, epoch, decided_to) VALUES('t', 'x', 1, 0, 1)",
		"INSERT INTO schedules(id, spec, anchor, epoch, decided_to) VALUES('t', NULL, 1, 1, 1)",
		OCCURRENCE "'t', 0, 5, 5, 1, 'ran', NULL, 1)",
		OCCURRENCE "'t', 1, 5, 4, 1, 'ran', NULL, 1)",
		OCCURRENCE "'t', 1, 5, 5, 0, 'ran', NULL, 1)",
		OCCURRENCE "'t', 1, 5, 5, 1, 'run', NULL, 1)",
		OCCURRENCE "'t', 1, 5, 5, 1, 'skipped_limit', 'j', 1)",
		OCCURRENCE "'t', 1, 5, 5, 1, 'failed_to_start', 'j', 1)",
		OCCURRENCE "'t', 1, 5, 5, 1, 'ran_late', 'j', 1), ('t', 1, 5, 5, 1, 'ran', 'k', 1)",
	};
	struct fixture *f = *state;
	struct id job, run;

	fixture_open(f);
	job = make_job(f);
	assert_int_equal(do_claim(f, &job, &run), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (sqlite3_exec(f->db->sql, bad[i], NULL, NULL, NULL) != SQLITE_CONSTRAINT &&
			(sqlite3_errcode(f->db->sql) & 0xff) != SQLITE_CONSTRAINT)
			fail_msg("%s: %s", bad[i], sqlite3_errmsg(f->db->sql));
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM occurrences"), 0);
	assert_sound(f);
}

static void a_newer_version_is_refused_untouched(void **state)
{
	struct fixture *f = *state;
	struct err e;

	fixture_open(f);
	fixture_close(f);
	sql_run(f->path, "PRAGMA user_version = 6");
	assert_refused(f, -EPROTO);
	assert_int_equal(open_code(f, &e), -EPROTO);
	assert_non_null(strstr(e.text, "newer"));
}

static void a_version_of_ours_that_never_was_is_refused_untouched(void **state)
{
	struct fixture *f = *state;

	fixture_open(f);
	fixture_close(f);
	sql_run(f->path, "PRAGMA user_version = 2");
	assert_refused(f, -EUCLEAN);
}

static void a_newer_go_version_is_refused_untouched(void **state)
{
	struct fixture *f = *state;

	make_folder(f);
	sql_run(f->path, "CREATE TABLE schema_version(version INTEGER NOT NULL);"
			 "INSERT INTO schema_version VALUES(3);"
			 "CREATE TABLE jobs(id TEXT PRIMARY KEY, status TEXT)");
	assert_refused(f, -EPROTO);
}

static void some_other_programs_database_is_refused_untouched(void **state)
{
	struct fixture *f = *state;

	make_folder(f);
	sql_run(f->path, "CREATE TABLE photos(id INTEGER PRIMARY KEY)");
	assert_refused(f, -EPROTO);
	sql_run(f->path, "PRAGMA application_id = 77");
	assert_refused(f, -EPROTO);
}

/* A database with a few pages, closed. */
static void make_some(struct fixture *f)
{
	fixture_open(f);
	for (int i = 0; i < 20; i++)
		(void)make_job(f);
	fixture_close(f);
}

static void a_damaged_header_is_refused_untouched(void **state)
{
	struct fixture *f = *state;
	char noise[100];

	make_some(f);
	memset(noise, 0xa5, sizeof(noise));
	overwrite(f->path, 0, noise, sizeof(noise));
	assert_refused(f, -EUCLEAN);
}

static void text_in_place_of_a_database_is_refused_untouched(void **state)
{
	struct fixture *f = *state;
	char text[4096];

	make_folder(f);
	memset(text, 'x', sizeof(text));
	assert_int_equal(file_write(f->path, text, sizeof(text), 0600, NULL), 0);
	assert_refused(f, -EUCLEAN);
}

static void a_damaged_page_is_refused_untouched(void **state)
{
	struct fixture *f = *state;
	char noise[512];
	int64_t page;

	make_some(f);
	page = sql_value(f->path, "SELECT rootpage FROM sqlite_schema WHERE name = 'jobs'");
	memset(noise, 0xa5, sizeof(noise));
	overwrite(f->path, (off_t)(page - 1) * 4096, noise, sizeof(noise));
	assert_refused(f, -EUCLEAN);
}

static void a_large_database_is_looked_at_from_its_newest_rows(void **state)
{
	struct fixture *f = *state;
	char noise[512];
	int64_t page;

	make_some(f);
	sql_run(f->path,
		"PRAGMA synchronous = OFF; UPDATE events SET body = hex(zeroblob(20000000)) "
		"WHERE job_seq <= 2; PRAGMA wal_checkpoint(TRUNCATE)");
	assert_true(sql_value(f->path, "PRAGMA page_count") * 4096 > (int64_t)MIB(64));
	fixture_open(f);
	fixture_close(f);
	page = sql_value(f->path, "SELECT rootpage FROM sqlite_schema WHERE name = 'jobs'");
	memset(noise, 0xa5, sizeof(noise));
	overwrite(f->path, (off_t)(page - 1) * 4096, noise, sizeof(noise));
	assert_refused(f, -EUCLEAN);
}

static void a_quick_check_that_runs_out_of_time_is_no_complaint(void **state)
{
	struct fixture *f = *state;
	struct err e = CLEAN_ERR;

	make_some(f);
	sql_run(f->path, "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE "
			 "i < 2000) INSERT INTO jobs(id, seq, pylon, state, source, created_at) "
			 "SELECT 'x' || i, i, 'p', 'queued', 'api', i FROM n");
	fixture_open(f);
	assert_int_equal(check_quick(f->db, INT64_C(60) * US_PER_SEC, &e), 0);
	assert_int_equal(
		sqlite3_exec(f->db->sql,
			"PRAGMA ignore_check_constraints = ON; "
			"UPDATE jobs SET state = '?' WHERE seq = 1999; PRAGMA ignore_check_constraints = OFF",
			NULL, NULL, NULL),
		SQLITE_OK);
	assert_int_equal(check_quick(f->db, INT64_C(60) * US_PER_SEC, &e), -EUCLEAN);
	assert_int_equal(check_quick(f->db, -1, &e), 0);
	/* A state that does not exist is damage to a reader as well, never a crash. */
	assert_int_equal(store_job_by_prefix(f->db, "x1999", &(struct job){0}, &e), -EUCLEAN);
}

static void a_truncated_file_is_refused_untouched(void **state)
{
	struct fixture *f = *state;

	make_some(f);
	assert_int_equal(truncate(f->path, 20480), 0);
	assert_refused(f, -EUCLEAN);
}

static void a_missing_or_altered_table_is_refused(void **state)
{
	struct fixture *f = *state;

	make_some(f);
	sql_run(f->path, "DROP INDEX jobs_queue");
	assert_refused(f, -EUCLEAN);
	sql_run(f->path, "CREATE INDEX jobs_queue ON jobs(seq)");
	assert_refused(f, -EUCLEAN);
	sql_run(f->path, "DROP INDEX jobs_queue; CREATE INDEX jobs_queue ON jobs(seq, not_before)");
	assert_refused(f, -EUCLEAN);
	sql_run(f->path, "DROP INDEX jobs_queue; CREATE INDEX jobs_queue ON jobs(seq, not_before) "
			 "WHERE state = 'queued'");
	fixture_open(f);
	fixture_close(f);
	sql_run(f->path, "DROP INDEX occurrences_job");
	assert_refused(f, -EUCLEAN);
}

static void what_somebody_added_is_left_alone(void **state)
{
	struct fixture *f = *state;

	make_some(f);
	sql_run(f->path, "CREATE INDEX mine ON jobs(source); ANALYZE;"
			 "CREATE TRIGGER t AFTER INSERT ON jobs BEGIN DELETE FROM jobs; END");
	fixture_open(f);
	(void)make_job(f); /* the trigger does not fire */
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM jobs"), 21);
}

static void a_damaged_file_keeps_what_its_wal_holds(void **state)
{
	struct fixture *f = *state;
	CLEANUP(freep) char *wal = xasprintf("%s-wal", f->path);
	CLEANUP(freep) char *copy = xasprintf("%s/copy", f->dir);
	CLEANUP(freep) char *copy_wal = xasprintf("%s-wal", copy);
	char before[SHA256_HEX_SIZE], after[SHA256_HEX_SIZE], noise[512];
	struct buf b = BUF_NULL;
	int64_t page;

	/* As a crash leaves it: copied while open, so the -wal still holds everything. */
	make_some(f);
	fixture_open(f);
	(void)make_job(f);
	page = sql_value(f->path, "SELECT rootpage FROM sqlite_schema WHERE name = 'runs'");
	assert_int_equal(file_read(f->path, MIB(8), &b, NULL), 0);
	assert_int_equal(file_write(copy, b.p, b.n, 0600, NULL), 0);
	buf_clear(&b);
	assert_int_equal(file_read(wal, MIB(8), &b, NULL), 0);
	assert_true(b.n > 0);
	assert_int_equal(file_write(copy_wal, b.p, b.n, 0600, NULL), 0);
	buf_fini(&b);
	fixture_close(f);
	(void)str_copy(f->path, sizeof(f->path), copy);
	memset(noise, 0xa5, sizeof(noise));
	overwrite(f->path, (off_t)(page - 1) * 4096, noise, sizeof(noise));
	file_hash(copy_wal, before);
	assert_refused(f, -EUCLEAN);
	file_hash(copy_wal, after);
	assert_string_equal(before, after);
}

static void a_damaged_index_is_found_by_the_full_check(void **state)
{
	struct fixture *f = *state;
	struct err e = CLEAN_ERR;

	make_some(f);
	assert_int_equal(store_check(f->path, &e), 0);
	/* An index of other rows: what a lost write leaves. */
	sql_run(f->path, "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = "
			 "(SELECT rootpage FROM sqlite_schema WHERE name = 'jobs_finished') "
			 "WHERE name = 'jobs_created'");
	assert_int_equal(store_check(f->path, &e), -EUCLEAN);
	assert_true(strlen(e.text) > strlen(f->path));
}

static void the_check_of_a_missing_file_fails(void **state)
{
	struct fixture *f = *state;

	assert_true(store_check(f->path, NULL) < 0);
	assert_false(file_exists(f->path));
}

static void a_path_that_cannot_be_made_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct err e;

	assert_int_equal(chdir("/"), 0);
	(void)snprintf(f->path, sizeof(f->path), "/proc/nowhere/jobs.db");
	assert_true(open_code(f, &e) < 0);
	assert_non_null(strstr(e.text, "/proc/nowhere"));
}

static void a_locked_database_is_busy(void **state)
{
	struct fixture *f = *state;
	sqlite3 *other = NULL;
	struct err e;

	make_some(f);
	assert_int_equal(sqlite3_open(f->path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE",
				 NULL, NULL, NULL),
		SQLITE_OK);
	assert_int_equal(open_code(f, &e), -EBUSY);
	assert_int_equal(sqlite3_close(other), SQLITE_OK);
	assert_int_equal(open_code(f, &e), 0);
}

static void many_open_databases_work_side_by_side(void **state)
{
	struct fixture *f = *state;
	struct store_db *dbs[20];
	struct store_accept r[20];
	struct told t[20] = {0};

	f->store = store_new(NULL, NULL);
	for (int i = 0; i < 20; i++) {
		CLEANUP(freep) char *path = xasprintf("%s/pylons/p%d/jobs.db", f->dir, i);

		assert_int_equal(store_open(f->store, path, "p", &dbs[i], NULL, NULL), 0);
	}
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 20; i++) {
			r[i] = accept_request(f, NULL);
			r[i].op.done = tell_done;
			r[i].op.ctx = &t[i];
			store_accept(dbs[i], &r[i]);
		}
		assert_int_equal(commit(f), 0);
	}
	for (int i = 0; i < 20; i++) {
		struct store_counts c;

		assert_int_equal(t[i].times, 3);
		assert_int_equal(store_count(dbs[i], NOW, &c, NULL), 0);
		assert_int_equal(c.jobs[JOB_QUEUED], 3);
	}
	store_close(dbs[7]);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup_folder, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_database_is_durable_private_and_ours),
		TEST(a_world_readable_file_is_made_private),
		TEST(an_empty_file_becomes_a_database),
		TEST(another_program_may_read_while_we_write),
		TEST(the_schema_itself_refuses_what_may_not_be),
		TEST(a_newer_version_is_refused_untouched),
		TEST(a_version_of_ours_that_never_was_is_refused_untouched),
		TEST(a_newer_go_version_is_refused_untouched),
		TEST(some_other_programs_database_is_refused_untouched),
		TEST(a_damaged_header_is_refused_untouched),
		TEST(text_in_place_of_a_database_is_refused_untouched),
		TEST(a_damaged_page_is_refused_untouched),
		TEST(a_large_database_is_looked_at_from_its_newest_rows),
		TEST(a_quick_check_that_runs_out_of_time_is_no_complaint),
		TEST(a_truncated_file_is_refused_untouched),
		TEST(a_missing_or_altered_table_is_refused),
		TEST(what_somebody_added_is_left_alone),
		TEST(a_damaged_file_keeps_what_its_wal_holds),
		TEST(a_damaged_index_is_found_by_the_full_check),
		TEST(the_check_of_a_missing_file_fails),
		TEST(a_path_that_cannot_be_made_is_an_error),
		TEST(a_locked_database_is_busy),
		TEST(many_open_databases_work_side_by_side),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
