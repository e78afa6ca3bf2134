/* SPDX-License-Identifier: MIT */
/*
 * lock.c - one daemon per home.
 *
 * Two flock(2) locks: <daemon_dir>/lock for the local side (socket, runtime.db) and pylons/.lock
 * for what a home's daemons share (pylons, jobs/, the port). Locks of the kernel, not files with a
 * pid in them: a crash releases them, and a reused pid means nothing.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "daemon/daemon-internal.h"

#define LOCK_TRIES    20
#define LOCK_PAUSE_US (50 * 1000)

static int say_taken(const char *path, pid_t pid)
{
	if (pid > 0)
		(void)fprintf(stderr, "pylon: another daemon is running (pid %d); %s is its lock\n",
			(int)pid, path);
	else
		(void)fprintf(stderr, "pylon: another daemon is running; %s is its lock\n", path);
	return 1;
}

static int say_failed(const struct err *e)
{
	(void)fprintf(stderr, "pylon: %s\n", e->text);
	return 1;
}

static int make_folders(const struct paths *p, struct err *e)
{
	int rc = dir_make(p->home, 0700, e);

	if (rc == 0)
		rc = dir_make(p->daemon_dir, 0700, e);
	if (rc == 0)
		rc = dir_make(p->pylons_dir, 0700, e);
	if (rc == 0)
		rc = dir_make(p->jobs_dir, 0700, e);
	return rc;
}

static bool is_alive(pid_t pid)
{
	return pid > 0 && (kill(pid, 0) == 0 || errno == EPERM);
}

/* A daemon that is killed while it starts a program leaves its lock, for a moment, to the child
 * that has not become that program yet. */
static int take_lock(const char *path, pid_t *ret_pid, struct err *e)
{
	int fd = file_lock(path, ret_pid, e);

	for (int i = 0; i < LOCK_TRIES && fd == -EWOULDBLOCK && !is_alive(*ret_pid); i++) {
		(void)usleep(LOCK_PAUSE_US);
		*e = CLEAN_ERR;
		fd = file_lock(path, ret_pid, e);
	}
	return fd;
}

int daemon_lock(struct daemon *d)
{
	struct err e = CLEAN_ERR;
	pid_t pid = 0;
	int fd;

	if (make_folders(&d->paths, &e) < 0 || paths_check_folder(&d->paths, &e) < 0)
		return say_failed(&e);
	fd = take_lock(d->paths.lock, &pid, &e);
	if (fd == -EWOULDBLOCK)
		return say_taken(d->paths.lock, pid);
	if (fd < 0)
		return say_failed(&e);
	d->lock_fd = fd;
	fd = take_lock(d->paths.pylons_lock, &pid, &e);
	if (fd == -EWOULDBLOCK && !d->paths.is_isolated)
		return say_taken(d->paths.pylons_lock, pid);
	if (fd == -EWOULDBLOCK) {
		log_warn(TAG,
			"the pylons of this home are run by pid %d: only the local side starts",
			(int)pid);
		d->is_local_only = true;
		return 0;
	}
	if (fd < 0)
		return say_failed(&e);
	d->pylons_lock_fd = fd;
	return 0;
}
