/* SPDX-License-Identifier: MIT */
/*
 * base/spool_internal.h - how a spool lies on disk; shared by its writer and its readers.
 *
 *	<path>       the first bytes of the stream, at the offsets they have in the stream; after
 *	             joining also the gap line and the last bytes
 *	<path>.a/.b  two segments that take turns: a part header with the position of its first
 *byte, then bytes. Each is complete from its first moment (written beside, then renamed)
 *	<path>.mark  one record of fixed size
 *
 * The joined record is written (by rename) before the first byte is added to <path>, and the
 * segments are removed (the older first) after the last one. So a segment that exists is right,
 * and once one is missing the joined file is whole.
 */
#ifndef PYLON_BASE_SPOOL_INTERNAL_H
#define PYLON_BASE_SPOOL_INTERNAL_H

#include "base/spool.h"

#define PART_HEAD_SIZE 32
#define RECORD_SIZE    192

/* A segment; fd is -1 when there is none. */
struct part {
	int fd;
	uint64_t base; /* stream position of its first byte */
	uint64_t len;
};

#define PART_NONE ((struct part){.fd = -1})

static inline uint64_t part_end(const struct part *p)
{
	return p->base + p->len;
}

struct record {
	bool is_there;
	uint64_t length; /* of the stream when the mark was set */
	bool is_joined;
	uint64_t head;   /* joined: bytes of <path> before the gap line, */
	uint64_t resume; /* stream position of the first byte behind it, */
	uint64_t gap;    /* and the line's length */
	char mark[SPOOL_MARK_MAX];
};

/* Opens <path><suffix> with the flags and reads its header; false when it is no segment. */
bool part_open(struct part *ret, const char *path, const char *suffix, int flags);
void part_print_head(uint64_t base, char ret[PART_HEAD_SIZE]);

/* Reads <path>.mark; is_there is false when it is missing or damaged. */
void record_read(const char *path, struct record *ret);
void record_print(const struct record *r, char ret[RECORD_SIZE]);

#endif
