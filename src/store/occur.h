/* SPDX-License-Identifier: MIT */
/*
 * store/occur.h - the part of store.h (which includes it) that is about schedules: their state and
 * the ledger of their occurrences.
 */
#ifndef PYLON_STORE_OCCUR_H
#define PYLON_STORE_OCCUR_H

#include "model/occurrence.h"

/* --- T1 for schedules --- occurrences are decided: rows of the ledger, the jobs of those that run,
 * and how far the schedule is decided, in one transaction. */
struct store_occurrence {
	/* in */
	int64_t at, last, count;
	enum occurrence_outcome outcome; /* also out; RAN and RAN_LATE: a job is to be made */
	const char *note;                /* may be NULL; stored whatever the outcome */
	/* Of those that are to run: everything but its op is used, as by store_accept(), but a
	 * delivery id is only noted, not claimed. NULL otherwise. Its verdict is ACCEPT_NEW exactly
	 * when the job was made, else ACCEPT_REJECTED: the rule for giving room back is T1's. */
	struct store_accept *job;
	enum occurrence_outcome wanted; /* the store's */
	/* out */
	bool was_known; /* the instant has its row already (or is part of one): nothing was done */
	/* outcome: SKIPPED_OVERLAP or SKIPPED_LIMIT when that is what became of it */
};

struct store_occur {
	struct store_op op;
	/* in */
	const char *schedule; /* "trigger" */
	int64_t epoch;
	int64_t decided_to; /* never moves back within an epoch */
	/* What an open job of an earlier occurrence of this schedule means: `skip` skips;
	 * `queue_one` skips when one is waiting (queued, or for its approval); the others do not
	 * look. Jobs made by the occurrences before it in this request count. */
	enum overlap overlap;
	int64_t now_real;
	struct store_occurrence *v; /* oldest first */
	size_t n;
};
/* STORE_E_NOT_FOUND when the schedule has no state row of this epoch. A job that finds no room
 * leaves no row in jobs, only the outcome SKIPPED_LIMIT. */
void store_occur(struct store_db *db, struct store_occur *r);

/* Makes or replaces the state of a schedule: it is new, its text changed, it was switched off or
 * on, or a new epoch begins. Within an epoch decided_to keeps the later value, also here.
 * STORE_E_STATE when the stored epoch is a later one. */
struct store_schedule {
	struct store_op op;
	const char *schedule;
	const char *spec;
	int64_t anchor, epoch, decided_to, disabled_at;
};
void store_schedule(struct store_db *db, struct store_schedule *r);

/* STORE_E_NOT_FOUND when it was never seen; schedule_state_fini(). */
NODISCARD int store_schedule_state(
	struct store_db *db, const char *schedule, struct schedule_state *ret, struct err *e);
/* Newest first; `schedule` NULL = all; `before` 0 = from the newest, else rows whose `at` is
 * earlier; limit 0 = LIST_LIMIT_DEFAULT. Rows with the same `at` (of several schedules or epochs)
 * are never parted, so that paging by the last row's `at` skips nothing: a page may be longer than
 * its limit by those. */
NODISCARD int store_occurrences(struct store_db *db, const char *schedule, int64_t before,
	size_t limit, void (*fn)(const struct occurrence *o, void *ctx), void *ctx, struct err *e);
/* The occurrence that made this job; STORE_E_NOT_FOUND. occurrence_fini(). */
NODISCARD int store_occurrence_of(
	struct store_db *db, const struct id *job_id, struct occurrence *ret, struct err *e);

#endif
