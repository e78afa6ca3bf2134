/* SPDX-License-Identifier: MIT */
/*
 * base/spool_read.c - reading a spool while somebody else writes it.
 *
 * A reader opens all files of the spool, then checks that each name still means the file it
 * opened; if the writer turned the ring or joined in between, it tries again. What it has open
 * stays whole, because segments are replaced, never rewritten. Each call stands for itself, so a
 * reader that went away costs nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/spool_internal.h"

enum {
	TRIES = 5,
	FILES = 4,
};

static const char *const suffixes[FILES] = {".a", ".b", "", ".mark"};

/* All files of a spool at one moment. */
struct view {
	struct part parts[2]; /* by position; parts[1] is never there without parts[0] */
	int head_fd;
	uint64_t head_size;
	struct record record;
};

#define VIEW_NONE ((struct view){.parts = {{.fd = -1}, {.fd = -1}}, .head_fd = -1})

static void view_close(struct view *v)
{
	closep(&v->parts[0].fd);
	closep(&v->parts[1].fd);
	closep(&v->head_fd);
}

/* Which file each name stands for now; 0 for none. */
static void name_files(const char *path, ino_t ret[FILES])
{
	for (size_t i = 0; i < FILES; i++) {
		CLEANUP(freep) char *name = xasprintf("%s%s", path, suffixes[i]);
		struct stat st;

		ret[i] = lstat(name, &st) == 0 ? st.st_ino : 0;
	}
}

static void order_parts(struct view *v)
{
	bool is_swapped =
		v->parts[1].fd >= 0 && (v->parts[0].fd < 0 || v->parts[1].base < v->parts[0].base);

	if (is_swapped) {
		struct part first = v->parts[1];

		v->parts[1] = v->parts[0];
		v->parts[0] = first;
	}
}

static bool view_open(struct view *v, const char *path)
{
	ino_t before[FILES], after[FILES];

	*v = VIEW_NONE;
	for (unsigned i = 0; i < TRIES; i++) {
		struct stat st;

		view_close(v);
		*v = VIEW_NONE;
		name_files(path, before);
		/* The segments before the head: a head that is opened after a segment was seen
		 * missing is a joined one and whole. */
		(void)part_open(&v->parts[0], path, suffixes[0], O_RDONLY);
		(void)part_open(&v->parts[1], path, suffixes[1], O_RDONLY);
		v->head_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
		if (v->head_fd >= 0 && fstat(v->head_fd, &st) == 0)
			v->head_size = (uint64_t)st.st_size;
		record_read(path, &v->record);
		/* The record changes before the head grows by joining, so a size that does not go
		 * with this record is noticed here. */
		name_files(path, after);
		if (memcmp(before, after, sizeof(before)) == 0)
			break;
	}
	order_parts(v);
	return v->head_fd >= 0;
}

/* A run of bytes that lie together: in the stream at base, in the file at `at`. */
struct extent {
	int fd;
	uint64_t base, len, at;
};

/* The extents of a view in the order of the stream (at most 4); they may overlap. */
static size_t view_extents(const struct view *v, struct extent ret[FILES])
{
	const struct record *r = &v->record;
	uint64_t head = r->is_joined ? MIN_OF(v->head_size, r->head) : v->head_size;
	size_t n = 0;

	ret[n++] = (struct extent){v->head_fd, 0, head, 0};
	if (r->is_joined && v->head_size > r->head + r->gap)
		ret[n++] = (struct extent){
			v->head_fd, r->resume, v->head_size - r->head - r->gap, r->head + r->gap};
	for (size_t i = 0; i < ARRAY_LEN(v->parts); i++)
		if (v->parts[i].fd >= 0)
			ret[n++] = (struct extent){
				v->parts[i].fd, v->parts[i].base, v->parts[i].len, PART_HEAD_SIZE};
	return n;
}

static size_t read_at(int fd, char *ret, size_t n, uint64_t at)
{
	for (;;) {
		ssize_t got = pread(fd, ret, n, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		return got > 0 ? (size_t)got : 0;
	}
}

/* Finds an extent that has the byte at *offset, or else the first one behind it. */
static const struct extent *find_extent(const struct extent *all, size_t count, uint64_t *offset)
{
	const struct extent *next = NULL;

	for (size_t i = 0; i < count; i++) {
		const struct extent *x = &all[i];

		if (*offset >= x->base && *offset - x->base < x->len)
			return x;
		if (x->base > *offset && x->len > 0 && (next == NULL || x->base < next->base))
			next = x;
	}
	if (next != NULL)
		*offset = next->base;
	return next;
}

size_t spool_read(const char *path, uint64_t *offset, char *ret, size_t n)
{
	CLEANUP(view_close) struct view v;
	struct extent all[FILES];
	const struct extent *x;
	uint64_t start = *offset, skip;
	size_t got;

	if (!view_open(&v, path))
		return 0;
	x = find_extent(all, view_extents(&v, all), &start);
	if (x == NULL)
		return 0;
	skip = start - x->base;
	got = read_at(x->fd, ret, (size_t)MIN_OF((uint64_t)n, x->len - skip), x->at + skip);
	if (got > 0)
		*offset = start + got;
	return got;
}

uint64_t spool_tail_offset(const char *path, uint64_t bytes)
{
	CLEANUP(view_close) struct view v;
	struct extent all[FILES];
	uint64_t end = 0, start;
	size_t n;

	if (!view_open(&v, path))
		return 0;
	n = view_extents(&v, all);
	for (size_t i = 0; i < n; i++)
		end = MAX_OF(end, all[i].base + all[i].len);
	start = end > bytes ? end - bytes : 0;
	if (bytes > 0)
		(void)find_extent(all, n, &start);
	return start;
}
