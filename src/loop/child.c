/* SPDX-License-Identifier: MIT */
/*
 * loop/child.c - fork, exec, follow, end.
 *
 * Pids. A process that has ended keeps its pid, and so its process group id, until it is waited
 * for. So the order at the end is fixed: the pidfd says that it ended, what is left of the group is
 * killed, and only then the zombie is reaped. All earlier signals go out while the pidfd is open
 * and nobody has waited, so they reach the right group or nobody.
 *
 * Between fork and exec only what signal-safety(7) lists is called, because a library may have
 * threads whose locks are copied as they are; everything that takes memory is made before. _Fork
 * (glibc 2.34) runs no atfork handlers, for the same reason. What fails there is written to a pipe
 * that a successful exec closes.
 *
 * What surprised us: a grandchild that left the group may hold the output pipes open for ever, so
 * the end of the output is not waited for. What is in the pipes when the child has ended is read,
 * up to what a pipe can hold (DRAIN_PIECES), and then they are closed.
 */
#include "loop/child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "loop/loop_internal.h"

enum {
	DRAIN_PIECES = 128, /* 2 MiB: more than a pipe of any unprivileged size */
	FREE_WAIT_MS = 200, /* SIGKILL takes less, unless the kernel itself is stuck */
	HIGH_FD = 10,       /* above what exec'd programs use */
};

struct child {
	struct loop *loop;
	pid_t pid;
	int pid_fd;
	int status_fd; /* what failed before exec; readable end of a pipe */
	int out_fd[2];
	struct watch pid_watch, out_watch[2];
	struct timer timer;
	int64_t grace_us;
	bool is_timed_out, is_stopped, has_ended;
	/* on_output is being called; child_free() was called in it. */
	bool is_telling, is_doomed;
	child_output_fn *on_output;
	child_end_fn *on_end;
	void *ctx;
};

/* All that the new process needs, made before it exists. */
struct launch {
	const struct child_spec *spec;
	char *path;
	pid_t parent;
	int in, out[2], status;
};

/* What the new process tells when it fails before exec. */
struct misfortune {
	int error;
	char call[16];
};

/* --- in the new process --- */

static _Noreturn void give_up(int status_fd, const char *call)
{
	struct misfortune m = {.error = errno};

	for (size_t i = 0; call[i] != '\0' && i + 1 < sizeof(m.call); i++)
		m.call[i] = call[i];
	(void)!write(status_fd, &m, sizeof(m));
	_exit(127);
}

static void require(bool is_fine, const struct launch *x, const char *call)
{
	if (!is_fine)
		give_up(x->status, call);
}

static void reset_signals(void)
{
	struct sigaction plain = {.sa_handler = SIG_DFL};
	sigset_t none;

	/* Some numbers are refused (KILL, STOP, glibc's own): those are as they should be. */
	for (int signo = 1; signo < NSIG; signo++)
		(void)sigaction(signo, &plain, NULL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Moves the descriptors out of the way of each other first: any of them may be 0, 1 or 2. */
static void arrange_descriptors(struct launch *x)
{
	int *fds[] = {&x->status, &x->in, &x->out[0], &x->out[1]};

	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		int high = fcntl(*fds[i], F_DUPFD_CLOEXEC, HIGH_FD);

		require(high >= 0, x, "dup");
		*fds[i] = high;
	}
	require(dup2(x->in, STDIN_FILENO) >= 0 && dup2(x->out[0], STDOUT_FILENO) >= 0 &&
			dup2(x->out[1], STDERR_FILENO) >= 0,
		x, "dup2");
	require(close_range(3, (unsigned)x->status - 1, 0) == 0 &&
			close_range((unsigned)x->status + 1, ~0U, 0) == 0,
		x, "close_range");
}

static void limit(const struct launch *x, int what, uint64_t bytes)
{
	struct rlimit old;

	require(getrlimit(what, &old) == 0, x, "getrlimit");
	bytes = MIN_OF(bytes, old.rlim_max);
	require(setrlimit(what, &(struct rlimit){bytes, bytes}) == 0, x, "setrlimit");
}

static void change_user(const struct launch *x)
{
	const struct child_spec *s = x->spec;

	if (!s->changes_user)
		return;
	require(setgroups(0, NULL) == 0, x, "setgroups");
	require(setresgid(s->gid, s->gid, s->gid) == 0, x, "setresgid");
	require(setresuid(s->uid, s->uid, s->uid) == 0, x, "setresuid");
}

/* After a change of user, which clears it. Our process may have ended before. */
static void follow_parent(const struct launch *x)
{
	if (!x->spec->dies_with_us)
		return;
	require(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0, x, "prctl");
	if (getppid() != x->parent)
		_exit(127);
}

static _Noreturn void become(struct launch *x)
{
	const struct child_spec *s = x->spec;

	reset_signals();
	arrange_descriptors(x);
	require(setsid() >= 0, x, "setsid");
	(void)umask(s->mask);
	if (s->niceness != 0)
		(void)setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + s->niceness);
	limit(x, RLIMIT_CORE, 0);
	if (s->max_file_bytes > 0)
		limit(x, RLIMIT_FSIZE, s->max_file_bytes);
	if (s->max_memory_bytes > 0)
		limit(x, RLIMIT_DATA, s->max_memory_bytes);
	change_user(x);
	follow_parent(x);
	require(chdir(s->cwd == NULL ? "/" : s->cwd) == 0, x, "chdir");
	(void)execve(x->path, s->argv, s->env);
	give_up(x->status, "execve");
}

/* --- before it exists --- */

static const char *path_of(char *const *env)
{
	for (; *env != NULL; env++) {
		if (str_has_prefix(*env, "PATH="))
			return *env + 5;
	}
	return "/usr/local/bin:/usr/bin:/bin";
}

/* Where the program is; the bare name when it is nowhere, so that execve says so. */
static char *find_program(const char *name, char *const *env)
{
	const char *folder = path_of(env);

	while (strchr(name, '/') == NULL && *folder != '\0') {
		size_t n = strcspn(folder, ":");
		CLEANUP(freep) char *path = xasprintf("%.*s/%s", (int)n, folder, name);

		/* An empty entry would mean the current folder: never here. */
		if (n > 0 && access(path, X_OK) == 0)
			return STEAL(path);
		folder += n + (folder[n] == ':' ? 1 : 0);
	}
	return xstrdup(name);
}

static void launch_fini(struct launch *x)
{
	closep(&x->in);
	closep(&x->out[0]);
	closep(&x->out[1]);
	closep(&x->status);
	freep(&x->path);
}

static int open_input(struct slice input, int *ret, struct err *e)
{
	CLEANUP(closep)
	int fd = input.p == NULL ? open("/dev/null", O_RDONLY | O_CLOEXEC)
				 : memfd_create("input", MFD_CLOEXEC);

	if (fd < 0)
		return err_errno(e, "cannot make a standard input");
	if (input.p != NULL) {
		int rc = write_all(fd, input.p, input.n);

		if (rc < 0 || lseek(fd, 0, SEEK_SET) < 0)
			return err_set(e, rc < 0 ? rc : -errno, "cannot fill a standard input");
	}
	*ret = fd_steal(&fd);
	return 0;
}

static int open_pipe(int *ret_read, int *ret_write, struct err *e)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(e, "cannot make a pipe");
	/* Only our end: the other one is somebody's standard output. */
	if (fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0) {
		int rc = err_errno(e, "cannot make a pipe");

		closep(&ends[0]);
		closep(&ends[1]);
		return rc;
	}
	*ret_read = ends[0];
	*ret_write = ends[1];
	return 0;
}

static void on_piece(struct watch *w, uint32_t events, void *ctx);
static void on_pid(struct watch *w, uint32_t events, void *ctx);
static void on_time(struct timer *t, void *ctx);

static int open_outputs(struct child *c, struct launch *x, struct err *e)
{
	int rc = open_pipe(&c->status_fd, &x->status, e);

	for (int i = 0; i < 2 && rc == 0; i++) {
		if (c->on_output == NULL) {
			x->out[i] = open("/dev/null", O_WRONLY | O_CLOEXEC);
			rc = x->out[i] < 0 ? err_errno(e, "/dev/null") : 0;
			continue;
		}
		rc = open_pipe(&c->out_fd[i], &x->out[i], e);
		if (rc == 0)
			rc = watch_start(
				&c->out_watch[i], c->loop, c->out_fd[i], EPOLLIN, on_piece, c, e);
	}
	return rc;
}

/* No handler of ours may run in the new process. */
static int split(struct child *c, struct launch *x, struct err *e)
{
	sigset_t all;
	sigset_t old;
	int error;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	x->parent = getpid();
	c->pid = _Fork();
	if (c->pid == 0)
		become(x);
	error = errno;
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = error;
	return c->pid < 0 ? err_errno(e, "cannot make a process") : 0;
}

static int follow(struct child *c, int64_t timeout_us, struct err *e)
{
	int rc;

	c->pid_fd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	if (c->pid_fd < 0)
		return err_errno(e, "cannot follow process %d", (int)c->pid);
	rc = watch_start(&c->pid_watch, c->loop, c->pid_fd, EPOLLIN, on_pid, c, e);
	if (rc == 0 && timeout_us > 0)
		timer_set_in(&c->timer, timeout_us);
	return rc;
}

static int launch(struct child *c, const struct child_spec *spec, struct err *e)
{
	CLEANUP(launch_fini)
	struct launch x = {.spec = spec, .in = -1, .out = {-1, -1}, .status = -1};
	int rc = open_input(spec->input, &x.in, e);

	x.path = find_program(spec->argv[0], spec->env);
	if (rc == 0)
		rc = open_outputs(c, &x, e);
	if (rc == 0)
		rc = split(c, &x, e);
	return rc == 0 ? follow(c, spec->timeout_us, e) : rc;
}

int child_start(struct child **ret, struct loop *l, const struct child_spec *spec, struct err *e)
{
	struct child *c = xcalloc_held(1, sizeof(*c));
	int rc;

	must(spec->argv[0] != NULL && spec->on_end != NULL);
	c->loop = l;
	c->pid_fd = c->status_fd = c->out_fd[0] = c->out_fd[1] = -1;
	c->grace_us = spec->grace_us;
	c->on_output = spec->on_output;
	c->on_end = spec->on_end;
	c->ctx = spec->ctx;
	timer_init(&c->timer, l, on_time, c);
	rc = l->event == NULL ? err_set(e, -EOPNOTSUPP, "a fake loop follows no children")
			      : launch(c, spec, e);
	if (rc < 0) {
		(void)err_wrap(e, "cannot start %s", spec->argv[0]);
		child_free(c);
		return err_negative(rc);
	}
	*ret = c;
	return 0;
}

/* --- while it runs --- */

/* Calls on_output; false when the child is gone after it. */
static bool tell_output(struct child *c, enum child_stream stream, const char *p, size_t n)
{
	c->is_telling = true;
	c->on_output(c->ctx, stream, p, n);
	c->is_telling = false;
	if (!c->is_doomed)
		return true;
	free(c);
	return false;
}

static void close_output(struct child *c, enum child_stream stream)
{
	watch_stop(&c->out_watch[stream]);
	closep(&c->out_fd[stream]);
}

/* Reads one piece. 1: there may be more; 0: not now, or never again; -1: the child is gone. */
static int read_piece(struct child *c, enum child_stream stream)
{
	char piece[CHILD_PIECE_MAX];
	ssize_t n;

	if (c->out_fd[stream] < 0)
		return 0;
	n = read(c->out_fd[stream], piece, sizeof(piece));
	if (n > 0)
		return tell_output(c, stream, piece, (size_t)n) ? 1 : -1;
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		close_output(c, stream);
	return 0;
}

static void on_piece(struct watch *w, uint32_t events UNUSED, void *ctx)
{
	struct child *c = ctx;

	(void)read_piece(c, w == &c->out_watch[CHILD_STDOUT] ? CHILD_STDOUT : CHILD_STDERR);
}

/* False when the child is gone after it. */
static bool drain(struct child *c)
{
	for (int stream = CHILD_STDOUT; stream <= CHILD_STDERR; stream++) {
		int more = 1;

		for (int i = 0; i < DRAIN_PIECES && more > 0; i++)
			more = read_piece(c, (enum child_stream)stream);
		if (more < 0)
			return false;
	}
	return true;
}

static void signal_group(const struct child *c, int signo)
{
	/* Before its setsid() there is no such group yet: then the process itself. */
	if (c->pid > 0 && !c->has_ended && kill(-c->pid, signo) < 0 && c->pid_fd >= 0)
		(void)syscall(SYS_pidfd_send_signal, c->pid_fd, signo, NULL, 0);
}

static void begin_to_end(struct child *c)
{
	signal_group(c, SIGTERM);
	timer_set_in(&c->timer, c->grace_us);
}

static void on_time(struct timer *t UNUSED, void *ctx)
{
	struct child *c = ctx;

	if (c->is_timed_out || c->is_stopped) {
		signal_group(c, SIGKILL);
		return;
	}
	c->is_timed_out = true;
	begin_to_end(c);
}

void child_stop(struct child *c)
{
	if (c->has_ended || c->is_stopped)
		return;
	c->is_stopped = true;
	if (!c->is_timed_out)
		begin_to_end(c);
}

/* --- its end --- */

/* False when it has not ended. Kills what is left of its group: see the top. */
static bool reap(struct child *c, siginfo_t *ret)
{
	siginfo_t info = {0};

	if (waitid(P_PIDFD, (id_t)c->pid_fd, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
		info.si_pid == 0)
		return false;
	(void)kill(-c->pid, SIGKILL);
	c->has_ended = true;
	return waitid(P_PIDFD, (id_t)c->pid_fd, ret, WEXITED | WNOHANG) == 0;
}

static void find_end(
	const struct child *c, const siginfo_t *info, struct misfortune *m, struct child_end *end)
{
	end->how = info->si_code == CLD_EXITED ? CHILD_EXITED : CHILD_SIGNALLED;
	end->code = info->si_status;
	end->is_timed_out = c->is_timed_out;
	end->is_stopped = c->is_stopped;
	if (read(c->status_fd, m, sizeof(*m)) == (ssize_t)sizeof(*m)) {
		end->how = CHILD_NOT_STARTED;
		end->code = m->error;
		end->failed = m->call;
	}
}

static void on_pid(struct watch *w UNUSED, uint32_t events UNUSED, void *ctx)
{
	struct child *c = ctx;
	struct child_end end = {0};
	struct misfortune m = {0};
	siginfo_t info = {0};

	if (!reap(c, &info))
		return;
	watch_stop(&c->pid_watch);
	timer_cancel(&c->timer);
	find_end(c, &info, &m, &end);
	if (!drain(c))
		return;
	close_output(c, CHILD_STDOUT);
	close_output(c, CHILD_STDERR);
	c->on_end(c->ctx, &end);
}

/* A killed process is gone in no time; one that is not (the kernel is stuck in it) is left to be
 * reaped with us. */
static void end_now(struct child *c)
{
	struct pollfd p = {.fd = c->pid_fd, .events = POLLIN};
	siginfo_t info = {0};

	if (c->pid <= 0 || c->has_ended)
		return;
	signal_group(c, SIGKILL);
	if (c->pid_fd < 0) {
		(void)kill(c->pid, SIGKILL);
		(void)waitid(P_PID, (id_t)c->pid, &info, WEXITED);
		return;
	}
	if (poll(&p, 1, FREE_WAIT_MS) > 0)
		(void)reap(c, &info);
}

void child_free(struct child *c)
{
	if (c == NULL)
		return;
	end_now(c);
	timer_cancel(&c->timer);
	watch_stop(&c->pid_watch);
	close_output(c, CHILD_STDOUT);
	close_output(c, CHILD_STDERR);
	closep(&c->status_fd);
	closep(&c->pid_fd);
	c->is_doomed = true;
	if (!c->is_telling)
		free(c);
}

pid_t child_pid(const struct child *c)
{
	return c->pid;
}
