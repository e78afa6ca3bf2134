/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"
#include "cmocka.h" /* quoted: it must follow the headers above */

static void failure_carries_code_place_and_text(void **state)
{
	struct err e = CLEAN_ERR;

	(void)state;
	assert_int_equal(err_set(&e, -EINVAL, "bad %s\n", "thing"), -EINVAL);
	assert_int_equal(e.code, -EINVAL);
	assert_string_equal(e.text, "bad thing");
	assert_true(str_has_suffix(e.file, "test_err.c"));
	assert_true(e.line > 0);
}

static void errno_is_spelled_out(void **state)
{
	struct err e = CLEAN_ERR;

	(void)state;
	errno = ENOENT;
	assert_int_equal(err_errno(&e, "open %s", "x"), -ENOENT);
	assert_string_equal(e.text, "open x: No such file or directory");
	errno = 0;
	assert_int_equal(err_errno(&e, "silent"), -EIO);
	errno = 123456;
	assert_int_equal(err_errno(&e, "odd"), -123456);
	assert_string_equal(e.text, "odd: unknown error");
}

static void contexts_stand_in_front(void **state)
{
	struct err e = CLEAN_ERR;

	(void)state;
	(void)err_set(&e, -EPERM, "cause");
	assert_int_equal(err_wrap(&e, "inner"), -EPERM);
	assert_int_equal(err_wrap(&e, "outer %d", 1), -EPERM);
	assert_string_equal(e.text, "outer 1: inner: cause");
	/* The old text as an argument of the new one. */
	assert_int_equal(err_set(&e, -EIO, "again (%s)", e.text), -EIO);
	assert_string_equal(e.text, "again (outer 1: inner: cause)");
}

static void nobody_needs_to_care(void **state)
{
	(void)state;
	assert_int_equal(err_set(NULL, -EINVAL, "x"), -EINVAL);
	errno = EBUSY;
	assert_int_equal(err_errno(NULL, "x"), -EBUSY);
	assert_int_equal(err_wrap(NULL, "x"), -EIO);
}

static void text_is_cut_at_its_limit(void **state)
{
	char text[ERR_TEXT_MAX + 2];
	struct err e = CLEAN_ERR;

	(void)state;
	for (size_t n = ERR_TEXT_MAX - 2; n <= ERR_TEXT_MAX; n++) {
		memset(text, 'x', n);
		text[n] = '\0';
		(void)err_set(&e, -EIO, "%s", text);
		assert_int_equal(strlen(e.text), MIN_OF(n, (size_t)ERR_TEXT_MAX - 1));
	}
	(void)err_wrap(&e, "front");
	assert_true(str_has_prefix(e.text, "front: xxx"));
	assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
}

static void cut_leaves_no_half_character(void **state)
{
	static const char *const chars[] = {"\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
	char text[ERR_TEXT_MAX + 8];
	struct err e = CLEAN_ERR;

	(void)state;
	for (size_t c = 0; c < ARRAY_LEN(chars); c++) {
		for (size_t n = ERR_TEXT_MAX - 6; n < ERR_TEXT_MAX; n++) {
			memset(text, 'x', n);
			memcpy(text + n, chars[c], strlen(chars[c]) + 1);
			(void)err_set(&e, -EIO, "%s", text);
			assert_true(utf8_is_valid(e.text, strlen(e.text)));
			assert_true(strlen(e.text) >= n - 1);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failure_carries_code_place_and_text),
		cmocka_unit_test(errno_is_spelled_out),
		cmocka_unit_test(contexts_stand_in_front),
		cmocka_unit_test(nobody_needs_to_care),
		cmocka_unit_test(text_is_cut_at_its_limit),
		cmocka_unit_test(cut_leaves_no_half_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
