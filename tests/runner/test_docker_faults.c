/* SPDX-License-Identifier: MIT */
/*
 * tests/runner/test_docker_faults.c - engines that are too old, mute, cut short, lying, or away,
 * and daemons that come back after a kill.
 */
#include <errno.h>

#include "runner/world.h"

/* --- is there an engine? --- */

static void no_socket_is_told_once(void **state)
{
	struct world *w = *state;

	w->has_socket = false;
	w->runner->ops->open(w->runner);
	WAIT_FOR(w, w->downs == 1);
	world_pass(w, 100 * US_PER_MS);
	assert_int_equal(w->downs, 1);
	w->has_socket = true;
	WAIT_FOR(w, w->ups == 1);
}

static void dead_socket_is_told_with_its_path(void **state)
{
	struct world *w = *state;

	fake_engine_leave(w->engine);
	w->runner->ops->open(w->runner);
	WAIT_FOR(w, w->downs == 1);
	assert_non_null(strstr(w->ready_text, w->engine->path));
	assert_non_null(strstr(w->ready_text, "nobody answers"));
}

static void expect_version(struct world *w, const char *newest, const char *oldest, unsigned minor)
{
	CLEANUP(freep)
	char *version =
		xasprintf("{\"ApiVersion\":\"%s\",\"MinAPIVersion\":\"%s\"}", newest, oldest);

	w->engine->version = version;
	world_restart(w);
	w->runner->ops->open(w->runner);
	WAIT_FOR(w, w->ups + w->downs > 0);
	assert_int_equal(w->ups, minor > 0);
	if (minor > 0)
		assert_int_equal(w->docker->engine.api_minor, minor);
}

static void version_is_negotiated(void **state)
{
	static const struct {
		const char *newest, *oldest;
		unsigned minor; /* 0: refused */
	} rows[] = {
		{"1.40", "1.12", 40},
		{"1.41", "1.12", 41},
		{"1.43", "1.12", 43},
		{"1.47", "1.24", 43},
		{"1.52", "1.44", 44},
		{"1.39", "1.12", 0},
		{"2.0", "1.12", 0},
		{"", "", 0},
		{"1.", "1.12", 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect_version(*state, rows[i].newest, rows[i].oldest, rows[i].minor);
}

static void something_else_on_the_socket_is_no_engine(void **state)
{
	struct world *w = *state;

	w->engine->version = "[1,2";
	w->runner->ops->open(w->runner);
	WAIT_FOR(w, w->downs == 1);
	assert_non_null(strstr(w->ready_text, "no container engine"));
}

static void what_needs_an_engine_is_refused_without_one(void **state)
{
	struct world *w = *state;

	w->has_socket = false;
	w->runner->ops->open(w->runner);
	WAIT_FOR(w, w->downs == 1);
	world_start(w, RUN_1);
	world_ensure(w, "img");
	world_survey(w);
	assert_int_equal(w->images + w->surveys + world_run(w, RUN_1)->refused, 0);
	WAIT_FOR(w, world_run(w, RUN_1)->refused == 1);
	assert_int_equal(world_run(w, RUN_1)->why, RUNNER_ENGINE_DOWN);
	WAIT_FOR(w, w->images == 1 && w->surveys == 1);
	assert_int_equal(w->image_rc, -EHOSTUNREACH);
	assert_int_equal(w->survey_rc, -ENOTCONN);
}

/* --- away in the middle --- */

static void engine_that_comes_back_finds_its_run_again(void **state)
{
	struct world *w = *state;
	struct fake_container *c;
	char *log;

	world_open(w);
	c = world_running(w, RUN_1);
	fake_log(w->engine, c, 1, T0_NS, "before\n");
	WAIT_FOR(w, world_run(w, RUN_1)->outputs == 1);
	fake_engine_leave(w->engine);
	WAIT_FOR(w, w->downs == 1);
	fake_log(w->engine, c, 1, T0_NS, "meanwhile\n");
	fake_engine_return(w->engine);
	WAIT_FOR(w, w->ups == 2);
	WAIT_FOR(w, world_run(w, RUN_1)->outputs == 2);
	fake_log(w->engine, c, 1, T0_NS + 1, "after\n");
	fake_exit(w->engine, c, 137);
	WAIT_FOR(w, world_run(w, RUN_1)->exited == 1);
	/* It ended after the engine was back. */
	assert_false(world_run(w, RUN_1)->exit.was_interrupted);
	assert_int_equal(world_run(w, RUN_1)->started, 1);
	log = world_log(w, RUN_1);
	assert_string_equal(log, "before\nmeanwhile\nafter\n");
	free(log);
}

static void end_while_away(struct world *w, int code, bool was_oom_killed, bool is_interrupted)
{
	struct fake_container *c = world_running(w, RUN_1);
	struct told *t = world_run(w, RUN_1);

	fake_engine_leave(w->engine);
	WAIT_FOR(w, !w->docker->is_up);
	c->was_oom_killed = was_oom_killed;
	fake_exit(w->engine, c, code);
	fake_engine_return(w->engine);
	WAIT_FOR(w, t->exited == 1);
	assert_int_equal(t->exit.exit_code, code);
	assert_int_equal(t->exit.was_interrupted, is_interrupted);
	world_forget(w, RUN_1);
	WAIT_FOR(w, world_container(w, RUN_1) == NULL);
	t->started = t->exited = 0;
}

static void run_that_died_with_its_engine_was_interrupted(void **state)
{
	world_open(*state);
	end_while_away(*state, 137, false, true);
	end_while_away(*state, 143, false, true);
	end_while_away(*state, 255, false, true);
	end_while_away(*state, 0, false, false);
	end_while_away(*state, 1, false, false);
	end_while_away(*state, 137, true, false);
}

static void run_killed_by_an_engine_that_leaves_was_interrupted(void **state)
{
	struct world *w = *state;
	struct fake_container *c;

	world_open(w);
	c = world_running(w, RUN_1);
	/* As dockerd does: no new connections, then the containers are killed, then it goes. */
	watch_stop(&w->engine->watch);
	closep(&w->engine->fd);
	fake_exit(w->engine, c, 137);
	WAIT_FOR(w, world_run(w, RUN_1)->exited == 1);
	assert_true(world_run(w, RUN_1)->exit.was_interrupted);
}

static void container_that_vanished_meanwhile_is_gone(void **state)
{
	struct world *w = *state;
	struct fake_container *c;

	world_open(w);
	c = world_running(w, RUN_1);
	fake_engine_leave(w->engine);
	WAIT_FOR(w, w->downs == 1);
	fake_forget(w->engine, c);
	fake_engine_return(w->engine);
	WAIT_FOR(w, world_run(w, RUN_1)->exited == 1);
	assert_true(world_run(w, RUN_1)->exit.is_gone);
}

static void stop_while_away_is_done_later(void **state)
{
	struct world *w = *state;

	world_open(w);
	(void)world_running(w, RUN_1);
	fake_engine_leave(w->engine);
	WAIT_FOR(w, w->downs == 1);
	world_stop(w, RUN_1, US_PER_SEC);
	fake_engine_return(w->engine);
	WAIT_FOR(w, world_run(w, RUN_1)->exited == 1);
	assert_int_equal(world_run(w, RUN_1)->exit.exit_code, 143);
	assert_false(world_run(w, RUN_1)->exit.was_interrupted);
}

static void forgetting_while_away_removes_later(void **state)
{
	struct world *w = *state;
	struct fake_container *c;

	world_open(w);
	c = world_running(w, RUN_1);
	fake_exit(w->engine, c, 0);
	WAIT_FOR(w, world_run(w, RUN_1)->exited == 1);
	fake_engine_leave(w->engine);
	WAIT_FOR(w, w->downs == 1);
	world_forget(w, RUN_1);
	world_pass(w, 20 * US_PER_MS);
	fake_engine_return(w->engine);
	WAIT_FOR(w, world_container(w, RUN_1) == NULL);
}

/* --- answers that are not whole --- */

/* Does `what` to the first request with this in its line. */
struct mishap {
	const char *part;
	void (*what)(const struct fake_request *q);
	struct fake_engine *engine;
	bool is_done;
};

static bool happen(void *ctx, const struct fake_request *q)
{
	struct mishap *m = ctx;

	if (m->is_done || strstr(q->target, m->part) == NULL)
		return false;
	m->is_done = true;
	m->what(q);
	return true;
}

static void say_half_json_and_hang_up(const struct fake_request *q)
{
	static const char half[] =
		"HTTP/1.1 201 Created\r\nContent-Length: 90\r\n\r\n{\"Id\":\"c0f";

	fake_raw(q->conn, half, sizeof(half) - 1);
	fake_hang_up(q->conn);
}

static void say_half_json(const struct fake_request *q)
{
	fake_answer(q->conn, 201, "{\"Id\":\"c0f");
}

static void hang_up(const struct fake_request *q)
{
	fake_hang_up(q->conn);
}

static void say_nothing(const struct fake_request *q)
{
	(void)q;
}

static void lie(const struct fake_request *q)
{
	static const char answer[] =
		"HTTP/1.1 200 OK\r\n\r\n\x01\0\0\0\0\0\0\x22"
		"2099-01-01T00:00:00.000000000Z ok\n\x01\0\0\0\xff\xff\xff\xff";

	fake_raw(q->conn, answer, sizeof(answer) - 1);
}

/* One thing goes wrong once; the run must go its way, once. */
static void survives(struct world *w, const char *part, void (*what)(const struct fake_request *q))
{
	struct mishap m = {.part = part, .what = what};
	struct fake_container *c;
	char *log;

	w->engine->answer = happen;
	w->engine->ctx = &m;
	world_open(w);
	world_start(w, RUN_1);
	WAIT_FOR(w, world_run(w, RUN_1)->started == 1);
	c = world_container(w, RUN_1);
	assert_string_equal(c->state, "running");
	fake_log(w->engine, c, 1, T0_NS, "out\n");
	world_pass(w, 50 * US_PER_MS);
	fake_exit(w->engine, c, 5);
	WAIT_FOR(w, world_run(w, RUN_1)->exited == 1);
	assert_true(m.is_done);
	assert_int_equal(world_run(w, RUN_1)->exit.exit_code, 5);
	assert_int_equal(w->downs, 0);
	log = world_log(w, RUN_1);
	assert_non_null(strstr(log, "out\n"));
	assert_null(strstr(strstr(log, "out\n") + 1, "out\n"));
	free(log);
}

static void create_without_an_answer(void **state)
{
	survives(*state, "/containers/create", hang_up);
}

static void create_with_half_an_answer(void **state)
{
	survives(*state, "/containers/create", say_half_json_and_hang_up);
}

static void create_with_an_unreadable_answer(void **state)
{
	survives(*state, "/containers/create", say_half_json);
}

static void create_that_is_never_answered(void **state)
{
	survives(*state, "/containers/create", say_nothing);
}

static void start_without_an_answer(void **state)
{
	survives(*state, "/start", hang_up);
}

static void start_that_is_never_answered(void **state)
{
	survives(*state, "/start", say_nothing);
}

static void wait_that_breaks_off(void **state)
{
	survives(*state, "/wait", hang_up);
}

static void inspect_with_half_an_answer(void **state)
{
	survives(*state, "/json", say_half_json_and_hang_up);
}

static void rest_of_the_log_that_breaks_off(void **state)
{
	survives(*state, "follow=0", hang_up);
}

static void followed_log_that_breaks_off(void **state)
{
	survives(*state, "follow=1", hang_up);
}

static void frame_that_lies_about_its_length(void **state)
{
	survives(*state, "follow=1", lie);
}

static void frame_that_lies_in_the_rest(void **state)
{
	struct world *w = *state;
	struct mishap m = {.part = "follow=0", .what = lie};
	struct fake_container *c;

	w->engine->answer = happen;
	w->engine->ctx = &m;
	world_open(w);
	c = world_running(w, RUN_1);
	fake_exit(w->engine, c, 0);
	WAIT_FOR(w, world_run(w, RUN_1)->exited == 1);
	assert_int_equal(world_run(w, RUN_1)->exit.exit_code, 0);
	assert_true(w->docker->is_up);
}

static void survey_that_breaks_off_is_repeated(void **state)
{
	struct world *w = *state;
	struct mishap m = {.part = "/containers/json", .what = hang_up};

	(void)fake_add(w->engine, RUN_1, JOB_1, "running");
	w->engine->answer = happen;
	w->engine->ctx = &m;
	world_open(w);
	world_survey(w);
	WAIT_FOR(w, w->surveys == 1);
	assert_int_equal(w->survey_rc, 0);
	assert_int_equal(w->found, 1);
	assert_int_equal(w->downs, 0);
}

static void build_that_breaks_off_is_repeated(void **state)
{
	struct world *w = *state;
	struct mishap m = {.part = "/build", .what = hang_up};

	w->engine->answer = happen;
	w->engine->ctx = &m;
	world_open(w);
	world_ensure(w, "pylon/agent-mock");
	WAIT_FOR(w, w->images == 1);
	assert_int_equal(w->image_rc, 0);
	assert_int_equal(fake_count(w->engine, "POST /build"), 2);
}

static void events_that_break_off_are_opened_again(void **state)
{
	struct world *w = *state;
	struct mishap m = {.part = "/events", .what = hang_up};

	w->engine->answer = happen;
	w->engine->ctx = &m;
	world_open(w);
	WAIT_FOR(w, fake_count(w->engine, "GET /events") == 2);
	assert_int_equal(w->downs, 0);
}

static void hung_engine_is_away_until_it_answers(void **state)
{
	struct world *w = *state;
	struct fake_container *c;

	world_open(w);
	c = world_running(w, RUN_1);
	w->engine->is_mute = true;
	WAIT_FOR(w, w->downs == 1);
	assert_int_equal(world_run(w, RUN_1)->exited, 0);
	w->engine->is_mute = false;
	WAIT_FOR(w, w->ups == 2);
	world_pass(w, 20 * US_PER_MS);
	fake_exit(w->engine, c, 0);
	WAIT_FOR(w, world_run(w, RUN_1)->exited == 1);
}

static void idle_runner_does_not_ping(void **state)
{
	struct world *w = *state;

	world_open(w);
	world_pass(w, 200 * US_PER_MS);
	assert_int_equal(fake_count(w->engine, "GET /_ping"), 0);
}

/* --- after a kill of the daemon --- */

static void run_that_goes_on_is_followed_from_its_mark(void **state)
{
	struct world *w = *state;
	struct fake_container *c;
	char *log;

	world_open(w);
	c = world_running(w, RUN_1);
	fake_log(w->engine, c, 1, T0_NS, "a1");
	fake_log(w->engine, c, 1, T0_NS, "a2");
	fake_log(w->engine, c, 2, T0_NS - 5, "b1\n");
	WAIT_FOR(w, world_run(w, RUN_1)->outputs > 0);
	world_pass(w, 10 * US_PER_MS);
	world_restart(w);
	fake_log(w->engine, c, 1, T0_NS, "a3\n");
	fake_log(w->engine, c, 2, T0_NS - 4, "b2\n");
	world_adopt(w, RUN_1);
	world_open(w);
	WAIT_FOR(w, world_run(w, RUN_1)->started == 1);
	WAIT_FOR(w, world_run(w, RUN_1)->outputs > 0);
	fake_log(w->engine, c, 1, T0_NS + 1, "{\"end\":1}");
	fake_exit(w->engine, c, 0);
	WAIT_FOR(w, world_run(w, RUN_1)->exited == 1);
	log = world_log(w, RUN_1);
	assert_string_equal(log, "a1a2b1\na3\nb2\n{\"end\":1}");
	free(log);
	/* The beginning of stdout was seen by another process: all of its end is asked for. */
	assert_string_equal(world_run(w, RUN_1)->tail, "a1a2a3\n{\"end\":1}");
}

static void run_that_ended_meanwhile_is_reported(void **state)
{
	struct world *w = *state;
	struct fake_container *c = fake_add(w->engine, RUN_1, JOB_1, "running");
	char *log;

	fake_log(w->engine, c, 1, T0_NS, "all of it");
	fake_exit(w->engine, c, 9);
	world_open(w);
	world_adopt(w, RUN_1);
	world_adopt(w, RUN_1);
	WAIT_FOR(w, world_run(w, RUN_1)->exited == 1);
	assert_int_equal(world_run(w, RUN_1)->started, 0);
	assert_int_equal(world_run(w, RUN_1)->exit.exit_code, 9);
	log = world_log(w, RUN_1);
	assert_string_equal(log, "all of it");
	free(log);
	world_pass(w, 20 * US_PER_MS);
	assert_int_equal(world_run(w, RUN_1)->exited, 1);
}

static void run_that_was_only_created_is_started(void **state)
{
	struct world *w = *state;

	(void)fake_add(w->engine, RUN_1, JOB_1, "created");
	world_open(w);
	world_adopt(w, RUN_1);
	WAIT_FOR(w, world_run(w, RUN_1)->started == 1);
	assert_string_equal(world_container(w, RUN_1)->state, "running");
}

static void run_that_left_no_container_is_gone(void **state)
{
	struct world *w = *state;

	world_open(w);
	world_adopt(w, RUN_1);
	WAIT_FOR(w, world_run(w, RUN_1)->exited == 1);
	assert_true(world_run(w, RUN_1)->exit.is_gone);
}

static void run_to_be_stopped_is_adopted_and_stopped(void **state)
{
	struct world *w = *state;

	(void)fake_add(w->engine, RUN_1, JOB_1, "running");
	(void)fake_add(w->engine, RUN_2, JOB_1, "created");
	world_adopt(w, RUN_1);
	world_adopt(w, RUN_2);
	world_stop(w, RUN_1, US_PER_SEC);
	world_stop(w, RUN_2, US_PER_SEC);
	world_open(w);
	WAIT_FOR(w, world_run(w, RUN_1)->exited == 1 && world_run(w, RUN_2)->exited == 1);
	assert_int_equal(world_run(w, RUN_1)->exit.exit_code, 143);
	assert_true(world_run(w, RUN_2)->exit.is_gone);
	assert_string_equal(world_container(w, RUN_2)->state, "created");
}

static void runner_that_is_freed_leaves_runs_alone(void **state)
{
	struct world *w = *state;
	struct fake_container *c;

	world_open(w);
	c = world_running(w, RUN_1);
	world_restart(w);
	world_pass(w, 20 * US_PER_MS);
	assert_string_equal(c->state, "running");
	assert_int_equal(fake_count(w->engine, "DELETE"), 0);
	assert_int_equal(world_run(w, RUN_1)->exited, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(no_socket_is_told_once),
		T(dead_socket_is_told_with_its_path),
		T(version_is_negotiated),
		T(something_else_on_the_socket_is_no_engine),
		T(what_needs_an_engine_is_refused_without_one),
		T(engine_that_comes_back_finds_its_run_again),
		T(run_that_died_with_its_engine_was_interrupted),
		T(run_killed_by_an_engine_that_leaves_was_interrupted),
		T(container_that_vanished_meanwhile_is_gone),
		T(stop_while_away_is_done_later),
		T(forgetting_while_away_removes_later),
		T(create_without_an_answer),
		T(create_with_half_an_answer),
		T(create_with_an_unreadable_answer),
		T(create_that_is_never_answered),
		T(start_without_an_answer),
		T(start_that_is_never_answered),
		T(wait_that_breaks_off),
		T(inspect_with_half_an_answer),
		T(rest_of_the_log_that_breaks_off),
		T(followed_log_that_breaks_off),
		T(frame_that_lies_about_its_length),
		T(frame_that_lies_in_the_rest),
		T(survey_that_breaks_off_is_repeated),
		T(build_that_breaks_off_is_repeated),
		T(events_that_break_off_are_opened_again),
		T(hung_engine_is_away_until_it_answers),
		T(idle_runner_does_not_ping),
		T(run_that_goes_on_is_followed_from_its_mark),
		T(run_that_ended_meanwhile_is_reported),
		T(run_that_was_only_created_is_started),
		T(run_that_left_no_container_is_gone),
		T(run_to_be_stopped_is_adopted_and_stopped),
		T(runner_that_is_freed_leaves_runs_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
