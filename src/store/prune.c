/* SPDX-License-Identifier: MIT */
/*
 * Forgetting: finished jobs, occurrences and dedupe keys past their age, rejected rows past their
 * number.
 *
 * One call removes one small batch, so that no turn of the loop waits long; `more` asks for the
 * next. A job goes with its event, runs, turns and deliveries, but never while a message about it
 * is still to be sent. The key of a rejected job goes with it: a key without its row would call a
 * delivery that never ran a duplicate. An occurrence outlives its job: it is what tells which of
 * the jobs still open are its schedule's, and the newest one is what people are shown.
 */
#include "base/limits.h"
#include "store/store_internal.h"

#define PRUNE_JOBS        40
#define PRUNE_DEDUPE      200
#define PRUNE_OCCURRENCES 200

/* A job to be removed. */
struct victim {
	struct id id;
	bool is_rejected;
	char *delivery_id;
};

static int key_drop(struct store_db *db, const struct victim *v, struct err *e)
{
	CLEANUP(query_closep) struct query q;

	query_open(&q, db, SLOT_DEDUPE_DROP, "DELETE FROM dedupe WHERE key = ? AND job_id = ?");
	put_text(&q, v->delivery_id);
	put_id(&q, &v->id);
	return query_exec(&q, e);
}

static int job_drop(struct store_db *db, const struct victim *v, struct err *e)
{
	CLEANUP(query_closep) struct query q;

	query_open(&q, db, SLOT_JOB_DROP, "DELETE FROM jobs WHERE id = ?");
	put_id(&q, &v->id);
	return query_exec(&q, e);
}

/* Removes the jobs of an opened query "id, state, delivery_id"; their number. The list is read to
 * its end first: deleting under a running SELECT is undefined in SQLite. */
static int drop_all(struct query *q, struct err *e)
{
	struct victim victims[PRUNE_JOBS];
	int n = 0, rc;

	while ((rc = query_next(q, e)) > 0 && n < PRUNE_JOBS) {
		get_id(q, &victims[n].id);
		victims[n].is_rejected = get_job_state(q) == JOB_REJECTED;
		victims[n++].delivery_id = get_text(q, NULL);
	}
	for (int i = 0; i < n; i++) {
		if (rc >= 0 && victims[i].is_rejected && victims[i].delivery_id != NULL)
			rc = key_drop(q->db, &victims[i], e);
		if (rc >= 0)
			rc = job_drop(q->db, &victims[i], e);
		free(victims[i].delivery_id);
	}
	return rc < 0 ? rc : n;
}

int rejected_count(struct store_db *db, int64_t *ret, struct err *e)
{
	CLEANUP(query_closep) struct query q = QUERY_NULL;
	int rc;

	if (db->rejected < 0) {
		query_open(&q, db, SLOT_REJECTED_COUNT,
			"SELECT count(*) FROM jobs WHERE state = 'rejected'");
		rc = query_next(&q, e);
		if (rc < 0)
			return rc;
		db->rejected = get_int(&q);
	}
	*ret = db->rejected;
	return 0;
}

int rejected_trim(struct store_db *db, int64_t count, struct err *e)
{
	CLEANUP(query_closep) struct query q;
	int rc;

	query_open(&q, db, SLOT_REJECTED_OLDEST,
		"SELECT id, state, delivery_id FROM jobs WHERE state = 'rejected' "
		"ORDER BY created_at LIMIT ?");
	put_int(&q, MIN_OF(count, PRUNE_JOBS));
	rc = drop_all(&q, e);
	if (rc > 0)
		db->rejected -= rc;
	return rc;
}

static int jobs_prune(struct store_db *db, int64_t before, struct err *e)
{
	CLEANUP(query_closep) struct query q;

	query_open(&q, db, SLOT_PRUNE_JOBS,
		"SELECT id, state, delivery_id FROM jobs j WHERE finished_at > 0 AND finished_at < ? "
		"AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.job_id = j.id "
		"AND d.state IN ('scheduled','pending','sending')) ORDER BY finished_at LIMIT ?");
	put_int(&q, before);
	put_int(&q, PRUNE_JOBS);
	return drop_all(&q, e);
}

/* Looks at the oldest keys only. `seq` is the order of arrival: behind a key from the future (the
 * clock was wrong) the others wait, but nothing is lost and nothing is scanned in vain. */
static int dedupe_prune(struct store_db *db, int64_t before, struct err *e)
{
	CLEANUP(query_closep) struct query q;

	query_open(&q, db, SLOT_PRUNE_DEDUPE,
		"DELETE FROM dedupe WHERE created_at < ? AND seq IN "
		"(SELECT seq FROM dedupe ORDER BY seq LIMIT ?)");
	put_int(&q, before);
	put_int(&q, PRUNE_DEDUPE);
	return query_exec(&q, e);
}

/* Oldest instants first: no instant is decided before it has come, so what was decided long ago is
 * at the low end of that index. */
static int occurrences_prune(struct store_db *db, int64_t before, struct err *e)
{
	CLEANUP(query_closep) struct query q;

	query_open(&q, db, SLOT_PRUNE_OCCURRENCES,
		"DELETE FROM occurrences WHERE rowid IN ("
		"SELECT o.rowid FROM occurrences o INDEXED BY occurrences_newest "
		"WHERE o.at < ?1 AND o.decided_at < ?1 "
		"AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.id = o.job_id) "
		"AND o.rowid <> (SELECT n.rowid FROM occurrences n WHERE n.schedule = o.schedule "
		"ORDER BY n.epoch DESC, n.at DESC LIMIT 1) ORDER BY o.at LIMIT ?2)");
	put_int(&q, before);
	put_int(&q, PRUNE_OCCURRENCES);
	return query_exec(&q, e);
}

/* Adds one step's rows to the answer; a full batch means that more may wait. */
static int tally(struct store_prune *r, int rows, int batch)
{
	if (rows < 0)
		return rows;
	r->rows += rows;
	r->more = r->more || rows >= batch;
	return 0;
}

static int prune_run(struct store_op *op, struct err *e)
{
	struct store_prune *r = container_of(op, struct store_prune, op);
	int64_t rejected;
	int rc = rejected_count(op->db, &rejected, e);

	r->rows = 0;
	r->more = false;
	if (rc == 0 && rejected > REJECTED_ROWS_MAX)
		rc = tally(r, rejected_trim(op->db, rejected - REJECTED_ROWS_MAX, e), PRUNE_JOBS);
	if (rc == 0 && r->jobs_before > 0)
		rc = tally(r, jobs_prune(op->db, r->jobs_before, e), PRUNE_JOBS);
	if (rc == 0 && r->jobs_before > 0)
		rc = tally(r, occurrences_prune(op->db, r->jobs_before, e), PRUNE_OCCURRENCES);
	if (rc == 0 && r->dedupe_before > 0)
		rc = tally(r, dedupe_prune(op->db, r->dedupe_before, e), PRUNE_DEDUPE);
	op->db->rejected = -1;
	return rc;
}

void store_prune(struct store_db *db, struct store_prune *r)
{
	op_submit(db, &r->op, prune_run, -1);
}
