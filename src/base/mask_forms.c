/* SPDX-License-Identifier: MIT */
/*
 * base/mask_forms.c - what a secret looks like in text.
 *
 * Encoders differ in what they escape although nothing asks them to, so there are several forms of
 * a value that has such characters, and one for all others.
 *
 * JSON (RFC 8259 section 7): "/" as it is or as "\/"; what is not ASCII as it is or as \uXXXX;
 * some of <>&'+=`" as \u00XX, in the choices of Go's encoder, of Gson, and of .NET's; hexadecimal
 * digits of either case.
 *
 * Percent-encoding (RFC 3986 section 2): all but the unreserved characters, or with some more left
 * alone (encodeURIComponent, encodeURI, Python's quote, Go's path segments, HTML forms); a space as
 * %20 or "+"; digits of either case.
 *
 * Base64 (RFC 4648): a value may begin at any of the three places of a group. The characters in
 * which it shares bits with its neighbours are left out. What base64 tools print is wrapped, at 64
 * or 76 columns: its lines are looked for when the value is all there is.
 *
 * A secret that was encoded twice is found only if the second encoding changed nothing.
 */
#include "base/crypto.h"
#include "base/mask_internal.h"

/* Characters that no encoder changes, and those of RFC 3986. */
#define ALWAYS_PLAIN "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._"
#define UNRESERVED   ALWAYS_PLAIN "~"

static const char *const space = " \t\r\v\f\n";

/* The forms of one value; the first is the value as it is. */
struct forms {
	struct strv all;
	size_t room; /* what is left of MASK_FORMS_MAX */
};

static struct slice trim(struct slice s)
{
	while (s.n > 0 && strchr(space, s.p[0]) != NULL) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && strchr(space, s.p[s.n - 1]) != NULL)
		s.n--;
	return s;
}

static void add_form(struct forms *f, struct slice text)
{
	CLEANUP(freep) char *form = NULL;

	if (text.n < MASK_VALUE_MIN || text.n > MASK_FORM_MAX || text.n > f->room)
		return;
	form = slice_dup(text);
	if (strv_has(&f->all, form))
		return;
	f->room -= text.n;
	strv_take(&f->all, STEAL(form));
}

static void add_hex(struct buf *out, unsigned byte, bool is_upper)
{
	const char *digits = is_upper ? "0123456789ABCDEF" : "0123456789abcdef";

	buf_add_char(out, digits[byte >> 4 & 15]);
	buf_add_char(out, digits[byte & 15]);
}

/* --- JSON --- */

struct json_style {
	const char *more; /* escaped though it need not be */
	bool has_slash;   /* so is "/" */
	bool is_ascii;    /* so is what is not ASCII */
	bool is_upper;
};

static void add_unit(struct buf *out, uint32_t unit, const struct json_style *st)
{
	buf_add_str(out, "\\u");
	add_hex(out, unit >> 8, st->is_upper);
	add_hex(out, unit & 0xFF, st->is_upper);
}

/* A well-formed character of n > 1 bytes. */
static uint32_t decode(const char *p, size_t n)
{
	uint32_t c = (unsigned char)p[0] & (0xFFU >> (n + 1));

	for (size_t i = 1; i < n; i++)
		c = c << 6 | ((unsigned char)p[i] & 0x3F);
	return c;
}

static void add_wide(struct buf *out, const char *p, size_t n, const struct json_style *st)
{
	uint32_t c = decode(p, n);
	/* Line ends in JavaScript, which those that escape more than they must escape as well. */
	bool is_line_end = c == 0x2028 || c == 0x2029;

	if (!st->is_ascii && !(is_line_end && *st->more != '\0')) {
		buf_add(out, p, n);
	} else if (c < 0x10000) {
		add_unit(out, c, st);
	} else {
		add_unit(out, 0xD800 + ((c - 0x10000) >> 10), st);
		add_unit(out, 0xDC00 + ((c - 0x10000) & 0x3FF), st);
	}
}

static void add_narrow(struct buf *out, char c, const struct json_style *st)
{
	static const char from[] = "\"\\\b\f\n\r\t/", to[] = "\"\\bfnrt/";
	const char *at = strchr(from, c);
	bool is_short = at != NULL && (c != '/' || st->has_slash);

	if (strchr(st->more, c) != NULL || ((unsigned char)c < 0x20 && !is_short)) {
		add_unit(out, (unsigned char)c, st);
	} else if (is_short) {
		buf_add_char(out, '\\');
		buf_add_char(out, to[at - from]);
	} else {
		buf_add_char(out, c);
	}
}

static void add_json(struct forms *f, struct slice value, const struct json_style *st)
{
	CLEANUP(buf_fini) struct buf out = BUF_NULL;

	for (size_t i = 0; i < value.n;) {
		size_t n = utf8_len(value.p + i, value.n - i);

		if (n > 1)
			add_wide(&out, value.p + i, n, st);
		else
			add_narrow(&out, value.p[i], st);
		i += MAX_OF(n, (size_t)1);
	}
	add_form(f, buf_slice(&out));
}

static void add_json_styles(struct forms *f, struct slice value)
{
	static const char *const more[] = {"", "<>&", "<>&'=", "<>&'+`\""};

	for (size_t i = 0; i < ARRAY_LEN(more); i++) {
		for (unsigned bits = 0; bits < 8; bits++) {
			struct json_style st = {.more = more[i],
				.has_slash = (bits & 1) != 0,
				.is_ascii = (bits & 2) != 0,
				.is_upper = (bits & 4) != 0};

			add_json(f, value, &st);
		}
	}
}

/* --- percent-encoding --- */

static void add_percent(
	struct forms *f, struct slice value, const char *plain, bool is_upper, bool has_plus)
{
	CLEANUP(buf_fini) struct buf out = BUF_NULL;

	for (size_t i = 0; i < value.n; i++) {
		char c = value.p[i];

		if (strchr(plain, c) != NULL) {
			buf_add_char(&out, c);
		} else if (c == ' ' && has_plus) {
			buf_add_char(&out, '+');
		} else {
			buf_add_char(&out, '%');
			add_hex(&out, (unsigned char)c, is_upper);
		}
	}
	add_form(f, buf_slice(&out));
}

static void add_percent_styles(struct forms *f, struct slice value)
{
	static const char *const plain[] = {
		UNRESERVED,
		UNRESERVED "/",
		UNRESERVED "!'()*",
		ALWAYS_PLAIN "*",
		UNRESERVED "$&+=:@",
		UNRESERVED "!'()*;/?:@&=+$,#",
	};

	for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
		for (unsigned bits = 0; bits < 4; bits++)
			add_percent(f, value, plain[i], (bits & 1) == 0, (bits & 2) != 0);
	}
}

/* --- base64 --- */

/* Lines of `width` columns. */
static void add_wrapped(struct forms *f, struct slice text, size_t width)
{
	while (text.n > 0) {
		struct slice line = {text.p, MIN_OF(text.n, width)};

		add_form(f, line);
		text.p += line.n;
		text.n -= line.n;
	}
}

static void to_url_alphabet(struct buf *text)
{
	for (size_t i = 0; i < text->n; i++) {
		if (text->p[i] == '+')
			text->p[i] = '-';
		else if (text->p[i] == '/')
			text->p[i] = '_';
	}
}

/* Behind `offset` bytes of something else. */
static void add_base64(struct forms *f, struct slice value, size_t offset, bool is_url)
{
	CLEANUP(buf_fini) struct buf in = BUF_NULL;
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	size_t from = (8 * offset + 5) / 6, to;
	struct slice own;

	buf_add(&in, "\0\0", offset);
	buf_add_slice(&in, value);
	base64_encode(&out, in.p, in.n);
	if (is_url)
		to_url_alphabet(&out);
	to = 8 * in.n / 6;
	own = (struct slice){out.p + from, to - from};
	add_form(f, own);
	if (offset == 0 && !is_url) {
		add_wrapped(f, own, 76);
		add_wrapped(f, own, 64);
	}
}

/* --- all of them --- */

/* The likeliest come first. */
static void add_encodings(struct strv *ret, const char *value, struct forms *f)
{
	struct json_style minimal = {.more = ""};
	struct slice v = slice_of(value);
	bool is_plain = strspn(value, ALWAYS_PLAIN) == v.n;

	strv_add(&f->all, value);
	if (!is_plain)
		add_json(f, v, &minimal);
	for (size_t offset = 0; offset < 3; offset++)
		add_base64(f, v, offset, false);
	for (size_t offset = 0; offset < 3; offset++)
		add_base64(f, v, offset, true);
	if (!is_plain) {
		add_json_styles(f, v);
		add_percent_styles(f, v);
	}
	for (size_t i = 1; i < f->all.n; i++)
		strv_take(ret, STEAL(f->all.v[i]));
	strv_fini(&f->all);
}

/* In pieces, of which the last is no shorter than the others. */
static void add_line(struct strv *lines, struct slice line)
{
	if (line.n < MASK_VALUE_MIN)
		return;
	while (line.n > MASK_VALUE_MAX) {
		size_t step = MIN_OF(MASK_VALUE_MAX, line.n - MASK_VALUE_MAX);

		strv_take(lines, xstrndup(line.p, MASK_VALUE_MAX));
		line.p += step;
		line.n -= step;
	}
	strv_take(lines, slice_dup(line));
}

static void add_lines(struct strv *lines, struct slice value)
{
	while (value.n > 0) {
		const char *end = memchr(value.p, '\n', value.n);
		size_t n = end == NULL ? value.n : (size_t)(end - value.p);

		add_line(lines, trim((struct slice){value.p, n}));
		n += end == NULL ? 0 : 1;
		value.p += n;
		value.n -= n;
	}
}

/* A value that has lines is looked for as a whole, too. */
static void add_whole(struct strv *all, struct slice value)
{
	if (value.n <= MASK_VALUE_MAX && memchr(value.p, '\n', value.n) != NULL &&
		value.n >= MASK_VALUE_MIN)
		strv_take(all, slice_dup(value));
}

static int compare(const void *a, const void *b)
{
	const char *const *x = a;
	const char *const *y = b;
	size_t n = strlen(*x), k = strlen(*y);

	return n == k ? strcmp(*x, *y) : n < k ? -1 : 1;
}

void mask_forms(struct strv *ret, const struct strv *values)
{
	CLEANUP(strv_fini) struct strv all = STRV_NULL;
	struct forms f = {.room = MASK_FORMS_MAX};

	for (size_t i = 0; i < values->n; i++)
		add_lines(&all, slice_of(values->v[i]));
	strv_copy(ret, &all);
	for (size_t i = 0; i < values->n; i++)
		add_whole(&all, trim(slice_of(values->v[i])));
	if (all.n > 0)
		qsort(all.v, all.n, sizeof(all.v[0]), compare);
	for (size_t i = 0; i < all.n; i++) {
		/* No encoding makes it shorter. */
		if (strlen(all.v[i]) > f.room)
			break;
		if (i == 0 || !str_eq(all.v[i - 1], all.v[i]))
			add_encodings(ret, all.v[i], &f);
	}
}
