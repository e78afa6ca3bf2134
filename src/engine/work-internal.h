/* SPDX-License-Identifier: MIT */
/*
 * work-internal.h - what a background job is asked to do. It is the body of its event, as JSON:
 *
 *   exactly one of
 *     "argv"         ["make", "test"]: run as it is
 *     "shellCommand" a line for `sh -lc`
 *     "agent"        {"prompt", "model"?, "allowedTools"?: [...], "session"?}: the agent command of
 *                    this machine (daemon.agent.command), told the prompt
 *   "cwd"            absolute, required
 *   "taskSlug"       what people call it
 *   "env"            {"NAME": "value"}, added to the daemon's own
 *   "timeoutSeconds" whole seconds; 0 or missing = none
 *   "nice"           0 to 19
 *   "limits"         {"nofile": 1024}: resource limits
 *
 * Names and texts of errors are those of the agent runtime's protocol; what else is there is kept
 * and means nothing here.
 */
#ifndef PYLON_ENGINE_WORK_INTERNAL_H
#define PYLON_ENGINE_WORK_INTERNAL_H

#include "base/err.h"
#include "base/str.h"

#define WORK_ARG_MAX ((size_t)131071) /* bytes of one argument: the kernel's MAX_ARG_STRLEN */

struct work {
	struct strv argv;
	struct strv env; /* NAME=value, of the request alone */
	struct strv limits;
	char *cwd;
	int64_t timeout_us;
	int nice;
	bool is_agent;
};

/* -EINVAL and what is wrong. `agent_command` is the beginning of an agent's argv. */
NODISCARD int work_parse(
	struct slice json, const struct strv *agent_command, struct work *ret, struct err *err);
void work_fini(struct work *w);

#endif
