/* SPDX-License-Identifier: MIT */
/*
 * tests/workspace/test_checkout.c - checkouts of a local repository, and how they are ended.
 *
 * What needs a network is in tests/e2e/test_workspace_git.py.
 */
#include "lib/t.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/limits.h"
#include "lib/scratch.h"
#include "workspace/nursery_internal.h"
#include "workspace/owner_internal.h"
#include "workspace/workspace.h"

#define JOB_1 "11111111-1111-4111-8111-111111111111"
#define JOB_2 "22222222-2222-4222-8222-222222222222"

struct world {
	void *scratch;
	struct loop *loop;
	struct workspace *w;
	char *home, *jobs, *repo;
	unsigned answers;
	int rc;
	char *text;
	unsigned lines;
};

static void shell(const char *command)
{
	if (system(command) != 0) /* NOLINT: a test's own text */
		fail_msg("%s", command);
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	CLEANUP(freep) char *real = NULL;
	CLEANUP(freep) char *make = NULL;

	(void)scratch_setup(&w->scratch);
	real = realpath(scratch_dir(w->scratch), NULL);
	w->home = xasprintf("%s/home", real);
	w->jobs = xasprintf("%s/jobs", w->home);
	w->repo = xasprintf("%s/repo", real);
	/* The user's own configuration has no part in this. */
	assert_int_equal(setenv("HOME", real, 1), 0);
	make = xasprintf(
		"export GIT_CONFIG_NOSYSTEM=1; git init -q -b main %s && cd %s && "
		"echo one >file && mkdir -p a/b && echo x >a/b/c && echo o >../outside && chmod 640 ../outside && ln -s ../outside link && "
		"chmod 755 file && git add . && "
		"git -c user.name=x -c user.email=x@y commit -qm one",
		w->repo, w->repo);
	shell(make);
	w->loop = loop_new(NULL);
	assert_non_null(w->loop);
	w->w = workspace_new(w->loop, w->jobs);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	if (w->w != NULL)
		w->w->ops->free(w->w);
	loop_free(w->loop);
	free(w->home);
	free(w->jobs);
	free(w->repo);
	free(w->text);
	(void)scratch_teardown(&w->scratch);
	free(w);
	return 0;
}

static void on_done(void *ctx, const struct id *job_id UNUSED, int rc, const char *text)
{
	struct world *w = ctx;

	w->answers++;
	w->rc = rc;
	free(w->text);
	w->text = xstrdup(text);
}

static void on_progress(void *ctx, const struct id *job_id UNUSED, const char *line)
{
	struct world *w = ctx;

	assert_null(strpbrk(line, "\r\n"));
	w->lines++;
}

static struct workspace_spec spec_for(const struct world *w, enum workspace_kind kind)
{
	return (struct workspace_spec){.kind = kind,
		.job_id = {JOB_1},
		.repo = w->repo,
		.is_repo_literal = true,
		.progress = on_progress};
}

static void wait_answers(struct world *w, unsigned n)
{
	while (w->answers < n)
		assert_true(loop_turn(w->loop, 60 * US_PER_SEC) > 0);
	assert_int_equal(w->answers, n);
}

static void prepare(struct world *w, const struct workspace_spec *s)
{
	unsigned before = w->answers;

	w->w->ops->prepare(w->w, s, on_done, w);
	assert_int_equal(w->answers, before);
	wait_answers(w, before + 1);
}

static char *read_in(const struct world *w, const char *name)
{
	CLEANUP(freep) char *path = xasprintf("%s/%s", w->text, name);

	return scratch_read(path);
}

/* Entries of a folder whose names begin with the prefix. */
static unsigned count(const char *dir, const char *prefix)
{
	DIR *d = opendir(dir);
	const struct dirent *entry;
	unsigned n = 0;

	if (d == NULL)
		return 0;
	/* One stream of our own, one thread. NOLINTNEXTLINE */
	while ((entry = readdir(d)) != NULL)
		n += str_has_prefix(entry->d_name, prefix) ? 1 : 0;
	(void)closedir(d);
	return n;
}

static void clone_is_a_folder_of_its_own(void **state)
{
	struct world *w = *state;
	struct workspace_spec s = spec_for(w, WORKSPACE_KIND_GIT_CLONE);
	CLEANUP(freep) char *shared = NULL;
	CLEANUP(freep) char *file = NULL;

	prepare(w, &s);
	assert_int_equal(w->rc, 0);
	file = read_in(w, "file");
	assert_string_equal(file, "one\n");
	shared = w->w->ops->shared(w->w, &s);
	assert_null(shared);
	assert_true(w->lines > 0);
}

static void worktree_shares_a_cache_named_after_the_repository(void **state)
{
	struct world *w = *state;
	struct workspace_spec s = spec_for(w, WORKSPACE_KIND_GIT_WORKTREE);
	CLEANUP(freep) char *shared = NULL;
	CLEANUP(freep) char *alternates = NULL;
	CLEANUP(freep) char *expected = NULL;
	struct stat st;

	prepare(w, &s);
	assert_int_equal(w->rc, 0);
	shared = w->w->ops->shared(w->w, &s);
	assert_true(str_has_prefix(shared, w->home));
	expected = xasprintf("%s/objects\n", shared);
	alternates = read_in(w, ".git/objects/info/alternates");
	assert_string_equal(alternates, expected);
	/* A container's user may be any. */
	assert_int_equal(stat(shared, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0755);
}

static void without_a_repo_it_is_an_empty_folder(void **state)
{
	struct world *w = *state;
	struct workspace_spec s = spec_for(w, WORKSPACE_KIND_GIT_WORKTREE);
	CLEANUP(freep) char *shared = NULL;

	s.repo = "";
	prepare(w, &s);
	assert_int_equal(w->rc, 0);
	assert_int_equal(count(w->text, ""), 2);
	shared = w->w->ops->shared(w->w, &s);
	assert_null(shared);
}

static void link_of_an_earlier_kind_gives_way(void **state)
{
	struct world *w = *state;
	struct workspace_spec s = spec_for(w, WORKSPACE_KIND_LOCAL);
	CLEANUP(freep) char *file = xasprintf("%s/file", w->repo);
	struct stat st;

	s.path = w->repo;
	prepare(w, &s);
	assert_int_equal(w->rc, 0);
	s.kind = WORKSPACE_KIND_GIT_CLONE;
	prepare(w, &s);
	assert_int_equal(w->rc, 0);
	assert_int_equal(lstat(w->text, &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_true(file_exists(file));
}

static void cancelling_is_answered_and_leaves_nothing(void **state)
{
	struct world *w = *state;
	struct workspace_spec s = spec_for(w, WORKSPACE_KIND_GIT_CLONE);
	struct id id = {JOB_1};

	w->w->ops->prepare(w->w, &s, on_done, w);
	w->w->ops->cancel(w->w, &id);
	w->w->ops->cancel(w->w, &id);
	assert_int_equal(w->answers, 0);
	wait_answers(w, 1);
	assert_int_equal(w->rc, -ECANCELED);
	assert_int_equal(count(w->jobs, JOB_1), 0);
	/* And it can be begun again. */
	prepare(w, &s);
	assert_int_equal(w->rc, 0);
	w->w->ops->cancel(w->w, &id);
	assert_int_equal(loop_turn(w->loop, 0) >= 0, 1);
	assert_int_equal(w->answers, 2);
}

static void cancelling_one_who_waits_for_a_cache_leaves_the_others(void **state)
{
	struct world *w = *state;
	struct workspace_spec s = spec_for(w, WORKSPACE_KIND_GIT_WORKTREE);
	struct id id = {JOB_1};

	w->w->ops->prepare(w->w, &s, on_done, w);
	s.job_id = (struct id){JOB_2};
	w->w->ops->prepare(w->w, &s, on_done, w);
	w->w->ops->cancel(w->w, &id);
	wait_answers(w, 2);
	assert_int_equal(w->rc, 0);
	assert_true(str_has_suffix(w->text, JOB_2));
}

static void same_job_twice_at_once_is_refused(void **state)
{
	struct world *w = *state;
	struct workspace_spec s = spec_for(w, WORKSPACE_KIND_GIT_CLONE);

	w->w->ops->prepare(w->w, &s, on_done, w);
	w->w->ops->prepare(w->w, &s, on_done, w);
	wait_answers(w, 1);
	assert_int_equal(w->rc, -EBUSY);
	wait_answers(w, 2);
	assert_int_equal(w->rc, 0);
}

static void removing_a_job_ends_its_preparation(void **state)
{
	struct world *w = *state;
	struct workspace_spec s = spec_for(w, WORKSPACE_KIND_GIT_CLONE);
	struct id id = {JOB_1};

	w->w->ops->prepare(w->w, &s, on_done, w);
	w->w->ops->remove(w->w, &id);
	wait_answers(w, 1);
	assert_int_equal(w->rc, -ECANCELED);
}

/* At any moment of a preparation. */
static void freeing_the_room_calls_nobody(void **state)
{
	struct world *w = *state;

	for (unsigned turns = 0; turns < 40; turns++) {
		struct workspace_spec s = spec_for(
			w, turns % 2 == 0 ? WORKSPACE_KIND_GIT_CLONE : WORKSPACE_KIND_GIT_WORKTREE);

		w->answers = 0;
		w->w->ops->prepare(w->w, &s, on_done, w);
		for (unsigned i = 0; i < turns && w->answers == 0; i++)
			(void)loop_turn(w->loop, 60 * US_PER_SEC);
		w->w->ops->free(w->w);
		w->w = NULL;
		if (w->answers == 0) {
			while (loop_turn(w->loop, 0) > 0) {
			}
			assert_int_equal(w->answers, 0);
		}
		w->w = workspace_new(w->loop, w->jobs);
		w->w->ops->remove(w->w, &s.job_id);
	}
}

static void missing_git_is_told(void **state)
{
	struct world *w = *state;
	struct workspace_spec s = spec_for(w, WORKSPACE_KIND_GIT_CLONE);
	CLEANUP(freep) char *path = xstrdup(getenv("PATH"));

	w->w->ops->free(w->w);
	assert_int_equal(setenv("PATH", "/nonexistent", 1), 0);
	w->w = workspace_new(w->loop, w->jobs);
	prepare(w, &s);
	assert_int_equal(setenv("PATH", path, 1), 0);
	assert_true(w->rc < 0);
	assert_non_null(strstr(w->text, "git could not be started: No such file or directory"));
}

static void fake_loop_is_told_and_not_waited_for(void **state)
{
	struct world *w = *state;
	struct workspace_spec s = spec_for(w, WORKSPACE_KIND_GIT_CLONE);
	struct loop *fake = loop_new_fake(US_PER_SEC);
	struct workspace *room = workspace_new(fake, w->jobs);

	room->ops->prepare(room, &s, on_done, w);
	loop_settle(fake);
	assert_int_equal(w->answers, 1);
	assert_true(w->rc < 0);
	room->ops->free(room);
	loop_free(fake);
}

/* --- owners --- */

static void on_owned(void *ctx, int rc, const char *text UNUSED)
{
	struct world *w = ctx;

	w->answers++;
	w->rc = rc;
}

static void owner_of_a_whole_tree_is_changed_and_links_are_not_followed(void **state)
{
	struct world *w = *state;
	CLEANUP(freep) char *deep = xasprintf("%s/a/b/c", w->repo);
	CLEANUP(freep) char *link = xasprintf("%s/link", w->repo);
	CLEANUP(freep)
	char *many = xasprintf("cd %s && mkdir many && cd many && seq 2000 | xargs touch", w->repo);
	CLEANUP(freep) char *last = xasprintf("%s/many/2000", w->repo);
	struct stat st;

	if (geteuid() != 0)
		skip();
	shell(many);
	(void)owner_walk_new(w->loop, w->repo, 1234, 4321, on_owned, w);
	wait_answers(w, 1);
	assert_int_equal(w->rc, 0);
	assert_int_equal(lstat(deep, &st), 0);
	assert_int_equal(st.st_uid, 1234);
	assert_int_equal(st.st_gid, 4321);
	assert_int_equal(lstat(last, &st), 0);
	assert_int_equal(st.st_uid, 1234);
	assert_int_equal(lstat(link, &st), 0);
	assert_int_equal(st.st_uid, 1234);
	assert_int_equal(stat(link, &st), 0);
	assert_int_equal(st.st_uid, 0);
}

static void rights_are_opened_where_the_user_is_unknown(void **state)
{
	struct world *w = *state;
	CLEANUP(freep) char *deep = xasprintf("%s/a/b/c", w->repo);
	CLEANUP(freep) char *program = xasprintf("%s/file", w->repo);
	CLEANUP(freep) char *link = xasprintf("%s/link", w->repo);
	struct stat st;

	assert_int_equal(chmod(deep, 0600), 0);
	(void)owner_walk_new(w->loop, w->repo, (uid_t)-1, (gid_t)-1, on_owned, w);
	wait_answers(w, 1);
	assert_int_equal(w->rc, 0);
	assert_int_equal(stat(deep, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0666);
	assert_int_equal(stat(program, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0777);
	assert_int_equal(stat(link, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
}

static void walk_may_be_stopped(void **state)
{
	struct world *w = *state;
	struct owner_walk *walk =
		owner_walk_new(w->loop, w->repo, (uid_t)-1, (gid_t)-1, on_owned, w);

	owner_walk_free(walk);
	(void)loop_turn(w->loop, 0);
	assert_int_equal(w->answers, 0);
}

static void missing_folder_is_told(void **state)
{
	struct world *w = *state;

	(void)owner_walk_new(w->loop, "/nonexistent-folder", 0, 0, on_owned, w);
	wait_answers(w, 1);
	assert_int_equal(w->rc, -ENOENT);
}

/* --- where they grow --- */

static void what_a_dead_process_left_goes_and_what_a_living_one_has_stays(void **state)
{
	struct world *w = *state;
	CLEANUP(freep) char *trash_dir = xasprintf("%s/.trash", w->jobs);
	CLEANUP(freep) char *dead = xasprintf("%s/.new-dead/job", w->jobs);
	struct trash *trash;
	struct nursery *living;
	struct nursery *other;
	struct err e = CLEAN_ERR;

	assert_int_equal(dir_make(dead, 0700, &e), 0);
	trash = trash_new(w->loop, trash_dir);
	living = nursery_new(w->jobs, trash, &e);
	assert_non_null(living);
	assert_int_equal(count(w->jobs, ".new-"), 1);
	other = nursery_new(w->jobs, trash, &e);
	assert_non_null(other);
	assert_int_equal(count(w->jobs, ".new-"), 2);
	assert_true(file_exists(nursery_dir(living)));
	nursery_free(other);
	nursery_free(living);
	assert_int_equal(count(w->jobs, ".new-"), 0);
	trash_free(trash);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(clone_is_a_folder_of_its_own),
		T(worktree_shares_a_cache_named_after_the_repository),
		T(without_a_repo_it_is_an_empty_folder),
		T(link_of_an_earlier_kind_gives_way),
		T(cancelling_is_answered_and_leaves_nothing),
		T(cancelling_one_who_waits_for_a_cache_leaves_the_others),
		T(same_job_twice_at_once_is_refused),
		T(removing_a_job_ends_its_preparation),
		T(freeing_the_room_calls_nobody),
		T(missing_git_is_told),
		T(fake_loop_is_told_and_not_waited_for),
		T(owner_of_a_whole_tree_is_changed_and_links_are_not_followed),
		T(rights_are_opened_where_the_user_is_unknown),
		T(walk_may_be_stopped),
		T(missing_folder_is_told),
		T(what_a_dead_process_left_goes_and_what_a_living_one_has_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
