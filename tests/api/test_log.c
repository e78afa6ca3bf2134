/* SPDX-License-Identifier: MIT */
/*
 * tests/api/test_log.c - following a job's output.
 */
#include "api/fakes.h"
#include "base/spool.h"

/* Appends to the log of JOB_1. */
static void print(const char *text)
{
	CLEANUP(freep) char *path = xasprintf("%s/%s.log", fake.dir, JOB_1);
	char mark[SPOOL_MARK_MAX];
	struct spool *s = NULL;
	struct err e = CLEAN_ERR;

	assert_int_equal(spool_open(&s, path, MIB(8), MIB(8), mark, &e), 0);
	assert_int_equal(spool_write(s, text, strlen(text), &e), 0);
	assert_int_equal(spool_mark(s, "m", &e), 0);
	spool_close(s, false);
}

static void open_log(struct world *w, struct fake_request *r, const char *query)
{
	CLEANUP(freep) char *target = xasprintf("/api/jobs/%s/log%s", JOB_1, query);

	*r = (struct fake_request){
		.method = "GET", .target = target, .is_local = true, .blocks = r->blocks};
	fake_send(w, r);
	r->target = NULL;
	assert_int_equal(r->status, 200);
}

static const char *text_of(const struct fake_request *r)
{
	return r->text == NULL ? "" : r->text;
}

static void log_of_a_finished_job_is_sent_and_ended(void **state)
{
	struct fake_request r = {0};

	fake_job(JOB_1, JOB_COMPLETED, NOW_US);
	print("one\ntwo\n");
	open_log(*state, &r, "?follow=1");
	assert_string_equal(text_of(&r), "one\ntwo\n");
	assert_true(r.has_ended);
	fake_request_fini(&r);
}

static void without_follow_the_log_of_a_running_job_ends_too(void **state)
{
	struct fake_request r = {0};

	fake_job(JOB_1, JOB_RUNNING, NOW_US);
	print("one\n");
	open_log(*state, &r, "");
	assert_string_equal(text_of(&r), "one\n");
	assert_true(r.has_ended);
	fake_request_fini(&r);
}

static void follower_waits_for_a_queued_job_and_ends_with_it(void **state)
{
	struct fake_request r = {0};
	struct world *w = *state;

	fake_job(JOB_1, JOB_QUEUED, NOW_US);
	open_log(w, &r, "?follow=1");
	assert_string_equal(text_of(&r), "");
	fake_event(w, "job", JOB_1, "running");
	print("hello");
	fake_event(w, "log", JOB_2, "");
	assert_string_equal(text_of(&r), "");
	fake_event(w, "log", JOB_1, "");
	assert_string_equal(text_of(&r), "hello");
	/* What was printed last needs no event of its own. */
	print(" world\n");
	fake_event(w, "job", JOB_1, "completed");
	assert_string_equal(text_of(&r), "hello world\n");
	assert_true(r.has_ended);
	fake_request_fini(&r);
}

/* Of the same length, so that only their place on disk tells them apart. */
static void follower_goes_on_with_the_log_of_the_next_attempt(void **state)
{
	CLEANUP(freep) char *path = xasprintf("%s/%s.log", fake.dir, JOB_1);
	CLEANUP(freep) char *aside = xasprintf("%s/%s.1.log", fake.dir, JOB_1);
	struct fake_request r = {0};
	struct world *w = *state;

	fake_job(JOB_1, JOB_RUNNING, NOW_US);
	print("one\n");
	open_log(w, &r, "?follow=1");
	fake_event(w, "job", JOB_1, "queued");
	fake_event(w, "job", JOB_1, "starting");
	assert_int_equal(rename(path, aside), 0);
	fake_event(w, "log", JOB_1, "");
	print("two\n");
	fake_event(w, "log", JOB_1, "");
	assert_string_equal(text_of(&r), "one\ntwo\n");
	print("3\n");
	fake_event(w, "job", JOB_1, "completed");
	assert_string_equal(text_of(&r), "one\ntwo\n3\n");
	assert_true(r.has_ended);
	fake_request_fini(&r);
}

/* Came when the job was queued again: what is there is the log of the run before. */
static void follower_between_two_attempts_misses_nothing_of_the_next(void **state)
{
	static const enum job_state states[] = {JOB_QUEUED, JOB_STARTING};
	static const char *const queries[] = {"?follow=1", "?tail=0&follow=1"};
	static const char *const seen[] = {"one\n", ""};

	for (size_t i = 0; i < 4; i++) {
		CLEANUP(freep) char *path = xasprintf("%s/%s.log", fake.dir, JOB_1);
		CLEANUP(freep) char *aside = xasprintf("%s/%s.1.log", fake.dir, JOB_1);
		CLEANUP(freep) char *all = xasprintf("%stwo and more\n", seen[i % 2]);
		struct fake_request r = {0};

		fake_job(JOB_1, states[i / 2], NOW_US);
		print("one\n");
		open_log(*state, &r, queries[i % 2]);
		assert_string_equal(text_of(&r), seen[i % 2]);
		assert_int_equal(rename(path, aside), 0);
		print("two and more\n");
		fake_event(*state, "log", JOB_1, "");
		assert_string_equal(text_of(&r), all);
		fake_event(*state, "job", JOB_1, "completed");
		assert_true(r.has_ended);
		fake_request_fini(&r);
		job_fini(&fake.jobs[--fake.job_count]);
		assert_int_equal(unlink(path), 0);
	}
}

static void tail_counts_lines(void **state)
{
	static const struct {
		const char *query, *text;
	} rows[] = {
		{"?tail=1", "three\n"},
		{"?tail=2", "two\nthree\n"},
		{"?tail=3", "one\ntwo\nthree\n"},
		{"?tail=99", "one\ntwo\nthree\n"},
		{"?tail=0", ""},
	};

	fake_job(JOB_1, JOB_COMPLETED, NOW_US);
	print("one\ntwo\nthree\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake_request r = {0};

		open_log(*state, &r, rows[i].query);
		assert_string_equal(text_of(&r), rows[i].text);
		assert_true(r.has_ended);
		fake_request_fini(&r);
	}
}

static void tail_of_an_unterminated_line_and_then_follow(void **state)
{
	struct fake_request r = {0};

	fake_job(JOB_1, JOB_RUNNING, NOW_US);
	print("one\ntwo\nthr");
	open_log(*state, &r, "?tail=1&follow=1");
	assert_string_equal(text_of(&r), "thr");
	print("ee\n");
	fake_event(*state, "log", JOB_1, "");
	assert_string_equal(text_of(&r), "three\n");
	fake_leave(&r);
	fake_request_fini(&r);
}

static void bad_tail_is_400(void **state)
{
	fake_job(JOB_1, JOB_COMPLETED, NOW_US);
	expect(*state,
		(struct fake_request){.method = "GET",
			.target = "/api/jobs/" JOB_1 "/log?tail=-1",
			.is_local = true},
		400);
	expect(*state,
		(struct fake_request){
			.method = "GET", .target = "/api/jobs/" JOB_2 "/log", .is_local = true},
		404);
}

/* A log larger than a few pieces. */
static char *print_much(void)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;

	while (text.n < MIB(1))
		buf_printf(&text, "line at %zu\n", text.n);
	print(buf_str(&text));
	return buf_steal(&text);
}

static void slow_reader_gets_everything_piece_by_piece(void **state)
{
	struct fake_request r = {.blocks = true};
	struct world *w = *state;
	CLEANUP(freep) char *all = NULL;

	fake_job(JOB_1, JOB_COMPLETED, NOW_US);
	all = print_much();
	open_log(w, &r, "");
	assert_true(strlen(text_of(&r)) < strlen(all));
	assert_false(r.has_ended);
	loop_settle(w->loop);
	assert_false(r.has_ended);
	fake_drain(&r);
	loop_settle(w->loop);
	assert_string_equal(text_of(&r), all);
	assert_true(r.has_ended);
	fake_request_fini(&r);
}

static void long_log_is_sent_in_several_turns(void **state)
{
	struct fake_request r = {0};
	struct world *w = *state;
	CLEANUP(freep) char *all = NULL;

	fake_job(JOB_1, JOB_COMPLETED, NOW_US);
	all = print_much();
	open_log(w, &r, "");
	assert_false(r.has_ended);
	loop_settle(w->loop);
	assert_string_equal(text_of(&r), all);
	assert_true(r.has_ended);
	fake_request_fini(&r);
}

static void reader_that_leaves_is_forgotten(void **state)
{
	struct fake_request r = {0};
	struct world *w = *state;

	fake_job(JOB_1, JOB_RUNNING, NOW_US);
	open_log(w, &r, "?follow=1");
	fake_leave(&r);
	print("more\n");
	fake_event(w, "log", JOB_1, "");
	fake_event(w, "job", JOB_1, "completed");
	assert_string_equal(text_of(&r), "");
	fake_request_fini(&r);
}

static void closing_ends_followers_and_refuses_new_ones(void **state)
{
	struct fake_request r = {0};
	struct world *w = *state;

	fake_job(JOB_1, JOB_RUNNING, NOW_US);
	open_log(w, &r, "?follow=1");
	api_close_streams(w->api);
	assert_true(r.has_ended);
	fake_request_fini(&r);
	expect(w,
		(struct fake_request){.method = "GET",
			.target = "/api/jobs/" JOB_1 "/log?follow=1",
			.is_local = true},
		503);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(log_of_a_finished_job_is_sent_and_ended),
		ROW(without_follow_the_log_of_a_running_job_ends_too),
		ROW(follower_waits_for_a_queued_job_and_ends_with_it),
		ROW(follower_goes_on_with_the_log_of_the_next_attempt),
		ROW(follower_between_two_attempts_misses_nothing_of_the_next),
		ROW(tail_counts_lines),
		ROW(tail_of_an_unterminated_line_and_then_follow),
		ROW(bad_tail_is_400),
		ROW(slow_reader_gets_everything_piece_by_piece),
		ROW(long_log_is_sent_in_several_turns),
		ROW(reader_that_leaves_is_forgotten),
		ROW(closing_ends_followers_and_refuses_new_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
