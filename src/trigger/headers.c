/* SPDX-License-Identifier: MIT */
/*
 * trigger/headers.c - what is kept of a request's header: one JSON object of lower-case names.
 *
 * Values of secret headers are replaced here, before anything leaves for the database, so no later
 * room has to remember it. Fields of one name become one member, their values joined as HTTP allows
 * (RFC 9110 section 5.3).
 *
 * Of a CloudEvent the attributes are kept as they are meant, whichever way they came: ce-* fields
 * are decoded, and those of a structured event take the place of the request's own ce-* fields and
 * of its Content-Type, which spoke of the envelope.
 */
#include <ctype.h>

#include "base/json.h"
#include "base/limits.h"
#include "trigger/trigger_internal.h"

#define REDACTED SLICE_LIT("<redacted>")
/* Room for the headers of most requests: with the NUL one allocation. */
#define HEADERS_ROOM (KIB(1) - 1)

bool header_is_secret(const struct route *r, struct slice name)
{
	static const char *const always[] = {
		"authorization",
		"proxy-authorization",
		"cookie",
		"x-gitlab-token",
		"x-telegram-bot-api-secret-token",
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

/* True when the event has it from elsewhere. */
static bool is_replaced(const struct draft *d, struct slice name)
{
	return d->mode == CLOUDEVENT_STRUCTURED &&
	       (cloudevent_is_attribute(name) || slice_eq_nocase(name, "content-type"));
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
static struct slice joined_values(const struct draft *d, size_t i, struct buf *scratch)
{
	const struct inbound_field *fields = d->in->fields;
	bool is_coded = d->mode == CLOUDEVENT_BINARY && cloudevent_is_attribute(fields[i].name);

	buf_clear(scratch);
	for (size_t k = i; k < d->in->field_count; k++) {
		if (k > i && !same_name(fields[k].name, fields[i].name))
			continue;
		if (k > i)
			buf_add_str(scratch, ", ");
		if (is_coded)
			cloudevent_decode(scratch, fields[k].value);
		else
			buf_add_slice(scratch, fields[k].value);
	}
	return buf_slice(scratch);
}

static void add_header(const struct route *r, const struct draft *d, size_t i, struct buf *scratch,
	struct buf *out)
{
	struct slice name = d->in->fields[i].name;

	if (out->n > 1)
		buf_add_char(out, ',');
	js_write_string(out, lower_case(name, scratch));
	buf_add_char(out, ':');
	js_write_string(out, header_is_secret(r, name) ? REDACTED : joined_values(d, i, scratch));
}

char *headers_json(const struct route *r, const struct draft *d)
{
	CLEANUP(buf_fini) struct buf scratch = BUF_NULL;
	struct buf out = BUF_NULL;

	buf_reserve(&scratch, HEADERS_ROOM);
	buf_reserve(&out, HEADERS_ROOM);
	buf_add_char(&out, '{');
	for (size_t i = 0; i < d->in->field_count; i++)
		if (!is_repetition(d->in, i) && !is_replaced(d, d->in->fields[i].name))
			add_header(r, d, i, &scratch, &out);
	if (d->attributes.n > 0 && out.n > 1)
		buf_add_char(&out, ',');
	buf_add_slice(&out, buf_slice(&d->attributes));
	buf_add_char(&out, '}');
	return buf_steal(&out);
}
