/* SPDX-License-Identifier: MIT */
/*
 * admit.c - which queued job goes next, and whether there is room for another.
 *
 * docker.when_full says what "room" means. reject: a job holds one of docker.max_concurrent slots
 * from its acceptance to its end. queue: up to docker.queue_limit jobs wait in the database. Jobs
 * that wait for an approval or for their not_before hold none, nor do those of a pylon that was
 * switched off: they wait until it is on again, and fill no queue.
 *
 * A pylon's jobs go first in, first out. Between pylons the turn goes to the one whose last start
 * lies farthest back, so that a thousand events of one do not keep another waiting.
 *
 * The queue itself is never in memory: of the pylons that have something queued, the next one's
 * oldest due row is read.
 */
#include "engine/engine-internal.h"

int64_t pylon_slots(const struct pylon *p)
{
	int64_t waiting = pylon_is_active(p) ? p->queued_now - (p->claim_has_slot ? 1 : 0) : 0;

	return waiting + p->active;
}

static int64_t slots_taken(const struct engine *e)
{
	int64_t taken = 0;

	for (size_t i = 0; i < e->pylon_count; i++)
		taken += e->pylons[i]->is_runtime ? 0 : pylon_slots(e->pylons[i]);
	return taken;
}

static int64_t jobs_queued(const struct engine *e)
{
	int64_t queued = 0;

	for (size_t i = 0; i < e->pylon_count; i++) {
		const struct pylon *p = e->pylons[i];

		queued += pylon_is_active(p) && !p->is_runtime ? p->queued : 0;
	}
	return queued;
}

static bool has_room(const struct pylon *p)
{
	const struct config *c = p->engine->config;
	int own = p->config->max_concurrent;

	if (p->is_runtime)
		return p->queued < RUNTIME_QUEUE_MAX;
	if (c->when_full == WHEN_FULL_QUEUE)
		return jobs_queued(p->engine) < c->queue_limit;
	if (own > 0 && pylon_slots(p) >= own)
		return false;
	return c->max_concurrent < 0 || slots_taken(p->engine) < c->max_concurrent;
}

bool pylon_take_room(void *pylon)
{
	struct pylon *p = pylon;

	if (!has_room(p))
		return false;
	pylon_queued(p, 0);
	return true;
}

void pylon_queued(struct pylon *p, int64_t not_before)
{
	p->queued++;
	if (not_before == 0)
		p->queued_now++;
	else if (p->next_start == 0 || not_before < p->next_start)
		p->next_start = not_before;
}

void pylon_unqueued(struct pylon *p, int64_t not_before)
{
	must(p->queued > 0);
	p->queued--;
	if (not_before == 0)
		p->queued_now--;
}

void engine_kick(struct engine *e)
{
	defer_set(&e->pump);
}

static bool may_claim(const struct pylon *p)
{
	int own = p->config->max_concurrent;

	return p->queued > 0 && !p->is_claiming && pylon_is_active(p) &&
	       (own == 0 || p->active < own);
}

/* Occurrences run one after the other unless the pylon allows otherwise; what else starts it does
 * not count. */
static bool holds_scheduled(const struct pylon *p)
{
	if (p->config->trigger != TRIGGER_CRON || p->config->overlap == OVERLAP_ALLOW)
		return false;
	list_foreach (it, &p->engine->live) {
		const struct live *v = list_entry(it, struct live, node);

		if (v->pylon == p && v->is_scheduled)
			return true;
	}
	return false;
}

/* The pylon's oldest due job; false when it has none now. */
static bool next_job(struct pylon *p, struct job *ret)
{
	struct store_db *db = pylon_db(p);
	struct err err = CLEAN_ERR;
	int64_t due = 0;
	int rc;

	if (db == NULL) {
		p->next_start = loop_real(p->engine->loop) + READ_AGAIN_US;
		return false;
	}
	rc = store_next_queued(db, loop_real(p->engine->loop), holds_scheduled(p), ret, &due, &err);
	if (rc < 0) {
		log_error(TAG, "%s: cannot read the queue: %s", p->config->name, err.text);
		p->next_start = loop_real(p->engine->loop) + READ_AGAIN_US;
	}
	if (rc == STORE_E_NOT_FOUND)
		p->next_start = due;
	return rc == 0;
}

/* The pylon whose turn it is, with its oldest due job; NULL when nothing can go. */
static struct pylon *next_pylon(struct engine *e, struct job *ret)
{
	struct pylon *best = NULL;

	for (size_t i = 0; i < e->pylon_count; i++) {
		struct pylon *p = e->pylons[i];
		struct job j = {0};

		if (!pylon_may_start(p) || (best != NULL && p->served >= best->served))
			continue;
		if (!next_job(p, &j))
			continue;
		if (best != NULL)
			job_fini(ret);
		best = p;
		*ret = j;
	}
	return best;
}

/* Of containers there are docker.max_concurrent; processes are bounded by their pylon alone. */
static bool has_slot(const struct dock *d)
{
	int most = d->engine->config->max_concurrent;

	return d == &d->engine->processes || most < 0 || d->active < most;
}

static bool is_claiming_time(const struct dock *d)
{
	return !d->engine->is_draining && d->is_up && d->is_surveyed && !timer_is_set(&d->hold);
}

bool pylon_may_start(const struct pylon *p)
{
	return is_claiming_time(p->dock) && has_slot(p->dock) && may_claim(p);
}

void engine_admit_next(struct engine *e)
{
	struct pylon *p;
	struct job j;

	while ((p = next_pylon(e, &j)) != NULL) {
		engine_claim(p, &j);
		job_fini(&j);
	}
}

void engine_waiting_reason(struct engine *e, const struct job *j, struct buf *out)
{
	struct pylon *p = engine_pylon(e, j->pylon);

	if (j->state == JOB_AWAITING_APPROVAL) {
		buf_printf(out, "waiting for approval: pylon approve %.8s", j->id.s);
		return;
	}
	if (j->state != JOB_QUEUED)
		return;
	if (p == NULL)
		buf_add_str(out, "its pylon is not active");
	else if (p->is_gone)
		buf_add_str(out, "its pylon was removed");
	else if (!pylon_is_active(p))
		buf_add_str(out, "its pylon is disabled: pylon enable lets it run");
	else if (e->is_draining)
		buf_add_str(out, "the daemon is shutting down");
	else if (!p->dock->is_up)
		buf_printf(out, "%s does not answer: %s", p->dock->name, dock_text(p->dock));
	else if (j->not_before > loop_real(e->loop))
		buf_add_str(out, "waiting before the next attempt");
	else if (p->is_runtime && p->config->max_concurrent > 0 &&
		 p->active >= p->config->max_concurrent)
		buf_printf(out, "daemon.max_background lets %d run at a time",
			p->config->max_concurrent);
	else if (p->config->max_concurrent > 0 && p->active >= p->config->max_concurrent)
		buf_printf(out, "this pylon runs at most %d at a time", p->config->max_concurrent);
	else if (!has_slot(p->dock))
		buf_printf(out, "all %d slots are taken", e->config->max_concurrent);
	else if (job_is_scheduled(j) && holds_scheduled(p))
		buf_add_str(out, "the job of an earlier occurrence is still running");
	else
		buf_add_str(out, "about to start");
}
