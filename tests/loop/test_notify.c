/* SPDX-License-Identifier: MIT */
/* tests/loop/test_notify.c - what the service manager hears, on a socket of the test's own. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "cmocka.h" /* quoted: it must follow the headers above */
#include "lib/scratch.h"
#include "loop/loop.h"

/* Listens where sd_notify() talks to. */
static int listen_for_notes(struct scratch *s)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)snprintf(name.sun_path, sizeof(name.sun_path), "%s", scratch_path(s, "notify"));
	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", name.sun_path, 1), 0);
	return fd;
}

static bool heard(int fd, const char *expected)
{
	char text[256];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	text[MAX_OF(n, 0)] = '\0';
	return n > 0 && str_eq(text, expected);
}

static void state_is_told_to_the_service_manager(void **state)
{
	CLEANUP(closep) int fd = listen_for_notes(*state);

	loop_notify("READY=1");
	assert_true(heard(fd, "READY=1"));
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
	loop_notify("READY=1");
	assert_false(heard(fd, "READY=1"));
}

static void watchdog_is_petted_as_often_as_asked(void **state)
{
	CLEANUP(closep) int fd = listen_for_notes(*state);
	CLEANUP(loop_freep) struct loop *l = loop_new(NULL);
	struct err e = CLEAN_ERR;
	unsigned pets = 0;
	int64_t deadline;

	assert_int_equal(setenv("WATCHDOG_USEC", "4000", 1), 0);
	assert_int_equal(loop_watchdog(l, &e), 0);
	assert_int_equal(unsetenv("WATCHDOG_USEC"), 0);
	deadline = loop_mono(l) + 5 * US_PER_SEC;
	while (pets < 3 && loop_mono(l) < deadline) {
		assert_true(loop_turn(l, 4000) >= 0);
		while (heard(fd, "WATCHDOG=1"))
			pets++;
	}
	assert_true(pets >= 3);
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
}

static void without_a_watchdog_nothing_wakes_up(void **state)
{
	CLEANUP(loop_freep) struct loop *l = loop_new(NULL);

	(void)state;
	assert_int_equal(loop_watchdog(l, NULL), 0);
	assert_int_equal(loop_turn(l, 1000), 0);
}

static void ask_with_two_passed(void *ctx)
{
	CLEANUP(freep) char *pid = xasprintf("%d", (int)getpid());

	(void)ctx;
	CHILD_CHECK(dup2(STDERR_FILENO, 3) == 3 && dup2(STDERR_FILENO, 4) == 4);
	CHILD_CHECK(setenv("LISTEN_PID", pid, 1) == 0 && setenv("LISTEN_FDS", "2", 1) == 0);
	CHILD_CHECK(loop_passed_fds() == 2);
	/* Nobody else gets them, and asking again gives the same answer. */
	CHILD_CHECK(fcntl(3, F_GETFD) == FD_CLOEXEC && fcntl(4, F_GETFD) == FD_CLOEXEC);
	CHILD_CHECK(getenv("LISTEN_FDS") == NULL);
	CHILD_CHECK(loop_passed_fds() == 2);
}

static void ask_with_another_pid(void *ctx)
{
	(void)ctx;
	CHILD_CHECK(setenv("LISTEN_PID", "1", 1) == 0 && setenv("LISTEN_FDS", "2", 1) == 0);
	CHILD_CHECK(loop_passed_fds() == 0);
}

static void passed_descriptors_are_counted_when_they_are_ours(void **state)
{
	(void)state;
	assert_int_equal(scratch_fork(ask_with_two_passed, NULL), 0);
	assert_int_equal(scratch_fork(ask_with_another_pid, NULL), 0);
	assert_int_equal(loop_passed_fds(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(state_is_told_to_the_service_manager),
		TEST(watchdog_is_petted_as_often_as_asked),
		cmocka_unit_test(without_a_watchdog_nothing_wakes_up),
		cmocka_unit_test(passed_descriptors_are_counted_when_they_are_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
