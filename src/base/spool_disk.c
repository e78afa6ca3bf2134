/* SPDX-License-Identifier: MIT */
/*
 * base/spool_disk.c - the two small formats of a spool: the head of a segment and the mark record.
 *
 * Both are text of fixed size with fixed places, so that a person can read them and a record can
 * be replaced by one pwrite(2), which a killed process has either done or not done.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/spool_internal.h"

#define PART_MAGIC   "pylon-part "
#define RECORD_MAGIC "pylon-spool "

enum {
	DIGITS = 20, /* of UINT64_MAX */
	PART_MAGIC_LEN = sizeof(PART_MAGIC) - 1,
	RECORD_MAGIC_LEN = sizeof(RECORD_MAGIC) - 1,
	/* Behind the magic: a letter, then four numbers, each with a space in front. */
	RECORD_NUMBERS = 4,
	RECORD_MARK_AT = RECORD_MAGIC_LEN + 1 + RECORD_NUMBERS * (DIGITS + 1) + 1,
};

_Static_assert(PART_MAGIC_LEN + DIGITS + 1 == PART_HEAD_SIZE, "the head of a segment");
_Static_assert((int)RECORD_MARK_AT + SPOOL_MARK_MAX < RECORD_SIZE, "the mark fits");

void part_print_head(uint64_t base, char ret[PART_HEAD_SIZE])
{
	char text[PART_HEAD_SIZE + 1];

	(void)snprintf(text, sizeof(text), PART_MAGIC "%0*" PRIu64 "\n", DIGITS, base);
	memcpy(ret, text, PART_HEAD_SIZE);
}

static bool parse_head(const char head[PART_HEAD_SIZE], uint64_t *ret_base)
{
	struct slice digits = {head + PART_MAGIC_LEN, DIGITS};

	return memcmp(head, PART_MAGIC, PART_MAGIC_LEN) == 0 && head[PART_HEAD_SIZE - 1] == '\n' &&
	       slice_to_u64(digits, INT64_MAX, ret_base);
}

bool part_open(struct part *ret, const char *path, const char *suffix, int flags)
{
	CLEANUP(freep) char *name = xasprintf("%s%s", path, suffix);
	CLEANUP(closep) int fd = open(name, flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	char head[PART_HEAD_SIZE];
	struct stat st;
	uint64_t base;

	if (fd < 0 || pread(fd, head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
		!parse_head(head, &base) || fstat(fd, &st) < 0)
		return false;
	*ret = (struct part){fd_steal(&fd), base, (uint64_t)st.st_size - PART_HEAD_SIZE};
	return true;
}

void record_print(const struct record *r, char ret[RECORD_SIZE])
{
	char text[RECORD_SIZE + 1];
	int n = snprintf(text, sizeof(text),
		RECORD_MAGIC "%c %0*" PRIu64 " %0*" PRIu64 " %0*" PRIu64 " %0*" PRIu64 " %s",
		r->is_joined ? 'j' : 'm', DIGITS, r->length, DIGITS, r->head, DIGITS, r->resume,
		DIGITS, r->gap, r->mark);

	must(n > 0 && n < RECORD_SIZE);
	/* A NUL ends the mark; the rest is only for the eyes. */
	memset(ret, ' ', RECORD_SIZE);
	memcpy(ret, text, (size_t)n + 1);
	ret[RECORD_SIZE - 1] = '\n';
}

static bool parse_record(const char text[RECORD_SIZE], struct record *ret)
{
	uint64_t *const numbers[RECORD_NUMBERS] = {
		&ret->length, &ret->head, &ret->resume, &ret->gap};
	const char *at = text + RECORD_MAGIC_LEN;
	const char *mark = text + RECORD_MARK_AT;

	if (memcmp(text, RECORD_MAGIC, RECORD_MAGIC_LEN) != 0 || (*at != 'm' && *at != 'j') ||
		memchr(mark, '\0', SPOOL_MARK_MAX) == NULL)
		return false;
	ret->is_joined = *at++ == 'j';
	for (size_t i = 0; i < RECORD_NUMBERS; i++, at += DIGITS + 1)
		if (!slice_to_u64((struct slice){at + 1, DIGITS}, INT64_MAX, numbers[i]))
			return false;
	return str_copy(ret->mark, sizeof(ret->mark), mark);
}

void record_read(const char *path, struct record *ret)
{
	CLEANUP(freep) char *name = xasprintf("%s.mark", path);
	CLEANUP(closep) int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	char text[RECORD_SIZE];

	*ret = (struct record){0};
	if (fd < 0 || pread(fd, text, sizeof(text), 0) != (ssize_t)sizeof(text))
		return;
	ret->is_there = parse_record(text, ret);
	if (!ret->is_there)
		*ret = (struct record){0};
}
