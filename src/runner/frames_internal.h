/* SPDX-License-Identifier: MIT */
/*
 * The engine's multiplexed output stream: frames of an 8-byte head (stream, three zero bytes,
 * length as big-endian 32 bits) and a payload (Docker Engine API, "Stream format" of attach and
 * logs).
 */
#ifndef RUNNER_FRAMES_INTERNAL_H
#define RUNNER_FRAMES_INTERNAL_H

#include "base/err.h"
#include "base/limits.h"
#include "base/str.h"

#define FRAME_HEAD_SIZE 8
/* Engines send at most 16 KiB of output and a timestamp in one frame of a log. */
#define FRAME_MAX MIB(1)

enum frame_stream {
	FRAME_STDIN, /* echoed input: output like FRAME_STDOUT */
	FRAME_STDOUT,
	FRAME_STDERR,
	FRAME_SYSTEM, /* the engine's own words about a failure */
};

/* A reader; zeroed is its start value. */
struct frames {
	unsigned char head[FRAME_HEAD_SIZE];
	size_t head_n;
	struct buf payload; /* of a frame that came in pieces */
};

typedef void frame_fn(void *ctx, enum frame_stream stream, struct slice payload);

/* Hands each whole frame in data (or finished by it) to fn. 0; or -EPROTO with *e for a frame that
 * no engine would send: the stream has lost its place then and must be given up. */
NODISCARD int frames_feed(
	struct frames *f, struct slice data, frame_fn *fn, void *ctx, struct err *e);
/* True when the bytes so far end with a whole frame. */
bool frames_is_between(const struct frames *f);
/* Back to the start value; frees. */
void frames_fini(struct frames *f);

#endif
