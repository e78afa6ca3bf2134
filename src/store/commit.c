/* SPDX-License-Identifier: MIT */
/*
 * The queue of operations and the one commit per database and turn.
 *
 * store_commit() takes what was handed over so far (later requests, also those made by `done`
 * callbacks, are the next turn's). Per database: BEGIN IMMEDIATE, every operation in order, COMMIT,
 * then the callbacks. Operations are on exactly one list at any time: ops (waiting), turn (being
 * committed), kept (`must`, after a failure), or one of the two lists of an outcome.
 *
 * After a failure:
 * - busy: everything stays in `ops` and is tried every STORE_BUSY_RETRY_US; what is not `must`
 *   fails STORE_BUSY_US after its first try.
 * - full, I/O, file gone: what is not `must` fails; the rest is tried at once without them (a large
 *   request may have been the trouble), then every STORE_RETRY_US from `kept`. Later `must`
 *   operations queue up behind them, in order; others are not held up.
 * - values that the database will not take (a bug of ours): each operation gets a transaction of
 *   its own and only that one fails, even if it is a `must`.
 *
 * A callback may close its database or free its request: nothing of either is touched after it ran.
 */
#include <errno.h>

#include "base/failpoint.h"
#include "base/limits.h"
#include "store/store_internal.h"

/* What is to be told when a database's turn is over. */
struct outcome {
	struct list done;   /* committed: op->rc is 0 or a condition */
	struct list failed; /* op->rc is negative */
	struct err err;     /* of the last failure */
};

_Static_assert(FP_COUNT <= 64, "the failpoints of a transaction are a set of bits");

/* --- transactions --- */

static int txn_step(struct store_db *db, enum slot slot, const char *sql, struct err *e)
{
	CLEANUP(query_closep) struct query q;
	int rc;

	query_open(&q, db, slot, sql);
	rc = query_exec(&q, e);
	return rc < 0 ? rc : 0;
}

int txn_begin(struct store_db *db, struct err *e)
{
	db->rejected = -1;
	db->seq = -1;
	return txn_step(db, SLOT_BEGIN, "BEGIN IMMEDIATE", e);
}

int txn_commit(struct store_db *db, struct err *e)
{
	return txn_step(db, SLOT_COMMIT, "COMMIT", e);
}

void txn_rollback(struct store_db *db)
{
	if (!sqlite3_get_autocommit(db->sql))
		(void)txn_step(db, SLOT_ROLLBACK, "ROLLBACK", NULL);
}

/* --- handing over --- */

static void db_mark_dirty(struct store_db *db)
{
	if (list_is_empty(&db->dirty))
		list_append(&db->store->dirty, &db->dirty);
}

void op_submit(struct store_db *db, struct store_op *op,
	int (*run)(struct store_op *op, struct err *e), int failpoint)
{
	struct store *s = db->store;

	op->db = db;
	op->run = run;
	op->failpoint = failpoint;
	op->since_mono = -1;
	op->rc = 0;
	list_append(&db->ops, &op->node);
	db_mark_dirty(db);
	if (s->is_awake)
		return;
	s->is_awake = true;
	if (s->wake != NULL)
		s->wake(s->ctx);
}

bool store_has_work(const struct store *s)
{
	return !list_is_empty(&s->dirty);
}

bool store_db_has_work(const struct store_db *db)
{
	return !list_is_empty(&db->dirty);
}

bool store_is_stale(const struct store_db *db)
{
	return db_file_check(db, NULL) < 0;
}

static struct store_op *op_of(struct list *node)
{
	return list_entry(node, struct store_op, node);
}

static void op_move(struct list *to, struct list *node)
{
	list_remove(node);
	list_append(to, node);
}

/* --- one transaction --- */

/* Passes the failpoints of all kinds of transaction in the set; `after` is 0 or 1. */
static void failpoints(uint64_t kinds, unsigned after)
{
	for (unsigned f = 0; kinds >> f != 0; f++)
		if (kinds >> f & 1)
			failpoint((enum failpoint)(f + after));
}

static int ops_run(struct list *batch, uint64_t *ret_kinds, struct err *e)
{
	uint64_t kinds = 0;

	list_foreach (it, batch) {
		struct store_op *op = op_of(it);

		op->rc = op->run(op, e);
		if (op->rc < 0)
			return op->rc;
		if (op->rc == 0 && op->failpoint >= 0)
			kinds |= UINT64_C(1) << op->failpoint;
	}
	*ret_kinds = kinds;
	return 0;
}

/* Commits a batch as one transaction: 0, or negative with nothing changed. */
static int batch_commit(struct store_db *db, struct list *batch, struct err *e)
{
	uint64_t kinds = 0;
	int rc = db_file_check(db, e);

	if (rc == 0)
		rc = txn_begin(db, e);
	if (rc == 0)
		rc = ops_run(batch, &kinds, e);
	if (rc == 0) {
		failpoints(kinds, 0);
		rc = txn_commit(db, e);
	}
	if (rc < 0) {
		txn_rollback(db);
		return rc;
	}
	failpoints(kinds, 1);
	return 0;
}

/* --- failures --- */

static void fail_op(struct outcome *o, struct list *node, int rc)
{
	op_of(node)->rc = rc;
	op_move(&o->failed, node);
}

static void keep_busy(struct store_db *db, struct list *batch, int64_t now, struct outcome *o)
{
	list_foreach_safe (it, batch) {
		struct store_op *op = op_of(it);

		if (op->since_mono < 0)
			op->since_mono = now;
		if (!op->must && now - op->since_mono >= STORE_BUSY_US)
			fail_op(o, it, -EBUSY);
		else
			op_move(&db->ops, it);
	}
	db->retry_at = now + STORE_BUSY_RETRY_US;
}

/* The database is full or broken. */
static void keep_must(
	struct store_db *db, struct list *batch, int rc, int64_t now, struct outcome *o)
{
	bool is_mixed = false;

	list_foreach_safe (it, batch) {
		if (!op_of(it)->must) {
			fail_op(o, it, rc);
			is_mixed = true;
		}
	}
	if (list_is_empty(batch))
		return;
	if (is_mixed && batch_commit(db, batch, &o->err) == 0) {
		list_splice(&o->done, batch);
		return;
	}
	list_splice(&db->kept, batch);
	db->retry_at = now + STORE_RETRY_US;
}

/* Is it the operation that is at fault, not the database? */
static bool is_bad_op(int rc)
{
	return rc == -EINVAL || rc == -E2BIG;
}

static void handle_failure(
	struct store_db *db, struct list *batch, int rc, int64_t now, struct outcome *o)
{
	if (rc == -EBUSY)
		keep_busy(db, batch, now, o);
	else if (is_bad_op(rc))
		fail_op(o, batch->next, rc);
	else
		keep_must(db, batch, rc, now, o);
}

static void commit_one_by_one(
	struct store_db *db, struct list *batch, int64_t now, struct outcome *o)
{
	list_foreach_safe (it, batch) {
		struct list single = LIST_INIT(single);
		int rc;

		op_move(&single, it);
		rc = batch_commit(db, &single, &o->err);
		if (rc == 0)
			list_splice(&o->done, &single);
		else
			handle_failure(db, &single, rc, now, o);
	}
}

static void commit_batch(struct store_db *db, struct list *batch, int64_t now, struct outcome *o)
{
	int rc;

	if (list_is_empty(batch))
		return;
	rc = batch_commit(db, batch, &o->err);
	if (rc == 0)
		list_splice(&o->done, batch);
	else if (is_bad_op(rc) && batch->next != batch->prev)
		commit_one_by_one(db, batch, now, o);
	else
		handle_failure(db, batch, rc, now, o);
}

/* --- the turn --- */

static void commit_kept(struct store_db *db, int64_t now, struct outcome *o)
{
	struct list batch = LIST_INIT(batch);

	if (list_is_empty(&db->kept))
		return;
	list_foreach_safe (it, &db->turn)
		if (op_of(it)->must)
			op_move(&db->kept, it);
	if (now < db->retry_at)
		return;
	list_splice(&batch, &db->kept);
	commit_batch(db, &batch, now, o);
}

/* `e` is given to callbacks of failures only. */
static void tell(struct list *ops, const struct err *e)
{
	while (!list_is_empty(ops)) {
		struct store_op *op = op_of(ops->next);

		list_remove(&op->node);
		if (op->done != NULL)
			op->done(op, op->rc, e);
	}
}

static int64_t db_commit(struct store_db *db, int64_t now)
{
	struct outcome o = {.done = LIST_INIT(o.done), .failed = LIST_INIT(o.failed)};
	int64_t wait = 0;

	commit_kept(db, now, &o);
	commit_batch(db, &db->turn, now, &o);
	if (!list_is_empty(&db->ops) || !list_is_empty(&db->kept)) {
		db_mark_dirty(db);
		wait = MAX_OF(db->retry_at - now, 1);
	}
	tell(&o.done, NULL);
	tell(&o.failed, &o.err);
	return wait; /* db may be gone */
}

int64_t store_commit(struct store *s, int64_t now_mono)
{
	struct list todo = LIST_INIT(todo);
	int64_t wait = 0;

	list_splice(&todo, &s->dirty);
	list_foreach (it, &todo) {
		struct store_db *db = list_entry(it, struct store_db, dirty);

		list_splice(&db->turn, &db->ops);
	}
	s->is_awake = false;
	while (!list_is_empty(&todo)) {
		struct store_db *db = list_entry(todo.next, struct store_db, dirty);
		int64_t w;

		list_remove(&db->dirty);
		w = db_commit(db, now_mono);
		if (w > 0 && (wait == 0 || w < wait))
			wait = w;
	}
	return wait;
}

void store_give_up(struct store_db *db)
{
	struct outcome o = {.done = LIST_INIT(o.done), .failed = LIST_INIT(o.failed)};
	struct list ops = LIST_INIT(ops);
	int rc = db_file_check(db, &o.err);

	must(rc < 0 && list_is_empty(&db->turn));
	list_splice(&ops, &db->kept);
	list_splice(&ops, &db->ops);
	list_remove(&db->dirty);
	list_foreach_safe (it, &ops)
		fail_op(&o, it, rc);
	tell(&o.failed, &o.err);
}
