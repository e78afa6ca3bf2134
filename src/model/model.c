/* SPDX-License-Identifier: MIT */
/*
 * The states of a job, a run and a delivery, their names, and the moves between them.
 *
 * Each table has one row per state with the set of states that may follow; what is not in the set
 * is refused, and a number that is no state may neither be left nor entered. The names are what the
 * database and the API show, so they never change.
 *
 * A run only goes forward but may skip steps: a run whose start failed goes from created to exited,
 * one that is stopped while it starts never becomes running, and so on. Its last two states are
 * final.
 */
#include "model/model.h"

#define TO(state) (1U << (unsigned)(state))

struct state_row {
	const char *name;
	unsigned next; /* set of TO() */
};

static const struct state_row job_rows[JOB_STATES] = {
	[JOB_AWAITING_APPROVAL] = {"awaiting_approval",
		TO(JOB_QUEUED) | TO(JOB_DISMISSED) | TO(JOB_EXPIRED) | TO(JOB_CANCELLED)},
	[JOB_QUEUED] = {"queued", TO(JOB_STARTING) | TO(JOB_FAILED) | TO(JOB_CANCELLED)},
	[JOB_STARTING] = {"starting", TO(JOB_RUNNING) | TO(JOB_QUEUED) | TO(JOB_FAILED) |
					      TO(JOB_CANCELLED) | TO(JOB_LOST)},
	[JOB_RUNNING] = {"running", TO(JOB_COMPLETED) | TO(JOB_FAILED) | TO(JOB_TIMED_OUT) |
					    TO(JOB_CANCELLED) | TO(JOB_LOST) | TO(JOB_QUEUED)},
	[JOB_COMPLETED] = {"completed", TO(JOB_QUEUED)},
	[JOB_FAILED] = {"failed", TO(JOB_QUEUED)},
	[JOB_TIMED_OUT] = {"timed_out", TO(JOB_QUEUED)},
	[JOB_CANCELLED] = {"cancelled", TO(JOB_QUEUED)},
	[JOB_LOST] = {"lost", TO(JOB_QUEUED)},
	[JOB_DISMISSED] = {"dismissed", 0},
	[JOB_EXPIRED] = {"expired", 0},
	[JOB_REJECTED] = {"rejected", TO(JOB_QUEUED)},
};

static const struct state_row run_rows[RUN_STATES] = {
	[RUN_CREATED] = {"created", TO(RUN_STARTING) | TO(RUN_RUNNING) | TO(RUN_STOPPING) |
					    TO(RUN_EXITED) | TO(RUN_LOST)},
	[RUN_STARTING] = {"starting",
		TO(RUN_RUNNING) | TO(RUN_STOPPING) | TO(RUN_EXITED) | TO(RUN_LOST)},
	[RUN_RUNNING] = {"running", TO(RUN_STOPPING) | TO(RUN_EXITED) | TO(RUN_LOST)},
	[RUN_STOPPING] = {"stopping", TO(RUN_EXITED) | TO(RUN_LOST)},
	[RUN_EXITED] = {"exited", 0},
	[RUN_LOST] = {"lost", 0},
};

static const struct state_row delivery_rows[DELIVERY_STATES] = {
	[DELIVERY_SCHEDULED] = {"scheduled", TO(DELIVERY_PENDING)},
	[DELIVERY_PENDING] = {"pending", TO(DELIVERY_SENDING) | TO(DELIVERY_CANCELLED)},
	[DELIVERY_SENDING] = {"sending", TO(DELIVERY_SENT) | TO(DELIVERY_PENDING) |
						 TO(DELIVERY_DEAD) | TO(DELIVERY_UNKNOWN)},
	[DELIVERY_SENT] = {"sent", TO(DELIVERY_ACKED)},
	[DELIVERY_ACKED] = {"acked", 0},
	[DELIVERY_DEAD] = {"dead", TO(DELIVERY_PENDING)},
	[DELIVERY_UNKNOWN] = {"unknown", TO(DELIVERY_PENDING)},
	[DELIVERY_CANCELLED] = {"cancelled", 0},
};

static bool row_may_move(const struct state_row *rows, unsigned count, unsigned from, unsigned to)
{
	return from < count && to < count && (rows[from].next & TO(to)) != 0;
}

static const char *row_name(const struct state_row *rows, unsigned count, unsigned state)
{
	must(state < count);
	return rows[state].name;
}

/* The state of that name, or `count`. */
static unsigned row_find(const struct state_row *rows, unsigned count, const char *name)
{
	unsigned i = 0;

	while (i < count && !str_eq(rows[i].name, name))
		i++;
	return i;
}

const char *job_state_name(enum job_state s)
{
	return row_name(job_rows, JOB_STATES, s);
}

const char *run_state_name(enum run_state s)
{
	return row_name(run_rows, RUN_STATES, s);
}

const char *delivery_state_name(enum delivery_state s)
{
	return row_name(delivery_rows, DELIVERY_STATES, s);
}

bool job_state_from_name(const char *name, enum job_state *ret)
{
	unsigned i = row_find(job_rows, JOB_STATES, name);

	if (i == JOB_STATES)
		return false;
	*ret = (enum job_state)i;
	return true;
}

bool run_state_from_name(const char *name, enum run_state *ret)
{
	unsigned i = row_find(run_rows, RUN_STATES, name);

	if (i == RUN_STATES)
		return false;
	*ret = (enum run_state)i;
	return true;
}

bool delivery_state_from_name(const char *name, enum delivery_state *ret)
{
	unsigned i = row_find(delivery_rows, DELIVERY_STATES, name);

	if (i == DELIVERY_STATES)
		return false;
	*ret = (enum delivery_state)i;
	return true;
}

bool job_may_move(enum job_state from, enum job_state to)
{
	return row_may_move(job_rows, JOB_STATES, from, to);
}

bool run_may_move(enum run_state from, enum run_state to)
{
	return row_may_move(run_rows, RUN_STATES, from, to);
}

bool delivery_may_move(enum delivery_state from, enum delivery_state to)
{
	return row_may_move(delivery_rows, DELIVERY_STATES, from, to);
}

bool job_is_over(enum job_state s)
{
	return s >= JOB_COMPLETED && s < JOB_STATES;
}

bool job_is_active(enum job_state s)
{
	return s == JOB_STARTING || s == JOB_RUNNING;
}

bool run_is_over(enum run_state s)
{
	return s == RUN_EXITED || s == RUN_LOST;
}

void turn_fini(struct turn *t)
{
	free(t->text);
	free(t->session_id);
	free(t->by);
	*t = (struct turn){0};
}

void job_fini(struct job *j)
{
	free(j->pylon);
	free(j->reason);
	free(j->source);
	free(j->delivery_id);
	free(j->result);
	free(j->output_json);
	free(j->session_id);
	free(j->error);
	free(j->decided_by);
	*j = (struct job){0};
}

void run_fini(struct run *r)
{
	free(r->handle);
	free(r->image);
	free(r->report);
	free(r->reason);
	*r = (struct run){0};
}

void delivery_fini(struct delivery *d)
{
	free(d->kind);
	free(d->channel);
	free(d->message);
	free(d->error);
	*d = (struct delivery){0};
}

void event_record_fini(struct event_record *e)
{
	free(e->source);
	free(e->headers_json);
	free(e->query);
	free(e->body);
	*e = (struct event_record){0};
}
