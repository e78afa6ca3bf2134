/* SPDX-License-Identifier: MIT */
/* tests/loop/test_child.c - what a child gets, what it tells, and that nothing of it is left. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "cmocka.h" /* quoted: it must follow the headers above */
#include "lib/scratch.h"
#include "loop/child.h"

#define LONG_US (60 * US_PER_SEC)

struct world {
	struct loop *l;
	struct child *child;
	struct scratch *scratch;
	struct buf out, err;
	unsigned ends, pieces;
	struct child_end end;
	char failed[32];
	/* What the callback does at the first piece. */
	bool stops, frees;
};

static void on_output(void *ctx, enum child_stream stream, const char *p, size_t n)
{
	struct world *w = ctx;

	assert_true(n > 0 && n <= CHILD_PIECE_MAX);
	w->pieces++;
	buf_add(stream == CHILD_STDOUT ? &w->out : &w->err, p, n);
	if (w->stops)
		child_stop(w->child);
	if (w->frees)
		child_freep(&w->child);
}

static void on_end(void *ctx, const struct child_end *end)
{
	struct world *w = ctx;

	w->ends++;
	w->end = *end;
	if (end->failed != NULL)
		(void)str_copy(w->failed, sizeof(w->failed), end->failed);
	child_freep(&w->child);
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	void *scratch = NULL;

	if (scratch_setup(&scratch) != 0)
		return -1;
	w->scratch = scratch;
	w->l = loop_new(NULL);
	assert_non_null(w->l);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	void *scratch = w->scratch;

	child_free(w->child);
	buf_fini(&w->out);
	buf_fini(&w->err);
	loop_free(w->l);
	(void)scratch_teardown(&scratch);
	free(w);
	return 0;
}

static char *const plain_env[] = {(char[]){"PATH=/usr/bin:/bin"}, (char[]){"ONLY=this"}, NULL};

static struct child_spec spec_for(struct world *w)
{
	return (struct child_spec){.env = plain_env,
		.on_output = on_output,
		.on_end = on_end,
		.ctx = w,
		.timeout_us = LONG_US,
		.grace_us = LONG_US};
}

static void start(struct world *w, struct child_spec *s, const char *script)
{
	struct err e = CLEAN_ERR;
	struct strv argv = STRV_NULL;

	strv_add(&argv, "sh");
	strv_add(&argv, "-c");
	strv_add(&argv, script);
	s->argv = argv.v;
	assert_int_equal(child_start(&w->child, w->l, s, &e), 0);
	strv_fini(&argv);
	assert_int_equal(w->ends, 0);
}

static void wait_end(struct world *w)
{
	while (w->ends == 0)
		assert_true(loop_turn(w->l, LONG_US) > 0);
	assert_int_equal(w->ends, 1);
	assert_null(w->child);
}

static void run(struct world *w, const char *script)
{
	struct child_spec s = spec_for(w);

	start(w, &s, script);
	wait_end(w);
}

/* Turns the loop until a file is there. */
static void wait_file(struct world *w, const char *path)
{
	while (!file_exists(path))
		assert_true(loop_turn(w->l, 10 * US_PER_MS) >= 0);
}

static pid_t read_pid(const char *path)
{
	CLEANUP(freep) char *text = scratch_read(path);

	return (pid_t)strtol(text, NULL, 10);
}

static bool is_alive(pid_t pid)
{
	CLEANUP(freep) char *path = xasprintf("/proc/%d/stat", (int)pid);
	CLEANUP(buf_fini) struct buf b = BUF_NULL;
	const char *state;

	if (file_read(path, KIB(4), &b, NULL) < 0)
		return false;
	state = strrchr(buf_str(&b), ')');
	/* An orphan's zombie may wait for its new parent. */
	return state != NULL && state[2] != 'Z' && state[2] != 'X';
}

static void exit_status_is_told(void **state)
{
	run(*state, "exit 0");
	assert_int_equal(((struct world *)*state)->end.how, CHILD_EXITED);
	assert_int_equal(((struct world *)*state)->end.code, 0);
}

static void other_exit_status_is_told(void **state)
{
	struct world *w = *state;

	run(w, "exit 255");
	assert_int_equal(w->end.how, CHILD_EXITED);
	assert_int_equal(w->end.code, 255);
	assert_false(w->end.is_timed_out);
	assert_false(w->end.is_stopped);
}

static void signal_is_told_apart_from_an_exit(void **state)
{
	struct world *w = *state;

	run(w, "kill -SEGV $$");
	assert_int_equal(w->end.how, CHILD_SIGNALLED);
	assert_int_equal(w->end.code, SIGSEGV);
}

static void output_without_newline_arrives_and_streams_are_apart(void **state)
{
	struct world *w = *state;

	run(w, "printf one; printf two >&2");
	assert_string_equal(buf_str(&w->out), "one");
	assert_string_equal(buf_str(&w->err), "two");
}

static void large_output_arrives_whole_and_in_bounded_pieces(void **state)
{
	struct world *w = *state;

	run(w, "head -c 3000000 /dev/zero; head -c 1000000 /dev/zero >&2; printf end");
	assert_int_equal(w->out.n, 3000003);
	assert_int_equal(w->err.n, 1000000);
	assert_string_equal(w->out.p + 3000000, "end");
}

static void what_is_in_the_pipe_at_the_end_is_not_lost(void **state)
{
	struct world *w = *state;
	struct child_spec s = spec_for(w);
	const char *done = scratch_path(w->scratch, "done");
	CLEANUP(freep) char *script = xasprintf("head -c 60000 /dev/zero; touch %s", done);

	start(w, &s, script);
	/* Not turning the loop meanwhile. */
	while (!file_exists(done))
		(void)usleep(1000);
	wait_end(w);
	assert_int_equal(w->out.n, 60000);
}

static void only_the_given_environment_and_folder_are_there(void **state)
{
	struct world *w = *state;
	struct child_spec s = spec_for(w);

	assert_int_equal(setenv("PYLON_SECRET_OF_THE_PARENT", "x", 1), 0);
	s.cwd = "/usr";
	start(w, &s, "env | sort | grep -v '^_=\\|^SHLVL=\\|^PWD='; pwd");
	wait_end(w);
	assert_string_equal(buf_str(&w->out), "ONLY=this\nPATH=/usr/bin:/bin\n/usr\n");
}

static void only_three_descriptors_are_open(void **state)
{
	struct world *w = *state;
	int low = open("/dev/null", O_RDONLY); /* deliberately not close-on-exec */
	int high = fcntl(low, F_DUPFD, 500);

	assert_true(low >= 0 && high >= 500);
	/* 3 is the folder that ls itself reads. */
	run(w, "ls /proc/self/fd");
	(void)close(low);
	(void)close(high);
	assert_string_equal(buf_str(&w->out), "0\n1\n2\n3\n");
}

static void signals_are_as_for_a_fresh_program(void **state)
{
	struct world *w = *state;
	sigset_t set;
	sigset_t old;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	assert_int_equal(sigprocmask(SIG_BLOCK, &set, &old), 0);
	/* SIGPIPE is ignored by the loop. */
	run(w, "grep '^Sig[BI]' /proc/self/status | tr -d '\\t'");
	assert_int_equal(sigprocmask(SIG_SETMASK, &old, NULL), 0);
	assert_string_equal(buf_str(&w->out), "SigBlk:0000000000000000\nSigIgn:0000000000000000\n");
}

static void it_leads_a_session_and_group_of_its_own(void **state)
{
	struct world *w = *state;
	struct child_spec s = spec_for(w);
	CLEANUP(freep) char *expected = NULL;

	start(w, &s, "cut -d' ' -f5,6 /proc/$$/stat");
	expected = xasprintf("%d %d\n", (int)child_pid(w->child), (int)child_pid(w->child));
	wait_end(w);
	assert_string_equal(buf_str(&w->out), expected);
}

static void mask_and_limits_are_set(void **state)
{
	struct world *w = *state;
	struct child_spec s = spec_for(w);

	s.mask = 027;
	s.max_file_bytes = MIB(1);
	s.niceness = 3;
	start(w, &s, "umask; ulimit -c; ulimit -f; nice");
	wait_end(w);
	assert_true(str_has_prefix(buf_str(&w->out), "0027\n0\n2048\n"));
}

static void too_large_a_file_ends_it(void **state)
{
	struct world *w = *state;
	struct child_spec s = spec_for(w);
	const char *file = scratch_path(w->scratch, "large");
	CLEANUP(freep) char *script = xasprintf("exec head -c 5000 /dev/zero >%s", file);
	struct stat st;

	s.max_file_bytes = 4096;
	start(w, &s, script);
	wait_end(w);
	assert_int_equal(w->end.how, CHILD_SIGNALLED);
	assert_int_equal(w->end.code, SIGXFSZ);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_size, 4096);
}

static void user_is_changed_with_all_groups(void **state)
{
	struct world *w = *state;
	struct child_spec s = spec_for(w);

	if (geteuid() != 0)
		skip();
	s.changes_user = true;
	s.uid = 65534;
	s.gid = 65533;
	start(w, &s, "id -u; id -G");
	wait_end(w);
	assert_string_equal(buf_str(&w->out), "65534\n65533\n");
}

static void standard_input_is_what_was_given(void **state)
{
	struct world *w = *state;
	struct child_spec s = spec_for(w);
	CLEANUP(freep) char *large = xcalloc(1, MIB(1));

	s.input = (struct slice){large, MIB(1)};
	start(w, &s, "wc -c | tr -d ' '");
	wait_end(w);
	assert_string_equal(buf_str(&w->out), "1048576\n");
}

static void standard_input_is_empty_by_default(void **state)
{
	run(*state, "cat; echo over");
	assert_string_equal(buf_str(&((struct world *)*state)->out), "over\n");
}

static void program_that_is_missing_is_told_with_its_errno(void **state)
{
	struct world *w = *state;
	struct child_spec s = spec_for(w);
	char *argv[] = {(char[]){"no-such-program-here"}, NULL};
	struct err e = CLEAN_ERR;

	s.argv = argv;
	assert_int_equal(child_start(&w->child, w->l, &s, &e), 0);
	wait_end(w);
	assert_int_equal(w->end.how, CHILD_NOT_STARTED);
	assert_int_equal(w->end.code, ENOENT);
	assert_string_equal(w->failed, "execve");
}

static void folder_that_is_missing_is_told_with_its_errno(void **state)
{
	struct world *w = *state;
	struct child_spec s = spec_for(w);

	s.cwd = "/nonexistent-folder";
	start(w, &s, "exit 0");
	wait_end(w);
	assert_int_equal(w->end.how, CHILD_NOT_STARTED);
	assert_int_equal(w->end.code, ENOENT);
	assert_string_equal(w->failed, "chdir");
}

static void program_that_may_not_be_executed_is_told(void **state)
{
	struct world *w = *state;
	struct child_spec s = spec_for(w);
	CLEANUP(freep) char *path = xstrdup(scratch_file(w->scratch, "plain", "#!/bin/sh\n"));
	char *argv[] = {path, NULL};
	struct err e = CLEAN_ERR;

	s.argv = argv;
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(child_start(&w->child, w->l, &s, &e), 0);
	wait_end(w);
	assert_int_equal(w->end.how, CHILD_NOT_STARTED);
	assert_int_equal(w->end.code, EACCES);
}

static void exit_status_127_is_no_failure_to_start(void **state)
{
	struct world *w = *state;

	run(w, "exit 127");
	assert_int_equal(w->end.how, CHILD_EXITED);
	assert_int_equal(w->end.code, 127);
}

static void time_limit_ends_it_politely(void **state)
{
	struct world *w = *state;
	struct child_spec s = spec_for(w);

	s.timeout_us = 100 * US_PER_MS;
	start(w, &s, "trap 'echo bye; exit 3' TERM; while :; do sleep 0.05; done");
	wait_end(w);
	assert_true(w->end.is_timed_out);
	assert_false(w->end.is_stopped);
	assert_true(w->end.how == CHILD_SIGNALLED || w->end.code == 3);
}

static void who_ignores_the_polite_way_is_killed(void **state)
{
	struct world *w = *state;
	struct child_spec s = spec_for(w);

	s.timeout_us = 100 * US_PER_MS;
	s.grace_us = 100 * US_PER_MS;
	start(w, &s, "trap '' TERM; while :; do sleep 0.05; done");
	wait_end(w);
	assert_true(w->end.is_timed_out);
	assert_int_equal(w->end.how, CHILD_SIGNALLED);
	assert_int_equal(w->end.code, SIGKILL);
}

static void nothing_of_its_group_is_left_behind(void **state)
{
	struct world *w = *state;
	const char *file = scratch_path(w->scratch, "pid");
	CLEANUP(freep)
	char *script = xasprintf("(trap '' TERM HUP; exec sleep 1000) & echo $! >%s; exit 4", file);
	pid_t pid;

	run(w, script);
	assert_int_equal(w->end.code, 4);
	pid = read_pid(file);
	assert_true(pid > 1);
	while (is_alive(pid))
		(void)usleep(1000);
}

static void who_left_the_group_does_not_hold_up_the_end(void **state)
{
	struct world *w = *state;
	const char *file = scratch_path(w->scratch, "pid");
	CLEANUP(freep)
	char *script = xasprintf("setsid sh -c 'echo $$ >%s.new; mv %s.new %s; exec sleep 1000' & "
				 "while [ ! -e %s ]; do sleep 0.01; done; echo out",
		file, file, file, file);

	run(w, script);
	assert_string_equal(buf_str(&w->out), "out\n");
	assert_int_equal(kill(read_pid(file), SIGKILL), 0);
}

static void stopping_from_the_callback_is_told_at_the_end(void **state)
{
	struct world *w = *state;
	struct child_spec s = spec_for(w);

	w->stops = true;
	start(w, &s, "echo begin; exec sleep 1000");
	wait_end(w);
	assert_true(w->end.is_stopped);
	assert_false(w->end.is_timed_out);
	assert_int_equal(w->end.code, SIGTERM);
}

static void freeing_from_the_callback_kills_and_is_silent(void **state)
{
	struct world *w = *state;
	struct child_spec s = spec_for(w);
	const char *file = scratch_path(w->scratch, "pid");
	CLEANUP(freep) char *script = xasprintf("echo $$ >%s; echo begin; exec sleep 1000", file);

	w->frees = true;
	start(w, &s, script);
	while (w->child != NULL)
		assert_true(loop_turn(w->l, LONG_US) > 0);
	assert_false(is_alive(read_pid(file)));
	assert_int_equal(loop_turn(w->l, 0), 0);
	assert_int_equal(w->ends, 0);
	assert_int_equal(w->pieces, 1);
}

static void freeing_while_draining_is_silent(void **state)
{
	struct world *w = *state;
	struct child_spec s = spec_for(w);
	const char *done = scratch_path(w->scratch, "done");
	CLEANUP(freep) char *script = xasprintf("head -c 60000 /dev/zero; touch %s", done);

	w->frees = true;
	start(w, &s, script);
	while (!file_exists(done))
		(void)usleep(1000);
	while (w->child != NULL)
		assert_true(loop_turn(w->l, LONG_US) > 0);
	assert_int_equal(loop_turn(w->l, 0), 0);
	assert_int_equal(w->ends, 0);
}

static void stopping_one_that_ended_kills_nobody(void **state)
{
	struct world *w = *state;
	struct child_spec s = spec_for(w);
	siginfo_t info = {0};

	start(w, &s, "exit 5");
	/* It has ended, and nobody has looked yet. */
	assert_int_equal(waitid(P_PID, (id_t)child_pid(w->child), &info, WEXITED | WNOWAIT), 0);
	child_stop(w->child);
	wait_end(w);
	assert_int_equal(w->end.how, CHILD_EXITED);
	assert_int_equal(w->end.code, 5);
}

static void it_dies_with_its_parent_when_asked(void **state)
{
	struct world *w = *state;
	struct child_spec s = spec_for(w);
	const char *file = scratch_path(w->scratch, "pid");
	CLEANUP(freep)
	char *script =
		xasprintf("echo $$ >%s.new; mv %s.new %s; exec sleep 1000", file, file, file);
	pid_t parent = fork();

	s.dies_with_us = true;
	if (parent == 0) {
		struct loop *l = loop_new(NULL);

		w->l = l;
		start(w, &s, script);
		wait_file(w, file);
		(void)kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	while (is_alive(read_pid(file)))
		(void)usleep(1000);
}

static void output_may_be_unwanted(void **state)
{
	struct world *w = *state;
	struct child_spec s = spec_for(w);

	s.on_output = NULL;
	start(w, &s, "head -c 1000000 /dev/zero; exit 7");
	wait_end(w);
	assert_int_equal(w->end.code, 7);
}

static void many_at_once_are_told_apart(void **state)
{
	struct world *w = *state;
	struct world other[20] = {{0}};

	for (size_t i = 0; i < ARRAY_LEN(other); i++) {
		CLEANUP(freep) char *script = xasprintf("printf %zu; exit %zu", i, i);
		struct child_spec s = spec_for(&other[i]);

		other[i].l = w->l;
		start(&other[i], &s, script);
	}
	for (size_t i = 0; i < ARRAY_LEN(other); i++) {
		CLEANUP(freep) char *expected = xasprintf("%zu", i);

		wait_end(&other[i]);
		assert_int_equal(other[i].end.code, i);
		assert_string_equal(buf_str(&other[i].out), expected);
		buf_fini(&other[i].out);
	}
}

static void fake_loop_runs_no_children(void **state)
{
	struct world *w = *state;
	CLEANUP(loop_freep) struct loop *fake = loop_new_fake(US_PER_SEC);
	struct child_spec s = spec_for(w);
	char *argv[] = {(char[]){"sh"}, NULL};
	struct err e = CLEAN_ERR;

	s.argv = argv;
	assert_int_equal(child_start(&w->child, fake, &s, &e), -EOPNOTSUPP);
	assert_null(w->child);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(exit_status_is_told),
		T(other_exit_status_is_told),
		T(signal_is_told_apart_from_an_exit),
		T(output_without_newline_arrives_and_streams_are_apart),
		T(large_output_arrives_whole_and_in_bounded_pieces),
		T(what_is_in_the_pipe_at_the_end_is_not_lost),
		T(only_the_given_environment_and_folder_are_there),
		T(only_three_descriptors_are_open),
		T(signals_are_as_for_a_fresh_program),
		T(it_leads_a_session_and_group_of_its_own),
		T(mask_and_limits_are_set),
		T(too_large_a_file_ends_it),
		T(user_is_changed_with_all_groups),
		T(standard_input_is_what_was_given),
		T(standard_input_is_empty_by_default),
		T(program_that_is_missing_is_told_with_its_errno),
		T(folder_that_is_missing_is_told_with_its_errno),
		T(program_that_may_not_be_executed_is_told),
		T(exit_status_127_is_no_failure_to_start),
		T(time_limit_ends_it_politely),
		T(who_ignores_the_polite_way_is_killed),
		T(nothing_of_its_group_is_left_behind),
		T(who_left_the_group_does_not_hold_up_the_end),
		T(stopping_from_the_callback_is_told_at_the_end),
		T(freeing_from_the_callback_kills_and_is_silent),
		T(freeing_while_draining_is_silent),
		T(stopping_one_that_ended_kills_nobody),
		T(it_dies_with_its_parent_when_asked),
		T(output_may_be_unwanted),
		T(many_at_once_are_told_apart),
		T(fake_loop_runs_no_children),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
