/* SPDX-License-Identifier: MIT */
/*
 * Reading jobs, their events and counts. All of it sees only what is committed.
 *
 * Every list walks an index in its own order and stops at its limit, so that a database with a
 * million finished jobs answers as fast as an empty one. A condition of a partial index has to
 * stand in the WHERE word for word, or SQLite does not use that index.
 *
 * A job's tokens are added up over its runs, by a statement of its own for each job, only where
 * people are shown it. The row of that job is still being read then, so both belong to one moment.
 *
 * The queue is served by seq, the order of acceptance: a wall clock that was set back must not let
 * anybody jump the queue. Lists for people are by created_at, which is what they page by.
 */
#include "base/limits.h"
#include "store/store_internal.h"

#define JOB_COLUMNS                                                                                  \
	"SELECT id, seq, pylon, state, reason, source, delivery_id, attempt, failures, not_before, " \
	"expires_at, created_at, queued_at, started_at, finished_at, exit_code, session_id, "        \
	"cost_usd, error, decided_by, result, output_json FROM jobs "

/* In the order of JOB_COLUMNS. */
static int job_read(struct query *q, struct job *ret, struct err *e)
{
	*ret = (struct job){0};
	get_id(q, &ret->id);
	ret->seq = get_int(q);
	ret->pylon = get_text(q, NULL);
	ret->state = get_job_state(q);
	ret->reason = get_text(q, NULL);
	ret->source = get_text(q, NULL);
	ret->delivery_id = get_text(q, NULL);
	ret->attempt = (int)get_int(q);
	ret->failures = (int)get_int(q);
	ret->not_before = get_int(q);
	ret->expires_at = get_int(q);
	ret->created_at = get_int(q);
	ret->queued_at = get_int(q);
	ret->started_at = get_int(q);
	ret->finished_at = get_int(q);
	ret->exit_code = (int)get_int(q);
	ret->session_id = get_text(q, NULL);
	ret->cost_usd = get_real(q);
	ret->error = get_text(q, NULL);
	ret->decided_by = get_text(q, NULL);
	ret->result = get_text(q, NULL);
	ret->output_json = get_text(q, NULL);
	return query_check(q, e);
}

/* The only row of an opened query; STORE_E_NOT_FOUND. */
static int job_one(struct query *q, struct job *ret, struct err *e)
{
	struct job j;
	int rc = query_next(q, e);

	if (rc <= 0)
		return rc < 0 ? rc : STORE_E_NOT_FOUND;
	rc = job_read(q, &j, e);
	if (rc < 0)
		job_fini(&j);
	else
		*ret = j;
	return rc;
}

/* The same, with what its runs used. */
static int job_one_with_usage(struct query *q, struct job *ret, struct err *e)
{
	struct job j;
	int rc = job_one(q, &j, e);

	if (rc != 0)
		return rc;
	rc = usage_sum(q->db, &j.id, &j.usage, e);
	if (rc < 0)
		job_fini(&j);
	else
		*ret = j;
	return rc;
}

/* Every row of an opened query. */
static int job_each(struct query *q, bool with_usage, void (*fn)(const struct job *j, void *ctx),
	void *ctx, struct err *e)
{
	int rc;

	while ((rc = query_next(q, e)) > 0) {
		CLEANUP(job_fini) struct job j;

		rc = job_read(q, &j, e);
		if (rc == 0 && with_usage)
			rc = usage_sum(q->db, &j.id, &j.usage, e);
		if (rc < 0)
			return rc;
		fn(&j, ctx);
	}
	return rc;
}

int store_job(struct store_db *db, const struct id *id, struct job *ret, struct err *e)
{
	CLEANUP(query_closep) struct query q;

	query_open(&q, db, SLOT_GET_JOB, JOB_COLUMNS "WHERE id = ?");
	put_id(&q, id);
	return job_one_with_usage(&q, ret, e);
}

int store_job_by_prefix(struct store_db *db, const char *prefix, struct job *ret, struct err *e)
{
	CLEANUP(query_closep) struct query q;
	CLEANUP(freep) char *end = xasprintf("%s~", prefix); /* behind every character of an id */
	struct job j;
	int rc;

	query_open(&q, db, SLOT_GET_PREFIX, JOB_COLUMNS "WHERE id >= ? AND id < ? LIMIT 2");
	put_text(&q, prefix);
	put_text(&q, end);
	rc = job_one_with_usage(&q, &j, e);
	if (rc != 0)
		return rc;
	rc = query_next(&q, e);
	if (rc != 0) {
		job_fini(&j);
		return rc < 0 ? rc : STORE_E_STATE;
	}
	*ret = j;
	return 0;
}

int store_event(
	struct store_db *db, const struct id *job_id, struct event_record *ret, struct err *e)
{
	CLEANUP(query_closep) struct query q;
	int rc;

	query_open(&q, db, SLOT_GET_EVENT,
		"SELECT j.source, v.headers_json, v.query, v.body, v.received_at "
		"FROM jobs j JOIN events v ON v.job_seq = j.seq WHERE j.id = ?");
	put_id(&q, job_id);
	rc = query_next(&q, e);
	if (rc <= 0)
		return rc < 0 ? rc : STORE_E_NOT_FOUND;
	ret->source = get_text(&q, NULL);
	ret->headers_json = get_text(&q, NULL);
	ret->query = get_text(&q, NULL);
	ret->body = get_text(&q, &ret->body_n);
	ret->received_at = get_int(&q);
	return 0;
}

int store_jobs(struct store_db *db, const struct store_job_query *q,
	void (*fn)(const struct job *j, void *ctx), void *ctx, struct err *e)
{
	CLEANUP(query_closep) struct query list;
	bool is_any = q->state >= JOB_STATES;

	if (is_any) {
		query_open(&list, db, SLOT_LIST_JOBS,
			JOB_COLUMNS "WHERE created_at < ? ORDER BY created_at DESC LIMIT ?");
	} else {
		query_open(&list, db, SLOT_LIST_STATE,
			JOB_COLUMNS "WHERE state = ? AND created_at < ? "
				    "ORDER BY created_at DESC LIMIT ?");
		put_text(&list, job_state_name(q->state));
	}
	put_int(&list, q->before_created > 0 ? q->before_created : INT64_MAX);
	put_int(&list, q->limit > 0 ? (int64_t)q->limit : LIST_LIMIT_DEFAULT);
	return job_each(&list, true, fn, ctx, e);
}

int store_open_jobs(struct store_db *db, bool active_only,
	void (*fn)(const struct job *j, void *ctx), void *ctx, struct err *e)
{
	CLEANUP(query_closep) struct query q;

	if (active_only)
		query_open(&q, db, SLOT_LIST_ACTIVE,
			JOB_COLUMNS "WHERE state IN ('starting','running') ORDER BY seq");
	else
		query_open(&q, db, SLOT_LIST_OPEN,
			JOB_COLUMNS "WHERE state IN ('awaiting_approval','queued','starting',"
				    "'running') ORDER BY seq");
	return job_each(&q, false, fn, ctx, e);
}

/* One number that may be absent: 0 then. */
static int time_one(struct query *q, int64_t *ret, struct err *e)
{
	int rc = query_next(q, e);

	if (rc < 0)
		return rc;
	*ret = rc > 0 ? get_int(q) : 0;
	return 0;
}

#define NEXT_QUEUED(extra)                                                                         \
	JOB_COLUMNS "WHERE seq = (SELECT seq FROM jobs INDEXED BY jobs_queue "                     \
		    "WHERE state = 'queued' AND not_before <= ? " extra "ORDER BY seq LIMIT 1)"
#define NEXT_DELAYED(extra)                                                                        \
	"SELECT not_before FROM jobs INDEXED BY jobs_delayed WHERE state = 'queued' "              \
	"AND not_before > 0 " extra "ORDER BY not_before LIMIT 1"
#define NOT_SCHEDULED "AND source <> 'schedule' "

int store_next_queued(struct store_db *db, int64_t now_real, bool not_scheduled, struct job *ret,
	int64_t *ret_next_due, struct err *e)
{
	CLEANUP(query_closep) struct query q;
	CLEANUP(query_closep) struct query next = QUERY_NULL;
	int rc;

	/* The inner SELECT is answered by jobs_queue alone (but for the source, which is looked up
	 * for those that are due), so jobs that are not due are cheap. */
	if (not_scheduled)
		query_open(&q, db, SLOT_NEXT_UNSCHEDULED, NEXT_QUEUED(NOT_SCHEDULED));
	else
		query_open(&q, db, SLOT_NEXT_QUEUED, NEXT_QUEUED(""));
	put_int(&q, now_real);
	rc = job_one(&q, ret, e);
	if (rc != STORE_E_NOT_FOUND)
		return rc;
	if (not_scheduled)
		query_open(&next, db, SLOT_NEXT_UNSCHEDULED_DELAYED, NEXT_DELAYED(NOT_SCHEDULED));
	else
		query_open(&next, db, SLOT_NEXT_DELAYED, NEXT_DELAYED(""));
	rc = time_one(&next, ret_next_due, e);
	return rc < 0 ? rc : STORE_E_NOT_FOUND;
}

int store_next_expiry(struct store_db *db, int64_t *ret_at, struct id *ret_job, struct err *e)
{
	CLEANUP(query_closep) struct query q;
	int rc;

	query_open(&q, db, SLOT_NEXT_EXPIRY,
		"SELECT expires_at, id FROM jobs INDEXED BY jobs_expiry "
		"WHERE state = 'awaiting_approval' AND expires_at > 0 ORDER BY expires_at LIMIT 1");
	rc = time_one(&q, ret_at, e);
	if (rc == 0 && *ret_at > 0)
		get_id(&q, ret_job);
	return rc;
}

/* --- counts --- */

static int count_jobs(struct store_db *db, struct store_counts *ret, struct err *e)
{
	CLEANUP(query_closep) struct query q;
	int rc;

	query_open(&q, db, SLOT_COUNT_JOBS,
		"SELECT state, count(*) FROM jobs WHERE state IN ('awaiting_approval','queued',"
		"'starting','running') GROUP BY state");
	while ((rc = query_next(&q, e)) > 0) {
		enum job_state s = get_job_state(&q);

		rc = query_check(&q, e);
		if (rc < 0)
			return rc;
		ret->jobs[s] = get_int(&q);
	}
	return rc;
}

static int count_deliveries(struct store_db *db, struct store_counts *ret, struct err *e)
{
	CLEANUP(query_closep) struct query q;
	int rc;

	query_open(&q, db, SLOT_COUNT_DELIVERIES,
		"SELECT state, count(*) FROM deliveries "
		"WHERE state IN ('pending','sending','dead','unknown') GROUP BY state");
	while ((rc = query_next(&q, e)) > 0) {
		enum delivery_state s = get_delivery_state(&q);

		rc = query_check(&q, e);
		if (rc < 0)
			return rc;
		ret->deliveries[s] = get_int(&q);
	}
	return rc;
}

int store_count(
	struct store_db *db, int64_t now_real UNUSED, struct store_counts *ret, struct err *e)
{
	CLEANUP(query_closep) struct query q = QUERY_NULL;
	struct store_counts c = {0};
	int rc = count_jobs(db, &c, e);

	if (rc == 0)
		rc = count_deliveries(db, &c, e);
	if (rc < 0)
		return rc;
	query_open(&q, db, SLOT_COUNT_NOW,
		"SELECT count(*) FROM jobs INDEXED BY jobs_queue "
		"WHERE state = 'queued' AND not_before = 0");
	rc = time_one(&q, &c.queued_now, e);
	if (rc == 0)
		*ret = c;
	return rc;
}
