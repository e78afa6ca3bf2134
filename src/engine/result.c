/* SPDX-License-Identifier: MIT */
/*
 * result.c - what a run left behind, in the interface's order of precedence:
 *
 *   1. /run/pylon/result.json      2. what it POSTed to its callback URL
 *   3. the last JSON line of its stdout      4. its exit status with the end of its log
 *
 * The container is not trusted: files are opened beneath their folder without following links, and
 * sizes are bounded. A report that cannot be used gives way to the next in the list; when none is
 * left the job failed, for nobody knows whether its agent wanted to say so.
 */
#include <errno.h>
#include <stdio.h>

#include "base/file.h"
#include "base/spool.h"
#include "engine/rundir-internal.h"

#define LOG_EXCERPT 2048 /* bytes of the log that explain a failure */

/* The report of a run: {"status","output":{...},"error"}, or an agent's own final object. */
struct report {
	struct js *doc;
	const struct js *output; /* borrowed from doc; may be NULL */
	bool says_failed;
	struct err unusable; /* of a result.json that is there but cannot be used */
};

/* A parser may say at which words it stumbled. */
static void warn_unusable(const struct live *v, const char *where, const struct err *why)
{
	CLEANUP(buf_fini) struct buf shown = BUF_NULL;

	mask_text(v->mask, slice_of(why->text), &shown);
	log_warn(TAG, "job %.8s: its %s cannot be used: %s", v->job_id.s, where, buf_str(&shown));
}

static bool report_parse(
	struct report *r, const char *p, size_t n, const char *where, const struct live *v)
{
	struct err *err = &r->unusable;
	const char *status;

	r->doc = js_parse(p, n, err);
	if (r->doc != NULL && !js_is_object(r->doc))
		(void)err_set(err, -EINVAL, "it is no JSON object");
	if (err->code != 0) {
		warn_unusable(v, where, err);
		js_free(r->doc);
		r->doc = NULL;
		return false;
	}
	status = js_get_str(r->doc, "status");
	r->output = js_get(r->doc, "output");
	if (status == NULL && r->output == NULL && js_get_str(r->doc, "result") != NULL) {
		r->output = r->doc;
		r->says_failed = js_get_bool(r->doc, "is_error", false);
	} else {
		r->says_failed = !str_eq(status, "completed");
	}
	return true;
}

static bool from_file(struct report *r, struct live *v)
{
	CLEANUP(buf_fini) struct buf dir = BUF_NULL;
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	struct err *err = &r->unusable;
	int rc;

	rundir_path(v->engine, &v->run_id, &dir);
	rc = file_read_beneath(buf_str(&dir), "result.json", RESULT_FILE_MAX, &text, err);
	if (rc == 0)
		return report_parse(r, buf_str(&text), text.n, "result.json", v);
	if (rc == -ENOENT)
		*err = CLEAN_ERR;
	else
		warn_unusable(v, "result.json", err);
	return false;
}

static bool from_callback(struct report *r, struct live *v)
{
	struct run run = {0};
	struct err err = CLEAN_ERR;
	bool found = false;

	if (store_run(v->pylon->db, &v->run_id, &run, &err) == 0 && run.report != NULL)
		found = report_parse(r, run.report, strlen(run.report), "callback", v);
	run_fini(&run);
	return found;
}

/* The last line that is not blank, if it looks like an object. */
static struct slice last_json_line(struct slice text)
{
	struct slice line;

	while (text.n > 0 && strchr(" \t\r\n", text.p[text.n - 1]) != NULL)
		text.n--;
	line = text;
	for (size_t i = text.n; i > 0; i--) {
		if (text.p[i - 1] != '\n')
			continue;
		line = (struct slice){text.p + i, text.n - i};
		break;
	}
	line = slice_trim(line);
	return line.n > 0 && line.p[0] == '{' && line.p[line.n - 1] == '}' ? line : SLICE_NULL;
}

/* Only what is a report counts here: a command may end with any braces it likes. */
static bool from_stdout(struct report *r, struct live *v, const struct runner_exit *x)
{
	struct slice line = last_json_line((struct slice){x->stdout_tail, x->stdout_tail_n});
	struct report found = {0};

	if (line.n == 0)
		return false;
	if (report_parse(&found, line.p, line.n, "last line", v) &&
		(js_get_str(found.doc, "status") != NULL || found.output != NULL)) {
		*r = found;
		return true;
	}
	js_free(found.doc);
	return false;
}

/* The end of the log, made safe to show; appended. */
static void add_excerpt(struct buf *out, const struct live *v)
{
	CLEANUP(buf_fini) struct buf path = BUF_NULL;
	char raw[LOG_EXCERPT];
	uint64_t offset;
	size_t n;

	engine_log_path(v->engine, v->pylon->config->name, &v->job_id, &path);
	offset = spool_tail_offset(buf_str(&path), sizeof(raw));
	n = spool_read(buf_str(&path), &offset, raw, sizeof(raw));
	utf8_clean(out, raw, n);
	while (out->n > 0 && out->p[out->n - 1] == '\n')
		out->p[--out->n] = '\0';
}

static void bound(char *text)
{
	size_t n = text == NULL ? 0 : strlen(text);

	if (n <= RESULT_TEXT_MAX)
		return;
	n = RESULT_TEXT_MAX;
	/* Not inside of a character. */
	while (n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80)
		n--;
	text[n] = '\0';
}

static char *compact(const struct js *j)
{
	struct buf out = BUF_NULL;

	js_write(&out, j);
	return buf_steal(&out);
}

static int64_t count_of(const struct js *usage, const char *key)
{
	return MAX_OF(js_get_int(usage, key, 0), 0);
}

/* The names are those of Anthropic's Messages API; our OpenCode image uses them, too. */
static void take_usage(struct usage *ret, const struct js *usage)
{
	*ret = (struct usage){
		.input_tokens = count_of(usage, "input_tokens"),
		.output_tokens = count_of(usage, "output_tokens"),
		.cache_read_tokens = count_of(usage, "cache_read_input_tokens"),
		.cache_write_tokens = count_of(usage, "cache_creation_input_tokens"),
	};
}

/* What is no name that an environment can carry is none that a reply could continue. */
static char *session_of(const struct js *output)
{
	const char *name = js_get_str(output, "session_id");

	return name != NULL && strlen(name) <= SESSION_ID_MAX ? xstrdup(name) : NULL;
}

static void take_report(struct ending *d, const struct report *r)
{
	const char *text = js_get_str(r->output, "result");
	const char *error = js_get_str(r->doc, "error");

	if (r->output != NULL && js_is_object(r->output)) {
		d->output_json = compact(r->output);
		d->session_id = session_of(r->output);
		d->cost_usd = js_get_real(r->output, "total_cost_usd", 0);
		take_usage(&d->usage, js_get(r->output, "usage"));
	}
	if (text == NULL && js_str(r->output) != NULL)
		text = js_str(r->output);
	if (text != NULL)
		d->result = xstrdup(text);
	else if (d->output_json != NULL)
		d->result = xstrdup(d->output_json);
	if (error != NULL)
		d->error = xstrdup(error);
}

static void set_failed(struct ending *d, const char *reason, const char *fmt, ...) PRINTF(3, 4);

static void set_failed(struct ending *d, const char *reason, const char *fmt, ...)
{
	struct buf text = BUF_NULL;
	va_list ap;

	d->job_state = JOB_FAILED;
	d->reason = reason;
	if (d->error != NULL)
		return;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	d->error = buf_steal(&text);
}

static void set_lost(const struct live *v, const struct runner_exit *x, struct ending *d)
{
	d->job_state = JOB_LOST;
	d->reason = v->pylon->is_runtime ? "process_gone" : "container_gone";
	d->error = xstrdup(
		x->text != NULL ? x->text : "its container disappeared before its result was read");
}

/* What the stop decision, the container and the report together mean. */
static void judge(
	struct live *v, const struct runner_exit *x, const struct report *r, struct ending *d)
{
	d->job_state = JOB_COMPLETED;
	if (v->stop == STOP_CANCEL) {
		d->job_state = JOB_CANCELLED;
		d->reason = "killed";
	} else if (v->stop == STOP_TIMEOUT || x->was_timed_out) {
		/* An agent only knows that something stopped it. */
		str_replace(&d->error, NULL);
		set_failed(d, "timeout", "it ran longer than its time limit and was stopped");
		d->job_state = JOB_TIMED_OUT;
	} else if (v->is_shutdown) {
		set_failed(d, "interrupted", "it was stopped together with the daemon");
	} else if (x->was_oom_killed) {
		set_failed(d, "oom", "it needed more memory than its limit");
	} else if (x->is_gone && r->doc == NULL) {
		set_lost(v, x, d);
	} else if (x->was_interrupted) {
		set_failed(d, "interrupted", "the container engine stopped it");
	} else if (r->says_failed) {
		set_failed(d, "agent", "the agent reported a failure without a text");
	} else if (!x->is_gone && x->exit_code != 0 && x->text != NULL) {
		set_failed(d, "never_started", "%s", x->text);
	} else if (!x->is_gone && x->exit_code != 0) {
		set_failed(d, "exit_status", "it ended with status %d", x->exit_code);
	} else if (r->doc == NULL && r->unusable.code != 0) {
		set_failed(d, "bad_result", "its report cannot be used: %s", r->unusable.text);
	}
}

void mask_json(struct mask *m, struct slice text, struct buf *out)
{
	CLEANUP(js_freep) struct js *doc = NULL;

	mask_text(m, text, out);
	/* A secret that was found in a number leaves no JSON behind. */
	doc = js_parse(buf_str(out), out->n, NULL);
	if (doc != NULL)
		return;
	buf_clear(out);
	buf_add_str(out, "{}");
}

static void hide_secrets(struct mask *m, struct ending *d)
{
	if (m == NULL)
		return;
	mask_replace(m, &d->result);
	mask_replace(m, &d->error);
	mask_replace(m, &d->session_id);
	if (d->output_json != NULL) {
		struct buf masked = BUF_NULL;

		mask_json(m, slice_of(d->output_json), &masked);
		free(d->output_json);
		d->output_json = buf_steal(&masked);
	}
}

void result_gather(struct live *v, const struct runner_exit *x, struct ending *d)
{
	struct report r = {0};
	CLEANUP(buf_fini) struct buf excerpt = BUF_NULL;
	bool found = from_file(&r, v) || from_callback(&r, v) || from_stdout(&r, v, x);

	d->run_state = x->is_gone ? RUN_LOST : RUN_EXITED;
	d->exit_code = x->is_gone ? -1 : x->exit_code;
	if (found)
		take_report(d, &r);
	judge(v, x, &r, d);
	if (!found)
		add_excerpt(&excerpt, v);
	if (excerpt.n > 0 && d->job_state == JOB_COMPLETED) {
		d->result = xstrdup(buf_str(&excerpt));
	} else if (excerpt.n > 0 && str_eq(d->reason, "exit_status")) {
		char *full = xasprintf("%s\n%s", d->error, buf_str(&excerpt));

		free(d->error);
		d->error = full;
	}
	/* In this order: of a secret that is cut in two, neither half is found. */
	hide_secrets(v->mask, d);
	bound(d->result);
	bound(d->error);
	js_free(r.doc);
}
