/* SPDX-License-Identifier: MIT */
/*
 * The room's door, and the workspaces that need no tool: an empty folder of the job's own, or a
 * folder of the user. make.c has the others.
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
#include "workspace/make_internal.h"
#include "workspace/nursery_internal.h"

struct room {
	struct workspace base;
	struct loop *loop;
	char *jobs_dir;
	struct trash *trash;
	struct list answers;
	/* For checkouts; NULL until the first one. */
	struct make_tools tools;
	struct nursery *nursery;
	struct list makes;
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

/* Ids are ours, but they come out of a file. One that is empty would name jobs/ itself. */
static bool is_job(const struct id *job_id)
{
	return id_is_valid(slice_of(job_id->s));
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

/* --- checkouts --- */

static bool is_checkout(const struct workspace_spec *s)
{
	return (s->kind == WORKSPACE_KIND_GIT_CLONE || s->kind == WORKSPACE_KIND_GIT_WORKTREE) &&
	       !str_is_empty(s->repo);
}

static char *repos_dir(const struct room *w)
{
	const char *slash = strrchr(w->jobs_dir, '/');

	return slash == NULL ? xstrdup("repos")
			     : xasprintf("%.*s/repos", (int)(slash - w->jobs_dir), w->jobs_dir);
}

static struct caches *caches_of(struct room *w)
{
	CLEANUP(freep) char *repos = NULL;

	if (w->tools.caches != NULL)
		return w->tools.caches;
	repos = repos_dir(w);
	w->tools.loop = w->loop;
	w->tools.trash = w->trash;
	w->tools.git = git_new(w->loop);
	w->tools.caches = caches_new(w->loop, w->tools.git, repos);
	return w->tools.caches;
}

static struct make *find_make(const struct room *w, const struct id *job_id)
{
	list_foreach (it, &w->makes) {
		struct make *m = list_entry(it, struct make, node);

		if (str_eq(m->job_id.s, job_id->s))
			return m;
	}
	return NULL;
}

/* True when the cache that a workspace borrows from is where it was. */
static bool has_cache(struct room *w, const struct workspace_spec *s)
{
	CLEANUP(freep) char *cache = w->base.ops->shared(&w->base, s);

	return cache == NULL || file_exists(cache);
}

/* What is in the place of a checkout: 1 one is (keep it), 0 nothing. */
static int look_at_place(const char *path, struct err *e)
{
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && rmdir(path) < 0 && errno == ENOTEMPTY)
		return 1;
	return clear_place(path, e);
}

/* 0: it is being made, and tells by itself; 1: it is there, in *ret. */
static int prepare_checkout(struct room *w, const struct workspace_spec *s, make_done_fn *done,
	void *ctx, char **ret, struct err *e)
{
	CLEANUP(freep) char *jobs_real = realpath(w->jobs_dir, NULL);
	CLEANUP(freep) char *path = NULL;
	struct make *m;
	int place;

	if (jobs_real == NULL)
		return err_errno(e, "%s", w->jobs_dir);
	if (find_make(w, &s->job_id) != NULL)
		return err_set(e, -EBUSY, "the workspace of this job is being made");
	path = xasprintf("%s/%s", jobs_real, s->job_id.s);
	place = look_at_place(path, e);
	if (place < 0)
		return place;
	if (place == 1 && has_cache(w, s)) {
		*ret = STEAL(path);
		return 1;
	}
	(void)caches_of(w);
	if (w->nursery == NULL) {
		w->nursery = nursery_new(jobs_real, w->trash, e);
		if (w->nursery == NULL)
			return e->code;
		w->tools.nursery = nursery_dir(w->nursery);
	}
	m = make_new(&w->tools, &w->makes, path, s, done, ctx);
	m->is_there = place == 1;
	make_start(m, s);
	return 0;
}

/* --- the door --- */

/* 0: it tells by itself, later; 1: it is there, in *ret. */
static int prepare_any(struct room *w, const struct workspace_spec *s, make_done_fn *done,
	void *ctx, char **ret, struct err *e)
{
	int rc;

	if (!is_job(&s->job_id))
		return err_set(e, -EINVAL, "\"%s\" is no job's id", s->job_id.s);
	rc = dir_make(w->jobs_dir, 0700, e);
	if (rc < 0)
		return rc;
	if (is_checkout(s))
		return prepare_checkout(w, s, done, ctx, ret, e);
	rc = s->kind == WORKSPACE_KIND_LOCAL ? prepare_local(w, s, ret, e)
					     : prepare_none(w, s, ret, e);
	return rc < 0 ? rc : 1;
}

static void op_prepare(
	struct workspace *base, const struct workspace_spec *spec, make_done_fn *done, void *ctx)
{
	struct room *w = room_of(base);
	CLEANUP(freep) char *folder = NULL;
	struct err e = CLEAN_ERR;
	int rc = prepare_any(w, spec, done, ctx, &folder, &e);
	struct answer_task *t;

	if (rc == 0)
		return;
	t = xcalloc_held(1, sizeof(*t));
	t->job_id = spec->job_id;
	t->done = done;
	t->ctx = ctx;
	t->rc = MIN_OF(rc, 0);
	t->text = rc < 0 ? xstrdup(e.text) : STEAL(folder);
	list_append(&w->answers, &t->node);
	defer_init(&t->defer, w->loop, on_answer, t);
	defer_set(&t->defer);
}

static char *op_shared(struct workspace *base, const struct workspace_spec *spec)
{
	char hash[REPO_HASH_SIZE];

	if (spec->kind != WORKSPACE_KIND_GIT_WORKTREE || str_is_empty(spec->repo))
		return NULL;
	repo_hash(spec->repo, hash);
	return caches_path(caches_of(room_of(base)), hash, NULL);
}

static void op_cancel(struct workspace *base, const struct id *job_id)
{
	struct make *m = find_make(room_of(base), job_id);

	if (m != NULL)
		make_cancel(m);
}

static void op_remove(struct workspace *base, const struct id *job_id)
{
	struct room *w = room_of(base);
	CLEANUP(freep) char *path = job_path(w, job_id);

	if (!is_job(job_id)) {
		log_warn("workspace", "\"%s\" is no job's id: nothing is removed", job_id->s);
		return;
	}
	op_cancel(base, job_id);
	/* A link, or an empty folder, goes at once. */
	if (unlink(path) == 0 || errno == ENOENT)
		return;
	if (errno == EISDIR && rmdir(path) == 0)
		return;
	trash_drop(w->trash, path);
}

static void op_discard(struct workspace *base, const char *path)
{
	trash_drop(room_of(base)->trash, path);
}

static void op_free(struct workspace *base)
{
	struct room *w;

	if (base == NULL)
		return;
	w = room_of(base);
	list_foreach_safe (it, &w->answers)
		answer_free(list_entry(it, struct answer_task, node));
	list_foreach_safe (it, &w->makes)
		make_free(list_entry(it, struct make, node));
	caches_free(w->tools.caches);
	git_free(w->tools.git);
	nursery_free(w->nursery);
	trash_free(w->trash);
	free(w->jobs_dir);
	free(w);
}

static const struct workspace_ops room_ops = {
	.prepare = op_prepare,
	.shared = op_shared,
	.cancel = op_cancel,
	.remove = op_remove,
	.discard = op_discard,
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
	list_init(&w->makes);
	return &w->base;
}
