/* SPDX-License-Identifier: MIT */
/*
 * cli/cmd_version.c - `pylon version`; with --json also which test hooks this build has.
 */
#include <stdio.h>

#include "base/failpoint.h"
#include "cli/commands-internal.h"

#ifndef PYLON_VERSION
#define PYLON_VERSION "dev"
#endif

static void print_version_json(void)
{
	CLEANUP(js_freep) struct js *o = js_object();
	struct js *points = js_array();
	const char *name;

	js_set_str(o, "version", PYLON_VERSION);
#ifdef PYLON_TEST_HOOKS
	js_set_bool(o, "test_hooks", true);
#else
	js_set_bool(o, "test_hooks", false);
#endif
	for (size_t i = 0; (name = failpoint_name(i)) != NULL; i++)
		js_add_str(points, name);
	js_set_take(o, "failpoints", points);
	cli_print_json(o);
}

int cmd_version(struct cli *c, int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		return cli_usage(c, "it takes no words");
	if (c->json)
		print_version_json();
	else
		(void)puts("pylon " PYLON_VERSION);
	return EXIT_OK;
}
