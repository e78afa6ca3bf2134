/* SPDX-License-Identifier: MIT */
/*
 * client/frames.c - takes the frames apart, wherever the pieces of the connection are cut.
 */
#include "client/frames.h"

/* The head is complete: what it says. */
static int read_head(struct frames_reader *f, struct err *e)
{
	const unsigned char *h = f->head;

	if (h[0] > FRAMES_ENGINE || h[1] != 0 || h[2] != 0 || h[3] != 0)
		return err_set(e, -EPROTO, "no frame of output begins with %02x%02x%02x%02x", h[0],
			h[1], h[2], h[3]);
	f->left = (uint32_t)h[4] << 24 | (uint32_t)h[5] << 16 | (uint32_t)h[6] << 8 | h[7];
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

int frames_read(struct frames_reader *f, struct slice data,
	void (*fn)(void *ctx, enum frames_stream stream, struct slice piece), void *ctx,
	struct err *e)
{
	while (data.n > 0) {
		struct slice got;
		int r;

		if (f->left > 0) {
			got = take(&data, f->left);
			f->left -= (uint32_t)got.n;
			fn(ctx, (enum frames_stream)f->head[0], got);
			continue;
		}
		got = take(&data, FRAMES_HEAD - f->head_n);
		(void)memcpy(f->head + f->head_n, got.p, got.n);
		f->head_n += got.n;
		if (f->head_n < FRAMES_HEAD)
			break;
		f->head_n = 0;
		r = read_head(f, e);
		if (r < 0)
			return r;
	}
	return 0;
}

bool frames_are_whole(const struct frames_reader *f)
{
	return f->head_n == 0 && f->left == 0;
}
