/* SPDX-License-Identifier: MIT */
/*
 * cli/cmd_logs.c - `pylon logs`: what a job printed so far, or as it prints it.
 */
#include <errno.h>
#include <stdio.h>

#include "cli/commands-internal.h"

#define TAIL_MAX 100000

struct logs {
	bool follow, raw;
	const char *tail;
};

static int stream_log(struct cli *c, const struct logs *l, const char *id)
{
	CLEANUP(buf_fini) struct buf path = BUF_NULL;
	CLEANUP(client_closep) struct client *client = NULL;
	CLEANUP(client_answer_fini) struct client_answer answer = {0};
	struct log_output out = {.is_raw = l->raw};
	struct err e = CLEAN_ERR;
	int r = cli_connect(c, &client);

	if (r != EXIT_OK)
		return r;
	buf_printf(&path, "/api/jobs/%s/log?follow=%d", id, l->follow ? 1 : 0);
	if (l->tail != NULL)
		buf_printf(&path, "&tail=%s", l->tail);
	r = client_stream(client, buf_str(&path), log_output_add, &out, &answer, &e);
	log_output_end(&out);
	if (r < 0)
		return cli_fail(EXIT_TRY_AGAIN,
			"the log ended early (%s); the job goes on: run the same command again",
			e.text);
	if (answer.status != 200)
		return cli_refused(c, answer.status, buf_slice(&answer.body));
	return EXIT_OK;
}

static int tell_state(struct cli *c, const char *id)
{
	CLEANUP(js_freep) struct js *j = NULL;
	int r = cli_get(c, &j, "/api/jobs/%s", id);
	const char *state = js_get_str(j, "state");

	if (r == EXIT_OK && state != NULL)
		cli_say(c, "job %.*s is %s", SHORT_ID, id, state);
	return r;
}

static int show_logs(struct cli *c, const struct logs *l, const char *prefix)
{
	CLEANUP(js_freep) struct js *j = NULL;
	const char *id;
	int r = cli_get(c, &j, "/api/jobs/%s", prefix);

	if (r != EXIT_OK)
		return r;
	id = js_get_str(j, "id");
	if (id == NULL)
		return cli_fail(EXIT_FAILED, "the daemon's answer is no job");
	if (!c->json)
		cli_say_waiting(c, j);
	r = stream_log(c, l, id);
	if (r == EXIT_OK && l->follow)
		r = tell_state(c, id);
	return r;
}

int cmd_logs(struct cli *c, int argc, char **argv)
{
	struct logs l = {0};
	const struct cli_option options[] = {
		{.name = "--follow", .alias = "-f", .flag = &l.follow},
		{.name = "--tail", .alias = "-n", .value = &l.tail},
		{.name = "--raw", .flag = &l.raw},
	};
	int r = cli_options(c, &argc, argv, options, ARRAY_LEN(options));

	if (r == EXIT_OK)
		r = cli_want_args(c, argc, 1, 1);
	if (r == EXIT_OK)
		r = cli_want_id(c, "job", argv[1]);
	if (r == EXIT_OK && l.tail != NULL)
		r = cli_want_number(c, "--tail", l.tail, TAIL_MAX);
	return r == EXIT_OK ? show_logs(c, &l, argv[1]) : r;
}
