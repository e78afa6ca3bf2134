/* SPDX-License-Identifier: MIT */
/*
 * trigger/route.c - the trigger side of one pylon: who may come in, and as what event.
 *
 * The order of the checks is part of the interface. Before the body is read: method, announced
 * length, media type and coding. After: length, signature, then what the body says. Nobody learns
 * from an answer why a signature was refused; the cause goes to the caller's log only.
 *
 * Then come the questions that are answered without a job: handshakes (handshake.c) and the filter
 * (filter.c). What is kept of the header is made before either template sees it (headers.c), so
 * that secrets are in neither.
 */
#include <ctype.h>
#include <errno.h>

#include "base/crypto.h"
#include "trigger/trigger_internal.h"

static const char *const reserved_paths[] = {"/", "/healthz", "/readyz", "/metrics"};
static const char *const reserved_prefixes[] = {
	"/callback/",
	"/hooks/",
	"/trigger/",
	"/api/",
	"/approve/",
};

bool route_path_is_allowed(const char *path, struct err *e)
{
	if (path == NULL || path[0] != '/') {
		(void)err_set(e, -EINVAL, "a path starts with /");
		return false;
	}
	for (const char *p = path; *p != '\0'; p++) {
		if (iscntrl((unsigned char)*p) || *p == ' ' || *p == '?' || *p == '#') {
			(void)err_set(
				e, -EINVAL, "a path has no blanks, control characters, ? or #");
			return false;
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(reserved_paths); i++) {
		if (str_eq(path, reserved_paths[i])) {
			(void)err_set(e, -EINVAL, "the path %s is pylon's own", path);
			return false;
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(reserved_prefixes); i++) {
		if (str_has_prefix(path, reserved_prefixes[i])) {
			(void)err_set(
				e, -EINVAL, "paths under %s are pylon's own", reserved_prefixes[i]);
			return false;
		}
	}
	return true;
}

static int new_signature(struct route *r, const struct route_config *c, struct err *e)
{
	int verdict;

	if (c->recipe == SIGNATURE_NONE) {
		if (c->secrets == NULL || c->secrets->n == 0)
			return 0;
		return err_set(e, -EINVAL, "there is a secret but no signature recipe");
	}
	verdict = signature_new(
		&r->signature, c->recipe, c->signature_header, c->secrets, c->tolerance_us, e);
	if (verdict == SIGNATURE_E_BAD_SECRET)
		return err_wrap(e, "trigger.secret");
	return verdict == 0 ? 0 : err_wrap(e, "trigger.signature");
}

int route_new(struct route **ret, const struct route_config *c, struct err *e)
{
	CLEANUP(route_freep) struct route *r = xcalloc(1, sizeof(*r));
	int failure;

	r->path = xstrdup_or_null(c->path);
	r->pylon = xstrdup_or_null(c->pylon);
	r->recipe = c->recipe;
	r->signature_header = xstrdup_or_null(c->signature_header);
	r->dedupe_header = str_is_empty(c->dedupe_header) ? NULL : xstrdup(c->dedupe_header);
	r->dedupe = c->dedupe;
	r->condition = c->condition;
	r->max_body = c->max_body;
	if (!route_path_is_allowed(r->path, e))
		return err_wrap(e, "trigger.path");
	failure = new_signature(r, c, e);
	if (failure != 0)
		return failure;
	*ret = STEAL(r);
	return 0;
}

void route_free(struct route *r)
{
	if (r == NULL)
		return;
	signature_free(r->signature);
	free(r->path);
	free(r->pylon);
	free(r->signature_header);
	free(r->dedupe_header);
	free(r);
}

const char *route_path(const struct route *r)
{
	return r->path;
}

size_t route_max_body(const struct route *r)
{
	return r->max_body;
}

static int refuse_length(struct answer *ret)
{
	return refuse(ret, 413, "too_large", "the body is larger than this trigger takes");
}

static int refuse_type(struct answer *ret)
{
	return refuse(ret, 415, "unsupported_type",
		"send JSON, a form or text, in UTF-8 and not compressed");
}

int route_admit(const struct route *r, const struct inbound *in, struct answer *ret)
{
	struct slice length = SLICE_NULL;
	uint64_t bytes;

	if (slice_eq_str(in->method, "OPTIONS"))
		return handshake_options(r, in, ret);
	if (!slice_eq_str(in->method, "POST")) {
		(void)refuse(ret, 405, "method_not_allowed", "a webhook is sent with POST");
		ret->allow = handshake_allow(r);
		return ret->status;
	}
	if (inbound_header(in, "content-length", &length) > 0 &&
		slice_to_u64(length, UINT64_MAX, &bytes) && bytes > r->max_body)
		return refuse_length(ret);
	if (!media_is_plain(in) || media_of(in) == MEDIA_OTHER)
		return refuse_type(ret);
	return 0;
}

static size_t lookup(void *ctx, const char *name, struct slice *ret_value)
{
	return inbound_header(ctx, name, ret_value);
}

static int check_signature(const struct route *r, const struct inbound *in, int64_t now_real_us,
	struct answer *ret, struct err *why)
{
	struct inbound request = *in;
	struct err detail = CLEAN_ERR;
	int verdict;

	if (r->signature == NULL)
		return 0;
	verdict = signature_check(r->signature, lookup, &request, in->body, now_real_us, &detail);
	if (verdict == 0)
		return 0;
	(void)err_set(why, -EACCES, "signature: %s: %s", signature_reason(verdict), detail.text);
	return refuse(ret, 401, "unauthorized", "the request is not signed as it must be");
}

void draft_fini(struct draft *d)
{
	buf_fini(&d->body);
	scan_fini(&d->index);
	buf_fini(&d->source);
	buf_fini(&d->id);
	buf_fini(&d->attributes);
}

/* What the body says: 0, or a status with *ret and *why filled. */
static int read_body(const struct route *r, struct draft *d, struct answer *ret, struct err *why)
{
	enum media media = media_of(d->in);
	int status;

	if (media == MEDIA_CLOUDEVENT)
		return cloudevent_unwrap(r, d, ret, why);
	status = cloudevent_read_fields(d, ret, why);
	return status == 0 ? body_to_json(d, media, ret, why) : status;
}

/* The event as templates see it. */
static struct template_event view_of(const struct route *r, const struct draft *d,
	const struct event *ev, const char *received_at)
{
	return (struct template_event){
		.body = buf_slice(&d->body),
		.index = d->index.n > 0 ? &d->index : NULL,
		.headers_json = ev->headers_json,
		.query = ev->query,
		.pylon = r->pylon,
		.source = "webhook",
		.received_at = received_at,
	};
}

/* Makes the event of a draft that is good; 0, or 200 with *ret filled when it is not wanted. */
static int make_event(const struct route *r, struct draft *d, int64_t now_real_us,
	struct event *ret_event, struct answer *ret)
{
	struct event ev = {0};
	struct template_event view;
	char received_at[INSTANT_SIZE];
	int status;

	instant_print(now_real_us, received_at);
	ev.headers_json = headers_json(r, d);
	ev.query = slice_dup(d->in->query);
	view = view_of(r, d, &ev, received_at);
	ev.delivery_id = delivery_id(r, d, &view);
	view.delivery_id = ev.delivery_id;
	status = filter_event(r, &view, ret);
	if (status != 0) {
		event_fini(&ev);
		return status;
	}
	sha256_hex(d->in->body.p, d->in->body.n, ev.body_sha256);
	ev.body_n = d->body.n;
	ev.body = buf_steal(&d->body);
	*ret_event = ev;
	return 0;
}

int route_judge(const struct route *r, const struct inbound *in, int64_t now_real_us,
	struct event *ret_event, struct answer *ret, struct err *why)
{
	CLEANUP(draft_fini) struct draft d = {.in = in};
	struct err unheard;
	int status;

	if (why == NULL)
		why = &unheard;
	*why = CLEAN_ERR;
	if (in->body.n > r->max_body) {
		(void)err_set(why, -EFBIG, "a body of %zu bytes", in->body.n);
		return refuse_length(ret);
	}
	status = check_signature(r, in, now_real_us, ret, why);
	if (status == 0)
		status = read_body(r, &d, ret, why);
	if (status == 0)
		status = handshake_echo(r, &d, ret);
	if (status == 0)
		status = make_event(r, &d, now_real_us, ret_event, ret);
	return status;
}

void event_fini(struct event *ev)
{
	free(ev->delivery_id);
	free(ev->headers_json);
	free(ev->query);
	free(ev->body);
	*ev = (struct event){0};
}
