/* SPDX-License-Identifier: MIT */
/*
 * A checkout in the making: what clone.c and worktree.c have in common.
 *
 *   start of the kind ... -> make_checkout() -> owner -> rename -> done
 *
 * It grows in <jobs>/.new-<token>/ and gets its place when it is whole, so what has a job's name is
 * either whole or not there. Each step runs one thing and names what comes after it.
 */
#ifndef WORKSPACE_MAKE_INTERNAL_H
#define WORKSPACE_MAKE_INTERNAL_H

#include "workspace/cache_internal.h"
#include "workspace/git_internal.h"
#include "workspace/owner_internal.h"
#include "workspace/trash_internal.h"
#include "workspace/workspace.h"

typedef void make_done_fn(void *ctx, const struct id *job_id, int rc, const char *text);

/* What all of them use; borrowed. */
struct make_tools {
	struct loop *loop;
	struct git *git;
	struct caches *caches;
	struct trash *trash; /* of jobs/ */
	const char *nursery; /* where checkouts grow */
};

struct make;
/* What comes after a command; `end` lives for the call. */
typedef void make_step_fn(struct make *m, const struct git_end *end);

struct make {
	struct list node; /* of the room */
	const struct make_tools *tools;
	struct id job_id;
	enum workspace_kind kind;
	struct repo repo;
	struct ref ref;
	char hash[REPO_HASH_SIZE];
	struct workspace_owner owner;
	char *dir;        /* where it will be */
	char *fresh;      /* where it grows */
	char *fresh_git;  /* its .git */
	int64_t end_mono; /* of the time limit */

	/* What is to be checked out, once known. */
	char *branch; /* NULL = detached: */
	char *commit; /* id, or a whole ref */

	/* What runs. */
	struct git_task *task;
	make_step_fn *next;
	struct cache_wait wait;
	struct owner_walk *walk;
	struct defer answer;
	int rc; /* what the answer says */
	char *text;

	bool is_there;   /* only its cache is missing */
	bool was_redone; /* worktree: its cache was damaged, and is new */

	void (*progress)(void *ctx, const struct id *job_id, const char *line);
	make_done_fn *done;
	void *ctx;
};

/* make.c. `dir` is <jobs>/<job>, with links resolved; when it is there, only the cache is seen to.
 * To be started with make_start(). Appends itself to `all` and goes when it is done. */
struct make *make_new(const struct make_tools *tools, struct list *all, const char *dir,
	const struct workspace_spec *spec, make_done_fn *done, void *ctx);
void make_start(struct make *m, const struct workspace_spec *spec);
/* Ends it; `done` says so. */
void make_cancel(struct make *m);
/* Kills it; `done` is not called. */
void make_free(struct make *m);

/* For the kinds: */
void make_succeed(struct make *m);
/* Ends in failure; the caller returns at once. */
void make_fail(struct make *m, int rc, const char *text);
/* The same for what git says. */
void make_fail_git(struct make *m, const struct git_end *end);
void make_fail_ref(struct make *m, const char *why);
/* A line of our own for the job's log. */
void make_say(struct make *m, const char *fmt, ...) PRINTF(2, 3);
int64_t make_time_left(const struct make *m);
/* One git command; `g` has what is special about it. */
void make_git(struct make *m, struct git_command *g, make_step_fn *next);
/* The same that talks to the repository, in `dir` (may be NULL). */
void make_git_remote(struct make *m, const char *dir, struct strv args, make_step_fn *next);
/* Checks out what is named, gives it to its owner, puts it in place, and is done. */
void make_checkout(struct make *m);
/* Asks the repository for HEAD and, unless NULL, the branch and tag of that name. */
void make_list(struct make *m, const char *name, make_step_fn *next);
/* In an answer of make_list(): */
bool make_lists(const struct git_end *end, const char *refname);
/* Takes the repository's own default; false when it has none. */
bool make_take_head(struct make *m, const struct git_end *end);

/* clone.c, worktree.c: the first step. */
void clone_start(struct make *m);
void worktree_start(struct make *m);

#endif
