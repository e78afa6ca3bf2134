/* SPDX-License-Identifier: MIT */
/*
 * trigger/plan.c - what becomes of the occurrences that nobody has decided yet.
 *
 * The rule in plain words. The ledger says up to which instant everything is decided. What lies
 * after that and not after now is decided here, each occurrence exactly once:
 *
 *   1. The clock stands before the decided instant. Up to 3 hours nothing happens until it has
 *      caught up: what was decided stays decided. Farther back, waiting would be silence: a new
 *      epoch begins, in which everything up to now counts as decided.
 *   2. Nothing lies in between: sleep until the next one. This is nearly every call, and one
 * search.
 *   3. What was switched off when it came, was skipped for that, however young it is: whoever
 *      switches a pylon on again does not ask for what it missed.
 *   4. The newest occurrence is at most a minute old: it is on time and runs.
 *   5. The rest was missed: the daemon was down, stopped or suspended, or the clock jumped.
 * catch_up says what of it runs late. It makes one job at most with `last`, and that is the one on
 * time if there is one: ten missed minutes are one run.
 *
 * `none` is strict: when the oldest undecided occurrence is more than a minute old, nobody was
 * looking, and then the newest is missed like the others even if it is on time by itself. Without
 * this a job of every minute would always make up for the last minute of a pause. An occurrence
 * that is alone and on time runs with `none`, too: a daemon that is restarted, or a machine that is
 * busy for some seconds, loses nothing.
 *
 * So (decided_to, now] falls into at most four stretches, oldest first: missed and skipped, missed
 * and run late, skipped as disabled, on time. They are taken off from the newest end and the rows
 * turned round in the end. No stretch is ever walked: the newest occurrences are found one by one,
 * at most PLAN_ROWS_OWN + PLAN_CATCH_UP_MAX; what is left of a stretch is counted and shares a row.
 */
#include "trigger/plan.h"

struct planner {
	const struct plan_input *in;
	struct plan *plan;
	int64_t end; /* what lies after it is in the plan already */
	bool is_on_time;
};

static void add(
	struct planner *p, int64_t at, int64_t last, int64_t count, enum occurrence_outcome outcome)
{
	must(p->plan->n < PLAN_ROWS_MAX);
	p->plan->v[p->plan->n++] =
		(struct planned){.at = at, .last = last, .count = count, .outcome = outcome};
}

/* Rows of their own for the newest occurrences after `after`, at most max. */
static void take_each(struct planner *p, int64_t after, size_t max, enum occurrence_outcome outcome)
{
	int64_t at;

	while (max-- > 0 && schedule_previous(p->in->schedule, p->end, &at) && at > after) {
		add(p, at, at, 1, outcome);
		p->end = at - 1;
	}
}

/* All after `after`: the newest with rows of their own, the others in one. */
static void take_stretch(struct planner *p, int64_t after, enum occurrence_outcome outcome)
{
	const struct schedule *s = p->in->schedule;
	int64_t first, last;

	if (p->plan->n < PLAN_ROWS_OWN)
		take_each(p, after, PLAN_ROWS_OWN - p->plan->n, outcome);
	if (schedule_next(s, after, &first) && first <= p->end &&
		schedule_previous(s, p->end, &last))
		add(p, first, last, schedule_count(s, after, p->end), outcome);
	p->end = MIN_OF(p->end, after);
}

/* Up to where occurrences were watched. */
static int64_t watched_to(const struct plan_input *in)
{
	return in->disabled_at == 0 ? in->now_real : MAX_OF(in->disabled_at, in->decided_to);
}

static bool is_on_time(const struct plan_input *in, int64_t at)
{
	return in->now_real - at <= PLAN_ON_TIME_US;
}

/* Does the newest occurrence run by itself? `first` is the oldest. */
static bool runs_on_time(const struct plan_input *in, int64_t first, int64_t newest)
{
	return is_on_time(in, newest) && newest <= watched_to(in) &&
	       (in->catch_up != CATCH_UP_NONE || is_on_time(in, first));
}

static size_t late_jobs_max(const struct planner *p)
{
	size_t taken = p->is_on_time ? 1 : 0;

	switch (p->in->catch_up) {
	case CATCH_UP_LAST:
		return 1 - taken;
	case CATCH_UP_ALL:
		return PLAN_CATCH_UP_MAX - taken;
	case CATCH_UP_NONE:
	case CATCH_UPS:
		break;
	}
	return 0;
}

/* The instant after which an occurrence is young enough to run late. */
static int64_t window_start(const struct plan_input *in)
{
	if (in->window_us >= in->now_real - in->decided_to)
		return in->decided_to;
	return in->now_real - in->window_us - 1;
}

static void take_missed(struct planner *p)
{
	take_each(p, window_start(p->in), late_jobs_max(p), OCCURRENCE_RAN_LATE);
	take_stretch(p, p->in->decided_to, OCCURRENCE_SKIPPED_CATCH_UP);
}

static void turn_round(struct plan *plan)
{
	for (size_t i = 0, j = plan->n; i < j; i++) {
		struct planned row = plan->v[i];

		plan->v[i] = plan->v[--j];
		plan->v[j] = row;
	}
}

/* One after the other, the one on time first. */
static void stagger(const struct planner *p)
{
	int64_t delay_us = p->is_on_time ? PLAN_STAGGER_US : 0;

	for (size_t i = 0; i < p->plan->n; i++) {
		if (p->plan->v[i].outcome != OCCURRENCE_RAN_LATE)
			continue;
		p->plan->v[i].delay_us = delay_us;
		delay_us += PLAN_STAGGER_US;
	}
}

/* `first` is the oldest occurrence; there is one. */
static void decide(const struct plan_input *in, int64_t first, struct plan *ret)
{
	struct planner p = {.in = in, .plan = ret, .end = in->now_real};
	int64_t newest;

	p.is_on_time =
		schedule_previous(in->schedule, p.end, &newest) && runs_on_time(in, first, newest);
	if (p.is_on_time)
		take_each(&p, in->decided_to, 1, OCCURRENCE_RAN);
	take_stretch(&p, watched_to(in), OCCURRENCE_SKIPPED_DISABLED);
	take_missed(&p);
	turn_round(ret);
	stagger(&p);
}

/* 0 when there is none. */
static int64_t next_after(const struct plan_input *in, int64_t after)
{
	int64_t at;

	return schedule_next(in->schedule, after, &at) ? at : 0;
}

void plan_make(const struct plan_input *in, struct plan *ret)
{
	int64_t first = next_after(in, in->decided_to);

	ret->n = 0;
	ret->is_new_epoch = in->decided_to - in->now_real > OCCURRENCE_BACK_MAX_US;
	ret->decided_to = in->decided_to;
	ret->next_real = first;
	if (!ret->is_new_epoch && (first == 0 || first > in->now_real))
		return;
	if (!ret->is_new_epoch)
		decide(in, first, ret);
	ret->decided_to = in->now_real;
	ret->next_real = next_after(in, in->now_real);
}
