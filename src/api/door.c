/* SPDX-License-Identifier: MIT */
/*
 * api/door.c - who may come in, and to whom a request goes.
 *
 * Everything is judged as soon as the head is there, before a body is read. On the Unix socket the
 * kernel has told who the peer is, so nothing more is asked. On TCP, what is not open to all is
 * checked in a fixed order:
 *
 *   1. Host must be a name of ours. A web page whose name was rebound to 127.0.0.1 sends its own
 *      name here: that is how it is recognised.
 *   2. An Origin other than ours means a foreign web page is asking.
 *   3. The token, compared in constant time by its digest, so that not even its length shows.
 *
 * What surprised us: in the absolute form of a target ("GET http://host/path") the Host field does
 * not count, the target's own authority does (RFC 9112 section 3.2.2).
 */
#include "api/api-internal.h"
#include "base/crypto.h"

/* Only the "*" rows of the table may see such a path. */
static bool has_escapes(const struct http_request *req)
{
	struct slice target = http_request_target(req);
	const char *query = target.n == 0 ? NULL : memchr(target.p, '?', target.n);
	size_t n = query == NULL ? target.n : (size_t)(query - target.p);

	return n > 0 && memchr(target.p, '%', n) != NULL;
}

/* "host:8080" -> "host", "[::1]:8080" -> "::1". */
static struct slice host_name(struct slice authority)
{
	const char *end;

	if (authority.n == 0)
		return SLICE_NULL;
	if (authority.p[0] == '[') {
		end = memchr(authority.p, ']', authority.n);
		if (end != NULL)
			return (struct slice){authority.p + 1, (size_t)(end - authority.p) - 1};
		return SLICE_NULL;
	}
	end = memchr(authority.p, ':', authority.n);
	return end == NULL ? authority : (struct slice){authority.p, (size_t)(end - authority.p)};
}

/* What stands between "://" and the path; n == 0 when there is no "://". */
static struct slice url_authority(struct slice url)
{
	const char *start = url.n == 0 ? NULL : memmem(url.p, url.n, "://", 3);
	struct slice rest;
	size_t n = 0;

	if (start == NULL)
		return SLICE_NULL;
	start += 3;
	rest = (struct slice){start, url.n - (size_t)(start - url.p)};
	while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
		n++;
	return (struct slice){rest.p, n};
}

static struct slice request_authority(const struct http_request *req)
{
	struct slice target = http_request_target(req);
	struct slice host = SLICE_NULL;

	if (target.n > 0 && target.p[0] != '/' && target.p[0] != '*')
		return url_authority(target);
	if (!http_request_header(req, "host", &host))
		return SLICE_NULL;
	return host;
}

static bool is_loopback(struct slice name)
{
	if (slice_eq_nocase(name, "localhost") || slice_eq_str(name, "::1"))
		return true;
	if (!slice_has_prefix(name, "127."))
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] != '.' && (name.p[i] < '0' || name.p[i] > '9'))
			return false;
	return true;
}

static bool is_configured(const struct api *a, struct slice name)
{
	for (size_t i = 0; a->o.hosts != NULL && i < a->o.hosts->n; i++)
		if (name.n > 0 && slice_eq_nocase(name, a->o.hosts->v[i]))
			return true;
	return false;
}

static bool same_authority(struct slice x, struct slice y)
{
	return x.n == y.n && x.n > 0 && strncasecmp(x.p, y.p, x.n) == 0;
}

/* Ours: the place the request was sent to, or a name that the configuration gives us. */
static bool origin_is_foreign(const struct api *a, const struct http_request *req)
{
	struct slice origin = SLICE_NULL;
	size_t n = inbound_header(http_request_inbound(req), "origin", &origin);
	struct slice authority = url_authority(origin);

	if (n == 0)
		return false;
	if (n > 1)
		return true;
	return !same_authority(authority, request_authority(req)) &&
	       !is_configured(a, host_name(authority));
}

static bool token_is_right(const struct api *a, const struct http_request *req)
{
	static const char scheme[] = "Bearer ";
	uint8_t want[SHA256_SIZE], have[SHA256_SIZE];
	struct slice value = SLICE_NULL;
	size_t skip = sizeof(scheme) - 1;

	if (str_is_empty(a->o.api_token))
		return false;
	if (inbound_header(http_request_inbound(req), "authorization", &value) != 1)
		return false;
	if (value.n < skip || strncasecmp(value.p, scheme, skip) != 0)
		return false;
	value = slice_trim((struct slice){value.p + skip, value.n - skip});
	sha256(a->o.api_token, strlen(a->o.api_token), want);
	sha256(value.p, value.n, have);
	return crypto_equal(want, have, sizeof(want));
}

int door_check(const struct api *a, const struct http_request *req, struct answer *ret)
{
	struct slice name;

	if (http_request_is_local(req))
		return 0;
	name = host_name(request_authority(req));
	if (!is_loopback(name) && !is_configured(a, name))
		return answer_fill(ret, 403, "forbidden",
			"this Host is not a name of this daemon: add it as server.public_url");
	if (origin_is_foreign(a, req))
		return answer_fill(
			ret, 403, "forbidden", "requests of foreign web pages are refused");
	if (!token_is_right(a, req))
		return answer_fill(ret, 401, "unauthorized",
			"send Authorization: Bearer with the value of server.api_token");
	return 0;
}

/* These are refused before anything else is looked at. */
static bool is_proxy_method(struct slice method)
{
	return slice_eq_str(method, "TRACE") || slice_eq_str(method, "CONNECT");
}

int door_admit(void *ctx, struct http_request *req, size_t *ret_max_body, struct answer *ret)
{
	struct api *a = ctx;
	const struct inbound *in = http_request_inbound(req);
	struct route_match m;
	int r;

	if (is_proxy_method(in->method)) {
		(void)answer_fill(ret, 405, "method_not_allowed", "this method is not served here");
		ret->allow = "GET, HEAD, POST";
		return ret->status;
	}
	if (!route_find(in->path, has_escapes(req), &m)) {
		r = engine_admit(a->o.engine, in, ret_max_body, ret);
		if (r != 0)
			webhook_count(a, r);
		return r;
	}
	if (m.route->door == DOOR_API) {
		r = door_check(a, req, ret);
		if (r != 0)
			return r;
	}
	if (!route_allows(m.route, in->method)) {
		(void)answer_fill(ret, 405, "method_not_allowed", "only %s here", m.route->methods);
		ret->allow = m.route->methods;
		return ret->status;
	}
	if (m.route->fn == NULL)
		return answer_fill(ret, 404, "not_found", "there is nothing at this path");
	*ret_max_body = m.route->max_body;
	return 0;
}

void door_handle(void *ctx, struct http_request *req)
{
	struct api *a = ctx;
	const struct inbound *in = http_request_inbound(req);
	struct route_match m;

	if (!route_find(in->path, has_escapes(req), &m)) {
		webhook_handle(a, req);
		return;
	}
	/* admit() let it in. */
	must(m.route->fn != NULL);
	m.route->fn(a, req, &m);
}
