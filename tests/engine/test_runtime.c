/* SPDX-License-Identifier: MIT */
/*
 * test_runtime.c - background work: jobs without a pylon go the way of all jobs, in a database of
 * their own, and hold nobody's slot.
 */
#include <stdlib.h>

#include "base/file.h"
#include "engine/engine-internal.h"
#include "engine/work-internal.h"
#include "engine/world.h"

#define CONFIG_OF(more)                                                                            \
	"version: 1\ndocker:\n  max_concurrent: 1\n  when_full: reject\n"                          \
	"defaults:\n  channel:\n    type: stdout\n" more
#define PYLON                                                                                      \
	"name: hook\ntrigger:\n  type: webhook\n  path: /hook\n  secret: s3cret\n"                 \
	"  signature_header: X-Hub-Signature-256\n"                                                \
	"workspace:\n  type: none\nagent:\n  type: mock\n  prompt: hello\n"
#define MAKE "{\"argv\":[\"make\",\"test\"],\"cwd\":\"/srv\",\"taskSlug\":\"tests\"}"

static void begin(struct world *w, const char *more)
{
	CLEANUP(freep) char *config = xasprintf(CONFIG_OF("%s"), more);

	world_open_runtime(w, config, PYLON);
}

static int start(struct world *w, const char *json, char ret_id[static ID_SIZE])
{
	engine_start_work(w->engine, slice_of(json), "test", world_answered, w);
	loop_settle(w->loop);
	(void)str_copy(ret_id, ID_SIZE, w->answer.job_id);
	return w->answer.status;
}

static struct fake_run *process(struct world *w, size_t i)
{
	assert_true(i < w->processes.n);
	return &w->processes.runs[i];
}

static void ended(struct world *w, size_t i, int status)
{
	struct runner_exit x = {.exit_code = status, .stdout_tail = ""};
	struct id run = process(w, i)->run_id;

	w->processes.ev.started(w->processes.ev.ctx, &run, "4711");
	loop_settle(w->loop);
	w->processes.ev.exited(w->processes.ev.ctx, &run, &x);
	loop_settle(w->loop);
}

static void a_command_runs_as_it_was_asked_for(void **state UNUSED)
{
	char id[ID_SIZE];
	struct world w;

	begin(&w, "");
	assert_int_equal(
		start(&w,
			"{\"argv\":[\"make\",\"test\"],\"cwd\":\"/srv\",\"env\":{\"A\":\"1\"},"
			"\"timeoutSeconds\":5,\"nice\":3,\"limits\":{\"nofile\":64}}",
			id),
		202);
	assert_int_equal(process(&w, 0)->argv.n, 2);
	assert_string_equal(process(&w, 0)->argv.v[1], "test");
	assert_string_equal(process(&w, 0)->cwd, "/srv");
	assert_int_equal(process(&w, 0)->timeout_us, 5 * US_PER_SEC);
	assert_true(strv_has(&process(&w, 0)->env, "A=1"));
	assert_int_equal(w.runner.n, 0); /* no container */
	ended(&w, 0, 0);
	world_assert_state(&w, id, JOB_COMPLETED);
	assert_true(process(&w, 0)->is_forgotten);
	assert_int_equal(w.channel.n, 0); /* nobody asked to hear of it */
	world_close(&w);
}

static void what_the_caller_says_of_its_environment_wins(void **state UNUSED)
{
	const struct strv *env;
	size_t found = 0;
	char id[ID_SIZE];
	struct world w;

	begin(&w, "");
	assert_int_equal(setenv("SHARED_NAME", "daemon", 1), 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", "/run/of-the-manager", 1), 0);
	assert_int_equal(
		start(&w, "{\"argv\":[\"a\"],\"cwd\":\"/\",\"env\":{\"SHARED_NAME\":\"mine\"}}",
			id),
		202);
	env = &process(&w, 0)->env;
	for (size_t i = 0; i < env->n; i++)
		found += str_has_prefix(env->v[i], "SHARED_NAME=");
	assert_int_equal(found, 1);
	assert_true(strv_has(env, "SHARED_NAME=mine"));
	assert_false(strv_has(env, "NOTIFY_SOCKET=/run/of-the-manager"));
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
	assert_int_equal(unsetenv("SHARED_NAME"), 0);
	world_close(&w);
}

static void a_shell_line_and_a_subagent_are_commands(void **state UNUSED)
{
	char id[ID_SIZE];
	struct world w;

	begin(&w, "daemon:\n  agent:\n    command: [helper, -q]\n");
	assert_int_equal(start(&w, "{\"shellCommand\":\"ls | wc\",\"cwd\":\"/\"}", id), 202);
	assert_string_equal(process(&w, 0)->argv.v[0], "/bin/sh");
	assert_string_equal(process(&w, 0)->argv.v[2], "ls | wc");
	assert_int_equal(
		start(&w,
			"{\"agent\":{\"prompt\":\"-look\",\"model\":\"m\","
			"\"allowedTools\":[\"Read\",\"Bash\"],\"session\":\"s\"},\"cwd\":\"/\"}",
			id),
		202);
	{
		static const char *const expected[] = {"helper", "-q", "--model", "m",
			"--allowedTools", "Read,Bash", "--resume", "s", "--", "-look"};

		assert_int_equal(process(&w, 1)->argv.n, ARRAY_LEN(expected));
		for (size_t i = 0; i < ARRAY_LEN(expected); i++)
			assert_string_equal(process(&w, 1)->argv.v[i], expected[i]);
	}
	world_close(&w);
}

/* With an argument of n bytes. */
static char *long_command(size_t n)
{
	struct buf b = BUF_NULL;

	buf_add_str(&b, "{\"cwd\":\"/\",\"argv\":[\"a\",\"");
	for (size_t i = 0; i < n; i++)
		buf_add_char(&b, 'x');
	buf_add_str(&b, "\"]}");
	return buf_steal(&b);
}

static void what_is_wrong_is_said_and_nothing_is_kept(void **state UNUSED)
{
	static const char *const wrong[] = {"", "[]", "{", "{}", "{\"cwd\":\"/\"}",
		"{\"argv\":[\"a\"]}", "{\"argv\":[\"a\"],\"cwd\":\"relative\"}",
		"{\"argv\":[],\"cwd\":\"/\"}", "{\"argv\":[\"\"],\"cwd\":\"/\"}",
		"{\"argv\":[1],\"cwd\":\"/\"}", "{\"argv\":\"a\",\"cwd\":\"/\"}",
		"{\"argv\":[\"a\"],\"shellCommand\":\"b\",\"cwd\":\"/\"}",
		"{\"shellCommand\":\"\",\"cwd\":\"/\"}", "{\"agent\":{},\"cwd\":\"/\"}",
		"{\"argv\":[\"a\"],\"cwd\":\"/\",\"timeoutSeconds\":604801}",
		"{\"argv\":[\"a\"],\"cwd\":\"/\",\"timeoutSeconds\":-1}",
		"{\"argv\":[\"a\"],\"cwd\":\"/\",\"timeoutSeconds\":1.5}",
		"{\"argv\":[\"a\"],\"cwd\":\"/\",\"nice\":20}",
		"{\"argv\":[\"a\"],\"cwd\":\"/\",\"env\":{\"A=B\":\"c\"}}",
		"{\"argv\":[\"a\"],\"cwd\":\"/\",\"env\":{\"A\":1}}",
		"{\"argv\":[\"a\"],\"cwd\":\"/\",\"limits\":{\"nofile\":-1}}"};
	char id[ID_SIZE];
	struct world w;
	CLEANUP(freep) char *fits = long_command(WORK_ARG_MAX);
	CLEANUP(freep) char *too_long = long_command(WORK_ARG_MAX + 1);

	begin(&w, "");
	assert_int_equal(start(&w, too_long, id), 400);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		assert_int_equal(start(&w, wrong[i], id), 400);
		assert_true(w.answer.text[0] != '\0');
	}
	assert_int_equal(w.processes.n, 0);
	assert_int_equal(start(&w, fits, id), 202);
	assert_int_equal(
		start(&w, "{\"argv\":[\"a\"],\"cwd\":\"/\",\"timeoutSeconds\":604800,\"nice\":19}",
			id),
		202);
	world_close(&w);
}

static void background_work_and_containers_hold_no_slot_of_each_other(void **state UNUSED)
{
	char id[ID_SIZE];
	struct world w;

	begin(&w, "");
	assert_int_equal(start(&w, MAKE, id), 202);
	world_post(&w, "a", "{}");
	assert_int_equal(w.answer.status, 202);
	assert_int_equal(w.runner.n, 1);
	assert_int_equal(start(&w, MAKE, id), 202);
	assert_int_equal(w.processes.n, 2);
	world_close(&w);
}

static void more_than_the_limit_wait_their_turn(void **state UNUSED)
{
	char ids[3][ID_SIZE];
	struct world w;

	begin(&w, "daemon:\n  max_background: 2\n");
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(start(&w, MAKE, ids[i]), 202);
	assert_int_equal(w.processes.n, 2);
	world_assert_state(&w, ids[2], JOB_QUEUED);
	ended(&w, 0, 3);
	world_assert_state(&w, ids[0], JOB_FAILED);
	assert_int_equal(w.processes.n, 3);
	world_close(&w);
}

static void it_goes_on_without_a_container_engine(void **state UNUSED)
{
	char id[ID_SIZE];
	struct world w;

	begin(&w, "");
	world_engine(&w, false);
	assert_int_equal(start(&w, MAKE, id), 202);
	ended(&w, 0, 0);
	world_assert_state(&w, id, JOB_COMPLETED);
	world_close(&w);
}

static void a_command_that_outlived_the_daemon_is_adopted(void **state UNUSED)
{
	struct runner_exit x = {.exit_code = 7, .stdout_tail = ""};
	struct id run;
	char id[ID_SIZE];
	struct world w;

	begin(&w, "");
	assert_int_equal(start(&w, MAKE, id), 202);
	run = process(&w, 0)->run_id;
	w.processes.ev.started(w.processes.ev.ctx, &run, "4711");
	loop_settle(w.loop);
	w.processes.found[0] = (struct runner_found){.run_id = run,
		.job_id = process(&w, 0)->job_id,
		.container_id = "x",
		.state = "running"};
	w.processes.found_n = 1;
	world_down(&w, 60 * US_PER_SEC);
	assert_true(process(&w, 0)->is_adopted);
	w.processes.ev.exited(w.processes.ev.ctx, &run, &x);
	loop_settle(w.loop);
	world_assert_state(&w, id, JOB_FAILED);
	world_close(&w);
}

static void ended_so(struct world *w, size_t i, const struct runner_exit *x)
{
	struct id run = process(w, i)->run_id;

	w->processes.ev.started(w->processes.ev.ctx, &run, "4711");
	loop_settle(w->loop);
	w->processes.ev.exited(w->processes.ev.ctx, &run, x);
	loop_settle(w->loop);
}

static void assert_ended(struct world *w, const char *id, enum job_state state, const char *reason,
	const char *words)
{
	struct job j = {0};

	assert_string_equal(job_state_name(world_job(w, id, &j)), job_state_name(state));
	assert_string_equal(j.reason, reason);
	assert_non_null(strstr(j.error, words));
	job_fini(&j);
}

static void what_its_keeper_knows_is_told(void **state UNUSED)
{
	static const struct runner_exit gone = {.is_gone = true,
		.exit_code = -1,
		.text = "the machine was restarted",
		.stdout_tail = ""};
	static const struct runner_exit late = {
		.exit_code = 143, .was_timed_out = true, .stdout_tail = ""};
	static const struct runner_exit never = {
		.exit_code = 127, .text = "make: No such file or directory", .stdout_tail = ""};
	char id[ID_SIZE];
	struct world w;

	begin(&w, "");
	(void)start(&w, MAKE, id);
	ended_so(&w, 0, &gone);
	assert_ended(&w, id, JOB_LOST, "process_gone", "the machine was restarted");
	(void)start(&w, MAKE, id);
	ended_so(&w, 1, &late);
	assert_ended(&w, id, JOB_TIMED_OUT, "timeout", "time limit");
	(void)start(&w, MAKE, id);
	ended_so(&w, 2, &never);
	assert_ended(&w, id, JOB_FAILED, "never_started", "make: No such file");
	world_close(&w);
}

static void a_kill_reaches_it(void **state UNUSED)
{
	char id[ID_SIZE];
	struct world w;

	begin(&w, "");
	assert_int_equal(start(&w, MAKE, id), 202);
	world_decide(&w, ENGINE_KILL, id);
	assert_int_equal(process(&w, 0)->stops, 1);
	ended(&w, 0, 143);
	world_assert_state(&w, id, JOB_CANCELLED);
	world_close(&w);
}

static void it_can_be_done_once_more(void **state UNUSED)
{
	struct id job = {0};
	char id[ID_SIZE];
	struct world w;

	begin(&w, "");
	assert_int_equal(start(&w, MAKE, id), 202);
	ended(&w, 0, 0);
	(void)str_copy(job.s, sizeof(job.s), id);
	engine_rerun(w.engine, &job, world_answered, &w);
	loop_settle(w.loop);
	assert_int_equal(w.answer.status, 202);
	assert_string_not_equal(w.answer.job_id, id);
	assert_string_equal(process(&w, 1)->argv.v[0], "make");
	(void)str_copy(job.s, sizeof(job.s), "00000000-0000-4000-8000-000000000000");
	engine_rerun(w.engine, &job, world_answered, &w);
	loop_settle(w.loop);
	assert_int_equal(w.answer.status, 404);
	world_close(&w);
}

static void count_job(const struct job *j UNUSED, void *ctx)
{
	(*(int *)ctx)++;
}

static int listed(struct world *w, const char *pylon)
{
	struct store_job_query q = {.state = JOB_STATES, .limit = 10};
	struct err e = CLEAN_ERR;
	int n = 0;

	assert_int_equal(engine_list_jobs(w->engine, pylon, &q, count_job, &n, &e), 0);
	return n;
}

static void it_is_not_among_the_jobs_of_pylons(void **state UNUSED)
{
	struct engine_status status;
	char id[ID_SIZE];
	struct world w;

	begin(&w, "");
	assert_int_equal(start(&w, MAKE, id), 202);
	assert_int_equal(listed(&w, NULL), 0);
	assert_int_equal(listed(&w, RUNTIME_NAME), 1);
	engine_status(w.engine, &status);
	assert_int_equal(status.pylons, 1);
	engine_trigger(w.engine, RUNTIME_NAME, slice_of("{}"), "api", world_answered, &w);
	loop_settle(w.loop);
	assert_int_equal(w.answer.status, 404);
	world_close(&w);
}

static void a_reload_leaves_it_alone(void **state UNUSED)
{
	char id[ID_SIZE];
	struct world w;

	begin(&w, "");
	assert_int_equal(start(&w, MAKE, id), 202);
	assert_true(world_reload(&w, true));
	ended(&w, 0, 0);
	world_assert_state(&w, id, JOB_COMPLETED);
	assert_int_equal(start(&w, MAKE, id), 202);
	world_close(&w);
}

static void a_reload_can_let_more_of_it_run(void **state UNUSED)
{
	char id[ID_SIZE];
	struct world w;

	begin(&w, "daemon:\n  max_background: 1\n");
	assert_int_equal(start(&w, MAKE, id), 202);
	assert_int_equal(start(&w, MAKE, id), 202);
	assert_int_equal(w.processes.n, 1);
	world_put(&w, "config.yaml", CONFIG_OF("daemon:\n  max_background: 2\n"));
	assert_true(world_reload(&w, true));
	assert_int_equal(w.processes.n, 2);
	world_close(&w);
}

static void its_logs_go_when_their_time_is_over(void **state UNUSED)
{
	CLEANUP(buf_fini) struct buf log = BUF_NULL;
	CLEANUP(freep) char *name = NULL;
	struct id job = {0};
	char id[ID_SIZE];
	struct world w;

	begin(&w, "");
	assert_int_equal(start(&w, MAKE, id), 202);
	ended(&w, 0, 0);
	(void)str_copy(job.s, sizeof(job.s), id);
	engine_log_path(w.engine, RUNTIME_NAME, &job, &log);
	name = xasprintf("daemon/logs/%s.log", id);
	world_put(&w, name, "said\n");
	assert_true(file_exists(buf_str(&log)));
	loop_advance(w.loop, INT64_C(29) * 24 * 3600 * US_PER_SEC);
	assert_true(file_exists(buf_str(&log)));
	loop_advance(w.loop, INT64_C(2) * 24 * 3600 * US_PER_SEC);
	assert_false(file_exists(buf_str(&log)));
	world_close(&w);
}

static void a_daemon_without_a_runtime_says_so(void **state UNUSED)
{
	char id[ID_SIZE];
	struct world w;

	world_open(&w, CONFIG_OF(""), PYLON);
	assert_int_equal(start(&w, MAKE, id), 503);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_command_runs_as_it_was_asked_for),
		cmocka_unit_test(what_the_caller_says_of_its_environment_wins),
		cmocka_unit_test(a_shell_line_and_a_subagent_are_commands),
		cmocka_unit_test(what_is_wrong_is_said_and_nothing_is_kept),
		cmocka_unit_test(background_work_and_containers_hold_no_slot_of_each_other),
		cmocka_unit_test(more_than_the_limit_wait_their_turn),
		cmocka_unit_test(it_goes_on_without_a_container_engine),
		cmocka_unit_test(a_command_that_outlived_the_daemon_is_adopted),
		cmocka_unit_test(what_its_keeper_knows_is_told),
		cmocka_unit_test(a_kill_reaches_it),
		cmocka_unit_test(it_can_be_done_once_more),
		cmocka_unit_test(it_is_not_among_the_jobs_of_pylons),
		cmocka_unit_test(a_reload_leaves_it_alone),
		cmocka_unit_test(a_reload_can_let_more_of_it_run),
		cmocka_unit_test(its_logs_go_when_their_time_is_over),
		cmocka_unit_test(a_daemon_without_a_runtime_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
