/* SPDX-License-Identifier: MIT */
/*
 * cli/wait.c - staying with a job until it is over, and ending as it ended.
 */
#include <errno.h>
#include <stdio.h>

#include "cli/commands-internal.h"

/* A daemon that restarts ends the stream; the job goes on. */
#define ROUNDS_MAX 3

int job_exit_status(enum job_state state, int exit_code, bool was_started)
{
	switch (state) {
	case JOB_COMPLETED:
		return EXIT_OK;
	case JOB_TIMED_OUT:
		return EXIT_TIMED_OUT;
	case JOB_FAILED:
	case JOB_CANCELLED:
		if (!was_started)
			return EXIT_NOT_STARTED;
		if (exit_code > 0)
			return exit_code & 0xFF;
		return state == JOB_FAILED ? EXIT_FAILED : EXIT_TERMINATED;
	case JOB_DISMISSED:
	case JOB_EXPIRED:
	case JOB_REJECTED:
		return EXIT_NOT_STARTED;
	case JOB_LOST:
	case JOB_AWAITING_APPROVAL:
	case JOB_QUEUED:
	case JOB_STARTING:
	case JOB_RUNNING:
	case JOB_STATES:
		break;
	}
	return EXIT_FAILED;
}

void cli_say_waiting(struct cli *c, const struct js *job)
{
	const char *state = js_get_str(job, "state");
	const char *waiting = js_get_str(job, "waiting");
	const char *id = js_get_str(job, "id");

	if (id == NULL)
		return;
	if (str_eq(state, "awaiting_approval"))
		cli_say(c, "job %.*s waits for approval: `pylon approve %.*s`", SHORT_ID, id,
			SHORT_ID, id);
	else if (str_eq(state, "queued"))
		cli_say(c, "job %.*s is queued%s%s", SHORT_ID, id,
			str_is_empty(waiting) ? "" : ": ", str_is_empty(waiting) ? "" : waiting);
}

static bool swallow(void *ctx, struct slice data)
{
	(void)ctx;
	(void)data;
	return true;
}

/* Shows the log until it ends; `is_again` shows only what is new. */
static int show_log(struct cli *c, const char *id, bool is_again)
{
	CLEANUP(freep)
	char *path = xasprintf("/api/jobs/%s/log?follow=1%s", id, is_again ? "&tail=0" : "");
	CLEANUP(client_closep) struct client *client = NULL;
	CLEANUP(client_answer_fini) struct client_answer answer = {0};
	struct log_output out = {0};
	struct err e = CLEAN_ERR;
	int r = cli_connect(c, &client);

	if (r != EXIT_OK)
		return r;
	r = client_stream(client, path, c->json ? swallow : log_output_add, &out, &answer, &e);
	log_output_end(&out);
	if (r == 0 && answer.status != 200)
		return cli_refused(c, answer.status, buf_slice(&answer.body));
	if (r < 0)
		cli_say(c, "the log ended early: %s", e.text);
	return EXIT_OK;
}

static int tell_end(struct cli *c, const struct js *job, enum job_state state)
{
	const char *error = js_get_str(job, "error");
	int exit_code = (int)js_get_int(job, "exit_code", -1);
	bool was_started = js_get_str(job, "started_at") != NULL &&
			   !str_eq(js_get_str(job, "reason"), "never_started");
	/* Behind its first line there may be the end of the log, which was shown. */
	int n = error == NULL ? 0 : (int)strcspn(error, "\n");

	if (c->json)
		cli_print_json(job);
	cli_say(c, "job %.*s %s%s%.*s", SHORT_ID, js_get_str(job, "id"), job_state_name(state),
		n == 0 ? "" : ": ", n, error == NULL ? "" : error);
	return job_exit_status(state, exit_code, was_started);
}

/* It ran before and will run again: the log that is there is not the one to come. */
static bool runs_again(const struct js *job)
{
	return str_eq(js_get_str(job, "state"), "queued") && js_get_int(job, "attempt", 0) > 0;
}

int cli_wait_job(struct cli *c, const char *id)
{
	CLEANUP(js_freep) struct js *first = NULL;
	int rc = cli_get(c, &first, "/api/jobs/%s", id);

	if (rc != EXIT_OK)
		return rc;
	cli_say_waiting(c, first);
	for (int round = 0; round < ROUNDS_MAX; round++) {
		CLEANUP(js_freep) struct js *job = NULL;
		enum job_state state = JOB_STATES;
		int r = show_log(c, id, round > 0 || runs_again(first));

		if (r == EXIT_OK)
			r = cli_get(c, &job, "/api/jobs/%s", id);
		if (r == EXIT_UNREACHABLE)
			break;
		if (r != EXIT_OK)
			return r;
		if (js_get_str(job, "id") == NULL ||
			!job_state_from_name(js_get_str(job, "state"), &state))
			return cli_fail(EXIT_FAILED, "the daemon's answer is no job");
		if (job_is_over(state))
			return tell_end(c, job, state);
	}
	return cli_fail(EXIT_TRY_AGAIN,
		"lost sight of job %.*s; it goes on: see `pylon show %.*s` later", SHORT_ID, id,
		SHORT_ID, id);
}
