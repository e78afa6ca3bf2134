/* SPDX-License-Identifier: MIT */
/*
 * report.c - what a running agent tells us over HTTP: its result (callback) and its tool events
 * (hooks). The secret in the URL belongs to one run and is dead at its end; a wrong one, a wrong
 * job and a finished run all look the same from outside: 404.
 */
#include <ctype.h>

#include "engine/engine-internal.h"

#define TOOL_LINE_MAX 240

struct report_task {
	struct store_report op;
	struct engine *engine;
	char *body;
	engine_answer_fn *fn;
	void *ctx;
};

static void answer_not_found(engine_answer_fn *fn, void *ctx)
{
	struct answer a;

	answer_refuse(&a, 404, "not_found", "no such run is waiting for this");
	fn(ctx, &a);
}

/* The living run of this job whose secret this is. */
static struct live *authorize(struct engine *e, struct slice job_id, struct slice token)
{
	char hash[SHA256_HEX_SIZE];

	sha256_hex(token.p, token.n, hash);
	list_foreach (it, &e->live) {
		struct live *v = list_entry(it, struct live, node);

		if (!v->is_finishing && slice_eq_str(job_id, v->job_id.s) &&
			crypto_equal(hash, v->token_sha256, sizeof(hash)))
			return v;
	}
	return NULL;
}

/* Written anew, so that no secret hides behind escapes that nothing asked for. */
static char *masked_report(struct mask *m, const struct js *doc)
{
	CLEANUP(buf_fini) struct buf plain = BUF_NULL;
	struct buf masked = BUF_NULL;

	js_write(&plain, doc);
	mask_json(m, buf_slice(&plain), &masked);
	return buf_steal(&masked);
}

static void warn_no_json(const struct live *v, const struct err *why)
{
	CLEANUP(buf_fini) struct buf shown = BUF_NULL;

	mask_text(v->mask, slice_of(why->text), &shown);
	log_warn(TAG, "job %.8s: its callback is not JSON: %s", v->job_id.s, buf_str(&shown));
}

static void report_done(struct store_op *op, int rc, const struct err *err)
{
	struct report_task *t = container_of(op, struct report_task, op.op);
	struct answer a = {.status = 200, .outcome = "ok"};

	if (rc < 0) {
		log_error(TAG, "job %.8s: its report was not kept: %s", t->op.job_id.s,
			err == NULL ? "?" : err->text);
		answer_store_failure(&a, rc);
	} else if (rc != 0) {
		answer_refuse(&a, 404, "not_found", "no such run is waiting for this");
	} else {
		(void)str_copy(a.job_id, sizeof(a.job_id), t->op.job_id.s);
	}
	t->fn(t->ctx, &a);
	free(t->body);
	free(t);
}

void engine_report(struct engine *e, struct slice job_id, struct slice token, struct slice body,
	engine_answer_fn *fn, void *ctx)
{
	struct live *v = authorize(e, job_id, token);
	CLEANUP(js_freep) struct js *doc = NULL;
	struct err err = CLEAN_ERR;
	struct report_task *t;
	struct answer a;

	if (v == NULL) {
		answer_not_found(fn, ctx);
		return;
	}
	doc = js_parse(body.p == NULL ? "" : body.p, body.n, &err);
	if (doc == NULL) {
		warn_no_json(v, &err);
		answer_refuse(&a, 400, "invalid_json", "%.150s", err.text);
		fn(ctx, &a);
		return;
	}
	/* It would take the place of an earlier one that counts. */
	if (!js_is_object(doc)) {
		answer_refuse(&a, 400, "not_object", "a result is a JSON object");
		fn(ctx, &a);
		return;
	}
	t = xcalloc_held(1, sizeof(*t));
	t->engine = e;
	t->body = masked_report(v->mask, doc);
	t->fn = fn;
	t->ctx = ctx;
	t->op.job_id = v->job_id;
	memcpy(t->op.token_sha256, v->token_sha256, sizeof(t->op.token_sha256));
	t->op.report = slice_of(t->body);
	t->op.op.done = report_done;
	store_report(v->pylon->db, &t->op);
}

/* --- tool events --- */

struct tool_words {
	const char *tool;
	const char *format; /* one %s */
	const char *keys[2];
};

static const struct tool_words tool_table[] = {
	{"bash", "$ %s", {"command", NULL}},
	{"edit", "Editing %s", {"file_path", "filePath"}},
	{"multiedit", "Editing %s", {"file_path", "filePath"}},
	{"write", "Writing %s", {"file_path", "filePath"}},
	{"read", "Reading %s", {"file_path", "filePath"}},
	{"glob", "Glob %s", {"pattern", NULL}},
	{"grep", "Grep %s", {"pattern", NULL}},
};

static const char *first_of(const struct js *input, const char *const keys[2])
{
	const char *value = js_get_str(input, keys[0]);

	if (value == NULL && keys[1] != NULL)
		value = js_get_str(input, keys[1]);
	return value == NULL ? "" : value;
}

/* One line for people; appended. */
static void describe_tool(struct buf *out, const struct js *doc)
{
	const char *name = js_get_str(doc, "tool_name");
	const struct js *input = js_get(doc, "tool_input");

	if (str_is_empty(name))
		return;
	for (size_t i = 0; i < ARRAY_LEN(tool_table); i++) {
		const struct tool_words *w = &tool_table[i];
		const char *mark = strstr(w->format, "%s");

		if (strcasecmp(name, w->tool) != 0)
			continue;
		buf_add(out, w->format, (size_t)(mark - w->format));
		buf_add_str(out, first_of(input, w->keys));
		return;
	}
	buf_add_str(out, name);
}

/* On one line, bounded, safe to show; nothing secret is cut in two before it is found. */
static char *tool_line(const struct live *v, const struct js *doc)
{
	CLEANUP(buf_fini) struct buf raw = BUF_NULL;
	CLEANUP(buf_fini) struct buf shown = BUF_NULL;
	struct buf line = BUF_NULL;

	describe_tool(&raw, doc);
	for (size_t i = 0; i < raw.n; i++)
		if (raw.p[i] == '\n')
			raw.p[i] = ' ';
	mask_text(v->mask, buf_slice(&raw), &shown);
	utf8_clean(&line, buf_str(&shown), MIN_OF(shown.n, TOOL_LINE_MAX));
	return buf_steal(&line);
}

void engine_tool_event(struct engine *e, struct slice job_id, struct slice token, struct slice body,
	engine_answer_fn *fn, void *ctx)
{
	struct live *v = authorize(e, job_id, token);
	CLEANUP(js_freep) struct js *doc = NULL;
	CLEANUP(freep) char *line = NULL;
	struct answer a = {.status = 200, .outcome = "ok"};

	if (v == NULL) {
		answer_not_found(fn, ctx);
		return;
	}
	doc = js_parse(body.p == NULL ? "" : body.p, body.n, NULL);
	line = tool_line(v, doc);
	if (*line != '\0') {
		progress_add(&v->progress, loop_real(e->loop), line);
		live_note(v, line);
	}
	fn(ctx, &a);
}
