/* SPDX-License-Identifier: MIT */
/*
 * The beginning and the end of a checkout, and what its steps share.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "workspace/make_internal.h"

/* --- lines and ends --- */

void make_say(struct make *m, const char *fmt, ...)
{
	CLEANUP(buf_fini) struct buf line = BUF_NULL;
	va_list ap;

	if (m->progress == NULL)
		return;
	va_start(ap, fmt);
	buf_vprintf(&line, fmt, ap);
	va_end(ap);
	m->progress(m->ctx, &m->job_id, buf_str(&line));
}

static void on_line(void *ctx, const char *line)
{
	struct make *m = ctx;

	make_say(m, "git: %s", line);
}

/* Nothing of it runs any more. */
static void halt(struct make *m)
{
	git_task_freep(&m->task);
	owner_walk_freep(&m->walk);
	cache_leave(&m->wait);
}

void make_free(struct make *m)
{
	halt(m);
	defer_cancel(&m->answer);
	list_remove(&m->node);
	if (m->fresh != NULL)
		trash_drop(m->tools->trash, m->fresh);
	repo_fini(&m->repo);
	ref_fini(&m->ref);
	free(m->dir);
	free(m->fresh);
	free(m->fresh_git);
	free(m->branch);
	free(m->commit);
	free(m->text);
	free(m);
}

static void on_answer(void *ctx)
{
	struct make *m = ctx;
	CLEANUP(freep) char *text = STEAL(m->text);
	struct id job_id = m->job_id;
	make_done_fn *done = m->done;
	void *done_ctx = m->ctx;
	int rc = m->rc;

	make_free(m);
	done(done_ctx, &job_id, rc, text);
}

static void answer(struct make *m, int rc, const char *text)
{
	halt(m);
	m->rc = rc;
	free(m->text);
	m->text = xstrdup(text);
	defer_set(&m->answer);
}

void make_succeed(struct make *m)
{
	answer(m, 0, m->dir);
}

void make_fail(struct make *m, int rc, const char *text)
{
	answer(m, err_negative(rc), text);
}

void make_fail_git(struct make *m, const struct git_end *end)
{
	make_fail(m, git_trouble_code(end->trouble), end->text);
}

void make_fail_ref(struct make *m, const char *why)
{
	CLEANUP(freep)
	char *text = xasprintf("ref \"%s\" was not found in %s%s%s", m->ref.given,
		repo_url(&m->repo), why == NULL ? "" : ": ", why == NULL ? "" : why);

	make_fail(m, -ENOENT, text);
}

void make_cancel(struct make *m)
{
	if (!m->answer.is_set)
		make_fail(m, -ECANCELED, "it was cancelled while its workspace was made");
}

/* --- commands --- */

int64_t make_time_left(const struct make *m)
{
	return MAX_OF(m->end_mono - loop_mono(m->tools->loop), US_PER_MS);
}

static void on_git(void *ctx, const struct git_end *end)
{
	struct make *m = ctx;
	make_step_fn *next = m->next;

	m->task = NULL;
	m->next = NULL;
	next(m, end);
}

void make_git(struct make *m, struct git_command *g, make_step_fn *next)
{
	must(m->task == NULL);
	g->timeout_us = make_time_left(m);
	g->on_line = on_line;
	g->done = on_git;
	g->ctx = m;
	m->next = next;
	m->task = git_run(m->tools->git, g);
}

void make_git_remote(struct make *m, const char *dir, struct strv args, make_step_fn *next)
{
	struct git_command g = {.args = args, .dir = dir, .repo = &m->repo};

	make_git(m, &g, next);
}

/* --- what the repository has --- */

void make_list(struct make *m, const char *name, make_step_fn *next)
{
	CLEANUP(strv_fini) struct strv args = STRV_NULL;

	strv_add(&args, "ls-remote");
	strv_add(&args, "--quiet");
	strv_add(&args, "--symref");
	strv_add(&args, "--");
	strv_add(&args, GIT_REMOTE_NAME);
	strv_add(&args, "HEAD");
	if (name != NULL && str_has_prefix(name, "refs/")) {
		strv_add(&args, name);
	} else if (name != NULL) {
		strv_addf(&args, "refs/heads/%s", name);
		strv_addf(&args, "refs/tags/%s", name);
	}
	make_git_remote(m, NULL, args, next);
}

/* The next line of ls-remote: "<what>\t<refname>". False at the end. */
static bool next_line(struct slice *rest, struct slice *ret_what, struct slice *ret_name)
{
	while (rest->n > 0) {
		const char *end = memchr(rest->p, '\n', rest->n);
		size_t n = end == NULL ? rest->n : (size_t)(end - rest->p);
		const char *tab = memchr(rest->p, '\t', n);
		size_t what = tab == NULL ? 0 : (size_t)(tab - rest->p);

		if (tab != NULL) {
			*ret_what = (struct slice){rest->p, what};
			*ret_name = (struct slice){tab + 1, n - what - 1};
		}
		n += end == NULL ? 0 : 1;
		rest->p += n;
		rest->n -= n;
		if (tab != NULL)
			return true;
	}
	return false;
}

bool make_lists(const struct git_end *end, const char *refname)
{
	struct slice rest = end->out;
	struct slice what;
	struct slice name;

	/* Its patterns match the ends of names, so each is looked at. */
	while (next_line(&rest, &what, &name)) {
		if (slice_eq_str(name, refname) && !slice_has_prefix(what, "ref: "))
			return true;
	}
	return false;
}

/* A name that the other side gave is checked like any other. */
static bool take_branch(struct make *m, struct slice refname)
{
	CLEANUP(freep) char *text = slice_dup(refname);
	struct ref r = {0};

	if (ref_parse(text, &r, NULL) < 0)
		return false;
	if (r.kind == REF_BRANCH)
		m->branch = STEAL(r.name);
	ref_fini(&r);
	return m->branch != NULL;
}

bool make_take_head(struct make *m, const struct git_end *end)
{
	struct slice rest = end->out;
	struct slice what;
	struct slice name;

	while (next_line(&rest, &what, &name)) {
		struct slice target = {what.p + 5, what.n - MIN_OF(what.n, (size_t)5)};
		CLEANUP(freep) char *refname = NULL;

		if (!slice_eq_str(name, "HEAD"))
			continue;
		if (!slice_has_prefix(what, "ref: ")) {
			CLEANUP(freep) char *id = slice_dup(what);
			struct ref r = {0};

			if (ref_parse(id, &r, NULL) == 0 && r.kind == REF_COMMIT)
				m->commit = STEAL(r.name);
			ref_fini(&r);
			return m->commit != NULL;
		}
		if (take_branch(m, target))
			return true;
	}
	return false;
}

/* --- the end: check out, give away, put in place --- */

static void put_in_place(struct make *m)
{
	/* Only an empty folder gives way; what is there is kept. */
	if (rename(m->fresh, m->dir) < 0) {
		int code = -errno;
		CLEANUP(freep)
		char *text = xasprintf("cannot make %s: %s", m->dir, strerror(-code));

		make_fail(m, code, text);
		return;
	}
	freep(&m->fresh);
	make_succeed(m);
}

static void on_owned(void *ctx, int rc, const char *text)
{
	struct make *m = ctx;

	m->walk = NULL;
	if (rc < 0)
		make_fail(m, rc, text);
	else
		put_in_place(m);
}

static void on_checked_out(struct make *m, const struct git_end *end)
{
	if (end->trouble == GIT_CORRUPT && m->kind == WORKSPACE_KIND_GIT_WORKTREE &&
		!m->was_redone) {
		m->was_redone = true;
		cache_discard(m->tools->caches, m->hash);
		trash_drop(m->tools->trash, m->fresh);
		freep(&m->branch);
		freep(&m->commit);
		worktree_start(m);
		return;
	}
	if (end->trouble != GIT_FINE) {
		make_fail_git(m, end);
		return;
	}
	m->walk = owner_walk_new(m->tools->loop, m->fresh,
		m->owner.is_known ? m->owner.uid : (uid_t)-1,
		m->owner.is_known ? m->owner.gid : (gid_t)-1, on_owned, m);
}

void make_checkout(struct make *m)
{
	CLEANUP(strv_fini) struct strv args = STRV_NULL;
	struct git_command g = {.dir = m->fresh_git, .tree = m->fresh};

	strv_add(&args, "checkout");
	strv_add(&args, "--quiet");
	strv_add(&args, "--force");
	if (m->branch != NULL) {
		strv_add(&args, "-B");
		strv_add(&args, m->branch);
		strv_add(&args, "--track");
		strv_addf(&args, "refs/remotes/origin/%s", m->branch);
	} else {
		strv_add(&args, "--detach");
		strv_add(&args, m->commit);
	}
	strv_add(&args, "--");
	g.args = args;
	make_say(m, "checking out %s", m->branch != NULL ? m->branch : m->commit);
	make_git(m, &g, on_checked_out);
}

/* --- the beginning --- */

struct make *make_new(const struct make_tools *tools, struct list *all, const char *dir,
	const struct workspace_spec *spec, make_done_fn *done, void *ctx)
{
	struct make *m = xcalloc_held(1, sizeof(*m));

	m->tools = tools;
	m->job_id = spec->job_id;
	m->kind = spec->kind;
	m->owner = spec->owner;
	m->progress = spec->progress;
	m->done = done;
	m->ctx = ctx;
	m->end_mono =
		loop_mono(tools->loop) + (spec->timeout_us > 0 ? spec->timeout_us : GIT_TIMEOUT_US);
	m->dir = xstrdup(dir);
	m->fresh = xasprintf("%s/%s", tools->nursery, m->job_id.s);
	m->fresh_git = xasprintf("%s/.git", m->fresh);
	repo_hash(spec->repo, m->hash);
	list_init(&m->wait.node);
	list_append(all, &m->node);
	defer_init(&m->answer, tools->loop, on_answer, m);
	return m;
}

void make_start(struct make *m, const struct workspace_spec *s)
{
	struct err e = CLEAN_ERR;

	if (repo_parse(s->repo, s->is_repo_literal, &m->repo, &e) < 0 ||
		ref_parse(s->ref, &m->ref, &e) < 0)
		make_fail(m, e.code, e.text);
	else if (s->kind == WORKSPACE_KIND_GIT_CLONE)
		clone_start(m);
	else
		worktree_start(m);
}
