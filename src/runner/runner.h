/* SPDX-License-Identifier: MIT */
/*
 * runner/runner.h - the port through which runs are started, adopted, followed and stopped.
 *
 * One implementation drives a container engine through the Docker Engine API
 * (runner_docker_new()); tests have a fake. The engine room names a run before anything starts
 * (its id is the container's name and label), so whatever crash happens, survey() finds what became
 * of it. Nothing here decides: the runner reports facts, the flow draws the conclusions.
 *
 * Life of a run here:   start() or adopt()  ->  started()  ->  exited()  ->  forget()
 *                       start()             ->  refused()
 * After exited() the container still exists with its exit code; it is removed by forget(), which is
 * called when the result is on disk. When the engine goes away in the middle, the runner keeps the
 * run, waits for the engine and looks again: the run then either goes on, exited, or is gone.
 */
#ifndef PYLON_RUNNER_RUNNER_H
#define PYLON_RUNNER_RUNNER_H

#include <sys/types.h>

#include "base/id.h"
#include "base/mask.h"
#include "base/str.h"
#include "http/client.h"
#include "loop/loop.h"

struct runner_mount {
	char *source, *target;
	bool is_read_only;
};

/* Everything that defines one container. Owned by the caller; start() copies what it needs. */
struct runner_spec {
	struct id run_id, job_id;
	const char *pylon;
	const char *image;
	const struct strv *command; /* empty = the image's own */
	const struct strv *env;     /* KEY=VALUE */
	const struct runner_mount *mounts;
	size_t mount_count;
	uint64_t memory_bytes;
	double cpus;
	int pids;
	const char *network; /* "none", "bridge", "host" */
	bool is_read_only;
	/* Processes only; containers leave these alone. */
	const char *cwd;           /* absolute */
	int64_t timeout_us;        /* kept by its keeper, also while we are away; 0 = none */
	int64_t grace_us;          /* between SIGTERM and SIGKILL then; 0 = STOP_GRACE_US */
	int nice;                  /* added to ours */
	const struct strv *limits; /* "nofile=1024": resource limits, by their names without
				      RLIMIT_; NULL = ours */
	const char *user;          /* "uid:gid" instead of the image's own; NULL = the image's */
	const char *log_path;      /* where output is spooled (base/spool.h) */
	struct mask *mask; /* what is taken out of its output; NULL = nothing. A reference of its
			      own is taken. */
};

/* Whom the program of an image runs as, told as a user of this machine: files of that user are its
 * own. Not known when the image names a user that only its own /etc/passwd explains, and when the
 * engine maps users (userns-remap, rootless). */
struct runner_user {
	bool is_known;
	bool is_root; /* uid 0 inside, mapped or not */
	uid_t uid;
	gid_t gid;
};

/* How a run ended. Borrowed for the time of the callback. */
struct runner_exit {
	bool is_gone;  /* the container vanished: exit_code is unknown */
	int exit_code; /* 128 + n: processes that signal n ended */
	bool was_oom_killed;
	bool was_timed_out;      /* processes: their keeper stopped them for their time limit */
	bool was_interrupted;    /* it died together with the engine */
	const char *text;        /* processes: why it never ran or is gone, for people; or NULL */
	const char *stdout_tail; /* the end of its stdout (at most RESULT_FILE_MAX), for the last
				    JSON line; "" = none or not asked */
	size_t stdout_tail_n;
};

enum runner_refusal {
	RUNNER_ENGINE_DOWN, /* nothing was started; ask again when ready() says so */
	RUNNER_NO_IMAGE,    /* the image is missing and cannot be built */
	RUNNER_NO_SPACE,    /* the engine's disk is full */
	RUNNER_BAD_SPEC,    /* the engine refuses this container (text says why) */
};

struct runner_events {
	/* The engine became reachable (text = its version) or unreachable (text = why). Repeated
	 * only on change. */
	void (*ready)(void *ctx, bool is_up, const char *text);
	void (*started)(void *ctx, const struct id *run_id, const char *container_id);
	/* The log grew. */
	void (*output)(void *ctx, const struct id *run_id);
	void (*exited)(void *ctx, const struct id *run_id, const struct runner_exit *x);
	void (*refused)(
		void *ctx, const struct id *run_id, enum runner_refusal why, const char *text);
	void *ctx;
};

/* What survey() found: one container with this home's label. */
struct runner_found {
	struct id run_id, job_id;
	const char *container_id;
	const char *state; /* "created", "running", "exited" ... */
};

struct runner;

struct runner_ops {
	/* Connects and keeps trying for ever; ready() follows. */
	void (*open)(struct runner *r);
	bool (*is_up)(const struct runner *r);
	/* Makes sure the image is there: one of ours is built, any other is pulled from where its
	 * name says. `done` once: rc 0 and whom it runs as, or negative and a text (-EHOSTUNREACH:
	 * the engine is down, -ENOSPC). Several calls for one image are one build. Progress goes to
	 * the log. */
	void (*ensure_image)(struct runner *r, const char *image,
		void (*done)(void *ctx, int rc, const char *text, const struct runner_user *user),
		void *ctx);
	/* Creates and starts the container. */
	void (*start)(struct runner *r, const struct runner_spec *spec);
	/* Goes on with a run of an earlier process: a container that was created but not started is
	 * started; a running one is followed from where its log stopped; an exited one reports
	 * exited(); a vanished one exited() with is_gone. started() comes first when it lives. */
	void (*adopt)(
		struct runner *r, const struct id *run_id, const char *log_path, struct mask *mask);
	/* Asks it to end (SIGTERM), and after grace_us kills it. exited() follows. Harmless when
	 * repeated or when it is over. */
	void (*stop)(struct runner *r, const struct id *run_id, int64_t grace_us);
	/* Adds a line of ours ("> text") to the log of a run that is under way; lost if it is not.
	 */
	void (*note)(struct runner *r, const struct id *run_id, const char *line);
	/* Removes the container; the run is unknown afterwards. */
	void (*forget)(struct runner *r, const struct id *run_id);
	/* Lists the containers of this home. `each` for every one, then `done` with rc 0 or
	 * negative. */
	void (*survey)(struct runner *r, void (*each)(void *ctx, const struct runner_found *f),
		void (*done)(void *ctx, int rc, const char *text), void *ctx);
	/* Removes a container that belongs to no living run. */
	void (*remove)(struct runner *r, const char *container_id);
	/* Leaves all runs alone and frees everything; no callbacks afterwards. */
	void (*free)(struct runner *r);
};

struct runner {
	const struct runner_ops *ops;
};

struct runner_docker_config {
	const char *home_id; /* value of the label pylon.home */
	/* Path of the engine's socket now, appended to out; false when there is none. Asked at each
	 * attempt to connect. */
	bool (*socket)(void *ctx, struct buf *out);
	void *socket_ctx;
	int max_starting;       /* containers being created and started at once */
	const char *base_image; /* agent images are built from it; NULL = what the recipe says */
};

/* The Docker Engine API implementation (API 1.40 and newer). Borrows loop and client. */
struct runner *runner_docker_new(struct loop *l, struct http_client *client,
	const struct runner_docker_config *c, const struct runner_events *ev);

/* What an agent keeps and how it signs in: the catalogue of the types that we know. */
struct runner_agent {
	const char *type;
	const char
		*session_target; /* where its sessions are in the container; NULL = it has none */
	const char *session_env; /* "NAME=" that tells it of that folder; NULL = it knows */
	const char *login_name;  /* the login's file in that folder; NULL = it has no such file */
};
/* NULL for a type without anything special. */
const struct runner_agent *runner_agent(const char *type);

/* Is it an image that the program can build itself? */
bool runner_can_build(const char *image);

#endif
