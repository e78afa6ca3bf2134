/* SPDX-License-Identifier: MIT */
/*
 * template/syntax_internal.h - tokens, and the tree that a template is compiled to.
 *
 * The tree lives in the template's arena. Names of variables are gone: each has a slot, and two
 * that are never visible together may share one.
 */
#ifndef PYLON_TEMPLATE_SYNTAX_INTERNAL_H
#define PYLON_TEMPLATE_SYNTAX_INTERNAL_H

#include "template/value_internal.h"

#define VARIABLES_MAX 256 /* visible at one place */

/* --- functions.c --- */

enum laziness { EAGER, LAZY_AND, LAZY_OR };

struct function {
	const char *name;
	unsigned min, max; /* arguments; max 0 = any number */
	enum laziness laziness;
	/* NULL for the lazy ones, which the evaluator does itself. */
	function_fn *call;
};

/* NULL when there is none. */
const struct function *function_find(struct slice name);
/* The function most like it, NULL when none is near. */
const char *function_suggest(struct slice name);

/* --- the tree --- */

enum expr_type {
	EXPR_LITERAL,
	EXPR_DOT,
	EXPR_TOP,      /* $ */
	EXPR_VARIABLE, /* $x */
	EXPR_GROUP,    /* ( ... ) */
};

struct expr {
	enum expr_type type;
	struct expr *next; /* argument of the same call */
	union {
		struct value literal;
		size_t slot;
		const struct command *group;
	};
	const struct slice *names; /* members behind it: .a.b */
	size_t name_count;
};

/* One stage of a pipeline: an operand, or a function and its arguments. */
struct command {
	const struct function *function; /* NULL: `args` is the only operand */
	struct expr *args;
	size_t arg_count;
	struct command *next;
};

enum stmt_type {
	STMT_TEXT,
	STMT_PRINT,
	STMT_ASSIGN,
	STMT_IF,
	STMT_WITH,
	STMT_RANGE,
	STMT_BREAK,
	STMT_CONTINUE,
};

#define NO_SLOT SIZE_MAX

/* `if a`, `else if b`, `else`; the same for with; `range a`, `else`. */
struct branch {
	const struct command *condition; /* NULL: else */
	size_t slot;                     /* of the variable that the condition sets, or NO_SLOT */
	size_t key_slot;                 /* range: of the first of two */
	struct stmt *body;
	struct branch *next;
};

struct stmt {
	enum stmt_type type;
	struct stmt *next;
	struct slice text;          /* STMT_TEXT */
	const struct command *pipe; /* STMT_PRINT, STMT_ASSIGN */
	size_t slot;                /* STMT_ASSIGN */
	struct branch *branches;    /* STMT_IF, STMT_WITH, STMT_RANGE */
};

struct template
{
	char *source;
	struct arena arena;
	struct stmt *first;
	size_t slot_count;
};

/* --- lex.c --- */

enum token_type {
	TOKEN_CLOSE,    /* the closing braces */
	TOKEN_NAME,     /* a word */
	TOKEN_DOT,      /* . alone */
	TOKEN_FIELD,    /* .a.b, with its dots */
	TOKEN_VARIABLE, /* $ or $x, with the dollar */
	TOKEN_NUMBER,
	TOKEN_STRING, /* with its quotes */
	TOKEN_CHAR,
	TOKEN_OPEN_PAREN,
	TOKEN_CLOSE_PAREN,
	TOKEN_PIPE,
	TOKEN_COMMA,
	TOKEN_DECLARE, /* := */
	TOKEN_ASSIGN,  /* = */
};

struct token {
	enum token_type type;
	struct slice text;
	bool is_behind_blank;
};

struct lexer {
	const char *start, *p, *end;
	const char *opening; /* the {{ of this action */
	struct token token;  /* the current one */
	bool trim_next;      /* the last action ended with a trim marker */
	struct err *e;
};

/* Failures: "line:column: what" in *e. lex_fail is for places within an action, which may turn out
 * to have no end at all. */
NODISCARD int lex_fail_at(const struct lexer *l, const char *where, const char *fmt, ...)
	PRINTF(3, 4);
NODISCARD int lex_fail(const struct lexer *l, const char *where, const char *fmt, ...) PRINTF(3, 4);
/* The text up to the next action, trimmed as the actions around it say. Afterwards p is behind the
 * opening braces; *ret_is_end: there are none. */
void lex_text(struct lexer *l, struct slice *ret, bool *ret_is_end);
/* Behind the opening braces: reads the first token, or passes a comment to behind its action. */
NODISCARD int lex_action(struct lexer *l, bool *ret_is_comment);
NODISCARD int lex_next(struct lexer *l);
/* What an error shows of a token. */
#define SHOWN_MAX 32
#define SHOWN(s)  (int)chars_boundary((s), SHOWN_MAX), (s).p

/* --- literal.c --- */

/* The value of a NUMBER, STRING or CHAR token. */
NODISCARD int literal_read(const struct lexer *l, struct arena *a, struct value *ret);

/* --- expression.c --- */

struct variable {
	struct slice name; /* with its dollar */
};

struct parser {
	struct lexer lexer;
	struct template *t;
	struct variable variables[VARIABLES_MAX];
	size_t variable_count;
	unsigned depth; /* open blocks and parentheses */
	unsigned loops; /* open ranges */
};

/* Zeroed memory of the template. */
void *parser_take(struct parser *p, size_t n);
/* Around a block or parenthesis that opens at `where`. */
NODISCARD int parser_enter(struct parser *p, const char *where);
void parser_leave(struct parser *p);
/* At its first token; stops at what cannot belong to it. */
NODISCARD int parse_pipeline(struct parser *p, const struct command **ret);
/* The slot of a variable; its name points into the source. */
NODISCARD int parse_variable(const struct parser *p, struct slice name, size_t *ret_slot);
NODISCARD int parser_declare(struct parser *p, struct slice name, size_t *ret_slot);
/* The current token is not what belongs there. */
NODISCARD int parser_unexpected(const struct parser *p, const char *wanted);

/* --- evaluate.c --- */

struct value evaluate(struct rendering *r, const struct command *pipeline);

#endif
