/* SPDX-License-Identifier: MIT */
/*
 * template/roots.c - .body, .headers, .query, .job and .event.
 *
 * Each is JSON with an index of its own, made when a template first asks for it: what it does not
 * use costs nothing. What is no JSON object counts as {}.
 *
 * The query is application/x-www-form-urlencoded as browsers write it (URL Standard, section 5.1).
 * What is no UTF-8 after decoding gets U+FFFD in its place. Attributes of a CloudEvent are taken
 * from the ce-* headers as they stand there: whoever accepted the event has decoded them.
 */
#include <ctype.h>

#include "base/json.h"
#include "template/value_internal.h"

static int hex(char c)
{
	if (!isxdigit((unsigned char)c))
		return -1;
	return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* The byte that %xx at the front of s stands for, or -1. */
static int escaped_byte(struct slice s)
{
	int high, low;

	if (s.n < 3 || s.p[0] != '%')
		return -1;
	high = hex(s.p[1]);
	low = hex(s.p[2]);
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* A name or value of the query, decoded and mended, for js_set_str(); free() it. */
static char *decode(struct slice s)
{
	CLEANUP(buf_fini) struct buf bytes = BUF_NULL;
	struct buf text = BUF_NULL;

	for (size_t i = 0; i < s.n; i++) {
		int byte = escaped_byte((struct slice){s.p + i, s.n - i});
		char c = s.p[i];

		if (byte >= 0) {
			c = (char)byte;
			i += 2;
		} else if (c == '+') {
			c = ' ';
		}
		if (c == '\0')
			c = '\xff'; /* ill-formed on purpose: a NUL would end the text */
		buf_add_char(&bytes, c);
	}
	chars_add_mended(&text, buf_slice(&bytes));
	return buf_steal(&text);
}

/* --- the JSON of each root --- */

static struct js *make_query(struct rendering *r)
{
	const char *at = r->event->query;
	struct js *o = js_object();

	while (!str_is_empty(at)) {
		const char *end = strchrnul(at, '&');
		const char *equals = memchr(at, '=', (size_t)(end - at));
		const char *behind = equals == NULL ? end : equals;
		CLEANUP(freep) char *name = decode((struct slice){at, (size_t)(behind - at)});
		CLEANUP(freep) char *value = NULL;

		if (equals != NULL)
			behind++;
		value = decode((struct slice){behind, (size_t)(end - behind)});
		if (end > at && js_get(o, name) == NULL)
			js_set_str(o, name, value);
		at = *end == '\0' ? end : end + 1;
	}
	return o;
}

static void set(struct js *o, const char *name, const char *text)
{
	if (text != NULL)
		js_set_str(o, name, text);
}

static struct js *make_job(struct rendering *r)
{
	const struct template_event *ev = r->event;
	struct js *o = js_object();

	set(o, "id", ev->job_id);
	set(o, "pylon", ev->pylon);
	set(o, "created_at", ev->created_at);
	if (ev->attempt != 0)
		js_set_int(o, "attempt", ev->attempt);
	return o;
}

static struct js *make_event(struct rendering *r)
{
	static const struct {
		const char *name, *header;
	} attributes[] = {
		{"id", "ce-id"},
		{"source", "ce-source"},
		{"type", "ce-type"},
		{"subject", "ce-subject"},
		{"time", "ce-time"},
	};
	struct value headers = root_member(r, SLICE_LIT("headers"));
	struct js *o = js_object();

	set(o, "source", r->event->source);
	set(o, "received_at", r->event->received_at);
	set(o, "delivery_id", r->event->delivery_id);
	for (size_t i = 0; i < ARRAY_LEN(attributes); i++) {
		struct value v = value_member(r, &headers, slice_of(attributes[i].header));

		if (v.type == VALUE_STRING)
			js_set_strn(o, attributes[i].name, v.text.p, v.text.n);
	}
	return o;
}

/* --- */

static bool is_object(const struct scan *s)
{
	return s->n > 0 && s->nodes[0].type == SCAN_OBJECT;
}

/* `text` lives as long as the rendering. */
static void set_text(struct root *root, struct slice text)
{
	if (text.n > 0 && scan_parse(&root->own, text.p, text.n, NULL) == 0 &&
		is_object(&root->own))
		return;
	scan_fini(&root->own);
	must(scan_parse(&root->own, "{}", 2, NULL) == 0);
}

static void make(struct rendering *r, enum root_name name, struct root *root)
{
	static struct js *(*const makers[ROOT_NAMES])(struct rendering *) = {
		[ROOT_QUERY] = make_query,
		[ROOT_JOB] = make_job,
		[ROOT_EVENT] = make_event,
	};
	const struct scan *index = &root->own;
	struct js *o;

	if (name == ROOT_BODY && r->event->index != NULL && is_object(r->event->index)) {
		index = r->event->index;
	} else if (name == ROOT_BODY) {
		set_text(root, r->event->body);
	} else if (name == ROOT_HEADERS) {
		set_text(root, slice_of(r->event->headers_json));
	} else {
		o = makers[name](r);
		js_write(&root->text, o);
		js_free(o);
		set_text(root, buf_slice(&root->text));
	}
	root->value.type = VALUE_JSON;
	root->value.json.scan = index;
	root->value.json.node = &index->nodes[0];
	root->is_made = true;
}

struct value root_member(struct rendering *r, struct slice name)
{
	static const char *const names[ROOT_NAMES] = {
		[ROOT_BODY] = "body",
		[ROOT_HEADERS] = "headers",
		[ROOT_QUERY] = "query",
		[ROOT_JOB] = "job",
		[ROOT_EVENT] = "event",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!slice_eq_str(name, names[i]))
			continue;
		if (!r->roots[i].is_made)
			make(r, (enum root_name)i, &r->roots[i]);
		return r->roots[i].value;
	}
	return value_missing();
}

void roots_fini(struct rendering *r)
{
	for (size_t i = 0; i < ARRAY_LEN(r->roots); i++) {
		scan_fini(&r->roots[i].own);
		buf_fini(&r->roots[i].text);
	}
}
