/* SPDX-License-Identifier: MIT */
/*
 * accept.c - T1: a request becomes an event and a job, or is refused.
 *
 * The sender is answered from the `done` of the accept operation and nowhere else, so a 202 leaves
 * only after the commit. Nothing outside (channel, engine, git) happens before the answer.
 */
#include <errno.h>
#include <stdio.h>

#include "engine/engine-internal.h"

#define RETRY_AFTER_FULL_S      30
#define RETRY_AFTER_NOT_READY_S 300

/* An event whose sender waits for an answer. */
struct accept_task {
	struct intake in;
	engine_answer_fn *fn;
	void *ctx;
};

void intake_fini(struct intake *in)
{
	event_fini(&in->event);
	free(in->approval_message);
}

static void accept_task_free(struct accept_task *t)
{
	intake_fini(&t->in);
	free(t);
}

/* An enabled pylon wins over a disabled one with the same path. */
static struct pylon *find_route(struct engine *e, struct slice path)
{
	struct pylon *disabled = NULL;

	for (size_t i = 0; i < e->pylon_count; i++) {
		struct pylon *p = e->pylons[i];

		if (p->is_gone || p->config->trigger != TRIGGER_WEBHOOK ||
			!slice_eq_str(path, p->config->path))
			continue;
		if (pylon_is_active(p))
			return p;
		if (p->config->is_disabled)
			disabled = p;
	}
	return disabled;
}

/* Jobs that wait for an approval hold no slot, so they have a bound of their own. */
bool pylon_awaits_too_many(const struct pylon *p)
{
	return p->config->approval && p->awaiting >= AWAITING_MAX;
}

static int refuse_waiting(const struct pylon *p, struct answer *ret)
{
	if (!pylon_awaits_too_many(p))
		return 0;
	answer_refuse(ret, 429, "rate_limited",
		"%d jobs of this pylon are waiting for approval; send it again later",
		AWAITING_MAX);
	ret->retry_after_s = RETRY_AFTER_NOT_READY_S;
	return ret->status;
}

/* The sender must not be made to give up on a hook that somebody switched off for a while. */
static int ignore_disabled(struct answer *ret)
{
	*ret = (struct answer){.status = 200, .outcome = "ignored"};
	(void)str_copy(ret->text, sizeof(ret->text), "this pylon is disabled");
	return ret->status;
}

static int refuse_closed(const struct engine *e, const struct pylon *p, struct answer *ret)
{
	const char *reason;

	if (e->is_draining) {
		answer_refuse(ret, 503, "draining", "pylon is shutting down");
		ret->retry_after_s = RETRY_AFTER_FULL_S;
		return ret->status;
	}
	if (p->route == NULL) {
		if (pylon_is_ready(p, &reason))
			reason = "its trigger cannot be used";
		answer_refuse(ret, 503, "not_ready", "this pylon cannot run yet");
		log_warn(TAG, "%s: refused an event: %s", p->config->name, reason);
		ret->retry_after_s = RETRY_AFTER_NOT_READY_S;
		return ret->status;
	}
	return 0;
}

int engine_admit(struct engine *e, const struct inbound *in, size_t *ret_max, struct answer *ret)
{
	const struct pylon *p = find_route(e, in->path);
	int status;

	if (p == NULL) {
		answer_refuse(ret, 404, "not_found", "nothing is at this path");
		return ret->status;
	}
	if (!pylon_is_active(p))
		return ignore_disabled(ret);
	status = refuse_closed(e, p, ret);
	if (status == 0)
		status = route_admit(p->route, in, ret);
	if (status == 0)
		*ret_max = route_max_body(p->route);
	return status;
}

static void answer_accepted(const struct store_accept *op, struct answer *a)
{
	*a = (struct answer){.status = 202, .outcome = "accepted"};
	if (op->verdict == ACCEPT_REJECTED) {
		answer_refuse(a, 503, "full", "all slots are taken; send it again later");
		a->retry_after_s = RETRY_AFTER_FULL_S;
		return;
	}
	if (op->verdict == ACCEPT_DUPLICATE) {
		a->status = 200;
		a->outcome = "duplicate";
	}
	(void)str_copy(a->job_id, sizeof(a->job_id), op->found_id.s);
}

static void log_accepted(const struct intake *in)
{
	const char *name = in->pylon->config->name;
	const struct store_accept *op = &in->op;

	switch (op->verdict) {
	case ACCEPT_NEW:
	case ACCEPT_REVIVED:
		log_debug(TAG, "%s: job %.8s accepted", name, op->found_id.s);
		return;
	case ACCEPT_DUPLICATE:
		if (op->body_differs)
			log_warn(TAG,
				"%s: conflict: a delivery came again with another body; job %.8s "
				"keeps the first",
				name, op->found_id.s);
		return;
	case ACCEPT_REJECTED:
		log_warn(TAG, "%s: job %.8s rejected: no free slot", name, op->found_id.s);
		return;
	}
}

/* A new job waits for its approval, or its time. */
static void apply_new(struct intake *in)
{
	const struct store_accept *op = &in->op;
	struct pylon *p = in->pylon;

	if (op->needs_approval) {
		if (p->next_expiry == 0 || op->expires_at < p->next_expiry)
			p->next_expiry = op->expires_at;
		pylon_has_delivery(p, op->now_real);
	} else if (!op->took_room) {
		pylon_queued(p, op->not_before);
	}
}

void intake_settle(struct intake *in, int rc)
{
	const struct store_accept *op = &in->op;
	struct pylon *p = in->pylon;
	bool is_new = rc == 0 && op->verdict == ACCEPT_NEW;

	if (rc != 0 && op->took_room)
		pylon_unqueued(p, 0);
	if (op->needs_approval && !is_new)
		p->awaiting--;
	if (rc != 0 || op->verdict == ACCEPT_DUPLICATE)
		return;
	p->last_accepted = MAX_OF(p->last_accepted, MAX_OF(op->created_at, op->now_real));
	if (op->verdict == ACCEPT_REJECTED) {
		engine_emit(p->engine, "job", p, &op->found_id, "rejected", "full");
		return;
	}
	if (is_new)
		apply_new(in);
	engine_emit(p->engine, "job", p, &op->found_id,
		is_new && op->needs_approval ? "awaiting_approval" : "queued", NULL);
	engine_kick(p->engine);
}

static void accept_done(struct store_op *op, int rc, const struct err *err)
{
	struct accept_task *t = container_of(op, struct accept_task, in.op.op);
	struct pylon *p = t->in.pylon;
	struct answer a;

	pylon_note_store(p, rc);
	intake_settle(&t->in, rc);
	if (rc == 0) {
		answer_accepted(&t->in.op, &a);
		log_accepted(&t->in);
	} else {
		answer_store_failure(&a, rc);
		log_error(TAG, "%s: an event could not be kept: %s", p->config->name,
			err == NULL ? "?" : err->text);
	}
	t->fn(t->ctx, &a);
	accept_task_free(t);
}

/* The approval request is a delivery of the same transaction: no approval without a question. */
static void add_approval(struct intake *in)
{
	const struct pylon_config *c = in->pylon->config;
	struct store_accept *op = &in->op;
	struct job j = {.id = op->job_id,
		.pylon = c->name,
		.state = JOB_AWAITING_APPROVAL,
		.created_at = op->now_real,
		.exit_code = -1};
	CLEANUP(freep) char *source = xstrdup(op->source);
	struct event_record ev = {.source = source,
		.headers_json = in->event.headers_json,
		.query = in->event.query,
		.body = in->event.body,
		.body_n = in->event.body_n,
		.received_at = op->now_real};
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	bool is_cut;

	is_cut = !message_render(&text, c->message, &j, &ev, PROMPT_MAX);
	op->needs_approval = true;
	in->pylon->awaiting++; /* given back when no new job comes of it */
	op->expires_at = op->now_real + c->approval_timeout_us;
	in->approval_message =
		message_json("approval", c, &j, &ev, (struct told){buf_slice(&text), is_cut});
	in->approval = (struct store_outgoing){.kind = "approval",
		.channel = c->channel.type_name,
		.message = in->approval_message,
		.due_at = op->now_real};
	id_make(&in->approval.id);
	op->outgoing = &in->approval;
	op->outgoing_count = 1;
}

void intake_prepare(struct intake *in, struct pylon *p, const char *source)
{
	struct store_accept *op = &in->op;

	in->pylon = p;
	id_make(&op->job_id);
	id_make(&op->event_id);
	op->pylon = p->config->name;
	op->source = source;
	op->delivery_id = in->event.delivery_id;
	op->headers_json = in->event.headers_json;
	op->query = in->event.query;
	op->body = (struct slice){in->event.body, in->event.body_n};
	op->body_sha256 = in->event.body_sha256;
	op->now_real = pylon_now(p);
	op->take_room = pylon_take_room;
	op->room_ctx = p;
	if (p->config->approval)
		add_approval(in);
}

/* Takes over t->in.event. */
static void submit(struct accept_task *t, struct pylon *p, const char *source)
{
	struct store_db *db = pylon_db(p);
	struct answer a;

	if (db == NULL) {
		answer_store_failure(&a, -EIO);
		t->fn(t->ctx, &a);
		accept_task_free(t);
		return;
	}
	intake_prepare(&t->in, p, source);
	t->in.op.op.done = accept_done;
	store_accept(db, &t->in.op);
}

static struct accept_task *accept_task_new(engine_answer_fn *fn, void *ctx)
{
	struct accept_task *t = xcalloc_held(1, sizeof(*t));

	t->fn = fn;
	t->ctx = ctx;
	return t;
}

/* 0 when there is a pylon that takes requests at this path; else the status of the answer. */
static int find_open(struct engine *e, struct slice path, struct pylon **ret, struct answer *a)
{
	struct pylon *p = find_route(e, path);

	if (p == NULL) {
		answer_refuse(a, 404, "not_found", "nothing is at this path");
		return a->status;
	}
	*ret = p;
	return pylon_is_active(p) ? refuse_closed(e, p, a) : ignore_disabled(a);
}

static void log_turned_away(const struct pylon *p, const struct answer *a, const struct err *why)
{
	const char *text = why->code != 0 ? why->text : a->text;

	if (a->status < 300)
		log_info(TAG, "%s: answered without a job: %s", p->config->name, text);
	else
		log_info(TAG, "%s: refused with %d: %s", p->config->name, a->status, text);
}

void engine_webhook(struct engine *e, const struct inbound *in, engine_answer_fn *fn, void *ctx)
{
	struct pylon *p = NULL;
	struct accept_task *t;
	struct answer a;
	struct err why = CLEAN_ERR;
	int status = find_open(e, in->path, &p, &a);

	if (status != 0) {
		fn(ctx, &a);
		return;
	}
	must(p != NULL);
	t = accept_task_new(fn, ctx);
	a = (struct answer){0};
	status = route_judge(p->route, in, loop_real(e->loop), &t->in.event, &a, &why);
	if (status == 0)
		status = refuse_waiting(p, &a);
	if (status != 0) {
		log_turned_away(p, &a, &why);
		fn(ctx, &a);
		answer_fini(&a);
		accept_task_free(t);
		return;
	}
	submit(t, p, "webhook");
}

/* A body given by hand is checked like any other; empty means {}. */
static int check_body(struct slice body, struct answer *ret)
{
	struct scan index = SCAN_NULL_INDEX;
	struct err why = CLEAN_ERR;
	int rc;

	if (body.n == 0)
		return 0;
	rc = scan_parse(&index, body.p, body.n, &why);
	if (rc == 0 && index.nodes[0].type != SCAN_OBJECT) {
		answer_refuse(ret, 400, "not_object", "the body must be a JSON object");
		rc = 1;
	} else if (rc != 0) {
		answer_refuse(ret, 400, "invalid_json", "%s", why.text);
	}
	scan_fini(&index);
	return rc;
}

void engine_trigger(struct engine *e, const char *pylon, struct slice body, const char *source,
	engine_answer_fn *fn, void *ctx)
{
	struct pylon *p = engine_pylon(e, pylon);
	const char *reason = "";
	struct answer a;

	if (p == NULL || p->is_runtime || !pylon_is_active(p))
		answer_refuse(&a, 404, "not_found", "there is no active pylon named %.64s", pylon);
	else if (e->is_draining)
		answer_refuse(&a, 503, "draining", "pylon is shutting down");
	else if (p->config->not_ready != NULL)
		answer_refuse(&a, 503, "not_ready", "%.120s", p->config->not_ready);
	else if (refuse_waiting(p, &a) == 0 && check_body(body, &a) == 0)
		reason = NULL;
	if (reason != NULL) {
		fn(ctx, &a);
		return;
	}
	pylon_accept(p, body, source, fn, ctx);
}

void pylon_accept(
	struct pylon *p, struct slice body, const char *source, engine_answer_fn *fn, void *ctx)
{
	struct accept_task *t = accept_task_new(fn, ctx);

	t->in.event.body = body.n == 0 ? xstrdup("{}") : slice_dup(body);
	t->in.event.body_n = body.n == 0 ? 2 : body.n;
	sha256_hex(t->in.event.body, t->in.event.body_n, t->in.event.body_sha256);
	submit(t, p, source);
}
