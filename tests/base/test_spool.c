/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/spool.h"
#include "cmocka.h" /* quoted: it must follow the headers above */
#include "lib/scratch.h"
#include "stream.h"

enum {
	HEAD = 1000,
	TAIL = 300,
};

static struct spool *open_at(const char *path, const char *expected_mark)
{
	char mark[SPOOL_MARK_MAX];
	struct err e = CLEAN_ERR;
	struct spool *s = NULL;

	if (spool_open(&s, path, HEAD, TAIL, mark, &e) < 0)
		fail_msg("%s", e.text);
	assert_string_equal(mark, expected_mark);
	return s;
}

static void write_to(struct spool *s, uint64_t to)
{
	assert_int_equal(stream_write(s, spool_length(s), to, 37), 0);
	assert_int_equal(spool_length(s), to);
}

static void mark_as(struct spool *s, const char *mark)
{
	assert_int_equal(spool_mark(s, mark, NULL), 0);
}

/* Reads all from the start and checks what is promised of it. */
static struct seen check_stream(const char *path, uint64_t length)
{
	struct seen seen = stream_read(path, 0, 113);

	assert_true(seen.is_right);
	assert_int_equal(seen.end, length);
	assert_int_equal(seen.bytes + seen.skipped, length);
	assert_true(seen.jumps <= 1);
	assert_true(seen.bytes >= MIN_OF(length, (uint64_t)HEAD + TAIL));
	assert_true(seen.bytes <= HEAD + 2 * TAIL);
	return seen;
}

static bool has_file(const char *path, const char *suffix)
{
	CLEANUP(freep) char *name = xasprintf("%s%s", path, suffix);

	return file_exists(name);
}

static void beginning_is_a_plain_file(void **state)
{
	const char *path = scratch_path(*state, "log");
	struct spool *s = open_at(path, "");
	struct stat st;
	char *content;

	assert_int_equal(spool_length(s), 0);
	assert_int_equal(spool_write(s, "hello ", 6, NULL), 0);
	assert_int_equal(spool_write(s, NULL, 0, NULL), 0);
	assert_int_equal(spool_write(s, "world\n", 6, NULL), 0);
	content = scratch_read(path);
	assert_string_equal(content, "hello world\n");
	free(content);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	spool_close(s, true);
	content = scratch_read(path);
	assert_string_equal(content, "hello world\n");
	free(content);
}

static void stream_is_exact_around_every_border(void **state)
{
	static const uint64_t borders[] = {
		0, HEAD, HEAD + TAIL, HEAD + 2 * TAIL, HEAD + 3 * TAIL, HEAD + 9 * TAIL};

	for (size_t b = 0; b < ARRAY_LEN(borders); b++) {
		for (uint64_t length = borders[b] - (borders[b] > 0); length <= borders[b] + 1;
			length++) {
			CLEANUP(freep) char *name = xasprintf("log%u", (unsigned)length);
			const char *path = scratch_path(*state, name);
			struct spool *s = open_at(path, "");

			write_to(s, length);
			(void)check_stream(path, length);
			spool_close(s, true);
			(void)check_stream(path, length);
			assert_false(has_file(path, ".a") || has_file(path, ".b"));
		}
	}
}

static void ring_turns_many_times(void **state)
{
	const char *path = scratch_path(*state, "log");
	struct spool *s = open_at(path, "");
	struct seen seen;

	for (uint64_t length = 0; length < 40000; length += 911) {
		write_to(s, length);
		seen = check_stream(path, length);
		assert_true((seen.jumps == 1) == (length > HEAD + 2 * TAIL));
	}
	spool_close(s, true);
}

static void one_write_may_turn_the_ring_many_times(void **state)
{
	const char *path = scratch_path(*state, "log");
	struct spool *s = open_at(path, "");
	CLEANUP(freep) char *all = xcalloc(20000, 1);

	for (size_t i = 0; i < 20000; i++)
		all[i] = stream_byte(i);
	assert_int_equal(spool_write(s, all, 20000, NULL), 0);
	(void)check_stream(path, 20000);
	spool_close(s, true);
	(void)check_stream(path, 20000);
}

static void head_may_be_empty(void **state)
{
	const char *path = scratch_path(*state, "log");
	char mark[SPOOL_MARK_MAX];
	struct spool *s = NULL;
	struct seen seen;

	assert_int_equal(spool_open(&s, path, 0, 1, mark, NULL), 0);
	assert_int_equal(stream_write(s, 0, 50, 7), 0);
	seen = stream_read(path, 0, 10);
	assert_true(seen.is_right && seen.end == 50 && seen.bytes == 2);
	spool_close(s, true);
	seen = stream_read(path, 0, 10);
	assert_true(seen.is_right && seen.end == 50 && seen.bytes == 2);
}

static void joined_file_has_one_line_for_what_is_left_out(void **state)
{
	const char *path = scratch_path(*state, "log");
	struct spool *s = open_at(path, "");
	uint64_t length = HEAD + 5 * TAIL + 10, left_out = 4 * TAIL;
	char expected[80];
	const char *line;
	char *content;

	write_to(s, length);
	spool_close(s, true);
	(void)snprintf(expected, sizeof(expected), "\n[pylon left out %u bytes here]\n",
		(unsigned)left_out);
	content = scratch_read(path);
	line = strstr(content, expected);
	assert_non_null(line);
	assert_int_equal(line - content, HEAD);
	assert_null(strstr(line + 2, "[pylon left out"));
	assert_int_equal(strlen(content), length - left_out + strlen(expected));
	free(content);
	(void)check_stream(path, length);
}

static void nothing_left_out_needs_no_line(void **state)
{
	const char *path = scratch_path(*state, "log");
	struct spool *s = open_at(path, "");
	char *content;

	write_to(s, HEAD + 2 * TAIL);
	spool_close(s, true);
	content = scratch_read(path);
	assert_int_equal(strlen(content), HEAD + 2 * TAIL);
	for (size_t i = 0; i < HEAD + 2 * TAIL; i++)
		assert_int_equal(content[i], stream_byte(i));
	free(content);
}

static void reader_starts_anywhere(void **state)
{
	const char *path = scratch_path(*state, "log");
	struct spool *s = open_at(path, "");
	uint64_t length = HEAD + 7 * TAIL + 123;

	write_to(s, length);
	for (unsigned i = 0; i < 2; i++) {
		for (uint64_t from = 0; from <= length + 2; from += from > HEAD + 2 ? 13 : 1) {
			struct seen seen = stream_read(path, from, 4096);

			assert_true(seen.is_right);
			assert_int_equal(seen.end, MAX_OF(from, length));
		}
		spool_close(s, true);
		s = NULL;
	}
}

static void offset_jumps_over_what_is_gone(void **state)
{
	const char *path = scratch_path(*state, "log");
	struct spool *s = open_at(path, "");
	uint64_t at = HEAD;
	char c[2];

	write_to(s, HEAD + 6 * TAIL);
	assert_int_equal(spool_read(path, &at, c, 1), 1);
	assert_int_equal(at, HEAD + 4 * TAIL + 1);
	assert_int_equal(c[0], stream_byte(at - 1));
	at = HEAD - 1;
	assert_int_equal(spool_read(path, &at, c, 2), 1);
	assert_int_equal(at, HEAD);
	spool_close(s, false);
}

static void reader_follows_across_every_seam(void **state)
{
	const char *path = scratch_path(*state, "log");
	struct spool *s = open_at(path, "");
	struct seen seen = {0};
	uint64_t at = 0;

	for (uint64_t length = 0; length < 8000; length += 29) {
		write_to(s, length);
		seen = stream_read(path, at, 10);
		assert_true(seen.is_right && seen.jumps == 0);
		at = seen.end;
		assert_int_equal(at, length);
	}
	write_to(s, 8111);
	spool_close(s, true);
	/* Also across the moment of joining. */
	seen = stream_read(path, at, 10);
	assert_true(seen.is_right && seen.jumps == 0 && seen.end == 8111);
}

static void missing_spool_is_at_its_end(void **state)
{
	const char *path = scratch_path(*state, "none");
	uint64_t at = 7;
	char c;

	assert_int_equal(spool_read(path, &at, &c, 1), 0);
	assert_int_equal(at, 7);
	assert_int_equal(spool_tail_offset(path, 100), 0);
}

static void tail_offset_counts_from_the_end(void **state)
{
	const char *path = scratch_path(*state, "log");
	struct spool *s = open_at(path, "");
	uint64_t length = HEAD + 6 * TAIL;

	write_to(s, 100);
	assert_int_equal(spool_tail_offset(path, 99), 1);
	assert_int_equal(spool_tail_offset(path, 100), 0);
	assert_int_equal(spool_tail_offset(path, 101), 0);
	write_to(s, length);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(spool_tail_offset(path, 0), length);
		assert_int_equal(spool_tail_offset(path, 50), length - 50);
		/* Gone: the next that is there. */
		assert_int_equal(spool_tail_offset(path, 3 * TAIL), length - 2 * TAIL);
		assert_int_equal(spool_tail_offset(path, length), 0);
		spool_close(s, true);
		s = NULL;
	}
}

static void spool_goes_on_after_its_mark(void **state)
{
	const char *path = scratch_path(*state, "log");
	struct spool *s = open_at(path, "");

	write_to(s, 500);
	mark_as(s, "five hundred");
	spool_close(s, false);
	s = open_at(path, "five hundred");
	write_to(s, HEAD + 3 * TAIL);
	mark_as(s, "");
	spool_close(s, false);
	s = open_at(path, "");
	assert_int_equal(spool_length(s), HEAD + 3 * TAIL);
	write_to(s, HEAD + 4 * TAIL + 1);
	mark_as(s, "end");
	spool_close(s, true);
	(void)check_stream(path, HEAD + 4 * TAIL + 1);
}

static void without_a_mark_it_starts_again(void **state)
{
	const char *path = scratch_path(*state, "log");
	struct spool *s = open_at(path, "");

	write_to(s, HEAD + 3 * TAIL);
	spool_close(s, false);
	s = open_at(path, "");
	assert_int_equal(spool_length(s), 0);
	assert_false(has_file(path, ".a") || has_file(path, ".b"));
	write_to(s, 10);
	(void)check_stream(path, 10);
	spool_close(s, true);
}

/* Where the mark is set, and how far the writer gets before it is killed. */
struct plan {
	const char *path;
	uint64_t marked, written;
};

static void write_and_die(void *ctx)
{
	const struct plan *plan = ctx;
	char mark[SPOOL_MARK_MAX];
	struct spool *s = NULL;

	CHILD_CHECK(spool_open(&s, plan->path, HEAD, TAIL, mark, NULL) == 0);
	CHILD_CHECK(stream_write(s, 0, plan->marked, 50) == 0);
	CHILD_CHECK(spool_mark(s, "the mark", NULL) == 0);
	CHILD_CHECK(stream_write(s, plan->marked, plan->written, 50) == 0);
	_exit(0);
}

static void spool_cut_back_to_its_last_mark_after_a_crash(void **state)
{
	static const uint64_t ends[] = {0, 1, HEAD - 1, HEAD, HEAD + 1, HEAD + TAIL,
		HEAD + TAIL + 1, HEAD + 2 * TAIL, HEAD + 2 * TAIL + 1, HEAD + 5 * TAIL + 20};

	for (size_t m = 0; m < ARRAY_LEN(ends); m++) {
		for (size_t w = m; w < ARRAY_LEN(ends); w++) {
			CLEANUP(freep) char *name = xasprintf("log-%zu-%zu", m, w);
			struct plan plan = {scratch_path(*state, name), ends[m], ends[w]};
			struct spool *s;
			struct seen seen;

			assert_int_equal(scratch_fork(write_and_die, &plan), 0);
			s = open_at(plan.path, "the mark");
			assert_int_equal(spool_length(s), ends[m]);
			seen = stream_read(plan.path, 0, 100);
			assert_true(seen.is_right && seen.end <= ends[m]);
			write_to(s, HEAD + 7 * TAIL + 5);
			spool_close(s, true);
			(void)check_stream(plan.path, HEAD + 7 * TAIL + 5);
		}
	}
}

static void mark_that_the_ring_has_passed_still_counts(void **state)
{
	const char *path = scratch_path(*state, "log");
	struct plan plan = {path, HEAD + TAIL / 2, HEAD + 9 * TAIL};
	struct spool *s;
	struct seen seen;

	assert_int_equal(scratch_fork(write_and_die, &plan), 0);
	s = open_at(path, "the mark");
	assert_int_equal(spool_length(s), plan.marked);
	write_to(s, plan.marked + 10);
	spool_close(s, true);
	seen = stream_read(path, 0, 100);
	assert_true(seen.is_right && seen.end == plan.marked + 10);
	assert_int_equal(seen.skipped, TAIL / 2);
}

static void mark_beyond_the_end_keeps_what_is_there(void **state)
{
	const char *path = scratch_path(*state, "log");
	struct spool *s = open_at(path, "");

	/* What a power cut may leave: the mark is on disk, the bytes before it are not. */
	write_to(s, 800);
	mark_as(s, "eight");
	spool_close(s, false);
	assert_int_equal(truncate(path, 300), 0);
	s = open_at(path, "eight");
	assert_int_equal(spool_length(s), 300);
	spool_close(s, true);
	assert_true(stream_read(path, 0, 100).is_right);
}

static void segment_lost_with_the_power_is_done_without(void **state)
{
	const char *path = scratch_path(*state, "log");
	const char *a = scratch_path(*state, "log.a");
	struct spool *s = open_at(path, "");
	struct seen seen;

	write_to(s, HEAD + 3 * TAIL + 10);
	mark_as(s, "m");
	spool_close(s, false);
	/* The older of the two ends early, then is no segment at all. */
	assert_int_equal(truncate(a, 100), 0);
	s = open_at(path, "m");
	assert_int_equal(spool_length(s), HEAD + 3 * TAIL + 10);
	assert_false(file_exists(a));
	spool_close(s, false);
	(void)scratch_file(*state, "log.a", "short");
	s = open_at(path, "m");
	write_to(s, HEAD + 5 * TAIL);
	spool_close(s, true);
	seen = stream_read(path, 0, 100);
	assert_true(seen.is_right && seen.end == HEAD + 5 * TAIL);
}

static void damaged_mark_is_no_mark(void **state)
{
	const char *path = scratch_path(*state, "log");
	struct spool *s = open_at(path, "");
	char *text;
	static const char *const wrong[] = {
		"pylon-spool x", "pylon-spool m 0000000000000000000a", "other"};

	write_to(s, 100);
	mark_as(s, "m");
	spool_close(s, false);
	text = scratch_read(scratch_path(*state, "log.mark"));
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		int fd = open(scratch_path(*state, "log.mark"), O_WRONLY | O_CLOEXEC);

		assert_int_equal(write_all(fd, wrong[i], strlen(wrong[i])), 0);
		closep(&fd);
		s = open_at(path, "");
		assert_int_equal(spool_length(s), 0);
		write_to(s, 100);
		spool_close(s, false);
	}
	(void)scratch_file(*state, "log.mark", "");
	s = open_at(path, "");
	spool_close(s, true);
	free(text);
}

static void joined_spool_can_be_opened_again(void **state)
{
	static const uint64_t lengths[] = {
		500, HEAD + 10, HEAD + 2 * TAIL, HEAD + 2 * TAIL + 1, HEAD + 8 * TAIL + 7};

	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		CLEANUP(freep) char *name = xasprintf("log%zu", i);
		const char *path = scratch_path(*state, name);
		struct spool *s = open_at(path, "");

		write_to(s, lengths[i] - 5);
		mark_as(s, "m");
		write_to(s, lengths[i]);
		spool_close(s, true);
		s = open_at(path, "m");
		assert_int_equal(spool_length(s), lengths[i] - 5);
		write_to(s, lengths[i]);
		(void)check_stream(path, lengths[i]);
		spool_close(s, true);
		(void)check_stream(path, lengths[i]);
		s = open_at(path, "m");
		write_to(s, lengths[i] + 3 * TAIL);
		spool_close(s, true);
		(void)check_stream(path, lengths[i] + 3 * TAIL);
	}
}

static void mark_has_a_limit(void **state)
{
	const char *path = scratch_path(*state, "log");
	struct spool *s = open_at(path, "");
	char mark[SPOOL_MARK_MAX + 1];

	write_to(s, 10);
	for (size_t n = SPOOL_MARK_MAX - 2; n <= SPOOL_MARK_MAX; n++) {
		memset(mark, 'm', n);
		mark[n] = '\0';
		assert_int_equal(spool_mark(s, mark, NULL), n < SPOOL_MARK_MAX ? 0 : -EINVAL);
	}
	spool_close(s, false);
	mark[SPOOL_MARK_MAX - 1] = '\0';
	s = open_at(path, mark);
	spool_close(s, true);
}

static void folder_that_is_not_there_is_an_error(void **state)
{
	char mark[SPOOL_MARK_MAX];
	struct err e = CLEAN_ERR;
	struct spool *s = NULL;
	const char *path = scratch_path(*state, "none/log");

	assert_int_equal(spool_open(&s, path, HEAD, TAIL, mark, &e), -ENOENT);
	assert_non_null(strstr(e.text, path));
	assert_null(s);
	assert_int_equal(spool_open(&s, scratch_dir(*state), HEAD, TAIL, mark, &e), -EISDIR);
	spool_close(NULL, true);
}

static void open_in_unwritable_folder(void *ctx)
{
	char mark[SPOOL_MARK_MAX];
	struct err e = CLEAN_ERR;
	struct spool *s = NULL;

	CHILD_CHECK(spool_open(&s, ctx, HEAD, TAIL, mark, &e) == -EACCES);
	CHILD_CHECK(strstr(e.text, "Permission denied") != NULL);
}

static void unwritable_folder_is_an_error(void **state)
{
	CLEANUP(freep) char *path = xstrdup(scratch_path(*state, "log"));

	assert_int_equal(chmod(scratch_dir(*state), 0555), 0);
	assert_int_equal(scratch_fork_unprivileged(open_in_unwritable_folder, path), 0);
	assert_int_equal(chmod(scratch_dir(*state), 0700), 0);
}

static void link_in_place_of_a_log_is_refused(void **state)
{
	const char *path = scratch_path(*state, "log");
	char mark[SPOOL_MARK_MAX];
	struct spool *s = NULL;
	uint64_t at = 0;
	char c;

	assert_int_equal(symlink(scratch_file(*state, "other", "x"), path), 0);
	assert_int_equal(spool_open(&s, path, HEAD, TAIL, mark, NULL), -ELOOP);
	assert_int_equal(spool_read(path, &at, &c, 1), 0);
}

static void full_disk_loses_only_what_did_not_fit(void **state)
{
	const char *path = scratch_path(*state, "log");
	struct spool *s = open_at(path, "");
	struct rlimit saved, tiny;
	char many[400];

	memset(many, 'x', sizeof(many));
	write_to(s, 100);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &saved), 0);
	tiny = saved;
	tiny.rlim_cur = 250;
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tiny), 0);
	assert_int_equal(spool_write(s, many, sizeof(many), NULL), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &saved), 0);
	assert_int_equal(spool_length(s), 250);
	assert_int_equal(spool_write(s, "after", 5, NULL), 0);
	assert_int_equal(spool_length(s), 255);
	spool_close(s, true);
}

static void failed_join_leaves_a_readable_spool(void **state)
{
	const char *path = scratch_path(*state, "log");
	struct spool *s = open_at(path, "");
	uint64_t length = HEAD + 6 * TAIL;
	struct rlimit saved, tiny;

	write_to(s, length);
	mark_as(s, "m");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &saved), 0);
	tiny = saved;
	tiny.rlim_cur = HEAD + TAIL;
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tiny), 0);
	spool_close(s, true);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &saved), 0);
	(void)check_stream(path, length);
	s = open_at(path, "m");
	spool_close(s, true);
	(void)check_stream(path, length);
	assert_false(has_file(path, ".a") || has_file(path, ".b"));
}

static void write_slowly(void *ctx)
{
	char mark[SPOOL_MARK_MAX];
	struct spool *s = NULL;

	CHILD_CHECK(spool_open(&s, ctx, HEAD, TAIL, mark, NULL) == 0);
	CHILD_CHECK(stream_write(s, 0, 150000, 31) == 0);
	CHILD_CHECK(spool_mark(s, "end", NULL) == 0);
	spool_close(s, true);
}

/* The reader races with a writer in another process, through hundreds of turns and the join. */
static void reader_of_a_running_writer_sees_only_right_bytes(void **state)
{
	CLEANUP(freep) char *path = xstrdup(scratch_path(*state, "log"));
	bool is_over = false;
	uint64_t at = 0, bytes = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		write_slowly(path);
		_exit(0);
	}
	for (;;) {
		struct seen seen = stream_read(path, at, 1024);
		int status;

		assert_true(seen.is_right);
		assert_true(seen.end >= at);
		at = seen.end;
		bytes += seen.bytes;
		if (is_over)
			break;
		if (waitpid(pid, &status, WNOHANG) == pid) {
			assert_int_equal(status, 0);
			is_over = true;
		}
	}
	assert_int_equal(at, 150000);
	assert_true(bytes >= HEAD + TAIL);
	(void)check_stream(path, 150000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(beginning_is_a_plain_file),
		TEST(stream_is_exact_around_every_border),
		TEST(ring_turns_many_times),
		TEST(one_write_may_turn_the_ring_many_times),
		TEST(head_may_be_empty),
		TEST(joined_file_has_one_line_for_what_is_left_out),
		TEST(nothing_left_out_needs_no_line),
		TEST(reader_starts_anywhere),
		TEST(offset_jumps_over_what_is_gone),
		TEST(reader_follows_across_every_seam),
		TEST(missing_spool_is_at_its_end),
		TEST(tail_offset_counts_from_the_end),
		TEST(spool_goes_on_after_its_mark),
		TEST(without_a_mark_it_starts_again),
		TEST(spool_cut_back_to_its_last_mark_after_a_crash),
		TEST(mark_that_the_ring_has_passed_still_counts),
		TEST(mark_beyond_the_end_keeps_what_is_there),
		TEST(segment_lost_with_the_power_is_done_without),
		TEST(damaged_mark_is_no_mark),
		TEST(joined_spool_can_be_opened_again),
		TEST(mark_has_a_limit),
		TEST(folder_that_is_not_there_is_an_error),
		TEST(unwritable_folder_is_an_error),
		TEST(link_in_place_of_a_log_is_refused),
		TEST(full_disk_loses_only_what_did_not_fit),
		TEST(failed_join_leaves_a_readable_spool),
		TEST(reader_of_a_running_writer_sees_only_right_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
