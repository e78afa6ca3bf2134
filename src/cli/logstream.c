/* SPDX-License-Identifier: MIT */
/*
 * cli/logstream.c - a job's output on somebody's terminal.
 *
 * Agents print what strangers wrote to them. Whole lines are cleaned, because an escape sequence or
 * a character may be split between two pieces of the stream; a line longer than LINE_MAX_BYTES is
 * cut between characters.
 */
#include <stdio.h>

#include "base/limits.h"
#include "cli/commands-internal.h"

#define LINE_MAX_BYTES KIB(16)

static void flush_line(struct log_output *o, size_t n)
{
	CLEANUP(buf_fini) struct buf clean = BUF_NULL;

	utf8_clean(&clean, o->line.p, n);
	(void)fwrite(buf_str(&clean), 1, clean.n, stdout);
	buf_drop_front(&o->line, n);
}

/* Never inside a character: continuation bytes stay with the next piece. */
static size_t cut_point(const struct buf *line)
{
	size_t n = LINE_MAX_BYTES;

	while (n > LINE_MAX_BYTES - 4 && ((unsigned char)line->p[n] & 0xC0) == 0x80)
		n--;
	return n;
}

static void flush_lines(struct log_output *o)
{
	while (o->line.n > 0) {
		char *end = memrchr(o->line.p, '\n', o->line.n);

		if (end != NULL)
			flush_line(o, (size_t)(end - o->line.p) + 1);
		else if (o->line.n > LINE_MAX_BYTES)
			flush_line(o, cut_point(&o->line));
		else
			break;
	}
	(void)fflush(stdout);
}

bool log_output_add(void *ctx, struct slice data)
{
	struct log_output *o = ctx;

	if (o->is_raw) {
		(void)fwrite(data.p, 1, data.n, stdout);
		(void)fflush(stdout);
	} else {
		buf_add_slice(&o->line, data);
		flush_lines(o);
	}
	return !ferror(stdout);
}

void log_output_end(struct log_output *o)
{
	if (o->line.n > 0) {
		flush_line(o, o->line.n);
		(void)putchar('\n');
	}
	(void)fflush(stdout);
	buf_fini(&o->line);
}
