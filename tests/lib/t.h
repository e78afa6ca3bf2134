/* SPDX-License-Identifier: MIT */
/*
 * lib/t.h - what every cmocka test needs: the headers in the order cmocka wants, and a folder of
 * its own.
 */
#ifndef PYLON_TESTS_T_H
#define PYLON_TESTS_T_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/file.h"
#include "base/str.h"

/* A fresh folder below $TMPDIR; t_folder_remove() it. */
static inline char *t_folder(void)
{
	const char *tmp = getenv("TMPDIR");
	char *path = xasprintf("%s/pylon-test-XXXXXX", str_is_empty(tmp) ? "/tmp" : tmp);

	assert_non_null(mkdtemp(path));
	return path;
}

static inline void t_folder_remove(char *path)
{
	struct err e = CLEAN_ERR;

	assert_int_equal(tree_remove(path, &e), 0);
	free(path);
}

#endif
