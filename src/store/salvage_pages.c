/* SPDX-License-Identifier: MIT */
/*
 * Salvage without SQLite: every page of the file is looked at, wherever it hangs.
 *
 * Pages that an interior page names come first, since nobody names a page that was given up: what
 * such a one holds are rows of the past. They are true only where the tree above them is damaged,
 * which nobody can tell, so they come last and never win over a row that is there. A row that was
 * deleted may come back that way; that is told in docs/reliability.md.
 *
 * A page belongs to one table: the one that most of its records look like.
 */
#include "store/salvage_internal.h"

struct scan {
	struct salvage *s;
	struct pages pages;
	struct page page, child;
	struct record row;
};

static void scan_fini(struct scan *c)
{
	free(c->page.bytes);
	free(c->child.bytes);
	buf_fini(&c->row.payload);
	pages_close(&c->pages);
}

static bool is_interior(const struct page *page)
{
	return page->kind == PAGE_TABLE_INTERIOR || page->kind == PAGE_INDEX_INTERIOR;
}

static bool is_free(const struct scan *c, uint32_t page)
{
	return (c->pages.flags[page] & (PAGE_IS_FREE | PAGE_IS_REFERENCED)) == PAGE_IS_FREE;
}

/* Which pages have a parent? */
static void note_children(struct scan *c)
{
	for (uint32_t n = 1; n <= c->pages.count; n++) {
		int64_t key;

		if (is_free(c, n) || !page_read(&c->pages, n, &c->page) || !is_interior(&c->page))
			continue;
		for (uint32_t i = 0; i <= c->page.cells; i++) {
			uint32_t child = page_child(&c->pages, &c->page, i, &key);

			if (child != 0 && child <= c->pages.count)
				c->pages.flags[child] |= PAGE_IS_REFERENCED;
		}
	}
}

/* Whole trees of `kind` hold rows of tables with a rowid, or of those without. */
static bool can_hold(const struct shape *t, enum page_kind kind)
{
	if (t->has_rowid)
		return kind == PAGE_TABLE_LEAF;
	return kind == PAGE_INDEX_LEAF || kind == PAGE_INDEX_INTERIOR;
}

static struct shape *table_of(struct scan *c, const struct page *page)
{
	int64_t points[RECOVERY_TABLES_MAX] = {0};
	size_t best = 0;

	for (uint32_t i = 0; i < page->cells; i++) {
		if (!page_record(&c->pages, page, i, &c->row))
			continue;
		for (size_t t = 0; t < c->s->n; t++)
			if (can_hold(c->s->tables[t], page->kind) &&
				shape_resembles(c->s->tables[t], &c->row))
				points[t]++;
	}
	for (size_t t = 1; t < c->s->n; t++)
		if (points[t] > points[best])
			best = t;
	return points[best] > 0 ? c->s->tables[best] : NULL;
}

/* Rows of a table leaf that is none of ours; an index leaf without a table is nothing special, nor
 * are the rows of the schema. */
static void count_unknown(struct scan *c)
{
	for (uint32_t i = 0; c->page.kind == PAGE_TABLE_LEAF && i < c->page.cells; i++) {
		if (!page_record(&c->pages, &c->page, i, &c->row))
			continue;
		if (c->row.n == 5 && c->row.v[0].kind == VALUE_TEXT &&
			(slice_eq_str(c->row.v[0].s, "table") ||
				slice_eq_str(c->row.v[0].s, "index")))
			continue;
		c->s->told->unknown++;
	}
}

static int page_take(struct scan *c, struct err *e)
{
	struct shape *t = table_of(c, &c->page);

	if (t == NULL) {
		count_unknown(c);
		return 0;
	}
	t->leaf_rows = MAX_OF(t->leaf_rows, (int64_t)c->page.cells);
	for (uint32_t i = 0; !t->is_complete && i < c->page.cells; i++) {
		int rc = 0;

		if (!page_record(&c->pages, &c->page, i, &c->row))
			rc = 1;
		else
			rc = shape_add(c->s, t, &c->row, e);
		if (rc < 0)
			return rc;
		t->missing += rc;
	}
	return 0;
}

static int take_all(struct scan *c, bool named, struct err *e)
{
	int rc = 0;

	for (uint32_t n = 2; rc == 0 && n <= c->pages.count; n++) {
		if (is_free(c, n) || ((c->pages.flags[n] & PAGE_IS_REFERENCED) != 0) != named)
			continue;
		if (!page_read(&c->pages, n, &c->page) || c->page.kind == PAGE_OTHER ||
			c->page.kind == PAGE_TABLE_INTERIOR)
			continue;
		rc = page_take(c, e);
	}
	return rc;
}

/* --- what is missing --- */

/* Is that child not there any more? Pages beyond the end are counted by who knows how many they
 * are. */
static bool is_lost(struct scan *c, uint32_t child)
{
	if (child != 0 && child <= c->pages.count && page_read(&c->pages, child, &c->child) &&
		c->child.kind != PAGE_OTHER)
		return false;
	c->s->told->bad_pages += child <= c->pages.count || c->pages.claimed == 0;
	return true;
}

/* An interior page of a table says up to which rowid each child goes: what a child that cannot be
 * read had is at most the rowids from the one before. */
static void estimate_below(struct scan *c)
{
	bool has_keys = c->page.kind == PAGE_TABLE_INTERIOR;
	struct shape *t = has_keys ? NULL : table_of(c, &c->page);
	int64_t gap = 0, before = 0, lost = 0;

	for (uint32_t i = 0; i <= c->page.cells; i++) {
		int64_t key = before;
		uint32_t n = page_child(&c->pages, &c->page, i, &key);

		if (is_lost(c, n)) {
			lost++;
			/* Nothing tells where the first child begins and the last one ends. */
			if (i == 0 || i == c->page.cells || key <= before || !has_keys)
				gap = INT64_MAX;
			else if (gap < INT64_MAX)
				gap += MIN_OF(key - before, (int64_t)c->pages.size);
		} else if (t == NULL && c->child.kind == PAGE_TABLE_LEAF)
			t = table_of(c, &c->child);
		before = key;
	}
	if (t != NULL && !t->is_complete)
		t->missing += MIN_OF(gap, lost * t->leaf_rows);
}

static void estimate(struct scan *c)
{
	for (uint32_t n = 1; n <= c->pages.count; n++)
		if (!is_free(c, n) && page_read(&c->pages, n, &c->page) && is_interior(&c->page))
			estimate_below(c);
}

int salvage_pages(struct salvage *s, const char *path, struct err *e)
{
	CLEANUP(scan_fini) struct scan c = {.s = s};
	int rc = pages_open(&c.pages, path, e);

	if (rc < 0)
		return rc == -ENODATA ? 0 : rc;
	c.page.bytes = xcalloc(1, c.pages.size);
	c.child.bytes = xcalloc(1, c.pages.size);
	note_children(&c);
	rc = take_all(&c, true, e);
	if (rc == 0)
		rc = take_all(&c, false, e);
	if (rc < 0)
		return rc;
	/* A header is believed that promises up to twice what is there, or eight pages. */
	if (c.pages.claimed > MAX_OF(2 * (uint64_t)c.pages.count, 8U))
		c.pages.claimed = 0;
	s->told->pages = MAX_OF(c.pages.count, c.pages.claimed);
	s->told->bad_pages = s->told->pages - c.pages.count;
	estimate(&c);
	return 0;
}
