/* SPDX-License-Identifier: MIT */
/*
 * cli/cmd_enable.c - `enable` and `disable`: one key of one file, without a daemon. A running one
 * notices that the file has changed.
 *
 * A pylon whose file is broken can be switched too, as far as the file is YAML. What is wrong with
 * a pylon that was just enabled is told: it would not run, and nobody would know why.
 */
#include <stdio.h>

#include "base/file.h"
#include "cli/commands-internal.h"
#include "config/config.h"

struct change {
	struct cli *cli;
	const char *name;
	const char *file;
	bool enable;
};

static void print_outcome(const struct change *ch, bool was_changed)
{
	CLEANUP(js_freep) struct js *j = NULL;

	if (ch->cli->json) {
		j = js_object();
		js_set_str(j, "name", ch->name);
		js_set_bool(j, "enabled", ch->enable);
		js_set_bool(j, "changed", was_changed);
		cli_print_json(j);
		return;
	}
	(void)printf("%s is %s%s\n", ch->name, ch->enable ? "enabled" : "disabled",
		was_changed ? "" : " already");
}

/* -1 when it cannot be told: its file, or config.yaml, is broken. */
static int is_enabled(const struct change *ch)
{
	CLEANUP(config_freep) struct config *config = NULL;
	CLEANUP(problems_fini) struct problems problems = {NULL, 0};
	const struct pylon_config *p = NULL;

	if (config_load(ch->cli->home, &config, &problems, NULL) == 0)
		p = config_pylon(config, ch->name);
	return p == NULL ? -1 : !p->is_disabled;
}

/* Tells why the pylon that is enabled now will not run. */
static int check(const struct change *ch)
{
	CLEANUP(config_freep) struct config *config = NULL;
	CLEANUP(problems_fini) struct problems problems = {NULL, 0};
	CLEANUP(buf_fini) struct buf problem = BUF_NULL;
	const struct pylon_config *p;

	if (config_load(ch->cli->home, &config, &problems, NULL) < 0)
		return cli_fail(EXIT_CONFIG, "config.yaml cannot be used: see `pylon check`");
	p = config_pylon(config, ch->name);
	if (p != NULL && p->not_ready != NULL)
		cli_say(ch->cli, "%s  not ready  %s", ch->name, p->not_ready);
	if (p != NULL)
		return EXIT_OK;
	config_pylon_problem(&problem, &problems, ch->name);
	return cli_fail(EXIT_CONFIG, "it cannot run: %s: %s", ch->file, buf_str(&problem));
}

static int apply(const struct change *ch)
{
	struct err e = CLEAN_ERR;
	bool was_changed = is_enabled(ch) != ch->enable;

	if (was_changed && config_edit(ch->file, "disabled", ch->enable ? "false" : "true", &e) < 0)
		return cli_fail(EXIT_FAILED, "%s", e.text);
	print_outcome(ch, was_changed);
	return ch->enable ? check(ch) : EXIT_OK;
}

static int set(struct cli *c, int argc, char **argv, bool enable)
{
	CLEANUP(freep) char *file = NULL;
	int r = cli_options(c, &argc, argv, NULL, 0);

	if (r == EXIT_OK)
		r = cli_want_args(c, argc, 1, 1);
	if (r == EXIT_OK)
		r = cli_want_name(c, argv[1]);
	if (r != EXIT_OK)
		return r;
	file = xasprintf("%s/pylons/%s/pylon.yaml", c->home, argv[1]);
	if (!file_exists(file))
		return cli_fail(EXIT_FAILED, "there is no pylon \"%s\"", argv[1]);
	return apply(&(struct change){c, argv[1], file, enable});
}

int cmd_enable(struct cli *c, int argc, char **argv)
{
	return set(c, argc, argv, true);
}

int cmd_disable(struct cli *c, int argc, char **argv)
{
	return set(c, argc, argv, false);
}
