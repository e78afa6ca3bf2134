/* SPDX-License-Identifier: MIT */
/*
 * tests/config/test_paths.c - who decides where the socket is, and how names become paths.
 */
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "config/home.h"
#include "config/paths.h"
#include "lib/t.h"

static const char *const variables[] = {"PYLON_DAEMON_SOCKET_PATH", "NEON_PILOT_DAEMON_SOCKET_PATH",
	"PYLON_DAEMON_NAMESPACE", "NEON_PILOT_DAEMON_NAMESPACE"};

static int setup(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(variables); i++)
		assert_int_equal(unsetenv(variables[i]), 0);
	return home_setup(state);
}

static int teardown(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(variables); i++)
		assert_int_equal(unsetenv(variables[i]), 0);
	return home_teardown(state);
}

static void set(const char *name, const char *value)
{
	assert_int_equal(setenv(name, value, 1), 0);
}

/* --- the namespace --- */

static void expect_namespace(struct slice text, const char *want)
{
	CLEANUP(freep) char *have = paths_namespace(text);

	if (!str_eq(have, want))
		fail_msg("\"%.*s\" became %s", SLICE_ARG(text), have == NULL ? "nothing" : have);
}

static void namespaces_are_made_safe(void **state UNUSED)
{
	static const struct {
		const char *text, *want;
	} rows[] = {{"dev", "dev"}, {"a/b", "a-b"}, {"../../x", "..-..-x"}, {"  Dev 1 ", "Dev-1"},
		{"feature/foo@bar!!", "feature-foo-bar"}, {"---", NULL}, {"日本", NULL}, {"", NULL},
		{"   ", NULL}, {"..", ".."}, {"a日本b", "a-b"}, {"a - b", "a---b"}, {"--a--", "a"},
		{"a__b.c-d", "a__b.c-d"}, {"/-/a/-/", "a"}, {"\t\n", NULL}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect_namespace(slice_of(rows[i].text), rows[i].want);
	expect_namespace(SLICE_LIT("x\0y"), "x-y");
	expect_namespace(SLICE_NULL, NULL);
}

/* The cut comes last: what it leaves at the end stays. */
static void namespaces_are_cut_at_80(void **state UNUSED)
{
	for (size_t n = 79; n <= 81; n++) {
		CLEANUP(buf_fini) struct buf text = BUF_NULL;
		CLEANUP(freep) char *have = NULL;

		while (text.n < n)
			buf_add_char(&text, 'a');
		have = paths_namespace(buf_slice(&text));
		assert_int_equal(strlen(have), MIN_OF(n, (size_t)80));
		free(have);
		buf_add_str(&text, "/bbb");
		have = paths_namespace(buf_slice(&text));
		assert_int_equal(strlen(have), 80);
		assert_int_equal(have[79], n == 79 ? '-' : 'a');
	}
}

/* --- who decides --- */

/* `want` is below the home unless it is absolute. */
static void expect_socket(struct home *h, const char *option, const char *want, bool is_isolated)
{
	CLEANUP(paths_fini) struct paths p = {0};
	CLEANUP(freep) char *full = want[0] == '/' ? xstrdup(want) : home_at(h, want);
	CLEANUP(freep) char *folder = xstrndup(full, (size_t)(strrchr(full, '/') - full));
	CLEANUP(freep) char *lock = xasprintf("%s/lock", folder);
	struct err e = CLEAN_ERR;

	assert_int_equal(paths_init(&p, h->path, option, &e), 0);
	assert_string_equal(p.socket, full);
	assert_string_equal(p.daemon_dir, folder);
	assert_string_equal(p.lock, lock);
	assert_int_equal(p.is_isolated, is_isolated);
}

/* Each line is stronger than those above it. */
static void the_first_that_says_something_decides(void **state)
{
	struct home *h = *state;

	expect_socket(h, NULL, "daemon/socket", false);
	home_write(h, "config.yaml", "daemon: {ipc: {socketPath: /c/file.sock}}\n");
	expect_socket(h, NULL, "/c/file.sock", false);
	set("NEON_PILOT_DAEMON_NAMESPACE", "theirs");
	expect_socket(h, NULL, "daemon-theirs/socket", true);
	set("PYLON_DAEMON_NAMESPACE", "ours/1");
	expect_socket(h, NULL, "daemon-ours-1/socket", true);
	set("NEON_PILOT_DAEMON_SOCKET_PATH", "/n/theirs.sock");
	expect_socket(h, NULL, "/n/theirs.sock", true);
	set("PYLON_DAEMON_SOCKET_PATH", "/p/ours.sock");
	expect_socket(h, NULL, "/p/ours.sock", true);
	expect_socket(h, "/o/option.sock", "/o/option.sock", true);
}

static void what_is_blank_says_nothing(void **state)
{
	struct home *h = *state;

	set("PYLON_DAEMON_SOCKET_PATH", " \t\n");
	set("NEON_PILOT_DAEMON_SOCKET_PATH", "");
	set("PYLON_DAEMON_NAMESPACE", "--/--");
	expect_socket(h, NULL, "daemon/socket", false);
	set("NEON_PILOT_DAEMON_NAMESPACE", "dev");
	expect_socket(h, NULL, "daemon-dev/socket", true);
	home_write(h, "config.yaml", "daemon:\n  ipc:\n    socketPath: \"  \"\n");
	assert_int_equal(unsetenv("NEON_PILOT_DAEMON_NAMESPACE"), 0);
	expect_socket(h, NULL, "daemon/socket", false);
}

static void paths_are_trimmed_expanded_and_made_absolute(void **state)
{
	struct home *h = *state;
	CLEANUP(freep) char *user = xasprintf("%s/user/run/s", h->dir);
	CLEANUP(freep) char *cwd = getcwd(NULL, 0);
	CLEANUP(freep) char *below = xasprintf("%s/a/s", cwd);
	CLEANUP(freep) char *above = xasprintf("%s/../s", cwd);
	CLEANUP(freep) char *other = xasprintf("%s/~x/s", cwd);

	expect_socket(h, "  ~/run/s\n", user, true);
	expect_socket(h, "a/s", below, true);
	expect_socket(h, "./a//s/", below, true);
	expect_socket(h, "../s", above, true);
	expect_socket(h, "~x/s", other, true);
	expect_socket(h, "/a/./b//c/../s", "/a/b/c/../s", true);
	set("PYLON_DAEMON_SOCKET_PATH", " ~/run/s ");
	expect_socket(h, NULL, user, true);
}

/* The daemon and its clients have different working directories. */
static void relative_path_of_the_file_begins_at_the_home(void **state)
{
	struct home *h = *state;
	CLEANUP(freep) char *user = xasprintf("%s/user/s", h->dir);

	home_write(h, "config.yaml", "daemon: {ipc: {socketPath: run/s}}\n");
	expect_socket(h, NULL, "run/s", false);
	home_write(h, "config.yaml", "daemon: {ipc: {socketPath: ' ~/s '}}\n");
	expect_socket(h, NULL, user, false);
}

static void json_file_is_read_too(void **state)
{
	struct home *h = *state;

	home_write(h, "config.json", "{\"daemon\": {\"ipc\": {\"socketPath\": \"/j/s\"}}}");
	expect_socket(h, NULL, "/j/s", false);
}

/* config_load() tells what is wrong with it. */
static void unusable_file_says_nothing(void **state)
{
	static const char *const texts[] = {"daemon: [", "[]", "daemon: {ipc: {socketPath: [a]}}",
		"daemon: {ipc: x}", "daemon: {ipc: {socketPath: null}}",
		"daemon: {ipc: {socketPath: ~}}", "daemon: {}", "\"daemon.ipc.socketPath\": /x",
		""};
	struct home *h = *state;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		home_write(h, "config.yaml", texts[i]);
		expect_socket(h, NULL, "daemon/socket", false);
	}
	home_write(h, "config.yaml", "daemon: {ipc: {socketPath: /x}}");
	home_write(h, "config.json", "{}");
	expect_socket(h, NULL, "daemon/socket", false);
}

/* --- what does not work --- */

static char *long_path(size_t n)
{
	CLEANUP(buf_fini) struct buf path = BUF_NULL;

	buf_add_str(&path, "/t/");
	while (path.n < n)
		buf_add_char(&path, 's');
	return buf_steal(&path);
}

static void expect_too_long(const char *home, const char *option, const char *advice)
{
	CLEANUP(paths_fini) struct paths p = {0};
	struct err e = CLEAN_ERR;

	assert_int_equal(paths_init(&p, home, option, &e), -ENAMETOOLONG);
	assert_non_null(p.socket);
	if (strstr(e.text, advice) == NULL)
		fail_msg("no \"%s\" in: %s", advice, e.text);
}

static void too_long_a_path_is_told_with_what_to_do(void **state)
{
	const size_t max = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
	struct home *h = *state;
	CLEANUP(freep) char *text = NULL;

	for (size_t n = max - 1; n <= max + 1; n++) {
		CLEANUP(freep) char *path = long_path(n);

		if (n <= max)
			expect_socket(h, path, path, true);
		else
			expect_too_long(h->path, path, "set --socket to a shorter one");
		str_replace(&text, path);
	}
	set("NEON_PILOT_DAEMON_SOCKET_PATH", text);
	expect_too_long(h->path, NULL, "set NEON_PILOT_DAEMON_SOCKET_PATH to a shorter one");
	assert_int_equal(unsetenv("NEON_PILOT_DAEMON_SOCKET_PATH"), 0);
	expect_too_long(text, NULL, "set PYLON_DAEMON_SOCKET_PATH to a short path");
	set("PYLON_DAEMON_NAMESPACE", "x");
	expect_too_long(text, NULL, "shorten PYLON_DAEMON_NAMESPACE or set");
}

static int folder_verdict(struct home *h, const char *option, mode_t mode, struct err *e)
{
	CLEANUP(paths_fini) struct paths p = {0};

	assert_int_equal(paths_init(&p, h->path, option, e), 0);
	assert_int_equal(dir_make(p.daemon_dir, 0700, e), 0);
	assert_int_equal(chmod(p.daemon_dir, mode), 0);
	return paths_check_folder(&p, e);
}

static void folder_that_others_may_write_to_is_refused(void **state)
{
	struct home *h = *state;
	CLEANUP(freep) char *path = home_at(h, "f/s");
	struct err e = CLEAN_ERR;

	assert_int_equal(folder_verdict(h, path, 0700, &e), 0);
	assert_int_equal(folder_verdict(h, path, 0755, &e), 0);
	assert_int_equal(folder_verdict(h, path, 0770, &e), -EPERM);
	assert_int_equal(folder_verdict(h, path, 01777, &e), -EPERM);
	assert_non_null(strstr(e.text, "chmod go-w"));
	if (geteuid() != 0)
		return;
	assert_int_equal(chown(e.text[0] != '\0' ? strrchr(e.text, ' ') + 1 : "", 1, 1), 0);
	assert_int_equal(folder_verdict(h, path, 0700, &e), -EPERM);
	assert_non_null(strstr(e.text, "another user"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(namespaces_are_made_safe),
		cmocka_unit_test(namespaces_are_cut_at_80),
		cmocka_unit_test_setup_teardown(
			the_first_that_says_something_decides, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_blank_says_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(
			paths_are_trimmed_expanded_and_made_absolute, setup, teardown),
		cmocka_unit_test_setup_teardown(
			relative_path_of_the_file_begins_at_the_home, setup, teardown),
		cmocka_unit_test_setup_teardown(json_file_is_read_too, setup, teardown),
		cmocka_unit_test_setup_teardown(unusable_file_says_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(
			too_long_a_path_is_told_with_what_to_do, setup, teardown),
		cmocka_unit_test_setup_teardown(
			folder_that_others_may_write_to_is_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
