/* SPDX-License-Identifier: MIT */
/*
 * The list of problems. Problems are told in the order in which checks run, which is not the order
 * of the file: report_finish() sorts each file's share, so that a person reads from top to bottom.
 *
 * Foreign text gets into a message only through report_quote(), and text that may be a secret never
 * does.
 */
#include <stdio.h>

#include "config/yaml-internal.h"

enum {
	QUOTE_MAX = 64, /* bytes of foreign text in a message */
};

void problems_fini(struct problems *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i].file);
		free(p->v[i].text);
	}
	free(p->v);
	*p = (struct problems){NULL, 0};
}

bool problems_are_fatal(const struct problems *p)
{
	for (size_t i = 0; i < p->n; i++) {
		if (!p->v[i].is_warning)
			return true;
	}
	return false;
}

void problem_print(struct buf *out, const struct problem *p)
{
	buf_printf(out, "%s:%d:%d: %s%s", p->file, p->line, p->column,
		p->is_warning ? "warning: " : "", p->text);
}

struct report report_start(struct problems *p, const char *file)
{
	return (struct report){.problems = p, .file = file, .first = p->n};
}

/* Takes the text. What concerns a file as a whole is told at its beginning: editors and scripts
 * that look for file:line:column find all problems. */
static void push(struct report *r, struct problem p)
{
	struct problems *list = r->problems;

	list->v = xreallocarray(list->v, list->n + 1, sizeof(*list->v));
	list->v[list->n++] = (struct problem){xstrdup_or_null(r->file), MAX_OF(p.line, 1),
		MAX_OF(p.column, 1), p.text, p.is_warning};
}

static void add(struct report *r, struct problem p)
{
	if (!p.is_warning)
		r->is_fatal = true;
	if (r->problems->n - r->first >= REPORT_MAX) {
		r->left_out++;
		free(p.text);
		return;
	}
	push(r, p);
}

static char *format(const char *fmt, va_list ap) PRINTF(1, 0);
static char *format(const char *fmt, va_list ap)
{
	struct buf b = BUF_NULL;

	buf_vprintf(&b, fmt, ap);
	return buf_steal(&b);
}

void report_problem(struct report *r, int line, int column, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(r, (struct problem){.line = line, .column = column, .text = format(fmt, ap)});
	va_end(ap);
}

void report_at(struct report *r, const struct node *at, const char *fmt, ...)
{
	struct problem p = {.line = at ? at->line : 0, .column = at ? at->column : 0};
	va_list ap;

	va_start(ap, fmt);
	p.text = format(fmt, ap);
	va_end(ap);
	add(r, p);
}

void report_warning(struct report *r, const struct node *at, const char *fmt, ...)
{
	struct problem p = {.line = at ? at->line : 0, .column = at ? at->column : 0};
	va_list ap;

	va_start(ap, fmt);
	p.text = format(fmt, ap);
	va_end(ap);
	p.is_warning = true;
	add(r, p);
}

static int by_position(const void *a, const void *b)
{
	const struct problem *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->column != y->column)
		return x->column < y->column ? -1 : 1;
	return strcmp(x->text, y->text);
}

void report_finish(struct report *r)
{
	size_t n = r->problems->n - r->first;
	struct buf more = BUF_NULL;

	if (n > 1)
		qsort(r->problems->v + r->first, n, sizeof(struct problem), by_position);
	if (r->left_out > 0) {
		buf_printf(&more, "has %zu more problems, which are not shown", r->left_out);
		push(r, (struct problem){.text = buf_steal(&more)});
	}
	r->left_out = 0;
}

char *report_quote(const char *text)
{
	CLEANUP(buf_fini) struct buf clean = BUF_NULL;
	struct buf out = BUF_NULL;
	size_t n = strlen(text), cut;

	utf8_clean(&clean, text, MIN_OF(n, (size_t)QUOTE_MAX * 4));
	cut = clean.n;
	if (cut > QUOTE_MAX) {
		/* Never in the middle of a character: step back over continuation bytes. */
		for (cut = QUOTE_MAX; cut > 0 && ((unsigned char)clean.p[cut] & 0xc0) == 0x80;)
			cut--;
	}
	for (size_t i = 0; i < cut; i++) {
		bool is_space = clean.p[i] == '\n' || clean.p[i] == '\t';

		buf_add(&out, is_space ? " " : clean.p + i, 1);
	}
	if (cut < clean.n || n > (size_t)QUOTE_MAX * 4)
		buf_add_str(&out, "...");
	return buf_steal(&out);
}
