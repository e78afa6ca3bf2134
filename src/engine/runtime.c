/* SPDX-License-Identifier: MIT */
/*
 * runtime.c - background work: jobs that have no pylon. They lie in the daemon's own runtime.db,
 * which is a database like every other, and run as processes of this machine; in everything else
 * they go the way of all jobs. So the runtime is one more `struct pylon`, with a configuration that
 * no file has and a name that no pylon can have.
 */
#include <unistd.h>

#include "base/file.h"
#include "engine/rundir-internal.h"
#include "engine/work-internal.h"

void engine_add_runtime(struct engine *e)
{
	struct pylon_config *c = config_runtime(e->config);
	struct pylon *p = engine_add_pylon(e, c);

	p->dock = &e->processes;
	p->is_runtime = true;
	pylon_config_unref(c);
}

struct pylon *engine_runtime(struct engine *e)
{
	return e->runtime_dir == NULL ? NULL : engine_pylon(e, RUNTIME_NAME);
}

/* --- the run --- */

/* What the service manager told the daemon alone: sd_notify(3), sd_listen_fds(3). */
static bool is_for_us(const char *assignment)
{
	static const char *const names[] = {"NOTIFY_SOCKET=", "WATCHDOG_USEC=", "WATCHDOG_PID=",
		"LISTEN_FDS=", "LISTEN_PID=", "LISTEN_FDNAMES="};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_has_prefix(assignment, names[i]))
			return true;
	return false;
}

/* The daemon's environment, what the request adds, and who it is. The names with NEON_PILOT are
 * those of the agent runtime's protocol. */
static void fill_env(struct strv *env, const struct live *v, const struct work *w, const char *log)
{
	strv_copy(env, &w->env);
	for (char **it = environ; *it != NULL; it++)
		if (!env_has(&w->env, *it) && !is_for_us(*it))
			strv_add(env, *it);
	strv_addf(env, "JOB_ID=%s", v->job_id.s);
	strv_addf(env, "RUN_ID=%s", v->run_id.s);
	strv_addf(env, "ATTEMPT=%d", v->attempt);
	strv_addf(env, "NEON_PILOT_RUN_ID=%s", v->job_id.s);
	strv_addf(env, "NEON_PILOT_RUN_OUTPUT_LOG_PATH=%s", log);
}

static int make_log_folder(const struct engine *e, struct err *err)
{
	CLEANUP(freep) char *dir = xasprintf("%s/logs", e->runtime_dir);

	return dir_make(dir, 0700, err);
}

static void hand_over(struct live *v, const struct work *w)
{
	CLEANUP(strv_fini) struct strv env = STRV_NULL;
	CLEANUP(buf_fini) struct buf log = BUF_NULL;
	struct runner_spec spec = {.run_id = v->run_id,
		.job_id = v->job_id,
		.pylon = v->config->name,
		.command = &w->argv,
		.env = &env,
		.cwd = w->cwd,
		.timeout_us = w->timeout_us,
		.nice = w->nice,
		.limits = &w->limits};

	engine_log_path(v->engine, v->config->name, &v->job_id, &log);
	fill_env(&env, v, w, buf_str(&log));
	spec.log_path = buf_str(&log);
	v->step = START_HANDED;
	live_runner(v)->ops->start(live_runner(v), &spec);
}

/* The work of a job, from its event. */
static int read_work(struct store_db *db, const struct engine *e, const struct id *job_id,
	struct work *ret, struct err *err)
{
	struct event_record ev = {0};
	int rc = store_event(db, job_id, &ev, err);

	if (rc == 0)
		rc = work_parse(
			(struct slice){ev.body, ev.body_n}, &e->config->agent_command, ret, err);
	else if (rc > 0)
		rc = err_set(err, -ENOENT, "its event is missing");
	event_record_fini(&ev);
	return rc;
}

void live_start_work(struct live *v)
{
	struct work w = {0};
	struct err err = CLEAN_ERR;
	int rc = make_log_folder(v->engine, &err);

	if (rc == 0)
		rc = read_work(v->pylon->db, v->engine, &v->job_id, &w, &err);
	if (rc == 0)
		hand_over(v, &w);
	else
		live_refused(v, RUNNER_BAD_SPEC, err.text);
	work_fini(&w);
}

int64_t work_timeout(struct pylon *p, const struct id *job_id)
{
	struct work w = {0};
	struct err err = CLEAN_ERR;
	int64_t timeout_us = 0;

	if (read_work(p->db, p->engine, job_id, &w, &err) == 0)
		timeout_us = w.timeout_us;
	work_fini(&w);
	return timeout_us;
}

/* --- asked for --- */

static struct pylon *open_runtime(struct engine *e, struct answer *a)
{
	struct pylon *p = engine_runtime(e);

	if (e->is_draining)
		answer_refuse(a, 503, "draining", "pylon is shutting down");
	else if (p == NULL || e->processes.runner == NULL)
		answer_refuse(a, 503, "not_ready", "this daemon runs no background work");
	else
		return p;
	return NULL;
}

void engine_start_work(
	struct engine *e, struct slice body, const char *source, engine_answer_fn *fn, void *ctx)
{
	struct work w = {0};
	struct err err = CLEAN_ERR;
	struct answer a;
	struct pylon *p = open_runtime(e, &a);

	if (p != NULL && work_parse(body, &e->config->agent_command, &w, &err) < 0) {
		answer_refuse(&a, 400, "invalid_request", "%.150s", err.text);
		p = NULL;
	}
	work_fini(&w);
	if (p == NULL)
		fn(ctx, &a);
	else
		pylon_accept(p, body, source, fn, ctx);
}

void engine_rerun(struct engine *e, const struct id *job_id, engine_answer_fn *fn, void *ctx)
{
	struct event_record ev = {0};
	struct answer a;
	struct pylon *p = open_runtime(e, &a);
	struct store_db *db = p == NULL ? NULL : pylon_db(p);
	int rc = db == NULL ? -EIO : store_event(db, job_id, &ev, NULL);

	if (p != NULL && rc < 0)
		answer_store_failure(&a, rc);
	else if (p != NULL && rc > 0)
		answer_refuse(&a, 404, "not_found", "Run not found: %.36s", job_id->s);
	if (rc == 0)
		engine_start_work(e, (struct slice){ev.body, ev.body_n}, "rerun", fn, ctx);
	else
		fn(ctx, &a);
	event_record_fini(&ev);
}
