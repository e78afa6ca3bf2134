/* SPDX-License-Identifier: MIT */
/*
 * cli/cmd_explain.c - `pylon explain`: why a job is where it is, and what one can do.
 */
#include <stdio.h>

#include "cli/commands-internal.h"

int cmd_explain(struct cli *c, int argc, char **argv)
{
	CLEANUP(js_freep) struct js *j = NULL;
	const struct js *hints;
	int r = cli_get_job(c, argc, argv, &j, "/explain");

	if (r != EXIT_OK)
		return r;
	if (c->json) {
		cli_print_json(j);
		return EXIT_OK;
	}
	(void)printf("Job %.*s is %s. ", SHORT_ID, argv[1],
		js_get_str(j, "state") == NULL ? "?" : js_get_str(j, "state"));
	cli_print_text(js_get_str(j, "text") == NULL ? "" : js_get_str(j, "text"));
	hints = js_get(j, "hints");
	for (size_t i = 0; i < js_len(hints); i++)
		cli_print_fact(i == 0 ? "you can:" : "", js_str(js_at(hints, i)));
	return EXIT_OK;
}
