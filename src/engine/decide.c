/* SPDX-License-Identifier: MIT */
/*
 * decide.c - what people decide about one job: approve, dismiss, kill, retry, reply; and what the
 * clock decides: an approval that nobody gave expires.
 *
 * Each decision is a compare-and-set in the store, so that a double press, a late press or two
 * people at once have exactly one winner.
 */
#include "engine/engine-internal.h"

#define SUPERSEDED_BY "the next occurrence"

struct decide_task {
	struct store_move op;
	struct pylon *pylon;
	char *by;
	char *turn;           /* of a reply; else NULL */
	engine_answer_fn *fn; /* NULL: nobody waits */
	void *ctx;
	void (*on_refused)(struct decide_task *t, int rc); /* NULL: nothing is to be done */
};

static void set_from(struct store_move *op, const enum job_state *states, size_t n)
{
	must(n <= ARRAY_LEN(op->from_any_of));
	for (size_t i = 0; i < n; i++)
		op->from_any_of[i] = states[i];
	op->from_count = n;
}

/* The table of decisions: from which states, to which, with which reason. */
static void fill_move(struct store_move *op, enum engine_decision d)
{
	static const enum job_state waiting[] = {JOB_AWAITING_APPROVAL};
	static const enum job_state not_started[] = {JOB_AWAITING_APPROVAL, JOB_QUEUED};
	static const enum job_state ended_badly[] = {
		JOB_FAILED, JOB_TIMED_OUT, JOB_LOST, JOB_CANCELLED, JOB_REJECTED};

	switch (d) {
	case ENGINE_APPROVE:
		set_from(op, waiting, ARRAY_LEN(waiting));
		op->to = JOB_QUEUED;
		break;
	case ENGINE_DISMISS:
		set_from(op, waiting, ARRAY_LEN(waiting));
		op->to = JOB_DISMISSED;
		break;
	case ENGINE_KILL:
		set_from(op, not_started, ARRAY_LEN(not_started));
		op->to = JOB_CANCELLED;
		op->reason = "killed";
		break;
	case ENGINE_RETRY:
		set_from(op, ended_badly, ARRAY_LEN(ended_badly));
		op->to = JOB_QUEUED;
		break;
	}
}

static void apply_move(struct decide_task *t)
{
	struct pylon *p = t->pylon;
	struct store_move *op = &t->op;

	if (op->to == JOB_EXPIRED)
		p->is_expiring = false;
	if (op->was == JOB_AWAITING_APPROVAL)
		p->awaiting--;
	if (op->was == JOB_QUEUED) {
		pylon_unqueued(p, op->not_before);
		pylon_repeats_no_more(p, &op->job_id);
	}
	engine_emit(p->engine, "job", p, &op->job_id, job_state_name(op->to), op->reason);
	engine_kick(p->engine);
}

static void answer_move(const struct decide_task *t, int rc, struct answer *a)
{
	*a = (struct answer){.status = 200, .outcome = job_state_name(t->op.to)};
	(void)str_copy(a->job_id, sizeof(a->job_id), t->op.job_id.s);
	if (rc == STORE_E_NOT_FOUND)
		answer_refuse(a, 404, "not_found", "there is no such job");
	else if (rc == STORE_E_STATE)
		answer_refuse(a, 409, "conflict", "the job is %s: nothing was changed",
			job_state_name(t->op.was));
	else if (rc == STORE_E_FULL) {
		answer_refuse(a, 503, "full", "all slots are taken; try again later");
		a->retry_after_s = 30;
	} else if (rc < 0)
		answer_store_failure(a, rc);
}

static void decide_done(struct store_op *op, int rc, const struct err *err)
{
	struct decide_task *t = container_of(op, struct decide_task, op.op);
	struct answer a;

	if (rc < 0)
		log_error(TAG, "job %.8s: a decision was not kept: %s", t->op.job_id.s,
			err == NULL ? "?" : err->text);
	if (rc != 0 && t->op.took_room)
		pylon_unqueued(t->pylon, 0);
	if (rc == 0)
		apply_move(t);
	else if (t->on_refused != NULL)
		t->on_refused(t, rc);
	answer_move(t, rc, &a);
	if (t->fn != NULL)
		t->fn(t->ctx, &a);
	free(t->by);
	free(t->turn);
	free(t);
}

static struct decide_task *decide_task_new(struct pylon *p, const struct id *job_id, const char *by)
{
	struct decide_task *t = xcalloc_held(1, sizeof(*t));

	t->pylon = p;
	t->by = xstrdup_or_null(by);
	t->op.job_id = *job_id;
	t->op.by = t->by;
	t->op.now_real = pylon_now(p);
	t->op.op.done = decide_done;
	return t;
}

/* A living run is not moved: its end is asked for, and recorded when it comes. */
static bool kill_live(
	struct engine *e, const struct id *job_id, const char *by, engine_answer_fn *fn, void *ctx)
{
	struct live *v = engine_live_job(e, job_id);
	struct answer a = {.status = 200, .outcome = "stopping"};

	if (v == NULL)
		return false;
	(void)str_copy(a.job_id, sizeof(a.job_id), job_id->s);
	live_stop(v, STOP_CANCEL, by);
	fn(ctx, &a);
	return true;
}

/* The pylon whose database has the job, with its row; NULL when none has. */
static struct pylon *pylon_of_job(struct engine *e, const struct id *job_id, struct job *ret)
{
	for (size_t i = 0; i < e->pylon_count; i++) {
		struct pylon *p = e->pylons[i];

		if (pylon_db(p) != NULL && store_job(p->db, job_id, ret, NULL) == 0)
			return p;
	}
	return NULL;
}

static void answer_no_job(engine_answer_fn *fn, void *ctx)
{
	struct answer a;

	answer_refuse(&a, 404, "not_found", "there is no such job");
	fn(ctx, &a);
}

static void need_room(struct decide_task *t)
{
	t->op.take_room = pylon_take_room;
	t->op.room_ctx = t->pylon;
}

void engine_decide(struct engine *e, enum engine_decision d, const struct id *job_id,
	const char *by, engine_answer_fn *fn, void *ctx)
{
	struct job j = {0};
	struct pylon *p;
	struct decide_task *t;

	if (d == ENGINE_KILL && kill_live(e, job_id, by, fn, ctx))
		return;
	p = pylon_of_job(e, job_id, &j);
	if (p == NULL) {
		answer_no_job(fn, ctx);
		return;
	}
	t = decide_task_new(p, job_id, by);
	t->fn = fn;
	t->ctx = ctx;
	fill_move(&t->op, d);
	if (d == ENGINE_KILL)
		t->op.not_before = j.not_before;
	if (t->op.to == JOB_QUEUED)
		need_room(t);
	store_move(p->db, &t->op);
	job_fini(&j);
}

/* --- conversation --- */

static bool is_turn_fine(struct slice text, struct answer *a)
{
	if (text.n == 0)
		answer_refuse(a, 400, "empty", "the text is empty");
	else if (text.n > PROMPT_MAX)
		answer_refuse(a, 400, "too_large", "the text is longer than %zu bytes", PROMPT_MAX);
	else if (!utf8_is_valid(text.p, text.n) || memchr(text.p, 0, text.n) != NULL)
		answer_refuse(a, 400, "invalid_utf8", "the text is not UTF-8, or has a NUL in it");
	else
		return true;
	return false;
}

void engine_reply(struct engine *e, const struct id *job_id, struct slice text, const char *by,
	engine_answer_fn *fn, void *ctx)
{
	static const enum job_state answered[] = {JOB_COMPLETED, JOB_FAILED, JOB_TIMED_OUT};
	struct job j = {0};
	struct decide_task *t;
	struct pylon *p;
	struct answer a;

	if (!is_turn_fine(text, &a)) {
		fn(ctx, &a);
		return;
	}
	p = pylon_of_job(e, job_id, &j);
	if (p == NULL) {
		answer_no_job(fn, ctx);
		return;
	}
	t = decide_task_new(p, job_id, by);
	t->fn = fn;
	t->ctx = ctx;
	set_from(&t->op, answered, ARRAY_LEN(answered));
	t->op.to = JOB_QUEUED;
	t->turn = slice_dup(text);
	t->op.turn = t->turn;
	need_room(t);
	store_move(p->db, &t->op);
	job_fini(&j);
}

/* --- occurrences that are replaced --- */

struct superseded {
	struct pylon *pylon;
	const struct id *keep;
};

/* It was being claimed in the same turn: now it is alive. */
static void stop_instead(struct decide_task *t, int rc)
{
	struct live *v = engine_live_job(t->pylon->engine, &t->op.job_id);

	if (rc == STORE_E_STATE && v != NULL)
		live_stop(v, STOP_CANCEL, SUPERSEDED_BY);
}

static void cancel_waiting(struct pylon *p, const struct job *j)
{
	static const enum job_state not_started[] = {JOB_AWAITING_APPROVAL, JOB_QUEUED};
	struct decide_task *t = decide_task_new(p, &j->id, NULL);

	set_from(&t->op, not_started, ARRAY_LEN(not_started));
	t->op.to = JOB_CANCELLED;
	t->op.reason = "superseded";
	t->on_refused = stop_instead;
	t->op.not_before = j->not_before;
	store_move(p->db, &t->op);
}

static void cancel_superseded(const struct job *j, void *ctx)
{
	struct superseded *s = ctx;
	struct live *v = engine_live_job(s->pylon->engine, &j->id);

	if (!job_is_scheduled(j) || str_eq(j->id.s, s->keep->s))
		return;
	if (v != NULL)
		live_stop(v, STOP_CANCEL, SUPERSEDED_BY);
	else
		cancel_waiting(s->pylon, j);
}

void pylon_cancel_scheduled(struct pylon *p, const struct id *keep)
{
	struct superseded s = {.pylon = p, .keep = keep};
	struct err err = CLEAN_ERR;

	if (store_open_jobs(p->db, false, cancel_superseded, &s, &err) < 0)
		log_error(TAG, "%s: earlier occurrences were not cancelled: %s", p->config->name,
			err.text);
}

/* --- expiry --- */

static void not_expired(struct decide_task *t, int rc)
{
	struct pylon *p = t->pylon;

	p->is_expiring = false;
	if (rc < 0)
		p->next_expiry = loop_real(p->engine->loop) + READ_AGAIN_US;
	engine_kick(p->engine);
}

static void expire_due(struct pylon *p, int64_t now)
{
	static const enum job_state waiting[] = {JOB_AWAITING_APPROVAL};
	struct err err = CLEAN_ERR;
	struct decide_task *t;
	struct id id;

	if (pylon_db(p) == NULL) {
		p->next_expiry = now + READ_AGAIN_US;
		return;
	}
	if (store_next_expiry(p->db, &p->next_expiry, &id, &err) < 0) {
		log_error(TAG, "%s: %s", p->config->name, err.text);
		p->next_expiry = now + READ_AGAIN_US;
		return;
	}
	if (p->next_expiry == 0 || p->next_expiry > now)
		return;
	t = decide_task_new(p, &id, NULL);
	set_from(&t->op, waiting, ARRAY_LEN(waiting));
	t->op.to = JOB_EXPIRED;
	t->on_refused = not_expired;
	p->is_expiring = true;
	t->op.reason = "nobody approved it in time";
	log_info(TAG, "%s: job %.8s expired: nobody approved it in time", p->config->name, id.s);
	store_move(p->db, &t->op);
}

void engine_expire_next(struct engine *e)
{
	int64_t now = loop_real(e->loop);

	for (size_t i = 0; i < e->pylon_count; i++) {
		struct pylon *p = e->pylons[i];

		if (!p->is_expiring && p->next_expiry != 0 && p->next_expiry <= now)
			expire_due(p, now);
	}
}
