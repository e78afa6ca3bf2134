/* SPDX-License-Identifier: MIT */
#include "base/limits.h"
#include "config/home.h"
#include "config/yaml-internal.h"
#include "lib/t.h"

/* One text, read. */
struct read {
	struct problems problems;
	struct node *root;
};

static void read_fini(struct read *r)
{
	problems_fini(&r->problems);
	node_free(r->root);
}

static void read_bytes(struct read *r, const char *p, size_t n)
{
	struct report report = report_start(&r->problems, "f");

	r->root = yaml_read(&report, (struct slice){p, n});
	report_finish(&report);
	assert_true((r->root == NULL) == report.is_fatal);
}

static void expect(const char *text, const char *problem)
{
	CLEANUP(read_fini) struct read r = {0};
	CLEANUP(freep) char *got = NULL;

	read_bytes(&r, text, strlen(text));
	got = problems_text(&r.problems);
	assert_string_equal(got, problem);
}

static void expect_buf(const struct buf *b, const char *problem)
{
	CLEANUP(read_fini) struct read r = {0};
	CLEANUP(freep) char *got = NULL;

	read_bytes(&r, buf_str(b), b->n);
	got = problems_text(&r.problems);
	assert_string_equal(got, problem);
}

static const struct node *member(const struct node *map, const char *key)
{
	assert_int_equal(map->kind, NODE_MAP);
	for (size_t i = 0; i < map->n; i++) {
		if (str_eq(map->items[i].key, key))
			return map->items[i].value;
	}
	fail_msg("no key %s", key);
	return NULL;
}

/* --- what is read --- */

static void nodes_keep_their_places(void **state UNUSED)
{
	CLEANUP(read_fini) struct read r = {0};
	static const char text[] = "a: 1\n"
				   "bc:\n"
				   "  - x\n"
				   "  - {d: 'y', \"e\": z}\n"
				   "f: |\n"
				   "    text\n";
	const struct node *list, *map;

	read_bytes(&r, text, strlen(text));
	assert_int_equal(member(r.root, "a")->line, 1);
	assert_int_equal(member(r.root, "a")->column, 4);
	list = member(r.root, "bc");
	assert_int_equal(list->kind, NODE_LIST);
	assert_int_equal(list->n, 2);
	assert_int_equal(list->items[0].value->line, 3);
	assert_int_equal(list->items[0].value->column, 5);
	map = list->items[1].value;
	assert_int_equal(map->items[0].line, 4);
	assert_int_equal(map->items[0].column, 6);
	assert_int_equal(member(map, "e")->column, 19);
	assert_int_equal(member(r.root, "f")->line, 5);
	assert_string_equal(member(r.root, "f")->text, "text\n");
}

static void quotes_make_a_string(void **state UNUSED)
{
	CLEANUP(read_fini) struct read r = {0};
	static const char text[] =
		"a: 1\nb: \"1\"\nc: '1'\nd: !!str 1\ne: ! 1\nf: |\n 1\ng: >\n 1\n";
	static const enum node_style styles[] = {STYLE_PLAIN, STYLE_QUOTED, STYLE_QUOTED,
		STYLE_QUOTED, STYLE_QUOTED, STYLE_LITERAL, STYLE_FOLDED};

	read_bytes(&r, text, strlen(text));
	assert_int_equal(r.root->n, ARRAY_LEN(styles));
	for (size_t i = 0; i < r.root->n; i++)
		assert_int_equal(r.root->items[i].value->style, styles[i]);
}

static void plain_nothing_is_null(void **state UNUSED)
{
	CLEANUP(read_fini) struct read r = {0};
	static const char text[] = "a:\nb: ~\nc: null\nd: ''\ne: 'null'\nf: []\ng: nil\n";
	static const bool nulls[] = {true, true, true, false, false, false, false};

	read_bytes(&r, text, strlen(text));
	for (size_t i = 0; i < r.root->n; i++)
		assert_int_equal(node_is_null(r.root->items[i].value), nulls[i]);
	assert_true(node_is_null(NULL));
}

static void file_without_anything_is_null(void **state UNUSED)
{
	static const char *const texts[] = {"", "\n", "# only a comment\n", "---\n", "--- \n...\n"};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		CLEANUP(read_fini) struct read r = {0};

		read_bytes(&r, texts[i], strlen(texts[i]));
		assert_true(r.root != NULL && node_is_null(r.root));
	}
}

static void json_is_read_too(void **state UNUSED)
{
	CLEANUP(read_fini) struct read r = {0};
	static const char text[] =
		"{\n\t\"a\": {\"b\": [1, true, null, \"x\\u00e9\\/\"]},\n\t\"c\": -1.5e3\n}\n";
	const struct node *list;

	read_bytes(&r, text, strlen(text));
	list = member(member(r.root, "a"), "b");
	assert_int_equal(list->n, 4);
	assert_string_equal(list->items[3].value->text, "x\xc3\xa9/");
	assert_int_equal(list->items[3].value->style, STYLE_QUOTED);
}

static void byte_order_mark_is_skipped(void **state UNUSED)
{
	CLEANUP(read_fini) struct read r = {0};

	read_bytes(&r, "\xef\xbb\xbfname: c\nb: d\n", 16);
	assert_string_equal(member(r.root, "name")->text, "c");
	assert_string_equal(member(r.root, "b")->text, "d");
	assert_int_equal(member(r.root, "name")->column, 7);
}

static void alias_is_a_copy_at_its_own_place(void **state UNUSED)
{
	CLEANUP(read_fini) struct read r = {0};
	static const char text[] = "a: &x {k: [1, 2]}\nb: *x\n";
	const struct node *copy;

	read_bytes(&r, text, strlen(text));
	copy = member(member(r.root, "b"), "k");
	assert_int_equal(copy->n, 2);
	assert_string_equal(copy->items[1].value->text, "2");
	assert_int_equal(copy->line, 2);
	assert_int_equal(copy->column, 4);
}

static void anchor_given_again_means_the_newer_node(void **state UNUSED)
{
	CLEANUP(read_fini) struct read r = {0};
	static const char text[] = "a: &x 1\nb: &x 2\nc: *x\n";

	read_bytes(&r, text, strlen(text));
	assert_string_equal(member(r.root, "c")->text, "2");
}

/* --- what is refused --- */

static void syntax_errors_have_their_place(void **state UNUSED)
{
	expect("a: [1, 2\nb: 3\n",
		"2:2: did not find expected ',' or ']' (while parsing a flow sequence that begins in line 1); the closing bracket is missing");
	expect("a: b: c\n",
		"1:5: mapping values are not allowed in this context; a text with a colon and a "
		"blank in it must be in quotes");
	expect("a: 'x\n",
		"2:1: found unexpected end of stream (while scanning a quoted scalar that "
		"begins in line 1); the closing quote is missing");
	expect("a: @x\n",
		"1:4: found character that cannot start any token; a text that begins with it "
		"must be in quotes");
	expect("a: 1\n b: 2\n",
		"2:3: mapping values are not allowed in this context; a text with a colon and a "
		"blank in it must be in quotes");
	expect("a:\n    b: 1\n  c: 2\n",
		"3:3: did not find expected key (while parsing a block mapping that begins in line "
		"1); is the line indented as those above it?");
	expect("a: \"\\d\"\n",
		"1:5: found unknown escape character; in single quotes a backslash is just that");
	expect("a: {b: 1\n",
		"2:1: did not find expected ',' or '}' (while parsing a flow mapping that begins in "
		"line 1); the closing brace is missing");
	expect("a:\n\tb: 1\n", "2:1: a tab cannot indent; use spaces");
	expect("a:\n  b: 1\n\tc: 2\n", "3:1: a tab cannot indent; use spaces");
}

static void key_twice_is_refused_at_the_second(void **state UNUSED)
{
	expect("a: 1\nb: 2\na: 3\n", "3:1: the key `a` is here twice; the first is in line 1");
	expect("m:\n  x: {k: 1, l: 2, k: 3}\n",
		"2:19: the key `k` is here twice; the first is in line 2");
	expect("a: 1\n\"a\": 3\n", "2:1: the key `a` is here twice; the first is in line 1");
	expect("x: {k: 1}\ny: {k: 1}\n", "");
}

static void many_keys_are_compared_in_time(void **state UNUSED)
{
	CLEANUP(buf_fini) struct buf b = BUF_NULL;

	for (unsigned i = 0; b.n < YAML_MAX - 32; i++)
		buf_printf(&b, "%x:\n", i);
	expect_buf(&b, "");
}

static void second_document_is_refused(void **state UNUSED)
{
	expect("a: 1\n---\nb: 2\n", "2:1: a second document begins here; only one is read");
	expect("---\na: 1\n...\n", "");
}

static void unknown_tags_are_refused(void **state UNUSED)
{
	expect("a: !mine 1\n", "1:4: this tag is not understood; leave it out");
	expect("a: !!binary aGk=\n", "1:4: this tag is not understood; leave it out");
	expect("a: !!python/object:os.system x\n", "1:4: this tag is not understood; leave it out");
	expect("a: !!set {x}\n", "1:4: this tag is not understood; leave it out");
	expect("!mine a: 1\n", "1:1: this tag is not understood; leave it out");
	expect("a: !!int 1\nb: !!map {}\nc: !!seq []\n", "");
}

static void keys_are_plain_words(void **state UNUSED)
{
	expect("? [a]\n: 1\n", "1:3: a key must be a plain word");
	expect("a: &x y\n*x : 1\n", "2:1: a key must be a plain word");
	expect("<<: {a: 1}\n", "1:1: merge keys are not understood; write the keys out");
	expect("\"<<\": 1\n", "");
}

static void unquoted_template_gets_a_hint(void **state UNUSED)
{
	expect("a: {{ .body.x }}\n", "1:5: a text that begins with {{ must be in quotes");
}

static void bytes_that_are_no_text_are_refused(void **state UNUSED)
{
	CLEANUP(read_fini) struct read r = {0};
	CLEANUP(freep) char *got = NULL;

	read_bytes(&r, "a: x\nb: \0y\n", 11);
	got = problems_text(&r.problems);
	assert_string_equal(got,
		"2:4: this byte may not be in a text file (control characters are not allowed)");
	expect("a: 1\nb: x\x07\n",
		"2:5: this byte may not be in a text file (control characters are not allowed)");
	expect("a: \xff\n",
		"1:4: this byte may not be in a text file (invalid leading UTF-8 octet)");
	expect("a: \xc3(\n",
		"1:5: this byte may not be in a text file (invalid trailing UTF-8 octet)");
	expect("a: \"x\\0y\"\n", "1:4: a NUL character may not be in a value");
	expect("\"x\\0y\": 1\n", "1:1: a NUL character may not be in a value");
}

static void alias_needs_its_anchor_before_it(void **state UNUSED)
{
	expect("a: *x\n", "1:4: this alias has no anchor before it");
	expect("a: &x [1, *x]\n", "1:11: this alias stands inside its own anchor");
	expect("a: &x 1\nb: &x [*x]\n", "2:8: this alias stands inside its own anchor");
}

/* --- limits --- */

static void file_may_have_yaml_max_bytes(void **state UNUSED)
{
	for (int over = -1; over <= 1; over++) {
		CLEANUP(buf_fini) struct buf b = BUF_NULL;

		buf_add_str(&b, "a: 1\n#");
		while (b.n < (size_t)((int)YAML_MAX + over))
			buf_add_char(&b, 'x');
		expect_buf(&b, over > 0 ? "1:1: larger than 256 KiB" : "");
	}
}

static void nesting(struct buf *out, const char *open, const char *close, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_add_str(out, open);
	for (size_t i = 0; i < n; i++)
		buf_add_str(out, close);
}

static void nesting_may_be_yaml_depth_max_deep(void **state UNUSED)
{
	for (int over = -1; over <= 1; over++) {
		CLEANUP(buf_fini) struct buf b = BUF_NULL;

		nesting(&b, "[", "]", (size_t)(YAML_DEPTH_MAX + over));
		expect_buf(&b,
			over > 0 ? "1:33: nested deeper than 32 levels; no key needs that" : "");
	}
}

static void depth_counts_below_an_alias_too(void **state UNUSED)
{
	for (int over = -1; over <= 1; over++) {
		CLEANUP(buf_fini) struct buf b = BUF_NULL;

		buf_add_str(&b, "a: &x ");
		nesting(&b, "[", "]", 16);
		buf_add_str(&b, "\nb: ");
		for (int i = 0; i < YAML_DEPTH_MAX - 17 + over; i++)
			buf_add_str(&b, "[");
		buf_add_str(&b, " *x ");
		for (int i = 0; i < YAML_DEPTH_MAX - 17 + over; i++)
			buf_add_str(&b, "]");
		expect_buf(&b,
			over > 0 ? "2:21: nested deeper than 32 levels; no key needs that" : "");
	}
}

static void deep_flow_ends_early(void **state UNUSED)
{
	CLEANUP(buf_fini) struct buf b = BUF_NULL;

	while (b.n < YAML_MAX)
		buf_add_char(&b, '[');
	expect_buf(&b, "1:33: nested deeper than 32 levels; no key needs that");
}

static void aliases_may_be_expanded_yaml_aliases_max_times(void **state UNUSED)
{
	for (int over = -1; over <= 1; over++) {
		CLEANUP(buf_fini) struct buf b = BUF_NULL;

		buf_add_str(&b, "a: &x 1\nb:\n");
		for (int i = 0; i < YAML_ALIASES_MAX + over; i++)
			buf_add_str(&b, "- *x\n");
		expect_buf(&b,
			over > 0
				? "1003:3: aliases are expanded more than 1000 times; write the values out"
				: "");
	}
}

static void alias_bomb_is_refused(void **state UNUSED)
{
	CLEANUP(buf_fini) struct buf b = BUF_NULL;

	buf_add_str(&b, "a0: &a0 [x]\n");
	for (int i = 1; i <= 9; i++) {
		buf_printf(&b, "a%d: &a%d [", i, i);
		for (int k = 0; k < 9; k++)
			buf_printf(&b, "%s*a%d", k ? ", " : "", i - 1);
		buf_add_str(&b, "]\n");
	}
	expect_buf(&b, "5:10: aliases are expanded more than 1000 times; write the values out");
}

static void copies_of_a_large_node_are_bounded(void **state UNUSED)
{
	CLEANUP(buf_fini) struct buf b = BUF_NULL;

	buf_add_str(&b, "a: &x ");
	while (b.n < 200000)
		buf_add_char(&b, 'x');
	buf_add_str(&b, "\nb: [");
	for (int i = 0; i < 6; i++)
		buf_add_str(&b, "*x , ");
	buf_add_str(&b, "]\n");
	expect_buf(&b, "2:30: aliases make the file larger than 1024 KiB; write the values out");
}

static void at_most_report_max_problems_of_a_file_are_told(void **state UNUSED)
{
	CLEANUP(one_fini) struct one o = {0};
	CLEANUP(buf_fini) struct buf b = BUF_NULL;

	for (int i = 0; i < REPORT_MAX + 10; i++)
		buf_printf(&b, "zzz%d: 1\n", i);
	one_pylon(&o, buf_str(&b));
	assert_int_equal(o.problems.n, REPORT_MAX + 1);
	assert_string_equal(o.problems.v[REPORT_MAX].text,
		"has 11 more problems, which are not shown"); /* the name is missing, too */
}

static void quoted_text_is_cleaned_and_cut(void **state UNUSED)
{
	CLEANUP(freep) char *escape = report_quote("a\x1b[31mb\nc");
	CLEANUP(freep) char *at = NULL, *over = NULL, *wide = NULL;
	CLEANUP(buf_fini) struct buf b = BUF_NULL;

	assert_string_equal(escape, "ab c");
	while (b.n < 64)
		buf_add_char(&b, 'x');
	at = report_quote(buf_str(&b));
	assert_int_equal(strlen(at), 64);
	buf_add_char(&b, 'x');
	over = report_quote(buf_str(&b));
	assert_int_equal(strlen(over), 67);
	buf_clear(&b);
	while (b.n < 66)
		buf_add_str(&b, "\xe2\x82\xac");
	wide = report_quote(buf_str(&b));
	assert_true(utf8_is_valid(wide, strlen(wide)));
	assert_int_equal(strlen(wide), 66);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nodes_keep_their_places),
		cmocka_unit_test(quotes_make_a_string),
		cmocka_unit_test(plain_nothing_is_null),
		cmocka_unit_test(file_without_anything_is_null),
		cmocka_unit_test(json_is_read_too),
		cmocka_unit_test(byte_order_mark_is_skipped),
		cmocka_unit_test(alias_is_a_copy_at_its_own_place),
		cmocka_unit_test(anchor_given_again_means_the_newer_node),
		cmocka_unit_test(syntax_errors_have_their_place),
		cmocka_unit_test(key_twice_is_refused_at_the_second),
		cmocka_unit_test(many_keys_are_compared_in_time),
		cmocka_unit_test(second_document_is_refused),
		cmocka_unit_test(unknown_tags_are_refused),
		cmocka_unit_test(keys_are_plain_words),
		cmocka_unit_test(unquoted_template_gets_a_hint),
		cmocka_unit_test(bytes_that_are_no_text_are_refused),
		cmocka_unit_test(alias_needs_its_anchor_before_it),
		cmocka_unit_test(file_may_have_yaml_max_bytes),
		cmocka_unit_test(nesting_may_be_yaml_depth_max_deep),
		cmocka_unit_test(depth_counts_below_an_alias_too),
		cmocka_unit_test(deep_flow_ends_early),
		cmocka_unit_test(aliases_may_be_expanded_yaml_aliases_max_times),
		cmocka_unit_test(alias_bomb_is_refused),
		cmocka_unit_test(copies_of_a_large_node_are_bounded),
		cmocka_unit_test(at_most_report_max_problems_of_a_file_are_told),
		cmocka_unit_test(quoted_text_is_cleaned_and_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
