/* SPDX-License-Identifier: MIT */
/*
 * tests/signature/test_signature.c - recipes against published vectors (vectors.json, each row with
 * its source), what all of them share, and the rules around hex, github and standard: prefixes,
 * rotation, both header families, clock tolerance, repeated headers, secrets that cannot be. The
 * other recipes are in test_recipes.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "cmocka.h" /* quoted: it must follow the headers above */
#include "signature/request.h"
#include "signature/signature.h"

#define SECRET     "It's a Secret to Everybody"
#define HELLO      "Hello, World!"
#define HELLO_HEX  "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
#define STD_SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define STD_ID     "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define STD_BODY   "{\"test\": 2432232314}"
#define STD_SIG    "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define STD_WRONG  "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OA="
#define STD_TIME   1614265330
#define PK_SECRET  "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
#define PK_SIG                                                                                     \
	"v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="

/* --- published vectors --- */

static void add_header(const char *name, const struct js *value, void *ctx)
{
	if (js_str(value) != NULL)
		strv_addf(ctx, "%s: %s", name, js_str(value));
	for (size_t i = 0; i < js_len(value); i++)
		strv_addf(ctx, "%s: %s", name, js_str(js_at(value, i)));
}

static void check_row(const struct js *row)
{
	CLEANUP(signature_freep) struct signature *s = NULL;
	CLEANUP(strv_fini) struct strv headers = STRV_NULL;
	const char *expect = js_get_str(row, "expect");
	enum signature_recipe recipe;
	int verdict;

	assert_true(signature_recipe_from_name(slice_of(js_get_str(row, "recipe")), &recipe));
	js_each(js_get(row, "headers"), add_header, &headers);
	s = signature_of(recipe, js_get_str(row, "signature_header"), js_get_str(row, "secret"));
	verdict = signature_verify(s, request_header, &headers, slice_of(js_get_str(row, "body")),
		js_get_int(row, "now", 0) * US_PER_SEC);
	if (!str_eq(expect, "either") && str_eq(expect, "accept") != (verdict == 0))
		print_message("%s: %s\n", js_get_str(row, "id"), signature_reason(verdict));
	if (!str_eq(expect, "either"))
		assert_int_equal(str_eq(expect, "accept"), verdict == 0);
}

static struct js *load_vectors(void)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	struct js *j;

	assert_int_equal(
		file_read(PYLON_SOURCE_DIR "/tests/signature/vectors.json", MIB(1), &text, NULL),
		0);
	j = js_parse(text.p, text.n, NULL);
	assert_non_null(j);
	return j;
}

static void published_vectors_come_out_right(void **state)
{
	CLEANUP(js_freep) struct js *j = load_vectors();
	const struct js *rows = js_get(j, "vectors");

	(void)state;
	assert_true(js_len(rows) >= 61);
	for (size_t i = 0; i < js_len(rows); i++)
		check_row(js_at(rows, i));
}

/* One secret that fits every recipe, and one that fits none. */
static void check_second_secret(enum signature_recipe recipe, const char *second)
{
	CLEANUP(strv_fini) struct strv two = STRV_NULL;
	const char *header = recipe == SIGNATURE_HEX || recipe == SIGNATURE_TOKEN ? "X-Sig" : NULL;
	struct signature *s = NULL;
	struct err e = CLEAN_ERR;

	strv_add(&two, "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
	strv_add(&two, second);
	assert_int_equal(signature_new(&s, recipe, header, &two, -1, &e), SIGNATURE_E_BAD_SECRET);
	assert_true(str_has_prefix(e.text, "secret 2 of 2 is "));
}

static void secrets_that_cannot_be_are_refused_for_every_recipe(void **state)
{
	CLEANUP(js_freep) struct js *j = load_vectors();
	const struct js *bad = js_get(j, "bad_secrets");
	static const char *const blank[] = {"", " ", "\t\n", "${SECRET}"};

	(void)state;
	assert_int_equal(js_len(bad), 5);
	for (size_t i = 0; i < js_len(bad); i++) {
		CLEANUP(strv_fini) struct strv one = STRV_NULL;
		struct signature *s = NULL;
		struct err e = CLEAN_ERR;

		strv_add(&one, js_str(js_at(bad, i)));
		assert_int_equal(signature_new(&s, SIGNATURE_STANDARD, NULL, &one, -1, &e),
			SIGNATURE_E_BAD_SECRET);
		assert_null(s);
		assert_true(str_has_prefix(e.text, "the secret "));
	}
	for (int recipe = SIGNATURE_HEX; recipe <= SIGNATURE_TOKEN; recipe++)
		for (size_t i = 0; i < ARRAY_LEN(blank); i++)
			check_second_secret((enum signature_recipe)recipe, blank[i]);
}

static void standard_secret_must_be_decodable(void **state)
{
	static const char *const bad[] = {"whsec_", "whpk_", "whsk_", "whpk_AAAA", "whsk_AAAA",
		"a secret in words", "whsec_=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw=", "whsec_a-b_",
		"whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
		/* A key for which anybody can sign. */
		"whpk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		/* A 64-byte private key whose second half is not its public key. */
		"whsk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		"AAAAAA=="};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CLEANUP(strv_fini) struct strv one = STRV_NULL;
		struct signature *s = NULL;

		strv_add(&one, bad[i]);
		assert_int_equal(signature_new(&s, SIGNATURE_STANDARD, NULL, &one, -1, NULL),
			SIGNATURE_E_BAD_SECRET);
	}
}

static void recipe_without_secret_or_header_is_refused(void **state)
{
	CLEANUP(strv_fini) struct strv one = STRV_NULL;
	struct strv none = STRV_NULL;
	struct signature *s = NULL;
	struct err e = CLEAN_ERR;

	(void)state;
	strv_add(&one, "c2VjcmV0");
	assert_int_equal(
		signature_new(&s, SIGNATURE_GITHUB, NULL, &none, -1, &e), SIGNATURE_E_BAD_SECRET);
	assert_int_equal(
		signature_new(&s, SIGNATURE_GITHUB, NULL, NULL, -1, &e), SIGNATURE_E_BAD_SECRET);
	assert_true(signature_new(&s, SIGNATURE_HEX, NULL, &one, -1, &e) < 0);
	assert_true(signature_new(&s, SIGNATURE_HEX, "", &one, -1, &e) < 0);
	assert_true(signature_new(&s, SIGNATURE_STANDARD, "X-Other", &one, -1, &e) < 0);
	assert_true(signature_new(&s, SIGNATURE_NONE, NULL, &one, -1, &e) < 0);
	assert_null(s);
	signature_free(NULL);
}

/* --- hex and github --- */

static void hex_prefix_is_optional_for_hex_and_required_for_github(void **state)
{
	CLEANUP(signature_freep)
	struct signature *hex = signature_of(SIGNATURE_HEX, "X-Sig", SECRET);
	CLEANUP(signature_freep)
	struct signature *gh = signature_of(SIGNATURE_GITHUB, NULL, SECRET);

	(void)state;
	assert_int_equal(VERIFY(hex, HELLO, 0, "X-Sig: " HELLO_HEX), 0);
	assert_int_equal(VERIFY(hex, HELLO, 0, "x-sig: sha256=" HELLO_HEX), 0);
	assert_int_equal(VERIFY(gh, HELLO, 0, "X-Hub-Signature-256: sha256=" HELLO_HEX), 0);
	assert_int_equal(VERIFY(gh, HELLO, 0, "X-Hub-Signature-256: " HELLO_HEX),
		SIGNATURE_E_MALFORMED_HEADER);
	assert_int_equal(VERIFY(hex, HELLO, 0, "X-Hub-Signature-256: sha256=" HELLO_HEX),
		SIGNATURE_E_MISSING_HEADER);
}

static void digest_may_be_in_upper_case(void **state)
{
	CLEANUP(signature_freep)
	struct signature *gh = signature_of(SIGNATURE_GITHUB, NULL, SECRET);

	(void)state;
	assert_int_equal(VERIFY(gh, HELLO, 0,
				 "X-Hub-Signature-256: sha256=757107EA0EB2509FC211221CCE984B8A3757"
				 "0B6D7586C22C46F4379C8B043E17"),
		0);
}

static void damaged_digests_are_refused(void **state)
{
	static const char *const bad[] = {"", "sha256=", "sha256", "=" HELLO_HEX,
		"sha256= " HELLO_HEX, "SHA256=" HELLO_HEX, "sha512=" HELLO_HEX, "sha1=" HELLO_HEX,
		"sha256=sha256=" HELLO_HEX, "sha256=" HELLO_HEX "0", " sha256=" HELLO_HEX,
		"sha256=" HELLO_HEX " ", "sha256=" HELLO_HEX "00",
		"sha256=" HELLO_HEX "," HELLO_HEX,
		"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e1",
		"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e1g",
		"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e1\xc3\xa9",
		"sha256=0x7107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"};
	CLEANUP(signature_freep)
	struct signature *gh = signature_of(SIGNATURE_GITHUB, NULL, SECRET);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CLEANUP(freep) char *line = xasprintf("X-Hub-Signature-256: %s", bad[i]);

		assert_int_equal(VERIFY(gh, HELLO, 0, line), SIGNATURE_E_MALFORMED_HEADER);
	}
}

static void every_flipped_digit_and_every_changed_body_is_refused(void **state)
{
	CLEANUP(signature_freep)
	struct signature *gh = signature_of(SIGNATURE_GITHUB, NULL, SECRET);
	char line[] = "X-Hub-Signature-256: sha256=" HELLO_HEX, body[] = HELLO;

	(void)state;
	for (size_t i = strlen(line) - 64; i < strlen(line); i++) {
		char kept = line[i];

		line[i] = kept == '0' ? '1' : '0';
		assert_int_equal(VERIFY(gh, HELLO, 0, line), SIGNATURE_E_BAD_SIGNATURE);
		line[i] = kept;
	}
	for (size_t i = 0; i < strlen(body); i++) {
		body[i] ^= 1;
		assert_int_equal(VERIFY(gh, body, 0, line), SIGNATURE_E_BAD_SIGNATURE);
		body[i] ^= 1;
	}
	assert_int_equal(VERIFY(gh, body, 0, line), 0);
}

static void repeated_signature_header_is_refused(void **state)
{
	CLEANUP(signature_freep)
	struct signature *gh = signature_of(SIGNATURE_GITHUB, NULL, SECRET);

	(void)state;
	assert_int_equal(VERIFY(gh, HELLO, 0, "X-Hub-Signature-256: sha256=" HELLO_HEX,
				 "x-hub-signature-256: sha256=" HELLO_HEX),
		SIGNATURE_E_MALFORMED_HEADER);
}

static void any_active_secret_may_match(void **state)
{
	CLEANUP(strv_fini) struct strv secrets = STRV_NULL;
	CLEANUP(signature_freep) struct signature *s = NULL;

	(void)state;
	strv_add(&secrets, "new");
	strv_add(&secrets, "other");
	strv_add(&secrets, SECRET);
	assert_int_equal(signature_new(&s, SIGNATURE_GITHUB, NULL, &secrets, -1, NULL), 0);
	assert_int_equal(VERIFY(s, HELLO, 0, "X-Hub-Signature-256: sha256=" HELLO_HEX), 0);
	assert_int_equal(VERIFY(s, "x", 0, "X-Hub-Signature-256: sha256=" HELLO_HEX),
		SIGNATURE_E_BAD_SIGNATURE);
}

static void secret_is_used_byte_for_byte(void **state)
{
	CLEANUP(signature_freep)
	struct signature *s = signature_of(SIGNATURE_GITHUB, NULL, SECRET " ");

	(void)state;
	assert_int_equal(VERIFY(s, HELLO, 0, "X-Hub-Signature-256: sha256=" HELLO_HEX),
		SIGNATURE_E_BAD_SIGNATURE);
}

/* --- standard --- */

static int verify_standard(
	const char *secret, int64_t now_s, const char *timestamp, const char *signatures)
{
	CLEANUP(signature_freep)
	struct signature *s = signature_of(SIGNATURE_STANDARD, NULL, secret);
	CLEANUP(freep) char *t = xasprintf("webhook-timestamp: %s", timestamp);
	CLEANUP(freep) char *sig = xasprintf("webhook-signature: %s", signatures);

	return VERIFY(s, STD_BODY, now_s, "webhook-id: " STD_ID, t, sig);
}

static void webhook_with_stale_timestamp_is_refused(void **state)
{
	static const struct {
		int64_t off_s;
		int expected;
	} cases[] = {{0, 0}, {299, 0}, {300, 0}, {301, SIGNATURE_E_STALE_TIMESTAMP}, {-299, 0},
		{-300, 0}, {-301, SIGNATURE_E_STALE_TIMESTAMP},
		{INT64_C(1000000000), SIGNATURE_E_STALE_TIMESTAMP},
		{-STD_TIME - 100, SIGNATURE_E_STALE_TIMESTAMP}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(verify_standard(STD_SECRET, STD_TIME + cases[i].off_s,
					 "1614265330", STD_SIG),
			cases[i].expected);
}

static void tolerance_can_be_configured(void **state)
{
	CLEANUP(strv_fini) struct strv secrets = STRV_NULL;
	CLEANUP(signature_freep) struct signature *s = NULL;
	static const int expected[] = {0, 0, SIGNATURE_E_STALE_TIMESTAMP};

	(void)state;
	strv_add(&secrets, STD_SECRET);
	assert_int_equal(
		signature_new(&s, SIGNATURE_STANDARD, NULL, &secrets, 10 * US_PER_SEC, NULL), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(
			VERIFY(s, STD_BODY, STD_TIME + 9 + i, "webhook-id: " STD_ID,
				"webhook-timestamp: 1614265330", "webhook-signature: " STD_SIG),
			expected[i]);
}

static void timestamps_are_ascii_digits_only(void **state)
{
	static const char *const bad[] = {"", "1614265330.0", " 1614265330", "1614265330 ",
		"+1614265330", "-1614265330", "1614265330s", "0x6037BCB2", "1e9", "1 614265330",
		"1614265330,1614265330", "\xef\xbc\x91\xef\xbc\x92", "\xd9\xa1\xd9\xa2",
		"99999999999999999999999", "9223372036854775808", "18446744073709551617", "now"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(verify_standard(STD_SECRET, STD_TIME, bad[i], STD_SIG),
			SIGNATURE_E_MALFORMED_HEADER);
	assert_int_equal(verify_standard(STD_SECRET, STD_TIME, "1614265330000", STD_SIG),
		SIGNATURE_E_STALE_TIMESTAMP);
	/* The digits are signed as they stand. */
	assert_int_equal(verify_standard(STD_SECRET, STD_TIME, "01614265330", STD_SIG),
		SIGNATURE_E_BAD_SIGNATURE);
}

static void any_signature_of_the_list_may_match(void **state)
{
	static const char *const good[] = {STD_SIG, STD_WRONG " " STD_SIG, STD_SIG " " STD_WRONG,
		"v1a,x v2,y " STD_SIG, STD_SIG "  " STD_SIG, "v2," STD_BODY " " STD_SIG,
		PK_SIG " " STD_SIG};
	static const char *const bad[] = {STD_WRONG, STD_WRONG " " STD_WRONG, PK_SIG};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_int_equal(verify_standard(STD_SECRET, STD_TIME, "1614265330", good[i]), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(verify_standard(STD_SECRET, STD_TIME, "1614265330", bad[i]),
			SIGNATURE_E_BAD_SIGNATURE);
}

static void signature_has_one_spelling(void **state)
{
	static const char *const bad[] = {
		"v1,",
		"v1",
		",",
		"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE",
		"V1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
		"v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
		"v1=g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
		"v1, g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
		"g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
		"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE==",
		"v1a,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(verify_standard(STD_SECRET, STD_TIME, "1614265330", bad[i]),
			SIGNATURE_E_MALFORMED_HEADER);
	/* The same bytes with other unused bits, and the URL alphabet. */
	assert_int_equal(verify_standard(STD_SECRET, STD_TIME, "1614265330",
				 "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OF="),
		SIGNATURE_E_BAD_SIGNATURE);
	assert_int_equal(verify_standard(STD_SECRET, STD_TIME, "1614265330",
				 "v1,g0hM9SsE-OTPJTGt_tmIKtSyZlE3uFJELVlNIOLJ1OE="),
		SIGNATURE_E_BAD_SIGNATURE);
}

static void list_of_signatures_is_bounded(void **state)
{
	(void)state;
	for (size_t n = 15; n <= 17; n++) {
		CLEANUP(buf_fini) struct buf list = BUF_NULL;

		for (size_t i = 1; i < n; i++)
			buf_add_str(&list, STD_WRONG " ");
		buf_add_str(&list, STD_SIG);
		assert_int_equal(
			verify_standard(STD_SECRET, STD_TIME, "1614265330", buf_str(&list)),
			n <= 16 ? 0 : SIGNATURE_E_MALFORMED_HEADER);
	}
}

static void each_header_must_be_there_once(void **state)
{
	static const char *const lines[] = {"webhook-id: " STD_ID, "webhook-timestamp: 1614265330",
		"webhook-signature: " STD_SIG};
	CLEANUP(signature_freep)
	struct signature *s = signature_of(SIGNATURE_STANDARD, NULL, STD_SECRET);

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(VERIFY(s, STD_BODY, STD_TIME, lines[i], lines[(i + 1) % 3]),
			SIGNATURE_E_MISSING_HEADER);
		assert_int_equal(
			VERIFY(s, STD_BODY, STD_TIME, lines[0], lines[1], lines[2], lines[i]),
			SIGNATURE_E_MALFORMED_HEADER);
	}
	assert_int_equal(VERIFY(s, STD_BODY, STD_TIME, "webhook-id:", lines[1], lines[2]),
		SIGNATURE_E_MALFORMED_HEADER);
}

static void id_with_a_dot_is_refused(void **state)
{
	CLEANUP(signature_freep)
	struct signature *s = signature_of(SIGNATURE_STANDARD, NULL, STD_SECRET);
	CLEANUP(strv_fini) struct strv made = STRV_NULL;

	(void)state;
	signature_sign(s, SLICE_LIT("x"), "a.b", STD_TIME * US_PER_SEC, &made);
	assert_int_equal(
		signature_verify(s, request_header, &made, SLICE_LIT("x"), STD_TIME * US_PER_SEC),
		SIGNATURE_E_MALFORMED_HEADER);
}

static void header_family_is_the_configured_one(void **state)
{
	CLEANUP(signature_freep)
	struct signature *svix = signature_of(SIGNATURE_STANDARD, "Svix-Signature", STD_SECRET);
	CLEANUP(signature_freep)
	struct signature *web = signature_of(SIGNATURE_STANDARD, "Webhook-Signature", STD_SECRET);

	(void)state;
	assert_int_equal(VERIFY(svix, STD_BODY, STD_TIME, "svix-id: " STD_ID,
				 "svix-timestamp: 1614265330", "svix-signature: " STD_SIG),
		0);
	assert_int_equal(VERIFY(svix, STD_BODY, STD_TIME, "webhook-id: " STD_ID,
				 "webhook-timestamp: 1614265330", "webhook-signature: " STD_SIG),
		SIGNATURE_E_MISSING_HEADER);
	assert_int_equal(VERIFY(web, STD_BODY, STD_TIME, "svix-id: " STD_ID,
				 "svix-timestamp: 1614265330", "svix-signature: " STD_SIG),
		SIGNATURE_E_MISSING_HEADER);
}

static void without_a_configured_header_webhook_goes_before_svix(void **state)
{
	CLEANUP(signature_freep)
	struct signature *s = signature_of(SIGNATURE_STANDARD, NULL, STD_SECRET);
	CLEANUP(strv_fini) struct strv both = STRV_NULL;

	(void)state;
	assert_int_equal(VERIFY(s, STD_BODY, STD_TIME, "svix-id: " STD_ID,
				 "svix-timestamp: 1614265330", "svix-signature: " STD_SIG),
		0);
	/* An id of the other family is neither verified nor believed. */
	strv_add(&both, "webhook-id: made-up");
	strv_add(&both, "svix-id: " STD_ID);
	strv_add(&both, "svix-timestamp: 1614265330");
	strv_add(&both, "svix-signature: " STD_SIG);
	assert_int_equal(signature_verify(s, request_header, &both, SLICE_LIT(STD_BODY),
				 STD_TIME * US_PER_SEC),
		0);
	assert_string_equal(signature_delivery_id_header(s, request_header, &both), "svix-id");
	strv_add(&both, "webhook-signature: " STD_SIG);
	assert_int_equal(signature_verify(s, request_header, &both, SLICE_LIT(STD_BODY),
				 STD_TIME * US_PER_SEC),
		SIGNATURE_E_MISSING_HEADER);
	assert_string_equal(signature_delivery_id_header(s, request_header, &both), "webhook-id");
}

static void mac_and_key_pair_may_be_active_together(void **state)
{
	CLEANUP(strv_fini) struct strv secrets = STRV_NULL;
	CLEANUP(signature_freep) struct signature *s = NULL;

	(void)state;
	strv_add(&secrets, PK_SECRET);
	strv_add(&secrets, STD_SECRET);
	assert_int_equal(signature_new(&s, SIGNATURE_STANDARD, NULL, &secrets, -1, NULL), 0);
	assert_int_equal(VERIFY(s, STD_BODY, STD_TIME, "webhook-id: " STD_ID,
				 "webhook-timestamp: 1614265330", "webhook-signature: " STD_SIG),
		0);
	assert_int_equal(VERIFY(s, STD_BODY, STD_TIME, "webhook-id: " STD_ID,
				 "webhook-timestamp: 1614265330", "webhook-signature: " PK_SIG),
		0);
	assert_int_equal(
		VERIFY(s, STD_BODY " ", STD_TIME, "webhook-id: " STD_ID,
			"webhook-timestamp: 1614265330", "webhook-signature: " PK_SIG " " STD_SIG),
		SIGNATURE_E_BAD_SIGNATURE);
}

/* --- signing --- */

static void check_round_trip(enum signature_recipe recipe, const char *header, const char *secret)
{
	CLEANUP(signature_freep) struct signature *s = signature_of(recipe, header, secret);
	CLEANUP(strv_fini) struct strv made = STRV_NULL;
	int64_t now = INT64_C(1700000000) * US_PER_SEC + 999999;

	signature_sign(s, SLICE_LIT("body"), "id-1", now, &made);
	assert_true(made.n > 0);
	assert_int_equal(signature_verify(s, request_header, &made, SLICE_LIT("body"), now), 0);
	assert_int_equal(signature_verify(s, request_header, &made, SLICE_LIT("Body"), now),
		SIGNATURE_E_BAD_SIGNATURE);
}

static void what_is_signed_is_verified(void **state)
{
	(void)state;
	check_round_trip(SIGNATURE_HEX, "X-My-Signature", SECRET);
	check_round_trip(SIGNATURE_GITHUB, NULL, SECRET);
	check_round_trip(SIGNATURE_STANDARD, NULL, STD_SECRET);
	check_round_trip(SIGNATURE_STANDARD, "svix-signature", STD_SECRET);
	check_round_trip(
		SIGNATURE_STANDARD, NULL, "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=");
	check_round_trip(SIGNATURE_STANDARD, NULL,
		"whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL/tPJZAc6DuFy89qmIyWvA"
		"hpo9wdRGg==");
}

static void signed_headers_are_those_of_the_published_example(void **state)
{
	CLEANUP(signature_freep)
	struct signature *s = signature_of(SIGNATURE_STANDARD, NULL, STD_SECRET);
	CLEANUP(strv_fini) struct strv made = STRV_NULL;

	(void)state;
	signature_sign(s, SLICE_LIT(STD_BODY), STD_ID, STD_TIME * US_PER_SEC, &made);
	assert_int_equal(made.n, 3);
	assert_string_equal(made.v[0], "webhook-id: " STD_ID);
	assert_string_equal(made.v[1], "webhook-timestamp: 1614265330");
	assert_string_equal(made.v[2], "webhook-signature: " STD_SIG);
}

static void public_key_signs_nothing(void **state)
{
	CLEANUP(signature_freep)
	struct signature *s = signature_of(SIGNATURE_STANDARD, NULL, PK_SECRET);
	CLEANUP(strv_fini) struct strv made = STRV_NULL;

	(void)state;
	signature_sign(s, SLICE_LIT("x"), "id", 0, &made);
	assert_int_equal(made.n, 0);
}

/* --- the table --- */

static void recipes_are_known_by_name_and_by_header(void **state)
{
	enum signature_recipe r = SIGNATURE_NONE;

	(void)state;
	assert_true(signature_recipe_from_name(SLICE_LIT("github"), &r) && r == SIGNATURE_GITHUB);
	assert_true(signature_recipe_from_name(SLICE_LIT("hex"), &r) && r == SIGNATURE_HEX);
	assert_true(signature_recipe_from_name(SLICE_LIT("standard"), &r));
	assert_int_equal(r, SIGNATURE_STANDARD);
	assert_false(signature_recipe_from_name(SLICE_LIT("GitHub"), &r));
	assert_false(signature_recipe_from_name(SLICE_LIT(""), &r));
	assert_string_equal(signature_recipe_name(SIGNATURE_STANDARD), "standard");
	assert_string_equal(signature_recipe_name(SIGNATURE_NONE), "none");
	for (int i = SIGNATURE_NONE + 1; i <= SIGNATURE_TOKEN; i++) {
		const char *name = signature_recipe_name((enum signature_recipe)i);

		assert_true(signature_recipe_from_name(slice_of(name), &r));
		assert_int_equal(r, i);
	}
	assert_int_equal(signature_recipe_from_header("x-hub-signature-256"), SIGNATURE_GITHUB);
	assert_int_equal(signature_recipe_from_header("Webhook-Signature"), SIGNATURE_STANDARD);
	assert_int_equal(signature_recipe_from_header("svix-signature"), SIGNATURE_STANDARD);
	assert_int_equal(signature_recipe_from_header("X-Slack-Signature"), SIGNATURE_SLACK);
	assert_int_equal(signature_recipe_from_header("Stripe-Signature"), SIGNATURE_STRIPE);
	assert_int_equal(signature_recipe_from_header("X-Gitlab-Token"), SIGNATURE_GITLAB);
	assert_int_equal(signature_recipe_from_header("linear-signature"), SIGNATURE_LINEAR);
	assert_int_equal(signature_recipe_from_header("X-Signature-Ed25519"), SIGNATURE_DISCORD);
	assert_int_equal(signature_recipe_from_header("Sentry-Hook-Signature"), SIGNATURE_SENTRY);
	assert_int_equal(
		signature_recipe_from_header("X-Telegram-Bot-Api-Secret-Token"), SIGNATURE_TOKEN);
	assert_int_equal(signature_recipe_from_header("AUTHORIZATION"), SIGNATURE_BEARER);
	assert_int_equal(signature_recipe_from_header("X-Hub-Signature"), SIGNATURE_HEX);
	assert_int_equal(signature_recipe_from_header(NULL), SIGNATURE_HEX);
}

static void facts_of_each_recipe_are_told(void **state)
{
	(void)state;
	assert_true(signature_tolerance(SIGNATURE_STANDARD) == 300 * US_PER_SEC);
	assert_int_equal(signature_tolerance(SIGNATURE_GITHUB), -1);
	assert_int_equal(signature_tolerance(SIGNATURE_NONE), -1);
	assert_string_equal(signature_delivery_header(SIGNATURE_GITHUB, NULL), "X-GitHub-Delivery");
	assert_string_equal(signature_delivery_header(SIGNATURE_STANDARD, NULL), "webhook-id");
	assert_string_equal(
		signature_delivery_header(SIGNATURE_STANDARD, "Svix-Signature"), "svix-id");
	assert_null(signature_delivery_header(SIGNATURE_HEX, "X-Sig"));
	assert_null(signature_delivery_header(SIGNATURE_NONE, NULL));
	assert_string_equal(signature_reason(0), "ok");
	assert_string_equal(signature_reason(SIGNATURE_E_MISSING_HEADER), "missing_header");
	assert_string_equal(signature_reason(SIGNATURE_E_MALFORMED_HEADER), "malformed_header");
	assert_string_equal(signature_reason(SIGNATURE_E_BAD_SIGNATURE), "bad_signature");
	assert_string_equal(signature_reason(SIGNATURE_E_STALE_TIMESTAMP), "stale_timestamp");
	assert_string_equal(signature_reason(SIGNATURE_E_BAD_SECRET), "bad_secret");
	assert_string_equal(signature_reason(99), "unknown");
}

static void secret_headers_are_named(void **state)
{
	CLEANUP(signature_freep)
	struct signature *hex = signature_of(SIGNATURE_HEX, "X-My-Sig", "s");
	CLEANUP(signature_freep) struct signature *gh = signature_of(SIGNATURE_GITHUB, NULL, "s");
	CLEANUP(signature_freep)
	struct signature *std = signature_of(SIGNATURE_STANDARD, NULL, STD_SECRET);
	CLEANUP(signature_freep)
	struct signature *renamed = signature_of(SIGNATURE_GITHUB, "X-Gateway-Sig", "s");

	(void)state;
	assert_string_equal(signature_secret_headers(hex)[0], "X-My-Sig");
	assert_null(signature_secret_headers(hex)[1]);
	assert_string_equal(signature_secret_headers(gh)[0], "X-Hub-Signature-256");
	assert_string_equal(signature_secret_headers(gh)[1], "X-Hub-Signature");
	assert_null(signature_secret_headers(gh)[2]);
	assert_string_equal(signature_secret_headers(std)[0], "webhook-signature");
	assert_string_equal(signature_secret_headers(std)[1], "svix-signature");
	assert_null(signature_secret_headers(std)[2]);
	/* A header that was chosen, and the one that the sender knows. */
	assert_string_equal(signature_secret_headers(renamed)[0], "X-Gateway-Sig");
	assert_string_equal(signature_secret_headers(renamed)[1], "X-Hub-Signature-256");
	assert_string_equal(signature_secret_headers(renamed)[2], "X-Hub-Signature");
	assert_null(signature_secret_headers(renamed)[3]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_vectors_come_out_right),
		cmocka_unit_test(secrets_that_cannot_be_are_refused_for_every_recipe),
		cmocka_unit_test(standard_secret_must_be_decodable),
		cmocka_unit_test(recipe_without_secret_or_header_is_refused),
		cmocka_unit_test(hex_prefix_is_optional_for_hex_and_required_for_github),
		cmocka_unit_test(digest_may_be_in_upper_case),
		cmocka_unit_test(damaged_digests_are_refused),
		cmocka_unit_test(every_flipped_digit_and_every_changed_body_is_refused),
		cmocka_unit_test(repeated_signature_header_is_refused),
		cmocka_unit_test(any_active_secret_may_match),
		cmocka_unit_test(secret_is_used_byte_for_byte),
		cmocka_unit_test(webhook_with_stale_timestamp_is_refused),
		cmocka_unit_test(tolerance_can_be_configured),
		cmocka_unit_test(timestamps_are_ascii_digits_only),
		cmocka_unit_test(any_signature_of_the_list_may_match),
		cmocka_unit_test(signature_has_one_spelling),
		cmocka_unit_test(list_of_signatures_is_bounded),
		cmocka_unit_test(each_header_must_be_there_once),
		cmocka_unit_test(id_with_a_dot_is_refused),
		cmocka_unit_test(header_family_is_the_configured_one),
		cmocka_unit_test(without_a_configured_header_webhook_goes_before_svix),
		cmocka_unit_test(mac_and_key_pair_may_be_active_together),
		cmocka_unit_test(what_is_signed_is_verified),
		cmocka_unit_test(signed_headers_are_those_of_the_published_example),
		cmocka_unit_test(public_key_signs_nothing),
		cmocka_unit_test(recipes_are_known_by_name_and_by_header),
		cmocka_unit_test(facts_of_each_recipe_are_told),
		cmocka_unit_test(secret_headers_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
