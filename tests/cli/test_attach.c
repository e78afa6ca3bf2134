/* SPDX-License-Identifier: MIT */
/*
 * tests/cli/test_attach.c - `pylon attach` between a daemon and a container engine that say what
 * the test wants.
 */
#include <sys/stat.h>

#include "cli/server.h"

#define JOB "11111111-1111-4111-8111-111111111111"
#define ASK "GET /api/jobs/1111/attach"
#define MADE                                                                                       \
	{                                                                                          \
		.request = "POST /v1.41/containers/c1/exec ", .status = 201,                       \
		.body = "{\"Id\":\"e1\"}"                                                          \
	}
#define KNOWN                                                                                      \
	{                                                                                          \
		.request = "GET /version ", .status = 200, .body = "{\"ApiVersion\":\"1.41\"}"     \
	}
#define SWITCHING "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
#define SAYS(text)                                                                                 \
	{                                                                                          \
		.request = "POST /v1.41/exec/e1/start ", .raw = SWITCHING text,                    \
		.raw_n = sizeof(SWITCHING text) - 1                                                \
	}
#define ENDED(json)                                                                                \
	{                                                                                          \
		.request = "GET /v1.41/exec/e1/json ", .status = 200, .body = json                 \
	}

struct bench {
	struct home *home;
	struct server daemon, engine;
	char *place; /* the daemon's answer */
};

static int setup(void **state)
{
	struct bench *b = xcalloc(1, sizeof(*b));
	void *home = NULL;

	if (home_setup(&home) != 0)
		return -1;
	b->home = home;
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	void *home = b->home;

	server_stop(&b->daemon);
	server_stop(&b->engine);
	free(b->place);
	free(b);
	return home_teardown(&home);
}

static char *engine_path(const struct bench *b)
{
	return xasprintf("%s/engine", b->home->dir);
}

static void start_daemon(struct bench *b, const struct rule *rule)
{
	CLEANUP(freep) char *path = xasprintf("%s/daemon/socket", b->home->home);

	server_start(&b->daemon, path, rule, 1);
}

/* A daemon that names the container `container` of the engine there. */
static void start_naming_daemon(struct bench *b, const char *container)
{
	CLEANUP(freep) char *path = engine_path(b);
	struct rule rule = {.request = ASK, .status = 200};

	b->place = xasprintf(
		"{\"job_id\":\"%s\",\"socket\":\"%s\",\"container\":\"%s\"}", JOB, path, container);
	rule.body = b->place;
	start_daemon(b, &rule);
}

static void start_engine(struct bench *b, const struct rule *rules, size_t count)
{
	CLEANUP(freep) char *path = engine_path(b);

	start_naming_daemon(b, "c1");
	server_start(&b->engine, path, rules, count);
}

static void expect_status(const struct home *h, int status)
{
	if (h->status != status)
		fail_msg("%d instead of %d: %s", h->status, status, h->err);
}

static void expect_asked(const struct server *s, const char *part)
{
	CLEANUP(freep) char *log = server_log(s);

	expect_part(log, part);
}

static void output_and_status_of_a_command_are_its_own(void **state)
{
	static const struct rule rules[] = {KNOWN, MADE,
		SAYS("\1\0\0\0\0\0\0\4out\n"
		     "\2\0\0\0\0\0\0\4err\n"),
		ENDED("{\"Running\":false,\"ExitCode\":7,\"Pid\":99}")};
	struct bench *b = *state;

	start_engine(b, rules, ARRAY_LEN(rules));
	/* A global option leaves a gap in the words, and one behind -- is the command's. */
	RUN(b->home, "--quiet", "attach", "1111", "--", "ls", "--json", "a b");
	expect_status(b->home, 7);
	assert_string_equal(b->home->out, "out\n");
	assert_string_equal(b->home->err, "err\n");
	expect_asked(&b->engine, "\"Cmd\":[\"ls\",\"--json\",\"a b\"]");
	expect_asked(&b->engine, "\"Tty\":false");
	expect_asked(&b->engine, "{\"Detach\":false,\"Tty\":false}");
}

static void without_a_command_it_is_a_shell(void **state)
{
	static const struct rule rules[] = {
		KNOWN, MADE, SAYS(""), ENDED("{\"Running\":false,\"ExitCode\":0,\"Pid\":99}")};
	struct bench *b = *state;

	start_engine(b, rules, ARRAY_LEN(rules));
	RUN(b->home, "attach", "1111");
	expect_status(b->home, 0);
	expect_asked(&b->engine, "\"Cmd\":[\"/bin/sh\",\"-c\",");
}

static void the_engine_is_asked_until_it_knows_the_status(void **state)
{
	static const struct rule rules[] = {KNOWN, MADE, SAYS(""),
		{.request = "GET /v1.41/exec/e1/json ",
			.status = 200,
			.body = "{\"Running\":true,\"ExitCode\":null,\"Pid\":99}",
			.times = 2},
		ENDED("{\"Running\":false,\"ExitCode\":137,\"Pid\":99}")};
	struct bench *b = *state;

	start_engine(b, rules, ARRAY_LEN(rules));
	RUN(b->home, "attach", "1111", "--", "true");
	expect_status(b->home, 137);
}

static void a_container_without_a_shell_is_told(void **state)
{
	static const struct rule rules[] = {KNOWN, MADE, SAYS("\1\0\0\0\0\0\0\7no sh\r\n"),
		ENDED("{\"Running\":false,\"ExitCode\":126,\"Pid\":0}")};
	struct bench *b = *state;

	start_engine(b, rules, ARRAY_LEN(rules));
	RUN(b->home, "attach", "1111");
	expect_status(b->home, 126);
	expect_part(b->home->err, "there is no shell (/bin/sh) in this container");
	/* A program that was named is not called a shell. */
	RUN(b->home, "attach", "1111", "--", "/no");
	expect_status(b->home, 126);
	assert_string_equal(b->home->err, "");
}

/* A shell whose last command was not found ends with 127 as well. */
static void a_shell_that_lived_is_not_missing(void **state)
{
	static const struct rule rules[] = {
		KNOWN, MADE, SAYS(""), ENDED("{\"Running\":false,\"ExitCode\":127,\"Pid\":99}")};
	struct bench *b = *state;

	start_engine(b, rules, ARRAY_LEN(rules));
	RUN(b->home, "attach", "1111");
	expect_status(b->home, 127);
	expect_no_part(b->home->err, "no shell");
}

static void a_container_that_vanishes_is_told(void **state)
{
	static const struct rule rules[] = {KNOWN, MADE, SAYS(""),
		{.request = "GET /v1.41/exec/e1/json ", .status = 404, .body = "{}"}};
	struct bench *b = *state;

	start_engine(b, rules, ARRAY_LEN(rules));
	RUN(b->home, "attach", "1111");
	expect_status(b->home, EXIT_FAILED);
	expect_part(b->home->err, "the job's container is gone");
}

static void a_broken_stream_is_a_failure(void **state)
{
	static const struct rule rules[] = {KNOWN, MADE, SAYS("\1\0\0\0\0\0\0\7no")};
	struct bench *b = *state;

	start_engine(b, rules, ARRAY_LEN(rules));
	RUN(b->home, "attach", "1111");
	expect_status(b->home, EXIT_FAILED);
	expect_part(b->home->err, "the connection to the container engine broke");
}

static void a_job_that_does_not_run_has_no_shell(void **state)
{
	static const struct rule rule = {.request = ASK,
		.status = 409,
		.body = "{\"code\":\"conflict\",\"detail\":\"the job is completed\"}"};
	struct bench *b = *state;

	start_daemon(b, &rule);
	RUN(b->home, "attach", "1111");
	expect_status(b->home, EXIT_FAILED);
	expect_part(b->home->err, "the job is completed");
}

static void a_container_that_has_just_ended_is_told(void **state)
{
	static const struct rule rows[] = {
		{.request = "POST /v1.41/containers/c1/exec ",
			.status = 404,
			.body = "{\"message\":\"No such container: c1\"}",
			.times = 1},
		{.request = "POST /v1.41/containers/c1/exec ",
			.status = 409,
			.body = "{\"message\":\"Container c1 is not running\"}"},
		KNOWN,
	};
	struct bench *b = *state;

	start_engine(b, rows, ARRAY_LEN(rows));
	for (int i = 0; i < 2; i++) {
		RUN(b->home, "attach", "1111");
		expect_status(b->home, EXIT_NOT_STARTED);
		expect_part(b->home->err, "not running any more");
	}
}

static void refusals_of_the_engine_are_shown_harmless(void **state)
{
	static const struct rule rules[] = {
		KNOWN, {.request = "POST /v1.41/containers/c1/exec ",
			       .status = 500,
			       .body = "{\"message\":\"\\u001b[31mno\"}"}};
	struct bench *b = *state;

	start_engine(b, rules, ARRAY_LEN(rules));
	RUN(b->home, "attach", "1111");
	expect_status(b->home, EXIT_NOT_STARTED);
	assert_string_equal(b->home->err, "pylon: the container engine refused it with 500: no\n");
}

static void something_else_than_an_engine_is_told(void **state)
{
	static const struct rule rules[] = {
		{.request = "GET /version ", .status = 200, .body = "{\"ApiVersion\":\"../1\"}"}};
	struct bench *b = *state;

	start_engine(b, rules, ARRAY_LEN(rules));
	RUN(b->home, "attach", "1111");
	expect_status(b->home, EXIT_NOT_STARTED);
	expect_part(b->home->err, "is no container engine");
}

static void an_engine_that_is_away_is_named(void **state)
{
	struct bench *b = *state;
	CLEANUP(freep) char *path = engine_path(b);

	start_naming_daemon(b, "c1");
	RUN(b->home, "attach", "1111");
	expect_status(b->home, EXIT_NOT_STARTED);
	expect_part(b->home->err, "no container engine answers at ");
	expect_part(b->home->err, path);
}

/* Root may use every socket, so it is somebody else who tries. */
static void an_engine_of_others_is_named_with_the_way_out(void **state)
{
	static const uid_t nobody = 65534;
	struct bench *b = *state;
	CLEANUP(freep) char *path = engine_path(b);
	CLEANUP(freep) char *socket = NULL;

	start_engine(b, NULL, 0);
	socket = xasprintf("--socket=%s", b->daemon.path);
	if (geteuid() == 0) {
		CLEANUP(freep) char *folder = xasprintf("%s/daemon", b->home->home);

		assert_int_equal(chmod(b->home->dir, 0777), 0);
		assert_int_equal(chmod(b->home->home, 0777), 0);
		assert_int_equal(chmod(folder, 0777), 0);
		assert_int_equal(chmod(b->daemon.path, 0777), 0);
		assert_int_equal(chmod(path, 0700), 0);
		assert_int_equal(seteuid(nobody), 0);
	} else {
		assert_int_equal(chmod(path, 0), 0);
	}
	RUN(b->home, socket, "attach", "1111");
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	expect_status(b->home, EXIT_NOT_STARTED);
	expect_part(b->home->err, path);
	expect_part(b->home->err, "\"docker\"");
}

static void names_that_would_leave_their_place_are_refused(void **state)
{
	struct bench *b = *state;

	start_naming_daemon(b, "c1/../c2");
	RUN(b->home, "attach", "1111");
	expect_status(b->home, EXIT_FAILED);
	expect_part(b->home->err, "names no container");
}

static void wrong_words_are_explained(void **state)
{
	struct bench *b = *state;

	RUN(b->home, "attach");
	expect_status(b->home, EXIT_USAGE);
	expect_part(b->home->err, "Use: pylon attach <id> [-- COMMAND...]");
	RUN(b->home, "attach", "1111", "ls");
	expect_status(b->home, EXIT_USAGE);
	expect_part(b->home->err, "a command stands behind --");
	RUN(b->home, "attach", "11", "--", "ls");
	expect_status(b->home, EXIT_USAGE);
	expect_part(b->home->err, "is no job id");
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(output_and_status_of_a_command_are_its_own),
		ROW(without_a_command_it_is_a_shell),
		ROW(the_engine_is_asked_until_it_knows_the_status),
		ROW(a_container_without_a_shell_is_told),
		ROW(a_shell_that_lived_is_not_missing),
		ROW(a_container_that_vanishes_is_told),
		ROW(a_broken_stream_is_a_failure),
		ROW(a_job_that_does_not_run_has_no_shell),
		ROW(a_container_that_has_just_ended_is_told),
		ROW(refusals_of_the_engine_are_shown_harmless),
		ROW(something_else_than_an_engine_is_told),
		ROW(an_engine_that_is_away_is_named),
		ROW(an_engine_of_others_is_named_with_the_way_out),
		ROW(names_that_would_leave_their_place_are_refused),
		ROW(wrong_words_are_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
