/* SPDX-License-Identifier: MIT */
/*
 * tests/shim/test_output.c - the log's own part of the shim: whose bytes are whose, and a disk that
 * is full.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "base/spool.h"
#include "cmocka.h" /* quoted: it must follow the headers above */
#include "lib/scratch.h"
#include "shim/shim.h"
#include "shim/shim_internal.h"

enum {
	HEAD = 1000,
	TAIL = 300,
};

struct log {
	const char *path;
	struct output out;
	int ends[2];
};

static struct log open_log(void **state)
{
	struct log l = {.path = scratch_path(*state, "log")};

	assert_int_equal(output_open(&l.out, l.path, HEAD, TAIL, l.ends), 0);
	return l;
}

static void put(struct log *l, int which, const char *text)
{
	assert_int_equal(write_all(l->ends[which], text, strlen(text)), 0);
	output_copy(&l->out, which);
}

static void close_log(struct log *l)
{
	closep(&l->ends[0]);
	closep(&l->ends[1]);
	output_copy(&l->out, 0);
	assert_true(output_is_open(&l->out));
	output_copy(&l->out, 1);
	assert_false(output_is_open(&l->out));
	output_close(&l->out);
}

static char *streams_of(const struct log *l)
{
	CLEANUP(freep) char *name = xasprintf("%s" SHIM_STREAMS_SUFFIX, l->path);

	return scratch_read(name);
}

/* "<offset> <source> <ms>" of the line at *at, which moves on. */
static void check_line(const char **at, uint64_t offset, unsigned source)
{
	unsigned long long seen_offset, ms;
	unsigned seen_source;
	int n = 0;

	assert_int_equal(sscanf(*at, "%llu %u %llu\n%n", &seen_offset, &seen_source, &ms, &n), 3);
	assert_int_equal(seen_offset, offset);
	assert_int_equal(seen_source, source);
	assert_true(ms > 1600000000000);
	*at += n;
}

static void a_line_stands_where_the_source_changes(void **state)
{
	struct log l = open_log(state);
	CLEANUP(freep) char *content = NULL;
	CLEANUP(freep) char *streams = NULL;
	const char *at;

	put(&l, 0, "one");
	put(&l, 0, "two\n");
	put(&l, 1, "three");
	put(&l, 0, "four");
	close_log(&l);
	content = scratch_read(l.path);
	assert_string_equal(content, "onetwo\nthreefour");
	at = streams = streams_of(&l);
	check_line(&at, 0, 1);
	check_line(&at, 7, 2);
	check_line(&at, 12, 1);
	assert_string_equal(at, "");
}

static void nothing_written_is_an_empty_record(void **state)
{
	struct log l = open_log(state);
	CLEANUP(freep) char *streams = NULL;

	close_log(&l);
	streams = streams_of(&l);
	assert_string_equal(streams, "");
}

static void record_of_sources_is_bounded_and_says_so(void **state)
{
	struct log l = open_log(state);
	CLEANUP(freep) char *streams = NULL;
	const char *more;
	size_t n;

	for (int i = 0; i < 8000; i++)
		put(&l, i % 2, "x");
	assert_int_equal(spool_length(l.out.spool), 8000);
	close_log(&l);
	streams = streams_of(&l);
	n = strlen(streams);
	more = strstr(streams, "... more\n");
	assert_non_null(more);
	assert_string_equal(more, "... more\n");
	assert_true(n <= SHIM_STREAMS_MAX);
	/* Another line would not have fitted. */
	assert_true(n + strlen("1234 1 1600000000000\n") > SHIM_STREAMS_MAX);
	assert_int_equal(more[-1], '\n');
}

static void log_goes_on_behind_what_was_marked(void **state)
{
	const char *path = scratch_path(*state, "log");
	char mark[SPOOL_MARK_MAX];
	CLEANUP(freep) char *content = NULL;
	CLEANUP(freep) char *streams = NULL;
	struct spool *s = NULL;
	struct log l;
	const char *at;

	assert_int_equal(spool_open(&s, path, HEAD, TAIL, mark, NULL), 0);
	assert_int_equal(spool_write(s, "> note\n", 7, NULL), 0);
	assert_int_equal(spool_mark(s, "ours", NULL), 0);
	spool_close(s, false);
	l = open_log(state);
	put(&l, 1, "said\n");
	close_log(&l);
	assert_int_equal(spool_open(&s, path, HEAD, TAIL, mark, NULL), 0);
	assert_int_equal(spool_length(s), 12);
	spool_close(s, true);
	content = scratch_read(path);
	assert_string_equal(content, "> note\nsaid\n");
	at = streams = streams_of(&l);
	check_line(&at, 7, 2);
	assert_string_equal(at, "");
}

/* In a child, because the limit that stands for a full disk cannot be raised again. */
static void fill_disk(void *ctx)
{
	struct rlimit limit = {500, 500};
	char text[601];
	struct log l;

	(void)signal(SIGXFSZ, SIG_IGN);
	l = open_log(ctx);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	CHILD_CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	put(&l, 0, text);
	CHILD_CHECK(spool_length(l.out.spool) == 500);
	CHILD_CHECK(l.out.lost == 100 && l.out.lost_errno == EFBIG);
	put(&l, 1, "more");
	CHILD_CHECK(l.out.lost == 104);
	CHILD_CHECK(output_is_open(&l.out));
	close_log(&l);
}

static void bytes_that_cannot_be_written_are_counted(void **state)
{
	assert_int_equal(scratch_fork(fill_disk, state), 0);
}

static void a_log_that_cannot_be_opened_leaves_nothing_open(void **state)
{
	struct output out;
	int ends[2];

	assert_int_equal(
		output_open(&out, scratch_path(*state, "none/log"), HEAD, TAIL, ends), -ENOENT);
	assert_int_equal(ends[0], -1);
	assert_int_equal(ends[1], -1);
	assert_false(output_is_open(&out));
	assert_null(out.spool);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(a_line_stands_where_the_source_changes),
		ROW(nothing_written_is_an_empty_record),
		ROW(record_of_sources_is_bounded_and_says_so),
		ROW(log_goes_on_behind_what_was_marked),
		ROW(bytes_that_cannot_be_written_are_counted),
		ROW(a_log_that_cannot_be_opened_leaves_nothing_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
