/* SPDX-License-Identifier: MIT */
/*
 * The log of both streams: from two pipes into a spool (base/spool.h), with a record beside it of
 * which bytes came from which.
 *
 * Invariants: the pipes are always emptied, whatever becomes of the log, so the command never
 * waits for a full disk; memory does not grow with output. A mark follows each piece, because
 * spool_open() forgets what is behind the last mark and no source could give us that again.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/spool.h"
#include "shim/shim.h"
#include "shim/shim_internal.h"

#define MARK      "pylon-shim"
#define MORE_LINE "... more\n"

enum {
	LINE_MAX_BYTES = 64,
};

static bool write_line(struct output *o, const char *line, size_t n)
{
	if (write(o->streams, line, n) != (ssize_t)n) {
		/* No half lines. */
		(void)!ftruncate(o->streams, (off_t)o->streams_size);
		return false;
	}
	o->streams_size += n;
	return true;
}

static void note_source(struct output *o, int source)
{
	char line[LINE_MAX_BYTES];
	int n;

	if (o->source == source || o->streams < 0)
		return;
	n = snprintf(line, sizeof(line), "%" PRIu64 " %d %" PRId64 "\n", spool_length(o->spool),
		source, clock_us(CLOCK_REALTIME) / 1000);
	if (o->streams_size + (size_t)n + strlen(MORE_LINE) > SHIM_STREAMS_MAX)
		(void)write_line(o, MORE_LINE, strlen(MORE_LINE));
	else if (write_line(o, line, (size_t)n)) {
		o->source = source;
		return;
	}
	closep(&o->streams);
}

static void write_piece(struct output *o, const char *piece, size_t n)
{
	uint64_t before = spool_length(o->spool);
	int r = spool_write(o->spool, piece, n, NULL);

	if (r < 0) {
		o->lost += n - (spool_length(o->spool) - before);
		o->lost_errno = -r;
	}
	/* Without a mark this piece is only lost to one who opens the spool for writing. */
	(void)!spool_mark(o->spool, MARK, NULL);
}

void output_copy(struct output *o, int which)
{
	static char piece[SHIM_PIECE];
	ssize_t n;

	if (o->pipes[which] < 0)
		return;
	n = read(o->pipes[which], piece, sizeof(piece));
	if (n > 0) {
		note_source(o, which + 1);
		write_piece(o, piece, (size_t)n);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		closep(&o->pipes[which]);
	}
}

static int open_streams(const char *path)
{
	CLEANUP(freep) char *name = xasprintf("%s" SHIM_STREAMS_SUFFIX, path);

	return open(name, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static int open_pipes(struct output *o, int ret_ends[2])
{
	for (int i = 0; i < 2; i++) {
		int ends[2];

		if (pipe2(ends, O_CLOEXEC) < 0)
			return -errno;
		o->pipes[i] = ends[0];
		ret_ends[i] = ends[1];
		/* Ours alone: the command's end is another open file. */
		if (fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0)
			return -errno;
	}
	return 0;
}

int output_open(struct output *o, const char *path, uint64_t head, uint64_t tail, int ret_ends[2])
{
	char mark[SPOOL_MARK_MAX];
	int r;

	*o = OUTPUT_NONE;
	ret_ends[0] = ret_ends[1] = -1;
	r = spool_open(&o->spool, path, head, tail, mark, NULL);
	if (r == 0) {
		o->streams = open_streams(path);
		r = o->streams < 0 ? -errno : open_pipes(o, ret_ends);
	}
	if (r == 0)
		return 0;
	closep(&ret_ends[0]);
	closep(&ret_ends[1]);
	output_close(o);
	return r;
}

void output_close(struct output *o)
{
	closep(&o->pipes[0]);
	closep(&o->pipes[1]);
	closep(&o->streams);
	spool_close(o->spool, true);
	o->spool = NULL;
}
