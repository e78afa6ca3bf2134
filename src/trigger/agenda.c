/* SPDX-License-Identifier: MIT */
/*
 * trigger/agenda.c - entries ordered by wall time behind one timer.
 *
 * Invariants: v[i] is not later than its children v[2i+1] and v[2i+2]; an entry's slot is its index
 * plus one. Outside a round the timer is set exactly when there are entries. It may fire early (the
 * hour, a small step of the clock that nobody told): then nothing is due and it is set again.
 *
 * While a round goes on, an entry that is set for an earlier time counts as set for the moment of
 * the round. It then sorts behind all that were due when the round began, so that comparing
 * sequence numbers is enough to leave it to the next one: nobody keeps the loop to himself.
 */
#include "trigger/agenda.h"

#include "base/limits.h"
#include "base/log.h"

/* However far away the next entry is: the longest that an unnoticed step can mislead us. */
#define SLEEP_MAX_US (3600 * US_PER_SEC)

enum {
	HEAP_SIZE_MIN = 16,
};

struct agenda {
	struct loop *loop;
	struct agenda_events events;
	struct timer timer;
	struct agenda_entry **v;
	size_t n, size;
	uint64_t next_seq;
	int64_t round_real; /* the moment of the round; outside one INT64_MIN */
};

static bool is_before(const struct agenda_entry *a, const struct agenda_entry *b)
{
	return a->due_real != b->due_real ? a->due_real < b->due_real : a->seq < b->seq;
}

static void put(struct agenda *a, size_t i, struct agenda_entry *entry)
{
	a->v[i] = entry;
	entry->slot = i + 1;
}

/* Moves the entry from the hole at i towards the root, then puts it down. */
static void sift_up(struct agenda *a, size_t i, struct agenda_entry *entry)
{
	while (i > 0 && is_before(entry, a->v[(i - 1) / 2])) {
		put(a, i, a->v[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	put(a, i, entry);
}

/* The same, away from the root. */
static void sift_down(struct agenda *a, size_t i, struct agenda_entry *entry)
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= a->n)
			break;
		if (child + 1 < a->n && is_before(a->v[child + 1], a->v[child]))
			child++;
		if (!is_before(a->v[child], entry))
			break;
		put(a, i, a->v[child]);
		i = child;
	}
	put(a, i, entry);
}

static void add(struct agenda *a, struct agenda_entry *entry)
{
	if (a->n == a->size) {
		a->size = a->size == 0 ? HEAP_SIZE_MIN : a->size * 2;
		a->v = xreallocarray(a->v, a->size, sizeof(struct agenda_entry *));
	}
	sift_up(a, a->n++, entry);
}

static void take_out(struct agenda *a, struct agenda_entry *entry)
{
	size_t i = entry->slot - 1;
	struct agenda_entry *last = a->v[--a->n];

	entry->slot = 0;
	if (last == entry)
		return;
	if (i > 0 && is_before(last, a->v[(i - 1) / 2]))
		sift_up(a, i, last);
	else
		sift_down(a, i, last);
}

/* Turns the earliest wall time into a deadline. */
static void arm(struct agenda *a)
{
	int64_t us;

	if (a->round_real != INT64_MIN)
		return; /* at its end, once */
	if (a->n == 0) {
		timer_cancel(&a->timer);
		return;
	}
	if (__builtin_sub_overflow(a->v[0]->due_real, loop_real(a->loop), &us))
		us = a->v[0]->due_real < 0 ? 0 : SLEEP_MAX_US;
	timer_set_in(&a->timer, MAX_OF(MIN_OF(us, SLEEP_MAX_US), 0));
}

static void on_timer(struct timer *t UNUSED, void *ctx)
{
	struct agenda *a = ctx;
	int64_t now = loop_real(a->loop);
	uint64_t limit = a->next_seq;

	a->round_real = now;
	while (a->n > 0 && a->v[0]->due_real <= now && a->v[0]->seq < limit) {
		struct agenda_entry *entry = a->v[0];

		take_out(a, entry);
		/* The entry may be gone after this. */
		a->events.due(entry, a->events.ctx);
	}
	a->round_real = INT64_MIN;
	arm(a);
}

static void on_step(int64_t step_us, void *ctx)
{
	struct agenda *a = ctx;

	if (a->events.stepped != NULL)
		a->events.stepped(step_us, a->events.ctx);
	arm(a);
}

struct agenda *agenda_new(struct loop *l, const struct agenda_events *ev)
{
	struct agenda *a = xcalloc_held(1, sizeof(*a));
	struct err e = CLEAN_ERR;

	a->loop = l;
	a->events = *ev;
	a->round_real = INT64_MIN;
	timer_init(&a->timer, l, on_timer, a);
	if (loop_on_clock_step(l, on_step, a, &e) < 0)
		log_warn("trigger", "schedules may be up to an hour late after a clock step: %s",
			e.text);
	return a;
}

void agenda_free(struct agenda *a)
{
	if (a == NULL)
		return;
	loop_off_clock_step(a->loop, on_step, a);
	timer_cancel(&a->timer);
	for (size_t i = 0; i < a->n; i++)
		a->v[i]->slot = 0;
	free(a->v);
	free(a);
}

void agenda_set(struct agenda *a, struct agenda_entry *entry, int64_t due_real)
{
	bool was_first = entry->slot == 1;

	if (entry->slot != 0)
		take_out(a, entry);
	entry->due_real = MAX_OF(due_real, a->round_real);
	entry->seq = a->next_seq++;
	add(a, entry);
	if (was_first || entry->slot == 1)
		arm(a);
}

void agenda_cancel(struct agenda *a, struct agenda_entry *entry)
{
	bool was_first = entry->slot == 1;

	if (entry->slot == 0)
		return;
	take_out(a, entry);
	if (was_first)
		arm(a);
}

int64_t agenda_next(const struct agenda *a)
{
	return a->n == 0 ? 0 : a->v[0]->due_real;
}
