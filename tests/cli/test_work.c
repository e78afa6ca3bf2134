/* SPDX-License-Identifier: MIT */
/*
 * tests/cli/test_work.c - `run`, `agent`, `ps`, `rerun` and `follow-up`, and what other commands
 * say of background work, with a daemon that says what the test wants.
 */
#include "cli/server.h"

#define RUN_1   "11111111-1111-4111-8111-111111111111"
#define TAKEN   "{\"accepted\":true,\"runId\":\"" RUN_1 "\",\"job_id\":\"" RUN_1 "\"}"
#define START   "POST /api/executions "
#define ONE     "GET /api/jobs/" RUN_1 " "
#define LOG     "GET /api/jobs/" RUN_1 "/log?follow=1 "
#define STARTED "\"started_at\":\"2026-01-01T00:00:00.000Z\""

struct bench {
	struct home *home;
	struct server daemon;
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
	free(b);
	return home_teardown(&home);
}

static void start(struct bench *b, const struct rule *rules, size_t count)
{
	CLEANUP(freep) char *path = xasprintf("%s/daemon/socket", b->home->home);

	server_start(&b->daemon, path, rules, count);
}

static void expect_asked(const struct bench *b, const char *part)
{
	CLEANUP(freep) char *log = server_log(&b->daemon);

	expect_part(log, part);
}

static void expect_not_asked(const struct bench *b, const char *part)
{
	CLEANUP(freep) char *log = server_log(&b->daemon);

	expect_no_part(log, part);
}

static const struct rule takes_it = {.request = START, .status = 202, .body = TAKEN};

/* --- run --- */

static void run_sends_the_command_word_by_word(void **state)
{
	struct bench *b = *state;

	start(b, &takes_it, 1);
	RUN(b->home, "run", "--", "sh", "-c", "a  \"b\"", "--json", "--");
	assert_int_equal(b->home->status, EXIT_OK);
	assert_string_equal(b->home->out, RUN_1 "\n");
	expect_part(b->home->err, "pylon logs -f 11111111");
	expect_asked(b, "\"argv\":[\"sh\",\"-c\",\"a  \\\"b\\\"\",\"--json\",\"--\"]");
	expect_not_asked(b, "timeoutSeconds");
	expect_not_asked(b, "nice");
	expect_not_asked(b, "taskSlug");
	RUN(b->home, "--json", "run", "--", "x");
	assert_string_equal(b->home->out, TAKEN "\n");
}

static void run_works_where_the_caller_is(void **state)
{
	struct bench *b = *state;
	CLEANUP(freep) char *cwd = realpath(".", NULL);
	CLEANUP(freep) char *here = xasprintf("\"cwd\":\"%s\"", cwd);
	CLEANUP(freep) char *home = realpath(b->home->dir, NULL);
	CLEANUP(freep) char *there = xasprintf("\"cwd\":\"%s\"", home);
	CLEANUP(freep) char *file = xasprintf("%s/err", b->home->dir);

	start(b, &takes_it, 1);
	RUN(b->home, "run", "--", "x");
	expect_asked(b, here);
	RUN(b->home, "run", "--cwd", b->home->dir, "--", "x");
	assert_int_equal(b->home->status, EXIT_OK);
	expect_asked(b, there);
	RUN(b->home, "run", "--cwd", "/nonexistent", "--", "x");
	assert_int_equal(b->home->status, EXIT_FAILED);
	expect_part(b->home->err, "/nonexistent: No such file");
	RUN(b->home, "run", "--cwd", file, "--", "x");
	assert_int_equal(b->home->status, EXIT_FAILED);
}

static void run_hands_on_options(void **state)
{
	struct bench *b = *state;

	start(b, &takes_it, 1);
	RUN(b->home, "run", "--name=build", "--conversation", "c-1", "--timeout", "2m", "--nice",
		"5", "--", "x");
	assert_int_equal(b->home->status, EXIT_OK);
	expect_asked(b, "{\"taskSlug\":\"build\",\"conversation\":\"c-1\",\"timeoutSeconds\":120,"
			"\"nice\":5,\"env\":{");
}

static void timeout_is_whole_seconds_up_to_a_week(void **state)
{
	static const struct {
		const char *text;
		int status;
	} rows[] = {
		{"999ms", EXIT_USAGE},
		{"1s", EXIT_OK},
		{"1.5s", EXIT_USAGE},
		{"604799s", EXIT_OK},
		{"7d", EXIT_OK},
		{"604801s", EXIT_USAGE},
		{"10", EXIT_USAGE},
		{"", EXIT_USAGE},
		{"-1s", EXIT_USAGE},
	};
	struct bench *b = *state;

	start(b, &takes_it, 1);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(freep) char *option = xasprintf("--timeout=%s", rows[i].text);

		RUN(b->home, "run", option, "--", "x");
		if (b->home->status != rows[i].status)
			fail_msg("%s: %d", rows[i].text, b->home->status);
	}
}

static void nice_is_0_to_19(void **state)
{
	static const struct {
		const char *option;
		int status;
	} rows[] = {
		{"--nice=0", EXIT_OK},
		{"--nice=19", EXIT_OK},
		{"--nice=20", EXIT_USAGE},
		{"--nice=-1", EXIT_USAGE},
		{"--nice=", EXIT_USAGE},
	};
	struct bench *b = *state;

	start(b, &takes_it, 1);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		RUN(b->home, "run", rows[i].option, "--", "x");
		assert_int_equal(b->home->status, rows[i].status);
	}
}

static void run_takes_along_what_finds_programs_and_what_is_named(void **state)
{
	struct bench *b = *state;

	start(b, &takes_it, 1);
	(void)setenv("LC_TIME", "C.UTF-8", 1);
	(void)setenv("LANG", "\xff", 1);
	(void)setenv("PYLON_TEST_SECRET", "hush", 1);
	(void)setenv("PYLON_TEST_NAMED", "a=b", 1);
	RUN(b->home, "run", "--env", "PYLON_TEST_NAMED", "--env=OTHER=x=y", "--env", "EMPTY=", "--",
		"x");
	assert_int_equal(b->home->status, EXIT_OK);
	expect_asked(b, "\"PATH\":\"");
	expect_asked(b, "\"LC_TIME\":\"C.UTF-8\"");
	expect_asked(b, "\"PYLON_TEST_NAMED\":\"a=b\",\"OTHER\":\"x=y\",\"EMPTY\":\"\"}");
	expect_not_asked(b, "hush");
	expect_not_asked(b, "\"LANG\"");
	(void)unsetenv("LANG");
}

static void what_cannot_be_sent_is_refused_here(void **state)
{
	struct bench *b = *state;

	start(b, &takes_it, 1);
	(void)setenv("PYLON_TEST_BYTES", "\xff", 1);
	(void)unsetenv("PYLON_TEST_NONE");
	RUN(b->home, "run");
	assert_int_equal(b->home->status, EXIT_USAGE);
	RUN(b->home, "run", "--");
	assert_int_equal(b->home->status, EXIT_USAGE);
	RUN(b->home, "run", "--", "");
	assert_int_equal(b->home->status, EXIT_USAGE);
	RUN(b->home, "run", "ls");
	assert_int_equal(b->home->status, EXIT_USAGE);
	expect_part(b->home->err, "behind --");
	RUN(b->home, "run", "--", "ls", "\xff");
	assert_int_equal(b->home->status, EXIT_FAILED);
	RUN(b->home, "run", "--name", "", "--", "x");
	assert_int_equal(b->home->status, EXIT_USAGE);
	RUN(b->home, "run", "--env", "PYLON_TEST_NONE", "--", "x");
	assert_int_equal(b->home->status, EXIT_USAGE);
	RUN(b->home, "run", "--env", "PYLON_TEST_BYTES", "--", "x");
	assert_int_equal(b->home->status, EXIT_FAILED);
	RUN(b->home, "run", "--env", "=x", "--", "x");
	assert_int_equal(b->home->status, EXIT_USAGE);
	RUN(b->home, "run", "--env", "", "--", "x");
	assert_int_equal(b->home->status, EXIT_USAGE);
	expect_not_asked(b, "POST");
}

static void refusals_of_the_daemon_are_told(void **state)
{
	static const struct rule rule = {
		.request = START, .status = 400, .body = "{\"detail\":\"no such thing\"}"};
	struct bench *b = *state;

	start(b, &rule, 1);
	RUN(b->home, "run", "--", "x");
	assert_int_equal(b->home->status, EXIT_FAILED);
	assert_string_equal(b->home->err, "pylon: no such thing\n");
	assert_string_equal(b->home->out, "");
}

/* --- run --wait --- */

static void waits_and_ends_with(struct bench *b, const char *job, int status)
{
	const struct rule rules[] = {
		takes_it,
		{.request = ONE, .status = 200, .body = job},
		{.request = LOG, .status = 200, .body = "what it said\n"},
	};

	start(b, rules, ARRAY_LEN(rules));
	RUN(b->home, "run", "--wait", "--", "x");
	assert_int_equal(b->home->status, status);
	assert_string_equal(b->home->out, "what it said\n");
}

#define JOB(state, more) "{\"id\":\"" RUN_1 "\",\"state\":\"" state "\"," more "}"

static void wait_ends_with_0_when_it_does(void **state)
{
	waits_and_ends_with(*state, JOB("completed", STARTED ",\"exit_code\":0"), 0);
}

static void wait_ends_with_its_exit_status(void **state)
{
	waits_and_ends_with(*state, JOB("failed", STARTED ",\"exit_code\":7"), 7);
}

static void wait_ends_with_124_when_it_took_too_long(void **state)
{
	waits_and_ends_with(*state, JOB("timed_out", STARTED ",\"exit_code\":143"), 124);
}

static void wait_ends_with_128_and_the_signal(void **state)
{
	waits_and_ends_with(*state, JOB("failed", STARTED ",\"exit_code\":139"), 139);
}

static void wait_ends_with_143_when_it_was_cancelled(void **state)
{
	waits_and_ends_with(*state, JOB("cancelled", STARTED ",\"exit_code\":null"), 143);
}

static void wait_ends_with_125_when_it_never_began(void **state)
{
	waits_and_ends_with(*state, JOB("failed", "\"exit_code\":null"), 125);
}

static void wait_ends_with_125_when_there_is_no_such_program(void **state)
{
	waits_and_ends_with(*state,
		JOB("failed", STARTED ",\"exit_code\":127,\"reason\":\"never_started\""), 125);
}

static void wait_does_not_show_the_end_of_the_log_twice(void **state)
{
	struct bench *b = *state;

	waits_and_ends_with(b,
		JOB("failed", STARTED ",\"exit_code\":1,\"error\":\"it ended\\nwhat it said\""), 1);
	expect_part(b->home->err, "failed: it ended\n");
	expect_no_part(b->home->err, "what it said");
}

static void quiet_leaves_only_what_the_work_prints(void **state)
{
	static const struct rule rules[] = {
		takes_it,
		{.request = ONE, .status = 200, .body = JOB("completed", STARTED)},
		{.request = LOG, .status = 200, .body = "data\n"},
	};
	struct bench *b = *state;

	start(b, rules, ARRAY_LEN(rules));
	RUN(b->home, "--quiet", "run", "--wait", "--", "x");
	assert_string_equal(b->home->out, "data\n");
	assert_string_equal(b->home->err, "");
}

/* --- agent --- */

static void agent_joins_its_words(void **state)
{
	struct bench *b = *state;

	start(b, &takes_it, 1);
	RUN(b->home, "agent", "--model", "m-1", "fix", "the \"bug\"");
	assert_int_equal(b->home->status, EXIT_OK);
	assert_string_equal(b->home->out, RUN_1 "\n");
	expect_asked(b, "\"agent\":{\"prompt\":\"fix the \\\"bug\\\"\",\"model\":\"m-1\"}");
	expect_not_asked(b, "argv");
}

static void agent_takes_its_prompt_from_standard_input(void **state)
{
	static const char *const words[] = {"agent", "-", NULL};
	struct bench *b = *state;

	start(b, &takes_it, 1);
	home_run(b->home, "two\nlines\n", words);
	expect_asked(b, "\"agent\":{\"prompt\":\"two\\nlines\\n\"}");
}

static void tools_may_have_commas_in_parentheses(void **state)
{
	struct bench *b = *state;

	start(b, &takes_it, 1);
	RUN(b->home, "agent", "--tools=Read,Bash(git log:*,git diff:*),,Edit", "x");
	expect_asked(b, "\"allowedTools\":[\"Read\",\"Bash(git log:*,git diff:*)\",\"Edit\"]}");
	RUN(b->home, "agent", "--tools=", "x");
	expect_asked(b, "\"allowedTools\":[]}");
}

static void agent_without_a_prompt_is_refused_here(void **state)
{
	struct bench *b = *state;

	start(b, &takes_it, 1);
	RUN(b->home, "agent");
	assert_int_equal(b->home->status, EXIT_USAGE);
	RUN(b->home, "agent", " ");
	assert_int_equal(b->home->status, EXIT_USAGE);
	RUN(b->home, "agent", "-");
	assert_int_equal(b->home->status, EXIT_USAGE);
	expect_not_asked(b, "POST");
}

/* --- ps --- */

#define ROWS                                                                                       \
	"{\"items\":[{\"id\":\"" RUN_1                                                             \
	"\",\"taskSlug\":\"\\u001b[31mbuild\",\"state\":\"running\","                              \
	"\"startedAt\":\"2026-01-01T00:00:00.000Z\",\"endedAt\":null,\"durationMs\":null,"         \
	"\"command\":\"make -j2\",\"prompt\":null},"                                               \
	"{\"id\":\"22222222-1111-4111-8111-111111111111\",\"taskSlug\":null,"                      \
	"\"state\":\"completed\",\"startedAt\":\"2026-01-01T00:00:00.000Z\","                      \
	"\"endedAt\":\"2026-01-01T00:01:30.000Z\",\"durationMs\":90000,"                           \
	"\"command\":null,\"prompt\":\"look\\nhere\"}],\"next\":\"17\"}"

static void ps_shows_a_row_for_each(void **state)
{
	static const struct rule rule = {
		.request = "GET /api/executions?limit=50 ", .status = 200, .body = ROWS};
	struct bench *b = *state;

	start(b, &rule, 1);
	RUN(b->home, "ps", "--all");
	assert_int_equal(b->home->status, EXIT_OK);
	expect_part(b->home->out,
		"ID       NAME             STATE       STARTED        DURATION  COMMAND\n"
		"11111111 build            running     ");
	expect_part(b->home->out, "make -j2\n22222222 -                completed   ");
	expect_part(b->home->out, "1m30s     agent: look here\n");
	expect_no_part(b->home->out, "--  ");
	expect_part(b->home->err, "pylon ps --all --before 17");
}

static void ps_asks_for_what_goes_on_unless_told_otherwise(void **state)
{
	static const struct rule rule = {.request = "GET /api/executions",
		.status = 200,
		.body = "{\"items\":[],\"next\":null}"};
	struct bench *b = *state;

	start(b, &rule, 1);
	RUN(b->home, "ps");
	expect_asked(b, "?limit=50&state=active ");
	expect_part(b->home->out, "No background work");
	RUN(b->home, "ps", "-a", "--limit=3", "--before", "9");
	expect_asked(b, "?limit=3&before=9 ");
	RUN(b->home, "ps", "--json");
	assert_string_equal(b->home->out, "{\"items\":[],\"next\":null}\n");
	RUN(b->home, "ps", "--limit=501");
	assert_int_equal(b->home->status, EXIT_USAGE);
	RUN(b->home, "ps", "x");
	assert_int_equal(b->home->status, EXIT_USAGE);
}

/* --- rerun and follow-up --- */

static void rerun_and_follow_up_print_the_new_id(void **state)
{
	static const struct rule rule = {
		.request = "POST /api/executions/2222/", .status = 202, .body = TAKEN};
	struct bench *b = *state;

	start(b, &rule, 1);
	RUN(b->home, "rerun", "2222");
	assert_string_equal(b->home->out, RUN_1 "\n");
	expect_asked(b, "POST /api/executions/2222/rerun HTTP/1.1 {}");
	RUN(b->home, "follow-up", "2222");
	assert_string_equal(b->home->out, RUN_1 "\n");
	expect_asked(b, "POST /api/executions/2222/follow-up HTTP/1.1 {}");
	RUN(b->home, "follow-up", "2222", "now \"this\"");
	expect_asked(b, "{\"prompt\":\"now \\\"this\\\"\"}");
}

static void rerun_and_follow_up_need_an_id(void **state)
{
	struct bench *b = *state;

	RUN(b->home, "rerun");
	assert_int_equal(b->home->status, EXIT_USAGE);
	RUN(b->home, "rerun", "22");
	assert_int_equal(b->home->status, EXIT_USAGE);
	RUN(b->home, "follow-up");
	assert_int_equal(b->home->status, EXIT_USAGE);
	RUN(b->home, "follow-up", "2222", "a", "b");
	assert_int_equal(b->home->status, EXIT_USAGE);
	expect_part(b->home->err, "in quotes");
	RUN(b->home, "follow-up", "2222", "");
	assert_int_equal(b->home->status, EXIT_USAGE);
}

/* --- show --- */

static void show_tells_command_and_folder_instead_of_a_pylon(void **state)
{
	static const struct rule rules[] = {
		{.request = "GET /api/jobs/1111 ",
			.status = 200,
			.body = "{\"id\":\"" RUN_1 "\",\"pylon\":null,\"state\":\"running\","
				"\"taskSlug\":\"build\",\"command\":\"make -j2\",\"cwd\":\"/w\","
				"\"logPath\":\"/l\",\"runs\":[]}"},
		{.request = "GET /api/jobs/", .status = 200, .body = "{}"},
	};
	struct bench *b = *state;

	start(b, rules, ARRAY_LEN(rules));
	RUN(b->home, "show", "1111");
	expect_part(b->home->out, "Job " RUN_1 ": running\n");
	expect_part(b->home->out, "  name         build\n");
	expect_part(b->home->out, "  command      make -j2\n");
	expect_part(b->home->out, "  cwd          /w\n");
	expect_part(b->home->out, "  log          /l\n");
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(run_sends_the_command_word_by_word),
		ROW(run_works_where_the_caller_is),
		ROW(run_hands_on_options),
		ROW(timeout_is_whole_seconds_up_to_a_week),
		ROW(nice_is_0_to_19),
		ROW(run_takes_along_what_finds_programs_and_what_is_named),
		ROW(what_cannot_be_sent_is_refused_here),
		ROW(refusals_of_the_daemon_are_told),
		ROW(wait_ends_with_0_when_it_does),
		ROW(wait_ends_with_its_exit_status),
		ROW(wait_ends_with_124_when_it_took_too_long),
		ROW(wait_ends_with_128_and_the_signal),
		ROW(wait_ends_with_143_when_it_was_cancelled),
		ROW(wait_ends_with_125_when_it_never_began),
		ROW(wait_ends_with_125_when_there_is_no_such_program),
		ROW(wait_does_not_show_the_end_of_the_log_twice),
		ROW(quiet_leaves_only_what_the_work_prints),
		ROW(agent_joins_its_words),
		ROW(agent_takes_its_prompt_from_standard_input),
		ROW(tools_may_have_commas_in_parentheses),
		ROW(agent_without_a_prompt_is_refused_here),
		ROW(ps_shows_a_row_for_each),
		ROW(ps_asks_for_what_goes_on_unless_told_otherwise),
		ROW(rerun_and_follow_up_print_the_new_id),
		ROW(rerun_and_follow_up_need_an_id),
		ROW(show_tells_command_and_folder_instead_of_a_pylon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
