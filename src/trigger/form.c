/* SPDX-License-Identifier: MIT */
/*
 * trigger/form.c - application/x-www-form-urlencoded to JSON, as browsers and the URL Standard
 * (section 5.1) read it: '+' is a blank, "%XX" a byte, a broken "%" is itself, a name without '='
 * has an empty value, empty pieces are nothing.
 *
 * Names keep the order of their first appearance. One that appears once becomes a string, one that
 * is repeated an array of strings, so nothing is lost and no later value hides an earlier one.
 * Repetitions are found by sorting: a form of thousands of names costs no more than reading it.
 */
#include <errno.h>

#include "base/crypto.h"
#include "base/json.h"
#include "base/limits.h"
#include "trigger/trigger_internal.h"

struct pair {
	size_t name, name_n, value, value_n; /* in struct form's text */
	uint32_t index;                      /* order in the body */
	uint32_t leader;                     /* index of the first pair of this name */
};

struct form {
	struct buf text; /* decoded names and values */
	struct pair *pairs;
	size_t n, size;
};

static void form_fini(struct form *f)
{
	buf_fini(&f->text);
	free(f->pairs);
}

static void decode(struct buf *out, struct slice in)
{
	for (size_t i = 0; i < in.n; i++) {
		char c = in.p[i];
		uint8_t byte;

		if (c == '%' && in.n - i > 2 &&
			hex_decode((struct slice){in.p + i + 1, 2}, &byte, 1)) {
			c = (char)byte;
			i += 2;
		} else if (c == '+') {
			c = ' ';
		}
		buf_add_char(out, c);
	}
}

static struct slice name_of(const struct form *f, const struct pair *p)
{
	return (struct slice){buf_str(&f->text) + p->name, p->name_n};
}

static struct slice value_of(const struct form *f, const struct pair *p)
{
	return (struct slice){buf_str(&f->text) + p->value, p->value_n};
}

/* Adds one "name=value"; false when it is not UTF-8. */
static bool add_pair(struct form *f, struct slice piece)
{
	const char *equals = memchr(piece.p, '=', piece.n);
	size_t name_n = equals == NULL ? piece.n : (size_t)(equals - piece.p);
	size_t skip = MIN_OF(name_n + 1, piece.n);
	struct pair *p;
	struct slice name, value;

	if (f->n == f->size) {
		f->size = f->size == 0 ? 16 : f->size * 2;
		f->pairs = xreallocarray(f->pairs, f->size, sizeof(*f->pairs));
	}
	p = &f->pairs[f->n];
	*p = (struct pair){.name = f->text.n, .index = (uint32_t)f->n};
	decode(&f->text, (struct slice){piece.p, name_n});
	p->name_n = f->text.n - p->name;
	p->value = f->text.n;
	decode(&f->text, (struct slice){piece.p + skip, piece.n - skip});
	p->value_n = f->text.n - p->value;
	f->n++;
	name = name_of(f, p);
	value = value_of(f, p);
	return utf8_is_valid(name.p, name.n) && utf8_is_valid(value.p, value.n);
}

static int read_pairs(struct form *f, struct slice body, struct err *why)
{
	const char *p = body.p, *end = body.p + body.n;

	while (p < end) {
		const char *stop = memchr(p, '&', (size_t)(end - p));
		struct slice piece = {p, (size_t)((stop == NULL ? end : stop) - p)};

		if (piece.n > 0 && f->n == FORM_PAIRS_MAX) {
			(void)err_set(why, -EINVAL, "the form has too many fields");
			return SCAN_E_SIZE;
		}
		if (piece.n > 0 && !add_pair(f, piece)) {
			(void)err_set(why, -EINVAL, "the form is not UTF-8");
			return SCAN_E_UTF8;
		}
		p = stop == NULL ? end : stop + 1;
	}
	return 0;
}

static int by_name(const void *left, const void *right, void *ctx)
{
	const struct pair *a = left, *b = right;
	struct slice x = name_of(ctx, a), y = name_of(ctx, b);
	int order;

	if (x.n != y.n)
		return x.n < y.n ? -1 : 1;
	order = x.n == 0 ? 0 : memcmp(x.p, y.p, x.n);
	return order != 0 ? order : (a->index > b->index) - (a->index < b->index);
}

static int by_leader(const void *left, const void *right)
{
	const struct pair *a = left, *b = right;

	if (a->leader != b->leader)
		return a->leader < b->leader ? -1 : 1;
	return (a->index > b->index) - (a->index < b->index);
}

/* Brings pairs of one name together, names in the order of their first appearance. */
static void group(struct form *f)
{
	if (f->n == 0)
		return;
	qsort_r(f->pairs, f->n, sizeof(*f->pairs), by_name, f);
	for (size_t i = 0; i < f->n; i++) {
		struct pair *p = &f->pairs[i];

		p->leader = p->index;
		if (i > 0 && slice_eq(name_of(f, p - 1), name_of(f, p)))
			p->leader = p[-1].leader;
	}
	qsort(f->pairs, f->n, sizeof(*f->pairs), by_leader);
}

/* Writes the values from pair `i` on that share its name; returns the index behind them. */
static size_t write_values(const struct form *f, size_t i, struct buf *out)
{
	size_t end = i + 1;

	while (end < f->n && f->pairs[end].leader == f->pairs[i].leader)
		end++;
	if (end - i == 1) {
		js_write_string(out, value_of(f, &f->pairs[i]));
		return end;
	}
	for (size_t k = i; k < end; k++) {
		buf_add_char(out, k == i ? '[' : ',');
		js_write_string(out, value_of(f, &f->pairs[k]));
	}
	buf_add_char(out, ']');
	return end;
}

int form_to_json(struct slice body, struct buf *out, struct err *why)
{
	CLEANUP(form_fini) struct form f = {BUF_NULL, NULL, 0, 0};
	int r = body.n == 0 ? 0 : read_pairs(&f, body, why);

	if (r != 0)
		return r;
	group(&f);
	buf_add_str(out, "{\"form\":{");
	for (size_t i = 0; i < f.n;) {
		if (i > 0)
			buf_add_char(out, ',');
		js_write_string(out, name_of(&f, &f.pairs[i]));
		buf_add_char(out, ':');
		i = write_values(&f, i, out);
	}
	buf_add_str(out, "}}");
	return 0;
}
