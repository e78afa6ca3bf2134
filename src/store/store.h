/* SPDX-License-Identifier: MIT */
/*
 * store/store.h - the only SQL: databases that are opened, checked and migrated by one piece of
 * code, and one function per transaction of the flow (docs/architecture.md, T1-T6).
 *
 * Group commit. A transaction is asked for by handing over an operation (struct store_op, embedded
 * first in each request below). It is executed at the end of the loop's turn by store_commit(): per
 * database one BEGIN IMMEDIATE, all operations in order, one COMMIT, then every operation's `done`
 * in the same order. So a turn costs one sync per database however many requests it serves, and
 * nothing is answered before it is on disk (WAL, synchronous=FULL).
 *
 * Every state change inside is a compare-and-set that model's table allows. A condition (the row is
 * not in the expected state, a duplicate ...) fails no other operation of the turn. A failure of
 * the database (full, I/O) fails the whole turn: operations marked `must` are kept and tried again,
 * the others' `done` gets the negative errno. A busy database keeps everything for up to
 * STORE_BUSY_US, then fails what is not `must`. An operation whose own values the database refuses
 * (-EINVAL, -E2BIG: a bug of its caller) fails alone, even if it is `must`.
 *
 * Ownership: the caller owns the request struct and all it points to, and keeps both until `done`
 * was called. `done` may free the request and may hand over new operations (they belong to the next
 * turn), read, and close its database. Reads see only what is committed; take_room may not read.
 */
#ifndef PYLON_STORE_STORE_H
#define PYLON_STORE_STORE_H

#include "base/err.h"
#include "model/model.h"

struct store;
struct store_db;

/* --- opening --- */

/* `wake` is called when the first operation of a turn is handed over (so that the loop turns). */
struct store *store_new(void (*wake)(void *ctx), void *ctx);
/* Closes all databases; operations not committed are dropped without `done`. */
void store_free(struct store *s);
DEFINE_FREEP(struct store, store_free)

struct store_migration {
	int from, to;     /* schema versions; from == to: nothing was migrated */
	int64_t rows;     /* jobs taken over */
	char backup[512]; /* path of the verified copy made before */
};

/* Opens (or creates) a jobs.db: header and schema are checked, quick_check runs under a time limit,
 * versions 0-2 (the Go program's) and older ones of ours are migrated after a verified backup into
 * <folder>/.backups/. -EUCLEAN: damaged (nothing was touched). -EPROTO: made by a newer version.
 * `pylon` is written into rows of old versions that lack it. *ret_migration may be NULL. */
NODISCARD int store_open(struct store *s, const char *path, const char *pylon,
	struct store_db **ret, struct store_migration *ret_migration, struct err *e);
/* Closes one database that has no waiting operations. */
void store_close(struct store_db *db);

/* PRAGMA integrity_check on a read-only connection of its own; for a child process. 0 = sound,
 * -EUCLEAN with the first complaint in *e. */
NODISCARD int store_check(const char *path, struct err *e);

/* --- the end of the turn --- */

/* Commits everything handed over. `now_mono` is CLOCK_BOOTTIME in us. Returns 0 when nothing is
 * left, else in how many microseconds it wants to be called again (busy or full). */
int64_t store_commit(struct store *s, int64_t now_mono);
bool store_has_work(const struct store *s);
bool store_db_has_work(const struct store_db *db);
/* Was its file removed or replaced while it was open? Then nothing can be written any more. */
bool store_is_stale(const struct store_db *db);
/* Fails what waits for a stale database with -ESTALE, `must` or not. Not from inside a `done`. */
void store_give_up(struct store_db *db);

struct store_op;
typedef void store_done_fn(struct store_op *op, int rc, const struct err *e);

/* rc given to `done`: 0, a STORE_E_* condition, or a negative errno (-ENOSPC disk full, -ESTALE
 * the file was removed or replaced, -EBUSY
 * locked by another program, -EIO ...). */
enum {
	STORE_E_NOT_FOUND = 1,
	STORE_E_STATE, /* the row is in a state that does not allow this move */
	STORE_E_FULL,  /* no room (admission said so) */
};

struct store_op {
	struct list node;                               /* the store's */
	struct store_db *db;                            /* the store's */
	int (*run)(struct store_op *op, struct err *e); /* the store's */
	int failpoint;                                  /* the store's */
	int64_t since_mono;                             /* the store's */
	int rc;                                         /* the store's */
	bool must;                                      /* set by the caller: never give up */
	store_done_fn *done;                            /* set by the caller */
	void *ctx;                                      /* set by the caller */
};

/* A delivery to be inserted together with what caused it. */
struct store_outgoing {
	struct id id;
	const char *kind, *channel, *message;
	int64_t due_at;
};

/* --- T1 accept --- */

enum accept_verdict {
	ACCEPT_NEW,       /* a job was made */
	ACCEPT_DUPLICATE, /* the delivery id is known; job_id is the first job's */
	ACCEPT_REVIVED,   /* it was rejected before and has room now; the same job_id */
	ACCEPT_REJECTED,  /* no room: recorded as a rejected job (or it was one already) */
};

struct store_accept {
	struct store_op op;
	/* in */
	struct id job_id, event_id;
	const char *pylon, *source;
	const char *delivery_id;          /* NULL: no dedupe */
	const char *headers_json, *query; /* may be NULL */
	struct slice body;
	const char *body_sha256; /* tells a conflict from a repetition; may be NULL */
	bool needs_approval;     /* awaiting_approval instead of queued; takes no room */
	int64_t expires_at;      /* with needs_approval */
	int64_t not_before;      /* later than now: it waits until then and takes no room */
	int64_t now_real;
	/* Asked, inside the transaction, only when a row is about to become queued; true takes the
	 * room. NULL: no room is needed. Asked once per request, however often the transaction is
	 * tried. The caller gives the room back when took_room and (rc != 0 or the verdict is
	 * neither ACCEPT_NEW nor ACCEPT_REVIVED). */
	bool (*take_room)(void *ctx);
	void *room_ctx;
	const struct store_outgoing *outgoing; /* inserted with ACCEPT_NEW only */
	size_t outgoing_count;
	/* out */
	enum accept_verdict verdict;
	bool took_room;
	bool body_differs;  /* duplicate with another body */
	struct id found_id; /* the job the sender is told */
	int64_t created_at; /* of a new job's row: now_real, or a little later to be unique */
};
void store_accept(struct store_db *db, struct store_accept *r);

/* --- T2 claim --- queued (and due) -> starting, with a new run `created`. STORE_E_STATE when the
 * job is no longer queued or not due. Clears reason, error and not_before of the job. The oldest
 * turn that no run has taken is this run's; with none left, the last one taken is done once more.
 * Either way store_turn() tells it. */
struct store_claim {
	struct store_op op;
	struct id job_id, run_id;
	char token_sha256[65];
	int64_t timeout_us, now_real;
	int attempt; /* out */
};
void store_claim(struct store_db *db, struct store_claim *r);

/* --- T3 started --- run -> running with its handle, job -> running. Harmless when repeated. A run
 * that is stopping keeps that state and only gets the handle. STORE_E_STATE when it is over. */
struct store_started {
	struct store_op op;
	struct id job_id, run_id;
	const char *handle, *image;
	int64_t now_real;
};
void store_started(struct store_db *db, struct store_started *r);

/* A run's own report (callback POST), kept until T4 reads it. STORE_E_NOT_FOUND when the token is
 * not that of a living run of this job. A second report replaces the first. */
struct store_report {
	struct store_op op;
	struct id job_id;
	char token_sha256[65];
	struct slice report;
};
void store_report(struct store_db *db, struct store_report *r);

/* The decision to stop a run: run -> stopping with the reason. Repeating is harmless; the first
 * reason stays. STORE_E_STATE when the run is over. */
struct store_stopping {
	struct store_op op;
	struct id job_id, run_id;
	enum stop_reason stop;
	const char *by; /* who asked; may be NULL */
};
void store_stopping(struct store_db *db, struct store_stopping *r);

/* --- T4 finish --- run -> exited or lost, job -> `job_state` (over, or queued again = a recorded
 * retry), result columns, deliveries. STORE_E_STATE when that run is over already (a finished run
 * never changes) or the table forbids the job's move (starting -> completed: T3 was not recorded,
 * so record it first, in the same turn). A retry keeps reason and error for people and clears
 * result, output, exit code and times. Cost and usage are kept with the run and add up for the job
 * (a negative number counts 0, sums stop at the largest); a NULL session_id keeps the known one. */
struct store_finish {
	struct store_op op;
	struct id job_id, run_id;
	enum run_state run_state; /* RUN_EXITED or RUN_LOST */
	enum job_state job_state;
	int exit_code;
	const char *reason;                                    /* may be NULL */
	const char *result, *output_json, *session_id, *error; /* may be NULL */
	double cost_usd;
	struct usage usage;
	int64_t not_before; /* with JOB_QUEUED */
	bool counts;        /* this run counts against agent.retries */
	int64_t now_real;
	const struct store_outgoing *outgoing;
	size_t outgoing_count;
};
void store_finish(struct store_db *db, struct store_finish *r);

/* --- Decisions about a job that has no living run --- (else STORE_E_STATE). To queued: failures,
 * result, output, exit code, times are cleared, reason and error set as given; session, cost, usage
 * and attempt stay. A reply is such a move with a turn, which is kept if and only if the move is
 * made: like a retry it leaves a row that shows no result but the new turn's. Leaving
 * awaiting_approval cancels its pending deliveries of kind "approval". */
struct store_move {
	struct store_op op;
	struct id job_id;
	enum job_state from_any_of[6]; /* first `from_count` count */
	size_t from_count;
	enum job_state to; /* queued (approve, retry), dismissed, expired, cancelled, failed */
	const char *reason, *by, *error; /* may be NULL */
	int64_t not_before, now_real;
	bool (*take_room)(void *ctx); /* with JOB_QUEUED: as in T1; NULL = needs none */
	void *room_ctx;
	const char *turn; /* with JOB_QUEUED: what a person (`by`) said now; it continues the
			   * session that the job has now. NULL = no new turn */
	const struct store_outgoing *outgoing;
	size_t outgoing_count;
	/* out */
	enum job_state was;
	bool took_room;
};
void store_move(struct store_db *db, struct store_move *r);

/* --- T5 sending --- pending (and due) -> sending with the next attempt number. */
struct store_sending {
	struct store_op op;
	struct id delivery_id;
	int64_t now_real;
	int attempt;     /* out */
	bool may_repeat; /* out */
};
void store_sending(struct store_db *db, struct store_sending *r);

/* --- T6 delivered --- sending -> sent | pending (retry at due_at) | dead | unknown. */
struct store_delivered {
	struct store_op op;
	struct id delivery_id;
	enum delivery_state to;
	bool may_repeat; /* this attempt may have arrived */
	int64_t due_at, now_real;
	const char *error; /* may be NULL */
};
void store_delivered(struct store_db *db, struct store_delivered *r);

/* dead | unknown -> pending, attempts counted from 0 again; after unknown with may_repeat. */
struct store_redeliver {
	struct store_op op;
	struct id delivery_id;
	int64_t now_real;
};
void store_redeliver(struct store_db *db, struct store_redeliver *r);

/* Deletes, in one small batch, what is older than the limits (0 = keep): finished jobs with their
 * event, runs, turns and deliveries that are over, dedupe keys; and rejected rows beyond
 * REJECTED_ROWS_MAX. Occurrences decided before jobs_before go too, but never the newest of a
 * schedule nor one whose job is still there. `more` tells whether another batch is waiting. */
struct store_prune {
	struct store_op op;
	int64_t jobs_before, dedupe_before; /* wall clock, us */
	bool more;                          /* out */
	int64_t rows;                       /* out */
};
void store_prune(struct store_db *db, struct store_prune *r);

/* Start-up: deliveries left in `sending` by a dead process go back to pending with may_repeat.
 * At once, not at the end of a turn. Returns their number or a negative errno. */
NODISCARD int store_recover_deliveries(struct store_db *db, int64_t now_real, struct err *e);

/* Path of the database, for messages. */
const char *store_path(const struct store_db *db);

#include "store/occur.h" /* schedules */
#include "store/read.h"  /* the other half: what only reads */

#endif
