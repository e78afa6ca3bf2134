/* SPDX-License-Identifier: MIT */
/*
 * tests/cli/home.h - a $PYLON_HOME of the test's own, and commands run on it.
 */
#ifndef PYLON_TESTS_CLI_HOME_H
#define PYLON_TESTS_CLI_HOME_H

#include "cli/commands-internal.h"
#include "config/config.h"
#include "lib/t.h"

struct home {
	char *dir;       /* the test's folder */
	char *home;      /* $PYLON_HOME in it */
	char *out, *err; /* what the last command wrote */
	int status;
};

/* For cmocka_unit_test_setup_teardown(): *state becomes a struct home. */
int home_setup(void **state);
int home_teardown(void **state);

void home_add_file(const struct home *h, const char *name, const char *text);
/* Contents of a file below $PYLON_HOME; free() it. */
char *home_read_file(const struct home *h, const char *name);
bool home_has(const struct home *h, const char *name);

/* Runs `pylon --home=... words`; standard input is `input` (NULL = nothing). */
void home_run(struct home *h, const char *input, const char *const *words);
#define RUN(h, ...) home_run(h, NULL, (const char *const[]){__VA_ARGS__, NULL})

/* Fails with what there is unless it has this part. */
void expect_part(const char *text, const char *part);
void expect_no_part(const char *text, const char *part);

/* The configuration as it is, with its problems told in h->err; the caller frees it. */
struct config *home_config(struct home *h);

#endif
