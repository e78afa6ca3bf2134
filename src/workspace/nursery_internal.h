/* SPDX-License-Identifier: MIT */
/*
 * Where checkouts grow: <jobs>/.new-<token>/, one for each process that makes any.
 *
 * Its process holds a lock on it for as long as it lives, so one without a lock is what a crash
 * left, and goes.
 */
#ifndef WORKSPACE_NURSERY_INTERNAL_H
#define WORKSPACE_NURSERY_INTERNAL_H

#include "workspace/trash_internal.h"

struct nursery;
/* Makes ours and throws away those of the dead. NULL with *e. Borrows the trash. */
struct nursery *nursery_new(const char *jobs_dir, struct trash *trash, struct err *e);
/* Removes it when it is empty; else the next process does. */
void nursery_free(struct nursery *n);
DEFINE_FREEP(struct nursery, nursery_free)
const char *nursery_dir(const struct nursery *n);

#endif
