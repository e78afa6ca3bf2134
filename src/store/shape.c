/* SPDX-License-Identifier: MIT */
/*
 * What the rows of each table look like, and putting them in.
 *
 * Two things decide whether a record is a row of a table: its columns (number, storage classes,
 * NULLs), and then the table itself, whose constraints refuse the rest. Tables that are not STRICT
 * (the Go program's) take any storage class.
 *
 * One batch of rows is one transaction, so that neither a journal nor the cache grows.
 */
#include <stdio.h>

#include "store/salvage_internal.h"

#define BATCH 4000

static char type_of(const char *declared, bool is_strict)
{
	static const char *const names[] = {"INTEGER", "REAL", "TEXT", "BLOB"};

	for (size_t i = 0; is_strict && i < ARRAY_LEN(names); i++)
		if (str_eq(declared, names[i]))
			return names[i][0];
	return 'A';
}

static int columns_load(struct salvage *s, struct shape *t, bool is_strict, struct err *e)
{
	CLEANUP(query_closep) struct query q;
	int64_t keys = 0;
	int rc;

	query_open(&q, s->to, SLOT_NONE,
		"SELECT name, type, \"notnull\", pk FROM pragma_table_info(?1) "
		"ORDER BY CASE WHEN ?2 AND pk > 0 THEN pk ELSE 1000 + cid END");
	put_text(&q, t->told->name);
	put_int(&q, !t->has_rowid);
	while ((rc = query_next(&q, e)) > 0 && t->n < COLUMNS_MAX) {
		struct shape_column *c = &t->v[t->n++];
		CLEANUP(freep) char *declared = NULL;
		int64_t key;

		c->name = get_text(&q, NULL);
		declared = get_text(&q, NULL);
		c->type = type_of(declared, is_strict);
		c->is_not_null = get_int(&q) != 0;
		key = get_int(&q);
		c->is_rowid = t->has_rowid && key == 1 && str_eq(declared, "INTEGER");
		keys += key > 0;
	}
	for (size_t i = 0; keys > 1 && i < t->n; i++)
		t->v[i].is_rowid = false;
	return rc < 0 ? rc : 0;
}

void shape_columns(const struct shape *t, struct buf *out)
{
	for (size_t i = 0; i < t->n; i++)
		buf_printf(out, "%s\"%s\"", i == 0 ? "" : ", ", t->v[i].name);
}

static int insert_prepare(struct salvage *s, struct shape *t, struct err *e)
{
	CLEANUP(buf_fini) struct buf sql = BUF_NULL;
	int rc;

	buf_printf(&sql, "INSERT INTO \"%s\"(", t->told->name);
	shape_columns(t, &sql);
	buf_add_str(&sql, ") VALUES(");
	for (size_t i = 0; i < t->n; i++)
		buf_add_str(&sql, i == 0 ? "?" : ", ?");
	buf_add_str(&sql, ")");
	rc = sqlite3_prepare_v2(s->to->sql, buf_str(&sql), -1, &t->insert, NULL);
	return rc == SQLITE_OK ? 0 : sql_failed(s->to, rc, e);
}

static int table_load(struct salvage *s, struct query *q, struct err *e)
{
	CLEANUP(freep) char *name = get_text(q, NULL);
	struct shape *t = xcalloc_held(1, sizeof(*t));
	bool is_strict;
	int rc;

	must(s->n < RECOVERY_TABLES_MAX);
	t->told = &s->told->tables[s->n];
	must(str_copy(t->told->name, sizeof(t->told->name), name));
	t->has_rowid = get_int(q) == 0;
	is_strict = get_int(q) != 0;
	t->expected = -1;
	s->tables[s->n++] = t;
	s->told->table_count = s->n;
	rc = columns_load(s, t, is_strict, e);
	return rc < 0 ? rc : insert_prepare(s, t, e);
}

int shapes_load(struct salvage *s, struct err *e)
{
	CLEANUP(query_closep) struct query q;
	int rc;

	query_open(&q, s->to, SLOT_NONE,
		"SELECT name, wr, strict FROM pragma_table_list WHERE schema = 'main' AND "
		"type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
		"ORDER BY (SELECT rowid FROM sqlite_schema x WHERE x.name = pragma_table_list.name "
		"AND x.type = 'table')");
	while ((rc = query_next(&q, e)) > 0) {
		rc = table_load(s, &q, e);
		if (rc < 0)
			return rc;
	}
	return rc;
}

void shapes_free(struct salvage *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct shape *t = s->tables[i];

		for (size_t k = 0; k < t->n; k++)
			free(t->v[k].name);
		(void)sqlite3_finalize(t->insert);
		free(t);
	}
	s->n = 0;
}

struct shape *shape_find(const struct salvage *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (str_eq(s->tables[i]->told->name, name))
			return s->tables[i];
	return NULL;
}

/* --- what fits --- */

static bool value_fits(const struct shape_column *c, const struct value *v)
{
	if (c->is_rowid && v->kind != VALUE_CUT)
		return v->kind == VALUE_NULL;
	switch (v->kind) {
	case VALUE_NULL:
	case VALUE_CUT:
		return !c->is_not_null;
	case VALUE_INT:
		return c->type == 'I' || c->type == 'R' || c->type == 'A';
	case VALUE_REAL:
		return c->type == 'R' || c->type == 'A';
	case VALUE_TEXT:
		return c->type == 'T' || c->type == 'A';
	case VALUE_BLOB:
		return c->type == 'B' || c->type == 'A';
	}
	return false;
}

bool shape_fits(const struct shape *t, const struct record *r)
{
	if (r->n != t->n)
		return false;
	for (size_t i = 0; i < t->n; i++)
		if (!value_fits(&t->v[i], &r->v[i]))
			return false;
	return true;
}

bool shape_resembles(const struct shape *t, const struct record *r)
{
	if (r->n != t->n)
		return false;
	for (size_t i = 0; i < t->n; i++)
		if (r->v[i].kind != VALUE_CUT && !value_fits(&t->v[i], &r->v[i]))
			return false;
	return true;
}

/* Can a value be in both columns? */
static bool columns_overlap(const struct shape_column *a, const struct shape_column *b)
{
	bool a_null = a->is_rowid || !a->is_not_null, b_null = b->is_rowid || !b->is_not_null;

	if (a_null && b_null)
		return true;
	if (a->is_rowid || b->is_rowid)
		return false;
	if (a->type == b->type || a->type == 'A' || b->type == 'A')
		return true;
	return (a->type == 'I' && b->type == 'R') || (a->type == 'R' && b->type == 'I');
}

bool shapes_differ(const struct shape *a, const struct shape *b)
{
	if (a->n != b->n || a->has_rowid != b->has_rowid)
		return true;
	for (size_t i = 0; i < a->n; i++)
		if (!columns_overlap(&a->v[i], &b->v[i]))
			return true;
	return false;
}

/* --- putting in --- */

int salvage_begin(struct salvage *s, struct err *e)
{
	s->uncommitted = 0;
	return sql_exec(s->to, "BEGIN IMMEDIATE", e);
}

int salvage_end(struct salvage *s, struct err *e)
{
	return sql_exec(s->to, "COMMIT", e);
}

static int bind(const struct shape *t, const struct record *r)
{
	int rc = SQLITE_OK;

	for (size_t i = 0; i < t->n && rc == SQLITE_OK; i++) {
		const struct value *v = &r->v[i];
		int at = (int)i + 1;

		if (t->v[i].is_rowid)
			rc = sqlite3_bind_int64(t->insert, at, r->rowid);
		else if (v->kind == VALUE_INT)
			rc = sqlite3_bind_int64(t->insert, at, v->i);
		else if (v->kind == VALUE_REAL)
			rc = sqlite3_bind_double(t->insert, at, v->r);
		else if (v->kind == VALUE_TEXT)
			rc = sqlite3_bind_text64(
				t->insert, at, v->s.p, v->s.n, SQLITE_STATIC, SQLITE_UTF8);
		else if (v->kind == VALUE_BLOB)
			rc = sqlite3_bind_blob64(t->insert, at, v->s.p, v->s.n, SQLITE_STATIC);
		else
			rc = sqlite3_bind_null(t->insert, at);
	}
	return rc;
}

static bool is_known(int rc)
{
	return rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY ||
	       rc == SQLITE_CONSTRAINT_ROWID;
}

int shape_add(struct salvage *s, struct shape *t, const struct record *r, struct err *e)
{
	bool fits = shape_fits(t, r);
	int rc = fits ? bind(t, r) : SQLITE_CONSTRAINT;

	if (rc == SQLITE_OK)
		rc = sqlite3_step(t->insert);
	(void)sqlite3_reset(t->insert);
	(void)sqlite3_clear_bindings(t->insert);
	if (is_known(rc))
		return 0;
	if ((rc & 0xff) == SQLITE_CONSTRAINT || (rc & 0xff) == SQLITE_TOOBIG ||
		(rc & 0xff) == SQLITE_MISMATCH)
		return 1;
	if (rc != SQLITE_DONE)
		return sql_failed(s->to, rc, e);
	t->told->found++;
	t->told->cut += r->cut > 0;
	if (++s->uncommitted < BATCH)
		return 0;
	rc = salvage_end(s, e);
	return rc < 0 ? rc : salvage_begin(s, e);
}
