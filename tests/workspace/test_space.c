/* SPDX-License-Identifier: MIT */
/*
 * tests/workspace/test_space.c - git is stopped before the disk is full, and what it wrote goes.
 *
 * The disk is a tmpfs in a mount namespace of this program's own, so most of it needs root.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "lib/scratch.h"
#include "lib/t.h"
#include "workspace/git_internal.h"
#include "workspace/workspace.h"

#define DISK  MIB(8)
#define LEAST MIB(1) /* of it that must be free */
#define JOB_1 "11111111-1111-4111-8111-111111111111"
#define JOB_2 "22222222-2222-4222-8222-222222222222"

struct world {
	void *scratch;
	struct loop *loop;
	struct git *git;
	char *home; /* the disk */
	char *path; /* PATH, as it was */
	bool is_mounted;
	unsigned answers;
	enum git_trouble trouble;
	int rc;
	char *text;
};

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	(void)scratch_setup(&w->scratch);
	w->home = realpath(scratch_dir(w->scratch), NULL);
	str_replace(&w->home, scratch_path(w->scratch, "home"));
	w->path = xstrdup(getenv("PATH"));
	assert_int_equal(mkdir(w->home, 0755), 0);
	/* The user's own configuration has no part in this. */
	assert_int_equal(setenv("HOME", scratch_dir(w->scratch), 1), 0);
	w->is_mounted = geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
			mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
			mount("tmpfs", w->home, "tmpfs", 0, "size=8m") == 0;
	w->loop = loop_new(NULL);
	assert_non_null(w->loop);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	git_free(w->git);
	loop_free(w->loop);
	assert_int_equal(setenv("PATH", w->path, 1), 0);
	if (w->is_mounted)
		assert_int_equal(umount2(w->home, MNT_DETACH), 0);
	(void)scratch_teardown(&w->scratch);
	free(w->home);
	free(w->path);
	free(w->text);
	free(w);
	return 0;
}

static void shell(const char *command)
{
	if (system(command) != 0) /* NOLINT: a test's own text */
		fail_msg("%s", command);
}

static uint64_t free_bytes(const struct world *w)
{
	struct statvfs fs;

	assert_int_equal(statvfs(w->home, &fs), 0);
	return (uint64_t)fs.f_bavail * fs.f_frsize;
}

/* Fills the disk until so much is free. */
static void leave_free(const struct world *w, uint64_t bytes)
{
	CLEANUP(freep) char *path = xasprintf("%s/filler", w->home);
	CLEANUP(closep) int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(posix_fallocate(fd, 0, (off_t)(free_bytes(w) - bytes)), 0);
	assert_int_equal(free_bytes(w), bytes);
}

/* What is started as "git" from now on. */
static void become_git(struct world *w, const char *script)
{
	CLEANUP(freep) char *dir = xasprintf("%s/bin", scratch_dir(w->scratch));
	CLEANUP(freep) char *file = xasprintf("%s/git", dir);
	CLEANUP(freep) char *path = xasprintf("%s:%s", dir, w->path);
	struct err e = CLEAN_ERR;

	assert_int_equal(dir_make(dir, 0755, &e), 0);
	assert_int_equal(file_write(file, script, strlen(script), 0755, &e), 0);
	assert_int_equal(setenv("PATH", path, 1), 0);
	w->git = git_new(w->loop);
}

static void on_git(void *ctx, const struct git_end *end)
{
	struct world *w = ctx;

	w->answers++;
	w->trouble = end->trouble;
	str_replace(&w->text, end->text);
}

static void begin(struct world *w, const char *dir)
{
	struct git_command c = {.dir = dir, .done = on_git, .ctx = w};

	strv_add(&c.args, "x");
	(void)git_run(w->git, &c);
	strv_fini(&c.args);
	assert_int_equal(w->answers, 0);
}

static void wait_answer(struct world *w)
{
	while (w->answers == 0)
		assert_true(loop_turn(w->loop, 60 * US_PER_SEC) > 0);
	assert_int_equal(w->answers, 1);
	w->answers = 0;
}

/* --- how much --- */

static void what_must_be_free_is_64_mib_or_an_eighth(void **state UNUSED)
{
	assert_int_equal(git_space_least(0), 0);
	assert_int_equal(git_space_least(MIB(512) - 8), MIB(64) - 1);
	assert_int_equal(git_space_least(MIB(512)), MIB(64));
	assert_int_equal(git_space_least(MIB(512) + 8), MIB(64));
	assert_int_equal(git_space_least(GIB(1 << 20)), MIB(64));
}

static void disk_is_low_below_that(void **state)
{
	static const struct {
		uint64_t bytes;
		bool is_low;
	} rows[] = {{LEAST - KIB(4), true}, {LEAST, false}, {LEAST + KIB(4), false}, {0, true}};
	struct world *w = *state;

	if (!w->is_mounted)
		skip();
	assert_int_equal(git_space_least(DISK), LEAST);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(buf_fini) struct buf text = BUF_NULL;

		leave_free(w, rows[i].bytes);
		assert_int_equal(git_space_is_low(w->home, &text), rows[i].is_low);
		assert_int_equal(text.n > 0, rows[i].is_low);
	}
}

static void nobody_knows_of_a_missing_folder(void **state UNUSED)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;

	assert_false(git_space_is_low("/nonexistent-folder", &text));
}

/* --- one command --- */

static void command_is_stopped_when_the_disk_gets_low(void **state)
{
	struct world *w = *state;

	if (!w->is_mounted)
		skip();
	become_git(w, "#!/bin/sh\nexec sleep 600\n");
	begin(w, w->home);
	leave_free(w, LEAST - KIB(4));
	wait_answer(w);
	assert_int_equal(w->trouble, GIT_NO_SPACE);
	assert_non_null(strstr(w->text, "less than 1024 KiB are free for"));
	assert_non_null(strstr(w->text, w->home));
}

static void command_is_not_started_when_the_disk_is_low(void **state)
{
	struct world *w = *state;
	const char *mark = scratch_path(w->scratch, "mark");

	if (!w->is_mounted)
		skip();
	become_git(w, "#!/bin/sh\ntouch \"$HOME/mark\"\n");
	leave_free(w, LEAST - KIB(4));
	begin(w, w->home);
	wait_answer(w);
	assert_int_equal(w->trouble, GIT_NO_SPACE);
	assert_false(file_exists(mark));
	/* One that writes nothing runs. */
	begin(w, NULL);
	wait_answer(w);
	assert_int_equal(w->trouble, GIT_FINE);
}

static void command_with_room_enough_runs(void **state)
{
	struct world *w = *state;

	if (!w->is_mounted)
		skip();
	become_git(w, "#!/bin/sh\nexit 0\n");
	leave_free(w, LEAST);
	begin(w, w->home);
	wait_answer(w);
	assert_int_equal(w->trouble, GIT_FINE);
}

/* --- whole workspaces --- */

static void on_done(void *ctx, const struct id *job_id UNUSED, int rc, const char *text)
{
	struct world *w = ctx;

	w->answers++;
	w->rc = rc;
	str_replace(&w->text, text);
}

/* A repository with one commit more, of so many MiB. */
static char *make_repo(const struct world *w, unsigned mib)
{
	char *repo = xasprintf("%s/repo", scratch_dir(w->scratch));
	CLEANUP(freep)
	char *command =
		xasprintf("export GIT_CONFIG_NOSYSTEM=1; git init -q -b main %s && cd %s && "
			  "head -c %uM /dev/urandom >file && git add . && git -c user.name=x "
			  "-c user.email=x@y -c core.looseCompression=0 commit -qm x",
			repo, repo, mib);

	shell(command);
	return repo;
}

static void prepare(struct world *w, struct workspace *room, enum workspace_kind kind,
	const char *job, const char *repo)
{
	struct workspace_spec s = {.kind = kind, .repo = repo, .is_repo_literal = true};

	assert_true(str_copy(s.job_id.s, sizeof(s.job_id.s), job));
	room->ops->prepare(room, &s, on_done, w);
	wait_answer(w);
}

static void settle(struct world *w)
{
	while (loop_turn(w->loop, 0) > 0) {
	}
}

static void clone_that_does_not_fit_leaves_nothing(void **state)
{
	struct world *w = *state;
	uint64_t before;

	if (!w->is_mounted)
		skip();
	CLEANUP(freep) char *repo = make_repo(w, 12);
	CLEANUP(freep) char *jobs = xasprintf("%s/jobs", w->home);
	CLEANUP(freep) char *job = xasprintf("%s/" JOB_1, jobs);
	struct workspace *room = workspace_new(w->loop, jobs);

	before = free_bytes(w);
	prepare(w, room, WORKSPACE_KIND_GIT_CLONE, JOB_1, repo);
	assert_int_equal(w->rc, -ENOSPC);
	assert_non_null(strstr(w->text, "the disk is full"));
	settle(w);
	assert_false(file_exists(job));
	/* Only some empty folders. */
	assert_true(before - free_bytes(w) < KIB(64));
	room->ops->free(room);
}

static void fetch_that_does_not_fit_leaves_the_cache_as_it_was(void **state)
{
	struct world *w = *state;
	uint64_t before;

	if (!w->is_mounted)
		skip();
	CLEANUP(freep) char *repo = make_repo(w, 1);
	CLEANUP(freep) char *jobs = xasprintf("%s/jobs", w->home);
	CLEANUP(freep) char *file = xasprintf("%s/" JOB_1 "/file", jobs);
	CLEANUP(freep)
	char *undo = xasprintf("cd %s && git reset -q --hard HEAD^", repo);
	struct workspace *room = workspace_new(w->loop, jobs);

	prepare(w, room, WORKSPACE_KIND_GIT_WORKTREE, JOB_1, repo);
	assert_int_equal(w->rc, 0);
	settle(w);
	before = free_bytes(w);
	free(make_repo(w, 12));
	prepare(w, room, WORKSPACE_KIND_GIT_WORKTREE, JOB_2, repo);
	assert_int_equal(w->rc, -ENOSPC);
	settle(w);
	assert_true(before - free_bytes(w) < KIB(64));
	assert_true(file_exists(file));
	/* And it is used again. */
	shell(undo);
	prepare(w, room, WORKSPACE_KIND_GIT_WORKTREE, JOB_2, repo);
	assert_int_equal(w->rc, 0);
	room->ops->free(room);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_must_be_free_is_64_mib_or_an_eighth),
		T(disk_is_low_below_that),
		T(nobody_knows_of_a_missing_folder),
		T(command_is_stopped_when_the_disk_gets_low),
		T(command_is_not_started_when_the_disk_is_low),
		T(command_with_room_enough_runs),
		T(clone_that_does_not_fit_leaves_nothing),
		T(fetch_that_does_not_fit_leaves_the_cache_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
