/* SPDX-License-Identifier: MIT */
/* tests/runner/process_world.c - see process_world.h. */
#include "runner/process_world.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/log.h"

static unsigned number_of(const struct id *id)
{
	return (unsigned)strtoul(id->s, NULL, 16);
}

static struct pw_told *told_of(struct pw *w, const struct id *id)
{
	assert_in_range(number_of(id), 0, PW_RUNS - 1);
	return &w->told[number_of(id)];
}

struct id pw_id(unsigned run)
{
	struct id id;

	(void)snprintf(id.s, sizeof(id.s), "%08x-1111-4111-8111-111111111111", run);
	return id;
}

static void on_ready(void *ctx, bool is_up, const char *text)
{
	struct pw *w = ctx;

	assert_true(is_up);
	assert_string_equal(text, "processes");
	w->ups++;
}

static void on_started(void *ctx, const struct id *run_id, const char *container_id)
{
	struct pw *w = ctx;
	struct pw_told *t = told_of(w, run_id);

	assert_string_equal(container_id, run_id->s);
	assert_int_equal(t->started + t->outputs + t->exited + t->refused, 0);
	t->started++;
	if (t->forgets_at_start)
		w->runner->ops->forget(w->runner, run_id);
}

static void on_output(void *ctx, const struct id *run_id)
{
	struct pw_told *t = told_of(ctx, run_id);

	assert_int_equal(t->exited + t->refused, 0);
	t->outputs++;
}

static void on_exited(void *ctx, const struct id *run_id, const struct runner_exit *x)
{
	struct pw_told *t = told_of(ctx, run_id);

	assert_int_equal(t->exited + t->refused, 0);
	t->exited++;
	t->exit = *x;
	t->text = xstrdup(x->text == NULL ? "" : x->text);
	assert_non_null(x->stdout_tail);
	t->tail = xstrndup(x->stdout_tail, x->stdout_tail_n);
}

static void on_refused(
	void *ctx, const struct id *run_id, enum runner_refusal why, const char *text)
{
	struct pw_told *t = told_of(ctx, run_id);

	assert_int_equal(t->started + t->outputs + t->exited + t->refused, 0);
	t->refused++;
	t->why = why;
	t->text = xstrdup(text);
}

static void make_runner(struct pw *w)
{
	struct runner_events ev = {.ready = on_ready,
		.started = on_started,
		.output = on_output,
		.exited = on_exited,
		.refused = on_refused,
		.ctx = w};
	struct runner_process_config c = {
		.dir = w->dir, .shim = w->shim, .dies_with_us = w->dies_with_us};

	w->runner = runner_process_new(w->loop, &c, &ev);
	w->runner->ops->open(w->runner);
	w->ups = 0;
	PW_WAIT(w, w->ups == 1);
}

void pw_become_another(struct pw *w)
{
	struct err e = CLEAN_ERR;

	w->loop = loop_new(&e);
	CHILD_CHECK(w->loop != NULL);
	make_runner(w);
}

static char *real_keeper(void)
{
	const char *path = getenv("PYLON_SHIM");
	char self[4096];
	ssize_t n;

	if (!str_is_empty(path))
		return xstrdup(path);
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	assert_true(n > 0);
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	return xasprintf("%s/../pylon-shim", self);
}

static void ignore_line(enum log_level level, const char *line, void *ctx)
{
	(void)level;
	(void)line;
	(void)ctx;
}

int pw_setup(void **state)
{
	struct pw *w = xcalloc(1, sizeof(*w));
	struct err e = CLEAN_ERR;

	if (scratch_setup(&w->scratch) != 0)
		return -1;
	w->loop = loop_new(&e);
	assert_non_null(w->loop);
	w->dir = xasprintf("%s/runs", scratch_dir(w->scratch));
	w->logs = xasprintf("%s/logs", scratch_dir(w->scratch));
	assert_int_equal(mkdir(w->logs, 0700), 0);
	w->shim = real_keeper();
	if (!file_exists(w->shim))
		fail_msg("there is no %s: build the target pylon-shim", w->shim);
	log_capture(ignore_line, NULL);
	make_runner(w);
	*state = w;
	return 0;
}

static void forget_told(struct pw *w)
{
	for (size_t i = 0; i < PW_RUNS; i++) {
		free(w->told[i].text);
		free(w->told[i].tail);
		w->told[i] = (struct pw_told){0};
	}
}

int pw_teardown(void **state)
{
	struct pw *w = *state;
	int r;

	w->runner->ops->free(w->runner);
	loop_free(w->loop);
	log_capture(NULL, NULL);
	forget_told(w);
	strv_fini(&w->found);
	mask_unref(w->mask);
	free(w->dir);
	free(w->logs);
	free(w->shim);
	r = scratch_teardown(&w->scratch);
	free(w);
	return r;
}

void pw_restart(struct pw *w)
{
	w->runner->ops->free(w->runner);
	forget_told(w);
	make_runner(w);
}

void pw_fake_keeper(struct pw *w, const char *script)
{
	CLEANUP(freep) char *text = xasprintf("#!/bin/sh\n%s\n", script);
	const char *path = scratch_file(w->scratch, "keeper", text);

	assert_int_equal(chmod(path, 0700), 0);
	str_replace(&w->shim, path);
	pw_restart(w);
}

const char *pw_folder(struct pw *w, unsigned run)
{
	struct id id = pw_id(run);
	CLEANUP(freep) char *name = xasprintf("runs/%s", id.s);

	return scratch_path(w->scratch, name);
}

const char *pw_log(struct pw *w, unsigned run)
{
	CLEANUP(freep) char *name = xasprintf("logs/%u.log", run);

	return scratch_path(w->scratch, name);
}

void pw_start(struct pw *w, unsigned run, const char *const *argv)
{
	struct runner_spec s = w->spec;
	struct strv command = STRV_NULL, env = STRV_NULL;

	for (; *argv != NULL; argv++)
		strv_add(&command, *argv);
	strv_add(&env, "PATH=/usr/bin:/bin");
	strv_add(&env, "ONLY=this");
	s.run_id = pw_id(run);
	s.command = &command;
	s.env = &env;
	s.log_path = pw_log(w, run);
	s.mask = w->mask;
	w->runner->ops->start(w->runner, &s);
	/* What it needs, it has copied. */
	strv_fini(&command);
	strv_fini(&env);
}

void pw_sh(struct pw *w, unsigned run, const char *script)
{
	pw_start(w, run, (const char *const[]){"sh", "-c", script, NULL});
}

void pw_running(struct pw *w, unsigned run, const char *script)
{
	pw_sh(w, run, script);
	PW_WAIT(w, w->told[run].started == 1);
}

void pw_adopt(struct pw *w, unsigned run)
{
	struct id id = pw_id(run);

	w->runner->ops->adopt(w->runner, &id, pw_log(w, run), w->mask);
}

void pw_stop(struct pw *w, unsigned run, int64_t grace_us)
{
	struct id id = pw_id(run);

	w->runner->ops->stop(w->runner, &id, grace_us);
}

void pw_forget(struct pw *w, unsigned run)
{
	struct id id = pw_id(run);

	w->runner->ops->forget(w->runner, &id);
}

static void on_found(void *ctx, const struct runner_found *f)
{
	struct pw *w = ctx;

	assert_string_equal(f->container_id, f->run_id.s);
	strv_addf(&w->found, "%u %s", number_of(&f->run_id), f->state);
}

static void on_listed(void *ctx, int rc, const char *text)
{
	struct pw *w = ctx;

	assert_non_null(text);
	w->listed++;
	w->listed_rc = rc;
}

void pw_survey(struct pw *w)
{
	unsigned before = w->listed;

	strv_fini(&w->found);
	w->runner->ops->survey(w->runner, on_found, on_listed, w);
	assert_int_equal(w->listed, before);
	PW_WAIT(w, w->listed == before + 1);
}

void pw_record(struct pw *w, unsigned run, struct process_record *ret)
{
	struct err e = CLEAN_ERR;

	assert_int_equal(process_record_read(pw_folder(w, run), ret, &e), 0);
	assert_true(ret->state > RECORD_DAMAGED);
}

void pw_write_record(struct pw *w, unsigned run, const char *text, size_t n)
{
	const char *folder = pw_folder(w, run);
	CLEANUP(freep) char *path = xasprintf("%s/status", folder);
	struct err e = CLEAN_ERR;

	assert_int_equal(dir_make(folder, 0700, &e), 0);
	assert_int_equal(file_write(path, text, n, 0600, &e), 0);
}

void pw_forge(struct pw *w, unsigned run, const char *from, const char *to)
{
	CLEANUP(freep) char *path = xasprintf("%s/status", pw_folder(w, run));
	CLEANUP(freep) char *text = scratch_read(path);
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	const char *at = text, *hit;

	assert_non_null(strstr(text, from));
	for (; (hit = strstr(at, from)) != NULL; at = hit + strlen(from)) {
		buf_add(&out, at, (size_t)(hit - at));
		buf_add_str(&out, to);
	}
	buf_add_str(&out, at);
	pw_write_record(w, run, out.p, out.n);
}

bool pw_is_alive(pid_t pid)
{
	CLEANUP(freep) char *path = xasprintf("/proc/%d/stat", (int)pid);
	CLEANUP(buf_fini) struct buf line = BUF_NULL;
	const char *p;

	if (pid <= 0 || file_read(path, 4096, &line, NULL) < 0)
		return false;
	p = strrchr(buf_str(&line), ')');
	return p != NULL && p[1] == ' ' && p[2] != 'Z' && p[2] != 'X';
}

pid_t pw_read_pid(const char *path)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	uint64_t pid = 0;

	if (file_read(path, 32, &text, NULL) < 0 || text.n == 0 || text.p[text.n - 1] != '\n' ||
		!slice_to_u64((struct slice){text.p, text.n - 1}, INT32_MAX, &pid))
		return 0;
	return (pid_t)pid;
}

void pw_turn(struct pw *w, int64_t until, const char *claim, int line)
{
	(void)loop_turn(w->loop, 20 * US_PER_MS);
	if (loop_mono(w->loop) > until)
		fail_msg("line %d: waited in vain for %s", line, claim);
}
