/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "base/str.h"
#include "cmocka.h" /* quoted: it must follow the headers above */

#define FFFD "\xEF\xBF\xBD"

/* The encoding of c by the plain rule, surrogates and all. */
static size_t encode(uint32_t c, char ret[4])
{
	static const unsigned char leads[] = {0, 0x00, 0xC0, 0xE0, 0xF0};
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = n; i > 1; i--, c >>= 6)
		ret[i - 1] = (char)(0x80 | (c & 0x3F));
	ret[0] = (char)(leads[n] | c);
	return n;
}

static void every_character_is_valid_and_no_surrogate(void **state)
{
	char text[4];

	(void)state;
	for (uint32_t c = 0; c <= 0x10FFFF; c++) {
		size_t n = encode(c, text);
		bool is_surrogate = c >= 0xD800 && c <= 0xDFFF;

		assert_true(utf8_is_valid(text, n) == !is_surrogate);
		assert_int_equal(utf8_len(text, n), is_surrogate ? 0 : n);
		if (n > 1)
			assert_false(utf8_is_valid(text, n - 1));
	}
}

static void ill_formed_bytes_are_refused(void **state)
{
	static const char *const bad[] = {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80",
		"\xE0\x9F\xBF", "\xED\xA0\x80", "\xED\xBF\xBF", "\xF0\x80\x80\x80",
		"\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFE", "\xFF", "\xC3(",
		"\xE2\x82(", "12345678\xFF", "1234567\xC3"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(utf8_is_valid(bad[i], strlen(bad[i])));
	assert_true(utf8_is_valid(NULL, 0));
	assert_int_equal(utf8_len(NULL, 0), 0);
	assert_true(utf8_is_valid("12345678 \xC3\xA4 12345678", 20));
}

static void cleans_to(const char *in, size_t n, const char *expected)
{
	struct buf out = BUF_NULL;

	utf8_clean(&out, in, n);
	assert_string_equal(buf_str(&out), expected);
	buf_fini(&out);
}

#define CLEANS(in, expected) cleans_to(in, sizeof(in) - 1, expected)

static void plain_text_stays(void **state)
{
	(void)state;
	CLEANS("", "");
	CLEANS("a\tb\nc", "a\tb\nc");
	CLEANS("\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x98\x80", "\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x98\x80");
}

static void ill_formed_bytes_become_replacement_characters(void **state)
{
	(void)state;
	CLEANS("a\xFFz", "a" FFFD "z");
	/* One for each longest part of a character (Unicode 15, section 3.9). */
	CLEANS("\xF1\x80\x80\xE1\x80\xC2"
	       "b",
		FFFD FFFD FFFD "b");
	CLEANS("\xE2\x82", FFFD);
	CLEANS("\xED\xA0\x80", FFFD FFFD FFFD);
}

static void controls_are_left_out(void **state)
{
	(void)state;
	CLEANS("a\0b\rc\x07"
	       "d\x7F"
	       "e\x08",
		"abcde");
	CLEANS("a\r\nb", "a\nb");
	CLEANS("a\xC2\x85"
	       "b\xC2\x9C"
	       "c",
		"abc");
}

static void invisible_and_bidi_characters_are_left_out(void **state)
{
	(void)state;
	CLEANS("a\xE2\x80\xAE"
	       "b\xE2\x81\xA6"
	       "c\xD8\x9C"
	       "d",
		"abcd");
	CLEANS("a\xE2\x80\x8B"
	       "b\xE2\x80\x8D"
	       "c\xEF\xBB\xBF"
	       "d\xE2\x81\xA0",
		"abcd");
	CLEANS("a\xF3\xA0\x81\x81"
	       "b",
		"ab");
	/* The neighbours of the ranges stay. */
	CLEANS("\xE2\x80\x8A\xE2\x80\x90", "\xE2\x80\x8A\xE2\x80\x90");
}

static void escape_sequences_go_whole(void **state)
{
	(void)state;
	CLEANS("\x1B[31mred\x1B[0m", "red");
	CLEANS("\x1B[38;5;196;1 qx", "x");
	CLEANS("\x1B]0;title\x07x", "x");
	CLEANS("\x1B]8;;http://e.example\x1B\\link\x1B]8;;\x1B\\", "link");
	CLEANS("\x1BP1$r\x1B\\x\x1B_apc\x1B\\y\x1B^pm\x1B\\z\x1BXsos\x1B\\.", "xyz.");
	CLEANS("\x1B(Bx\x1B"
	       "7y\x1B=z\x1B"
	       "c.",
		"xyz.");
	CLEANS("\xC2\x9B"
	       "31mred\xC2\x9D"
	       "0;t\xC2\x9C"
	       "x",
		"redx");
}

static void broken_escape_sequences_do_not_swallow_what_follows(void **state)
{
	(void)state;
	CLEANS("a\x1B", "a");
	CLEANS("a\x1B[", "a");
	CLEANS("a\x1B[12;", "a");
	CLEANS("a\x1B[3\nb", "a\nb");
	CLEANS("\x1B]0;no end\nnext", "\nnext");
	CLEANS("\x1B]0;a\x1B[1mb", "b");
	CLEANS("\x1B\xC3\xA4", "\xC3\xA4");
	CLEANS("\x1B[\xC3\xA4", "\xC3\xA4");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_character_is_valid_and_no_surrogate),
		cmocka_unit_test(ill_formed_bytes_are_refused),
		cmocka_unit_test(plain_text_stays),
		cmocka_unit_test(ill_formed_bytes_become_replacement_characters),
		cmocka_unit_test(controls_are_left_out),
		cmocka_unit_test(invisible_and_bidi_characters_are_left_out),
		cmocka_unit_test(escape_sequences_go_whole),
		cmocka_unit_test(broken_escape_sequences_do_not_swallow_what_follows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
