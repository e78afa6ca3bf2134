/* SPDX-License-Identifier: MIT */
/*
 * http/body.c - where a request's body ends: by Content-Length, or by chunks (RFC 9112 section 7).
 *
 * A byte-wise state machine, except that content is passed through in one piece. Stricter than the
 * grammar in two places where proxies were seen to differ: no blank between the chunk size and
 * what follows it, and no bare LF anywhere. Chunk extensions and trailers are checked, bounded and
 * forgotten.
 */
#include "base/crypto.h"
#include "http/parser.h"

enum state {
	BODY_SIMPLE,     /* content counted by Content-Length */
	CHUNK_FIRST,     /* first digit of a chunk size */
	CHUNK_SIZE,      /* more digits */
	CHUNK_EXTENSION, /* behind the ';' */
	CHUNK_LF,        /* the LF of the size line */
	CHUNK_DATA,
	CHUNK_END_CR, /* the CRLF behind the data */
	CHUNK_END_LF,
	TRAILER_FIRST, /* first byte of a trailer line, or the end */
	TRAILER_NAME,
	TRAILER_VALUE,
	TRAILER_LF,
	LAST_LF, /* the LF of the empty line */
	BODY_OVER,
	BODY_BROKEN,
};

void http_body_init(struct http_body *b, const struct http_head *h)
{
	*b = (struct http_body){.left = h->length, .state = BODY_SIMPLE};
	if (h->is_chunked) {
		b->left = 0;
		b->state = CHUNK_FIRST;
	} else if (h->length == 0) {
		b->state = BODY_OVER;
	}
}

static enum http_verdict refuse(struct http_body *b, const char *text)
{
	b->state = BODY_BROKEN;
	b->refusal = (struct http_refusal){400, "bad_request", text};
	return HTTP_REFUSED;
}

static enum http_verdict go(struct http_body *b, enum state state)
{
	b->state = (uint8_t)state;
	return HTTP_MORE;
}

static bool is_text(char c)
{
	unsigned char u = (unsigned char)c;

	return u == '\t' || (u >= ' ' && u != 0x7f);
}

static enum http_verdict read_size(struct http_body *b, char c)
{
	int digit = hex_digit(c);

	if (digit >= 0) {
		if (b->left >> 59 != 0)
			return refuse(b, "A chunk size is too large.");
		b->left = b->left << 4 | (uint64_t)digit;
		return go(b, CHUNK_SIZE);
	}
	if (b->state == CHUNK_SIZE && c == ';')
		return go(b, CHUNK_EXTENSION);
	if (b->state == CHUNK_SIZE && c == '\r')
		return go(b, CHUNK_LF);
	return refuse(b, "A chunk size is not a hexadecimal number.");
}

static enum http_verdict read_size_line(struct http_body *b, char c)
{
	if (b->state == CHUNK_LF) {
		if (c != '\n')
			return refuse(b, "A line does not end with CR LF.");
		b->count = 0;
		return go(b, b->left == 0 ? TRAILER_FIRST : CHUNK_DATA);
	}
	/* The CR is not counted. */
	if (c != '\r' && ++b->count > HTTP_CHUNK_LINE_MAX)
		return refuse(b, "A chunk-size line is too long.");
	if (b->state != CHUNK_EXTENSION)
		return read_size(b, c);
	if (c == '\r')
		return go(b, CHUNK_LF);
	return is_text(c) ? HTTP_MORE : refuse(b, "A chunk extension holds a control character.");
}

static enum http_verdict read_chunk_end(struct http_body *b, char c)
{
	if (c != (b->state == CHUNK_END_CR ? '\r' : '\n'))
		return refuse(b, "A chunk is not followed by CR LF.");
	return go(b, b->state == CHUNK_END_CR ? CHUNK_END_LF : CHUNK_FIRST);
}

/* The first byte of a line and the name up to its colon. */
static enum http_verdict read_trailer_name(struct http_body *b, char c)
{
	if (b->state == TRAILER_FIRST && c == '\r')
		return go(b, LAST_LF);
	if (http_is_token_char(c))
		return go(b, TRAILER_NAME);
	if (b->state == TRAILER_NAME && c == ':')
		return go(b, TRAILER_VALUE);
	return refuse(b, "A trailer field is malformed.");
}

static enum http_verdict read_trailer(struct http_body *b, char c)
{
	if (++b->count > HTTP_TRAILER_MAX)
		return refuse(b, "The trailer fields are too long.");
	if (b->state == TRAILER_FIRST || b->state == TRAILER_NAME)
		return read_trailer_name(b, c);
	if (b->state == TRAILER_VALUE) {
		if (c == '\r')
			return go(b, TRAILER_LF);
		return is_text(c) ? HTTP_MORE : refuse(b, "A trailer holds a control character.");
	}
	if (c != '\n')
		return refuse(b, "A line does not end with CR LF.");
	if (b->state == TRAILER_LF)
		return go(b, TRAILER_FIRST);
	b->state = BODY_OVER;
	return HTTP_DONE;
}

static enum http_verdict read_framing(struct http_body *b, char c)
{
	if (b->state <= CHUNK_LF)
		return read_size_line(b, c);
	if (b->state <= CHUNK_END_LF)
		return read_chunk_end(b, c);
	return read_trailer(b, c);
}

/* Passes content through and says what comes next. */
static enum http_verdict read_content(
	struct http_body *b, const char *p, size_t n, size_t *at, struct slice *ret_data)
{
	size_t take = b->left < n - *at ? (size_t)b->left : n - *at;

	*ret_data = (struct slice){p + *at, take};
	*at += take;
	b->left -= take;
	if (b->left > 0)
		return HTTP_MORE;
	if (b->state == CHUNK_DATA)
		return go(b, CHUNK_END_CR);
	b->state = BODY_OVER;
	return HTTP_DONE;
}

enum http_verdict http_body_read(
	struct http_body *b, const char *p, size_t n, size_t *ret_used, struct slice *ret_data)
{
	enum http_verdict v = HTTP_MORE;
	size_t at = 0;

	*ret_data = SLICE_NULL;
	if (b->state == BODY_OVER)
		v = HTTP_DONE;
	else if (b->state == BODY_BROKEN)
		v = HTTP_REFUSED;
	while (at < n && v == HTTP_MORE && ret_data->n == 0) {
		if (b->state == BODY_SIMPLE || b->state == CHUNK_DATA)
			v = read_content(b, p, n, &at, ret_data);
		else
			v = read_framing(b, p[at++]);
	}
	*ret_used = at;
	return v;
}
