/* SPDX-License-Identifier: MIT */
/*
 * tests/channel/test_printer.c - the stdout channel: the text, and readers that are slow or gone.
 */
#include <fcntl.h>
#include <signal.h>

#include "channel/channel_internal.h"
#include "lib/t.h"

#define JOB                                                                                        \
	"\"job\":{\"id\":\"1a2b3c4d-0000-4000-8000-000000000000\",\"pylon\":\"gh\","               \
	"\"state\":\"failed\",\"reason\":\"oom\"}"

struct world {
	struct loop *loop;
	struct channel *channel;
	int read_fd, write_fd;
	unsigned reports;
	enum channel_outcome outcomes[16];
};

static void on_done(void *ctx, const struct id *id UNUSED, const struct channel_report *r)
{
	struct world *w = ctx;

	assert_true(w->reports < ARRAY_LEN(w->outcomes));
	assert_true((r->outcome == CHANNEL_SENT) == (r->text == NULL));
	w->outcomes[w->reports++] = r->outcome;
}

static int setup_on(void **state, struct loop *l)
{
	struct world *w = xcalloc(1, sizeof(*w));
	int fds[2];

	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	w->read_fd = fds[0];
	w->write_fd = fds[1];
	w->loop = l;
	w->channel = channel_new(w->loop, NULL, w->write_fd, on_done, w);
	*state = w;
	return 0;
}

static int setup(void **state)
{
	return setup_on(state, loop_new_fake(US_PER_SEC));
}

static int setup_real(void **state)
{
	struct err e = CLEAN_ERR;

	return setup_on(state, loop_new(&e));
}

static int teardown(void **state)
{
	struct world *w = *state;

	w->channel->ops->free(w->channel);
	loop_free(w->loop);
	closep(&w->read_fd);
	closep(&w->write_fd);
	free(w);
	return 0;
}

static void print(struct world *w, const char *kind, const char *message, bool is_repeat)
{
	struct channel_target to = {.type = "stdout"};
	struct channel_message m = {
		.delivery_id = {"d"}, .kind = kind, .message = message, .is_repeat = is_repeat};

	w->channel->ops->send(w->channel, &to, &m);
}

static char *read_all(struct world *w)
{
	struct buf out = BUF_NULL;
	char piece[65536];
	ssize_t n;

	while ((n = read(w->read_fd, piece, sizeof(piece))) > 0)
		buf_add(&out, piece, (size_t)n);
	return buf_steal(&out);
}

static void expect_text(const char *kind, const char *message, bool is_repeat, const char *expected)
{
	struct channel_message m = {.kind = kind, .message = message, .is_repeat = is_repeat};
	struct buf out = BUF_NULL;

	printer_render(&out, &m);
	assert_string_equal(buf_str(&out), expected);
	buf_fini(&out);
}

static void block_says_which_job_and_what_became_of_it(void **state)
{
	(void)state;
	expect_text("result", "{" JOB ",\"text\":\"two\\nlines\"}", false,
		"[gh] job 1a2b3c4d failed (oom)\ntwo\nlines\n\n");
	expect_text("result", "{" JOB ",\"text\":\"\"}", true,
		"[gh] job 1a2b3c4d failed (oom) (repeat)\n\n");
	expect_text("notice", "{" JOB ",\"text\":\"hi\\n\"}", false,
		"[gh] job 1a2b3c4d notice\nhi\n\n");
}

static void approval_tells_how_to_decide(void **state)
{
	(void)state;
	expect_text("approval",
		"{\"job\":{\"id\":\"1a2b3c4d-0000-4000-8000-000000000000\",\"pylon\":\"gh\"},"
		"\"text\":\"May I?\"}",
		false,
		"[gh] job 1a2b3c4d waits for approval\nMay I?\n"
		"  to run it:     pylon approve 1a2b3c4d\n"
		"  to forget it:  pylon dismiss 1a2b3c4d\n\n");
}

static void nothing_reaches_the_terminal_but_text(void **state)
{
	(void)state;
	expect_text("result", "{" JOB ",\"text\":\"a\\u001b[2Jb\\u202ec\\u0007\\r\"}", false,
		"[gh] job 1a2b3c4d failed (oom)\nabc\n\n");
	expect_text("result", "broken", false, "[?] job ? is over\n\n");
}

static void messages_are_printed_in_order(void **state)
{
	struct world *w = *state;
	char *text;

	print(w, "result", "{" JOB ",\"text\":\"one\"}", false);
	print(w, "result", "{" JOB ",\"text\":\"two\"}", false);
	assert_int_equal(w->reports, 0);
	loop_settle(w->loop);
	assert_int_equal(w->reports, 2);
	assert_int_equal(w->outcomes[0], CHANNEL_SENT);
	assert_int_equal(w->outcomes[1], CHANNEL_SENT);
	text = read_all(w);
	assert_non_null(strstr(strstr(text, "one"), "two"));
	free(text);
}

/* Longer than a pipe holds. */
static char *long_message(void)
{
	char *text = xcalloc(300001, 1);
	char *message;

	memset(text, 'x', 300000);
	message = xasprintf("{" JOB ",\"text\":\"%s\"}", text);
	free(text);
	return message;
}

static void slow_reader_gets_it_all_in_the_end(void **state)
{
	struct world *w = *state;
	char *message = long_message();
	struct buf all = BUF_NULL;
	unsigned turns = 0;

	print(w, "result", message, false);
	while (all.n < 300000 && turns++ < 1000) {
		CLEANUP(freep) char *text = NULL;

		(void)loop_turn(w->loop, US_PER_MS);
		text = read_all(w);
		buf_add_str(&all, text);
	}
	assert_int_equal(w->outcomes[0], CHANNEL_SENT);
	assert_true(all.n > 300000);
	assert_true(str_has_suffix(all.p, "x\n\n"));
	buf_fini(&all);
	free(message);
}

static void reader_that_stops_halfway_leaves_it_unknown(void **state)
{
	struct world *w = *state;
	char *message = long_message();
	char *text;

	print(w, "result", message, false);
	print(w, "result", "{" JOB ",\"text\":\"next\"}", false);
	loop_settle(w->loop);
	loop_advance(w->loop, DELIVERY_TIMEOUT_US - 1);
	assert_int_equal(w->reports, 0);
	loop_advance(w->loop, 1);
	assert_int_equal(w->reports, 1);
	assert_int_equal(w->outcomes[0], CHANNEL_UNKNOWN);
	/* The next one waits too, and has not begun. */
	loop_settle(w->loop);
	loop_advance(w->loop, DELIVERY_TIMEOUT_US);
	assert_int_equal(w->reports, 2);
	assert_int_equal(w->outcomes[1], CHANNEL_RETRY);
	text = read_all(w);
	free(text);
	/* What follows begins on a line of its own. */
	print(w, "result", "{" JOB ",\"text\":\"after\"}", false);
	loop_settle(w->loop);
	text = read_all(w);
	assert_true(str_has_prefix(text, "\n[gh] job"));
	free(text);
	free(message);
}

static void closed_stdout_is_worth_a_retry(void **state)
{
	struct world *w = *state;

	closep(&w->read_fd);
	print(w, "result", "{" JOB ",\"text\":\"one\"}", false);
	print(w, "result", "{" JOB ",\"text\":\"two\"}", false);
	loop_settle(w->loop);
	assert_int_equal(w->reports, 2);
	assert_int_equal(w->outcomes[0], CHANNEL_RETRY);
	assert_int_equal(w->outcomes[1], CHANNEL_RETRY);
}

static void file_is_always_ready(void **state)
{
	struct world *w = *state;
	char path[] = "/tmp/pylon-test-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	(void)unlink(path);
	w->channel->ops->free(w->channel);
	w->channel = channel_new(w->loop, NULL, fd, on_done, w);
	print(w, "result", "{" JOB ",\"text\":\"one\"}", false);
	loop_settle(w->loop);
	assert_int_equal(w->outcomes[0], CHANNEL_SENT);
	assert_true(lseek(fd, 0, SEEK_END) > 10);
	closep(&fd);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(block_says_which_job_and_what_became_of_it),
		cmocka_unit_test(approval_tells_how_to_decide),
		cmocka_unit_test(nothing_reaches_the_terminal_but_text),
		T(messages_are_printed_in_order),
		cmocka_unit_test_setup_teardown(
			slow_reader_gets_it_all_in_the_end, setup_real, teardown),
		T(reader_that_stops_halfway_leaves_it_unknown),
		T(closed_stdout_is_worth_a_retry),
		T(file_is_always_ready),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
