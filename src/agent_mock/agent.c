/* SPDX-License-Identifier: MIT */
/*
 * The agent of the image `pylon/agent-mock`: it has no model behind it and answers at once, so that
 * a pipeline can be tried without an account, and tests can make an agent do whatever an agent
 * might do.
 *
 * It reads the prompt from /run/pylon/prompt (else $PROMPT), prints it, obeys the directives found
 * at the start of its lines (see directives.c) and writes /run/pylon/result.json. MOCK_RUN_DIR and
 * MOCK_WORKSPACE name other folders when it is tried outside a container.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent_mock/agent_internal.h"

enum { PROMPT_MAX = 4 << 20 };

static const char *env_or(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value ? value : otherwise;
}

/* Should we be process 1, the kernel drops a SIGTERM that has no handler. */
static void on_term(int sig)
{
	_exit(128 + sig);
}

static bool read_prompt_file(struct agent *a)
{
	char path[4096];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/prompt", a->run_dir);
	f = fopen(path, "re");
	if (!f)
		return false;
	a->prompt_bytes = fread(a->prompt, 1, PROMPT_MAX, f);
	(void)fclose(f);
	return true;
}

static void read_prompt(struct agent *a)
{
	a->prompt = calloc(1, PROMPT_MAX + 1);
	if (!a->prompt) {
		(void)fputs("mock agent: no memory for the prompt\n", stderr);
		exit(1);
	}
	if (!read_prompt_file(a)) {
		const char *text = env_or("PROMPT", "");

		a->prompt_bytes = strnlen(text, PROMPT_MAX);
		memcpy(a->prompt, text, a->prompt_bytes);
	}
	a->prompt[a->prompt_bytes] = 0;
}

static void print_prompt(const struct agent *a)
{
	const char *p = a->prompt;

	do {
		size_t n = strcspn(p, "\n");

		printf("prompt: %.*s\n", (int)n, p);
		p += n;
	} while (*p++ && *p);
	(void)fflush(stdout);
}

int main(void)
{
	struct agent a = {
		.job_id = env_or("JOB_ID", "unknown"),
		.run_dir = env_or("MOCK_RUN_DIR", "/run/pylon"),
		.workspace = env_or("MOCK_WORKSPACE", "/workspace"),
	};

	(void)signal(SIGTERM, on_term);
	(void)signal(SIGPIPE, SIG_IGN);
	read_prompt(&a);
	printf("mock agent: job %s attempt %s\n", a.job_id, env_or("ATTEMPT", "1"));
	print_prompt(&a);
	directives_run(&a);
	if (!a.no_result && result_report(&a) < 0 && a.exit_code == 0)
		a.exit_code = 1;
	free(a.lines);
	free(a.prompt);
	return a.exit_code;
}
