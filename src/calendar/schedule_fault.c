/* SPDX-License-Identifier: MIT */
/*
 * calendar/schedule_fault.c - shows where a text was not understood:
 *
 *     "dya" is not understood here
 *       every dya at 9
 *             ^
 *     did you mean "day"?
 *
 * The text is foreign: what is not a visible character is shown as "?", and of a long one only the
 * part around the place.
 */
#include "calendar/schedule.h"

#define AROUND 60 /* bytes before and behind the place */

static size_t character_length(const char *p, size_t n)
{
	size_t length = utf8_len(p, n);

	return length == 0 ? 1 : length;
}

/* One character, or "?" when it cannot be shown; it takes one column in either case. */
static void print_character(struct buf *out, const char *p, size_t n)
{
	CLEANUP(buf_fini) struct buf clean = BUF_NULL;

	if (n == 1 && *p >= ' ' && *p < 0x7f) {
		buf_add_char(out, *p);
		return;
	}
	utf8_clean(&clean, p, n);
	if (n > 1 && clean.n == n && memcmp(clean.p, p, n) == 0)
		buf_add(out, p, n);
	else
		buf_add_char(out, '?');
}

/* Moves to the start of the character that byte belongs to. */
static size_t character_start(struct slice text, size_t at)
{
	while (at > 0 && at < text.n && ((unsigned char)text.p[at] & 0xc0U) == 0x80)
		at--;
	return at;
}

/* Prints the window; returns how many columns lie before byte `place`. */
static size_t print_window(struct buf *out, struct slice text, size_t place)
{
	size_t from = character_start(text, place > AROUND ? place - AROUND : 0);
	size_t to = MIN_OF(text.n, place + AROUND), columns = 0, before = 0;

	if (from > 0) {
		buf_add_str(out, "...");
		columns = 3;
	}
	before = columns;
	for (size_t i = from; i < to;) {
		size_t n = character_length(text.p + i, text.n - i);

		print_character(out, text.p + i, n);
		i += n;
		columns++;
		if (i <= place)
			before = columns;
	}
	if (to < text.n)
		buf_add_str(out, "...");
	return before;
}

void schedule_fault_print(struct buf *out, struct slice text, const struct schedule_fault *f)
{
	size_t before;

	buf_printf(out, "%s\n  ", f->text);
	before = print_window(out, text, MIN_OF(f->column, text.n));
	buf_printf(out, "\n  %*s^", (int)before, "");
	if (f->hint[0] != '\0')
		buf_printf(out, "\n%s", f->hint);
}
