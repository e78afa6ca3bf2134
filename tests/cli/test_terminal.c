/* SPDX-License-Identifier: MIT */
/*
 * tests/cli/test_terminal.c - raw mode does not outlive the process, however that ends.
 *
 * The process under test is a child with a pseudo-terminal as its own; the test looks at the
 * terminal's modes from outside.
 */
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <utmp.h>

#include "cli/terminal-internal.h"
#include "lib/t.h"

struct tty {
	int master, slave;
	pid_t pid;
};

static int setup(void **state)
{
	struct tty *t = xcalloc(1, sizeof(*t));
	struct winsize size = {.ws_row = 33, .ws_col = 77};

	assert_int_equal(openpty(&t->master, &t->slave, NULL, NULL, &size), 0);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct tty *t = *state;

	if (t->pid > 0) {
		(void)kill(t->pid, SIGKILL);
		(void)waitpid(t->pid, NULL, 0);
	}
	closep(&t->master);
	closep(&t->slave);
	free(t);
	return 0;
}

static bool is_raw(const struct tty *t)
{
	struct termios modes;

	assert_int_equal(tcgetattr(t->slave, &modes), 0);
	return (modes.c_lflag & (tcflag_t)(ECHO | ICANON | ISIG)) == 0;
}

/* Runs `act` in a child, in raw mode. */
static void start(struct tty *t, void (*act)(void))
{
	char ready;

	t->pid = fork();
	assert_true(t->pid >= 0);
	if (t->pid == 0) {
		struct rlimit no_core = {0, 0};

		(void)setrlimit(RLIMIT_CORE, &no_core);
		if (login_tty(t->slave) != 0 || !terminal_is_there() ||
			terminal_make_raw(NULL) != 0 || write(STDOUT_FILENO, "!", 1) != 1)
			_exit(99);
		act();
		for (;;)
			(void)pause();
	}
	assert_int_equal(read(t->master, &ready, 1), 1);
	assert_int_equal(ready, '!');
}

/* Its wait status. */
static int finish(struct tty *t)
{
	int status;

	assert_int_equal(waitpid(t->pid, &status, 0), t->pid);
	t->pid = 0;
	return status;
}

static void just_wait(void)
{
}

static void call_exit(void)
{
	exit(3);
}

static void restore_and_leave(void)
{
	terminal_restore();
	terminal_restore();
	_exit(4);
}

static void fail_a_claim(void)
{
	(void)freopen("/dev/null", "w", stderr);
	must(errno == -1);
}

static void raw_mode_is_raw(void **state)
{
	struct tty *t = *state;

	assert_false(is_raw(t));
	start(t, just_wait);
	assert_true(is_raw(t));
}

static void exit_restores(void **state)
{
	struct tty *t = *state;
	int status;

	start(t, call_exit);
	status = finish(t);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 3);
	assert_false(is_raw(t));
}

static void restoring_restores_and_may_be_repeated(void **state)
{
	struct tty *t = *state;

	start(t, restore_and_leave);
	assert_int_equal(WEXITSTATUS(finish(t)), 4);
	assert_false(is_raw(t));
}

static void signals_restore_and_still_end_the_process(void **state)
{
	static const int signals[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT};
	struct tty *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		int status;

		start(t, just_wait);
		assert_true(is_raw(t));
		assert_int_equal(kill(t->pid, signals[i]), 0);
		status = finish(t);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), signals[i]);
		assert_false(is_raw(t));
	}
}

static void a_bug_of_ours_restores_too(void **state)
{
	struct tty *t = *state;
	int status;

	start(t, fail_a_claim);
	status = finish(t);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_false(is_raw(t));
}

static void tell_size(void)
{
	unsigned rows, columns;

	if (!terminal_size(&rows, &columns))
		_exit(98);
	_exit(rows == 33 && columns == 77 ? 0 : 97);
}

static void the_size_is_that_of_the_window(void **state)
{
	struct tty *t = *state;

	start(t, tell_size);
	assert_int_equal(WEXITSTATUS(finish(t)), 0);
}

static bool is_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

static void a_change_of_size_makes_the_descriptor_readable(void **state)
{
	struct err e = CLEAN_ERR;
	CLEANUP(closep) int fd = terminal_watch_size(&e);

	(void)state;
	assert_true(fd >= 0);
	assert_false(is_readable(fd));
	assert_int_equal(raise(SIGWINCH), 0);
	assert_true(is_readable(fd));
	terminal_take_resize(fd);
	assert_false(is_readable(fd));
	assert_int_equal(raise(SIGWINCH), 0);
	assert_true(is_readable(fd));
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(raw_mode_is_raw),
		ROW(exit_restores),
		ROW(restoring_restores_and_may_be_repeated),
		ROW(signals_restore_and_still_end_the_process),
		ROW(a_bug_of_ours_restores_too),
		ROW(the_size_is_that_of_the_window),
		ROW(a_change_of_size_makes_the_descriptor_readable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
