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

/* One event on its way into the database. */
struct accept_task {
	struct store_accept op;
	struct pylon *pylon;
	struct event event;
	struct store_outgoing approval;
	char *approval_message;
	engine_answer_fn *fn;
	void *ctx;
};

static void accept_task_free(struct accept_task *t)
{
	event_fini(&t->event);
	free(t->approval_message);
	free(t);
}

static const struct pylon *find_route(struct engine *e, struct slice path)
{
	for (size_t i = 0; i < e->pylon_count; i++) {
		const struct pylon *p = &e->pylons[i];

		if (p->config->trigger == TRIGGER_WEBHOOK && p->config->path != NULL &&
			slice_eq_str(path, p->config->path))
			return p;
	}
	return NULL;
}

/* Jobs that wait for an approval hold no slot, so they have a bound of their own. */
static int refuse_waiting(const struct pylon *p, struct answer *ret)
{
	if (!p->config->approval || p->awaiting < AWAITING_MAX)
		return 0;
	answer_refuse(ret, 429, "rate_limited",
		"%d jobs of this pylon are waiting for approval; send it again later",
		AWAITING_MAX);
	ret->retry_after_s = RETRY_AFTER_NOT_READY_S;
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
	status = refuse_closed(e, p, ret);
	if (status == 0)
		status = route_admit(p->route, in, ret);
	if (status == 0)
		*ret_max = route_max_body(p->route);
	return status;
}

static void answer_accepted(const struct accept_task *t, struct answer *a)
{
	const struct store_accept *op = &t->op;

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

static void log_accepted(const struct accept_task *t)
{
	const char *name = t->pylon->config->name;
	const struct store_accept *op = &t->op;

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

/* What the commit changed becomes visible: counters, events, work to do. */
static void apply_accepted(const struct accept_task *t)
{
	const struct store_accept *op = &t->op;
	struct pylon *p = t->pylon;
	bool is_new = op->verdict == ACCEPT_NEW;

	if (op->needs_approval && !is_new)
		p->awaiting--;
	if (op->verdict == ACCEPT_DUPLICATE)
		return;
	if (op->verdict == ACCEPT_REJECTED) {
		engine_emit(p->engine, "job", p, &op->found_id, "rejected", "full");
		return;
	}
	if (is_new && op->needs_approval) {
		if (p->next_expiry == 0 || op->expires_at < p->next_expiry)
			p->next_expiry = op->expires_at;
		pylon_has_delivery(p, op->now_real);
	}
	engine_emit(p->engine, "job", p, &op->found_id,
		is_new && op->needs_approval ? "awaiting_approval" : "queued", NULL);
	engine_kick(p->engine);
}

static void accept_done(struct store_op *op, int rc, const struct err *err)
{
	struct accept_task *t = container_of(op, struct accept_task, op.op);
	struct answer a;

	engine_note_store(t->pylon->engine, rc);
	if (rc == 0) {
		answer_accepted(t, &a);
		log_accepted(t);
		apply_accepted(t);
	} else {
		if (t->op.took_room)
			pylon_unqueued(t->pylon, 0);
		if (t->op.needs_approval)
			t->pylon->awaiting--;
		answer_store_failure(&a, rc);
		log_error(TAG, "%s: an event could not be kept: %s", t->pylon->config->name,
			err == NULL ? "?" : err->text);
	}
	t->fn(t->ctx, &a);
	accept_task_free(t);
}

/* The approval request is a delivery of the same transaction: no approval without a question. */
static void add_approval(struct accept_task *t, int64_t now)
{
	const struct pylon_config *c = t->pylon->config;
	struct job j = {.id = t->op.job_id,
		.pylon = c->name,
		.state = JOB_AWAITING_APPROVAL,
		.created_at = now,
		.exit_code = -1};
	struct event_record ev = {.headers_json = t->event.headers_json,
		.query = t->event.query,
		.body = t->event.body,
		.body_n = t->event.body_n,
		.received_at = now};
	CLEANUP(buf_fini) struct buf text = BUF_NULL;

	message_render(&text, c->message, &j, &ev, PROMPT_MAX);
	t->op.needs_approval = true;
	t->pylon->awaiting++; /* given back when no new job comes of it */
	t->op.expires_at = now + c->approval_timeout_us;
	t->approval_message = message_json("approval", t->pylon, &j, &ev, buf_slice(&text));
	t->approval = (struct store_outgoing){.kind = "approval",
		.channel = c->channel.type_name,
		.message = t->approval_message,
		.due_at = now};
	id_make(&t->approval.id);
	t->op.outgoing = &t->approval;
	t->op.outgoing_count = 1;
}

/* Takes over t->event. */
static void submit(struct accept_task *t, const char *source)
{
	struct pylon *p = t->pylon;
	struct store_accept *op = &t->op;
	struct store_db *db = pylon_db(p);
	struct answer a;

	if (db == NULL) {
		answer_store_failure(&a, -EIO);
		t->fn(t->ctx, &a);
		accept_task_free(t);
		return;
	}
	id_make(&op->job_id);
	id_make(&op->event_id);
	op->pylon = p->config->name;
	op->source = source;
	op->delivery_id = t->event.delivery_id;
	op->headers_json = t->event.headers_json;
	op->query = t->event.query;
	op->body = (struct slice){t->event.body, t->event.body_n};
	op->body_sha256 = t->event.body_sha256;
	op->now_real = loop_real(p->engine->loop);
	op->take_room = pylon_take_room;
	op->room_ctx = p;
	op->op.done = accept_done;
	if (p->config->approval)
		add_approval(t, op->now_real);
	store_accept(db, op);
}

static struct accept_task *accept_task_new(struct pylon *p, engine_answer_fn *fn, void *ctx)
{
	struct accept_task *t = xcalloc_held(1, sizeof(*t));

	t->pylon = p;
	t->fn = fn;
	t->ctx = ctx;
	return t;
}

void engine_webhook(struct engine *e, const struct inbound *in, engine_answer_fn *fn, void *ctx)
{
	const struct pylon *found = find_route(e, in->path);
	struct pylon *p = found == NULL ? NULL : &e->pylons[found - e->pylons];
	struct accept_task *t;
	struct answer a;
	struct err why = CLEAN_ERR;
	int status;

	if (p == NULL) {
		answer_refuse(&a, 404, "not_found", "nothing is at this path");
		fn(ctx, &a);
		return;
	}
	if (refuse_closed(e, p, &a) != 0) {
		fn(ctx, &a);
		return;
	}
	t = accept_task_new(p, fn, ctx);
	status = route_judge(p->route, in, loop_real(e->loop), &t->event, &a, &why);
	if (status == 0)
		status = refuse_waiting(p, &a);
	if (status != 0) {
		log_info(TAG, "%s: refused with %d: %s", p->config->name, status,
			why.code != 0 ? why.text : a.text);
		fn(ctx, &a);
		accept_task_free(t);
		return;
	}
	submit(t, "webhook");
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
	struct accept_task *t;
	const char *reason = "";
	struct answer a;

	if (p == NULL)
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
	t = accept_task_new(p, fn, ctx);
	t->event.body = body.n == 0 ? xstrdup("{}") : slice_dup(body);
	t->event.body_n = body.n == 0 ? 2 : body.n;
	sha256_hex(t->event.body, t->event.body_n, t->event.body_sha256);
	submit(t, source);
}
