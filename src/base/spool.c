/* SPDX-License-Identifier: MIT */
/*
 * base/spool.c - writing a spool (spool_internal.h tells how it lies on disk).
 *
 * Invariants while a spool is open: the segments, if any, follow each other without a gap; only
 * the newest is written; the head grows only while there is no segment. A position is never
 * reused for other bytes except by cutting back to the mark.
 *
 * What surprised us: a process may be killed between any two lines here, also while it repairs
 * what an earlier one left. So each step that removes bytes comes after the step that made them
 * superfluous, and repairing twice does the same as once.
 *
 * After a failed write (disk full) the bytes that got out count and the rest is lost; later
 * writes go on behind them.
 */
#include "base/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/spool_internal.h"

enum {
	COPY_STEP = 16 * 1024, /* pylon-shim has it too, and is to stay small */
	GAP_LINE_MAX = 80,
};

static const char *const slot_suffixes[] = {".a", ".b"};

struct spool {
	char *path;
	uint64_t head_max, tail;
	int head_fd;
	uint64_t head_len;
	struct part older, newest; /* there is no older without a newest */
	int slot;                  /* of the newest; the older lies in the other */
	int mark_fd;               /* opened by the first mark */
	struct record record;
};

static void spool_free(struct spool *s)
{
	if (s == NULL)
		return;
	closep(&s->head_fd);
	closep(&s->mark_fd);
	closep(&s->older.fd);
	closep(&s->newest.fd);
	free(s->path);
	free(s);
}

DEFINE_FREEP(struct spool, spool_free)

static int spool_fail(const struct spool *s, int code, struct err *e)
{
	errno = -code;
	return err_errno(e, "log %s", s->path);
}

/* pwrite(2) until all is written; *ret_done counts what was, also on failure. */
static int put_at(int fd, const char *p, size_t n, uint64_t at, uint64_t *ret_done)
{
	*ret_done = 0;
	while (n > 0) {
		ssize_t done = pwrite(fd, p, n, (off_t)at);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		p += done;
		at += (uint64_t)done;
		n -= (size_t)done;
		*ret_done += (uint64_t)done;
	}
	return 0;
}

static bool has_parts(const struct spool *s)
{
	return s->newest.fd >= 0;
}

static bool has_older(const struct spool *s)
{
	return s->older.fd >= 0;
}

/* Where the first byte that is in a segment stands in the stream. */
static uint64_t first_base(const struct spool *s)
{
	return has_older(s) ? s->older.base : s->newest.base;
}

uint64_t spool_length(const struct spool *s)
{
	return has_parts(s) ? part_end(&s->newest) : s->head_len;
}

/* Removes the file of a slot and closes the segment that was in it. */
static void drop_part(struct spool *s, struct part *p, int slot)
{
	CLEANUP(freep) char *name = xasprintf("%s%s", s->path, slot_suffixes[slot]);

	closep(&p->fd);
	*p = PART_NONE;
	(void)unlink(name);
}

static void drop_older(struct spool *s)
{
	drop_part(s, &s->older, 1 - s->slot);
}

/* The older becomes the newest again. */
static void drop_newest(struct spool *s)
{
	drop_part(s, &s->newest, s->slot);
	s->newest = s->older;
	s->older = PART_NONE;
	s->slot = 1 - s->slot;
}

/* The older first: see spool_internal.h. */
static void drop_all(struct spool *s)
{
	drop_older(s);
	drop_newest(s);
}

/* An empty file beside the spool that becomes one of its files by rename_new(). */
static int open_new(const struct spool *s)
{
	CLEANUP(freep) char *name = xasprintf("%s.new", s->path);
	int fd;

	(void)unlink(name);
	fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? -errno : fd;
}

static int rename_new(const struct spool *s, const char *suffix)
{
	CLEANUP(freep) char *from = xasprintf("%s.new", s->path);
	CLEANUP(freep) char *to = xasprintf("%s%s", s->path, suffix);

	return rename(from, to) < 0 ? -errno : 0;
}

/* Copies len bytes at `from` of one file to `to` of another. */
static int copy_bytes(int from_fd, uint64_t from, int to_fd, uint64_t to, uint64_t len)
{
	CLEANUP(freep) char *step = len > 0 ? xcalloc(COPY_STEP, 1) : NULL;

	while (len > 0) {
		ssize_t n =
			pread(from_fd, step, (size_t)MIN_OF(len, (uint64_t)COPY_STEP), (off_t)from);
		uint64_t done;
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		r = put_at(to_fd, step, (size_t)n, to, &done);
		if (r < 0)
			return r;
		from += done;
		to += done;
		len -= done;
	}
	return 0;
}

/* Makes a new newest segment with len bytes copied from the head file at `from`; the newest until
 * now becomes the older, and the older one is replaced. */
static int make_part(struct spool *s, uint64_t base, uint64_t from, uint64_t len)
{
	CLEANUP(closep) int fd = open_new(s);
	char head[PART_HEAD_SIZE];
	uint64_t done;
	int r;

	if (fd < 0)
		return fd;
	part_print_head(base, head);
	r = put_at(fd, head, sizeof(head), 0, &done);
	if (r == 0)
		r = copy_bytes(s->head_fd, from, fd, PART_HEAD_SIZE, len);
	if (r == 0)
		r = rename_new(s, slot_suffixes[1 - s->slot]);
	if (r < 0)
		return r;
	closep(&s->older.fd);
	s->older = s->newest;
	s->newest = (struct part){fd_steal(&fd), base, len};
	s->slot = 1 - s->slot;
	return 0;
}

/* Writes what fits into the file that is being filled; *ret_done tells how much. */
static int write_some(struct spool *s, const char *p, size_t n, uint64_t *ret_done)
{
	struct part *part = &s->newest;
	int r = 0;

	*ret_done = 0;
	if (!has_parts(s) && s->head_len < s->head_max) {
		n = (size_t)MIN_OF((uint64_t)n, s->head_max - s->head_len);
		r = put_at(s->head_fd, p, n, s->head_len, ret_done);
		s->head_len += *ret_done;
		return r;
	}
	if (!has_parts(s) || part->len >= s->tail)
		r = make_part(s, spool_length(s), 0, 0);
	if (r < 0)
		return r;
	n = (size_t)MIN_OF((uint64_t)n, s->tail - part->len);
	r = put_at(part->fd, p, n, PART_HEAD_SIZE + part->len, ret_done);
	part->len += *ret_done;
	return r;
}

int spool_write(struct spool *s, const void *p, size_t n, struct err *e)
{
	const char *at = p;

	while (n > 0) {
		uint64_t done;
		int r = write_some(s, at, n, &done);

		if (r < 0)
			return spool_fail(s, r, e);
		at += done;
		n -= (size_t)done;
	}
	return 0;
}

/* Replaces the record in one step; for what readers must not see half. */
static int replace_record(struct spool *s)
{
	CLEANUP(closep) int fd = open_new(s);
	char text[RECORD_SIZE];
	uint64_t done;
	int r;

	if (fd < 0)
		return fd;
	record_print(&s->record, text);
	r = put_at(fd, text, sizeof(text), 0, &done);
	if (r == 0)
		r = rename_new(s, ".mark");
	if (r < 0)
		return r;
	/* The descriptor for marks was that of the file just replaced. */
	closep(&s->mark_fd);
	s->mark_fd = fd_steal(&fd);
	return 0;
}

static int open_mark_file(struct spool *s)
{
	CLEANUP(freep) char *name = xasprintf("%s.mark", s->path);

	if (s->mark_fd < 0)
		s->mark_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return s->mark_fd < 0 ? -errno : 0;
}

int spool_mark(struct spool *s, const char *mark, struct err *e)
{
	struct record next = {.is_there = true, .length = spool_length(s)};
	char text[RECORD_SIZE];
	uint64_t done;
	int r;

	if (!str_copy(next.mark, sizeof(next.mark), mark))
		return err_set(e, -EINVAL, "log %s: the mark is too long", s->path);
	r = open_mark_file(s);
	if (r < 0)
		return spool_fail(s, r, e);
	record_print(&next, text);
	r = put_at(s->mark_fd, text, sizeof(text), 0, &done);
	if (r < 0)
		return spool_fail(s, r, e);
	s->record = next;
	return 0;
}

static int cut_file(int fd, uint64_t size)
{
	return ftruncate(fd, (off_t)size) < 0 ? -errno : 0;
}

static int cut_head(struct spool *s, uint64_t length)
{
	int r = length < s->head_len ? cut_file(s->head_fd, length) : 0;

	if (r == 0)
		s->head_len = MIN_OF(s->head_len, length);
	return r;
}

static int cut_newest(struct spool *s, uint64_t length)
{
	int r = cut_file(s->newest.fd, PART_HEAD_SIZE + length - s->newest.base);

	if (r == 0)
		s->newest.len = length - s->newest.base;
	return r;
}

/* Forgets everything from stream position `length` on. A length beyond the end (the power went)
 * changes nothing: the stream goes on where it ends. */
static int cut_back(struct spool *s, uint64_t length)
{
	int r;

	if (length >= spool_length(s))
		return 0;
	if (has_older(s) && length >= s->older.base && length < s->newest.base)
		drop_newest(s);
	if (has_parts(s) && length >= s->newest.base)
		return cut_newest(s, length);
	if (length <= s->head_len) {
		drop_all(s);
		return cut_head(s, length);
	}
	/* The mark's own place has been overwritten: the stream goes on there all the same, in a
	 * segment that must be there before those that remember how far the stream had come go. */
	r = make_part(s, length, 0, 0);
	if (r == 0)
		drop_older(s);
	return r;
}

/* Undoes spool_close(s, true), or the part of it that a killed process had done. */
static int unjoin(struct spool *s)
{
	const struct record r = s->record;
	uint64_t from = r.head + r.gap;
	int result = 0;

	/* Nothing missing at the front: the head file holds nothing that the segments do not. */
	if (!has_parts(s) || first_base(s) > r.resume) {
		drop_all(s);
		if (s->head_len > from)
			result = make_part(s, r.resume, from, s->head_len - from);
	}
	if (result == 0)
		result = cut_head(s, r.head);
	if (result < 0)
		return result;
	s->record.is_joined = false;
	s->record.head = s->record.resume = s->record.gap = 0;
	return replace_record(s);
}

/* Opens the segments and finds out which is the newest. */
static void open_parts(struct spool *s)
{
	struct part a = PART_NONE, b = PART_NONE;

	(void)part_open(&a, s->path, slot_suffixes[0], O_RDWR);
	(void)part_open(&b, s->path, slot_suffixes[1], O_RDWR);
	s->slot = a.fd >= 0 && (b.fd < 0 || a.base > b.base) ? 0 : 1;
	s->newest = s->slot == 1 ? b : a;
	s->older = s->slot == 1 ? a : b;
}

/* After a power cut a file may be shorter than it was: keeps what still hangs together. */
static int mend(struct spool *s)
{
	if (has_older(s) && part_end(&s->older) != s->newest.base)
		drop_older(s);
	return has_parts(s) ? cut_head(s, first_base(s)) : 0;
}

static int open_files(struct spool *s)
{
	struct stat st;
	int r = 0;

	s->head_fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
	if (s->head_fd < 0 || fstat(s->head_fd, &st) < 0)
		return -errno;
	s->head_len = (uint64_t)st.st_size;
	open_parts(s);
	record_read(s->path, &s->record);
	if (s->record.is_joined)
		r = unjoin(s);
	if (r == 0)
		r = mend(s);
	if (r == 0)
		r = cut_back(s, s->record.length);
	return r;
}

int spool_open(struct spool **ret, const char *path, uint64_t head, uint64_t tail,
	char ret_mark[SPOOL_MARK_MAX], struct err *e)
{
	CLEANUP(spool_freep) struct spool *s = NULL;
	int r;

	must(tail > 0);
	s = xcalloc(1, sizeof(*s));
	s->path = xstrdup(path);
	s->head_max = head;
	s->tail = tail;
	s->head_fd = s->mark_fd = -1;
	s->older = s->newest = PART_NONE;
	r = open_files(s);
	if (r < 0)
		return spool_fail(s, r, e);
	(void)str_copy(ret_mark, SPOOL_MARK_MAX, s->record.mark);
	*ret = STEAL(s);
	return 0;
}

/* The line that stands for `missing` bytes behind the head; "" for none. */
static void print_gap(const struct spool *s, uint64_t missing, char ret[GAP_LINE_MAX])
{
	char last = '\n';

	ret[0] = '\0';
	if (missing == 0)
		return;
	if (s->head_len > 0 && pread(s->head_fd, &last, 1, (off_t)s->head_len - 1) != 1)
		last = '\n';
	(void)snprintf(ret, GAP_LINE_MAX, "%s[pylon left out %" PRIu64 " bytes here]\n",
		last == '\n' ? "" : "\n", missing);
}

/* Adds the gap line and the segments to the head file. */
static int append_parts(struct spool *s, const char *gap)
{
	const struct part *const all[] = {&s->older, &s->newest};
	uint64_t to = s->head_len, done;
	int r = put_at(s->head_fd, gap, strlen(gap), to, &done);

	to += done;
	for (size_t i = 0; i < ARRAY_LEN(all) && r == 0; i++) {
		if (all[i]->fd < 0)
			continue;
		r = copy_bytes(all[i]->fd, PART_HEAD_SIZE, s->head_fd, to, all[i]->len);
		to += all[i]->len;
	}
	return r;
}

/* On failure (disk full) the segments stay, which readers do not notice. */
static void join(struct spool *s)
{
	uint64_t resume = first_base(s);
	char gap[GAP_LINE_MAX];

	print_gap(s, resume - s->head_len, gap);
	s->record.is_joined = true;
	s->record.head = s->head_len;
	s->record.resume = resume;
	s->record.gap = strlen(gap);
	if (replace_record(s) == 0 && append_parts(s, gap) == 0) {
		drop_all(s);
		return;
	}
	(void)cut_file(s->head_fd, s->head_len);
	s->record.is_joined = false;
	s->record.head = s->record.resume = s->record.gap = 0;
	(void)replace_record(s);
}

void spool_close(struct spool *s, bool is_over)
{
	if (s == NULL)
		return;
	if (is_over && has_parts(s))
		join(s);
	spool_free(s);
}
