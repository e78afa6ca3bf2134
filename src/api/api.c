/* SPDX-License-Identifier: MIT */
/*
 * api/api.c - birth and end of the doors, and where the engine's events go.
 */
#include "api/lines-internal.h"

static void on_event(void *ctx, const struct engine_event *ev)
{
	struct api *a = ctx;

	log_on_event(a, ev);
	/* A busy log would push everything else out of the ring; who wants it follows it. */
	if (!str_eq(ev->type, "log"))
		events_publish(a->events, ev);
}

struct api *api_new(const struct api_options *o)
{
	struct api *a = xcalloc(1, sizeof(*a));

	a->o = *o;
	a->started_mono = loop_mono(o->loop);
	a->events = events_new(o->loop);
	a->lines = lines_new(a);
	list_init(&a->logs);
	engine_on_event(o->engine, on_event, a);
	return a;
}

void api_free(struct api *a)
{
	if (a == NULL)
		return;
	lines_free(a->lines);
	log_free_all(a);
	events_free(a->events);
	free(a);
}

struct http_handlers api_handlers(struct api *a)
{
	return (struct http_handlers){
		.admit = door_admit, .handle = door_handle, .lines = lines_open, .ctx = a};
}

void api_set_server(struct api *a, const struct http_server *s)
{
	a->server = s;
}

void api_close_streams(struct api *a)
{
	a->is_closing = true;
	lines_close(a->lines);
	log_close_all(a);
	events_close_all(a->events);
}

size_t api_pending(const struct api *a)
{
	return lines_pending(a->lines);
}
