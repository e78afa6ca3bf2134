/* SPDX-License-Identifier: MIT */
/*
 * cli/cmd_list.c - `list`: every pylon in $PYLON_HOME, without a daemon.
 *
 * A broken pylon has a row too, so that nothing is missing without a word. The columns are those of
 * the program that users come from, and scripts read them.
 */
#include <stdio.h>

#include "cli/commands-internal.h"
#include "config/config.h"

#define ROW        "%-28s %-12s %-30s %s\n"
#define BROKEN     "error loading config"
#define CELL_WIDTH 1000 /* cells are made harmless, not cut */

static const char *trigger_name(enum trigger_type t)
{
	static const char *const names[] = {
		[TRIGGER_WEBHOOK] = "webhook",
		[TRIGGER_CRON] = "cron",
		[TRIGGER_MANUAL] = "manual",
	};

	return names[t];
}

/* What the column PATH shows: where, or when. */
static const char *path_of(const struct pylon_config *p)
{
	const char *path = p->trigger == TRIGGER_CRON ? p->cron : p->path;

	return path ? path : "";
}

static void print_row(const struct pylon_config *p)
{
	CLEANUP(freep) char *path = cli_cell(path_of(p), CELL_WIDTH);
	CLEANUP(freep) char *description = cli_cell(p->description, CELL_WIDTH);

	(void)printf(ROW, p->name, trigger_name(p->trigger), path, description);
}

static void print_broken_row(const char *name)
{
	CLEANUP(freep) char *cell = cli_cell(name, CELL_WIDTH);

	(void)printf(ROW, cell, "?", "", BROKEN);
}

static void add_item(struct js *list, const struct config *c, const struct pylon_config *p)
{
	CLEANUP(buf_fini) struct buf url = BUF_NULL;
	struct js *item = js_object();
	bool is_webhook = p->trigger == TRIGGER_WEBHOOK;

	if (is_webhook)
		config_webhook_url(&url, c, p);
	js_set_str(item, "name", p->name);
	js_set_str(item, "trigger", trigger_name(p->trigger));
	js_set_str(item, "path", p->trigger == TRIGGER_MANUAL ? NULL : path_of(p));
	js_set_str(item, "url", is_webhook ? buf_str(&url) : NULL);
	js_set_str(item, "description", p->description);
	js_set_bool(item, "enabled", !p->is_disabled);
	js_set_bool(item, "ready", p->not_ready == NULL);
	js_set_str(item, "reason", p->not_ready);
	js_add_take(list, item);
}

static void add_broken_item(struct js *list, const char *name)
{
	struct js *item = js_object();

	js_set_str(item, "name", name);
	js_set_str(item, "trigger", "?");
	js_set_null(item, "path");
	js_set_null(item, "url");
	js_set_null(item, "description");
	js_set_bool(item, "enabled", true);
	js_set_bool(item, "ready", false);
	js_set_str(item, "reason", BROKEN);
	js_add_take(list, item);
}

/* Both lists are sorted: they are merged by name. `list` NULL = print rows. */
static void each(const struct config *c, struct js *list)
{
	size_t i = 0, b = 0;

	while (i < c->pylon_count || b < c->broken.n) {
		const struct pylon_config *p = i < c->pylon_count ? c->pylons[i] : NULL;
		const char *name = b < c->broken.n ? c->broken.v[b] : NULL;

		if (p && (!name || strcmp(p->name, name) < 0)) {
			i++;
			if (list)
				add_item(list, c, p);
			else
				print_row(p);
		} else {
			b++;
			if (list)
				add_broken_item(list, name);
			else
				print_broken_row(name);
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

static void print_list(struct cli *c, const struct config *config)
{
	CLEANUP(js_freep) struct js *j = NULL;
	struct js *items;

	if (c->json) {
		j = js_object();
		items = js_array();
		each(config, items);
		js_set_take(j, "items", items);
		js_set_null(j, "next");
		cli_print_json(j);
		return;
	}
	if (config->pylon_count == 0 && config->broken.n == 0) {
		cli_say(c, "No pylons yet. Each is a folder with a pylon.yaml in %s/pylons.",
			c->home);
		return;
	}
	(void)printf(ROW, "NAME", "TRIGGER", "PATH", "DESCRIPTION");
	each(config, NULL);
}

int cmd_list(struct cli *c, int argc, char **argv)
{
	CLEANUP(config_freep) struct config *config = NULL;
	CLEANUP(problems_fini) struct problems problems = {NULL, 0};
	struct err e = CLEAN_ERR;
	int r = cli_options(c, &argc, argv, NULL, 0);

	if (r == EXIT_OK)
		r = cli_want_args(c, argc, 0, 0);
	if (r != EXIT_OK)
		return r;
	if (config_load(c->home, &config, &problems, &e) < 0)
		return tell_unusable(&problems, &e);
	print_list(c, config);
	return EXIT_OK;
}
