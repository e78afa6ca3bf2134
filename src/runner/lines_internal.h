/* SPDX-License-Identifier: MIT */
/*
 * Lines out of a stream that is cut anywhere: events, builds and pulls send one JSON object a line.
 */
#ifndef RUNNER_LINES_INTERNAL_H
#define RUNNER_LINES_INTERNAL_H

#include "base/limits.h"
#include "base/str.h"

/* A longer line is not about us; it is left out. */
#define LINE_MAX_BYTES KIB(64)

/* Zeroed is the beginning. */
struct lines {
	struct buf line;
	bool is_skipped; /* the present line is too long */
};

/* Called with a line without its newline; it may not touch the `struct lines`. */
typedef void line_fn(void *ctx, struct slice line);

void lines_feed(struct lines *l, struct slice data, line_fn *fn, void *ctx);
/* The stream is over: what follows the last newline is a line too. Afterwards it is at its
 * beginning. */
void lines_end(struct lines *l, line_fn *fn, void *ctx);
/* Forgets a line that was begun. */
void lines_reset(struct lines *l);
void lines_fini(struct lines *l);

#endif
