/* SPDX-License-Identifier: MIT */
/* work.c - reading what a background job is asked to do; see work-internal.h. Pure. */
#include <errno.h>

#include "base/json.h"
#include "base/limits.h"
#include "engine/work-internal.h"

#define WORK_ARGS_MAX    1024
#define WORK_SECONDS_MAX 604800 /* a week */
#define WORK_NICE_MAX    19

void work_fini(struct work *w)
{
	strv_fini(&w->argv);
	strv_fini(&w->env);
	strv_fini(&w->limits);
	free(w->cwd);
	*w = (struct work){0};
}

static int wrong(struct err *err, const char *text)
{
	return err_set(err, -EINVAL, "%s", text);
}

/* Strings of an array, appended. */
static int read_strings(const struct js *list, const char *key, struct strv *out, struct err *err)
{
	if (!js_is_array(list) || js_len(list) > WORK_ARGS_MAX)
		return err_set(err, -EINVAL, "%s must be an array of at most %d strings", key,
			WORK_ARGS_MAX);
	for (size_t i = 0; i < js_len(list); i++) {
		const char *text = js_str(js_at(list, i));

		if (text == NULL)
			return err_set(err, -EINVAL, "%s[%zu] must be a string", key, i);
		strv_add(out, text);
	}
	return 0;
}

static int read_argv(const struct js *list, struct strv *argv, struct err *err)
{
	int rc = read_strings(list, "argv", argv, err);

	if (rc == 0 && (argv->n == 0 || argv->v[0][0] == '\0'))
		rc = wrong(err, "argv must begin with a command");
	return rc;
}

static int read_shell(const char *line, struct strv *argv, struct err *err)
{
	if (str_is_empty(line))
		return wrong(err, "shellCommand must be a non-empty string");
	strv_add(argv, "/bin/sh");
	strv_add(argv, "-lc");
	strv_add(argv, line);
	return 0;
}

static int add_tools(const struct js *agent, struct strv *argv, struct err *err)
{
	CLEANUP(strv_fini) struct strv tools = STRV_NULL;
	CLEANUP(buf_fini) struct buf joined = BUF_NULL;
	const struct js *list = js_get(agent, "allowedTools");
	int rc = list == NULL ? 0 : read_strings(list, "agent.allowedTools", &tools, err);

	for (size_t i = 0; rc == 0 && i < tools.n; i++)
		buf_printf(&joined, "%s%s", i == 0 ? "" : ",", tools.v[i]);
	if (rc == 0 && joined.n > 0) {
		strv_add(argv, "--allowedTools");
		strv_add(argv, buf_str(&joined));
	}
	return rc;
}

/* The options are those of Claude Code, which other agents of this kind share. */
static int read_agent(
	const struct js *agent, const struct strv *command, struct strv *argv, struct err *err)
{
	const char *prompt = js_get_str(agent, "prompt");
	const char *model = js_get_str(agent, "model");
	const char *session = js_get_str(agent, "session");
	int rc;

	if (str_is_empty(prompt))
		return wrong(err, "Background agent run prompt must be non-empty.");
	strv_copy(argv, command);
	if (!str_is_empty(model)) {
		strv_add(argv, "--model");
		strv_add(argv, model);
	}
	rc = add_tools(agent, argv, err);
	if (rc == 0 && !str_is_empty(session)) {
		strv_add(argv, "--resume");
		strv_add(argv, session);
	}
	/* Behind "--", so that no prompt is an option. */
	strv_add(argv, "--");
	strv_add(argv, prompt);
	return rc;
}

static int read_target(
	const struct js *doc, const struct strv *agent_command, struct work *w, struct err *err)
{
	const struct js *argv = js_get(doc, "argv");
	const struct js *shell = js_get(doc, "shellCommand");
	const struct js *agent = js_get(doc, "agent");
	int given = (argv != NULL) + (shell != NULL) + (agent != NULL);

	if (given == 0)
		return wrong(err, "Background run must include argv, shellCommand, or agent.");
	if (given > 1)
		return wrong(err,
			"Background run must use exactly one of argv, shellCommand, or agent.");
	if (argv != NULL)
		return read_argv(argv, &w->argv, err);
	if (shell != NULL)
		return read_shell(js_str(shell), &w->argv, err);
	w->is_agent = true;
	return read_agent(agent, agent_command, &w->argv, err);
}

struct members {
	struct strv *out;
	struct err *err;
	int rc;
};

static void read_variable(const char *name, const struct js *value, void *ctx)
{
	struct members *m = ctx;

	if (m->rc != 0)
		return;
	if (name[0] == '\0' || strchr(name, '=') != NULL || js_str(value) == NULL)
		m->rc = err_set(m->err, -EINVAL, "env.%.64s must be a string", name);
	else
		strv_addf(m->out, "%s=%s", name, js_str(value));
}

static void read_limit(const char *name, const struct js *value, void *ctx)
{
	struct members *m = ctx;
	int64_t limit;

	if (m->rc != 0)
		return;
	if (!js_int(value, &limit) || limit < 0)
		m->rc = err_set(m->err, -EINVAL, "limits.%.64s must be a whole number", name);
	else
		strv_addf(m->out, "%s=%lld", name, (long long)limit);
}

static int read_members(const struct js *doc, const char *key,
	void (*fn)(const char *name, const struct js *value, void *ctx), struct strv *out,
	struct err *err)
{
	const struct js *o = js_get(doc, key);
	struct members m = {.out = out, .err = err};

	if (o == NULL)
		return 0;
	if (!js_is_object(o))
		return err_set(err, -EINVAL, "%s must be an object", key);
	js_each(o, fn, &m);
	return m.rc;
}

static int read_number(
	const struct js *doc, const char *key, int64_t max, int64_t *ret, struct err *err)
{
	const struct js *value = js_get(doc, key);

	if (value == NULL)
		return 0;
	if (!js_int(value, ret) || *ret < 0 || *ret > max)
		return err_set(err, -EINVAL, "%s must be a whole number from 0 to %lld", key,
			(long long)max);
	return 0;
}

static int check_lengths(const struct strv *argv, struct err *err)
{
	for (size_t i = 0; i < argv->n; i++)
		if (strlen(argv->v[i]) > WORK_ARG_MAX)
			return err_set(err, -EINVAL,
				"a word of the command (or the prompt) is longer than %zu bytes",
				WORK_ARG_MAX);
	return 0;
}

static int read_work(
	const struct js *doc, const struct strv *agent_command, struct work *w, struct err *err)
{
	const char *cwd = js_get_str(doc, "cwd");
	int64_t seconds = 0, nice = 0;
	int rc;

	if (cwd == NULL || cwd[0] != '/')
		return wrong(err, "cwd must be an absolute path");
	w->cwd = xstrdup(cwd);
	rc = read_target(doc, agent_command, w, err);
	if (rc == 0)
		rc = check_lengths(&w->argv, err);
	if (rc == 0)
		rc = read_members(doc, "env", read_variable, &w->env, err);
	if (rc == 0)
		rc = read_members(doc, "limits", read_limit, &w->limits, err);
	if (rc == 0)
		rc = read_number(doc, "timeoutSeconds", WORK_SECONDS_MAX, &seconds, err);
	if (rc == 0)
		rc = read_number(doc, "nice", WORK_NICE_MAX, &nice, err);
	w->timeout_us = seconds * US_PER_SEC;
	w->nice = (int)nice;
	return rc;
}

int work_parse(
	struct slice json, const struct strv *agent_command, struct work *ret, struct err *err)
{
	CLEANUP(js_freep) struct js *doc = js_parse(json.p == NULL ? "" : json.p, json.n, err);
	struct work w = {0};
	int rc;

	if (doc == NULL)
		return -EINVAL;
	if (!js_is_object(doc))
		return wrong(err, "the request must be a JSON object");
	rc = read_work(doc, agent_command, &w, err);
	if (rc < 0) {
		work_fini(&w);
		return rc;
	}
	*ret = w;
	return 0;
}
