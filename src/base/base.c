/* SPDX-License-Identifier: MIT */
/*
 * base/base.c - allocation that cannot fail, must(), and closing of descriptors.
 *
 * This is the only file that calls the C library's allocators. A request for nothing still returns
 * a block of one byte, because all these functions promise a pointer that is not NULL.
 */
#include "base/base.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

_Noreturn void must_fail(const char *claim, const char *file, int line)
{
	(void)fprintf(stderr, "pylon: bug: must(%s) does not hold at %s:%d\n", claim, file, line);
	abort();
}

static _Noreturn void out_of_memory(size_t n, size_t size)
{
	(void)fprintf(stderr, "pylon: out of memory (%zu times %zu bytes)\n", n, size);
	abort();
}

/* The two that do the work have no ALLOCATES: GCC's analyzer, seeing both the attribute and the
 * body of an allocator that another one calls, takes each of its blocks for lost. */
static void *take_zeroed(size_t n, size_t size)
{
	void *p = n == 0 || size == 0 ? calloc(1, 1) : calloc(n, size);

	if (p == NULL)
		out_of_memory(n, size);
	return p;
}

static char *take_copy(const char *s, size_t n)
{
	size_t size;
	char *p;

	if (!size_add(n, 1, &size))
		out_of_memory(n, 1);
	p = take_zeroed(size, 1);
	if (n > 0)
		memcpy(p, s, n);
	return p;
}

void *xcalloc(size_t n, size_t size)
{
	return take_zeroed(n, size);
}

void *xcalloc_held(size_t n, size_t size)
{
	return take_zeroed(n, size);
}

void *xreallocarray(void *p, size_t n, size_t size)
{
	void *q = n == 0 || size == 0 ? realloc(p, 1) : reallocarray(p, n, size);

	if (q == NULL)
		out_of_memory(n, size);
	return q;
}

char *xstrndup(const char *s, size_t n)
{
	return take_copy(s, n);
}

char *xstrdup(const char *s)
{
	return take_copy(s, strlen(s));
}

char *xstrdup_or_null(const char *s)
{
	return s == NULL ? NULL : take_copy(s, strlen(s));
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *p = NULL;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&p, fmt, ap);
	va_end(ap);
	if (n < 0 || p == NULL)
		out_of_memory(1, 0);
	return p;
}

void closep(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
	errno = saved;
}
