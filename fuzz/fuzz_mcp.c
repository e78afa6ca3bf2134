/* SPDX-License-Identifier: MIT */
/*
 * The messages of an MCP client, cut where the first byte says: the same answers come out as from
 * the whole stream, each is one line of JSON with what JSON-RPC wants in it, and none needs a
 * daemon.
 */
#include <stdint.h>

#include "base/base.h"
#include "mcp/inbox_internal.h"
#include "mcp/mcp_internal.h"

struct session {
	struct mcp mcp;
	struct buf out;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_answer(const struct js *answer)
{
	must(str_eq(js_get_str(answer, "jsonrpc"), "2.0"));
	must(js_get(answer, "id") != NULL);
	must((js_get(answer, "result") == NULL) != (js_get(answer, "error") == NULL));
}

static void check_line(struct slice line)
{
	struct js *answer = js_parse(line.p, line.n, NULL);

	must(answer != NULL);
	must(utf8_is_valid(line.p, line.n));
	if (js_is_object(answer))
		check_answer(answer);
	for (size_t i = 0; i < js_len(answer); i++)
		check_answer(js_at(answer, i));
	must(js_is_object(answer) || js_len(answer) > 0);
	js_free(answer);
}

static void on_line(void *ctx, const struct slice *line)
{
	struct session *s = ctx;
	size_t before = s->out.n;

	must(line != NULL);
	mcp_answer(&s->mcp, *line, &s->out);
	if (s->out.n == before)
		return;
	must(s->out.p[s->out.n - 1] == '\n');
	must(memchr(s->out.p + before, '\n', s->out.n - before) == s->out.p + s->out.n - 1);
	check_line((struct slice){s->out.p + before, s->out.n - before - 1});
}

static struct buf talk(const char *p, size_t n, size_t step)
{
	struct session s = {.mcp = {.socket = "/nonexistent/socket", .version = "1"}};
	struct inbox l = {0};

	for (size_t at = 0; at < n; at += step)
		inbox_feed(&l, (struct slice){p + at, MIN_OF(step, n - at)}, on_line, &s);
	inbox_end(&l, on_line, &s);
	inbox_fini(&l);
	return s.out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data + 1;
	struct buf whole, pieces;

	if (size < 2)
		return 0;
	whole = talk(p, size - 1, size);
	pieces = talk(p, size - 1, (size_t)data[0] + 1);
	must(slice_eq(buf_slice(&whole), buf_slice(&pieces)));
	buf_fini(&whole);
	buf_fini(&pieces);
	return 0;
}
