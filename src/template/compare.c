/* SPDX-License-Identifier: MIT */
/*
 * template/compare.c - are two values equal, and which comes first?
 *
 * Numbers are compared by value and exactly, strings by their bytes. Values of different kinds are
 * not equal and have no order. Arrays and objects are equal when their compact JSON is; they are
 * compared as text, so the order of members counts.
 */
#include "template/value_internal.h"

static struct slice compact(struct rendering *r, const struct value *v)
{
	struct value text;

	text_start(r);
	(void)text_add_json(r, v);
	text = text_end(r);
	return text.type == VALUE_STRING ? text.text : SLICE_NULL;
}

static bool is_container(const struct value *v)
{
	return v->type == VALUE_JSON || v->type == VALUE_LIST;
}

bool value_equal(struct rendering *r, const struct value *a, const struct value *b)
{
	if (value_is_nothing(a) || value_is_nothing(b))
		return value_is_nothing(a) && value_is_nothing(b);
	if (is_container(a) && is_container(b)) {
		struct slice left = compact(r, a);

		return slice_eq(left, compact(r, b));
	}
	if (a->type != b->type)
		return false;
	if (a->type == VALUE_BOOL)
		return a->is_true == b->is_true;
	if (a->type == VALUE_STRING)
		return work_charge(r, a->text.n) && slice_eq(a->text, b->text);
	return a->type == VALUE_NUMBER && work_charge(r, a->text.n + b->text.n) &&
	       number_compare(a->text, b->text) == 0;
}

static int bytes_order(struct slice a, struct slice b)
{
	size_t n = MIN_OF(a.n, b.n);
	int order = n == 0 ? 0 : memcmp(a.p, b.p, n);

	return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

bool value_order(struct rendering *r, const struct value *a, const struct value *b, int *ret)
{
	if (a->type != b->type || (a->type != VALUE_NUMBER && a->type != VALUE_STRING))
		return false;
	if (!work_charge(r, a->text.n + b->text.n))
		return false;
	*ret = a->type == VALUE_NUMBER ? number_compare(a->text, b->text)
				       : bytes_order(a->text, b->text);
	return true;
}
