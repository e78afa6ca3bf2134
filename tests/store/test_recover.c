/* SPDX-License-Identifier: MIT */
/*
 * Recovering around the rows: logs, snapshots, quarantine, what is left alone, and being killed.
 */
#undef NDEBUG
#include <errno.h>
#include <unistd.h>

#include "base/file.h"
#include "damage.h"

static struct store_recovery recover(struct fixture *f)
{
	struct store_recovery r = {.now_real = NOW};
	struct err e = CLEAN_ERR;

	if (store_recover_database(f->path, "p", &r, &e) != 0)
		fail_msg("%s", e.text);
	return r;
}

static int64_t saved(const struct store_recovery *r, const char *table)
{
	for (size_t i = 0; i < r->table_count; i++)
		if (str_eq(r->tables[i].name, table))
			return r->tables[i].saved;
	return -1;
}

static void assert_opens(struct fixture *f)
{
	fixture_open(f);
	assert_sound(f);
	fixture_close(f);
}

static void spoil(const char *path)
{
	CLEANUP(buf_fini) struct buf b = damage_read(path);

	(void)memset(b.p, 0, b.n);
	damage_write(path, &b);
}

/* `path` is the database with 20 jobs in it, `log` its log with 30 more of a transaction each, as a
 * machine that lost its power leaves them. */
static void leave_log(struct fixture *f, struct buf *ret_file, struct buf *ret_log)
{
	CLEANUP(freep) char *wal = xasprintf("%s-wal", f->path);

	fixture_open(f);
	for (int i = 0; i < 20; i++)
		(void)make_job(f);
	assert_int_equal(sql_exec(f->db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL), 0);
	for (int i = 0; i < 30; i++)
		(void)make_job(f);
	*ret_file = damage_read(f->path);
	*ret_log = damage_read(wal);
	fixture_close(f);
}

static void put_log(struct fixture *f, const struct buf *file, const struct buf *log)
{
	CLEANUP(freep) char *wal = xasprintf("%s-wal", f->path);
	CLEANUP(freep) char *shm = xasprintf("%s-shm", f->path);

	(void)unlink(shm);
	damage_write(f->path, file);
	damage_write(wal, log);
}

/* Jobs that our own reader finds in the file and its log. */
static int64_t found_in_pages(struct fixture *f)
{
	CLEANUP(freep) char *path = xasprintf("%s/fresh.db", f->dir);
	struct store *store = store_new(NULL, NULL);
	struct store_recovery r = {.now_real = NOW};
	struct salvage s = {.told = &r, .pylon = "p"};
	struct err e = CLEAN_ERR;
	int rc = store_open(store, path, "p", &s.to, NULL, &e);

	if (rc == 0)
		rc = shapes_load(&s, &e);
	if (rc == 0)
		rc = sql_exec(s.to, "PRAGMA foreign_keys=OFF", &e);
	if (rc == 0)
		rc = salvage_begin(&s, &e);
	if (rc == 0)
		rc = salvage_pages(&s, f->path, &e);
	if (rc == 0)
		rc = salvage_end(&s, &e);
	if (rc != 0)
		fail_msg("%s", e.text);
	rc = (int)shape_find(&s, "jobs")->told->found;
	shapes_free(&s);
	store_free(store);
	assert_int_equal(unlink(path), 0);
	return rc;
}

static void rows_of_the_log_are_saved_and_the_log_is_kept(void **state)
{
	struct fixture *f = *state;
	CLEANUP(buf_fini) struct buf file = BUF_NULL;
	CLEANUP(buf_fini) struct buf log = BUF_NULL;
	CLEANUP(buf_fini) struct buf kept = BUF_NULL;
	CLEANUP(freep) char *kept_log = NULL;
	struct store_recovery r;
	uint32_t turns;

	leave_log(f, &file, &log);
	put_log(f, &file, &log);
	assert_int_equal(found_in_pages(f), 50);
	turns = damage_root(f->path, "turns"); /* a page that the log does not have */
	put_log(f, &file, &log);
	damage_page(f->path, turns);
	r = recover(f);
	assert_int_equal(r.how, RECOVERED_SALVAGED);
	assert_int_equal(saved(&r, "jobs"), 50);
	assert_int_equal(saved(&r, "events"), 50);
	kept_log = xasprintf("%s-wal", r.quarantine);
	kept = damage_read(kept_log);
	assert_int_equal(kept.n, log.n);
	assert_memory_equal(kept.p, log.p, log.n);
	assert_opens(f);
}

/* Damage in the log itself: SQLite takes what is before it, as after a torn write. */
static void a_torn_log_counts_up_to_where_it_is_torn(void **state)
{
	struct fixture *f = *state;
	CLEANUP(buf_fini) struct buf file = BUF_NULL;
	CLEANUP(buf_fini) struct buf log = BUF_NULL;
	struct store_recovery r;
	int64_t whole;

	leave_log(f, &file, &log);
	log.p[log.n / 2] ^= 1;
	put_log(f, &file, &log);
	r = recover(f);
	assert_int_equal(r.how, RECOVERED_SOUND);
	whole = saved(&r, "jobs");
	assert_true(whole > 20 && whole < 50);
	put_log(f, &file, &log);
	assert_int_equal(found_in_pages(f), whole);
	assert_opens(f);
}

static void without_its_log_a_database_is_as_it_was_at_the_checkpoint(void **state)
{
	struct fixture *f = *state;
	CLEANUP(buf_fini) struct buf file = BUF_NULL;
	CLEANUP(buf_fini) struct buf log = BUF_NULL;
	struct buf none = BUF_NULL;
	struct store_recovery r;

	leave_log(f, &file, &log);
	put_log(f, &file, &none);
	r = recover(f);
	assert_int_equal(r.how, RECOVERED_SOUND);
	assert_int_equal(saved(&r, "jobs"), 20);
	put_log(f, &file, &none);
	damage_put(f->path, 0, "no database", 11);
	r = recover(f);
	assert_int_equal(saved(&r, "jobs"), 20);
	assert_opens(f);
}

/* --- copies of before --- */

static char *snapshot_at(struct fixture *f, int64_t now)
{
	char name[256];
	struct err e = CLEAN_ERR;

	if (store_snapshot(f->path, now, name, sizeof(name), &e) != 0)
		fail_msg("%s", e.text);
	return xstrdup(name);
}

static void the_newest_sound_snapshot_takes_over_when_nothing_can_be_read(void **state)
{
	struct fixture *f = *state;
	CLEANUP(freep) char *first = NULL;
	CLEANUP(freep) char *second = NULL;
	CLEANUP(freep) char *third = NULL;
	struct store_recovery r;

	fixture_open(f);
	(void)make_job(f);
	first = snapshot_at(f, NOW);
	(void)make_job(f);
	second = snapshot_at(f, NOW + US_PER_SEC);
	(void)make_job(f);
	third = snapshot_at(f, NOW + 2 * US_PER_SEC);
	fixture_close(f);
	spoil(third);
	spoil(f->path);
	r = recover(f);
	assert_int_equal(r.how, RECOVERED_SNAPSHOT);
	assert_string_equal(r.snapshot, second);
	assert_int_equal(saved(&r, "jobs"), 2);
	assert_false(store_recovery_is_lossless(&r));
	assert_true(file_exists(second));
	assert_opens(f);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM jobs"), 2);
}

static void an_empty_file_is_not_taken_for_a_new_database_when_there_was_one(void **state)
{
	struct fixture *f = *state;
	CLEANUP(freep) char *snapshot = NULL;
	struct store *s = store_new(NULL, NULL);
	struct store_db *db = NULL;
	struct store_recovery r;
	struct err e = CLEAN_ERR;

	fixture_open(f);
	(void)make_job(f);
	snapshot = snapshot_at(f, NOW);
	fixture_close(f);
	assert_int_equal(truncate(f->path, 0), 0);
	assert_int_equal(store_open(s, f->path, "p", &db, NULL, &e), -EUCLEAN);
	store_free(s);
	r = recover(f);
	assert_int_equal(r.how, RECOVERED_SNAPSHOT);
	assert_opens(f);
	/* The same for one that is gone. */
	assert_int_equal(unlink(f->path), 0);
	r = recover(f);
	assert_int_equal(r.how, RECOVERED_SNAPSHOT);
	assert_int_equal(saved(&r, "jobs"), 1);
}

static void only_the_newest_snapshots_are_kept(void **state)
{
	struct fixture *f = *state;
	char *names[SNAPSHOTS_KEPT + 1];

	fixture_open(f);
	for (int i = 0; i <= SNAPSHOTS_KEPT; i++)
		names[i] = snapshot_at(f, NOW + i * US_PER_SEC);
	for (int i = 0; i <= SNAPSHOTS_KEPT; i++) {
		assert_int_equal(file_exists(names[i]), i > 0);
		free(names[i]);
	}
}

static void a_damaged_database_gives_no_snapshot_and_leaves_the_others(void **state)
{
	struct fixture *f = *state;
	CLEANUP(freep) char *sound = NULL;
	char name[256] = "";
	struct err e = CLEAN_ERR;

	damage_database(f->path);
	sound = snapshot_at(f, NOW);
	damage_page(f->path, damage_leaf(f->path, "jobs", 5));
	assert_int_equal(
		store_snapshot(f->path, NOW + US_PER_SEC, name, sizeof(name), &e), -EUCLEAN);
	assert_string_equal(name, "");
	assert_true(file_exists(sound));
	assert_int_equal(store_check(sound, NULL), 0);
}

/* --- what is left alone --- */

static void a_sound_database_is_not_touched(void **state)
{
	struct fixture *f = *state;
	CLEANUP(buf_fini) struct buf before = BUF_NULL;
	CLEANUP(buf_fini) struct buf after = BUF_NULL;
	CLEANUP(freep) char *corrupt = xasprintf("%s/pylons/p/.corrupt", f->dir);
	struct store_recovery r;

	damage_database(f->path);
	before = damage_read(f->path);
	r = recover(f);
	assert_int_equal(r.how, RECOVERED_SOUND);
	assert_true(store_recovery_is_lossless(&r));
	after = damage_read(f->path);
	assert_int_equal(after.n, before.n);
	assert_memory_equal(after.p, before.p, before.n);
	assert_false(file_exists(corrupt));
}

static void databases_of_others_are_refused_and_left_as_they_are(void **state)
{
	static const char *const others[] = {
		"CREATE TABLE theirs(a); INSERT INTO theirs VALUES(1)",
		"PRAGMA application_id = 77; CREATE TABLE jobs(id, status)",
		"PRAGMA application_id = 1348029518; PRAGMA user_version = 99;"
		"CREATE TABLE jobs(new)",
	};
	struct fixture *f = *state;
	CLEANUP(freep) char *folder = xasprintf("%s/pylons/p", f->dir);

	assert_int_equal(dir_make(folder, 0700, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		CLEANUP(buf_fini) struct buf before = BUF_NULL;
		CLEANUP(buf_fini) struct buf after = BUF_NULL;
		struct store_recovery r = {.now_real = NOW};

		(void)unlink(f->path);
		sql_run(f->path, others[i]);
		before = damage_read(f->path);
		assert_int_equal(store_recover_database(f->path, "p", &r, NULL), -EPROTO);
		after = damage_read(f->path);
		assert_int_equal(after.n, before.n);
		assert_memory_equal(after.p, before.p, before.n);
	}
}

static void what_is_not_there_is_said_to_be_missing(void **state)
{
	struct fixture *f = *state;
	struct store_recovery r = {.now_real = NOW};

	assert_int_equal(store_recover_database(f->path, "p", &r, NULL), -ENOENT);
	assert_false(file_exists(f->path));
}

static void a_damaged_database_of_the_go_program_is_salvaged_and_migrated(void **state)
{
	struct fixture *f = *state;
	CLEANUP(freep) char *folder = xasprintf("%s/pylons/p", f->dir);
	struct store_recovery r;

	assert_int_equal(dir_make(folder, 0700, NULL), 0);
	sql_run(f->path,
		"CREATE TABLE jobs(id TEXT PRIMARY KEY, pylon TEXT, status TEXT, payload TEXT);"
		"CREATE TABLE schema_version(version INTEGER);"
		"INSERT INTO schema_version VALUES(0);"
		"WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 500) "
		"INSERT INTO jobs SELECT printf('%08d-0000-4000-8000-000000000001', i), 'p', "
		"'completed', printf('{\"body\":\"%.100c\"}', 'x') FROM c");
	damage_page(f->path, damage_leaf(f->path, "jobs", 3));
	r = recover(f);
	assert_int_equal(r.how, RECOVERED_SALVAGED);
	assert_true(saved(&r, "jobs") > 450 && saved(&r, "jobs") < 500);
	assert_opens(f);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM jobs WHERE state = 'completed'"),
		saved(&r, "jobs"));
}

/* --- quarantine --- */

static void old_quarantines_go_but_never_the_newest_ten(void **state)
{
	struct fixture *f = *state;
	const int64_t day = 86400 * US_PER_SEC;
	char names[QUARANTINE_KEPT + 2][256];

	fixture_open(f);
	fixture_close(f);
	for (int i = 0; i < QUARANTINE_KEPT + 2; i++)
		assert_int_equal(quarantine_keep(f->path, "salvaged", NOW + i, names[i],
					 sizeof(names[i]), NULL),
			0);
	quarantine_prune(f->path, NOW + QUARANTINE_DAYS * day);
	assert_true(file_exists(names[0])); /* not older than that yet */
	quarantine_prune(f->path, NOW + QUARANTINE_DAYS * day + US_PER_SEC);
	assert_false(file_exists(names[0]));
	assert_false(file_exists(names[1]));
	for (int i = 2; i < QUARANTINE_KEPT + 2; i++)
		assert_true(file_exists(names[i]));
}

/* --- being killed --- */

static void an_interrupted_recovery_is_ended_by_the_next(void **state)
{
	struct fixture *f = *state;
	CLEANUP(freep) char *fresh = xasprintf("%s.recovered", f->path);
	struct store *s = store_new(NULL, NULL);
	struct store_db *db = NULL;
	struct store_recovery r;
	struct err e = CLEAN_ERR;

	damage_database(f->path);
	damage_page(f->path, damage_leaf(f->path, "jobs", 20));
	(void)recover(f);
	/* As if it had been killed when the fresh file was complete, and where there are no hard
	 * links the place may even be empty then. */
	assert_int_equal(rename(f->path, fresh), 0);
	assert_true(store_recovery_is_pending(f->path));
	assert_int_equal(store_open(s, f->path, "p", &db, NULL, &e), -EUCLEAN);
	assert_false(file_exists(f->path));
	store_free(s);
	r = recover(f);
	assert_int_equal(r.how, RECOVERED_SALVAGED);
	assert_int_equal(saved(&r, "jobs"), 2000);
	assert_false(store_recovery_is_pending(f->path));
	assert_opens(f);
}

/* --- the shapes --- */

/* Two tables whose rows look alike could not be told apart once the schema is gone. Whoever adds
 * such a table learns it here. */
static void rows_of_all_tables_can_be_told_apart(void **state)
{
	struct fixture *f = *state;
	struct store_recovery r = {0};
	struct salvage s = {.told = &r};

	fixture_open(f);
	s.to = f->db;
	assert_int_equal(shapes_load(&s, NULL), 0);
	assert_true(s.n >= 9);
	for (size_t i = 0; i < s.n; i++)
		for (size_t k = i + 1; k < s.n; k++)
			if (!shapes_differ(s.tables[i], s.tables[k]))
				fail_msg(
					"%s and %s look alike", r.tables[i].name, r.tables[k].name);
	shapes_free(&s);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup_folder, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rows_of_the_log_are_saved_and_the_log_is_kept),
		TEST(a_torn_log_counts_up_to_where_it_is_torn),
		TEST(without_its_log_a_database_is_as_it_was_at_the_checkpoint),
		TEST(the_newest_sound_snapshot_takes_over_when_nothing_can_be_read),
		TEST(an_empty_file_is_not_taken_for_a_new_database_when_there_was_one),
		TEST(only_the_newest_snapshots_are_kept),
		TEST(a_damaged_database_gives_no_snapshot_and_leaves_the_others),
		TEST(a_sound_database_is_not_touched),
		TEST(databases_of_others_are_refused_and_left_as_they_are),
		TEST(what_is_not_there_is_said_to_be_missing),
		TEST(a_damaged_database_of_the_go_program_is_salvaged_and_migrated),
		TEST(old_quarantines_go_but_never_the_newest_ten),
		TEST(an_interrupted_recovery_is_ended_by_the_next),
		TEST(rows_of_all_tables_can_be_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
