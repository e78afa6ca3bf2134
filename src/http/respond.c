/* SPDX-License-Identifier: MIT */
/*
 * http/respond.c - building and sending answers.
 *
 * An answer is built in the server's scratch buffer and leaves in one send(2); only what the socket
 * does not take is copied to the connection. The request is taken off the connection first, because
 * sending may close it. No Date is sent: it would cost a formatted clock for each answer and
 * nothing here is cached.
 */
#include "base/json.h"
#include "http/server_internal.h"

/* Above this the scratch buffer is given back after use. */
#define SCRATCH_KEPT KIB(64)

const char *http_reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {
		{200, "OK"},
		{201, "Created"},
		{202, "Accepted"},
		{204, "No Content"},
		{302, "Found"},
		{303, "See Other"},
		{304, "Not Modified"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{408, "Request Timeout"},
		{409, "Conflict"},
		{410, "Gone"},
		{412, "Precondition Failed"},
		{413, "Content Too Large"},
		{414, "URI Too Long"},
		{415, "Unsupported Media Type"},
		{417, "Expectation Failed"},
		{421, "Misdirected Request"},
		{422, "Unprocessable Content"},
		{429, "Too Many Requests"},
		{431, "Request Header Fields Too Large"},
		{500, "Internal Server Error"},
		{501, "Not Implemented"},
		{502, "Bad Gateway"},
		{503, "Service Unavailable"},
		{504, "Gateway Timeout"},
		{505, "HTTP Version Not Supported"},
		{507, "Insufficient Storage"},
	};

	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		if (reasons[i].status == status)
			return reasons[i].reason;
	}
	return status < 400 ? "Other" : "Error";
}

static void add_number(struct buf *b, size_t n)
{
	char digits[24];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	buf_add(b, digits + at, sizeof(digits) - at);
}

struct buf *answer_begin(struct http_server *s, int status, const char *type)
{
	struct buf *b = &s->scratch;

	must(status >= 200 && status <= 599);
	buf_clear(b);
	buf_add_str(b, "HTTP/1.1 ");
	add_number(b, (size_t)status);
	buf_add_char(b, ' ');
	buf_add_str(b, http_reason(status));
	buf_add_str(b, "\r\n");
	if (type != NULL) {
		buf_add_str(b, "Content-Type: ");
		buf_add_str(b, type);
		buf_add_str(b, "\r\n");
	}
	return b;
}

void answer_end_head(struct buf *b, bool is_kept, bool is_http10)
{
	if (!is_kept)
		buf_add_str(b, "Connection: close\r\n");
	else if (is_http10)
		buf_add_str(b, "Connection: keep-alive\r\n");
	buf_add_str(b, "\r\n");
}

/* A line that would end early is left out: its value came from outside. */
static void add_lines(struct buf *b, const char *const *headers)
{
	for (size_t i = 0; headers != NULL && headers[i] != NULL; i++) {
		if (strpbrk(headers[i], "\r\n") != NULL)
			continue;
		buf_add_str(b, headers[i]);
		buf_add_str(b, "\r\n");
	}
}

static void send_scratch(struct connection *c, bool is_kept)
{
	struct buf *b = &c->server->scratch;

	connection_write(c, buf_slice(b));
	connection_finish(c, is_kept);
	if (b->size > SCRATCH_KEPT)
		buf_fini(b);
}

/* What an answer needs to know of its request. */
struct wish {
	bool is_kept, is_http10, is_head;
};

static void answer(struct connection *c, struct wish w, int status, const char *type,
	struct slice body, const char *const *headers)
{
	struct buf *b = answer_begin(c->server, status, type);

	/* RFC 9110 section 8.6: no Content-Length with 204; 304 would have to tell another's. */
	if (status != 204 && status != 304) {
		buf_add_str(b, "Content-Length: ");
		add_number(b, body.n);
		buf_add_str(b, "\r\n");
	}
	add_lines(b, headers);
	answer_end_head(b, w.is_kept, w.is_http10);
	if (!w.is_head && status != 204 && status != 304 && body.n > 0)
		buf_add(b, body.p, body.n);
	send_scratch(c, w.is_kept);
}

void http_respond(struct http_request *r, int status, const char *type, struct slice body,
	const char *const *headers)
{
	struct http_server *s = r->server;
	struct connection *c = r->conn;
	struct wish w = {r->is_keep_alive && !s->is_stopping, r->is_http10, r->is_head};

	server_enter(s);
	if (r->is_pending)
		server_request_ends(s);
	if (c != NULL) {
		c->req = NULL;
		answer(c, w, status, type, body, headers);
	}
	/* Last, because the body may be part of the request. */
	request_free(r);
	server_leave(s);
}

/* problem+json (RFC 9457). */
static void add_problem(struct buf *b, int status, const char *code, const char *text)
{
	buf_add_str(b, "{\"type\":\"about:blank\",\"title\":");
	js_write_string(b, slice_of(http_reason(status)));
	buf_printf(b, ",\"status\":%d,\"code\":", status);
	js_write_string(b, slice_of(code == NULL ? "error" : code));
	buf_add_str(b, ",\"detail\":");
	js_write_string(b, slice_of(text));
	buf_add_str(b, "}\n");
}

static void add_accepted(struct buf *b, const struct answer *a)
{
	buf_add_char(b, '{');
	if (a->job_id[0] != '\0') {
		buf_add_str(b, "\"job_id\":");
		js_write_string(b, slice_of(a->job_id));
		buf_add_char(b, ',');
	}
	buf_add_str(b, "\"status\":");
	js_write_string(b, slice_of(a->outcome == NULL ? "ok" : a->outcome));
	if (a->text[0] != '\0') {
		buf_add_str(b, ",\"reason\":");
		js_write_string(b, slice_of(a->text));
	}
	buf_add_str(b, "}\n");
}

/* The lines that an answer has beside those of every answer. */
static void add_answer_lines(struct strv *lines, const struct answer *a)
{
	if (a->retry_after_s > 0)
		strv_addf(lines, "Retry-After: %d", a->retry_after_s);
	if (a->allow != NULL)
		strv_addf(lines, "Allow: %s", a->allow);
	for (size_t i = 0; i < a->headers.n; i++)
		strv_add(lines, a->headers.v[i]);
}

void http_respond_answer(struct http_request *r, const struct answer *a)
{
	CLEANUP(strv_fini) struct strv lines = STRV_NULL;
	CLEANUP(buf_fini) struct buf body = BUF_NULL;
	const char *type = "application/json";

	add_answer_lines(&lines, a);
	if (a->status >= 400) {
		add_problem(&body, a->status, a->code, a->text);
		type = "application/problem+json";
	} else if (a->reply != NULL) {
		buf_add_str(&body, a->reply);
		type = a->reply_type;
	} else {
		add_accepted(&body, a);
	}
	http_respond(r, a->status, type, buf_slice(&body), (const char *const *)lines.v);
}

void connection_refuse(struct connection *c, const struct http_refusal *why)
{
	static const char *const allow[] = {"Allow: " HTTP_METHODS, NULL};
	static const char *const retry[] = {"Retry-After: 1", NULL};
	CLEANUP(buf_fini) struct buf body = BUF_NULL;
	const char *const *headers = why->status == 405 ? allow : why->status == 503 ? retry : NULL;
	struct wish w = {.is_kept = false};
	int status = why->status; /* `why` may lie in the request that goes first */

	add_problem(&body, status, why->code, why->text);
	if (c->req != NULL) {
		w.is_head = c->req->is_head;
		request_free(c->req);
		c->req = NULL;
	}
	answer(c, w, status, "application/problem+json", buf_slice(&body), headers);
}
