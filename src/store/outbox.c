/* SPDX-License-Identifier: MIT */
/*
 * The outbox: T5 sending, T6 delivered, sending again by hand, and picking up after a crash.
 *
 * A delivery is inserted by the transaction that caused it and has its id, which is the idempotency
 * key towards the destination, from then on. The attempt is counted before the channel is called:
 * after a crash between the call and T6 the next attempt knows that it may be a repetition.
 */
#include "base/failpoint.h"
#include "store/store_internal.h"

int outbox_add(struct store_db *db, const struct id *job_id, const struct store_outgoing *list,
	size_t count, int64_t now_real, struct err *e)
{
	for (size_t i = 0; i < count; i++) {
		CLEANUP(query_closep) struct query q;
		int rc;

		query_open(&q, db, SLOT_DELIVERY_ADD,
			"INSERT INTO deliveries(id, job_id, kind, channel, state, due_at, created_at, "
			"message) VALUES(?, ?, ?, ?, 'pending', ?, ?, ?)");
		put_id(&q, &list[i].id);
		put_id(&q, job_id);
		put_text(&q, list[i].kind);
		put_text(&q, list[i].channel);
		put_int(&q, list[i].due_at);
		put_int(&q, now_real);
		put_text(&q, list[i].message);
		rc = query_exec(&q, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* 0 when the delivery is there and may go to that state. */
static int delivery_check(struct store_db *db, const struct id *id, enum delivery_state to,
	enum delivery_state *ret_was, struct err *e)
{
	CLEANUP(query_closep) struct query q;
	int rc;

	query_open(&q, db, SLOT_DELIVERY_STATE, "SELECT state FROM deliveries WHERE id = ?");
	put_id(&q, id);
	rc = query_next(&q, e);
	if (rc <= 0)
		return rc < 0 ? rc : STORE_E_NOT_FOUND;
	*ret_was = get_delivery_state(&q);
	rc = query_check(&q, e);
	if (rc < 0)
		return rc;
	return delivery_may_move(*ret_was, to) ? 0 : STORE_E_STATE;
}

/* --- T5 --- */

static int sending_run(struct store_op *op, struct err *e)
{
	struct store_sending *r = container_of(op, struct store_sending, op);
	CLEANUP(query_closep) struct query q = QUERY_NULL;
	enum delivery_state was;
	int rc = delivery_check(op->db, &r->delivery_id, DELIVERY_SENDING, &was, e);

	if (rc != 0)
		return rc;
	query_open(&q, op->db, SLOT_SENDING,
		"UPDATE deliveries SET state = 'sending', attempt = attempt + 1 "
		"WHERE id = ? AND state = 'pending' AND due_at <= ? RETURNING attempt, may_repeat");
	put_id(&q, &r->delivery_id);
	put_int(&q, r->now_real);
	rc = query_next(&q, e);
	if (rc <= 0)
		return rc < 0 ? rc : STORE_E_STATE;
	r->attempt = (int)get_int(&q);
	r->may_repeat = get_int(&q) != 0;
	return 0;
}

void store_sending(struct store_db *db, struct store_sending *r)
{
	op_submit(db, &r->op, sending_run, FP_sending_before);
}

/* --- T6 --- */

static int delivered_run(struct store_op *op, struct err *e)
{
	struct store_delivered *r = container_of(op, struct store_delivered, op);
	CLEANUP(query_closep) struct query q = QUERY_NULL;
	enum delivery_state was;
	int rc = delivery_check(op->db, &r->delivery_id, r->to, &was, e);

	if (rc == 0 && was != DELIVERY_SENDING)
		rc = STORE_E_STATE;
	if (rc != 0)
		return rc;
	query_open(&q, op->db, SLOT_DELIVERED,
		"UPDATE deliveries SET state = ?1, may_repeat = max(may_repeat, ?2), error = ?3, "
		"due_at = iif(?1 = 'pending', ?4, due_at), sent_at = iif(?1 = 'sent', ?5, sent_at) "
		"WHERE id = ?6");
	put_text(&q, delivery_state_name(r->to));
	put_int(&q, r->may_repeat);
	put_text(&q, r->error);
	put_int(&q, r->due_at);
	put_int(&q, r->now_real);
	put_id(&q, &r->delivery_id);
	rc = query_exec(&q, e);
	return rc < 0 ? rc : 0;
}

void store_delivered(struct store_db *db, struct store_delivered *r)
{
	op_submit(db, &r->op, delivered_run, FP_delivered_before);
}

/* --- again --- */

static int redeliver_run(struct store_op *op, struct err *e)
{
	struct store_redeliver *r = container_of(op, struct store_redeliver, op);
	CLEANUP(query_closep) struct query q = QUERY_NULL;
	enum delivery_state was;
	int rc = delivery_check(op->db, &r->delivery_id, DELIVERY_PENDING, &was, e);

	if (rc == 0 && was != DELIVERY_DEAD && was != DELIVERY_UNKNOWN)
		rc = STORE_E_STATE;
	if (rc != 0)
		return rc;
	/* What is unknown may have arrived. */
	query_open(&q, op->db, SLOT_REDELIVER,
		"UPDATE deliveries SET state = 'pending', attempt = 0, due_at = ?, "
		"may_repeat = max(may_repeat, ?) WHERE id = ?");
	put_int(&q, r->now_real);
	put_int(&q, was == DELIVERY_UNKNOWN);
	put_id(&q, &r->delivery_id);
	rc = query_exec(&q, e);
	return rc < 0 ? rc : 0;
}

void store_redeliver(struct store_db *db, struct store_redeliver *r)
{
	op_submit(db, &r->op, redeliver_run, -1);
}

static int recover(struct store_db *db, int64_t now_real, struct err *e)
{
	CLEANUP(query_closep) struct query q;

	query_open(&q, db, SLOT_NONE,
		"UPDATE deliveries SET state = 'pending', may_repeat = 1, due_at = ? "
		"WHERE state = 'sending'");
	put_int(&q, now_real);
	return query_exec(&q, e);
}

int store_recover_deliveries(struct store_db *db, int64_t now_real, struct err *e)
{
	int count, rc = txn_begin(db, e);

	if (rc < 0)
		return rc;
	count = recover(db, now_real, e);
	rc = count < 0 ? count : txn_commit(db, e);
	if (rc < 0)
		txn_rollback(db);
	return rc < 0 ? rc : count;
}
