/* SPDX-License-Identifier: MIT */
/*
 * main.c - above all rooms: `start` is the daemon's, `mcp` that of its tools, everything else is a
 * command's.
 */
#include <fcntl.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/cli.h"
#include "daemon/daemon.h"
#include "mcp/mcp.h"

#ifndef PYLON_VERSION
#define PYLON_VERSION "dev"
#endif

/* Whoever closed 0, 1 or 2 before us shall not get our lock or a socket there, with our words
 * written into it. Read-only, so that writing fails and a message for stdout stays undelivered. */
static void fill_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY); /* NOLINT(android-cloexec-open): like 0, 1, 2 */
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		(void)close(fd);
}

/* The words behind `start` are names of pylons. --only is what an older version of the program
 * wanted before them; it is what names mean now. */
static int start(struct cli *c, int argc, char **argv)
{
	CLEANUP(strv_fini) struct strv names = STRV_NULL;
	struct daemon_options o = {
		.home = c->home,
		.socket = c->socket_is_explicit ? c->socket : NULL,
		.quiet = c->quiet,
		.no_color = !c->color,
		.version = PYLON_VERSION,
	};

	for (int i = 1; i < argc; i++) {
		if (str_eq(argv[i], "--only") || str_eq(argv[i], "--"))
			continue;
		if (argv[i][0] == '-')
			return cli_usage(c, "there is no option %s", argv[i]);
		strv_add(&names, argv[i]);
	}
	o.names = (const char *const *)names.v;
	o.name_count = names.n;
	return daemon_main(&o);
}

static int serve_tools(struct cli *c, int argc)
{
	const struct mcp_options o = {
		.socket = c->socket,
		.version = PYLON_VERSION,
		.in = STDIN_FILENO,
		.out = STDOUT_FILENO,
	};
	struct err e = CLEAN_ERR;

	if (argc > 1)
		return cli_usage(c, "it takes no words");
	return mcp_serve(&o, &e) == 0 ? EXIT_OK : cli_fail(EXIT_FAILED, "%s", e.text);
}

int main(int argc, char **argv)
{
	CLEANUP(cli_fini) struct cli c = {0};
	int count = 0;
	char **words = NULL;
	int r;

	fill_standard_descriptors();
	r = cli_parse(&c, argc, argv, &count, &words);
	if (r != EXIT_OK)
		return r < 0 ? cli_end(EXIT_OK) : r;
	if (str_eq(c.command->name, "mcp"))
		return serve_tools(&c, count);
	if (c.command->run == NULL)
		return start(&c, count, words);
	return cli_run(&c, count, words);
}
