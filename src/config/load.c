/* SPDX-License-Identifier: MIT */
/*
 * Reads $PYLON_HOME as a whole: the home's .env, config.yaml, then every pylon by name.
 *
 * A broken pylon never takes another one with it: its name goes into `broken`, its problems into
 * the list, and the next one is read. Only config.yaml, the home's .env and the folder of pylons
 * can make the whole unusable. Of two pylons with one path the second by name is broken, so that
 * the outcome does not depend on the order of a directory.
 */
#include <errno.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "config/config-internal.h"

struct loading {
	const char *home;
	struct problems *problems;
	struct env_file env;
	struct global global;
	struct config *c;
};

void config_free(struct config *c)
{
	if (!c)
		return;
	free(c->home);
	free(c->host);
	free(c->public_url);
	free(c->api_token);
	free(c->docker_host);
	for (size_t i = 0; i < c->pylon_count; i++)
		pylon_config_free(c->pylons[i]);
	free(c->pylons);
	strv_fini(&c->broken);
	free(c);
}

/* --- config.yaml --- */

/* The one of the two that exists, config.yaml when there is none; NULL with the problem told. */
static const char *global_name(struct loading *l)
{
	CLEANUP(freep) char *yaml = xasprintf("%s/config.yaml", l->home);
	CLEANUP(freep) char *json = xasprintf("%s/config.json", l->home);
	struct report r = report_start(l->problems, json);
	struct stat st;
	bool has_json = lstat(json, &st) == 0;

	if (has_json && lstat(yaml, &st) == 0) {
		report_at(&r, NULL, "stands beside config.yaml; keep one of them");
		return NULL;
	}
	return has_json ? "config.json" : "config.yaml";
}

static bool load_global(struct loading *l)
{
	CLEANUP(freep) char *env_path = xasprintf("%s/.env", l->home);
	CLEANUP(freep) char *path = NULL;
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	struct env env = {NULL, &l->env, env_path};
	const char *name = global_name(l);
	struct report r;
	mode_t mode = 0;
	int rc;

	if (!name || !env_file_load(&l->env, env_path, true, l->problems))
		return false;
	path = xasprintf("%s/%s", l->home, name);
	r = report_start(l->problems, path);
	rc = config_file_read(&r, path, YAML_MAX, &text, &mode);
	if (rc != 0 && rc != FILE_E_ABSENT)
		return false;
	if (rc == 0 && text_is_blank(buf_slice(&text)))
		report_warning(&r, NULL, "is empty; everything is as by default");
	l->c = global_parse(l->home, path, buf_slice(&text), mode, &env, l->problems, &l->global);
	l->global.form.env = NULL; /* ends with this function */
	return l->c != NULL;
}

/* --- pylons --- */

static void collect(const char *name, void *ctx)
{
	strv_add(ctx, name);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_pylons(struct loading *l, struct strv *names)
{
	CLEANUP(freep) char *path = xasprintf("%s/pylons", l->home);
	struct report r = report_start(l->problems, path);
	struct err e = CLEAN_ERR;
	int rc = dir_each(path, collect, names, &e);

	if (rc == -ENOENT)
		return 0;
	if (rc < 0) {
		report_at(&r, NULL, "cannot be listed: %s", e.text);
		return rc;
	}
	if (names->n > 1)
		qsort(names->v, names->n, sizeof(*names->v), by_name);
	return 0;
}

static struct pylon_config *read_pylon(struct loading *l, const char *name, const char *path,
	struct slice text, struct place *ret_path_at)
{
	CLEANUP(freep) char *env_path = xasprintf("%s/pylons/%s/.env", l->home, name);
	struct env_file own = ENV_FILE_NULL;
	struct env env = {&own, &l->env, env_path};
	struct pylon_config *p = NULL;

	if (env_file_load(&own, env_path, false, l->problems))
		p = pylon_parse(name, path, text, &env, &l->global, l->problems, ret_path_at);
	env_file_fini(&own);
	return p;
}

static bool has_route(const struct pylon_config *p)
{
	return p->trigger == TRIGGER_WEBHOOK && !p->is_disabled;
}

/* True with the problem told when an earlier pylon has the path. */
static bool is_path_taken(struct loading *l, const struct pylon_config *p, struct place at)
{
	struct report r = report_start(l->problems, p->file);

	for (size_t i = 0; has_route(p) && i < l->c->pylon_count; i++) {
		const struct pylon_config *other = l->c->pylons[i];

		if (!has_route(other) || !str_eq(other->path, p->path))
			continue;
		report_problem(&r, at.line, at.column,
			"`trigger.path` %s belongs to the pylon `%s` already", p->path,
			other->name);
		return true;
	}
	return false;
}

static void load_pylon(struct loading *l, const char *name)
{
	CLEANUP(freep) char *path = xasprintf("%s/pylons/%s/pylon.yaml", l->home, name);
	CLEANUP(pylon_config_freep) struct pylon_config *p = NULL;
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	struct report r = report_start(l->problems, path);
	struct config *c = l->c;
	struct place path_at = {0};
	mode_t mode = 0;
	int rc = config_file_read(&r, path, YAML_MAX, &text, &mode);

	if (rc == FILE_E_ABSENT)
		return; /* no pylon, only a folder */
	if (rc == 0)
		p = read_pylon(l, name, path, buf_slice(&text), &path_at);
	if (!p || is_path_taken(l, p, path_at)) {
		strv_add(&c->broken, name);
		return;
	}
	c->pylons = xreallocarray(c->pylons, c->pylon_count + 1, sizeof(struct pylon_config *));
	c->pylons[c->pylon_count++] = STEAL(p);
}

static int load_pylons(struct loading *l)
{
	CLEANUP(strv_fini) struct strv names = STRV_NULL;
	int rc = list_pylons(l, &names);

	for (size_t i = 0; rc == 0 && i < names.n; i++)
		load_pylon(l, names.v[i]);
	return rc;
}

int config_load(const char *home, struct config **ret, struct problems *problems, struct err *e)
{
	struct loading l = {.home = home, .problems = problems};
	bool ok = load_global(&l) && load_pylons(&l) == 0;

	global_fini(&l.global);
	env_file_fini(&l.env);
	if (!ok) {
		config_free(l.c);
		return err_set(e, -EINVAL, "the configuration in %s cannot be used", home);
	}
	*ret = l.c;
	return 0;
}
