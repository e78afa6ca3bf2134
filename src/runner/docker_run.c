/* SPDX-License-Identifier: MIT */
/*
 * The life of one run in the engine, until it ends (docker_end.c).
 *
 *   QUEUED -> CREATING -> BOOTING -> FOLLOWING -> ENDING -> OVER
 *     ^           |          |           |          |
 *     +-- IMAGE --+          |           |          |      (its image is missing)
 *                 +----------+-- ADRIFT -+----------+      (a call was lost, or the engine)
 *                                  |
 *                               LOOKING -> wherever the container really is
 *
 * Nothing is done twice on suspicion: whenever an answer is missing, the container is inspected,
 * and only one that was never started is started. Its name is the run's id and was known before, so
 * a name that is taken is the container of a request whose answer got lost.
 */
#include <errno.h>
#include <stdio.h>

#include "base/failpoint.h"
#include "base/json.h"
#include "base/log.h"
#include "runner/docker_internal.h"

/* A run that was followed this long was well; what failed before is forgotten. */
#define WELL_US (30 * US_PER_SEC)

/* Creating that is answered strangely is tried this often, with growing pauses. */
#define CREATE_TRIES 10

static void boot(struct docker_run *r);
static void follow(struct docker_run *r);

static void release_place(struct docker_run *r)
{
	if (!r->holds_place)
		return;
	r->holds_place = false;
	r->docker->starting--;
	docker_wake(r->docker);
}

void docker_run_enter(struct docker_run *r, enum docker_phase phase)
{
	r->phase = phase;
	if (phase != PHASE_CREATING && phase != PHASE_BOOTING)
		release_place(r);
}

/* ADRIFT, FOLLOWING without a log, or ENDING by a kill: the time has come to ask again. */
static void on_again(struct timer *t, void *ctx)
{
	struct docker_run *r = ctx;

	(void)t;
	if (r->phase == PHASE_FOLLOWING)
		docker_run_follow_log(r);
	else if (r->phase == PHASE_ENDING)
		docker_end_look_again(r);
	else
		docker_wake(r->docker);
}

struct docker_run *docker_run_new(
	struct docker *d, const struct id *run_id, const char *log_path, struct mask *mask)
{
	struct docker_run *r = xcalloc(1, sizeof(*r));

	r->docker = d;
	r->id = *run_id;
	r->mask = mask_ref(mask);
	(void)snprintf(r->name, sizeof(r->name), "pylon-%s", run_id->s);
	r->exit.exit_code = -1;
	timer_init(&r->again, d->loop, on_again, r);
	docker_stop_init(r);
	list_append(&d->runs, &r->node);
	docker_log_open(r, log_path);
	return r;
}

void docker_run_cancel(struct docker_run *r)
{
	http_call_cancel(r->call);
	http_call_cancel(r->log_call);
	http_call_cancel(r->stop_call);
	r->call = r->log_call = r->stop_call = NULL;
	timer_cancel(&r->again);
	timer_cancel(&r->stop_again);
	docker_image_unwait(r->docker, r);
}

void docker_run_free(struct docker_run *r)
{
	if (r == NULL)
		return;
	docker_run_cancel(r);
	release_place(r);
	docker_log_close(r, false);
	mask_unref(r->mask);
	list_remove(&r->node);
	free(r->container_id);
	free(r->image);
	free(r->refusal);
	buf_fini(&r->body);
	free(r);
}

void docker_run_refuse(struct docker_run *r, enum runner_refusal why, const char *text)
{
	struct runner_events ev = r->docker->ev;
	CLEANUP(freep) char *copy = xstrdup(text);
	struct id id = r->id;

	if (r->was_created)
		docker_remove(r->docker, r->name);
	docker_run_free(r);
	ev.refused(ev.ctx, &id, why, copy);
}

/* Waits a moment before it is asked about again, and longer each time. */
static void wait_a_moment(struct docker_run *r)
{
	struct docker_timing *t = &r->docker->timing;
	int64_t wait = t->retry_min_us;

	if (r->failures++ == 0)
		return;
	for (int i = 2; i < r->failures && wait < t->retry_max_us; i++)
		wait *= 2;
	timer_set_in(&r->again, MIN_OF(wait, t->retry_max_us));
}

void docker_run_drift(struct docker_run *r)
{
	docker_run_cancel(r);
	docker_run_enter(r, PHASE_ADRIFT);
	wait_a_moment(r);
	docker_wake(r->docker);
	docker_link_doubt(r->docker);
}

void docker_run_away(struct docker_run *r)
{
	/* QUEUED ones are refused by docker_settle(). */
	if (r->phase == PHASE_OVER || r->phase == PHASE_QUEUED)
		return;
	docker_run_cancel(r);
	r->was_away = true;
	r->asked_image = false; /* that was not answered */
	r->failures = 0;
	docker_run_enter(r, PHASE_ADRIFT);
}

/* --- create --- */

static enum runner_refusal refusal_of(const char *text)
{
	return docker_is_no_space(text) ? RUNNER_NO_SPACE : RUNNER_BAD_SPEC;
}

static void on_still_there(void *ctx, const struct http_result *res)
{
	struct docker_run *r = ctx;

	r->call = NULL;
	if (res->status == 200)
		docker_run_refuse(r, refusal_of(r->refusal), r->refusal);
	else
		docker_run_drift(r);
}

/* An engine that is going away serves the connections it has to its end, with strange errors: what
 * it says counts if it still takes new ones. */
static void refuse_answer(struct docker_run *r, const struct http_result *res)
{
	char text[DOCKER_TEXT_MAX + 1];

	docker_error_text(res, text);
	if (res->status < 500) {
		docker_run_refuse(r, refusal_of(text), text);
		return;
	}
	str_replace(&r->refusal, text);
	r->call = docker_ping_fresh(r, on_still_there);
}

/* Statuses of a proxy in front of an engine that is not there for the moment. */
static bool is_passing(int status)
{
	return status == 429 || (status >= 502 && status <= 504);
}

static void on_image(void *ctx, int rc, const char *text, const struct runner_user *user UNUSED)
{
	struct docker_run *r = ctx;

	if (rc == 0) {
		docker_run_enter(r, PHASE_QUEUED);
		docker_wake(r->docker);
		return;
	}
	if (rc == -EHOSTUNREACH) {
		r->asked_image = false;
		docker_run_drift(r);
		return;
	}
	docker_run_refuse(r, rc == -ENOSPC ? RUNNER_NO_SPACE : RUNNER_NO_IMAGE, text);
}

static void on_no_image(struct docker_run *r, const struct http_result *res)
{
	char text[DOCKER_TEXT_MAX + 1];

	if (r->asked_image) {
		docker_error_text(res, text);
		docker_run_refuse(r, RUNNER_NO_IMAGE, text);
		return;
	}
	r->asked_image = true;
	docker_run_enter(r, PHASE_IMAGE);
	docker_ensure_image(r->docker, r->image, on_image, r);
}

static void keep_container_id(struct docker_run *r, const char *id)
{
	free(r->container_id);
	r->container_id = xstrdup(id);
}

static void on_made(struct docker_run *r, const struct http_result *res)
{
	CLEANUP(js_freep) struct js *body = js_parse(res->body.p, res->body.n, NULL);
	const char *id = js_get_str(body, "Id");

	failpoint(FP_create_after);
	if (id == NULL) {
		docker_run_drift(r);
		return;
	}
	r->was_created = true;
	keep_container_id(r, id);
	if (r->should_stop)
		docker_end_gone(r);
	else
		boot(r);
}

static void on_created(void *ctx, const struct http_result *res)
{
	struct docker_run *r = ctx;

	r->call = NULL;
	/* 409, the name is in use: the answer to an earlier request got lost. */
	if (res->status == 201 && res->error == 0)
		on_made(r, res);
	else if (docker_is_lost(res) || is_passing(res->status) || res->status == 409)
		docker_run_drift(r);
	else if (res->status == 404)
		on_no_image(r, res);
	else
		refuse_answer(r, res);
}

void docker_run_create(struct docker_run *r)
{
	docker_run_enter(r, PHASE_CREATING);
	failpoint(FP_create_before);
	r->call = docker_create(r, on_created);
}

/* --- start --- */

static void on_started(void *ctx, const struct http_result *res)
{
	struct docker_run *r = ctx;

	r->call = NULL;
	if (res->error == 0 && (res->status == 204 || res->status == 304)) {
		failpoint(FP_start_after);
		follow(r);
	} else if (docker_is_lost(res) || is_passing(res->status) || res->status == 409) {
		docker_run_drift(r);
	} else {
		refuse_answer(r, res);
	}
}

static void boot(struct docker_run *r)
{
	docker_run_enter(r, PHASE_BOOTING);
	failpoint(FP_start_before);
	r->call = docker_start(r, on_started);
}

/* --- follow --- */

static void on_log_end(void *ctx, const struct http_result *res)
{
	struct docker_run *r = ctx;
	struct docker_timing *t = &r->docker->timing;
	int64_t wait = t->retry_min_us;

	r->log_call = NULL;
	if (docker_is_lost(res))
		docker_link_doubt(r->docker);
	/* The end of the log just before the end of the wait is the usual end of a run. Otherwise
	 * the log is read on from the mark. */
	for (int i = 0; i < r->log_failures && wait < t->retry_max_us; i++)
		wait *= 2;
	r->log_failures++;
	timer_set_in(&r->again, MIN_OF(wait, t->retry_max_us));
}

void docker_run_follow_log(struct docker_run *r)
{
	docker_log_begin(r);
	r->log_call = docker_logs(r, LOGS_FOLLOW, docker_log_data, on_log_end);
}

static void on_waited(void *ctx, const struct http_result *res)
{
	CLEANUP(js_freep) struct js *body = NULL;
	struct docker_run *r = ctx;
	int64_t code;

	r->call = NULL;
	body = js_parse(res->body.p, res->body.n, NULL);
	code = js_get_int(body, "StatusCode", -1);
	if (res->status == 404 && res->error == 0) {
		docker_end_gone(r);
	} else if (res->status != 200 || res->error != 0 || code < 0 ||
		   js_is_object(js_get(body, "Error"))) {
		docker_run_drift(r);
	} else {
		r->exit.exit_code = (int)code;
		docker_end(r, NULL);
	}
}

static void follow(struct docker_run *r)
{
	struct docker *d = r->docker;
	bool is_news = !r->was_told;

	docker_run_enter(r, PHASE_FOLLOWING);
	r->was_created = r->was_told = true;
	r->was_away = false;
	if (loop_mono(d->loop) - r->followed_at > WELL_US)
		r->failures = r->log_failures = 0;
	r->followed_at = loop_mono(d->loop);
	r->call = docker_wait(r, on_waited);
	docker_run_follow_log(r);
	if (r->should_stop)
		docker_stop_now(r);
	docker_wake(d);
	if (is_news)
		d->ev.started(d->ev.ctx, &r->id, r->container_id);
}

/* --- look --- */

static void on_absent(struct docker_run *r)
{
	if (r->was_created || r->body.n == 0 || r->should_stop)
		docker_end_gone(r);
	else if (r->failures > CREATE_TRIES)
		docker_run_refuse(r, RUNNER_BAD_SPEC, "the engine did not manage to create it");
	else
		docker_run_create(r);
}

/* It ended unseen. A run of this process was starting, as far as anybody knows: it did start. */
static void end_unseen(struct docker_run *r, const struct docker_seen *seen)
{
	struct docker *d = r->docker;
	bool is_news = !r->was_told && r->body.n > 0;

	r->was_told = true;
	docker_end(r, seen);
	if (is_news)
		d->ev.started(d->ev.ctx, &r->id, r->container_id);
}

static void on_seen(struct docker_run *r, const struct docker_seen *seen)
{
	if (!seen->is_ours) {
		docker_run_refuse(
			r, RUNNER_BAD_SPEC, "a container of another origin has the run's name");
		return;
	}
	r->was_created = true;
	keep_container_id(r, seen->id);
	if (str_eq(seen->state, "created") && r->should_stop)
		docker_end_gone(r);
	else if (str_eq(seen->state, "created"))
		boot(r);
	else if (str_eq(seen->state, "running") || str_eq(seen->state, "paused") ||
		 str_eq(seen->state, "restarting"))
		follow(r);
	else
		end_unseen(r, seen);
}

static void on_looked(void *ctx, const struct http_result *res)
{
	struct docker_run *r = ctx;
	struct docker_seen seen;

	r->call = NULL;
	if (res->status == 404 && res->error == 0)
		on_absent(r);
	else if (res->status != 200 || res->error != 0 || !docker_seen_parse(r, res->body, &seen))
		docker_run_drift(r);
	else
		on_seen(r, &seen);
}

void docker_run_look(struct docker_run *r)
{
	docker_run_enter(r, PHASE_LOOKING);
	r->call = docker_inspect(r, on_looked);
}
