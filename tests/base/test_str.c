/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "base/str.h"
#include "cmocka.h" /* quoted: it must follow the headers above */

static void slices_compare(void **state)
{
	(void)state;
	assert_true(slice_eq(SLICE_NULL, SLICE_LIT("")));
	assert_false(slice_eq(SLICE_LIT("a"), SLICE_LIT("ab")));
	assert_true(slice_eq_str(SLICE_LIT("ab"), "ab"));
	assert_true(slice_eq_nocase(SLICE_LIT("Content-TYPE"), "content-Type"));
	assert_false(slice_eq_nocase(SLICE_LIT("content-typ"), "content-type"));
	/* Only letters: @ and ` differ by the same bit. */
	assert_false(slice_eq_nocase(SLICE_LIT("@"), "`"));
	assert_true(slice_has_prefix(SLICE_LIT("sha256=abc"), "sha256="));
	assert_false(slice_has_prefix(SLICE_LIT("sha"), "sha256="));
	assert_true(slice_has_prefix(SLICE_NULL, ""));
}

static void trimming_takes_spaces_and_tabs_only(void **state)
{
	(void)state;
	assert_true(slice_eq_str(slice_trim(SLICE_LIT(" \t a b\t ")), "a b"));
	assert_true(slice_eq_str(slice_trim(SLICE_LIT(" \n ")), "\n"));
	assert_int_equal(slice_trim(SLICE_LIT(" \t ")).n, 0);
	assert_int_equal(slice_trim(SLICE_NULL).n, 0);
}

static void number_is_digits_up_to_its_limit(void **state)
{
	static const char *const bad[] = {"", " 1", "1 ", "+1", "-1", "0x1", "1.0", "a", "12a",
		"18446744073709551616", "99999999999999999999", "184467440737095516150"};
	uint64_t n = 7;

	(void)state;
	assert_true(slice_to_u64(SLICE_LIT("0"), 0, &n));
	assert_int_equal(n, 0);
	assert_true(slice_to_u64(SLICE_LIT("000000000000000000000000099"), 100, &n));
	assert_int_equal(n, 99);
	assert_true(slice_to_u64(SLICE_LIT("100"), 100, &n));
	assert_false(slice_to_u64(SLICE_LIT("101"), 100, &n));
	assert_int_equal(n, 100);
	assert_true(slice_to_u64(SLICE_LIT("18446744073709551614"), UINT64_MAX, &n));
	assert_true(slice_to_u64(SLICE_LIT("18446744073709551615"), UINT64_MAX, &n));
	assert_true(n == UINT64_MAX);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(slice_to_u64(slice_of(bad[i]), UINT64_MAX, &n));
}

static void strings_answer_the_usual_questions(void **state)
{
	char *copy = slice_dup(SLICE_LIT("a\0b"));

	(void)state;
	assert_memory_equal(copy, "a\0b", 4);
	free(copy);
	assert_true(str_eq(NULL, NULL));
	assert_false(str_eq("", NULL));
	assert_true(str_is_empty(NULL));
	assert_true(str_has_prefix("abc", "ab"));
	assert_false(str_has_prefix("a", "ab"));
	assert_true(str_has_suffix("abc", "bc"));
	assert_false(str_has_suffix("c", "bc"));
}

static void copy_tells_when_it_cut(void **state)
{
	char dst[4];

	(void)state;
	assert_true(str_copy(dst, sizeof(dst), "ab"));
	assert_true(str_copy(dst, sizeof(dst), "abc"));
	assert_false(str_copy(dst, sizeof(dst), "abcd"));
	assert_string_equal(dst, "abc");
	assert_false(str_copy(dst, 1, "x"));
	assert_string_equal(dst, "");
}

static void distance_counts_slips(void **state)
{
	char longest[66];

	(void)state;
	assert_int_equal(str_distance("", ""), 0);
	assert_int_equal(str_distance("", "abc"), 3);
	assert_int_equal(str_distance("abc", ""), 3);
	assert_int_equal(str_distance("timeout", "timeout"), 0);
	assert_int_equal(str_distance("tiemout", "timeout"), 1);
	assert_int_equal(str_distance("timeou", "timeout"), 1);
	assert_int_equal(str_distance("tineoutt", "timeout"), 2);
	/* Optimal string alignment: no edit inside a swapped pair. */
	assert_int_equal(str_distance("ca", "abc"), 3);
	memset(longest, 'a', sizeof(longest));
	longest[64] = '\0';
	assert_int_equal(str_distance(longest, "a"), 63);
	longest[64] = 'a';
	longest[65] = '\0';
	assert_int_equal(str_distance(longest, "a"), 65);
}

static void buffer_grows_and_keeps_its_end(void **state)
{
	struct buf b = BUF_NULL;
	char *p;

	(void)state;
	assert_string_equal(buf_str(&b), "");
	buf_add(&b, NULL, 0);
	assert_null(b.p);
	for (unsigned i = 0; i < 1000; i++)
		buf_printf(&b, "%03u", i);
	assert_int_equal(b.n, 3000);
	assert_int_equal(strlen(b.p), 3000);
	assert_memory_equal(b.p + 2997, "999", 4);
	buf_drop_front(&b, 2994);
	assert_string_equal(b.p, "998999");
	buf_drop_front(&b, 0);
	buf_drop_front(&b, 6);
	assert_string_equal(b.p, "");
	buf_add_str(&b, "ab");
	buf_add_slice(&b, SLICE_LIT("cd"));
	buf_add_char(&b, 'e');
	assert_true(slice_eq_str(buf_slice(&b), "abcde"));
	buf_clear(&b);
	assert_string_equal(buf_str(&b), "");
	buf_printf(&b, "%s", "");
	p = buf_steal(&b);
	assert_string_equal(p, "");
	free(p);
	assert_null(b.p);
	p = buf_steal(&b);
	assert_string_equal(p, "");
	free(p);
	buf_fini(&b);
}

static void buffer_fills_to_the_last_byte(void **state)
{
	(void)state;
	for (size_t n = 62; n <= 66; n++) {
		struct buf b = BUF_NULL;

		for (size_t i = 0; i < n; i++)
			buf_add_char(&b, 'x');
		assert_int_equal(strlen(b.p), n);
		assert_true(b.n < b.size);
		buf_fini(&b);
	}
}

static void list_of_strings_can_be_an_argv(void **state)
{
	struct strv l = STRV_NULL, copy = STRV_NULL;

	(void)state;
	strv_add(&l, "docker");
	strv_addf(&l, "--%s=%d", "n", 1);
	strv_take(&l, xstrdup("x"));
	assert_int_equal(l.n, 3);
	assert_null(l.v[3]);
	strv_copy(&copy, &l);
	strv_copy(&copy, &copy);
	assert_int_equal(copy.n, 6);
	assert_string_equal(copy.v[4], "--n=1");
	assert_null(copy.v[6]);
	assert_true(strv_has(&copy, "x"));
	assert_false(strv_has(&copy, "y"));
	strv_fini(&l);
	strv_fini(&copy);
	assert_false(strv_has(&l, "x"));
	strv_fini(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slices_compare),
		cmocka_unit_test(trimming_takes_spaces_and_tabs_only),
		cmocka_unit_test(number_is_digits_up_to_its_limit),
		cmocka_unit_test(strings_answer_the_usual_questions),
		cmocka_unit_test(copy_tells_when_it_cut),
		cmocka_unit_test(distance_counts_slips),
		cmocka_unit_test(buffer_grows_and_keeps_its_end),
		cmocka_unit_test(buffer_fills_to_the_last_byte),
		cmocka_unit_test(list_of_strings_can_be_an_argv),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
