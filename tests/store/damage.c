/* SPDX-License-Identifier: MIT */
/*
 * See damage.h. The pages are found with the room's own page reader on the sound file.
 */
#include "damage.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"

#define SERIES(n)                                                                                  \
	"WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < " #n ") "
#define ID(kind) "printf('%08d-0000-4000-8000-00000000000" kind "', i)"

static const char rows[] = "BEGIN;" SERIES(
	2000) "INSERT INTO jobs(id, seq, pylon, state, source, created_at, queued_at, "
	      "started_at, finished_at, exit_code, result) SELECT " ID(
		      "1") ", i, 'p', CASE WHEN i > 1900 THEN 'queued' WHEN i % 7 = 0 THEN 'failed' "
			   "ELSE 'completed' END, 'webhook', 1000 + i, 1000 + i, iif(i > 1900, 0, 2000 + i), "
			   "iif(i > 1900, 0, 3000 + i), iif(i > 1900, -1, i % 7 = 0), "
			   "iif(i > 1900, NULL, iif(i % 100 = 0, printf('%.20480c', 'r'), "
			   "'result ' || i)) FROM c;" SERIES(2000) "INSERT INTO events(job_seq, id, received_at, body) SELECT i, " ID(
				   "2") ", 1000 + i, iif(i % 100 = 50, printf('\"%.20480c\"', 'e'), "
					"printf('{\"n\":%d,\"text\":\"%.100c\"}', i, 't')) FROM c;" SERIES(
						1900) "INSERT INTO runs(id, job_id, attempt, state, token_sha256, created_at, started_at, "
						      "finished_at) SELECT " ID("3") ", " ID("1") ", 1, 'exited', printf('%.64c', 'a'), 1500 + i, 2000 + i, 3000 + i FROM c;" SERIES(
							      1900) "INSERT INTO deliveries(seq, id, job_id, kind, channel, state, attempt, created_at, sent_at, "
								    "message) SELECT i, " ID("4") ", " ID(
									    "1") ", 'result', 'webhook', 'sent', 1, 3000 + i, 3100 + i, printf('{\"job\":%d}', i) "
										 "FROM c WHERE i % 2 = 0;" SERIES(500) "INSERT INTO usage SELECT " ID("3") ", 0.25, i, i, 0, 0 FROM c;" SERIES(1000) "INSERT INTO dedupe(key, job_id, created_at) SELECT 'delivery ' || i, " ID(
											 "1") ", 1000 + i FROM c;"
											      "INSERT INTO schedules(id, spec, anchor, epoch, decided_to) "
											      "VALUES('trigger', '0 * * * * UTC', 1, 3, 300);" SERIES(
												      300) "INSERT INTO occurrences(schedule, epoch, at, last, count, outcome, decided_at) "
													   "SELECT 'trigger', 3, i, i, 1, 'skipped_disabled', i FROM c;" SERIES(20) "INSERT INTO turns(job_id, run_id, said_by, created_at, text) SELECT " ID(
														   "1") ", " ID("3") ", 'ann', 3200 + i, 'and now?' FROM c;"
																     "COMMIT; PRAGMA wal_checkpoint(TRUNCATE)";

void damage_database(const char *path)
{
	struct store *s = store_new(NULL, NULL);
	struct store_db *db = NULL;
	struct err e = CLEAN_ERR;

	if (store_open(s, path, "p", &db, NULL, &e) != 0 || sql_exec(db, rows, &e) != 0)
		fail_msg("%s", e.text);
	store_free(s);
}

struct buf damage_read(const char *path)
{
	struct buf b = BUF_NULL;

	assert_int_equal(file_read(path, MIB(64), &b, NULL), 0);
	return b;
}

void damage_write(const char *path, const struct buf *b)
{
	assert_int_equal(file_write(path, buf_str(b), b->n, 0600, NULL), 0);
}

void damage_put(const char *path, off_t at, const void *p, size_t n)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, p, n, at), n);
	assert_int_equal(close(fd), 0);
}

/* A linear congruential generator: the same on every machine. */
uint32_t damage_random(uint32_t *seed)
{
	*seed = *seed * 1664525U + 1013904223U;
	return *seed >> 8;
}

void damage_page(const char *path, uint32_t page)
{
	uint8_t bytes[DAMAGE_PAGE];
	uint32_t seed = page;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(0x80 | damage_random(&seed)); /* no kind of page begins so */
	damage_put(path, (off_t)(page - 1) * DAMAGE_PAGE, bytes, sizeof(bytes));
}

uint32_t damage_root(const char *path, const char *name)
{
	CLEANUP(freep)
	char *sql = xasprintf("SELECT rootpage FROM sqlite_schema WHERE name = '%s'", name);

	return (uint32_t)sql_value(path, sql);
}

/* Goes down from a page; fn is called with each page until it answers true. */
static bool descend(const struct pages *p, uint32_t number, int depth,
	bool (*fn)(const struct pages *p, const struct page *page, int depth, void *ctx), void *ctx)
{
	CLEANUP(freep) uint8_t *bytes = xcalloc(1, p->size);
	struct page page = {.bytes = bytes};
	int64_t key;

	assert_true(page_read(p, number, &page));
	if (fn(p, &page, depth, ctx))
		return true;
	if (page.kind != PAGE_TABLE_INTERIOR && page.kind != PAGE_INDEX_INTERIOR)
		return false;
	for (uint32_t i = 0; i <= page.cells; i++)
		if (descend(p, page_child(p, &page, i, &key), depth + 1, fn, ctx))
			return true;
	return false;
}

struct wanted {
	uint32_t n, page;
};

static bool is_leaf(const struct pages *p, const struct page *page, int depth, void *ctx)
{
	struct wanted *w = ctx;

	(void)p;
	(void)depth;
	if (page->kind != PAGE_TABLE_LEAF && page->kind != PAGE_INDEX_LEAF)
		return false;
	w->page = page->number;
	return w->n-- == 0;
}

static bool has_overflow(const struct pages *p, const struct page *page, int depth, void *ctx)
{
	struct wanted *w = ctx;

	(void)depth;
	for (uint32_t i = 0; page->kind == PAGE_TABLE_LEAF && i < page->cells; i++) {
		size_t at = be16(page->bytes + page->head + 8 + 2 * (size_t)i), local;
		uint64_t n;

		/* All of ours have a payload of three bytes of varint and a rowid of one or two. */
		n = (uint64_t)(page->bytes[at] & 0x7f) << 14 |
		    (uint64_t)(page->bytes[at + 1] & 0x7f) << 7 | page->bytes[at + 2];
		if ((page->bytes[at] & 0x80) == 0 || (page->bytes[at + 1] & 0x80) == 0)
			continue;
		local = (p->size - 12) * 32 / 255 - 23;
		local += (n - local) % (p->size - 4) <= p->size - 35 - local
				 ? (n - local) % (p->size - 4)
				 : 0;
		at += 3 + ((page->bytes[at + 3] & 0x80) != 0 ? 2U : 1U);
		if (w->n-- == 0) {
			w->page = be32(page->bytes + at + local);
			return true;
		}
	}
	return false;
}

static uint32_t find(const char *path, const char *name, uint32_t n,
	bool (*fn)(const struct pages *p, const struct page *page, int depth, void *ctx))
{
	struct wanted w = {.n = n};
	uint32_t root = damage_root(path, name);
	struct pages p;

	assert_int_equal(pages_open(&p, path, NULL), 0);
	(void)descend(&p, root, 0, fn, &w);
	pages_close(&p);
	return w.page;
}

uint32_t damage_leaf(const char *path, const char *name, uint32_t n)
{
	return find(path, name, n, is_leaf);
}

uint32_t damage_overflow(const char *path, const char *table, uint32_t n)
{
	return find(path, table, n, has_overflow);
}
