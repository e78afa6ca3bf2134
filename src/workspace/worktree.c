/* SPDX-License-Identifier: MIT */
/*
 * git-worktree: a checkout whose objects are in the cache.
 *
 *   fetch of the cache -> what is meant -> clone --shared of the cache -> origin -> checkout
 *
 * git's own worktrees would need a cache that can be written to by whoever works in one. Here each
 * job has a whole .git of its own, with objects/info/alternates naming the cache
 * (gitrepository-layout(5)), so commits are possible while the cache is mounted read-only.
 */
#include <errno.h>
#include <stdio.h>

#include "workspace/make_internal.h"

static void resolve(struct make *m);

static bool has_fallback(const struct make *m)
{
	return m->ref.kind == REF_DEFAULT || m->ref.kind == REF_HEAD;
}

/* --- the cache --- */

static char *cache_path(struct make *m)
{
	struct err e = CLEAN_ERR;
	char *path = caches_path(m->tools->caches, m->hash, &e);

	if (path == NULL)
		make_fail(m, e.code, e.text);
	return path;
}

static void on_line(void *ctx, const char *line)
{
	struct make *m = ctx;

	make_say(m, "git: %s", line);
}

static void fetch_cache(
	struct make *m, const char *refspec, void (*done)(void *ctx, const struct git_end *end))
{
	m->wait.repo = &m->repo;
	m->wait.refspec = refspec;
	m->wait.timeout_us = make_time_left(m);
	m->wait.on_line = on_line;
	m->wait.done = done;
	m->wait.ctx = m;
	cache_fetch(m->tools->caches, m->hash, &m->wait);
}

/* --- the checkout --- */

static void on_origin_set(struct make *m, const struct git_end *end)
{
	if (end->trouble != GIT_FINE)
		make_fail_git(m, end);
	else
		make_checkout(m);
}

static void set_origin(struct make *m)
{
	CLEANUP(strv_fini) struct strv args = STRV_NULL;
	struct git_command g = {.dir = m->fresh_git};

	strv_add(&args, "config");
	strv_add(&args, "remote.origin.url");
	strv_add(&args, m->repo.url);
	g.args = args;
	make_git(m, &g, on_origin_set);
}

static void on_borrowed(struct make *m, const struct git_end *end)
{
	if (end->trouble != GIT_FINE)
		make_fail_git(m, end);
	else
		set_origin(m);
}

static void borrow(struct make *m)
{
	CLEANUP(strv_fini) struct strv args = STRV_NULL;
	CLEANUP(freep) char *path = cache_path(m);
	struct git_command g = {.reads_folders = true};

	if (path == NULL)
		return;
	strv_add(&args, "clone");
	strv_add(&args, "--quiet");
	strv_add(&args, "--shared");
	strv_add(&args, "--no-checkout");
	strv_add(&args, "--no-recurse-submodules");
	strv_add(&args, "--template=");
	strv_add(&args, "--");
	strv_add(&args, path);
	strv_add(&args, m->fresh);
	g.args = args;
	make_git(m, &g, on_borrowed);
}

/* --- what is meant --- */

static void on_head_listed(struct make *m, const struct git_end *end)
{
	if (end->trouble != GIT_FINE) {
		make_fail_git(m, end);
	} else if (!make_take_head(m, end)) {
		make_fail_ref(m, "it is empty, or has no default branch");
	} else {
		if (m->ref.kind == REF_DEFAULT)
			make_say(m, "%s has no branch %s: taking its default, %s",
				repo_url(&m->repo), m->ref.name,
				m->branch != NULL ? m->branch : m->commit);
		borrow(m);
	}
}

/* The first candidate that is a commit; ret_line says which. */
static bool first_commit(struct slice out, unsigned *ret_line, struct slice *ret_id)
{
	for (unsigned line = 0; out.n > 0; line++) {
		const char *end = memchr(out.p, '\n', out.n);
		size_t n = end == NULL ? out.n : (size_t)(end - out.p);
		const char *space = memchr(out.p, ' ', n);

		if (space != NULL && str_has_prefix(space, " commit ")) {
			*ret_line = line;
			*ret_id = (struct slice){out.p, (size_t)(space - out.p)};
			return true;
		}
		n += end == NULL ? 0 : 1;
		out.p += n;
		out.n -= n;
	}
	return false;
}

static void on_extra_fetched(void *ctx, const struct git_end *end)
{
	struct make *m = ctx;

	if (end->trouble == GIT_NO_REF)
		make_fail_ref(m, NULL);
	else if (end->trouble != GIT_FINE)
		make_fail_git(m, end);
	else
		resolve(m);
}

/* Refs other than branches and tags are asked for by name, each time; so are commits that none of
 * them has. */
static void fetch_extra(struct make *m)
{
	/* Kept in `commit` while it is needed. */
	m->commit = m->ref.kind == REF_OTHER ? xasprintf("+%s:%s", m->ref.name, m->ref.name)
					     : xstrdup(m->ref.name);
	fetch_cache(m, m->commit, on_extra_fetched);
}

static void not_found(struct make *m)
{
	if (has_fallback(m))
		make_list(m, NULL, on_head_listed);
	else if (m->ref.kind == REF_COMMIT && m->commit == NULL)
		fetch_extra(m);
	else
		make_fail_ref(m, NULL);
}

static void on_resolved(struct make *m, const struct git_end *end)
{
	enum ref_kind kind = m->ref.kind;
	unsigned line = 0;
	struct slice id = SLICE_NULL;

	if (end->trouble != GIT_FINE) {
		make_fail_git(m, end);
		return;
	}
	if (!first_commit(end->out, &line, &id)) {
		not_found(m);
		return;
	}
	freep(&m->commit);
	/* The candidates begin with the branch, where one is possible. */
	if (line == 0 && (kind == REF_NAME || kind == REF_BRANCH || kind == REF_DEFAULT))
		m->branch = xstrdup(m->ref.name);
	else
		m->commit = slice_dup(id);
	borrow(m);
}

static void add_candidates(const struct make *m, struct buf *b)
{
	const char *name = m->ref.name;
	enum ref_kind kind = m->ref.kind;

	if (kind == REF_NAME || kind == REF_BRANCH || kind == REF_DEFAULT)
		buf_printf(b, "refs/heads/%s^{commit}\n", name);
	if (kind == REF_NAME || kind == REF_TAG)
		buf_printf(b, "refs/tags/%s^{commit}\n", name);
	if (kind == REF_OTHER || kind == REF_COMMIT || ref_may_be_short_commit(&m->ref))
		buf_printf(b, "%s^{commit}\n", name);
}

static void resolve(struct make *m)
{
	CLEANUP(strv_fini) struct strv args = STRV_NULL;
	CLEANUP(buf_fini) struct buf question = BUF_NULL;
	CLEANUP(freep) char *path = cache_path(m);
	struct git_command g = {.dir = path};

	if (path == NULL)
		return;
	add_candidates(m, &question);
	strv_add(&args, "cat-file");
	strv_add(&args, "--batch-check");
	g.args = args;
	g.input = buf_slice(&question);
	make_git(m, &g, on_resolved);
}

static void on_fetched(void *ctx, const struct git_end *end)
{
	struct make *m = ctx;

	if (end->trouble != GIT_FINE)
		make_fail_git(m, end);
	else if (m->is_there)
		make_succeed(m);
	else if (m->ref.kind == REF_HEAD)
		make_list(m, NULL, on_head_listed);
	else if (m->ref.kind == REF_OTHER)
		fetch_extra(m);
	else
		resolve(m);
}

void worktree_start(struct make *m)
{
	CLEANUP(freep) char *path = cache_path(m);

	if (path == NULL)
		return;
	make_say(m, "fetching %s", repo_url(&m->repo));
	fetch_cache(m, NULL, on_fetched);
}
