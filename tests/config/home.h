/* SPDX-License-Identifier: MIT */
/*
 * tests/config/home.h - a $PYLON_HOME of a test's own, and one file read without any home.
 */
#ifndef PYLON_TESTS_CONFIG_HOME_H
#define PYLON_TESTS_CONFIG_HOME_H

#include "base/str.h"
#include "config/config-internal.h"

/* --- a home on disk --- */

struct home {
	char *dir;             /* the test's folder */
	char *path;            /* $PYLON_HOME below it */
	struct config *config; /* of the last load; NULL = unusable */
	struct problems problems;
};

/* For cmocka_unit_test_setup_teardown(): *state becomes a struct home. HOME is <dir>/user,
 * PYLON_HOME, DOCKER_HOST and XDG_RUNTIME_DIR are not set. */
int home_setup(void **state);
int home_teardown(void **state);

/* Writes a file below the home, with its folders; returns nothing: failing fails the test. */
void home_write(struct home *h, const char *name, const char *text);
/* The path of a name below the home; heap. */
char *home_at(const struct home *h, const char *name);
/* Loads it (again); true when there is a snapshot. */
bool home_load(struct home *h);
const struct pylon_config *home_pylon(const struct home *h, const char *name);
/* Fails unless the n-th problem prints as this, with the home's path left out. */
void home_expect(const struct home *h, size_t n, const char *text);

/* --- one file --- */

struct one {
	struct env_file own, shared;
	struct env env;
	struct global global;
	struct config *config;
	struct pylon_config *pylon; /* NULL = broken */
	struct problems problems;
};

/* Reads config.yaml (in a home that does not exist). */
void one_global(struct one *o, const char *yaml);
/* Reads a pylon named "c" whose global configuration is that of one_global(), or all defaults. */
void one_pylon(struct one *o, const char *yaml);
/* The same with bytes. */
void one_pylon_bytes(struct one *o, const char *p, size_t n);
void one_fini(struct one *o);

/* Reads a pylon.yaml (config.yaml) and fails unless it is fine. */
void expect_fine(const char *yaml);
void expect_global_fine(const char *yaml);
/* ... unless exactly these problems are told, one a line, without the file's name. */
void expect_problems(const char *yaml, const char *text);
void expect_global_problems(const char *yaml, const char *text);
/* The problems as expect_problems() compares them; heap. */
char *problems_text(const struct problems *p);

#endif
