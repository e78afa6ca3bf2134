/* SPDX-License-Identifier: MIT */
/*
 * tests/client/test_frames.c - two output streams in one connection, wherever it is cut.
 */
#include "client/frames.h"
#include "lib/t.h"

struct heard {
	struct buf text; /* "1:abc;2:def;", pieces of one stream joined */
	int last;
};

static void hear(void *ctx, enum frames_stream stream, struct slice piece)
{
	struct heard *h = ctx;

	assert_true(piece.n > 0);
	if (h->last != (int)stream)
		buf_printf(&h->text, "%d:", (int)stream);
	h->last = (int)stream;
	buf_add_slice(&h->text, piece);
}

/* A frame of up to 255 bytes. */
static void add_frame(struct buf *out, int stream, const char *text)
{
	const char head[FRAMES_HEAD] = {(char)stream, 0, 0, 0, 0, 0, 0, (char)strlen(text)};

	buf_add(out, head, sizeof(head));
	buf_add_str(out, text);
}

static void every_cut_gives_the_same(void **state)
{
	CLEANUP(buf_fini) struct buf bytes = BUF_NULL;

	(void)state;
	add_frame(&bytes, FRAMES_STDOUT, "one ");
	add_frame(&bytes, FRAMES_STDOUT, "");
	add_frame(&bytes, FRAMES_STDOUT, "two ");
	add_frame(&bytes, FRAMES_STDERR, "three ");
	add_frame(&bytes, FRAMES_STDIN, "four ");
	add_frame(&bytes, FRAMES_ENGINE, "five");
	for (size_t first = 0; first <= bytes.n; first++)
		for (size_t second = first; second <= bytes.n; second++) {
			struct frames_reader f = {0};
			CLEANUP(buf_fini) struct buf said = BUF_NULL;
			struct heard h = {.last = -1};
			const size_t cuts[] = {0, first, second, bytes.n};

			for (size_t i = 0; i + 1 < ARRAY_LEN(cuts); i++) {
				struct slice piece = {bytes.p + cuts[i], cuts[i + 1] - cuts[i]};

				assert_int_equal(frames_read(&f, piece, hear, &h, NULL), 0);
			}
			said = h.text;
			assert_string_equal(buf_str(&said), "1:one two 2:three 0:four 3:five");
			assert_true(frames_are_whole(&f));
		}
}

static void a_frame_that_is_not_over_is_told(void **state)
{
	CLEANUP(buf_fini) struct buf bytes = BUF_NULL;

	(void)state;
	add_frame(&bytes, FRAMES_STDOUT, "abc");
	for (size_t n = 0; n <= bytes.n; n++) {
		struct frames_reader f = {0};
		struct heard h = {.last = -1};
		struct slice piece = {bytes.p, n};

		assert_int_equal(frames_read(&f, piece, hear, &h, NULL), 0);
		assert_int_equal(frames_are_whole(&f), n == 0 || n == bytes.n);
		buf_fini(&h.text);
	}
}

static void a_long_frame_is_handed_on_as_it_comes(void **state)
{
	/* 4 GiB - 1, of which little ever comes. */
	static const char head[] = "\x01\0\0\0\xFF\xFF\xFF\xFF";
	struct frames_reader f = {0};
	struct heard h = {.last = -1};

	(void)state;
	assert_int_equal(frames_read(&f, (struct slice){head, FRAMES_HEAD}, hear, &h, NULL), 0);
	assert_int_equal(frames_read(&f, SLICE_LIT("abc"), hear, &h, NULL), 0);
	assert_string_equal(buf_str(&h.text), "1:abc");
	assert_false(frames_are_whole(&f));
	buf_fini(&h.text);
}

static void what_is_no_frame_is_refused(void **state)
{
	static const struct {
		const char *head;
		int result;
	} rows[] = {
		{"\x03\0\0\0\0\0\0\0", 0},
		{"\x04\0\0\0\0\0\0\0", -EPROTO},
		{"\xFF\0\0\0\0\0\0\0", -EPROTO},
		{"\x01\x01\0\0\0\0\0\0", -EPROTO},
		{"\x01\0\x01\0\0\0\0\0", -EPROTO},
		{"\x01\0\0\x01\0\0\0\0", -EPROTO},
		{"bash: no", -EPROTO},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct frames_reader f = {0};
		struct heard h = {.last = -1};
		struct slice head = {rows[i].head, FRAMES_HEAD};
		struct err e = CLEAN_ERR;

		assert_int_equal(frames_read(&f, head, hear, &h, &e), rows[i].result);
		assert_int_equal(e.text[0] != '\0', rows[i].result != 0);
		assert_int_equal(h.text.n, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cut_gives_the_same),
		cmocka_unit_test(a_frame_that_is_not_over_is_told),
		cmocka_unit_test(a_long_frame_is_handed_on_as_it_comes),
		cmocka_unit_test(what_is_no_frame_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
