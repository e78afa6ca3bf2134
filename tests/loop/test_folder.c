/* SPDX-License-Identifier: MIT */
/* tests/loop/test_folder.c - what is told about folders that somebody changes. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "cmocka.h" /* quoted: it must follow the headers above */
#include "lib/scratch.h"
#include "loop/loop.h"

enum {
	CALLS_MAX = 100000,
};

struct world {
	struct loop *l;
	struct folder_watch *w;
	struct scratch *scratch;
	char *root, *a, *b; /* folders; a and b are in root */
	struct buf told;    /* "a:entry " for each call, "a! " when the entry is "" */
	unsigned calls;
	/* Something for the callback to do. */
	bool frees, removes, adds_again, renews;
	const char *removes_too;
};

static void hear(const char *folder, const char *entry, void *ctx)
{
	struct world *w = ctx;
	const char *slash = strrchr(folder, '/');

	w->calls++;
	if (*entry == '\0')
		buf_printf(&w->told, "%s! ", slash + 1);
	else
		buf_printf(&w->told, "%s:%s ", slash + 1, entry);
	assert_true(w->calls < CALLS_MAX);
	if (w->renews)
		folder_watch_remove(w->w, folder);
	if (w->adds_again || w->renews)
		assert_int_equal(folder_watch_add(w->w, folder, NULL), 0);
	if (w->removes)
		folder_watch_remove(w->w, folder);
	if (w->removes_too != NULL)
		folder_watch_remove(w->w, w->removes_too);
	if (w->frees)
		folder_watch_freep(&w->w);
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	void *scratch = NULL;

	if (scratch_setup(&scratch) != 0)
		return -1;
	w->scratch = scratch;
	w->root = xstrdup(scratch_dir(w->scratch));
	w->a = xstrdup(scratch_path(w->scratch, "a"));
	w->b = xstrdup(scratch_path(w->scratch, "b"));
	assert_int_equal(mkdir(w->a, 0700), 0);
	assert_int_equal(mkdir(w->b, 0700), 0);
	w->l = loop_new(NULL);
	assert_non_null(w->l);
	assert_int_equal(folder_watch_new(&w->w, w->l, hear, w, NULL), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	void *scratch = w->scratch;

	folder_watch_free(w->w);
	loop_free(w->l);
	buf_fini(&w->told);
	free(w->root);
	free(w->a);
	free(w->b);
	free(w);
	return scratch_teardown(&scratch);
}

static void add(struct world *w, const char *folder)
{
	struct err e = CLEAN_ERR;

	if (folder_watch_add(w->w, folder, &e) < 0)
		fail_msg("%s", e.text);
}

/* inotify queues before the system call that it is about returns, so nothing has to be waited for.
 * What was told is forgotten with the next call. */
static const char *told(struct world *w)
{
	static char text[512];

	while (loop_turn(w->l, 0) > 0)
		;
	assert_true(str_copy(text, sizeof(text), buf_str(&w->told)));
	buf_clear(&w->told);
	return text;
}

/* Path of an entry of a folder; valid until the next call but one. */
static const char *in(const char *folder, const char *entry)
{
	static char paths[2][512];
	static unsigned which;
	char *path = paths[which++ % 2];

	assert_true(snprintf(path, sizeof(paths[0]), "%s/%s", folder, entry) < 512);
	return path;
}

static void put(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	closep(&fd);
}

/* How many watches the kernel holds for this process (proc(5), fdinfo). */
static void count_watches(const char *fd, void *ctx)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	char path[64];

	assert_true(snprintf(path, sizeof(path), "/proc/self/fdinfo/%s", fd) < 64);
	/* The descriptor that reads the folder of descriptors is gone by now. */
	if (file_read(path, KIB(64), &text, NULL) < 0)
		return;
	for (const char *p = buf_str(&text); (p = strstr(p, "inotify wd:")) != NULL; p++)
		++*(unsigned *)ctx;
}

static unsigned watches(void)
{
	unsigned count = 0;

	assert_int_equal(dir_each("/proc/self/fdinfo", count_watches, &count, NULL), 0);
	return count;
}

static void written_file_is_told_when_it_is_closed(void **state)
{
	struct world *w = *state;
	int fd;

	put(in(w->a, "old"));
	add(w, w->a);
	assert_string_equal(told(w), "");
	fd = open(in(w->a, "old"), O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_true(fd >= 0);
	/* A database does nothing else all day. */
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(write(fd, "more", 4), 4);
	assert_int_equal(fdatasync(fd), 0);
	assert_int_equal(ftruncate(fd, 1), 0);
	assert_string_equal(told(w), "");
	closep(&fd);
	assert_string_equal(told(w), "a:old ");
	/* Reading is nobody's business. */
	fd = open(in(w->a, "old"), O_RDONLY | O_CLOEXEC);
	closep(&fd);
	assert_string_equal(told(w), "");
}

static void what_is_made_removed_and_renamed_is_told(void **state)
{
	struct world *w = *state;

	add(w, w->a);
	assert_int_equal(mkdir(in(w->a, "d"), 0700), 0);
	assert_string_equal(told(w), "a:d ");
	assert_int_equal(symlink("d", in(w->a, "l")), 0);
	assert_string_equal(told(w), "a:l ");
	assert_int_equal(rename(in(w->a, "l"), in(w->a, "m")), 0);
	assert_string_equal(told(w), "a:l a:m ");
	assert_int_equal(rename(in(w->a, "m"), in(w->b, "m")), 0);
	assert_string_equal(told(w), "a:m ");
	assert_int_equal(rename(in(w->b, "m"), in(w->a, "n")), 0);
	assert_string_equal(told(w), "a:n ");
	assert_int_equal(unlink(in(w->a, "n")), 0);
	assert_string_equal(told(w), "a:n ");
	assert_int_equal(rmdir(in(w->a, "d")), 0);
	assert_string_equal(told(w), "a:d ");
}

static void file_replaced_in_one_go_is_told_under_its_name(void **state)
{
	struct world *w = *state;

	add(w, w->a);
	assert_int_equal(file_write(in(w->a, "pylon.yaml"), "x", 1, 0600, NULL), 0);
	assert_non_null(strstr(told(w), "a:pylon.yaml "));
	assert_int_equal(file_write(in(w->a, "pylon.yaml"), "y", 1, 0600, NULL), 0);
	assert_non_null(strstr(told(w), "a:pylon.yaml "));
}

static void changed_mode_is_told(void **state)
{
	struct world *w = *state;

	put(in(w->a, "f"));
	add(w, w->a);
	assert_int_equal(chmod(in(w->a, "f"), 0), 0);
	assert_string_equal(told(w), "a:f ");
	assert_int_equal(chmod(in(w->a, "f"), 0600), 0);
	assert_string_equal(told(w), "a:f ");
	/* Of the folder: nothing in it is as it was. */
	assert_int_equal(chmod(w->a, 0750), 0);
	assert_string_equal(told(w), "a! ");
}

static void file_that_has_lost_its_name_is_silent(void **state)
{
	struct world *w = *state;
	int fd;

	add(w, w->a);
	fd = open(in(w->a, "f"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(unlink(in(w->a, "f")), 0);
	assert_string_equal(told(w), "a:f a:f ");
	assert_int_equal(write(fd, "x", 1), 1);
	closep(&fd);
	assert_string_equal(told(w), "");
}

static void each_folder_is_told_by_its_own_name(void **state)
{
	struct world *w = *state;

	add(w, w->a);
	add(w, w->b);
	assert_int_equal(mkdir(in(w->b, "x"), 0700), 0);
	assert_int_equal(mkdir(in(w->a, "y"), 0700), 0);
	assert_string_equal(told(w), "b:x a:y ");
	folder_watch_remove(w->w, w->a);
	folder_watch_remove(w->w, w->a);
	assert_int_equal(mkdir(in(w->b, "z"), 0700), 0);
	assert_int_equal(rmdir(in(w->a, "y")), 0);
	assert_string_equal(told(w), "b:z ");
	assert_int_equal(watches(), 1);
}

static void folder_added_twice_is_told_once(void **state)
{
	struct world *w = *state;

	add(w, w->a);
	add(w, w->a);
	assert_int_equal(mkdir(in(w->a, "x"), 0700), 0);
	assert_string_equal(told(w), "a:x ");
	folder_watch_remove(w->w, w->a);
	assert_int_equal(rmdir(in(w->a, "x")), 0);
	assert_string_equal(told(w), "");
}

static void folder_and_a_link_to_it_are_both_told(void **state)
{
	struct world *w = *state;
	CLEANUP(freep) char *link = xstrdup(in(w->root, "link"));

	assert_int_equal(symlink("a", link), 0);
	add(w, w->a);
	add(w, link);
	assert_int_equal(mkdir(in(w->a, "x"), 0700), 0);
	assert_string_equal(told(w), "a:x link:x ");
	/* The kernel knows one watch; it stays for the other. */
	folder_watch_remove(w->w, w->a);
	assert_int_equal(rmdir(in(w->a, "x")), 0);
	assert_string_equal(told(w), "link:x ");
}

static void removed_folder_leaves_by_itself(void **state)
{
	struct world *w = *state;

	add(w, w->a);
	add(w, w->b);
	assert_int_equal(rmdir(w->a), 0);
	assert_string_equal(told(w), "a! ");
	assert_int_equal(mkdir(w->a, 0700), 0);
	assert_int_equal(mkdir(in(w->a, "x"), 0700), 0);
	assert_string_equal(told(w), "");
	add(w, w->a);
	assert_int_equal(mkdir(in(w->a, "y"), 0700), 0);
	assert_int_equal(mkdir(in(w->b, "z"), 0700), 0);
	assert_string_equal(told(w), "a:y b:z ");
}

static void renamed_folder_leaves_by_itself(void **state)
{
	struct world *w = *state;
	CLEANUP(freep) char *moved = xstrdup(in(w->root, "moved"));

	add(w, w->a);
	assert_int_equal(rename(w->a, moved), 0);
	assert_string_equal(told(w), "a! ");
	assert_int_equal(mkdir(in(moved, "x"), 0700), 0);
	assert_string_equal(told(w), "");
	assert_int_equal(watches(), 0);
	/* Under its new name it is another folder. */
	add(w, moved);
	assert_int_equal(mkdir(in(moved, "y"), 0700), 0);
	assert_string_equal(told(w), "moved:y ");
}

/* `b` takes the place of `a`; both were watched. */
static void folder_put_in_the_place_of_another_leaves_nothing_behind(void **state)
{
	struct world *w = *state;

	add(w, w->a);
	add(w, w->b);
	assert_int_equal(rename(w->b, w->a), 0);
	/* First its number of links, then the moving, then its end. */
	assert_string_equal(told(w), "a! b! a! ");
	assert_int_equal(mkdir(in(w->a, "x"), 0700), 0);
	assert_string_equal(told(w), "");
	add(w, w->a);
	assert_int_equal(mkdir(in(w->a, "y"), 0700), 0);
	assert_string_equal(told(w), "a:y ");
}

/* The listener adds the new folder before the news of the old one's end has been read. */
static void folder_added_again_before_the_old_ones_end_was_read_is_the_new_one(void **state)
{
	struct world *w = *state;
	CLEANUP(freep) char *moved = xstrdup(in(w->root, "moved"));

	add(w, w->a);
	assert_int_equal(rename(w->a, moved), 0);
	assert_int_equal(mkdir(w->a, 0700), 0);
	add(w, w->a);
	assert_string_equal(told(w), "");
	assert_int_equal(mkdir(in(moved, "x"), 0700), 0);
	assert_string_equal(told(w), "");
	assert_int_equal(mkdir(in(w->a, "y"), 0700), 0);
	assert_string_equal(told(w), "a:y ");
	assert_int_equal(watches(), 1);
}

static void what_is_no_folder_is_refused(void **state)
{
	struct world *w = *state;
	struct err e = CLEAN_ERR;

	put(in(w->a, "f"));
	assert_int_equal(folder_watch_add(w->w, in(w->a, "none"), &e), -ENOENT);
	assert_non_null(strstr(e.text, "/a/none"));
	assert_int_equal(folder_watch_add(w->w, in(w->a, "f"), &e), -ENOTDIR);
	folder_watch_remove(w->w, in(w->a, "none"));
	assert_string_equal(told(w), "");
}

static void callback_may_remove_the_folder(void **state)
{
	struct world *w = *state;

	add(w, w->a);
	add(w, w->b);
	w->removes = true;
	assert_int_equal(mkdir(in(w->a, "x"), 0700), 0);
	assert_int_equal(mkdir(in(w->a, "y"), 0700), 0);
	assert_int_equal(mkdir(in(w->b, "z"), 0700), 0);
	assert_string_equal(told(w), "a:x b:z ");
}

static void callback_may_add_the_folder_again(void **state)
{
	struct world *w = *state;

	add(w, w->a);
	w->adds_again = true;
	assert_int_equal(rmdir(w->a), 0);
	assert_int_equal(mkdir(w->a, 0700), 0);
	assert_string_equal(told(w), "a! ");
	assert_int_equal(mkdir(in(w->a, "x"), 0700), 0);
	assert_string_equal(told(w), "a:x ");
	assert_int_equal(w->calls, 2);
}

static void callback_may_free_the_watcher(void **state)
{
	struct world *w = *state;

	add(w, w->a);
	add(w, w->b);
	w->frees = true;
	assert_int_equal(mkdir(in(w->a, "x"), 0700), 0);
	assert_int_equal(mkdir(in(w->b, "y"), 0700), 0);
	assert_int_equal(mkdir(in(w->a, "z"), 0700), 0);
	assert_string_equal(told(w), "a:x ");
	assert_null(w->w);
	assert_int_equal(watches(), 0);
}

/* Both have been found when the first is told. */
static void callback_may_take_away_the_folder_that_would_be_told_next(void **state)
{
	struct world *w = *state;
	CLEANUP(freep) char *link = xstrdup(in(w->root, "link"));

	assert_int_equal(symlink("a", link), 0);
	add(w, w->a);
	add(w, link);
	w->removes_too = link;
	assert_int_equal(mkdir(in(w->a, "x"), 0700), 0);
	assert_string_equal(told(w), "a:x ");
	w->removes_too = NULL;
	add(w, link);
	w->frees = true;
	assert_int_equal(mkdir(in(w->a, "y"), 0700), 0);
	assert_string_equal(told(w), "a:y ");
}

static size_t queue_limit(void)
{
	CLEANUP(freep) char *text = scratch_read("/proc/sys/fs/inotify/max_queued_events");

	return (size_t)strtoul(text, NULL, 10);
}

static void flood(struct world *w)
{
	CLEANUP(freep) char *from = xstrdup(in(w->a, "p")), *to = xstrdup(in(w->a, "q"));
	size_t limit = queue_limit();

	if (limit > CALLS_MAX / 2)
		skip();
	put(from);
	add(w, w->a);
	add(w, w->b);
	/* Two events each; all have a different neighbour, or the kernel would merge them. */
	for (size_t i = 0; i <= limit / 4; i++) {
		assert_int_equal(rename(from, to), 0);
		assert_int_equal(rename(to, from), 0);
	}
}

static void lost_events_are_told_for_every_folder(void **state)
{
	struct world *w = *state;
	const char *end;

	flood(w);
	while (loop_turn(w->l, 0) > 0)
		;
	assert_true(w->told.n > 6);
	end = buf_str(&w->told) + w->told.n - 6;
	assert_string_equal(end, "a! b! ");
	buf_clear(&w->told);
	assert_int_equal(mkdir(in(w->b, "x"), 0700), 0);
	assert_string_equal(told(w), "b:x ");
}

/* As a listener does that looks at everything again from the start. */
static void folder_that_is_added_anew_when_events_were_lost_is_told_once(void **state)
{
	struct world *w = *state;

	flood(w);
	w->renews = true;
	assert_string_equal(told(w), "a:p b! a! ");
}

static void many_events_are_told_in_order(void **state)
{
	struct world *w = *state;
	CLEANUP(buf_fini) struct buf expected = BUF_NULL;

	add(w, w->a);
	/* Long names: several reads. */
	for (unsigned i = 0; i < 100; i++) {
		char name[256];

		assert_int_equal(snprintf(name, sizeof(name), "%0255u", i), 255);
		assert_int_equal(symlink("x", in(w->a, name)), 0);
		buf_printf(&expected, "a:%s ", name);
	}
	while (loop_turn(w->l, 0) > 0)
		;
	assert_string_equal(buf_str(&w->told), buf_str(&expected));
}

static void fake_loop_watches_no_folders(void **state)
{
	CLEANUP(loop_freep) struct loop *l = loop_new_fake(0);
	struct folder_watch *w = NULL;

	(void)state;
	assert_int_equal(folder_watch_new(&w, l, hear, NULL, NULL), -EOPNOTSUPP);
	assert_null(w);
	folder_watch_free(w);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(written_file_is_told_when_it_is_closed),
		TEST(what_is_made_removed_and_renamed_is_told),
		TEST(file_replaced_in_one_go_is_told_under_its_name),
		TEST(changed_mode_is_told),
		TEST(file_that_has_lost_its_name_is_silent),
		TEST(each_folder_is_told_by_its_own_name),
		TEST(folder_added_twice_is_told_once),
		TEST(folder_and_a_link_to_it_are_both_told),
		TEST(removed_folder_leaves_by_itself),
		TEST(renamed_folder_leaves_by_itself),
		TEST(folder_put_in_the_place_of_another_leaves_nothing_behind),
		TEST(folder_added_again_before_the_old_ones_end_was_read_is_the_new_one),
		TEST(what_is_no_folder_is_refused),
		TEST(callback_may_remove_the_folder),
		TEST(callback_may_add_the_folder_again),
		TEST(callback_may_free_the_watcher),
		TEST(callback_may_take_away_the_folder_that_would_be_told_next),
		TEST(lost_events_are_told_for_every_folder),
		TEST(folder_that_is_added_anew_when_events_were_lost_is_told_once),
		TEST(many_events_are_told_in_order),
		cmocka_unit_test(fake_loop_watches_no_folders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
