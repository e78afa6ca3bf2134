/* SPDX-License-Identifier: MIT */
/*
 * template/render.c - one pass over the tree, with bounds on output, loops and work.
 *
 * Values are data: what they hold is appended and never looked at again. Output is cut between two
 * characters where its bound is reached. Memory of a value is given back as soon as it is printed
 * or tested; what a variable or the dot holds stays to the end.
 */
#include "template/range_internal.h"
#include "template/syntax_internal.h"

#define REPLACEMENT SLICE_LIT("\xef\xbf\xbd") /* U+FFFD */

/* What goes on behind a statement. */
enum flow { FLOW_ON, FLOW_BREAK, FLOW_CONTINUE };

static enum flow render_list(struct rendering *r, const struct stmt *first);

/* --- output --- */

/* False (and `stop`) when it does not fit; then what fits is there. */
static bool put(struct rendering *r, struct slice s)
{
	size_t room = r->out_end - r->out->n;

	if (s.n > 0 && s.n <= room)
		buf_add_slice(r->out, s);
	if (s.n <= room)
		return true;
	room = chars_boundary(s, room);
	if (room > 0)
		buf_add(r->out, s.p, room);
	r->stop = TEMPLATE_E_TOO_LONG;
	return false;
}

/* The same for a value, which may hold NULs. */
static void put_value(struct rendering *r, struct slice s)
{
	while (s.n > 0) {
		const char *nul = memchr(s.p, '\0', s.n);
		size_t n = nul == NULL ? s.n : (size_t)(nul - s.p);

		if (!put(r, (struct slice){s.p, n}) || nul == NULL || !put(r, REPLACEMENT))
			return;
		s = (struct slice){nul + 1, s.n - n - 1};
	}
}

static void print(struct rendering *r, const struct value *v)
{
	struct slice text;

	if (value_text(v, &text)) {
		put_value(r, text);
	} else if (v->type == VALUE_JSON) {
		/* May be larger than what a function may make: it is cut like a string. */
		if (!work_charge(r, v->json.node->raw.n))
			return;
		buf_clear(&r->made);
		scan_print(&r->made, v->json.scan, v->json.node);
		put_value(r, buf_slice(&r->made));
	} else {
		text_start(r);
		if (text_add_value(r, v))
			put_value(r, buf_slice(&r->made));
	}
}

/* --- statements --- */

static void print_pipe(struct rendering *r, const struct command *pipe)
{
	struct arena_mark mark = arena_mark(&r->arena);
	struct value v = evaluate(r, pipe);

	if (r->stop == 0)
		print(r, &v);
	arena_release(&r->arena, mark);
}

static void set_slot(struct rendering *r, size_t slot, const struct value *v)
{
	if (slot != NO_SLOT)
		r->slots[slot] = *v;
}

static enum flow render_if(struct rendering *r, const struct stmt *s)
{
	for (const struct branch *b = s->branches; b != NULL && r->stop == 0; b = b->next) {
		struct arena_mark mark = arena_mark(&r->arena);
		struct value v;
		bool is_true;

		if (b->condition == NULL)
			return render_list(r, b->body);
		v = evaluate(r, b->condition);
		is_true = value_is_true(&v);
		if (b->slot == NO_SLOT)
			arena_release(&r->arena, mark);
		set_slot(r, b->slot, &v);
		if (is_true && r->stop == 0)
			return render_list(r, b->body);
	}
	return FLOW_ON;
}

static enum flow render_with(struct rendering *r, const struct stmt *s)
{
	struct value outer = r->dot;
	enum flow flow;

	for (const struct branch *b = s->branches; b != NULL && r->stop == 0; b = b->next) {
		struct value v;

		if (b->condition == NULL)
			return render_list(r, b->body);
		v = evaluate(r, b->condition);
		set_slot(r, b->slot, &v);
		if (!value_is_true(&v) || r->stop != 0)
			continue;
		r->dot = v;
		flow = render_list(r, b->body);
		r->dot = outer;
		return flow;
	}
	return FLOW_ON;
}

/* The rounds of a loop; false when there was none. */
static bool render_rounds(struct rendering *r, const struct branch *b, struct range *rounds)
{
	bool wants_key = b->key_slot != NO_SLOT, was_any = false;
	struct value key = value_missing(), element;

	while (range_next(r, rounds, wants_key ? &key : NULL, &element)) {
		was_any = true;
		if (r->rounds_left == 0) {
			too_much(r);
			break;
		}
		r->rounds_left--;
		set_slot(r, b->key_slot, &key);
		set_slot(r, b->slot, &element);
		r->dot = element;
		if (render_list(r, b->body) == FLOW_BREAK)
			break;
	}
	return was_any;
}

/* A break or continue inside has had its effect; one in the else part is for a loop around. */
static enum flow render_range(struct rendering *r, const struct stmt *s)
{
	const struct branch *b = s->branches, *otherwise = b->next;
	struct value outer = r->dot;
	struct value over = evaluate(r, b->condition);
	struct range rounds = range_start(r, &over);
	bool was_any = render_rounds(r, b, &rounds);

	r->dot = outer;
	if (was_any || otherwise == NULL || r->stop != 0)
		return FLOW_ON;
	return render_list(r, otherwise->body);
}

static enum flow render_stmt(struct rendering *r, const struct stmt *s)
{
	struct value v;

	switch (s->type) {
	case STMT_TEXT:
		(void)put(r, s->text);
		return FLOW_ON;
	case STMT_PRINT:
		print_pipe(r, s->pipe);
		return FLOW_ON;
	case STMT_ASSIGN:
		v = evaluate(r, s->pipe);
		set_slot(r, s->slot, &v);
		return FLOW_ON;
	case STMT_IF:
		return render_if(r, s);
	case STMT_WITH:
		return render_with(r, s);
	case STMT_RANGE:
		return render_range(r, s);
	case STMT_BREAK:
		return FLOW_BREAK;
	case STMT_CONTINUE:
		return FLOW_CONTINUE;
	}
	return FLOW_ON;
}

static enum flow render_list(struct rendering *r, const struct stmt *first)
{
	enum flow flow = FLOW_ON;

	for (const struct stmt *s = first; s != NULL && flow == FLOW_ON && r->stop == 0;
		s = s->next)
		if (work_charge(r, WORK_STEP))
			flow = render_stmt(r, s);
	return flow;
}

static void rendering_fini(struct rendering *r)
{
	roots_fini(r);
	arena_fini(&r->arena);
	buf_fini(&r->made);
	buf_fini(&r->scratch);
}

int template_render(
	const struct template *t, const struct template_event *ev, size_t max, struct buf *out)
{
	CLEANUP(rendering_fini)
	struct rendering r = {
		.event = ev,
		.arena = {.left = ARENA_MAX},
		.work_left = WORK_MAX,
		.rounds_left = TEMPLATE_ROUNDS_MAX,
		.dot = {.type = VALUE_ROOT},
		.out = out,
	};

	if (!size_add(out->n, max, &r.out_end))
		r.out_end = SIZE_MAX;
	if (t->slot_count > 0) {
		r.slots = arena_take(&r.arena, t->slot_count * sizeof(*r.slots));
		must(r.slots != NULL);
	}
	(void)render_list(&r, t->first);
	return r.stop;
}

bool template_is_true(struct slice rendered)
{
	static const char *const no[] = {"", "false", "0", MISSING_TEXT};
	struct slice text = chars_trim(rendered);

	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		if (slice_eq_str(text, no[i]))
			return false;
	return true;
}
