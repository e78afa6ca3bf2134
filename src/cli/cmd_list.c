/* SPDX-License-Identifier: MIT */
/*
 * cli/cmd_list.c - `list`: every pylon in $PYLON_HOME, without a daemon.
 *
 * A broken pylon has a row too, with the first thing that is wrong with it, so that nothing is
 * missing without a word; and one that will not run says so before its description. The columns are
 * those of the program that users come from, and scripts read them; only PATH is wider when a
 * schedule needs it.
 */
#include <stdio.h>

#include "calendar/schedule.h"
#include "cli/commands-internal.h"
#include "config/config.h"

#define ROW            "%-28s %-12s %-*s %s\n"
#define BROKEN         "error loading config"
#define CELL_WIDTH     1000 /* cells are made harmless, not cut */
#define PATH_WIDTH     30
#define PATH_WIDTH_MAX 64 /* longer ones stand out instead of moving all others */

struct listing {
	struct config *config;
	struct problems problems;
	struct js *items; /* NULL = rows are printed */
	int path_width;
};

static void listing_fini(struct listing *l)
{
	config_free(l->config);
	problems_fini(&l->problems);
}

static const char *trigger_name(enum trigger_type t)
{
	static const char *const names[] = {
		[TRIGGER_WEBHOOK] = "webhook",
		[TRIGGER_CRON] = "cron",
		[TRIGGER_MANUAL] = "manual",
	};

	return names[t];
}

/* A schedule in words; nothing when it has none that say more than itself. */
static void describe(struct buf *out, const struct pylon_config *p)
{
	CLEANUP(zone_unrefp) struct zone *zone = zone_load(p->timezone, NULL);
	CLEANUP(schedule_freep) struct schedule *s = NULL;
	struct schedule_text text = {
		.text = slice_of(p->schedule),
		.zone = zone,
		.anchor_us = p->created_real,
		.want = SCHEDULE_WANT_RECURRING,
	};

	if (zone == NULL || schedule_parse(&s, &text, NULL) < 0)
		return;
	schedule_describe(out, s);
	if (str_eq(buf_str(out), p->schedule) || str_eq(buf_str(out), schedule_canonical(s)))
		buf_clear(out);
}

/* What the column PATH shows: where, or when. */
static void add_path(struct buf *out, const struct pylon_config *p)
{
	CLEANUP(buf_fini) struct buf words = BUF_NULL;

	if (p->trigger == TRIGGER_WEBHOOK)
		buf_add_str(out, p->path);
	if (p->trigger != TRIGGER_CRON)
		return;
	describe(&words, p);
	buf_add_str(out, p->schedule);
	if (words.n > 0)
		buf_printf(out, " (%s)", buf_str(&words));
}

static char *path_cell(const struct pylon_config *p)
{
	CLEANUP(buf_fini) struct buf where = BUF_NULL;

	add_path(&where, p);
	return cli_cell(buf_str(&where), CELL_WIDTH);
}

/* What somebody who wonders why nothing runs must see; then what it is for. */
static char *description_cell(const struct pylon_config *p)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;

	if (p->is_disabled)
		buf_add_str(&text, "(disabled) ");
	else if (p->not_ready != NULL)
		buf_printf(&text, "(not ready: %s) ", p->not_ready);
	if (p->description != NULL)
		buf_add_str(&text, p->description);
	return cli_cell(buf_str(&text), CELL_WIDTH);
}

static void measure(struct listing *l)
{
	l->path_width = PATH_WIDTH;
	for (size_t i = 0; i < l->config->pylon_count; i++) {
		CLEANUP(freep) char *path = path_cell(l->config->pylons[i]);
		int width = (int)strlen(path);

		if (width <= PATH_WIDTH_MAX)
			l->path_width = MAX_OF(l->path_width, width);
	}
}

static void print_row(const struct listing *l, const struct pylon_config *p)
{
	CLEANUP(freep) char *path = path_cell(p);
	CLEANUP(freep) char *description = description_cell(p);

	(void)printf(ROW, p->name, trigger_name(p->trigger), l->path_width, path, description);
}

/* What is wrong with a broken pylon. */
static void add_reason(struct buf *out, const struct listing *l, const char *name)
{
	CLEANUP(buf_fini) struct buf problem = BUF_NULL;

	config_pylon_problem(&problem, &l->problems, name);
	buf_add_str(out, BROKEN);
	if (problem.n > 0)
		buf_printf(out, ": %s", buf_str(&problem));
}

static void print_broken_row(const struct listing *l, const char *name)
{
	CLEANUP(buf_fini) struct buf why = BUF_NULL;
	CLEANUP(freep) char *cell = cli_cell(name, CELL_WIDTH);
	CLEANUP(freep) char *reason = NULL;

	add_reason(&why, l, name);
	reason = cli_cell(buf_str(&why), CELL_WIDTH);
	(void)printf(ROW, cell, "?", l->path_width, "", reason);
}

static void add_item(const struct listing *l, const struct pylon_config *p)
{
	CLEANUP(buf_fini) struct buf url = BUF_NULL;
	CLEANUP(buf_fini) struct buf words = BUF_NULL;
	struct js *item = js_object();
	bool is_webhook = p->trigger == TRIGGER_WEBHOOK;

	if (is_webhook)
		config_webhook_url(&url, l->config, p);
	if (p->trigger == TRIGGER_CRON)
		describe(&words, p);
	js_set_str(item, "name", p->name);
	js_set_str(item, "trigger", trigger_name(p->trigger));
	js_set_str(item, "path", is_webhook ? p->path : p->schedule);
	js_set_str(item, "url", is_webhook ? buf_str(&url) : NULL);
	js_set_str(item, "description", p->description);
	js_set_bool(item, "enabled", !p->is_disabled);
	js_set_bool(item, "ready", p->not_ready == NULL);
	js_set_str(item, "reason", p->not_ready);
	js_set_str(item, "when", words.n > 0 ? buf_str(&words) : p->schedule);
	js_set_str(item, "timezone", p->timezone);
	js_add_take(l->items, item);
}

static void add_broken_item(const struct listing *l, const char *name)
{
	CLEANUP(buf_fini) struct buf reason = BUF_NULL;
	struct js *item = js_object();

	add_reason(&reason, l, name);
	js_set_str(item, "name", name);
	js_set_str(item, "trigger", "?");
	js_set_null(item, "path");
	js_set_null(item, "url");
	js_set_null(item, "description");
	js_set_bool(item, "enabled", true);
	js_set_bool(item, "ready", false);
	js_set_str(item, "reason", buf_str(&reason));
	js_set_null(item, "when");
	js_set_null(item, "timezone");
	js_add_take(l->items, item);
}

/* Both lists are sorted: they are merged by name. */
static void each(const struct listing *l)
{
	const struct config *c = l->config;
	size_t i = 0, b = 0;

	while (i < c->pylon_count || b < c->broken.n) {
		const struct pylon_config *p = i < c->pylon_count ? c->pylons[i] : NULL;
		const char *name = b < c->broken.n ? c->broken.v[b] : NULL;

		if (p && (!name || strcmp(p->name, name) < 0)) {
			i++;
			if (l->items)
				add_item(l, p);
			else
				print_row(l, p);
		} else {
			b++;
			if (l->items)
				add_broken_item(l, name);
			else
				print_broken_row(l, name);
		}
	}
}

static int tell_unusable(const struct problems *problems, const struct err *e)
{
	for (size_t i = 0; i < problems->n; i++) {
		CLEANUP(buf_fini) struct buf line = BUF_NULL;

		problem_print(&line, &problems->v[i]);
		(void)cli_fail(EXIT_CONFIG, "%s", buf_str(&line));
	}
	return problems->n > 0 ? EXIT_CONFIG : cli_fail(EXIT_CONFIG, "%s", e->text);
}

static void print_list(struct cli *c, struct listing *l)
{
	CLEANUP(js_freep) struct js *j = NULL;

	if (c->json) {
		j = js_object();
		l->items = js_array();
		each(l);
		js_set_take(j, "items", STEAL(l->items));
		js_set_null(j, "next");
		cli_print_json(j);
		return;
	}
	if (l->config->pylon_count == 0 && l->config->broken.n == 0) {
		cli_say(c, "No pylons yet. Each is a folder with a pylon.yaml in %s/pylons.",
			c->home);
		return;
	}
	measure(l);
	(void)printf(ROW, "NAME", "TRIGGER", l->path_width, "PATH", "DESCRIPTION");
	each(l);
}

int cmd_list(struct cli *c, int argc, char **argv)
{
	CLEANUP(listing_fini) struct listing l = {0};
	struct err e = CLEAN_ERR;
	int r = cli_options(c, &argc, argv, NULL, 0);

	if (r == EXIT_OK)
		r = cli_want_args(c, argc, 0, 0);
	if (r != EXIT_OK)
		return r;
	if (config_load(c->home, &l.config, &l.problems, &e) < 0)
		return tell_unusable(&l.problems, &e);
	print_list(c, &l);
	return EXIT_OK;
}
