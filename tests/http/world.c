/* SPDX-License-Identifier: MIT */
#include "http/world.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
	TURNS_MAX = 20000,
	TURN_US = 2000,
	QUIET_TURNS = 8,
};

static int admit(void *ctx, struct http_request *r, size_t *ret_max_body, struct answer *ret_answer)
{
	struct world *w = ctx;

	w->was_local = http_request_is_local(r);
	*ret_max_body = w->body_max;
	*ret_answer = w->refusal;
	return w->refusal.status;
}

static void echo(struct http_request *r)
{
	CLEANUP(buf_fini) struct buf b = BUF_NULL;
	const struct inbound *in = http_request_inbound(r);

	buf_add_slice(&b, in->method);
	buf_add_char(&b, ' ');
	buf_add_slice(&b, in->path);
	if (in->body.n > 0) {
		buf_add_char(&b, ' ');
		buf_add_slice(&b, in->body);
	}
	http_respond(r, 200, "text/plain", buf_slice(&b), NULL);
}

static void on_gone(void *ctx)
{
	struct world *w = ctx;

	w->gone++;
	w->stream = NULL;
}

static void on_drained(void *ctx)
{
	struct world *w = ctx;

	w->drained++;
}

static void handle(void *ctx, struct http_request *r)
{
	struct world *w = ctx;

	w->handled++;
	if (w->first != NULL)
		w->first(w->first_ctx, r);
	switch (w->mode) {
	case MODE_ECHO:
		echo(r);
		break;
	case MODE_HOLD:
		assert_true(w->held_count < ARRAY_LEN(w->held));
		w->held[w->held_count++] = r;
		break;
	case MODE_STREAM:
		w->stream = http_stream_start(r, 200, "text/event-stream", on_gone, w);
		http_stream_on_drained(w->stream, on_drained);
		break;
	case MODE_EMPTY:
		http_respond(r, 204, NULL, SLICE_NULL, NULL);
		break;
	}
}

static void lines(void *ctx, int fd, struct slice first)
{
	struct world *w = ctx;

	w->lines_fd = fd;
	buf_add_slice(&w->lines_first, first);
}

struct world *world_new(bool is_fake)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct http_handlers h = {.admit = admit, .handle = handle, .lines = lines, .ctx = w};
	struct err e = CLEAN_ERR;

	w->is_fake = is_fake;
	w->body_max = KIB(64);
	w->lines_fd = -1;
	w->folder = t_folder();
	w->socket = world_path(w, "socket");
	w->loop = is_fake ? loop_new_fake(0) : loop_new(&e);
	assert_non_null(w->loop);
	w->server = is_fake ? server_create(w->loop, &h, &e) : http_server_new(w->loop, &h, &e);
	assert_non_null(w->server);
	assert_int_equal(http_listen_tcp(w->server, "127.0.0.1", 0, &w->port, &e), 0);
	assert_int_equal(http_listen_unix(w->server, w->socket, &e), 0);
	return w;
}

void world_free(struct world *w)
{
	http_server_free(w->server);
	loop_free(w->loop);
	closep(&w->lines_fd);
	buf_fini(&w->lines_first);
	t_folder_remove(w->folder);
	free(w->socket);
	free(w);
}

char *world_path(const struct world *w, const char *name)
{
	return xasprintf("%s/%s", w->folder, name);
}

void world_turn(struct world *w)
{
	struct pollfd p = {.fd = w->server->epoll_fd, .events = POLLIN};

	if (!w->is_fake) {
		assert_true(loop_turn(w->loop, TURN_US) >= 0);
		return;
	}
	(void)poll(&p, 1, 1);
	server_poll(w->server);
	loop_settle(w->loop);
}

void world_answer(struct world *w, size_t i)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%zu", i);

	http_respond(w->held[i], 200, "text/plain", (struct slice){text, (size_t)n}, NULL);
}

void world_until(struct world *w, const size_t *value, size_t n)
{
	for (unsigned i = 0; i < TURNS_MAX && *value < n; i++)
		world_turn(w);
	assert_true(*value >= n);
}

static void peer_open(struct peer *p, const struct sockaddr *a, socklen_t n)
{
	*p = PEER_NULL;
	p->fd = socket(a->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(p->fd >= 0);
	assert_int_equal(connect(p->fd, a, n), 0);
	assert_int_equal(fcntl(p->fd, F_SETFL, O_NONBLOCK), 0);
}

void peer_connect(struct peer *p, const struct world *w)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
		.sin_port = htons(w->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	peer_open(p, (const struct sockaddr *)&a, sizeof(a));
}

void peer_connect_unix(struct peer *p, const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	assert_true(strlen(path) < sizeof(a.sun_path));
	memcpy(a.sun_path, path, strlen(path));
	peer_open(p, (const struct sockaddr *)&a, sizeof(a));
}

void peer_close(struct peer *p)
{
	closep(&p->fd);
	buf_fini(&p->in);
	buf_fini(&p->head);
	buf_fini(&p->body);
}

void peer_send(struct world *w, struct peer *p, struct slice s)
{
	for (unsigned i = 0; i < TURNS_MAX && s.n > 0; i++) {
		ssize_t n = send(p->fd, s.p, s.n, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			return; /* refused early; the test looks at the answer */
		if (n > 0)
			s = (struct slice){s.p + n, s.n - (size_t)n};
		world_turn(w);
	}
	assert_int_equal(s.n, 0);
}

void peer_say(struct world *w, struct peer *p, const char *text)
{
	peer_send(w, p, slice_of(text));
}

void peer_read(struct peer *p)
{
	char piece[16384];
	ssize_t n;

	while (!p->is_closed && (n = recv(p->fd, piece, sizeof(piece), 0)) != -1) {
		p->is_closed = n == 0;
		buf_add(&p->in, piece, (size_t)n);
	}
	if (!p->is_closed && errno != EAGAIN)
		p->is_closed = p->was_reset = true;
}

static bool take_answer(struct peer *p)
{
	const char *end = p->in.n == 0 ? NULL : memmem(p->in.p, p->in.n, "\r\n\r\n", 4);
	size_t head_n, body_n = 0;
	const char *length;

	if (end == NULL)
		return false;
	head_n = (size_t)(end - p->in.p) + 4;
	length = memmem(p->in.p, head_n, "Content-Length: ", 16);
	if (length != NULL)
		body_n = (size_t)strtoul(length + 16, NULL, 10);
	if (p->in.n < head_n + body_n)
		return false;
	buf_clear(&p->head);
	buf_add(&p->head, p->in.p, head_n);
	buf_clear(&p->body);
	buf_add(&p->body, p->in.p + head_n, body_n);
	buf_drop_front(&p->in, head_n + body_n);
	return true;
}

int peer_answer(struct world *w, struct peer *p)
{
	for (unsigned i = 0; i < TURNS_MAX; i++) {
		peer_read(p);
		if (take_answer(p))
			return (int)strtol(p->head.p + strlen("HTTP/1.1 "), NULL, 10);
		if (p->is_closed)
			return 0;
		world_turn(w);
	}
	fail_msg("no answer came");
	return -1;
}

void peer_wait_bytes(struct world *w, struct peer *p, size_t n)
{
	for (unsigned i = 0; i < TURNS_MAX && p->in.n < n; i++) {
		world_turn(w);
		peer_read(p);
	}
	assert_true(p->in.n >= n);
}

void peer_wait_closed(struct world *w, struct peer *p)
{
	for (unsigned i = 0; i < TURNS_MAX && !p->is_closed; i++) {
		world_turn(w);
		peer_read(p);
	}
	assert_true(p->is_closed);
}

void peer_expect_silence(struct world *w, struct peer *p)
{
	for (unsigned i = 0; i < QUIET_TURNS; i++)
		world_turn(w);
	peer_read(p);
	assert_int_equal(p->in.n, 0);
	assert_false(p->is_closed);
}

bool peer_head_has(const struct peer *p, const char *line)
{
	CLEANUP(freep) char *whole = xasprintf("\r\n%s\r\n", line);

	return strstr(buf_str(&p->head), whole) != NULL;
}
