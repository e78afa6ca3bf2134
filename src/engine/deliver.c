/* SPDX-License-Identifier: MIT */
/*
 * deliver.c - T5 and T6: the outbox.
 *
 * A delivery is a row before it is a call. sending (commit) -> channel -> sent | retry | dead |
 * unknown (commit). A crash in between leaves `sending`, which start-up turns back into pending
 * with may_repeat: the receiver may see it twice, and is told so. A slow or dead destination holds
 * up nothing but its own job's messages.
 */
#include "engine/engine-internal.h"

#define IN_FLIGHT_PER_PYLON 4

/* One delivery between T5 and T6. */
struct delivery_task {
	struct list node;
	struct pylon *pylon;
	struct id id, job_id;
	char *kind, *message;
	int attempt;
	bool may_repeat;
	struct strv headers;
	struct store_sending sending;
	struct store_delivered delivered;
	char *error;
};

static void delivery_task_free(struct delivery_task *t)
{
	list_remove(&t->node);
	t->pylon->in_flight--;
	free(t->kind);
	free(t->message);
	free(t->error);
	strv_fini(&t->headers);
	free(t);
}

void delivery_tasks_free(struct engine *e)
{
	list_foreach_safe (it, &e->sending)
		delivery_task_free(list_entry(it, struct delivery_task, node));
}

static struct delivery_task *task_of(struct engine *e, const struct id *id)
{
	list_foreach (it, &e->sending) {
		struct delivery_task *t = list_entry(it, struct delivery_task, node);

		if (str_eq(t->id.s, id->s))
			return t;
	}
	return NULL;
}

void pylon_has_delivery(struct pylon *p, int64_t due_at)
{
	if (p->next_delivery == 0 || due_at < p->next_delivery)
		p->next_delivery = MAX_OF(due_at, 1);
	engine_kick(p->engine);
}

/* --- T6 --- */

static void delivered_done(struct store_op *op, int rc, const struct err *err)
{
	struct delivery_task *t = container_of(op, struct delivery_task, delivered.op);
	struct pylon *p = t->pylon;
	const char *state = delivery_state_name(t->delivered.to);

	if (rc != 0)
		log_error(TAG, "delivery %.8s: its outcome was not recorded: %s", t->id.s,
			err == NULL ? "?" : err->text);
	else
		engine_emit(p->engine, "delivery", p, &t->job_id, state, t->delivered.error);
	if (t->delivered.to == DELIVERY_DEAD || t->delivered.to == DELIVERY_UNKNOWN)
		log_error(TAG, "%s: the %s of job %.8s is %s: %s", p->config->name, t->kind,
			t->job_id.s, state, t->error == NULL ? "?" : t->error);
	pylon_has_delivery(p, t->delivered.to == DELIVERY_PENDING ? t->delivered.due_at
								  : loop_real(p->engine->loop));
	delivery_task_free(t);
}

/* 2 s, 4 s, 8 s ... 1 h with full jitter above half; the destination's own wish wins. */
static int64_t retry_in(int attempt, int64_t wish_us)
{
	int64_t us = DELIVERY_BACKOFF_US;

	if (wish_us >= 0)
		return MIN_OF(MAX_OF(wish_us, US_PER_SEC), DELIVERY_BACKOFF_MAX_US);
	for (int i = 1; i < attempt && us < DELIVERY_BACKOFF_MAX_US; i++)
		us *= 2;
	us = MIN_OF(us, DELIVERY_BACKOFF_MAX_US);
	return us / 2 + (int64_t)random_below((uint64_t)us / 2 + 1);
}

/* A webhook carries its idempotency key (webhook-id), so its receiver can tell a repetition: it may
 * be tried again when nobody knows whether it arrived. Nothing else may. */
static enum delivery_state state_after(
	const struct delivery_task *t, const struct channel_report *r)
{
	bool may_try = t->attempt < DELIVERY_ATTEMPTS_MAX;

	switch (r->outcome) {
	case CHANNEL_SENT:
		return DELIVERY_SENT;
	case CHANNEL_RETRY:
		return may_try ? DELIVERY_PENDING : DELIVERY_DEAD;
	case CHANNEL_DEAD:
		return DELIVERY_DEAD;
	case CHANNEL_UNKNOWN:
		break;
	}
	if (t->pylon->config->channel.type == CHANNEL_WEBHOOK && may_try)
		return DELIVERY_PENDING;
	return DELIVERY_UNKNOWN;
}

void engine_channel_done(void *ctx, const struct id *delivery_id, const struct channel_report *r)
{
	struct engine *e = ctx;
	struct delivery_task *t = task_of(e, delivery_id);
	struct store_delivered *op;

	if (t == NULL)
		return;
	op = &t->delivered;
	op->delivery_id = t->id;
	op->now_real = loop_real(e->loop);
	op->to = state_after(t, r);
	op->may_repeat = t->may_repeat || r->outcome == CHANNEL_UNKNOWN;
	if (op->to == DELIVERY_PENDING)
		op->due_at = op->now_real + retry_in(t->attempt, r->retry_after_us);
	t->error = xstrdup_or_null(r->text);
	op->error = t->error;
	op->op.must = true;
	op->op.done = delivered_done;
	store_delivered(t->pylon->db, op);
}

/* --- T5 --- */

static void fill_headers(struct delivery_task *t, const struct channel_config *c)
{
	for (size_t i = 0; i < c->header_count; i++)
		strv_addf(&t->headers, "%s: %s", c->headers[i].name, c->headers[i].value);
}

static void sending_done(struct store_op *op, int rc, const struct err *err)
{
	struct delivery_task *t = container_of(op, struct delivery_task, sending.op);
	struct engine *e = t->pylon->engine;
	const struct channel_config *c = &t->pylon->config->channel;
	struct channel_target to = {.type = c->type_name,
		.url = c->url,
		.secret = c->secret,
		.headers = &t->headers,
		.allow_private = c->allow_private};
	struct channel_message m = {.delivery_id = t->id, .kind = t->kind, .message = t->message};

	if (rc != 0) {
		if (rc < 0)
			log_error(TAG, "delivery %.8s cannot be claimed: %s", t->id.s,
				err == NULL ? "?" : err->text);
		pylon_has_delivery(t->pylon, loop_real(e->loop) + STORE_RETRY_US);
		delivery_task_free(t);
		return;
	}
	t->attempt = t->sending.attempt;
	t->may_repeat = t->sending.may_repeat;
	fill_headers(t, c);
	m.attempt = t->attempt;
	m.is_repeat = t->may_repeat;
	e->ports.channel->ops->send(e->ports.channel, &to, &m);
}

static void send_one(const struct delivery *d, void *ctx)
{
	struct pylon *p = ctx;
	struct engine *e = p->engine;
	struct delivery_task *t;

	if (p->in_flight >= IN_FLIGHT_PER_PYLON || task_of(e, &d->id) != NULL)
		return;
	t = xcalloc_held(1, sizeof(*t));
	t->pylon = p;
	t->id = d->id;
	t->job_id = d->job_id;
	t->kind = xstrdup(d->kind);
	t->message = xstrdup(d->message);
	list_append(&e->sending, &t->node);
	p->in_flight++;
	t->sending.delivery_id = d->id;
	t->sending.now_real = loop_real(e->loop);
	t->sending.op.done = sending_done;
	store_sending(p->db, &t->sending);
}

static void deliver_due(struct pylon *p, int64_t now)
{
	struct err err = CLEAN_ERR;

	if (p->is_stale || pylon_db(p) == NULL) {
		p->next_delivery = now + READ_AGAIN_US;
	} else if (store_due_deliveries(p->db, now, IN_FLIGHT_PER_PYLON, send_one, p,
			   &p->next_delivery, &err) < 0) {
		log_error(TAG, "%s: cannot read the outbox: %s", p->config->name, err.text);
		p->next_delivery = now + READ_AGAIN_US;
	}
}

void engine_deliver_next(struct engine *e)
{
	int64_t now = loop_real(e->loop);

	for (size_t i = 0; i < e->pylon_count; i++) {
		struct pylon *p = e->pylons[i];

		if (p->next_delivery != 0 && p->next_delivery <= now &&
			p->in_flight < IN_FLIGHT_PER_PYLON)
			deliver_due(p, now);
	}
}

/* --- by hand --- */

struct redeliver_task {
	struct store_redeliver op;
	struct pylon *pylon;
	engine_answer_fn *fn;
	void *ctx;
};

static void redeliver_done(struct store_op *op, int rc, const struct err *err UNUSED)
{
	struct redeliver_task *t = container_of(op, struct redeliver_task, op.op);
	struct answer a = {.status = 200, .outcome = "pending"};

	if (rc == STORE_E_NOT_FOUND)
		answer_refuse(&a, 404, "not_found", "there is no such delivery");
	else if (rc == STORE_E_STATE)
		answer_refuse(
			&a, 409, "conflict", "only a dead or unknown delivery can be sent again");
	else if (rc < 0)
		answer_store_failure(&a, rc);
	else
		pylon_has_delivery(t->pylon, t->op.now_real);
	t->fn(t->ctx, &a);
	free(t);
}

void engine_redeliver(
	struct engine *e, const struct id *delivery_id, engine_answer_fn *fn, void *ctx)
{
	struct answer a;

	for (size_t i = 0; i < e->pylon_count; i++) {
		struct pylon *p = e->pylons[i];
		struct delivery d = {0};
		struct redeliver_task *t;
		int rc;

		if (pylon_db(p) == NULL)
			continue;
		rc = store_delivery(p->db, delivery_id, &d, NULL);
		delivery_fini(&d);
		if (rc != 0)
			continue;
		t = xcalloc_held(1, sizeof(*t));
		t->pylon = p;
		t->fn = fn;
		t->ctx = ctx;
		t->op.delivery_id = *delivery_id;
		t->op.now_real = loop_real(e->loop);
		t->op.op.done = redeliver_done;
		store_redeliver(p->db, &t->op);
		return;
	}
	answer_refuse(&a, 404, "not_found", "there is no such delivery");
	fn(ctx, &a);
}
