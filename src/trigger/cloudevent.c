/* SPDX-License-Identifier: MIT */
/*
 * trigger/cloudevent.c - CloudEvents 1.0 over HTTP (HTTP Protocol Binding 1.0.2, JSON Event Format
 * 1.0.2): one form for both modes.
 *
 * An event is kept in its binary form: the data is the body, the attributes are ce-* headers, and
 * `datacontenttype` is the Content-Type. Templates then need not know how it was sent. A body is
 * always a JSON object here, so data that is other JSON becomes {"data":...}, base64 data becomes
 * {"data_base64":...}, and no data {}.
 *
 * Values of ce-* fields may be quoted and are percent-encoded (section 3.1.3.2 of the binding);
 * what is no UTF-8 after decoding must be refused. A request that says ce-specversion claims to be
 * an event, so it is held to it; ce-* fields without that one are fields like any other.
 */
#include <errno.h>

#include "base/crypto.h"
#include "base/json.h"
#include "base/limits.h"
#include "trigger/trigger_internal.h"

#define PREFIX      "ce-"
#define SPECVERSION "1.0"
#define JSON_TYPE   "application/json"

static int refuse_event(struct answer *ret, const char *code, struct err *why)
{
	(void)err_wrap(why, "the CloudEvent");
	return refuse(ret, 400, code, why->text);
}

static int malformed(struct answer *ret, struct err *why, const char *what)
{
	(void)err_set(why, -EINVAL, "%s", what);
	return refuse_event(ret, "invalid_json", why);
}

/* --- binary --- */

bool cloudevent_is_attribute(struct slice name)
{
	size_t n = sizeof(PREFIX) - 1;

	return name.n > n && strncasecmp(name.p, PREFIX, n) == 0;
}

/* Takes the quotes of a quoted string away (RFC 9110 section 5.6.4). */
static struct slice unquote(struct slice value, struct buf *scratch)
{
	if (value.n < 2 || value.p[0] != '"' || value.p[value.n - 1] != '"')
		return value;
	for (size_t i = 1; i < value.n - 1; i++) {
		if (value.p[i] == '\\' && i + 1 < value.n - 1)
			i++;
		buf_add_char(scratch, value.p[i]);
	}
	return buf_slice(scratch);
}

void cloudevent_decode(struct buf *out, struct slice value)
{
	CLEANUP(buf_fini) struct buf scratch = BUF_NULL;
	struct slice in = unquote(value, &scratch);

	for (size_t i = 0; i < in.n; i++) {
		uint8_t byte;

		if (in.p[i] == '%' && in.n - i > 2 &&
			hex_decode((struct slice){in.p + i + 1, 2}, &byte, 1)) {
			buf_add_char(out, (char)byte);
			i += 2;
		} else {
			buf_add_char(out, in.p[i]);
		}
	}
}

static bool fields_are_utf8(const struct inbound *in)
{
	CLEANUP(buf_fini) struct buf value = BUF_NULL;

	for (size_t i = 0; i < in->field_count; i++) {
		if (!cloudevent_is_attribute(in->fields[i].name))
			continue;
		buf_clear(&value);
		cloudevent_decode(&value, in->fields[i].value);
		if (!utf8_is_valid(buf_str(&value), value.n))
			return false;
	}
	return true;
}

/* A field that must be there once and say something. */
static bool required_field(const struct inbound *in, const char *name, struct buf *ret)
{
	struct slice value = SLICE_NULL;

	if (inbound_header(in, name, &value) != 1)
		return false;
	cloudevent_decode(ret, value);
	return ret->n > 0;
}

int cloudevent_read_fields(struct draft *d, struct answer *ret, struct err *why)
{
	CLEANUP(buf_fini) struct buf version = BUF_NULL;
	CLEANUP(buf_fini) struct buf type = BUF_NULL;
	struct slice unused = SLICE_NULL;

	if (inbound_header(d->in, PREFIX "specversion", &unused) == 0)
		return 0;
	d->mode = CLOUDEVENT_BINARY;
	if (!required_field(d->in, PREFIX "specversion", &version) ||
		!slice_eq_str(buf_slice(&version), SPECVERSION))
		return malformed(ret, why, "must have one ce-specversion: 1.0");
	if (!required_field(d->in, PREFIX "id", &d->id))
		return malformed(ret, why, "must have one ce-id");
	if (!required_field(d->in, PREFIX "source", &d->source))
		return malformed(ret, why, "must have one ce-source");
	if (!required_field(d->in, PREFIX "type", &type))
		return malformed(ret, why, "must have one ce-type");
	if (!fields_are_utf8(d->in)) {
		(void)err_set(why, -EINVAL, "has an attribute that is not UTF-8");
		return refuse_event(ret, "invalid_utf8", why);
	}
	return 0;
}

/* --- structured --- */

/* An envelope being taken apart. */
struct envelope {
	const struct route *route;
	struct scan index;
	struct draft *draft;
	const struct scan_node *data, *data_base64;
	bool has_version, has_type, has_content_type;
};

static void envelope_fini(struct envelope *v)
{
	scan_fini(&v->index);
}

static bool is_attribute_name(struct slice name)
{
	for (size_t i = 0; i < name.n; i++)
		if (!(name.p[i] >= 'a' && name.p[i] <= 'z') &&
			!(name.p[i] >= '0' && name.p[i] <= '9'))
			return false;
	return name.n > 0;
}

static void add_member(struct envelope *v, const char *header, struct slice value)
{
	struct buf *out = &v->draft->attributes;
	bool is_secret = header_is_secret(v->route, slice_of(header));

	if (out->n > 0)
		buf_add_char(out, ',');
	js_write_string(out, slice_of(header));
	buf_add_char(out, ':');
	js_write_string(out, is_secret ? SLICE_LIT("<redacted>") : value);
}

/* What is required must be a string that says something; NULL when it is fine. */
static const char *note_required(
	struct envelope *v, struct slice name, const struct scan_node *node, struct slice value)
{
	bool is_text = node->type == SCAN_STRING && value.n > 0;

	if (slice_eq_str(name, "specversion")) {
		v->has_version = is_text && slice_eq_str(value, SPECVERSION);
		return v->has_version ? NULL : "must have \"specversion\":\"1.0\"";
	}
	if (slice_eq_str(name, "id")) {
		buf_add_slice(&v->draft->id, value);
		return is_text ? NULL : "must have an id that is a string";
	}
	if (slice_eq_str(name, "source")) {
		buf_add_slice(&v->draft->source, value);
		return is_text ? NULL : "must have a source that is a string";
	}
	if (slice_eq_str(name, "type")) {
		v->has_type = is_text;
		return is_text ? NULL : "must have a type that is a string";
	}
	return NULL;
}

/* NULL when it is fine. */
static const char *add_attribute(
	struct envelope *v, struct slice name, const struct scan_node *node)
{
	CLEANUP(buf_fini) struct buf value = BUF_NULL;
	CLEANUP(freep) char *header = NULL;
	const char *wrong;

	if (!is_attribute_name(name))
		return "has an attribute whose name is not of lower-case letters and digits";
	if (node->type == SCAN_NULL) /* JSON format, section 2.2: as if it were absent */
		return NULL;
	if (node->type == SCAN_OBJECT || node->type == SCAN_ARRAY)
		return "has an attribute that is no string, number or boolean";
	scan_print(&value, &v->index, node);
	wrong = note_required(v, name, node, buf_slice(&value));
	if (wrong != NULL)
		return wrong;
	if (slice_eq_str(name, "datacontenttype")) {
		v->has_content_type = true;
		add_member(v, "content-type", buf_slice(&value));
		return NULL;
	}
	header = xasprintf(PREFIX "%.*s", SLICE_ARG(name));
	add_member(v, header, buf_slice(&value));
	return NULL;
}

static const char *read_member(struct envelope *v, const struct scan_node *node)
{
	CLEANUP(buf_fini) struct buf scratch = BUF_NULL;
	struct slice name = node->key;

	if (node->key_has_escapes) {
		scan_unescape(&scratch, node->key);
		name = buf_slice(&scratch);
	}
	if (slice_eq_str(name, "data") || slice_eq_str(name, "data_base64")) {
		if (node->type == SCAN_NULL)
			return NULL;
		*(name.n == 4 ? &v->data : &v->data_base64) = node;
		return NULL;
	}
	return add_attribute(v, name, node);
}

static const char *check_whole(const struct envelope *v)
{
	if (!v->has_version)
		return "must have \"specversion\":\"1.0\"";
	if (v->draft->id.n == 0)
		return "must have an id that is a string";
	if (v->draft->source.n == 0)
		return "must have a source that is a string";
	if (!v->has_type)
		return "must have a type that is a string";
	if (v->data != NULL && v->data_base64 != NULL)
		return "must not have both data and data_base64";
	if (v->data_base64 != NULL && v->data_base64->type != SCAN_STRING)
		return "must have a data_base64 that is a string";
	return NULL;
}

/* `{"name":value}` of any value. */
static void wrap(struct buf *out, const char *name, const struct scan_node *value)
{
	const char *quote = value->type == SCAN_STRING ? "\"" : "";

	buf_printf(out, "{\"%s\":%s", name, quote);
	buf_add_slice(out, value->raw);
	buf_add_str(out, quote);
	buf_add_char(out, '}');
}

void cloudevent_data(struct buf *out, const struct scan_node *data)
{
	if (data == NULL || data->type == SCAN_NULL)
		buf_add_str(out, "{}");
	else if (data->type == SCAN_OBJECT)
		buf_add_slice(out, data->raw);
	else
		wrap(out, "data", data);
}

static void take_data(const struct envelope *v)
{
	if (v->data_base64 != NULL)
		wrap(&v->draft->body, "data_base64", v->data_base64);
	else
		cloudevent_data(&v->draft->body, v->data);
}

int cloudevent_unwrap(const struct route *r, struct draft *d, struct answer *ret, struct err *why)
{
	CLEANUP(envelope_fini)
	struct envelope v = {.route = r, .draft = d, .index = SCAN_NULL_INDEX};
	int rc = scan_parse(&v.index, d->in->body.p, d->in->body.n, why);
	const char *wrong = NULL;

	if (rc != 0)
		return refuse_scan(ret, rc, why->text);
	if (v.index.nodes[0].type != SCAN_OBJECT) {
		(void)err_set(why, -EINVAL, "is JSON but no object");
		return refuse_event(ret, "not_object", why);
	}
	d->mode = CLOUDEVENT_STRUCTURED;
	for (const struct scan_node *node = scan_first(&v.index, &v.index.nodes[0]);
		node != NULL && wrong == NULL; node = scan_next(&v.index, node)) {
		wrong = read_member(&v, node);
		if (d->attributes.n > CLOUDEVENT_ATTRIBUTES_MAX) {
			(void)err_set(why, -EFBIG, "the CloudEvent's attributes are too large");
			return refuse(ret, 413, "too_large", why->text);
		}
	}
	if (wrong == NULL)
		wrong = check_whole(&v);
	if (wrong != NULL)
		return malformed(ret, why, wrong);
	if (!v.has_content_type)
		add_member(&v, "content-type", SLICE_LIT(JSON_TYPE));
	take_data(&v);
	return 0;
}
