/* SPDX-License-Identifier: MIT */
/*
 * engine.c - life of the engine, the pump that keeps work moving, and the turn that commits.
 *
 * The pump runs when something changed (a slot became free, a job was queued, a time came) and does
 * whatever can be done now; it never waits. Between changes the engine sleeps: one timer stands for
 * the earliest of all not_befores, expiries and deliveries.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/file.h"
#include "engine/engine-internal.h"

#define WAKE_MAX_US (3600 * US_PER_SEC)

void answer_refuse(struct answer *a, int status, const char *code, const char *fmt, ...)
{
	va_list ap;

	*a = (struct answer){.status = status, .code = code};
	va_start(ap, fmt);
	(void)vsnprintf(a->text, sizeof(a->text), fmt, ap);
	va_end(ap);
}

void answer_store_failure(struct answer *a, int rc)
{
	if (rc == -ENOSPC)
		answer_refuse(a, 503, "no_space", "the disk is full; send it again later");
	else
		answer_refuse(
			a, 503, "store_unavailable", "it could not be kept; send it again later");
	a->retry_after_s = 5;
}

void pylon_note_store(struct pylon *p, int rc)
{
	p->engine->store_failed = rc < 0;
	if (rc != -ESTALE)
		return;
	p->is_stale = true;
	engine_kick(p->engine);
}

void engine_emit(struct engine *e, const char *type, const struct pylon *p, const struct id *job_id,
	const char *state, const char *reason)
{
	struct engine_event ev = {.type = type,
		.pylon = p == NULL ? NULL : p->config->name,
		.state = state,
		.reason = reason};

	if (job_id != NULL)
		ev.job_id = *job_id;
	if (e->on_event != NULL)
		e->on_event(e->on_event_ctx, &ev);
}

void engine_on_event(
	struct engine *e, void (*fn)(void *ctx, const struct engine_event *ev), void *ctx)
{
	e->on_event = fn;
	e->on_event_ctx = ctx;
}

/* --- the pump --- */

static int64_t sooner(int64_t a, int64_t b)
{
	if (a == 0 || b == 0)
		return MAX_OF(a, b);
	return MIN_OF(a, b);
}

void engine_schedule_wake(struct engine *e)
{
	int64_t now = loop_real(e->loop);
	int64_t at = 0;

	for (size_t i = 0; i < e->pylon_count; i++) {
		const struct pylon *p = e->pylons[i];

		if (p->in_flight == 0)
			at = sooner(at, p->next_delivery);
		if (!p->is_expiring)
			at = sooner(at, p->next_expiry);
		/* What is due and cannot start is started by whatever makes room, not by time. */
		if (pylon_may_start(p))
			at = sooner(at, p->next_start);
	}
	/* The wall clock may be set: what is far is looked at again before. */
	if (at == 0)
		timer_cancel(&e->wake);
	else
		timer_set_in(&e->wake, MIN_OF(MAX_OF(at - now, US_PER_MS), WAKE_MAX_US));
}

static void pump(void *ctx)
{
	struct engine *e = ctx;

	engine_mend(e);
	engine_admit_next(e);
	engine_deliver_next(e);
	engine_expire_next(e);
	engine_forget_gone(e);
	engine_schedule_wake(e);
}

static void wake_up(struct timer *t UNUSED, void *ctx)
{
	engine_kick(ctx);
}

/* --- the turn --- */

static void turn_only(void *ctx UNUSED)
{
}

static void store_has_ops(void *ctx)
{
	struct engine *e = ctx;

	defer_set(&e->turn);
}

static bool end_of_turn(void *ctx)
{
	struct engine *e = ctx;
	int64_t again;

	if (!store_has_work(e->store))
		return false;
	again = store_commit(e->store, loop_mono(e->loop));
	if (again > 0)
		timer_set_in(&e->commit_timer, again);
	return again == 0 && store_has_work(e->store);
}

/* The turn that follows a commit timer commits; a failed claim only wants the pump. */
static void commit_again(struct timer *t UNUSED, void *ctx)
{
	engine_kick(ctx);
}

/* --- life --- */

struct engine *engine_new(const struct engine_options *o)
{
	struct engine *e = xcalloc(1, sizeof(*e));
	struct agenda_events schedules = {
		.due = engine_occurrence_due, .stepped = engine_clock_stepped, .ctx = e};

	e->loop = o->loop;
	e->config = o->config;
	if (o->only != NULL)
		strv_copy(&e->only, o->only);
	e->home_id = xstrdup(o->home_id);
	e->callback_port = o->callback_port;
	e->is_bystander = o->is_bystander;
	e->runtime_dir = xstrdup_or_null(o->runtime_dir);
	list_init(&e->live);
	list_init(&e->sending);
	list_init(&e->image_tasks);
	e->store = store_new(store_has_ops, e);
	timer_init(&e->commit_timer, e->loop, commit_again, e);
	timer_init(&e->wake, e->loop, wake_up, e);
	dock_init(&e->containers, e, "the container engine");
	dock_init(&e->processes, e, "the keeper of processes");
	timer_init(&e->recover_again, e->loop, engine_recover_again, e);
	timer_init(&e->housekeeping, e->loop, engine_housekeeping, e);
	defer_init(&e->pump, e->loop, pump, e);
	defer_init(&e->turn, e->loop, turn_only, e);
	loop_on_turn_end(e->loop, end_of_turn, e);
	e->agenda = agenda_new(e->loop, &schedules);
	for (size_t i = 0; i < e->config->pylon_count && !e->is_bystander; i++)
		(void)engine_add_pylon(e, e->config->pylons[i]);
	if (e->runtime_dir != NULL)
		engine_add_runtime(e);
	return e;
}

void engine_free(struct engine *e)
{
	if (e == NULL)
		return;
	loop_on_turn_end(e->loop, NULL, NULL);
	timer_cancel(&e->commit_timer);
	timer_cancel(&e->wake);
	dock_fini(&e->containers);
	dock_fini(&e->processes);
	timer_cancel(&e->recover_again);
	timer_cancel(&e->housekeeping);
	timer_cancel(&e->prepare_guard);
	defer_cancel(&e->pump);
	defer_cancel(&e->turn);
	list_foreach_safe (it, &e->live)
		live_free(list_entry(it, struct live, node));
	delivery_tasks_free(e);
	image_tasks_free(e);
	store_free(e->store);
	for (size_t i = 0; i < e->pylon_count; i++)
		pylon_free(e->pylons[i]);
	free(e->pylons);
	agenda_free(e->agenda);
	strv_fini(&e->only);
	strv_fini(&e->config_notes);
	strv_fini(&e->restart_needed);
	free(e->home_id);
	free(e->runtime_dir);
	free(e);
}

void engine_set_callback_port(struct engine *e, uint16_t port)
{
	e->callback_port = port;
}

/* Preparing is our own doing and would not outlive us: it is called off, and the job is queued. */
static void stop_preparing(struct engine *e)
{
	list_foreach_safe (it, &e->live) {
		struct live *v = list_entry(it, struct live, node);

		if (live_is_handed(v) || v->is_recovered)
			continue;
		v->is_shutdown = true;
		live_abandon(v);
	}
}

void engine_drain(struct engine *e)
{
	e->is_draining = true;
	stop_preparing(e);
}

bool engine_is_preparing(const struct engine *e)
{
	for (size_t i = 0; i < e->pylon_count; i++)
		if (e->pylons[i]->is_claiming)
			return true;
	list_foreach (it, &e->live) {
		const struct live *v = list_entry(it, struct live, node);

		if (!live_is_handed(v) && !v->is_recovered)
			return true;
	}
	return false;
}

void engine_stop_runs(struct engine *e, void (*done)(void *ctx), void *ctx)
{
	e->stopped = done;
	e->stopped_ctx = ctx;
	list_foreach (it, &e->live) {
		struct live *v = list_entry(it, struct live, node);

		v->is_shutdown = true;
		if (live_is_handed(v))
			live_runner(v)->ops->stop(live_runner(v), &v->run_id, e->config->grace_us);
	}
	if (list_is_empty(&e->live))
		done(ctx);
}
