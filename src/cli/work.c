/* SPDX-License-Identifier: MIT */
/*
 * cli/work.c - what starting background work takes, whatever it is.
 *
 * The work runs as a child of the daemon's, not of ours: of our environment it gets what decides
 * which programs are found and how they talk (PATH, LANG, LC_*), and what --env names.
 */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "calendar/duration.h"
#include "cli/work-internal.h"

#define SECONDS_MAX 604800 /* a week */
#define NICE_MAX    19

void work_options_fini(struct work_options *w)
{
	strv_fini(&w->env);
}

/* Text that JSON can carry as it is. */
static bool is_text(const char *s)
{
	return utf8_is_valid(s, strlen(s));
}

static int set_text(
	struct cli *c, struct js *o, const char *key, const char *option, const char *value)
{
	if (value == NULL)
		return EXIT_OK;
	if (str_is_empty(value) || !is_text(value))
		return cli_usage(c, "%s must be a text", option);
	js_set_str(o, key, value);
	return EXIT_OK;
}

static int set_cwd(struct js *o, const char *given)
{
	CLEANUP(freep) char *path = realpath(given == NULL ? "." : given, NULL);
	struct stat st;

	if (path == NULL || stat(path, &st) < 0)
		return cli_fail(
			EXIT_FAILED, "%s: %s", given == NULL ? "." : given, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return cli_fail(EXIT_FAILED, "%s is no folder", given);
	if (!is_text(path))
		return cli_fail(EXIT_FAILED, "%s: its path is not UTF-8", path);
	js_set_str(o, "cwd", path);
	return EXIT_OK;
}

static int set_timeout(struct cli *c, struct js *o, const char *text)
{
	struct err e = CLEAN_ERR;
	int64_t us;

	if (text == NULL)
		return EXIT_OK;
	if (duration_parse(slice_of(text), &us, &e) < 0)
		return cli_usage(c, "--timeout: %s", e.text);
	if (us < US_PER_SEC || us > SECONDS_MAX * US_PER_SEC || us % US_PER_SEC != 0)
		return cli_usage(c, "--timeout is whole seconds from 1s to 7d");
	js_set_int(o, "timeoutSeconds", us / US_PER_SEC);
	return EXIT_OK;
}

static int set_nice(struct cli *c, struct js *o, const char *text)
{
	uint64_t n;

	if (text == NULL)
		return EXIT_OK;
	if (!slice_to_u64(slice_of(text), NICE_MAX, &n))
		return cli_usage(c, "--nice is a number from 0 to %d", NICE_MAX);
	js_set_int(o, "nice", (int64_t)n);
	return EXIT_OK;
}

/* --- the environment --- */

static bool goes_along(const char *variable)
{
	return str_has_prefix(variable, "PATH=") || str_has_prefix(variable, "LANG=") ||
	       str_has_prefix(variable, "LC_");
}

static void set_variable(struct js *env, const char *variable, const char *equals)
{
	CLEANUP(freep) char *name = xstrndup(variable, (size_t)(equals - variable));

	js_set_str(env, name, equals + 1);
}

static void add_own(struct js *env)
{
	for (char **it = environ; *it != NULL; it++) {
		const char *equals = strchr(*it, '=');

		if (equals != NULL && goes_along(*it) && is_text(*it))
			set_variable(env, *it, equals);
	}
}

static int add_named(struct cli *c, struct js *env, const char *word)
{
	const char *equals = strchr(word, '=');
	const char *value;

	if (equals == word || *word == '\0' || !is_text(word))
		return cli_usage(c, "--env wants NAME or NAME=VALUE");
	if (equals != NULL) {
		set_variable(env, word, equals);
		return EXIT_OK;
	}
	value = getenv(word); /* NOLINT(concurrency-mt-unsafe) */
	if (value == NULL)
		return cli_usage(c, "--env %s: there is no such variable here", word);
	if (!is_text(value))
		return cli_fail(EXIT_FAILED, "--env %s: its value is not UTF-8", word);
	js_set_str(env, word, value);
	return EXIT_OK;
}

static int set_env(struct cli *c, struct js *o, const struct strv *named)
{
	struct js *env = js_object();
	int r = EXIT_OK;

	add_own(env);
	for (size_t i = 0; r == EXIT_OK && i < named->n; i++)
		r = add_named(c, env, named->v[i]);
	js_set_take(o, "env", env);
	return r;
}

int work_read(struct cli *c, const struct work_options *w, struct js **ret)
{
	CLEANUP(js_freep) struct js *o = js_object();
	int r = set_text(c, o, "taskSlug", "--name", w->name);

	if (r == EXIT_OK)
		r = set_text(c, o, "conversation", "--conversation", w->conversation);
	if (r == EXIT_OK)
		r = set_timeout(c, o, w->timeout);
	if (r == EXIT_OK)
		r = set_nice(c, o, w->nice);
	if (r == EXIT_OK)
		r = set_env(c, o, &w->env);
	if (r == EXIT_OK)
		r = set_cwd(o, w->cwd);
	if (r == EXIT_OK)
		*ret = STEAL(o);
	return r;
}

int work_start(struct cli *c, const char *path, const struct js *body, bool wait)
{
	CLEANUP(freep) char *where = xasprintf("/api/executions%s", path);
	CLEANUP(js_freep) struct js *answer = NULL;
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	const char *id;
	int r;

	js_write(&text, body);
	r = cli_call(c, "POST", where, buf_str(&text), &answer);
	if (r != EXIT_OK)
		return r;
	id = js_get_str(answer, "runId");
	if (id == NULL)
		return cli_fail(EXIT_FAILED, "the daemon's answer names no run");
	if (wait) {
		cli_say(c, "run %s", id);
		return cli_wait_job(c, id);
	}
	if (c->json)
		cli_print_json(answer);
	else
		(void)printf("%s\n", id);
	cli_say(c, "watch it: pylon logs -f %.*s", SHORT_ID, id);
	return EXIT_OK;
}
