/* SPDX-License-Identifier: MIT */
/*
 * base/str.h - slices, a growable buffer, and the few string questions everybody asks.
 *
 * A `struct slice` borrows bytes (no NUL is promised) and lives as long as their owner. A
 * `struct buf` owns its bytes and always keeps a NUL after them. All sizes are bytes.
 */
#ifndef PYLON_BASE_STR_H
#define PYLON_BASE_STR_H

#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "base/base.h"

struct slice {
	const char *p;
	size_t n;
};

#define SLICE_NULL   ((struct slice){NULL, 0})
#define SLICE_LIT(s) ((struct slice){("" s), sizeof(s) - 1})
/* For printf("%.*s", SLICE_ARG(s)). */
#define SLICE_ARG(s) (int)(s).n, (s).p

static inline struct slice slice_of(const char *s)
{
	return (struct slice){s, s == NULL ? 0 : strlen(s)};
}

static inline bool slice_eq(struct slice a, struct slice b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool slice_eq_str(struct slice a, const char *s)
{
	return slice_eq(a, slice_of(s));
}

/* ASCII case is ignored (header names). */
bool slice_eq_nocase(struct slice a, const char *s);
bool slice_has_prefix(struct slice a, const char *prefix);
/* Without ASCII space and tab at both ends. */
struct slice slice_trim(struct slice s);
/* Decimal digits only, no sign, no space; false when empty, foreign or larger than max. */
bool slice_to_u64(struct slice s, uint64_t max, uint64_t *ret);
/* A heap copy with a NUL. */
char *slice_dup(struct slice s) ALLOCATES;

static inline bool str_eq(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static inline bool str_is_empty(const char *s)
{
	return s == NULL || *s == '\0';
}

bool str_has_prefix(const char *s, const char *prefix);
bool str_has_suffix(const char *s, const char *suffix);
/* Copies at most size-1 bytes and a NUL; returns false when s was cut. */
bool str_copy(char *dst, size_t size, const char *s);
/* Frees *where and puts a copy of s (NULL: nothing) in its place. */
void str_replace(char **where, const char *s);
/* How near two words are (optimal string alignment distance), for "did you mean". */
unsigned str_distance(const char *a, const char *b);

/* A growable buffer; start it with BUF_NULL, end it with buf_fini(). */
struct buf {
	char *p;     /* NULL until the first byte; p[n] is NUL afterwards */
	size_t n;    /* bytes in use */
	size_t size; /* bytes allocated */
};

#define BUF_NULL ((struct buf){NULL, 0, 0})

void buf_fini(struct buf *b);
void buf_reserve(struct buf *b, size_t more);
void buf_add(struct buf *b, const void *p, size_t n);
void buf_add_str(struct buf *b, const char *s);
void buf_add_slice(struct buf *b, struct slice s);
void buf_add_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) PRINTF(2, 0);
/* Drops the first n bytes. */
void buf_drop_front(struct buf *b, size_t n);
/* Empties it but keeps the memory. */
void buf_clear(struct buf *b);
/* Hands the bytes to the caller (free()); never NULL; the buffer is empty afterwards. */
char *buf_steal(struct buf *b) __attribute__((returns_nonnull, warn_unused_result));

static inline struct slice buf_slice(const struct buf *b)
{
	return (struct slice){b->p, b->n};
}

static inline const char *buf_str(const struct buf *b)
{
	return b->p == NULL ? "" : b->p;
}

/* A growable list of heap strings, NULL-terminated once it holds one (so it can be an argv). */
struct strv {
	char **v;
	size_t n;
};

#define STRV_NULL ((struct strv){NULL, 0})

void strv_fini(struct strv *l);
void strv_add(struct strv *l, const char *s);
void strv_take(struct strv *l, char *s);
void strv_addf(struct strv *l, const char *fmt, ...) PRINTF(2, 3);
void strv_copy(struct strv *dst, const struct strv *src);
bool strv_has(const struct strv *l, const char *s);

/* True when the bytes are well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool utf8_is_valid(const char *p, size_t n);
/* Length in bytes of the well-formed character at p (1-4), 0 when it is not one. */
size_t utf8_len(const char *p, size_t n);
/* Appends text made safe for a terminal, a log line or a chat: ill-formed UTF-8 becomes U+FFFD;
 * controls other than \n and \t, bidi controls and zero-width characters are left out; ANSI escape
 * sequences go with their ESC. */
void utf8_clean(struct buf *out, const char *p, size_t n);

#endif
