/* SPDX-License-Identifier: MIT */
/* Lines out of a stream: see lines_internal.h. */
#include "runner/lines_internal.h"

void lines_reset(struct lines *l)
{
	l->is_skipped = false;
	buf_clear(&l->line);
}

void lines_end(struct lines *l, line_fn *fn, void *ctx)
{
	if (!l->is_skipped && l->line.n > 0)
		fn(ctx, buf_slice(&l->line));
	lines_reset(l);
}

void lines_feed(struct lines *l, struct slice data, line_fn *fn, void *ctx)
{
	while (data.n > 0) {
		const char *end = memchr(data.p, '\n', data.n);
		size_t n = end == NULL ? data.n : (size_t)(end - data.p);

		if (l->line.n + n > LINE_MAX_BYTES)
			l->is_skipped = true;
		if (!l->is_skipped)
			buf_add(&l->line, data.p, n);
		if (end == NULL)
			return;
		lines_end(l, fn, ctx);
		data.p += n + 1;
		data.n -= n + 1;
	}
}

void lines_fini(struct lines *l)
{
	buf_fini(&l->line);
	l->is_skipped = false;
}
