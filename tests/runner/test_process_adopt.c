/* SPDX-License-Identifier: MIT */
/*
 * tests/runner/test_process_adopt.c - what an earlier process began: found again alive, ended,
 * without its keeper, after a reboot, under a pid that is another's by now.
 */
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "runner/process_world.h"

static void living_command_is_followed_to_its_end(void **state)
{
	struct pw *w = *state;
	const char *go = scratch_path(w->scratch, "go");
	CLEANUP(freep)
	char *script = xasprintf("mkfifo %s; echo one; read x <%s; echo \"$x\"; exit 9", go, go);
	FILE *f;

	pw_running(w, 1, script);
	PW_WAIT(w, file_exists(go));
	pw_restart(w);
	pw_adopt(w, 1);
	pw_adopt(w, 1);
	PW_WAIT(w, w->told[1].started == 1 && w->told[1].outputs >= 1);
	f = fopen(go, "we");
	assert_non_null(f);
	assert_true(fputs("two\n", f) >= 0);
	assert_int_equal(fclose(f), 0);
	PW_WAIT(w, w->told[1].exited);
	assert_int_equal(w->told[1].exit.exit_code, 9);
	assert_string_equal(w->told[1].tail, "one\ntwo\n");
}

/* Until the keeper has written its last word, without anybody to hear it. */
static void wait_for_record(struct pw *w, unsigned run, enum process_state want)
{
	struct process_record x = {0};
	struct err e = CLEAN_ERR;

	while (x.state != want) {
		process_record_fini(&x);
		(void)loop_turn(w->loop, 5 * US_PER_MS);
		assert_int_equal(process_record_read(pw_folder(w, run), &x, &e), 0);
	}
	process_record_fini(&x);
}

static void command_that_ended_meanwhile_is_told_with_its_code(void **state)
{
	struct pw *w = *state;

	pw_running(w, 1, "echo '{\"ok\":true}'; sleep 0.05; exit 11");
	pw_restart(w);
	wait_for_record(w, 1, RECORD_EXITED);
	pw_adopt(w, 1);
	assert_int_equal(w->told[1].exited, 0);
	PW_WAIT(w, w->told[1].exited);
	assert_int_equal(w->told[1].started, 0);
	assert_int_equal(w->told[1].exit.exit_code, 11);
	assert_string_equal(w->told[1].tail, "{\"ok\":true}\n");
}

static void beginning_that_comes_after_adoption_is_told(void **state)
{
	struct pw *w = *state;
	const char *go = scratch_path(w->scratch, "go");
	CLEANUP(process_record_fini) struct process_record x = {0};
	char boot_id[BOOT_ID_SIZE];
	CLEANUP(freep) char *script = NULL;
	FILE *f;

	process_boot_id(boot_id);
	script = xasprintf("while [ \"$1\" != --dir ]; do shift; done; d=$2; k=$$\n"
			   "tell() { printf '{\"version\":1,\"state\":\"%%s\",\"boot_id\":\"%s\","
			   "\"shim_pid\":%%d,\"shim_start\":%%d}' $1 $k $s >$d/status.tmp;"
			   " mv $d/status.tmp $d/status; }\n"
			   "read a <%s; set -- $(cat /proc/$$/stat); s=${22}\n"
			   "tell starting; read a <%s; tell running; read a <%s",
		boot_id, go, go, go);
	assert_int_equal(mkfifo(go, 0600), 0);
	pw_fake_keeper(w, script);
	pw_sh(w, 1, "exit 0");
	PW_WAIT(w, file_exists(pw_folder(w, 1)));
	for (int step = 0; step < 2; step++) {
		/* It waits until there is somebody to read. */
		while ((f = fopen(go, "we")) == NULL)
			assert_int_equal(errno, EINTR);
		assert_true(fputs("x\n", f) >= 0);
		assert_int_equal(fclose(f), 0);
		if (step > 0)
			continue;
		wait_for_record(w, 1, RECORD_STARTING);
		pw_restart(w);
		pw_adopt(w, 1);
		(void)loop_turn(w->loop, 0);
		assert_int_equal(w->told[1].started, 0);
	}
	PW_WAIT(w, w->told[1].started);
	pw_record(w, 1, &x);
	assert_int_equal(kill(x.keeper.pid, SIGKILL), 0);
	PW_WAIT(w, w->told[1].exited);
	assert_true(w->told[1].exit.is_gone);
}

static void adopted_command_can_be_stopped(void **state)
{
	struct pw *w = *state;

	pw_running(w, 1, "trap 'exit 4' TERM; echo up; while :; do sleep 0.01; done");
	PW_WAIT(w, w->told[1].outputs >= 1);
	pw_restart(w);
	pw_adopt(w, 1);
	pw_stop(w, 1, 600 * US_PER_SEC);
	PW_WAIT(w, w->told[1].exited);
	assert_int_equal(w->told[1].exit.exit_code, 4);
}

static void what_never_was_is_gone(void **state)
{
	struct pw *w = *state;
	struct err e = CLEAN_ERR;

	pw_adopt(w, 1);
	assert_int_equal(dir_make(pw_folder(w, 2), 0700, &e), 0);
	pw_adopt(w, 2);
	PW_WAIT(w, w->told[1].exited && w->told[2].exited);
	assert_true(w->told[1].exit.is_gone);
	assert_true(w->told[2].exit.is_gone);
	assert_string_equal(w->told[2].text, "it was never started");
	assert_false(file_exists(pw_folder(w, 2)));
}

/* What a keeper that was started by a process that died since would do when it comes late. */
static int run_keeper(struct pw *w, unsigned run, const char *command)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		(void)execl(w->shim, w->shim, "--dir", pw_folder(w, run), "--", "sh", "-c", command,
			(char *)NULL);
		_exit(99);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void keeper_that_comes_too_late_begins_nothing(void **state)
{
	struct pw *w = *state;
	const char *trace = scratch_path(w->scratch, "trace");
	CLEANUP(freep) char *script = xasprintf("echo >%s", trace);
	struct err e = CLEAN_ERR;

	assert_int_equal(dir_make(pw_folder(w, 1), 0700, &e), 0);
	/* Half of a record is none. */
	assert_non_null(scratch_file(
		w->scratch, "runs/00000001-1111-4111-8111-111111111111/status.tmp", "{"));
	pw_adopt(w, 1);
	PW_WAIT(w, w->told[1].exited);
	assert_true(w->told[1].exit.is_gone);
	assert_int_equal(run_keeper(w, 1, script), 1);
	assert_false(file_exists(trace));
	assert_int_equal(dir_make(pw_folder(w, 2), 0700, &e), 0);
	assert_int_equal(run_keeper(w, 2, script), 0);
	assert_true(file_exists(trace));
}

static void killed_keeper_is_gone_and_nothing_is_left_of_its_command(void **state)
{
	struct pw *w = *state;
	const char *pids = scratch_path(w->scratch, "pid");
	CLEANUP(freep)
	char *script = xasprintf(
		"setsid sh -c 'echo $$ >%s; trap \"\" TERM HUP; while :; do sleep 600; done' & "
		"sleep 600",
		pids);
	CLEANUP(process_record_fini) struct process_record x = {0};
	pid_t grandchild;

	for (unsigned run = 1; run <= 2; run++) {
		(void)unlink(pids);
		process_record_fini(&x);
		pw_running(w, run, script);
		PW_WAIT(w, pw_read_pid(pids) > 0);
		grandchild = pw_read_pid(pids);
		pw_record(w, run, &x);
		/* Seen as it happens, and found out afterwards. */
		if (run == 2)
			pw_restart(w);
		assert_true(pw_is_alive(grandchild));
		assert_int_equal(kill(x.keeper.pid, SIGKILL), 0);
		if (run == 2)
			pw_adopt(w, 2);
		PW_WAIT(w, w->told[run].exited);
		assert_true(w->told[run].exit.is_gone);
		assert_non_null(strstr(w->told[run].text, "keeper was killed"));
		PW_WAIT(w, !pw_is_alive(grandchild));
	}
}

static void command_of_another_boot_is_gone_and_nobody_is_signalled(void **state)
{
	struct pw *w = *state;
	CLEANUP(process_record_fini) struct process_record x = {0};
	char boot_id[BOOT_ID_SIZE];

	process_boot_id(boot_id);
	assert_int_equal(strlen(boot_id), 36);
	pw_running(w, 1, "sleep 600");
	pw_record(w, 1, &x);
	assert_string_equal(x.boot_id, boot_id);
	pw_restart(w);
	pw_forge(w, 1, boot_id, "00000000-0000-4000-8000-000000000000");
	pw_adopt(w, 1);
	pw_stop(w, 1, 0);
	PW_WAIT(w, w->told[1].exited);
	assert_true(w->told[1].exit.is_gone);
	assert_string_equal(w->told[1].text, "the machine was restarted");
	assert_true(pw_is_alive(x.keeper.pid));
	/* An end that was recorded before the reboot still holds. */
	pw_sh(w, 2, "exit 6");
	PW_WAIT(w, w->told[2].exited);
	pw_restart(w);
	pw_forge(w, 2, boot_id, "00000000-0000-4000-8000-000000000000");
	pw_adopt(w, 2);
	PW_WAIT(w, w->told[2].exited);
	assert_int_equal(w->told[2].exit.exit_code, 6);
	assert_int_equal(kill(x.keeper.pid, SIGTERM), 0);
	PW_WAIT(w, !pw_is_alive(x.keeper.pid));
}

static void pid_that_is_anothers_by_now_is_left_alone(void **state)
{
	struct pw *w = *state;
	CLEANUP(process_record_fini) struct process_record x = {0};
	CLEANUP(freep) char *was = NULL;
	CLEANUP(freep) char *now = NULL;

	pw_running(w, 1, "sleep 600");
	pw_record(w, 1, &x);
	pw_restart(w);
	was = xasprintf("\"shim_start\":%llu", (unsigned long long)x.keeper.start);
	now = xasprintf("\"shim_start\":%llu", (unsigned long long)x.keeper.start - 1);
	pw_forge(w, 1, was, now);
	pw_adopt(w, 1);
	pw_stop(w, 1, 0);
	PW_WAIT(w, w->told[1].exited);
	assert_true(w->told[1].exit.is_gone);
	assert_true(pw_is_alive(x.keeper.pid));
	assert_int_equal(kill(x.keeper.pid, SIGTERM), 0);
	PW_WAIT(w, !pw_is_alive(x.keeper.pid));
}

static void proof_wants_the_very_process(void **state)
{
	struct process_proof p = {.pid = getpid(), .start = 1};

	(void)state;
	assert_int_equal(process_prove(&p), -ESRCH);
	p = (struct process_proof){.pid = getpid(), .start = 0};
	assert_int_equal(process_prove(&p), -ESRCH);
	p = (struct process_proof){.pid = 1, .start = 1};
	assert_int_equal(process_prove(&p), -ESRCH);
	p = (struct process_proof){.pid = INT32_MAX, .start = 1};
	assert_int_equal(process_prove(&p), -ESRCH);
}

/* --- a process that dies --- */

struct other {
	struct pw *w;
	unsigned run;
	bool is_hasty; /* it dies as soon as the keeper is started */
};

static void start_and_die(void *ctx)
{
	struct other *o = ctx;
	struct pw *w = o->w;

	pw_become_another(w);
	pw_sh(w, o->run,
		w->dies_with_us ? "sleep 600" : "echo begun; sleep 0.2; echo ended; exit 21");
	if (o->is_hasty)
		(void)loop_turn(w->loop, 0);
	else
		PW_WAIT(w, w->told[o->run].started);
	_exit(0);
}

static void command_outlives_the_process_that_started_it(void **state)
{
	struct pw *w = *state;
	struct other o = {.w = w, .run = 1};

	assert_int_equal(scratch_fork(start_and_die, &o), 0);
	pw_survey(w);
	assert_int_equal(w->found.n, 1);
	pw_adopt(w, 1);
	PW_WAIT(w, w->told[1].exited);
	assert_int_equal(w->told[1].exit.exit_code, 21);
	assert_string_equal(w->told[1].tail, "begun\nended\n");
}

static void start_that_is_cut_short_began_or_never_will(void **state)
{
	struct pw *w = *state;
	struct other o = {.w = w, .is_hasty = true};

	/* Each has a name of its own: a late keeper must not find the folder of the next. */
	for (unsigned i = 0; i < 10; i++) {
		o.run = i;
		assert_int_equal(scratch_fork(start_and_die, &o), 0);
		pw_survey(w);
		pw_adopt(w, i);
		PW_WAIT(w, w->told[i].exited);
		if (w->found.n == 0)
			assert_true(w->told[i].exit.is_gone);
		else
			assert_int_equal(w->told[i].exit.exit_code, 21);
		pw_forget(w, i);
		pw_restart(w);
	}
}

static void command_ends_with_us_when_asked_to(void **state)
{
	struct pw *w = *state;
	struct other o = {.w = w, .run = 1};

	w->dies_with_us = true;
	/* Each has a name of its own: a late keeper must not find the folder of the next. */
	for (unsigned i = 0; i < 10; i++) {
		o.run = i;
		o.is_hasty = i % 2 == 0;
		assert_int_equal(scratch_fork(start_and_die, &o), 0);
		pw_adopt(w, i);
		PW_WAIT(w, w->told[i].exited);
		if (!w->told[i].exit.is_gone)
			assert_int_equal(w->told[i].exit.exit_code, 128 + SIGTERM);
		else
			assert_true(o.is_hasty);
		pw_forget(w, i);
		pw_restart(w);
	}
	/* As long as we live, it is like any other. */
	pw_sh(w, 99, "exit 8");
	PW_WAIT(w, w->told[99].exited);
	assert_int_equal(w->told[99].exit.exit_code, 8);
}

#define T(f) cmocka_unit_test_setup_teardown(f, pw_setup, pw_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(living_command_is_followed_to_its_end),
		T(command_that_ended_meanwhile_is_told_with_its_code),
		T(beginning_that_comes_after_adoption_is_told),
		T(adopted_command_can_be_stopped),
		T(what_never_was_is_gone),
		T(keeper_that_comes_too_late_begins_nothing),
		T(killed_keeper_is_gone_and_nothing_is_left_of_its_command),
		T(command_of_another_boot_is_gone_and_nobody_is_signalled),
		T(pid_that_is_anothers_by_now_is_left_alone),
		cmocka_unit_test(proof_wants_the_very_process),
		T(command_outlives_the_process_that_started_it),
		T(start_that_is_cut_short_began_or_never_will),
		T(command_ends_with_us_when_asked_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
