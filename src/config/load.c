/* SPDX-License-Identifier: MIT */
/*
 * Reads $PYLON_HOME as a whole: the home's .env, config.yaml, then every pylon (pylons.c).
 *
 * Only config.yaml, the home's .env and the folder of pylons can make the whole unusable.
 */
#include <errno.h>

#include "base/file.h"
#include "base/limits.h"
#include "config/config-internal.h"

void config_free(struct config *c)
{
	if (!c)
		return;
	free(c->home);
	free(c->host);
	free(c->public_url);
	free(c->api_token);
	free(c->docker_host);
	free(c->base_image);
	strv_fini(&c->agent_command);
	for (size_t i = 0; i < c->pylon_count; i++)
		pylon_config_unref(c->pylons[i]);
	free(c->pylons);
	strv_fini(&c->broken);
	strv_fini(&c->restart_needed);
	free(c->file_problem);
	free(c->global_text);
	free(c->global_name);
	free(c->start_text);
	free(c);
}

/* --- config.yaml --- */

/* The one of the two that exists, config.yaml when there is none; NULL with the problem told. */
static const char *global_name(const char *home, struct problems *problems)
{
	CLEANUP(freep) char *yaml = xasprintf("%s/config.yaml", home);
	CLEANUP(freep) char *json = xasprintf("%s/config.json", home);
	struct report r = report_start(problems, json);
	struct stat st;
	bool has_json = lstat(json, &st) == 0;

	if (has_json && lstat(yaml, &st) == 0) {
		report_at(&r, NULL, "stands beside config.yaml; keep one of them");
		return NULL;
	}
	return has_json ? "config.json" : "config.yaml";
}

bool global_file_read(const char *home, struct problems *problems, struct global_file *ret)
{
	const char *name = global_name(home, problems);
	struct report r;
	int rc;

	*ret = (struct global_file){.name = name};
	if (!name)
		return false;
	ret->path = xasprintf("%s/%s", home, name);
	r = report_start(problems, ret->path);
	rc = config_file_read(&r, ret->path, YAML_MAX, &ret->text, &ret->mode);
	if (rc != 0 && rc != FILE_E_ABSENT)
		return false;
	if (rc == 0 && text_is_blank(buf_slice(&ret->text)))
		report_warning(&r, NULL, "is empty; everything is as by default");
	return true;
}

void global_file_fini(struct global_file *f)
{
	free(f->path);
	buf_fini(&f->text);
}

bool load_env(struct loading *l)
{
	CLEANUP(freep) char *path = xasprintf("%s/.env", l->home);

	return env_file_load(&l->env, path, true, l->problems);
}

bool load_global(struct loading *l, const struct global_file *file, const struct config *running)
{
	CLEANUP(freep) char *env_path = xasprintf("%s/.env", l->home);
	struct env env = {NULL, &l->env, env_path};
	struct global_text in = {
		.home = l->home,
		.file = file->path,
		.text = buf_slice(&file->text),
		.mode = file->mode,
		.env = &env,
		.running = running,
	};

	l->c = global_parse(&in, l->problems, &l->global);
	l->global.form.env = l->global.start.env = NULL; /* ends with this function */
	if (l->c)
		l->c->global_name = xstrdup(file->name);
	return l->c != NULL;
}

void loading_fini(struct loading *l)
{
	global_fini(&l->global);
	env_file_fini(&l->env);
	config_free(l->c);
}

int config_load(const char *home, struct config **ret, struct problems *problems, struct err *e)
{
	CLEANUP(loading_fini) struct loading l = {.home = home, .problems = problems};
	CLEANUP(global_file_fini) struct global_file file = {0};

	if (!load_env(&l) || !global_file_read(home, problems, &file) ||
		!load_global(&l, &file, NULL) || load_pylons(&l) < 0)
		return err_set(e, -EINVAL, "the configuration in %s cannot be used", home);
	*ret = STEAL(l.c);
	return 0;
}
