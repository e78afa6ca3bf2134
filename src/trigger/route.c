/* SPDX-License-Identifier: MIT */
/*
 * trigger/route.c - the trigger side of one pylon: who may come in, and as what event.
 *
 * The order of the checks is part of the interface. Before the body is read: method, announced
 * length, media type and coding. After: length, signature, then what the body says. Nobody learns
 * from an answer why a signature was refused; the cause goes to the caller's log only.
 *
 * Values of secret headers are replaced here, before anything leaves for the database, so no later
 * room has to remember it.
 */
#include <ctype.h>
#include <errno.h>

#include "base/crypto.h"
#include "base/json.h"
#include "base/limits.h"
#include "trigger/trigger_internal.h"

#define REDACTED SLICE_LIT("<redacted>")
/* Room for the headers of most requests: with the NUL one allocation. */
#define HEADERS_ROOM (KIB(1) - 1)

struct route {
	char *path;
	char *signature_header; /* as configured; NULL = none */
	char *dedupe_header;    /* NULL = the recipe's own */
	size_t max_body;
	struct signature *signature; /* NULL = unsigned */
};

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
	r->signature_header = xstrdup_or_null(c->signature_header);
	r->dedupe_header = str_is_empty(c->dedupe_header) ? NULL : xstrdup(c->dedupe_header);
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

	if (!slice_eq_str(in->method, "POST")) {
		(void)refuse(ret, 405, "method_not_allowed", "a webhook is sent with POST");
		ret->allow = "POST";
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
	int verdict;

	if (r->signature == NULL)
		return 0;
	verdict = signature_verify(r->signature, lookup, &request, in->body, now_real_us);
	if (verdict == 0)
		return 0;
	(void)err_set(why, -EACCES, "signature: %s", signature_reason(verdict));
	return refuse(ret, 401, "unauthorized", "the request is not signed as it must be");
}

static bool is_printable(struct slice id)
{
	for (size_t i = 0; i < id.n; i++)
		if (iscntrl((unsigned char)id.p[i]))
			return false;
	return utf8_is_valid(id.p, id.n);
}

/* NULL when there is none. What is too long or unfit for a database key is named by its digest. */
static char *delivery_id(const struct route *r, const struct inbound *in)
{
	struct inbound request = *in;
	const char *name = r->dedupe_header;
	struct slice id = SLICE_NULL;
	char digest[SHA256_HEX_SIZE];

	if (name == NULL && r->signature != NULL)
		name = signature_delivery_id_header(r->signature, lookup, &request);
	if (name != NULL)
		(void)inbound_header(in, name, &id);
	id = slice_trim(id);
	if (id.n == 0)
		return NULL;
	if (id.n <= DELIVERY_ID_MAX && is_printable(id))
		return slice_dup(id);
	sha256_hex(id.p, id.n, digest);
	return xstrdup(digest);
}

static bool is_secret(const struct route *r, struct slice name)
{
	static const char *const always[] = {
		"authorization",
		"proxy-authorization",
		"cookie",
		"x-gitlab-token",
	};
	const char *const *own = NULL;

	for (size_t i = 0; i < ARRAY_LEN(always); i++)
		if (slice_eq_nocase(name, always[i]))
			return true;
	if (r->signature != NULL)
		own = signature_secret_headers(r->signature);
	for (; own != NULL && *own != NULL; own++)
		if (slice_eq_nocase(name, *own))
			return true;
	return r->signature_header != NULL && slice_eq_nocase(name, r->signature_header);
}

static bool same_name(struct slice a, struct slice b)
{
	return a.n == b.n && strncasecmp(a.p, b.p, a.n) == 0;
}

/* True when an earlier field has the name of field i. */
static bool is_repetition(const struct inbound *in, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (same_name(in->fields[k].name, in->fields[i].name))
			return true;
	return false;
}

static struct slice lower_case(struct slice name, struct buf *scratch)
{
	buf_clear(scratch);
	buf_add_slice(scratch, name);
	for (size_t i = 0; i < scratch->n; i++)
		scratch->p[i] = (char)tolower((unsigned char)scratch->p[i]);
	return buf_slice(scratch);
}

/* The values of all fields named like field i, which is the first, joined. */
static struct slice joined_values(const struct inbound *in, size_t i, struct buf *scratch)
{
	buf_clear(scratch);
	buf_add_slice(scratch, in->fields[i].value);
	for (size_t k = i + 1; k < in->field_count; k++) {
		if (!same_name(in->fields[k].name, in->fields[i].name))
			continue;
		buf_add_str(scratch, ", ");
		buf_add_slice(scratch, in->fields[k].value);
	}
	return buf_slice(scratch);
}

static void add_header(const struct route *r, const struct inbound *in, size_t i,
	struct buf *scratch, struct buf *out)
{
	struct slice name = in->fields[i].name;

	js_write_string(out, lower_case(name, scratch));
	buf_add_char(out, ':');
	js_write_string(out, is_secret(r, name) ? REDACTED : joined_values(in, i, scratch));
}

static char *headers_json(const struct route *r, const struct inbound *in)
{
	CLEANUP(buf_fini) struct buf scratch = BUF_NULL;
	struct buf out = BUF_NULL;

	buf_reserve(&scratch, HEADERS_ROOM);
	buf_reserve(&out, HEADERS_ROOM);
	buf_add_char(&out, '{');
	for (size_t i = 0; i < in->field_count; i++) {
		if (is_repetition(in, i))
			continue;
		if (out.n > 1)
			buf_add_char(&out, ',');
		add_header(r, in, i, &scratch, &out);
	}
	buf_add_char(&out, '}');
	return buf_steal(&out);
}

int route_judge(const struct route *r, const struct inbound *in, int64_t now_real_us,
	struct event *ret_event, struct answer *ret, struct err *why)
{
	CLEANUP(buf_fini) struct buf body = BUF_NULL;
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
		status = body_to_json(in->body, media_of(in), &body, ret, why);
	if (status != 0)
		return status;
	ret_event->delivery_id = delivery_id(r, in);
	ret_event->headers_json = headers_json(r, in);
	ret_event->query = slice_dup(in->query);
	sha256_hex(in->body.p, in->body.n, ret_event->body_sha256);
	ret_event->body_n = body.n;
	ret_event->body = buf_steal(&body);
	return 0;
}

void event_fini(struct event *ev)
{
	free(ev->delivery_id);
	free(ev->headers_json);
	free(ev->query);
	free(ev->body);
	*ev = (struct event){0};
}
