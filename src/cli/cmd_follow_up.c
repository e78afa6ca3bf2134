/* SPDX-License-Identifier: MIT */
/*
 * cli/cmd_follow_up.c - `pylon follow-up`: a new run that goes on with the session of a subagent
 * that is over.
 */
#include "cli/work-internal.h"

int cmd_follow_up(struct cli *c, int argc, char **argv)
{
	bool wait = false;
	const struct cli_option options[] = {{.name = "--wait", .flag = &wait}};
	CLEANUP(js_freep) struct js *body = js_object();
	CLEANUP(buf_fini) struct buf prompt = BUF_NULL;
	CLEANUP(freep) char *path = NULL;
	int r = cli_options(c, &argc, argv, options, ARRAY_LEN(options));

	if (r == EXIT_OK && argc > 3)
		return cli_usage(c, "too many words: put the text in quotes");
	if (r == EXIT_OK)
		r = cli_want_args(c, argc, 1, 2);
	if (r == EXIT_OK)
		r = cli_want_id(c, "run", argv[1]);
	if (r == EXIT_OK && argc == 3)
		r = cli_read_text(c, argv[2], &prompt);
	if (r != EXIT_OK)
		return r;
	if (argc == 3)
		js_set_str(body, "prompt", buf_str(&prompt));
	path = xasprintf("/%s/follow-up", argv[1]);
	return work_start(c, path, body, wait);
}
