/* SPDX-License-Identifier: MIT */
/*
 * cli/commands-internal.h - the commands, and the helpers they share.
 *
 * A command returns its exit status. Helpers that can fail say why on stderr before they return
 * one, so a command passes any status other than EXIT_OK on.
 */
#ifndef PYLON_CLI_COMMANDS_INTERNAL_H
#define PYLON_CLI_COMMANDS_INTERNAL_H

#include <stdio.h>

#include "base/json.h"
#include "calendar/zone.h"
#include "cli/cli.h"
#include "client/client.h"
#include "model/model.h"

#define SHORT_ID 8

enum {
	EXIT_TIMED_OUT = 124,
	EXIT_NOT_STARTED = 125,
	EXIT_TERMINATED = 143, /* 128 + SIGTERM */
};

command_fn cmd_status, cmd_stop, cmd_reload;
command_fn cmd_list, cmd_check, cmd_test, cmd_trigger, cmd_construct;
command_fn cmd_enable, cmd_disable, cmd_config;
command_fn cmd_jobs, cmd_show, cmd_logs, cmd_explain;
command_fn cmd_kill, cmd_retry, cmd_approve, cmd_dismiss;
command_fn cmd_reply, cmd_attach;
command_fn cmd_deliveries, cmd_redeliver;
command_fn cmd_schedule;
command_fn cmd_template;
command_fn cmd_db;
command_fn cmd_run, cmd_agent, cmd_ps, cmd_rerun, cmd_follow_up;
command_fn cmd_webhook, cmd_version, cmd_help;

/* --- help.c --- */

void cli_print_help(FILE *to);
void cli_print_command_help(const struct command *command, FILE *to);
/* NULL when there is none. */
const struct command *cli_find_command(const char *name);
/* The command most like `name`, NULL when none is near. */
const char *cli_suggest_command(const char *name);
/* Is this distance (str_distance) near enough for a suggestion? */
bool cli_is_near(const char *typed, unsigned distance);

/* --- options.c --- */

struct cli_option {
	const char *name;   /* "--tail" */
	const char *alias;  /* "-n", may be NULL */
	bool *flag;         /* set to true, or */
	const char **value; /* the next word (or what follows "="), or */
	struct strv *list;  /* that of every time it is given */
};

/* Takes the options out of argv; what is left are words. EXIT_OK or EXIT_USAGE. */
int cli_options(struct cli *c, int *argc, char **argv, const struct cli_option *o, size_t count);
/* Takes "-- COMMAND..." off the end; returns how many words are before it. */
int cli_cut_command(int argc, char **argv, struct strv *ret);
/* argv[0] does not count. */
int cli_want_args(struct cli *c, int argc, int min, int max);
/* A job or delivery id or its beginning. */
int cli_want_id(struct cli *c, const char *what, const char *text);
int cli_want_name(struct cli *c, const char *text);
/* From 1 to max. */
int cli_want_number(struct cli *c, const char *option, const char *text, uint64_t max);
/* A JSON object. */
int cli_want_object(struct cli *c, const char *option, const char *text);

/* --- call.c --- */

/* Connects to the daemon. */
int cli_connect(struct cli *c, struct client **ret);
/* One call of the API; *ret is its JSON (NULL for an empty body). A refusal is told and becomes an
 * exit status. `body` is JSON or NULL. */
int cli_call(
	struct cli *c, const char *method, const char *path, const char *body, struct js **ret);
int cli_get(struct cli *c, struct js **ret, const char *path_fmt, ...) PRINTF(3, 4);
/* A pylon as the daemon knows it; *ret NULL when it knows none of that name. */
int cli_find_pylon(struct cli *c, const char *name, struct js **ret);
/* A command whose only argument is a job: reads it and gets /api/jobs/<id> with `what` behind it.
 */
int cli_get_job(struct cli *c, int argc, char **argv, struct js **ret, const char *what);
/* Tells a refusal (problem+json) and returns the exit status for it. */
int cli_refused(struct cli *c, int http_status, struct slice body);
/* Exit status of a failed client call, after having told *e. */
int cli_unreachable(const struct cli *c, const struct err *e);

/* --- print.c --- */

/* JSON on stdout: indented on a terminal, else one line. */
void cli_print_json(const struct js *j);
/* Foreign text, made harmless. */
void cli_print_text(const char *text);
/* "key   text" of a page of facts; nothing when text is empty. */
void cli_print_fact(const char *key, const char *text);
/* Foreign text for one cell of a table: one line, at most `width` characters; free() it. */
char *cli_cell(const char *text, size_t width);
/* "5 min ago" for an RFC 3339 time, "--" when absent. */
void cli_ago(struct buf *out, const char *when);
/* "in 23h 59m" for one to come, "now" when it is past. */
void cli_until(struct buf *out, const char *when);
/* "in 2d 3h", "in 2h 30m", "in 45s": the two largest units. */
void cli_wait(struct buf *out, int64_t wait_us);
/* "Mon 2026-05-04 09:00 CEST", with seconds when there are any. */
void cli_local(struct buf *out, const struct zone *z, int64_t at_us);
/* "1m34s", or "--" when ms is negative. */
void cli_duration(struct buf *out, int64_t ms);
/* Escape sequence that starts and ends the colour of a state; "" without colours. */
const char *cli_state_color(const struct cli *c, const char *state);
const char *cli_color_end(const struct cli *c);
int64_t cli_now(void);
/* Talk on stderr, left out with --quiet. */
void cli_say(const struct cli *c, const char *fmt, ...) PRINTF(2, 3);

/* --- cmd_decide.c --- */

/* Who decides, as jobs remember it: "name (command line)"; free() it. */
char *cli_decider(void);

/* --- cmd_reply.c --- */

/* What somebody is to be told: the word, or standard input for "-". UTF-8, not empty, at most
 * PROMPT_MAX bytes. */
int cli_read_text(struct cli *c, const char *word, struct buf *ret);

/* --- cmd_explain.c --- */

/* One line of the ledger of a schedule. */
void cli_print_occurrence(const struct js *o);

/* --- logstream.c --- */

/* Log bytes on their way to stdout: made harmless line by line. */
struct log_output {
	struct buf line;
	bool is_raw;
};
bool log_output_add(void *ctx, struct slice data);
void log_output_end(struct log_output *o);

/* --- cmd_trigger.c --- */

/* Starts a pylon through the API; body NULL = an empty object. */
int cli_trigger(struct cli *c, const char *name, const char *body, struct js **ret);
/* What follows an accepted event: waiting for its job, or a hint how to. */
int cli_finish_trigger(struct cli *c, const struct js *answer, bool wait);

/* --- wait.c --- */

/* Exit status that stands for a job that is over. */
int job_exit_status(enum job_state state, int exit_code, bool was_started);
/* Says why a job does not run yet, if it does not. */
void cli_say_waiting(struct cli *c, const struct js *job);
/* Shows the job's log until it is over; returns its exit status. */
int cli_wait_job(struct cli *c, const char *id);

#endif
