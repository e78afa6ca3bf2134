/* SPDX-License-Identifier: MIT */
/*
 * api/job_json.c - records as JSON. Keys are only ever added.
 *
 * Times are RFC 3339 or null. In lists a long text is cut and a long output left out, so that a
 * page stays small whatever agents write; "truncated" says so.
 */
#include "api/api-internal.h"

const char *pylon_label(const char *pylon)
{
	return str_eq(pylon, RUNTIME_NAME) ? NULL : pylon;
}

static size_t cut_at(const char *text, size_t max)
{
	size_t n = strlen(text);

	if (n <= max)
		return n;
	/* Never inside a character. */
	n = max;
	while (n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80)
		n--;
	return n;
}

bool cut_text_json(struct js *o, const char *key, const char *text, bool is_whole)
{
	size_t n;

	if (text == NULL) {
		js_set_null(o, key);
		return false;
	}
	n = is_whole ? strlen(text) : cut_at(text, API_LIST_TEXT_MAX);
	js_set_strn(o, key, text, n);
	return text[n] != '\0';
}

static bool set_output(struct js *o, const struct job *j, bool is_whole)
{
	bool is_long = j->output_json != NULL && strlen(j->output_json) > API_LIST_TEXT_MAX;

	js_set_json(o, "output", is_long && !is_whole ? NULL : j->output_json);
	return is_long && !is_whole;
}

static void set_exit_code(struct js *o, int exit_code)
{
	if (exit_code < 0)
		js_set_null(o, "exit_code");
	else
		js_set_int(o, "exit_code", exit_code);
}

static void set_duration(struct js *o, int64_t started_at, int64_t finished_at)
{
	if (started_at == 0 || finished_at < started_at)
		js_set_null(o, "duration_ms");
	else
		js_set_int(o, "duration_ms", (finished_at - started_at) / US_PER_MS);
}

static void set_waiting(struct js *o, struct api *a, const struct job *j)
{
	CLEANUP(buf_fini) struct buf why = BUF_NULL;

	if (j->state == JOB_QUEUED)
		engine_waiting_reason(a->o.engine, j, &why);
	js_set_str(o, "waiting", why.n == 0 ? NULL : buf_str(&why));
}

struct js *usage_json(const struct usage *u)
{
	struct js *o = js_object();

	js_set_int(o, "input_tokens", u->input_tokens);
	js_set_int(o, "output_tokens", u->output_tokens);
	js_set_int(o, "cache_read_tokens", u->cache_read_tokens);
	js_set_int(o, "cache_write_tokens", u->cache_write_tokens);
	return o;
}

void spent_json(struct js *o, double cost_usd, const struct usage *u)
{
	js_set_real(o, "total_cost_usd", cost_usd);
	js_set_take(o, "usage", usage_json(u));
}

struct js *job_json(struct api *a, const struct job *j, bool is_whole)
{
	struct js *o = js_object();
	bool is_cut = false;

	js_set_str(o, "id", j->id.s);
	js_set_str(o, "pylon", pylon_label(j->pylon));
	js_set_str(o, "state", job_state_name(j->state));
	js_set_str(o, "reason", j->reason);
	js_set_str(o, "source", j->source);
	js_set_str(o, "delivery_id", j->delivery_id);
	js_set_int(o, "attempt", j->attempt);
	js_set_time(o, "created_at", j->created_at);
	js_set_time(o, "queued_at", j->queued_at);
	js_set_time(o, "not_before", j->not_before);
	js_set_time(o, "expires_at", j->expires_at);
	js_set_time(o, "started_at", j->started_at);
	js_set_time(o, "finished_at", j->finished_at);
	set_duration(o, j->started_at, j->finished_at);
	set_exit_code(o, j->exit_code);
	is_cut |= cut_text_json(o, "result", j->result, is_whole);
	is_cut |= set_output(o, j, is_whole);
	js_set_str(o, "session_id", j->session_id);
	spent_json(o, j->cost_usd, &j->usage);
	is_cut |= cut_text_json(o, "error", j->error, is_whole);
	js_set_str(o, "decided_by", j->decided_by);
	set_waiting(o, a, j);
	if (!is_whole)
		js_set_bool(o, "truncated", is_cut);
	return o;
}

struct js *run_json(const struct run *r)
{
	struct js *o = js_object();

	js_set_str(o, "id", r->id.s);
	js_set_int(o, "attempt", r->attempt);
	js_set_str(o, "state", run_state_name(r->state));
	js_set_str(o, "reason", r->reason);
	set_exit_code(o, r->exit_code);
	spent_json(o, r->cost_usd, &r->usage);
	js_set_str(o, "handle", r->handle);
	js_set_str(o, "image", r->image);
	js_set_time(o, "created_at", r->created_at);
	js_set_time(o, "started_at", r->started_at);
	js_set_time(o, "finished_at", r->finished_at);
	set_duration(o, r->started_at, r->finished_at);
	if (r->timeout_us > 0)
		js_set_int(o, "timeout_ms", r->timeout_us / US_PER_MS);
	else
		js_set_null(o, "timeout_ms");
	return o;
}

struct js *delivery_json(const struct delivery *d, const char *pylon)
{
	struct js *o = js_object();

	js_set_str(o, "id", d->id.s);
	js_set_str(o, "job_id", d->job_id.s);
	if (pylon != NULL)
		js_set_str(o, "pylon", pylon_label(pylon));
	js_set_str(o, "kind", d->kind);
	js_set_str(o, "channel", d->channel);
	js_set_str(o, "state", delivery_state_name(d->state));
	js_set_int(o, "attempt", d->attempt);
	js_set_bool(o, "may_repeat", d->may_repeat);
	js_set_time(o, "due_at", d->due_at);
	js_set_time(o, "created_at", d->created_at);
	js_set_time(o, "sent_at", d->sent_at);
	js_set_str(o, "error", d->error);
	return o;
}

struct js *event_json(const struct event_record *ev)
{
	struct js *o = js_object();

	js_set_str(o, "source", ev->source);
	js_set_time(o, "received_at", ev->received_at);
	js_set_json(o, "headers", ev->headers_json);
	return o;
}
