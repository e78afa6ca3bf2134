/* SPDX-License-Identifier: MIT */
/*
 * Reads one YAML (or JSON) document into our tree, event by event.
 *
 * Events and not the library's document, because then depth is refused where it happens (the
 * library has no limit of its own), an alias has a position, and duplicate keys are seen. The
 * library accepts without a word: duplicate keys, any tag, several documents, NUL written as an
 * escape, and an alias inside its own anchor. All of these are refused here.
 *
 * Aliases are copied, so that the tree has one owner for each node. Each copy counts as an
 * expansion, also the copies inside a copy, and all copies together may not be larger than
 * COPY_MAX: both a bomb of small nodes and many aliases of one large node end early.
 *
 * Surprises: marks count characters, not bytes (events come in the order of the file, so one walk
 * along it turns them into offsets); a byte order mark would count as a column, and the keys of the
 * second line would not be below those of the first, so it is skipped here; a block scalar ends
 * where the next line begins; a reader error (a byte that may not be there) has no mark, only a
 * byte offset.
 */
#include <yaml.h>

#include "base/limits.h"
#include "config/yaml-internal.h"

#define BOM "\xef\xbb\xbf"

enum {
	COPY_MAX = 4 * YAML_MAX, /* bytes of all copies together ... */
	COPY_NODE = 16,          /* ... where a node counts for so many beside its text */
};

struct anchor {
	char *name;
	const struct node *node; /* NULL while it is being read */
};

struct reader {
	yaml_parser_t parser;
	struct report *report;
	struct slice text;
	struct anchor *anchors;
	size_t anchor_count;
	size_t expansions, copied;
	size_t bom;                   /* bytes of a byte order mark, which the library never sees */
	size_t mark_index, mark_byte; /* the last mark that was turned into a byte offset */
};

static int line_of(const yaml_mark_t *m)
{
	return (int)m->line + 1;
}

static int column_of(const yaml_mark_t *m)
{
	return (int)m->column + 1;
}

/* The bytes of one line, without its end; lines count from 1. */
static struct slice line_text(struct slice text, int line)
{
	size_t at = 0, end;

	for (int i = 1; i < line && at < text.n; at++)
		i += text.p[at] == '\n';
	for (end = at; end < text.n && text.p[end] != '\n';)
		end++;
	return (struct slice){text.p + at, end - at};
}

static size_t indent_of(struct slice line)
{
	size_t n = 0;

	while (n < line.n && line.p[n] == ' ')
		n++;
	return n;
}

/* --- what the library complains about --- */

static void report_reader_error(struct reader *rd)
{
	size_t offset = MIN_OF(rd->parser.problem_offset + rd->bom, rd->text.n);
	int line = 1, column = 1;

	for (size_t i = rd->bom; i < offset; i++) {
		column++;
		if (rd->text.p[i] == '\n') {
			line++;
			column = 1;
		}
	}
	report_problem(rd->report, line, column, "this byte may not be in a text file (%s)",
		rd->parser.problem ? rd->parser.problem : "not UTF-8");
}

/* What to do about the library's most frequent complaints; "" when only a look will help. */
static const char *hint_for(const char *problem)
{
	static const struct {
		const char *problem, *hint;
	} hints[] = {
		{"mapping values are not allowed in this context",
			"; a text with a colon and a blank in it must be in quotes"},
		{"found character that cannot start any token",
			"; a text that begins with it must be in quotes"},
		{"found unexpected end of stream", "; the closing quote is missing"},
		{"could not find expected ':'", "; a line must be `key: value`"},
		{"did not find expected key", "; is the line indented as those above it?"},
		{"did not find expected ',' or '}'", "; the closing brace is missing"},
		{"did not find expected ',' or ']'", "; the closing bracket is missing"},
		{"did not find expected node content", "; something is missing before this"},
		{"found unknown escape character", "; in single quotes a backslash is just that"},
	};

	for (size_t i = 0; i < ARRAY_LEN(hints); i++) {
		if (str_eq(problem, hints[i].problem))
			return hints[i].hint;
	}
	return "";
}

static void report_parser_error(struct reader *rd)
{
	const yaml_parser_t *p = &rd->parser;
	int line = line_of(&p->problem_mark), column = column_of(&p->problem_mark);
	struct slice text = line_text(rd->text, line);
	size_t indent = indent_of(text);

	must(p->error != YAML_MEMORY_ERROR);
	if (p->error == YAML_READER_ERROR) {
		report_reader_error(rd);
		return;
	}
	if (indent < text.n && text.p[indent] == '\t' && column <= (int)indent + 1) {
		report_problem(rd->report, line, column, "a tab cannot indent; use spaces");
		return;
	}
	if (p->context && p->context_mark.line < p->problem_mark.line)
		report_problem(rd->report, line, column, "%s (%s that begins in line %d)%s",
			p->problem, p->context, line_of(&p->context_mark), hint_for(p->problem));
	else
		report_problem(rd->report, line, column, "%s%s", p->problem, hint_for(p->problem));
}

static bool next_event(struct reader *rd, yaml_event_t *ev)
{
	if (yaml_parser_parse(&rd->parser, ev))
		return true;
	report_parser_error(rd);
	return false;
}

/* --- tags and anchors --- */

static const char *tag_of(const yaml_event_t *ev)
{
	const yaml_char_t *tag = NULL;

	if (ev->type == YAML_SCALAR_EVENT)
		tag = ev->data.scalar.tag;
	else if (ev->type == YAML_SEQUENCE_START_EVENT)
		tag = ev->data.sequence_start.tag;
	else if (ev->type == YAML_MAPPING_START_EVENT)
		tag = ev->data.mapping_start.tag;
	return (const char *)tag;
}

static bool tag_is_fine(struct reader *rd, const yaml_event_t *ev)
{
	static const char *const known[] = {YAML_STR_TAG, YAML_INT_TAG, YAML_BOOL_TAG,
		YAML_FLOAT_TAG, YAML_NULL_TAG, YAML_TIMESTAMP_TAG, YAML_SEQ_TAG, YAML_MAP_TAG, "!"};
	const char *tag = tag_of(ev);

	if (!tag)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (str_eq(tag, known[i]))
			return true;
	}
	report_problem(rd->report, line_of(&ev->start_mark), column_of(&ev->start_mark),
		"this tag is not understood; leave it out");
	return false;
}

static const char *anchor_of(const yaml_event_t *ev)
{
	const yaml_char_t *name;

	if (ev->type == YAML_SCALAR_EVENT)
		name = ev->data.scalar.anchor;
	else if (ev->type == YAML_SEQUENCE_START_EVENT)
		name = ev->data.sequence_start.anchor;
	else
		name = ev->data.mapping_start.anchor;
	return (const char *)name;
}

/* Announces a node's anchor; returns its place in the table, or SIZE_MAX when it has none. */
static size_t anchor_open(struct reader *rd, const yaml_event_t *ev)
{
	const char *name = anchor_of(ev);

	if (!name)
		return SIZE_MAX;
	rd->anchors = xreallocarray(rd->anchors, rd->anchor_count + 1, sizeof(*rd->anchors));
	rd->anchors[rd->anchor_count] = (struct anchor){xstrdup_or_null(name), NULL};
	return rd->anchor_count++;
}

static void anchor_close(struct reader *rd, size_t at, const struct node *n)
{
	if (at != SIZE_MAX)
		rd->anchors[at].node = n;
}

/* --- building nodes --- */

/* The byte of the file at which a mark points. */
static size_t byte_of(struct reader *rd, const yaml_mark_t *m)
{
	if (m->index < rd->mark_index) {
		rd->mark_index = 0;
		rd->mark_byte = rd->bom;
	}
	while (rd->mark_index < m->index && rd->mark_byte < rd->text.n) {
		do
			rd->mark_byte++;
		while (rd->mark_byte < rd->text.n &&
			((unsigned char)rd->text.p[rd->mark_byte] & 0xc0) == 0x80);
		rd->mark_index++;
	}
	return rd->mark_byte;
}

static struct node *node_new(struct reader *rd, enum node_kind kind, const yaml_event_t *ev)
{
	struct node *n = xcalloc(1, sizeof(*n));

	n->kind = kind;
	n->line = line_of(&ev->start_mark);
	n->column = column_of(&ev->start_mark);
	n->begin = byte_of(rd, &ev->start_mark);
	return n;
}

static bool too_deep(struct reader *rd, int line, int column, unsigned depth)
{
	if (depth <= YAML_DEPTH_MAX)
		return false;
	report_problem(rd->report, line, column, "nested deeper than %d levels; no key needs that",
		YAML_DEPTH_MAX);
	return true;
}

static enum node_style style_of(const yaml_event_t *ev)
{
	const char *tag = tag_of(ev);

	switch ((unsigned)ev->data.scalar.style) {
	case YAML_LITERAL_SCALAR_STYLE:
		return STYLE_LITERAL;
	case YAML_FOLDED_SCALAR_STYLE:
		return STYLE_FOLDED;
	case YAML_PLAIN_SCALAR_STYLE:
		return tag && (str_eq(tag, YAML_STR_TAG) || str_eq(tag, "!")) ? STYLE_QUOTED
									      : STYLE_PLAIN;
	default:
		return STYLE_QUOTED;
	}
}

static struct node *read_scalar(struct reader *rd, const yaml_event_t *ev)
{
	const char *value = (const char *)ev->data.scalar.value;
	struct node *n;

	if (memchr(value, '\0', ev->data.scalar.length)) {
		report_problem(rd->report, line_of(&ev->start_mark), column_of(&ev->start_mark),
			"a NUL character may not be in a value");
		return NULL;
	}
	n = node_new(rd, NODE_SCALAR, ev);
	n->end = byte_of(rd, &ev->end_mark);
	n->style = style_of(ev);
	n->has_props = tag_of(ev) || anchor_of(ev);
	n->text = xstrndup(value, ev->data.scalar.length);
	anchor_close(rd, anchor_open(rd, ev), n);
	return n;
}

/* --- aliases --- */

/* Charges one more copied node; false when a limit is passed. */
static bool charge_copy(struct reader *rd, const struct node *from, const yaml_event_t *ev)
{
	size_t cost = COPY_NODE + (from->text ? strlen(from->text) : 0);
	int line = line_of(&ev->start_mark), column = column_of(&ev->start_mark);

	rd->expansions += from->is_alias;
	rd->copied += cost;
	if (rd->expansions > YAML_ALIASES_MAX) {
		report_problem(rd->report, line, column,
			"aliases are expanded more than %d times; write the values out",
			YAML_ALIASES_MAX);
		return false;
	}
	if (rd->copied > COPY_MAX) {
		report_problem(rd->report, line, column,
			"aliases make the file larger than %zu KiB; write the values out",
			(size_t)COPY_MAX >> 10);
		return false;
	}
	return true;
}

static struct node *copy_node(
	struct reader *rd, const struct node *from, const yaml_event_t *ev, unsigned depth)
{
	CLEANUP(node_freep) struct node *n = NULL;

	if (!charge_copy(rd, from, ev))
		return NULL;
	if (from->kind != NODE_SCALAR &&
		too_deep(rd, line_of(&ev->start_mark), column_of(&ev->start_mark), depth))
		return NULL;
	n = node_new(rd, from->kind, ev);
	n->end = byte_of(rd, &ev->end_mark);
	n->style = from->style;
	n->is_alias = from->is_alias;
	n->is_flow = from->is_flow;
	n->text = xstrdup_or_null(from->text);
	for (size_t i = 0; i < from->n; i++) {
		const struct node_item *item = &from->items[i];
		struct node *value = copy_node(rd, item->value, ev, depth + 1);

		if (!value)
			return NULL;
		node_add(n, (struct node_item){.key = xstrdup_or_null(item->key),
				    .line = n->line,
				    .column = n->column,
				    .begin = n->begin,
				    .value = value});
	}
	return STEAL(n);
}

static struct node *read_alias(struct reader *rd, const yaml_event_t *ev, unsigned depth)
{
	const char *name = (const char *)ev->data.alias.anchor;
	size_t i = rd->anchor_count;
	struct node *n;

	while (i > 0 && !str_eq(rd->anchors[i - 1].name, name))
		i--;
	if (i == 0 || !rd->anchors[i - 1].node) {
		report_problem(rd->report, line_of(&ev->start_mark), column_of(&ev->start_mark),
			i == 0 ? "this alias has no anchor before it"
			       : "this alias stands inside its own anchor");
		return NULL;
	}
	rd->expansions++;
	n = copy_node(rd, rd->anchors[i - 1].node, ev, depth);
	if (n)
		n->is_alias = true;
	return n;
}

/* --- collections --- */

static struct node *read_node(struct reader *rd, const yaml_event_t *ev, unsigned depth);

static bool read_items(struct reader *rd, struct node *list, unsigned depth)
{
	for (;;) {
		CLEANUP(yaml_event_delete) yaml_event_t ev = {0};
		struct node *value;

		if (!next_event(rd, &ev))
			return false;
		if (ev.type == YAML_SEQUENCE_END_EVENT) {
			list->end = list->is_flow ? byte_of(rd, &ev.end_mark) : 0;
			return true;
		}
		value = read_node(rd, &ev, depth + 1);
		if (!value)
			return false;
		node_add(list, (struct node_item){.line = value->line,
				       .column = value->column,
				       .begin = value->begin,
				       .value = value});
	}
}

/* A template without quotes is read as a map whose key is a map. */
static bool is_template(struct reader *rd, const yaml_event_t *ev)
{
	struct slice line = line_text(rd->text, line_of(&ev->start_mark));
	size_t at = ev->start_mark.column;

	return ev->type == YAML_MAPPING_START_EVENT && at > 0 && at < line.n && line.p[at] == '{' &&
	       line.p[at - 1] == '{';
}

/* An item with a key and no value yet; false when it is no key. */
static bool read_key(struct reader *rd, const yaml_event_t *ev, struct node_item *ret)
{
	CLEANUP(node_freep) struct node *n = NULL;
	int line = line_of(&ev->start_mark), column = column_of(&ev->start_mark);

	if (ev->type != YAML_SCALAR_EVENT || anchor_of(ev)) {
		report_problem(rd->report, line, column,
			is_template(rd, ev) ? "a text that begins with {{ must be in quotes"
					    : "a key must be a plain word");
		return false;
	}
	if (!tag_is_fine(rd, ev))
		return false;
	n = read_scalar(rd, ev);
	if (!n)
		return false;
	if (str_eq(n->text, "<<") && n->style == STYLE_PLAIN) {
		report_problem(rd->report, line, column,
			"merge keys are not understood; write the keys out");
		return false;
	}
	*ret = (struct node_item){.line = line,
		.column = column,
		.begin = n->begin,
		.is_quoted = n->style == STYLE_QUOTED};
	ret->key = STEAL(n->text);
	return true;
}

static bool read_pair(struct reader *rd, struct node *map, const yaml_event_t *ev, unsigned depth)
{
	CLEANUP(yaml_event_delete) yaml_event_t next = {0};
	struct node_item item;

	if (!read_key(rd, ev, &item))
		return false;
	item.value = next_event(rd, &next) ? read_node(rd, &next, depth + 1) : NULL;
	if (!item.value) {
		free(item.key);
		return false;
	}
	node_add(map, item);
	return true;
}

static bool read_pairs(struct reader *rd, struct node *map, unsigned depth)
{
	for (;;) {
		CLEANUP(yaml_event_delete) yaml_event_t ev = {0};

		if (!next_event(rd, &ev))
			return false;
		if (ev.type == YAML_MAPPING_END_EVENT) {
			map->end = map->is_flow ? byte_of(rd, &ev.end_mark) : 0;
			return true;
		}
		if (!read_pair(rd, map, &ev, depth))
			return false;
	}
}

static int by_key(const void *a, const void *b)
{
	const struct node_item *const *x = a, *const *y = b;
	int order = strcmp((*x)->key, (*y)->key);

	if (order != 0)
		return order;
	return *x < *y ? -1 : *x > *y; /* the order of the file: both are in one array */
}

/* Sorted and not each against each: a file of nothing but keys must not take minutes. */
static bool has_duplicates(struct reader *rd, const struct node *map)
{
	CLEANUP(freep) const struct node_item **sorted = NULL;
	bool found = false;

	if (map->n < 2)
		return false;
	sorted = xcalloc(map->n, sizeof(const struct node_item *));
	for (size_t i = 0; i < map->n; i++)
		sorted[i] = &map->items[i];
	qsort(sorted, map->n, sizeof(const struct node_item *), by_key);
	for (size_t i = 1; i < map->n; i++) {
		CLEANUP(freep) char *key = NULL;

		if (!str_eq(sorted[i]->key, sorted[i - 1]->key))
			continue;
		key = report_quote(sorted[i]->key);
		report_problem(rd->report, sorted[i]->line, sorted[i]->column,
			"the key `%s` is here twice; the first is in line %d", key,
			sorted[i - 1]->line);
		found = true;
	}
	return found;
}

static struct node *read_collection(struct reader *rd, const yaml_event_t *ev, unsigned depth)
{
	bool is_list = ev->type == YAML_SEQUENCE_START_EVENT;
	CLEANUP(node_freep) struct node *n = NULL;
	size_t anchor;
	bool ok;

	if (too_deep(rd, line_of(&ev->start_mark), column_of(&ev->start_mark), depth))
		return NULL;
	n = node_new(rd, is_list ? NODE_LIST : NODE_MAP, ev);
	n->is_flow = is_list ? ev->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE
			     : ev->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
	n->has_props = tag_of(ev) || anchor_of(ev);
	anchor = anchor_open(rd, ev);
	ok = is_list ? read_items(rd, n, depth) : read_pairs(rd, n, depth);
	if (!ok || (!is_list && has_duplicates(rd, n)))
		return NULL;
	anchor_close(rd, anchor, n);
	return STEAL(n);
}

/* The node that begins with this event; depth counts the collections around and including it. */
static struct node *read_node(struct reader *rd, const yaml_event_t *ev, unsigned depth)
{
	if (ev->type == YAML_ALIAS_EVENT)
		return read_alias(rd, ev, depth);
	if (!tag_is_fine(rd, ev))
		return NULL;
	if (ev->type == YAML_SCALAR_EVENT)
		return read_scalar(rd, ev);
	return read_collection(rd, ev, depth);
}

/* --- the document --- */

static struct node *null_node(void)
{
	struct node *n = xcalloc(1, sizeof(*n));

	n->text = xstrdup("");
	return n;
}

static bool expect_end(struct reader *rd)
{
	CLEANUP(yaml_event_delete) yaml_event_t end = {0};
	CLEANUP(yaml_event_delete) yaml_event_t next = {0};

	if (!next_event(rd, &end) || !next_event(rd, &next))
		return false;
	if (next.type == YAML_STREAM_END_EVENT)
		return true;
	report_problem(rd->report, line_of(&next.start_mark), column_of(&next.start_mark),
		"a second document begins here; only one is read");
	return false;
}

static struct node *read_document(struct reader *rd)
{
	CLEANUP(yaml_event_delete) yaml_event_t stream = {0};
	CLEANUP(yaml_event_delete) yaml_event_t start = {0};
	CLEANUP(yaml_event_delete) yaml_event_t first = {0};
	CLEANUP(node_freep) struct node *root = NULL;

	if (!next_event(rd, &stream) || !next_event(rd, &start))
		return NULL;
	if (start.type == YAML_STREAM_END_EVENT)
		return null_node();
	if (!next_event(rd, &first))
		return NULL;
	root = read_node(rd, &first, 1);
	if (!root || !expect_end(rd))
		return NULL;
	return STEAL(root);
}

struct node *yaml_read(struct report *r, struct slice text)
{
	struct reader rd = {.report = r, .text = text};
	struct node *root;

	if (text.n > YAML_MAX) {
		report_at(r, NULL, "larger than %zu KiB", YAML_MAX >> 10);
		return NULL;
	}
	if (slice_has_prefix(text, BOM))
		rd.bom = rd.mark_byte = strlen(BOM);
	must(yaml_parser_initialize(&rd.parser));
	yaml_parser_set_encoding(&rd.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&rd.parser,
		(const unsigned char *)(text.p ? text.p : "") + rd.bom, text.n - rd.bom);
	root = read_document(&rd);
	yaml_parser_delete(&rd.parser);
	for (size_t i = 0; i < rd.anchor_count; i++)
		free(rd.anchors[i].name);
	free(rd.anchors);
	return root;
}
