/* SPDX-License-Identifier: MIT */
/*
 * base/base.h - what every room leans on: allocation that cannot fail, scoped clean-up, must(),
 * and an intrusive list.
 *
 * Out of memory ends the process (see docs/style.md): every size that comes from outside is
 * limited before it reaches an allocator, so a failed allocation means the machine is gone, and
 * everything acknowledged is already on disk. Allocate only through the x* functions.
 */
#ifndef PYLON_BASE_BASE_H
#define PYLON_BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>

#define CLEANUP(fn)  __attribute__((cleanup(fn)))
#define NODISCARD    __attribute__((warn_unused_result))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))
#define UNUSED       __attribute__((unused))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MIN_OF(a, b) ((a) < (b) ? (a) : (b))
#define MAX_OF(a, b) ((a) > (b) ? (a) : (b))

#if defined(__GNUC__) && !defined(__clang__)
#define ALLOCATES __attribute__((malloc, malloc(free, 1), returns_nonnull, warn_unused_result))
#else
#define ALLOCATES __attribute__((malloc, returns_nonnull, warn_unused_result))
#endif

/* Our own broken invariant: prints the claim with its place and aborts; always compiled in.
 * Never for data from outside and never for what a peer sent. */
#define must(claim) ((claim) ? (void)0 : must_fail(#claim, __FILE__, __LINE__))
_Noreturn void must_fail(const char *claim, const char *file, int line);

/* Zeroed memory; abort when there is none. The caller frees with free(). */
void *xcalloc(size_t n, size_t size) ALLOCATES;
/* The same for objects that others hold through a member (intrusive lists, embedded requests):
 * GCC's analyzer loses sight of them there and takes it for a leak, so this one is not marked as an
 * allocator. LeakSanitizer watches both. */
void *xcalloc_held(size_t n, size_t size) __attribute__((returns_nonnull, warn_unused_result));
/* A copy of a NUL-terminated string, of n bytes plus a NUL, and a formatted string. */
char *xstrdup(const char *s) ALLOCATES;
char *xstrndup(const char *s, size_t n) ALLOCATES;
char *xasprintf(const char *fmt, ...) PRINTF(1, 2) ALLOCATES;
/* xstrdup that passes NULL through. */
char *xstrdup_or_null(const char *s);
/* Grows *p to hold n elements; new memory is not zeroed. Returns the new block. */
void *xreallocarray(void *p, size_t n, size_t size) __attribute__((returns_nonnull));

/* Checked arithmetic for sizes: false when the sum or product would overflow. */
static inline bool size_add(size_t a, size_t b, size_t *ret)
{
	return !__builtin_add_overflow(a, b, ret);
}

static inline bool size_mul(size_t a, size_t b, size_t *ret)
{
	return !__builtin_mul_overflow(a, b, ret);
}

/* Scoped clean-up: `CLEANUP(x_freep) struct x *x = x_new();`, and STEAL(x) hands it over. */
#define STEAL(p)                                                                                   \
	__extension__({                                                                            \
		__typeof__(p) *stolen_from_ = &(p);                                                \
		__typeof__(p) stolen_ = *stolen_from_;                                             \
		*stolen_from_ = NULL;                                                              \
		stolen_;                                                                           \
	})
#define DEFINE_FREEP(type, fn)                                                                     \
	static inline void fn##p(type **p)                                                         \
	{                                                                                          \
		fn(*p);                                                                            \
		*p = NULL;                                                                         \
	}

static inline void freep(void *p)
{
	void **where = p;

	free(*where);
	*where = NULL;
}

/* Closes *fd when it is open and sets it to -1; errno is kept. */
void closep(int *fd);

/* STEAL for a descriptor: returns it and leaves -1. */
static inline int fd_steal(int *fd)
{
	int fd_kept = *fd;

	*fd = -1;
	return fd_kept;
}

/*
 * Intrusive doubly linked list. A head is a `struct list` that points at itself; a member embeds
 * a `struct list`. An unlinked node points at itself too, so unlinking twice is harmless.
 */
struct list {
	struct list *prev, *next;
};

#define LIST_INIT(l)                                                                               \
	{                                                                                          \
		&(l), &(l)                                                                         \
	}
#define container_of(ptr, type, member)                                                            \
	((type *)(void *)((char *)(void *)(ptr)-offsetof(type, member)))
/* The same for a pointer to const. */
#define const_container_of(ptr, type, member)                                                      \
	((const type *)(const void *)((const char *)(const void *)(ptr)-offsetof(type, member)))
#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_foreach(it, head)        for (struct list *it = (head)->next; it != (head); it = it->next)
/* The loop body may unlink and free `it`. */
#define list_foreach_safe(it, head)                                                                \
	for (struct list *it = (head)->next, *it##_next = it->next; it != (head);                  \
		it = it##_next, it##_next = it->next)

static inline void list_init(struct list *l)
{
	l->prev = l->next = l;
}

static inline bool list_is_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_append(struct list *head, struct list *node)
{
	node->prev = head->prev;
	node->next = head;
	head->prev->next = node;
	head->prev = node;
}

/* At the front. */
static inline void list_prepend(struct list *head, struct list *node)
{
	list_append(head->next, node);
}

static inline void list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

/* Moves every node of `from` to the end of `to`; `from` is empty afterwards. */
static inline void list_splice(struct list *to, struct list *from)
{
	if (list_is_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

#endif
