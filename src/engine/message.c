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

/* The rendered text may be cut: half a prompt is said in the log, not kept back. */
bool message_render(struct buf *out, const struct template *t, const struct job *j,
	const struct event_record *ev, size_t max)
{
	char created[INSTANT_SIZE], received[INSTANT_SIZE];
	struct template_event event = {
		.body = {ev->body, ev->body_n},
		.headers_json = ev->headers_json,
		.query = ev->query,
		.job_id = j->id.s,
		.pylon = j->pylon,
		.created_at = created,
		.attempt = j->attempt,
		.source = ev->source,
		.received_at = received,
		.delivery_id = j->delivery_id,
	};
	int r;

	if (t == NULL)
		return true;
	instant_print(j->created_at, created);
	instant_print(ev->received_at, received);
	r = template_render(t, &event, max, out);
	if (r == TEMPLATE_E_TOO_LONG)
		log_warn(TAG, "job %.8s: a rendered text was cut at %zu bytes", j->id.s, max);
	else if (r == TEMPLATE_E_TOO_MUCH)
		log_warn(TAG, "job %.8s: a rendered text was cut: its template does too much",
			j->id.s);
	return r == 0;
}

bool config_tells(const struct pylon_config *c, enum job_state s)
{
	return c->on.n == 0 || strv_has(&c->on, job_state_name(s));
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

/* A template may show what the sender's event holds, and that may be a secret of ours, or the
 * beginning of one where the text was cut. */
static void add_told(struct js *o, const char *key, struct mask *m, struct told t)
{
	CLEANUP(mask_stream_fini) struct mask_stream s = {.mask = m};
	CLEANUP(buf_fini) struct buf shown = BUF_NULL;

	mask_feed(&s, t.text, &shown);
	if (!t.is_cut)
		mask_flush(&s, &shown);
	js_set_strn(o, key, buf_str(&shown), shown.n);
}

char *message_json(const char *kind, const struct pylon_config *c, const struct job *j,
	const struct event_record *ev, struct told text)
{
	CLEANUP(js_freep) struct js *o = js_object();
	CLEANUP(mask_unrefp) struct mask *mask = mask_new(&c->secrets_known);
	CLEANUP(buf_fini) struct buf topic = BUF_NULL;
	struct buf out = BUF_NULL;
	bool is_cut;

	is_cut = !message_render(&topic, c->topic, j, ev, TOPIC_MAX);
	if (topic.n == 0)
		buf_printf(&topic, "%s -- %.8s", c->name, j->id.s);
	js_set_str(o, "kind", kind);
	js_set_take(o, "job", job_js(j));
	add_told(o, "topic", mask, (struct told){buf_slice(&topic), is_cut});
	add_told(o, "text", mask, text);
	js_write(&out, o);
	return buf_steal(&out);
}
