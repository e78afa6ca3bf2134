/* SPDX-License-Identifier: MIT */
/*
 * cli/cmd_rerun.c - `pylon rerun`: the same background work once more, from the beginning, as a new
 * run.
 */
#include "cli/work-internal.h"

int cmd_rerun(struct cli *c, int argc, char **argv)
{
	bool wait = false;
	const struct cli_option options[] = {{.name = "--wait", .flag = &wait}};
	CLEANUP(js_freep) struct js *body = js_object();
	CLEANUP(freep) char *path = NULL;
	int r = cli_options(c, &argc, argv, options, ARRAY_LEN(options));

	if (r == EXIT_OK)
		r = cli_want_args(c, argc, 1, 1);
	if (r == EXIT_OK)
		r = cli_want_id(c, "run", argv[1]);
	if (r != EXIT_OK)
		return r;
	path = xasprintf("/%s/rerun", argv[1]);
	return work_start(c, path, body, wait);
}
