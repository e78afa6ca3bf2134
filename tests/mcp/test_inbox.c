/* SPDX-License-Identifier: MIT */
/*
 * tests/mcp/test_inbox.c - messages out of a stream.
 */
#include "lib/t.h"
#include "mcp/inbox_internal.h"

/* What came: the lines, each with a '|' behind it; "!" is one that was too long. */
struct seen {
	struct buf text;
	size_t longest;
};

static void note(void *ctx, const struct slice *line)
{
	struct seen *s = ctx;

	if (line == NULL) {
		buf_add_char(&s->text, '!');
		return;
	}
	s->longest = MAX_OF(s->longest, line->n);
	if (line->n < 100)
		buf_add_slice(&s->text, *line);
	buf_add_char(&s->text, '|');
}

static void expect_lines(const char *stream, size_t step, const char *want)
{
	struct inbox l = {0};
	struct seen s = {0};
	size_t n = strlen(stream);

	for (size_t at = 0; at < n; at += step)
		inbox_feed(&l, (struct slice){stream + at, MIN_OF(step, n - at)}, note, &s);
	inbox_end(&l, note, &s);
	assert_string_equal(buf_str(&s.text), want);
	inbox_fini(&l);
	buf_fini(&s.text);
}

static void lines_are_the_same_whatever_the_pieces(void **state)
{
	(void)state;
	for (size_t step = 1; step < 12; step++) {
		expect_lines("one\ntwo\n", step, "one|two|");
		expect_lines("\n\nthree\r\n", step, "||three\r|");
	}
}

static void the_last_line_needs_no_newline(void **state)
{
	(void)state;
	expect_lines("one\ntwo", 3, "one|two|");
	expect_lines("", 1, "");
	expect_lines("one\n", 9, "one|");
}

static void expect_size(size_t size, const char *want, size_t longest)
{
	CLEANUP(freep) char *text = xcalloc(1, size + 1);
	struct inbox l = {0};
	struct seen s = {0};

	(void)memset(text, 'x', size);
	inbox_feed(&l, (struct slice){text, size / 2}, note, &s);
	inbox_feed(&l, (struct slice){text + size / 2, size - size / 2}, note, &s);
	inbox_feed(&l, SLICE_LIT("xx"), note, &s); /* may be too much; told once */
	inbox_feed(&l, SLICE_LIT("\nnext\n"), note, &s);
	assert_string_equal(buf_str(&s.text), want);
	assert_int_equal(s.longest, longest);
	inbox_fini(&l);
	buf_fini(&s.text);
}

static void a_line_is_as_long_as_a_message_may_be(void **state)
{
	(void)state;
	expect_size(MCP_MESSAGE_MAX - 3, "|next|", MCP_MESSAGE_MAX - 1);
	expect_size(MCP_MESSAGE_MAX - 2, "|next|", MCP_MESSAGE_MAX);
	expect_size(MCP_MESSAGE_MAX - 1, "!next|", 4);
	expect_size(MCP_MESSAGE_MAX + 1, "!next|", 4);
}

static void a_line_that_is_too_long_is_told_once_and_not_kept(void **state)
{
	CLEANUP(freep) char *text = xcalloc(1, MCP_MESSAGE_MAX);
	struct inbox l = {0};
	struct seen s = {0};

	(void)state;
	(void)memset(text, 'x', MCP_MESSAGE_MAX);
	for (int i = 0; i < 5; i++)
		inbox_feed(&l, (struct slice){text, MCP_MESSAGE_MAX}, note, &s);
	assert_string_equal(buf_str(&s.text), "!");
	assert_int_equal(l.line.size, 0);
	inbox_end(&l, note, &s);
	assert_string_equal(buf_str(&s.text), "!");
	inbox_fini(&l);
	buf_fini(&s.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_the_same_whatever_the_pieces),
		cmocka_unit_test(the_last_line_needs_no_newline),
		cmocka_unit_test(a_line_is_as_long_as_a_message_may_be),
		cmocka_unit_test(a_line_that_is_too_long_is_told_once_and_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
