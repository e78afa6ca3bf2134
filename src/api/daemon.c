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

static struct js *names_json(const struct strv *names)
{
	struct js *list = js_array();

	for (size_t i = 0; i < names->n; i++)
		js_add_str(list, names->v[i]);
	return list;
}

/* What of the configuration on disk is not in force, and why. */
static struct js *config_json(const struct engine_status *s)
{
	struct js *o = js_object();

	js_set_take(o, "problems", names_json(s->config_notes));
	js_set_take(o, "restart_needed", names_json(s->restart_needed));
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
	js_set_take(o, "config", config_json(&s));
	api_respond_json(req, 200, o);
}

void daemon_reload(struct api *a, struct http_request *req, const struct route_match *m)
{
	CLEANUP(js_freep) struct js *o = NULL;
	struct engine_status s = {0};
	struct err e = CLEAN_ERR;

	(void)m;
	if (a->o.reload == NULL) {
		api_refuse(req, 503, "unavailable", "this daemon cannot reload");
		return;
	}
	if (a->o.reload(a->o.reload_ctx, &e) < 0) {
		api_refuse(req, 409, "invalid_config", "%.150s", e.text);
		return;
	}
	engine_status(a->o.engine, &s);
	o = config_json(&s);
	js_set_str(o, "status", s.config_notes->n == 0 ? "applied" : "incomplete");
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
