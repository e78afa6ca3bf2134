/* SPDX-License-Identifier: MIT */
/*
 * client/upgrade.c - leaving HTTP: the connection becomes a pipe in both directions.
 *
 * What surprised us: bytes of the stream may come in one piece with the answer's head; they have
 * been read by then and are handed out as `first`. And an engine that does not know the upgrade
 * answers 200 and sends the stream as an endless body, which would look like an answer that never
 * comes: any 2xx is refused at once.
 */
#include <errno.h>

#include "client/client-internal.h"

void client_tunnel_fini(struct client_tunnel *t)
{
	closep(&t->fd);
	buf_fini(&t->first);
}

/* The connection belongs to the tunnel from here on. */
static int take_tunnel(
	struct client *c, const struct client_head *h, struct client_tunnel *ret, struct err *e)
{
	if (!h->is_tcp)
		return err_set(e, -EPROTO, "it switches to a protocol that nobody asked for");
	ret->fd = fd_steal(&c->fd);
	ret->first = c->in;
	c->in = BUF_NULL;
	return 0;
}

static int finish(struct client *c, const struct client_head *h, struct client_answer *answer,
	struct client_tunnel *tunnel, struct err *e)
{
	answer->status = h->status;
	if (h->status == STATUS_SWITCHING)
		return take_tunnel(c, h, tunnel, e);
	if (h->status < 300)
		return err_set(
			e, -EPROTO, "it answered %d and did not switch to a raw stream", h->status);
	return client_gather(c, h, answer, e);
}

int client_upgrade(struct client *c, const char *path, struct slice body, struct client_answer *ret,
	struct client_tunnel *ret_tunnel, struct err *e)
{
	static const char *const headers[] = {
		"Content-Type: application/json", "Connection: Upgrade", "Upgrade: tcp", NULL};
	const struct client_request q = {"POST", path, headers, body, true};
	CLEANUP(client_answer_fini) struct client_answer answer = {0};
	struct client_tunnel tunnel = CLIENT_TUNNEL_NULL;
	struct client_head h = {0};
	int r = client_exchange(c, &q, &h, e);

	if (r == 0)
		r = finish(c, &h, &answer, &tunnel, e);
	client_disconnect(c);
	if (r < 0)
		return err_wrap(e, "POST %s", path);
	*ret_tunnel = tunnel;
	*ret = answer;
	answer = (struct client_answer){0};
	return 0;
}
