/* SPDX-License-Identifier: MIT */
/*
 * http/call.c - one call: its curl handle, what curl tells us about it, and how it ended.
 *
 * Invariant: nothing here calls curl_multi_*; all callbacks run inside of curl, where that is
 * forbidden. A callback that finds its call cancelled refuses its bytes, which makes curl give up.
 *
 * Surprises: curl repeats a request by itself when a kept-alive connection turns out dead, even a
 * POST that may have been read; the callback before each request vetoes the second one, and sees
 * the address of connections that are used again, which the one that opens sockets does not.
 * Ending a call during a name look-up would wait for the resolver's thread (seconds) without
 * CURLOPT_QUICK_EXIT. curl's own sockets have no close-on-exec flag.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "http/client_internal.h"
#include "http/parser.h"

int call_status(const struct http_call *call)
{
	long status = 0;

	if (call->easy != NULL)
		(void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	return (int)status;
}

/* Ends the call from inside a callback. */
static size_t give_up(struct http_call *call, int fault)
{
	if (call->fault == 0)
		call->fault = fault;
	return 0;
}

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct http_call *call = ctx;
	int status = call_status(call);
	bool goes_on;

	n *= size;
	if (call->is_cancelled)
		return 0;
	if (call->on_data != NULL && status >= 200 && status <= 299) {
		goes_on = call->on_data(call->ctx, (struct slice){p, n});
		return goes_on && !call->is_cancelled ? n : give_up(call, -ECANCELED);
	}
	if (n > call->max_body - call->got.n)
		return give_up(call, -EMSGSIZE);
	buf_add(&call->got, p, n);
	return n;
}

static void note_header(struct http_call *call, struct slice line)
{
	const char *colon = memchr(line.p, ':', line.n);
	struct slice name = {line.p, colon == NULL ? 0 : (size_t)(colon - line.p)};

	if (slice_has_prefix(line, "HTTP/"))
		call->retry_after_us = -1;
	else if (slice_eq_nocase(name, "retry-after"))
		call->retry_after_us = retry_after_parse(
			slice_trim((struct slice){colon + 1, line.n - name.n - 1}),
			loop_real(call->client->loop));
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the type is libcurl's */
static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
	struct http_call *call = ctx;
	struct slice line = {p, size * n};
	int status;

	if (call->is_cancelled)
		return 0;
	while (line.n > 0 && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
		line.n--;
	if (call->saw_head)
		return size * n; /* trailers */
	note_header(call, line);
	status = call_status(call);
	if (line.n == 0 && status >= 200) {
		call->saw_head = true;
		if (call->on_head != NULL)
			call->on_head(call->ctx, status);
	}
	return call->is_cancelled ? 0 : size * n;
}

static curl_socket_t on_open(void *ctx, curlsocktype purpose UNUSED, struct curl_sockaddr *a)
{
	struct http_call *call = ctx;

	if (call->deny_private && address_is_private(&a->addr)) {
		(void)give_up(call, -EACCES);
		return CURL_SOCKET_BAD;
	}
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

/* RFC 9110 section 9.2.2. */
static bool is_idempotent(const char *method)
{
	static const char *const methods[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"};

	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		if (str_eq(method, methods[i]))
			return true;
	}
	return false;
}

/* A connection is ready and the request is about to be sent. */
static int on_ready(
	void *ctx, char *peer, char *local UNUSED, int peer_port UNUSED, int local_port UNUSED)
{
	struct http_call *call = ctx;

	call->fault = 0; /* one address was denied, another was not */
	if (call->is_cancelled)
		return CURL_PREREQFUNC_ABORT;
	if (call->deny_private && address_text_is_private(peer)) {
		(void)give_up(call, -EACCES);
		return CURL_PREREQFUNC_ABORT;
	}
	if (call->was_sent && !is_idempotent(call->method)) {
		(void)give_up(call, -ECONNRESET);
		return CURL_PREREQFUNC_ABORT;
	}
	call->was_sent = true;
	return CURL_PREREQFUNC_OK;
}

static int bad_spec(struct http_call *call, const char *text)
{
	(void)snprintf(call->text, sizeof(call->text), "%s", text);
	return -EIO;
}

/* curl sends header lines as they are: a line break would begin another one. */
static int check_headers(struct http_call *call)
{
	for (const struct curl_slist *h = call->headers; h != NULL; h = h->next) {
		for (const char *p = h->data; *p != '\0'; p++) {
			if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f)
				return bad_spec(call, "a header holds a control character");
		}
	}
	for (const char *p = call->method; *p != '\0'; p++) {
		if (!http_is_token_char(*p))
			return bad_spec(call, "the method is malformed");
	}
	return 0;
}

static void set_method(const struct http_call *call)
{
	CURL *easy = call->easy;
	bool is_post = str_eq(call->method, "POST");
	bool has_body = call->sent.n > 0 || is_post || str_eq(call->method, "PUT") ||
			str_eq(call->method, "PATCH");

	if (has_body) {
		(void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->sent.n);
		(void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, buf_str(&call->sent));
	}
	if (str_eq(call->method, "HEAD"))
		(void)curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	else if (!is_post && !str_eq(call->method, "GET"))
		(void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
	else if (has_body && !is_post)
		(void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "GET");
}

static void set_callbacks(struct http_call *call)
{
	CURL *easy = call->easy;

	(void)curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
	(void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->text);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
	(void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
	(void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
	(void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call);
	(void)curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_ready);
	(void)curl_easy_setopt(easy, CURLOPT_PREREQDATA, call);
}

static void set_transport(const struct http_call *call)
{
	enum { KEPT_S = 30 }; /* older idle connections are rather dead than alive */
	CURL *easy = call->easy;
	long connect_ms = (long)(CLIENT_CONNECT_TIMEOUT_US / US_PER_MS);

	if (call->unix_socket != NULL)
		(void)curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, call->unix_socket);
	/* Behind a proxy nobody knows the address that is asked for. */
	if (call->unix_socket != NULL || call->deny_private)
		(void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
	if (call->timeout_us > 0)
		(void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
			(long)((call->timeout_us + US_PER_MS - 1) / US_PER_MS));
	(void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
	(void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)KEPT_S);
	(void)curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
}

int call_prepare(struct http_call *call)
{
	int r = check_headers(call);

	if (r < 0)
		return r;
	call->easy = curl_easy_init();
	must(call->easy != NULL);
	if (curl_easy_setopt(call->easy, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK ||
		curl_easy_setopt(call->easy, CURLOPT_URL, call->url) != CURLE_OK)
		return bad_spec(call, "the URL cannot be used");
	set_callbacks(call);
	set_transport(call);
	set_method(call);
	(void)curl_easy_setopt(call->easy, CURLOPT_USERAGENT, "pylon");
	(void)curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
	return 0;
}

void call_free(struct http_call *call)
{
	if (call == NULL)
		return;
	list_remove(&call->node);
	if (call->easy != NULL)
		curl_easy_cleanup(call->easy);
	curl_slist_free_all(call->headers);
	free(call->method);
	free(call->url);
	free(call->unix_socket);
	buf_fini(&call->sent);
	buf_fini(&call->got);
	free(call);
}

static int error_of(CURLcode code)
{
	switch ((int)code) {
	case CURLE_OK:
		return 0;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT:
		return -ECONNREFUSED;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_PARTIAL_FILE:
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
		return -ECONNRESET;
	default:
		return -EIO;
	}
}

static const char *text_of(const struct http_call *call, int error, CURLcode code)
{
	if (error == -EACCES)
		return "the address is private";
	if (error == -EMSGSIZE)
		return "the answer is too large";
	if (error == -ECANCELED)
		return "ended by the reader";
	if (code == CURLE_OK)
		return "the answer was cut";
	return call->text[0] != '\0' ? call->text : curl_easy_strerror(code);
}

void call_result(struct http_call *call, CURLcode code, struct http_result *ret)
{
	int error = code == CURLE_OK ? 0 : call->fault;

	if (error == 0)
		error = error_of(code);
	/* curl is content with a head that was cut in the middle. */
	if (error == 0 && !call->saw_head)
		error = -ECONNRESET;
	*ret = (struct http_result){
		.status = call_status(call),
		.error = error,
		.was_sent = call->was_sent,
		.text = error == 0 ? NULL : text_of(call, error, code),
		.body = buf_slice(&call->got),
		.retry_after_us = call->retry_after_us,
	};
}
