/* SPDX-License-Identifier: MIT */
/*
 * tests/workspace/test_session.c - the folder that an agent keeps: whose it is, who reaches it, and
 * that nothing else is made or removed.
 */
#include <sched.h>
#include <sys/mount.h>

#include "session_world.h"

/* --- folders --- */

static void folder_is_the_agents_and_its_parents_are_ours(void **state)
{
	struct world *w = *state;
	CLEANUP(freep) char *top = in_sessions(w, "");
	CLEANUP(freep) char *pylon = in_sessions(w, "triage");
	struct stat st;
	mode_t old = umask(0);

	prepare(w);
	(void)umask(old);
	expect_mode(top, 0700);
	expect_mode(pylon, 0700);
	assert_int_equal(look(top).st_uid, geteuid());
	assert_int_equal(look(pylon).st_uid, geteuid());
	st = look(w->folder);
	if (is_root()) {
		assert_int_equal(st.st_uid, AGENT);
		assert_int_equal(st.st_gid, AGENT);
		expect_mode(w->folder, 0700);
	} else {
		assert_int_equal(st.st_uid, geteuid());
		expect_mode(w->folder, 0777);
	}
	assert_false(w->has_login);
	assert_int_equal(w->secrets.n, 0);
}

static void folder_is_open_to_all_where_nobody_knows_the_user(void **state)
{
	struct world *w = *state;
	mode_t old = umask(077);

	w->s.owner.is_known = false;
	write_text(w->login, LOGIN);
	prepare(w);
	(void)umask(old);
	expect_mode(w->folder, 0777);
	/* The agent writes it when it refreshes its tokens. */
	expect_mode(w->kept, 0666);
	assert_int_equal(look(w->folder).st_uid, geteuid());
}

static void folders_that_were_opened_up_are_closed_again(void **state)
{
	struct world *w = *state;
	CLEANUP(freep) char *top = in_sessions(w, "");
	CLEANUP(freep) char *pylon = in_sessions(w, "triage");

	prepare(w);
	assert_int_equal(chmod(top, 0755), 0);
	assert_int_equal(chmod(pylon, 0777), 0);
	assert_int_equal(chmod(w->folder, 0), 0);
	prepare(w);
	expect_mode(top, 0700);
	expect_mode(pylon, 0700);
	expect_mode(w->folder, is_root() ? 0700 : 0777);
}

static void owner_of_a_folder_may_change(void **state)
{
	struct world *w = *state;

	if (!is_root())
		skip();
	write_text(w->login, LOGIN);
	prepare(w);
	w->s.owner.uid = w->s.owner.gid = AGENT + 1;
	prepare(w);
	assert_int_equal(look(w->folder).st_uid, AGENT + 1);
	/* The old one could not be read. */
	assert_int_equal(look(w->kept).st_uid, AGENT + 1);
	expect_content(w->kept, LOGIN);
	w->s.owner.is_known = false;
	prepare(w);
	expect_mode(w->folder, 0777);
}

static void links_in_the_place_of_folders_are_refused(void **state)
{
	static const char *const places[] = {"", "triage", "triage/claude"};
	struct world *w = *state;
	const char *outside = scratch_path(w->scratch, "outside");
	CLEANUP(freep) char *inside = xasprintf("%s/" NAME, outside);

	write_text(w->login, LOGIN);
	assert_int_equal(mkdir(outside, 0750), 0);
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		CLEANUP(freep) char *top = in_sessions(w, "");
		CLEANUP(freep) char *place = in_sessions(w, places[i]);
		struct err e = CLEAN_ERR;

		top[strlen(top) - 1] = '\0';
		assert_int_equal(tree_remove(top, &e), 0);
		prepare(w);
		if (place[strlen(place) - 1] == '/')
			place[strlen(place) - 1] = '\0';
		assert_int_equal(tree_remove(place, &e), 0);
		assert_int_equal(symlink(outside, place), 0);
		expect_failure(w, -ENOTDIR);
		assert_non_null(strstr(w->e.text, place));
		assert_int_equal(unlink(place), 0);
		write_text(place, "a file");
		expect_failure(w, -ENOTDIR);
		assert_int_equal(unlink(place), 0);
	}
	expect_mode(outside, 0750);
	assert_int_equal(look(outside).st_uid, geteuid());
	assert_false(file_exists(inside));
}

static void names_that_lead_elsewhere_are_refused(void **state)
{
	static const char *const names[] = {"", ".", "..", "../x", "a/b", "/a", "-x", "A"};
	struct world *w = *state;
	CLEANUP(freep) char *top = in_sessions(w, "");

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		bool is_file_name = names[i][0] == '-' || names[i][0] == 'A';

		w->s.pylon = names[i];
		expect_failure(w, -EINVAL);
		assert_int_equal(session_remove(w->home, names[i], NULL), -EINVAL);
		w->s.pylon = "triage";
		w->s.agent = names[i];
		expect_failure(w, -EINVAL);
		w->s.agent = "claude";
		if (is_file_name)
			continue;
		w->s.login_name = names[i];
		expect_failure(w, -EINVAL);
		w->s.login_name = NAME;
	}
	assert_false(file_exists(top));
}

static void missing_home_is_told(void **state)
{
	struct world *w = *state;

	assert_int_equal(rmdir(w->home), 0);
	expect_failure(w, -ENOENT);
	assert_non_null(strstr(w->e.text, w->home));
}

static void path_has_no_links_in_it(void **state)
{
	struct world *w = *state;
	const char *link = scratch_path(w->scratch, "link");

	assert_int_equal(symlink(w->home, link), 0);
	w->s.home = link;
	prepare(w);
}

/* --- other users --- */

static void prepare_as_nobody(void *ctx)
{
	struct world *w = ctx;
	struct stat st;

	/* Whoever the agent is, it is not us, and we may give nothing away. */
	CHILD_CHECK(try_prepare(w) == 0);
	CHILD_CHECK(w->has_login);
	CHILD_CHECK(stat(w->folder, &st) == 0 && (st.st_mode & 07777) == 0777);
	CHILD_CHECK(st.st_uid == geteuid());
	CHILD_CHECK(stat(w->kept, &st) == 0 && (st.st_mode & 07777) == 0666);
	/* The agent is ourselves. */
	w->s.owner.uid = geteuid();
	w->s.owner.gid = getegid();
	CHILD_CHECK(unlink(w->kept) == 0);
	CHILD_CHECK(try_prepare(w) == 0);
	CHILD_CHECK(stat(w->folder, &st) == 0 && (st.st_mode & 07777) == 0700);
	CHILD_CHECK(stat(w->kept, &st) == 0 && (st.st_mode & 07777) == 0600);
	/* The host's login is another user's. */
	CHILD_CHECK(chmod(w->login, 0) == 0);
	CHILD_CHECK(try_prepare(w) == 0);
	CHILD_CHECK(w->has_login);
	CHILD_CHECK(unlink(w->kept) == 0);
	CHILD_CHECK(try_prepare(w) == 0);
	CHILD_CHECK(!w->has_login);
	/* And the agent took our rights away. */
	CHILD_CHECK(chmod(w->login, 0600) == 0 && chmod(w->folder, 0) == 0);
	CHILD_CHECK(try_prepare(w) == 0);
	CHILD_CHECK(w->has_login);
}

static void it_works_for_an_ordinary_user(void **state)
{
	struct world *w = *state;

	write_text(w->login, LOGIN);
	if (is_root()) {
		assert_int_equal(chown(scratch_dir(w->scratch), 65534, 65534), 0);
		assert_int_equal(chown(w->home, 65534, 65534), 0);
		assert_int_equal(chown(w->login, 65534, 65534), 0);
	}
	assert_int_equal(scratch_fork_unprivileged(prepare_as_nobody, w), 0);
}

static void read_as_agent(void *ctx)
{
	struct world *w = ctx;
	CLEANUP(closep) int fd = open(w->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	CHILD_CHECK(fd >= 0);
	CHILD_CHECK(setresgid(AGENT, AGENT, AGENT) == 0 && setresuid(AGENT, AGENT, AGENT) == 0);
	/* Only through the mount, for which the descriptor stands here. */
	CHILD_CHECK(access(w->folder, F_OK) < 0 && errno == EACCES);
	CHILD_CHECK(faccessat(fd, NAME, R_OK | W_OK, 0) == 0);
	CHILD_CHECK(mkdirat(fd, "projects", 0700) == 0);
}

static void agent_reads_and_writes_through_the_mount_only(void **state)
{
	struct world *w = *state;

	if (!is_root())
		skip();
	write_text(w->login, LOGIN);
	for (int i = 0; i < 2; i++) {
		CLEANUP(freep) char *projects = xasprintf("%s/projects", w->folder);

		w->s.owner.is_known = i == 0;
		prepare(w);
		assert_int_equal(scratch_fork(read_as_agent, w), 0);
		assert_int_equal(rmdir(projects), 0);
		assert_int_equal(unlink(w->kept), 0);
	}
}

static void prepare_on_a_full_disk(void *ctx)
{
	struct world *w = ctx;
	CLEANUP(freep) char *filler = xasprintf("%s/filler", w->home);
	CLEANUP(freep) char *draft = in_sessions(w, "triage/claude.new");
	CLEANUP(freep) char *large = xcalloc(1, SESSION_LOGIN_MAX);

	if (unshare(CLONE_NEWNS) < 0 || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("tmpfs", w->home, "tmpfs", 0, "size=128k") < 0)
		_exit(77);
	CHILD_CHECK(try_prepare(w) == 0);
	memset(large, 'x', SESSION_LOGIN_MAX);
	write_file(filler, large, SESSION_LOGIN_MAX, 0600);
	write_file(w->login, large, SESSION_LOGIN_MAX, 0600);
	CHILD_CHECK(try_prepare(w) == -ENOSPC);
	CHILD_CHECK(w->e.text[0] != '\0');
	CHILD_CHECK(!file_exists(draft));
	CHILD_CHECK(unlink(filler) == 0);
	CHILD_CHECK(try_prepare(w) == 0);
}

static void full_disk_is_told(void **state)
{
	struct world *w = *state;
	int status;

	if (!is_root())
		skip();
	status = scratch_fork(prepare_on_a_full_disk, w);
	if (status == 77 << 8)
		skip();
	assert_int_equal(status, 0);
}

/* --- removing --- */

static void sessions_of_a_pylon_are_removed_and_no_others(void **state)
{
	struct world *w = *state;
	const char *file = scratch_file(w->scratch, "precious", "precious");
	CLEANUP(freep) char *link = xasprintf("%s/link", w->folder);
	CLEANUP(freep) char *gone = in_sessions(w, "triage");
	CLEANUP(freep) char *other = in_sessions(w, "other/claude");
	struct err e = CLEAN_ERR;

	assert_int_equal(session_remove(w->home, "triage", &e), 0);
	write_text(w->login, LOGIN);
	prepare(w);
	w->s.pylon = "other";
	assert_int_equal(try_prepare(w), 0);
	assert_int_equal(symlink(file, link), 0);
	assert_int_equal(chmod(w->folder, 0), 0);
	assert_int_equal(session_remove(w->home, "triage", &e), 0);
	assert_false(file_exists(gone));
	assert_true(file_exists(other));
	expect_content(file, "precious");
	assert_int_equal(session_remove(w->home, "triage", &e), 0);
}

static void removing_follows_no_link(void **state)
{
	struct world *w = *state;
	const char *outside = scratch_path(w->scratch, "outside");
	CLEANUP(freep) char *below = xasprintf("%s/triage", outside);
	CLEANUP(freep) char *pylon = in_sessions(w, "triage");
	CLEANUP(freep) char *top = xasprintf("%s/sessions", w->home);
	struct err e = CLEAN_ERR;

	assert_int_equal(mkdir(outside, 0700), 0);
	assert_int_equal(mkdir(below, 0700), 0);
	assert_int_equal(symlink(outside, top), 0);
	assert_int_equal(session_remove(w->home, "triage", &e), -ENOTDIR);
	assert_true(file_exists(below));
	assert_int_equal(unlink(top), 0);
	assert_int_equal(mkdir(top, 0700), 0);
	assert_int_equal(symlink(outside, pylon), 0);
	assert_int_equal(session_remove(w->home, "triage", &e), 0);
	assert_int_equal(access(pylon, F_OK), -1);
	assert_true(file_exists(below));
}

#define T(name) cmocka_unit_test_setup_teardown(name, session_setup, session_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(folder_is_the_agents_and_its_parents_are_ours),
		T(folder_is_open_to_all_where_nobody_knows_the_user),
		T(folders_that_were_opened_up_are_closed_again),
		T(owner_of_a_folder_may_change),
		T(links_in_the_place_of_folders_are_refused),
		T(names_that_lead_elsewhere_are_refused),
		T(missing_home_is_told),
		T(path_has_no_links_in_it),
		T(it_works_for_an_ordinary_user),
		T(agent_reads_and_writes_through_the_mount_only),
		T(full_disk_is_told),
		T(sessions_of_a_pylon_are_removed_and_no_others),
		T(removing_follows_no_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
