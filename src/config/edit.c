/* SPDX-License-Identifier: MIT */
/*
 * Changes one scalar of a YAML or JSON file and nothing else: comments, order, blank lines and the
 * way everything else is written stay as the user left them.
 *
 * The tree knows at which bytes of the file its scalars stand, so a change is a patch of the text:
 * the scalar's bytes are replaced, or a line (in braces: an item) is added to the deepest section
 * that exists. However odd the file is, the outcome is then read again and compared with what was
 * there before: a patch that does not mean exactly what it should is refused, not written.
 */
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "config/config-internal.h"

#define BY_HAND "; change it by hand"
#define STEP    2 /* columns that a new section is indented by */

struct edit {
	struct slice text;
	const char *key; /* "channel.telegram.chat_id" */
	const char *value;
	const struct node *root;
	struct err *e;
};

/* What of the key is there already. */
struct target {
	const struct node *map; /* the deepest section; NULL = it is the scalar below */
	const struct node *at;  /* the value itself, or a section that is null; NULL = none */
	const char *rest;       /* of the key, below map or at; "" = nothing */
	const struct node *wanted;
};

/* Bytes of the text that give way to others. */
struct patch {
	size_t begin, end;
	struct buf text;
};

static void patch_fini(struct patch *p)
{
	buf_fini(&p->text);
}

static int refuse(const struct edit *ed, const struct node *at, const char *what)
{
	return err_set(ed->e, -EINVAL, "%d:%d: `%s` cannot be set: %s", at->line, at->column,
		ed->key, what);
}

/* --- what is there --- */

static const struct node_item *find_item(const struct node *map, struct slice name)
{
	for (size_t i = 0; i < map->n; i++) {
		if (slice_eq_str(name, map->items[i].key))
			return &map->items[i];
	}
	return NULL;
}

/* The first name of a key; *rest becomes what follows its dot ("" = nothing). */
static struct slice split(const char **rest)
{
	struct slice name = {*rest, strcspn(*rest, ".")};

	*rest += name.n;
	*rest += **rest == '.';
	return name;
}

static int find(const struct edit *ed, struct target *ret)
{
	const struct node *n = ed->root;
	const char *rest = ed->key;

	for (;;) {
		const struct node_item *item;
		const char *below = rest;
		struct slice name = split(&below);

		if (n->is_alias)
			return refuse(ed, n, "its section is an alias" BY_HAND);
		if (node_is_null(n)) {
			*ret = (struct target){.at = n, .rest = rest};
			return 0;
		}
		if (n->kind != NODE_MAP)
			return refuse(ed, n, "a section is needed here" BY_HAND);
		item = find_item(n, name);
		if (!item || below[0] == '\0') {
			*ret = (struct target){.map = item ? NULL : n,
				.at = item ? item->value : NULL,
				.rest = item ? "" : rest};
			return 0;
		}
		n = item->value;
		rest = below;
	}
}

/* --- how things are written --- */

static const char *line_end(const struct edit *ed)
{
	const char *lf = memchr(ed->text.p, '\n', ed->text.n);

	return lf && lf > ed->text.p && lf[-1] == '\r' ? "\r\n" : "\n";
}

static size_t line_start(const struct edit *ed, size_t at)
{
	while (at > 0 && ed->text.p[at - 1] != '\n')
		at--;
	if (at == 0 && slice_has_prefix(ed->text, "\xef\xbb\xbf"))
		at = 3;
	return at;
}

/* The blanks before a key; false when something else stands there. */
static bool indentation(const struct edit *ed, size_t key_begin, struct slice *ret)
{
	size_t start = line_start(ed, key_begin);

	*ret = (struct slice){ed->text.p + start, key_begin - start};
	for (size_t i = 0; i < ret->n; i++) {
		if (ret->p[i] != ' ' && ret->p[i] != '\t')
			return false;
	}
	return true;
}

static bool is_json(const struct edit *ed)
{
	return ed->root->is_flow && (ed->root->n == 0 || ed->root->items[0].is_quoted);
}

static void add_key(const struct edit *ed, struct buf *out, struct slice name)
{
	const char *quote = is_json(ed) ? "\"" : "";

	buf_printf(out, "%s%.*s%s:", quote, SLICE_ARG(name), quote);
}

/* "b.c" becomes `b: {c: value}`. */
static void add_flow(const struct edit *ed, struct buf *out, const char *rest)
{
	size_t depth = 0;

	while (*rest != '\0') {
		add_key(ed, out, split(&rest));
		buf_add_str(out, *rest ? " {" : " ");
		depth += *rest != '\0';
	}
	buf_add_str(out, ed->value);
	while (depth-- > 0)
		buf_add_char(out, '}');
}

/* "b.c" becomes a line for each name. */
static void add_block(const struct edit *ed, struct buf *out, struct slice indent, const char *rest)
{
	int step = 0;

	while (*rest != '\0') {
		buf_printf(out, "%.*s%*s", SLICE_ARG(indent), step, "");
		add_key(ed, out, split(&rest));
		if (*rest != '\0')
			buf_add_str(out, line_end(ed));
		step += STEP;
	}
	buf_printf(out, " %s%s", ed->value, line_end(ed));
}

/* --- patches --- */

/* The end of a block scalar without the empty lines behind it, unless they belong to it. */
static size_t block_scalar_end(const struct edit *ed, const struct node *n)
{
	const char *header = ed->text.p + n->begin;
	const char *lf = memchr(header, '\n', n->end - n->begin);
	size_t end = n->end;

	if (!lf || memchr(header, '+', (size_t)(lf - header)))
		return end;
	while (end > n->begin && strchr(" \t\r\n", ed->text.p[end - 1]))
		end--;
	return end;
}

static size_t node_end(const struct edit *ed, const struct node *n)
{
	if (n->kind == NODE_SCALAR && !n->is_alias &&
		(n->style == STYLE_LITERAL || n->style == STYLE_FOLDED))
		return block_scalar_end(ed, n);
	if (n->end == 0 && n->n > 0 && !n->is_alias)
		return node_end(ed, n->items[n->n - 1].value);
	return n->end;
}

/* The comment in the first line of a block scalar: `key: | # why`. */
static struct slice header_comment(const struct edit *ed, const struct node *n)
{
	const char *begin = ed->text.p + n->begin, *mark;
	size_t length = 0, most = n->end - n->begin;

	if (n->is_alias || (n->style != STYLE_LITERAL && n->style != STYLE_FOLDED))
		return SLICE_NULL;
	while (length < most && begin[length] != '\r' && begin[length] != '\n')
		length++;
	mark = memchr(begin, '#', length);
	return mark ? (struct slice){mark, length - (size_t)(mark - begin)} : SLICE_NULL;
}

static int replace_scalar(
	const struct edit *ed, const struct node *n, struct patch *p, struct slice text)
{
	struct slice comment;

	if (n->kind != NODE_SCALAR)
		return refuse(ed, n, "there is no single value here" BY_HAND);
	if (n->has_props)
		return refuse(ed, n, "an anchor or a tag stands before its value" BY_HAND);
	p->begin = n->begin;
	p->end = node_end(ed, n);
	if (p->begin == p->end && p->begin > 0 && ed->text.p[p->begin - 1] == ':')
		buf_add_char(&p->text, ' ');
	buf_add_slice(&p->text, text);
	comment = header_comment(ed, n);
	if (comment.n > 0)
		buf_printf(&p->text, " %.*s", SLICE_ARG(comment));
	return 0;
}

/* A section that is there and has nothing in it. */
static int fill_section(const struct edit *ed, const struct target *t, struct patch *p)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;

	buf_add_char(&text, '{');
	add_flow(ed, &text, t->rest);
	buf_add_char(&text, '}');
	return replace_scalar(ed, t->at, p, buf_slice(&text));
}

/* A file with nothing but comments in it. */
static int fill_file(const struct edit *ed, const struct target *t, struct patch *p)
{
	p->begin = p->end = ed->text.n;
	if (ed->text.n > 0 && ed->text.p[ed->text.n - 1] != '\n')
		buf_add_str(&p->text, line_end(ed));
	add_block(ed, &p->text, SLICE_NULL, t->rest);
	return 0;
}

/* The item that a new one is best put behind. */
static const struct node_item *neighbour(const struct edit *ed, const struct target *t)
{
	static const char *const top[] = {"description", "name"};

	for (size_t i = 0; i < ARRAY_LEN(top) && str_eq(ed->key, "disabled"); i++) {
		const struct node_item *item = find_item(t->map, slice_of(top[i]));

		if (item)
			return item;
	}
	return &t->map->items[t->map->n - 1];
}

static int add_to_flow(const struct edit *ed, const struct target *t, struct patch *p)
{
	const struct node *map = t->map;
	struct slice indent;

	if (map->n == 0) {
		if (map->has_props)
			return refuse(ed, map, "an anchor or a tag stands before it" BY_HAND);
		p->begin = p->end = map->begin + 1;
		add_flow(ed, &p->text, t->rest);
		return 0;
	}
	p->begin = p->end = node_end(ed, neighbour(ed, t)->value);
	if (map->items[0].line > map->line && indentation(ed, map->items[0].begin, &indent))
		buf_printf(&p->text, ",%s%.*s", line_end(ed), SLICE_ARG(indent));
	else
		buf_add_str(&p->text, ", ");
	add_flow(ed, &p->text, t->rest);
	return 0;
}

static int add_to_block(const struct edit *ed, const struct target *t, struct patch *p)
{
	const char *lf;
	struct slice indent;
	size_t at;

	if (!indentation(ed, t->map->items[0].begin, &indent))
		return refuse(ed, t->map, "its section begins in an unusual way" BY_HAND);
	at = node_end(ed, neighbour(ed, t)->value);
	if (at > 0 && ed->text.p[at - 1] != '\n') {
		lf = memchr(ed->text.p + at, '\n', ed->text.n - at);
		at = lf ? (size_t)(lf - ed->text.p) + 1 : ed->text.n;
	}
	p->begin = p->end = at;
	if (at > 0 && ed->text.p[at - 1] != '\n')
		buf_add_str(&p->text, line_end(ed));
	add_block(ed, &p->text, indent, t->rest);
	return 0;
}

static int make_patch(const struct edit *ed, struct patch *p)
{
	struct target t;
	int rc = find(ed, &t);

	if (rc < 0)
		return rc;
	if (t.map)
		return t.map->is_flow ? add_to_flow(ed, &t, p) : add_to_block(ed, &t, p);
	if (t.rest[0] == '\0')
		return replace_scalar(ed, t.at, p, slice_of(ed->value));
	return t.at == ed->root ? fill_file(ed, &t, p) : fill_section(ed, &t, p);
}

/* --- the proof --- */

/* True when b is a with `wanted` at key and no other change. `a` may be NULL or null. */
static bool is_only_change(
	const struct node *a, const struct node *b, const char *key, const struct node *wanted)
{
	static const struct node nothing = {.kind = NODE_MAP};
	const struct node *old = NULL, *new = NULL;
	size_t i = 0, j = 0;
	const char *rest = key;
	struct slice name = split(&rest);

	if (b->kind != NODE_MAP)
		return false;
	if (!a || node_is_null(a))
		a = &nothing;
	while (i < a->n || j < b->n) {
		if (i < a->n && slice_eq_str(name, a->items[i].key))
			old = a->items[i++].value;
		else if (j < b->n && slice_eq_str(name, b->items[j].key))
			new = b->items[j++].value;
		else if (i == a->n || j == b->n || !str_eq(a->items[i].key, b->items[j].key) ||
			 !node_equal(a->items[i++].value, b->items[j++].value))
			return false;
	}
	if (!new)
		return false;
	return rest[0] == '\0' ? node_equal(new, wanted) : is_only_change(old, new, rest, wanted);
}

/* The tree of a text; NULL with *e saying what is wrong with it. */
static struct node *read_tree(struct slice text, struct err *e)
{
	CLEANUP(problems_fini) struct problems problems = {NULL, 0};
	struct report r = report_start(&problems, "");
	struct node *root = yaml_read(&r, text);

	if (!root)
		err_set(e, -EINVAL, "%d:%d: %s", problems.v[0].line, problems.v[0].column,
			problems.v[0].text);
	return root;
}

static int apply(
	const struct edit *ed, const struct patch *p, const struct node *wanted, struct buf *out)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	CLEANUP(node_freep) struct node *root = NULL;

	buf_add(&text, ed->text.p, p->begin);
	buf_add_slice(&text, buf_slice(&p->text));
	buf_add(&text, ed->text.p + p->end, ed->text.n - p->end);
	root = read_tree(buf_slice(&text), NULL);
	if (!root || !is_only_change(ed->root, root, ed->key, wanted))
		return refuse(ed, ed->root, "the file is written in an unusual way" BY_HAND);
	buf_add_slice(out, buf_slice(&text));
	return 0;
}

/* The value alone; NULL with *e when it is not one scalar on one line. */
static struct node *read_value(const char *value, struct err *e)
{
	CLEANUP(node_freep) struct node *n = read_tree(slice_of(value), e);

	if (!n)
		return NULL;
	if (n->kind != NODE_SCALAR || n->has_props || n->begin != 0 || n->end != strlen(value) ||
		n->end == 0 || strpbrk(value, "\r\n") || n->style == STYLE_LITERAL ||
		n->style == STYLE_FOLDED) {
		err_set(e, -EINVAL, "the new value is not one value on one line");
		return NULL;
	}
	return STEAL(n);
}

static bool key_is_fine(const char *key)
{
	bool is_start = true;

	for (const char *c = key; *c != '\0'; c++) {
		bool is_name = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || *c == '_';

		if (!is_name && (is_start || *c != '.'))
			return false;
		is_start = *c == '.';
	}
	return !is_start;
}

int config_edit_text(
	struct slice text, const char *key, const char *value, struct buf *out, struct err *e)
{
	CLEANUP(node_freep) struct node *root = NULL;
	CLEANUP(node_freep) struct node *wanted = NULL;
	CLEANUP(patch_fini) struct patch p = {0};
	struct edit ed = {.text = text, .key = key, .value = value, .e = e};
	int rc;

	if (!key_is_fine(key))
		return err_set(e, -EINVAL, "\"%s\" is no key", key);
	if (!text.p)
		ed.text.p = "";
	wanted = read_value(value, e);
	root = wanted ? read_tree(ed.text, e) : NULL;
	if (!root)
		return -EINVAL;
	ed.root = root;
	rc = make_patch(&ed, &p);
	return rc < 0 ? rc : apply(&ed, &p, wanted, out);
}

/* --- the file --- */

static int read_file(const char *path, struct buf *ret, struct stat *ret_st, struct err *e)
{
	CLEANUP(problems_fini) struct problems problems = {NULL, 0};
	struct report r = report_start(&problems, path);
	mode_t mode;
	int rc = config_file_read(&r, path, YAML_MAX, ret, &mode);

	if (rc == FILE_E_ABSENT)
		return err_set(e, -ENOENT, "there is no %s", path);
	if (rc != 0)
		return err_set(e, -EINVAL, "%s %s", path, problems.v[0].text);
	return stat(path, ret_st) < 0 ? err_errno(e, "%s", path) : 0;
}

/* Whoever administers a home as root must not take its files away from its user. */
static int keep_owner(const char *path, const struct stat *st, struct err *e)
{
	if (geteuid() != 0 || st->st_uid == 0)
		return 0;
	return chown(path, st->st_uid, st->st_gid) < 0 ? err_errno(e, "owner of %s", path) : 0;
}

int config_edit(const char *file, const char *key, const char *value, struct err *e)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	CLEANUP(buf_fini) struct buf new = BUF_NULL;
	char path[PATH_MAX];
	struct stat st;
	int rc;

	/* A link stays a link: the file behind it is replaced. */
	if (!realpath(file, path))
		return err_errno(e, "%s", file);
	rc = read_file(path, &text, &st, e);
	if (rc < 0)
		return rc;
	rc = config_edit_text(buf_slice(&text), key, value, &new, e);
	if (rc < 0) {
		(void)err_wrap(e, "%s", file);
		return rc;
	}
	if (slice_eq(buf_slice(&text), buf_slice(&new)))
		return 0;
	rc = file_write(path, buf_str(&new), new.n, st.st_mode & 07777, e);
	return rc < 0 ? rc : keep_owner(path, &st, e);
}
