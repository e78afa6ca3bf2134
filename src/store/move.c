/* SPDX-License-Identifier: MIT */
/*
 * Decisions about a job that has no living run: approve, retry, reply, dismiss, expire, cancel,
 * fail. The caller says from which states; the table says whether that may be; both must agree.
 *
 * Going to queued starts a new life in the same row: what the last attempt left (result, error,
 * times, failures) is cleared, what belongs to the work as a whole (session, cost, runs, turns)
 * stays. A reply is that and a new turn, so the row shows the new turn and not the old result.
 * Leaving awaiting_approval cancels the question if it was not sent yet.
 */
#include "store/store_internal.h"

int job_state_get(struct store_db *db, const struct id *id, enum job_state *ret, struct err *e)
{
	CLEANUP(query_closep) struct query q;
	int rc;

	query_open(&q, db, SLOT_JOB_STATE, "SELECT state FROM jobs WHERE id = ?");
	put_id(&q, id);
	rc = query_next(&q, e);
	if (rc <= 0)
		return rc < 0 ? rc : STORE_E_NOT_FOUND;
	*ret = get_job_state(&q);
	return query_check(&q, e);
}

bool op_take_room(bool (*take_room)(void *ctx), void *ctx, bool *has_room)
{
	if (take_room == NULL || *has_room)
		return true;
	*has_room = take_room(ctx);
	return *has_room;
}

static int move_to_queued(struct store_db *db, const struct store_move *r, struct err *e)
{
	CLEANUP(query_closep) struct query q;

	query_open(&q, db, SLOT_MOVE_QUEUED,
		"UPDATE jobs SET state = 'queued', reason = ?, decided_by = coalesce(?, decided_by), "
		"not_before = ?, queued_at = ?, error = ?, failures = 0, result = NULL, "
		"output_json = NULL, exit_code = -1, expires_at = 0, started_at = 0, finished_at = 0 "
		"WHERE id = ? AND state = ?");
	put_text(&q, r->reason);
	put_text(&q, r->by);
	put_int(&q, r->not_before);
	put_int(&q, r->now_real);
	put_text(&q, r->error);
	put_id(&q, &r->job_id);
	put_text(&q, job_state_name(r->was));
	return query_exec(&q, e);
}

static int move_to_over(struct store_db *db, const struct store_move *r, struct err *e)
{
	CLEANUP(query_closep) struct query q;

	query_open(&q, db, SLOT_MOVE_OVER,
		"UPDATE jobs SET state = ?, reason = ?, decided_by = coalesce(?, decided_by), "
		"error = ?, finished_at = max(?, 1), not_before = 0, expires_at = 0 "
		"WHERE id = ? AND state = ?");
	put_text(&q, job_state_name(r->to));
	put_text(&q, r->reason);
	put_text(&q, r->by);
	put_text(&q, r->error);
	put_int(&q, r->now_real);
	put_id(&q, &r->job_id);
	put_text(&q, job_state_name(r->was));
	return query_exec(&q, e);
}

/* The question has been answered: do not ask it any more. */
static int cancel_approvals(struct store_db *db, const struct id *job_id, struct err *e)
{
	CLEANUP(query_closep) struct query q;

	query_open(&q, db, SLOT_MOVE_APPROVALS,
		"UPDATE deliveries SET state = 'cancelled' "
		"WHERE job_id = ? AND kind = 'approval' AND state = 'pending'");
	put_id(&q, job_id);
	return query_exec(&q, e);
}

static bool is_expected(const struct store_move *r, enum job_state s)
{
	for (size_t i = 0; i < r->from_count; i++)
		if (r->from_any_of[i] == s)
			return true;
	return false;
}

static int has_living_run(struct store_db *db, const struct id *job_id, struct err *e)
{
	CLEANUP(query_closep) struct query q;

	query_open(&q, db, SLOT_RUN_LIVING_ID,
		"SELECT 1 FROM runs WHERE job_id = ? AND state NOT IN ('exited','lost')");
	put_id(&q, job_id);
	return query_next(&q, e);
}

/* 0, or why the move may not be made. */
static int move_check(struct store_db *db, struct store_move *r, struct err *e)
{
	int rc = job_state_get(db, &r->job_id, &r->was, e);

	if (rc != 0)
		return rc;
	if (!is_expected(r, r->was) || !job_may_move(r->was, r->to))
		return STORE_E_STATE;
	rc = job_is_active(r->was) ? has_living_run(db, &r->job_id, e) : 0;
	if (rc != 0)
		return rc < 0 ? rc : STORE_E_STATE;
	if (r->to == JOB_QUEUED && !op_take_room(r->take_room, r->room_ctx, &r->took_room))
		return STORE_E_FULL;
	return 0;
}

static int move_run(struct store_op *op, struct err *e)
{
	struct store_move *r = container_of(op, struct store_move, op);
	int rc = move_check(op->db, r, e);

	if (rc != 0)
		return rc;
	must(r->to == JOB_QUEUED || job_is_over(r->to));
	if (r->was == JOB_REJECTED)
		op->db->rejected = -1;
	rc = r->to == JOB_QUEUED ? move_to_queued(op->db, r, e) : move_to_over(op->db, r, e);
	if (rc >= 0 && r->turn != NULL)
		rc = turn_add(op->db, &r->job_id, r->turn, r->by, r->now_real, e);
	if (rc >= 0 && r->was == JOB_AWAITING_APPROVAL)
		rc = cancel_approvals(op->db, &r->job_id, e);
	if (rc >= 0)
		rc = outbox_add(op->db, &r->job_id, r->outgoing, r->outgoing_count, r->now_real, e);
	return rc < 0 ? rc : 0;
}

void store_move(struct store_db *db, struct store_move *r)
{
	must(r->from_count <= ARRAY_LEN(r->from_any_of));
	must(r->turn == NULL || r->to == JOB_QUEUED);
	r->took_room = false;
	op_submit(db, &r->op, move_run, -1);
}
