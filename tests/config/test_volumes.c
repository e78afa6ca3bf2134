/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sys/stat.h>

#include "config/home.h"
#include "lib/t.h"

struct rules {
	struct home *home;
	struct volume_rules v;
};

static int setup(void **state)
{
	struct rules *r = xcalloc(1, sizeof(*r));
	void *home = NULL;

	(void)home_setup(&home);
	r->home = home;
	volume_rules_init(&r->v, r->home->path, "/srv/engine/docker.sock");
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct rules *r = *state;
	void *home = r->home;

	volume_rules_fini(&r->v);
	(void)home_teardown(&home);
	free(r);
	return 0;
}

static void expect_volume(const struct rules *r, const char *text, const char *result)
{
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	struct err e = CLEAN_ERR;
	int rc = volume_check(&r->v, text, &out, &e);

	assert_string_equal(rc == 0 ? buf_str(&out) : e.text, result);
}

static void volume_has_source_target_and_mode(void **state)
{
	expect_volume(*state, "/h:/c", "/h:/c:ro");
	expect_volume(*state, "/h:/c:ro", "/h:/c:ro");
	expect_volume(*state, "/h:/c:rw", "/h:/c:rw");
	expect_volume(*state, "/etc/ssl:/x", "/etc/ssl:/x:ro");
	expect_volume(*state, "/h//a/./b/../c/:/c/", "/h/a/c:/c/:ro");
	expect_volume(*state, "relative:/p", "the source must be absolute or begin with ~/");
	expect_volume(*state, "~user/x:/p", "the source must be absolute or begin with ~/");
	expect_volume(*state, ":/p", "the source is empty");
	expect_volume(*state, "/p:", "the target is empty");
	expect_volume(*state, "/p::ro", "the target is empty");
	expect_volume(*state, "/just", "must be source:target[:ro|rw]");
	expect_volume(*state, "", "must be source:target[:ro|rw]");
	expect_volume(*state, "/h:/c:xx", "the mode must be ro or rw, not `xx`");
	expect_volume(*state, "/a:/b:ro:z", "the mode must be ro or rw, not `ro:z`");
	expect_volume(*state, "/a:/b:", "the mode must be ro or rw, not ``");
}

static void target_is_a_place_of_its_own(void **state)
{
	static const char *const own[] = {
		"/workspace", "/workspace/", "/run/pylon", "/run/pylon/x", "/run", "/run/./pylon"};

	expect_volume(*state, "/h:c", "the target must be absolute");
	expect_volume(*state, "/h:/", "the target cannot be the root");
	expect_volume(*state, "/h:/x/..", "the target cannot be the root");
	expect_volume(*state, "/h:/workspace/x", "/h:/workspace/x:ro");
	/* Whoever mounts there looks after the agent's sessions himself. */
	expect_volume(*state, "/h:/home/pylon/.claude:rw", "/h:/home/pylon/.claude:rw");
	expect_volume(*state, "/h:/home/pylon/.opencode-data", "/h:/home/pylon/.opencode-data:ro");
	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		CLEANUP(freep) char *text = xasprintf("/h:%s", own[i]);

		expect_volume(*state, text, "the target is one of Pylon's own places");
	}
}

static void tilde_is_the_users_home(void **state)
{
	const struct rules *r = *state;
	CLEANUP(freep) char *expected = xasprintf("%s/user/c:/c:ro", r->home->dir);
	CLEANUP(freep) char *home = xasprintf("%s/user:/c:ro", r->home->dir);

	expect_volume(r, "~/c:/c:ro", expected);
	expect_volume(r, "~:/c", home);
}

static void tilde_without_a_home_is_refused(void **state)
{
	struct rules *r = *state;

	free(STEAL(r->v.user_home));
	expect_volume(r, "~/c:/c", "the source begins with ~, but $HOME is not set");
}

static void folders_of_the_system_are_refused(void **state)
{
	static const char *const paths[] = {"/", "/etc", "/etc/", "//etc/.", "/root", "/boot",
		"/proc", "/proc/1/root", "/sys", "/sys/fs/cgroup", "/dev", "/dev/sda", "/x/../etc"};

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		CLEANUP(freep) char *text = xasprintf("%s:/c", paths[i]);
		CLEANUP(buf_fini) struct buf out = BUF_NULL;
		struct err e = CLEAN_ERR;
		const struct rules *r = *state;

		assert_int_equal(volume_check(&r->v, text, &out, &e), -22);
		if (!strstr(e.text, "is a folder of the system"))
			fail_msg("%s: %s", paths[i], e.text);
		assert_int_equal(out.n, 0);
	}
	expect_volume(*state, "/etcetera:/c", "/etcetera:/c:ro");
	expect_volume(*state, "/boot/grub:/c", "/boot/grub:/c:ro");
	expect_volume(*state, "/device:/c", "/device:/c:ro");
}

static void engine_sockets_and_what_is_above_them_are_refused(void **state)
{
	static const char text[] =
		"the source holds the container engine's socket, which is as good as "
		"root";
	static const char *const paths[] = {"/run/docker.sock", "/run", "/run/podman",
		"/run/podman/podman.sock", "/run/containerd", "/srv/engine/docker.sock",
		"/srv/engine", "/srv"};
	const struct rules *r = *state;

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		CLEANUP(freep) char *volume = xasprintf("%s:/d", paths[i]);

		expect_volume(r, volume, text);
	}
	expect_volume(r, "/srv/engine/docker.sock.d:/d", "/srv/engine/docker.sock.d:/d:ro");
	expect_volume(r, "/srv/other:/d", "/srv/other:/d:ro");
}

static void engine_socket_of_the_environment_is_refused(void **state)
{
	struct rules *r = *state;

	volume_rules_fini(&r->v);
	(void)setenv("XDG_RUNTIME_DIR", "/users/7", 1);
	(void)setenv("DOCKER_HOST", "unix:///own/engine.sock", 1);
	volume_rules_init(&r->v, r->home->path, NULL);
	expect_volume(r, "/users/7:/d",
		"the source holds the container engine's socket, which is as good as root");
	expect_volume(r, "/own:/d",
		"the source holds the container engine's socket, which is as good as root");
	expect_volume(r, "/srv:/d", "/srv:/d:ro");
}

static void pylon_home_and_what_is_above_it_are_refused(void **state)
{
	const struct rules *r = *state;
	CLEANUP(freep) char *self = xasprintf("%s:/c", r->home->path);
	CLEANUP(freep) char *above = xasprintf("%s:/c", r->home->dir);

	expect_volume(r, self, "the source holds $PYLON_HOME and its secrets");
	expect_volume(r, above, "the source holds $PYLON_HOME and its secrets");
}

static void files_of_pylon_itself_are_refused(void **state)
{
	static const char *const own[] = {".env", ".id", "config.yaml", "config.json", "pylons",
		"pylons/x", "pylons/x/.env", "pylons/x/pylon.yaml", "pylons/x/jobs.db",
		"pylons/x/jobs.db-wal", "jobs", "jobs/1", "repos", "repos/0123456789abcdef/objects",
		"sessions", "sessions/x", "sessions/x/claude/.credentials.json", "daemon",
		"daemon/socket", "daemon-dev", "daemon-dev/x"};
	static const char *const free_ones[] = {"pylons/x/skills", "pylons/x/skills/a", "tools",
		"daemons", "jobs2", "x/.env", "repository", "sessions2", "x/sessions"};
	const struct rules *r = *state;

	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		CLEANUP(freep) char *volume = xasprintf("%s/%s:/c", r->home->path, own[i]);

		expect_volume(r, volume, "the source holds files of Pylon itself");
	}
	for (size_t i = 0; i < ARRAY_LEN(free_ones); i++) {
		CLEANUP(freep) char *volume = xasprintf("%s/%s:/c", r->home->path, free_ones[i]);
		CLEANUP(freep) char *result = xasprintf("%s:ro", volume);

		expect_volume(r, volume, result);
	}
}

static void source_is_judged_behind_its_links(void **state)
{
	const struct rules *r = *state;
	CLEANUP(freep) char *to_etc = xasprintf("%s/user/e", r->home->dir);
	CLEANUP(freep) char *to_home = xasprintf("%s/user/h", r->home->dir);
	CLEANUP(freep) char *to_user = xasprintf("%s/user/u", r->home->dir);
	CLEANUP(freep) char *user = xasprintf("%s/user", r->home->dir);
	CLEANUP(freep) char *through = xasprintf("%s/user/x:/c:ro", r->home->dir);
	CLEANUP(freep)
	char *secret = xasprintf(
		"the source is %s/.env, which holds files of Pylon itself", r->home->path);

	assert_int_equal(symlink("/etc", to_etc), 0);
	assert_int_equal(symlink(r->home->path, to_home), 0);
	assert_int_equal(symlink(user, to_user), 0);
	expect_volume(r, "~/e:/c",
		"the source is /etc, which is a folder of the system and is never handed to an agent");
	/* What is missing behind a link is judged where it would be. */
	expect_volume(r, "~/h/.env:/c", secret);
	expect_volume(r, "~/u/x:/c", through);
	expect_volume(r, "~/u/u/../user/u/x:/c", through);
}

static void link_that_cannot_be_followed_is_refused(void **state)
{
	const struct rules *r = *state;
	CLEANUP(freep) char *link = xasprintf("%s/user/l", r->home->dir);

	assert_int_equal(symlink("/nonexistent-place/x", link), 0);
	expect_volume(r, "~/l:/c", "the source is or leads through a link that cannot be followed");
	expect_volume(
		r, "~/l/sub:/c", "the source is or leads through a link that cannot be followed");
}

static void link_to_a_path_with_a_colon_is_refused(void **state)
{
	const struct rules *r = *state;
	CLEANUP(freep) char *odd = xasprintf("%s/user/a:b", r->home->dir);
	CLEANUP(freep) char *link = xasprintf("%s/user/l", r->home->dir);

	assert_int_equal(mkdir(odd, 0700), 0);
	assert_int_equal(symlink(odd, link), 0);
	expect_volume(
		r, "~/l:/c", "the source leads to a path with a colon, which cannot be mounted");
}

static int check_folders(const char *path, const char *volume)
{
	struct pylon_config p = {.workspace_path = path == NULL ? NULL : xstrdup(path)};
	struct err e = CLEAN_ERR;
	int rc;

	if (volume != NULL)
		strv_add(&p.volumes, volume);
	rc = pylon_config_check_folders(&p, &e);
	if (rc < 0)
		assert_non_null(strstr(e.text, "a part of it is a link now"));
	free(p.workspace_path);
	strv_fini(&p.volumes);
	return rc;
}

static void folder_whose_path_has_a_link_by_now_is_noticed(void **state)
{
	const struct rules *r = *state;
	CLEANUP(freep) char *real = realpath(r->home->dir, NULL);
	CLEANUP(freep) char *above = xasprintf("%s/user/above", real);
	CLEANUP(freep) char *path = xasprintf("%s/folder", above);
	CLEANUP(freep) char *volume = xasprintf("%s:/c:ro", path);

	assert_int_equal(check_folders(NULL, NULL), 0);
	/* What is missing is no link. */
	assert_int_equal(check_folders(path, volume), 0);
	assert_int_equal(mkdir(above, 0700), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(check_folders(path, volume), 0);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(symlink("/nonexistent-place", path), 0);
	assert_int_equal(check_folders(path, NULL), -EPERM);
	assert_int_equal(check_folders(NULL, volume), -EPERM);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(above), 0);
	assert_int_equal(symlink("/", above), 0);
	assert_int_equal(check_folders(path, NULL), -EPERM);
	assert_int_equal(check_folders(NULL, volume), -EPERM);
}

static void overlong_source_is_refused(void **state)
{
	CLEANUP(buf_fini) struct buf b = BUF_NULL;

	while (b.n < 5000)
		buf_add_str(&b, "/x");
	buf_add_str(&b, ":/c");
	expect_volume(*state, buf_str(&b), "the source is longer than a path can be");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(volume_has_source_target_and_mode),
		TEST(target_is_a_place_of_its_own),
		TEST(tilde_is_the_users_home),
		TEST(tilde_without_a_home_is_refused),
		TEST(folders_of_the_system_are_refused),
		TEST(engine_sockets_and_what_is_above_them_are_refused),
		TEST(engine_socket_of_the_environment_is_refused),
		TEST(pylon_home_and_what_is_above_it_are_refused),
		TEST(files_of_pylon_itself_are_refused),
		TEST(source_is_judged_behind_its_links),
		TEST(link_that_cannot_be_followed_is_refused),
		TEST(link_to_a_path_with_a_colon_is_refused),
		TEST(folder_whose_path_has_a_link_by_now_is_noticed),
		TEST(overlong_source_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
