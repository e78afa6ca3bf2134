/* SPDX-License-Identifier: MIT */
/*
 * model/occurrence.h - what became of the instants of a schedule.
 *
 * Every occurrence gets exactly one outcome, recorded before its job starts and never changed. The
 * pair (schedule, instant) is unique, within an epoch: a wall clock that is set back by more than
 * OCCURRENCE_BACK_MAX_US opens a new one. Long stretches of missed occurrences share one row.
 */
#ifndef PYLON_MODEL_OCCURRENCE_H
#define PYLON_MODEL_OCCURRENCE_H

#include "base/id.h"
#include "base/str.h"

#define OCCURRENCE_BACK_MAX_US (INT64_C(3) * 3600 * 1000000)

/* What happens to occurrences that were missed. */
enum catch_up {
	CATCH_UP_NONE,
	CATCH_UP_LAST,
	CATCH_UP_ALL,
	CATCH_UPS,
};

/* What happens when the job of an earlier occurrence is not over yet. */
enum overlap {
	OVERLAP_SKIP,
	OVERLAP_QUEUE_ONE,
	OVERLAP_QUEUE_ALL,
	OVERLAP_CANCEL_PREVIOUS,
	OVERLAP_ALLOW,
	OVERLAPS,
};

enum occurrence_outcome {
	OCCURRENCE_RAN,
	OCCURRENCE_RAN_LATE,
	OCCURRENCE_SKIPPED_OVERLAP,
	OCCURRENCE_SKIPPED_CATCH_UP,
	OCCURRENCE_SKIPPED_DISABLED,
	OCCURRENCE_SKIPPED_LIMIT,
	OCCURRENCE_FAILED_TO_START,
	OCCURRENCE_OUTCOMES,
};

const char *catch_up_name(enum catch_up c);
const char *overlap_name(enum overlap o);
const char *occurrence_outcome_name(enum occurrence_outcome o);
bool catch_up_from_name(const char *name, enum catch_up *ret);
bool overlap_from_name(const char *name, enum overlap *ret);
bool occurrence_outcome_from_name(const char *name, enum occurrence_outcome *ret);

/* One row of the ledger. */
struct occurrence {
	char *schedule; /* "trigger", or a task's id */
	int64_t epoch;  /* from 1 */
	int64_t at;     /* the instant; of the first one when count > 1 */
	int64_t last;   /* of the last one */
	int64_t count;
	enum occurrence_outcome outcome;
	struct id job_id;   /* "" when there is none */
	char *note;         /* why, for people; NULL = nothing to add */
	int64_t decided_at; /* wall clock when it was recorded */
};

void occurrence_fini(struct occurrence *o);

/* Where a schedule stands. */
struct schedule_state {
	char *spec;          /* expression and zone that decided_to belongs to, as one text */
	int64_t anchor;      /* instant of creation */
	int64_t epoch;       /* from 1 */
	int64_t decided_to;  /* every occurrence up to here has its row */
	int64_t disabled_at; /* not being watched since then; 0 = it is watched */
};

void schedule_state_fini(struct schedule_state *s);

#endif
