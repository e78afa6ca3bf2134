/* SPDX-License-Identifier: MIT */
/*
 * pylon-shim: start one command, wait for its end, record it. The contract is in shim.h.
 *
 * All signals stay blocked and are taken one at a time (watch.c); the only deadline is the timeout
 * or, while stopping or draining, the end of the grace.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/spool.h"
#include "shim/shim.h"
#include "shim/shim_internal.h"

enum {
	EXIT_RECORDED = 0,
	EXIT_NOT_RECORDED = 1,
	EXIT_USAGE = 2,
	/* A disk may be full just when a run ends: its result is worth waiting for. */
	RECORD_TRIES = 60,
};

static const char usage[] =
	"usage: pylon-shim [--timeout-ms N] [--grace-ms N] [--cwd DIR] [--nice N]"
	" [--rlimit NAME=N]... [--log PATH [--log-head N] [--log-tail N]]"
	" [--die-with-parent] --dir DIR -- CMD ARG...\n";

/* Reaps all that is dead. Returns true when the command itself was among it. */
static bool reap_command(struct status *s)
{
	bool is_over = false;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == s->pid) {
			s->wait_status = status;
			is_over = true;
		}
	}
	return is_over;
}

static int64_t deadline_in(int64_t ms)
{
	return clock_us(CLOCK_MONOTONIC) + ms * 1000;
}

static bool is_stop(int sig)
{
	return sig == SIGTERM || sig == SIGINT;
}

/* Until the command ended by itself (true), or must be killed now. */
static bool wait_command(const struct options *o, struct status *s, struct output *out)
{
	int64_t deadline = o->timeout_ms ? deadline_in(o->timeout_ms) : 0;
	bool stopping = false;

	for (;;) {
		int sig = watch_next(out, deadline);

		if (sig == SIGCHLD && reap_command(s))
			return true;
		if (sig != WATCH_DEADLINE && !is_stop(sig))
			continue;
		if (stopping)
			return false;
		stopping = true;
		s->timed_out = sig == WATCH_DEADLINE;
		s->stopped = !s->timed_out;
		deadline = deadline_in(o->grace_ms);
		tree_signal(SIGTERM);
	}
}

/* The tree is dead; what it wrote may still be in the pipes. */
static void drain(const struct options *o, struct status *s, struct output *out)
{
	int64_t deadline = deadline_in(o->grace_ms);
	int sig = SIGCHLD;

	while (output_is_open(out) && sig != WATCH_DEADLINE && !is_stop(sig))
		sig = watch_next(out, deadline);
	s->is_log_cut = output_is_open(out);
}

static void finish_output(const struct options *o, struct status *s, struct output *out)
{
	if (out->spool == NULL)
		return;
	drain(o, s, out);
	s->has_log = true;
	s->log_bytes = spool_length(out->spool);
	s->log_lost = out->lost;
	s->log_errno = out->lost_errno;
	output_close(out);
}

static int record_end(struct status *s)
{
	const struct timespec second = {.tv_sec = 1};
	int r = -1;

	s->state = "exited";
	for (int i = 0; i < RECORD_TRIES && r < 0; i++) {
		if (i)
			(void)nanosleep(&second, NULL);
		r = status_write(s, true);
	}
	return r < 0 ? EXIT_NOT_RECORDED : EXIT_RECORDED;
}

static int run_command(const struct options *o, struct status *s, int dir)
{
	struct output out = OUTPUT_NONE;
	struct cgroup group;
	bool is_reaped = false;

	cgroup_make(&group);
	s->started_real = clock_us(CLOCK_REALTIME);
	s->pid = start_command(o, dir, &out, &group, &s->failure);
	s->cgroup = group.dir < 0 ? NULL : group.path;
	if (s->pid > 0)
		s->pid_start = start_time(s->pid);
	if (s->failure.step == STEP_NONE) {
		s->state = "running";
		/* A missing "running" costs only knowledge: the end is what must be kept. */
		(void)status_write(s, false);
		is_reaped = wait_command(o, s, &out);
	}
	s->killed = tree_kill(is_reaped ? 0 : s->pid, &group, &s->wait_status, &s->left);
	s->ended_real = clock_us(CLOCK_REALTIME);
	finish_output(o, s, &out);
	if (record_end(s) != EXIT_RECORDED)
		return EXIT_NOT_RECORDED;
	if (group.dir >= 0)
		cgroup_remove(&group);
	return EXIT_RECORDED;
}

static int run(const struct options *o, int dir)
{
	/* Killed, as long as nothing better is known. */
	struct status s = {.state = "starting", .wait_status = SIGKILL};
	int r = status_init(&s, dir);

	if (!r)
		r = status_write(&s, false);
	if (!r)
		r = watch_open();
	if (r) {
		(void)fprintf(stderr, "pylon-shim: %s: %s\n", o->dir, strerror(-r));
		return EXIT_NOT_RECORDED;
	}
	if (start_detach() < 0)
		return EXIT_NOT_RECORDED;
	return run_command(o, &s, dir);
}

/* The signal is blocked already, so it waits for watch_next(). */
static void die_with_parent(void)
{
	pid_t parent = getppid();

	(void)prctl(PR_SET_PDEATHSIG, (unsigned long)SIGTERM, 0L, 0L, 0L);
	if (getppid() != parent)
		(void)raise(SIGTERM);
}

int main(int argc, char **argv)
{
	struct options o;
	sigset_t all;
	int dir;

	(void)argc;
	if (!options_parse(&o, argv)) {
		(void)fputs(usage, stderr);
		return EXIT_USAGE;
	}
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	/* An inherited "ignore" of SIGCHLD would let the kernel reap in our place. */
	(void)signal(SIGCHLD, SIG_DFL);
	if (o.dies_with_parent)
		die_with_parent();
	/* Fails only for a group leader, such as a shell's foreground job: then the session stays.
	 */
	(void)setsid();
	(void)syscall(SYS_close_range, 3U, ~0U, 0U);
	dir = open(o.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L) < 0) {
		(void)fprintf(stderr, "pylon-shim: %s: %s\n", o.dir, strerror(errno));
		return EXIT_NOT_RECORDED;
	}
	return run(&o, dir);
}
