/* SPDX-License-Identifier: MIT */
/*
 * tests/base/test_scan.c - the strict scanner: what it refuses, what it indexes, every limit at
 * one below, at and one above, and a differential test against jansson on generated documents.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <jansson.h>

#include "base/limits.h"
#include "base/scan.h"
#include "cmocka.h" /* quoted: it must follow the headers above */

static int scan_text(const char *text, size_t n)
{
	struct scan s = SCAN_NULL_INDEX;
	struct err e = CLEAN_ERR;
	int r = scan_parse(&s, text, n, &e);

	if (r != 0) {
		assert_null(s.nodes);
		assert_true(e.code < 0 && str_has_prefix(e.text, "byte "));
	}
	scan_fini(&s);
	return r;
}

static void check_all(const char *const *texts, size_t count, int expected)
{
	for (size_t i = 0; i < count; i++) {
		int r = scan_text(texts[i], strlen(texts[i]));

		if (r != expected)
			print_message("%s: got %d\n", texts[i], r);
		assert_int_equal(r, expected);
	}
}

static void json_texts_are_accepted(void **state)
{
	static const char *const good[] = {"null", "true", "false", "0", "-0", "10", "1.5", "1e5",
		"1E+5", "1e-5", "-1.25e10", "123456789012345678901234567890", "\"\"", "\"text\"",
		"[]", "{}", "[ ]", "{ }", " [1 , 2] ", "{\"a\":1}", "\t{\"a\" : [ {} ]}\r\n",
		"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\"", "\"\\ud83d\\ude00\"", "\"\\u0000\"",
		"\"\x7f\"", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"", "\"\xef\xbb\xbf\"",
		"{\"\":{\"\":1}}", "{\"a\":1,\"A\":2,\"aa\":3}", "[1,1,1]", "[{\"a\":1},{\"a\":1}]",
		"1e999", "\"12345678901234567 long enough\""};

	(void)state;
	check_all(good, ARRAY_LEN(good), 0);
}

static void texts_that_are_not_json_are_refused(void **state)
{
	static const char *const bad[] = {"", " ", "nul", "nulll", "True", "tru", "+1", "01", "1.",
		".5", "1.e5", "1e", "1e+", "-", "--1", "1 2", "[1,]", "[,1]", "[1 2]", "[", "]",
		"{", "}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{a:1}", "{'a':1}", "{1:2}",
		"{\"a\" 1}", "{\"a\":1 \"b\":2}", "[1}", "{\"a\":1]", "\"", "\"abc", "\"\\\"",
		"\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\", "\"a\nb\"", "\"a\tb\"", "\"\x01\"",
		"\"long enough for eight \x1f bytes\"", "[1]]", "{} {}", "/**/1", "NaN", "Infinity",
		"0x10", "\xef\xbb\xbf{}", "\"a\"\"b\"", "[1,", "{\"a\":1,", "\f1", "\v1",
		"\xc2\xa0"
		"1"};

	(void)state;
	check_all(bad, ARRAY_LEN(bad), SCAN_E_SYNTAX);
	assert_int_equal(scan_text("1\0", 2), SCAN_E_SYNTAX);
	assert_int_equal(scan_text("\"a\0b\"", 5), SCAN_E_SYNTAX);
	assert_int_equal(scan_text(NULL, 0), SCAN_E_SYNTAX);
}

static void text_that_is_no_unicode_is_refused(void **state)
{
	static const char *const bad[] = {"\"\xff\"", "\"\x80\"", "\"\xc0\x80\"", "\"\xc1\xbf\"",
		"\"\xe0\x80\x80\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"",
		"\"\xf8\x88\x80\x80\x80\"", "\"\xe2\x82\"", "\"\xe2\x82",
		"\"plain text before \xff it\"", "\xff", "[1,\xfe]", "{\"\xff\":1}", "\"\\ud800\"",
		"\"\\udc00\"", "\"\\ud800\\ud800\"", "\"\\ud800x\"", "\"\\ud800\\u0041\"",
		"\"\\ud800\\n\"", "\"\\udbff\\uff00\"", "\"\\uDEAD\""};

	(void)state;
	check_all(bad, ARRAY_LEN(bad), SCAN_E_UTF8);
}

static void member_names_are_unique_after_unescaping(void **state)
{
	static const char *const bad[] = {"{\"a\":1,\"a\":1}", "{\"a\":1,\"\\u0061\":2}",
		"{\"\\u0061\":1,\"a\":2}", "{\"\\n\":1,\"\\u000a\":2}", "{\"\":1,\"\":2}",
		"[{\"x\":{\"b\":1,\"c\":2,\"b\":3}}]", "{\"a\\/b\":1,\"a/b\":2}",
		"{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}"};

	(void)state;
	check_all(bad, ARRAY_LEN(bad), SCAN_E_DUPLICATE);
}

/* An object of n members; member `twin` (if below n) is named like the first. */
static struct buf members(size_t n, size_t twin, bool escape)
{
	struct buf b = BUF_NULL;

	buf_add_char(&b, '{');
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%s\"%s%zu\":%zu", i > 0 ? "," : "", escape ? "\\u006b" : "k",
			i == twin ? 0 : i, i);
	buf_add_char(&b, '}');
	return b;
}

static void repeated_name_is_found_in_objects_of_any_size(void **state)
{
	static const size_t sizes[] = {2, 3, 16, 255, 256, 257, 1000, SCAN_KEYS_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		size_t n = sizes[i];

		for (int escape = 0; escape < 2; escape++) {
			CLEANUP(buf_fini) struct buf fine = members(n, n, escape == 1);
			CLEANUP(buf_fini) struct buf last = members(n, n - 1, escape == 1);
			CLEANUP(buf_fini) struct buf middle = members(n, (n + 1) / 2, escape == 1);

			assert_int_equal(scan_text(fine.p, fine.n), 0);
			assert_int_equal(scan_text(last.p, last.n), SCAN_E_DUPLICATE);
			assert_int_equal(scan_text(middle.p, middle.n), SCAN_E_DUPLICATE);
		}
	}
}

static void member_limit_counts_all_objects_together(void **state)
{
	CLEANUP(buf_fini) struct buf below = members(SCAN_KEYS_MAX - 1, SCAN_KEYS_MAX, false);
	CLEANUP(buf_fini) struct buf at = members(SCAN_KEYS_MAX, SCAN_KEYS_MAX, false);
	CLEANUP(buf_fini) struct buf above = members(SCAN_KEYS_MAX + 1, SCAN_KEYS_MAX + 1, false);
	CLEANUP(buf_fini) struct buf many = BUF_NULL;

	(void)state;
	assert_int_equal(scan_text(below.p, below.n), 0);
	assert_int_equal(scan_text(at.p, at.n), 0);
	assert_int_equal(scan_text(above.p, above.n), SCAN_E_SIZE);
	buf_add_char(&many, '[');
	for (size_t i = 0; i < SCAN_KEYS_MAX; i++)
		buf_add_str(&many, "{\"a\":1},");
	buf_add_str(&many, "{}]");
	assert_int_equal(scan_text(many.p, many.n), 0);
	many.n -= 3;
	buf_add_str(&many, "{\"a\":1}]");
	assert_int_equal(scan_text(many.p, many.n), SCAN_E_SIZE);
}

/* An array with n - 1 zeros: n values. */
static int scan_values(size_t n)
{
	CLEANUP(buf_fini) struct buf b = BUF_NULL;

	buf_reserve(&b, 2 * n + 2);
	buf_add_char(&b, '[');
	for (size_t i = 0; i + 2 < n; i++)
		buf_add(&b, "0,", 2);
	buf_add_str(&b, "0]");
	return scan_text(b.p, b.n);
}

static void value_limit_bounds_the_index(void **state)
{
	(void)state;
	assert_int_equal(scan_values(SCAN_VALUES_MAX - 1), 0);
	assert_int_equal(scan_values(SCAN_VALUES_MAX), 0);
	assert_int_equal(scan_values(SCAN_VALUES_MAX + 1), SCAN_E_SIZE);
}

static int scan_nested(size_t depth, const char *open, const char *close)
{
	CLEANUP(buf_fini) struct buf b = BUF_NULL;

	for (size_t i = 0; i < depth; i++)
		buf_add_str(&b, open);
	buf_add_char(&b, '1');
	for (size_t i = 0; i < depth; i++)
		buf_add_str(&b, close);
	return scan_text(b.p, b.n);
}

static void depth_limit_holds_for_arrays_and_objects(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		size_t depth = SCAN_DEPTH_MAX - 1 + i;
		int expected = depth <= SCAN_DEPTH_MAX ? 0 : SCAN_E_DEPTH;

		assert_int_equal(scan_nested(depth, "[", "]"), expected);
		assert_int_equal(scan_nested(depth, "{\"a\":", "}"), expected);
	}
	assert_int_equal(scan_nested(100000, "[", "]"), SCAN_E_DEPTH);
}

static void every_cut_of_a_document_is_refused(void **state)
{
	static const char text[] = "{\"a\":[1.5e+3,true,null,\"\\ud83d\\ude00\xc3\xa9\"],\"b\":{}}";

	(void)state;
	assert_int_equal(scan_text(text, strlen(text)), 0);
	for (size_t n = 0; n < strlen(text); n++) {
		/* An exact copy, so that a read behind it is seen by the sanitizer. */
		CLEANUP(freep) char *exact = n == 0 ? NULL : xreallocarray(NULL, n, 1);

		if (n > 0)
			memcpy(exact, text, n);
		assert_int_not_equal(scan_text(exact, n), 0);
	}
}

static void position_of_the_fault_is_told(void **state)
{
	struct scan s = SCAN_NULL_INDEX;
	struct err e = CLEAN_ERR;

	(void)state;
	assert_int_equal(scan_parse(&s, "[1,?]", 5, &e), SCAN_E_SYNTAX);
	assert_string_equal(e.text, "byte 3: a value is missing");
	assert_int_equal(scan_parse(&s, "{\"a\":1,\"b\":2,\"a\":3}", 19, &e), SCAN_E_DUPLICATE);
	assert_string_equal(e.text, "byte 14: this name is there twice");
	assert_int_equal(scan_parse(&s, "[1,?]", 5, NULL), SCAN_E_SYNTAX);
}

static const char sample[] =
	" {\"n\": 1.10, \"s\":\"a\\u00e9\\n\\\"b\", \"list\" : [ 10 , [ ] , {\"x\" : \"a b\"} ], "
	"\"k\\u0065y\":true, \"7\":null, \"big\":12345678901234567890 } ";

static struct scan sample_index(void)
{
	struct scan s = SCAN_NULL_INDEX;

	assert_int_equal(scan_parse(&s, sample, strlen(sample), NULL), 0);
	return s;
}

static void check_print(const struct scan *s, const struct scan_node *node, const char *expected)
{
	CLEANUP(buf_fini) struct buf out = BUF_NULL;

	assert_non_null(node);
	scan_print(&out, s, node);
	assert_string_equal(buf_str(&out), expected);
}

static void members_and_elements_are_found_and_print_as_sent(void **state)
{
	CLEANUP(scan_fini) struct scan s = sample_index();
	const struct scan_node *root = &s.nodes[0],
			       *list = scan_member(&s, root, SLICE_LIT("list"));

	(void)state;
	assert_int_equal(root->type, SCAN_OBJECT);
	assert_int_equal(root->children, 6);
	check_print(&s, scan_member(&s, root, SLICE_LIT("n")), "1.10");
	check_print(&s, scan_member(&s, root, SLICE_LIT("s")), "a\xc3\xa9\n\"b");
	check_print(&s, scan_member(&s, root, SLICE_LIT("key")), "true");
	check_print(&s, scan_member(&s, root, SLICE_LIT("7")), "null");
	check_print(&s, scan_member(&s, root, SLICE_LIT("big")), "12345678901234567890");
	assert_null(scan_member(&s, root, SLICE_LIT("absent")));
	assert_null(scan_member(&s, root, SLICE_LIT("")));
	assert_null(scan_member(&s, list, SLICE_LIT("x")));
	check_print(&s, scan_element(&s, list, 0), "10");
	check_print(&s, scan_element(&s, list, 1), "[]");
	check_print(&s, scan_element(&s, list, 2), "{\"x\":\"a b\"}");
	assert_null(scan_element(&s, list, 3));
	assert_null(scan_element(&s, root, 0));
	check_print(&s, list, "[10,[],{\"x\":\"a b\"}]");
	check_print(&s, root,
		"{\"n\":1.10,\"s\":\"a\\u00e9\\n\\\"b\",\"list\":[10,[],{\"x\":\"a b\"}],"
		"\"k\\u0065y\":true,\"7\":null,\"big\":12345678901234567890}");
}

static void children_are_walked_in_order(void **state)
{
	CLEANUP(scan_fini) struct scan s = sample_index();
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	const struct scan_node *list = scan_member(&s, &s.nodes[0], SLICE_LIT("list"));

	(void)state;
	for (const struct scan_node *it = scan_first(&s, &s.nodes[0]); it != NULL;
		it = scan_next(&s, it)) {
		scan_unescape(&out, it->key);
		buf_add_char(&out, ' ');
	}
	assert_string_equal(buf_str(&out), "n s list key 7 big ");
	assert_null(scan_first(&s, scan_element(&s, list, 1)));
	assert_null(scan_first(&s, scan_element(&s, list, 0)));
	assert_null(scan_next(&s, &s.nodes[0]));
}

static void escapes_are_resolved_to_utf8(void **state)
{
	static const char *const cases[][2] = {{"", ""}, {"plain", "plain"},
		{"\\b\\f\\n\\r\\t\\/\\\\\\\"", "\b\f\n\r\t/\\\""}, {"\\u0041\\u007f", "A\x7f"},
		{"\\u0080\\u07ff", "\xc2\x80\xdf\xbf"},
		{"\\u0800\\uffff", "\xe0\xa0\x80\xef\xbf\xbf"},
		{"\\ud800\\udc00\\uDBFF\\uDFFF", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"},
		{"a\\u00e9z", "a\xc3\xa9z"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_fini) struct buf out = BUF_NULL;

		scan_unescape(&out, slice_of(cases[i][0]));
		assert_string_equal(buf_str(&out), cases[i][1]);
	}
}

/* --- differential --- */

static uint64_t random_state;

static unsigned pick(unsigned bound)
{
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(random_state >> 33) % bound;
}

static void generate_string(struct buf *out)
{
	static const char *const pieces[] = {"a", "b", "k", "xyz", " ", "\\n", "\\u0041", "\\u00e9",
		"\\ud83d\\ude00", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\\\\", "\\\"",
		"/", "0123456789abcdef"};

	buf_add_char(out, '"');
	for (unsigned n = pick(4); n > 0; n--)
		buf_add_str(out, pieces[pick(ARRAY_LEN(pieces))]);
	buf_add_char(out, '"');
}

static void generate_space(struct buf *out)
{
	static const char *const spaces[] = {"", "", "", " ", "\n", "\t", "\r\n  "};

	buf_add_str(out, spaces[pick(ARRAY_LEN(spaces))]);
}

static void generate(struct buf *out, unsigned depth);

static void generate_children(struct buf *out, unsigned depth, bool is_object)
{
	for (unsigned n = pick(5), i = 0; i < n; i++) {
		if (i > 0)
			buf_add_char(out, ',');
		generate_space(out);
		if (is_object) {
			generate_string(out);
			buf_add_char(out, ':');
		}
		generate(out, depth + 1);
		generate_space(out);
	}
}

static void generate(struct buf *out, unsigned depth)
{
	static const char *const scalars[] = {
		"null", "true", "false", "0", "-1", "12.5", "1e5", "2E-3"};
	unsigned kind = pick(depth > 5 ? 2 : 4);

	if (kind == 0) {
		buf_add_str(out, scalars[pick(ARRAY_LEN(scalars))]);
	} else if (kind == 1) {
		generate_string(out);
	} else {
		buf_add_char(out, kind == 2 ? '[' : '{');
		generate_children(out, depth, kind == 3);
		buf_add_char(out, kind == 2 ? ']' : '}');
	}
}

static void damage(struct buf *b)
{
	static const char bytes[] = "\"\\{}[],:0-.eE+u \n\x01\x80\xc3\xff";
	size_t at = pick((unsigned)b->n);

	if (pick(2) == 0) {
		b->p[at] = bytes[pick(sizeof(bytes) - 1)];
		return;
	}
	memmove(b->p + at, b->p + at + 1, b->n - at);
	b->n--;
}

static bool jansson_accepts(const struct buf *b)
{
	json_error_t e;
	json_t *j = json_loadb(
		buf_str(b), b->n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &e);
	bool is_fine = j != NULL || json_error_code(&e) == json_error_numeric_overflow;

	json_decref(j);
	return is_fine;
}

static void scanner_and_jansson_agree_on_generated_documents(void **state)
{
	unsigned good = 0, bad = 0;

	(void)state;
	random_state = 20261120;
	for (unsigned i = 0; i < 20000; i++) {
		CLEANUP(buf_fini) struct buf b = BUF_NULL;
		bool ours, theirs;

		generate(&b, 0);
		for (unsigned n = i % 3; n > 0 && b.n > 1; n--)
			damage(&b);
		ours = scan_text(b.p, b.n) == 0;
		theirs = jansson_accepts(&b);
		if (ours != theirs)
			print_message("%u: ours %d: %.*s\n", i, ours, SLICE_ARG(buf_slice(&b)));
		assert_int_equal(ours, theirs);
		good += ours;
		bad += !ours;
	}
	assert_true(good > 5000 && bad > 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_texts_are_accepted),
		cmocka_unit_test(texts_that_are_not_json_are_refused),
		cmocka_unit_test(text_that_is_no_unicode_is_refused),
		cmocka_unit_test(member_names_are_unique_after_unescaping),
		cmocka_unit_test(repeated_name_is_found_in_objects_of_any_size),
		cmocka_unit_test(member_limit_counts_all_objects_together),
		cmocka_unit_test(value_limit_bounds_the_index),
		cmocka_unit_test(depth_limit_holds_for_arrays_and_objects),
		cmocka_unit_test(every_cut_of_a_document_is_refused),
		cmocka_unit_test(position_of_the_fault_is_told),
		cmocka_unit_test(members_and_elements_are_found_and_print_as_sent),
		cmocka_unit_test(children_are_walked_in_order),
		cmocka_unit_test(escapes_are_resolved_to_utf8),
		cmocka_unit_test(scanner_and_jansson_agree_on_generated_documents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
