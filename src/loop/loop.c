/* SPDX-License-Identifier: MIT */
/*
 * loop/loop.c - sd-event in our own words: turns, descriptors, defers, signals.
 *
 * A turn begins when the loop wakes up: what is ready then is dispatched, defers run, and the
 * end-of-turn hook is called, so that all of it is committed together. sd-event dispatches one
 * source per iteration, the one that has been pending longest, and looks for new ones each time;
 * so we must find out when all that was ready at first is done. A post source becomes pending
 * whenever another one was dispatched. Its first call in a turn proves nothing (it is as old as
 * what was ready with it, and the order of equals is chance), but at its second one everything
 * older is done. Most turns end sooner, because nothing is ready any more.
 *
 * What surprised us: sd-event's own deferred sources count as pending for ever and so go before
 * everything else of their priority: one that sets itself again starves the rest. Ours are a list.
 * And a callback that returns a negative value has its source silently switched off.
 */
#include <errno.h>
#include <signal.h>

#include "loop/loop_internal.h"

/* One signal that somebody wants to hear of. */
struct signal_watch {
	struct list node;
	void (*fn)(int signo, void *ctx);
	void *ctx;
	sd_event_source *source;
};

static int on_timer(sd_event_source *source UNUSED, uint64_t at UNUSED, void *userdata)
{
	(void)timers_fire(userdata, false);
	return 0;
}

static int on_post(sd_event_source *source UNUSED, void *userdata)
{
	struct loop *l = userdata;

	l->posts++;
	return 0;
}

bool turn_end_call(struct loop *l)
{
	return l->turn_end != NULL && l->turn_end(l->turn_end_ctx);
}

void loop_on_turn_end(struct loop *l, bool (*fn)(void *ctx), void *ctx)
{
	l->turn_end = fn;
	l->turn_end_ctx = ctx;
}

static int add_sources(struct loop *l)
{
	int r = sd_event_add_time(
		l->event, &l->timer_source, CLOCK_BOOTTIME, UINT64_MAX, 1, on_timer, l);

	if (r >= 0)
		r = sd_event_source_set_enabled(l->timer_source, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_add_post(l->event, &l->post_source, on_post, l);
	return r;
}

struct loop *loop_new(struct err *e)
{
	CLEANUP(loop_freep) struct loop *l = loop_new_fake(0);
	int r;

	/* A peer that went away is told by EPIPE. */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR) {
		(void)err_errno(e, "cannot ignore SIGPIPE");
		return NULL;
	}
	r = sd_event_new(&l->event);
	if (r >= 0)
		r = add_sources(l);
	if (r < 0) {
		errno = -r;
		(void)err_errno(e, "cannot make an event loop");
		return NULL;
	}
	test_clock_init(l);
	return STEAL(l);
}

static void forget_signals(struct loop *l)
{
	list_foreach_safe (it, &l->signals) {
		struct signal_watch *w = list_entry(it, struct signal_watch, node);

		list_remove(&w->node);
		(void)sd_event_source_disable_unref(w->source);
		free(w);
	}
}

void loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	timers_fini(l);
	while (!list_is_empty(&l->defers))
		defer_cancel(list_entry(l->defers.next, struct defer, node));
	forget_signals(l);
	steps_fini(l);
	folder_watch_free(l->test_clock_watch);
	(void)sd_event_source_disable_unref(l->timer_source);
	(void)sd_event_source_disable_unref(l->post_source);
	(void)sd_event_unref(l->event);
	free(l->test_clock_path);
	free(l);
}

/* Waits until a source is ready (> 0) or the time is over (0). */
static int wait_ready(struct loop *l, uint64_t timeout_us)
{
	int r = sd_event_prepare(l->event);

	return r == 0 ? sd_event_wait(l->event, timeout_us) : r;
}

/* Dispatches all that is ready, the first of which sd-event has found already. */
static int dispatch_ready(struct loop *l)
{
	int r;

	l->posts = 0;
	do {
		r = sd_event_dispatch(l->event);
		if (r < 0 || l->posts == 2)
			return r;
		r = wait_ready(l, 0);
	} while (r > 0);
	return r;
}

int loop_turn(struct loop *l, int64_t timeout_us)
{
	bool is_due = l->is_turn_wanted || !list_is_empty(&l->defers);
	int64_t started;
	int r;

	if (l->event == NULL)
		return fake_turn(l) ? 1 : 0;
	if (is_due)
		timeout_us = 0;
	r = wait_ready(l, timeout_us < 0 ? UINT64_MAX : (uint64_t)timeout_us);
	if (r < 0 || (r == 0 && !is_due))
		return r;
	started = loop_mono(l);
	test_clock_check(l);
	if (r > 0)
		r = dispatch_ready(l);
	(void)defers_run(l);
	l->is_turn_wanted = turn_end_call(l);
	l->lag_us = MAX_OF(l->lag_us, loop_mono(l) - started);
	return r < 0 ? r : 1;
}

int loop_run(struct loop *l)
{
	must(l->event != NULL);
	while (!l->is_stopped) {
		int r = loop_turn(l, -1);

		/* EINTR: a signal that nobody asked for has a handler, in a debugger for example.
		 */
		if (r < 0 && r != -EINTR)
			return r;
	}
	l->is_stopped = false;
	return l->result;
}

void loop_stop(struct loop *l, int result)
{
	l->is_stopped = true;
	l->result = result;
}

int64_t loop_lag(struct loop *l)
{
	int64_t lag = l->lag_us;

	l->lag_us = 0;
	return lag;
}

static int on_io(sd_event_source *source UNUSED, int fd UNUSED, uint32_t events, void *userdata)
{
	struct watch *w = userdata;

	w->fn(w, events, w->ctx);
	return 0;
}

int watch_start(struct watch *w, struct loop *l, int fd, uint32_t events, watch_fn *fn, void *ctx,
	struct err *e)
{
	sd_event_source *source = NULL;
	int r;

	must(w->source == NULL);
	if (l->event == NULL)
		return err_set(e, -EOPNOTSUPP, "a fake loop watches no descriptors");
	r = sd_event_add_io(l->event, &source, fd, events, on_io, w);
	if (r < 0) {
		errno = -r;
		return err_errno(e, "cannot watch descriptor %d", fd);
	}
	*w = (struct watch){.fn = fn, .ctx = ctx, .fd = fd, .source = source};
	return 0;
}

void watch_events(struct watch *w, uint32_t events)
{
	must(w->source != NULL && sd_event_source_set_io_events(w->source, events) >= 0);
}

void watch_stop(struct watch *w)
{
	sd_event_source *source = w->source;

	w->source = NULL;
	(void)sd_event_source_disable_unref(source);
}

void defer_init(struct defer *d, struct loop *l, defer_fn *fn, void *ctx)
{
	*d = (struct defer){.fn = fn, .ctx = ctx, .loop = l};
	list_init(&d->node);
}

void defer_set(struct defer *d)
{
	if (d->is_set)
		return;
	d->is_set = true;
	list_append(&d->loop->defers, &d->node);
}

void defer_cancel(struct defer *d)
{
	if (!d->is_set)
		return;
	d->is_set = false;
	list_remove(&d->node);
}

size_t defers_run(struct loop *l)
{
	struct list round = LIST_INIT(round);
	size_t count = 0;

	/* What is set from here on waits for the next round. */
	list_splice(&round, &l->defers);
	while (!list_is_empty(&round)) {
		struct defer *d = list_entry(round.next, struct defer, node);

		defer_cancel(d);
		count++;
		/* d may be gone after this. */
		d->fn(d->ctx);
	}
	return count;
}

static int on_signal(
	sd_event_source *source UNUSED, const struct signalfd_siginfo *info, void *userdata)
{
	struct signal_watch *w = userdata;

	w->fn((int)info->ssi_signo, w->ctx);
	return 0;
}

int loop_on_signal(
	struct loop *l, int signo, void (*fn)(int signo, void *ctx), void *ctx, struct err *e)
{
	struct signal_watch *w;
	sigset_t set;
	int r;

	if (l->event == NULL)
		return err_set(e, -EOPNOTSUPP, "a fake loop hears no signals");
	(void)sigemptyset(&set);
	if (sigaddset(&set, signo) < 0 || pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
		return err_set(e, -EINVAL, "cannot block signal %d", signo);
	w = xcalloc(1, sizeof(*w));
	w->fn = fn;
	w->ctx = ctx;
	r = sd_event_add_signal(l->event, &w->source, signo, on_signal, w);
	if (r < 0) {
		free(w);
		errno = -r;
		return err_errno(e, "cannot receive signal %d", signo);
	}
	list_append(&l->signals, &w->node);
	return 0;
}
