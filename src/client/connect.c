/* SPDX-License-Identifier: MIT */
/*
 * client/connect.c - reaching the daemon, and moving bytes with a deadline.
 *
 * No read or write blocks: every wait is a poll(2) that knows the deadline of the call, so a peer
 * that has stopped cannot hold a command for ever. Writes use MSG_NOSIGNAL: a peer that left is an
 * error, not a signal.
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "client/client-internal.h"

#define POLL_MAX_US (600 * US_PER_SEC)

int64_t client_now(void)
{
	struct timespec t = {0};

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * US_PER_SEC + t.tv_nsec / 1000;
}

/* 0 when fd is ready for `events`, -ETIMEDOUT at the deadline. */
static int wait_for(int fd, short events, int64_t deadline, struct err *e)
{
	for (;;) {
		struct pollfd p = {.fd = fd, .events = events};
		int64_t left_us =
			deadline == CLIENT_NO_DEADLINE ? POLL_MAX_US : deadline - client_now();
		int n;

		if (left_us <= 0)
			return err_set(e, -ETIMEDOUT, "no answer in time");
		left_us = MIN_OF(left_us, POLL_MAX_US);
		n = poll(&p, 1, (int)((left_us + US_PER_MS - 1) / US_PER_MS));
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return err_errno(e, "poll");
	}
}

/* Makes c->fd a connected socket. The send timeout bounds connect(2) too, for both families; a
 * non-blocking connect to a Unix socket whose queue is full could not be waited for. */
static int connect_to(
	struct client *c, int family, const struct sockaddr *addr, socklen_t size, struct err *e)
{
	static const struct timeval timeout = {.tv_sec = CLIENT_CONNECT_TIMEOUT_US / US_PER_SEC};

	c->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return err_errno(e, "socket");
	if (setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) == 0 &&
		connect(c->fd, addr, size) == 0)
		return 0;
	closep(&c->fd);
	if (errno == EINPROGRESS || errno == EAGAIN)
		return err_set(e, -ETIMEDOUT, "it does not answer");
	return err_errno(e, "connect");
}

static int connect_unix(struct client *c, struct err *e)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	if (!str_copy(a.sun_path, sizeof(a.sun_path), c->unix_path))
		return err_set(e, -ENAMETOOLONG,
			"socket path %s is too long (%zu bytes, at most %zu): set "
			"PYLON_DAEMON_SOCKET_PATH to a shorter one",
			c->unix_path, strlen(c->unix_path), sizeof(a.sun_path) - 1);
	if (connect_to(c, AF_UNIX, (const struct sockaddr *)&a, sizeof(a), e) < 0)
		return err_wrap(e, "%s", c->unix_path);
	return 0;
}

static void free_addresses(struct addrinfo **list)
{
	if (*list != NULL)
		freeaddrinfo(*list);
}

static int connect_tcp(struct client *c, struct err *e)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	CLEANUP(free_addresses) struct addrinfo *list = NULL;
	CLEANUP(freep) char *port = xasprintf("%u", (unsigned)c->port);
	int r = getaddrinfo(c->host, port, &hints, &list);

	if (r != 0)
		return err_set(e, -ENOENT, "%s: %s", c->host, gai_strerror(r));
	r = err_set(e, -EADDRNOTAVAIL, "it has no address");
	for (const struct addrinfo *a = list; r < 0 && a != NULL; a = a->ai_next)
		r = connect_to(c, a->ai_family, a->ai_addr, a->ai_addrlen, e);
	return r < 0 ? err_wrap(e, "%s", c->authority) : 0;
}

/* Between calls nothing may arrive: bytes or an end mean that the peer is done with us. */
static bool is_alive(const struct client *c)
{
	struct pollfd p = {.fd = c->fd, .events = POLLIN};

	return c->fd >= 0 && c->in.n == 0 && poll(&p, 1, 0) == 0;
}

int client_connect(struct client *c, struct err *e)
{
	if (is_alive(c))
		return 0;
	client_disconnect(c);
	return c->unix_path != NULL ? connect_unix(c, e) : connect_tcp(c, e);
}

void client_disconnect(struct client *c)
{
	closep(&c->fd);
	buf_clear(&c->in);
}

int client_send(struct client *c, struct slice data, struct err *e)
{
	int r;

	while (data.n > 0) {
		ssize_t n = send(c->fd, data.p, data.n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n >= 0) {
			data.p += n;
			data.n -= (size_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return err_errno(e, "sending the request");
		r = wait_for(c->fd, POLLOUT, c->deadline, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int client_fill(struct client *c, struct err *e)
{
	int r;

	for (;;) {
		ssize_t n;

		buf_reserve(&c->in, CLIENT_READ_SIZE);
		n = recv(c->fd, c->in.p + c->in.n, CLIENT_READ_SIZE, MSG_DONTWAIT);
		if (n >= 0) {
			c->in.n += (size_t)n;
			c->in.p[c->in.n] = '\0';
			return n > 0 ? 1 : 0;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return err_errno(e, "reading the answer");
		r = wait_for(c->fd, POLLIN, c->deadline, e);
		if (r < 0)
			return r;
	}
}
