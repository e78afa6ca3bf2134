/* SPDX-License-Identifier: MIT */
/* tests/runner/test_process.c - commands of this machine under the real keeper: the whole life. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "runner/process_world.h"

#define SECRET "sesame-open-0123"

static void fast_command_is_told_from_beginning_to_end(void **state)
{
	struct pw *w = *state;

	pw_sh(w, 1, "echo out; echo err >&2; exit 7");
	assert_int_equal(w->told[1].started, 0);
	PW_WAIT(w, w->told[1].exited);
	assert_int_equal(w->told[1].started, 1);
	assert_true(w->told[1].outputs >= 1);
	assert_int_equal(w->told[1].exit.exit_code, 7);
	assert_false(w->told[1].exit.is_gone);
	assert_false(w->told[1].exit.was_timed_out);
	assert_null(w->told[1].exit.text);
	assert_string_equal(w->told[1].tail, "out\n");
}

static void command_gets_its_environment_and_folder(void **state)
{
	struct pw *w = *state;

	w->spec.cwd = w->logs;
	pw_sh(w, 1, "pwd; env | grep -v -e ^PYLON_KEEPER= -e ^PWD= -e ^_= | sort");
	PW_WAIT(w, w->told[1].exited);
	{
		CLEANUP(freep)
		char *want = xasprintf("%s\nONLY=this\nPATH=/usr/bin:/bin\n", w->logs);

		assert_string_equal(w->told[1].tail, want);
	}
}

static void command_gets_its_niceness_and_limits(void **state)
{
	struct pw *w = *state;
	struct strv limits = STRV_NULL;
	CLEANUP(freep)
	char *want = xasprintf("%d\n77\n", MIN_OF(19, getpriority(PRIO_PROCESS, 0) + 3));

	strv_add(&limits, "nofile=77");
	w->spec.nice = 3;
	w->spec.limits = &limits;
	pw_sh(w, 1, "nice; ulimit -n");
	strv_fini(&limits);
	PW_WAIT(w, w->told[1].exited);
	assert_string_equal(w->told[1].tail, want);
}

static void death_by_signal_is_told_as_a_shell_does(void **state)
{
	struct pw *w = *state;

	pw_sh(w, 1, "kill -USR1 $$");
	PW_WAIT(w, w->told[1].exited);
	assert_int_equal(w->told[1].exit.exit_code, 128 + SIGUSR1);
}

static void command_that_is_not_there_is_127_with_the_reason(void **state)
{
	struct pw *w = *state;

	pw_start(w, 1, (const char *const[]){"no-such-program", NULL});
	PW_WAIT(w, w->told[1].exited);
	assert_int_equal(w->told[1].started, 1);
	assert_int_equal(w->told[1].exit.exit_code, 127);
	assert_non_null(strstr(w->told[1].text, "No such file"));
	/* A command that says 127 itself has no reason to tell. */
	pw_sh(w, 2, "exit 127");
	PW_WAIT(w, w->told[2].exited);
	assert_int_equal(w->told[2].exit.exit_code, 127);
	assert_null(w->told[2].exit.text);
}

static void folder_that_is_not_there_is_127_with_the_reason(void **state)
{
	struct pw *w = *state;

	w->spec.cwd = "/no/such/folder";
	pw_sh(w, 1, "echo never");
	PW_WAIT(w, w->told[1].exited);
	assert_int_equal(w->told[1].exit.exit_code, 127);
	assert_non_null(strstr(w->told[1].text, "No such file"));
	assert_string_equal(w->told[1].tail, "");
}

static void time_limit_is_kept_by_the_keeper(void **state)
{
	struct pw *w = *state;

	w->spec.timeout_us = 30 * US_PER_MS;
	w->spec.grace_us = 30 * US_PER_MS;
	pw_sh(w, 1, "trap '' TERM; while :; do sleep 600; done");
	PW_WAIT(w, w->told[1].exited);
	assert_true(w->told[1].exit.was_timed_out);
	/* SIGTERM when it came to its first line too late. */
	assert_true(w->told[1].exit.exit_code == 128 + SIGKILL ||
		    w->told[1].exit.exit_code == 128 + SIGTERM);
}

static void tail_is_of_stdout_alone(void **state)
{
	struct pw *w = *state;

	pw_sh(w, 1, "echo one; echo two >&2; sleep 0.05; echo three; sleep 0.05; echo four >&2");
	PW_WAIT(w, w->told[1].exited);
	assert_string_equal(w->told[1].tail, "one\nthree\n");
}

static void secrets_are_taken_out_of_the_tail(void **state)
{
	struct pw *w = *state;
	struct strv secrets = STRV_NULL;

	strv_add(&secrets, SECRET);
	w->mask = mask_new(&secrets);
	strv_fini(&secrets);
	pw_sh(w, 1, "echo '{\"a\":\"" SECRET "\"}'");
	PW_WAIT(w, w->told[1].exited);
	assert_string_equal(w->told[1].tail, "{\"a\":\"" MASK_WORD "\"}\n");
}

static void output_is_told_while_it_grows(void **state)
{
	struct pw *w = *state;
	const char *go = scratch_path(w->scratch, "go");
	CLEANUP(freep)
	char *script = xasprintf("mkfifo %s; echo one; read x <%s; echo two; sleep 600", go, go);
	unsigned told;
	FILE *f;

	pw_running(w, 1, script);
	PW_WAIT(w, w->told[1].outputs >= 1 && file_exists(go));
	told = w->told[1].outputs;
	f = fopen(go, "we");
	assert_non_null(f);
	assert_true(fputs("x\n", f) >= 0);
	assert_int_equal(fclose(f), 0);
	PW_WAIT(w, w->told[1].outputs > told);
	assert_int_equal(w->told[1].exited, 0);
	pw_stop(w, 1, 0);
	PW_WAIT(w, w->told[1].exited);
}

static void growth_is_told_beyond_the_head_of_the_log(void **state)
{
	struct pw *w = *state;
	CLEANUP(freep) char *segment = xasprintf("%s.a", pw_log(w, 1));
	const char *go = scratch_path(w->scratch, "go");
	CLEANUP(freep)
	char *script =
		xasprintf("mkfifo %s; head -c %zu /dev/zero; read x <%s; echo more; sleep 600", go,
			LOG_HEAD_MAX + 1, go);
	unsigned told;
	FILE *f;

	pw_running(w, 1, script);
	PW_WAIT(w, file_exists(segment));
	/* Until all of it was told. */
	while (loop_turn(w->loop, 200 * US_PER_MS) > 0) {
	}
	told = w->told[1].outputs;
	f = fopen(go, "we");
	assert_non_null(f);
	assert_true(fputs("x\n", f) >= 0);
	assert_int_equal(fclose(f), 0);
	PW_WAIT(w, w->told[1].outputs > told);
	pw_stop(w, 1, 0);
	PW_WAIT(w, w->told[1].exited);
}

static void noisy_command_wakes_us_so_often_and_no_more(void **state)
{
	struct pw *w = *state;
	int64_t began = loop_mono(w->loop);

	pw_running(w, 1, "while :; do echo x; done");
	PW_WAIT(w, w->told[1].outputs >= 5);
	/* 25 ms apart, after the first, which may come with the beginning. */
	assert_in_range(w->told[1].outputs, 5, 2 + (loop_mono(w->loop) - began) / (25 * US_PER_MS));
	pw_stop(w, 1, 0);
	PW_WAIT(w, w->told[1].exited);
}

static void nothing_happens_while_a_command_is_silent(void **state)
{
	struct pw *w = *state;

	pw_running(w, 1, "echo one; sleep 600");
	PW_WAIT(w, w->told[1].outputs >= 1);
	while (loop_turn(w->loop, 200 * US_PER_MS) > 0) {
	}
	assert_int_equal(loop_turn(w->loop, 300 * US_PER_MS), 0);
	pw_stop(w, 1, 0);
	PW_WAIT(w, w->told[1].exited);
}

static void stop_is_kind_first(void **state)
{
	struct pw *w = *state;

	pw_running(w, 1, "trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.01; done");
	PW_WAIT(w, w->told[1].outputs >= 1);
	pw_stop(w, 1, 600 * US_PER_SEC);
	/* Asking again does not take the grace away. */
	pw_stop(w, 1, US_PER_SEC);
	PW_WAIT(w, w->told[1].exited);
	assert_int_equal(w->told[1].exit.exit_code, 3);
	assert_string_equal(w->told[1].tail, "up\nbye\n");
	pw_stop(w, 1, 0);
	pw_stop(w, 2, 0);
}

static void stop_kills_when_the_grace_is_over(void **state)
{
	struct pw *w = *state;

	w->spec.grace_us = 600 * US_PER_SEC;
	pw_running(w, 1, "trap '' TERM; echo up; while :; do sleep 600; done");
	PW_WAIT(w, w->told[1].outputs >= 1);
	pw_stop(w, 1, 20 * US_PER_MS);
	PW_WAIT(w, w->told[1].exited);
	assert_int_equal(w->told[1].exit.exit_code, 128 + SIGKILL);
	assert_false(w->told[1].exit.was_timed_out);
}

static void impatient_stop_skips_the_grace_of_the_first(void **state)
{
	struct pw *w = *state;

	w->spec.grace_us = 600 * US_PER_SEC;
	pw_running(w, 1, "trap '' TERM; echo up; while :; do sleep 600; done");
	PW_WAIT(w, w->told[1].outputs >= 1);
	pw_stop(w, 1, 600 * US_PER_SEC);
	assert_int_equal(w->told[1].exited, 0);
	pw_stop(w, 1, 0);
	PW_WAIT(w, w->told[1].exited);
	assert_int_equal(w->told[1].exit.exit_code, 128 + SIGKILL);
}

static void stop_before_the_start_starts_nothing(void **state)
{
	struct pw *w = *state;

	pw_sh(w, 1, "echo never");
	pw_stop(w, 1, US_PER_SEC);
	PW_WAIT(w, w->told[1].exited);
	assert_int_equal(w->told[1].started, 0);
	assert_true(w->told[1].exit.is_gone);
	assert_false(file_exists(pw_folder(w, 1)));
}

static void stop_at_any_moment_of_the_start_is_heard(void **state)
{
	struct pw *w = *state;

	for (unsigned i = 0; i < 20; i++) {
		pw_sh(w, i, "sleep 600");
		for (unsigned turn = 0; turn < i % 5; turn++)
			(void)loop_turn(w->loop, 0);
		pw_stop(w, i, 600 * US_PER_SEC);
	}
	for (unsigned i = 0; i < 20; i++) {
		PW_WAIT(w, w->told[i].exited);
		assert_true(w->told[i].exit.is_gone || w->told[i].exit.exit_code == 128 + SIGTERM);
	}
}

static void forgetting_removes_the_folder(void **state)
{
	struct pw *w = *state;

	pw_sh(w, 1, "exit 0");
	PW_WAIT(w, w->told[1].exited);
	assert_true(file_exists(pw_folder(w, 1)));
	pw_forget(w, 1);
	assert_false(file_exists(pw_folder(w, 1)));
	pw_forget(w, 1);
	/* The name is free again. */
	pw_restart(w);
	pw_sh(w, 1, "exit 5");
	PW_WAIT(w, w->told[1].exited);
	assert_int_equal(w->told[1].exit.exit_code, 5);
}

static void forgetting_one_that_runs_kills_it_silently(void **state)
{
	struct pw *w = *state;
	CLEANUP(process_record_fini) struct process_record x = {0};

	/* Only impatience ends them in time. */
	w->spec.grace_us = 600 * US_PER_SEC;
	w->told[1].forgets_at_start = true;
	pw_running(w, 1, "trap '' TERM; sleep 600");
	PW_WAIT(w, !file_exists(pw_folder(w, 1)));
	assert_int_equal(w->told[1].exited, 0);
	pw_running(w, 2, "trap '' TERM; sleep 600");
	pw_record(w, 2, &x);
	pw_forget(w, 2);
	PW_WAIT(w, !file_exists(pw_folder(w, 2)));
	assert_false(pw_is_alive(x.keeper.pid));
}

static void hundred_commands_at_once_end_each_with_its_own_code(void **state)
{
	struct pw *w = *state;

	for (unsigned i = 0; i < 100; i++) {
		CLEANUP(freep) char *script = xasprintf("echo %u; exit %u", i, i);

		pw_sh(w, i, script);
	}
	for (unsigned i = 0; i < 100; i++) {
		CLEANUP(freep) char *want = xasprintf("%u\n", i);

		PW_WAIT(w, w->told[i].exited);
		assert_int_equal(w->told[i].exit.exit_code, i);
		assert_string_equal(w->told[i].tail, want);
		pw_forget(w, i);
	}
	pw_survey(w);
	assert_int_equal(w->found.n, 0);
}

static void on_image(void *ctx, int rc, const char *text, const struct runner_user *user)
{
	struct pw *w = ctx;

	assert_int_equal(rc, 0);
	assert_non_null(text);
	w->images++;
	w->user = *user;
}

static void images_are_of_no_matter(void **state)
{
	struct pw *w = *state;

	w->runner->ops->ensure_image(w->runner, "any", on_image, w);
	assert_int_equal(w->images, 0);
	PW_WAIT(w, w->images == 1);
	assert_true(w->user.is_known);
	assert_int_equal(w->user.uid, geteuid());
	assert_true(w->runner->ops->is_up(w->runner));
}

static void survey_tells_of_all_that_may_live(void **state)
{
	struct pw *w = *state;
	struct err e = CLEAN_ERR;

	pw_survey(w);
	assert_int_equal(w->found.n, 0);
	pw_sh(w, 1, "exit 0");
	PW_WAIT(w, w->told[1].exited);
	pw_running(w, 2, "sleep 600");
	pw_restart(w);
	/* A folder in which nothing has begun, and things that are none of ours. */
	assert_int_equal(dir_make(pw_folder(w, 3), 0700, &e), 0);
	assert_non_null(scratch_file(w->scratch, "runs/README", "hello"));
	pw_survey(w);
	assert_int_equal(w->listed_rc, 0);
	assert_int_equal(w->found.n, 2);
	assert_true(strv_has(&w->found, "1 exited"));
	assert_true(strv_has(&w->found, "2 running"));
	assert_false(file_exists(pw_folder(w, 3)));
	pw_adopt(w, 2);
	pw_stop(w, 2, 0);
	PW_WAIT(w, w->told[2].exited);
}

static void what_a_survey_found_can_be_removed(void **state)
{
	struct pw *w = *state;
	CLEANUP(process_record_fini) struct process_record x = {0};
	struct id one = pw_id(1), two = pw_id(2);

	pw_sh(w, 1, "exit 0");
	PW_WAIT(w, w->told[1].exited);
	pw_running(w, 2, "trap '' TERM; sleep 600");
	pw_record(w, 2, &x);
	pw_restart(w);
	w->runner->ops->remove(w->runner, one.s);
	assert_false(file_exists(pw_folder(w, 1)));
	w->runner->ops->remove(w->runner, two.s);
	w->runner->ops->remove(w->runner, "../..");
	PW_WAIT(w, !file_exists(pw_folder(w, 2)));
	assert_false(pw_is_alive(x.keeper.pid));
	assert_int_equal(w->told[2].exited, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, pw_setup, pw_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(fast_command_is_told_from_beginning_to_end),
		T(command_gets_its_environment_and_folder),
		T(command_gets_its_niceness_and_limits),
		T(death_by_signal_is_told_as_a_shell_does),
		T(command_that_is_not_there_is_127_with_the_reason),
		T(folder_that_is_not_there_is_127_with_the_reason),
		T(time_limit_is_kept_by_the_keeper),
		T(tail_is_of_stdout_alone),
		T(secrets_are_taken_out_of_the_tail),
		T(output_is_told_while_it_grows),
		T(growth_is_told_beyond_the_head_of_the_log),
		T(noisy_command_wakes_us_so_often_and_no_more),
		T(nothing_happens_while_a_command_is_silent),
		T(stop_is_kind_first),
		T(stop_kills_when_the_grace_is_over),
		T(impatient_stop_skips_the_grace_of_the_first),
		T(stop_before_the_start_starts_nothing),
		T(stop_at_any_moment_of_the_start_is_heard),
		T(forgetting_removes_the_folder),
		T(forgetting_one_that_runs_kills_it_silently),
		T(hundred_commands_at_once_end_each_with_its_own_code),
		T(images_are_of_no_matter),
		T(survey_tells_of_all_that_may_live),
		T(what_a_survey_found_can_be_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
