/* SPDX-License-Identifier: MIT */
/*
 * client/answer.c - reading one answer (RFC 9112): head, then a body by length, in chunks, or until
 * the connection ends.
 *
 * Everything is bounded: the head, each chunk line, the trailer. An answer that is framed in two
 * ways or that ends too early is a failure, never half a result.
 */
#include <errno.h>

#include "client/client-internal.h"

static int bad_answer(struct err *e, const char *what)
{
	return err_set(e, -EPROTO, "that is no HTTP answer of ours: %s", what);
}

/* One line without its CRLF, taken off the buffer into `ret`; at most `max` bytes. */
static int take_line(struct client *c, size_t max, struct buf *ret, struct err *e)
{
	for (;;) {
		char *end = c->in.n == 0 ? NULL : memchr(c->in.p, '\n', c->in.n);
		size_t n = end == NULL ? c->in.n : (size_t)(end - c->in.p);
		int r;

		if (n > max)
			return bad_answer(e, "a line is too long");
		if (end != NULL) {
			buf_clear(ret);
			buf_add(ret, c->in.p, n > 0 && end[-1] == '\r' ? n - 1 : n);
			buf_drop_front(&c->in, n + 1);
			return 0;
		}
		r = client_fill(c, e);
		if (r < 0)
			return r;
		if (r == 0)
			return err_set(
				e, -ECONNRESET, "the connection ended in the middle of the answer");
	}
}

static int parse_status(struct slice line, struct client_head *ret, struct err *e)
{
	static const size_t start = sizeof("HTTP/1.x ") - 1;
	uint64_t status = 0;
	bool is_http = slice_has_prefix(line, "HTTP/1.1 ") || slice_has_prefix(line, "HTTP/1.0 ");

	if (!is_http || line.n < start + 3 || (line.n > start + 3 && line.p[start + 3] != ' '))
		return bad_answer(e, "no status line");
	if (!slice_to_u64((struct slice){line.p + start, 3}, 999, &status) || status < 100)
		return bad_answer(e, "no status");
	*ret = (struct client_head){.status = (int)status, .closes = line.p[7] == '0'};
	return 0;
}

static int parse_field(struct slice line, struct client_head *h, struct err *e)
{
	const char *colon = memchr(line.p, ':', line.n);
	struct slice name, value;

	if (colon == NULL || colon == line.p)
		return bad_answer(e, "a header line without a name");
	name = (struct slice){line.p, (size_t)(colon - line.p)};
	value = slice_trim((struct slice){colon + 1, line.n - name.n - 1});
	if (slice_eq_nocase(name, "content-length")) {
		if (h->has_length || !slice_to_u64(value, INT64_MAX, &h->length))
			return bad_answer(e, "a bad Content-Length");
		h->has_length = true;
	} else if (slice_eq_nocase(name, "transfer-encoding")) {
		if (h->is_chunked || !slice_eq_nocase(value, "chunked"))
			return bad_answer(e, "a bad Transfer-Encoding");
		h->is_chunked = true;
	} else if (slice_eq_nocase(name, "connection")) {
		h->closes |= slice_eq_nocase(value, "close");
	} else if (slice_eq_nocase(name, "upgrade")) {
		h->is_tcp |= slice_eq_nocase(value, "tcp");
	}
	return 0;
}

static int read_one_head(struct client *c, struct client_head *ret, struct err *e)
{
	CLEANUP(buf_fini) struct buf line = BUF_NULL;
	size_t total = 0;
	int r = take_line(c, ANSWER_HEAD_MAX, &line, e);

	if (r == 0)
		r = parse_status(buf_slice(&line), ret, e);
	while (r == 0) {
		r = take_line(c, ANSWER_HEAD_MAX, &line, e);
		if (r < 0 || line.n == 0)
			break;
		total += line.n;
		if (total > ANSWER_HEAD_MAX)
			return bad_answer(e, "the head is too large");
		r = parse_field(buf_slice(&line), ret, e);
	}
	if (r == 0 && ret->is_chunked && ret->has_length)
		return bad_answer(e, "two lengths");
	return r;
}

int client_read_head(struct client *c, struct client_head *ret, struct err *e)
{
	int r;

	do {
		r = read_one_head(c, ret, e);
	} while (r == 0 && ret->status < 200 && ret->status != STATUS_SWITCHING);
	return r;
}

struct sink {
	bool (*on_data)(void *ctx, struct slice data);
	void *ctx;
};

/* Hands out `left` bytes; UINT64_MAX means until the connection ends. */
static int read_bytes(struct client *c, uint64_t left, const struct sink *to, struct err *e)
{
	bool is_endless = left == UINT64_MAX;

	while (left > 0) {
		size_t n = (size_t)MIN_OF(left, (uint64_t)c->in.n);
		int r;

		if (n > 0) {
			bool go_on = to->on_data(to->ctx, (struct slice){c->in.p, n});

			buf_drop_front(&c->in, n);
			left -= is_endless ? 0 : n;
			if (!go_on)
				return -ECANCELED;
			continue;
		}
		r = client_fill(c, e);
		if (r < 0)
			return r;
		if (r == 0 && is_endless)
			return 0;
		if (r == 0)
			return err_set(
				e, -ECONNRESET, "the connection ended in the middle of the answer");
	}
	return 0;
}

/* "1a2b;ext" -> its size. */
static bool parse_chunk_size(struct slice line, uint64_t *ret)
{
	uint64_t size = 0;
	size_t i = 0;

	for (; i < line.n && line.p[i] != ';' && line.p[i] != ' '; i++) {
		static const char digits[] = "0123456789abcdef";
		int low = line.p[i] >= 'A' && line.p[i] <= 'F' ? line.p[i] - 'A' + 'a' : line.p[i];
		const char *at = low == '\0' ? NULL : strchr(digits, low);

		if (at == NULL || i == 8)
			return false;
		size = size * 16 + (uint64_t)(at - digits);
	}
	*ret = size;
	return i > 0;
}

static int skip_trailer(struct client *c, struct buf *line, struct err *e)
{
	size_t total = 0;
	int r;

	do {
		r = take_line(c, HTTP_TRAILER_MAX, line, e);
		total += line->n;
		if (r == 0 && total > HTTP_TRAILER_MAX)
			r = bad_answer(e, "the trailer is too large");
	} while (r == 0 && line->n > 0);
	return r;
}

static int read_chunks(struct client *c, const struct sink *to, struct err *e)
{
	CLEANUP(buf_fini) struct buf line = BUF_NULL;
	uint64_t size;
	int r;

	for (;;) {
		r = take_line(c, STREAM_LINE_MAX, &line, e);
		if (r < 0)
			return r;
		if (!parse_chunk_size(buf_slice(&line), &size))
			return bad_answer(e, "a bad chunk size");
		if (size == 0)
			return skip_trailer(c, &line, e);
		r = read_bytes(c, size, to, e);
		if (r < 0)
			return r;
		r = take_line(c, 1, &line, e);
		if (r < 0)
			return r;
		if (line.n > 0)
			return bad_answer(e, "a chunk that does not end where it said");
	}
}

int client_read_body(struct client *c, const struct client_head *h,
	bool (*on_data)(void *ctx, struct slice data), void *ctx, struct err *e)
{
	struct sink to = {on_data, ctx};

	if (h->status == 204 || h->status == 304)
		return 0;
	if (h->is_chunked)
		return read_chunks(c, &to, e);
	return read_bytes(c, h->has_length ? h->length : UINT64_MAX, &to, e);
}
