/* SPDX-License-Identifier: MIT */
/*
 * template/render.c - one pass over the parts, with a bound on the output.
 *
 * Values are data: what they hold is appended and never looked at again. A value is printed into a
 * scratch buffer first, so the output itself never grows beyond its bound however large one value
 * is; it is cut between two characters.
 */
#include "template/template_internal.h"

#define MISSING     "<no value>"
#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

struct output {
	struct buf *out;
	size_t end; /* largest size of out */
};

/* False when it does not fit; then what fits is there. */
static bool add(struct output *o, struct slice s)
{
	size_t room = o->end - o->out->n;

	if (s.n <= room) {
		if (s.n > 0)
			buf_add_slice(o->out, s);
		return true;
	}
	while (room > 0 && (s.p[room] & 0xc0) == 0x80)
		room--;
	if (room > 0)
		buf_add(o->out, s.p, room);
	return false;
}

/* The same for a value, which may hold NULs. */
static bool add_value(struct output *o, struct slice s)
{
	while (s.n > 0) {
		const char *nul = memchr(s.p, '\0', s.n);
		size_t n = nul == NULL ? s.n : (size_t)(nul - s.p);

		if (!add(o, (struct slice){s.p, n}))
			return false;
		if (nul == NULL)
			return true;
		if (!add(o, SLICE_LIT(REPLACEMENT)))
			return false;
		s = (struct slice){nul + 1, s.n - n - 1};
	}
	return true;
}

/* Takes the first name off the path. */
static struct slice next_name(struct slice *path)
{
	const char *dot = path->n == 0 ? NULL : memchr(path->p, '.', path->n);
	struct slice name = *path;

	if (dot == NULL) {
		*path = SLICE_NULL;
		return name;
	}
	name.n = (size_t)(dot - path->p);
	*path = (struct slice){dot + 1, path->n - name.n - 1};
	return name;
}

/* False when there is no such value. */
static bool print_body(const struct scan *body, struct slice path, struct buf *out)
{
	const struct scan_node *node = body == NULL || body->n == 0 ? NULL : &body->nodes[0];

	if (node == NULL && path.n == 0) {
		buf_add_str(out, "{}");
		return true;
	}
	while (node != NULL && path.n > 0) {
		struct slice name = next_name(&path);
		uint64_t index;

		if (node->type != SCAN_ARRAY)
			node = scan_member(body, node, name);
		else if (slice_to_u64(name, SIZE_MAX, &index))
			node = scan_element(body, node, (size_t)index);
		else
			node = NULL;
	}
	if (node == NULL)
		return false;
	scan_print(out, body, node);
	return true;
}

static bool print(const struct template_input *in, struct slice path, struct buf *out)
{
	struct slice rest = path, root = next_name(&rest);

	if (slice_eq_str(root, "body"))
		return print_body(in->body, rest, out);
	return in->lookup != NULL && in->lookup(in->ctx, path, out);
}

int template_render(
	const struct template *t, const struct template_input *in, size_t max, struct buf *out)
{
	CLEANUP(buf_fini) struct buf value = BUF_NULL;
	struct output o = {out, out->n};

	if (!size_add(out->n, max, &o.end))
		o.end = SIZE_MAX;
	for (size_t i = 0; i < t->n; i++) {
		const struct part *part = &t->parts[i];
		bool fits;

		buf_clear(&value);
		if (!part->is_path)
			fits = add(&o, part->text);
		else if (print(in, part->text, &value))
			fits = add_value(&o, buf_slice(&value));
		else
			fits = add(&o, SLICE_LIT(MISSING));
		if (!fits)
			return TEMPLATE_E_TOO_LONG;
	}
	return 0;
}
