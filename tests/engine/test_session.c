/* SPDX-License-Identifier: MIT */
/*
 * test_session.c - what lets a conversation go on: where an agent keeps its sessions, whose they
 * are, and what becomes of a reply while its job, its pylon or its files change.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "engine/engine-internal.h"
#include "engine/world.h"

#define CONFIG                                                                                     \
	"version: 1\ndocker:\n  max_concurrent: 2\n  when_full: queue\n"                           \
	"retention:\n  logs: 1h\n  workspaces: 1h\n"                                               \
	"defaults:\n  channel:\n    type: stdout\n"
#define PYLON_OF(workspace, more)                                                                  \
	"name: hook\ntrigger:\n  type: webhook\n  path: /hook\n"                                   \
	"  secret: [s3cret, s3cret-of-the-hook]\n"                                                 \
	"  signature_header: X-Hub-Signature-256\n"                                                \
	"workspace:\n" workspace "agent:\n  type: mock\n" more
#define NONE          "  type: none\n"
#define PLAIN         PYLON_OF(NONE, "  prompt: hello\n")
#define FILE_OF_PYLON "pylons/hook/pylon.yaml"
#define DONE(text, id)                                                                             \
	"{\"status\":\"completed\",\"output\":{\"result\":\"" text "\",\"session_id\":\"" id "\"}}"

static void post(struct world *w, char ret[static ID_SIZE])
{
	static int deliveries;
	char delivery[16];

	(void)snprintf(delivery, sizeof(delivery), "d-%d", deliveries++);
	world_post(w, delivery, "{\"repo\":\"a/b\",\"ref\":\"v1\"}");
	assert_int_equal(w->answer.status, 202);
	(void)str_copy(ret, ID_SIZE, w->answer.job_id);
}

static int reply(struct world *w, const char *id, const char *text)
{
	struct id job = {0};

	(void)str_copy(job.s, sizeof(job.s), id);
	engine_reply(w->engine, &job, slice_of(text), "ada", world_answered, w);
	loop_settle(w->loop);
	return w->answer.status;
}

static void assert_file(struct world *w, const char *id, const char *suffix, const char *expected)
{
	CLEANUP(freep) char *path = xasprintf("%s/jobs/%s%s", w->home, id, suffix);
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	struct err e = CLEAN_ERR;

	assert_int_equal(file_read(path, KIB(4), &text, &e), 0);
	assert_string_equal(buf_str(&text), expected);
}

/* --- where --- */

#define CLOSED "  network: none\n  read_only: true\n"

static void session_world(struct world *w, const char *agent)
{
	CLEANUP(freep)
	char *yaml = xasprintf("%s%s",
		"name: hook\ntrigger:\n  type: webhook\n  path: /hook\n  secret: s3cret\n"
		"  signature_header: X-Hub-Signature-256\nworkspace:\n  type: none\n"
		"agent:\n  type: claude\n  auth: oauth\n  prompt: hello\n",
		agent);

	world_open(w, CONFIG, yaml);
	assert_int_equal(setenv("HOME", w->home, 1), 0);
	assert_int_equal(unsetenv("CLAUDE_CONFIG_DIR"), 0);
}

static bool has_session(struct world *w, size_t i)
{
	const struct strv *mounts = &world_run(w, i)->mounts;

	for (size_t k = 0; k < mounts->n; k++)
		if (strstr(mounts->v[k], "/sessions/hook/claude:") != NULL)
			return true;
	return false;
}

static void a_session_belongs_to_the_user_of_the_image(void **state UNUSED)
{
	struct world w;
	size_t asked;
	char id[ID_SIZE];

	session_world(&w, CLOSED);
	w.runner.user = (struct runner_user){.is_known = true, .is_root = true};
	asked = w.runner.ensured;
	post(&w, id);
	assert_int_equal(w.runner.ensured, asked + 1);
	assert_true(has_session(&w, 0));
	assert_int_equal(w.workspace.owner.uid, 65534); /* and not root's, which is not let in */
	assert_int_equal(w.workspace.owner.gid, 65534);
	world_close(&w);
	session_world(&w, "");
	asked = w.runner.ensured;
	post(&w, id);
	assert_int_equal(w.runner.ensured, asked + 1);
	world_close(&w);
}

static void only_a_volume_at_or_above_the_sessions_takes_their_place(void **state UNUSED)
{
	struct world w;
	char id[ID_SIZE];

	session_world(&w, "  volumes: [\"/srv/a:/home/pylon:rw\"]\n");
	post(&w, id);
	assert_false(has_session(&w, 0));
	world_close(&w);
	session_world(
		&w, "  volumes: [\"/srv/a:/home/pylon/.claude/x:rw\", \"/srv/b:/home/pyl:rw\"]\n");
	post(&w, id);
	assert_true(has_session(&w, 0));
	world_close(&w);
}

static void a_login_that_is_not_there_is_said_in_the_log(void **state UNUSED)
{
	struct world w;
	char id[ID_SIZE];

	session_world(&w, "");
	post(&w, id);
	assert_file(&w, id, ".log",
		"> there is no login to copy: sign in with `claude` on this machine, or set "
		"agent.auth: api_key\n");
	world_close(&w);
}

static void a_login_is_looked_for_where_its_owner_keeps_it(void **state UNUSED)
{
	CLEANUP(freep) char *dir = NULL;
	CLEANUP(freep) char *copied = NULL;
	struct world w;
	char id[ID_SIZE];

	session_world(&w, "");
	world_put(&w, "elsewhere/.credentials.json", "{\"a\":\"bcdefghijklmn\"}");
	dir = xasprintf("%s/elsewhere", w.home);
	assert_int_equal(setenv("CLAUDE_CONFIG_DIR", dir, 1), 0);
	post(&w, id);
	assert_int_equal(unsetenv("CLAUDE_CONFIG_DIR"), 0);
	copied = xasprintf("%s/sessions/hook/claude/.credentials.json", w.home);
	assert_true(file_exists(copied));
	world_close(&w);
}

static void a_session_that_no_environment_can_carry_is_not_kept(void **state UNUSED)
{
	char name[258] = "";
	struct world w;
	char id[ID_SIZE];

	world_open(&w, CONFIG, PLAIN);
	post(&w, id);
	for (size_t n = 255; n <= 257; n++) {
		CLEANUP(freep) char *result = NULL;
		struct job j = {0};

		memset(name, 'x', n);
		result = xasprintf(DONE("well", "%s"), name);
		world_started(&w, w.runner.n - 1);
		world_result(&w, w.runner.n - 1, result);
		world_exited(&w, w.runner.n - 1, 0);
		assert_int_equal(world_job(&w, id, &j), JOB_COMPLETED);
		assert_int_equal(strlen(j.session_id), MIN_OF(n, 256U));
		job_fini(&j);
		assert_int_equal(reply(&w, id, "go on"), 200);
	}
	world_close(&w);
}

/* --- conversations --- */

static void a_reply_waits_for_a_disabled_pylon(void **state UNUSED)
{
	struct world w;
	char id[ID_SIZE];

	world_open(&w, CONFIG, PLAIN);
	post(&w, id);
	world_started(&w, 0);
	world_result(&w, 0, DONE("well", "s-1"));
	world_exited(&w, 0, 0);
	world_put(&w, FILE_OF_PYLON, PLAIN "disabled: true\n");
	assert_true(world_reload(&w, false));
	assert_int_equal(reply(&w, id, "go on"), 200);
	world_assert_state(&w, id, JOB_QUEUED);
	assert_int_equal(reply(&w, id, "and on"), 409);
	assert_int_equal(w.runner.n, 1);
	world_put(&w, FILE_OF_PYLON, PLAIN);
	assert_true(world_reload(&w, false));
	world_assert_prompt(&w, 1, "go on");
	world_close(&w);
}

static void a_job_that_ran_out_of_time_takes_a_reply(void **state UNUSED)
{
	struct world w;
	char id[ID_SIZE];

	world_open(&w, CONFIG, PYLON_OF(NONE, "  prompt: hello\n  timeout: 60s\n"));
	post(&w, id);
	world_started(&w, 0);
	loop_advance(w.loop, 61 * US_PER_SEC);
	world_exited(&w, 0, 143);
	world_assert_state(&w, id, JOB_TIMED_OUT);
	assert_int_equal(reply(&w, id, "go on"), 200);
	world_assert_prompt(&w, 1, "go on");
	assert_null(world_env(&w, 1, "SESSION_ID")); /* it never told one */
	world_close(&w);
}

static void a_reply_that_was_killed_while_it_waited_is_said_by_a_retry(void **state UNUSED)
{
	struct world w;
	char id[ID_SIZE];

	world_open(&w, CONFIG, PLAIN);
	post(&w, id);
	world_started(&w, 0);
	world_result(&w, 0, DONE("well", "s-1"));
	world_exited(&w, 0, 0);
	world_engine(&w, false);
	assert_int_equal(reply(&w, id, "go on"), 200);
	world_decide(&w, ENGINE_KILL, id);
	world_assert_state(&w, id, JOB_CANCELLED);
	world_decide(&w, ENGINE_RETRY, id);
	world_engine(&w, true);
	world_assert_prompt(&w, 1, "go on");
	assert_string_equal(world_env(&w, 1, "SESSION_ID"), "s-1");
	world_close(&w);
}

static void retries_repeat_the_newest_turn_and_a_reply_follows_them(void **state UNUSED)
{
	struct world w;
	char id[ID_SIZE];

	world_open(&w, CONFIG, PYLON_OF(NONE, "  prompt: hello\n  retries: 1\n"));
	post(&w, id);
	world_started(&w, 0);
	world_result(&w, 0, DONE("well", "s-1"));
	world_exited(&w, 0, 0);
	assert_int_equal(reply(&w, id, "one"), 200);
	for (size_t i = 1; i <= 2; i++) {
		world_assert_prompt(&w, i, "one");
		assert_string_equal(world_env(&w, i, "SESSION_ID"), "s-1");
		world_started(&w, i);
		world_exited(&w, i, 1);
		loop_advance(w.loop, 3600 * US_PER_SEC);
	}
	world_assert_state(&w, id, JOB_FAILED);
	assert_int_equal(reply(&w, id, "two"), 200);
	world_assert_prompt(&w, 3, "two");
	world_close(&w);
}

static void housekeeping_leaves_a_job_that_was_answered_alone(void **state UNUSED)
{
	CLEANUP(freep) char *log = NULL;
	struct world w;
	char id[ID_SIZE];

	world_open(&w, CONFIG, PLAIN);
	post(&w, id);
	world_started(&w, 0);
	world_exited(&w, 0, 0);
	log = xasprintf("jobs/%s.log", id);
	world_put(&w, log, "hello\n");
	world_engine(&w, false);
	assert_int_equal(reply(&w, id, "go on"), 200);
	loop_advance(w.loop, 3 * 3600 * US_PER_SEC);
	assert_int_equal(w.workspace.removed, 0);
	assert_file(&w, id, ".log", "hello\n");
	world_engine(&w, true);
	assert_file(&w, id, ".1.log", "hello\n");
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_belongs_to_the_user_of_the_image),
		cmocka_unit_test(only_a_volume_at_or_above_the_sessions_takes_their_place),
		cmocka_unit_test(a_login_that_is_not_there_is_said_in_the_log),
		cmocka_unit_test(a_login_is_looked_for_where_its_owner_keeps_it),
		cmocka_unit_test(a_session_that_no_environment_can_carry_is_not_kept),
		cmocka_unit_test(a_reply_waits_for_a_disabled_pylon),
		cmocka_unit_test(a_job_that_ran_out_of_time_takes_a_reply),
		cmocka_unit_test(a_reply_that_was_killed_while_it_waited_is_said_by_a_retry),
		cmocka_unit_test(retries_repeat_the_newest_turn_and_a_reply_follows_them),
		cmocka_unit_test(housekeeping_leaves_a_job_that_was_answered_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
