/* SPDX-License-Identifier: MIT */
/*
 * Damaged databases are kept: <folder>/.corrupt/<name>.<time>.<kind>, with the -wal beside it under
 * the name SQLite looks for. Kind is what took their place: salvaged, snapshot or empty.
 *
 * They get a second name first (link(2)) and lose their old one when the fresh database takes it,
 * so at no moment is there nothing. Only names of this form are ever removed, and only when they
 * are both old and not among the newest; age is what the name says, since a rename keeps the time
 * of the last write.
 */
#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "store/salvage_internal.h"

#define TIME_LEN  20 /* 20260504T101500.123Z */
#define NAMES_MAX 1000

const char *const companions[COMPANIONS] = {"", "-wal", "-shm", "-journal"};

void time_name(char ret[24], int64_t real_us)
{
	time_t s = (time_t)(real_us / US_PER_SEC);
	struct tm t = {0};

	(void)gmtime_r(&s, &t);
	(void)snprintf(ret, 24, "%04u%02u%02uT%02u%02u%02u.%03uZ",
		(unsigned)(t.tm_year + 1900) % 10000, (unsigned)(t.tm_mon + 1) % 100,
		(unsigned)t.tm_mday % 100, (unsigned)t.tm_hour % 100, (unsigned)t.tm_min % 100,
		(unsigned)t.tm_sec % 100, (unsigned)(real_us / US_PER_MS % 1000) % 1000);
}

const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

char *folder_beside(const char *path, const char *name)
{
	return xasprintf("%.*s%s", (int)(base_name(path) - path), path, name);
}

/* --- keeping --- */

/* A file system without hard links gets a rename; then a waiting recovery (recover.c) keeps the
 * empty place from being taken for a new database. */
static int keep(const char *from, const char *to, struct err *e)
{
	if (link(from, to) == 0 || errno == ENOENT)
		return 0;
	if (errno != EPERM && errno != EOPNOTSUPP && errno != EMLINK)
		return err_errno(e, "%s", to);
	return rename(from, to) == 0 ? 0 : err_errno(e, "%s", to);
}

/* The first name that is free. */
static char *name_free(const char *folder, const char *base, const char *kind, int64_t now_real)
{
	for (int i = 0; i < NAMES_MAX; i++) {
		CLEANUP(freep) char *name = NULL;
		char when[24];

		time_name(when, now_real + i * US_PER_MS);
		name = xasprintf("%s/%s.%s.%s", folder, base, when, kind);
		if (!file_exists(name))
			return STEAL(name);
	}
	return NULL;
}

int quarantine_keep(
	const char *path, const char *kind, int64_t now_real, char *ret, size_t size, struct err *e)
{
	CLEANUP(freep) char *folder = folder_beside(path, ".corrupt");
	CLEANUP(freep) char *name = NULL;
	int rc = dir_make(folder, 0700, e);

	if (rc < 0)
		return rc;
	name = name_free(folder, base_name(path), kind, now_real);
	if (name == NULL)
		return err_set(e, -EEXIST, "%s: no name is free", folder);
	for (size_t i = 0; rc == 0 && i < COMPANIONS; i++) {
		CLEANUP(freep) char *from = xasprintf("%s%s", path, companions[i]);
		CLEANUP(freep) char *to = xasprintf("%s%s", name, companions[i]);

		rc = keep(from, to, e);
	}
	if (rc == 0)
		rc = sync_path(folder, e);
	if (rc == 0 && !str_copy(ret, size, name))
		rc = err_set(e, -ENAMETOOLONG, "%s", name);
	return rc;
}

/* --- forgetting --- */

struct kept {
	const char *base;
	struct strv names; /* of databases, without their companions */
};

/* Is there a time behind "<base>."? */
static const char *time_in(const char *name, const char *base)
{
	static const char form[] = "00000000T000000.000Z";
	size_t n = strlen(base);

	if (strncmp(name, base, n) != 0 || name[n] != '.')
		return NULL;
	name += n + 1;
	for (size_t i = 0; i < TIME_LEN; i++)
		if (form[i] == '0' ? name[i] < '0' || name[i] > '9' : name[i] != form[i])
			return NULL;
	return name[TIME_LEN] == '.' ? name : NULL;
}

static void note_name(const char *name, void *ctx)
{
	struct kept *k = ctx;

	if (time_in(name, k->base) == NULL)
		return;
	for (size_t i = 1; i < COMPANIONS; i++)
		if (str_has_suffix(name, companions[i]))
			return;
	strv_add(&k->names, name);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void quarantine_prune(const char *path, int64_t now_real)
{
	CLEANUP(freep) char *folder = folder_beside(path, ".corrupt");
	struct kept k = {.base = base_name(path)};
	char before[24];

	if (dir_each(folder, note_name, &k, NULL) == 0 && k.names.n > QUARANTINE_KEPT) {
		qsort(k.names.v, k.names.n, sizeof(*k.names.v), by_name);
		time_name(before, now_real - INT64_C(86400) * QUARANTINE_DAYS * US_PER_SEC);
		for (size_t i = 0; i < k.names.n - QUARANTINE_KEPT; i++) {
			CLEANUP(freep) char *old = xasprintf("%s/%s", folder, k.names.v[i]);
			const char *when = time_in(k.names.v[i], k.base);

			if (when != NULL && strncmp(when, before, TIME_LEN) < 0)
				remove_part(old);
		}
	}
	strv_fini(&k.names);
}
