/* SPDX-License-Identifier: MIT */
/*
 * cli/cmd_trigger.c - `pylon trigger`: runs a pylon by hand, through the API.
 */
#include <stdio.h>

#include "cli/commands-internal.h"

int cli_trigger(struct cli *c, const char *name, const char *body, struct js **ret)
{
	CLEANUP(freep) char *path = xasprintf("/api/pylons/%s/trigger", name);

	return cli_call(c, "POST", path, body == NULL ? "{}" : body, ret);
}

int cli_finish_trigger(struct cli *c, const struct js *answer, bool wait)
{
	const char *id = js_get_str(answer, "job_id");
	const char *status = js_get_str(answer, "status");

	if (id == NULL) {
		cli_say(c, "no job was made: %s", status == NULL ? "?" : status);
		return EXIT_OK;
	}
	if (wait)
		return cli_wait_job(c, id);
	if (!c->json)
		cli_say(c, "watch it: pylon logs -f %.*s", SHORT_ID, id);
	return EXIT_OK;
}

int cmd_trigger(struct cli *c, int argc, char **argv)
{
	const char *body = NULL;
	bool wait = false;
	const struct cli_option options[] = {
		{.name = "--body", .value = &body},
		{.name = "--wait", .flag = &wait},
	};
	CLEANUP(js_freep) struct js *answer = NULL;
	int r = cli_options(c, &argc, argv, options, ARRAY_LEN(options));

	if (r == EXIT_OK)
		r = cli_want_args(c, argc, 1, 1);
	if (r == EXIT_OK)
		r = cli_want_name(c, argv[1]);
	if (r == EXIT_OK && body != NULL)
		r = cli_want_object(c, "--body", body);
	if (r == EXIT_OK)
		r = cli_trigger(c, argv[1], body, &answer);
	if (r != EXIT_OK)
		return r;
	if (c->json && !wait)
		cli_print_json(answer);
	else if (!c->json && js_get_str(answer, "job_id") != NULL)
		(void)printf("%s\n", js_get_str(answer, "job_id"));
	return cli_finish_trigger(c, answer, wait);
}
