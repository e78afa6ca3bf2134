/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "base/str.h"
#include "cmocka.h" /* quoted: it must follow the headers above */
#include "lib/scratch.h"

static void hide_stderr(void)
{
	(void)close(STDERR_FILENO);
}

static void break_an_invariant(void *ctx)
{
	hide_stderr();
	must(ctx != NULL);
}

static void ask_for_all_memory(void *ctx)
{
	(void)ctx;
	hide_stderr();
	free(xreallocarray(NULL, SIZE_MAX / 2, 3));
}

static void aborts(void (*fn)(void *ctx))
{
	int status = scratch_fork(fn, NULL);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void broken_invariant_aborts(void **state)
{
	(void)state;
	aborts(break_an_invariant);
	must(state != NULL);
}

static void size_that_overflows_ends_the_process(void **state)
{
	(void)state;
	/* By abort(), or in the allocator of a sanitizer. */
	assert_int_not_equal(scratch_fork(ask_for_all_memory, NULL), 0);
}

static void allocation_of_nothing_is_not_null(void **state)
{
	char *none = xcalloc(0, 8), *some = xcalloc(3, 4);

	(void)state;
	assert_non_null(none);
	for (size_t i = 0; i < 12; i++)
		assert_int_equal(some[i], 0);
	none = xreallocarray(none, 0, 0);
	assert_non_null(none);
	free(none);
	free(some);
}

static void strings_are_copied(void **state)
{
	char *whole = xstrdup("whole"), *part = xstrndup("part of it", 4), *empty = xstrndup("", 0);
	char *printed = xasprintf("%s-%d", "x", 7);

	(void)state;
	assert_string_equal(whole, "whole");
	assert_string_equal(part, "part");
	assert_string_equal(empty, "");
	assert_string_equal(printed, "x-7");
	assert_null(xstrdup_or_null(NULL));
	free(whole);
	free(part);
	free(empty);
	free(printed);
}

static void size_arithmetic_tells_of_overflow(void **state)
{
	size_t n = 7;

	(void)state;
	assert_true(size_add(SIZE_MAX - 1, 1, &n));
	assert_true(n == SIZE_MAX);
	assert_false(size_add(SIZE_MAX, 1, &n));
	assert_true(size_mul(SIZE_MAX / 2, 2, &n));
	assert_false(size_mul(SIZE_MAX / 2 + 1, 2, &n));
}

static char *make_stolen(void)
{
	CLEANUP(freep) char *s = xstrdup("kept");

	return STEAL(s);
}

static void stealing_takes_a_value_out_of_cleanup(void **state)
{
	char *s = make_stolen();
	int fd = 5;

	(void)state;
	assert_string_equal(s, "kept");
	free(s);
	assert_int_equal(fd_steal(&fd), 5);
	assert_int_equal(fd, -1);
}

static void closing_keeps_errno(void **state)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), copy = fd;

	(void)state;
	errno = EXDEV;
	closep(&fd);
	assert_int_equal(errno, EXDEV);
	assert_int_equal(fd, -1);
	assert_int_equal(fcntl(copy, F_GETFD), -1);
	closep(&fd);
}

struct item {
	int value;
	struct list node;
};

static void check_list(const struct list *head, const char *expected)
{
	char got[16] = "";
	size_t n = 0;

	list_foreach (it, head)
		got[n++] = (char)list_entry(it, struct item, node)->value;
	assert_string_equal(got, expected);
}

static void list_keeps_order_and_unlinks_twice(void **state)
{
	struct list a = LIST_INIT(a), b = LIST_INIT(b);
	struct item items[4] = {{.value = 'a'}, {.value = 'b'}, {.value = 'c'}, {.value = 'd'}};

	(void)state;
	assert_true(list_is_empty(&a));
	for (size_t i = 0; i < 4; i++)
		list_append(i < 2 ? &a : &b, &items[i].node);
	check_list(&a, "ab");
	list_splice(&a, &b);
	check_list(&a, "abcd");
	assert_true(list_is_empty(&b));
	list_splice(&a, &b);
	list_remove(&items[1].node);
	list_remove(&items[1].node);
	check_list(&a, "acd");
	list_foreach_safe (it, &a)
		list_remove(it);
	assert_true(list_is_empty(&a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(broken_invariant_aborts),
		cmocka_unit_test(size_that_overflows_ends_the_process),
		cmocka_unit_test(allocation_of_nothing_is_not_null),
		cmocka_unit_test(strings_are_copied),
		cmocka_unit_test(size_arithmetic_tells_of_overflow),
		cmocka_unit_test(stealing_takes_a_value_out_of_cleanup),
		cmocka_unit_test(closing_keeps_errno),
		cmocka_unit_test(list_keeps_order_and_unlinks_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
