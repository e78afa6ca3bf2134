/* SPDX-License-Identifier: MIT */
/*
 * mcp/tool_work.c - background commands and subagents: the same work to the daemon, started with
 * different words.
 */
#include <unistd.h>

#include "mcp/mcp_internal.h"

/* The list of the daemon has both kinds; so many rows of it are looked through. */
#define LIST_ASKED LIST_LIMIT_MAX

/* What one of the two tools does in its own way. */
struct work_kind {
	const char *name; /* the daemon's */
	int (*describe)(const struct js *args, struct js *body, struct buf *out);
};

static const char *given(const struct js *args, const char *key)
{
	const char *text = js_get_str(args, key);

	return str_is_empty(text) ? NULL : text;
}

static void copy_given(struct js *to, const char *as, const struct js *args, const char *key)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;

	if (js_get(args, key) == NULL)
		return;
	js_write(&text, js_get(args, key));
	js_set_json(to, as, buf_str(&text));
}

/* --- start --- */

/* A daemon has no working directory that would mean anything to the caller: ours is taken. */
static int set_cwd(struct js *body, const char *cwd, struct buf *out)
{
	CLEANUP(freep) char *here = cwd != NULL && cwd[0] == '/' ? NULL : getcwd(NULL, 0);
	CLEANUP(freep) char *joined = NULL;

	if (cwd != NULL && cwd[0] == '/') {
		js_set_str(body, "cwd", cwd);
		return 0;
	}
	if (here == NULL)
		return tool_fail(out, "cwd is missing: the folder of this session is gone.");
	if (cwd != NULL)
		joined = xasprintf("%s/%s", here, cwd);
	js_set_str(body, "cwd", joined == NULL ? here : joined);
	return 0;
}

static int start(const struct mcp *m, const struct work_kind *kind, const struct js *args,
	struct buf *out, struct err *e)
{
	static const char *const keys[] = {"logPath", NULL};
	CLEANUP(js_freep) struct js *body = js_object();
	CLEANUP(js_freep) struct js *answer = NULL;
	CLEANUP(js_freep) struct js *brief = js_object();
	int rc = kind->describe(args, body, out);

	if (rc == 0)
		rc = set_cwd(body, given(args, "cwd"), out);
	if (rc != 0)
		return rc;
	if (given(args, "name") != NULL)
		js_set_str(body, "taskSlug", given(args, "name"));
	rc = ask_daemon(m, "POST", EXECUTIONS, body, &answer, out, e);
	if (rc != 0)
		return rc;
	if (js_get_str(answer, "runId") == NULL)
		return err_set(e, RPC_INTERNAL, "the daemon started something without an id");
	js_set_str(brief, "id", js_get_str(answer, "runId"));
	brief_copy(brief, answer, keys, TEXT_SHOWN);
	js_write(out, brief);
	return 0;
}

static int describe_command(const struct js *args, struct js *body, struct buf *out)
{
	const char *command = given(args, "command");
	bool has_argv = js_len(js_get(args, "argv")) > 0;

	if ((command != NULL) == has_argv)
		return tool_fail(out,
			has_argv ? "Give either command or argv, not both."
				 : "command is missing: a line for the shell (or argv: a list).");
	copy_given(body, has_argv ? "argv" : "shellCommand", args, has_argv ? "argv" : "command");
	copy_given(body, "timeoutSeconds", args, "timeoutSeconds");
	return 0;
}

static int describe_agent(const struct js *args, struct js *body, struct buf *out)
{
	struct js *agent;

	if (given(args, "prompt") == NULL)
		return tool_fail(out, "prompt is missing: what the subagent is to do.");
	agent = js_object();
	copy_given(agent, "prompt", args, "prompt");
	if (given(args, "model") != NULL)
		copy_given(agent, "model", args, "model");
	copy_given(agent, "allowedTools", args, "allowedTools");
	js_set_take(body, "agent", agent);
	return 0;
}

static const struct work_kind commands = {"background-command", describe_command};
static const struct work_kind subagents = {"subagent", describe_agent};

/* --- looking --- */

static int list(const struct mcp *m, const struct work_kind *kind, const struct js *args,
	struct buf *out, struct err *e)
{
	static const char *const keys[] = {"id", "status", "taskSlug", "command", "prompt",
		"createdAt", "endedAt", "exitCode", "error", NULL};
	CLEANUP(freep) char *path = xasprintf(EXECUTIONS "?limit=%d", LIST_ASKED);
	CLEANUP(js_freep) struct js *answer = NULL;
	CLEANUP(js_freep) struct js *brief = js_object();
	size_t wanted = (size_t)js_get_int(args, "limit", LIST_SHOWN);
	struct js *items = js_array();
	const struct js *all;
	int rc;

	js_set_take(brief, "items", items);
	rc = ask_daemon(m, "GET", path, NULL, &answer, out, e);
	if (rc != 0)
		return rc;
	all = js_get(answer, "items");
	for (size_t i = 0; i < js_len(all) && js_len(items) < wanted; i++) {
		struct js *o;

		if (!str_eq(js_get_str(js_at(all, i), "kind"), kind->name))
			continue;
		o = js_object();
		brief_copy(o, js_at(all, i), keys, LIST_TEXT_SHOWN);
		js_add_take(items, o);
	}
	js_write(out, brief);
	return 0;
}

static int get(const struct mcp *m, const struct js *args, struct buf *out, struct err *e)
{
	static const char *const keys[] = {"id", "kind", "status", "reason", "taskSlug", "command",
		"prompt", "cwd", "createdAt", "startedAt", "endedAt", "durationMs", "exitCode",
		"result", "error", "sessionId", "total_cost_usd", "logPath", NULL};
	CLEANUP(js_freep) struct js *answer = NULL;
	CLEANUP(js_freep) struct js *brief = NULL;
	CLEANUP(freep) char *path = NULL;
	const char *id;
	int rc = tool_want_id(args, &id, out);

	if (rc != 0)
		return rc;
	path = xasprintf(EXECUTIONS "/%s", id);
	rc = ask_daemon(m, "GET", path, NULL, &answer, out, e);
	if (rc != 0)
		return rc;
	brief = js_object();
	brief_copy(brief, answer, keys, TEXT_SHOWN);
	js_write(out, brief);
	return 0;
}

/* --- acting --- */

/* The daemon may also say no within an answer of success. */
static int tell_done(const struct js *answer, struct buf *out)
{
	static const char *const keys[] = {"cancelled", "sourceRunId", "logPath", NULL};
	CLEANUP(js_freep) struct js *brief = js_object();
	const char *reason = js_get_str(answer, "reason");

	if (!js_get_bool(answer, "cancelled", true) || !js_get_bool(answer, "accepted", true))
		return tool_fail(out, "%s", reason == NULL ? "The daemon did not do it." : reason);
	js_set_str(brief, "id", js_get_str(answer, "runId"));
	brief_copy(brief, answer, keys, TEXT_SHOWN);
	js_write(out, brief);
	return 0;
}

static int act(const struct mcp *m, const char *verb, const struct js *body, const struct js *args,
	struct buf *out, struct err *e)
{
	CLEANUP(js_freep) struct js *answer = NULL;
	CLEANUP(freep) char *path = NULL;
	const char *id;
	int rc = tool_want_id(args, &id, out);

	if (rc != 0)
		return rc;
	path = xasprintf(EXECUTIONS "/%s/%s", id, verb);
	rc = ask_daemon(m, "POST", path, body, &answer, out, e);
	return rc != 0 ? rc : tell_done(answer, out);
}

/* Who decided is remembered. */
static int cancel(const struct mcp *m, const struct js *args, struct buf *out, struct err *e)
{
	CLEANUP(js_freep) struct js *body = js_object();

	js_set_str(body, "by", "agent (mcp)");
	return act(m, "cancel", body, args, out, e);
}

static int follow_up(const struct mcp *m, const struct js *args, struct buf *out, struct err *e)
{
	CLEANUP(js_freep) struct js *body = js_object();

	if (given(args, "prompt") != NULL)
		copy_given(body, "prompt", args, "prompt");
	return act(m, "follow-up", body, args, out, e);
}

static int do_work(const struct mcp *m, const struct work_kind *kind, const struct js *args,
	struct buf *out, struct err *e)
{
	const char *action = js_get_str(args, "action");

	if (str_eq(action, "start"))
		return start(m, kind, args, out, e);
	if (str_eq(action, "list"))
		return list(m, kind, args, out, e);
	if (str_eq(action, "get"))
		return get(m, args, out, e);
	if (str_eq(action, "logs"))
		return ask_log(m, EXECUTIONS, args, out);
	if (str_eq(action, "cancel"))
		return cancel(m, args, out, e);
	if (str_eq(action, "follow_up"))
		return follow_up(m, args, out, e);
	must(str_eq(action, "rerun"));
	return act(m, "rerun", NULL, args, out, e);
}

int tool_background_command(
	const struct mcp *m, const struct js *args, struct buf *out, struct err *e)
{
	return do_work(m, &commands, args, out, e);
}

int tool_subagent(const struct mcp *m, const struct js *args, struct buf *out, struct err *e)
{
	return do_work(m, &subagents, args, out, e);
}
