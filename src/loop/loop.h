/* SPDX-License-Identifier: MIT */
/*
 * loop/loop.h - the one event loop, and the clock.
 *
 * One thread, one loop. Callbacks never block and never run a nested loop. sd-event(3) does the
 * work; two of its habits shape this room: it dispatches one source per iteration (so whatever has
 * many descriptors nests an epoll fd of its own and watches that), and all our sources have the
 * same priority (so the end-of-turn hook that commits the store is never starved).
 *
 * Time. Every deadline is in microseconds of CLOCK_BOOTTIME ("mono"), in one heap behind one
 * timer source. The wall clock ("real", microseconds since 1970 UTC) is only read, never waited
 * for. loop_new_fake() has no descriptors of its own: its clock moves when a test says so.
 *
 * Ownership: a `struct timer` and a `struct watch` are embedded in their owners, which must cancel
 * them before they go. Cancelling from inside any callback is fine.
 */
#ifndef PYLON_LOOP_LOOP_H
#define PYLON_LOOP_LOOP_H

#include "base/err.h"

struct loop;

/* NULL with *e on failure. */
struct loop *loop_new(struct err *e);
/* A loop for tests: fake clock starting at the given wall time; loop_run() is not for it. */
struct loop *loop_new_fake(int64_t real_us);
void loop_free(struct loop *l);
DEFINE_FREEP(struct loop, loop_free)

/* Runs until loop_stop(); returns the value given there, or a negative errno. */
int loop_run(struct loop *l);
/* Runs one turn and waits at most timeout_us for it (-1: for ever). >0 when something happened. */
int loop_turn(struct loop *l, int64_t timeout_us);
void loop_stop(struct loop *l, int result);

/* The clocks, in microseconds. */
int64_t loop_real(const struct loop *l);
int64_t loop_mono(const struct loop *l);

/* Tests: moves both clocks forward, firing due timers in order, each at its own due time, and the
 * turn-end hook after each. */
void loop_advance(struct loop *l, int64_t us);
/* Tests: runs defers and turn-end hooks until nothing is left to do, without moving the clock. */
void loop_settle(struct loop *l);

/* A one-shot timer. */
struct timer;
typedef void timer_fn(struct timer *t, void *ctx);
struct timer {
	timer_fn *fn;
	void *ctx;
	int64_t at_mono; /* when armed */
	uint64_t seq;    /* equal times fire in the order they were set */
	size_t slot;     /* place in the heap + 1; 0 = not armed */
	struct loop *loop;
};

/* Prepares an unarmed timer. */
void timer_init(struct timer *t, struct loop *l, timer_fn *fn, void *ctx);
/* (Re-)arms for an absolute time; a time in the past fires in the next turn. */
void timer_set(struct timer *t, int64_t at_mono);
/* (Re-)arms for `us` microseconds from now. */
void timer_set_in(struct timer *t, int64_t us);
void timer_cancel(struct timer *t);
bool timer_is_set(const struct timer *t);

/* A descriptor (borrowed, never closed here) with epoll event bits (EPOLLIN, EPOLLOUT ...). */
struct watch;
typedef void watch_fn(struct watch *w, uint32_t events, void *ctx);
struct watch {
	watch_fn *fn;
	void *ctx;
	int fd;
	void *source; /* sd_event_source; NULL = not watched */
};

NODISCARD int watch_start(struct watch *w, struct loop *l, int fd, uint32_t events, watch_fn *fn,
	void *ctx, struct err *e);
void watch_events(struct watch *w, uint32_t events);
void watch_stop(struct watch *w);

/* Folders whose entries somebody may change (inotify(7)): what is told is that an entry was
 * written and closed, made, removed or renamed or had its mode or times changed, never that bytes
 * were appended, so a database that is being written to is silent. The same change may be told more
 * than once. One watcher has many folders; a folder that is removed or renamed leaves it by itself
 * (not when its parent is). Links are followed once, when it is added.
 *
 * From inside the callback anything may be called, folder_watch_free() too. -EOPNOTSUPP from a fake
 * loop. */
struct folder_watch;
/* `entry` is the name within the folder, "" when the folder itself is gone, its own mode changed or
 * events were lost (then everything must be looked at again); `folder` is as given. */
typedef void folder_watch_fn(const char *folder, const char *entry, void *ctx);
NODISCARD int folder_watch_new(
	struct folder_watch **ret, struct loop *l, folder_watch_fn *fn, void *ctx, struct err *e);
void folder_watch_free(struct folder_watch *w);
DEFINE_FREEP(struct folder_watch, folder_watch_free)
/* Watching a folder twice is watching it once; when another one has its place by now, that one.
 * -ENOENT when it is not there, -ENOTDIR when it is no folder. */
NODISCARD int folder_watch_add(struct folder_watch *w, const char *folder, struct err *e);
void folder_watch_remove(struct folder_watch *w, const char *folder);

/* Something to do once, soon, from the loop itself. Setting it twice is setting it once. */
struct defer;
typedef void defer_fn(void *ctx);
struct defer {
	defer_fn *fn;
	void *ctx;
	struct loop *loop;
	struct list node;
	bool is_set;
};

void defer_init(struct defer *d, struct loop *l, defer_fn *fn, void *ctx);
void defer_set(struct defer *d);
void defer_cancel(struct defer *d);

/* The end-of-turn hook (one per loop): called after every turn in which anything was dispatched.
 * What it starts is seen by the next turn; it returns true when it wants one at once. */
void loop_on_turn_end(struct loop *l, bool (*fn)(void *ctx), void *ctx);

/* SIGINT, SIGTERM, SIGHUP ... arrive as calls; the signal is blocked from here on. */
NODISCARD int loop_on_signal(
	struct loop *l, int signo, void (*fn)(int signo, void *ctx), void *ctx, struct err *e);

/* Called when the wall clock was stepped (by hand, by time synchronisation, by PYLON_TEST_CLOCK)
 * by a second or more, with how far it jumped against CLOCK_BOOTTIME since that was told last.
 * Suspend is no step: both clocks go on, and what became due meanwhile fires on waking up. A fake
 * loop calls it from loop_step_clock(). Several listeners may be added; they live until
 * loop_off_clock_step(), at most as long as the loop. */
NODISCARD int loop_on_clock_step(
	struct loop *l, void (*fn)(int64_t step_us, void *ctx), void *ctx, struct err *e);
/* Fine when it was never added. */
void loop_off_clock_step(struct loop *l, void (*fn)(int64_t step_us, void *ctx), void *ctx);
/* Tests: moves only the wall clock, forward or back. Less than a second is not told, but adds up.
 */
void loop_step_clock(struct loop *l, int64_t us);

/* Longest time (us) that one turn kept the loop busy since the last call; resets. */
int64_t loop_lag(struct loop *l);

/* Service manager (sd_notify(3)); both do nothing when there is none. */
void loop_notify(const char *state);
/* Pets the watchdog as often as WATCHDOG_USEC asks, from the loop. */
NODISCARD int loop_watchdog(struct loop *l, struct err *e);
/* Descriptors passed by socket activation: their count, the first is 3 (sd_listen_fds(3)). */
int loop_passed_fds(void);

#endif
