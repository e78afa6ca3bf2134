/* SPDX-License-Identifier: MIT */
/*
 * tests/runner/test_docker_images.c - images: built, pulled, given up, and whom they run as.
 */
#include <errno.h>

#include "runner/agent_image_internal.h"
#include "runner/world.h"

/* --- building --- */

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

	agent_recipe_init(&recipe, agent_image_find("pylon/agent-claude"), NULL);
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

static void full_disk_while_building_is_told(void **state)
{
	struct world *w = *state;

	w->engine->build_log = "{\"stream\":\"Step 1/3\"}\r\n{\"errorDetail\":{},"
			       "\"error\":\"no space left on device\"}";
	world_open(w);
	world_ensure(w, "pylon/agent-mock");
	WAIT_FOR(w, w->images == 1);
	assert_int_equal(w->image_rc, -ENOSPC);
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

static void build_that_takes_too_long_is_given_up(void **state)
{
	struct world *w = *state;

	w->engine->answer = mute_build;
	w->docker->timing.build_us = 50 * US_PER_MS;
	world_open(w);
	world_ensure(w, "pylon/agent-mock");
	WAIT_FOR(w, w->images == 1);
	assert_int_equal(w->image_rc, -ETIMEDOUT);
	assert_non_null(strstr(w->image_text, "cannot be built: given up"));
	assert_int_equal(fake_count(w->engine, "POST /build"), 1);
}

static void base_image_of_the_configuration_is_built_from(void **state)
{
	struct world *w = *state;

	w->docker->base_image = xstrdup("base:9");
	world_open(w);
	world_ensure(w, "pylon/agent-claude");
	WAIT_FOR(w, fake_count(w->engine, "POST /build") > 0);
	assert_non_null(strstr(w->engine->requests.v[w->engine->requests.n - 1],
		"%22BASE_IMAGE%22%3A%22base%3A9%22"));
}

/* --- pulling --- */

static void image_of_others_that_is_there_is_left_alone(void **state)
{
	struct world *w = *state;

	world_open(w);
	world_ensure(w, "img");
	WAIT_FOR(w, w->images == 1);
	assert_int_equal(w->image_rc, 0);
	assert_int_equal(fake_count(w->engine, "POST /images/create"), 0);
}

static void missing_image_of_others_is_pulled(void **state)
{
	static const char *const rows[][2] = {
		{"tool", "fromImage=tool&tag=latest"},
		{"ghcr.io/x/y:1", "fromImage=ghcr.io%2Fx%2Fy&tag=1"},
		{"127.0.0.1:5000/a", "fromImage=127.0.0.1%3A5000%2Fa&tag=latest"},
		{"a/b@sha256:00", "fromImage=a%2Fb&tag=sha256%3A00"},
		{"a/b:1@sha256:00", "fromImage=a%2Fb&tag=sha256%3A00"},
	};
	struct world *w = *state;

	world_open(w);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		w->engine->image = NULL;
		world_ensure(w, rows[i][0]);
		WAIT_FOR(w, w->images == i + 1);
		assert_int_equal(w->image_rc, 0);
		assert_string_equal(
			strchr(w->engine->requests.v[w->engine->requests.n - 2], 'f'), rows[i][1]);
		assert_int_equal(w->engine->last_auth.n, 0);
	}
}

static void several_who_want_an_image_pull_it_once(void **state)
{
	struct world *w = *state;

	w->image = "tool";
	world_open(w);
	world_ensure(w, "tool");
	world_ensure(w, "tool");
	world_start(w, RUN_1);
	world_start(w, RUN_2);
	WAIT_FOR(w, w->images == 2);
	WAIT_FOR(w, world_run(w, RUN_1)->started == 1 && world_run(w, RUN_2)->started == 1);
	assert_int_equal(fake_count(w->engine, "POST /images/create"), 1);
	assert_int_equal(w->docker->starting, 0);
}

static void refused(struct world *w, int rc, const char *text)
{
	w->images = 0;
	world_ensure(w, "tool");
	WAIT_FOR(w, w->images == 1);
	assert_int_equal(w->image_rc, rc);
	assert_string_equal(w->image_text, text);
	assert_false(w->image_user.is_known);
}

static void refused_pull_is_told_with_its_reason(void **state)
{
	struct world *w = *state;
	struct fake_script s = {
		"POST /images/create", 404, "{\"message\":\"pull access denied for tool\"}", 1};

	world_open(w);
	w->engine->pull_log = "{\"status\":\"Pulling from tool\"}\r\n{\"errorDetail\":{},"
			      "\"error\":\"manifest \\u001b[1munknown\"}";
	refused(w, -EIO, "image tool cannot be pulled: manifest unknown");
	w->engine->pull_log = "{\"error\":\"write /x: no space left on device\"}\r\n";
	refused(w, -ENOSPC, "image tool cannot be pulled: write /x: no space left on device");
	/* Nothing went wrong, and nothing is there. */
	w->engine->pull_log = "{\"status\":\"fine\"}\r\n{\"aux\":{\"error\":\"not for us\"}}\r\n";
	s.prefix = "GET /images/";
	s.body = "{\"message\":\"No such image\"}";
	s.times = 2;
	w->engine->answer = fake_play;
	w->engine->ctx = &s;
	refused(w, -ENOENT, "image tool cannot be pulled: the engine does not have it afterwards");
	s.prefix = "POST /images/create";
	s.body = "{\"message\":\"pull access denied for tool\"}";
	s.times = 1;
	w->engine->image = NULL;
	refused(w, -EIO, "image tool cannot be pulled: pull access denied for tool");
}

static void run_whose_image_cannot_be_had_is_refused(void **state)
{
	struct world *w = *state;

	w->engine->image = NULL;
	w->engine->pull_log = "{\"error\":\"nobody at home\"}";
	world_open(w);
	world_start(w, RUN_1);
	WAIT_FOR(w, world_run(w, RUN_1)->refused == 1);
	assert_int_equal(world_run(w, RUN_1)->why, RUNNER_NO_IMAGE);
	assert_string_equal(
		world_run(w, RUN_1)->text, "image img cannot be pulled: nobody at home");
	w->engine->pull_log = "{\"error\":\"no space left on device\"}";
	world_start(w, RUN_2);
	WAIT_FOR(w, world_run(w, RUN_2)->refused == 1);
	assert_int_equal(world_run(w, RUN_2)->why, RUNNER_NO_SPACE);
}

static void login_is_sent_to_its_registry_only(void **state)
{
	struct world *w = *state;

	(void)scratch_file(w->scratch, "config.json",
		"{\"auths\":{\"reg.test\":{\"auth\":\"dTpw\"}},\"credsStore\":\"keyring\"}");
	world_open(w);
	world_ensure(w, "reg.test/tool");
	WAIT_FOR(w, fake_count(w->engine, "POST /images/create") == 1);
	assert_true(w->engine->last_auth.n > 0);
	WAIT_FOR(w, w->images == 1);
	w->engine->pull_log = "{\"error\":\"denied\"}";
	refused(w, -EIO,
		"image tool cannot be pulled: denied; a login in the credential helper keyring "
		"is not used, `docker pull tool` uses it");
}

/* The head of an answer, and then nothing. */
static bool mute_pull(void *ctx, const struct fake_request *q)
{
	(void)ctx;
	if (strstr(q->target, "/images/create?") == NULL)
		return false;
	fake_begin_stream(q->conn);
	buf_add_str(&q->conn->following, "pull");
	return true;
}

static void pulling_holds_nobody_up(void **state)
{
	struct world *w = *state;

	w->docker->timing.quiet_us = w->docker->timing.build_us = 60 * US_PER_SEC;
	w->engine->answer = mute_pull;
	world_open(w);
	w->image = "tool";
	world_start(w, RUN_1);
	world_start(w, RUN_2);
	WAIT_FOR(w, fake_count(w->engine, "POST /images/create") == 1);
	w->image = "img";
	world_start(w, RUN_3);
	WAIT_FOR(w, world_run(w, RUN_3)->started == 1);
	world_stop(w, RUN_2, US_PER_SEC);
	WAIT_FOR(w, world_run(w, RUN_2)->exited == 1);
	assert_true(world_run(w, RUN_2)->exit.is_gone);
	fake_engine_leave(w->engine);
	WAIT_FOR(w, w->downs == 1);
	w->engine->answer = NULL;
	fake_engine_return(w->engine);
	WAIT_FOR(w, world_run(w, RUN_1)->started == 1);
}

static void pull_that_says_nothing_is_given_up(void **state)
{
	struct world *w = *state;

	w->engine->answer = mute_pull;
	w->docker->timing.build_us = 60 * US_PER_SEC;
	world_open(w);
	refused(w, -ETIMEDOUT,
		"image tool cannot be pulled: given up after 0 s without a word from its registry");
	assert_int_equal(fake_count(w->engine, "POST /images/create"), 1);
	assert_int_equal(w->downs, 0);
}

static void pull_that_takes_too_long_is_given_up(void **state)
{
	struct world *w = *state;

	w->engine->answer = mute_pull;
	w->docker->timing.quiet_us = 60 * US_PER_SEC;
	w->docker->timing.build_us = 50 * US_PER_MS;
	world_open(w);
	refused(w, -ETIMEDOUT, "image tool cannot be pulled: given up after 0 s in all");
	assert_int_equal(fake_count(w->engine, "POST /images/create"), 1);
}

static void say_to_pulls(struct world *w, const char *line)
{
	list_foreach (it, &w->engine->conns) {
		struct fake_conn *conn = list_entry(it, struct fake_conn, node);

		if (str_eq(buf_str(&conn->following), "pull"))
			fake_add_chunk(conn, line, strlen(line));
	}
}

static void pull_that_goes_on_is_waited_for(void **state)
{
	struct world *w = *state;

	w->engine->answer = mute_pull;
	w->docker->timing.build_us = 60 * US_PER_SEC;
	world_open(w);
	world_ensure(w, "tool");
	WAIT_FOR(w, fake_count(w->engine, "POST /images/create") == 1);
	for (int i = 0; i < 10; i++) {
		world_pass(w, w->docker->timing.quiet_us / 5);
		say_to_pulls(w, "{\"status\":\"Downloading\",\"id\":\"a\",\"progressDetail\":"
				"{\"current\":1,\"total\":9}}\r\n");
	}
	assert_int_equal(w->images, 0);
	WAIT_FOR(w, w->images == 1);
	assert_int_equal(w->image_rc, -ETIMEDOUT);
}

static void pull_that_waits_for_others_is_waited_for(void **state)
{
	struct world *w = *state;

	w->engine->answer = mute_pull;
	w->docker->timing.build_us = 60 * US_PER_SEC;
	world_open(w);
	world_ensure(w, "tool");
	WAIT_FOR(w, fake_count(w->engine, "POST /images/create") == 1);
	say_to_pulls(w, "{\"status\":\"Waiting\",\"id\":\"a\"}\r\n");
	world_pass(w, 3 * w->docker->timing.quiet_us);
	assert_int_equal(w->images, 0);
	say_to_pulls(w, "{\"status\":\"Downloading\",\"id\":\"a\"}\r\n");
	WAIT_FOR(w, w->images == 1);
	assert_int_equal(w->image_rc, -ETIMEDOUT);
}

static bool hang_all(void *ctx, const struct fake_request *q)
{
	struct world *w = ctx;

	w->engine->is_mute = w->engine->is_mute || strstr(q->target, "/images/create?") != NULL;
	return w->engine->is_mute;
}

static void hung_engine_is_not_taken_for_a_hung_registry(void **state)
{
	struct world *w = *state;

	w->engine->answer = hang_all;
	w->engine->ctx = w;
	world_open(w);
	world_ensure(w, "tool");
	WAIT_FOR(w, w->images == 1);
	assert_int_equal(w->image_rc, -EHOSTUNREACH);
	assert_int_equal(w->downs, 1);
}

static bool fail_and_stop_listening(void *ctx, const struct fake_request *q)
{
	struct world *w = ctx;

	if (strstr(q->target, "/images/create?") == NULL)
		return false;
	watch_stop(&w->engine->watch);
	closep(&w->engine->fd);
	fake_answer(q->conn, 500, "{\"message\":\"store is closed\"}");
	return true;
}

static void failure_of_an_engine_that_leaves_is_not_the_images(void **state)
{
	struct world *w = *state;

	w->engine->answer = fail_and_stop_listening;
	w->engine->ctx = w;
	world_open(w);
	world_ensure(w, "tool");
	WAIT_FOR(w, w->images == 1);
	assert_int_equal(w->image_rc, -EHOSTUNREACH);
}

static bool hang_up_once(void *ctx, const struct fake_request *q)
{
	int *times = ctx;

	if (*times == 0 || strstr(q->target, "/images/create?") == NULL)
		return false;
	--*times;
	fake_hang_up(q->conn);
	return true;
}

static void pull_that_breaks_off_is_repeated(void **state)
{
	struct world *w = *state;
	int times = 1;

	w->engine->answer = hang_up_once;
	w->engine->ctx = &times;
	world_open(w);
	world_ensure(w, "tool");
	WAIT_FOR(w, w->images == 1);
	assert_int_equal(w->image_rc, 0);
	assert_int_equal(fake_count(w->engine, "POST /images/create"), 2);
}

static void pull_under_way_is_dropped_with_the_runner(void **state)
{
	struct world *w = *state;

	w->engine->answer = mute_pull;
	world_open(w);
	w->image = "tool";
	world_start(w, RUN_1);
	world_ensure(w, "tool");
	WAIT_FOR(w, fake_count(w->engine, "POST /images/create") == 1);
	world_restart(w);
	world_pass(w, 2 * w->docker->timing.quiet_us);
	assert_int_equal(w->images, 0);
}

/* --- whom it runs as --- */

static struct runner_user user_of(struct world *w, const char *image)
{
	w->images = 0;
	world_ensure(w, image);
	WAIT_FOR(w, w->images == 1);
	assert_int_equal(w->image_rc, 0);
	return w->image_user;
}

static void user_of_the_image_is_told(void **state)
{
	struct world *w = *state;
	struct runner_user u;

	world_open(w);
	u = user_of(w, "img");
	assert_true(u.is_known && u.is_root && u.uid == 0 && u.gid == 0);
	w->engine->image_user = "1000:1001";
	u = user_of(w, "img");
	assert_true(u.is_known && !u.is_root && u.uid == 1000 && u.gid == 1001);
	w->engine->image_user = "node";
	u = user_of(w, "img");
	assert_false(u.is_known || u.is_root);
	/* One that was pulled a moment ago, and one that was built. */
	w->engine->image_user = "7";
	u = user_of(w, "tool");
	assert_true(u.is_known && u.uid == 7 && u.gid == 0);
	w->engine->image_user = "pylon";
	w->engine->image = NULL;
	u = user_of(w, "pylon/agent-mock");
	assert_false(u.is_known);
	assert_int_equal(fake_count(w->engine, "GET /info"), 1);
}

static void user_of_ours_is_known_without_its_passwd(void **state)
{
	struct world *w = *state;
	struct agent_recipe recipe;
	struct runner_user u;
	char *labels;

	agent_recipe_init(&recipe, agent_image_find("pylon/agent-opencode"), NULL);
	labels = xasprintf("{\"pylon.agent.sha256\":\"%s\"}", recipe.digest);
	w->engine->image = "pylon/agent-opencode";
	w->engine->image_user = "pylon";
	w->engine->image_labels = labels;
	world_open(w);
	u = user_of(w, "pylon/agent-opencode");
	assert_true(u.is_known && !u.is_root && u.uid == 1000 && u.gid == 1000);
	agent_recipe_fini(&recipe);
	free(labels);
}

static void engine_that_maps_users_knows_none_of_ours(void **state)
{
	static const char *const infos[] = {
		"{\"SecurityOptions\":[\"name=seccomp,profile=default\",\"name=userns\"]}",
		"{\"SecurityOptions\":[\"name=rootless\"]}",
		"no JSON",
		"[]",
	};
	struct world *w = *state;
	struct runner_user u;

	for (size_t i = 0; i < ARRAY_LEN(infos); i++) {
		w->engine->info = infos[i];
		world_restart(w);
		world_open(w);
		u = user_of(w, "img");
		assert_true(u.is_root && !u.is_known);
	}
	w->engine->info = "{\"SecurityOptions\":null}";
	world_restart(w);
	world_open(w);
	u = user_of(w, "img");
	assert_true(u.is_root && u.is_known);
}

static bool keep_info_waiting(void *ctx, const struct fake_request *q)
{
	struct fake_conn **waiting = ctx;

	if (strstr(q->target, "/info") == NULL)
		return false;
	*waiting = q->conn;
	return true;
}

static void user_is_told_when_the_engine_has_told_about_users(void **state)
{
	struct world *w = *state;
	struct fake_conn *waiting = NULL;

	w->engine->answer = keep_info_waiting;
	w->engine->ctx = &waiting;
	world_open(w);
	world_ensure(w, "img");
	WAIT_FOR(w, waiting != NULL);
	world_pass(w, 30 * US_PER_MS);
	assert_int_equal(w->images, 0);
	fake_answer(waiting, 200, "{\"SecurityOptions\":[]}");
	WAIT_FOR(w, w->images == 1);
	assert_true(w->image_user.is_known);
}

static void another_engine_on_the_socket_is_asked_anew(void **state)
{
	struct world *w = *state;

	world_open(w);
	assert_true(user_of(w, "img").is_known);
	fake_engine_leave(w->engine);
	WAIT_FOR(w, w->downs == 1);
	w->engine->info = "{\"SecurityOptions\":[\"name=userns\"]}";
	fake_engine_return(w->engine);
	WAIT_FOR(w, w->ups == 2);
	assert_false(user_of(w, "img").is_known);
	assert_int_equal(fake_count(w->engine, "GET /info"), 2);
}

static bool mute_info(void *ctx, const struct fake_request *q)
{
	(void)ctx;
	return strstr(q->target, "/info") != NULL;
}

static void engine_that_does_not_tell_about_users_is_used_all_the_same(void **state)
{
	struct world *w = *state;

	w->engine->answer = mute_info;
	world_open(w);
	world_start(w, RUN_1);
	WAIT_FOR(w, world_run(w, RUN_1)->started == 1);
	assert_false(user_of(w, "img").is_known);
	assert_int_equal(w->downs, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(image_of_ours_is_built),
		T(image_from_the_same_recipe_is_left_alone),
		T(run_that_needs_an_image_of_ours_gets_it_built),
		T(building_holds_nobody_up),
		T(full_disk_while_building_is_told),
		T(failed_build_tells_the_last_words_of_its_command),
		T(build_that_takes_too_long_is_given_up),
		T(base_image_of_the_configuration_is_built_from),
		T(image_of_others_that_is_there_is_left_alone),
		T(missing_image_of_others_is_pulled),
		T(several_who_want_an_image_pull_it_once),
		T(refused_pull_is_told_with_its_reason),
		T(run_whose_image_cannot_be_had_is_refused),
		T(login_is_sent_to_its_registry_only),
		T(pulling_holds_nobody_up),
		T(pull_that_says_nothing_is_given_up),
		T(pull_that_takes_too_long_is_given_up),
		T(pull_that_goes_on_is_waited_for),
		T(pull_that_waits_for_others_is_waited_for),
		T(hung_engine_is_not_taken_for_a_hung_registry),
		T(failure_of_an_engine_that_leaves_is_not_the_images),
		T(pull_that_breaks_off_is_repeated),
		T(pull_under_way_is_dropped_with_the_runner),
		T(user_of_the_image_is_told),
		T(user_of_ours_is_known_without_its_passwd),
		T(engine_that_maps_users_knows_none_of_ours),
		T(user_is_told_when_the_engine_has_told_about_users),
		T(another_engine_on_the_socket_is_asked_anew),
		T(engine_that_does_not_tell_about_users_is_used_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
