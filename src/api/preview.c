/* SPDX-License-Identifier: MIT */
/*
 * api/preview.c - schedules and templates tried out over the API, as the commands `schedule next`
 * and `template render` do without a daemon.
 *
 * The body of an event is handed on as it was sent, so that its numbers print exactly.
 */
#include "api/api-internal.h"
#include "base/scan.h"

#define COUNT_MAX 1000

/* A number in the query within 1..max; false after having refused. */
static bool read_count(struct http_request *req, size_t *ret)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	uint64_t n = 5;

	if (http_request_query(req, "count", &text) &&
		(!slice_to_u64(buf_slice(&text), COUNT_MAX, &n) || n == 0)) {
		api_refuse(
			req, 400, "invalid_request", "count is a number from 1 to %d", COUNT_MAX);
		return false;
	}
	*ret = (size_t)n;
	return true;
}

/* Microseconds since 1970 in `from`; now when it is absent. */
static bool read_from(struct api *a, struct http_request *req, int64_t *ret)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	uint64_t us;

	*ret = loop_real(a->o.loop);
	if (!http_request_query(req, "from", &text))
		return true;
	if (!slice_to_u64(buf_slice(&text), INT64_MAX, &us)) {
		api_refuse(req, 400, "invalid_request", "from is microseconds since 1970");
		return false;
	}
	*ret = (int64_t)us;
	return true;
}

/* GET /api/schedule/next?text=&tz=&from=&count= */
void schedule_next_get(struct api *a, struct http_request *req, const struct route_match *m)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	CLEANUP(buf_fini) struct buf zone = BUF_NULL;
	CLEANUP(js_freep) struct js *reading = NULL;
	struct err e = CLEAN_ERR;
	int64_t from;
	size_t count;

	(void)m;
	if (!read_count(req, &count) || !read_from(a, req, &from))
		return;
	if (!http_request_query(req, "text", &text)) {
		api_refuse(req, 400, "invalid_request", "text is missing: what is to be read?");
		return;
	}
	if (!http_request_query(req, "tz", &zone))
		buf_add_str(&zone, "UTC");
	if (engine_read_schedule(buf_str(&text), buf_str(&zone), from, count, &reading, &e) < 0) {
		api_refuse(req, 400, "invalid_schedule", "%.150s", e.text);
		return;
	}
	api_respond_json(req, 200, reading);
}

/* The values of "template" and "body" in {"template":"...","body":{...}}; false when they are not
 * as they must be. */
static bool read_parts(const struct scan *index, struct buf *text, struct slice *body)
{
	const struct scan_node *t, *b;

	if (index->n == 0 || index->nodes[0].type != SCAN_OBJECT)
		return false;
	t = scan_member(index, &index->nodes[0], SLICE_LIT("template"));
	b = scan_member(index, &index->nodes[0], SLICE_LIT("body"));
	if (t == NULL || t->type != SCAN_STRING || (b != NULL && b->type != SCAN_OBJECT))
		return false;
	scan_unescape(text, t->raw);
	*body = b == NULL ? SLICE_NULL : b->raw;
	return true;
}

/* POST /api/template/render {"template":"...","body":{...}} */
void template_render_post(struct api *a, struct http_request *req, const struct route_match *m)
{
	struct slice sent = http_request_inbound(req)->body, body = SLICE_NULL;
	CLEANUP(js_freep) struct js *answer = js_object();
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	CLEANUP(scan_fini) struct scan index = SCAN_NULL_INDEX;
	struct err e = CLEAN_ERR;

	(void)a;
	(void)m;
	if (scan_parse(&index, sent.p == NULL ? "" : sent.p, sent.n, &e) != 0 ||
		!read_parts(&index, &text, &body)) {
		api_refuse(req, 400, "invalid_request",
			"send {\"template\":\"...\",\"body\":{...}} as JSON");
		return;
	}
	if (engine_render_template(buf_slice(&text), body, &out, &e) < 0) {
		api_refuse(req, 400, "invalid_template", "%.150s", e.text);
		return;
	}
	js_set_strn(answer, "text", out.p == NULL ? "" : out.p, out.n);
	api_respond_json(req, 200, answer);
}
