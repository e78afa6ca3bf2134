/* SPDX-License-Identifier: MIT */
#include "base/limits.h"
#include "config/home.h"
#include "lib/t.h"

#define NAME "name: c\n"

/* Reads `agent: {<key>: <text>}` and gives the pylon, NULL when it is broken. */
static const struct pylon_config *agent(struct one *o, const char *key, const char *text)
{
	CLEANUP(freep) char *yaml = xasprintf(NAME "agent:\n  %s: %s\n", key, text);

	one_pylon(o, yaml);
	return o->pylon;
}

/* --- booleans --- */

static void plain_words_are_booleans(void **state UNUSED)
{
	static const char *const yes[] = {"true", "True", "TRUE", "yes", "Yes", "on", "ON", "y"};
	static const char *const no[] = {"false", "FALSE", "no", "No", "off", "n", "~", ""};

	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		CLEANUP(one_fini) struct one o = {0};

		assert_true(agent(&o, "read_only", yes[i])->read_only);
	}
	for (size_t i = 0; i < ARRAY_LEN(no); i++) {
		CLEANUP(one_fini) struct one o = {0};

		assert_false(agent(&o, "read_only", no[i])->read_only);
	}
}

static void quoted_or_foreign_booleans_are_refused(void **state UNUSED)
{
	expect_problems(NAME "disabled: \"true\"\n",
		"2:11: `disabled` must be true or false without quotes, not the text \"true\"");
	expect_problems(NAME "disabled: 1\n",
		"2:11: `disabled` must be true or false without quotes, not `1`");
	expect_problems(NAME "disabled: [true]\n",
		"2:11: `disabled` must be true or false without quotes, not a list");
	expect_problems(NAME "disabled: !!str true\n",
		"2:11: `disabled` must be true or false without quotes, not the text \"true\"");
}

/* --- numbers --- */

static void port_is_a_plain_number_in_its_bounds(void **state UNUSED)
{
	static const char *const good[] = {"0", "1", "65534", "65535", "+80"};
	static const char *const bad[] = {"65536", "-1", "99999999999999999999"};

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		CLEANUP(freep) char *yaml = xasprintf("server:\n  port: %s\n", good[i]);

		expect_global_fine(yaml);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CLEANUP(freep) char *yaml = xasprintf("server:\n  port: %s\n", bad[i]);

		expect_global_problems(yaml,
			i < 2 ? "2:9: `server.port` must be between 0 and 65535"
			      : "2:9: `server.port` must be a whole number without quotes, not "
				"`99999999999999999999`");
	}
	expect_global_problems("server:\n  port: \"8080\"\n",
		"2:9: `server.port` must be a whole number without quotes, not the text \"8080\"");
	expect_global_problems("server:\n  port: 0x50\n",
		"2:9: `server.port` must be a whole number without quotes, not `0x50`");
	expect_global_problems("server:\n  port: 0080\n",
		"2:9: `server.port` must be a whole number without quotes, not `0080`");
	expect_global_problems("server:\n  port: 80.5\n",
		"2:9: `server.port` must be a whole number without quotes, not `80.5`");
}

static void chat_id_may_be_negative_but_not_text(void **state UNUSED)
{
	expect_global_fine("defaults:\n  channel:\n    telegram:\n      chat_id: -1001234567890\n");
	expect_global_fine(
		"defaults:\n  channel:\n    telegram:\n      chat_id: -9223372036854775808\n");
	expect_global_problems("defaults:\n  channel:\n    telegram:\n      chat_id: \"-100\"\n",
		"4:16: `defaults.channel.telegram.chat_id` must be a whole number without quotes, not "
		"the text \"-100\"");
}

static void slots_zero_is_the_default_and_negative_unlimited(void **state UNUSED)
{
	static const struct {
		const char *text;
		int slots;
	} rows[] = {{"0", 3}, {"-1", -1}, {"6", 6}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(freep)
		char *yaml = xasprintf("docker:\n  max_concurrent: %s\n", rows[i].text);
		CLEANUP(one_fini) struct one o = {0};

		one_global(&o, yaml);
		assert_int_equal(o.config->max_concurrent, rows[i].slots);
	}
}

static void port_zero_is_the_default(void **state UNUSED)
{
	CLEANUP(one_fini) struct one o = {0};

	one_global(&o, "server:\n  port: 0\n");
	assert_int_equal(o.config->port, 8080);
}

static void cpus_are_a_decimal_number(void **state UNUSED)
{
	static const struct {
		const char *text;
		double cpus;
	} rows[] = {{"1", 1}, {"0.5", 0.5}, {"1.25", 1.25}, {"0.01", 0.01}, {"1024", 1024}};
	static const char *const bad[] = {
		"0", "0.009", "1024.001", "1e3", "\"2\"", "1.", ".5", "-1", "1.0001", "x", "[1]"};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(one_fini) struct one o = {0};
		double got = agent(&o, "cpus", rows[i].text)->cpus;

		assert_true(got > rows[i].cpus - 1e-9 && got < rows[i].cpus + 1e-9);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CLEANUP(one_fini) struct one o = {0};

		assert_null(agent(&o, "cpus", bad[i]));
	}
}

/* --- sizes and durations --- */

static void sizes_have_binary_units(void **state UNUSED)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} rows[] = {{"6MiB", MIB(6)}, {"6291456", MIB(6)}, {"6144KiB", MIB(6)}, {"6144K", MIB(6)},
		{"6M", MIB(6)}, {"6mib", MIB(6)}, {"2G", GIB(2)}, {"2GiB", GIB(2)},
		{"1.5GiB", MIB(1536)}, {"1T", GIB(1024)}, {"\"8MiB\"", MIB(8)}};
	static const char *const bad[] = {"1MB", "1GB", "MiB", "1 MiB", "-1MiB", "1.5", "1..5G",
		"99999999999G", "x", "1e9", "{}"};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(one_fini) struct one o = {0};

		assert_int_equal(agent(&o, "memory", rows[i].text)->memory, rows[i].bytes);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CLEANUP(one_fini) struct one o = {0};

		assert_null(agent(&o, "memory", bad[i]));
	}
}

static void body_limit_ends_at_25_mib(void **state UNUSED)
{
	expect_fine(NAME "trigger: {max_body: 26214399}\n");
	expect_fine(NAME "trigger: {max_body: 25MiB}\n");
	expect_problems(NAME "trigger:\n  max_body: 26214401\n",
		"3:13: `trigger.max_body` must be between 1 and 25MiB");
	expect_problems(NAME "trigger:\n  max_body: 0\n",
		"3:13: `trigger.max_body` must be between 1 and 25MiB");
	expect_global_fine("server: {max_body: 25MiB}\n");
	expect_global_problems("server:\n  max_body: 26MiB\n",
		"2:13: `server.max_body` must be between 1 and 25MiB");
}

static void memory_begins_at_6_mib(void **state UNUSED)
{
	expect_fine(NAME "agent: {memory: 6MiB}\n");
	expect_fine(NAME "agent: {memory: 6291457}\n");
	expect_problems(NAME "agent:\n  memory: 6291455\n",
		"3:11: `agent.memory` must be between 6MiB and 1024TiB");
}

static void durations_have_units(void **state UNUSED)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} rows[] = {{"0", 0}, {"15m", 900}, {"1h30m", 5400}, {"1.5h", 5400}, {"7d", 604800},
		{"2w", 1209600}, {"\"10s\"", 10}, {"", 900}, {"\"\"", 900}};
	static const char *const bad[] = {"10", "90", "1H", "5 m", "-1s", "-5m", "bogus", "[1s]"};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(one_fini) struct one o = {0};

		assert_int_equal(agent(&o, "timeout", rows[i].text)->timeout_us,
			rows[i].seconds * US_PER_SEC);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CLEANUP(one_fini) struct one o = {0};

		assert_null(agent(&o, "timeout", bad[i]));
	}
	expect_problems(NAME "agent:\n  timeout: 10\n",
		"3:12: `agent.timeout` must be a length of time such as 30s, 1h30m or 7d, not `10`");
	expect_problems(NAME "agent:\n  retry_backoff: 61m\n",
		"3:18: `agent.retry_backoff` must be between 0s and 1h");
	expect_global_problems("docker:\n  default_timeout: bogus\n",
		"2:20: `docker.default_timeout` must be a length of time such as 30s, 1h30m or 7d, not "
		"`bogus`");
}

static void times_may_be_written_as_before(void **state UNUSED)
{
	static const char *const good[] = {"2025-01-15T09:00:00Z", "\"2025-01-15T09:00:00Z\"",
		"2025-01-15T09:00:00.123456789+02:00", "2025-01-15", "0001-01-01T00:00:00Z"};
	static const char *const bad[] = {"\"\"", "\"{{CREATED}}\"", "yesterday", "1", "[]"};

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		CLEANUP(freep) char *yaml = xasprintf(NAME "created: %s\n", good[i]);

		expect_fine(yaml);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CLEANUP(freep) char *yaml = xasprintf(NAME "created: %s\n", bad[i]);
		CLEANUP(one_fini) struct one o = {0};

		one_pylon(&o, yaml);
		assert_null(o.pylon);
	}
}

/* --- words and texts --- */

static void misspelt_word_gets_a_hint(void **state UNUSED)
{
	expect_problems(NAME "agent:\n  network: brigde\n",
		"3:12: `agent.network` cannot be `brigde`; did you mean `bridge`?");
	expect_problems(NAME "agent:\n  network: internet\n",
		"3:12: `agent.network` cannot be `internet`; it is one of: none, bridge, host");
	expect_problems(NAME "trigger:\n  type: push\n",
		"3:9: `trigger.type` cannot be `push`; it is one of: webhook, cron, manual");
	expect_global_problems("docker:\n  when_full: rejekt\n",
		"2:14: `docker.when_full` cannot be `rejekt`; did you mean `reject`?");
	expect_problems(NAME "agent:\n  network: {}\n",
		"3:12: `agent.network` must be a word, not a section");
}

static void scalars_of_any_kind_are_texts(void **state UNUSED)
{
	CLEANUP(one_fini) struct one o = {0};

	one_pylon(&o,
		NAME "description: 12\nagent: {prompt: true, env: {A: 1, B: 1.50, C: yes, D: }}\n");
	assert_string_equal(o.pylon->description, "12");
	assert_int_equal(o.pylon->env.n, 4);
	assert_string_equal(o.pylon->env.v[0], "A=1");
	assert_string_equal(o.pylon->env.v[1], "B=1.50");
	assert_string_equal(o.pylon->env.v[2], "C=yes");
	assert_string_equal(o.pylon->env.v[3], "D=");
}

static void texts_cannot_be_lists(void **state UNUSED)
{
	expect_problems(
		NAME "description: [a]\n", "2:14: `description` must be a text, not a list");
	expect_problems(NAME "agent:\n  prompt: {a: b}\n",
		"3:11: `agent.prompt` must be a text, not a section");
}

static void lists_hold_texts(void **state UNUSED)
{
	expect_problems(NAME "agent:\n  volumes: /a:/b\n",
		"3:12: `agent.volumes` must be a list, not `/a:/b`");
	expect_problems(NAME "agent:\n  volumes: [/a:/b, [x]]\n",
		"3:20: `agent.volumes` must be a list of texts");
}

static void names_in_maps_are_names(void **state UNUSED)
{
	expect_problems(NAME "agent:\n  env:\n    \"A=B\": x\n",
		"4:5: `agent.env` cannot hold the name `A=B`");
	expect_problems(
		NAME "agent:\n  env:\n    \"\": x\n", "4:5: `agent.env` cannot hold the name ``");
	expect_problems(NAME "agent:\n  env:\n    A: [x]\n", "4:8: `agent.env.A` must be a text");
	expect_problems(
		NAME "agent:\n  env: [A]\n", "3:8: `agent.env` must be lines of `NAME: value`");
}

/* --- templates --- */

static void template_error_has_its_place_in_the_file(void **state UNUSED)
{
	static const struct {
		const char *yaml;
		const char *place;
	} rows[] = {
		{NAME "agent:\n  prompt: ab {{ if x }}\n", "3:20: `agent.prompt`: "},
		{NAME "agent:\n  prompt: 'ab {{ if x }}'\n", "3:21: `agent.prompt`: "},
		{NAME "agent:\n  prompt: |\n    one\n\n    two {{ if x }}\n",
			"6:15: `agent.prompt`: "},
		{NAME "agent:\n  prompt: \"\\tab {{ if x }}\"\n", "3:23: `agent.prompt`: "},
		{NAME "agent:\n  prompt: >\n    one\n    {{ if x }}\n", "5:11: `agent.prompt`: "},
		{NAME "agent:\n  prompt: !!str 'ab {{ if x }}'\n",
			"3:11: `agent.prompt`, line 1 column 10 of its text: "},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(one_fini) struct one o = {0};
		CLEANUP(freep) char *got = NULL;

		one_pylon(&o, rows[i].yaml);
		assert_int_equal(o.problems.n, 1);
		got = problems_text(&o.problems);
		if (!str_has_prefix(got, rows[i].place))
			assert_string_equal(got, rows[i].place);
	}
}

/* --- secrets --- */

static void missing_variable_is_named_with_the_file_it_belongs_to(void **state UNUSED)
{
	expect_problems(NAME "agent:\n  api_key: ${MY_KEY}\n",
		"3:12: `agent.api_key` needs the variable MY_KEY, which is not set; add MY_KEY=... to "
		"/nonexistent-home/pylons/c/.env");
	expect_problems(NAME "agent:\n  env: {TOKEN: x$MY_KEY}\n",
		"3:16: `agent.env` needs the variable MY_KEY, which is not set; add MY_KEY=... to "
		"/nonexistent-home/pylons/c/.env");
	expect_global_problems("server:\n  api_token: ${MY_KEY}\n",
		"2:14: `server.api_token` needs the variable MY_KEY, which is not set; add MY_KEY=... to "
		"/nonexistent-home/.env");
}

static void empty_secret_is_refused(void **state UNUSED)
{
	CLEANUP(one_fini) struct one o = {0};
	CLEANUP(freep) char *got = NULL;

	expect_global_problems("server:\n  api_token:\n", "2:13: `server.api_token` is empty");
	expect_global_problems("server:\n  api_token: \"\"\n", "2:14: `server.api_token` is empty");
	expect_global_problems(
		"server:\n  api_token: \" \\t\"\n", "2:14: `server.api_token` is empty");
	expect_global_problems(
		"server:\n  api_token: [x]\n", "2:14: `server.api_token` must be a text");
	env_parse(&o.own, SLICE_LIT("EMPTY=\n"), false);
	one_pylon(&o, NAME "agent:\n  api_key: $EMPTY\n");
	got = problems_text(&o.problems);
	assert_string_equal(got, "3:12: `agent.api_key` is empty: its variable has no value");
}

static void secret_with_a_single_dollar_is_explained_without_telling_it(void **state UNUSED)
{
	expect_global_problems("server:\n  api_token: pa$sword\n",
		"2:14: `server.api_token` names a variable that is not set; write `$$` for a literal "
		"dollar");
	expect_global_problems("server:\n  api_token: pa${s:-word}\n",
		"2:14: `server.api_token`: between `${` and `}` belongs the name of a variable (`$$` is "
		"a literal dollar)");
	expect_global_problems("server:\n  api_token: pa${sword\n",
		"2:14: `server.api_token`: between `${` and `}` belongs the name of a variable (`$$` is "
		"a literal dollar)");
}

static void secrets_are_expanded(void **state UNUSED)
{
	CLEANUP(one_fini) struct one o = {0};

	env_parse(&o.own, SLICE_LIT("A=own\n"), false);
	env_parse(&o.shared, SLICE_LIT("A=home\nB=home\n"), true);
	one_pylon(&o, NAME "trigger:\n  type: webhook\n  path: /p\n  signature: github\n"
			   "  secret: [$A-1, '${B}', p@$$w]\nagent: {env: {X: $A$B, Y: $$A}}\n");
	assert_non_null(o.pylon);
	assert_int_equal(o.pylon->secrets.n, 3);
	assert_string_equal(o.pylon->secrets.v[0], "own-1");
	assert_string_equal(o.pylon->secrets.v[1], "home");
	assert_string_equal(o.pylon->secrets.v[2], "p@$w");
	assert_string_equal(o.pylon->env.v[0], "X=ownhome");
	assert_string_equal(o.pylon->env.v[1], "Y=$A");
}

static void texts_that_are_no_secrets_are_taken_as_they_are(void **state UNUSED)
{
	CLEANUP(one_fini) struct one o = {0};

	one_pylon(&o, NAME "description: costs $5 or ${HOME}\nagent:\n  type: command\n  image: x\n"
			   "  command: echo $HOME $$\n");
	assert_string_equal(o.pylon->description, "costs $5 or ${HOME}");
	assert_string_equal(o.pylon->command.v[2], "echo $HOME $$");
}

/* Whatever is wrong with a file, what may be a secret is not in any message. */
static void secrets_are_never_told(void **state UNUSED)
{
	static const char *const texts[] = {
		"name: x\ntrigger:\n  type: webhook\n  path: bad\n  secret: hunter2\n",
		"name: c\ntrigger:\n  type: webhook\n  path: /p\n  secret: [hunter2, [hunter2]]\n",
		"name: c\ntrigger:\n  type: webhook\n  path: /p\n  secret: {a: hunter2}\n",
		"name: c\ntrigger:\n  type: webhook\n  path: /p\n  signature: standard\n  secret: hunter2!\n",
		"name: c\ntrigger:\n  type: webhook\n  path: /p\n  secret: $SET\n",
		"name: c\ntrigger:\n  type: webhook\n  path: /p\n  signature: standard\n  secret: $SET!\n",
		"name: c\nagent:\n  api_key: {x: hunter2}\n  env: {A: [hunter2]}\n",
		"name: c\nagent:\n  env: hunter2\n",
		"name: c\nchannel:\n  type: webhook\n  webhook:\n    url: hunter2\n",
		"name: c\nchannel:\n  type: webhook\n  webhook:\n    url: http:// hunter2\n",
		"name: c\nchannel:\n  type: webhook\n  webhook:\n    url: http://x\n    secret: hunter2!\n",
		"name: c\nchannel:\n  type: webhook\n  webhook:\n    url: http://x\n    headers:\n"
		"      A: \"hunter2\\n\"\n",
		"name: c\nchannel:\n  type: telegram\n  telegram:\n    bot_token: [hunter2]\n",
		"name: c\nagent:\n  api_key: a$hunter2\n",
		"name: c\nagent:\n  api_key: ${hunter2 }\n",
		"name: c\nagent:\n  api_key: ${A:-hunter2}\n",
		"name: c\ntrigger:\n  secret: 'hunter2\n",
		"name: c\ntrigger:\n  secret: hunter2: x\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		CLEANUP(one_fini) struct one o = {0};
		CLEANUP(freep) char *got = NULL;

		env_parse(&o.own, SLICE_LIT("SET=hunter2\n"), false);
		one_pylon(&o, texts[i]);
		assert_null(o.pylon);
		got = problems_text(&o.problems);
		if (strstr(got, "hunter2"))
			fail_msg("case %zu tells the secret: %s", i, got);
	}
}

/* --- unknown keys --- */

static void misspelt_key_gets_a_hint(void **state UNUSED)
{
	expect_problems(
		NAME "trigger:\n  paht: /x\n", "3:3: unknown key `paht`; did you mean `path`?");
	expect_problems(NAME "chanel:\n  type: stdout\n",
		"2:1: unknown key `chanel`; did you mean `channel`?");
	expect_global_problems(
		"server:\n  hots: x\n", "2:3: unknown key `hots`; did you mean `host`?");
	expect_global_problems("docker:\n  max_concurent: 2\n",
		"2:3: unknown key `max_concurent`; did you mean `max_concurrent`?");
	expect_global_problems("defaults:\n  channel:\n    telegram:\n      bot_tokn: x\n",
		"4:7: unknown key `bot_tokn`; did you mean `bot_token`?");
}

static void key_of_another_section_gets_that_hint(void **state UNUSED)
{
	expect_problems(NAME "prompt: hi\n", "2:1: unknown key `prompt`; it belongs under `agent`");
	expect_problems(NAME "telegram:\n  bot_token: x\n",
		"2:1: unknown key `telegram`; it belongs under `channel`");
	expect_problems(
		NAME "secret: x\n", "2:1: unknown key `secret`; it belongs under `trigger`");
	expect_problems(NAME "repo: x\n", "2:1: unknown key `repo`; it belongs under `workspace`");
	expect_problems(NAME "trigger:\n  timeout: 5m\n",
		"3:3: unknown key `timeout`; it belongs under `agent`");
	expect_global_problems(
		"timezone: UTC\n", "1:1: unknown key `timezone`; it belongs under `defaults`");
	expect_global_problems("server:\n  max_concurrent: 2\n",
		"2:3: unknown key `max_concurrent`; it belongs under `docker`");
}

static void key_of_the_other_file_gets_that_hint(void **state UNUSED)
{
	expect_problems(NAME "docker:\n  host: x\n",
		"2:1: unknown key `docker`; it belongs in config.yaml");
	expect_global_problems("trigger:\n  type: webhook\n",
		"1:1: unknown key `trigger`; it belongs in pylon.yaml");
}

static void key_nobody_knows_is_refused_at_every_level(void **state UNUSED)
{
	expect_problems(NAME "zzzzzz: 1\n", "2:1: unknown key `zzzzzz`");
	expect_problems(NAME "trigger:\n  filter: x\n", "3:3: unknown key `filter`");
	expect_problems(NAME "agent:\n  tools: [x]\n", "3:3: unknown key `tools`");
	expect_problems(NAME "channel:\n  slack:\n    zzzzzz: 1\n", "4:5: unknown key `zzzzzz`");
	expect_problems(NAME "\"a\\nb\": 1\n", "2:1: unknown key `a b`");
	expect_problems(NAME "\"\": 1\n", "2:1: unknown key ``");
}

static void path_written_with_dots_is_explained(void **state UNUSED)
{
	expect_global_problems("server.port: 1\n",
		"1:1: unknown key `server.port`; sections are written as nested lines: `server:` and "
		"below it `port:`");
	expect_global_problems("a.b: 1\n", "1:1: unknown key `a.b`");
}

static void section_must_be_a_section(void **state UNUSED)
{
	expect_problems(NAME "trigger: webhook\n",
		"2:10: `trigger` must be a section: keys on indented lines");
	expect_problems(
		NAME "agent: [x]\n", "2:8: `agent` must be a section: keys on indented lines");
	expect_fine(NAME "trigger:\nagent: ~\nchannel: {}\n");
	expect_problems("- a\n- b\n", "1:1: this file must be lines of `key: value`");
	expect_problems("just text\n", "1:1: this file must be lines of `key: value`");
}

static void ignored_key_is_a_warning(void **state UNUSED)
{
	expect_global_problems("defaults:\n  agent:\n    claude:\n      oauth_path: ~/.claude\n",
		"4:19: warning: `defaults.agent.claude.oauth_path` is ignored; remove it");
	expect_problems(NAME "agent:\n  oauth_path: x\n",
		"3:15: warning: `agent.oauth_path` is ignored; remove it");
}

static void settings_of_what_does_not_exist_yet_are_accepted(void **state UNUSED)
{
	expect_fine(
		NAME "channel:\n  type: discord\n  discord: {anything: [goes], here: {x: 1}}\n");
	expect_problems(NAME "channel:\n  type: email\n  email: x\n",
		"4:10: `channel.email` must be a section, not `x`");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_words_are_booleans),
		cmocka_unit_test(quoted_or_foreign_booleans_are_refused),
		cmocka_unit_test(port_is_a_plain_number_in_its_bounds),
		cmocka_unit_test(chat_id_may_be_negative_but_not_text),
		cmocka_unit_test(slots_zero_is_the_default_and_negative_unlimited),
		cmocka_unit_test(port_zero_is_the_default),
		cmocka_unit_test(cpus_are_a_decimal_number),
		cmocka_unit_test(sizes_have_binary_units),
		cmocka_unit_test(body_limit_ends_at_25_mib),
		cmocka_unit_test(memory_begins_at_6_mib),
		cmocka_unit_test(durations_have_units),
		cmocka_unit_test(times_may_be_written_as_before),
		cmocka_unit_test(misspelt_word_gets_a_hint),
		cmocka_unit_test(scalars_of_any_kind_are_texts),
		cmocka_unit_test(texts_cannot_be_lists),
		cmocka_unit_test(lists_hold_texts),
		cmocka_unit_test(names_in_maps_are_names),
		cmocka_unit_test(template_error_has_its_place_in_the_file),
		cmocka_unit_test(missing_variable_is_named_with_the_file_it_belongs_to),
		cmocka_unit_test(empty_secret_is_refused),
		cmocka_unit_test(secret_with_a_single_dollar_is_explained_without_telling_it),
		cmocka_unit_test(secrets_are_expanded),
		cmocka_unit_test(texts_that_are_no_secrets_are_taken_as_they_are),
		cmocka_unit_test(secrets_are_never_told),
		cmocka_unit_test(misspelt_key_gets_a_hint),
		cmocka_unit_test(key_of_another_section_gets_that_hint),
		cmocka_unit_test(key_of_the_other_file_gets_that_hint),
		cmocka_unit_test(key_nobody_knows_is_refused_at_every_level),
		cmocka_unit_test(path_written_with_dots_is_explained),
		cmocka_unit_test(section_must_be_a_section),
		cmocka_unit_test(ignored_key_is_a_warning),
		cmocka_unit_test(settings_of_what_does_not_exist_yet_are_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
