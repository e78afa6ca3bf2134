/* SPDX-License-Identifier: MIT */
/*
 * base/err.h - a failure with its story.
 *
 * Four kinds of "no" are never mixed (docs/style.md): our bug (must()), a failure (this file), a
 * documented condition (a positive ROOM_E_* value that the direct caller handles), and a domain
 * result (data in a row).
 *
 * A function that can fail takes `struct err *e` last, returns a negative errno value and fills
 * *e; callers add context in front with err_wrap() and pass the value up unchanged. `struct err`
 * lives on the caller's stack, owns nothing, and need not be freed. `e` may be NULL where the
 * caller does not care for the text.
 */
#ifndef PYLON_BASE_ERR_H
#define PYLON_BASE_ERR_H

#include <errno.h>

#include "base/base.h"

#define ERR_TEXT_MAX 512

struct err {
	int code;         /* negative errno value; 0 = no failure */
	const char *file; /* where it was first noticed */
	int line;
	char text[ERR_TEXT_MAX]; /* "context: context: cause", never with a newline at the end */
};

/* Start value: CLEAN_ERR is "no failure". */
#define CLEAN_ERR ((struct err){0})

/* Makes sure that a failure is negative, in a way that compiler and analysers see, too. */
static inline int err_negative(int rc)
{
	return rc < 0 ? rc : -EIO;
}

/* Fills *e with code (a negative errno) and a formatted text; returns code. */
#define err_set(e, code, ...) err_negative(err_set_at(e, code, __FILE__, __LINE__, __VA_ARGS__))
int err_set_at(struct err *e, int code, const char *file, int line, const char *fmt, ...)
	PRINTF(5, 6);

/* The same for the current errno: the text gets ": <strerror>" at its end. Returns -errno. */
#define err_errno(e, ...) err_negative(err_errno_at(e, __FILE__, __LINE__, __VA_ARGS__))
int err_errno_at(struct err *e, const char *file, int line, const char *fmt, ...) PRINTF(4, 5);

/* Puts "context: " in front of the text of *e; returns e->code (or -EIO when e is NULL). */
int err_wrap(struct err *e, const char *fmt, ...) PRINTF(2, 3);

#endif
