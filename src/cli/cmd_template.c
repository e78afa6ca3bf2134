/* SPDX-License-Identifier: MIT */
/*
 * cli/cmd_template.c - `template render`: try a template on an event at hand, without a daemon.
 *
 * The text is printed exactly as an agent or a chat would get it; only on a terminal does a line
 * end follow, so that the prompt stands where it belongs. A template that does not compile is shown
 * with a mark under the place.
 */
#include <ctype.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/scan.h"
#include "cli/commands-internal.h"
#include "template/template.h"

#define SHOWN_BEFORE 60 /* characters of a long line before the mark, and behind it */
#define SHOWN_BEHIND 40

struct input {
	const char *body, *headers, *query;
	struct buf body_text, headers_text;
	struct scan index;
};

static void input_fini(struct input *in)
{
	scan_fini(&in->index);
	buf_fini(&in->body_text);
	buf_fini(&in->headers_text);
}

/* --- reading --- */

static int read_file(const char *path, size_t max, struct buf *ret)
{
	struct err e = CLEAN_ERR;
	int r;

	if (!str_eq(path, "-")) {
		r = file_read(path, max, ret, &e);
		return r == 0 ? EXIT_OK : cli_fail(EXIT_FAILED, "%s", e.text);
	}
	r = fd_read(STDIN_FILENO, max, ret);
	if (r == -EFBIG)
		return cli_fail(EXIT_FAILED, "standard input has more than %zu bytes", max);
	return r == 0 ? EXIT_OK : cli_fail(EXIT_FAILED, "standard input cannot be read");
}

static const char *name_of(const char *path)
{
	return str_eq(path, "-") ? "standard input" : path;
}

static int parse_body(struct input *in)
{
	struct err e = CLEAN_ERR;

	scan_fini(&in->index);
	if (scan_parse(&in->index, buf_str(&in->body_text), in->body_text.n, &e) != 0)
		return cli_fail(EXIT_FAILED, "%s is no JSON: %s", name_of(in->body), e.text);
	return EXIT_OK;
}

static int use_empty_body(struct input *in)
{
	buf_clear(&in->body_text);
	buf_add_str(&in->body_text, "{}");
	return parse_body(in);
}

static int read_body(struct input *in)
{
	int r;

	if (in->body == NULL)
		return use_empty_body(in);
	r = read_file(in->body, BODY_MAX_LIMIT, &in->body_text);
	if (r == EXIT_OK)
		r = parse_body(in);
	if (r != EXIT_OK)
		return r;
	if (in->index.nodes[0].type == SCAN_NULL) /* counts as {}, as in a webhook */
		return use_empty_body(in);
	if (in->index.nodes[0].type != SCAN_OBJECT)
		return cli_fail(EXIT_FAILED, "%s is no JSON object", name_of(in->body));
	return EXIT_OK;
}

/* Under its lower-case name, as a request's header is kept. */
static void add_header(const char *key, const struct js *value, void *ctx)
{
	CLEANUP(freep) char *name = xstrdup(key);

	for (char *p = name; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	if (js_str(value) != NULL)
		js_set_str(ctx, name, js_str(value));
}

static int read_headers(struct input *in)
{
	CLEANUP(js_freep) struct js *given = NULL;
	CLEANUP(js_freep) struct js *lower = js_object();
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	struct err e = CLEAN_ERR;
	int r;

	if (in->headers == NULL)
		return EXIT_OK;
	r = read_file(in->headers, BODY_MAX_DEFAULT, &text);
	if (r != EXIT_OK)
		return r;
	given = js_parse(buf_str(&text), text.n, &e);
	if (given == NULL)
		return cli_fail(EXIT_FAILED, "%s is no JSON: %s", name_of(in->headers), e.text);
	if (!js_is_object(given))
		return cli_fail(EXIT_FAILED,
			"%s is no JSON object, like {\"x-github-event\":\"push\"}",
			name_of(in->headers));
	js_each(given, add_header, lower);
	js_write(&in->headers_text, lower);
	return EXIT_OK;
}

/* --- telling --- */

/* The line of `text` that begins the n-th; from 1. */
static struct slice line_of(const char *text, unsigned long n)
{
	while (--n > 0 && strchr(text, '\n') != NULL)
		text = strchr(text, '\n') + 1;
	return (struct slice){text, strcspn(text, "\r\n")};
}

/* Bytes of the first n characters. */
static size_t chars_in(struct slice s, size_t n)
{
	size_t i = 0;

	while (i < s.n && n > 0) {
		i += MAX_OF(utf8_len(s.p + i, s.n - i), (size_t)1);
		n--;
	}
	return MIN_OF(i, s.n);
}

/* The line with a mark under its column; of a long line only what is near. */
static void show_place(const char *text, unsigned long line, unsigned long column)
{
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	struct slice all = line_of(text, line);
	size_t before = column - 1, skipped = 0, mark;

	if (before > SHOWN_BEFORE) {
		skipped = chars_in(all, before - SHOWN_BEFORE);
		before = SHOWN_BEFORE;
	}
	all = (struct slice){all.p + skipped, all.n - skipped};
	all.n = chars_in(all, before + SHOWN_BEHIND);
	mark = chars_in(all, before);
	utf8_clean(&out, all.p, all.n);
	buf_add_str(&out, "\n");
	/* A tab above is a tab below, so that the mark stands right whatever its width. */
	for (size_t i = 0; i < mark; i++)
		if ((all.p[i] & 0xc0) != 0x80)
			buf_add_char(&out, all.p[i] == '\t' ? '\t' : ' ');
	(void)fprintf(stderr, "%s^\n", buf_str(&out));
}

static int tell_error(const char *text, const struct err *e)
{
	unsigned long line, column;
	char *end;

	(void)cli_fail(EXIT_FAILED, "%s", e->text);
	line = strtoul(e->text, &end, 10);
	if (*end != ':')
		return EXIT_FAILED;
	column = strtoul(end + 1, &end, 10);
	if (line > 0 && column > 0)
		show_place(text, line, column);
	return EXIT_FAILED;
}

static void print_text(const struct cli *c, struct slice text)
{
	CLEANUP(js_freep) struct js *j = NULL;

	if (c->json) {
		j = js_object();
		js_set_strn(j, "text", text.n == 0 ? "" : text.p, text.n);
		cli_print_json(j);
		return;
	}
	if (text.n > 0)
		(void)fwrite(text.p, 1, text.n, stdout);
	if (isatty(STDOUT_FILENO) && (text.n == 0 || text.p[text.n - 1] != '\n'))
		(void)putchar('\n');
}

static int render(struct cli *c, struct input *in, const char *text)
{
	CLEANUP(template_freep) struct template *t = NULL;
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	struct template_event event = {
		.body = buf_slice(&in->body_text),
		.index = &in->index,
		.headers_json = in->headers == NULL ? NULL : buf_str(&in->headers_text),
		.query = in->query,
	};
	struct err e = CLEAN_ERR;
	int r;

	t = template_compile(slice_of(text), &e);
	if (t == NULL)
		return tell_error(text, &e);
	r = template_render(t, &event, PROMPT_MAX, &out);
	print_text(c, buf_slice(&out));
	if (r == TEMPLATE_E_TOO_LONG)
		return cli_fail(
			EXIT_FAILED, "cut at %zu bytes, the most a text may have", PROMPT_MAX);
	if (r == TEMPLATE_E_TOO_MUCH)
		return cli_fail(EXIT_FAILED, "stopped: loops or functions do too much");
	return EXIT_OK;
}

int cmd_template(struct cli *c, int argc, char **argv)
{
	CLEANUP(input_fini) struct input in = {.index = SCAN_NULL_INDEX};
	const struct cli_option options[] = {
		{.name = "--body", .value = &in.body},
		{.name = "--headers", .value = &in.headers},
		{.name = "--query", .value = &in.query},
	};
	int r = cli_options(c, &argc, argv, options, ARRAY_LEN(options));

	if (r != EXIT_OK)
		return r;
	if (argc < 2 || !str_eq(argv[1], "render"))
		return cli_usage(c, "say render");
	r = cli_want_args(c, argc, 2, 2);
	if (r == EXIT_OK && str_eq(in.body, "-") && str_eq(in.headers, "-"))
		return cli_usage(c, "standard input can be read only once");
	if (r == EXIT_OK)
		r = read_body(&in);
	if (r == EXIT_OK)
		r = read_headers(&in);
	return r == EXIT_OK ? render(c, &in, argv[2]) : r;
}
