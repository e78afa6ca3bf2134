/* SPDX-License-Identifier: MIT */
/*
 * api/metrics.c - numbers for Prometheus (its text format, version 0.0.4).
 *
 * Names equal the columns and states they count. Label values are pylon names, which need no
 * escaping, and words of ours.
 */
#include <inttypes.h>

#include "api/api-internal.h"
#include "base/log.h"

static void family(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP pylon_%s %s\n# TYPE pylon_%s %s\n", name, help, name, type);
}

static void gauge(struct buf *out, const char *name, const char *help, int64_t value)
{
	family(out, name, "gauge", help);
	buf_printf(out, "pylon_%s %" PRId64 "\n", name, value);
}

static void add_build(struct buf *out, const struct api *a)
{
	int64_t uptime_us = loop_mono(a->o.loop) - a->started_mono;

	family(out, "build_info", "gauge", "Always 1; the version is a label.");
	buf_printf(out, "pylon_build_info{version=\"%s\"} 1\n", a->o.version);
	family(out, "uptime_seconds", "gauge", "How long the daemon has been running.");
	buf_printf(out, "pylon_uptime_seconds %.3f\n", (double)uptime_us / (double)US_PER_SEC);
}

static void add_pylon_jobs(const struct engine_pylon *p, void *ctx)
{
	for (int s = 0; s < JOB_STATES; s++) {
		if (!job_is_over((enum job_state)s))
			buf_printf(ctx, "pylon_jobs{pylon=\"%s\",state=\"%s\"} %" PRId64 "\n",
				p->config->name, job_state_name((enum job_state)s),
				p->counts.jobs[s]);
	}
}

static void add_pylon_ready(const struct engine_pylon *p, void *ctx)
{
	buf_printf(ctx, "pylon_ready{pylon=\"%s\"} %d\n", p->config->name, p->is_ready ? 1 : 0);
}

static void add_flow(struct buf *out, const struct api *a)
{
	struct engine_status s = {0};

	engine_status(a->o.engine, &s);
	family(out, "jobs", "gauge", "Jobs that are not over.");
	engine_each_pylon(a->o.engine, add_pylon_jobs, out);
	family(out, "ready", "gauge", "1 when the pylon can run.");
	engine_each_pylon(a->o.engine, add_pylon_ready, out);
	gauge(out, "queued", "Jobs in the queue.", s.queued);
	gauge(out, "slots_taken", "Slots in use.", s.slots_taken);
	if (s.slots >= 0)
		gauge(out, "slots", "Slots there are; absent when unlimited.", s.slots);
	family(out, "deliveries", "gauge", "Messages in the outbox.");
	buf_printf(out,
		"pylon_deliveries{state=\"pending\"} %" PRId64
		"\npylon_deliveries{state=\"dead\"} %" PRId64 "\n",
		s.deliveries_pending, s.deliveries_dead);
	gauge(out, "container_engine_up", "1 when the container engine answers.", s.engine_is_up);
	gauge(out, "store_writable", "1 when new events can be kept.", s.store_is_writable);
	gauge(out, "draining", "1 when the daemon is about to stop.", s.is_draining);
}

static void add_answers(struct buf *out, const struct api *a)
{
	family(out, "webhook_answers_total", "counter",
		"Answers on paths that are not the API's, by status.");
	for (int status = 0; status < API_STATUS_MAX; status++) {
		if (a->webhook_answers[status] > 0)
			buf_printf(out, "pylon_webhook_answers_total{status=\"%d\"} %" PRIu64 "\n",
				status, a->webhook_answers[status]);
	}
}

static void add_doors(struct buf *out, struct api *a)
{
	if (a->server != NULL) {
		gauge(out, "connections", "Open connections.",
			(int64_t)http_server_connections(a->server));
		gauge(out, "requests_pending", "Requests without an answer yet.",
			(int64_t)http_server_pending(a->server));
	}
	gauge(out, "event_subscribers", "Readers of /api/events.",
		(int64_t)events_subscribers(a->events));
	gauge(out, "log_readers", "Readers of logs.", (int64_t)a->log_count);
	health_take_lag(a);
	family(out, "loop_lag_seconds", "gauge",
		"Longest turn of the event loop since the last reading.");
	buf_printf(out, "pylon_loop_lag_seconds %.6f\n",
		(double)a->lag_metrics_us / (double)US_PER_SEC);
	a->lag_metrics_us = 0;
	family(out, "log_lines_dropped_total", "counter", "Log lines that could not be written.");
	buf_printf(out, "pylon_log_lines_dropped_total %" PRIu64 "\n", log_dropped());
}

void metrics_get(struct api *a, struct http_request *req, const struct route_match *m)
{
	CLEANUP(buf_fini) struct buf out = BUF_NULL;

	(void)m;
	add_build(&out, a);
	add_flow(&out, a);
	add_answers(&out, a);
	add_doors(&out, a);
	http_respond(req, 200, "text/plain; version=0.0.4; charset=utf-8", buf_slice(&out), NULL);
}
