/* SPDX-License-Identifier: MIT */
/*
 * tests/cli/test_cli.c - the words of the command line: global options, commands, their options,
 * suggestions; and what commands make of states and foreign text.
 */
#include <fcntl.h>

#include "base/limits.h"
#include "calendar/instant.h"
#include "cli/commands-internal.h"
#include "lib/t.h"

/* --- what goes to stdout and stderr --- */

struct capture {
	char *dir;
	int out, err; /* the real ones */
};

static void redirect(const char *dir, const char *name, int fd)
{
	CLEANUP(freep) char *path = xasprintf("%s/%s", dir, name);
	int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(file >= 0 && dup2(file, fd) == fd);
	(void)close(file);
}

static int setup(void **state)
{
	struct capture *c = xcalloc(1, sizeof(*c));

	c->dir = t_folder();
	(void)fflush(NULL);
	c->out = dup(STDOUT_FILENO);
	c->err = dup(STDERR_FILENO);
	redirect(c->dir, "out", STDOUT_FILENO);
	redirect(c->dir, "err", STDERR_FILENO);
	assert_int_equal(setenv("PYLON_HOME", "/nowhere", 1), 0);
	assert_int_equal(unsetenv("PYLON_DAEMON_SOCKET_PATH"), 0);
	*state = c;
	return 0;
}

static int teardown(void **state)
{
	struct capture *c = *state;

	(void)fflush(NULL);
	(void)dup2(c->out, STDOUT_FILENO);
	(void)dup2(c->err, STDERR_FILENO);
	(void)close(c->out);
	(void)close(c->err);
	t_folder_remove(c->dir);
	free(c);
	return 0;
}

static char *printed(const struct capture *c, const char *name)
{
	CLEANUP(freep) char *path = xasprintf("%s/%s", c->dir, name);
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	struct err e = CLEAN_ERR;

	(void)fflush(NULL);
	assert_int_equal(file_read(path, 1 << 20, &text, &e), 0);
	return buf_steal(&text);
}

static void expect_printed(void **state, const char *name, const char *part)
{
	CLEANUP(freep) char *text = printed(*state, name);

	if (strstr(text, part) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", part, text);
}

/* --- parsing --- */

struct line {
	struct cli c;
	int result, argc;
	char **argv;
	char *words[12], *moved[12]; /* the parser moves pointers about */
};

static void parse(struct line *l, const char *const *words)
{
	int n = 0;

	*l = (struct line){0};
	l->words[n++] = xstrdup("pylon");
	for (; words[n - 1] != NULL; n++)
		l->words[n] = xstrdup(words[n - 1]);
	(void)memcpy(l->moved, l->words, sizeof(l->words));
	l->result = cli_parse(&l->c, n, l->moved, &l->argc, &l->argv);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void line_fini(struct line *l)
{
	for (size_t i = 0; i < ARRAY_LEN(l->words); i++)
		free(l->words[i]);
	cli_fini(&l->c);
}

static void global_options_may_stand_anywhere(void **state)
{
	struct line l;

	(void)state;
	parse(&l,
		WORDS("--json", "logs", "--home=/h", "-f", "--socket", "/s/k", "abcd", "--quiet"));
	assert_int_equal(l.result, EXIT_OK);
	assert_string_equal(l.c.command->name, "logs");
	assert_true(l.c.json && l.c.quiet);
	assert_string_equal(l.c.home, "/h");
	assert_string_equal(l.c.socket, "/s/k");
	assert_true(l.c.socket_is_explicit);
	assert_int_equal(l.argc, 3);
	assert_string_equal(l.argv[0], "logs");
	assert_string_equal(l.argv[1], "-f");
	assert_string_equal(l.argv[2], "abcd");
	line_fini(&l);
}

static void home_and_socket_have_defaults(void **state)
{
	struct line l;

	(void)state;
	parse(&l, WORDS("status"));
	assert_int_equal(l.result, EXIT_OK);
	assert_string_equal(l.c.home, "/nowhere");
	assert_string_equal(l.c.socket, "/nowhere/daemon/socket");
	assert_false(l.c.socket_is_explicit);
	line_fini(&l);
}

static void double_dash_ends_global_options(void **state)
{
	struct line l;

	(void)state;
	parse(&l, WORDS("trigger", "--", "--json"));
	assert_int_equal(l.result, EXIT_OK);
	assert_false(l.c.json);
	assert_int_equal(l.argc, 3);
	assert_string_equal(l.argv[2], "--json");
	line_fini(&l);
}

static void missing_value_is_a_usage_error(void **state)
{
	struct line l;

	parse(&l, WORDS("status", "--home"));
	assert_int_equal(l.result, EXIT_USAGE);
	expect_printed(state, "err", "--home needs a value");
	line_fini(&l);
}

static void unknown_command_gets_a_suggestion(void **state)
{
	struct line l;

	parse(&l, WORDS("staus"));
	assert_int_equal(l.result, EXIT_USAGE);
	expect_printed(state, "err", "did you mean \"status\"?");
	line_fini(&l);
}

static void far_fetched_suggestions_are_not_made(void **state)
{
	(void)state;
	assert_null(cli_suggest_command("xyzzy"));
	assert_null(cli_suggest_command("a"));
	assert_string_equal(cli_suggest_command("job"), "jobs");
	assert_string_equal(cli_suggest_command("aprove"), "approve");
	assert_string_equal(cli_suggest_command("redelivr"), "redeliver");
}

static void help_is_made_from_the_table(void **state)
{
	struct line l;

	parse(&l, WORDS("--help"));
	assert_int_equal(l.result, -1);
	for (size_t i = 0; i < command_count; i++)
		expect_printed(state, "out", commands[i].summary);
	line_fini(&l);
}

static void help_of_a_command_tells_its_words(void **state)
{
	struct line l;

	parse(&l, WORDS("logs", "-h"));
	assert_int_equal(l.result, -1);
	expect_printed(state, "out", "Use: pylon logs [-f] [--tail N] [--raw] <id>\n");
	line_fini(&l);
}

static void help_of_webhook_warns_about_secrets_on_the_command_line(void **state)
{
	struct line l;

	parse(&l, WORDS("webhook", "sign", "--help"));
	assert_int_equal(l.result, -1);
	expect_printed(state, "out", "--secret-file F");
	expect_printed(state, "out", "other users can see it");
	line_fini(&l);
}

static void unknown_option_is_no_command(void **state)
{
	struct line l;

	parse(&l, WORDS("--frob"));
	assert_int_equal(l.result, EXIT_USAGE);
	expect_printed(state, "err", "there is no option --frob");
	line_fini(&l);
}

static void version_needs_no_home(void **state)
{
	struct line l;

	assert_int_equal(unsetenv("PYLON_HOME"), 0);
	assert_int_equal(unsetenv("HOME"), 0);
	parse(&l, WORDS("version"));
	assert_int_equal(l.result, EXIT_OK);
	assert_int_equal(cli_run(&l.c, l.argc, l.argv), EXIT_OK);
	expect_printed(state, "out", "pylon ");
	line_fini(&l);
	parse(&l, WORDS("status"));
	assert_int_equal(l.result, EXIT_CONFIG);
	line_fini(&l);
}

static void table_is_complete(void **state)
{
	(void)state;
	for (size_t i = 0; i < command_count; i++) {
		assert_non_null(commands[i].group);
		assert_non_null(commands[i].args);
		assert_true(commands[i].run != NULL || str_eq(commands[i].name, "start") ||
			    str_eq(commands[i].name, "mcp"));
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(commands[i].name, commands[k].name);
	}
}

/* --- options of a command --- */

static int read_options(int *argc, char **argv, bool *follow, const char **tail)
{
	struct cli c = {.command = cli_find_command("logs")};
	const struct cli_option options[] = {
		{.name = "--follow", .alias = "-f", .flag = follow},
		{.name = "--tail", .alias = "-n", .value = tail},
	};

	return cli_options(&c, argc, argv, options, ARRAY_LEN(options));
}

/* String literals as a writable argv. */
#define ARGV(...)                                                                                  \
	char *argv[] = {__VA_ARGS__, NULL};                                                        \
	int argc = (int)ARRAY_LEN(argv) - 1

static char logs[] = "logs", id[] = "abcd", short_f[] = "-f", tail_5[] = "--tail=5",
	    short_n[] = "-n", seven[] = "7", dashes[] = "--", folow[] = "--folow",
	    follow_yes[] = "--follow=yes", xyz[] = "--xyz";

static void options_and_words_may_be_mixed(void **state)
{
	bool follow = false;
	const char *tail = NULL;
	ARGV(logs, short_f, id, tail_5);

	(void)state;
	assert_int_equal(read_options(&argc, argv, &follow, &tail), EXIT_OK);
	assert_true(follow);
	assert_string_equal(tail, "5");
	assert_int_equal(argc, 2);
	assert_string_equal(argv[1], "abcd");
}

static void values_may_be_the_next_word(void **state)
{
	bool follow = false;
	const char *tail = NULL;
	ARGV(logs, short_n, seven, dashes, short_f);

	(void)state;
	assert_int_equal(read_options(&argc, argv, &follow, &tail), EXIT_OK);
	assert_false(follow);
	assert_string_equal(tail, "7");
	assert_int_equal(argc, 2);
	assert_string_equal(argv[1], "-f");
}

static void refuse(void **state, char *word, const char *why)
{
	bool follow = false;
	const char *tail = NULL;
	ARGV(logs, word);

	assert_int_equal(read_options(&argc, argv, &follow, &tail), EXIT_USAGE);
	expect_printed(state, "err", why);
}

static void wrong_options_are_explained(void **state)
{
	refuse(state, folow, "there is no option --folow; did you mean --follow?");
	refuse(state, xyz, "there is no option --xyz\n");
	refuse(state, short_n, "--tail needs a value");
	refuse(state, follow_yes, "--follow takes no value");
	expect_printed(state, "err", "Use: pylon logs");
}

static void ids_names_and_numbers_are_checked_before_asking(void **state)
{
	struct cli c = {.command = cli_find_command("show")};

	(void)state;
	assert_int_equal(cli_want_id(&c, "job", "abcd"), EXIT_OK);
	assert_int_equal(cli_want_id(&c, "job", "abc"), EXIT_USAGE);
	assert_int_equal(cli_want_id(&c, "job", "../../x"), EXIT_USAGE);
	assert_int_equal(cli_want_name(&c, "my-sentry"), EXIT_OK);
	assert_int_equal(cli_want_name(&c, "a b"), EXIT_USAGE);
	assert_int_equal(cli_want_number(&c, "--limit", "500", 500), EXIT_OK);
	assert_int_equal(cli_want_number(&c, "--limit", "501", 500), EXIT_USAGE);
	assert_int_equal(cli_want_number(&c, "--limit", "0", 500), EXIT_USAGE);
	assert_int_equal(cli_want_object(&c, "--body", "{\"a\":1}"), EXIT_OK);
	assert_int_equal(cli_want_object(&c, "--body", "[1]"), EXIT_USAGE);
	assert_int_equal(cli_want_object(&c, "--body", "{"), EXIT_USAGE);
}

/* --- the daemon is not there --- */

static void commands_without_a_daemon_say_how_to_start_one(void **state)
{
	struct line l;

	parse(&l, WORDS("jobs"));
	assert_int_equal(cli_run(&l.c, l.argc, l.argv), EXIT_UNREACHABLE);
	expect_printed(state, "err", "tried /nowhere/daemon/socket): start it with `pylon start`");
	line_fini(&l);
	parse(&l, WORDS("status", "--json"));
	assert_int_equal(cli_run(&l.c, l.argc, l.argv), EXIT_UNREACHABLE);
	expect_printed(state, "out", "{\"running\":false}\n");
	line_fini(&l);
}

/* --- states and text --- */

static void waiting_ends_with_the_status_of_the_work(void **state)
{
	(void)state;
	assert_int_equal(job_exit_status(JOB_COMPLETED, 0, true), 0);
	assert_int_equal(job_exit_status(JOB_FAILED, 3, true), 3);
	assert_int_equal(job_exit_status(JOB_FAILED, 0, true), 1);
	assert_int_equal(job_exit_status(JOB_FAILED, -1, true), 1);
	assert_int_equal(job_exit_status(JOB_FAILED, -1, false), 125);
	assert_int_equal(job_exit_status(JOB_TIMED_OUT, 137, true), 124);
	assert_int_equal(job_exit_status(JOB_CANCELLED, 137, true), 137);
	assert_int_equal(job_exit_status(JOB_CANCELLED, -1, true), 143);
	assert_int_equal(job_exit_status(JOB_CANCELLED, -1, false), 125);
	assert_int_equal(job_exit_status(JOB_LOST, -1, true), 1);
	assert_int_equal(job_exit_status(JOB_REJECTED, -1, false), 125);
	assert_int_equal(job_exit_status(JOB_EXPIRED, -1, false), 125);
}

static void refusals_become_exit_statuses(void **state)
{
	struct cli c = {0};

	assert_int_equal(
		cli_refused(&c, 503, SLICE_LIT("{\"detail\":\"all slots are taken\"}")), 75);
	expect_printed(state, "err", "pylon: all slots are taken\n");
	assert_int_equal(cli_refused(&c, 429, SLICE_LIT("")), 75);
	assert_int_equal(
		cli_refused(&c, 404, SLICE_LIT("{\"title\":\"Not\\u001b[31m Found\"}")), 1);
	expect_printed(state, "err", "pylon: Not Found\n");
	assert_int_equal(cli_refused(&c, 500, SLICE_LIT("<html>")), 1);
	expect_printed(state, "err", "pylon: the daemon answered 500\n");
}

static void cells_hold_one_clean_line(void **state)
{
	static const struct {
		const char *text;
		size_t width;
		const char *cell;
	} rows[] = {
		{"plain", 10, "plain"},
		{"too long", 3, "too"},
		{"a\nb\tc", 10, "a b c"},
		{"\033[31mred\033[0m", 10, "red"},
		{"\xC3\xA4\xC3\xB6\xC3\xBC", 2, "\xC3\xA4\xC3\xB6"},
		{NULL, 5, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(freep) char *cell = cli_cell(rows[i].text, rows[i].width);

		assert_string_equal(cell, rows[i].cell);
	}
}

static void stream(bool is_raw, const char *const *pieces)
{
	struct log_output o = {.is_raw = is_raw};

	for (; *pieces != NULL; pieces++)
		assert_true(log_output_add(&o, slice_of(*pieces)));
	log_output_end(&o);
}

static void log_output_is_harmless_even_when_an_escape_is_split(void **state)
{
	CLEANUP(freep) char *text = NULL;

	stream(false, WORDS("one\n\033", "[31mred\033[0m\n", "\xC3", "\xA4\nlast"));
	text = printed(*state, "out");
	assert_string_equal(text, "one\nred\n\xC3\xA4\nlast\n");
}

static void raw_log_output_is_left_alone(void **state)
{
	CLEANUP(freep) char *text = NULL;

	stream(true, WORDS("\033[31m", "red"));
	text = printed(*state, "out");
	assert_string_equal(text, "\033[31mred");
}

static void endless_line_is_cut_between_characters(void **state)
{
	CLEANUP(buf_fini) struct buf line = BUF_NULL;
	CLEANUP(freep) char *text = NULL;

	for (int i = 0; i < 20000; i++)
		buf_add_str(&line, i == 0 ? "x" : "\xC3\xA4");
	stream(false, WORDS(buf_str(&line)));
	text = printed(*state, "out");
	buf_add_char(&line, '\n');
	assert_string_equal(text, buf_str(&line));
}

static void times_and_durations_are_for_people(void **state)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;

	(void)state;
	cli_duration(&text, 94400);
	buf_add_char(&text, ' ');
	cli_duration(&text, -1);
	buf_add_char(&text, ' ');
	cli_duration(&text, 0);
	buf_add_char(&text, ' ');
	cli_ago(&text, NULL);
	assert_string_equal(buf_str(&text), "1m34s -- 0s --");
}

static void times_to_come_are_no_past(void **state)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	char when[INSTANT_SIZE];

	(void)state;
	instant_print(cli_now() + 24 * 3600 * US_PER_SEC - US_PER_SEC, when);
	cli_until(&text, when);
	assert_string_equal(buf_str(&text), "in 23h 59m");
	buf_fini(&text);
	instant_print(cli_now() - US_PER_SEC, when);
	cli_until(&text, when);
	assert_string_equal(buf_str(&text), "now");
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(global_options_may_stand_anywhere),
		ROW(home_and_socket_have_defaults),
		ROW(double_dash_ends_global_options),
		ROW(missing_value_is_a_usage_error),
		ROW(unknown_command_gets_a_suggestion),
		ROW(far_fetched_suggestions_are_not_made),
		ROW(help_is_made_from_the_table),
		ROW(help_of_a_command_tells_its_words),
		ROW(help_of_webhook_warns_about_secrets_on_the_command_line),
		ROW(unknown_option_is_no_command),
		ROW(version_needs_no_home),
		ROW(table_is_complete),
		ROW(options_and_words_may_be_mixed),
		ROW(values_may_be_the_next_word),
		ROW(wrong_options_are_explained),
		ROW(ids_names_and_numbers_are_checked_before_asking),
		ROW(commands_without_a_daemon_say_how_to_start_one),
		ROW(waiting_ends_with_the_status_of_the_work),
		ROW(refusals_become_exit_statuses),
		ROW(cells_hold_one_clean_line),
		ROW(log_output_is_harmless_even_when_an_escape_is_split),
		ROW(raw_log_output_is_left_alone),
		ROW(endless_line_is_cut_between_characters),
		ROW(times_and_durations_are_for_people),
		ROW(times_to_come_are_no_past),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
