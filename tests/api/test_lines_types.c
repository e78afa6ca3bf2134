/* SPDX-License-Identifier: MIT */
/*
 * tests/api/test_lines_types.c - recorded exchanges of every request type of the agent runtime's
 * protocol: what is asked, what is answered, and what the engine is told.
 */
#include "api/lines.h"

/* Asks on a new connection; the answer. */
static struct js *ask(struct world *w, const char *text)
{
	struct peer p = peer_open(w, text);
	struct js *o;

	peer_send(w, &p, SLICE_LIT("\n"));
	peer_wait(w, &p, 1);
	o = js_parse(p.got.p, p.got.n, NULL);
	assert_non_null(o);
	peer_fini(&p);
	return o;
}

static void expect_answer(struct world *w, const char *request, const char *answer)
{
	CLEANUP(js_freep) struct js *o = ask(w, request);
	CLEANUP(buf_fini) struct buf text = BUF_NULL;

	js_write(&text, o);
	assert_string_equal(buf_str(&text), answer);
}

/* The answer to `{"id":"1",<rest>}` is an error with this text. */
static void expect_error(struct world *w, const char *rest, const char *error)
{
	CLEANUP(freep) char *request = xasprintf("{\"id\":\"1\",%s}", rest);
	CLEANUP(js_freep) struct js *o = ask(w, request);

	assert_string_equal(js_get_str(o, "id"), "1");
	assert_false(js_get_bool(o, "ok", true));
	assert_string_equal(js_get_str(o, "error"), error);
}

/* ... is a result with this text. */
static void expect_result(struct world *w, const char *rest, const char *result)
{
	CLEANUP(freep) char *request = xasprintf("{\"id\":\"1\",%s}", rest);
	CLEANUP(freep) char *answer = xasprintf("{\"id\":\"1\",\"ok\":true,\"result\":%s}", result);

	expect_answer(w, request, answer);
}

static void background_job(const char *id, enum job_state state)
{
	fake_job(id, state, NOW_US);
	fake_background();
}

/* --- the daemon --- */

static void ping_is_answered(void **state)
{
	expect_answer(*state, "{\"id\":\"a b\",\"type\":\"ping\"}",
		"{\"id\":\"a b\",\"ok\":true,\"result\":{\"pong\":true}}");
}

static void status_has_the_documented_keys(void **state)
{
	static const char *const queue[] = {
		"maxDepth", "currentDepth", "droppedEvents", "processedEvents"};
	CLEANUP(js_freep) struct js *o = ask(*state, "{\"id\":\"1\",\"type\":\"status\"}");
	const struct js *result = js_get(o, "result"), *modules = js_get(result, "modules");

	assert_true(js_get_bool(result, "running", false));
	assert_int_equal(js_get_int(result, "pid", 0), getpid());
	assert_int_equal(strlen(js_get_str(result, "startedAt")), 24);
	assert_string_equal(js_get_str(result, "socketPath"), "");
	for (size_t i = 0; i < ARRAY_LEN(queue); i++)
		assert_true(js_get_int(js_get(result, "queue"), queue[i], -1) >= 0);
	assert_int_equal(js_len(modules), 3);
	for (size_t i = 0; i < js_len(modules); i++) {
		assert_non_null(js_get_str(js_at(modules, i), "name"));
		assert_true(js_is_array(js_get(js_at(modules, i), "subscriptions")));
		assert_int_equal(js_get_int(js_at(modules, i), "handledEvents", -1), 0);
		assert_true(js_is_object(js_get(js_at(modules, i), "detail")));
	}
}

static void stop_is_answered_and_then_done(void **state)
{
	struct world *w = *state;

	expect_result(w, "\"type\":\"stop\"", "{\"stopping\":true}");
	assert_int_equal(w->stops, 1);
	api_free(w->api);
	w->options.stop = NULL;
	w->api = api_new(&w->options);
	expect_error(w, "\"type\":\"stop\"",
		"Daemon lifecycle is managed by the embedding application.");
}

/* --- emit --- */

#define EVENT(version, time, payload)                                                              \
	"\"type\":\"emit\",\"event\":{\"id\":\"evt_1\",\"version\":" version                       \
	",\"type\":\"session.updated\",\"source\":\"app\",\"timestamp\":\"" time                   \
	"\",\"payload\":" payload "}"
#define TIME "2026-05-16T08:00:00.123Z"

static void emitted_event_is_seen_by_who_listens(void **state)
{
	struct world *w = *state;
	struct fake_request listener = {.method = "GET", .target = "/api/events", .is_local = true};

	fake_send(w, &listener);
	expect_result(w, EVENT("1", TIME, "{\"n\":1}"), "{\"accepted\":true}");
	assert_non_null(
		strstr(listener.text, "event: emit\ndata: {\"id\":\"evt_1\",\"version\":1,"));
	assert_non_null(strstr(listener.text, "\"payload\":{\"n\":1}}\n\n"));
	fake_leave(&listener);
	fake_request_fini(&listener);
}

static void event_must_be_one(void **state)
{
	static const char *const wrong[] = {EVENT("2", TIME, "{}"), EVENT("1", TIME, "[]"),
		EVENT("1", "2026-05-16T08:00:00Z", "{}"),
		EVENT("1", "2026-05-16T08:00:00.123+0", "{}"), EVENT("1", "yesterday", "{}"),
		EVENT("\"1\"", TIME, "{}"), "\"type\":\"emit\",\"event\":null",
		"\"type\":\"emit\",\"event\":[]", "\"type\":\"emit\",\"event\":{}"};
	struct world *w = *state;

	expect_error(w, "\"type\":\"emit\"", "emit request must include event");
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		expect_error(w, wrong[i], "Invalid event envelope");
	assert_int_equal(w->api->lines->emitted, 0);
}

static void event_has_a_limit(void **state)
{
	struct world *w = *state;

	for (size_t n = LINES_EVENT_MAX - 1; n <= LINES_EVENT_MAX + 1; n++) {
		static const char head[] = "{\"id\":\"1\",\"type\":\"emit\",\"event\":";
		CLEANUP(buf_fini) struct buf text = BUF_NULL;
		CLEANUP(js_freep) struct js *o = NULL;

		buf_add_str(&text, head);
		buf_add_str(&text, "{\"id\":\"e\",\"version\":1,\"type\":\"t\",\"source\":\"s\","
				   "\"timestamp\":\"" TIME "\",\"payload\":{\"x\":\"");
		while (text.n < n + strlen(head) - strlen("\"}}"))
			buf_add_char(&text, 'x');
		buf_add_str(&text, "\"}}}");
		o = ask(w, buf_str(&text));
		assert_int_equal(
			js_get_bool(js_get(o, "result"), "accepted", false), n <= LINES_EVENT_MAX);
	}
}

/* --- what is not here --- */

static void what_is_not_here_is_said_in_the_documented_shape(void **state)
{
	struct world *w = *state;

	expect_result(w, "\"type\":\"runs.startTask\",\"taskId\":\"daily\"",
		"{\"accepted\":false,\"reason\":\"this daemon has no scheduled tasks\",\"runId\":"
		"\"\"}");
	expect_error(w, "\"type\":\"runs.startTask\"",
		"runs.startTask taskId must be a non-empty string");
	expect_result(w, "\"type\":\"conversations.recoverable\"", "{\"runs\":[]}");
	expect_result(
		w, "\"type\":\"companion.updateConfig\",\"input\":{\"enabled\":false}", "null");
	expect_error(w, "\"type\":\"companion.updateConfig\"",
		"companion.updateConfig input must be an object");
}

#define SYNC(input) "\"type\":\"conversations.sync\",\"input\":{" input "}"

static void conversation_is_answered_with_its_run(void **state)
{
	struct world *w = *state;

	expect_result(w,
		SYNC("\"conversationId\":\" c1 \",\"sessionFile\":\"/s\",\"cwd\":\"/\","
		     "\"state\":\"running\",\"pendingOperation\":null"),
		"{\"accepted\":false,\"reason\":\"this daemon keeps no conversations\",\"runId\":"
		"\"conversation-live-c1\"}");
	expect_error(
		w, "\"type\":\"conversations.sync\"", "conversations.sync input must be an object");
	expect_error(w, SYNC("\"conversationId\":\" \""),
		"conversations.sync conversationId must be a non-empty string");
	expect_error(w, SYNC("\"conversationId\":\"c\""),
		"conversations.sync sessionFile must be a non-empty string");
	expect_error(w,
		SYNC("\"conversationId\":\"c\",\"sessionFile\":\"/s\",\"cwd\":\"/\",\"state\":"
		     "\"done\""),
		"conversations.sync state must be waiting, running, interrupted, or failed");
	expect_error(w, SYNC("\"pendingOperation\":1"),
		"conversations.sync pendingOperation must be an object when provided");
}

/* --- starting --- */

#define START(input) "\"type\":\"runs.startBackground\",\"input\":{" input "}"
#define INPUT        "\"taskSlug\":\"t\",\"cwd\":\"/w\",\"shellCommand\":\"make\""

static void background_work_is_started_as_asked(void **state)
{
	struct world *w = *state;
	CLEANUP(freep) char *want = NULL;

	(void)str_copy(fake.answer.job_id, sizeof(fake.answer.job_id), JOB_1);
	want = xasprintf("{\"accepted\":true,\"runId\":\"" JOB_1 "\",\"logPath\":\"%s/" JOB_1
			 ".log\"}",
		fake.dir);
	expect_result(w, START(INPUT ",\"source\":{\"type\":\"tool\"}"), want);
	assert_string_equal(
		fake.calls, "work {" INPUT ",\"source\":{\"type\":\"tool\"}};source socket;");
}

static void wrong_input_is_an_error(void **state)
{
	static const struct {
		const char *input, *error;
	} rows[] = {{START("\"cwd\":\"/\""),
			    "runs.startBackground taskSlug must be a non-empty string"},
		{START("\"taskSlug\":\"t\",\"cwd\":\"  \""),
			"runs.startBackground cwd must be a non-empty string"},
		{START(INPUT ",\"argv\":\"ls\""),
			"runs.startBackground argv must be an array when provided"},
		{START(INPUT ",\"agent\":\"x\""),
			"runs.startBackground agent must be an object when provided"},
		{START(INPUT ",\"manifestMetadata\":[]"),
			"runs.startBackground manifestMetadata must be an object when provided"},
		{START(INPUT ",\"checkpointPayload\":1"),
			"runs.startBackground checkpointPayload must be an object when provided"},
		{START(INPUT ",\"source\":{}"),
			"runs.startBackground source.type must be a non-empty string"},
		{START(INPUT ",\"callbackConversation\":{\"conversationId\":\"c\"}"),
			"runs.startBackground callbackConversation.sessionFile must be a non-empty "
			"string"},
		{"\"type\":\"runs.startBackground\"",
			"runs.startBackground input must be an object"}};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect_error(w, rows[i].input, rows[i].error);
	assert_string_equal(fake.calls, "");
	fake.answer = (struct answer){
		.status = 400, .code = "invalid_request", .text = "cwd must be an absolute path"};
	expect_error(w, START(INPUT), "cwd must be an absolute path");
}

static void no_room_is_a_result(void **state)
{
	fake.answer = (struct answer){
		.status = 503, .code = "draining", .text = "pylon is shutting down"};
	expect_result(*state, START(INPUT),
		"{\"accepted\":false,\"runId\":\"\",\"reason\":\"pylon is shutting down\"}");
}

/* --- looking --- */

static void run_is_told_whole(void **state)
{
	struct world *w = *state;
	CLEANUP(js_freep) struct js *o = NULL;
	const struct js *run, *manifest, *status, *target, *metadata, *result;

	background_job(JOB_1, JOB_FAILED);
	fake.jobs[0].exit_code = 3;
	fake.jobs[0].attempt = 2;
	fake.jobs[0].started_at = fake.jobs[0].finished_at = NOW_US;
	fake.body = "{" INPUT ",\"source\":{\"type\":\"tool\",\"id\":\"x\"},\"manifestMetadata\":"
		    "{\"a\":1},\"checkpointPayload\":{\"b\":[2]}}";
	o = ask(w, "{\"id\":\"1\",\"type\":\"runs.get\",\"runId\":\" " JOB_1 " \"}");
	assert_non_null(js_get_str(js_get(o, "result"), "scannedAt"));
	run = js_get(js_get(o, "result"), "run");
	assert_string_equal(js_get_str(run, "runId"), JOB_1);
	assert_string_equal(js_get_str(run, "recoveryAction"), "none");
	assert_int_equal(js_len(js_get(run, "problems")), 0);
	assert_true(str_has_suffix(
		js_get_str(js_get(run, "paths"), "outputLogPath"), "/" JOB_1 ".log"));
	assert_true(str_has_suffix(js_get_str(js_get(run, "paths"), "root"), "/runs/" JOB_1));
	manifest = js_get(run, "manifest");
	assert_int_equal(js_get_int(manifest, "version", 0), 1);
	assert_string_equal(js_get_str(manifest, "id"), JOB_1);
	assert_string_equal(js_get_str(manifest, "kind"), "raw-shell");
	assert_string_equal(js_get_str(manifest, "resumePolicy"), "manual");
	assert_string_equal(js_get_str(manifest, "createdAt"), "2023-11-14T22:13:20.000Z");
	assert_string_equal(js_get_str(js_get(manifest, "source"), "id"), "x");
	target = js_get(js_get(manifest, "spec"), "target");
	assert_string_equal(js_get_str(target, "type"), "shell");
	assert_string_equal(js_get_str(target, "command"), "make");
	assert_string_equal(js_get_str(target, "cwd"), "/w");
	metadata = js_get(js_get(manifest, "spec"), "metadata");
	assert_string_equal(js_get_str(metadata, "taskSlug"), "t");
	assert_int_equal(js_get_int(metadata, "a", 0), 1);
	assert_int_equal(js_len(js_get(metadata, "b")), 1);
	status = js_get(run, "status");
	assert_string_equal(js_get_str(status, "status"), "failed");
	assert_int_equal(js_get_int(status, "activeAttempt", 0), 2);
	assert_string_equal(js_get_str(status, "lastError"), "Command exited with code 3");
	assert_string_equal(js_get_str(status, "checkpointKey"), "failed");
	assert_non_null(js_get_str(status, "completedAt"));
	result = js_get(run, "result");
	assert_int_equal(js_get_int(result, "exitCode", 0), 3);
	assert_false(js_get_bool(result, "success", true));
	assert_string_equal(js_get_str(result, "summary"), "Command exited with code 3");
}

static void run_whose_request_is_lost_says_so(void **state)
{
	struct world *w = *state;
	CLEANUP(js_freep) struct js *o = NULL;
	const struct js *run;

	background_job(JOB_1, JOB_LOST);
	o = ask(w, "{\"id\":\"1\",\"type\":\"runs.get\",\"runId\":\"" JOB_1 "\"}");
	run = js_get(js_get(o, "result"), "run");
	assert_int_equal(js_len(js_get(run, "problems")), 1);
	assert_string_equal(js_get_str(run, "recoveryAction"), "attention");
	assert_string_equal(js_get_str(js_get(run, "status"), "status"), "interrupted");
}

static void only_whole_ids_of_background_work_are_found(void **state)
{
	struct world *w = *state;

	fake_job(JOB_1, JOB_COMPLETED, NOW_US);
	background_job(JOB_2, JOB_COMPLETED);
	expect_error(w, "\"type\":\"runs.get\",\"runId\":\"" JOB_1 "\"", "Run not found: " JOB_1);
	expect_error(w, "\"type\":\"runs.get\",\"runId\":\"11112\"", "Run not found: 11112");
	expect_error(w, "\"type\":\"runs.get\",\"runId\":\"../x\"", "Run not found: ../x");
	expect_error(w, "\"type\":\"runs.get\"", "runs.get runId must be a non-empty string");
	expect_error(w, "\"type\":\"runs.get\",\"runId\":1",
		"runs.get runId must be a non-empty string");
}

static void list_counts_what_it_shows(void **state)
{
	struct world *w = *state;
	CLEANUP(js_freep) struct js *o = NULL;
	CLEANUP(buf_fini) struct buf summary = BUF_NULL;
	const struct js *runs;

	background_job("11111111-1111-4111-8111-111111111116", JOB_RUNNING);
	background_job("11111111-1111-4111-8111-111111111115", JOB_LOST);
	background_job("11111111-1111-4111-8111-111111111114", JOB_COMPLETED);
	background_job("11111111-1111-4111-8111-111111111113", JOB_COMPLETED);
	fake_job(JOB_1, JOB_COMPLETED, NOW_US);
	fake.body = "{" INPUT ",\"checkpointPayload\":{\"b\":[2]}}";
	o = ask(w, "{\"id\":\"1\",\"type\":\"runs.list\"}");
	runs = js_get(js_get(o, "result"), "runs");
	assert_int_equal(js_len(runs), 4);
	assert_string_equal(
		js_get_str(js_at(runs, 0), "runId"), "11111111-1111-4111-8111-111111111116");
	assert_null(js_get(js_get(js_get(js_at(runs, 0), "checkpoint"), "payload"), "b"));
	js_write(&summary, js_get(js_get(o, "result"), "summary"));
	assert_string_equal(buf_str(&summary),
		"{\"total\":4,\"recoveryActions\":{\"none\":3,\"resume\":0,\"rerun\":0,"
		"\"attention\":1,\"invalid\":0},\"statuses\":{\"running\":1,\"completed\":2,"
		"\"interrupted\":1}}");
}

static void empty_list_is_a_list(void **state)
{
	CLEANUP(js_freep) struct js *o = ask(*state, "{\"id\":\"1\",\"type\":\"runs.list\"}");

	assert_true(js_is_array(js_get(js_get(o, "result"), "runs")));
	assert_int_equal(js_len(js_get(js_get(o, "result"), "runs")), 0);
	assert_null(js_get(js_get(o, "result"), "truncated"));
}

/* --- cancel --- */

#define CANCEL(id) "\"type\":\"runs.cancel\",\"runId\":\"" id "\""

static void active_run_is_cancelled(void **state)
{
	background_job(JOB_1, JOB_RUNNING);
	expect_result(*state, CANCEL(JOB_1), "{\"cancelled\":true,\"runId\":\"" JOB_1 "\"}");
	assert_string_equal(fake.calls, "kill " JOB_1 ";by local;");
}

static void what_cannot_be_cancelled_says_why(void **state)
{
	struct world *w = *state;

	background_job(JOB_1, JOB_TIMED_OUT);
	fake_job(JOB_2, JOB_RUNNING, NOW_US);
	expect_result(w, CANCEL("nobody"),
		"{\"cancelled\":false,\"runId\":\"nobody\",\"reason\":\"run not found\"}");
	expect_result(w, CANCEL(JOB_2),
		"{\"cancelled\":false,\"runId\":\"" JOB_2
		"\",\"reason\":\"only daemon background work can be cancelled\"}");
	expect_result(w, CANCEL(JOB_1),
		"{\"cancelled\":false,\"runId\":\"" JOB_1
		"\",\"reason\":\"run is already failed\"}");
	assert_string_equal(fake.calls, "");
	expect_error(w, "\"type\":\"runs.cancel\"", "runs.cancel runId must be a non-empty string");
}

static void cancel_that_comes_too_late_says_so(void **state)
{
	background_job(JOB_1, JOB_RUNNING);
	fake.answer = (struct answer){.status = 409, .code = "conflict", .text = "it is over"};
	expect_result(*state, CANCEL(JOB_1),
		"{\"cancelled\":false,\"runId\":\"" JOB_1 "\",\"reason\":\"it is over\"}");
}

/* --- once more --- */

#define RERUN(id)     "\"type\":\"runs.rerun\",\"runId\":\"" id "\""
#define FOLLOW_UP(id) "\"type\":\"runs.followUp\",\"runId\":\"" id "\""
#define AGENT                                                                                      \
	"{\"taskSlug\":\"t\",\"cwd\":\"/w\",\"agent\":{\"prompt\":\"go\",\"model\":\"m\"},"        \
	"\"timeoutSeconds\":9}"

static void stopped_run_is_run_again(void **state)
{
	struct world *w = *state;
	CLEANUP(freep) char *want = NULL;

	background_job(JOB_1, JOB_FAILED);
	(void)str_copy(fake.answer.job_id, sizeof(fake.answer.job_id), JOB_2);
	want = xasprintf("{\"accepted\":true,\"runId\":\"" JOB_2 "\",\"sourceRunId\":\"" JOB_1
			 "\",\"logPath\":\"%s/" JOB_2 ".log\"}",
		fake.dir);
	expect_result(w, RERUN(JOB_1), want);
	assert_string_equal(fake.calls, "rerun " JOB_1 ";");
}

static void what_cannot_be_run_again_is_an_error(void **state)
{
	struct world *w = *state;

	background_job(JOB_1, JOB_QUEUED);
	fake_job(JOB_2, JOB_COMPLETED, NOW_US);
	expect_error(w, RERUN(JOB_1), "Run " JOB_1 " is still active.");
	expect_error(w, FOLLOW_UP(JOB_1), "Run " JOB_1 " is still active.");
	expect_error(w, RERUN(JOB_2), "Run " JOB_2 " is not a replayable background run.");
	expect_error(w, RERUN("x"), "Run not found: x");
	expect_error(w, FOLLOW_UP("x"), "Run not found: x");
	expect_error(w, "\"type\":\"runs.rerun\"", "runs.rerun runId must be a non-empty string");
	expect_error(
		w, "\"type\":\"runs.followUp\"", "runs.followUp runId must be a non-empty string");
	assert_string_equal(fake.calls, "");
}

static void follow_up_goes_on_with_the_session(void **state)
{
	struct world *w = *state;

	background_job(JOB_1, JOB_COMPLETED);
	fake.jobs[0].session_id = xstrdup("s-1");
	fake.body = AGENT;
	(void)str_copy(fake.answer.job_id, sizeof(fake.answer.job_id), JOB_2);
	js_free(ask(w, "{\"id\":\"1\",\"type\":\"runs.followUp\",\"runId\":\"" JOB_1
		       "\",\"prompt\":\"and now?\"}"));
	assert_non_null(strstr(fake.calls, "\"prompt\":\"and now?\""));
	assert_non_null(strstr(fake.calls, "\"session\":\"s-1\""));
	assert_non_null(strstr(fake.calls, "\"model\":\"m\""));
	assert_non_null(strstr(fake.calls, "\"timeoutSeconds\":9"));
	fake.calls[0] = '\0';
	js_free(ask(w, "{\"id\":\"1\",\"type\":\"runs.followUp\",\"runId\":\"" JOB_1
		       "\",\"prompt\":\"  \"}"));
	assert_non_null(strstr(fake.calls, "\"prompt\":\"Continue from where you left off.\""));
}

static void follow_up_needs_a_subagent_with_a_session(void **state)
{
	struct world *w = *state;

	background_job(JOB_1, JOB_COMPLETED);
	expect_error(w, FOLLOW_UP(JOB_1),
		"Run " JOB_1 " does not contain enough launch metadata to restart.");
	fake.body = "{" INPUT "}";
	expect_error(w, FOLLOW_UP(JOB_1), "Run " JOB_1 " does not support follow-up prompts.");
	fake.body = AGENT;
	expect_error(
		w, FOLLOW_UP(JOB_1), "Run " JOB_1 " does not have a resumable session transcript.");
	assert_string_equal(fake.calls, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, lines_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ping_is_answered),
		TEST(status_has_the_documented_keys),
		TEST(stop_is_answered_and_then_done),
		TEST(emitted_event_is_seen_by_who_listens),
		TEST(event_must_be_one),
		TEST(event_has_a_limit),
		TEST(what_is_not_here_is_said_in_the_documented_shape),
		TEST(conversation_is_answered_with_its_run),
		TEST(background_work_is_started_as_asked),
		TEST(wrong_input_is_an_error),
		TEST(no_room_is_a_result),
		TEST(run_is_told_whole),
		TEST(run_whose_request_is_lost_says_so),
		TEST(only_whole_ids_of_background_work_are_found),
		TEST(list_counts_what_it_shows),
		TEST(empty_list_is_a_list),
		TEST(active_run_is_cancelled),
		TEST(what_cannot_be_cancelled_says_why),
		TEST(cancel_that_comes_too_late_says_so),
		TEST(stopped_run_is_run_again),
		TEST(what_cannot_be_run_again_is_an_error),
		TEST(follow_up_goes_on_with_the_session),
		TEST(follow_up_needs_a_subagent_with_a_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
