/* SPDX-License-Identifier: MIT */
/*
 * trigger/media.c - what kind of text a body is, and the JSON object that it becomes.
 *
 * Media types are compared without case and without their parameters, of which only `charset`
 * matters: everything here is UTF-8. A second Content-Type makes the first worthless.
 *
 * Surprises: senders use dozens of types that end in "+json", so the ending decides; and a POST
 * without a body and without a type is a plain "now!", the empty object.
 */
#include <errno.h>

#include "base/json.h"
#include "base/limits.h"
#include "trigger/trigger_internal.h"

/* The part before the first `stop`, trimmed; *rest is what follows it. A quoted string may hold
 * `stop`. */
static struct slice split(struct slice *rest, char stop)
{
	bool is_quoted = false;
	size_t n = 0;
	struct slice part;

	while (n < rest->n && (is_quoted || rest->p[n] != stop)) {
		if (rest->p[n] == '"')
			is_quoted = !is_quoted;
		n++;
	}
	part = (struct slice){rest->p, n};
	n = MIN_OF(n + 1, rest->n);
	*rest = (struct slice){rest->p + n, rest->n - n};
	return slice_trim(part);
}

/* CloudEvents' batches end in "+json" too, but are lists of events. */
static bool is_batch(struct slice type)
{
	return slice_eq_nocase(type, "application/cloudevents-batch+json");
}

static bool starts_with(struct slice s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.n >= n && strncasecmp(s.p, prefix, n) == 0;
}

static bool ends_with(struct slice s, const char *suffix)
{
	size_t n = strlen(suffix);

	return s.n >= n && strncasecmp(s.p + s.n - n, suffix, n) == 0;
}

static bool is_utf8_charset(struct slice parameters)
{
	while (parameters.n > 0) {
		struct slice value = split(&parameters, ';'), name = split(&value, '=');

		if (!slice_eq_nocase(name, "charset"))
			continue;
		value = slice_trim(value);
		if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
			value = (struct slice){value.p + 1, value.n - 2};
		if (!slice_eq_nocase(value, "utf-8") && !slice_eq_nocase(value, "utf8"))
			return false;
	}
	return true;
}

enum media media_of(const struct inbound *in)
{
	struct slice rest = SLICE_NULL, type;
	size_t count = inbound_header(in, "content-type", &rest);

	if (count > 1)
		return MEDIA_OTHER;
	rest = slice_trim(rest);
	if (rest.n == 0)
		return MEDIA_NONE;
	type = split(&rest, ';');
	if (!is_utf8_charset(rest) || memchr(type.p, '/', type.n) == NULL)
		return MEDIA_OTHER;
	if (slice_eq_nocase(type, "application/cloudevents+json"))
		return MEDIA_CLOUDEVENT;
	if (is_batch(type))
		return MEDIA_OTHER;
	if (slice_eq_nocase(type, "application/json") || ends_with(type, "+json"))
		return MEDIA_JSON;
	if (slice_eq_nocase(type, "application/x-www-form-urlencoded"))
		return MEDIA_FORM;
	return starts_with(type, "text/") ? MEDIA_TEXT : MEDIA_OTHER;
}

bool media_is_plain(const struct inbound *in)
{
	for (size_t i = 0; i < in->field_count; i++) {
		struct slice value = slice_trim(in->fields[i].value);

		if (slice_eq_nocase(in->fields[i].name, "content-encoding") && value.n > 0 &&
			!slice_eq_nocase(value, "identity"))
			return false;
	}
	return true;
}

int refuse(struct answer *ret, int status, const char *code, const char *text)
{
	*ret = (struct answer){.status = status, .code = code};
	(void)str_copy(ret->text, sizeof(ret->text), text);
	return status;
}

int refuse_scan(struct answer *ret, int condition, const char *text)
{
	switch (condition) {
	case SCAN_E_UTF8:
		return refuse(ret, 400, "invalid_utf8", text);
	case SCAN_E_DEPTH:
		return refuse(ret, 400, "too_deep", text);
	case SCAN_E_SIZE:
		return refuse(ret, 413, "too_large", text);
	default:
		return refuse(ret, 400, "invalid_json", text);
	}
}

static void drop_index(struct draft *d)
{
	scan_fini(&d->index);
	d->index = SCAN_NULL_INDEX;
}

static int json_to_json(struct draft *d, struct answer *ret, struct err *why)
{
	const struct scan_node *whole;
	int r = scan_parse(&d->index, d->in->body.p, d->in->body.n, why);

	if (r != 0)
		return refuse_scan(ret, r, why->text);
	whole = &d->index.nodes[0];
	if (whole->type == SCAN_OBJECT) {
		buf_add_slice(&d->body, whole->raw);
		return 0;
	}
	/* The data of a CloudEvent may be any JSON. */
	if (whole->type == SCAN_NULL || d->mode == CLOUDEVENT_BINARY) {
		cloudevent_data(&d->body, whole);
		drop_index(d);
		return 0;
	}
	(void)err_set(why, -EINVAL, "the body is JSON but no object");
	return refuse(ret, 400, "not_object", why->text);
}

static int text_to_json(struct draft *d, struct answer *ret, struct err *why)
{
	if (!utf8_is_valid(d->in->body.p, d->in->body.n)) {
		(void)err_set(why, -EINVAL, "the text is not UTF-8");
		return refuse(ret, 400, "invalid_utf8", why->text);
	}
	buf_add_str(&d->body, "{\"text\":");
	js_write_string(&d->body, d->in->body);
	buf_add_char(&d->body, '}');
	return 0;
}

int body_to_json(struct draft *d, enum media media, struct answer *ret, struct err *why)
{
	int r;

	switch (media) {
	case MEDIA_NONE:
		if (d->in->body.n > 0)
			return json_to_json(d, ret, why);
		buf_add_str(&d->body, "{}");
		return 0;
	case MEDIA_JSON:
		return json_to_json(d, ret, why);
	case MEDIA_FORM:
		r = form_to_json(d->in->body, &d->body, why);
		return r == 0 ? 0 : refuse_scan(ret, r, why->text);
	case MEDIA_TEXT:
		return text_to_json(d, ret, why);
	case MEDIA_CLOUDEVENT:
	case MEDIA_OTHER:
	default:
		(void)err_set(why, -EINVAL, "media type not understood");
		return refuse(ret, 415, "unsupported_type", why->text);
	}
}
