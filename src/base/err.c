/* SPDX-License-Identifier: MIT */
/*
 * base/err.c - filling a struct err.
 *
 * A text that is too long is cut at its end, between two characters; the newest context stands in
 * front and therefore stays. The text of an earlier failure may be an argument of the next one.
 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

/* Takes a half character off the end of a text that was cut, and newlines off any text. */
static void tidy_end(char *text, bool was_cut)
{
	size_t n = strlen(text);

	if (was_cut) {
		size_t start = n;

		while (start > 0 && n - start < 4 &&
			((unsigned char)text[start - 1] & 0xC0) == 0x80)
			start--;
		if (start > 0 && ((unsigned char)text[start - 1] & 0xC0) == 0xC0)
			start--;
		if (start < n && utf8_len(text + start, n - start) != n - start)
			n = start;
	}
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		n--;
	text[n] = '\0';
}

static void PRINTF(2, 0) print_text(char text[ERR_TEXT_MAX], const char *fmt, va_list ap)
{
	int n = vsnprintf(text, ERR_TEXT_MAX, fmt, ap);

	if (n < 0)
		text[0] = '\0';
	tidy_end(text, n >= ERR_TEXT_MAX);
}

/* Puts front, separator and back together in *e, cutting at the end. */
static void join_text(struct err *e, const char *front, const char *back)
{
	int n = snprintf(e->text, sizeof(e->text), "%s: %s", front, back);

	tidy_end(e->text, n >= ERR_TEXT_MAX);
}

int err_set_at(struct err *e, int code, const char *file, int line, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list ap;

	if (e == NULL)
		return code;
	va_start(ap, fmt);
	print_text(text, fmt, ap);
	va_end(ap);
	e->code = code;
	e->file = file;
	e->line = line;
	(void)str_copy(e->text, sizeof(e->text), text);
	return code;
}

int err_errno_at(struct err *e, const char *file, int line, const char *fmt, ...)
{
	/* A caller that says "this call failed" is believed even when errno says nothing. */
	int number = errno > 0 ? errno : EIO;
	const char *reason = strerrordesc_np(number);
	char text[ERR_TEXT_MAX];
	va_list ap;

	if (e == NULL)
		return -number;
	va_start(ap, fmt);
	print_text(text, fmt, ap);
	va_end(ap);
	e->code = -number;
	e->file = file;
	e->line = line;
	join_text(e, text, reason == NULL ? "unknown error" : reason);
	return -number;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	char front[ERR_TEXT_MAX], back[ERR_TEXT_MAX];
	va_list ap;

	if (e == NULL)
		return -EIO;
	va_start(ap, fmt);
	print_text(front, fmt, ap);
	va_end(ap);
	(void)str_copy(back, sizeof(back), e->text);
	join_text(e, front, back);
	return e->code;
}
