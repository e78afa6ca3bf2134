/* SPDX-License-Identifier: MIT */
/*
 * http/request.c - request objects: their memory, and what handlers may ask of them.
 *
 * One block holds the object, its fields and a copy of the head, because the buffer it was parsed
 * in is needed for the next connection long before the answer. The body grows as it arrives, not
 * as announced, so only bytes really sent count against the memory for bodies of all requests;
 * they count until the request is answered.
 */
#include "base/crypto.h"
#include "http/server_internal.h"

enum { BODY_SIZE_MIN = 4096 };

bool http_percent_decode(struct slice in, struct buf *out)
{
	uint8_t byte;

	for (size_t i = 0; i < in.n; i++) {
		if (in.p[i] != '%') {
			buf_add_char(out, in.p[i]);
			continue;
		}
		if (in.n - i < 3 || !hex_decode((struct slice){in.p + i + 1, 2}, &byte, 1) ||
			byte == 0)
			return false;
		buf_add_char(out, (char)byte);
		i += 2;
	}
	return true;
}

/* The same bytes in the copy of the buffer they were parsed in. */
static struct slice moved(struct slice s, const char *from, size_t n, const char *to)
{
	bool is_inside = s.p != NULL && s.p >= from && s.p <= from + n;

	/* The path of an absolute target may be a constant of ours. */
	return is_inside ? (struct slice){to + (s.p - from), s.n} : s;
}

static bool set_path(struct http_request *r, struct slice path)
{
	r->in.path = path;
	if (path.n == 0 || memchr(path.p, '%', path.n) == NULL)
		return true;
	if (!http_percent_decode(path, &r->path))
		return false;
	r->in.path = buf_slice(&r->path);
	return true;
}

static void copy_head(struct http_request *r, const struct http_head *h, const char *p)
{
	char *copy = (char *)(void *)&r->fields[h->field_count];

	memcpy(copy, p, h->size);
	r->in.method = moved(h->method, p, h->size, copy);
	r->in.query = moved(h->query, p, h->size, copy);
	r->target = moved(h->target, p, h->size, copy);
	r->in.fields = r->fields;
	r->in.field_count = h->field_count;
	for (size_t i = 0; i < h->field_count; i++) {
		r->fields[i].name = moved(h->fields[i].name, p, h->size, copy);
		r->fields[i].value = moved(h->fields[i].value, p, h->size, copy);
	}
}

struct http_request *request_new(struct connection *c, const struct http_head *h, const char *p)
{
	size_t n = sizeof(struct http_request) + h->field_count * sizeof(struct inbound_field);
	struct http_request *r = xcalloc(1, n + h->size);

	r->server = c->server;
	r->conn = c;
	list_append(&c->server->requests, &r->node);
	copy_head(r, h, p);
	r->is_local = c->is_local;
	r->is_http10 = h->is_http10;
	r->is_head = slice_eq_str(h->method, "HEAD");
	r->is_keep_alive = h->is_keep_alive;
	r->has_body = h->is_chunked || h->length > 0;
	r->length = h->length;
	http_body_init(&r->reader, h);
	if (!set_path(r, moved(h->path, p, h->size, (char *)(void *)&r->fields[h->field_count]))) {
		request_free(r);
		return NULL;
	}
	return r;
}

void request_free(struct http_request *r)
{
	if (r == NULL)
		return;
	r->server->body_bytes -= r->body_size;
	list_remove(&r->node);
	buf_fini(&r->path);
	free(r->body);
	free(r);
}

/* The size to grow to: doubling, but never beyond what may still come. */
static size_t grown_size(const struct http_request *r, size_t need)
{
	size_t most = r->length > 0 ? (size_t)r->length : r->body_max;

	return MAX_OF(need, MIN_OF(most, MAX_OF(r->body_size * 2, (size_t)BODY_SIZE_MIN)));
}

const struct http_refusal *request_add_body(struct http_request *r, struct slice data)
{
	static const struct http_refusal too_large = {413, "too_large", "The body is too large."};
	static const struct http_refusal full = {
		503, "full", "Too many large requests are being read; try again soon."};
	struct http_server *s = r->server;
	size_t need = r->body_n + data.n, size;

	if (need > r->body_max)
		return &too_large;
	if (need > r->body_size) {
		size = grown_size(r, need);
		if (s->body_bytes + (size - r->body_size) > s->limits.bodies)
			return &full;
		s->body_bytes += size - r->body_size;
		r->body = xreallocarray(r->body, size, 1);
		r->body_size = size;
	}
	memcpy(r->body + r->body_n, data.p, data.n);
	r->body_n = need;
	return NULL;
}

const struct inbound *http_request_inbound(const struct http_request *r)
{
	return &r->in;
}

struct slice http_request_target(const struct http_request *r)
{
	return r->target;
}

bool http_request_header(const struct http_request *r, const char *name, struct slice *ret)
{
	return inbound_header(&r->in, name, ret) > 0;
}

/* One part of a query; '+' is a blank there, as every form encoder writes it. */
static bool decode_value(struct slice in, struct buf *out)
{
	size_t start = out->n;

	if (!http_percent_decode(in, out))
		return false;
	/* A '+' that was escaped must stay; it has no '+' in the source then. */
	for (size_t i = 0, at = start; i < in.n; i++, at++) {
		if (in.p[i] == '+')
			out->p[at] = ' ';
		else if (in.p[i] == '%')
			i += 2;
	}
	return true;
}

bool http_request_query(const struct http_request *r, const char *name, struct buf *out)
{
	struct slice rest = r->in.query;

	while (rest.n > 0) {
		const char *end = memchr(rest.p, '&', rest.n);
		size_t n = end == NULL ? rest.n : (size_t)(end - rest.p);
		const char *equals = memchr(rest.p, '=', n);
		size_t name_n = equals == NULL ? n : (size_t)(equals - rest.p);

		if (slice_eq_str((struct slice){rest.p, name_n}, name))
			return equals == NULL ||
			       decode_value((struct slice){equals + 1, n - name_n - 1}, out);
		n += end != NULL;
		rest.p += n;
		rest.n -= n;
	}
	return false;
}

bool http_request_is_local(const struct http_request *r)
{
	return r->is_local;
}

void http_request_set_data(struct http_request *r, void *data)
{
	r->data = data;
}

void *http_request_data(const struct http_request *r)
{
	return r->data;
}
