/* SPDX-License-Identifier: MIT */
/*
 * tests/cli/test_pump.c - bytes between here and a program, whoever ends first.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/limits.h"
#include "cli/attach-internal.h"
#include "lib/t.h"

/* A pump between files of the test and a program in a child process. */
struct rig {
	char *dir;
	struct client_tunnel tunnel;
	struct pump pump;
	int program; /* the program's end of the tunnel */
	pid_t pid;
	int sizes, sizes_refused;
	struct err e;
};

static int open_file(const struct rig *r, const char *name)
{
	CLEANUP(freep) char *path = xasprintf("%s/%s", r->dir, name);

	return open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
}

static int setup(void **state)
{
	struct rig *r = xcalloc(1, sizeof(*r));
	int pair[2];

	r->dir = t_folder();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	r->tunnel.fd = pair[0];
	r->program = pair[1];
	r->pump = (struct pump){.tunnel = &r->tunnel,
		.in = open("/dev/null", O_RDONLY | O_CLOEXEC),
		.out = open_file(r, "out"),
		.err = open_file(r, "err"),
		.resized = -1};
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;

	if (r->pid > 0) {
		(void)kill(r->pid, SIGKILL);
		(void)waitpid(r->pid, NULL, 0);
	}
	client_tunnel_fini(&r->tunnel);
	closep(&r->program);
	closep(&r->pump.in);
	closep(&r->pump.out);
	closep(&r->pump.err);
	closep(&r->pump.resized);
	t_folder_remove(r->dir);
	free(r);
	return 0;
}

static void run_program(struct rig *r, void (*program)(int fd))
{
	r->pid = fork();
	assert_true(r->pid >= 0);
	if (r->pid == 0) {
		(void)close(r->tunnel.fd);
		program(r->program);
		_exit(0);
	}
	closep(&r->program);
}

/* What the program has said so far and no more. */
static void say_and_leave(struct rig *r, struct slice said)
{
	assert_int_equal(write_all(r->program, said.p, said.n), 0);
	closep(&r->program);
}

static void set_input(struct rig *r, const void *p, size_t n)
{
	closep(&r->pump.in);
	r->pump.in = open_file(r, "in");
	assert_int_equal(write_all(r->pump.in, p, n), 0);
	assert_int_equal(lseek(r->pump.in, 0, SEEK_SET), 0);
}

/* What was written to a file; free() it. */
static char *text_of(int fd)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;

	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(fd_read(fd, MIB(16), &text), 0);
	return buf_steal(&text);
}

static void expect_text(int fd, const char *want)
{
	CLEANUP(freep) char *got = text_of(fd);

	assert_string_equal(got, want);
}

static void expect_run(struct rig *r, int result)
{
	int rc = pump_run(&r->pump, &r->e);

	if (rc != result)
		fail_msg("%d instead of %d: %s", rc, result, r->e.text);
}

/* --- programs --- */

static void say(int fd, const void *p, size_t n)
{
	if (write_all(fd, p, n) < 0)
		_exit(1);
}

/* Counts its input, and tells how much it was when that has ended. */
static void count_input(int fd)
{
	CLEANUP(freep) char *text = NULL;
	char piece[4096];
	size_t total = 0;
	ssize_t n;

	while ((n = read(fd, piece, sizeof(piece))) > 0)
		total += (size_t)n;
	text = xasprintf("%zu", total);
	say(fd, text, strlen(text));
}

/* Says what it hears, as cat does, and takes nothing more before that is gone. */
static void echo(int fd)
{
	char piece[4096];
	ssize_t n;

	while ((n = read(fd, piece, sizeof(piece))) > 0)
		say(fd, piece, (size_t)n);
}

static void read_nothing(int fd)
{
	(void)shutdown(fd, SHUT_RD);
	say(fd, "as you like", 11);
}

/* --- tests --- */

static void end_of_input_reaches_the_program_and_its_answer_comes_back(void **state)
{
	struct rig *r = *state;

	set_input(r, "12345", 5);
	run_program(r, count_input);
	expect_run(r, 0);
	expect_text(r->pump.out, "5");
}

static void no_input_at_all_is_an_end(void **state)
{
	struct rig *r = *state;

	run_program(r, count_input);
	expect_run(r, 0);
	expect_text(r->pump.out, "0");
}

/* More than all buffers of a connection together. */
static void input_and_output_do_not_wait_for_each_other(void **state)
{
	struct rig *r = *state;
	CLEANUP(buf_fini) struct buf much = BUF_NULL;

	while (much.n < MIB(4))
		buf_printf(&much, "line at %zu\n", much.n);
	set_input(r, much.p, much.n);
	run_program(r, echo);
	expect_run(r, 0);
	expect_text(r->pump.out, buf_str(&much));
}

static void a_program_may_end_before_its_input_does(void **state)
{
	struct rig *r = *state;
	int ends[2];

	/* Nobody ever types anything. */
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	closep(&r->pump.in);
	r->pump.in = ends[0];
	say_and_leave(r, SLICE_LIT("bye"));
	expect_run(r, 0);
	expect_text(r->pump.out, "bye");
	closep(&ends[1]);
}

static void a_program_that_reads_nothing_is_still_heard(void **state)
{
	struct rig *r = *state;
	CLEANUP(buf_fini) struct buf much = BUF_NULL;

	buf_reserve(&much, MIB(2));
	(void)memset(much.p, 'x', MIB(2));
	set_input(r, much.p, MIB(2));
	run_program(r, read_nothing);
	expect_run(r, 0);
	expect_text(r->pump.out, "as you like");
}

static void what_came_with_the_answer_comes_first(void **state)
{
	struct rig *r = *state;

	buf_add_str(&r->tunnel.first, "first ");
	say_and_leave(r, SLICE_LIT("second"));
	expect_run(r, 0);
	expect_text(r->pump.out, "first second");
}

static void frames_go_to_two_outputs(void **state)
{
	struct rig *r = *state;

	r->pump.is_framed = true;
	/* The first one cut in the middle of its head. */
	buf_add(&r->tunnel.first, "\1\0\0", 3);
	say_and_leave(r, SLICE_LIT("\0\0\0\0\3out"
				   "\2\0\0\0\0\0\0\3err"
				   "\3\0\0\0\0\0\0\2!\n"
				   "\0\0\0\0\0\0\0\1+"));
	expect_run(r, 0);
	expect_text(r->pump.out, "out+");
	expect_text(r->pump.err, "err!\n");
}

static void a_raw_stream_is_left_alone(void **state)
{
	struct rig *r = *state;
	CLEANUP(freep) char *got = NULL;

	say_and_leave(r, SLICE_LIT("\1\2\3\033[31m\xFF"));
	expect_run(r, 0);
	got = text_of(r->pump.out);
	assert_string_equal(got, "\1\2\3\033[31m\xFF");
}

static void a_frame_that_is_cut_off_is_a_failure(void **state)
{
	struct rig *r = *state;

	r->pump.is_framed = true;
	say_and_leave(r, SLICE_LIT("\1\0\0\0\0\0\0\4out"));
	expect_run(r, -ECONNRESET);
	expect_text(r->pump.out, "out");
}

static void what_is_no_frame_is_a_failure(void **state)
{
	struct rig *r = *state;

	r->pump.is_framed = true;
	say_and_leave(r, SLICE_LIT("no frames here"));
	expect_run(r, -EPROTO);
	expect_text(r->pump.out, "");
}

static void output_that_cannot_be_written_is_a_failure(void **state)
{
	struct rig *r = *state;

	closep(&r->pump.out);
	r->pump.out = open("/dev/full", O_WRONLY | O_CLOEXEC);
	say_and_leave(r, SLICE_LIT("lost"));
	expect_run(r, -ENOSPC);
	assert_non_null(strstr(r->e.text, "the output cannot be written"));
}

/* Takes it the third time, and then the program ends. */
static bool take_size(void *ctx)
{
	struct rig *r = ctx;

	r->sizes++;
	if (r->sizes <= r->sizes_refused)
		return false;
	closep(&r->program);
	return true;
}

static void the_size_is_told_until_it_is_taken(void **state)
{
	struct rig *r = *state;

	r->pump.resized = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r->pump.resize = take_size;
	r->pump.ctx = r;
	r->sizes_refused = 2;
	expect_run(r, 0);
	assert_int_equal(r->sizes, 3);
}

/* Ends the program at the second size. */
static bool take_two_sizes(void *ctx)
{
	struct rig *r = ctx;
	uint64_t one = 1;

	if (++r->sizes == 2)
		closep(&r->program);
	else
		assert_int_equal(write(r->pump.resized, &one, sizeof(one)), sizeof(one));
	return true;
}

static void a_new_size_is_told_again(void **state)
{
	struct rig *r = *state;

	r->pump.resized = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r->pump.resize = take_two_sizes;
	r->pump.ctx = r;
	expect_run(r, 0);
	assert_int_equal(r->sizes, 2);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(end_of_input_reaches_the_program_and_its_answer_comes_back),
		ROW(no_input_at_all_is_an_end),
		ROW(input_and_output_do_not_wait_for_each_other),
		ROW(a_program_may_end_before_its_input_does),
		ROW(a_program_that_reads_nothing_is_still_heard),
		ROW(what_came_with_the_answer_comes_first),
		ROW(frames_go_to_two_outputs),
		ROW(a_raw_stream_is_left_alone),
		ROW(a_frame_that_is_cut_off_is_a_failure),
		ROW(what_is_no_frame_is_a_failure),
		ROW(output_that_cannot_be_written_is_a_failure),
		ROW(the_size_is_told_until_it_is_taken),
		ROW(a_new_size_is_told_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
