/* SPDX-License-Identifier: MIT */
/*
 * Reads the engine's multiplexed stream. Pure: bytes in, frames out, wherever the pieces are cut.
 *
 * The length in a head is believed only up to FRAME_MAX, and memory grows with the bytes that
 * really came, never with what a head promises. A frame that lies whole in one piece is handed on
 * without a copy, which is nearly every frame.
 */
#include <errno.h>

#include "runner/frames_internal.h"

static uint32_t frame_length(const unsigned char *head)
{
	return (uint32_t)head[4] << 24 | (uint32_t)head[5] << 16 | (uint32_t)head[6] << 8 | head[7];
}

static int check_head(const unsigned char *head, struct err *e)
{
	if (head[0] > FRAME_SYSTEM || head[1] != 0 || head[2] != 0 || head[3] != 0)
		return err_set(e, -EPROTO, "output stream: no frame begins with %02x%02x%02x%02x",
			head[0], head[1], head[2], head[3]);
	if (frame_length(head) > FRAME_MAX)
		return err_set(e, -EPROTO, "output stream: a frame of %u bytes",
			(unsigned)frame_length(head));
	return 0;
}

/* Takes up to `want` bytes off the front of *data. */
static struct slice take(struct slice *data, size_t want)
{
	struct slice got = {data->p, MIN_OF(want, data->n)};

	data->p += got.n;
	data->n -= got.n;
	return got;
}

static int feed_head(struct frames *f, struct slice *data, struct err *e)
{
	struct slice got = take(data, FRAME_HEAD_SIZE - f->head_n);

	memcpy(f->head + f->head_n, got.p, got.n);
	f->head_n += got.n;
	return f->head_n == FRAME_HEAD_SIZE ? check_head(f->head, e) : 0;
}

static void feed_payload(struct frames *f, struct slice *data, frame_fn *fn, void *ctx)
{
	size_t length = frame_length(f->head);
	struct slice got = take(data, length - f->payload.n);
	enum frame_stream stream = f->head[0];

	if (got.n == length) {
		f->head_n = 0;
		fn(ctx, stream, got);
		return;
	}
	buf_add_slice(&f->payload, got);
	if (f->payload.n < length)
		return;
	f->head_n = 0;
	fn(ctx, stream, buf_slice(&f->payload));
	buf_clear(&f->payload);
}

int frames_feed(struct frames *f, struct slice data, frame_fn *fn, void *ctx, struct err *e)
{
	while (data.n > 0) {
		int rc = 0;

		if (f->head_n < FRAME_HEAD_SIZE)
			rc = feed_head(f, &data, e);
		if (rc < 0)
			return rc;
		/* A frame without payload is over with its head. */
		if (f->head_n == FRAME_HEAD_SIZE && (data.n > 0 || frame_length(f->head) == 0))
			feed_payload(f, &data, fn, ctx);
	}
	return 0;
}

bool frames_is_between(const struct frames *f)
{
	return f->head_n == 0;
}

void frames_fini(struct frames *f)
{
	buf_fini(&f->payload);
	*f = (struct frames){0};
}
