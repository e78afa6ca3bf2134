/* SPDX-License-Identifier: MIT */
/*
 * api/health.c - is it alive, and may traffic be sent to it.
 *
 * /healthz says only that the loop turns. /readyz says whether a webhook would be accepted now:
 * what can be written, is on time and does not end is ready. A container engine that is away is
 * no reason: jobs wait for it.
 *
 * What surprised us: the loop forgets its longest turn once it was asked, and there are two readers
 * (this page and /metrics); each keeps its own maximum.
 */
#include "api/api-internal.h"

/* A turn this long means that senders wait; shorter ones are only a number in /metrics. */
#define LAG_NOT_READY_US (1 * US_PER_SEC)

void health_take_lag(struct api *a)
{
	int64_t lag = loop_lag(a->o.loop);

	a->lag_ready_us = MAX_OF(a->lag_ready_us, lag);
	a->lag_metrics_us = MAX_OF(a->lag_metrics_us, lag);
}

void health_live(struct api *a, struct http_request *req, const struct route_match *m)
{
	CLEANUP(js_freep) struct js *j = js_object();

	(void)a;
	(void)m;
	js_set_str(j, "status", "ok");
	api_respond_json(req, 200, j);
}

void health_ready(struct api *a, struct http_request *req, const struct route_match *m)
{
	CLEANUP(js_freep) struct js *j = js_object();
	struct js *reasons = js_array();
	struct engine_status s = {0};

	(void)m;
	engine_status(a->o.engine, &s);
	health_take_lag(a);
	if (!s.store_is_writable)
		js_add_str(reasons, "store_unavailable");
	if (s.is_draining || a->is_closing)
		js_add_str(reasons, "draining");
	if (a->lag_ready_us >= LAG_NOT_READY_US)
		js_add_str(reasons, "loop_late");
	a->lag_ready_us = 0;
	js_set_str(j, "status", js_len(reasons) == 0 ? "ready" : "not ready");
	js_set_take(j, "reasons", reasons);
	api_respond_json(req, js_len(js_get(j, "reasons")) == 0 ? 200 : 503, j);
}
