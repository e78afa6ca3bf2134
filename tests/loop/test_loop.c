/* SPDX-License-Identifier: MIT */
/* tests/loop/test_loop.c - the real loop: turns, descriptors, signals, the hook. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/str.h"
#include "cmocka.h" /* quoted: it must follow the headers above */
#include "loop/loop.h"

/* No test waits this long unless it fails. */
#define PATIENCE (5 * US_PER_SEC)

static struct loop *make_loop(void)
{
	struct err e = CLEAN_ERR;
	struct loop *l = loop_new(&e);

	if (l == NULL)
		fail_msg("%s", e.text);
	return l;
}

static void make_pipe(int fds[2])
{
	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
}

static void idle_loop_has_nothing_to_do(void **state)
{
	CLEANUP(loop_freep) struct loop *l = make_loop();
	int64_t before = loop_mono(l);

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(loop_turn(l, 0), 0);
	assert_int_equal(loop_turn(l, 2000), 0);
	assert_true(loop_mono(l) >= before + 2000);
	assert_int_equal(loop_lag(l), 0);
}

static void clocks_are_those_of_the_machine(void **state)
{
	CLEANUP(loop_freep) struct loop *l = make_loop();
	struct timespec t;
	int64_t before = loop_real(l), mono = loop_mono(l);

	(void)state;
	assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &t), 0);
	assert_true((int64_t)t.tv_sec * US_PER_SEC + t.tv_nsec / 1000 >= mono);
	assert_int_equal(clock_gettime(CLOCK_REALTIME, &t), 0);
	assert_true(llabs((int64_t)t.tv_sec * US_PER_SEC - before) < 10 * US_PER_SEC);
}

/* Reads one byte and counts. */
struct reader {
	struct watch watch;
	unsigned calls;
	uint32_t events;
	int fds[2];
};

static void read_one(struct watch *w, uint32_t events, void *ctx)
{
	struct reader *r = ctx;
	char c;

	assert_ptr_equal(w, &r->watch);
	r->calls++;
	r->events = events;
	(void)!read(w->fd, &c, 1);
}

static void start_reader(struct reader *r, struct loop *l)
{
	struct err e = CLEAN_ERR;

	*r = (struct reader){0};
	make_pipe(r->fds);
	if (watch_start(&r->watch, l, r->fds[0], EPOLLIN, read_one, r, &e) < 0)
		fail_msg("%s", e.text);
}

static void stop_reader(struct reader *r)
{
	watch_stop(&r->watch);
	closep(&r->fds[0]);
	closep(&r->fds[1]);
}

static void readable_descriptor_is_told(void **state)
{
	CLEANUP(loop_freep) struct loop *l = make_loop();
	struct reader r;

	(void)state;
	start_reader(&r, l);
	assert_int_equal(loop_turn(l, 0), 0);
	assert_int_equal(write(r.fds[1], "x", 1), 1);
	assert_true(loop_turn(l, PATIENCE) > 0);
	assert_int_equal(r.calls, 1);
	assert_int_equal(r.events, EPOLLIN);
	/* What is left unread is told again. */
	assert_int_equal(write(r.fds[1], "xyz", 3), 3);
	while (r.calls < 4)
		assert_true(loop_turn(l, PATIENCE) > 0);
	assert_int_equal(loop_turn(l, 0), 0);
	watch_events(&r.watch, 0);
	assert_int_equal(write(r.fds[1], "z", 1), 1);
	assert_int_equal(loop_turn(l, 0), 0);
	watch_events(&r.watch, EPOLLIN);
	assert_true(loop_turn(l, PATIENCE) > 0);
	assert_int_equal(r.calls, 5);
	stop_reader(&r);
	watch_stop(&r.watch);
}

static void stop_self(struct watch *w, uint32_t events, void *ctx)
{
	(void)events;
	++*(unsigned *)ctx;
	watch_stop(w);
}

static void watch_may_stop_itself_and_start_again(void **state)
{
	CLEANUP(loop_freep) struct loop *l = make_loop();
	struct watch w = {0};
	unsigned calls = 0;
	int fds[2];

	(void)state;
	make_pipe(fds);
	for (unsigned i = 1; i <= 2; i++) {
		assert_int_equal(watch_start(&w, l, fds[1], EPOLLOUT, stop_self, &calls, NULL), 0);
		assert_true(loop_turn(l, PATIENCE) > 0);
		assert_int_equal(loop_turn(l, 0), 0);
		assert_int_equal(calls, i);
	}
	closep(&fds[0]);
	closep(&fds[1]);
}

static void descriptor_that_cannot_be_watched_is_an_error(void **state)
{
	CLEANUP(loop_freep) struct loop *l = make_loop();
	struct err e = CLEAN_ERR;
	struct watch w = {0};
	int file = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	/* epoll takes no regular files, and /dev/null neither. */
	assert_int_equal(watch_start(&w, l, file, EPOLLIN, stop_self, NULL, &e), -EPERM);
	closep(&file);
	assert_int_equal(watch_start(&w, l, 9999, EPOLLIN, stop_self, NULL, &e), -EBADF);
	assert_non_null(strstr(e.text, "9999"));
	assert_null(w.source);
}

static void stop_loop(struct timer *t, void *ctx)
{
	loop_stop(t->loop, *(int *)ctx);
}

static void real_timer_fires_in_time_and_ends_the_loop(void **state)
{
	CLEANUP(loop_freep) struct loop *l = make_loop();
	int result = 42;
	struct timer t;
	int64_t due = loop_mono(l) + 2000;

	(void)state;
	timer_init(&t, l, stop_loop, &result);
	timer_set(&t, due);
	assert_int_equal(loop_run(l), 42);
	assert_true(loop_mono(l) >= due);
	/* Far below sd-event's 250 ms for an accuracy of 0. */
	assert_true(loop_mono(l) < due + 100000);
	timer_set(&t, 0);
	assert_int_equal(loop_run(l), 42);
}

static void cancelled_timer_wakes_nobody(void **state)
{
	CLEANUP(loop_freep) struct loop *l = make_loop();
	int result = 1;
	struct timer t;

	(void)state;
	timer_init(&t, l, stop_loop, &result);
	timer_set_in(&t, 500);
	timer_cancel(&t);
	assert_int_equal(loop_turn(l, 2000), 0);
}

static void again_now(struct timer *t, void *ctx)
{
	++*(unsigned *)ctx;
	timer_set_in(t, 0);
}

static void timer_set_for_now_lets_others_run(void **state)
{
	CLEANUP(loop_freep) struct loop *l = make_loop();
	unsigned calls = 0;
	struct reader r;
	struct timer t;

	(void)state;
	start_reader(&r, l);
	timer_init(&t, l, again_now, &calls);
	timer_set_in(&t, 0);
	assert_int_equal(write(r.fds[1], "x", 1), 1);
	for (unsigned i = 0; i < 50 && r.calls == 0; i++)
		assert_true(loop_turn(l, PATIENCE) > 0);
	assert_int_equal(r.calls, 1);
	while (calls < 3)
		assert_true(loop_turn(l, PATIENCE) > 0);
	timer_cancel(&t);
	stop_reader(&r);
}

struct hook {
	unsigned calls, wishes;
	struct reader *readers;
	size_t n;
	unsigned dispatched; /* readers that had run before the first call */
};

static bool count_hook(void *ctx)
{
	struct hook *h = ctx;

	if (h->calls++ == 0)
		for (size_t i = 0; i < h->n; i++)
			h->dispatched += h->readers[i].calls;
	if (h->wishes == 0)
		return false;
	h->wishes--;
	return true;
}

static void hook_follows_all_that_was_ready_together(void **state)
{
	CLEANUP(loop_freep) struct loop *l = make_loop();
	struct reader readers[20];
	struct hook h = {.readers = readers, .n = 20};

	(void)state;
	loop_on_turn_end(l, count_hook, &h);
	for (size_t i = 0; i < 20; i++) {
		start_reader(&readers[i], l);
		assert_int_equal(write(readers[i].fds[1], "x", 1), 1);
	}
	assert_true(loop_turn(l, PATIENCE) > 0);
	assert_int_equal(h.calls, 1);
	assert_int_equal(h.dispatched, 20);
	assert_int_equal(loop_turn(l, 0), 0);
	assert_int_equal(h.calls, 1);
	for (size_t i = 0; i < 20; i++)
		stop_reader(&readers[i]);
}

static void count_call(struct watch *w, uint32_t events, void *ctx)
{
	(void)w;
	(void)events;
	++*(unsigned *)ctx;
}

static void hook_is_not_starved_by_a_descriptor_that_is_always_ready(void **state)
{
	CLEANUP(loop_freep) struct loop *l = make_loop();
	struct hook h = {0};
	struct watch w = {0};
	unsigned calls = 0;
	int fds[2];

	(void)state;
	loop_on_turn_end(l, count_hook, &h);
	make_pipe(fds);
	assert_int_equal(watch_start(&w, l, fds[1], EPOLLOUT, count_call, &calls, NULL), 0);
	for (unsigned i = 1; i <= 10; i++) {
		assert_true(loop_turn(l, PATIENCE) > 0);
		assert_int_equal(h.calls, i);
		assert_true(calls >= i && calls <= 2 * i);
	}
	watch_stop(&w);
	closep(&fds[0]);
	closep(&fds[1]);
}

static void hook_gets_another_turn_when_it_wants_one(void **state)
{
	CLEANUP(loop_freep) struct loop *l = make_loop();
	struct hook h = {.wishes = 3};
	struct reader r;

	(void)state;
	loop_on_turn_end(l, count_hook, &h);
	start_reader(&r, l);
	assert_int_equal(loop_turn(l, 0), 0);
	assert_int_equal(h.calls, 0);
	assert_int_equal(write(r.fds[1], "x", 1), 1);
	for (unsigned i = 1; i <= 4; i++) {
		assert_true(loop_turn(l, PATIENCE) > 0);
		assert_int_equal(h.calls, i);
	}
	/* And then none: no wake-up without a cause. */
	assert_int_equal(loop_turn(l, 0), 0);
	assert_int_equal(h.calls, 4);
	stop_reader(&r);
}

static void run_deferred(void *ctx)
{
	++*(unsigned *)ctx;
}

static void defer_set_outside_the_loop_runs_in_the_next_turn(void **state)
{
	CLEANUP(loop_freep) struct loop *l = make_loop();
	unsigned calls = 0;
	struct defer d;

	(void)state;
	defer_init(&d, l, run_deferred, &calls);
	defer_set(&d);
	defer_set(&d);
	assert_int_equal(calls, 0);
	assert_true(loop_turn(l, PATIENCE) > 0);
	assert_int_equal(calls, 1);
	assert_int_equal(loop_turn(l, 0), 0);
	defer_set(&d);
	defer_cancel(&d);
	assert_int_equal(loop_turn(l, 0), 0);
	assert_int_equal(calls, 1);
}

/* Defers itself for ever. */
struct eager {
	struct defer defer;
	unsigned calls;
};

static void defer_again(void *ctx)
{
	struct eager *e = ctx;

	e->calls++;
	defer_set(&e->defer);
}

static void defer_that_sets_itself_again_lets_others_run(void **state)
{
	CLEANUP(loop_freep) struct loop *l = make_loop();
	struct eager e = {.calls = 0};
	struct hook h = {0};
	struct reader r;

	(void)state;
	loop_on_turn_end(l, count_hook, &h);
	defer_init(&e.defer, l, defer_again, &e);
	defer_set(&e.defer);
	start_reader(&r, l);
	for (unsigned i = 1; i <= 5; i++) {
		assert_int_equal(write(r.fds[1], "x", 1), 1);
		assert_true(loop_turn(l, PATIENCE) > 0);
		assert_int_equal(r.calls, i);
		assert_int_equal(e.calls, i);
		assert_int_equal(h.calls, i);
	}
	defer_cancel(&e.defer);
	stop_reader(&r);
}

static void note_signal(int signo, void *ctx)
{
	*(int *)ctx = signo;
}

static void signals_arrive_as_calls(void **state)
{
	CLEANUP(loop_freep) struct loop *l = make_loop();
	struct err e = CLEAN_ERR;
	int got = 0;

	(void)state;
	assert_int_equal(loop_on_signal(l, SIGUSR1, note_signal, &got, &e), 0);
	assert_int_equal(loop_on_signal(l, SIGUSR2, note_signal, &got, &e), 0);
	/* Twice the same is refused, and so is what is no signal. */
	assert_int_equal(loop_on_signal(l, SIGUSR1, note_signal, &got, &e), -EBUSY);
	assert_true(loop_on_signal(l, 999, note_signal, &got, &e) < 0);
	assert_int_equal(raise(SIGUSR2), 0);
	assert_true(loop_turn(l, PATIENCE) > 0);
	assert_int_equal(got, SIGUSR2);
	assert_int_equal(raise(SIGUSR1), 0);
	assert_true(loop_turn(l, PATIENCE) > 0);
	assert_int_equal(got, SIGUSR1);
}

static void peer_that_went_away_does_not_kill_us(void **state)
{
	CLEANUP(loop_freep) struct loop *l = NULL;
	int fds[2];

	(void)state;
	assert_true(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
	l = make_loop();
	make_pipe(fds);
	closep(&fds[0]);
	assert_int_equal(write(fds[1], "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	closep(&fds[1]);
}

static void be_slow(void *ctx)
{
	struct loop *l = ctx;
	int64_t end = loop_mono(l) + 3000;

	while (loop_mono(l) < end)
		;
}

static void lag_is_the_longest_turn_since_it_was_asked(void **state)
{
	CLEANUP(loop_freep) struct loop *l = make_loop();
	struct defer d;

	(void)state;
	defer_init(&d, l, be_slow, l);
	defer_set(&d);
	assert_true(loop_turn(l, PATIENCE) > 0);
	assert_int_equal(loop_turn(l, 0), 0);
	assert_true(loop_lag(l) >= 3000);
	assert_int_equal(loop_lag(l), 0);
}

static void stop_from_defer(void *ctx)
{
	loop_stop(ctx, -7);
}

static void stop_is_obeyed_after_the_turn_and_its_hook(void **state)
{
	CLEANUP(loop_freep) struct loop *l = make_loop();
	struct hook h = {0};
	struct defer d;

	(void)state;
	loop_on_turn_end(l, count_hook, &h);
	defer_init(&d, l, stop_from_defer, l);
	defer_set(&d);
	assert_int_equal(loop_run(l), -7);
	assert_int_equal(h.calls, 1);
	loop_stop(l, 3);
	assert_int_equal(loop_run(l), 3);
	assert_int_equal(h.calls, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idle_loop_has_nothing_to_do),
		cmocka_unit_test(clocks_are_those_of_the_machine),
		cmocka_unit_test(readable_descriptor_is_told),
		cmocka_unit_test(watch_may_stop_itself_and_start_again),
		cmocka_unit_test(descriptor_that_cannot_be_watched_is_an_error),
		cmocka_unit_test(real_timer_fires_in_time_and_ends_the_loop),
		cmocka_unit_test(cancelled_timer_wakes_nobody),
		cmocka_unit_test(timer_set_for_now_lets_others_run),
		cmocka_unit_test(hook_follows_all_that_was_ready_together),
		cmocka_unit_test(hook_is_not_starved_by_a_descriptor_that_is_always_ready),
		cmocka_unit_test(hook_gets_another_turn_when_it_wants_one),
		cmocka_unit_test(defer_set_outside_the_loop_runs_in_the_next_turn),
		cmocka_unit_test(defer_that_sets_itself_again_lets_others_run),
		cmocka_unit_test(signals_arrive_as_calls),
		cmocka_unit_test(peer_that_went_away_does_not_kill_us),
		cmocka_unit_test(lag_is_the_longest_turn_since_it_was_asked),
		cmocka_unit_test(stop_is_obeyed_after_the_turn_and_its_hook),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
