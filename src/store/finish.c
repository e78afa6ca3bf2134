/* SPDX-License-Identifier: MIT */
/*
 * T4: the end of a run and what becomes of its job, in one transaction with the messages that tell
 * people about it.
 *
 * Either the job is over, or it is queued again: that is the only recorded retry. A retry clears
 * what the attempt produced (result, output, exit code, times) but keeps reason and error, so that
 * a person sees why the job waits; the next claim clears those. Cost adds up over all runs, and a
 * session once known stays known. What the run used is kept with the run (usage.c).
 */
#include "base/failpoint.h"
#include "store/store_internal.h"

static int finish_check(
	struct store_db *db, const struct store_finish *r, enum job_state *ret_was, struct err *e)
{
	CLEANUP(query_closep) struct query q;
	enum run_state run;
	int rc;

	query_open(&q, db, SLOT_FINISH_STATE,
		"SELECT r.state, j.state FROM runs r JOIN jobs j ON j.id = r.job_id "
		"WHERE r.id = ? AND r.job_id = ?");
	put_id(&q, &r->run_id);
	put_id(&q, &r->job_id);
	rc = query_next(&q, e);
	if (rc <= 0)
		return rc < 0 ? rc : STORE_E_NOT_FOUND;
	run = get_run_state(&q);
	*ret_was = get_job_state(&q);
	rc = query_check(&q, e);
	if (rc < 0)
		return rc;
	return run_may_move(run, r->run_state) && job_may_move(*ret_was, r->job_state)
		       ? 0
		       : STORE_E_STATE;
}

static int finish_run_set(struct store_db *db, const struct store_finish *r, struct err *e)
{
	CLEANUP(query_closep) struct query q;

	query_open(&q, db, SLOT_FINISH_RUN,
		"UPDATE runs SET state = ?, exit_code = ?, reason = ?, finished_at = ? WHERE id = ?");
	put_text(&q, run_state_name(r->run_state));
	put_int(&q, r->exit_code);
	put_text(&q, r->reason);
	put_int(&q, r->now_real);
	put_id(&q, &r->run_id);
	return query_exec(&q, e);
}

/* The columns that both ends set, in the order of both statements. */
static void put_common(struct query *q, const struct store_finish *r)
{
	put_text(q, r->reason);
	put_text(q, r->error);
	put_text(q, r->session_id);
	put_real(q, usage_cost(r->cost_usd));
	put_int(q, r->counts);
}

static int finish_over(
	struct store_db *db, const struct store_finish *r, enum job_state was, struct err *e)
{
	CLEANUP(query_closep) struct query q;

	query_open(&q, db, SLOT_FINISH_OVER,
		"UPDATE jobs SET reason = ?, error = ?, session_id = coalesce(?, session_id), "
		"cost_usd = cost_usd + ?, failures = failures + ?, state = ?, exit_code = ?, "
		"result = ?, output_json = ?, finished_at = max(?, 1) WHERE id = ? AND state = ?");
	put_common(&q, r);
	put_text(&q, job_state_name(r->job_state));
	put_int(&q, r->exit_code);
	put_text(&q, r->result);
	put_text(&q, r->output_json);
	put_int(&q, r->now_real);
	put_id(&q, &r->job_id);
	put_text(&q, job_state_name(was));
	return query_exec(&q, e);
}

static int finish_retry(
	struct store_db *db, const struct store_finish *r, enum job_state was, struct err *e)
{
	CLEANUP(query_closep) struct query q;

	query_open(&q, db, SLOT_FINISH_RETRY,
		"UPDATE jobs SET reason = ?, error = ?, session_id = coalesce(?, session_id), "
		"cost_usd = cost_usd + ?, failures = failures + ?, state = 'queued', exit_code = -1, "
		"result = NULL, output_json = NULL, started_at = 0, not_before = ?, queued_at = ? "
		"WHERE id = ? AND state = ?");
	put_common(&q, r);
	put_int(&q, r->not_before);
	put_int(&q, r->now_real);
	put_id(&q, &r->job_id);
	put_text(&q, job_state_name(was));
	return query_exec(&q, e);
}

static int finish_run(struct store_op *op, struct err *e)
{
	struct store_finish *r = container_of(op, struct store_finish, op);
	enum job_state was = JOB_STATES;
	int rc = finish_check(op->db, r, &was, e);

	if (rc != 0)
		return rc;
	rc = finish_run_set(op->db, r, e);
	if (rc >= 0)
		rc = usage_add(op->db, &r->run_id, r->cost_usd, &r->usage, e);
	if (rc >= 0)
		rc = r->job_state == JOB_QUEUED ? finish_retry(op->db, r, was, e)
						: finish_over(op->db, r, was, e);
	if (rc >= 0)
		rc = outbox_add(op->db, &r->job_id, r->outgoing, r->outgoing_count, r->now_real, e);
	return rc < 0 ? rc : 0;
}

void store_finish(struct store_db *db, struct store_finish *r)
{
	must(run_is_over(r->run_state));
	must(r->job_state == JOB_QUEUED || job_is_over(r->job_state));
	op_submit(db, &r->op, finish_run, FP_finish_before);
}
