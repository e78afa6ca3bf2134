/* SPDX-License-Identifier: MIT */
/*
 * loop/step.c - noticing that the wall clock was stepped.
 *
 * What is measured is the distance between the wall clock and CLOCK_BOOTTIME. Time synchronisation
 * that slews changes the speed of both alike, and suspend lets both go on, so the distance changes
 * only when somebody sets the wall clock. The kernel wakes us then: a timer of CLOCK_REALTIME with
 * TFD_TIMER_CANCEL_ON_SET becomes readable, and read(2) fails with ECANCELED
 * (timerfd_create(2)). It does so after suspend, too, when there is nothing to tell.
 *
 * Less than a second is not told, but not forgotten either: what is compared with is the distance
 * that was told last, so small steps add up until they are one.
 */
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/limits.h"
#include "loop/loop_internal.h"

#define STEP_MIN_US US_PER_SEC

/* Reading two clocks takes a while when the process is stopped in between; then again. */
#define READING_MAX_US (5 * US_PER_MS)

enum {
	READINGS_MAX = 10,
};

struct step_listener {
	struct list node;
	void (*fn)(int64_t step_us, void *ctx); /* NULL: not wanted any more */
	void *ctx;
};

static int64_t measure(const struct loop *l)
{
	int64_t before, real;
	unsigned readings = 0;

	do {
		before = loop_mono(l);
		real = loop_real(l);
	} while (loop_mono(l) - before > READING_MAX_US && ++readings < READINGS_MAX);
	return real - before;
}

void steps_check(struct loop *l)
{
	int64_t distance, step;

	if (list_is_empty(&l->step_listeners))
		return;
	distance = measure(l);
	step = distance - l->step_distance_us;
	if (step > -STEP_MIN_US && step < STEP_MIN_US)
		return;
	l->step_distance_us = distance;
	/* Nodes stay until the loop goes, so a callback may add and remove listeners. */
	list_foreach (it, &l->step_listeners) {
		const struct step_listener *s = list_entry(it, struct step_listener, node);

		if (s->fn != NULL)
			s->fn(step, s->ctx);
	}
}

/* Far away: it is the cancelling that we wait for. */
static void arm(int fd)
{
	struct itimerspec far_away = {.it_value.tv_sec = INT64_MAX};

	/* ECANCELED: set meanwhile, and armed all the same. */
	must(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far_away, NULL) ==
			0 ||
		errno == ECANCELED);
}

static void on_clock_set(struct watch *w, uint32_t events UNUSED, void *ctx)
{
	uint64_t ignored;

	(void)!read(w->fd, &ignored, sizeof(ignored));
	arm(w->fd);
	steps_check(ctx);
}

static int hear_steps(struct loop *l, struct err *e)
{
	CLEANUP(closep) int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	int r;

	if (fd < 0)
		return err_errno(e, "cannot watch the wall clock");
	arm(fd);
	r = watch_start(&l->step_watch, l, fd, EPOLLIN, on_clock_set, l, e);
	if (r < 0)
		return r;
	l->step_fd = fd_steal(&fd);
	return 0;
}

int loop_on_clock_step(
	struct loop *l, void (*fn)(int64_t step_us, void *ctx), void *ctx, struct err *e)
{
	struct step_listener *s;

	if (l->event != NULL && l->step_fd < 0) {
		int r = hear_steps(l, e);

		if (r < 0)
			return r;
	}
	/* After arming: nothing can be missed in between. */
	if (list_is_empty(&l->step_listeners))
		l->step_distance_us = measure(l);
	s = xcalloc_held(1, sizeof(*s));
	s->fn = fn;
	s->ctx = ctx;
	list_append(&l->step_listeners, &s->node);
	return 0;
}

void loop_off_clock_step(struct loop *l, void (*fn)(int64_t step_us, void *ctx), void *ctx)
{
	list_foreach (it, &l->step_listeners) {
		struct step_listener *s = list_entry(it, struct step_listener, node);

		if (s->fn == fn && s->ctx == ctx)
			s->fn = NULL;
	}
}

void steps_fini(struct loop *l)
{
	list_foreach_safe (it, &l->step_listeners) {
		list_remove(it);
		free(list_entry(it, struct step_listener, node));
	}
	watch_stop(&l->step_watch);
	closep(&l->step_fd);
}
