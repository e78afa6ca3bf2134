/* SPDX-License-Identifier: MIT */
/*
 * lock.c - one daemon per home.
 *
 * Two flock(2) locks: <daemon_dir>/lock for the local side (socket, runtime.db) and pylons/.lock
 * for what a home's daemons share (pylons, jobs/, the port). Locks of the kernel, not files with a
 * pid in them: a crash releases them, and a reused pid means nothing.
 */
#include <errno.h>
#include <stdio.h>

#include "base/file.h"
#include "daemon/daemon-internal.h"

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

int daemon_lock(struct daemon *d)
{
	struct err e = CLEAN_ERR;
	pid_t pid = 0;
	int fd;

	if (make_folders(&d->paths, &e) < 0)
		return say_failed(&e);
	fd = file_lock(d->paths.lock, &pid, &e);
	if (fd == -EWOULDBLOCK)
		return say_taken(d->paths.lock, pid);
	if (fd < 0)
		return say_failed(&e);
	d->lock_fd = fd;
	fd = file_lock(d->paths.pylons_lock, &pid, &e);
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
