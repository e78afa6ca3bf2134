/* SPDX-License-Identifier: MIT */
/*
 * http/client.c - libcurl's multi interface driven by our loop.
 *
 * curl names the sockets it waits for and one timeout; the sockets are in an epoll descriptor of
 * our own, which is one source of the loop. curl is started when the first call is made, because a
 * daemon that never calls anybody should not pay for it.
 *
 * Invariants: while curl is being called (is_inside) no curl_multi_* function is called; what its
 * callbacks ask for (new calls, cancelling) waits for the defer. curl's own timer callback only
 * arms. on_done is called when curl is not.
 */
#include "http/client.h"

#include <errno.h>
#include <sys/epoll.h>

#include "http/client_internal.h"

enum {
	IDLE_MAX = 8, /* kept-alive connections; each holds a descriptor */
	EVENTS = 16,
};

static void finish(struct http_call *call, CURLcode code)
{
	struct http_result r;

	call_result(call, code, &r);
	list_remove(&call->node);
	if (call->easy != NULL)
		(void)curl_multi_remove_handle(call->client->multi, call->easy);
	call->is_done = true;
	call->on_done(call->ctx, &r);
	call_free(call);
}

static void drop(struct http_call *call)
{
	list_remove(&call->node);
	if (call->easy != NULL)
		(void)curl_multi_remove_handle(call->client->multi, call->easy);
	call_free(call);
}

/* Tells the owners of all calls that have ended. */
static void tell_done(struct http_client *c)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(c->multi, &left)) != NULL) {
		char *private = NULL;
		struct http_call *call;

		if (m->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &private);
		call = (struct http_call *)(void *)private;
		if (!call->is_cancelled)
			finish(call, m->data.result);
	}
}

static void act(struct http_client *c, curl_socket_t fd, int events)
{
	int running;

	c->is_inside = true;
	(void)curl_multi_socket_action(c->multi, fd, events, &running);
	c->is_inside = false;
	tell_done(c);
}

/* --- what curl wants of the loop --- */

static int on_socket(
	CURL *easy UNUSED, curl_socket_t fd, int what, void *ctx, void *socket_ctx UNUSED)
{
	struct http_client *c = ctx;
	struct epoll_event ev = {.data.fd = fd};

	if (what == CURL_POLL_REMOVE) {
		(void)epoll_ctl(c->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	if ((what & CURL_POLL_IN) != 0)
		ev.events |= EPOLLIN;
	if ((what & CURL_POLL_OUT) != 0)
		ev.events |= EPOLLOUT;
	if (epoll_ctl(c->epoll_fd, EPOLL_CTL_MOD, fd, &ev) < 0 && errno == ENOENT)
		(void)epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, fd, &ev);
	return 0;
}

static int on_timeout(CURLM *multi UNUSED, long timeout_ms, void *ctx)
{
	struct http_client *c = ctx;

	if (timeout_ms < 0)
		timer_cancel(&c->timer);
	else
		timer_set_in(&c->timer, timeout_ms * US_PER_MS);
	return 0;
}

static void on_timer(struct timer *t UNUSED, void *ctx)
{
	act(ctx, CURL_SOCKET_TIMEOUT, 0);
}

static int curl_events(uint32_t events)
{
	int r = 0;

	if ((events & (EPOLLIN | EPOLLHUP)) != 0)
		r |= CURL_CSELECT_IN;
	if ((events & EPOLLOUT) != 0)
		r |= CURL_CSELECT_OUT;
	if ((events & EPOLLERR) != 0)
		r |= CURL_CSELECT_ERR;
	return r;
}

static void on_events(struct watch *w UNUSED, uint32_t events UNUSED, void *ctx)
{
	struct http_client *c = ctx;
	struct epoll_event ev[EVENTS];
	int n = epoll_wait(c->epoll_fd, ev, EVENTS, 0);

	/* A descriptor of a later event may be closed by then, or be another's: curl does not mind
	 * an action for nothing. */
	for (int i = 0; i < n; i++)
		act(c, ev[i].data.fd, curl_events(ev[i].events));
}

/* --- starting --- */

static void start_curl(struct http_client *c)
{
	static bool is_initialized;

	if (!is_initialized)
		must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
	is_initialized = true;
	c->multi = curl_multi_init();
	must(c->multi != NULL);
	(void)curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	(void)curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	(void)curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
	(void)curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	(void)curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)IDLE_MAX);
}

static void start_calls(struct http_client *c)
{
	struct list starting = LIST_INIT(starting);

	list_splice(&starting, &c->starting);
	while (!list_is_empty(&starting)) {
		struct http_call *call = list_entry(starting.next, struct http_call, node);

		list_remove(&call->node);
		list_append(&c->running, &call->node);
		if (call_prepare(call) < 0 ||
			curl_multi_add_handle(c->multi, call->easy) != CURLM_OK)
			finish(call, CURLE_FAILED_INIT);
	}
}

static void on_defer(void *ctx)
{
	struct http_client *c = ctx;

	if (c->multi == NULL)
		start_curl(c);
	list_foreach_safe (it, &c->cancelled)
		drop(list_entry(it, struct http_call, node));
	start_calls(c);
	act(c, CURL_SOCKET_TIMEOUT, 0);
}

struct http_client *http_client_new(struct loop *l, struct err *e)
{
	CLEANUP(http_client_freep) struct http_client *c = xcalloc(1, sizeof(*c));

	c->loop = l;
	list_init(&c->starting);
	list_init(&c->running);
	list_init(&c->cancelled);
	timer_init(&c->timer, l, on_timer, c);
	defer_init(&c->defer, l, on_defer, c);
	c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (c->epoll_fd < 0) {
		(void)err_errno(e, "HTTP client");
		return NULL;
	}
	if (watch_start(&c->watch, l, c->epoll_fd, EPOLLIN, on_events, c, e) < 0)
		return NULL;
	return STEAL(c);
}

void http_client_free(struct http_client *c)
{
	if (c == NULL)
		return;
	list_splice(&c->running, &c->starting);
	list_splice(&c->running, &c->cancelled);
	list_foreach_safe (it, &c->running)
		drop(list_entry(it, struct http_call, node));
	/* It still calls us while it closes its connections. */
	if (c->multi != NULL)
		(void)curl_multi_cleanup(c->multi);
	timer_cancel(&c->timer);
	defer_cancel(&c->defer);
	if (c->watch.source != NULL)
		watch_stop(&c->watch);
	closep(&c->epoll_fd);
	free(c);
}

/* --- calls --- */

/* Without "Expect:" curl waits a second before a large body; without "Content-Type:" it says that
 * every body is a form. */
static struct curl_slist *make_headers(const char *const *headers)
{
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");
	bool has_type = false;

	for (size_t i = 0; headers != NULL && headers[i] != NULL; i++) {
		const char *colon = strchr(headers[i], ':');
		size_t n = colon == NULL ? 0 : (size_t)(colon - headers[i]);

		if (slice_eq_nocase((struct slice){headers[i], n}, "content-type"))
			has_type = true;
		list = curl_slist_append(list, headers[i]);
		must(list != NULL);
	}
	return has_type ? list : curl_slist_append(list, "Content-Type:");
}

struct http_call *http_call(struct http_client *c, const struct http_spec *spec)
{
	struct http_call *call = xcalloc(1, sizeof(*call));

	call->client = c;
	call->method = xstrdup(spec->method);
	call->url = xstrdup(spec->url);
	call->unix_socket = xstrdup_or_null(spec->unix_socket);
	call->headers = make_headers(spec->headers);
	if (spec->body.n > 0)
		buf_add_slice(&call->sent, spec->body);
	call->max_body = spec->max_body > 0 ? spec->max_body : CLIENT_BODY_MAX;
	call->timeout_us = spec->timeout_us;
	call->deny_private = spec->deny_private;
	call->retry_after_us = -1;
	call->on_data = spec->on_data;
	call->on_head = spec->on_head;
	call->on_done = spec->on_done;
	call->ctx = spec->ctx;
	list_append(&c->starting, &call->node);
	defer_set(&c->defer);
	return call;
}

void http_call_cancel(struct http_call *call)
{
	struct http_client *c;

	/* In its own on_done it is as good as gone. */
	if (call == NULL || call->is_done || call->is_cancelled)
		return;
	c = call->client;
	if (!c->is_inside) {
		drop(call);
		return;
	}
	call->is_cancelled = true;
	list_remove(&call->node);
	list_append(&c->cancelled, &call->node);
	defer_set(&c->defer);
}
