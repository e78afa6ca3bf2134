/* SPDX-License-Identifier: MIT */
/*
 * cli/cmd_test.c - `pylon test`: sends a pylon the request that its sender would send.
 *
 * A webhook pylon gets a POST on the webhook port, signed with its own recipe and its first secret
 * and with a fresh delivery id, so a test goes through everything a real request does. Other pylons
 * are started through the API. Only a 2xx counts as success. --dry-run sends nothing and shows what
 * would come of it.
 *
 * Headers that hold a secret itself (gitlab, bearer, token) are shown without it.
 */
#include <errno.h>
#include <stdio.h>

#include "cli/test-internal.h"

/* --- which pylon --- */

static int broken_config(struct cli *c, const struct problems *problems)
{
	for (size_t i = 0; i < problems->n; i++) {
		CLEANUP(buf_fini) struct buf line = BUF_NULL;

		if (problems->v[i].is_warning)
			continue;
		problem_print(&line, &problems->v[i]);
		(void)cli_fail(EXIT_CONFIG, "%s", buf_str(&line));
	}
	(void)c;
	return EXIT_CONFIG;
}

static int no_such_pylon(struct cli *c, const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->pylon_count; i++) {
		const char *other = config->pylons[i]->name;

		if (cli_is_near(name, str_distance(name, other)))
			return cli_fail(EXIT_FAILED,
				"there is no pylon \"%s\"; did you mean \"%s\"?", name, other);
	}
	(void)c;
	return cli_fail(
		EXIT_FAILED, "there is no pylon \"%s\"; `pylon list` shows what there is", name);
}

static int find_pylon(struct cli *c, const struct config *config, const struct problems *problems,
	const char *name, const struct pylon_config **ret)
{
	if (strv_has(&config->broken, name)) {
		(void)cli_fail(EXIT_CONFIG, "the configuration of \"%s\" cannot be used", name);
		return broken_config(c, problems);
	}
	*ret = config_pylon(config, name);
	return *ret == NULL ? no_such_pylon(c, config, name) : EXIT_OK;
}

/* --- the exchange --- */

static void print_json_text(const char *title, struct slice text)
{
	CLEANUP(js_freep) struct js *j = text.n == 0 ? NULL : js_parse(text.p, text.n, NULL);
	CLEANUP(buf_fini) struct buf pretty = BUF_NULL;

	if (j != NULL)
		js_write_pretty(&pretty, j);
	else
		buf_add_slice(&pretty, text);
	(void)printf("%s: ", title);
	cli_print_text(pretty.n == 0 ? "(empty)" : buf_str(&pretty));
}

static void print_header(const struct test *t, const char *line)
{
	if (request_shows(t, line))
		cli_print_text(line);
	else
		(void)printf("%.*s: <redacted>\n", (int)strcspn(line, ":"), line);
}

static char *url_of(const struct test *t)
{
	return xasprintf("http://%s:%u%s", t->host, (unsigned)t->config->port, t->pylon->path);
}

static void print_request(const struct test *t)
{
	CLEANUP(freep) char *url = NULL;

	if (t->pylon->trigger == TRIGGER_WEBHOOK) {
		url = url_of(t);
		(void)printf("%s %s\n",
			t->dry_run ? "Would send this webhook to" : "Sending test webhook to", url);
	} else {
		(void)printf(
			"%s %s by hand\n", t->dry_run ? "Would start" : "Starting", t->pylon->name);
	}
	for (size_t i = 0; i < t->headers.n; i++)
		print_header(t, t->headers.v[i]);
	print_json_text("Payload", buf_slice(&t->body));
	(void)fflush(stdout);
}

/* --- the rehearsal --- */

static struct js *headers_json(const struct test *t)
{
	struct js *o = js_object();

	for (size_t i = 0; i < t->headers.n; i++) {
		const char *line = t->headers.v[i];
		CLEANUP(freep) char *name = xstrndup(line, strcspn(line, ":"));

		js_set_str(
			o, name, request_shows(t, line) ? request_header(t, name) : "<redacted>");
	}
	return o;
}

static void print_dry_json(const struct test *t)
{
	CLEANUP(js_freep) struct js *o = js_object();
	CLEANUP(freep) char *url = t->pylon->trigger == TRIGGER_WEBHOOK ? url_of(t) : NULL;

	js_set_str(o, "pylon", t->pylon->name);
	js_set_str(o, "not_ready", t->pylon->not_ready);
	js_set_str(o, "url", url);
	js_set_take(o, "headers", headers_json(t));
	js_set_json(o, "payload", buf_str(&t->body));
	preview_json(t, o);
	cli_print_json(o);
}

static int rehearse(struct cli *c, const struct test *t)
{
	if (request_is_unsignable(t))
		cli_say(c, "note: the signature is missing: only the sender has the key for %s",
			signature_recipe_name(t->recipe));
	if (c->json) {
		print_dry_json(t);
		return EXIT_OK;
	}
	print_request(t);
	preview_print(t);
	return EXIT_OK;
}

/* --- the real thing --- */

static int read_response(struct cli *c, const struct test *t, const struct client_answer *a)
{
	CLEANUP(js_freep)
	struct js *j = a->body.n == 0 ? NULL : js_parse(a->body.p, a->body.n, NULL);
	CLEANUP(freep) char *title = xasprintf("\nResponse [%d]", a->status);
	bool is_good = a->status >= 200 && a->status <= 299;

	if (c->json && j != NULL && !(t->wait && is_good))
		cli_print_json(j);
	else if (!c->json)
		print_json_text(title, buf_slice(&a->body));
	if (!is_good)
		return cli_fail(a->status == 429 || a->status == 503 ? EXIT_TRY_AGAIN : EXIT_FAILED,
			"the daemon refused it with %d", a->status);
	return cli_finish_trigger(c, j, t->wait);
}

static int send_webhook(struct cli *c, struct test *t)
{
	CLEANUP(client_closep) struct client *client = NULL;
	CLEANUP(client_answer_fini) struct client_answer answer = {0};
	struct err e = CLEAN_ERR;
	int r = client_open_tcp(&client, t->host, t->config->port, &e);

	if (r == 0)
		r = client_call(client, "POST", t->pylon->path, (const char *const *)t->headers.v,
			buf_slice(&t->body), &answer, &e);
	if (r == -ECONNREFUSED)
		return cli_fail(EXIT_UNREACHABLE,
			"nothing listens on %s:%u: start the daemon with `pylon start`", t->host,
			(unsigned)t->config->port);
	if (r < 0)
		return cli_fail(EXIT_UNREACHABLE, "the request failed: %s", e.text);
	return read_response(c, t, &answer);
}

static const char *reachable_host(const struct config *config)
{
	if (str_is_empty(config->host) || str_eq(config->host, "0.0.0.0") ||
		str_eq(config->host, "::"))
		return "127.0.0.1";
	return config->host;
}

static int test_webhook(struct cli *c, struct test *t)
{
	if (request_is_unsignable(t))
		return cli_fail(EXIT_FAILED,
			"a request of %s cannot be signed here: only the sender has the key; "
			"--dry-run shows what would come of it",
			signature_recipe_name(t->recipe));
	if (!c->json)
		print_request(t);
	return send_webhook(c, t);
}

static int test_other(struct cli *c, struct test *t)
{
	CLEANUP(js_freep) struct js *answer = NULL;
	int r;

	if (!c->json)
		print_request(t);
	r = cli_trigger(c, t->pylon->name, buf_str(&t->body), &answer);
	if (r != EXIT_OK)
		return r;
	if (c->json && !t->wait)
		cli_print_json(answer);
	else if (!c->json && js_get_str(answer, "job_id") != NULL)
		(void)printf("\njob %s\n", js_get_str(answer, "job_id"));
	return cli_finish_trigger(c, answer, t->wait);
}

static int run_test(struct cli *c, struct test *t)
{
	int r = request_make(c, t);

	if (r != EXIT_OK)
		return r;
	t->host = reachable_host(t->config);
	if (t->pylon->not_ready != NULL)
		cli_say(c, "note: %s is not ready: %s", t->pylon->name, t->pylon->not_ready);
	if (t->dry_run)
		return rehearse(c, t);
	return t->pylon->trigger == TRIGGER_WEBHOOK ? test_webhook(c, t) : test_other(c, t);
}

static int with_config(struct cli *c, struct test *t, const char *name)
{
	CLEANUP(config_freep) struct config *config = NULL;
	CLEANUP(problems_fini) struct problems problems = {0};
	struct err e = CLEAN_ERR;
	int r;

	if (config_load(c->home, &config, &problems, &e) < 0) {
		(void)cli_fail(EXIT_CONFIG, "%s", e.text);
		return broken_config(c, &problems);
	}
	t->config = config;
	r = find_pylon(c, config, &problems, name, &t->pylon);
	return r == EXIT_OK ? run_test(c, t) : r;
}

int cmd_test(struct cli *c, int argc, char **argv)
{
	CLEANUP(request_fini) struct test t = {0};
	const struct cli_option options[] = {
		{.name = "--payload", .value = &t.payload},
		{.name = "--wait", .flag = &t.wait},
		{.name = "--dry-run", .flag = &t.dry_run},
	};
	int r = cli_options(c, &argc, argv, options, ARRAY_LEN(options));

	if (r == EXIT_OK)
		r = cli_want_args(c, argc, 1, 1);
	if (r == EXIT_OK)
		r = cli_want_name(c, argv[1]);
	return r == EXIT_OK ? with_config(c, &t, argv[1]) : r;
}
