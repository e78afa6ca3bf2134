/* SPDX-License-Identifier: MIT */
/*
 * The walk: a list of folders still to do, as paths below the top, and the one that is open.
 *
 * git made the tree, and a path that git can check out fits into PATH_MAX, so paths are fine and
 * one descriptor is enough. Every folder is opened below the top without following any link
 * (openat2(2), RESOLVE_NO_SYMLINKS), every entry is changed by its name in an open folder. Nobody
 * but us reaches the tree yet: a workspace is given to a container only afterwards, and never
 * walked again.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/str.h"
#include "workspace/owner_internal.h"

enum { STEP_ENTRIES = 512 };

struct owner_walk {
	struct defer step;
	int top;
	uid_t uid;
	gid_t gid;
	bool opens_up; /* rights for everybody instead of another owner */
	struct strv folders;
	size_t next;
	DIR *open;
	owner_done_fn *done;
	void *ctx;
};

static int open_below(int top, const char *path)
{
	struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};

	return (int)syscall(SYS_openat2, top, path, &how, sizeof(how));
}

/* u=rwx as a=rwx, but a plain file becomes no program. */
static mode_t opened_up(const struct stat *st)
{
	bool is_program = S_ISDIR(st->st_mode) || (st->st_mode & S_IXUSR) != 0;

	return (st->st_mode & 0777) | 0666 | (is_program ? 0111 : 0);
}

static int change(struct owner_walk *w, int folder, const char *name, const struct stat *st)
{
	if (!w->opens_up) {
		if (fchownat(folder, name, w->uid, w->gid, AT_SYMLINK_NOFOLLOW) == 0)
			return 0;
		if (errno != EPERM)
			return -errno;
		/* We are not root, so it is the same for all that follow. */
		w->opens_up = true;
	}
	if (!S_ISDIR(st->st_mode) && !S_ISREG(st->st_mode))
		return 0;
	return fchmodat(folder, name, opened_up(st), 0) == 0 ? 0 : -errno;
}

/* The path of an entry of the folder that is open. */
static char *path_below(const struct owner_walk *w, const char *name)
{
	const char *folder = w->folders.v[w->next - 1];

	return str_eq(folder, ".") ? xstrdup(name) : xasprintf("%s/%s", folder, name);
}

static int visit(struct owner_walk *w, const char *name)
{
	int folder = dirfd(w->open);
	struct stat st;
	int rc;

	if (str_eq(name, ".") || str_eq(name, ".."))
		return 0;
	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	rc = change(w, folder, name, &st);
	if (rc == 0 && S_ISDIR(st.st_mode))
		strv_take(&w->folders, path_below(w, name));
	return rc;
}

static void close_folder(struct owner_walk *w)
{
	if (w->open != NULL)
		(void)closedir(w->open);
	w->open = NULL;
}

/* 0: there is one to read; 1: all are done. */
static int open_next(struct owner_walk *w)
{
	int fd;

	if (w->open != NULL)
		return 0;
	if (w->next == w->folders.n)
		return 1;
	fd = open_below(w->top, w->folders.v[w->next++]);
	if (fd < 0)
		return -errno;
	w->open = fdopendir(fd);
	if (w->open == NULL) {
		int rc = -errno;

		closep(&fd);
		return rc;
	}
	return 0;
}

/* 0: more to do; 1: done. */
static int step(struct owner_walk *w)
{
	for (unsigned i = 0; i < STEP_ENTRIES; i++) {
		const struct dirent *entry;
		int rc = open_next(w);

		if (rc != 0)
			return rc;
		errno = 0;
		/* One stream of our own, one thread: readdir(3) is safe. NOLINTNEXTLINE */
		entry = readdir(w->open);
		if (entry != NULL)
			rc = visit(w, entry->d_name);
		else if (errno != 0)
			rc = -errno;
		else
			close_folder(w);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static void on_step(void *ctx)
{
	struct owner_walk *w = ctx;
	CLEANUP(freep) char *text = NULL;
	int rc = w->top < 0 ? w->top : step(w);

	if (rc == 0) {
		defer_set(&w->step);
		return;
	}
	if (rc < 0)
		text = xasprintf(
			"cannot give the workspace to the agent's user: %s", strerror(-rc));
	w->done(w->ctx, MIN_OF(rc, 0), text == NULL ? "" : text);
	owner_walk_free(w);
}

struct owner_walk *owner_walk_new(
	struct loop *l, const char *dir, uid_t uid, gid_t gid, owner_done_fn *done, void *ctx)
{
	struct owner_walk *w = xcalloc_held(1, sizeof(*w));
	struct stat st;

	w->uid = uid;
	w->gid = gid;
	w->opens_up = uid == (uid_t)-1;
	w->done = done;
	w->ctx = ctx;
	w->top = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (w->top < 0 || fstat(w->top, &st) < 0) {
		int rc = -errno;

		closep(&w->top);
		w->top = rc;
	} else {
		int rc = change(w, w->top, ".", &st);

		strv_add(&w->folders, ".");
		if (rc < 0) {
			closep(&w->top);
			w->top = rc;
		}
	}
	defer_init(&w->step, l, on_step, w);
	defer_set(&w->step);
	return w;
}

void owner_walk_free(struct owner_walk *w)
{
	if (w == NULL)
		return;
	defer_cancel(&w->step);
	close_folder(w);
	if (w->top >= 0)
		closep(&w->top);
	strv_fini(&w->folders);
	free(w);
}
