/* SPDX-License-Identifier: MIT */
/*
 * base/utf8.c - is it UTF-8, and making foreign text harmless.
 *
 * Well-formed is table 3-7 of the Unicode Standard (RFC 3629 says the same in prose). Cleaning
 * gives well-formed text whatever comes in, and cleaning twice changes nothing: escapes and
 * controls never survive, so taking one out cannot make another from its neighbours.
 *
 * What surprised us: the 8-bit controls U+0080-U+009F start escape sequences on some terminals
 * just as ESC does, and the "tag" characters U+E0000-U+E007F hide whole sentences from people but
 * not from language models.
 */
#include "base/str.h"

enum {
	ESC = 0x1B,
	BEL = 0x07,
	/* 8-bit forms of ESC [ and of the string openers. */
	C1_DCS = 0x90,
	C1_SOS = 0x98,
	C1_CSI = 0x9B,
	C1_ST = 0x9C,
	C1_OSC = 0x9D,
	C1_PM = 0x9E,
	C1_APC = 0x9F,
};

static const struct {
	unsigned char lead_min, lead_max; /* first byte */
	unsigned char next_min, next_max; /* second byte; all others are 80..BF */
	unsigned char n;
} utf8_rows[] = {
	{0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3}, /* no overlong forms */
	{0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, /* no surrogates */
	{0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4},
	{0xF4, 0xF4, 0x80, 0x8F, 4}, /* not above U+10FFFF */
};

/* How many bytes at p start a well-formed character (at least 1), and whether it is whole. */
static size_t scan_char(const char *p, size_t n, bool *ret_is_whole)
{
	unsigned char lead = (unsigned char)p[0];
	size_t row = 0, i;

	*ret_is_whole = lead < 0x80;
	if (lead < 0x80)
		return 1;
	while (row < ARRAY_LEN(utf8_rows) &&
		(lead < utf8_rows[row].lead_min || lead > utf8_rows[row].lead_max))
		row++;
	if (row == ARRAY_LEN(utf8_rows))
		return 1;
	for (i = 1; i < utf8_rows[row].n && i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (i == 1 ? c < utf8_rows[row].next_min || c > utf8_rows[row].next_max
			   : (c & 0xC0) != 0x80)
			break;
	}
	*ret_is_whole = i == utf8_rows[row].n;
	return i;
}

size_t utf8_len(const char *p, size_t n)
{
	bool is_whole;
	size_t len;

	if (n == 0)
		return 0;
	len = scan_char(p, n, &is_whole);
	return is_whole ? len : 0;
}

/* Bytes of plain ASCII at the start, counted eight at a time. */
static size_t ascii_len(const char *p, size_t n)
{
	size_t i = 0;
	uint64_t word;

	for (; n - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, p + i, sizeof(word));
		if (word & UINT64_C(0x8080808080808080))
			break;
	}
	while (i < n && (unsigned char)p[i] < 0x80)
		i++;
	return i;
}

bool utf8_is_valid(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n) {
		size_t len = ascii_len(p + i, n - i);

		if (len == 0)
			len = utf8_len(p + i, n - i);
		if (len == 0)
			return false;
		i += len;
	}
	return true;
}

static uint32_t decode(const char *p, size_t len)
{
	uint32_t c = (unsigned char)p[0];

	if (len == 1)
		return c;
	c &= 0x7FU >> len;
	for (size_t i = 1; i < len; i++)
		c = c << 6 | ((unsigned char)p[i] & 0x3F);
	return c;
}

/* Characters that are left out: they show nothing, or change how others are shown. */
static bool is_unsafe(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{0x00, 0x08}, {0x0B, 0x1F}, {0x7F, 0x9F}, {0x00AD, 0x00AD}, /* soft hyphen */
		{0x061C, 0x061C},                                           /* Arabic letter mark */
		{0x180E, 0x180E},   /* Mongolian vowel separator */
		{0x200B, 0x200F},   /* zero-width space and joiners, bidi marks */
		{0x202A, 0x202E},   /* bidi embeddings and overrides */
		{0x2060, 0x206F},   /* word joiner, invisible operators, bidi isolates */
		{0xFEFF, 0xFEFF},   /* byte order mark */
		{0xFFF9, 0xFFFB},   /* interlinear annotation */
		{0xE0000, 0xE007F}, /* tags */
	};

	for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

/* Bytes of [p, p + n) in lo..hi at its start. */
static size_t span(const char *p, size_t n, unsigned char lo, unsigned char hi)
{
	size_t i = 0;

	while (i < n && (unsigned char)p[i] >= lo && (unsigned char)p[i] <= hi)
		i++;
	return i;
}

/* The rest of a control sequence behind its opener (ECMA-48 section 5.4). */
static size_t csi_len(const char *p, size_t n)
{
	size_t i = span(p, n, 0x30, 0x3F);

	i += span(p + i, n - i, 0x20, 0x2F);
	return i < n && p[i] >= 0x40 && p[i] <= 0x7E ? i + 1 : i;
}

/* The rest of a control string: up to BEL, ST or the end of the line, so that a string nobody ends
 * does not swallow the text that follows. */
static size_t control_string_len(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c == BEL)
			return i + 1;
		if (c == ESC)
			return i + 1 < n && p[i + 1] == '\\' ? i + 2 : i;
		if (c == 0xC2 && i + 1 < n && (unsigned char)p[i + 1] == C1_ST)
			return i + 2;
		if (c == '\n')
			return i;
	}
	return n;
}

/* The length of the escape sequence whose first character (of `len` bytes) is c; 0 if it is none.
 */
static size_t escape_len(uint32_t c, size_t len, const char *p, size_t n)
{
	if (c == ESC && n > 1) {
		size_t i = 1 + span(p + 1, n - 1, 0x20, 0x2F);

		if (i == 1 && p[1] == '[')
			return 2 + csi_len(p + 2, n - 2);
		if (i == 1 && strchr("]PX^_", p[1]) != NULL && p[1] != '\0')
			return 2 + control_string_len(p + 2, n - 2);
		return i + span(p + i, n - i > 0 ? 1 : 0, 0x30, 0x7E);
	}
	if (c == C1_CSI)
		return len + csi_len(p + len, n - len);
	if (c == C1_DCS || c == C1_SOS || c == C1_OSC || c == C1_PM || c == C1_APC)
		return len + control_string_len(p + len, n - len);
	return 0;
}

void utf8_clean(struct buf *out, const char *p, size_t n)
{
	buf_reserve(out, n);
	for (size_t i = 0; i < n;) {
		bool is_whole;
		size_t len = scan_char(p + i, n - i, &is_whole);
		uint32_t c;
		size_t escape;

		if (!is_whole) {
			buf_add_str(out, "\xEF\xBF\xBD");
			i += len;
			continue;
		}
		c = decode(p + i, len);
		escape = escape_len(c, len, p + i, n - i);
		if (escape == 0 && !is_unsafe(c))
			buf_add(out, p + i, len);
		i += escape > 0 ? escape : len;
	}
}
