/* SPDX-License-Identifier: MIT */
#include "base/limits.h"
#include "config/home.h"
#include "lib/t.h"

#define NAME "name: c\n"
#define HOOK "name: c\ntrigger:\n  type: webhook\n  path: /p\n"

static const struct pylon_config *read_pylon(struct one *o, const char *yaml)
{
	one_pylon(o, yaml);
	if (!o->pylon) {
		CLEANUP(freep) char *got = problems_text(&o->problems);

		fail_msg("not fine: %s", got);
	}
	return o->pylon;
}

static void expect_reason(const char *yaml, const char *reason)
{
	CLEANUP(one_fini) struct one o = {0};
	const struct pylon_config *p = read_pylon(&o, yaml);

	if (reason)
		assert_string_equal(p->not_ready ? p->not_ready : "(ready)", reason);
	else
		assert_null(p->not_ready);
}

/* --- defaults --- */

static void name_alone_is_a_pylon_with_all_defaults(void **state UNUSED)
{
	CLEANUP(one_fini) struct one o = {0};
	const struct pylon_config *p = read_pylon(&o, NAME);

	assert_string_equal(p->name, "c");
	assert_string_equal(p->file, "pylon.yaml");
	assert_null(p->description);
	assert_false(p->is_disabled);
	assert_null(p->not_ready);
	assert_int_equal(p->trigger, TRIGGER_MANUAL);
	assert_null(p->path);
	assert_int_equal(p->secrets.n, 0);
	assert_int_equal(p->tolerance_us, -1);
	assert_int_equal(p->max_body, MIB(1));
	assert_int_equal(p->workspace, WORKSPACE_NONE);
	assert_int_equal(p->channel.type, CHANNEL_STDOUT);
	assert_string_equal(p->channel.type_name, "stdout");
	assert_null(p->topic);
	assert_null(p->message);
	assert_false(p->approval);
	assert_int_equal(p->approval_timeout_us, 86400 * US_PER_SEC);
	assert_int_equal(p->on.n, 0);
	assert_string_equal(p->agent_type, "claude");
	assert_string_equal(p->image, "pylon/agent-claude");
	assert_int_equal(p->auth, AGENT_AUTH_OAUTH);
	assert_int_equal(p->command.n, 0);
	assert_int_equal(p->env.n, 0);
	assert_int_equal(p->secrets_known.n, 0);
	assert_non_null(p->prompt);
	assert_int_equal(p->timeout_us, 900 * US_PER_SEC);
	assert_int_equal(p->max_concurrent, 0);
	assert_int_equal(p->retries, 0);
	assert_int_equal(p->retry_backoff_us, 30 * US_PER_SEC);
	assert_int_equal(p->memory, GIB(2));
	assert_true(p->cpus > 1.99 && p->cpus < 2.01);
	assert_int_equal(p->pids, 512);
	assert_string_equal(p->network, "bridge");
	assert_false(p->read_only);
	assert_int_equal(p->volumes.n, 0);
}

static const char everything[] = "# A pylon that uses what there is.\n"
				 "name: c\n"
				 "description: Looks at errors\n"
				 "disabled: no\n"
				 "created: 2025-01-15T09:00:00Z\n"
				 "trigger:\n"
				 "  type: webhook\n"
				 "  path: /sentry\n"
				 "  signature: standard\n"
				 "  signature_header: svix-signature\n"
				 "  secret:\n"
				 "    - whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"
				 "    - ${OLD_SECRET}\n"
				 "  tolerance: 10m\n"
				 "  dedupe: X-Delivery\n"
				 "  max_body: 2MiB\n"
				 "  public_url: https://hooks.example.com/\n"
				 "workspace:\n"
				 "  type: none\n"
				 "channel:\n"
				 "  type: webhook\n"
				 "  topic: '{{ .body.title }}'\n"
				 "  message: |\n"
				 "    {{ .body.title }}\n"
				 "    {{ .body.url }}\n"
				 "  approval: true\n"
				 "  approval_timeout: 2h\n"
				 "  on: [completed, failed]\n"
				 "  webhook:\n"
				 "    url: https://chat.example.com/in?key=${CHAT_KEY}\n"
				 "    secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"
				 "    headers:\n"
				 "      X-Team: errors\n"
				 "      Authorization: Bearer ${CHAT_KEY}\n"
				 "    allow_private: true\n"
				 "agent:\n"
				 "  type: command\n"
				 "  image: registry.example.com/tools/look:2\n"
				 "  command: [look, --at, errors]\n"
				 "  prompt: Look at {{ .body.url }}\n"
				 "  timeout: 10m\n"
				 "  retries: 3\n"
				 "  retry_backoff: 1m\n"
				 "  max_concurrent: 2\n"
				 "  memory: 512MiB\n"
				 "  cpus: 0.5\n"
				 "  pids: 64\n"
				 "  network: none\n"
				 "  read_only: true\n"
				 "  env:\n"
				 "    LEVEL: 3\n"
				 "    KEY: $CHAT_KEY\n"
				 "  volumes:\n"
				 "    - /srv/tools:/tools\n"
				 "    - /srv/cache:/cache:rw\n";

static void full_example_is_read(void **state UNUSED)
{
	CLEANUP(one_fini) struct one o = {0};
	const struct pylon_config *p;

	env_parse(&o.own, SLICE_LIT("OLD_SECRET=AAECAwQ=\nCHAT_KEY=k1\n"), false);
	p = read_pylon(&o, everything);
	assert_int_equal(o.problems.n, 0);
	assert_null(p->not_ready);
	assert_string_equal(p->path, "/sentry");
	assert_string_equal(p->secrets.v[1], "AAECAwQ=");
	assert_string_equal(p->signature, "standard");
	assert_string_equal(p->signature_header, "svix-signature");
	assert_int_equal(p->tolerance_us, 600 * US_PER_SEC);
	assert_string_equal(p->dedupe, "X-Delivery");
	assert_int_equal(p->max_body, MIB(2));
	assert_string_equal(p->channel.url, "https://chat.example.com/in?key=k1");
	assert_int_equal(p->channel.header_count, 2);
	assert_string_equal(p->channel.headers[1].name, "Authorization");
	assert_string_equal(p->channel.headers[1].value, "Bearer k1");
	assert_true(p->channel.allow_private);
	assert_non_null(p->topic);
	assert_non_null(p->message);
	assert_true(p->approval);
	assert_int_equal(p->on.n, 2);
	assert_string_equal(p->image, "registry.example.com/tools/look:2");
	assert_int_equal(p->command.n, 3);
	assert_null(p->command.v[3]);
	assert_string_equal(p->env.v[1], "KEY=k1");
	assert_int_equal(p->retries, 3);
	assert_string_equal(p->volumes.v[0], "/srv/tools:/tools:ro");
	assert_string_equal(p->volumes.v[1], "/srv/cache:/cache:rw");
}

static void json_makes_the_same_pylon(void **state UNUSED)
{
	CLEANUP(one_fini) struct one o = {0};
	const struct pylon_config *p = read_pylon(&o,
		"{\"name\": \"c\", \"trigger\": {\"type\": \"webhook\", \"path\": \"/p\"},\n"
		" \"agent\": {\"type\": \"mock\", \"retries\": 2, \"read_only\": true}}\n");

	assert_string_equal(p->path, "/p");
	assert_int_equal(p->retries, 2);
	assert_true(p->read_only);
}

/* --- name --- */

static void name_is_that_of_the_folder(void **state UNUSED)
{
	expect_problems("description: x\n", "1:1: `name` is required; add: name: c");
	expect_problems("# nothing\n", "1:1: `name` is required; add: name: c");
	expect_problems("name: D\n",
		"1:7: `name` is `D`, but a pylon's name is 1-63 of a-z 0-9 . _ - "
		"and begins with a letter or digit");
	expect_problems("name: ../c\n",
		"1:7: `name` is `../c`, but a pylon's name is 1-63 of a-z 0-9 "
		". _ - and begins with a letter or digit");
	expect_problems("name: \"\"\n", "1:1: `name` is required; add: name: c");
	expect_problems("name: [c]\n", "1:7: `name` must be a text, not a list");
	expect_problems("", "1:1: is empty; it needs at least: name: c");
	expect_problems(" \n\t ", "1:1: is empty; it needs at least: name: c");
}

static void other_name_is_a_warning_and_the_folder_counts(void **state UNUSED)
{
	CLEANUP(one_fini) struct one o = {0};
	CLEANUP(freep) char *text = NULL;

	one_pylon(&o, "name: d\n");
	assert_non_null(o.pylon);
	assert_string_equal(o.pylon->name, "c");
	text = problems_text(&o.problems);
	assert_string_equal(text, "1:7: warning: `name` is `d`, but the folder is `c`, and that is "
				  "what counts");
}

static void name_of_digits_is_a_name(void **state UNUSED)
{
	CLEANUP(one_fini) struct one o = {0};
	CLEANUP(form_fini) struct form form = {0};
	struct pylon_text in = {"123", "pylon.yaml", SLICE_LIT("name: 123\n"), &o.env, &o.global};

	one_global(&o, "");
	o.pylon = pylon_parse(&in, &o.problems, &form);
	assert_non_null(o.pylon);
	assert_string_equal(o.pylon->name, "123");
}

/* --- rows of the older program --- */

static void old_files_that_were_fine_stay_fine(void **state UNUSED)
{
	static const char *const texts[] = {
		NAME "workspace: {type: git-clone}\n",
		NAME "workspace: {type: git-worktree, repo: ''}\n",
		NAME "agent: {env: {A: 1}}\n",
		NAME "channel: {type: stdout}\n",
		NAME "channel: {approval: true}\n",
		NAME "agent: {timeout: 0}\n",
		NAME "agent: {volumes: ['/h:/c', '/h2:/c2:ro', '/h:/c3:rw', '/etc/ssl:/x']}\n",
		NAME
		"workspace: {type: git-clone, repo: '{{ .body.repository.clone_url }}', ref: 1.0}\n",
		NAME "agent: {type: opencode, provider: openai}\n",
		NAME "agent: {auth: oauth}\n",
		NAME "workspace: {repo: 'git@github.com:o/r.git'}\n",
		NAME "trigger: {type: cron, cron: '0 9 * * 1', timezone: America/New_York}\n",
		"disabled: on\n" NAME,
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		expect_fine(texts[i]);
}

static void old_files_that_were_wrong_stay_wrong(void **state UNUSED)
{
	expect_problems(NAME "workspace:\n  type: docker\n",
		"3:9: `workspace.type` cannot be `docker`; it is one of: git-clone, git-worktree, local, "
		"none");
	expect_problems(NAME "agent:\n  type: gemini\n",
		"3:9: `agent.type` cannot be `gemini`; it is one of: claude, opencode, command, mock");
	expect_problems(NAME "channel:\n  type: irc\n",
		"3:9: `channel.type` cannot be `irc`; it is one of: stdout, webhook, telegram, slack, "
		"discord, email, ntfy");
	expect_problems(NAME "trigger:\n  type: cron\n",
		"3:9: `trigger.cron` or `trigger.schedule` is required; it says when");
	expect_problems("telegram: {}\nprompt: x\nzzzzz: 1\n" NAME,
		"1:1: unknown key `telegram`; it belongs under `channel`\n"
		"2:1: unknown key `prompt`; it belongs under `agent`\n"
		"3:1: unknown key `zzzzz`");
}

static void telegram_and_slack_need_their_sections(void **state UNUSED)
{
	expect_problems(NAME "channel:\n  type: telegram\n",
		"3:9: the channel is `telegram`, but there is no section `channel.telegram`");
	expect_problems(NAME "channel:\n  type: telegram\n  slack:\n    channel_id: C1\n",
		"3:9: the channel is `telegram`, but its section is `channel.slack`; one of the two is "
		"wrong");
	expect_problems(NAME "channel:\n  type: telegram\n  telegram:\n    chat_id: 1\n",
		"3:9: `channel.telegram.bot_token` is required");
	expect_problems(NAME "channel:\n  type: slack\n  slack:\n    channel_id: C1\n",
		"3:9: `channel.slack.app_token` is required\n"
		"3:9: `channel.slack.bot_token` is required");
	expect_problems(NAME "channel:\n  type: telegram\n  telegram:\n    bot_token: ${NOPE_X}\n",
		"5:16: `channel.telegram.bot_token` needs the variable NOPE_X, which is not set; add "
		"NOPE_X=... to /nonexistent-home/pylons/c/.env");
	expect_global_problems("defaults:\n  channel:\n    type: slack\n",
		"3:11: the channel is `slack`, but there is no section `defaults.channel.slack`");
}

/* --- webhooks --- */

static void webhook_needs_a_path(void **state UNUSED)
{
	expect_problems(NAME "trigger:\n  type: webhook\n",
		"3:9: `trigger.path` is required; it is where senders POST to");
	expect_problems(NAME "trigger:\n  type: webhook\n  path: \"\"\n",
		"3:9: `trigger.path` is required; it is where senders POST to");
}

static void path_must_be_free_for_webhooks(void **state UNUSED)
{
	static const char *const own[] = {"/", "/healthz", "/readyz", "/metrics", "/callback/",
		"/callback/x", "/hooks/x", "/trigger/x", "/api/", "/api/x/y", "/approve/x"};
	static const char *const good[] = {"/x", "/a/b", "/apix", "/api-x", "/healthz2", "/x/api/",
		"/a.b/..c", "/hook/", "/~u/a:b@c", "/metrics/x", "/hooks", "/callback", "/api"};
	static const struct {
		const char *path, *text;
	} bad[] = {
		{"hook", "must begin with `/`"},
		{"http://x/y", "must begin with `/`"},
		{"/a b", "may have letters, digits and -._~!$&'()*+,;=:@ between its slashes only"},
		{"/a?b", "may have letters, digits and -._~!$&'()*+,;=:@ between its slashes only"},
		{"/a%2e",
			"may have letters, digits and -._~!$&'()*+,;=:@ between its slashes only"},
		{"/a//b", "may not have empty or dotted parts"},
		{"/a/../b", "may not have empty or dotted parts"},
		{"/a/.", "may not have empty or dotted parts"},
	};

	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		CLEANUP(freep)
		char *yaml = xasprintf(NAME "trigger:\n  type: webhook\n  path: %s\n", own[i]);

		expect_problems(
			yaml, "4:9: `trigger.path` is one of Pylon's own paths; take another");
	}
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		CLEANUP(freep)
		char *yaml = xasprintf(NAME "trigger:\n  type: webhook\n  path: '%s'\n", good[i]);

		expect_fine(yaml);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CLEANUP(freep)
		char *yaml =
			xasprintf(NAME "trigger:\n  type: webhook\n  path: \"%s\"\n", bad[i].path);
		CLEANUP(freep) char *text = xasprintf("4:9: `trigger.path` %s", bad[i].text);

		expect_problems(yaml, text);
	}
}

static void path_without_a_type_is_a_warning(void **state UNUSED)
{
	expect_problems(NAME "trigger:\n  path: /p\n",
		"3:9: warning: `trigger.path` does nothing without `trigger.type: webhook`");
	expect_problems(NAME "trigger:\n  cron: '* * * * *'\n",
		"3:9: warning: `trigger.cron` does nothing without `trigger.type: cron`");
	expect_fine(NAME "trigger:\n  type: manual\n  path: /p\n");
}

static void body_limit_is_the_servers_unless_the_pylon_has_one(void **state UNUSED)
{
	CLEANUP(one_fini) struct one o = {0};

	one_global(&o, "server: {max_body: 3MiB}\n");
	one_pylon(&o, HOOK);
	assert_int_equal(o.pylon->max_body, MIB(3));
	one_pylon(&o, HOOK "  max_body: 4MiB\n");
	assert_int_equal(o.pylon->max_body, MIB(4));
}

/* --- what is not there yet --- */

static void features_of_later_versions_make_a_pylon_not_ready(void **state UNUSED)
{
	expect_reason(NAME "channel: {type: telegram, telegram: {bot_token: x}}\n",
		"telegram channels are not available in this version");
	expect_reason(
		NAME "channel: {type: ntfy}\n", "ntfy channels are not available in this version");
	expect_reason(NAME "channel: {type: webhook}\n", "channel.webhook.url is not set");
}

/* --- channels --- */

static void channel_is_the_default_one_unless_the_pylon_has_a_type(void **state UNUSED)
{
	static const char global[] = "defaults:\n  channel:\n    type: webhook\n    webhook:\n"
				     "      url: https://a/\n      headers: {X-A: '1'}\n";
	CLEANUP(one_fini) struct one o = {0};

	one_global(&o, global);
	one_pylon(&o, NAME);
	assert_int_equal(o.pylon->channel.type, CHANNEL_WEBHOOK);
	assert_string_equal(o.pylon->channel.url, "https://a/");
	assert_string_equal(o.pylon->channel.headers[0].value, "1");
	one_pylon(&o, NAME "channel: {type: stdout}\n");
	assert_int_equal(o.pylon->channel.type, CHANNEL_STDOUT);
	assert_null(o.pylon->channel.url);
	one_pylon(&o, NAME "channel: {type: webhook, webhook: {url: 'http://b'}}\n");
	assert_string_equal(o.pylon->channel.url, "http://b");
	assert_int_equal(o.pylon->channel.header_count, 0);
}

static void default_channel_that_cannot_send_is_its_users_reason(void **state UNUSED)
{
	CLEANUP(one_fini) struct one o = {0};

	one_global(&o, "defaults: {channel: {type: webhook}}\n");
	assert_non_null(o.config);
	one_pylon(&o, NAME);
	assert_string_equal(o.pylon->not_ready, "defaults.channel.webhook.url is not set");
	one_pylon(&o, NAME "channel: {type: stdout}\n");
	assert_null(o.pylon->not_ready);
}

static void section_without_a_channel_type_is_a_warning(void **state UNUSED)
{
	expect_problems(NAME "channel:\n  webhook:\n    url: http://x\n",
		"4:10: warning: `channel.webhook.url` does nothing without `channel.type`");
}

static void webhook_channel_is_checked(void **state UNUSED)
{
#define CHANNEL NAME "channel:\n  type: webhook\n  webhook:\n"
	expect_problems(CHANNEL "    url: ftp://x\n",
		"5:10: `channel.webhook.url` must begin with http:// or https://");
	expect_problems(CHANNEL "    url: https:///x\n", "5:10: `channel.webhook.url` has no host");
	expect_problems(CHANNEL "    url: http://x\n    secret: '!'\n",
		"6:13: `channel.webhook.secret` must be base64, after an optional whsec_ or whpk_");
	expect_problems(CHANNEL "    url: http://x\n    headers:\n      A(: x\n",
		"7:7: `channel.webhook.headers`: `A(` is not the name of a header");
	expect_problems(CHANNEL "    url: http://x\n    headers:\n      A: \"x\\ny\"\n",
		"7:7: `channel.webhook.headers`: the value of `A` has a line break or a control "
		"character");
#undef CHANNEL
}

static void states_to_tell_are_states_that_end_a_job(void **state UNUSED)
{
	static const char text[] =
		"`channel.on` may have completed, failed, timed_out, cancelled, lost, "
		"dismissed, expired and rejected in it";
	CLEANUP(freep) char *first = xasprintf("3:8: %s", text);
	CLEANUP(freep) char *second = xasprintf("3:16: %s", text);

	expect_fine(NAME "channel: {on: [completed, failed, timed_out, cancelled, lost, dismissed, "
			 "expired, rejected]}\n");
	expect_problems(NAME "channel:\n  on: [running]\n", first);
	expect_problems(NAME "channel:\n  on: [failed, done]\n", second);
}

/* --- agents --- */

static void image_is_the_pylons_then_the_types_then_our_own(void **state UNUSED)
{
	static const struct {
		const char *global, *agent, *image;
	} rows[] = {
		{"", "{type: mock}", "pylon/agent-mock"},
		{"", "{type: mock, image: my/mock}", "my/mock"},
		{"", "{type: opencode}", "pylon/agent-opencode"},
		{"{claude: {image: my/claude}}", "{}", "my/claude"},
		{"{claude: {image: my/claude}}", "{image: x:1}", "x:1"},
		{"{claude: {image: my/claude}}", "{type: opencode}", "pylon/agent-opencode"},
		{"{claude: {image: ghcr.io/pylonto/agent-claude}}", "{}", "pylon/agent-claude"},
		{"{claude: {image: pylon/agent-claude}}", "{}", "pylon/agent-claude"},
		{"{claude: {image: 'ghcr.io/pylonto/agent-claude:1.2'}}", "{}",
			"ghcr.io/pylonto/agent-claude:1.2"},
		{"{opencode: {image: ghcr.io/pylonto/agent-opencode}, type: opencode}", "{}",
			"pylon/agent-opencode"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(freep) char *global = xasprintf("defaults: {agent: %s}\n", rows[i].global);
		CLEANUP(freep) char *pylon = xasprintf(NAME "agent: %s\n", rows[i].agent);
		CLEANUP(one_fini) struct one o = {0};

		one_global(&o, global);
		one_pylon(&o, pylon);
		assert_string_equal(o.pylon->image, rows[i].image);
		assert_null(o.pylon->not_ready);
	}
}

static void command_agent_needs_image_and_command(void **state UNUSED)
{
	CLEANUP(one_fini) struct one o = {0};
	const struct pylon_config *p;

	expect_problems(NAME "agent:\n  type: command\n",
		"3:9: `agent.command` is required for a `command` agent\n"
		"3:9: `agent.image` is required for a `command` agent");
	expect_problems(NAME "agent:\n  type: command\n  image: x\n  command: ' '\n",
		"5:12: `agent.command` must be a command, not the text \" \"");
	expect_problems(NAME "agent:\n  type: command\n  image: x\n  command: []\n",
		"5:12: `agent.command` must begin with the program");
	expect_problems(NAME "agent:\n  command: x\n",
		"3:12: warning: `agent.command` does nothing without `agent.type: command`");
	p = read_pylon(&o, NAME "agent: {type: command, image: x, command: 'echo hi | cat'}\n");
	assert_int_equal(p->command.n, 3);
	assert_string_equal(p->command.v[0], "/bin/sh");
	assert_string_equal(p->command.v[1], "-c");
	assert_string_equal(p->command.v[2], "echo hi | cat");
}

static void agent_type_and_timeout_come_from_the_defaults(void **state UNUSED)
{
	CLEANUP(one_fini) struct one o = {0};

	one_global(&o, "defaults: {agent: {type: mock}}\ndocker: {default_timeout: 1h}\n");
	one_pylon(&o, NAME);
	assert_string_equal(o.pylon->agent_type, "mock");
	assert_int_equal(o.pylon->timeout_us, 3600 * US_PER_SEC);
	one_pylon(&o, NAME "agent: {type: opencode, timeout: 0}\n");
	assert_string_equal(o.pylon->agent_type, "opencode");
	assert_int_equal(o.pylon->timeout_us, 0);
}

static void limits_of_an_agent_have_bounds(void **state UNUSED)
{
	static const struct {
		const char *key;
		int64_t min, max;
	} rows[] = {{"pids", 1, 4194304}, {"retries", 0, 100}, {"max_concurrent", 0, 1000000}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const int64_t good[] = {rows[i].min, rows[i].min + 1, rows[i].max - 1, rows[i].max};
		const int64_t bad[] = {rows[i].min - 1, rows[i].max + 1};

		for (size_t k = 0; k < ARRAY_LEN(good); k++) {
			CLEANUP(freep)
			char *yaml = xasprintf(
				NAME "agent: {%s: %lld}\n", rows[i].key, (long long)good[k]);

			expect_fine(yaml);
		}
		for (size_t k = 0; k < ARRAY_LEN(bad); k++) {
			CLEANUP(freep)
			char *yaml = xasprintf(
				NAME "agent:\n  %s: %lld\n", rows[i].key, (long long)bad[k]);
			CLEANUP(freep)
			char *text = xasprintf("3:%zu: `agent.%s` must be between "
					       "%lld and %lld",
				strlen(rows[i].key) + 5, rows[i].key, (long long)rows[i].min,
				(long long)rows[i].max);

			expect_problems(yaml, text);
		}
	}
}

static void words_and_switches_of_the_container_are_read(void **state UNUSED)
{
	static const char *const networks[] = {"none", "bridge", "host"};
	CLEANUP(one_fini) struct one o = {0};

	for (size_t i = 0; i < ARRAY_LEN(networks); i++) {
		CLEANUP(freep) char *yaml = xasprintf(NAME "agent: {network: %s}\n", networks[i]);

		assert_string_equal(read_pylon(&o, yaml)->network, networks[i]);
	}
	assert_true(read_pylon(&o, NAME "agent: {read_only: yes}\n")->read_only);
	assert_false(read_pylon(&o, NAME "agent: {read_only: false}\n")->read_only);
}

static void memory_and_cpus_have_bounds(void **state UNUSED)
{
	static const struct {
		const char *line, *problem;
	} rows[] = {
		{"memory: 6291455", "3:11: `agent.memory` must be between 6MiB and 1024TiB"},
		{"memory: 6MiB", NULL},
		{"memory: 6291457", NULL},
		{"memory: 1125899906842623", NULL},
		{"memory: 1024TiB", NULL},
		{"memory: 1125899906842625",
			"3:11: `agent.memory` must be between 6MiB and 1024TiB"},
		{"cpus: 0.009", "3:9: `agent.cpus` must be between 0.01 and 1024"},
		{"cpus: 0.01", NULL},
		{"cpus: 0.011", NULL},
		{"cpus: 1023.999", NULL},
		{"cpus: 1024", NULL},
		{"cpus: 1024.001", "3:9: `agent.cpus` must be between 0.01 and 1024"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(freep) char *yaml = xasprintf(NAME "agent:\n  %s\n", rows[i].line);

		expect_problems(yaml, rows[i].problem ? rows[i].problem : "");
	}
}

/* --- workspaces and volumes --- */

static void workspace_with_a_repository_is_a_checkout(void **state UNUSED)
{
	static const struct {
		const char *workspace;
		enum workspace_type type;
		const char *repo, *ref;
	} rows[] = {
		{"{repo: 'git@github.com:o/r.git'}", WORKSPACE_GIT_CLONE, "git@github.com:o/r.git",
			"main"},
		{"{type: git-clone, repo: x, ref: '{{ .body.ref }}'}", WORKSPACE_GIT_CLONE, "x",
			"{{ .body.ref }}"},
		{"{type: git-worktree, repo: x, ref: v1}", WORKSPACE_GIT_WORKTREE, "x", "v1"},
		{"{type: git-worktree, repo: x, ref: ''}", WORKSPACE_GIT_WORKTREE, "x", "main"},
		{"{type: git-worktree}", WORKSPACE_NONE, NULL, NULL},
		{"{type: git-clone, repo: ' '}", WORKSPACE_NONE, NULL, NULL},
		{"{type: none, repo: x}", WORKSPACE_NONE, NULL, NULL},
		{"{type: local, path: /srv/code, repo: x}", WORKSPACE_LOCAL, NULL, NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(freep) char *yaml = xasprintf(NAME "workspace: %s\n", rows[i].workspace);
		CLEANUP(one_fini) struct one o = {0};
		const struct pylon_config *p = read_pylon(&o, yaml);

		assert_null(p->not_ready);
		assert_int_equal(p->workspace, rows[i].type);
		assert_int_equal(p->repo != NULL, rows[i].repo != NULL);
		assert_int_equal(p->ref != NULL, rows[i].ref != NULL);
		if (rows[i].repo)
			assert_string_equal(template_source(p->repo), rows[i].repo);
		if (rows[i].ref)
			assert_string_equal(template_source(p->ref), rows[i].ref);
	}
}

static void local_workspace_needs_a_safe_folder(void **state UNUSED)
{
	CLEANUP(one_fini) struct one o = {0};
	const struct pylon_config *p;

	expect_problems(NAME "workspace:\n  type: local\n",
		"3:9: `workspace.path` is required for a `local` workspace");
	expect_problems(NAME "workspace:\n  type: local\n  path: here\n",
		"4:9: `workspace.path` must be absolute or begin with ~/");
	expect_problems(NAME "workspace:\n  type: local\n  path: /etc\n",
		"4:9: `workspace.path` is a folder of the system and is never handed to an agent");
	p = read_pylon(&o, NAME "workspace: {type: local, path: /srv/./x/../code/}\n");
	assert_int_equal(p->workspace, WORKSPACE_LOCAL);
	assert_string_equal(p->workspace_path, "/srv/code");
}

static void every_bad_volume_is_told_at_its_place(void **state UNUSED)
{
	expect_problems(NAME
		"agent:\n  volumes:\n  - /h:/c\n  - relative:/p\n  - /x:/c\n  - /just\n",
		"5:5: volume `relative:/p`: the source must be absolute or begin with ~/\n"
		"6:5: volume `/x:/c`: another volume has this target\n"
		"7:5: volume `/just`: must be source:target[:ro|rw]");
}

/* --- several mistakes --- */

static void all_mistakes_are_told_in_the_order_of_the_file(void **state UNUSED)
{
	expect_problems(
		"agent:\n  retries: many\n  timeot: 5m\nworkspace:\n  type: locl\nname: [c]\n",
		"2:12: `agent.retries` must be a whole number without quotes, not `many`\n"
		"3:3: unknown key `timeot`; did you mean `timeout`?\n"
		"5:9: `workspace.type` cannot be `locl`; did you mean `local`?\n"
		"6:7: `name` must be a text, not a list");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(name_alone_is_a_pylon_with_all_defaults),
		cmocka_unit_test(full_example_is_read),
		cmocka_unit_test(json_makes_the_same_pylon),
		cmocka_unit_test(name_is_that_of_the_folder),
		cmocka_unit_test(other_name_is_a_warning_and_the_folder_counts),
		cmocka_unit_test(name_of_digits_is_a_name),
		cmocka_unit_test(old_files_that_were_fine_stay_fine),
		cmocka_unit_test(old_files_that_were_wrong_stay_wrong),
		cmocka_unit_test(telegram_and_slack_need_their_sections),
		cmocka_unit_test(webhook_needs_a_path),
		cmocka_unit_test(path_must_be_free_for_webhooks),
		cmocka_unit_test(path_without_a_type_is_a_warning),
		cmocka_unit_test(body_limit_is_the_servers_unless_the_pylon_has_one),
		cmocka_unit_test(features_of_later_versions_make_a_pylon_not_ready),
		cmocka_unit_test(channel_is_the_default_one_unless_the_pylon_has_a_type),
		cmocka_unit_test(default_channel_that_cannot_send_is_its_users_reason),
		cmocka_unit_test(section_without_a_channel_type_is_a_warning),
		cmocka_unit_test(webhook_channel_is_checked),
		cmocka_unit_test(states_to_tell_are_states_that_end_a_job),
		cmocka_unit_test(image_is_the_pylons_then_the_types_then_our_own),
		cmocka_unit_test(command_agent_needs_image_and_command),
		cmocka_unit_test(agent_type_and_timeout_come_from_the_defaults),
		cmocka_unit_test(limits_of_an_agent_have_bounds),
		cmocka_unit_test(words_and_switches_of_the_container_are_read),
		cmocka_unit_test(memory_and_cpus_have_bounds),
		cmocka_unit_test(workspace_with_a_repository_is_a_checkout),
		cmocka_unit_test(local_workspace_needs_a_safe_folder),
		cmocka_unit_test(every_bad_volume_is_told_at_its_place),
		cmocka_unit_test(all_mistakes_are_told_in_the_order_of_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
