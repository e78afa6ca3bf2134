/* SPDX-License-Identifier: MIT */
/*
 * cli/cmd_explain.c - `pylon explain`: why a job is where it is and what one can do; or of a pylon,
 * whether it can run, when it runs next, and what became of its last occurrences.
 */
#include <stdio.h>

#include "base/id.h"
#include "cli/commands-internal.h"

#define OUTCOME_WIDTH 17

/* --- a job --- */

static void print_occurrence_of(const struct js *o)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	const char *at = js_get_str(o, "at");

	if (at == NULL)
		return;
	buf_printf(&text, "%s: %s", at, js_get_str(o, "outcome"));
	cli_print_fact("occurrence:", buf_str(&text));
}

static int explain_job(struct cli *c, int argc, char **argv)
{
	CLEANUP(js_freep) struct js *j = NULL;
	const struct js *hints;
	int r = cli_get_job(c, argc, argv, &j, "/explain");

	if (r != EXIT_OK)
		return r;
	if (c->json) {
		cli_print_json(j);
		return EXIT_OK;
	}
	(void)printf("Job %.*s is %s. ", SHORT_ID, argv[1],
		js_get_str(j, "state") == NULL ? "?" : js_get_str(j, "state"));
	cli_print_text(js_get_str(j, "text") == NULL ? "" : js_get_str(j, "text"));
	print_occurrence_of(js_get(j, "occurrence"));
	hints = js_get(j, "hints");
	for (size_t i = 0; i < js_len(hints); i++)
		cli_print_fact(i == 0 ? "you can:" : "", js_str(js_at(hints, i)));
	return EXIT_OK;
}

/* --- a pylon --- */

static const char *text_or(const struct js *o, const char *key, const char *fallback)
{
	const char *text = js_get_str(o, key);

	return str_is_empty(text) ? fallback : text;
}

static void print_schedule(const struct js *trigger)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	const char *schedule = js_get_str(trigger, "schedule");
	const char *words = js_get_str(trigger, "description");
	const char *next = js_get_str(trigger, "next_run");

	if (schedule == NULL)
		return;
	buf_add_str(&text, schedule);
	if (words != NULL && !str_eq(words, schedule))
		buf_printf(&text, " (%s)", words);
	buf_printf(&text, ", %s time", text_or(trigger, "timezone", "UTC"));
	cli_print_fact("schedule", buf_str(&text));
	buf_clear(&text);
	if (next == NULL) {
		cli_print_fact("next", "never");
		return;
	}
	buf_printf(&text, "%s, ", next);
	cli_until(&text, next);
	cli_print_fact("next", buf_str(&text));
}

void cli_print_occurrence(const struct js *o)
{
	CLEANUP(freep) char *at = cli_cell(js_get_str(o, "at"), 32);
	CLEANUP(freep) char *note = cli_cell(js_get_str(o, "note"), 200);
	const char *job = js_get_str(o, "job_id");
	int64_t count = js_get_int(o, "count", 1);

	(void)printf("  %-26s %-*s ", at, OUTCOME_WIDTH, text_or(o, "outcome", "?"));
	if (job != NULL)
		(void)printf("job %.*s", SHORT_ID, job);
	else if (count > 1)
		(void)printf("%lld occurrences up to %s%s%s", (long long)count,
			text_or(o, "last", "?"), *note == '\0' ? "" : ": ", note);
	else
		(void)fputs(note, stdout);
	(void)putchar('\n');
}

static void print_pylon(const struct js *p, const struct js *occurrences)
{
	const struct js *items = js_get(occurrences, "items");
	const struct js *trigger = js_get(p, "trigger");

	(void)printf("Pylon %s is %s.\n", text_or(p, "name", "?"),
		!js_get_bool(p, "enabled", true) ? "disabled"
		: js_get_bool(p, "ready", false) ? "ready"
						 : "not ready");
	cli_print_fact("reason", js_get_str(p, "reason"));
	cli_print_fact("its file", js_get_str(p, "config_problem"));
	cli_print_fact("trigger", js_get_str(trigger, "type"));
	cli_print_fact("path", js_get_str(trigger, "path"));
	print_schedule(trigger);
	if (js_len(items) > 0)
		(void)puts("\nLast occurrences:");
	for (size_t i = 0; i < js_len(items); i++)
		cli_print_occurrence(js_at(items, i));
}

static int explain_pylon(struct cli *c, const char *name, struct js *p)
{
	CLEANUP(js_freep) struct js *occurrences = NULL;
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	int r = cli_get(c, &occurrences, "/api/occurrences?pylon=%s&limit=20", name);

	if (r != EXIT_OK)
		return r;
	if (c->json) {
		js_write(&text, js_get(occurrences, "items"));
		js_set_json(p, "occurrences", buf_str(&text));
		cli_print_json(p);
	} else {
		print_pylon(p, occurrences);
	}
	return EXIT_OK;
}

/* A word may be a pylon's name and the beginning of an id: the pylon wins. */
int cmd_explain(struct cli *c, int argc, char **argv)
{
	CLEANUP(js_freep) struct js *p = NULL;
	int r = cli_options(c, &argc, argv, NULL, 0);

	if (r == EXIT_OK)
		r = cli_want_args(c, argc, 1, 1);
	if (r != EXIT_OK)
		return r;
	if (!name_is_valid(slice_of(argv[1])))
		return explain_job(c, argc, argv);
	r = cli_find_pylon(c, argv[1], &p);
	if (r != EXIT_OK)
		return r;
	return p == NULL ? explain_job(c, argc, argv) : explain_pylon(c, argv[1], p);
}
