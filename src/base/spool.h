/* SPDX-License-Identifier: MIT */
/*
 * base/spool.h - the log of one job: bounded on disk, exact after a crash.
 *
 * A spool keeps the first `head` bytes of all that was ever written to it in <path>, and of the
 * rest the last `tail` bytes (at least) in two segment files <path>.a and <path>.b that take
 * turns. spool_close() joins them into <path> with one marker line that says how many bytes were
 * left out. Offsets are positions in the whole stream as it was written, so a reader can follow
 * without noticing the seam.
 *
 * A mark is a short text of the writer (for container output: the timestamp of the last record)
 * that is kept together with the length at which it was set, in <path>.mark. After a crash
 * spool_open() cuts the spool back to its last mark and returns it: what came after is written
 * again by the source. Files are 0600. No syncing: this survives a killed process, and a power cut
 * costs only the log's tail.
 */
#ifndef PYLON_BASE_SPOOL_H
#define PYLON_BASE_SPOOL_H

#include "base/err.h"
#include "base/str.h"

#define SPOOL_MARK_MAX 64 /* bytes, with the NUL */

struct spool;

/* Opens for writing (creates; or goes on after the last mark, which is copied to ret_mark, "" when
 * there is none). */
NODISCARD int spool_open(struct spool **ret, const char *path, uint64_t head, uint64_t tail,
	char ret_mark[SPOOL_MARK_MAX], struct err *e);
NODISCARD int spool_write(struct spool *s, const void *p, size_t n, struct err *e);
NODISCARD int spool_mark(struct spool *s, const char *mark, struct err *e);
/* Bytes ever written. */
uint64_t spool_length(const struct spool *s);
/* Joins the segments when `is_over` (no more output will come), else keeps them for a later open.
 */
void spool_close(struct spool *s, bool is_over);

/* Reading needs no writer in this process. Copies up to n bytes from stream position *offset;
 * when those bytes are gone, *offset jumps forward to the next that are there. Moves *offset behind
 * what was copied. Returns the count, 0 at the end (or when there is no such spool yet). */
size_t spool_read(const char *path, uint64_t *offset, char *ret, size_t n);
/* Position from which about the last `bytes` bytes follow. */
uint64_t spool_tail_offset(const char *path, uint64_t bytes);

#endif
