/* SPDX-License-Identifier: MIT */
/*
 * cli/cmd_config.c - `config show` and `config schema`: what is in force, and what may be written.
 */
#include <errno.h>
#include <stdio.h>

#include "cli/commands-internal.h"
#include "config/config.h"

static int schema(struct cli *c, int argc, char **argv)
{
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	bool of_pylon = argc == 1 || str_eq(argv[1], "pylon");

	if (argc > 2 || (!of_pylon && !str_eq(argv[1], "config")))
		return cli_usage(c, "a schema is of `pylon` or of `config`");
	config_json_schema(&out, of_pylon);
	(void)fputs(buf_str(&out), stdout);
	return EXIT_OK;
}

static int tell(const struct problems *problems, int rc, const struct err *e)
{
	for (size_t i = 0; i < problems->n; i++) {
		CLEANUP(buf_fini) struct buf line = BUF_NULL;

		problem_print(&line, &problems->v[i]);
		(void)cli_fail(EXIT_CONFIG, "%s", buf_str(&line));
	}
	return cli_fail(rc == -ENOENT ? EXIT_FAILED : EXIT_CONFIG, "%s", e->text);
}

static int show(struct cli *c, int argc, char **argv)
{
	CLEANUP(problems_fini) struct problems problems = {NULL, 0};
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	CLEANUP(buf_fini) struct buf clean = BUF_NULL;
	CLEANUP(js_freep) struct js *j = NULL;
	struct err e = CLEAN_ERR;
	int rc;

	if (argc > 2)
		return cli_usage(c, "too many words");
	rc = (c->json ? config_show_json : config_show)(
		&out, c->home, argc > 1 ? argv[1] : NULL, &problems, &e);
	if (rc < 0)
		return tell(&problems, rc, &e);
	if (c->json) {
		j = js_parse(buf_str(&out), out.n, NULL);
		cli_print_json(j);
		return EXIT_OK;
	}
	utf8_clean(&clean, buf_str(&out), out.n);
	(void)fputs(buf_str(&clean), stdout);
	return EXIT_OK;
}

int cmd_config(struct cli *c, int argc, char **argv)
{
	int r = cli_options(c, &argc, argv, NULL, 0);

	if (r != EXIT_OK)
		return r;
	if (argc > 1 && str_eq(argv[1], "schema"))
		return schema(c, argc - 1, argv + 1);
	if (argc > 1 && str_eq(argv[1], "show"))
		return show(c, argc - 1, argv + 1);
	return cli_usage(c, "either `show` or `schema`");
}
