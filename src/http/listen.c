/* SPDX-License-Identifier: MIT */
/*
 * http/listen.c - accepting connections, and when not to.
 *
 * Invariants: a listener is in the epoll set with EPOLLIN unless accepting is paused, so that a
 * connection we cannot take never makes the loop spin. At a limit (connections or descriptors) the
 * connection that has been idle longest is given up for the new one; is there none, accepting
 * pauses until a connection closes or turns idle. Listeners are only freed with the server.
 *
 * Surprises: accept4(2) says EMFILE before it looks whether anybody waits, so only the first call
 * after an event is a reason to give anything up. SO_PEERCRED succeeds on TCP too (with uid -1).
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/listen_internal.h"

enum {
	ACCEPT_BURST = 64,
	PEEK_MAX = 8,
	RETRY_US = 1000 * 1000,
	/* Younger connections may just not have sent their request yet. */
	IDLE_MIN_US = 20 * 1000,
};

static void set_events(struct listener *l, uint32_t mask)
{
	struct epoll_event ev = {.events = mask, .data.ptr = l};

	if (l->fd >= 0)
		(void)epoll_ctl(l->server->epoll_fd, EPOLL_CTL_MOD, l->fd, &ev);
}

static void try_again_at(struct http_server *s, int64_t at_mono)
{
	if (s->accept_mono == 0 || s->accept_mono > at_mono)
		s->accept_mono = at_mono;
	server_wake_at(s, at_mono);
}

/* Tries again when a connection closes, or turns idle, or at this time (0 = only then). Each
 * listener pauses by itself: the Unix socket has room left when TCP is full. */
static void pause_until(struct listener *l, int64_t at_mono)
{
	l->is_paused = l->server->is_paused = true;
	set_events(l, 0);
	if (at_mono > 0)
		try_again_at(l->server, at_mono);
}

void listeners_resume(struct http_server *s)
{
	if (!s->is_paused)
		return;
	s->is_paused = false;
	s->accept_mono = 0;
	list_foreach (it, &s->listeners) {
		struct listener *l = list_entry(it, struct listener, node);

		if (l->is_paused)
			set_events(l, EPOLLIN);
		l->is_paused = false;
	}
}

void listeners_idle_one(struct http_server *s)
{
	if (s->is_paused)
		try_again_at(s, loop_mono(s->loop) + IDLE_MIN_US);
}

static int64_t idle_since(const struct connection *c)
{
	return c->wait_mono - c->server->limits.wait_us[WAIT_IDLE];
}

/* Closes the connection that is idle longest; one whose request waits in the socket is spared. */
static bool give_up_idle(struct http_server *s)
{
	int64_t now = loop_mono(s->loop);
	unsigned seen = 0;
	char byte;

	list_foreach (it, &s->waits[WAIT_IDLE]) {
		struct connection *c = list_entry(it, struct connection, wait_node);

		if (++seen > PEEK_MAX || now - idle_since(c) < IDLE_MIN_US)
			return false;
		if (recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0) {
			connection_close(c);
			return true;
		}
	}
	return false;
}

/* When one of today's idle connections may be given up; else `otherwise`. */
static int64_t next_try(const struct http_server *s, int64_t otherwise)
{
	if (list_is_empty(&s->waits[WAIT_IDLE]))
		return otherwise;
	return loop_mono(s->loop) + IDLE_MIN_US;
}

static bool is_full(const struct listener *l)
{
	const struct http_server *s = l->server;

	return s->connection_count >=
	       s->limits.connections + (l->is_local ? s->limits.local_extra : 0);
}

/* No descriptor is left and none of ours can be closed: with the reserve in hand somebody is
 * refused cleanly instead of hanging in the queue for ever. */
static void refuse_one(struct listener *l)
{
	struct http_server *s = l->server;
	int fd;

	closep(&s->reserve_fd);
	fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	closep(&fd);
	s->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* True when it is worth calling accept4 again. */
static bool accept_failed(struct listener *l, bool is_first)
{
	struct http_server *s = l->server;

	switch (errno) {
	case EAGAIN:
	case EINVAL:
	case EBADF:
		return false;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		if (!is_first)
			return false;
		if (give_up_idle(s))
			return true;
		if (s->connection_count == 0)
			refuse_one(l);
		pause_until(l, next_try(s, loop_mono(s->loop) + RETRY_US));
		return false;
	default:
		/* ECONNABORTED, EPROTO ...: that client has left already (accept(2)). */
		return true;
	}
}

static bool peer_is_allowed(const struct listener *l, int fd)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	if (!l->is_local)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0)
		return false;
	return peer.uid == geteuid() || peer.uid == 0;
}

void listener_event(struct listener *l)
{
	struct http_server *s = l->server;

	for (unsigned i = 0; i < ACCEPT_BURST && l->fd >= 0 && !l->is_paused; i++) {
		int fd;

		if (is_full(l)) {
			if (i == 0 && !give_up_idle(s))
				pause_until(l, next_try(s, 0));
			if (i > 0 || is_full(l))
				return;
		}
		fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0 && peer_is_allowed(l, fd))
			connection_open(s, fd, l->is_local);
		else if (fd >= 0)
			(void)close(fd);
		else if (!accept_failed(l, i == 0))
			return;
	}
}

/* Takes in whoever has connected to a socket that is about to be closed. */
static void drain(struct listener *l)
{
	int fd;

	while ((fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		if (peer_is_allowed(l, fd))
			connection_open(l->server, fd, l->is_local);
		else
			(void)close(fd);
	}
}

int listener_replace(struct listener *l, int fd, struct err *e)
{
	struct epoll_event ev = {.events = l->is_paused ? 0 : EPOLLIN, .data.ptr = l};

	if (epoll_ctl(l->server->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
		return err_errno(e, "listen");
	drain(l);
	(void)epoll_ctl(l->server->epoll_fd, EPOLL_CTL_DEL, l->fd, NULL);
	(void)close(l->fd);
	l->fd = fd;
	return 0;
}

struct listener *listener_add(struct http_server *s, int fd, struct err *e)
{
	struct listener *l = xcalloc(1, sizeof(*l));
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = l};
	int domain = AF_UNSPEC;
	socklen_t n = sizeof(domain);

	(void)getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n);
	l->source = SOURCE_LISTENER;
	l->server = s;
	l->fd = fd;
	l->is_local = domain == AF_UNIX;
	if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0) {
		(void)err_errno(e, "listen");
		free(l);
		return NULL;
	}
	list_append(&s->listeners, &l->node);
	return l;
}

void http_server_stop_listening(struct http_server *s)
{
	s->is_stopping = true;
	list_foreach (it, &s->listeners) {
		struct listener *l = list_entry(it, struct listener, node);

		if (l->fd < 0)
			continue;
		/* Explicit, because a child between fork and exec may hold a copy. */
		(void)epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, l->fd, NULL);
		closep(&l->fd);
		listener_unwatch(l);
		listener_remove_file(l);
	}
}

void listeners_free(struct http_server *s)
{
	list_foreach_safe (it, &s->listeners) {
		struct listener *l = list_entry(it, struct listener, node);

		list_remove(&l->node);
		listener_unwatch(l);
		free(l->path);
		free(l->trouble);
		free(l);
	}
}
