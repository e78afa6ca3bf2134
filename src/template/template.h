/* SPDX-License-Identifier: MIT */
/*
 * template/template.h - text with `{{ .body.path }}` in it.
 *
 * A template is compiled once, when the configuration is loaded, and errors have their position
 * then. Rendering is one pass: inserted values are data and are never scanned again. Values are
 * slices of the raw body, so a number prints exactly as it was sent; strings insert raw, other
 * values as compact JSON; what is missing prints as <no value>. Output is bounded.
 *
 * Understood: text, `{{ .root.path.to.value }}` with member names (letters, digits, _ and -) and
 * array indexes, the trim markers `{{-` and `-}}`, and comments. A NUL in a value becomes U+FFFD,
 * since the text ends up in environments and C strings. Anything else between the braces is refused
 * at compile time.
 */
#ifndef PYLON_TEMPLATE_TEMPLATE_H
#define PYLON_TEMPLATE_TEMPLATE_H

#include "base/err.h"
#include "base/scan.h"
#include "base/str.h"

struct template;

/* NULL with *e ("line:column: what") when the text is no template. */
struct template *template_compile(struct slice text, struct err *e);
void template_free(struct template *t);
DEFINE_FREEP(struct template, template_free)

/* What the roots stand for. A NULL body is the empty object. */
struct template_input {
	const struct scan *body; /* .body */
	/* Any other path: `path` is without the first dot ("headers.x-github-event", "job.id");
	 * true when there is a value, which is appended to out. May be NULL. */
	bool (*lookup)(void *ctx, struct slice path, struct buf *out);
	void *ctx;
};

enum {
	TEMPLATE_E_TOO_LONG = 1, /* more than max bytes; *out holds what fitted */
};

/* Appends the rendered text, at most max bytes. */
NODISCARD int template_render(
	const struct template *t, const struct template_input *in, size_t max, struct buf *out);

#endif
