/* SPDX-License-Identifier: MIT */
#include "config/env-internal.h"
#include "lib/t.h"

static struct env_file read_file(const char *text, bool first_wins)
{
	struct env_file f = ENV_FILE_NULL;

	env_parse(&f, slice_of(text), first_wins);
	return f;
}

static void expect_lookup(const char *text, bool first_wins, const char *name, const char *value)
{
	CLEANUP(env_file_fini) struct env_file f = read_file(text, first_wins);
	struct env e = {.own = &f};
	const char *got = env_lookup(&e, slice_of(name));

	if (value)
		assert_string_equal(got ? got : "(not set)", value);
	else
		assert_null(got);
}

static void lines_are_names_and_values(void **state UNUSED)
{
	expect_lookup("A=x", false, "A", "x");
	expect_lookup("  A \t=  x y \r\n", false, "A", "x y");
	expect_lookup("A=x=y", false, "A", "x=y");
	expect_lookup("A=", false, "A", "");
	expect_lookup("A='x' # no comment", false, "A", "'x' # no comment");
	expect_lookup("\n\n#A=1\nB=2", false, "A", NULL);
	expect_lookup("\n\n#A=1\nB=2", false, "B", "2");
	expect_lookup("nothing here\nA=1\n", false, "A", "1");
	expect_lookup("export A=1", false, "A", NULL);
	expect_lookup("export A=1", false, "export A", "1");
	expect_lookup("", false, "A", NULL);
	expect_lookup("=x", false, "A", NULL);
	expect_lookup("\xef\xbb\xbf"
		      "A=x\n",
		false, "A", "x"); /* a byte order mark */
	expect_lookup("B=\nA=\xef\xbb\xbfx\n", false, "A", "\xef\xbb\xbfx");
}

static void of_duplicates_the_last_counts_in_a_pylons_file(void **state UNUSED)
{
	expect_lookup("A=1\nA=2\n", false, "A", "2");
	expect_lookup("A=1\nA=\n", false, "A", "");
}

static void of_duplicates_the_first_that_is_not_empty_counts_in_the_homes_file(void **state UNUSED)
{
	expect_lookup("A=1\nA=2\n", true, "A", "1");
	expect_lookup("A=\nA=2\n", true, "A", "2");
	expect_lookup("A=\nA=\n", true, "A", "");
}

static void pylons_file_then_process_then_homes_file_are_asked(void **state UNUSED)
{
	CLEANUP(env_file_fini) struct env_file own = read_file("OWN=own\nEMPTY=\n", false);
	CLEANUP(env_file_fini)
	struct env_file home =
		read_file("OWN=home\nEMPTY=home\nSHELL_TOO=home\nBLANK=home\nHOME_ONLY=home", true);
	struct env e = {&own, &home, ".env"};

	(void)setenv("OWN", "process", 1);
	(void)setenv("EMPTY", "process", 1);
	(void)setenv("SHELL_TOO", "process", 1);
	(void)setenv("BLANK", "", 1);
	(void)unsetenv("HOME_ONLY");
	(void)setenv("PROCESS_BLANK", "", 1);
	assert_string_equal(env_lookup(&e, SLICE_LIT("OWN")), "own");
	assert_string_equal(env_lookup(&e, SLICE_LIT("EMPTY")), "");
	assert_string_equal(env_lookup(&e, SLICE_LIT("SHELL_TOO")), "process");
	assert_string_equal(env_lookup(&e, SLICE_LIT("BLANK")), "home");
	assert_string_equal(env_lookup(&e, SLICE_LIT("HOME_ONLY")), "home");
	assert_string_equal(env_lookup(&e, SLICE_LIT("PROCESS_BLANK")), "");
	assert_null(env_lookup(&e, SLICE_LIT("NOWHERE_AT_ALL")));
}

static void expect_expansion(const char *text, const char *result, int fault, const char *name)
{
	CLEANUP(env_file_fini) struct env_file own = read_file("A=x\n", false);
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	CLEANUP(buf_fini) struct buf missing = BUF_NULL;
	struct env e = {.own = &own};
	int rc = env_expand(&e, text, &out, &missing);

	assert_string_equal(buf_str(&out), result);
	assert_string_equal(buf_str(&missing), name);
	assert_int_equal(rc, fault);
}

static void documented_references_expand_as_documented(void **state UNUSED)
{
	expect_expansion("${A}", "x", 0, "");
	expect_expansion("$A", "x", 0, "");
	expect_expansion("$A_x", "", ENV_E_UNSET, "");
	expect_expansion("${NOPE}", "", ENV_E_UNSET, "NOPE");
	expect_expansion("pre${A}post", "prexpost", 0, "");
	expect_expansion("x$Ay", "x", ENV_E_UNSET, "");
	expect_expansion("${A:-d}", "", ENV_E_SYNTAX, "");
	expect_expansion("$", "$", 0, "");
	expect_expansion("a$", "a$", 0, "");
	expect_expansion("${A", "A", ENV_E_SYNTAX, "");
	expect_expansion("", "", 0, "");
	expect_expansion("plain", "plain", 0, "");
}

static void doubled_dollar_is_a_dollar(void **state UNUSED)
{
	expect_expansion("$$", "$", 0, "");
	expect_expansion("p@$$w0rd", "p@$w0rd", 0, "");
	expect_expansion("$$A", "$A", 0, "");
	expect_expansion("$$$A", "$x", 0, "");
	expect_expansion("$${A}", "${A}", 0, "");
}

static void dollar_before_anything_else_stays(void **state UNUSED)
{
	expect_expansion("a$ b", "a$ b", 0, "");
	expect_expansion("$.x", "$.x", 0, "");
	expect_expansion("5$/h", "5$/h", 0, "");
}

static void digits_and_signs_are_names_of_one_character(void **state UNUSED)
{
	expect_expansion("$1A", "A", ENV_E_UNSET, "");
	expect_expansion("$?x", "x", ENV_E_UNSET, "");
	expect_expansion("${}x", "x", ENV_E_SYNTAX, "");
}

static void values_are_not_expanded_again(void **state UNUSED)
{
	CLEANUP(env_file_fini) struct env_file own = read_file("A=$B$$\nB=b\n", false);
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	CLEANUP(buf_fini) struct buf missing = BUF_NULL;
	struct env e = {.own = &own};

	assert_int_equal(env_expand(&e, "$A", &out, &missing), 0);
	assert_string_equal(buf_str(&out), "$B$$");
}

/* `pa$word` may be a password in which the dollar was not doubled: its pieces stay untold. */
static void only_what_is_surely_a_name_is_told(void **state UNUSED)
{
	expect_expansion("$UPPER_1", "", ENV_E_UNSET, "UPPER_1");
	expect_expansion("${lower}", "", ENV_E_UNSET, "lower");
	expect_expansion("pa$word", "pa", ENV_E_UNSET, "");
	expect_expansion("pa$9WORD", "paWORD", ENV_E_UNSET, "");
	expect_expansion("${my secret}", "", ENV_E_SYNTAX, "");
	expect_expansion("$FIRST$SECOND", "", ENV_E_UNSET, "FIRST");
}

static void references_are_seen_without_looking_them_up(void **state UNUSED)
{
	assert_true(env_has_reference("a${B}"));
	assert_true(env_has_reference("$$$B"));
	assert_false(env_has_reference("a$$B"));
	assert_false(env_has_reference("a$"));
	assert_false(env_has_reference("${"));
	assert_false(env_has_reference(""));
}

static void values_of_references_are_listed(void **state UNUSED)
{
	static const struct {
		const char *text, *values;
	} rows[] = {
		{"", ""},
		{"plain $ $$A", ""},
		{"$A", "x;"},
		{"${A}-$B$$A$A", "x;$A;x;"},
		{"$NOPE${A:-d}${A", ""},
		{"$EMPTY", ";"},
	};
	CLEANUP(env_file_fini) struct env_file own = read_file("A=x\nB=$A\nEMPTY=\n", false);
	struct env e = {.own = &own};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(strv_fini) struct strv values = STRV_NULL;
		CLEANUP(buf_fini) struct buf line = BUF_NULL;

		env_values(&e, rows[i].text, &values);
		for (size_t k = 0; k < values.n; k++)
			buf_printf(&line, "%s;", values.v[k]);
		assert_string_equal(buf_str(&line), rows[i].values);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_names_and_values),
		cmocka_unit_test(of_duplicates_the_last_counts_in_a_pylons_file),
		cmocka_unit_test(
			of_duplicates_the_first_that_is_not_empty_counts_in_the_homes_file),
		cmocka_unit_test(pylons_file_then_process_then_homes_file_are_asked),
		cmocka_unit_test(documented_references_expand_as_documented),
		cmocka_unit_test(doubled_dollar_is_a_dollar),
		cmocka_unit_test(dollar_before_anything_else_stays),
		cmocka_unit_test(digits_and_signs_are_names_of_one_character),
		cmocka_unit_test(values_are_not_expanded_again),
		cmocka_unit_test(only_what_is_surely_a_name_is_told),
		cmocka_unit_test(references_are_seen_without_looking_them_up),
		cmocka_unit_test(values_of_references_are_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
