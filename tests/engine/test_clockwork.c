/* SPDX-License-Identifier: MIT */
/*
 * test_clockwork.c - the schedule of a pylon between its file, its ledger and its clock: edited
 * while it is being recorded, switched off and on, named or not, with a database that comes and
 * goes.
 */
#include <sqlite3.h>

#include "engine/engine-internal.h"
#include "engine/world.h"
#include "loop/loop_internal.h"

#define MINUTE (60 * US_PER_SEC)
#define HOUR   (60 * MINUTE)

#define CONFIG                                                                                     \
	"version: 1\ndocker:\n  max_concurrent: 20\n  when_full: queue\n"                          \
	"defaults:\n  channel:\n    type: stdout\n"
#define CRON_OF(name, trigger, more)                                                               \
	"name: " name "\n" more "trigger:\n  type: cron\n" trigger                                 \
	"workspace:\n  type: none\nagent:\n  type: mock\n  prompt: due\n"
#define CRON(trigger) CRON_OF("hook", trigger, "")
#define EVERY_MINUTE  "  cron: \"* * * * *\"\n"
#define FILE          "pylons/hook/pylon.yaml"

static void count_row(const struct occurrence *o, const char *pylon UNUSED, void *ctx)
{
	int64_t *counts = ctx;

	counts[o->outcome] += o->count;
}

struct counts {
	int64_t of[OCCURRENCE_OUTCOMES];
};

static struct counts ledger_of(struct world *w)
{
	struct counts c = {{0}};
	struct err e = CLEAN_ERR;

	assert_int_equal(
		engine_list_occurrences(w->engine, "hook", 0, LIST_LIMIT_MAX, count_row, c.of, &e),
		0);
	return c;
}

static int64_t all_of(struct world *w)
{
	struct counts c = ledger_of(w);
	int64_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(c.of); i++)
		n += c.of[i];
	return n;
}

static void put_and_reload(struct world *w, const char *path, const char *text)
{
	world_put(w, path, text);
	assert_true(world_reload(w, false));
}

static sqlite3 *open_beside(struct world *w)
{
	char *path = xasprintf("%s/pylons/hook/jobs.db", w->home);
	sqlite3 *other = NULL;

	assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
	free(path);
	return other;
}

static void sql(sqlite3 *db, const char *text)
{
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
}

/* The end of the transaction finds another schedule than the one it was made for. */
static void an_edit_while_an_occurrence_is_recorded_takes_effect(void **state UNUSED)
{
	struct world w;
	sqlite3 *other;

	world_open(&w, CONFIG, CRON(EVERY_MINUTE));
	other = open_beside(&w);
	sql(other, "BEGIN IMMEDIATE");
	loop_advance(w.loop, MINUTE);
	put_and_reload(&w, FILE, CRON("  cron: \"0 * * * *\"\n"));
	loop_advance(w.loop, US_PER_SEC);
	sql(other, "ROLLBACK");
	assert_int_equal(sqlite3_close(other), SQLITE_OK);
	loop_advance(w.loop, 15 * MINUTE);
	assert_int_equal(all_of(&w), 1); /* that of the old one */
	loop_advance(w.loop, 5 * MINUTE);
	assert_int_equal(all_of(&w), 2);
	world_close(&w);
}

/* Somebody worked on the ledger: what is believed of it is read again. */
static void a_ledger_that_was_changed_from_outside_is_read_again(void **state UNUSED)
{
	struct world w;
	sqlite3 *other;

	world_open(&w, CONFIG, CRON(EVERY_MINUTE));
	loop_advance(w.loop, MINUTE);
	assert_int_equal(all_of(&w), 1);
	other = open_beside(&w);
	sql(other, "DELETE FROM schedules");
	assert_int_equal(sqlite3_close(other), SQLITE_OK);
	loop_advance(w.loop, 5 * MINUTE);
	assert_in_range(all_of(&w), 4, 6);
	world_close(&w);
}

static void too_many_questions_are_a_limit_of_a_schedule_too(void **state UNUSED)
{
	struct world w;
	struct pylon *p;

	world_open(&w, CONFIG, CRON(EVERY_MINUTE) "channel:\n  type: stdout\n  approval: true\n");
	p = engine_pylon(w.engine, "hook");
	p->awaiting = AWAITING_MAX;
	loop_advance(w.loop, MINUTE);
	assert_int_equal(ledger_of(&w).of[OCCURRENCE_SKIPPED_LIMIT], 1);
	p->awaiting = AWAITING_MAX - 1;
	loop_advance(w.loop, MINUTE);
	assert_int_equal(ledger_of(&w).of[OCCURRENCE_RAN], 1);
	world_close(&w);
}

static void nothing_is_decided_while_the_daemon_goes_down(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG, CRON(EVERY_MINUTE));
	engine_drain(w.engine);
	loop_advance(w.loop, 3 * MINUTE);
	assert_int_equal(all_of(&w), 0);
	world_down(&w, 0);
	assert_int_equal(all_of(&w), 3); /* but by the next one */
	world_close(&w);
}

/* It is closed when nobody needs it, and cannot be opened when its time comes. */
static void a_database_that_cannot_be_opened_at_its_time_is_tried_again(void **state UNUSED)
{
	struct world w;
	char *from, *to;

	world_open(&w, CONFIG, CRON("  cron: \"0 * * * *\"\n"));
	loop_advance(w.loop, 19 * MINUTE);
	assert_null(engine_pylon(w.engine, "hook")->db);
	from = xasprintf("%s/pylons/hook", w.home);
	to = xasprintf("%s/away", w.home);
	assert_int_equal(rename(from, to), 0);
	loop_advance(w.loop, 2 * MINUTE);
	assert_int_equal(w.runner.n, 0);
	assert_int_equal(rename(to, from), 0);
	loop_advance(w.loop, 10 * US_PER_SEC);
	assert_int_equal(w.runner.n, 1);
	free(from);
	free(to);
	world_close(&w);
}

/* Its rows went with the folder: it begins anew in the new one. */
static void a_schedule_whose_folder_was_replaced_goes_on(void **state UNUSED)
{
	struct world w;
	char *from, *to;

	world_open(&w, CONFIG, CRON(EVERY_MINUTE));
	from = xasprintf("%s/pylons/hook", w.home);
	to = xasprintf("%s/away", w.home);
	assert_int_equal(rename(from, to), 0);
	world_put(&w, FILE, CRON(EVERY_MINUTE));
	loop_advance(w.loop, 4 * MINUTE);
	assert_true(w.runner.n >= 1);
	free(from);
	free(to);
	world_close(&w);
}

/* What was decided stays decided, also for another text: in memory as on disk. */
static void an_edit_after_a_small_step_back_repeats_nothing(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG, CRON(EVERY_MINUTE));
	loop_advance(w.loop, MINUTE);
	loop_step_clock(w.loop, -HOUR);
	put_and_reload(&w, FILE, CRON("  cron: \"*/2 * * * *\"\n"));
	loop_advance(w.loop, 30 * MINUTE);
	assert_int_equal(all_of(&w), 1);
	world_down(&w, 0);
	loop_advance(w.loop, 29 * MINUTE);
	assert_int_equal(all_of(&w), 1);
	loop_advance(w.loop, 4 * MINUTE);
	assert_int_equal(all_of(&w), 3);
	world_close(&w);
}

/* 02:40 is an hour and a half and ten minutes more after the day began. */
static void elapsed_time_counts_from_the_creation_of_the_pylon(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG,
		CRON_OF("hook", "  cron: \"@every 90m\"\n", "created: 2026-02-02T00:00:00Z\n"));
	loop_advance(w.loop, 20 * MINUTE - 1);
	assert_int_equal(w.runner.n, 0);
	loop_advance(w.loop, 1);
	assert_int_equal(w.runner.n, 1);
	world_close(&w);
}

static void an_edit_while_it_is_disabled_forgets_not_since_when(void **state UNUSED)
{
	struct world w;
	struct counts c;

#define QUIET "  catch_up: none\n"
	world_open(&w, CONFIG, CRON(EVERY_MINUTE QUIET));
	put_and_reload(&w, FILE, CRON_OF("hook", EVERY_MINUTE QUIET, "disabled: true\n"));
	loop_advance(w.loop, 5 * MINUTE + US_PER_SEC);
	put_and_reload(&w, FILE,
		CRON_OF("hook", EVERY_MINUTE QUIET, "description: other\ndisabled: true\n"));
	loop_advance(w.loop, 5 * MINUTE + 30 * US_PER_SEC);
	put_and_reload(&w, FILE, CRON(EVERY_MINUTE QUIET));
	c = ledger_of(&w);
	assert_int_equal(c.of[OCCURRENCE_SKIPPED_CATCH_UP], 0);
	assert_int_equal(c.of[OCCURRENCE_SKIPPED_DISABLED] + c.of[OCCURRENCE_RAN], 10);
	world_close(&w);
}

/* `pylon start other` does not switch anything off: the next start catches up. */
static void a_pylon_that_was_not_named_is_not_disabled(void **state UNUSED)
{
	struct world w;
	struct counts c;

	world_open(&w, CONFIG, CRON(EVERY_MINUTE));
	world_crash(&w);
	strv_add(&w.only, "other");
	world_restart(&w);
	loop_advance(w.loop, 10 * MINUTE);
	assert_int_equal(w.runner.n, 0);
	world_crash(&w);
	strv_fini(&w.only);
	world_restart(&w);
	c = ledger_of(&w);
	assert_int_equal(c.of[OCCURRENCE_SKIPPED_DISABLED], 0);
	assert_int_equal(w.runner.n, 1);
	world_close(&w);
}

/* 09:00 there was ten minutes ago; nothing is run in retrospect. */
static void a_new_zone_runs_nothing_in_retrospect(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG, CRON("  cron: \"0 9 * * *\"\n"));
	loop_advance(w.loop, 90 * MINUTE); /* 04:10 */
	put_and_reload(&w, FILE, CRON("  cron: \"0 9 * * *\"\n  timezone: Asia/Karachi\n"));
	loop_advance(w.loop, HOUR);
	assert_int_equal(all_of(&w), 0);
	world_close(&w);
}

static void a_pylon_that_goes_takes_its_schedule_along(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG, CRON(EVERY_MINUTE "  overlap: allow\n"));
	loop_advance(w.loop, MINUTE);
	world_started(&w, 0); /* which keeps the pylon in memory */
	world_put(&w, "pylons/hook/else", "");
	world_remove(&w, FILE);
	assert_true(world_reload(&w, false));
	loop_advance(w.loop, 3 * MINUTE);
	assert_int_equal(all_of(&w), 1);
	world_close(&w);
}

static void a_pylon_that_comes_brings_its_schedule_along(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG, CRON("  cron: \"0 0 29 2 *\"\n"));
	put_and_reload(&w, "pylons/late/pylon.yaml", CRON_OF("late", EVERY_MINUTE, ""));
	loop_advance(w.loop, MINUTE);
	assert_int_equal(w.runner.n, 1);
	world_close(&w);
}

/* Overlap is a matter of one schedule. */
static void neither_another_pylon_nor_a_person_holds_up_an_occurrence(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG, CRON(EVERY_MINUTE));
	engine_trigger(w.engine, "hook", SLICE_NULL, "manual", world_answered, &w);
	loop_settle(w.loop);
	assert_int_equal(w.runner.n, 1);
	loop_advance(w.loop, MINUTE);
	assert_int_equal(w.runner.n, 2);
	put_and_reload(&w, "pylons/late/pylon.yaml", CRON_OF("late", EVERY_MINUTE, ""));
	loop_advance(w.loop, MINUTE);
	assert_int_equal(w.runner.n, 3);
	assert_int_equal(ledger_of(&w).of[OCCURRENCE_SKIPPED_OVERLAP], 1);
	world_close(&w);
}

/* After a restart nobody knows how early too early is, until it was looked up. */
static void what_waits_for_its_time_is_waited_for_in_silence_after_a_restart(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG, CRON("  cron: \"0 * * * *\"\n  jitter: 1h\n"));
	loop_advance(w.loop, 20 * MINUTE);
	world_down(&w, US_PER_SEC);
	loop_advance(w.loop, 10 * US_PER_SEC);
	if (w.runner.n == 0)
		assert_true(timers_next(w.loop) - loop_mono(w.loop) > 100 * US_PER_MS);
	loop_advance(w.loop, HOUR);
	assert_int_equal(w.runner.n, 1);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_edit_while_an_occurrence_is_recorded_takes_effect),
		cmocka_unit_test(a_ledger_that_was_changed_from_outside_is_read_again),
		cmocka_unit_test(too_many_questions_are_a_limit_of_a_schedule_too),
		cmocka_unit_test(nothing_is_decided_while_the_daemon_goes_down),
		cmocka_unit_test(a_database_that_cannot_be_opened_at_its_time_is_tried_again),
		cmocka_unit_test(a_schedule_whose_folder_was_replaced_goes_on),
		cmocka_unit_test(an_edit_after_a_small_step_back_repeats_nothing),
		cmocka_unit_test(elapsed_time_counts_from_the_creation_of_the_pylon),
		cmocka_unit_test(an_edit_while_it_is_disabled_forgets_not_since_when),
		cmocka_unit_test(a_pylon_that_was_not_named_is_not_disabled),
		cmocka_unit_test(a_new_zone_runs_nothing_in_retrospect),
		cmocka_unit_test(a_pylon_that_goes_takes_its_schedule_along),
		cmocka_unit_test(a_pylon_that_comes_brings_its_schedule_along),
		cmocka_unit_test(neither_another_pylon_nor_a_person_holds_up_an_occurrence),
		cmocka_unit_test(what_waits_for_its_time_is_waited_for_in_silence_after_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
