/* SPDX-License-Identifier: MIT */
/*
 * tests/shim/test_log.c - base/spool.h's readers against what the static program writes: at every
 * size around its limits, while it is being written, and after the shim was killed.
 *
 * The command is this program itself: "emit FIFO LENGTH..." writes a known stream up to each of the
 * lengths, and waits for a byte from the FIFO behind each but the last.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/stream.h"
#include "cmocka.h" /* quoted: it must follow the headers above */
#include "lib/scratch.h"
#include "shim/shim.h"

enum {
	HEAD = 30000,
	TAIL = 9000,
	PIECE = 997, /* of the emitter, alternately to stdout and stderr */
	ARGS_MAX = 32,
	WAIT_MS = 20000,
};

/* --- the command --- */

/* One stream, though two pipes: the next piece only when the one before is in the log. */
static void await_length(const char *log, uint64_t length)
{
	const struct timespec pause = {.tv_nsec = 200000};

	for (;;) {
		uint64_t at = length - 1;
		char byte;

		if (length == 0 || spool_read(log, &at, &byte, 1) == 1)
			return;
		(void)nanosleep(&pause, NULL);
	}
}

static void emit_piece(int fd, uint64_t from, uint64_t to)
{
	char piece[PIECE];

	for (uint64_t i = from; i < to; i++)
		piece[i - from] = stream_byte(i);
	if (write_all(fd, piece, (size_t)(to - from)) < 0)
		_exit(1);
}

static int emit(const char *fifo, const char *log, char **lengths)
{
	CLEANUP(closep) int go = open(fifo, O_RDONLY | O_CLOEXEC);
	uint64_t at = 0;
	int turn = 0;

	for (; *lengths != NULL; lengths++) {
		uint64_t to = strtoull(*lengths, NULL, 10);
		char byte;

		while (at < to) {
			uint64_t end = MIN_OF(to, at + PIECE);

			/* Around the limits pieces of one pipe may as well run together. */
			if (++turn % 4 == 0)
				await_length(log, at);
			emit_piece(turn % 4 == 0 ? 2 : 1, at, end);
			if (turn % 4 == 0)
				await_length(log, end);
			at = end;
		}
		if (lengths[1] != NULL && read(go, &byte, 1) != 1)
			return 1;
	}
	return 0;
}

/* --- running it --- */

struct run {
	char *dir, *log, *fifo;
	int go;
	pid_t shim;
};

static void run_start(struct run *r, void **state, const char *name, const char *const *lengths)
{
	char head[16], tail[16];
	const char *argv[ARGS_MAX] = {PYLON_SHIM, "--dir", NULL, "--log", NULL, "--log-head", head,
		"--log-tail", tail, "--", "/proc/self/exe", "emit"};
	size_t n = 12;

	(void)snprintf(head, sizeof(head), "%d", HEAD);
	(void)snprintf(tail, sizeof(tail), "%d", TAIL);
	r->dir = xstrdup(scratch_path(*state, name));
	r->log = xasprintf("%s/log", r->dir);
	r->fifo = xasprintf("%s/fifo", r->dir);
	assert_int_equal(mkdir(r->dir, 0700), 0);
	assert_int_equal(mkfifo(r->fifo, 0600), 0);
	/* For both directions: opening must not wait, and no end of file must come. */
	r->go = open(r->fifo, O_RDWR | O_CLOEXEC);
	assert_true(r->go >= 0);
	argv[2] = r->dir;
	argv[4] = r->log;
	argv[n++] = r->fifo;
	argv[n++] = r->log;
	for (; *lengths != NULL; lengths++)
		argv[n++] = *lengths;
	assert_true(n < ARGS_MAX);
	r->shim = fork();
	assert_true(r->shim >= 0);
	if (r->shim == 0) {
		char self[4096];
		ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

		self[len > 0 ? len : 0] = '\0';
		argv[10] = self;
		(void)execv(PYLON_SHIM, (char **)(uintptr_t)argv);
		_exit(126);
	}
}

static void run_go(struct run *r)
{
	assert_int_equal(write(r->go, "g", 1), 1);
}

static int run_wait(struct run *r)
{
	int status;

	assert_int_equal(waitpid(r->shim, &status, 0), r->shim);
	return status;
}

static void run_fini(struct run *r)
{
	closep(&r->go);
	free(r->dir);
	free(r->log);
	free(r->fifo);
}

/* Reads again and again until `length` is there; every reading must be right. */
static struct seen wait_length(const char *path, uint64_t length)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	struct seen seen = {0};

	for (int i = 0; i < WAIT_MS; i++) {
		seen = stream_read(path, 0, 4096);
		assert_true(seen.is_right);
		/* The ring may have turned under this reading; now it stands still. */
		if (seen.end == length)
			return stream_read(path, 0, 4096);
		assert_true(seen.end < length);
		(void)nanosleep(&pause, NULL);
	}
	fail_msg("only %llu of %llu bytes", (unsigned long long)seen.end,
		(unsigned long long)length);
	return seen;
}

static void check_seen(const struct seen *seen, uint64_t length)
{
	assert_int_equal(seen->end, length);
	assert_int_equal(seen->bytes + seen->skipped, length);
	assert_true(seen->jumps <= 1);
	assert_true(seen->bytes >= MIN_OF(length, (uint64_t)HEAD + TAIL));
	assert_true(seen->bytes <= HEAD + 2 * TAIL);
}

static bool has_file(const char *path, const char *suffix)
{
	CLEANUP(freep) char *name = xasprintf("%s%s", path, suffix);

	return file_exists(name);
}

static void finished_log_is_exact_around_every_limit(void **state)
{
	static const uint64_t borders[] = {
		1, HEAD, HEAD + TAIL, HEAD + 2 * TAIL, HEAD + 3 * TAIL, HEAD + 9 * TAIL};

	for (size_t b = 0; b < ARRAY_LEN(borders); b++) {
		for (uint64_t length = borders[b] - 1; length <= borders[b] + 1; length++) {
			CLEANUP(freep) char *name = xasprintf("%llu", (unsigned long long)length);
			const char *const lengths[] = {name, NULL};
			struct seen seen;
			struct run r;

			run_start(&r, state, name, lengths);
			assert_int_equal(run_wait(&r), 0);
			seen = stream_read(r.log, 0, 997);
			assert_true(seen.is_right);
			check_seen(&seen, length);
			assert_false(has_file(r.log, ".a") || has_file(r.log, ".b"));
			run_fini(&r);
		}
	}
}

static const char *const steps[] = {"0", "1", "29999", "30000", "30001", "38999", "39000", "39001",
	"48000", "48001", "90000", NULL};

static void log_is_right_while_it_is_written(void **state)
{
	struct run r;

	run_start(&r, state, "live", steps);
	for (size_t i = 0; steps[i] != NULL; i++) {
		uint64_t length = strtoull(steps[i], NULL, 10);
		struct seen seen = wait_length(r.log, length);

		check_seen(&seen, length);
		if (steps[i + 1] != NULL)
			run_go(&r);
	}
	assert_int_equal(run_wait(&r), 0);
	run_fini(&r);
}

/* What was in the log stays readable, and the next writer goes on behind it. */
static void log_of_a_killed_shim_is_whole(void **state)
{
	for (size_t i = 1; steps[i + 1] != NULL; i++) {
		uint64_t length = strtoull(steps[i], NULL, 10);
		const char *const lengths[] = {steps[i], "1000000", NULL};
		char mark[SPOOL_MARK_MAX];
		struct spool *s = NULL;
		struct seen seen;
		struct run r;
		int status;

		run_start(&r, state, steps[i], lengths);
		(void)wait_length(r.log, length);
		assert_int_equal(kill(r.shim, SIGKILL), 0);
		status = run_wait(&r);
		assert_true(WIFSIGNALED(status));
		seen = stream_read(r.log, 0, 4096);
		assert_true(seen.is_right);
		check_seen(&seen, length);
		assert_int_equal(spool_open(&s, r.log, HEAD, TAIL, mark, NULL), 0);
		/* The mark of the very last piece may be missing. */
		assert_true(spool_length(s) <= length && spool_length(s) + SHIM_PIECE >= length);
		assert_int_equal(stream_write(s, spool_length(s), length + 5000, 1000), 0);
		spool_close(s, true);
		seen = stream_read(r.log, 0, 4096);
		assert_true(seen.is_right);
		check_seen(&seen, length + 5000);
		run_fini(&r);
	}
}

/* A flood while somebody reads: every reading is right, whatever turns meanwhile. */
static void log_is_right_in_the_middle_of_a_flood(void **state)
{
	static const char *const lengths[] = {"400000", NULL};
	struct seen seen;
	struct run r;

	run_start(&r, state, "flood", lengths);
	seen = wait_length(r.log, 400000);
	check_seen(&seen, 400000);
	assert_int_equal(run_wait(&r), 0);
	run_fini(&r);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		ROW(finished_log_is_exact_around_every_limit),
		ROW(log_is_right_while_it_is_written),
		ROW(log_of_a_killed_shim_is_whole),
		ROW(log_is_right_in_the_middle_of_a_flood),
	};

	if (argc > 4 && str_eq(argv[1], "emit"))
		return emit(argv[2], argv[3], argv + 4);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
