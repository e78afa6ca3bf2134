/* SPDX-License-Identifier: MIT */
/*
 * tests/cli/test_check_list.c - `check` and `list` on a $PYLON_HOME of the test's own.
 */
#include "lib/t.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "cli/commands-internal.h"

struct home {
	char *dir;
	char *out; /* stdout of the last command */
	int status;
};

static int setup(void **state)
{
	struct home *h = xcalloc(1, sizeof(*h));

	h->dir = t_folder();
	(void)setenv("HOME", "/nonexistent", 1);
	(void)unsetenv("PYLON_HOME");
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	struct home *h = *state;

	t_folder_remove(h->dir);
	free(h->out);
	free(h);
	return 0;
}

static void add_file(const struct home *h, const char *name, const char *text)
{
	CLEANUP(freep) char *path = xasprintf("%s/home/%s", h->dir, name);
	CLEANUP(freep) char *folder = xstrndup(path, (size_t)(strrchr(path, '/') - path));
	struct err e = CLEAN_ERR;

	assert_int_equal(dir_make(folder, 0700, &e), 0);
	assert_int_equal(file_write(path, text, strlen(text), 0600, &e), 0);
}

static int run_words(const struct home *h, const char *command, const char *word, bool json)
{
	CLEANUP(cli_fini) struct cli c = {0};
	CLEANUP(freep) char *home = xasprintf("--home=%s/home", h->dir);
	CLEANUP(freep) char *program = xstrdup("pylon");
	CLEANUP(freep) char *name = xstrdup(command);
	CLEANUP(freep) char *more = xstrdup_or_null(word);
	CLEANUP(freep) char *flag = xstrdup("--json");
	char *words[6] = {program, home, name};
	char **argv = NULL;
	int n = 3, argc = 0;

	if (more)
		words[n++] = more;
	if (json)
		words[n++] = flag;
	assert_int_equal(cli_parse(&c, n, words, &argc, &argv), EXIT_OK);
	return cli_run(&c, argc, argv);
}

/* Runs the command with stdout (and stderr) in files; keeps what it wrote and its status. */
static void run(struct home *h, const char *command, const char *word, bool json)
{
	CLEANUP(freep) char *out_path = xasprintf("%s/out", h->dir);
	CLEANUP(freep) char *err_path = xasprintf("%s/err", h->dir);
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	CLEANUP(closep) int out = dup(STDOUT_FILENO);
	CLEANUP(closep) int err = dup(STDERR_FILENO);
	CLEANUP(closep) int to = open(out_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CLEANUP(closep) int talk = open(err_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct err e = CLEAN_ERR;

	(void)fflush(NULL);
	assert_true(dup2(to, STDOUT_FILENO) >= 0 && dup2(talk, STDERR_FILENO) >= 0);
	h->status = run_words(h, command, word, json);
	(void)fflush(NULL);
	assert_true(dup2(out, STDOUT_FILENO) >= 0 && dup2(err, STDERR_FILENO) >= 0);
	assert_int_equal(file_read(out_path, 1 << 20, &text, &e), 0);
	free(h->out);
	h->out = buf_steal(&text);
}

static void expect(struct home *h, int status, const char *text)
{
	assert_string_equal(h->out, text);
	assert_int_equal(h->status, status);
}

/* --- check --- */

static void clean_home_is_ok_with_its_number_of_pylons(void **state)
{
	struct home *h = *state;

	run(h, "check", NULL, false);
	expect(h, EXIT_OK, "ok  0 pylons\n");
	add_file(h, "pylons/a/pylon.yaml", "name: a\n");
	run(h, "check", NULL, false);
	expect(h, EXIT_OK, "ok  1 pylon\n");
	add_file(h, "pylons/b/pylon.yaml", "name: b\ntrigger: {type: cron, cron: 0 9 * * 1}\n");
	run(h, "check", NULL, false);
	expect(h, EXIT_OK, "ok  2 pylons\n");
	run(h, "check", "b", false);
	expect(h, EXIT_OK, "ok  1 pylon\n");
	run(h, "check", NULL, true);
	expect(h, EXIT_OK, "{\"ok\":true,\"problems\":[]}\n");
}

static void problems_are_lines_that_editors_jump_to(void **state)
{
	struct home *h = *state;
	CLEANUP(freep) char *text = NULL;

	add_file(h, "pylons/a/pylon.yaml", "name: a\nagnt: {}\n");
	add_file(h, "pylons/b/pylon.yaml", "name: b\ndisabled: perhaps\n");
	run(h, "check", NULL, false);
	text = xasprintf(
		"%s/home/pylons/a/pylon.yaml:2:1: unknown key `agnt`; did you mean `agent`?\n"
		"%s/home/pylons/b/pylon.yaml:2:11: `disabled` must be true or false without quotes, not "
		"`perhaps`\n",
		h->dir, h->dir);
	expect(h, EXIT_CONFIG, text);
}

static void named_pylon_is_checked_alone(void **state)
{
	struct home *h = *state;
	CLEANUP(freep) char *text = NULL;

	add_file(h, "pylons/a/pylon.yaml", "name: a\nagnt: {}\n");
	add_file(h, "pylons/a.b/pylon.yaml", "name: a.b\n");
	run(h, "check", "a.b", false);
	expect(h, EXIT_OK, "ok  1 pylon\n");
	run(h, "check", "a", true);
	text = xasprintf(
		"{\"ok\":false,\"problems\":[{\"file\":\"%s/home/pylons/a/pylon.yaml\",\"line\":2,"
		"\"column\":1,\"text\":\"unknown key `agnt`; did you mean `agent`?\",\"warning\":"
		"false}]}\n",
		h->dir);
	expect(h, EXIT_CONFIG, text);
	run(h, "check", "zz", false);
	expect(h, EXIT_FAILED, "");
}

static void warnings_do_not_fail_the_check(void **state)
{
	struct home *h = *state;
	CLEANUP(freep) char *text = NULL;

	add_file(h, "pylons/a/pylon.yaml", "name: a\nagent: {oauth_path: x}\n");
	run(h, "check", NULL, false);
	text = xasprintf(
		"%s/home/pylons/a/pylon.yaml:2:21: warning: `agent.oauth_path` is ignored; "
		"remove it\nok  1 pylon\n",
		h->dir);
	expect(h, EXIT_OK, text);
}

static void unusable_config_fails_every_check(void **state)
{
	struct home *h = *state;
	CLEANUP(freep) char *text = NULL;

	add_file(h, "pylons/a/pylon.yaml", "name: a\n");
	add_file(h, "config.yaml", "server: {port: 70000}\n");
	text = xasprintf(
		"%s/home/config.yaml:1:16: `server.port` must be between 0 and 65535\n", h->dir);
	run(h, "check", NULL, false);
	expect(h, EXIT_CONFIG, text);
	run(h, "check", "a", false);
	expect(h, EXIT_CONFIG, text);
	run(h, "list", NULL, false);
	expect(h, EXIT_CONFIG, "");
}

/* --- list --- */

static void list_has_a_row_for_every_pylon(void **state)
{
	struct home *h = *state;

	run(h, "list", NULL, false);
	expect(h, EXIT_OK, "");
	add_file(h, "pylons/hook/pylon.yaml",
		"name: hook\ndescription: \"Looks\\nat\\e[31m it\"\ntrigger: {type: webhook, path: /in}\n");
	add_file(h, "pylons/weekly/pylon.yaml",
		"name: weekly\ntrigger: {type: cron, cron: 0 9 * * 1}\n");
	add_file(h, "pylons/mine/pylon.yaml", "name: mine\n");
	add_file(h, "pylons/broken/pylon.yaml", "name: [\n");
	run(h, "list", NULL, false);
	expect(h, EXIT_OK,
		"NAME                         TRIGGER      PATH                              DESCRIPTION\n"
		"broken                       ?                                              error loading "
		"config: 2:1: did not find expected node content; something is missing before this\n"
		"hook                         webhook      /in                               Looks at it\n"
		"mine                         manual                                         \n"
		"weekly                       cron         0 9 * * 1 (every Monday at 09:00) \n");
}

static void list_tells_who_will_not_run(void **state)
{
	struct home *h = *state;

	add_file(h, "pylons/off/pylon.yaml", "name: off\ndescription: Rests\ndisabled: true\n");
	add_file(h, "pylons/quiet/pylon.yaml", "name: quiet\ndisabled: true\n");
	add_file(h, "pylons/wait/pylon.yaml",
		"name: wait\ndescription: Talks\nchannel: {type: ntfy}\n");
	run(h, "list", NULL, false);
	expect(h, EXIT_OK,
		"NAME                         TRIGGER      PATH                           DESCRIPTION\n"
		"off                          manual                                      (disabled) "
		"Rests\n"
		"quiet                        manual                                      (disabled) \n"
		"wait                         manual                                      (not ready: "
		"ntfy channels are not available in this version) Talks\n");
}

static void schedule_of_unusual_length_stands_out_alone(void **state)
{
	struct home *h = *state;

	add_file(h, "pylons/long/pylon.yaml",
		"name: long\ntrigger: {type: cron, schedule: \"0,10,20 0,1,2,3,4,5,6,7,8,9 1-7 "
		"jan,feb,mar,apr,may,jun,jul 1,2,3\"}\n");
	add_file(h, "pylons/short/pylon.yaml",
		"name: short\ndescription: d\ntrigger: {type: webhook, path: /x}\n");
	run(h, "list", NULL, false);
	expect(h, EXIT_OK,
		"NAME                         TRIGGER      PATH                           DESCRIPTION\n"
		"long                         cron         0,10,20 0,1,2,3,4,5,6,7,8,9 1-7 "
		"jan,feb,mar,apr,may,jun,jul 1,2,3 \n"
		"short                        webhook      /x                             d\n");
}

static void list_says_what_can_run_as_json(void **state)
{
	struct home *h = *state;

	add_file(h, "config.yaml", "server: {public_url: 'https://x.example/'}\n");
	add_file(h, "pylons/hook/pylon.yaml",
		"name: hook\ndescription: d\ndisabled: true\ntrigger: {type: webhook, path: /in}\n");
	add_file(h, "pylons/weekly/pylon.yaml",
		"name: weekly\ntrigger: {type: cron, cron: 0 9 * * 1, timezone: Europe/Berlin}\n");
	add_file(h, "pylons/zz/pylon.yaml", "");
	run(h, "list", NULL, true);
	expect(h, EXIT_OK,
		"{\"items\":[{\"name\":\"hook\",\"trigger\":\"webhook\",\"path\":\"/in\",\"url\":"
		"\"https://x.example/in\",\"description\":\"d\",\"enabled\":false,\"ready\":true,"
		"\"reason\":null,\"when\":null,\"timezone\":null},"
		"{\"name\":\"weekly\",\"trigger\":\"cron\",\"path\":\"0 9 * * 1\",\"url\":null,"
		"\"description\":null,\"enabled\":true,\"ready\":true,\"reason\":null,\"when\":"
		"\"every Monday at 09:00\",\"timezone\":\"Europe/Berlin\"},"
		"{\"name\":\"zz\",\"trigger\":\"?\",\"path\":null,\"url\":null,\"description\":null,"
		"\"enabled\":true,\"ready\":false,\"reason\":\"error loading config: 1:1: is empty; it needs at "
		"least: name: zz\",\"when\":null,\"timezone\":null}],\"next\":null}\n");
}

static void phrase_that_says_all_is_not_said_twice(void **state)
{
	struct home *h = *state;

	add_file(h, "pylons/a/pylon.yaml",
		"name: a\ntrigger: {type: cron, schedule: every Monday at 09:00}\n");
	run(h, "list", NULL, false);
	expect(h, EXIT_OK,
		"NAME                         TRIGGER      PATH                           DESCRIPTION\n"
		"a                            cron         every Monday at 09:00          \n");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(clean_home_is_ok_with_its_number_of_pylons),
		TEST(problems_are_lines_that_editors_jump_to),
		TEST(named_pylon_is_checked_alone),
		TEST(warnings_do_not_fail_the_check),
		TEST(unusable_config_fails_every_check),
		TEST(list_has_a_row_for_every_pylon),
		TEST(list_tells_who_will_not_run),
		TEST(schedule_of_unusual_length_stands_out_alone),
		TEST(list_says_what_can_run_as_json),
		TEST(phrase_that_says_all_is_not_said_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
