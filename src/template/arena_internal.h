/* SPDX-License-Identifier: MIT */
/*
 * template/arena_internal.h - memory that is given back all at once, or back to a mark.
 *
 * A compiled template lives in one arena; what a rendering makes lives in another, which has a
 * limit. Whoever holds a mark may give back everything that was taken since.
 */
#ifndef PYLON_TEMPLATE_ARENA_INTERNAL_H
#define PYLON_TEMPLATE_ARENA_INTERNAL_H

#include "base/str.h"

struct arena_chunk;

struct arena {
	struct arena_chunk *top;
	size_t left; /* bytes that may still be taken */
};

struct arena_mark {
	const struct arena_chunk *top;
	size_t used, left;
};

/* Zeroed and aligned for any type; NULL when it is more than the limit leaves. */
void *arena_take(struct arena *a, size_t n);
/* A copy with a NUL behind it; .p is NULL when it is more than the limit leaves. */
struct slice arena_copy(struct arena *a, struct slice s);
struct arena_mark arena_mark(const struct arena *a);
void arena_release(struct arena *a, struct arena_mark mark);
void arena_fini(struct arena *a);

#endif
