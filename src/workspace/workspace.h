/* SPDX-License-Identifier: MIT */
/*
 * workspace/workspace.h - the folder an agent works in.
 *
 * none:         <home>/jobs/<job>/ an empty folder, made for the job
 * local:        <home>/jobs/<job> a link to the user's own folder, which is mounted in place
 * git-clone:    <home>/jobs/<job>/ a checkout with a .git of its own, shallow where possible
 * git-worktree: the same with all branches and tags, whose objects are borrowed from a bare cache,
 *               <home>/repos/<hash>; the cache is fetched before each use
 *
 * A branch is checked out as a branch that tracks origin; a tag or commit is checked out detached.
 * Preparing again (retry, reply) keeps what is there. Once a container has had a workspace, nothing
 * here runs a program in it, looks into it or changes its owner: it may only be removed.
 *
 * Only what is below <home>/jobs/ is ever removed (and a damaged cache below <home>/repos/, which
 * is made anew; sessions have their own header); links are unlinked, never followed. Preparing may
 * take long, so the answer comes through a callback.
 */
#ifndef PYLON_WORKSPACE_WORKSPACE_H
#define PYLON_WORKSPACE_WORKSPACE_H

#include <sys/types.h>

#include "base/err.h"
#include "base/id.h"
#include "loop/loop.h"

enum workspace_kind {
	WORKSPACE_KIND_NONE,
	WORKSPACE_KIND_LOCAL,
	WORKSPACE_KIND_GIT_CLONE,    /* without a repo: as NONE */
	WORKSPACE_KIND_GIT_WORKTREE, /* without a repo: as NONE */
};

/* Of the user in the container, to whom a checkout is given. Zeroed: nobody knows, then every user
 * may write (as in NONE, nobody else reaches the folder). */
struct workspace_owner {
	bool is_known;
	uid_t uid;
	gid_t gid;
};

/* Borrowed for the call. */
struct workspace_spec {
	enum workspace_kind kind;
	struct id job_id;
	const char *path; /* local: the user's folder */

	/* git-*: templates already rendered; NULL or "" = not set. Whatever they hold is checked
	 * here. ref: branch, tag, commit (at least 7 digits), or any refs/...; not set: main, and
	 * where there is none the repository's own default. */
	const char *repo, *ref;
	/* The configuration has `repo` written out: nothing of it came with an event. Else a folder
	 * of this machine, plain http, and hosts that are this machine or addresses of private
	 * networks are refused (names are not looked up). */
	bool is_repo_literal;
	struct workspace_owner owner;
	int64_t timeout_us; /* of all of it; 0 = 5 minutes */
	/* A line of what happens, for the job's log: safe to show, no secrets, no line end. From
	 * inside of it nothing of this room may be called. May be NULL. */
	void (*progress)(void *ctx, const struct id *job_id, const char *line);
};

struct workspace;
struct workspace_ops {
	/* `done` once, never from inside: rc 0 and the absolute folder to mount; or negative and
	 * why. Preparing a job's workspace again is fine and keeps what is there.
	 *
	 * git-*: -EINVAL repo or ref is no possible one, -ENOENT there is no such repository or
	 * ref, -EACCES no credentials, -EKEYREJECTED the host cannot prove who it is,
	 * -EHOSTUNREACH, -ETIMEDOUT, -ENOSPC (also when little is left: git is stopped before the
	 * disk is full), -ECANCELED; others are told in `text` alone. */
	void (*prepare)(struct workspace *w, const struct workspace_spec *spec,
		void (*done)(void *ctx, const struct id *job_id, int rc, const char *text),
		void *ctx);
	/* What else a container must see, read-only and at the very same path: the cache that this
	 * workspace borrows from. NULL when there is nothing. The caller frees. Ask after `done`.
	 */
	char *(*shared)(struct workspace *w, const struct workspace_spec *spec);
	/* Ends a preparation that is under way: its `done` says -ECANCELED, from the loop. Fine
	 * when none is. */
	void (*cancel)(struct workspace *w, const struct id *job_id);
	/* Removes the workspace of a job (its folder or its link). */
	void (*remove)(struct workspace *w, const struct id *job_id);
	/* Removes another folder of jobs/ in the same way: out of its place at once, then bit by
	 * bit, so that a million files hold nobody up. Fine when it is not there. */
	void (*discard)(struct workspace *w, const char *path);
	/* Preparations under way are killed; their `done` is not called. */
	void (*free)(struct workspace *w);
};
struct workspace {
	const struct workspace_ops *ops;
};

/* `jobs_dir` is <home>/jobs, beside it is <home>/repos. git finds HOME, PATH, the ssh agent,
 * proxies and the like of this process as they are now. Borrows the loop. */
struct workspace *workspace_new(struct loop *l, const char *jobs_dir);

#endif
