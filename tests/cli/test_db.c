/* SPDX-License-Identifier: MIT */
/*
 * tests/cli/test_db.c - `db check|backup|recover`, without a daemon.
 */
#include <fcntl.h>

#include "cli/home.h"
#include "store/store.h"

static void make_database(const struct home *h, const char *name)
{
	CLEANUP(freep) char *path = xasprintf("%s/%s", h->home, name);
	CLEANUP(store_freep) struct store *s = store_new(NULL, NULL);
	struct store_db *db = NULL;
	struct err e = CLEAN_ERR;

	if (store_open(s, path, "a", &db, NULL, &e) != 0)
		fail_msg("%s", e.text);
}

/* Zeros in the place of a page that has an index's root. */
static void damage(const struct home *h, const char *name)
{
	static const char zeros[4096];
	CLEANUP(freep) char *path = xasprintf("%s/%s", h->home, name);
	CLEANUP(closep) int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, zeros, sizeof(zeros), 4096), sizeof(zeros));
}

static void all_databases_of_a_home_are_checked(void **state)
{
	struct home *h = *state;

	RUN(h, "db", "check");
	assert_int_equal(h->status, EXIT_OK);
	expect_part(h->err, "no database");
	make_database(h, "pylons/a/jobs.db");
	make_database(h, "daemon/runtime.db");
	RUN(h, "db", "check");
	assert_int_equal(h->status, EXIT_OK);
	assert_string_equal(h->out, "a: sound\nruntime: sound\n");
	damage(h, "pylons/a/jobs.db");
	RUN(h, "db", "check");
	assert_int_equal(h->status, EXIT_FAILED);
	assert_string_equal(h->out, "runtime: sound\n");
	expect_part(h->err, "a is damaged");
	RUN(h, "--json", "db", "check", "a");
	assert_int_equal(h->status, EXIT_FAILED);
	expect_part(h->out, "\"name\":\"a\"");
	expect_part(h->out, "\"sound\":false");
	RUN(h, "db", "check", "b");
	assert_int_equal(h->status, EXIT_FAILED);
	expect_part(h->err, "there is no such database");
}

static void damaged_database_is_recovered_and_kept(void **state)
{
	struct home *h = *state;

	make_database(h, "pylons/a/jobs.db");
	RUN(h, "db", "recover", "a");
	assert_int_equal(h->status, EXIT_OK);
	assert_string_equal(h->out, "a: sound: nothing had to be done\n");
	RUN(h, "db", "backup", "a");
	assert_int_equal(h->status, EXIT_OK);
	expect_part(h->out, ".snapshot");
	damage(h, "pylons/a/jobs.db");
	RUN(h, "db", "recover", "a");
	assert_int_equal(h->status, EXIT_FAILED);
	expect_part(h->out, "NOTHING could be read");
	expect_part(h->out, "/.corrupt/jobs.db.");
	RUN(h, "db", "check", "a");
	assert_int_equal(h->status, EXIT_OK);
	damage(h, "pylons/a/jobs.db");
	RUN(h, "--json", "db", "recover", "a");
	expect_part(h->out, "\"result\":\"snapshot\"");
	expect_part(h->out, "\"is_lossless\":false");
}

static void nothing_is_recovered_under_a_running_daemon(void **state)
{
	struct home *h = *state;
	CLEANUP(freep) char *lock = xasprintf("%s/pylons/.lock", h->home);
	CLEANUP(freep) char *pid_text = xasprintf("pid %d", (int)getpid());
	CLEANUP(closep) int fd = -1;
	struct err e = CLEAN_ERR;
	pid_t pid;

	make_database(h, "pylons/a/jobs.db");
	damage(h, "pylons/a/jobs.db");
	fd = file_lock(lock, &pid, &e);
	assert_true(fd >= 0);
	RUN(h, "db", "recover", "a");
	assert_int_equal(h->status, EXIT_FAILED);
	expect_part(h->err, pid_text);
	expect_part(h->err, "pylon stop");
	assert_false(home_has(h, "pylons/a/.corrupt"));
	RUN(h, "db", "check", "a");
	expect_part(h->err, "a is damaged");
	closep(&fd);
	RUN(h, "db", "recover", "a");
	assert_true(home_has(h, "pylons/a/.corrupt"));
}

static void words_that_make_no_sense_are_told(void **state)
{
	struct home *h = *state;

	RUN(h, "db");
	assert_int_equal(h->status, EXIT_USAGE);
	RUN(h, "db", "mend");
	assert_int_equal(h->status, EXIT_USAGE);
	expect_part(h->err, "`check`, `backup` or `recover`");
	RUN(h, "db", "check", "NO NAME");
	assert_int_equal(h->status, EXIT_USAGE);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, home_setup, home_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_databases_of_a_home_are_checked),
		TEST(damaged_database_is_recovered_and_kept),
		TEST(nothing_is_recovered_under_a_running_daemon),
		TEST(words_that_make_no_sense_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
