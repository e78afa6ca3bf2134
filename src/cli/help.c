/* SPDX-License-Identifier: MIT */
/*
 * cli/help.c - help texts made from the table, and "did you mean".
 */
#include <stdio.h>

#include "cli/commands-internal.h"

#define NEAR_MAX 3

static const char global_options[] =
	"Options for every command:\n"
	"  --json          what programs read instead of what people read\n"
	"  --quiet         no talk, only data and errors\n"
	"  --no-color      no colours (also: NO_COLOR)\n"
	"  --home DIR      where pylons and jobs live (PYLON_HOME, else ~/.pylon)\n"
	"  --socket PATH   the daemon's socket (PYLON_DAEMON_SOCKET_PATH)\n"
	"  -h, --help      this text, or that of a command\n"
	"  --version       which version this is\n";

const struct command *cli_find_command(const char *name)
{
	for (size_t i = 0; i < command_count; i++)
		if (str_eq(commands[i].name, name))
			return &commands[i];
	return NULL;
}

/* Of a short word at most a third may differ. */
bool cli_is_near(const char *typed, unsigned distance)
{
	return distance <= NEAR_MAX && (size_t)distance * 3 <= strlen(typed) + 1;
}

const char *cli_suggest_command(const char *name)
{
	const char *best = NULL;
	unsigned best_distance = NEAR_MAX + 1;

	for (size_t i = 0; i < command_count; i++) {
		unsigned d = str_distance(name, commands[i].name);

		if (d < best_distance && cli_is_near(name, d)) {
			best = commands[i].name;
			best_distance = d;
		}
	}
	return best;
}

void cli_print_help(FILE *to)
{
	const char *group = NULL;

	(void)fputs(
		"pylon runs agents in containers when something happens, and tells the result.\n"
		"\nUse: pylon <command> [options]\n",
		to);
	for (size_t i = 0; i < command_count; i++) {
		if (group == NULL || !str_eq(group, commands[i].group)) {
			group = commands[i].group;
			(void)fprintf(to, "\n%s:\n", group);
		}
		(void)fprintf(to, "  %-12s %s\n", commands[i].name, commands[i].summary);
	}
	(void)fprintf(to, "\n%s\nMore about one command: pylon help <command>\n", global_options);
}

static void print_use(const struct command *command, FILE *to)
{
	(void)fprintf(to, "Use: pylon %s%s%s\n", command->name, *command->args == '\0' ? "" : " ",
		command->args);
}

void cli_print_command_help(const struct command *command, FILE *to)
{
	print_use(command, to);
	(void)fprintf(to, "\n%s.\n", command->summary);
	if (command->help != NULL)
		(void)fprintf(to, "\n%s", command->help);
	(void)fprintf(to, "\n%s", global_options);
}

int cli_usage(const struct cli *c, const char *fmt, ...)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	(void)cli_fail(EXIT_USAGE, "%s", buf_str(&text));
	if (c->command == NULL)
		(void)fputs("Use: pylon <command> [options]; `pylon help` lists the commands\n",
			stderr);
	else
		print_use(c->command, stderr);
	return EXIT_USAGE;
}

int cmd_help(struct cli *c, int argc, char **argv)
{
	const struct command *command;
	int r = cli_want_args(c, argc, 0, 1);

	if (r != EXIT_OK)
		return r;
	if (argc < 2) {
		cli_print_help(stdout);
		return EXIT_OK;
	}
	command = cli_find_command(argv[1]);
	if (command == NULL && cli_suggest_command(argv[1]) != NULL)
		return cli_usage(c, "there is no command \"%s\"; did you mean \"%s\"?", argv[1],
			cli_suggest_command(argv[1]));
	if (command == NULL)
		return cli_usage(c, "there is no command \"%s\"", argv[1]);
	cli_print_command_help(command, stdout);
	return EXIT_OK;
}
