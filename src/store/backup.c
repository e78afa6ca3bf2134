/* SPDX-License-Identifier: MIT */
/*
 * The copy that is made before a database is migrated: <folder>/.backups/<name>.v<version>.<n>.
 *
 * Invariant: a file of that name is complete, sound and on disk. It is written under a name that
 * ends in .part, checked as a whole, synced and renamed; a .part is what a crash left and may go.
 * An earlier copy is never written over: it may be the only one of what was migrated then.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "store/salvage_internal.h"

#define BACKUPS_MAX 99

int sync_path(const char *path, struct err *e)
{
	CLEANUP(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return err_errno(e, "%s", path);
	return 0;
}

/* Copies all pages. The caller's connection holds the write lock, which lets others read but not
 * itself copy (SQLITE_LOCKED), hence a second connection to the same file. */
static int copy_pages(const struct store_db *locked, struct store_db *to, struct err *e)
{
	CLEANUP(db_freep) struct store_db *from = db_new(locked->path);
	sqlite3_backup *b;
	int rc = db_connect(from, SQLITE_OPEN_READWRITE, e);

	if (rc < 0)
		return rc;
	b = sqlite3_backup_init(to->sql, "main", from->sql, "main");
	if (b == NULL)
		return sql_failed(to, sqlite3_extended_errcode(to->sql), e);
	rc = sqlite3_backup_step(b, -1);
	(void)sqlite3_backup_finish(b);
	if (rc != SQLITE_DONE)
		return sql_failed(to, rc == SQLITE_OK ? SQLITE_BUSY : rc, e);
	return 0;
}

/* 0 when the question has the same answer in both. */
static int compare(struct store_db *from, struct store_db *to, const char *question, struct err *e)
{
	int64_t a, b;
	int rc = sql_number(from, question, 0, &a, e);

	if (rc == 0)
		rc = sql_number(to, question, 0, &b, e);
	if (rc != 0 || a == b)
		return rc;
	return err_set(e, -EIO, "%s: the copy has %lld of %lld rows", to->path, (long long)b,
		(long long)a);
}

/* As many tables, and as many jobs if there is such a table? */
static int compare_all(struct store_db *from, struct store_db *to, struct err *e)
{
	int64_t has_jobs;
	int rc = sql_number(
		from, "SELECT count(*) FROM sqlite_schema WHERE name = 'jobs'", 0, &has_jobs, e);

	if (rc == 0)
		rc = compare(from, to, "SELECT count(*) FROM sqlite_schema", e);
	if (rc != 0 || has_jobs == 0)
		return rc;
	return compare(from, to, "SELECT count(*) FROM jobs", e);
}

/* A sound copy in one file of its own (no -wal beside it), closed and synced. */
int db_copy(struct store_db *from, const char *path, struct err *e)
{
	CLEANUP(db_freep) struct store_db *to = db_new(path);
	CLEANUP(closep) int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int rc;

	if (fd < 0)
		return err_errno(e, "%s", path);
	closep(&fd); /* before SQLite has it, see open.c */
	rc = db_connect(to, SQLITE_OPEN_READWRITE, e);
	if (rc == 0) /* synced once, at the end */
		rc = sql_exec(to, "PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF", e);
	if (rc == 0)
		rc = copy_pages(from, to, e);
	if (rc == 0)
		rc = sql_exec(to, "PRAGMA journal_mode=DELETE", e);
	if (rc == 0)
		rc = check_full(to, e);
	if (rc == 0)
		rc = compare_all(from, to, e);
	if (rc < 0)
		return rc;
	db_freep(&to);
	return sync_path(path, e);
}

/* With what SQLite may have left beside it: a stale journal would be played into a new file. */
void remove_part(const char *part)
{
	static const char *const tails[] = {"", "-journal", "-wal", "-shm"};

	for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
		CLEANUP(freep) char *path = xasprintf("%s%s", part, tails[i]);

		(void)unlink(path);
	}
}

/* The first free name of the row. */
static char *name_choose(const char *folder, const char *base, int version)
{
	for (int n = 1; n <= BACKUPS_MAX; n++) {
		CLEANUP(freep) char *name = xasprintf("%s/%s.v%d.%d", folder, base, version, n);

		if (!file_exists(name))
			return STEAL(name);
	}
	return NULL;
}

int backup_make(struct store_db *db, int version, char *ret, size_t size, struct err *e)
{
	const char *slash = strrchr(db->path, '/'), *base = slash == NULL ? db->path : slash + 1;
	CLEANUP(freep) char *folder = xasprintf("%.*s.backups", (int)(base - db->path), db->path);
	CLEANUP(freep) char *name = NULL;
	CLEANUP(freep) char *part = NULL;
	int rc = dir_make(folder, 0700, e);

	if (rc < 0)
		return rc;
	name = name_choose(folder, base, version);
	if (name == NULL)
		return err_set(e, -EEXIST, "%s: %d copies are there already", folder, BACKUPS_MAX);
	part = xasprintf("%s.part", name);
	remove_part(part);
	rc = db_copy(db, part, e);
	if (rc == 0 && rename(part, name) < 0)
		rc = err_errno(e, "%s", name);
	if (rc == 0)
		rc = sync_path(folder, e);
	if (rc < 0) {
		remove_part(part);
		return err_wrap(e, "backup");
	}
	if (!str_copy(ret, size, name))
		return err_set(e, -ENAMETOOLONG, "%s", name);
	return 0;
}
