/* SPDX-License-Identifier: MIT */
/*
 * tests/runner/test_docker.c - runs from start to end against a fake engine: the good day, what an
 * engine may refuse, stopping, adopting.
 */
#include "runner/world.h"

static void run_goes_from_start_to_end(void **state)
{
	struct world *w = *state;
	struct fake_container *c;
	struct told *t;
	char *log;

	world_open(w);
	assert_string_equal(w->ready_text, "20.10.24 (API 1.41)");
	assert_true(w->runner->ops->is_up(w->runner));
	c = world_running(w, RUN_1);
	t = world_run(w, RUN_1);
	assert_string_equal(t->container_id, c->id);
	assert_non_null(strstr(c->body, "\"pylon.home\":\"home1\""));
	fake_log(w->engine, c, 1, T0_NS, "hello\n");
	fake_log(w->engine, c, 2, T0_NS + 1, "oops\n");
	WAIT_FOR(w, t->outputs > 0);
	fake_exit(w->engine, c, 3);
	WAIT_FOR(w, t->exited == 1);
	assert_int_equal(t->exit.exit_code, 3);
	assert_false(t->exit.is_gone || t->exit.was_oom_killed || t->exit.was_interrupted);
	assert_string_equal(t->tail, "hello\n");
	log = world_log(w, RUN_1);
	assert_string_equal(log, "hello\noops\n");
	free(log);
	assert_int_equal(fake_count(w->engine, "DELETE"), 0);
	world_forget(w, RUN_1);
	WAIT_FOR(w, world_container(w, RUN_1) == NULL);
	assert_null(docker_find(w->docker, &t->id));
}

static void good_day_needs_no_more_calls_than_it_must(void **state)
{
	struct world *w = *state;
	struct fake_container *c;

	world_open(w);
	c = world_running(w, RUN_1);
	fake_exit(w->engine, c, 0);
	WAIT_FOR(w, world_run(w, RUN_1)->exited == 1);
	/* version, events, info, create, start, wait, follow, inspect, rest of the log */
	assert_int_equal(w->engine->requests.n, 9);
}

static void line_that_following_lost_is_read_at_the_end(void **state)
{
	struct world *w = *state;
	struct fake_container *c;
	char *log;

	world_open(w);
	c = world_running(w, RUN_1);
	fake_log(w->engine, c, 1, T0_NS, "one\n");
	c->follow_misses = 1;
	fake_log(w->engine, c, 1, T0_NS + 5, "unterminated");
	fake_exit(w->engine, c, 0);
	WAIT_FOR(w, world_run(w, RUN_1)->exited == 1);
	log = world_log(w, RUN_1);
	assert_string_equal(log, "one\nunterminated");
	assert_string_equal(world_run(w, RUN_1)->tail, "one\nunterminated");
	free(log);
}

static void end_of_long_stdout_is_asked_for(void **state)
{
	struct world *w = *state;
	struct fake_container *c;
	char *line = xcalloc(10001, 1);

	memset(line, 'x', 10000);
	world_open(w);
	c = world_running(w, RUN_1);
	for (int i = 0; i < 10; i++) {
		fake_log(w->engine, c, 1, T0_NS + i, line);
		world_pass(w, 5 * US_PER_MS);
	}
	fake_log(w->engine, c, 2, T0_NS + 11, "stderr");
	fake_log(w->engine, c, 1, T0_NS + 12, "{\"last\":1}");
	fake_exit(w->engine, c, 0);
	WAIT_FOR(w, world_run(w, RUN_1)->exited == 1);
	assert_int_equal(strlen(world_run(w, RUN_1)->tail), 100000 + 10);
	assert_true(str_has_suffix(world_run(w, RUN_1)->tail, "x{\"last\":1}"));
	free(line);
}

static void note_is_a_line_of_its_own(void **state)
{
	struct world *w = *state;
	struct fake_container *c;
	char *log;

	world_open(w);
	c = world_running(w, RUN_1);
	fake_log(w->engine, c, 1, T0_NS, "half");
	WAIT_FOR(w, world_run(w, RUN_1)->outputs == 1);
	w->runner->ops->note(w->runner, &world_run(w, RUN_1)->id, "Reading x");
	fake_log(w->engine, c, 1, T0_NS + 1, "rest\n");
	fake_exit(w->engine, c, 0);
	WAIT_FOR(w, world_run(w, RUN_1)->exited == 1);
	log = world_log(w, RUN_1);
	assert_string_equal(log, "half\n> Reading x\nrest\n");
	assert_string_equal(world_run(w, RUN_1)->tail, "halfrest\n");
	free(log);
	w->runner->ops->note(w->runner, &world_run(w, RUN_2)->id, "nobody");
}

static void oom_is_told(void **state)
{
	struct world *w = *state;
	struct fake_container *c;

	world_open(w);
	c = world_running(w, RUN_1);
	c->was_oom_killed = true;
	fake_exit(w->engine, c, 137);
	WAIT_FOR(w, world_run(w, RUN_1)->exited == 1);
	assert_true(world_run(w, RUN_1)->exit.was_oom_killed);
	assert_false(world_run(w, RUN_1)->exit.was_interrupted);
}

static void oom_that_the_engine_learns_of_after_the_exit_is_told(void **state)
{
	struct world *w = *state;
	struct fake_container *c;

	world_open(w);
	c = world_running(w, RUN_1);
	fake_exit(w->engine, c, 137);
	WAIT_FOR(w, fake_count(w->engine, "GET /_ping") >= 2);
	c->was_oom_killed = true;
	WAIT_FOR(w, world_run(w, RUN_1)->exited == 1);
	assert_true(world_run(w, RUN_1)->exit.was_oom_killed);
}

static void starts_are_bounded(void **state)
{
	struct world *w = *state;

	world_open(w);
	w->engine->is_mute = true;
	w->docker->timing.slow_us = 60 * US_PER_SEC;
	world_start(w, RUN_1);
	world_start(w, RUN_2);
	world_start(w, RUN_3);
	WAIT_FOR(w, fake_count(w->engine, "POST /containers/create") == 2);
	world_pass(w, 50 * US_PER_MS);
	assert_int_equal(fake_count(w->engine, "POST /containers/create"), 2);
	/* One that is not wanted any more gives its place up. */
	world_stop(w, RUN_3, 0);
	WAIT_FOR(w, world_run(w, RUN_3)->exited == 1);
	assert_true(world_run(w, RUN_3)->exit.is_gone);
}

static bool mute_start(void *ctx, const struct fake_request *q)
{
	(void)ctx;
	return strstr(q->target, "/start") != NULL;
}

static void starts_are_bounded_until_the_container_runs(void **state)
{
	struct world *w = *state;

	world_open(w);
	w->engine->answer = mute_start;
	w->docker->timing.slow_us = 60 * US_PER_SEC;
	world_start(w, RUN_1);
	world_start(w, RUN_2);
	world_start(w, RUN_3);
	WAIT_FOR(w, world_container(w, RUN_2) != NULL);
	world_pass(w, 50 * US_PER_MS);
	assert_int_equal(fake_count(w->engine, "POST /containers/create"), 2);
	/* One that is over gives its place up. */
	fake_forget(w->engine, world_container(w, RUN_1));
	world_forget(w, RUN_1);
	WAIT_FOR(w, fake_count(w->engine, "POST /containers/create") == 3);
}

/* --- refusals --- */

static struct told *refused_with(struct world *w, const char *prefix, int status, const char *body)
{
	struct fake_script s = {prefix, status, body, 1000};

	w->engine->answer = fake_play;
	w->engine->ctx = &s;
	world_open(w);
	world_start(w, RUN_1);
	WAIT_FOR(w, world_run(w, RUN_1)->refused == 1);
	w->engine->answer = NULL;
	assert_null(docker_find(w->docker, &world_run(w, RUN_1)->id));
	return world_run(w, RUN_1);
}

static void server_error_at_create_is_told(void **state)
{
	struct told *t = refused_with(
		*state, "POST /containers/create", 500, "{\"message\":\"boom\\u001b[2J\\nbang\"}");

	assert_int_equal(t->why, RUNNER_BAD_SPEC);
	assert_string_equal(t->text, "boom bang");
}

struct leaving {
	struct fake_engine *engine;
	const char *part;
	bool is_done;
};

/* As dockerd in its last second: no new connections, strange errors on the old ones. */
static bool say_500_and_stop_listening(void *ctx, const struct fake_request *q)
{
	struct leaving *l = ctx;

	if (l->is_done || strstr(q->target, l->part) == NULL)
		return false;
	l->is_done = true;
	watch_stop(&l->engine->watch);
	closep(&l->engine->fd);
	fake_answer(q->conn, 500, "{\"message\":\"store is closed\"}");
	return true;
}

static void survives_an_engine_that_leaves(struct world *w, const char *part)
{
	struct leaving l = {w->engine, part, false};

	world_open(w);
	w->engine->answer = say_500_and_stop_listening;
	w->engine->ctx = &l;
	world_start(w, RUN_1);
	WAIT_FOR(w, w->downs == 1);
	assert_int_equal(world_run(w, RUN_1)->refused, 0);
	fake_engine_leave(w->engine);
	fake_engine_return(w->engine);
	WAIT_FOR(w, world_run(w, RUN_1)->started == 1);
	assert_int_equal(world_run(w, RUN_1)->refused, 0);
}

static void strange_error_at_create_of_an_engine_that_leaves_counts_for_nothing(void **state)
{
	survives_an_engine_that_leaves(*state, "/containers/create");
}

static void strange_error_at_start_of_an_engine_that_leaves_counts_for_nothing(void **state)
{
	survives_an_engine_that_leaves(*state, "/start");
}

static void full_disk_is_recognized(void **state)
{
	struct told *t = refused_with(*state, "POST /containers/create", 500,
		"{\"message\":\"mkdir /var/lib/docker/x: No space left on device\"}");

	assert_int_equal(t->why, RUNNER_NO_SPACE);
}

static void error_text_of_100_kib_is_cut(void **state)
{
	struct buf body = BUF_NULL;
	struct told *t;

	buf_add_str(&body, "{\"message\":\"");
	for (int i = 0; i < 50 * 1024; i++)
		buf_add_str(&body, "\xc3\xa4");
	buf_add_str(&body, "\"}");
	t = refused_with(*state, "POST /containers/create", 400, buf_str(&body));
	assert_int_equal(strlen(t->text), DOCKER_TEXT_MAX);
	assert_true(utf8_is_valid(t->text, strlen(t->text)));
	buf_fini(&body);
}

static void error_that_is_no_json_is_told(void **state)
{
	struct told *t =
		refused_with(*state, "POST /containers/create", 400, "<html>\x01 nope</html>\n");

	assert_string_equal(t->text, "<html> nope</html>");
}

static void container_that_cannot_start_is_removed(void **state)
{
	struct world *w = *state;
	struct told *t = refused_with(w, "POST /containers/pylon-" RUN_1 "/start", 400,
		"{\"message\":\"exec: not found\"}");

	assert_int_equal(t->why, RUNNER_BAD_SPEC);
	assert_int_equal(t->started, 0);
	WAIT_FOR(w, world_container(w, RUN_1) == NULL);
}

static void busy_engine_is_asked_again(void **state)
{
	struct world *w = *state;
	struct fake_script s = {"POST /containers/create", 503, "{\"message\":\"later\"}", 2};

	w->engine->answer = fake_play;
	w->engine->ctx = &s;
	world_open(w);
	world_start(w, RUN_1);
	WAIT_FOR(w, world_run(w, RUN_1)->started == 1);
	assert_int_equal(w->downs, 0);
}

static void name_in_use_is_ours_from_before(void **state)
{
	struct world *w = *state;
	struct fake_container *c = fake_add(w->engine, RUN_1, JOB_1, "running");

	world_open(w);
	world_start(w, RUN_1);
	WAIT_FOR(w, world_run(w, RUN_1)->started == 1);
	assert_string_equal(world_run(w, RUN_1)->container_id, c->id);
	assert_int_equal(fake_count(w->engine, "POST /containers/pylon-" RUN_1 "/start"), 0);
}

static void name_in_use_by_a_stranger_is_refused(void **state)
{
	struct world *w = *state;
	struct fake_container *c = fake_add(w->engine, RUN_1, JOB_1, "running");

	c->run[0] = 'f';
	world_open(w);
	world_start(w, RUN_1);
	WAIT_FOR(w, world_run(w, RUN_1)->refused == 1);
	world_pass(w, 30 * US_PER_MS);
	assert_int_equal(fake_count(w->engine, "DELETE"), 0);
}

/* --- stopping --- */

static void stop_asks_kindly(void **state)
{
	struct world *w = *state;

	world_open(w);
	(void)world_running(w, RUN_1);
	world_stop(w, RUN_1, 2 * US_PER_SEC);
	world_stop(w, RUN_1, 2 * US_PER_SEC);
	WAIT_FOR(w, world_run(w, RUN_1)->exited == 1);
	assert_int_equal(world_run(w, RUN_1)->exit.exit_code, 143);
	assert_false(world_run(w, RUN_1)->exit.was_interrupted);
	assert_int_equal(fake_count(w->engine, "POST /containers/pylon-" RUN_1 "/stop?t=2"), 1);
	world_stop(w, RUN_1, 0);
	world_pass(w, 30 * US_PER_MS);
	assert_int_equal(fake_count(w->engine, "POST /containers/pylon-" RUN_1 "/kill"), 0);
}

static void stop_that_fails_becomes_a_kill(void **state)
{
	struct world *w = *state;

	w->engine->end_after_stop = -1;
	world_open(w);
	(void)world_running(w, RUN_1);
	world_stop(w, RUN_1, US_PER_SEC);
	WAIT_FOR(w, world_run(w, RUN_1)->exited == 1);
	assert_int_equal(world_run(w, RUN_1)->exit.exit_code, 137);
}

static bool mute_stop(void *ctx, const struct fake_request *q)
{
	(void)ctx;
	return strstr(q->target, "/stop?") != NULL;
}

static void second_stop_kills_at_once(void **state)
{
	struct world *w = *state;

	w->engine->answer = mute_stop;
	world_open(w);
	(void)world_running(w, RUN_1);
	world_stop(w, RUN_1, 60 * US_PER_SEC);
	world_pass(w, 20 * US_PER_MS);
	assert_int_equal(world_run(w, RUN_1)->exited, 0);
	world_stop(w, RUN_1, 0);
	WAIT_FOR(w, world_run(w, RUN_1)->exited == 1);
	assert_int_equal(world_run(w, RUN_1)->exit.exit_code, 137);
	assert_false(world_run(w, RUN_1)->exit.was_interrupted);
}

static void kill_is_repeated_until_it_works(void **state)
{
	struct world *w = *state;
	struct fake_script s = {
		"POST /containers/pylon-" RUN_1 "/kill", 500, "{\"message\":\"D\"}", 3};

	w->engine->answer = fake_play;
	w->engine->ctx = &s;
	world_open(w);
	(void)world_running(w, RUN_1);
	world_stop(w, RUN_1, 0);
	WAIT_FOR(w, world_run(w, RUN_1)->exited == 1);
	assert_int_equal(s.times, 0);
}

static void killed_by_hand_is_no_interruption(void **state)
{
	struct world *w = *state;
	struct fake_container *c;

	world_open(w);
	c = world_running(w, RUN_1);
	fake_exit(w->engine, c, 137);
	WAIT_FOR(w, world_run(w, RUN_1)->exited == 1);
	assert_int_equal(world_run(w, RUN_1)->exit.exit_code, 137);
	assert_false(world_run(w, RUN_1)->exit.was_interrupted);
}

/* Before the second look. */
static bool vanish(void *ctx, const struct fake_request *q)
{
	struct world *w = ctx;

	if (strstr(q->target, "/_ping") != NULL)
		fake_forget(w->engine, world_container(w, RUN_1));
	return false;
}

static bool begin_to_vanish(void *ctx, const struct fake_request *q)
{
	struct world *w = ctx;

	if (strstr(q->target, "/_ping") != NULL)
		world_container(w, RUN_1)->state = "removing";
	return false;
}

static void ended_by_a_removal_by_hand_is_gone(void **state)
{
	struct world *w = *state;
	struct fake_container *c;

	world_open(w);
	c = world_running(w, RUN_1);
	fake_log(w->engine, c, 1, T0_NS, "out\n");
	fake_exit(w->engine, c, 143);
	c->state = "removing";
	WAIT_FOR(w, world_run(w, RUN_1)->exited == 1);
	assert_true(world_run(w, RUN_1)->exit.is_gone);
	assert_int_equal(world_run(w, RUN_1)->exit.exit_code, -1);
	assert_int_equal(world_run(w, RUN_1)->outputs, 1);
}

static void is_gone_when_killed(
	struct world *w, bool (*answer)(void *ctx, const struct fake_request *q))
{
	struct fake_container *c;

	world_open(w);
	c = world_running(w, RUN_1);
	w->docker->timing.ping_every_us = 60 * US_PER_SEC;
	world_pass(w, 60 * US_PER_MS);
	w->engine->answer = answer;
	w->engine->ctx = w;
	fake_exit(w->engine, c, 137);
	WAIT_FOR(w, world_run(w, RUN_1)->exited == 1);
	assert_true(world_run(w, RUN_1)->exit.is_gone);
}

static void killed_by_a_removal_that_is_over_at_the_second_look_is_gone(void **state)
{
	is_gone_when_killed(*state, vanish);
}

static void killed_by_a_removal_that_is_seen_at_the_second_look_is_gone(void **state)
{
	is_gone_when_killed(*state, begin_to_vanish);
}

static void run_that_ended_before_it_was_removed_by_hand_keeps_its_end(void **state)
{
	struct world *w = *state;
	struct fake_container *c;

	world_open(w);
	c = world_running(w, RUN_1);
	fake_exit(w->engine, c, 0);
	c->state = "removing";
	WAIT_FOR(w, world_run(w, RUN_1)->exited == 1);
	assert_false(world_run(w, RUN_1)->exit.is_gone);
	assert_int_equal(world_run(w, RUN_1)->exit.exit_code, 0);
}

static void removed_by_hand_is_gone(void **state)
{
	struct world *w = *state;
	struct fake_container *c;

	world_open(w);
	c = world_running(w, RUN_1);
	fake_forget(w->engine, c);
	fake_event(w->engine,
		"{\"Type\":\"container\",\"Action\":\"destroy\",\"Actor\":{\"Attributes\":"
		"{\"pylon.run\":\"" RUN_1 "\"}}}\nhalf");
	WAIT_FOR(w, world_run(w, RUN_1)->exited == 1);
	assert_true(world_run(w, RUN_1)->exit.is_gone);
	assert_int_equal(world_run(w, RUN_1)->exit.exit_code, -1);
}

/* --- what is there --- */

static void survey_lists_what_is_there(void **state)
{
	struct world *w = *state;

	(void)fake_add(w->engine, RUN_1, JOB_1, "running");
	(void)fake_add(w->engine, RUN_2, JOB_1, "exited");
	(void)fake_add(w->engine, "not-a-run", JOB_1, "exited");
	world_open(w);
	world_survey(w);
	WAIT_FOR(w, w->surveys == 1);
	assert_int_equal(w->survey_rc, 0);
	assert_int_equal(w->found, 2);
	w->runner->ops->remove(w->runner, world_container(w, RUN_2)->id);
	WAIT_FOR(w, world_container(w, RUN_2) == NULL);
}

static void removal_is_tried_again(void **state)
{
	struct world *w = *state;
	struct fake_script s = {"DELETE", 500, "{\"message\":\"device busy\"}", 3};

	(void)fake_add(w->engine, RUN_1, JOB_1, "exited");
	w->engine->answer = fake_play;
	w->engine->ctx = &s;
	world_open(w);
	w->runner->ops->remove(w->runner, "pylon-" RUN_1);
	WAIT_FOR(w, world_container(w, RUN_1) == NULL);
	assert_int_equal(fake_count(w->engine, "DELETE"), 4);
}

#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(run_goes_from_start_to_end),
		T(good_day_needs_no_more_calls_than_it_must),
		T(line_that_following_lost_is_read_at_the_end),
		T(end_of_long_stdout_is_asked_for),
		T(note_is_a_line_of_its_own),
		T(oom_is_told),
		T(oom_that_the_engine_learns_of_after_the_exit_is_told),
		T(starts_are_bounded),
		T(starts_are_bounded_until_the_container_runs),
		T(server_error_at_create_is_told),
		T(strange_error_at_create_of_an_engine_that_leaves_counts_for_nothing),
		T(strange_error_at_start_of_an_engine_that_leaves_counts_for_nothing),
		T(full_disk_is_recognized),
		T(error_text_of_100_kib_is_cut),
		T(error_that_is_no_json_is_told),
		T(container_that_cannot_start_is_removed),
		T(busy_engine_is_asked_again),
		T(name_in_use_is_ours_from_before),
		T(name_in_use_by_a_stranger_is_refused),
		T(stop_asks_kindly),
		T(stop_that_fails_becomes_a_kill),
		T(second_stop_kills_at_once),
		T(kill_is_repeated_until_it_works),
		T(killed_by_hand_is_no_interruption),
		T(ended_by_a_removal_by_hand_is_gone),
		T(killed_by_a_removal_that_is_over_at_the_second_look_is_gone),
		T(killed_by_a_removal_that_is_seen_at_the_second_look_is_gone),
		T(run_that_ended_before_it_was_removed_by_hand_keeps_its_end),
		T(removed_by_hand_is_gone),
		T(survey_lists_what_is_there),
		T(removal_is_tried_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
