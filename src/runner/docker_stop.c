/* SPDX-License-Identifier: MIT */
/*
 * Making a container end: first kindly, then not, and again until it is over. The wait call tells
 * that it ended; what the calls here answer only decides what is tried next.
 */
#include "base/log.h"
#include "runner/docker_internal.h"

static void on_killed(void *ctx, const struct http_result *res)
{
	struct docker_run *r = ctx;
	char text[DOCKER_TEXT_MAX + 1];

	r->stop_call = NULL;
	/* 404 and 409: there is nothing to kill any more. */
	if (res->status != 204 && res->status != 404 && res->status != 409) {
		docker_error_text(res, text);
		log_warn(DOCKER_TAG, "run %s cannot be killed yet: %s", r->id.s, text);
		if (docker_is_lost(res))
			docker_link_doubt(r->docker);
	}
	timer_set_in(&r->stop_again, r->docker->timing.settle_us);
}

static void kill_now(struct docker_run *r)
{
	http_call_cancel(r->stop_call);
	r->stop_call = docker_kill(r, on_killed);
}

static void on_stopped(void *ctx, const struct http_result *res)
{
	struct docker_run *r = ctx;

	r->stop_call = NULL;
	if (res->error == 0 && (res->status == 204 || res->status == 304 || res->status == 404))
		timer_set_in(&r->stop_again, r->docker->timing.settle_us);
	else
		kill_now(r);
}

/* The container was ended, and the wait call should have told so by now. */
static void on_stop_again(struct timer *t, void *ctx)
{
	struct docker_run *r = ctx;

	(void)t;
	if (r->phase != PHASE_FOLLOWING)
		return;
	r->grace_us = 0;
	docker_run_drift(r);
}

void docker_stop_init(struct docker_run *r)
{
	timer_init(&r->stop_again, r->docker->loop, on_stop_again, r);
}

void docker_stop_now(struct docker_run *r)
{
	timer_cancel(&r->stop_again);
	http_call_cancel(r->stop_call);
	r->stop_call = NULL;
	if (r->grace_us > 0)
		r->stop_call = docker_stop(r, r->grace_us, on_stopped);
	else
		kill_now(r);
}
