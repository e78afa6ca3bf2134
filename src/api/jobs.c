/* SPDX-License-Identifier: MIT */
/*
 * api/jobs.c - jobs: the list, one of them, why it waits, and what people decide about it.
 *
 * Pages go by time: `next` is the creation time (microseconds) of the page's last job, and `before`
 * asks for what is older. Jobs created in the same microsecond are never torn apart by the end of
 * a page: the page then ends before them. A page tells what its jobs have cost together ("total").
 */
#include "api/api-internal.h"
#include "base/id.h"

#define BY_MAX 64

struct page_item {
	int64_t created_at;
	double cost_usd;
	struct usage usage;
	struct js *json;
};

/* One page being gathered; one job more than asked for tells whether there is another page. */
struct page {
	struct api *api;
	size_t n;
	struct page_item items[LIST_LIMIT_MAX + 1];
};

static void page_free(struct page *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->n; i++)
		js_free(p->items[i].json);
	free(p);
}
DEFINE_FREEP(struct page, page_free)

static void page_add(const struct job *j, void *ctx)
{
	struct page *p = ctx;

	if (p->n == ARRAY_LEN(p->items))
		return;
	p->items[p->n++] = (struct page_item){
		.created_at = j->created_at,
		.cost_usd = j->cost_usd,
		.usage = j->usage,
		.json = job_json(p->api, j, false),
	};
}

/* How many of the gathered jobs the page shows. */
static size_t page_cut(const struct page *p, size_t limit)
{
	size_t n = limit;

	if (p->n <= limit)
		return p->n;
	while (n > 0 && p->items[n - 1].created_at == p->items[limit].created_at)
		n--;
	return n == 0 ? limit : n;
}

/* Agents count their tokens themselves: what they say may be any number. */
static void add_capped(int64_t *sum, int64_t more)
{
	if (__builtin_add_overflow(*sum, more, sum))
		*sum = more < 0 ? INT64_MIN : INT64_MAX;
}

/* What the first n jobs of the page have spent. */
static struct js *page_total(const struct page *p, size_t n)
{
	struct js *o = js_object();
	struct usage sum = {0};
	double cost_usd = 0;

	for (size_t i = 0; i < n; i++) {
		const struct usage *u = &p->items[i].usage;

		cost_usd += p->items[i].cost_usd;
		add_capped(&sum.input_tokens, u->input_tokens);
		add_capped(&sum.output_tokens, u->output_tokens);
		add_capped(&sum.cache_read_tokens, u->cache_read_tokens);
		add_capped(&sum.cache_write_tokens, u->cache_write_tokens);
	}
	js_set_int(o, "jobs", (int64_t)n);
	js_set_real(o, "total_cost_usd", cost_usd);
	js_set_take(o, "usage", usage_json(&sum));
	return o;
}

static void page_respond(struct http_request *req, struct page *p, size_t limit)
{
	CLEANUP(js_freep) struct js *list = NULL;
	struct js *items = js_array();
	size_t n = page_cut(p, limit);
	CLEANUP(buf_fini) struct buf next = BUF_NULL;

	for (size_t i = 0; i < n; i++)
		js_add_take(items, STEAL(p->items[i].json));
	if (n < p->n)
		buf_printf(&next, "%lld", (long long)p->items[n - 1].created_at);
	list = api_list(items, next.n == 0 ? NULL : buf_str(&next));
	js_set_take(list, "total", page_total(p, n));
	api_respond_json(req, 200, list);
}

static bool read_state(struct http_request *req, enum job_state *ret)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;

	*ret = JOB_STATES;
	if (!http_request_query(req, "state", &text) || text.n == 0)
		return true;
	if (job_state_from_name(buf_str(&text), ret))
		return true;
	api_refuse(req, 400, "invalid_request", "there is no job state of that name");
	return false;
}

struct named {
	const char *name;
	bool found;
};

static void compare_name(const struct engine_pylon *p, void *ctx)
{
	struct named *n = ctx;

	n->found |= str_eq(n->name, p->config->name);
}

static bool pylon_exists(struct api *a, const char *name)
{
	struct named n = {.name = name};

	engine_each_pylon(a->o.engine, compare_name, &n);
	return n.found;
}

void jobs_list(struct api *a, struct http_request *req, const struct route_match *m)
{
	CLEANUP(buf_fini) struct buf pylon = BUF_NULL;
	CLEANUP(page_freep) struct page *p = NULL;
	struct store_job_query q = {.state = JOB_STATES};
	struct err e = CLEAN_ERR;
	size_t limit;
	int r;

	(void)m;
	if (!read_state(req, &q.state) || !api_query_before(req, &q.before_created) ||
		!api_query_limit(req, &limit))
		return;
	(void)http_request_query(req, "pylon", &pylon);
	if (pylon.n > 0 && pylon_label(buf_str(&pylon)) == NULL) {
		api_refuse(req, 404, "not_found", "there is no pylon of that name");
		return;
	}
	p = xcalloc(1, sizeof(*p));
	p->api = a;
	q.limit = limit + 1;
	r = engine_list_jobs(
		a->o.engine, pylon.n == 0 ? NULL : buf_str(&pylon), &q, page_add, p, &e);
	if (r < 0)
		api_refuse(
			req, 503, "store_unavailable", "the list cannot be read: %.100s", e.text);
	else if (p->n == 0 && pylon.n > 0 && !pylon_exists(a, buf_str(&pylon)))
		api_refuse(req, 404, "not_found", "there is no pylon of that name");
	else
		page_respond(req, p, limit);
}

static bool find(struct api *a, struct http_request *req, struct slice id, bool is_execution,
	struct job *ret)
{
	struct err e = CLEAN_ERR;
	CLEANUP(freep) char *prefix = slice_dup(id);
	int r = STORE_E_NOT_FOUND;

	if (id_is_prefix(id))
		r = engine_find_job(a->o.engine, prefix, ret, &e);
	if (r == 0 && is_execution && pylon_label(ret->pylon) != NULL) {
		job_fini(ret);
		r = STORE_E_NOT_FOUND;
	}
	if (r == 0)
		return true;
	if (r < 0)
		api_refuse(req, 503, "store_unavailable", "the job cannot be read: %.100s", e.text);
	else if (r == STORE_E_STATE)
		api_refuse(req, 409, "ambiguous", "several jobs begin with %s: give more of the id",
			prefix);
	else if (is_execution)
		api_refuse(req, 404, "not_found", "Run not found: %s", prefix);
	else
		api_refuse(req, 404, "not_found",
			"there is no job %s (an id or at least its first %d characters)", prefix,
			ID_PREFIX_MIN);
	return false;
}

bool api_find_job(struct api *a, struct http_request *req, struct slice id, struct job *ret)
{
	return find(a, req, id, false, ret);
}

bool api_find_execution(struct api *a, struct http_request *req, struct slice id, struct job *ret)
{
	return find(a, req, id, true, ret);
}

static void add_run(const struct run *r, void *ctx)
{
	js_add_take(ctx, run_json(r));
}

static void add_delivery(const struct delivery *d, void *ctx)
{
	js_add_take(ctx, delivery_json(d, NULL));
}

static void add_line(int64_t at, const char *line, void *ctx)
{
	struct js *o = js_object();

	js_set_time(o, "at", at);
	js_set_str(o, "line", line);
	js_add_take(ctx, o);
}

/* Empty unless a run is alive. */
static void add_progress(struct js *o, struct api *a, const struct job *j)
{
	struct js *lines = js_array();

	engine_job_progress(a->o.engine, &j->id, add_line, lines);
	js_set_take(o, "progress", lines);
}

/* What background work has in the place of a pylon. */
static void add_work(struct js *o, struct api *a, const struct job *j)
{
	CLEANUP(js_freep) struct js *work = NULL;

	if (pylon_label(j->pylon) != NULL)
		return;
	work = execution_work(a, j);
	(void)execution_describe(a, o, j, work, true);
}

static void add_event(struct js *o, struct api *a, const struct job *j)
{
	CLEANUP(event_record_fini) struct event_record ev = {0};
	struct err e = CLEAN_ERR;

	if (engine_job_event(a->o.engine, j, &ev, &e) == 0)
		js_set_take(o, "event", event_json(&ev));
	else
		js_set_null(o, "event");
}

void jobs_one(struct api *a, struct http_request *req, const struct route_match *m)
{
	CLEANUP(job_fini) struct job j = {0};
	CLEANUP(js_freep) struct js *o = NULL;
	struct js *runs, *deliveries;
	struct err e = CLEAN_ERR;
	int r;

	if (!api_find_job(a, req, m->args[0], &j))
		return;
	o = job_json(a, &j, true);
	add_work(o, a, &j);
	js_set_take(o, "runs", runs = js_array());
	js_set_take(o, "deliveries", deliveries = js_array());
	r = engine_job_runs(a->o.engine, &j, add_run, runs, &e);
	if (r == 0)
		r = engine_job_deliveries(a->o.engine, &j, add_delivery, deliveries, &e);
	if (r != 0) {
		api_refuse(req, 503, "store_unavailable", "the job cannot be read: %.100s", e.text);
		return;
	}
	add_progress(o, a, &j);
	add_event(o, a, &j);
	api_respond_json(req, 200, o);
}

/* null for a job that no schedule made. */
static void add_occurrence(struct js *o, struct api *a, const struct job *j)
{
	struct occurrence found = {0};

	js_set_null(o, "occurrence");
	if (engine_job_occurrence(a->o.engine, j, &found, NULL) == 0)
		js_set_take(o, "occurrence", occurrence_json(&found, j->pylon));
	occurrence_fini(&found);
}

void jobs_explain(struct api *a, struct http_request *req, const struct route_match *m)
{
	CLEANUP(job_fini) struct job j = {0};
	CLEANUP(js_freep) struct js *o = NULL;
	CLEANUP(buf_fini) struct buf waiting = BUF_NULL;

	if (!api_find_job(a, req, m->args[0], &j))
		return;
	if (j.state == JOB_QUEUED)
		engine_waiting_reason(a->o.engine, &j, &waiting);
	o = js_object();
	js_set_str(o, "id", j.id.s);
	js_set_str(o, "pylon", pylon_label(j.pylon));
	js_set_str(o, "state", job_state_name(j.state));
	js_set_str(o, "reason", j.reason);
	js_set_str(o, "error", j.error);
	js_set_str(o, "decided_by", j.decided_by);
	js_set_str(o, "waiting", waiting.n == 0 ? NULL : buf_str(&waiting));
	js_set_time(o, "not_before", j.not_before);
	js_set_time(o, "expires_at", j.expires_at);
	add_occurrence(o, a, &j);
	explain_job(o, &j, buf_str(&waiting));
	api_respond_json(req, 200, o);
}

char *api_decider(const struct http_request *req, const struct js *body)
{
	const char *by = js_get_str(body, "by");
	CLEANUP(buf_fini) struct buf clean = BUF_NULL;

	if (!http_request_is_local(req))
		return xstrdup("api");
	if (str_is_empty(by))
		return xstrdup("local");
	utf8_clean(&clean, by, strnlen(by, BY_MAX));
	return buf_steal(&clean);
}

void jobs_decide(struct api *a, struct http_request *req, const struct route_match *m)
{
	CLEANUP(job_fini) struct job j = {0};
	CLEANUP(js_freep) struct js *body = api_body(req);
	CLEANUP(freep) char *by = NULL;

	if (body == NULL || !api_find_job(a, req, m->args[0], &j))
		return;
	by = api_decider(req, body);
	engine_decide(
		a->o.engine, (enum engine_decision)m->route->param, &j.id, by, api_answered, req);
}
