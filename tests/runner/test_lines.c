/* SPDX-License-Identifier: MIT */
/* tests/runner/test_lines.c - lines out of a stream, however it is cut. */
#include "lib/t.h"
#include "runner/lines_internal.h"

static void keep(void *ctx, struct slice line)
{
	struct buf *got = ctx;

	buf_add_slice(got, line);
	buf_add_char(got, '|');
}

static void every_cut_gives_the_same_lines(void **state)
{
	static const char text[] = "one\n\ntwo\r\nthree";
	size_t n = sizeof(text) - 1;

	(void)state;
	for (size_t cut = 0; cut <= n; cut++) {
		struct buf got = BUF_NULL;
		struct lines l = {0};

		lines_feed(&l, (struct slice){text, cut}, keep, &got);
		lines_feed(&l, (struct slice){text + cut, n - cut}, keep, &got);
		assert_string_equal(buf_str(&got), "one|two\r|");
		lines_end(&l, keep, &got);
		assert_string_equal(buf_str(&got), "one|two\r|three|");
		lines_end(&l, keep, &got);
		assert_string_equal(buf_str(&got), "one|two\r|three|");
		lines_fini(&l);
		buf_fini(&got);
	}
}

static size_t lines_of(size_t length, bool is_ended)
{
	struct buf text = BUF_NULL, got = BUF_NULL;
	struct lines l = {0};
	size_t n;

	for (size_t i = 0; i < length; i++)
		buf_add_char(&text, 'x');
	if (is_ended)
		buf_add_str(&text, "\nnext\n");
	lines_feed(&l, buf_slice(&text), keep, &got);
	lines_end(&l, keep, &got);
	n = got.n;
	buf_fini(&text);
	buf_fini(&got);
	lines_fini(&l);
	return n;
}

static void line_that_is_too_long_is_left_out_and_the_next_is_not(void **state)
{
	(void)state;
	assert_int_equal(lines_of(LINE_MAX_BYTES - 1, true), LINE_MAX_BYTES + 5);
	assert_int_equal(lines_of(LINE_MAX_BYTES, true), LINE_MAX_BYTES + 6);
	assert_int_equal(lines_of(LINE_MAX_BYTES + 1, true), 5);
	assert_int_equal(lines_of(LINE_MAX_BYTES, false), LINE_MAX_BYTES + 1);
	assert_int_equal(lines_of(LINE_MAX_BYTES + 1, false), 0);
}

static void line_that_was_begun_can_be_forgotten(void **state)
{
	struct buf got = BUF_NULL;
	struct lines l = {0};

	(void)state;
	lines_feed(&l, SLICE_LIT("half"), keep, &got);
	lines_reset(&l);
	lines_feed(&l, SLICE_LIT("whole\n"), keep, &got);
	assert_string_equal(buf_str(&got), "whole|");
	lines_fini(&l);
	buf_fini(&got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cut_gives_the_same_lines),
		cmocka_unit_test(line_that_is_too_long_is_left_out_and_the_next_is_not),
		cmocka_unit_test(line_that_was_begun_can_be_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
