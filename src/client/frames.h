/* SPDX-License-Identifier: MIT */
/*
 * client/frames.h - two output streams in one connection.
 *
 * Without a terminal a container engine sends what a process writes in frames: a head of 8 bytes
 * (stream, three zero bytes, length as big-endian 32 bits) and the payload (Docker Engine API,
 * "Stream format" of attach). Payloads are handed on piece by piece as they come, so no frame is
 * ever held in memory and none is too long.
 */
#ifndef PYLON_CLIENT_FRAMES_H
#define PYLON_CLIENT_FRAMES_H

#include "base/err.h"
#include "base/str.h"

#define FRAMES_HEAD 8

enum frames_stream {
	FRAMES_STDIN, /* echoed input: output like FRAMES_STDOUT */
	FRAMES_STDOUT,
	FRAMES_STDERR,
	FRAMES_ENGINE, /* the engine's own words about a failure */
};

/* A reader; zeroed is its start value. It owns nothing. */
struct frames_reader {
	unsigned char head[FRAMES_HEAD];
	size_t head_n;
	uint32_t left; /* of the payload */
};

/* Takes the next bytes of the connection; fn gets the pieces of the payloads, never an empty one.
 * -EPROTO for a frame that no engine would send: the stream has lost its place then. */
NODISCARD int frames_read(struct frames_reader *f, struct slice data,
	void (*fn)(void *ctx, enum frames_stream stream, struct slice piece), void *ctx,
	struct err *e);
/* True when the bytes so far end with a whole frame. */
bool frames_are_whole(const struct frames_reader *f);

#endif
