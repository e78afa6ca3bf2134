/* SPDX-License-Identifier: MIT */
/*
 * api/lines.c - the clients of the JSON-lines protocol: framing, answers, limits.
 *
 * The HTTP server has seen a '{' where a request line should be, and hands over the descriptor and
 * what it has read; whose uid may connect was checked when it accepted.
 *
 * Whatever a client sends, it can only harm itself. It is read only while it may ask more: not when
 * too many of its requests wait for their answer, when it does not take its answers, or when it
 * was too quick; then it waits, nothing is refused. A line that is too long is answered once and
 * skipped. Only when there is no room for another client, or too much of all unfinished lines
 * together, somebody has to go.
 *
 * Invariant: the memory of a closed client goes at the outermost leave(), because every answer may
 * find out that it has gone while a function further up still holds it. Its requests outlive it.
 */
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/lines-internal.h"

enum {
	READ_SIZE = 32 << 10,
	TURN_LINES_MAX = 16, /* then the rest of the loop gets its turn */
};

struct line_client {
	struct list node;
	struct lines *lines;
	int fd; /* -1 = closed */
	struct watch watch;
	uint32_t mask;
	struct buf in;
	size_t in_at;     /* what is before it was used */
	size_t seen;      /* no newline before this place */
	size_t held;      /* counted in lines->held */
	bool is_skipping; /* the rest of a line that was too long */
	bool saw_end;     /* nothing more will come */
	bool is_deaf;     /* takes no answers any more, but what it asked before counts */
	bool is_hung;     /* has left: no events tell any more, what it sent can still be read */
	struct buf out;
	size_t out_at;
	size_t pending;
	int64_t second_mono; /* when the second began ... */
	size_t in_second;    /* ... in which it has asked so much */
	struct timer slow;
	struct defer more;
};

static void client_go_on(struct line_client *c);

/* --- life --- */

static void client_close(struct line_client *c)
{
	if (c->fd < 0)
		return;
	if (!c->is_hung)
		watch_stop(&c->watch);
	closep(&c->fd);
	timer_cancel(&c->slow);
	defer_cancel(&c->more);
	list_remove(&c->node);
	list_append(&c->lines->dead, &c->node);
	c->lines->client_count--;
	c->lines->held -= c->held;
	list_foreach (it, &c->lines->waiting) {
		struct line_request *q = list_entry(it, struct line_request, node);

		if (q->client == c)
			q->client = NULL;
	}
}

static void client_free(struct line_client *c)
{
	list_remove(&c->node);
	buf_fini(&c->in);
	buf_fini(&c->out);
	free(c);
}

/* Brackets around everything that may close clients. */
static void enter(struct lines *l)
{
	l->depth++;
}

static void leave(struct lines *l)
{
	if (--l->depth > 0)
		return;
	list_foreach_safe (it, &l->dead)
		client_free(list_entry(it, struct line_client, node));
}

static size_t backlog(const struct line_client *c)
{
	return c->out.n - c->out_at;
}

/* Everything was asked and answered. */
static bool is_done(const struct line_client *c)
{
	return (c->saw_end || c->lines->is_closing) && c->pending == 0 && backlog(c) == 0 &&
	       (c->lines->is_closing || c->in.n == c->in_at);
}

static bool may_ask(const struct line_client *c)
{
	const struct lines_limits *max = &c->lines->limits;

	return c->pending < max->pending && backlog(c) < max->backlog && !timer_is_set(&c->slow) &&
	       !c->lines->is_closing;
}

/* Has it a complete line waiting? Or, at the end, one that will never be. */
static bool has_line(struct line_client *c)
{
	const char *newline = NULL;

	if (c->seen < c->in.n)
		newline = memchr(c->in.p + c->seen, '\n', c->in.n - c->seen);
	c->seen = newline == NULL ? c->in.n : (size_t)(newline - c->in.p);
	return newline != NULL || (c->saw_end && c->in_at < c->in.n);
}

/* What is waited for now. */
static void rearm(struct line_client *c)
{
	uint32_t mask = 0;

	if (c->fd < 0)
		return;
	if (is_done(c)) {
		client_close(c);
		return;
	}
	if (backlog(c) > 0)
		mask |= EPOLLOUT;
	if (may_ask(c) && (has_line(c) || (c->is_hung && !c->saw_end)))
		defer_set(&c->more);
	else if (may_ask(c) && !c->saw_end)
		mask |= EPOLLIN;
	if (mask != c->mask && !c->is_hung)
		watch_events(&c->watch, mask);
	c->mask = mask;
}

/* --- answers --- */

static void drop_answers(struct line_client *c)
{
	buf_fini(&c->out);
	c->out_at = 0;
}

static void flush(struct line_client *c)
{
	while (backlog(c) > 0) {
		ssize_t n = send(c->fd, c->out.p + c->out_at, backlog(c), MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0 && errno != EINTR) {
			c->is_deaf = true;
			break;
		}
		if (n > 0)
			c->out_at += (size_t)n;
	}
	drop_answers(c);
}

static void send_line(struct line_client *c, const struct js *answer)
{
	if (c->is_deaf || c->fd < 0)
		return;
	buf_drop_front(&c->out, c->out_at);
	c->out_at = 0;
	js_write(&c->out, answer);
	buf_add_char(&c->out, '\n');
	flush(c);
}

static void request_free(struct line_request *q)
{
	list_remove(&q->node);
	q->lines->waiting_count--;
	free(q->id);
	js_free(q->doc);
	free(q);
}

static struct js *answer_json(const struct line_request *q, bool is_ok)
{
	struct js *o = js_object();

	js_set_str(o, "id", q->id == NULL ? "unknown" : q->id);
	js_set_bool(o, "ok", is_ok);
	return o;
}

static void give(struct line_request *q, const struct js *answer)
{
	struct line_client *c = q->client;
	struct lines *l = q->lines;

	request_free(q);
	if (c == NULL)
		return;
	enter(l);
	c->pending--;
	send_line(c, answer);
	rearm(c);
	leave(l);
}

void line_answer(struct line_request *q, struct js *result)
{
	CLEANUP(js_freep) struct js *o = answer_json(q, true);

	if (result == NULL)
		js_set_null(o, "result");
	else
		js_set_take(o, "result", result);
	give(q, o);
}

void line_refuse(struct line_request *q, const char *fmt, ...)
{
	CLEANUP(js_freep) struct js *o = answer_json(q, false);
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	js_set_str(o, "error", buf_str(&text));
	give(q, o);
}

/* --- requests --- */

static struct line_request *request_new(struct line_client *c)
{
	struct line_request *q = xcalloc_held(1, sizeof(*q));

	q->lines = c->lines;
	q->client = c;
	list_append(&c->lines->waiting, &q->node);
	c->lines->waiting_count++;
	c->pending++;
	return q;
}

/* A client that is quicker than its share waits for the next second. */
static void count_request(struct line_client *c)
{
	int64_t now = loop_mono(c->lines->api->o.loop);

	if (now - c->second_mono >= US_PER_SEC) {
		c->second_mono = now;
		c->in_second = 0;
	}
	if (++c->in_second >= c->lines->limits.rate)
		timer_set(&c->slow, c->second_mono + US_PER_SEC);
}

static void too_long(struct line_client *c)
{
	line_refuse(request_new(c), "a request has at most %zu bytes", c->lines->limits.line);
}

static bool is_blank(struct slice line)
{
	size_t n = 0;

	while (n < line.n && (line.p[n] == ' ' || line.p[n] == '\t' || line.p[n] == '\r'))
		n++;
	return n == line.n;
}

static void take_line(struct line_client *c, struct slice line)
{
	if (is_blank(line))
		return;
	count_request(c);
	if (line.n > c->lines->limits.line)
		too_long(c);
	else if (c->lines->waiting_count >= c->lines->limits.waiting)
		line_refuse(request_new(c), "too many requests wait for their answer");
	else
		line_dispatch(request_new(c), line);
}

/* The next line of `in`, which has one. */
static void next_line(struct line_client *c)
{
	struct slice line = {c->in.p + c->in_at, c->seen - c->in_at};
	bool is_rest = c->is_skipping;

	c->in_at = MIN_OF(c->seen + 1, c->in.n);
	c->seen = c->in_at;
	c->is_skipping = false;
	if (!is_rest)
		take_line(c, line);
}

/* What is left of the bytes is the beginning of a line. */
static void keep_rest(struct line_client *c)
{
	struct lines *l = c->lines;

	buf_drop_front(&c->in, c->in_at);
	c->seen -= c->in_at;
	c->in_at = 0;
	if (!has_line(c) && (c->is_skipping || c->in.n > l->limits.line)) {
		buf_clear(&c->in);
		c->seen = 0;
		if (!c->is_skipping)
			too_long(c);
		c->is_skipping = true;
	}
	if (c->in.n == 0)
		buf_fini(&c->in);
	if (c->fd < 0)
		return;
	l->held = l->held - c->held + c->in.n;
	c->held = c->in.n;
}

/* Too much of what nobody finishes: who just added to it goes. */
static void judge_held(struct line_client *c)
{
	if (c->fd < 0 || c->lines->held <= c->lines->limits.held)
		return;
	line_refuse(request_new(c), "too many unfinished requests are under way");
	client_close(c);
}

static void client_go_on(struct line_client *c)
{
	struct lines *l = c->lines;
	unsigned n = 0;

	enter(l);
	while (c->fd >= 0 && may_ask(c) && has_line(c) && n++ < TURN_LINES_MAX)
		next_line(c);
	if (c->fd >= 0)
		keep_rest(c);
	judge_held(c);
	rearm(c);
	leave(l);
}

/* --- bytes --- */

static void touch(struct line_client *c)
{
	list_remove(&c->node);
	list_append(&c->lines->clients, &c->node);
}

static void receive(struct line_client *c)
{
	char bytes[READ_SIZE];
	ssize_t n = recv(c->fd, bytes, sizeof(bytes), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR) && !c->is_hung)
		return;
	touch(c);
	c->saw_end = n <= 0; /* a reset is an end, too */
	if (n > 0)
		buf_add(&c->in, bytes, (size_t)n);
	client_go_on(c);
}

static void on_more(void *ctx)
{
	struct line_client *c = ctx;

	if (c->is_hung && !c->saw_end && !has_line(c))
		receive(c);
	else
		client_go_on(c);
}

static void on_slow(struct timer *t UNUSED, void *ctx)
{
	client_go_on(ctx);
}

/* A hang-up is told whatever is asked for, and again and again. */
static void hang_up(struct line_client *c)
{
	watch_stop(&c->watch);
	c->is_hung = c->is_deaf = true;
	drop_answers(c);
}

static void on_events(struct watch *w UNUSED, uint32_t events, void *ctx)
{
	struct line_client *c = ctx;
	struct lines *l = c->lines;

	enter(l);
	if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
		hang_up(c);
	} else if ((events & EPOLLOUT) != 0) {
		touch(c);
		flush(c);
	}
	if ((events & EPOLLIN) != 0 && !c->is_hung)
		receive(c);
	rearm(c);
	leave(l);
}

/* --- clients --- */

static void make_room(struct lines *l)
{
	if (l->client_count < l->limits.clients)
		return;
	enter(l);
	client_close(list_entry(l->clients.next, struct line_client, node));
	leave(l);
}

void lines_open(void *ctx, int fd, struct slice first)
{
	struct api *a = ctx;
	struct lines *l = a->lines;
	struct line_client *c;

	if (l->is_closing) {
		(void)close(fd);
		return;
	}
	make_room(l);
	c = xcalloc_held(1, sizeof(*c));
	c->lines = l;
	c->fd = fd;
	c->mask = EPOLLIN;
	timer_init(&c->slow, a->o.loop, on_slow, c);
	defer_init(&c->more, a->o.loop, on_more, c);
	list_init(&c->node);
	if (watch_start(&c->watch, a->o.loop, fd, c->mask, on_events, c, NULL) < 0) {
		(void)close(fd);
		free(c);
		return;
	}
	list_append(&l->clients, &c->node);
	l->client_count++;
	buf_add_slice(&c->in, first);
	/* Not at once: we are inside of the server. */
	defer_set(&c->more);
}

struct lines *lines_new(struct api *a)
{
	struct lines *l = xcalloc_held(1, sizeof(*l));

	l->api = a;
	l->limits = (struct lines_limits){
		.line = LINES_LINE_MAX,
		.held = LINES_HELD_MAX,
		.backlog = LINES_BACKLOG_MAX,
		.clients = LINES_CLIENTS_MAX,
		.pending = LINES_PENDING_MAX,
		.waiting = LINES_WAITING_MAX,
		.rate = LINES_RATE_MAX,
	};
	list_init(&l->clients);
	list_init(&l->dead);
	list_init(&l->waiting);
	return l;
}

void lines_close(struct lines *l)
{
	l->is_closing = true;
	enter(l);
	list_foreach_safe (it, &l->clients)
		rearm(list_entry(it, struct line_client, node));
	leave(l);
}

size_t lines_pending(const struct lines *l)
{
	/* Once it is closing, a client is there only as long as it waits for something. */
	return l->is_closing ? MAX_OF(l->client_count, l->waiting_count) : l->waiting_count;
}

void lines_free(struct lines *l)
{
	if (l == NULL)
		return;
	enter(l);
	list_foreach_safe (it, &l->clients)
		client_close(list_entry(it, struct line_client, node));
	leave(l);
	list_foreach_safe (r, &l->waiting)
		request_free(list_entry(r, struct line_request, node));
	free(l);
}
