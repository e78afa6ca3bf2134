/* SPDX-License-Identifier: MIT */
/*
 * Any text as a template, over any body: it compiles, or is refused with a position; what compiles
 * renders within its bound and without failing, the same each time and whoever made the index of
 * the body, to UTF-8 without NUL bytes; and text without "{{" comes out as it went in.
 *
 * The input is the template; behind a line of four dashes, the body. Without one there is a sample.
 */
#include <stdio.h>

#include "base/scan.h"
#include "template/template.h"

#define OUTPUT_MAX 512
#define SEPARATOR  "\n----\n"

static const char sample[] =
	"{\"a\":{\"b\":[1,2.50,\"x\\u0000y {{ .body }}\"]},\"s\":\"\xc3\xa9\",\"t\":\"a\\nb\\\"\","
	"\"list\":[[],{},null,true],\"0\":\"zero\",\"x-y\":1,\"words\":[\"one\",\"two\"],"
	"\"when\":\"2026-03-07T14:05:09.12Z\",\"big\":9007199254740993,\"e\":1e-300}";

static void check_error(const struct err *e)
{
	unsigned line = 0, column = 0;

	must(e->code < 0);
	must(sscanf(e->text, "%u:%u: ", &line, &column) == 2); /* NOLINT(cert-err34-c) */
	must(line > 0 && column > 0);
}

static struct template_event event_of(struct slice body)
{
	return (struct template_event){
		.body = body,
		.headers_json = "{\"x-event\":\"push\",\"ce-id\":\"a%20b\"}",
		.query = "a=1&b=%41+%ff&a=2",
		.job_id = "0193",
		.pylon = "p",
		.created_at = "2026-11-20T09:08:07.654Z",
		.attempt = 1,
		.source = "webhook",
	};
}

static void check_render(const struct template *t, struct slice text, struct slice body)
{
	struct template_event ev = event_of(body);
	struct scan index = SCAN_NULL_INDEX;
	struct buf once = BUF_NULL, twice = BUF_NULL;
	int r = template_render(t, &ev, OUTPUT_MAX, &once);

	must(r == 0 || r == TEMPLATE_E_TOO_LONG || r == TEMPLATE_E_TOO_MUCH);
	must(once.n <= OUTPUT_MAX);
	must(utf8_is_valid(buf_str(&once), once.n));
	must(memchr(buf_str(&once), '\0', once.n) == NULL);
	if (scan_parse(&index, body.p, body.n, NULL) == 0)
		ev.index = &index;
	must(template_render(t, &ev, OUTPUT_MAX, &twice) == r);
	must(slice_eq(buf_slice(&once), buf_slice(&twice)));
	if (r == 0 && memmem(text.p, text.n, "{{", 2) == NULL)
		must(slice_eq(text, buf_slice(&once)));
	(void)template_is_true(buf_slice(&once));
	scan_fini(&index);
	buf_fini(&once);
	buf_fini(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = {size == 0 ? "" : (const char *)data, size};
	struct slice body = {sample, sizeof(sample) - 1};
	const char *dashes = memmem(text.p, text.n, SEPARATOR, strlen(SEPARATOR));
	struct err e = CLEAN_ERR;
	struct template *t;

	if (dashes != NULL) {
		body.p = dashes + strlen(SEPARATOR);
		body.n = text.n - (size_t)(body.p - text.p);
		text.n = (size_t)(dashes - text.p);
	}
	t = template_compile(text, &e);
	if (t == NULL) {
		check_error(&e);
	} else {
		must(slice_eq_str(text, template_source(t)));
		check_render(t, text, body);
	}
	template_free(t);
	return 0;
}
