/* SPDX-License-Identifier: MIT */
/*
 * tests/signature/test_recipes.c - one genuine request for each recipe, and everything that must
 * not pass in its place; then the rules of single recipes: timestamps, lists, tokens, keys. The
 * digests were made with Python's hmac, the Ed25519 signature with the key of RFC 8032 TEST 2.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "base/crypto.h"
#include "base/limits.h"
#include "cmocka.h" /* quoted: it must follow the headers above */
#include "signature/request.h"
#include "signature/signature.h"

#define SECRET      "a secret in words"
#define BODY        "{\"action\":\"create\",\"webhookTimestamp\":1700000000000}"
#define BODY_HEX    "aaa5fb4c9257ca48e74e19dc054298f46473e70c1c8c7d160a188b7fabff8571"
#define SLACK_HEX   "9c48fbb960a994b71370d863dee7e6f0af2980040132b07587cd2c1e9a425953"
#define STRIPE_HEX  "e92d2c9b0c1b3f4dbf7a7bc53f6f45cf01986afabddcd73f5828b3e910dab8b4"
#define ELDER_HEX   "743397441869bb40569bd15b23b1e4f1d283ebbfaa2dce28d902e45001314a39"
#define SLACK_TIME  "X-Slack-Request-Timestamp: 1700000000"
#define SLACK_SIG   "X-Slack-Signature: v0=" SLACK_HEX
#define NOW         1700000000
#define STD_SECRET  "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define PING        "{\"type\":1}"
#define DISCORD_KEY "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
#define OTHER_KEY   "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
#define DISCORD_HEX                                                                                \
	"f469ecef789749220e905777fb1f6bc03b827ddd6097c3fc0a7924131c221ab1"                         \
	"4abed319656685a311beeb741a33ee88a5e14858e3aa0c3d1efc66804188b00e"
#define DISCORD_SIG  "X-Signature-Ed25519: " DISCORD_HEX
#define DISCORD_TIME "X-Signature-Timestamp: 1700000000"

/* A genuine request. The line with the signature is the first. */
struct sample {
	enum signature_recipe recipe;
	const char *header; /* configured */
	const char *secret, *wrong_secret;
	const char *body;
	int64_t now_s;
	const char *lines[4];
	bool is_token; /* the body is not signed */
};

static const struct sample samples[] = {
	{SIGNATURE_HEX, "X-Sig", SECRET, "other", BODY, 0, {"X-Sig: " BODY_HEX}, false},
	{SIGNATURE_GITHUB, NULL, SECRET, "other", BODY, 0,
		{"X-Hub-Signature-256: sha256=" BODY_HEX}, false},
	{SIGNATURE_LINEAR, NULL, SECRET, "other", BODY, NOW, {"Linear-Signature: " BODY_HEX},
		false},
	{SIGNATURE_SENTRY, NULL, SECRET, "other", BODY, 0, {"Sentry-Hook-Signature: " BODY_HEX},
		false},
	{SIGNATURE_SLACK, NULL, SECRET, "other", BODY, NOW, {SLACK_SIG, SLACK_TIME}, false},
	{SIGNATURE_STRIPE, NULL, SECRET, "other", BODY, NOW,
		{"Stripe-Signature: t=1700000000,v1=" STRIPE_HEX}, false},
	{SIGNATURE_STANDARD, NULL, STD_SECRET, "whsec_b3RoZXI=", "{\"test\": 2432232314}",
		1614265330,
		{"webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
			"webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek",
			"webhook-timestamp: 1614265330"},
		false},
	{SIGNATURE_DISCORD, NULL, DISCORD_KEY, OTHER_KEY, PING, 0, {DISCORD_SIG, DISCORD_TIME},
		false},
	{SIGNATURE_GITLAB, NULL, SECRET, "other", BODY, 0, {"X-Gitlab-Token: " SECRET}, true},
	{SIGNATURE_BEARER, NULL, SECRET, "other", BODY, 0, {"Authorization: Bearer " SECRET}, true},
	{SIGNATURE_TOKEN, "X-Key", SECRET, "other", BODY, 0, {"X-Key: " SECRET}, true},
};

static size_t line_count(const struct sample *c)
{
	size_t n = 0;

	while (c->lines[n] != NULL)
		n++;
	return n;
}

/* The verdict about a sample with lines[i] replaced (NULL: left out). */
static int verify_with_line(
	const struct signature *s, const struct sample *c, size_t i, const char *line)
{
	const char *lines[4] = {NULL};
	size_t n = 0;

	for (size_t k = 0; k < line_count(c); k++)
		if (k != i)
			lines[n++] = c->lines[k];
	if (line != NULL)
		lines[n] = line;
	return request_verify(s, c->body, c->now_s, lines);
}

/* Runs a check for each sample. */
static void for_each(void (*check)(const struct signature *s, const struct sample *c))
{
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		const struct sample *c = &samples[i];
		CLEANUP(signature_freep)
		struct signature *s = signature_of(c->recipe, c->header, c->secret);

		assert_int_equal(request_verify(s, c->body, c->now_s, c->lines), 0);
		check(s, c);
	}
}

static void check_every_recipe_is_here(void)
{
	for (int r = SIGNATURE_NONE + 1; r <= SIGNATURE_TOKEN; r++) {
		bool is_here = false;

		for (size_t i = 0; i < ARRAY_LEN(samples); i++)
			is_here |= (int)samples[i].recipe == r;
		assert_true(is_here);
	}
}

/* --- what holds for every recipe --- */

static void change_body(const struct signature *s, const struct sample *c)
{
	CLEANUP(freep) char *body = xstrdup(c->body);
	int expected = c->is_token ? 0 : SIGNATURE_E_BAD_SIGNATURE;

	for (size_t i = 0; body[i] != '\0'; i++) {
		body[i] ^= 1;
		assert_int_equal(request_verify(s, body, c->now_s, c->lines), expected);
		body[i] ^= 1;
	}
	body[strlen(body) - 1] = '\0';
	assert_int_equal(request_verify(s, body, c->now_s, c->lines), expected);
}

static void changed_body_is_refused_where_it_is_signed(void **state)
{
	(void)state;
	check_every_recipe_is_here();
	for_each(change_body);
}

static void change_lines(const struct signature *s, const struct sample *c)
{
	for (size_t i = 0; i < line_count(c); i++) {
		CLEANUP(freep) char *line = xstrdup(c->lines[i]);

		for (char *p = strchr(line, ':') + 2; *p != '\0'; p++) {
			char kept = *p;

			/* Neither the case of a hex digit nor that of "Bearer" matters. */
			*p = kept == '7' ? '8' : '7';
			assert_int_not_equal(verify_with_line(s, c, i, line), 0);
			*p = kept;
		}
		assert_int_equal(verify_with_line(s, c, i, line), 0);
	}
}

static void every_changed_character_of_the_headers_is_refused(void **state)
{
	(void)state;
	for_each(change_lines);
}

static void leave_out_lines(const struct signature *s, const struct sample *c)
{
	for (size_t i = 0; i < line_count(c); i++) {
		CLEANUP(freep) char *empty = xstrdup(c->lines[i]);
		CLEANUP(strv_fini) struct strv lines = STRV_NULL;

		assert_int_equal(verify_with_line(s, c, i, NULL), SIGNATURE_E_MISSING_HEADER);
		strchr(empty, ':')[1] = '\0';
		assert_int_equal(verify_with_line(s, c, i, empty), SIGNATURE_E_MALFORMED_HEADER);
		for (size_t k = 0; k < line_count(c); k++)
			strv_add(&lines, c->lines[k]);
		strv_add(&lines, c->lines[i]);
		assert_int_equal(signature_verify(s, request_header, &lines, slice_of(c->body),
					 c->now_s * US_PER_SEC),
			SIGNATURE_E_MALFORMED_HEADER);
	}
}

static void each_header_must_be_there_exactly_once(void **state)
{
	(void)state;
	for_each(leave_out_lines);
}

static int verify_with_secrets(
	const struct sample *c, const char *first, const char *second, const char *third)
{
	CLEANUP(signature_freep) struct signature *s = NULL;
	CLEANUP(strv_fini) struct strv secrets = STRV_NULL;

	strv_add(&secrets, first);
	strv_add(&secrets, second);
	strv_add(&secrets, third);
	assert_int_equal(signature_new(&s, c->recipe, c->header, &secrets, -1, NULL), 0);
	return request_verify(s, c->body, c->now_s, c->lines);
}

static void change_secrets(const struct signature *s, const struct sample *c)
{
	const char *good = c->secret, *bad = c->wrong_secret;

	(void)s;
	assert_int_equal(verify_with_secrets(c, good, bad, bad), 0);
	assert_int_equal(verify_with_secrets(c, bad, good, bad), 0);
	assert_int_equal(verify_with_secrets(c, bad, bad, good), 0);
	assert_int_equal(verify_with_secrets(c, bad, bad, bad), SIGNATURE_E_BAD_SIGNATURE);
}

static void any_active_secret_may_match_and_no_other(void **state)
{
	(void)state;
	for_each(change_secrets);
}

static void tell_why(const struct signature *s, const struct sample *c)
{
	CLEANUP(strv_fini) struct strv lines = STRV_NULL;
	struct err why = CLEAN_ERR;

	assert_int_equal(signature_check(s, request_header, &lines, slice_of(c->body), 0, &why),
		SIGNATURE_E_MISSING_HEADER);
	assert_true(str_has_prefix(why.text, "there is no header "));
}

static void refusal_is_told_in_words(void **state)
{
	(void)state;
	for_each(tell_why);
}

static void sign_and_verify(const struct signature *s, const struct sample *c)
{
	CLEANUP(strv_fini) struct strv made = STRV_NULL;
	int64_t now = c->now_s * US_PER_SEC + 999999;

	signature_sign(s, slice_of(c->body), "id-1", now, &made);
	if (c->recipe == SIGNATURE_DISCORD) {
		assert_int_equal(made.n, 0);
		return;
	}
	assert_int_equal(signature_verify(s, request_header, &made, slice_of(c->body), now), 0);
	/* The last line is the sample's, but for the id that is signed. */
	if (c->recipe != SIGNATURE_STANDARD)
		assert_string_equal(made.v[made.n - 1], c->lines[0]);
}

static void what_is_signed_is_what_the_sender_sends(void **state)
{
	(void)state;
	for_each(sign_and_verify);
}

static void delivery_id_is_sent_where_the_recipe_has_one(void **state)
{
	static const struct {
		enum signature_recipe recipe;
		const char *line;
	} cases[] = {
		{SIGNATURE_GITHUB, "X-GitHub-Delivery: id-1"},
		{SIGNATURE_GITLAB, "Idempotency-Key: id-1"},
		{SIGNATURE_LINEAR, "Linear-Delivery: id-1"},
		{SIGNATURE_SENTRY, "Request-ID: id-1"},
		{SIGNATURE_STANDARD, "webhook-id: id-1"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(signature_freep)
		struct signature *s = signature_of(cases[i].recipe, NULL, "c2VjcmV0");
		CLEANUP(strv_fini) struct strv made = STRV_NULL;

		signature_sign(s, SLICE_NULL, "id-1", 0, &made);
		assert_string_equal(made.v[0], cases[i].line);
	}
	for (int r = SIGNATURE_HEX; r <= SIGNATURE_TOKEN; r++) {
		bool has_id = false;

		for (size_t i = 0; i < ARRAY_LEN(cases); i++)
			has_id |= (int)cases[i].recipe == r;
		assert_true(has_id ==
			    (signature_delivery_header((enum signature_recipe)r, NULL) != NULL));
	}
}

/* --- timestamps --- */

static int verify_slack(const char *timestamp, int64_t now_s)
{
	CLEANUP(signature_freep) struct signature *s = signature_of(SIGNATURE_SLACK, NULL, SECRET);
	CLEANUP(freep) char *line = xasprintf("X-Slack-Request-Timestamp: %s", timestamp);

	return VERIFY(s, BODY, now_s, line, SLACK_SIG);
}

static int verify_stripe(const char *value, int64_t now_s)
{
	CLEANUP(signature_freep) struct signature *s = signature_of(SIGNATURE_STRIPE, NULL, SECRET);
	CLEANUP(freep) char *line = xasprintf("Stripe-Signature: %s", value);

	return VERIFY(s, BODY, now_s, line);
}

static void slack_and_stripe_are_fresh_for_five_minutes_in_both_directions(void **state)
{
	static const struct {
		int64_t off_s;
		int expected;
	} cases[] = {{299, 0}, {300, 0}, {301, SIGNATURE_E_STALE_TIMESTAMP}, {-299, 0}, {-300, 0},
		{-301, SIGNATURE_E_STALE_TIMESTAMP}, {-NOW, SIGNATURE_E_STALE_TIMESTAMP}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t now_s = NOW + cases[i].off_s;

		assert_int_equal(verify_slack("1700000000", now_s), cases[i].expected);
		assert_int_equal(
			verify_stripe("t=1700000000,v1=" STRIPE_HEX, now_s), cases[i].expected);
	}
}

static const char *const bad_times[] = {"1700000000.0", " 1700000000", "1700000000 ", "+1700000000",
	"-1700000000", "1700000000s", "0x6553F100", "1e9", "1 700000000", "now",
	"99999999999999999999999", "9223372036854775808", "18446744075409551616",
	"\xd9\xa1\xd9\xa7"};

static void timestamps_are_digits_that_can_be_a_time(void **state)
{
	CLEANUP(signature_freep)
	struct signature *discord = signature_of(SIGNATURE_DISCORD, NULL, DISCORD_KEY);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad_times); i++) {
		CLEANUP(freep) char *list = xasprintf("t=%s,v1=" STRIPE_HEX, bad_times[i]);
		CLEANUP(freep) char *line = xasprintf("X-Signature-Timestamp: %s", bad_times[i]);

		assert_int_equal(verify_slack(bad_times[i], NOW), SIGNATURE_E_MALFORMED_HEADER);
		assert_int_equal(verify_stripe(list, NOW), SIGNATURE_E_MALFORMED_HEADER);
		assert_int_equal(VERIFY(discord, PING, NOW, line, DISCORD_SIG),
			SIGNATURE_E_MALFORMED_HEADER);
	}
	/* The digits are signed as they stand. */
	assert_int_equal(verify_slack("01700000000", NOW), SIGNATURE_E_BAD_SIGNATURE);
}

/* A linear body with what is put after the name of the member, genuinely signed. */
static int verify_linear_body(const char *body, int64_t now_ms)
{
	CLEANUP(signature_freep) struct signature *s = signature_of(SIGNATURE_LINEAR, NULL, SECRET);
	CLEANUP(strv_fini) struct strv made = STRV_NULL;

	signature_sign(s, slice_of(body), NULL, 0, &made);
	return signature_verify(s, request_header, &made, slice_of(body), now_ms * US_PER_MS);
}

static void linear_is_fresh_for_a_minute_by_its_body(void **state)
{
	static const struct {
		int64_t off_ms;
		int expected;
	} cases[] = {{0, 0}, {59999, 0}, {60000, 0}, {60001, SIGNATURE_E_STALE_TIMESTAMP},
		{-59999, 0}, {-60000, 0}, {-60001, SIGNATURE_E_STALE_TIMESTAMP}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(verify_linear_body(BODY, INT64_C(1700000000000) + cases[i].off_ms),
			cases[i].expected);
}

static void linear_body_without_a_time_is_stale(void **state)
{
	static const char *const bad[] = {"", "null", "[]", "{}", "{\"webhookTimestamp\"", "1",
		"\"webhookTimestamp\"", "{\"webhookTimestamp\":\"1700000000000\"}",
		"{\"webhookTimestamp\":1700000000000.0}", "{\"webhookTimestamp\":1.7e12}",
		"{\"webhookTimestamp\":-1700000000000}", "{\"webhookTimestamp\":null}",
		"{\"webhookTimestamp\":[1700000000000]}",
		"{\"webhookTimestamp\":99999999999999999999999}",
		"{\"data\":{\"webhookTimestamp\":1700000000000}}",
		"[{\"webhookTimestamp\":1700000000000}]", "{\"webhooktimestamp\":1700000000000}",
		BODY "x", "{\"webhookTimestamp\":1,\"webhookTimestamp\":1700000000000}"};
	static const char *const good[] = {BODY, " " BODY "\n",
		"{ \"webhookTimestamp\" : 1700000000000 }",
		"{\"data\":{\"webhookTimestamp\":1},\"webhookTimestamp\":1700000000000}",
		"{\"webhook\\u0054imestamp\":1700000000000}"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(verify_linear_body(bad[i], INT64_C(1700000000000)),
			SIGNATURE_E_STALE_TIMESTAMP);
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_int_equal(verify_linear_body(good[i], INT64_C(1700000000000)), 0);
}

static void linear_signature_goes_before_its_time(void **state)
{
	CLEANUP(signature_freep) struct signature *s = signature_of(SIGNATURE_LINEAR, NULL, SECRET);

	(void)state;
	assert_int_equal(
		VERIFY(s, "{", 0, "Linear-Signature: " BODY_HEX), SIGNATURE_E_BAD_SIGNATURE);
}

static void configured_tolerance_counts_where_the_time_is_signed(void **state)
{
	static const struct {
		enum signature_recipe recipe;
		bool is_signed;
	} cases[] = {{SIGNATURE_SLACK, true}, {SIGNATURE_STRIPE, true}, {SIGNATURE_LINEAR, true},
		{SIGNATURE_DISCORD, true}, {SIGNATURE_SENTRY, false}, {SIGNATURE_GITHUB, false}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(signature_freep) struct signature *s = NULL;
		CLEANUP(strv_fini) struct strv secrets = STRV_NULL;
		const struct sample *c = samples;
		int stale = cases[i].is_signed ? SIGNATURE_E_STALE_TIMESTAMP : 0;

		while (c->recipe != cases[i].recipe)
			c++;
		strv_add(&secrets, c->secret);
		assert_int_equal(
			signature_new(&s, c->recipe, NULL, &secrets, 9 * US_PER_SEC, NULL), 0);
		assert_int_equal(request_verify(s, c->body, NOW + 9, c->lines), 0);
		assert_int_equal(request_verify(s, c->body, NOW + 10, c->lines), stale);
		assert_int_equal(request_verify(s, c->body, NOW - 10, c->lines), stale);
	}
}

/* --- single recipes --- */

static void slack_wants_its_version_in_front(void **state)
{
	static const char *const bad[] = {SLACK_HEX, "v1=" SLACK_HEX, "V0=" SLACK_HEX,
		"v0:" SLACK_HEX, "v0= " SLACK_HEX, "v0=" SLACK_HEX "00", "v0=", "sha256=" SLACK_HEX,
		"v0=v0=" SLACK_HEX};
	CLEANUP(signature_freep) struct signature *s = signature_of(SIGNATURE_SLACK, NULL, SECRET);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CLEANUP(freep) char *line = xasprintf("X-Slack-Signature: %s", bad[i]);

		assert_int_equal(
			VERIFY(s, BODY, NOW, line, SLACK_TIME), SIGNATURE_E_MALFORMED_HEADER);
	}
	/* Another version of the signed text, with a digest that would fit it. */
	assert_int_equal(VERIFY(s, BODY, NOW, "X-Slack-Signature: v0=" STRIPE_HEX, SLACK_TIME),
		SIGNATURE_E_BAD_SIGNATURE);
}

static void linear_and_sentry_have_bare_digits(void **state)
{
	CLEANUP(signature_freep) struct signature *l = signature_of(SIGNATURE_LINEAR, NULL, SECRET);
	CLEANUP(signature_freep) struct signature *s = signature_of(SIGNATURE_SENTRY, NULL, SECRET);

	(void)state;
	assert_int_equal(VERIFY(l, BODY, NOW, "Linear-Signature: sha256=" BODY_HEX),
		SIGNATURE_E_MALFORMED_HEADER);
	assert_int_equal(VERIFY(s, BODY, NOW, "Sentry-Hook-Signature: sha256=" BODY_HEX),
		SIGNATURE_E_MALFORMED_HEADER);
}

static void stripe_takes_any_v1_of_its_list_in_any_order(void **state)
{
	static const char *const good[] = {
		"v1=" STRIPE_HEX ",t=1700000000",
		"t=1700000000,v1=" ELDER_HEX ",v1=" STRIPE_HEX,
		"t=1700000000,v1=" STRIPE_HEX ",v1=" ELDER_HEX,
		"t=1700000000,v0=" ELDER_HEX ",v1=" STRIPE_HEX ",v2=x=y",
		"t=1700000000,v1=potato,v1=,v1=" STRIPE_HEX,
	};
	static const char *const bad[] = {
		"t=1700000000,v1=" ELDER_HEX,
		"t=1700000000,v1=" ELDER_HEX ",v1=" ELDER_HEX,
		"t=1700000001,v1=" STRIPE_HEX,
		"t=1700000000,v0=" STRIPE_HEX ",v1=" ELDER_HEX,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_int_equal(verify_stripe(good[i], NOW), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(verify_stripe(bad[i], NOW), SIGNATURE_E_BAD_SIGNATURE);
}

static void stripe_list_is_read_strictly(void **state)
{
	static const char *const bad[] = {"x", "=", ",", "t=1700000000",
		"t=1700000000,v1=", "t=1700000000,v1", "t,v1=" STRIPE_HEX, "t=,v1=" STRIPE_HEX,
		"v1=" STRIPE_HEX, "t=1700000000,v0=" STRIPE_HEX, "t=1700000000,V1=" STRIPE_HEX,
		"T=1700000000,v1=" STRIPE_HEX, "t=1700000000, v1=" STRIPE_HEX,
		"t=1700000000 ,v1=" STRIPE_HEX, " t=1700000000,v1=" STRIPE_HEX,
		"t=1700000000;v1=" STRIPE_HEX, "t=1700000000,v1=" STRIPE_HEX ",",
		"t=1700000000,,v1=" STRIPE_HEX, "t=1700000000,v1=" STRIPE_HEX "00",
		"t=1700000000,v1= " STRIPE_HEX, "t=1700000000,v1=" STRIPE_HEX " ",
		"t=1700000000,t=1700000000,v1=" STRIPE_HEX, "t=1,v1=" STRIPE_HEX ",t=1700000000",
		"t=,t=1700000000,v1=" STRIPE_HEX, "t=1700000000.0,v1=" STRIPE_HEX,
		"t=1700000000,v11=" STRIPE_HEX, "tt=1700000000,v1=" STRIPE_HEX};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(verify_stripe(bad[i], NOW), SIGNATURE_E_MALFORMED_HEADER);
}

static void stripe_list_is_bounded(void **state)
{
	(void)state;
	for (size_t n = 15; n <= 17; n++) {
		CLEANUP(buf_fini) struct buf list = BUF_NULL;

		buf_add_str(&list, "t=1700000000");
		for (size_t i = 2; i < n; i++)
			buf_add_str(&list, ",v1=" ELDER_HEX);
		buf_add_str(&list, ",v1=" STRIPE_HEX);
		assert_int_equal(verify_stripe(buf_str(&list), NOW),
			n <= 16 ? 0 : SIGNATURE_E_MALFORMED_HEADER);
	}
}

static void discord_timestamp_and_body_cannot_be_shifted(void **state)
{
	CLEANUP(signature_freep)
	struct signature *s = signature_of(SIGNATURE_DISCORD, NULL, DISCORD_KEY);

	(void)state;
	/* The signed bytes are the same in all of these. */
	assert_int_equal(VERIFY(s, PING, 0, DISCORD_SIG, DISCORD_TIME), 0);
	assert_int_equal(VERIFY(s, "0" PING, 0, DISCORD_SIG, "X-Signature-Timestamp: 170000000"),
		SIGNATURE_E_MALFORMED_HEADER);
	assert_int_equal(VERIFY(s, "00000000" PING, 0, DISCORD_SIG, "X-Signature-Timestamp: 17"),
		SIGNATURE_E_MALFORMED_HEADER);
	assert_int_equal(
		VERIFY(s, "\"type\":1}", 0, DISCORD_SIG, "X-Signature-Timestamp: 1700000000{"),
		SIGNATURE_E_MALFORMED_HEADER);
	assert_int_equal(
		VERIFY(s, "", 0, DISCORD_SIG, "X-Signature-Timestamp: 1700000000{\"type\":1}"),
		SIGNATURE_E_MALFORMED_HEADER);
}

static void discord_signature_is_128_hex_digits(void **state)
{
	static const char *const bad[] = {DISCORD_HEX "00", DISCORD_HEX " ", "0x" DISCORD_HEX,
		"9KzvKJdJIg6QV3f7H2vAO4J93WCXw/wKeSQTHCIasUq+0xllZoWjEb7rdBoz7oil4UhY46oMPR78ZoBBiL"
		"AO",
		SLACK_HEX, "v1=" DISCORD_HEX};
	CLEANUP(signature_freep)
	struct signature *s = signature_of(SIGNATURE_DISCORD, NULL, DISCORD_KEY);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CLEANUP(freep) char *line = xasprintf("X-Signature-Ed25519: %s", bad[i]);

		assert_int_equal(
			VERIFY(s, PING, 0, line, DISCORD_TIME), SIGNATURE_E_MALFORMED_HEADER);
	}
}

static int new_with_secret(enum signature_recipe recipe, const char *header, const char *secret)
{
	CLEANUP(signature_freep) struct signature *s = NULL;
	CLEANUP(strv_fini) struct strv secrets = STRV_NULL;

	strv_add(&secrets, secret);
	return signature_new(&s, recipe, header, &secrets, -1, NULL);
}

static void discord_secret_is_a_public_key(void **state)
{
	static const char *const bad[] = {"secret", DISCORD_KEY "00", " " DISCORD_KEY,
		"0x4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
		"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660g",
		"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af466",
		"PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=",
		/* A placeholder that was never filled in: everybody can sign for it. */
		"0000000000000000000000000000000000000000000000000000000000000000"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(
			new_with_secret(SIGNATURE_DISCORD, NULL, bad[i]), SIGNATURE_E_BAD_SECRET);
	assert_int_equal(
		new_with_secret(SIGNATURE_DISCORD, NULL,
			"3D4017C3E843895A92B70AA74D1B7EBC9C982CCF2EC4968CC0CD55F12AF4660C"),
		0);
}

static void token_must_be_the_whole_secret(void **state)
{
	static const char *const bad[] = {"a secret in word", "a secret in wordsx",
		"A secret in words", "a", " " SECRET, SECRET " ", "Bearer " SECRET,
		SECRET "," SECRET};
	static const enum signature_recipe recipes[] = {SIGNATURE_GITLAB, SIGNATURE_TOKEN};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad) * 2; i++) {
		CLEANUP(signature_freep)
		struct signature *s = signature_of(recipes[i % 2], "X-Key", SECRET);
		CLEANUP(freep) char *line = xasprintf("X-Key: %s", bad[i / 2]);

		assert_int_equal(VERIFY(s, BODY, 0, line), SIGNATURE_E_BAD_SIGNATURE);
	}
}

static void token_that_no_header_can_carry_is_refused(void **state)
{
	static const char *const bad[] = {" x", "x ", "x\t", "x\n", "x\ny", "x\x7fy", "\rx"};
	static const char *const good[] = {"x", "x y", "x\ty", "\xc3\xa9", "$x", "{}"};
	static const enum signature_recipe recipes[] = {
		SIGNATURE_GITLAB, SIGNATURE_TOKEN, SIGNATURE_BEARER};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(recipes); i++) {
		for (size_t k = 0; k < ARRAY_LEN(bad); k++)
			assert_int_equal(new_with_secret(recipes[i], "X-Key", bad[k]),
				SIGNATURE_E_BAD_SECRET);
		for (size_t k = 0; k < ARRAY_LEN(good); k++)
			assert_int_equal(new_with_secret(recipes[i], "X-Key", good[k]), 0);
	}
}

static void bearer_scheme_is_read_as_http_says(void **state)
{
	static const char *const good[] = {
		"Bearer k-1", "bearer k-1", "BEARER k-1", "Bearer    k-1"};
	static const char *const malformed[] = {"k-1", "Bearer", "Bearer ", "Bearer   ",
		"Bearerk-1", "Basic k-1", "Token k-1", "Bearer\tk-1", " Bearer k-1", "Bearer=k-1"};
	static const char *const bad[] = {"Bearer k-", "Bearer k-1x", "Bearer K-1", "Bearer k-1 ",
		"Bearer \tk-1", "Bearer Bearer k-1", "Bearer \"k-1\"", "Bearer k-1, Bearer k-1"};
	CLEANUP(signature_freep) struct signature *s = signature_of(SIGNATURE_BEARER, NULL, "k-1");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		CLEANUP(freep) char *line = xasprintf("Authorization: %s", good[i]);

		assert_int_equal(VERIFY(s, BODY, 0, line), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(malformed); i++) {
		CLEANUP(freep) char *line = xasprintf("Authorization: %s", malformed[i]);

		assert_int_equal(VERIFY(s, BODY, 0, line), SIGNATURE_E_MALFORMED_HEADER);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CLEANUP(freep) char *line = xasprintf("Authorization: %s", bad[i]);

		assert_int_equal(VERIFY(s, BODY, 0, line), SIGNATURE_E_BAD_SIGNATURE);
	}
}

static void gitlab_delivery_is_named_by_the_key_that_survives_repetition(void **state)
{
	CLEANUP(signature_freep) struct signature *s = signature_of(SIGNATURE_GITLAB, NULL, SECRET);
	CLEANUP(strv_fini) struct strv lines = STRV_NULL;

	(void)state;
	strv_add(&lines, "X-Gitlab-Event-UUID: 1");
	assert_string_equal(
		signature_delivery_id_header(s, request_header, &lines), "X-Gitlab-Event-UUID");
	strv_add(&lines, "Idempotency-Key: 2");
	assert_string_equal(
		signature_delivery_id_header(s, request_header, &lines), "Idempotency-Key");
}

/* --- the configured header --- */

static void configured_header_takes_the_place_of_the_recipes_own(void **state)
{
	static const enum signature_recipe fixed[] = {
		SIGNATURE_SLACK, SIGNATURE_DISCORD, SIGNATURE_STANDARD};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		const struct sample *c = &samples[i];
		bool is_fixed = false;

		for (size_t k = 0; k < ARRAY_LEN(fixed); k++)
			is_fixed |= c->recipe == fixed[k];
		assert_int_equal(
			new_with_secret(c->recipe, "X-Other", c->secret), is_fixed ? -EINVAL : 0);
		if (!is_fixed) {
			CLEANUP(signature_freep)
			struct signature *s = signature_of(c->recipe, "X-Other", c->secret);
			CLEANUP(freep)
			char *line = xasprintf("x-other%s", strchr(c->lines[0], ':'));

			assert_int_equal(VERIFY(s, c->body, c->now_s, line), 0);
			assert_int_equal(request_verify(s, c->body, c->now_s, c->lines),
				SIGNATURE_E_MISSING_HEADER);
		}
	}
	assert_int_equal(new_with_secret(SIGNATURE_SLACK, "x-slack-signature", SECRET), 0);
	assert_int_equal(new_with_secret(SIGNATURE_TOKEN, NULL, SECRET), -EINVAL);
	assert_int_equal(new_with_secret(SIGNATURE_HEX, "", SECRET), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changed_body_is_refused_where_it_is_signed),
		cmocka_unit_test(every_changed_character_of_the_headers_is_refused),
		cmocka_unit_test(each_header_must_be_there_exactly_once),
		cmocka_unit_test(any_active_secret_may_match_and_no_other),
		cmocka_unit_test(refusal_is_told_in_words),
		cmocka_unit_test(what_is_signed_is_what_the_sender_sends),
		cmocka_unit_test(delivery_id_is_sent_where_the_recipe_has_one),
		cmocka_unit_test(slack_and_stripe_are_fresh_for_five_minutes_in_both_directions),
		cmocka_unit_test(timestamps_are_digits_that_can_be_a_time),
		cmocka_unit_test(linear_is_fresh_for_a_minute_by_its_body),
		cmocka_unit_test(linear_body_without_a_time_is_stale),
		cmocka_unit_test(linear_signature_goes_before_its_time),
		cmocka_unit_test(configured_tolerance_counts_where_the_time_is_signed),
		cmocka_unit_test(slack_wants_its_version_in_front),
		cmocka_unit_test(linear_and_sentry_have_bare_digits),
		cmocka_unit_test(stripe_takes_any_v1_of_its_list_in_any_order),
		cmocka_unit_test(stripe_list_is_read_strictly),
		cmocka_unit_test(stripe_list_is_bounded),
		cmocka_unit_test(discord_timestamp_and_body_cannot_be_shifted),
		cmocka_unit_test(discord_signature_is_128_hex_digits),
		cmocka_unit_test(discord_secret_is_a_public_key),
		cmocka_unit_test(token_must_be_the_whole_secret),
		cmocka_unit_test(token_that_no_header_can_carry_is_refused),
		cmocka_unit_test(bearer_scheme_is_read_as_http_says),
		cmocka_unit_test(gitlab_delivery_is_named_by_the_key_that_survives_repetition),
		cmocka_unit_test(configured_header_takes_the_place_of_the_recipes_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
