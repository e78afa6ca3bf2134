/* SPDX-License-Identifier: MIT */
/*
 * tests/config/test_signing.c - how requests of a webhook are signed, as its file says.
 */
#include "config/home.h"
#include "lib/t.h"

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

static void secret_needs_to_be_told_how_it_signs(void **state UNUSED)
{
	expect_problems(HOOK "  secret: x\n",
		"5:11: `trigger.secret` needs `trigger.signature` or `trigger.signature_header`, which "
		"say how requests are signed");
	expect_problems(HOOK "  secret: x\n  signature: hex\n",
		"6:14: `trigger.signature: hex` needs `trigger.signature_header`");
	expect_problems(HOOK "  secret: x\n  signature: token\n",
		"6:14: `trigger.signature: token` needs `trigger.signature_header`");
	expect_fine(HOOK "  secret: x\n  signature: github\n");
	expect_fine(HOOK "  secret: x\n  signature_header: X-My\n");
	expect_fine(HOOK "  secret: x\n  signature: hex\n  signature_header: X-My\n");
}

static void signature_without_a_secret_is_refused(void **state UNUSED)
{
	static const char text[] = ": requests are to be signed, but there is no `trigger.secret`; "
				   "without one everything would be accepted";
	CLEANUP(freep) char *at_signature = xasprintf("5:14%s", text);
	CLEANUP(freep) char *at_header = xasprintf("5:21%s", text);

	expect_problems(HOOK "  signature: github\n", at_signature);
	expect_problems(HOOK "  signature_header: X-My\n", at_header);
	expect_problems(HOOK "  signature: github\n  secret:\n", "6:10: `trigger.secret` is empty");
	expect_problems(
		HOOK "  signature: github\n  secret: []\n", "6:11: `trigger.secret` is empty");
	expect_problems(
		HOOK "  signature: github\n  secret: [x, '']\n", "6:15: `trigger.secret` is empty");
}

#define HEX32 "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F"

/* What a recipe asks of a secret tells which one was chosen. */
static void recipe_follows_from_the_header(void **state UNUSED)
{
	static const char base64[] = "5:11: `trigger.secret` must be base64, after an optional "
				     "whsec_ or whpk_";
	static const char hex[] = "5:11: `trigger.secret` must be the application's public key, 64 "
				  "hex digits";
	static const struct {
		const char *header, *problem;
	} rows[] = {
		{"X-Hub-Signature-256", ""},
		{"x-hub-signature-256", ""},
		{"webhook-signature", base64},
		{"Webhook-Signature", base64},
		{"svix-signature", base64},
		{"X-Anything", ""},
		{"X-Slack-Signature", ""},
		{"Stripe-Signature", ""},
		{"X-Gitlab-Token", ""},
		{"Linear-Signature", ""},
		{"X-Signature-Ed25519", hex},
		{"Sentry-Hook-Signature", ""},
		{"X-Telegram-Bot-Api-Secret-Token", ""},
		{"Authorization", ""},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(freep)
		char *yaml =
			xasprintf(HOOK "  secret: a b\n  signature_header: %s\n", rows[i].header);

		expect_problems(yaml, rows[i].problem);
	}
}

static void configured_recipe_wins_over_the_header(void **state UNUSED)
{
	expect_fine(HOOK "  secret: a b\n  signature: hex\n  signature_header: svix-signature\n");
	expect_problems(HOOK
		"  secret: AAEC\n  signature: standard\n  signature_header: X-Slack-Signature\n",
		"7:21: `trigger.signature: standard` is read from webhook-signature or "
		"svix-signature");
	expect_fine(
		HOOK "  secret: AAEC\n  signature: standard\n  signature_header: Svix-Signature\n");
}

static void every_recipe_can_run(void **state UNUSED)
{
	static const char *const recipes[] = {"github", "gitlab", "slack", "stripe", "standard",
		"linear", "sentry", "discord", "bearer"};

	for (size_t i = 0; i < ARRAY_LEN(recipes); i++) {
		CLEANUP(freep)
		char *yaml = xasprintf(
			HOOK "  secret: %s\n  signature: %s\n", "\"" HEX32 "\"", recipes[i]);

		expect_reason(yaml, NULL);
	}
	expect_reason(HOOK "  secret: x\n  signature: token\n  signature_header: X-T\n", NULL);
}

static void no_recipe_takes_a_secret_that_is_none(void **state UNUSED)
{
	static const char *const recipes[] = {"hex", "github", "gitlab", "slack", "stripe",
		"standard", "linear", "sentry", "discord", "bearer", "token"};
	static const struct {
		const char *secret, *problem;
	} rows[] = {
		{"\"\"", "7:11: `trigger.secret` is empty"},
		{"\"   \"", "7:11: `trigger.secret` is empty"},
		{"\"\\t\\n\"", "7:11: `trigger.secret` is empty"},
		{"", "7:10: `trigger.secret` is empty"},
		{"${UNSET_VAR}",
			"7:11: `trigger.secret` needs the variable UNSET_VAR, which is not set; add "
			"UNSET_VAR=... to /nonexistent-home/pylons/c/.env"},
		{"$UNSET_VAR",
			"7:11: `trigger.secret` needs the variable UNSET_VAR, which is not set; add "
			"UNSET_VAR=... to /nonexistent-home/pylons/c/.env"},
	};

	for (size_t i = 0; i < ARRAY_LEN(recipes); i++) {
		for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
			const char *header = str_eq(recipes[i], "standard")  ? "webhook-signature"
					     : str_eq(recipes[i], "discord") ? "X-Signature-Ed25519"
					     : str_eq(recipes[i], "slack")   ? "X-Slack-Signature"
									     : "X-A";
			CLEANUP(freep)
			char *yaml = xasprintf(HOOK "  signature: %s\n  signature_header: %s\n"
						    "  secret: %s\n",
				recipes[i], header, rows[k].secret);

			expect_problems(yaml, rows[k].problem);
		}
	}
}

/* Every recipe that the signature room would refuse when the daemon starts is refused here. */
static void secrets_that_could_never_fit_are_refused(void **state UNUSED)
{
	static const char *const weak[] = {
		"\"0000000000000000000000000000000000000000000000000000000000000000\"",
		"\"0100000000000000000000000000000000000000000000000000000000000000\""};
	static const char *const tokens[] = {"gitlab", "bearer", "token"};
	static const char *const texts[] = {"' a'", "'a '", "\"a\\t\"", "\"a\\nb\"", "\"a\\x7f\""};

	for (size_t i = 0; i < ARRAY_LEN(weak); i++) {
		CLEANUP(freep)
		char *yaml = xasprintf(HOOK "  signature: discord\n  secret: %s\n", weak[i]);

		expect_problems(yaml,
			"6:11: `trigger.secret` must be another key: for this one anybody "
			"can sign");
	}
	expect_problems(HOOK "  signature: standard\n"
			     "  secret: whpk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
		"6:11: `trigger.secret` must be another key: for this one anybody can sign");
	for (size_t i = 0; i < ARRAY_LEN(tokens) * ARRAY_LEN(texts); i++) {
		size_t text = i % ARRAY_LEN(texts);
		CLEANUP(freep)
		char *yaml =
			xasprintf(HOOK "  signature: %s\n  signature_header: X-A\n  secret: %s\n",
				tokens[i / ARRAY_LEN(texts)], texts[text]);

		expect_problems(yaml,
			text < 3
				? "7:11: `trigger.secret` cannot stand in a header: it has blanks at "
				  "an end"
				: "7:11: `trigger.secret` cannot stand in a header: it has control "
				  "characters");
	}
	expect_fine(HOOK "  signature: bearer\n  secret: \"a b\\tc\"\n");
	expect_problems(HOOK "  signature: github\n  secret: '$${NAME}'\n",
		"6:11: `trigger.secret` is the name of a variable, not its value; write one `$`");
}

static void recipes_with_several_headers_keep_their_own(void **state UNUSED)
{
	expect_fine(
		HOOK "  signature: slack\n  signature_header: x-slack-signature\n  secret: x\n");
	expect_problems(HOOK "  signature: slack\n  signature_header: X-A\n  secret: x\n",
		"6:21: `trigger.signature: slack` is read from X-Slack-Signature");
	expect_problems(HOOK "  signature: discord\n  signature_header: X-A\n  secret: \"" HEX32
			     "\"\n",
		"6:21: `trigger.signature: discord` is read from X-Signature-Ed25519");
	expect_fine(HOOK "  signature: github\n  signature_header: X-A\n  secret: x\n");
}

static void dollars_in_secrets_are_references_or_doubled(void **state UNUSED)
{
	CLEANUP(one_fini) struct one o = {0};

	env_parse(&o.own, SLICE_LIT("KEY=k$1\nBLANK=  \n"), false);
	one_pylon(&o, HOOK "  signature: github\n  secret: 'p@$$w0rd-${KEY}$'\n");
	assert_non_null(o.pylon);
	assert_string_equal(o.pylon->secrets.v[0], "p@$w0rd-k$1$");
	one_pylon(&o, HOOK "  signature: github\n  secret: $BLANK\n");
	assert_null(o.pylon);
	assert_string_equal(
		o.problems.v[0].text, "`trigger.secret` is empty: its variable has no value");
	/* What may be a piece of the secret is not repeated. */
	expect_problems(HOOK "  signature: github\n  secret: pa$sw0rd\n",
		"6:11: `trigger.secret` names a variable that is not set; write `$$` for a literal "
		"dollar");
	expect_problems(HOOK "  signature: github\n  secret: 'x${'\n",
		"6:11: `trigger.secret`: between `${` and `}` belongs the name of a variable (`$$` "
		"is a literal dollar)");
}

static void discord_wants_a_public_key(void **state UNUSED)
{
	static const char *const bad[] = {"0001", HEX32 "00", "zz" HEX32, "0x" HEX32};

	expect_fine(HOOK "  signature: discord\n  secret: [\"" HEX32 "\", " HEX32 "]\n");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CLEANUP(freep)
		char *yaml = xasprintf(HOOK "  signature: discord\n  secret: \"%s\"\n", bad[i]);

		expect_problems(yaml,
			"6:11: `trigger.secret` must be the application's public key, 64 hex "
			"digits");
	}
}

static void standard_wants_a_usable_key(void **state UNUSED)
{
	static const char *const good[] = {"AAECAwQ=", "AAECAwQ",
		"whsec_AAECAwQ=", "whpk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="};
	static const char *const bad[] = {"no base64!", "whsec_", "whsec_*", "whpk_AAECAwQ="};

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		CLEANUP(freep)
		char *yaml = xasprintf(HOOK "  signature: standard\n  secret: %s\n", good[i]);

		expect_fine(yaml);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CLEANUP(freep)
		char *yaml =
			xasprintf(HOOK "  signature: standard\n  secret: [AAEC, \"%s\"]\n", bad[i]);

		expect_problems(
			yaml, i < 3 ? "6:18: `trigger.secret` must be base64, after an optional "
				      "whsec_ or whpk_"
				    : "6:18: `trigger.secret` must be a key of 32 bytes after "
				      "whpk_");
	}
}

static void headers_must_be_names_of_headers(void **state UNUSED)
{
	expect_problems(HOOK "  secret: x\n  signature_header: X Y\n",
		"6:21: `trigger.signature_header` must be the name of a header");
	expect_problems(HOOK "  dedupe: X Y\n",
		"5:11: `trigger.dedupe` must be the name of a header, or a template with {{ }}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secret_needs_to_be_told_how_it_signs),
		cmocka_unit_test(signature_without_a_secret_is_refused),
		cmocka_unit_test(recipe_follows_from_the_header),
		cmocka_unit_test(configured_recipe_wins_over_the_header),
		cmocka_unit_test(every_recipe_can_run),
		cmocka_unit_test(no_recipe_takes_a_secret_that_is_none),
		cmocka_unit_test(secrets_that_could_never_fit_are_refused),
		cmocka_unit_test(recipes_with_several_headers_keep_their_own),
		cmocka_unit_test(dollars_in_secrets_are_references_or_doubled),
		cmocka_unit_test(discord_wants_a_public_key),
		cmocka_unit_test(standard_wants_a_usable_key),
		cmocka_unit_test(headers_must_be_names_of_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
