/* SPDX-License-Identifier: MIT */
/*
 * pylon-shim: start one command, wait for its end, record it. The contract is in shim.h.
 *
 * All signals stay blocked and are taken one at a time with sigtimedwait, so there are no handlers
 * and no races; the only deadline is the timeout or, while stopping, the end of the grace.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shim/shim.h"
#include "shim/shim_internal.h"

enum {
	EXIT_RECORDED = 0,
	EXIT_NOT_RECORDED = 1,
	EXIT_USAGE = 2,
	/* A disk may be full just when a run ends: its result is worth waiting for. */
	RECORD_TRIES = 60,
};

static const char usage[] = "usage: pylon-shim [--timeout-ms N] [--grace-ms N] [--cwd DIR]"
			    " --dir DIR -- CMD ARG...\n";

static bool parse_ms(const char *text, int64_t *ret)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno || end == text || *end || value < 0 || value > INT_MAX * 1000LL)
		return false;
	*ret = value;
	return true;
}

static bool parse_option(struct options *o, const char *name, const char *value)
{
	if (strcmp(name, "--timeout-ms") == 0)
		return parse_ms(value, &o->timeout_ms);
	if (strcmp(name, "--grace-ms") == 0)
		return parse_ms(value, &o->grace_ms);
	if (strcmp(name, "--cwd") == 0)
		o->cwd = value;
	else if (strcmp(name, "--dir") == 0)
		o->dir = value;
	else
		return false;
	return true;
}

static bool parse_options(struct options *o, char **argv)
{
	argv++;
	while (*argv && strcmp(*argv, "--") != 0) {
		if (!argv[1] || !parse_option(o, argv[0], argv[1]))
			return false;
		argv += 2;
	}
	if (!*argv || !argv[1] || !o->dir)
		return false;
	o->command = argv + 1;
	return true;
}

static int open_log(int dir, const char *name)
{
	return openat(dir, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* Nobody reads our descriptors once we run: a pipe of the starter must be able to end. */
static int detach(void)
{
	int null = open("/dev/null", O_RDWR);

	if (null < 0)
		return -errno;
	for (int fd = 0; fd <= 2; fd++) {
		if (dup2(null, fd) < 0)
			return -errno;
	}
	if (null > 2)
		(void)close(null);
	return 0;
}

/* Runs in the child. Never returns; the pipe, closed by a good exec, carries what went wrong. */
static void exec_command(const struct options *o, int out, int err, int failure)
{
	sigset_t none;
	int code;

	(void)setpgid(0, 0);
	for (int sig = 1; sig < NSIG; sig++)
		(void)signal(sig, SIG_DFL);
	(void)sigemptyset(&none);
	if (dup2(out, 1) >= 0 && dup2(err, 2) >= 0 && (!o->cwd || chdir(o->cwd) == 0)) {
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		(void)execvp(o->command[0], o->command);
	}
	code = errno;
	(void)!write(failure, &code, sizeof(code));
	_exit(SHIM_EXIT_NO_EXEC);
}

/* Returns 0 with s->pid set, or an errno: then there is nothing to wait for but a dead child. */
static int start_command(const struct options *o, struct status *s, int dir)
{
	int out = open_log(dir, SHIM_STDOUT_FILE), err = open_log(dir, SHIM_STDERR_FILE);
	int pipe_fds[2] = {-1, -1}, code = 0;

	if (out < 0 || err < 0 || pipe2(pipe_fds, O_CLOEXEC) < 0)
		return errno;
	s->started_real = clock_us(CLOCK_REALTIME);
	s->pid = fork();
	if (s->pid == 0)
		exec_command(o, out, err, pipe_fds[1]);
	if (s->pid < 0) {
		s->pid = 0;
		return errno;
	}
	(void)close(pipe_fds[1]);
	(void)close(out);
	(void)close(err);
	if (read(pipe_fds[0], &code, sizeof(code)) != sizeof(code))
		code = 0;
	(void)close(pipe_fds[0]);
	return code;
}

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

/* The next signal, or 0 at the deadline (0: no deadline). */
static int next_signal(int64_t deadline)
{
	struct timespec wait;
	sigset_t all;
	int64_t left;
	int sig;

	(void)sigfillset(&all);
	if (!deadline) {
		sig = sigwaitinfo(&all, NULL);
		return sig < 0 ? SIGCHLD : sig;
	}
	left = deadline - clock_us(CLOCK_MONOTONIC);
	if (left <= 0)
		return 0;
	wait.tv_sec = (time_t)(left / 1000000);
	wait.tv_nsec = (long)(left % 1000000) * 1000;
	sig = sigtimedwait(&all, NULL, &wait);
	if (sig < 0)
		return errno == EAGAIN ? 0 : SIGCHLD;
	return sig;
}

/* Until the command ended by itself (true), or must be killed now. */
static bool wait_command(const struct options *o, struct status *s)
{
	int64_t deadline = 0;
	bool stopping = false;

	if (o->timeout_ms)
		deadline = clock_us(CLOCK_MONOTONIC) + o->timeout_ms * 1000;
	for (;;) {
		int sig = next_signal(deadline);

		if (sig == SIGCHLD && reap_command(s))
			return true;
		if (sig != 0 && sig != SIGTERM && sig != SIGINT)
			continue;
		if (stopping)
			return false;
		stopping = true;
		s->timed_out = sig == 0;
		s->stopped = sig != 0;
		deadline = clock_us(CLOCK_MONOTONIC) + o->grace_ms * 1000;
		tree_signal(SIGTERM);
	}
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

static int run(const struct options *o, int dir)
{
	/* Killed, as long as nothing better is known. */
	struct status s = {.state = "starting", .wait_status = SIGKILL};
	bool is_reaped = false;
	int r = status_init(&s, dir);

	if (!r)
		r = status_write(&s, false);
	if (r) {
		(void)fprintf(stderr, "pylon-shim: %s: %s\n", o->dir, strerror(-r));
		return EXIT_NOT_RECORDED;
	}
	if (detach() < 0)
		return EXIT_NOT_RECORDED;
	s.exec_errno = start_command(o, &s, dir);
	if (!s.exec_errno) {
		s.state = "running";
		/* A missing "running" costs only knowledge: the end is what must be kept. */
		(void)status_write(&s, false);
		is_reaped = wait_command(o, &s);
	}
	s.killed = tree_kill(is_reaped ? 0 : s.pid, &s.wait_status, &s.left);
	s.ended_real = clock_us(CLOCK_REALTIME);
	return record_end(&s);
}

int main(int argc, char **argv)
{
	struct options o = {.grace_ms = SHIM_GRACE_MS};
	sigset_t all;
	int dir;

	if (argc < 2 || !parse_options(&o, argv)) {
		(void)fputs(usage, stderr);
		return EXIT_USAGE;
	}
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	/* An inherited "ignore" of SIGCHLD would let the kernel reap in our place. */
	(void)signal(SIGCHLD, SIG_DFL);
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
