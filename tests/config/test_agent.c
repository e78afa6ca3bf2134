/* SPDX-License-Identifier: MIT */
/*
 * tests/config/test_agent.c - how an agent signs in: who says it, which key it gets under which
 * name, and what is told when there is none.
 */
#include "lib/t.h"

#include "config/home.h"

#define NAME "name: c\n"

static const char *const variables[] = {"ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GOOGLE_API_KEY",
	"MY_LLM_2_API_KEY", "FIREWORKS_AI_API_KEY"};

static int forget_keys(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(variables); i++)
		(void)unsetenv(variables[i]);
	return 0;
}

/* The environment as one line. */
static void expect_env(const struct pylon_config *p, const char *text)
{
	CLEANUP(buf_fini) struct buf line = BUF_NULL;

	for (size_t i = 0; i < p->env.n; i++)
		buf_printf(&line, "%s%s", i ? " " : "", p->env.v[i]);
	assert_string_equal(buf_str(&line), text);
}

/* One reading: `global` is what stands below `defaults.agent`, `agent` below `agent`. */
struct row {
	const char *global, *agent;
	enum agent_auth auth;
	const char *env;
	const char *problems; /* NULL = none */
};

static void read_row(struct one *o, const struct row *r)
{
	CLEANUP(freep) char *global = xasprintf("defaults: {agent: %s}\n", r->global);
	CLEANUP(freep) char *pylon = xasprintf(NAME "agent: %s\n", r->agent);

	one_global(o, r->global[0] == '\0' ? "" : global);
	assert_int_equal(o->problems.n, 0);
	one_pylon(o, pylon);
}

static void expect_row(struct one *o, const struct row *r)
{
	CLEANUP(freep) char *got = NULL;

	read_row(o, r);
	got = problems_text(&o->problems);
	assert_string_equal(got, r->problems ? r->problems : "");
	assert_non_null(o->pylon);
	if (o->pylon->auth != r->auth)
		fail_msg("%s | %s: auth %d", r->global, r->agent, (int)o->pylon->auth);
	expect_env(o->pylon, r->env);
	assert_null(o->pylon->not_ready);
}

/* Each with the variables of `file` in the pylon's .env. */
static void expect_rows(const char *file, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		CLEANUP(one_fini) struct one o = {0};

		env_parse(&o.own, slice_of(file), false);
		expect_row(&o, &rows[i]);
	}
}

/* --- claude --- */

#define KEY_FILE "ANTHROPIC_API_KEY=from-file\nOPENAI_API_KEY=from-file\nMINE=mine\n"

static void pylon_then_own_key_then_default_say_how_claude_signs_in(void **state UNUSED)
{
	static const struct row rows[] = {
		{"", "{}", AGENT_AUTH_OAUTH, "", NULL},
		{"", "{auth: oauth}", AGENT_AUTH_OAUTH, "", NULL},
		{"", "{auth: none}", AGENT_AUTH_NONE, "", NULL},
		{"", "{auth: api_key}", AGENT_AUTH_API_KEY, "ANTHROPIC_API_KEY=from-file", NULL},
		{"", "{auth: api-key}", AGENT_AUTH_API_KEY, "ANTHROPIC_API_KEY=from-file", NULL},
		{"", "{auth: ''}", AGENT_AUTH_OAUTH, "", NULL},
		{"", "{auth: api_key, api_key: $MINE}", AGENT_AUTH_API_KEY,
			"ANTHROPIC_API_KEY=mine", NULL},
		{"", "{api_key: $MINE}", AGENT_AUTH_API_KEY, "ANTHROPIC_API_KEY=mine", NULL},
		{"{claude: {auth: none}}", "{}", AGENT_AUTH_NONE, "", NULL},
		{"{claude: {auth: none}}", "{api_key: $MINE}", AGENT_AUTH_API_KEY,
			"ANTHROPIC_API_KEY=mine", NULL},
		{"{claude: {auth: api_key}}", "{}", AGENT_AUTH_API_KEY,
			"ANTHROPIC_API_KEY=from-file", NULL},
		{"{claude: {auth: api-key}}", "{auth: oauth}", AGENT_AUTH_OAUTH, "", NULL},
		/* What config.yaml says of opencode is nothing to claude. */
		{"{opencode: {auth: api_key, provider: openai}}", "{}", AGENT_AUTH_OAUTH, "", NULL},
	};

	expect_rows(KEY_FILE, rows, ARRAY_LEN(rows));
}

static void key_that_is_not_used_is_a_warning(void **state UNUSED)
{
	static const struct row rows[] = {
		{"", "{auth: oauth, api_key: x}", AGENT_AUTH_OAUTH, "",
			"2:31: warning: `agent.api_key` does nothing with `agent.auth: oauth`"},
		{"", "{auth: none, api_key: x}", AGENT_AUTH_NONE, "",
			"2:30: warning: `agent.api_key` does nothing with `agent.auth: none`"},
		{"", "{provider: openai}", AGENT_AUTH_OAUTH, "",
			"2:19: warning: `agent.provider` does nothing for a `claude` agent"},
	};

	expect_rows(KEY_FILE, rows, ARRAY_LEN(rows));
}

static void written_environment_wins_over_the_key(void **state UNUSED)
{
	static const struct row rows[] = {
		{"", "{auth: api_key, api_key: x, env: {A: 1, ANTHROPIC_API_KEY: $MINE}}",
			AGENT_AUTH_API_KEY, "A=1 ANTHROPIC_API_KEY=mine", NULL},
		{"", "{env: {ANTHROPIC_API_KEY: $MINE}}", AGENT_AUTH_OAUTH,
			"ANTHROPIC_API_KEY=mine", NULL},
		{"", "{auth: api_key, env: {ANTHROPIC_API_KEY: ''}}", AGENT_AUTH_API_KEY,
			"ANTHROPIC_API_KEY=", NULL},
		/* Another name is another variable. */
		{"", "{auth: api_key, env: {ANTHROPIC_API_KEY2: x, ANTHROPIC_API: y}}",
			AGENT_AUTH_API_KEY,
			"ANTHROPIC_API_KEY2=x ANTHROPIC_API=y ANTHROPIC_API_KEY=from-file", NULL},
		{"{opencode: {provider: openai}}",
			"{type: opencode, env: {OPENCODE_PROVIDER: mine, OPENAI_API_KEY: k}}",
			AGENT_AUTH_API_KEY, "OPENCODE_PROVIDER=mine OPENAI_API_KEY=k", NULL},
	};

	expect_rows(KEY_FILE, rows, ARRAY_LEN(rows));
}

static void key_is_looked_up_where_all_variables_are(void **state UNUSED)
{
	static const struct row row = {"", "{auth: api_key}", AGENT_AUTH_API_KEY, "", NULL};
	static const struct {
		const char *own, *process, *home, *env;
	} rows[] = {
		{"o", "p", "h", "ANTHROPIC_API_KEY=o"},
		{NULL, "p", "h", "ANTHROPIC_API_KEY=p"},
		{NULL, NULL, "h", "ANTHROPIC_API_KEY=h"},
		{NULL, "", "h", "ANTHROPIC_API_KEY=h"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(one_fini) struct one o = {0};
		CLEANUP(freep) char *own = xasprintf("ANTHROPIC_API_KEY=%s\n", rows[i].own);
		CLEANUP(freep) char *home = xasprintf("ANTHROPIC_API_KEY=%s\n", rows[i].home);
		struct row r = row;

		r.env = rows[i].env;
		env_parse(&o.own, rows[i].own ? slice_of(own) : SLICE_NULL, false);
		env_parse(&o.shared, slice_of(home), true);
		if (rows[i].process)
			(void)setenv("ANTHROPIC_API_KEY", rows[i].process, 1);
		expect_row(&o, &r);
		(void)unsetenv("ANTHROPIC_API_KEY");
	}
}

#define NO_KEY(path, word, variable)                                                               \
	"warning: `" path "` is `" word                                                            \
	"`, but there is no key: write `agent.api_key`, or add " variable                          \
	"=... to /nonexistent-home/pylons/c/.env; with a key in the image write "                  \
	"`agent.auth: none`"

static void key_that_is_missing_is_a_warning_with_a_way_out(void **state UNUSED)
{
	static const struct row rows[] = {
		{"", "{auth: api_key}", AGENT_AUTH_API_KEY, "",
			"2:15: " NO_KEY("agent.auth", "api_key", "ANTHROPIC_API_KEY")},
		{"{claude: {auth: api-key}}", "{}", AGENT_AUTH_API_KEY, "",
			"1:1: " NO_KEY(
				"defaults.agent.claude.auth", "api-key", "ANTHROPIC_API_KEY")},
		{"{opencode: {provider: my-llm.2, auth: api_key}}", "{type: opencode}",
			AGENT_AUTH_API_KEY, "OPENCODE_PROVIDER=my-llm.2",
			"1:1: " NO_KEY(
				"defaults.agent.opencode.auth", "api_key", "MY_LLM_2_API_KEY")},
		{"", "{type: opencode, auth: api-key, provider: google}", AGENT_AUTH_API_KEY,
			"OPENCODE_PROVIDER=google",
			"2:31: " NO_KEY("agent.auth", "api-key", "GOOGLE_API_KEY")},
		{"", "{type: opencode, auth: api-key}", AGENT_AUTH_API_KEY, "",
			"2:31: warning: `agent.auth` is `api-key`, but there is no `agent.provider`, "
			"which says whose key it is"},
	};

	/* A variable without a value is no key, and hides what others have. */
	(void)setenv("ANTHROPIC_API_KEY", "hidden", 1);
	expect_rows("ANTHROPIC_API_KEY=\n", rows, ARRAY_LEN(rows));
	(void)unsetenv("ANTHROPIC_API_KEY");
}

/* --- opencode --- */

static void opencode_gets_the_key_of_its_provider(void **state UNUSED)
{
	static const struct row rows[] = {
		{"", "{type: opencode}", AGENT_AUTH_NONE, "", NULL},
		{"", "{type: opencode, provider: openai}", AGENT_AUTH_API_KEY,
			"OPENCODE_PROVIDER=openai OPENAI_API_KEY=from-file", NULL},
		{"", "{type: opencode, provider: anthropic}", AGENT_AUTH_API_KEY,
			"OPENCODE_PROVIDER=anthropic ANTHROPIC_API_KEY=from-file", NULL},
		{"", "{type: opencode, provider: google, api_key: $MINE}", AGENT_AUTH_API_KEY,
			"OPENCODE_PROVIDER=google GOOGLE_API_KEY=mine", NULL},
		{"", "{type: opencode, provider: google}", AGENT_AUTH_NONE,
			"OPENCODE_PROVIDER=google", NULL},
		{"", "{type: opencode, provider: fireworks-ai, api_key: k}", AGENT_AUTH_API_KEY,
			"OPENCODE_PROVIDER=fireworks-ai FIREWORKS_AI_API_KEY=k", NULL},
		{"", "{type: opencode, provider: 'x.\xc3\xa9Z9', api_key: k}", AGENT_AUTH_API_KEY,
			"OPENCODE_PROVIDER=x.\xc3\xa9Z9 X___Z9_API_KEY=k", NULL},
		{"{opencode: {provider: openai}}", "{type: opencode}", AGENT_AUTH_API_KEY,
			"OPENCODE_PROVIDER=openai OPENAI_API_KEY=from-file", NULL},
		{"{type: opencode, opencode: {provider: openai}}", "{provider: anthropic}",
			AGENT_AUTH_API_KEY,
			"OPENCODE_PROVIDER=anthropic ANTHROPIC_API_KEY=from-file", NULL},
		/* Old files have `none` there and rely on the key. */
		{"{opencode: {auth: none}}", "{type: opencode, auth: none, provider: openai}",
			AGENT_AUTH_API_KEY, "OPENCODE_PROVIDER=openai OPENAI_API_KEY=from-file",
			NULL},
		{"", "{type: opencode, api_key: k}", AGENT_AUTH_API_KEY, "",
			"2:34: warning: `agent.api_key` does nothing without `agent.provider`"},
		{"", "{type: opencode, auth: oauth, provider: google}", AGENT_AUTH_NONE,
			"OPENCODE_PROVIDER=google",
			"2:31: warning: `agent.auth`: only `claude` agents sign in with a login; this "
			"is as `none`"},
	};

	expect_rows(KEY_FILE, rows, ARRAY_LEN(rows));
}

static void login_as_the_default_of_opencode_is_a_warning(void **state UNUSED)
{
	expect_global_problems("defaults:\n  agent:\n    opencode:\n      auth: oauth\n",
		"4:13: warning: `defaults.agent.opencode.auth`: only `claude` agents sign in with a "
		"login; this is as `none`");
}

/* --- command and mock --- */

static void other_agents_get_a_key_only_if_it_was_written_for_one(void **state UNUSED)
{
#define COMMAND "{type: command, image: x, command: y"
	static const struct row rows[] = {
		{"", COMMAND "}", AGENT_AUTH_NONE, "", NULL},
		{"{claude: {auth: api_key}, opencode: {provider: openai}}", COMMAND "}",
			AGENT_AUTH_NONE, "", NULL},
		{"", "{type: mock, provider: openai, api_key: k}", AGENT_AUTH_NONE,
			"OPENAI_API_KEY=k", NULL},
		{"", COMMAND ", api_key: k}", AGENT_AUTH_NONE, "",
			"2:55: warning: `agent.api_key` does nothing for a `command` agent without "
			"`agent.provider`"},
		{"", "{type: mock, provider: openai}", AGENT_AUTH_NONE, "",
			"2:31: warning: `agent.provider` does nothing for a `mock` agent without "
			"`agent.api_key`"},
		{"", "{type: mock, auth: api_key}", AGENT_AUTH_NONE, "",
			"2:27: warning: `agent.auth` does nothing for a `mock` agent"},
	};
#undef COMMAND

	expect_rows(KEY_FILE, rows, ARRAY_LEN(rows));
}

/* --- what is refused --- */

static void other_words_are_refused_with_the_nearest_one(void **state UNUSED)
{
	expect_problems(NAME "agent:\n  auth: apikey\n",
		"3:9: `agent.auth` cannot be `apikey`; did you mean `api_key`?");
	expect_problems(NAME "agent:\n  auth: Oauth\n",
		"3:9: `agent.auth` cannot be `Oauth`; did you mean `oauth`?");
	expect_problems(NAME "agent:\n  auth: subscription\n  api_key: x\n",
		"3:9: `agent.auth` cannot be `subscription`; it is one of: oauth, api_key, api-key, "
		"none");
	expect_global_problems("defaults:\n  agent:\n    claude:\n      auth: key\n",
		"4:13: `defaults.agent.claude.auth` cannot be `key`; it is one of: oauth, api_key, "
		"api-key, none");
	expect_global_problems("defaults:\n  agent:\n    opencode:\n      auth: nome\n",
		"4:13: `defaults.agent.opencode.auth` cannot be `nome`; did you mean `none`?");
}

/* One mistake is told once, without what follows from it. */
static void key_that_cannot_be_read_is_told_once(void **state UNUSED)
{
	static const char text[] = "4:12: `agent.api_key` needs the variable NOPE_X, which is not "
				   "set; add NOPE_X=... to /nonexistent-home/pylons/c/.env";

	expect_problems(NAME "agent:\n  auth: api_key\n  api_key: $NOPE_X\n", text);
	expect_problems(NAME "agent:\n  auth: oauth\n  api_key: $NOPE_X\n", text);
	expect_problems(NAME "agent:\n  type: opencode\n  api_key: $NOPE_X\n  provider: x\n", text);
	expect_problems(NAME "agent:\n  type: mock\n  api_key: $NOPE_X\n  provider: x\n", text);
}

static void provider_is_a_name(void **state UNUSED)
{
	expect_problems(NAME "agent:\n  type: opencode\n  provider: open ai\n",
		"4:13: `agent.provider` must be a name without blanks, such as anthropic");
	expect_problems(NAME "agent:\n  type: opencode\n  provider: \"a\\nb\"\n",
		"4:13: `agent.provider` must be a name without blanks, such as anthropic");
	expect_problems(NAME "agent:\n  type: opencode\n  provider: '--'\n",
		"4:13: `agent.provider` must have a letter or digit in it");
	expect_fine(NAME "agent:\n  type: opencode\n  provider: ''\n");
}

static void base_image_of_a_pylon_is_a_warning(void **state UNUSED)
{
	expect_problems(NAME "agent:\n  base_image: debian:13\n",
		"3:15: warning: `agent.base_image` does nothing here; it belongs in config.yaml");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pylon_then_own_key_then_default_say_how_claude_signs_in),
		cmocka_unit_test(key_that_is_not_used_is_a_warning),
		cmocka_unit_test(written_environment_wins_over_the_key),
		cmocka_unit_test(key_is_looked_up_where_all_variables_are),
		cmocka_unit_test(key_that_is_missing_is_a_warning_with_a_way_out),
		cmocka_unit_test(opencode_gets_the_key_of_its_provider),
		cmocka_unit_test(login_as_the_default_of_opencode_is_a_warning),
		cmocka_unit_test(other_agents_get_a_key_only_if_it_was_written_for_one),
		cmocka_unit_test(other_words_are_refused_with_the_nearest_one),
		cmocka_unit_test(key_that_cannot_be_read_is_told_once),
		cmocka_unit_test(provider_is_a_name),
		cmocka_unit_test(base_image_of_a_pylon_is_a_warning),
	};

	return cmocka_run_group_tests(tests, forget_keys, NULL);
}
