/* SPDX-License-Identifier: MIT */
/*
 * What a killed keeper leaves behind. Its command dies with it, but what that had started goes on,
 * and nobody would learn of its end. The run is told to be gone and may be started again, so they
 * must not go on beside it.
 *
 * A keeper makes them known in two ways (src/shim/shim.h): by a cgroup of their own, where it may
 * have one, and by a variable in their environment that names the keeper and its start time, which
 * together with the boot is nobody else's. The pidfd is opened before the environment is read, so
 * who is signalled is who had it. Who has replaced its whole environment is not found.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "runner/process_internal.h"

#define CGROUPS     "/sys/fs/cgroup/"
#define ENVIRON_MAX MIB(8) /* execve(2) allows less with the usual stack limit */

enum {
	ROUNDS_MAX = 8, /* somebody may fork as fast as we kill */
};

struct hunt {
	struct slice mark; /* "PYLON_KEEPER=..." with its NUL */
	unsigned killed;
};

/* One whole variable of an environment as /proc/PID/environ shows it. */
static bool has_variable(struct slice env, struct slice variable)
{
	const char *p = env.p, *end = env.p + env.n;

	while (p < end) {
		size_t n = strnlen(p, (size_t)(end - p)) + 1;

		if (n == variable.n && n <= (size_t)(end - p) && memcmp(p, variable.p, n) == 0)
			return true;
		p += n;
	}
	return false;
}

static void kill_if_marked(const char *name, void *ctx)
{
	struct hunt *h = ctx;
	CLEANUP(closep) int fd = -1;
	CLEANUP(buf_fini) struct buf env = BUF_NULL;
	char path[40];
	uint64_t pid;

	if (!slice_to_u64(slice_of(name), INT32_MAX, &pid) || (pid_t)pid == getpid())
		return;
	fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
	(void)snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	if (fd < 0 || file_read(path, ENVIRON_MAX, &env, NULL) < 0 || env.n == 0 ||
		!has_variable(buf_slice(&env), h->mark))
		return;
	process_signal(fd, SIGKILL);
	h->killed++;
}

/* Its name has the keeper's pid and start time, so it is of no other: a forged record must not name
 * the one of somebody else. */
static bool is_cgroup_of(const char *path, const struct process_proof *keeper)
{
	CLEANUP(freep)
	char *name =
		xasprintf("/pylon-%d-%llu", (int)keeper->pid, (unsigned long long)keeper->start);

	return path != NULL && str_has_prefix(path, CGROUPS) && str_has_suffix(path, name) &&
	       strstr(path, "/../") == NULL;
}

static void kill_cgroup(const char *path)
{
	CLEANUP(freep) char *file = xasprintf("%s/cgroup.kill", path);
	CLEANUP(closep) int fd = open(file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd >= 0)
		(void)!write(fd, "1", 1);
	/* It fails while they are dying; then an empty folder stays. */
	(void)rmdir(path);
}

void process_orphans_kill(const struct process_record *x)
{
	CLEANUP(freep)
	char *mark = xasprintf(
		"PYLON_KEEPER=%d.%llu", (int)x->keeper.pid, (unsigned long long)x->keeper.start);

	if (is_cgroup_of(x->cgroup, &x->keeper))
		kill_cgroup(x->cgroup);
	for (int i = 0; i < ROUNDS_MAX; i++) {
		struct hunt h = {.mark = {mark, strlen(mark) + 1}};

		if (dir_each("/proc", kill_if_marked, &h, NULL) < 0 || h.killed == 0)
			break;
	}
}
