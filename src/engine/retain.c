/* SPDX-License-Identifier: MIT */
/*
 * retain.c - housekeeping, once an hour: rows, workspaces and logs older than their retention go,
 * and databases that nobody needed lately are closed.
 *
 * Only what belongs to a job that is known to be over is ever removed; an entry of jobs/ that no
 * database knows is left alone. Work is done in small batches, so that the loop stays quick: when a
 * batch is full, the next follows a second later.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "engine/rundir-internal.h"

#define HOUSEKEEPING_US (3600 * US_PER_SEC)
#define NEXT_BATCH_US   US_PER_SEC
#define REMOVALS_MAX    32
#define DB_IDLE_US      (300 * US_PER_SEC)

struct sweep {
	struct engine *engine;
	const char *dir;
	int64_t now;
	int removals;
	bool is_cut;
};

static bool has_expired(int64_t finished_at, int64_t retention_us, int64_t now)
{
	return retention_us > 0 && finished_at > 0 && finished_at + retention_us < now;
}

/* True when the job is over; *ret_finished tells since when. */
static bool job_is_known_over(struct engine *e, const struct id *id, int64_t *ret_finished)
{
	for (size_t i = 0; i < e->pylon_count; i++) {
		struct job j = {0};
		bool is_over;

		if (pylon_db(e->pylons[i]) == NULL ||
			store_job(e->pylons[i]->db, id, &j, NULL) != 0)
			continue;
		is_over = job_is_over(j.state);
		*ret_finished = j.finished_at;
		job_fini(&j);
		return is_over;
	}
	return false;
}

static bool run_is_known_over(struct engine *e, const struct id *id)
{
	for (size_t i = 0; i < e->pylon_count; i++) {
		struct run r = {0};
		bool is_over;

		if (pylon_db(e->pylons[i]) == NULL ||
			store_run(e->pylons[i]->db, id, &r, NULL) != 0)
			continue;
		is_over = run_is_over(r.state);
		run_fini(&r);
		return is_over;
	}
	return false;
}

static void remove_log(const struct sweep *s, const char *name)
{
	CLEANUP(freep) char *path = xasprintf("%s/%s", s->dir, name);

	(void)unlink(path);
}

/* One entry of jobs/: <job>, <job>.log, <job>.<n>.log (and their companions), <run>.run */
static void sweep_entry(const char *name, void *ctx)
{
	struct sweep *s = ctx;
	struct engine *e = s->engine;
	const char *rest = name + sizeof(struct id) - 1;
	int64_t finished = 0;
	struct id id;

	if (strlen(name) < sizeof(id.s) - 1 || s->is_cut)
		return;
	(void)str_copy(id.s, sizeof(id.s), name);
	if (!id_is_valid(slice_of(id.s)))
		return;
	s->is_cut = s->removals >= REMOVALS_MAX;
	if (str_eq(rest, ".run")) {
		if (run_is_known_over(e, &id)) {
			rundir_remove(e, &id);
			s->removals++;
		}
		return;
	}
	if (!job_is_known_over(e, &id, &finished))
		return;
	if (*rest == '\0' && has_expired(finished, e->config->retention_workspaces_us, s->now)) {
		e->ports.workspace->ops->remove(e->ports.workspace, &id);
		s->removals++;
	} else if (*rest == '.' && has_expired(finished, e->config->retention_logs_us, s->now)) {
		remove_log(s, name);
		s->removals++;
	}
}

static bool sweep_folder(struct engine *e, const char *dir)
{
	struct sweep s = {.engine = e, .dir = dir, .now = loop_real(e->loop)};
	struct err err = CLEAN_ERR;

	if (dir_each(dir, sweep_entry, &s, &err) < 0)
		log_warn(TAG, "%s", err.text);
	return s.is_cut;
}

/* The logs of background work are apart. */
static bool sweep_files(struct engine *e)
{
	CLEANUP(freep) char *jobs = xasprintf("%s/jobs", e->config->home);
	CLEANUP(freep)
	char *logs = xasprintf("%s/logs", e->runtime_dir == NULL ? "" : e->runtime_dir);
	bool is_cut = sweep_folder(e, jobs);

	if (e->runtime_dir != NULL && file_exists(logs))
		is_cut = sweep_folder(e, logs) || is_cut;
	return is_cut;
}

/* --- rows --- */

struct prune_task {
	struct store_prune op;
	struct pylon *pylon;
};

static void prune_done(struct store_op *op, int rc, const struct err *err)
{
	struct prune_task *t = container_of(op, struct prune_task, op.op);
	struct engine *e = t->pylon->engine;

	if (rc < 0)
		log_warn(TAG, "%s: old rows were not removed: %s", t->pylon->config->name,
			err == NULL ? "?" : err->text);
	if (rc == 0 && t->op.more) {
		e->next_sweep_mono = 0;
		timer_set_in(&e->housekeeping, NEXT_BATCH_US);
	}
	free(t);
}

static int64_t before(int64_t now, int64_t retention_us)
{
	return retention_us <= 0 ? 0 : now - retention_us;
}

/* A row outlives the files of its job: without it nobody would know that they may go. */
static int64_t rows_retention(const struct config *c)
{
	if (c->retention_jobs_us <= 0)
		return 0;
	return MAX_OF(
		c->retention_jobs_us, MAX_OF(c->retention_logs_us, c->retention_workspaces_us));
}

static void prune_rows(struct pylon *p)
{
	const struct config *c = p->engine->config;
	int64_t now = loop_real(p->engine->loop);
	struct prune_task *t = xcalloc_held(1, sizeof(*t));

	t->pylon = p;
	t->op.jobs_before = before(now, rows_retention(c));
	t->op.dedupe_before = before(now, c->retention_dedupe_us);
	t->op.op.done = prune_done;
	store_prune(p->db, &t->op);
}

/* --- databases --- */

/* True when a database stays open. */
static bool close_idle(struct engine *e)
{
	int64_t now = loop_mono(e->loop);
	bool is_any_open = false;

	for (size_t i = 0; i < e->pylon_count; i++) {
		struct pylon *p = e->pylons[i];

		if (p->db != NULL && now - p->used_mono >= DB_IDLE_US)
			pylon_close_if_idle(p);
		is_any_open = is_any_open || p->db != NULL;
	}
	return is_any_open;
}

void engine_housekeeping(struct timer *t, void *ctx)
{
	struct engine *e = ctx;
	bool is_due = e->next_sweep_mono <= loop_mono(e->loop);
	bool is_cut = is_due && sweep_files(e);

	for (size_t i = 0; i < e->pylon_count; i++)
		if (is_due && e->pylons[i]->db != NULL)
			prune_rows(e->pylons[i]);
	if (is_due && !is_cut)
		e->next_sweep_mono = loop_mono(e->loop) + HOUSEKEEPING_US;
	if (close_idle(e))
		timer_set_in(t, is_cut ? NEXT_BATCH_US : DB_IDLE_US);
	else
		timer_set_in(t, is_cut ? NEXT_BATCH_US : HOUSEKEEPING_US);
}
