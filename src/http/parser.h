/* SPDX-License-Identifier: MIT */
/*
 * http/parser.h - reads HTTP/1.1 requests (RFC 9112) out of bytes: no I/O, no allocation.
 *
 * The head must be complete in one buffer and is parsed where it lies; the body is pushed through
 * in pieces of any size. Whatever two readers could understand differently is refused: that is how
 * requests are smuggled past a proxy. Every answer depends only on the bytes seen, never on how
 * they were cut, and a prefix is either undecided or judged like the whole (both are fuzzed).
 */
#ifndef PYLON_HTTP_PARSER_H
#define PYLON_HTTP_PARSER_H

#include "base/inbound.h"
#include "base/limits.h"

enum http_verdict {
	HTTP_MORE,    /* not decided yet: more bytes are needed */
	HTTP_DONE,    /* whole and good */
	HTTP_REFUSED, /* see the refusal; the connection cannot be used for another request */
};

struct http_refusal {
	int status;       /* 4xx or 5xx */
	const char *code; /* stable, for machines */
	const char *text; /* for people */
};

/* What every 405 to an impossible method says is allowed. */
#define HTTP_METHODS "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

/* A request head. All slices point into the parsed buffer. */
struct http_head {
	struct slice method;
	struct slice target; /* as sent */
	struct slice path;   /* still percent-encoded: "/..." or, for OPTIONS, "*" */
	struct slice query;  /* without the '?' */
	bool is_http10;
	bool is_keep_alive; /* the connection may be used again */
	bool is_chunked;
	bool expects_continue; /* the client waits for `100 Continue` */
	uint64_t length;       /* of the body, when it is not chunked; 0 = none */
	size_t size;           /* bytes of the head, its empty line included */
	struct http_refusal refusal;
	size_t field_count;
	/* As sent, in order; but Host is the one of the target when the target names one (RFC 9112
	 * section 3.2.2: the field is to be ignored then). */
	struct inbound_field fields[HTTP_FIELDS_MAX];
};

/* Parses the head at the beginning of p[0..n). Only with HTTP_DONE is all of *h set; with
 * HTTP_REFUSED h->refusal is. HTTP_MORE: call again with the same bytes and more behind them. */
NODISCARD enum http_verdict http_head_parse(struct http_head *h, const char *p, size_t n);

/* Splits a request target (RFC 9112 section 3.2): origin-form, absolute-form (http and https), or
 * the asterisk of OPTIONS. *ret_authority is empty unless the form has one. False when malformed.
 */
bool http_target_split(struct slice method, struct slice target, struct slice *ret_path,
	struct slice *ret_query, struct slice *ret_authority);
/* True for `host` and `host:port` (RFC 3986 section 3.2, no user information, not empty). */
bool http_authority_is_valid(struct slice s);
/* True for a character of a token (RFC 9110 section 5.6.2). */
bool http_is_token_char(char c);

/* The body of one request. */
struct http_body {
	uint64_t left;  /* of the message or of the chunk */
	uint16_t count; /* bytes of the chunk-size line, or of the trailers */
	uint8_t state;
	struct http_refusal refusal;
};

void http_body_init(struct http_body *b, const struct http_head *h);
/* Reads on in p[0..n): *ret_used bytes were eaten, *ret_data is the piece of content found among
 * them (may be empty). HTTP_MORE: call again with what follows; when *ret_used < n that is already
 * there. HTTP_DONE: the body ends behind *ret_used; the last piece comes with it. */
NODISCARD enum http_verdict http_body_read(
	struct http_body *b, const char *p, size_t n, size_t *ret_used, struct slice *ret_data);

#endif
