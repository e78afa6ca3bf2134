/* SPDX-License-Identifier: MIT */
/* Removes folders of any size a little at a time, so that the loop is never held up. */
#ifndef WORKSPACE_TRASH_INTERNAL_H
#define WORKSPACE_TRASH_INTERNAL_H

#include "base/err.h"
#include "loop/loop.h"

struct trash;

/* `dir` is the trash's own folder, on the same file system as what is thrown into it; made when it
 * is first needed. What an earlier process left in it is removed too. Borrows the loop. */
struct trash *trash_new(struct loop *l, const char *dir);
/* Leaves the rest to the next process. */
void trash_free(struct trash *t);
DEFINE_FREEP(struct trash, trash_free)

/* Moves what is at `path` (in one step, so that the name is free at once) and removes it later.
 * Fine when nothing is there. */
NODISCARD int trash_take(struct trash *t, const char *path, struct err *e);
/* The same, where nobody can do anything about a failure: it is logged. */
void trash_drop(struct trash *t, const char *path);

#endif
