/* SPDX-License-Identifier: MIT */
/*
 * The engine's multiplexed stream, cut where the first byte says: the same frames come out as from
 * the whole, none is larger than allowed, and memory follows what came, not what was promised.
 */
#include <stdint.h>

#include "base/base.h"
#include "runner/frames_internal.h"

struct sum {
	size_t frames, bytes;
	uint64_t hash;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_frame(void *ctx, enum frame_stream stream, struct slice payload)
{
	struct sum *s = ctx;

	must(payload.n <= FRAME_MAX && stream <= FRAME_SYSTEM);
	s->frames++;
	s->bytes += payload.n;
	s->hash = s->hash * 31 + (uint64_t)stream;
	for (size_t i = 0; i < payload.n; i++)
		s->hash = s->hash * 31 + (unsigned char)payload.p[i];
}

static int feed(const char *p, size_t n, size_t step, struct sum *s)
{
	struct frames f = {0};
	int rc = 0;

	for (size_t at = 0; at < n && rc == 0; at += step) {
		rc = frames_feed(
			&f, (struct slice){p + at, MIN_OF(step, n - at)}, on_frame, s, NULL);
		must(f.payload.size <= 4 * n + 4096);
	}
	frames_fini(&f);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data + 1;
	struct sum whole = {0}, pieces = {0};

	if (size < 2)
		return 0;
	must(feed(p, size - 1, size, &whole) == feed(p, size - 1, (size_t)data[0] + 1, &pieces));
	must(whole.frames == pieces.frames && whole.hash == pieces.hash);
	must(whole.bytes <= size);
	return 0;
}
