/* SPDX-License-Identifier: MIT */
/*
 * tests/base/test_spool_crash.c - a spool whose writer is killed at every single step.
 *
 * The functions of the C library that change files are replaced in this program. Each counts; at
 * the chosen count the call fails (as if the disk were full), or the writer is dead: from there on
 * nothing that it does reaches the disk, though it is told so. That is what being killed looks
 * like from outside, and a thousand times cheaper than a process for each death.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/spool.h"
#include "cmocka.h" /* quoted: it must follow the headers above */
#include "lib/scratch.h"
#include "stream.h"

enum {
	HEAD = 100,
	TAIL = 60,
	RECORD = 25, /* bytes of the source's records; a mark after each third */
	RECORDS = 26,
	TOTAL = RECORD * RECORDS,
	STEPS_MAX = 1000,
	REPAIR_STEPS = 16, /* more than any repair takes */
};

static unsigned steps, fatal_step, failing_step;
static bool is_dead;

enum act {
	ACT_DO,
	ACT_PRETEND,
	ACT_FAIL,
};

static enum act step(void)
{
	steps++;
	if (steps == fatal_step)
		is_dead = true;
	if (steps == failing_step)
		errno = ENOSPC;
	if (is_dead)
		return ACT_PRETEND;
	return steps == failing_step ? ACT_FAIL : ACT_DO;
}

/* What a replaced call that gives 0 or -1 returns. */
static int outcome(enum act act, long number, long a, long b, long c, long d)
{
	if (act == ACT_DO)
		return (int)syscall(number, a, b, c, d, 0);
	return act == ACT_FAIL ? -1 : 0;
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	enum act act = step();

	if (act == ACT_DO)
		return syscall(SYS_pwrite64, fd, p, n, at);
	return act == ACT_FAIL ? -1 : (ssize_t)n;
}

int rename(const char *from, const char *to)
{
	return outcome(step(), SYS_renameat2, AT_FDCWD, (long)from, AT_FDCWD, (long)to);
}

int unlink(const char *path)
{
	return outcome(step(), SYS_unlinkat, AT_FDCWD, (long)path, 0, 0);
}

int ftruncate(int fd, off_t size)
{
	return outcome(step(), SYS_ftruncate, fd, size, 0, 0);
}

int open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if (flags & O_CREAT) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
		if (is_dead && access(path, F_OK) < 0) {
			errno = EIO;
			return -1;
		}
	}
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

/* What the writer does, as a daemon does: opens, lets the source say everything behind the mark,
 * closes. Once it is dead, nobody minds its errors. */
static void write_everything(const char *path)
{
	char mark[SPOOL_MARK_MAX];
	struct spool *s = NULL;
	uint64_t first = 0;

	if (spool_open(&s, path, HEAD, TAIL, mark, NULL) < 0) {
		assert_true(is_dead);
		return;
	}
	assert_true(*mark == '\0' || slice_to_u64(slice_of(mark), RECORDS, &first));
	assert_true(is_dead || spool_length(s) == first * RECORD);
	for (uint64_t i = first; i < RECORDS; i++) {
		assert_true(stream_write(s, i * RECORD, (i + 1) * RECORD, 16) == 0 || is_dead);
		if (i % 3 == 2) {
			(void)snprintf(mark, sizeof(mark), "%u", (unsigned)i + 1);
			assert_true(spool_mark(s, mark, NULL) == 0 || is_dead);
		}
	}
	spool_close(s, true);
}

/* Kills the writer before its step n; true when it came to its end before. */
static bool dies_at(unsigned n, const char *path)
{
	bool died;

	steps = 0;
	fatal_step = n;
	write_everything(path);
	died = is_dead;
	fatal_step = 0;
	is_dead = false;
	return !died;
}

static void check_partial(const char *path)
{
	struct seen seen = stream_read(path, 0, 4096);

	assert_true(seen.is_right);
	assert_true(seen.end <= TOTAL);
}

static void check_whole(const char *path)
{
	struct seen seen = stream_read(path, 0, 4096);

	assert_true(seen.is_right);
	assert_int_equal(seen.end, TOTAL);
	assert_true(seen.jumps <= 1);
	assert_true(seen.bytes >= HEAD + TAIL && seen.bytes < TOTAL);
}

static void check_joined(struct scratch *s, const char *path)
{
	char *content = scratch_read(path);
	const char *line = strstr(content, "\n[pylon left out ");

	assert_non_null(line);
	assert_null(strstr(line + 2, "[pylon left out "));
	free(content);
	assert_false(file_exists(scratch_path(s, "log.a")));
	assert_false(file_exists(scratch_path(s, "log.b")));
}

static void remove_spool(struct scratch *s)
{
	static const char *const names[] = {"log", "log.a", "log.b", "log.mark", "log.new"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)unlink(scratch_path(s, names[i]));
}

static void killed_at_any_step_the_stream_becomes_whole_again(void **state)
{
	const char *path = scratch_path(*state, "log");
	unsigned n;

	for (n = 1; n < STEPS_MAX && !dies_at(n, path); n++) {
		check_partial(path);
		write_everything(path);
		check_whole(path);
		check_joined(*state, path);
		remove_spool(*state);
	}
	assert_true(n > 60 && n < STEPS_MAX);
	check_joined(*state, path);
}

/* Steps that the writer takes for the whole way. */
static unsigned count_steps(const char *path)
{
	assert_true(dies_at(0, path));
	return steps;
}

/* The repair is killed too, at each of its steps. */
static void killed_while_repairing_the_stream_becomes_whole_again(void **state)
{
	const char *path = scratch_path(*state, "log");
	unsigned end;

	remove_spool(*state);
	end = count_steps(path);
	for (unsigned first = 1; first <= end; first++) {
		for (unsigned second = 1; second < REPAIR_STEPS; second++) {
			bool is_done;

			remove_spool(*state);
			(void)dies_at(first, path);
			is_done = dies_at(second, path);
			check_partial(path);
			write_everything(path);
			check_whole(path);
			check_joined(*state, path);
			if (is_done)
				break;
		}
	}
}

/* Opening what was joined takes it apart again; killed there, it can still be opened. */
static void killed_while_reopening_a_joined_spool_it_becomes_whole_again(void **state)
{
	const char *path = scratch_path(*state, "log");
	bool is_done = false;

	for (unsigned n = 1; !is_done; n++) {
		assert_true(n < STEPS_MAX);
		remove_spool(*state);
		write_everything(path);
		is_done = dies_at(n, path);
		check_partial(path);
		write_everything(path);
		check_whole(path);
		check_joined(*state, path);
	}
}

/* One call fails: the writer goes on and loses at most the piece that it was writing. */
static void failing_call_leaves_a_spool_that_can_be_read(void **state)
{
	const char *path = scratch_path(*state, "log");

	for (unsigned n = 1; n < 120; n++) {
		char mark[SPOOL_MARK_MAX];
		struct spool *s = NULL;
		uint64_t length;

		remove_spool(*state);
		steps = 0;
		failing_step = n;
		if (spool_open(&s, path, HEAD, TAIL, mark, NULL) == 0) {
			for (unsigned i = 0; i < RECORDS; i++) {
				length = spool_length(s);
				(void)stream_write(s, length, length + RECORD, RECORD);
				assert_true(spool_length(s) <= length + RECORD);
			}
			length = spool_length(s);
			assert_true(length + RECORD >= TOTAL);
			spool_close(s, true);
			assert_true(stream_read(path, 0, 4096).is_right);
			assert_int_equal(stream_read(path, 0, 4096).end, length);
		}
		failing_step = 0;
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(killed_at_any_step_the_stream_becomes_whole_again),
		TEST(killed_while_repairing_the_stream_becomes_whole_again),
		TEST(killed_while_reopening_a_joined_spool_it_becomes_whole_again),
		TEST(failing_call_leaves_a_spool_that_can_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
