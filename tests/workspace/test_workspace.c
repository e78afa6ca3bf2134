/* SPDX-License-Identifier: MIT */
/*
 * tests/workspace/test_workspace.c - folders that are made, refused, linked and removed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "base/log.h"
#include "lib/scratch.h"
#include "lib/t.h"
#include "workspace/workspace.h"

#define JOB_1 "11111111-1111-4111-8111-111111111111"

struct world {
	void *scratch;
	struct loop *loop;
	struct workspace *workspace;
	char *home, *jobs, *job;
	unsigned answers;
	int rc;
	char *text;
};

static void on_done(void *ctx, const struct id *job_id, int rc, const char *text)
{
	struct world *w = ctx;

	assert_string_equal(job_id->s, JOB_1);
	w->answers++;
	w->rc = rc;
	free(w->text);
	w->text = xstrdup(text);
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	CLEANUP(freep) char *real = NULL;

	(void)scratch_setup(&w->scratch);
	real = realpath(scratch_dir(w->scratch), NULL);
	w->home = xasprintf("%s/home", real);
	w->jobs = xasprintf("%s/jobs", w->home);
	w->job = xasprintf("%s/" JOB_1, w->jobs);
	w->loop = loop_new_fake(US_PER_SEC);
	w->workspace = workspace_new(w->loop, w->jobs);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	w->workspace->ops->free(w->workspace);
	loop_free(w->loop);
	free(w->home);
	free(w->jobs);
	free(w->job);
	free(w->text);
	(void)scratch_teardown(&w->scratch);
	free(w);
	return 0;
}

static void prepare(struct world *w, enum workspace_kind kind, const char *path)
{
	struct workspace_spec s = {.kind = kind, .job_id = {JOB_1}, .path = path};
	unsigned before = w->answers;

	w->workspace->ops->prepare(w->workspace, &s, on_done, w);
	assert_int_equal(w->answers, before);
	loop_settle(w->loop);
	assert_int_equal(w->answers, before + 1);
}

static void remove_job(struct world *w)
{
	struct id id = {JOB_1};

	w->workspace->ops->remove(w->workspace, &id);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode;
}

static void folder_of_a_job_is_open_to_any_user_below_a_closed_one(void **state)
{
	struct world *w = *state;
	mode_t old = umask(077);

	prepare(w, WORKSPACE_KIND_NONE, NULL);
	(void)umask(old);
	assert_int_equal(w->rc, 0);
	assert_string_equal(w->text, w->job);
	assert_int_equal(mode_of(w->job), S_IFDIR | 0777);
	assert_int_equal(mode_of(w->jobs), S_IFDIR | 0700);
}

static void preparing_again_keeps_what_is_there(void **state)
{
	struct world *w = *state;
	CLEANUP(freep) char *file = xasprintf("%s/kept", w->job);
	struct err e = CLEAN_ERR;

	prepare(w, WORKSPACE_KIND_NONE, NULL);
	assert_int_equal(file_write(file, "x", 1, 0600, &e), 0);
	prepare(w, WORKSPACE_KIND_NONE, NULL);
	assert_int_equal(w->rc, 0);
	assert_true(file_exists(file));
}

static const char *make_folder(struct world *w, const char *name)
{
	const char *path = scratch_path(w->scratch, name);
	struct err e = CLEAN_ERR;

	assert_int_equal(dir_make(path, 0755, &e), 0);
	return path;
}

static void users_folder_is_linked_and_resolved(void **state)
{
	struct world *w = *state;
	const char *folder = make_folder(w, "project");
	const char *link = scratch_path(w->scratch, "link");
	CLEANUP(freep) char *real = realpath(folder, NULL);
	char target[512] = "";

	assert_int_equal(symlink(folder, link), 0);
	prepare(w, WORKSPACE_KIND_LOCAL, link);
	assert_int_equal(w->rc, 0);
	assert_string_equal(w->text, real);
	assert_true(S_ISLNK(mode_of(w->job)));
	assert_true(readlink(w->job, target, sizeof(target) - 1) > 0);
	assert_string_equal(target, real);
	prepare(w, WORKSPACE_KIND_LOCAL, folder);
	assert_int_equal(w->rc, 0);
}

static void removing_unlinks_and_never_follows(void **state)
{
	struct world *w = *state;
	const char *folder = make_folder(w, "project");
	CLEANUP(freep) char *file = xasprintf("%s/precious", folder);
	struct err e = CLEAN_ERR;

	assert_int_equal(file_write(file, "x", 1, 0600, &e), 0);
	prepare(w, WORKSPACE_KIND_LOCAL, folder);
	remove_job(w);
	loop_settle(w->loop);
	assert_false(file_exists(w->job));
	assert_int_equal(access(w->job, F_OK), -1);
	assert_true(file_exists(file));
	remove_job(w);
}

static void kind_of_a_job_may_change(void **state)
{
	struct world *w = *state;
	const char *folder = make_folder(w, "project");
	CLEANUP(freep) char *file = xasprintf("%s/x", w->job);
	struct err e = CLEAN_ERR;

	prepare(w, WORKSPACE_KIND_LOCAL, folder);
	prepare(w, WORKSPACE_KIND_NONE, NULL);
	assert_int_equal(w->rc, 0);
	assert_true(S_ISDIR(mode_of(w->job)));
	prepare(w, WORKSPACE_KIND_LOCAL, folder);
	assert_int_equal(w->rc, 0);
	prepare(w, WORKSPACE_KIND_NONE, NULL);
	/* But nothing of the user's is thrown away for it. */
	assert_int_equal(file_write(file, "x", 1, 0600, &e), 0);
	prepare(w, WORKSPACE_KIND_LOCAL, folder);
	assert_int_equal(w->rc, -ENOTEMPTY);
	assert_true(file_exists(file));
}

static void expect_refusal(struct world *w, const char *path, int rc)
{
	prepare(w, WORKSPACE_KIND_LOCAL, path);
	if (w->rc != rc)
		fail_msg("%s: %d, not %d", path, w->rc, rc);
	assert_true(w->text[0] != '\0');
	assert_int_equal(access(w->job, F_OK), -1);
}

static void dangerous_folders_are_refused(void **state)
{
	struct world *w = *state;
	const char *link = scratch_path(w->scratch, "etc-link");
	CLEANUP(freep) char *dots = xasprintf("%s/..", w->home);
	CLEANUP(freep) char *inside = xasprintf("%s/inside", w->home);
	struct err e = CLEAN_ERR;

	assert_int_equal(symlink("/etc", link), 0);
	assert_int_equal(dir_make(inside, 0700, &e), 0);
	expect_refusal(w, "/", -EPERM);
	expect_refusal(w, "//", -EPERM);
	expect_refusal(w, "/etc", -EPERM);
	expect_refusal(w, "/etc/", -EPERM);
	expect_refusal(w, "/tmp/../etc", -EPERM);
	expect_refusal(w, link, -EPERM);
	expect_refusal(w, "/proc", -EPERM);
	expect_refusal(w, "/proc/self", -EPERM);
	expect_refusal(w, "/sys", -EPERM);
	expect_refusal(w, "/dev", -EPERM);
	expect_refusal(w, w->home, -EPERM);
	expect_refusal(w, dots, -EPERM);
	expect_refusal(w, inside, -EPERM);
	expect_refusal(w, w->jobs, -EPERM);
}

static void unusable_folders_are_refused(void **state)
{
	struct world *w = *state;
	const char *file = scratch_file(w->scratch, "file", "x");

	expect_refusal(w, NULL, -EINVAL);
	expect_refusal(w, "", -EINVAL);
	expect_refusal(w, "relative/path", -EINVAL);
	expect_refusal(w, "/nonexistent-folder", -ENOENT);
	expect_refusal(w, file, -ENOTDIR);
}

static void neighbour_of_the_home_is_fine(void **state)
{
	struct world *w = *state;
	const char *folder = make_folder(w, "home2");

	prepare(w, WORKSPACE_KIND_LOCAL, folder);
	assert_int_equal(w->rc, 0);
}

/* --- removing --- */

static void on_line(enum log_level level UNUSED, const char *line UNUSED, void *ctx UNUSED)
{
}

static unsigned entries_of(const char *path)
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

static void fill(const char *top, int depth, int width)
{
	char path[4096];
	int fd = open(top, O_PATH | O_CLOEXEC);

	for (int i = 0; i < width; i++) {
		(void)snprintf(path, sizeof(path), "file-%d", i);
		int f = openat(fd, path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

		assert_true(f >= 0);
		(void)close(f);
	}
	for (int i = 0; i < depth; i++) {
		int next;

		assert_int_equal(mkdirat(fd, "deeper", 0755), 0);
		next = openat(fd, "deeper", O_PATH | O_CLOEXEC);
		assert_int_equal(symlinkat("/etc", fd, "link"), 0);
		(void)close(fd);
		fd = next;
	}
	(void)close(fd);
}

static void large_tree_is_removed_a_little_at_a_time(void **state)
{
	struct world *w = *state;
	CLEANUP(freep) char *trash = xasprintf("%s/.trash", w->jobs);
	unsigned turns = 0;

	prepare(w, WORKSPACE_KIND_NONE, NULL);
	fill(w->job, 2000, 2000);
	remove_job(w);
	/* Its name is free at once. */
	assert_int_equal(access(w->job, F_OK), -1);
	prepare(w, WORKSPACE_KIND_NONE, NULL);
	while (entries_of(trash) > 0 && turns++ < 1000)
		(void)loop_turn(w->loop, 0);
	loop_settle(w->loop);
	assert_int_equal(entries_of(trash), 0);
	assert_true(file_exists("/etc/passwd"));
	assert_true(S_ISDIR(mode_of(w->job)));
}

static void another_folder_is_removed_in_the_same_way(void **state)
{
	struct world *w = *state;
	CLEANUP(freep) char *trash = xasprintf("%s/.trash", w->jobs);
	CLEANUP(freep) char *other = xasprintf("%s.run", w->job);
	struct err e = CLEAN_ERR;
	unsigned turns = 0;

	prepare(w, WORKSPACE_KIND_NONE, NULL);
	assert_int_equal(dir_make(other, 0700, &e), 0);
	fill(other, 2000, 100);
	w->workspace->ops->discard(w->workspace, other);
	assert_int_equal(access(other, F_OK), -1);
	assert_true(entries_of(trash) > 0);
	w->workspace->ops->discard(w->workspace, other);
	while (entries_of(trash) > 0 && turns++ < 1000)
		(void)loop_turn(w->loop, 0);
	assert_int_equal(entries_of(trash), 0);
	assert_true(S_ISDIR(mode_of(w->job)));
	assert_true(file_exists("/etc/passwd"));
}

static void on_refusal(void *ctx, const struct id *job_id UNUSED, int rc, const char *text UNUSED)
{
	struct world *w = ctx;

	w->answers++;
	w->rc = rc;
}

static void what_is_no_jobs_id_names_nothing(void **state)
{
	static const char *const ids[] = {"", ".", "..", "../x", ".trash", "x"};
	struct world *w = *state;
	CLEANUP(freep) char *other = xasprintf("%s/x", w->home);
	struct err e = CLEAN_ERR;

	prepare(w, WORKSPACE_KIND_NONE, NULL);
	assert_int_equal(dir_make(other, 0700, &e), 0);
	log_capture(on_line, NULL);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		struct workspace_spec s = {.kind = WORKSPACE_KIND_NONE};

		assert_true(str_copy(s.job_id.s, sizeof(s.job_id.s), ids[i]));
		w->workspace->ops->remove(w->workspace, &s.job_id);
		w->workspace->ops->prepare(w->workspace, &s, on_refusal, w);
		loop_settle(w->loop);
		assert_int_equal(w->rc, -EINVAL);
	}
	log_capture(NULL, NULL);
	assert_true(S_ISDIR(mode_of(w->job)));
	assert_true(file_exists(other));
}

static void what_an_earlier_process_left_is_removed(void **state)
{
	struct world *w = *state;
	CLEANUP(freep) char *trash = xasprintf("%s/.trash", w->jobs);

	prepare(w, WORKSPACE_KIND_NONE, NULL);
	fill(w->job, 3, 600);
	remove_job(w);
	w->workspace->ops->free(w->workspace);
	assert_int_equal(entries_of(trash), 1);
	w->workspace = workspace_new(w->loop, w->jobs);
	loop_settle(w->loop);
	assert_int_equal(entries_of(trash), 0);
}

static void tree_without_rights_is_removed(void **state)
{
	struct world *w = *state;
	CLEANUP(freep) char *trash = xasprintf("%s/.trash", w->jobs);
	CLEANUP(freep) char *closed = xasprintf("%s/deeper", w->job);

	prepare(w, WORKSPACE_KIND_NONE, NULL);
	fill(w->job, 3, 3);
	assert_int_equal(chmod(closed, 0), 0);
	remove_job(w);
	loop_settle(w->loop);
	assert_int_equal(entries_of(trash), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(folder_of_a_job_is_open_to_any_user_below_a_closed_one),
		T(preparing_again_keeps_what_is_there),
		T(users_folder_is_linked_and_resolved),
		T(removing_unlinks_and_never_follows),
		T(kind_of_a_job_may_change),
		T(dangerous_folders_are_refused),
		T(unusable_folders_are_refused),
		T(neighbour_of_the_home_is_fine),
		T(large_tree_is_removed_a_little_at_a_time),
		T(another_folder_is_removed_in_the_same_way),
		T(what_is_no_jobs_id_names_nothing),
		T(what_an_earlier_process_left_is_removed),
		T(tree_without_rights_is_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
