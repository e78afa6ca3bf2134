/* SPDX-License-Identifier: MIT */
/*
 * pylon.c - a pylon at work: its database, opened when first needed and closed when idle, so that a
 * hundred pylons cost no more than the busy ones; and its counters, which the database can always
 * rebuild.
 */
#include <errno.h>
#include <sys/stat.h>

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
	if (p->is_runtime)
		return true;
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

/* --- under which configuration --- */

int64_t pylon_now(const struct pylon *p)
{
	return MAX_OF(loop_real(p->engine->loop), p->config_since);
}

static struct repetition *repetition_of(struct pylon *p, const struct id *job_id)
{
	list_foreach (it, &p->repetitions) {
		struct repetition *r = list_entry(it, struct repetition, node);

		if (str_eq(r->job_id.s, job_id->s))
			return r;
	}
	return NULL;
}

static void repetition_free(struct repetition *r)
{
	list_remove(&r->node);
	pylon_config_unref(r->config);
	free(r);
}

void pylon_repeats(struct pylon *p, const struct id *job_id, struct pylon_config *config)
{
	struct repetition *r = xcalloc_held(1, sizeof(*r));

	r->job_id = *job_id;
	r->config = pylon_config_ref(config);
	list_append(&p->repetitions, &r->node);
}

void pylon_repeats_no_more(struct pylon *p, const struct id *job_id)
{
	struct repetition *r = repetition_of(p, job_id);

	if (r != NULL)
		repetition_free(r);
}

static struct pylon_config *config_at(struct pylon *p, int64_t accepted_at)
{
	struct pylon_config *found = p->config;

	if (accepted_at >= p->config_since)
		return found;
	list_foreach (it, &p->elders) {
		struct elder *elder = list_entry(it, struct elder, node);

		found = elder->config;
		elder->is_needed = true;
		if (accepted_at >= elder->since)
			break;
	}
	return found;
}

struct pylon_config *pylon_config_of(struct pylon *p, const struct job *j)
{
	const struct repetition *r = repetition_of(p, &j->id);
	struct pylon_config *found;

	if (r != NULL)
		return r->config;
	found = config_at(p, j->created_at);
	/* Between the question and its approval it was only waiting. Otherwise a job that became
	 * queued later than it was created was taken in again. */
	return j->attempt == 0 && found->approval ? found : config_at(p, j->queued_at);
}

/* --- the database --- */

static void log_migration(const struct pylon *p, const struct store_migration *m)
{
	if (m->from == m->to)
		return;
	log_info(TAG,
		"%s: database migrated from version %d to %d, %lld jobs; the old one is kept in %s",
		p->config->name, m->from, m->to, (long long)m->rows, m->backup);
}

static char *folder_of(const struct pylon *p)
{
	if (p->is_runtime)
		return xstrdup(p->engine->runtime_dir);
	return xasprintf("%s/pylons/%s", p->engine->config->home, p->config->name);
}

bool pylon_has_other_folder(const struct pylon *p)
{
	CLEANUP(freep) char *folder = folder_of(p);
	struct stat st;

	return stat(folder, &st) == 0 && (st.st_dev != p->folder_dev || st.st_ino != p->folder_ino);
}

/* Without its counters and living runs a database is of no use. A folder that was moved away is not
 * made again: what would be accepted into it were lost when the other one comes back. */
static int open_database(struct pylon *p, struct store_migration *m, struct err *err)
{
	CLEANUP(freep) char *folder = folder_of(p);
	CLEANUP(freep)
	char *path = xasprintf("%s/%s", folder, p->is_runtime ? "runtime.db" : "jobs.db");
	struct stat st;
	int rc;

	if (stat(folder, &st) < 0)
		return err_set(err, -ENOENT, "the folder %s is gone", folder);
	p->folder_dev = st.st_dev;
	p->folder_ino = st.st_ino;
	rc = store_open(p->engine->store, path, p->config->name, &p->db, m, err);
	if (rc == 0 && !p->is_recovered)
		rc = pylon_recover(p, err);
	if (rc == 0)
		return 0;
	store_close(p->db);
	p->db = NULL;
	return rc;
}

struct store_db *pylon_db(struct pylon *p)
{
	struct store_migration m = {0};
	struct err err = CLEAN_ERR;
	int rc;

	p->used_mono = loop_mono(p->engine->loop);
	if (p->db != NULL)
		return p->db;
	rc = open_database(p, &m, &err);
	if (rc != 0) {
		(void)err_wrap(&err, "database");
		/* Asked again with every request: said once. */
		if (!str_eq(p->db_problem, err.text))
			log_error(TAG, "%s: %s", p->config->name, err.text);
		str_replace(&p->db_problem, err.text);
		if (!p->is_recovered)
			engine_recover_later(p->engine, rc);
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

	if (p->db == NULL || !is_idle || store_db_has_work(p->db))
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
	pylon_forget_elders(p);
	list_foreach_safe (it, &p->repetitions)
		repetition_free(list_entry(it, struct repetition, node));
	route_free(p->route);
	pylon_config_unref(p->config);
	free(p->config_problem);
	free(p->trigger_problem);
	free(p->db_problem);
	free(p->image_problem);
	free(p);
}
