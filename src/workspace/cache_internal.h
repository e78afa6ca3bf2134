/* SPDX-License-Identifier: MIT */
/*
 * Bare copies of repositories, one folder each, brought up to date before each use.
 *
 * <home>/repos/<hash16> has the branches and tags of a repository under their own names
 * (every one of refs/heads and refs/tags). Nothing in it is ever dropped while it is well, because
 * workspaces borrow its objects; what a forced push made unreachable stays.
 */
#ifndef WORKSPACE_CACHE_INTERNAL_H
#define WORKSPACE_CACHE_INTERNAL_H

#include "base/err.h"
#include "workspace/git_internal.h"

struct caches;
/* `dir` is <home>/repos; made when first needed. Borrows loop and git. */
struct caches *caches_new(struct loop *l, struct git *g, const char *dir);
void caches_free(struct caches *cs);
DEFINE_FREEP(struct caches, caches_free)

/* Where the cache of that hash is, links resolved: the same path must be seen by whoever borrows
 * from it. NULL with *e when repos/ cannot be made. */
char *caches_path(struct caches *cs, const char *hash, struct err *e);

/* One who needs a cache. Embedded in its owner; goes with cache_leave(). */
struct cache_wait {
	struct list node;
	struct cache *cache;
	struct repo *repo;   /* borrowed until `done` */
	const char *refspec; /* one thing more than branches and tags, and only that; or NULL */
	int64_t timeout_us;
	git_line_fn *on_line;
	/* Once, never from inside: rc 0, or negative and why. */
	void (*done)(void *ctx, const struct git_end *end);
	void *ctx;
	bool is_served; /* the fetch that runs is for this one */
};

/* After caches_path() has been fine once. Fetches, and makes the cache when there is none. Those
 * who ask for the same while a fetch runs share the next one: each sees what was there when it
 * asked. */
void cache_fetch(struct caches *cs, const char *hash, struct cache_wait *w);
/* Fine when it does not wait. A fetch that runs goes on. */
void cache_leave(struct cache_wait *w);
/* Sets a damaged cache aside, to be made anew by the next fetch. */
void cache_discard(struct caches *cs, const char *hash);
/* True when what git says is about a damaged cache at `path`. */
bool cache_is_damaged(const struct git_end *end, const char *path);

#endif
