/* SPDX-License-Identifier: MIT */
/*
 * Damage of indexes only: they are built anew from the rows, in one transaction that is taken back
 * unless the database is sound then.
 *
 * What surprised: a table that lost a page of rows passes integrity_check after REINDEX. So one
 * whose indexes know of more rows than it has is not for here: salvage makes more of it.
 */
#include "store/salvage_internal.h"

/* 1: no index of that table has more entries than it has rows. */
static int has_all_rows(struct store_db *db, const char *table, struct err *e)
{
	CLEANUP(freep) char *count = xasprintf("SELECT count(*) FROM \"%s\" NOT INDEXED", table);
	CLEANUP(query_closep) struct query q;
	int64_t rows = 0, entries;
	int rc = sql_number(db, count, 0, &rows, e);

	if (rc < 0)
		return rc;
	query_open(&q, db, SLOT_NONE, "SELECT name FROM pragma_index_list(?) WHERE NOT partial");
	put_text(&q, table);
	while ((rc = query_next(&q, e)) > 0) {
		CLEANUP(freep) char *index = get_text(&q, NULL);
		CLEANUP(freep)
		char *sql =
			xasprintf("SELECT count(*) FROM \"%s\" INDEXED BY \"%s\"", table, index);

		if (sql_number(db, sql, 0, &entries, NULL) == 0 && entries > rows)
			return 0;
	}
	return rc < 0 ? rc : 1;
}

static bool have_all_rows(struct store_db *db, struct err *e)
{
	CLEANUP(query_closep) struct query q;
	int rc;

	query_open(&q, db, SLOT_NONE,
		"SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
	while ((rc = query_next(&q, e)) > 0) {
		CLEANUP(freep) char *table = get_text(&q, NULL);

		if (has_all_rows(db, table, e) <= 0)
			return false;
	}
	return rc == 0;
}

bool reindex_try(const char *path)
{
	CLEANUP(db_freep) struct store_db *db = db_new(path);
	struct err e = CLEAN_ERR;
	int rc = db_connect(db, SQLITE_OPEN_READWRITE, &e);

	if (db->sql != NULL)
		(void)sqlite3_db_config(db->sql, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (rc < 0 || !have_all_rows(db, &e))
		return false;
	rc = txn_begin(db, &e);
	if (rc == 0)
		rc = sql_exec(db, "REINDEX", &e);
	if (rc == 0)
		rc = check_full(db, &e);
	if (rc == 0)
		rc = txn_commit(db, &e);
	if (rc < 0)
		txn_rollback(db);
	else
		(void)sqlite3_db_config(db->sql, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	return rc == 0;
}
