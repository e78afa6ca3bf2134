/* SPDX-License-Identifier: MIT */
/*
 * engine/engine.h - the flow: event -> job -> run -> result -> delivery.
 *
 * The engine owns every decision and no I/O of its own. Doors (api) hand it requests, the ports
 * (runner, workspace, channel) report facts to it, the store makes its decisions durable at the end
 * of each turn, and only then are answers given. docs/architecture.md shows the states and the
 * transactions; the files of this room follow them in order:
 *
 *   accept.c   T1: a request becomes an event and a job, or is refused
 *   occur.c    T1 for schedules: an occurrence becomes a job or a reason why not
 *   admit.c    which queued job goes next, and whether there is room
 *   start.c    T2, T3: claim and container
 *   prepare.c  in between: image, workspace, session
 *   finish.c   T4: what a run left behind becomes a result
 *   deliver.c  T5, T6: the outbox
 *   decide.c   approve, dismiss, kill, retry, reply, expiry
 *   recover.c  start-up: every "running" is checked against the engine
 *   reload.c   another configuration takes over
 *   retain.c   what is old goes
 *   preview.c  what a schedule or a template means, tried out
 *
 * The database is the truth; what is in memory (slots, living runs) is a cache that recover.c can
 * rebuild. All callbacks come from the loop, never from inside the call that asked.
 */
#ifndef PYLON_ENGINE_ENGINE_H
#define PYLON_ENGINE_ENGINE_H

#include "base/inbound.h"
#include "channel/channel.h"
#include "config/config.h"
#include "loop/loop.h"
#include "model/model.h"
#include "runner/runner.h"
#include "store/store.h"
#include "workspace/workspace.h"

struct engine;
struct js;

/* --- life --- */

struct engine_options {
	struct loop *loop;
	const struct config *config; /* borrowed until engine_reconfigure() gives another */
	const struct strv *only;     /* names of the pylons to run; empty or NULL = all enabled */
	const char *home_id;         /* value of the label pylon.home */
	uint16_t callback_port;      /* agents reach us here; may be set later */
	bool is_bystander;       /* another process has the pylons of this home: none is touched */
	const char *runtime_dir; /* of runtime.db and the logs of background work; NULL = none */
};

struct engine *engine_new(const struct engine_options *o);
/* Frees everything of its own (ports are the caller's); running containers go on. */
void engine_free(struct engine *e);
DEFINE_FREEP(struct engine, engine_free)

/* What the ports must be created with. */
enum engine_dock {
	ENGINE_CONTAINERS,
	ENGINE_PROCESSES,
};
struct runner_events engine_runner_events(struct engine *e, enum engine_dock which);
void engine_channel_done(void *ctx, const struct id *delivery_id, const struct channel_report *r);

struct engine_ports {
	struct runner *runner;
	struct runner *processes; /* NULL: no background work */
	struct workspace *workspace;
	struct channel *channel;
};

/* Start-up: opens and migrates the databases, restores what was pending, asks the runner what is
 * alive, prunes, makes sure images are there. `prepared` is called once, when the doors may open:
 * at once when the container engine does not answer (it is tried again for ever), else after the
 * images were checked or built. Negative when nothing can work at all. */
NODISCARD int engine_start(struct engine *e, const struct engine_ports *p,
	void (*prepared)(void *ctx), void *ctx, struct err *err);

/* Another snapshot takes the place of the present one, which is no longer needed when this returns:
 * whole, within this turn. Jobs that were accepted keep the configuration they began with; a pylon
 * in next->broken keeps its present one and says so (problems has the reason). */
void engine_reconfigure(
	struct engine *e, const struct config *next, const struct problems *problems);
/* Writes `disabled` into the pylon's file; a reload has to follow. STORE_E_NOT_FOUND; negative when
 * the file cannot be edited. */
NODISCARD int engine_set_enabled(
	struct engine *e, const char *name, bool is_enabled, struct err *err);
/* Zone files were replaced: every schedule is read and planned again. */
void engine_replan(struct engine *e);
/* Something about the configuration that people should see in the status, until the next reload:
 * why it could not be taken over. */
void engine_note_config(struct engine *e, const char *text);

/* From now on new events are answered 503 "draining" and nothing is claimed any more; what is being
 * prepared is called off and queued again. */
void engine_drain(struct engine *e);
/* Is that still under way? */
bool engine_is_preparing(const struct engine *e);
/* Also stops living runs (daemon.on_stop: stop); `done` when none is left or at the deadline. */
void engine_stop_runs(struct engine *e, void (*done)(void *ctx), void *ctx);
void engine_set_callback_port(struct engine *e, uint16_t port);

/* --- doors --- */

typedef void engine_answer_fn(void *ctx, const struct answer *a);

/* Is there a webhook at this path? Judges the head; 0 = read the body (at most *ret_max bytes),
 * else the HTTP status with *ret filled (404 when no pylon has that path). */
NODISCARD int engine_admit(
	struct engine *e, const struct inbound *in, size_t *ret_max, struct answer *ret);
/* The whole request; `fn` once: after the commit for what is accepted. */
void engine_webhook(struct engine *e, const struct inbound *in, engine_answer_fn *fn, void *ctx);
/* Starts a pylon by hand; body is a JSON object or empty. */
void engine_trigger(struct engine *e, const char *pylon, struct slice body, const char *source,
	engine_answer_fn *fn, void *ctx);
/* Starts background work: a job without a pylon, in the runtime's database. `body` is what
 * docs/runtime.md describes; 400 says what is wrong with it. 202 with the job's id. */
void engine_start_work(
	struct engine *e, struct slice body, const char *source, engine_answer_fn *fn, void *ctx);
/* The same work once more, as another job. 404. */
void engine_rerun(struct engine *e, const struct id *job_id, engine_answer_fn *fn, void *ctx);
/* An agent's callback and its tool events; token is the secret of the run. 200 or 404. */
void engine_report(struct engine *e, struct slice job_id, struct slice token, struct slice body,
	engine_answer_fn *fn, void *ctx);
void engine_tool_event(struct engine *e, struct slice job_id, struct slice token, struct slice body,
	engine_answer_fn *fn, void *ctx);

/* --- decisions about one job (id = a whole id); `by` says who, for the record --- */

enum engine_decision {
	ENGINE_APPROVE,
	ENGINE_DISMISS,
	ENGINE_KILL,
	ENGINE_RETRY,
};
/* 200 with the job id and its new state as outcome; 404; 409 `conflict` when its state does not
 * allow it; 503 when there is no room. */
void engine_decide(struct engine *e, enum engine_decision d, const struct id *job_id,
	const char *by, engine_answer_fn *fn, void *ctx);
/* The next message in a job's conversation: the job runs once more in the same workspace, told
 * `text` instead of its prompt, and continues its session. Answers as engine_decide(): 409 unless
 * it is completed, failed or timed out. `text`: UTF-8, 1 to PROMPT_MAX bytes, else 400. */
void engine_reply(struct engine *e, const struct id *job_id, struct slice text, const char *by,
	engine_answer_fn *fn, void *ctx);
void engine_redeliver(
	struct engine *e, const struct id *delivery_id, engine_answer_fn *fn, void *ctx);

/* --- looking (reads see what is committed) --- */

/* A job by id or unique prefix. STORE_E_NOT_FOUND, STORE_E_STATE (ambiguous), negative. */
NODISCARD int engine_find_job(
	struct engine *e, const char *prefix, struct job *ret, struct err *err);
/* Jobs of one pylon (NULL = all that have one), newest first over all of them. */
NODISCARD int engine_list_jobs(struct engine *e, const char *pylon, const struct store_job_query *q,
	void (*fn)(const struct job *j, void *ctx), void *ctx, struct err *err);
/* The runs, deliveries and event of a job that engine_find_job() found. */
NODISCARD int engine_job_runs(struct engine *e, const struct job *j,
	void (*fn)(const struct run *r, void *ctx), void *ctx, struct err *err);
NODISCARD int engine_job_deliveries(struct engine *e, const struct job *j,
	void (*fn)(const struct delivery *d, void *ctx), void *ctx, struct err *err);
NODISCARD int engine_job_event(
	struct engine *e, const struct job *j, struct event_record *ret, struct err *err);
/* What the agent of a living run did last, oldest first; nothing when no run is alive. Lines are
 * safe to show. `at`: wall clock, 0 = before this process. */
void engine_job_progress(struct engine *e, const struct id *job_id,
	void (*fn)(int64_t at, const char *line, void *ctx), void *ctx);
/* Where a shell in the job's container can be asked for: the engine's socket (appended) and the
 * container. STORE_E_NOT_FOUND when no container of it runs, -ENOTCONN without an engine. */
NODISCARD int engine_job_container(struct engine *e, const struct id *job_id,
	struct buf *ret_socket, struct buf *ret_container);
/* Occurrences of a cron pylon (NULL: of all), newest first over all of them; `before` as in
 * store_occurrences(). */
NODISCARD int engine_list_occurrences(struct engine *e, const char *pylon, int64_t before,
	size_t limit, void (*fn)(const struct occurrence *o, const char *pylon, void *ctx),
	void *ctx, struct err *err);
/* The occurrence that a job came from; STORE_E_NOT_FOUND. */
NODISCARD int engine_job_occurrence(
	struct engine *e, const struct job *j, struct occurrence *ret, struct err *err);
/* Deliveries of all pylons in a state (DELIVERY_STATES = any), newest first. */
NODISCARD int engine_list_deliveries(struct engine *e, enum delivery_state state, size_t limit,
	void (*fn)(const struct delivery *d, const char *pylon, void *ctx), void *ctx,
	struct err *err);
/* Path of the job's log spool (base/spool.h), appended. */
void engine_log_path(
	const struct engine *e, const char *pylon, const struct id *job_id, struct buf *out);
/* What the jobs of background work have for a pylon; with it engine_list_jobs() lists them. */
#define RUNTIME_NAME "(runtime)"
/* Why a queued job is not running yet, for people; appended ("" when it is not waiting). */
void engine_waiting_reason(struct engine *e, const struct job *j, struct buf *out);

struct engine_pylon {
	const struct pylon_config *config;
	bool is_ready;
	bool is_active;
	const char *reason; /* why not; NULL when ready */
	/* Why its file cannot be used while `config` is what it had before; NULL = it can. */
	const char *config_problem;
	const char *schedule;    /* cron: in words; NULL = none runs */
	const char *zone_path;   /* cron: the file its zone came from; NULL = none */
	int64_t next_occurrence; /* wall clock; 0 = none */
	struct store_counts counts;
};
void engine_each_pylon(
	struct engine *e, void (*fn)(const struct engine_pylon *p, void *ctx), void *ctx);

struct engine_status {
	bool engine_is_up;       /* the container engine */
	const char *engine_text; /* its version, or why it is away */
	bool is_draining;
	bool store_is_writable;
	int running, starting, slots_taken, slots; /* slots < 0 = unlimited */
	int64_t queued, awaiting_approval, deliveries_pending, deliveries_dead;
	size_t pylons, pylons_ready;       /* of those that are enabled */
	const struct strv *config_notes;   /* what the last reload refused; borrowed */
	const struct strv *restart_needed; /* keys of config.yaml that wait for a restart */
};
void engine_status(struct engine *e, struct engine_status *ret);

/* --- trying things out (preview.c) --- */

/* Reads a schedule text in a zone, as if it were `from_real`: *ret is schedule_reading(); -EINVAL
 * with *err. */
NODISCARD int engine_read_schedule(const char *text, const char *zone_name, int64_t from_real,
	size_t count, struct js **ret, struct err *err);
/* Renders a template over a JSON object, appended; -EINVAL when it is none, -E2BIG. */
NODISCARD int engine_render_template(
	struct slice text, struct slice body, struct buf *out, struct err *err);

/* --- events, for streams --- */

struct engine_event {
	const char *type;   /* "job", "delivery", "log", "engine", "occurrence", "config" */
	const char *pylon;  /* NULL where it does not apply */
	struct id job_id;   /* "" where it does not apply */
	const char *state;  /* new state, "" for "log" */
	const char *reason; /* NULL */
};
/* One listener; called after the commit that made it true. */
void engine_on_event(
	struct engine *e, void (*fn)(void *ctx, const struct engine_event *ev), void *ctx);

#endif
