/* SPDX-License-Identifier: MIT */
/* tests/workspace/test_git.c - what git is given, and what is read out of its words. */
#include "lib/t.h"

#include <errno.h>

#include "workspace/git_internal.h"

static void troubles_are_told_apart(void **state UNUSED)
{
	static const struct {
		const char *log;
		enum git_trouble trouble;
	} rows[] = {
		{"git@github.com: Permission denied (publickey).\nfatal: Could not read from remote "
		 "repository.\n\nPlease make sure you have the correct access rights\n",
			GIT_REFUSED},
		{"fatal: could not read Username for 'https://github.com': terminal prompts disabled\n",
			GIT_REFUSED},
		{"remote: HTTP Basic: Access denied\nfatal: Authentication failed for 'https://x/'\n",
			GIT_REFUSED},
		{"Host key verification failed.\nfatal: Could not read from remote repository.\n",
			GIT_HOST_KEY},
		{"ERROR: Repository not found.\nfatal: Could not read from remote repository.\n",
			GIT_NO_REPO},
		{"fatal: repository 'https://example.org/x.git/' not found\n", GIT_NO_REPO},
		{"fatal: '/x' does not appear to be a git repository\n", GIT_NO_REPO},
		{"ssh: Could not resolve hostname x: Name or service not known\n", GIT_UNREACHABLE},
		{"fatal: unable to access 'https://x/': Failed to connect to x port 443\n",
			GIT_UNREACHABLE},
		{"fatal: couldn't find remote ref refs/heads/x\n", GIT_NO_REF},
		{"fatal: remote error: upload-pack: not our ref 0000\n", GIT_NO_REF},
		{"fatal: write error: No space left on device\n", GIT_NO_SPACE},
		{"error: object 12: hasDotgit: contains '.git'\nfatal: fsck error in packed object\n",
			GIT_MALFORMED},
		{"fatal: Unable to create '/r/packed-refs.lock': File exists.\n", GIT_LOCKED},
		{"error: inflate: data stream error (incorrect header check)\n", GIT_CORRUPT},
		{"fatal: Could not read from remote repository.\n", GIT_FAILED},
		{"fatal: something new\n", GIT_FAILED},
		{"", GIT_FAILED},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (git_trouble_find(rows[i].log) != rows[i].trouble)
			fail_msg("%s", rows[i].log);
	}
}

static void other_side_cannot_claim_that_our_disk_is_broken(void **state UNUSED)
{
	assert_int_equal(
		git_trouble_find("remote: packfile is corrupt\nfatal: early EOF\n"), GIT_FAILED);
	assert_int_equal(git_trouble_find("remote: No space left on device\nfatal: early EOF\n"),
		GIT_FAILED);
	assert_int_equal(
		git_trouble_find("remote: x\nfatal: packfile x is corrupt\n"), GIT_CORRUPT);
}

static void text_has_place_cause_and_help(void **state UNUSED)
{
	CLEANUP(freep)
	char *text = git_trouble_text(GIT_REFUSED, "https://h/x",
		"hint: a\nfatal: could not read Username for 'https://h'\nmore\n");

	assert_true(str_has_prefix(text, "https://h/x: access was refused: could not read Username "
					 "for 'https://h'; "));
	assert_non_null(strstr(text, "credential helper"));
}

static void what_ssh_said_tells_more_than_that_it_broke(void **state UNUSED)
{
	CLEANUP(freep)
	char *text = git_trouble_text(GIT_UNREACHABLE, "git@nowhere:x",
		"Cloning\nssh: Could not resolve hostname nowhere: Name or service not known\n"
		"fatal: Could not read from remote repository.\n\nPlease make sure\n");
	CLEANUP(freep)
	char *alone = git_trouble_text(
		GIT_FAILED, NULL, "fatal: Could not read from remote repository.\n");

	assert_string_equal(text,
		"git@nowhere:x: it cannot be reached: ssh: Could not resolve hostname nowhere: "
		"Name or service not known");
	assert_string_equal(alone, "git failed: Could not read from remote repository");
}

static void every_trouble_has_a_code(void **state UNUSED)
{
	assert_int_equal(git_trouble_code(GIT_FINE), 0);
	for (int i = GIT_FINE + 1; i <= GIT_FAILED; i++) {
		CLEANUP(freep) char *text = git_trouble_text((enum git_trouble)i, NULL, "");

		assert_true(git_trouble_code((enum git_trouble)i) < 0);
		assert_string_not_equal(text, "");
	}
}

static const char *value_in(const struct strv *env, const char *name)
{
	const char *found = NULL;

	for (size_t i = 0; i < env->n; i++) {
		if (str_has_prefix(env->v[i], name) && env->v[i][strlen(name)] == '=') {
			assert_null(found); /* nothing is given twice */
			found = env->v[i] + strlen(name) + 1;
		}
	}
	return found;
}

/* The last value of a setting, which is the one that holds. */
static const char *setting(const struct strv *env, const char *key)
{
	const char *count = value_in(env, "GIT_CONFIG_COUNT");
	const char *found = NULL;

	assert_non_null(count);
	for (long i = 0; i < strtol(count, NULL, 10); i++) {
		CLEANUP(freep) char *k = xasprintf("GIT_CONFIG_KEY_%ld", i);
		CLEANUP(freep) char *v = xasprintf("GIT_CONFIG_VALUE_%ld", i);

		if (str_eq(value_in(env, k), key))
			found = value_in(env, v);
	}
	return found;
}

static void make_env(struct strv *env, struct repo *repo, bool reads_folders)
{
	struct strv user = STRV_NULL;
	struct git_command c = {.repo = repo, .reads_folders = reads_folders};

	strv_add(&user, "HOME=/home/me");
	strv_add(&user, "SSH_AUTH_SOCK=/run/agent");
	strv_add(&user, "GIT_SSH_COMMAND=mine");
	git_env(env, &user, &c, "ssh -o x");
	strv_fini(&user);
}

static void commands_that_stay_here_have_no_network_and_no_user_settings(void **state UNUSED)
{
	CLEANUP(strv_fini) struct strv env = STRV_NULL;

	make_env(&env, NULL, false);
	assert_string_equal(value_in(&env, "GIT_CONFIG_GLOBAL"), "/dev/null");
	assert_string_equal(value_in(&env, "GIT_CONFIG_NOSYSTEM"), "1");
	assert_string_equal(value_in(&env, "GIT_ALLOW_PROTOCOL"), "");
	assert_string_equal(setting(&env, "protocol.allow"), "never");
	assert_string_equal(setting(&env, "core.hooksPath"), "/dev/null");
	assert_null(setting(&env, "protocol.file.allow"));
}

static void commands_that_talk_have_the_users_ways(void **state UNUSED)
{
	CLEANUP(strv_fini) struct strv env = STRV_NULL;
	struct repo r = {0};

	assert_int_equal(repo_parse("https://h/x", false, &r, NULL), 0);
	make_env(&env, &r, false);
	assert_null(value_in(&env, "GIT_CONFIG_GLOBAL"));
	assert_string_equal(value_in(&env, "HOME"), "/home/me");
	assert_string_equal(value_in(&env, "SSH_AUTH_SOCK"), "/run/agent");
	assert_string_equal(value_in(&env, "GIT_SSH_COMMAND"), "ssh -o x");
	assert_string_equal(value_in(&env, "GIT_ALLOW_PROTOCOL"), "https:ssh");
	assert_string_equal(value_in(&env, "GIT_TERMINAL_PROMPT"), "0");
	assert_string_equal(setting(&env, "remote." GIT_REMOTE_NAME ".url"), "https://h/x");
	assert_string_equal(setting(&env, "transfer.fsckObjects"), "true");
	repo_fini(&r);
}

static void credentials_of_the_address_are_in_no_setting(void **state UNUSED)
{
	CLEANUP(strv_fini) struct strv env = STRV_NULL;
	struct repo r = {0};

	assert_int_equal(repo_parse("https://me:hunter22@h/x", false, &r, NULL), 0);
	make_env(&env, &r, false);
	assert_string_equal(value_in(&env, "PYLON_GIT_PASSWORD"), "hunter22");
	assert_string_equal(setting(&env, "credential.https://h/.username"), "me");
	for (size_t i = 0; i < env.n; i++) {
		if (str_has_prefix(env.v[i], "GIT_"))
			assert_null(strstr(env.v[i], "hunter22"));
	}
	repo_fini(&r);
}

static void folder_of_this_machine_allows_nothing_else(void **state UNUSED)
{
	CLEANUP(strv_fini) struct strv env = STRV_NULL;
	struct repo r = {0};

	assert_int_equal(repo_parse("/srv/x", true, &r, NULL), 0);
	make_env(&env, &r, false);
	assert_string_equal(value_in(&env, "GIT_ALLOW_PROTOCOL"), "file");
	repo_fini(&r);
}

static void ssh_never_asks(void **state UNUSED)
{
	CLEANUP(freep) char *own = git_ssh_command(NULL);
	CLEANUP(freep) char *users = git_ssh_command("ssh -i key");

	assert_non_null(strstr(own, "BatchMode=yes"));
	assert_non_null(strstr(own, "StrictHostKeyChecking=accept-new"));
	assert_true(str_has_prefix(users, "ssh -i key -o BatchMode=yes"));
	/* What the user says about hosts stands. */
	assert_null(strstr(users, "StrictHostKeyChecking"));
}

static void ssh_program_of_the_user_is_quoted(void **state UNUSED)
{
	CLEANUP(strv_fini) struct strv user = STRV_NULL;
	CLEANUP(freep) char *none = git_env_ssh(&user);
	CLEANUP(freep) char *program = NULL;
	CLEANUP(freep) char *command = NULL;

	assert_null(none);
	strv_add(&user, "GIT_SSH=/opt/my 'ssh'");
	program = git_env_ssh(&user);
	assert_string_equal(program, "'/opt/my '\\''ssh'\\'''");
	strv_add(&user, "GIT_SSH_COMMAND=ssh -v");
	command = git_env_ssh(&user);
	assert_string_equal(command, "ssh -v");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(troubles_are_told_apart),
		cmocka_unit_test(other_side_cannot_claim_that_our_disk_is_broken),
		cmocka_unit_test(text_has_place_cause_and_help),
		cmocka_unit_test(what_ssh_said_tells_more_than_that_it_broke),
		cmocka_unit_test(every_trouble_has_a_code),
		cmocka_unit_test(commands_that_stay_here_have_no_network_and_no_user_settings),
		cmocka_unit_test(commands_that_talk_have_the_users_ways),
		cmocka_unit_test(credentials_of_the_address_are_in_no_setting),
		cmocka_unit_test(folder_of_this_machine_allows_nothing_else),
		cmocka_unit_test(ssh_never_asks),
		cmocka_unit_test(ssh_program_of_the_user_is_quoted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
