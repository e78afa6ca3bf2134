/* SPDX-License-Identifier: MIT */
/*
 * template/arena.c - bump allocation in a stack of chunks.
 *
 * The newest chunk is on top and the only one that is taken from, so a mark is a chunk and how much
 * of it was used. Chunks begin small, since most templates are a line or two and there may be
 * hundreds of them, and double; something larger gets a chunk of its own size.
 */
#include "template/arena_internal.h"

#define CHUNK_MIN ((size_t)240)
#define CHUNK_MAX ((size_t)4000)
#define ALIGN     (_Alignof(max_align_t))

struct arena_chunk {
	struct arena_chunk *below;
	size_t size, used;
	_Alignas(max_align_t) char bytes[];
};

static bool add_chunk(struct arena *a, size_t n)
{
	size_t usual = a->top == NULL ? CHUNK_MIN : MIN_OF(a->top->size * 2, CHUNK_MAX);
	size_t size = MAX_OF(n, usual), whole;
	struct arena_chunk *chunk;

	if (!size_add(size, sizeof(*chunk), &whole))
		return false;
	chunk = xcalloc_held(1, whole);
	chunk->size = size;
	chunk->below = a->top;
	a->top = chunk;
	return true;
}

void *arena_take(struct arena *a, size_t n)
{
	void *p;

	if (n > SIZE_MAX - ALIGN)
		return NULL;
	n = (n + ALIGN - 1) / ALIGN * ALIGN;
	if (n > a->left)
		return NULL;
	if ((a->top == NULL || n > a->top->size - a->top->used) && !add_chunk(a, n))
		return NULL;
	p = a->top->bytes + a->top->used;
	memset(p, 0, n);
	a->top->used += n;
	a->left -= n;
	return p;
}

struct slice arena_copy(struct arena *a, struct slice s)
{
	char *p = s.n == SIZE_MAX ? NULL : arena_take(a, s.n + 1);

	if (p != NULL && s.n > 0)
		memcpy(p, s.p, s.n);
	return (struct slice){p, p == NULL ? 0 : s.n};
}

struct arena_mark arena_mark(const struct arena *a)
{
	return (struct arena_mark){a->top, a->top == NULL ? 0 : a->top->used, a->left};
}

static void drop_top(struct arena *a)
{
	struct arena_chunk *chunk = a->top;

	a->top = chunk->below;
	free(chunk);
}

void arena_release(struct arena *a, struct arena_mark mark)
{
	while (a->top != mark.top)
		drop_top(a);
	if (a->top != NULL)
		a->top->used = mark.used;
	a->left = mark.left;
}

void arena_fini(struct arena *a)
{
	while (a->top != NULL)
		drop_top(a);
}
