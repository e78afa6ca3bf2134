/* SPDX-License-Identifier: MIT */
/*
 * Is a database sound? The quick look when a process opens it first, and the whole truth in a
 * process of its own.
 *
 * The quick look may not take long whatever the size: running out of time is no complaint. SQLite
 * walks all b-trees of a quick_check in one step that asks nobody whether to go on (3.40), at about
 * a gigabyte a second from memory; so above QUICK_BYTES the newest rows are walked one by one
 * instead, which with cell_size_check=ON looks at every cell of every page it passes.
 *
 * What surprised: quick_check does not see a damaged index. That is why the full check exists and
 * has to run some time after every start.
 */
#include <errno.h>
#include <time.h>

#include "base/limits.h"
#include "store/store_internal.h"

#define QUICK_BYTES MIB(64)
/* Virtual machine steps between two looks at the clock: some ten microseconds. */
#define PROGRESS_STEPS 1000

int64_t clock_us(void)
{
	struct timespec t;

	must(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
	return t.tv_sec * US_PER_SEC + t.tv_nsec / 1000;
}

static int is_too_late(void *ctx)
{
	const int64_t *deadline = ctx;

	return clock_us() > *deadline;
}

/* The first row of a check: "ok", or what is wrong. */
static int check_run(struct store_db *db, const char *sql, struct err *e)
{
	static const char heading[] = "*** in database main ***\n";
	CLEANUP(query_closep) struct query q;
	CLEANUP(freep) char *text = NULL;
	int rc;

	query_open(&q, db, SLOT_NONE, sql);
	rc = query_next(&q, e);
	if (rc < 0)
		return rc;
	text = rc > 0 ? get_text(&q, NULL) : NULL;
	if (str_eq(text, "ok"))
		return 0;
	if (text != NULL && str_has_prefix(text, heading))
		return err_set(e, -EUCLEAN, "%s: %s", db->path, text + strlen(heading));
	return err_set(e, -EUCLEAN, "%s: %s", db->path, text == NULL ? "no answer" : text);
}

int check_full(struct store_db *db, struct err *e)
{
	return check_run(db, "PRAGMA integrity_check(1)", e);
}

/* Visits the rows of `jobs` from the newest to the oldest. */
static int walk_newest(struct store_db *db, struct err *e)
{
	CLEANUP(query_closep) struct query q;
	int rc;

	query_open(&q, db, SLOT_NONE, "SELECT rowid FROM jobs NOT INDEXED ORDER BY rowid DESC");
	do
		rc = query_next(&q, e);
	while (rc > 0);
	return rc;
}

int check_quick(struct store_db *db, int64_t limit_us, struct err *e)
{
	int64_t deadline = clock_us() + limit_us, pages, page_size, has_jobs;
	int rc = sql_number(db, "PRAGMA page_count", 0, &pages, e);

	if (rc == 0)
		rc = sql_number(db, "PRAGMA page_size", 0, &page_size, e);
	if (rc == 0)
		rc = sql_number(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'jobs'", 0,
			&has_jobs, e);
	if (rc != 0)
		return rc;
	sqlite3_progress_handler(db->sql, PROGRESS_STEPS, is_too_late, &deadline);
	if (pages * page_size <= (int64_t)QUICK_BYTES)
		rc = check_run(db, "PRAGMA quick_check(1)", e);
	else if (has_jobs > 0)
		rc = walk_newest(db, e);
	sqlite3_progress_handler(db->sql, 0, NULL, NULL);
	return rc == -EINTR ? 0 : rc;
}

int store_check(const char *path, struct err *e)
{
	CLEANUP(db_freep) struct store_db *db = db_new(path);
	int rc = db_connect(db, SQLITE_OPEN_READONLY, e);

	return rc < 0 ? rc : check_full(db, e);
}
