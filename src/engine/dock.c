/* SPDX-License-Identifier: MIT */
/*
 * dock.c - what the ports report, brought to the run that it is about. A run that is over, or whose
 * end is being recorded, hears nothing any more.
 */
#include "engine/engine-internal.h"

static void held_long_enough(struct timer *t UNUSED, void *ctx)
{
	engine_kick(ctx);
}

void dock_init(struct dock *d, struct engine *e, const char *name)
{
	d->engine = e;
	d->name = name;
	timer_init(&d->hold, e->loop, held_long_enough, e);
	timer_init(&d->survey_again, e->loop, dock_survey, d);
}

void dock_fini(struct dock *d)
{
	timer_cancel(&d->hold);
	timer_cancel(&d->survey_again);
	free(d->text);
	d->text = NULL;
}

const char *dock_text(const struct dock *d)
{
	return d->text == NULL ? "not asked yet" : d->text;
}

struct runner *live_runner(const struct live *v)
{
	return v->pylon->dock->runner;
}

/* --- reports --- */

static struct live *listening(void *dock, const struct id *run_id)
{
	const struct dock *d = dock;
	struct live *v = engine_live(d->engine, run_id);

	return v == NULL || v->is_finishing ? NULL : v;
}

static void on_ready(void *dock, bool is_up, const char *text)
{
	dock_ready(dock, is_up, text);
}

static void on_started(void *dock, const struct id *run_id, const char *handle)
{
	struct live *v = listening(dock, run_id);

	if (v != NULL)
		live_started(v, handle);
}

static void on_output(void *dock, const struct id *run_id)
{
	struct live *v = listening(dock, run_id);

	if (v != NULL)
		engine_emit(v->engine, "log", v->pylon, &v->job_id, "", NULL);
}

static void on_exited(void *dock, const struct id *run_id, const struct runner_exit *x)
{
	struct live *v = listening(dock, run_id);

	if (v != NULL)
		live_exited(v, x);
}

/* Nothing was started. */
static void on_refused(
	void *dock, const struct id *run_id, enum runner_refusal why, const char *text)
{
	struct live *v = listening(dock, run_id);

	if (v != NULL)
		live_refused(v, why, text);
}

struct runner_events engine_runner_events(struct engine *e, enum engine_dock which)
{
	return (struct runner_events){.ready = on_ready,
		.started = on_started,
		.output = on_output,
		.exited = on_exited,
		.refused = on_refused,
		.ctx = which == ENGINE_PROCESSES ? &e->processes : &e->containers};
}
