/* SPDX-License-Identifier: MIT */
/*
 * tests/cli/test_agreement.c - two rooms that may not see each other have the same rules.
 *
 * `config` judges what a trigger is signed with when a file is read, `signature` when its route is
 * made. What the first lets through and the second refuses would be "ok" for `pylon check`, and a
 * reload would replace a route that works by none.
 */
#include "cli/home.h"
#include "signature/signature.h"

#define ZEROS "00000000000000000000000000000000000000000000000000000000000000"

static const char *const recipes[] = {"hex", "github", "gitlab", "slack", "stripe", "standard",
	"linear", "sentry", "discord", "bearer", "token"};

static const char *const headers[] = {"", "X-A", "X-Slack-Signature", "x-signature-ed25519",
	"webhook-signature", "Svix-Signature", "X-Hub-Signature-256", "Authorization"};

/* As YAML writes them, and what they are. */
static const struct {
	const char *yaml, *secret;
} secrets[] = {
	{"abcd", "abcd"},
	{"' abcd'", " abcd"},
	{"'abcd '", "abcd "},
	{"\"ab\\tcd\"", "ab\tcd"},
	{"\"abcd\\n\"", "abcd\n"},
	{"\"ab\\x01\"", "ab\x01"},
	{"'a b'", "a b"},
	{"\xc3\xa9", "\xc3\xa9"},
	{"'$${AB}'", "${AB}"},
	{"'$${AB}c'", "${AB}c"},
	{"whsec_", "whsec_"},
	{"whsec_A", "whsec_A"},
	{"whsec_MDEyMzQ=", "whsec_MDEyMzQ="},
	{"whsec_MDEyMzQ", "whsec_MDEyMzQ"},
	{"whpk_AAAA", "whpk_AAAA"},
	{"whpk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"whpk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},
	{"whpk_PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=",
		"whpk_PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw="},
	{"\"" ZEROS "00\"", ZEROS "00"},
	{"\"01" ZEROS "\"", "01" ZEROS},
	{"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
		"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"},
	{"3D4017C3E843895A92B70AA74D1B7EBC9C982CCF2EC4968CC0CD55F12AF4660C",
		"3D4017C3E843895A92B70AA74D1B7EBC9C982CCF2EC4968CC0CD55F12AF4660C"},
	{"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af466",
		"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af466"},
};

static bool signature_takes(const char *recipe, const char *header, const char *secret)
{
	CLEANUP(signature_freep) struct signature *s = NULL;
	CLEANUP(strv_fini) struct strv list = STRV_NULL;
	enum signature_recipe r;
	struct err e = CLEAN_ERR;

	assert_true(signature_recipe_from_name(slice_of(recipe), &r));
	strv_add(&list, secret);
	return signature_new(&s, r, header, &list, -1, &e) == 0;
}

static void add_pylon(const struct home *h, size_t recipe, size_t header, size_t secret)
{
	CLEANUP(freep)
	char *file = xasprintf("pylons/p%zu.%zu.%zu/pylon.yaml", recipe, header, secret);
	CLEANUP(freep)
	char *text =
		xasprintf("name: p%zu.%zu.%zu\ntrigger:\n  type: webhook\n  path: /%zu/%zu/%zu\n"
			  "  signature: %s\n  signature_header: %s\n  secret: %s\n",
			recipe, header, secret, recipe, header, secret, recipes[recipe],
			headers[header], secrets[secret].yaml);

	home_add_file(h, file, text);
}

static void config_and_signature_take_the_same(void **state)
{
	CLEANUP(config_freep) struct config *config = NULL;
	struct home *h = *state;
	size_t taken = 0;

	for (size_t i = 0; i < ARRAY_LEN(recipes); i++)
		for (size_t k = 0; k < ARRAY_LEN(headers); k++)
			for (size_t n = 0; n < ARRAY_LEN(secrets); n++)
				add_pylon(h, i, k, n);
	config = home_config(h);
	for (size_t i = 0; i < ARRAY_LEN(recipes); i++)
		for (size_t k = 0; k < ARRAY_LEN(headers); k++)
			for (size_t n = 0; n < ARRAY_LEN(secrets); n++) {
				CLEANUP(freep) char *name = xasprintf("p%zu.%zu.%zu", i, k, n);
				bool is_fine = config_pylon(config, name) != NULL;

				if (is_fine !=
					signature_takes(recipes[i], headers[k], secrets[n].secret))
					fail_msg("%s, header '%s', secret %s: config %s it",
						recipes[i], headers[k], secrets[n].yaml,
						is_fine ? "takes" : "refuses");
				taken += is_fine;
			}
	assert_true(taken > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			config_and_signature_take_the_same, home_setup, home_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
