/* SPDX-License-Identifier: MIT */
/*
 * cli/cmd_ps.c - `pylon ps`: the table of background work, newest first.
 */
#include <stdio.h>

#include "base/limits.h"
#include "calendar/instant.h"
#include "cli/commands-internal.h"

#define ROW           "%-*s %-16s %s%-11s%s %-14s %-9s %s\n"
#define NAME_WIDTH    16
#define COMMAND_WIDTH 60

/* Of what still runs: until now. */
static void print_duration(struct buf *out, const struct js *e)
{
	const char *started = js_get_str(e, "startedAt");
	int64_t ms = js_get_int(e, "durationMs", -1), at;

	if (js_get_str(e, "endedAt") == NULL && started != NULL &&
		instant_parse(slice_of(started), &at))
		ms = MAX_OF(cli_now() - at, INT64_C(0)) / US_PER_MS;
	cli_duration(out, ms);
}

static char *what_it_does(const struct js *e)
{
	const char *prompt = js_get_str(e, "prompt");
	CLEANUP(freep) char *text = NULL;

	if (prompt == NULL)
		return cli_cell(js_get_str(e, "command"), COMMAND_WIDTH);
	text = xasprintf("agent: %s", prompt);
	return cli_cell(text, COMMAND_WIDTH);
}

static void print_row(const struct cli *c, const struct js *e)
{
	CLEANUP(freep) char *id = cli_cell(js_get_str(e, "id"), SHORT_ID);
	CLEANUP(freep) char *name = cli_cell(js_get_str(e, "taskSlug"), NAME_WIDTH);
	CLEANUP(freep) char *state = cli_cell(js_get_str(e, "state"), 32);
	CLEANUP(freep) char *command = what_it_does(e);
	CLEANUP(buf_fini) struct buf ago = BUF_NULL;
	CLEANUP(buf_fini) struct buf duration = BUF_NULL;

	cli_ago(&ago, js_get_str(e, "startedAt"));
	print_duration(&duration, e);
	(void)printf(ROW, SHORT_ID, id, *name == '\0' ? "-" : name, cli_state_color(c, state),
		state, cli_color_end(c), buf_str(&ago), buf_str(&duration), command);
}

static void print_table(const struct cli *c, const struct js *list, bool all)
{
	const struct js *items = js_get(list, "items");
	const char *next = js_get_str(list, "next");

	if (js_len(items) == 0) {
		(void)puts(all ? "No background work found." : "No background work is going on.");
		if (!all)
			cli_say(c, "what is over: pylon ps --all");
		return;
	}
	(void)printf(
		ROW, SHORT_ID, "ID", "NAME", "", "STATE", "", "STARTED", "DURATION", "COMMAND");
	for (size_t i = 0; i < js_len(items); i++)
		print_row(c, js_at(items, i));
	if (next != NULL)
		cli_say(c, "older ones: pylon ps%s --before %s", all ? " --all" : "", next);
}

int cmd_ps(struct cli *c, int argc, char **argv)
{
	bool all = false;
	const char *limit = "50", *before = NULL;
	const struct cli_option options[] = {
		{.name = "--all", .alias = "-a", .flag = &all},
		{.name = "--limit", .alias = "-n", .value = &limit},
		{.name = "--before", .value = &before},
	};
	CLEANUP(js_freep) struct js *list = NULL;
	int r = cli_options(c, &argc, argv, options, ARRAY_LEN(options));

	if (r == EXIT_OK)
		r = cli_want_args(c, argc, 0, 0);
	if (r == EXIT_OK)
		r = cli_want_number(c, "--limit", limit, LIST_LIMIT_MAX);
	if (r == EXIT_OK && before != NULL)
		r = cli_want_number(c, "--before", before, INT64_MAX);
	if (r == EXIT_OK)
		r = cli_get(c, &list, "/api/executions?limit=%s%s%s%s", limit,
			all ? "" : "&state=active",
			before == NULL ? "" : "&before=", before == NULL ? "" : before);
	if (r != EXIT_OK)
		return r;
	if (c->json)
		cli_print_json(list);
	else
		print_table(c, list, all);
	return EXIT_OK;
}
