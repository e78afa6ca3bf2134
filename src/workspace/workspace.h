/* SPDX-License-Identifier: MIT */
/*
 * workspace/workspace.h - the folder an agent works in.
 *
 * none:  <home>/jobs/<job>/ an empty folder, made for the job
 * local: <home>/jobs/<job> a link to the user's own folder, which is mounted in place
 *
 * Only what is below <home>/jobs/ is ever removed; links are unlinked, never followed.
 * Preparing may take long in other kinds (git), so the answer comes through a callback.
 */
#ifndef PYLON_WORKSPACE_WORKSPACE_H
#define PYLON_WORKSPACE_WORKSPACE_H

#include "base/err.h"
#include "base/id.h"
#include "loop/loop.h"

enum workspace_kind {
	WORKSPACE_KIND_NONE,
	WORKSPACE_KIND_LOCAL,
};

struct workspace_spec {
	enum workspace_kind kind;
	struct id job_id;
	const char *path; /* local: the user's folder */
};

struct workspace;
struct workspace_ops {
	/* `done` once, never from inside: rc 0 and the absolute folder to mount; or negative and
	 * why. Preparing a job's workspace again is fine and keeps what is there. */
	void (*prepare)(struct workspace *w, const struct workspace_spec *spec,
		void (*done)(void *ctx, const struct id *job_id, int rc, const char *text),
		void *ctx);
	/* Removes the workspace of a job (its folder or its link). */
	void (*remove)(struct workspace *w, const struct id *job_id);
	void (*free)(struct workspace *w);
};
struct workspace {
	const struct workspace_ops *ops;
};

/* `jobs_dir` is <home>/jobs. Borrows the loop. */
struct workspace *workspace_new(struct loop *l, const char *jobs_dir);

#endif
