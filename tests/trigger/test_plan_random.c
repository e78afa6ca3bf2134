/* SPDX-License-Identifier: MIT */
/*
 * tests/trigger/test_plan_random.c - the planner against one that walks from occurrence to
 * occurrence, and against a clock that is set to and fro.
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

enum {
	WALK_MAX = 5000,
	RANDOM_PLANS = 2000,
};

struct walk {
	int64_t at[WALK_MAX];
	enum occurrence_outcome outcome[WALK_MAX];
	size_t n;
};

static void walk_all(const struct plan_input *in, struct walk *ret)
{
	int64_t t = in->decided_to;

	ret->n = 0;
	while (ret->n < WALK_MAX && schedule_next(in->schedule, t, &t) && t <= in->now_real)
		ret->at[ret->n++] = t;
}

/* The rule once more, one occurrence after the other. */
static void decide_all(const struct plan_input *in, struct walk *k)
{
	size_t jobs = 0, jobs_max = in->catch_up == CATCH_UP_ALL ? PLAN_CATCH_UP_MAX : 1;

	for (size_t i = k->n; i-- > 0;) {
		int64_t age = in->now_real - k->at[i];
		bool is_newest = i + 1 == k->n;
		bool is_off = in->disabled_at != 0 && k->at[i] > in->disabled_at;
		bool ends_pause =
			in->catch_up == CATCH_UP_NONE && in->now_real - k->at[0] > PLAN_ON_TIME_US;

		if (is_off)
			k->outcome[i] = OCCURRENCE_SKIPPED_DISABLED;
		else if (is_newest && age <= PLAN_ON_TIME_US && !ends_pause)
			k->outcome[i] = OCCURRENCE_RAN;
		else if (in->catch_up != CATCH_UP_NONE && age <= in->window_us && jobs < jobs_max)
			k->outcome[i] = OCCURRENCE_RAN_LATE;
		else
			k->outcome[i] = OCCURRENCE_SKIPPED_CATCH_UP;
		jobs += k->outcome[i] <= OCCURRENCE_RAN_LATE ? 1 : 0;
	}
}

/* Every occurrence is in exactly one row, in order, with the outcome of the walk. */
static void check_rows(const struct plan *p, const struct walk *k)
{
	size_t i = 0;

	assert_true(p->n <= PLAN_ROWS_MAX);
	for (size_t r = 0; r < p->n; r++) {
		const struct planned *row = &p->v[r];

		assert_true(row->count > 0 && i + (size_t)row->count <= k->n);
		assert_int_equal(row->at, k->at[i]);
		for (int64_t c = 0; c < row->count; c++)
			assert_int_equal(row->outcome, k->outcome[i++]);
		assert_int_equal(row->last, k->at[i - 1]);
		/* Only old skipped ones share. */
		if (row->count > 1) {
			assert_true(i <= k->n - PLAN_ROWS_OWN);
			assert_true(row->outcome > OCCURRENCE_RAN_LATE);
		}
	}
	assert_int_equal(i, k->n);
}

static int64_t count_of(const struct plan *p, enum occurrence_outcome outcome)
{
	int64_t count = 0;

	for (size_t i = 0; i < p->n; i++)
		count += p->v[i].outcome == outcome ? p->v[i].count : 0;
	return count;
}

static void check_delays(const struct plan *p)
{
	int64_t expected = count_of(p, OCCURRENCE_RAN) * PLAN_STAGGER_US;

	for (size_t r = 0; r < p->n; r++) {
		bool is_late = p->v[r].outcome == OCCURRENCE_RAN_LATE;

		assert_int_equal(p->v[r].delay_us, is_late ? expected : 0);
		expected += is_late ? PLAN_STAGGER_US : 0;
	}
}

/* Knuth's MMIX generator: the same numbers everywhere. */
static int64_t draw(uint64_t *random, int64_t below)
{
	*random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (int64_t)((*random >> 16) % (uint64_t)below);
}

/* How long the clock of such a schedule may be away so that a walk is still short. */
struct sample {
	const char *text, *zone;
	int64_t gap_max;
};

static const struct sample samples[] = {
	{"* * * * *", "UTC", 3 * DAY},
	{"* * * * * *", "UTC", HOUR},
	{"*/7 * * * *", "Europe/Berlin", 20 * DAY},
	{"30 2 * * *", "Europe/Berlin", 1000 * DAY},
	{"*/20 1-3 * * *", "America/New_York", 400 * DAY},
	{"0 9 * * 1-5", "Asia/Tokyo", 1000 * DAY},
	{"15,45 0 1,15 * *", "Australia/Lord_Howe", 2000 * DAY},
	{"0 0 29 2 *", "UTC", 9000 * DAY},
	{"*/15 * * * * *", "America/St_Johns", 10 * HOUR},
	{"@every 7m", "UTC", 20 * DAY},
	{"every 90 minutes", "Europe/Berlin", 200 * DAY},
	{"every other monday at 9", "Europe/Berlin", 2000 * DAY},
	{"last weekday of the month at 17:30", "Asia/Tokyo", 2000 * DAY},
	{"2025-03-30 02:30", "Europe/Berlin", 1000 * DAY},
};

static void check_random(struct world *w, const struct sample *s, uint64_t *random, struct walk *k)
{
	static const int64_t windows[] = {
		0, MINUTE, PLAN_WINDOW_DEFAULT, 5 * HOUR, 100 * DAY, INT64_MAX};
	int64_t start = at("2024-01-01T00:00:00Z") + draw(random, 1000 * DAY);
	int64_t gap = draw(random, draw(random, 3) == 0 ? 5 * MINUTE : s->gap_max);

	/* Half of them to the second, so that edges meet. */
	if (draw(random, 2) == 0) {
		start -= start % US_PER_SEC;
		gap -= gap % US_PER_SEC;
	}
	w->in.catch_up = (enum catch_up)draw(random, CATCH_UPS);
	w->in.window_us = windows[draw(random, (int64_t)ARRAY_LEN(windows))];
	w->in.disabled_at = draw(random, 3) == 0 ? start - HOUR + draw(random, gap + 2 * HOUR) : 0;
	plan_us(w, start, start + gap);
	walk_all(&w->in, k);
	assert_true(k->n < WALK_MAX);
	decide_all(&w->in, k);
	assert_int_equal(schedule_count(w->schedule, start, start + gap), k->n);
	check_rows(&w->plan, k);
	check_delays(&w->plan);
	assert_false(w->plan.is_new_epoch);
	assert_int_equal(w->plan.decided_to, k->n == 0 ? start : start + gap);
}

static void random_plans_say_the_same_as_a_walk(void **state)
{
	struct world *w = *state;
	CLEANUP(freep) struct walk *k = xcalloc(1, sizeof(*k));
	uint64_t random = 1;

	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		use(w, samples[i].text, samples[i].zone);
		for (unsigned n = 0; n < RANDOM_PLANS / ARRAY_LEN(samples); n++)
			check_random(w, &samples[i], &random, k);
	}
}

/* A clock that is set to and fro, and a daemon that records what it planned. */
static void no_instant_of_an_epoch_is_decided_twice(void **state)
{
	struct world *w = *state;
	int64_t now = at("2026-05-04T12:00:00Z"), decided_to = now, decided_last = now;
	uint64_t random = 7;
	unsigned epochs = 0;

	for (unsigned n = 0; n < 5000; n++) {
		now += draw(&random, 8) == 0 ? draw(&random, 8 * HOUR) - 4 * HOUR
					     : draw(&random, 5 * MINUTE);
		plan_us(w, decided_to, now);
		if (w->plan.is_new_epoch) {
			assert_true(decided_to - now > OCCURRENCE_BACK_MAX_US);
			decided_last = now;
			epochs++;
		} else {
			assert_true(w->plan.decided_to >= decided_to);
		}
		if (w->plan.n > 0) {
			assert_true(w->plan.v[0].at > decided_last);
			decided_last = w->plan.v[w->plan.n - 1].last;
			assert_true(decided_last <= now);
		}
		decided_to = w->plan.decided_to;
		assert_true(w->plan.next_real > MAX_OF(now, decided_to));
	}
	assert_true(epochs > 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(random_plans_say_the_same_as_a_walk),
		TEST(no_instant_of_an_epoch_is_decided_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
