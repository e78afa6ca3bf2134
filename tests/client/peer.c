/* SPDX-License-Identifier: MIT */
/*
 * tests/client/peer.c - see peer.h.
 */
#include "client/peer.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

int peer_setup(void **state)
{
	struct peer *p = xcalloc(1, sizeof(*p));

	p->dir = t_folder();
	p->path = xasprintf("%s/socket", p->dir);
	p->fd = -1;
	*state = p;
	return 0;
}

int peer_teardown(void **state)
{
	struct peer *p = *state;

	if (p->pid > 0) {
		(void)kill(p->pid, SIGKILL);
		(void)waitpid(p->pid, NULL, 0);
	}
	closep(&p->fd);
	free(p->path);
	t_folder_remove(p->dir);
	free(p);
	return 0;
}

bool peer_read_request(int fd, const struct peer *p, int n)
{
	CLEANUP(freep) char *name = xasprintf("%s/request-%d", p->dir, n);
	CLEANUP(buf_fini) struct buf in = BUF_NULL;
	struct err e = CLEAN_ERR;
	size_t want = SIZE_MAX;
	char piece[4096];

	while (in.n < want) {
		ssize_t got = recv(fd, piece, sizeof(piece), 0);
		const char *end, *length;

		if (got <= 0)
			return false;
		buf_add(&in, piece, (size_t)got);
		end = strstr(buf_str(&in), "\r\n\r\n");
		if (end == NULL)
			continue;
		length = strstr(buf_str(&in), "Content-Length: ");
		want = (size_t)(end - in.p) + 4 +
		       (length == NULL ? 0 : strtoul(length + 16, NULL, 10));
	}
	return file_write(name, in.p, in.n, 0600, &e) == 0;
}

void peer_send(int fd, const char *reply)
{
	size_t left = strlen(reply);
	size_t piece = left < 65536 ? 7 : 65536;

	while (left > 0) {
		ssize_t n = send(fd, reply, MIN_OF(piece, left), MSG_NOSIGNAL);

		if (n < 0)
			return;
		reply += n;
		left -= (size_t)n;
	}
}

static void serve(const struct peer *p, const char *const *replies)
{
	int fd = -1;

	for (int n = 0; replies[n] != NULL; n++) {
		if (fd < 0)
			fd = accept(p->fd, NULL, NULL);
		while (!peer_read_request(fd, p, n)) {
			closep(&fd);
			fd = accept(p->fd, NULL, NULL);
		}
		peer_send(fd, replies[n]);
		if (strstr(replies[n], "chunked") == NULL &&
			strstr(replies[n], "Content-Length") == NULL)
			closep(&fd);
	}
	closep(&fd);
}

static void start(struct peer *p, const char *const *replies)
{
	p->pid = fork();
	assert_true(p->pid >= 0);
	if (p->pid > 0)
		return;
	serve(p, replies);
	_exit(0);
}

void peer_listen(struct peer *p)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	assert_true(str_copy(a.sun_path, sizeof(a.sun_path), p->path));
	p->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(p->fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(p->fd, 8), 0);
}

void peer_start_unix(struct peer *p, const char *const *replies)
{
	peer_listen(p);
	start(p, replies);
}

void peer_start_tcp(struct peer *p, const char *const *replies)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(a);

	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(p->fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(p->fd, (struct sockaddr *)&a, &size), 0);
	p->port = ntohs(a.sin_port);
	assert_int_equal(listen(p->fd, 8), 0);
	start(p, replies);
}

char *peer_request(const struct peer *p, int n)
{
	CLEANUP(freep) char *name = xasprintf("%s/request-%d", p->dir, n);
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	struct err e = CLEAN_ERR;

	assert_int_equal(file_read(name, 1 << 20, &text, &e), 0);
	return buf_steal(&text);
}
