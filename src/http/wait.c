/* SPDX-License-Identifier: MIT */
/*
 * http/wait.c - the deadlines of connections.
 *
 * One list for each kind of wait. All members of a list wait equally long, so appending keeps it
 * sorted, and one timer for the whole server looks at the heads only: setting and clearing a wait
 * costs a few pointers. Deadlines that move with every byte (WAIT_MOVE) are looked at in steps and
 * judged by what has moved, so they are noticed up to one step late.
 */
#include "http/server_internal.h"

void wait_set(struct connection *c, enum wait kind)
{
	struct http_server *s = c->server;

	list_remove(&c->wait_node);
	c->wait = (uint8_t)kind;
	c->wait_mono = loop_mono(s->loop) + s->limits.wait_us[kind];
	list_append(&s->waits[kind], &c->wait_node);
	server_wake_at(s, c->wait_mono);
}

void wait_clear(struct connection *c)
{
	list_remove(&c->wait_node);
}

bool wait_is(const struct connection *c, enum wait kind)
{
	return !list_is_empty(&c->wait_node) && c->wait == kind;
}

void wait_move(struct connection *c)
{
	c->since_mono = loop_mono(c->server->loop);
	c->moved = 0;
	wait_set(c, WAIT_MOVE);
}

int64_t wait_expire(struct http_server *s, int64_t now)
{
	int64_t next = 0;

	for (size_t i = 0; i < WAIT_KINDS; i++) {
		struct list *waits = &s->waits[i];

		while (!list_is_empty(waits)) {
			struct connection *c =
				list_entry(waits->next, struct connection, wait_node);

			if (c->wait_mono > now) {
				if (next == 0 || c->wait_mono < next)
					next = c->wait_mono;
				break;
			}
			/* Unlinked first, so that the walk ends whatever becomes of it. */
			list_remove(&c->wait_node);
			connection_expire(c, now);
		}
	}
	return next;
}
