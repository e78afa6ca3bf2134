/* SPDX-License-Identifier: MIT */
/*
 * mcp/brief.c - answers as short as they can be: a model reads every byte of them.
 */
#include "mcp/mcp_internal.h"

/* The longest beginning of at most max bytes that ends with a whole character. */
static size_t cut_at(const char *text, size_t max)
{
	size_t n = max;

	while (n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80)
		n--;
	return n;
}

static void copy_text(struct js *to, const char *key, const char *text, size_t max)
{
	CLEANUP(buf_fini) struct buf short_text = BUF_NULL;
	size_t n = strlen(text);

	if (n <= max) {
		js_set_str(to, key, text);
		return;
	}
	max = cut_at(text, max);
	buf_add(&short_text, text, max);
	buf_printf(&short_text, "... [%zu more bytes]", n - max);
	js_set_strn(to, key, short_text.p, short_text.n);
}

void brief_copy(struct js *to, const struct js *from, const char *const *keys, size_t max)
{
	for (; *keys != NULL; keys++) {
		CLEANUP(buf_fini) struct buf text = BUF_NULL;
		const struct js *value = js_get(from, *keys);

		if (js_str(value) != NULL) {
			copy_text(to, *keys, js_str(value), max);
			continue;
		}
		if (value != NULL)
			js_write(&text, value);
		if (text.n > 0 && !str_eq(buf_str(&text), "null"))
			js_set_json(to, *keys, buf_str(&text));
	}
}

/* Where the last max bytes begin, at the start of a line if there is one. */
static size_t tail_start(const struct buf *text, size_t max)
{
	size_t at = text->n - max;
	const char *line = memchr(text->p + at, '\n', max);

	if (line != NULL && line + 1 < text->p + text->n)
		return (size_t)(line + 1 - text->p);
	while (at < text->n && ((unsigned char)text->p[at] & 0xC0) == 0x80)
		at++;
	return at;
}

void brief_log(struct buf *out, struct slice text, size_t max)
{
	CLEANUP(buf_fini) struct buf clean = BUF_NULL;
	size_t start = 0;

	utf8_clean(&clean, text.p, text.n);
	if (clean.n > max)
		start = tail_start(&clean, max);
	if (start > 0)
		buf_printf(out, "[%zu bytes before are left out]\n", start);
	if (clean.n > start)
		buf_add(out, clean.p + start, clean.n - start);
}
