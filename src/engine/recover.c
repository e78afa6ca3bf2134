/* SPDX-License-Identifier: MIT */
/*
 * recover.c - start-up: nothing is "running" by rumour.
 *
 *   databases -> jobs that claim to be alive -> ask the container engine (survey)
 *     container there      adopt it: started, followed, or finished from its exit status
 *     no container, run never started     the run is lost, the job is queued again (recorded)
 *     no container, run had started       adopt too: the runner reports it gone
 *   containers of runs that are known to be over are removed, then images are checked or built.
 *
 * With no container engine the doors open all the same: jobs are accepted and wait; the rest
 * happens when the engine answers.
 */
#include <errno.h>

#include "base/file.h"
#include "engine/rundir-internal.h"

#define PREPARE_GUARD_US      (5 * US_PER_SEC)
#define HOUSEKEEPING_FIRST_US (5 * US_PER_SEC)
#define SURVEY_AGAIN_US       (5 * US_PER_SEC)
#define GIVE_UP_US            (60 * US_PER_SEC)

/* --- databases --- */

/* The folder was renamed: its runs go on, and are recorded where their rows are now. */
static void take_over(struct live *v, struct pylon *p)
{
	if (v->pylon == p || !v->pylon->is_gone || v->is_finishing)
		return; /* or a try before this one got as far */
	log_info(TAG, "job %.8s: followed from %s to %s", v->job_id.s, v->pylon->config->name,
		p->config->name);
	v->pylon->active--;
	v->pylon = p;
	p->active++;
}

static void load_live(const struct job *j, void *ctx)
{
	struct pylon *p = ctx;
	struct err err = CLEAN_ERR;
	struct run r = {0};
	struct live *v = engine_live_job(p->engine, &j->id);
	int rc;

	if (v != NULL) {
		take_over(v, p);
		return;
	}
	rc = store_living_run(p->db, &j->id, &r, &err);

	if (rc != 0) {
		log_error(TAG, "job %.8s is %s but has no run: %s", j->id.s,
			job_state_name(j->state), rc < 0 ? err.text : "its row is missing");
		return;
	}
	v = live_new(p, p->config, &j->id, &r.id);
	v->is_recovered = true;
	v->is_scheduled = job_is_scheduled(j);
	p->active++;
	p->dock->active++;
	v->attempt = r.attempt;
	v->failures = j->failures;
	v->state = r.state;
	v->stop = r.stop;
	v->started_at = r.started_at;
	v->timeout_us = r.timeout_us;
	v->image = xstrdup_or_null(r.image);
	live_restore_mask(v);
	(void)str_copy(v->token_sha256, sizeof(v->token_sha256), r.token_sha256);
	run_fini(&r);
}

/* A pylon that comes late brings runs along that the survey was not asked about. */
static void survey_anew(struct dock *d)
{
	if (!d->is_surveyed)
		return;
	d->is_surveyed = false;
	timer_set_in(&d->survey_again, 0);
}

int pylon_recover(struct pylon *p, struct err *err)
{
	int64_t now = loop_real(p->engine->loop);
	int rc = store_recover_deliveries(p->db, now, err);

	if (rc > 0)
		log_info(TAG, "%s: %d messages may be sent a second time", p->config->name, rc);
	if (rc >= 0)
		rc = pylon_count(p, err);
	if (rc >= 0)
		rc = store_open_jobs(p->db, true, load_live, p, err);
	if (rc < 0)
		return rc;
	p->is_recovered = true;
	if (p->active > 0)
		survey_anew(p->dock);
	engine_kick(p->engine);
	return 0;
}

void engine_recover_later(struct engine *e, int rc)
{
	/* Time does not mend these. */
	if (rc != -EUCLEAN && rc != -EPROTO && !timer_is_set(&e->recover_again))
		timer_set_in(&e->recover_again, READ_AGAIN_US);
}

void engine_recover_again(struct timer *t UNUSED, void *ctx)
{
	struct engine *e = ctx;

	for (size_t i = 0; i < e->pylon_count; i++) {
		struct pylon *p = e->pylons[i];

		if (!p->is_recovered && !p->is_gone && pylon_db(p) != NULL)
			pylon_close_if_idle(p);
	}
}

/* What is in the new file is taken up as at the start. */
static void reopen(struct pylon *p)
{
	store_close(p->db);
	p->db = NULL;
	p->is_stale = p->is_recovered = false;
	(void)pylon_db(p);
	pylon_start_clockwork(p);
}

/* A database that is not in its place may come back, alone or with its folder. Nothing is accepted
 * until then, for it would be forgotten, and what ended meanwhile waits; but not for ever when the
 * pylon is gone, too. Another folder in its place is a decision, and brings another database. */
static bool may_come_back(const struct pylon *p)
{
	bool is_over = p->is_gone && loop_mono(p->engine->loop) - p->gone_mono >= GIVE_UP_US;

	return !is_over && !pylon_has_other_folder(p);
}

/* Its database was removed or replaced. */
static void mend(struct pylon *p)
{
	if (p->db == NULL || !store_is_stale(p->db)) {
		p->is_stale = false;
		return;
	}
	if (may_come_back(p))
		return;
	if (store_db_has_work(p->db)) {
		log_warn(TAG, "%s: its database is gone; what ended since is not recorded",
			p->config->name);
		store_give_up(p->db);
	}
	if (p->is_gone)
		p->next_delivery = 0; /* neither is what was to be told */
	if (p->is_gone || p->active > 0 || p->in_flight > 0 || store_db_has_work(p->db))
		return;
	log_warn(TAG, "%s: its folder was replaced; its database is opened anew", p->config->name);
	reopen(p);
}

void engine_mend(struct engine *e)
{
	for (size_t i = 0; i < e->pylon_count; i++)
		if (e->pylons[i]->is_stale || e->pylons[i]->is_gone)
			mend(e->pylons[i]);
}

static void open_pylons(struct engine *e)
{
	int64_t pending = 0;

	for (size_t i = 0; i < e->pylon_count; i++) {
		struct pylon *p = e->pylons[i];

		(void)pylon_db(p); /* which says what is wrong with it */
		pylon_make_route(p);
		pylon_start_clockwork(p);
		pending += p->queued + p->awaiting + p->active;
		pylon_close_if_idle(p);
	}
	if (pending > 0)
		log_info(TAG, "recovered %lld pending jobs", (long long)pending);
}

/* --- what is alive --- */

/* True when the run is in one of our databases and over. */
static bool is_known_to_be_over(struct engine *e, const struct runner_found *f)
{
	for (size_t i = 0; i < e->pylon_count; i++) {
		struct pylon *p = e->pylons[i];
		struct run r = {0};
		bool is_over;

		if (pylon_db(p) == NULL || store_run(p->db, &f->run_id, &r, NULL) != 0)
			continue;
		is_over = run_is_over(r.state);
		run_fini(&r);
		return is_over;
	}
	return false;
}

static void survey_each(void *dock, const struct runner_found *f)
{
	struct dock *d = dock;
	struct engine *e = d->engine;
	struct live *v = engine_live(e, &f->run_id);

	if (v != NULL) {
		v->is_found = true;
		return;
	}
	if (!is_known_to_be_over(e, f)) {
		log_warn(TAG,
			"container %.12s belongs to a run that no active pylon knows; it is left "
			"alone",
			f->container_id);
		return;
	}
	log_info(TAG, "removing container %.12s: its job is over", f->container_id);
	d->runner->ops->remove(d->runner, f->container_id);
	rundir_remove(e, &f->run_id);
}

/* Runs that died while they were being started, since the last one that did not. */
static void count_dead_start(const struct run *r, void *ctx)
{
	int *starts = ctx;

	if (str_eq(r->reason, "never_started") || str_eq(r->reason, "engine_down"))
		(*starts)++;
	else if (run_is_over(r->state))
		*starts = 0;
}

int live_dead_starts(struct live *v)
{
	struct err err = CLEAN_ERR;
	int starts = 0;

	if (store_runs(v->pylon->db, &v->job_id, count_dead_start, &starts, &err) < 0)
		log_warn(TAG, "job %.8s: its runs cannot be counted: %s", v->job_id.s, err.text);
	return starts;
}

/* The claim was on disk, the container never came to be: the daemon died in between. */
static void finish_never_started(struct live *v)
{
	int starts = live_dead_starts(v) + 1;
	struct ending d = {.run_state = RUN_LOST,
		.job_state = JOB_QUEUED,
		.exit_code = -1,
		.reason = "never_started",
		.is_free = true};

	if (v->stop == STOP_CANCEL) {
		d.job_state = JOB_CANCELLED;
		d.reason = "killed";
		d.is_free = false;
	} else if (starts >= POISON_STARTS_MAX) {
		d.job_state = JOB_FAILED;
		d.reason = "poison";
		d.error = xasprintf("the daemon died %d times while starting it", starts);
		d.is_free = false;
	}
	live_finish(v, &d);
}

static void adopt(struct live *v)
{
	struct engine *e = v->engine;
	CLEANUP(buf_fini) struct buf log = BUF_NULL;

	engine_log_path(e, v->pylon->config->name, &v->job_id, &log);
	v->step = START_HANDED;
	live_restore_progress(v);
	if (v->started_at > 0)
		live_arm_deadline(v);
	log_info(TAG, "job %.8s: found its run again, following on", v->job_id.s);
	live_runner(v)->ops->adopt(live_runner(v), &v->run_id, buf_str(&log), v->mask);
	if (v->stop != STOP_NONE || v->is_shutdown)
		live_runner(v)->ops->stop(live_runner(v), &v->run_id, STOP_GRACE_US);
}

static void reconcile(struct dock *d)
{
	list_foreach_safe (it, &d->engine->live) {
		struct live *v = list_entry(it, struct live, node);

		if (v->pylon->dock != d || !v->is_recovered || live_is_handed(v) || v->is_finishing)
			continue;
		if (v->is_found || v->started_at > 0)
			adopt(v);
		else
			finish_never_started(v);
	}
}

/* Containers also need their images before the doors open. */
static void containers_known(struct engine *e)
{
	if (!e->images_checked)
		engine_check_images(e);
	e->images_checked = true;
}

static void survey_done(void *dock, int rc, const char *text)
{
	struct dock *d = dock;
	bool is_containers = d == &d->engine->containers;

	if (rc < 0) {
		log_warn(TAG, "%s cannot list what is alive: %s; jobs wait until it can", d->name,
			text);
		timer_set_in(&d->survey_again, SURVEY_AGAIN_US);
		if (is_containers)
			engine_prepared(d->engine);
		return;
	}
	d->is_surveyed = true;
	reconcile(d);
	if (is_containers)
		containers_known(d->engine);
	engine_kick(d->engine);
}

void dock_survey(struct timer *t UNUSED, void *dock)
{
	struct dock *d = dock;

	if (!d->is_up || d->is_surveyed)
		return;
	if (d->engine->is_bystander && d == &d->engine->containers)
		survey_done(d, 0, "");
	else
		d->runner->ops->survey(d->runner, survey_each, survey_done, d);
}

/* --- the order of things --- */

void engine_prepared(struct engine *e)
{
	void (*fn)(void *ctx) = e->prepared;

	timer_cancel(&e->prepare_guard);
	e->prepared = NULL;
	if (fn != NULL)
		fn(e->prepared_ctx);
	engine_kick(e);
}

/* Only the container engine comes and goes, and people should know. */
static void tell_ready(struct dock *d)
{
	struct engine *e = d->engine;

	if (d != &e->containers)
		return;
	engine_emit(e, "engine", NULL, NULL, d->is_up ? "up" : "down", d->text);
	if (d->is_up)
		log_info(TAG, "container engine: %s", d->text);
	else
		log_warn(TAG, "%s does not answer: %s; jobs wait until it does", d->name, d->text);
}

void dock_ready(struct dock *d, bool is_up, const char *text)
{
	d->is_known = true;
	d->is_up = is_up;
	str_replace(&d->text, text);
	tell_ready(d);
	if (!is_up) {
		engine_prepared(d->engine);
		return;
	}
	timer_cancel(&d->hold);
	if (!d->is_surveyed)
		dock_survey(&d->survey_again, d);
	else
		engine_kick(d->engine);
}

static void prepare_took_too_long(struct timer *t UNUSED, void *ctx)
{
	struct engine *e = ctx;

	if (e->containers.is_known)
		return; /* images are being built: that may take its time */
	log_warn(TAG, "the container engine has not answered yet; jobs wait until it does");
	engine_prepared(e);
}

static void open_docks(struct engine *e)
{
	e->containers.runner = e->ports.runner;
	e->processes.runner = e->ports.processes;
	e->containers.runner->ops->open(e->containers.runner);
	if (e->processes.runner != NULL)
		e->processes.runner->ops->open(e->processes.runner);
}

int engine_start(struct engine *e, const struct engine_ports *p, void (*prepared)(void *ctx),
	void *ctx, struct err *err)
{
	CLEANUP(freep) char *jobs = xasprintf("%s/jobs", e->config->home);
	int rc = dir_make(jobs, 0700, err);

	if (rc < 0)
		return rc;
	e->ports = *p;
	e->prepared = prepared;
	e->prepared_ctx = ctx;
	open_pylons(e);
	timer_init(&e->prepare_guard, e->loop, prepare_took_too_long, e);
	timer_set_in(&e->prepare_guard, PREPARE_GUARD_US);
	timer_set_in(&e->housekeeping, HOUSEKEEPING_FIRST_US);
	open_docks(e);
	engine_kick(e);
	return 0;
}
