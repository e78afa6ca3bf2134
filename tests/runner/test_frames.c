/* SPDX-License-Identifier: MIT */
/*
 * tests/runner/test_frames.c - the multiplexed stream: whole, in pieces, and lying.
 */
#include <errno.h>

#include "lib/t.h"
#include "runner/frames_internal.h"

struct seen {
	unsigned count;
	enum frame_stream last;
	struct buf all; /* "1:text|" for each frame */
};

static void on_frame(void *ctx, enum frame_stream stream, struct slice payload)
{
	struct seen *s = ctx;

	s->count++;
	s->last = stream;
	buf_printf(&s->all, "%d:", (int)stream);
	buf_add_slice(&s->all, payload);
	buf_add_char(&s->all, '|');
}

static void add_frame(struct buf *out, unsigned char stream, const char *text)
{
	size_t n = strlen(text);
	const unsigned char head[] = {stream, 0, 0, 0, (unsigned char)(n >> 24),
		(unsigned char)(n >> 16), (unsigned char)(n >> 8), (unsigned char)n};

	buf_add(out, head, sizeof(head));
	buf_add_str(out, text);
}

static void whole_frames_come_out_in_order(void **state)
{
	struct frames f = {0};
	struct seen s = {0};
	struct buf in = BUF_NULL;
	struct err e = CLEAN_ERR;

	(void)state;
	add_frame(&in, 1, "one");
	add_frame(&in, 2, "");
	add_frame(&in, 0, "zero");
	add_frame(&in, 3, "system");
	assert_int_equal(frames_feed(&f, buf_slice(&in), on_frame, &s, &e), 0);
	assert_string_equal(buf_str(&s.all), "1:one|2:|0:zero|3:system|");
	assert_true(frames_is_between(&f));
	frames_fini(&f);
	buf_fini(&s.all);
	buf_fini(&in);
}

static void frames_cut_at_any_byte_are_the_same(void **state)
{
	struct buf in = BUF_NULL;

	(void)state;
	add_frame(&in, 1, "hello\n");
	add_frame(&in, 2, "");
	add_frame(&in, 2, "w");
	add_frame(&in, 1, "orld");
	for (size_t step = 1; step <= in.n; step++) {
		struct frames f = {0};
		struct seen s = {0};
		struct err e = CLEAN_ERR;

		for (size_t at = 0; at < in.n; at += step) {
			struct slice piece = {in.p + at, MIN_OF(step, in.n - at)};

			assert_int_equal(frames_feed(&f, piece, on_frame, &s, &e), 0);
		}
		assert_string_equal(buf_str(&s.all), "1:hello\n|2:|2:w|1:orld|");
		frames_fini(&f);
		buf_fini(&s.all);
	}
	buf_fini(&in);
}

static void unfinished_frame_is_kept_back(void **state)
{
	struct frames f = {0};
	struct seen s = {0};
	struct buf in = BUF_NULL;
	struct err e = CLEAN_ERR;

	(void)state;
	add_frame(&in, 1, "never whole");
	assert_int_equal(frames_feed(&f, (struct slice){in.p, in.n - 1}, on_frame, &s, &e), 0);
	assert_int_equal(s.count, 0);
	assert_false(frames_is_between(&f));
	frames_fini(&f);
	buf_fini(&in);
}

static int feed_head(const unsigned char head[FRAME_HEAD_SIZE], struct frames *f)
{
	struct seen s = {0};
	struct err e = CLEAN_ERR;
	int rc = frames_feed(
		f, (struct slice){(const char *)head, FRAME_HEAD_SIZE}, on_frame, &s, &e);

	assert_int_equal(s.count, 0);
	buf_fini(&s.all);
	return rc;
}

static void length_is_believed_only_up_to_its_limit(void **state)
{
	/* FRAME_MAX is 2^20. */
	static const unsigned char at_limit[] = {1, 0, 0, 0, 0, 0x10, 0, 0};
	static const unsigned char below[] = {1, 0, 0, 0, 0, 0x0f, 0xff, 0xff};
	static const unsigned char above[] = {1, 0, 0, 0, 0, 0x10, 0, 1};
	static const unsigned char lie[] = {1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff};
	struct frames f = {0};

	(void)state;
	assert_int_equal(feed_head(below, &f), 0);
	assert_int_equal(f.payload.size, 0);
	frames_fini(&f);
	assert_int_equal(feed_head(at_limit, &f), 0);
	frames_fini(&f);
	assert_int_equal(feed_head(above, &f), -EPROTO);
	frames_fini(&f);
	assert_int_equal(feed_head(lie, &f), -EPROTO);
	assert_int_equal(f.payload.size, 0);
	frames_fini(&f);
}

static void head_that_no_engine_sends_is_refused(void **state)
{
	static const unsigned char stream4[] = {4, 0, 0, 0, 0, 0, 0, 1};
	static const unsigned char text[] = {'H', 'T', 'T', 'P', '/', '1', '.', '1'};
	static const unsigned char reserved[] = {1, 0, 1, 0, 0, 0, 0, 1};
	struct frames f = {0};

	(void)state;
	assert_int_equal(feed_head(stream4, &f), -EPROTO);
	frames_fini(&f);
	assert_int_equal(feed_head(text, &f), -EPROTO);
	frames_fini(&f);
	assert_int_equal(feed_head(reserved, &f), -EPROTO);
	frames_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_frames_come_out_in_order),
		cmocka_unit_test(frames_cut_at_any_byte_are_the_same),
		cmocka_unit_test(unfinished_frame_is_kept_back),
		cmocka_unit_test(length_is_believed_only_up_to_its_limit),
		cmocka_unit_test(head_that_no_engine_sends_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
