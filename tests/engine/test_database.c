/* SPDX-License-Identifier: MIT */
/*
 * test_database.c - the folder or the database of a pylon is busy, away, moved, copied or another
 * one: what cannot be recorded is not accepted, what happened is recorded as soon as that can be
 * done, and nobody asks without a pause.
 */
#include <sqlite3.h>

#include "engine/engine-internal.h"
#include "engine/world.h"
#include "loop/loop_internal.h"

#define MINUTE (60 * US_PER_SEC)

#define CONFIG_OF(slots, when_full)                                                                \
	"version: 1\ndocker:\n  max_concurrent: " slots "\n  when_full: " when_full "\n"           \
	"  queue_limit: 2\ndefaults:\n  channel:\n    type: stdout\n"
#define CONFIG CONFIG_OF("2", "queue")
#define PYLON_OF(name, path, prompt, more)                                                         \
	"name: " name "\ntrigger:\n  type: webhook\n  path: " path "\n  secret: s3cret\n"          \
	"  signature_header: X-Hub-Signature-256\n"                                                \
	"workspace:\n  type: none\n"                                                               \
	"agent:\n  type: mock\n  prompt: \"" prompt "\"\n" more
#define PYLON(prompt) PYLON_OF("hook", "/hook", prompt, "")
#define CRON(more)                                                                                 \
	"name: hook\ntrigger:\n  type: cron\n  cron: \"* * * * *\"\n" more                         \
	"workspace:\n  type: none\nagent:\n  type: mock\n  prompt: due\n"
#define FILE_OF(name) "pylons/" name "/pylon.yaml"

static void put_and_reload(struct world *w, const char *path, const char *text)
{
	world_put(w, path, text);
	assert_true(world_reload(w, false));
}

static struct pylon *the_pylon(struct world *w, const char *name)
{
	struct pylon *p = engine_pylon(w->engine, name);

	assert_non_null(p);
	return p;
}

/* Whoever holds this keeps the daemon from writing; and from reading when it is exclusive. */
static sqlite3 *lock_database(struct world *w, bool is_exclusive)
{
	char *path = xasprintf("%s/pylons/hook/jobs.db", w->home);
	sqlite3 *other = NULL;

	assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
	if (is_exclusive)
		assert_int_equal(
			sqlite3_exec(other, "PRAGMA locking_mode=EXCLUSIVE", NULL, NULL, NULL),
			SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	free(path);
	return other;
}

static void unlock_database(sqlite3 *other)
{
	assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(other), SQLITE_OK);
}

static void remove_database(struct world *w)
{
	world_remove(w, "pylons/hook/jobs.db");
	world_remove(w, "pylons/hook/jobs.db-wal");
	world_remove(w, "pylons/hook/jobs.db-shm");
}

/* A copy of a folder has the rows of its runs, and no say in them. */
static void a_copy_of_a_folder_takes_no_run_away(void **state UNUSED)
{
	struct world w;
	sqlite3 *other = NULL;
	char *from, *copy, id[40];

	world_open(&w, CONFIG, PYLON("x"));
	world_post(&w, "a", "{}");
	(void)str_copy(id, sizeof(id), w.answer.job_id);
	world_started(&w, 0);
	world_put(&w, FILE_OF("copy"), PYLON_OF("copy", "/copy", "x", ""));
	from = xasprintf("%s/pylons/hook/jobs.db", w.home);
	copy = xasprintf("VACUUM INTO '%s/pylons/copy/jobs.db'", w.home);
	assert_int_equal(sqlite3_open(from, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, copy, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(other), SQLITE_OK);
	assert_true(world_reload(&w, false));
	assert_int_equal(the_pylon(&w, "hook")->active, 1);
	assert_int_equal(the_pylon(&w, "copy")->active, 0);
	world_run(&w, 0)->is_adopted = true; /* its job is in two databases */
	world_exited(&w, 0, 0);
	assert_int_equal(w.channel.n, 1);
	assert_int_equal(w.engine->containers.active, 0);
	free(from);
	free(copy);
	world_close(&w);
}

/* Somebody waits for the answer. */
static void a_pylon_that_goes_before_a_commit_stays_for_it(void **state UNUSED)
{
	struct world w;
	sqlite3 *other;

	world_open(&w, CONFIG, PYLON("x"));
	other = lock_database(&w, false);
	world_post(&w, "a", "{}");
	assert_int_equal(w.answers, 0);
	world_put(&w, "pylons/hook/else", "");
	world_remove(&w, FILE_OF("hook"));
	assert_true(world_reload(&w, false));
	loop_advance(w.loop, US_PER_SEC);
	assert_int_equal(w.answers, 0);
	unlock_database(other);
	loop_advance(w.loop, US_PER_SEC);
	assert_int_equal(w.answers, 1);
	assert_int_equal(w.answer.status, 202);
	assert_null(engine_pylon(w.engine, "hook"));
	world_close(&w);
}

static void what_waits_in_a_busy_database_is_found_when_it_is_free(void **state UNUSED)
{
	struct world w;
	sqlite3 *other;
	char id[40];

	world_open(&w, CONFIG, PYLON("x"));
	world_engine(&w, false);
	world_post(&w, "a", "{}");
	(void)str_copy(id, sizeof(id), w.answer.job_id);
	world_crash(&w);
	w.runner.is_up = true;
	other = lock_database(&w, true);
	world_restart(&w);
	loop_advance(w.loop, 20 * US_PER_SEC);
	assert_int_equal(w.runner.n, 0);
	unlock_database(other);
	loop_advance(w.loop, 10 * US_PER_SEC);
	assert_int_equal(w.runner.n, 1);
	assert_string_equal(world_run(&w, 0)->job_id.s, id);
	loop_advance(w.loop, 20 * US_PER_SEC);
	assert_true(timers_next(w.loop) - loop_mono(w.loop) > MINUTE);
	world_close(&w);
}

/* Whoever took it away may put it back: what is accepted into a new one would be lost then. */
static void a_database_that_was_taken_away_is_not_made_again(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG_OF("1", "reject"), PYLON("x"));
	world_post(&w, "z", "{}");
	world_started(&w, 0);
	world_exited(&w, 0, 0);
	world_sent(&w, 0, CHANNEL_SENT, -1);
	remove_database(&w);
	for (int i = 0; i < 3; i++) {
		world_post(&w, "a", "{}");
		assert_int_equal(w.answer.status, 503);
		loop_advance(w.loop, MINUTE);
	}
	world_close(&w);
}

/* It brings a database of its own, and nobody has to fail for that to be noticed. */
static void a_folder_in_the_place_of_another_is_open_at_once(void **state UNUSED)
{
	struct world w;
	char *from, *to;

	world_open(&w, CONFIG, PYLON("x"));
	world_post(&w, "a", "{}");
	world_started(&w, 0);
	world_exited(&w, 0, 0);
	world_sent(&w, 0, CHANNEL_SENT, -1);
	from = xasprintf("%s/pylons/hook", w.home);
	to = xasprintf("%s/away", w.home);
	assert_int_equal(rename(from, to), 0);
	put_and_reload(&w, FILE_OF("hook"), PYLON("x"));
	world_post(&w, "a", "{}");
	assert_int_equal(w.answer.status, 202);
	free(from);
	free(to);
	world_close(&w);
}

/* What comes meanwhile is refused: an empty database in a new folder would be a trap. */
static void a_folder_that_is_away_for_a_moment_is_not_made_again(void **state UNUSED)
{
	struct world w;
	char *from, *to;

	world_open(&w, CONFIG_OF("9", "reject"), PYLON("x"));
	from = xasprintf("%s/pylons/hook", w.home);
	to = xasprintf("%s/away", w.home);
	for (int is_open = 0; is_open < 2; is_open++) {
		assert_int_equal(rename(from, to), 0);
		for (int i = 0; i < 3; i++) {
			world_post(&w, NULL, "{}");
			assert_int_equal(w.answer.status, 503);
		}
		assert_int_equal(rename(to, from), 0);
		world_post(&w, NULL, "{}");
		assert_int_equal(w.answer.status, 202);
		world_started(&w, (size_t)is_open);
		world_exited(&w, (size_t)is_open, 0);
		world_sent(&w, (size_t)is_open, CHANNEL_SENT, -1);
	}
	free(from);
	free(to);
	world_close(&w);
}

/* Nobody can write: asking a thousand times a second does not help. */
static void an_expiry_that_cannot_be_recorded_does_not_spin(void **state UNUSED)
{
	struct world w;
	sqlite3 *other;
	char id[40];

	world_open(&w, CONFIG,
		PYLON_OF("hook", "/hook", "x",
			"channel:\n  type: stdout\n  approval: true\n  approval_timeout: 1h\n"));
	world_post(&w, "a", "{}");
	(void)str_copy(id, sizeof(id), w.answer.job_id);
	world_sent(&w, 0, CHANNEL_SENT, -1);
	loop_advance(w.loop, 59 * MINUTE);
	other = lock_database(&w, false);
	loop_advance(w.loop, 2 * MINUTE);
	for (int i = 0; i < 20; i++) {
		int64_t ahead = timers_next(w.loop) - loop_mono(w.loop);

		assert_true(ahead >= 20 * US_PER_MS);
		loop_advance(w.loop, ahead);
	}
	unlock_database(other);
	loop_advance(w.loop, 10 * US_PER_SEC);
	world_assert_state(&w, id, JOB_EXPIRED);
	world_close(&w);
}

/* The same when it is refused at once and not after a while. */
static void an_expiry_in_a_folder_that_is_away_waits_for_it(void **state UNUSED)
{
	struct world w;
	char *from, *to, id[40];

	world_open(&w, CONFIG,
		PYLON_OF("hook", "/hook", "x",
			"channel:\n  type: stdout\n  approval: true\n  approval_timeout: 1h\n"));
	world_post(&w, "a", "{}");
	(void)str_copy(id, sizeof(id), w.answer.job_id);
	world_sent(&w, 0, CHANNEL_SENT, -1);
	from = xasprintf("%s/pylons/hook", w.home);
	to = xasprintf("%s/away", w.home);
	assert_int_equal(rename(from, to), 0);
	loop_advance(w.loop, 60 * MINUTE);
	for (int i = 0; i < 20; i++) {
		int64_t ahead = timers_next(w.loop) - loop_mono(w.loop);

		assert_true(ahead >= US_PER_SEC);
		loop_advance(w.loop, ahead);
	}
	assert_int_equal(rename(to, from), 0);
	loop_advance(w.loop, 10 * US_PER_SEC);
	world_assert_state(&w, id, JOB_EXPIRED);
	free(from);
	free(to);
	world_close(&w);
}

static void every_approval_that_nobody_gives_expires(void **state UNUSED)
{
	struct world w;
	char id[3][40];

	world_open(&w, CONFIG,
		PYLON_OF("hook", "/hook", "x",
			"channel:\n  type: stdout\n  approval: true\n  approval_timeout: 1h\n"));
	for (size_t i = 0; i < ARRAY_LEN(id); i++) {
		world_post(&w, NULL, "{}");
		(void)str_copy(id[i], sizeof(id[i]), w.answer.job_id);
		loop_advance(w.loop, i == 0 ? 0 : MINUTE);
	}
	loop_advance(w.loop, 60 * MINUTE);
	for (size_t i = 0; i < ARRAY_LEN(id); i++)
		world_assert_state(&w, id[i], JOB_EXPIRED);
	world_close(&w);
}

static void a_schedule_goes_on_after_a_busy_database(void **state UNUSED)
{
	struct world w;
	sqlite3 *other;

	world_open(&w, CONFIG, CRON(""));
	other = lock_database(&w, false);
	loop_advance(w.loop, 5 * MINUTE);
	assert_int_equal(w.runner.n, 0);
	for (int i = 0; i < 20; i++) {
		int64_t ahead = timers_next(w.loop) - loop_mono(w.loop);

		assert_true(ahead >= 20 * US_PER_MS);
		loop_advance(w.loop, ahead);
	}
	unlock_database(other);
	loop_advance(w.loop, 6 * US_PER_SEC);
	assert_int_equal(w.runner.n, 1);
	world_started(&w, 0);
	world_exited(&w, 0, 0);
	loop_advance(w.loop, MINUTE);
	assert_int_equal(w.runner.n, 2);
	world_close(&w);
}

/* The folder went for good, and the end of the run has no place any more. */
static void a_folder_removed_under_a_run_holds_its_slot_not_for_ever(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG, PYLON("x"));
	world_post(&w, "a", "{}");
	world_started(&w, 0);
	world_remove(&w, "pylons/hook");
	assert_true(world_reload(&w, false));
	world_run(&w, 0)->is_adopted = true; /* its job is in no database */
	world_exited(&w, 0, 0);
	loop_advance(w.loop, MINUTE - US_PER_SEC);
	assert_non_null(engine_pylon(w.engine, "hook"));
	loop_advance(w.loop, 2 * US_PER_SEC);
	assert_null(engine_pylon(w.engine, "hook"));
	assert_int_equal(w.engine->containers.active, 0);
	world_close(&w);
}

/* Nor does a message that can be neither sent nor given up on the record. */
static void a_folder_removed_with_its_outbox_is_forgotten(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG, PYLON("x"));
	world_post(&w, "a", "{}");
	world_started(&w, 0);
	world_exited(&w, 0, 0);
	world_sent(&w, 0, CHANNEL_RETRY, 10 * US_PER_SEC);
	world_remove(&w, "pylons/hook");
	assert_true(world_reload(&w, false));
	loop_advance(w.loop, 2 * MINUTE);
	assert_int_equal(w.channel.n, 1);
	assert_null(engine_pylon(w.engine, "hook"));
	world_close(&w);
}

/* Another name for the same folder, and the same database in it. */
static void a_run_follows_its_folder_to_another_name(void **state UNUSED)
{
	struct world w;
	char *from, *to, id[40];

	world_open(&w, CONFIG, PYLON("x"));
	world_post(&w, "a", "{}");
	(void)str_copy(id, sizeof(id), w.answer.job_id);
	world_started(&w, 0);
	from = xasprintf("%s/pylons/hook", w.home);
	to = xasprintf("%s/pylons/moved", w.home);
	assert_int_equal(rename(from, to), 0);
	put_and_reload(&w, FILE_OF("moved"), PYLON_OF("moved", "/moved", "x", ""));
	assert_null(engine_pylon(w.engine, "hook"));
	world_exited(&w, 0, 0);
	world_assert_state(&w, id, JOB_COMPLETED);
	assert_int_equal(w.channel.n, 1);
	free(from);
	free(to);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_copy_of_a_folder_takes_no_run_away),
		cmocka_unit_test(a_pylon_that_goes_before_a_commit_stays_for_it),
		cmocka_unit_test(what_waits_in_a_busy_database_is_found_when_it_is_free),
		cmocka_unit_test(a_database_that_was_taken_away_is_not_made_again),
		cmocka_unit_test(a_folder_in_the_place_of_another_is_open_at_once),
		cmocka_unit_test(a_folder_that_is_away_for_a_moment_is_not_made_again),
		cmocka_unit_test(an_expiry_that_cannot_be_recorded_does_not_spin),
		cmocka_unit_test(an_expiry_in_a_folder_that_is_away_waits_for_it),
		cmocka_unit_test(every_approval_that_nobody_gives_expires),
		cmocka_unit_test(a_schedule_goes_on_after_a_busy_database),
		cmocka_unit_test(a_folder_removed_under_a_run_holds_its_slot_not_for_ever),
		cmocka_unit_test(a_folder_removed_with_its_outbox_is_forgotten),
		cmocka_unit_test(a_run_follows_its_folder_to_another_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
