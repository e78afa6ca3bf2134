/* SPDX-License-Identifier: MIT */
/*
 * T1 for schedules: occurrences are decided. The rows of the ledger, the jobs of those that run and
 * how far the schedule is decided become durable together, before any of the jobs may start.
 *
 * An instant has one row within its epoch, and that row never changes: whoever asks for it again,
 * after a restart or because the clock went back, is told that it is known. What becomes of an
 * occurrence is therefore found out before its row is written: is it known, does an earlier one
 * stand in its way, is there room. After a rollback all of this is asked again, but for room that
 * was taken (op_take_room).
 *
 * A stretch of missed occurrences is one row; the instants inside it are as known as its first.
 */
#include "base/failpoint.h"
#include "store/store_internal.h"

static bool is_run(enum occurrence_outcome o)
{
	return o == OCCURRENCE_RAN || o == OCCURRENCE_RAN_LATE;
}

/* 1, or 0 when the schedule has no such epoch (or none at all). */
static int decide_to(struct store_db *db, const struct store_occur *r, struct err *e)
{
	CLEANUP(query_closep) struct query q;

	query_open(&q, db, SLOT_DECIDED_TO,
		"UPDATE schedules SET decided_to = max(decided_to, ?) WHERE id = ? AND epoch = ?");
	put_int(&q, r->decided_to);
	put_text(&q, r->schedule);
	put_int(&q, r->epoch);
	return query_exec(&q, e);
}

/* Is the instant part of a row that is there? Rows of an epoch do not overlap, so the one that
 * begins last before it is the only one that may hold it. */
static int look_known(
	struct store_db *db, const struct store_occur *r, struct store_occurrence *o, struct err *e)
{
	CLEANUP(query_closep) struct query q;
	int rc;

	query_open(&q, db, SLOT_OCCURRENCE_KNOWN,
		"SELECT last FROM occurrences WHERE schedule = ? AND epoch = ? AND at <= ? "
		"ORDER BY at DESC LIMIT 1");
	put_text(&q, r->schedule);
	put_int(&q, r->epoch);
	put_int(&q, o->at);
	rc = query_next(&q, e);
	if (rc < 0)
		return rc;
	o->was_known = rc > 0 && get_int(&q) >= o->at;
	return 0;
}

/* 1 when a job of an earlier occurrence stands in the way, 0 when none does. */
static int is_overlapped(struct store_db *db, const struct store_occur *r, struct err *e)
{
	CLEANUP(query_closep) struct query q = QUERY_NULL;

	if (r->overlap != OVERLAP_SKIP && r->overlap != OVERLAP_QUEUE_ONE)
		return 0;
	query_open(&q, db, SLOT_OCCURRENCE_OPEN,
		"SELECT 1 FROM jobs j INDEXED BY jobs_scheduled "
		"WHERE j.source = 'schedule' AND j.finished_at = 0 "
		"AND (?1 OR j.state = 'queued' OR j.state = 'awaiting_approval') "
		"AND EXISTS (SELECT 1 FROM occurrences o "
		"WHERE o.job_id = j.id AND o.schedule = ?2)");
	put_int(&q, r->overlap == OVERLAP_SKIP);
	put_text(&q, r->schedule);
	return query_next(&q, e);
}

static int row_add(struct store_db *db, const struct store_occur *r,
	const struct store_occurrence *o, struct err *e)
{
	CLEANUP(query_closep) struct query q;

	query_open(&q, db, SLOT_OCCURRENCE_ADD,
		"INSERT INTO occurrences(schedule, epoch, at, last, count, outcome, job_id, note, "
		"decided_at) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)");
	put_text(&q, r->schedule);
	put_int(&q, r->epoch);
	put_int(&q, o->at);
	put_int(&q, o->last);
	put_int(&q, o->count);
	put_text(&q, occurrence_outcome_name(o->outcome));
	put_text(&q, is_run(o->outcome) ? o->job->job_id.s : NULL);
	put_text(&q, o->note);
	put_int(&q, r->now_real);
	return query_exec(&q, e);
}

/* Makes the job of an occurrence that is to run, or finds out why it may not. */
static int job_make(
	struct store_db *db, const struct store_occur *r, struct store_occurrence *o, struct err *e)
{
	enum job_state state;
	int rc = is_overlapped(db, r, e);

	if (rc < 0)
		return rc;
	if (rc > 0) {
		o->outcome = OCCURRENCE_SKIPPED_OVERLAP;
		return 0;
	}
	state = accept_state(o->job);
	if (state == JOB_REJECTED) {
		o->outcome = OCCURRENCE_SKIPPED_LIMIT;
		return 0;
	}
	return accept_insert(db, o->job, state, e);
}

static int occurrence_decide(
	struct store_db *db, const struct store_occur *r, struct store_occurrence *o, struct err *e)
{
	int rc;

	o->outcome = o->wanted;
	if (o->job != NULL)
		o->job->verdict = ACCEPT_REJECTED;
	rc = look_known(db, r, o, e);
	if (rc < 0 || o->was_known)
		return rc;
	if (is_run(o->wanted))
		rc = job_make(db, r, o, e);
	return rc < 0 ? rc : row_add(db, r, o, e);
}

static int occur_run(struct store_op *op, struct err *e)
{
	struct store_occur *r = container_of(op, struct store_occur, op);
	int rc = decide_to(op->db, r, e);

	if (rc <= 0)
		return rc < 0 ? rc : STORE_E_NOT_FOUND;
	for (size_t i = 0; rc >= 0 && i < r->n; i++)
		rc = occurrence_decide(op->db, r, &r->v[i], e);
	return rc < 0 ? rc : 0;
}

void store_occur(struct store_db *db, struct store_occur *r)
{
	for (size_t i = 0; i < r->n; i++) {
		must(is_run(r->v[i].outcome) == (r->v[i].job != NULL));
		r->v[i].wanted = r->v[i].outcome; /* which each try may change */
		if (r->v[i].job != NULL)
			r->v[i].job->took_room = false;
	}
	op_submit(db, &r->op, occur_run, FP_occur_before);
}

static int schedule_run(struct store_op *op, struct err *e)
{
	const struct store_schedule *r = container_of(op, struct store_schedule, op);
	CLEANUP(query_closep) struct query q;
	int rc;

	query_open(&q, op->db, SLOT_SCHEDULE_PUT,
		"INSERT INTO schedules(id, spec, anchor, epoch, decided_to, disabled_at) "
		"VALUES(?, ?, ?, ?, ?, ?) ON CONFLICT(id) DO UPDATE SET spec = excluded.spec, "
		"anchor = excluded.anchor, epoch = excluded.epoch, "
		"decided_to = CASE WHEN epoch = excluded.epoch "
		"THEN max(decided_to, excluded.decided_to) ELSE excluded.decided_to END, "
		"disabled_at = excluded.disabled_at WHERE epoch <= excluded.epoch");
	put_text(&q, r->schedule);
	put_text(&q, r->spec);
	put_int(&q, r->anchor);
	put_int(&q, r->epoch);
	put_int(&q, r->decided_to);
	put_int(&q, r->disabled_at);
	rc = query_exec(&q, e);
	if (rc < 0)
		return rc;
	return rc > 0 ? 0 : STORE_E_STATE;
}

void store_schedule(struct store_db *db, struct store_schedule *r)
{
	op_submit(db, &r->op, schedule_run, -1);
}
