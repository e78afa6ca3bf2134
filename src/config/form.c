/* SPDX-License-Identifier: MIT */
/*
 * Reads a file by its table: walks the tree, finds the row of each key, fills in the defaults.
 *
 * A key that has no row is a problem at every level, with the best hint there is: a key of that
 * name in another section, the other file, or the nearest spelling. A name with a dot in it never
 * matches a path.
 */
#include "base/crypto.h"
#include "config/schema-internal.h"

enum {
	NAME_MAX_HINT = 64, /* longer names get no hint */
};

/* --- hints for unknown keys --- */

/* The next component of a path: its length. */
static size_t component(const char *path)
{
	return strcspn(path, ".");
}

/* The section in which a key of this name is at home, in the order of the table; the caller frees.
 * NULL when there is none, or it is `prefix` itself. */
static char *find_home(const struct schema *s, const char *name, const char *prefix)
{
	for (size_t i = 0; i < s->count; i++) {
		const char *path = s->keys[i].path, *at = path;

		for (; at; at = strchr(at, '.') ? strchr(at, '.') + 1 : NULL) {
			size_t n = component(at), above = at == path ? 0 : (size_t)(at - path) - 1;

			if (above > 0 && n == strlen(name) && strncmp(at, name, n) == 0 &&
				!(above == strlen(prefix) && strncmp(path, prefix, above) == 0))
				return xstrndup(path, above);
		}
	}
	return NULL;
}

static bool is_top_level(const struct schema *s, const char *name)
{
	for (size_t i = 0; i < s->count; i++) {
		if (slice_eq_str((struct slice){s->keys[i].path, component(s->keys[i].path)}, name))
			return true;
	}
	return false;
}

/* The key right below prefix that is spelled most like name; heap, or NULL. */
static char *nearest_key(const struct schema *s, const char *name, const char *prefix)
{
	size_t allowed = MAX_OF(strlen(name) / 4, (size_t)1);
	char *best = NULL;

	for (size_t i = 0; i < s->count; i++) {
		const char *rest = schema_below(s->keys[i].path, prefix);
		CLEANUP(freep) char *key = rest ? xstrndup(rest, component(rest)) : NULL;
		unsigned d = key ? str_distance(name, key) : UINT32_MAX;

		if (d <= allowed && d < strlen(name) && (!best || d < str_distance(name, best))) {
			free(best);
			best = STEAL(key);
		}
	}
	return best;
}

static void report_unknown(const struct form *f, const struct node_item *item, const char *prefix)
{
	CLEANUP(freep) char *name = report_quote(item->key);
	CLEANUP(freep) char *home = NULL;
	CLEANUP(freep) char *near = NULL;
	bool is_hintable = strlen(item->key) <= NAME_MAX_HINT;
	const char *dot = strchr(item->key, '.');
	struct report *r = f->report;

	if (is_hintable && dot && schema_find(f->schema, item->key)) {
		report_problem(r, item->line, item->column,
			"unknown key `%s`; sections are written as nested lines: `%.*s:` and below it "
			"`%s:`",
			name, (int)(dot - item->key), item->key, dot + 1);
		return;
	}
	home = is_hintable ? find_home(f->schema, item->key, prefix) : NULL;
	near = is_hintable ? nearest_key(f->schema, item->key, prefix) : NULL;
	if (home)
		report_problem(r, item->line, item->column,
			"unknown key `%s`; it belongs under `%s`", name, home);
	else if (prefix[0] == '\0' && is_top_level(f->schema->other, item->key))
		report_problem(r, item->line, item->column, "unknown key `%s`; it belongs in %s",
			name, f->schema->other->file);
	else if (near)
		report_problem(r, item->line, item->column, "unknown key `%s`; did you mean `%s`?",
			name, near);
	else
		report_problem(r, item->line, item->column, "unknown key `%s`", name);
}

/* --- the walk --- */

/* Old files have lines with an empty text where nothing is meant. */
static bool is_left_out(const struct key *k, const struct node *n)
{
	bool may_be_empty = k->type == KEY_STRING || k->type == KEY_WORD || k->type == KEY_SIZE ||
			    k->type == KEY_DURATION || k->type == KEY_HEADER ||
			    (k->type == KEY_TEMPLATE && k->fallback);

	if (k->type == KEY_SECRET || k->type == KEY_SECRETS || k->type == KEY_IGNORED)
		return false; /* an empty secret is a mistake, and never none at all */
	return node_is_null(n) || (may_be_empty && n->kind == NODE_SCALAR && n->text[0] == '\0');
}

static void read_section(struct form *f, const struct node *map, const char *prefix);

static void read_item(struct form *f, const struct node_item *item, const char *prefix)
{
	CLEANUP(freep) char *path = xasprintf("%s%s%s", prefix, prefix[0] ? "." : "", item->key);
	bool has_dot = strchr(item->key, '.') != NULL;
	const struct key *k = has_dot ? NULL : schema_find(f->schema, path);

	if (k) {
		struct value *v = &f->values[k - f->schema->keys];

		if (!is_left_out(k, item->value) && !value_read(f, k, item->value, v))
			v->node = item->value; /* written, though badly: said once is enough */
	} else if (has_dot || item->key[0] == '\0' || !schema_has_section(f->schema, path)) {
		report_unknown(f, item, prefix);
	} else if (item->value->kind == NODE_MAP) {
		read_section(f, item->value, path);
	} else if (!node_is_null(item->value)) {
		report_at(f->report, item->value, "`%s` must be a section: keys on indented lines",
			path);
	}
}

static void read_section(struct form *f, const struct node *map, const char *prefix)
{
	for (size_t i = 0; i < map->n; i++)
		read_item(f, &map->items[i], prefix);
}

static void set_defaults(struct form *f)
{
	for (size_t i = 0; i < f->schema->count; i++) {
		const struct key *k = &f->schema->keys[i];
		CLEANUP(node_freep) struct node *n = NULL;

		if (!k->fallback)
			continue;
		n = xcalloc_held(1, sizeof(*n));
		n->text = xstrdup(k->fallback);
		must(value_read(f, k, n, &f->values[i]));
		f->values[i].node = NULL;
	}
}

bool form_read(struct form *f, const struct schema *s, struct report *r, const struct env *env,
	struct slice text)
{
	*f = (struct form){.schema = s, .report = r, .env = env};
	r->text = text;
	f->values = xcalloc(s->count, sizeof(*f->values));
	set_defaults(f);
	f->root = yaml_read(r, text);
	if (!f->root)
		return false;
	if (f->root->kind == NODE_MAP) {
		read_section(f, f->root, "");
		return true;
	}
	if (node_is_null(f->root))
		return true;
	report_at(r, f->root, "this file must be lines of `key: value`");
	return false;
}

void form_fini(struct form *f)
{
	for (size_t i = 0; f->values && i < f->schema->count; i++)
		value_fini(&f->values[i]);
	free(f->values);
	node_free(f->root);
	*f = (struct form){0};
}

/* --- what was read --- */

int form_word(const struct form *f, unsigned key)
{
	const char *const *words = f->schema->keys[key].words;
	int i = 0;

	while (words[i] && !str_eq(words[i], form_text(f, key)))
		i++;
	must(words[i]);
	return i;
}

static bool same_text(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	return strlen(a) == strlen(b) && crypto_equal(a, b, strlen(a));
}

bool form_equal(const struct form *a, const struct form *b, unsigned key)
{
	const struct value *x = &a->values[key], *y = &b->values[key];
	bool same = same_text(x->text, y->text) && x->number == y->number && x->list.n == y->list.n;

	if (a->schema->keys[key].type == KEY_BLOCK)
		return node_equal(x->node, y->node);
	for (size_t i = 0; same && i < x->list.n; i++)
		same = same_text(x->list.v[i], y->list.v[i]);
	return same;
}
