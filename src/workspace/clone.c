/* SPDX-License-Identifier: MIT */
/*
 * git-clone: init, fetch of as little as possible, checkout.
 *
 * git-clone(1) itself takes no commit id and no other ref, leaves hooks behind where a template has
 * some, and stores the address as it was given. So the steps are our own:
 *
 *   ls-remote -> what is meant -> init -> fetch --depth=1 of that -> checkout
 *
 * A commit id is fetched directly, which GitHub, GitLab and whoever sets
 * uploadpack.allowReachableSHA1InWant allow. Where that is refused, and for a shortened id, all is
 * fetched.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "workspace/make_internal.h"

static void fetch(struct make *m);

/* --- fetch --- */

static void on_resolved(struct make *m, const struct git_end *end)
{
	struct slice id = {end->out.p, end->out.n};
	const char *space = id.n == 0 ? NULL : memchr(id.p, ' ', id.n);

	if (space == NULL || !str_has_prefix(space, " commit ")) {
		make_fail_ref(m, NULL);
		return;
	}
	id.n = (size_t)(space - id.p);
	m->commit = slice_dup(id);
	make_checkout(m);
}

static void resolve_short(struct make *m)
{
	CLEANUP(strv_fini) struct strv args = STRV_NULL;
	CLEANUP(freep) char *question = xasprintf("%s^{commit}\n", m->ref.name);
	struct git_command g = {.dir = m->fresh_git, .input = slice_of(question)};

	strv_add(&args, "cat-file");
	strv_add(&args, "--batch-check");
	g.args = args;
	make_git(m, &g, on_resolved);
}

static void on_all_fetched(struct make *m, const struct git_end *end)
{
	if (end->trouble != GIT_FINE)
		make_fail_git(m, end);
	else
		resolve_short(m);
}

static void fetch_all(struct make *m)
{
	CLEANUP(strv_fini) struct strv args = STRV_NULL;

	strv_add(&args, "fetch");
	strv_add(&args, "--progress");
	strv_add(&args, "--no-tags");
	strv_add(&args, "--update-shallow");
	strv_add(&args, "--no-write-fetch-head");
	strv_add(&args, "--");
	strv_add(&args, GIT_REMOTE_NAME);
	strv_add(&args, "+refs/heads/*:refs/remotes/origin/*");
	strv_add(&args, "+refs/tags/*:refs/tags/*");
	make_say(m, "fetching all of %s to find %s", repo_url(&m->repo), m->ref.name);
	make_git_remote(m, m->fresh_git, args, on_all_fetched);
}

static void on_fetched(struct make *m, const struct git_end *end)
{
	if (end->trouble == GIT_FINE) {
		make_checkout(m);
	} else if (m->ref.kind == REF_COMMIT && end->trouble == GIT_NO_REF) {
		freep(&m->commit);
		fetch_all(m);
	} else {
		make_fail_git(m, end);
	}
}

static void add_refspec(const struct make *m, struct strv *args)
{
	if (m->branch != NULL)
		strv_addf(args, "+refs/heads/%s:refs/remotes/origin/%s", m->branch, m->branch);
	else if (str_has_prefix(m->commit, "refs/"))
		strv_addf(args, "+%s:%s", m->commit, m->commit);
	else
		strv_add(args, m->commit);
}

static void fetch(struct make *m)
{
	CLEANUP(strv_fini) struct strv args = STRV_NULL;

	if (m->branch == NULL && m->commit == NULL) {
		fetch_all(m);
		return;
	}
	strv_add(&args, "fetch");
	strv_add(&args, "--progress");
	strv_add(&args, "--depth=1");
	strv_add(&args, "--no-tags");
	strv_add(&args, "--update-shallow");
	strv_add(&args, "--no-write-fetch-head");
	strv_add(&args, "--");
	strv_add(&args, GIT_REMOTE_NAME);
	add_refspec(m, &args);
	make_say(m, "fetching %s of %s", m->branch != NULL ? m->branch : m->commit,
		repo_url(&m->repo));
	make_git_remote(m, m->fresh_git, args, on_fetched);
}

/* --- init --- */

/* A value of a git configuration file (git-config(1), "Syntax"). */
static void add_quoted(struct buf *b, const char *value)
{
	buf_add_char(b, '"');
	for (; *value != '\0'; value++) {
		if (*value == '"' || *value == '\\')
			buf_add_char(b, '\\');
		buf_add_char(b, *value);
	}
	buf_add_char(b, '"');
}

/* What a clone would have: origin, as it was configured (without secrets). */
static int write_origin(const struct make *m, struct err *e)
{
	CLEANUP(freep) char *path = xasprintf("%s/config", m->fresh_git);
	CLEANUP(closep) int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	CLEANUP(buf_fini) struct buf b = BUF_NULL;
	int rc;

	if (fd < 0)
		return err_errno(e, "%s", path);
	buf_add_str(&b, "[remote \"origin\"]\n\turl = ");
	add_quoted(&b, m->repo.url);
	buf_add_str(&b, "\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n");
	rc = write_all(fd, b.p, b.n);
	return rc < 0 ? err_set(e, rc, "cannot write %s: %s", path, strerror(-rc)) : 0;
}

static void on_made(struct make *m, const struct git_end *end)
{
	struct err e = CLEAN_ERR;

	if (end->trouble != GIT_FINE)
		make_fail_git(m, end);
	else if (write_origin(m, &e) < 0)
		make_fail(m, e.code, e.text);
	else
		fetch(m);
}

static void init(struct make *m)
{
	CLEANUP(strv_fini) struct strv args = STRV_NULL;
	struct git_command g = {0};

	strv_add(&args, "init");
	strv_add(&args, "--quiet");
	strv_add(&args, "--template=");
	strv_add(&args, "--");
	strv_add(&args, m->fresh);
	g.args = args;
	make_git(m, &g, on_made);
}

/* --- what is meant --- */

/* False when the repository has nothing of that name; sets branch or commit. */
static bool choose(struct make *m, const struct git_end *end)
{
	CLEANUP(freep) char *branch = xasprintf("refs/heads/%s", m->ref.name);
	CLEANUP(freep) char *tag = xasprintf("refs/tags/%s", m->ref.name);
	enum ref_kind kind = m->ref.kind;

	if (kind == REF_HEAD)
		return make_take_head(m, end);
	if (kind == REF_OTHER) {
		if (make_lists(end, m->ref.name))
			m->commit = xstrdup(m->ref.name);
		return m->commit != NULL;
	}
	if (kind != REF_TAG && make_lists(end, branch)) {
		m->branch = xstrdup(m->ref.name);
		return true;
	}
	if (kind == REF_DEFAULT && make_take_head(m, end)) {
		make_say(m, "%s has no branch %s: taking its default, %s", repo_url(&m->repo),
			m->ref.name, m->branch != NULL ? m->branch : m->commit);
		return true;
	}
	if ((kind == REF_TAG || kind == REF_NAME) && make_lists(end, tag)) {
		m->commit = STEAL(tag);
		return true;
	}
	return ref_may_be_short_commit(&m->ref);
}

static void on_listed(struct make *m, const struct git_end *end)
{
	if (end->trouble != GIT_FINE)
		make_fail_git(m, end);
	else if (choose(m, end))
		init(m);
	else
		make_fail_ref(
			m, end->out.n == 0 ? "it is empty, or has no branch of that name" : NULL);
}

void clone_start(struct make *m)
{
	if (m->ref.kind == REF_COMMIT) {
		m->commit = xstrdup(m->ref.name);
		init(m);
		return;
	}
	make_list(m, m->ref.kind == REF_HEAD ? NULL : m->ref.name, on_listed);
}
