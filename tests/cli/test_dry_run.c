/* SPDX-License-Identifier: MIT */
/*
 * tests/cli/test_dry_run.c - `test`: the samples, their signatures, and --dry-run, which sends
 * nothing.
 */
#include "base/limits.h"
#include "calendar/instant.h"
#include "cli/home.h"
#include "cli/test-internal.h"
#include "trigger/trigger.h"

#define HOOK "name: p\ntrigger:\n  type: webhook\n  path: /p\n"

static void add_pylon(const struct home *h, const char *text)
{
	home_add_file(h, "pylons/p/pylon.yaml", text);
}

/* --- samples --- */

/* The door of a pylon as the engine makes it. */
static struct route *door_of(const struct pylon_config *p, enum signature_recipe recipe)
{
	struct route_config c = {
		.path = p->path,
		.recipe = recipe,
		.signature_header = p->signature_header,
		.secrets = &p->secrets,
		.tolerance_us = p->tolerance_us,
		.dedupe_header = p->dedupe,
		.dedupe = p->dedupe_template,
		.condition = p->condition,
		.pylon = p->name,
		.max_body = p->max_body,
	};
	struct route *r = NULL;
	struct err e = CLEAN_ERR;

	if (route_new(&r, &c, &e) != 0)
		fail_msg("%s", e.text);
	return r;
}

/* What the door says of the request that `test` makes. */
static int judge(const struct config *config, const struct pylon_config *p, struct event *ret)
{
	CLEANUP(request_fini) struct test t = {.config = config, .pylon = p};
	CLEANUP(route_freep) struct route *door = NULL;
	struct inbound_field fields[16];
	struct inbound in = {.method = SLICE_LIT("POST"), .fields = fields};
	struct answer a = {0};
	struct err why = CLEAN_ERR;
	struct cli c = {0};
	int status;

	assert_int_equal(request_make(&c, &t), EXIT_OK);
	in.path = slice_of(p->path);
	in.body = buf_slice(&t.body);
	for (size_t i = 0; i < t.headers.n; i++) {
		const char *line = t.headers.v[i];
		size_t n = strcspn(line, ":");

		assert_true(in.field_count < ARRAY_LEN(fields));
		fields[in.field_count++] =
			(struct inbound_field){{line, n}, slice_trim(slice_of(line + n + 1))};
	}
	door = door_of(p, t.recipe);
	assert_int_equal(route_admit(door, &in, &a), 0);
	status = route_judge(door, &in, t.now_us, ret, &a, &why);
	if (status != 0)
		print_message("%s: %s %s\n", p->name, why.text, a.text);
	answer_fini(&a);
	return status;
}

static void sample_of_every_recipe_passes_its_door(void **state)
{
	static const char *const triggers[] = {
		"",
		"  signature: hex\n  signature_header: X-Sig\n  secret: abc\n",
		"  signature: github\n  secret: abc\n",
		"  signature: gitlab\n  secret: abc\n",
		"  signature: slack\n  secret: abc\n",
		"  signature: stripe\n  secret: abc\n",
		"  signature: standard\n  secret: whsec_c2VjcmV0\n",
		"  signature: linear\n  secret: abc\n",
		"  signature: sentry\n  secret: abc\n",
		"  signature: bearer\n  secret: abc\n",
		"  signature: token\n  signature_header: X-Token\n  secret: abc\n",
		"  signature_header: X-Telegram-Bot-Api-Secret-Token\n  secret: abc\n",
		"  dedupe: X-Id\n",
	};
	struct home *h = *state;

	for (size_t i = 0; i < ARRAY_LEN(triggers); i++) {
		CLEANUP(freep) char *text = xasprintf(HOOK "%s", triggers[i]);
		CLEANUP(config_freep) struct config *config = NULL;
		struct event ev = {0};

		add_pylon(h, text);
		config = home_config(h);
		if (config->pylon_count != 1)
			fail_msg("%s: %s", text, h->err);
		if (judge(config, config->pylons[0], &ev) != 0)
			fail_msg("%s", text);
		event_fini(&ev);
	}
}

/* Made by `construct`, signed as the real sender does, and nothing that they show is missing. */
static void samples_fill_the_templates_of_construct(void **state)
{
	static const char *const froms[] = {"sentry", "github-pr", "blank"};
	CLEANUP(config_freep) struct config *config = NULL;
	struct home *h = *state;

	(void)setenv("MY_SECRET", "abc", 1);
	RUN(h, "construct", "sentry", "--from", "sentry", "--secret-env", "MY_SECRET");
	RUN(h, "construct", "github-pr", "--from", "github-pr");
	RUN(h, "construct", "blank", "--from", "blank");
	(void)unsetenv("MY_SECRET");
	config = home_config(h);
	for (size_t i = 0; i < ARRAY_LEN(froms); i++) {
		const struct pylon_config *p = config_pylon(config, froms[i]);
		struct event ev = {0};

		assert_non_null(p);
		assert_int_equal(judge(config, p, &ev), 0);
		event_fini(&ev);
		RUN(h, "test", froms[i], "--dry-run");
		assert_int_equal(h->status, EXIT_OK);
		expect_no_part(h->out, "<no value>");
	}
	RUN(h, "test", "github-pr", "--dry-run");
	expect_part(h->out, "Repo: https://github.com/octocat/Hello-World.git\n");
	expect_part(h->out, "Ref: b3cbd5bbd7e81436d2eee04537ea2b4c0cad4cdf\n");
	expect_part(h->out, "Message: PR #42: Sample pull request for github-pr\n");
	expect_part(h->out, "Filter: the event passes (trigger.if is \"true\")\n");
	RUN(h, "test", "github-pr", "--dry-run", "--payload", "{\"action\":\"labeled\"}");
	expect_part(h->out, "Filter: the event is ignored (trigger.if is \"false\")\n");
}

static void unsigned_pylon_gets_the_sample_that_its_templates_ask_for(void **state)
{
	struct home *h = *state;

	add_pylon(h, HOOK "agent:\n  prompt: 'PR {{ .body.pull_request.title }}'\n");
	RUN(h, "test", "p", "--dry-run");
	expect_part(h->out, "Prompt: PR Sample pull request for p\n");
	add_pylon(h, HOOK "channel:\n  message: '{{ .body.issue.title }}'\n");
	RUN(h, "test", "p", "--dry-run");
	expect_part(h->out, "Message: Sample issue for p\n");
}

/* --- what is shown --- */

static void dry_run_shows_what_would_come_of_it_and_sends_nothing(void **state)
{
	struct home *h = *state;

	add_pylon(h, HOOK
		"  if: '{{ .body.go }}'\n"
		"  dedupe: '{{ .body.id }}'\n"
		"workspace:\n  type: git-clone\n  repo: 'https://x.example/{{ .body.r }}'\n"
		"  ref: '{{ .body.ref }}'\n"
		"channel:\n  topic: 'T {{ .body.id }}'\n  message: |\n    one\n    {{ .body.m }}\n"
		"agent:\n  prompt: 'Do {{ .body.what }} for {{ .job.pylon }}'\n");
	RUN(h, "test", "p", "--dry-run", "--payload",
		"{\"go\":1,\"id\":\" 7 \",\"r\":\"a.git\",\"ref\":\"main\",\"m\":\"two\",\"what\":\"it\"}");
	assert_int_equal(h->status, EXIT_OK);
	expect_part(h->out, "Would send this webhook to http://127.0.0.1:8080/p\n");
	expect_part(h->out, "Content-Type: application/json\nPayload: {\n  \"go\": 1,");
	expect_part(h->out, "\n\nFilter: the event passes (trigger.if is \"1\")\n"
			    "Delivery id: 7\n"
			    "Prompt: Do it for p\n"
			    "Topic: T  7 \n"
			    "Message:\none\ntwo\n"
			    "Repo: https://x.example/a.git\n"
			    "Ref: main\n");
	expect_no_part(h->out, "Response");
}

static void parts_that_are_not_set_are_not_shown(void **state)
{
	struct home *h = *state;

	add_pylon(h, HOOK);
	RUN(h, "test", "p", "--dry-run", "--payload={}");
	assert_int_equal(h->status, EXIT_OK);
	expect_part(h->out, "\n\nDelivery id: none: every delivery makes a job\nPrompt: (empty)\n");
	expect_no_part(h->out, "Topic");
	expect_no_part(h->out, "Message");
	expect_no_part(h->out, "Repo");
	expect_no_part(h->out, "Ref");
	expect_no_part(h->out, "Filter");
}

static void dry_run_as_json_is_one_object(void **state)
{
	struct home *h = *state;
	CLEANUP(js_freep) struct js *o = NULL;

	add_pylon(h, HOOK
		"  signature: github\n  secret: abc\n  if: 'false'\n"
		"agent:\n  prompt: '{{ .headers.x }}{{ index .headers \"x-hub-signature-256\" }}'\n");
	RUN(h, "test", "p", "--dry-run", "--json", "--payload", "{\"n\":1.50}");
	assert_int_equal(h->status, EXIT_OK);
	o = js_parse(h->out, strlen(h->out), NULL);
	assert_non_null(o);
	assert_string_equal(js_get_str(o, "pylon"), "p");
	assert_string_equal(js_get_str(o, "url"), "http://127.0.0.1:8080/p");
	expect_part(js_get_str(js_get(o, "headers"), "X-Hub-Signature-256"), "sha256=");
	assert_string_equal(js_get_str(o, "delivery_id"),
		js_get_str(js_get(o, "headers"), "X-GitHub-Delivery"));
	assert_false(js_get_bool(js_get(o, "filter"), "passes", true));
	assert_string_equal(js_get_str(js_get(o, "filter"), "text"), "false");
	assert_string_equal(js_get_str(o, "prompt"), "<no value><redacted>");
	assert_null(js_get_str(o, "topic"));
	assert_null(js_get_str(o, "ref"));
}

static void secrets_that_are_sent_as_they_are_are_not_shown(void **state)
{
	static const char *const triggers[] = {"  signature: gitlab\n", "  signature: bearer\n",
		"  signature: token\n  signature_header: X-Token\n"};
	struct home *h = *state;

	for (size_t i = 0; i < ARRAY_LEN(triggers); i++) {
		CLEANUP(freep) char *text = xasprintf(HOOK "%s  secret: HIDDEN\n", triggers[i]);

		add_pylon(h, text);
		RUN(h, "test", "p", "--dry-run");
		assert_int_equal(h->status, EXIT_OK);
		expect_part(h->out, ": <redacted>\n");
		expect_no_part(h->out, "HIDDEN");
		RUN(h, "test", "p", "--dry-run", "--json");
		expect_no_part(h->out, "HIDDEN");
	}
}

static void schedule_gets_its_next_occurrence(void **state)
{
	struct home *h = *state;
	CLEANUP(js_freep) struct js *o = NULL;
	int64_t at = 0, now = cli_now();

	add_pylon(h, "name: p\ntrigger:\n  type: cron\n  cron: '0 9 * * *'\n"
		     "agent:\n  prompt: '{{ .body.scheduled_at }} {{ .event.source }}'\n");
	RUN(h, "test", "p", "--dry-run", "--json");
	assert_int_equal(h->status, EXIT_OK);
	o = js_parse(h->out, strlen(h->out), NULL);
	assert_true(instant_parse(slice_of(js_get_str(js_get(o, "payload"), "scheduled_at")), &at));
	assert_true(at > now && at <= now + 2 * 24 * 3600 * US_PER_SEC);
	expect_part(js_get_str(o, "prompt"), "T09:00:00.000Z schedule");
	RUN(h, "test", "p", "--dry-run");
	expect_part(h->out, "Would start p by hand\nPayload: {\n  \"scheduled_at\": ");
	expect_no_part(h->out, "Delivery id");
}

static void discord_cannot_be_signed_here(void **state)
{
	struct home *h = *state;

	add_pylon(h, HOOK
		"  signature: discord\n"
		"  secret: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n");
	RUN(h, "test", "p", "--dry-run");
	assert_int_equal(h->status, EXIT_OK);
	expect_part(h->err, "only the sender has the key for discord");
	RUN(h, "test", "p");
	assert_int_equal(h->status, EXIT_FAILED);
	expect_part(h->err, "a request of discord cannot be signed here");
}

/* --- payloads --- */

static void payload_may_be_a_file_or_standard_input(void **state)
{
	struct home *h = *state;
	CLEANUP(freep) char *word = xasprintf("@%s/event.json", h->home);

	add_pylon(h, HOOK "agent:\n  prompt: '{{ .body.a }}'\n");
	home_add_file(h, "event.json", " {\"a\": \"of a file\"}\n");
	RUN(h, "test", "p", "--dry-run", "--payload", word);
	assert_int_equal(h->status, EXIT_OK);
	expect_part(h->out, "Prompt: of a file\n");
	home_run(h, "{\"a\":\"piped\"}",
		(const char *const[]){"test", "p", "--dry-run", "--payload", "-", NULL});
	assert_int_equal(h->status, EXIT_OK);
	expect_part(h->out, "Prompt: piped\n");
	RUN(h, "test", "p", "--dry-run", "--payload", "@/no/such/file");
	assert_int_equal(h->status, EXIT_FAILED);
}

static void payload_must_be_an_object_that_the_door_would_take(void **state)
{
	static const char *const bad[] = {"{", "[1]", "7", "", "{\"a\":1,\"a\":2}", "{} x"};
	struct home *h = *state;

	add_pylon(h, HOOK);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		RUN(h, "test", "p", "--dry-run", "--payload", bad[i]);
		assert_int_equal(h->status, EXIT_USAGE);
		expect_part(h->err, "--payload");
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, home_setup, home_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sample_of_every_recipe_passes_its_door),
		TEST(samples_fill_the_templates_of_construct),
		TEST(unsigned_pylon_gets_the_sample_that_its_templates_ask_for),
		TEST(dry_run_shows_what_would_come_of_it_and_sends_nothing),
		TEST(parts_that_are_not_set_are_not_shown),
		TEST(dry_run_as_json_is_one_object),
		TEST(secrets_that_are_sent_as_they_are_are_not_shown),
		TEST(schedule_gets_its_next_occurrence),
		TEST(discord_cannot_be_signed_here),
		TEST(payload_may_be_a_file_or_standard_input),
		TEST(payload_must_be_an_object_that_the_door_would_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
