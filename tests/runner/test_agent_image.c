/* SPDX-License-Identifier: MIT */
/*
 * tests/runner/test_agent_image.c - which images are ours, what they are built from, and when what
 * is there counts as outdated.
 */
#include "lib/t.h"
#include "runner/agent_image_internal.h"
#include "runner/runner.h"

static const char *const variables[] = {
	"PYLON_BASE_IMAGE",
	"PYLON_CLAUDE_CODE_VERSION",
	"PYLON_OPENCODE_VERSION",
	"PYLON_BUILD_NETWORK",
	"HTTP_PROXY",
	"http_proxy",
	"HTTPS_PROXY",
	"https_proxy",
	"ALL_PROXY",
	"all_proxy",
	"NO_PROXY",
	"no_proxy",
	"NPM_CONFIG_REGISTRY",
};

static int clear_settings(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(variables); i++)
		assert_int_equal(unsetenv(variables[i]), 0);
	return 0;
}

static void set(const char *variable, const char *value)
{
	assert_int_equal(setenv(variable, value, 1), 0);
}

/* The digest of an image of ours as it would be built now. */
static void digest_of(const char *image, char ret[SHA256_HEX_SIZE])
{
	struct agent_recipe r;

	agent_recipe_init(&r, agent_image_find(image), NULL);
	memcpy(ret, r.digest, sizeof(r.digest));
	agent_recipe_fini(&r);
}

static bool has_digest(const char *image, const char *expected)
{
	char digest[SHA256_HEX_SIZE];

	digest_of(image, digest);
	return str_eq(digest, expected);
}

static void names_of_ours_are_known(void **state)
{
	static const char *const types[] = {"claude", "opencode", "mock"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		char *name = xasprintf("pylon/agent-%s", types[i]);
		char *tagged = xasprintf("%s:latest", name);

		assert_true(runner_can_build(name));
		assert_ptr_equal(agent_image_find(name), agent_image_find(tagged));
		free(name);
		free(tagged);
	}
	assert_false(runner_can_build("pylon/agent-command"));
}

static void names_of_others_are_not_taken_for_ours(void **state)
{
	static const char *const names[] = {"", "pylon/agent-claude:1", "pylon/agent-claude2",
		"pylon/agent-", "pylon/agent-clau", "x/pylon/agent-claude",
		"pylon/agent-claude:latest2", "pylon/agent-claude@sha256:00"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_null(agent_image_find(names[i]));
}

static bool tar_has(const struct agent_recipe *r, size_t block, const char *name)
{
	return str_eq(r->tar.p + block, name);
}

static void recipe_has_the_files(void **state)
{
	struct agent_recipe r;
	size_t found = 0;

	(void)state;
	agent_recipe_init(&r, agent_image_find("pylon/agent-claude"), NULL);
	assert_true(tar_has(&r, 0, "Dockerfile"));
	assert_int_equal(r.tar.n % 512, 0);
	for (size_t at = 0; at < r.tar.n; at += 512)
		found += tar_has(&r, at, "agent.js") || tar_has(&r, at, "claude.js") ? 1 : 0;
	assert_int_equal(found, 2);
	agent_recipe_fini(&r);
}

static void nothing_set_leaves_all_to_the_dockerfile(void **state)
{
	struct agent_recipe r;
	struct buf args = BUF_NULL;

	(void)state;
	set("PYLON_BASE_IMAGE", "");
	set("PYLON_BUILD_NETWORK", "");
	set("https_proxy", "");
	agent_recipe_init(&r, agent_image_find("pylon/agent-claude"), NULL);
	js_write(&args, r.args);
	assert_string_equal(args.p, "{}");
	assert_null(r.network);
	buf_fini(&args);
	agent_recipe_fini(&r);
}

static void settings_become_build_arguments(void **state)
{
	struct agent_recipe r;

	(void)state;
	set("PYLON_BASE_IMAGE", "base:1");
	set("PYLON_CLAUDE_CODE_VERSION", "9.9.9");
	set("PYLON_OPENCODE_VERSION", "8.8.8");
	set("PYLON_BUILD_NETWORK", "host");
	set("https_proxy", "http://proxy:1");
	set("NPM_CONFIG_REGISTRY", "https://registry.test/");
	agent_recipe_init(&r, agent_image_find("pylon/agent-claude"), NULL);
	assert_string_equal(js_get_str(r.args, "BASE_IMAGE"), "base:1");
	assert_string_equal(js_get_str(r.args, "CLAUDE_CODE_VERSION"), "9.9.9");
	assert_null(js_get_str(r.args, "OPENCODE_VERSION"));
	assert_string_equal(js_get_str(r.args, "https_proxy"), "http://proxy:1");
	assert_null(js_get_str(r.args, "HTTPS_PROXY"));
	assert_string_equal(js_get_str(r.args, "NPM_CONFIG_REGISTRY"), "https://registry.test/");
	assert_string_equal(r.network, "host");
	agent_recipe_fini(&r);
}

static char *base_of(const char *image, const char *configured)
{
	struct agent_recipe r;
	char *base;

	agent_recipe_init(&r, agent_image_find(image), configured);
	base = xstrdup_or_null(js_get_str(r.args, "BASE_IMAGE"));
	agent_recipe_fini(&r);
	return base;
}

static void base_image_is_the_configurations_then_the_environments_then_the_recipes(void **state)
{
	char *base;

	(void)state;
	assert_null(base_of("pylon/agent-claude", NULL));
	base = base_of("pylon/agent-opencode", "conf:1");
	assert_string_equal(base, "conf:1");
	free(base);
	set("PYLON_BASE_IMAGE", "env:1");
	base = base_of("pylon/agent-claude", "conf:1");
	assert_string_equal(base, "conf:1");
	free(base);
	base = base_of("pylon/agent-claude", NULL);
	assert_string_equal(base, "env:1");
	free(base);
}

static void users_of_ours_are_known(void **state)
{
	(void)state;
	assert_string_equal(agent_image_user(agent_image_find("pylon/agent-claude")), "1000:1000");
	assert_string_equal(
		agent_image_user(agent_image_find("pylon/agent-opencode")), "1000:1000");
	assert_null(agent_image_user(agent_image_find("pylon/agent-mock")));
}

static bool begins_with_target(const struct runner_agent *a)
{
	const char *value = strchr(a->session_env, '=');

	return value != NULL && str_eq(value + 1, a->session_target);
}

static void catalogue_tells_where_sessions_and_logins_are(void **state)
{
	const struct runner_agent *claude = runner_agent("claude");
	const struct runner_agent *opencode = runner_agent("opencode");

	(void)state;
	assert_non_null(claude);
	assert_non_null(opencode);
	assert_string_equal(claude->login_name, ".credentials.json");
	assert_null(opencode->login_name);
	assert_true(begins_with_target(claude));
	assert_true(begins_with_target(opencode));
	assert_null(runner_agent("mock"));
	assert_null(runner_agent("command"));
	assert_null(runner_agent(""));
}

static void mock_image_is_built_without_a_network(void **state)
{
	struct agent_recipe r;
	struct buf args = BUF_NULL;

	(void)state;
	set("PYLON_BASE_IMAGE", "base:1");
	set("PYLON_BUILD_NETWORK", "host");
	set("https_proxy", "http://proxy:1");
	agent_recipe_init(&r, agent_image_find("pylon/agent-mock"), "other:1");
	js_write(&args, r.args);
	assert_string_equal(args.p, "{}");
	assert_string_equal(r.network, "none");
	buf_fini(&args);
	agent_recipe_fini(&r);
}

static void digest_tells_what_comes_out_and_nothing_else(void **state)
{
	char plain[SHA256_HEX_SIZE];

	(void)state;
	digest_of("pylon/agent-claude", plain);
	assert_true(has_digest("pylon/agent-claude:latest", plain));
	assert_false(has_digest("pylon/agent-opencode", plain));
	set("https_proxy", "http://proxy:1");
	set("NPM_CONFIG_REGISTRY", "https://registry.test/");
	set("PYLON_BUILD_NETWORK", "host");
	set("PYLON_OPENCODE_VERSION", "8.8.8");
	assert_true(has_digest("pylon/agent-claude", plain));
	set("PYLON_CLAUDE_CODE_VERSION", "9.9.9");
	assert_false(has_digest("pylon/agent-claude", plain));
	assert_int_equal(unsetenv("PYLON_CLAUDE_CODE_VERSION"), 0);
	assert_true(has_digest("pylon/agent-claude", plain));
	set("PYLON_BASE_IMAGE", "base:1");
	assert_false(has_digest("pylon/agent-claude", plain));
}

#define T(name) cmocka_unit_test_setup_teardown(name, clear_settings, clear_settings)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(names_of_ours_are_known),
		T(names_of_others_are_not_taken_for_ours),
		T(recipe_has_the_files),
		T(nothing_set_leaves_all_to_the_dockerfile),
		T(settings_become_build_arguments),
		T(base_image_is_the_configurations_then_the_environments_then_the_recipes),
		T(users_of_ours_are_known),
		T(catalogue_tells_where_sessions_and_logins_are),
		T(mock_image_is_built_without_a_network),
		T(digest_tells_what_comes_out_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
