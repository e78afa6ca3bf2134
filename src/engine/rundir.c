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
	struct workspace *w = e->ports.workspace;
	CLEANUP(buf_fini) struct buf path = BUF_NULL;

	rundir_path(e, run_id, &path);
	w->ops->discard(w, buf_str(&path));
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

bool env_has(const struct strv *env, const char *assignment)
{
	size_t n = strcspn(assignment, "=") + 1;

	for (size_t i = 0; i < env->n; i++)
		if (strncmp(env->v[i], assignment, n) == 0)
			return true;
	return false;
}

/* The repository may belong to another user than the agent; git is to work in it all the same. The
 * container is the wall. */
static void add_git_env(struct strv *env)
{
	if (env_has(env, "GIT_CONFIG_COUNT="))
		return;
	strv_add(env, "GIT_CONFIG_COUNT=1");
	strv_add(env, "GIT_CONFIG_KEY_0=safe.directory");
	strv_add(env, "GIT_CONFIG_VALUE_0=*");
}

static void add_prompt_env(struct strv *env, struct slice prompt)
{
	if (prompt.n <= PROMPT_ENV_MAX &&
		memchr(prompt.p == NULL ? "" : prompt.p, 0, prompt.n) == NULL)
		strv_addf(env, "PROMPT=%.*s", SLICE_ARG(prompt));
}

static void fill_env(
	struct rundir *rd, const struct live *v, struct slice prompt, const struct outfit *o)
{
	const struct pylon_config *c = v->config;
	const char *host = str_eq(c->network, "host") ? "127.0.0.1" : "host.docker.internal";
	unsigned port = v->engine->callback_port;
	const char *job = v->job_id.s;
	struct strv *env = &rd->env;

	add_prompt_env(env, prompt);
	strv_addf(env, "JOB_ID=%s", job);
	strv_addf(env, "RUN_ID=%s", v->run_id.s);
	strv_addf(env, "ATTEMPT=%d", v->attempt);
	strv_addf(env, "CALLBACK_URL=http://%s:%u/callback/%s/%s", host, port, job, v->token);
	strv_addf(env, "HOOKS_URL=http://%s:%u/hooks/%s/%s", host, port, job, v->token);
	if (o->has_turn && !str_is_empty(o->turn.session_id))
		strv_addf(env, "SESSION_ID=%s", o->turn.session_id);
	for (size_t i = 0; i < c->env.n; i++)
		strv_add(env, c->env.v[i]);
	if (o->session != NULL && o->agent->session_env != NULL &&
		!env_has(env, o->agent->session_env))
		strv_add(env, o->agent->session_env);
	if (c->workspace != WORKSPACE_NONE)
		add_git_env(env);
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

/* Mounts of our own, at most. */
enum { OWN_MOUNTS = 6 };

static void fill_mounts(
	struct rundir *rd, const struct pylon_config *c, const char *dir, const struct outfit *o)
{
	rd->mounts = xcalloc_held(OWN_MOUNTS + c->volumes.n, sizeof(*rd->mounts));
	rd->spec.mounts = rd->mounts;
	add_mount(rd, xstrdup(o->folder), "/workspace", false);
	add_mount(rd, xstrdup(dir), RUN_TARGET, false);
	add_mount(rd, xasprintf("%s/prompt", dir), RUN_TARGET "/prompt", true);
	add_mount(rd, xasprintf("%s/event.json", dir), RUN_TARGET "/event.json", true);
	if (o->shared != NULL)
		add_mount(rd, xstrdup(o->shared), o->shared, true);
	if (o->session != NULL)
		add_mount(rd, xstrdup(o->session), o->agent->session_target, false);
	for (size_t i = 0; i < c->volumes.n; i++)
		add_volume(rd, c->volumes.v[i]);
}

static void fill_spec(struct rundir *rd, const struct live *v, const struct outfit *o)
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
	s->user = o->user;
	s->log_path = rd->log_path;
	s->mask = v->mask;
}

int rundir_make(struct rundir *rd, const struct live *v, const struct job *j,
	const struct event_record *ev, const struct outfit *o, struct err *err)
{
	const struct pylon_config *c = v->config;
	CLEANUP(buf_fini) struct buf prompt = BUF_NULL;
	CLEANUP(buf_fini) struct buf dir = BUF_NULL;
	CLEANUP(buf_fini) struct buf log = BUF_NULL;
	int r;

	if (o->has_turn)
		buf_add_str(&prompt, o->turn.text);
	else
		(void)message_render(&prompt, c->prompt, j, ev, PROMPT_MAX);
	rundir_path(v->engine, &v->run_id, &dir);
	engine_log_path(v->engine, c->name, &v->job_id, &log);
	r = write_files(buf_str(&dir), buf_slice(&prompt), j, ev, err);
	if (r < 0)
		return r;
	rd->log_path = buf_steal(&log);
	fill_env(rd, v, buf_slice(&prompt), o);
	fill_mounts(rd, c, buf_str(&dir), o);
	fill_spec(rd, v, o);
	return 0;
}

void outfit_fini(struct outfit *o)
{
	free(o->shared);
	free(o->session);
	turn_fini(&o->turn);
	*o = (struct outfit){0};
}

void rundir_fini(struct rundir *rd)
{
	strv_fini(&rd->paths);
	free(rd->mounts);
	free(rd->log_path);
	strv_fini(&rd->env);
	*rd = (struct rundir){0};
}
