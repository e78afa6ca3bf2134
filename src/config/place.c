/* SPDX-License-Identifier: MIT */
/*
 * From a byte of a scalar's text back to its place in the file, for errors inside templates and
 * schedules.
 *
 * The text and what is written differ: quotes, escapes, the indentation of a block, lines that are
 * folded into one. But what is not white space stands in both, in the same order. So the characters
 * before the byte that are not white space are counted in the text, and the same number of them is
 * passed in the file. Sources: YAML 1.1 sections 5.6 (escapes) and 9 (scalar styles).
 */
#include "config/yaml-internal.h"

/* A walk along what is written of one scalar. */
struct walk {
	const char *p, *end;
	int line, column;
	char quote; /* ' or ", 0 = none */
};

/* Something written that stands for one character, or for nothing. */
struct unit {
	size_t n; /* bytes */
	bool is_blank;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t character(const char *p, const char *end)
{
	size_t n = utf8_len(p, (size_t)(end - p));

	return n > 0 ? n : 1;
}

static size_t left(const struct walk *w)
{
	return (size_t)(w->end - w->p);
}

/* Passes n bytes; a line break is LF, CR LF or CR. */
static void pass(struct walk *w, size_t n)
{
	const char *to = w->p + MIN_OF(n, left(w));

	while (w->p < to) {
		bool is_break =
			*w->p == '\n' || (*w->p == '\r' && !(w->p + 1 < w->end && w->p[1] == '\n'));

		if (is_break) {
			w->line++;
			w->column = 1;
		} else if (*w->p != '\r') {
			w->column++;
		}
		w->p += character(w->p, w->end);
	}
}

/* The value of a \x, \u or \U escape with so many digits. */
static bool stands_for_blank(const char *digits, size_t n)
{
	CLEANUP(freep) char *text = xstrndup(digits, n);
	unsigned long c = strtoul(text, NULL, 16);

	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* At a backslash in double quotes. */
static struct unit escape(const struct walk *w)
{
	char c = w->p[left(w) > 1];
	size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;

	if (digits > 0 && left(w) >= 2 + digits)
		return (struct unit){2 + digits, stands_for_blank(w->p + 2, digits)};
	if (c == '\r' && left(w) > 2 && w->p[2] == '\n')
		return (struct unit){3, true};
	return (struct unit){2, is_blank(c) || strchr("ntr", c) != NULL};
}

static struct unit next_unit(const struct walk *w)
{
	if (w->quote == '"' && *w->p == '\\')
		return escape(w);
	if (w->quote == '\'' && *w->p == '\'')
		return (struct unit){2, false};
	return (struct unit){character(w->p, w->end), is_blank(*w->p)};
}

/* To the first byte of the content. */
static struct walk start(const struct node *n, struct slice file)
{
	struct walk w = {file.p + n->begin, file.p + n->end, n->line, n->column, 0};

	if (n->style == STYLE_QUOTED) {
		w.quote = *w.p;
		w.end--;
		pass(&w, 1);
	} else if (n->style != STYLE_PLAIN) {
		const char *header_end = memchr(w.p, '\n', left(&w));

		pass(&w, header_end ? (size_t)(header_end - w.p) + 1 : left(&w));
	}
	return w;
}

/* Passes `count` units that are not blank; false when there are not so many. */
static bool pass_units(struct walk *w, size_t count)
{
	while (count > 0 && w->p < w->end) {
		struct unit u = next_unit(w);

		pass(w, u.n);
		count -= !u.is_blank;
	}
	return count == 0;
}

/* Passes blank units: all of them, or `most` without leaving the line. */
static void pass_blanks(struct walk *w, bool all, size_t most)
{
	while (w->p < w->end && (all || most-- > 0)) {
		struct unit u = next_unit(w);

		if (!u.is_blank || (!all && (*w->p == '\n' || *w->p == '\r')))
			return;
		pass(w, u.n);
	}
}

bool node_place(
	const struct node *n, struct slice file, size_t offset, int *ret_line, int *ret_column)
{
	const char *text = n->text, *at, *end;
	size_t solid = 0, blanks = 0;
	struct walk w;

	if (n->kind != NODE_SCALAR || n->is_alias || n->has_props || n->end > file.n ||
		n->begin >= n->end)
		return false;
	end = text + strlen(text);
	at = text + MIN_OF(offset, strlen(text));
	for (const char *p = text; p < at; p += character(p, end)) {
		blanks = is_blank(*p) ? blanks + 1 : 0;
		solid += !is_blank(*p);
	}
	w = start(n, file);
	if (!pass_units(&w, solid))
		return false;
	pass_blanks(&w, at < end && !is_blank(*at), blanks);
	*ret_line = w.line;
	*ret_column = w.column;
	return true;
}

/* Line and column inside the text itself. */
static void place_in_text(const char *text, size_t offset, unsigned *ret_line, unsigned *ret_column)
{
	*ret_line = *ret_column = 1;
	for (size_t i = 0; i < offset && text[i] != '\0'; i++) {
		if (text[i] == '\n') {
			++*ret_line;
			*ret_column = 1;
		} else if (((unsigned char)text[i] & 0xc0) != 0x80) {
			++*ret_column;
		}
	}
}

void report_inside(
	struct report *r, const struct node *at, size_t offset, const char *key, const char *what)
{
	CLEANUP(buf_fini) struct buf clean = BUF_NULL;
	unsigned text_line, text_column;
	int line, column;

	utf8_clean(&clean, what, strlen(what));
	if (node_place(at, r->text, offset, &line, &column)) {
		report_problem(r, line, column, "`%s`: %s", key, buf_str(&clean));
		return;
	}
	place_in_text(at->text, offset, &text_line, &text_column);
	report_at(r, at, "`%s`, line %u column %u of its text: %s", key, text_line, text_column,
		buf_str(&clean));
}
