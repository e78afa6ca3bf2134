/* SPDX-License-Identifier: MIT */
/*
 * Who waits for which cache, and the one fetch at a time.
 *
 *   idle -> lock (flock on <hash>.lock) -> [init ->] fetch -> tell -> [repack ->] idle
 *
 * A new cache grows under another name and is renamed when it is whole, so a crash leaves no half
 * one. In an old one a killed git leaves locks and half packs: whoever holds our lock knows that
 * nobody uses them, and removes them. Locks are only looked for when git complains of one, because
 * looking for them everywhere takes long.
 *
 * The remote is named anew for each command (see git_env.c), so that no address is stored in a
 * folder that containers see, and caches which the old program made, with settings of its own, are
 * used as they are.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "workspace/cache_internal.h"
#include "workspace/trash_internal.h"

#define TAG           "workspace"
#define NEW_PREFIX    ".new-"
#define LOCK_RETRY_US (200 * US_PER_MS)
#define LOCKS_MAX     32 /* stale ones removed for one fetch */
#define PACKS_MAX     50 /* then they are joined */
#define ALL_BRANCHES  "+refs/heads/*:refs/heads/*"
#define ALL_TAGS      "+refs/tags/*:refs/tags/*"

struct caches {
	struct loop *loop;
	struct git *git;
	char *dir;  /* as given */
	char *real; /* links resolved; NULL = not needed yet */
	struct trash *trash;
	struct list all;
};

struct cache {
	struct list node;
	struct caches *home;
	char hash[REPO_HASH_SIZE];
	char *path;
	struct list waiting;
	struct timer lock_timer;
	int64_t give_up_mono; /* waiting for the lock */
	int lock_fd;
	struct git_task *task;
	/* The fetch that runs. */
	struct repo repo; /* a copy: who asked may leave */
	char *refspec;    /* NULL = branches and tags */
	char *fresh;      /* where a new cache grows; NULL = there is one */
	int64_t timeout_us;
	unsigned locks; /* removed so far */
	bool was_remade;
};

static void serve(struct cache *c);
static void fetch(struct cache *c);

/* --- folders --- */

/* Whoever makes one holds its lock. */
static void drop_half_made(const char *name, void *ctx)
{
	struct caches *cs = ctx;
	const char *hash = name + strlen(NEW_PREFIX);
	CLEANUP(freep) char *path = xasprintf("%s/%s", cs->real, name);
	CLEANUP(freep) char *lock = NULL;
	CLEANUP(closep) int fd = -1;
	pid_t holder = 0;

	if (!str_has_prefix(name, NEW_PREFIX))
		return;
	lock = xasprintf("%s/%s.lock", cs->real, hash);
	fd = file_lock(lock, &holder, NULL);
	if (fd >= 0)
		trash_drop(cs->trash, path);
}

static int open_home(struct caches *cs, struct err *e)
{
	CLEANUP(freep) char *trash_dir = NULL;
	int rc;

	if (cs->real != NULL)
		return 0;
	rc = dir_make(cs->dir, 0700, e);
	if (rc < 0)
		return rc;
	cs->real = realpath(cs->dir, NULL);
	if (cs->real == NULL)
		return err_errno(e, "%s", cs->dir);
	trash_dir = xasprintf("%s/.trash", cs->real);
	cs->trash = trash_new(cs->loop, trash_dir);
	return dir_each(cs->real, drop_half_made, cs, e);
}

char *caches_path(struct caches *cs, const char *hash, struct err *e)
{
	return open_home(cs, e) < 0 ? NULL : xasprintf("%s/%s", cs->real, hash);
}

static bool is_cache(const char *path)
{
	static const char *const parts[] = {"HEAD", "objects", "refs"};

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		CLEANUP(freep) char *part = xasprintf("%s/%s", path, parts[i]);

		if (!file_exists(part))
			return false;
	}
	return true;
}

static void discard(struct caches *cs, const char *path)
{
	log_warn(TAG, "%s is damaged: it is set aside and made anew", path);
	trash_drop(cs->trash, path);
}

void cache_discard(struct caches *cs, const char *hash)
{
	CLEANUP(freep) char *path = caches_path(cs, hash, NULL);

	if (path != NULL)
		discard(cs, path);
}

/* "dubious ownership" is about the repository or about its cache; and a setting that git cannot
 * read is one of the user's or one in the cache. */
bool cache_is_damaged(const struct git_end *end, const char *path)
{
	return end->trouble == GIT_CORRUPT ||
	       ((end->trouble == GIT_FOREIGN || end->trouble == GIT_FAILED) &&
		       strstr(end->log, path) != NULL);
}

struct half_packs {
	const char *dir;
	unsigned packs;
};

static void drop_half_pack(const char *name, void *ctx)
{
	struct half_packs *h = ctx;
	CLEANUP(freep) char *path = xasprintf("%s/%s", h->dir, name);

	if (str_has_prefix(name, "tmp_"))
		(void)unlink(path);
	if (str_has_suffix(name, ".pack"))
		h->packs++;
}

/* Removes what killed fetches left; returns how many packs there are. */
static unsigned tidy_packs(const struct cache *c)
{
	CLEANUP(freep) char *dir = xasprintf("%s/objects/pack", c->path);
	struct half_packs h = {.dir = dir};

	return dir_each(dir, drop_half_pack, &h, NULL) == 0 ? h.packs : 0;
}

/* The lock that git complains of, when it is one of this cache; removes it. */
static bool drop_lock(struct cache *c, const char *log)
{
	static const char before[] = "Unable to create '";
	const char *at = strstr(log, before);
	const char *where = c->fresh != NULL ? c->fresh : c->path;
	CLEANUP(freep) char *path = NULL;

	if (at == NULL || c->locks++ >= LOCKS_MAX)
		return false;
	at += sizeof(before) - 1;
	path = xstrndup(at, strcspn(at, "'"));
	if (!str_has_prefix(path, where) || path[strlen(where)] != '/' ||
		!str_has_suffix(path, ".lock") || strstr(path, "/../") != NULL)
		return false;
	log_warn(TAG, "removing %s, which a git that was killed left", path);
	return unlink(path) == 0 || errno == ENOENT;
}

/* --- the fetch that runs --- */

static bool is_same_wish(const struct cache *c, const struct cache_wait *w)
{
	return c->refspec == NULL ? w->refspec == NULL : str_eq(c->refspec, w->refspec);
}

static void clear_run(struct cache *c)
{
	closep(&c->lock_fd);
	timer_cancel(&c->lock_timer);
	repo_fini(&c->repo);
	freep(&c->refspec);
	if (c->fresh != NULL)
		trash_drop(c->home->trash, c->fresh);
	freep(&c->fresh);
}

/* Tells those it was for. They may ask again, and leave. */
static void tell(struct cache *c, const struct git_end *end)
{
	for (;;) {
		struct cache_wait *w = NULL;

		list_foreach (it, &c->waiting) {
			w = list_entry(it, struct cache_wait, node);
			if (w->is_served)
				break;
			w = NULL;
		}
		if (w == NULL)
			return;
		w->repo->uses_ssh_url = c->repo.uses_ssh_url && w->repo->ssh_url != NULL;
		cache_leave(w);
		w->done(w->ctx, end);
	}
}

static void over(struct cache *c)
{
	clear_run(c);
	serve(c);
}

static void tell_failure(struct cache *c, enum git_trouble trouble, const char *text)
{
	struct git_end end = {.trouble = trouble, .text = text, .log = ""};

	tell(c, &end);
	over(c);
}

static void on_line(void *ctx, const char *line)
{
	struct cache *c = ctx;

	list_foreach_safe (it, &c->waiting) {
		struct cache_wait *w = list_entry(it, struct cache_wait, node);

		if (w->is_served && w->on_line != NULL)
			w->on_line(w->ctx, line);
	}
}

static void run(struct cache *c, struct strv args, struct repo *repo, git_done_fn *done)
{
	struct git_command g = {.args = args,
		.dir = c->fresh != NULL ? c->fresh : c->path,
		.repo = repo,
		.timeout_us = c->timeout_us,
		.on_line = on_line,
		.done = done,
		.ctx = c};

	c->task = git_run(c->home->git, &g);
}

static void on_repacked(void *ctx, const struct git_end *end)
{
	struct cache *c = ctx;

	c->task = NULL;
	if (end->trouble != GIT_FINE)
		log_warn(TAG, "%s: packs could not be joined: %s", c->path, end->text);
	over(c);
}

/* Unreachable objects are kept: somebody may borrow them. Those who read meanwhile find the new
 * pack by themselves. */
static void repack(struct cache *c)
{
	CLEANUP(strv_fini) struct strv args = STRV_NULL;

	strv_add(&args, "repack");
	strv_add(&args, "-a");
	strv_add(&args, "-d");
	strv_add(&args, "-q");
	strv_add(&args, "--keep-unreachable");
	run(c, args, NULL, on_repacked);
}

static int put_in_place(struct cache *c, struct err *e)
{
	if (c->fresh == NULL)
		return 0;
	if (rename(c->fresh, c->path) < 0)
		return err_errno(e, "cannot make %s", c->path);
	freep(&c->fresh);
	return 0;
}

static void begin(struct cache *c);

static void on_fetched(void *ctx, const struct git_end *end)
{
	struct cache *c = ctx;
	struct err e = CLEAN_ERR;

	c->task = NULL;
	if (end->trouble == GIT_LOCKED && drop_lock(c, end->log)) {
		fetch(c);
		return;
	}
	if (c->fresh == NULL && !c->was_remade && cache_is_damaged(end, c->path)) {
		c->was_remade = true;
		discard(c->home, c->path);
		begin(c);
		return;
	}
	if (end->trouble == GIT_FINE && put_in_place(c, &e) < 0) {
		tell_failure(c, GIT_FAILED, e.text);
		return;
	}
	/* Half a pack is most of what filled the disk; the next fetch may come late, or never. */
	if (end->trouble == GIT_NO_SPACE && c->fresh == NULL)
		(void)tidy_packs(c);
	tell(c, end);
	if (end->trouble == GIT_FINE && tidy_packs(c) > PACKS_MAX)
		repack(c);
	else
		over(c);
}

static void fetch(struct cache *c)
{
	static const char *const fixed[] = {"fetch", "--progress", "--prune", "--force",
		"--no-tags", "--update-head-ok", "--update-shallow", "--no-recurse-submodules",
		"--no-write-fetch-head", "--no-auto-gc", "--", GIT_REMOTE_NAME};
	CLEANUP(strv_fini) struct strv args = STRV_NULL;

	for (size_t i = 0; i < ARRAY_LEN(fixed); i++) {
		/* One thing more is added; nothing else is looked at. */
		if (c->refspec == NULL || !str_eq(fixed[i], "--prune"))
			strv_add(&args, fixed[i]);
	}
	strv_add(&args, c->refspec == NULL ? ALL_BRANCHES : c->refspec);
	if (c->refspec == NULL)
		strv_add(&args, ALL_TAGS);
	run(c, args, &c->repo, on_fetched);
}

static void on_made(void *ctx, const struct git_end *end)
{
	struct cache *c = ctx;

	c->task = NULL;
	if (end->trouble == GIT_FINE) {
		fetch(c);
		return;
	}
	tell(c, end);
	over(c);
}

/* With the lock held. */
static void begin(struct cache *c)
{
	CLEANUP(strv_fini) struct strv args = STRV_NULL;
	struct git_command g = {.on_line = on_line, .done = on_made, .ctx = c};

	if (file_exists(c->path) && !is_cache(c->path))
		discard(c->home, c->path);
	if (file_exists(c->path)) {
		(void)tidy_packs(c);
		fetch(c);
		return;
	}
	/* One that is there is what a crash left: we hold the lock. */
	c->fresh = xasprintf("%s/" NEW_PREFIX "%s", c->home->real, c->hash);
	trash_drop(c->home->trash, c->fresh);
	strv_add(&args, "init");
	strv_add(&args, "--quiet");
	strv_add(&args, "--bare");
	strv_add(&args, "--template=");
	strv_add(&args, "--");
	strv_add(&args, c->fresh);
	g.args = args;
	c->task = git_run(c->home->git, &g);
}

static void take_lock(struct cache *c)
{
	CLEANUP(freep) char *lock = xasprintf("%s.lock", c->path);
	struct err e = CLEAN_ERR;
	pid_t holder = 0;

	c->lock_fd = file_lock(lock, &holder, &e);
	if (c->lock_fd >= 0) {
		begin(c);
	} else if (c->lock_fd != -EWOULDBLOCK) {
		tell_failure(c, e.code == -ENOSPC ? GIT_NO_SPACE : GIT_FAILED, e.text);
	} else if (loop_mono(c->home->loop) >= c->give_up_mono) {
		CLEANUP(freep)
		char *text = xasprintf("another process (%d) is using %s", (int)holder, c->path);

		tell_failure(c, GIT_TIMED_OUT, text);
	} else {
		timer_set_in(&c->lock_timer, LOCK_RETRY_US);
	}
}

static void on_lock_timer(struct timer *t UNUSED, void *ctx)
{
	take_lock(ctx);
}

/* --- the queue --- */

static void copy_repo(const struct repo *from, struct repo *to)
{
	*to = (struct repo){.transport = from->transport,
		.url = xstrdup_or_null(from->url),
		.ssh_url = xstrdup_or_null(from->ssh_url),
		.uses_ssh_url = from->uses_ssh_url,
		.origin = xstrdup_or_null(from->origin),
		.user = xstrdup_or_null(from->user),
		.password = xstrdup_or_null(from->password)};
	strv_copy(&to->secrets, &from->secrets);
}

/* Begins the next fetch, unless one runs. */
static void serve(struct cache *c)
{
	const struct cache_wait *first;

	if (c->repo.url != NULL || list_is_empty(&c->waiting))
		return;
	first = list_entry(c->waiting.next, struct cache_wait, node);
	copy_repo(first->repo, &c->repo);
	c->refspec = xstrdup_or_null(first->refspec);
	c->timeout_us = first->timeout_us;
	c->give_up_mono =
		loop_mono(c->home->loop) + (c->timeout_us > 0 ? c->timeout_us : GIT_TIMEOUT_US);
	c->locks = 0;
	c->was_remade = false;
	list_foreach (it, &c->waiting) {
		struct cache_wait *w = list_entry(it, struct cache_wait, node);

		w->is_served = is_same_wish(c, w);
	}
	/* From the loop: nobody is called back from inside of what asked. */
	timer_set_in(&c->lock_timer, 0);
}

static struct cache *find(struct caches *cs, const char *hash)
{
	struct cache *c;

	list_foreach (it, &cs->all) {
		c = list_entry(it, struct cache, node);
		if (str_eq(c->hash, hash))
			return c;
	}
	c = xcalloc_held(1, sizeof(*c));
	must(cs->real != NULL);
	c->home = cs;
	c->path = xasprintf("%s/%s", cs->real, hash);
	c->lock_fd = -1;
	(void)str_copy(c->hash, sizeof(c->hash), hash);
	list_init(&c->waiting);
	timer_init(&c->lock_timer, cs->loop, on_lock_timer, c);
	list_append(&cs->all, &c->node);
	return c;
}

void cache_fetch(struct caches *cs, const char *hash, struct cache_wait *w)
{
	struct cache *c = find(cs, hash);

	w->cache = c;
	w->is_served = false;
	list_append(&c->waiting, &w->node);
	serve(c);
}

void cache_leave(struct cache_wait *w)
{
	if (w->cache != NULL)
		list_remove(&w->node);
	w->cache = NULL;
	w->is_served = false;
}

struct caches *caches_new(struct loop *l, struct git *g, const char *dir)
{
	struct caches *cs = xcalloc_held(1, sizeof(*cs));

	cs->loop = l;
	cs->git = g;
	cs->dir = xstrdup(dir);
	list_init(&cs->all);
	return cs;
}

static void cache_free(struct cache *c)
{
	while (!list_is_empty(&c->waiting))
		cache_leave(list_entry(c->waiting.next, struct cache_wait, node));
	git_task_free(c->task);
	clear_run(c);
	list_remove(&c->node);
	free(c->path);
	free(c);
}

void caches_free(struct caches *cs)
{
	if (cs == NULL)
		return;
	list_foreach_safe (it, &cs->all)
		cache_free(list_entry(it, struct cache, node));
	trash_free(cs->trash);
	free(cs->real);
	free(cs->dir);
	free(cs);
}
