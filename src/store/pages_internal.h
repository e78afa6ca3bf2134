/* SPDX-License-Identifier: MIT */
/*
 * store/pages_internal.h - a database file read without SQLite, page by page, for when SQLite
 * refuses it. The format is that of https://www.sqlite.org/fileformat2.html.
 *
 * Everything read is doubted: sizes are checked before they are believed, chains are followed only
 * as far as they have to be, and a page is asked nothing that is not on it.
 */
#ifndef PYLON_STORE_PAGES_INTERNAL_H
#define PYLON_STORE_PAGES_INTERNAL_H

#include "base/err.h"
#include "base/limits.h"
#include "base/str.h"

/* A record of ours is far below; what claims more is damaged. */
#define RECORD_MAX  MIB(64)
#define COLUMNS_MAX 64

/* First byte of a b-tree page. */
enum page_kind {
	PAGE_OTHER = 0, /* none: overflow, free, or damaged */
	PAGE_INDEX_INTERIOR = 2,
	PAGE_TABLE_INTERIOR = 5,
	PAGE_INDEX_LEAF = 10,
	PAGE_TABLE_LEAF = 13,
};

/* What is known of a page. */
enum {
	PAGE_IS_FREE = 1,       /* on the list of free pages */
	PAGE_IS_REFERENCED = 2, /* an interior page says it is its child */
};

struct pages {
	int fd, wal_fd;
	uint32_t size;    /* of a page */
	uint32_t count;   /* of pages, of the file and the log together */
	uint32_t in_file; /* whole pages in the file */
	uint32_t claimed; /* what the header says; 0 = unreadable */
	uint8_t *flags;   /* [count + 1] */
	uint32_t *frame; /* [count + 1]: the page's newest committed frame + 1, 0 = none; or NULL */
};

/* Opens the file and the log beside it. -ENODATA when there is no page in it at all. */
NODISCARD int pages_open(struct pages *p, const char *path, struct err *e);
void pages_close(struct pages *p);

/* One page in memory. */
struct page {
	uint32_t number;
	enum page_kind kind;
	uint32_t cells;
	size_t head;    /* where the b-tree header begins: 100 on page 1 */
	uint8_t *bytes; /* pages.size of them, the caller's */
};

/* Reads page 1..count; false when it cannot be read. What is no b-tree page is PAGE_OTHER. */
bool page_read(const struct pages *p, uint32_t number, struct page *ret);
/* Child of an interior page, 0..cells (the last is the right-most); 0 when nonsense. *ret_key is a
 * table page's largest rowid below that child (not set for the right-most). */
uint32_t page_child(const struct pages *p, const struct page *page, uint32_t i, int64_t *ret_key);

enum value_kind { VALUE_NULL, VALUE_INT, VALUE_REAL, VALUE_TEXT, VALUE_BLOB, VALUE_CUT };

struct value {
	enum value_kind kind;
	int64_t i;
	double r;
	struct slice s; /* borrowed from the record's payload */
};

struct record {
	int64_t rowid; /* of a table leaf */
	size_t n;
	size_t cut; /* columns at the end that could not be read (VALUE_CUT) */
	struct value v[COLUMNS_MAX];
	struct buf payload;
};

/* The record in cell i of a leaf, or of an interior page of an index. False when it is damaged. The
 * record is reused from call to call; buf_fini() its payload at the end. */
bool page_record(const struct pages *p, const struct page *page, uint32_t i, struct record *ret);

/* --- wal.c --- */

struct wal_head {
	uint32_t page_size;
	bool is_big_endian; /* how the checksums are computed */
	uint32_t salt[2], sum[2];
};

/* False when it is none. */
bool wal_head_read(int fd, struct wal_head *ret);
/* Calls fn with each committed frame in order: a page's number and where its bytes begin. */
void wal_each(int fd, const struct wal_head *head,
	void (*fn)(uint32_t page, off_t at, uint32_t frame, void *ctx), void *ctx);

static inline uint32_t be16(const uint8_t *b)
{
	return (uint32_t)b[0] << 8 | b[1];
}

static inline uint32_t be32(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

#endif
