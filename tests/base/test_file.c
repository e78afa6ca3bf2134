/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "cmocka.h" /* quoted: it must follow the headers above */
#include "lib/scratch.h"

static void file_is_read_up_to_its_limit(void **state)
{
	const char *path = scratch_file(*state, "f", "12345");
	CLEANUP(buf_fini) struct buf b = BUF_NULL;
	struct err e = CLEAN_ERR;

	buf_add_str(&b, "old");
	assert_int_equal(file_read(path, 4, &b, &e), -EFBIG);
	assert_string_equal(b.p, "old");
	assert_non_null(strstr(e.text, "larger than 4 bytes"));
	assert_int_equal(file_read(path, 5, &b, &e), 0);
	assert_string_equal(b.p, "12345");
	assert_int_equal(file_read(path, 6, &b, &e), 0);
	assert_int_equal(b.n, 5);
	assert_int_equal(file_read(scratch_path(*state, "none"), 5, &b, &e), -ENOENT);
	assert_int_equal(file_read(scratch_dir(*state), 5, &b, &e), -EISDIR);
}

static void empty_file_is_an_empty_string(void **state)
{
	const char *path = scratch_file(*state, "f", "");
	CLEANUP(buf_fini) struct buf b = BUF_NULL;

	assert_int_equal(file_read(path, 0, &b, NULL), 0);
	assert_string_equal(buf_str(&b), "");
}

static void file_of_many_reads_is_whole(void **state)
{
	CLEANUP(freep) char *content = xcalloc(200001, 1);
	CLEANUP(buf_fini) struct buf b = BUF_NULL;
	const char *path;

	for (size_t i = 0; i < 200000; i++)
		content[i] = (char)('a' + i % 23);
	path = scratch_file(*state, "f", content);
	assert_int_equal(file_read(path, 199999, &b, NULL), -EFBIG);
	assert_int_equal(file_read(path, 200000, &b, NULL), 0);
	assert_int_equal(b.n, 200000);
	assert_string_equal(b.p, content);
}

static int read_beneath(struct scratch *s, const char *name, size_t max)
{
	CLEANUP(buf_fini) struct buf b = BUF_NULL;
	struct err e = CLEAN_ERR;
	int r = file_read_beneath(scratch_dir(s), name, max, &b, &e);

	assert_true((r < 0) == (e.text[0] != '\0'));
	if (r == 0)
		assert_string_equal(buf_str(&b), "secret");
	else
		assert_null(b.p);
	return r;
}

static void foreign_regular_file_is_read_up_to_its_limit(void **state)
{
	(void)scratch_file(*state, "f", "secret");
	assert_int_equal(read_beneath(*state, "f", 5), -EFBIG);
	assert_int_equal(read_beneath(*state, "f", 6), 0);
	assert_int_equal(read_beneath(*state, "f", 7), 0);
	assert_int_equal(read_beneath(*state, "none", 7), -ENOENT);
}

static void foreign_link_is_refused(void **state)
{
	(void)scratch_file(*state, "f", "secret");
	assert_int_equal(symlink("f", scratch_path(*state, "relative")), 0);
	assert_int_equal(symlink("/etc/passwd", scratch_path(*state, "absolute")), 0);
	assert_int_equal(symlink("nowhere", scratch_path(*state, "dangling")), 0);
	assert_int_equal(read_beneath(*state, "relative", 100), -ELOOP);
	assert_int_equal(read_beneath(*state, "absolute", 100), -ELOOP);
	assert_int_equal(read_beneath(*state, "dangling", 100), -ELOOP);
}

static void foreign_folder_that_is_a_link_is_refused(void **state)
{
	const char *real = scratch_path(*state, "real"), *link = scratch_path(*state, "link");
	CLEANUP(buf_fini) struct buf b = BUF_NULL;

	assert_int_equal(mkdir(real, 0700), 0);
	(void)scratch_file(*state, "real/f", "secret");
	assert_int_equal(symlink("real", link), 0);
	assert_int_equal(file_read_beneath(real, "f", 100, &b, NULL), 0);
	assert_int_equal(file_read_beneath(link, "f", 100, &b, NULL), -ENOTDIR);
}

static void foreign_file_with_two_names_is_refused(void **state)
{
	const char *f = scratch_file(*state, "f", "secret"), *g = scratch_path(*state, "g");

	assert_int_equal(link(f, g), 0);
	assert_int_equal(read_beneath(*state, "f", 100), -EMLINK);
	assert_int_equal(read_beneath(*state, "g", 100), -EMLINK);
	assert_int_equal(unlink(g), 0);
	assert_int_equal(read_beneath(*state, "f", 100), 0);
}

static void foreign_thing_that_is_no_file_is_refused_without_waiting(void **state)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	CLEANUP(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(name.sun_path, sizeof(name.sun_path), "%s", scratch_path(*state, "socket"));
	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(mkfifo(scratch_path(*state, "fifo"), 0600), 0);
	assert_int_equal(mkdir(scratch_path(*state, "folder"), 0700), 0);
	assert_int_equal(read_beneath(*state, "fifo", 100), -EINVAL);
	assert_int_equal(read_beneath(*state, "folder", 100), -EINVAL);
	assert_int_equal(read_beneath(*state, "socket", 100), -EINVAL);
}

static void foreign_name_is_one_name(void **state)
{
	static const char *const bad[] = {"", ".", "..", "a/b", "/etc/passwd", "../x", "x/"};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(read_beneath(*state, bad[i], 100), -EINVAL);
}

static void count_entry(const char *name, void *ctx)
{
	assert_string_not_equal(name, ".");
	assert_string_not_equal(name, "..");
	++*(unsigned *)ctx;
}

static void file_is_replaced_whole_with_its_mode(void **state)
{
	const char *path = scratch_file(*state, "f", "old and long");
	struct stat st;
	unsigned count = 0;
	char *now;

	assert_int_equal(file_write(path, "new", 3, 0640, NULL), 0);
	now = scratch_read(path);
	assert_string_equal(now, "new");
	free(now);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(file_write(path, NULL, 0, 0600, NULL), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 0);
	/* Nothing else is left behind. */
	assert_int_equal(dir_each(scratch_dir(*state), count_entry, &count, NULL), 0);
	assert_int_equal(count, 1);
}

static void failed_replacement_leaves_the_old_file(void **state)
{
	const char *path = scratch_file(*state, "f", "old");
	struct rlimit saved, tiny;
	struct err e = CLEAN_ERR;
	unsigned count = 0;
	char *now;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &saved), 0);
	tiny = saved;
	tiny.rlim_cur = 10;
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tiny), 0);
	assert_int_equal(file_write(path, "much longer than ten", 20, 0600, &e), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &saved), 0);
	assert_non_null(strstr(e.text, path));
	now = scratch_read(path);
	assert_string_equal(now, "old");
	free(now);
	assert_int_equal(dir_each(scratch_dir(*state), count_entry, &count, NULL), 0);
	assert_int_equal(count, 1);
	assert_int_equal(file_write(scratch_path(*state, "no/f"), "x", 1, 0600, &e), -ENOENT);
}

static void existence_is_told(void **state)
{
	assert_true(file_exists(scratch_dir(*state)));
	assert_false(file_exists(scratch_path(*state, "none")));
}

static void writing_to_a_closed_pipe_is_an_error(void **state)
{
	int fds[2];

	(void)state;
	assert_true(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(write_all(fds[1], "abc", 3), 0);
	closep(&fds[0]);
	assert_int_equal(write_all(fds[1], "abc", 3), -EPIPE);
	assert_int_equal(write_all(fds[1], NULL, 0), 0);
	closep(&fds[1]);
}

static void take_lock_and_die(void *ctx)
{
	const char *path = ctx;
	pid_t holder = 0;

	CHILD_CHECK(file_lock(path, &holder, NULL) >= 0);
}

static void second_holder_is_told_the_first_ones_pid(void **state)
{
	const char *path = scratch_path(*state, "lock");
	struct err e = CLEAN_ERR;
	pid_t holder = 1;
	int first = file_lock(path, &holder, &e), second;

	assert_true(first >= 0);
	assert_int_equal(file_lock(path, &holder, &e), -EWOULDBLOCK);
	assert_int_equal(holder, getpid());
	closep(&first);
	second = file_lock(path, &holder, &e);
	assert_true(second >= 0);
	closep(&second);
}

static void lock_of_a_dead_process_is_free(void **state)
{
	CLEANUP(freep) char *path = xstrdup(scratch_path(*state, "lock"));
	CLEANUP(closep) int fd = -1;
	CLEANUP(freep) char *expected = NULL;
	CLEANUP(freep) char *content = NULL;
	pid_t holder = 0;

	assert_int_equal(scratch_fork(take_lock_and_die, path), 0);
	fd = file_lock(path, &holder, NULL);
	assert_true(fd >= 0);
	expected = xasprintf("%d\n", (int)getpid());
	content = scratch_read(path);
	assert_string_equal(content, expected);
}

static void lock_with_foreign_content_has_an_unknown_holder(void **state)
{
	const char *path = scratch_path(*state, "lock");
	pid_t holder = 1;
	CLEANUP(closep) int fd = file_lock(path, &holder, NULL);

	assert_true(fd >= 0);
	(void)scratch_file(*state, "lock", "not a number\n");
	assert_int_equal(file_lock(path, &holder, NULL), -EWOULDBLOCK);
	assert_int_equal(holder, 0);
	assert_int_equal(file_lock(scratch_path(*state, "no/lock"), &holder, NULL), -ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(file_is_read_up_to_its_limit),
		TEST(empty_file_is_an_empty_string),
		TEST(file_of_many_reads_is_whole),
		TEST(foreign_regular_file_is_read_up_to_its_limit),
		TEST(foreign_link_is_refused),
		TEST(foreign_folder_that_is_a_link_is_refused),
		TEST(foreign_file_with_two_names_is_refused),
		TEST(foreign_thing_that_is_no_file_is_refused_without_waiting),
		TEST(foreign_name_is_one_name),
		TEST(file_is_replaced_whole_with_its_mode),
		TEST(failed_replacement_leaves_the_old_file),
		TEST(existence_is_told),
		TEST(writing_to_a_closed_pipe_is_an_error),
		TEST(second_holder_is_told_the_first_ones_pid),
		TEST(lock_of_a_dead_process_is_free),
		TEST(lock_with_foreign_content_has_an_unknown_holder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
