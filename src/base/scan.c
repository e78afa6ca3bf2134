/* SPDX-License-Identifier: MIT */
/*
 * base/scan.c - one pass over a webhook's body: is it JSON, and where is what?
 *
 * No recursion: open containers are a stack of SCAN_DEPTH_MAX frames. Every value becomes one node
 * and nodes are only appended, so a child's index is always larger than its parent's and a parent
 * is filled in when it closes. Memory is bounded by SCAN_VALUES_MAX nodes.
 *
 * This is on the way of every webhook, so strings, which are most of a body, are looked at eight
 * bytes at a time; what is not plain ASCII text falls back to single steps.
 *
 * Surprise: the empty object needs no special case, but "[1,]" does: after a comma there must be a
 * value, so a closing bracket is looked for only where a container has just opened or a value has
 * just ended.
 */
#include "base/scan.h"

#include <endian.h>
#include <errno.h>

#include "base/limits.h"
#include "base/scan_internal.h"

struct frame {
	uint32_t node; /* the open container */
	uint32_t last; /* its latest child, 0 = none yet */
};

struct parser {
	const char *start, *p, *end;
	struct scan out;
	struct frame stack[SCAN_DEPTH_MAX];
	size_t depth;
	size_t members;
	struct err *e;
};

static int fail_at(struct parser *ps, const char *where, int condition, const char *what)
{
	(void)err_set(ps->e, -EINVAL, "byte %zu: %s", (size_t)(where - ps->start), what);
	return condition;
}

static int fail(struct parser *ps, int condition, const char *what)
{
	return fail_at(ps, ps->p, condition, what);
}

/* Bytes that no token starts with: a stray word, or no text at all. */
static int fail_token(struct parser *ps, const char *what)
{
	if (ps->p == ps->end)
		return fail(ps, SCAN_E_SYNTAX, "the text ends too early");
	if ((*ps->p & 0x80) != 0 && utf8_len(ps->p, (size_t)(ps->end - ps->p)) == 0)
		return fail(ps, SCAN_E_UTF8, "not UTF-8");
	return fail(ps, SCAN_E_SYNTAX, what);
}

static inline void skip_space(struct parser *ps)
{
	while (ps->p < ps->end &&
		(*ps->p == ' ' || *ps->p == '\n' || *ps->p == '\t' || *ps->p == '\r'))
		ps->p++;
}

#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

/* The first byte from p on that is not plain ASCII text inside a string. In each word, the lowest
 * marked byte is exact: borrows only ever disturb the bytes above a real hit. */
static inline const char *skip_plain(const char *p, const char *end)
{
	for (; end - p >= 8; p += 8) {
		uint64_t v, quote, slash, hits;

		memcpy(&v, p, sizeof(v));
		v = le64toh(v);
		quote = v ^ EACH_BYTE('"');
		slash = v ^ EACH_BYTE('\\');
		hits = v | ((v - EACH_BYTE(0x20)) & ~v);
		hits |= (quote - EACH_BYTE(1)) & ~quote;
		hits |= (slash - EACH_BYTE(1)) & ~slash;
		hits &= EACH_BYTE(0x80);
		if (hits != 0)
			return p + (__builtin_ctzll(hits) >> 3);
	}
	while (p < end && (unsigned char)(*p - 0x20) < 0x60 && *p != '"' && *p != '\\')
		p++;
	return p;
}

/* Four hex digits at p, or -1. */
static int hex4(const char *p, const char *end)
{
	int value = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = p[i];

		if (c >= '0' && c <= '9')
			value = value << 4 | (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			value = value << 4 | ((c | 0x20) - 'a' + 10);
		else
			return -1;
	}
	return value;
}

/* At the 'u' of an escape; moves behind it, or behind both halves of a surrogate pair. */
static int unicode_escape(struct parser *ps)
{
	int unit = hex4(ps->p + 1, ps->end);

	if (unit < 0)
		return fail(ps, SCAN_E_SYNTAX, "\\u needs four hex digits");
	if (unit >= 0xdc00 && unit <= 0xdfff)
		return fail(ps, SCAN_E_UTF8, "lone surrogate");
	ps->p += 5;
	if (unit < 0xd800 || unit > 0xdfff)
		return 0;
	if (ps->end - ps->p >= 2 && ps->p[0] == '\\' && ps->p[1] == 'u') {
		unit = hex4(ps->p + 2, ps->end);
		if (unit >= 0xdc00 && unit <= 0xdfff) {
			ps->p += 6;
			return 0;
		}
	}
	return fail(ps, SCAN_E_UTF8, "lone surrogate");
}

/* At a backslash. */
static int escape(struct parser *ps)
{
	ps->p++;
	if (ps->p == ps->end)
		return fail_token(ps, "");
	switch (*ps->p) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		ps->p++;
		return 0;
	case 'u':
		return unicode_escape(ps);
	default:
		return fail_token(ps, "unknown escape");
	}
}

/* At a byte of a string that is not plain text and not its end. */
static int special(struct parser *ps, bool *has_escapes)
{
	size_t n;

	if (*ps->p == '\\') {
		*has_escapes = true;
		return escape(ps);
	}
	if ((unsigned char)*ps->p < 0x20)
		return fail(ps, SCAN_E_SYNTAX, "control character in a string");
	n = utf8_len(ps->p, (size_t)(ps->end - ps->p));
	if (n == 0)
		return fail(ps, SCAN_E_UTF8, "not UTF-8");
	ps->p += n;
	return 0;
}

/* At the opening quote; moves behind the closing one. */
static int string(struct parser *ps, struct slice *ret, bool *ret_has_escapes)
{
	const char *from = ++ps->p;
	bool has_escapes = false;

	for (;;) {
		int r;

		ps->p = skip_plain(ps->p, ps->end);
		if (ps->p == ps->end)
			return fail(ps, SCAN_E_SYNTAX, "string without an end");
		if (*ps->p == '"')
			break;
		r = special(ps, &has_escapes);
		if (r != 0)
			return r;
	}
	*ret = (struct slice){from, (size_t)(ps->p - from)};
	*ret_has_escapes = has_escapes;
	ps->p++;
	return 0;
}

static inline bool is_digit(const struct parser *ps)
{
	return ps->p < ps->end && *ps->p >= '0' && *ps->p <= '9';
}

static int digits(struct parser *ps)
{
	if (!is_digit(ps))
		return fail_token(ps, "a digit is missing");
	while (is_digit(ps))
		ps->p++;
	return 0;
}

/* RFC 8259 section 6: [-] int [frac] [exp]. */
static int number(struct parser *ps)
{
	int r = 0;

	if (*ps->p == '-')
		ps->p++;
	if (ps->p < ps->end && *ps->p == '0')
		ps->p++;
	else
		r = digits(ps);
	if (r == 0 && ps->p < ps->end && *ps->p == '.') {
		ps->p++;
		r = digits(ps);
	}
	if (r == 0 && ps->p < ps->end && (*ps->p == 'e' || *ps->p == 'E')) {
		ps->p++;
		if (ps->p < ps->end && (*ps->p == '+' || *ps->p == '-'))
			ps->p++;
		r = digits(ps);
	}
	return r;
}

/* A new node, linked behind its elder sibling; NULL when there are too many. */
static struct scan_node *node_new(struct parser *ps)
{
	struct scan *out = &ps->out;
	uint32_t index = (uint32_t)out->n;

	if (out->n == out->size) {
		if (out->n == SCAN_VALUES_MAX)
			return NULL;
		out->size = out->size == 0 ? 64 : MIN_OF(out->size * 2, SCAN_VALUES_MAX);
		out->nodes = xreallocarray(out->nodes, out->size, sizeof(*out->nodes));
	}
	out->n++;
	if (ps->depth > 0) {
		struct frame *top = &ps->stack[ps->depth - 1];

		if (top->last != 0)
			out->nodes[top->last].next = index;
		top->last = index;
		out->nodes[top->node].children++;
	}
	memset(&out->nodes[index], 0, sizeof(out->nodes[index]));
	return &out->nodes[index];
}

static int container(struct parser *ps, struct scan_node *node)
{
	if (ps->depth == SCAN_DEPTH_MAX)
		return fail(ps, SCAN_E_DEPTH, "too deep");
	node->type = *ps->p == '{' ? SCAN_OBJECT : SCAN_ARRAY;
	node->raw.p = ps->p++;
	ps->stack[ps->depth++] = (struct frame){(uint32_t)(node - ps->out.nodes), 0};
	return 0;
}

static int word(struct parser *ps, struct scan_node *node, enum scan_type type, struct slice text)
{
	if ((size_t)(ps->end - ps->p) < text.n || memcmp(ps->p, text.p, text.n) != 0)
		return fail(ps, SCAN_E_SYNTAX, "unknown word");
	node->type = type;
	node->raw = (struct slice){ps->p, text.n};
	ps->p += text.n;
	return 0;
}

/* A value starts at p; of a container only its opening bracket is read. */
static int value(struct parser *ps, struct scan_node *node)
{
	int r;

	if (ps->p == ps->end)
		return fail_token(ps, "");
	switch (*ps->p) {
	case '{':
	case '[':
		return container(ps, node);
	case '"':
		node->type = SCAN_STRING;
		return string(ps, &node->raw, &node->has_escapes);
	case 't':
		return word(ps, node, SCAN_TRUE, SLICE_LIT("true"));
	case 'f':
		return word(ps, node, SCAN_FALSE, SLICE_LIT("false"));
	case 'n':
		return word(ps, node, SCAN_NULL, SLICE_LIT("null"));
	default:
		if (*ps->p != '-' && !is_digit(ps))
			return fail_token(ps, "a value is missing");
		node->type = SCAN_NUMBER;
		node->raw.p = ps->p;
		r = number(ps);
		node->raw.n = (size_t)(ps->p - node->raw.p);
		return r;
	}
}

/* A member's name and its colon; p is at the value afterwards. */
static int name(struct parser *ps, struct scan_node *node)
{
	int r;

	if (ps->p == ps->end || *ps->p != '"')
		return fail_token(ps, "a member's name is missing");
	if (ps->members == SCAN_KEYS_MAX)
		return fail(ps, SCAN_E_SIZE, "too many members");
	ps->members++;
	r = string(ps, &node->key, &node->key_has_escapes);
	if (r != 0)
		return r;
	skip_space(ps);
	if (ps->p == ps->end || *ps->p != ':')
		return fail_token(ps, "a colon is missing");
	ps->p++;
	skip_space(ps);
	return 0;
}

/* At the closing bracket of the innermost container. */
static int closing(struct parser *ps)
{
	uint32_t index = ps->stack[--ps->depth].node, twin;
	struct scan_node *node = &ps->out.nodes[index];

	ps->p++;
	node->raw.n = (size_t)(ps->p - node->raw.p);
	twin = node->type == SCAN_OBJECT ? scan_duplicate(&ps->out, index) : 0;
	if (twin != 0)
		return fail_at(ps, ps->out.nodes[twin].key.p, SCAN_E_DUPLICATE,
			"this name is there twice");
	return 0;
}

/* Inside the innermost container: its end, or the next child. */
static int step(struct parser *ps)
{
	const struct frame *top = &ps->stack[ps->depth - 1];
	bool is_object = ps->out.nodes[top->node].type == SCAN_OBJECT;
	struct scan_node *node;
	int r = 0;

	skip_space(ps);
	if (ps->p < ps->end && *ps->p == (is_object ? '}' : ']'))
		return closing(ps);
	if (top->last != 0) {
		if (ps->p == ps->end || *ps->p != ',')
			return fail_token(ps, "a comma is missing");
		ps->p++;
		skip_space(ps);
	}
	node = node_new(ps);
	if (node == NULL)
		return fail(ps, SCAN_E_SIZE, "too many values");
	if (is_object)
		r = name(ps, node);
	return r != 0 ? r : value(ps, node);
}

static int text(struct parser *ps)
{
	int r;

	skip_space(ps);
	r = value(ps, node_new(ps));
	while (r == 0 && ps->depth > 0)
		r = step(ps);
	if (r != 0)
		return r;
	skip_space(ps);
	return ps->p == ps->end ? 0 : fail_token(ps, "something follows the value");
}

int scan_parse(struct scan *ret, const char *p, size_t n, struct err *e)
{
	struct parser ps;
	int r;

	ps.start = ps.p = n == 0 ? "" : p;
	ps.end = ps.start + n;
	ps.out = SCAN_NULL_INDEX;
	ps.depth = ps.members = 0;
	ps.e = e;
	r = text(&ps);
	if (r != 0)
		scan_fini(&ps.out);
	else
		*ret = ps.out;
	return r;
}

void scan_fini(struct scan *s)
{
	free(s->nodes);
	*s = SCAN_NULL_INDEX;
}
