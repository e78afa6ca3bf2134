/* SPDX-License-Identifier: MIT */
#include <sys/socket.h>
#include <sys/un.h>

#include "config/home.h"
#include "lib/t.h"

/* --- the home --- */

static void expect_home(const char *override, const char *expected)
{
	struct err e = CLEAN_ERR;
	CLEANUP(freep) char *got = config_home(override, &e);

	assert_string_equal(got ? got : e.text, expected);
}

static void home_is_the_option_then_the_variable_then_the_users(void **state UNUSED)
{
	(void)setenv("HOME", "/users/u", 1);
	(void)unsetenv("PYLON_HOME");
	expect_home(NULL, "/users/u/.pylon");
	expect_home("", "/users/u/.pylon");
	(void)setenv("PYLON_HOME", "", 1);
	expect_home(NULL, "/users/u/.pylon");
	(void)setenv("PYLON_HOME", "/srv/pylon/", 1);
	expect_home(NULL, "/srv/pylon");
	expect_home("/other//", "/other");
	expect_home("/", "/");
}

static void home_that_nothing_names_is_an_error(void **state UNUSED)
{
	(void)unsetenv("HOME");
	(void)unsetenv("PYLON_HOME");
	expect_home(NULL, "neither PYLON_HOME nor HOME is set");
}

static void relative_home_is_made_absolute(void **state)
{
	struct home *h = *state;
	CLEANUP(freep) char *expected = xasprintf("%s/x/y", h->dir);
	char before[4096];

	assert_non_null(getcwd(before, sizeof(before)));
	assert_int_equal(chdir(h->dir), 0);
	expect_home("x/y/", expected);
	assert_int_equal(chdir(before), 0);
}

/* --- URLs --- */

static void expect_url(const char *server, const char *trigger, const char *expected)
{
	CLEANUP(freep) char *global = xasprintf("server: {%s}\n", server);
	CLEANUP(freep)
	char *pylon = xasprintf("name: c\ntrigger: {type: webhook, path: /hook%s}\n", trigger);
	CLEANUP(one_fini) struct one o = {0};
	CLEANUP(buf_fini) struct buf url = BUF_NULL;

	one_global(&o, global);
	one_pylon(&o, pylon);
	assert_non_null(o.pylon);
	config_webhook_url(&url, o.config, o.pylon);
	assert_string_equal(buf_str(&url), expected);
}

static void webhook_url_is_the_pylons_then_the_servers_then_the_address(void **state UNUSED)
{
	expect_url("", "", "http://0.0.0.0:8080/hook");
	expect_url("host: 127.0.0.1, port: 99", "", "http://127.0.0.1:99/hook");
	expect_url("host: '::1'", "", "http://[::1]:8080/hook");
	expect_url("host: '[::1]'", "", "http://[::1]:8080/hook");
	expect_url("public_url: 'https://a.example/'", "", "https://a.example/hook");
	expect_url("public_url: 'https://a.example/p//'", "", "https://a.example/p/hook");
	expect_url("public_url: 'https://a.example'", ", public_url: 'https://b.example/'",
		"https://b.example/hook");
}

static void public_url_must_be_http(void **state UNUSED)
{
	expect_global_problems("server:\n  public_url: pylon.example.com\n",
		"2:15: `server.public_url` must begin with http:// or https://");
	expect_global_problems(
		"server:\n  public_url: https://\n", "2:15: `server.public_url` has no host");
	expect_global_problems("server:\n  public_url: 'http://a b'\n",
		"2:15: `server.public_url` may have no white space in it");
	expect_global_problems(
		"server:\n  host: a/b\n", "2:9: `server.host` must be an address or a host name");
	expect_global_fine("server: {public_url: ''}\n");
}

/* --- the engine's socket --- */

static void expect_socket(const char *docker, const char *expected)
{
	CLEANUP(freep) char *global = xasprintf("docker: {%s}\n", docker);
	CLEANUP(one_fini) struct one o = {0};
	CLEANUP(buf_fini) struct buf path = BUF_NULL;
	bool found;

	one_global(&o, global);
	assert_non_null(o.config);
	found = config_engine_socket(o.config, &path);
	assert_string_equal(found ? buf_str(&path) : "(none)", expected);
}

static void configured_engine_socket_comes_first(void **state UNUSED)
{
	(void)setenv("DOCKER_HOST", "unix:///env.sock", 1);
	expect_socket("host: 'unix:///nonexistent/d.sock'", "/nonexistent/d.sock");
	expect_socket("host: /nonexistent/d.sock", "/nonexistent/d.sock");
	expect_socket("", "/env.sock");
}

static void engine_that_is_no_unix_socket_is_none(void **state UNUSED)
{
	(void)setenv("DOCKER_HOST", "tcp://127.0.0.1:2375", 1);
	expect_socket("", "(none)");
	(void)setenv("DOCKER_HOST", "/plain.sock", 1);
	expect_socket("", "/plain.sock");
}

static void make_socket(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_true(str_copy(a.sun_path, sizeof(a.sun_path), path));
	assert_int_equal(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	closep(&fd);
}

/* Only where this machine has no engine of its own can the later places be seen. */
static void usual_place_is_found_when_it_is_a_socket(void **state)
{
	struct home *h = *state;
	CLEANUP(freep) char *socket_path = xasprintf("%s/docker.sock", h->dir);
	bool has_engine = access("/var/run/docker.sock", F_OK) == 0;

	(void)setenv("XDG_RUNTIME_DIR", h->dir, 1);
	assert_int_equal(file_write(socket_path, "x", 1, 0600, NULL), 0);
	if (!has_engine && access("/run/podman/podman.sock", F_OK) != 0)
		expect_socket("", "(none)");
	assert_int_equal(unlink(socket_path), 0);
	make_socket(socket_path);
	expect_socket("", has_engine ? "/var/run/docker.sock" : socket_path);
}

static void engine_host_must_be_a_unix_socket(void **state UNUSED)
{
	static const char *const urls[] = {"tcp://1.2.3.4:2375", "ssh://h", "npipe:////./x"};
	CLEANUP(buf_fini) struct buf path = BUF_NULL;

	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		CLEANUP(freep) char *yaml = xasprintf("docker:\n  host: %s\n", urls[i]);

		expect_global_problems(yaml,
			"2:9: `docker.host` must be a Unix socket (unix:///path or a path); only Unix "
			"sockets are used");
	}
	expect_global_problems("docker:\n  host: docker.sock\n",
		"2:9: `docker.host` must be unix:// and an absolute path, or an absolute path");
	expect_global_problems("docker:\n  host: unix://docker.sock\n",
		"2:9: `docker.host` must be unix:// and an absolute path, or an absolute path");
	for (size_t n = 106; n <= 108; n++) {
		CLEANUP(freep) char *yaml = NULL;

		buf_clear(&path);
		while (path.n < n)
			buf_add_char(&path, '/');
		yaml = xasprintf("docker:\n  host: %s\n", buf_str(&path));
		if (n < 108)
			expect_global_fine(yaml);
		else
			expect_global_problems(yaml,
				"2:9: `docker.host` is longer than the path of a socket can be");
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, home_setup, home_teardown)
	const struct CMUnitTest tests[] = {
		TEST(home_is_the_option_then_the_variable_then_the_users),
		TEST(home_that_nothing_names_is_an_error),
		TEST(relative_home_is_made_absolute),
		TEST(webhook_url_is_the_pylons_then_the_servers_then_the_address),
		TEST(public_url_must_be_http),
		TEST(configured_engine_socket_comes_first),
		TEST(engine_that_is_no_unix_socket_is_none),
		TEST(usual_place_is_found_when_it_is_a_socket),
		TEST(engine_host_must_be_a_unix_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
