/* SPDX-License-Identifier: MIT */
/*
 * tests/base/test_mask_forms.c - what a secret looks like in JSON, in URLs and in base64, and how
 * much of that is looked for.
 */
#include "base/crypto.h"
#include "base/mask_internal.h"
#include "lib/t.h"

/* Masks text for one value; the caller frees. */
static char *masked(const char *value, const char *text)
{
	struct strv values = STRV_NULL;
	struct buf out = BUF_NULL;
	struct mask *m;

	strv_add(&values, value);
	m = mask_new(&values);
	assert_non_null(m);
	mask_text(m, slice_of(text), &out);
	mask_unref(m);
	strv_fini(&values);
	return buf_steal(&out);
}

static void expect(const char *value, const char *text, const char *expected)
{
	char *got = masked(value, text);

	assert_string_equal(got, expected);
	free(got);
}

static void forms_are_hidden(const char *value, const char *const *forms, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *text = xasprintf("{\"k\":\"%s\"}\n", forms[i]);

		expect(value, text, "{\"k\":\"" MASK_WORD "\"}\n");
		free(text);
	}
}

static void json_forms_are_hidden(void **state)
{
	static const char *const quotes[] = {
		"say \"yes\\no\"", "say \\\"yes\\\\no\\\"", "say \\u0022yes\\\\no\\u0022"};
	static const char *const slashes[] = {"a/b/c/d/e", "a\\/b\\/c\\/d\\/e"};
	static const char *const html[] = {"p<w>&=+'`x", "p\\u003cw\\u003e\\u0026=+'`x",
		"p\\u003Cw\\u003E\\u0026=+'`x", "p\\u003cw\\u003e\\u0026\\u003d+\\u0027`x",
		"p\\u003Cw\\u003E\\u0026=\\u002B\\u0027\\u0060x"};
	static const char *const wide[] = {"p\xC3\xA4ss/\xF0\x9F\x94\x91",
		"p\\u00e4ss/\\ud83d\\udd11", "p\\u00E4ss/\\uD83D\\uDD11",
		"p\\u00e4ss\\/\\ud83d\\udd11", "p\xC3\xA4ss\\/\xF0\x9F\x94\x91"};
	static const char *const lines[] = {"<\xC3\xA4>\xE2\x80\xA8\xE2\x80\xA9<>",
		"\\u003c\xC3\xA4\\u003e\\u2028\\u2029\\u003c\\u003e", "<\\u00e4>\\u2028\\u2029<>"};
	static const char *const controls[] = {
		"a\tb\b\f\x01xyz", "a\\tb\\b\\f\\u0001xyz", "a\\tb\\b\\f\\u0001xyz"};
	static const char *const broken[] = {"bad\xFF\"bytes", "bad\xFF\\\"bytes"};

	(void)state;
	forms_are_hidden(quotes[0], quotes, ARRAY_LEN(quotes));
	forms_are_hidden(slashes[0], slashes, ARRAY_LEN(slashes));
	forms_are_hidden(html[0], html, ARRAY_LEN(html));
	forms_are_hidden(wide[0], wide, ARRAY_LEN(wide));
	forms_are_hidden(lines[0], lines, ARRAY_LEN(lines));
	forms_are_hidden(controls[0], controls, ARRAY_LEN(controls));
	forms_are_hidden(broken[0], broken, ARRAY_LEN(broken));
	expect("a/b/c/d/e", "a\\/b\\/c/d\\/e", "a\\/b\\/c/d\\/e");
}

static void percent_forms_are_hidden(void **state)
{
	static const char *const forms[] = {"a /?\xC3\xA4~(k)*:x",
		"a%20%2F%3F%C3%A4~%28k%29%2A%3Ax", "a%20%2f%3f%c3%a4~%28k%29%2a%3ax",
		"a+%2F%3F%C3%A4~%28k%29%2A%3Ax", "a%20/%3F%C3%A4~%28k%29%2A%3Ax",
		"a%20%2F%3F%C3%A4~(k)*%3Ax", "a+%2F%3F%C3%A4%7E%28k%29*%3Ax",
		"a%20%2F%3F%C3%A4~%28k%29%2A:x", "a%20/?%C3%A4~(k)*:x"};

	(void)state;
	forms_are_hidden(forms[0], forms, ARRAY_LEN(forms));
	expect("tilde~tilde", "tilde%7Etilde", MASK_WORD);
	expect("a /?bcdefg", "a%20%2F%3fbcdefg", "a%20%2F%3fbcdefg");
}

static void to_url(char *text)
{
	for (; *text != '\0'; text++)
		*text = *text == '+' ? '-' : *text == '/' ? '_' : *text;
}

/* The value between `before` and `after` other bytes: of its own characters none is left. */
static void try_base64(const char *value, size_t before, size_t after, bool is_url)
{
	static const char around[] = "\xFB\xEF\xBE?~>\xFF\xFE";
	struct buf in = BUF_NULL, text = BUF_NULL;
	size_t n = strlen(value), first = (8 * before + 5) / 6, end = 8 * (before + n) / 6;
	char *expected, *got;

	buf_add(&in, around, before);
	buf_add_str(&in, value);
	buf_add(&in, around, after);
	base64_encode(&text, in.p, in.n);
	if (is_url)
		to_url(text.p);
	expected = xasprintf("%.*s%s%s", (int)first, text.p, MASK_WORD, text.p + end);
	got = masked(value, text.p);
	assert_string_equal(got, expected);
	free(expected);
	free(got);
	buf_fini(&in);
	buf_fini(&text);
}

static void base64_is_hidden_at_any_offset(void **state)
{
	static const char *const values[] = {"12345678", "123456789", "1234567890",
		"\xFB\xEF\xBE\xFF\xFF\xFF~~~\?\?\?>>>",
		"p\xC3\xA4ssword with \"quotes\" and / more"};

	(void)state;
	for (size_t v = 0; v < ARRAY_LEN(values); v++) {
		for (size_t before = 0; before <= 6; before++) {
			for (size_t after = 0; after <= 3; after++) {
				try_base64(values[v], before, after, false);
				try_base64(values[v], before, after, true);
			}
		}
	}
}

static void wrapped_base64_is_hidden_line_by_line(void **state)
{
	static const char value[] = "The value is longer than one line of base64 has room for, so "
				    "that there are three lines of it, whichever width they have.";
	static const size_t widths[] = {64, 76};
	struct buf text = BUF_NULL;

	(void)state;
	base64_encode(&text, value, strlen(value));
	for (size_t w = 0; w < ARRAY_LEN(widths); w++) {
		size_t n = widths[w];
		char *wrapped, *got;

		assert_true(text.n > 2 * n - 8 && text.n < 3 * n - 8);
		wrapped = xasprintf("%.*s\n%.*s\n%s\n", (int)n, text.p, (int)MIN_OF(n, text.n - n),
			text.p + n, text.n > 2 * n ? text.p + 2 * n : "");
		got = masked(value, wrapped);
		assert_true(str_has_prefix(got, "<redacted>\n<redacted>"));
		assert_true(strlen(got) < strlen("<redacted>\n<redacted>\n<redacted>\n") + 5);
		free(wrapped);
		free(got);
	}
	buf_fini(&text);
}

/* What is left of a line of base64 on the next one. */
static void try_last_line(size_t value_n, size_t left, bool is_found)
{
	char *value = xcalloc(value_n + 1, 1), *text, *got;
	struct buf out = BUF_NULL;

	for (size_t i = 0; i < value_n; i++)
		value[i] = (char)('!' + i);
	base64_encode(&out, value, value_n);
	assert_int_equal(8 * value_n / 6 - 76, left);
	text = xasprintf("%.76s\n%.*s\n", out.p, (int)left, out.p + 76);
	got = masked(value, text);
	assert_true(str_eq(got, "<redacted>\n<redacted>\n") == is_found);
	free(value);
	free(text);
	free(got);
	buf_fini(&out);
}

static void last_line_of_wrapped_base64_has_the_length_of_a_value(void **state)
{
	(void)state;
	try_last_line(62, MASK_VALUE_MIN - 2, false); /* there is none of MASK_VALUE_MIN - 1 */
	try_last_line(63, MASK_VALUE_MIN, true);
	try_last_line(64, MASK_VALUE_MIN + 1, true);
}

static void lines_of_a_value_are_values(void **state)
{
	static const char pem[] = "-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA\r\n  indented line \n"
				  "short\n\n-----END KEY-----\n";

	(void)state;
	expect(pem, "x MIIEpAIBAAKCAQEA y", "x <redacted> y");
	expect(pem, pem, "<redacted>\n<redacted>\r\n  <redacted> \nshort\n\n<redacted>\n");
	expect(pem, "indented line", "<redacted>");
	/* The whole, too, where its form is on one line. */
	expect(pem,
		"{\"k\":\"-----BEGIN KEY-----\\nMIIEpAIBAAKCAQEA\\r\\n  indented line \\nshort\\n\\n"
		"-----END KEY-----\\n\"}",
		"{\"k\":\"<redacted>\\n\"}");
	expect(pem,
		"k=-----BEGIN%20KEY-----%0AMIIEpAIBAAKCAQEA%0D%0A%20%20indented%20line%20%0Ashort"
		"%0A%0A-----END%20KEY-----%0A",
		"k=<redacted>%0A");
	expect("1234567\nabcdefg", "1234567 abcdefg 1234567\\nabcdefg",
		"1234567 abcdefg <redacted>");
	expect("\n \t12345678 \r\n", "12345678\n", "<redacted>\n");
}

static void whole_value_is_hidden_in_base64(void **state)
{
	static const char value[] = "line one\nline two\nx\nline four";
	struct buf text = BUF_NULL;
	char *got;

	(void)state;
	base64_encode(&text, value, strlen(value));
	got = masked(value, text.p);
	assert_true(strlen(got) <= strlen(MASK_WORD) + 3);
	free(got);
	buf_fini(&text);
}

/* --- limits --- */

/* Text in which no stretch comes twice soon. */
static char *long_text(size_t n)
{
	struct buf b = BUF_NULL;

	for (unsigned i = 0; b.n < n; i++)
		buf_printf(&b, "%x-", i * 2654435761U);
	b.p[n] = '\0';
	b.n = n;
	return buf_steal(&b);
}

static void expect_short_forms(const char *value)
{
	struct strv values = STRV_NULL, forms = STRV_NULL;

	strv_add(&values, value);
	mask_forms(&forms, &values);
	for (size_t i = 0; i < forms.n; i++)
		assert_in_range(strlen(forms.v[i]), MASK_VALUE_MIN, 4 * MASK_VALUE_MAX / 3);
	assert_in_range(strlen(forms.v[0]), MASK_VALUE_MIN, MASK_VALUE_MAX);
	strv_fini(&values);
	strv_fini(&forms);
}

static void long_values_are_hidden_whole(void **state)
{
	static const size_t lengths[] = {MASK_VALUE_MAX - 1, MASK_VALUE_MAX, MASK_VALUE_MAX + 1,
		MASK_VALUE_MAX + MASK_VALUE_MIN, 2 * MASK_VALUE_MAX, 5 * MASK_VALUE_MAX + 77};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		char *value = long_text(lengths[i]);

		expect(value, value, MASK_WORD);
		expect_short_forms(value);
		free(value);
	}
}

/* A value whose JSON form has n bytes: \u0001 and letters. */
static void try_form_of(size_t n, bool is_found)
{
	struct buf value = BUF_NULL, text = BUF_NULL;
	char *got;

	for (size_t i = 0; i < n / 6; i++) {
		buf_add_char(&value, 1);
		buf_add_str(&text, "\\u0001");
	}
	for (size_t i = 0; i < n % 6; i++) {
		buf_add_char(&value, 'z');
		buf_add_char(&text, 'z');
	}
	assert_int_equal(text.n, n);
	got = masked(value.p, text.p);
	assert_true(str_eq(got, MASK_WORD) == is_found);
	assert_true(str_eq(got, text.p) != is_found);
	free(got);
	buf_fini(&value);
	buf_fini(&text);
}

static void forms_above_the_maximum_are_not_looked_for(void **state)
{
	(void)state;
	try_form_of(MASK_FORM_MAX - 1, true);
	try_form_of(MASK_FORM_MAX, true);
	try_form_of(MASK_FORM_MAX + 1, false);
}

/* Bytes of the forms that are not the values themselves. */
static size_t room_taken(const struct strv *values)
{
	struct strv forms = STRV_NULL;
	size_t n = 0;

	mask_forms(&forms, values);
	for (size_t i = values->n; i < forms.n; i++)
		n += strlen(forms.v[i]);
	assert_true(n <= MASK_FORMS_MAX);
	strv_fini(&forms);
	return n;
}

/* Values that leave room for some thousand bytes, and are no longer than 900. */
static void fill(struct strv *values)
{
	while (room_taken(values) < MASK_FORMS_MAX - KIB(8)) {
		char *value = long_text(900);

		value[0] = (char)('A' + values->n);
		strv_take(values, value);
	}
}

static void try_room_for(const struct strv *filled, size_t n, bool is_found)
{
	struct strv values = STRV_NULL;
	struct buf out = BUF_NULL, form = BUF_NULL;
	struct mask *m;
	char *value = long_text(n - 1);

	value[n - 2] = '"';
	buf_add(&form, value, n - 2);
	buf_add_str(&form, "\\\"");
	strv_copy(&values, filled);
	strv_add(&values, value);
	m = mask_new(&values);
	mask_text(m, buf_slice(&form), &out);
	assert_true(str_eq(out.p, MASK_WORD) == is_found);
	/* What it is itself is always looked for. */
	buf_clear(&out);
	mask_text(m, slice_of(value), &out);
	assert_string_equal(out.p, MASK_WORD);
	mask_unref(m);
	strv_fini(&values);
	buf_fini(&form);
	buf_fini(&out);
	free(value);
}

static void forms_of_the_longest_values_are_given_up_first(void **state)
{
	struct strv values = STRV_NULL;
	size_t left;

	(void)state;
	fill(&values);
	left = MASK_FORMS_MAX - room_taken(&values);
	assert_true(left > KIB(1));
	try_room_for(&values, left - 1, true);
	try_room_for(&values, left, true);
	try_room_for(&values, left + 1, false);
	strv_fini(&values);
}

static void short_values_keep_their_forms_beside_long_ones(void **state)
{
	struct strv values = STRV_NULL;
	struct buf text = BUF_NULL, out = BUF_NULL;
	struct mask *m;

	(void)state;
	for (size_t i = 0; i < 40; i++)
		strv_take(&values, long_text(MASK_VALUE_MAX - i));
	strv_add(&values, "short but secret");
	base64_encode(&text, "short but secret", 16);
	m = mask_new(&values);
	mask_text(m, buf_slice(&text), &out);
	assert_true(str_has_prefix(out.p, MASK_WORD));
	assert_true(room_taken(&values) <= MASK_FORMS_MAX);
	mask_unref(m);
	strv_fini(&values);
	buf_fini(&text);
	buf_fini(&out);
}

static void same_value_twice_takes_room_once(void **state)
{
	struct strv once = STRV_NULL, twice = STRV_NULL;

	(void)state;
	strv_add(&once, "one value/");
	strv_add(&twice, "one value/");
	strv_add(&twice, "  one value/\n");
	assert_int_equal(room_taken(&once), room_taken(&twice));
	strv_fini(&once);
	strv_fini(&twice);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_forms_are_hidden),
		cmocka_unit_test(percent_forms_are_hidden),
		cmocka_unit_test(base64_is_hidden_at_any_offset),
		cmocka_unit_test(wrapped_base64_is_hidden_line_by_line),
		cmocka_unit_test(last_line_of_wrapped_base64_has_the_length_of_a_value),
		cmocka_unit_test(lines_of_a_value_are_values),
		cmocka_unit_test(whole_value_is_hidden_in_base64),
		cmocka_unit_test(long_values_are_hidden_whole),
		cmocka_unit_test(forms_above_the_maximum_are_not_looked_for),
		cmocka_unit_test(forms_of_the_longest_values_are_given_up_first),
		cmocka_unit_test(short_values_keep_their_forms_beside_long_ones),
		cmocka_unit_test(same_value_twice_takes_room_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
