/* SPDX-License-Identifier: MIT */
/*
 * http/rebind.c - a Unix socket whose file somebody has removed (a cleaner of temporary folders, a
 * person who thinks the daemon is gone) is made anew, so that clients find us again.
 *
 * A socket that lost its name cannot get it back (there is nothing to link(2)), so it is a new one
 * in the same listener; whoever had connected to the old one before is taken in first.
 *
 * Its folder is watched, nothing is polled. What stands at the path now and is not ours is never
 * removed: it is told once, and the folder's next change is the next try. When the folder itself is
 * gone, nothing is left to watch; open connections and TCP go on.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "http/listen_internal.h"

#define TAG "http"

enum file {
	FILE_OURS,
	FILE_FOREIGN,
	FILE_MISSING,
};

static enum file look(const struct listener *l)
{
	struct stat st;

	if (lstat(l->path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR ? FILE_MISSING : FILE_FOREIGN;
	return st.st_dev == l->device && st.st_ino == l->inode ? FILE_OURS : FILE_FOREIGN;
}

/* Once, however many changes of the folder follow. */
static void tell(struct listener *l, const char *text)
{
	if (!str_eq(l->trouble, text))
		log_warn(TAG, "%s", text);
	str_replace(&l->trouble, text);
}

static void make_anew(struct listener *l)
{
	CLEANUP(closep) int fd = -1;
	struct err e = CLEAN_ERR;
	struct stat st;

	fd = listener_open_unix(l->path, &st, &e);
	if (fd < 0 || listener_replace(l, fd, &e) < 0) {
		tell(l, e.text);
		return;
	}
	(void)fd_steal(&fd);
	l->device = st.st_dev;
	l->inode = st.st_ino;
	str_replace(&l->trouble, NULL);
	log_warn(TAG, "socket %s was removed by somebody; it is there again", l->path);
}

static void check(struct listener *l)
{
	CLEANUP(freep) char *text = NULL;

	switch (look(l)) {
	case FILE_OURS:
		str_replace(&l->trouble, NULL);
		return;
	case FILE_MISSING:
		server_enter(l->server);
		make_anew(l);
		server_leave(l->server);
		return;
	case FILE_FOREIGN:
		text = xasprintf("socket %s was replaced by somebody: no new client finds us until "
				 "what is there now is removed",
			l->path);
		tell(l, text);
		return;
	}
}

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

static void on_change(const char *folder UNUSED, const char *entry, void *ctx)
{
	struct listener *l = ctx;

	if (l->fd >= 0 && (entry[0] == '\0' || str_eq(entry, name_of(l->path))))
		check(l);
}

void listener_watch(struct listener *l)
{
	size_t n = (size_t)(name_of(l->path) - l->path);
	CLEANUP(freep) char *folder = n == 0 ? xstrdup(".") : xstrndup(l->path, n);
	struct err e = CLEAN_ERR;
	int r = folder_watch_new(&l->folder, l->server->loop, on_change, l, &e);

	if (r == 0)
		r = folder_watch_add(l->folder, folder, &e);
	/* A fake loop watches nothing. */
	if (r < 0 && r != -EOPNOTSUPP)
		log_warn(TAG, "it will not be noticed when %s is removed: %s", l->path, e.text);
	/* It may have been removed before it was watched. */
	if (r == 0 && look(l) == FILE_MISSING)
		check(l);
}

void listener_unwatch(struct listener *l)
{
	folder_watch_free(l->folder);
	l->folder = NULL;
}
