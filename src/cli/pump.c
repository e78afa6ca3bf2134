/* SPDX-License-Identifier: MIT */
/*
 * cli/pump.c - the loop behind `pylon attach`: keys one way, output the other.
 *
 * The program's output is always taken, even while it takes no input: what was read here and does
 * not fit into the tunnel waits in `unsent`, and nothing more is read until it is gone. Otherwise
 * `cat` fed with more than two socket buffers would wait for us, and we for it.
 *
 * The end of our input is passed on by closing one half of the tunnel, which the engine passes on
 * to the program; its output still comes. The end of the tunnel is the end of everything, whatever
 * is still to be typed.
 */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/attach-internal.h"
#include "cli/terminal-internal.h"
#include "client/frames.h"

#define PIECE_MAX       KIB(32)
#define RESIZE_TRIES    20
#define RESIZE_PAUSE_MS 50

enum { POLL_IN, POLL_TUNNEL, POLL_RESIZED, POLLS };

struct flow {
	const struct pump *p;
	struct frames_reader frames;
	struct buf unsent; /* input on its way into the tunnel */
	bool input_is_over, half_is_closed;
	int resize_tries; /* left, while the size still has to be told */
	int out_rc;       /* first failure to write output */
};

static void flow_fini(struct flow *f)
{
	buf_fini(&f->unsent);
}

/* --- output --- */

/* Waits for a slow reader, also when somebody who shares the terminal has made it non-blocking. */
static void write_out(struct flow *f, int fd, struct slice data)
{
	while (data.n > 0 && f->out_rc == 0) {
		struct pollfd p = {.fd = fd, .events = POLLOUT};
		ssize_t n = write(fd, data.p, data.n);

		if (n >= 0) {
			data.p += n;
			data.n -= (size_t)n;
		} else if (errno == EAGAIN) {
			(void)poll(&p, 1, -1);
		} else if (errno != EINTR) {
			f->out_rc = -errno;
		}
	}
}

static void write_piece(void *ctx, enum frames_stream stream, struct slice piece)
{
	struct flow *f = ctx;
	bool is_output = stream == FRAMES_STDIN || stream == FRAMES_STDOUT;

	write_out(f, is_output ? f->p->out : f->p->err, piece);
}

static int take_output(struct flow *f, struct slice data, struct err *e)
{
	int r = 0;

	if (f->p->is_framed)
		r = frames_read(&f->frames, data, write_piece, f, e);
	else
		write_out(f, f->p->out, data);
	if (r == 0 && f->out_rc < 0)
		r = err_set(e, f->out_rc, "the output cannot be written: %s", strerror(-f->out_rc));
	return r;
}

/* 1 = there may be more, 0 = the program has closed its end. */
static int receive(struct flow *f, struct err *e)
{
	char piece[PIECE_MAX];
	ssize_t n = recv(f->p->tunnel->fd, piece, sizeof(piece), MSG_DONTWAIT);
	int r;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 1;
	/* An engine that was killed; what came before is all there is. */
	if (n < 0 && errno != ECONNRESET)
		return err_errno(e, "the container engine");
	if (n <= 0 && !frames_are_whole(&f->frames))
		return err_set(e, -ECONNRESET, "the connection to the container engine broke");
	if (n <= 0)
		return 0;
	r = take_output(f, (struct slice){piece, (size_t)n}, e);
	return r < 0 ? r : 1;
}

/* --- input --- */

static int read_input(struct flow *f, struct err *e)
{
	ssize_t n;

	buf_reserve(&f->unsent, PIECE_MAX);
	n = read(f->p->in, f->unsent.p, PIECE_MAX);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	/* A terminal that was hung up says EIO. */
	if (n < 0 && errno != EIO)
		return err_errno(e, "standard input");
	if (n <= 0)
		f->input_is_over = true;
	else
		f->unsent.n = (size_t)n;
	return 0;
}

static int send_input(struct flow *f, struct err *e)
{
	ssize_t n;

	if (f->unsent.n == 0)
		return 0;
	n = send(f->p->tunnel->fd, f->unsent.p, f->unsent.n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n >= 0) {
		buf_drop_front(&f->unsent, (size_t)n);
		return 0;
	}
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	/* The program reads no more; what it still says is worth having. */
	if (errno == EPIPE || errno == ECONNRESET) {
		buf_clear(&f->unsent);
		f->input_is_over = f->half_is_closed = true;
		return 0;
	}
	return err_errno(e, "the container engine");
}

static void close_half(struct flow *f)
{
	if (!f->input_is_over || f->half_is_closed || f->unsent.n > 0)
		return;
	f->half_is_closed = true;
	(void)shutdown(f->p->tunnel->fd, SHUT_WR);
}

/* --- the loop --- */

/* An engine may not take a size before the program has really begun. */
static void tell_size(struct flow *f)
{
	if (f->resize_tries == 0)
		return;
	f->resize_tries--;
	if (f->p->resize(f->p->ctx))
		f->resize_tries = 0;
}

static int wait_for_any(struct flow *f, struct pollfd fds[POLLS], struct err *e)
{
	bool wants_input = !f->input_is_over && f->unsent.n == 0;

	fds[POLL_IN] = (struct pollfd){.fd = wants_input ? f->p->in : -1, .events = POLLIN};
	fds[POLL_TUNNEL] = (struct pollfd){
		.fd = f->p->tunnel->fd, .events = f->unsent.n > 0 ? POLLIN | POLLOUT : POLLIN};
	fds[POLL_RESIZED] = (struct pollfd){.fd = f->p->resized, .events = POLLIN};
	if (poll(fds, POLLS, f->resize_tries > 0 ? RESIZE_PAUSE_MS : -1) >= 0)
		return 0;
	if (errno != EINTR)
		return err_errno(e, "poll");
	for (size_t i = 0; i < POLLS; i++)
		fds[i].revents = 0;
	return 0;
}

/* 1 = go on, 0 = over. */
static int turn(struct flow *f, struct err *e)
{
	struct pollfd fds[POLLS];
	int r;

	tell_size(f);
	r = wait_for_any(f, fds, e);
	if (r == 0 && fds[POLL_RESIZED].revents != 0) {
		terminal_take_resize(f->p->resized);
		f->resize_tries = RESIZE_TRIES;
	}
	if (r == 0 && fds[POLL_IN].revents != 0)
		r = read_input(f, e);
	if (r == 0)
		r = send_input(f, e);
	if (r < 0)
		return r;
	close_half(f);
	return (fds[POLL_TUNNEL].revents & ~POLLOUT) != 0 ? receive(f, e) : 1;
}

int pump_run(const struct pump *p, struct err *e)
{
	CLEANUP(flow_fini)
	struct flow f = {.p = p, .resize_tries = p->resized >= 0 ? RESIZE_TRIES : 0};
	int r = take_output(&f, buf_slice(&p->tunnel->first), e);

	if (r == 0)
		r = 1;
	while (r > 0)
		r = turn(&f, e);
	return r;
}
