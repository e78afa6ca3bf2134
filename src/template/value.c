/* SPDX-License-Identifier: MIT */
/*
 * template/value.c - values: where they come from, what is inside them, and whether they are true.
 *
 * Looking into a JSON value walks through its index, so it is charged by what it walks over: that,
 * not the size of the template, is what a large event makes expensive.
 */
#include <inttypes.h>
#include <stdio.h>

#include "template/value_internal.h"

void too_much(struct rendering *r)
{
	if (r->stop == 0)
		r->stop = TEMPLATE_E_TOO_MUCH;
}

bool work_charge(struct rendering *r, size_t bytes)
{
	if (bytes <= r->work_left) {
		r->work_left -= bytes;
		return true;
	}
	r->work_left = 0;
	too_much(r);
	return false;
}

static struct value unescaped(struct rendering *r, struct slice raw)
{
	struct slice text;

	if (!work_charge(r, raw.n))
		return value_missing();
	buf_clear(&r->scratch);
	scan_unescape(&r->scratch, raw);
	text = arena_copy(&r->arena, buf_slice(&r->scratch));
	if (text.p == NULL) {
		too_much(r);
		return value_missing();
	}
	return value_string(text);
}

struct value value_of_node(
	struct rendering *r, const struct scan *scan, const struct scan_node *node)
{
	struct value v = {.type = VALUE_JSON};

	if (node == NULL)
		return value_missing();
	switch (node->type) {
	case SCAN_NULL:
		v.type = VALUE_NULL;
		break;
	case SCAN_FALSE:
	case SCAN_TRUE:
		return value_bool(node->type == SCAN_TRUE);
	case SCAN_NUMBER:
		v.type = VALUE_NUMBER;
		v.text = node->raw;
		break;
	case SCAN_STRING:
		return node->has_escapes ? unescaped(r, node->raw) : value_string(node->raw);
	case SCAN_ARRAY:
	case SCAN_OBJECT:
		v.json.scan = scan;
		v.json.node = node;
		break;
	}
	return v;
}

struct value value_number(struct rendering *r, int64_t n)
{
	struct value v = {.type = VALUE_NUMBER};
	char text[24];
	int size = snprintf(text, sizeof(text), "%" PRId64, n);

	v.text = arena_copy(&r->arena, (struct slice){text, (size_t)size});
	if (v.text.p != NULL)
		return v;
	too_much(r);
	return value_missing();
}

struct value value_list(const struct value *items, size_t n)
{
	struct value v = {.type = VALUE_LIST};

	v.list.items = items;
	v.list.n = n;
	return v;
}

bool value_is_true(const struct value *v)
{
	switch (v->type) {
	case VALUE_MISSING:
	case VALUE_NULL:
		return false;
	case VALUE_BOOL:
		return v->is_true;
	case VALUE_NUMBER:
		return !number_is_zero(v->text);
	case VALUE_STRING:
		return v->text.n > 0;
	case VALUE_JSON:
		return v->json.node->children > 0;
	case VALUE_LIST:
		return v->list.n > 0;
	case VALUE_ROOT:
		break;
	}
	return true;
}

bool value_text(const struct value *v, struct slice *ret)
{
	if (v->type == VALUE_BOOL)
		*ret = v->is_true ? SLICE_LIT("true") : SLICE_LIT("false");
	else if (v->type == VALUE_STRING || v->type == VALUE_NUMBER)
		*ret = v->text;
	else
		return false;
	return true;
}

const char *value_type_name(const struct value *v)
{
	switch (v->type) {
	case VALUE_MISSING:
	case VALUE_ROOT:
		break;
	case VALUE_NULL:
		return "null";
	case VALUE_BOOL:
		return "bool";
	case VALUE_NUMBER:
		return "number";
	case VALUE_STRING:
		return "string";
	case VALUE_JSON:
		return v->json.node->type == SCAN_OBJECT ? "object" : "list";
	case VALUE_LIST:
		return "list";
	}
	return "nothing";
}

/* --- members --- */

static struct value json_member(struct rendering *r, const struct value *v, struct slice name)
{
	const struct scan *scan = v->json.scan;
	const struct scan_node *node = v->json.node;
	uint64_t i;

	if (node->type == SCAN_OBJECT) {
		if (!work_charge(r, (size_t)node->children * WORK_MEMBER))
			return value_missing();
		return value_of_node(r, scan, scan_member(scan, node, name));
	}
	if (!slice_to_u64(name, SIZE_MAX, &i) || i >= node->children ||
		!work_charge(r, i * WORK_MEMBER))
		return value_missing();
	return value_of_node(r, scan, scan_element(scan, node, i));
}

struct value value_member(struct rendering *r, const struct value *v, struct slice name)
{
	uint64_t i;

	if (v->type == VALUE_JSON)
		return json_member(r, v, name);
	if (v->type == VALUE_ROOT)
		return root_member(r, name);
	if (v->type == VALUE_LIST && slice_to_u64(name, SIZE_MAX, &i) && i < v->list.n)
		return v->list.items[i];
	return value_missing();
}

bool value_count(const struct value *v, size_t *ret)
{
	if (v->type == VALUE_LIST)
		*ret = v->list.n;
	else if (v->type == VALUE_JSON && v->json.node->type == SCAN_ARRAY)
		*ret = v->json.node->children;
	else
		return false;
	return true;
}

struct walk walk_start(const struct value *list)
{
	struct walk w = {.of = *list};

	if (list->type == VALUE_JSON)
		w.node = scan_first(list->json.scan, list->json.node);
	return w;
}

bool walk_next(struct rendering *r, struct walk *w, struct value *ret)
{
	if (r->stop != 0 || !work_charge(r, WORK_STEP))
		return false;
	if (w->of.type == VALUE_LIST) {
		if (w->i == w->of.list.n)
			return false;
		*ret = w->of.list.items[w->i++];
		return true;
	}
	if (w->node == NULL)
		return false;
	*ret = value_of_node(r, w->of.json.scan, w->node);
	w->node = scan_next(w->of.json.scan, w->node);
	w->i++;
	return true;
}
