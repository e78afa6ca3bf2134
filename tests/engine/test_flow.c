/* SPDX-License-Identifier: MIT */
/*
 * test_flow.c - the five steps with fake ports: what is answered, what is started, what is told.
 */
#include <unistd.h>

#include <sqlite3.h>

#include "engine/world.h"

#define CONFIG(extra)                                                                              \
	"version: 1\ndocker:\n  max_concurrent: 2\n" extra                                         \
	"defaults:\n  channel:\n    type: stdout\n"
#define REJECT CONFIG("")
#define QUEUE  CONFIG("  when_full: queue\n  queue_limit: 3\n")

#define PYLON(agent, channel)                                                                      \
	"name: hook\ncreated: 2026-01-01T00:00:00Z\n"                                              \
	"trigger:\n  type: webhook\n  path: /hook\n  secret: s3cret\n"                             \
	"  signature_header: X-Hub-Signature-256\n"                                                \
	"workspace:\n  type: none\n"                                                               \
	"channel:\n  type: stdout\n" channel "agent:\n  type: mock\n"                              \
	"  prompt: \"say {{ .body.word }}\"\n" agent

#define PLAIN PYLON("", "")

static void a_webhook_becomes_a_run_and_its_result_is_delivered(void **state UNUSED)
{
	struct world w;
	struct buf prompt = BUF_NULL;
	struct err e = CLEAN_ERR;
	struct job j = {0};
	char id[40];

	world_open(&w, REJECT, PLAIN);
	assert_true(w.is_prepared);
	world_post(&w, "d-1", "{\"word\":\"hello\"}");
	assert_int_equal(w.answer.status, 202);
	(void)str_copy(id, sizeof(id), w.answer.job_id);
	world_assert_state(&w, id, JOB_STARTING);
	assert_int_equal(file_read(world_run(&w, 0)->prompt_file, 100, &prompt, &e), 0);
	assert_string_equal(buf_str(&prompt), "say hello");
	buf_fini(&prompt);
	world_started(&w, 0);
	world_assert_state(&w, id, JOB_RUNNING);
	world_result(&w, 0,
		"{\"status\":\"completed\",\"output\":{\"result\":\"done it\",\"session_id\":\"s-1\","
		"\"total_cost_usd\":0.25}}");
	world_exited(&w, 0, 0);
	assert_int_equal(world_job(&w, id, &j), JOB_COMPLETED);
	assert_string_equal(j.result, "done it");
	assert_string_equal(j.session_id, "s-1");
	assert_int_equal(j.exit_code, 0);
	job_fini(&j);
	assert_true(world_run(&w, 0)->is_forgotten);
	assert_int_equal(w.channel.n, 1);
	assert_non_null(strstr(w.channel.sent[0].message, "done it"));
	world_sent(&w, 0, CHANNEL_SENT, -1);
	loop_advance(w.loop, 3600 * US_PER_SEC);
	assert_int_equal(w.channel.n, 1);
	world_close(&w);
}

static void what_an_event_says_is_never_read_as_a_template(void **state UNUSED)
{
	struct world w;
	struct buf prompt = BUF_NULL;
	struct err e = CLEAN_ERR;

	world_open(&w, REJECT, PLAIN);
	world_post(&w, "x", "{\"word\":\"{{ .body.other }}\",\"other\":\"filled in\"}");
	assert_int_equal(file_read(world_run(&w, 0)->prompt_file, 100, &prompt, &e), 0);
	assert_string_equal(buf_str(&prompt), "say {{ .body.other }}");
	buf_fini(&prompt);
	world_close(&w);
}

/* Most agent images run as a user of their own. */
static void every_user_may_read_what_the_agent_gets(void **state UNUSED)
{
	mode_t before = umask(077);
	struct world w;
	struct stat st;

	world_open(&w, REJECT, PLAIN);
	world_post(&w, "d-1", "{\"word\":\"hello\"}");
	assert_int_equal(stat(world_run(&w, 0)->prompt_file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0444);
	world_close(&w);
	(void)umask(before);
}

static void one_delivery_id_makes_one_job_also_after_a_crash(void **state UNUSED)
{
	struct world w;
	char id[40];

	world_open(&w, REJECT, PLAIN);
	world_post(&w, "same", "{\"word\":1}");
	(void)str_copy(id, sizeof(id), w.answer.job_id);
	world_post(&w, "same", "{\"word\":2}");
	assert_int_equal(w.answer.status, 200);
	assert_string_equal(w.answer.outcome, "duplicate");
	assert_string_equal(w.answer.job_id, id);
	world_crash(&w);
	world_restart(&w);
	world_post(&w, "same", "{\"word\":1}");
	assert_int_equal(w.answer.status, 200);
	assert_string_equal(w.answer.job_id, id);
	world_close(&w);
}

static void nobody_is_answered_before_the_commit(void **state UNUSED)
{
	struct world w;

	world_open(&w, QUEUE, PLAIN);
	for (int i = 0; i < 3; i++) {
		world_send(&w, i == 0 ? NULL : "same", "{}");
		assert_int_equal(w.answers, i);
		loop_settle(w.loop);
		assert_int_equal(w.answers, i + 1);
		assert_int_equal(w.answer.status, i == 2 ? 200 : 202);
	}
	world_close(&w);
}

static void a_full_house_rejects_and_a_redelivery_revives_the_same_job(void **state UNUSED)
{
	struct world w;
	struct job j = {0};
	char first[40];

	world_open(&w, REJECT, PLAIN);
	world_post(&w, "a", "{}");
	(void)str_copy(first, sizeof(first), w.answer.job_id);
	world_post(&w, "b", "{}");
	world_post(&w, "c", "{}");
	assert_int_equal(w.answer.status, 503);
	assert_string_equal(w.answer.code, "full");
	assert_true(w.answer.retry_after_s > 0);
	assert_int_equal(w.runner.n, 2);
	world_post(&w, "c", "{}");
	assert_int_equal(w.answer.status, 503);
	world_started(&w, 0);
	world_exited(&w, 0, 0);
	world_post(&w, "c", "{}");
	assert_int_equal(w.answer.status, 202);
	assert_int_equal(w.runner.n, 3);
	assert_int_equal(world_job(&w, w.answer.job_id, &j), JOB_STARTING);
	job_fini(&j);
	world_close(&w);
}

static void a_pylon_runs_no_more_than_its_own_number(void **state UNUSED)
{
	static const char *const configs[] = {REJECT, QUEUE};

	for (size_t i = 0; i < ARRAY_LEN(configs); i++) {
		struct world w;

		world_open(&w, configs[i], PYLON("  max_concurrent: 1\n", ""));
		world_post(&w, "a", "{}");
		world_post(&w, "b", "{}");
		assert_int_equal(w.answer.status, i == 0 ? 503 : 202);
		assert_int_equal(w.runner.n, 1);
		world_started(&w, 0);
		world_exited(&w, 0, 0);
		assert_int_equal(w.runner.n, i == 0 ? 1 : 2);
		world_close(&w);
	}
}

struct second_post {
	struct world *w;
	bool is_done;
};

/* Arrives in the very turn in which the first job is being claimed. */
static void post_when_queued(void *ctx, const struct engine_event *ev)
{
	struct second_post *s = ctx;

	if (s->is_done || !str_eq(ev->state, "queued"))
		return;
	s->is_done = true;
	world_send(s->w, "second", "{}");
}

static void a_job_being_claimed_holds_one_slot_and_not_two(void **state UNUSED)
{
	struct world w;
	struct second_post second = {.w = &w};

	world_open(&w, REJECT, PLAIN);
	engine_on_event(w.engine, post_when_queued, &second);
	world_post(&w, "first", "{}");
	assert_true(second.is_done);
	assert_int_equal(w.answers, 2);
	assert_int_equal(w.answer.status, 202);
	assert_int_equal(w.runner.n, 2);
	world_close(&w);
}

static void a_queue_takes_its_limit_and_runs_first_in_first_out(void **state UNUSED)
{
	struct world w;
	char ids[5][40];

	world_open(&w, QUEUE, PLAIN);
	for (int i = 0; i < 5; i++) {
		char key[16];

		(void)snprintf(key, sizeof(key), "k%d", i);
		world_post(&w, key, "{}");
		assert_int_equal(w.answer.status, 202);
		(void)str_copy(ids[i], sizeof(ids[i]), w.answer.job_id);
	}
	world_post(&w, "k5", "{}");
	assert_int_equal(w.answer.status, 503);
	assert_int_equal(w.runner.n, 2);
	world_started(&w, 1);
	world_exited(&w, 1, 0);
	assert_int_equal(w.runner.n, 3);
	assert_string_equal(world_run(&w, 2)->job_id.s, ids[2]);
	world_post(&w, "k5", "{}");
	assert_int_equal(w.answer.status, 202);
	world_close(&w);
}

static void without_an_engine_jobs_wait_with_a_reason_and_start_when_it_is_back(void **state UNUSED)
{
	struct world w;
	struct buf why = BUF_NULL;
	struct job j = {0};
	char id[40];

	world_open(&w, REJECT, PLAIN);
	world_engine(&w, false);
	world_post(&w, "x", "{\"word\":1}");
	assert_int_equal(w.answer.status, 202);
	(void)str_copy(id, sizeof(id), w.answer.job_id);
	assert_int_equal(world_job(&w, id, &j), JOB_QUEUED);
	engine_waiting_reason(w.engine, &j, &why);
	assert_non_null(strstr(buf_str(&why), "container engine"));
	buf_fini(&why);
	job_fini(&j);
	assert_int_equal(w.runner.n, 0);
	world_engine(&w, true);
	assert_int_equal(w.runner.n, 1);
	world_assert_state(&w, id, JOB_STARTING);
	world_close(&w);
}

static void the_doors_open_without_an_engine_and_the_survey_follows(void **state UNUSED)
{
	struct world w;

	world_open(&w, REJECT, PLAIN);
	world_crash(&w);
	w.runner.is_up = false;
	world_restart(&w);
	assert_true(w.is_prepared);
	world_post(&w, "x", "{}");
	assert_int_equal(w.answer.status, 202);
	assert_int_equal(w.runner.n, 0);
	world_engine(&w, true);
	assert_int_equal(w.runner.n, 1);
	world_close(&w);
}

static void an_engine_that_goes_away_at_the_start_costs_no_attempt(void **state UNUSED)
{
	struct world w;
	struct job j = {0};
	char id[40];

	world_open(&w, REJECT, PLAIN);
	w.runner.is_up = false; /* it has not noticed yet */
	world_post(&w, "x", "{}");
	(void)str_copy(id, sizeof(id), w.answer.job_id);
	w.runner.ev.ready(w.runner.ev.ctx, false, "gone");
	loop_settle(w.loop);
	assert_int_equal(world_job(&w, id, &j), JOB_QUEUED);
	assert_int_equal(j.failures, 0);
	job_fini(&j);
	world_engine(&w, true);
	world_assert_state(&w, id, JOB_STARTING);
	world_close(&w);
}

static void a_failed_run_is_retried_as_often_as_configured_and_then_told(void **state UNUSED)
{
	struct world w;
	struct job j = {0};
	char id[40];

	world_open(&w, REJECT, PYLON("  retries: 1\n  retry_backoff: 10s\n", ""));
	world_post(&w, "x", "{}");
	(void)str_copy(id, sizeof(id), w.answer.job_id);
	world_started(&w, 0);
	world_exited(&w, 0, 3);
	assert_int_equal(world_job(&w, id, &j), JOB_QUEUED);
	assert_true(j.not_before > loop_real(w.loop));
	job_fini(&j);
	assert_int_equal(w.channel.n, 0);
	loop_advance(w.loop, 11 * US_PER_SEC);
	assert_int_equal(w.runner.n, 2);
	world_started(&w, 1);
	world_exited(&w, 1, 3);
	assert_int_equal(world_job(&w, id, &j), JOB_FAILED);
	assert_int_equal(j.exit_code, 3);
	assert_string_equal(j.reason, "exit_status");
	job_fini(&j);
	assert_int_equal(w.channel.n, 1);
	world_close(&w);
}

static void a_run_over_its_time_limit_is_stopped_and_timed_out(void **state UNUSED)
{
	struct world w;
	char id[40];

	world_open(&w, REJECT, PYLON("  timeout: 10s\n", ""));
	world_post(&w, "x", "{}");
	(void)str_copy(id, sizeof(id), w.answer.job_id);
	world_started(&w, 0);
	loop_advance(w.loop, 10 * US_PER_SEC - 1000);
	assert_int_equal(world_run(&w, 0)->stops, 0);
	loop_advance(w.loop, 2000);
	assert_int_equal(world_run(&w, 0)->stops, 1);
	world_exited(&w, 0, 137);
	world_assert_state(&w, id, JOB_TIMED_OUT);
	world_close(&w);
}

static void kill_works_before_and_during_the_run(void **state UNUSED)
{
	struct world w;
	char id[40];

	world_open(&w, REJECT, PLAIN);
	world_engine(&w, false);
	world_post(&w, "x", "{}");
	(void)str_copy(id, sizeof(id), w.answer.job_id);
	world_decide(&w, ENGINE_KILL, id);
	world_assert_state(&w, id, JOB_CANCELLED);
	world_engine(&w, true);
	assert_int_equal(w.runner.n, 0);
	world_decide(&w, ENGINE_RETRY, id);
	assert_int_equal(w.answer.status, 200);
	assert_int_equal(w.runner.n, 1);
	world_started(&w, 0);
	world_decide(&w, ENGINE_KILL, id);
	assert_int_equal(world_run(&w, 0)->stops, 1);
	world_exited(&w, 0, 143);
	world_assert_state(&w, id, JOB_CANCELLED);
	world_decide(&w, ENGINE_KILL, id);
	assert_int_equal(w.answer.status, 409);
	world_close(&w);
}

static void nothing_runs_without_the_approval_that_is_required(void **state UNUSED)
{
	struct world w;
	char id[40];

	world_open(&w, REJECT, PYLON("", "  approval: true\n  approval_timeout: 1h\n"));
	world_post(&w, "x", "{\"word\":1}");
	assert_int_equal(w.answer.status, 202);
	(void)str_copy(id, sizeof(id), w.answer.job_id);
	world_assert_state(&w, id, JOB_AWAITING_APPROVAL);
	assert_int_equal(w.channel.n, 1);
	assert_string_equal(w.channel.sent[0].kind, "approval");
	world_sent(&w, 0, CHANNEL_DEAD, -1); /* it cannot be asked: fail closed */
	loop_advance(w.loop, 1800 * US_PER_SEC);
	assert_int_equal(w.runner.n, 0);
	world_assert_state(&w, id, JOB_AWAITING_APPROVAL);
	world_crash(&w);
	world_restart(&w);
	assert_int_equal(w.runner.n, 0);
	world_decide(&w, ENGINE_APPROVE, id);
	assert_int_equal(w.runner.n, 1);
	world_decide(&w, ENGINE_APPROVE, id);
	assert_int_equal(w.answer.status, 409);
	assert_int_equal(w.runner.n, 1);
	world_close(&w);
}

static void a_pylon_waits_for_a_bounded_number_of_approvals(void **state UNUSED)
{
	struct world w;
	char key[16];

	world_open(&w, REJECT, PYLON("", "  approval: true\n"));
	for (int i = 0; i < AWAITING_MAX; i++) {
		(void)snprintf(key, sizeof(key), "k%d", i);
		if (i == AWAITING_MAX - 1)
			loop_settle(w.loop);
		world_send(&w, key, "{}");
	}
	loop_settle(w.loop);
	assert_int_equal(w.answers, AWAITING_MAX);
	assert_int_equal(w.answer.status, 202);
	world_post(&w, "one too many", "{}");
	assert_int_equal(w.answer.status, 429);
	assert_string_equal(w.answer.code, "rate_limited");
	assert_true(w.answer.retry_after_s > 0);
	world_crash(&w);
	world_restart(&w);
	world_post(&w, "still too many", "{}");
	assert_int_equal(w.answer.status, 429);
	world_close(&w);
}

static void an_approval_that_nobody_gives_expires(void **state UNUSED)
{
	struct world w;
	char id[40];

	world_open(&w, REJECT, PYLON("", "  approval: true\n  approval_timeout: 1h\n"));
	world_post(&w, NULL, "{}"); /* also without a delivery id */
	(void)str_copy(id, sizeof(id), w.answer.job_id);
	world_sent(&w, 0, CHANNEL_SENT, -1);
	loop_advance(w.loop, 3599 * US_PER_SEC);
	world_assert_state(&w, id, JOB_AWAITING_APPROVAL);
	loop_advance(w.loop, 2 * US_PER_SEC);
	world_assert_state(&w, id, JOB_EXPIRED);
	world_decide(&w, ENGINE_APPROVE, id);
	assert_int_equal(w.answer.status, 409);
	assert_int_equal(w.runner.n, 0);
	world_close(&w);
}

static void a_delivery_is_retried_with_back_off_and_the_wish_of_its_receiver(void **state UNUSED)
{
	struct world w;

	world_open(&w, REJECT, PLAIN);
	world_post(&w, "x", "{}");
	world_started(&w, 0);
	world_exited(&w, 0, 0);
	assert_int_equal(w.channel.n, 1);
	world_sent(&w, 0, CHANNEL_RETRY, 30 * US_PER_SEC);
	loop_advance(w.loop, 29 * US_PER_SEC);
	assert_int_equal(w.channel.n, 1);
	loop_advance(w.loop, 2 * US_PER_SEC);
	assert_int_equal(w.channel.n, 2);
	assert_int_equal(w.channel.sent[1].attempt, 2);
	assert_false(w.channel.sent[1].is_repeat);
	world_sent(&w, 1, CHANNEL_SENT, -1);
	world_close(&w);
}

static void answered(void *ctx, const struct answer *a)
{
	struct world *w = ctx;

	w->answer = *a;
}

#define TO_WEBHOOK                                                                                 \
	"name: hook\ncreated: 2026-01-01T00:00:00Z\n"                                              \
	"trigger:\n  type: webhook\n  path: /hook\n  secret: s3cret\n"                             \
	"  signature_header: X-Hub-Signature-256\n"                                                \
	"workspace:\n  type: none\n"                                                               \
	"channel:\n  type: webhook\n  webhook:\n    url: https://example.com/in\n"                 \
	"agent:\n  type: mock\n  prompt: hi\n"

/* A message that may have arrived goes out again by itself only where its id tells a repetition. */
static void what_may_have_arrived_is_sent_again_as_a_repetition_or_not_at_all(void **state UNUSED)
{
	static const char *const pylons[] = {PLAIN, TO_WEBHOOK};

	for (size_t i = 0; i < ARRAY_LEN(pylons); i++) {
		struct world w;

		world_open(&w, REJECT, pylons[i]);
		world_post(&w, "x", "{}");
		world_started(&w, 0);
		world_exited(&w, 0, 0);
		world_sent(&w, 0, CHANNEL_UNKNOWN, -1);
		loop_advance(w.loop, 3600 * US_PER_SEC);
		assert_int_equal(w.channel.n, 1 + i);
		if (i == 0) {
			engine_redeliver(w.engine, &w.channel.sent[0].id, answered, &w);
			loop_settle(w.loop);
			assert_int_equal(w.answer.status, 200);
			assert_int_equal(w.channel.n, 2);
		}
		assert_string_equal(w.channel.sent[1].id.s, w.channel.sent[0].id.s);
		assert_true(w.channel.sent[1].is_repeat);
		world_close(&w);
	}
}

static void a_delivery_is_dead_after_its_last_attempt(void **state UNUSED)
{
	struct world w;

	world_open(&w, REJECT, PLAIN);
	world_post(&w, "x", "{}");
	world_started(&w, 0);
	world_exited(&w, 0, 0);
	for (size_t i = 0; i < DELIVERY_ATTEMPTS_MAX; i++) {
		assert_int_equal(w.channel.n, i + 1);
		world_sent(&w, i, CHANNEL_RETRY, -1);
		loop_advance(w.loop, 2 * DELIVERY_BACKOFF_MAX_US);
	}
	assert_int_equal(w.channel.n, DELIVERY_ATTEMPTS_MAX);
	world_close(&w);
}

/* "CALLBACK_URL=http://host:port/callback/<job>/<token>" */
static void report(struct world *w, const struct fake_run *r, const char *token, const char *json)
{
	const char *last = strrchr(r->callback, '/') + 1;

	engine_report(w->engine, slice_of(r->job_id.s), slice_of(token == NULL ? last : token),
		slice_of(json), answered, w);
	loop_settle(w->loop);
}

static void a_callback_counts_only_with_the_secret_of_its_living_run(void **state UNUSED)
{
	struct world w;
	struct job j = {0};
	struct fake_run *r;
	char id[40];

	world_open(&w, REJECT, PLAIN);
	world_post(&w, "x", "{}");
	(void)str_copy(id, sizeof(id), w.answer.job_id);
	world_started(&w, 0);
	r = world_run(&w, 0);
	report(&w, r, "00000000000000000000000000000000", "{\"status\":\"completed\"}");
	assert_int_equal(w.answer.status, 404);
	report(&w, r, NULL, "{\"status\":");
	assert_int_equal(w.answer.status, 400);
	report(&w, r, NULL, "{\"status\":\"completed\",\"output\":{\"result\":\"by callback\"}}");
	assert_int_equal(w.answer.status, 200);
	report(&w, r, NULL, "[]");
	assert_int_equal(w.answer.status, 400);
	world_exited(&w, 0, 0);
	assert_int_equal(world_job(&w, id, &j), JOB_COMPLETED);
	assert_string_equal(j.result, "by callback");
	job_fini(&j);
	report(&w, r, NULL, "{\"status\":\"completed\"}");
	assert_int_equal(w.answer.status, 404);
	world_close(&w);
}

static void a_result_file_beats_a_callback_and_a_bad_exit_beats_both(void **state UNUSED)
{
	struct world w;
	struct job j = {0};
	char id[2][40];

	world_open(&w, REJECT, PLAIN);
	for (int i = 0; i < 2; i++) {
		world_post(&w, i == 0 ? "a" : "b", "{}");
		(void)str_copy(id[i], sizeof(id[i]), w.answer.job_id);
		world_started(&w, (size_t)i);
		report(&w, world_run(&w, (size_t)i), NULL,
			"{\"status\":\"completed\",\"output\":{\"result\":\"callback\"}}");
		world_result(&w, (size_t)i,
			"{\"status\":\"completed\",\"output\":{\"result\":\"file\"}}");
		world_exited(&w, (size_t)i, i);
	}
	assert_int_equal(world_job(&w, id[0], &j), JOB_COMPLETED);
	assert_string_equal(j.result, "file");
	job_fini(&j);
	assert_int_equal(world_job(&w, id[1], &j), JOB_FAILED);
	job_fini(&j);
	world_close(&w);
}

static void a_report_that_cannot_be_used_is_no_success(void **state UNUSED)
{
	static const char *const reports[] = {"{\"status\":", "[]", "\"completed\"",
		"{\"status\":\"completed\",\"output\":{\"result\":\"\\u0000\"}}"};

	for (size_t i = 0; i < ARRAY_LEN(reports); i++) {
		struct world w;
		struct job j = {0};

		world_open(&w, REJECT, PLAIN);
		world_post(&w, "x", "{}");
		world_started(&w, 0);
		world_result(&w, 0, reports[i]);
		world_exited(&w, 0, 0);
		assert_int_equal(world_job(&w, w.answer.job_id, &j), JOB_FAILED);
		assert_string_equal(j.reason, "bad_result");
		job_fini(&j);
		world_close(&w);
	}
}

/* The agent may put a link where its report belongs, to have us read and tell what it points at. */
static void a_link_in_place_of_a_report_is_not_followed(void **state UNUSED)
{
	static const char secret[] =
		"{\"status\":\"completed\",\"output\":{\"result\":\"secret\"}}";
	struct world w;
	struct job j = {0};
	struct err e = CLEAN_ERR;
	char *target, *name;

	world_open(&w, REJECT, PLAIN);
	target = xasprintf("%s/secret.json", w.home);
	assert_int_equal(file_write(target, secret, strlen(secret), 0600, &e), 0);
	world_post(&w, "x", "{}");
	world_started(&w, 0);
	name = xasprintf("%s/jobs/%s.run/result.json", w.home, world_run(&w, 0)->run_id.s);
	assert_int_equal(symlink(target, name), 0);
	world_exited(&w, 0, 0);
	assert_int_equal(world_job(&w, w.answer.job_id, &j), JOB_FAILED);
	assert_string_equal(j.reason, "bad_result");
	assert_null(j.result);
	job_fini(&j);
	assert_null(strstr(w.channel.sent[0].message, "secret"));
	free(target);
	free(name);
	world_close(&w);
}

static void braces_at_the_end_of_stdout_are_no_report(void **state UNUSED)
{
	struct runner_exit x = {.stdout_tail = "{not json}\n", .stdout_tail_n = 11};
	struct world w;

	world_open(&w, REJECT, PLAIN);
	world_post(&w, "x", "{}");
	world_started(&w, 0);
	w.runner.ev.exited(w.runner.ev.ctx, &world_run(&w, 0)->run_id, &x);
	loop_settle(w.loop);
	world_assert_state(&w, w.answer.job_id, JOB_COMPLETED);
	world_close(&w);
}

static void a_workspace_that_cannot_be_made_fails_the_job_with_the_reason(void **state UNUSED)
{
	struct world w;
	struct job j = {0};

	world_open(&w, REJECT, PLAIN);
	w.workspace.fail = -13;
	world_post(&w, "x", "{}");
	assert_int_equal(world_job(&w, w.answer.job_id, &j), JOB_FAILED);
	assert_string_equal(j.reason, "workspace");
	assert_string_equal(j.error, "no folder");
	job_fini(&j);
	assert_int_equal(w.channel.n, 1);
	world_close(&w);
}

static void run_sql(sqlite3 *db, const char *sql)
{
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
}

/* What happened outside cannot be refused: it is recorded as soon as the database lets us. */
static void the_end_of_a_run_and_of_a_delivery_wait_for_a_busy_database(void **state UNUSED)
{
	struct world w;
	sqlite3 *other = NULL;
	char *path, id[40];

	world_open(&w, REJECT, PLAIN);
	world_post(&w, "x", "{}");
	(void)str_copy(id, sizeof(id), w.answer.job_id);
	world_started(&w, 0);
	path = xasprintf("%s/pylons/hook/jobs.db", w.home);
	assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
	run_sql(other, "BEGIN IMMEDIATE");
	world_exited(&w, 0, 0);
	loop_advance(w.loop, 10 * US_PER_SEC);
	world_assert_state(&w, id, JOB_RUNNING);
	assert_false(world_run(&w, 0)->is_forgotten);
	run_sql(other, "ROLLBACK");
	loop_advance(w.loop, 10 * US_PER_SEC);
	world_assert_state(&w, id, JOB_COMPLETED);
	run_sql(other, "BEGIN IMMEDIATE");
	world_sent(&w, 0, CHANNEL_SENT, -1);
	loop_advance(w.loop, 10 * US_PER_SEC);
	run_sql(other, "ROLLBACK");
	loop_advance(w.loop, 10 * US_PER_SEC);
	assert_int_equal(sqlite3_close(other), SQLITE_OK);
	world_crash(&w);
	world_restart(&w);
	assert_int_equal(w.channel.n, 0);
	free(path);
	world_close(&w);
}

static void a_draining_engine_accepts_nothing(void **state UNUSED)
{
	struct world w;

	world_open(&w, REJECT, PLAIN);
	engine_drain(w.engine);
	world_post(&w, "x", "{}");
	assert_int_equal(w.answer.status, 503);
	assert_string_equal(w.answer.code, "draining");
	world_close(&w);
}

static void a_draining_engine_starts_nothing(void **state UNUSED)
{
	struct world w;

	world_open(&w, REJECT, PLAIN);
	world_engine(&w, false);
	world_post(&w, "x", "{}");
	engine_drain(w.engine);
	world_engine(&w, true);
	assert_int_equal(w.runner.n, 0);
	world_assert_state(&w, w.answer.job_id, JOB_QUEUED);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_webhook_becomes_a_run_and_its_result_is_delivered),
		cmocka_unit_test(what_an_event_says_is_never_read_as_a_template),
		cmocka_unit_test(every_user_may_read_what_the_agent_gets),
		cmocka_unit_test(one_delivery_id_makes_one_job_also_after_a_crash),
		cmocka_unit_test(nobody_is_answered_before_the_commit),
		cmocka_unit_test(a_full_house_rejects_and_a_redelivery_revives_the_same_job),
		cmocka_unit_test(a_pylon_runs_no_more_than_its_own_number),
		cmocka_unit_test(a_job_being_claimed_holds_one_slot_and_not_two),
		cmocka_unit_test(a_queue_takes_its_limit_and_runs_first_in_first_out),
		cmocka_unit_test(
			without_an_engine_jobs_wait_with_a_reason_and_start_when_it_is_back),
		cmocka_unit_test(the_doors_open_without_an_engine_and_the_survey_follows),
		cmocka_unit_test(an_engine_that_goes_away_at_the_start_costs_no_attempt),
		cmocka_unit_test(a_failed_run_is_retried_as_often_as_configured_and_then_told),
		cmocka_unit_test(a_run_over_its_time_limit_is_stopped_and_timed_out),
		cmocka_unit_test(kill_works_before_and_during_the_run),
		cmocka_unit_test(nothing_runs_without_the_approval_that_is_required),
		cmocka_unit_test(a_pylon_waits_for_a_bounded_number_of_approvals),
		cmocka_unit_test(an_approval_that_nobody_gives_expires),
		cmocka_unit_test(a_delivery_is_retried_with_back_off_and_the_wish_of_its_receiver),
		cmocka_unit_test(what_may_have_arrived_is_sent_again_as_a_repetition_or_not_at_all),
		cmocka_unit_test(a_delivery_is_dead_after_its_last_attempt),
		cmocka_unit_test(a_callback_counts_only_with_the_secret_of_its_living_run),
		cmocka_unit_test(a_result_file_beats_a_callback_and_a_bad_exit_beats_both),
		cmocka_unit_test(a_report_that_cannot_be_used_is_no_success),
		cmocka_unit_test(a_link_in_place_of_a_report_is_not_followed),
		cmocka_unit_test(braces_at_the_end_of_stdout_are_no_report),
		cmocka_unit_test(a_workspace_that_cannot_be_made_fails_the_job_with_the_reason),
		cmocka_unit_test(the_end_of_a_run_and_of_a_delivery_wait_for_a_busy_database),
		cmocka_unit_test(a_draining_engine_accepts_nothing),
		cmocka_unit_test(a_draining_engine_starts_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
