/* SPDX-License-Identifier: MIT */
/*
 * look.c - questions about what is: jobs of all databases as if they were one, counters, reasons.
 * Nothing here changes anything.
 */
#include <errno.h>

#include "engine/engine-internal.h"

void engine_log_path(
	const struct engine *e, const char *pylon, const struct id *job_id, struct buf *out)
{
	if (e->runtime_dir != NULL && str_eq(pylon, RUNTIME_NAME))
		buf_printf(out, "%s/logs/%s.log", e->runtime_dir, job_id->s);
	else
		buf_printf(out, "%s/jobs/%s.log", e->config->home, job_id->s);
}

int engine_find_job(struct engine *e, const char *prefix, struct job *ret, struct err *err)
{
	bool found = false;

	for (size_t i = 0; i < e->pylon_count; i++) {
		struct job j = {0};
		int rc;

		if (pylon_db(e->pylons[i]) == NULL)
			continue;
		rc = store_job_by_prefix(e->pylons[i]->db, prefix, &j, err);
		if (rc == STORE_E_NOT_FOUND)
			continue;
		if (rc != 0 || found) {
			job_fini(&j);
			if (found)
				job_fini(ret);
			return rc != 0 ? rc : STORE_E_STATE;
		}
		*ret = j;
		found = true;
	}
	return found ? 0 : STORE_E_NOT_FOUND;
}

/* --- one list out of many --- */

struct job_list {
	struct job *v;
	size_t n, size;
};

/* Moves every string of a borrowed job into a copy of its own. */
static void job_copy(struct job *to, const struct job *from)
{
	*to = *from;
	to->pylon = xstrdup_or_null(from->pylon);
	to->reason = xstrdup_or_null(from->reason);
	to->source = xstrdup_or_null(from->source);
	to->delivery_id = xstrdup_or_null(from->delivery_id);
	to->result = xstrdup_or_null(from->result);
	to->output_json = xstrdup_or_null(from->output_json);
	to->session_id = xstrdup_or_null(from->session_id);
	to->error = xstrdup_or_null(from->error);
	to->decided_by = xstrdup_or_null(from->decided_by);
}

static void gather(const struct job *j, void *ctx)
{
	struct job_list *l = ctx;

	if (l->n == l->size) {
		l->size = l->size == 0 ? 64 : l->size * 2;
		l->v = xreallocarray(l->v, l->size, sizeof(*l->v));
	}
	job_copy(&l->v[l->n++], j);
}

static int newest_first(const void *a, const void *b)
{
	const struct job *x = a, *y = b;

	if (x->created_at != y->created_at)
		return x->created_at < y->created_at ? 1 : -1;
	return x->seq == y->seq ? 0 : x->seq < y->seq ? 1 : -1;
}

int engine_list_jobs(struct engine *e, const char *pylon, const struct store_job_query *q,
	void (*fn)(const struct job *j, void *ctx), void *ctx, struct err *err)
{
	struct job_list l = {0};
	int rc = 0;

	for (size_t i = 0; i < e->pylon_count && rc >= 0; i++) {
		struct pylon *p = e->pylons[i];

		if (pylon == NULL ? p->is_runtime : !str_eq(p->config->name, pylon))
			continue;
		if (pylon_db(p) != NULL)
			rc = store_jobs(p->db, q, gather, &l, err);
	}
	if (l.n > 1)
		qsort(l.v, l.n, sizeof(*l.v), newest_first);
	for (size_t i = 0; i < l.n; i++) {
		if (i < q->limit && rc >= 0)
			fn(&l.v[i], ctx);
		job_fini(&l.v[i]);
	}
	free(l.v);
	return rc < 0 ? rc : 0;
}

static struct store_db *db_of(struct engine *e, const struct job *j)
{
	struct pylon *p = engine_pylon(e, j->pylon);

	return p == NULL ? NULL : pylon_db(p);
}

static int no_database(struct err *err)
{
	return err_set(err, -EIO, "the job's database is not available");
}

int engine_job_runs(struct engine *e, const struct job *j,
	void (*fn)(const struct run *r, void *ctx), void *ctx, struct err *err)
{
	struct store_db *db = db_of(e, j);

	return db == NULL ? no_database(err) : store_runs(db, &j->id, fn, ctx, err);
}

int engine_job_deliveries(struct engine *e, const struct job *j,
	void (*fn)(const struct delivery *d, void *ctx), void *ctx, struct err *err)
{
	struct store_db *db = db_of(e, j);

	if (db == NULL)
		return no_database(err);
	return store_deliveries(db, &j->id, DELIVERY_STATES, LIST_LIMIT_MAX, fn, ctx, err);
}

int engine_job_event(
	struct engine *e, const struct job *j, struct event_record *ret, struct err *err)
{
	struct store_db *db = db_of(e, j);

	return db == NULL ? no_database(err) : store_event(db, &j->id, ret, err);
}

void engine_job_progress(struct engine *e, const struct id *job_id,
	void (*fn)(int64_t at, const char *line, void *ctx), void *ctx)
{
	const struct live *v = engine_live_job(e, job_id);
	size_t first;

	if (v == NULL)
		return;
	first = v->progress.n > PROGRESS_LINES ? v->progress.n - PROGRESS_LINES : 0;
	for (size_t i = first; i < v->progress.n; i++)
		fn(v->progress.v[i % PROGRESS_LINES].at, v->progress.v[i % PROGRESS_LINES].line,
			ctx);
}

int engine_job_container(struct engine *e, const struct id *job_id, struct buf *ret_socket,
	struct buf *ret_container)
{
	const struct live *v = engine_live_job(e, job_id);

	if (v == NULL || v->state == RUN_CREATED || v->is_finishing)
		return STORE_E_NOT_FOUND;
	if (!e->containers.is_up || !config_engine_socket(e->config, ret_socket))
		return -ENOTCONN;
	buf_printf(ret_container, "pylon-%s", v->run_id.s);
	return 0;
}

struct named_delivery {
	struct delivery d;
	const char *pylon; /* borrowed */
	size_t place;      /* among those gathered: each database gives its newest first */
};

struct delivery_list {
	struct named_delivery *v;
	size_t n, size;
	const char *pylon; /* whose are being gathered */
};

/* All but the message, which is large and which no list shows. */
static void gather_delivery(const struct delivery *from, void *ctx)
{
	struct delivery_list *l = ctx;
	struct delivery *to;

	if (l->n == l->size) {
		l->size = l->size == 0 ? 64 : l->size * 2;
		l->v = xreallocarray(l->v, l->size, sizeof(*l->v));
	}
	l->v[l->n].pylon = l->pylon;
	l->v[l->n].place = l->n;
	to = &l->v[l->n++].d;
	*to = *from;
	to->kind = xstrdup_or_null(from->kind);
	to->channel = xstrdup_or_null(from->channel);
	to->message = NULL;
	to->error = xstrdup_or_null(from->error);
}

static int newest_delivery_first(const void *a, const void *b)
{
	const struct named_delivery *x = a, *y = b;

	if (x->d.created_at != y->d.created_at)
		return x->d.created_at < y->d.created_at ? 1 : -1;
	return x->place < y->place ? -1 : 1;
}

int engine_list_deliveries(struct engine *e, enum delivery_state state, size_t limit,
	void (*fn)(const struct delivery *d, const char *pylon, void *ctx), void *ctx,
	struct err *err)
{
	struct delivery_list l = {0};
	int rc = 0;

	for (size_t i = 0; i < e->pylon_count && rc >= 0; i++) {
		struct pylon *p = e->pylons[i];

		l.pylon = p->config->name;
		if (pylon_db(p) != NULL)
			rc = store_deliveries(p->db, NULL, state, limit, gather_delivery, &l, err);
	}
	if (l.n > 1)
		qsort(l.v, l.n, sizeof(*l.v), newest_delivery_first);
	for (size_t i = 0; i < l.n; i++) {
		if (i < limit && rc >= 0)
			fn(&l.v[i].d, l.v[i].pylon, ctx);
		delivery_fini(&l.v[i].d);
	}
	free(l.v);
	return rc < 0 ? rc : 0;
}

/* --- occurrences --- */

struct named_occurrence {
	struct occurrence o;
	const char *pylon; /* borrowed */
};

struct occurrence_list {
	struct named_occurrence *v;
	size_t n, size;
	const char *pylon;
};

static void gather_occurrence(const struct occurrence *from, void *ctx)
{
	struct occurrence_list *l = ctx;
	struct named_occurrence *to;

	if (l->n == l->size) {
		l->size = l->size == 0 ? 64 : l->size * 2;
		l->v = xreallocarray(l->v, l->size, sizeof(*l->v));
	}
	to = &l->v[l->n++];
	to->pylon = l->pylon;
	to->o = *from;
	to->o.schedule = xstrdup_or_null(from->schedule);
	to->o.note = xstrdup_or_null(from->note);
}

static int latest_first(const void *a, const void *b)
{
	const struct named_occurrence *x = a, *y = b;

	if (x->o.at != y->o.at)
		return x->o.at < y->o.at ? 1 : -1;
	return strcmp(x->pylon, y->pylon);
}

int engine_list_occurrences(struct engine *e, const char *pylon, int64_t before, size_t limit,
	void (*fn)(const struct occurrence *o, const char *pylon, void *ctx), void *ctx,
	struct err *err)
{
	struct occurrence_list l = {0};
	int rc = 0;

	for (size_t i = 0; i < e->pylon_count && rc >= 0; i++) {
		struct pylon *p = e->pylons[i];

		if (pylon != NULL && !str_eq(p->config->name, pylon))
			continue;
		l.pylon = p->config->name;
		if (p->config->trigger == TRIGGER_CRON && pylon_db(p) != NULL)
			rc = store_occurrences(
				p->db, NULL, before, limit, gather_occurrence, &l, err);
	}
	if (l.n > 1)
		qsort(l.v, l.n, sizeof(*l.v), latest_first);
	for (size_t i = 0; i < l.n; i++) {
		if (i < limit && rc >= 0)
			fn(&l.v[i].o, l.v[i].pylon, ctx);
		occurrence_fini(&l.v[i].o);
	}
	free(l.v);
	return rc < 0 ? rc : 0;
}

int engine_job_occurrence(
	struct engine *e, const struct job *j, struct occurrence *ret, struct err *err)
{
	struct store_db *db = db_of(e, j);

	return db == NULL ? no_database(err) : store_occurrence_of(db, &j->id, ret, err);
}

/* --- the whole --- */

static int64_t next_occurrence(const struct pylon *p)
{
	const struct clockwork *c = &p->clockwork;

	return c->schedule != NULL && c->entry.slot != 0 ? c->entry.due_real : 0;
}

void engine_each_pylon(
	struct engine *e, void (*fn)(const struct engine_pylon *p, void *ctx), void *ctx)
{
	for (size_t i = 0; i < e->pylon_count; i++) {
		struct pylon *p = e->pylons[i];
		struct engine_pylon view = {.config = p->config,
			.is_active = pylon_is_active(p),
			.config_problem = p->config_problem,
			.schedule = p->clockwork.description,
			.zone_path = p->clockwork.schedule == NULL
					     ? NULL
					     : zone_path(schedule_zone(p->clockwork.schedule)),
			.next_occurrence = next_occurrence(p)};

		if (p->is_gone || p->is_runtime)
			continue;
		view.is_ready = pylon_is_ready(p, &view.reason);
		view.counts.jobs[JOB_QUEUED] = p->queued;
		view.counts.jobs[JOB_AWAITING_APPROVAL] = p->awaiting;
		view.counts.jobs[JOB_RUNNING] = p->active;
		view.counts.queued_now = p->queued_now;
		fn(&view, ctx);
	}
}

static void add_deliveries(struct engine *e, struct engine_status *ret)
{
	int64_t now = loop_real(e->loop);

	for (size_t i = 0; i < e->pylon_count; i++) {
		struct pylon *p = e->pylons[i];
		struct store_counts c = {0};

		if (p->db == NULL || store_count(p->db, now, &c, NULL) < 0) {
			ret->deliveries_dead += p->undelivered;
			continue;
		}
		ret->deliveries_pending +=
			c.deliveries[DELIVERY_PENDING] + c.deliveries[DELIVERY_SENDING];
		ret->deliveries_dead +=
			c.deliveries[DELIVERY_DEAD] + c.deliveries[DELIVERY_UNKNOWN];
	}
}

void engine_status(struct engine *e, struct engine_status *ret)
{
	const char *reason;

	*ret = (struct engine_status){.engine_is_up = e->containers.is_up,
		.engine_text = dock_text(&e->containers),
		.is_draining = e->is_draining,
		.store_is_writable = !e->store_failed,
		.slots = e->config->max_concurrent,
		.config_notes = &e->config_notes,
		.restart_needed = &e->restart_needed};
	list_foreach (it, &e->live) {
		const struct live *v = list_entry(it, struct live, node);

		if (v->state == RUN_CREATED)
			ret->starting++;
		else
			ret->running++;
	}
	for (size_t i = 0; i < e->pylon_count; i++) {
		const struct pylon *p = e->pylons[i];

		if (p->is_runtime)
			continue;
		ret->queued += p->queued;
		ret->awaiting_approval += p->awaiting;
		ret->pylons += pylon_is_active(p) ? 1 : 0;
		ret->pylons_ready += pylon_is_active(p) && pylon_is_ready(p, &reason) ? 1 : 0;
		ret->slots_taken +=
			e->config->when_full == WHEN_FULL_REJECT ? (int)pylon_slots(p) : p->active;
	}
	add_deliveries(e, ret);
}
