/* SPDX-License-Identifier: MIT */
/*
 * The lock is flock(2) on the folder itself. Between making the folder and locking it another
 * process may take it for a dead one's; so after locking we look whether it is still there.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/id.h"
#include "workspace/nursery_internal.h"

#define PREFIX ".new-"

enum { TRIES = 8 };

struct nursery {
	char *jobs_dir;
	struct trash *trash;
	char *dir;
	int fd;
};

static int open_locked(const char *dir)
{
	CLEANUP(closep) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	return fd_steal(&fd);
}

static bool is_still_there(int fd, const char *dir)
{
	struct stat open_one;
	struct stat named;

	return fstat(fd, &open_one) == 0 && lstat(dir, &named) == 0 &&
	       open_one.st_ino == named.st_ino && open_one.st_dev == named.st_dev;
}

static void drop_dead(const char *name, void *ctx)
{
	const struct nursery *n = ctx;
	CLEANUP(freep) char *path = xasprintf("%s/%s", n->jobs_dir, name);
	CLEANUP(closep) int fd = str_has_prefix(name, PREFIX) ? open_locked(path) : -1;

	if (fd >= 0)
		trash_drop(n->trash, path);
}

static int make_dir(struct nursery *n, struct err *e)
{
	for (int i = 0; i < TRIES; i++) {
		char token[TOKEN_SIZE];
		CLEANUP(freep) char *dir = NULL;

		token_make(token);
		dir = xasprintf("%s/" PREFIX "%s", n->jobs_dir, token);
		if (mkdir(dir, 0700) < 0)
			return err_errno(e, "cannot make %s", dir);
		n->fd = open_locked(dir);
		if (n->fd >= 0 && is_still_there(n->fd, dir)) {
			n->dir = STEAL(dir);
			return 0;
		}
		if (n->fd >= 0)
			closep(&n->fd);
	}
	return err_set(e, -EBUSY, "cannot lock a folder in %s", n->jobs_dir);
}

struct nursery *nursery_new(const char *jobs_dir, struct trash *trash, struct err *e)
{
	CLEANUP(nursery_freep) struct nursery *n = xcalloc(1, sizeof(*n));

	n->fd = -1;
	n->trash = trash;
	n->jobs_dir = xstrdup(jobs_dir);
	if (make_dir(n, e) < 0 || dir_each(n->jobs_dir, drop_dead, n, e) < 0)
		return NULL;
	return STEAL(n);
}

void nursery_free(struct nursery *n)
{
	if (n == NULL)
		return;
	if (n->dir != NULL)
		(void)rmdir(n->dir);
	if (n->fd >= 0)
		closep(&n->fd);
	free(n->dir);
	free(n->jobs_dir);
	free(n);
}

const char *nursery_dir(const struct nursery *n)
{
	return n->dir;
}
