/* SPDX-License-Identifier: MIT */
/*
 * cli/cmd_jobs.c - `pylon jobs`: the table of jobs, newest first over all pylons.
 *
 * The header and its widths are those of the Go program, which scripts cut at.
 */
#include <stdio.h>

#include "base/limits.h"
#include "cli/commands-internal.h"

#define ROW           "%-10s %-24s "
#define STATE_WIDTH   14
#define AGO_WIDTH     20
#define DEFAULT_LIMIT "20"

static void print_row(const struct cli *c, const struct js *job)
{
	CLEANUP(freep) char *id = cli_cell(js_get_str(job, "id"), SHORT_ID);
	CLEANUP(freep) char *pylon = cli_cell(js_get_str(job, "pylon"), 64);
	CLEANUP(freep) char *state = cli_cell(js_get_str(job, "state"), 32);
	CLEANUP(buf_fini) struct buf ago = BUF_NULL;
	CLEANUP(buf_fini) struct buf duration = BUF_NULL;
	/* A long state takes its room from the column behind it. */
	int over = MAX_OF((int)strlen(state) - STATE_WIDTH, 0);

	cli_ago(&ago, js_get_str(job, "created_at"));
	cli_duration(&duration, js_get_int(job, "duration_ms", -1));
	(void)printf(ROW "%s%-*s%s %-*s %s\n", id, pylon, cli_state_color(c, state), STATE_WIDTH,
		state, cli_color_end(c), AGO_WIDTH - over, buf_str(&ago), buf_str(&duration));
}

static void print_table(const struct cli *c, const struct js *list)
{
	const struct js *items = js_get(list, "items");
	const char *next = js_get_str(list, "next");
	size_t queued = 0;

	if (js_len(items) == 0) {
		(void)puts("No jobs found.");
		return;
	}
	(void)printf(ROW "%-*s %-*s %s\n", "ID", "PYLON", STATE_WIDTH, "STATUS", AGO_WIDTH,
		"TRIGGERED", "DURATION");
	for (size_t i = 0; i < js_len(items); i++) {
		const struct js *job = js_at(items, i);

		print_row(c, job);
		queued += str_eq(js_get_str(job, "state"), "queued");
	}
	if (queued > 0)
		cli_say(c, "\n%zu queued: `pylon explain <id>` tells what they wait for", queued);
	if (next != NULL)
		cli_say(c, "older ones: pylon jobs --before %s", next);
}

static int unknown_state(struct cli *c, const char *text)
{
	CLEANUP(buf_fini) struct buf names = BUF_NULL;

	for (int i = 0; i < JOB_STATES; i++)
		buf_printf(&names, " %s", job_state_name((enum job_state)i));
	return cli_usage(c, "\"%s\" is no state of a job; these are:%s", text, buf_str(&names));
}

/* Occurrences that made no job: without them it would look as if nothing had been due. */
static void print_skipped(const struct js *occurrences)
{
	const struct js *items = js_get(occurrences, "items");
	bool is_first = true;

	for (size_t i = 0; i < js_len(items); i++) {
		const struct js *o = js_at(items, i);

		if (js_get_str(o, "job_id") != NULL)
			continue;
		if (is_first)
			(void)puts("\nOccurrences without a job:");
		is_first = false;
		(void)printf("  %-24s", js_get_str(o, "pylon"));
		cli_print_occurrence(o);
	}
}

struct filter {
	const char *state, *limit, *before;
};

static int check_filter(struct cli *c, const struct filter *f)
{
	enum job_state state;
	int r = cli_want_number(c, "--limit", f->limit, LIST_LIMIT_MAX);

	if (r == EXIT_OK && f->before != NULL)
		r = cli_want_number(c, "--before", f->before, INT64_MAX);
	if (r == EXIT_OK && f->state != NULL && !job_state_from_name(f->state, &state))
		r = unknown_state(c, f->state);
	return r;
}

/* `pylon` NULL = of all. */
static int show_skipped(struct cli *c, const char *pylon)
{
	CLEANUP(js_freep) struct js *list = NULL;
	int r = cli_get(c, &list, "/api/occurrences?limit=10%s%s",
		pylon == NULL ? "" : "&pylon=", pylon == NULL ? "" : pylon);

	if (r == EXIT_OK)
		print_skipped(list);
	return r;
}

int cmd_jobs(struct cli *c, int argc, char **argv)
{
	struct filter f = {.limit = DEFAULT_LIMIT};
	const struct cli_option options[] = {
		{.name = "--state", .value = &f.state},
		{.name = "--limit", .alias = "-n", .value = &f.limit},
		{.name = "--before", .value = &f.before},
	};
	CLEANUP(js_freep) struct js *list = NULL;
	CLEANUP(buf_fini) struct buf path = BUF_NULL;
	int r = cli_options(c, &argc, argv, options, ARRAY_LEN(options));

	if (r == EXIT_OK)
		r = cli_want_args(c, argc, 0, 1);
	if (r == EXIT_OK && argc > 1)
		r = cli_want_name(c, argv[1]);
	if (r == EXIT_OK)
		r = check_filter(c, &f);
	if (r != EXIT_OK)
		return r;
	buf_printf(&path, "/api/jobs?limit=%s", f.limit);
	if (argc > 1)
		buf_printf(&path, "&pylon=%s", argv[1]);
	if (f.state != NULL)
		buf_printf(&path, "&state=%s", f.state);
	if (f.before != NULL)
		buf_printf(&path, "&before=%s", f.before);
	r = cli_call(c, "GET", buf_str(&path), NULL, &list);
	if (r != EXIT_OK)
		return r;
	if (c->json) {
		cli_print_json(list);
		return EXIT_OK;
	}
	print_table(c, list);
	return f.state == NULL && f.before == NULL ? show_skipped(c, argc > 1 ? argv[1] : NULL)
						   : EXIT_OK;
}
