/* SPDX-License-Identifier: MIT */
/*
 * template/text.c - making a text of values, bounded.
 *
 * The text grows in one buffer of the rendering, which keeps its memory, and is copied to the arena
 * when it is done. The bound is checked before anything is added, so the buffer never grows beyond
 * it; only the compact form of an event's own array or object is made first and then looked at.
 */
#include "base/json.h"
#include "template/value_internal.h"

void text_start(struct rendering *r)
{
	buf_clear(&r->made);
	buf_reserve(&r->made, 1); /* so that it has an address, even while it is empty */
}

bool text_add(struct rendering *r, struct slice s)
{
	if (s.n > MADE_MAX - r->made.n) {
		too_much(r);
		return false;
	}
	if (!work_charge(r, s.n + WORK_PIECE))
		return false;
	if (s.n > 0)
		buf_add_slice(&r->made, s);
	return true;
}

bool text_add_char(struct rendering *r, char c)
{
	return text_add(r, (struct slice){&c, 1});
}

bool text_pad(struct rendering *r, char c, size_t n)
{
	char row[64];

	memset(row, c, sizeof(row));
	for (; n > sizeof(row); n -= sizeof(row))
		if (!text_add(r, (struct slice){row, sizeof(row)}))
			return false;
	return text_add(r, (struct slice){row, n});
}

/* The compact form of an array or object of the event. */
static bool add_node(struct rendering *r, const struct value *v)
{
	if (!work_charge(r, v->json.node->raw.n))
		return false;
	buf_clear(&r->scratch);
	scan_print(&r->scratch, v->json.scan, v->json.node);
	return text_add(r, buf_slice(&r->scratch));
}

static bool add_list(struct rendering *r, const struct value *v)
{
	if (!text_add_char(r, '['))
		return false;
	for (size_t i = 0; i < v->list.n; i++) {
		if (i > 0 && !text_add_char(r, ','))
			return false;
		if (!text_add_json(r, &v->list.items[i]))
			return false;
	}
	return text_add_char(r, ']');
}

bool text_add_value(struct rendering *r, const struct value *v)
{
	switch (v->type) {
	case VALUE_MISSING:
	case VALUE_ROOT:
		return text_add(r, SLICE_LIT(MISSING_TEXT));
	case VALUE_NULL:
		return text_add(r, SLICE_LIT("null"));
	case VALUE_BOOL:
		return text_add(r, v->is_true ? SLICE_LIT("true") : SLICE_LIT("false"));
	case VALUE_NUMBER:
	case VALUE_STRING:
		return text_add(r, v->text);
	case VALUE_JSON:
		return add_node(r, v);
	case VALUE_LIST:
		return add_list(r, v);
	}
	return false;
}

bool text_add_json(struct rendering *r, const struct value *v)
{
	if (v->type == VALUE_MISSING || v->type == VALUE_ROOT)
		return text_add(r, SLICE_LIT("null"));
	if (v->type != VALUE_STRING)
		return text_add_value(r, v);
	if (v->text.n > MADE_MAX) {
		too_much(r);
		return false;
	}
	buf_clear(&r->scratch);
	js_write_string(&r->scratch, v->text);
	return text_add(r, buf_slice(&r->scratch));
}

struct value text_end(struct rendering *r)
{
	struct slice text;

	if (r->stop != 0)
		return value_missing();
	text = arena_copy(&r->arena, buf_slice(&r->made));
	if (text.p == NULL) {
		too_much(r);
		return value_missing();
	}
	return value_string(text);
}
