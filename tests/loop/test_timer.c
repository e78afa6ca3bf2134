/* SPDX-License-Identifier: MIT */
/* tests/loop/test_timer.c - timers, defers and the hook on a loop whose clock stands still. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "base/str.h"
#include "cmocka.h" /* quoted: it must follow the headers above */
#include "loop/loop.h"

#define REAL_START INT64_C(1795165200000000)

/* A timer that writes its letter into a text when it fires. */
struct letter {
	struct timer timer;
	struct buf *out;
	char c;
	struct letter *other; /* something for its callback to work on */
};

static void put_letter(struct timer *t, void *ctx)
{
	struct letter *l = ctx;

	assert_ptr_equal(t, &l->timer);
	assert_false(timer_is_set(t));
	buf_add_char(l->out, l->c);
}

static void init_letters(struct letter *letters, size_t n, struct loop *l, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		letters[i] = (struct letter){.out = out, .c = (char)('a' + (int)i)};
		timer_init(&letters[i].timer, l, put_letter, &letters[i]);
	}
}

static void fake_clocks_move_together(void **state)
{
	CLEANUP(loop_freep) struct loop *l = loop_new_fake(REAL_START);
	int64_t mono = loop_mono(l);

	(void)state;
	assert_int_equal(loop_real(l), REAL_START);
	assert_true(mono > 0);
	loop_advance(l, 5);
	loop_advance(l, 0);
	assert_int_equal(loop_real(l), REAL_START + 5);
	assert_int_equal(loop_mono(l), mono + 5);
}

static void timers_fire_in_the_order_of_their_times(void **state)
{
	CLEANUP(loop_freep) struct loop *l = loop_new_fake(0);
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	struct letter t[5];
	int64_t now = loop_mono(l);

	(void)state;
	init_letters(t, 5, l, &out);
	timer_set(&t[0].timer, now + 30);
	timer_set(&t[1].timer, now + 10);
	timer_set(&t[2].timer, now + 20);
	timer_set(&t[3].timer, now + 10);
	timer_set_in(&t[4].timer, 31);
	loop_advance(l, 9);
	assert_string_equal(buf_str(&out), "");
	loop_advance(l, 1);
	assert_string_equal(buf_str(&out), "bd");
	loop_advance(l, 20);
	assert_string_equal(buf_str(&out), "bdca");
	loop_advance(l, 1000);
	assert_string_equal(buf_str(&out), "bdcae");
}

static void setting_again_moves_and_cancelling_stops(void **state)
{
	CLEANUP(loop_freep) struct loop *l = loop_new_fake(0);
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	struct letter t[3];

	(void)state;
	init_letters(t, 3, l, &out);
	timer_set_in(&t[0].timer, 10);
	timer_set_in(&t[1].timer, 20);
	timer_set_in(&t[2].timer, 15);
	timer_set_in(&t[0].timer, 30);
	timer_cancel(&t[2].timer);
	timer_cancel(&t[2].timer);
	assert_true(timer_is_set(&t[0].timer));
	assert_false(timer_is_set(&t[2].timer));
	loop_advance(l, 100);
	assert_string_equal(buf_str(&out), "ba");
	assert_false(timer_is_set(&t[0].timer));
}

static void time_in_the_past_fires_in_the_next_turn(void **state)
{
	CLEANUP(loop_freep) struct loop *l = loop_new_fake(0);
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	struct letter t[3];

	(void)state;
	init_letters(t, 3, l, &out);
	timer_set(&t[0].timer, 0);
	timer_set(&t[1].timer, INT64_MIN);
	timer_set_in(&t[2].timer, INT64_MIN);
	assert_string_equal(buf_str(&out), "");
	loop_settle(l);
	assert_string_equal(buf_str(&out), "bca");
	timer_set_in(&t[2].timer, INT64_MAX);
	loop_advance(l, INT64_C(1) << 60);
	assert_int_equal(out.n, 3);
	timer_cancel(&t[2].timer);
}

static void note_time(struct timer *t, void *ctx)
{
	*(int64_t *)ctx = loop_mono(t->loop);
}

static void clock_stands_at_the_due_time_of_each_timer(void **state)
{
	CLEANUP(loop_freep) struct loop *l = loop_new_fake(0);
	int64_t seen[2] = {0}, start = loop_mono(l);
	struct timer t[2];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		timer_init(&t[i], l, note_time, &seen[i]);
		timer_set(&t[i], start + 100 * (int64_t)(i + 1));
	}
	loop_advance(l, 1000);
	assert_int_equal(seen[0], start + 100);
	assert_int_equal(seen[1], start + 200);
	assert_int_equal(loop_mono(l), start + 1000);
}

/* Sets itself for "now" a few times and lets its neighbour in between. */
static void again_now(struct timer *t, void *ctx)
{
	struct letter *l = ctx;

	buf_add_char(l->out, l->c);
	if (l->out->n < 6)
		timer_set(t, 0);
}

static void timer_set_for_now_by_a_callback_waits_for_the_next_round(void **state)
{
	CLEANUP(loop_freep) struct loop *l = loop_new_fake(0);
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	struct letter t[2];

	(void)state;
	init_letters(t, 2, l, &out);
	timer_init(&t[0].timer, l, again_now, &t[0]);
	timer_init(&t[1].timer, l, again_now, &t[1]);
	timer_set(&t[0].timer, loop_mono(l));
	timer_set(&t[1].timer, loop_mono(l));
	loop_settle(l);
	assert_string_equal(buf_str(&out), "abababa");
}

static void cancel_other(struct timer *t, void *ctx)
{
	struct letter *l = ctx;

	put_letter(t, ctx);
	timer_cancel(&l->other->timer);
}

static void free_self(struct timer *t, void *ctx)
{
	(void)t;
	free(ctx);
}

static void callback_may_cancel_others_and_free_itself(void **state)
{
	CLEANUP(loop_freep) struct loop *l = loop_new_fake(0);
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	struct letter t[3], *heap = xcalloc(1, sizeof(*heap));

	(void)state;
	init_letters(t, 3, l, &out);
	timer_init(&t[0].timer, l, cancel_other, &t[0]);
	t[0].other = &t[1];
	timer_init(&heap->timer, l, free_self, heap);
	for (size_t i = 0; i < 3; i++)
		timer_set_in(&t[i].timer, 5);
	timer_set_in(&heap->timer, 5);
	loop_advance(l, 5);
	assert_string_equal(buf_str(&out), "ac");
}

static void loop_that_goes_first_leaves_timers_and_defers_unset(void **state)
{
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	struct loop *l = loop_new_fake(0);
	struct letter t[1];
	struct defer d;

	(void)state;
	init_letters(t, 1, l, &out);
	timer_set_in(&t[0].timer, 5);
	defer_init(&d, l, NULL, NULL);
	defer_set(&d);
	loop_free(l);
	assert_false(timer_is_set(&t[0].timer));
	timer_cancel(&t[0].timer);
	defer_cancel(&d);
	loop_free(NULL);
}

struct order {
	int64_t last;
	uint64_t last_seq;
	unsigned count;
};

static void check_order(struct timer *t, void *ctx)
{
	struct order *o = ctx;

	assert_true(t->at_mono > o->last || (t->at_mono == o->last && t->seq > o->last_seq));
	assert_int_equal(t->at_mono, loop_mono(t->loop));
	o->last = t->at_mono;
	o->last_seq = t->seq;
	o->count++;
}

static void thousands_of_timers_keep_their_order(void **state)
{
	enum { MANY = 20000 };
	CLEANUP(loop_freep) struct loop *l = loop_new_fake(0);
	CLEANUP(freep) struct timer *t = xcalloc(MANY, sizeof(*t));
	struct order o = {.last = INT64_MIN};
	uint64_t random = 12345;
	unsigned cancelled = 0;

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
		timer_init(&t[i], l, check_order, &o);
		timer_set_in(&t[i], (int64_t)(random >> 52));
	}
	for (size_t i = 0; i < MANY; i += 3, cancelled++)
		timer_cancel(&t[i]);
	for (size_t i = 1; i < MANY; i += 3)
		timer_set_in(&t[i], (int64_t)(i % 777));
	loop_advance(l, 5000);
	assert_int_equal(o.count, MANY - cancelled);
}

/* A defer that writes a letter, and sets itself again the given number of times. */
struct deferred {
	struct defer defer;
	struct buf *out;
	char c;
	unsigned again;
	struct deferred *other;
};

static void run_deferred(void *ctx)
{
	struct deferred *d = ctx;

	buf_add_char(d->out, d->c);
	if (d->again > 0) {
		d->again--;
		defer_set(&d->defer);
	}
	if (d->other != NULL)
		defer_cancel(&d->other->defer);
}

static void init_deferred(struct deferred *d, size_t n, struct loop *l, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		d[i] = (struct deferred){.out = out, .c = (char)('a' + (int)i)};
		defer_init(&d[i].defer, l, run_deferred, &d[i]);
	}
}

static void defer_runs_once_however_often_it_is_set(void **state)
{
	CLEANUP(loop_freep) struct loop *l = loop_new_fake(0);
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	struct deferred d[3];

	(void)state;
	init_deferred(d, 3, l, &out);
	defer_set(&d[1].defer);
	defer_set(&d[0].defer);
	defer_set(&d[1].defer);
	defer_set(&d[2].defer);
	defer_cancel(&d[2].defer);
	defer_cancel(&d[2].defer);
	assert_string_equal(buf_str(&out), "");
	loop_settle(l);
	loop_settle(l);
	assert_string_equal(buf_str(&out), "ba");
}

static void defer_set_by_a_defer_waits_for_the_next_round(void **state)
{
	CLEANUP(loop_freep) struct loop *l = loop_new_fake(0);
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	struct deferred d[3];

	(void)state;
	init_deferred(d, 3, l, &out);
	d[0].again = 2;
	d[1].other = &d[2];
	defer_set(&d[0].defer);
	defer_set(&d[1].defer);
	defer_set(&d[2].defer);
	loop_settle(l);
	assert_string_equal(buf_str(&out), "abaa");
}

struct hook {
	unsigned calls, wishes;
};

static bool count_hook(void *ctx)
{
	struct hook *h = ctx;

	h->calls++;
	if (h->wishes == 0)
		return false;
	h->wishes--;
	return true;
}

static void hook_is_called_after_each_timer_and_while_it_wants_more(void **state)
{
	CLEANUP(loop_freep) struct loop *l = loop_new_fake(0);
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	struct hook h = {0};
	struct letter t[2];
	unsigned before;

	(void)state;
	loop_on_turn_end(l, count_hook, &h);
	loop_settle(l);
	assert_int_equal(h.calls, 1);
	h.wishes = 3;
	loop_settle(l);
	assert_int_equal(h.wishes, 0);
	init_letters(t, 2, l, &out);
	timer_set_in(&t[0].timer, 5);
	timer_set_in(&t[1].timer, 5);
	before = h.calls;
	assert_int_equal(loop_turn(l, -1), 0);
	loop_advance(l, 5);
	assert_true(h.calls >= before + 3);
	loop_on_turn_end(l, NULL, NULL);
	loop_settle(l);
}

static void fake_loop_has_no_descriptors_and_signals(void **state)
{
	CLEANUP(loop_freep) struct loop *l = loop_new_fake(0);
	struct watch w = {0};
	struct err e = CLEAN_ERR;

	(void)state;
	assert_int_equal(watch_start(&w, l, 0, 0, NULL, NULL, &e), -EOPNOTSUPP);
	assert_int_equal(loop_on_signal(l, 1, NULL, NULL, &e), -EOPNOTSUPP);
	assert_int_equal(loop_watchdog(l, &e), 0);
	watch_stop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fake_clocks_move_together),
		cmocka_unit_test(timers_fire_in_the_order_of_their_times),
		cmocka_unit_test(setting_again_moves_and_cancelling_stops),
		cmocka_unit_test(time_in_the_past_fires_in_the_next_turn),
		cmocka_unit_test(clock_stands_at_the_due_time_of_each_timer),
		cmocka_unit_test(timer_set_for_now_by_a_callback_waits_for_the_next_round),
		cmocka_unit_test(callback_may_cancel_others_and_free_itself),
		cmocka_unit_test(loop_that_goes_first_leaves_timers_and_defers_unset),
		cmocka_unit_test(thousands_of_timers_keep_their_order),
		cmocka_unit_test(defer_runs_once_however_often_it_is_set),
		cmocka_unit_test(defer_set_by_a_defer_waits_for_the_next_round),
		cmocka_unit_test(hook_is_called_after_each_timer_and_while_it_wants_more),
		cmocka_unit_test(fake_loop_has_no_descriptors_and_signals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
