/* SPDX-License-Identifier: MIT */
/*
 * tests/base/stream.c - a stream whose every byte is known.
 *
 * The bytes depend on the position in a way that repeats only after a prime number of them, so
 * that a shift or a swapped segment is noticed.
 */
#include "stream.h"

char stream_byte(uint64_t at)
{
	return at % 61 == 60 ? '\n' : (char)('!' + (at * 7 + at % 8191 / 3) % 90);
}

int stream_write(struct spool *s, uint64_t from, uint64_t to, size_t step)
{
	char piece[4096];

	step = MIN_OF(step, sizeof(piece));
	while (from < to) {
		size_t n = (size_t)MIN_OF(to - from, (uint64_t)step);
		int r;

		for (size_t i = 0; i < n; i++)
			piece[i] = stream_byte(from + i);
		r = spool_write(s, piece, n, NULL);
		if (r < 0)
			return r;
		from += n;
	}
	return 0;
}

struct seen stream_read(const char *path, uint64_t from, size_t step)
{
	struct seen seen = {.end = from, .is_right = true};
	char piece[4096];

	for (;;) {
		uint64_t at = seen.end, start;
		size_t n = spool_read(path, &at, piece, MIN_OF(step, sizeof(piece)));

		if (n == 0)
			break;
		start = at - n;
		if (start != seen.end)
			seen.jumps++;
		seen.skipped += start - seen.end;
		for (size_t i = 0; i < n; i++)
			if (piece[i] != stream_byte(start + i))
				seen.is_right = false;
		seen.bytes += n;
		seen.end = at;
	}
	return seen;
}
