/* SPDX-License-Identifier: MIT */
/*
 * template/evaluate.c - the value of a pipeline.
 *
 * The depth of calls is that of the parentheses, which has a limit. Evaluating changes nothing but
 * the arena, so its caller may release what it took.
 */
#include "template/syntax_internal.h"

#define FEW 4

static struct value evaluate_expr(struct rendering *r, const struct expr *e)
{
	struct value v = value_missing();

	switch (e->type) {
	case EXPR_LITERAL:
		return e->literal;
	case EXPR_DOT:
		v = r->dot;
		break;
	case EXPR_TOP:
		v.type = VALUE_ROOT;
		break;
	case EXPR_VARIABLE:
		v = r->slots[e->slot];
		break;
	case EXPR_GROUP:
		v = evaluate(r, e->group);
		break;
	}
	for (size_t i = 0; i < e->name_count && v.type != VALUE_MISSING; i++)
		v = value_member(r, &v, e->names[i]);
	return v;
}

/* and: the first that is false, or: the first that is true, else the last; what stands behind it is
 * not evaluated. */
static struct value evaluate_lazily(
	struct rendering *r, const struct command *c, const struct value *piped)
{
	bool decides = c->function->laziness == LAZY_OR;
	struct value v = value_missing();

	for (const struct expr *e = c->args; e != NULL && r->stop == 0; e = e->next) {
		v = evaluate_expr(r, e);
		if (value_is_true(&v) == decides)
			return v;
	}
	return piped == NULL ? v : *piped;
}

static struct value call(struct rendering *r, const struct command *c, const struct value *piped)
{
	size_t n = c->arg_count + (piped == NULL ? 0 : 1), i = 0;
	struct value few[FEW];
	struct value *args = n <= FEW ? few : arena_take(&r->arena, n * sizeof(*args));

	if (args == NULL) {
		too_much(r);
		return value_missing();
	}
	for (const struct expr *e = c->args; e != NULL; e = e->next)
		args[i++] = evaluate_expr(r, e);
	if (piped != NULL)
		args[i++] = *piped;
	return r->stop != 0 ? value_missing() : c->function->call(r, args, i);
}

struct value evaluate(struct rendering *r, const struct command *pipeline)
{
	struct value v = value_missing(), before;

	for (const struct command *c = pipeline; c != NULL; c = c->next) {
		const struct value *piped = c == pipeline ? NULL : &before;

		if (!work_charge(r, WORK_STEP * (c->arg_count + 1)) || r->stop != 0)
			return value_missing();
		before = v;
		if (c->function == NULL)
			v = evaluate_expr(r, c->args);
		else if (c->function->laziness != EAGER)
			v = evaluate_lazily(r, c, piped);
		else
			v = call(r, c, piped);
	}
	return v;
}
