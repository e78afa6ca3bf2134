/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "base/str.h"
#include "cmocka.h" /* quoted: it must follow the headers above */
#include "shim/shim.h"
#include "shim/shim_internal.h"

/* Parses one option before what must be there. */
static bool parse(struct options *o, const char *name, const char *value)
{
	static struct strv argv;

	strv_fini(&argv);
	argv = STRV_NULL;
	strv_add(&argv, "pylon-shim");
	strv_add(&argv, name);
	if (value != NULL)
		strv_add(&argv, value);
	strv_add(&argv, "--dir");
	strv_add(&argv, "d");
	strv_add(&argv, "--");
	strv_add(&argv, "true");
	return options_parse(o, argv.v);
}

static bool is_good(const char *name, const char *value)
{
	struct options o;

	return parse(&o, name, value);
}

static void defaults_are_those_of_the_contract(void **state UNUSED)
{
	struct options o;

	assert_true(parse(&o, "--cwd", "/c"));
	assert_string_equal(o.cwd, "/c");
	assert_string_equal(o.dir, "d");
	assert_string_equal(o.command[0], "true");
	assert_null(o.command[1]);
	assert_null(o.log);
	assert_int_equal(o.timeout_ms, 0);
	assert_int_equal(o.grace_ms, SHIM_GRACE_MS);
	assert_int_equal(o.log_head, SHIM_LOG_HEAD);
	assert_int_equal(o.log_tail, SHIM_LOG_TAIL);
	assert_int_equal(o.nice, 0);
	assert_int_equal(o.rlimit_count, 0);
	assert_false(o.dies_with_parent);
}

static void numbers_are_strict(void **state UNUSED)
{
	static const char *const names[] = {
		"--timeout-ms", "--grace-ms", "--log-head", "--log-tail", "--nice"};
	static const char *const bad[] = {"", " 1", "1 ", "+1", "0x1", "1.0", "--1", "-", "a"};

	for (size_t n = 0; n < ARRAY_LEN(names); n++) {
		assert_true(is_good(names[n], "1"));
		for (size_t i = 0; i < ARRAY_LEN(bad); i++)
			assert_false(is_good(names[n], bad[i]));
	}
	for (size_t n = 0; n < 4; n++)
		assert_false(is_good(names[n], "-1"));
}

static void limits_of_numbers_are_exact(void **state UNUSED)
{
	struct options o;

	assert_true(parse(&o, "--timeout-ms", "2147483647000"));
	assert_int_equal(o.timeout_ms, 2147483647000);
	assert_false(is_good("--timeout-ms", "2147483647001"));
	assert_true(is_good("--log-head", "0"));
	assert_false(is_good("--log-tail", "0"));
	assert_true(is_good("--log-tail", "1099511627776"));
	assert_false(is_good("--log-tail", "1099511627777"));
	assert_true(parse(&o, "--nice", "-40"));
	assert_int_equal(o.nice, -40);
	assert_true(parse(&o, "--nice", "40"));
	assert_int_equal(o.nice, 40);
	assert_false(is_good("--nice", "41"));
	assert_false(is_good("--nice", "-41"));
}

static void resource_limits_have_names_and_values(void **state UNUSED)
{
	static const char *const bad[] = {"", "nofile", "nofile=", "nofile=-1", "nofile=1k",
		"NOFILE=1", "nofil=1", "nofile1=1", "=1", "nofile=9223372036854775808"};
	struct options o;

	assert_true(parse(&o, "--rlimit", "nofile=1024"));
	assert_int_equal(o.rlimit_count, 1);
	assert_int_equal(o.rlimits[0].resource, RLIMIT_NOFILE);
	assert_int_equal(o.rlimits[0].value, 1024);
	assert_true(parse(&o, "--rlimit", "core=unlimited"));
	assert_int_equal(o.rlimits[0].resource, RLIMIT_CORE);
	assert_true(o.rlimits[0].value == RLIM_INFINITY);
	assert_true(is_good("--rlimit", "nofile=9223372036854775807"));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(is_good("--rlimit", bad[i]));
}

/* However many there are: each name has one place. */
static void the_last_resource_limit_of_a_name_counts(void **state UNUSED)
{
	CLEANUP(strv_fini) struct strv argv = STRV_NULL;
	struct options o;

	strv_add(&argv, "pylon-shim");
	for (size_t i = 0; i < RLIMITS_MAX; i++) {
		strv_add(&argv, "--rlimit");
		strv_add(&argv, "nofile=1");
		strv_add(&argv, "--rlimit");
		strv_addf(&argv, "core=%zu", i);
	}
	strv_add(&argv, "--dir");
	strv_add(&argv, "d");
	strv_add(&argv, "--");
	strv_add(&argv, "true");
	assert_true(options_parse(&o, argv.v));
	assert_int_equal(o.rlimit_count, 2);
	assert_int_equal(o.rlimits[1].value, RLIMITS_MAX - 1);
}

static void a_flag_takes_no_value(void **state UNUSED)
{
	struct options o;

	assert_true(parse(&o, "--die-with-parent", NULL));
	assert_true(o.dies_with_parent);
	assert_false(is_good("--die-with-parent", "yes"));
}

static void empty_names_are_refused(void **state UNUSED)
{
	assert_true(is_good("--log", "l"));
	assert_false(is_good("--log", ""));
	assert_false(is_good("--cwd", ""));
	assert_false(is_good("--dir", ""));
	assert_false(is_good("--unknown", "x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_those_of_the_contract),
		cmocka_unit_test(numbers_are_strict),
		cmocka_unit_test(limits_of_numbers_are_exact),
		cmocka_unit_test(resource_limits_have_names_and_values),
		cmocka_unit_test(the_last_resource_limit_of_a_name_counts),
		cmocka_unit_test(a_flag_takes_no_value),
		cmocka_unit_test(empty_names_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
