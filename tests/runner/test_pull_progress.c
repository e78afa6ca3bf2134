/* SPDX-License-Identifier: MIT */
/* tests/runner/test_pull_progress.c - one line about many layers. */
#include <stdio.h>

#include "lib/t.h"
#include "runner/pull_progress_internal.h"

static bool take(struct pull_progress *p, const char *text)
{
	struct js *line = js_parse(text, strlen(text), NULL);
	bool is_taken = pull_progress_take(p, line);

	js_free(line);
	return is_taken;
}

static void expect(const struct pull_progress *p, const char *expected)
{
	char text[PULL_SUMMARY_MAX];

	pull_progress_print(p, text);
	assert_string_equal(text, expected);
}

static void layers_are_counted_as_they_come(void **state)
{
	struct pull_progress p = {0};

	(void)state;
	expect(&p, "0 of 0 layers, 0 of 0 MB");
	assert_true(take(&p, "{\"status\":\"Already exists\",\"id\":\"a\"}"));
	assert_true(take(&p, "{\"status\":\"Pulling fs layer\",\"id\":\"b\"}"));
	assert_true(take(&p, "{\"status\":\"Waiting\",\"id\":\"c\",\"progressDetail\":{}}"));
	expect(&p, "1 of 3 layers, 0 of 0 MB");
	assert_true(take(&p, "{\"status\":\"Downloading\",\"id\":\"b\","
			     "\"progressDetail\":{\"current\":12000000,\"total\":40000000}}"));
	expect(&p, "1 of 3 layers, 12 of 40 MB");
	assert_true(take(&p, "{\"status\":\"Download complete\",\"id\":\"b\"}"));
	expect(&p, "1 of 3 layers, 40 of 40 MB");
	/* These figures count bytes of the unpacked layer. */
	assert_true(take(&p, "{\"status\":\"Extracting\",\"id\":\"b\","
			     "\"progressDetail\":{\"current\":1,\"total\":90000000}}"));
	assert_true(take(&p, "{\"status\":\"Pull complete\",\"id\":\"b\"}"));
	assert_true(take(&p, "{\"status\":\"Pull complete\",\"id\":\"c\"}"));
	expect(&p, "3 of 3 layers, 40 of 40 MB");
}

static void waiting_for_a_turn_is_told_from_hanging(void **state)
{
	struct pull_progress p = {0};

	(void)state;
	assert_false(pull_progress_is_waiting(&p));
	assert_true(take(&p, "{\"status\":\"Pulling fs layer\",\"id\":\"a\"}"));
	assert_false(pull_progress_is_waiting(&p));
	assert_true(take(&p, "{\"status\":\"Waiting\",\"id\":\"b\"}"));
	assert_false(pull_progress_is_waiting(&p));
	assert_true(take(&p, "{\"status\":\"Downloading\",\"id\":\"a\"}"));
	assert_false(pull_progress_is_waiting(&p));
	assert_true(take(&p, "{\"status\":\"Download complete\",\"id\":\"a\"}"));
	assert_true(pull_progress_is_waiting(&p));
	assert_true(take(&p, "{\"status\":\"Pull complete\",\"id\":\"a\"}"));
	assert_true(pull_progress_is_waiting(&p));
	assert_true(take(&p, "{\"status\":\"Downloading\",\"id\":\"b\"}"));
	assert_false(pull_progress_is_waiting(&p));
	assert_true(take(&p, "{\"status\":\"Pull complete\",\"id\":\"b\"}"));
	assert_false(pull_progress_is_waiting(&p));
}

static void other_lines_are_not_about_layers(void **state)
{
	static const char *const lines[] = {"{}", "[]", "7",
		"{\"status\":\"Pulling from library/x\",\"id\":\"latest\"}",
		"{\"status\":\"Downloading\"}", "{\"status\":\"Downloading\",\"id\":\"\"}",
		"{\"status\":\"Digest: sha256:1\"}", "{\"id\":\"a\"}", "{\"stream\":\"x\"}"};
	struct pull_progress p = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		assert_false(take(&p, lines[i]));
	assert_false(pull_progress_take(&p, NULL));
	expect(&p, "0 of 0 layers, 0 of 0 MB");
}

static void liars_do_no_harm(void **state)
{
	struct pull_progress p = {0};
	char line[128];

	(void)state;
	for (int i = 0; i < PULL_LAYERS_MAX; i++) {
		(void)snprintf(line, sizeof(line), "{\"status\":\"Waiting\",\"id\":\"%d\"}", i);
		assert_true(take(&p, line));
	}
	assert_false(take(&p, "{\"status\":\"Waiting\",\"id\":\"one more\"}"));
	assert_true(take(&p, "{\"status\":\"Waiting\",\"id\":\"0\"}"));
	for (int i = 0; i < 2; i++) {
		(void)snprintf(line, sizeof(line),
			"{\"status\":\"Downloading\",\"id\":\"%d\",\"progressDetail\":"
			"{\"current\":-5,\"total\":9223372036854775807}}",
			i);
		assert_true(take(&p, line));
	}
	expect(&p, "0 of 128 layers, 0 of 9223372036854 MB");
}

static void long_ids_are_told_apart_by_their_beginning(void **state)
{
	struct pull_progress p = {0};

	(void)state;
	assert_true(take(&p, "{\"status\":\"Waiting\",\"id\":\"0123456789abcdef0\"}"));
	assert_true(take(&p, "{\"status\":\"Waiting\",\"id\":\"0123456789abcdef1\"}"));
	expect(&p, "0 of 1 layers, 0 of 0 MB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layers_are_counted_as_they_come),
		cmocka_unit_test(waiting_for_a_turn_is_told_from_hanging),
		cmocka_unit_test(other_lines_are_not_about_layers),
		cmocka_unit_test(liars_do_no_harm),
		cmocka_unit_test(long_ids_are_told_apart_by_their_beginning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
