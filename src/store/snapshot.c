/* SPDX-License-Identifier: MIT */
/*
 * Copies of before: <folder>/.backups/<name>.<time>.snapshot.
 *
 * The copy is of the one moment at which its read transaction began, whatever others write
 * meanwhile; they are not held up, only the log cannot shrink until it is done. As with all copies,
 * a file of that name is complete, sound and on disk (backup.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "store/salvage_internal.h"

#define TAIL ".snapshot"

struct names {
	const char *folder, *base;
	bool with_backups; /* those before a migration, too */
	struct strv keys;  /* "<time> <name>", so that they sort by age */
};

static void note_name(const char *name, void *ctx)
{
	struct names *n = ctx;
	size_t base = strlen(n->base);
	CLEANUP(freep) char *path = NULL;
	struct stat st;
	char when[24];

	if (strncmp(name, n->base, base) != 0 || name[base] != '.')
		return;
	if (str_has_suffix(name, TAIL)) {
		strv_addf(&n->keys, "%.20s %s", name + base + 1, name);
		return;
	}
	path = xasprintf("%s/%s", n->folder, name);
	if (!n->with_backups || name[base + 1] != 'v' || str_has_suffix(name, ".part") ||
		stat(path, &st) < 0)
		return;
	time_name(when, (int64_t)st.st_mtim.tv_sec * US_PER_SEC);
	strv_addf(&n->keys, "%.20s %s", when, name);
}

static int newest_first(const void *a, const void *b)
{
	return strcmp(*(char *const *)b, *(char *const *)a);
}

static void names_list(struct names *n)
{
	if (dir_each(n->folder, note_name, n, NULL) == 0 && n->keys.n > 1)
		qsort(n->keys.v, n->keys.n, sizeof(*n->keys.v), newest_first);
}

static char *name_of(const struct names *n, size_t i)
{
	const char *space = strchr(n->keys.v[i], ' ');

	return xasprintf("%s/%s", n->folder, space == NULL ? "" : space + 1);
}

/* --- finding --- */

static bool is_usable(const char *path)
{
	CLEANUP(db_freep) struct store_db *db = db_new(path);
	struct err e = CLEAN_ERR;
	enum schema_kind kind = SCHEMA_NEW;
	int version, rc = db_connect(db, SQLITE_OPEN_READONLY, &e);

	if (rc == 0)
		rc = schema_identify(db, &kind, &version, &e);
	if (rc < 0 || kind == SCHEMA_NEW)
		return false;
	return check_full(db, &e) == 0;
}

bool snapshot_find(const char *path, char *ret, size_t size)
{
	CLEANUP(freep) char *folder = folder_beside(path, ".backups");
	struct names n = {.folder = folder, .base = base_name(path), .with_backups = true};
	bool is_found = false;

	names_list(&n);
	for (size_t i = 0; i < n.keys.n && !is_found; i++) {
		CLEANUP(freep) char *name = name_of(&n, i);

		is_found = is_usable(name) && str_copy(ret, size, name);
	}
	strv_fini(&n.keys);
	return is_found;
}

/* --- making --- */

/* Only what we made: the newest ones stay. */
static void prune(const char *folder, const char *base)
{
	struct names n = {.folder = folder, .base = base};

	names_list(&n);
	for (size_t i = SNAPSHOTS_KEPT; i < n.keys.n; i++) {
		CLEANUP(freep) char *name = name_of(&n, i);

		(void)unlink(name);
	}
	strv_fini(&n.keys);
}

/* `from` has a read transaction; the copy is of what that sees. */
static int copy_seen(struct store_db *from, struct store_db *to, struct err *e)
{
	sqlite3_backup *b = sqlite3_backup_init(to->sql, "main", from->sql, "main");
	int rc;

	if (b == NULL)
		return sql_failed(to, sqlite3_extended_errcode(to->sql), e);
	rc = sqlite3_backup_step(b, -1);
	(void)sqlite3_backup_finish(b);
	if (rc != SQLITE_DONE)
		return sql_failed(to, rc == SQLITE_OK ? SQLITE_BUSY : rc, e);
	return 0;
}

static int write_snapshot(const char *path, const char *part, struct err *e)
{
	CLEANUP(db_freep) struct store_db *from = db_new(path);
	CLEANUP(db_freep) struct store_db *to = db_new(part);
	CLEANUP(closep) int fd = -1;
	int64_t objects = 0, copied = 0;
	int rc = db_connect(from, SQLITE_OPEN_READONLY, e);

	if (rc == 0)
		rc = sql_exec(from, "BEGIN", e);
	if (rc == 0)
		rc = sql_number(from, "SELECT count(*) FROM sqlite_schema", 0, &objects, e);
	if (rc < 0)
		return rc;
	fd = open(part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(e, "%s", part);
	closep(&fd); /* before SQLite has it, see open.c */
	rc = db_connect(to, SQLITE_OPEN_READWRITE, e);
	if (rc == 0)
		rc = sql_exec(to, "PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF", e);
	if (rc == 0)
		rc = copy_seen(from, to, e);
	if (rc == 0)
		rc = sql_exec(to, "PRAGMA journal_mode=DELETE", e);
	if (rc == 0)
		rc = check_full(to, e);
	if (rc == 0)
		rc = sql_number(to, "SELECT count(*) FROM sqlite_schema", 0, &copied, e);
	if (rc == 0 && (copied != objects || objects == 0))
		rc = err_set(e, -EIO, "%s: %lld of %lld tables and indexes", part,
			(long long)copied, (long long)objects);
	if (rc < 0)
		return rc;
	db_freep(&to);
	return sync_path(part, e);
}

int store_snapshot(const char *path, int64_t now_real, char *ret, size_t size, struct err *e)
{
	CLEANUP(freep) char *folder = folder_beside(path, ".backups");
	CLEANUP(freep) char *name = NULL;
	CLEANUP(freep) char *part = NULL;
	char when[24];
	int rc;

	time_name(when, now_real);
	name = xasprintf("%s/%s.%s" TAIL, folder, base_name(path), when);
	part = xasprintf("%s.part", name);
	if (strlen(name) >= size)
		return err_set(e, -ENAMETOOLONG, "%s", name);
	if (!file_exists(path))
		return err_set(e, -ENOENT, "%s: there is no such database", path);
	rc = dir_make(folder, 0700, e);
	if (rc < 0)
		return rc;
	remove_part(part);
	rc = write_snapshot(path, part, e);
	if (rc == 0 && rename(part, name) < 0)
		rc = err_errno(e, "%s", name);
	if (rc == 0)
		rc = sync_path(folder, e);
	if (rc < 0) {
		remove_part(part);
		return err_wrap(e, "snapshot");
	}
	prune(folder, base_name(path));
	(void)str_copy(ret, size, name);
	return 0;
}
