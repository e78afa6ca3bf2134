/* SPDX-License-Identifier: MIT */
/*
 * http/client.h - the HTTP client: libcurl's multi interface on our loop, over TCP, TLS and Unix
 * sockets, with kept-alive connections.
 *
 * Every call has its own deadline, because a mute peer on a Unix socket never times out by itself
 * (connect succeeds). Redirects are never followed. The environment's proxies are used for TCP,
 * but not for Unix sockets and not with deny_private (behind a proxy the address cannot be judged).
 * A request that may have been read is sent a second time only when its method is idempotent. A
 * name look-up may start libcurl's resolver thread; no other thread is ever started. libcurl itself
 * is started by the first call.
 */
#ifndef PYLON_HTTP_CLIENT_H
#define PYLON_HTTP_CLIENT_H

#include "base/limits.h"
#include "base/str.h"
#include "loop/loop.h"

struct http_client;
struct http_call;

struct http_client *http_client_new(struct loop *l, struct err *e);
/* Cancels what is under way (without callbacks). */
void http_client_free(struct http_client *c);
DEFINE_FREEP(struct http_client, http_client_free)

/* How a call ended. All pointers are borrowed for the time of the callback. */
struct http_result {
	int status;        /* HTTP status; 0 = no answer */
	int error;         /* 0, or a negative errno: -ECONNREFUSED (also: no such socket, no such
			      host), -ETIMEDOUT, -EACCES (private address refused), -EMSGSIZE (answer
			      larger than max_body), -ECONNRESET (cut before the end), -EIO */
	bool was_sent;     /* the request may have reached the peer */
	const char *text;  /* for people, when error != 0 */
	struct slice body; /* when no on_data was given */
	int64_t retry_after_us; /* from Retry-After (seconds or HTTP date); -1 = none */
};

struct http_spec {
	const char *method;         /* "GET" ... */
	const char *url;            /* "http://docker/v1.41/info" for a Unix socket */
	const char *unix_socket;    /* path, NULL = TCP */
	const char *const *headers; /* "Name: value", NULL-ended, or NULL */
	struct slice body;          /* copied */
	int64_t timeout_us;         /* whole call; 0 = none (streams: cancel them yourself) */
	size_t max_body;            /* without on_data; 0 = CLIENT_BODY_MAX */
	bool deny_private; /* refuse loopback, private, link-local and the like after the name
			      was resolved (guards against request forgery) */
	/* Streams: called for each piece of a 2xx body; return false to end the call (-ECANCELED).
	 * Bodies of other statuses are gathered for http_result. */
	bool (*on_data)(void *ctx, struct slice data);
	/* Called when the final status line and headers are there. May be NULL. */
	void (*on_head)(void *ctx, int status);
	/* Always called once, from the loop, never from inside http_call(). The call is gone then.
	 */
	void (*on_done)(void *ctx, const struct http_result *r);
	void *ctx;
};

/* Starts a call. Never NULL. */
struct http_call *http_call(struct http_client *c, const struct http_spec *spec);
/* Ends it without on_done. Allowed in any callback but the call's own on_data. NULL is fine. */
void http_call_cancel(struct http_call *call);

#endif
