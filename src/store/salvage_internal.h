/* SPDX-License-Identifier: MIT */
/*
 * store/salvage_internal.h - how rows of a damaged database come into a fresh one (recover.c is the
 * whole story).
 *
 * Which tables there are, what fits into them and what is a row twice is asked of the fresh
 * database itself: a table that a later version adds is salvaged without a word here, as long as
 * its rows can be told from those of the others by their shape (tests/store/test_recover.c).
 */
#ifndef PYLON_STORE_SALVAGE_INTERNAL_H
#define PYLON_STORE_SALVAGE_INTERNAL_H

#include "store/pages_internal.h"
#include "store/recover.h"
#include "store/store_internal.h"

struct shape_column {
	char *name;
	char type; /* 'I'NTEGER, 'R'EAL, 'T'EXT, 'B'LOB, or 'A'ny */
	bool is_not_null, is_rowid;
};

struct shape {
	struct shape_column v[COLUMNS_MAX]; /* in the order of a record */
	size_t n;
	bool has_rowid;    /* else it is an index by itself: WITHOUT ROWID */
	bool is_complete;  /* SQLite read all of it: nothing is missing */
	int64_t expected;  /* rows that an index tells of, -1 = unknown */
	int64_t missing;   /* rows that pages tell of and that could not be read */
	int64_t leaf_rows; /* most rows seen on one page */
	sqlite3_stmt *insert;
	struct store_recovered_table *told;
};

struct salvage {
	struct store_db *to; /* the fresh database, inside a transaction */
	const char *pylon;
	int64_t now_real;
	int64_t uncommitted; /* rows */
	struct store_recovery *told;
	struct shape *tables[RECOVERY_TABLES_MAX];
	size_t n;
};

/* --- shape.c --- */

/* Learns the tables of s->to. */
NODISCARD int shapes_load(struct salvage *s, struct err *e);
void shapes_free(struct salvage *s);
static inline void shapes_freep(struct salvage *s)
{
	shapes_free(s);
}
/* Could this be a row of that table? */
bool shape_fits(const struct shape *t, const struct record *r);
/* The same for as much of it as could be read. */
bool shape_resembles(const struct shape *t, const struct record *r);
/* Can no record be a row of both? */
bool shapes_differ(const struct shape *a, const struct shape *b);
/* NULL when there is none of that name. */
struct shape *shape_find(const struct salvage *s, const char *name);
/* Puts a row in and counts it; one that is there already counts nothing. 1: it is nonsense, which
 * the table refuses. Negative: failed. */
NODISCARD int shape_add(struct salvage *s, struct shape *t, const struct record *r, struct err *e);
/* "a, b, c": the columns that hold something, in the order of a record; appended. */
void shape_columns(const struct shape *t, struct buf *out);
NODISCARD int salvage_begin(struct salvage *s, struct err *e);
NODISCARD int salvage_end(struct salvage *s, struct err *e);

/* --- salvage_sql.c: what SQLite can read --- */

/* `from` is opened read-only. */
NODISCARD int salvage_sql(struct salvage *s, struct store_db *from, struct err *e);
/* Jobs whose row is lost but whose index entries are not are made anew. */
NODISCARD int salvage_hints(struct salvage *s, struct store_db *from, struct err *e);

/* --- salvage_pages.c: what can be read without it --- */

NODISCARD int salvage_pages(struct salvage *s, const char *path, struct err *e);

/* --- mend.c --- */

/* Makes the references hold and the states agree. */
NODISCARD int salvage_mend(struct salvage *s, struct err *e);

/* --- reindex.c --- */

/* Builds the indexes anew if that is all it takes: true when the database is sound then. When it is
 * not, nothing was changed. */
bool reindex_try(const char *path);

/* --- quarantine.c --- */

/* What SQLite may keep beside a database; the first is the database itself. */
#define COMPANIONS 4
extern const char *const companions[COMPANIONS];

/* Gives the file and its companions a second name <folder>/.corrupt/<name>.<time>.<kind>, on disk;
 * the first one's path is written to ret. -ENOENT when there is none of them. */
NODISCARD int quarantine_keep(const char *path, const char *kind, int64_t now_real, char *ret,
	size_t size, struct err *e);
/* Forgets what is older than QUARANTINE_DAYS and not among the newest QUARANTINE_KEPT. */
void quarantine_prune(const char *path, int64_t now_real);
/* "20260504T101500.123Z" */
void time_name(char ret[24], int64_t real_us);
/* The folder `name` beside a database; free() it. */
char *folder_beside(const char *path, const char *name);
/* The part of a path behind the last slash. */
const char *base_name(const char *path);

/* --- snapshot.c --- */

/* The newest copy in .backups/ that is sound and of a version that is known; false = none. */
bool snapshot_find(const char *path, char *ret, size_t size);

/* --- backup.c --- */

/* A sound, synced copy in one new file of that path. */
NODISCARD int db_copy(struct store_db *from, const char *path, struct err *e);
NODISCARD int sync_path(const char *path, struct err *e);
/* Unlinks a file with all that SQLite may have left beside it. */
void remove_part(const char *part);

/* --- schema.c --- */

/* Are there tables, and is each of them word for word one of ours? */
bool schema_is_familiar(struct store_db *db);

#endif
