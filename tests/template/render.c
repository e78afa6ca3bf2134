/* SPDX-License-Identifier: MIT */
#include "template/render.h"

const char sample_body[] =
	"{ \"n\":1.10, \"s\":\"a\\nb\", \"o\":{\"x-y\":true, \"0\":\"zero\"}, \"null\":null,"
	" \"list\":[10,{\"k\":\"{{ .body.n }}\"},[]], \"nul\":\"a\\u0000b\", \"\xc3\xa9\":\"\xc3\xa9\","
	" \"a.b\":1, \"word\":\"hello\", \"no\":false, \"yes\":true, \"zero\":0, \"empty\":\"\","
	" \"none\":[], \"nothing\":{}, \"big\":9007199254740993, \"i\":3, \"neg\":-7,"
	" \"letters\":[\"a\",\"b\",\"c\"], \"numbers\":[3, 1, 2],"
	" \"members\":{\"b\":2, \"a\":1, \"\\u0063\":3, \"B\":0},"
	" \"people\":[{\"name\":\"Ann\",\"age\":7},{\"name\":\"Bob\"},{\"name\":\"\"}],"
	" \"umlaut\":\"\xc3\xa4\xc3\xb6\xc3\xbc\", \"quote\":\"say \\\"hi\\\"\\t\\\\\" }";

struct template_event sample_event(void)
{
	return (struct template_event){
		.body = {sample_body, strlen(sample_body)},
		.headers_json =
			"{\"x-github-event\":\"push\",\"content-type\":\"application/json\"}",
		.query = "a=1&b=x%20y+z&a=2&flag&%c3%a9=%E2%82%AC&bad=%zz%4&nul=%00&ill=%ff",
		.job_id = "0193-id",
		.pylon = "sentry",
		.created_at = "2026-11-20T09:08:07.654Z",
		.attempt = 2,
		.source = "webhook",
		.received_at = "2026-11-20T09:08:06.000Z",
		.delivery_id = "d-1",
	};
}

struct template *compile(const char *text)
{
	struct err e = CLEAN_ERR;
	struct template *t = template_compile(slice_of(text), &e);

	if (t == NULL)
		print_message("%s: %s\n", text, e.text);
	assert_non_null(t);
	return t;
}

int render(const char *text, size_t max, struct buf *out)
{
	CLEANUP(template_freep) struct template *t = compile(text);
	struct template_event ev = sample_event();

	return template_render(t, &ev, max, out);
}

void check_event(const char *text, const struct template_event *ev, const char *expected)
{
	CLEANUP(template_freep) struct template *t = compile(text);
	CLEANUP(buf_fini) struct buf out = BUF_NULL;

	assert_int_equal(template_render(t, ev, 65536, &out), 0);
	if (!str_eq(buf_str(&out), expected))
		print_message("%s\n", text);
	assert_string_equal(buf_str(&out), expected);
}

void check(const char *text, const char *expected)
{
	struct template_event ev = sample_event();

	check_event(text, &ev, expected);
}

void check_body(const char *text, const char *body, const char *expected)
{
	struct template_event ev = {.body = slice_of(body)};

	check_event(text, &ev, expected);
}

void check_error(const char *text, const char *expected_prefix)
{
	struct err e = CLEAN_ERR;

	assert_null(template_compile(slice_of(text), &e));
	if (!str_has_prefix(e.text, expected_prefix))
		print_message("%s -> %s\n", text, e.text);
	assert_true(str_has_prefix(e.text, expected_prefix));
	assert_true(e.code < 0);
	assert_null(template_compile(slice_of(text), NULL));
}
