/* SPDX-License-Identifier: MIT */
/*
 * engine-internal.h - what the files of this room share.
 *
 * One rule keeps the flow readable: state changes only in the `done` callback of a store operation,
 * after the commit. Before it there are only requests (tasks), which own what they need; a task
 * that is freed has either answered or been given back. In-memory counters (slots) move where a
 * task says so and are rebuilt from the database at start.
 */
#ifndef PYLON_ENGINE_ENGINE_INTERNAL_H
#define PYLON_ENGINE_ENGINE_INTERNAL_H

#include "base/crypto.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"
#include "engine/dock-internal.h"
#include "engine/engine.h"
#include "engine/live-internal.h"
#include "engine/pylon-internal.h"
#include "trigger/plan.h"
#include "trigger/trigger.h"

#define TAG "engine"

/* A database that could not be read is asked again after this. */
#define READ_AGAIN_US (5 * US_PER_SEC)

struct engine {
	struct loop *loop;
	const struct config *config;
	struct strv only;
	char *home_id;
	uint16_t callback_port;
	bool is_bystander;
	char *runtime_dir; /* NULL = no background work */
	struct store *store;
	struct engine_ports ports;
	struct dock containers, processes;

	struct pylon **pylons; /* by name; the runtime is the first */
	size_t pylon_count;
	struct agenda *agenda;
	uint64_t claims;            /* so far */
	struct strv config_notes;   /* what the last reload could not take over, for people */
	struct strv restart_needed; /* keys of config.yaml that wait for a restart */
	struct list live;           /* struct live */
	struct list sending;        /* struct delivery_task */

	bool is_draining;
	bool images_checked;
	bool store_failed; /* the last commit hit a full or failing disk */

	void (*prepared)(void *ctx);
	void *prepared_ctx;
	size_t images_pending;
	struct list image_tasks; /* questions about images under way (image.c) */
	void (*stopped)(void *ctx);
	void *stopped_ctx;

	void (*on_event)(void *ctx, const struct engine_event *ev);
	void *on_event_ctx;

	struct timer commit_timer;  /* the store wants another try */
	struct timer prepare_guard; /* a mute container engine does not delay the doors for ever */
	struct timer recover_again; /* a database could not be opened at the start */
	struct timer wake;          /* the earliest not_before, expiry or delivery */
	struct timer housekeeping;  /* retention, idle databases */
	int64_t next_sweep_mono;    /* when retention is due again */
	struct defer pump;          /* admit, deliver, expire */
	struct defer turn;          /* makes the loop turn, so that the store commits */
};

/* --- reload.c --- */
/* A pylon that is not in the engine yet, in the order of names. Its database is not opened. */
struct pylon *engine_add_pylon(struct engine *e, struct pylon_config *c);
/* Opens the door of a webhook pylon, as its configuration says. */
void pylon_make_route(struct pylon *p);
/* Frees what is gone and has no jobs left. */
void engine_forget_gone(struct engine *e);
void pylon_forget_elders(struct pylon *p);

/* --- accept.c --- */
/* One event on its way into the database, whoever sent it. */
struct intake {
	struct store_accept
		op; /* first: handed to the store, or part of a struct store_occurrence */
	struct pylon *pylon;
	struct event event;
	struct store_outgoing approval;
	char *approval_message;
};
/* Fills the operation from in->event; counts an approval as awaited. */
void intake_prepare(struct intake *in, struct pylon *p, const char *source);
/* After the transaction: corrects the counters, tells what is new, asks for the pump. `became`
 * tells whether a row came of it. */
void intake_settle(struct intake *in, int rc);
void intake_fini(struct intake *in);
/* Too many jobs of this pylon wait for an approval. */
bool pylon_awaits_too_many(const struct pylon *p);

/* A body that was judged already, at once. */
void pylon_accept(
	struct pylon *p, struct slice body, const char *source, engine_answer_fn *fn, void *ctx);

/* --- runtime.c --- */
#define RUNTIME_QUEUE_MAX 10000 /* background jobs that wait; then 503 */
void engine_add_runtime(struct engine *e);
/* NULL: there is none. */
struct pylon *engine_runtime(struct engine *e);
void live_start_work(struct live *v);
int64_t work_timeout(struct pylon *p, const struct id *job_id);

/* --- occur.c --- */
/* Takes up, or drops, the schedule that the configuration describes. */
void pylon_start_clockwork(struct pylon *p);
void pylon_stop_clockwork(struct pylon *p);
void engine_occurrence_due(struct agenda_entry *entry, void *ctx);
void engine_clock_stepped(int64_t step_us, void *ctx);

/* --- admit.c --- */
/* The take_room callbacks of T1 and of decisions; ctx is the pylon. */
bool pylon_take_room(void *pylon);
/* Slots that its waiting and living jobs hold (docker.when_full: reject). */
int64_t pylon_slots(const struct pylon *p);
/* A job became queued (room was taken through pylon_take_room or is not limited). */
void pylon_queued(struct pylon *p, int64_t not_before);
void pylon_unqueued(struct pylon *p, int64_t not_before);
/* False while nothing of this pylon can be claimed whatever becomes due (no slot, no engine ...).
 */
bool pylon_may_start(const struct pylon *p);
/* Starts what can be started; called from the pump. */
void engine_admit_next(struct engine *e);
/* Asks for a pump. */
void engine_kick(struct engine *e);

/* --- dock.c --- */
void dock_init(struct dock *d, struct engine *e, const char *name);
void dock_fini(struct dock *d);
/* What is known of it, for people. */
const char *dock_text(const struct dock *d);

/* --- start.c, prepare.c, journal.c: live-internal.h --- */
void engine_claim(struct pylon *p, const struct job *j);

/* --- image.c --- */
/* Has every image checked or built; the doors open when that is done. */
void engine_check_images(struct engine *e);
/* Has the image of its configuration checked or built. */
void pylon_check_image(struct pylon *p);
void image_tasks_free(struct engine *e);

/* --- finish.c --- */
/* What is known of how a run ended; T4 is made of it. */
struct ending {
	enum run_state run_state;
	enum job_state job_state;
	int exit_code;                                   /* -1 = unknown */
	const char *reason;                              /* static or NULL */
	char *result, *output_json, *session_id, *error; /* owned; may be NULL */
	double cost_usd;
	struct usage usage;
	bool is_free; /* does not count against agent.retries, and is queued again */
};
void ending_fini(struct ending *d);
void live_finish(struct live *v, struct ending *take);

/* --- result.c --- */
/* Reads what a run left behind, in the interface's order of precedence, into *d. */
void result_gather(struct live *v, const struct runner_exit *x, struct ending *d);
/* JSON without what the mask hides, into an empty buffer; "{}" when no JSON is left. */
void mask_json(struct mask *m, struct slice text, struct buf *out);

/* --- message.c --- */
/* Renders a template of a pylon for a job, appended; a NULL template gives nothing. The text may
 * hold a NUL, as the sender's JSON may. False when it was cut. */
bool message_render(struct buf *out, const struct template *t, const struct job *j,
	const struct event_record *ev, size_t max);
struct told {
	struct slice text;
	bool is_cut; /* there would be more */
};
/* JSON of an outgoing message (free()). */
char *message_json(const char *kind, const struct pylon_config *c, const struct job *j,
	const struct event_record *ev, struct told text) ALLOCATES;
/* Does this pylon want to hear of that end? */
bool config_tells(const struct pylon_config *c, enum job_state s);

/* --- deliver.c --- */
void engine_deliver_next(struct engine *e);
void pylon_has_delivery(struct pylon *p, int64_t due_at);
void delivery_tasks_free(struct engine *e);

/* --- decide.c --- */
void engine_expire_next(struct engine *e);
/* Cancels what is left of earlier occurrences (overlap: cancel_previous), all but `keep`. */
void pylon_cancel_scheduled(struct pylon *p, const struct id *keep);

/* --- recover.c --- */
/* Takes up what is in a database that this process has just opened for the first time. */
NODISCARD int pylon_recover(struct pylon *p, struct err *err);
/* The database cannot be opened now: that is tried again. */
void engine_recover_later(struct engine *e, int rc);
/* A timer's callback. */
void engine_recover_again(struct timer *t, void *ctx);
/* Opens databases anew whose folder was replaced. */
void engine_mend(struct engine *e);
/* How many of a job's last runs died in their start one after the other. */
int live_dead_starts(struct live *v);
/* It answers, or no longer does. */
void dock_ready(struct dock *d, bool is_up, const char *text);
/* Asks what is alive; a timer's callback, so that a failed survey can be repeated. */
void dock_survey(struct timer *t, void *dock);
/* Called when the survey is done and nothing is left to build. */
void engine_prepared(struct engine *e);

/* --- retain.c --- */
void engine_housekeeping(struct timer *t, void *ctx);

/* --- engine.c --- */
void engine_emit(struct engine *e, const char *type, const struct pylon *p, const struct id *job_id,
	const char *state, const char *reason);
void engine_schedule_wake(struct engine *e);
/* Answers with a refusal. */
void answer_refuse(struct answer *a, int status, const char *code, const char *fmt, ...)
	PRINTF(4, 5);
/* The refusal that a store failure deserves (rc negative). */
void answer_store_failure(struct answer *a, int rc);
/* Notes how the last commit went (full disk, I/O, file gone). */
void pylon_note_store(struct pylon *p, int rc);

#endif
