/* SPDX-License-Identifier: MIT */
/*
 * http/parser.c - the request head: request line and fields (RFC 9112 sections 2 to 6).
 *
 * Each call starts at the first byte and judges line by line, bytes before meaning, so that the
 * first fault in the order of the bytes decides and a prefix can never be judged otherwise than
 * the whole. Parsing a dribbled head again and again costs little: it has at most HTTP_HEAD_MAX
 * bytes, which is less work than the packets they came in.
 */
#include "http/parser.h"

enum line {
	LINE_MORE, /* its end is not there yet */
	LINE_DONE,
	LINE_BAD, /* a control character, or a CR or LF on its own */
};

struct parse {
	struct http_head *h;
	const char *p;
	size_t n; /* at most HTTP_HEAD_MAX */
	size_t at;
	struct slice authority; /* of an absolute target */
	struct slice coding;    /* value of Transfer-Encoding */
	bool has_host, has_length, has_coding;
	bool is_too_long; /* Content-Length has too many digits */
	bool wants_close, wants_keep;
	bool expects_else; /* an expectation other than 100-continue */
};

static enum http_verdict refuse(struct parse *ps, int status, const char *code, const char *text)
{
	ps->h->refusal = (struct http_refusal){status, code, text};
	return HTTP_REFUSED;
}

static enum http_verdict bad(struct parse *ps, const char *text)
{
	return refuse(ps, 400, "bad_request", text);
}

bool http_is_token_char(char c)
{
	/* One bit for each ASCII character: ! # $ % & ' * + - . 0-9 A-Z ^ _ ` a-z | ~ */
	static const uint32_t bits[4] = {0, 0x03ff6cfa, 0xc7fffffe, 0x57ffffff};
	unsigned char u = (unsigned char)c;

	return u < 128 && (bits[u >> 5] >> (u & 31) & 1) != 0;
}

static bool is_token(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!http_is_token_char(s.p[i]))
			return false;
	}
	return s.n > 0;
}

/* Takes the next line, without its CR LF; of an unfinished or bad one what is clean. */
static enum line next_line(struct parse *ps, struct slice *ret)
{
	const char *p = ps->p + ps->at;
	size_t n = ps->n - ps->at, i = 0;

	while (i < n && (p[i] == '\t' || ((unsigned char)p[i] >= ' ' && p[i] != 0x7f)))
		i++;
	*ret = (struct slice){p, i};
	if (i == n || (p[i] == '\r' && i + 1 == n))
		return LINE_MORE;
	if (p[i] != '\r' || p[i + 1] != '\n')
		return LINE_BAD;
	ps->at += i + 2;
	return LINE_DONE;
}

/* HTTP_DONE also means "go on" inside this file. */
static enum http_verdict judge_line(struct parse *ps, enum line line)
{
	if (line == LINE_BAD)
		return bad(ps, "A line holds a control character or does not end with CR LF.");
	if (line == LINE_DONE)
		return HTTP_DONE;
	if (ps->n < HTTP_HEAD_MAX)
		return HTTP_MORE;
	return refuse(ps, 431, "head_too_large", "The request head is too large.");
}

static enum http_verdict judge_version(struct parse *ps, struct slice s)
{
	bool is_version = s.n == 8 && memcmp(s.p, "HTTP/", 5) == 0 && s.p[5] >= '0' &&
			  s.p[5] <= '9' && s.p[6] == '.' && s.p[7] >= '0' && s.p[7] <= '9';

	if (!is_version)
		return bad(ps, "The request line is malformed.");
	if (s.p[5] != '1' || s.p[7] > '1')
		return refuse(
			ps, 505, "bad_request", "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
	ps->h->is_http10 = s.p[7] == '0';
	return HTTP_DONE;
}

static enum http_verdict judge_method(struct parse *ps, struct slice s)
{
	static const char *const known[] = {
		"POST", "GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"};

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (slice_eq_str(s, known[i]))
			return HTTP_DONE;
	}
	if (slice_eq_str(s, "CONNECT") || slice_eq_str(s, "TRACE"))
		return refuse(ps, 405, "method_not_allowed", "This method is not allowed.");
	return refuse(ps, 501, "method_not_allowed", "This method is not known.");
}

/* `target` is all between the first and the last blank. */
static enum http_verdict judge_target(struct parse *ps, struct slice target)
{
	struct http_head *h = ps->h;

	h->target = target;
	if (!http_target_split(h->method, target, &h->path, &h->query, &ps->authority))
		return bad(ps, "The request target is malformed.");
	return HTTP_DONE;
}

static enum http_verdict judge_request_line(struct parse *ps, struct slice line)
{
	const char *first = memchr(line.p, ' ', line.n), *last = memrchr(line.p, ' ', line.n);
	struct slice method, version;
	enum http_verdict v;

	if (first == NULL || last == first)
		return bad(ps, "The request line is malformed.");
	method = (struct slice){line.p, (size_t)(first - line.p)};
	version = (struct slice){last + 1, (size_t)(line.p + line.n - last - 1)};
	if (!is_token(method))
		return bad(ps, "The method is malformed.");
	v = judge_version(ps, version);
	if (v == HTTP_DONE)
		v = judge_method(ps, method);
	if (v != HTTP_DONE)
		return v;
	ps->h->method = method;
	return judge_target(ps, (struct slice){first + 1, (size_t)(last - first - 1)});
}

/* True when more than HTTP_TARGET_MAX bytes without a blank follow the method. */
static bool target_is_too_long(struct slice line)
{
	const char *blank = memchr(line.p, ' ', line.n);
	size_t rest;

	if (blank == NULL)
		return false;
	rest = line.n - (size_t)(blank - line.p) - 1;
	return rest > HTTP_TARGET_MAX && memchr(blank + 1, ' ', HTTP_TARGET_MAX + 1) == NULL;
}

static enum http_verdict read_request_line(struct parse *ps)
{
	struct slice text;
	enum line line = next_line(ps, &text);
	enum http_verdict v;

	/* RFC 9112 section 2.2: an empty line in front is forgiven. */
	if (line == LINE_DONE && text.n == 0)
		line = next_line(ps, &text);
	if (target_is_too_long(text))
		return refuse(ps, 414, "head_too_large", "The request target is too long.");
	v = judge_line(ps, line);
	return v == HTTP_DONE ? judge_request_line(ps, text) : v;
}

static enum http_verdict note_host(struct parse *ps, struct slice value)
{
	if (ps->has_host)
		return bad(ps, "There is more than one Host.");
	ps->has_host = true;
	if (!http_authority_is_valid(value))
		return bad(ps, "The Host is malformed.");
	return HTTP_DONE;
}

static enum http_verdict note_length(struct parse *ps, struct slice value)
{
	enum { DIGITS_MAX = 19 }; /* any number of so many digits fits into 64 bits */

	if (ps->has_length)
		return bad(ps, "There is more than one Content-Length.");
	ps->has_length = true;
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] < '0' || value.p[i] > '9')
			return bad(ps, "The Content-Length is not a number.");
	}
	if (value.n == 0)
		return bad(ps, "The Content-Length is not a number.");
	ps->is_too_long = value.n > DIGITS_MAX;
	if (!ps->is_too_long)
		(void)slice_to_u64(value, UINT64_MAX, &ps->h->length);
	return HTTP_DONE;
}

static enum http_verdict note_coding(struct parse *ps, struct slice value)
{
	if (ps->has_coding)
		return bad(ps, "There is more than one Transfer-Encoding.");
	ps->has_coding = true;
	ps->coding = value;
	return HTTP_DONE;
}

static enum http_verdict note_connection(struct parse *ps, struct slice value)
{
	while (value.n > 0) {
		const char *comma = memchr(value.p, ',', value.n);
		size_t n = comma == NULL ? value.n : (size_t)(comma - value.p);
		struct slice option = slice_trim((struct slice){value.p, n});

		if (slice_eq_nocase(option, "close"))
			ps->wants_close = true;
		else if (slice_eq_nocase(option, "keep-alive"))
			ps->wants_keep = true;
		n += comma != NULL;
		value.p += n;
		value.n -= n;
	}
	return HTTP_DONE;
}

static enum http_verdict note_expect(struct parse *ps, struct slice value)
{
	if (slice_eq_nocase(value, "100-continue"))
		ps->h->expects_continue = true;
	else
		ps->expects_else = true;
	return HTTP_DONE;
}

/* The fields that say where a request ends and what becomes of the connection. */
static enum http_verdict note_field(struct parse *ps, struct slice name, struct slice value)
{
	static const struct {
		const char *name;
		enum http_verdict (*note)(struct parse *ps, struct slice value);
	} noted[] = {
		{"host", note_host},
		{"content-length", note_length},
		{"transfer-encoding", note_coding},
		{"connection", note_connection},
		{"expect", note_expect},
	};

	for (size_t i = 0; i < ARRAY_LEN(noted); i++) {
		if (slice_eq_nocase(name, noted[i].name))
			return noted[i].note(ps, value);
	}
	return HTTP_DONE;
}

static enum http_verdict read_field(struct parse *ps, struct slice line)
{
	struct http_head *h = ps->h;
	const char *colon = memchr(line.p, ':', line.n);
	struct slice name, value;

	if (line.p[0] == ' ' || line.p[0] == '\t')
		return bad(ps, "A header field is folded.");
	if (colon == NULL)
		return bad(ps, "A header field has no colon.");
	name = (struct slice){line.p, (size_t)(colon - line.p)};
	value = slice_trim((struct slice){colon + 1, line.n - name.n - 1});
	if (!is_token(name))
		return bad(ps, "A header field's name is malformed.");
	if (h->field_count == HTTP_FIELDS_MAX)
		return refuse(ps, 431, "head_too_large", "There are too many header fields.");
	h->fields[h->field_count++] = (struct inbound_field){name, value};
	return note_field(ps, name, value);
}

/* Where the body ends must have exactly one reading (RFC 9112 section 6). */
static enum http_verdict judge_framing(struct parse *ps)
{
	struct http_head *h = ps->h;

	if (ps->has_coding) {
		if (ps->has_length)
			return bad(ps, "Both Transfer-Encoding and Content-Length are given.");
		if (h->is_http10)
			return bad(ps, "HTTP/1.0 has no Transfer-Encoding.");
		if (ps->coding.n == 0)
			return bad(ps, "The Transfer-Encoding is empty.");
		if (!slice_eq_nocase(ps->coding, "chunked"))
			return refuse(
				ps, 501, "bad_request", "Only chunked encoding is understood.");
		h->is_chunked = true;
	}
	if (ps->is_too_long)
		return refuse(ps, 413, "too_large", "The body is too large.");
	return HTTP_DONE;
}

static void use_target_host(struct parse *ps)
{
	struct http_head *h = ps->h;

	for (size_t i = 0; i < h->field_count && ps->authority.n > 0; i++) {
		if (slice_eq_nocase(h->fields[i].name, "host"))
			h->fields[i].value = ps->authority;
	}
}

static enum http_verdict judge_head(struct parse *ps)
{
	struct http_head *h = ps->h;
	enum http_verdict v;

	if (!ps->has_host && !h->is_http10)
		return bad(ps, "There is no Host.");
	v = judge_framing(ps);
	if (v != HTTP_DONE)
		return v;
	if (ps->expects_else)
		return refuse(ps, 417, "bad_request", "Only 100-continue can be expected.");
	use_target_host(ps);
	h->is_keep_alive = !ps->wants_close && (!h->is_http10 || ps->wants_keep);
	/* RFC 9110 section 10.1.1: an HTTP/1.0 client does not know the interim answer. */
	h->expects_continue =
		h->expects_continue && !h->is_http10 && (h->is_chunked || h->length > 0);
	h->size = ps->at;
	return HTTP_DONE;
}

enum http_verdict http_head_parse(struct http_head *h, const char *p, size_t n)
{
	struct parse ps = {.h = h, .p = p, .n = MIN_OF(n, HTTP_HEAD_MAX)};
	enum http_verdict v;
	struct slice line;

	h->field_count = 0;
	h->length = 0;
	h->is_chunked = h->expects_continue = false;
	v = read_request_line(&ps);
	while (v == HTTP_DONE) {
		v = judge_line(&ps, next_line(&ps, &line));
		if (v == HTTP_DONE && line.n == 0)
			return judge_head(&ps);
		if (v == HTTP_DONE)
			v = read_field(&ps, line);
	}
	return v;
}
