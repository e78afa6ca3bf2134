/* SPDX-License-Identifier: MIT */
/*
 * template/functions.c - the table of functions, and those about truth, order and lists.
 *
 * The order of arguments is Go's for its own functions and that of the widespread text helpers for
 * the rest: what a function works on comes last, so that it can come through a pipeline. A function
 * never fails: given what it cannot use, it gives no value (or false, if it answers a question).
 */
#include "template/syntax_internal.h"

#define NEAR_MAX 2

/* --- truth and order --- */

static struct value call_not(struct rendering *r, const struct value *args, size_t n)
{
	(void)r;
	(void)n;
	return value_bool(!value_is_true(&args[0]));
}

/* Is the first equal to any of the others? */
static struct value call_eq(struct rendering *r, const struct value *args, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (value_equal(r, &args[0], &args[i]))
			return value_bool(true);
	return value_bool(false);
}

static struct value call_ne(struct rendering *r, const struct value *args, size_t n)
{
	(void)n;
	return value_bool(!value_equal(r, &args[0], &args[1]));
}

static struct value call_lt(struct rendering *r, const struct value *args, size_t n)
{
	int order;

	(void)n;
	return value_order(r, &args[0], &args[1], &order) ? value_bool(order < 0) : value_missing();
}

static struct value call_le(struct rendering *r, const struct value *args, size_t n)
{
	int order;

	(void)n;
	return value_order(r, &args[0], &args[1], &order) ? value_bool(order <= 0)
							  : value_missing();
}

static struct value call_gt(struct rendering *r, const struct value *args, size_t n)
{
	int order;

	(void)n;
	return value_order(r, &args[0], &args[1], &order) ? value_bool(order > 0) : value_missing();
}

static struct value call_ge(struct rendering *r, const struct value *args, size_t n)
{
	int order;

	(void)n;
	return value_order(r, &args[0], &args[1], &order) ? value_bool(order >= 0)
							  : value_missing();
}

/* --- lists --- */

/* Bytes of a text, elements of a list, members of an object. */
static struct value call_len(struct rendering *r, const struct value *args, size_t n)
{
	size_t count;

	(void)n;
	if (args[0].type == VALUE_STRING)
		count = args[0].text.n;
	else if (args[0].type == VALUE_JSON)
		count = args[0].json.node->children;
	else if (!value_count(&args[0], &count))
		return value_missing();
	return value_number(r, (int64_t)count);
}

/* A whole number as an element's name: 1e1 is element 10. */
static struct value element(struct rendering *r, const struct value *v, struct slice number)
{
	struct value plain;
	int64_t i;

	if (!number_to_i64(number, &i))
		return value_missing();
	plain = value_number(r, i);
	return plain.type == VALUE_NUMBER ? value_member(r, v, plain.text) : value_missing();
}

static struct value call_index(struct rendering *r, const struct value *args, size_t n)
{
	struct value v = args[0];

	for (size_t i = 1; i < n; i++) {
		size_t ignored;

		if (args[i].type == VALUE_NUMBER && value_count(&v, &ignored))
			v = element(r, &v, args[i].text);
		else if (args[i].type == VALUE_STRING || args[i].type == VALUE_NUMBER)
			v = value_member(r, &v, args[i].text);
		else
			return value_missing();
	}
	return v;
}

/* Bound i of a slice, moved into 0..count; false when it is no whole number. */
static bool bound(const struct value *v, size_t count, size_t *ret)
{
	int64_t at;

	if (v->type != VALUE_NUMBER || !number_to_i64(v->text, &at))
		return false;
	at = MAX_OF(at, 0);
	*ret = (uint64_t)at > count ? count : (size_t)at;
	return true;
}

static struct value part_of_list(
	struct rendering *r, const struct value *list, size_t from, size_t to)
{
	size_t n = to - from, i = 0;
	struct value *items, ignored;
	struct walk w;

	if (list->type == VALUE_LIST)
		return value_list(list->list.items + from, n);
	items = n > ARENA_MAX / sizeof(*items) ? NULL : arena_take(&r->arena, n * sizeof(*items));
	if (items == NULL) {
		too_much(r);
		return value_missing();
	}
	w = walk_start(list);
	while (from > 0 && walk_next(r, &w, &ignored))
		from--;
	while (i < n && walk_next(r, &w, &items[i]))
		i++;
	return value_list(items, i);
}

/* From one position up to another, as far as the value goes. */
static struct value call_slice(struct rendering *r, const struct value *args, size_t n)
{
	const struct value *v = &args[0];
	size_t count, from = 0, to;

	if (v->type == VALUE_STRING)
		count = v->text.n;
	else if (!value_count(v, &count))
		return value_missing();
	to = count;
	if ((n > 1 && !bound(&args[1], count, &from)) || (n > 2 && !bound(&args[2], count, &to)))
		return value_missing();
	if (v->type != VALUE_STRING)
		return part_of_list(r, v, from, MAX_OF(from, to));
	from = chars_boundary(v->text, from);
	to = MAX_OF(from, chars_boundary(v->text, to));
	return value_string((struct slice){v->text.p + from, to - from});
}

/* --- the table --- */

static const struct function functions[] = {
	{"and", 1, 0, LAZY_AND, NULL},
	{"contains", 2, 2, EAGER, text_contains},
	{"date", 2, 2, EAGER, text_date},
	{"default", 2, 2, EAGER, text_default},
	{"eq", 2, 0, EAGER, call_eq},
	{"ge", 2, 2, EAGER, call_ge},
	{"gt", 2, 2, EAGER, call_gt},
	{"hasPrefix", 2, 2, EAGER, text_has_prefix},
	{"hasSuffix", 2, 2, EAGER, text_has_suffix},
	{"indent", 2, 2, EAGER, text_indent},
	{"index", 1, 0, EAGER, call_index},
	{"join", 2, 2, EAGER, text_join},
	{"json", 1, 1, EAGER, text_json},
	{"le", 2, 2, EAGER, call_le},
	{"len", 1, 1, EAGER, call_len},
	{"lower", 1, 1, EAGER, text_lower},
	{"lt", 2, 2, EAGER, call_lt},
	{"ne", 2, 2, EAGER, call_ne},
	{"not", 1, 1, EAGER, call_not},
	{"or", 1, 0, LAZY_OR, NULL},
	{"print", 1, 0, EAGER, text_print},
	{"printf", 1, 0, EAGER, format_printf},
	{"replace", 3, 3, EAGER, text_replace},
	{"slice", 1, 3, EAGER, call_slice},
	{"split", 2, 2, EAGER, text_split},
	{"trim", 1, 1, EAGER, text_trim},
	{"trunc", 2, 2, EAGER, text_trunc},
	{"upper", 1, 1, EAGER, text_upper},
};

const struct function *function_find(struct slice name)
{
	for (size_t i = 0; i < ARRAY_LEN(functions); i++)
		if (slice_eq_str(name, functions[i].name))
			return &functions[i];
	return NULL;
}

/* A word of which more than half would have to change is another word. */
const char *function_suggest(struct slice name)
{
	static const char *const words[] = {
		"if", "else", "end", "range", "with", "break", "continue", "true", "false"};
	CLEANUP(freep) char *typed = slice_dup(name);
	const char *best = NULL;
	unsigned least = NEAR_MAX + 1;

	for (size_t i = 0; i < ARRAY_LEN(functions) + ARRAY_LEN(words); i++) {
		const char *word = i < ARRAY_LEN(functions) ? functions[i].name
							    : words[i - ARRAY_LEN(functions)];
		unsigned distance = strcasecmp(typed, word) == 0 ? 0 : str_distance(typed, word);

		if (distance < least && distance < strlen(word) && distance <= strlen(typed) / 2) {
			best = word;
			least = distance;
		}
	}
	return best;
}
