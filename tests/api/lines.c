/* SPDX-License-Identifier: MIT */
/* tests/api/lines.c - see lines.h. */
#include "api/lines.h"

#include <sys/socket.h>

int lines_setup(void **state)
{
	struct world *w;
	struct err e = CLEAN_ERR;

	assert_int_equal(world_setup(state), 0);
	w = *state;
	api_free(w->api);
	loop_free(w->loop);
	w->loop = w->options.loop = loop_new(&e);
	assert_non_null(w->loop);
	w->api = api_new(&w->options);
	return 0;
}

void turn(struct world *w)
{
	assert_true(loop_turn(w->loop, 0) >= 0);
}

void peer_take(struct peer *p)
{
	char bytes[4096];
	ssize_t n;

	while ((n = recv(p->fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		buf_add(&p->got, bytes, (size_t)n);
	p->is_closed |= n == 0 || (n < 0 && errno != EAGAIN);
}

struct peer peer_open(struct world *w, const char *first)
{
	struct http_handlers h = api_handlers(w->api);
	int fds[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	h.lines(h.ctx, fds[1], slice_of(first));
	return (struct peer){.fd = fds[0], .got = BUF_NULL};
}

void peer_fini(struct peer *p)
{
	closep(&p->fd);
	buf_fini(&p->got);
}

void peer_send(struct world *w, struct peer *p, struct slice s)
{
	while (s.n > 0) {
		ssize_t n = send(p->fd, s.p, s.n, MSG_NOSIGNAL);

		if (n > 0) {
			s.p += n;
			s.n -= (size_t)n;
		} else {
			assert_int_equal(errno, EAGAIN);
		}
		turn(w);
	}
}

size_t count_lines(const struct peer *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->got.n; i++)
		n += p->got.p[i] == '\n';
	return n;
}

void peer_wait(struct world *w, struct peer *p, size_t n)
{
	for (int i = 0; i < 3000 && count_lines(p) < n; i++) {
		assert_true(loop_turn(w->loop, US_PER_MS) >= 0);
		peer_take(p);
	}
	assert_int_equal(count_lines(p), n);
}

void peer_wait_closed(struct world *w, struct peer *p)
{
	for (int i = 0; i < 3000 && !p->is_closed; i++) {
		assert_true(loop_turn(w->loop, US_PER_MS) >= 0);
		peer_take(p);
	}
	assert_true(p->is_closed);
}

void expect_text(struct world *w, struct peer *p, const char *text, const char *answer)
{
	size_t n = 0;

	for (const char *c = answer; *c != '\0'; c++)
		n += *c == '\n';
	buf_clear(&p->got);
	peer_send(w, p, slice_of(text));
	peer_wait(w, p, n);
	for (int i = 0; i < 5; i++)
		turn(w);
	peer_take(p);
	assert_string_equal(buf_str(&p->got), answer);
}
