/* SPDX-License-Identifier: MIT */
/*
 * model/model.h - what a job, a run and a delivery are, and which moves they may make.
 *
 * Pure data. The states and their moves are tables (model.c); every move that is not in the table
 * is refused by the store before it touches a row. What happened beside the state ("oom",
 * "no_space", "engine_down" ...) is a reason, never a state. Times are wall-clock microseconds
 * since 1970 UTC, 0 = not yet.
 *
 * Records own their strings; *_fini() frees them and leaves an empty record. Strings may be NULL
 * where the comment says so.
 */
#ifndef PYLON_MODEL_MODEL_H
#define PYLON_MODEL_MODEL_H

#include "base/id.h"
#include "base/str.h"

enum job_state {
	JOB_AWAITING_APPROVAL,
	JOB_QUEUED,
	JOB_STARTING,
	JOB_RUNNING,
	JOB_COMPLETED,
	JOB_FAILED,
	JOB_TIMED_OUT,
	JOB_CANCELLED,
	JOB_LOST,
	JOB_DISMISSED,
	JOB_EXPIRED,
	JOB_REJECTED,
	JOB_STATES,
};

enum run_state {
	RUN_CREATED,
	RUN_STARTING,
	RUN_RUNNING,
	RUN_STOPPING,
	RUN_EXITED,
	RUN_LOST,
	RUN_STATES,
};

enum delivery_state {
	DELIVERY_SCHEDULED,
	DELIVERY_PENDING,
	DELIVERY_SENDING,
	DELIVERY_SENT,
	DELIVERY_ACKED,
	DELIVERY_DEAD,
	DELIVERY_UNKNOWN,
	DELIVERY_CANCELLED,
	DELIVERY_STATES,
};

const char *job_state_name(enum job_state s);
const char *run_state_name(enum run_state s);
const char *delivery_state_name(enum delivery_state s);
bool job_state_from_name(const char *name, enum job_state *ret);
bool run_state_from_name(const char *name, enum run_state *ret);
bool delivery_state_from_name(const char *name, enum delivery_state *ret);

/* The tables of moves. */
bool job_may_move(enum job_state from, enum job_state to);
bool run_may_move(enum run_state from, enum run_state to);
bool delivery_may_move(enum delivery_state from, enum delivery_state to);

/* completed, failed, timed_out, cancelled, lost, dismissed, expired, rejected */
bool job_is_over(enum job_state s);
/* starting or running: a run may be alive */
bool job_is_active(enum job_state s);
bool run_is_over(enum run_state s);

/* Why a run is being stopped; kept in the run row, so that a restart knows. */
enum stop_reason {
	STOP_NONE,
	STOP_CANCEL,
	STOP_TIMEOUT,
};

/* What a model API counted; 0 = nothing or not told. */
struct usage {
	int64_t input_tokens, output_tokens;
	int64_t cache_read_tokens, cache_write_tokens; /* input that was read from, written to a
							* cache of the API; not in input_tokens */
};

/* A person's next message in the conversation of a job. What its run is told instead of the
 * prompt. */
struct turn {
	char *text;
	char *session_id; /* to be continued: the job's when the message came; NULL = none */
	char *by;         /* NULL */
	int64_t created_at;
};

void turn_fini(struct turn *t);

/* One unit of work. */
struct job {
	struct id id;
	int64_t seq; /* order of acceptance within its database */
	char *pylon;
	enum job_state state;
	char *reason;       /* NULL: nothing to add */
	char *source;       /* "webhook", "manual", "api" */
	char *delivery_id;  /* the sender's, NULL = none */
	int attempt;        /* runs claimed so far */
	int failures;       /* runs that count against agent.retries since the last (re)queueing */
	int64_t not_before; /* queued: earliest start */
	int64_t expires_at; /* awaiting approval */
	int64_t created_at, queued_at, started_at, finished_at;
	int exit_code;      /* of the last run; -1 = unknown */
	char *result;       /* text for people, NULL = none */
	char *output_json;  /* the agent's whole output object, NULL = none */
	char *session_id;   /* NULL = none */
	double cost_usd;    /* over all runs */
	struct usage usage; /* over all runs */
	char *error;        /* why it failed, NULL */
	char *decided_by;   /* who approved, dismissed, killed, retried last; NULL */
};

void job_fini(struct job *j);

/* One attempt. */
struct run {
	struct id id; /* also the container's name ("pylon-<id>") and label */
	struct id job_id;
	int attempt;
	enum run_state state;
	enum stop_reason stop;
	char token_sha256[65]; /* of the secret in its callback URL */
	char *handle;          /* container id, NULL before it started */
	char *image;           /* NULL before claim told */
	char *report;          /* what it POSTed to its callback URL (JSON), NULL = nothing */
	int exit_code;         /* -1 = unknown */
	char *reason;          /* NULL */
	double cost_usd;
	struct usage usage;
	int64_t created_at, started_at, finished_at;
	int64_t timeout_us; /* fixed at claim; 0 = none */
};

void run_fini(struct run *r);

/* One message that must reach one destination. */
struct delivery {
	struct id id; /* also the idempotency key towards the destination */
	struct id job_id;
	char *kind;    /* "result", "approval", "notice" */
	char *channel; /* "stdout", "webhook" */
	enum delivery_state state;
	int attempt;
	bool may_repeat; /* an earlier attempt may have arrived: say so */
	int64_t due_at;
	int64_t created_at, sent_at;
	char *message; /* JSON: what is to be told (docs/architecture.md) */
	char *error;   /* of the last attempt, NULL */
};

void delivery_fini(struct delivery *d);

/* The immutable cause of a job, as it was accepted. */
struct event_record {
	char *source;
	char *headers_json; /* NULL = none */
	char *query;        /* NULL = none */
	char *body;         /* JSON object */
	size_t body_n;
	int64_t received_at;
};

void event_record_fini(struct event_record *e);

#endif
