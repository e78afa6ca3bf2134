/* SPDX-License-Identifier: MIT */
/*
 * One git command at a time, with nothing left to chance: see git.c for what it gets and why.
 */
#ifndef WORKSPACE_GIT_INTERNAL_H
#define WORKSPACE_GIT_INTERNAL_H

#include "base/limits.h"
#include "loop/loop.h"
#include "workspace/repo_internal.h"

#define GIT_OUTPUT_MAX  MIB(4) /* of standard output that is kept */
#define GIT_TAIL_MAX    KIB(8) /* of standard error that is kept */
#define GIT_LINE_MAX    KIB(1) /* of a line that is told */
#define GIT_LINES_MAX   200    /* told of one command: a repository may have 100000 branches */
#define GIT_TIMEOUT_US  (300 * US_PER_SEC)
#define GIT_GRACE_US    (5 * US_PER_SEC)
#define GIT_PROGRESS_US (5 * US_PER_SEC) /* between two lines that only count */
#define GIT_FILE_MAX    GIB(8)           /* of one file: a pack, or what is checked out */
#define GIT_MEMORY_MAX  GIB(2)
#define GIT_REMOTE_NAME "pylon"
/* A command that writes ends when less is free for it: the daemon's own files, and whoever else
 * lives on that disk, need some. On a small one, an eighth of it. */
#define GIT_FREE_MIN_BYTES MIB(64)
#define GIT_FREE_MIN_PART  8
#define GIT_FREE_LOOK_US   (250 * US_PER_MS)

/* Why a command did not do what it was asked. */
enum git_trouble {
	GIT_FINE,
	GIT_REFUSED,     /* no or wrong credentials */
	GIT_HOST_KEY,    /* the host is not who it was */
	GIT_FOREIGN,     /* a local repository of another user */
	GIT_NO_REPO,     /* there is none */
	GIT_NO_REF,      /* it has no such ref */
	GIT_UNREACHABLE, /* no host, no network */
	GIT_NO_SPACE,    /* or nearly none: GIT_FREE_MIN_BYTES */
	GIT_TOO_LARGE,   /* GIT_FILE_MAX */
	GIT_MALFORMED,   /* objects that transfer.fsckObjects does not let in */
	GIT_LOCKED,      /* a lock that a killed git left */
	GIT_CORRUPT,     /* what is on our disk is damaged */
	GIT_TIMED_OUT,
	GIT_STOPPED,
	GIT_NOT_STARTED,
	GIT_FAILED, /* anything else */
};

struct git_end {
	enum git_trouble trouble;
	/* For people: what happened and what helps. "" when fine. No secrets. */
	const char *text;
	const char *log;  /* the end of standard error */
	struct slice out; /* standard output, at most GIT_OUTPUT_MAX bytes */
};
typedef void git_done_fn(void *ctx, const struct git_end *end);
/* One line of what git reports, without its end, made safe to show. */
typedef void git_line_fn(void *ctx, const char *line);

struct git_command {
	struct strv args; /* after "git"; borrowed */
	const char *dir;  /* --git-dir, and where it may write; NULL = none, it writes nothing */
	const char *tree; /* --work-tree; NULL = none */
	/* It talks to this repository, by the name GIT_REMOTE_NAME; NULL = it stays on this
	 * machine. Borrowed until the end. When https is refused, ssh_url is tried and noted in it.
	 */
	struct repo *repo;
	/* Is cloned from or fetched from on this machine without being a repo. */
	bool reads_folders;
	struct slice input;   /* borrowed */
	int64_t timeout_us;   /* of each attempt; 0 = GIT_TIMEOUT_US */
	git_line_fn *on_line; /* may be NULL */
	git_done_fn *done;
	void *ctx;
};

/* The program and the user's surroundings, read once. Borrows the loop. */
struct git;
struct git *git_new(struct loop *l);
void git_free(struct git *g);
DEFINE_FREEP(struct git, git_free)

/* `done` once, never from inside. The task goes with it: forget it there, first of all. */
struct git_task;
struct git_task *git_run(struct git *g, const struct git_command *c);
/* Kills it; `done` is not called. */
void git_task_free(struct git_task *t);
DEFINE_FREEP(struct git_task, git_task_free)

/* git_space.c */
/* How many bytes must be free on a disk of that many. */
uint64_t git_space_least(uint64_t disk_bytes);
/* True when less is free for `dir` than must be; false when nobody knows. Appends a sentence that
 * says so. */
bool git_space_is_low(const char *dir, struct buf *ret_text);

/* git_env.c */
/* What git and its helpers find in their environment. `user` holds what the user's has. */
void git_env_user(struct strv *ret);
/* `ssh` is the command that starts ssh. */
void git_env(
	struct strv *ret, const struct strv *user, const struct git_command *c, const char *ssh);
/* The ssh command of the user's environment, NULL when it has none. */
char *git_env_ssh(const struct strv *user);
/* `command` as it is used: it never asks, and gives up at some time. NULL: plain ssh. */
char *git_ssh_command(const char *command);

/* git_trouble.c */
/* Reads the trouble out of git's own words (in English: the environment says LC_ALL=C). */
enum git_trouble git_trouble_find(const char *log);
/* One sentence for people: "<url>: <what>: <git's words>; <what helps>". `url` may be NULL. */
char *git_trouble_text(enum git_trouble trouble, const char *url, const char *log);
/* The negative errno that stands for it; 0 for GIT_FINE. */
int git_trouble_code(enum git_trouble trouble);

#endif
