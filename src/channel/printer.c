/* SPDX-License-Identifier: MIT */
/*
 * The channel "stdout": one block of text for each message, in the order they were sent.
 *
 * Our standard output is shared with whoever started us, so it is not made non-blocking: that would
 * change it for them too. Instead poll(2) is asked before each piece, and a piece is never larger
 * than PIPE_BUF, which a pipe that is ready for writing always takes whole. Nothing is printed for
 * a reader that does not read: the loop tells when there is room, and after DELIVERY_TIMEOUT_US the
 * message goes back to the outbox. One that was cut in the middle is closed with a newline, so that
 * the next begins on its own line.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "channel/channel_internal.h"

#define SHORT_ID 8

struct printer {
	struct loop *loop;
	int fd;
	struct list queue; /* of sendings, by their turn */
	struct watch watch;
	bool is_watching;
	struct timer deadline; /* of the first in the queue */
	struct defer step;
	bool is_midline;
};

/* --- the text --- */

static void add_head(struct buf *out, const struct js *job, const char *kind, bool is_repeat)
{
	const char *pylon = js_get_str(job, "pylon");
	const char *id = js_get_str(job, "id");
	const char *state = js_get_str(job, "state");
	const char *reason = js_get_str(job, "reason");

	buf_printf(out, "[%s] job %.*s ", pylon == NULL ? "?" : pylon, SHORT_ID,
		id == NULL ? "?" : id);
	if (str_eq(kind, "approval"))
		buf_add_str(out, "waits for approval");
	else if (str_eq(kind, "notice"))
		buf_add_str(out, "notice");
	else
		buf_add_str(out, state == NULL ? "is over" : state);
	if (str_eq(kind, "result") && !str_is_empty(reason))
		buf_printf(out, " (%s)", reason);
	buf_add_str(out, is_repeat ? " (repeat)\n" : "\n");
}

static void add_ways_to_decide(struct buf *out, const struct js *job)
{
	const char *id = js_get_str(job, "id");

	if (id == NULL)
		return;
	buf_printf(out, "  to run it:     pylon approve %.*s\n", SHORT_ID, id);
	buf_printf(out, "  to forget it:  pylon dismiss %.*s\n", SHORT_ID, id);
}

void printer_render(struct buf *out, const struct channel_message *m)
{
	CLEANUP(js_freep) struct js *message = js_parse(m->message, strlen(m->message), NULL);
	CLEANUP(buf_fini) struct buf raw = BUF_NULL;
	const struct js *job = js_get(message, "job");
	const char *text = js_get_str(message, "text");

	add_head(&raw, job, m->kind, m->is_repeat);
	if (!str_is_empty(text)) {
		buf_add_str(&raw, text);
		if (raw.p[raw.n - 1] != '\n')
			buf_add_char(&raw, '\n');
	}
	if (str_eq(m->kind, "approval"))
		add_ways_to_decide(&raw, job);
	buf_add_char(&raw, '\n');
	utf8_clean(out, raw.p, raw.n);
}

/* --- printing --- */

static struct sending *first_of(struct printer *p)
{
	return list_is_empty(&p->queue) ? NULL : list_entry(p->queue.next, struct sending, turn);
}

static void end_first(
	struct printer *p, struct sending *s, enum channel_outcome outcome, const char *text)
{
	timer_cancel(&p->deadline);
	list_remove(&s->turn);
	if (!list_is_empty(&p->queue))
		defer_set(&p->step);
	sending_end(s, outcome, -1, text);
}

/* 1: there is room; 0: not now; negative errno: it is closed. */
static int ask_room(const struct printer *p)
{
	struct pollfd pfd = {.fd = p->fd, .events = POLLOUT};

	if (poll(&pfd, 1, 0) < 0)
		return errno == EINTR ? 0 : -errno;
	if ((pfd.revents & POLLNVAL) != 0)
		return -EBADF;
	if ((pfd.revents & (POLLERR | POLLHUP)) != 0)
		return -EPIPE;
	return (pfd.revents & POLLOUT) != 0;
}

/* Writes a piece; as ask_room(). */
static int write_piece(struct printer *p, struct sending *s)
{
	int rc = ask_room(p);
	ssize_t n;

	if (rc <= 0)
		return rc;
	n = write(
		p->fd, s->print.p + s->printed, MIN_OF(s->print.n - s->printed, (size_t)PIPE_BUF));
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	s->printed += (size_t)n;
	if (n > 0)
		p->is_midline = s->print.p[s->printed - 1] != '\n';
	return 1;
}

static void on_room(struct watch *w UNUSED, uint32_t events UNUSED, void *ctx)
{
	struct printer *p = ctx;

	watch_stop(&p->watch);
	p->is_watching = false;
	defer_set(&p->step);
}

static void wait_for_room(struct printer *p)
{
	if (!timer_is_set(&p->deadline))
		timer_set_in(&p->deadline, DELIVERY_TIMEOUT_US);
	if (p->is_watching)
		return;
	/* What cannot be watched (a file) is always ready and does not come here. */
	p->is_watching = watch_start(&p->watch, p->loop, p->fd, EPOLLOUT, on_room, p, NULL) == 0;
}

static void on_deadline(struct timer *t UNUSED, void *ctx)
{
	struct printer *p = ctx;
	struct sending *s = first_of(p);

	if (s == NULL)
		return;
	if (s->printed > 0)
		end_first(p, s, CHANNEL_UNKNOWN, "whoever reads stdout stopped in the middle");
	else
		end_first(p, s, CHANNEL_RETRY, "nobody reads stdout");
}

/* One message a turn at most. */
static void on_step(void *ctx)
{
	struct printer *p = ctx;
	struct sending *s = first_of(p);
	int rc = 1;

	if (s == NULL)
		return;
	failpoint(FP_send_before);
	/* The message before this one was cut. */
	if (s->printed == 0 && p->is_midline && s->print.p[0] != '\n') {
		struct buf closed = BUF_NULL;

		buf_add_char(&closed, '\n');
		buf_add_slice(&closed, buf_slice(&s->print));
		buf_fini(&s->print);
		s->print = closed;
	}
	while (rc > 0 && s->printed < s->print.n)
		rc = write_piece(p, s);
	if (rc == 0) {
		wait_for_room(p);
	} else if (rc < 0) {
		end_first(p, s, CHANNEL_RETRY, "stdout is closed");
	} else {
		failpoint(FP_send_after);
		end_first(p, s, CHANNEL_SENT, NULL);
	}
}

struct printer *printer_new(struct channels *c, int fd)
{
	struct printer *p = xcalloc(1, sizeof(*p));

	p->loop = c->loop;
	p->fd = fd;
	list_init(&p->queue);
	timer_init(&p->deadline, c->loop, on_deadline, p);
	defer_init(&p->step, c->loop, on_step, p);
	return p;
}

void printer_free(struct printer *p)
{
	if (p == NULL)
		return;
	if (p->is_watching)
		watch_stop(&p->watch);
	timer_cancel(&p->deadline);
	defer_cancel(&p->step);
	while (!list_is_empty(&p->queue))
		list_remove(p->queue.next);
	free(p);
}

void printer_send(struct printer *p, struct sending *s, const struct channel_message *m)
{
	printer_render(&s->print, m);
	list_append(&p->queue, &s->turn);
	defer_set(&p->step);
}
