/* SPDX-License-Identifier: MIT */
/*
 * A pylon.yaml of any bytes, and the same bytes as a config.yaml and as a .env file. Nothing is
 * read from disk but what volumes name, and that is only looked at.
 */
#include <stdint.h>

#include "config/config-internal.h"
#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct problems *p, bool is_broken)
{
	for (size_t i = 0; i < p->n; i++) {
		must(p->v[i].text[0] != '\0' && p->v[i].line >= 0 && p->v[i].column >= 0);
		must(utf8_is_valid(p->v[i].text, strlen(p->v[i].text)));
	}
	must(p->n <= 3 * (size_t)REPORT_MAX + 3);
	must(!is_broken || problems_are_fatal(p));
}

static void try_global(struct slice text, const struct env *env)
{
	struct global g;
	struct problems problems = {NULL, 0};
	struct global_text in = {
		.home = "/nonexistent",
		.file = "config.yaml",
		.text = text,
		.mode = 0644,
		.env = env,
	};
	struct config *c = global_parse(&in, &problems, &g);

	check(&problems, c == NULL);
	global_fini(&g);
	config_free(c);
	problems_fini(&problems);
}

/* Sorted, so none is there twice, and none is empty. */
static void check_secrets(const struct strv *l)
{
	for (size_t i = 0; i < l->n; i++)
		must(strcmp(i ? l->v[i - 1] : "", l->v[i]) < 0);
}

static void try_pylon(struct slice text, const struct env *env)
{
	struct global g;
	struct problems problems = {NULL, 0};
	struct form form;
	struct global_text global = {.home = "/nonexistent", .file = "config.yaml", .env = env};
	struct pylon_text in = {"c", "pylon.yaml", text, env, &g};
	struct config *c = global_parse(&global, &problems, &g);
	struct pylon_config *p = pylon_parse(&in, &problems, &form);

	must(c && (!p || (p->name && p->prompt && p->network && p->agent_type)));
	check(&problems, p == NULL);
	if (p)
		check_secrets(&p->secrets_known);
	pylon_config_unref(p);
	form_fini(&form);
	global_fini(&g);
	config_free(c);
	problems_fini(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = {(const char *)data, size};
	struct env_file file = ENV_FILE_NULL;
	struct env env = {.own = &file, .own_path = ".env"};

	env_parse(&file, text, size % 2 == 0);
	try_pylon(text, &env);
	try_global(text, &env);
	env_file_fini(&file);
	return 0;
}
