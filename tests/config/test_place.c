/* SPDX-License-Identifier: MIT */
/*
 * tests/config/test_place.c - from a byte of a value back to its place in the file. The word @@
 * stands once in every text, so where it must be found is known without any YAML.
 */
#include "config/home.h"
#include "config/yaml-internal.h"
#include "lib/t.h"

static void where_it_stands(const char *file, int *ret_line, int *ret_column)
{
	const char *at = strstr(file, "@@");

	assert_non_null(at);
	*ret_line = *ret_column = 1;
	for (const char *p = file + (str_has_prefix(file, "\xef\xbb\xbf") ? 3 : 0); p < at; p++) {
		if (*p == '\n') {
			++*ret_line;
			*ret_column = 1;
		} else if (((unsigned char)*p & 0xc0) != 0x80) {
			++*ret_column;
		}
	}
}

/* The first scalar below a map or list that has the word in it. */
static const struct node *find(const struct node *n)
{
	const struct node *found = NULL;

	if (n->kind == NODE_SCALAR)
		return strstr(n->text, "@@") ? n : NULL;
	for (size_t i = 0; !found && i < n->n; i++)
		found = find(n->items[i].value);
	return found;
}

static void words_are_found_whatever_the_style(void **state UNUSED)
{
	static const char *const files[] = {
		"a: x @@ y\n",
		"a: x@@\n",
		"b: 1\na: 'it''s @@'\n",
		"a: '@@'\n",
		"a: \"@@\"\n",
		"a: \"\\tx \\\"y\\\" \\u00e9 \\x41 @@ \\n z\"\n",
		"a: \"x \\\n   y @@\"\n",
		"a: \"x\n\n   y @@\"\n",
		"a: x\n  y\n\n  z @@\n",
		"a: |\n  one\n\n    two\n  three @@\n",
		"a: |-\n\n  @@\n",
		"a: |2\n    x @@\n",
		"a: >\n  one\n  two\n\n    more\n  @@\n",
		"a: > # why\n  one @@\n",
		"\xc3\xa9: \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 @@\n",
		"a: |\n  \xc3\xa9\xc3\xa9\n  \xf0\x9f\x98\x80 @@\n",
		"a: |\r\n  one\r\n  two @@\r\n",
		"a: x\r\n  y @@\r\n",
		"\xef\xbb\xbf# mark\na: x @@\n",
		"\xef\xbb\xbf"
		"a: x @@\nb: 1\n",
		"{\n\t\"k\": \"\\\"v\\\" \\\\ @@\"\n}\n",
		"a: [x, 'y', \"z @@\"]\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		CLEANUP(problems_fini) struct problems problems = {NULL, 0};
		struct report r = report_start(&problems, "f");
		CLEANUP(node_freep) struct node *root = yaml_read(&r, slice_of(files[i]));
		const struct node *n = root ? find(root) : NULL;
		int line, column, want_line, want_column;

		if (!n)
			fail_msg("row %zu is not read", i);
		where_it_stands(files[i], &want_line, &want_column);
		assert_true(node_place(n, slice_of(files[i]),
			(size_t)(strstr(n->text, "@@") - n->text), &line, &column));
		if (line != want_line || column != want_column)
			fail_msg("row %zu: %d:%d and not %d:%d", i, line, column, want_line,
				want_column);
	}
}

static void expect_place(const char *file, size_t offset, int want_line, int want_column)
{
	CLEANUP(problems_fini) struct problems problems = {NULL, 0};
	struct report r = report_start(&problems, "f");
	CLEANUP(node_freep) struct node *root = yaml_read(&r, slice_of(file));
	int line = 0, column = 0;

	assert_non_null(root);
	assert_int_equal(
		node_place(root->items[root->n - 1].value, slice_of(file), offset, &line, &column),
		want_line > 0);
	assert_int_equal(line, want_line);
	assert_int_equal(column, want_column);
}

static void blanks_and_the_end_have_places_too(void **state UNUSED)
{
	expect_place("a: b c\n", 0, 1, 4);
	expect_place("a: b c\n", 1, 1, 5);
	expect_place("a: b c\n", 3, 1, 7);
	expect_place("a: b c\n", 99, 1, 7);
	expect_place("a: 'b c'\n", 3, 1, 8);
	expect_place("a: ' b'\n", 0, 1, 5);
	expect_place("a: |\n  bc\n", 2, 2, 5);
	expect_place("a: |\n  bc\n", 3, 2, 5);
}

static void copies_and_tagged_values_have_no_place_inside(void **state UNUSED)
{
	expect_place("a: &x bc\nb: *x\n", 1, 0, 0);
	expect_place("a: &x bc\n", 1, 0, 0);
	expect_place("a: !!str bc\n", 1, 0, 0);
	expect_place("a:\n", 0, 0, 0);
	expect_place("a: [b]\n", 0, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_found_whatever_the_style),
		cmocka_unit_test(blanks_and_the_end_have_places_too),
		cmocka_unit_test(copies_and_tagged_values_have_no_place_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
