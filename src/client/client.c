/* SPDX-License-Identifier: MIT */
/*
 * client/client.c - one request, one answer, or one stream.
 *
 * A connection is kept for the next call when the answer allows it; a failed call closes it, so
 * that no leftover of one answer is ever read as the next. Nothing is sent twice.
 */
#include "client/client.h"

#include <errno.h>

#include "client/client-internal.h"

static struct client *client_new(char *authority)
{
	struct client *c = xcalloc(1, sizeof(*c));

	c->fd = -1;
	c->authority = authority;
	return c;
}

static int open_client(struct client *fresh, struct client **ret, struct err *e)
{
	CLEANUP(client_closep) struct client *c = fresh;
	int r = client_connect(c, e);

	if (r < 0)
		return r;
	*ret = STEAL(c);
	return 0;
}

int client_open_unix(struct client **ret, const char *path, struct err *e)
{
	struct client *c = client_new(xstrdup("localhost"));

	c->unix_path = xstrdup(path);
	return open_client(c, ret, e);
}

int client_open_tcp(struct client **ret, const char *host, uint16_t port, struct err *e)
{
	bool is_v6 = strchr(host, ':') != NULL;
	struct client *c = client_new(is_v6 ? xasprintf("[%s]:%u", host, (unsigned)port)
					    : xasprintf("%s:%u", host, (unsigned)port));

	c->host = xstrdup(host);
	c->port = port;
	return open_client(c, ret, e);
}

void client_close(struct client *c)
{
	if (c == NULL)
		return;
	client_disconnect(c);
	buf_fini(&c->in);
	free(c->unix_path);
	free(c->host);
	free(c->authority);
	free(c);
}

void client_answer_fini(struct client_answer *a)
{
	buf_fini(&a->body);
	*a = (struct client_answer){0};
}

/* A request that smuggles a line end into its head would be two requests. */
static bool is_one_line(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7F)
			return false;
	return true;
}

static int write_head(
	const struct client *c, const struct client_request *q, struct buf *out, struct err *e)
{
	if (!is_one_line(q->path) || strchr(q->path, ' ') != NULL)
		return err_set(e, -EINVAL, "a blank or a control character in the path");
	buf_printf(out, "%s %s HTTP/1.1\r\nHost: %s\r\n", q->method, q->path, c->authority);
	for (size_t i = 0; q->headers != NULL && q->headers[i] != NULL; i++) {
		if (!is_one_line(q->headers[i]))
			return err_set(e, -EINVAL, "a control character in a header");
		buf_printf(out, "%s\r\n", q->headers[i]);
	}
	if (q->body.n > 0 || !str_eq(q->method, "GET"))
		buf_printf(out, "Content-Length: %zu\r\n", q->body.n);
	buf_add_str(out, "\r\n");
	return 0;
}

int client_exchange(
	struct client *c, const struct client_request *q, struct client_head *ret, struct err *e)
{
	CLEANUP(buf_fini) struct buf head = BUF_NULL;
	struct err unsent = CLEAN_ERR;
	int r;

	r = write_head(c, q, &head, e);
	if (r == 0)
		r = client_connect(c, e);
	if (r < 0)
		return r;
	c->deadline = client_now() + CALL_TIMEOUT_US;
	r = client_send(c, buf_slice(&head), &unsent);
	if (r == 0)
		r = client_send(c, q->body, &unsent);
	if (r < 0 && r != -EPIPE && r != -ECONNRESET) {
		if (e != NULL)
			*e = unsent;
		return r;
	}
	/* A server that refuses early stops reading; its answer is there all the same. */
	r = client_read_head(c, ret, e);
	if (r == 0 && ret->status == STATUS_SWITCHING && !q->is_upgrade)
		return err_set(e, -EPROTO, "it switches protocols without being asked");
	return r;
}

struct gather {
	struct client_answer *answer;
	bool is_too_large;
};

static bool add_to_answer(void *ctx, struct slice data)
{
	struct gather *g = ctx;

	if (data.n > ANSWER_BODY_MAX - g->answer->body.n) {
		g->is_too_large = true;
		return false;
	}
	buf_add_slice(&g->answer->body, data);
	return true;
}

int client_gather(
	struct client *c, const struct client_head *h, struct client_answer *ret, struct err *e)
{
	struct gather g = {.answer = ret};
	int r;

	ret->status = h->status;
	r = client_read_body(c, h, add_to_answer, &g, e);
	if (g.is_too_large)
		return err_set(
			e, -EMSGSIZE, "the answer is larger than %zu bytes", ANSWER_BODY_MAX);
	return r;
}

int client_call(struct client *c, const char *method, const char *path, const char *const *headers,
	struct slice body, struct client_answer *ret, struct err *e)
{
	struct client_request q = {method, path, headers, body, false};
	CLEANUP(client_answer_fini) struct client_answer answer = {0};
	struct client_head h = {0};
	int r = client_exchange(c, &q, &h, e);

	if (r == 0)
		r = client_gather(c, &h, &answer, e);
	if (r < 0 || h.closes || !(h.is_chunked || h.has_length))
		client_disconnect(c);
	if (r < 0)
		return err_wrap(e, "%s %s", method, path);
	*ret = answer;
	answer = (struct client_answer){0};
	return 0;
}

int client_stream(struct client *c, const char *path, bool (*on_data)(void *ctx, struct slice data),
	void *ctx, struct client_answer *ret, struct err *e)
{
	struct client_request q = {"GET", path, NULL, SLICE_NULL, false};
	CLEANUP(client_answer_fini) struct client_answer answer = {0};
	struct client_head h = {0};
	int r = client_exchange(c, &q, &h, e);

	if (r == 0 && h.status == 200) {
		answer.status = h.status;
		c->deadline = CLIENT_NO_DEADLINE;
		r = client_read_body(c, &h, on_data, ctx, e);
	} else if (r == 0) {
		r = client_gather(c, &h, &answer, e);
	}
	if (r < 0 || h.closes || !(h.is_chunked || h.has_length))
		client_disconnect(c);
	if (r < 0 && r != -ECANCELED)
		return err_wrap(e, "GET %s", path);
	*ret = answer;
	answer = (struct client_answer){0};
	return 0;
}
