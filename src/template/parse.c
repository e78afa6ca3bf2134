/* SPDX-License-Identifier: MIT */
/*
 * template/parse.c - a template's text to its tree: texts, actions and blocks.
 *
 * A block is parsed by calling parse_list() for each of its parts, so the depth of calls is that of
 * the template, which has a limit; a long chain of `else if` is a list and costs no depth.
 *
 * A variable is visible from its action to the end of the part it stands in; one that a condition
 * or range declares, to the end of its block. Slots are handed out like a stack.
 */
#include <stdio.h>

#include "template/syntax_internal.h"

/* What ended a list of statements. */
enum ending { NOT_YET, END_OF_TEXT, END_OF_BLOCK, AT_ELSE };

static int parse_list(struct parser *p, struct stmt **ret, enum ending *ret_ending);

static bool is_word(const struct parser *p, const char *word)
{
	return p->lexer.token.type == TOKEN_NAME && slice_eq_str(p->lexer.token.text, word);
}

static bool is_at(const struct parser *p, enum token_type type)
{
	return p->lexer.token.type == type;
}

static int want_close(const struct parser *p)
{
	return is_at(p, TOKEN_CLOSE) ? 0 : parser_unexpected(p, "`}}`");
}

static struct stmt *stmt_new(struct parser *p, enum stmt_type type)
{
	struct stmt *s = parser_take(p, sizeof(*s));

	s->type = type;
	s->slot = NO_SLOT;
	return s;
}

/* --- setting variables --- */

/* `$x :=` or `$x =`, and for range also `$i, $x :=`; nothing when the action does not begin so. */
struct target {
	struct slice names[2];
	size_t n; /* 0 = nothing is set */
	bool is_new;
	size_t slots[2];
};

/* Looks ahead: a variable may also be just a value. */
static int read_target(struct parser *p, size_t max, struct target *ret)
{
	struct lexer before = p->lexer;
	int r = 0;

	*ret = (struct target){.slots = {NO_SLOT, NO_SLOT}};
	while (r == 0 && is_at(p, TOKEN_VARIABLE) && ret->n < max) {
		ret->names[ret->n++] = p->lexer.token.text;
		r = lex_next(&p->lexer);
		if (r != 0 || !is_at(p, TOKEN_COMMA))
			break;
		if (ret->n == max)
			return lex_fail(&p->lexer, p->lexer.token.text.p, "%s",
				max == 1 ? "only range sets two variables"
					 : "range sets at most two variables");
		r = lex_next(&p->lexer);
	}
	if (r != 0)
		return r;
	if (ret->n > 0 && (is_at(p, TOKEN_DECLARE) || is_at(p, TOKEN_ASSIGN))) {
		ret->is_new = is_at(p, TOKEN_DECLARE);
		return lex_next(&p->lexer);
	}
	if (ret->n > 1)
		return parser_unexpected(p, "`:=`");
	p->lexer = before;
	ret->n = 0;
	return 0;
}

/* Only behind the pipeline, which must not see what it is about to declare. */
static int resolve_target(struct parser *p, struct target *t)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < t->n; i++)
		r = t->is_new ? parser_declare(p, t->names[i], &t->slots[i])
			      : parse_variable(p, t->names[i], &t->slots[i]);
	return r;
}

/* --- actions --- */

static int value_action(struct parser *p, struct stmt **ret)
{
	struct target target;
	struct stmt *s = stmt_new(p, STMT_PRINT);
	int r = read_target(p, 1, &target);

	if (r == 0)
		r = parse_pipeline(p, &s->pipe);
	if (r == 0)
		r = want_close(p);
	if (r == 0)
		r = resolve_target(p, &target);
	if (r == 0 && target.n > 0) {
		s->type = STMT_ASSIGN;
		s->slot = target.slots[0];
	}
	*ret = s;
	return r;
}

static int jump(struct parser *p, enum stmt_type type, struct stmt **ret)
{
	int r;

	if (p->loops == 0)
		return lex_fail(&p->lexer, p->lexer.token.text.p, "`%.*s` outside of `{{ range }}`",
			SHOWN(p->lexer.token.text));
	*ret = stmt_new(p, type);
	r = lex_next(&p->lexer);
	return r != 0 ? r : want_close(p);
}

/* --- blocks --- */

struct block {
	struct stmt *stmt;
	struct slice word;    /* `if` ... */
	struct branch **tail; /* where the next branch goes */
	bool has_else;
};

static struct branch *add_branch(struct parser *p, struct block *b)
{
	struct branch *branch = parser_take(p, sizeof(*branch));

	branch->slot = branch->key_slot = NO_SLOT;
	*b->tail = branch;
	b->tail = &branch->next;
	return branch;
}

/* Behind the word: a condition with what it sets, and the part that depends on it. */
static int conditional(struct parser *p, struct block *b, enum ending *ret_ending)
{
	bool is_range = b->stmt->type == STMT_RANGE;
	struct branch *branch = add_branch(p, b);
	struct target target;
	int r = read_target(p, is_range ? 2 : 1, &target);

	if (r == 0)
		r = parse_pipeline(p, &branch->condition);
	if (r == 0)
		r = want_close(p);
	if (r == 0)
		r = resolve_target(p, &target);
	if (r != 0)
		return r;
	branch->slot = target.slots[target.n == 2 ? 1 : 0];
	branch->key_slot = target.n == 2 ? target.slots[0] : NO_SLOT;
	p->loops += is_range ? 1 : 0;
	r = parse_list(p, &branch->body, ret_ending);
	p->loops -= is_range ? 1 : 0;
	return r;
}

/* Behind `else`. */
static int else_part(struct parser *p, struct block *b, enum ending *ret_ending)
{
	const struct token *t = &p->lexer.token;
	int r;

	if (b->has_else)
		return lex_fail(&p->lexer, p->lexer.opening,
			"nothing but `{{ end }}` can follow "
			"`{{ else }}`");
	if (t->type == TOKEN_CLOSE) {
		b->has_else = true;
		return parse_list(p, &add_branch(p, b)->body, ret_ending);
	}
	if (b->stmt->type == STMT_RANGE || t->type != TOKEN_NAME || !slice_eq(t->text, b->word))
		return parser_unexpected(p, "`}}`");
	r = lex_next(&p->lexer);
	return r != 0 ? r : conditional(p, b, ret_ending);
}

static int block(struct parser *p, enum stmt_type type, struct stmt **ret)
{
	struct block b = {.stmt = stmt_new(p, type), .word = p->lexer.token.text};
	const char *opening = p->lexer.opening;
	size_t visible = p->variable_count;
	enum ending ending = NOT_YET;
	int r = parser_enter(p, b.word.p);

	if (r != 0)
		return r;
	b.tail = &b.stmt->branches;
	r = lex_next(&p->lexer);
	if (r == 0)
		r = conditional(p, &b, &ending);
	while (r == 0 && ending == AT_ELSE)
		r = else_part(p, &b, &ending);
	if (r == 0 && ending == END_OF_TEXT)
		return lex_fail_at(
			&p->lexer, opening, "`{{ %.*s }}` without `{{ end }}`", SHOWN(b.word));
	p->variable_count = visible;
	parser_leave(p);
	*ret = b.stmt;
	return r;
}

/* --- lists --- */

static int action(struct parser *p, struct stmt **ret, enum ending *ret_ending)
{
	int r;

	if (is_word(p, "if"))
		return block(p, STMT_IF, ret);
	if (is_word(p, "with"))
		return block(p, STMT_WITH, ret);
	if (is_word(p, "range"))
		return block(p, STMT_RANGE, ret);
	if (is_word(p, "break"))
		return jump(p, STMT_BREAK, ret);
	if (is_word(p, "continue"))
		return jump(p, STMT_CONTINUE, ret);
	if (is_word(p, "else")) {
		*ret_ending = AT_ELSE;
		return lex_next(&p->lexer);
	}
	if (is_word(p, "end")) {
		*ret_ending = END_OF_BLOCK;
		r = lex_next(&p->lexer);
		return r != 0 ? r : want_close(p);
	}
	return value_action(p, ret);
}

/* A text and the action behind it. */
static int item(struct parser *p, struct stmt ***tail, enum ending *ret_ending)
{
	struct stmt *s = NULL;
	struct slice text;
	bool is_end, is_comment;
	int r;

	lex_text(&p->lexer, &text, &is_end);
	if (text.n > 0) {
		**tail = stmt_new(p, STMT_TEXT);
		(**tail)->text = text;
		*tail = &(**tail)->next;
	}
	if (is_end) {
		*ret_ending = END_OF_TEXT;
		return 0;
	}
	r = lex_action(&p->lexer, &is_comment);
	if (r == 0 && !is_comment)
		r = action(p, &s, ret_ending);
	if (r == 0 && s != NULL) {
		**tail = s;
		*tail = &s->next;
	}
	return r;
}

static int parse_list(struct parser *p, struct stmt **ret, enum ending *ret_ending)
{
	size_t visible = p->variable_count;
	struct stmt **tail = ret;
	int r;

	*ret = NULL;
	*ret_ending = NOT_YET;
	do
		r = item(p, &tail, ret_ending);
	while (r == 0 && *ret_ending == NOT_YET);
	p->variable_count = visible;
	return r;
}

static int whole(struct parser *p)
{
	enum ending ending;
	int r = parse_list(p, &p->t->first, &ending);

	if (r == 0 && ending != END_OF_TEXT)
		return lex_fail_at(&p->lexer, p->lexer.opening,
			"`{{ %s }}` without `{{ if }}`, `{{ with }}` or `{{ range }}`",
			ending == AT_ELSE ? "else" : "end");
	return r;
}

/* What holds for every text that is made from it, too. */
static int check_text(const struct lexer *l)
{
	const char *p = l->start;

	if ((size_t)(l->end - l->start) > TEMPLATE_SOURCE_MAX)
		return lex_fail_at(l, l->start, "more than %zu bytes", TEMPLATE_SOURCE_MAX);
	while (p < l->end) {
		size_t n = *p == '\0' ? 0 : utf8_len(p, (size_t)(l->end - p));

		if (n == 0)
			return lex_fail_at(l, p, "a template is UTF-8 text without NUL bytes");
		p += n;
	}
	return 0;
}

struct template *template_compile(struct slice text, struct err *e)
{
	CLEANUP(template_freep) struct template *t = xcalloc(1, sizeof(*t));
	struct parser p;

	t->arena.left = SIZE_MAX;
	t->source = xstrndup(text.n == 0 ? "" : text.p, text.n);
	memset(&p, 0, sizeof(p));
	p.t = t;
	p.lexer.e = e;
	p.lexer.start = p.lexer.p = p.lexer.opening = t->source;
	p.lexer.end = t->source + text.n;
	if (check_text(&p.lexer) != 0 || whole(&p) != 0)
		return NULL;
	return STEAL(t);
}

void template_free(struct template *t)
{
	if (t == NULL)
		return;
	arena_fini(&t->arena);
	free(t->source);
	free(t);
}

const char *template_source(const struct template *t)
{
	return t->source;
}

/* Whatever stands in braces, even a comment, is not part of what is rendered. */
bool template_is_literal(const struct template *t)
{
	return t->first == NULL
		       ? t->source[0] == '\0'
		       : t->first->type == STMT_TEXT && slice_eq_str(t->first->text, t->source);
}
