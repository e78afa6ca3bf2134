/* SPDX-License-Identifier: MIT */
/*
 * tests/api/test_executions.c - background work: what is started, what is shown of it, and that no
 * job of a pylon is taken for it nor it for one of theirs.
 */
#include "api/api-internal.h"
#include "api/fakes.h"
#include "base/file.h"

#define JOB_3 "33333333-1111-4111-8111-111111111111"
#define RUNS  "/api/executions"
#define ONE   RUNS "/1111"
#define COMMAND                                                                                    \
	"{\"argv\":[\"make\",\"-j2\",\"a b\",\"it's\",\"\",\"x\\ny\"],\"cwd\":\"/w\","             \
	"\"taskSlug\":\"build\",\"conversation\":\"c-1\",\"env\":{\"TOKEN\":\"hush\"}}"
#define AGENT                                                                                      \
	"{\"cwd\":\"/w\",\"agent\":{\"prompt\":\"look\",\"model\":\"m\","                          \
	"\"allowedTools\":[\"Read\"]},\"timeoutSeconds\":60}"

static void check(struct fake_request r, int status)
{
	assert_int_equal(r.status, status);
	fake_request_fini(&r);
}

static void refused(struct fake_request r, int status, const char *text)
{
	if (strstr(r.text, text) == NULL)
		fail_msg("%s is not in %s", text, r.text);
	check(r, status);
}

static struct js *answered(struct fake_request r, int status)
{
	struct js *j;

	assert_int_equal(r.status, status);
	j = fake_json(&r);
	fake_request_fini(&r);
	return j;
}

static void background(const char *id, enum job_state state, int64_t created_at)
{
	fake_job(id, state, created_at);
	fake_background();
}

static struct answer accepted(const char *id)
{
	struct answer a = {.status = 202, .outcome = "accepted"};

	assert_true(str_copy(a.job_id, sizeof(a.job_id), id));
	return a;
}

/* --- starting --- */

static void work_reaches_the_engine_as_it_was_sent(void **state)
{
	CLEANUP(js_freep) struct js *j = NULL;
	CLEANUP(freep) char *log = xasprintf("%s/" JOB_1 ".log", fake.dir);

	fake.answer = accepted(JOB_1);
	j = answered(fake_post(*state, RUNS, "{\"argv\":[\"x\"],\"mine\":1}"), 202);
	assert_string_equal(fake.calls, "work {\"argv\":[\"x\"],\"mine\":1};source manual;");
	assert_true(js_get_bool(j, "accepted", false));
	assert_string_equal(js_get_str(j, "runId"), JOB_1);
	assert_string_equal(js_get_str(j, "job_id"), JOB_1);
	assert_string_equal(js_get_str(j, "logPath"), log);
	assert_null(js_get(j, "sourceRunId"));
}

static void answer_to_a_start_may_come_later(void **state)
{
	struct fake_request r = {.method = "POST", .target = RUNS, .body = "{}", .is_local = true};

	fake.answers_later = true;
	fake_send(*state, &r);
	assert_int_equal(r.status, 0);
	fake.answer = accepted(JOB_1);
	fake.waiting(fake.waiting_ctx, &fake.answer);
	assert_non_null(strstr(r.text, "\"accepted\":true"));
	check(r, 202);
}

static void refusals_of_a_start_are_passed_on(void **state)
{
	fake.answer = (struct answer){.status = 400, .code = "invalid_request"};
	refused(fake_post(*state, RUNS, "{}"), 400, "invalid_request");
	fake.answer = (struct answer){.status = 503, .code = "not_ready"};
	refused(fake_post(*state, RUNS, "{}"), 503, "not_ready");
}

static void form_of_a_web_page_starts_nothing(void **state)
{
	expect(*state,
		(struct fake_request){.method = "POST",
			.target = RUNS,
			.body = "argv=x",
			.is_local = true,
			.headers = {"Content-Type: application/x-www-form-urlencoded"}},
		415);
	assert_string_equal(fake.calls, "");
}

static void start_over_tcp_takes_the_token(void **state)
{
	struct world *w = *state;
	struct fake_request r = {.method = "POST",
		.target = RUNS,
		.body = "{}",
		.headers = {"Host: localhost", "Authorization: Bearer t"}};

	expect(w, r, 401);
	assert_string_equal(fake.calls, "");
	world_set_token(w, "t");
	expect(w, r, 202);
	assert_string_equal(fake.calls, "work {};source api;");
}

/* --- one of them --- */

static void command_is_shown_as_people_would_type_it(void **state)
{
	CLEANUP(js_freep) struct js *j = NULL;

	background(JOB_1, JOB_RUNNING, NOW_US);
	fake.jobs[0].started_at = NOW_US;
	fake.body = COMMAND;
	j = answered(fake_get(*state, ONE), 200);
	assert_string_equal(js_get_str(j, "id"), JOB_1);
	assert_string_equal(js_get_str(j, "kind"), "background-command");
	assert_string_equal(js_get_str(j, "command"), "make -j2 'a b' 'it'\\''s' '' 'x y'");
	assert_string_equal(js_get_str(j, "cwd"), "/w");
	assert_string_equal(js_get_str(j, "taskSlug"), "build");
	assert_string_equal(js_get_str(j, "conversation"), "c-1");
	assert_string_equal(js_get_str(j, "startedAt"), "2023-11-14T22:13:20.000Z");
	assert_null(js_get_str(j, "prompt"));
	assert_null(js_get(j, "env"));
	assert_true(js_get_bool(js_get(j, "capabilities"), "canCancel", false));
	assert_false(js_get_bool(js_get(j, "capabilities"), "canRerun", true));
}

static void line_for_the_shell_is_shown_as_it_is(void **state)
{
	CLEANUP(js_freep) struct js *j = NULL;

	background(JOB_1, JOB_RUNNING, NOW_US);
	fake.body = "{\"shellCommand\":\"a |\\n\\tb\",\"cwd\":\"/\"}";
	j = answered(fake_get(*state, ONE), 200);
	assert_string_equal(js_get_str(j, "command"), "a |  b");
}

static void subagent_that_is_over_can_be_followed_up(void **state)
{
	CLEANUP(js_freep) struct js *j = NULL;
	const struct js *can;

	background(JOB_1, JOB_COMPLETED, NOW_US);
	fake.jobs[0].session_id = xstrdup("s-1");
	fake.jobs[0].result = xstrdup("done");
	fake.jobs[0].exit_code = 0;
	fake.body = AGENT;
	j = answered(fake_get(*state, ONE), 200);
	can = js_get(j, "capabilities");
	assert_string_equal(js_get_str(j, "kind"), "subagent");
	assert_string_equal(js_get_str(j, "prompt"), "look");
	assert_null(js_get_str(j, "command"));
	assert_string_equal(js_get_str(j, "sessionId"), "s-1");
	assert_int_equal(js_get_int(j, "exitCode", -1), 0);
	assert_false(js_get_bool(can, "canCancel", true));
	assert_true(js_get_bool(can, "canRerun", false));
	assert_true(js_get_bool(can, "canFollowUp", false));
	assert_true(js_get_bool(can, "hasResult", false));
	assert_false(js_get_bool(can, "hasLog", true));
}

static void log_is_there_when_its_file_is(void **state)
{
	CLEANUP(js_freep) struct js *j = NULL;
	CLEANUP(freep) char *log = xasprintf("%s/" JOB_1 ".log", fake.dir);
	struct err e = CLEAN_ERR;

	background(JOB_1, JOB_RUNNING, NOW_US);
	assert_int_equal(file_write(log, "", 0, 0600, &e), 0);
	j = answered(fake_get(*state, ONE), 200);
	assert_true(js_get_bool(js_get(j, "capabilities"), "hasLog", false));
}

static void work_that_cannot_be_read_is_shown_without_it(void **state)
{
	static const char *const bodies[] = {NULL, "", "[]", "{\"argv\":7,\"agent\":\"x\"}"};

	background(JOB_1, JOB_COMPLETED, NOW_US);
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		CLEANUP(js_freep) struct js *j = NULL;

		fake.body = bodies[i];
		j = answered(fake_get(*state, ONE), 200);
		assert_null(js_get_str(j, "command"));
		assert_null(js_get_str(j, "cwd"));
	}
}

static void every_state_has_a_word_of_the_protocol(void **state)
{
	static const struct {
		enum job_state state;
		const char *word;
	} rows[] = {
		{JOB_AWAITING_APPROVAL, "waiting"},
		{JOB_QUEUED, "queued"},
		{JOB_STARTING, "queued"},
		{JOB_RUNNING, "running"},
		{JOB_COMPLETED, "completed"},
		{JOB_FAILED, "failed"},
		{JOB_TIMED_OUT, "failed"},
		{JOB_CANCELLED, "cancelled"},
		{JOB_LOST, "interrupted"},
		{JOB_DISMISSED, "cancelled"},
		{JOB_EXPIRED, "cancelled"},
		{JOB_REJECTED, "failed"},
	};

	assert_int_equal(ARRAY_LEN(rows), JOB_STATES);
	background(JOB_1, JOB_QUEUED, NOW_US);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(js_freep) struct js *j = NULL;

		fake.jobs[0].state = rows[i].state;
		j = answered(fake_get(*state, ONE), 200);
		assert_string_equal(js_get_str(j, "status"), rows[i].word);
		assert_string_equal(js_get_str(j, "state"), job_state_name(rows[i].state));
	}
}

static void queued_for_later_is_waiting(void **state)
{
	for (int64_t more = 0; more <= 1; more++) {
		CLEANUP(js_freep) struct js *j = NULL;

		if (more == 0)
			background(JOB_1, JOB_QUEUED, NOW_US);
		fake.jobs[0].not_before = NOW_US + more;
		j = answered(fake_get(*state, ONE), 200);
		assert_string_equal(js_get_str(j, "status"), more == 0 ? "queued" : "waiting");
	}
}

static void job_of_a_pylon_is_no_execution(void **state)
{
	fake_job(JOB_1, JOB_RUNNING, NOW_US);
	refused(fake_get(*state, ONE), 404, "not_found");
	check(fake_get(*state, ONE "/log"), 404);
	check(fake_get(*state, ONE "/events"), 404);
	check(fake_post(*state, ONE "/cancel", "{}"), 404);
	check(fake_post(*state, ONE "/rerun", "{}"), 404);
	check(fake_post(*state, ONE "/follow-up", "{}"), 404);
	check(fake_get(*state, RUNS "/9999"), 404);
	assert_string_equal(fake.calls, "");
}

/* --- the list --- */

static size_t count(struct world *w, const char *target)
{
	CLEANUP(js_freep) struct js *j = answered(fake_get(w, target), 200);

	return js_len(js_get(j, "items"));
}

static void list_has_background_work_and_nothing_else(void **state)
{
	fake_job(JOB_2, JOB_RUNNING, 30);
	background(JOB_1, JOB_RUNNING, 20);
	assert_int_equal(count(*state, RUNS), 1);
	assert_int_equal(count(*state, "/api/jobs"), 1);
	check(fake_get(*state, "/api/jobs?pylon=(runtime)"), 404);
}

static void list_goes_from_page_to_page(void **state)
{
	CLEANUP(js_freep) struct js *page = NULL;

	background(JOB_1, JOB_RUNNING, 30);
	background(JOB_2, JOB_FAILED, 20);
	background(JOB_3, JOB_QUEUED, 10);
	page = answered(fake_get(*state, RUNS "?limit=2"), 200);
	assert_int_equal(js_len(js_get(page, "items")), 2);
	assert_string_equal(js_get_str(page, "next"), "20");
	assert_int_equal(count(*state, RUNS "?limit=2&before=20"), 1);
	js_free(page);
	page = answered(fake_get(*state, RUNS "?limit=3"), 200);
	assert_null(js_get_str(page, "next"));
}

/* Each state is asked for by itself. */
static void active_ones_are_newest_first_over_all_states(void **state)
{
	CLEANUP(js_freep) struct js *page = NULL;
	const struct js *items;

	background(JOB_1, JOB_RUNNING, 40);
	background(JOB_2, JOB_COMPLETED, 30);
	background(JOB_3, JOB_QUEUED, 20);
	background("44444444-1111-4111-8111-111111111111", JOB_RUNNING, 10);
	page = answered(fake_get(*state, RUNS "?state=active"), 200);
	items = js_get(page, "items");
	assert_int_equal(js_len(items), 3);
	assert_string_equal(js_get_str(js_at(items, 0), "id"), JOB_1);
	assert_string_equal(js_get_str(js_at(items, 1), "id"), JOB_3);
	js_free(page);
	page = answered(fake_get(*state, RUNS "?state=active&limit=2"), 200);
	assert_int_equal(js_len(js_get(page, "items")), 2);
	assert_string_equal(js_get_str(page, "next"), "20");
	assert_int_equal(count(*state, RUNS "?state=active&before=20"), 1);
}

static void list_takes_one_state_and_no_other_word(void **state)
{
	background(JOB_1, JOB_RUNNING, 30);
	background(JOB_2, JOB_FAILED, 20);
	assert_int_equal(count(*state, RUNS "?state=failed"), 1);
	assert_int_equal(count(*state, RUNS "?state="), 2);
	check(fake_get(*state, RUNS "?state=x"), 400);
	check(fake_get(*state, RUNS "?limit=0"), 400);
	check(fake_get(*state, RUNS "?before=x"), 400);
}

static void long_texts_are_cut_in_the_list_only(void **state)
{
	CLEANUP(js_freep) struct js *page = NULL;
	CLEANUP(js_freep) struct js *one = NULL;
	CLEANUP(freep) char *text = xcalloc(1, API_LIST_TEXT_MAX + 2);
	const struct js *item;

	(void)memset(text, 'x', API_LIST_TEXT_MAX + 1);
	background(JOB_1, JOB_COMPLETED, 30);
	fake.jobs[0].result = xstrdup(text);
	page = answered(fake_get(*state, RUNS), 200);
	item = js_at(js_get(page, "items"), 0);
	assert_int_equal(strlen(js_get_str(item, "result")), API_LIST_TEXT_MAX);
	assert_true(js_get_bool(item, "truncated", false));
	one = answered(fake_get(*state, ONE), 200);
	assert_int_equal(strlen(js_get_str(one, "result")), API_LIST_TEXT_MAX + 1);
}

/* --- cancel, rerun, follow-up --- */

static void cancel_is_a_kill_with_who_said_it(void **state)
{
	CLEANUP(js_freep) struct js *j = NULL;

	background(JOB_1, JOB_RUNNING, NOW_US);
	fake.answer = (struct answer){.status = 200, .outcome = "running"};
	j = answered(fake_post(*state, ONE "/cancel", "{\"by\":\"ann\"}"), 200);
	assert_true(js_get_bool(j, "cancelled", false));
	assert_string_equal(js_get_str(j, "runId"), JOB_1);
	assert_string_equal(fake.calls, "kill " JOB_1 ";by ann;");
}

static void what_is_over_is_not_cancelled(void **state)
{
	background(JOB_1, JOB_LOST, NOW_US);
	refused(fake_post(*state, ONE "/cancel", ""), 409, "conflict");
	assert_string_equal(fake.calls, "");
	fake.jobs[0].state = JOB_RUNNING;
	fake.answer = (struct answer){.status = 409, .code = "raced"};
	refused(fake_post(*state, ONE "/cancel", ""), 409, "raced");
}

static void rerun_names_the_old_and_the_new(void **state)
{
	CLEANUP(js_freep) struct js *j = NULL;

	background(JOB_1, JOB_FAILED, NOW_US);
	fake.answer = accepted(JOB_3);
	j = answered(fake_post(*state, ONE "/rerun", ""), 202);
	assert_string_equal(js_get_str(j, "runId"), JOB_3);
	assert_string_equal(js_get_str(j, "sourceRunId"), JOB_1);
	assert_string_equal(fake.calls, "rerun " JOB_1 ";");
}

static void what_is_active_is_not_run_once_more(void **state)
{
	background(JOB_1, JOB_QUEUED, NOW_US);
	fake.body = AGENT;
	check(fake_post(*state, ONE "/rerun", "{}"), 409);
	check(fake_post(*state, ONE "/follow-up", "{}"), 409);
	assert_string_equal(fake.calls, "");
}

static void follow_up_goes_on_with_the_session(void **state)
{
	CLEANUP(js_freep) struct js *j = NULL;

	background(JOB_1, JOB_COMPLETED, NOW_US);
	fake.jobs[0].session_id = xstrdup("s-1");
	fake.body = AGENT;
	fake.answer = accepted(JOB_3);
	j = answered(fake_post(*state, ONE "/follow-up", "{\"prompt\":\"more \\\"x\\\"\"}"), 202);
	assert_string_equal(js_get_str(j, "sourceRunId"), JOB_1);
	assert_string_equal(fake.calls,
		"work {\"cwd\":\"/w\",\"timeoutSeconds\":60,\"agent\":{\"model\":\"m\","
		"\"allowedTools\":[\"Read\"],\"prompt\":\"more \\\"x\\\"\",\"session\":\"s-1\"},"
		"\"followUpOfRunId\":\"" JOB_1 "\"};source manual;");
}

static void follow_up_without_a_prompt_says_continue(void **state)
{
	static const char *const bodies[] = {"", "{}", "{\"prompt\":\"\"}", "{\"prompt\":\" \"}"};

	background(JOB_1, JOB_COMPLETED, NOW_US);
	fake.jobs[0].session_id = xstrdup("s-1");
	fake.body = AGENT;
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		fake.calls[0] = '\0';
		check(fake_post(*state, ONE "/follow-up", bodies[i]), 202);
		assert_non_null(
			strstr(fake.calls, "\"prompt\":\"Continue from where you left off.\""));
	}
	check(fake_post(*state, ONE "/follow-up", "{\"prompt\":1}"), 400);
	check(fake_post(*state, ONE "/follow-up", "[]"), 400);
}

static void follow_up_of_a_follow_up_names_the_last_one(void **state)
{
	background(JOB_1, JOB_COMPLETED, NOW_US);
	fake.jobs[0].session_id = xstrdup("s-2");
	fake.body = "{\"agent\":{\"prompt\":\"x\",\"session\":\"s-1\"},\"cwd\":\"/\","
		    "\"followUpOfRunId\":\"" JOB_2 "\"}";
	check(fake_post(*state, ONE "/follow-up", ""), 202);
	assert_null(strstr(fake.calls, JOB_2));
	assert_null(strstr(fake.calls, "s-1"));
	assert_non_null(strstr(fake.calls, "\"followUpOfRunId\":\"" JOB_1 "\""));
}

static void only_a_subagent_with_a_session_is_followed_up(void **state)
{
	background(JOB_1, JOB_COMPLETED, NOW_US);
	fake.body = COMMAND;
	check(fake_post(*state, ONE "/follow-up", ""), 409);
	fake.body = AGENT;
	check(fake_post(*state, ONE "/follow-up", ""), 409);
	fake.jobs[0].session_id = xstrdup("");
	check(fake_post(*state, ONE "/follow-up", ""), 409);
	assert_string_equal(fake.calls, "");
}

/* --- its log and its events --- */

static struct fake_request *stream(struct world *w, struct fake_request *r, const char *target)
{
	*r = (struct fake_request){.method = "GET", .target = target, .is_local = true};
	fake_send(w, r);
	assert_int_equal(r->status, 200);
	assert_true(r->is_stream);
	return r;
}

static void log_of_background_work_is_served_at_both_places(void **state)
{
	static const char *const targets[] = {ONE "/log", "/api/jobs/1111/log"};
	CLEANUP(freep) char *log = xasprintf("%s/" JOB_1 ".log", fake.dir);
	struct err e = CLEAN_ERR;

	background(JOB_1, JOB_COMPLETED, NOW_US);
	assert_int_equal(file_write(log, "hello\n", 6, 0600, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		struct fake_request r;

		assert_string_equal(stream(*state, &r, targets[i])->text, "hello\n");
		assert_true(r.has_ended);
		fake_request_fini(&r);
	}
}

static void events_begin_with_a_snapshot_and_are_of_one_job_only(void **state)
{
	struct fake_request r;

	background(JOB_1, JOB_RUNNING, NOW_US);
	(void)stream(*state, &r, ONE "/events");
	assert_non_null(strstr(r.text, "event: snapshot\ndata: {\"id\":\"" JOB_1 "\""));
	fake_event(*state, "job", JOB_2, "failed");
	assert_null(strstr(r.text, JOB_2));
	fake_event(*state, "job", JOB_1, "completed");
	assert_non_null(strstr(r.text, "event: job\n"));
	assert_null(strstr(r.text, "gap"));
	fake_leave(&r);
	fake_request_fini(&r);
}

/* --- nobody reads the name that it is kept under --- */

static void nothing_shows_the_name_of_the_runtime(void **state)
{
	static const char *const targets[] = {
		"/api/jobs/1111", "/api/jobs/1111/explain", ONE, RUNS};
	struct engine_event ev = {.type = "job", .pylon = RUNTIME_NAME, .state = "running"};
	struct fake_request r;

	background(JOB_1, JOB_RUNNING, NOW_US);
	fake.body = COMMAND;
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		r = fake_get(*state, targets[i]);
		assert_null(strstr(r.text, "(runtime)"));
		check(r, 200);
	}
	(void)stream(*state, &r, "/api/events");
	fake.listener(fake.listener_ctx, &ev);
	assert_non_null(strstr(r.text, "\"pylon\":null"));
	assert_null(strstr(r.text, "(runtime)"));
	fake_leave(&r);
	fake_request_fini(&r);
}

static void job_of_background_work_tells_its_command(void **state)
{
	CLEANUP(js_freep) struct js *j = NULL;

	background(JOB_1, JOB_RUNNING, NOW_US);
	fake.body = "{\"argv\":[\"make\"],\"cwd\":\"/w\"}";
	j = answered(fake_get(*state, "/api/jobs/1111"), 200);
	assert_string_equal(js_get_str(j, "command"), "make");
	assert_string_equal(js_get_str(j, "cwd"), "/w");
	assert_null(js_get_str(j, "pylon"));
}

static void explanation_names_commands_that_work_for_it(void **state)
{
	CLEANUP(js_freep) struct js *running = NULL;
	CLEANUP(js_freep) struct js *over = NULL;

	background(JOB_1, JOB_RUNNING, NOW_US);
	running = answered(fake_get(*state, "/api/jobs/1111/explain"), 200);
	assert_string_equal(js_str(js_at(js_get(running, "hints"), 1)), "pylon kill 11111111");
	assert_int_equal(js_len(js_get(running, "hints")), 2);
	fake.jobs[0].state = JOB_FAILED;
	fake.jobs[0].session_id = xstrdup("s");
	over = answered(fake_get(*state, "/api/jobs/1111/explain"), 200);
	assert_string_equal(js_str(js_at(js_get(over, "hints"), 1)), "pylon rerun 11111111");
	assert_string_equal(
		js_str(js_at(js_get(over, "hints"), 2)), "pylon follow-up 11111111 TEXT");
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(work_reaches_the_engine_as_it_was_sent),
		ROW(answer_to_a_start_may_come_later),
		ROW(refusals_of_a_start_are_passed_on),
		ROW(form_of_a_web_page_starts_nothing),
		ROW(start_over_tcp_takes_the_token),
		ROW(command_is_shown_as_people_would_type_it),
		ROW(line_for_the_shell_is_shown_as_it_is),
		ROW(subagent_that_is_over_can_be_followed_up),
		ROW(log_is_there_when_its_file_is),
		ROW(work_that_cannot_be_read_is_shown_without_it),
		ROW(every_state_has_a_word_of_the_protocol),
		ROW(queued_for_later_is_waiting),
		ROW(job_of_a_pylon_is_no_execution),
		ROW(list_has_background_work_and_nothing_else),
		ROW(list_goes_from_page_to_page),
		ROW(active_ones_are_newest_first_over_all_states),
		ROW(list_takes_one_state_and_no_other_word),
		ROW(long_texts_are_cut_in_the_list_only),
		ROW(cancel_is_a_kill_with_who_said_it),
		ROW(what_is_over_is_not_cancelled),
		ROW(rerun_names_the_old_and_the_new),
		ROW(what_is_active_is_not_run_once_more),
		ROW(follow_up_goes_on_with_the_session),
		ROW(follow_up_without_a_prompt_says_continue),
		ROW(follow_up_of_a_follow_up_names_the_last_one),
		ROW(only_a_subagent_with_a_session_is_followed_up),
		ROW(log_of_background_work_is_served_at_both_places),
		ROW(events_begin_with_a_snapshot_and_are_of_one_job_only),
		ROW(nothing_shows_the_name_of_the_runtime),
		ROW(job_of_background_work_tells_its_command),
		ROW(explanation_names_commands_that_work_for_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
