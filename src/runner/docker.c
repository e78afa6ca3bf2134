/* SPDX-License-Identifier: MIT */
/*
 * The runner port for a container engine: what the engine room calls, and what is due.
 *
 * Whatever the engine room asks for is only noted down; docker_settle() does it in the loop's next
 * turn. So no callback is ever made from inside a call of the port. docker_settle() makes one
 * callback a turn, because after one any run may be gone.
 */
#include "runner/docker_internal.h"

static const struct docker_timing default_timing = {
	.call_us = 10 * US_PER_SEC,
	.slow_us = 30 * US_PER_SEC,
	.log_us = 60 * US_PER_SEC,
	.build_us = 1800 * US_PER_SEC, /* Debian packages and hundreds of megabytes from npm */
	.quiet_us = 120 * US_PER_SEC,  /* a busy disk may stop a layer's unpacking for a while */
	.ping_every_us = 60 * US_PER_SEC,
	.retry_min_us = 250 * US_PER_MS,
	.retry_max_us = 10 * US_PER_SEC,
	.doubt_us = 3 * US_PER_SEC,
	.settle_us = 5 * US_PER_SEC,
};

struct docker_run *docker_find(struct docker *d, const struct id *run_id)
{
	list_foreach (it, &d->runs) {
		struct docker_run *r = list_entry(it, struct docker_run, node);

		if (str_eq(r->id.s, run_id->s))
			return r;
	}
	return NULL;
}

void docker_wake(struct docker *d)
{
	defer_set(&d->settle);
}

/* --- what is due --- */

static bool is_ready_for_place(const struct docker *d, const struct docker_run *r)
{
	return r->phase == PHASE_QUEUED && d->is_up && d->starting < d->max_starting;
}

static bool is_ready_for_look(const struct docker *d, const struct docker_run *r)
{
	return r->phase == PHASE_ADRIFT && docker_link_is_sure(d) && !timer_is_set(&r->again);
}

/* Never created, and nobody wants it any more. */
static bool is_unwanted(const struct docker_run *r)
{
	return r->should_stop && (r->phase == PHASE_QUEUED || r->phase == PHASE_IMAGE);
}

/* What is due without a callback. */
static void advance(struct docker *d, struct docker_run *r)
{
	if (r->is_suspect && r->phase == PHASE_FOLLOWING) {
		docker_run_cancel(r);
		docker_run_enter(r, PHASE_ADRIFT);
	}
	r->is_suspect = false;
	if (is_unwanted(r))
		return;
	if (is_ready_for_place(d, r)) {
		d->starting++;
		r->holds_place = true;
		docker_run_create(r);
	} else if (is_ready_for_look(d, r)) {
		docker_run_look(r);
	}
}

/* What is due with a callback; true when one was made, and then any run may be gone. A run that was
 * heard goes to the end, so that a noisy one does not keep the others from being heard. */
static bool tell(struct docker *d, struct docker_run *r)
{
	if (is_unwanted(r)) {
		docker_end_gone(r);
		return true;
	}
	if (r->phase == PHASE_QUEUED && !d->is_up && d->was_told) {
		docker_run_refuse(r, RUNNER_ENGINE_DOWN, d->why);
		return true;
	}
	if (!r->log.has_news)
		return false;
	r->log.has_news = false;
	list_remove(&r->node);
	list_append(&d->runs, &r->node);
	d->ev.output(d->ev.ctx, &r->id);
	return true;
}

static bool tell_one(struct docker *d)
{
	list_foreach (it, &d->runs) {
		if (tell(d, list_entry(it, struct docker_run, node)))
			return true;
	}
	return false;
}

static void docker_settle(void *ctx)
{
	struct docker *d = ctx;

	list_foreach (it, &d->runs)
		advance(d, list_entry(it, struct docker_run, node));
	docker_link_watch(d);
	docker_remove_pump(d);
	docker_images_pump(d);
	if (tell_one(d))
		docker_wake(d);
}

/* --- the port --- */

static void op_open(struct runner *base)
{
	docker_link_open(docker_of(base));
}

static bool op_is_up(const struct runner *base)
{
	const struct docker *d = (const void *)((const char *)base - offsetof(struct docker, base));

	return d->is_up;
}

static void op_ensure_image(
	struct runner *base, const char *image, docker_image_fn *done, void *ctx)
{
	docker_ensure_image(docker_of(base), image, done, ctx);
}

static void op_start(struct runner *base, const struct runner_spec *spec)
{
	struct docker *d = docker_of(base);
	struct docker_run *r;

	must(docker_find(d, &spec->run_id) == NULL);
	r = docker_run_new(d, &spec->run_id, spec->log_path, spec->mask);
	r->image = xstrdup(spec->image);
	docker_body(&r->body, spec, d->home_id, &d->engine);
	r->phase = PHASE_QUEUED;
	docker_wake(d);
}

static void op_adopt(
	struct runner *base, const struct id *run_id, const char *log_path, struct mask *mask)
{
	struct docker *d = docker_of(base);

	if (docker_find(d, run_id) != NULL)
		return;
	docker_run_new(d, run_id, log_path, mask)->phase = PHASE_ADRIFT;
	docker_wake(d);
}

static void op_stop(struct runner *base, const struct id *run_id, int64_t grace_us)
{
	struct docker *d = docker_of(base);
	struct docker_run *r = docker_find(d, run_id);
	bool is_first;

	if (r == NULL || r->phase == PHASE_ENDING || r->phase == PHASE_OVER)
		return;
	is_first = !r->should_stop;
	if (!is_first && grace_us > 0)
		return;
	r->should_stop = true;
	r->grace_us = grace_us;
	if (r->phase == PHASE_FOLLOWING)
		docker_stop_now(r);
	else
		docker_wake(d);
}

static void op_note(struct runner *base, const struct id *run_id, const char *line)
{
	struct docker_run *r = docker_find(docker_of(base), run_id);

	if (r != NULL && r->phase != PHASE_OVER)
		docker_log_note(r, line);
}

static void op_forget(struct runner *base, const struct id *run_id)
{
	struct docker *d = docker_of(base);
	struct docker_run *r = docker_find(d, run_id);

	if (r == NULL)
		return;
	docker_remove(d, r->name);
	docker_run_free(r);
}

static void op_survey(struct runner *base, void (*each)(void *ctx, const struct runner_found *f),
	void (*done)(void *ctx, int rc, const char *text), void *ctx)
{
	docker_survey(docker_of(base), each, done, ctx);
}

static void op_remove(struct runner *base, const char *container_id)
{
	docker_remove(docker_of(base), container_id);
}

static void op_free(struct runner *base)
{
	struct docker *d;

	if (base == NULL)
		return;
	d = docker_of(base);
	list_foreach_safe (it, &d->runs)
		docker_run_free(list_entry(it, struct docker_run, node));
	docker_images_free(d);
	docker_remove_free(d);
	docker_link_fini(d);
	defer_cancel(&d->settle);
	free(d->home_id);
	free(d->base_image);
	free(d);
}

static const struct runner_ops docker_ops = {
	.open = op_open,
	.is_up = op_is_up,
	.ensure_image = op_ensure_image,
	.start = op_start,
	.adopt = op_adopt,
	.stop = op_stop,
	.note = op_note,
	.forget = op_forget,
	.survey = op_survey,
	.remove = op_remove,
	.free = op_free,
};

struct runner *runner_docker_new(struct loop *l, struct http_client *client,
	const struct runner_docker_config *c, const struct runner_events *ev)
{
	struct docker *d = xcalloc(1, sizeof(*d));

	d->base.ops = &docker_ops;
	d->loop = l;
	d->client = client;
	d->ev = *ev;
	d->timing = default_timing;
	d->engine.api_minor = DOCKER_API_NEWEST; /* until one is chosen */
	d->home_id = xstrdup(c->home_id);
	d->base_image = xstrdup_or_null(c->base_image);
	d->socket = c->socket;
	d->socket_ctx = c->socket_ctx;
	d->max_starting = MAX_OF(c->max_starting, 1);
	list_init(&d->runs);
	list_init(&d->images);
	docker_remove_init(d);
	docker_link_init(d);
	defer_init(&d->settle, l, docker_settle, d);
	return &d->base;
}
