/* SPDX-License-Identifier: MIT */
/*
 * T1: an event becomes a job, or the reason why not is recorded, before anybody is answered.
 *
 * One delivery id is one job for as long as its key is kept, also within one turn: the key is
 * inserted first and what is there already decides. A request without room leaves a rejected row
 * (with its event, so that it can run later); its redelivery turns that same row into a queued one.
 * Nothing here waits, for approval or for its time, and takes room at the same time.
 *
 * After a rollback the operation runs again; room that was taken stays taken and is not asked for
 * twice (op_take_room).
 *
 * This is the hot path: three statements for an ordinary event.
 */
#include "base/failpoint.h"
#include "base/limits.h"
#include "store/store_internal.h"

/* Two events of one turn carry the same time; moving the later one on by a microsecond lets lists
 * be paged by created_at. Not further than this, or a clock set back would be ignored for ever. */
#define CREATED_SHIFT_MAX US_PER_SEC

static struct store_accept *accept_of(struct store_op *op)
{
	return container_of(op, struct store_accept, op);
}

/* Claims the key for this job. 1: it was free, 0: it is taken. */
static int key_add(struct store_db *db, const struct store_accept *r, struct err *e)
{
	CLEANUP(query_closep) struct query q;

	query_open(&q, db, SLOT_DEDUPE_ADD,
		"INSERT INTO dedupe(key, job_id, created_at) VALUES(?, ?, ?) "
		"ON CONFLICT DO NOTHING");
	put_text(&q, r->delivery_id);
	put_id(&q, &r->job_id);
	put_int(&q, r->now_real);
	return query_exec(&q, e);
}

/* The job that has the key already; it may be gone, the key is kept longer or shorter. */
static int key_get(
	struct store_db *db, struct store_accept *r, enum job_state *ret_state, struct err *e)
{
	CLEANUP(query_closep) struct query q;
	CLEANUP(freep) char *sha256 = NULL;
	int rc;

	query_open(&q, db, SLOT_DEDUPE_GET,
		"SELECT d.job_id, v.body_sha256, j.state FROM dedupe d "
		"LEFT JOIN jobs j ON j.id = d.job_id LEFT JOIN events v ON v.job_seq = j.seq "
		"WHERE d.key = ?");
	put_text(&q, r->delivery_id);
	rc = query_next(&q, e);
	if (rc < 0)
		return rc;
	must(rc > 0);
	get_id(&q, &r->found_id);
	sha256 = get_text(&q, NULL);
	r->body_differs =
		sha256 != NULL && r->body_sha256 != NULL && !str_eq(sha256, r->body_sha256);
	*ret_state = JOB_STATES;
	if (sqlite3_column_type(q.stmt, q.got) != SQLITE_NULL)
		*ret_state = get_job_state(&q);
	return query_check(&q, e);
}

/* Its time has not come. */
static bool is_early(const struct store_accept *r)
{
	return r->not_before > r->now_real;
}

static int64_t created_at(struct store_db *db, int64_t now_real)
{
	if (db->created_at >= now_real && db->created_at - now_real < CREATED_SHIFT_MAX)
		return ++db->created_at;
	return db->created_at = now_real;
}

/* The next seq; read once per transaction. */
static int seq_next(struct store_db *db, int64_t *ret, struct err *e)
{
	CLEANUP(query_closep) struct query q = QUERY_NULL;
	int rc;

	if (db->seq < 0) {
		query_open(&q, db, SLOT_SEQ_MAX, "SELECT coalesce(max(seq), 0) FROM jobs");
		rc = query_next(&q, e);
		if (rc < 0)
			return rc;
		db->seq = get_int(&q);
	}
	*ret = ++db->seq;
	return 0;
}

static int job_add(struct store_db *db, struct store_accept *r, int64_t seq, enum job_state state,
	struct err *e)
{
	CLEANUP(query_closep) struct query q;
	int64_t now = MAX_OF(r->now_real, 1);

	r->created_at = created_at(db, now);
	query_open(&q, db, SLOT_JOB_ADD,
		"INSERT INTO jobs(id, seq, pylon, state, reason, source, delivery_id, not_before, "
		"expires_at, created_at, queued_at, finished_at) "
		"VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	put_id(&q, &r->job_id);
	put_int(&q, seq);
	put_text(&q, r->pylon);
	put_text(&q, job_state_name(state));
	put_text(&q, state == JOB_REJECTED ? "full" : NULL);
	put_text(&q, r->source);
	put_text(&q, r->delivery_id);
	put_int(&q, state == JOB_QUEUED && is_early(r) ? r->not_before : 0);
	put_int(&q, state == JOB_AWAITING_APPROVAL ? r->expires_at : 0);
	put_int(&q, r->created_at);
	put_int(&q, state == JOB_QUEUED ? now : 0);
	put_int(&q, state == JOB_REJECTED ? now : 0);
	return query_exec(&q, e);
}

static int event_add(struct store_db *db, const struct store_accept *r, int64_t seq, struct err *e)
{
	CLEANUP(query_closep) struct query q;

	query_open(&q, db, SLOT_EVENT_ADD,
		"INSERT INTO events(job_seq, id, received_at, body_sha256, query, headers_json, body) "
		"VALUES(?, ?, ?, ?, ?, ?, ?)");
	put_int(&q, seq);
	put_id(&q, &r->event_id);
	put_int(&q, r->now_real);
	put_text(&q, r->body_sha256);
	put_text(&q, r->query);
	put_text(&q, r->headers_json);
	put_slice(&q, r->body.p == NULL ? SLICE_LIT("") : r->body);
	return query_exec(&q, e);
}

/* A rejected row more: the oldest beyond the limit go. */
static int rejected_limit(struct store_db *db, struct err *e)
{
	int64_t count;
	int rc;

	if (db->rejected >= 0)
		db->rejected++;
	rc = rejected_count(db, &count, e);
	if (rc < 0 || count <= REJECTED_ROWS_MAX)
		return rc;
	return rejected_trim(db, count - REJECTED_ROWS_MAX, e);
}

enum job_state accept_state(struct store_accept *r)
{
	if (r->needs_approval)
		return JOB_AWAITING_APPROVAL;
	if (is_early(r) || op_take_room(r->take_room, r->room_ctx, &r->took_room))
		return JOB_QUEUED;
	return JOB_REJECTED;
}

int accept_insert(struct store_db *db, struct store_accept *r, enum job_state state, struct err *e)
{
	int64_t seq;
	int rc;

	r->verdict = state == JOB_REJECTED ? ACCEPT_REJECTED : ACCEPT_NEW;
	r->found_id = r->job_id;
	r->body_differs = false;
	rc = seq_next(db, &seq, e);
	if (rc == 0)
		rc = job_add(db, r, seq, state, e);
	if (rc >= 0)
		rc = event_add(db, r, seq, e);
	if (rc >= 0 && state == JOB_REJECTED)
		return rejected_limit(db, e);
	if (rc >= 0)
		rc = outbox_add(db, &r->job_id, r->outgoing, r->outgoing_count, r->now_real, e);
	return rc;
}

static int job_revive(struct store_db *db, const struct store_accept *r, struct err *e)
{
	CLEANUP(query_closep) struct query q;

	db->rejected = -1;
	query_open(&q, db, SLOT_JOB_REVIVE,
		"UPDATE jobs SET state = 'queued', reason = NULL, not_before = ?, queued_at = ?, "
		"finished_at = 0 WHERE id = ? AND state = 'rejected'");
	put_int(&q, is_early(r) ? r->not_before : 0);
	put_int(&q, r->now_real);
	put_id(&q, &r->found_id);
	return query_exec(&q, e);
}

static int accept_known(struct store_db *db, struct store_accept *r, struct err *e)
{
	enum job_state state;
	int rc = key_get(db, r, &state, e);

	if (rc < 0)
		return rc;
	r->verdict = ACCEPT_DUPLICATE;
	if (state != JOB_REJECTED)
		return 0;
	r->verdict = ACCEPT_REJECTED;
	/* A pylon that asks for approval now: what was rejected before must not slip past it. */
	if (r->needs_approval || !job_may_move(state, JOB_QUEUED) || accept_state(r) != JOB_QUEUED)
		return 0;
	r->verdict = ACCEPT_REVIVED;
	return job_revive(db, r, e);
}

static int accept_run(struct store_op *op, struct err *e)
{
	struct store_accept *r = accept_of(op);
	int rc = 1;

	if (r->delivery_id != NULL)
		rc = key_add(op->db, r, e);
	if (rc < 0)
		return rc;
	rc = rc > 0 ? accept_insert(op->db, r, accept_state(r), e) : accept_known(op->db, r, e);
	return rc < 0 ? rc : 0;
}

void store_accept(struct store_db *db, struct store_accept *r)
{
	r->took_room = false;
	op_submit(db, &r->op, accept_run, FP_accept_before);
}
