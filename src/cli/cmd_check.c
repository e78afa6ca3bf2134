/* SPDX-License-Identifier: MIT */
/*
 * cli/cmd_check.c - `check`: everything that is wrong with the configuration, without a daemon.
 *
 * Problems are data and go to stdout, one a line, in the form that editors jump to. Warnings are
 * printed too but do not fail the check. With a name only that pylon and config.yaml count, unless
 * config.yaml is unusable: then no pylon was read.
 */
#include <stdio.h>

#include "cli/commands-internal.h"
#include "config/config.h"

struct check {
	struct config *config; /* NULL = config.yaml is unusable */
	struct problems problems;
	const char *name; /* NULL = all */
	char *home;
};

static void check_fini(struct check *k)
{
	config_free(k->config);
	problems_fini(&k->problems);
}

/* Does the problem concern what was asked for? */
static bool is_wanted(const struct check *k, const struct problem *p)
{
	CLEANUP(freep) char *all = xasprintf("%s/pylons/", k->home);
	CLEANUP(freep) char *own = NULL;

	if (!k->name || !str_has_prefix(p->file, all))
		return true;
	own = xasprintf("%s%s/", all, k->name);
	return str_has_prefix(p->file, own);
}

static bool is_ok(const struct check *k)
{
	for (size_t i = 0; i < k->problems.n; i++) {
		if (!k->problems.v[i].is_warning && is_wanted(k, &k->problems.v[i]))
			return false;
	}
	return k->config != NULL;
}

static void print_json(const struct check *k)
{
	CLEANUP(js_freep) struct js *j = js_object();
	struct js *list = js_array();

	js_set_bool(j, "ok", is_ok(k));
	for (size_t i = 0; i < k->problems.n; i++) {
		const struct problem *p = &k->problems.v[i];
		struct js *one;

		if (!is_wanted(k, p))
			continue;
		one = js_object();
		js_set_str(one, "file", p->file);
		js_set_int(one, "line", p->line);
		js_set_int(one, "column", p->column);
		js_set_str(one, "text", p->text);
		js_set_bool(one, "warning", p->is_warning);
		js_add_take(list, one);
	}
	js_set_take(j, "problems", list);
	cli_print_json(j);
}

static void print_problems(const struct check *k)
{
	for (size_t i = 0; i < k->problems.n; i++) {
		CLEANUP(buf_fini) struct buf line = BUF_NULL;

		if (!is_wanted(k, &k->problems.v[i]))
			continue;
		problem_print(&line, &k->problems.v[i]);
		cli_print_text(buf_str(&line));
	}
}

static void print_ok(const struct cli *c, const struct check *k)
{
	size_t n = 0;

	for (size_t i = 0; i < k->config->pylon_count; i++) {
		const struct pylon_config *p = k->config->pylons[i];

		if (k->name && !str_eq(p->name, k->name))
			continue;
		n++;
		if (p->not_ready)
			cli_say(c, "%s  not ready  %s", p->name, p->not_ready);
	}
	(void)printf("ok  %zu %s\n", n, n == 1 ? "pylon" : "pylons");
}

static bool is_known(const struct check *k)
{
	return !k->name || !k->config || config_pylon(k->config, k->name) ||
	       strv_has(&k->config->broken, k->name);
}

int cmd_check(struct cli *c, int argc, char **argv)
{
	CLEANUP(check_fini) struct check k = {.home = c->home};
	struct err e = CLEAN_ERR;
	int r = cli_options(c, &argc, argv, NULL, 0);

	if (r == EXIT_OK)
		r = cli_want_args(c, argc, 0, 1);
	if (r != EXIT_OK)
		return r;
	k.name = argc > 1 ? argv[1] : NULL;
	if (config_load(c->home, &k.config, &k.problems, &e) < 0 && k.problems.n == 0)
		return cli_fail(EXIT_CONFIG, "%s", e.text);
	if (!is_known(&k))
		return cli_fail(EXIT_FAILED, "there is no pylon \"%s\"", k.name);
	if (c->json) {
		print_json(&k);
	} else {
		print_problems(&k);
		if (is_ok(&k))
			print_ok(c, &k);
	}
	return is_ok(&k) ? EXIT_OK : EXIT_CONFIG;
}
