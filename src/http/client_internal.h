/* SPDX-License-Identifier: MIT */
/*
 * http/client_internal.h - what the files of the client share. Not for other rooms.
 */
#ifndef PYLON_HTTP_CLIENT_INTERNAL_H
#define PYLON_HTTP_CLIENT_INTERNAL_H

#include <sys/socket.h>

#include <curl/curl.h>

#include "base/str.h"
#include "http/client.h"

struct http_client {
	struct loop *loop;
	CURLM *multi; /* NULL until the first call */
	int epoll_fd; /* curl's sockets */
	struct watch watch;
	struct timer timer; /* curl's only timeout */
	struct defer defer;
	struct list starting;  /* not in the multi yet */
	struct list running;   /* in the multi */
	struct list cancelled; /* cancelled inside of curl: still in the multi */
	bool is_inside;        /* curl is being called and may call us */
};

struct http_call {
	struct list node;
	struct http_client *client;
	CURL *easy; /* NULL until started */
	struct curl_slist *headers;
	char *method, *url, *unix_socket;
	struct buf sent; /* request body */
	struct buf got;  /* answer's, when it is gathered */
	size_t max_body;
	int64_t timeout_us;
	bool deny_private;
	bool is_cancelled;
	bool is_done; /* on_done is being called */
	bool saw_head;
	bool was_sent;
	int fault; /* why we ended the call ourselves: a negative errno */
	int64_t retry_after_us;
	bool (*on_data)(void *ctx, struct slice data);
	void (*on_head)(void *ctx, int status);
	void (*on_done)(void *ctx, const struct http_result *r);
	void *ctx;
	char text[CURL_ERROR_SIZE];
};

/* call.c */
/* Makes the easy handle; 0 or a negative errno, with call->text. */
int call_prepare(struct http_call *call);
void call_free(struct http_call *call);
/* Fills *ret for a call that ended with `code`. */
void call_result(struct http_call *call, CURLcode code, struct http_result *ret);
/* Status so far, 0 = none. */
int call_status(const struct http_call *call);

/* guard.c: true for every address that is not plainly a public one. */
bool address_is_private(const struct sockaddr *a);
/* The same for an address as text; what is no address is private. */
bool address_text_is_private(const char *text);

/* retry_after.c: value of a Retry-After field in microseconds from now, at most an hour; -1 when
 * it is neither seconds nor a date. */
int64_t retry_after_parse(struct slice value, int64_t now_real);

#endif
