/* SPDX-License-Identifier: MIT */
/*
 * Replies: a turn is kept by the move that queues its job, taken by a run, repeated by a retry.
 */
#undef NDEBUG
#include <signal.h>
#include <sys/wait.h>

#include "fixture.h"

static struct store_move reply_request(const struct id *job, enum job_state from, const char *text)
{
	struct store_move m = move_request(job, from, JOB_QUEUED);

	m.turn = text;
	return m;
}

static int do_reply(struct fixture *f, const struct id *job, enum job_state from, const char *text)
{
	struct store_move m = reply_request(job, from, text);

	return do_move(f, &m);
}

static void move(struct fixture *f, const struct id *job, enum job_state from, enum job_state to)
{
	struct store_move m = move_request(job, from, to);

	assert_int_equal(do_move(f, &m), 0);
}

/* A run of a queued job from its claim to its end, with the session it tells. */
static struct id run_once(
	struct fixture *f, const struct id *job, enum job_state end, const char *session)
{
	struct store_finish r;
	struct id run;

	assert_int_equal(do_claim(f, job, &run), 0);
	assert_int_equal(do_started(f, job, &run), 0);
	r = finish_request(job, &run, end);
	r.session_id = session;
	assert_int_equal(do_finish(f, &r), 0);
	return run;
}

/* What the job's run is told, NULL for its event, and which session it continues ("" = none). */
static void assert_told(
	struct fixture *f, const struct id *job, const char *text, const char *session)
{
	CLEANUP(turn_fini) struct turn t = {0};
	int rc = store_turn(f->db, job, &t, NULL);

	if (text == NULL) {
		assert_int_equal(rc, STORE_E_NOT_FOUND);
		return;
	}
	assert_int_equal(rc, 0);
	assert_string_equal(t.text, text);
	assert_string_equal(t.session_id == NULL ? "" : t.session_id, session);
}

static void a_reply_waits_for_a_run_and_is_what_that_run_is_told(void **state)
{
	struct fixture *f = *state;
	struct id job = make_finished(f, JOB_COMPLETED, NOW), run;
	CLEANUP(turn_fini) struct turn t = {0};
	CLEANUP(freep) char *taken = NULL;

	assert_int_equal(do_reply(f, &job, JOB_COMPLETED, "and the tests?"), 0);
	assert_int_equal(state_of(f, &job), JOB_QUEUED);
	assert_told(f, &job, NULL, NULL);
	fixture_reopen(f);
	assert_int_equal(do_claim(f, &job, &run), 0);
	assert_int_equal(store_turn(f->db, &job, &t, NULL), 0);
	assert_string_equal(t.text, "and the tests?");
	assert_string_equal(t.session_id, "s1");
	assert_string_equal(t.by, "bob");
	assert_int_equal(t.created_at, NOW + 3);
	taken = xasprintf("turns WHERE run_id = '%s'", run.s);
	assert_int_equal(count_rows(f, taken), 1);
	assert_sound(f);
}

static void a_job_nobody_replied_to_has_its_event_only(void **state)
{
	struct fixture *f = *state;
	struct id job = make_finished(f, JOB_FAILED, NOW), nobody;

	assert_told(f, &job, NULL, NULL);
	move(f, &job, JOB_FAILED, JOB_QUEUED);
	(void)run_once(f, &job, JOB_COMPLETED, NULL);
	assert_told(f, &job, NULL, NULL);
	id_make(&nobody);
	assert_told(f, &nobody, NULL, NULL);
	assert_int_equal(count_rows(f, "turns"), 0);
}

static void a_reply_clears_what_a_retry_clears_and_keeps_the_rest(void **state)
{
	struct fixture *f = *state;
	struct id job = make_finished(f, JOB_FAILED, NOW);
	struct job j;

	assert_int_equal(do_reply(f, &job, JOB_FAILED, "again, please"), 0);
	j = get_job(f, &job);
	assert_int_equal(j.state, JOB_QUEUED);
	assert_int_equal(j.queued_at, NOW + 3);
	assert_null(j.result);
	assert_null(j.output_json);
	assert_null(j.error);
	assert_null(j.reason);
	assert_int_equal(j.exit_code, -1);
	assert_int_equal(j.started_at, 0);
	assert_int_equal(j.finished_at, 0);
	assert_int_equal(j.failures, 0);
	assert_int_equal(j.attempt, 1);
	assert_string_equal(j.session_id, "s1");
	assert_string_equal(j.decided_by, "bob");
	assert_true(j.cost_usd > 0.24 && j.cost_usd < 0.26);
	job_fini(&j);
}

static void every_end_that_may_be_replied_to_is(void **state)
{
	static const enum job_state ends[] = {JOB_COMPLETED, JOB_FAILED, JOB_TIMED_OUT};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct id job = make_finished(f, ends[i], NOW), run;

		assert_int_equal(do_reply(f, &job, ends[i], "t"), 0);
		assert_int_equal(do_claim(f, &job, &run), 0);
		assert_told(f, &job, "t", "s1");
	}
	assert_sound(f);
}

static void turns_that_wait_together_are_taken_one_by_each_run_oldest_first(void **state)
{
	struct fixture *f = *state;
	struct id job = make_finished(f, JOB_COMPLETED, NOW), other;
	static const char *const texts[] = {"one", "two", "three"};

	/* What was queued ended before it ran. */
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(
			do_reply(f, &job, i == 0 ? JOB_COMPLETED : JOB_FAILED, texts[i]), 0);
		if (i + 1 < ARRAY_LEN(texts))
			move(f, &job, JOB_QUEUED, JOB_FAILED);
	}
	other = make_finished(f, JOB_COMPLETED, NOW);
	assert_int_equal(do_reply(f, &other, JOB_COMPLETED, "to another"), 0);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (i > 0)
			move(f, &job, JOB_COMPLETED, JOB_QUEUED);
		(void)run_once(f, &job, JOB_COMPLETED, NULL);
		assert_told(f, &job, texts[i], "s1");
		assert_int_equal(count_rows(f, "turns WHERE run_id IS NOT NULL"), i + 1);
		assert_sound(f);
	}
	assert_told(f, &other, NULL, NULL);
	(void)run_once(f, &other, JOB_COMPLETED, NULL);
	assert_told(f, &other, "to another", "s1");
}

static void a_retry_repeats_the_last_turn_in_the_session_it_was_said_in(void **state)
{
	struct fixture *f = *state;
	struct id job = make_finished(f, JOB_COMPLETED, NOW), first;
	CLEANUP(freep) char *taken = NULL;

	assert_int_equal(do_reply(f, &job, JOB_COMPLETED, "go on"), 0);
	first = run_once(f, &job, JOB_QUEUED, "s2"); /* a retry by itself */
	assert_told(f, &job, "go on", "s1");
	(void)run_once(f, &job, JOB_FAILED, "s3");
	assert_told(f, &job, "go on", "s1");
	move(f, &job, JOB_FAILED, JOB_QUEUED); /* one by hand */
	(void)run_once(f, &job, JOB_COMPLETED, "s4");
	assert_told(f, &job, "go on", "s1");
	taken = xasprintf("turns WHERE run_id = '%s'", first.s); /* who took it first stays */
	assert_int_equal(count_rows(f, taken), 1);
	assert_int_equal(count_rows(f, "turns"), 1);
	/* What is said next continues what the last run left. */
	assert_int_equal(do_reply(f, &job, JOB_COMPLETED, "thanks"), 0);
	assert_told(f, &job, "go on", "s1");
	(void)run_once(f, &job, JOB_COMPLETED, NULL);
	assert_told(f, &job, "thanks", "s4");
	assert_sound(f);
}

static void a_turn_may_have_no_session_and_nobody_who_said_it(void **state)
{
	struct fixture *f = *state;
	struct id job = make_job(f), run;
	struct store_move m;
	CLEANUP(turn_fini) struct turn t = {0};

	move(f, &job, JOB_QUEUED, JOB_FAILED); /* it never ran */
	m = reply_request(&job, JOB_FAILED, "t");
	m.by = NULL;
	assert_int_equal(do_move(f, &m), 0);
	assert_int_equal(do_claim(f, &job, &run), 0);
	assert_int_equal(store_turn(f->db, &job, &t, NULL), 0);
	assert_null(t.session_id);
	assert_null(t.by);
}

static void the_longest_text_comes_back_byte_for_byte(void **state)
{
	struct fixture *f = *state;

	for (size_t n = PROMPT_MAX - 1; n <= PROMPT_MAX + 1; n++) {
		struct id job = make_finished(f, JOB_COMPLETED, NOW), run;
		CLEANUP(buf_fini) struct buf text = BUF_NULL;

		while (text.n + 4 <= n)
			buf_add_str(&text, "\xf0\x9f\x90\x98");
		while (text.n < n)
			buf_add_str(&text, "'");
		assert_int_equal(do_reply(f, &job, JOB_COMPLETED, buf_str(&text)), 0);
		assert_int_equal(do_claim(f, &job, &run), 0);
		assert_told(f, &job, buf_str(&text), "s1");
	}
}

/* --- what is refused leaves nothing --- */

static bool no_room(void *ctx UNUSED)
{
	return false;
}

static void a_refused_reply_inserts_nothing(void **state)
{
	struct fixture *f = *state;
	struct id nobody, run, job = make_job(f), over = make_finished(f, JOB_COMPLETED, NOW);
	struct store_move m = reply_request(&over, JOB_COMPLETED, "t");

	id_make(&nobody);
	assert_int_equal(do_reply(f, &nobody, JOB_COMPLETED, "t"), STORE_E_NOT_FOUND);
	assert_int_equal(do_reply(f, &job, JOB_COMPLETED, "t"), STORE_E_STATE);
	assert_int_equal(do_reply(f, &job, JOB_QUEUED, "t"), STORE_E_STATE); /* the table says no */
	assert_int_equal(do_claim(f, &job, &run), 0);
	assert_int_equal(do_reply(f, &job, JOB_STARTING, "t"), STORE_E_STATE); /* a run lives */
	assert_int_equal(do_started(f, &job, &run), 0);
	assert_int_equal(do_reply(f, &job, JOB_RUNNING, "t"), STORE_E_STATE);
	m.take_room = no_room;
	assert_int_equal(do_move(f, &m), STORE_E_FULL);
	assert_int_equal(count_rows(f, "turns"), 0);
	assert_int_equal(state_of(f, &over), JOB_COMPLETED);
}

static void of_two_replies_in_one_turn_of_the_loop_the_first_is_kept(void **state)
{
	struct fixture *f = *state;
	struct id job = make_finished(f, JOB_COMPLETED, NOW);
	struct store_move m[] = {reply_request(&job, JOB_COMPLETED, "first"),
		reply_request(&job, JOB_COMPLETED, "second")};
	struct told t[2] = {0};

	for (int i = 0; i < 2; i++) {
		m[i].op.done = tell_done;
		m[i].op.ctx = &t[i];
		store_move(f->db, &m[i]);
	}
	assert_int_equal(commit(f), 0);
	assert_int_equal(t[0].rc, 0);
	assert_int_equal(t[1].rc, STORE_E_STATE);
	assert_int_equal(count_rows(f, "turns"), 1);
	(void)run_once(f, &job, JOB_COMPLETED, NULL);
	assert_told(f, &job, "first", "s1");
}

static void a_reply_that_is_tried_twice_is_kept_once(void **state)
{
	struct fixture *f = *state;
	struct id job = make_finished(f, JOB_COMPLETED, NOW);
	struct store_move m = reply_request(&job, JOB_COMPLETED, "t");
	struct store_accept bad = accept_request(f, NULL);
	struct told t[2] = {0};

	bad.job_id = job; /* there is one: it breaks the transaction of both */
	m.op.done = bad.op.done = tell_done;
	m.op.ctx = &t[0];
	bad.op.ctx = &t[1];
	store_move(f->db, &m);
	store_accept(f->db, &bad);
	assert_int_equal(commit(f), 0);
	assert_int_equal(t[0].rc, 0);
	assert_true(t[1].rc < 0);
	assert_int_equal(count_rows(f, "turns"), 1);
}

static void a_claim_that_is_refused_takes_no_turn(void **state)
{
	struct fixture *f = *state;
	struct id job = make_finished(f, JOB_COMPLETED, NOW), run;
	struct store_move m = reply_request(&job, JOB_COMPLETED, "t");

	m.not_before = NOW + 1;
	assert_int_equal(do_move(f, &m), 0);
	assert_int_equal(do_claim(f, &job, &run), STORE_E_STATE);
	move(f, &job, JOB_QUEUED, JOB_CANCELLED);
	assert_int_equal(do_claim(f, &job, &run), STORE_E_STATE);
	assert_int_equal(count_rows(f, "turns WHERE run_id IS NULL"), 1);
	move(f, &job, JOB_CANCELLED, JOB_QUEUED);
	assert_int_equal(do_claim(f, &job, &run), 0);
	assert_int_equal(do_claim(f, &job, &run), STORE_E_STATE);
	assert_told(f, &job, "t", "s1");
}

static void a_run_takes_one_turn_at_most(void **state)
{
	struct fixture *f = *state;
	struct id job = make_finished(f, JOB_COMPLETED, NOW), run;

	assert_int_equal(do_reply(f, &job, JOB_COMPLETED, "one"), 0);
	move(f, &job, JOB_QUEUED, JOB_FAILED);
	assert_int_equal(do_reply(f, &job, JOB_FAILED, "two"), 0);
	assert_int_equal(do_claim(f, &job, &run), 0);
	/* Not even by somebody else's hand. */
	assert_int_equal(sqlite3_exec(f->db->sql,
				 "UPDATE turns SET run_id = (SELECT id FROM runs "
				 "WHERE state = 'created') WHERE run_id IS NULL",
				 NULL, NULL, NULL),
		SQLITE_CONSTRAINT_UNIQUE);
}

/* --- kills --- */

/* What a child does until it is killed. */
struct act {
	struct id job;
	int statements;
};

static void act_reply(struct fixture *f, void *ctx)
{
	struct act *a = ctx;

	fixture_open(f);
	die_after(f, a->statements);
	(void)do_reply(f, &a->job, JOB_COMPLETED, "t");
}

static void act_claim(struct fixture *f, void *ctx)
{
	struct act *a = ctx;
	struct id run;

	fixture_open(f);
	die_after(f, a->statements);
	(void)do_claim(f, &a->job, &run);
}

/* Was it killed? */
static bool kill_in(
	struct fixture *f, struct act *a, int statements, void (*fn)(struct fixture *f, void *ctx))
{
	int status;

	fixture_close(f);
	a->statements = statements;
	status = in_child(fn, f, a);
	fixture_open(f);
	assert_sound(f);
	if (WIFEXITED(status)) {
		assert_int_equal(WEXITSTATUS(status), 0);
		return false;
	}
	assert_int_equal(WTERMSIG(status), SIGKILL);
	return true;
}

static void a_reply_killed_anywhere_is_there_as_a_whole_or_not_at_all(void **state)
{
	struct fixture *f = *state;
	struct act a = {.job = make_finished(f, JOB_COMPLETED, NOW)};
	int n = 0;

	while (kill_in(f, &a, n, act_reply)) {
		assert_int_equal(count_rows(f, "turns"), state_of(f, &a.job) == JOB_QUEUED);
		assert_int_equal(state_of(f, &a.job), JOB_COMPLETED);
		n++;
	}
	assert_true(n >= 4); /* begin, read, two writes, commit */
	assert_int_equal(state_of(f, &a.job), JOB_QUEUED);
	assert_int_equal(count_rows(f, "turns"), 1);
}

static void a_claim_killed_anywhere_has_its_turn_or_is_not_made(void **state)
{
	struct fixture *f = *state;
	struct act a = {.job = make_finished(f, JOB_COMPLETED, NOW)};
	int n = 0;

	assert_int_equal(do_reply(f, &a.job, JOB_COMPLETED, "t"), 0);
	while (kill_in(f, &a, n, act_claim)) {
		assert_int_equal(state_of(f, &a.job), JOB_QUEUED);
		assert_int_equal(count_rows(f, "turns WHERE run_id IS NULL"), 1);
		assert_int_equal(count_rows(f, "runs WHERE state = 'created'"), 0);
		n++;
	}
	assert_true(n >= 5);
	assert_int_equal(state_of(f, &a.job), JOB_STARTING);
	assert_told(f, &a.job, "t", "s1");
}

/* --- forgetting, plans --- */

static void turns_go_with_their_job(void **state)
{
	struct fixture *f = *state;
	struct id old = make_finished(f, JOB_COMPLETED, 1), kept = make_finished(f, JOB_FAILED, 1);
	struct store_prune r = {.jobs_before = NOW};
	struct told t = {0};

	assert_int_equal(do_reply(f, &kept, JOB_FAILED, "stays"), 0);
	assert_int_equal(do_reply(f, &old, JOB_COMPLETED, "taken"), 0);
	(void)run_once(f, &old, JOB_FAILED, NULL);
	assert_int_equal(do_reply(f, &old, JOB_FAILED, "not taken"), 0);
	move(f, &old, JOB_QUEUED, JOB_CANCELLED);
	r.jobs_before = NOW + 100;
	r.op.done = tell_done;
	r.op.ctx = &t;
	store_prune(f->db, &r);
	assert_int_equal(commit(f), 0);
	assert_int_equal(t.rc, 0);
	assert_int_equal(r.rows, 1);
	assert_int_equal(count_rows(f, "turns"), 1);
	assert_int_equal(count_rows(f, "turns WHERE text = 'stays'"), 1);
	assert_sound(f);
}

static void no_statement_about_turns_reads_a_whole_table(void **state)
{
	static const enum slot slots[] = {SLOT_TURN_ADD, SLOT_TURN_TAKE, SLOT_GET_TURN};
	struct fixture *f = *state;
	struct id job = make_finished(f, JOB_COMPLETED, NOW);

	assert_int_equal(do_reply(f, &job, JOB_COMPLETED, "t"), 0);
	(void)run_once(f, &job, JOB_COMPLETED, NULL);
	assert_told(f, &job, "t", "s1");
	assert_indexed(f, slots, ARRAY_LEN(slots));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_reply_waits_for_a_run_and_is_what_that_run_is_told),
		TEST(a_job_nobody_replied_to_has_its_event_only),
		TEST(a_reply_clears_what_a_retry_clears_and_keeps_the_rest),
		TEST(every_end_that_may_be_replied_to_is),
		TEST(turns_that_wait_together_are_taken_one_by_each_run_oldest_first),
		TEST(a_retry_repeats_the_last_turn_in_the_session_it_was_said_in),
		TEST(a_turn_may_have_no_session_and_nobody_who_said_it),
		TEST(the_longest_text_comes_back_byte_for_byte),
		TEST(a_refused_reply_inserts_nothing),
		TEST(of_two_replies_in_one_turn_of_the_loop_the_first_is_kept),
		TEST(a_reply_that_is_tried_twice_is_kept_once),
		TEST(a_claim_that_is_refused_takes_no_turn),
		TEST(a_run_takes_one_turn_at_most),
		TEST(a_reply_killed_anywhere_is_there_as_a_whole_or_not_at_all),
		TEST(a_claim_killed_anywhere_has_its_turn_or_is_not_made),
		TEST(turns_go_with_their_job),
		TEST(no_statement_about_turns_reads_a_whole_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
