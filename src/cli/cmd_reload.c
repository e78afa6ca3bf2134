/* SPDX-License-Identifier: MIT */
/*
 * cli/cmd_reload.c - `pylon reload`: the daemon reads its whole configuration anew.
 *
 * Pylons are taken over by themselves whenever a file changes; this is for config.yaml, of which a
 * part can change while work goes on.
 */
#include <stdio.h>

#include "cli/commands-internal.h"
#include "config/config.h"

static void print_list(const char *title, const struct js *list)
{
	for (size_t i = 0; i < js_len(list); i++) {
		const char *text = js_str(js_at(list, i));

		if (i == 0)
			(void)printf("%s\n", title);
		(void)fputs("  ", stdout);
		cli_print_text(text == NULL ? "" : text);
	}
}

/* The daemon said no; what it found wrong can be read here, too. */
static int tell_why(const struct cli *c, int status)
{
	CLEANUP(config_freep) struct config *config = NULL;
	CLEANUP(problems_fini) struct problems problems = {NULL, 0};

	if (status != EXIT_FAILED || config_load(c->home, &config, &problems, NULL) == 0)
		return status;
	for (size_t i = 0; i < problems.n; i++) {
		CLEANUP(buf_fini) struct buf line = BUF_NULL;

		problem_print(&line, &problems.v[i]);
		(void)cli_fail(EXIT_CONFIG, "%s", buf_str(&line));
	}
	return EXIT_CONFIG;
}

int cmd_reload(struct cli *c, int argc, char **argv)
{
	CLEANUP(js_freep) struct js *answer = NULL;
	size_t problems;
	int r = cli_options(c, &argc, argv, NULL, 0);

	if (r == EXIT_OK)
		r = cli_want_args(c, argc, 0, 0);
	if (r != EXIT_OK)
		return r;
	r = cli_call(c, "POST", "/api/daemon/reload", "{}", &answer);
	if (r != EXIT_OK)
		return tell_why(c, r);
	problems = js_len(js_get(answer, "problems"));
	if (c->json) {
		cli_print_json(answer);
	} else {
		(void)puts(problems == 0 ? "reloaded" : "reloaded, but not all of it");
		print_list("still as before:", js_get(answer, "problems"));
		print_list("need a restart (pylon stop, pylon start):",
			js_get(answer, "restart_needed"));
	}
	return problems == 0 ? EXIT_OK : EXIT_CONFIG;
}
