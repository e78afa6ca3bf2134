/* SPDX-License-Identifier: MIT */
/* tests/runner/test_registry_auth.c - which login goes to which registry. */
#include "base/crypto.h"
#include "lib/scratch.h"
#include "lib/t.h"
#include "runner/registry_auth_internal.h"

/* "auth" is base64 of "user:pass". */
#define LOGIN "{\"auth\":\"dXNlcjpwYXNz\"}"

static void auth_of(struct registry_auth *a, const char *config, const char *registry)
{
	registry_auth_init(a, slice_of(config), registry);
}

/* What the engine reads out of the header; the caller frees. */
static char *decoded(const struct registry_auth *a)
{
	CLEANUP(freep) char *plain = xstrdup(a->header);
	struct buf out = BUF_NULL;

	for (char *p = plain; *p != '\0'; p++) {
		assert_true(*p != '+' && *p != '/');
		*p = (char)(*p == '-' ? '+' : *p == '_' ? '/' : *p);
	}
	assert_true(base64_decode(&out, slice_of(plain)));
	return buf_steal(&out);
}

static void login_becomes_what_the_engine_reads(void **state)
{
	struct registry_auth a;
	char *json;

	(void)state;
	auth_of(&a, "{\"auths\":{\"reg.test:5000\":" LOGIN "}}", "reg.test:5000");
	json = decoded(&a);
	assert_string_equal(json, "{\"username\":\"user\",\"password\":\"pass\","
				  "\"serveraddress\":\"reg.test:5000\"}");
	assert_null(a.helper);
	free(json);
	registry_auth_fini(&a);
	/* "u:a:b?>~" has both letters that differ in URL-safe base64. */
	auth_of(&a, "{\"auths\":{\"r.test\":{\"auth\":\"dTphOmI/Pn4=\",\"identitytoken\":\"t\"}}}",
		"r.test");
	json = decoded(&a);
	assert_string_equal(json, "{\"username\":\"u\",\"password\":\"a:b?>~\","
				  "\"identitytoken\":\"t\",\"serveraddress\":\"r.test\"}");
	free(json);
	registry_auth_fini(&a);
}

static bool has_login(const char *key, const char *registry)
{
	CLEANUP(freep) char *config = xasprintf("{\"auths\":{\"%s\":" LOGIN "}}", key);
	struct registry_auth a;
	bool found;

	auth_of(&a, config, registry);
	found = a.header != NULL;
	registry_auth_fini(&a);
	return found;
}

static void login_goes_to_its_registry_only(void **state)
{
	(void)state;
	assert_true(has_login("reg.test", "reg.test"));
	assert_true(has_login("https://reg.test", "reg.test"));
	assert_true(has_login("https://reg.test/v2/", "reg.test"));
	assert_true(has_login("https://index.docker.io/v1/", "docker.io"));
	assert_true(has_login("docker.io", "docker.io"));
	assert_false(has_login("reg.test", "reg.test:5000"));
	assert_false(has_login("reg.test:5000", "reg.test"));
	assert_false(has_login("a.reg.test", "reg.test"));
	assert_false(has_login("reg.test.evil", "reg.test"));
	assert_false(has_login("evil/reg.test", "reg.test"));
	assert_false(has_login("https://index.docker.io/v1/", "reg.test"));
	assert_false(has_login("reg.test", "docker.io"));
	assert_false(has_login("", "docker.io"));
}

static void expect_helper(const char *config, const char *registry, const char *helper)
{
	struct registry_auth a;

	auth_of(&a, config, registry);
	assert_null(a.header);
	if (helper == NULL)
		assert_null(a.helper);
	else
		assert_string_equal(a.helper, helper);
	registry_auth_fini(&a);
}

static void helper_is_named_and_not_run(void **state)
{
	(void)state;
	expect_helper("{\"auths\":{\"r.test\":{}},\"credsStore\":\"ring\"}", "r.test", "ring");
	expect_helper("{\"credsStore\":\"ring\"}", "r.test", "ring");
	expect_helper(
		"{\"credsStore\":\"ring\",\"credHelpers\":{\"r.test\":\"gcr\"}}", "r.test", "gcr");
	expect_helper("{\"credHelpers\":{\"r.test\":\"gcr\"}}", "s.test", NULL);
}

static void what_cannot_be_read_is_no_login(void **state)
{
	static const char *const configs[] = {"", "{", "[]", "{\"auths\":[]}",
		"{\"auths\":{\"r.test\":7}}", "{\"auths\":{\"r.test\":{\"auth\":\"\"}}}",
		"{\"auths\":{\"r.test\":{\"auth\":\"*\"}}}",
		"{\"auths\":{\"r.test\":{\"auth\":\"dXNlcg==\"}}}", "{\"credsStore\":\"\"}",
		"{\"credHelpers\":{\"r.test\":1}}"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(configs); i++)
		expect_helper(configs[i], "r.test", NULL);
}

static void file_is_the_users_own(void **state)
{
	struct registry_auth a;

	(void)scratch_file(*state, "config.json", "{\"auths\":{\"r.test\":" LOGIN "}}");
	assert_int_equal(setenv("DOCKER_CONFIG", scratch_dir(*state), 1), 0);
	registry_auth_find(&a, "r.test");
	assert_non_null(a.header);
	registry_auth_fini(&a);
	assert_int_equal(setenv("DOCKER_CONFIG", "/nonexistent", 1), 0);
	registry_auth_find(&a, "r.test");
	assert_null(a.header);
	registry_auth_fini(&a);
	assert_int_equal(unsetenv("DOCKER_CONFIG"), 0);
	assert_int_equal(unsetenv("HOME"), 0);
	registry_auth_find(&a, "r.test");
	assert_null(a.header);
	registry_auth_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(login_becomes_what_the_engine_reads),
		cmocka_unit_test(login_goes_to_its_registry_only),
		cmocka_unit_test(helper_is_named_and_not_run),
		cmocka_unit_test(what_cannot_be_read_is_no_login),
		cmocka_unit_test_setup_teardown(
			file_is_the_users_own, scratch_setup, scratch_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
