/* SPDX-License-Identifier: MIT */
/*
 * cli/cli.c - from the words of the command line to a command.
 *
 * Global options may stand anywhere before "--", so argv is sifted once: they are taken out, the
 * first other word is the command, and the rest is left for it in order. A value that looks like
 * a global option must therefore be attached with "=".
 *
 * Invariant: a command runs with home and socket set, except those marked is_homeless. That the
 * socket's path may be too long for the kernel matters only to who connects, and is told there.
 */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/commands-internal.h"
#include "config/config.h"
#include "config/paths.h"

struct globals {
	const char *home, *socket;
	bool no_color, help, version;
};

/* "--name value" or "--name=value" at argv[*i]; false when it is something else. A missing value
 * leaves *ret NULL. */
static bool take_value(const char *name, int argc, char **argv, int *i, const char **ret)
{
	size_t n = strlen(name);

	*ret = NULL;
	if (strncmp(argv[*i], name, n) != 0)
		return false;
	if (argv[*i][n] == '=') {
		*ret = argv[*i] + n + 1;
		return true;
	}
	if (argv[*i][n] != '\0')
		return false;
	if (*i + 1 < argc)
		*ret = argv[++*i];
	return true;
}

/* 1 = it was a flag, 0 = not. */
static int take_flag(struct cli *c, struct globals *g, const char *word)
{
	const struct {
		const char *name;
		bool *flag;
	} flags[] = {
		{"--json", &c->json},
		{"--quiet", &c->quiet},
		{"--no-color", &g->no_color},
		{"--help", &g->help},
		{"-h", &g->help},
		{"--version", &g->version},
	};

	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		if (str_eq(word, flags[i].name)) {
			*flags[i].flag = true;
			return 1;
		}
	}
	return 0;
}

/* Takes global options out; returns the number of words left, or -1 for a missing value. */
static int sift(struct cli *c, struct globals *g, int argc, char **argv)
{
	int kept = 0;

	for (int i = 0; i < argc; i++) {
		const char *value;
		bool is_home;

		if (str_eq(argv[i], "--")) {
			while (i < argc)
				argv[kept++] = argv[i++];
			break;
		}
		if (take_flag(c, g, argv[i]))
			continue;
		is_home = take_value("--home", argc, argv, &i, &value);
		if (!is_home && !take_value("--socket", argc, argv, &i, &value)) {
			argv[kept++] = argv[i];
			continue;
		}
		if (str_is_empty(value)) {
			(void)cli_usage(c, "%s needs a value", is_home ? "--home" : "--socket");
			return -1;
		}
		*(is_home ? &g->home : &g->socket) = value;
	}
	return kept;
}

static bool wants_color(const struct globals *g)
{
	const char *term = getenv("TERM");   /* NOLINT(concurrency-mt-unsafe) */
	const char *no = getenv("NO_COLOR"); /* NOLINT(concurrency-mt-unsafe) */

	return !g->no_color && str_is_empty(no) && !str_is_empty(term) && !str_eq(term, "dumb") &&
	       isatty(STDOUT_FILENO);
}

static int find_places(struct cli *c, const struct globals *g)
{
	struct paths p = {0};
	struct err e = CLEAN_ERR;

	c->home = config_home(g->home, &e);
	if (c->home == NULL) {
		if (c->command->is_homeless)
			return EXIT_OK;
		return cli_fail(EXIT_CONFIG, "%s", e.text);
	}
	/* Too long a path is told when somebody connects. */
	if (paths_init(&p, c->home, g->socket, &e) < 0)
		e = CLEAN_ERR;
	c->socket = STEAL(p.socket);
	c->socket_is_explicit = g->socket != NULL;
	paths_fini(&p);
	return EXIT_OK;
}

static int no_command(struct cli *c, const char *name)
{
	const char *like = cli_suggest_command(name);

	if (name[0] == '-')
		return cli_usage(c, "there is no option %s", name);
	if (like != NULL)
		return cli_usage(c, "there is no command \"%s\"; did you mean \"%s\"?", name, like);
	return cli_usage(c, "there is no command \"%s\"", name);
}

int cli_parse(struct cli *c, int argc, char **argv, int *ret_argc, char ***ret_argv)
{
	struct globals g = {0};
	int n;

	*c = (struct cli){0};
	n = sift(c, &g, argc - 1, argv + 1);
	if (n < 0)
		return EXIT_USAGE;
	c->color = wants_color(&g);
	if (g.version) {
		(void)cmd_version(c, 1, argv);
		return -1;
	}
	if (n == 0 && g.help) {
		cli_print_help(stdout);
		return -1;
	}
	if (n == 0) {
		cli_print_help(stderr);
		return EXIT_USAGE;
	}
	c->command = cli_find_command(argv[1]);
	if (c->command == NULL)
		return no_command(c, argv[1]);
	if (g.help) {
		cli_print_command_help(c->command, stdout);
		return -1;
	}
	*ret_argc = n;
	*ret_argv = argv + 1;
	return find_places(c, &g);
}

void cli_fini(struct cli *c)
{
	free(c->home);
	free(c->socket);
	*c = (struct cli){0};
}

int cli_run(struct cli *c, int argc, char **argv)
{
	return cli_end(c->command->run(c, argc, argv));
}

int cli_end(int status)
{
	if (fflush(stdout) != 0 || ferror(stdout))
		return cli_fail(status == EXIT_OK ? EXIT_FAILED : status, "cannot write to stdout");
	return status;
}

int cli_fail(int status, const char *fmt, ...)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	CLEANUP(buf_fini) struct buf clean = BUF_NULL;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	utf8_clean(&clean, buf_str(&text), text.n);
	(void)fflush(stdout);
	(void)fprintf(stderr, "pylon: %s\n", buf_str(&clean));
	return status;
}
