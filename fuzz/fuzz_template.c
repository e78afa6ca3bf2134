/* SPDX-License-Identifier: MIT */
/*
 * Any text as a template: it compiles, or is refused with a position; what compiles renders within
 * its bound, the same each time, and text without "{{" comes out as it went in.
 */
#include <stdio.h>

#include "base/scan.h"
#include "template/template.h"

#define OUTPUT_MAX 512

static const char body_text[] =
	"{\"a\":{\"b\":[1,2.50,\"x\\u0000y {{ .body }}\"]},\"s\":\"\xc3\xa9\","
	"\"list\":[[],{},null,true],\"0\":\"zero\",\"x-y\":1}";

static bool lookup(void *ctx, struct slice path, struct buf *out)
{
	(void)ctx;
	if (path.n % 2 != 0)
		return false;
	buf_add_slice(out, path);
	return true;
}

static void check_error(const struct err *e)
{
	unsigned line = 0, column = 0;

	must(e->code < 0);
	must(sscanf(e->text, "%u:%u: ", &line, &column) == 2); /* NOLINT(cert-err34-c) */
	must(line > 0 && column > 0);
}

static void check_render(const struct template *t, struct slice text)
{
	struct scan body = SCAN_NULL_INDEX;
	struct template_input in = {&body, lookup, NULL};
	struct buf once = BUF_NULL, twice = BUF_NULL;
	int r;

	must(scan_parse(&body, body_text, strlen(body_text), NULL) == 0);
	r = template_render(t, &in, OUTPUT_MAX, &once);
	must(once.n <= OUTPUT_MAX && (r == 0 || r == TEMPLATE_E_TOO_LONG));
	must(template_render(t, &in, OUTPUT_MAX, &twice) == r);
	must(slice_eq(buf_slice(&once), buf_slice(&twice)));
	if (r == 0 && memmem(text.p, text.n, "{{", 2) == NULL)
		must(slice_eq(text, buf_slice(&once)));
	buf_fini(&once);
	buf_fini(&twice);
	scan_fini(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = {size == 0 ? "" : (const char *)data, size};
	struct err e = CLEAN_ERR;
	struct template *t = template_compile(text, &e);

	if (t == NULL)
		check_error(&e);
	else
		check_render(t, text);
	template_free(t);
	return 0;
}
