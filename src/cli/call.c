/* SPDX-License-Identifier: MIT */
/*
 * cli/call.c - asking the daemon, and turning its no into words and an exit status.
 */
#include <errno.h>
#include <stdio.h>

#include "cli/commands-internal.h"

int cli_unreachable(const struct cli *c, const struct err *e)
{
	if (e->code == -ENOENT || e->code == -ECONNREFUSED)
		return cli_fail(EXIT_UNREACHABLE,
			"the daemon is not running (tried %s): start it with `pylon start`",
			c->socket);
	if (e->code == -EACCES || e->code == -EPERM)
		return cli_fail(EXIT_UNREACHABLE,
			"this user may not talk to the daemon (%s): use the one that started it",
			c->socket);
	return cli_fail(EXIT_UNREACHABLE, "the daemon cannot be reached: %s", e->text);
}

int cli_connect(struct cli *c, struct client **ret)
{
	struct err e = CLEAN_ERR;

	if (client_open_unix(ret, c->socket, &e) < 0)
		return cli_unreachable(c, &e);
	return EXIT_OK;
}

static int status_for(int http_status)
{
	return http_status == 429 || http_status == 503 ? EXIT_TRY_AGAIN : EXIT_FAILED;
}

int cli_refused(struct cli *c, int http_status, struct slice body)
{
	CLEANUP(js_freep) struct js *problem = js_parse(body.p, body.n, NULL);
	const char *text = js_get_str(problem, "detail");

	if (str_is_empty(text))
		text = js_get_str(problem, "title");
	if (c->json && problem != NULL)
		cli_print_json(problem);
	if (str_is_empty(text))
		return cli_fail(status_for(http_status), "the daemon answered %d", http_status);
	return cli_fail(status_for(http_status), "%s", text);
}

static int read_answer(struct cli *c, const struct client_answer *a, struct js **ret)
{
	struct err e = CLEAN_ERR;

	if (a->status < 200 || a->status > 299)
		return cli_refused(c, a->status, buf_slice(&a->body));
	*ret = NULL;
	if (a->body.n == 0)
		return EXIT_OK;
	*ret = js_parse(a->body.p, a->body.n, &e);
	if (*ret == NULL)
		return cli_fail(EXIT_FAILED, "the daemon's answer is no JSON: %s", e.text);
	return EXIT_OK;
}

int cli_call(struct cli *c, const char *method, const char *path, const char *body, struct js **ret)
{
	static const char *const json[] = {"Content-Type: application/json", NULL};
	CLEANUP(client_closep) struct client *client = NULL;
	CLEANUP(client_answer_fini) struct client_answer answer = {0};
	struct err e = CLEAN_ERR;
	int r = cli_connect(c, &client);

	if (r != EXIT_OK)
		return r;
	r = client_call(
		client, method, path, body == NULL ? NULL : json, slice_of(body), &answer, &e);
	if (r < 0)
		return cli_unreachable(c, &e);
	return read_answer(c, &answer, ret);
}

int cli_get(struct cli *c, struct js **ret, const char *path_fmt, ...)
{
	CLEANUP(buf_fini) struct buf path = BUF_NULL;
	va_list ap;

	va_start(ap, path_fmt);
	buf_vprintf(&path, path_fmt, ap);
	va_end(ap);
	return cli_call(c, "GET", buf_str(&path), NULL, ret);
}

int cli_find_pylon(struct cli *c, const char *name, struct js **ret)
{
	CLEANUP(client_closep) struct client *client = NULL;
	CLEANUP(client_answer_fini) struct client_answer answer = {0};
	CLEANUP(freep) char *path = xasprintf("/api/pylons/%s", name);
	struct err e = CLEAN_ERR;
	int r = cli_connect(c, &client);

	if (r != EXIT_OK)
		return r;
	r = client_call(client, "GET", path, NULL, SLICE_NULL, &answer, &e);
	if (r < 0)
		return cli_unreachable(c, &e);
	*ret = NULL;
	return answer.status == 404 ? EXIT_OK : read_answer(c, &answer, ret);
}

int cli_get_job(struct cli *c, int argc, char **argv, struct js **ret, const char *what)
{
	int r = cli_options(c, &argc, argv, NULL, 0);

	if (r == EXIT_OK)
		r = cli_want_args(c, argc, 1, 1);
	if (r == EXIT_OK)
		r = cli_want_id(c, "job", argv[1]);
	if (r == EXIT_OK)
		r = cli_get(c, ret, "/api/jobs/%s%s", argv[1], what);
	return r;
}
