/* SPDX-License-Identifier: MIT */
/*
 * stop.c - going down: stop accepting, answer what was taken in, put everything on disk, leave.
 *
 * Runs go on by themselves (daemon.on_stop: detach) and are adopted by the next start, or are
 * stopped within daemon.grace (stop). A second signal leaves at once: everything acknowledged is on
 * disk at any moment, so that is safe too.
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "daemon/daemon-internal.h"

#define STOP_TICK_US     (20 * US_PER_MS)
#define STOP_PATIENCE_US (5 * US_PER_SEC)

static void runs_stopped(void *ctx)
{
	struct daemon *d = ctx;

	d->runs_are_stopped = true;
}

static void check_stopped(struct timer *t, void *ctx)
{
	struct daemon *d = ctx;
	bool is_done = d->runs_are_stopped && !engine_is_preparing(d->engine) &&
		       (d->server == NULL || http_server_pending(d->server) == 0) &&
		       (d->api == NULL || api_pending(d->api) == 0);

	if (is_done || loop_mono(d->loop) >= d->stop_deadline) {
		log_info(TAG, "stopped");
		loop_stop(d->loop, 0);
		return;
	}
	timer_set_in(t, STOP_TICK_US);
}

void daemon_begin_stop(struct daemon *d)
{
	bool stop_runs = d->config->on_stop == ON_STOP_STOP;

	if (d->is_stopping)
		return;
	d->is_stopping = true;
	loop_notify("STOPPING=1");
	engine_drain(d->engine);
	if (d->server != NULL)
		http_server_stop_listening(d->server);
	if (d->api != NULL)
		api_close_streams(d->api);
	d->runs_are_stopped = !stop_runs;
	d->stop_deadline = loop_mono(d->loop) + STOP_PATIENCE_US;
	if (stop_runs) {
		d->stop_deadline += d->config->grace_us;
		engine_stop_runs(d->engine, runs_stopped, d);
	}
	timer_init(&d->stop_check, d->loop, check_stopped, d);
	timer_set_in(&d->stop_check, STOP_TICK_US);
}

static void on_signal(int signo, void *ctx)
{
	struct daemon *d = ctx;
	struct err e = CLEAN_ERR;

	if (signo == SIGHUP) {
		log_info(TAG, "received SIGHUP%s", d->is_stopping ? "" : ", reloading");
		(void)daemon_apply_config(d, true, &e);
		return;
	}
	if (d->is_stopping) {
		log_warn(TAG, "second signal: leaving at once");
		_exit(1);
	}
	log_info(TAG, "received %s, stopping", signo == SIGINT ? "SIGINT" : "SIGTERM");
	daemon_begin_stop(d);
}

int daemon_watch_signals(struct daemon *d, struct err *e)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		int rc = loop_on_signal(d->loop, signals[i], on_signal, d, e);

		if (rc < 0)
			return rc;
	}
	return 0;
}
