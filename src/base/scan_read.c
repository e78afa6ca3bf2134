/* SPDX-License-Identifier: MIT */
/*
 * base/scan_read.c - looking things up in the index of a body, and printing them.
 *
 * Everything here works on text that scan_parse() has accepted, so it checks nothing again.
 * A container prints as its own bytes with the white space between tokens left out; the digits of
 * numbers and the escapes of strings inside it stay as they were sent.
 */
#include "base/scan.h"

const struct scan_node *scan_first(const struct scan *s, const struct scan_node *parent)
{
	return parent->children == 0 ? NULL : &s->nodes[parent - s->nodes + 1];
}

const struct scan_node *scan_next(const struct scan *s, const struct scan_node *node)
{
	return node->next == 0 ? NULL : &s->nodes[node->next];
}

static bool key_is(const struct scan_node *node, struct slice name)
{
	struct buf text = BUF_NULL;
	bool is_same;

	if (!node->key_has_escapes)
		return slice_eq(node->key, name);
	scan_unescape(&text, node->key);
	is_same = slice_eq(buf_slice(&text), name);
	buf_fini(&text);
	return is_same;
}

const struct scan_node *scan_member(
	const struct scan *s, const struct scan_node *obj, struct slice name)
{
	if (obj->type != SCAN_OBJECT)
		return NULL;
	for (const struct scan_node *it = scan_first(s, obj); it != NULL; it = scan_next(s, it))
		if (key_is(it, name))
			return it;
	return NULL;
}

const struct scan_node *scan_element(const struct scan *s, const struct scan_node *arr, size_t i)
{
	const struct scan_node *it;

	if (arr->type != SCAN_ARRAY || i >= arr->children)
		return NULL;
	for (it = scan_first(s, arr); it != NULL && i > 0; i--)
		it = scan_next(s, it);
	return it;
}

static uint32_t hex4(const char *p)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++) {
		uint32_t c = (unsigned char)p[i];

		value = value << 4 | (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return value;
}

static void add_utf8(struct buf *out, uint32_t c)
{
	if (c < 0x80) {
		buf_add_char(out, (char)c);
		return;
	}
	if (c < 0x800) {
		buf_add_char(out, (char)(0xc0 | c >> 6));
	} else {
		if (c < 0x10000) {
			buf_add_char(out, (char)(0xe0 | c >> 12));
		} else {
			buf_add_char(out, (char)(0xf0 | c >> 18));
			buf_add_char(out, (char)(0x80 | (c >> 12 & 0x3f)));
		}
		buf_add_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	buf_add_char(out, (char)(0x80 | (c & 0x3f)));
}

/* p is behind the 'u'; returns how many more bytes belong to the escape. */
static size_t add_unicode(struct buf *out, const char *p)
{
	uint32_t unit = hex4(p);

	if (unit < 0xd800 || unit > 0xdbff) {
		add_utf8(out, unit);
		return 4;
	}
	add_utf8(out, 0x10000 + ((unit - 0xd800) << 10) + (hex4(p + 6) - 0xdc00));
	return 10;
}

static char escaped(char c)
{
	switch (c) {
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	default:
		return c;
	}
}

void scan_unescape(struct buf *out, struct slice raw)
{
	const char *p = raw.p, *end = raw.p + raw.n;

	while (p < end) {
		const char *slash = memchr(p, '\\', (size_t)(end - p));

		if (slash == NULL)
			slash = end;
		buf_add(out, p, (size_t)(slash - p));
		p = slash;
		if (p == end)
			return;
		p += 2;
		if (p[-1] == 'u')
			p += add_unicode(out, p);
		else
			buf_add_char(out, escaped(p[-1]));
	}
}

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* Behind the closing quote of the string that opens at p. */
static const char *string_end(const char *p)
{
	for (p++; *p != '"'; p++)
		if (*p == '\\')
			p++;
	return p + 1;
}

static void print_compact(struct buf *out, struct slice raw)
{
	const char *p = raw.p, *end = raw.p + raw.n, *from = p;

	while (p < end) {
		if (*p == '"') {
			p = string_end(p);
		} else if (!is_space(*p)) {
			p++;
		} else {
			buf_add(out, from, (size_t)(p - from));
			while (p < end && is_space(*p))
				p++;
			from = p;
		}
	}
	buf_add(out, from, (size_t)(p - from));
}

void scan_print(struct buf *out, const struct scan *s, const struct scan_node *node)
{
	(void)s;
	if (node->type == SCAN_ARRAY || node->type == SCAN_OBJECT)
		print_compact(out, node->raw);
	else if (node->has_escapes)
		scan_unescape(out, node->raw);
	else
		buf_add_slice(out, node->raw);
}
