/* SPDX-License-Identifier: MIT */
/*
 * loop/child.h - another program, run beside the loop.
 *
 * A child gets nothing that it was not given: its whole environment, descriptors 0, 1 and 2 and no
 * other, an empty signal mask, default dispositions, a session and process group of its own. What
 * it writes arrives in pieces; nothing is gathered here. When it has ended, what is left of its
 * group is killed, so it leaves nothing behind (but who makes a session of its own escapes).
 *
 * It is followed by a pidfd (pidfd_open(2)), and its group is only signalled while its pid cannot
 * belong to another: a stranger is never killed. Do not ignore SIGCHLD and do not wait for
 * children elsewhere in the process.
 *
 * Starting fork(2)s and returns at once: that a program could not be executed is told at its end.
 */
#ifndef PYLON_LOOP_CHILD_H
#define PYLON_LOOP_CHILD_H

#include "base/str.h"
#include "loop/loop.h"

struct child;

enum child_stream {
	CHILD_STDOUT,
	CHILD_STDERR,
};

enum child_how {
	CHILD_EXITED,      /* code: its exit status */
	CHILD_SIGNALLED,   /* code: the signal */
	CHILD_NOT_STARTED, /* code: errno of what failed between fork and exec */
};

struct child_end {
	enum child_how how;
	int code;
	const char *failed; /* not started: the call that failed ("execve", "chdir" ...) */
	bool is_timed_out;  /* the time limit was over before it ended */
	bool is_stopped;    /* child_stop() was called before it ended */
};

/* At most CHILD_PIECE_MAX bytes a call, never none. `p` lives for the call. */
typedef void child_output_fn(void *ctx, enum child_stream stream, const char *p, size_t n);
/* Once, after the last output; never from inside child_start(). */
typedef void child_end_fn(void *ctx, const struct child_end *end);

#define CHILD_PIECE_MAX ((size_t)16 << 10)

/* All is borrowed for the call of child_start() only. */
struct child_spec {
	/* Ends with NULL. argv[0] without a slash is looked for in PATH of `env`. */
	char *const *argv;
	char *const *env;
	const char *cwd;    /* NULL: "/" */
	struct slice input; /* its standard input; p NULL: /dev/null */
	mode_t mask;        /* umask */
	int niceness;       /* added to ours */
	bool dies_with_us;  /* SIGKILL when this process ends in any way */
	bool changes_user;  /* to uid and gid, with no further groups */
	uid_t uid;
	gid_t gid;
	uint64_t max_file_bytes;    /* RLIMIT_FSIZE; 0: ours */
	uint64_t max_memory_bytes;  /* RLIMIT_DATA; 0: ours */
	int64_t timeout_us;         /* then SIGTERM to its group; 0: none */
	int64_t grace_us;           /* and after that SIGKILL */
	child_output_fn *on_output; /* NULL: output goes to /dev/null */
	child_end_fn *on_end;
	void *ctx;
};

/* -EOPNOTSUPP from a fake loop; else a negative errno when no process could be made. */
NODISCARD int child_start(
	struct child **ret, struct loop *l, const struct child_spec *spec, struct err *e);
/* SIGTERM to its group now, SIGKILL after the grace; on_end is still called. */
void child_stop(struct child *c);
/* From anywhere, its own callbacks too. A child that has not ended is killed with its group;
 * nothing is called any more. */
void child_free(struct child *c);
DEFINE_FREEP(struct child, child_free)
/* For messages only. */
pid_t child_pid(const struct child *c);

#endif
