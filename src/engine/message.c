/* SPDX-License-Identifier: MIT */
/*
 * message.c - words for people: rendered templates and the JSON of a delivery.
 *
 * A delivery row carries everything that is to be told, so that it can be sent after a restart and
 * after its job's configuration changed.
 */
#include "calendar/instant.h"
#include "engine/engine-internal.h"

#define TOPIC_MAX 256

struct lookup {
	const struct job *job;
	const struct event_record *event;
	struct js *headers;
};

static bool add_text(struct buf *out, const char *text)
{
	if (text == NULL)
		return false;
	buf_add_str(out, text);
	return true;
}

static bool lookup_job(const struct job *j, struct slice name, struct buf *out)
{
	char when[INSTANT_SIZE];

	if (slice_eq_str(name, "id"))
		return add_text(out, j->id.s);
	if (slice_eq_str(name, "pylon"))
		return add_text(out, j->pylon);
	if (slice_eq_str(name, "attempt")) {
		buf_printf(out, "%d", j->attempt);
		return true;
	}
	if (slice_eq_str(name, "created_at")) {
		instant_print(j->created_at, when);
		return add_text(out, when);
	}
	return false;
}

/* Value of a query parameter as sent (not decoded: it is data, shown as it came). */
static bool lookup_query(const char *query, struct slice name, struct buf *out)
{
	const char *at = query;

	while (at != NULL && *at != '\0') {
		const char *end = strchrnul(at, '&');
		const char *eq = memchr(at, '=', (size_t)(end - at));

		if (eq != NULL && slice_eq((struct slice){at, (size_t)(eq - at)}, name)) {
			buf_add(out, eq + 1, (size_t)(end - eq - 1));
			return true;
		}
		at = *end == '\0' ? end : end + 1;
	}
	return false;
}

static struct slice behind(struct slice path, const char *prefix)
{
	size_t n = strlen(prefix);

	return (struct slice){path.p + n, path.n - n};
}

static bool lookup_value(void *ctx, struct slice path, struct buf *out)
{
	struct lookup *l = ctx;
	CLEANUP(freep) char *name = NULL;

	if (slice_has_prefix(path, "job."))
		return lookup_job(l->job, behind(path, "job."), out);
	if (slice_has_prefix(path, "query."))
		return lookup_query(l->event->query, behind(path, "query."), out);
	if (slice_eq_str(path, "event.source"))
		return add_text(out, l->event->source);
	if (!slice_has_prefix(path, "headers.") || str_is_empty(l->event->headers_json))
		return false;
	if (l->headers == NULL)
		l->headers = js_parse(l->event->headers_json, strlen(l->event->headers_json), NULL);
	name = slice_dup(behind(path, "headers."));
	return add_text(out, js_get_str(l->headers, name));
}

void message_render(struct buf *out, const struct template *t, const struct job *j,
	const struct event_record *ev, size_t max)
{
	struct lookup l = {.job = j, .event = ev};
	struct scan body = SCAN_NULL_INDEX;
	struct template_input in = {.lookup = lookup_value, .ctx = &l};
	struct err err = CLEAN_ERR;

	if (t == NULL)
		return;
	if (scan_parse(&body, ev->body, ev->body_n, &err) == 0)
		in.body = &body;
	if (template_render(t, &in, max, out) == TEMPLATE_E_TOO_LONG)
		log_warn(TAG, "job %.8s: a rendered text was cut at %zu bytes", j->id.s, max);
	js_free(l.headers);
	scan_fini(&body);
}

bool pylon_tells(const struct pylon *p, enum job_state s)
{
	return p->config->on.n == 0 || strv_has(&p->config->on, job_state_name(s));
}

static struct js *job_js(const struct job *j)
{
	struct js *o = js_object();

	js_set_str(o, "id", j->id.s);
	js_set_str(o, "pylon", j->pylon);
	js_set_str(o, "state", job_state_name(j->state));
	js_set_str(o, "reason", j->reason);
	js_set_int(o, "attempt", j->attempt);
	if (j->exit_code >= 0)
		js_set_int(o, "exit_code", j->exit_code);
	else
		js_set_null(o, "exit_code");
	js_set_str(o, "session_id", j->session_id);
	js_set_real(o, "total_cost_usd", j->cost_usd);
	js_set_str(o, "error", j->error);
	if (j->finished_at > 0 && j->started_at > 0)
		js_set_int(o, "duration_ms", (j->finished_at - j->started_at) / US_PER_MS);
	else
		js_set_null(o, "duration_ms");
	return o;
}

char *message_json(const char *kind, const struct pylon *p, const struct job *j,
	const struct event_record *ev, struct slice text)
{
	CLEANUP(js_freep) struct js *o = js_object();
	CLEANUP(buf_fini) struct buf topic = BUF_NULL;
	struct buf out = BUF_NULL;

	message_render(&topic, p->config->topic, j, ev, TOPIC_MAX);
	if (topic.n == 0)
		buf_printf(&topic, "%s -- %.8s", p->config->name, j->id.s);
	js_set_str(o, "kind", kind);
	js_set_take(o, "job", job_js(j));
	js_set_strn(o, "topic", topic.p, topic.n);
	js_set_strn(o, "text", text.p == NULL ? "" : text.p, text.n);
	js_write(&out, o);
	return buf_steal(&out);
}
