/* SPDX-License-Identifier: MIT */
/*
 * cli/work-internal.h - between the commands that start background work.
 */
#ifndef PYLON_CLI_WORK_INTERNAL_H
#define PYLON_CLI_WORK_INTERNAL_H

#include "cli/commands-internal.h"

/* The options that a command and a subagent have in common. */
struct work_options {
	const char *name, *cwd, *conversation, *timeout, *nice;
	struct strv env; /* NAME or NAME=value */
	bool wait;
};
void work_options_fini(struct work_options *w);

/* clang-format off */
#define WORK_OPTIONS(w)                                                                            \
	{.name = "--name", .value = &(w)->name},                                                   \
	{.name = "--cwd", .value = &(w)->cwd},                                                     \
	{.name = "--conversation", .value = &(w)->conversation},                                   \
	{.name = "--timeout", .value = &(w)->timeout},                                             \
	{.name = "--env", .list = &(w)->env},                                                      \
	{.name = "--nice", .value = &(w)->nice},                                                   \
	{.name = "--wait", .flag = &(w)->wait}
/* clang-format on */

/* What the options say, as the daemon is told it; EXIT_OK or why not. */
int work_read(struct cli *c, const struct work_options *w, struct js **ret);
/* Has it started: POSTs `body` to /api/executions or to `path` below it, and tells the new id on
 * stdout. With `wait` stdout is what the work prints, and the status its own. */
int work_start(struct cli *c, const char *path, const struct js *body, bool wait);

#endif
