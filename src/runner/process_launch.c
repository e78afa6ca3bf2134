/* SPDX-License-Identifier: MIT */
/*
 * Starting a keeper.
 *
 * posix_spawn(3), because it takes the same time however much memory we have, and because it says
 * at once when the program cannot be executed. (One that is to end with us is forked.) The keeper
 * makes a session of its own and outlives us; it is our child only so that it is waited for.
 *
 * It starts with every signal blocked, which it wants anyway: a SIGTERM that comes before it is
 * ready to take it waits instead of killing it, so its record always tells what became of it.
 *
 * Its stderr is a pipe to us: what it says there, it says before it starts the command (it closes
 * it then), and it is the only place where it can say why it could not even keep a record.
 */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "runner/process_internal.h"

#define FOLDER_MODE 0700
#define TRIES       2

static bool is_limit(const char *text)
{
	size_t n = strcspn(text, "=");
	uint64_t ignored;

	return n > 0 && strspn(text, "abcdefghijklmnopqrstuvwxyz") == n && text[n] == '=' &&
	       slice_to_u64(slice_of(text + n + 1), INT64_MAX, &ignored);
}

static int64_t to_ms(int64_t us)
{
	return us <= 0 ? 0 : us / US_PER_MS + (us % US_PER_MS > 0 ? 1 : 0);
}

static void add_option(struct strv *argv, const char *name, const char *value)
{
	strv_add(argv, name);
	strv_add(argv, value);
}

static void add_number(struct strv *argv, const char *name, int64_t value)
{
	strv_add(argv, name);
	strv_addf(argv, "%lld", (long long)value);
}

static void add_log(struct strv *argv, const char *path)
{
	if (path == NULL)
		return;
	add_option(argv, "--log", path);
	add_number(argv, "--log-head", LOG_HEAD_MAX);
	add_number(argv, "--log-tail", LOG_TAIL_MAX);
}

int process_command_line(const struct processes *p, const char *folder,
	const struct runner_spec *spec, struct strv *ret, struct err *e)
{
	if (spec->command == NULL || spec->command->n == 0)
		return err_set(e, -EINVAL, "there is no command");
	strv_add(ret, p->shim);
	if (spec->timeout_us > 0)
		add_number(ret, "--timeout-ms", to_ms(spec->timeout_us));
	if (spec->grace_us > 0)
		add_number(ret, "--grace-ms", to_ms(spec->grace_us));
	if (spec->cwd != NULL)
		add_option(ret, "--cwd", spec->cwd);
	if (spec->nice != 0)
		add_number(ret, "--nice", spec->nice);
	for (size_t i = 0; spec->limits != NULL && i < spec->limits->n; i++) {
		if (!is_limit(spec->limits->v[i]))
			return err_set(e, -EINVAL, "\"%s\" is no limit", spec->limits->v[i]);
		add_option(ret, "--rlimit", spec->limits->v[i]);
	}
	add_log(ret, spec->log_path);
	add_option(ret, "--dir", folder);
	strv_add(ret, "--");
	for (size_t i = 0; i < spec->command->n; i++)
		strv_add(ret, spec->command->v[i]);
	return 0;
}

static enum runner_refusal refusal_of(int rc)
{
	switch (-rc) {
	case ENOSPC:
	case EDQUOT:
		return RUNNER_NO_SPACE;
	case EAGAIN:
	case ENOMEM:
	case EMFILE:
	case ENFILE:
		return RUNNER_ENGINE_DOWN;
	default:
		return RUNNER_BAD_SPEC;
	}
}

/* The folder of the folders may have been removed since we began. */
static int make_folder(const struct process_run *r, struct err *e)
{
	for (int i = 0; i < TRIES; i++) {
		int rc;

		if (mkdir(r->folder, FOLDER_MODE) == 0)
			return 0;
		if (errno != ENOENT)
			break;
		rc = dir_make(r->all->dir, FOLDER_MODE, e);
		if (rc < 0)
			return rc;
	}
	return err_errno(e, "cannot make the folder %s", r->folder);
}

static int prepare_spawn(
	posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes, int stderr_fd)
{
	sigset_t all;
	int code;

	(void)sigfillset(&all);
	code = posix_spawnattr_setsigmask(attributes, &all);
	if (code == 0)
		code = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK);
	if (code == 0)
		code = posix_spawn_file_actions_addopen(
			actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (code == 0)
		code = posix_spawn_file_actions_addopen(
			actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	if (code == 0)
		code = posix_spawn_file_actions_adddup2(actions, stderr_fd, STDERR_FILENO);
	return code;
}

static char *const *environment_of(const struct process_run *r)
{
	static char *const nothing[] = {NULL};

	return r->env.v == NULL ? nothing : r->env.v;
}

/* 0 or an errno. */
static int spawn(const struct process_run *r, int stderr_fd, pid_t *ret)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int code;

	code = posix_spawn_file_actions_init(&actions);
	if (code != 0)
		return code;
	code = posix_spawnattr_init(&attributes);
	if (code == 0) {
		code = prepare_spawn(&actions, &attributes, stderr_fd);
		if (code == 0)
			code = posix_spawn(ret, r->argv.v[0], &actions, &attributes, r->argv.v,
				environment_of(r));
		(void)posix_spawnattr_destroy(&attributes);
	}
	(void)posix_spawn_file_actions_destroy(&actions);
	return code;
}

/* In the new process; only what signal-safety(7) lists. */
static _Noreturn void become_mortal(
	const struct process_run *r, char *const *env, pid_t parent, int stderr_fd)
{
	static const char failed[] = "the program that keeps commands cannot be executed\n";
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* We may have ended before it was asked for. */
	if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(null, STDOUT_FILENO) >= 0 &&
		dup2(stderr_fd, STDERR_FILENO) >= 0 && prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 &&
		getppid() == parent)
		(void)execve(r->argv.v[0], r->argv.v, env);
	(void)!write(stderr_fd, failed, sizeof(failed) - 1);
	_exit(EXIT_FAILURE);
}

/* The same for one that is to end when we do: a keeper could ask for that itself, but it would be
 * too late when we ended before. Who ends is the thread that starts it, and we have only one. */
static int spawn_mortal(const struct process_run *r, int stderr_fd, pid_t *ret)
{
	char *const *env = environment_of(r);
	pid_t parent = getpid(), pid;
	sigset_t all, old;
	int code;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	pid = _Fork();
	if (pid == 0)
		become_mortal(r, env, parent, stderr_fd);
	code = errno;
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (pid < 0)
		return code;
	*ret = pid;
	return 0;
}

static int start_keeper(struct process_run *r, struct err *e)
{
	CLEANUP(closep) int ours = -1;
	CLEANUP(closep) int theirs = -1;
	int ends[2], code;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(e, "cannot make a pipe");
	ours = ends[0];
	theirs = ends[1];
	if (fcntl(ours, F_SETFL, O_NONBLOCK) < 0)
		return err_errno(e, "cannot make a pipe");
	code = r->all->dies_with_us ? spawn_mortal(r, theirs, &r->child)
				    : spawn(r, theirs, &r->child);
	if (code != 0) {
		r->child = 0;
		errno = code;
		return err_errno(e, "cannot execute %s, which keeps commands", r->argv.v[0]);
	}
	r->speech_fd = fd_steal(&ours);
	return 0;
}

int process_launch(struct process_run *r, enum runner_refusal *ret_why, struct err *e)
{
	int rc = make_folder(r, e);

	if (rc < 0) {
		*ret_why = refusal_of(rc);
		return rc;
	}
	process_run_watch(r);
	rc = start_keeper(r, e);
	if (rc < 0) {
		*ret_why = refusal_of(rc);
		/* Nothing can be in it. */
		(void)rmdir(r->folder);
	}
	return rc;
}

void process_speech(int speech_fd, struct buf *out)
{
	char said[PROCESS_TEXT_MAX];
	ssize_t n = speech_fd < 0 ? 0 : read(speech_fd, said, sizeof(said));

	while (n > 0 && (said[n - 1] == '\n' || said[n - 1] == '\r'))
		n--;
	if (n > 0)
		utf8_clean(out, said, (size_t)n);
}
