/* SPDX-License-Identifier: MIT */
/*
 * tests/config/test_show.c - what `config show` says: every key, its value in force, its origin,
 * and no secret.
 */
#include <errno.h>

#include "base/json.h"
#include "config/home.h"
#include "lib/t.h"

static char *show(struct home *h, const char *pylon)
{
	struct buf out = BUF_NULL;
	struct err e = CLEAN_ERR;

	problems_fini(&h->problems);
	assert_int_equal(config_show(&out, h->path, pylon, &h->problems, &e), 0);
	return buf_steal(&out);
}

/* Fails unless there is a line of this content, whatever its indentation. */
static void expect_line(const char *text, const char *line)
{
	for (const char *p = text; p; p = strchr(p, '\n')) {
		p += strspn(p, "\n ");
		if (strncmp(p, line, strlen(line)) == 0 && p[strlen(line)] == '\n')
			return;
	}
	fail_msg("no line \"%s\" in:\n%s", line, text);
}

/* Every key of the table stands at its place of the tree, and nothing else does. */
static void expect_all_keys(const char *text, const struct schema *s)
{
	CLEANUP(problems_fini) struct problems problems = {NULL, 0};
	struct report r = report_start(&problems, "shown");
	CLEANUP(node_freep) struct node *root = yaml_read(&r, slice_of(text));
	size_t found = 0, wanted = 0;

	assert_non_null(root);
	for (size_t i = 0; i < s->count; i++) {
		const struct node *n = root;
		CLEANUP(freep) char *path = xstrdup(s->keys[i].path);
		char *rest = path, *name;

		wanted += s->keys[i].type != KEY_IGNORED;
		while (n && (name = strsep(&rest, "."))) {
			const struct node *below = NULL;

			for (size_t k = 0; k < n->n; k++)
				if (str_eq(n->items[k].key, name))
					below = n->items[k].value;
			n = below;
		}
		found += n != NULL;
		assert_int_equal(n != NULL, s->keys[i].type != KEY_IGNORED);
	}
	assert_int_equal(found, wanted);
}

static void defaults_are_shown_as_such(void **state)
{
	struct home *h = *state;
	CLEANUP(freep) char *text = NULL;

	(void)unsetenv("PYLON_BASE_IMAGE");
	text = show(h, NULL);
	expect_all_keys(text, &schema_global);
	assert_true(str_has_prefix(text, "# "));
	expect_line(text, "port: 8080  # default");
	expect_line(text, "host: 0.0.0.0  # default");
	expect_line(text, "api_token: null  # not set");
	expect_line(text, "timezone: UTC  # default");
	expect_line(text, "max_concurrent: 3  # default");
	expect_line(text, "base_image: debian:bookworm-slim  # default");
}

static void what_is_written_has_its_line(void **state)
{
	struct home *h = *state;
	CLEANUP(freep) char *text = NULL;

	home_write(h, ".env", "T=s3cret-token\n");
	home_write(h, "config.yaml",
		"server:\n  port: 9\n  api_token: $T\ndocker:\n  max_concurrent: 0\n"
		"defaults:\n  channel:\n    type: webhook\n    webhook:\n"
		"      url: http://h/s3cret\n      headers: {X-Key: s3cret}\n"
		"    discord: {token: s3cret}\n");
	text = show(h, NULL);
	expect_all_keys(text, &schema_global);
	expect_line(text, "port: 9  # config.yaml:2");
	expect_line(text, "api_token: <redacted>  # config.yaml:3");
	expect_line(text, "max_concurrent: 3  # config.yaml:5");
	expect_line(text, "url: <redacted>  # config.yaml:10");
	expect_line(text, "headers: {X-Key: <redacted>}  # config.yaml:11");
	expect_line(text, "discord: <redacted>  # config.yaml:12");
	assert_null(strstr(text, "s3cret"));
}

static void pylon_shows_what_it_takes_from_the_defaults(void **state)
{
	struct home *h = *state;
	CLEANUP(freep) char *text = NULL;

	home_write(h, "config.yaml",
		"server: {max_body: 2MiB}\ndocker:\n  default_timeout: 1h\ndefaults:\n"
		"  timezone: Europe/Berlin\n  agent: {claude: {image: my/claude}}\n"
		"  channel:\n    type: webhook\n    webhook: {url: 'http://s3cret'}\n");
	home_write(h, "pylons/a/pylon.yaml", "name: a\nagent:\n  prompt: |\n    one\n    two\n");
	text = show(h, "a");
	expect_all_keys(text, &schema_pylon);
	expect_line(text, "name: a  # pylon.yaml:1");
	expect_line(text, "prompt: \"one\\ntwo\\n\"  # pylon.yaml:3");
	expect_line(text, "max_body: 2MiB  # config.yaml:1 (server.max_body)");
	expect_line(text, "timeout: 1h  # config.yaml:3 (docker.default_timeout)");
	expect_line(text, "timezone: Europe/Berlin  # config.yaml:5 (defaults.timezone)");
	expect_line(text, "image: my/claude  # config.yaml:6 (defaults.agent.claude.image)");
	expect_line(text, "type: webhook  # config.yaml:8 (defaults.channel.type)");
	expect_line(text, "url: <redacted>  # config.yaml:9 (defaults.channel.webhook.url)");
	expect_line(text, "type: claude  # default (defaults.agent.type)");
	expect_line(text, "disabled: false  # default");
	expect_line(text, "public_url: null  # not set");
	assert_null(strstr(text, "s3cret"));
}

static void what_signs_in_at_a_repository_is_not_shown(void **state)
{
	static const struct {
		const char *repo, *line;
	} rows[] = {
		{"https://me:s3cret@git.example/a", "repo: \"https://<redacted>@git.example/a\""},
		{"http://s3cret@git.example/a", "repo: \"http://<redacted>@git.example/a\""},
		{"https://me:s3/cret@git.example/{{ .body.x }}",
			"repo: \"https://<redacted>@git.example/{{ .body.x }}\""},
		{"https://git.example/a", "repo: https://git.example/a"},
		{"ssh://git@git.example/a", "repo: ssh://git@git.example/a"},
		{"git@git.example:a", "repo: git@git.example:a"},
	};
	struct home *h = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(freep)
		char *yaml = xasprintf(
			"name: a\nworkspace:\n  type: git-clone\n  repo: '%s'\n", rows[i].repo);
		CLEANUP(freep) char *line = xasprintf("%s  # pylon.yaml:4", rows[i].line);
		CLEANUP(freep) char *text = NULL;

		home_write(h, "pylons/a/pylon.yaml", yaml);
		text = show(h, "a");
		expect_line(text, line);
		assert_null(strstr(text, "s3"));
	}
}

static void own_values_of_a_pylon_hide_the_defaults(void **state)
{
	struct home *h = *state;
	CLEANUP(freep) char *text = NULL;

	home_write(h, "config.yaml", "defaults: {channel: {type: webhook}}\n");
	home_write(h, "pylons/a/.env", "K=s3cret\n");
	home_write(h, "pylons/a/pylon.yaml",
		"name: a\ndisabled: yes\ntrigger:\n  type: webhook\n  path: /in\n  signature: github\n"
		"  secret: [s3cret, $K]\n  timezone: UTC\nchannel: {type: stdout, on: [failed, lost]}\n"
		"agent:\n  type: command\n  image: x/y:1\n  command: 'echo hi'\n  env: {A: $K, B: 1}\n"
		"  timeout: 0\n  cpus: 0.5\n");
	text = show(h, "a");
	expect_all_keys(text, &schema_pylon);
	expect_line(text, "disabled: true  # pylon.yaml:2");
	expect_line(text, "path: /in  # pylon.yaml:5");
	expect_line(text, "secret: [<redacted>, <redacted>]  # pylon.yaml:7");
	expect_line(text, "type: stdout  # pylon.yaml:9");
	expect_line(text, "on: [failed, lost]  # pylon.yaml:9");
	expect_line(text, "image: x/y:1  # pylon.yaml:12");
	expect_line(text, "command: [/bin/sh, \"-c\", \"echo hi\"]  # pylon.yaml:13");
	expect_line(text, "env: {A: <redacted>, B: <redacted>}  # pylon.yaml:14");
	expect_line(text, "timeout: 0  # pylon.yaml:15");
	expect_line(text, "cpus: 0.5  # pylon.yaml:16");
	assert_null(strstr(text, "s3cret"));
}

/* The value and the origin of a key in the JSON form. */
static void expect_item(
	const struct js *shown, const char *key, const char *value, const char *from)
{
	const struct js *keys = js_get(shown, "keys");

	for (size_t i = 0; i < js_len(keys); i++) {
		const struct js *item = js_at(keys, i);
		CLEANUP(buf_fini) struct buf text = BUF_NULL;

		if (!str_eq(js_get_str(item, "key"), key))
			continue;
		js_write(&text, js_get(item, "value"));
		assert_string_equal(buf_str(&text), value);
		assert_string_equal(js_get_str(item, "from"), from);
		return;
	}
	fail_msg("no key %s", key);
}

static void json_has_the_same_with_types(void **state)
{
	struct home *h = *state;
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	CLEANUP(js_freep) struct js *j = NULL;
	struct err e = CLEAN_ERR;

	home_write(h, "config.yaml", "server: {port: 9}\ndefaults: {timezone: Europe/Berlin}\n");
	home_write(h, "pylons/a/pylon.yaml",
		"name: a\ntrigger: {type: webhook, path: /in, signature: github, secret: s3cret}\n"
		"agent: {type: command, image: x, command: 'echo \"hi\"', env: {A: s3cret}, cpus: 0.5}\n");
	assert_int_equal(config_show_json(&out, h->path, "a", &h->problems, &e), 0);
	assert_null(strstr(buf_str(&out), "s3cret"));
	j = js_parse(buf_str(&out), out.n, &e);
	assert_non_null(j);
	assert_true(str_has_suffix(js_get_str(j, "file"), "pylons/a/pylon.yaml"));
	expect_item(j, "name", "\"a\"", "pylon.yaml:1");
	expect_item(j, "disabled", "false", "default");
	expect_item(j, "trigger.secret", "[\"<redacted>\"]", "pylon.yaml:2");
	expect_item(
		j, "trigger.timezone", "\"Europe/Berlin\"", "config.yaml:2 (defaults.timezone)");
	expect_item(j, "agent.command", "[\"/bin/sh\",\"-c\",\"echo \\\"hi\\\"\"]", "pylon.yaml:3");
	expect_item(j, "agent.env", "{\"A\":\"<redacted>\"}", "pylon.yaml:3");
	expect_item(j, "agent.cpus", "0.5", "pylon.yaml:3");
	expect_item(j, "agent.pids", "512", "default");
	expect_item(j, "channel.topic", "null", "not set");
	buf_clear(&out);
	js_free(j);
	assert_int_equal(config_show_json(&out, h->path, NULL, &h->problems, &e), 0);
	j = js_parse(buf_str(&out), out.n, &e);
	expect_item(j, "server.port", "9", "config.yaml:1");
	expect_item(j, "defaults.channel.type", "\"stdout\"", "default");
	assert_int_equal(config_show_json(&out, h->path, "zz", &h->problems, &e), -ENOENT);
}

static void signing_in_is_shown_with_what_decides_it(void **state)
{
	struct home *h = *state;
	static const struct {
		const char *agent, *auth, *provider;
	} rows[] = {
		{"{}", "auth: api_key  # config.yaml:3 (defaults.agent.claude.auth)",
			"provider: null  # not set"},
		{"{auth: oauth}", "auth: oauth  # pylon.yaml:2", "provider: null  # not set"},
		{"{auth: api-key}", "auth: api_key  # pylon.yaml:2", "provider: null  # not set"},
		{"{api_key: s3cret}", "auth: api_key  # pylon.yaml:2 (agent.api_key)",
			"provider: null  # not set"},
		{"{type: opencode}", "auth: none  # default (defaults.agent.opencode.auth)",
			"provider: openai  # config.yaml:4 (defaults.agent.opencode.provider)"},
		{"{type: opencode, provider: x, api_key: s3cret}",
			"auth: api_key  # pylon.yaml:2 (agent.api_key)",
			"provider: x  # pylon.yaml:2"},
		{"{type: mock}", "auth: none  # default", "provider: null  # not set"},
	};

	(void)unsetenv("OPENAI_API_KEY");
	home_write(h, ".env", "ANTHROPIC_API_KEY=s3cret\n");
	home_write(h, "config.yaml",
		"defaults:\n  agent:\n    claude: {auth: api_key}\n    opencode: {provider: openai}\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(freep) char *yaml = xasprintf("name: a\nagent: %s\n", rows[i].agent);
		CLEANUP(freep) char *text = NULL;

		home_write(h, "pylons/a/pylon.yaml", yaml);
		text = show(h, "a");
		expect_line(text, rows[i].auth);
		expect_line(text, rows[i].provider);
		expect_line(text, strstr(yaml, "api_key:") ? "api_key: <redacted>  # pylon.yaml:2"
							   : "api_key: null  # not set");
		assert_null(strstr(text, "s3cret"));
		assert_null(strstr(text, "ANTHROPIC_API_KEY"));
	}
}

/* What the page and `config show` call the default is what the recipes say. */
static void base_image_is_that_of_the_recipes(void **state UNUSED)
{
	static const char *const agents[] = {"claude", "opencode"};

	for (size_t i = 0; i < ARRAY_LEN(agents); i++) {
		CLEANUP(freep)
		char *path = xasprintf(PYLON_SOURCE_DIR "/src/agents/%s/Dockerfile", agents[i]);
		CLEANUP(buf_fini) struct buf recipe = BUF_NULL;
		struct err e = CLEAN_ERR;

		assert_int_equal(file_read(path, 1 << 20, &recipe, &e), 0);
		assert_non_null(
			strstr(buf_str(&recipe), "ARG BASE_IMAGE=" BASE_IMAGE_DEFAULT "\n"));
	}
}

static void base_image_of_the_environment_is_told_as_such(void **state)
{
	struct home *h = *state;
	CLEANUP(freep) char *text = NULL;
	CLEANUP(freep) char *written = NULL;

	assert_int_equal(setenv("PYLON_BASE_IMAGE", "my/base:1", 1), 0);
	text = show(h, NULL);
	home_write(h, "config.yaml", "agent: {base_image: 'my/base:2'}\n");
	written = show(h, NULL);
	assert_int_equal(unsetenv("PYLON_BASE_IMAGE"), 0);
	expect_line(text, "base_image: my/base:1  # $PYLON_BASE_IMAGE");
	expect_line(written, "base_image: my/base:2  # config.yaml:1");
}

static void socket_of_the_environment_is_told_as_such(void **state)
{
	struct home *h = *state;
	CLEANUP(freep) char *text = NULL;

	assert_int_equal(setenv("DOCKER_HOST", "unix:///run/other.sock", 1), 0);
	text = show(h, NULL);
	assert_int_equal(unsetenv("DOCKER_HOST"), 0);
	expect_line(text, "host: /run/other.sock  # $DOCKER_HOST");
}

static void what_cannot_be_shown_says_why(void **state)
{
	static const char *const absent[] = {"zz", "../a", "", ".", "a/../a", "A"};
	struct home *h = *state;
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	struct err e = CLEAN_ERR;

	home_write(h, "pylons/a/pylon.yaml", "name: a\nzz: 1\n");
	for (size_t i = 0; i < ARRAY_LEN(absent); i++)
		assert_int_equal(config_show(&out, h->path, absent[i], &h->problems, &e), -ENOENT);
	assert_int_equal(h->problems.n, 0);
	assert_int_equal(config_show(&out, h->path, "a", &h->problems, &e), -EINVAL);
	assert_int_equal(h->problems.n, 1);
	home_write(h, "config.yaml", "a: 1\n");
	assert_int_equal(config_show(&out, h->path, NULL, &h->problems, &e), -EINVAL);
	assert_int_equal(h->problems.n, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, home_setup, home_teardown)
	const struct CMUnitTest tests[] = {
		TEST(defaults_are_shown_as_such),
		TEST(what_is_written_has_its_line),
		TEST(pylon_shows_what_it_takes_from_the_defaults),
		TEST(what_signs_in_at_a_repository_is_not_shown),
		TEST(own_values_of_a_pylon_hide_the_defaults),
		TEST(json_has_the_same_with_types),
		TEST(signing_in_is_shown_with_what_decides_it),
		TEST(base_image_is_that_of_the_recipes),
		TEST(base_image_of_the_environment_is_told_as_such),
		TEST(socket_of_the_environment_is_told_as_such),
		TEST(what_cannot_be_shown_says_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
