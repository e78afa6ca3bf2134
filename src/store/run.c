/* SPDX-License-Identifier: MIT */
/*
 * The life of a run: T2 claim, T3 started, its report, the decision to stop it, T4 finish.
 *
 * The claim fixes the run's name before anything starts, so whatever a crash leaves can be found by
 * it. A job has at most one run that is not over (a unique index says so too), and while it has one
 * the job is starting or running. A run that is over never changes.
 *
 * A claim also says what its run is told: a turn is taken here or, when a run is to repeat one,
 * nothing is (turn.c).
 *
 * T3 may come late: a run that is being stopped keeps that state and only learns its handle.
 */
#include "base/failpoint.h"
#include "store/store_internal.h"

/* State of a run of that job; STORE_E_NOT_FOUND. */
static int run_state_get(struct store_db *db, const struct id *run_id, const struct id *job_id,
	enum run_state *ret, struct err *e)
{
	CLEANUP(query_closep) struct query q;
	int rc;

	query_open(&q, db, SLOT_RUN_STATE, "SELECT state FROM runs WHERE id = ? AND job_id = ?");
	put_id(&q, run_id);
	put_id(&q, job_id);
	rc = query_next(&q, e);
	if (rc <= 0)
		return rc < 0 ? rc : STORE_E_NOT_FOUND;
	*ret = get_run_state(&q);
	return query_check(&q, e);
}

/* --- T2 --- */

/* The next attempt's number through *ret, or STORE_E_STATE. */
static int claim_job(struct store_db *db, const struct store_claim *r, int *ret, struct err *e)
{
	CLEANUP(query_closep) struct query q;
	int rc;

	query_open(&q, db, SLOT_CLAIM_JOB,
		"UPDATE jobs SET state = 'starting', attempt = attempt + 1, reason = NULL, "
		"error = NULL, not_before = 0 "
		"WHERE id = ? AND state = 'queued' AND not_before <= ? RETURNING attempt");
	put_id(&q, &r->job_id);
	put_int(&q, r->now_real);
	rc = query_next(&q, e);
	if (rc <= 0)
		return rc < 0 ? rc : STORE_E_STATE;
	*ret = (int)get_int(&q);
	return 0;
}

static int claim_run_add(struct store_db *db, const struct store_claim *r, struct err *e)
{
	CLEANUP(query_closep) struct query q;

	query_open(&q, db, SLOT_CLAIM_RUN,
		"INSERT INTO runs(id, job_id, attempt, state, token_sha256, created_at, timeout_us) "
		"VALUES(?, ?, ?, 'created', ?, ?, ?)");
	put_id(&q, &r->run_id);
	put_id(&q, &r->job_id);
	put_int(&q, r->attempt);
	put_text(&q, r->token_sha256);
	put_int(&q, r->now_real);
	put_int(&q, r->timeout_us);
	return query_exec(&q, e);
}

static int claim_run(struct store_op *op, struct err *e)
{
	struct store_claim *r = container_of(op, struct store_claim, op);
	enum job_state state = JOB_STATES;
	int rc = job_state_get(op->db, &r->job_id, &state, e);

	if (rc == 0 && !job_may_move(state, JOB_STARTING))
		rc = STORE_E_STATE;
	if (rc == 0)
		rc = claim_job(op->db, r, &r->attempt, e);
	if (rc != 0)
		return rc;
	rc = claim_run_add(op->db, r, e);
	return rc < 0 ? rc : turn_take(op->db, &r->job_id, &r->run_id, e);
}

void store_claim(struct store_db *db, struct store_claim *r)
{
	op_submit(db, &r->op, claim_run, FP_claim_before);
}

/* --- T3 --- */

static int started_run_set(struct store_db *db, const struct store_started *r, struct err *e)
{
	CLEANUP(query_closep) struct query q;

	query_open(&q, db, SLOT_STARTED_RUN,
		"UPDATE runs SET state = iif(state = 'stopping', state, 'running'), "
		"handle = coalesce(?, handle), image = coalesce(?, image), "
		"started_at = iif(started_at > 0, started_at, ?) WHERE id = ?");
	put_text(&q, r->handle);
	put_text(&q, r->image);
	put_int(&q, r->now_real);
	put_id(&q, &r->run_id);
	return query_exec(&q, e);
}

static int started_job_set(struct store_db *db, const struct store_started *r, struct err *e)
{
	CLEANUP(query_closep) struct query q;

	query_open(&q, db, SLOT_STARTED_JOB,
		"UPDATE jobs SET state = 'running', started_at = ? WHERE id = ? AND state = 'starting'");
	put_int(&q, r->now_real);
	put_id(&q, &r->job_id);
	return query_exec(&q, e);
}

static int started_run(struct store_op *op, struct err *e)
{
	struct store_started *r = container_of(op, struct store_started, op);
	enum run_state state = RUN_STATES;
	int rc = run_state_get(op->db, &r->run_id, &r->job_id, &state, e);

	if (rc != 0)
		return rc;
	if (run_is_over(state))
		return STORE_E_STATE;
	rc = started_run_set(op->db, r, e);
	if (rc >= 0)
		rc = started_job_set(op->db, r, e);
	return rc < 0 ? rc : 0;
}

void store_started(struct store_db *db, struct store_started *r)
{
	op_submit(db, &r->op, started_run, FP_started_before);
}

/* --- the report --- */

static int report_run(struct store_op *op, struct err *e)
{
	struct store_report *r = container_of(op, struct store_report, op);
	CLEANUP(query_closep) struct query q;
	int rc;

	query_open(&q, op->db, SLOT_REPORT,
		"UPDATE runs SET report = ? WHERE job_id = ? AND token_sha256 = ? "
		"AND state NOT IN ('exited','lost')");
	put_slice(&q, r->report.p == NULL ? SLICE_LIT("") : r->report);
	put_id(&q, &r->job_id);
	put_text(&q, r->token_sha256);
	rc = query_exec(&q, e);
	if (rc == 0)
		return STORE_E_NOT_FOUND;
	return rc < 0 ? rc : 0;
}

void store_report(struct store_db *db, struct store_report *r)
{
	op_submit(db, &r->op, report_run, FP_report_before);
}

/* --- stopping --- */

static int stopping_run_set(struct store_db *db, const struct store_stopping *r, struct err *e)
{
	CLEANUP(query_closep) struct query q;

	query_open(&q, db, SLOT_STOPPING_RUN,
		"UPDATE runs SET state = 'stopping', stop = ? WHERE id = ?");
	put_int(&q, r->stop);
	put_id(&q, &r->run_id);
	return query_exec(&q, e);
}

static int stopping_job_set(struct store_db *db, const struct store_stopping *r, struct err *e)
{
	CLEANUP(query_closep) struct query q;

	query_open(&q, db, SLOT_STOPPING_JOB,
		"UPDATE jobs SET decided_by = coalesce(?, decided_by) WHERE id = ?");
	put_text(&q, r->by);
	put_id(&q, &r->job_id);
	return query_exec(&q, e);
}

/* The first reason stays: it is what made the run end. */
static int stopping_run(struct store_op *op, struct err *e)
{
	struct store_stopping *r = container_of(op, struct store_stopping, op);
	enum run_state state = RUN_STATES;
	int rc = run_state_get(op->db, &r->run_id, &r->job_id, &state, e);

	if (rc != 0 || state == RUN_STOPPING)
		return rc;
	if (!run_may_move(state, RUN_STOPPING))
		return STORE_E_STATE;
	rc = stopping_run_set(op->db, r, e);
	if (rc >= 0 && r->by != NULL)
		rc = stopping_job_set(op->db, r, e);
	return rc < 0 ? rc : 0;
}

void store_stopping(struct store_db *db, struct store_stopping *r)
{
	op_submit(db, &r->op, stopping_run, -1);
}
