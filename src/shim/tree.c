/* SPDX-License-Identifier: MIT */
/*
 * Finding and ending the processes below us.
 *
 * We are their subreaper: an orphan becomes our direct child. So "kill and reap every direct child
 * until there is none" reaches all of them, whatever sessions and groups they made. Direct children
 * are ours to reap, hence their numbers cannot be reused under us; deeper ones are signalled
 * through a pidfd, after a second look at their parent. A cgroup of the command's is killed first:
 * that is one act, which no fork outruns.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shim/shim_internal.h"

enum {
	CHILDREN_MAX = 256,
	PID_DIGITS = 8, /* of 4194304, the most there can be, and a space */
	DEPTH_MAX = 32,
	/* A child we may not signal (it changed its user) must not keep us for ever. */
	KILL_LIMIT_US = 5000000,
	KILL_PAUSE_NS = 2000000,
};

/* The children that one thread made; at most `max` of them. */
static size_t children_of(pid_t pid, const char *tid, pid_t *ret, size_t max)
{
	char path[80], text[CHILDREN_MAX * PID_DIGITS];
	const char *at = text;
	size_t n = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%s/children", (int)pid, tid);
	/* Each number has a space behind it; one without was cut off by our limit. */
	(void)read_text(AT_FDCWD, path, text, sizeof(text));
	while (n < max) {
		pid_t child = (pid_t)take_number(&at);

		if (child == 0 || *at != ' ')
			break;
		ret[n++] = child;
	}
	return n;
}

static size_t own_children(pid_t *ret, size_t max)
{
	char tid[16];

	(void)snprintf(tid, sizeof(tid), "%d", (int)getpid());
	return children_of(getpid(), tid, ret, max);
}

static void signal_if_child(pid_t pid, pid_t parent, int sig)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0)
		return;
	if (parent_of(pid) == parent)
		(void)syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0);
	(void)close(fd);
}

/* Parents before children, so that a shell does not go on with its next line first. */
static void signal_below(pid_t pid, int sig, int depth)
{
	char path[40];
	const struct dirent *entry;
	DIR *tasks;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	tasks = depth < DEPTH_MAX ? opendir(path) : NULL;
	if (!tasks)
		return;
	while ((entry = readdir(tasks)) != NULL) {
		pid_t found[CHILDREN_MAX];
		size_t n = 0;

		if (entry->d_name[0] != '.')
			n = children_of(pid, entry->d_name, found, CHILDREN_MAX);
		for (size_t i = 0; i < n; i++) {
			signal_if_child(found[i], pid, sig);
			signal_below(found[i], sig, depth + 1);
		}
	}
	(void)closedir(tasks);
}

void tree_signal(int sig)
{
	signal_below(getpid(), sig, 0);
}

/* Reaps what is dead. Returns false when there is no child at all. */
static bool reap(pid_t main_pid, int *wait_status)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == main_pid)
			*wait_status = status;
	}
	return pid == 0;
}

/* Counts only those not yet told to die: a second SIGKILL to a process on its way out is the same
 * kill. */
static unsigned kill_children(pid_t *last, size_t *last_n)
{
	pid_t now[CHILDREN_MAX];
	size_t n = own_children(now, CHILDREN_MAX);
	unsigned killed = 0;

	for (size_t i = 0; i < n; i++) {
		bool known = false;

		for (size_t k = 0; k < *last_n && !known; k++)
			known = last[k] == now[i];
		if (kill(now[i], SIGKILL) == 0 && !known)
			killed++;
	}
	memcpy(last, now, n * sizeof(*now));
	*last_n = n;
	return killed;
}

unsigned tree_kill(pid_t main_pid, const struct cgroup *c, int *wait_status, bool *ret_left)
{
	const struct timespec pause = {.tv_nsec = KILL_PAUSE_NS};
	int64_t give_up = clock_us(CLOCK_MONOTONIC) + KILL_LIMIT_US;
	pid_t last[CHILDREN_MAX];
	size_t last_n = 0;
	unsigned killed = 0, in_cgroup = cgroup_kill(c);

	while (reap(main_pid, wait_status) || !cgroup_is_empty(c)) {
		sigset_t chld;

		if (clock_us(CLOCK_MONOTONIC) > give_up) {
			*ret_left = true;
			break;
		}
		killed += kill_children(last, &last_n);
		(void)sigemptyset(&chld);
		(void)sigaddset(&chld, SIGCHLD);
		/* Wakes at the next death; the pause covers one that was already counted. */
		(void)sigtimedwait(&chld, NULL, &pause);
	}
	/* What the cgroup killed was reaped with or without being seen here. */
	return MAX_OF(killed, in_cgroup);
}
