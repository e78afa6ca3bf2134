/* SPDX-License-Identifier: MIT */
/*
 * Opening and closing databases.
 *
 * Order matters: nothing is written to an existing file before it has been identified, checked and,
 * if it is an old one, copied. A file that is refused stays byte for byte as it was, with its -wal.
 *
 * POSIX locks vanish when any descriptor of the file is closed by this process, so an existing
 * database is never opened here but through SQLite: its mode is set by path, and a new file is made
 * with O_EXCL, when nobody can have a lock on it yet.
 *
 * busy_timeout stays 0: waiting is the loop's business (commit.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "store/salvage_internal.h"

/* A database is looked over when this process opens it first, for so long; and all together so
 * long, so that a hundred large ones do not hold up the start. */
#define QUICK_CHECK_US     (200 * US_PER_MS)
#define QUICK_CHECK_ALL_US (1 * US_PER_SEC)

/* Two megabytes hold the pages that one busy turn touches. */
static const char connection_setup[] = "PRAGMA synchronous=FULL;"
				       "PRAGMA foreign_keys=ON;"
				       "PRAGMA trusted_schema=OFF;"
				       "PRAGMA cell_size_check=ON;"
				       "PRAGMA temp_store=MEMORY;"
				       "PRAGMA secure_delete=FAST;"
				       "PRAGMA cache_size=-2048;"
				       "PRAGMA wal_autocheckpoint=1000;"
				       "PRAGMA journal_size_limit=8388608";

struct store *store_new(void (*wake)(void *ctx), void *ctx)
{
	struct store *s = xcalloc(1, sizeof(*s));

	/* One thread, absolute paths, and nobody reads the statistics. The calls fail when SQLite
	 * is in use already, which is fine. */
	(void)sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	(void)sqlite3_config(SQLITE_CONFIG_URI, 0);
	s->wake = wake;
	s->ctx = ctx;
	s->check_left_us = QUICK_CHECK_ALL_US;
	list_init(&s->dbs);
	list_init(&s->dirty);
	list_init(&s->warm);
	return s;
}

void store_free(struct store *s)
{
	if (s == NULL)
		return;
	list_foreach_safe (it, &s->dbs)
		db_free(list_entry(it, struct store_db, node));
	strv_fini(&s->checked);
	free(s);
}

struct store_db *db_new(const char *path)
{
	struct store_db *db = xcalloc(1, sizeof(*db));

	db->path = xstrdup(path);
	db->rejected = -1;
	list_init(&db->node);
	list_init(&db->dirty);
	list_init(&db->warm);
	list_init(&db->ops);
	list_init(&db->turn);
	list_init(&db->kept);
	return db;
}

void db_free(struct store_db *db)
{
	if (db == NULL)
		return;
	if (!list_is_empty(&db->warm))
		db->store->warm_count--;
	list_remove(&db->node);
	list_remove(&db->dirty);
	list_remove(&db->warm);
	for (size_t i = 0; i < SLOTS; i++)
		(void)sqlite3_finalize(db->slots[i]);
	must(sqlite3_close(db->sql) == SQLITE_OK); /* a statement is still in use */
	free(db->path);
	free(db);
}

void store_close(struct store_db *db)
{
	if (db == NULL)
		return;
	must(list_is_empty(&db->ops) && list_is_empty(&db->turn) && list_is_empty(&db->kept));
	db_free(db);
}

const char *store_path(const struct store_db *db)
{
	return db->path;
}

int db_connect(struct store_db *db, int flags, struct err *e)
{
	static const struct {
		int option, value;
	} options[] = {
		{SQLITE_DBCONFIG_DEFENSIVE, 1},
		{SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
		{SQLITE_DBCONFIG_ENABLE_TRIGGER, 0}, /* we have none; foreign keys still work */
		{SQLITE_DBCONFIG_ENABLE_VIEW, 0},
		{SQLITE_DBCONFIG_DQS_DML, 0},
		{SQLITE_DBCONFIG_DQS_DDL, 0},
	};
	int rc = sqlite3_open_v2(
		db->path, &db->sql, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);

	if (rc != SQLITE_OK)
		return sql_failed(db, rc, e);
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		rc = sqlite3_db_config(db->sql, options[i].option, options[i].value, NULL);
		must(rc == SQLITE_OK);
	}
	return sql_exec(db, connection_setup, e);
}

/* The folder and an empty file, ours alone, before SQLite sees them. */
static int file_prepare(const char *path, struct err *e)
{
	CLEANUP(freep) char *folder = xstrdup(path);
	CLEANUP(closep) int fd = -1;
	char *slash = strrchr(folder, '/');
	int rc;

	if (slash != NULL && slash != folder) {
		*slash = '\0';
		rc = dir_make(folder, 0700, e);
		if (rc < 0)
			return rc;
	}
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno != EEXIST)
		return err_errno(e, "%s", path);
	if (fd < 0 && chmod(path, 0600) < 0)
		return err_errno(e, "%s", path);
	return 0;
}

/* With what is in a -wal, closing would write to the database. */
static bool has_wal(const char *path)
{
	CLEANUP(freep) char *wal = xasprintf("%s-wal", path);
	struct stat st;

	return stat(wal, &st) == 0 && st.st_size > 0;
}

/* A recovery that was killed halfway ends first (recover.c). And a file without a byte is a new
 * database only when none was here before: never a silent empty one. */
static int awaits_recovery(const char *path, struct err *e)
{
	char copy[512];
	struct stat st;

	if (store_recovery_is_pending(path))
		return err_set(e, -EUCLEAN, "%s: a recovery was interrupted", path);
	if (stat(path, &st) == 0 && st.st_size == 0 && !has_wal(path) &&
		snapshot_find(path, copy, sizeof(copy)))
		return err_set(
			e, -EUCLEAN, "%s is empty, and it was not always: there is %s", path, copy);
	return 0;
}

static int wal_switch_on(struct store_db *db, struct err *e)
{
	CLEANUP(query_closep) struct query q;
	char mode[16] = "";
	int rc;

	query_open(&q, db, SLOT_NONE, "PRAGMA journal_mode=WAL");
	rc = query_next(&q, e);
	if (rc > 0)
		get_array(&q, mode, sizeof(mode));
	if (rc < 0)
		return rc;
	if (!str_eq(mode, "wal"))
		return err_set(e, -ENOTSUP, "%s: this file system cannot hold a WAL (mode is %s)",
			db->path, mode);
	return 0;
}

static int create(struct store_db *db, struct err *e)
{
	int rc = txn_begin(db, e);

	if (rc == 0)
		rc = schema_add(db, 0, e);
	if (rc == 0)
		rc = schema_stamp(db, e);
	if (rc == 0)
		rc = txn_commit(db, e);
	if (rc < 0)
		txn_rollback(db);
	return rc;
}

/* The lock is held from before the copy until the end, so nothing can be missing from the copy. */
static int migrate(struct store_db *db, enum schema_kind kind, const char *pylon,
	struct store_migration *m, struct err *e)
{
	int rc = txn_begin(db, e);

	if (rc == 0)
		rc = backup_make(db, m->from, m->backup, sizeof(m->backup), e);
	if (rc < 0) {
		txn_rollback(db);
		return rc;
	}
	rc = kind == SCHEMA_GO ? migrate_go(db, pylon, &m->rows, e)
			       : migrate_ours(db, m->from, &m->rows, e);
	if (rc == 0)
		rc = txn_commit(db, e);
	if (rc < 0) {
		txn_rollback(db);
		(void)unlink(m->backup); /* it would be made again at every try */
	}
	return rc;
}

/* The first look at a database that this process did not make. */
static int look_over(struct store *s, struct store_db *db, struct err *e)
{
	int64_t began = clock_us();
	int rc;

	if (strv_has(&s->checked, db->path))
		return 0;
	rc = check_quick(db, MIN_OF(QUICK_CHECK_US, s->check_left_us), e);
	if (rc == 0)
		strv_add(&s->checked, db->path);
	s->check_left_us = MAX_OF(s->check_left_us - (clock_us() - began), 0);
	return rc;
}

static int settle(struct store *s, struct store_db *db, const char *pylon,
	struct store_migration *m, struct err *e)
{
	enum schema_kind kind;
	int rc = schema_identify(db, &kind, &m->from, e);

	m->to = SCHEMA_VERSION;
	if (rc == 0 && kind != SCHEMA_NEW)
		rc = look_over(s, db, e);
	if (rc == 0 && kind == SCHEMA_OURS)
		rc = schema_check(db, m->from, e);
	if (rc == 0 && m->from != m->to)
		rc = migrate(db, kind, pylon, m, e);
	if (rc == 0)
		rc = wal_switch_on(db, e);
	if (rc == 0 && kind == SCHEMA_NEW)
		rc = create(db, e);
	if (rc == 0 && (kind != SCHEMA_OURS || m->from != m->to))
		rc = schema_check(db, m->to, e);
	return rc;
}

/* Remembers which file it is. */
static int file_note(struct store_db *db, struct err *e)
{
	struct stat st;

	if (stat(db->path, &st) < 0)
		return err_errno(e, "%s", db->path);
	db->file_dev = st.st_dev;
	db->file_ino = st.st_ino;
	return 0;
}

int db_file_check(const struct store_db *db, struct err *e)
{
	struct stat st;

	if (stat(db->path, &st) < 0)
		return err_set(e, -ESTALE, "%s was removed while it was open", db->path);
	if (st.st_dev != db->file_dev || st.st_ino != db->file_ino)
		return err_set(e, -ESTALE, "%s was replaced while it was open", db->path);
	return 0;
}

int store_open(struct store *s, const char *path, const char *pylon, struct store_db **ret,
	struct store_migration *ret_migration, struct err *e)
{
	CLEANUP(db_freep) struct store_db *db = db_new(path);
	struct store_migration m = {0};
	bool keep_wal;
	int rc = awaits_recovery(path, e);

	if (rc == 0)
		rc = file_prepare(path, e);
	if (rc < 0)
		return rc;
	keep_wal = has_wal(path);
	rc = db_connect(db, SQLITE_OPEN_READWRITE, e);
	if (db->sql != NULL && keep_wal)
		(void)sqlite3_db_config(db->sql, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (rc == 0)
		rc = settle(s, db, pylon, &m, e);
	if (rc == 0)
		rc = file_note(db, e);
	if (rc < 0)
		return rc;
	(void)sqlite3_db_config(db->sql, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	db->store = s;
	list_append(&s->dbs, &db->node);
	sql_cool(db);
	if (ret_migration != NULL)
		*ret_migration = m;
	*ret = STEAL(db);
	return 0;
}
