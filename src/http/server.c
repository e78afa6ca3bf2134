/* SPDX-License-Identifier: MIT */
/*
 * http/server.c - the server as a whole: its epoll descriptor, its timer, its clean-up.
 *
 * All sockets are in one epoll descriptor of our own, which is one source of the loop: the loop
 * dispatches one source per turn, and a source for each socket would cost most of the speed.
 *
 * Invariants: a connection's memory is freed only at the outermost server_leave(), because an event
 * later in the batch, or a caller further up, may still point at it. The timer is never later than
 * the first wait; it may be earlier (waits end early all the time and re-arming for each would be
 * the most expensive thing here), then it finds nothing to do and is set anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include "http/server_internal.h"

enum {
	LOCAL_EXTRA = 64,
	POLLS_MAX = 4,      /* rounds of events per turn ... */
	POLL_AGAIN_MIN = 4, /* ... while at least so many come at a time */
};

/* A burst of this many requests at once leaves the heap full of holes, which the allocator keeps
 * for ever unless it is asked. */
#define TRIM_PENDING  64
#define TRIM_AFTER_US US_PER_SEC

void server_enter(struct http_server *s)
{
	s->depth++;
}

void server_leave(struct http_server *s)
{
	if (--s->depth > 0)
		return;
	list_foreach_safe (it, &s->dead) {
		struct connection *c = list_entry(it, struct connection, all);

		list_remove(&c->all);
		free(c);
	}
}

void server_wake_at(struct http_server *s, int64_t at_mono)
{
	if (!timer_is_set(&s->timer) || s->timer.at_mono > at_mono)
		timer_set(&s->timer, at_mono);
}

void server_request_begins(struct http_server *s)
{
	s->pending++;
	s->most_pending = MAX_OF(s->most_pending, s->pending);
	s->trim_mono = 0;
}

void server_request_ends(struct http_server *s)
{
	if (--s->pending > 0 || s->most_pending < TRIM_PENDING)
		return;
	s->trim_mono = loop_mono(s->loop) + TRIM_AFTER_US;
	server_wake_at(s, s->trim_mono);
}

static void trim(struct http_server *s)
{
	s->trim_mono = 0;
	s->most_pending = 0;
	(void)malloc_trim(0);
}

/* Deals with what is ready; returns how many events that were. */
static int poll_once(struct http_server *s)
{
	int n = epoll_wait(s->epoll_fd, s->events, EVENTS_MAX, 0);

	for (int i = 0; i < n; i++) {
		enum source *source = s->events[i].data.ptr;

		if (*source == SOURCE_LISTENER)
			listener_event(s->events[i].data.ptr);
		else
			connection_event(s->events[i].data.ptr, s->events[i].events);
	}
	return n;
}

/* Under load new requests come while others are dealt with. Those that are taken in the same turn
 * are committed together. It is tried a few times only: timers wait as long. */
void server_poll(struct http_server *s)
{
	server_enter(s);
	for (int i = 0; i < POLLS_MAX; i++)
		if (poll_once(s) < POLL_AGAIN_MIN)
			break;
	server_leave(s);
}

static void on_events(struct watch *w UNUSED, uint32_t events UNUSED, void *ctx)
{
	server_poll(ctx);
}

static void on_timer(struct timer *t UNUSED, void *ctx)
{
	struct http_server *s = ctx;
	int64_t now = loop_mono(s->loop), next;

	server_enter(s);
	next = wait_expire(s, now);
	if (next > 0)
		server_wake_at(s, next);
	if (s->accept_mono > 0 && s->accept_mono <= now)
		listeners_resume(s);
	else if (s->accept_mono > 0)
		server_wake_at(s, s->accept_mono);
	if (s->trim_mono > 0 && s->trim_mono <= now)
		trim(s);
	else if (s->trim_mono > 0)
		server_wake_at(s, s->trim_mono);
	server_leave(s);
}

/* What must not happen inside of somebody's call: requests sent ahead, and `gone` of streams. */
static void on_defer(void *ctx)
{
	struct http_server *s = ctx;
	struct list ready = LIST_INIT(ready);

	server_enter(s);
	list_splice(&ready, &s->ready);
	while (!list_is_empty(&ready)) {
		struct connection *c = list_entry(ready.next, struct connection, ready);

		list_remove(&c->ready);
		connection_continue(c);
	}
	streams_tell(s);
	server_leave(s);
}

static void set_limits(struct http_limits *l)
{
	l->connections = HTTP_CONNECTIONS_MAX;
	l->local_extra = LOCAL_EXTRA;
	l->bodies = BODIES_IN_FLIGHT_MAX;
	l->wait_us[WAIT_IDLE] = HTTP_IDLE_TIMEOUT_US;
	l->wait_us[WAIT_HEAD] = HTTP_HEAD_TIMEOUT_US;
	l->wait_us[WAIT_MOVE] = US_PER_SEC;
	l->wait_us[WAIT_LINGER] = HTTP_LINGER_US;
	l->body_grace_us = HTTP_BODY_GRACE_US;
	l->write_us = HTTP_WRITE_TIMEOUT_US;
}

static void init_lists(struct http_server *s)
{
	struct list *const lists[] = {
		&s->listeners, &s->connections, &s->dead, &s->ready, &s->requests, &s->lost};

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		list_init(lists[i]);
	for (size_t i = 0; i < WAIT_KINDS; i++)
		list_init(&s->waits[i]);
}

struct http_server *server_create(struct loop *l, const struct http_handlers *h, struct err *e)
{
	CLEANUP(http_server_freep) struct http_server *s = xcalloc(1, sizeof(*s));

	s->loop = l;
	s->handlers = *h;
	s->epoll_fd = s->reserve_fd = -1;
	init_lists(s);
	set_limits(&s->limits);
	timer_init(&s->timer, l, on_timer, s);
	defer_init(&s->defer, l, on_defer, s);
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll_fd < 0) {
		(void)err_errno(e, "HTTP server");
		return NULL;
	}
	s->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return STEAL(s);
}

struct http_server *http_server_new(struct loop *l, const struct http_handlers *h, struct err *e)
{
	CLEANUP(http_server_freep) struct http_server *s = server_create(l, h, e);

	if (s == NULL || watch_start(&s->watch, l, s->epoll_fd, EPOLLIN, on_events, s, e) < 0)
		return NULL;
	return STEAL(s);
}

void http_server_free(struct http_server *s)
{
	if (s == NULL)
		return;
	server_enter(s);
	http_server_stop_listening(s);
	list_foreach_safe (it, &s->connections)
		connection_close(list_entry(it, struct connection, all));
	streams_tell(s);
	list_foreach_safe (r, &s->requests)
		request_free(list_entry(r, struct http_request, node));
	listeners_free(s);
	server_leave(s);
	timer_cancel(&s->timer);
	defer_cancel(&s->defer);
	if (s->watch.source != NULL)
		watch_stop(&s->watch);
	closep(&s->epoll_fd);
	closep(&s->reserve_fd);
	buf_fini(&s->scratch);
	free(s);
}

size_t http_server_pending(const struct http_server *s)
{
	return s->pending;
}

size_t http_server_connections(const struct http_server *s)
{
	return s->connection_count;
}

const char *http_server_socket(const struct http_server *s)
{
	list_foreach (it, &s->listeners) {
		const struct listener *l = list_entry(it, struct listener, node);

		if (l->path != NULL)
			return l->path;
	}
	return NULL;
}
