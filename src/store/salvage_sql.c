/* SPDX-License-Identifier: MIT */
/*
 * Salvage through SQLite: table by table, in ranges of rowids around what is damaged.
 *
 * A walk upwards ends at the first damaged page, a walk downwards at the last; what lies between is
 * halved and tried again, the widest first, until ranges are single rowids or enough was tried: the
 * rest is left to salvage_pages.c. So a table costs one pass plus a bounded number of seeks.
 *
 * SQLite's own view is taken first because it knows which rows are true: those of a free page or of
 * an older copy of a page are none.
 */
#include "store/salvage_internal.h"

#define RANGES_MAX 1024   /* that are tried in a table */
#define SPAN_MAX   100000 /* of rowids beyond the last one known */

struct range {
	int64_t low, high;
};

struct walker {
	struct salvage *s;
	struct shape *t;
	sqlite3_stmt *up, *down;
	struct record row;
	int64_t refused;
	struct range queue[RANGES_MAX]; /* in the order they were found: the widest first */
	size_t head, tail;
};

static void walker_free(struct walker *w)
{
	if (w == NULL)
		return;
	(void)sqlite3_finalize(w->up);
	(void)sqlite3_finalize(w->down);
	free(w);
}
DEFINE_FREEP(struct walker, walker_free)

static struct value column_value(sqlite3_stmt *stmt, int i)
{
	struct value v = {.kind = VALUE_NULL};

	switch (sqlite3_column_type(stmt, i)) {
	case SQLITE_INTEGER:
		v.kind = VALUE_INT;
		v.i = sqlite3_column_int64(stmt, i);
		break;
	case SQLITE_FLOAT:
		v.kind = VALUE_REAL;
		v.r = sqlite3_column_double(stmt, i);
		break;
	case SQLITE_TEXT:
		v.kind = VALUE_TEXT;
		v.s.p = (const char *)sqlite3_column_text(stmt, i);
		v.s.n = (size_t)sqlite3_column_bytes(stmt, i);
		break;
	case SQLITE_BLOB:
		v.kind = VALUE_BLOB;
		v.s.p = sqlite3_column_blob(stmt, i);
		v.s.n = (size_t)sqlite3_column_bytes(stmt, i);
		break;
	default:
		break;
	}
	return v;
}

static int row_take(struct walker *w, sqlite3_stmt *stmt, struct err *e)
{
	int rc;

	w->row.n = w->t->n;
	w->row.rowid = sqlite3_column_int64(stmt, 0);
	for (size_t i = 0; i < w->t->n; i++) {
		w->row.v[i] = column_value(stmt, (int)i + 1);
		if (w->t->v[i].is_rowid)
			w->row.v[i].kind = VALUE_NULL; /* as it is in a record */
	}
	rc = shape_add(w->s, w->t, &w->row, e);
	w->refused += rc > 0;
	return MIN_OF(rc, 0);
}

/* 1: to the end of the range; 0: something is damaged behind *last (not set when no row came). */
static int walk(struct walker *w, sqlite3_stmt *stmt, struct range r, int64_t *last, struct err *e)
{
	int rc, failed = 0;

	(void)sqlite3_reset(stmt);
	if (w->t->has_rowid) {
		(void)sqlite3_bind_int64(stmt, 1, r.low);
		(void)sqlite3_bind_int64(stmt, 2, r.high);
	}
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW && failed >= 0) {
		*last = sqlite3_column_int64(stmt, 0);
		failed = row_take(w, stmt, e);
	}
	(void)sqlite3_reset(stmt);
	return failed < 0 ? failed : rc == SQLITE_DONE;
}

/* SQLite prepares nothing when its schema is damaged. */
static bool walker_prepare(struct walker *w, struct store_db *from)
{
	const char *key = w->t->has_rowid ? "rowid" : w->t->v[0].name;

	for (int down = 0; down < 2; down++) {
		CLEANUP(buf_fini) struct buf sql = BUF_NULL;

		buf_printf(&sql, "SELECT %s, ", w->t->has_rowid ? "rowid" : "0");
		shape_columns(w->t, &sql);
		buf_printf(&sql, " FROM \"%s\" NOT INDEXED %s ORDER BY %s%s", w->t->told->name,
			w->t->has_rowid ? "WHERE rowid BETWEEN ?1 AND ?2" : "", key,
			down ? " DESC" : "");
		if (sqlite3_prepare_v2(from->sql, buf_str(&sql), -1, down ? &w->down : &w->up,
			    NULL) != SQLITE_OK)
			return false;
	}
	return true;
}

static void push(struct walker *w, int64_t low, int64_t high)
{
	if (low <= high && w->tail < RANGES_MAX)
		w->queue[w->tail++] = (struct range){low, high};
}

/* What the two walks left between them is halved. Nobody knows where a table ends whose last pages
 * are damaged, so no further than SPAN_MAX. */
static int range_try(struct walker *w, struct range r, struct err *e)
{
	int64_t low = r.low - 1, high = r.high, middle;
	int rc = walk(w, w->up, r, &low, e);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	r.low = low + 1;
	high = r.high;
	rc = walk(w, w->down, r, &high, e);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (high == INT64_MAX)
		high = low < INT64_MAX - SPAN_MAX ? low + SPAN_MAX : INT64_MAX;
	else if (high < r.high)
		high--;
	low++;
	if (high <= low)
		return 0;
	middle = low + (high - low) / 2;
	push(w, low, middle);
	push(w, middle + 1, high);
	return 0;
}

static int table_walk(struct salvage *s, struct shape *t, struct store_db *from, struct err *e)
{
	CLEANUP(walker_freep) struct walker *w = xcalloc(1, sizeof(*w));
	struct range all = {1, INT64_MAX};
	int64_t last = 0;
	int rc;

	w->s = s;
	w->t = t;
	if (!walker_prepare(w, from))
		return 0;
	rc = walk(w, w->up, all, &last, e);
	/* Nonsense among the rows tells of a damaged page that SQLite takes for a sound one. */
	t->is_complete = rc > 0 && w->refused == 0;
	if (rc != 0)
		return MIN_OF(rc, 0);
	if (!t->has_rowid)
		return MIN_OF(walk(w, w->down, all, &last, e), 0);
	push(w, last + 1, INT64_MAX);
	while (rc >= 0 && w->head < w->tail)
		rc = range_try(w, w->queue[w->head++], e);
	return rc;
}

/* --- how many there were --- */

static void expect(struct store_db *from, struct shape *t, const char *index)
{
	CLEANUP(freep)
	char *sql =
		xasprintf("SELECT count(*) FROM \"%s\" INDEXED BY \"%s\"", t->told->name, index);
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(from->sql, sql, -1, &stmt, NULL) == SQLITE_OK &&
		sqlite3_step(stmt) == SQLITE_ROW)
		t->expected = MAX_OF(t->expected, sqlite3_column_int64(stmt, 0));
	(void)sqlite3_finalize(stmt);
}

/* An index has an entry for each row of its table. */
static int expect_all(struct salvage *s, struct shape *t, struct store_db *from, struct err *e)
{
	CLEANUP(query_closep) struct query q;
	int rc;

	query_open(&q, s->to, SLOT_NONE, "SELECT name FROM pragma_index_list(?) WHERE NOT partial");
	put_text(&q, t->told->name);
	while ((rc = query_next(&q, e)) > 0) {
		CLEANUP(freep) char *index = get_text(&q, NULL);

		expect(from, t, index);
	}
	return rc;
}

int salvage_sql(struct salvage *s, struct store_db *from, struct err *e)
{
	int rc = 0;

	(void)sqlite3_limit(from->sql, SQLITE_LIMIT_LENGTH, (int)RECORD_MAX);
	for (size_t i = 0; rc >= 0 && i < s->n; i++) {
		rc = table_walk(s, s->tables[i], from, e);
		if (rc >= 0 && !s->tables[i]->is_complete)
			rc = expect_all(s, s->tables[i], from, e);
	}
	return rc < 0 ? rc : 0;
}

/* --- jobs of which only the indexes know --- */

/* Runs the question upwards and, when that ends early, downwards; each row's two or three columns
 * are put into `into`. */
static int hints_from(struct salvage *s, struct store_db *from, const char *question,
	const char *order, const char *into, struct err *e)
{
	int rc = SQLITE_ROW;

	for (int down = 0; down < 2 && rc != SQLITE_DONE; down++) {
		CLEANUP(freep)
		char *sql = xasprintf("%s ORDER BY %s%s", question, order, down ? " DESC" : "");
		sqlite3_stmt *stmt = NULL;
		int failed = 0;

		rc = sqlite3_prepare_v2(from->sql, sql, -1, &stmt, NULL);
		while (rc == SQLITE_OK && failed >= 0 && sqlite3_step(stmt) == SQLITE_ROW) {
			CLEANUP(query_closep) struct query q;

			query_open(&q, s->to, SLOT_NONE, into);
			for (int i = 0; i < sqlite3_column_count(stmt); i++)
				(void)sqlite3_bind_value(
					q.stmt, i + 1, sqlite3_column_value(stmt, i));
			failed = query_exec(&q, e);
		}
		rc = sqlite3_finalize(stmt) == SQLITE_OK ? SQLITE_DONE : SQLITE_CORRUPT;
		if (failed < 0)
			return failed;
	}
	return 0;
}

static const char hints_table[] =
	"CREATE TEMP TABLE hints(rid INTEGER PRIMARY KEY, id TEXT, seq INTEGER, state TEXT,"
	" created_at INTEGER, finished_at INTEGER)";

/* What is over is told with what is known of its end; what the row said besides is lost. */
static const char hints_to_jobs[] =
	"INSERT OR IGNORE INTO jobs(id, seq, pylon, state, reason, source, created_at, queued_at,"
	" finished_at, error) SELECT id, seq, ?1, "
	"CASE WHEN state IS NULL THEN 'lost' ELSE state END, 'salvaged', 'webhook', "
	"ifnull(created_at, ?2), ifnull(created_at, ?2), "
	"CASE WHEN state IN ('queued','starting','running','awaiting_approval') THEN 0 "
	"ELSE max(ifnull(finished_at, ifnull(created_at, ?2)), 1) END, "
	"'the row of this job was lost when its database was damaged; this is what was left of it' "
	"FROM temp.hints WHERE id IS NOT NULL AND seq IS NOT NULL";

int salvage_hints(struct salvage *s, struct store_db *from, struct err *e)
{
	static const struct {
		const char *question, *order, *into;
	} steps[] = {
		{"SELECT rowid, id FROM jobs INDEXED BY sqlite_autoindex_jobs_1", "id",
			"INSERT OR IGNORE INTO temp.hints(rid, id) SELECT ?1, ?2 "
			"WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE id = ?2)"},
		{"SELECT rowid, seq FROM jobs INDEXED BY sqlite_autoindex_jobs_2", "seq",
			"UPDATE temp.hints SET seq = ?2 WHERE rid = ?1"},
		{"SELECT rowid, state, created_at FROM jobs INDEXED BY jobs_state",
			"state, created_at",
			"UPDATE temp.hints SET state = ?2, created_at = ?3 WHERE rid = ?1"},
		{"SELECT rowid, finished_at FROM jobs INDEXED BY jobs_finished "
		 "WHERE finished_at > 0",
			"finished_at", "UPDATE temp.hints SET finished_at = ?2 WHERE rid = ?1"},
	};
	struct shape *jobs = shape_find(s, "jobs");
	CLEANUP(query_closep) struct query q = QUERY_NULL;
	int rc;

	if (jobs == NULL || jobs->is_complete || shape_find(s, "events") == NULL)
		return 0;
	rc = sql_exec(s->to, hints_table, e);
	for (size_t i = 0; rc >= 0 && i < ARRAY_LEN(steps); i++)
		rc = hints_from(s, from, steps[i].question, steps[i].order, steps[i].into, e);
	if (rc < 0)
		return rc;
	query_open(&q, s->to, SLOT_NONE, hints_to_jobs);
	put_text(&q, s->pylon);
	put_int(&q, s->now_real);
	rc = query_exec(&q, e);
	if (rc > 0)
		jobs->told->made += rc;
	return rc < 0 ? rc : 0;
}
