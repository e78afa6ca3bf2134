/* SPDX-License-Identifier: MIT */
/*
 * test_occur.c - schedules in the whole flow, with a replaced clock: every occurrence ends in
 * exactly one recorded outcome, whatever the daemon and the clock do.
 */
#include "engine/world.h"

#define MINUTE (60 * US_PER_SEC)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

#define CONFIG "version: 1\ndocker:\n  max_concurrent: 2\ndefaults:\n  channel:\n    type: stdout\n"
#define CONFIG_QUEUE                                                                               \
	"version: 1\ndocker:\n  max_concurrent: 20\n  when_full: queue\n"                          \
	"defaults:\n  channel:\n    type: stdout\n"
#define CRON(trigger)                                                                              \
	"name: hook\ntrigger:\n  type: cron\n" trigger                                             \
	"workspace:\n  type: none\nchannel:\n  type: stdout\nagent:\n  type: mock\n"               \
	"  prompt: \"due {{ .body.scheduled_at }}\"\n"
#define EVERY_MINUTE CRON("  cron: \"* * * * *\"\n")

/* How often each outcome is in the ledger, and what was seen last. */
struct ledger {
	int64_t outcomes[OCCURRENCE_OUTCOMES];
	int64_t total, rows;
	int64_t newest, epoch;
	int64_t epochs; /* all of them added up */
	struct id newest_job;
};

static void count_row(const struct occurrence *o, const char *pylon UNUSED, void *ctx)
{
	struct ledger *l = ctx;

	l->outcomes[o->outcome] += o->count;
	l->total += o->count;
	l->epochs += o->epoch;
	if (l->rows++ == 0) {
		l->newest = o->last;
		l->epoch = o->epoch;
		l->newest_job = o->job_id;
	}
}

static struct ledger ledger_of(struct world *w)
{
	struct ledger l = {0};
	struct err e = CLEAN_ERR;

	assert_int_equal(
		engine_list_occurrences(w->engine, "hook", 0, LIST_LIMIT_MAX, count_row, &l, &e),
		0);
	return l;
}

/* Jobs run to their end at once, so that none overlaps. */
static void finish_all(struct world *w)
{
	for (size_t i = 0; i < w->runner.n; i++) {
		if (w->runner.runs[i].is_forgotten)
			continue;
		world_started(w, i);
		world_exited(w, i, 0);
	}
}

static void an_occurrence_runs_at_its_time_and_not_before(void **state UNUSED)
{
	struct world w;
	struct ledger l;

	world_open(&w, CONFIG, CRON("  cron: \"0 3 * * *\"\n"));
	loop_advance(w.loop, 20 * MINUTE - 1);
	assert_int_equal(w.runner.n, 0);
	loop_advance(w.loop, 1);
	assert_int_equal(w.runner.n, 1);
	l = ledger_of(&w);
	assert_int_equal(l.total, 1);
	assert_int_equal(l.outcomes[OCCURRENCE_RAN], 1);
	assert_string_equal(l.newest_job.s, world_run(&w, 0)->job_id.s);
	world_assert_prompt(&w, 0, "due 2026-02-02T03:00:00.000Z");
	world_close(&w);
}

/* k1: down for ten minutes with "* * * * *" */
static void after_ten_minutes_down_one_of_the_missed_runs_late(void **state UNUSED)
{
	static const struct {
		const char *pylon;
		size_t jobs;
	} cases[] = {
		{CRON("  cron: \"* * * * *\"\n  catch_up: none\n"), 0},
		{EVERY_MINUTE, 1},
		{CRON("  cron: \"* * * * *\"\n  catch_up: all\n"), 10},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct world w;
		struct ledger l;

		world_open(&w, CONFIG_QUEUE, cases[i].pylon);
		/* Half a minute past the tenth, beyond what counts as on time for none. */
		world_down(&w, 10 * MINUTE + 59 * US_PER_SEC);
		l = ledger_of(&w);
		loop_advance(w.loop, 0);
		assert_int_equal(l.total, 10);
		if (cases[i].jobs > 0)
			assert_int_equal(
				l.outcomes[OCCURRENCE_RAN] + l.outcomes[OCCURRENCE_RAN_LATE],
				cases[i].jobs);
		world_close(&w);
	}
}

/* k2, k6: the minute that was fired is not fired again by a restart within it */
static void a_restart_within_the_minute_fires_nothing(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG, EVERY_MINUTE);
	loop_advance(w.loop, MINUTE);
	finish_all(&w);
	assert_int_equal(ledger_of(&w).total, 1);
	for (int i = 0; i < 5; i++)
		world_down(&w, US_PER_SEC);
	assert_int_equal(ledger_of(&w).total, 1);
	assert_int_equal(w.runner.n, 0);
	world_close(&w);
}

/* k3: +4 h: at most one run, no burst, nothing untold */
static void a_step_forward_runs_at_most_one(void **state UNUSED)
{
	struct world w;
	struct ledger l;

	world_open(&w, CONFIG, EVERY_MINUTE);
	loop_step_clock(w.loop, 4 * HOUR);
	loop_settle(w.loop);
	l = ledger_of(&w);
	assert_int_equal(l.outcomes[OCCURRENCE_RAN] + l.outcomes[OCCURRENCE_RAN_LATE], 1);
	assert_int_equal(l.total, 4 * 60);
	assert_int_equal(w.runner.n, 1);
	world_close(&w);
}

/* k4: -1 h: decided instants stay decided; then it goes on */
static void a_small_step_back_repeats_nothing(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG, EVERY_MINUTE);
	loop_advance(w.loop, MINUTE);
	finish_all(&w);
	loop_step_clock(w.loop, -HOUR);
	loop_advance(w.loop, 59 * MINUTE);
	assert_int_equal(ledger_of(&w).total, 1);
	loop_advance(w.loop, 2 * MINUTE);
	assert_int_equal(ledger_of(&w).total, 2);
	assert_int_equal(ledger_of(&w).epoch, 1);
	world_close(&w);
}

/* k5: -2 days: a new epoch, no silence */
static void a_large_step_back_begins_anew(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG, EVERY_MINUTE);
	loop_advance(w.loop, MINUTE);
	finish_all(&w);
	loop_step_clock(w.loop, -2 * DAY);
	loop_advance(w.loop, MINUTE);
	assert_int_equal(ledger_of(&w).total, 2);
	assert_int_equal(w.runner.n, 2);
	assert_int_equal(ledger_of(&w).epochs, 1 + 2);
	world_close(&w);
}

/* The same found out at a start. */
static void a_clock_set_back_while_down_begins_anew(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG, EVERY_MINUTE);
	loop_advance(w.loop, MINUTE);
	finish_all(&w);
	world_crash(&w);
	loop_step_clock(w.loop, -2 * DAY);
	world_restart(&w);
	loop_advance(w.loop, MINUTE);
	assert_int_equal(w.runner.n, 1);
	world_close(&w);
}

/* k7: the zone changes at 08:59:30 */
static void a_new_zone_counts_from_now(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG, CRON("  cron: \"0 9 * * *\"\n  timezone: UTC\n"));
	loop_step_clock(w.loop, 6 * HOUR + 19 * MINUTE + 30 * US_PER_SEC); /* 08:59:30 UTC */
	world_put(&w, "pylons/hook/pylon.yaml",
		CRON("  cron: \"0 9 * * *\"\n  timezone: Asia/Tokyo\n"));
	assert_true(world_reload(&w, false));
	loop_advance(w.loop, MINUTE);
	assert_int_equal(ledger_of(&w).total, 0); /* 09:00 in Tokyo was nine hours ago */
	loop_advance(w.loop, 15 * HOUR);
	assert_int_equal(ledger_of(&w).total, 1); /* 00:00 UTC */
	world_close(&w);
}

/* k8 */
static void an_unknown_zone_keeps_the_old_configuration(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG, EVERY_MINUTE);
	world_put(&w, "pylons/hook/pylon.yaml",
		CRON("  cron: \"* * * * *\"\n  timezone: Europe/Berlim\n"));
	assert_true(world_reload(&w, false));
	loop_advance(w.loop, MINUTE);
	assert_int_equal(ledger_of(&w).total, 1);
	world_close(&w);
}

/* --- overlap --- */

#define OVERLAP(policy) CRON("  cron: \"* * * * *\"\n  overlap: " policy "\n")

static void skip_leaves_out_what_would_overlap(void **state UNUSED)
{
	struct world w;
	struct ledger l;

	world_open(&w, CONFIG, OVERLAP("skip"));
	loop_advance(w.loop, MINUTE);
	world_started(&w, 0);
	loop_advance(w.loop, 3 * MINUTE);
	l = ledger_of(&w);
	assert_int_equal(l.outcomes[OCCURRENCE_RAN], 1);
	assert_int_equal(l.outcomes[OCCURRENCE_SKIPPED_OVERLAP], 3);
	world_exited(&w, 0, 0);
	loop_advance(w.loop, MINUTE);
	assert_int_equal(ledger_of(&w).outcomes[OCCURRENCE_RAN], 2);
	world_close(&w);
}

static void queue_one_keeps_one_waiting(void **state UNUSED)
{
	struct world w;
	struct ledger l;

	world_open(&w, CONFIG, OVERLAP("queue_one"));
	loop_advance(w.loop, MINUTE);
	world_started(&w, 0);
	loop_advance(w.loop, 3 * MINUTE);
	l = ledger_of(&w);
	assert_int_equal(l.outcomes[OCCURRENCE_RAN], 2);
	assert_int_equal(l.outcomes[OCCURRENCE_SKIPPED_OVERLAP], 2);
	assert_int_equal(w.runner.n, 1); /* one after the other */
	world_exited(&w, 0, 0);
	assert_int_equal(w.runner.n, 2);
	world_close(&w);
}

static void queue_all_runs_them_one_after_the_other(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG_QUEUE, OVERLAP("queue_all"));
	loop_advance(w.loop, 3 * MINUTE);
	assert_int_equal(ledger_of(&w).outcomes[OCCURRENCE_RAN], 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(w.runner.n, i + 1);
		world_started(&w, i);
		world_exited(&w, i, 0);
	}
	world_close(&w);
}

static void cancel_previous_stops_what_runs(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG, OVERLAP("cancel_previous"));
	loop_advance(w.loop, MINUTE);
	world_started(&w, 0);
	loop_advance(w.loop, MINUTE);
	assert_int_equal(world_run(&w, 0)->stops, 1);
	assert_int_equal(w.runner.n, 1); /* not before the other has ended */
	world_exited(&w, 0, 137);
	world_assert_state(&w, world_run(&w, 0)->job_id.s, JOB_CANCELLED);
	assert_int_equal(w.runner.n, 2);
	world_close(&w);
}

static void allow_runs_side_by_side(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG, OVERLAP("allow"));
	loop_advance(w.loop, 2 * MINUTE);
	assert_int_equal(w.runner.n, 2);
	world_close(&w);
}

/* --- limits and reasons --- */

static void without_a_slot_it_is_recorded_and_makes_no_job(void **state UNUSED)
{
	struct world w;
	struct ledger l;

	world_open(&w, CONFIG, OVERLAP("allow"));
	loop_advance(w.loop, 3 * MINUTE);
	l = ledger_of(&w);
	assert_int_equal(l.outcomes[OCCURRENCE_RAN], 2);
	assert_int_equal(l.outcomes[OCCURRENCE_SKIPPED_LIMIT], 1);
	assert_string_equal(l.newest_job.s, "");
	world_close(&w);
}

static void a_pylon_that_cannot_run_says_so_for_each(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG,
		"name: hook\ntrigger:\n  type: cron\n  cron: \"* * * * *\"\n"
		"workspace:\n  type: none\nchannel:\n  type: telegram\n"
		"  telegram:\n    bot_token: \"1:x\"\n    chat_id: 1\n"
		"agent:\n  type: mock\n  prompt: x\n");
	loop_advance(w.loop, 2 * MINUTE);
	assert_int_equal(ledger_of(&w).outcomes[OCCURRENCE_FAILED_TO_START], 2);
	assert_int_equal(w.runner.n, 0);
	world_close(&w);
}

static void while_disabled_occurrences_are_skipped_on_purpose(void **state UNUSED)
{
	struct world w;
	struct ledger l;

	world_open(&w, CONFIG, EVERY_MINUTE);
	loop_advance(w.loop, MINUTE);
	finish_all(&w);
	world_put(&w, "pylons/hook/pylon.yaml", EVERY_MINUTE "disabled: true\n");
	assert_true(world_reload(&w, false));
	loop_advance(w.loop, 10 * MINUTE);
	assert_int_equal(ledger_of(&w).total, 1);
	world_put(&w, "pylons/hook/pylon.yaml", EVERY_MINUTE);
	loop_advance(w.loop, 30 * US_PER_SEC);
	assert_true(world_reload(&w, false));
	l = ledger_of(&w);
	assert_int_equal(l.outcomes[OCCURRENCE_SKIPPED_DISABLED] + l.outcomes[OCCURRENCE_RAN], 11);
	assert_true(l.outcomes[OCCURRENCE_SKIPPED_DISABLED] >= 9);
	loop_advance(w.loop, MINUTE);
	assert_int_equal(ledger_of(&w).total, 12);
	world_close(&w);
}

static void jitter_delays_the_job_and_not_the_decision(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG, CRON("  cron: \"0 3 * * *\"\n  jitter: 10m\n"));
	loop_advance(w.loop, 20 * MINUTE);
	assert_int_equal(ledger_of(&w).outcomes[OCCURRENCE_RAN], 1);
	loop_advance(w.loop, 10 * MINUTE);
	assert_int_equal(w.runner.n, 1);
	world_close(&w);
}

static void an_occurrence_with_approval_asks_first(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG,
		"name: hook\ntrigger:\n  type: cron\n  cron: \"* * * * *\"\n"
		"workspace:\n  type: none\nchannel:\n  type: stdout\n  approval: true\n"
		"agent:\n  type: mock\n  prompt: x\n");
	loop_advance(w.loop, MINUTE);
	assert_int_equal(w.runner.n, 0);
	assert_int_equal(w.channel.n, 1);
	assert_string_equal(w.channel.sent[0].kind, "approval");
	world_decide(&w, ENGINE_APPROVE, ledger_of(&w).newest_job.s);
	assert_int_equal(w.runner.n, 1);
	world_close(&w);
}

/* Between two occurrences nothing happens. */
static void it_sleeps_until_the_next_occurrence(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG, CRON("  cron: \"0 9 * * 1\"\n"));
	loop_advance(w.loop, 7 * DAY);
	assert_int_equal(ledger_of(&w).total, 1);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_occurrence_runs_at_its_time_and_not_before),
		cmocka_unit_test(after_ten_minutes_down_one_of_the_missed_runs_late),
		cmocka_unit_test(a_restart_within_the_minute_fires_nothing),
		cmocka_unit_test(a_step_forward_runs_at_most_one),
		cmocka_unit_test(a_small_step_back_repeats_nothing),
		cmocka_unit_test(a_large_step_back_begins_anew),
		cmocka_unit_test(a_clock_set_back_while_down_begins_anew),
		cmocka_unit_test(a_new_zone_counts_from_now),
		cmocka_unit_test(an_unknown_zone_keeps_the_old_configuration),
		cmocka_unit_test(skip_leaves_out_what_would_overlap),
		cmocka_unit_test(queue_one_keeps_one_waiting),
		cmocka_unit_test(queue_all_runs_them_one_after_the_other),
		cmocka_unit_test(cancel_previous_stops_what_runs),
		cmocka_unit_test(allow_runs_side_by_side),
		cmocka_unit_test(without_a_slot_it_is_recorded_and_makes_no_job),
		cmocka_unit_test(a_pylon_that_cannot_run_says_so_for_each),
		cmocka_unit_test(while_disabled_occurrences_are_skipped_on_purpose),
		cmocka_unit_test(jitter_delays_the_job_and_not_the_decision),
		cmocka_unit_test(an_occurrence_with_approval_asks_first),
		cmocka_unit_test(it_sleeps_until_the_next_occurrence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
