/* SPDX-License-Identifier: MIT */
/*
 * tests/workspace/test_session_login.c - the login in a session: when it is copied, what a
 * container may have put in its place, and what of it is secret.
 */
#include "session_world.h"

/* --- the login --- */

static void login_is_copied_for_the_agent_alone(void **state)
{
	struct world *w = *state;
	struct stat st;
	mode_t old = umask(0);

	write_file(w->login, LOGIN, strlen(LOGIN), 0644);
	prepare(w);
	(void)umask(old);
	assert_true(w->has_login);
	expect_content(w->kept, LOGIN);
	st = look(w->kept);
	if (is_root()) {
		assert_int_equal(st.st_uid, AGENT);
		assert_int_equal(st.st_gid, AGENT);
	}
	expect_mode(w->kept, is_root() ? 0600 : 0666);
	/* Nothing is left beside it but what we remember. */
	expect_content(w->login, LOGIN);
}

static void second_call_changes_nothing(void **state)
{
	struct world *w = *state;
	CLEANUP(freep) char *record = in_sessions(w, "triage/claude.login");
	CLEANUP(freep) char *draft = in_sessions(w, "triage/claude.new");
	CLEANUP(freep) char *pylon = in_sessions(w, "triage");
	const char *const paths[] = {w->kept, record, pylon, w->folder};
	struct stat before[ARRAY_LEN(paths)];

	write_text(w->login, LOGIN);
	prepare(w);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		before[i] = look(paths[i]);
	expect_mode(record, 0600);
	assert_false(file_exists(draft));
	prepare(w);
	assert_true(w->has_login);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct stat st = look(paths[i]);

		assert_int_equal(st.st_ino, before[i].st_ino);
		assert_memory_equal(&st.st_mtim, &before[i].st_mtim, sizeof(st.st_mtim));
		assert_memory_equal(&st.st_ctim, &before[i].st_ctim, sizeof(st.st_ctim));
	}
}

static void refreshed_login_stays_until_the_hosts_changes(void **state)
{
	struct world *w = *state;

	write_text(w->login, LOGIN);
	prepare(w);
	/* The agent refreshed it, by writing or by rename. */
	write_text(w->kept, OTHER_LOGIN);
	prepare(w);
	expect_content(w->kept, OTHER_LOGIN);
	write_text(w->login, "{}");
	prepare(w);
	expect_content(w->kept, "{}");
	write_text(w->login, LOGIN);
	prepare(w);
	expect_content(w->kept, LOGIN);
}

static void login_that_the_agent_removed_is_copied_again(void **state)
{
	struct world *w = *state;

	write_text(w->login, LOGIN);
	prepare(w);
	assert_int_equal(unlink(w->kept), 0);
	prepare(w);
	expect_content(w->kept, LOGIN);
}

static void damaged_record_copies_once_more(void **state)
{
	static const char *const records[] = {"", "x",
		"0123456789012345678901234567890123456789"
		"0123456789012345678901234567890123456789"};
	struct world *w = *state;
	CLEANUP(freep) char *record = in_sessions(w, "triage/claude.login");

	write_text(w->login, LOGIN);
	for (size_t i = 0; i < ARRAY_LEN(records); i++) {
		prepare(w);
		write_text(w->kept, OTHER_LOGIN);
		write_text(record, records[i]);
		prepare(w);
		expect_content(w->kept, LOGIN);
	}
}

static void hosts_login_that_cannot_be_had_is_none(void **state)
{
	struct world *w = *state;
	CLEANUP(freep) char *below = xasprintf("%s/x", w->login);

	prepare(w);
	assert_false(w->has_login);
	w->s.login = NULL;
	prepare(w);
	assert_false(w->has_login);
	/* Its folder is missing, or no folder. */
	w->s.login = below;
	prepare(w);
	assert_false(w->has_login);
	write_text(w->login, "");
	prepare(w);
	assert_false(w->has_login);
	/* Empty: somebody is writing it just now. */
	w->s.login = w->login;
	prepare(w);
	assert_false(w->has_login);
	assert_false(file_exists(w->kept));
}

static void login_of_an_earlier_run_is_one_too(void **state)
{
	struct world *w = *state;

	prepare(w);
	write_kept(w, LOGIN);
	prepare(w);
	assert_true(w->has_login);
	assert_true(strv_has(&w->secrets, "sk-ant-oat01-first-access"));
	w->s.login = NULL;
	prepare(w);
	assert_true(w->has_login);
	assert_int_equal(w->secrets.n, 2);
	expect_content(w->kept, LOGIN);
	/* An agent without such a file has none. */
	w->s.login_name = NULL;
	prepare(w);
	assert_false(w->has_login);
	assert_int_equal(w->secrets.n, 0);
}

static void login_that_the_user_linked_elsewhere_is_followed(void **state)
{
	struct world *w = *state;
	const char *real = scratch_file(w->scratch, "dotfiles-login", LOGIN);

	assert_int_equal(symlink(real, w->login), 0);
	prepare(w);
	assert_true(S_ISREG(look(w->kept).st_mode));
	expect_content(w->kept, LOGIN);
}

static void hosts_login_that_is_no_file_is_told_and_not_waited_for(void **state)
{
	struct world *w = *state;

	assert_int_equal(mkfifo(w->login, 0600), 0);
	expect_failure(w, -EINVAL);
	assert_non_null(strstr(w->e.text, w->login));
	w->s.login = scratch_dir(w->scratch);
	expect_failure(w, -EINVAL);
	w->s.login = "/dev/zero";
	expect_failure(w, -EINVAL);
}

static void login_has_a_largest_size(void **state)
{
	struct world *w = *state;
	CLEANUP(freep) char *text = xcalloc(1, SESSION_LOGIN_MAX + 2);

	memset(text, 'x', SESSION_LOGIN_MAX + 1);
	write_file(w->login, text, SESSION_LOGIN_MAX - 1, 0600);
	prepare(w);
	assert_int_equal(look(w->kept).st_size, SESSION_LOGIN_MAX - 1);
	write_file(w->login, text, SESSION_LOGIN_MAX, 0600);
	prepare(w);
	assert_int_equal(look(w->kept).st_size, SESSION_LOGIN_MAX);
	write_file(w->login, text, SESSION_LOGIN_MAX + 1, 0600);
	expect_failure(w, -EFBIG);
	assert_non_null(strstr(w->e.text, "larger than 65536 bytes"));
	/* What was there stays. */
	assert_int_equal(look(w->kept).st_size, SESSION_LOGIN_MAX);
}

/* --- what a container may have put there --- */

static void link_in_the_place_of_the_login_is_replaced_and_not_followed(void **state)
{
	struct world *w = *state;
	const char *file = scratch_file(w->scratch, "precious", "precious");
	struct stat before = look(file);
	struct stat after;

	write_text(w->login, LOGIN);
	prepare(w);
	assert_int_equal(unlink(w->kept), 0);
	assert_int_equal(symlink(file, w->kept), 0);
	prepare(w);
	expect_content(w->kept, LOGIN);
	expect_content(file, "precious");
	after = look(file);
	assert_int_equal(after.st_mode, before.st_mode);
	assert_int_equal(after.st_uid, before.st_uid);
	assert_memory_equal(&after.st_ctim, &before.st_ctim, sizeof(after.st_ctim));
}

static void link_to_a_login_of_the_host_is_none_and_is_not_read(void **state)
{
	struct world *w = *state;

	write_text(w->login, LOGIN);
	w->s.login = NULL;
	prepare(w);
	assert_int_equal(symlink(w->login, w->kept), 0);
	prepare(w);
	assert_false(w->has_login);
	assert_int_equal(w->secrets.n, 0);
	assert_true(S_ISLNK(look(w->kept).st_mode));
}

static void hard_link_in_the_place_of_the_login_is_replaced(void **state)
{
	struct world *w = *state;
	const char *file = scratch_file(w->scratch, "precious", OTHER_LOGIN);

	write_text(w->login, LOGIN);
	for (int i = 0; i < 2; i++) {
		w->s.owner.is_known = i == 0;
		prepare(w);
		assert_int_equal(unlink(w->kept), 0);
		assert_int_equal(link(file, w->kept), 0);
		prepare(w);
		expect_content(w->kept, LOGIN);
		expect_content(file, OTHER_LOGIN);
		assert_int_equal(look(file).st_uid, geteuid());
		assert_int_equal(look(file).st_nlink, 1);
		expect_mode(file, 0600);
		assert_false(strv_has(&w->secrets, "sk-ant-oat01-second-access"));
	}
}

static void fifo_in_the_place_of_the_login_is_replaced(void **state)
{
	struct world *w = *state;

	prepare(w);
	assert_int_equal(mkfifo(w->kept, 0666), 0);
	prepare(w);
	assert_false(w->has_login);
	write_text(w->login, LOGIN);
	prepare(w);
	expect_content(w->kept, LOGIN);
}

static void folder_in_the_place_of_the_login_is_told(void **state)
{
	struct world *w = *state;
	CLEANUP(freep) char *draft = in_sessions(w, "triage/claude.new");
	CLEANUP(freep) char *inside = xasprintf("%s/x", w->kept);

	prepare(w);
	assert_int_equal(mkdir(w->kept, 0755), 0);
	prepare(w);
	assert_false(w->has_login);
	write_text(w->login, LOGIN);
	expect_failure(w, -EISDIR);
	write_text(inside, "x");
	expect_failure(w, -EISDIR);
	assert_non_null(strstr(w->e.text, w->kept));
	assert_false(file_exists(draft));
	assert_true(file_exists(inside));
}

static void large_login_of_the_agent_is_not_read(void **state)
{
	struct world *w = *state;

	prepare(w);
	write_kept(w, LOGIN);
	assert_int_equal(truncate(w->kept, (off_t)1 << 40), 0);
	prepare(w);
	assert_true(w->has_login);
	assert_int_equal(w->secrets.n, 0);
}

static void what_lies_in_the_place_of_a_draft_is_replaced_and_not_followed(void **state)
{
	struct world *w = *state;
	CLEANUP(freep) char *draft = in_sessions(w, "triage/claude.new");
	const char *file = scratch_file(w->scratch, "precious", "precious");

	prepare(w);
	assert_int_equal(symlink(file, draft), 0);
	write_text(w->login, LOGIN);
	prepare(w);
	expect_content(file, "precious");
	expect_content(w->kept, LOGIN);
	/* What a crash left. */
	write_text(draft, "half a log");
	write_text(w->login, OTHER_LOGIN);
	prepare(w);
	expect_content(w->kept, OTHER_LOGIN);
	assert_false(file_exists(draft));
}

static void record_that_is_a_link_is_not_followed(void **state)
{
	struct world *w = *state;
	CLEANUP(freep) char *record = in_sessions(w, "triage/claude.login");
	const char *file = scratch_file(w->scratch, "precious", "precious");

	prepare(w);
	assert_int_equal(symlink(file, record), 0);
	write_text(w->login, LOGIN);
	prepare(w);
	expect_content(file, "precious");
	assert_true(S_ISREG(look(record).st_mode));
}

/* --- secrets --- */

static void tokens_of_the_login_are_secrets(void **state)
{
	struct world *w = *state;

	write_text(w->login, LOGIN);
	prepare(w);
	assert_int_equal(w->secrets.n, 2);
	assert_true(strv_has(&w->secrets, "sk-ant-oat01-first-access"));
	assert_true(strv_has(&w->secrets, "sk-ant-ort01-first-refresh"));
}

static void tokens_of_a_refreshed_login_are_secrets_beside_the_hosts(void **state)
{
	struct world *w = *state;

	write_text(w->login, LOGIN);
	prepare(w);
	write_text(w->kept, OTHER_LOGIN);
	prepare(w);
	assert_int_equal(w->secrets.n, 4);
	assert_true(strv_has(&w->secrets, "sk-ant-oat01-first-access"));
	assert_true(strv_has(&w->secrets, "sk-ant-oat01-second-access"));
	assert_true(strv_has(&w->secrets, "sk-ant-ort01-second-refresh"));
}

static void secrets_are_found_by_their_keys_and_lengths(void **state)
{
	static const struct {
		const char *text;
		const char *secret; /* NULL: none */
	} rows[] = {
		{"{\"token\":\"0123456789abcde\"}", NULL},
		{"{\"token\":\"0123456789abcdef\"}", "0123456789abcdef"},
		{"{\"token\":\"0123456789abcdefg\"}", "0123456789abcdefg"},
		{"{\"apiKey\":\"0123456789abcdef\"}", "0123456789abcdef"},
		{"{\"api_key\":\"0123456789abcdef\"}", "0123456789abcdef"},
		{"{\"KEY\":\"0123456789abcdef\"}", "0123456789abcdef"},
		{"{\"clientSecret\":\"0123456789abcdef\"}", "0123456789abcdef"},
		{"{\"a\":[1,{\"b\":{\"idToken\":\"0123456789abcdef\"}}]}", "0123456789abcdef"},
		{"[{\"secret\":\"0123456789abcdef\"}]", "0123456789abcdef"},
		{"{\"key\":[\"0123456789abcdef\"]}", "0123456789abcdef"},
		{"{\"key\":{\"value\":\"0123456789abcdef\"}}", "0123456789abcdef"},
		{"{\"token\":\"0123456789\\u0061bcdef\"}", "0123456789abcdef"},
		{"{\"keys\":\"0123456789abcdef\"}", NULL},
		{"{\"tokenType\":\"0123456789abcdef\"}", NULL},
		{"{\"to\":\"0123456789abcdef\"}", NULL},
		{"{\"\":\"0123456789abcdef\"}", NULL},
		{"{\"token\":1234567890123456789}", NULL},
		{"{\"token\":null}", NULL},
		{"\"0123456789abcdef\"", NULL},
		/* no JSON */
		{"{\"token\":\"0123456789abcdef\"", NULL},
		{"token: 0123456789abcdef", NULL},
		{"\xff\xfe", NULL},
		{"x", NULL},
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		write_text(w->login, rows[i].text);
		prepare(w);
		/* It is copied whatever it is. */
		assert_true(w->has_login);
		expect_content(w->kept, rows[i].text);
		if (w->secrets.n != (rows[i].secret == NULL ? 0 : 1))
			fail_msg("%s", rows[i].text);
		if (rows[i].secret != NULL)
			assert_string_equal(w->secrets.v[0], rows[i].secret);
	}
}

static void nesting_has_an_end(void **state)
{
	struct world *w = *state;
	CLEANUP(buf_fini) struct buf b = BUF_NULL;

	for (int i = 0; i < 1000; i++)
		buf_add_str(&b, "{\"key\":[");
	buf_add_str(&b, "\"0123456789abcdef\"");
	for (int i = 0; i < 1000; i++)
		buf_add_str(&b, "]}");
	write_text(w->login, buf_str(&b));
	prepare(w);
	assert_true(w->has_login);
	assert_int_equal(w->secrets.n, 0);
}

static void secrets_are_added_to_those_that_are_known(void **state)
{
	struct world *w = *state;

	write_text(w->login, LOGIN);
	strv_add(&w->secrets, "known");
	buf_add_str(&w->path, "path=");
	assert_int_equal(session_prepare(&w->s, &w->path, &w->secrets, &w->has_login, &w->e), 0);
	assert_int_equal(w->secrets.n, 3);
	assert_string_equal(w->secrets.v[0], "known");
	assert_true(str_has_prefix(buf_str(&w->path), "path=/"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, session_setup, session_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(login_is_copied_for_the_agent_alone),
		T(second_call_changes_nothing),
		T(refreshed_login_stays_until_the_hosts_changes),
		T(login_that_the_agent_removed_is_copied_again),
		T(damaged_record_copies_once_more),
		T(hosts_login_that_cannot_be_had_is_none),
		T(login_of_an_earlier_run_is_one_too),
		T(login_that_the_user_linked_elsewhere_is_followed),
		T(hosts_login_that_is_no_file_is_told_and_not_waited_for),
		T(login_has_a_largest_size),
		T(link_in_the_place_of_the_login_is_replaced_and_not_followed),
		T(link_to_a_login_of_the_host_is_none_and_is_not_read),
		T(hard_link_in_the_place_of_the_login_is_replaced),
		T(fifo_in_the_place_of_the_login_is_replaced),
		T(folder_in_the_place_of_the_login_is_told),
		T(large_login_of_the_agent_is_not_read),
		T(what_lies_in_the_place_of_a_draft_is_replaced_and_not_followed),
		T(record_that_is_a_link_is_not_followed),
		T(tokens_of_the_login_are_secrets),
		T(tokens_of_a_refreshed_login_are_secrets_beside_the_hosts),
		T(secrets_are_found_by_their_keys_and_lengths),
		T(nesting_has_an_end),
		T(secrets_are_added_to_those_that_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
