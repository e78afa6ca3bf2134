/* SPDX-License-Identifier: MIT */
/*
 * world.h - a whole flow in one process: the real engine, store, trigger and configuration, with a
 * fake clock and fake ports. No network, no container engine, no waiting.
 *
 * The fake ports do nothing by themselves: a test looks at what they were asked and says what
 * happens next. Only one thing they insist on: that what they are asked to do is on disk already.
 */
#ifndef PYLON_TESTS_WORLD_H
#define PYLON_TESTS_WORLD_H

#include "base/crypto.h"
#include "base/json.h"
#include "base/limits.h"
#include "engine/engine.h"
#include "lib/t.h"

#define WORLD_START (INT64_C(1770000000) * US_PER_SEC)
#define WORLD_RUNS  128

struct fake_run {
	struct id run_id, job_id;
	char *prompt_file;
	char callback[256];
	struct strv argv;
	char *cwd;
	int64_t timeout_us;
	struct strv env;    /* as it was started with */
	struct strv mounts; /* source:target:mode */
	char *user;         /* NULL = the image's own */
	struct strv notes;  /* lines added to its log */
	bool is_started, is_adopted, is_forgotten, is_masked;
	int stops;
};

/* What was asked and is answered when the test says so. */
struct fake_image {
	void (*done)(void *ctx, int rc, const char *text, const struct runner_user *user);
	void *ctx;
	bool is_open;
};
struct fake_make {
	void (*done)(void *ctx, const struct id *job_id, int rc, const char *text);
	void *ctx;
	struct id job_id;
	bool is_open, is_called_off;
};

struct fake_runner {
	struct runner port;
	struct runner_events ev;
	struct engine *engine;
	bool is_up;
	struct fake_run runs[WORLD_RUNS];
	size_t n;
	size_t removed;
	/* what survey() finds */
	struct runner_found found[8];
	size_t found_n;
	bool image_fails, survey_fails;
	size_t ensured; /* images asked for */
	/* What is told of every image; is_image_slow: only by world_image_known(). */
	struct runner_user user;
	bool is_image_slow;
	void (*image_done)(void *ctx, int rc, const char *text, const struct runner_user *user);
	void *image_ctx;
	struct fake_image images[WORLD_RUNS]; /* is_image_slow: all that were asked for */
	size_t image_n;
};

struct fake_sent {
	struct id id;
	char *kind, *message;
	bool is_repeat;
	int attempt;
};

struct fake_channel {
	struct channel port;
	struct engine *engine;
	struct fake_sent sent[WORLD_RUNS];
	size_t n;
};

struct fake_workspace {
	struct workspace port;
	char *jobs;
	int fail; /* negative errno: the next prepare fails */
	/* is_slow: the answer waits for world_workspace_ready(); is_cancel_slow: so does that of
	 * one that is cancelled */
	bool is_slow, is_cancel_slow;
	struct fake_make makes[WORLD_RUNS]; /* is_slow: all that were asked for */
	size_t make_n;
	struct id waiting;
	void (*done)(void *ctx, const struct id *job_id, int rc, const char *text);
	void *done_ctx;
	/* of the last spec */
	enum workspace_kind kind;
	char *repo, *ref;
	bool is_repo_literal;
	struct workspace_owner owner;
	size_t cancelled;
	void (*progress)(void *ctx, const struct id *job_id, const char *line);
	size_t removed;
	struct id last_removed;
};

struct world {
	char *home;
	struct loop *loop;
	struct config *config;
	struct engine *engine;
	struct fake_runner runner;
	struct fake_runner processes; /* with has_runtime: runs of background work */
	struct fake_channel channel;
	struct fake_workspace workspace;
	bool is_prepared;
	bool is_bystander; /* of the next engine */
	bool has_runtime;  /* likewise: background work is possible */
	struct strv only;  /* of the next engine, too */
	/* the last answer */
	struct answer answer;
	int answers;
};

void world_open(struct world *w, const char *config_yaml, const char *pylon_yaml);
/* The same with background work. */
void world_open_runtime(struct world *w, const char *config_yaml, const char *pylon_yaml);
/* Everything in memory is dropped, as kill -9 does, and a new engine starts on the same home. */
void world_crash(struct world *w);
void world_restart(struct world *w);
/* The same, with so much time in between. */
void world_down(struct world *w, int64_t us);
/* Writes a file below the home; folders are made. */
void world_put(struct world *w, const char *path, const char *text);
/* Reads the configuration anew, as a process that starts does. */
void world_reread(struct world *w);
/* Removes a file or folder with all that is in it. */
void world_remove(struct world *w, const char *path);
/* What the daemon does when files have changed. False when config.yaml was refused. */
bool world_reload(struct world *w, bool take_global);
void world_close(struct world *w);
/* Makes the container engine answer (or go away). */
void world_engine(struct world *w, bool is_up);
/* A webhook with a GitHub signature; the answer is in w->answer after the turn. */
void world_post(struct world *w, const char *delivery, const char *body);
/* The same, but the turn is left to the caller. */
void world_send(struct world *w, const char *delivery, const char *body);
struct fake_run *world_run(struct world *w, size_t i);
/* Fails unless that is the prompt of the run. */
void world_assert_prompt(struct world *w, size_t i, const char *expected);
void world_started(struct world *w, size_t i);
void world_exited(struct world *w, size_t i, int status);
/* The workspace that was asked for last is there. */
void world_workspace_ready(struct world *w);
/* The image that was asked for last is there (rc 0), or not. */
void world_image_known(struct world *w, int rc);
/* The same of any that was asked for and is_open; the workspace of one that is_called_off cannot be
 * had. */
void world_answer_image(struct world *w, size_t i, int rc);
void world_answer_make(struct world *w, size_t i, int rc);
/* Value of a variable that the run was started with; NULL when it has none. */
const char *world_env(struct world *w, size_t i, const char *name);
/* Puts result.json where the run's agent would. */
void world_result(struct world *w, size_t i, const char *json);
/* State of the job, its row in *ret (job_fini()). */
enum job_state world_job(struct world *w, const char *id, struct job *ret);
/* An engine_answer_fn whose ctx is the world: keeps the answer. */
void world_answered(void *ctx, const struct answer *a);
void world_decide(struct world *w, enum engine_decision d, const char *id);
void world_sent(struct world *w, size_t i, enum channel_outcome outcome, int64_t retry_us);

#define world_assert_state(w, job_id, expected)                                                    \
	do {                                                                                       \
		struct job j_ = {0};                                                               \
		assert_string_equal(                                                               \
			job_state_name(world_job(w, job_id, &j_)), job_state_name(expected));      \
		job_fini(&j_);                                                                     \
	} while (0)

#endif
