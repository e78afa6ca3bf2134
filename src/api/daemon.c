/* SPDX-License-Identifier: MIT */
/*
 * api/daemon.c - the daemon itself: how it is, and stopping it.
 *
 * "running", "pid" and "uptimeMs" are what clients of the agent-runtime protocol read; the rest is
 * ours.
 */
#include <unistd.h>

#include "api/api-internal.h"

static struct js *engine_json(const struct engine_status *s)
{
	struct js *o = js_object();

	js_set_bool(o, "up", s->engine_is_up);
	js_set_str(o, "text", s->engine_text);
	return o;
}

static struct js *jobs_json(const struct engine_status *s)
{
	struct js *o = js_object();

	js_set_int(o, "running", s->running);
	js_set_int(o, "starting", s->starting);
	js_set_int(o, "queued", s->queued);
	js_set_int(o, "awaiting_approval", s->awaiting_approval);
	return o;
}

static struct js *slots_json(const struct engine_status *s)
{
	struct js *o = js_object();

	js_set_int(o, "taken", s->slots_taken);
	if (s->slots < 0)
		js_set_null(o, "total");
	else
		js_set_int(o, "total", s->slots);
	return o;
}

static struct js *pair_json(const char *a, int64_t x, const char *b, int64_t y)
{
	struct js *o = js_object();

	js_set_int(o, a, x);
	js_set_int(o, b, y);
	return o;
}

void daemon_get(struct api *a, struct http_request *req, const struct route_match *m)
{
	CLEANUP(js_freep) struct js *o = js_object();
	struct engine_status s = {0};
	int64_t uptime_us = loop_mono(a->o.loop) - a->started_mono;

	(void)m;
	engine_status(a->o.engine, &s);
	js_set_bool(o, "running", true);
	js_set_int(o, "pid", getpid());
	js_set_int(o, "uptimeMs", uptime_us / US_PER_MS);
	js_set_time(o, "started_at", loop_real(a->o.loop) - uptime_us);
	js_set_str(o, "version", a->o.version);
	js_set_str(o, "home", a->o.home);
	js_set_bool(o, "draining", s.is_draining || a->is_closing);
	js_set_bool(o, "store_writable", s.store_is_writable);
	js_set_take(o, "engine", engine_json(&s));
	js_set_take(o, "slots", slots_json(&s));
	js_set_take(o, "jobs", jobs_json(&s));
	js_set_take(o, "deliveries",
		pair_json("pending", s.deliveries_pending, "dead", s.deliveries_dead));
	js_set_take(o, "pylons",
		pair_json("total", (int64_t)s.pylons, "ready", (int64_t)s.pylons_ready));
	api_respond_json(req, 200, o);
}

/* The answer goes first: stopping waits for open requests, this one included. */
void daemon_stop(struct api *a, struct http_request *req, const struct route_match *m)
{
	CLEANUP(js_freep) struct js *o = js_object();

	(void)m;
	if (a->o.stop == NULL) {
		api_refuse(req, 503, "unavailable", "this daemon cannot be stopped this way");
		return;
	}
	js_set_str(o, "status", "stopping");
	js_set_int(o, "pid", getpid());
	api_respond_json(req, 202, o);
	a->o.stop(a->o.stop_ctx);
}
