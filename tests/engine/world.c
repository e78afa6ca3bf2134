/* SPDX-License-Identifier: MIT */
#include "engine/world.h"

#include <errno.h>

#include "base/log.h"

/* --- fake runner --- */

static struct fake_runner *runner_of(struct runner *r)
{
	return container_of(r, struct fake_runner, port);
}

static void runner_open(struct runner *r)
{
	struct fake_runner *f = runner_of(r);

	f->ev.ready(f->ev.ctx, f->is_up, f->is_up ? "fake 1.0" : "nobody is there");
}

static bool runner_is_up(const struct runner *r)
{
	return container_of((struct runner *)(uintptr_t)r, struct fake_runner, port)->is_up;
}

static void runner_ensure(struct runner *r, const char *image UNUSED,
	void (*done)(void *ctx, int rc, const char *text, const struct runner_user *user),
	void *ctx)
{
	struct fake_runner *f = runner_of(r);

	f->ensured++;
	f->image_done = done;
	f->image_ctx = ctx;
	if (f->is_image_slow) {
		assert_true(f->image_n < WORLD_RUNS);
		f->images[f->image_n++] = (struct fake_image){done, ctx, true};
		return;
	}
	done(ctx, f->image_fails ? -2 : 0, f->image_fails ? "no such image" : "", &f->user);
}

/* T2 is on disk before anything starts. */
static void assert_claimed(struct engine *e, const struct id *job_id)
{
	struct err err = CLEAN_ERR;
	struct job j = {0};

	assert_int_equal(engine_find_job(e, job_id->s, &j, &err), 0);
	assert_string_equal(job_state_name(j.state), "starting");
	job_fini(&j);
}

static void runner_start(struct runner *r, const struct runner_spec *spec)
{
	struct fake_runner *f = runner_of(r);
	struct fake_run *run = &f->runs[f->n++];

	assert_true(f->n <= WORLD_RUNS);
	assert_claimed(f->engine, &spec->job_id);
	run->run_id = spec->run_id;
	run->job_id = spec->job_id;
	for (size_t i = 0; i < spec->mount_count; i++)
		if (str_eq(spec->mounts[i].target, "/run/pylon/prompt"))
			run->prompt_file = xstrdup(spec->mounts[i].source);
	for (size_t i = 0; i < spec->mount_count; i++)
		strv_addf(&run->mounts, "%s:%s:%s", spec->mounts[i].source, spec->mounts[i].target,
			spec->mounts[i].is_read_only ? "ro" : "rw");
	strv_copy(&run->env, spec->env);
	run->user = xstrdup_or_null(spec->user);
	if (spec->command != NULL)
		strv_copy(&run->argv, spec->command);
	run->cwd = xstrdup_or_null(spec->cwd);
	run->timeout_us = spec->timeout_us;
	run->is_masked = spec->mask != NULL;
	for (size_t i = 0; i < spec->env->n; i++)
		if (str_has_prefix(spec->env->v[i], "CALLBACK_URL="))
			(void)str_copy(run->callback, sizeof(run->callback), spec->env->v[i]);
	if (!f->is_up)
		f->ev.refused(f->ev.ctx, &spec->run_id, RUNNER_ENGINE_DOWN, "nobody is there");
}

static void runner_adopt(
	struct runner *r, const struct id *run_id, const char *log UNUSED, struct mask *mask)
{
	struct fake_runner *f = runner_of(r);
	struct fake_run *run = &f->runs[f->n++];

	run->run_id = *run_id;
	run->is_adopted = true;
	run->is_masked = mask != NULL;
}

static struct fake_run *by_id(struct fake_runner *f, const struct id *run_id)
{
	for (size_t i = f->n; i > 0; i--)
		if (str_eq(f->runs[i - 1].run_id.s, run_id->s))
			return &f->runs[i - 1];
	return NULL;
}

static void runner_stop(struct runner *r, const struct id *run_id, int64_t grace UNUSED)
{
	struct fake_run *run = by_id(runner_of(r), run_id);

	assert_non_null(run);
	run->stops++;
}

static void runner_note(struct runner *r, const struct id *run_id, const char *line)
{
	struct fake_run *run = by_id(runner_of(r), run_id);

	assert_non_null(run);
	strv_add(&run->notes, line);
}

/* T4 is on disk before the proof goes. */
static void assert_finished(struct engine *e, const struct fake_run *run)
{
	struct err err = CLEAN_ERR;
	struct job j = {0};

	if (run->is_adopted)
		return; /* its job's id is not known here */
	assert_int_equal(engine_find_job(e, run->job_id.s, &j, &err), 0);
	assert_false(job_is_active(j.state));
	job_fini(&j);
}

static void runner_forget(struct runner *r, const struct id *run_id)
{
	struct fake_run *run = by_id(runner_of(r), run_id);

	assert_non_null(run);
	assert_finished(runner_of(r)->engine, run);
	run->is_forgotten = true;
}

static void runner_survey(struct runner *r, void (*each)(void *ctx, const struct runner_found *f),
	void (*done)(void *ctx, int rc, const char *text), void *ctx)
{
	struct fake_runner *f = runner_of(r);

	for (size_t i = 0; i < f->found_n; i++)
		each(ctx, &f->found[i]);
	done(ctx, f->survey_fails ? -5 : 0, f->survey_fails ? "it said 500" : "");
}

static void runner_remove(struct runner *r, const char *container UNUSED)
{
	runner_of(r)->removed++;
}

static void runner_free(struct runner *r UNUSED)
{
}

static const struct runner_ops fake_runner_ops = {
	.open = runner_open,
	.is_up = runner_is_up,
	.ensure_image = runner_ensure,
	.start = runner_start,
	.adopt = runner_adopt,
	.stop = runner_stop,
	.note = runner_note,
	.forget = runner_forget,
	.survey = runner_survey,
	.remove = runner_remove,
	.free = runner_free,
};

/* --- fake channel and workspace --- */

struct seek {
	struct id id;
	int attempt; /* 0: not found */
};

static void seek_delivery(const struct delivery *d, const char *pylon UNUSED, void *ctx)
{
	struct seek *s = ctx;

	if (str_eq(d->id.s, s->id.s))
		s->attempt = d->attempt;
}

/* T5 is on disk before the channel is called. */
static void assert_sending(struct engine *e, const struct channel_message *m)
{
	struct seek s = {.id = m->delivery_id};
	struct err err = CLEAN_ERR;

	assert_int_equal(
		engine_list_deliveries(e, DELIVERY_SENDING, 100, seek_delivery, &s, &err), 0);
	assert_int_equal(s.attempt, m->attempt);
}

static void channel_send(
	struct channel *c, const struct channel_target *to UNUSED, const struct channel_message *m)
{
	struct fake_channel *f = container_of(c, struct fake_channel, port);
	struct fake_sent *s = &f->sent[f->n++];

	assert_true(f->n <= WORLD_RUNS);
	assert_sending(f->engine, m);
	s->id = m->delivery_id;
	s->kind = xstrdup(m->kind);
	s->message = xstrdup(m->message);
	s->is_repeat = m->is_repeat;
	s->attempt = m->attempt;
}

static void channel_free(struct channel *c UNUSED)
{
}

static const struct channel_ops fake_channel_ops = {.send = channel_send, .free = channel_free};

static void workspace_prepare(struct workspace *w, const struct workspace_spec *spec,
	void (*done)(void *ctx, const struct id *job_id, int rc, const char *text), void *ctx)
{
	struct fake_workspace *f = container_of(w, struct fake_workspace, port);
	int fail = f->fail;

	f->fail = 0;
	f->waiting = spec->job_id;
	f->done = done;
	f->done_ctx = ctx;
	f->kind = spec->kind;
	str_replace(&f->repo, spec->repo);
	str_replace(&f->ref, spec->ref);
	f->is_repo_literal = spec->is_repo_literal;
	f->owner = spec->owner;
	f->progress = spec->progress;
	if (f->is_slow) {
		assert_true(f->make_n < WORLD_RUNS);
		f->makes[f->make_n++] = (struct fake_make){
			.done = done, .ctx = ctx, .job_id = spec->job_id, .is_open = true};
		return;
	}
	done(ctx, &spec->job_id, fail, fail < 0 ? "no folder" : f->jobs);
}

static void workspace_remove(struct workspace *w, const struct id *job)
{
	struct fake_workspace *f = container_of(w, struct fake_workspace, port);

	f->removed++;
	f->last_removed = *job;
}

static void workspace_discard(struct workspace *w UNUSED, const char *path)
{
	struct err e = CLEAN_ERR;

	assert_int_equal(tree_remove(path, &e), 0);
}

static char *workspace_shared(struct workspace *w, const struct workspace_spec *spec)
{
	struct fake_workspace *f = container_of(w, struct fake_workspace, port);

	return spec->kind == WORKSPACE_KIND_GIT_WORKTREE ? xasprintf("%s/../repos/cache", f->jobs)
							 : NULL;
}

static struct fake_make *open_make(struct fake_workspace *f, const struct id *job)
{
	for (size_t i = 0; i < f->make_n; i++)
		if (f->makes[i].is_open && str_eq(f->makes[i].job_id.s, job->s))
			return &f->makes[i];
	return NULL;
}

static void workspace_cancel(struct workspace *w, const struct id *job)
{
	struct fake_workspace *f = container_of(w, struct fake_workspace, port);
	struct fake_make *m = open_make(f, job);

	if (m == NULL)
		return;
	f->cancelled++;
	m->is_called_off = true;
	if (f->is_cancel_slow)
		return;
	m->is_open = false;
	m->done(m->ctx, job, -ECANCELED, "it was cancelled");
}

static void workspace_free(struct workspace *w UNUSED)
{
}

static const struct workspace_ops fake_workspace_ops = {.prepare = workspace_prepare,
	.shared = workspace_shared,
	.cancel = workspace_cancel,
	.remove = workspace_remove,
	.discard = workspace_discard,
	.free = workspace_free};

/* --- the world --- */

static void prepared(void *ctx)
{
	struct world *w = ctx;

	w->is_prepared = true;
}

static void start_engine(struct world *w)
{
	struct engine_options o = {.loop = w->loop,
		.config = w->config,
		.home_id = "home",
		.callback_port = 8080,
		.is_bystander = w->is_bystander,
		.only = &w->only};
	struct engine_ports ports = {.runner = &w->runner.port,
		.workspace = &w->workspace.port,
		.channel = &w->channel.port};
	CLEANUP(freep) char *runtime_dir = xasprintf("%s/daemon", w->home);
	struct err e = CLEAN_ERR;

	if (w->has_runtime) {
		o.runtime_dir = runtime_dir;
		ports.processes = &w->processes.port;
	}
	w->engine = engine_new(&o);
	w->processes.ev = engine_runner_events(w->engine, ENGINE_PROCESSES);
	w->processes.engine = w->engine;
	w->runner.ev = engine_runner_events(w->engine, ENGINE_CONTAINERS);
	w->channel.engine = w->runner.engine = w->engine;
	w->is_prepared = false;
	assert_int_equal(engine_start(w->engine, &ports, prepared, w, &e), 0);
	loop_settle(w->loop);
}

static void put(const char *home, const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", home, name);
	struct err e = CLEAN_ERR;

	assert_int_equal(file_write(path, text, strlen(text), 0600, &e), 0);
	free(path);
}

static void open_world(
	struct world *w, const char *config_yaml, const char *pylon_yaml, bool has_runtime)
{
	struct problems problems = {0};
	struct err e = CLEAN_ERR;
	char *dir;

	*w = (struct world){.home = t_folder(), .has_runtime = has_runtime};
	dir = xasprintf("%s/pylons/hook", w->home);
	assert_int_equal(dir_make(dir, 0700, &e), 0);
	free(dir);
	dir = xasprintf("%s/daemon", w->home);
	assert_int_equal(dir_make(dir, 0700, &e), 0);
	free(dir);
	put(w->home, "config.yaml", config_yaml);
	put(w->home, "pylons/hook/pylon.yaml", pylon_yaml);
	assert_int_equal(config_load(w->home, &w->config, &problems, &e), 0);
	for (size_t i = 0; i < problems.n; i++)
		print_message(
			"%s:%d: %s\n", problems.v[i].file, problems.v[i].line, problems.v[i].text);
	assert_int_equal(w->config->pylon_count, 1);
	problems_fini(&problems);
	w->loop = loop_new_fake(WORLD_START);
	w->runner.port.ops = &fake_runner_ops;
	w->runner.is_up = true;
	w->processes.port.ops = &fake_runner_ops;
	w->processes.is_up = true;
	w->channel.port.ops = &fake_channel_ops;
	w->workspace.port.ops = &fake_workspace_ops;
	w->workspace.jobs = xasprintf("%s/jobs", w->home);
	start_engine(w);
}

void world_open(struct world *w, const char *config_yaml, const char *pylon_yaml)
{
	open_world(w, config_yaml, pylon_yaml, false);
}

void world_open_runtime(struct world *w, const char *config_yaml, const char *pylon_yaml)
{
	open_world(w, config_yaml, pylon_yaml, true);
}

static void forget_runs(struct fake_runner *f)
{
	for (size_t i = 0; i < f->n; i++) {
		struct fake_run *run = &f->runs[i];

		free(run->prompt_file);
		free(run->user);
		free(run->cwd);
		strv_fini(&run->argv);
		strv_fini(&run->env);
		strv_fini(&run->mounts);
		strv_fini(&run->notes);
	}
	memset(f->runs, 0, sizeof(f->runs));
	f->n = 0;
	f->image_n = 0;
}

static void forget_fakes(struct world *w)
{
	forget_runs(&w->runner);
	forget_runs(&w->processes);
	for (size_t i = 0; i < w->channel.n; i++) {
		free(w->channel.sent[i].kind);
		free(w->channel.sent[i].message);
	}
	w->workspace.make_n = 0;
	w->channel.n = 0;
}

void world_crash(struct world *w)
{
	engine_free(w->engine);
	w->engine = NULL;
	forget_fakes(w);
}

void world_restart(struct world *w)
{
	start_engine(w);
}

void world_down(struct world *w, int64_t us)
{
	world_crash(w);
	loop_advance(w->loop, us);
	world_restart(w);
}

void world_put(struct world *w, const char *path, const char *text)
{
	char *folder = xasprintf("%s/%s", w->home, path);
	struct err e = CLEAN_ERR;

	*strrchr(folder, '/') = '\0';
	assert_int_equal(dir_make(folder, 0700, &e), 0);
	put(w->home, path, text);
	free(folder);
}

void world_remove(struct world *w, const char *path)
{
	char *whole = xasprintf("%s/%s", w->home, path);
	struct err e = CLEAN_ERR;

	assert_int_equal(tree_remove(whole, &e), 0);
	free(whole);
}

void world_reread(struct world *w)
{
	struct problems problems = {0};
	struct err e = CLEAN_ERR;

	config_free(w->config);
	w->config = NULL;
	assert_int_equal(config_load(w->home, &w->config, &problems, &e), 0);
	problems_fini(&problems);
}

bool world_reload(struct world *w, bool take_global)
{
	struct config *next = NULL;
	struct problems problems = {0};
	struct err e = CLEAN_ERR;
	int rc = config_reload(w->config, take_global, &next, &problems, &e);

	if (rc == 0) {
		engine_reconfigure(w->engine, next, &problems);
		config_free(w->config);
		w->config = next;
		loop_settle(w->loop);
	}
	problems_fini(&problems);
	return rc == 0;
}

void world_close(struct world *w)
{
	engine_free(w->engine);
	forget_fakes(w);
	free(w->workspace.jobs);
	free(w->workspace.repo);
	free(w->workspace.ref);
	config_free(w->config);
	loop_free(w->loop);
	t_folder_remove(w->home);
}

void world_engine(struct world *w, bool is_up)
{
	w->runner.is_up = is_up;
	w->runner.ev.ready(w->runner.ev.ctx, is_up, is_up ? "fake 1.0" : "nobody is there");
	loop_settle(w->loop);
}

void world_answered(void *ctx, const struct answer *a)
{
	struct world *w = ctx;

	w->answer = *a;
	w->answers++;
}

void world_send(struct world *w, const char *delivery, const char *body)
{
	struct hmac *h = hmac_new("s3cret", 6);
	struct slice piece = slice_of(body);
	uint8_t mac[SHA256_SIZE];
	char hex[SHA256_HEX_SIZE];
	char *signature;
	struct inbound_field fields[3];
	struct inbound in = {.method = SLICE_LIT("POST"),
		.path = SLICE_LIT("/hook"),
		.fields = fields,
		.body = piece};

	hmac_sign(h, &piece, 1, mac);
	hmac_free(h);
	hex_encode(mac, sizeof(mac), hex);
	signature = xasprintf("sha256=%s", hex);
	fields[in.field_count++] =
		(struct inbound_field){SLICE_LIT("X-Hub-Signature-256"), slice_of(signature)};
	fields[in.field_count++] =
		(struct inbound_field){SLICE_LIT("Content-Type"), SLICE_LIT("application/json")};
	if (delivery != NULL)
		fields[in.field_count++] =
			(struct inbound_field){SLICE_LIT("X-GitHub-Delivery"), slice_of(delivery)};
	engine_webhook(w->engine, &in, world_answered, w);
	free(signature);
}

void world_post(struct world *w, const char *delivery, const char *body)
{
	world_send(w, delivery, body);
	loop_settle(w->loop);
}

struct fake_run *world_run(struct world *w, size_t i)
{
	assert_true(i < w->runner.n);
	return &w->runner.runs[i];
}

void world_assert_prompt(struct world *w, size_t i, const char *expected)
{
	struct buf text = BUF_NULL;
	struct err e = CLEAN_ERR;

	assert_int_equal(file_read(world_run(w, i)->prompt_file, PROMPT_MAX, &text, &e), 0);
	assert_string_equal(buf_str(&text), expected);
	buf_fini(&text);
}

void world_started(struct world *w, size_t i)
{
	struct fake_run *r = world_run(w, i);

	r->is_started = true;
	w->runner.ev.started(w->runner.ev.ctx, &r->run_id, "c0ffee");
	loop_settle(w->loop);
}

void world_exited(struct world *w, size_t i, int status)
{
	struct runner_exit x = {.exit_code = status, .stdout_tail = ""};

	w->runner.ev.exited(w->runner.ev.ctx, &world_run(w, i)->run_id, &x);
	loop_settle(w->loop);
}

void world_workspace_ready(struct world *w)
{
	struct fake_workspace *f = &w->workspace;
	struct fake_make *m = open_make(f, &f->waiting);

	if (m != NULL)
		m->is_open = false;
	f->done(f->done_ctx, &f->waiting, 0, f->jobs);
	loop_settle(w->loop);
}

void world_answer_make(struct world *w, size_t i, int rc)
{
	struct fake_workspace *f = &w->workspace;
	struct fake_make *m = &f->makes[i];

	assert_true(i < f->make_n && m->is_open);
	m->is_open = false;
	if (m->is_called_off)
		rc = -ECANCELED;
	m->done(m->ctx, &m->job_id, rc, rc < 0 ? "no folder" : f->jobs);
	loop_settle(w->loop);
}

void world_image_known(struct world *w, int rc)
{
	struct fake_runner *f = &w->runner;

	if (f->image_n > 0)
		f->images[f->image_n - 1].is_open = false;
	f->image_done(f->image_ctx, rc, rc < 0 ? "no such image" : "", &f->user);
	loop_settle(w->loop);
}

void world_answer_image(struct world *w, size_t i, int rc)
{
	struct fake_runner *f = &w->runner;

	assert_true(i < f->image_n && f->images[i].is_open);
	f->images[i].is_open = false;
	f->images[i].done(f->images[i].ctx, rc, rc < 0 ? "no such image" : "", &f->user);
	loop_settle(w->loop);
}

const char *world_env(struct world *w, size_t i, const char *name)
{
	const struct strv *env = &world_run(w, i)->env;
	size_t n = strlen(name);

	for (size_t k = 0; k < env->n; k++)
		if (strncmp(env->v[k], name, n) == 0 && env->v[k][n] == '=')
			return env->v[k] + n + 1;
	return NULL;
}

void world_result(struct world *w, size_t i, const char *json)
{
	char *name = xasprintf("jobs/%s.run/result.json", world_run(w, i)->run_id.s);

	put(w->home, name, json);
	free(name);
}

enum job_state world_job(struct world *w, const char *id, struct job *ret)
{
	struct err e = CLEAN_ERR;

	assert_int_equal(engine_find_job(w->engine, id, ret, &e), 0);
	return ret->state;
}

void world_decide(struct world *w, enum engine_decision d, const char *id)
{
	struct id job;

	(void)str_copy(job.s, sizeof(job.s), id);
	engine_decide(w->engine, d, &job, "tester", world_answered, w);
	loop_settle(w->loop);
}

void world_sent(struct world *w, size_t i, enum channel_outcome outcome, int64_t retry_us)
{
	struct channel_report r = {.outcome = outcome,
		.retry_after_us = retry_us,
		.text = outcome == CHANNEL_SENT ? NULL : "told so"};

	assert_true(i < w->channel.n);
	engine_channel_done(w->engine, &w->channel.sent[i].id, &r);
	loop_settle(w->loop);
}
