/* SPDX-License-Identifier: MIT */
/*
 * tests/lib/scratch.h - a folder of a test's own, and work done in a child process.
 */
#ifndef PYLON_TESTS_LIB_SCRATCH_H
#define PYLON_TESTS_LIB_SCRATCH_H

#include "base/str.h"

struct scratch;

/* For cmocka_unit_test_setup_teardown(): *state becomes a struct scratch. */
int scratch_setup(void **state);
int scratch_teardown(void **state);

/* The folder, and the path of a name in it (both live as long as the scratch). */
const char *scratch_dir(const struct scratch *s);
const char *scratch_path(struct scratch *s, const char *name);
/* Writes a file into it; returns its path. */
const char *scratch_file(struct scratch *s, const char *name, const char *content);
/* All bytes of a file; the caller frees. Fails the test when there is none. */
char *scratch_read(const char *path);

/* Runs fn in a child process and returns waitpid's status. */
int scratch_fork(void (*fn)(void *ctx), void *ctx);
/* Same, with the rights of nobody in particular when we are root. */
int scratch_fork_unprivileged(void (*fn)(void *ctx), void *ctx);
/* Ends a child of scratch_fork() with a failure when the claim does not hold. */
void child_check(bool claim, const char *what);
#define CHILD_CHECK(claim) child_check(claim, #claim)

#endif
