/* SPDX-License-Identifier: MIT */
/*
 * tests/trigger/test_handshake.c - requests that only ask whether somebody is here.
 */
#include "base/crypto.h"
#include "trigger/trial.h"

#define SECRET "0123456789abcdef0123456789abcdef"

/* --- CloudEvents OPTIONS --- */

static bool has_line(const struct trial *t, const char *line)
{
	return strv_has(&t->answer.headers, line);
}

static struct trial trial_for(enum signature_recipe recipe)
{
	switch (recipe) {
	case SIGNATURE_NONE:
		return trial_unsigned();
	case SIGNATURE_HEX:
	case SIGNATURE_TOKEN:
		return trial_signed(recipe, "X-Sig", SECRET);
	case SIGNATURE_DISCORD:
		return trial_signed(recipe, NULL, SECRET SECRET);
	case SIGNATURE_GITHUB:
	case SIGNATURE_GITLAB:
	case SIGNATURE_SLACK:
	case SIGNATURE_STRIPE:
	case SIGNATURE_STANDARD:
	case SIGNATURE_LINEAR:
	case SIGNATURE_SENTRY:
	case SIGNATURE_BEARER:
	default:
		return trial_signed(recipe, NULL, SECRET);
	}
}

static void sender_of_cloud_events_may_ask_first(void **state)
{
	static const enum signature_recipe recipes[] = {SIGNATURE_NONE, SIGNATURE_HEX,
		SIGNATURE_BEARER, SIGNATURE_TOKEN, SIGNATURE_STANDARD};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(recipes); i++) {
		CLEANUP(trial_fini) struct trial t = trial_for(recipes[i]);

		assert_int_equal(
			ADMIT(&t, "OPTIONS", "WebHook-Request-Origin: sender.example"), 200);
		assert_true(has_line(&t, "WebHook-Allowed-Origin: sender.example"));
		assert_true(has_line(&t, "WebHook-Allowed-Rate: *"));
		assert_int_equal(t.answer.headers.n, 2);
		assert_string_equal(t.answer.allow, "POST, OPTIONS");
		assert_string_equal(t.answer.reply, "");
		assert_null(t.answer.code);
	}
}

static void senders_that_do_not_speak_cloud_events_get_405(void **state)
{
	static const enum signature_recipe recipes[] = {SIGNATURE_GITHUB, SIGNATURE_GITLAB,
		SIGNATURE_SLACK, SIGNATURE_STRIPE, SIGNATURE_LINEAR, SIGNATURE_SENTRY,
		SIGNATURE_DISCORD};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(recipes); i++) {
		CLEANUP(trial_fini) struct trial t = trial_for(recipes[i]);

		assert_int_equal(
			ADMIT(&t, "OPTIONS", "WebHook-Request-Origin: sender.example"), 405);
		assert_string_equal(t.answer.code, "method_not_allowed");
		assert_string_equal(t.answer.allow, "POST");
		assert_int_equal(t.answer.headers.n, 0);
		assert_int_equal(ADMIT(&t, "PUT", "Host: x"), 405);
		assert_string_equal(t.answer.allow, "POST");
	}
}

static void options_without_a_usable_origin_is_405(void **state)
{
	static const char *const bad[] = {"WebHook-Request-Origin:", "WebHook-Request-Origin: a b",
		"WebHook-Request-Origin: a\tb", "WebHook-Request-Origin: \xc3\xa9",
		"WebHook-Request-Origin: a\x7f", "Origin: sender.example",
		"WebHook-Request-Callback: https://sender.example/yes"};
	CLEANUP(trial_fini) struct trial t = trial_unsigned();

	(void)state;
	assert_int_equal(trial_admit(&t, "OPTIONS", NO_LINES), 405);
	assert_string_equal(t.answer.allow, "POST, OPTIONS");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(ADMIT(&t, "OPTIONS", bad[i]), 405);
		assert_null(t.answer.headers.v);
	}
	assert_int_equal(
		ADMIT(&t, "OPTIONS", "WebHook-Request-Origin: a", "webhook-request-origin: b"),
		405);
	assert_int_equal(ADMIT(&t, "POST", "WebHook-Request-Origin: sender.example"), 0);
}

static void origin_has_a_limit(void **state)
{
	CLEANUP(trial_fini) struct trial t = trial_unsigned();

	(void)state;
	for (size_t n = HANDSHAKE_ORIGIN_MAX - 1; n <= HANDSHAKE_ORIGIN_MAX + 1; n++) {
		char origin[HANDSHAKE_ORIGIN_MAX + 2];
		CLEANUP(freep) char *line = NULL;

		memset(origin, 'o', n);
		origin[n] = '\0';
		line = xasprintf("WebHook-Request-Origin: %s", origin);
		assert_int_equal(ADMIT(&t, "OPTIONS", line), n <= HANDSHAKE_ORIGIN_MAX ? 200 : 405);
	}
}

static void rate_that_is_asked_for_is_granted(void **state)
{
	static const char *const unclear[] = {
		"0", "-1", "1.5", "*", "", "1x", "99999999999999", "120\r\nEvil: 1"};
	CLEANUP(trial_fini) struct trial t = trial_unsigned();

	(void)state;
	assert_int_equal(
		ADMIT(&t, "OPTIONS", "WebHook-Request-Origin: *", "WebHook-Request-Rate: 120",
			"WebHook-Request-Callback: https://sender.example/yes"),
		200);
	assert_true(has_line(&t, "WebHook-Allowed-Origin: *"));
	assert_true(has_line(&t, "WebHook-Allowed-Rate: 120"));
	for (size_t i = 0; i < ARRAY_LEN(unclear); i++) {
		CLEANUP(freep) char *line = xasprintf("WebHook-Request-Rate: %s", unclear[i]);

		assert_int_equal(ADMIT(&t, "OPTIONS", "WebHook-Request-Origin: o", line), 200);
		assert_true(has_line(&t, "WebHook-Allowed-Rate: *"));
		assert_int_equal(t.answer.headers.n, 2);
	}
}

/* --- Slack --- */

#define VERIFY(challenge)                                                                          \
	"{\"token\":\"t\",\"challenge\":" challenge ",\"type\":\"url_verification\"}"

static void slack_challenge_is_echoed(void **state)
{
	CLEANUP(trial_fini) struct trial t = trial_signed(SIGNATURE_SLACK, NULL, SECRET);

	(void)state;
	assert_int_equal(trial_judge_signed(&t, VERIFY("\"3eZbrw1aBm2r\""),
				 LINES("Content-Type: application/json")),
		200);
	assert_string_equal(t.answer.reply, "{\"challenge\":\"3eZbrw1aBm2r\"}\n");
	assert_string_equal(t.answer.reply_type, "application/json");
	assert_null(t.event.headers_json);
	/* It goes back as it was written. */
	assert_int_equal(JUDGE_SIGNED(&t, VERIFY("\"a\\\"\\u00e9\"")), 200);
	assert_string_equal(t.answer.reply, "{\"challenge\":\"a\\\"\\u00e9\"}\n");
}

static void challenge_without_a_good_signature_is_refused(void **state)
{
	CLEANUP(trial_fini) struct trial t = trial_signed(SIGNATURE_SLACK, NULL, SECRET);

	(void)state;
	assert_int_equal(JUDGE_PLAIN(&t, VERIFY("\"x\"")), 401);
	assert_int_equal(
		JUDGE(&t, VERIFY("\"x\""), "X-Slack-Request-Timestamp: 1614265330",
			"X-Slack-Signature: v0="
			"0000000000000000000000000000000000000000000000000000000000000000"),
		401);
	assert_null(t.answer.reply);
}

static void challenge_has_a_limit(void **state)
{
	CLEANUP(trial_fini) struct trial t = trial_signed(SIGNATURE_SLACK, NULL, SECRET);
	char text[HANDSHAKE_CHALLENGE_MAX + 2];

	(void)state;
	for (size_t n = HANDSHAKE_CHALLENGE_MAX - 1; n <= HANDSHAKE_CHALLENGE_MAX + 1; n++) {
		CLEANUP(freep) char *body = NULL;

		memset(text, 'c', n);
		text[n] = '\0';
		body = xasprintf("{\"type\":\"url_verification\",\"challenge\":\"%s\"}", text);
		assert_int_equal(JUDGE_SIGNED(&t, body), 200);
		assert_string_equal(
			t.answer.outcome, n <= HANDSHAKE_CHALLENGE_MAX ? "handshake" : "ignored");
		assert_int_equal(t.answer.reply != NULL, n <= HANDSHAKE_CHALLENGE_MAX);
	}
}

static void verification_without_a_challenge_makes_no_job(void **state)
{
	static const char *const bodies[] = {
		"{\"type\":\"url_verification\"}", VERIFY("7"), VERIFY("null"), VERIFY("{}")};
	CLEANUP(trial_fini) struct trial t = trial_signed(SIGNATURE_SLACK, NULL, SECRET);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		assert_int_equal(JUDGE_SIGNED(&t, bodies[i]), 200);
		assert_string_equal(t.answer.outcome, "ignored");
		assert_null(t.answer.reply);
	}
}

static void slack_events_are_events(void **state)
{
	static const char *const bodies[] = {"{\"type\":\"event_callback\",\"challenge\":\"x\"}",
		"{\"challenge\":\"x\"}", "{\"event\":{\"type\":\"url_verification\"}}", "{}",
		"{\"type\":[\"url_verification\"]}"};
	CLEANUP(trial_fini) struct trial t = trial_signed(SIGNATURE_SLACK, NULL, SECRET);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
		assert_int_equal(JUDGE_SIGNED(&t, bodies[i]), 0);
	assert_int_equal(trial_judge_signed(&t, "type=url_verification&challenge=x",
				 LINES("Content-Type: application/x-www-form-urlencoded")),
		0);
	assert_string_equal(
		t.event.body, "{\"form\":{\"type\":\"url_verification\",\"challenge\":\"x\"}}");
}

static void challenges_to_other_recipes_are_events(void **state)
{
	CLEANUP(trial_fini) struct trial plain = trial_unsigned();
	CLEANUP(trial_fini) struct trial github = trial_signed(SIGNATURE_GITHUB, NULL, SECRET);

	(void)state;
	assert_int_equal(JUDGE_PLAIN(&plain, VERIFY("\"x\"")), 0);
	assert_int_equal(JUDGE_PLAIN(&plain, "{\"type\":1}"), 0);
	assert_int_equal(JUDGE_SIGNED(&github, VERIFY("\"x\"")), 0);
	assert_int_equal(JUDGE_SIGNED(&github, "{\"type\":1}"), 0);
}

static void handshake_is_not_filtered(void **state)
{
	CLEANUP(trial_fini)
	struct trial t = trial_filtered_signed(SIGNATURE_SLACK, NULL, SECRET, "false", NULL);

	(void)state;
	assert_int_equal(JUDGE_SIGNED(&t, VERIFY("\"x\"")), 200);
	assert_string_equal(t.answer.reply, "{\"challenge\":\"x\"}\n");
	assert_int_equal(JUDGE_SIGNED(&t, "{}"), 200);
	assert_string_equal(t.answer.outcome, "ignored");
}

/* --- Discord --- */

static const uint8_t seed[ED25519_KEY_SIZE] = {1, 2, 3, 4, 5, 6, 7, 8};

static struct trial discord_trial(void)
{
	uint8_t public_key[ED25519_KEY_SIZE];
	char hex[2 * ED25519_KEY_SIZE + 1];

	ed25519_public(seed, public_key);
	hex_encode(public_key, sizeof(public_key), hex);
	return trial_signed(SIGNATURE_DISCORD, NULL, hex);
}

/* Sends one body with the signature of another. */
static int judge_discord_as(struct trial *t, const char *body, const char *signed_body)
{
	CLEANUP(freep) char *message = xasprintf("1614265330%s", signed_body);
	CLEANUP(freep) char *line = NULL;
	uint8_t made[ED25519_SIG_SIZE];
	char hex[2 * ED25519_SIG_SIZE + 1];

	ed25519_sign(seed, message, strlen(message), made);
	hex_encode(made, sizeof(made), hex);
	line = xasprintf("X-Signature-Ed25519: %s", hex);
	return JUDGE(t, body, "X-Signature-Timestamp: 1614265330", line);
}

static int judge_discord(struct trial *t, const char *body)
{
	return judge_discord_as(t, body, body);
}

static void discord_ping_is_echoed(void **state)
{
	CLEANUP(trial_fini) struct trial t = discord_trial();

	(void)state;
	assert_int_equal(judge_discord(&t, "{\"type\":1}"), 200);
	assert_string_equal(t.answer.reply, "{\"type\":1}\n");
	assert_string_equal(t.answer.reply_type, "application/json");
	assert_int_equal(
		judge_discord(&t, "{\"version\":1,\"type\":1,\"id\":\"7\",\"token\":\"x\"}"), 200);
	assert_string_equal(t.answer.reply, "{\"type\":1}\n");
}

static void discord_ping_of_webhook_events_gets_an_empty_204(void **state)
{
	CLEANUP(trial_fini) struct trial t = discord_trial();

	(void)state;
	assert_int_equal(
		judge_discord(&t, "{\"version\":1,\"application_id\":\"1\",\"type\":0}"), 204);
	assert_string_equal(t.answer.reply, "");
	assert_null(t.answer.reply_type);
}

/* Discord registers an endpoint only when it turns wrong signatures away. */
static void discord_ping_without_a_good_signature_is_refused(void **state)
{
	CLEANUP(trial_fini) struct trial t = discord_trial();

	(void)state;
	assert_int_equal(JUDGE_PLAIN(&t, "{\"type\":1}"), 401);
	assert_int_equal(judge_discord_as(&t, "{\"type\":1}", "{\"type\":1}"), 200);
	assert_int_equal(judge_discord_as(&t, "{\"type\":1}", "{\"type\":2}"), 401);
	assert_null(t.answer.reply);
}

static void discord_events_are_events(void **state)
{
	static const char *const bodies[] = {"{\"type\":2}", "{\"type\":\"1\"}", "{\"type\":1.0}",
		"{\"type\":1,\"event\":{\"type\":\"APPLICATION_AUTHORIZED\"}}",
		"{\"data\":{\"type\":1}}", "{}"};
	CLEANUP(trial_fini) struct trial t = discord_trial();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
		assert_int_equal(judge_discord(&t, bodies[i]), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sender_of_cloud_events_may_ask_first),
		cmocka_unit_test(senders_that_do_not_speak_cloud_events_get_405),
		cmocka_unit_test(options_without_a_usable_origin_is_405),
		cmocka_unit_test(origin_has_a_limit),
		cmocka_unit_test(rate_that_is_asked_for_is_granted),
		cmocka_unit_test(slack_challenge_is_echoed),
		cmocka_unit_test(challenge_without_a_good_signature_is_refused),
		cmocka_unit_test(challenge_has_a_limit),
		cmocka_unit_test(verification_without_a_challenge_makes_no_job),
		cmocka_unit_test(slack_events_are_events),
		cmocka_unit_test(challenges_to_other_recipes_are_events),
		cmocka_unit_test(handshake_is_not_filtered),
		cmocka_unit_test(discord_ping_is_echoed),
		cmocka_unit_test(discord_ping_of_webhook_events_gets_an_empty_204),
		cmocka_unit_test(discord_ping_without_a_good_signature_is_refused),
		cmocka_unit_test(discord_events_are_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
