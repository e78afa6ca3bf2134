/* SPDX-License-Identifier: MIT */
/*
 * tests/runner/test_tar.c - the archive of a build, field by field, and as tar(1) reads it.
 */
#include <sys/stat.h>
#include <sys/wait.h>

#include "lib/scratch.h"
#include "lib/t.h"
#include "runner/tar_internal.h"

enum { BLOCK = 512 };

static unsigned octal(const char *p)
{
	return (unsigned)strtoul(p, NULL, 8);
}

static void head_has_the_fields_of_ustar(void **state)
{
	struct buf out = BUF_NULL;
	unsigned sum = 0;

	(void)state;
	tar_add(&out, "agent", 0755, SLICE_LIT("hello"));
	assert_int_equal(out.n, 2 * BLOCK);
	assert_string_equal(out.p, "agent");
	assert_int_equal(octal(out.p + 100), 0755);
	assert_int_equal(octal(out.p + 108), 0);
	assert_int_equal(octal(out.p + 124), 5);
	assert_int_equal(octal(out.p + 136), 0);
	assert_int_equal(out.p[156], '0');
	assert_memory_equal(out.p + 257,
		"ustar\0"
		"00",
		8);
	for (size_t i = 0; i < BLOCK; i++)
		sum += i >= 148 && i < 156 ? ' ' : (unsigned char)out.p[i];
	assert_int_equal(octal(out.p + 148), sum);
	assert_memory_equal(out.p + BLOCK, "hello", 6);
	buf_fini(&out);
}

static void content_is_padded_to_blocks(void **state)
{
	static const size_t sizes[] = {0, 1, BLOCK - 1, BLOCK, BLOCK + 1};
	static const char content[BLOCK + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct buf out = BUF_NULL;

		tar_add(&out, "f", 0644, (struct slice){content, sizes[i]});
		assert_int_equal(out.n, BLOCK + (sizes[i] + BLOCK - 1) / BLOCK * BLOCK);
		tar_end(&out);
		assert_int_equal(out.n % BLOCK, 0);
		buf_fini(&out);
	}
}

static void unpack(void *ctx)
{
	const char *const *paths = ctx;

	(void)execlp("tar", "tar", "-C", paths[0], "-xf", paths[1], (char *)NULL);
	_exit(127);
}

static void tar_unpacks_it(void **state)
{
	struct scratch *sc = *state;
	const char *paths[] = {scratch_dir(sc), scratch_path(sc, "a.tar")};
	struct buf out = BUF_NULL;
	struct err e = CLEAN_ERR;
	struct stat st;
	char *text;
	int status;

	tar_add(&out, "Dockerfile", 0644, SLICE_LIT("FROM scratch\n"));
	tar_add(&out, "agent", 0755,
		SLICE_LIT("\x7f"
			  "ELF"));
	tar_end(&out);
	assert_int_equal(file_write(paths[1], out.p, out.n, 0600, &e), 0);
	status = scratch_fork(unpack, paths);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		skip();
	assert_int_equal(status, 0);
	text = scratch_read(scratch_path(sc, "Dockerfile"));
	assert_string_equal(text, "FROM scratch\n");
	assert_int_equal(stat(scratch_path(sc, "agent"), &st), 0);
	assert_int_equal(st.st_mode & 0111, 0111);
	assert_int_equal(st.st_size, 4);
	free(text);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(head_has_the_fields_of_ustar),
		cmocka_unit_test(content_is_padded_to_blocks),
		cmocka_unit_test_setup_teardown(tar_unpacks_it, scratch_setup, scratch_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
