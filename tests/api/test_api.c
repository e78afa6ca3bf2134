/* SPDX-License-Identifier: MIT */
/*
 * tests/api/test_api.c - jobs, decisions, deliveries, health, metrics and the daemon as JSON.
 */
#include "api/fakes.h"

static void check(struct fake_request r, int status)
{
	assert_int_equal(r.status, status);
	fake_request_fini(&r);
}

static void make_jobs(const int64_t *created, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		CLEANUP(freep) char *id = xasprintf("%08zx-1111-4111-8111-111111111111", i);

		fake_job(id, JOB_COMPLETED, created[i]);
	}
}

/* Items on the page; *ret_next as a number, 0 on the last page. */
static size_t page(struct world *w, const char *target, int64_t *ret_next)
{
	struct fake_request r = fake_get(w, target);
	CLEANUP(js_freep) struct js *j = NULL;
	const char *next;
	size_t n;

	assert_int_equal(r.status, 200);
	j = fake_json(&r);
	next = js_get_str(j, "next");
	*ret_next = next == NULL ? 0 : strtoll(next, NULL, 10);
	n = js_len(js_get(j, "items"));
	fake_request_fini(&r);
	return n;
}

static void pages_join_without_gap_or_repetition(void **state)
{
	static const int64_t created[] = {50, 40, 30, 20, 10};
	int64_t next;

	make_jobs(created, ARRAY_LEN(created));
	assert_int_equal(page(*state, "/api/jobs?limit=2", &next), 2);
	assert_int_equal(next, 40);
	assert_int_equal(page(*state, "/api/jobs?limit=2&before=40", &next), 2);
	assert_int_equal(next, 20);
	assert_int_equal(page(*state, "/api/jobs?limit=2&before=20", &next), 1);
	assert_int_equal(next, 0);
}

static void page_does_not_tear_jobs_of_one_instant_apart(void **state)
{
	static const int64_t created[] = {50, 40, 40, 40, 10};
	int64_t next;

	make_jobs(created, ARRAY_LEN(created));
	assert_int_equal(page(*state, "/api/jobs?limit=3", &next), 1);
	assert_int_equal(next, 50);
	assert_int_equal(page(*state, "/api/jobs?limit=3&before=50", &next), 3);
	assert_int_equal(next, 40);
	assert_int_equal(page(*state, "/api/jobs?limit=3&before=40", &next), 1);
	assert_int_equal(next, 0);
}

static void filters_are_checked(void **state)
{
	struct world *w = *state;
	int64_t next;

	fake_job(JOB_1, JOB_QUEUED, 20);
	fake_job(JOB_2, JOB_FAILED, 10);
	assert_int_equal(page(w, "/api/jobs?state=failed", &next), 1);
	assert_int_equal(page(w, "/api/jobs?pylon=demo", &next), 2);
	assert_int_equal(page(w, "/api/jobs?limit=500", &next), 2);
	check(fake_get(w, "/api/jobs?state=sleeping"), 400);
	check(fake_get(w, "/api/jobs?limit=0"), 400);
	check(fake_get(w, "/api/jobs?limit=501"), 400);
	check(fake_get(w, "/api/jobs?before=yesterday"), 400);
	check(fake_get(w, "/api/jobs?pylon=nobody"), 404);
}

static void long_results_are_cut_in_lists_and_whole_alone(void **state)
{
	CLEANUP(js_freep) struct js *list = NULL;
	CLEANUP(js_freep) struct js *one = NULL;
	struct fake_request r;
	const struct js *item;

	fake_job(JOB_1, JOB_COMPLETED, NOW_US);
	fake.jobs[0].result = xcalloc(1, 5001);
	(void)memset(fake.jobs[0].result, 'x', 5000);
	/* An umlaut over the cut. */
	(void)memcpy(fake.jobs[0].result + 2047, "\xC3\xBC", 2);
	r = fake_get(*state, "/api/jobs");
	list = fake_json(&r);
	item = js_at(js_get(list, "items"), 0);
	assert_int_equal(strlen(js_get_str(item, "result")), 2047);
	assert_true(js_get_bool(item, "truncated", false));
	fake_request_fini(&r);
	r = fake_get(*state, "/api/jobs/" JOB_1);
	one = fake_json(&r);
	assert_int_equal(strlen(js_get_str(one, "result")), 5000);
	fake_request_fini(&r);
}

static void one_job_is_found_by_its_beginning(void **state)
{
	CLEANUP(js_freep) struct js *j = NULL;
	struct fake_request r;

	fake_job(JOB_1, JOB_QUEUED, NOW_US);
	fake_job(JOB_2, JOB_QUEUED, NOW_US);
	r = fake_get(*state, "/api/jobs/11111");
	assert_int_equal(r.status, 200);
	j = fake_json(&r);
	assert_string_equal(js_get_str(j, "id"), JOB_1);
	assert_string_equal(js_get_str(j, "waiting"), "the container engine does not answer");
	assert_int_equal(js_len(js_get(j, "runs")), 1);
	assert_int_equal(js_len(js_get(j, "deliveries")), 1);
	assert_string_equal(js_get_str(js_get(js_get(j, "event"), "headers"), "x"), "<redacted>");
	fake_request_fini(&r);
	r = fake_get(*state, "/api/jobs/1111");
	assert_int_equal(r.status, 409);
	assert_non_null(strstr(r.text, "ambiguous"));
	fake_request_fini(&r);
	check(fake_get(*state, "/api/jobs/2222"), 404);
}

static void decisions_reach_the_engine_with_who_decided(void **state)
{
	struct world *w = *state;

	fake_job(JOB_1, JOB_RUNNING, NOW_US);
	fake.answer = (struct answer){.status = 200, .outcome = "cancelled"};
	check(fake_post(w, "/api/jobs/1111/kill", "{\"by\":\"ann\\u001b[31m\"}"), 200);
	check(fake_post(w, "/api/jobs/1111/retry", ""), 200);
	check(fake_post(w, "/api/jobs/1111/approve", "{}"), 200);
	check(fake_post(w, "/api/jobs/1111/dismiss", "{}"), 200);
	check(fake_post(w, "/api/jobs/1111/kill", "[]"), 400);
	check(fake_post(w, "/api/jobs/1111/kill", "{"), 400);
	check(fake_post(w, "/api/jobs/9999/kill", "{}"), 404);
	assert_string_equal(fake.calls,
		"kill " JOB_1 ";by ann;retry " JOB_1 ";by local;approve " JOB_1
		";by local;dismiss " JOB_1 ";by local;");
}

static void explanation_has_words_and_commands(void **state)
{
	CLEANUP(js_freep) struct js *j = NULL;
	struct fake_request r;

	fake_job(JOB_1, JOB_QUEUED, NOW_US);
	r = fake_get(*state, "/api/jobs/1111/explain");
	j = fake_json(&r);
	assert_non_null(strstr(js_get_str(j, "text"), "the container engine does not answer"));
	assert_string_equal(js_str(js_at(js_get(j, "hints"), 0)), "pylon kill 11111111");
	fake_request_fini(&r);
}

/* A job whose repository is fetched for minutes is not one whose container is slow. */
static void explanation_of_a_start_names_all_that_is_made(void **state)
{
	static const char *const parts[] = {"workspace", "image", "container"};
	struct fake_request r;

	fake_job(JOB_1, JOB_STARTING, NOW_US);
	r = fake_get(*state, "/api/jobs/1111/explain");
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (strstr(r.text, parts[i]) == NULL)
			fail_msg("%s is not in %s", parts[i], r.text);
	fake_request_fini(&r);
	job_fini(&fake.jobs[--fake.job_count]);
}

static void every_state_has_an_explanation(void **state)
{
	for (int s = 0; s < JOB_STATES; s++) {
		CLEANUP(js_freep) struct js *j = NULL;
		struct fake_request r;

		fake.job_count = 0;
		fake_job(JOB_1, (enum job_state)s, NOW_US);
		r = fake_get(*state, "/api/jobs/1111/explain");
		assert_int_equal(r.status, 200);
		j = fake_json(&r);
		assert_true(strlen(js_get_str(j, "text")) > 10);
		fake_request_fini(&r);
		job_fini(&fake.jobs[0]);
	}
	fake.job_count = 0;
}

static void hints_are_commands_of_this_job(void **state)
{
	static const struct {
		enum job_state state;
		const char *hint;
	} rows[] = {
		{JOB_RUNNING, "\"pylon attach 11111111\""},
		{JOB_COMPLETED, "\"pylon reply 11111111 TEXT\""},
		{JOB_FAILED, "\"pylon reply 11111111 TEXT\""},
		{JOB_TIMED_OUT, "\"pylon reply 11111111 TEXT\""},
		{JOB_CANCELLED, "\"pylon retry 11111111\""},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake_request r;

		fake_job(JOB_1, rows[i].state, NOW_US);
		r = fake_get(*state, "/api/jobs/1111/explain");
		if (strstr(r.text, rows[i].hint) == NULL)
			fail_msg("%s is not in %s", rows[i].hint, r.text);
		fake_request_fini(&r);
		job_fini(&fake.jobs[--fake.job_count]);
	}
}

static void stuck_messages_are_sent_again_by_the_beginning_of_their_id(void **state)
{
	struct world *w = *state;

	fake.answer = (struct answer){.status = 200};
	check(fake_post(w, "/api/deliveries/11112/redeliver", "{}"), 200);
	check(fake_post(w, "/api/deliveries/1111/redeliver", "{}"), 409);
	check(fake_post(w, "/api/deliveries/2222/redeliver", "{}"), 404);
	check(fake_post(w, "/api/deliveries/" JOB_1 "/redeliver", "{}"), 200);
	assert_string_equal(fake.calls, "redeliver " JOB_2 ";redeliver " JOB_1 ";");
	check(fake_get(w, "/api/deliveries?state=dead"), 200);
	check(fake_get(w, "/api/deliveries?state=lost"), 400);
}

static void readiness_says_what_is_missing(void **state)
{
	struct world *w = *state;
	struct fake_request r;

	check(fake_get(w, "/readyz"), 200);
	fake.status.store_is_writable = false;
	fake.status.is_draining = true;
	r = fake_get(w, "/readyz");
	assert_int_equal(r.status, 503);
	assert_non_null(strstr(r.text, "\"reasons\":[\"store_unavailable\",\"draining\"]"));
	fake_request_fini(&r);
	check(fake_get(w, "/healthz"), 200);
}

static void daemon_tells_how_it_is_and_stops_when_asked(void **state)
{
	struct world *w = *state;
	CLEANUP(js_freep) struct js *j = NULL;
	struct fake_request r;

	loop_advance(w->loop, 5 * US_PER_SEC);
	r = fake_get(w, "/api/daemon");
	j = fake_json(&r);
	assert_true(js_get_bool(j, "running", false));
	assert_int_equal(js_get_int(j, "pid", 0), getpid());
	assert_int_equal(js_get_int(j, "uptimeMs", 0), 5000);
	assert_string_equal(js_get_str(j, "version"), "1.2.3");
	assert_int_equal(js_get_int(js_get(j, "slots"), "total", 0), 3);
	fake_request_fini(&r);
	assert_int_equal(w->stops, 0);
	check(fake_post(w, "/api/daemon/stop", ""), 202);
	assert_int_equal(w->stops, 1);
}

static void metrics_are_text_for_prometheus(void **state)
{
	struct world *w = *state;
	struct fake_request r;

	api_set_server(w->api, (const struct http_server *)(const void *)w);
	expect(w, (struct fake_request){.method = "POST", .target = "/hook"}, 202);
	expect(w, (struct fake_request){.method = "POST", .target = "/nothing"}, 404);
	r = fake_get(w, "/metrics");
	assert_non_null(strstr(r.text, "pylon_build_info{version=\"1.2.3\"} 1\n"));
	assert_non_null(strstr(r.text, "pylon_jobs{pylon=\"demo\",state=\"queued\"} 2\n"));
	assert_non_null(strstr(r.text, "pylon_webhook_answers_total{status=\"202\"} 1\n"));
	assert_non_null(strstr(r.text, "pylon_webhook_answers_total{status=\"404\"} 1\n"));
	assert_non_null(strstr(r.text, "pylon_connections 7\n"));
	assert_non_null(strstr(r.text, "# TYPE pylon_loop_lag_seconds gauge\n"));
	fake_request_fini(&r);
}

static void pylons_are_shown_without_their_secrets(void **state)
{
	struct world *w = *state;
	struct fake_request r = fake_get(w, "/api/pylons");

	assert_non_null(strstr(r.text, "\"name\":\"demo\""));
	assert_non_null(strstr(r.text, "\"signed\":true"));
	assert_null(strstr(r.text, "hush"));
	fake_request_fini(&r);
	check(fake_get(w, "/api/pylons/demo"), 200);
	check(fake_get(w, "/api/pylons/nobody"), 404);
}

static void the_ledger_is_paged_by_instant(void **state)
{
	struct world *w = *state;
	int64_t next;

	assert_int_equal(page(w, "/api/occurrences?limit=2", &next), 2);
	assert_int_equal(next, NOW_US - US_PER_SEC);
	assert_int_equal(page(w, "/api/occurrences?limit=4", &next), 3);
	assert_int_equal(next, 0);
	assert_int_equal(page(w, "/api/occurrences?pylon=other", &next), 0);
	check(fake_get(w, "/api/occurrences?before=x"), 400);
}

static void a_job_of_a_schedule_says_which_occurrence_it_is(void **state)
{
	struct fake_request r;
	CLEANUP(js_freep) struct js *j = NULL;

	fake_job(JOB_1, JOB_COMPLETED, NOW_US);
	r = fake_get(*state, "/api/jobs/1111/explain");
	j = fake_json(&r);
	assert_string_equal(js_get_str(js_get(j, "occurrence"), "outcome"), "ran");
	fake_request_fini(&r);
}

static void reload_says_what_it_could_not_take_over(void **state)
{
	struct world *w = *state;
	struct fake_request r;
	CLEANUP(js_freep) struct js *j = NULL;

	strv_add(&fake.notes, "hook: 3:1: no");
	strv_add(&fake.keys, "server.port");
	r = fake_post(w, "/api/daemon/reload", "{}");
	assert_int_equal(r.status, 200);
	j = fake_json(&r);
	assert_string_equal(js_get_str(j, "status"), "incomplete");
	assert_string_equal(js_str(js_at(js_get(j, "problems"), 0)), "hook: 3:1: no");
	assert_string_equal(js_str(js_at(js_get(j, "restart_needed"), 0)), "server.port");
	fake_request_fini(&r);
	w->reload_fails = true;
	check(fake_post(w, "/api/daemon/reload", "{}"), 409);
	assert_int_equal(w->reloads, 2);
}

static void a_pylon_is_switched_and_taken_over_at_once(void **state)
{
	struct world *w = *state;

	check(fake_post(w, "/api/pylons/demo/disable", "{}"), 200);
	check(fake_post(w, "/api/pylons/demo/enable", "{}"), 200);
	assert_int_equal(w->reloads, 2);
	check(fake_post(w, "/api/pylons/other/enable", "{}"), 404);
	check(fake_post(w, "/api/pylons/broken/enable", "{}"), 409);
	assert_int_equal(w->reloads, 2);
	assert_string_equal(fake.calls, "disable demo;enable demo;enable other;");
}

static void a_schedule_can_be_tried_out(void **state)
{
	struct world *w = *state;
	struct fake_request r = fake_get(w, "/api/schedule/next?text=daily&tz=Asia/Tokyo&count=3");
	CLEANUP(js_freep) struct js *j = fake_json(&r);

	assert_int_equal(r.status, 200);
	assert_string_equal(js_get_str(j, "zone"), "Asia/Tokyo");
	assert_int_equal(js_get_int(j, "from", 0), NOW_US);
	assert_int_equal(js_get_int(j, "count", 0), 3);
	fake_request_fini(&r);
	check(fake_get(w, "/api/schedule/next"), 400);
	check(fake_get(w, "/api/schedule/next?text=never"), 400);
	check(fake_get(w, "/api/schedule/next?text=daily&count=0"), 400);
	check(fake_get(w, "/api/schedule/next?text=daily&count=1000"), 200);
	check(fake_get(w, "/api/schedule/next?text=daily&count=1001"), 400);
	check(fake_get(w, "/api/schedule/next?text=daily&from=x"), 400);
}

static void a_template_can_be_tried_out_and_gets_the_body_as_sent(void **state)
{
	struct world *w = *state;
	struct fake_request r = fake_post(
		w, "/api/template/render", "{\"template\":\"a\\nb\",\"body\":{\"n\": 1.50}}");
	CLEANUP(js_freep) struct js *j = fake_json(&r);

	assert_int_equal(r.status, 200);
	assert_string_equal(js_get_str(j, "text"), "a\nb{\"n\": 1.50}");
	fake_request_fini(&r);
	check(fake_post(w, "/api/template/render", "{\"template\":\"{{\"}"), 400);
	check(fake_post(w, "/api/template/render", "{\"template\":1}"), 400);
	check(fake_post(w, "/api/template/render", "{\"template\":\"x\",\"body\":[]}"), 400);
	check(fake_post(w, "/api/template/render", "{}"), 400);
	check(fake_post(w, "/api/template/render", ""), 400);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(pages_join_without_gap_or_repetition),
		ROW(page_does_not_tear_jobs_of_one_instant_apart),
		ROW(filters_are_checked),
		ROW(long_results_are_cut_in_lists_and_whole_alone),
		ROW(one_job_is_found_by_its_beginning),
		ROW(decisions_reach_the_engine_with_who_decided),
		ROW(explanation_has_words_and_commands),
		ROW(explanation_of_a_start_names_all_that_is_made),
		ROW(every_state_has_an_explanation),
		ROW(hints_are_commands_of_this_job),
		ROW(stuck_messages_are_sent_again_by_the_beginning_of_their_id),
		ROW(readiness_says_what_is_missing),
		ROW(daemon_tells_how_it_is_and_stops_when_asked),
		ROW(metrics_are_text_for_prometheus),
		ROW(pylons_are_shown_without_their_secrets),
		ROW(a_schedule_can_be_tried_out),
		ROW(a_template_can_be_tried_out_and_gets_the_body_as_sent),
		ROW(the_ledger_is_paged_by_instant),
		ROW(a_job_of_a_schedule_says_which_occurrence_it_is),
		ROW(reload_says_what_it_could_not_take_over),
		ROW(a_pylon_is_switched_and_taken_over_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
