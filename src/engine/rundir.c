/* SPDX-License-Identifier: MIT */
/*
 * rundir.c - what an agent is given: files in /run/pylon, environment, mounts.
 *
 * Files come first; the environment (PROMPT, CALLBACK_URL ...) is what existing agent images read.
 * The prompt is left out of the environment when it is long or holds a NUL, which no environment
 * can carry; the file always has it whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "calendar/instant.h"
#include "engine/rundir-internal.h"

#define RUN_TARGET "/run/pylon"

void rundir_path(const struct engine *e, const struct id *run_id, struct buf *out)
{
	buf_printf(out, "%s/jobs/%s.run", e->config->home, run_id->s);
}

void rundir_remove(const struct engine *e, const struct id *run_id)
{
	CLEANUP(buf_fini) struct buf path = BUF_NULL;
	struct err err = CLEAN_ERR;

	rundir_path(e, run_id, &path);
	if (tree_remove(buf_str(&path), &err) < 0)
		log_warn(TAG, "%s", err.text);
}

/* Plainly written, not synced: after a power cut there is a new run with new files. Readable for
 * every user whatever our umask is: most agent images do not run as root. */
static int put_file(const char *dir, const char *name, struct slice data, struct err *err)
{
	CLEANUP(freep) char *path = xasprintf("%s/%s", dir, name);
	CLEANUP(closep) int fd = -1;

	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0444);
	if (fd < 0 || fchmod(fd, 0444) < 0)
		return err_errno(err, "%s", path);
	if (write_all(fd, data.p, data.n) < 0)
		return err_errno(err, "%s", path);
	return 0;
}

static int make_folder(const char *dir, struct err *err)
{
	int r = dir_make(dir, 0700, err);

	if (r < 0)
		return r;
	if (chmod(dir, 0777) < 0)
		return err_errno(err, "%s", dir);
	return 0;
}

static void print_event(struct buf *out, const struct job *j, const struct event_record *ev)
{
	char when[INSTANT_SIZE];

	instant_print(ev->received_at, when);
	buf_printf(out, "{\"job_id\":\"%s\",\"source\":", j->id.s);
	js_write_string(out, slice_of(ev->source == NULL ? "" : ev->source));
	buf_add_str(out, ",\"pylon\":");
	js_write_string(out, slice_of(j->pylon));
	buf_printf(out, ",\"received_at\":\"%s\",\"query\":", when);
	js_write_string(out, slice_of(ev->query == NULL ? "" : ev->query));
	buf_printf(out, ",\"headers\":%s,\"body\":",
		str_is_empty(ev->headers_json) ? "{}" : ev->headers_json);
	buf_add(out, ev->body, ev->body_n);
	buf_add_str(out, "}\n");
}

static int write_files(const char *dir, struct slice prompt, const struct job *j,
	const struct event_record *ev, struct err *err)
{
	CLEANUP(buf_fini) struct buf event = BUF_NULL;
	int r = make_folder(dir, err);

	if (r == 0)
		r = put_file(dir, "prompt", prompt, err);
	if (r < 0)
		return r;
	print_event(&event, j, ev);
	return put_file(dir, "event.json", buf_slice(&event), err);
}

static void fill_env(
	struct rundir *rd, const struct live *v, const struct job *j, struct slice prompt)
{
	const struct engine *e = v->engine;
	const char *host =
		str_eq(v->config->network, "host") ? "127.0.0.1" : "host.docker.internal";
	struct strv *env = &rd->env;

	if (prompt.n <= PROMPT_ENV_MAX &&
		memchr(prompt.p == NULL ? "" : prompt.p, 0, prompt.n) == NULL)
		strv_addf(env, "PROMPT=%.*s", SLICE_ARG(prompt));
	strv_addf(env, "JOB_ID=%s", j->id.s);
	strv_addf(env, "RUN_ID=%s", v->run_id.s);
	strv_addf(env, "ATTEMPT=%d", v->attempt);
	strv_addf(env, "CALLBACK_URL=http://%s:%u/callback/%s/%s", host, e->callback_port, j->id.s,
		v->token);
	strv_addf(env, "HOOKS_URL=http://%s:%u/hooks/%s/%s", host, e->callback_port, j->id.s,
		v->token);
	if (!str_is_empty(j->session_id))
		strv_addf(env, "SESSION_ID=%s", j->session_id);
	for (size_t i = 0; i < v->config->env.n; i++)
		strv_add(env, v->config->env.v[i]);
}

static char *keep(struct rundir *rd, char *take)
{
	strv_take(&rd->paths, take);
	return take;
}

static void add_mount(struct rundir *rd, char *take_source, const char *target, bool is_ro)
{
	rd->mounts[rd->spec.mount_count++] =
		(struct runner_mount){keep(rd, take_source), keep(rd, xstrdup(target)), is_ro};
}

/* "source:target:mode", checked by config. */
static void add_volume(struct rundir *rd, const char *volume)
{
	const char *first = strchr(volume, ':');
	const char *last = strrchr(volume, ':');
	CLEANUP(freep) char *target = NULL;

	must(first != NULL && last > first);
	target = xstrndup(first + 1, (size_t)(last - first - 1));
	add_mount(rd, xstrndup(volume, (size_t)(first - volume)), target, str_eq(last + 1, "ro"));
}

static void fill_mounts(
	struct rundir *rd, const struct pylon_config *c, const char *dir, const char *folder)
{
	rd->mounts = xcalloc_held(4 + c->volumes.n, sizeof(*rd->mounts));
	rd->spec.mounts = rd->mounts;
	add_mount(rd, xstrdup(folder), "/workspace", false);
	add_mount(rd, xstrdup(dir), RUN_TARGET, false);
	add_mount(rd, xasprintf("%s/prompt", dir), RUN_TARGET "/prompt", true);
	add_mount(rd, xasprintf("%s/event.json", dir), RUN_TARGET "/event.json", true);
	for (size_t i = 0; i < c->volumes.n; i++)
		add_volume(rd, c->volumes.v[i]);
}

static void fill_spec(struct rundir *rd, const struct live *v)
{
	const struct pylon_config *c = v->config;
	struct runner_spec *s = &rd->spec;

	s->run_id = v->run_id;
	s->job_id = v->job_id;
	s->pylon = c->name;
	s->image = v->image;
	s->command = &c->command;
	s->env = &rd->env;
	s->memory_bytes = c->memory;
	s->cpus = c->cpus;
	s->pids = c->pids;
	s->network = c->network;
	s->is_read_only = c->read_only;
	s->log_path = rd->log_path;
}

/* A new attempt writes a new log; the one before keeps its number. */
static void set_log_aside(const char *path, int attempt)
{
	CLEANUP(freep) char *old = NULL;

	if (attempt <= 1 || !file_exists(path))
		return;
	old = xasprintf("%.*s.%d.log", (int)(strlen(path) - strlen(".log")), path, attempt - 1);
	if (rename(path, old) < 0)
		log_warn(TAG, "%s: %s", path, strerror(errno));
}

int rundir_make(struct rundir *rd, const struct live *v, const struct job *j,
	const struct event_record *ev, const char *folder, struct err *err)
{
	const struct pylon_config *c = v->config;
	CLEANUP(buf_fini) struct buf prompt = BUF_NULL;
	CLEANUP(buf_fini) struct buf dir = BUF_NULL;
	CLEANUP(buf_fini) struct buf log = BUF_NULL;
	int r;

	message_render(&prompt, c->prompt, j, ev, PROMPT_MAX);
	rundir_path(v->engine, &v->run_id, &dir);
	engine_log_path(v->engine, &v->job_id, &log);
	r = write_files(buf_str(&dir), buf_slice(&prompt), j, ev, err);
	if (r < 0)
		return r;
	rd->log_path = buf_steal(&log);
	set_log_aside(rd->log_path, v->attempt);
	fill_env(rd, v, j, buf_slice(&prompt));
	fill_mounts(rd, c, buf_str(&dir), folder);
	fill_spec(rd, v);
	return 0;
}

void rundir_fini(struct rundir *rd)
{
	strv_fini(&rd->paths);
	free(rd->mounts);
	free(rd->log_path);
	strv_fini(&rd->env);
	*rd = (struct rundir){0};
}
