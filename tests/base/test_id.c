/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "base/id.h"
#include "cmocka.h" /* quoted: it must follow the headers above */

#define SOME_ID "0189abcd-ef01-4234-8567-89abcdef0123"

static void ids_are_random_uuids_of_version_4(void **state)
{
	struct id a, b;

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		id_make(&a);
		id_make(&b);
		assert_int_equal(strlen(a.s), ID_SIZE - 1);
		assert_true(id_is_valid(slice_of(a.s)));
		assert_int_equal(a.s[14], '4');
		assert_non_null(strchr("89ab", a.s[19]));
		assert_string_not_equal(a.s, b.s);
	}
}

static void only_the_lower_case_form_is_an_id(void **state)
{
	(void)state;
	assert_true(id_is_valid(SLICE_LIT(SOME_ID)));
	assert_false(id_is_valid(SLICE_LIT("0189ABCD-ef01-4234-8567-89abcdef0123")));
	assert_false(id_is_valid(SLICE_LIT("0189abcd-ef01-4234-8567-89abcdef012")));
	assert_false(id_is_valid(SLICE_LIT(SOME_ID "4")));
	assert_false(id_is_valid(SLICE_LIT("0189abcd0ef01-4234-8567-89abcdef0123")));
	assert_false(id_is_valid(SLICE_LIT("0189abcd-ef01-4234-8567-89abcdef012g")));
	assert_false(id_is_valid(SLICE_NULL));
}

static void prefix_is_long_enough_and_well_formed(void **state)
{
	(void)state;
	for (size_t n = 0; n < ID_SIZE; n++)
		assert_true(id_is_prefix((struct slice){SOME_ID, n}) == (n >= ID_PREFIX_MIN));
	assert_false(id_is_prefix(SLICE_LIT(SOME_ID "a")));
	assert_false(id_is_prefix(SLICE_LIT("0189abcde")));
	assert_false(id_is_prefix(SLICE_LIT("0189%")));
}

static void tokens_are_32_hex_digits(void **state)
{
	char a[TOKEN_SIZE], b[TOKEN_SIZE];

	(void)state;
	token_make(a);
	token_make(b);
	assert_int_equal(strlen(a), TOKEN_SIZE - 1);
	assert_int_equal(strspn(a, "0123456789abcdef"), TOKEN_SIZE - 1);
	assert_string_not_equal(a, b);
}

static void names_have_a_small_alphabet_and_a_limit(void **state)
{
	static const char *const good[] = {"a", "0", "a.b_c-d", "1x-"};
	static const char *const bad[] = {
		"", ".", "-a", "_a", "A", "a b", "a/b", "\xC3\xA4", "a\n"};
	char text[65];

	(void)state;
	memset(text, 'n', sizeof(text));
	for (size_t n = 62; n <= 64; n++)
		assert_true(name_is_valid((struct slice){text, n}) == (n <= 63));
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(name_is_valid(slice_of(good[i])));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(name_is_valid(slice_of(bad[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_are_random_uuids_of_version_4),
		cmocka_unit_test(only_the_lower_case_form_is_an_id),
		cmocka_unit_test(prefix_is_long_enough_and_well_formed),
		cmocka_unit_test(tokens_are_32_hex_digits),
		cmocka_unit_test(names_have_a_small_alphabet_and_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
