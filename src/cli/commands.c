/* SPDX-License-Identifier: MIT */
/*
 * cli/commands.c - the table of commands. Help, parsing and dispatch follow from it.
 */
#include <stdio.h>

#include "cli/commands-internal.h"

#define DAEMON "Daemon"
#define PYLONS "Pylons"
#define JOBS   "Jobs"
#define TOOLS  "Tools"

const struct command commands[] = {
	{.name = "start",
		.group = DAEMON,
		.args = "[name...]",
		.summary = "Run the daemon in the foreground",
		.help = "Without names all enabled pylons run, else only the named ones. Ctrl-C or\n"
			"SIGTERM stops it; work in containers goes on and is taken up again by the\n"
			"next start.\n"},
	{.name = "stop",
		.group = DAEMON,
		.args = "[--no-wait]",
		.summary = "Stop the daemon",
		.help = "Waits until it has ended.\n",
		.run = cmd_stop},
	{.name = "status",
		.group = DAEMON,
		.args = "",
		.summary = "How the daemon is and what it is doing",
		.run = cmd_status},

	{.name = "list",
		.group = PYLONS,
		.args = "",
		.summary = "All pylons and what starts them",
		.run = cmd_list},
	{.name = "check",
		.group = PYLONS,
		.args = "[name]",
		.summary = "Check the configuration",
		.run = cmd_check},
	{.name = "test",
		.group = PYLONS,
		.args = "<name> [--payload JSON] [--wait] [--dry-run]",
		.summary = "Send a pylon a signed test event",
		.help = "  --payload JSON  send this object instead of the sample\n"
			"  --wait          show the job's log and exit with its status\n"
			"  --dry-run       show the request, send nothing\n",
		.run = cmd_test},
	{.name = "trigger",
		.group = PYLONS,
		.args = "<name> [--body JSON] [--wait]",
		.summary = "Run a pylon now",
		.help = "  --body JSON     what its templates see as .body\n"
			"  --wait          show the job's log and exit with its status\n",
		.run = cmd_trigger},

	{.name = "jobs",
		.group = JOBS,
		.args = "[pylon] [--state S] [--limit N] [--before NEXT]",
		.summary = "Jobs, newest first",
		.help = "  --state S       only jobs in this state\n"
			"  --limit N       at most so many (20; up to 500)\n"
			"  --before NEXT   the next page, as told by the one before\n",
		.run = cmd_jobs},
	{.name = "show",
		.group = JOBS,
		.args = "<id>",
		.summary = "Everything about one job",
		.run = cmd_show},
	{.name = "logs",
		.group = JOBS,
		.args = "[-f] [--tail N] [--raw] <id>",
		.summary = "What a job printed",
		.help = "  -f, --follow    stay until the job is over\n"
			"  --tail N        only the last N lines\n"
			"  --raw           do not take control characters out\n",
		.run = cmd_logs},
	{.name = "explain",
		.group = JOBS,
		.args = "<id>",
		.summary = "Why a job is where it is",
		.run = cmd_explain},
	{.name = "kill", .group = JOBS, .args = "<id>", .summary = "Stop a job", .run = cmd_kill},
	{.name = "retry",
		.group = JOBS,
		.args = "<id> [--wait]",
		.summary = "Run a job again that is over",
		.help = "  --wait          show the job's log and exit with its status\n",
		.run = cmd_retry},
	{.name = "approve",
		.group = JOBS,
		.args = "<id>",
		.summary = "Let a job run that waits for approval",
		.run = cmd_approve},
	{.name = "dismiss",
		.group = JOBS,
		.args = "<id>",
		.summary = "Do not let it run",
		.run = cmd_dismiss},
	{.name = "deliveries",
		.group = JOBS,
		.args = "[--dead] [--state S] [--limit N]",
		.summary = "Messages on their way, newest first",
		.help = "  --dead          only those that were given up\n"
			"  --state S       only those in this state\n"
			"  --limit N       at most so many (20; up to 500)\n",
		.run = cmd_deliveries},
	{.name = "redeliver",
		.group = JOBS,
		.args = "<delivery id>",
		.summary = "Send a message again that was given up",
		.run = cmd_redeliver},

	{.name = "webhook",
		.group = TOOLS,
		.args = "sign|verify --body FILE [options]",
		.summary = "Sign or verify a request by hand",
		.help = "  --body FILE           the request's body; - is standard input\n"
			"  --recipe R            github, hex or standard; else what the signature\n"
			"                        header stands for\n"
			"  --signature-header H  the header that holds the signature\n"
			"  --secret-file F       a file with the secret; - is standard input\n"
			"  --secret-env VAR      a variable with the secret\n"
			"  --secret S            the secret itself: other users can see it in the list\n"
			"                        of processes, so rather take one of the other two\n"
			"  --header 'K: V'       a header of the request, once for each; sign takes\n"
			"                        the delivery id from it\n"
			"  --now T               as if this were the time, in seconds since 1970\n"
			"\n"
			"verify prints ok, or why not and exits with 1: missing_header,\n"
			"malformed_header, bad_signature, stale_timestamp, bad_secret.\n",
		.run = cmd_webhook,
		.is_homeless = true},
	{.name = "version",
		.group = TOOLS,
		.args = "",
		.summary = "Which version this is",
		.run = cmd_version,
		.is_homeless = true},
	{.name = "help",
		.group = TOOLS,
		.args = "[command]",
		.summary = "This text, or more about one command",
		.run = cmd_help,
		.is_homeless = true},
};
const size_t command_count = ARRAY_LEN(commands);
