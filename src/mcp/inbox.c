/* SPDX-License-Identifier: MIT */
/*
 * mcp/inbox.c - see inbox_internal.h. The newline within a JSON text is always escaped, so none
 * can end a message early.
 */
#include "mcp/inbox_internal.h"

static void add(struct inbox *l, struct slice part, inbox_fn *fn, void *ctx)
{
	if (l->is_skipping)
		return;
	if (part.n > MCP_MESSAGE_MAX - l->line.n) {
		l->is_skipping = true;
		buf_fini(&l->line);
		fn(ctx, NULL);
		return;
	}
	buf_add_slice(&l->line, part);
}

static void end_line(struct inbox *l, inbox_fn *fn, void *ctx)
{
	struct slice line = buf_slice(&l->line);

	if (!l->is_skipping)
		fn(ctx, &line);
	l->is_skipping = false;
	buf_clear(&l->line);
}

void inbox_feed(struct inbox *l, struct slice data, inbox_fn *fn, void *ctx)
{
	while (data.n > 0) {
		const char *end = memchr(data.p, '\n', data.n);
		size_t n = end == NULL ? data.n : (size_t)(end - data.p);

		add(l, (struct slice){data.p, n}, fn, ctx);
		if (end == NULL)
			return;
		end_line(l, fn, ctx);
		data.p += n + 1;
		data.n -= n + 1;
	}
}

void inbox_end(struct inbox *l, inbox_fn *fn, void *ctx)
{
	if (l->line.n > 0)
		end_line(l, fn, ctx);
	l->is_skipping = false;
}

void inbox_fini(struct inbox *l)
{
	buf_fini(&l->line);
}
