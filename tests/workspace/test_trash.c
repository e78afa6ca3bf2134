/* SPDX-License-Identifier: MIT */
/*
 * tests/workspace/test_trash.c - what an agent may have left, and how it is removed: a little at a
 * time, to its end, and nothing else.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "base/log.h"
#include "lib/scratch.h"
#include "lib/t.h"
#include "workspace/trash_internal.h"

#define PER_TURN 256 /* entries that one turn may remove */

struct world {
	void *scratch;
	struct loop *loop;
	struct trash *trash;
	char *dir, *top; /* the trash; what is thrown into it */
	unsigned lines;  /* logged */
};

static void on_line(enum log_level level UNUSED, const char *line UNUSED, void *ctx)
{
	struct world *w = ctx;

	w->lines++;
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	(void)scratch_setup(&w->scratch);
	w->dir = xasprintf("%s/.trash", scratch_dir(w->scratch));
	w->top = xasprintf("%s/job", scratch_dir(w->scratch));
	w->loop = loop_new_fake(US_PER_SEC);
	w->trash = trash_new(w->loop, w->dir);
	assert_int_equal(mkdir(w->top, 0755), 0);
	log_capture(on_line, w);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	log_capture(NULL, NULL);
	trash_free(w->trash);
	loop_free(w->loop);
	free(w->dir);
	free(w->top);
	(void)scratch_teardown(&w->scratch);
	free(w);
	return 0;
}

static unsigned count(const char *path)
{
	DIR *d = opendir(path);
	unsigned n = 0;

	if (d == NULL)
		return 0;
	/* One stream of our own, one thread. NOLINTNEXTLINE */
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n - 2;
}

/* The only entry of a folder, as a path. */
static char *only_entry(const char *path)
{
	DIR *d = opendir(path);
	const struct dirent *entry;
	char *found = NULL;

	assert_non_null(d);
	/* NOLINTNEXTLINE: as above */
	while ((entry = readdir(d)) != NULL) {
		if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."))
			continue;
		assert_null(found);
		found = xasprintf("%s/%s", path, entry->d_name);
	}
	(void)closedir(d);
	assert_non_null(found);
	return found;
}

/* Opens what is to be thrown away. */
static int open_top(const struct world *w)
{
	int fd = open(w->top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void make_file(int folder, const char *name)
{
	int fd = openat(folder, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
}

static void make_files(int folder, unsigned n)
{
	char name[32];

	for (unsigned i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "file-%u", i);
		make_file(folder, name);
	}
}

static void take(struct world *w)
{
	struct err e = CLEAN_ERR;

	if (trash_take(w->trash, w->top, &e) != 0)
		fail_msg("%s", e.text);
	assert_int_equal(access(w->top, F_OK), -1);
}

/* Until nothing is left to do; it has an end. */
static void settle(struct world *w, unsigned turns_max)
{
	unsigned turns = 0;

	while (loop_turn(w->loop, 0) > 0)
		assert_true(turns++ < turns_max);
}

static void turn_removes_so_many_and_no_more(void **state)
{
	struct world *w = *state;
	CLEANUP(closep) int fd = open_top(w);
	CLEANUP(freep) char *thrown = NULL;
	unsigned left = 3000;

	make_files(fd, left);
	settle(w, 3);
	take(w);
	thrown = only_entry(w->dir);
	while (count(thrown) > 0) {
		unsigned now;

		assert_true(loop_turn(w->loop, 0) > 0);
		now = count(thrown);
		assert_true(left - now <= PER_TURN);
		assert_true(now < left);
		left = now;
	}
	settle(w, 3);
	assert_int_equal(count(w->dir), 0);
}

static void many_folders_side_by_side_are_removed(void **state)
{
	struct world *w = *state;
	CLEANUP(closep) int fd = open_top(w);
	char name[32];

	for (unsigned i = 0; i < 3000; i++) {
		CLEANUP(closep) int inner = -1;

		(void)snprintf(name, sizeof(name), "folder-%u", i);
		assert_int_equal(mkdirat(fd, name, 0755), 0);
		inner = openat(fd, name, O_PATH | O_CLOEXEC);
		make_file(inner, "x");
	}
	take(w);
	settle(w, 100);
	assert_int_equal(count(w->dir), 0);
}

static void strange_names_and_kinds_are_removed(void **state)
{
	static const char *const names[] = {
		"-rf", "a\nb", "\xff\xfe", " ", "*", "\\", "kept-x", "$(touch x)", "\x1b[2J"};
	struct world *w = *state;
	CLEANUP(closep) int fd = open_top(w);
	char longest[256];

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		make_file(fd, names[i]);
	memset(longest, 'n', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	make_file(fd, longest);
	assert_int_equal(mkdirat(fd, "folder\n", 0), 0);
	assert_int_equal(mkfifoat(fd, "fifo", 0600), 0);
	assert_int_equal(symlinkat("/etc", fd, "link"), 0);
	assert_int_equal(symlinkat("loop", fd, "loop"), 0);
	take(w);
	settle(w, 10);
	assert_int_equal(count(w->dir), 0);
	assert_true(file_exists("/etc/passwd"));
	assert_int_equal(w->lines, 0);
}

static void what_links_lead_to_stays(void **state)
{
	struct world *w = *state;
	const char *outside = scratch_path(w->scratch, "outside");
	const char *file = scratch_file(w->scratch, "file", "precious");
	CLEANUP(freep) char *inside = xasprintf("%s/x", outside);
	CLEANUP(freep) char *hard = xasprintf("%s/hard", w->top);
	CLEANUP(closep) int fd = open_top(w);
	CLEANUP(freep) char *content = NULL;
	struct stat st;

	assert_int_equal(mkdir(outside, 0750), 0);
	assert_int_equal(close(open(inside, O_CREAT | O_WRONLY | O_CLOEXEC, 0640)), 0);
	assert_int_equal(symlinkat(outside, fd, "link"), 0);
	assert_int_equal(symlinkat("../outside", fd, "relative"), 0);
	assert_int_equal(link(file, hard), 0);
	take(w);
	settle(w, 10);
	assert_int_equal(count(w->dir), 0);
	assert_true(file_exists(inside));
	assert_int_equal(stat(outside, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	content = scratch_read(file);
	assert_string_equal(content, "precious");
}

/* --- rights --- */

static void remove_closed_tree(void *ctx)
{
	struct world *w = ctx;
	CLEANUP(closep) int fd = open(w->top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(closep) int inner = -1;
	unsigned left = 1000;

	CHILD_CHECK(mkdirat(fd, "closed", 0700) == 0);
	CHILD_CHECK(mkdirat(fd, "closed/inner", 0700) == 0);
	inner = openat(fd, "closed/inner", O_PATH | O_CLOEXEC);
	make_files(inner, left);
	CHILD_CHECK(mkdirat(fd, "empty", 0) == 0);
	CHILD_CHECK(fchmodat(fd, "closed/inner", 0, 0) == 0);
	CHILD_CHECK(fchmodat(fd, "closed", 0, 0) == 0);
	CHILD_CHECK(fchmod(fd, 0) == 0);
	CHILD_CHECK(trash_take(w->trash, w->top, NULL) == 0);
	/* The rights are no reason to do it all at once. */
	for (int i = 0; i < 3; i++)
		CHILD_CHECK(loop_turn(w->loop, 0) > 0);
	CHILD_CHECK(count(w->dir) > 0);
	for (int i = 0; i < 20; i++)
		(void)loop_turn(w->loop, 0);
	CHILD_CHECK(count(w->dir) == 0);
	CHILD_CHECK(w->lines == 0);
}

static void remove_unreadable_top(void *ctx)
{
	struct world *w = ctx;
	CLEANUP(closep) int fd = open(w->top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	make_files(fd, 3);
	/* Enough to be renamed, too little to be read. */
	CHILD_CHECK(fchmod(fd, 0200) == 0);
	CHILD_CHECK(trash_take(w->trash, w->top, NULL) == 0);
	for (int i = 0; i < 5; i++)
		(void)loop_turn(w->loop, 0);
	CHILD_CHECK(count(w->dir) == 0);
}

static void give_scratch_to_nobody(struct world *w)
{
	if (geteuid() != 0)
		return;
	assert_int_equal(chown(scratch_dir(w->scratch), 65534, 65534), 0);
	assert_int_equal(chown(w->top, 65534, 65534), 0);
}

static void rights_that_were_taken_away_are_no_obstacle(void **state)
{
	struct world *w = *state;

	give_scratch_to_nobody(w);
	assert_int_equal(scratch_fork_unprivileged(remove_closed_tree, w), 0);
	assert_int_equal(mkdir(w->top, 0755), 0);
	give_scratch_to_nobody(w);
	assert_int_equal(scratch_fork_unprivileged(remove_unreadable_top, w), 0);
}

static void remove_around_a_strangers_folder(void *ctx)
{
	struct world *w = ctx;

	CHILD_CHECK(trash_take(w->trash, w->top, NULL) == 0);
	for (int i = 0; i < 20; i++)
		(void)loop_turn(w->loop, 0);
	/* It has come to rest, with one thing left, and told once. */
	CHILD_CHECK(loop_turn(w->loop, 0) <= 0);
	CHILD_CHECK(count(w->dir) == 1);
	CHILD_CHECK(w->lines == 1);
}

static void what_resists_holds_up_nothing_and_is_left_to_the_next_process(void **state)
{
	struct world *w = *state;
	CLEANUP(freep) char *kept = NULL;
	CLEANUP(closep) int fd = -1;

	if (geteuid() != 0)
		skip();
	give_scratch_to_nobody(w);
	fd = open_top(w);
	assert_int_equal(mkdirat(fd, "stubborn", 0755), 0);
	make_files(fd, 600);
	assert_int_equal(mkdirat(fd, "stubborn/inner", 0755), 0);
	assert_int_equal(scratch_fork_unprivileged(remove_around_a_strangers_folder, w), 0);
	kept = only_entry(w->dir);
	assert_non_null(strstr(kept, "/kept-"));
	assert_int_equal(count(kept), 1);
	/* The next one may have more rights. */
	trash_free(w->trash);
	w->trash = trash_new(w->loop, w->dir);
	settle(w, 20);
	assert_int_equal(count(w->dir), 0);
}

static void remove_around_a_mount(void *ctx)
{
	struct world *w = ctx;
	CLEANUP(freep) char *place = xasprintf("%s/a/mount", w->top);
	CLEANUP(closep) int fd = open(w->top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(closep) int mounted = -1;
	struct stat st;

	CHILD_CHECK(mkdirat(fd, "a", 0755) == 0 && mkdirat(fd, "a/mount", 0755) == 0);
	make_files(fd, 10);
	if (unshare(CLONE_NEWNS) < 0 || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("tmpfs", place, "tmpfs", 0, "size=64k") < 0)
		_exit(77);
	mounted = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	make_file(mounted, "precious");
	CHILD_CHECK(trash_take(w->trash, w->top, NULL) == 0);
	for (int i = 0; i < 20; i++)
		(void)loop_turn(w->loop, 0);
	CHILD_CHECK(loop_turn(w->loop, 0) <= 0);
	CHILD_CHECK(fstatat(mounted, "precious", &st, 0) == 0);
	CHILD_CHECK(count(w->dir) == 1);
}

static void mount_is_not_entered(void **state)
{
	struct world *w = *state;
	int status;

	if (geteuid() != 0)
		skip();
	status = scratch_fork(remove_around_a_mount, w);
	if (status == 77 << 8)
		skip();
	assert_int_equal(status, 0);
	/* Out here nothing is mounted. */
	trash_free(w->trash);
	w->trash = trash_new(w->loop, w->dir);
	settle(w, 20);
	assert_int_equal(count(w->dir), 0);
}

/* --- large files --- */

/* A file with so much in it; -1 when there is no room for it. */
static int make_large(const struct world *w, size_t size)
{
	CLEANUP(closep) int folder = open_top(w);
	CLEANUP(closep)
	int fd = openat(folder, "large", O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
	CLEANUP(freep) char *some = xcalloc(1, MIB(1));

	assert_true(fd >= 0);
	memset(some, 'x', MIB(1));
	for (size_t done = 0; done < size; done += MIB(1)) {
		if (write_all(fd, some, MIB(1)) < 0)
			return -1;
	}
	return fd_steal(&fd);
}

static blkcnt_t blocks_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_blocks;
}

static void large_file_is_given_back_in_pieces(void **state)
{
	struct world *w = *state;
	CLEANUP(closep) int fd = make_large(w, MIB(65));

	if (fd < 0)
		skip();
	/* And a hole at its end that no count of pieces would get through. */
	assert_int_equal(ftruncate(fd, (off_t)1 << 42), 0);
	take(w);
	settle(w, 10);
	assert_int_equal(count(w->dir), 0);
	/* We have it open still, so unlinking alone would have freed nothing. */
	assert_int_equal(blocks_of(fd), 0);
}

static void file_with_another_name_keeps_its_content(void **state)
{
	struct world *w = *state;
	const char *outside = scratch_path(w->scratch, "outside");
	CLEANUP(freep) char *inside = xasprintf("%s/large", w->top);
	CLEANUP(closep) int fd = make_large(w, MIB(65));
	blkcnt_t before;
	char first = '\0';

	if (fd < 0)
		skip();
	assert_int_equal(link(inside, outside), 0);
	before = blocks_of(fd);
	take(w);
	settle(w, 10);
	assert_int_equal(count(w->dir), 0);
	assert_int_equal(blocks_of(fd), before);
	assert_int_equal(pread(fd, &first, 1, 0), 1);
	assert_int_equal(first, 'x');
}

/* --- the trash itself --- */

static void what_is_thrown_in_meanwhile_is_removed_too(void **state)
{
	struct world *w = *state;
	CLEANUP(closep) int fd = open_top(w);

	make_files(fd, 1000);
	take(w);
	for (int i = 0; i < 8; i++) {
		(void)loop_turn(w->loop, 0);
		assert_int_equal(mkdir(w->top, 0755), 0);
		take(w);
	}
	settle(w, 20);
	assert_int_equal(count(w->dir), 0);
}

static void what_is_made_while_it_goes_is_removed_too(void **state)
{
	struct world *w = *state;
	CLEANUP(closep) int fd = open_top(w);

	make_files(fd, 1000);
	take(w);
	for (int i = 0; i < 3; i++) {
		CLEANUP(freep) char *name = xasprintf("new-%d", i);

		(void)loop_turn(w->loop, 0);
		make_file(fd, name);
	}
	settle(w, 20);
	assert_int_equal(count(w->dir), 0);
	assert_int_equal(w->lines, 0);
}

static void nothing_to_remove_is_fine(void **state)
{
	struct world *w = *state;

	assert_int_equal(rmdir(w->top), 0);
	assert_int_equal(trash_take(w->trash, w->top, NULL), 0);
	settle(w, 10);
	assert_int_equal(count(w->dir), 0);
}

static void link_in_the_place_of_the_trash_is_not_followed(void **state)
{
	struct world *w = *state;
	const char *outside = scratch_path(w->scratch, "outside");
	CLEANUP(freep) char *file = xasprintf("%s/x", outside);

	assert_int_equal(mkdir(outside, 0755), 0);
	assert_int_equal(close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
	assert_int_equal(symlink(outside, w->dir), 0);
	settle(w, 10);
	assert_true(file_exists(file));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(turn_removes_so_many_and_no_more),
		T(many_folders_side_by_side_are_removed),
		T(strange_names_and_kinds_are_removed),
		T(what_links_lead_to_stays),
		T(rights_that_were_taken_away_are_no_obstacle),
		T(what_resists_holds_up_nothing_and_is_left_to_the_next_process),
		T(mount_is_not_entered),
		T(large_file_is_given_back_in_pieces),
		T(file_with_another_name_keeps_its_content),
		T(what_is_thrown_in_meanwhile_is_removed_too),
		T(what_is_made_while_it_goes_is_removed_too),
		T(nothing_to_remove_is_fine),
		T(link_in_the_place_of_the_trash_is_not_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
