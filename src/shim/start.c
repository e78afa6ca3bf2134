/* SPDX-License-Identifier: MIT */
/*
 * Starting the command.
 *
 * What goes wrong in the child comes back through a pipe that a good exec closes, as a struct
 * start_failure each. The child is tied to our life: without us nobody would know of its end.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "shim/shim.h"
#include "shim/shim_internal.h"

const char *start_step_text(enum start_step step)
{
	static const char *const texts[] = {
		[STEP_NONE] = "",
		[STEP_CGROUP] = "cgroup",
		[STEP_OUTPUT] = "output",
		[STEP_RLIMIT] = "resource limit",
		[STEP_NICE] = "niceness",
		[STEP_CWD] = "working folder",
		[STEP_EXEC] = "program",
	};

	return texts[step];
}

int start_detach(void)
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

/* --- in the child --- */

static enum start_step apply_limits(const struct options *o)
{
	for (size_t i = 0; i < o->rlimit_count; i++) {
		const struct rlimit_option *l = &o->rlimits[i];
		struct rlimit both = {l->value, l->value};

		if (setrlimit(l->resource, &both) < 0)
			return STEP_RLIMIT;
	}
	return STEP_NONE;
}

/* The scheduler may weigh sessions before processes (sched(7), autogroup): so ours must be as nice
 * as the command. Where it does not, there is no such file. */
static void make_session_nice(int value)
{
	CLEANUP(closep) int fd = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
	char text[16];
	int n = snprintf(text, sizeof(text), "%d", value);

	if (fd >= 0)
		(void)!write(fd, text, (size_t)n);
}

static enum start_step apply_nice(const struct options *o)
{
	int value;

	if (o->nice == 0)
		return STEP_NONE;
	errno = 0;
	value = nice(o->nice);
	if (value == -1 && errno != 0)
		return STEP_NICE;
	make_session_nice(value);
	return STEP_NONE;
}

/* The niceness may need rights of a limit that is about to go, so it comes first. */
static enum start_step apply_options(const struct options *o)
{
	enum start_step failed = apply_nice(o);

	if (failed == STEP_NONE)
		failed = apply_limits(o);
	if (failed == STEP_NONE && o->cwd != NULL && chdir(o->cwd) < 0)
		failed = STEP_CWD;
	return failed;
}

static void clean_signals(void)
{
	for (int sig = 1; sig < NSIG; sig++)
		(void)signal(sig, SIG_DFL);
}

static void report(int pipe, enum start_step step)
{
	struct start_failure failure = {step, errno};

	(void)!write(pipe, &failure, sizeof(failure));
}

static _Noreturn void exec_command(const struct options *o, const struct cgroup *c, pid_t shim,
	const int ends[2], int failures)
{
	enum start_step failed;
	sigset_t none;

	(void)prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0L, 0L, 0L);
	/* Died before that call? */
	if (getppid() != shim)
		_exit(SHIM_EXIT_NO_EXEC);
	(void)setpgid(0, 0);
	clean_signals();
	if (c->dir >= 0 && !cgroup_enter(c))
		report(failures, STEP_CGROUP);
	failed = dup2(ends[0], 1) < 0 || dup2(ends[1], 2) < 0 ? STEP_OUTPUT : apply_options(o);
	if (failed == STEP_NONE) {
		(void)sigemptyset(&none);
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		(void)execvp(o->command[0], o->command);
		failed = STEP_EXEC;
	}
	report(failures, failed);
	_exit(SHIM_EXIT_NO_EXEC);
}

/* --- in the shim --- */

static int open_plain(int dir, const char *name)
{
	return openat(dir, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static int open_ends(const struct options *o, int dir, struct output *out, int ends[2])
{
	if (o->log != NULL)
		return output_open(out, o->log, o->log_head, o->log_tail, ends);
	ends[0] = open_plain(dir, SHIM_STDOUT_FILE);
	ends[1] = ends[0] < 0 ? -1 : open_plain(dir, SHIM_STDERR_FILE);
	return ends[1] < 0 ? -errno : 0;
}

/* So that survivors of a killed shim can be told from all others. */
static void name_keeper(pid_t shim)
{
	static char entry[64];

	(void)snprintf(entry, sizeof(entry), SHIM_KEEPER_ENV "=%d.%llu", (int)shim,
		(unsigned long long)start_time(shim));
	(void)putenv(entry);
}

/* Reads what the child reports until it runs the command or is over. */
static void read_failures(int pipe, struct cgroup *c, struct start_failure *ret)
{
	struct start_failure failure;

	while (read(pipe, &failure, sizeof(failure)) == (ssize_t)sizeof(failure)) {
		if (failure.step == STEP_CGROUP)
			cgroup_remove(c);
		else
			*ret = failure;
	}
}

pid_t start_command(const struct options *o, int dir, struct output *out, struct cgroup *c,
	struct start_failure *ret_failure)
{
	int ends[2] = {-1, -1}, failures[2] = {-1, -1};
	pid_t shim = getpid(), pid = -1;
	int r = open_ends(o, dir, out, ends);

	*ret_failure = (struct start_failure){STEP_NONE, 0};
	if (r == 0 && pipe2(failures, O_CLOEXEC) < 0)
		r = -errno;
	if (r == 0) {
		name_keeper(shim);
		pid = fork();
		if (pid == 0)
			exec_command(o, c, shim, ends, failures[1]);
		if (pid < 0)
			*ret_failure = (struct start_failure){STEP_EXEC, errno};
	} else {
		*ret_failure = (struct start_failure){STEP_OUTPUT, -r};
	}
	closep(&failures[1]);
	closep(&ends[0]);
	closep(&ends[1]);
	if (pid > 0)
		read_failures(failures[0], c, ret_failure);
	closep(&failures[0]);
	return pid > 0 ? pid : 0;
}
