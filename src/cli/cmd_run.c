/* SPDX-License-Identifier: MIT */
/*
 * cli/cmd_run.c - `pylon run`: a command in the background, which goes on whatever becomes of this
 * terminal and of the daemon.
 *
 * The command stands behind "--", because global options may stand anywhere before it.
 */
#include "cli/work-internal.h"

static int set_command(struct js *o, const struct strv *command)
{
	struct js *argv = js_array();
	int r = EXIT_OK;

	for (size_t i = 0; i < command->n; i++) {
		if (!utf8_is_valid(command->v[i], strlen(command->v[i])))
			r = cli_fail(EXIT_FAILED, "word %zu of the command is not UTF-8", i + 1);
		js_add_str(argv, command->v[i]);
	}
	js_set_take(o, "argv", argv);
	return r;
}

int cmd_run(struct cli *c, int argc, char **argv)
{
	CLEANUP(work_options_fini) struct work_options w = {0};
	const struct cli_option options[] = {WORK_OPTIONS(&w)};
	CLEANUP(strv_fini) struct strv command = STRV_NULL;
	CLEANUP(js_freep) struct js *body = NULL;
	int words = cli_cut_command(argc, argv, &command);
	int r = cli_options(c, &words, argv, options, ARRAY_LEN(options));

	if (r == EXIT_OK && words > 1)
		return cli_usage(c, "the command stands behind --");
	if (r == EXIT_OK && (command.n == 0 || command.v[0][0] == '\0'))
		return cli_usage(c, "which command? It stands behind --");
	if (r == EXIT_OK)
		r = work_read(c, &w, &body);
	if (r == EXIT_OK)
		r = set_command(body, &command);
	return r == EXIT_OK ? work_start(c, "", body, w.wait) : r;
}
