/* SPDX-License-Identifier: MIT */
/*
 * tests/mcp/test_serve.c - the server on its two descriptors.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/limits.h"
#include "lib/scratch.h"
#include "lib/t.h"
#include "mcp/mcp.h"

#define PING "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}"
#define PONG "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n"
#define LIST "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}"

/* Serves the messages of a file into another; returns what was answered. */
static char *serve(struct scratch *s, const char *messages)
{
	CLEANUP(closep)
	int in = open(scratch_file(s, "in", messages), O_RDONLY | O_CLOEXEC);
	CLEANUP(closep)
	int out = open(scratch_file(s, "out", ""), O_WRONLY | O_CLOEXEC);
	const struct mcp_options o = {
		.socket = "/nonexistent/socket", .version = "1", .in = in, .out = out};
	struct err e = CLEAN_ERR;

	assert_int_equal(mcp_serve(&o, &e), 0);
	return scratch_read(scratch_path(s, "out"));
}

static void the_end_of_the_messages_is_the_end(void **state)
{
	CLEANUP(freep) char *nothing = serve(*state, "");
	CLEANUP(freep) char *two = serve(*state, PING "\n" PING "\n");
	CLEANUP(freep) char *unended = serve(*state, PING "\n" PING);

	assert_string_equal(nothing, "");
	assert_string_equal(two, PONG PONG);
	assert_string_equal(unended, PONG PONG);
}

/* A ping with blanks behind it, as long as wanted. */
static char *serve_long(struct scratch *s, size_t size)
{
	CLEANUP(freep) char *text = xcalloc(1, size + sizeof("\n" PING "\n"));

	(void)memset(text, ' ', size);
	(void)memcpy(text, PING, strlen(PING));
	(void)memcpy(text + size, "\n" PING "\n", sizeof("\n" PING "\n"));
	return serve(s, text);
}

static void messages_are_taken_up_to_the_limit(void **state)
{
	CLEANUP(freep) char *below = serve_long(*state, MCP_MESSAGE_MAX - 1);
	CLEANUP(freep) char *at = serve_long(*state, MCP_MESSAGE_MAX);
	CLEANUP(freep) char *above = serve_long(*state, MCP_MESSAGE_MAX + 1);

	assert_string_equal(below, PONG PONG);
	assert_string_equal(at, PONG PONG);
	assert_true(str_has_prefix(above, "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":"));
	assert_true(str_has_suffix(above, "}\n" PONG));
}

static void a_descriptor_that_cannot_be_read_is_told(void **state)
{
	CLEANUP(closep) int in = open(scratch_dir(*state), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct mcp_options o = {.socket = "/x", .version = "1", .in = in, .out = -1};
	struct err e = CLEAN_ERR;

	assert_int_equal(mcp_serve(&o, &e), -EISDIR);
	assert_true(str_has_prefix(e.text, "reading messages"));
}

/* The client keeps its own end open: without somebody to talk to there is nothing to wait for. */
static void a_client_that_does_not_listen_any_more_ends_it(void **state)
{
	struct mcp_options o = {.socket = "/x", .version = "1"};
	struct err e = CLEAN_ERR;
	int in[2], out[2];

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(write_all(in[1], PING "\n" PING "\n", 2 * strlen(PING "\n")), 0);
	assert_int_equal(close(out[0]), 0);
	o.in = in[0];
	o.out = out[1];
	assert_int_equal(mcp_serve(&o, &e), -EPIPE);
	assert_true(str_has_prefix(e.text, "writing an answer"));
	assert_int_equal(close(in[0]), 0);
	assert_int_equal(close(in[1]), 0);
	assert_int_equal(close(out[1]), 0);
}

#define LISTS 200

/* Asks for so much at once that the answer fits into no buffer between, and wants all of it. */
static void talk_at_length(int fd)
{
	size_t lines = 0, schemas = 0;
	char c, last = '\0';

	CHILD_CHECK(write_all(fd, "[", 1) == 0);
	for (size_t i = 0; i < LISTS; i++)
		CHILD_CHECK(write_all(fd, i == 0 ? LIST : "," LIST, strlen(LIST) + (i > 0)) == 0);
	CHILD_CHECK(write_all(fd, "]\n", 2) == 0);
	CHILD_CHECK(shutdown(fd, SHUT_WR) == 0);
	while (read(fd, &c, 1) == 1) {
		lines += c == '\n';
		schemas += c == 'S' && last == 't'; /* inputSchema */
		last = c;
	}
	CHILD_CHECK(lines == 1);
	CHILD_CHECK(schemas > 0 && schemas % LISTS == 0);
}

static void descriptors_that_do_not_block_are_waited_for(void **state)
{
	struct mcp_options o = {.socket = "/x", .version = "1"};
	struct err e = CLEAN_ERR;
	int ends[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)close(ends[0]);
		talk_at_length(ends[1]);
		_exit(0);
	}
	assert_int_equal(close(ends[1]), 0);
	assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	o.in = o.out = ends[0];
	assert_int_equal(mcp_serve(&o, &e), 0);
	assert_int_equal(close(ends[0]), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#define SCRATCH_TEST(fn) cmocka_unit_test_setup_teardown(fn, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(the_end_of_the_messages_is_the_end),
		SCRATCH_TEST(messages_are_taken_up_to_the_limit),
		SCRATCH_TEST(a_descriptor_that_cannot_be_read_is_told),
		SCRATCH_TEST(a_client_that_does_not_listen_any_more_ends_it),
		cmocka_unit_test(descriptors_that_do_not_block_are_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
