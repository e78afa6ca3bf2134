/* SPDX-License-Identifier: MIT */
/*
 * cli/cmd_decide.c - what people decide about a job: kill, retry, approve, dismiss.
 *
 * Four commands, one act: a POST that names who decided.
 */
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/commands-internal.h"

char *cli_decider(void)
{
	const struct passwd *who = getpwuid(getuid()); /* NOLINT(concurrency-mt-unsafe) */

	if (who != NULL)
		return xasprintf("%.40s (command line)", who->pw_name);
	return xasprintf("uid %u (command line)", (unsigned)getuid());
}

static char *decision_body(void)
{
	CLEANUP(js_freep) struct js *o = js_object();
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	CLEANUP(freep) char *by = cli_decider();

	js_set_str(o, "by", by);
	js_write(&text, o);
	return buf_steal(&text);
}

/* `past` is what was done to it. */
static int decide(
	struct cli *c, const char *prefix, const char *verb, const char *past, struct js **ret)
{
	CLEANUP(freep) char *path = xasprintf("/api/jobs/%s/%s", prefix, verb);
	CLEANUP(freep) char *body = decision_body();
	int r = cli_want_id(c, "job", prefix);
	const char *id, *state;
	bool says_all;

	if (r == EXIT_OK)
		r = cli_call(c, "POST", path, body, ret);
	if (r != EXIT_OK)
		return r;
	id = js_get_str(*ret, "job_id");
	state = js_get_str(*ret, "status");
	says_all = state == NULL || str_has_suffix(past, state); /* "was dismissed" */
	cli_say(c, "job %.*s %s%s%s", SHORT_ID, id == NULL ? prefix : id, past,
		says_all ? "" : ": it is ", says_all ? "" : state);
	return EXIT_OK;
}

static int decide_only(struct cli *c, int argc, char **argv, const char *past)
{
	CLEANUP(js_freep) struct js *answer = NULL;
	int r = cli_options(c, &argc, argv, NULL, 0);

	if (r == EXIT_OK)
		r = cli_want_args(c, argc, 1, 1);
	if (r == EXIT_OK)
		r = decide(c, argv[1], argv[0], past, &answer);
	if (r == EXIT_OK && c->json)
		cli_print_json(answer);
	return r;
}

int cmd_kill(struct cli *c, int argc, char **argv)
{
	return decide_only(c, argc, argv, "was told to stop");
}

int cmd_approve(struct cli *c, int argc, char **argv)
{
	return decide_only(c, argc, argv, "was approved");
}

int cmd_dismiss(struct cli *c, int argc, char **argv)
{
	return decide_only(c, argc, argv, "was dismissed");
}

int cmd_retry(struct cli *c, int argc, char **argv)
{
	bool wait = false;
	const struct cli_option options[] = {{.name = "--wait", .flag = &wait}};
	CLEANUP(js_freep) struct js *answer = NULL;
	const char *id;
	int r = cli_options(c, &argc, argv, options, ARRAY_LEN(options));

	if (r == EXIT_OK)
		r = cli_want_args(c, argc, 1, 1);
	if (r == EXIT_OK)
		r = decide(c, argv[1], "retry", "runs again", &answer);
	if (r != EXIT_OK)
		return r;
	if (c->json && !wait)
		cli_print_json(answer);
	id = js_get_str(answer, "job_id");
	return wait && id != NULL ? cli_wait_job(c, id) : EXIT_OK;
}
