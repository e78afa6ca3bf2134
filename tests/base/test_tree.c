/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "cmocka.h" /* quoted: it must follow the headers above */
#include "lib/scratch.h"

enum {
	/* A child of run_mounted() that may not mount says so with this. */
	CANNOT_MOUNT = 77,
	DEPTH = 400,
};

static void folders_are_made_with_their_parents(void **state)
{
	const char *path = scratch_path(*state, "a/b//c/");
	struct err e = CLEAN_ERR;
	struct stat st;

	assert_int_equal(dir_make(path, 0750, &e), 0);
	assert_int_equal(dir_make(path, 0700, &e), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0750);
	assert_int_equal(dir_make("/", 0700, &e), 0);
	assert_int_equal(dir_make("", 0700, &e), -EINVAL);
}

static void folder_under_a_file_is_refused(void **state)
{
	struct err e = CLEAN_ERR;

	assert_int_equal(dir_make(scratch_file(*state, "f", ""), 0700, &e), -ENOTDIR);
	assert_int_equal(dir_make(scratch_path(*state, "f/x"), 0700, &e), -ENOTDIR);
	assert_non_null(strstr(e.text, "not a folder"));
}

static void note_entry(const char *name, void *ctx)
{
	strv_add(ctx, name);
}

static void each_entry_is_named_once(void **state)
{
	struct strv names = STRV_NULL;

	(void)scratch_file(*state, "a", "");
	(void)scratch_file(*state, ".hidden", "");
	(void)scratch_file(*state, "...", "");
	assert_int_equal(dir_each(scratch_dir(*state), note_entry, &names, NULL), 0);
	assert_int_equal(names.n, 3);
	assert_true(
		strv_has(&names, "a") && strv_has(&names, ".hidden") && strv_has(&names, "..."));
	strv_fini(&names);
	assert_int_equal(dir_each(scratch_path(*state, "none"), note_entry, &names, NULL), -ENOENT);
}

static void removes(struct scratch *s, const char *name)
{
	const char *path = scratch_path(s, name);
	struct err e = CLEAN_ERR;
	struct stat st;

	if (tree_remove(path, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(lstat(path, &st), -1);
	assert_int_equal(errno, ENOENT);
}

static void tree_goes_with_everything_in_it(void **state)
{
	struct scratch *s = *state;

	assert_int_equal(dir_make(scratch_path(s, "t/a/b"), 0700, NULL), 0);
	assert_int_equal(dir_make(scratch_path(s, "t/c"), 0700, NULL), 0);
	(void)scratch_file(s, "t/a/b/f", "x");
	assert_int_equal(mkfifo(scratch_path(s, "t/a/fifo"), 0600), 0);
	for (unsigned i = 0; i < 300; i++) {
		CLEANUP(freep) char *name = xasprintf("t/c/%u", i);

		(void)scratch_file(s, name, "");
	}
	removes(s, "t");
	removes(s, "t");
	removes(s, "no/such/tree");
}

static void trailing_slashes_change_nothing(void **state)
{
	assert_int_equal(dir_make(scratch_path(*state, "t/a"), 0700, NULL), 0);
	assert_int_equal(tree_remove(scratch_path(*state, "t//"), NULL), 0);
	assert_false(file_exists(scratch_path(*state, "t")));
}

static void links_are_removed_and_not_followed(void **state)
{
	struct scratch *s = *state;
	const char *kept = NULL;

	assert_int_equal(dir_make(scratch_path(s, "outside"), 0700, NULL), 0);
	assert_int_equal(dir_make(scratch_path(s, "t/in"), 0700, NULL), 0);
	kept = scratch_file(s, "outside/kept", "x");
	assert_int_equal(symlink("../../outside", scratch_path(s, "t/in/folder")), 0);
	assert_int_equal(symlink("../outside/kept", scratch_path(s, "t/file")), 0);
	assert_int_equal(symlink("nowhere", scratch_path(s, "t/dangling")), 0);
	assert_int_equal(symlink("..", scratch_path(s, "t/up")), 0);
	removes(s, "t");
	assert_true(file_exists(kept));
	/* The tree itself may be a link, also when named with a slash. */
	assert_int_equal(symlink("outside", scratch_path(s, "t")), 0);
	assert_int_equal(tree_remove(scratch_path(s, "t/"), NULL), 0);
	assert_true(file_exists(kept));
	assert_false(file_exists(scratch_path(s, "t")));
	(void)scratch_file(s, "plain", "x");
	removes(s, "plain");
}

static void names_that_are_no_tree_are_refused(void **state)
{
	static const char *const bad[] = {"", "/", ".", "..", "a/..", "a/./", "//"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(tree_remove(bad[i], NULL), -EINVAL);
}

/* Makes a chain of folders by descending into it; each level also holds a file and a folder. */
static void make_deep(const char *top)
{
	CLEANUP(closep) int fd = -1;

	assert_int_equal(mkdir(top, 0700), 0);
	fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (unsigned i = 0; i < DEPTH; i++) {
		int next;

		assert_int_equal(mkdirat(fd, "down", 0700), 0);
		assert_int_equal(mkdirat(fd, "side", 0700), 0);
		next = openat(fd, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		closep(&next);
		next = openat(fd, "down", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		closep(&fd);
		fd = next;
	}
}

static void deep_tree_needs_few_descriptors(void **state)
{
	struct rlimit saved, few;
	const char *top = scratch_path(*state, "t");
	struct err e = CLEAN_ERR;
	int r;

	make_deep(top);
	/* A name that moving folders up would like to use. */
	(void)scratch_file(*state, "t/.removed-0", "x");
	assert_int_equal(dir_make(scratch_path(*state, "t/.removed-1/full"), 0700, NULL), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &saved), 0);
	few = saved;
	few.rlim_cur = 64;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	r = tree_remove(top, &e);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &saved), 0);
	if (r < 0)
		fail_msg("%s", e.text);
	assert_false(file_exists(top));
}

static void remove_as_owner(void *ctx)
{
	struct scratch *s = ctx;
	const char *top = scratch_path(s, "open/t");
	struct err e = CLEAN_ERR;

	CHILD_CHECK(dir_make(scratch_path(s, "open/t/a/b"), 0700, NULL) == 0);
	CHILD_CHECK(mkdir(scratch_path(s, "open/t/a/b/full"), 0700) == 0);
	CHILD_CHECK(mkdir(scratch_path(s, "open/t/a/b/full/x"), 0700) == 0);
	CHILD_CHECK(chmod(scratch_path(s, "open/t/a/b/full"), 0500) == 0);
	CHILD_CHECK(chmod(scratch_path(s, "open/t/a/b"), 0000) == 0);
	CHILD_CHECK(chmod(scratch_path(s, "open/t/a"), 0500) == 0);
	CHILD_CHECK(chmod(top, 0100) == 0);
	if (tree_remove(top, &e) < 0)
		child_check(false, e.text);
	CHILD_CHECK(!file_exists(top));
}

/* The scratch folder with a folder in it that everybody may write to. */
static void open_to_all(struct scratch *s)
{
	assert_int_equal(chmod(scratch_dir(s), 0755), 0);
	assert_int_equal(mkdir(scratch_path(s, "open"), 0700), 0);
	assert_int_equal(chmod(scratch_path(s, "open"), 0777), 0);
}

static void own_folders_without_rights_are_removed(void **state)
{
	open_to_all(*state);
	assert_int_equal(scratch_fork_unprivileged(remove_as_owner, *state), 0);
}

static void remove_with_foreign_part(void *ctx)
{
	struct scratch *s = ctx;
	const char *top = scratch_path(s, "open/t");
	struct err e = CLEAN_ERR;
	int fd;

	fd = open(scratch_path(s, "open/t/z-own"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CHILD_CHECK(fd >= 0);
	CHILD_CHECK(tree_remove(top, &e) == -EACCES);
	CHILD_CHECK(strstr(e.text, "stays") == NULL && strstr(e.text, top) != NULL);
	/* What could go is gone. */
	CHILD_CHECK(!file_exists(scratch_path(s, "open/t/z-own")));
	CHILD_CHECK(!file_exists(scratch_path(s, "open/t/empty")));
	CHILD_CHECK(file_exists(scratch_path(s, "open/t/foreign/file")));
}

static void foreign_folder_is_reported_and_the_rest_removed(void **state)
{
	struct scratch *s = *state;

	if (geteuid() != 0)
		skip(); /* only root can make somebody else's files */
	open_to_all(s);
	assert_int_equal(dir_make(scratch_path(s, "open/t/foreign"), 0755, NULL), 0);
	assert_int_equal(dir_make(scratch_path(s, "open/t/empty"), 0755, NULL), 0);
	(void)scratch_file(s, "open/t/foreign/file", "x");
	assert_int_equal(chmod(scratch_path(s, "open/t"), 0777), 0);
	assert_int_equal(scratch_fork_unprivileged(remove_with_foreign_part, s), 0);
}

static void enter_own_mounts(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		_exit(CANNOT_MOUNT);
}

static void remove_around_a_mount(struct scratch *s, const char *type, unsigned long flags)
{
	const char *inside = scratch_path(s, "t/a/mounted");
	const char *other = scratch_path(s, "other");
	struct err e = CLEAN_ERR;

	enter_own_mounts();
	CHILD_CHECK(dir_make(inside, 0700, NULL) == 0);
	CHILD_CHECK(dir_make(other, 0700, NULL) == 0);
	CHILD_CHECK(dir_make(scratch_path(s, "t/a/plain"), 0700, NULL) == 0);
	if (mount(other, inside, type, flags, NULL) < 0)
		_exit(CANNOT_MOUNT);
	CHILD_CHECK(dir_make(scratch_path(s, "t/a/mounted/kept"), 0700, NULL) == 0);
	CHILD_CHECK(tree_remove(scratch_path(s, "t"), &e) == -EXDEV);
	CHILD_CHECK(strstr(e.text, "\"mounted\" is on another file system") != NULL);
	CHILD_CHECK(file_exists(scratch_path(s, "t/a/mounted/kept")));
	CHILD_CHECK(!file_exists(scratch_path(s, "t/a/plain")));
	/* A tree that is a mount itself is emptied. */
	CHILD_CHECK(tree_remove(inside, &e) == -EBUSY);
	CHILD_CHECK(!file_exists(scratch_path(s, "t/a/mounted/kept")));
	CHILD_CHECK(umount(inside) == 0);
}

static void with_another_file_system(void *ctx)
{
	remove_around_a_mount(ctx, "tmpfs", 0);
}

static void with_a_bind_mount(void *ctx)
{
	remove_around_a_mount(ctx, NULL, MS_BIND);
}

static void run_mounted(void (*fn)(void *ctx), struct scratch *s)
{
	int status = scratch_fork(fn, s);

	if (WIFEXITED(status) && WEXITSTATUS(status) == CANNOT_MOUNT)
		skip();
	assert_int_equal(status, 0);
}

static void other_file_system_stays(void **state)
{
	run_mounted(with_another_file_system, *state);
}

static void bind_mount_of_the_same_file_system_stays(void **state)
{
	run_mounted(with_a_bind_mount, *state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(folders_are_made_with_their_parents),
		TEST(folder_under_a_file_is_refused),
		TEST(each_entry_is_named_once),
		TEST(tree_goes_with_everything_in_it),
		TEST(trailing_slashes_change_nothing),
		TEST(links_are_removed_and_not_followed),
		TEST(names_that_are_no_tree_are_refused),
		TEST(deep_tree_needs_few_descriptors),
		TEST(own_folders_without_rights_are_removed),
		TEST(foreign_folder_is_reported_and_the_rest_removed),
		TEST(other_file_system_stays),
		TEST(bind_mount_of_the_same_file_system_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
