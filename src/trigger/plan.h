/* SPDX-License-Identifier: MIT */
/*
 * trigger/plan.h - which occurrences of a schedule have to be decided now, and how.
 *
 * Pure: the ledger's state and the clock go in, decisions and the next due time come out. Missed
 * occurrences are counted by arithmetic; a plan never has more than PLAN_ROWS_MAX rows, so what
 * lies farther back shares one row. Whether a job really runs (slots, overlap) is decided later,
 * in the transaction that records it. docs/schedules.md tells users the rule.
 */
#ifndef PYLON_TRIGGER_PLAN_H
#define PYLON_TRIGGER_PLAN_H

#include "calendar/schedule.h"
#include "model/occurrence.h"

#define PLAN_CATCH_UP_MAX 100 /* jobs that catch_up: all makes at once */
#define PLAN_ROWS_OWN     100 /* so many of the newest occurrences have a row of their own */
/* Those, the jobs behind them, and what is left of two stretches of skipped ones. */
#define PLAN_ROWS_MAX       (PLAN_ROWS_OWN + PLAN_CATCH_UP_MAX + 2)
#define PLAN_STAGGER_US     (INT64_C(5) * 1000000)  /* between jobs that are late */
#define PLAN_ON_TIME_US     (INT64_C(60) * 1000000) /* up to here it is not late */
#define PLAN_WINDOW_DEFAULT (INT64_C(900) * 1000000)

struct plan_input {
	const struct schedule *schedule;
	enum catch_up catch_up;
	int64_t window_us;
	int64_t decided_to;  /* of the ledger */
	int64_t disabled_at; /* of the ledger: occurrences after it were not watched; 0 = none */
	int64_t now_real;
};

struct planned {
	int64_t at, last; /* first and last instant; equal unless count > 1 */
	int64_t count;
	enum occurrence_outcome outcome; /* RAN and RAN_LATE want a job */
	int64_t delay_us;                /* RAN_LATE: start this much after now (stagger) */
};

/* About 10 KB: for the heap, or made once and used again. */
struct plan {
	struct planned v[PLAN_ROWS_MAX]; /* oldest first */
	size_t n;
	bool is_new_epoch; /* the clock was set back too far: decided_to starts anew from now */
	/* After the plan is recorded; unchanged when n is 0 and it is no new epoch, which is the
	 * common case: then there is nothing to record. */
	int64_t decided_to;
	int64_t next_real; /* next occurrence to be decided; 0 = never again */
};

/* An occurrence that is exactly now is due. The newest one, up to PLAN_ON_TIME_US late, is on time
 * and runs; but not with `none` when older ones were missed by more than that, for then it is only
 * the end of a stretch in which nobody looked. All others are missed: `none` skips them; `last`
 * runs the newest late when it is within the window and none is on time; `all` runs those within
 * the window late, as many of the newest as make PLAN_CATCH_UP_MAX jobs with the one on time, which
 * starts first. The window includes its edge. Occurrences after disabled_at are SKIPPED_DISABLED.
 * plan.c tells why. */
void plan_make(const struct plan_input *in, struct plan *ret);

#endif
