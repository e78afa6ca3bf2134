/* SPDX-License-Identifier: MIT */
/*
 * The port of all channels: takes a message, gives it to its kind of destination, and tells the
 * outcome exactly once. What is still under way when the port is freed is dropped without a word:
 * the outbox knows it as "sending" and asks again after the next start.
 */
#include <errno.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "channel/channel_internal.h"

static void sending_free(struct sending *s)
{
	if (s == NULL)
		return;
	http_call_cancel(s->call);
	defer_cancel(&s->defer);
	list_remove(&s->node);
	list_remove(&s->turn);
	buf_fini(&s->print);
	free(s->text);
	free(s);
}

static void on_known(void *ctx)
{
	struct sending *s = ctx;
	CLEANUP(freep) char *text = STEAL(s->text);

	sending_end(s, s->outcome, -1, text);
}

struct sending *sending_new(struct channels *c, const struct id *delivery_id)
{
	struct sending *s = xcalloc(1, sizeof(*s));

	s->owner = c;
	s->delivery_id = *delivery_id;
	defer_init(&s->defer, c->loop, on_known, s);
	list_init(&s->turn);
	list_append(&c->sendings, &s->node);
	return s;
}

void sending_end(
	struct sending *s, enum channel_outcome outcome, int64_t retry_after_us, const char *text)
{
	struct channels *c = s->owner;
	struct id id = s->delivery_id;
	struct channel_report report = {outcome, retry_after_us, text};

	s->call = NULL;
	sending_free(s);
	c->done(c->ctx, &id, &report);
}

void sending_end_later(struct sending *s, enum channel_outcome outcome, const char *text)
{
	s->outcome = outcome;
	s->text = xstrdup_or_null(text);
	defer_set(&s->defer);
}

static void op_send(
	struct channel *base, const struct channel_target *to, const struct channel_message *m)
{
	struct channels *c = container_of(base, struct channels, base);
	struct sending *s = sending_new(c, &m->delivery_id);

	if (str_eq(to->type, "stdout"))
		printer_send(c->printer, s, m);
	else if (str_eq(to->type, "webhook"))
		webhook_send(s, to, m);
	else
		sending_end_later(s, CHANNEL_DEAD, "there is no channel of this type");
}

static void op_free(struct channel *base)
{
	struct channels *c;

	if (base == NULL)
		return;
	c = container_of(base, struct channels, base);
	printer_free(c->printer);
	list_foreach_safe (it, &c->sendings)
		sending_free(list_entry(it, struct sending, node));
	free(c);
}

static const struct channel_ops channels_ops = {
	.send = op_send,
	.free = op_free,
};

struct channel *channel_new(
	struct loop *l, struct http_client *client, int out, channel_done_fn *done, void *ctx)
{
	struct channels *c = xcalloc_held(1, sizeof(*c));

	c->base.ops = &channels_ops;
	c->loop = l;
	c->client = client;
	c->done = done;
	c->ctx = ctx;
	c->timeout_us = DELIVERY_TIMEOUT_US;
	list_init(&c->sendings);
	c->printer = printer_new(c, out < 0 ? STDOUT_FILENO : out);
	return &c->base;
}

bool channel_target_is_valid(const struct channel_target *to, struct err *e)
{
	if (str_eq(to->type, "stdout"))
		return true;
	if (str_eq(to->type, "webhook"))
		return webhook_target_is_valid(to, e);
	(void)err_set(
		e, -EINVAL, "there is no channel of type \"%s\"", to->type == NULL ? "" : to->type);
	return false;
}
