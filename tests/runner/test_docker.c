/* SPDX-License-Identifier: MIT */
/*
 * tests/runner/test_docker.c - runs from start to end against a fake engine: the good day, what an
 * engine may refuse, stopping, adopting, images.
 */
#include <errno.h>

#include "runner/agent_image_internal.h"
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
	/* version, events, create, start, wait, follow, inspect, rest of the log */
	assert_int_equal(w->engine->requests.n, 8);
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

/* --- refusals --- */

struct script {
	const char *prefix; /* of "METHOD path" without the version */
	int status;
	const char *body;
	int times;
};

static bool play(void *ctx, const struct fake_request *q)
{
	struct script *s = ctx;
	CLEANUP(freep)
	char *line = xasprintf("%.*s %s", SLICE_ARG(q->method),
		str_has_prefix(q->target, "/v1.") ? strchr(q->target + 1, '/') : q->target);

	if (s->times <= 0 || !str_has_prefix(line, s->prefix))
		return false;
	s->times--;
	fake_answer(q->conn, s->status, s->body);
	return true;
}

static struct told *refused_with(struct world *w, const char *prefix, int status, const char *body)
{
	struct script s = {prefix, status, body, 1000};

	w->engine->answer = play;
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

static void missing_image_is_refused_with_advice(void **state)
{
	struct world *w = *state;

	w->engine->image = "other";
	world_open(w);
	world_start(w, RUN_1);
	WAIT_FOR(w, world_run(w, RUN_1)->refused == 1);
	assert_int_equal(world_run(w, RUN_1)->why, RUNNER_NO_IMAGE);
	assert_non_null(strstr(world_run(w, RUN_1)->text, "docker pull img"));
}

static void busy_engine_is_asked_again(void **state)
{
	struct world *w = *state;
	struct script s = {"POST /containers/create", 503, "{\"message\":\"later\"}", 2};

	w->engine->answer = play;
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
	struct script s = {"POST /containers/pylon-" RUN_1 "/kill", 500, "{\"message\":\"D\"}", 3};

	w->engine->answer = play;
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

/* --- images --- */

static void image_of_ours_is_built(void **state)
{
	struct world *w = *state;

	world_open(w);
	world_ensure(w, "pylon/agent-mock");
	world_ensure(w, "pylon/agent-mock");
	WAIT_FOR(w, w->images == 2);
	assert_int_equal(w->image_rc, 0);
	assert_int_equal(fake_count(w->engine, "POST /build"), 1);
	assert_non_null(strstr(w->engine->last_build.p + 512, "FROM scratch"));
	assert_int_equal(fake_count(w->engine, "POST /build?rm=1&forcerm=1&t=pylon%2Fagent-mock&"
					       "labels=%7B%22pylon.agent.sha256%22%3A%22"),
		1);
	/* What is there, but was built from another program, is built again. */
	w->engine->image_labels = "{\"pylon.agent.sha256\":\"0\"}";
	world_ensure(w, "pylon/agent-mock");
	WAIT_FOR(w, w->images == 3);
	assert_int_equal(fake_count(w->engine, "POST /build"), 2);
}

static void image_from_the_same_recipe_is_left_alone(void **state)
{
	struct world *w = *state;
	struct agent_recipe recipe;
	char *labels;

	agent_recipe_init(&recipe, agent_image_find("pylon/agent-claude"));
	labels = xasprintf("{\"pylon.agent.sha256\":\"%s\"}", recipe.digest);
	w->engine->image = "pylon/agent-claude";
	w->engine->image_labels = labels;
	world_open(w);
	world_ensure(w, "pylon/agent-claude");
	WAIT_FOR(w, w->images == 1);
	assert_int_equal(w->image_rc, 0);
	assert_int_equal(fake_count(w->engine, "POST /build"), 0);
	agent_recipe_fini(&recipe);
	free(labels);
}

static void run_that_needs_an_image_of_ours_gets_it_built(void **state)
{
	struct world *w = *state;

	w->image = "pylon/agent-mock";
	world_open(w);
	world_start(w, RUN_1);
	world_start(w, RUN_2);
	WAIT_FOR(w, world_run(w, RUN_1)->started == 1 && world_run(w, RUN_2)->started == 1);
	assert_int_equal(fake_count(w->engine, "POST /build"), 1);
	assert_int_equal(w->docker->starting, 0);
}

static bool mute_build(void *ctx, const struct fake_request *q)
{
	(void)ctx;
	return strstr(q->target, "/build?") != NULL;
}

static void building_holds_nobody_up(void **state)
{
	struct world *w = *state;

	w->engine->answer = mute_build;
	w->docker->timing.build_us = 60 * US_PER_SEC;
	world_open(w);
	w->image = "pylon/agent-mock";
	world_start(w, RUN_1);
	world_start(w, RUN_2);
	WAIT_FOR(w, fake_count(w->engine, "POST /build") == 1);
	w->image = "img";
	world_start(w, RUN_3);
	WAIT_FOR(w, world_run(w, RUN_3)->started == 1);
	/* What waits for it can be stopped, and an engine that leaves takes the build with it. */
	world_stop(w, RUN_2, US_PER_SEC);
	WAIT_FOR(w, world_run(w, RUN_2)->exited == 1);
	fake_engine_leave(w->engine);
	WAIT_FOR(w, w->downs == 1);
	w->engine->answer = NULL;
	fake_engine_return(w->engine);
	WAIT_FOR(w, world_run(w, RUN_1)->started == 1);
}

static void build_that_fails_is_told(void **state)
{
	struct world *w = *state;

	w->engine->build_log = "{\"stream\":\"Step 1/3\"}\r\n{\"errorDetail\":{},"
			       "\"error\":\"no space left on device\"}";
	world_open(w);
	world_ensure(w, "pylon/agent-mock");
	WAIT_FOR(w, w->images == 1);
	assert_int_equal(w->image_rc, -EIO);
	assert_non_null(strstr(w->image_text, "no space left on device"));
}

static void failed_build_tells_the_last_words_of_its_command(void **state)
{
	struct world *w = *state;

	w->engine->build_log = "{\"stream\":\"Step 1/3 : RUN a\"}\r\n"
			       "{\"stream\":\"fine so far\\n\"}\r\n"
			       "{\"stream\":\"Removing intermediate container 1\\n\"}\r\n"
			       "{\"stream\":\"Step 2/3 : RUN b\"}\r\n"
			       "{\"stream\":\" ---> Running in 2\\n\"}\r\n"
			       "{\"stream\":\"\\u001b[91mE: no such package\\n\\u001b[0m\"}\r\n"
			       "{\"error\":\"'RUN b' returned a non-zero code: 100\"}\r\n";
	world_open(w);
	world_ensure(w, "pylon/agent-mock");
	WAIT_FOR(w, w->images == 1);
	assert_int_equal(w->image_rc, -EIO);
	assert_string_equal(w->image_text,
		"image pylon/agent-mock cannot be built: 'RUN b' returned a non-zero code: 100; "
		"its last words: E: no such package");
}

static void image_of_others_is_only_looked_for(void **state)
{
	struct world *w = *state;

	world_open(w);
	world_ensure(w, "img");
	WAIT_FOR(w, w->images == 1);
	assert_int_equal(w->image_rc, 0);
	world_ensure(w, "ghcr.io/x/y:1");
	WAIT_FOR(w, w->images == 2);
	assert_int_equal(w->image_rc, -ENOENT);
	assert_int_equal(fake_count(w->engine, "GET /images/ghcr.io/x/y:1/json"), 1);
}

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
	struct script s = {"DELETE", 500, "{\"message\":\"device busy\"}", 3};

	(void)fake_add(w->engine, RUN_1, JOB_1, "exited");
	w->engine->answer = play;
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
		T(server_error_at_create_is_told),
		T(full_disk_is_recognized),
		T(error_text_of_100_kib_is_cut),
		T(error_that_is_no_json_is_told),
		T(container_that_cannot_start_is_removed),
		T(missing_image_is_refused_with_advice),
		T(busy_engine_is_asked_again),
		T(name_in_use_is_ours_from_before),
		T(name_in_use_by_a_stranger_is_refused),
		T(stop_asks_kindly),
		T(stop_that_fails_becomes_a_kill),
		T(second_stop_kills_at_once),
		T(kill_is_repeated_until_it_works),
		T(killed_by_hand_is_no_interruption),
		T(removed_by_hand_is_gone),
		T(image_of_ours_is_built),
		T(image_from_the_same_recipe_is_left_alone),
		T(run_that_needs_an_image_of_ours_gets_it_built),
		T(building_holds_nobody_up),
		T(build_that_fails_is_told),
		T(failed_build_tells_the_last_words_of_its_command),
		T(image_of_others_is_only_looked_for),
		T(survey_lists_what_is_there),
		T(removal_is_tried_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
