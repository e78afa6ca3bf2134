/* SPDX-License-Identifier: MIT */
/*
 * store/read.h - the reading half of store.h, which includes it.
 *
 * Everything here sees only what is committed, may be called any time outside store_commit(), and
 * answers 0, a negative errno, or STORE_E_NOT_FOUND (a single row that is not there). What is
 * returned in a record belongs to the caller (*_fini()); what a callback gets lives for the call. A
 * callback may read and may hand over operations, but not close the database.
 */
#ifndef PYLON_STORE_READ_H
#define PYLON_STORE_READ_H

#include "base/err.h"
#include "model/model.h"

struct store_db;

/* A job's usage is filled in by the reads that show a job to people: these two and store_jobs().
 * The others leave it 0. */
NODISCARD int store_job(struct store_db *db, const struct id *id, struct job *ret, struct err *e);
/* A unique prefix of an id. STORE_E_NOT_FOUND; STORE_E_STATE when several match. */
NODISCARD int store_job_by_prefix(
	struct store_db *db, const char *prefix, struct job *ret, struct err *e);
NODISCARD int store_event(
	struct store_db *db, const struct id *job_id, struct event_record *ret, struct err *e);
NODISCARD int store_run(
	struct store_db *db, const struct id *run_id, struct run *ret, struct err *e);
/* Calls fn for each run of a job, oldest first. */
NODISCARD int store_runs(struct store_db *db, const struct id *job_id,
	void (*fn)(const struct run *r, void *ctx), void *ctx, struct err *e);

/* What the job's present (or last) run is told instead of the prompt: the newest turn that a run
 * has taken. A turn that still waits for its run is none. STORE_E_NOT_FOUND: its event is all there
 * is. */
NODISCARD int store_turn(
	struct store_db *db, const struct id *job_id, struct turn *ret, struct err *e);

/* Newest first; `limit` 0 = LIST_LIMIT_DEFAULT. `state` JOB_STATES = any. created_at is unique
 * within a database (a later job of the same instant is moved on by microseconds), so paging by the
 * last row's created_at neither repeats nor skips. */
struct store_job_query {
	enum job_state state;
	int64_t before_created; /* wall clock us, 0 = none: jobs older than this */
	size_t limit;
};
NODISCARD int store_jobs(struct store_db *db, const struct store_job_query *q,
	void (*fn)(const struct job *j, void *ctx), void *ctx, struct err *e);
/* Every job that is not over, oldest first (start-up). */
NODISCARD int store_open_jobs(struct store_db *db, bool active_only,
	void (*fn)(const struct job *j, void *ctx), void *ctx, struct err *e);
/* The run of a job that is not over; STORE_E_NOT_FOUND when none is. */
NODISCARD int store_living_run(
	struct store_db *db, const struct id *job_id, struct run *ret, struct err *e);
/* The oldest (by acceptance) queued job that is due; when none is, STORE_E_NOT_FOUND with
 * *ret_next_due (0 = none). not_scheduled: jobs of occurrences are passed over, as if they were not
 * there. */
NODISCARD int store_next_queued(struct store_db *db, int64_t now_real, bool not_scheduled,
	struct job *ret, int64_t *ret_next_due, struct err *e);
/* Of jobs awaiting approval: the earliest expires_at (0 = none), and one that has expired. */
NODISCARD int store_next_expiry(
	struct store_db *db, int64_t *ret_at, struct id *ret_job, struct err *e);
/* Deliveries that are pending and due and whose job has no earlier unfinished delivery to the same
 * channel, oldest first, at most `limit`; *ret_next_due = when the next will be (0 = none). */
NODISCARD int store_due_deliveries(struct store_db *db, int64_t now_real, size_t limit,
	void (*fn)(const struct delivery *d, void *ctx), void *ctx, int64_t *ret_next_due,
	struct err *e);
NODISCARD int store_delivery(
	struct store_db *db, const struct id *id, struct delivery *ret, struct err *e);
/* Deliveries of one job (job_id != NULL) or of all, newest first; `state` DELIVERY_STATES = any. */
NODISCARD int store_deliveries(struct store_db *db, const struct id *job_id,
	enum delivery_state state, size_t limit, void (*fn)(const struct delivery *d, void *ctx),
	void *ctx, struct err *e);

struct store_counts {
	int64_t jobs[JOB_STATES]; /* only states that are not over are exact; the rest are 0 */
	int64_t queued_now;       /* queued with not_before 0: they hold a slot */
	int64_t deliveries[DELIVERY_STATES]; /* pending, sending, dead, unknown */
};
NODISCARD int store_count(
	struct store_db *db, int64_t now_real, struct store_counts *ret, struct err *e);

#endif
