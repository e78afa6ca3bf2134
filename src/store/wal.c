/* SPDX-License-Identifier: MIT */
/*
 * The write-ahead log, read without SQLite (fileformat2.html section 4): which frames count.
 *
 * A frame counts when its salts are the header's, its checksum is right (each goes on from the one
 * before), and a commit frame follows or is it. The first frame that does not ends the log, as it
 * does for SQLite: what is behind a torn frame may belong to a transaction that was never whole.
 */
#include <unistd.h>

#include "store/pages_internal.h"

#define WAL_HEAD  32
#define WAL_FRAME 24
/* Low bit: checksums of big-endian words. */
#define WAL_MAGIC 0x377f0682U

static bool read_at(int fd, void *to, size_t n, off_t at)
{
	return pread(fd, to, n, at) == (ssize_t)n;
}

static uint32_t word(const uint8_t *b, bool is_big_endian)
{
	if (is_big_endian)
		return be32(b);
	return (uint32_t)b[3] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[1] << 8 | b[0];
}

/* Section 4.2; n is a multiple of 8. */
static void add_sum(uint32_t sum[2], const uint8_t *b, size_t n, bool is_big_endian)
{
	for (size_t i = 0; i + 8 <= n; i += 8) {
		sum[0] += word(b + i, is_big_endian) + sum[1];
		sum[1] += word(b + i + 4, is_big_endian) + sum[0];
	}
}

static bool is_page_size(uint32_t n)
{
	return n >= 512 && n <= 65536 && (n & (n - 1)) == 0;
}

bool wal_head_read(int fd, struct wal_head *ret)
{
	uint8_t b[WAL_HEAD];
	uint32_t sum[2] = {0, 0};

	if (fd < 0 || !read_at(fd, b, sizeof(b), 0) || (be32(b) & ~1U) != WAL_MAGIC)
		return false;
	ret->is_big_endian = (be32(b) & 1) != 0;
	ret->page_size = be32(b + 8);
	ret->salt[0] = be32(b + 16);
	ret->salt[1] = be32(b + 20);
	add_sum(sum, b, 24, ret->is_big_endian);
	ret->sum[0] = sum[0];
	ret->sum[1] = sum[1];
	return sum[0] == be32(b + 24) && sum[1] == be32(b + 28) && is_page_size(ret->page_size);
}

/* The number of frames up to the last commit. */
static uint32_t count_committed(int fd, const struct wal_head *head)
{
	size_t size = WAL_FRAME + head->page_size;
	CLEANUP(freep) uint8_t *b = xcalloc(1, size);
	uint32_t sum[2] = {head->sum[0], head->sum[1]}, committed = 0;

	for (uint32_t n = 0; n < UINT32_MAX - 1; n++) {
		if (!read_at(fd, b, size, WAL_HEAD + (off_t)n * (off_t)size))
			break;
		add_sum(sum, b, 8, head->is_big_endian);
		add_sum(sum, b + WAL_FRAME, head->page_size, head->is_big_endian);
		if (be32(b) == 0 || be32(b + 8) != head->salt[0] || be32(b + 12) != head->salt[1] ||
			be32(b + 16) != sum[0] || be32(b + 20) != sum[1])
			break;
		if (be32(b + 4) != 0)
			committed = n + 1;
	}
	return committed;
}

void wal_each(int fd, const struct wal_head *head,
	void (*fn)(uint32_t page, off_t at, uint32_t frame, void *ctx), void *ctx)
{
	uint32_t n = count_committed(fd, head);
	off_t size = WAL_FRAME + (off_t)head->page_size;

	for (uint32_t i = 0; i < n; i++) {
		uint8_t b[4];
		off_t at = WAL_HEAD + (off_t)i * size;

		if (read_at(fd, b, sizeof(b), at))
			fn(be32(b), at + WAL_FRAME, i, ctx);
	}
}
