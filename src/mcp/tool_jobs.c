/* SPDX-License-Identifier: MIT */
/*
 * mcp/tool_jobs.c - pylons and their jobs.
 */
#include "base/id.h"
#include "mcp/mcp_internal.h"

/* Appends "&key=value" of an argument that was given. Its values need no escape: they are names,
 * words and digits. */
static void add_query(struct buf *path, const struct js *args, const char *key)
{
	const char *text = js_get_str(args, key);

	if (!str_is_empty(text))
		buf_printf(path, "&%s=%s", key, text);
}

static int check_query(const struct js *args, struct buf *out)
{
	const char *pylon = js_get_str(args, "pylon");
	const char *before = js_get_str(args, "before");
	uint64_t at;

	if (!str_is_empty(pylon) && !name_is_valid(slice_of(pylon)))
		return tool_fail(out, "There is no pylon of that name.");
	if (!str_is_empty(before) && !slice_to_u64(slice_of(before), INT64_MAX, &at))
		return tool_fail(out, "before must be what the page before called next.");
	return 0;
}

static void write_jobs(const struct js *answer, struct buf *out)
{
	static const char *const keys[] = {"id", "pylon", "state", "reason", "created_at",
		"finished_at", "exit_code", "result", "error", "waiting", NULL};
	static const char *const next[] = {"next", NULL};
	CLEANUP(js_freep) struct js *brief = js_object();
	const struct js *all = js_get(answer, "items");
	struct js *items = js_array();

	for (size_t i = 0; i < js_len(all); i++) {
		struct js *o = js_object();

		brief_copy(o, js_at(all, i), keys, LIST_TEXT_SHOWN);
		js_add_take(items, o);
	}
	js_set_take(brief, "items", items);
	brief_copy(brief, answer, next, LIST_TEXT_SHOWN);
	js_write(out, brief);
}

int tool_list_jobs(const struct mcp *m, const struct js *args, struct buf *out, struct err *e)
{
	CLEANUP(buf_fini) struct buf path = BUF_NULL;
	CLEANUP(js_freep) struct js *answer = NULL;
	int rc = check_query(args, out);

	if (rc != 0)
		return rc;
	buf_printf(&path, JOBS "?limit=%lld", (long long)js_get_int(args, "limit", LIST_SHOWN));
	add_query(&path, args, "pylon");
	add_query(&path, args, "state");
	add_query(&path, args, "before");
	rc = ask_daemon(m, "GET", buf_str(&path), NULL, &answer, out, e);
	if (rc == 0)
		write_jobs(answer, out);
	return rc;
}

int tool_job_log(const struct mcp *m, const struct js *args, struct buf *out, struct err *e)
{
	(void)e;
	return ask_log(m, JOBS, args, out);
}

int tool_trigger_pylon(const struct mcp *m, const struct js *args, struct buf *out, struct err *e)
{
	static const char *const keys[] = {"job_id", "status", "reason", NULL};
	const char *name = js_get_str(args, "name");
	CLEANUP(js_freep) struct js *nothing = js_object();
	CLEANUP(js_freep) struct js *brief = js_object();
	CLEANUP(js_freep) struct js *answer = NULL;
	CLEANUP(freep) char *path = NULL;
	const struct js *payload = js_get(args, "payload");
	int rc;

	if (!name_is_valid(slice_of(name)))
		return tool_fail(out, "There is no pylon of that name.");
	path = xasprintf("/api/pylons/%s/trigger", name);
	rc = ask_daemon(m, "POST", path, payload == NULL ? nothing : payload, &answer, out, e);
	if (rc != 0)
		return rc;
	brief_copy(brief, answer, keys, TEXT_SHOWN);
	js_write(out, brief);
	return 0;
}
