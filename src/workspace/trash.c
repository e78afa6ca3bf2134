/* SPDX-License-Identifier: MIT */
/*
 * Removing trees step by step.
 *
 * An agent may leave a million files or ten thousand nested folders. What is thrown away is renamed
 * into one trash folder; each turn of the loop then removes up to STEP_OPS entries of it. A folder
 * that is found inside another is renamed up into the trash folder instead of being entered, so the
 * depth never exceeds two, nothing has to be remembered between turns, and a killed process costs
 * nothing. Every step is relative to an open folder and follows no link.
 *
 * What resists (rights taken away, a mount, a root-owned folder) is given to tree_remove(), which
 * tries harder; what resists even that is renamed to "kept-..." and left for the next process.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/id.h"
#include "base/log.h"
#include "workspace/trash_internal.h"

enum { STEP_OPS = 256 };

#define KEPT_PREFIX "kept-"

struct trash {
	char *dir;
	struct defer step;
	unsigned budget; /* operations left in this turn */
	bool is_retried; /* what an earlier process kept has had its second chance */
};

static void close_dir(DIR **d)
{
	if (*d != NULL)
		(void)closedir(*d);
}

static DIR *open_dir_at(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && d == NULL)
		closep(&fd);
	return d;
}

static bool is_dots(const char *name)
{
	return str_eq(name, ".") || str_eq(name, "..");
}

/* A name that nothing in the trash has. */
static void fresh_name(const char *prefix, char *ret, size_t size)
{
	char token[TOKEN_SIZE];

	token_make(token);
	(void)snprintf(ret, size, "%s%s", prefix, token);
}

/* Removes what is no folder; moves a folder up into the trash. False when it resists. */
static bool lift(int trash_fd, int parent, const char *name)
{
	char fresh[64];

	if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
		return true;
	if (errno != EISDIR)
		return false;
	if (unlinkat(parent, name, AT_REMOVEDIR) == 0)
		return true;
	fresh_name("", fresh, sizeof(fresh));
	return renameat(parent, name, trash_fd, fresh) == 0;
}

/* Empties a folder of the trash as far as the budget goes. False when something in it resists. */
static bool empty_some(struct trash *t, int trash_fd, const char *name)
{
	CLEANUP(close_dir) DIR *d = open_dir_at(trash_fd, name);

	if (d == NULL)
		return false;
	while (t->budget > 0) {
		/* One stream of our own, one thread: readdir(3) is safe. NOLINTNEXTLINE */
		const struct dirent *entry = readdir(d);

		if (entry == NULL)
			return unlinkat(trash_fd, name, AT_REMOVEDIR) == 0 || errno == ENOTEMPTY;
		if (is_dots(entry->d_name))
			continue;
		t->budget--;
		if (!lift(trash_fd, dirfd(d), entry->d_name))
			return false;
	}
	return true;
}

/* Tries harder; then gives up loudly. */
static void resist(struct trash *t, int trash_fd, const char *name)
{
	CLEANUP(freep) char *path = xasprintf("%s/%s", t->dir, name);
	struct err e = CLEAN_ERR;
	char kept[64];

	if (tree_remove(path, &e) == 0)
		return;
	log_warn("workspace", "%s", e.text);
	if (str_has_prefix(name, KEPT_PREFIX))
		return;
	fresh_name(KEPT_PREFIX, kept, sizeof(kept));
	(void)renameat(trash_fd, name, trash_fd, kept);
}

/* True when there was something to do. */
static bool remove_one(struct trash *t, int trash_fd, const char *name)
{
	if (is_dots(name) || (t->is_retried && str_has_prefix(name, KEPT_PREFIX)))
		return false;
	t->budget--;
	if (unlinkat(trash_fd, name, 0) == 0)
		return true;
	if (errno != EISDIR || !empty_some(t, trash_fd, name))
		resist(t, trash_fd, name);
	return true;
}

static void on_step(void *ctx)
{
	struct trash *t = ctx;
	CLEANUP(close_dir) DIR *d = open_dir_at(AT_FDCWD, t->dir);
	bool is_busy = false;

	if (d == NULL)
		return;
	t->budget = STEP_OPS;
	while (t->budget > 0) {
		/* NOLINTNEXTLINE: as above */
		const struct dirent *entry = readdir(d);

		if (entry == NULL)
			break;
		is_busy = remove_one(t, dirfd(d), entry->d_name) || is_busy;
	}
	/* What was lifted up may not have been seen: look again until a whole pass found nothing.
	 */
	if (is_busy)
		defer_set(&t->step);
	if (t->budget > 0)
		t->is_retried = true;
}

struct trash *trash_new(struct loop *l, const char *dir)
{
	struct trash *t = xcalloc(1, sizeof(*t));

	t->dir = xstrdup(dir);
	defer_init(&t->step, l, on_step, t);
	defer_set(&t->step);
	return t;
}

void trash_free(struct trash *t)
{
	if (t == NULL)
		return;
	defer_cancel(&t->step);
	free(t->dir);
	free(t);
}

int trash_take(struct trash *t, const char *path, struct err *e)
{
	CLEANUP(freep) char *to = NULL;
	char fresh[64];
	int rc = dir_make(t->dir, 0700, e);

	if (rc < 0)
		return rc;
	fresh_name("", fresh, sizeof(fresh));
	to = xasprintf("%s/%s", t->dir, fresh);
	if (rename(path, to) < 0)
		return errno == ENOENT ? 0 : err_errno(e, "cannot remove %s", path);
	defer_set(&t->step);
	return 0;
}

void trash_drop(struct trash *t, const char *path)
{
	struct err e = CLEAN_ERR;

	if (trash_take(t, path, &e) < 0)
		log_warn("workspace", "%s", e.text);
}
