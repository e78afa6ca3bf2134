/* SPDX-License-Identifier: MIT */
/*
 * cli/cmd_construct.c - `pylon construct`: a new pylon from a template.
 *
 * What is there is never touched: the new folder is made with mkdir(2), which takes no existing
 * name of any kind, so two of us cannot meet either. A folder becomes a pylon with its pylon.yaml,
 * which is written last and by a rename: a daemon that watches sees all of it or none. When
 * something fails in between, the folder goes again.
 *
 * A template with a secret gets it in the pylon's own .env (0600): the given one, else, where the
 * sender lets us choose, a random one. It is never printed. Where only the sender knows it, the
 * file has a commented line to fill in, and the pylon cannot be used until then.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/id.h"
#include "base/limits.h"
#include "calendar/instant.h"
#include "calendar/zone.h"
#include "cli/commands-internal.h"
#include "cli/construct-internal.h"
#include "config/config.h"

#define SECRET_MAX KIB(4)

struct construct {
	struct cli *cli;
	const char *name;
	const struct builtin *from;
	const char *repo, *ref, *secret_file, *secret_env;
	char *secret; /* NULL = none at hand */
	bool is_secret_made;
	char *folder, *file, *env_file;
	char *path; /* of the webhook */
};

static void construct_fini(struct construct *k)
{
	free(k->secret);
	free(k->folder);
	free(k->file);
	free(k->env_file);
	free(k->path);
}

/* --- the words --- */

static int want_template(struct cli *c)
{
	(void)cli_fail(EXIT_USAGE,
		"--from is missing: the questions of an interactive set-up come with a later "
		"version");
	(void)fputs("Templates:\n", stderr);
	for (size_t i = 0; i < builtin_count; i++)
		(void)fprintf(stderr, "  %-12s %s\n", builtins[i].name, builtins[i].summary);
	(void)c;
	return EXIT_USAGE;
}

static int want_pylon_name(struct cli *c, const char *name)
{
	if (name_is_valid(slice_of(name)))
		return EXIT_OK;
	return cli_usage(c,
		"\"%s\" cannot be the name of a pylon: it has 1 to 63 of the characters a-z, 0-9, "
		"\".\", \"_\" and \"-\", and begins with a letter or digit",
		name);
}

static bool is_line(const char *text)
{
	for (; *text != '\0'; text++)
		if (iscntrl((unsigned char)*text))
			return false;
	return true;
}

static int want_repo(const struct construct *k)
{
	const char *texts[] = {k->repo, k->ref};

	if ((k->repo != NULL || k->ref != NULL) && !k->from->takes_repo)
		return cli_usage(
			k->cli, "the template %s takes no --repo and --ref", k->from->name);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (texts[i] != NULL && (*texts[i] == '\0' || !is_line(texts[i]) ||
						!utf8_is_valid(texts[i], strlen(texts[i]))))
			return cli_usage(k->cli, "--repo and --ref are a line of text each");
	return EXIT_OK;
}

/* --- the secret --- */

static int read_secret_file(const char *path, struct buf *ret)
{
	struct err e = CLEAN_ERR;
	int rc = str_eq(path, "-") ? fd_read(STDIN_FILENO, SECRET_MAX, ret)
				   : file_read(path, SECRET_MAX, ret, &e);

	if (rc == 0)
		return EXIT_OK;
	return cli_fail(EXIT_FAILED, "--secret-file: %s",
		e.code == 0 ? "standard input cannot be read" : e.text);
}

/* A .env file holds one line, and blanks around it do not count there. */
static int take_secret(struct construct *k, struct slice text)
{
	while (text.n > 0 && isspace((unsigned char)text.p[text.n - 1]))
		text.n--;
	k->secret = slice_dup(text);
	if (text.n == 0 || isspace((unsigned char)text.p[0]) || strlen(k->secret) != text.n ||
		!is_line(k->secret))
		return cli_fail(EXIT_FAILED, "the secret must be one line of text");
	return EXIT_OK;
}

static void make_secret(struct construct *k)
{
	char half[TOKEN_SIZE], other[TOKEN_SIZE];

	token_make(half);
	token_make(other);
	k->secret = xasprintf("%s%s", half, other);
	k->is_secret_made = true;
}

static int find_secret(struct construct *k)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	bool is_given = k->secret_file != NULL || k->secret_env != NULL;
	const char *value;
	int r;

	if (k->secret_file != NULL && k->secret_env != NULL)
		return cli_usage(k->cli, "take one of --secret-file and --secret-env");
	if (is_given && k->from->secret == NULL)
		return cli_usage(k->cli, "the template %s has no secret", k->from->name);
	if (k->secret_env != NULL) {
		value = getenv(k->secret_env); /* NOLINT(concurrency-mt-unsafe): one thread */
		if (value == NULL)
			return cli_usage(k->cli, "the variable %s is not set", k->secret_env);
		return take_secret(k, slice_of(value));
	}
	if (k->secret_file != NULL) {
		r = read_secret_file(k->secret_file, &text);
		return r == EXIT_OK ? take_secret(k, buf_slice(&text)) : r;
	}
	if (k->from->makes_secret)
		make_secret(k);
	return EXIT_OK;
}

/* --- the path --- */

/* "/<name>", unless that is a path of our own. */
static char *path_for(const char *name)
{
	static const char *const ours[] = {"healthz", "readyz", "metrics"};

	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (str_eq(name, ours[i]))
			return xasprintf("/webhook/%s", name);
	return xasprintf("/%s", name);
}

/* Two pylons with one path would both be broken. One of the same name is make_folder()'s to tell.
 */
static int want_free_path(const struct construct *k, const struct config *config)
{
	for (size_t i = 0; i < config->pylon_count; i++) {
		const struct pylon_config *p = config->pylons[i];

		if (p->trigger == TRIGGER_WEBHOOK && str_eq(p->path, k->path) &&
			!str_eq(p->name, k->name))
			return cli_fail(EXIT_FAILED, "the pylon \"%s\" already has the path %s",
				p->name, k->path);
	}
	return EXIT_OK;
}

/* --- the files --- */

/* The machine's zone, when the configuration will know it too. */
static char *own_zone(void)
{
	char *name = zone_system_name();
	CLEANUP(zone_unrefp) struct zone *zone = zone_load(name, NULL);

	if (zone != NULL)
		return name;
	free(name);
	return xstrdup("UTC");
}

static int write_yaml(const struct construct *k, struct err *e)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	CLEANUP(freep) char *zone = own_zone();
	char created[INSTANT_SIZE];
	struct builtin_values v = {
		.name = k->name,
		.path = k->path,
		.created = created,
		.timezone = zone,
		.repo = k->repo,
		.ref = k->ref,
	};

	instant_print(cli_now(), created);
	builtin_write(&text, k->from, &v);
	return file_write(k->file, text.p, text.n, 0600, e);
}

static int write_env(const struct construct *k, struct err *e)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;

	if (k->from->secret == NULL)
		return 0;
	buf_printf(&text, "# %s.\n", k->from->secret_at);
	if (k->secret == NULL)
		buf_printf(&text, "# %s=\n", k->from->secret);
	else
		buf_printf(&text, "%s=%s\n", k->from->secret, k->secret);
	return file_write(k->env_file, text.p, text.n, 0600, e);
}

static int make_folder(const struct construct *k)
{
	CLEANUP(freep) char *all = xasprintf("%s/pylons", k->cli->home);
	struct err e = CLEAN_ERR;

	if (dir_make(all, 0700, &e) != 0)
		return cli_fail(EXIT_FAILED, "%s", e.text);
	if (mkdir(k->folder, 0700) == 0)
		return EXIT_OK;
	if (errno == EEXIST)
		return cli_fail(EXIT_FAILED,
			"there is already something at %s, and it stays as it is", k->folder);
	(void)err_errno(&e, "%s", k->folder);
	return cli_fail(EXIT_FAILED, "%s", e.text);
}

static int write_files(const struct construct *k)
{
	struct err e = CLEAN_ERR, left = CLEAN_ERR;

	if (write_env(k, &e) == 0 && write_yaml(k, &e) == 0)
		return EXIT_OK;
	if (tree_remove(k->folder, &left) != 0)
		cli_say(k->cli, "what was begun is left behind: %s", left.text);
	return cli_fail(EXIT_FAILED, "%s", e.text);
}

/* --- what is told --- */

static void print_secret(const struct construct *k)
{
	if (k->from->secret == NULL)
		return;
	if (k->secret == NULL)
		(void)printf("  Secret: put %s=... into %s (%s); until then the pylon cannot be "
			     "used\n",
			k->from->secret, k->env_file, k->from->secret_at);
	else if (k->is_secret_made)
		(void)printf(
			"  Secret: a random one, in %s (%s)\n", k->env_file, k->from->secret_at);
	else
		(void)printf("  Secret: in %s\n", k->env_file);
}

static void print_done(const struct construct *k, const char *url)
{
	(void)printf("Pylon constructed from template \"%s\": %s\n", k->from->name, k->name);
	(void)printf("  Config: %s\n", k->file);
	if (url != NULL)
		(void)printf("  Webhook: %s\n", url);
	print_secret(k);
	(void)printf("  Test it: pylon test %s\n", k->name);
}

static void print_json(const struct construct *k, const char *url, bool is_usable)
{
	CLEANUP(js_freep) struct js *o = js_object();

	js_set_str(o, "name", k->name);
	js_set_str(o, "template", k->from->name);
	js_set_str(o, "config", k->file);
	js_set_str(o, "webhook", url);
	js_set_str(o, "env_file", k->from->secret == NULL ? NULL : k->env_file);
	js_set_bool(o, "usable", is_usable);
	cli_print_json(o);
}

/* The configuration as it is now; NULL when config.yaml is unusable. */
static struct config *load(const struct construct *k)
{
	CLEANUP(problems_fini) struct problems problems = {0};
	struct config *config = NULL;

	if (config_load(k->cli->home, &config, &problems, NULL) < 0)
		return NULL;
	return config;
}

static void tell(const struct construct *k)
{
	CLEANUP(config_freep) struct config *config = load(k);
	const struct pylon_config *p = config == NULL ? NULL : config_pylon(config, k->name);
	/* The address does not depend on whether the pylon is usable already. */
	struct pylon_config stand_in = {.path = k->path};
	CLEANUP(buf_fini) struct buf url = BUF_NULL;
	const char *shown = NULL;

	if (config != NULL && k->from->is_webhook) {
		config_webhook_url(&url, config, p == NULL ? &stand_in : p);
		shown = buf_str(&url);
	}
	if (k->cli->json) {
		print_json(k, shown, p != NULL);
		return;
	}
	print_done(k, shown);
	if (p != NULL && p->not_ready != NULL)
		cli_say(k->cli, "note: %s is not ready: %s", k->name, p->not_ready);
}

/* --- the command --- */

static int construct(struct construct *k)
{
	struct cli *c = k->cli;
	CLEANUP(config_freep) struct config *config = NULL;
	int r;

	k->folder = xasprintf("%s/pylons/%s", c->home, k->name);
	k->file = xasprintf("%s/pylon.yaml", k->folder);
	k->env_file = xasprintf("%s/.env", k->folder);
	k->path = path_for(k->name);
	config = load(k);
	r = want_repo(k);
	if (r == EXIT_OK && config != NULL && k->from->is_webhook)
		r = want_free_path(k, config);
	if (r == EXIT_OK)
		r = find_secret(k);
	if (r == EXIT_OK)
		r = make_folder(k);
	if (r == EXIT_OK)
		r = write_files(k);
	if (r == EXIT_OK)
		tell(k);
	return r;
}

static int find_template(struct construct *k, const char *name)
{
	CLEANUP(buf_fini) struct buf all = BUF_NULL;

	if (name == NULL)
		return want_template(k->cli);
	k->from = builtin_find(name);
	if (k->from != NULL)
		return EXIT_OK;
	builtin_list(&all);
	return cli_usage(k->cli, "unknown template \"%s\" (available: %s)", name, buf_str(&all));
}

int cmd_construct(struct cli *c, int argc, char **argv)
{
	CLEANUP(construct_fini) struct construct k = {.cli = c};
	const char *from = NULL;
	const struct cli_option options[] = {
		{.name = "--from", .value = &from},
		{.name = "--repo", .value = &k.repo},
		{.name = "--ref", .value = &k.ref},
		{.name = "--secret-file", .value = &k.secret_file},
		{.name = "--secret-env", .value = &k.secret_env},
	};
	int r = cli_options(c, &argc, argv, options, ARRAY_LEN(options));

	if (r == EXIT_OK)
		r = cli_want_args(c, argc, 1, 1);
	if (r == EXIT_OK)
		r = want_pylon_name(c, argv[1]);
	if (r != EXIT_OK)
		return r;
	k.name = argv[1];
	r = find_template(&k, from);
	return r == EXIT_OK ? construct(&k) : r;
}
