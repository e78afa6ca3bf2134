/* SPDX-License-Identifier: MIT */
/*
 * base/mask_build.c - the automaton of a mask.
 *
 * The forms are sorted, so a node is a range of them that begin alike, and its children are the
 * parts of that range. Going through the nodes in the order in which they are made is going level
 * by level: what a node needs of its `fail` node, which is less deep, is always there already.
 */
#include "base/mask_internal.h"

/* The forms that begin with a node's text. */
struct range {
	uint32_t from, to;
};

static int compare(const void *a, const void *b)
{
	const char *const *x = a;
	const char *const *y = b;

	return strcmp(*x, *y);
}

/* Sorts, and takes out what is there twice. */
static void order(struct strv *forms)
{
	size_t n = 0;

	qsort(forms->v, forms->n, sizeof(forms->v[0]), compare);
	for (size_t i = 0; i < forms->n; i++) {
		if (n > 0 && str_eq(forms->v[n - 1], forms->v[i]))
			free(forms->v[i]);
		else
			forms->v[n++] = forms->v[i];
	}
	forms->n = n;
	forms->v[n] = NULL;
}

/* Makes the children of node `at`, which stands for the range r. */
static void expand(struct mask *m, const struct strv *forms, struct range *ranges, uint32_t at)
{
	struct mask_node *node = &m->nodes[at];
	struct range r = ranges[at];
	size_t depth = node->depth;

	node->first = m->count;
	node->found = m->nodes[node->fail].found;
	/* Of forms that begin alike the shortest is the first. */
	if (forms->v[r.from][depth] == '\0') {
		node->found = node->depth;
		r.from++;
	}
	while (r.from < r.to) {
		unsigned char c = (unsigned char)forms->v[r.from][depth];
		uint32_t child = m->count++, to = r.from + 1;

		while (to < r.to && (unsigned char)forms->v[to][depth] == c)
			to++;
		m->bytes[child] = c;
		m->nodes[child].depth = (uint16_t)(depth + 1);
		if (at == 0)
			m->roots[c] = child;
		else
			m->nodes[child].fail = mask_step(m, node->fail, c);
		ranges[child] = (struct range){r.from, to};
		r.from = to;
	}
}

static void build_nodes(struct mask *m, const struct strv *forms)
{
	CLEANUP(freep) struct range *ranges = NULL;
	size_t room = 1;

	for (size_t i = 0; i < forms->n; i++)
		room += strlen(forms->v[i]);
	must(room < UINT32_MAX);
	m->nodes = xcalloc(room + 1, sizeof(m->nodes[0]));
	m->bytes = xcalloc(room, sizeof(m->bytes[0]));
	ranges = xcalloc(room, sizeof(ranges[0]));
	ranges[0] = (struct range){0, (uint32_t)forms->n};
	m->count = 1;
	for (uint32_t at = 0; at < m->count; at++)
		expand(m, forms, ranges, at);
	m->nodes[m->count].first = m->count;
	m->nodes = xreallocarray(m->nodes, (size_t)m->count + 1, sizeof(m->nodes[0]));
	m->bytes = xreallocarray(m->bytes, m->count, sizeof(m->bytes[0]));
}

static void build_jumps(struct mask *m, const struct strv *forms)
{
	memset(m->jump, MASK_JUMP_MAX, sizeof(m->jump));
	for (size_t i = 0; i < forms->n; i++) {
		for (size_t at = 0; at + 2 <= MASK_WINDOW; at++) {
			unsigned char *jump = &m->jump[mask_pair(forms->v[i] + at)];

			*jump = (unsigned char)MIN_OF(*jump, MASK_WINDOW - 2 - at);
		}
	}
}

struct mask *mask_new(const struct strv *values)
{
	CLEANUP(strv_fini) struct strv forms = STRV_NULL;
	struct mask *m;

	mask_forms(&forms, values);
	if (forms.n == 0)
		return NULL;
	order(&forms);
	m = xcalloc(1, sizeof(*m));
	m->refs = 1;
	build_nodes(m, &forms);
	build_jumps(m, &forms);
	return m;
}

struct mask *mask_ref(struct mask *m)
{
	if (m != NULL)
		m->refs++;
	return m;
}

void mask_unref(struct mask *m)
{
	if (m == NULL || --m->refs > 0)
		return;
	free(m->nodes);
	free(m->bytes);
	free(m);
}
