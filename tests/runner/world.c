/* SPDX-License-Identifier: MIT */
/* tests/runner/world.c - see world.h. */
#include "runner/world.h"

static bool give_socket(void *ctx, struct buf *out)
{
	struct world *w = ctx;

	if (w->has_socket)
		buf_add_str(out, w->engine->path);
	return w->has_socket;
}

static void keep(char **where, const char *text)
{
	free(*where);
	*where = xstrdup(text);
}

static void on_ready(void *ctx, bool is_up, const char *text)
{
	struct world *w = ctx;

	if (is_up)
		w->ups++;
	else
		w->downs++;
	keep(&w->ready_text, text);
}

struct told *world_run(struct world *w, const char *run_id)
{
	for (size_t i = 0; i < w->run_count; i++) {
		if (str_eq(w->runs[i].id.s, run_id))
			return &w->runs[i];
	}
	assert_true(w->run_count < ARRAY_LEN(w->runs));
	(void)str_copy(w->runs[w->run_count].id.s, ID_SIZE, run_id);
	return &w->runs[w->run_count++];
}

static void on_started(void *ctx, const struct id *run_id, const char *container_id)
{
	struct told *t = world_run(ctx, run_id->s);

	assert_int_equal(t->exited, 0);
	t->started++;
	keep(&t->container_id, container_id);
}

static void on_output(void *ctx, const struct id *run_id)
{
	struct told *t = world_run(ctx, run_id->s);

	assert_int_equal(t->exited, 0);
	t->outputs++;
}

static void on_exited(void *ctx, const struct id *run_id, const struct runner_exit *x)
{
	struct told *t = world_run(ctx, run_id->s);

	t->exited++;
	t->exit = *x;
	t->exit.stdout_tail = NULL;
	free(t->tail);
	t->tail = xstrndup(x->stdout_tail, x->stdout_tail_n);
}

static void on_refused(
	void *ctx, const struct id *run_id, enum runner_refusal why, const char *text)
{
	struct told *t = world_run(ctx, run_id->s);

	t->refused++;
	t->why = why;
	keep(&t->text, text);
}

static void make_runner(struct world *w)
{
	struct runner_events ev = {.ready = on_ready,
		.started = on_started,
		.output = on_output,
		.exited = on_exited,
		.refused = on_refused,
		.ctx = w};
	struct runner_docker_config c = {
		.home_id = "home1", .socket = give_socket, .socket_ctx = w, .max_starting = 2};

	w->runner = runner_docker_new(w->loop, w->client, &c, &ev);
	w->docker = docker_of(w->runner);
	w->docker->timing = (struct docker_timing){
		.call_us = 200 * US_PER_MS,
		.slow_us = 400 * US_PER_MS,
		.log_us = 400 * US_PER_MS,
		.build_us = 400 * US_PER_MS,
		.quiet_us = 150 * US_PER_MS,
		.ping_every_us = 50 * US_PER_MS,
		.retry_min_us = 5 * US_PER_MS,
		.retry_max_us = 40 * US_PER_MS,
		.doubt_us = 200 * US_PER_MS,
		.settle_us = 20 * US_PER_MS,
	};
}

int world_setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct err e = CLEAN_ERR;

	if (scratch_setup(&w->scratch) != 0)
		return -1;
	w->has_socket = true;
	w->image = "img";
	w->loop = loop_new(&e);
	assert_non_null(w->loop);
	w->client = http_client_new(w->loop, &e);
	assert_non_null(w->client);
	/* No login of whoever runs this. */
	assert_int_equal(setenv("DOCKER_CONFIG", scratch_dir(w->scratch), 1), 0);
	w->engine = fake_engine_new(w->loop, scratch_path(w->scratch, "sock"));
	make_runner(w);
	*state = w;
	return 0;
}

int world_teardown(void **state)
{
	struct world *w = *state;

	w->runner->ops->free(w->runner);
	http_client_free(w->client);
	fake_engine_free(w->engine);
	loop_free(w->loop);
	for (size_t i = 0; i < w->run_count; i++) {
		free(w->runs[i].container_id);
		free(w->runs[i].text);
		free(w->runs[i].tail);
	}
	mask_unref(w->mask);
	free(w->ready_text);
	free(w->image_text);
	(void)scratch_teardown(&w->scratch);
	free(w);
	return 0;
}

void world_open(struct world *w)
{
	w->runner->ops->open(w->runner);
	WAIT_FOR(w, w->ups > 0);
}

void world_restart(struct world *w)
{
	w->runner->ops->free(w->runner);
	for (size_t i = 0; i < w->run_count; i++)
		w->runs[i].started = w->runs[i].exited = w->runs[i].outputs = 0;
	w->ups = w->downs = 0;
	make_runner(w);
}

char *world_log_path(struct world *w, const char *run_id)
{
	return xasprintf("%s/%s.log", scratch_dir(w->scratch), run_id);
}

char *world_log(struct world *w, const char *run_id)
{
	CLEANUP(freep) char *path = world_log_path(w, run_id);

	return scratch_read(path);
}

void world_start(struct world *w, const char *run_id)
{
	CLEANUP(freep) char *path = world_log_path(w, run_id);
	struct runner_spec s = {.job_id = {JOB_1},
		.pylon = "p",
		.image = w->image,
		.log_path = path,
		.mask = w->mask};

	(void)str_copy(s.run_id.s, ID_SIZE, run_id);
	w->runner->ops->start(w->runner, &s);
}

void world_adopt(struct world *w, const char *run_id)
{
	CLEANUP(freep) char *path = world_log_path(w, run_id);
	struct id id;

	(void)str_copy(id.s, ID_SIZE, run_id);
	w->runner->ops->adopt(w->runner, &id, path, w->mask);
}

void world_stop(struct world *w, const char *run_id, int64_t grace_us)
{
	struct id id;

	(void)str_copy(id.s, ID_SIZE, run_id);
	w->runner->ops->stop(w->runner, &id, grace_us);
}

void world_forget(struct world *w, const char *run_id)
{
	struct id id;

	(void)str_copy(id.s, ID_SIZE, run_id);
	w->runner->ops->forget(w->runner, &id);
}

static void on_image(void *ctx, int rc, const char *text, const struct runner_user *user)
{
	struct world *w = ctx;

	w->images++;
	w->image_rc = rc;
	w->image_user = *user;
	keep(&w->image_text, text);
}

void world_ensure(struct world *w, const char *image)
{
	w->runner->ops->ensure_image(w->runner, image, on_image, w);
}

static void on_found(void *ctx, const struct runner_found *f)
{
	struct world *w = ctx;

	w->found++;
	assert_true(id_is_valid(slice_of(f->run_id.s)));
	assert_string_equal(f->job_id.s, JOB_1);
	assert_non_null(f->container_id);
}

static void on_survey(void *ctx, int rc, const char *text)
{
	struct world *w = ctx;

	(void)text;
	w->surveys++;
	w->survey_rc = rc;
}

void world_survey(struct world *w)
{
	w->runner->ops->survey(w->runner, on_found, on_survey, w);
}

struct fake_container *world_container(struct world *w, const char *run_id)
{
	CLEANUP(freep) char *name = xasprintf("pylon-%s", run_id);

	return fake_find(w->engine, name);
}

static bool is_waited_for(struct world *w, const struct fake_container *c)
{
	unsigned n = 0;

	list_foreach (it, &w->engine->conns) {
		struct fake_conn *conn = list_entry(it, struct fake_conn, node);

		n += str_eq(buf_str(&conn->following), c->name);
		n += str_eq(buf_str(&conn->waiting), c->name);
	}
	return n == 2;
}

struct fake_container *world_running(struct world *w, const char *run_id)
{
	struct fake_container *c;

	world_start(w, run_id);
	WAIT_FOR(w, world_run(w, run_id)->started == 1);
	c = world_container(w, run_id);
	assert_non_null(c);
	WAIT_FOR(w, is_waited_for(w, c));
	return c;
}

void world_pass(struct world *w, int64_t us)
{
	int64_t until = loop_mono(w->loop) + us;

	while (loop_mono(w->loop) < until)
		(void)loop_turn(w->loop, 5 * US_PER_MS);
}

int64_t world_patience(const struct world *w)
{
	return loop_mono(w->loop) + 10 * US_PER_SEC;
}

void world_turn(struct world *w, int64_t until, const char *claim, int line)
{
	(void)loop_turn(w->loop, 20 * US_PER_MS);
	if (loop_mono(w->loop) > until)
		fail_msg("line %d: waited in vain for %s", line, claim);
}
