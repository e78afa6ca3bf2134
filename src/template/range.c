/* SPDX-License-Identifier: MIT */
/*
 * template/range.c - what a loop walks through: lists in order, objects sorted by the bytes of
 * their names as Go does it, whole numbers from 0 up.
 */
#include "template/range_internal.h"

struct range_member {
	struct slice name;
	const struct scan_node *node;
};

static int compare(const void *left, const void *right)
{
	const struct range_member *a = left, *b = right;
	size_t n = MIN_OF(a->name.n, b->name.n);
	int order = n == 0 ? 0 : memcmp(a->name.p, b->name.p, n);

	return order != 0 ? order : (a->name.n > b->name.n) - (a->name.n < b->name.n);
}

static struct slice name_of(struct rendering *r, const struct scan_node *node)
{
	struct slice name;

	if (!node->key_has_escapes)
		return node->key;
	buf_clear(&r->scratch);
	scan_unescape(&r->scratch, node->key);
	name = arena_copy(&r->arena, buf_slice(&r->scratch));
	if (name.p == NULL)
		too_much(r);
	return name;
}

static void sort_members(struct rendering *r, struct range *g)
{
	const struct scan *scan = g->walk.of.json.scan;
	const struct scan_node *object = g->walk.of.json.node;
	struct range_member *members;

	if (object->children == 0 || !work_charge(r, (size_t)object->children * WORK_STEP * 2))
		return;
	members = arena_take(&r->arena, object->children * sizeof(*members));
	if (members == NULL) {
		too_much(r);
		return;
	}
	for (const struct scan_node *it = scan_first(scan, object); it != NULL;
		it = scan_next(scan, it)) {
		members[g->n].name = name_of(r, it);
		members[g->n++].node = it;
	}
	qsort(members, g->n, sizeof(*members), compare);
	g->members = members;
}

struct range range_start(struct rendering *r, const struct value *over)
{
	struct range g = {.type = RANGE_NOTHING};
	size_t ignored;

	if (value_count(over, &ignored)) {
		g.type = RANGE_LIST;
		g.walk = walk_start(over);
	} else if (over->type == VALUE_JSON) {
		g.type = RANGE_OBJECT;
		g.walk.of = *over;
		sort_members(r, &g);
	} else if (over->type == VALUE_NUMBER && number_to_i64(over->text, &g.count)) {
		g.type = RANGE_NUMBER;
	}
	return g;
}

bool range_next(struct rendering *r, struct range *g, struct value *ret_key, struct value *ret)
{
	bool wants_key = ret_key != NULL;
	size_t i = g->i++;

	if (r->stop != 0)
		return false;
	switch (g->type) {
	case RANGE_NOTHING:
		break;
	case RANGE_LIST:
		if (wants_key)
			*ret_key = value_number(r, (int64_t)i);
		return walk_next(r, &g->walk, ret);
	case RANGE_OBJECT:
		if (i >= g->n)
			break;
		if (wants_key)
			*ret_key = value_string(g->members[i].name);
		*ret = value_of_node(r, g->walk.of.json.scan, g->members[i].node);
		return true;
	case RANGE_NUMBER:
		if ((int64_t)i >= g->count)
			break;
		*ret = value_number(r, (int64_t)i);
		if (wants_key)
			*ret_key = *ret;
		return true;
	}
	return false;
}
