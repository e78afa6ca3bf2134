/* SPDX-License-Identifier: MIT */
/*
 * loop/timer.c - all deadlines in one heap behind one timer source.
 *
 * Invariants: v[i] is not later than its children v[2i+1] and v[2i+2]; a timer's slot is its index
 * plus one. While a round of firing goes on, a timer that is set for an earlier time counts as set
 * for the moment of the round. New timers then sort behind all that were due when it began, so
 * comparing sequence numbers is enough to leave them to the next round: no callback can keep the
 * loop to itself by setting its timer for "now".
 *
 * What surprised us: sd-event takes an accuracy of 0 for "250 ms will do".
 */
#include "loop/loop_internal.h"

enum {
	HEAP_SIZE_MIN = 64,
};

static bool is_before(const struct timer *a, const struct timer *b)
{
	return a->at_mono != b->at_mono ? a->at_mono < b->at_mono : a->seq < b->seq;
}

static void put(struct timer_heap *h, size_t i, struct timer *t)
{
	h->v[i] = t;
	t->slot = i + 1;
}

/* Moves t from the hole at i towards the root, then puts it down. */
static void sift_up(struct timer_heap *h, size_t i, struct timer *t)
{
	while (i > 0 && is_before(t, h->v[(i - 1) / 2])) {
		put(h, i, h->v[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	put(h, i, t);
}

/* The same, away from the root. */
static void sift_down(struct timer_heap *h, size_t i, struct timer *t)
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= h->n)
			break;
		if (child + 1 < h->n && is_before(h->v[child + 1], h->v[child]))
			child++;
		if (!is_before(h->v[child], t))
			break;
		put(h, i, h->v[child]);
		i = child;
	}
	put(h, i, t);
}

static void heap_add(struct timer_heap *h, struct timer *t)
{
	if (h->n == h->size) {
		h->size = h->size == 0 ? HEAP_SIZE_MIN : h->size * 2;
		h->v = xreallocarray(h->v, h->size, sizeof(struct timer *));
	}
	sift_up(h, h->n++, t);
}

static void heap_remove(struct timer_heap *h, struct timer *t)
{
	size_t i = t->slot - 1;
	struct timer *last = h->v[--h->n];

	t->slot = 0;
	if (last == t)
		return;
	if (i > 0 && is_before(last, h->v[(i - 1) / 2]))
		sift_up(h, i, last);
	else
		sift_down(h, i, last);
}

void timer_init(struct timer *t, struct loop *l, timer_fn *fn, void *ctx)
{
	*t = (struct timer){.fn = fn, .ctx = ctx, .loop = l};
}

void timer_set(struct timer *t, int64_t at_mono)
{
	struct timer_heap *h = &t->loop->timers;

	if (t->slot != 0)
		heap_remove(h, t);
	t->at_mono = MAX_OF(at_mono, h->round_mono);
	t->seq = h->next_seq++;
	heap_add(h, t);
	timers_arm(t->loop);
}

void timer_set_in(struct timer *t, int64_t us)
{
	int64_t at;

	if (__builtin_add_overflow(loop_mono(t->loop), us, &at))
		at = us < 0 ? INT64_MIN : INT64_MAX;
	timer_set(t, at);
}

void timer_cancel(struct timer *t)
{
	if (t->slot == 0)
		return;
	heap_remove(&t->loop->timers, t);
	timers_arm(t->loop);
}

bool timer_is_set(const struct timer *t)
{
	return t->slot != 0;
}

int64_t timers_next(const struct loop *l)
{
	return l->timers.n == 0 ? INT64_MAX : l->timers.v[0]->at_mono;
}

void timers_arm(struct loop *l)
{
	int64_t next = timers_next(l);

	/* A round arms once, at its end. */
	if (l->event == NULL || l->timers.round_mono != INT64_MIN || next == l->armed_mono)
		return;
	l->armed_mono = next;
	if (next == INT64_MAX) {
		must(sd_event_source_set_enabled(l->timer_source, SD_EVENT_OFF) >= 0);
		return;
	}
	must(sd_event_source_set_time(l->timer_source, (uint64_t)MAX_OF(next, 1)) >= 0);
	must(sd_event_source_set_enabled(l->timer_source, SD_EVENT_ONESHOT) >= 0);
}

size_t timers_fire(struct loop *l, bool only_one)
{
	struct timer_heap *h = &l->timers;
	uint64_t limit = h->next_seq;
	int64_t now = loop_mono(l);
	size_t count = 0;

	h->round_mono = now;
	while (h->n > 0 && h->v[0]->at_mono <= now && h->v[0]->seq < limit) {
		struct timer *t = h->v[0];

		heap_remove(h, t);
		count++;
		/* t may be gone after this. */
		t->fn(t, t->ctx);
		if (only_one)
			break;
	}
	h->round_mono = INT64_MIN;
	/* Whatever the source was armed for, it has fired. */
	l->armed_mono = INT64_MAX;
	timers_arm(l);
	return count;
}

void timers_fini(struct loop *l)
{
	struct timer_heap *h = &l->timers;

	/* Owners may go later than the loop; their timers must not point into it. */
	for (size_t i = 0; i < h->n; i++)
		h->v[i]->slot = 0;
	free(h->v);
	*h = (struct timer_heap){.round_mono = INT64_MIN};
}
