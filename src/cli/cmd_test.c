/* SPDX-License-Identifier: MIT */
/*
 * cli/cmd_test.c - `pylon test`: sends a pylon the request that its sender would send.
 *
 * A webhook pylon gets a POST on the webhook port, signed with its own recipe and its first secret
 * and with a fresh delivery id, so a test goes through everything a real request does. Other pylons
 * are started through the API. Only a 2xx counts as success.
 */
#include <errno.h>
#include <stdio.h>

#include "base/id.h"
#include "cli/commands-internal.h"
#include "config/config.h"
#include "signature/signature.h"

struct test {
	const struct config *config;
	const struct pylon_config *pylon;
	const char *payload; /* as typed, NULL = the sample */
	bool wait, dry_run;
	struct buf body;
	struct strv headers;
	const char *host;
};

static void test_fini(struct test *t)
{
	buf_fini(&t->body);
	strv_fini(&t->headers);
}

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

/* --- what is sent --- */

static void make_sample(const char *name, struct buf *out)
{
	CLEANUP(js_freep) struct js *o = js_object();
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	struct js *issue = js_object();

	buf_printf(&text, "Sample error sent by `pylon test %s`", name);
	js_set_str(o, "error", buf_str(&text));
	buf_clear(&text);
	buf_printf(&text, "Sample issue for %s", name);
	js_set_str(issue, "title", buf_str(&text));
	js_set_str(issue, "culprit", "sample.c:42");
	js_set_take(o, "issue", issue);
	js_set_str(o, "ref", "main");
	js_set_str(o, "repo", "https://example.com/sample.git");
	js_write(out, o);
}

static bool has_header(const struct strv *headers, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < headers->n; i++)
		if (strncasecmp(headers->v[i], name, n) == 0 && headers->v[i][n] == ':')
			return true;
	return false;
}

static void add_delivery_id(struct test *t, const char *header, const char *id)
{
	/* A template takes the id out of the body. */
	if (str_is_empty(header) || strchr(header, '{') != NULL || has_header(&t->headers, header))
		return;
	strv_addf(&t->headers, "%s: %s", header, id);
}

static int sign(struct test *t)
{
	const struct pylon_config *p = t->pylon;
	CLEANUP(signature_freep) struct signature *s = NULL;
	enum signature_recipe recipe = SIGNATURE_HEX;
	struct err e = CLEAN_ERR;
	struct id id;

	id_make(&id);
	strv_add(&t->headers, "Content-Type: application/json");
	add_delivery_id(t, p->dedupe, id.s);
	if (p->secrets.n == 0)
		return EXIT_OK;
	if (p->signature_header != NULL)
		recipe = signature_recipe_from_header(p->signature_header);
	if (p->signature != NULL && !signature_recipe_from_name(slice_of(p->signature), &recipe))
		return cli_fail(EXIT_CONFIG, "the recipe \"%s\" is not known", p->signature);
	if (signature_new(&s, recipe, p->signature_header, &p->secrets, p->tolerance_us, &e) != 0)
		return cli_fail(EXIT_CONFIG, "%s: %s", p->name, e.text);
	signature_sign(s, buf_slice(&t->body), id.s, cli_now(), &t->headers);
	add_delivery_id(t, signature_delivery_header(recipe, p->signature_header), id.s);
	return EXIT_OK;
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

static void print_request(const struct cli *c, const struct test *t)
{
	if (c->json && !t->dry_run)
		return;
	(void)printf("Sending test webhook to http://%s:%u%s\n", t->host, (unsigned)t->config->port,
		t->pylon->path);
	for (size_t i = 0; i < t->headers.n; i++)
		cli_print_text(t->headers.v[i]);
	print_json_text("Payload", buf_slice(&t->body));
	(void)fflush(stdout);
}

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
	int r = sign(t);

	if (r != EXIT_OK)
		return r;
	t->host = reachable_host(t->config);
	print_request(c, t);
	return t->dry_run ? EXIT_OK : send_webhook(c, t);
}

static int test_other(struct cli *c, struct test *t)
{
	CLEANUP(js_freep) struct js *answer = NULL;
	int r;

	if (!c->json || t->dry_run) {
		(void)printf("Starting %s by hand\n", t->pylon->name);
		print_json_text("Payload", buf_slice(&t->body));
		(void)fflush(stdout);
	}
	if (t->dry_run)
		return EXIT_OK;
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
	if (t->payload != NULL)
		buf_add_str(&t->body, t->payload);
	else
		make_sample(t->pylon->name, &t->body);
	if (t->pylon->not_ready != NULL)
		cli_say(c, "note: %s is not ready: %s", t->pylon->name, t->pylon->not_ready);
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
	CLEANUP(test_fini) struct test t = {0};
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
	if (r == EXIT_OK && t.payload != NULL)
		r = cli_want_object(c, "--payload", t.payload);
	return r == EXIT_OK ? with_config(c, &t, argv[1]) : r;
}
