/* SPDX-License-Identifier: MIT */
/*
 * template/utf8.c - characters of well-formed text: counting, cutting, trimming, upper and lower
 * case.
 *
 * White space and case are Unicode's, as in Go. The case tables are those of the C library's
 * C.UTF-8; where a system has no such locale, only ASCII letters change.
 */
#include <locale.h>
#include <wctype.h>

#include "template/value_internal.h"

#define REPLACEMENT 0xfffd

static bool is_start(char c)
{
	return (c & 0xc0) != 0x80;
}

/* Bytes of the character that starts at p. */
static size_t char_size(struct slice s)
{
	size_t n = 1;

	while (n < s.n && !is_start(s.p[n]))
		n++;
	return n;
}

size_t chars_size(struct slice s, size_t n)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (is_start(s.p[i]) && n-- == 0)
			return i;
	return s.n;
}

size_t chars_count(struct slice s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		if (is_start(s.p[i]))
			n++;
	return n;
}

size_t chars_boundary(struct slice s, size_t at)
{
	if (at >= s.n)
		return s.n;
	while (at > 0 && !is_start(s.p[at]))
		at--;
	return at;
}

uint32_t chars_first(struct slice s)
{
	static const unsigned char lead_bits[] = {0x7f, 0x7f, 0x1f, 0x0f, 0x07};
	size_t n = s.n == 0 ? 0 : MIN_OF(char_size(s), ARRAY_LEN(lead_bits) - 1);
	uint32_t c;

	if (n == 0)
		return 0;
	c = (unsigned char)s.p[0] & lead_bits[n];
	for (size_t i = 1; i < n; i++)
		c = c << 6 | ((unsigned char)s.p[i] & 0x3f);
	return c;
}

bool chars_add(struct buf *out, uint64_t c)
{
	if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return false;
	if (c < 0x80) {
		buf_add_char(out, (char)c);
		return true;
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
	return true;
}

/* White_Space of Unicode, as Go's unicode.IsSpace has it. */
static bool is_space(uint32_t c)
{
	return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
	       (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
	       c == 0x205f || c == 0x3000;
}

struct slice chars_trim(struct slice s)
{
	while (s.n > 0 && is_space(chars_first(s))) {
		size_t n = char_size(s);

		s = (struct slice){s.p + n, s.n - n};
	}
	while (s.n > 0) {
		size_t last = chars_boundary(s, s.n - 1);

		if (!is_space(chars_first((struct slice){s.p + last, s.n - last})))
			break;
		s.n = last;
	}
	return s;
}

/* Made once and kept. */
static locale_t unicode_locale(void)
{
	static locale_t made;

	if (made == (locale_t)0)
		made = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (made == (locale_t)0)
		made = newlocale(LC_CTYPE_MASK, "C", (locale_t)0);
	must(made != (locale_t)0);
	return made;
}

void chars_add_case(struct buf *out, struct slice s, bool is_upper)
{
	char low = is_upper ? 'a' : 'A', high = is_upper ? 'z' : 'Z';
	locale_t unicode = unicode_locale();

	buf_reserve(out, s.n);
	while (s.n > 0) {
		size_t n = char_size(s);
		wint_t c = chars_first(s);

		if (c < 0x80)
			buf_add_char(out, (char)(*s.p >= low && *s.p <= high ? *s.p ^ 0x20 : *s.p));
		else if (!chars_add(
				 out, is_upper ? towupper_l(c, unicode) : towlower_l(c, unicode)))
			buf_add(out, s.p, n);
		s = (struct slice){s.p + n, s.n - n};
	}
}

void chars_add_mended(struct buf *out, struct slice s)
{
	while (s.n > 0) {
		size_t n = utf8_len(s.p, s.n);

		if (n > 0)
			buf_add(out, s.p, n);
		else
			(void)chars_add(out, REPLACEMENT);
		n = MAX_OF(n, (size_t)1);
		s = (struct slice){s.p + n, s.n - n};
	}
}
