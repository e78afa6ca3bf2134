/* SPDX-License-Identifier: MIT */
/*
 * template/template.h - the `{{ ... }}` language over an event.
 *
 * The language is the subset of Go's text/template that docs/templates.md describes: values,
 * pipelines, if/else, range, with, variables, comments, trim markers, literals, parentheses and a
 * fixed set of functions. A template is compiled once, when the configuration is loaded, and errors
 * have their position then. Rendering is one pass: inserted values are data and are never scanned
 * again. Values are slices of the raw JSON, so a number prints exactly as it was sent; strings
 * insert raw, other values as compact JSON; what is missing prints as <no value>. A NUL in a value
 * becomes U+FFFD, since the text ends up in environments and C strings.
 *
 * Bounded: source, output, nesting, loop rounds and the work of one rendering all have limits. A
 * template never fails for what an event says, only by being too much of something: a function
 * that is given what it cannot use yields "no value".
 */
#ifndef PYLON_TEMPLATE_TEMPLATE_H
#define PYLON_TEMPLATE_TEMPLATE_H

#include "base/err.h"
#include "base/scan.h"
#include "base/str.h"

#define TEMPLATE_SOURCE_MAX ((size_t)256 << 10) /* bytes of one template */
#define TEMPLATE_DEPTH_MAX  64                  /* nested blocks and parentheses */
#define TEMPLATE_ROUNDS_MAX 10000               /* loop rounds of one rendering */

struct template;

/* NULL with *e ("line:column: what") when the text is no template. */
struct template *template_compile(struct slice text, struct err *e);
void template_free(struct template *t);
DEFINE_FREEP(struct template, template_free)
/* Its text as written (borrowed). */
const char *template_source(const struct template *t);
/* Does it render to its own text whatever the event says? */
bool template_is_literal(const struct template *t);

/* What the roots stand for. All borrowed for the rendering; a NULL string is a missing value. */
struct template_event {
	struct slice body; /* .body: a JSON object; n == 0: {} */
	const struct scan
		*index; /* of the body when the caller has it already; NULL = it is made */
	const char *headers_json; /* .headers: {"lower-case-name":"value"} */
	const char *query;        /* .query: raw "a=1&b=2", decoded when read; the first of equal
				   * names counts */
	/* .job */
	const char *job_id, *pylon, *created_at; /* created_at in RFC 3339 */
	int attempt;                             /* 0: missing */
	/* .event */
	const char *source, *received_at, *delivery_id;
	/* .event also has id, source, type, subject, time of a CloudEvent (from its ce-* headers,
	 * which win over the two above of the same name). */
};

enum {
	TEMPLATE_E_TOO_LONG = 1, /* more than max bytes; *out holds what fitted */
	TEMPLATE_E_TOO_MUCH,     /* loops or work beyond the limits; *out holds what was done */
};

/* Appends the rendered text, at most max bytes. A body that is no JSON object counts as {}. */
NODISCARD int template_render(
	const struct template *t, const struct template_event *ev, size_t max, struct buf *out);

/* The rule of trigger.if: false for "", "false", "0" and "<no value>", white space around them
 * ignored. */
bool template_is_true(struct slice rendered);

#endif
