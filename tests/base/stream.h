/* SPDX-License-Identifier: MIT */
/* tests/base/stream.h - a stream whose every byte is known, and reading a spool against it. */
#ifndef PYLON_TESTS_BASE_STREAM_H
#define PYLON_TESTS_BASE_STREAM_H

#include "base/spool.h"

/* The byte at a position. */
char stream_byte(uint64_t at);
/* Writes stream positions [from, to) to the spool in pieces of at most `step` bytes. */
int stream_write(struct spool *s, uint64_t from, uint64_t to, size_t step);

/* What reading from a position to the end found. */
struct seen {
	uint64_t bytes;   /* copied */
	uint64_t end;     /* position behind the last byte */
	uint64_t skipped; /* bytes that were gone */
	unsigned jumps;
	bool is_right; /* every byte was that of its position */
};

struct seen stream_read(const char *path, uint64_t from, size_t step);

#endif
