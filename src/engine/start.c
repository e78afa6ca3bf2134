/* SPDX-License-Identifier: MIT */
/*
 * start.c - T2 and T3: a queued job is claimed, and its run has started.
 *
 *   claim (commit) -> prepare.c -> runner.start -> started (commit)
 *
 * The run's id is fixed in the claim, before anything starts: it names the container, so whatever
 * happens between the act and its record, recover.c finds it again.
 */
#include "engine/engine-internal.h"

#define ENGINE_HOLD_US US_PER_SEC

struct claim_task {
	struct store_claim op;
	struct pylon *pylon;
	struct pylon_config *config; /* a reference */
	bool is_scheduled;
	int64_t not_before;
	int failures;
	char token[TOKEN_SIZE];
};

static void deadline_reached(struct timer *t UNUSED, void *ctx)
{
	live_stop(ctx, STOP_TIMEOUT, NULL);
}

struct live *live_new(struct pylon *p, struct pylon_config *config, const struct id *job_id,
	const struct id *run_id)
{
	struct live *v = xcalloc_held(1, sizeof(*v));

	v->engine = p->engine;
	v->pylon = p;
	v->config = pylon_config_ref(config);
	v->job_id = *job_id;
	v->run_id = *run_id;
	v->state = RUN_CREATED;
	timer_init(&v->deadline, v->engine->loop, deadline_reached, v);
	list_append(&p->engine->live, &v->node);
	return v;
}

/* Releases the slot too. */
void live_free(struct live *v)
{
	timer_cancel(&v->deadline);
	list_remove(&v->node);
	v->pylon->active--;
	v->pylon->dock->active--;
	live_close_log(v);
	progress_fini(&v->progress);
	mask_unref(v->mask);
	pylon_config_unref(v->config);
	free(v->image);
	free(v->repo);
	free(v->ref);
	free(v);
}

struct live *engine_live(struct engine *e, const struct id *run_id)
{
	list_foreach (it, &e->live) {
		struct live *v = list_entry(it, struct live, node);

		if (str_eq(v->run_id.s, run_id->s))
			return v;
	}
	return NULL;
}

struct live *engine_live_job(struct engine *e, const struct id *job_id)
{
	list_foreach (it, &e->live) {
		struct live *v = list_entry(it, struct live, node);

		if (str_eq(v->job_id.s, job_id->s))
			return v;
	}
	return NULL;
}

/* --- the time limit --- */

/* More than once for a run that is adopted while it is being stopped. */
void live_arm_deadline(struct live *v)
{
	int64_t left;

	if (v->timeout_us <= 0)
		return;
	left = v->started_at + v->timeout_us - loop_real(v->engine->loop);
	timer_set_in(&v->deadline, MAX_OF(left, 0));
}

/* --- stopping --- */

struct stop_task {
	struct store_stopping op;
	struct engine *engine;
	char *by;
};

static void stop_decided(struct store_op *op, int rc, const struct err *err)
{
	struct stop_task *t = container_of(op, struct stop_task, op.op);
	struct engine *e = t->engine;
	struct live *v = engine_live(e, &t->op.run_id);

	if (rc < 0)
		log_error(TAG, "job %.8s: the decision to stop it could not be kept: %s",
			t->op.job_id.s, err == NULL ? "?" : err->text);
	/* Of two decisions before the first was on disk the first counts, as in the store. */
	if (v != NULL && !v->is_finishing && v->stop == STOP_NONE) {
		v->stop = t->op.stop;
		if (rc == 0)
			v->state = RUN_STOPPING;
		if (live_is_handed(v))
			live_runner(v)->ops->stop(live_runner(v), &v->run_id, STOP_GRACE_US);
		engine_emit(e, "job", v->pylon, &v->job_id, "stopping",
			v->stop == STOP_TIMEOUT ? "timeout" : "cancel");
		live_abandon(v);
	}
	free(t->by);
	free(t);
}

void live_stop(struct live *v, enum stop_reason why, const char *by)
{
	struct stop_task *t;

	if (v->is_finishing || v->stop != STOP_NONE)
		return;
	t = xcalloc_held(1, sizeof(*t));
	t->engine = v->engine;
	t->by = xstrdup_or_null(by);
	t->op.job_id = v->job_id;
	t->op.run_id = v->run_id;
	t->op.stop = why;
	t->op.by = t->by;
	t->op.op.must = true;
	t->op.op.done = stop_decided;
	store_stopping(v->pylon->db, &t->op);
}

/* --- T2 --- */

static void claim_lost(struct claim_task *t, int rc, const struct err *err)
{
	struct pylon *p = t->pylon;

	p->active--;
	p->dock->active--;
	if (rc < 0) {
		log_error(TAG, "%s: job %.8s could not be claimed: %s", p->config->name,
			t->op.job_id.s, err == NULL ? "?" : err->text);
		timer_set_in(&p->engine->commit_timer, STORE_RETRY_US);
	}
}

static void claim_done(struct store_op *op, int rc, const struct err *err)
{
	struct claim_task *t = container_of(op, struct claim_task, op.op);
	struct pylon *p = t->pylon;
	struct live *v;

	p->is_claiming = p->claim_has_slot = false;
	pylon_note_store(p, rc);
	if (rc != 0) {
		claim_lost(t, rc, err);
	} else {
		pylon_unqueued(p, t->not_before);
		pylon_repeats_no_more(p, &t->op.job_id);
		v = live_new(p, t->config, &t->op.job_id, &t->op.run_id);
		v->is_scheduled = t->is_scheduled;
		v->attempt = t->op.attempt;
		v->failures = t->failures;
		v->timeout_us = t->op.timeout_us;
		memcpy(v->token, t->token, sizeof(v->token));
		memcpy(v->token_sha256, t->op.token_sha256, sizeof(v->token_sha256));
		v->image = xstrdup_or_null(t->config->image);
		engine_emit(p->engine, "job", p, &v->job_id, "starting", NULL);
		live_prepare(v);
	}
	if (rc >= 0)
		engine_kick(p->engine);
	pylon_config_unref(t->config);
	free(t);
}

void engine_claim(struct pylon *p, const struct job *j)
{
	struct claim_task *t = xcalloc_held(1, sizeof(*t));

	t->pylon = p;
	t->config = pylon_config_ref(pylon_config_of(p, j));
	t->is_scheduled = job_is_scheduled(j);
	t->not_before = j->not_before;
	t->failures = j->failures;
	token_make(t->token);
	sha256_hex(t->token, strlen(t->token), t->op.token_sha256);
	t->op.job_id = j->id;
	id_make(&t->op.run_id);
	t->op.timeout_us = p->is_runtime ? work_timeout(p, &j->id) : t->config->timeout_us;
	t->op.now_real = loop_real(p->engine->loop);
	t->op.op.done = claim_done;
	p->is_claiming = true;
	p->served = ++p->engine->claims;
	p->claim_has_slot = j->not_before == 0;
	p->active++;
	p->dock->active++;
	store_claim(p->db, &t->op);
}

/* --- T3 --- */

struct started_task {
	struct store_started op;
	struct engine *engine;
	char *handle, *image;
};

static void started_done(struct store_op *op, int rc, const struct err *err)
{
	struct started_task *t = container_of(op, struct started_task, op.op);
	struct live *v = engine_live(t->engine, &t->op.run_id);

	if (rc < 0)
		log_error(TAG, "job %.8s: its start could not be recorded: %s", t->op.job_id.s,
			err == NULL ? "?" : err->text);
	if (rc == 0 && v != NULL)
		engine_emit(t->engine, "job", v->pylon, &v->job_id, "running", NULL);
	free(t->handle);
	free(t->image);
	free(t);
}

/* What its image is good for says nothing of another one that the pylon has by now. */
static void live_note_image(struct live *v, const char *problem)
{
	if (str_eq(v->image, v->pylon->config->image))
		str_replace(&v->pylon->image_problem, problem);
}

void live_started(struct live *v, const char *handle)
{
	struct engine *e = v->engine;
	struct started_task *t;

	if (v->state == RUN_RUNNING)
		return;
	if (v->started_at == 0)
		v->started_at = loop_real(e->loop);
	if (v->state != RUN_STOPPING)
		v->state = RUN_RUNNING;
	live_note_image(v, NULL);
	live_arm_deadline(v);
	t = xcalloc_held(1, sizeof(*t));
	t->engine = e;
	t->handle = xstrdup(handle);
	t->image = xstrdup_or_null(v->image);
	t->op.job_id = v->job_id;
	t->op.run_id = v->run_id;
	t->op.handle = t->handle;
	t->op.image = t->image;
	t->op.now_real = v->started_at;
	t->op.op.must = true;
	t->op.op.done = started_done;
	store_started(v->pylon->db, &t->op);
	if (v->stop != STOP_NONE)
		live_runner(v)->ops->stop(live_runner(v), &v->run_id, STOP_GRACE_US);
}

/* An engine that went away costs a job nothing, unless it goes away whenever this job starts. */
static void wait_or_park(struct live *v, struct ending *d)
{
	int starts = live_dead_starts(v) + 1;

	d->job_state = JOB_QUEUED;
	d->is_free = true;
	if (starts < POISON_STARTS_MAX)
		return;
	d->job_state = JOB_FAILED;
	d->reason = "poison";
	d->is_free = false;
	free(d->error);
	d->error = xasprintf("the container engine went away %d times while starting it", starts);
}

/* Nothing was started. */
void live_refused(struct live *v, enum runner_refusal why, const char *text)
{
	static const char *const reasons[] = {
		[RUNNER_ENGINE_DOWN] = "engine_down",
		[RUNNER_NO_IMAGE] = "no_image",
		[RUNNER_NO_SPACE] = "no_space",
		[RUNNER_BAD_SPEC] = "refused",
	};
	struct ending d = {.run_state = RUN_LOST, .exit_code = -1};

	d.reason = reasons[why];
	d.error = xstrdup(text);
	mask_replace(v->mask, &d.error);
	d.job_state = JOB_FAILED;
	if (v->stop == STOP_CANCEL) {
		d.job_state = JOB_CANCELLED;
		d.reason = "killed";
	} else if (why == RUNNER_ENGINE_DOWN) {
		wait_or_park(v, &d);
		timer_set_in(&v->pylon->dock->hold, ENGINE_HOLD_US);
	} else if (why == RUNNER_NO_IMAGE) {
		live_note_image(v, d.error);
	}
	live_finish(v, &d);
}
