/* SPDX-License-Identifier: MIT */
/*
 * base/tree.c - making, listing and removing folders.
 *
 * Removing works by descriptors: every step is relative to an open folder and none follows a link,
 * so whoever still runs in the tree cannot lead us out of it. A folder that lies deeper than
 * DEPTH_MAX is first moved up to the top of the tree (and emptied in a later pass), which bounds
 * descriptors and stack for trees of any depth. Mounts inside the tree are left alone and
 * reported. One entry that resists does not stop the others; the first such failure is returned.
 *
 * What surprised us: some file systems skip entries when others are removed while reading, so a
 * folder is read again until a pass removes nothing.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"

enum {
	DEPTH_MAX = 24,
	/* Names tried for a folder that is moved up. */
	MOVES_MAX = 1000,
};

struct remover {
	int top_fd;        /* borrowed: the tree's own folder */
	dev_t dev;         /* its file system */
	unsigned moves;    /* for names of folders that were moved up */
	bool did_move;     /* in this pass over the top */
	int first_failure; /* negative errno; 0 = none so far */
	char culprit[256]; /* name of the entry that failed first */
};

static int make_one(const char *path, mode_t mode, struct err *e)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return 0;
	if (errno != EEXIST)
		return err_errno(e, "cannot make the folder %s", path);
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	return err_set(e, -ENOTDIR, "%s is there but is not a folder", path);
}

int dir_make(const char *path, mode_t mode, struct err *e)
{
	CLEANUP(freep) char *part = xstrdup(path);

	if (str_is_empty(path))
		return err_set(e, -EINVAL, "a folder without a name");
	for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		struct stat st;
		int r;

		*slash = '\0';
		/* Looked at first: mkdir of an existing parent may say EROFS or EACCES. */
		r = stat(part, &st) == 0 && S_ISDIR(st.st_mode) ? 0 : make_one(part, mode, e);
		*slash = '/';
		if (r < 0)
			return r;
	}
	return make_one(path, mode, e);
}

static bool is_dots(const char *name)
{
	return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

static void close_dirp(DIR **d)
{
	if (*d != NULL)
		(void)closedir(*d);
}

int dir_each(const char *path, void (*fn)(const char *name, void *ctx), void *ctx, struct err *e)
{
	CLEANUP(close_dirp) DIR *d = opendir(path);

	if (d == NULL)
		return err_errno(e, "cannot open the folder %s", path);
	for (;;) {
		const struct dirent *entry;

		errno = 0;
		/* One stream of our own, one thread: readdir(3) is safe. NOLINTNEXTLINE */
		entry = readdir(d);
		if (entry == NULL)
			break;
		if (!is_dots(entry->d_name))
			fn(entry->d_name, ctx);
	}
	return errno == 0 ? 0 : err_errno(e, "cannot read the folder %s", path);
}

static void note_failure(struct remover *r, int code, const char *name)
{
	if (r->first_failure != 0)
		return;
	r->first_failure = code;
	(void)str_copy(r->culprit, sizeof(r->culprit), name);
}

/* Gives ourselves all rights on a folder of ours; fails silently when it is not ours. */
static void make_usable(int parent_fd, const char *name)
{
	CLEANUP(closep)
	int fd = openat(parent_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char magic[64];
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || (st.st_mode & 0700) == 0700)
		return;
	/* fchmod(2) refuses O_PATH descriptors, and a name could be exchanged for a link. */
	(void)snprintf(magic, sizeof(magic), "/proc/self/fd/%d", fd);
	(void)chmod(magic, 0700);
}

/* Opens a folder of the tree for reading, or returns a negative errno (-EXDEV for a mount). */
static int open_inside(const struct remover *r, int parent_fd, const char *name)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	struct open_how how = {
		.flags = (unsigned)flags,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	CLEANUP(closep) int fd = -1;
	struct stat st;

	make_usable(parent_fd, name);
	fd = (int)syscall(SYS_openat2, parent_fd, name, &how, sizeof(how));
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = openat(parent_fd, name, flags);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (st.st_dev != r->dev)
		return -EXDEV;
	return fd_steal(&fd);
}

/* Moves a folder that lies too deep to the top of the tree, under a name that is free there. */
static int move_up(struct remover *r, int parent_fd, const char *name)
{
	char up[64];

	make_usable(parent_fd, name);
	for (unsigned i = 0; i < MOVES_MAX; i++) {
		(void)snprintf(up, sizeof(up), ".removed-%u", r->moves++);
		if (renameat(parent_fd, name, r->top_fd, up) == 0) {
			r->did_move = true;
			return 0;
		}
		if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR)
			break;
	}
	return -errno;
}

static bool remove_entries(struct remover *r, int fd, unsigned depth);

/* Removes a folder of the tree (or moves it up); false when it still is where it was. */
static bool remove_folder(struct remover *r, int parent_fd, const char *name, unsigned depth)
{
	int failure = 0;

	if (depth >= DEPTH_MAX) {
		failure = move_up(r, parent_fd, name);
	} else {
		int fd = open_inside(r, parent_fd, name);

		if (fd < 0)
			failure = fd;
		else if (!remove_entries(r, fd, depth))
			return false;
		else if (unlinkat(parent_fd, name, AT_REMOVEDIR) < 0)
			failure = -errno;
	}
	if (failure < 0 && failure != -ENOENT)
		note_failure(r, failure, name);
	return failure == 0 || failure == -ENOENT;
}

/* Removes one entry of any kind; false when it still is there. */
static bool remove_entry(struct remover *r, int parent_fd, const char *name, unsigned depth)
{
	/* A folder says EISDIR on Linux (POSIX: EPERM), and EACCES may hide which it is. */
	if (unlinkat(parent_fd, name, 0) == 0 || errno == ENOENT)
		return true;
	if (errno == EISDIR)
		return remove_folder(r, parent_fd, name, depth);
	note_failure(r, -errno, name);
	return false;
}

/* One pass over an open folder; returns how many entries went, *ret_stayed how many did not. */
static size_t remove_pass(struct remover *r, DIR *d, unsigned depth, size_t *ret_stayed)
{
	const struct dirent *entry;
	size_t gone = 0;

	*ret_stayed = 0;
	rewinddir(d);
	for (;;) {
		/* One stream of our own, one thread: readdir(3) is safe. NOLINTNEXTLINE */
		entry = readdir(d);
		if (entry == NULL)
			return gone;
		if (is_dots(entry->d_name))
			continue;
		if (remove_entry(r, dirfd(d), entry->d_name, depth + 1))
			gone++;
		else
			(*ret_stayed)++;
	}
}

/* Empties an open folder and closes it; true when nothing is left in it. */
static bool remove_entries(struct remover *r, int fd, unsigned depth)
{
	CLEANUP(close_dirp) DIR *d = fd < 0 ? NULL : fdopendir(fd);
	size_t gone, stayed;

	if (d == NULL) {
		note_failure(r, -errno, ".");
		closep(&fd);
		return false;
	}
	do
		gone = remove_pass(r, d, depth, &stayed);
	while (gone > 0);
	return stayed == 0;
}

/* Empties the top folder; folders that were moved up to it want another pass. */
static bool remove_top(struct remover *r)
{
	bool is_empty = false;

	do {
		r->did_move = false;
		is_empty = remove_entries(r, fcntl(r->top_fd, F_DUPFD_CLOEXEC, 0), 0);
	} while (r->did_move);
	return is_empty;
}

static int say_what_failed(const struct remover *r, const char *path, struct err *e)
{
	if (r->first_failure == -EXDEV)
		return err_set(e, -EXDEV, "%s: \"%s\" is on another file system and stays", path,
			r->culprit);
	errno = -r->first_failure;
	return err_errno(e, "cannot remove \"%s\" in %s", r->culprit, path);
}

/* Removes `name` (a folder, or anything else) from its open parent. */
static int remove_named(int parent_fd, const char *name, const char *path, struct err *e)
{
	struct remover r = {.top_fd = -1};
	CLEANUP(closep) int fd = -1;
	struct stat st;

	if (unlinkat(parent_fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR)
		return err_errno(e, "cannot remove %s", path);
	make_usable(parent_fd, name);
	fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return errno == ENOENT ? 0 : err_errno(e, "cannot open the folder %s", path);
	r.top_fd = fd;
	r.dev = st.st_dev;
	if (!remove_top(&r) && r.first_failure != 0)
		return say_what_failed(&r, path, e);
	if (unlinkat(parent_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return err_errno(e, "cannot remove the folder %s", path);
	return 0;
}

int tree_remove(const char *path, struct err *e)
{
	CLEANUP(freep) char *copy = xstrdup(path);
	CLEANUP(closep) int parent_fd = -1;
	size_t n = strlen(copy);
	const char *parent = ".";
	char *name, *slash;

	/* With a slash at its end a link would be followed. */
	while (n > 0 && copy[n - 1] == '/')
		copy[--n] = '\0';
	slash = strrchr(copy, '/');
	name = slash == NULL ? copy : slash + 1;
	if (*name == '\0' || is_dots(name))
		return err_set(e, -EINVAL, "\"%s\" does not name a folder to remove", path);
	if (slash != NULL) {
		*slash = '\0';
		parent = slash == copy ? "/" : copy;
	}
	parent_fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (parent_fd < 0)
		return errno == ENOENT ? 0 : err_errno(e, "cannot open the folder %s", parent);
	return remove_named(parent_fd, name, path, e);
}
