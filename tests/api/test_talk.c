/* SPDX-License-Identifier: MIT */
/*
 * tests/api/test_talk.c - what one may say to a job and see of it while it works: replies, a shell
 * in its container, its progress, and what it has spent.
 */
#include "api/fakes.h"

#define REPLY  "/api/jobs/1111/reply"
#define ATTACH "/api/jobs/1111/attach"

static void check(struct fake_request r, int status)
{
	assert_int_equal(r.status, status);
	fake_request_fini(&r);
}

/* --- reply --- */

static void reply_reaches_the_engine_with_its_text_and_who_said_it(void **state)
{
	struct world *w = *state;
	struct fake_request r;

	fake_job(JOB_1, JOB_COMPLETED, NOW_US);
	fake.answer = (struct answer){.status = 200, .outcome = "queued"};
	r = fake_post(w, REPLY, "{\"text\":\"now\\nfix \u00e9\",\"by\":\"ann\\u001b[31m\"}");
	assert_int_equal(r.status, 200);
	assert_non_null(strstr(r.text, "\"status\":\"queued\""));
	fake_request_fini(&r);
	assert_string_equal(fake.calls, "reply " JOB_1 ";text now\nfix \u00e9;by ann;");
}

static void reply_over_tcp_does_not_choose_its_author(void **state)
{
	struct world *w = *state;

	fake_job(JOB_1, JOB_COMPLETED, NOW_US);
	fake.answer = (struct answer){.status = 200};
	world_set_token(w, "t");
	expect(w,
		(struct fake_request){.method = "POST",
			.target = REPLY,
			.body = "{\"text\":\"x\",\"by\":\"root\"}",
			.headers = {"Host: localhost", "Authorization: Bearer t"}},
		200);
	assert_string_equal(fake.calls, "reply " JOB_1 ";text x;by api;");
}

static void reply_without_a_text_is_400_and_reaches_nobody(void **state)
{
	static const char *const bodies[] = {"", "{}", "{\"text\":null}", "{\"text\":1}",
		"{\"text\":[\"x\"]}", "[]", "\"text\"", "{\"text\":\"x\"",
		"{\"text\":\"a\\u0000b\"}", "{\"text\":\"\xff\"}"};

	fake_job(JOB_1, JOB_COMPLETED, NOW_US);
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
		check(fake_post(*state, REPLY, bodies[i]), 400);
	check(fake_post(*state, "/api/jobs/9999/reply", "{\"text\":\"x\"}"), 404);
	assert_string_equal(fake.calls, "");
}

static void refusals_of_a_reply_are_passed_on(void **state)
{
	static const struct answer refusals[] = {
		{.status = 400, .code = "invalid_request"},
		{.status = 404, .code = "not_found"},
		{.status = 409, .code = "conflict"},
		{.status = 503, .code = "full", .retry_after_s = 30},
	};

	fake_job(JOB_1, JOB_RUNNING, NOW_US);
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		struct fake_request r;

		fake.answer = refusals[i];
		r = fake_post(*state, REPLY, "{\"text\":\"x\"}");
		assert_non_null(strstr(r.text, refusals[i].code));
		check(r, refusals[i].status);
	}
}

/* --- attach --- */

static void attach_tells_where_the_container_is(void **state)
{
	CLEANUP(js_freep) struct js *j = NULL;
	struct fake_request r;

	fake_job(JOB_1, JOB_RUNNING, NOW_US);
	r = fake_get(*state, ATTACH);
	assert_int_equal(r.status, 200);
	j = fake_json(&r);
	assert_string_equal(js_get_str(j, "job_id"), JOB_1);
	assert_string_equal(js_get_str(j, "socket"), "/run/engine.sock");
	assert_string_equal(js_get_str(j, "container"), "0123abcd");
	fake_request_fini(&r);
}

static void attach_is_for_callers_on_the_unix_socket(void **state)
{
	struct world *w = *state;

	fake_job(JOB_1, JOB_RUNNING, NOW_US);
	world_set_token(w, "t");
	expect(w,
		(struct fake_request){.method = "GET",
			.target = ATTACH,
			.headers = {"Host: localhost", "Authorization: Bearer t"}},
		403);
	/* Not even whether there is such a job. */
	expect(w,
		(struct fake_request){.method = "GET",
			.target = "/api/jobs/9999/attach",
			.headers = {"Host: localhost", "Authorization: Bearer t"}},
		403);
	assert_string_equal(fake.calls, "");
}

static void attach_without_a_running_container_is_a_conflict(void **state)
{
	struct fake_request r;

	fake_job(JOB_1, JOB_COMPLETED, NOW_US);
	fake.container_result = STORE_E_NOT_FOUND;
	r = fake_get(*state, ATTACH);
	assert_non_null(strstr(r.text, "conflict"));
	check(r, 409);
	check(fake_get(*state, "/api/jobs/9999/attach"), 404);
}

static void attach_without_an_engine_is_503(void **state)
{
	fake_job(JOB_1, JOB_RUNNING, NOW_US);
	fake.container_result = -ENOTCONN;
	check(fake_get(*state, ATTACH), 503);
}

/* --- what is seen of it --- */

static void progress_is_told_in_the_order_it_happened(void **state)
{
	CLEANUP(js_freep) struct js *j = NULL;
	const struct js *lines;
	struct fake_request r;

	fake_job(JOB_1, JOB_RUNNING, NOW_US);
	fake.progress[0] = "Read a.c";
	fake.progress[1] = "Bash make";
	r = fake_get(*state, "/api/jobs/1111");
	j = fake_json(&r);
	fake_request_fini(&r);
	lines = js_get(j, "progress");
	assert_int_equal(js_len(lines), 2);
	assert_string_equal(js_get_str(js_at(lines, 0), "line"), "Read a.c");
	assert_null(js_get_str(js_at(lines, 0), "at"));
	assert_string_equal(js_get_str(js_at(lines, 1), "line"), "Bash make");
	assert_string_equal(js_get_str(js_at(lines, 1), "at"), "2023-11-14T22:13:20.000Z");
}

static void without_a_living_run_there_is_no_progress(void **state)
{
	CLEANUP(js_freep) struct js *j = NULL;
	struct fake_request r;

	fake_job(JOB_1, JOB_COMPLETED, NOW_US);
	r = fake_get(*state, "/api/jobs/1111");
	j = fake_json(&r);
	fake_request_fini(&r);
	assert_true(js_is_array(js_get(j, "progress")));
	assert_int_equal(js_len(js_get(j, "progress")), 0);
}

static void expect_usage(const struct js *o, int64_t in, int64_t out, int64_t read, int64_t write)
{
	const struct js *u = js_get(o, "usage");

	assert_int_equal(js_get_int(u, "input_tokens", -1), in);
	assert_int_equal(js_get_int(u, "output_tokens", -1), out);
	assert_int_equal(js_get_int(u, "cache_read_tokens", -1), read);
	assert_int_equal(js_get_int(u, "cache_write_tokens", -1), write);
}

static void cost_and_tokens_are_told_for_the_job_and_each_run(void **state)
{
	CLEANUP(js_freep) struct js *j = NULL;
	const struct js *run;
	struct fake_request r;

	fake_job(JOB_1, JOB_COMPLETED, NOW_US);
	fake.jobs[0].cost_usd = 1.5;
	fake.jobs[0].usage = (struct usage){1, 2, 3, 4};
	r = fake_get(*state, "/api/jobs/1111");
	j = fake_json(&r);
	fake_request_fini(&r);
	expect_usage(j, 1, 2, 3, 4);
	assert_true(js_get_real(j, "total_cost_usd", 0) == 1.5);
	run = js_at(js_get(j, "runs"), 0);
	expect_usage(run, 7, 0, 9, 0);
	assert_true(js_get_real(run, "total_cost_usd", 0) == 0.25);
}

/* --- the list --- */

static struct js *list(struct world *w, const char *target)
{
	struct fake_request r = fake_get(w, target);
	struct js *j;

	assert_int_equal(r.status, 200);
	j = fake_json(&r);
	fake_request_fini(&r);
	return j;
}

static void spend(size_t i, double cost_usd, struct usage usage)
{
	fake.jobs[i].cost_usd = cost_usd;
	fake.jobs[i].usage = usage;
}

static void a_list_sums_up_the_jobs_it_shows_and_no_others(void **state)
{
	CLEANUP(js_freep) struct js *page = NULL;
	CLEANUP(js_freep) struct js *rest = NULL;

	fake_job(JOB_1, JOB_COMPLETED, 30);
	fake_job(JOB_2, JOB_FAILED, 20);
	fake_job("22222222-1111-4111-8111-111111111111", JOB_COMPLETED, 10);
	spend(0, 0.5, (struct usage){1, 10, 100, 1000});
	spend(1, 0.25, (struct usage){2, 20, 200, 2000});
	spend(2, 4, (struct usage){5, 50, 500, 5000});
	page = list(*state, "/api/jobs?limit=2");
	assert_int_equal(js_get_int(js_get(page, "total"), "jobs", -1), 2);
	assert_true(js_get_real(js_get(page, "total"), "total_cost_usd", -1) == 0.75);
	expect_usage(js_get(page, "total"), 3, 30, 300, 3000);
	expect_usage(js_at(js_get(page, "items"), 1), 2, 20, 200, 2000);
	rest = list(*state, "/api/jobs?limit=2&before=20");
	assert_int_equal(js_get_int(js_get(rest, "total"), "jobs", -1), 1);
	expect_usage(js_get(rest, "total"), 5, 50, 500, 5000);
}

static void an_empty_list_sums_up_to_nothing(void **state)
{
	CLEANUP(js_freep) struct js *page = list(*state, "/api/jobs");

	assert_int_equal(js_get_int(js_get(page, "total"), "jobs", -1), 0);
	assert_true(js_get_real(js_get(page, "total"), "total_cost_usd", -1) == 0);
	expect_usage(js_get(page, "total"), 0, 0, 0, 0);
}

static void numbers_that_no_sum_can_hold_stay_at_the_largest(void **state)
{
	CLEANUP(js_freep) struct js *page = NULL;

	fake_job(JOB_1, JOB_COMPLETED, 30);
	fake_job(JOB_2, JOB_COMPLETED, 20);
	spend(0, 0, (struct usage){INT64_MAX, INT64_MAX - 1, 0, 0});
	spend(1, 0, (struct usage){1, 1, 0, 0});
	page = list(*state, "/api/jobs");
	expect_usage(js_get(page, "total"), INT64_MAX, INT64_MAX, 0, 0);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(reply_reaches_the_engine_with_its_text_and_who_said_it),
		ROW(reply_over_tcp_does_not_choose_its_author),
		ROW(reply_without_a_text_is_400_and_reaches_nobody),
		ROW(refusals_of_a_reply_are_passed_on),
		ROW(attach_tells_where_the_container_is),
		ROW(attach_is_for_callers_on_the_unix_socket),
		ROW(attach_without_a_running_container_is_a_conflict),
		ROW(attach_without_an_engine_is_503),
		ROW(progress_is_told_in_the_order_it_happened),
		ROW(without_a_living_run_there_is_no_progress),
		ROW(cost_and_tokens_are_told_for_the_job_and_each_run),
		ROW(a_list_sums_up_the_jobs_it_shows_and_no_others),
		ROW(an_empty_list_sums_up_to_nothing),
		ROW(numbers_that_no_sum_can_hold_stay_at_the_largest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
