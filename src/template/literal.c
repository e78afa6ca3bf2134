/* SPDX-License-Identifier: MIT */
/*
 * template/literal.c - the values of numbers and quoted texts in a template.
 *
 * The escapes are those of Go ("Rune literals" and "String literals" of its specification). A text
 * must come out as UTF-8, so "\xff" alone is refused. Numbers keep the text they were written with,
 * except those of another base, and a character in single quotes is the number of that character.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

#include "template/syntax_internal.h"

/* --- numbers --- */

static size_t skip_digits(struct slice s, size_t i)
{
	while (i < s.n && isdigit((unsigned char)s.p[i]))
		i++;
	return i;
}

/* Digits, then perhaps a fraction, then perhaps an exponent; no zero in front (RFC 8259). */
static bool is_decimal(struct slice s)
{
	size_t i = s.n > 0 && s.p[0] == '-' ? 1 : 0, from = i;

	i = skip_digits(s, i);
	if (i == from || (s.p[from] == '0' && i > from + 1))
		return false;
	if (i < s.n && s.p[i] == '.') {
		from = ++i;
		i = skip_digits(s, i);
		if (i == from)
			return false;
	}
	if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
		i++;
		if (i < s.n && (s.p[i] == '+' || s.p[i] == '-'))
			i++;
		from = i;
		i = skip_digits(s, i);
		if (i == from)
			return false;
	}
	return i == s.n;
}

/* Digits of base 2, 8 or 16; -1 for any other character. */
static int digit_of(char c, unsigned base)
{
	int digit = -1;

	if (c >= '0' && c <= '9')
		digit = c - '0';
	else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		digit = (c | 0x20) - 'a' + 10;
	return digit < (int)base ? digit : -1;
}

static bool read_based(struct slice s, unsigned base, uint64_t *ret)
{
	uint64_t value = 0;

	for (size_t i = 0; i < s.n; i++) {
		int digit = digit_of(s.p[i], base);

		if (digit < 0 || __builtin_mul_overflow(value, base, &value) ||
			__builtin_add_overflow(value, (uint64_t)digit, &value))
			return false;
	}
	*ret = value;
	return s.n > 0;
}

/* 0x1f, 0o17, 0b11; 0 when it is none of these. */
static unsigned base_of(struct slice s)
{
	if (s.n < 2 || s.p[0] != '0')
		return 0;
	switch (s.p[1] | 0x20) {
	case 'x':
		return 16;
	case 'o':
		return 8;
	case 'b':
		return 2;
	default:
		return 0;
	}
}

static int read_number(const struct lexer *l, struct arena *a, struct slice *ret)
{
	struct slice text = l->token.text, digits;
	char plain[24];
	bool is_negative = text.p[0] == '-';
	unsigned base;
	uint64_t value;
	int n;

	if (text.p[0] == '+')
		text = (struct slice){text.p + 1, text.n - 1};
	digits = is_negative ? (struct slice){text.p + 1, text.n - 1} : text;
	base = base_of(digits);
	if (base == 0) {
		if (!is_decimal(text))
			return lex_fail(
				l, l->token.text.p, "`%.*s` is no number", SHOWN(l->token.text));
		*ret = text;
		return 0;
	}
	if (!read_based((struct slice){digits.p + 2, digits.n - 2}, base, &value))
		return lex_fail(l, l->token.text.p, "`%.*s` is no number of base %u up to 64 bits",
			SHOWN(l->token.text), base);
	n = snprintf(plain, sizeof(plain), "%s%" PRIu64, is_negative ? "-" : "", value);
	*ret = arena_copy(a, (struct slice){plain, (size_t)n});
	return 0;
}

/* --- quoted texts --- */

struct unquoting {
	struct slice left;
	struct buf out;
};

/* Exactly n digits of the base, as a number. */
static bool take_digits(struct unquoting *u, size_t n, unsigned base, uint64_t *ret)
{
	if (u->left.n < n || !read_based((struct slice){u->left.p, n}, base, ret))
		return false;
	u->left.p += n;
	u->left.n -= n;
	return true;
}

static bool take_byte(struct unquoting *u, size_t n, unsigned base)
{
	uint64_t value;

	if (!take_digits(u, n, base, &value) || value > 0xff)
		return false;
	buf_add_char(&u->out, (char)value);
	return true;
}

static bool take_char(struct unquoting *u, size_t n)
{
	uint64_t value;

	return take_digits(u, n, 16, &value) && chars_add(&u->out, value);
}

/* Behind a backslash. */
static bool take_escape(struct unquoting *u, char quote)
{
	static const char from[] = "abfnrtv\\", to[] = "\a\b\f\n\r\t\v\\";
	const char *simple;
	char c;

	if (u->left.n == 0)
		return false;
	c = u->left.p[0];
	if (c >= '0' && c <= '7')
		return take_byte(u, 3, 8);
	u->left.p++;
	u->left.n--;
	if (c == 'x')
		return take_byte(u, 2, 16);
	if (c == 'u' || c == 'U')
		return take_char(u, c == 'u' ? 4 : 8);
	simple = c == quote ? NULL : memchr(from, c, sizeof(from) - 1);
	if (c != quote && simple == NULL)
		return false;
	if (simple != NULL)
		quote = to[simple - from];
	buf_add_char(&u->out, quote);
	return true;
}

static int unquote(const struct lexer *l, struct unquoting *u)
{
	char quote = l->token.text.p[0];

	while (u->left.n > 0) {
		const char *slash = memchr(u->left.p, '\\', u->left.n);
		size_t n = slash == NULL ? u->left.n : (size_t)(slash - u->left.p);

		buf_add(&u->out, u->left.p, n);
		u->left = (struct slice){u->left.p + n, u->left.n - n};
		if (slash == NULL)
			break;
		u->left = (struct slice){slash + 1, u->left.n - 1};
		if (!take_escape(u, quote))
			return lex_fail(l, slash, "unknown escape in a text");
	}
	if (!utf8_is_valid(buf_str(&u->out), u->out.n))
		return lex_fail(l, l->token.text.p, "this text is not UTF-8");
	return 0;
}

static int read_quoted(const struct lexer *l, struct arena *a, struct slice *ret)
{
	struct slice inside = {l->token.text.p + 1, l->token.text.n - 2};
	struct unquoting u = {inside, BUF_NULL};
	int r;

	if (l->token.text.p[0] == '`' || memchr(inside.p, '\\', inside.n) == NULL) {
		*ret = inside;
		return 0;
	}
	r = unquote(l, &u);
	if (r == 0)
		*ret = arena_copy(a, buf_slice(&u.out));
	buf_fini(&u.out);
	return r;
}

static int read_char(const struct lexer *l, struct arena *a, struct slice *ret)
{
	struct slice text;
	char number[16];
	int n, r = read_quoted(l, a, &text);

	if (r != 0)
		return r;
	if (chars_count(text) != 1)
		return lex_fail(l, l->token.text.p,
			"one character fits between ' and '; a text has \" around it");
	n = snprintf(number, sizeof(number), "%" PRIu32, chars_first(text));
	*ret = arena_copy(a, (struct slice){number, (size_t)n});
	return 0;
}

int literal_read(const struct lexer *l, struct arena *a, struct value *ret)
{
	struct slice text = SLICE_NULL;
	int r;

	if (l->token.type == TOKEN_STRING)
		r = read_quoted(l, a, &text);
	else if (l->token.type == TOKEN_CHAR)
		r = read_char(l, a, &text);
	else
		r = read_number(l, a, &text);
	if (r == 0)
		*ret = (struct value){
			.type = l->token.type == TOKEN_STRING ? VALUE_STRING : VALUE_NUMBER,
			.text = text};
	return r;
}
