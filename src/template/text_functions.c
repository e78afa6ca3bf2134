/* SPDX-License-Identifier: MIT */
/*
 * template/text_functions.c - functions that make or look at texts.
 *
 * They take strings, numbers and booleans (as their text). Where the result is a part of the
 * argument it borrows from it; what is made anew is bounded (text.c). Characters are never cut.
 */
#include "template/value_internal.h"

#define INDENT_MAX 1000

/* --- making texts --- */

struct value text_default(struct rendering *r, const struct value *args, size_t n)
{
	(void)r;
	(void)n;
	return value_is_true(&args[1]) ? args[1] : args[0];
}

/* As Go does it: a blank between two operands when neither is a string. */
struct value text_print(struct rendering *r, const struct value *args, size_t n)
{
	text_start(r);
	for (size_t i = 0; i < n && r->stop == 0; i++) {
		if (i > 0 && args[i - 1].type != VALUE_STRING && args[i].type != VALUE_STRING)
			(void)text_add_char(r, ' ');
		(void)text_add_value(r, &args[i]);
	}
	return text_end(r);
}

struct value text_json(struct rendering *r, const struct value *args, size_t n)
{
	(void)n;
	text_start(r);
	(void)text_add_json(r, &args[0]);
	return text_end(r);
}

struct value text_join(struct rendering *r, const struct value *args, size_t n)
{
	struct slice separator, alone;
	struct value element;
	struct walk w;
	size_t count;

	(void)n;
	if (!value_text(&args[0], &separator))
		return value_missing();
	if (!value_count(&args[1], &count))
		return value_text(&args[1], &alone) ? value_string(alone) : value_missing();
	text_start(r);
	w = walk_start(&args[1]);
	for (bool is_first = true; walk_next(r, &w, &element); is_first = false) {
		if (!is_first)
			(void)text_add(r, separator);
		(void)text_add_value(r, &element);
	}
	return text_end(r);
}

struct value text_indent(struct rendering *r, const struct value *args, size_t n)
{
	struct slice text;
	int64_t width;

	(void)n;
	if (args[0].type != VALUE_NUMBER || !number_to_i64(args[0].text, &width) || width < 0 ||
		width > INDENT_MAX || !value_text(&args[1], &text))
		return value_missing();
	text_start(r);
	for (;;) {
		const char *end = text.n == 0 ? NULL : memchr(text.p, '\n', text.n);
		size_t line = end == NULL ? text.n : (size_t)(end - text.p) + 1;

		if (!text_pad(r, ' ', (size_t)width) ||
			!text_add(r, (struct slice){text.p, line}) || end == NULL)
			break;
		text = (struct slice){text.p + line, text.n - line};
	}
	return text_end(r);
}

/* Where `part`, which is not empty, begins in `text`; else the length of the text. */
static size_t find(struct slice text, struct slice part)
{
	const char *at = NULL;

	if (part.n == 1 && text.n > 0)
		at = memchr(text.p, *part.p, text.n);
	else if (text.n > 0)
		at = memmem(text.p, text.n, part.p, part.n);
	return at == NULL ? text.n : (size_t)(at - text.p);
}

static struct slice behind(struct slice s, size_t n)
{
	n = MIN_OF(n, s.n);
	return (struct slice){s.p + n, s.n - n};
}

/* With nothing to replace, the new text goes before, between and behind all characters (Go). */
static void replace_nothing(struct rendering *r, struct slice with, struct slice text)
{
	bool fits = text_add(r, with);

	while (fits && text.n > 0) {
		size_t n = chars_size(text, 1);

		fits = text_add(r, (struct slice){text.p, n}) && text_add(r, with);
		text = behind(text, n);
	}
}

struct value text_replace(struct rendering *r, const struct value *args, size_t n)
{
	struct slice old, with, text;

	(void)n;
	if (!value_text(&args[0], &old) || !value_text(&args[1], &with) ||
		!value_text(&args[2], &text))
		return value_missing();
	text_start(r);
	if (old.n == 0) {
		replace_nothing(r, with, text);
		return text_end(r);
	}
	for (;;) {
		size_t at = find(text, old);

		if (!text_add(r, (struct slice){text.p, at}) || at == text.n || !text_add(r, with))
			break;
		text = behind(text, at + old.n);
	}
	return text_end(r);
}

static struct value change_case(struct rendering *r, const struct value *v, bool is_upper)
{
	struct slice text;

	if (!value_text(v, &text))
		return value_missing();
	/* Other alphabets take a look into a table for each character. */
	if (text.n > MADE_MAX || !work_charge(r, text.n * WORK_PIECE)) {
		too_much(r);
		return value_missing();
	}
	text_start(r);
	buf_clear(&r->scratch);
	chars_add_case(&r->scratch, text, is_upper);
	(void)text_add(r, buf_slice(&r->scratch));
	return text_end(r);
}

struct value text_lower(struct rendering *r, const struct value *args, size_t n)
{
	(void)n;
	return change_case(r, &args[0], false);
}

struct value text_upper(struct rendering *r, const struct value *args, size_t n)
{
	(void)n;
	return change_case(r, &args[0], true);
}

/* --- parts of texts --- */

struct value text_trim(struct rendering *r, const struct value *args, size_t n)
{
	struct slice text;

	(void)r;
	(void)n;
	return value_text(&args[0], &text) ? value_string(chars_trim(text)) : value_missing();
}

/* The first characters, or the last when the number is negative. */
struct value text_trunc(struct rendering *r, const struct value *args, size_t n)
{
	struct slice text;
	int64_t wanted;
	size_t count;

	(void)n;
	if (args[0].type != VALUE_NUMBER || !number_to_i64(args[0].text, &wanted) ||
		!value_text(&args[1], &text) || !work_charge(r, text.n))
		return value_missing();
	if (wanted >= 0)
		return value_string((struct slice){text.p, chars_size(text, (uint64_t)wanted)});
	count = chars_count(text);
	if ((uint64_t) - (wanted + 1) >= count)
		return value_string(text);
	return value_string(behind(text, chars_size(text, count - (uint64_t)-wanted)));
}

/* How many parts a text has; parts may be NULL. An empty separator parts all characters. */
static size_t split(struct slice text, struct slice separator, struct value *parts)
{
	size_t n = 0;

	if (separator.n == 0 && text.n == 0)
		return 0;
	for (;; n++) {
		size_t at = separator.n == 0 ? chars_size(text, 1) : find(text, separator);

		if (parts != NULL)
			parts[n] = value_string((struct slice){text.p, at});
		if (at == text.n)
			return n + 1;
		text = behind(text, at + separator.n);
	}
}

struct value text_split(struct rendering *r, const struct value *args, size_t n)
{
	struct slice separator, text;
	struct value *parts;
	size_t count;

	(void)n;
	if (!value_text(&args[0], &separator) || !value_text(&args[1], &text) ||
		!work_charge(r, text.n * 2))
		return value_missing();
	count = split(text, separator, NULL);
	if (!work_charge(r, count * WORK_PIECE))
		return value_missing();
	parts = count > ARENA_MAX / sizeof(*parts) ? NULL
						   : arena_take(&r->arena, count * sizeof(*parts));
	if (parts == NULL) {
		too_much(r);
		return value_missing();
	}
	(void)split(text, separator, parts);
	return value_list(parts, count);
}

/* --- questions about texts --- */

/* Is the part in the text, or equal to an element of the list? */
struct value text_contains(struct rendering *r, const struct value *args, size_t n)
{
	struct slice part, text;
	struct value element;
	struct walk w;
	size_t count;

	(void)n;
	if (value_count(&args[1], &count)) {
		w = walk_start(&args[1]);
		while (walk_next(r, &w, &element))
			if (value_equal(r, &args[0], &element))
				return value_bool(true);
		return value_bool(false);
	}
	if (!value_text(&args[0], &part) || !value_text(&args[1], &text) || !work_charge(r, text.n))
		return value_bool(false);
	return value_bool(part.n == 0 || find(text, part) < text.n);
}

/* The first n and the last n bytes of the text against the part. */
static struct value has_end(const struct value *args, bool is_prefix)
{
	struct slice part, text;

	if (!value_text(&args[0], &part) || !value_text(&args[1], &text) || part.n > text.n)
		return value_bool(false);
	if (!is_prefix)
		text = behind(text, text.n - part.n);
	text.n = part.n;
	return value_bool(slice_eq(text, part));
}

struct value text_has_prefix(struct rendering *r, const struct value *args, size_t n)
{
	(void)n;
	return work_charge(r, args[0].type == VALUE_STRING ? args[0].text.n : 0)
		       ? has_end(args, true)
		       : value_missing();
}

struct value text_has_suffix(struct rendering *r, const struct value *args, size_t n)
{
	(void)n;
	return work_charge(r, args[0].type == VALUE_STRING ? args[0].text.n : 0)
		       ? has_end(args, false)
		       : value_missing();
}

/* --- times --- */

/* Seconds since 1970 as a number, or text that is such a number. */
static bool read_seconds(struct rendering *r, struct slice number, int64_t *ret, uint32_t *ret_ns)
{
	struct slice whole, fraction;
	int64_t seconds;
	uint64_t ns;
	const char *point;

	buf_clear(&r->scratch);
	if (!number_add_fixed(&r->scratch, number, 9))
		return false;
	point = memchr(r->scratch.p, '.', r->scratch.n);
	must(point != NULL);
	whole = (struct slice){r->scratch.p, (size_t)(point - r->scratch.p)};
	fraction = (struct slice){point + 1, 9};
	if (!number_to_i64(whole, &seconds) || !slice_to_u64(fraction, UINT32_MAX, &ns))
		return false;
	/* -0.25 is a quarter before 1970: the second before it, and three quarters. */
	if (whole.p[0] == '-' && ns > 0) {
		seconds--;
		ns = 1000000000 - ns;
	}
	*ret = seconds;
	*ret_ns = (uint32_t)ns;
	return true;
}

struct value text_date(struct rendering *r, const struct value *args, size_t n)
{
	struct slice layout, when;
	int64_t seconds;
	uint32_t ns;
	bool is_time;

	(void)n;
	if (!value_text(&args[0], &layout) || !value_text(&args[1], &when) || layout.n > MADE_MAX ||
		!work_charge(r, layout.n * 8 + when.n))
		return value_missing();
	if (args[1].type == VALUE_NUMBER)
		is_time = read_seconds(r, when, &seconds, &ns);
	else
		is_time = date_parse(when, &seconds, &ns);
	buf_clear(&r->scratch);
	if (!is_time || !date_add(&r->scratch, layout, seconds, ns))
		return value_missing();
	text_start(r);
	(void)text_add(r, buf_slice(&r->scratch));
	return text_end(r);
}
