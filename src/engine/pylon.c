/* SPDX-License-Identifier: MIT */
/*
 * pylon.c - a pylon at work: its database, opened when first needed and closed when idle, so that a
 * hundred pylons cost no more than the busy ones; and its counters, which the database can always
 * rebuild.
 */
#include <errno.h>

#include "base/file.h"
#include "config/paths.h"
#include "engine/engine-internal.h"

struct pylon *engine_pylon(struct engine *e, const char *name)
{
	for (size_t i = 0; i < e->pylon_count; i++)
		if (str_eq(e->pylons[i]->config->name, name))
			return e->pylons[i];
	return NULL;
}

bool pylon_is_ready(const struct pylon *p, const char **ret_reason)
{
	const char *reason = p->config->not_ready;

	if (reason == NULL)
		reason = p->db_problem;
	if (reason == NULL)
		reason = p->trigger_problem;
	if (reason == NULL)
		reason = p->image_problem;
	*ret_reason = reason;
	return reason == NULL;
}

bool pylon_is_active(const struct pylon *p)
{
	const struct strv *only = &p->engine->only;

	if (p->is_gone)
		return false;
	return only->n > 0 ? strv_has(only, p->config->name) : !p->config->is_disabled;
}

bool pylon_has_open_jobs(const struct pylon *p)
{
	return p->queued > 0 || p->active > 0 || p->awaiting > 0;
}

bool job_is_scheduled(const struct job *j)
{
	return str_eq(j->source, "schedule");
}

struct pylon_config *pylon_config_of(struct pylon *p, const struct job *j)
{
	/* Only a person's decision makes a job that ran before wait without failures. */
	bool is_run_again = j->attempt > 0 && j->failures == 0;
	int64_t since = is_run_again ? j->queued_at : j->created_at;
	struct pylon_config *found = p->config;

	if (since >= p->config_since)
		return found;
	list_foreach (it, &p->elders) {
		const struct elder *elder = list_entry(it, struct elder, node);

		found = elder->config;
		if (since >= elder->since)
			break;
	}
	return found;
}

static void log_migration(const struct pylon *p, const struct store_migration *m)
{
	if (m->from == m->to)
		return;
	log_info(TAG,
		"%s: database migrated from version %d to %d, %lld jobs; the old one is kept in %s",
		p->config->name, m->from, m->to, (long long)m->rows, m->backup);
}

struct store_db *pylon_db(struct pylon *p)
{
	CLEANUP(buf_fini) struct buf path = BUF_NULL;
	struct store_migration m = {0};
	struct err err = CLEAN_ERR;
	int rc;

	p->used_mono = loop_mono(p->engine->loop);
	if (p->db != NULL)
		return p->db;
	buf_printf(&path, "%s/pylons/%s/jobs.db", p->engine->config->home, p->config->name);
	rc = store_open(p->engine->store, buf_str(&path), p->config->name, &p->db, &m, &err);
	if (rc != 0) {
		p->db = NULL;
		(void)err_wrap(&err, "database");
		/* Asked again with every request: said once. */
		if (!str_eq(p->db_problem, err.text))
			log_error(TAG, "%s: %s", p->config->name, err.text);
		str_replace(&p->db_problem, err.text);
		return NULL;
	}
	str_replace(&p->db_problem, NULL);
	log_migration(p, &m);
	return p->db;
}

void pylon_close_if_idle(struct pylon *p)
{
	bool is_idle = p->queued == 0 && p->active == 0 && p->awaiting == 0 && p->in_flight == 0 &&
		       p->next_delivery == 0;

	struct err err = CLEAN_ERR;

	if (p->db == NULL || !is_idle || store_has_work(p->engine->store))
		return;
	if (pylon_count(p, &err) < 0)
		log_warn(TAG, "%s: %s", p->config->name, err.text);
	store_close(p->db);
	p->db = NULL;
}

static int count_due(struct pylon *p, int64_t now, struct err *err)
{
	struct id expired;
	int rc = store_next_expiry(p->db, &p->next_expiry, &expired, err);

	if (rc < 0)
		return rc;
	p->next_start = p->queued > p->queued_now ? now : 0;
	return 0;
}

int pylon_count(struct pylon *p, struct err *err)
{
	int64_t now = loop_real(p->engine->loop);
	struct store_counts c;
	int rc = store_count(p->db, now, &c, err);

	if (rc < 0)
		return rc;
	p->queued = c.jobs[JOB_QUEUED];
	p->queued_now = c.queued_now;
	p->awaiting = c.jobs[JOB_AWAITING_APPROVAL];
	p->undelivered = c.deliveries[DELIVERY_DEAD] + c.deliveries[DELIVERY_UNKNOWN];
	p->next_delivery = c.deliveries[DELIVERY_PENDING] > 0 ? 1 : 0;
	return count_due(p, now, err);
}

void pylon_free(struct pylon *p)
{
	pylon_stop_clockwork(p);
	list_foreach_safe (it, &p->elders) {
		struct elder *elder = list_entry(it, struct elder, node);

		list_remove(&elder->node);
		pylon_config_unref(elder->config);
		free(elder);
	}
	route_free(p->route);
	pylon_config_unref(p->config);
	free(p->config_problem);
	free(p->trigger_problem);
	free(p->db_problem);
	free(p->image_problem);
	free(p);
}
