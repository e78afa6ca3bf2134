/* SPDX-License-Identifier: MIT */
/*
 * http/address.c - making listening sockets: TCP, Unix, and those passed by a service manager.
 *
 * A Unix socket is bound under a temporary name, made private, told to listen and then renamed, so
 * nobody can connect before its mode is right and a restart has no moment without a socket. The
 * temporary name is reached through the folder's descriptor in /proc, because it must not be
 * longer than the name itself: a socket address has only 107 bytes (unix(7)).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "http/listen_internal.h"

enum { BACKLOG = 4096 }; /* the kernel lowers it to net.core.somaxconn */

union address {
	struct sockaddr any;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
};

/* Length of the address, 0 when `host` is none. */
static socklen_t parse_address(union address *a, const char *host, uint16_t port)
{
	*a = (union address){.in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)}};
	if (*host == '\0' || inet_pton(AF_INET6, host, &a->in6.sin6_addr) == 1)
		return sizeof(a->in6); /* zeroes are "any" */
	*a = (union address){.in4 = {.sin_family = AF_INET, .sin_port = htons(port)}};
	if (inet_pton(AF_INET, str_eq(host, "localhost") ? "127.0.0.1" : host, &a->in4.sin_addr) ==
		1)
		return sizeof(a->in4);
	return 0;
}

static int open_tcp(const union address *a, socklen_t n)
{
	int one = 1, zero = 0, saved;
	int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	/* Accepted sockets inherit this; each answer is one write. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (a->any.sa_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	if (bind(fd, &a->any, n) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	saved = -errno;
	(void)close(fd);
	return saved;
}

static uint16_t port_of(int fd)
{
	union address a = {.in6 = {.sin6_port = 0}};
	socklen_t n = sizeof(a);

	(void)getsockname(fd, &a.any, &n);
	return ntohs(a.any.sa_family == AF_INET6 ? a.in6.sin6_port : a.in4.sin_port);
}

int http_listen_tcp(
	struct http_server *s, const char *host, uint16_t port, uint16_t *ret_port, struct err *e)
{
	union address a;
	socklen_t n = parse_address(&a, host, port);
	int fd;

	if (n == 0)
		return err_set(e, -EINVAL, "listen on %s: not an IP address", host);
	fd = open_tcp(&a, n);
	/* "Any" is both families, but not every machine has both. */
	if (fd == -EAFNOSUPPORT && *host == '\0') {
		n = parse_address(&a, "0.0.0.0", port);
		fd = open_tcp(&a, n);
	}
	if (fd < 0)
		return err_set(e, fd, "listen on %s port %u: %s", *host == '\0' ? "*" : host, port,
			strerrordesc_np(-fd));
	port = port_of(fd);
	if (listener_add(s, fd, e) == NULL) {
		(void)close(fd);
		return -EIO;
	}
	if (ret_port != NULL)
		*ret_port = port;
	return 0;
}

/* A path cut in two: its folder, opened, and the name in it. */
struct place {
	int folder;
	const char *name;
};

static int open_folder(struct place *ret, const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	CLEANUP(freep)
	char *folder = slash == NULL ? xstrdup(".") : xstrndup(path, (size_t)(slash - path) + 1);

	ret->name = slash == NULL ? path : slash + 1;
	if (*ret->name == '\0')
		return err_set(e, -EINVAL, "socket %s: the path names no file", path);
	ret->folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return ret->folder < 0 ? err_errno(e, "socket %s: folder %s", path, folder) : 0;
}

static int bind_and_listen(int fd, const struct place *at, const char *temporary)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	struct stat st;
	int n = snprintf(
		a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/%s", at->folder, temporary);

	must(n > 0 && (size_t)n < sizeof(a.sun_path));
	(void)unlinkat(at->folder, temporary, 0);
	if (bind(fd, (const struct sockaddr *)&a, sizeof(a)) < 0 ||
		fchmodat(at->folder, temporary, 0600, 0) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	if (fstatat(at->folder, at->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISSOCK(st.st_mode))
		return -EEXIST;
	return renameat(at->folder, temporary, at->folder, at->name) < 0 ? -errno : 0;
}

int listener_open_unix(const char *path, struct stat *ret_st, struct err *e)
{
	char temporary[40];
	CLEANUP(closep) int folder = -1;
	struct place at = {.folder = -1};
	int fd, r = open_folder(&at, path, e);

	folder = at.folder;
	if (r < 0)
		return r;
	(void)snprintf(temporary, sizeof(temporary), ".pylon-socket.%ld", (long)getpid());
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_errno(e, "socket %s", path);
	r = bind_and_listen(fd, &at, temporary);
	if (r == 0 && fstatat(folder, at.name, ret_st, AT_SYMLINK_NOFOLLOW) == 0)
		return fd;
	(void)unlinkat(folder, temporary, 0);
	(void)close(fd);
	if (r == -EEXIST)
		return err_set(e, r, "socket %s: a file that is no socket is in the way", path);
	return err_set(e, r < 0 ? r : -ENOENT, "socket %s: %s", path,
		strerrordesc_np(r < 0 ? -r : ENOENT));
}

int http_listen_unix(struct http_server *s, const char *path, struct err *e)
{
	const size_t path_max = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
	struct stat st = {0};
	struct listener *l;
	int fd;

	if (strlen(path) > path_max)
		return err_set(e, -ENAMETOOLONG,
			"socket %s: the path has %zu bytes, a socket can have %zu; set "
			"PYLON_DAEMON_SOCKET_PATH to a shorter one",
			path, strlen(path), path_max);
	fd = listener_open_unix(path, &st, e);
	if (fd < 0)
		return fd;
	l = listener_add(s, fd, e);
	if (l == NULL) {
		(void)unlink(path);
		(void)close(fd);
		return -EIO;
	}
	l->path = xstrdup(path);
	l->device = st.st_dev;
	l->inode = st.st_ino;
	listener_watch(l);
	return 0;
}

void listener_remove_file(const struct listener *l)
{
	struct stat st;

	if (l->path != NULL && lstat(l->path, &st) == 0 && st.st_dev == l->device &&
		st.st_ino == l->inode)
		(void)unlink(l->path);
}

int http_listen_fd(struct http_server *s, int fd, struct err *e)
{
	int is_listening = 0, flags = fcntl(fd, F_GETFL);
	socklen_t n = sizeof(is_listening);

	if (flags < 0 || getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &n) < 0)
		return err_errno(e, "passed descriptor %d", fd);
	if (!is_listening)
		return err_set(e, -EINVAL, "passed descriptor %d is not a listening socket", fd);
	if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return err_errno(e, "passed descriptor %d", fd);
	return listener_add(s, fd, e) == NULL ? -EIO : 0;
}
