/* SPDX-License-Identifier: MIT */
/*
 * api/lines_types.c - what a line asks for, and the request types that are not about runs.
 *
 * What this version has nothing behind (scheduled tasks, conversations, the companion server) is
 * answered in the documented shape with the truth in it, so that a client goes on without it.
 */
#include <ctype.h>
#include <unistd.h>

#include "api/lines-internal.h"

/* --- reading --- */

static struct slice trim(struct slice s)
{
	while (s.n > 0 && isspace((unsigned char)s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && isspace((unsigned char)s.p[s.n - 1]))
		s.n--;
	return s;
}

char *line_need(struct line_request *q, const struct js *obj, const char *key, const char *label)
{
	struct slice text = trim(slice_of(js_get_str(obj, key)));

	if (text.n > 0)
		return slice_dup(text);
	line_refuse(q, "%s must be a non-empty string", label);
	return NULL;
}

static bool is_text(const struct js *obj, const char *key)
{
	return !str_is_empty(js_get_str(obj, key));
}

/* --- the daemon --- */

static void ping(struct line_request *q)
{
	struct js *o = js_object();

	js_set_bool(o, "pong", true);
	line_answer(q, o);
}

/* Events go straight to those who listen: nothing queues up, and nothing is dropped. */
static struct js *queue_json(const struct lines *l)
{
	struct js *o = js_object();

	js_set_int(o, "maxDepth", EVENTS_RING);
	js_set_int(o, "currentDepth", 0);
	js_set_int(o, "droppedEvents", 0);
	js_set_int(o, "processedEvents", (int64_t)l->emitted);
	if (l->emitted_at > 0)
		js_set_time(o, "lastEventAt", l->emitted_at);
	return o;
}

static struct js *modules_json(void)
{
	static const struct {
		const char *name;
		bool is_enabled;
	} rows[] = {{"maintenance", true}, {"tasks", false}, {"deferred-resume", false}};
	struct js *list = js_array();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct js *o = js_object();

		js_set_str(o, "name", rows[i].name);
		js_set_bool(o, "enabled", rows[i].is_enabled);
		js_set_take(o, "subscriptions", js_array());
		js_set_int(o, "handledEvents", 0);
		js_set_take(o, "detail", js_object());
		js_add_take(list, o);
	}
	return list;
}

static void status(struct line_request *q)
{
	struct api *a = q->lines->api;
	struct loop *loop = a->o.loop;
	int64_t uptime_us = loop_mono(loop) - a->started_mono;
	const char *socket = a->server == NULL ? NULL : http_server_socket(a->server);
	struct js *o = js_object();

	js_set_bool(o, "running", true);
	js_set_int(o, "pid", getpid());
	js_set_time(o, "startedAt", loop_real(loop) - uptime_us);
	js_set_int(o, "uptimeMs", uptime_us / US_PER_MS);
	js_set_str(o, "version", a->o.version);
	js_set_str(o, "socketPath", socket == NULL ? "" : socket);
	js_set_take(o, "queue", queue_json(q->lines));
	js_set_take(o, "modules", modules_json());
	line_answer(q, o);
}

/* The answer goes first: nothing is taken in afterwards. */
static void stop(struct line_request *q)
{
	const struct api_options *o = &q->lines->api->o;
	struct js *result;

	if (o->stop == NULL) {
		line_refuse(q, "Daemon lifecycle is managed by the embedding application.");
		return;
	}
	result = js_object();
	js_set_bool(result, "stopping", true);
	line_answer(q, result);
	o->stop(o->stop_ctx);
}

/* --- events of clients --- */

/* "2026-05-16T08:00:00.000Z", and nothing else. */
static bool is_instant(const char *text)
{
	static const char form[] = "0000-00-00T00:00:00.000Z";

	if (text == NULL || strlen(text) != sizeof(form) - 1)
		return false;
	for (size_t i = 0; form[i] != '\0'; i++)
		if (form[i] == '0' ? !isdigit((unsigned char)text[i]) : text[i] != form[i])
			return false;
	return true;
}

static bool is_event(const struct js *ev)
{
	return is_text(ev, "id") && is_text(ev, "type") && is_text(ev, "source") &&
	       js_get_int(ev, "version", 0) == 1 && is_instant(js_get_str(ev, "timestamp")) &&
	       js_is_object(js_get(ev, "payload"));
}

static struct js *refused_json(const char *key, const char *reason)
{
	struct js *o = js_object();

	js_set_bool(o, key, false);
	js_set_str(o, "reason", reason);
	return o;
}

static void emit(struct line_request *q)
{
	struct lines *l = q->lines;
	const struct js *ev = js_get(q->doc, "event");
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	struct js *o;

	if (ev == NULL) {
		line_refuse(q, "emit request must include event");
		return;
	}
	if (!is_event(ev)) {
		line_refuse(q, "Invalid event envelope");
		return;
	}
	js_write(&text, ev);
	if (text.n > LINES_EVENT_MAX) {
		line_answer(q, refused_json("accepted", "event is larger than 16 KiB"));
		return;
	}
	events_publish_foreign(l->api->events, ev);
	l->emitted++;
	l->emitted_at = loop_real(l->api->o.loop);
	o = js_object();
	js_set_bool(o, "accepted", true);
	line_answer(q, o);
}

/* --- what is not here yet --- */

static void start_task(struct line_request *q)
{
	CLEANUP(freep) char *id = line_need(q, q->doc, "taskId", "runs.startTask taskId");
	struct js *o;

	if (id == NULL)
		return;
	o = refused_json("accepted", "this daemon has no scheduled tasks");
	js_set_str(o, "runId", "");
	line_answer(q, o);
}

static bool is_null(const struct js *value)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;

	js_write(&text, value);
	return str_eq(buf_str(&text), "null");
}

static bool read_sync(struct line_request *q, const struct js *input)
{
	static const char *const needed[][2] = {
		{"conversationId", "conversations.sync conversationId"},
		{"sessionFile", "conversations.sync sessionFile"},
		{"cwd", "conversations.sync cwd"},
	};
	static const char *const states[] = {"waiting", "running", "interrupted", "failed"};
	const struct js *pending = js_get(input, "pendingOperation");

	if (!js_is_object(input)) {
		line_refuse(q, "conversations.sync input must be an object");
		return false;
	}
	if (pending != NULL && !js_is_object(pending) && !is_null(pending)) {
		line_refuse(
			q, "conversations.sync pendingOperation must be an object when provided");
		return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
		CLEANUP(freep) char *text = line_need(q, input, needed[i][0], needed[i][1]);

		if (text == NULL)
			return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (str_eq(js_get_str(input, "state"), states[i]))
			return true;
	line_refuse(q, "conversations.sync state must be waiting, running, interrupted, or failed");
	return false;
}

/* The id is the one such a run has; that none is kept is said beside it. */
static void sync_conversation(struct line_request *q)
{
	const struct js *input = js_get(q->doc, "input");
	CLEANUP(buf_fini) struct buf id = BUF_NULL;
	struct slice conversation;
	struct js *o;

	if (!read_sync(q, input))
		return;
	conversation = trim(slice_of(js_get_str(input, "conversationId")));
	buf_add_str(&id, "conversation-live-");
	buf_add_slice(&id, conversation);
	o = refused_json("accepted", "this daemon keeps no conversations");
	js_set_str(o, "runId", buf_str(&id));
	line_answer(q, o);
}

static void recoverable_conversations(struct line_request *q)
{
	struct js *o = js_object();

	js_set_take(o, "runs", js_array());
	line_answer(q, o);
}

static void update_companion(struct line_request *q)
{
	if (js_is_object(js_get(q->doc, "input")))
		line_answer(q, NULL);
	else
		line_refuse(q, "companion.updateConfig input must be an object");
}

/* --- the envelope --- */

static const struct {
	const char *name;
	line_type_fn *fn;
} types[] = {
	{"ping", ping},
	{"status", status},
	{"stop", stop},
	{"emit", emit},
	{"runs.list", line_runs_list},
	{"runs.get", line_runs_get},
	{"runs.startTask", start_task},
	{"runs.startBackground", line_runs_start},
	{"runs.cancel", line_runs_cancel},
	{"runs.rerun", line_runs_rerun},
	{"runs.followUp", line_runs_follow_up},
	{"conversations.sync", sync_conversation},
	{"conversations.recoverable", recoverable_conversations},
	{"companion.updateConfig", update_companion},
};

void line_dispatch(struct line_request *q, struct slice line)
{
	struct err e = CLEAN_ERR;
	const char *id, *type;

	q->doc = js_parse(line.p, line.n, &e);
	if (q->doc == NULL) {
		line_refuse(q, "not JSON: %s", e.text);
		return;
	}
	id = js_get_str(q->doc, "id");
	if (!str_is_empty(id) && strlen(id) <= LINES_ID_MAX)
		q->id = xstrdup(id);
	if (q->id == NULL) {
		line_refuse(q, "Invalid request envelope");
		return;
	}
	type = js_get_str(q->doc, "type");
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (str_eq(types[i].name, type)) {
			types[i].fn(q);
			return;
		}
	}
	line_refuse(q, "Unknown request type: %.64s", type == NULL ? "undefined" : type);
}
