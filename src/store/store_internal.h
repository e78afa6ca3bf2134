/* SPDX-License-Identifier: MIT */
/*
 * store/store_internal.h - what the files of this room share: the database handle, the little
 * language for statements (query.c's reads and every transaction are written in it), and the steps
 * of opening.
 *
 * Transactions are written as functions `static int x_run(struct store_op *op, struct err *e)` that
 * commit.c calls between BEGIN IMMEDIATE and COMMIT. Rules for them: answer a condition before the
 * first write, since nothing undoes a single operation; expect to be run again after a rollback.
 */
#ifndef PYLON_STORE_STORE_INTERNAL_H
#define PYLON_STORE_STORE_INTERNAL_H

#include <sqlite3.h>

#include "store/store.h"

#define APPLICATION_ID 0x50594c4e /* "PYLN" at byte 68 of the file */
#define SCHEMA_OLDEST  3          /* of ours; 0-2 are the Go program's */
#define SCHEMA_VERSION 5

/* A place in a database's cache of prepared statements; each SQL text has its own. */
enum slot {
	SLOT_BEGIN,
	SLOT_COMMIT,
	SLOT_ROLLBACK,
	SLOT_JOB_STATE,
	SLOT_JOB_DROP,
	SLOT_RUN_LIVING_ID,
	SLOT_SEQ_MAX,
	SLOT_DEDUPE_ADD,
	SLOT_DEDUPE_GET,
	SLOT_DEDUPE_DROP,
	SLOT_JOB_ADD,
	SLOT_EVENT_ADD,
	SLOT_JOB_REVIVE,
	SLOT_REJECTED_COUNT,
	SLOT_REJECTED_OLDEST,
	SLOT_CLAIM_JOB,
	SLOT_CLAIM_RUN,
	SLOT_TURN_TAKE,
	SLOT_RUN_STATE,
	SLOT_STARTED_RUN,
	SLOT_STARTED_JOB,
	SLOT_REPORT,
	SLOT_STOPPING_RUN,
	SLOT_STOPPING_JOB,
	SLOT_FINISH_STATE,
	SLOT_FINISH_RUN,
	SLOT_FINISH_OVER,
	SLOT_FINISH_RETRY,
	SLOT_USAGE_ADD,
	SLOT_MOVE_QUEUED,
	SLOT_MOVE_OVER,
	SLOT_MOVE_APPROVALS,
	SLOT_TURN_ADD,
	SLOT_SCHEDULE_PUT,
	SLOT_DECIDED_TO,
	SLOT_OCCURRENCE_KNOWN,
	SLOT_OCCURRENCE_OPEN,
	SLOT_OCCURRENCE_ADD,
	SLOT_DELIVERY_ADD,
	SLOT_DELIVERY_STATE,
	SLOT_SENDING,
	SLOT_DELIVERED,
	SLOT_REDELIVER,
	SLOT_PRUNE_JOBS,
	SLOT_PRUNE_DEDUPE,
	SLOT_PRUNE_OCCURRENCES,
	SLOT_GET_JOB,
	SLOT_GET_PREFIX,
	SLOT_GET_EVENT,
	SLOT_GET_RUN,
	SLOT_GET_RUNS,
	SLOT_GET_LIVING,
	SLOT_GET_TURN,
	SLOT_GET_USAGE,
	SLOT_LIST_JOBS,
	SLOT_LIST_STATE,
	SLOT_LIST_OPEN,
	SLOT_LIST_ACTIVE,
	SLOT_NEXT_QUEUED,
	SLOT_NEXT_DELAYED,
	SLOT_NEXT_UNSCHEDULED,
	SLOT_NEXT_UNSCHEDULED_DELAYED,
	SLOT_NEXT_EXPIRY,
	SLOT_DUE,
	SLOT_DUE_NEXT,
	SLOT_GET_DELIVERY,
	SLOT_LIST_DELIVERIES,
	SLOT_LIST_DELIVERIES_OF,
	SLOT_LIST_DELIVERIES_STATE,
	SLOT_GET_SCHEDULE,
	SLOT_GET_OCCURRENCE,
	SLOT_LIST_OCCURRENCES,
	SLOT_LIST_OCCURRENCES_OF,
	SLOT_COUNT_JOBS,
	SLOT_COUNT_NOW,
	SLOT_COUNT_DELIVERIES,
	SLOTS,
	SLOT_NONE = SLOTS, /* prepared for one use */
};

struct store {
	void (*wake)(void *ctx);
	void *ctx;
	bool is_awake;     /* wake() was called since the last store_commit() */
	struct list dbs;   /* all */
	struct list dirty; /* those with operations waiting */
	struct list warm;  /* those that keep statements and pages, most recently used first */
	size_t warm_count;
	struct strv checked;   /* paths that this process has looked over once */
	int64_t check_left_us; /* what is left of the time for that, over all databases */
};

struct store_db {
	struct store *store;
	struct list node, dirty, warm;
	char *path;
	dev_t file_dev; /* the file that was opened, to notice when another is in its place */
	ino_t file_ino;
	sqlite3 *sql;
	sqlite3_stmt *slots[SLOTS];
	struct list ops;    /* asked for, not tried or found busy */
	struct list turn;   /* being committed */
	struct list kept;   /* `must` operations that failed; tried by themselves */
	int64_t retry_at;   /* CLOCK_BOOTTIME: not before */
	int64_t rejected;   /* rejected rows as this transaction sees them, -1 = not counted */
	int64_t seq;        /* highest seq as this transaction sees it, -1 = not read */
	int64_t created_at; /* newest that was given out, so that it strictly rises */
};

/* --- open.c --- */

/* -ESTALE when somebody removed or replaced the file: what is committed now would be lost. */
int db_file_check(const struct store_db *db, struct err *e);

/* --- sql.c: statements --- */

/* One execution of a statement. Parameters are put and columns are got in order, so the calls read
 * like the SQL. A failure sticks and comes out of query_next() or query_exec(). Texts are borrowed
 * until query_close(). */
struct query {
	struct store_db *db;
	sqlite3_stmt *stmt;
	bool is_cached;
	int put, got; /* parameters and columns used so far */
	int rc;       /* first failure, in SQLite's terms */
};

#define QUERY_NULL ((struct query){0})

/* The statement of that slot, prepared when it is not yet. */
void query_open(struct query *q, struct store_db *db, enum slot slot, const char *sql);
/* Resets it (or frees a one-time statement). Safe after a failed query_open(). */
void query_close(struct query *q);
static inline void query_closep(struct query *q)
{
	query_close(q);
}

void put_int(struct query *q, int64_t v);
/* NaN and infinities, which STRICT columns cannot hold, become 0. */
void put_real(struct query *q, double v);
/* NULL becomes NULL, in all of these. */
void put_text(struct query *q, const char *s);
void put_slice(struct query *q, struct slice s);
void put_id(struct query *q, const struct id *id);

/* 1: a row, 0: the end, negative: failed. */
NODISCARD int query_next(struct query *q, struct err *e);
/* Runs to the end. The number of rows changed, or negative. */
NODISCARD int query_exec(struct query *q, struct err *e);

/* 0, or the failure that a get_*_state() noticed. */
NODISCARD int query_check(struct query *q, struct err *e);

int64_t get_int(struct query *q);
double get_real(struct query *q);
/* A heap copy, NULL for NULL; *ret_n (may be NULL) is its length. */
char *get_text(struct query *q, size_t *ret_n);
/* Copies into an array and cuts what does not fit; "" for NULL. */
void get_array(struct query *q, char *ret, size_t size);
void get_id(struct query *q, struct id *ret);
/* A state by its name; when there is no such state the query has failed (query_check()). */
enum job_state get_job_state(struct query *q);
enum run_state get_run_state(struct query *q);
enum delivery_state get_delivery_state(struct query *q);
enum occurrence_outcome get_outcome(struct query *q);

/* Negative errno for a result code of SQLite; *e gets SQLite's message. */
int sql_failed(struct store_db *db, int rc, struct err *e);
/* Runs a text of statements; for opening and migrating. */
NODISCARD int sql_exec(struct store_db *db, const char *sql, struct err *e);
/* First column of the first row as a number; `fallback` when there is none or it is NULL. */
NODISCARD int sql_number(
	struct store_db *db, const char *sql, int64_t fallback, int64_t *ret, struct err *e);
/* Finalizes the statements not in use and lets go of cached pages. */
void sql_cool(struct store_db *db);

/* --- commit.c --- */

/* Hands an operation over. `failpoint` is its FP_*_before, or -1. */
void op_submit(struct store_db *db, struct store_op *op,
	int (*run)(struct store_op *op, struct err *e), int failpoint);
NODISCARD int txn_begin(struct store_db *db, struct err *e);
NODISCARD int txn_commit(struct store_db *db, struct err *e);
/* Harmless when SQLite has rolled back by itself. */
void txn_rollback(struct store_db *db);

/* --- shared between transactions --- */

/* State of a job; STORE_E_NOT_FOUND. (move.c) */
NODISCARD int job_state_get(
	struct store_db *db, const struct id *id, enum job_state *ret, struct err *e);
/* True when there is room, which is then held: asked once, however often the operation runs.
 * take_room NULL: no room is needed. (move.c) */
bool op_take_room(bool (*take_room)(void *ctx), void *ctx, bool *has_room);
/* The state in which an event's job begins, having taken room if it needs some; JOB_REJECTED when
 * there is none. (accept.c) */
enum job_state accept_state(struct store_accept *r);
/* Inserts the job, its event and, unless it is rejected, its deliveries. (accept.c) */
NODISCARD int accept_insert(
	struct store_db *db, struct store_accept *r, enum job_state state, struct err *e);
/* Rejected rows; counted once per transaction. (prune.c) */
NODISCARD int rejected_count(struct store_db *db, int64_t *ret, struct err *e);
/* Drops up to `count` of the oldest rejected rows with their keys; their number. (prune.c) */
NODISCARD int rejected_trim(struct store_db *db, int64_t count, struct err *e);
/* Keeps a job's next turn, which is to continue the session that the job has now. (turn.c) */
NODISCARD int turn_add(struct store_db *db, const struct id *job_id, const char *text,
	const char *by, int64_t now_real, struct err *e);
/* Gives the oldest turn that no run has taken, if there is one, to this run. (turn.c) */
NODISCARD int turn_take(
	struct store_db *db, const struct id *job_id, const struct id *run_id, struct err *e);
/* What a run says that it cost, within what can be: 0 for what is none, nowhere near infinity, so
 * that sums stay numbers. (usage.c) */
double usage_cost(double told);
/* Keeps what a run used; no row when that is nothing. (usage.c) */
NODISCARD int usage_add(struct store_db *db, const struct id *run_id, double cost_usd,
	const struct usage *u, struct err *e);
/* What all runs of a job used. (usage.c) */
NODISCARD int usage_sum(
	struct store_db *db, const struct id *job_id, struct usage *ret, struct err *e);
/* Inserts deliveries as pending. (outbox.c) */
NODISCARD int outbox_add(struct store_db *db, const struct id *job_id,
	const struct store_outgoing *list, size_t count, int64_t now_real, struct err *e);

/* --- schema.c, check.c, backup.c, migrate.c: opening --- */

enum schema_kind {
	SCHEMA_NEW,  /* an empty file */
	SCHEMA_OURS, /* the version in user_version, ours or an older one of ours */
	SCHEMA_GO,   /* the Go program's, 0-2 */
};

/* What the file is. -EPROTO: newer than we are, or not of this family. */
NODISCARD int schema_identify(
	struct store_db *db, enum schema_kind *ret, int *ret_version, struct err *e);
/* Creates, inside the caller's transaction, what came after version `from`; 0 = everything. */
NODISCARD int schema_add(struct store_db *db, int from, struct err *e);
/* Stamps application_id and user_version: the last statement of making or migrating. */
NODISCARD int schema_stamp(struct store_db *db, struct err *e);
/* -EUCLEAN when a table or index that a version of ours has is missing or was altered. */
NODISCARD int schema_check(struct store_db *db, int version, struct err *e);
/* What quick_check finds within limit_us; -EUCLEAN. Running out of time is fine. */
NODISCARD int check_quick(struct store_db *db, int64_t limit_us, struct err *e);
/* CLOCK_MONOTONIC in microseconds: for time limits inside the room only. */
int64_t clock_us(void);
/* The whole integrity_check; -EUCLEAN with the first complaint. */
NODISCARD int check_full(struct store_db *db, struct err *e);
/* A verified, synced copy in <folder>/.backups/; its path is written to ret. */
NODISCARD int backup_make(struct store_db *db, int version, char *ret, size_t size, struct err *e);
/* To the present version inside the caller's transaction, from a Go database and from an older one
 * of ours. */
NODISCARD int migrate_go(struct store_db *db, const char *pylon, int64_t *ret_rows, struct err *e);
NODISCARD int migrate_ours(struct store_db *db, int from, int64_t *ret_rows, struct err *e);

/* A connection with nothing set up yet, for our own files only. */
struct store_db *db_new(const char *path);
void db_free(struct store_db *db);
DEFINE_FREEP(struct store_db, db_free)
/* Opens db->path with these SQLITE_OPEN_* flags and hardens the connection. */
NODISCARD int db_connect(struct store_db *db, int flags, struct err *e);

#endif
