/* SPDX-License-Identifier: MIT */
/*
 * store/recover.h - databases that are damaged, and copies made before they are.
 *
 * All of this blocks for as long as the file is large and belongs into a process of its own. That
 * process must not be a mere fork of one that has the same database open: SQLite would take the
 * parent's locks for its own. Recovering wants the database to itself: nobody may have it open.
 */
#ifndef PYLON_STORE_RECOVER_H
#define PYLON_STORE_RECOVER_H

#include "base/err.h"
#include "base/str.h"

enum store_recovered {
	RECOVERED_SOUND,     /* nothing was wrong, nothing was changed */
	RECOVERED_REINDEXED, /* only indexes were damaged; they were built anew, no row is lost */
	RECOVERED_SALVAGED,  /* what could be read is in a fresh database */
	RECOVERED_SNAPSHOT,  /* nothing could be read: the newest sound copy of before took over */
	RECOVERED_EMPTY,     /* nor was there a copy: a new, empty database */
};

#define RECOVERY_TABLES_MAX 32

/* What became of the rows of one table. saved + made is what it has now. */
struct store_recovered_table {
	char name[40];
	int64_t found;   /* rows that could be read */
	int64_t saved;   /* of these, kept */
	int64_t dropped; /* of these, left out: what they belong to is lost */
	int64_t cut;     /* of those saved: without their last columns, which could not be read */
	int64_t made;    /* put in for a lost one, from what other rows and indexes tell */
	int64_t lost;    /* estimate: rows that were there and could not be read */
};

struct store_recovery {
	int64_t now_real; /* in: wall clock, us; 0: the system's */
	enum store_recovered how;
	char why[256];        /* what was wrong first */
	char quarantine[512]; /* where the damaged database is now; "" when it stayed */
	char snapshot[512];   /* the newest sound copy of before, used or not; "" = none */
	int64_t pages, bad_pages;
	int64_t unknown; /* rows that were read and fit no table */
	struct store_recovered_table tables[RECOVERY_TABLES_MAX];
	size_t table_count;
};

/* Makes a sound database of what is at `path`, which is checked first. The damaged files are kept
 * under <folder>/.corrupt/. `pylon` names the owner of jobs whose row is lost. 0 with *ret filled;
 * -EPROTO: it is another program's or a newer version's, and was left alone; -ENOENT: there is none
 * and no copy of before. Killed at any moment: calling it again ends what was begun. */
NODISCARD int store_recover_database(
	const char *path, const char *pylon, struct store_recovery *ret, struct err *e);
/* What happened, for people: lines with "\n", the first one says it all. */
void store_recovery_print(struct buf *out, const struct store_recovery *r);
/* Is everything there that was, as far as can be known? */
bool store_recovery_is_lossless(const struct store_recovery *r);
/* "sound", "reindexed", "salvaged", "snapshot", "empty". */
const char *store_recovered_name(enum store_recovered how);

/* A verified, synced copy at <folder>/.backups/<name>.<time>.snapshot, of one moment, while others
 * may write; its path is written to ret. Of such copies the newest SNAPSHOTS_KEPT stay. */
#define SNAPSHOTS_KEPT 3
NODISCARD int store_snapshot(
	const char *path, int64_t now_real, char *ret, size_t size, struct err *e);

/* Is a recovery of this database half done (its fresh file waits to take the place)? */
bool store_recovery_is_pending(const char *path);

/* Files under .corrupt/ stay this long, and the newest ones for ever. */
#define QUARANTINE_DAYS 30
#define QUARANTINE_KEPT 10

#endif
