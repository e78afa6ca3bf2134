/* SPDX-License-Identifier: MIT */
/*
 * cli/cli.h - the command line: one table, one file per command.
 *
 * Data goes to stdout, talk to stderr. Exit status: 0 ok, 1 failed, 2 usage, 69 the daemon is not
 * reachable, 75 try again, 78 bad configuration.
 */
#ifndef PYLON_CLI_CLI_H
#define PYLON_CLI_CLI_H

#include "base/err.h"
#include "base/str.h"

enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_UNREACHABLE = 69,
	EXIT_TRY_AGAIN = 75,
	EXIT_CONFIG = 78,
};

/* The global options, and what every command shares. */
struct cli {
	char *home;   /* absolute $PYLON_HOME */
	char *socket; /* path of the daemon's socket */
	bool socket_is_explicit;
	bool json, quiet;
	bool color; /* stdout is a terminal and nobody said no */
	const struct command *command;
};

typedef int command_fn(struct cli *c, int argc, char **argv); /* argv[0] is the command's name */

struct command {
	const char *name;
	const char *group;   /* heading in the help */
	const char *args;    /* "<id> [--follow]" */
	const char *summary; /* one line */
	const char *help;    /* more, may be NULL */
	command_fn *run;     /* NULL: handled by another room (start, mcp) */
	bool is_homeless;    /* works without a $PYLON_HOME; cli.home and .socket may be NULL */
};

/* Reads global options (before or after the command's name) out of argv. Returns EXIT_OK with the
 * command found (its arguments are *ret_argc, *ret_argv, the name first; options of its own are
 * left in place), or an exit status after having printed why, or -1 when help or the version was
 * printed (exit 0). */
int cli_parse(struct cli *c, int argc, char **argv, int *ret_argc, char ***ret_argv);
void cli_fini(struct cli *c);
/* Runs the command that cli_parse() found. */
int cli_run(struct cli *c, int argc, char **argv);
/* Writes out what is buffered: `status`, or EXIT_FAILED when stdout cannot take it. */
int cli_end(int status);

extern const struct command commands[];
extern const size_t command_count;

/* Prints "pylon: text" to stderr and returns status. */
int cli_fail(int status, const char *fmt, ...) PRINTF(2, 3);
/* Prints the command's usage to stderr and returns EXIT_USAGE. */
int cli_usage(const struct cli *c, const char *fmt, ...) PRINTF(2, 3);

#endif
