/* SPDX-License-Identifier: MIT */
#ifndef SHIM_SHIM_INTERNAL_H
#define SHIM_SHIM_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct options {
	int64_t timeout_ms;
	int64_t grace_ms;
	const char *cwd;
	const char *dir;
	char **command;
};

/* What status says; see shim.h. */
struct status {
	const char *state;
	char boot_id[40];
	pid_t pid;
	int64_t started_real;
	int64_t ended_real;
	int wait_status;
	int exec_errno;
	bool timed_out;
	bool stopped;
	bool left;
	unsigned killed;
};

/* status.c */
int64_t clock_us(int clock);
int status_init(struct status *s, int dir_fd);
/* Replaces DIR/status; with `sync` only after its bytes are on disk. Returns 0 or -errno. */
int status_write(struct status *s, bool sync);

/* tree.c */
/* Sends `sig` to every descendant that can be found now. */
void tree_signal(int sig);
/*
 * Kills and reaps until no child is left; orphans come to us, so that reaches every descendant.
 * Returns how many were killed and sets *ret_left when some could not be. Fills *wait_status when
 * it reaps `main_pid` (0: already reaped).
 */
unsigned tree_kill(pid_t main_pid, int *wait_status, bool *ret_left);

#endif
