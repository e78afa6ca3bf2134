/* SPDX-License-Identifier: MIT */
/*
 * cli/cmd_explain.c - `pylon explain`: why a job is where it is and what one can do; or of a pylon,
 * whether it can run, when it runs next, and what became of its last occurrences.
 */
#include <stdio.h>

#include "base/id.h"
#include "calendar/instant.h"
#include "calendar/schedule.h"
#include "cli/commands-internal.h"
#include "config/config.h"

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

/* The zone that the schedule is read in: its text may name one of its own. NULL = not known here.
 */
static struct zone *zone_of(const struct js *trigger)
{
	CLEANUP(zone_unrefp)
	struct zone *zone = zone_load(text_or(trigger, "timezone", "UTC"), NULL);
	CLEANUP(schedule_freep) struct schedule *s = NULL;
	struct schedule_text text = {
		.text = slice_of(js_get_str(trigger, "schedule")),
		.zone = zone,
		.want = SCHEDULE_WANT_RECURRING,
	};

	if (zone == NULL || schedule_parse(&s, &text, NULL) < 0)
		return STEAL(zone);
	return zone_load(zone_name(schedule_zone(s)), NULL);
}

/* As the clock there shows it, and as log and ledger name it. */
static void print_next(const struct js *trigger, const struct zone *zone, bool is_enabled)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	const char *next = js_get_str(trigger, "next_run");
	int64_t at;

	if (next == NULL) {
		cli_print_fact("next", is_enabled ? "never" : "not while it is disabled");
		return;
	}
	if (zone != NULL && instant_parse(slice_of(next), &at)) {
		cli_local(&text, zone, at);
		buf_printf(&text, " (%s), ", next);
	} else {
		buf_printf(&text, "%s, ", next);
	}
	cli_until(&text, next);
	cli_print_fact("next", buf_str(&text));
}

static void print_schedule(const struct js *trigger, bool is_enabled)
{
	CLEANUP(zone_unrefp) struct zone *zone = NULL;
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	const char *schedule = js_get_str(trigger, "schedule");
	const char *words = js_get_str(trigger, "description");

	if (schedule == NULL)
		return;
	zone = zone_of(trigger);
	buf_add_str(&text, schedule);
	if (words != NULL && !str_eq(words, schedule))
		buf_printf(&text, " (%s)", words);
	buf_printf(&text, ", %s time",
		zone != NULL ? zone_name(zone) : text_or(trigger, "timezone", "UTC"));
	cli_print_fact("schedule", buf_str(&text));
	print_next(trigger, zone, is_enabled);
}

/* What an outcome means, where the ledger has no note of its own. */
static const char *meaning_of(const char *outcome)
{
	static const struct {
		const char *outcome, *meaning;
	} meanings[] = {
		{"skipped_overlap", "the job of an earlier one was not over"},
		{"skipped_catch_up", "missed, and not made up for"},
		{"skipped_disabled", "it was disabled"},
		{"skipped_limit", "there was no free slot"},
	};

	for (size_t i = 0; i < ARRAY_LEN(meanings); i++)
		if (str_eq(meanings[i].outcome, outcome))
			return meanings[i].meaning;
	return NULL;
}

void cli_print_occurrence(const struct js *o)
{
	CLEANUP(freep) char *at = cli_cell(js_get_str(o, "at"), 32);
	CLEANUP(freep)
	char *note = cli_cell(text_or(o, "note", meaning_of(js_get_str(o, "outcome"))), 200);
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
	bool is_enabled = js_get_bool(p, "enabled", true);

	(void)printf("Pylon %s is %s.\n", text_or(p, "name", "?"),
		!is_enabled                      ? "disabled"
		: js_get_bool(p, "ready", false) ? "ready"
						 : "not ready");
	cli_print_fact("reason", js_get_str(p, "reason"));
	if (js_get_str(p, "config_problem") != NULL) {
		cli_print_fact("its file", js_get_str(p, "config_problem"));
		cli_print_fact("", "until that is mended it goes on with what it had before");
	}
	cli_print_fact("trigger", js_get_str(trigger, "type"));
	cli_print_fact("path", js_get_str(trigger, "path"));
	if (js_get_str(trigger, "path") != NULL && !js_get_bool(trigger, "signed", false))
		cli_print_fact("signature", "none: everybody may send");
	print_schedule(trigger, is_enabled);
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

/* The daemon knows no pylon of this name. Its file may be there and be broken. */
static int explain_unknown(struct cli *c, const char *name)
{
	CLEANUP(config_freep) struct config *config = NULL;
	CLEANUP(problems_fini) struct problems problems = {NULL, 0};
	CLEANUP(buf_fini) struct buf problem = BUF_NULL;

	if (config_load(c->home, &config, &problems, NULL) < 0 || !strv_has(&config->broken, name))
		return cli_fail(EXIT_FAILED,
			"there is no pylon and no job \"%s\"; `pylon list` and `pylon jobs` show what "
			"there is",
			name);
	config_pylon_problem(&problem, &problems, name);
	return cli_fail(EXIT_CONFIG, "%s/pylons/%s/pylon.yaml cannot be used: %s", c->home, name,
		buf_str(&problem));
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
	if (p != NULL)
		return explain_pylon(c, argv[1], p);
	return id_is_prefix(slice_of(argv[1])) ? explain_job(c, argc, argv)
					       : explain_unknown(c, argv[1]);
}
