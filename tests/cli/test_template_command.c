/* SPDX-License-Identifier: MIT */
/*
 * tests/cli/test_template_command.c - `pylon template render`: what goes to stdout and stderr, and
 * the exit status.
 */
#include <fcntl.h>

#include "cli/commands-internal.h"
#include "lib/scratch.h"
#include "lib/t.h"

struct shot {
	int status;
	char *out, *err;
};

static void shot_fini(struct shot *s)
{
	free(s->out);
	free(s->err);
}

static int redirect(const char *path, int fd)
{
	int kept = dup(fd), file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(kept >= 0 && file >= 0 && dup2(file, fd) == fd);
	(void)close(file);
	return kept;
}

static void restore(int kept, int fd)
{
	assert_int_equal(dup2(kept, fd), fd);
	(void)close(kept);
}

/* The words behind `pylon`, NULL-terminated. */
static struct shot run(struct scratch *s, const char *const *words)
{
	CLEANUP(strv_fini) struct strv words_kept = STRV_NULL;
	char *argv[16]; /* the command line's to shuffle */
	struct shot shot = {.status = EXIT_OK};
	struct cli c;
	char **left;
	int argc, left_n, out, err;

	strv_add(&words_kept, "pylon");
	for (size_t i = 0; words[i] != NULL; i++)
		strv_add(&words_kept, words[i]);
	argc = (int)words_kept.n;
	assert_true(words_kept.n < ARRAY_LEN(argv));
	memcpy(argv, words_kept.v, (words_kept.n + 1) * sizeof(*argv));
	(void)fflush(NULL);
	out = redirect(scratch_path(s, "out"), STDOUT_FILENO);
	err = redirect(scratch_path(s, "err"), STDERR_FILENO);
	shot.status = cli_parse(&c, argc, argv, &left_n, &left);
	if (shot.status == EXIT_OK)
		shot.status = cli_run(&c, left_n, left);
	cli_fini(&c);
	(void)fflush(NULL);
	restore(out, STDOUT_FILENO);
	restore(err, STDERR_FILENO);
	shot.out = scratch_read(scratch_path(s, "out"));
	shot.err = scratch_read(scratch_path(s, "err"));
	return shot;
}

#define RUN(s, ...) run((s), (const char *const[]){"template", __VA_ARGS__, NULL})

static void text_is_printed_exactly(void **state)
{
	const char *body = scratch_file(*state, "body", "{\"a\":\"x\\ny\",\"n\":1.10}");
	CLEANUP(shot_fini) struct shot with = {.status = -1};
	CLEANUP(shot_fini) struct shot without = {.status = -1};

	with = RUN(*state, "render", "--body", body, "{{ .body.a }}-{{ .body.n }}");
	assert_int_equal(with.status, EXIT_OK);
	assert_string_equal(with.out, "x\ny-1.10");
	assert_string_equal(with.err, "");
	without = RUN(*state, "render", "{{ .body }} {{ .body.a }}\n");
	assert_int_equal(without.status, EXIT_OK);
	assert_string_equal(without.out, "{} <no value>\n");
}

static void headers_and_query_are_there_when_given(void **state)
{
	const char *headers = scratch_file(*state, "headers", "{\"X-GitHub-Event\":\"push\"}");
	CLEANUP(shot_fini) struct shot shot = {.status = -1};

	shot = RUN(*state, "render", "--headers", headers, "--query", "a=b+c",
		"{{ .headers.x-github-event }} {{ .query.a }}");
	assert_int_equal(shot.status, EXIT_OK);
	assert_string_equal(shot.out, "push b c");
}

static void json_output_has_the_text(void **state)
{
	CLEANUP(shot_fini) struct shot shot = {.status = -1};

	shot = RUN(*state, "render", "--json", "a{{ 1 }}\n");
	assert_int_equal(shot.status, EXIT_OK);
	assert_string_equal(shot.out, "{\"text\":\"a1\\n\"}\n");
}

static void wrong_template_is_shown_with_a_mark(void **state)
{
	CLEANUP(shot_fini) struct shot shot = {.status = -1};
	CLEANUP(shot_fini) struct shot tab = {.status = -1};
	CLEANUP(shot_fini) struct shot wide = {.status = -1};

	shot = RUN(*state, "render", "one\n\xc3\xa9 {{ uper .body.a }} x\nthree");
	assert_int_equal(shot.status, EXIT_FAILED);
	assert_string_equal(shot.out, "");
	assert_string_equal(shot.err, "pylon: 2:6: unknown function `uper`; did you mean `upper`?\n"
				      "\xc3\xa9 {{ uper .body.a }} x\n"
				      "     ^\n");
	tab = RUN(*state, "render", "\t{{ x }}");
	assert_string_equal(tab.err, "pylon: 1:5: unknown function `x`\n\t{{ x }}\n\t   ^\n");
	wide = RUN(*state, "render",
		"0123456789012345678901234567890123456789012345678901234567890123456789{{ x }}"
		"0123456789012345678901234567890123456789");
	assert_string_equal(wide.err,
		"pylon: 1:74: unknown function `x`\n"
		"345678901234567890123456789012345678901234567890123456789{{ x }}"
		"012345678901234567890123456789012345\n"
		"                                                            ^\n");
}

static void body_must_be_a_json_object(void **state)
{
	static const char *const bad[] = {"[1]", "5", "{\"a\":", "", "{\"a\":1,\"a\":2}"};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const char *body = scratch_file(*state, "bad", bad[i]);
		CLEANUP(shot_fini) struct shot shot = {.status = -1};

		shot = RUN(*state, "render", "--body", body, "x");
		assert_int_equal(shot.status, EXIT_FAILED);
		assert_string_equal(shot.out, "");
		assert_non_null(strstr(shot.err, " is no JSON"));
	}
}

static void null_counts_as_an_empty_object(void **state)
{
	const char *body = scratch_file(*state, "body", " null\n");
	CLEANUP(shot_fini) struct shot shot = {.status = -1};

	shot = RUN(*state, "render", "--body", body, "{{ .body }}{{ .body.a }}");
	assert_int_equal(shot.status, EXIT_OK);
	assert_string_equal(shot.out, "{}<no value>");
}

static void what_cannot_be_read_fails(void **state)
{
	const char *list = scratch_file(*state, "list", "[]");
	CLEANUP(shot_fini) struct shot absent = {.status = -1};
	CLEANUP(shot_fini) struct shot headers = {.status = -1};

	absent = RUN(*state, "render", "--body", "/nowhere/body", "x");
	assert_int_equal(absent.status, EXIT_FAILED);
	headers = RUN(*state, "render", "--headers", list, "x");
	assert_int_equal(headers.status, EXIT_FAILED);
	assert_non_null(strstr(headers.err, "is no JSON object"));
}

static void too_long_a_text_is_cut_and_fails(void **state)
{
	CLEANUP(shot_fini) struct shot shot = {.status = -1};

	shot = RUN(*state, "render", "{{ range 1000 }}{{ printf \"%1000d\" . }}{{ end }}");
	assert_int_equal(shot.status, EXIT_FAILED);
	assert_int_equal(strlen(shot.out), 262144);
	assert_non_null(strstr(shot.err, "cut at 262144 bytes"));
}

static void words_that_do_not_fit_are_usage_errors(void **state)
{
	static const char *const wrong[][5] = {{"template"}, {"template", "show", "x"},
		{"template", "render"}, {"template", "render", "a", "b"},
		{"template", "render", "--bdy", "x"}};
	CLEANUP(shot_fini) struct shot both = {.status = -1};

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		CLEANUP(shot_fini) struct shot shot = run(*state, wrong[i]);

		assert_int_equal(shot.status, EXIT_USAGE);
	}
	both = RUN(*state, "render", "--body", "-", "--headers", "-", "x");
	assert_int_equal(both.status, EXIT_USAGE);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)
	const struct CMUnitTest tests[] = {
		TEST(text_is_printed_exactly),
		TEST(headers_and_query_are_there_when_given),
		TEST(json_output_has_the_text),
		TEST(wrong_template_is_shown_with_a_mark),
		TEST(body_must_be_a_json_object),
		TEST(null_counts_as_an_empty_object),
		TEST(what_cannot_be_read_fails),
		TEST(too_long_a_text_is_cut_and_fails),
		TEST(words_that_do_not_fit_are_usage_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
