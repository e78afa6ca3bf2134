/* SPDX-License-Identifier: MIT */
/*
 * base/str.c - slices, growable buffers and lists of strings.
 *
 * Invariants: a buffer with memory keeps a NUL at p[n] and n < size; a list with strings keeps a
 * NULL at v[n]. Growing doubles, so adding byte by byte is linear. What is added must not lie in
 * the buffer itself, because growing may move it.
 */
#include "base/str.h"

#include <stdio.h>

enum {
	BUF_SIZE_MIN = 64,
	/* Longer words are never typing slips of each other. */
	DISTANCE_MAX = 64,
};

bool slice_eq_nocase(struct slice a, const char *s)
{
	/* strncasecmp would follow the locale. */
	if (a.n != strlen(s))
		return false;
	for (size_t i = 0; i < a.n; i++) {
		unsigned char x = (unsigned char)a.p[i], y = (unsigned char)s[i];

		if (x >= 'A' && x <= 'Z')
			x |= 0x20;
		if (y >= 'A' && y <= 'Z')
			y |= 0x20;
		if (x != y)
			return false;
	}
	return true;
}

bool slice_has_prefix(struct slice a, const char *prefix)
{
	size_t n = strlen(prefix);

	return n == 0 || (a.n >= n && memcmp(a.p, prefix, n) == 0);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct slice slice_trim(struct slice s)
{
	while (s.n > 0 && is_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

bool slice_to_u64(struct slice s, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned digit = (unsigned)((unsigned char)s.p[i] - '0');

		if (digit > 9 || __builtin_mul_overflow(value, UINT64_C(10), &value) ||
			__builtin_add_overflow(value, (uint64_t)digit, &value) || value > max)
			return false;
	}
	*ret = value;
	return true;
}

char *slice_dup(struct slice s)
{
	return xstrndup(s.p, s.n);
}

void str_replace(char **where, const char *s)
{
	char *copy = xstrdup_or_null(s);

	free(*where);
	*where = copy;
}

bool str_has_prefix(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_has_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s), k = strlen(suffix);

	return n >= k && memcmp(s + n - k, suffix, k) == 0;
}

bool str_copy(char *dst, size_t size, const char *s)
{
	size_t n = strlen(s);
	bool fits = n < size;

	must(size > 0);
	if (!fits)
		n = size - 1;
	memcpy(dst, s, n);
	dst[n] = '\0';
	return fits;
}

/* One cell of the table: rows are for a[i - 2], a[i - 1] and a[i]. */
static unsigned distance_cell(
	const char *a, const char *b, size_t i, size_t j, unsigned rows[3][DISTANCE_MAX + 1])
{
	unsigned change = a[i - 1] == b[j - 1] ? 0 : 1;
	unsigned best = rows[1][j - 1] + change;

	best = MIN_OF(best, rows[1][j] + 1);
	best = MIN_OF(best, rows[2][j - 1] + 1);
	if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
		best = MIN_OF(best, rows[0][j - 2] + 1);
	return best;
}

unsigned str_distance(const char *a, const char *b)
{
	size_t n = strlen(a), k = strlen(b);
	unsigned rows[3][DISTANCE_MAX + 1] = {{0}};

	if (n > DISTANCE_MAX || k > DISTANCE_MAX)
		return (unsigned)MIN_OF(MAX_OF(n, k), (size_t)INT32_MAX);
	for (size_t j = 0; j <= k; j++)
		rows[2][j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		memcpy(rows[0], rows[1], sizeof(rows[0]));
		memcpy(rows[1], rows[2], sizeof(rows[1]));
		rows[2][0] = (unsigned)i;
		for (size_t j = 1; j <= k; j++)
			rows[2][j] = distance_cell(a, b, i, j, rows);
	}
	return rows[2][k];
}

void buf_fini(struct buf *b)
{
	free(b->p);
	*b = BUF_NULL;
}

void buf_reserve(struct buf *b, size_t more)
{
	size_t need, size = b->size < BUF_SIZE_MIN ? BUF_SIZE_MIN : b->size;

	must(size_add(b->n, more, &need) && size_add(need, 1, &need));
	if (need <= b->size)
		return;
	while (size < need)
		if (!size_mul(size, 2, &size))
			size = need;
	b->p = xreallocarray(b->p, size, 1);
	b->p[b->n] = '\0';
	b->size = size;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	if (n == 0)
		return;
	buf_reserve(b, n);
	memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = '\0';
}

void buf_add_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_add_slice(struct buf *b, struct slice s)
{
	buf_add(b, s.p, s.n);
}

void buf_add_char(struct buf *b, char c)
{
	if (b->n + 1 >= b->size)
		buf_reserve(b, 1);
	b->p[b->n++] = c;
	b->p[b->n] = '\0';
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	must(n >= 0);
	if (n == 0)
		return;
	buf_reserve(b, (size_t)n);
	(void)vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
	b->n += (size_t)n;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

void buf_drop_front(struct buf *b, size_t n)
{
	must(n <= b->n);
	if (n == 0)
		return;
	b->n -= n;
	memmove(b->p, b->p + n, b->n + 1);
}

void buf_clear(struct buf *b)
{
	b->n = 0;
	if (b->p != NULL)
		b->p[0] = '\0';
}

char *buf_steal(struct buf *b)
{
	char *p = b->p;

	*b = BUF_NULL;
	return p == NULL ? xstrdup("") : p;
}

void strv_fini(struct strv *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = STRV_NULL;
}

void strv_take(struct strv *l, char *s)
{
	size_t places;

	must(s != NULL && size_add(l->n, 2, &places));
	l->v = xreallocarray(l->v, places, sizeof(l->v[0]));
	l->v[l->n++] = s;
	l->v[l->n] = NULL;
}

void strv_add(struct strv *l, const char *s)
{
	strv_take(l, xstrdup(s));
}

void strv_addf(struct strv *l, const char *fmt, ...)
{
	struct buf b = BUF_NULL;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	strv_take(l, buf_steal(&b));
}

void strv_copy(struct strv *dst, const struct strv *src)
{
	/* The count is read once: a list may be copied to its own end. */
	for (size_t i = 0, n = src->n; i < n; i++)
		strv_add(dst, src->v[i]);
}

bool strv_has(const struct strv *l, const char *s)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i], s) == 0)
			return true;
	return false;
}
