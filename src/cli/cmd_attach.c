/* SPDX-License-Identifier: MIT */
/*
 * cli/cmd_attach.c - `pylon attach`: a shell, or another program, in the container of a running
 * job.
 *
 * The daemon says which container and where its engine is; everything else is between this process
 * and the engine, without the engine's own command line. What comes back is shown as it is, escape
 * sequences included: that is what a terminal is for, and why one should know whose container it
 * is. The exit status is the program's own; 125 means that it did not start.
 */
#include <stdio.h>
#include <unistd.h>

#include "cli/attach-internal.h"
#include "cli/terminal-internal.h"

static bool resize(void *ctx)
{
	return exec_resize(ctx);
}

/* From here to terminal_restore() nothing else writes to the terminal. */
static int pump_terminal(struct exec *x, struct client_tunnel *tunnel, struct err *e)
{
	struct pump p = {.tunnel = tunnel,
		.in = STDIN_FILENO,
		.out = STDOUT_FILENO,
		.err = STDERR_FILENO,
		.resize = resize,
		.ctx = x};
	CLEANUP(closep) int resized = terminal_watch_size(e);
	int r = resized < 0 ? resized : terminal_make_raw(e);

	p.resized = resized;
	if (r == 0)
		r = pump_run(&p, e);
	terminal_restore();
	return r;
}

static int pump_plain(struct client_tunnel *tunnel, struct err *e)
{
	struct pump p = {.tunnel = tunnel,
		.in = STDIN_FILENO,
		.out = STDOUT_FILENO,
		.err = STDERR_FILENO,
		.is_framed = true,
		.resized = -1};

	return pump_run(&p, e);
}

static int run(struct exec *x)
{
	CLEANUP(client_tunnel_fini) struct client_tunnel tunnel = CLIENT_TUNNEL_NULL;
	struct err e = CLEAN_ERR;
	int r = exec_create(x);

	if (r == EXIT_OK)
		r = exec_start(x, &tunnel);
	if (r != EXIT_OK)
		return r;
	if (x->has_terminal)
		r = pump_terminal(x, &tunnel, &e);
	else
		r = pump_plain(&tunnel, &e);
	if (r < 0)
		return cli_fail(EXIT_FAILED, "%s", e.text);
	return exec_status(x);
}

/* An empty command stands for a shell. */
static int attach(struct cli *c, const char *id, const struct strv *command)
{
	CLEANUP(js_freep) struct js *j = NULL;
	CLEANUP(exec_fini) struct exec x = {.command = (const char *const *)command->v};
	int r = cli_get(c, &j, "/api/jobs/%s/attach", id);

	if (r != EXIT_OK)
		return r;
	x.socket = js_get_str(j, "socket");
	x.container = js_get_str(j, "container");
	if (x.socket == NULL || x.container == NULL)
		return cli_fail(EXIT_FAILED, "the daemon's answer names no container");
	x.has_terminal = terminal_is_there();
	if (x.has_terminal && command->n == 0)
		cli_say(c, "a shell in the container of job %.*s; the job goes on meanwhile",
			SHORT_ID, js_get_str(j, "job_id") == NULL ? id : js_get_str(j, "job_id"));
	return run(&x);
}

int cmd_attach(struct cli *c, int argc, char **argv)
{
	CLEANUP(strv_fini) struct strv command = STRV_NULL;
	int words = cli_cut_command(argc, argv, &command);
	int r = cli_options(c, &words, argv, NULL, 0);

	if (r == EXIT_OK && words > 2)
		return cli_usage(c, "a command stands behind --");
	if (r == EXIT_OK)
		r = cli_want_args(c, words, 1, 1);
	if (r == EXIT_OK)
		r = cli_want_id(c, "job", argv[1]);
	return r == EXIT_OK ? attach(c, argv[1], &command) : r;
}
