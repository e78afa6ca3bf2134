/* SPDX-License-Identifier: MIT */
/*
 * tests/config/test_reload.c - the configuration read again while another one is at work: what is
 * taken over, what is kept, and what is told.
 */
#include <errno.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "config/home.h"
#include "lib/scratch.h"
#include "lib/t.h"

#define HOOK(name, path) "name: " name "\ntrigger:\n  type: webhook\n  path: " path "\n"

static void start(struct home *h)
{
	assert_true(home_load(h));
}

/* Reloads; the new configuration takes the place of the old one when there is one. */
static bool reload(struct home *h, bool take_global)
{
	struct config *new = NULL;
	struct err e = CLEAN_ERR;
	int rc;

	problems_fini(&h->problems);
	rc = config_reload(h->config, take_global, &new, &h->problems, &e);
	if (rc < 0) {
		assert_int_equal(rc, -EINVAL);
		assert_null(new);
		assert_true(problems_are_fatal(&h->problems));
		return false;
	}
	config_free(h->config);
	h->config = new;
	return true;
}

static void expect_restart(const struct home *h, const char *keys)
{
	CLEANUP(buf_fini) struct buf b = BUF_NULL;

	for (size_t i = 0; i < h->config->restart_needed.n; i++)
		buf_printf(&b, "%s%s", i ? " " : "", h->config->restart_needed.v[i]);
	assert_string_equal(buf_str(&b), keys);
}

/* --- pylons --- */

static void pylons_are_read_anew(void **state)
{
	struct home *h = *state;
	CLEANUP(freep) char *gone = home_at(h, "pylons/gone");
	struct err e = CLEAN_ERR;

	home_write(h, "pylons/gone/pylon.yaml", HOOK("gone", "/gone"));
	home_write(h, "pylons/a/pylon.yaml", HOOK("a", "/a"));
	home_write(h, "pylons/b/pylon.yaml", HOOK("b", "/b"));
	start(h);
	home_write(h, "pylons/a/pylon.yaml", HOOK("a", "/a2"));
	home_write(h, "pylons/b/pylon.yaml", "name: b\ntrigger: [\n");
	home_write(h, "pylons/c/pylon.yaml", HOOK("c", "/c"));
	assert_int_equal(tree_remove(gone, &e), 0);
	assert_true(reload(h, false));
	assert_int_equal(h->config->pylon_count, 2);
	assert_string_equal(home_pylon(h, "a")->path, "/a2");
	assert_string_equal(home_pylon(h, "c")->path, "/c");
	assert_int_equal(h->config->broken.n, 1);
	assert_string_equal(h->config->broken.v[0], "b");
	expect_restart(h, "");
}

static void reload_of_nothing_new_changes_no_digest(void **state)
{
	struct home *h = *state;
	CLEANUP(freep) char *digest = NULL;

	home_write(h, "config.yaml", "server: {port: 9}\n");
	home_write(h, "pylons/a/pylon.yaml", HOOK("a", "/a"));
	start(h);
	digest = xstrdup(home_pylon(h, "a")->digest);
	for (int take = 0; take <= 1; take++) {
		assert_true(reload(h, take));
		assert_string_equal(home_pylon(h, "a")->digest, digest);
		expect_restart(h, "");
		assert_int_equal(h->problems.n, 0);
	}
}

static void env_files_are_read_anew(void **state)
{
	struct home *h = *state;

	home_write(h, ".env", "A=1\nB=1\n");
	home_write(h, "config.yaml",
		"defaults: {channel: {type: webhook, webhook: {url: 'http://h/$A'}}}\n");
	home_write(h, "pylons/a/.env", "C=1\n");
	home_write(h, "pylons/a/pylon.yaml", "name: a\nagent: {env: {B: $B, C: $C}}\n");
	start(h);
	home_write(h, ".env", "A=2\nB=2\n");
	home_write(h, "pylons/a/.env", "C=2\n");
	assert_true(reload(h, false));
	assert_string_equal(home_pylon(h, "a")->env.v[0], "B=2");
	assert_string_equal(home_pylon(h, "a")->env.v[1], "C=2");
	assert_string_equal(home_pylon(h, "a")->channel.url, "http://h/2");
	expect_restart(h, "");
}

/* --- config.yaml with the pylons alone --- */

static void pylons_stand_on_the_config_at_work(void **state)
{
	struct home *h = *state;

	home_write(h, "config.yaml", "server: {max_body: 2MiB}\nlog: {level: warn}\n");
	home_write(h, "pylons/a/pylon.yaml", HOOK("a", "/a"));
	start(h);
	home_write(h, "config.yaml",
		"server: {max_body: 3MiB, port: 9}\nlog: {level: debug}\ndefaults: {agent: {type: "
		"mock}}\n");
	assert_true(reload(h, false));
	assert_int_equal(home_pylon(h, "a")->max_body, MIB(2));
	assert_string_equal(home_pylon(h, "a")->agent_type, "claude");
	assert_int_equal(h->config->log_level, LOG_LEVEL_WARN);
	assert_int_equal(h->config->port, 8080);
	expect_restart(h, "server.port server.max_body defaults.agent.type log.level");
	/* And again, on what that left behind. */
	assert_true(reload(h, false));
	assert_int_equal(home_pylon(h, "a")->max_body, MIB(2));
	expect_restart(h, "server.port server.max_body defaults.agent.type log.level");
}

static void every_kind_of_value_can_differ(void **state)
{
#define CHANNEL(url, header, user, token)                                                          \
	"defaults:\n  channel:\n    type: webhook\n    webhook:\n      url: " url                  \
	"\n      headers: {X-A: " header "}\n    telegram: {allowed_users: [" user                 \
	"]}\n    discord: {token: " token "}\n"
	static const struct {
		const char *yaml, *keys;
	} rows[] = {
		{CHANNEL("http://a", "1", "1", "a"), ""},
		{"# moved\n" CHANNEL("'http://a'", "'1'", "\"1\"", "a"), ""},
		{CHANNEL("http://b", "1", "1", "a"), "defaults.channel.webhook.url"},
		{CHANNEL("http://a", "2", "1", "a"), "defaults.channel.webhook.headers"},
		{CHANNEL("http://a", "1", "2", "a"), "defaults.channel.telegram.allowed_users"},
		{CHANNEL("http://a", "1", "1", "b"), "defaults.channel.discord"},
		{"", "defaults.channel.type defaults.channel.webhook.url "
		     "defaults.channel.webhook.headers defaults.channel.telegram.allowed_users "
		     "defaults.channel.discord"},
	};
	struct home *h = *state;

	home_write(h, "config.yaml", rows[0].yaml);
	start(h);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		home_write(h, "config.yaml", rows[i].yaml);
		assert_true(reload(h, false));
		expect_restart(h, rows[i].keys);
	}
#undef CHANNEL
}

static void broken_config_does_not_stop_the_pylons(void **state)
{
	struct home *h = *state;

	home_write(h, "config.yaml", "server: {max_body: 2MiB}\n");
	start(h);
	home_write(h, "config.yaml", "server:\n  port: x\n");
	home_write(h, "pylons/a/pylon.yaml", HOOK("a", "/a"));
	assert_true(reload(h, false));
	assert_int_equal(home_pylon(h, "a")->max_body, MIB(2));
	assert_int_equal(h->problems.n, 1);
	assert_false(problems_are_fatal(&h->problems));
	home_expect(h, 0,
		"config.yaml:2:9: warning: `server.port` must be a whole number without quotes, not "
		"`x`");
	expect_restart(h, "");
	home_write(h, "config.json", "{}\n");
	assert_true(reload(h, false));
	home_expect(h, 0, "config.json:1:1: warning: stands beside config.yaml; keep one of them");
}

static void config_that_is_gone_does_not_stop_the_pylons(void **state)
{
	struct home *h = *state;
	CLEANUP(freep) char *path = home_at(h, "config.yaml");

	home_write(h, "config.yaml", "server: {max_body: 2MiB}\n");
	home_write(h, "pylons/a/pylon.yaml", HOOK("a", "/a"));
	start(h);
	assert_int_equal(unlink(path), 0);
	assert_true(reload(h, false));
	assert_int_equal(home_pylon(h, "a")->max_body, MIB(2));
	expect_restart(h, "server.max_body");
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_true(reload(h, false));
	assert_int_equal(home_pylon(h, "a")->max_body, MIB(2));
	home_expect(h, 0, "config.yaml:1:1: warning: is a FIFO; a file is needed");
}

/* --- config.yaml taken over --- */

static void live_keys_are_taken_over_and_the_others_stay(void **state)
{
	struct home *h = *state;
	const struct config *c;

	home_write(h, ".env", "T=token1\n");
	home_write(h, "config.yaml", "server: {host: 127.0.0.1, port: 1, api_token: $T}\n");
	home_write(h, "pylons/a/pylon.yaml", HOOK("a", "/a"));
	start(h);
	home_write(h, "config.yaml",
		"server: {host: 127.0.0.2, port: 2, api_token: $T, max_body: 3MiB,\n"
		"  public_url: 'https://x'}\n"
		"docker: {host: /d.sock, max_concurrent: 7, default_timeout: 1h, when_full: queue,\n"
		"  queue_limit: 5, max_starting: 77}\n"
		"retention: {jobs: 1d, logs: 2d, workspaces: 3d, dedupe: 4d}\n"
		"daemon: {on_stop: stop, grace: 9s, max_background: 3, ipc: {socketPath: /x}}\n"
		"dashboard: {listen: 'x:1'}\n"
		"log: {format: json, level: debug}\n"
		"defaults: {agent: {type: mock}}\n");
	assert_true(reload(h, true));
	c = h->config;
	assert_string_equal(c->host, "127.0.0.1");
	assert_int_equal(c->port, 1);
	assert_string_equal(c->api_token, "token1");
	assert_null(c->docker_host);
	assert_int_not_equal(c->max_starting, 77);
	assert_string_equal(c->public_url, "https://x");
	assert_int_equal(c->max_concurrent, 7);
	assert_int_equal(c->when_full, WHEN_FULL_QUEUE);
	assert_int_equal(c->queue_limit, 5);
	assert_int_equal(c->retention_dedupe_us / US_PER_SEC, 4 * 86400);
	assert_int_equal(c->on_stop, ON_STOP_STOP);
	assert_int_equal(c->grace_us, 9 * US_PER_SEC);
	assert_int_equal(c->max_background, 3);
	assert_int_equal(c->log_format, LOG_FORMAT_JSON);
	assert_int_equal(c->log_level, LOG_LEVEL_DEBUG);
	assert_string_equal(home_pylon(h, "a")->agent_type, "mock");
	assert_int_equal(home_pylon(h, "a")->max_body, MIB(3));
	assert_int_equal(home_pylon(h, "a")->timeout_us, 3600 * US_PER_SEC);
	expect_restart(h,
		"server.host server.port docker.host docker.max_starting daemon.ipc.socketPath "
		"dashboard.listen");
}

static void what_waits_for_a_restart_is_not_forgotten(void **state)
{
	struct home *h = *state;

	home_write(h, "config.yaml", "server: {port: 1}\n");
	start(h);
	home_write(h, "config.yaml", "server: {port: 2}\nlog: {level: debug}\n");
	assert_true(reload(h, true));
	for (int take = 0; take <= 1; take++) {
		assert_true(reload(h, take));
		assert_int_equal(h->config->port, 1);
		assert_int_equal(h->config->log_level, LOG_LEVEL_DEBUG);
		expect_restart(h, "server.port");
	}
	home_write(h, "config.yaml", "server: {port: 1}\nlog: {level: debug}\n");
	assert_true(reload(h, true));
	expect_restart(h, "");
}

static void token_stays_and_its_change_is_named_but_not_told(void **state)
{
	struct home *h = *state;

	home_write(h, ".env", "T=token1\n");
	home_write(h, "config.yaml", "server: {api_token: $T}\n");
	start(h);
	home_write(h, ".env", "T=token2\n");
	for (int take = 0; take <= 1; take++) {
		assert_true(reload(h, take));
		assert_string_equal(h->config->api_token, "token1");
		expect_restart(h, "server.api_token");
		assert_int_equal(h->problems.n, 0);
	}
	home_write(h, "config.yaml", "server: {api_token: token1}\n");
	assert_true(reload(h, true));
	expect_restart(h, "");
	home_write(h, "config.yaml", "server: {}\n");
	assert_true(reload(h, true));
	assert_string_equal(h->config->api_token, "token1");
	expect_restart(h, "server.api_token");
}

static void bad_config_is_not_taken_over(void **state)
{
	struct home *h = *state;
	const struct config *running;

	home_write(h, "config.yaml", "log: {level: warn}\n");
	home_write(h, "pylons/a/pylon.yaml", HOOK("a", "/a"));
	start(h);
	running = h->config;
	home_write(h, "config.yaml", "log:\n  level: loud\n");
	home_write(h, "pylons/a/pylon.yaml", HOOK("a", "/a2"));
	assert_false(reload(h, true));
	assert_ptr_equal(h->config, running);
	assert_string_equal(home_pylon(h, "a")->path, "/a");
	assert_int_equal(h->problems.n, 1);
	home_expect(h, 0,
		"config.yaml:2:10: `log.level` cannot be `loud`; it is one of: error, warn, info, debug");
	home_write(h, "config.yaml", "log: {level: debug}\n");
	home_write(h, "config.json", "{}\n");
	assert_false(reload(h, true));
	home_expect(h, 0, "config.json:1:1: stands beside config.yaml; keep one of them");
}

static void json_takes_over_from_yaml(void **state)
{
	struct home *h = *state;
	CLEANUP(freep) char *yaml = home_at(h, "config.yaml");

	home_write(h, "config.yaml", "log: {level: warn}\n");
	start(h);
	assert_string_equal(h->config->global_name, "config.yaml");
	assert_int_equal(unlink(yaml), 0);
	home_write(h, "config.json", "{\"log\": {\"level\": \"debug\"}}\n");
	assert_true(reload(h, true));
	assert_string_equal(h->config->global_name, "config.json");
	assert_int_equal(h->config->log_level, LOG_LEVEL_DEBUG);
}

static void warnings_of_a_config_are_told_once(void **state)
{
	struct home *h = *state;

	home_write(h, "config.yaml", "defaults: {agent: {claude: {oauth_path: x}}}\n");
	start(h);
	for (int take = 0; take <= 1; take++) {
		assert_true(reload(h, take));
		assert_int_equal(h->problems.n, 1);
		home_expect(h, 0,
			"config.yaml:1:41: warning: `defaults.agent.claude.oauth_path` is ignored; "
			"remove it");
	}
}

/* --- what cannot be read at all --- */

static void env_that_cannot_be_read_stops_the_reload(void **state)
{
	struct home *h = *state;
	CLEANUP(freep) char *env = home_at(h, ".env");

	start(h);
	assert_int_equal(mkfifo(env, 0600), 0);
	assert_false(reload(h, false));
	home_expect(h, 0, ".env:1:1: is a FIFO; a file is needed");
	assert_false(reload(h, true));
}

static void variable_that_is_gone_stops_the_reload(void **state)
{
	struct home *h = *state;

	home_write(h, ".env", "A=1\n");
	home_write(h, "config.yaml",
		"defaults: {channel: {type: webhook, webhook: {url: 'http://h/$A'}}}\n");
	start(h);
	home_write(h, ".env", "");
	assert_false(reload(h, false));
	assert_false(reload(h, true));
}

/* Whatever takes the place of a pylon.yaml: broken with a problem, at once, and never "no pylon".
 */
static void half_written_and_foreign_files_are_broken_pylons(void **state)
{
	static const struct {
		const char *text, *problem;
	} rows[] = {
		{"", "1:1: is empty; it needs at least: name: a"},
		{"\n \t\n", "1:1: is empty; it needs at least: name: a"},
		{"# not yet", "1:1: `name` is required; add: name: a"},
		{"name", "1:1: this file must be lines of `key: value`"},
		{"name: a\ntrigger:\n  type: webh",
			"3:9: `trigger.type` cannot be `webh`; it is one of: webhook, cron, manual"},
		{"name: a\ntrigger:\n  type",
			"3:3: `trigger` must be a section: keys on indented lines"},
		{"name: a\ntrigger: {type: webhook,",
			"3:1: did not find expected node content; something is missing before this"},
		{"name: a\nagent: {prompt: 'x",
			"2:19: found unexpected end of stream; the closing quote is missing"},
		{"\x7f"
		 "ELF\x02\x01",
			"1:1: this byte may not be in a text file (control characters are "
			"not allowed)"},
		{"name: a\nagent: {prompt: \"\xff\xfe\"}\n",
			"2:18: this byte may not be in a text file (invalid leading UTF-8 octet)"},
	};
	struct home *h = *state;

	home_write(h, "pylons/a/pylon.yaml", HOOK("a", "/a"));
	home_write(h, "pylons/b/pylon.yaml", HOOK("b", "/b"));
	start(h);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(buf_fini) struct buf text = BUF_NULL;

		home_write(h, "pylons/a/pylon.yaml", rows[i].text);
		assert_true(reload(h, false));
		assert_int_equal(h->config->pylon_count, 1);
		assert_int_equal(h->config->broken.n, 1);
		config_pylon_problem(&text, &h->problems, "a");
		assert_string_equal(buf_str(&text), rows[i].problem);
	}
}

static void ten_megabytes_are_refused_without_being_read(void **state)
{
	struct home *h = *state;
	CLEANUP(freep) char *path = home_at(h, "pylons/a/pylon.yaml");
	CLEANUP(buf_fini) struct buf text = BUF_NULL;

	home_write(h, "pylons/a/pylon.yaml", "name: a\n");
	start(h);
	assert_int_equal(truncate(path, 10 << 20), 0);
	assert_true(reload(h, false));
	config_pylon_problem(&text, &h->problems, "a");
	assert_string_equal(buf_str(&text), "1:1: is larger than 256 KiB");
	assert_string_equal(h->config->broken.v[0], "a");
}

static void reload_without_rights(void *ctx)
{
	struct home *h = ctx;

	CHILD_CHECK(home_load(h));
	CHILD_CHECK(reload(h, false));
	CHILD_CHECK(h->config->pylon_count == 0 && h->config->broken.n == 1);
	CHILD_CHECK(str_eq(h->problems.v[0].text, "cannot be read: Permission denied"));
}

static void folder_that_may_not_be_entered_is_a_broken_pylon(void **state)
{
	struct home *h = *state;
	CLEANUP(freep) char *folder = home_at(h, "pylons/a");
	CLEANUP(freep) char *pylons = home_at(h, "pylons");

	home_write(h, "pylons/a/pylon.yaml", "name: a\n");
	assert_int_equal(chmod(folder, 0), 0);
	assert_int_equal(chmod(pylons, 0755), 0);
	assert_int_equal(chmod(h->path, 0755), 0);
	assert_int_equal(chmod(h->dir, 0755), 0);
	assert_int_equal(scratch_fork_unprivileged(reload_without_rights, h), 0);
	assert_int_equal(chmod(folder, 0700), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, home_setup, home_teardown)
	const struct CMUnitTest tests[] = {
		TEST(pylons_are_read_anew),
		TEST(reload_of_nothing_new_changes_no_digest),
		TEST(env_files_are_read_anew),
		TEST(pylons_stand_on_the_config_at_work),
		TEST(every_kind_of_value_can_differ),
		TEST(broken_config_does_not_stop_the_pylons),
		TEST(config_that_is_gone_does_not_stop_the_pylons),
		TEST(live_keys_are_taken_over_and_the_others_stay),
		TEST(what_waits_for_a_restart_is_not_forgotten),
		TEST(token_stays_and_its_change_is_named_but_not_told),
		TEST(bad_config_is_not_taken_over),
		TEST(json_takes_over_from_yaml),
		TEST(warnings_of_a_config_are_told_once),
		TEST(env_that_cannot_be_read_stops_the_reload),
		TEST(variable_that_is_gone_stops_the_reload),
		TEST(half_written_and_foreign_files_are_broken_pylons),
		TEST(ten_megabytes_are_refused_without_being_read),
		TEST(folder_that_may_not_be_entered_is_a_broken_pylon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
