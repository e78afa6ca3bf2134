/* SPDX-License-Identifier: MIT */
/*
 * tests/cli/test_construct.c - `construct`: new pylons from templates.
 */
#include <sys/stat.h>

#include "base/limits.h"
#include "cli/construct-internal.h"
#include "cli/home.h"

/* --- what is made --- */

static const struct pylon_config *expect_pylon(
	struct home *h, const char *name, struct config **ret)
{
	const struct pylon_config *p;

	*ret = home_config(h);
	p = config_pylon(*ret, name);
	if (p == NULL)
		fail_msg("%s: %s", name, h->err);
	assert_string_equal(h->err, "");
	return p;
}

static void blank_pylon_is_ready_to_be_edited(void **state)
{
	CLEANUP(config_freep) struct config *config = NULL;
	struct home *h = *state;
	CLEANUP(freep) char *told = NULL;
	const struct pylon_config *p;

	RUN(h, "construct", "x", "--from", "blank");
	assert_int_equal(h->status, EXIT_OK);
	told = xasprintf("Pylon constructed from template \"blank\": x\n"
			 "  Config: %s/pylons/x/pylon.yaml\n"
			 "  Webhook: http://0.0.0.0:8080/x\n"
			 "  Test it: pylon test x\n",
		h->home);
	assert_string_equal(h->out, told);
	p = expect_pylon(h, "x", &config);
	assert_int_equal(p->trigger, TRIGGER_WEBHOOK);
	assert_string_equal(p->path, "/x");
	assert_int_equal(p->secrets.n, 0);
	assert_int_equal(p->workspace, WORKSPACE_NONE);
	assert_string_equal(template_source(p->prompt), "");
	assert_true(p->created_real > 0);
	assert_false(home_has(h, "pylons/x/.env"));
}

static void github_pr_pylon_has_a_secret_of_its_own(void **state)
{
	CLEANUP(config_freep) struct config *config = NULL;
	struct home *h = *state;
	CLEANUP(freep) char *one = NULL, *other = NULL, *path = NULL;
	const struct pylon_config *p;
	struct stat st;

	RUN(h, "construct", "pr", "--from", "github-pr");
	assert_int_equal(h->status, EXIT_OK);
	expect_part(h->out, "  Secret: a random one, in ");
	p = expect_pylon(h, "pr", &config);
	assert_string_equal(p->signature, "github");
	assert_int_equal(p->secrets.n, 1);
	assert_int_equal(strlen(p->secrets.v[0]), 64);
	expect_no_part(h->out, p->secrets.v[0]);
	assert_int_equal(p->workspace, WORKSPACE_GIT_CLONE);
	assert_string_equal(template_source(p->repo), "{{ .body.repository.clone_url }}");
	assert_string_equal(template_source(p->ref), "{{ .body.pull_request.head.sha }}");
	assert_int_equal(p->timeout_us, 15 * 60 * US_PER_SEC);
	path = xasprintf("%s/pylons/pr/.env", h->home);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	one = xstrdup(p->secrets.v[0]);
	RUN(h, "construct", "pr2", "--from=github-pr");
	other = home_read_file(h, "pylons/pr2/.env");
	expect_no_part(other, one);
}

static void sentry_pylon_waits_for_the_secret_that_only_sentry_knows(void **state)
{
	CLEANUP(config_freep) struct config *config = NULL;
	CLEANUP(config_freep) struct config *filled = NULL;
	struct home *h = *state;
	const struct pylon_config *p;

	RUN(h, "construct", "s", "--from", "sentry");
	assert_int_equal(h->status, EXIT_OK);
	expect_part(h->out, "  Secret: put SENTRY_CLIENT_SECRET=... into ");
	expect_part(h->out, "until then the pylon cannot be used");
	config = home_config(h);
	assert_true(strv_has(&config->broken, "s"));
	expect_part(h->err, "SENTRY_CLIENT_SECRET");
	home_add_file(h, "pylons/s/.env", "SENTRY_CLIENT_SECRET=abc\n");
	p = expect_pylon(h, "s", &filled);
	assert_string_equal(p->signature, "sentry");
	assert_string_equal(p->secrets.v[0], "abc");
	assert_string_equal(template_source(p->condition),
		"{{ ne .headers.sentry-hook-resource \"installation\" }}");
	RUN(h, "test", "s", "--dry-run");
	expect_part(h->out, "Filter: the event passes");
	assert_true(p->approval);
	assert_non_null(p->message);
	assert_null(p->topic);
	assert_null(p->repo);
	assert_int_equal(p->timeout_us, 10 * 60 * US_PER_SEC);
}

static void cron_audit_runs_on_mondays_in_the_machines_zone(void **state)
{
	CLEANUP(config_freep) struct config *config = NULL;
	struct home *h = *state;
	const struct pylon_config *p;

	(void)setenv("TZ", "Europe/Berlin", 1);
	RUN(h, "construct", "audit", "--from", "cron-audit", "--repo", "https://x.example/it's.git",
		"--ref", "v1: #2");
	(void)unsetenv("TZ");
	assert_int_equal(h->status, EXIT_OK);
	expect_no_part(h->out, "Webhook");
	p = expect_pylon(h, "audit", &config);
	assert_int_equal(p->trigger, TRIGGER_CRON);
	assert_string_equal(p->schedule, "0 9 * * 1");
	assert_string_equal(p->timezone, "Europe/Berlin");
	assert_string_equal(template_source(p->repo), "https://x.example/it's.git");
	assert_string_equal(template_source(p->ref), "v1: #2");
	assert_int_equal(p->timeout_us, 30 * 60 * US_PER_SEC);
}

static void cron_audit_without_a_repository_loads(void **state)
{
	CLEANUP(config_freep) struct config *config = NULL;
	struct home *h = *state;

	(void)setenv("TZ", "No/Such_Zone", 1);
	RUN(h, "construct", "audit", "--from", "cron-audit");
	(void)unsetenv("TZ");
	assert_int_equal(h->status, EXIT_OK);
	assert_null(expect_pylon(h, "audit", &config)->repo);
}

/* YAML would take these for something else than a text. */
static void names_that_look_like_other_things_are_names(void **state)
{
	static const char *const names[] = {"123", "1.5", "true", "null", "0x1f", "a..b", "on"};
	CLEANUP(config_freep) struct config *config = NULL;
	struct home *h = *state;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		RUN(h, "construct", names[i], "--from", "blank");
		assert_int_equal(h->status, EXIT_OK);
	}
	config = home_config(h);
	assert_int_equal(config->pylon_count, ARRAY_LEN(names));
}

static void paths_of_our_own_are_avoided(void **state)
{
	CLEANUP(config_freep) struct config *config = NULL;
	struct home *h = *state;

	RUN(h, "construct", "metrics", "--from", "blank");
	assert_int_equal(h->status, EXIT_OK);
	expect_part(h->out, "  Webhook: http://0.0.0.0:8080/webhook/metrics\n");
	assert_string_equal(expect_pylon(h, "metrics", &config)->path, "/webhook/metrics");
}

static void json_tells_where_things_are(void **state)
{
	struct home *h = *state;
	CLEANUP(js_freep) struct js *o = NULL;

	RUN(h, "construct", "s", "--from", "sentry", "--json");
	assert_int_equal(h->status, EXIT_OK);
	o = js_parse(h->out, strlen(h->out), NULL);
	assert_string_equal(js_get_str(o, "name"), "s");
	assert_string_equal(js_get_str(o, "template"), "sentry");
	assert_string_equal(js_get_str(o, "webhook"), "http://0.0.0.0:8080/s");
	assert_false(js_get_bool(o, "usable", true));
	expect_part(js_get_str(o, "env_file"), "/pylons/s/.env");
}

/* --- secrets --- */

static void secret_may_be_given(void **state)
{
	CLEANUP(config_freep) struct config *config = NULL;
	struct home *h = *state;

	(void)setenv("MY_SECRET", "from-env", 1);
	RUN(h, "construct", "a", "--from", "sentry", "--secret-env", "MY_SECRET");
	assert_int_equal(h->status, EXIT_OK);
	expect_no_part(h->out, "from-env");
	home_run(h, "from stdin # =x\r\n",
		(const char *const[]){
			"construct", "b", "--from", "github-pr", "--secret-file", "-", NULL});
	assert_int_equal(h->status, EXIT_OK);
	config = home_config(h);
	assert_string_equal(config_pylon(config, "a")->secrets.v[0], "from-env");
	assert_string_equal(config_pylon(config, "b")->secrets.v[0], "from stdin # =x");
	(void)unsetenv("MY_SECRET");
}

static void unusable_secret_makes_no_pylon(void **state)
{
	static const char *const bad[] = {"", "\n", "two\nlines", " blank", "a\x01z"};
	struct home *h = *state;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		home_run(h, bad[i],
			(const char *const[]){"construct", "b", "--from", "github-pr",
				"--secret-file", "-", NULL});
		assert_int_equal(h->status, EXIT_FAILED);
		expect_part(h->err, "the secret must be one line of text");
	}
	RUN(h, "construct", "b", "--from", "sentry", "--secret-env", "NOT_SET_HERE");
	assert_int_equal(h->status, EXIT_USAGE);
	RUN(h, "construct", "b", "--from", "sentry", "--secret-file", "/no/such/file");
	assert_int_equal(h->status, EXIT_FAILED);
	RUN(h, "construct", "b", "--from", "blank", "--secret-env", "HOME");
	assert_int_equal(h->status, EXIT_USAGE);
	assert_false(home_has(h, "pylons/b"));
}

/* --- what is refused --- */

static void what_is_there_is_never_touched(void **state)
{
	struct home *h = *state;
	CLEANUP(freep) char *link = xasprintf("%s/pylons/link", h->home);
	CLEANUP(freep) char *inner = xasprintf("%s/pylons/inner/pylon.yaml", h->home);
	CLEANUP(freep) char *good = NULL, *broken = NULL;
	static const char *const names[] = {"good", "broken", "empty", "file", "link", "inner"};

	home_add_file(h, "pylons/good/pylon.yaml", "name: good\n");
	home_add_file(h, "pylons/broken/pylon.yaml", "nome: [\n");
	home_add_file(h, "pylons/empty/notes.txt", "x");
	home_add_file(h, "pylons/file", "x");
	home_add_file(h, "pylons/inner/.env", "A=b\n");
	assert_int_equal(symlink("/nowhere/at/all", link), 0);
	assert_int_equal(symlink("/nowhere/at/all", inner), 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		RUN(h, "construct", names[i], "--from", "github-pr");
		assert_int_equal(h->status, EXIT_FAILED);
		expect_part(h->err, "and it stays as it is");
	}
	good = home_read_file(h, "pylons/good/pylon.yaml");
	broken = home_read_file(h, "pylons/broken/pylon.yaml");
	assert_string_equal(good, "name: good\n");
	assert_string_equal(broken, "nome: [\n");
	assert_false(home_has(h, "pylons/good/.env"));
	assert_false(home_has(h, "pylons/empty/pylon.yaml"));
}

static void path_of_another_pylon_is_refused(void **state)
{
	struct home *h = *state;

	home_add_file(h, "pylons/a/pylon.yaml", "name: a\ntrigger: {type: webhook, path: /b}\n");
	RUN(h, "construct", "b", "--from", "blank");
	assert_int_equal(h->status, EXIT_FAILED);
	expect_part(h->err, "the pylon \"a\" already has the path /b");
	assert_false(home_has(h, "pylons/b"));
}

static void names_are_checked(void **state)
{
	static const char *const bad[] = {"../x", "a/b", "a b", "", ".", "..", ".x", "_x", "Upper",
		"caf\xc3\xa9", "a\n",
		"0123456789012345678901234567890123456789012345678901234567890123"};
	struct home *h = *state;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		RUN(h, "construct", "--from", "blank", "--", bad[i]);
		assert_int_equal(h->status, EXIT_USAGE);
		expect_part(h->err, "it has 1 to 63 of the characters a-z, 0-9");
	}
	assert_false(home_has(h, "pylons"));
	assert_false(home_has(h, "x"));
	RUN(h, "construct", "--from", "blank",
		"012345678901234567890123456789012345678901234567890123456789012");
	assert_int_equal(h->status, EXIT_OK);
}

static void templates_are_listed_when_one_is_wanted(void **state)
{
	struct home *h = *state;

	RUN(h, "construct", "x", "--from", "nope");
	assert_int_equal(h->status, EXIT_USAGE);
	expect_part(h->err,
		"unknown template \"nope\" (available: sentry, github-pr, cron-audit, blank)");
	RUN(h, "construct", "x");
	assert_int_equal(h->status, EXIT_USAGE);
	expect_part(h->err, "later version");
	for (size_t i = 0; i < builtin_count; i++) {
		expect_part(h->err, builtins[i].name);
		expect_part(h->err, builtins[i].summary);
	}
	assert_false(home_has(h, "pylons"));
}

static void repositories_are_for_templates_that_take_one(void **state)
{
	struct home *h = *state;

	RUN(h, "construct", "x", "--from", "blank", "--repo", "https://x.example/y");
	assert_int_equal(h->status, EXIT_USAGE);
	expect_part(h->err, "the template blank takes no --repo and --ref");
	RUN(h, "construct", "x", "--from", "cron-audit", "--repo", "a\nb: c");
	assert_int_equal(h->status, EXIT_USAGE);
	RUN(h, "construct", "x", "--from", "cron-audit", "--ref", "");
	assert_int_equal(h->status, EXIT_USAGE);
	assert_false(home_has(h, "pylons"));
}

static void home_that_cannot_hold_pylons_is_told(void **state)
{
	struct home *h = *state;

	home_add_file(h, "pylons", "a file");
	RUN(h, "construct", "x", "--from", "blank");
	assert_int_equal(h->status, EXIT_FAILED);
	expect_part(h->err, "pylons");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, home_setup, home_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(blank_pylon_is_ready_to_be_edited),
		TEST(github_pr_pylon_has_a_secret_of_its_own),
		TEST(sentry_pylon_waits_for_the_secret_that_only_sentry_knows),
		TEST(cron_audit_runs_on_mondays_in_the_machines_zone),
		TEST(cron_audit_without_a_repository_loads),
		TEST(names_that_look_like_other_things_are_names),
		TEST(paths_of_our_own_are_avoided),
		TEST(json_tells_where_things_are),
		TEST(secret_may_be_given),
		TEST(unusable_secret_makes_no_pylon),
		TEST(what_is_there_is_never_touched),
		TEST(path_of_another_pylon_is_refused),
		TEST(names_are_checked),
		TEST(templates_are_listed_when_one_is_wanted),
		TEST(repositories_are_for_templates_that_take_one),
		TEST(home_that_cannot_hold_pylons_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
