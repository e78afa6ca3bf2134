/* SPDX-License-Identifier: MIT */
/*
 * Turns: what a person said next in the conversation of a job.
 *
 * A turn is kept by the move that queues its job (move.c) and taken by a claim (run.c), the oldest
 * first, one by each run; so those that were taken are always the first ones of their job. Once
 * taken a turn never changes: a later run that finds none waiting repeats the newest of them, which
 * is what a retry is. The row keeps the session as it was when the person spoke, so a repetition
 * continues from where the first try did.
 */
#include "store/store_internal.h"

int turn_add(struct store_db *db, const struct id *job_id, const char *text, const char *by,
	int64_t now_real, struct err *e)
{
	CLEANUP(query_closep) struct query q;

	query_open(&q, db, SLOT_TURN_ADD,
		"INSERT INTO turns(job_id, session_id, said_by, created_at, text) "
		"SELECT id, session_id, ?, ?, ? FROM jobs WHERE id = ?");
	put_text(&q, by);
	put_int(&q, now_real);
	put_text(&q, text);
	put_id(&q, job_id);
	return query_exec(&q, e);
}

int turn_take(struct store_db *db, const struct id *job_id, const struct id *run_id, struct err *e)
{
	CLEANUP(query_closep) struct query q;
	int rc;

	query_open(&q, db, SLOT_TURN_TAKE,
		"UPDATE turns SET run_id = ? WHERE run_id IS NULL AND seq = ("
		"SELECT seq FROM turns INDEXED BY turns_job WHERE job_id = ? AND run_id IS NULL "
		"ORDER BY seq LIMIT 1)");
	put_id(&q, run_id);
	put_id(&q, job_id);
	rc = query_exec(&q, e);
	must(rc <= 1);
	return rc < 0 ? rc : 0;
}

int store_turn(struct store_db *db, const struct id *job_id, struct turn *ret, struct err *e)
{
	CLEANUP(query_closep) struct query q;
	int rc;

	query_open(&q, db, SLOT_GET_TURN,
		"SELECT session_id, said_by, created_at, text FROM turns INDEXED BY turns_job "
		"WHERE job_id = ? AND run_id IS NOT NULL ORDER BY seq DESC LIMIT 1");
	put_id(&q, job_id);
	rc = query_next(&q, e);
	if (rc <= 0)
		return rc < 0 ? rc : STORE_E_NOT_FOUND;
	ret->session_id = get_text(&q, NULL);
	ret->by = get_text(&q, NULL);
	ret->created_at = get_int(&q);
	ret->text = get_text(&q, NULL);
	return 0;
}
