/* SPDX-License-Identifier: MIT */
/*
 * test_conversation.c - the life of a job over several runs: a reply continues the session in the
 * same workspace, a retry begins afresh, what runs cost adds up, and what an agent does is seen.
 */
#include "engine/engine-internal.h"
#include "engine/world.h"

#define CONFIG                                                                                     \
	"version: 1\ndocker:\n  max_concurrent: 1\n  when_full: reject\n"                          \
	"  host: /run/of-a-test.sock\n"                                                            \
	"defaults:\n  channel:\n    type: stdout\n"
#define PYLON(agent)                                                                                 \
	"name: hook\ntrigger:\n  type: webhook\n  path: /hook\n  secret: [s3cret, hide-me-please]\n" \
	"  signature_header: X-Hub-Signature-256\n"                                                  \
	"workspace:\n  type: none\nagent:\n  type: mock\n  prompt: \"do {{ .body.n }}\"\n" agent
#define DONE(text, session)                                                                        \
	"{\"status\":\"completed\",\"output\":{\"result\":\"" text "\",\"session_id\":\"" session  \
	"\",\"total_cost_usd\":0.5,\"usage\":{\"input_tokens\":100,\"output_tokens\":20,"          \
	"\"cache_read_input_tokens\":3,\"cache_creation_input_tokens\":4}}}"
#define FAILED_WITH(session)                                                                       \
	"{\"status\":\"failed\",\"error\":\"overloaded\",\"output\":{\"session_id\":\"" session    \
	"\"}}"

static void begin(struct world *w, const char *agent, char ret_id[static ID_SIZE])
{
	CLEANUP(freep) char *pylon = xasprintf(PYLON("%s"), agent);

	world_open(w, CONFIG, pylon);
	world_post(w, "a", "{\"n\":1}");
	(void)str_copy(ret_id, ID_SIZE, w->answer.job_id);
}

static void run_to_end(struct world *w, size_t i, const char *result, int status)
{
	world_started(w, i);
	world_result(w, i, result);
	world_exited(w, i, status);
}

static int reply(struct world *w, const char *id, const char *text)
{
	struct id job = {0};

	(void)str_copy(job.s, sizeof(job.s), id);
	engine_reply(w->engine, &job, slice_of(text), "ada", world_answered, w);
	loop_settle(w->loop);
	return w->answer.status;
}

static void a_reply_continues_the_session(void **state UNUSED)
{
	char id[ID_SIZE];
	struct world w;

	begin(&w, "", id);
	assert_null(world_env(&w, 0, "SESSION_ID"));
	run_to_end(&w, 0, DONE("first", "s-1"), 0);
	assert_int_equal(reply(&w, id, "and {{ .body.n }} more"), 200);
	world_assert_prompt(&w, 1, "and {{ .body.n }} more"); /* no template: a person's words */
	assert_string_equal(world_env(&w, 1, "SESSION_ID"), "s-1");
	assert_string_equal(world_env(&w, 1, "PROMPT"), "and {{ .body.n }} more");
	world_sent(&w, 0, CHANNEL_SENT, 0);
	run_to_end(&w, 1, DONE("second", "s-2"), 0);
	assert_int_equal(w.channel.n, 2);
	assert_non_null(strstr(w.channel.sent[1].message, "second"));
	world_close(&w);
}

static void a_reply_survives_a_restart(void **state UNUSED)
{
	char id[ID_SIZE];
	struct world w;

	begin(&w, "", id);
	run_to_end(&w, 0, DONE("first", "s-1"), 0);
	world_engine(&w, false);
	assert_int_equal(reply(&w, id, "go on"), 200);
	world_crash(&w);
	w.runner.is_up = true;
	world_restart(&w);
	world_assert_prompt(&w, 0, "go on");
	assert_string_equal(world_env(&w, 0, "SESSION_ID"), "s-1");
	world_close(&w);
}

static void a_retry_begins_afresh(void **state UNUSED)
{
	char id[ID_SIZE];
	struct world w;

	begin(&w, "", id);
	run_to_end(&w, 0, FAILED_WITH("s-1"), 1);
	world_decide(&w, ENGINE_RETRY, id);
	world_assert_prompt(&w, 1, "do 1");
	assert_null(world_env(&w, 1, "SESSION_ID"));
	world_close(&w);
}

static void a_retry_of_a_reply_says_it_again_in_the_same_session(void **state UNUSED)
{
	char id[ID_SIZE];
	struct world w;

	begin(&w, "", id);
	run_to_end(&w, 0, DONE("first", "s-1"), 0);
	(void)reply(&w, id, "go on");
	run_to_end(&w, 1, FAILED_WITH("s-9"), 1);
	world_assert_state(&w, id, JOB_FAILED);
	world_decide(&w, ENGINE_RETRY, id);
	world_assert_prompt(&w, 2, "go on");
	assert_string_equal(world_env(&w, 2, "SESSION_ID"), "s-1");
	world_close(&w);
}

static void what_is_not_over_takes_no_reply(void **state UNUSED)
{
	char id[ID_SIZE];
	struct world w;

	begin(&w, "", id);
	assert_int_equal(reply(&w, id, "too early"), 409);
	world_started(&w, 0);
	assert_int_equal(reply(&w, id, "too early"), 409);
	world_decide(&w, ENGINE_KILL, id);
	world_exited(&w, 0, 143);
	world_assert_state(&w, id, JOB_CANCELLED);
	assert_int_equal(reply(&w, id, "too late"), 409);
	world_decide(&w, ENGINE_RETRY, id);
	world_assert_prompt(&w, 1, "do 1"); /* refused words are gone */
	world_close(&w);
}

static void a_reply_needs_room(void **state UNUSED)
{
	char id[ID_SIZE];
	struct world w;

	begin(&w, "", id);
	run_to_end(&w, 0, DONE("first", "s-1"), 0);
	world_post(&w, "b", "{\"n\":2}");
	assert_int_equal(w.answer.status, 202);
	assert_int_equal(reply(&w, id, "go on"), 503);
	assert_true(w.answer.retry_after_s > 0);
	world_assert_state(&w, id, JOB_COMPLETED);
	world_close(&w);
}

static void a_reply_is_text_of_a_bounded_size(void **state UNUSED)
{
	CLEANUP(freep) char *text = xcalloc(1, PROMPT_MAX + 2);
	char id[ID_SIZE];
	struct world w;

	begin(&w, "", id);
	run_to_end(&w, 0, DONE("first", "s-1"), 0);
	memset(text, 'x', PROMPT_MAX + 1);
	assert_int_equal(reply(&w, id, ""), 400);
	assert_int_equal(reply(&w, id, "\xff"), 400);
	assert_int_equal(reply(&w, id, text), 400);
	text[PROMPT_MAX] = '\0';
	assert_int_equal(reply(&w, id, text), 200);
	assert_null(world_env(&w, 1, "PROMPT")); /* too long for an environment */
	run_to_end(&w, 1, DONE("second", "s-1"), 0);
	text[PROMPT_MAX - 1] = '\0';
	assert_int_equal(reply(&w, id, text), 200);
	world_close(&w);
}

static void nobody_replies_to_a_job_that_is_not_there(void **state UNUSED)
{
	char id[ID_SIZE];
	struct world w;

	begin(&w, "", id);
	assert_int_equal(reply(&w, "00000000-0000-4000-8000-000000000000", "hello"), 404);
	world_close(&w);
}

/* --- cost --- */

static void what_runs_cost_adds_up(void **state UNUSED)
{
	struct job j = {0};
	char id[ID_SIZE];
	struct world w;

	begin(&w, "", id);
	run_to_end(&w, 0, DONE("first", "s-1"), 0);
	(void)reply(&w, id, "go on");
	run_to_end(&w, 1, DONE("second", "s-1"), 0);
	(void)world_job(&w, id, &j);
	assert_true(j.cost_usd > 0.999 && j.cost_usd < 1.001);
	assert_int_equal(j.usage.input_tokens, 200);
	assert_int_equal(j.usage.output_tokens, 40);
	assert_int_equal(j.usage.cache_read_tokens, 6);
	assert_int_equal(j.usage.cache_write_tokens, 8);
	job_fini(&j);
	world_close(&w);
}

static void a_reported_failure_is_the_agents_even_if_it_exits_with_one(void **state UNUSED)
{
	struct job j = {0};
	char id[ID_SIZE];
	struct world w;

	begin(&w, "", id);
	run_to_end(&w, 0, FAILED_WITH("s-1"), 1);
	assert_int_equal(world_job(&w, id, &j), JOB_FAILED);
	assert_string_equal(j.reason, "agent");
	assert_string_equal(j.error, "overloaded");
	assert_int_equal(j.exit_code, 1);
	job_fini(&j);
	world_close(&w);
}

/* --- progress --- */

static void tool(struct world *w, size_t i, const char *json)
{
	/* http://HOST:PORT/callback/JOB/TOKEN */
	struct slice url = slice_of(strstr(world_run(w, i)->callback, "/callback/"));
	struct slice job = {url.p + strlen("/callback/"), ID_SIZE - 1};
	struct slice token = slice_of(job.p + job.n + 1);

	engine_tool_event(w->engine, job, token, slice_of(json), world_answered, w);
	loop_settle(w->loop);
	assert_int_equal(w->answer.status, 200);
}

static void print_line(int64_t at, const char *line, void *ctx)
{
	buf_printf(ctx, "%s%s;", at > 0 ? "" : "?", line);
}

static void assert_progress(struct world *w, const char *id, const char *expected)
{
	CLEANUP(buf_fini) struct buf lines = BUF_NULL;
	struct id job = {0};

	(void)str_copy(job.s, sizeof(job.s), id);
	engine_job_progress(w->engine, &job, print_line, &lines);
	assert_string_equal(buf_str(&lines), expected);
}

static void the_last_steps_of_an_agent_can_be_seen(void **state UNUSED)
{
	char id[ID_SIZE];
	struct world w;

	begin(&w, "", id);
	world_started(&w, 0);
	assert_progress(&w, id, "");
	for (int i = 1; i <= 9; i++) {
		CLEANUP(freep)
		char *event = xasprintf(
			"{\"tool_name\":\"Read\",\"tool_input\":{\"file_path\":\"%d\"}}", i);

		tool(&w, 0, event);
	}
	assert_progress(&w, id,
		"Reading 2;Reading 3;Reading 4;Reading 5;Reading 6;Reading 7;Reading 8;Reading 9;");
	assert_int_equal(world_run(&w, 0)->notes.n, 9);
	world_exited(&w, 0, 0);
	assert_progress(&w, id, "");
	world_close(&w);
}

static void a_secret_in_a_tools_input_is_not_told(void **state UNUSED)
{
	char id[ID_SIZE];
	struct world w;

	begin(&w, "", id);
	world_started(&w, 0);
	tool(&w, 0,
		"{\"tool_name\":\"Bash\",\"tool_input\":{\"command\":\"echo hide-me-please\"}}");
	assert_progress(&w, id, "$ echo <redacted>;");
	assert_string_equal(world_run(&w, 0)->notes.v[0], "$ echo <redacted>");
	world_close(&w);
}

static void a_secret_is_found_before_a_long_line_is_cut(void **state UNUSED)
{
	char id[ID_SIZE];
	struct world w;
	struct buf event = BUF_NULL;

	begin(&w, "", id);
	world_started(&w, 0);
	buf_add_str(&event, "{\"tool_name\":\"Bash\",\"tool_input\":{\"command\":\"");
	for (int i = 0; i < 233; i++)
		buf_add_char(&event, 'x');
	buf_add_str(&event, "hide-me-please\"}}");
	tool(&w, 0, buf_str(&event));
	assert_null(strstr(world_run(&w, 0)->notes.v[0], "hide"));
	buf_fini(&event);
	world_close(&w);
}

static void steps_of_a_run_are_known_after_a_restart(void **state UNUSED)
{
	char id[ID_SIZE];
	struct world w;
	CLEANUP(freep) char *log = NULL;

	begin(&w, "", id);
	world_started(&w, 0);
	log = xasprintf("jobs/%s.log", id);
	world_put(&w, log, "hello\n> Reading a\noutput\n> $ ls\n");
	w.runner.found[0] = (struct runner_found){.run_id = w.runner.runs[0].run_id,
		.job_id = w.runner.runs[0].job_id,
		.container_id = "c0ffee",
		.state = "running"};
	w.runner.found_n = 1;
	world_crash(&w);
	world_restart(&w);
	assert_progress(&w, id, "?Reading a;?$ ls;");
	world_close(&w);
}

/* --- attach --- */

static void only_a_running_container_can_be_entered(void **state UNUSED)
{
	CLEANUP(buf_fini) struct buf where = BUF_NULL;
	CLEANUP(buf_fini) struct buf container = BUF_NULL;
	struct id job = {0};
	char id[ID_SIZE];
	struct world w;

	begin(&w, "", id);
	(void)str_copy(job.s, sizeof(job.s), id);
	assert_int_equal(
		engine_job_container(w.engine, &job, &where, &container), STORE_E_NOT_FOUND);
	world_started(&w, 0);
	assert_int_equal(engine_job_container(w.engine, &job, &where, &container), 0);
	assert_true(str_has_prefix(buf_str(&container), "pylon-"));
	assert_string_equal(buf_str(&container) + 6, world_run(&w, 0)->run_id.s);
	world_engine(&w, false);
	assert_true(engine_job_container(w.engine, &job, &where, &container) < 0);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reply_continues_the_session),
		cmocka_unit_test(a_reply_survives_a_restart),
		cmocka_unit_test(a_retry_begins_afresh),
		cmocka_unit_test(a_retry_of_a_reply_says_it_again_in_the_same_session),
		cmocka_unit_test(what_is_not_over_takes_no_reply),
		cmocka_unit_test(a_reply_needs_room),
		cmocka_unit_test(a_reply_is_text_of_a_bounded_size),
		cmocka_unit_test(nobody_replies_to_a_job_that_is_not_there),
		cmocka_unit_test(what_runs_cost_adds_up),
		cmocka_unit_test(a_reported_failure_is_the_agents_even_if_it_exits_with_one),
		cmocka_unit_test(the_last_steps_of_an_agent_can_be_seen),
		cmocka_unit_test(a_secret_in_a_tools_input_is_not_told),
		cmocka_unit_test(a_secret_is_found_before_a_long_line_is_cut),
		cmocka_unit_test(steps_of_a_run_are_known_after_a_restart),
		cmocka_unit_test(only_a_running_container_can_be_entered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
