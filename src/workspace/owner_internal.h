/* SPDX-License-Identifier: MIT */
/* Gives a whole folder to the user of a container, a little at a time. */
#ifndef WORKSPACE_OWNER_INTERNAL_H
#define WORKSPACE_OWNER_INTERNAL_H

#include "base/err.h"
#include "loop/loop.h"

struct owner_walk;
/* Once, never from inside; the walk goes with it: forget it there, first of all. */
typedef void owner_done_fn(void *ctx, int rc, const char *text);

/* All below and including `dir` gets that user and group; where we may not (or uid is -1: nobody
 * knows who it will be) everybody gets the rights that its owner has. Links are changed, never
 * followed. */
struct owner_walk *owner_walk_new(
	struct loop *l, const char *dir, uid_t uid, gid_t gid, owner_done_fn *done, void *ctx);
/* Stops it; `done` is not called. */
void owner_walk_free(struct owner_walk *w);
DEFINE_FREEP(struct owner_walk, owner_walk_free)

#endif
