/* SPDX-License-Identifier: MIT */
/*
 * The calls of the Docker Engine API that are used, one function each, and what their answers mean.
 *
 * Each call has a deadline, since a mute peer on a Unix socket never times out by itself. Streams
 * that are legally silent (wait, events, a quiet log) have none; a ping finds out for them whether
 * the engine still answers.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/un.h>

#include "base/json.h"
#include "runner/docker_image_internal.h"

/* Lines of both streams, from which the end of stdout is taken: the engine counts before it sorts.
 */
#define STDOUT_TAIL_RECORDS 2000
#define LIST_MAX            MIB(16) /* some 10,000 containers */

/* One request; fields that are not set mean: none. */
struct request {
	const char *method;
	const char *path; /* with its query, without the version */
	const char *type; /* media type of body */
	const char *auth; /* X-Registry-Auth */
	struct slice body;
	int64_t timeout_us;
	size_t max_body;
	bool is_unversioned, is_fresh;
	bool (*data)(void *ctx, struct slice data);
	docker_done_fn *done;
	void *ctx;
};

/* Percent-encodes everything but RFC 3986's unreserved characters and those in `keep`. */
static void add_escaped(struct buf *out, const char *s, const char *keep)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (; *s != '\0'; s++) {
		if (strchr(plain, *s) != NULL || strchr(keep, *s) != NULL)
			buf_add_char(out, *s);
		else
			buf_printf(out, "%%%02X", (unsigned char)*s);
	}
}

/* A call that must not use a kept connection gives the socket another spelling of the same path,
 * for which no connection is kept, and asks the engine to close this one afterwards. */
/* A path that is already as long as a socket's may be has no other spelling. */
static bool has_other_spelling(const char *path)
{
	return strlen(path) + 1 < sizeof(((struct sockaddr_un *)NULL)->sun_path);
}

static struct http_call *send_request(struct docker *d, const struct request *q)
{
	CLEANUP(buf_fini) struct buf url = BUF_NULL;
	CLEANUP(buf_fini) struct buf fresh_path = BUF_NULL;
	CLEANUP(buf_fini) struct buf type = BUF_NULL;
	CLEANUP(buf_fini) struct buf auth = BUF_NULL;
	const char *headers[4] = {NULL};
	size_t n = 0;

	if (q->is_unversioned)
		buf_printf(&url, "http://docker%s", q->path);
	else
		buf_printf(&url, "http://docker/v1.%u%s", d->engine.api_minor, q->path);
	if (q->type != NULL) {
		buf_printf(&type, "Content-Type: %s", q->type);
		headers[n++] = buf_str(&type);
	}
	if (q->auth != NULL) {
		buf_printf(&auth, "X-Registry-Auth: %s", q->auth);
		headers[n++] = buf_str(&auth);
	}
	if (q->is_fresh) {
		buf_printf(&fresh_path, "%s%s", has_other_spelling(d->socket_path) ? "/" : "",
			d->socket_path);
		headers[n++] = "Connection: close";
	}
	return http_call(d->client,
		&(struct http_spec){.method = q->method,
			.url = buf_str(&url),
			.unix_socket = q->is_fresh ? buf_str(&fresh_path) : d->socket_path,
			.headers = headers,
			.body = q->body,
			.timeout_us = q->timeout_us,
			.max_body = q->max_body,
			.on_data = q->data,
			.on_done = q->done,
			.ctx = q->ctx});
}

struct http_call *docker_version(struct docker *d, docker_done_fn *done)
{
	return send_request(d, &(struct request){.method = "GET",
				       .path = "/version",
				       .timeout_us = d->timing.call_us,
				       .is_unversioned = true,
				       .is_fresh = true,
				       .done = done,
				       .ctx = d});
}

struct http_call *docker_info(struct docker *d, docker_done_fn *done)
{
	return send_request(d, &(struct request){.method = "GET",
				       .path = "/info",
				       .timeout_us = d->timing.call_us,
				       .done = done,
				       .ctx = d});
}

struct http_call *docker_ping(struct docker *d, docker_done_fn *done)
{
	return send_request(d, &(struct request){.method = "GET",
				       .path = "/_ping",
				       .timeout_us = d->timing.call_us,
				       .is_unversioned = true,
				       .done = done,
				       .ctx = d});
}

struct http_call *docker_ping_fresh(struct docker_run *r, docker_done_fn *done)
{
	struct docker *d = r->docker;

	return send_request(d, &(struct request){.method = "GET",
				       .path = "/_ping",
				       .timeout_us = d->timing.doubt_us,
				       .is_unversioned = true,
				       .is_fresh = true,
				       .done = done,
				       .ctx = r});
}

struct http_call *docker_events(
	struct docker *d, bool (*data)(void *ctx, struct slice data), docker_done_fn *done)
{
	CLEANUP(buf_fini) struct buf filters = BUF_NULL;
	CLEANUP(buf_fini) struct buf path = BUF_NULL;

	buf_printf(
		&filters, "{\"label\":[\"pylon.home=%s\"],\"type\":[\"container\"]}", d->home_id);
	buf_add_str(&path, "/events?filters=");
	add_escaped(&path, buf_str(&filters), "");
	return send_request(d, &(struct request){.method = "GET",
				       .path = buf_str(&path),
				       .data = data,
				       .done = done,
				       .ctx = d});
}

struct http_call *docker_create(struct docker_run *r, docker_done_fn *done)
{
	CLEANUP(buf_fini) struct buf path = BUF_NULL;

	buf_printf(&path, "/containers/create?name=%s", r->name);
	return send_request(r->docker, &(struct request){.method = "POST",
					       .path = buf_str(&path),
					       .type = "application/json",
					       .body = buf_slice(&r->body),
					       .timeout_us = r->docker->timing.slow_us,
					       .done = done,
					       .ctx = r});
}

/* A call about one container, by its name, which was known before it was made. */
static struct http_call *send_to_run(struct docker_run *r, const char *method, const char *what,
	int64_t timeout_us, docker_done_fn *done)
{
	CLEANUP(buf_fini) struct buf path = BUF_NULL;

	buf_printf(&path, "/containers/%s/%s", r->name, what);
	return send_request(r->docker, &(struct request){.method = method,
					       .path = buf_str(&path),
					       .timeout_us = timeout_us,
					       .done = done,
					       .ctx = r});
}

struct http_call *docker_start(struct docker_run *r, docker_done_fn *done)
{
	return send_to_run(r, "POST", "start", r->docker->timing.slow_us, done);
}

struct http_call *docker_inspect(struct docker_run *r, docker_done_fn *done)
{
	return send_to_run(r, "GET", "json", r->docker->timing.call_us, done);
}

struct http_call *docker_wait(struct docker_run *r, docker_done_fn *done)
{
	return send_to_run(r, "POST", "wait?condition=not-running", 0, done);
}

struct http_call *docker_stop(struct docker_run *r, int64_t grace_us, docker_done_fn *done)
{
	int64_t seconds = (grace_us + US_PER_SEC - 1) / US_PER_SEC;
	char what[48];

	(void)snprintf(what, sizeof(what), "stop?t=%" PRId64, seconds);
	return send_to_run(r, "POST", what, seconds * US_PER_SEC + r->docker->timing.call_us, done);
}

struct http_call *docker_kill(struct docker_run *r, docker_done_fn *done)
{
	return send_to_run(r, "POST", "kill?signal=KILL", r->docker->timing.call_us, done);
}

struct http_call *docker_logs(struct docker_run *r, enum docker_logs what,
	bool (*data)(void *ctx, struct slice data), docker_done_fn *done)
{
	CLEANUP(buf_fini) struct buf path = BUF_NULL;
	int64_t from_ns = r->log.mark.from_ns;

	buf_printf(&path, "/containers/%s/logs?stdout=1", r->name);
	if (what == LOGS_STDOUT)
		buf_printf(&path, "&tail=%d", STDOUT_TAIL_RECORDS);
	else
		buf_printf(&path, "&stderr=1&timestamps=1&follow=%d", what == LOGS_FOLLOW ? 1 : 0);
	if (what != LOGS_STDOUT && from_ns > 0)
		buf_printf(&path, "&since=%" PRId64 ".%09" PRId64, from_ns / 1000000000,
			from_ns % 1000000000);
	return send_request(
		r->docker, &(struct request){.method = "GET",
				   .path = buf_str(&path),
				   .timeout_us = what == LOGS_FOLLOW ? 0 : r->docker->timing.log_us,
				   .data = data,
				   .done = done,
				   .ctx = r});
}

struct http_call *docker_list(struct docker *d, void *ctx, docker_done_fn *done)
{
	CLEANUP(buf_fini) struct buf filters = BUF_NULL;
	CLEANUP(buf_fini) struct buf path = BUF_NULL;

	buf_printf(&filters, "{\"label\":[\"pylon.home=%s\"]}", d->home_id);
	buf_add_str(&path, "/containers/json?all=1&filters=");
	add_escaped(&path, buf_str(&filters), "");
	return send_request(d, &(struct request){.method = "GET",
				       .path = buf_str(&path),
				       .timeout_us = d->timing.slow_us,
				       .max_body = LIST_MAX,
				       .done = done,
				       .ctx = ctx});
}

/* v=1: with the anonymous volumes that its image declared. */
struct http_call *docker_delete(
	struct docker *d, const char *container, void *ctx, docker_done_fn *done)
{
	CLEANUP(buf_fini) struct buf path = BUF_NULL;

	buf_add_str(&path, "/containers/");
	add_escaped(&path, container, "");
	buf_add_str(&path, "?force=1&v=1");
	return send_request(d, &(struct request){.method = "DELETE",
				       .path = buf_str(&path),
				       .timeout_us = d->timing.slow_us,
				       .done = done,
				       .ctx = ctx});
}

struct http_call *docker_image_inspect(
	struct docker *d, const char *image, void *ctx, docker_done_fn *done)
{
	CLEANUP(buf_fini) struct buf path = BUF_NULL;

	buf_add_str(&path, "/images/");
	add_escaped(&path, image, "/:@");
	buf_add_str(&path, "/json");
	return send_request(d, &(struct request){.method = "GET",
				       .path = buf_str(&path),
				       .timeout_us = d->timing.call_us,
				       .done = done,
				       .ctx = ctx});
}

struct http_call *docker_build(struct docker *d, const struct docker_context *c,
	bool (*data)(void *ctx, struct slice data), docker_done_fn *done, void *ctx)
{
	CLEANUP(buf_fini) struct buf path = BUF_NULL;

	buf_add_str(&path, "/build?rm=1&forcerm=1&t=");
	add_escaped(&path, c->image, "");
	buf_add_str(&path, "&labels=");
	add_escaped(&path, c->labels, "");
	buf_add_str(&path, "&buildargs=");
	add_escaped(&path, c->args, "");
	if (c->network != NULL) {
		buf_add_str(&path, "&networkmode=");
		add_escaped(&path, c->network, "");
	}
	return send_request(d, &(struct request){.method = "POST",
				       .path = buf_str(&path),
				       .type = "application/x-tar",
				       .body = c->tar,
				       .timeout_us = d->timing.build_us,
				       .data = data,
				       .done = done,
				       .ctx = ctx});
}

struct http_call *docker_pull(struct docker *d, const struct docker_source *s,
	bool (*data)(void *ctx, struct slice data), docker_done_fn *done, void *ctx)
{
	CLEANUP(buf_fini) struct buf path = BUF_NULL;

	buf_add_str(&path, "/images/create?fromImage=");
	add_escaped(&path, s->repository, "");
	buf_add_str(&path, "&tag=");
	add_escaped(&path, s->version, "");
	return send_request(d, &(struct request){.method = "POST",
				       .path = buf_str(&path),
				       .auth = s->auth,
				       .timeout_us = d->timing.build_us,
				       .data = data,
				       .done = done,
				       .ctx = ctx});
}

bool docker_is_lost(const struct http_result *r)
{
	/* Our own limit and our own refusal to read on are no sign of a dead engine. */
	return r->error != 0 && r->error != -ECANCELED && r->error != -EMSGSIZE;
}

void docker_clean_text(struct slice text, char ret[static DOCKER_TEXT_MAX + 1])
{
	CLEANUP(buf_fini) struct buf clean = BUF_NULL;
	size_t n;

	/* Cleaning may drop bytes but a megabyte of them is not worth the time. */
	utf8_clean(&clean, text.p, MIN_OF(text.n, (size_t)(4 * DOCKER_TEXT_MAX)));
	for (size_t i = 0; i < clean.n; i++) {
		if (clean.p[i] == '\n' || clean.p[i] == '\t')
			clean.p[i] = ' ';
	}
	while (clean.n > 0 && clean.p[clean.n - 1] == ' ')
		clean.n--;
	n = MIN_OF(clean.n, (size_t)DOCKER_TEXT_MAX);
	/* Not in the middle of a character. */
	while (n > 0 && n < clean.n && ((unsigned char)clean.p[n] & 0xc0) == 0x80)
		n--;
	if (n > 0)
		memcpy(ret, clean.p, n);
	ret[n] = '\0';
}

void docker_error_text(const struct http_result *r, char ret[static DOCKER_TEXT_MAX + 1])
{
	CLEANUP(js_freep) struct js *body = NULL;
	const char *message;

	if (r->status == 0 || r->error != 0) {
		docker_clean_text(slice_of(r->text == NULL ? "no answer" : r->text), ret);
		return;
	}
	body = js_parse(r->body.p, r->body.n, NULL);
	message = js_get_str(body, "message");
	if (message != NULL)
		docker_clean_text(slice_of(message), ret);
	else
		docker_clean_text(r->body, ret);
	if (*ret == '\0')
		(void)snprintf(ret, DOCKER_TEXT_MAX + 1, "status %d without a word", r->status);
}

bool docker_is_no_space(const char *text)
{
	return strcasestr(text, "no space left") != NULL ||
	       strcasestr(text, "disk quota exceeded") != NULL;
}

bool docker_seen_parse(const struct docker_run *r, struct slice body, struct docker_seen *ret)
{
	CLEANUP(js_freep) struct js *root = js_parse(body.p, body.n, NULL);
	const struct js *state = js_get(root, "State");
	const struct js *labels = js_get(js_get(root, "Config"), "Labels");
	const char *id = js_get_str(root, "Id");
	const char *status = js_get_str(state, "Status");
	const char *started = js_get_str(state, "StartedAt");
	struct docker_seen seen = {0};

	if (id == NULL || status == NULL || !str_copy(seen.id, sizeof(seen.id), id) ||
		!str_copy(seen.state, sizeof(seen.state), status))
		return false;
	seen.exit_code = (int)js_get_int(state, "ExitCode", -1);
	seen.was_oom_killed = js_get_bool(state, "OOMKilled", false);
	seen.is_ours = str_eq(js_get_str(labels, "pylon.run"), r->id.s);
	if (started != NULL) {
		CLEANUP(buf_fini) struct buf record = BUF_NULL;
		int64_t at_ns;

		buf_printf(&record, "%s ", started);
		at_ns = log_record_parse(buf_slice(&record)).at_ns;
		/* "0001-01-01T00:00:00Z": never; that is before 1970 and so no instant here. */
		seen.started_real = at_ns < 0 ? 0 : at_ns / 1000;
	}
	*ret = seen;
	return true;
}
