/* SPDX-License-Identifier: MIT */
/*
 * mcp/mcp.c - reading messages and writing answers, one after the other.
 *
 * Every call of the daemon is short, so nothing is done at the same time and nothing can be
 * cancelled: `notifications/cancelled` comes too late, and the protocol allows that. What surprised
 * us: who starts a server may hand it descriptors that do not block, hence the waiting.
 */
#include "mcp/mcp.h"

#include <poll.h>
#include <unistd.h>

#include "mcp/inbox_internal.h"
#include "mcp/mcp_internal.h"

#define READ_SIZE KIB(64)

struct server {
	struct mcp mcp;
	int out;
	struct buf answer;
	struct err *e;
	int rc; /* why nothing more can be written */
};

static void wait_for(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	(void)poll(&p, 1, -1);
}

/* read(2) that waits; 0 at the end. */
static ssize_t read_some(int fd, char *p, size_t size)
{
	for (;;) {
		ssize_t n = read(fd, p, size);

		if (n >= 0 || (errno != EINTR && errno != EAGAIN))
			return n;
		if (errno == EAGAIN)
			wait_for(fd, POLLIN);
	}
}

static int write_answer(int fd, struct slice data, struct err *e)
{
	while (data.n > 0) {
		ssize_t n = write(fd, data.p, data.n);

		if (n < 0 && errno == EAGAIN)
			wait_for(fd, POLLOUT);
		else if (n < 0 && errno != EINTR)
			return err_errno(e, "writing an answer");
		if (n < 0)
			continue;
		data.p += n;
		data.n -= (size_t)n;
	}
	return 0;
}

static void on_line(void *ctx, const struct slice *line)
{
	struct server *s = ctx;

	if (s->rc < 0)
		return;
	if (line == NULL)
		mcp_answer_too_long(&s->answer);
	else
		mcp_answer(&s->mcp, *line, &s->answer);
	s->rc = write_answer(s->out, buf_slice(&s->answer), s->e);
	buf_clear(&s->answer);
}

int mcp_serve(const struct mcp_options *o, struct err *e)
{
	struct server s = {
		.mcp = {.socket = o->socket, .version = o->version}, .out = o->out, .e = e};
	CLEANUP(inbox_fini) struct inbox inbox = {0};
	CLEANUP(freep) char *piece = xcalloc(1, READ_SIZE);
	ssize_t n = 0;

	while (s.rc == 0 && (n = read_some(o->in, piece, READ_SIZE)) > 0)
		inbox_feed(&inbox, (struct slice){piece, (size_t)n}, on_line, &s);
	if (n < 0)
		s.rc = err_errno(e, "reading messages");
	else if (s.rc == 0)
		inbox_end(&inbox, on_line, &s);
	buf_fini(&s.answer);
	return s.rc;
}
