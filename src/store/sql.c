/* SPDX-License-Identifier: MIT */
/*
 * The little language in which every statement of this room is run: open, put, next or exec, get,
 * close.
 *
 * Invariants: a cached statement is always reset and unbound when nobody uses it, so no read
 * transaction outlives its query and no borrowed text is kept. When a statement is wanted while it
 * is in use (a callback of a read that reads again), a second copy is prepared for that one time.
 *
 * Memory: a database that was used lately keeps its statements and cached pages, the others keep
 * only the connection; see db_warm().
 *
 * What surprised: a full disk may come out of SQLite as an I/O error (growing the -shm file), so
 * the errno behind it decides what we call it.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "store/store_internal.h"

/* Databases that keep statements and pages. Re-preparing the few statements of a transaction costs
 * about as much as its sync. */
#define WARM_MAX 4

/* --- failures --- */

static int errno_of(sqlite3 *sql, int rc)
{
	int os = sql == NULL ? 0 : sqlite3_system_errno(sql);

	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_IOERR:
		return os == ENOSPC || os == EDQUOT ? -ENOSPC : -EIO;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EUCLEAN;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_CANTOPEN:
		return os > 0 ? -os : -EIO;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_INTERRUPT:
		return -EINTR;
	case SQLITE_TOOBIG:
		return -E2BIG;
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
		return -EINVAL;
	default:
		return -EIO;
	}
}

int sql_failed(struct store_db *db, int rc, struct err *e)
{
	const char *text = db->sql == NULL ? sqlite3_errstr(rc) : sqlite3_errmsg(db->sql);

	must((rc & 0xff) != SQLITE_NOMEM && (rc & 0xff) != SQLITE_MISUSE);
	return err_set(e, errno_of(db->sql, rc), "%s: %s", db->path, text);
}

/* --- statements --- */

void sql_cool(struct store_db *db)
{
	for (size_t i = 0; i < SLOTS; i++) {
		if (db->slots[i] == NULL || sqlite3_stmt_busy(db->slots[i]))
			continue;
		(void)sqlite3_finalize(db->slots[i]);
		db->slots[i] = NULL;
	}
	(void)sqlite3_db_release_memory(db->sql);
}

/* Moves a database to the front of the warm ones and cools the one that falls off the end. */
static void db_warm(struct store_db *db)
{
	struct store *s = db->store;
	struct store_db *last;

	if (s == NULL || s->warm.next == &db->warm)
		return;
	if (list_is_empty(&db->warm))
		s->warm_count++;
	list_remove(&db->warm);
	list_append(s->warm.next, &db->warm); /* before the first = at the front */
	if (s->warm_count <= WARM_MAX)
		return;
	last = list_entry(s->warm.prev, struct store_db, warm);
	if (!sqlite3_get_autocommit(last->sql))
		return;
	list_remove(&last->warm);
	s->warm_count--;
	sql_cool(last);
}

static int prepare(struct query *q, const char *sql, unsigned flags)
{
	const char *tail = NULL;
	int rc = sqlite3_prepare_v3(q->db->sql, sql, -1, flags, &q->stmt, &tail);

	must(rc != SQLITE_OK || tail == NULL || *tail == '\0'); /* one statement each */
	return rc;
}

void query_open(struct query *q, struct store_db *db, enum slot slot, const char *sql)
{
	*q = (struct query){.db = db};
	db_warm(db);
	if (slot == SLOT_NONE || (db->slots[slot] != NULL && sqlite3_stmt_busy(db->slots[slot]))) {
		q->rc = prepare(q, sql, 0);
		return;
	}
	q->is_cached = true;
	q->stmt = db->slots[slot];
	if (q->stmt == NULL) {
		q->rc = prepare(q, sql, SQLITE_PREPARE_PERSISTENT);
		db->slots[slot] = q->stmt;
	}
}

void query_close(struct query *q)
{
	if (q->is_cached && q->stmt != NULL) {
		(void)sqlite3_reset(q->stmt);
		(void)sqlite3_clear_bindings(q->stmt);
	} else {
		(void)sqlite3_finalize(q->stmt);
	}
	*q = QUERY_NULL;
}

static void note(struct query *q, int rc)
{
	if (q->rc == SQLITE_OK)
		q->rc = rc;
}

void put_int(struct query *q, int64_t v)
{
	if (q->rc == SQLITE_OK)
		note(q, sqlite3_bind_int64(q->stmt, ++q->put, v));
}

void put_real(struct query *q, double v)
{
	if (q->rc == SQLITE_OK)
		note(q, sqlite3_bind_double(q->stmt, ++q->put, isfinite(v) ? v : 0));
}

void put_slice(struct query *q, struct slice s)
{
	if (q->rc == SQLITE_OK)
		note(q, sqlite3_bind_text64(
				q->stmt, ++q->put, s.p, s.n, SQLITE_STATIC, SQLITE_UTF8));
}

void put_text(struct query *q, const char *s)
{
	put_slice(q, slice_of(s));
}

void put_id(struct query *q, const struct id *id)
{
	put_text(q, id->s);
}

int query_next(struct query *q, struct err *e)
{
	int rc = q->rc == SQLITE_OK ? sqlite3_step(q->stmt) : q->rc;

	q->got = 0;
	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE)
		return 0;
	return sql_failed(q->db, rc, e);
}

int query_exec(struct query *q, struct err *e)
{
	int rc;

	do
		rc = query_next(q, e);
	while (rc > 0);
	return rc < 0 ? rc : sqlite3_changes(q->db->sql);
}

int query_check(struct query *q, struct err *e)
{
	if (q->rc == SQLITE_OK)
		return 0;
	return err_set(
		e, errno_of(NULL, q->rc), "%s: a row has a state that does not exist", q->db->path);
}

int64_t get_int(struct query *q)
{
	return sqlite3_column_int64(q->stmt, q->got++);
}

double get_real(struct query *q)
{
	return sqlite3_column_double(q->stmt, q->got++);
}

/* Borrowed until the next step. */
static struct slice get_slice(struct query *q)
{
	int i = q->got++;
	const unsigned char *p = sqlite3_column_text(q->stmt, i);

	return (struct slice){
		(const char *)p, p == NULL ? 0 : (size_t)sqlite3_column_bytes(q->stmt, i)};
}

char *get_text(struct query *q, size_t *ret_n)
{
	struct slice s = get_slice(q);

	if (ret_n != NULL)
		*ret_n = s.n;
	return s.p == NULL ? NULL : slice_dup(s);
}

void get_array(struct query *q, char *ret, size_t size)
{
	struct slice s = get_slice(q);

	(void)str_copy(ret, size, s.p == NULL ? "" : s.p);
}

void get_id(struct query *q, struct id *ret)
{
	get_array(q, ret->s, sizeof(ret->s));
}

/* The CHECKs of the schema allow only names of states: another one is damage. */
static const char *get_state(struct query *q)
{
	struct slice s = get_slice(q);

	return s.p == NULL ? "" : s.p;
}

enum job_state get_job_state(struct query *q)
{
	enum job_state s = JOB_STATES;

	if (!job_state_from_name(get_state(q), &s))
		note(q, SQLITE_CORRUPT);
	return s;
}

enum run_state get_run_state(struct query *q)
{
	enum run_state s = RUN_STATES;

	if (!run_state_from_name(get_state(q), &s))
		note(q, SQLITE_CORRUPT);
	return s;
}

enum delivery_state get_delivery_state(struct query *q)
{
	enum delivery_state s = DELIVERY_STATES;

	if (!delivery_state_from_name(get_state(q), &s))
		note(q, SQLITE_CORRUPT);
	return s;
}

enum occurrence_outcome get_outcome(struct query *q)
{
	enum occurrence_outcome o = OCCURRENCE_OUTCOMES;

	if (!occurrence_outcome_from_name(get_state(q), &o))
		note(q, SQLITE_CORRUPT);
	return o;
}

/* --- one-time statements --- */

int sql_exec(struct store_db *db, const char *sql, struct err *e)
{
	int rc = sqlite3_exec(db->sql, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : sql_failed(db, rc, e);
}

int sql_number(struct store_db *db, const char *sql, int64_t fallback, int64_t *ret, struct err *e)
{
	CLEANUP(query_closep) struct query q;
	int rc;

	query_open(&q, db, SLOT_NONE, sql);
	rc = query_next(&q, e);
	if (rc < 0)
		return rc;
	*ret = rc == 0 || sqlite3_column_type(q.stmt, 0) == SQLITE_NULL ? fallback : get_int(&q);
	return 0;
}
