/* SPDX-License-Identifier: MIT */
/*
 * Workspaces that need no tool: an empty folder of the job's own, or a folder of the user.
 *
 * A folder of ours is open to every user, because the agent in the container may be any; nobody
 * else reaches it, since jobs/ above it is 0700. A user's folder is resolved once, here, and
 * checked in that form; the link in jobs/ only shows it, and is never followed by us.
 */
#include "workspace/workspace.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "workspace/trash_internal.h"

struct room {
	struct workspace base;
	struct loop *loop;
	char *jobs_dir;
	struct trash *trash;
	struct list answers;
};

/* What prepare() found out, told from the loop. */
struct answer_task {
	struct list node;
	struct defer defer;
	struct id job_id;
	int rc;
	char *text;
	void (*done)(void *ctx, const struct id *job_id, int rc, const char *text);
	void *ctx;
};

/* Folders that hold the system or its secrets; `has_below` also refuses what is in them. */
static const struct {
	const char *path;
	bool has_below;
} forbidden[] = {
	{"/", false},
	{"/boot", true},
	{"/dev", false}, /* /dev/shm is a place like /tmp */
	{"/etc", true},
	{"/proc", true},
	{"/root", false},
	{"/sys", true},
};

static struct room *room_of(struct workspace *w)
{
	return container_of(w, struct room, base);
}

static char *job_path(const struct room *w, const struct id *job_id)
{
	return xasprintf("%s/%s", w->jobs_dir, job_id->s);
}

/* True when `path` is `folder` or lies in it; both are resolved. */
static bool is_within(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	if (n == 1)
		return true;
	return strncmp(path, folder, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

static int check_place(const char *path, const char *jobs_real, struct err *e)
{
	const char *slash = strrchr(jobs_real, '/');
	size_t n = slash == NULL ? 0 : (size_t)(slash - jobs_real);
	CLEANUP(freep) char *home = n == 0 ? xstrdup(jobs_real) : xstrndup(jobs_real, n);

	for (size_t i = 0; i < ARRAY_LEN(forbidden); i++) {
		if (str_eq(path, forbidden[i].path) ||
			(forbidden[i].has_below && is_within(path, forbidden[i].path)))
			return err_set(e, -EPERM, "%s is no place for an agent to work in", path);
	}
	if (is_within(path, home) || is_within(home, path))
		return err_set(e, -EPERM,
			"%s is no place for an agent to work in: it and %s lie one in the other",
			path, home);
	return 0;
}

static int check_folder(const struct room *w, const char *path, const char *real, struct err *e)
{
	CLEANUP(freep) char *jobs_real = realpath(w->jobs_dir, NULL);
	struct stat st;

	if (jobs_real == NULL)
		return err_errno(e, "%s", w->jobs_dir);
	if (stat(real, &st) < 0)
		return err_errno(e, "workspace folder %s", path);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, -ENOTDIR, "workspace folder %s: it is no folder", path);
	return check_place(real, jobs_real, e);
}

/* The user's folder, resolved and checked; NULL with *e. */
static char *resolve_local(const struct room *w, const char *path, struct err *e)
{
	CLEANUP(freep) char *real = NULL;

	if (path == NULL || path[0] != '/') {
		(void)err_set(e, -EINVAL, "workspace folder \"%s\": an absolute path is needed",
			path == NULL ? "" : path);
		return NULL;
	}
	real = realpath(path, NULL);
	if (real == NULL) {
		(void)err_errno(e, "workspace folder %s", path);
		return NULL;
	}
	return check_folder(w, path, real, e) == 0 ? STEAL(real) : NULL;
}

/* A job that worked elsewhere before left a link, or an empty folder. */
static int clear_place(const char *path, struct err *e)
{
	if (unlink(path) == 0 || errno == ENOENT)
		return 0;
	if (errno == EISDIR && (rmdir(path) == 0 || errno == ENOENT))
		return 0;
	return err_errno(e, "%s is in the way", path);
}

static int prepare_local(
	const struct room *w, const struct workspace_spec *s, char **ret, struct err *e)
{
	CLEANUP(freep) char *path = job_path(w, &s->job_id);
	CLEANUP(freep) char *folder = resolve_local(w, s->path, e);
	int rc;

	if (folder == NULL)
		return e->code;
	rc = clear_place(path, e);
	if (rc < 0)
		return rc;
	if (symlink(folder, path) < 0)
		return err_errno(e, "cannot make the link %s", path);
	*ret = STEAL(folder);
	return 0;
}

static int prepare_none(
	const struct room *w, const struct workspace_spec *s, char **ret, struct err *e)
{
	CLEANUP(freep) char *path = job_path(w, &s->job_id);
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode) && unlink(path) < 0)
		return err_errno(e, "cannot remove the link %s", path);
	/* Not only by mkdir's mode: the umask is ours. */
	if (mkdir(path, 0700) == 0) {
		if (chmod(path, 0777) < 0)
			return err_errno(e, "cannot open up the folder %s", path);
	} else if (errno != EEXIST) {
		return err_errno(e, "cannot make the folder %s", path);
	} else if (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode)) {
		return err_set(e, -ENOTDIR, "%s is in the way", path);
	}
	*ret = realpath(path, NULL);
	return *ret == NULL ? err_errno(e, "%s", path) : 0;
}

static void answer_free(struct answer_task *t)
{
	defer_cancel(&t->defer);
	list_remove(&t->node);
	free(t->text);
	free(t);
}

static void on_answer(void *ctx)
{
	struct answer_task *t = ctx;
	struct answer_task it = *t;
	CLEANUP(freep) char *text = STEAL(t->text);

	answer_free(t);
	it.done(it.ctx, &it.job_id, it.rc, text);
}

static void op_prepare(struct workspace *base, const struct workspace_spec *spec,
	void (*done)(void *ctx, const struct id *job_id, int rc, const char *text), void *ctx)
{
	struct room *w = room_of(base);
	struct answer_task *t = xcalloc_held(1, sizeof(*t));
	struct err e = CLEAN_ERR;

	t->job_id = spec->job_id;
	t->done = done;
	t->ctx = ctx;
	t->rc = dir_make(w->jobs_dir, 0700, &e);
	if (t->rc == 0)
		t->rc = spec->kind == WORKSPACE_KIND_LOCAL ? prepare_local(w, spec, &t->text, &e)
							   : prepare_none(w, spec, &t->text, &e);
	if (t->rc < 0)
		t->text = xstrdup(e.text);
	list_append(&w->answers, &t->node);
	defer_init(&t->defer, w->loop, on_answer, t);
	defer_set(&t->defer);
}

static void op_remove(struct workspace *base, const struct id *job_id)
{
	struct room *w = room_of(base);
	CLEANUP(freep) char *path = job_path(w, job_id);
	struct err e = CLEAN_ERR;

	/* A link, or an empty folder, goes at once. */
	if (unlink(path) == 0 || errno == ENOENT)
		return;
	if (errno == EISDIR && rmdir(path) == 0)
		return;
	if (trash_take(w->trash, path, &e) < 0)
		log_warn("workspace", "%s", e.text);
}

static void op_free(struct workspace *base)
{
	struct room *w;

	if (base == NULL)
		return;
	w = room_of(base);
	list_foreach_safe (it, &w->answers)
		answer_free(list_entry(it, struct answer_task, node));
	trash_free(w->trash);
	free(w->jobs_dir);
	free(w);
}

static const struct workspace_ops room_ops = {
	.prepare = op_prepare,
	.remove = op_remove,
	.free = op_free,
};

struct workspace *workspace_new(struct loop *l, const char *jobs_dir)
{
	struct room *w = xcalloc_held(1, sizeof(*w));
	CLEANUP(freep) char *trash_dir = xasprintf("%s/.trash", jobs_dir);

	w->base.ops = &room_ops;
	w->loop = l;
	w->jobs_dir = xstrdup(jobs_dir);
	w->trash = trash_new(l, trash_dir);
	list_init(&w->answers);
	return &w->base;
}
