/* SPDX-License-Identifier: MIT */
/*
 * The way from a damaged database to a sound one:
 *
 *   check -> sound: nothing to do
 *         -> only indexes are wrong: build them anew (reindex.c)
 *         -> salvage: what SQLite reads (salvage_sql.c), what the pages hold (salvage_pages.c),
 *            references made to hold (mend.c), all of it checked
 *         -> nothing was saved: the newest sound copy of before (snapshot.c)
 *         -> there is none: a new, empty database
 *
 * The fresh database grows as <path>.recovered.part. Complete, checked and synced it becomes
 * <path>.recovered; from there on the recovery is decided and whoever comes next only ends it: the
 * originals get their name in .corrupt/, the log goes, the fresh file takes the place. A log must
 * not outlive its database by a moment: SQLite would play it into the new one. Nothing opens a
 * database while its .recovered is there (open.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "store/salvage_internal.h"

static char *fresh_path(const char *path)
{
	return xasprintf("%s.recovered", path);
}

bool store_recovery_is_pending(const char *path)
{
	CLEANUP(freep) char *fresh = fresh_path(path);

	return file_exists(fresh);
}

/* --- the end of every recovery --- */

/* Puts <path>.recovered in the place of the damaged files. */
static int swap(const char *path, struct store_recovery *r, struct err *e)
{
	CLEANUP(freep) char *fresh = fresh_path(path);
	CLEANUP(freep) char *folder = folder_beside(path, ".");
	int rc = quarantine_keep(path, store_recovered_name(r->how), r->now_real, r->quarantine,
		sizeof(r->quarantine), e);

	for (size_t i = 1; rc == 0 && i < COMPANIONS; i++) {
		CLEANUP(freep) char *name = xasprintf("%s%s", path, companions[i]);

		if (unlink(name) < 0 && errno != ENOENT)
			rc = err_errno(e, "%s", name);
	}
	if (rc == 0)
		rc = sync_path(folder, e);
	if (rc == 0 && rename(fresh, path) < 0)
		rc = err_errno(e, "%s", path);
	if (rc == 0)
		rc = sync_path(folder, e);
	if (rc == 0)
		quarantine_prune(path, r->now_real);
	if (!file_exists(r->quarantine))
		r->quarantine[0] = '\0'; /* there was nothing to keep */
	return rc;
}

/* The .part is sound and closed. */
static int decide(const char *path, const char *part, struct store_recovery *r, struct err *e)
{
	CLEANUP(freep) char *fresh = fresh_path(path);
	int rc = sync_path(part, e);

	if (rc == 0 && rename(part, fresh) < 0)
		rc = err_errno(e, "%s", fresh);
	return rc < 0 ? rc : swap(path, r, e);
}

static int count_tables(const char *path, struct store_recovery *r, struct err *e)
{
	CLEANUP(db_freep) struct store_db *db = db_new(path);
	CLEANUP(query_closep) struct query q = QUERY_NULL;
	int rc = db_connect(db, SQLITE_OPEN_READONLY, e);

	r->table_count = 0;
	(void)memset(r->tables, 0, sizeof(r->tables));
	if (rc < 0)
		return rc;
	query_open(&q, db, SLOT_NONE,
		"SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "
		"ORDER BY rowid");
	while ((rc = query_next(&q, e)) > 0 && r->table_count < RECOVERY_TABLES_MAX) {
		struct store_recovered_table *t = &r->tables[r->table_count++];
		CLEANUP(freep) char *sql = NULL;

		get_array(&q, t->name, sizeof(t->name));
		sql = xasprintf("SELECT count(*) FROM \"%s\"", t->name);
		rc = sql_number(db, sql, 0, &t->saved, e);
		t->found = t->saved;
		if (rc < 0)
			break;
	}
	return rc < 0 ? rc : 0;
}

/* What a killed recovery had decided. A fresh file that is not sound was never decided by us. */
static int end_pending(const char *path, const char *pylon, struct store_recovery *r, struct err *e)
{
	CLEANUP(freep) char *fresh = fresh_path(path);
	int rc = store_check(fresh, e);

	if (rc == 0)
		rc = count_tables(fresh, r, e);
	if (rc == -EUCLEAN) {
		remove_part(fresh);
		return store_recover_database(path, pylon, r, e);
	}
	(void)str_copy(r->why, sizeof(r->why), "an earlier recovery was interrupted");
	r->how = RECOVERED_SALVAGED;
	return rc < 0 ? rc : swap(path, r, e);
}

/* --- a fresh database --- */

static int fresh_connect(struct store_db *to, struct err *e)
{
	int fd = open(to->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600), rc;

	if (fd < 0)
		return err_errno(e, "%s", to->path);
	closep(&fd); /* before SQLite has it, see open.c */
	rc = db_connect(to, SQLITE_OPEN_READWRITE, e);
	if (rc == 0) /* synced once, at the end */
		rc = sql_exec(to,
			"PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF;"
			"PRAGMA foreign_keys=OFF",
			e);
	return rc;
}

/* A database of the Go program gets its own tables, as they are told by the damaged one. */
static int make_go(struct store_db *to, struct store_db *from, struct err *e)
{
	CLEANUP(query_closep) struct query q;
	int rc;

	query_open(&q, from, SLOT_NONE,
		"SELECT sql FROM sqlite_schema WHERE type = 'table' AND "
		"name IN ('jobs', 'schema_version', 'payload_sample')");
	while ((rc = query_next(&q, e)) > 0) {
		CLEANUP(freep) char *sql = get_text(&q, NULL);

		rc = sql == NULL ? 0 : sql_exec(to, sql, e);
		if (rc < 0)
			return rc;
	}
	return rc;
}

static int make_ours(struct store_db *to, struct err *e)
{
	int rc = txn_begin(to, e);

	if (rc == 0)
		rc = schema_add(to, 0, e);
	if (rc == 0)
		rc = schema_stamp(to, e);
	return rc < 0 ? rc : txn_commit(to, e);
}

/* --- salvage --- */

/* The damaged database through SQLite, NULL when SQLite refuses it. Never written to. */
static struct store_db *open_damaged(const char *path)
{
	struct store_db *db = db_new(path);
	struct err e = CLEAN_ERR;
	int64_t objects;
	int rc = db_connect(db, SQLITE_OPEN_READONLY, &e);

	if (db->sql != NULL)
		(void)sqlite3_db_config(db->sql, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (rc == 0)
		rc = sql_number(db, "SELECT count(*) FROM sqlite_schema", 0, &objects, &e);
	if (rc == 0)
		return db;
	db_free(db);
	return NULL;
}

static int take_rows(struct salvage *s, const char *path, struct err *e)
{
	CLEANUP(db_freep) struct store_db *from = NULL;
	bool is_complete;
	int rc;

	if (!file_exists(path))
		return 0;
	from = open_damaged(path);
	is_complete = from != NULL;
	rc = from == NULL ? 0 : salvage_sql(s, from, e);

	for (size_t i = 0; i < s->n; i++)
		is_complete = is_complete && s->tables[i]->is_complete;
	/* Closed first: closing a descriptor of the file would drop SQLite's locks. */
	db_freep(&from);
	if (rc == 0 && !is_complete)
		rc = salvage_pages(s, path, e);
	if (rc < 0 || is_complete)
		return rc;
	from = open_damaged(path);
	return from == NULL ? 0 : salvage_hints(s, from, e);
}

/* The rows are there that were counted, and nothing points nowhere. */
static int verify(struct salvage *s, struct err *e)
{
	int64_t n;
	int rc = sql_number(s->to, "SELECT count(*) FROM pragma_foreign_key_check()", 0, &n, e);

	if (rc == 0 && n != 0)
		rc = err_set(e, -EUCLEAN, "%s: %lld references point nowhere", s->to->path,
			(long long)n);
	if (rc == 0)
		rc = check_full(s->to, e);
	for (size_t i = 0; rc == 0 && i < s->n; i++) {
		struct store_recovered_table *t = s->tables[i]->told;
		CLEANUP(freep) char *sql = xasprintf("SELECT count(*) FROM \"%s\"", t->name);

		t->saved = t->found - t->dropped;
		rc = sql_number(s->to, sql, 0, &n, e);
		if (rc == 0 && n != t->saved + t->made)
			rc = err_set(e, -EIO, "%s: %s has %lld rows and not %lld", s->to->path,
				t->name, (long long)n, (long long)(t->saved + t->made));
	}
	return rc;
}

/* Rows that cannot be counted are estimated; an index that could be read counts them. */
static void estimate_lost(struct salvage *s)
{
	struct shape *jobs = shape_find(s, "jobs"), *events = shape_find(s, "events");

	for (size_t i = 0; i < s->n; i++) {
		struct shape *t = s->tables[i];

		if (t->is_complete)
			continue;
		t->told->lost =
			t->expected >= 0 ? MAX_OF(t->expected - t->told->found, 0) : t->missing;
	}
	if (jobs == NULL || events == NULL)
		return;
	/* Each job has its event: where all jobs are known, the events are counted exactly. */
	jobs->told->lost = MAX_OF(jobs->told->lost, jobs->told->made);
	if (jobs->told->lost == jobs->told->made)
		events->told->lost = events->told->made;
	events->told->lost = MAX_OF(events->told->lost, events->told->made);
}

static int64_t rows_saved(const struct store_recovery *r)
{
	int64_t n = 0;

	for (size_t i = 0; i < r->table_count; i++)
		n += r->tables[i].saved;
	return n;
}

static int fill(struct salvage *s, const char *path, bool is_go, struct err *e)
{
	CLEANUP(db_freep) struct store_db *from = is_go ? open_damaged(path) : NULL;
	int rc = fresh_connect(s->to, e);

	if (rc == 0)
		rc = from != NULL ? make_go(s->to, from, e) : make_ours(s->to, e);
	db_freep(&from);
	if (rc == 0)
		rc = shapes_load(s, e);
	if (rc == 0)
		rc = salvage_begin(s, e);
	if (rc == 0)
		rc = take_rows(s, path, e);
	if (rc == 0)
		rc = salvage_mend(s, e);
	if (rc == 0)
		rc = salvage_end(s, e);
	if (rc == 0)
		rc = verify(s, e);
	if (rc == 0)
		rc = sql_exec(s->to, "PRAGMA journal_mode=DELETE", e);
	if (rc == 0)
		estimate_lost(s);
	return rc;
}

/* Makes the .part; with no row in it when none could be read. */
static int salvage(const char *path, const char *part, const char *pylon, bool is_go,
	struct store_recovery *r, struct err *e)
{
	CLEANUP(db_freep) struct store_db *to = db_new(part);
	CLEANUP(shapes_freep)
	struct salvage s = {.to = to, .pylon = pylon, .now_real = r->now_real, .told = r};

	remove_part(part);
	return fill(&s, path, is_go, e);
}

static int copy_snapshot(const char *snapshot, const char *part, struct err *e)
{
	CLEANUP(db_freep) struct store_db *from = db_new(snapshot);
	int rc = db_connect(from, SQLITE_OPEN_READONLY, e);

	remove_part(part);
	return rc < 0 ? rc : db_copy(from, part, e);
}

static int replace(
	const char *path, const char *pylon, bool is_go, struct store_recovery *r, struct err *e)
{
	CLEANUP(freep) char *part = xasprintf("%s.recovered.part", path);
	int rc = salvage(path, part, pylon, is_go, r, e);

	r->how = rows_saved(r) > 0 ? RECOVERED_SALVAGED : RECOVERED_EMPTY;
	if (rc == 0 && r->how == RECOVERED_EMPTY && r->snapshot[0] != '\0') {
		r->how = RECOVERED_SNAPSHOT;
		rc = copy_snapshot(r->snapshot, part, e);
		if (rc == 0)
			rc = count_tables(part, r, e);
	}
	if (rc == 0)
		rc = decide(path, part, r, e);
	if (rc < 0)
		remove_part(part);
	return rc;
}

/* --- what is it? --- */

struct verdict {
	bool is_go;
	bool has_shape; /* it is known what it is and its tables are as they must be */
};

/* 0: sound; -EUCLEAN: damaged; -EPROTO: not for us. */
static int examine(const char *path, bool has_snapshot, struct verdict *ret, struct err *e)
{
	CLEANUP(db_freep) struct store_db *db = db_new(path);
	enum schema_kind kind = SCHEMA_OURS;
	int version, rc = db_connect(db, SQLITE_OPEN_READONLY, e);

	if (db->sql != NULL)
		(void)sqlite3_db_config(db->sql, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (rc == 0)
		rc = schema_identify(db, &kind, &version, e);
	if (rc == -EPROTO && schema_is_familiar(db))
		return err_set(e, -EUCLEAN, "%s: its header is damaged", path);
	ret->is_go = rc == 0 && kind == SCHEMA_GO;
	if (rc == 0 && kind == SCHEMA_NEW && has_snapshot)
		return err_set(e, -EUCLEAN, "%s is empty, and it was not always", path);
	if (rc == 0 && kind == SCHEMA_OURS)
		rc = schema_check(db, version, e);
	ret->has_shape = rc == 0;
	return rc < 0 ? rc : check_full(db, e);
}

int store_recover_database(
	const char *path, const char *pylon, struct store_recovery *ret, struct err *e)
{
	struct store_recovery r = {.now_real = ret->now_real};
	struct err why = CLEAN_ERR;
	struct verdict v = {0};
	bool has_snapshot;
	struct timespec now;
	int rc;

	must(clock_gettime(CLOCK_REALTIME, &now) == 0);
	if (r.now_real == 0)
		r.now_real = now.tv_sec * US_PER_SEC + now.tv_nsec / 1000;
	if (store_recovery_is_pending(path)) {
		rc = end_pending(path, pylon, &r, e);
		if (rc == 0)
			*ret = r;
		return rc;
	}
	has_snapshot = snapshot_find(path, r.snapshot, sizeof(r.snapshot));
	if (!file_exists(path) && !has_snapshot)
		return err_set(e, -ENOENT, "%s: there is no such database", path);
	if (file_exists(path))
		rc = examine(path, has_snapshot, &v, &why);
	else
		rc = err_set(&why, -EUCLEAN, "%s is gone", path);
	(void)str_copy(r.why, sizeof(r.why), rc == 0 ? "" : why.text);
	if (rc != 0 && rc != -EUCLEAN && rc != -EIO) {
		if (e != NULL)
			*e = why;
		return rc;
	}
	r.how = RECOVERED_SOUND;
	if (rc != 0 && v.has_shape && reindex_try(path))
		r.how = RECOVERED_REINDEXED;
	else if (rc != 0)
		rc = replace(path, pylon, v.is_go, &r, e);
	else
		rc = 0;
	if (r.how == RECOVERED_REINDEXED || r.how == RECOVERED_SOUND)
		rc = count_tables(path, &r, e);
	if (rc == 0)
		*ret = r;
	return rc;
}
