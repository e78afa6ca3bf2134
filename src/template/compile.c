/* SPDX-License-Identifier: MIT */
/*
 * template/compile.c - from text to a list of parts: literal stretches and paths.
 *
 * The syntax is that of Go's text/template, of which only values and comments are understood yet;
 * whatever else stands between the braces is an error here, never text: a prompt that silently
 * keeps "{{ if }}" would be worse than no prompt.
 *
 * Surprises of the original that are kept: a trim marker needs a blank on its inner side ("{{-3" is
 * the number -3 there), it eats the white space of the neighbouring text only up to the next
 * action, and a comment may hold "}}".
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include "template/template_internal.h"

struct compiler {
	const char *start, *p, *end;
	struct template *t;
	bool trim_next; /* the last action ended with a trim marker */
	struct err *e;
};

static int fail_at(struct compiler *c, const char *where, const char *what)
{
	unsigned line = 1, column = 1;

	for (const char *p = c->start; p < where; p++) {
		if (*p == '\n') {
			line++;
			column = 1;
		} else if ((*p & 0xc0) != 0x80) {
			column++;
		}
	}
	return err_set(c->e, -EINVAL, "%u:%u: %s", line, column, what);
}

static bool is_space(const struct compiler *c)
{
	return c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r');
}

static void skip_space(struct compiler *c)
{
	while (is_space(c))
		c->p++;
}

static bool at(const struct compiler *c, const char *text)
{
	size_t n = strlen(text);

	return (size_t)(c->end - c->p) >= n && memcmp(c->p, text, n) == 0;
}

static struct slice trim(struct slice s, bool left, bool right)
{
	static const char space[] = " \t\n\r";

	while (left && s.n > 0 && memchr(space, s.p[0], sizeof(space) - 1) != NULL)
		s = (struct slice){s.p + 1, s.n - 1};
	while (right && s.n > 0 && memchr(space, s.p[s.n - 1], sizeof(space) - 1) != NULL)
		s.n--;
	return s;
}

static void add_part(struct template *t, bool is_path, struct slice text)
{
	if (t->n == t->size) {
		t->size = t->size == 0 ? 8 : t->size * 2;
		t->parts = xreallocarray(t->parts, t->size, sizeof(*t->parts));
	}
	t->parts[t->n++] = (struct part){is_path, text};
}

static void add_text(struct compiler *c, const char *from, const char *to, bool trim_right)
{
	struct slice text = {from, (size_t)(to - from)};

	text = trim(text, c->trim_next, trim_right);
	if (text.n > 0)
		add_part(c->t, false, text);
}

/* Letters, digits, _, - and everything beyond ASCII. */
static bool is_name(const struct compiler *c)
{
	return c->p < c->end && (isalnum((unsigned char)*c->p) || *c->p == '_' || *c->p == '-' ||
					(*c->p & 0x80) != 0);
}

/* At something that is no path: says why, as helpfully as can be. */
static int refuse_action(struct compiler *c)
{
	const char *from = c->p;
	char what[160];
	size_t n = 0;

	while (is_name(c) && (*c->p & 0x80) == 0 && n < 24) {
		c->p++;
		n++;
	}
	if (n == 0)
		return fail_at(c, from,
			"only values like `{{ .body.x }}` are understood between {{ and }}");
	(void)snprintf(what, sizeof(what),
		"`%.*s` is not understood: `{{ .body.x }}` is, actions like if or range and "
		"functions are not",
		(int)n, from);
	return fail_at(c, from, what);
}

/* At the first dot. */
static int path(struct compiler *c)
{
	const char *from = c->p;

	while (at(c, ".")) {
		const char *name = ++c->p;

		while (is_name(c))
			c->p++;
		if (c->p == name && name == from + 1)
			return fail_at(c, from, "name what to insert: `.body` or `.body.x`");
		if (c->p == name)
			return fail_at(c, name, "a name is missing behind the dot");
	}
	if (c->p[-1] == '-' && at(c, "}}"))
		return fail_at(c, c->p - 1, "put a blank before `-}}`");
	add_part(c->t, true, (struct slice){from + 1, (size_t)(c->p - from - 1)});
	return 0;
}

static int comment(struct compiler *c)
{
	const char *from = c->p;
	const char *stop = memmem(from + 2, (size_t)(c->end - from - 2), "*/", 2);

	if (stop == NULL)
		return fail_at(c, from, "this comment has no end: `*/` is missing");
	c->p = stop + 2;
	return 0;
}

/* Behind the value: the closing braces, with or without a trim marker. */
static int closing(struct compiler *c, const char *opening)
{
	bool is_blank = is_space(c);

	skip_space(c);
	c->trim_next = is_blank && at(c, "-}}");
	if (c->trim_next)
		c->p++;
	if (at(c, "}}")) {
		c->p += 2;
		return 0;
	}
	if (memmem(c->p, (size_t)(c->end - c->p), "}}", 2) == NULL)
		return fail_at(c, opening, "`{{` without `}}`");
	if (at(c, "|"))
		return fail_at(c, c->p, "`|` and functions are not understood");
	return fail_at(c, c->p, "`}}` is missing here: only one value fits between the braces");
}

/* At "{{"; `text` is where the literal before it starts. */
static int action(struct compiler *c, const char *text)
{
	const char *opening = c->p;
	bool is_trimmed;
	int r;

	c->p += 2;
	is_trimmed = at(c, "-");
	if (is_trimmed) {
		c->p++;
		if (!is_space(c))
			return fail_at(c, c->p, "put a blank behind `{{-`");
	}
	add_text(c, text, opening, is_trimmed);
	skip_space(c);
	if (c->p == c->end)
		return fail_at(c, opening, "`{{` without `}}`");
	if (at(c, "/*"))
		r = comment(c);
	else
		r = at(c, ".") ? path(c) : refuse_action(c);
	return r != 0 ? r : closing(c, opening);
}

static int parts(struct compiler *c)
{
	const char *text = c->p;
	int r;

	while ((c->p = memmem(text, (size_t)(c->end - text), "{{", 2)) != NULL) {
		r = action(c, text);
		if (r != 0)
			return r;
		text = c->p;
	}
	add_text(c, text, c->end, false);
	return 0;
}

struct template *template_compile(struct slice text, struct err *e)
{
	CLEANUP(template_freep) struct template *t = xcalloc(1, sizeof(*t));
	struct compiler c = {.t = t, .e = e};

	t->source = xstrndup(text.n == 0 ? "" : text.p, text.n);
	c.start = c.p = t->source;
	c.end = c.start + text.n;
	return parts(&c) == 0 ? STEAL(t) : NULL;
}

void template_free(struct template *t)
{
	if (t == NULL)
		return;
	free(t->source);
	free(t->parts);
	free(t);
}
