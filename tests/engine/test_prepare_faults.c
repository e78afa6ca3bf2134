/* SPDX-License-Identifier: MIT */
/*
 * test_prepare_faults.c - what happens to a job between its claim and its container while people,
 * the daemon, the engine and the store do something else: it ends once and honestly, and its slot
 * is free afterwards.
 */
#include <errno.h>
#include <stdio.h>

#include <sqlite3.h>

#include "base/file.h"
#include "base/spool.h"
#include "engine/engine-internal.h"
#include "engine/world.h"

#define CONFIG                                                                                     \
	"version: 1\ndocker:\n  max_concurrent: 2\n  when_full: queue\n"                           \
	"retention:\n  logs: 1h\n  workspaces: 1h\n"                                               \
	"defaults:\n  channel:\n    type: stdout\n"
#define STOPPING CONFIG "daemon:\n  on_stop: stop\n"
#define PYLON_OF(workspace, more)                                                                  \
	"name: hook\ntrigger:\n  type: webhook\n  path: /hook\n"                                   \
	"  secret: [s3cret, s3cret-of-the-hook]\n"                                                 \
	"  signature_header: X-Hub-Signature-256\n"                                                \
	"workspace:\n" workspace "agent:\n  type: mock\n" more
#define GIT                                                                                        \
	"  type: git-worktree\n  repo: \"https://git.example/{{ .body.repo }}.git\"\n"             \
	"  ref: \"{{ .body.ref }}\"\n"
#define NONE          "  type: none\n"
#define PYLON         PYLON_OF(GIT, "  prompt: hello\n")
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

static void assert_reason(struct world *w, const char *id, enum job_state state, const char *reason)
{
	struct job j = {0};

	assert_string_equal(job_state_name(world_job(w, id, &j)), job_state_name(state));
	assert_string_equal(j.reason == NULL ? "" : j.reason, reason);
	job_fini(&j);
}

static int slots_taken(struct world *w)
{
	int taken = 0;

	for (size_t i = 0; i < w->engine->pylon_count; i++)
		taken += w->engine->pylons[i]->active;
	return taken;
}

static void assert_nothing_is_alive(struct world *w)
{
	assert_int_equal(slots_taken(w), 0);
	assert_true(list_is_empty(&w->engine->live));
	assert_false(engine_is_preparing(w->engine));
}

static void leave_container(struct world *w, const char *state)
{
	w->runner.found[0] = (struct runner_found){.run_id = w->runner.runs[0].run_id,
		.job_id = w->runner.runs[0].job_id,
		.container_id = "c0ffee",
		.state = state};
	w->runner.found_n = 1;
}

static sqlite3 *lock_database(struct world *w)
{
	CLEANUP(freep) char *path = xasprintf("%s/pylons/hook/jobs.db", w->home);
	sqlite3 *other = NULL;

	assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	return other;
}

static void unlock_database(struct world *w, sqlite3 *other)
{
	assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(other), SQLITE_OK);
	loop_advance(w->loop, 5 * US_PER_SEC);
}

/* --- kill --- */

/* Whether it runs is not known before the engine was asked. */
static void a_run_of_an_earlier_process_is_not_written_off_unseen(void **state UNUSED)
{
	struct world w;
	char id[ID_SIZE];

	world_open(&w, CONFIG, PLAIN);
	post(&w, id);
	world_started(&w, 0);
	leave_container(&w, "running");
	world_crash(&w);
	w.runner.is_up = false;
	world_restart(&w);
	world_decide(&w, ENGINE_KILL, id);
	assert_int_equal(w.answer.status, 200);
	world_assert_state(&w, id, JOB_RUNNING);
	assert_int_equal(slots_taken(&w), 1);
	world_engine(&w, true);
	assert_true(world_run(&w, 0)->is_adopted);
	assert_int_equal(world_run(&w, 0)->stops, 1);
	world_exited(&w, 0, 143);
	assert_reason(&w, id, JOB_CANCELLED, "killed");
	assert_nothing_is_alive(&w);
	world_close(&w);
}

static void a_killed_job_that_never_started_was_killed_however_often_it_died(void **state UNUSED)
{
	struct world w;
	char id[ID_SIZE];

	world_open(&w, CONFIG, PLAIN);
	post(&w, id);
	for (int i = 1; i < POISON_STARTS_MAX; i++) {
		world_crash(&w);
		world_restart(&w);
	}
	world_decide(&w, ENGINE_KILL, id); /* the decision is on disk, the end is not */
	world_crash(&w);
	world_restart(&w);
	assert_reason(&w, id, JOB_CANCELLED, "killed");
	assert_nothing_is_alive(&w);
	world_close(&w);
}

/* Its deadline is known when it is adopted and told once more when it is seen to run. */
static void a_run_that_is_adopted_while_it_is_stopped_ends_once(void **state UNUSED)
{
	struct world w;
	char id[ID_SIZE];

	world_open(&w, CONFIG, PLAIN);
	post(&w, id);
	world_started(&w, 0);
	world_decide(&w, ENGINE_KILL, id);
	leave_container(&w, "running");
	world_crash(&w);
	world_restart(&w);
	assert_true(world_run(&w, 0)->is_masked);
	world_started(&w, 0);
	assert_int_equal(world_run(&w, 0)->stops, 2); /* the second says it to a run just seen */
	world_exited(&w, 0, 143);
	assert_reason(&w, id, JOB_CANCELLED, "killed");
	loop_advance(w.loop, 24 * 3600 * US_PER_SEC); /* past its deadline */
	assert_nothing_is_alive(&w);
	world_close(&w);
}

static void a_kill_is_said_once_however_often_it_is_asked_for(void **state UNUSED)
{
	struct world w;
	char id[ID_SIZE];

	world_open(&w, CONFIG, PYLON);
	w.workspace.is_slow = w.workspace.is_cancel_slow = true;
	post(&w, id);
	for (int i = 0; i < 3; i++) {
		world_decide(&w, ENGINE_KILL, id);
		assert_int_equal(w.answer.status, 200);
	}
	assert_int_equal(w.workspace.cancelled, 1);
	assert_true(engine_is_preparing(w.engine));
	world_answer_make(&w, 0, 0);
	assert_reason(&w, id, JOB_CANCELLED, "killed");
	assert_int_equal(w.channel.n, 1);
	assert_nothing_is_alive(&w);
	world_close(&w);
}

/* The clock and a person in one turn: whoever was first is what the job ended of. */
static void the_first_reason_to_stop_is_the_one_that_counts(void **state UNUSED)
{
	struct world w;
	struct id job = {0};
	struct live *v;
	char id[ID_SIZE];

	world_open(&w, CONFIG, PLAIN);
	post(&w, id);
	world_started(&w, 0);
	(void)str_copy(job.s, sizeof(job.s), id);
	v = engine_live_job(w.engine, &job);
	live_stop(v, STOP_CANCEL, "ada");
	live_stop(v, STOP_TIMEOUT, NULL);
	loop_settle(w.loop);
	assert_int_equal(v->stop, STOP_CANCEL);
	world_exited(&w, 0, 143);
	assert_reason(&w, id, JOB_CANCELLED, "killed");
	world_close(&w);
}

static void a_run_that_ended_with_its_engine_was_interrupted(void **state UNUSED)
{
	struct runner_exit x = {.exit_code = 137, .was_interrupted = true, .stdout_tail = ""};
	struct world w;
	char id[ID_SIZE];

	world_open(&w, CONFIG, PLAIN);
	post(&w, id);
	world_started(&w, 0);
	w.runner.ev.exited(w.runner.ev.ctx, &world_run(&w, 0)->run_id, &x);
	loop_settle(w.loop);
	assert_reason(&w, id, JOB_FAILED, "interrupted");
	world_close(&w);
}

static void what_was_killed_is_cancelled_whatever_the_engine_says(void **state UNUSED)
{
	struct world w;
	char id[ID_SIZE];

	world_open(&w, CONFIG, PLAIN);
	post(&w, id);
	world_decide(&w, ENGINE_KILL, id);
	w.runner.ev.refused(w.runner.ev.ctx, &world_run(&w, 0)->run_id, RUNNER_ENGINE_DOWN, "gone");
	loop_settle(w.loop);
	assert_reason(&w, id, JOB_CANCELLED, "killed");
	assert_nothing_is_alive(&w);
	world_close(&w);
}

static void an_end_that_cannot_be_recorded_yet_keeps_the_slot_until_it_is(void **state UNUSED)
{
	struct world w;
	sqlite3 *other;
	char id[ID_SIZE];

	world_open(&w, CONFIG, PYLON);
	w.runner.is_image_slow = true;
	post(&w, id);
	other = lock_database(&w);
	world_decide(&w, ENGINE_KILL, id);
	world_decide(&w, ENGINE_KILL, id);
	loop_advance(w.loop, 5 * US_PER_SEC);
	assert_int_equal(slots_taken(&w), 1);
	world_answer_image(&w, 0, 0); /* the kill is not on disk: it goes on */
	unlock_database(&w, other);
	assert_reason(&w, id, JOB_STARTING, "");
	assert_int_equal(world_run(&w, 0)->stops, 1);
	world_exited(&w, 0, 137);
	assert_reason(&w, id, JOB_CANCELLED, "killed");
	assert_nothing_is_alive(&w);
	world_close(&w);
}

static void an_image_that_comes_while_the_end_is_being_recorded_starts_nothing(void **state UNUSED)
{
	struct world w;
	sqlite3 *other;
	char id[ID_SIZE];

	world_open(&w, CONFIG, PYLON);
	w.runner.is_image_slow = true;
	post(&w, id);
	other = lock_database(&w);
	world_answer_image(&w, 0, -ENOENT);
	assert_int_equal(slots_taken(&w), 1);
	world_decide(&w, ENGINE_KILL, id); /* too late, and harmless */
	unlock_database(&w, other);
	assert_reason(&w, id, JOB_FAILED, "no_image");
	assert_int_equal(w.workspace.make_n, 0);
	assert_nothing_is_alive(&w);
	world_close(&w);
}

/* The job is called off, which cannot be recorded yet, and then its image is there. */
static void what_is_called_off_is_called_off_once(void **state UNUSED)
{
	struct world w;
	sqlite3 *other;
	char id[ID_SIZE];

	world_open(&w, CONFIG, PYLON);
	w.runner.is_image_slow = true;
	post(&w, id);
	other = lock_database(&w);
	engine_drain(w.engine);
	loop_settle(w.loop);
	world_answer_image(&w, 0, 0);
	assert_true(engine_is_preparing(w.engine));
	unlock_database(&w, other);
	assert_reason(&w, id, JOB_QUEUED, "interrupted");
	assert_int_equal(w.workspace.make_n, 0);
	assert_nothing_is_alive(&w);
	world_close(&w);
}

static void an_image_for_which_the_disk_is_too_small_has_its_own_reason(void **state UNUSED)
{
	struct world w;
	char id[ID_SIZE];

	world_open(&w, CONFIG, PYLON);
	w.runner.is_image_slow = true;
	post(&w, id);
	world_answer_image(&w, 0, -ENOSPC);
	assert_reason(&w, id, JOB_FAILED, "no_space");
	world_close(&w);
}

/* --- the daemon stops --- */

static void note_stopped(void *ctx)
{
	*(int *)ctx += 1;
}

static void what_was_stopped_with_the_daemon_is_not_tried_again(void **state UNUSED)
{
	struct world w;
	char id[ID_SIZE];
	int stopped = 0;

	world_open(&w, STOPPING, PYLON_OF(NONE, "  prompt: hello\n  retries: 3\n"));
	post(&w, id);
	world_started(&w, 0);
	engine_drain(w.engine);
	engine_stop_runs(w.engine, note_stopped, &stopped);
	world_exited(&w, 0, 143);
	assert_reason(&w, id, JOB_FAILED, "interrupted");
	world_close(&w);
}

/* The claim is handed to the store, and then the signal comes. */
static void a_claim_that_meets_a_stop_starts_nothing(void **state UNUSED)
{
	struct world w;
	char id[ID_SIZE];
	int stopped = 0;

	world_open(&w, STOPPING, PLAIN);
	world_engine(&w, false);
	post(&w, id);
	w.runner.is_up = true;
	w.runner.ev.ready(w.runner.ev.ctx, true, "fake 1.0");
	engine_admit_next(w.engine);
	engine_drain(w.engine);
	engine_stop_runs(w.engine, note_stopped, &stopped);
	assert_true(engine_is_preparing(w.engine)); /* so nobody leaves yet */
	loop_settle(w.loop);
	assert_true(stopped > 0);
	assert_int_equal(w.runner.n, 0);
	assert_reason(&w, id, JOB_QUEUED, "interrupted");
	assert_nothing_is_alive(&w);
	world_close(&w);
}

static void a_daemon_that_stops_waits_for_what_is_called_off(void **state UNUSED)
{
	struct world w;
	char one[ID_SIZE], two[ID_SIZE];
	int stopped = 0;

	world_open(&w, STOPPING, PYLON);
	post(&w, one);
	world_started(&w, 0);
	w.workspace.is_slow = w.workspace.is_cancel_slow = true;
	post(&w, two);
	engine_drain(w.engine);
	engine_stop_runs(w.engine, note_stopped, &stopped);
	loop_settle(w.loop);
	assert_true(engine_is_preparing(w.engine));
	assert_int_equal(world_run(&w, 0)->stops, 1);
	world_exited(&w, 0, 143);
	assert_reason(&w, one, JOB_FAILED, "interrupted");
	assert_int_equal(stopped, 0);
	world_answer_make(&w, 0, 0);
	assert_int_equal(stopped, 1);
	assert_reason(&w, two, JOB_QUEUED, "interrupted");
	assert_nothing_is_alive(&w);
	world_close(&w);
}

/* It stops its runs, and only now learns of this one. */
static void a_run_that_is_found_while_the_daemon_stops_is_stopped_too(void **state UNUSED)
{
	struct world w;
	char id[ID_SIZE];
	int stopped = 0;

	world_open(&w, STOPPING, PLAIN);
	post(&w, id);
	world_started(&w, 0);
	leave_container(&w, "running");
	world_crash(&w);
	w.runner.is_up = false;
	world_restart(&w);
	engine_drain(w.engine);
	engine_stop_runs(w.engine, note_stopped, &stopped);
	world_assert_state(&w, id, JOB_RUNNING);
	assert_false(engine_is_preparing(w.engine)); /* nothing of this process is */
	world_engine(&w, true);
	assert_int_equal(world_run(&w, 0)->stops, 1);
	world_exited(&w, 0, 143);
	assert_int_equal(stopped, 1);
	world_close(&w);
}

/* --- the pylon changes --- */

static void a_job_whose_pylon_goes_while_its_image_is_built_goes_on(void **state UNUSED)
{
	struct world w;
	char id[ID_SIZE];

	world_open(&w, CONFIG, PYLON);
	w.runner.is_image_slow = w.workspace.is_slow = true;
	post(&w, id);
	world_remove(&w, FILE_OF_PYLON);
	assert_true(world_reload(&w, false));
	world_answer_image(&w, 0, 0);
	world_answer_make(&w, 0, 0);
	world_started(&w, 0);
	world_result(&w, 0, DONE("well", "s-1"));
	world_exited(&w, 0, 0);
	assert_int_equal(w.channel.n, 1);
	world_sent(&w, 0, CHANNEL_SENT, 0);
	assert_int_equal(slots_taken(&w), 0);
	assert_int_equal(w.engine->pylon_count, 0);
	world_close(&w);
}

static void what_is_called_off_while_its_pylon_is_disabled_waits_for_it(void **state UNUSED)
{
	struct world w;
	char id[ID_SIZE];

	world_open(&w, CONFIG, PYLON);
	w.runner.is_image_slow = true;
	post(&w, id);
	world_put(&w, FILE_OF_PYLON, PYLON "disabled: true\n");
	assert_true(world_reload(&w, false));
	world_answer_image(&w, 0, -EHOSTUNREACH);
	loop_advance(w.loop, 5 * US_PER_SEC);
	assert_reason(&w, id, JOB_QUEUED, "engine_down");
	assert_nothing_is_alive(&w);
	w.runner.is_image_slow = false;
	world_put(&w, FILE_OF_PYLON, PYLON);
	assert_true(world_reload(&w, false));
	assert_int_equal(w.runner.n, 1);
	world_close(&w);
}

static void an_engine_that_goes_with_every_start_parks_the_job(void **state UNUSED)
{
	struct job j = {0};
	struct world w;
	char id[ID_SIZE];

	world_open(&w, CONFIG, PYLON);
	w.runner.is_image_slow = true;
	post(&w, id);
	for (size_t i = 0; i < POISON_STARTS_MAX; i++) {
		assert_reason(&w, id, JOB_STARTING, "");
		world_answer_image(&w, i, -EHOSTUNREACH);
		loop_advance(w.loop, 5 * US_PER_SEC);
	}
	assert_int_equal(world_job(&w, id, &j), JOB_FAILED);
	assert_string_equal(j.reason, "poison");
	assert_string_equal(j.error, "the container engine went away 3 times while starting it");
	assert_int_equal(j.failures, 1);
	job_fini(&j);
	assert_nothing_is_alive(&w);
	world_close(&w);
}

static void an_engine_that_is_away_is_no_problem_of_the_image(void **state UNUSED)
{
	struct world w;
	char id[ID_SIZE];

	world_open(&w, CONFIG, PYLON);
	w.runner.is_image_slow = true;
	post(&w, id);
	world_answer_image(&w, 0, -EHOSTUNREACH);
	assert_null(w.engine->pylons[0]->image_problem);
	world_close(&w);
}

static void an_image_of_an_older_configuration_says_nothing_of_the_present_one(void **state UNUSED)
{
	struct world w;
	char id[ID_SIZE];

	world_open(&w, CONFIG, PYLON_OF(GIT, "  image: old/one:1\n  prompt: hello\n"));
	w.runner.is_image_slow = true;
	post(&w, id);
	world_put(&w, FILE_OF_PYLON, PYLON_OF(GIT, "  image: new/one:1\n  prompt: hello\n"));
	assert_true(world_reload(&w, false));
	assert_int_equal(w.runner.image_n, 2);
	world_answer_image(&w, 1, 0);
	world_answer_image(&w, 0, -ENOENT);
	assert_reason(&w, id, JOB_FAILED, "no_image");
	assert_null(w.engine->pylons[0]->image_problem);
	world_close(&w);
}

/* --- what is told --- */

static void what_the_engine_refuses_is_told_without_secrets(void **state UNUSED)
{
	struct job j = {0};
	struct world w;
	char id[ID_SIZE];

	world_open(&w, CONFIG, PLAIN);
	post(&w, id);
	w.runner.ev.refused(w.runner.ev.ctx, &world_run(&w, 0)->run_id, RUNNER_BAD_SPEC,
		"no such thing: s3cret-of-the-hook");
	loop_settle(w.loop);
	assert_int_equal(world_job(&w, id, &j), JOB_FAILED);
	assert_string_equal(j.error, "no such thing: <redacted>");
	assert_null(strstr(w.channel.sent[0].message, "s3cret-of-the-hook"));
	job_fini(&j);
	world_close(&w);
}

static void the_secret_of_a_run_is_not_told(void **state UNUSED)
{
	CLEANUP(freep) char *result = NULL;
	CLEANUP(freep) char *folder = NULL;
	struct job j = {0};
	struct world w;
	const char *token;
	char id[ID_SIZE];

	world_open(&w, CONFIG, PLAIN);
	post(&w, id);
	assert_true(world_run(&w, 0)->is_masked); /* its output is masked as well */
	world_started(&w, 0);
	token = strrchr(world_env(&w, 0, "CALLBACK_URL"), '/') + 1;
	result = xasprintf(DONE("my secret is %s", "s-1"), token);
	world_result(&w, 0, result);
	folder = xasprintf("%s/jobs/%s.run", w.home, world_run(&w, 0)->run_id.s);
	assert_true(file_exists(folder));
	world_exited(&w, 0, 0);
	(void)world_job(&w, id, &j);
	assert_string_equal(j.result, "my secret is <redacted>");
	job_fini(&j);
	assert_false(file_exists(folder)); /* where it is written down, too */
	world_close(&w);
}

static void no_container_writes_what_others_borrow_from(void **state UNUSED)
{
	struct world w;
	char id[ID_SIZE];
	size_t found = 0;

	world_open(&w, CONFIG, PYLON);
	post(&w, id);
	for (size_t i = 0; i < world_run(&w, 0)->mounts.n; i++) {
		const char *mount = world_run(&w, 0)->mounts.v[i];

		if (strstr(mount, "/repos/cache:") == NULL)
			continue;
		found++;
		assert_string_equal(mount + strlen(mount) - 3, ":ro");
	}
	assert_int_equal(found, 1);
	world_close(&w);
}

static void what_git_failed_with_is_told_without_secrets(void **state UNUSED)
{
	struct job j = {0};
	struct id job = {0};
	struct world w;
	char id[ID_SIZE];

	world_open(&w, CONFIG, PYLON);
	w.workspace.is_slow = true;
	post(&w, id);
	(void)str_copy(job.s, sizeof(job.s), id);
	w.workspace.makes[0].done(
		w.workspace.makes[0].ctx, &job, -EACCES, "no entry with s3cret-of-the-hook");
	loop_settle(w.loop);
	assert_int_equal(world_job(&w, id, &j), JOB_FAILED);
	assert_string_equal(j.error, "no entry with <redacted>");
	job_fini(&j);
	world_close(&w);
}

/* --- the log --- */

static void progress(struct world *w, const char *id, const char *line)
{
	struct id job = {0};

	(void)str_copy(job.s, sizeof(job.s), id);
	w->workspace.progress(w->workspace.done_ctx, &job, line);
}

static char *log_path(struct world *w, const char *id, const char *suffix)
{
	return xasprintf("%s/jobs/%s%s", w->home, id, suffix);
}

/* As the runner does. */
static struct spool *open_log(struct world *w, const char *id, char ret_mark[SPOOL_MARK_MAX])
{
	CLEANUP(freep) char *path = log_path(w, id, ".log");
	struct spool *s = NULL;
	struct err e = CLEAN_ERR;

	assert_int_equal(spool_open(&s, path, LOG_HEAD_MAX, LOG_TAIL_MAX, ret_mark, &e), 0);
	return s;
}

static void assert_file(struct world *w, const char *id, const char *suffix, const char *expected)
{
	CLEANUP(freep) char *path = log_path(w, id, suffix);
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	struct err e = CLEAN_ERR;

	assert_int_equal(file_read(path, KIB(4), &text, &e), 0);
	assert_string_equal(buf_str(&text), expected);
}

static void count_log_events(void *ctx, const struct engine_event *ev)
{
	*(int *)ctx += str_eq(ev->type, "log") ? 1 : 0;
}

static void whoever_follows_the_log_hears_of_each_line(void **state UNUSED)
{
	struct world w;
	int events = 0;
	char id[ID_SIZE];

	world_open(&w, CONFIG, PYLON);
	w.workspace.is_slow = true;
	post(&w, id);
	engine_on_event(w.engine, count_log_events, &events);
	progress(&w, id, "one");
	progress(&w, id, "two");
	assert_int_equal(events, 2);
	world_close(&w);
}

/* Whoever follows the log reads on where he was. */
static void the_runner_writes_on_behind_what_was_said_before(void **state UNUSED)
{
	char mark[SPOOL_MARK_MAX];
	struct id job = {0};
	struct world w;
	struct spool *s;
	struct err e = CLEAN_ERR;
	char id[ID_SIZE];

	world_open(&w, CONFIG, PYLON);
	w.workspace.is_slow = true;
	post(&w, id);
	(void)str_copy(job.s, sizeof(job.s), id);
	progress(&w, id, "cloning");
	assert_non_null(engine_live_job(w.engine, &job)->log);
	world_answer_make(&w, 0, 0);
	assert_null(engine_live_job(w.engine, &job)->log); /* it is the runner's now */
	s = open_log(&w, id, mark);
	assert_int_equal(spool_length(s), strlen("> cloning\n"));
	assert_int_equal(spool_write(s, "hello\n", 6, &e), 0);
	spool_close(s, true);
	assert_file(&w, id, ".log", "> cloning\nhello\n");
	world_close(&w);
}

/* A mark of the first attempt would cut the log of the second one. */
static void an_attempt_leaves_nothing_that_belongs_to_its_log_to_the_next(void **state UNUSED)
{
	char mark[SPOOL_MARK_MAX];
	struct world w;
	struct spool *s;
	struct err e = CLEAN_ERR;
	char id[ID_SIZE];

	world_open(&w, CONFIG, PYLON);
	w.workspace.is_slow = true;
	post(&w, id);
	progress(&w, id, "cloning");
	world_answer_make(&w, 0, -EACCES);
	assert_reason(&w, id, JOB_FAILED, "workspace");
	assert_file(&w, id, ".log", "> cloning\n> no folder\n");
	world_decide(&w, ENGINE_RETRY, id);
	s = open_log(&w, id, mark);
	assert_string_equal(mark, "");
	assert_int_equal(spool_write(s, "as long as what was there before\n", 33, &e), 0);
	spool_close(s, false); /* killed before it set a mark of its own */
	s = open_log(&w, id, mark);
	assert_int_equal(spool_length(s), 0);
	spool_close(s, false);
	assert_file(&w, id, ".1.log", "> cloning\n> no folder\n");
	world_close(&w);
}

static void a_job_that_died_in_its_preparation_begins_a_new_log(void **state UNUSED)
{
	struct world w;
	char id[ID_SIZE];

	world_open(&w, CONFIG, PYLON);
	w.workspace.is_slow = true;
	post(&w, id);
	progress(&w, id, "first");
	world_crash(&w);
	world_restart(&w);
	assert_reason(&w, id, JOB_STARTING, "");
	progress(&w, id, "second");
	assert_file(&w, id, ".1.log", "> first\n");
	assert_file(&w, id, ".log", "> second\n");
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_of_an_earlier_process_is_not_written_off_unseen),
		cmocka_unit_test(a_killed_job_that_never_started_was_killed_however_often_it_died),
		cmocka_unit_test(a_run_that_is_adopted_while_it_is_stopped_ends_once),
		cmocka_unit_test(a_kill_is_said_once_however_often_it_is_asked_for),
		cmocka_unit_test(the_first_reason_to_stop_is_the_one_that_counts),
		cmocka_unit_test(an_end_that_cannot_be_recorded_yet_keeps_the_slot_until_it_is),
		cmocka_unit_test(
			an_image_that_comes_while_the_end_is_being_recorded_starts_nothing),
		cmocka_unit_test(a_claim_that_meets_a_stop_starts_nothing),
		cmocka_unit_test(a_daemon_that_stops_waits_for_what_is_called_off),
		cmocka_unit_test(a_run_that_is_found_while_the_daemon_stops_is_stopped_too),
		cmocka_unit_test(a_job_whose_pylon_goes_while_its_image_is_built_goes_on),
		cmocka_unit_test(what_is_called_off_while_its_pylon_is_disabled_waits_for_it),
		cmocka_unit_test(an_engine_that_is_away_is_no_problem_of_the_image),
		cmocka_unit_test(
			an_image_of_an_older_configuration_says_nothing_of_the_present_one),
		cmocka_unit_test(what_the_engine_refuses_is_told_without_secrets),
		cmocka_unit_test(a_run_that_ended_with_its_engine_was_interrupted),
		cmocka_unit_test(what_was_killed_is_cancelled_whatever_the_engine_says),
		cmocka_unit_test(whoever_follows_the_log_hears_of_each_line),
		cmocka_unit_test(what_was_stopped_with_the_daemon_is_not_tried_again),
		cmocka_unit_test(an_engine_that_goes_with_every_start_parks_the_job),
		cmocka_unit_test(the_secret_of_a_run_is_not_told),
		cmocka_unit_test(no_container_writes_what_others_borrow_from),
		cmocka_unit_test(the_runner_writes_on_behind_what_was_said_before),
		cmocka_unit_test(an_attempt_leaves_nothing_that_belongs_to_its_log_to_the_next),
		cmocka_unit_test(a_job_that_died_in_its_preparation_begins_a_new_log),
		cmocka_unit_test(what_is_called_off_is_called_off_once),
		cmocka_unit_test(an_image_for_which_the_disk_is_too_small_has_its_own_reason),
		cmocka_unit_test(what_git_failed_with_is_told_without_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
