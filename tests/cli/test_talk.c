/* SPDX-License-Identifier: MIT */
/*
 * tests/cli/test_talk.c - `reply`, and what `show` and `jobs` tell of a job's conversation, with a
 * daemon that says what the test wants.
 */
#include "base/limits.h"
#include "cli/server.h"

#define JOB    "11111111-1111-4111-8111-111111111111"
#define TAKEN  "{\"job_id\":\"" JOB "\",\"status\":\"queued\"}"
#define REPLY  "POST /api/jobs/1111/reply "
#define ONE    "GET /api/jobs/" JOB " "
#define QUEUED "{\"id\":\"" JOB "\",\"state\":\"queued\",\"attempt\":1}"
#define FAILED                                                                                     \
	"{\"id\":\"" JOB "\",\"state\":\"failed\",\"attempt\":2,\"exit_code\":3,"                  \
	"\"started_at\":\"2026-01-01T00:00:00.000Z\"}"

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

/* --- reply --- */

static const struct rule takes_it = {.request = REPLY, .status = 200, .body = TAKEN};

static void reply_sends_its_text_and_says_how_to_watch(void **state)
{
	struct bench *b = *state;

	start(b, &takes_it, 1);
	RUN(b->home, "reply", "1111", "now fix \"it\"");
	assert_int_equal(b->home->status, EXIT_OK);
	expect_part(b->home->err, "pylon logs -f 11111111");
	expect_asked(b, "{\"text\":\"now fix \\\"it\\\"\",\"by\":\"");
	expect_asked(b, "(command line)\"}");
	RUN(b->home, "--json", "reply", "1111", "x");
	assert_string_equal(b->home->out, TAKEN "\n");
}

static void reply_takes_its_text_from_standard_input(void **state)
{
	static const char *const words[] = {"reply", "1111", "-", NULL};
	struct bench *b = *state;

	start(b, &takes_it, 1);
	home_run(b->home, "two\nlines\n", words);
	assert_int_equal(b->home->status, EXIT_OK);
	expect_asked(b, "{\"text\":\"two\\nlines\\n\"");
}

static void reply_is_as_long_as_a_prompt_may_be(void **state)
{
	static const char *const words[] = {"reply", "1111", "-", NULL};
	CLEANUP(freep) char *text = xcalloc(1, PROMPT_MAX + 2);
	struct bench *b = *state;

	start(b, &takes_it, 1);
	for (size_t n = PROMPT_MAX - 1; n <= PROMPT_MAX + 1; n++) {
		(void)memset(text, 'x', n);
		home_run(b->home, text, words);
		assert_int_equal(b->home->status, n > PROMPT_MAX ? EXIT_FAILED : EXIT_OK);
	}
	expect_part(b->home->err, "longer than 262144 bytes");
}

static void reply_without_sense_is_refused_here(void **state)
{
	struct bench *b = *state;

	start(b, &takes_it, 1);
	RUN(b->home, "reply", "1111");
	assert_int_equal(b->home->status, EXIT_USAGE);
	RUN(b->home, "reply", "1111", "");
	assert_int_equal(b->home->status, EXIT_USAGE);
	RUN(b->home, "reply", "1111", " \n");
	assert_int_equal(b->home->status, EXIT_USAGE);
	RUN(b->home, "reply", "1111", "-");
	assert_int_equal(b->home->status, EXIT_USAGE);
	expect_part(b->home->err, "the text is empty");
	RUN(b->home, "reply", "1111", "fix", "it");
	assert_int_equal(b->home->status, EXIT_USAGE);
	expect_part(b->home->err, "in quotes");
	RUN(b->home, "reply", "11", "fix");
	assert_int_equal(b->home->status, EXIT_USAGE);
	RUN(b->home, "reply", "1111", "\xFF");
	assert_int_equal(b->home->status, EXIT_FAILED);
	expect_part(b->home->err, "not UTF-8");
	expect_not_asked(b, "POST");
}

static void refusals_of_a_reply_are_told(void **state)
{
	static const struct rule rules[] = {
		{.request = REPLY,
			.status = 409,
			.body = "{\"detail\":\"the job is running\"}",
			.times = 1},
		{.request = REPLY, .status = 503, .body = "{\"detail\":\"no room\"}"},
	};
	struct bench *b = *state;

	start(b, rules, ARRAY_LEN(rules));
	RUN(b->home, "reply", "1111", "x");
	assert_int_equal(b->home->status, EXIT_FAILED);
	assert_string_equal(b->home->err, "pylon: the job is running\n");
	RUN(b->home, "reply", "1111", "x");
	assert_int_equal(b->home->status, EXIT_TRY_AGAIN);
}

/* The log that is there while the job is queued is that of the run before. */
static void reply_and_wait_shows_the_new_log_and_ends_as_the_work(void **state)
{
	static const struct rule rules[] = {
		takes_it,
		{.request = ONE, .status = 200, .body = QUEUED, .times = 1},
		{.request = ONE, .status = 200, .body = FAILED},
		{.request = "GET /api/jobs/" JOB "/log?follow=1&tail=0 ",
			.status = 200,
			.body = "what it said\n"},
	};
	struct bench *b = *state;

	start(b, rules, ARRAY_LEN(rules));
	RUN(b->home, "reply", "1111", "x", "--wait");
	assert_int_equal(b->home->status, 3);
	assert_string_equal(b->home->out, "what it said\n");
	expect_part(b->home->err, "job 11111111 failed");
}

/* --- show and jobs --- */

#define LINE(n) "{\"at\":null,\"line\":\"step " n "\"},"

static const char running[] =
	"{\"id\":\"" JOB "\",\"pylon\":\"demo\",\"state\":\"running\",\"session_id\":\"s-1\","
	"\"total_cost_usd\":1.5,\"usage\":{\"input_tokens\":1200,\"output_tokens\":34,"
	"\"cache_read_tokens\":9000,\"cache_write_tokens\":100},"
	"\"progress\":[" LINE("1") LINE("2") LINE("3") LINE("4") LINE("5") LINE("6") LINE("7")
		LINE("8") "{\"at\":\"2026-01-01T00:00:00.000Z\","
			  "\"line\":\"\\u001b[31mstep\\n9\\u202e\"}],"
			  "\"runs\":[{\"attempt\":1,\"state\":\"exited\",\"exit_code\":0,"
			  "\"duration_ms\":2000,\"total_cost_usd\":0.25,\"image\":\"i\"},"
			  "{\"attempt\":2,\"state\":\"running\",\"exit_code\":null,"
			  "\"total_cost_usd\":0,\"image\":\"i\"}]}";

static void show_tells_what_it_does_and_what_it_cost(void **state)
{
	static const struct rule rules[] = {
		{.request = "GET /api/jobs/1111 ", .status = 200, .body = running},
		{.request = "GET /api/jobs/", .status = 200, .body = "{}"},
	};
	struct bench *b = *state;

	start(b, rules, ARRAY_LEN(rules));
	RUN(b->home, "show", "1111");
	assert_int_equal(b->home->status, EXIT_OK);
	expect_part(b->home->out, "session      s-1\n");
	expect_part(b->home->out,
		"tokens       1200 in, 34 out, 9000 read from and 100 written to the cache\n");
	expect_part(b->home->out, "cost         1.5000 USD\n");
	expect_part(b->home->out, "1  exited    2s       exit 0  0.2500 USD  i\n");
	expect_part(b->home->out, "2  running   --        i\n");
}

static void show_tells_the_last_eight_steps_harmless(void **state)
{
	static const struct rule rules[] = {
		{.request = "GET /api/jobs/1111 ", .status = 200, .body = running},
		{.request = "GET /api/jobs/", .status = 200, .body = "{}"},
	};
	struct bench *b = *state;

	start(b, rules, ARRAY_LEN(rules));
	RUN(b->home, "show", "1111");
	expect_no_part(b->home->out, "step 1\n");
	expect_part(b->home->out, "Progress:\n  --           step 2\n");
	expect_part(b->home->out, "step 8\n");
	expect_part(b->home->out, " step 9\n");
	expect_no_part(b->home->out, "\033");
}

static void show_says_nothing_of_what_was_not_counted(void **state)
{
	static const struct rule rules[] = {
		{.request = "GET /api/jobs/1111 ",
			.status = 200,
			.body = "{\"id\":\"" JOB "\",\"pylon\":\"demo\",\"state\":\"completed\","
				"\"total_cost_usd\":0,\"usage\":{\"input_tokens\":0},"
				"\"progress\":[],\"runs\":[]}"},
		{.request = "GET /api/jobs/", .status = 200, .body = "{}"},
	};
	struct bench *b = *state;

	start(b, rules, ARRAY_LEN(rules));
	RUN(b->home, "show", "1111");
	assert_int_equal(b->home->status, EXIT_OK);
	expect_no_part(b->home->out, "tokens");
	expect_no_part(b->home->out, "cost");
	expect_no_part(b->home->out, "Progress");
}

static void jobs_as_json_has_the_totals_of_the_daemon(void **state)
{
	static const struct rule rule = {.request = "GET /api/jobs?limit=20 ",
		.status = 200,
		.body = "{\"items\":[],\"next\":null,\"total\":{\"jobs\":0}}"};
	struct bench *b = *state;

	start(b, &rule, 1);
	RUN(b->home, "jobs", "--json");
	assert_string_equal(b->home->out, "{\"items\":[],\"next\":null,\"total\":{\"jobs\":0}}\n");
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(reply_sends_its_text_and_says_how_to_watch),
		ROW(reply_takes_its_text_from_standard_input),
		ROW(reply_is_as_long_as_a_prompt_may_be),
		ROW(reply_without_sense_is_refused_here),
		ROW(refusals_of_a_reply_are_told),
		ROW(reply_and_wait_shows_the_new_log_and_ends_as_the_work),
		ROW(show_tells_what_it_does_and_what_it_cost),
		ROW(show_tells_the_last_eight_steps_harmless),
		ROW(show_says_nothing_of_what_was_not_counted),
		ROW(jobs_as_json_has_the_totals_of_the_daemon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
