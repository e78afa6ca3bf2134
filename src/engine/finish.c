/* SPDX-License-Identifier: MIT */
/*
 * finish.c - T4: how a run ended becomes the job's state, its result and its deliveries, in one
 * transaction. Only after it is on disk the container and the run's folder are removed: until then
 * they are the only proof of the result.
 *
 * A repetition is always a recorded decision: the same transaction that ends the run queues the job
 * again, with a not_before.
 */
#include "engine/rundir-internal.h"

#define RETRY_BACKOFF_MAX_US (3600 * US_PER_SEC)

struct finish_task {
	struct store_finish op;
	struct engine *engine;
	struct ending end;
	struct store_outgoing outgoing;
	char *message;
};

void ending_fini(struct ending *d)
{
	free(d->result);
	free(d->output_json);
	free(d->session_id);
	free(d->error);
	*d = (struct ending){0};
}

static bool is_retryable(enum job_state s)
{
	return s == JOB_FAILED || s == JOB_TIMED_OUT || s == JOB_LOST;
}

/* Doubles with every failure, at most an hour, with up to a quarter of jitter. */
static int64_t backoff(const struct pylon_config *c, int failures)
{
	int64_t us = MAX_OF(c->retry_backoff_us, US_PER_SEC);

	for (int i = 0; i < failures && us < RETRY_BACKOFF_MAX_US; i++)
		us *= 2;
	us = MIN_OF(us, RETRY_BACKOFF_MAX_US);
	return us - (int64_t)random_below((uint64_t)us / 4 + 1);
}

static void decide_retry(struct live *v, struct finish_task *t)
{
	const struct pylon_config *c = v->config;
	struct store_finish *op = &t->op;

	if (t->end.is_free) {
		op->not_before = 0;
		return;
	}
	if (!is_retryable(op->job_state))
		return;
	op->counts = true;
	if (str_eq(op->reason, "poison"))
		return;
	if (v->failures >= c->retries || v->is_shutdown)
		return;
	op->not_before = op->now_real + backoff(c, v->failures);
	op->job_state = JOB_QUEUED;
	log_info(TAG, "job %.8s: attempt %d %s; trying again", v->job_id.s, v->attempt,
		t->end.reason == NULL ? "failed" : t->end.reason);
}

static struct slice told_text(const struct ending *d)
{
	if (d->job_state != JOB_COMPLETED && d->error != NULL)
		return slice_of(d->error);
	return slice_of(d->result == NULL ? "" : d->result);
}

static void add_result_delivery(struct live *v, struct finish_task *t)
{
	const struct pylon_config *c = v->config;
	CLEANUP(freep) char *reason = xstrdup_or_null(t->op.reason);
	struct event_record ev = {0};
	struct err err = CLEAN_ERR;
	struct job j = {.id = v->job_id,
		.pylon = c->name,
		.state = t->op.job_state,
		.reason = reason,
		.attempt = v->attempt,
		.started_at = v->started_at,
		.finished_at = t->op.now_real,
		.exit_code = t->op.exit_code,
		.session_id = t->end.session_id,
		.cost_usd = t->end.cost_usd,
		.error = t->end.error};

	if (!job_is_over(t->op.job_state) || !config_tells(c, t->op.job_state))
		return;
	if (store_event(v->pylon->db, &v->job_id, &ev, &err) != 0)
		log_warn(TAG, "job %.8s: its event cannot be read: %s", v->job_id.s, err.text);
	t->message = message_json("result", c, &j, &ev, (struct told){.text = told_text(&t->end)});
	event_record_fini(&ev);
	t->outgoing = (struct store_outgoing){.kind = "result",
		.channel = c->channel.type_name,
		.message = t->message,
		.due_at = t->op.now_real};
	id_make(&t->outgoing.id);
	t->op.outgoing = &t->outgoing;
	t->op.outgoing_count = 1;
}

static void finish_task_free(struct finish_task *t)
{
	ending_fini(&t->end);
	free(t->message);
	free(t);
}

static void log_finished(const struct finish_task *t, const struct live *v)
{
	const char *state = job_state_name(t->op.job_state);
	const char *reason = t->op.reason == NULL ? "" : t->op.reason;

	log_info(TAG, "%s: job %.8s %s%s%s", v->pylon->config->name, v->job_id.s, state,
		*reason == '\0' ? "" : ": ", reason);
}

/* The slot is free, the proof may go, the result is on its way. */
static void apply_finished(struct finish_task *t, struct live *v)
{
	struct engine *e = v->engine;
	struct pylon *p = v->pylon;

	log_finished(t, v);
	if (t->op.job_state == JOB_QUEUED) {
		pylon_queued(p, t->op.not_before);
		pylon_repeats(p, &v->job_id, v->config);
	}
	if (t->op.outgoing_count > 0)
		pylon_has_delivery(p, t->op.now_real);
	engine_emit(e, "job", p, &v->job_id, job_state_name(t->op.job_state), t->op.reason);
}

static void finish_done(struct store_op *op, int rc, const struct err *err)
{
	struct finish_task *t = container_of(op, struct finish_task, op.op);
	struct engine *e = t->engine;
	struct live *v = engine_live(e, &t->op.run_id);

	if (rc != 0)
		log_error(TAG, "job %.8s: its end was not recorded: %s", t->op.job_id.s,
			rc == STORE_E_STATE ? "its run is over already"
			: err == NULL       ? "?"
					    : err->text);
	must(v != NULL);
	if (rc == 0)
		apply_finished(t, v);
	if (live_is_handed(v))
		live_runner(v)->ops->forget(live_runner(v), &v->run_id);
	rundir_remove(e, &v->run_id);
	live_free(v);
	if (e->stopped != NULL && list_is_empty(&e->live))
		e->stopped(e->stopped_ctx);
	engine_kick(e);
	finish_task_free(t);
}

void live_finish(struct live *v, struct ending *take)
{
	struct finish_task *t = xcalloc_held(1, sizeof(*t));
	struct store_finish *op = &t->op;

	must(!v->is_finishing);
	v->is_finishing = true;
	timer_cancel(&v->deadline);
	t->engine = v->engine;
	t->end = *take;
	*take = (struct ending){0};
	op->job_id = v->job_id;
	op->run_id = v->run_id;
	op->run_state = t->end.run_state;
	op->job_state = t->end.job_state;
	op->exit_code = t->end.exit_code;
	op->reason = t->end.reason;
	op->result = t->end.result;
	op->output_json = t->end.output_json;
	op->session_id = t->end.session_id;
	op->error = t->end.error;
	op->cost_usd = t->end.cost_usd;
	op->usage = t->end.usage;
	op->now_real = loop_real(v->engine->loop);
	decide_retry(v, t);
	add_result_delivery(v, t);
	op->op.must = true;
	op->op.done = finish_done;
	store_finish(v->pylon->db, op);
}

/* It started and ended before anybody could record the start: T3 goes first, in the same turn. */
static void record_missed_start(struct live *v)
{
	CLEANUP(freep) char *name = xasprintf("pylon-%s", v->run_id.s);

	if (v->state == RUN_CREATED)
		live_started(v, name);
}

void live_exited(struct live *v, const struct runner_exit *x)
{
	struct ending d = {0};

	record_missed_start(v);
	result_gather(v, x, &d);
	live_finish(v, &d);
}
