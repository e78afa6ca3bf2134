/* SPDX-License-Identifier: MIT */
/*
 * mcp/ask.c - asking the daemon, and turning its no into words that help an agent on.
 */
#include "base/id.h"
#include "client/client.h"
#include "mcp/mcp_internal.h"

#define TAIL_DEFAULT 50

int tool_fail(struct buf *out, const char *fmt, ...)
{
	va_list ap;

	buf_clear(out);
	va_start(ap, fmt);
	buf_vprintf(out, fmt, ap);
	va_end(ap);
	return TOOL_E_FAILED;
}

static int unreachable(const struct mcp *m, const struct err *why, struct buf *out)
{
	if (why->code == -ENOENT || why->code == -ECONNREFUSED)
		return tool_fail(out,
			"The Pylon daemon is not running (tried %s). Start it with `pylon start` in "
			"a terminal, then call this tool again.",
			m->socket);
	if (why->code == -EACCES || why->code == -EPERM)
		return tool_fail(out,
			"This user may not talk to the Pylon daemon (%s): start both as the same "
			"user.",
			m->socket);
	return tool_fail(out, "The Pylon daemon cannot be reached: %s.", why->text);
}

/* What the daemon said no with (RFC 9457). */
static int refused(const struct client_answer *a, struct buf *out)
{
	CLEANUP(js_freep) struct js *problem = js_parse(a->body.p, a->body.n, NULL);
	const char *text = js_get_str(problem, "detail");

	if (str_is_empty(text))
		text = js_get_str(problem, "title");
	if (str_is_empty(text))
		return tool_fail(out, "The Pylon daemon answered %d.", a->status);
	return tool_fail(out, "%s", text);
}

/* The answer, when it is one of success. */
static int call(const struct mcp *m, const char *method, const char *path, const struct js *body,
	struct client_answer *ret, struct buf *out)
{
	static const char *const is_json[] = {"Content-Type: application/json", NULL};
	CLEANUP(client_closep) struct client *client = NULL;
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	struct err why = CLEAN_ERR;
	int rc = client_open_unix(&client, m->socket, &why);

	if (body != NULL)
		js_write(&text, body);
	if (rc == 0)
		rc = client_call(client, method, path, body == NULL ? NULL : is_json,
			buf_slice(&text), ret, &why);
	if (rc < 0)
		return unreachable(m, &why, out);
	return ret->status >= 200 && ret->status <= 299 ? 0 : refused(ret, out);
}

int ask_daemon(const struct mcp *m, const char *method, const char *path, const struct js *body,
	struct js **ret, struct buf *out, struct err *e)
{
	CLEANUP(client_answer_fini) struct client_answer a = {0};
	CLEANUP(js_freep) struct js *read = NULL;
	int rc = call(m, method, path, body, &a, out);

	if (rc != 0)
		return rc;
	read = js_parse(a.body.p, a.body.n, NULL);
	if (!js_is_object(read))
		return err_set(e, RPC_INTERNAL, "the daemon's answer to %s %s is no JSON object",
			method, path);
	*ret = STEAL(read);
	return 0;
}

int ask_log(const struct mcp *m, const char *area, const struct js *args, struct buf *out)
{
	CLEANUP(client_answer_fini) struct client_answer a = {0};
	CLEANUP(freep) char *path = NULL;
	const char *id;
	int rc = tool_want_id(args, &id, out);

	if (rc != 0)
		return rc;
	path = xasprintf(
		"%s/%s/log?tail=%lld", area, id, (long long)js_get_int(args, "tail", TAIL_DEFAULT));
	rc = call(m, "GET", path, NULL, &a, out);
	if (rc != 0)
		return rc;
	brief_log(out, buf_slice(&a.body), LOG_SHOWN);
	if (out->n == 0)
		buf_add_str(out, "(It has printed nothing so far.)");
	return 0;
}

int tool_want_id(const struct js *args, const char **ret, struct buf *out)
{
	*ret = js_get_str(args, "id");
	if (str_is_empty(*ret))
		return tool_fail(out, "id is missing.");
	if (!id_is_prefix(slice_of(*ret)))
		return tool_fail(out, "id must be an id, or at least its first %d characters.",
			ID_PREFIX_MIN);
	return 0;
}
