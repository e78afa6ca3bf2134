/* SPDX-License-Identifier: MIT */
/*
 * The tree that a file becomes: plain nodes that own what is below them.
 */
#include "config/yaml-internal.h"

void node_free(struct node *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->n; i++) {
		free(n->items[i].key);
		node_free(n->items[i].value);
	}
	free(n->items);
	free(n->text);
	free(n);
}

bool node_is_null(const struct node *n)
{
	static const char *const words[] = {"", "~", "null", "Null", "NULL"};

	if (!n)
		return true;
	if (n->kind != NODE_SCALAR || n->style != STYLE_PLAIN)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (str_eq(n->text, words[i]))
			return true;
	}
	return false;
}

/* Text that was quoted in any way is text; plain may be more. */
static bool is_text(const struct node *n)
{
	return n->style != STYLE_PLAIN;
}

bool node_equal(const struct node *a, const struct node *b)
{
	if (!a || !b)
		return a == b;
	if (a->kind != b->kind || a->n != b->n || !str_eq(a->text, b->text))
		return false;
	if (a->kind == NODE_SCALAR)
		return is_text(a) == is_text(b);
	for (size_t i = 0; i < a->n; i++) {
		if (!str_eq(a->items[i].key, b->items[i].key) ||
			!node_equal(a->items[i].value, b->items[i].value))
			return false;
	}
	return true;
}

void node_add(struct node *parent, struct node_item item)
{
	/* Grown by doubling: n is a power of two when the room is used up. */
	if ((parent->n & (parent->n - 1)) == 0)
		parent->items = xreallocarray(
			parent->items, parent->n ? parent->n * 2 : 1, sizeof(*parent->items));
	parent->items[parent->n++] = item;
}
