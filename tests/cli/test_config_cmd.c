/* SPDX-License-Identifier: MIT */
/*
 * tests/cli/test_config_cmd.c - `enable`, `disable` and `config`, without a daemon.
 */
#include "cli/home.h"

#define HOOK(name, path) "name: " name "\ntrigger: {type: webhook, path: " path "} # here\n"

static void expect_file(const struct home *h, const char *name, const char *text)
{
	CLEANUP(freep) char *got = home_read_file(h, name);

	assert_string_equal(got, text);
}

static void expect(const struct home *h, int status, const char *out)
{
	assert_string_equal(h->out, out);
	assert_int_equal(h->status, status);
}

/* --- enable, disable --- */

static void pylon_is_disabled_and_enabled_again(void **state)
{
	struct home *h = *state;

	home_add_file(h, "pylons/a/pylon.yaml", HOOK("a", "/x"));
	RUN(h, "disable", "a");
	expect(h, EXIT_OK, "a is disabled\n");
	expect_file(h, "pylons/a/pylon.yaml",
		"name: a\ndisabled: true\ntrigger: {type: webhook, path: /x} # here\n");
	RUN(h, "disable", "a");
	expect(h, EXIT_OK, "a is disabled already\n");
	RUN(h, "enable", "a");
	expect(h, EXIT_OK, "a is enabled\n");
	expect_file(h, "pylons/a/pylon.yaml",
		"name: a\ndisabled: false\ntrigger: {type: webhook, path: /x} # here\n");
	RUN(h, "enable", "a");
	expect(h, EXIT_OK, "a is enabled already\n");
}

static void pylon_that_is_enabled_is_not_touched(void **state)
{
	struct home *h = *state;

	home_add_file(h, "pylons/a/pylon.yaml", HOOK("a", "/x"));
	RUN(h, "--json", "enable", "a");
	expect(h, EXIT_OK, "{\"name\":\"a\",\"enabled\":true,\"changed\":false}\n");
	expect_file(h, "pylons/a/pylon.yaml", HOOK("a", "/x"));
}

static void enabled_pylon_that_cannot_run_is_told(void **state)
{
	struct home *h = *state;

	home_add_file(h, "pylons/a/pylon.yaml", HOOK("a", "/x"));
	home_add_file(h, "pylons/b/pylon.yaml", "disabled: true\n" HOOK("b", "/x"));
	RUN(h, "enable", "b");
	expect(h, EXIT_CONFIG, "b is enabled\n");
	expect_part(h->err, "b/pylon.yaml: 3:32: `trigger.path` /x is that of the pylon `a`, too");
}

static void broken_pylon_can_be_disabled(void **state)
{
	struct home *h = *state;

	home_add_file(h, "pylons/a/pylon.yaml", "name: a\nzzz: 1\n");
	RUN(h, "disable", "a");
	expect(h, EXIT_OK, "a is disabled\n");
	expect_file(h, "pylons/a/pylon.yaml", "name: a\ndisabled: true\nzzz: 1\n");
	home_add_file(h, "pylons/a/pylon.yaml", "name: [\n");
	RUN(h, "disable", "a");
	expect(h, EXIT_FAILED, "");
	expect_part(h->err, "pylons/a/pylon.yaml: 2:1: ");
	expect_file(h, "pylons/a/pylon.yaml", "name: [\n");
}

static void names_that_are_none_are_refused(void **state)
{
	struct home *h = *state;

	home_add_file(h, "x/pylon.yaml", "name: x\n");
	RUN(h, "disable", "../x");
	assert_int_equal(h->status, EXIT_USAGE);
	expect_file(h, "x/pylon.yaml", "name: x\n");
	RUN(h, "disable", "zz");
	assert_int_equal(h->status, EXIT_FAILED);
	expect_part(h->err, "there is no pylon \"zz\"");
	RUN(h, "disable");
	assert_int_equal(h->status, EXIT_USAGE);
}

/* --- config --- */

static void config_show_prints_what_is_in_force(void **state)
{
	struct home *h = *state;

	home_add_file(h, "config.yaml", "server: {port: 99, api_token: s3cret}\n");
	home_add_file(h, "pylons/a/pylon.yaml", HOOK("a", "/x"));
	RUN(h, "config", "show");
	assert_int_equal(h->status, EXIT_OK);
	expect_part(h->out, "  port: 99  # config.yaml:1\n");
	expect_part(h->out, "  api_token: <redacted>  # config.yaml:1\n");
	expect_no_part(h->out, "s3cret");
	RUN(h, "config", "show", "a");
	assert_int_equal(h->status, EXIT_OK);
	expect_part(h->out, "  path: /x  # pylon.yaml:2\n");
	RUN(h, "--json", "config", "show", "a");
	assert_int_equal(h->status, EXIT_OK);
	expect_part(
		h->out, "{\"key\":\"trigger.path\",\"value\":\"/x\",\"from\":\"pylon.yaml:2\"}");
	RUN(h, "config", "show", "../a");
	assert_int_equal(h->status, EXIT_FAILED);
	home_add_file(h, "pylons/a/pylon.yaml", "nam: a\n");
	RUN(h, "config", "show", "a");
	assert_int_equal(h->status, EXIT_CONFIG);
	assert_string_equal(h->out, "");
	expect_part(h->err, "pylon.yaml:1:1: unknown key `nam`");
}

static void config_schema_prints_one_of_two(void **state)
{
	struct home *h = *state;

	RUN(h, "config", "schema");
	assert_int_equal(h->status, EXIT_OK);
	expect_part(h->out, "\"title\": \"pylon.yaml\"");
	RUN(h, "config", "schema", "pylon");
	expect_part(h->out, "\"title\": \"pylon.yaml\"");
	RUN(h, "config", "schema", "config");
	expect_part(h->out, "\"title\": \"config.yaml\"");
	RUN(h, "config", "schema", "x");
	assert_int_equal(h->status, EXIT_USAGE);
	RUN(h, "config");
	assert_int_equal(h->status, EXIT_USAGE);
	RUN(h, "config", "sho");
	assert_int_equal(h->status, EXIT_USAGE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, home_setup, home_teardown)
	const struct CMUnitTest tests[] = {
		TEST(pylon_is_disabled_and_enabled_again),
		TEST(pylon_that_is_enabled_is_not_touched),
		TEST(enabled_pylon_that_cannot_run_is_told),
		TEST(broken_pylon_can_be_disabled),
		TEST(names_that_are_none_are_refused),
		TEST(config_show_prints_what_is_in_force),
		TEST(config_schema_prints_one_of_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
