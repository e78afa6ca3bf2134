/* SPDX-License-Identifier: MIT */
/*
 * test_retain.c - what housekeeping removes, and what it must leave alone.
 */
#include <unistd.h>

#include "engine/world.h"

static void make_file(const struct world *w, const char *id, const char *suffix)
{
	CLEANUP(freep) char *path = xasprintf("%s/jobs/%s%s", w->home, id, suffix);
	struct err e = CLEAN_ERR;

	assert_int_equal(file_write(path, "x", 1, 0600, &e), 0);
}

static bool is_there(const struct world *w, const char *id, const char *suffix)
{
	CLEANUP(freep) char *path = xasprintf("%s/jobs/%s%s", w->home, id, suffix);

	return access(path, F_OK) == 0;
}

/* One job that is over, one that runs, and files of one that nobody knows. */
static void housekeeping_removes_what_is_over_and_nothing_else(void **state UNUSED)
{
	static const char stranger[] = "01234567-89ab-4cde-8f01-23456789abcd";
	struct world w;
	struct job j = {0};
	char over[40], running[40];
	struct err e = CLEAN_ERR;

	world_open(&w,
		"version: 1\ndocker:\n  max_concurrent: 2\n"
		"retention:\n  jobs: 4h\n  logs: 1h\n  workspaces: 1h\n  dedupe: 4h\n",
		"name: hook\ncreated: 2026-01-01T00:00:00Z\n"
		"trigger:\n  type: webhook\n  path: /hook\n  secret: s3cret\n"
		"  signature_header: X-Hub-Signature-256\n"
		"workspace:\n  type: none\nchannel:\n  type: stdout\n"
		"agent:\n  type: mock\n  prompt: hi\n  timeout: 24h\n");
	world_post(&w, "a", "{}");
	(void)str_copy(over, sizeof(over), w.answer.job_id);
	world_post(&w, "b", "{}");
	(void)str_copy(running, sizeof(running), w.answer.job_id);
	world_started(&w, 0);
	world_started(&w, 1);
	world_exited(&w, 0, 0);
	world_sent(&w, 0, CHANNEL_SENT, -1);
	make_file(&w, over, "");
	make_file(&w, over, ".log");
	make_file(&w, running, "");
	make_file(&w, running, ".log");
	make_file(&w, stranger, "");
	make_file(&w, stranger, ".log");
	make_file(&w, stranger, ".run");
	loop_advance(w.loop, 3 * 3600 * US_PER_SEC);
	assert_false(is_there(&w, over, ".log"));
	assert_true(w.workspace.removed > 0);
	assert_string_equal(w.workspace.last_removed.s, over);
	world_assert_state(&w, over, JOB_COMPLETED);
	loop_advance(w.loop, 3 * 3600 * US_PER_SEC);
	assert_int_equal(engine_find_job(w.engine, over, &j, &e), 1);
	world_assert_state(&w, running, JOB_RUNNING);
	assert_true(is_there(&w, running, ".log"));
	assert_true(is_there(&w, world_run(&w, 1)->run_id.s, ".run"));
	assert_string_equal(w.workspace.last_removed.s, over);
	assert_true(is_there(&w, stranger, ""));
	assert_true(is_there(&w, stranger, ".log"));
	assert_true(is_there(&w, stranger, ".run"));
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(housekeeping_removes_what_is_over_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
