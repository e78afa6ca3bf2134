/* SPDX-License-Identifier: MIT */
/*
 * tests/trigger/test_plan.c - what becomes of occurrences: the cases that people ask about, one by
 * one. test_plan_random.c has the others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "calendar/instant.h"
#include "cmocka.h" /* quoted: it must follow the headers above */
#include "trigger/plan.h"

#define MINUTE (60 * US_PER_SEC)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* A schedule, the input made for it, and the plan. */
struct world {
	struct zone *zone;
	struct schedule *schedule;
	struct plan_input in;
	struct plan plan;
};

static int64_t at(const char *text)
{
	int64_t us;

	assert_true(instant_parse(slice_of(text), &us));
	return us;
}

static void use(struct world *w, const char *text, const char *zone)
{
	struct err e = CLEAN_ERR;
	struct schedule_fault fault = {0};
	struct schedule_text t = {.text = slice_of(text), .anchor_us = at("2024-01-01T00:00:00Z")};

	schedule_free(w->schedule);
	w->schedule = NULL;
	zone_unref(w->zone);
	w->zone = zone_load(zone, &e);
	if (w->zone == NULL)
		fail_msg("%s", e.text);
	t.zone = w->zone;
	if (schedule_parse(&w->schedule, &t, &fault) < 0)
		fail_msg("%s: %s", text, fault.text);
	w->in = (struct plan_input){.schedule = w->schedule,
		.catch_up = CATCH_UP_LAST,
		.window_us = PLAN_WINDOW_DEFAULT};
}

static int setup(void **state)
{
	*state = xcalloc(1, sizeof(struct world));
	use(*state, "* * * * *", "UTC");
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	schedule_free(w->schedule);
	zone_unref(w->zone);
	free(w);
	return 0;
}

static void plan_us(struct world *w, int64_t decided_to, int64_t now)
{
	w->in.decided_to = decided_to;
	w->in.now_real = now;
	plan_make(&w->in, &w->plan);
}

static void plan(struct world *w, const char *decided_to, const char *now)
{
	plan_us(w, at(decided_to), at(now));
}

static void plan_with(
	struct world *w, enum catch_up catch_up, const char *decided_to, const char *now)
{
	w->in.catch_up = catch_up;
	plan(w, decided_to, now);
}

static int64_t count_of(const struct plan *p, enum occurrence_outcome outcome)
{
	int64_t count = 0;

	for (size_t i = 0; i < p->n; i++)
		count += p->v[i].outcome == outcome ? p->v[i].count : 0;
	return count;
}

static int64_t jobs_of(const struct plan *p)
{
	return count_of(p, OCCURRENCE_RAN) + count_of(p, OCCURRENCE_RAN_LATE);
}

static void check_row(const struct plan *p, size_t i, const char *instant,
	enum occurrence_outcome outcome, int64_t delay_us)
{
	assert_true(i < p->n);
	assert_int_equal(p->v[i].at, at(instant));
	assert_int_equal(p->v[i].last, at(instant));
	assert_int_equal(p->v[i].count, 1);
	assert_int_equal(p->v[i].outcome, outcome);
	assert_int_equal(p->v[i].delay_us, delay_us);
}

/* --- the common days --- */

static void between_two_occurrences_there_is_nothing_to_record(void **state)
{
	struct world *w = *state;

	plan(w, "2026-05-04T12:00:00Z", "2026-05-04T12:00:59.999999Z");
	assert_int_equal(w->plan.n, 0);
	assert_false(w->plan.is_new_epoch);
	assert_int_equal(w->plan.decided_to, at("2026-05-04T12:00:00Z"));
	assert_int_equal(w->plan.next_real, at("2026-05-04T12:01:00Z"));
}

static void occurrence_that_is_exactly_now_is_due(void **state)
{
	struct world *w = *state;

	for (enum catch_up c = CATCH_UP_NONE; c < CATCH_UPS; c++) {
		plan_with(w, c, "2026-05-04T12:00:00Z", "2026-05-04T12:01:00Z");
		assert_int_equal(w->plan.n, 1);
		check_row(&w->plan, 0, "2026-05-04T12:01:00Z", OCCURRENCE_RAN, 0);
		assert_int_equal(w->plan.decided_to, at("2026-05-04T12:01:00Z"));
		assert_int_equal(w->plan.next_real, at("2026-05-04T12:02:00Z"));
	}
}

static void late_by_up_to_a_minute_is_on_time(void **state)
{
	struct world *w = *state;
	int64_t due = at("2026-05-04T09:00:00Z");

	use(w, "0 9 * * *", "UTC");
	for (enum catch_up c = CATCH_UP_NONE; c < CATCH_UPS; c++) {
		w->in.catch_up = c;
		plan_us(w, due - 1, due + MINUTE - 1);
		check_row(&w->plan, 0, "2026-05-04T09:00:00Z", OCCURRENCE_RAN, 0);
		plan_us(w, due - 1, due + MINUTE);
		check_row(&w->plan, 0, "2026-05-04T09:00:00Z", OCCURRENCE_RAN, 0);
		plan_us(w, due - 1, due + MINUTE + 1);
		check_row(&w->plan, 0, "2026-05-04T09:00:00Z",
			c == CATCH_UP_NONE ? OCCURRENCE_SKIPPED_CATCH_UP : OCCURRENCE_RAN_LATE, 0);
		assert_int_equal(w->plan.n, 1);
		assert_int_equal(w->plan.decided_to, due + MINUTE + 1);
		assert_int_equal(w->plan.next_real, due + DAY);
	}
}

static void restart_inside_the_minute_that_ran_runs_nothing(void **state)
{
	struct world *w = *state;

	for (enum catch_up c = CATCH_UP_NONE; c < CATCH_UPS; c++) {
		plan_with(w, c, "2026-05-04T12:00:00.020Z", "2026-05-04T12:00:30Z");
		assert_int_equal(w->plan.n, 0);
		assert_int_equal(w->plan.next_real, at("2026-05-04T12:01:00Z"));
		/* Decided to the instant itself: it is not after itself. */
		plan_with(w, c, "2026-05-04T12:00:00Z", "2026-05-04T12:00:00Z");
		assert_int_equal(w->plan.n, 0);
	}
}

static void schedule_that_never_fires_has_no_next(void **state)
{
	struct world *w = *state;

	use(w, "0 0 31 2 *", "UTC");
	plan(w, "2016-05-04T12:00:00Z", "2026-05-04T12:00:00Z");
	assert_int_equal(w->plan.n, 0);
	assert_int_equal(w->plan.next_real, 0);
}

static void moment_is_decided_once(void **state)
{
	struct world *w = *state;
	int64_t due = at("2026-05-05T09:00:00Z");

	use(w, "2026-05-05 09:00", "UTC");
	plan_us(w, due - DAY, due - 1);
	assert_int_equal(w->plan.n, 0);
	assert_int_equal(w->plan.next_real, due);
	plan_us(w, due - DAY, due);
	check_row(&w->plan, 0, "2026-05-05T09:00:00Z", OCCURRENCE_RAN, 0);
	assert_int_equal(w->plan.next_real, 0);
	plan_us(w, w->plan.decided_to, due + DAY);
	assert_int_equal(w->plan.n, 0);
	assert_int_equal(w->plan.next_real, 0);
	/* Missed: late within the window, else only recorded. */
	plan_us(w, due - DAY, due + 10 * MINUTE);
	check_row(&w->plan, 0, "2026-05-05T09:00:00Z", OCCURRENCE_RAN_LATE, 0);
	plan_us(w, due - DAY, due + HOUR);
	check_row(&w->plan, 0, "2026-05-05T09:00:00Z", OCCURRENCE_SKIPPED_CATCH_UP, 0);
	assert_int_equal(w->plan.n, 1);
}

/* --- missed ones --- */

static void ten_minutes_down_run_none_one_or_ten(void **state)
{
	static const int64_t jobs[CATCH_UPS] = {
		[CATCH_UP_NONE] = 0, [CATCH_UP_LAST] = 1, [CATCH_UP_ALL] = 10};
	static const char *const nows[] = {
		"2026-05-04T12:10:00Z", "2026-05-04T12:10:30Z", "2026-05-04T12:10:59.999Z"};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(nows); i++) {
		for (enum catch_up c = CATCH_UP_NONE; c < CATCH_UPS; c++) {
			plan_with(w, c, "2026-05-04T12:00:00Z", nows[i]);
			assert_int_equal(w->plan.n, 10);
			assert_int_equal(jobs_of(&w->plan), jobs[c]);
			assert_int_equal(
				count_of(&w->plan, OCCURRENCE_SKIPPED_CATCH_UP), 10 - jobs[c]);
			assert_int_equal(w->plan.next_real, at("2026-05-04T12:11:00Z"));
		}
	}
}

static void last_takes_the_one_on_time_before_a_late_one(void **state)
{
	struct world *w = *state;

	plan(w, "2026-05-04T12:00:00Z", "2026-05-04T12:03:30Z");
	assert_int_equal(w->plan.n, 3);
	check_row(&w->plan, 0, "2026-05-04T12:01:00Z", OCCURRENCE_SKIPPED_CATCH_UP, 0);
	check_row(&w->plan, 1, "2026-05-04T12:02:00Z", OCCURRENCE_SKIPPED_CATCH_UP, 0);
	check_row(&w->plan, 2, "2026-05-04T12:03:00Z", OCCURRENCE_RAN, 0);
}

static void last_runs_the_newest_late_when_none_is_on_time(void **state)
{
	struct world *w = *state;

	use(w, "*/5 * * * *", "UTC");
	plan(w, "2026-05-04T12:00:00Z", "2026-05-04T12:12:00Z");
	assert_int_equal(w->plan.n, 2);
	check_row(&w->plan, 0, "2026-05-04T12:05:00Z", OCCURRENCE_SKIPPED_CATCH_UP, 0);
	check_row(&w->plan, 1, "2026-05-04T12:10:00Z", OCCURRENCE_RAN_LATE, 0);
}

static void all_runs_the_late_ones_five_seconds_apart(void **state)
{
	struct world *w = *state;

	use(w, "*/5 * * * *", "UTC");
	plan_with(w, CATCH_UP_ALL, "2026-05-04T12:00:00Z", "2026-05-04T12:17:00Z");
	assert_int_equal(w->plan.n, 3);
	check_row(&w->plan, 0, "2026-05-04T12:05:00Z", OCCURRENCE_RAN_LATE, 0);
	check_row(&w->plan, 1, "2026-05-04T12:10:00Z", OCCURRENCE_RAN_LATE, 5 * US_PER_SEC);
	check_row(&w->plan, 2, "2026-05-04T12:15:00Z", OCCURRENCE_RAN_LATE, 10 * US_PER_SEC);
	/* One that is on time goes before them. */
	plan_with(w, CATCH_UP_ALL, "2026-05-04T12:00:00Z", "2026-05-04T12:15:00Z");
	check_row(&w->plan, 0, "2026-05-04T12:05:00Z", OCCURRENCE_RAN_LATE, 5 * US_PER_SEC);
	check_row(&w->plan, 1, "2026-05-04T12:10:00Z", OCCURRENCE_RAN_LATE, 10 * US_PER_SEC);
	check_row(&w->plan, 2, "2026-05-04T12:15:00Z", OCCURRENCE_RAN, 0);
}

static void ninety_seconds_stopped_make_one_run(void **state)
{
	struct world *w = *state;

	/* Across one minute, and across two. */
	plan(w, "2026-05-04T12:00:00Z", "2026-05-04T12:01:50Z");
	assert_int_equal(jobs_of(&w->plan), 1);
	plan(w, "2026-05-04T12:00:50Z", "2026-05-04T12:02:20Z");
	assert_int_equal(w->plan.n, 2);
	assert_int_equal(jobs_of(&w->plan), 1);
	/* Of an hourly job, more than a minute late. */
	use(w, "0 * * * *", "UTC");
	plan(w, "2026-05-04T12:00:00Z", "2026-05-04T13:01:20Z");
	assert_int_equal(w->plan.n, 1);
	check_row(&w->plan, 0, "2026-05-04T13:00:00Z", OCCURRENCE_RAN_LATE, 0);
}

static void window_includes_its_edge(void **state)
{
	struct world *w = *state;
	int64_t due = at("2026-05-04T09:00:00Z");

	use(w, "0 9 * * *", "UTC");
	for (enum catch_up c = CATCH_UP_LAST; c < CATCH_UPS; c++) {
		w->in.catch_up = c;
		plan_us(w, due - DAY, due + PLAN_WINDOW_DEFAULT - 1);
		assert_int_equal(w->plan.v[0].outcome, OCCURRENCE_RAN_LATE);
		plan_us(w, due - DAY, due + PLAN_WINDOW_DEFAULT);
		assert_int_equal(w->plan.v[0].outcome, OCCURRENCE_RAN_LATE);
		plan_us(w, due - DAY, due + PLAN_WINDOW_DEFAULT + 1);
		assert_int_equal(w->plan.v[0].outcome, OCCURRENCE_SKIPPED_CATCH_UP);
		assert_int_equal(w->plan.n, 1);
	}
}

static void window_of_nothing_still_lets_run_what_is_on_time(void **state)
{
	struct world *w = *state;

	w->in.window_us = 0;
	plan_with(w, CATCH_UP_ALL, "2026-05-04T12:00:00Z", "2026-05-04T12:03:00.000001Z");
	assert_int_equal(jobs_of(&w->plan), 1);
	check_row(&w->plan, 2, "2026-05-04T12:03:00Z", OCCURRENCE_RAN, 0);
}

static void window_without_end_reaches_back_to_what_is_decided(void **state)
{
	struct world *w = *state;

	w->in.window_us = INT64_MAX;
	plan_with(w, CATCH_UP_ALL, "2026-05-04T12:00:00Z", "2026-05-04T13:00:30Z");
	assert_int_equal(w->plan.n, 60);
	assert_int_equal(jobs_of(&w->plan), 60);
}

static void all_makes_a_hundred_jobs_at_most(void **state)
{
	struct world *w = *state;
	int64_t decided_to = at("2026-05-04T12:00:00Z");

	w->in.window_us = DAY;
	w->in.catch_up = CATCH_UP_ALL;
	for (int64_t n = PLAN_CATCH_UP_MAX - 1; n <= PLAN_CATCH_UP_MAX + 1; n++) {
		int64_t jobs = MIN_OF(n, PLAN_CATCH_UP_MAX);

		plan_us(w, decided_to, decided_to + n * MINUTE);
		assert_int_equal(count_of(&w->plan, OCCURRENCE_RAN), 1);
		assert_int_equal(jobs_of(&w->plan), jobs);
		assert_int_equal(count_of(&w->plan, OCCURRENCE_SKIPPED_CATCH_UP), n - jobs);
		assert_int_equal(w->plan.v[w->plan.n - 2].delay_us, (jobs - 1) * PLAN_STAGGER_US);
	}
	/* The newest ones are those that run; with none on time there are as many. */
	use(w, "*/2 * * * *", "UTC");
	w->in.window_us = DAY;
	w->in.catch_up = CATCH_UP_ALL;
	plan_us(w, decided_to, decided_to + 2 * MINUTE * (PLAN_CATCH_UP_MAX + 1) + MINUTE + 1);
	assert_int_equal(w->plan.n, PLAN_CATCH_UP_MAX + 1);
	assert_int_equal(count_of(&w->plan, OCCURRENCE_RAN_LATE), PLAN_CATCH_UP_MAX);
	check_row(&w->plan, 0, "2026-05-04T12:02:00Z", OCCURRENCE_SKIPPED_CATCH_UP, 0);
}

/* Seconds: several are on time at once. */
static void of_several_on_time_the_newest_runs_and_the_others_are_missed(void **state)
{
	struct world *w = *state;

	use(w, "*/10 * * * * *", "UTC");
	plan_with(w, CATCH_UP_NONE, "2026-05-04T12:00:00Z", "2026-05-04T12:00:35Z");
	assert_int_equal(w->plan.n, 3);
	check_row(&w->plan, 1, "2026-05-04T12:00:20Z", OCCURRENCE_SKIPPED_CATCH_UP, 0);
	check_row(&w->plan, 2, "2026-05-04T12:00:30Z", OCCURRENCE_RAN, 0);
	plan_with(w, CATCH_UP_LAST, "2026-05-04T12:00:00Z", "2026-05-04T12:00:35Z");
	assert_int_equal(jobs_of(&w->plan), 1);
	plan_with(w, CATCH_UP_ALL, "2026-05-04T12:00:00Z", "2026-05-04T12:00:35Z");
	assert_int_equal(count_of(&w->plan, OCCURRENCE_RAN_LATE), 2);
	check_row(&w->plan, 2, "2026-05-04T12:00:30Z", OCCURRENCE_RAN, 0);
}

/* `none`: is the newest by itself, or the end of a pause? */
static void none_runs_what_is_on_time_unless_it_ends_a_pause(void **state)
{
	struct world *w = *state;
	int64_t first = at("2026-05-04T12:01:00Z");

	w->in.catch_up = CATCH_UP_NONE;
	plan_us(w, first - 1, first + MINUTE);
	assert_int_equal(w->plan.n, 2);
	assert_int_equal(count_of(&w->plan, OCCURRENCE_RAN), 1);
	plan_us(w, first - 1, first + MINUTE + 1);
	assert_int_equal(w->plan.n, 2);
	assert_int_equal(jobs_of(&w->plan), 0);
}

/* --- the clock is set --- */

static void four_hours_forward_are_one_run_and_no_burst(void **state)
{
	struct world *w = *state;

	plan(w, "2026-05-04T12:00:00Z", "2026-05-04T16:00:30Z");
	assert_int_equal(jobs_of(&w->plan), 1);
	assert_int_equal(count_of(&w->plan, OCCURRENCE_SKIPPED_CATCH_UP), 239);
	plan_with(w, CATCH_UP_NONE, "2026-05-04T12:00:00Z", "2026-05-04T16:00:30Z");
	assert_int_equal(jobs_of(&w->plan), 0);
	plan_with(w, CATCH_UP_ALL, "2026-05-04T12:00:00Z", "2026-05-04T16:00:30Z");
	assert_int_equal(jobs_of(&w->plan), 15);
	/* A daily one that was jumped over is beyond the window. */
	use(w, "30 14 * * *", "UTC");
	plan(w, "2026-05-04T12:00:00Z", "2026-05-04T16:00:00Z");
	assert_int_equal(w->plan.n, 1);
	check_row(&w->plan, 0, "2026-05-04T14:30:00Z", OCCURRENCE_SKIPPED_CATCH_UP, 0);
}

static void one_hour_back_runs_nothing_twice(void **state)
{
	struct world *w = *state;

	for (enum catch_up c = CATCH_UP_NONE; c < CATCH_UPS; c++) {
		plan_with(w, c, "2026-05-04T12:00:00.020Z", "2026-05-04T11:00:00.020Z");
		assert_int_equal(w->plan.n, 0);
		assert_false(w->plan.is_new_epoch);
		assert_int_equal(w->plan.decided_to, at("2026-05-04T12:00:00.020Z"));
		assert_int_equal(w->plan.next_real, at("2026-05-04T12:01:00Z"));
		/* The second time that clock shows noon. */
		plan_with(w, c, "2026-05-04T12:00:00.020Z", "2026-05-04T12:00:00Z");
		assert_int_equal(w->plan.n, 0);
		assert_int_equal(w->plan.next_real, at("2026-05-04T12:01:00Z"));
	}
}

static void more_than_three_hours_back_is_a_new_epoch(void **state)
{
	struct world *w = *state;
	int64_t decided_to = at("2026-05-04T12:00:00Z");

	for (int64_t over = -1; over <= 1; over++) {
		int64_t now = decided_to - OCCURRENCE_BACK_MAX_US - over;

		plan_us(w, decided_to, now);
		assert_int_equal(w->plan.n, 0);
		assert_int_equal(w->plan.is_new_epoch, over > 0);
		assert_int_equal(w->plan.decided_to, over > 0 ? now : decided_to);
		assert_int_equal(w->plan.next_real,
			over > 0 ? at("2026-05-04T09:00:00Z") : decided_to + MINUTE);
	}
}

static void two_days_back_go_on_by_the_new_clock(void **state)
{
	struct world *w = *state;

	plan(w, "2026-05-04T12:00:00Z", "2026-05-02T12:00:10Z");
	assert_true(w->plan.is_new_epoch);
	assert_int_equal(w->plan.next_real, at("2026-05-02T12:01:00Z"));
	plan_us(w, w->plan.decided_to, w->plan.next_real);
	assert_false(w->plan.is_new_epoch);
	assert_int_equal(w->plan.n, 1);
	check_row(&w->plan, 0, "2026-05-02T12:01:00Z", OCCURRENCE_RAN, 0);
}

static void schedule_that_never_fires_has_an_epoch_too(void **state)
{
	struct world *w = *state;

	use(w, "0 0 31 2 *", "UTC");
	plan(w, "2026-05-04T12:00:00Z", "2026-05-02T12:00:00Z");
	assert_true(w->plan.is_new_epoch);
	assert_int_equal(w->plan.next_real, 0);
}

/* The wall of a zone goes back, the clock of the machine does not. */
static void autumn_hour_is_no_step(void **state)
{
	struct world *w = *state;

	use(w, "30 2 * * *", "Europe/Berlin");
	plan(w, "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z");
	assert_int_equal(w->plan.n, 1);
	check_row(&w->plan, 0, "2026-10-25T00:30:00Z", OCCURRENCE_RAN, 0);
	plan_us(w, w->plan.decided_to, at("2026-10-25T01:30:00Z"));
	assert_int_equal(w->plan.n, 0);
	assert_int_equal(w->plan.next_real, at("2026-10-26T01:30:00Z"));
}

/* --- switched off for a while --- */

static void what_fell_into_the_off_time_was_skipped_for_that(void **state)
{
	struct world *w = *state;

	use(w, "*/5 * * * *", "UTC");
	w->in.disabled_at = at("2026-05-04T12:00:00Z");
	for (enum catch_up c = CATCH_UP_NONE; c < CATCH_UPS; c++) {
		plan_with(w, c, "2026-05-04T12:00:00Z", "2026-05-04T12:12:00Z");
		assert_int_equal(w->plan.n, 2);
		check_row(&w->plan, 0, "2026-05-04T12:05:00Z", OCCURRENCE_SKIPPED_DISABLED, 0);
		check_row(&w->plan, 1, "2026-05-04T12:10:00Z", OCCURRENCE_SKIPPED_DISABLED, 0);
		assert_int_equal(w->plan.decided_to, at("2026-05-04T12:12:00Z"));
	}
}

static void switched_on_just_behind_one_it_does_not_run(void **state)
{
	struct world *w = *state;

	use(w, "*/5 * * * *", "UTC");
	w->in.disabled_at = at("2026-05-04T11:58:00Z");
	for (enum catch_up c = CATCH_UP_NONE; c < CATCH_UPS; c++) {
		plan_with(w, c, "2026-05-04T11:55:00Z", "2026-05-04T12:10:20Z");
		assert_int_equal(w->plan.n, 3);
		check_row(&w->plan, 0, "2026-05-04T12:00:00Z", OCCURRENCE_SKIPPED_DISABLED, 0);
		check_row(&w->plan, 1, "2026-05-04T12:05:00Z", OCCURRENCE_SKIPPED_DISABLED, 0);
		check_row(&w->plan, 2, "2026-05-04T12:10:00Z", OCCURRENCE_SKIPPED_DISABLED, 0);
	}
}

static void what_was_missed_before_it_was_switched_off_is_caught_up(void **state)
{
	static const enum occurrence_outcome outcomes[CATCH_UPS] = {
		[CATCH_UP_NONE] = OCCURRENCE_SKIPPED_CATCH_UP,
		[CATCH_UP_LAST] = OCCURRENCE_RAN_LATE,
		[CATCH_UP_ALL] = OCCURRENCE_RAN_LATE,
	};
	struct world *w = *state;

	use(w, "*/5 * * * *", "UTC");
	/* An occurrence at the very instant was still watched. */
	w->in.disabled_at = at("2026-05-04T12:05:00Z");
	for (enum catch_up c = CATCH_UP_NONE; c < CATCH_UPS; c++) {
		plan_with(w, c, "2026-05-04T12:00:00Z", "2026-05-04T12:12:00Z");
		assert_int_equal(w->plan.n, 2);
		check_row(&w->plan, 0, "2026-05-04T12:05:00Z", outcomes[c], 0);
		check_row(&w->plan, 1, "2026-05-04T12:10:00Z", OCCURRENCE_SKIPPED_DISABLED, 0);
	}
	w->in.disabled_at--;
	plan_with(w, CATCH_UP_LAST, "2026-05-04T12:00:00Z", "2026-05-04T12:12:00Z");
	check_row(&w->plan, 0, "2026-05-04T12:05:00Z", OCCURRENCE_SKIPPED_DISABLED, 0);
}

static void last_makes_one_job_also_around_an_off_time(void **state)
{
	struct world *w = *state;

	use(w, "*/5 * * * *", "UTC");
	w->in.disabled_at = at("2026-05-04T12:06:00Z");
	plan(w, "2026-05-04T12:00:00Z", "2026-05-04T12:15:00Z");
	assert_int_equal(w->plan.n, 3);
	check_row(&w->plan, 0, "2026-05-04T12:05:00Z", OCCURRENCE_RAN_LATE, 0);
	check_row(&w->plan, 1, "2026-05-04T12:10:00Z", OCCURRENCE_SKIPPED_DISABLED, 0);
	check_row(&w->plan, 2, "2026-05-04T12:15:00Z", OCCURRENCE_SKIPPED_DISABLED, 0);
}

static void switched_off_before_or_after_what_is_asked_changes_nothing(void **state)
{
	struct world *w = *state;

	use(w, "*/5 * * * *", "UTC");
	w->in.disabled_at = at("2026-05-04T12:30:00Z");
	plan(w, "2026-05-04T12:00:00Z", "2026-05-04T12:12:00Z");
	check_row(&w->plan, 1, "2026-05-04T12:10:00Z", OCCURRENCE_RAN_LATE, 0);
	w->in.disabled_at = at("2026-05-04T11:00:00Z");
	plan(w, "2026-05-04T12:00:00Z", "2026-05-04T12:12:00Z");
	assert_int_equal(count_of(&w->plan, OCCURRENCE_SKIPPED_DISABLED), 2);
}

/* --- many --- */

static void older_ones_share_a_row(void **state)
{
	struct world *w = *state;
	int64_t decided_to = at("2026-05-04T00:00:00Z");

	for (int64_t n = PLAN_ROWS_OWN - 1; n <= PLAN_ROWS_OWN + 2; n++) {
		const struct planned *oldest = &w->plan.v[0];

		plan_us(w, decided_to, decided_to + n * MINUTE);
		assert_int_equal(w->plan.n, MIN_OF(n, PLAN_ROWS_OWN + 1));
		assert_int_equal(oldest->count, MAX_OF(n - PLAN_ROWS_OWN, 1));
		assert_int_equal(oldest->at, decided_to + MINUTE);
		assert_int_equal(oldest->last, decided_to + oldest->count * MINUTE);
		assert_int_equal(w->plan.v[1].count, 1);
	}
}

static void ten_years_of_minutes_are_counted_not_walked(void **state)
{
	struct world *w = *state;
	int64_t total = (at("2026-05-04T12:00:00Z") - at("2016-05-04T12:00:00Z")) / MINUTE;

	for (enum catch_up c = CATCH_UP_NONE; c < CATCH_UPS; c++) {
		plan_with(w, c, "2016-05-04T12:00:00Z", "2026-05-04T12:00:00Z");
		assert_int_equal(w->plan.n, PLAN_ROWS_OWN + 1);
		assert_int_equal(w->plan.v[0].at, at("2016-05-04T12:01:00Z"));
		assert_int_equal(w->plan.v[0].count, total - PLAN_ROWS_OWN);
		assert_int_equal(w->plan.v[0].last, at("2026-05-04T12:00:00Z") - 100 * MINUTE);
		assert_int_equal(w->plan.decided_to, at("2026-05-04T12:00:00Z"));
		assert_int_equal(w->plan.next_real, at("2026-05-04T12:01:00Z"));
	}
}

/* The most rows there can be: a long off time, and before it a hundred that still run late. */
static void fullest_plan_has_room_for_all_its_rows(void **state)
{
	struct world *w = *state;
	struct plan *p = &w->plan;

	use(w, "*/2 * * * *", "UTC");
	w->in.catch_up = CATCH_UP_ALL;
	w->in.window_us = 30 * DAY;
	w->in.disabled_at = at("2026-05-03T00:00:00Z");
	plan(w, "2026-05-01T00:00:00Z", "2026-05-04T00:01:30Z");
	assert_int_equal(p->n, PLAN_ROWS_MAX);
	assert_int_equal(p->v[0].outcome, OCCURRENCE_SKIPPED_CATCH_UP);
	assert_int_equal(p->v[0].count, 2 * 720 - PLAN_CATCH_UP_MAX);
	assert_int_equal(p->v[PLAN_CATCH_UP_MAX].outcome, OCCURRENCE_RAN_LATE);
	assert_int_equal(p->v[PLAN_CATCH_UP_MAX].at, at("2026-05-03T00:00:00Z"));
	assert_int_equal(p->v[PLAN_CATCH_UP_MAX + 1].outcome, OCCURRENCE_SKIPPED_DISABLED);
	assert_int_equal(p->v[PLAN_CATCH_UP_MAX + 1].count, 720 - PLAN_ROWS_OWN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(between_two_occurrences_there_is_nothing_to_record),
		TEST(occurrence_that_is_exactly_now_is_due),
		TEST(late_by_up_to_a_minute_is_on_time),
		TEST(restart_inside_the_minute_that_ran_runs_nothing),
		TEST(schedule_that_never_fires_has_no_next),
		TEST(moment_is_decided_once),
		TEST(ten_minutes_down_run_none_one_or_ten),
		TEST(last_takes_the_one_on_time_before_a_late_one),
		TEST(last_runs_the_newest_late_when_none_is_on_time),
		TEST(all_runs_the_late_ones_five_seconds_apart),
		TEST(ninety_seconds_stopped_make_one_run),
		TEST(window_includes_its_edge),
		TEST(window_of_nothing_still_lets_run_what_is_on_time),
		TEST(window_without_end_reaches_back_to_what_is_decided),
		TEST(all_makes_a_hundred_jobs_at_most),
		TEST(of_several_on_time_the_newest_runs_and_the_others_are_missed),
		TEST(none_runs_what_is_on_time_unless_it_ends_a_pause),
		TEST(four_hours_forward_are_one_run_and_no_burst),
		TEST(one_hour_back_runs_nothing_twice),
		TEST(more_than_three_hours_back_is_a_new_epoch),
		TEST(two_days_back_go_on_by_the_new_clock),
		TEST(schedule_that_never_fires_has_an_epoch_too),
		TEST(autumn_hour_is_no_step),
		TEST(what_fell_into_the_off_time_was_skipped_for_that),
		TEST(switched_on_just_behind_one_it_does_not_run),
		TEST(what_was_missed_before_it_was_switched_off_is_caught_up),
		TEST(last_makes_one_job_also_around_an_off_time),
		TEST(switched_off_before_or_after_what_is_asked_changes_nothing),
		TEST(older_ones_share_a_row),
		TEST(ten_years_of_minutes_are_counted_not_walked),
		TEST(fullest_plan_has_room_for_all_its_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
