/* SPDX-License-Identifier: MIT */
/*
 * api/executions.c - background work: starting, listing, cancelling, running once more, and going
 * on with a subagent's conversation.
 *
 * Everything is a job whose pylon is RUNTIME_NAME; a job of a real pylon is none of these here,
 * whatever its id. Paths, keys and the words of refusals are those of the agent runtime's protocol.
 *
 * A list may ask for several states at once ("active"): each is read by itself and the newest of
 * all are the page. created_at is unique within a database, so no page tears equal ones apart.
 */
#include "api/api-internal.h"
#include "base/id.h"

void executions_one(struct api *a, struct http_request *req, const struct route_match *m)
{
	CLEANUP(job_fini) struct job j = {0};
	CLEANUP(js_freep) struct js *o = NULL;

	if (!api_find_execution(a, req, m->args[0], &j))
		return;
	o = execution_json(a, &j, true);
	api_respond_json(req, 200, o);
}

/* --- the list --- */

struct listed {
	int64_t created_at;
	struct js *json;
};

struct listing {
	struct api *api;
	struct listed *v;
	size_t n, size;
};

static void listing_fini(struct listing *l)
{
	for (size_t i = 0; i < l->n; i++)
		js_free(l->v[i].json);
	free(l->v);
}

static void listing_add(const struct job *j, void *ctx)
{
	struct listing *l = ctx;

	if (l->n == l->size) {
		l->size = MAX_OF(2 * l->size, (size_t)16);
		l->v = xreallocarray(l->v, l->size, sizeof(*l->v));
	}
	l->v[l->n++] = (struct listed){
		.created_at = j->created_at, .json = execution_json(l->api, j, false)};
}

static int newest_first(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;

	return (x->created_at < y->created_at) - (x->created_at > y->created_at);
}

/* What ?state= asks for: all, one, or "active", which is every one that is not the last. */
struct wanted {
	bool is_all;
	bool states[JOB_STATES];
};

static bool read_wanted(struct http_request *req, struct wanted *ret)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	enum job_state one;

	*ret = (struct wanted){.is_all = true};
	if (!http_request_query(req, "state", &text) || text.n == 0)
		return true;
	ret->is_all = false;
	if (str_eq(buf_str(&text), "active")) {
		for (int i = 0; i < JOB_STATES; i++)
			ret->states[i] = !job_is_over((enum job_state)i);
		return true;
	}
	if (job_state_from_name(buf_str(&text), &one)) {
		ret->states[one] = true;
		return true;
	}
	api_refuse(req, 400, "invalid_request", "state is a state of jobs, or active");
	return false;
}

static int gather(
	struct listing *l, const struct wanted *w, struct store_job_query *q, struct err *err)
{
	struct engine *e = l->api->o.engine;
	int rc = 0;

	q->state = JOB_STATES;
	if (w->is_all)
		return engine_list_jobs(e, RUNTIME_NAME, q, listing_add, l, err);
	for (int i = 0; i < JOB_STATES && rc >= 0; i++) {
		q->state = (enum job_state)i;
		if (w->states[i])
			rc = engine_list_jobs(e, RUNTIME_NAME, q, listing_add, l, err);
	}
	if (l->n > 1)
		qsort(l->v, l->n, sizeof(*l->v), newest_first);
	return rc;
}

static void list(struct api *a, struct http_request *req)
{
	CLEANUP(listing_fini) struct listing l = {.api = a};
	CLEANUP(buf_fini) struct buf next = BUF_NULL;
	struct store_job_query q = {0};
	struct err e = CLEAN_ERR;
	struct wanted w;
	struct js *items;
	size_t limit;

	if (!read_wanted(req, &w) || !api_query_before(req, &q.before_created) ||
		!api_query_limit(req, &limit))
		return;
	q.limit = limit + 1;
	if (gather(&l, &w, &q, &e) < 0) {
		api_refuse(
			req, 503, "store_unavailable", "the list cannot be read: %.100s", e.text);
		return;
	}
	items = js_array();
	for (size_t i = 0; i < l.n && i < limit; i++)
		js_add_take(items, STEAL(l.v[i].json));
	if (l.n > limit)
		buf_printf(&next, "%lld", (long long)l.v[limit - 1].created_at);
	api_respond_list(req, items, next.n == 0 ? NULL : buf_str(&next));
}

/* --- starting, and what is like it --- */

/* A request that waits for the engine's answer. */
struct asked {
	struct api *api;
	struct http_request *req;
	struct id source; /* the run that this one comes from, "" = none */
};

static struct asked *asked_new(struct api *a, struct http_request *req, const struct id *source)
{
	struct asked *k = xcalloc_held(1, sizeof(*k));

	*k = (struct asked){.api = a, .req = req};
	if (source != NULL)
		k->source = *source;
	return k;
}

static struct js *accepted_json(const struct asked *k, const struct id *id)
{
	CLEANUP(buf_fini) struct buf log = BUF_NULL;
	struct js *o = js_object();

	engine_log_path(k->api->o.engine, RUNTIME_NAME, id, &log);
	js_set_bool(o, "accepted", true);
	js_set_str(o, "runId", id->s);
	js_set_str(o, "job_id", id->s);
	if (k->source.s[0] != '\0')
		js_set_str(o, "sourceRunId", k->source.s);
	js_set_str(o, "logPath", buf_str(&log));
	return o;
}

static void started(void *ctx, const struct answer *answer)
{
	struct asked *k = ctx;
	struct id id = {""};

	if (answer->status < 300 && str_copy(id.s, sizeof(id.s), answer->job_id)) {
		CLEANUP(js_freep) struct js *o = accepted_json(k, &id);

		api_respond_json(k->req, answer->status, o);
	} else {
		http_respond_answer(k->req, answer);
	}
	free(k);
}

static const char *source_of(const struct http_request *req)
{
	return http_request_is_local(req) ? "manual" : "api";
}

static void start(struct api *a, struct http_request *req)
{
	const struct inbound *in = http_request_inbound(req);

	/* A form that a web page sends is no order to run something. */
	if (!api_is_json(in)) {
		api_refuse(req, 415, "unsupported_type", "send the body as application/json");
		return;
	}
	engine_start_work(a->o.engine, in->body, source_of(req), started, asked_new(a, req, NULL));
}

void executions_root(struct api *a, struct http_request *req, const struct route_match *m)
{
	(void)m;
	if (slice_eq_str(http_request_inbound(req)->method, "POST"))
		start(a, req);
	else
		list(a, req);
}

static bool refuse_active(struct http_request *req, const struct job *j)
{
	if (job_is_over(j->state))
		return false;
	api_refuse(req, 409, "conflict", "Run %.36s is still active.", j->id.s);
	return true;
}

void executions_rerun(struct api *a, struct http_request *req, const struct route_match *m)
{
	CLEANUP(job_fini) struct job j = {0};

	if (!api_find_execution(a, req, m->args[0], &j) || refuse_active(req, &j))
		return;
	engine_rerun(a->o.engine, &j.id, started, asked_new(a, req, &j.id));
}

/* --- follow-up --- */

/* NULL after having refused. */
static const char *read_prompt(struct http_request *req, const struct js *body)
{
	const struct js *given = js_get(body, "prompt");
	const char *text = js_str(given);

	if (given == NULL || (text != NULL && slice_trim(slice_of(text)).n == 0))
		return EXECUTION_FOLLOW_UP_PROMPT;
	if (text == NULL)
		api_refuse(req, 400, "invalid_request",
			"prompt is a text: what the agent is to be told");
	return text;
}

static bool may_follow_up(struct http_request *req, const struct job *j, const struct js *work)
{
	if (!execution_is_subagent(work))
		api_refuse(req, 409, "conflict", "Run %.36s does not support follow-up prompts.",
			j->id.s);
	else if (refuse_active(req, j))
		return false;
	else if (!execution_can_follow_up(j, work))
		api_refuse(req, 409, "conflict",
			"Run %.36s does not have a resumable session transcript.", j->id.s);
	else
		return true;
	return false;
}

void executions_follow_up(struct api *a, struct http_request *req, const struct route_match *m)
{
	CLEANUP(job_fini) struct job j = {0};
	CLEANUP(js_freep) struct js *body = api_body(req);
	CLEANUP(js_freep) struct js *work = NULL;
	CLEANUP(freep) char *text = NULL;
	const char *prompt;

	if (body == NULL)
		return;
	prompt = read_prompt(req, body);
	if (prompt == NULL || !api_find_execution(a, req, m->args[0], &j))
		return;
	work = execution_work(a, &j);
	if (!may_follow_up(req, &j, work))
		return;
	text = execution_follow_up_body(work, &j, prompt);
	engine_start_work(
		a->o.engine, slice_of(text), source_of(req), started, asked_new(a, req, &j.id));
}

/* --- cancel --- */

static void cancelled(void *ctx, const struct answer *answer)
{
	struct asked *k = ctx;

	if (answer->status < 300) {
		CLEANUP(js_freep) struct js *o = js_object();

		js_set_bool(o, "cancelled", true);
		js_set_str(o, "runId", k->source.s);
		api_respond_json(k->req, answer->status, o);
	} else {
		http_respond_answer(k->req, answer);
	}
	free(k);
}

void executions_cancel(struct api *a, struct http_request *req, const struct route_match *m)
{
	CLEANUP(job_fini) struct job j = {0};
	CLEANUP(js_freep) struct js *body = api_body(req);
	CLEANUP(freep) char *by = NULL;

	if (body == NULL || !api_find_execution(a, req, m->args[0], &j))
		return;
	if (job_is_over(j.state)) {
		api_refuse(req, 409, "conflict", "run is already %s", execution_status(a, &j));
		return;
	}
	by = api_decider(req, body);
	engine_decide(a->o.engine, ENGINE_KILL, &j.id, by, cancelled, asked_new(a, req, &j.id));
}
