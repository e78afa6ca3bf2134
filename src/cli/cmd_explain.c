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
	int r = cli_options(c, &argc, argv, NULL, 0);

	if (r == EXIT_OK)
		r = cli_want_args(c, argc, 1, 1);
	if (r == EXIT_OK)
		r = cli_want_id(c, "job", argv[1]);
	if (r == EXIT_OK)
		r = cli_get(c, &j, "/api/jobs/%s/explain", argv[1]);
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
