/* SPDX-License-Identifier: MIT */
/*
 * tests/config/test_secrets.c - what is known to be secret of a pylon. The list itself is compared,
 * so that one too many is seen like one too few.
 */
#include "config/home.h"
#include "lib/t.h"

#define NAME "name: c\n"

/* The list, one a line. */
static void expect_secrets(const struct pylon_config *p, const char *text)
{
	CLEANUP(buf_fini) struct buf lines = BUF_NULL;

	for (size_t i = 0; i < p->secrets_known.n; i++)
		buf_printf(&lines, "%s\n", p->secrets_known.v[i]);
	assert_string_equal(buf_str(&lines), text);
}

static void expect_pylon(struct one *o, const char *yaml, const char *text)
{
	one_pylon(o, yaml);
	if (!o->pylon) {
		CLEANUP(freep) char *got = problems_text(&o->problems);

		fail_msg("not fine: %s", got);
	}
	expect_secrets(o->pylon, text);
}

static int set_variables(void **state UNUSED)
{
	(void)unsetenv("ANTHROPIC_API_KEY");
	(void)setenv("FROM_PROCESS", "process-value", 1);
	(void)setenv("OTHER_PROCESS", "other-value", 1);
	(void)setenv("EMPTY_PROCESS", "", 1);
	return 0;
}

static void pylon_without_secrets_knows_none(void **state UNUSED)
{
	CLEANUP(one_fini) struct one o = {0};

	expect_pylon(&o,
		NAME "description: $FROM_PROCESS\ntrigger: {type: webhook, path: /p}\n"
		     "agent: {prompt: $FROM_PROCESS, env: {MODE: production, PRICE: 5$$}}\n",
		"");
}

static void every_secret_that_is_written_counts(void **state UNUSED)
{
	CLEANUP(one_fini) struct one o = {0};

	expect_pylon(&o,
		NAME
		"trigger: {type: webhook, path: /p, signature: github, secret: [hook-2, hook-1]}\n"
		"channel: {type: webhook, webhook: {url: 'http://h/w', secret: whsec_AAECAwQ=}}\n"
		"agent: {api_key: the-key}\n",
		"hook-1\nhook-2\nhttp://h/w\nthe-key\nwhsec_AAECAwQ=\n");
	expect_pylon(&o,
		NAME "trigger: {type: webhook, path: /p, signature: github, secret: only-one}\n"
		     "channel: {type: slack, slack: {bot_token: xoxb-1, app_token: xapp-1, "
		     "channel_id: C1}}\n",
		"only-one\nxapp-1\nxoxb-1\n");
}

static void secrets_of_config_yaml_count_for_every_pylon(void **state UNUSED)
{
	CLEANUP(one_fini) struct one o = {0};

	one_global(&o, "server: {api_token: api-$FROM_PROCESS}\n"
		       "defaults: {channel: {type: webhook, webhook: {url: 'http://h/w',\n"
		       "  headers: {X-Api-Key: plain-key, X-Team: errors}}}}\n");
	assert_non_null(o.config);
	expect_pylon(&o, NAME, "api-process-value\nhttp://h/w\nplain-key\nprocess-value\n");
	expect_pylon(&o, NAME "channel: {type: stdout}\n",
		"api-process-value\nhttp://h/w\nplain-key\nprocess-value\n");
}

static void what_a_variable_stood_for_counts_with_the_whole_around_it(void **state UNUSED)
{
	CLEANUP(one_fini) struct one o = {0};

	expect_pylon(&o,
		NAME "agent:\n  env:\n    MODE: production\n    URL: db://${FROM_PROCESS}@h\n"
		     "    BOTH: $FROM_PROCESS$OTHER_PROCESS\n    NONE: a$EMPTY_PROCESS\n"
		     "    PRICE: 5$$FROM_PROCESS\n",
		"a\ndb://process-value@h\nother-value\nprocess-value\nprocess-valueother-value\n");
	expect_pylon(&o,
		NAME "channel: {type: webhook, webhook: {url: 'http://h/$FROM_PROCESS',\n"
		     "  headers: {X-A: 'Bearer $OTHER_PROCESS', X-B: plain}}}\n",
		"Bearer other-value\nhttp://h/process-value\nother-value\nprocess-value\n");
	expect_pylon(&o,
		NAME "trigger:\n  type: webhook\n  path: /p\n  signature: github\n"
		     "  secret: ['a-$FROM_PROCESS', b]\n",
		"a-process-value\nb\nprocess-value\n");
}

static void plain_texts_of_a_map_count_by_their_names(void **state UNUSED)
{
	static const char *const secret[] = {"API_KEY", "api_key", "KEYS", "X-Auth-Token", "TOKENS",
		"CLIENT_SECRET", "SECRETS", "DB_PASSWORD", "DB_PASSWD", "PGPASS", "DB_PWD",
		"KEY_PASSPHRASE", "AWS_CREDENTIALS", "CREDENTIAL", "NPM_AUTH", "Authorization",
		"Cookie", "API_KEY_2", "TOKEN1", "PASSWORD__"};
	static const char *const plain[] = {"MODE", "KEYBOARD", "TOKENIZER", "SECRET_NAME_OF",
		"PASSENGER", "PWD", "OLDPWD", "AUTHOR", "KE", "Y", "2", "LOG_LEVEL"};

	for (size_t i = 0; i < ARRAY_LEN(secret); i++) {
		CLEANUP(one_fini) struct one o = {0};
		CLEANUP(freep)
		char *yaml = xasprintf(NAME "agent: {env: {%s: written, OTHER: w2}}\n", secret[i]);

		expect_pylon(&o, yaml, "written\n");
	}
	for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
		CLEANUP(one_fini) struct one o = {0};
		CLEANUP(freep)
		char *yaml = xasprintf(NAME "agent: {env: {%s: written}}\n", plain[i]);

		expect_pylon(&o, yaml, "");
	}
}

static void what_follows_the_scheme_counts_alone_too(void **state UNUSED)
{
	CLEANUP(one_fini) struct one o = {0};

	expect_pylon(&o,
		NAME "channel: {type: webhook, webhook: {url: 'http://h',\n"
		     "  headers: {Authorization: Bearer abc def}}}\n",
		"Bearer abc def\nabc def\nhttp://h\n");
}

static void everything_in_env_files_counts(void **state UNUSED)
{
	CLEANUP(one_fini) struct one o = {0};

	env_parse(&o.own, SLICE_LIT("A=own-1\nA=own-2\nEMPTY=\n# C=comment\n"), false);
	env_parse(&o.shared, SLICE_LIT("A=home-1\nA=home-2\nB=own-1\n"), true);
	expect_pylon(&o, NAME, "home-1\nhome-2\nown-1\nown-2\n");
}

static void key_that_was_looked_up_counts(void **state UNUSED)
{
	CLEANUP(one_fini) struct one o = {0};

	(void)setenv("ANTHROPIC_API_KEY", "looked-up", 1);
	expect_pylon(&o, NAME "agent: {auth: api_key}\n", "looked-up\n");
	expect_pylon(&o, NAME "agent: {auth: oauth}\n", "");
	expect_pylon(&o, NAME "agent: {type: opencode, provider: anthropic}\n", "looked-up\n");
	(void)unsetenv("ANTHROPIC_API_KEY");
}

static void nothing_is_there_twice_or_blank(void **state UNUSED)
{
	CLEANUP(one_fini) struct one o = {0};

	env_parse(&o.own, SLICE_LIT("A=same\nB=same\nC=same2\n"), false);
	expect_pylon(&o,
		NAME "agent: {api_key: $A, env: {X: $B, API_KEY: same, TOKEN: ' ', S: same$C}}\n",
		"same\nsame2\nsamesame2\n");
	assert_null(o.pylon->secrets_known.v[o.pylon->secrets_known.n]);
}

/* A file of nothing but lines must not take minutes. */
static void large_env_file_is_no_trouble(void **state UNUSED)
{
	CLEANUP(one_fini) struct one o = {0};
	CLEANUP(buf_fini) struct buf file = BUF_NULL;

	for (unsigned i = 0; i < 40000; i++)
		buf_printf(&file, "A=%u\n", i % 20000);
	env_parse(&o.own, buf_slice(&file), false);
	one_pylon(&o, NAME);
	assert_non_null(o.pylon);
	assert_int_equal(o.pylon->secrets_known.n, 20000);
}

static void reload_takes_the_secrets_of_the_new_files(void **state)
{
	struct home *h = *state;
	struct config *new = NULL;
	struct err e = CLEAN_ERR;

	home_write(h, ".env", "T=first-token\n");
	home_write(h, "config.yaml", "server: {api_token: $T}\n");
	home_write(h, "pylons/a/pylon.yaml", "name: a\n");
	assert_true(home_load(h));
	expect_secrets(home_pylon(h, "a"), "first-token\n");
	home_write(h, ".env", "T=second-token\n");
	assert_int_equal(config_reload(h->config, true, &new, &h->problems, &e), 0);
	config_free(h->config);
	h->config = new;
	/* The first one goes on opening the door until a restart. */
	expect_secrets(home_pylon(h, "a"), "first-token\nsecond-token\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pylon_without_secrets_knows_none),
		cmocka_unit_test(every_secret_that_is_written_counts),
		cmocka_unit_test(secrets_of_config_yaml_count_for_every_pylon),
		cmocka_unit_test(what_a_variable_stood_for_counts_with_the_whole_around_it),
		cmocka_unit_test(plain_texts_of_a_map_count_by_their_names),
		cmocka_unit_test(what_follows_the_scheme_counts_alone_too),
		cmocka_unit_test(everything_in_env_files_counts),
		cmocka_unit_test(key_that_was_looked_up_counts),
		cmocka_unit_test(nothing_is_there_twice_or_blank),
		cmocka_unit_test(large_env_file_is_no_trouble),
		cmocka_unit_test_setup_teardown(
			reload_takes_the_secrets_of_the_new_files, home_setup, home_teardown),
	};

	return cmocka_run_group_tests(tests, set_variables, NULL);
}
