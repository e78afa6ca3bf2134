/* SPDX-License-Identifier: MIT */
/*
 * tests/api/fakes.c - the replacements; see fakes.h.
 */
#include "api/fakes.h"

#include "base/crypto.h"

struct fake_engine fake;

/* --- the engine --- */

static void called(const char *what, struct slice a)
{
	size_t n = strlen(fake.calls);

	(void)snprintf(fake.calls + n, sizeof(fake.calls) - n, "%s %.*s;", what, SLICE_ARG(a));
}

static void answer(engine_answer_fn *fn, void *ctx)
{
	if (fake.answers_later) {
		fake.waiting = fn;
		fake.waiting_ctx = ctx;
		return;
	}
	fn(ctx, &fake.answer);
}

int engine_admit(struct engine *e, const struct inbound *in, size_t *ret_max, struct answer *ret)
{
	(void)e;
	called("admit", in->path);
	if (slice_eq_str(in->method, "OPTIONS")) {
		*ret = (struct answer){
			.status = 200, .allow = "POST, OPTIONS", .reply = xstrdup("hello")};
		return 200;
	}
	if (slice_eq_str(in->path, "/hook")) {
		*ret_max = 99;
		return 0;
	}
	*ret = (struct answer){.status = 404, .code = "not_found"};
	return 404;
}

void engine_webhook(struct engine *e, const struct inbound *in, engine_answer_fn *fn, void *ctx)
{
	(void)e;
	called("webhook", in->path);
	answer(fn, ctx);
}

void engine_trigger(struct engine *e, const char *pylon, struct slice body, const char *source,
	engine_answer_fn *fn, void *ctx)
{
	(void)e;
	called("trigger", slice_of(pylon));
	called(source, body);
	answer(fn, ctx);
}

void engine_start_work(
	struct engine *e, struct slice body, const char *source, engine_answer_fn *fn, void *ctx)
{
	(void)e;
	called("work", body);
	called("source", slice_of(source));
	answer(fn, ctx);
}

void engine_rerun(struct engine *e, const struct id *job_id, engine_answer_fn *fn, void *ctx)
{
	(void)e;
	called("rerun", slice_of(job_id->s));
	answer(fn, ctx);
}

void engine_report(struct engine *e, struct slice job_id, struct slice token, struct slice body,
	engine_answer_fn *fn, void *ctx)
{
	(void)e;
	(void)token;
	(void)body;
	called("report", job_id);
	answer(fn, ctx);
}

void engine_tool_event(struct engine *e, struct slice job_id, struct slice token, struct slice body,
	engine_answer_fn *fn, void *ctx)
{
	(void)e;
	(void)token;
	(void)body;
	called("tool", job_id);
	answer(fn, ctx);
}

void engine_decide(struct engine *e, enum engine_decision d, const struct id *job_id,
	const char *by, engine_answer_fn *fn, void *ctx)
{
	static const char *const names[] = {"approve", "dismiss", "kill", "retry"};

	(void)e;
	called(names[d], slice_of(job_id->s));
	called("by", slice_of(by));
	answer(fn, ctx);
}

void engine_reply(struct engine *e, const struct id *job_id, struct slice text, const char *by,
	engine_answer_fn *fn, void *ctx)
{
	(void)e;
	called("reply", slice_of(job_id->s));
	called("text", text);
	called("by", slice_of(by));
	answer(fn, ctx);
}

void engine_job_progress(struct engine *e, const struct id *job_id,
	void (*fn)(int64_t at, const char *line, void *ctx), void *ctx)
{
	(void)e;
	(void)job_id;
	for (size_t i = 0; i < ARRAY_LEN(fake.progress) && fake.progress[i] != NULL; i++)
		fn(i == 0 ? 0 : NOW_US, fake.progress[i], ctx);
}

int engine_job_container(struct engine *e, const struct id *job_id, struct buf *ret_socket,
	struct buf *ret_container)
{
	(void)e;
	called("container", slice_of(job_id->s));
	if (fake.container_result == 0) {
		buf_add_str(ret_socket, "/run/engine.sock");
		buf_add_str(ret_container, "0123abcd");
	}
	return fake.container_result;
}

void engine_redeliver(
	struct engine *e, const struct id *delivery_id, engine_answer_fn *fn, void *ctx)
{
	(void)e;
	called("redeliver", slice_of(delivery_id->s));
	answer(fn, ctx);
}

int engine_find_job(struct engine *e, const char *prefix, struct job *ret, struct err *err)
{
	size_t found = 0;

	(void)e;
	(void)err;
	for (size_t i = 0; i < fake.job_count; i++) {
		if (!str_has_prefix(fake.jobs[i].id.s, prefix))
			continue;
		if (++found > 1) {
			job_fini(ret);
			return STORE_E_STATE;
		}
		*ret = fake.jobs[i];
		ret->pylon = xstrdup_or_null(fake.jobs[i].pylon);
		ret->result = xstrdup_or_null(fake.jobs[i].result);
		ret->output_json = xstrdup_or_null(fake.jobs[i].output_json);
		ret->session_id = xstrdup_or_null(fake.jobs[i].session_id);
		ret->error = xstrdup_or_null(fake.jobs[i].error);
	}
	return found == 1 ? 0 : STORE_E_NOT_FOUND;
}

/* fake.jobs is kept newest first. */
int engine_list_jobs(struct engine *e, const char *pylon, const struct store_job_query *q,
	void (*fn)(const struct job *j, void *ctx), void *ctx, struct err *err)
{
	size_t n = 0;

	(void)e;
	(void)err;
	for (size_t i = 0; i < fake.job_count && n < q->limit; i++) {
		const struct job *j = &fake.jobs[i];

		if (pylon == NULL ? str_eq(j->pylon, RUNTIME_NAME) : !str_eq(pylon, j->pylon))
			continue;
		if (q->before_created != 0 && j->created_at >= q->before_created)
			continue;
		if (q->state != JOB_STATES && q->state != j->state)
			continue;
		fn(j, ctx);
		n++;
	}
	return 0;
}

int engine_job_runs(struct engine *e, const struct job *j,
	void (*fn)(const struct run *r, void *ctx), void *ctx, struct err *err)
{
	char image[] = "pylon/agent-mock";
	struct run r = {.state = RUN_EXITED,
		.attempt = 1,
		.image = image,
		.exit_code = 3,
		.cost_usd = 0.25,
		.usage = {.input_tokens = 7, .cache_read_tokens = 9}};

	(void)e;
	(void)j;
	(void)err;
	fn(&r, ctx);
	return 0;
}

static void pass_delivery(enum delivery_state s, const char *id,
	void (*fn)(const struct delivery *d, const char *pylon, void *ctx), void *ctx)
{
	char kind[] = "result", channel[] = "stdout";
	struct delivery d = {.kind = kind, .channel = channel, .state = s};

	(void)str_copy(d.id.s, sizeof(d.id.s), id);
	fn(&d, "demo", ctx);
}

struct drop_pylon {
	void (*fn)(const struct delivery *d, void *ctx);
	void *ctx;
};

static void drop_pylon(const struct delivery *d, const char *pylon, void *ctx)
{
	struct drop_pylon *p = ctx;

	(void)pylon;
	p->fn(d, p->ctx);
}

int engine_job_deliveries(struct engine *e, const struct job *j,
	void (*fn)(const struct delivery *d, void *ctx), void *ctx, struct err *err)
{
	struct drop_pylon p = {fn, ctx};

	(void)e;
	(void)j;
	(void)err;
	pass_delivery(DELIVERY_SENT, JOB_1, drop_pylon, &p);
	return 0;
}

int engine_job_event(
	struct engine *e, const struct job *j, struct event_record *ret, struct err *err)
{
	(void)e;
	(void)j;
	(void)err;
	*ret = (struct event_record){.source = xstrdup("webhook"),
		.headers_json = xstrdup("{\"x\":\"<redacted>\"}"),
		.body = xstrdup_or_null(fake.body),
		.body_n = fake.body == NULL ? 0 : strlen(fake.body)};
	return 0;
}

int engine_list_deliveries(struct engine *e, enum delivery_state state, size_t limit,
	void (*fn)(const struct delivery *d, const char *pylon, void *ctx), void *ctx,
	struct err *err)
{
	(void)e;
	(void)limit;
	(void)err;
	if (state == DELIVERY_DEAD || state == DELIVERY_STATES)
		pass_delivery(DELIVERY_DEAD, JOB_1, fn, ctx);
	if (state == DELIVERY_UNKNOWN || state == DELIVERY_STATES)
		pass_delivery(DELIVERY_UNKNOWN, JOB_2, fn, ctx);
	return 0;
}

void engine_log_path(
	const struct engine *e, const char *pylon UNUSED, const struct id *job_id, struct buf *out)
{
	(void)e;
	buf_printf(out, "%s/%s.log", fake.dir, job_id->s);
}

void engine_waiting_reason(struct engine *e, const struct job *j, struct buf *out)
{
	(void)e;
	(void)j;
	buf_add_str(out, "the container engine does not answer");
}

int engine_list_occurrences(struct engine *e, const char *pylon, int64_t before, size_t limit,
	void (*fn)(const struct occurrence *o, const char *pylon, void *ctx), void *ctx,
	struct err *err)
{
	char note[] = "why not";
	struct occurrence o = {.at = NOW_US, .last = NOW_US, .count = 1, .epoch = 1};

	(void)e;
	(void)err;
	if (pylon != NULL && !str_eq(pylon, "demo"))
		return 0;
	for (size_t i = 0; i < 3 && i < limit; i++) {
		o.at = o.last = NOW_US - (int64_t)i * US_PER_SEC;
		o.outcome = i == 0 ? OCCURRENCE_RAN : OCCURRENCE_SKIPPED_OVERLAP;
		o.note = i == 0 ? NULL : note;
		o.job_id = (struct id){""};
		if (i == 0)
			(void)str_copy(o.job_id.s, sizeof(o.job_id.s), JOB_1);
		if (before == 0 || o.at < before)
			fn(&o, "demo", ctx);
	}
	return 0;
}

int engine_job_occurrence(
	struct engine *e, const struct job *j, struct occurrence *ret, struct err *err)
{
	(void)e;
	(void)err;
	if (!str_eq(j->id.s, JOB_1))
		return STORE_E_NOT_FOUND;
	*ret = (struct occurrence){.at = NOW_US, .last = NOW_US, .count = 1, .epoch = 1};
	return 0;
}

int engine_read_schedule(const char *text, const char *zone_name, int64_t from_real, size_t count,
	struct js **ret, struct err *err)
{
	if (str_eq(text, "never"))
		return err_set(err, -EINVAL, "column 1: no");
	*ret = js_object();
	js_set_str(*ret, "zone", zone_name);
	js_set_int(*ret, "from", from_real);
	js_set_int(*ret, "count", (int64_t)count);
	return 0;
}

int engine_render_template(struct slice text, struct slice body, struct buf *out, struct err *err)
{
	if (slice_eq_str(text, "{{"))
		return err_set(err, -EINVAL, "1:1: no");
	buf_add_slice(out, text);
	buf_add_slice(out, body);
	return 0;
}

int engine_set_enabled(struct engine *e, const char *name, bool is_enabled, struct err *err)
{
	(void)e;
	if (str_eq(name, "broken"))
		return err_set(err, -EINVAL, "it is no YAML");
	called(is_enabled ? "enable" : "disable", slice_of(name));
	return str_eq(name, "demo") ? 0 : STORE_E_NOT_FOUND;
}

void engine_each_pylon(
	struct engine *e, void (*fn)(const struct engine_pylon *p, void *ctx), void *ctx)
{
	char name[] = "demo", secret[] = "hush", path[] = "/hook", agent[] = "mock";
	char *secrets[] = {secret, NULL};
	struct pylon_config c = {
		.name = name, .path = path, .agent_type = agent, .secrets = {secrets, 1}};
	struct engine_pylon p = {.config = &c, .is_ready = true};

	(void)e;
	p.counts.jobs[JOB_QUEUED] = 2;
	fn(&p, ctx);
}

void engine_status(struct engine *e, struct engine_status *ret)
{
	(void)e;
	*ret = fake.status;
	ret->config_notes = &fake.notes;
	ret->restart_needed = &fake.keys;
}

void engine_on_event(
	struct engine *e, void (*fn)(void *ctx, const struct engine_event *ev), void *ctx)
{
	(void)e;
	fake.listener = fn;
	fake.listener_ctx = ctx;
}

/* --- the HTTP server --- */

struct http_request {
	struct fake_request *to;
	struct inbound in;
	struct inbound_field fields[8];
	char *path;
	void *data;
};

struct http_stream {
	struct fake_request *to;
	struct buf written;
	void (*gone)(void *ctx);
	void (*drained)(void *ctx);
	void *ctx;
};

const struct inbound *http_request_inbound(const struct http_request *r)
{
	return &r->in;
}

struct slice http_request_target(const struct http_request *r)
{
	return slice_of(r->to->target);
}

bool http_request_header(const struct http_request *r, const char *name, struct slice *ret)
{
	return inbound_header(&r->in, name, ret) > 0;
}

bool http_request_query(const struct http_request *r, const char *name, struct buf *out)
{
	const char *p = strchr(r->to->target, '?');
	size_t n = strlen(name);

	while (p != NULL) {
		p++;
		if (strncmp(p, name, n) == 0 && p[n] == '=') {
			buf_add(out, p + n + 1, strcspn(p + n + 1, "&"));
			return true;
		}
		p = strchr(p, '&');
	}
	return false;
}

bool http_request_is_local(const struct http_request *r)
{
	return r->to->is_local;
}

void http_request_set_data(struct http_request *r, void *data)
{
	r->data = data;
}

void *http_request_data(const struct http_request *r)
{
	return r->data;
}

static void request_end(struct http_request *r)
{
	r->to->req = NULL;
	free(r->path);
	free(r);
}

void http_respond(struct http_request *r, int status, const char *type, struct slice body,
	const char *const *headers)
{
	(void)type;
	(void)headers;
	assert_int_equal(r->to->status, 0);
	r->to->status = status;
	r->to->text = body.n == 0 ? xstrdup("") : slice_dup(body);
	request_end(r);
}

void http_respond_answer(struct http_request *r, const struct answer *a)
{
	CLEANUP(freep)
	char *text = xasprintf("{\"code\":\"%s\",\"status\":\"%s\",\"job_id\":\"%s\"}",
		a->code == NULL ? "" : a->code, a->outcome == NULL ? "" : a->outcome, a->job_id);

	(void)str_copy(r->to->allow, sizeof(r->to->allow), a->allow == NULL ? "" : a->allow);
	http_respond(r, a->status, "application/json", slice_of(a->reply == NULL ? text : a->reply),
		NULL);
}

struct http_stream *http_stream_start(
	struct http_request *r, int status, const char *type, void (*gone)(void *ctx), void *ctx)
{
	struct http_stream *s = xcalloc(1, sizeof(*s));

	(void)type;
	*s = (struct http_stream){.to = r->to, .gone = gone, .ctx = ctx};
	r->to->status = status;
	r->to->is_stream = true;
	r->to->stream = s;
	request_end(r);
	return s;
}

bool http_stream_write(struct http_stream *s, struct slice data)
{
	assert_false(s->to->has_ended);
	buf_add_slice(&s->written, data);
	free(s->to->text);
	s->to->text = xstrdup(buf_str(&s->written));
	return !s->to->blocks;
}

void http_stream_on_drained(struct http_stream *s, void (*drained)(void *ctx))
{
	s->drained = drained;
}

static void stream_end(struct http_stream *s)
{
	s->to->stream = NULL;
	buf_fini(&s->written);
	free(s);
}

void http_stream_end(struct http_stream *s)
{
	assert_non_null(s);
	s->to->has_ended = true;
	stream_end(s);
}

size_t http_server_pending(const struct http_server *s)
{
	(void)s;
	return 0;
}

const char *http_server_socket(const struct http_server *s)
{
	(void)s;
	return "/run/pylon/socket";
}

size_t http_server_connections(const struct http_server *s)
{
	(void)s;
	return 7;
}

/* --- driving them --- */

void fake_request_fini(struct fake_request *r)
{
	assert_null(r->req);
	free(r->text);
	*r = (struct fake_request){0};
}

static void count_stop(void *ctx)
{
	struct world *w = ctx;

	w->stops++;
}

static int count_reload(void *ctx, struct err *e)
{
	struct world *w = ctx;

	w->reloads++;
	return w->reload_fails ? err_set(e, -EINVAL, "config.yaml:3:1: no") : 0;
}

static void count_reload_pylons(void *ctx)
{
	struct world *w = ctx;

	w->reloads++;
}

int world_setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	CLEANUP(freep) char *dir = t_folder();

	fake = (struct fake_engine){.answer = {.status = 202, .outcome = "accepted"}};
	fake.status = (struct engine_status){.store_is_writable = true, .slots = 3};
	assert_true(str_copy(fake.dir, sizeof(fake.dir), dir));
	w->loop = loop_new_fake(NOW_US);
	strv_add(&w->hosts, "pylon.example");
	w->options = (struct api_options){.loop = w->loop,
		.version = "1.2.3",
		.hosts = &w->hosts,
		.stop = count_stop,
		.stop_ctx = w,
		.reload = count_reload,
		.reload_pylons = count_reload_pylons,
		.reload_ctx = w};
	w->api = api_new(&w->options);
	*state = w;
	return 0;
}

int world_teardown(void **state)
{
	struct world *w = *state;

	api_free(w->api);
	loop_free(w->loop);
	strv_fini(&w->hosts);
	strv_fini(&fake.notes);
	strv_fini(&fake.keys);
	for (size_t i = 0; i < fake.job_count; i++)
		job_fini(&fake.jobs[i]);
	t_folder_remove(xstrdup(fake.dir));
	free(w);
	return 0;
}

void world_set_token(struct world *w, const char *token)
{
	api_free(w->api);
	w->options.api_token = token;
	w->api = api_new(&w->options);
}

/* Just enough of the server's target splitting. */
static void split_target(const struct fake_request *r, struct http_request *q)
{
	const char *p = r->target;
	CLEANUP(buf_fini) struct buf path = BUF_NULL;

	if (*p != '/')
		p = strchr(strstr(p, "://") + 3, '/');
	for (; *p != '\0' && *p != '?'; p++) {
		uint8_t byte;

		if (*p == '%' && hex_decode((struct slice){p + 1, 2}, &byte, 1)) {
			buf_add_char(&path, (char)byte);
			p += 2;
		} else {
			buf_add_char(&path, *p);
		}
	}
	q->path = buf_steal(&path);
	q->in.path = slice_of(q->path);
}

void fake_send(struct world *w, struct fake_request *r)
{
	struct http_handlers h = api_handlers(w->api);
	struct http_request *q = xcalloc(1, sizeof(*q));
	struct answer refusal = {0};
	size_t max = 0;

	r->req = q;
	q->to = r;
	q->in.method = slice_of(r->method);
	q->in.body = slice_of(r->body);
	split_target(r, q);
	for (size_t i = 0; i < ARRAY_LEN(r->headers) && r->headers[i] != NULL; i++) {
		const char *colon = strchr(r->headers[i], ':');

		q->fields[i].name = (struct slice){r->headers[i], (size_t)(colon - r->headers[i])};
		q->fields[i].value = slice_trim(slice_of(colon + 1));
		q->in.field_count++;
	}
	q->in.fields = q->fields;
	if (h.admit(h.ctx, q, &max, &refusal) != 0) {
		http_respond_answer(q, &refusal);
		answer_fini(&refusal);
	} else {
		h.handle(h.ctx, q);
	}
}

void expect(struct world *w, struct fake_request r, int status)
{
	fake_send(w, &r);
	if (r.status != status)
		fail_msg("%s %s: %d instead of %d", r.method, r.target, r.status, status);
	if (r.stream != NULL)
		fake_leave(&r);
	fake_request_fini(&r);
}

struct fake_request fake_get(struct world *w, const char *target)
{
	struct fake_request r = {.method = "GET", .target = target, .is_local = true};

	fake_send(w, &r);
	/* Streams point at their request, which must stay where it is. */
	assert_false(r.is_stream);
	return r;
}

struct fake_request fake_post(struct world *w, const char *target, const char *body)
{
	struct fake_request r = {
		.method = "POST", .target = target, .body = body, .is_local = true};

	fake_send(w, &r);
	return r;
}

struct js *fake_json(const struct fake_request *r)
{
	struct err e = CLEAN_ERR;
	struct js *j = js_parse(r->text, strlen(r->text), &e);

	assert_non_null(j);
	return j;
}

void fake_drain(struct fake_request *r)
{
	r->blocks = false;
	r->stream->drained(r->stream->ctx);
}

void fake_leave(struct fake_request *r)
{
	struct http_stream *s = r->stream;
	void (*gone)(void *ctx) = s->gone;
	void *ctx = s->ctx;

	r->is_gone = true;
	stream_end(s);
	gone(ctx);
}

/* Call it with the newest job first. */
void fake_job(const char *id, enum job_state state, int64_t created_at)
{
	struct job *j = &fake.jobs[fake.job_count++];

	*j = (struct job){.state = state, .created_at = created_at, .exit_code = -1};
	assert_true(str_copy(j->id.s, sizeof(j->id.s), id));
	j->pylon = xstrdup("demo");
}

void fake_background(void)
{
	str_replace(&fake.jobs[fake.job_count - 1].pylon, RUNTIME_NAME);
}

void fake_event(struct world *w, const char *type, const char *job_id, const char *state)
{
	struct engine_event ev = {.type = type, .pylon = "demo", .state = state};

	(void)w;
	assert_true(str_copy(ev.job_id.s, sizeof(ev.job_id.s), job_id));
	fake.listener(fake.listener_ctx, &ev);
}
