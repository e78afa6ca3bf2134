/* SPDX-License-Identifier: MIT */
/*
 * api/respond.c - how handlers answer: JSON, lists, refusals; and how they read their bodies.
 */
#include <stdio.h>

#include "api/api-internal.h"

static void fill(struct answer *ret, int status, const char *code, const char *fmt, va_list ap)
	PRINTF(4, 0);

static void fill(struct answer *ret, int status, const char *code, const char *fmt, va_list ap)
{
	*ret = (struct answer){.status = status, .code = code};
	(void)vsnprintf(ret->text, sizeof(ret->text), fmt, ap);
}

int answer_fill(struct answer *ret, int status, const char *code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(ret, status, code, fmt, ap);
	va_end(ap);
	return status;
}

void api_refuse(struct http_request *req, int status, const char *code, const char *fmt, ...)
{
	struct answer a;
	va_list ap;

	va_start(ap, fmt);
	fill(&a, status, code, fmt, ap);
	va_end(ap);
	http_respond_answer(req, &a);
}

void api_respond_json(struct http_request *req, int status, const struct js *j)
{
	CLEANUP(buf_fini) struct buf out = BUF_NULL;

	js_write(&out, j);
	buf_add_char(&out, '\n');
	http_respond(req, status, "application/json", buf_slice(&out), NULL);
}

void api_answered(void *ctx, const struct answer *a)
{
	http_respond_answer(ctx, a);
}

struct js *api_list(struct js *items, const char *next)
{
	struct js *list = js_object();

	js_set_take(list, "items", items);
	js_set_str(list, "next", next);
	return list;
}

void api_respond_list(struct http_request *req, struct js *items, const char *next)
{
	CLEANUP(js_freep) struct js *list = api_list(items, next);

	api_respond_json(req, 200, list);
}

bool api_query_limit(struct http_request *req, size_t *ret)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	uint64_t n = LIST_LIMIT_DEFAULT;

	if (http_request_query(req, "limit", &text) &&
		(!slice_to_u64(buf_slice(&text), LIST_LIMIT_MAX, &n) || n == 0)) {
		api_refuse(req, 400, "invalid_request", "limit is a number from 1 to %d",
			LIST_LIMIT_MAX);
		return false;
	}
	*ret = (size_t)n;
	return true;
}

bool api_query_before(struct http_request *req, int64_t *ret)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	uint64_t at = 0;

	*ret = 0;
	if (!http_request_query(req, "before", &text) || text.n == 0)
		return true;
	if (slice_to_u64(buf_slice(&text), INT64_MAX, &at) && at > 0) {
		*ret = (int64_t)at;
		return true;
	}
	api_refuse(req, 400, "invalid_request", "before is the `next` of the page before");
	return false;
}

/* Absent, or JSON: a form sent by a web page is neither. */
bool api_is_json(const struct inbound *in)
{
	struct slice type = SLICE_NULL;
	const char *end;

	if (inbound_header(in, "content-type", &type) == 0)
		return true;
	end = type.n == 0 ? NULL : memchr(type.p, ';', type.n);
	if (end != NULL)
		type.n = (size_t)(end - type.p);
	type = slice_trim(type);
	return slice_eq_nocase(type, "application/json") ||
	       (type.n > 5 && strncasecmp(type.p + type.n - 5, "+json", 5) == 0);
}

struct js *api_body(struct http_request *req)
{
	struct slice body = http_request_inbound(req)->body;
	struct err e = CLEAN_ERR;
	struct js *j;

	if (slice_trim(body).n == 0)
		return js_object();
	j = js_parse(body.p, body.n, &e);
	if (j == NULL) {
		api_refuse(req, 400, "invalid_json", "the body is not JSON: %.100s", e.text);
		return NULL;
	}
	if (!js_is_object(j)) {
		js_free(j);
		api_refuse(req, 400, "not_object", "the body is not a JSON object");
		return NULL;
	}
	return j;
}
