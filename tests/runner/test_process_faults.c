/* SPDX-License-Identifier: MIT */
/*
 * tests/runner/test_process_faults.c - keepers that are missing, refuse, lie or die early; full
 * disks; records that no keeper wrote; and which bytes of a log are stdout.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "runner/process_world.h"

/* A record by the shell, as the keeper would write it: $1 is the folder's place among arguments. */
#define FOLDER "while [ \"$1\" != --dir ]; do shift; done; d=$2; "

static void missing_keeper_is_told(void **state)
{
	struct pw *w = *state;

	str_replace(&w->shim, "/no/such/keeper");
	for (int i = 0; i < 2; i++) {
		w->dies_with_us = i == 1;
		pw_restart(w);
		pw_sh(w, 1, "exit 0");
		assert_int_equal(w->told[1].refused, 0);
		PW_WAIT(w, w->told[1].refused);
		assert_int_equal(w->told[1].why, RUNNER_BAD_SPEC);
		assert_non_null(
			strstr(w->told[1].text, "cannot be executed") != NULL
				? w->told[1].text
				: strstr(w->told[1].text, "cannot execute /no/such/keeper"));
		assert_false(file_exists(pw_folder(w, 1)));
	}
}

static void keeper_that_refuses_is_told_with_its_words(void **state)
{
	struct pw *w = *state;

	pw_fake_keeper(w, "echo 'usage: pylon-shim ...' >&2; exit 2");
	pw_sh(w, 1, "exit 0");
	PW_WAIT(w, w->told[1].refused);
	assert_int_equal(w->told[1].why, RUNNER_BAD_SPEC);
	assert_string_equal(w->told[1].text, "usage: pylon-shim ...");
	assert_false(file_exists(pw_folder(w, 1)));
	/* It is unknown now: the same name may come again. */
	pw_restart(w);
	pw_sh(w, 1, "exit 0");
	PW_WAIT(w, w->told[1].refused);
}

static void no_signal_ends_a_keeper_before_it_listens(void **state)
{
	struct pw *w = *state;

	pw_fake_keeper(w, "kill -TERM $$; kill -INT $$; echo alive >&2; exit 1");
	for (int i = 0; i < 2; i++) {
		w->dies_with_us = i == 1;
		pw_restart(w);
		pw_sh(w, 1, "exit 0");
		PW_WAIT(w, w->told[1].refused);
		assert_string_equal(w->told[1].text, "alive");
	}
}

static void keeper_that_says_nothing_is_told(void **state)
{
	struct pw *w = *state;

	pw_fake_keeper(w, "exit 0");
	pw_sh(w, 1, "exit 0");
	PW_WAIT(w, w->told[1].refused);
	assert_string_equal(w->told[1].text, "its keeper ended before it began");
}

static void keeper_that_says_too_much_is_cut(void **state)
{
	struct pw *w = *state;

	pw_fake_keeper(w, "printf '%01000d\\033[31m\\n' 0 >&2; exit 1");
	pw_sh(w, 1, "exit 0");
	PW_WAIT(w, w->told[1].refused);
	assert_int_equal(strlen(w->told[1].text), PROCESS_TEXT_MAX);
}

static void full_disk_that_the_keeper_meets_is_no_space(void **state)
{
	struct pw *w = *state;

	pw_fake_keeper(w, "echo \"pylon-shim: x: No space left on device\" >&2; exit 1");
	pw_sh(w, 1, "exit 0");
	PW_WAIT(w, w->told[1].refused);
	assert_int_equal(w->told[1].why, RUNNER_NO_SPACE);
}

/* In a mount namespace of its own, on a disk without room for a folder. */
static void start_on_full_disk(void *ctx)
{
	struct pw *w = ctx;

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		_exit(77);
	CHILD_CHECK(mkdir(w->dir, 0700) == 0 || errno == EEXIST);
	if (mount("tmpfs", w->dir, "tmpfs", 0, "size=64k,nr_inodes=1") < 0)
		_exit(77);
	pw_become_another(w);
	pw_sh(w, 1, "exit 0");
	PW_WAIT(w, w->told[1].refused);
	CHILD_CHECK(w->told[1].why == RUNNER_NO_SPACE);
	CHILD_CHECK(strstr(w->told[1].text, "No space") != NULL);
}

static void full_disk_is_no_space(void **state)
{
	int status = scratch_fork(start_on_full_disk, *state);

	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void want_of_descriptors_is_told_as_passing(void **state)
{
	struct pw *w = *state;
	struct rlimit old, none;
	CLEANUP(closep) int first_free = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = (rlim_t)first_free;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	pw_sh(w, 1, "exit 0");
	PW_WAIT(w, w->told[1].refused);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(w->told[1].why, RUNNER_ENGINE_DOWN);
	assert_false(file_exists(pw_folder(w, 1)));
}

static void want_of_descriptors_does_not_make_a_living_command_gone(void **state)
{
	struct pw *w = *state;
	struct rlimit old, none;
	CLEANUP(closep) int first_free = -1;

	pw_running(w, 1, "sleep 600");
	pw_restart(w);
	first_free = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	for (rlim_t more = 0; more < 4; more++) {
		none = old;
		none.rlim_cur = (rlim_t)first_free + more;
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
		pw_adopt(w, 1);
		while (loop_turn(w->loop, 0) > 0) {
		}
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
		assert_int_equal(w->told[1].exited, 0);
	}
	PW_WAIT(w, w->told[1].started);
	pw_stop(w, 1, 0);
	PW_WAIT(w, w->told[1].exited);
	assert_false(w->told[1].exit.is_gone);
}

static void folder_that_is_anothers_is_not_touched(void **state)
{
	struct pw *w = *state;

	pw_write_record(w, 1, "{}", 2);
	pw_sh(w, 1, "exit 0");
	PW_WAIT(w, w->told[1].refused);
	assert_int_equal(w->told[1].why, RUNNER_BAD_SPEC);
	assert_true(file_exists(pw_folder(w, 1)));
}

static void folder_of_folders_is_made_again(void **state)
{
	struct pw *w = *state;
	struct err e = CLEAN_ERR;

	pw_sh(w, 1, "exit 1");
	PW_WAIT(w, w->told[1].exited);
	assert_int_equal(tree_remove(w->dir, &e), 0);
	pw_sh(w, 2, "exit 2");
	PW_WAIT(w, w->told[2].exited);
	assert_int_equal(w->told[2].exit.exit_code, 2);
}

static void what_is_no_command_is_refused(void **state)
{
	struct pw *w = *state;
	struct strv limits = STRV_NULL;

	pw_start(w, 1, (const char *const[]){NULL});
	PW_WAIT(w, w->told[1].refused);
	assert_string_equal(w->told[1].text, "there is no command");
	strv_add(&limits, "--dir=/");
	w->spec.limits = &limits;
	pw_sh(w, 2, "exit 0");
	PW_WAIT(w, w->told[2].refused);
	strv_fini(&limits);
	assert_int_equal(w->told[2].why, RUNNER_BAD_SPEC);
	assert_non_null(strstr(w->told[2].text, "is no limit"));
}

static void keeper_that_dies_without_a_word_is_gone(void **state)
{
	struct pw *w = *state;
	char boot_id[BOOT_ID_SIZE];
	CLEANUP(freep) char *script = NULL;

	process_boot_id(boot_id);
	/* Its own start time it does not know; the record is believed as far as it goes. */
	script = xasprintf(FOLDER
		"printf '{\"version\":1,\"state\":\"running\",\"boot_id\":\"%s\",\"shim_pid\":%%d,"
		"\"shim_start\":5}' $$ >$d/status.tmp; mv $d/status.tmp $d/status; exit 0",
		boot_id);
	pw_fake_keeper(w, script);
	pw_sh(w, 1, "exit 0");
	PW_WAIT(w, w->told[1].exited);
	assert_true(w->told[1].exit.is_gone);
	assert_non_null(strstr(w->told[1].text, "keeper was killed"));
}

#define KEEPER "\"version\":1,\"boot_id\":\"b\",\"shim_pid\":4194304,\"shim_start\":1"

/* As a keeper of another boot left it. */
static void records_that_make_no_sense_are_gone(void **state)
{
	static const char *const records[] = {
		"",
		"{",
		"null",
		"[]",
		"{}",
		"{\"state\":\"exited\"}",
		"{" KEEPER ",\"state\":\"exited\"}",
		"{" KEEPER ",\"state\":\"exited\",\"exit_code\":256}",
		"{" KEEPER ",\"state\":\"exited\",\"exit_code\":-1}",
		"{" KEEPER ",\"state\":\"exited\",\"exit_code\":\"0\"}",
		"{" KEEPER ",\"state\":\"exited\",\"exit_code\":1e9}",
		"{" KEEPER ",\"state\":\"exited\",\"signal\":0}",
		"{" KEEPER ",\"state\":\"exited\",\"signal\":65}",
		"{" KEEPER ",\"state\":\"exited\",\"exit_code\":0,\"exit_code\":0}",
		"{" KEEPER ",\"state\":\"sleeping\"}",
		"{" KEEPER ",\"state\":7}",
		"{\"version\":2,\"boot_id\":\"b\",\"shim_pid\":9,\"shim_start\":1,\"state\":"
		"\"starting\"}",
		"{\"version\":1,\"boot_id\":\"b\",\"shim_pid\":1,\"shim_start\":1,\"state\":"
		"\"starting\"}",
		"{\"version\":1,\"boot_id\":\"b\",\"shim_pid\":-5,\"shim_start\":1,\"state\":"
		"\"starting\"}",
		"{\"version\":1,\"boot_id\":\"b\",\"shim_pid\":2147483648,\"shim_start\":1,"
		"\"state\":\"starting\"}",
		"{\"version\":1,\"boot_id\":\"b\",\"shim_pid\":9,\"shim_start\":-1,\"state\":"
		"\"starting\"}",
		"{\"version\":1,\"shim_pid\":9,\"shim_start\":1,\"state\":\"starting\"}",
		"{\"version\":1,\"boot_id\":\"0123456789012345678901234567890123456789\","
		"\"shim_pid\":9,\"shim_start\":1,\"state\":\"starting\"}",
	};
	struct pw *w = *state;

	for (unsigned i = 0; i < ARRAY_LEN(records); i++) {
		pw_write_record(w, i, records[i], strlen(records[i]));
		pw_adopt(w, i);
		PW_WAIT(w, w->told[i].exited);
		if (!w->told[i].exit.is_gone || strstr(w->told[i].text, "damaged") == NULL)
			fail_msg("record %u was believed: %s", i, records[i]);
	}
}

static void records_that_make_sense_are_believed(void **state)
{
	static const struct {
		const char *record;
		int code;
	} rows[] = {
		{"{" KEEPER ",\"state\":\"exited\",\"exit_code\":0,\"signal\":null}", 0},
		{"{" KEEPER ",\"state\":\"exited\",\"exit_code\":255}", 255},
		{"{" KEEPER ",\"state\":\"exited\",\"exit_code\":null,\"signal\":1}", 129},
		{"{" KEEPER ",\"state\":\"exited\",\"signal\":64,\"new\":{}}", 192},
	};
	struct pw *w = *state;

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		pw_write_record(w, i, rows[i].record, strlen(rows[i].record));
		pw_adopt(w, i);
		PW_WAIT(w, w->told[i].exited);
		assert_false(w->told[i].exit.is_gone);
		assert_int_equal(w->told[i].exit.exit_code, rows[i].code);
	}
}

static void record_is_read_up_to_its_limit(void **state)
{
	static const char record[] = "{" KEEPER ",\"state\":\"exited\",\"exit_code\":3}";
	struct pw *w = *state;

	for (unsigned i = 0; i < 3; i++) {
		CLEANUP(freep) char *text = xcalloc(1, KIB(16) + 2);
		size_t n = KIB(16) - 1 + i;

		memset(text, ' ', n);
		memcpy(text, record, sizeof(record) - 1);
		pw_write_record(w, i, text, n);
		pw_adopt(w, i);
		PW_WAIT(w, w->told[i].exited);
		assert_int_equal(w->told[i].exit.is_gone, i == 2);
	}
}

static void replace_the_record_for_ever(const char *folder)
{
	static const char record[] = "{" KEEPER ",\"state\":\"exited\",\"exit_code\":3}";
	CLEANUP(freep) char *tmp = xasprintf("%s/status.tmp", folder);
	CLEANUP(freep) char *path = xasprintf("%s/status", folder);

	for (;;) {
		int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

		CHILD_CHECK(fd >= 0 && write_all(fd, record, sizeof(record) - 1) == 0);
		CHILD_CHECK(close(fd) == 0 && rename(tmp, path) == 0);
	}
}

static void record_is_whole_while_it_is_replaced(void **state)
{
	struct pw *w = *state;
	const char *folder = pw_folder(w, 1);
	unsigned damaged = 0;
	pid_t pid;

	pw_write_record(w, 1, "{" KEEPER ",\"state\":\"starting\"}",
		sizeof("{" KEEPER ",\"state\":\"starting\"}") - 1);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		replace_the_record_for_ever(folder);
	for (int i = 0; i < 3000; i++) {
		CLEANUP(process_record_fini) struct process_record x = {0};
		struct err e = CLEAN_ERR;

		if (process_record_read(folder, &x, &e) < 0 || x.state < RECORD_STARTING)
			damaged++;
	}
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(damaged, 0);
}

static void record_that_is_no_file_is_not_opened(void **state)
{
	struct pw *w = *state;
	struct err e = CLEAN_ERR;
	CLEANUP(freep) char *fifo = xasprintf("%s/status", pw_folder(w, 1));
	CLEANUP(freep) char *link = xasprintf("%s/status", pw_folder(w, 2));

	assert_int_equal(dir_make(pw_folder(w, 1), 0700, &e), 0);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(dir_make(pw_folder(w, 2), 0700, &e), 0);
	assert_int_equal(symlink("/dev/zero", link), 0);
	for (unsigned i = 1; i <= 2; i++) {
		pw_adopt(w, i);
		PW_WAIT(w, w->told[i].exited);
		assert_true(w->told[i].exit.is_gone);
		assert_non_null(strstr(w->told[i].text, "damaged"));
	}
}

static void text_of_a_record_is_harmless_and_short(void **state)
{
	struct pw *w = *state;
	CLEANUP(buf_fini) struct buf record = BUF_NULL;

	buf_add_str(&record,
		"{" KEEPER ",\"state\":\"exited\",\"exit_code\":127,\"error\":\"a\\u001b[31mb");
	for (int i = 0; i < 1000; i++)
		buf_add_char(&record, 'x');
	buf_add_str(&record, "\"}");
	pw_write_record(w, 1, record.p, record.n);
	pw_adopt(w, 1);
	PW_WAIT(w, w->told[1].exited);
	assert_true(strlen(w->told[1].text) <= PROCESS_TEXT_MAX);
	assert_true(str_has_prefix(w->told[1].text, "abxxx"));
}

/* --- the end of stdout --- */

static void expect_stdout(struct pw *w, const char *log, const char *streams, const char *want)
{
	const char *path = scratch_file(w->scratch, "x.log", log);
	CLEANUP(freep) char *streams_path = xasprintf("%s.streams", path);
	CLEANUP(buf_fini) struct buf out = BUF_NULL;

	if (streams == NULL)
		(void)unlink(streams_path);
	else
		(void)scratch_file(w->scratch, "x.log.streams", streams);
	process_log_stdout(path, &out);
	assert_string_equal(buf_str(&out), want);
}

static void bytes_of_stdout_are_found(void **state)
{
	struct pw *w = *state;

	expect_stdout(w, "", NULL, "");
	expect_stdout(w, "abcdef", NULL, "abcdef");
	expect_stdout(w, "abcdef", "", "abcdef");
	expect_stdout(w, "abcdef", "0 1 5\n", "abcdef");
	expect_stdout(w, "abcdef", "0 2 5\n", "");
	expect_stdout(w, "abcdef", "0 1 5\n2 2 6\n4 1 7\n", "abef");
	expect_stdout(w, "abcdef", "0 2 5\n1 1 6\n5 2 7\n", "bcde");
	/* What is before the first change is somebody else's. */
	expect_stdout(w, "abcdef", "2 1 5\n4 2 5\n", "cd");
	/* A change behind the end has no bytes yet. */
	expect_stdout(w, "abcdef", "0 1 5\n6 2 6\n900 1 7\n", "abcdef");
	/* From where the record ends, or is no record, all counts. */
	expect_stdout(w, "abcdef", "0 1 5\n2 2 6\n... more\n", "abcdef");
	expect_stdout(w, "abcdef", "0 2 5\n2 1 6\n4 2 6\n... more\n", "cdef");
	expect_stdout(w, "abcdef", "0 2 5\n2 1 6\n4 2", "cdef");
	expect_stdout(w, "abcdef", "0 2 5\n2 1 6\n1 2 6\n", "cdef");
	expect_stdout(w, "abcdef", "rubbish\n", "abcdef");
	expect_stdout(w, "abcdef", "0 3 5\n", "abcdef");
	expect_stdout(w, "abcdef", "0 \n", "abcdef");
	expect_stdout(w, "abcdef", " 1\n", "abcdef");
	expect_stdout(w, "abcdef", "99999999999999999999 1 5\n", "abcdef");
}

static void end_of_a_long_log_is_bounded(void **state)
{
	struct pw *w = *state;

	for (size_t more = 0; more < 3; more++) {
		size_t n = RESULT_FILE_MAX - 1 + more;
		CLEANUP(freep) char *log = xcalloc(1, n + 1);
		CLEANUP(buf_fini) struct buf out = BUF_NULL;

		memset(log, 'x', n);
		log[0] = 'a';
		log[n - 1] = 'z';
		process_log_stdout(scratch_file(w->scratch, "x.log", log), &out);
		assert_int_equal(out.n, MIN_OF(n, RESULT_FILE_MAX));
		assert_int_equal(out.p[0], more < 2 ? 'a' : 'x');
		assert_int_equal(out.p[out.n - 1], 'z');
	}
}

static void command_line_says_what_was_asked(void **state)
{
	struct pw *w = *state;
	struct strv command = STRV_NULL, limits = STRV_NULL, argv = STRV_NULL;
	CLEANUP(buf_fini) struct buf line = BUF_NULL;
	struct processes p = {.shim = w->shim};
	struct err e = CLEAN_ERR;
	struct runner_spec s = {.command = &command,
		.limits = &limits,
		.cwd = "/c",
		.nice = -5,
		.timeout_us = 1500001,
		.grace_us = 1,
		.log_path = "/l"};

	strv_add(&command, "--dir");
	strv_add(&limits, "core=0");
	assert_int_equal(process_command_line(&p, "/f", &s, &argv, &e), 0);
	for (size_t i = 1; i < argv.n; i++)
		buf_printf(&line, "%s ", argv.v[i]);
	assert_string_equal(buf_str(&line),
		"--timeout-ms 1501 --grace-ms 1 --cwd /c --nice -5 --rlimit core=0 --log /l "
		"--log-head 8388608 --log-tail 8388608 --dir /f -- --dir ");
	strv_fini(&argv);
	strv_fini(&limits);
	s = (struct runner_spec){.command = &command};
	assert_int_equal(process_command_line(&p, "/f", &s, &argv, &e), 0);
	assert_int_equal(argv.n, 5);
	strv_fini(&argv);
	strv_fini(&command);
}

#define T(f) cmocka_unit_test_setup_teardown(f, pw_setup, pw_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(missing_keeper_is_told),
		T(keeper_that_refuses_is_told_with_its_words),
		T(no_signal_ends_a_keeper_before_it_listens),
		T(keeper_that_says_nothing_is_told),
		T(keeper_that_says_too_much_is_cut),
		T(full_disk_that_the_keeper_meets_is_no_space),
		T(full_disk_is_no_space),
		T(want_of_descriptors_is_told_as_passing),
		T(want_of_descriptors_does_not_make_a_living_command_gone),
		T(folder_that_is_anothers_is_not_touched),
		T(folder_of_folders_is_made_again),
		T(what_is_no_command_is_refused),
		T(keeper_that_dies_without_a_word_is_gone),
		T(records_that_make_no_sense_are_gone),
		T(records_that_make_sense_are_believed),
		T(record_is_read_up_to_its_limit),
		T(record_is_whole_while_it_is_replaced),
		T(record_that_is_no_file_is_not_opened),
		T(text_of_a_record_is_harmless_and_short),
		T(bytes_of_stdout_are_found),
		T(end_of_a_long_log_is_bounded),
		T(command_line_says_what_was_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
