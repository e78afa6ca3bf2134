/* SPDX-License-Identifier: MIT */
/*
 * mcp/inbox_internal.h - messages out of a stream of bytes: each is a line of at most
 * MCP_MESSAGE_MAX bytes without its newline. Pure; memory follows what came.
 */
#ifndef PYLON_MCP_INBOX_INTERNAL_H
#define PYLON_MCP_INBOX_INTERNAL_H

#include "base/limits.h"
#include "base/str.h"

/* A reader; zeroed is its start value. */
struct inbox {
	struct buf line;  /* the beginning of the next one */
	bool is_skipping; /* the rest of one that is too long */
};

/* `line` is NULL for one that is too long: told when its limit is passed, once. */
typedef void inbox_fn(void *ctx, const struct slice *line);

void inbox_feed(struct inbox *l, struct slice data, inbox_fn *fn, void *ctx);
/* The stream is over: what is left is a line, too. */
void inbox_end(struct inbox *l, inbox_fn *fn, void *ctx);
void inbox_fini(struct inbox *l);

#endif
