/* SPDX-License-Identifier: MIT */
/* tests/trigger/test_agenda.c - what is due when, on a clock that moves as told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "base/limits.h"
#include "base/str.h"
#include "cmocka.h" /* quoted: it must follow the headers above */
#include "trigger/agenda.h"

#define REAL_START INT64_C(1795165200000000)
#define HOUR       (3600 * US_PER_SEC)

struct world;

struct item {
	struct agenda_entry entry;
	struct world *w;
	char c;
	/* When it is due it is set again that much later (0: not), so often. */
	int64_t again_us;
	unsigned again_count;
	struct item *cancels;
};

struct world {
	struct loop *l;
	struct agenda *a;
	struct buf told;  /* letters of items; "(step)" */
	int64_t told_at;  /* of the last one */
	struct item i[6]; /* a to f */
	struct item *sets_on_step;
	int64_t sets_to;
};

static void due(struct agenda_entry *entry, void *ctx)
{
	struct world *w = ctx;
	struct item *i = container_of(entry, struct item, entry);

	assert_int_equal(entry->slot, 0);
	assert_true(entry->due_real <= loop_real(w->l));
	buf_add_char(&w->told, i->c);
	w->told_at = loop_real(w->l);
	if (i->cancels != NULL)
		agenda_cancel(w->a, &i->cancels->entry);
	if (i->again_count > 0) {
		i->again_count--;
		agenda_set(w->a, entry, loop_real(w->l) + i->again_us);
	}
}

static void stepped(int64_t step_us, void *ctx)
{
	struct world *w = ctx;

	buf_printf(&w->told, "(%lld)", (long long)(step_us / US_PER_SEC));
	if (w->sets_on_step != NULL)
		agenda_set(w->a, &w->sets_on_step->entry, w->sets_to);
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct agenda_events ev = {.due = due, .stepped = stepped, .ctx = w};

	w->l = loop_new_fake(REAL_START);
	w->a = agenda_new(w->l, &ev);
	for (size_t i = 0; i < ARRAY_LEN(w->i); i++)
		w->i[i] = (struct item){.w = w, .c = (char)('a' + (int)i)};
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	agenda_free(w->a);
	loop_free(w->l);
	buf_fini(&w->told);
	free(w);
	return 0;
}

static void set(struct world *w, unsigned i, int64_t in_us)
{
	agenda_set(w->a, &w->i[i].entry, REAL_START + in_us);
}

static void entries_are_due_in_the_order_of_their_times(void **state)
{
	struct world *w = *state;

	assert_int_equal(agenda_next(w->a), 0);
	set(w, 0, 30);
	set(w, 1, 10);
	set(w, 2, 20);
	set(w, 3, 10);
	set(w, 4, 31);
	assert_int_equal(agenda_next(w->a), REAL_START + 10);
	loop_advance(w->l, 9);
	assert_string_equal(buf_str(&w->told), "");
	loop_advance(w->l, 1);
	assert_string_equal(buf_str(&w->told), "bd");
	assert_int_equal(agenda_next(w->a), REAL_START + 20);
	loop_advance(w->l, 20);
	assert_string_equal(buf_str(&w->told), "bdca");
	loop_advance(w->l, 1);
	assert_string_equal(buf_str(&w->told), "bdcae");
	assert_int_equal(agenda_next(w->a), 0);
}

static void equal_times_are_due_in_the_order_they_were_set(void **state)
{
	static const unsigned order[] = {4, 2, 5, 0, 3, 1};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		set(w, order[i], 10);
	set(w, 2, 10);
	loop_advance(w->l, 10);
	assert_string_equal(buf_str(&w->told), "efadbc");
}

static void nothing_is_told_from_inside_a_call(void **state)
{
	struct world *w = *state;

	set(w, 0, -HOUR);
	set(w, 1, 0);
	assert_string_equal(buf_str(&w->told), "");
	loop_settle(w->l);
	assert_string_equal(buf_str(&w->told), "ab");
}

static void setting_again_moves_and_cancelling_stops(void **state)
{
	struct world *w = *state;

	set(w, 0, 10);
	set(w, 1, 20);
	set(w, 2, 15);
	set(w, 3, 40);
	set(w, 0, 30);
	set(w, 3, 5);
	agenda_cancel(w->a, &w->i[2].entry);
	agenda_cancel(w->a, &w->i[2].entry);
	agenda_cancel(w->a, &w->i[4].entry);
	loop_advance(w->l, 100);
	assert_string_equal(buf_str(&w->told), "dba");
	set(w, 0, 200);
	agenda_cancel(w->a, &w->i[0].entry);
	assert_int_equal(agenda_next(w->a), 0);
	loop_advance(w->l, 2 * HOUR);
	assert_string_equal(buf_str(&w->told), "dba");
}

static void entry_may_set_itself_again(void **state)
{
	struct world *w = *state;

	w->i[0].again_us = 60 * US_PER_SEC;
	w->i[0].again_count = 3;
	set(w, 0, US_PER_SEC);
	loop_advance(w->l, 59 * US_PER_SEC);
	assert_string_equal(buf_str(&w->told), "a");
	loop_advance(w->l, HOUR);
	assert_string_equal(buf_str(&w->told), "aaaa");
	assert_int_equal(w->told_at, REAL_START + 181 * US_PER_SEC);
}

/* It would be first in each round if its time were taken as it is. */
static void entry_that_sets_itself_into_the_past_keeps_nobody_waiting(void **state)
{
	struct world *w = *state;

	w->i[0].again_us = -HOUR;
	w->i[0].again_count = 4;
	set(w, 0, 1);
	set(w, 1, 2);
	set(w, 2, 3);
	loop_advance(w->l, 0);
	loop_step_clock(w->l, 10 * US_PER_SEC);
	(void)loop_turn(w->l, 0);
	assert_string_equal(buf_str(&w->told), "(10)abc");
	(void)loop_turn(w->l, 0);
	assert_string_equal(buf_str(&w->told), "(10)abca");
	loop_settle(w->l);
	assert_string_equal(buf_str(&w->told), "(10)abcaaaa");
}

static void entry_may_cancel_one_that_is_due_as_well(void **state)
{
	struct world *w = *state;

	w->i[0].cancels = &w->i[1];
	set(w, 0, 10);
	set(w, 1, 10);
	set(w, 2, 10);
	loop_advance(w->l, 10);
	assert_string_equal(buf_str(&w->told), "ac");
}

static void step_forward_makes_due_at_once(void **state)
{
	struct world *w = *state;

	set(w, 0, 4 * HOUR);
	set(w, 1, 4 * HOUR + 1);
	loop_step_clock(w->l, 4 * HOUR);
	assert_string_equal(buf_str(&w->told), "(14400)");
	loop_settle(w->l);
	assert_string_equal(buf_str(&w->told), "(14400)a");
	loop_advance(w->l, 1);
	assert_string_equal(buf_str(&w->told), "(14400)ab");
}

static void step_back_waits_for_the_new_clock(void **state)
{
	struct world *w = *state;

	set(w, 0, 60 * US_PER_SEC);
	loop_step_clock(w->l, -600 * US_PER_SEC);
	loop_advance(w->l, 660 * US_PER_SEC - 1);
	assert_string_equal(buf_str(&w->told), "(-600)");
	loop_advance(w->l, 1);
	assert_string_equal(buf_str(&w->told), "(-600)a");
	assert_int_equal(w->told_at, REAL_START + 60 * US_PER_SEC);
}

/* Planned anew before anything is told by the old plan. */
static void what_is_set_while_the_step_is_told_counts(void **state)
{
	struct world *w = *state;

	set(w, 0, HOUR);
	w->sets_on_step = &w->i[0];
	w->sets_to = REAL_START + 5 * HOUR;
	loop_step_clock(w->l, 4 * HOUR);
	loop_settle(w->l);
	assert_string_equal(buf_str(&w->told), "(14400)");
	loop_advance(w->l, HOUR);
	assert_string_equal(buf_str(&w->told), "(14400)a");
}

/* A step that is too small to be told makes the timer fire early or late, never the entry. */
static void small_step_that_nobody_tells_makes_nothing_due_early(void **state)
{
	struct world *w = *state;

	set(w, 0, 10 * US_PER_SEC);
	loop_step_clock(w->l, -500 * US_PER_MS);
	loop_advance(w->l, 10 * US_PER_SEC);
	assert_string_equal(buf_str(&w->told), "");
	loop_advance(w->l, 500 * US_PER_MS);
	assert_string_equal(buf_str(&w->told), "a");
	assert_int_equal(w->told_at, REAL_START + 10 * US_PER_SEC);
}

/* The hour is what an unnoticed change may cost. */
static void far_entry_is_looked_at_hourly(void **state)
{
	struct world *w = *state;
	int64_t small = 900 * US_PER_MS;

	set(w, 0, 10 * HOUR);
	loop_step_clock(w->l, small);
	loop_advance(w->l, 10 * HOUR - small - 1);
	assert_string_equal(buf_str(&w->told), "");
	loop_advance(w->l, 1);
	assert_string_equal(buf_str(&w->told), "a");
}

static void entry_within_the_hour_is_not_looked_at_before(void **state)
{
	struct world *w = *state;
	int64_t small = 900 * US_PER_MS;

	set(w, 0, HOUR);
	loop_step_clock(w->l, small);
	loop_advance(w->l, HOUR - 1);
	assert_string_equal(buf_str(&w->told), "");
	loop_advance(w->l, 1);
	assert_string_equal(buf_str(&w->told), "a");
	assert_int_equal(w->told_at, REAL_START + HOUR + small);
}

static void times_at_the_end_of_the_world_are_no_trouble(void **state)
{
	struct world *w = *state;

	agenda_set(w->a, &w->i[0].entry, INT64_MAX);
	loop_advance(w->l, 100 * HOUR);
	assert_string_equal(buf_str(&w->told), "");
	assert_int_equal(agenda_next(w->a), INT64_MAX);
	agenda_set(w->a, &w->i[1].entry, INT64_MIN);
	loop_settle(w->l);
	assert_string_equal(buf_str(&w->told), "b");
}

/* A machine without a battery may start long ago. */
static void clock_before_1970_is_no_trouble(void **state)
{
	CLEANUP(loop_freep) struct loop *l = loop_new_fake(-10);
	struct world w = {.l = l};
	struct agenda_events ev = {.due = due, .ctx = &w};
	CLEANUP(agenda_freep) struct agenda *a = agenda_new(l, &ev);

	(void)state;
	w.a = a;
	w.i[0].c = 'a';
	w.i[1].c = 'b';
	agenda_set(a, &w.i[0].entry, INT64_MAX);
	agenda_set(a, &w.i[1].entry, -5);
	loop_advance(l, 4);
	assert_string_equal(buf_str(&w.told), "");
	loop_advance(l, HOUR);
	assert_string_equal(buf_str(&w.told), "b");
	buf_fini(&w.told);
}

static void freed_agenda_hears_of_no_step(void **state)
{
	struct world *w = *state;

	set(w, 0, HOUR);
	agenda_free(w->a);
	w->a = NULL;
	assert_int_equal(w->i[0].entry.slot, 0);
	loop_step_clock(w->l, 2 * HOUR);
	loop_settle(w->l);
	assert_string_equal(buf_str(&w->told), "");
}

static void nobody_needs_to_care_for_steps(void **state)
{
	struct world *w = *state;
	struct agenda_events ev = {.due = due, .ctx = w};
	struct agenda *own = w->a, *other = agenda_new(w->l, &ev);

	w->a = other;
	set(w, 0, HOUR);
	loop_step_clock(w->l, HOUR);
	loop_settle(w->l);
	assert_string_equal(buf_str(&w->told), "(3600)a");
	w->a = own;
	agenda_free(other);
	agenda_free(NULL);
}

/* --- against a list that is searched from end to end --- */

enum {
	MANY = 3000,
};

struct naive {
	struct agenda_entry entry;
	int64_t due; /* INT64_MAX = not set */
};

struct many {
	struct loop *l;
	struct agenda *a;
	struct naive *v;
	uint64_t random;
	size_t told;
};

/* Knuth's MMIX generator: the same numbers everywhere. */
static uint64_t draw(struct many *m, uint64_t below)
{
	m->random = m->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (m->random >> 33) % below;
}

static int64_t earliest(const struct many *m)
{
	int64_t min = INT64_MAX;

	for (size_t i = 0; i < MANY; i++)
		min = MIN_OF(min, m->v[i].due);
	return min;
}

static void due_of_many(struct agenda_entry *entry, void *ctx)
{
	struct many *m = ctx;
	struct naive *n = container_of(entry, struct naive, entry);

	m->told++;
	assert_int_equal(n->due, earliest(m));
	assert_int_equal(n->due, loop_real(m->l));
	n->due = INT64_MAX;
	if (draw(m, 3) == 0) {
		n->due = loop_real(m->l) + 1 + (int64_t)draw(m, 5000) * US_PER_SEC;
		agenda_set(m->a, entry, n->due);
	}
}

static void change_one(struct many *m)
{
	struct naive *n = &m->v[draw(m, MANY)];

	if (draw(m, 4) == 0) {
		n->due = INT64_MAX;
		agenda_cancel(m->a, &n->entry);
	} else {
		n->due = loop_real(m->l) + 1 + (int64_t)draw(m, 9000) * US_PER_SEC;
		agenda_set(m->a, &n->entry, n->due);
	}
}

static void thousands_are_due_as_a_naive_list_says(void **state)
{
	/* Longer than the agenda that holds them. */
	CLEANUP(freep) struct naive *v = xcalloc(MANY, sizeof(*v));
	CLEANUP(loop_freep) struct loop *l = loop_new_fake(REAL_START);
	struct many m = {.l = l, .random = 1};
	struct agenda_events ev = {.due = due_of_many, .ctx = &m};
	CLEANUP(agenda_freep) struct agenda *a = agenda_new(l, &ev);

	(void)state;
	m.a = a;
	m.v = v;
	for (size_t i = 0; i < MANY; i++)
		v[i].due = INT64_MAX;
	for (unsigned round = 0; round < 1000; round++) {
		int64_t next;

		for (unsigned i = 0; i < 10; i++)
			change_one(&m);
		next = earliest(&m);
		assert_int_equal(agenda_next(a), next == INT64_MAX ? 0 : next);
		loop_advance(l, (int64_t)draw(&m, 20) * US_PER_SEC);
		assert_true(earliest(&m) > loop_real(l));
	}
	assert_true(m.told > 1000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(entries_are_due_in_the_order_of_their_times),
		TEST(equal_times_are_due_in_the_order_they_were_set),
		TEST(nothing_is_told_from_inside_a_call),
		TEST(setting_again_moves_and_cancelling_stops),
		TEST(entry_may_set_itself_again),
		TEST(entry_that_sets_itself_into_the_past_keeps_nobody_waiting),
		TEST(entry_may_cancel_one_that_is_due_as_well),
		TEST(step_forward_makes_due_at_once),
		TEST(step_back_waits_for_the_new_clock),
		TEST(what_is_set_while_the_step_is_told_counts),
		TEST(small_step_that_nobody_tells_makes_nothing_due_early),
		TEST(far_entry_is_looked_at_hourly),
		TEST(entry_within_the_hour_is_not_looked_at_before),
		TEST(times_at_the_end_of_the_world_are_no_trouble),
		TEST(clock_before_1970_is_no_trouble),
		TEST(freed_agenda_hears_of_no_step),
		TEST(nobody_needs_to_care_for_steps),
		cmocka_unit_test(thousands_are_due_as_a_naive_list_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
