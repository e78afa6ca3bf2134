/* SPDX-License-Identifier: MIT */
/*
 * live-internal.h - a job whose run may be alive: from its claim (T2) to the record of its end
 * (T4).
 *
 * start.c makes one after the claim is on disk, recover.c one for each run that an earlier process
 * left; finish.c frees it after T4. Until the runner knows the run (step), nothing of it exists but
 * folders, and whoever ends it only cancels what prepares them.
 */
#ifndef PYLON_ENGINE_LIVE_INTERNAL_H
#define PYLON_ENGINE_LIVE_INTERNAL_H

#include "base/crypto.h"
#include "base/mask.h"
#include "base/spool.h"
#include "engine/engine.h"

struct pylon;

#define PROGRESS_LINES 8

/* What an agent did last: a ring of lines. */
struct progress {
	struct {
		int64_t at; /* wall clock; 0 = before this process */
		char *line;
	} v[PROGRESS_LINES];
	size_t n; /* lines ever added */
};

/* How far a start has come before the runner knows of it. */
enum start_step {
	START_IMAGE,     /* asks whom the image runs as, or has it built */
	START_WORKSPACE, /* the workspace room is at work */
	START_HANDED,    /* the runner knows it */
};

/* A job whose run may be alive. */
struct live {
	struct list node;
	struct engine *engine;
	struct pylon *pylon;
	struct pylon_config *config; /* a reference: the one the job began with */
	bool is_scheduled;           /* the job of an occurrence */
	struct id job_id, run_id;
	int attempt;
	int failures;
	enum run_state state;
	enum stop_reason stop;
	char token[TOKEN_SIZE]; /* "" for adopted runs: only the hash is known */
	char token_sha256[SHA256_HEX_SIZE];
	char *image;
	int64_t timeout_us;
	int64_t started_at; /* wall clock, 0 = not yet */
	enum start_step step;
	struct runner_user user; /* whom the image runs as, when that was asked */
	char *repo, *ref;        /* git workspaces: rendered */
	struct spool *log;       /* until the runner has it; NULL = nothing was written yet */
	struct mask *mask;       /* what may not be told; NULL = nothing */
	struct progress progress;
	bool is_recovered; /* of another process: the survey decides what becomes of it */
	bool is_found;     /* survey() saw its container */
	bool is_finishing; /* T4 is under way */
	bool is_shutdown;  /* called off or stopped because the daemon stops */
	struct timer deadline;
};

/* --- start.c --- */
struct live *live_new(struct pylon *p, struct pylon_config *config, const struct id *job_id,
	const struct id *run_id);
void live_free(struct live *v);
struct live *engine_live(struct engine *e, const struct id *run_id);
struct live *engine_live_job(struct engine *e, const struct id *job_id);
static inline bool live_is_handed(const struct live *v)
{
	return v->step == START_HANDED;
}
/* The port that its run is at. */
struct runner *live_runner(const struct live *v);
void live_arm_deadline(struct live *v);
/* What the port reports. */
void live_started(struct live *v, const char *handle);
void live_refused(struct live *v, enum runner_refusal why, const char *text);
void live_exited(struct live *v, const struct runner_exit *x);
/* Records the decision to stop and carries it out after the commit. */
void live_stop(struct live *v, enum stop_reason why, const char *by);

/* --- prepare.c --- */
/* From the claim to the runner: image, workspace, session, run folder. */
void live_prepare(struct live *v);
/* What may not be told of a run that another process started. */
void live_restore_mask(struct live *v);
/* The image is there, run by that user; or it is not (rc negative). */
void live_image_known(struct live *v, int rc, const char *text, const struct runner_user *user);
/* It is to end before the runner knows it: what is under way is cancelled. */
void live_abandon(struct live *v);

/* --- journal.c --- */
/* What may not be told of this run: what is known now, and `more` (NULL = nothing). */
void live_set_mask(struct live *v, const struct strv *more);
/* A line of ours in the job's log. */
void live_note(struct live *v, const char *line);
/* The log of an earlier attempt gets its number, so that this one begins a new file. */
void live_begin_log(struct live *v);
/* Gives the file up for the runner to open. */
void live_close_log(struct live *v);
void progress_add(struct progress *p, int64_t at, const char *line);
void progress_fini(struct progress *p);
/* What the log of an adopted run tells of its last steps. */
void live_restore_progress(struct live *v);

/* --- image.c --- */
/* live_image_known() follows. */
void live_ask_image(struct live *v);

#endif
