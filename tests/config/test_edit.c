/* SPDX-License-Identifier: MIT */
/*
 * tests/config/test_edit.c - one scalar of a file is changed, and no other byte.
 */
#include "lib/t.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "config/config-internal.h"
#include "lib/scratch.h"

struct row {
	const char *before, *key, *value, *after;
};

static void expect_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		CLEANUP(buf_fini) struct buf out = BUF_NULL;
		struct err e = CLEAN_ERR;

		if (config_edit_text(
			    slice_of(rows[i].before), rows[i].key, rows[i].value, &out, &e) < 0)
			fail_msg("row %zu: %s", i, e.text);
		assert_string_equal(buf_str(&out), rows[i].after);
	}
}

static void expect_refused(const char *before, const char *key, const char *value, const char *why)
{
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	struct err e = CLEAN_ERR;

	assert_int_equal(config_edit_text(slice_of(before), key, value, &out, &e), -EINVAL);
	assert_int_equal(out.n, 0);
	assert_string_equal(e.text, why);
}

/* --- scalars that are there --- */

static void scalar_is_replaced_in_its_place(void **state UNUSED)
{
	static const struct row rows[] = {
		{"disabled: false\n", "disabled", "true", "disabled: true\n"},
		{"name: a\ndisabled:   no   # why\n# end\n", "disabled", "true",
			"name: a\ndisabled:   true   # why\n# end\n"},
		{"disabled: false", "disabled", "true", "disabled: true"},
		{"disabled:\n", "disabled", "true", "disabled: true\n"},
		{"disabled: # later\n", "disabled", "true", "disabled: true # later\n"},
		{"disabled: ~\r\nname: a\r\n", "disabled", "true", "disabled: true\r\nname: a\r\n"},
		{"\"disabled\": 'no'\n", "disabled", "true", "\"disabled\": true\n"},
		{"'disabled'  :  \"x\\\"y\" # z\n", "disabled", "true",
			"'disabled'  :  true # z\n"},
		{"a: x\n  y\n  z\nb: 1\n", "a", "w", "a: w\nb: 1\n"},
		{"a: |\n  x\n\n  y\n\nb: 1\n", "a", "w", "a: w\n\nb: 1\n"},
		{"a: >-\n  x\n", "a", "w", "a: w\n"},
		{"a: |  # why\r\n  x\r\nb: 1\r\n", "a", "w", "a: w # why\r\nb: 1\r\n"},
		{"a: {b: {c: 1, d: 2}}\n", "a.b.d", "3", "a: {b: {c: 1, d: 3}}\n"},
		{"a:\n  b:\n    c: 1 # one\n    d: 2\n", "a.b.c", "-3",
			"a:\n  b:\n    c: -3 # one\n    d: 2\n"},
		{"{\n\t\"name\": \"a\",\n\t\"disabled\": false\n}\n", "disabled", "true",
			"{\n\t\"name\": \"a\",\n\t\"disabled\": true\n}\n"},
		{"\xef\xbb\xbf"
		 "disabled: false\n",
			"disabled", "true",
			"\xef\xbb\xbf"
			"disabled: true\n"},
		{"# \xc3\xa9\xe2\x82\xac\nx: '\xf0\x9f\x98\x80'\ndisabled: false\n", "disabled",
			"true", "# \xc3\xa9\xe2\x82\xac\nx: '\xf0\x9f\x98\x80'\ndisabled: true\n"},
		{"x: &x no\ndisabled: *x\n", "disabled", "true", "x: &x no\ndisabled: true\n"},
		{"---\ndisabled: no\n...\n", "disabled", "true", "---\ndisabled: true\n...\n"},
		{"a: 1\n", "a", "'it''s'", "a: 'it''s'\n"},
		{"? disabled\n: false\n", "disabled", "true", "? disabled\n: true\n"},
		{"disabled: true\n", "disabled", "true", "disabled: true\n"},
	};

	expect_rows(rows, ARRAY_LEN(rows));
}

/* --- scalars that are not --- */

static void disabled_is_added_below_the_name(void **state UNUSED)
{
	static const struct row rows[] = {
		{"name: a\n", "disabled", "true", "name: a\ndisabled: true\n"},
		{"name: a", "disabled", "true", "name: a\ndisabled: true\n"},
		{"name: a # mine", "disabled", "true", "name: a # mine\ndisabled: true\n"},
		{"name: a # mine\n# end", "disabled", "true",
			"name: a # mine\ndisabled: true\n# end"},
		{"# top\n\nname: a\n\ntrigger:\n  type: manual\n", "disabled", "true",
			"# top\n\nname: a\ndisabled: true\n\ntrigger:\n  type: manual\n"},
		{"name: a\ndescription: |\n  long\n\n  text\n\ntrigger: {}\n", "disabled", "true",
			"name: a\ndescription: |\n  long\n\n  text\ndisabled: true\n\ntrigger: "
			"{}\n"},
		{"name: a\r\nagent: {}\r\n", "disabled", "true",
			"name: a\r\ndisabled: true\r\nagent: {}\r\n"},
		{"{\"name\": \"a\", \"agent\": {}}\n", "disabled", "true",
			"{\"name\": \"a\", \"disabled\": true, \"agent\": {}}\n"},
		{"{\n\t\"name\": \"a\"\n}\n", "disabled", "true",
			"{\n\t\"name\": \"a\",\n\t\"disabled\": true\n}\n"},
		{"{name: a}\n", "disabled", "true", "{name: a, disabled: true}\n"},
		{"{}\n", "disabled", "true", "{\"disabled\": true}\n"},
		{"--- # doc\nname: a\n...\n", "disabled", "true",
			"--- # doc\nname: a\ndisabled: true\n...\n"},
		{"\xef\xbb\xbfname: a\n", "disabled", "true",
			"\xef\xbb\xbfname: a\ndisabled: true\n"},
		{"", "disabled", "true", "disabled: true\n"},
		{"# nothing yet", "disabled", "true", "# nothing yet\ndisabled: true\n"},
		{"---\n", "disabled", "true", "---\ndisabled: true\n"},
	};

	expect_rows(rows, ARRAY_LEN(rows));
}

static void nested_keys_are_added_to_their_section(void **state UNUSED)
{
	static const struct row rows[] = {
		{"a:\n    b: 1\n    # note\nc: 2\n", "a.d", "5",
			"a:\n    b: 1\n    d: 5\n    # note\nc: 2\n"},
		{"a:\n  b:\n  - x\n  - y # z\n\nc: 1\n", "a.d", "5",
			"a:\n  b:\n  - x\n  - y # z\n  d: 5\n\nc: 1\n"},
		{"a:\n  b: {x: 1,\n    y: 2}\n", "a.d", "5",
			"a:\n  b: {x: 1,\n    y: 2}\n  d: 5\n"},
		{"a:\n  b: |\n    text\n\n\nc: 1\n", "a.d", "5",
			"a:\n  b: |\n    text\n  d: 5\n\n\nc: 1\n"},
		{"a:\n  b: |+\n    text\n\n\nc: 1\n", "a.d", "5",
			"a:\n  b: |+\n    text\n\n\n  d: 5\nc: 1\n"},
		{"a:\n  b:\nc: 1\n", "a.d", "5", "a:\n  b:\n  d: 5\nc: 1\n"},
		{"name: a\n", "channel.telegram.chat_id", "-5",
			"name: a\nchannel:\n  telegram:\n    chat_id: -5\n"},
		{"channel:\n  type: telegram\n", "channel.telegram.chat_id", "-5",
			"channel:\n  type: telegram\n  telegram:\n    chat_id: -5\n"},
		{"channel: {type: telegram}\n", "channel.telegram.chat_id", "-5",
			"channel: {type: telegram, telegram: {chat_id: -5}}\n"},
		{"channel:\n", "channel.telegram.chat_id", "5",
			"channel: {telegram: {chat_id: 5}}\n"},
		{"channel: ~ # none\n", "channel.telegram.chat_id", "5",
			"channel: {telegram: {chat_id: 5}} # none\n"},
		{"channel:\n  telegram: {}\n", "channel.telegram.chat_id", "5",
			"channel:\n  telegram: {chat_id: 5}\n"},
		{"{\"channel\": {\"telegram\": {\"bot_token\": \"x\"}}}",
			"channel.telegram.chat_id", "5",
			"{\"channel\": {\"telegram\": {\"bot_token\": \"x\", \"chat_id\": 5}}}"},
		{"x: &x {b: 1}\na: 1\n", "c.d", "5", "x: &x {b: 1}\na: 1\nc:\n  d: 5\n"},
	};

	expect_rows(rows, ARRAY_LEN(rows));
}

/* --- what is refused --- */

static void what_cannot_be_done_right_is_refused(void **state UNUSED)
{
	expect_refused("a: [1]\n", "a", "5",
		"1:4: `a` cannot be set: there is no single value here; change it by hand");
	expect_refused("a:\n  b: 1\n", "a", "5",
		"2:3: `a` cannot be set: there is no single value here; change it by hand");
	expect_refused("a: 1\n", "a.b", "5",
		"1:4: `a.b` cannot be set: a section is needed here; change it by hand");
	expect_refused("- a\n", "a", "5",
		"1:1: `a` cannot be set: a section is needed here; change it by hand");
	expect_refused("x: &x {b: 1}\na: *x\n", "a.b", "5",
		"2:4: `a.b` cannot be set: its section is an alias; change it by hand");
	/* The copy would change, too. */
	expect_refused("x: &x {b: 1}\na: *x\n", "x.b", "5",
		"1:1: `x.b` cannot be set: the file is written in an unusual way; change it by hand");
	expect_refused("a: &x 1\n", "a", "5",
		"1:4: `a` cannot be set: an anchor or a tag stands before its value; change it by "
		"hand");
	expect_refused("a: !!str 1\n", "a", "5",
		"1:4: `a` cannot be set: an anchor or a tag stands before its value; change it by "
		"hand");
	expect_refused("{a}\n", "a", "5",
		"1:1: `a` cannot be set: the file is written in an unusual way; change it by hand");
	expect_refused("? b\n: 1\n", "a", "5",
		"1:1: `a` cannot be set: its section begins in an unusual way; change it by hand");
	expect_refused("a: [\n", "a", "5",
		"2:1: did not find expected node content; something is "
		"missing before this");
	expect_refused(
		"a: 1\na: 2\n", "a", "5", "2:1: the key `a` is here twice; the first is in line 1");
}

static void values_are_one_scalar_on_one_line(void **state UNUSED)
{
	static const char *const bad[] = {"", " ", "[1]", "{a: 1}", "a: b", "1 # no", "x\ny", "1\n",
		"*x", "&x 1", "!!str 1", "'x", " 1", "1 ", "|", "# x"};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CLEANUP(buf_fini) struct buf out = BUF_NULL;
		struct err e = CLEAN_ERR;

		if (config_edit_text(SLICE_LIT("a: 1\n"), "a", bad[i], &out, &e) != -EINVAL)
			fail_msg("row %zu is taken", i);
	}
	/* Right for itself and wrong where it would stand. */
	expect_refused("{a: 1}\n", "a", "x, b: 2", "the new value is not one value on one line");
	expect_refused("{a: 1}\n", "a", "x]",
		"1:1: `a` cannot be set: the file is written in an unusual way; change it by hand");
}

static void keys_are_names_with_dots(void **state UNUSED)
{
	static const char *const bad[] = {"", ".", "a.", ".a", "a..b", "a b", "a:", "a\nb", "a#"};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CLEANUP(buf_fini) struct buf out = BUF_NULL;
		struct err e = CLEAN_ERR;

		assert_int_equal(
			config_edit_text(SLICE_LIT("a: 1\n"), bad[i], "5", &out, &e), -EINVAL);
	}
}

/* --- every other byte --- */

/* Pieces that are put together in every order; a key of each is set. */
static const struct {
	const char *text, *key, *old;
} pieces[] = {
	{"# a comment: with a colon\n\n", NULL, NULL},
	{"name: 'x' # c\n", "name", "'x'"},
	{"list:\n- 1\n-   two  \n", NULL, NULL},
	{"plain: some words\n  go on\n", "plain", "some words\n  go on"},
	{"lit: |-\n  a: b\n\n  # no comment\n\n", "lit", "|-\n  a: b\n\n  # no comment"},
	{"sect:\n    in:  3\t# tab\n    'q': {x: \"\\\"\", y: }\n", "sect.in", "3"},
	{"\"q k\": 1\n", NULL, NULL},
	{"nul:\n", "nul", ""},
	{"uni: \"\xc3\xa9\\u00e9\" #\xe2\x82\xac\n", "uni", "\"\xc3\xa9\\u00e9\""},
};

static void check_pieces(const size_t order[3], bool crlf)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;

	for (size_t i = 0; i < 3; i++) {
		for (const char *c = pieces[order[i]].text; *c != '\0'; c++) {
			if (*c == '\n' && crlf)
				buf_add_char(&text, '\r');
			buf_add_char(&text, *c);
		}
	}
	for (size_t i = 0; i < 3; i++) {
		const char *key = pieces[order[i]].key;
		CLEANUP(buf_fini) struct buf out = BUF_NULL;
		struct err e = CLEAN_ERR;
		size_t front = 0, back = 0, old;

		if (!key)
			continue;
		assert_int_equal(config_edit_text(buf_slice(&text), key, "NEW", &out, &e), 0);
		while (front < text.n && text.p[front] == out.p[front])
			front++;
		while (back < text.n - front &&
			text.p[text.n - 1 - back] == out.p[out.n - 1 - back])
			back++;
		/* Between what is the same in front and behind, the old value alone is gone. */
		old = strlen(pieces[order[i]].old);
		for (const char *c = pieces[order[i]].old; *c != '\0'; c++)
			old += *c == '\n' && crlf;
		assert_true(text.n - front - back <= old);
		assert_true(out.n - front - back <= strlen(" NEW"));
		assert_int_equal(out.n, text.n - old + strlen("NEW") + (old == 0));
	}
}

static void all_other_bytes_stay(void **state UNUSED)
{
	const size_t n = ARRAY_LEN(pieces);

	for (size_t i = 0; i < n * n * n; i++) {
		const size_t order[3] = {i % n, i / n % n, i / n / n};

		if (order[0] == order[1] || order[1] == order[2] || order[0] == order[2])
			continue;
		check_pieces(order, false);
		check_pieces(order, true);
	}
}

/* --- the file --- */

static char *expect_file(const char *path, const char *text, mode_t mode)
{
	char *got = scratch_read(path);
	struct stat st;

	assert_string_equal(got, text);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
	return got;
}

static void file_keeps_its_mode_and_its_link(void **state)
{
	struct scratch *s = *state;
	const char *file = scratch_file(s, "real.yaml", "disabled: no\n");
	const char *link = scratch_path(s, "link.yaml");
	struct err e = CLEAN_ERR;
	struct stat st;

	assert_int_equal(symlink("real.yaml", link), 0);
	assert_int_equal(chmod(file, 0640), 0);
	assert_int_equal(config_edit(link, "disabled", "true", &e), 0);
	free(expect_file(file, "disabled: true\n", 0640));
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
}

static void file_that_says_so_already_is_not_written(void **state)
{
	struct scratch *s = *state;
	const char *file = scratch_file(s, "a.yaml", "disabled: true\n");
	struct err e = CLEAN_ERR;
	struct stat before, after;

	assert_int_equal(stat(file, &before), 0);
	assert_int_equal(config_edit(file, "disabled", "true", &e), 0);
	assert_int_equal(stat(file, &after), 0);
	assert_true(before.st_ino == after.st_ino);
}

static void what_is_no_file_is_refused(void **state)
{
	struct scratch *s = *state;
	const char *file = scratch_path(s, "x.yaml");
	struct err e = CLEAN_ERR;

	assert_int_equal(config_edit(file, "disabled", "true", &e), -ENOENT);
	assert_int_equal(mkfifo(file, 0600), 0);
	assert_int_equal(config_edit(file, "disabled", "true", &e), -EINVAL);
	assert_non_null(strstr(e.text, "is a FIFO"));
	assert_int_equal(unlink(file), 0);
	(void)scratch_file(s, "x.yaml", "a: [\n");
	assert_int_equal(config_edit(file, "disabled", "true", &e), -EINVAL);
	assert_non_null(strstr(e.text, "x.yaml: 2:1: did not find"));
}

static void file_does_not_grow_beyond_what_is_read(void **state)
{
	struct scratch *s = *state;
	CLEANUP(buf_fini) struct buf b = BUF_NULL;
	const char *file;
	struct err e = CLEAN_ERR;

	buf_add_str(&b, "a: 1\n#");
	while (b.n < YAML_MAX)
		buf_add_char(&b, 'x');
	file = scratch_file(s, "big.yaml", buf_str(&b));
	assert_int_equal(config_edit(file, "a", "2", &e), 0);
	assert_int_equal(config_edit(file, "a", "22", &e), -EINVAL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scalar_is_replaced_in_its_place),
		cmocka_unit_test(disabled_is_added_below_the_name),
		cmocka_unit_test(nested_keys_are_added_to_their_section),
		cmocka_unit_test(what_cannot_be_done_right_is_refused),
		cmocka_unit_test(values_are_one_scalar_on_one_line),
		cmocka_unit_test(keys_are_names_with_dots),
		cmocka_unit_test(all_other_bytes_stay),
		TEST(file_keeps_its_mode_and_its_link),
		TEST(file_that_says_so_already_is_not_written),
		TEST(what_is_no_file_is_refused),
		TEST(file_does_not_grow_beyond_what_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
