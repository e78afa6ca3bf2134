/* SPDX-License-Identifier: MIT */
#ifndef AGENT_MOCK_AGENT_INTERNAL_H
#define AGENT_MOCK_AGENT_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

/* What the prompt's directives have decided so far. */
struct agent {
	const char *job_id;
	const char *run_dir;
	const char *workspace;
	char *prompt;
	size_t prompt_bytes;
	/* The prompt cut into lines; the texts below point into it. */
	char *lines;
	const char *result;
	const char *failure;
	bool no_result;
	bool to_stdout;
	bool to_callback;
	int exit_code;
};

/* result.c */
/* Reports by the way the directives chose. Returns 0, or -1 after a line on stderr. */
int result_report(const struct agent *a);

/* directives.c */
/* Obeys every directive of the prompt, in order. May not return (mock:hang). */
void directives_run(struct agent *a);

#endif
