/* SPDX-License-Identifier: MIT */
/*
 * cli/commands.c - the table of commands. Help, parsing and dispatch follow from it.
 */
#include <stdio.h>

#include "cli/commands-internal.h"

#define DAEMON     "Daemon"
#define PYLONS     "Pylons"
#define JOBS       "Jobs"
#define TOOLS      "Tools"
#define SCHEDULES  "Schedules"
#define BACKGROUND "Background work"

/* What `run` and `agent` have in common. */
#define WORK_HELP                                                                                  \
	"  --name N          what people call it\n"                                                \
	"  --cwd DIR         the folder it works in; else this one\n"                              \
	"  --env NAME        a variable that it gets from here, once for each; PATH, LANG and\n"   \
	"                    LC_* it gets anyway\n"                                                \
	"  --env NAME=VALUE  a variable that it gets\n"                                            \
	"  --timeout T       how long it may take, such as 90s, 10m or 2h; else for ever\n"        \
	"  --nice N          how much to give way to other work, from 0 to 19\n"                   \
	"  --conversation C  the conversation that it belongs to\n"                                \
	"  --wait            show what it prints and exit with its status\n"                       \
	"\n"

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
	{.name = "reload",
		.group = DAEMON,
		.args = "",
		.summary = "Read the configuration anew",
		.help = "Changes of pylons are noticed by themselves. This also takes over what can\n"
			"change in config.yaml without a restart, as SIGHUP does.\n",
		.run = cmd_reload},
	{.name = "status",
		.group = DAEMON,
		.args = "",
		.summary = "How the daemon is and what it is doing",
		.help = "Also tells which files were changed but are not in force, and why. Exits\n"
			"with 69 when no daemon is running.\n",
		.run = cmd_status},

	{.name = "construct",
		.group = PYLONS,
		.args = "<name> --from TEMPLATE [--repo URL] [--ref REF]",
		.summary = "Make a new pylon from a template",
		.help = "  --from T          sentry, github-pr, cron-audit or blank\n"
			"  --repo URL        sentry, cron-audit: the repository to work in\n"
			"  --ref REF         its branch or tag\n"
			"  --secret-file F   a file with the secret that senders sign with; - is\n"
			"                    standard input\n"
			"  --secret-env VAR  a variable with it\n"
			"\n"
			"Nothing that is there is changed. Without a secret github-pr gets a random\n"
			"one; that of sentry is Sentry's own.\n",
		.run = cmd_construct},
	{.name = "list",
		.group = PYLONS,
		.args = "",
		.summary = "All pylons and what starts them",
		.help = "Reads the files and needs no daemon. A running one goes on with what it had\n"
			"while a file is broken: see `pylon explain <name>`.\n",
		.run = cmd_list},
	{.name = "check",
		.group = PYLONS,
		.args = "[name]",
		.summary = "Check the configuration",
		.help = "Prints everything that is wrong as file:line:column: text and then exits with\n"
			"78; warnings alone do not count. Needs no daemon.\n",
		.run = cmd_check},
	{.name = "test",
		.group = PYLONS,
		.args = "<name> [--payload JSON|@FILE|-] [--wait] [--dry-run]",
		.summary = "Send a pylon a signed test event",
		.help = "  --payload JSON  send this object instead of the sample: as a word, of a\n"
			"                  file (@FILE) or of standard input (-)\n"
			"  --wait          show the job's log and exit with its status\n"
			"  --dry-run       send nothing; show the request, whether trigger.if lets it\n"
			"                  pass, and prompt, topic, message, repo and ref\n",
		.run = cmd_test},
	{.name = "trigger",
		.group = PYLONS,
		.args = "<name> [--body JSON] [--wait]",
		.summary = "Run a pylon now",
		.help = "  --body JSON     what its templates see as .body\n"
			"  --wait          show the job's log and exit with its status\n",
		.run = cmd_trigger},

	{.name = "enable",
		.group = PYLONS,
		.args = "<name>",
		.summary = "Let a pylon run",
		.help = "Sets the key `disabled` in its pylon.yaml and changes no other byte of it. A\n"
			"running daemon notices by itself.\n",
		.run = cmd_enable},
	{.name = "disable",
		.group = PYLONS,
		.args = "<name>",
		.summary = "Keep a pylon from running",
		.help = "Sets the key `disabled` in its pylon.yaml and changes no other byte of it. A\n"
			"running daemon notices by itself; jobs that have begun go on.\n",
		.run = cmd_disable},

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
		.args = "<id>|<pylon>",
		.summary = "Why a job is where it is, or why a pylon ran or did not",
		.help = "Of a pylon: whether it can run, when it is due next, and what became of its\n"
			"last 20 occurrences.\n",
		.run = cmd_explain},
	{.name = "reply",
		.group = JOBS,
		.args = "<id> TEXT [--wait]",
		.summary = "Go on with a job that is over: tell its agent what to do next",
		.help = "  --wait          show the job's log and exit with its status\n"
			"\n"
			"The job runs once more in the same workspace, told TEXT instead of its\n"
			"prompt, and its agent remembers what it did before. TEXT is one word: put it\n"
			"in quotes; - is standard input.\n",
		.run = cmd_reply},
	{.name = "attach",
		.group = JOBS,
		.args = "<id> [-- COMMAND...]",
		.summary = "A shell in the container of a running job",
		.help = "Without COMMAND a shell, else that program, with the terminal or the files\n"
			"that standard input and output are. The exit status is the program's own, or\n"
			"125 when it could not be started. The job goes on meanwhile; when it ends,\n"
			"everything in its container ends.\n"
			"\n"
			"Asks the container engine itself, so it takes the right to use its socket.\n",
		.run = cmd_attach},
	{.name = "kill", .group = JOBS, .args = "<id>", .summary = "Stop a job", .run = cmd_kill},
	{.name = "retry",
		.group = JOBS,
		.args = "<id> [--wait]",
		.summary = "Run a job again that did not succeed",
		.help = "  --wait          show the job's log and exit with its status\n"
			"\n"
			"For jobs that are failed, timed_out, lost, cancelled or rejected: a fresh run\n"
			"with the original prompt. Where the last thing said was a reply, that reply is\n"
			"told once more in its session. With one that is completed, go on by a reply.\n",
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

	{.name = "run",
		.group = BACKGROUND,
		.args = "[options] -- COMMAND...",
		.summary = "Run a command in the background",
		.help = WORK_HELP
		"It is no line of a shell: for that, run sh -c 'LINE'. It goes on whatever\n"
		"becomes of this terminal and of the daemon, and prints its id; --wait ends\n"
		"with its own status: 124 when it took too long, 128 and the signal that\n"
		"ended it, 125 when it could not be started.\n",
		.run = cmd_run},
	{.name = "agent",
		.group = BACKGROUND,
		.args = "[--model M] [--tools A,B] [options] PROMPT...",
		.summary = "Let a subagent work in the background",
		.help = "  --model M         the model that it asks\n"
			"  --tools A,B       the tools that it may use\n" WORK_HELP
			"All words are its prompt; a single - is standard input. Which program it is,\n"
			"daemon.agent.command in config.yaml says. It has a session of its own, which\n"
			"`pylon follow-up` continues.\n",
		.run = cmd_agent},
	{.name = "ps",
		.group = BACKGROUND,
		.args = "[--all] [--limit N] [--before NEXT]",
		.summary = "Background work, newest first",
		.help = "  -a, --all       also what is over\n"
			"  --limit N       at most so many (50; up to 500)\n"
			"  --before NEXT   the next page, as told by the one before\n"
			"\n"
			"logs, show, explain and kill take its ids, too.\n",
		.run = cmd_ps},
	{.name = "rerun",
		.group = BACKGROUND,
		.args = "<id> [--wait]",
		.summary = "Run the same once more, from the beginning",
		.help = "  --wait          show what it prints and exit with its status\n"
			"\n"
			"A new run with an id of its own, which is printed.\n",
		.run = cmd_rerun},
	{.name = "follow-up",
		.group = BACKGROUND,
		.args = "<id> [TEXT] [--wait]",
		.summary = "Go on with the session of a subagent that is over",
		.help = "  --wait          show what it prints and exit with its status\n"
			"\n"
			"A new run with an id of its own, which is printed. Without TEXT it is told to\n"
			"continue. TEXT is one word: put it in quotes; - is standard input.\n",
		.run = cmd_follow_up},

	{.name = "schedule",
		.group = SCHEDULES,
		.args = "next TEXT [--tz ZONE] [--from TIME] [--count N]",
		.summary = "How a schedule is read, and when it fires",
		.help = "  --tz ZONE       the zone it is read in; else the machine's own\n"
			"  --from TIME     as if this were the present, such as 2026-05-01T09:00:00Z\n"
			"  --count N       so many instants (5; up to 1000)\n"
			"\n"
			"TEXT is a cron expression, a phrase such as \"every weekday at 9\", or a\n"
			"moment such as \"tomorrow at 17:30\".\n",
		.run = cmd_schedule,
		.is_homeless = true},

	{.name = "config",
		.group = TOOLS,
		.args = "show [name] | schema [config|pylon]",
		.summary = "What is in force, and a schema for editors",
		.help = "show prints every key of config.yaml, or of one pylon, with its value in\n"
			"force and where that comes from; secrets are left out.\n"
			"schema prints a JSON Schema of pylon.yaml (or of config.yaml). An editor with\n"
			"YAML support takes it from a first line in the file such as\n"
			"# yaml-language-server: $schema=/path/to/pylon.schema.json\n",
		.run = cmd_config},
	{.name = "db",
		.group = TOOLS,
		.args = "check|backup|recover [PYLON|runtime|PATH]",
		.summary = "Check, copy or mend the databases",
		.help = "check reads all of a database and tells the first thing that is wrong with it.\n"
			"backup makes a verified copy beside it, in .backups/ (the newest 3 are kept).\n"
			"recover checks; where something is wrong it builds the indexes anew, or saves\n"
			"every row that can be read into a fresh database, or takes the newest copy,\n"
			"and tells what was lost. The damaged files are kept in .corrupt/.\n"
			"\n"
			"Without a name all databases of this home. They need no daemon; recover refuses\n"
			"while one runs. Exits with 1 when a database is damaged, could not be copied,\n"
			"or lost something.\n",
		.run = cmd_db},
	{.name = "mcp",
		.group = TOOLS,
		.args = "",
		.summary = "Serve tools to an agent (Model Context Protocol)",
		.help = "Reads requests from standard input and answers on standard output until it\n"
			"ends. With Claude Code: claude mcp add pylon -- pylon mcp\n"},
	{.name = "webhook",
		.group = TOOLS,
		.args = "sign|verify --body FILE [options]",
		.summary = "Sign or verify a request by hand",
		.help = "  --body FILE           the request's body; - is standard input\n"
			"  --recipe R            hex, github, gitlab, slack, stripe, standard, linear,\n"
			"                        sentry, discord, bearer or token; else what the\n"
			"                        signature header stands for\n"
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
			"malformed_header, bad_signature, stale_timestamp, bad_secret. Which step\n"
			"failed is told on stderr. sign cannot make a signature of discord: the\n"
			"secret there is a public key.\n",
		.run = cmd_webhook,
		.is_homeless = true},
	{.name = "template",
		.group = TOOLS,
		.args = "render [--body FILE] [--headers FILE] [--query Q] TEXT",
		.summary = "Try a template on an event",
		.help = "  --body FILE     the event's body, a JSON object; - is standard input; {} when\n"
			"                  left out\n"
			"  --headers FILE  its headers, as a JSON object of texts\n"
			"  --query Q       its query, such as 'a=1&b=2'\n"
			"\n"
			"Prints TEXT with everything between {{ and }} filled in.\n",
		.run = cmd_template,
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
