/* SPDX-License-Identifier: MIT */
/*
 * fuzz/fuzz_http.c - the request parser: a stream of requests as they come over one connection.
 *
 * Beyond not crashing: a prefix of a head is undecided or judged like the whole, a body is the same
 * however it is cut, and all slices lie in the input. Inputs are copied to blocks of exact size, so
 * a sanitizer sees one byte read too far.
 */
#include <stdint.h>

#include "base/base.h"
#include "base/str.h"
#include "http/http.h"
#include "http/parser.h"

enum {
	REQUESTS_MAX = 4,
	ALL_PREFIXES_UP_TO = 600, /* longer heads are cut at some places only */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum http_verdict judge(struct http_head *h, const char *p, size_t n)
{
	char *copy = xcalloc(n == 0 ? 1 : n, 1);
	enum http_verdict v;

	if (n > 0)
		memcpy(copy, p, n);
	v = http_head_parse(h, copy, n);
	free(copy);
	return v;
}

static void check_prefixes(
	const struct http_head *whole, enum http_verdict v, const char *p, size_t n)
{
	static struct http_head part;
	size_t step = n > ALL_PREFIXES_UP_TO ? n / 97 : 1;
	bool is_decided = false;

	for (size_t i = 0; i < n; i += step) {
		enum http_verdict w = judge(&part, p, i);

		must(w != HTTP_MORE || !is_decided);
		is_decided = w != HTTP_MORE;
		must(w == HTTP_MORE || w == v);
		if (w == HTTP_REFUSED)
			must(part.refusal.status == whole->refusal.status);
		if (w == HTTP_DONE)
			must(part.size == whole->size && part.field_count == whole->field_count);
	}
}

static void check_slice(struct slice s, const char *p, size_t n)
{
	/* A path may be a constant: "/" or "*". */
	must(s.n <= 1 || (s.p >= p && s.p + s.n <= p + n));
}

static void check_head(const struct http_head *h, const char *p, size_t n)
{
	CLEANUP(buf_fini) struct buf path = BUF_NULL;

	must(h->size <= n && h->size <= HTTP_HEAD_MAX && h->field_count <= HTTP_FIELDS_MAX);
	must(h->path.n > 0 && h->target.n <= HTTP_TARGET_MAX);
	must(!h->is_chunked || (h->length == 0 && !h->is_http10));
	check_slice(h->method, p, h->size);
	check_slice(h->target, p, h->size);
	check_slice(h->path, p, h->size);
	check_slice(h->query, p, h->size);
	for (size_t i = 0; i < h->field_count; i++) {
		check_slice(h->fields[i].name, p, h->size);
		check_slice(h->fields[i].value, p, h->size);
	}
	if (http_percent_decode(h->path, &path))
		must(path.n > 0 && path.n <= h->path.n && memchr(path.p, '\0', path.n) == NULL);
}

static enum http_verdict read_body(const struct http_head *h, struct slice in, size_t piece,
	struct buf *content, size_t *ret_used)
{
	enum http_verdict v;
	struct http_body b;
	size_t at = 0, used, n;

	http_body_init(&b, h);
	do {
		struct slice data;

		n = MIN_OF(piece, in.n - at);
		v = http_body_read(&b, in.p + at, n, &used, &data);
		must(used <= n && data.n <= used);
		must(data.n == 0 || (data.p >= in.p + at && data.p + data.n <= in.p + at + used));
		if (data.n > 0)
			buf_add_slice(content, data);
		at += used;
	} while (v == HTTP_MORE && at < in.n);
	*ret_used = at;
	return v;
}

/* Returns the bytes of the body, SIZE_MAX when it is not whole or refused. */
static size_t check_body(const struct http_head *h, const char *p, size_t n)
{
	static const size_t pieces[] = {SIZE_MAX, 1, 7, 64};
	CLEANUP(buf_fini) struct buf first = BUF_NULL;
	enum http_verdict v = HTTP_MORE;
	size_t first_used = 0;

	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		CLEANUP(buf_fini) struct buf content = BUF_NULL;
		size_t used;
		enum http_verdict w =
			read_body(h, (struct slice){p, n}, pieces[i], &content, &used);

		if (i == 0) {
			v = w;
			first_used = used;
			buf_add_slice(&first, buf_slice(&content));
		}
		must(w == v && used == first_used);
		must(slice_eq(buf_slice(&content), buf_slice(&first)));
	}
	return v == HTTP_DONE ? first_used : SIZE_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct http_head head;
	char *copy = xcalloc(size == 0 ? 1 : size, 1);
	size_t at = 0, used;

	if (size > 0)
		memcpy(copy, data, size);
	for (int i = 0; i < REQUESTS_MAX; i++) {
		enum http_verdict v = http_head_parse(&head, copy + at, size - at);

		must(v != HTTP_MORE || size - at < HTTP_HEAD_MAX);
		check_prefixes(&head, v, copy + at, size - at);
		if (v != HTTP_DONE)
			break;
		check_head(&head, copy + at, size - at);
		at += head.size;
		used = check_body(&head, copy + at, size - at);
		if (used == SIZE_MAX)
			break;
		at += used;
	}
	free(copy);
	return 0;
}
