/* SPDX-License-Identifier: MIT */
/*
 * cli/cmd_show.c - `pylon show`: everything about one job, for people.
 */
#include <inttypes.h>
#include <stdio.h>

#include "cli/commands-internal.h"

#define PROGRESS_LINES 8

static void print_time(const struct js *o, const char *key, const char *label,
	void (*relate)(struct buf *out, const char *when))
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	const char *when = js_get_str(o, key);

	if (when == NULL)
		return;
	buf_printf(&text, "%s (", when);
	relate(&text, when);
	buf_add_char(&text, ')');
	cli_print_fact(label, buf_str(&text));
}

static void print_number(const struct js *o, const char *key, const char *label)
{
	CLEANUP(freep) char *text = NULL;
	int64_t n = js_get_int(o, key, -1);

	if (n < 0)
		return;
	text = xasprintf("%lld", (long long)n);
	cli_print_fact(label, text);
}

static void print_head(const struct cli *c, const struct js *j)
{
	CLEANUP(freep) char *id = cli_cell(js_get_str(j, "id"), 40);
	CLEANUP(freep) char *pylon = cli_cell(js_get_str(j, "pylon"), 64);
	CLEANUP(freep) char *state = cli_cell(js_get_str(j, "state"), 32);

	/* Background work has no pylon. */
	(void)printf("Job %s%s%s: %s%s%s\n", id, *pylon == '\0' ? "" : " of ", pylon,
		cli_state_color(c, state), state, cli_color_end(c));
}

/* "1200 in, 340 out, 9000 read from and 100 written to the cache" */
static void print_tokens(const struct js *usage)
{
	int64_t in = js_get_int(usage, "input_tokens", 0);
	int64_t out = js_get_int(usage, "output_tokens", 0);
	int64_t cache_read = js_get_int(usage, "cache_read_tokens", 0);
	int64_t cache_write = js_get_int(usage, "cache_write_tokens", 0);
	CLEANUP(buf_fini) struct buf text = BUF_NULL;

	if (in == 0 && out == 0 && cache_read == 0 && cache_write == 0)
		return;
	buf_printf(&text, "%" PRId64 " in, %" PRId64 " out", in, out);
	if (cache_read != 0 || cache_write != 0)
		buf_printf(&text, ", %" PRId64 " read from and %" PRId64 " written to the cache",
			cache_read, cache_write);
	cli_print_fact("tokens", buf_str(&text));
}

/* "0.0123 USD" behind `before`; nothing when it cost nothing. */
static void add_cost(struct buf *out, const char *before, const struct js *o)
{
	double cost_usd = js_get_real(o, "total_cost_usd", 0);

	if (cost_usd > 0)
		buf_printf(out, "%s%.4f USD", before, cost_usd);
}

static void print_facts(const struct js *j)
{
	CLEANUP(buf_fini) struct buf duration = BUF_NULL;
	CLEANUP(buf_fini) struct buf cost = BUF_NULL;
	int64_t ms = js_get_int(j, "duration_ms", -1);

	cli_print_fact("reason", js_get_str(j, "reason"));
	cli_print_fact("waiting", js_get_str(j, "waiting"));
	cli_print_fact("source", js_get_str(j, "source"));
	cli_print_fact("delivery id", js_get_str(j, "delivery_id"));
	print_time(j, "created_at", "created", cli_ago);
	print_time(j, "queued_at", "queued", cli_ago);
	if (js_get_str(j, "started_at") == NULL && js_get_str(j, "finished_at") == NULL) {
		print_time(j, "not_before", "not before", cli_until);
		print_time(j, "expires_at", "expires", cli_until);
	}
	print_time(j, "started_at", "started", cli_ago);
	print_time(j, "finished_at", "finished", cli_ago);
	if (ms >= 0) {
		cli_duration(&duration, ms);
		cli_print_fact("duration", buf_str(&duration));
	}
	print_number(j, "attempt", "attempts");
	print_number(j, "exit_code", "exit code");
	cli_print_fact("session", js_get_str(j, "session_id"));
	cli_print_fact("decided by", js_get_str(j, "decided_by"));
	print_tokens(js_get(j, "usage"));
	add_cost(&cost, "", j);
	cli_print_fact("cost", buf_str(&cost));
}

/* What background work is asked to do; nothing for a job of a pylon. Its prompt
 * is a block of its own. */
static void print_work(const struct js *j)
{
	cli_print_fact("name", js_get_str(j, "taskSlug"));
	cli_print_fact("command", js_get_str(j, "command"));
	cli_print_fact("cwd", js_get_str(j, "cwd"));
	cli_print_fact("conversation", js_get_str(j, "conversation"));
	cli_print_fact("log", js_get_str(j, "logPath"));
}

/* What its agent did last. */
static void print_progress(const struct js *lines)
{
	size_t n = js_len(lines);

	if (n == 0)
		return;
	(void)puts("\nProgress:");
	for (size_t i = n > PROGRESS_LINES ? n - PROGRESS_LINES : 0; i < n; i++) {
		const struct js *l = js_at(lines, i);
		CLEANUP(freep) char *line = cli_cell(js_get_str(l, "line"), 200);
		CLEANUP(buf_fini) struct buf ago = BUF_NULL;

		cli_ago(&ago, js_get_str(l, "at"));
		(void)printf("  %-12s %s\n", buf_str(&ago), line);
	}
}

/* A run that never came to have a container is none that was lost. */
static const char *run_state(const struct js *r)
{
	const char *state = js_get_str(r, "state");

	return str_eq(state, "lost") && js_get_str(r, "started_at") == NULL ? "no start" : state;
}

static void print_runs(const struct js *runs)
{
	if (js_len(runs) == 0)
		return;
	(void)puts("\nRuns:");
	for (size_t i = 0; i < js_len(runs); i++) {
		const struct js *r = js_at(runs, i);
		CLEANUP(freep) char *state = cli_cell(run_state(r), 32);
		CLEANUP(freep) char *reason = cli_cell(js_get_str(r, "reason"), 200);
		CLEANUP(freep) char *image = cli_cell(js_get_str(r, "image"), 100);
		int64_t exit_code = js_get_int(r, "exit_code", -1);
		CLEANUP(buf_fini) struct buf duration = BUF_NULL;
		CLEANUP(buf_fini) struct buf cost = BUF_NULL;

		cli_duration(&duration, js_get_int(r, "duration_ms", -1));
		add_cost(&cost, "  ", r);
		(void)printf("  %lld  %-9s %-8s", (long long)js_get_int(r, "attempt", 0), state,
			buf_str(&duration));
		if (exit_code >= 0)
			(void)printf(" exit %lld", (long long)exit_code);
		(void)printf("%s%s%s%s%s\n", buf_str(&cost), *image == '\0' ? "" : "  ", image,
			*reason == '\0' ? "" : "  ", reason);
	}
}

static void print_deliveries(const struct cli *c, const struct js *deliveries)
{
	if (js_len(deliveries) == 0)
		return;
	(void)puts("\nMessages:");
	for (size_t i = 0; i < js_len(deliveries); i++) {
		const struct js *d = js_at(deliveries, i);
		CLEANUP(freep) char *id = cli_cell(js_get_str(d, "id"), SHORT_ID);
		CLEANUP(freep) char *kind = cli_cell(js_get_str(d, "kind"), 20);
		CLEANUP(freep) char *channel = cli_cell(js_get_str(d, "channel"), 20);
		CLEANUP(freep) char *state = cli_cell(js_get_str(d, "state"), 20);
		CLEANUP(freep) char *error = cli_cell(js_get_str(d, "error"), 200);

		(void)printf("  %s  %-9s %-9s %s%s%s%s%s\n", id, kind, channel,
			cli_state_color(c, state), state, cli_color_end(c),
			*error == '\0' ? "" : "  ", error);
	}
}

static void print_block(const char *title, const char *text)
{
	if (str_is_empty(text))
		return;
	(void)printf("\n%s:\n", title);
	cli_print_text(text);
}

static void print_explanation(struct cli *c, const char *id)
{
	CLEANUP(js_freep) struct js *why = NULL;
	const struct js *hints;

	if (cli_get(c, &why, "/api/jobs/%s/explain", id) != EXIT_OK)
		return;
	hints = js_get(why, "hints");
	if (js_len(hints) == 0)
		return;
	(void)puts("\nNext:");
	for (size_t i = 0; i < js_len(hints); i++) {
		(void)fputs("  ", stdout);
		cli_print_text(js_str(js_at(hints, i)) == NULL ? "" : js_str(js_at(hints, i)));
	}
}

int cmd_show(struct cli *c, int argc, char **argv)
{
	CLEANUP(js_freep) struct js *j = NULL;
	int r = cli_get_job(c, argc, argv, &j, "");

	if (r != EXIT_OK)
		return r;
	if (c->json) {
		cli_print_json(j);
		return EXIT_OK;
	}
	print_head(c, j);
	print_work(j);
	print_facts(j);
	print_progress(js_get(j, "progress"));
	print_runs(js_get(j, "runs"));
	print_deliveries(c, js_get(j, "deliveries"));
	print_block("Prompt", js_get_str(j, "prompt"));
	print_block("Error", js_get_str(j, "error"));
	print_block("Result", js_get_str(j, "result"));
	if (js_get_str(j, "id") != NULL)
		print_explanation(c, js_get_str(j, "id"));
	return EXIT_OK;
}
