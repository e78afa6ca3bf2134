/* SPDX-License-Identifier: MIT */
/*
 * template/expression.c - pipelines, calls and operands of a template's actions.
 *
 * Everything that can be wrong with a template is found here or in parse.c: names of functions and
 * variables, numbers of arguments, what may follow what. Nothing is left for the rendering.
 */
#include <stdio.h>

#include "template/syntax_internal.h"

#define NEAR_MAX 2

void *parser_take(struct parser *p, size_t n)
{
	void *taken = arena_take(&p->t->arena, n);

	must(taken != NULL); /* no limit: the source has one */
	return taken;
}

int parser_enter(struct parser *p, const char *where)
{
	if (p->depth == TEMPLATE_DEPTH_MAX)
		return lex_fail(&p->lexer, where,
			"more than %d blocks and parentheses in each other", TEMPLATE_DEPTH_MAX);
	p->depth++;
	return 0;
}

void parser_leave(struct parser *p)
{
	p->depth--;
}

int parser_unexpected(const struct parser *p, const char *wanted)
{
	const struct token *t = &p->lexer.token;

	if (t->type == TOKEN_CLOSE)
		return lex_fail(&p->lexer, t->text.p, "%s is missing here", wanted);
	return lex_fail(
		&p->lexer, t->text.p, "%s is missing here, before `%.*s`", wanted, SHOWN(t->text));
}

static bool is_at(const struct parser *p, enum token_type type)
{
	return p->lexer.token.type == type;
}

/* --- variables --- */

int parser_declare(struct parser *p, struct slice name, size_t *ret_slot)
{
	if (name.n == 1)
		return lex_fail(&p->lexer, name.p, "`$` stands for all roots and stays so");
	if (p->variable_count == VARIABLES_MAX)
		return lex_fail(&p->lexer, name.p, "more than %d variables", VARIABLES_MAX);
	*ret_slot = p->variable_count;
	p->variables[p->variable_count++].name = name;
	p->t->slot_count = MAX_OF(p->t->slot_count, p->variable_count);
	return 0;
}

static int unknown_variable(const struct parser *p, struct slice name)
{
	CLEANUP(freep) char *text = slice_dup(name);
	unsigned best = NEAR_MAX + 1;
	char like[SHOWN_MAX + 1] = "";

	for (size_t i = p->variable_count; i-- > 0;) {
		CLEANUP(freep) char *other = slice_dup(p->variables[i].name);
		unsigned distance = str_distance(text, other);

		if (distance < best && distance < strlen(text) - 1 &&
			str_copy(like, sizeof(like), other))
			best = distance;
	}
	if (best <= NEAR_MAX)
		return lex_fail(&p->lexer, name.p, "unknown variable `%.*s`; did you mean `%s`?",
			SHOWN(name), like);
	return lex_fail(&p->lexer, name.p, "unknown variable `%.*s`; `{{ %.*s := ... }}` makes one",
		SHOWN(name), SHOWN(name));
}

int parse_variable(const struct parser *p, struct slice name, size_t *ret_slot)
{
	for (size_t i = p->variable_count; i-- > 0;) {
		if (slice_eq(p->variables[i].name, name)) {
			*ret_slot = i;
			return 0;
		}
	}
	return unknown_variable(p, name);
}

/* --- operands --- */

/* The names of ".a.b" into e. */
static void split_names(struct parser *p, struct slice path, struct expr *e)
{
	struct slice *names;
	size_t n = 0;

	for (size_t i = 0; i < path.n; i++)
		n += path.p[i] == '.';
	names = parser_take(p, n * sizeof(*names));
	e->names = names;
	e->name_count = n;
	for (size_t i = 0; i < n; i++) {
		const char *dot = memchr(path.p + 1, '.', path.n - 1);
		size_t size = dot == NULL ? path.n - 1 : (size_t)(dot - path.p - 1);

		names[i] = (struct slice){path.p + 1, size};
		path = (struct slice){path.p + 1 + size, path.n - 1 - size};
	}
}

/* Behind a variable or parenthesis: the members that are asked of it, if any. */
static int members(struct parser *p, struct expr *e)
{
	const struct token *t = &p->lexer.token;

	if (t->is_behind_blank)
		return 0;
	if (t->type == TOKEN_DOT)
		return lex_fail(&p->lexer, t->text.p + 1, "a name is missing behind the dot");
	if (t->type != TOKEN_FIELD)
		return 0;
	split_names(p, t->text, e);
	return lex_next(&p->lexer);
}

static int unknown_word(const struct parser *p)
{
	static const char *const roots[] = {"body", "headers", "query", "job", "event"};
	static const char *const never[] = {"define", "template", "block"};
	struct slice name = p->lexer.token.text;
	const char *like = function_suggest(name);

	for (size_t i = 0; i < ARRAY_LEN(roots); i++)
		if (slice_eq_str(name, roots[i]))
			return lex_fail(&p->lexer, name.p,
				"unknown function `%s`; did you mean `.%s`?", roots[i], roots[i]);
	for (size_t i = 0; i < ARRAY_LEN(never); i++)
		if (slice_eq_str(name, never[i]))
			return lex_fail(&p->lexer, name.p,
				"`%s` is not understood: a template is one text", never[i]);
	if (like != NULL)
		return lex_fail(&p->lexer, name.p, "unknown function `%.*s`; did you mean `%s`?",
			SHOWN(name), like);
	return lex_fail(&p->lexer, name.p, "unknown function `%.*s`", SHOWN(name));
}

/* true, false and nil. */
static bool constant(struct slice name, struct value *ret)
{
	if (slice_eq_str(name, "true") || slice_eq_str(name, "false"))
		*ret = value_bool(name.p[0] == 't');
	else if (slice_eq_str(name, "nil"))
		*ret = (struct value){.type = VALUE_NULL};
	else
		return false;
	return true;
}

static int word_operand(struct parser *p, struct expr *e)
{
	struct slice name = p->lexer.token.text;

	e->type = EXPR_LITERAL;
	if (constant(name, &e->literal))
		return lex_next(&p->lexer);
	if (function_find(name) != NULL)
		return lex_fail(&p->lexer, name.p, "put `%.*s` and its arguments in parentheses",
			SHOWN(name));
	return unknown_word(p);
}

static int group_operand(struct parser *p, struct expr *e)
{
	const char *where = p->lexer.token.text.p;
	int r = parser_enter(p, where);

	e->type = EXPR_GROUP;
	if (r == 0)
		r = lex_next(&p->lexer);
	if (r == 0)
		r = parse_pipeline(p, &e->group);
	if (r == 0 && is_at(p, TOKEN_CLOSE))
		return lex_fail(&p->lexer, where, "this parenthesis is not closed");
	if (r == 0 && !is_at(p, TOKEN_CLOSE_PAREN))
		return parser_unexpected(p, "`)`");
	if (r == 0)
		r = lex_next(&p->lexer);
	parser_leave(p);
	return r != 0 ? r : members(p, e);
}

static int variable_operand(struct parser *p, struct expr *e)
{
	int r = 0;

	e->type = EXPR_TOP;
	if (p->lexer.token.text.n > 1) {
		e->type = EXPR_VARIABLE;
		r = parse_variable(p, p->lexer.token.text, &e->slot);
	}
	if (r == 0)
		r = lex_next(&p->lexer);
	return r != 0 ? r : members(p, e);
}

static int operand(struct parser *p, struct expr *e)
{
	int r;

	switch (p->lexer.token.type) {
	case TOKEN_NAME:
		return word_operand(p, e);
	case TOKEN_FIELD:
		split_names(p, p->lexer.token.text, e);
		/* fall through */
	case TOKEN_DOT:
		e->type = EXPR_DOT;
		return lex_next(&p->lexer);
	case TOKEN_VARIABLE:
		return variable_operand(p, e);
	case TOKEN_NUMBER:
	case TOKEN_STRING:
	case TOKEN_CHAR:
		e->type = EXPR_LITERAL;
		r = literal_read(&p->lexer, &p->t->arena, &e->literal);
		return r != 0 ? r : lex_next(&p->lexer);
	case TOKEN_OPEN_PAREN:
		return group_operand(p, e);
	case TOKEN_CLOSE:
	case TOKEN_CLOSE_PAREN:
	case TOKEN_PIPE:
	case TOKEN_COMMA:
	case TOKEN_DECLARE:
	case TOKEN_ASSIGN:
		break;
	}
	return parser_unexpected(p, "a value, such as `.body.x`,");
}

/* --- calls and pipelines --- */

/* Does nothing more belong to this command? */
static bool is_command_end(const struct parser *p)
{
	return is_at(p, TOKEN_CLOSE) || is_at(p, TOKEN_CLOSE_PAREN) || is_at(p, TOKEN_PIPE);
}

static int add_operand(struct parser *p, struct command *c, struct expr ***tail)
{
	struct expr *e = parser_take(p, sizeof(*e));

	**tail = e;
	*tail = &e->next;
	c->arg_count++;
	return operand(p, e);
}

static int check_count(const struct parser *p, const struct command *c, struct slice name, size_t n)
{
	const struct function *f = c->function;
	const char *wants = "";
	unsigned count;

	if (n >= f->min && (f->max == 0 || n <= f->max))
		return 0;
	count = n < f->min ? f->min : f->max;
	if (f->min != f->max)
		wants = n < f->min ? "at least " : "at most ";
	return lex_fail(&p->lexer, name.p, "`%s` takes %s%u argument%s, here are %zu", f->name,
		wants, count, count == 1 ? "" : "s", n);
}

static int call(struct parser *p, struct command *c, bool is_piped)
{
	struct slice name = p->lexer.token.text;
	struct expr **tail = &c->args;
	int r = lex_next(&p->lexer);

	while (r == 0 && !is_command_end(p)) {
		if (!p->lexer.token.is_behind_blank)
			return lex_fail(&p->lexer, p->lexer.token.text.p, "put a blank here");
		r = add_operand(p, c, &tail);
	}
	return r != 0 ? r : check_count(p, c, name, c->arg_count + (is_piped ? 1 : 0));
}

/* Behind `|`, but no function. */
static int not_a_stage(const struct parser *p)
{
	struct slice text = p->lexer.token.text;
	struct value ignored;

	if (is_command_end(p))
		return parser_unexpected(p, "a function");
	if (is_at(p, TOKEN_NAME) && !constant(text, &ignored))
		return unknown_word(p);
	return lex_fail(&p->lexer, text.p, "only a function can stand behind `|`");
}

/* A value that stands alone. */
static int plain(struct parser *p, struct command *c)
{
	struct slice first = p->lexer.token.text;
	struct expr **tail = &c->args;
	int r = add_operand(p, c, &tail);

	if (r != 0 || is_command_end(p))
		return r;
	if (is_at(p, TOKEN_DECLARE) || is_at(p, TOKEN_ASSIGN) || is_at(p, TOKEN_COMMA))
		return lex_fail(&p->lexer, p->lexer.token.text.p,
			"only a variable such as `$x` can be set, at the beginning");
	return lex_fail(&p->lexer, p->lexer.token.text.p,
		"`}}` is missing here: `%.*s` is a value, only functions take arguments",
		SHOWN(first));
}

static int command(struct parser *p, struct command *c, bool is_piped)
{
	if (is_at(p, TOKEN_NAME))
		c->function = function_find(p->lexer.token.text);
	if (c->function != NULL)
		return call(p, c, is_piped);
	return is_piped ? not_a_stage(p) : plain(p, c);
}

int parse_pipeline(struct parser *p, const struct command **ret)
{
	struct command *first = NULL, **tail = &first;
	int r;

	for (;;) {
		struct command *c = parser_take(p, sizeof(*c));

		r = command(p, c, first != NULL);
		*tail = c;
		tail = &c->next;
		if (r != 0 || !is_at(p, TOKEN_PIPE))
			break;
		r = lex_next(&p->lexer);
		if (r != 0)
			break;
	}
	*ret = first;
	return r;
}
