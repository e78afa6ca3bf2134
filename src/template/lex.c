/* SPDX-License-Identifier: MIT */
/*
 * template/lex.c - from text to tokens, after Go's text/template.
 *
 * Surprises of the original that are kept: a trim marker needs a blank on its inner side ("{{-3" is
 * the number -3 there), it eats the white space of the neighbouring text only up to the next
 * action, an action may have several lines, and a comment or a string may hold "}}".
 *
 * One difference: a name behind a dot may have digits and '-' anywhere, since members of JSON
 * objects have such names and elements of arrays are numbered: ".list.0.x-y".
 */
#include <ctype.h>
#include <stdio.h>

#include "template/syntax_internal.h"

static int fail_at(const struct lexer *l, const char *where, const char *what)
{
	unsigned line = 1, column = 1;

	for (const char *p = l->start; p < where; p++) {
		if (*p == '\n') {
			line++;
			column = 1;
		} else if ((*p & 0xc0) != 0x80) {
			column++;
		}
	}
	return err_set(l->e, -EINVAL, "%u:%u: %s", line, column, what);
}

int lex_fail_at(const struct lexer *l, const char *where, const char *fmt, ...)
{
	char what[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return fail_at(l, where, what);
}

static int no_end(const struct lexer *l)
{
	return fail_at(l, l->opening, "`{{` without `}}`");
}

int lex_fail(const struct lexer *l, const char *where, const char *fmt, ...)
{
	char what[256];
	va_list ap;

	if (memmem(l->opening, (size_t)(l->end - l->opening), "}}", 2) == NULL)
		return no_end(l);
	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return fail_at(l, where, what);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool skip_space(struct lexer *l)
{
	const char *from = l->p;

	while (l->p < l->end && is_space(*l->p))
		l->p++;
	return l->p > from;
}

static bool at(const struct lexer *l, const char *text)
{
	size_t n = strlen(text);

	return (size_t)(l->end - l->p) >= n && memcmp(l->p, text, n) == 0;
}

static bool is_digit(const struct lexer *l, size_t ahead)
{
	return (size_t)(l->end - l->p) > ahead && isdigit((unsigned char)l->p[ahead]);
}

static bool is_word(const struct lexer *l)
{
	return l->p < l->end && (isalnum((unsigned char)*l->p) || *l->p == '_');
}

/* Of a member: letters, digits, _, - and everything beyond ASCII. */
static bool is_member(const struct lexer *l)
{
	return is_word(l) || (l->p < l->end && (*l->p == '-' || (*l->p & 0x80) != 0));
}

/* --- text --- */

static struct slice trim(struct slice s, bool left, bool right)
{
	while (left && s.n > 0 && is_space(s.p[0]))
		s = (struct slice){s.p + 1, s.n - 1};
	while (right && s.n > 0 && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

void lex_text(struct lexer *l, struct slice *ret, bool *ret_is_end)
{
	const char *from = l->p;
	const char *found = memmem(from, (size_t)(l->end - from), "{{", 2);
	bool trims = false;

	*ret_is_end = found == NULL;
	if (found == NULL) {
		l->p = l->end;
	} else {
		l->opening = found;
		l->p = found + 2;
		trims = at(l, "-") && l->p + 1 < l->end && is_space(l->p[1]);
		if (trims)
			l->p++;
	}
	*ret = trim((struct slice){from, (size_t)((found == NULL ? l->end : found) - from)},
		l->trim_next, trims);
	l->trim_next = false;
}

static int comment(struct lexer *l)
{
	const char *from = l->p;
	const char *stop = memmem(from + 2, (size_t)(l->end - from - 2), "*/", 2);
	int r;

	if (stop == NULL)
		return lex_fail_at(l, from, "this comment has no end: `*/` is missing");
	l->p = stop + 2;
	r = lex_next(l);
	if (r == 0 && l->token.type != TOKEN_CLOSE)
		return lex_fail(l, l->token.text.p, "`}}` is missing here: a comment stands alone");
	return r;
}

int lex_action(struct lexer *l, bool *ret_is_comment)
{
	(void)skip_space(l);
	*ret_is_comment = at(l, "/*");
	return *ret_is_comment ? comment(l) : lex_next(l);
}

/* --- tokens --- */

static int token(struct lexer *l, enum token_type type, size_t n)
{
	l->token.type = type;
	l->token.text = (struct slice){l->p, n};
	l->p += n;
	return 0;
}

/* The same for one that was passed already. */
static int token_from(struct lexer *l, enum token_type type, const char *from)
{
	l->token.type = type;
	l->token.text = (struct slice){from, (size_t)(l->p - from)};
	return 0;
}

/* At the first dot. */
static int field(struct lexer *l)
{
	const char *from = l->p++;

	if (!is_member(l) && !at(l, "."))
		return token_from(l, TOKEN_DOT, from);
	l->p = from;
	while (at(l, ".")) {
		const char *name = ++l->p;

		while (is_member(l))
			l->p++;
		if (l->p == name)
			return lex_fail(l, name, "a name is missing behind the dot");
	}
	if (l->p[-1] == '-' && at(l, "}}"))
		return lex_fail(l, l->p - 1, "put a blank before `-}}`");
	return token_from(l, TOKEN_FIELD, from);
}

/* At a quote; a string in backquotes has no escapes and may have several lines. */
static int quoted(struct lexer *l, enum token_type type)
{
	const char *from = l->p;
	char quote = *l->p++;

	while (l->p < l->end && *l->p != quote && (*l->p != '\n' || quote == '`')) {
		if (*l->p == '\\' && quote != '`' && l->p + 1 < l->end && l->p[1] != '\n')
			l->p++;
		l->p++;
	}
	if (l->p == l->end || *l->p != quote)
		return lex_fail(l, from, "this text has no end: %c is missing", quote);
	l->p++;
	return token_from(l, type, from);
}

/* At a digit or sign: everything that might belong to a number; literal.c looks closer. */
static int number(struct lexer *l)
{
	const char *from = l->p++;
	bool is_exponent = false;

	while (is_word(l) || at(l, ".") || (is_exponent && (at(l, "+") || at(l, "-")))) {
		is_exponent = *l->p == 'e' || *l->p == 'E';
		l->p++;
	}
	return token_from(l, TOKEN_NUMBER, from);
}

static int word(struct lexer *l, enum token_type type)
{
	const char *from = l->p++;

	while (is_word(l))
		l->p++;
	return token_from(l, type, from);
}

static int refuse(struct lexer *l)
{
	struct slice rest = {l->p, (size_t)(l->end - l->p)};

	if (at(l, "}") || at(l, "{{"))
		return no_end(l);
	if (at(l, "-") && l->p == l->opening + 2)
		return lex_fail(l, l->p + 1, "put a blank behind `{{-`");
	if (at(l, "-}}"))
		return lex_fail(l, l->p, "put a blank before `-}}`");
	if (at(l, "/*"))
		return lex_fail(l, l->p, "a comment stands alone: `{{/* ... */}}`");
	if (*l->p != '\0' && strchr("+-*/%<>!&=", *l->p) != NULL)
		return lex_fail(l, l->p,
			"there are no operators: functions compare, as in "
			"`{{ if eq .body.a 1 }}`");
	if (isgraph((unsigned char)*l->p) == 0 && (*l->p & 0x80) == 0)
		return lex_fail(l, l->p, "a control character is not understood here");
	return lex_fail(l, l->p, "`%.*s` is not understood here", (int)chars_size(rest, 1), l->p);
}

int lex_next(struct lexer *l)
{
	l->token.is_behind_blank = skip_space(l) || l->token.type == TOKEN_OPEN_PAREN;
	if (l->p == l->end)
		return no_end(l);
	if (at(l, "}}"))
		return token(l, TOKEN_CLOSE, 2);
	if (at(l, "-}}") && is_space(l->p[-1])) {
		l->trim_next = true;
		return token(l, TOKEN_CLOSE, 3);
	}
	if (is_digit(l, 0) || ((at(l, "-") || at(l, "+")) && is_digit(l, 1)))
		return number(l);
	if (is_word(l))
		return word(l, TOKEN_NAME);
	switch (*l->p) {
	case '.':
		return field(l);
	case '$':
		return word(l, TOKEN_VARIABLE);
	case '"':
	case '`':
		return quoted(l, TOKEN_STRING);
	case '\'':
		return quoted(l, TOKEN_CHAR);
	case '(':
		return token(l, TOKEN_OPEN_PAREN, 1);
	case ')':
		return token(l, TOKEN_CLOSE_PAREN, 1);
	case '|':
		return token(l, TOKEN_PIPE, 1);
	case ',':
		return token(l, TOKEN_COMMA, 1);
	default:
		break;
	}
	if (at(l, ":="))
		return token(l, TOKEN_DECLARE, 2);
	if (at(l, "=") && !at(l, "=="))
		return token(l, TOKEN_ASSIGN, 1);
	return refuse(l);
}
