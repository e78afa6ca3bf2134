/* SPDX-License-Identifier: MIT */
/* tests/runner/test_image_name.c - parts of an image's name, and its user. */
#include "lib/t.h"
#include "runner/image_name_internal.h"

static void name_has_registry_repository_and_version(void **state)
{
	static const char *const rows[][4] = {
		{"a", "docker.io", "a", "latest"},
		{"a:1", "docker.io", "a", "1"},
		{"a:", "docker.io", "a", "latest"},
		{"a/b", "docker.io", "a/b", "latest"},
		{"a/b:v1.2", "docker.io", "a/b", "v1.2"},
		{"ghcr.io/a/b:2", "ghcr.io", "ghcr.io/a/b", "2"},
		{"localhost/a", "localhost", "localhost/a", "latest"},
		{"host:5000/a", "host:5000", "host:5000/a", "latest"},
		{"host:5000/a:3", "host:5000", "host:5000/a", "3"},
		{"[::1]:5000/a:3", "[::1]:5000", "[::1]:5000/a", "3"},
		{"a@sha256:12", "docker.io", "a", "sha256:12"},
		{"a:1@sha256:12", "docker.io", "a", "sha256:12"},
		{"host:5000/a@sha256:12", "host:5000", "host:5000/a", "sha256:12"},
		{"", "docker.io", "", "latest"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct image_name n;

		image_name_init(&n, rows[i][0]);
		assert_string_equal(n.registry, rows[i][1]);
		assert_string_equal(n.repository, rows[i][2]);
		assert_string_equal(n.version, rows[i][3]);
		image_name_fini(&n);
	}
}

static void user_is_known_by_number_and_root_by_name(void **state)
{
	static const struct {
		const char *text;
		struct runner_user user;
	} rows[] = {
		{NULL, {true, true, 0, 0}},
		{"", {true, true, 0, 0}},
		{"0", {true, true, 0, 0}},
		{"00", {true, true, 0, 0}},
		{"root", {true, true, 0, 0}},
		{"root:root", {true, true, 0, 0}},
		{"0:5", {true, true, 0, 5}},
		{":5", {true, true, 0, 5}},
		{"0:staff", {false, true, 0, 0}},
		{"1000", {true, false, 1000, 0}},
		{"1000:", {true, false, 1000, 0}},
		{"1000:1000", {true, false, 1000, 1000}},
		{"1000:root", {true, false, 1000, 0}},
		{"1000:staff", {false, false, 1000, 0}},
		{"2147483646", {true, false, 2147483646, 0}},
		{"2147483647:2147483647", {true, false, 2147483647, 2147483647}},
		{"2147483648", {false, false, 0, 0}},
		{"1:2147483648", {false, false, 1, 0}},
		{"node", {false, false, 0, 0}},
		{"node:0", {false, false, 0, 0}},
		{"-1", {false, false, 0, 0}},
		{"0x0", {false, false, 0, 0}},
		{" 0", {false, false, 0, 0}},
		{"Root", {false, false, 0, 0}},
		{"1000:1:2", {false, false, 1000, 0}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct runner_user u = image_user(rows[i].text);

		assert_int_equal(u.is_known, rows[i].user.is_known);
		assert_int_equal(u.is_root, rows[i].user.is_root);
		assert_int_equal(u.uid, rows[i].user.uid);
		assert_int_equal(u.gid, rows[i].user.gid);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(name_has_registry_repository_and_version),
		cmocka_unit_test(user_is_known_by_number_and_root_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
