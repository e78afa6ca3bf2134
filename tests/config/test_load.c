/* SPDX-License-Identifier: MIT */
#include <sys/stat.h>

#include "base/limits.h"
#include "config/home.h"
#include "lib/scratch.h"
#include "lib/t.h"

#define HOOK(name, path) "name: " name "\ntrigger:\n  type: webhook\n  path: " path "\n"

static void load(struct home *h)
{
	if (!home_load(h)) {
		CLEANUP(buf_fini) struct buf line = BUF_NULL;

		problem_print(&line, &h->problems.v[0]);
		fail_msg("unusable: %s", buf_str(&line));
	}
}

static void expect_unusable(struct home *h, const char *text)
{
	assert_false(home_load(h));
	assert_null(h->config);
	assert_true(problems_are_fatal(&h->problems));
	assert_int_equal(h->problems.n, 1);
	home_expect(h, 0, text);
}

/* --- what is read --- */

static void home_without_anything_is_all_defaults(void **state)
{
	struct home *h = *state;
	const struct config *c;

	load(h);
	c = h->config;
	assert_int_equal(h->problems.n, 0);
	assert_string_equal(c->home, h->path);
	assert_string_equal(c->host, "0.0.0.0");
	assert_int_equal(c->port, 8080);
	assert_null(c->public_url);
	assert_null(c->api_token);
	assert_null(c->docker_host);
	assert_int_equal(c->max_concurrent, 3);
	assert_int_equal(c->when_full, WHEN_FULL_REJECT);
	assert_int_equal(c->queue_limit, 1000);
	assert_true(c->max_starting >= 1);
	assert_null(c->base_image);
	assert_int_equal(c->retention_jobs_us / US_PER_SEC, 90 * 86400);
	assert_int_equal(c->retention_logs_us / US_PER_SEC, 30 * 86400);
	assert_int_equal(c->retention_workspaces_us / US_PER_SEC, 7 * 86400);
	assert_int_equal(c->retention_dedupe_us / US_PER_SEC, 7 * 86400);
	assert_int_equal(c->on_stop, ON_STOP_DETACH);
	assert_int_equal(c->grace_us, 30 * US_PER_SEC);
	assert_int_equal(c->log_format, LOG_FORMAT_AUTO);
	assert_int_equal(c->log_level, LOG_LEVEL_INFO);
	assert_int_equal(c->pylon_count, 0);
	assert_int_equal(c->broken.n, 0);
}

static void home_that_does_not_exist_is_all_defaults(void **state)
{
	struct home *h = *state;

	free(h->path);
	h->path = xasprintf("%s/nowhere", h->dir);
	load(h);
	assert_int_equal(h->config->port, 8080);
}

static const char everything[] = "version: 1\n"
				 "server:\n"
				 "  host: 127.0.0.1\n"
				 "  port: 9090\n"
				 "  public_url: https://pylon.example.com\n"
				 "  api_token: ${API_TOKEN}\n"
				 "  max_body: 2MiB\n"
				 "docker:\n"
				 "  host: unix:///srv/docker.sock\n"
				 "  max_concurrent: 6\n"
				 "  default_timeout: 20m\n"
				 "  when_full: queue\n"
				 "  queue_limit: 50\n"
				 "  max_starting: 4\n"
				 "defaults:\n"
				 "  timezone: Europe/Berlin\n"
				 "  channel:\n"
				 "    type: telegram\n"
				 "    telegram:\n"
				 "      bot_token: ${TELEGRAM_BOT_TOKEN}\n"
				 "      chat_id: -100123\n"
				 "      allowed_users: [1, 2]\n"
				 "    slack:\n"
				 "      bot_token: xoxb-1\n"
				 "      app_token: xapp-1\n"
				 "      channel_id: C1\n"
				 "      allowed_users: [U1]\n"
				 "  agent:\n"
				 "    type: opencode\n"
				 "    claude:\n"
				 "      image: ghcr.io/pylonto/agent-claude\n"
				 "      auth: oauth\n"
				 "    opencode:\n"
				 "      image: ghcr.io/pylonto/agent-opencode\n"
				 "      auth: none\n"
				 "      provider: anthropic\n"
				 "agent:\n"
				 "  base_image: registry.example.com/debian:13\n"
				 "retention:\n"
				 "  jobs: 10d\n"
				 "  logs: 9d\n"
				 "  workspaces: 8d\n"
				 "  dedupe: 1d\n"
				 "daemon:\n"
				 "  on_stop: stop\n"
				 "  grace: 45s\n"
				 "  max_background: 4\n"
				 "  ipc:\n"
				 "    socketPath: /run/user/1/pylon.sock\n"
				 "dashboard:\n"
				 "  listen: 127.0.0.1:9000\n"
				 "log:\n"
				 "  format: json\n"
				 "  level: debug\n";

static void full_example_is_read(void **state)
{
	struct home *h = *state;
	const struct config *c;

	home_write(h, "config.yaml", everything);
	home_write(h, ".env", "API_TOKEN=t1\nTELEGRAM_BOT_TOKEN=1:a\n");
	load(h);
	c = h->config;
	assert_int_equal(h->problems.n, 0);
	assert_string_equal(c->host, "127.0.0.1");
	assert_int_equal(c->port, 9090);
	assert_string_equal(c->public_url, "https://pylon.example.com");
	assert_string_equal(c->api_token, "t1");
	assert_string_equal(c->docker_host, "/srv/docker.sock");
	assert_int_equal(c->max_concurrent, 6);
	assert_int_equal(c->when_full, WHEN_FULL_QUEUE);
	assert_int_equal(c->queue_limit, 50);
	assert_int_equal(c->max_starting, 4);
	assert_string_equal(c->base_image, "registry.example.com/debian:13");
	assert_int_equal(c->retention_jobs_us / US_PER_SEC, 10 * 86400);
	assert_int_equal(c->retention_logs_us / US_PER_SEC, 9 * 86400);
	assert_int_equal(c->retention_workspaces_us / US_PER_SEC, 8 * 86400);
	assert_int_equal(c->retention_dedupe_us / US_PER_SEC, 86400);
	assert_int_equal(c->on_stop, ON_STOP_STOP);
	assert_int_equal(c->grace_us, 45 * US_PER_SEC);
	assert_int_equal(c->log_format, LOG_FORMAT_JSON);
	assert_int_equal(c->log_level, LOG_LEVEL_DEBUG);
}

static void every_word_of_the_log_settings_is_its_own_value(void **state)
{
	static const struct {
		const char *yaml;
		enum log_format format;
		enum log_level level;
	} rows[] = {
		{"log: {format: auto, level: error}\n", LOG_FORMAT_AUTO, LOG_LEVEL_ERROR},
		{"log: {format: text, level: warn}\n", LOG_FORMAT_TEXT, LOG_LEVEL_WARN},
		{"log: {format: systemd, level: info}\n", LOG_FORMAT_SYSTEMD, LOG_LEVEL_INFO},
		{"log: {format: json, level: debug}\n", LOG_FORMAT_JSON, LOG_LEVEL_DEBUG},
	};
	struct home *h = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		home_write(h, "config.yaml", rows[i].yaml);
		load(h);
		assert_int_equal(h->config->log_format, rows[i].format);
		assert_int_equal(h->config->log_level, rows[i].level);
	}
}

static void config_json_takes_the_place_of_config_yaml(void **state)
{
	struct home *h = *state;

	home_write(h, "config.json", "{\n\t\"server\": {\"port\": 9091},\n\t\"daemon\": {}\n}\n");
	load(h);
	assert_int_equal(h->config->port, 9091);
	home_write(h, "config.yaml", "server: {port: 9092}\n");
	expect_unusable(h, "config.json:1:1: stands beside config.yaml; keep one of them");
}

static void empty_config_is_all_defaults_with_a_warning(void **state)
{
	struct home *h = *state;

	home_write(h, "config.yaml", "\n \n");
	load(h);
	assert_int_equal(h->config->port, 8080);
	home_expect(h, 0, "config.yaml:1:1: warning: is empty; everything is as by default");
	home_write(h, "config.yaml", "# nothing yet\n");
	load(h);
	assert_int_equal(h->problems.n, 0);
}

static void pylons_are_sorted_by_name(void **state)
{
	struct home *h = *state;

	home_write(h, "pylons/zeta/pylon.yaml", "name: zeta\n");
	home_write(h, "pylons/b.2/pylon.yaml", "name: b.2\n");
	home_write(h, "pylons/alpha/pylon.yaml", "name: alpha\n");
	load(h);
	assert_int_equal(h->config->pylon_count, 3);
	assert_string_equal(h->config->pylons[0]->name, "alpha");
	assert_string_equal(h->config->pylons[1]->name, "b.2");
	assert_string_equal(h->config->pylons[2]->name, "zeta");
	assert_ptr_equal(config_pylon(h->config, "b.2"), h->config->pylons[1]);
	assert_null(config_pylon(h->config, "b"));
}

static void folder_without_a_pylon_yaml_is_no_pylon(void **state)
{
	struct home *h = *state;

	home_write(h, "pylons/notes/README", "x");
	home_write(h, "pylons/.lock", "1");
	home_write(h, "pylons/a/pylon.yaml", "name: a\n");
	load(h);
	assert_int_equal(h->config->pylon_count, 1);
	assert_int_equal(h->config->broken.n, 0);
	assert_int_equal(h->problems.n, 0);
}

static void pylon_reads_its_own_env_before_the_homes(void **state)
{
	struct home *h = *state;

	home_write(h, ".env", "A=home\nB=home\n");
	home_write(h, "pylons/a/.env", "A=own\n");
	home_write(h, "pylons/a/pylon.yaml", "name: a\nagent: {env: {A: $A, B: $B}}\n");
	home_write(h, "pylons/b/pylon.yaml", "name: b\nagent: {env: {A: $A}}\n");
	load(h);
	assert_string_equal(home_pylon(h, "a")->env.v[0], "A=own");
	assert_string_equal(home_pylon(h, "a")->env.v[1], "B=home");
	assert_string_equal(home_pylon(h, "b")->env.v[0], "A=home");
}

static void missing_variable_names_the_pylons_own_file(void **state)
{
	struct home *h = *state;
	CLEANUP(freep) char *text = NULL;

	home_write(h, "pylons/a/pylon.yaml", "name: a\nagent:\n  api_key: ${NOT_SET_X}\n");
	load(h);
	text = xasprintf(
		"pylons/a/pylon.yaml:3:12: `agent.api_key` needs the variable NOT_SET_X, which "
		"is not set; add NOT_SET_X=... to %s/pylons/a/.env",
		h->path);
	home_expect(h, 0, text);
}

/* --- broken pylons --- */

static void broken_pylon_leaves_the_others_alone(void **state)
{
	struct home *h = *state;

	home_write(h, "pylons/a/pylon.yaml", HOOK("a", "/a"));
	home_write(h, "pylons/b/pylon.yaml", "name: b\n  bad: [\n");
	home_write(h, "pylons/c/pylon.yaml", HOOK("c", "/c"));
	home_write(h, "pylons/d/pylon.yaml", "name: D\n");
	load(h);
	assert_int_equal(h->config->pylon_count, 2);
	assert_int_equal(h->config->broken.n, 2);
	assert_string_equal(h->config->broken.v[0], "b");
	assert_string_equal(h->config->broken.v[1], "d");
	assert_int_equal(h->problems.n, 2);
	home_expect(h, 0,
		"pylons/b/pylon.yaml:2:6: mapping values are not allowed in this context; a text with "
		"a colon and a blank in it must be in quotes");
	home_expect(h, 1,
		"pylons/d/pylon.yaml:1:7: `name` is `D`, but a pylon's name is 1-63 of a-z 0-9 . _ - "
		"and begins with a letter or digit");
}

static void folder_with_an_invalid_name_is_a_broken_pylon(void **state)
{
	struct home *h = *state;

	home_write(h, "pylons/My Pylon/pylon.yaml", "name: My Pylon\n");
	load(h);
	assert_string_equal(h->config->broken.v[0], "My Pylon");
	home_expect(h, 0,
		"pylons/My Pylon/pylon.yaml:1:7: a pylon's name is 1-63 of a-z 0-9 . _ - and begins with "
		"a letter or digit; rename its folder");
}

static void pylons_with_one_path_are_all_broken(void **state)
{
	struct home *h = *state;

	home_write(h, "pylons/c/pylon.yaml", HOOK("c", "/x"));
	home_write(h, "pylons/a/pylon.yaml", HOOK("a", "/x"));
	home_write(h, "pylons/b/pylon.yaml", HOOK("b", "/y"));
	load(h);
	assert_int_equal(h->config->pylon_count, 1);
	assert_string_equal(h->config->pylons[0]->name, "b");
	assert_int_equal(h->config->broken.n, 2);
	assert_string_equal(h->config->broken.v[0], "a");
	assert_string_equal(h->config->broken.v[1], "c");
	assert_int_equal(h->problems.n, 2);
	home_expect(h, 0,
		"pylons/a/pylon.yaml:4:9: `trigger.path` /x is that of the pylon `c`, too; change or "
		"disable one of them");
	home_expect(h, 1,
		"pylons/c/pylon.yaml:4:9: `trigger.path` /x is that of the pylon `a`, too; change or "
		"disable one of them");
}

static void broken_pylons_are_sorted_whatever_broke_them(void **state)
{
	static const char *const names[] = {"a", "b", "c", "d", "e"};
	struct home *h = *state;

	home_write(h, "pylons/a/pylon.yaml", HOOK("a", "/x"));
	home_write(h, "pylons/b/pylon.yaml", "name: [\n");
	home_write(h, "pylons/c/pylon.yaml", HOOK("c", "/x"));
	home_write(h, "pylons/d/pylon.yaml", "name: [\n");
	home_write(h, "pylons/e/pylon.yaml", HOOK("e", "/x"));
	load(h);
	assert_int_equal(h->config->pylon_count, 0);
	assert_int_equal(h->config->broken.n, ARRAY_LEN(names));
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_string_equal(h->config->broken.v[i], names[i]);
}

/* --- who owns it, and what it was made of --- */

static void pylon_outlives_its_snapshot(void **state)
{
	struct home *h = *state;
	struct pylon_config *p;

	home_write(h, "pylons/a/pylon.yaml", HOOK("a", "/x"));
	load(h);
	p = pylon_config_ref(h->config->pylons[0]);
	config_free(h->config);
	h->config = NULL;
	assert_string_equal(p->path, "/x");
	pylon_config_unref(p);
	pylon_config_unref(NULL);
}

static void digest_changes_with_every_text_that_counts(void **state)
{
	static const struct {
		const char *file, *text;
		bool is_other;
	} rows[] = {
		{"pylons/a/pylon.yaml", "name: a\n", false},
		{"pylons/a/pylon.yaml", "name: a\n\n", true},
		{"pylons/a/.env", "A=1\n", true},
		{"pylons/b/pylon.yaml", "name: b\n", false},
		{"pylons/b/.env", "A=1\n", false},
		{".env", "A=1\n", true},
		{"config.yaml", "server: {port: 1}\n", true},
		{"config.yaml", "server: {port: 1}\n", false},
	};
	struct home *h = *state;
	char before[65] = "";

	home_write(h, "pylons/a/pylon.yaml", "name: a\n");
	load(h);
	(void)str_copy(before, sizeof(before), home_pylon(h, "a")->digest);
	assert_int_equal(strlen(before), 64);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		home_write(h, rows[i].file, rows[i].text);
		load(h);
		if (str_eq(before, home_pylon(h, "a")->digest) == rows[i].is_other)
			fail_msg("row %zu", i);
		(void)str_copy(before, sizeof(before), home_pylon(h, "a")->digest);
	}
}

/* --- what is told of one pylon --- */

static void expect_pylon_problem(const struct home *h, const char *name, const char *text)
{
	CLEANUP(buf_fini) struct buf b = BUF_NULL;

	config_pylon_problem(&b, &h->problems, name);
	assert_string_equal(buf_str(&b), text);
}

static void first_problem_of_a_pylon_is_found(void **state)
{
	struct home *h = *state;

	home_write(h, "pylons/a.b/pylon.yaml", "name: X\nagent: {retries: x}\n");
	home_write(h, "pylons/b/pylon.yaml", "name: b\nagent: {oauth_path: x}\nzzz: 1\n");
	home_write(h, "pylons/c/pylon.yaml", "name: c\nagent: {oauth_path: x}\n");
	home_write(h, "pylons/d/pylon.yaml", "");
	home_write(h, "pylons/e/pylon.yaml", "name: e\n");
	home_write(h, "pylons/e/.env/x", "");
	load(h);
	expect_pylon_problem(h, "a.b",
		"1:7: `name` is `X`, but a pylon's name is 1-63 of a-z 0-9 . _ - and begins with a "
		"letter or digit");
	expect_pylon_problem(h, "b", "3:1: unknown key `zzz`");
	expect_pylon_problem(h, "c", "");
	expect_pylon_problem(h, "d", "1:1: is empty; it needs at least: name: d");
	expect_pylon_problem(h, "e", ".env: 1:1: is a folder; a file is needed");
	expect_pylon_problem(h, "a", "");
	expect_pylon_problem(h, "", "");
}

static void disabled_pylon_holds_no_path(void **state)
{
	struct home *h = *state;

	home_write(h, "pylons/a/pylon.yaml", "disabled: true\n" HOOK("a", "/x"));
	home_write(h, "pylons/b/pylon.yaml", HOOK("b", "/x"));
	home_write(h, "pylons/c/pylon.yaml", "name: c\ntrigger: {type: manual, path: /x}\n");
	load(h);
	assert_int_equal(h->config->pylon_count, 3);
	assert_int_equal(h->problems.n, 0);
}

static void bad_config_leaves_no_snapshot(void **state)
{
	struct home *h = *state;

	home_write(h, "pylons/a/pylon.yaml", "name: a\n");
	home_write(h, "config.yaml", "server:\n  port: x\n");
	expect_unusable(
		h, "config.yaml:2:9: `server.port` must be a whole number without quotes, not `x`");
	home_write(h, "config.yaml", "server:\n  api_token: ${NOT_SET_X}\n");
	assert_false(home_load(h));
	home_write(h, "config.yaml", "server:\n  port: 1\n");
	load(h);
	assert_int_equal(h->config->pylon_count, 1);
}

/* --- files that are none --- */

/* Puts something in the place of a file, checks it, and takes it away again. */
static void with_folder(
	struct home *h, const char *name, void (*check)(struct home *h, const char *text))
{
	CLEANUP(freep) char *path = home_at(h, name);

	(void)unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	check(h, "is a folder; a file is needed");
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	check(h, "is a FIFO; a file is needed");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/nonexistent-place/x", path), 0);
	check(h, "is a link that leads to no file");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink(path, path), 0);
	check(h, "is a link that leads to no file");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/dev/zero", path), 0);
	check(h, "is a device; a file is needed");
	assert_int_equal(unlink(path), 0);
}

static void check_config(struct home *h, const char *text)
{
	CLEANUP(freep) char *line = xasprintf("config.yaml:1:1: %s", text);

	expect_unusable(h, line);
}

static void check_env(struct home *h, const char *text)
{
	CLEANUP(freep) char *line = xasprintf(".env:1:1: %s", text);

	expect_unusable(h, line);
}

static void check_pylon(struct home *h, const char *text)
{
	CLEANUP(freep) char *line = xasprintf("pylons/a/pylon.yaml:1:1: %s", text);

	load(h);
	assert_int_equal(h->config->pylon_count, 1);
	assert_string_equal(h->config->broken.v[0], "a");
	assert_int_equal(h->problems.n, 1);
	home_expect(h, 0, line);
}

static void check_pylon_env(struct home *h, const char *text)
{
	CLEANUP(freep) char *line = xasprintf("pylons/a/.env:1:1: %s", text);

	load(h);
	assert_string_equal(h->config->broken.v[0], "a");
	assert_int_equal(h->problems.n, 1);
	home_expect(h, 0, line);
}

static void what_is_no_file_is_one_clear_problem(void **state)
{
	struct home *h = *state;

	home_write(h, "pylons/b/pylon.yaml", "name: b\n");
	home_write(h, "pylons/a/pylon.yaml", "name: a\n");
	with_folder(h, "config.yaml", check_config);
	with_folder(h, ".env", check_env);
	with_folder(h, "pylons/a/.env", check_pylon_env);
	with_folder(h, "pylons/a/pylon.yaml", check_pylon);
}

static void file_larger_than_its_limit_is_one_clear_problem(void **state)
{
	struct home *h = *state;

	home_write(h, "pylons/b/pylon.yaml", "name: b\n");
	for (int over = -1; over <= 1; over++) {
		CLEANUP(buf_fini) struct buf b = BUF_NULL;

		buf_add_str(&b, "name: a\n#");
		while (b.n < (size_t)((int)YAML_MAX + over))
			buf_add_char(&b, 'x');
		home_write(h, "pylons/a/pylon.yaml", buf_str(&b));
		if (over > 0) {
			check_pylon(h, "is larger than 256 KiB");
			continue;
		}
		load(h);
		assert_int_equal(h->config->pylon_count, 2);
	}
}

static void env_file_larger_than_its_limit_is_one_clear_problem(void **state)
{
	struct home *h = *state;

	for (int over = -1; over <= 1; over++) {
		CLEANUP(buf_fini) struct buf b = BUF_NULL;

		while (b.n < (size_t)((int)ENV_FILE_MAX + over))
			buf_add_char(&b, '#');
		home_write(h, ".env", buf_str(&b));
		if (over > 0)
			expect_unusable(h, ".env:1:1: is larger than 256 KiB");
		else
			load(h);
	}
}

static void empty_pylon_yaml_is_one_clear_problem(void **state)
{
	struct home *h = *state;

	home_write(h, "pylons/b/pylon.yaml", "name: b\n");
	home_write(h, "pylons/a/pylon.yaml", "");
	check_pylon(h, "is empty; it needs at least: name: a");
}

static void pylons_that_is_no_folder_is_a_problem(void **state)
{
	struct home *h = *state;

	home_write(h, "pylons", "x");
	assert_false(home_load(h));
	assert_true(str_has_prefix(h->problems.v[0].text, "cannot be listed: "));
}

static void load_without_rights(void *ctx)
{
	struct home *h = ctx;

	CHILD_CHECK(home_load(h));
	CHILD_CHECK(h->config->broken.n == 1);
	CHILD_CHECK(h->problems.n == 1);
	CHILD_CHECK(str_eq(h->problems.v[0].text, "cannot be opened: Permission denied"));
}

static void file_that_may_not_be_read_is_one_clear_problem(void **state)
{
	struct home *h = *state;
	CLEANUP(freep) char *path = home_at(h, "pylons/a/pylon.yaml");
	CLEANUP(freep) char *folder = home_at(h, "pylons/a");
	CLEANUP(freep) char *pylons = home_at(h, "pylons");

	home_write(h, "pylons/a/pylon.yaml", "name: a\n");
	assert_int_equal(chmod(path, 0), 0);
	assert_int_equal(chmod(folder, 0755), 0);
	assert_int_equal(chmod(pylons, 0755), 0);
	assert_int_equal(chmod(h->path, 0755), 0);
	assert_int_equal(chmod(h->dir, 0755), 0);
	assert_int_equal(scratch_fork_unprivileged(load_without_rights, h), 0);
}

static void links_to_files_are_followed(void **state)
{
	struct home *h = *state;
	CLEANUP(freep) char *path = home_at(h, "config.yaml");
	CLEANUP(freep) char *target = home_at(h, "elsewhere.yaml");

	home_write(h, "elsewhere.yaml", "server: {port: 9093}\n");
	assert_int_equal(symlink(target, path), 0);
	load(h);
	assert_int_equal(h->config->port, 9093);
}

/* --- warnings --- */

static void secrets_that_others_may_read_are_a_warning(void **state)
{
	static const mode_t open_modes[] = {0640, 0604, 0644, 0660};
	struct home *h = *state;
	CLEANUP(freep) char *env = home_at(h, ".env");
	CLEANUP(freep) char *config = home_at(h, "config.yaml");
	CLEANUP(freep)
	char *env_text = xasprintf(
		".env:1:1: warning: others may read the secrets in it; run: chmod 600 %s", env);
	CLEANUP(freep)
	char *config_text = xasprintf(
		"config.yaml:1:21: warning: others may read `server.api_token`; put it into .env, or "
		"run: chmod 600 %s",
		config);

	home_write(h, ".env", "A=x\n");
	home_write(h, "config.yaml", "server: {api_token: t1}\n");
	load(h);
	assert_int_equal(h->problems.n, 0);
	for (size_t i = 0; i < ARRAY_LEN(open_modes); i++) {
		assert_int_equal(chmod(env, open_modes[i]), 0);
		assert_int_equal(chmod(config, open_modes[i]), 0);
		load(h);
		assert_int_equal(h->problems.n, 2);
		assert_false(problems_are_fatal(&h->problems));
		home_expect(h, 0, env_text);
		home_expect(h, 1, config_text);
	}
	home_write(h, "config.yaml", "server: {api_token: $A}\n");
	assert_int_equal(chmod(config, 0644), 0);
	load(h);
	assert_int_equal(h->problems.n, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, home_setup, home_teardown)
	const struct CMUnitTest tests[] = {
		TEST(home_without_anything_is_all_defaults),
		TEST(home_that_does_not_exist_is_all_defaults),
		TEST(full_example_is_read),
		TEST(every_word_of_the_log_settings_is_its_own_value),
		TEST(config_json_takes_the_place_of_config_yaml),
		TEST(empty_config_is_all_defaults_with_a_warning),
		TEST(pylons_are_sorted_by_name),
		TEST(folder_without_a_pylon_yaml_is_no_pylon),
		TEST(pylon_reads_its_own_env_before_the_homes),
		TEST(missing_variable_names_the_pylons_own_file),
		TEST(broken_pylon_leaves_the_others_alone),
		TEST(folder_with_an_invalid_name_is_a_broken_pylon),
		TEST(pylons_with_one_path_are_all_broken),
		TEST(broken_pylons_are_sorted_whatever_broke_them),
		TEST(pylon_outlives_its_snapshot),
		TEST(digest_changes_with_every_text_that_counts),
		TEST(first_problem_of_a_pylon_is_found),
		TEST(disabled_pylon_holds_no_path),
		TEST(bad_config_leaves_no_snapshot),
		TEST(what_is_no_file_is_one_clear_problem),
		TEST(file_larger_than_its_limit_is_one_clear_problem),
		TEST(env_file_larger_than_its_limit_is_one_clear_problem),
		TEST(empty_pylon_yaml_is_one_clear_problem),
		TEST(pylons_that_is_no_folder_is_a_problem),
		TEST(file_that_may_not_be_read_is_one_clear_problem),
		TEST(links_to_files_are_followed),
		TEST(secrets_that_others_may_read_are_a_warning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
