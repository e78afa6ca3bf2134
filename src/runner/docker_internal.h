/* SPDX-License-Identifier: MIT */
/*
 * The inside of runner_docker_new(), by file:
 *
 *   docker.c         the port: finds runs, hands out places for starting, tells what is due
 *   docker_link.c    is there an engine? version, events, pings, back-off
 *   docker_api.c     one function per call, with its deadline; what answers mean
 *   docker_body.c    what a container is created with
 *   docker_run.c     life of one run until it ends
 *   docker_end.c     its end: exit code, rest of the log, verdict
 *   docker_stop.c    making it end
 *   docker_log.c     its output into the spool
 *   docker_image.c   images: is one there, and whom does it run as?
 *   docker_build.c   building one of ours; agent_image.c: what it is made of
 *   docker_pull.c    pulling one of others; registry_auth.c: with whose login
 *   docker_remove.c  removing containers, and listing them
 *
 * Callbacks of the engine room (ev) may free any run, so they are always the last thing a function
 * does with a run. Output is told from a defer, never from inside a stream's own callback, where a
 * call must not be cancelled.
 */
#ifndef RUNNER_DOCKER_INTERNAL_H
#define RUNNER_DOCKER_INTERNAL_H

#include "runner/frames_internal.h"
#include "runner/lines_internal.h"
#include "runner/log_record_internal.h"
#include "runner/runner.h"

#define DOCKER_TAG        "runner"
#define DOCKER_NAME_SIZE  (sizeof("pylon-") - 1 + ID_SIZE)
#define DOCKER_TEXT_MAX   400     /* bytes of an engine's error that are passed on */
#define DOCKER_STDOUT_MAX KIB(64) /* of stdout kept in memory; of more the end is asked for */

/* The newest API version whose changes we know, and the oldest that has what we need. */
enum {
	DOCKER_API_NEWEST = 43,
	DOCKER_API_OLDEST = 40,
};

/* Every wait in one place; tests make them short. */
struct docker_timing {
	int64_t call_us;  /* quick calls; a slower engine hangs */
	int64_t slow_us;  /* create, start, remove: may wait for disks */
	int64_t log_us;   /* reading a whole log */
	int64_t build_us; /* building or pulling an image */
	int64_t quiet_us; /* a pull that says nothing */
	int64_t ping_every_us;
	int64_t retry_min_us, retry_max_us; /* connecting and asking again */
	int64_t doubt_us;                   /* is an engine that killed a container still there? */
	int64_t settle_us;                  /* between a kill and looking whether it worked */
};

enum docker_phase {
	PHASE_QUEUED, /* waits for a place among those being started */
	PHASE_CREATING,
	PHASE_IMAGE,     /* waits for its image, without a place */
	PHASE_BOOTING,   /* start was asked */
	PHASE_ADRIFT,    /* the engine must be asked what became of it */
	PHASE_LOOKING,   /* ... and was */
	PHASE_FOLLOWING, /* it runs */
	PHASE_ENDING,    /* exit code and the rest of the log are being read */
	PHASE_OVER,      /* exited() was told */
};

struct docker_log {
	struct spool *spool; /* NULL: closed, or it could not be opened */
	struct log_mark mark;
	struct frames frames;
	struct buf batch;                                 /* records of one piece of data */
	struct buf out;                                   /* the end of stdout */
	struct mask_stream out_mask, err_mask, tail_mask; /* stdout, stderr, LOGS_STDOUT */
	struct log_mark settled; /* when nothing was held back, for the last time ... */
	size_t settled_n;        /* ... and the length of the batch then; 0 = never in it */
	size_t unmarked;         /* bytes at the end of the spool that no mark is behind */
	bool is_recalling;       /* what an earlier process held back is still to come */
	bool is_out_cut;         /* `out` begins somewhere in the middle */
	bool has_news;           /* output() is due */
	bool is_midline;         /* the last byte was no newline */
	bool has_gap;            /* its disk failed, and that was told */
	bool is_broken;          /* the stream made no sense */
};

struct docker_run {
	struct list node;
	struct docker *docker;
	struct id id;
	char name[DOCKER_NAME_SIZE];
	char *container_id;
	char *image;
	struct buf body;   /* of the create call; empty for adopted runs */
	struct mask *mask; /* of its output; NULL = nothing is hidden */
	enum docker_phase phase;
	bool holds_place;
	bool was_created; /* the container is known to have existed */
	bool was_told;    /* started() was called */
	bool was_away;    /* the engine went away since it was last seen running */
	bool asked_image;
	bool should_stop;
	bool is_suspect; /* an event says it is over; the wait call does not */
	int64_t grace_us;
	char *refusal;          /* CREATING, BOOTING: what an engine said that may be going away */
	struct http_call *call; /* create, start, wait, inspect */
	struct http_call *log_call; /* following, the rest, the end of stdout */
	struct http_call *stop_call;
	struct timer again;      /* ADRIFT, ENDING: ask again; FOLLOWING: follow again */
	struct timer stop_again; /* is it dead now? */
	int failures;            /* calls lost since it was last seen well */
	int log_failures;        /* ends of the followed log before the end of the run */
	int rest_failures;       /* losses while reading the rest of it */
	int64_t followed_at;     /* mono */
	int parts;               /* ENDING: answers that are still missing */
	bool is_being_removed;   /* ENDING: by hand, since we have not asked for it yet */
	struct runner_exit exit;
	int64_t started_real; /* the engine's StartedAt, 0 = unknown */
	struct docker_log log;
};

/* Who answers. */
struct docker_engine {
	unsigned api_minor; /* the version that is spoken with it: 1.<api_minor> */
	bool is_podman;
};

struct docker {
	struct runner base;
	struct loop *loop;
	struct http_client *client;
	struct runner_events ev;
	struct docker_timing timing;
	char *home_id;
	char *base_image; /* NULL = what the recipes say */
	bool (*socket)(void *ctx, struct buf *out);
	void *socket_ctx;
	int max_starting, starting;

	/* docker_link.c */
	char *socket_path; /* of the present attempt */
	struct docker_engine engine;
	bool is_up, was_told;
	char why[ERR_TEXT_MAX]; /* it is down */
	struct http_call *version_call, *events_call, *ping_call, *info_call;
	bool has_our_users; /* uids in containers are those of this machine, as far as is known */
	struct lines event_lines;
	struct timer retry, events_retry, ping;
	int64_t retry_us, events_retry_us, events_since;

	struct list runs, images, surveys, removals;
	int removing;
	struct timer removal_retry;
	struct defer settle;
};

static inline struct docker *docker_of(struct runner *r)
{
	return container_of(r, struct docker, base);
}

/* docker.c */
struct docker_run *docker_find(struct docker *d, const struct id *run_id);
/* Something changed that docker_settle() may act on. */
void docker_wake(struct docker *d);

/* docker_link.c */
/* Calls that got lost are sent again this often while the engine is there. */
#define DOCKER_TRIES 3
/* There is an engine, and it is not in doubt. */
bool docker_link_is_sure(const struct docker *d);
void docker_link_init(struct docker *d);
void docker_link_fini(struct docker *d);
void docker_link_open(struct docker *d);
/* A call was lost, or answered by an engine that may be going away: is it still there? Runs that
 * are ADRIFT are asked about when it is. */
void docker_link_doubt(struct docker *d);
/* Keeps pinging while a run is active. */
void docker_link_watch(struct docker *d);

/* docker_api.c: each starts one call; done(ctx, result) follows. */
typedef void docker_done_fn(void *ctx, const struct http_result *r);
struct http_call *docker_version(struct docker *d, docker_done_fn *done);
struct http_call *docker_info(struct docker *d, docker_done_fn *done);
struct http_call *docker_ping(struct docker *d, docker_done_fn *done);
struct http_call *docker_ping_fresh(struct docker_run *r, docker_done_fn *done);
struct http_call *docker_events(
	struct docker *d, bool (*data)(void *ctx, struct slice data), docker_done_fn *done);
struct http_call *docker_create(struct docker_run *r, docker_done_fn *done);
struct http_call *docker_start(struct docker_run *r, docker_done_fn *done);
struct http_call *docker_inspect(struct docker_run *r, docker_done_fn *done);
struct http_call *docker_wait(struct docker_run *r, docker_done_fn *done);
struct http_call *docker_stop(struct docker_run *r, int64_t grace_us, docker_done_fn *done);
struct http_call *docker_kill(struct docker_run *r, docker_done_fn *done);
enum docker_logs {
	LOGS_FOLLOW, /* everything from the mark on, for as long as it runs */
	LOGS_REST,   /* everything from the mark on */
	LOGS_STDOUT, /* the end of stdout */
};
struct http_call *docker_logs(struct docker_run *r, enum docker_logs what,
	bool (*data)(void *ctx, struct slice data), docker_done_fn *done);
struct http_call *docker_list(struct docker *d, void *ctx, docker_done_fn *done);
struct http_call *docker_delete(
	struct docker *d, const char *container, void *ctx, docker_done_fn *done);

/* True when the whole answer did not come: the engine may be gone. */
bool docker_is_lost(const struct http_result *r);
/* What went wrong, for people: cleaned, on one line, at most DOCKER_TEXT_MAX bytes. */
void docker_error_text(const struct http_result *r, char ret[static DOCKER_TEXT_MAX + 1]);
/* The same of a text that did not come alone. */
void docker_clean_text(struct slice text, char ret[static DOCKER_TEXT_MAX + 1]);
bool docker_is_no_space(const char *text);

/* What an inspect call told. */
struct docker_seen {
	char id[65];
	char state[16]; /* "created", "running", "paused", "restarting", "exited", "dead" ... */
	int exit_code;
	bool was_oom_killed;
	bool is_ours; /* its labels name this run */
	int64_t started_real;
};
bool docker_seen_parse(const struct docker_run *r, struct slice body, struct docker_seen *ret);

/* docker_body.c */
void docker_body(struct buf *out, const struct runner_spec *s, const char *home_id,
	const struct docker_engine *engine);

/* docker_run.c */
struct docker_run *docker_run_new(
	struct docker *d, const struct id *run_id, const char *log_path, struct mask *mask);
void docker_run_free(struct docker_run *r);
void docker_run_create(struct docker_run *r); /* QUEUED */
void docker_run_look(struct docker_run *r);   /* ADRIFT */
/* A call was lost in the middle: to ADRIFT, and the engine is doubted. */
void docker_run_drift(struct docker_run *r);
/* The engine is gone. */
void docker_run_away(struct docker_run *r);
/* Ends in refused(); r is freed, its container removed. */
void docker_run_refuse(struct docker_run *r, enum runner_refusal why, const char *text);
/* FOLLOWING: reads on from the mark. */
void docker_run_follow_log(struct docker_run *r);
/* Moves r; one that is no longer starting gives its place to the next. */
void docker_run_enter(struct docker_run *r, enum docker_phase phase);
/* Cancels every call and timer of r. */
void docker_run_cancel(struct docker_run *r);

/* docker_end.c */
/* It ended. `seen` is NULL when that is known from the wait call alone. */
void docker_end(struct docker_run *r, const struct docker_seen *seen);
/* It ended and nothing is left to read. Calls exited(). */
void docker_end_gone(struct docker_run *r);
/* Was it the OOM killer after all? */
void docker_end_look_again(struct docker_run *r);

/* docker_stop.c */
void docker_stop_init(struct docker_run *r);
/* Carries should_stop out; r is FOLLOWING. */
void docker_stop_now(struct docker_run *r);

/* docker_log.c */
void docker_log_open(struct docker_run *r, const char *path);
/* Before the engine sends from the mark on. */
void docker_log_begin(struct docker_run *r);
/* Data of LOGS_FOLLOW and LOGS_REST, and of LOGS_STDOUT; false gives the stream up. */
bool docker_log_data(void *run, struct slice data);
bool docker_log_stdout(void *run, struct slice data);
/* Adds a line of ours. */
void docker_log_note(struct docker_run *r, const char *line);
/* Before LOGS_STDOUT. */
void docker_log_begin_stdout(struct docker_run *r);
/* All output has been read: writes what was held back, and gives the end of stdout (buf_fini()). */
struct buf docker_log_finish(struct docker_run *r);
void docker_log_close(struct docker_run *r, bool is_over);

/* docker_image.c */
typedef void docker_image_fn(void *ctx, int rc, const char *text, const struct runner_user *user);
void docker_ensure_image(struct docker *d, const char *image, docker_image_fn *done, void *ctx);
/* Forgets what ctx asked for. */
void docker_image_unwait(struct docker *d, const void *ctx);
/* Asks for what was not asked for yet; fails what cannot go on without an engine. */
void docker_images_pump(struct docker *d);
void docker_images_free(struct docker *d);

/* docker_remove.c */
void docker_remove_init(struct docker *d);
void docker_remove(struct docker *d, const char *container);
/* Sends what may be sent; fails surveys when there is no engine. */
void docker_remove_pump(struct docker *d);
void docker_survey(struct docker *d, void (*each)(void *ctx, const struct runner_found *f),
	void (*done)(void *ctx, int rc, const char *text), void *ctx);
/* The engine is gone: calls under way are sent again when it is back. */
void docker_removals_away(struct docker *d);
void docker_remove_free(struct docker *d);

#endif
