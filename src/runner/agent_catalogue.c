/* SPDX-License-Identifier: MIT */
/*
 * What the agents that we know keep between runs, and how they sign in.
 *
 * Measured with the versions that our recipes pin. Claude Code keeps all of it, its login too, in
 * CLAUDE_CONFIG_DIR. OpenCode keeps sessions in a database below XDG_DATA_HOME; what it puts into
 * its configuration, cache and state folders can be made anew, and stays in the container. Its
 * folder must not be called ~/.opencode: OpenCode would take that for a configuration and install
 * what it needs for one.
 */
#include "runner/runner.h"

static const struct runner_agent agents[] = {
	{
		.type = "claude",
		.session_target = "/home/pylon/.claude",
		.session_env = "CLAUDE_CONFIG_DIR=/home/pylon/.claude",
		.login_name = ".credentials.json",
	},
	{
		.type = "opencode",
		.session_target = "/home/pylon/.opencode-data",
		.session_env = "XDG_DATA_HOME=/home/pylon/.opencode-data",
	},
};

const struct runner_agent *runner_agent(const char *type)
{
	for (size_t i = 0; i < ARRAY_LEN(agents); i++)
		if (str_eq(agents[i].type, type))
			return &agents[i];
	return NULL;
}
