/* SPDX-License-Identifier: MIT */
/*
 * tests/base/test_crypto.c - against published vectors: RFC 4231 (HMAC), FIPS 180-4 (SHA-256),
 * RFC 8032 section 7.1 (Ed25519), RFC 4648 section 10 (base64).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "base/crypto.h"
#include "cmocka.h" /* quoted: it must follow the headers above */

#define A20  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A131 A20 A20 A20 A20 A20 A20 "aaaaaaaaaaaaaaaaaaaaaa"
#define D50                                                                                        \
	"dddddddddddddddddddddddddddddddddddddddddddddddddd"                                       \
	"dddddddddddddddddddddddddddddddddddddddddddddddddd"

static struct buf from_hex(const char *hex)
{
	struct buf b = BUF_NULL;
	size_t n = strlen(hex) / 2;

	buf_reserve(&b, n + 1);
	assert_true(hex_decode(slice_of(hex), (uint8_t *)b.p, n));
	b.n = n;
	return b;
}

static void check_hmac(const char *key_hex, const char *msg_hex, const char *mac_hex)
{
	CLEANUP(buf_fini) struct buf key = from_hex(key_hex);
	CLEANUP(buf_fini) struct buf msg = from_hex(msg_hex);
	CLEANUP(hmac_freep) struct hmac *h = hmac_new(key.p, key.n);
	uint8_t mac[SHA256_SIZE];
	char hex[SHA256_HEX_SIZE];

	/* In one piece, in two, and with empty pieces: the same. */
	for (size_t cut = 0; cut <= msg.n; cut += 1 + msg.n / 3) {
		struct slice pieces[] = {{msg.p, cut}, SLICE_NULL, {msg.p + cut, msg.n - cut}};

		hmac_sign(h, pieces, ARRAY_LEN(pieces), mac);
		hex_encode(mac, sizeof(mac), hex);
		assert_string_equal(hex, mac_hex);
	}
}

static void hmac_agrees_with_rfc_4231(void **state)
{
	(void)state;
	check_hmac("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
		"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	check_hmac("4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
		"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	check_hmac(A20, D50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
	check_hmac("0102030405060708090a0b0c0d0e0f10111213141516171819",
		"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
		"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
		"82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
	check_hmac(A131,
		"54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a"
		"65204b6579202d2048617368204b6579204669727374",
		"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	check_hmac(A131,
		"5468697320697320612074657374207573696e672061206c6172676572207468"
		"616e20626c6f636b2d73697a65206b657920616e642061206c61726765722074"
		"68616e20626c6f636b2d73697a6520646174612e20546865206b6579206e6565"
		"647320746f20626520686173686564206265666f7265206265696e6720757365"
		"642062792074686520484d414320616c676f726974686d2e",
		"9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

static void empty_hmac_key_is_a_key(void **state)
{
	(void)state;
	check_hmac("", "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
	hmac_free(NULL);
}

static void sha256_agrees_with_fips_180(void **state)
{
	char hex[SHA256_HEX_SIZE];

	(void)state;
	sha256_hex("abc", 3, hex);
	assert_string_equal(
		hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	sha256_hex(NULL, 0, hex);
	assert_string_equal(
		hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

struct ed25519_case {
	const char *seed, *public, *msg, *sig;
};

static const struct ed25519_case ed25519_cases[] = {
	{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
		"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
		"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
		"5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
	{"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
		"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
		"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
		"085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
};

static void ed25519_agrees_with_rfc_8032(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ed25519_cases); i++) {
		const struct ed25519_case *c = &ed25519_cases[i];
		CLEANUP(buf_fini) struct buf seed = from_hex(c->seed);
		CLEANUP(buf_fini) struct buf public = from_hex(c->public);
		CLEANUP(buf_fini) struct buf msg = from_hex(c->msg);
		CLEANUP(buf_fini) struct buf sig = from_hex(c->sig);
		uint8_t made[ED25519_SIG_SIZE];

		ed25519_public((uint8_t *)seed.p, made);
		assert_memory_equal(made, public.p, ED25519_KEY_SIZE);
		ed25519_sign((uint8_t *)seed.p, msg.p, msg.n, made);
		assert_memory_equal(made, sig.p, sizeof(made));
		assert_true(ed25519_verify((uint8_t *)public.p, made, msg.p, msg.n));
		made[5] ^= 1;
		assert_false(ed25519_verify((uint8_t *)public.p, made, msg.p, msg.n));
	}
}

static void ed25519_refuses_other_messages_and_keys_that_are_no_point(void **state)
{
	CLEANUP(buf_fini) struct buf public = from_hex(ed25519_cases[1].public);
	CLEANUP(buf_fini) struct buf sig = from_hex(ed25519_cases[1].sig);
	uint8_t nonsense[ED25519_KEY_SIZE];

	(void)state;
	memset(nonsense, 0xff, sizeof(nonsense));
	assert_false(ed25519_verify((uint8_t *)public.p, (uint8_t *)sig.p, "s", 1));
	assert_false(ed25519_verify(nonsense, (uint8_t *)sig.p, "r", 1));
}

static void ed25519_keys_of_small_order_are_weak(void **state)
{
	/* The eight points whose order divides eight, and the other spellings of some of them that
	 * a lenient decoder takes (y not reduced); the top bit is the sign of x. */
	static const char *const weak[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0000000000000000000000000000000000000000000000000000000000000080",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(weak); i++) {
		CLEANUP(buf_fini) struct buf key = from_hex(weak[i]);

		assert_true(ed25519_key_is_weak((uint8_t *)key.p));
	}
	for (size_t i = 0; i < ARRAY_LEN(ed25519_cases); i++) {
		CLEANUP(buf_fini) struct buf key = from_hex(ed25519_cases[i].public);

		assert_false(ed25519_key_is_weak((uint8_t *)key.p));
	}
}

static void hex_is_read_in_either_case_and_only_at_its_exact_length(void **state)
{
	uint8_t out[2];
	char hex[5];

	(void)state;
	assert_true(hex_decode(SLICE_LIT("aBfF"), out, 2));
	hex_encode(out, 2, hex);
	assert_string_equal(hex, "abff");
	assert_false(hex_decode(SLICE_LIT("abf"), out, 2));
	assert_false(hex_decode(SLICE_LIT("abfff"), out, 2));
	assert_false(hex_decode(SLICE_LIT("abfg"), out, 2));
	assert_false(hex_decode(SLICE_LIT("ab"
					  "\xc3\xa9"),
		out, 2));
	assert_true(hex_decode(SLICE_NULL, out, 0));
}

static const struct {
	const char *plain, *coded, *unpadded;
} base64_cases[] = {
	{"", "", ""},
	{"f", "Zg==", "Zg"},
	{"fo", "Zm8=", "Zm8"},
	{"foo", "Zm9v", "Zm9v"},
	{"foob", "Zm9vYg==", "Zm9vYg"},
	{"fooba", "Zm9vYmE=", "Zm9vYmE"},
	{"foobar", "Zm9vYmFy", "Zm9vYmFy"},
};

static void base64_agrees_with_rfc_4648(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(base64_cases); i++) {
		CLEANUP(buf_fini) struct buf coded = BUF_NULL;
		CLEANUP(buf_fini) struct buf plain = BUF_NULL;

		base64_encode(&coded, base64_cases[i].plain, strlen(base64_cases[i].plain));
		assert_string_equal(buf_str(&coded), base64_cases[i].coded);
		assert_true(base64_decode(&plain, buf_slice(&coded)));
		assert_string_equal(buf_str(&plain), base64_cases[i].plain);
		buf_clear(&plain);
		assert_true(base64_decode(&plain, slice_of(base64_cases[i].unpadded)));
		assert_string_equal(buf_str(&plain), base64_cases[i].plain);
	}
}

static void base64_of_every_byte_survives(void **state)
{
	CLEANUP(buf_fini) struct buf coded = BUF_NULL;
	CLEANUP(buf_fini) struct buf plain = BUF_NULL;
	uint8_t bytes[256];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	base64_encode(&coded, bytes, sizeof(bytes));
	assert_true(base64_decode(&plain, buf_slice(&coded)));
	assert_int_equal(plain.n, sizeof(bytes));
	assert_memory_equal(plain.p, bytes, sizeof(bytes));
}

static void base64_refuses_what_is_not_canonical_text_and_appends_nothing(void **state)
{
	static const char *const bad[] = {"Z", "Zg=", "Zg===", "Zm9v=", "Zm9vY", "Zm 9v", "Zm9v\n",
		"Zm-v", "Zm_v", "=", "==", "Z===", "Zg==Zg==", "!!!notbase64", "Zm8=="};
	CLEANUP(buf_fini) struct buf out = BUF_NULL;

	(void)state;
	buf_add_str(&out, "kept");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(base64_decode(&out, slice_of(bad[i])));
		assert_string_equal(buf_str(&out), "kept");
	}
	/* Left-over low bits are ignored. */
	assert_true(base64_decode(&out, SLICE_LIT("Zh==")));
	assert_string_equal(buf_str(&out), "keptf");
}

static void equal_looks_at_every_byte(void **state)
{
	(void)state;
	assert_true(crypto_equal("abcd", "abcd", 4));
	assert_false(crypto_equal("abcd", "abce", 4));
	assert_false(crypto_equal("abcd", "bbcd", 4));
	assert_true(crypto_equal("abcd", "abce", 3));
	assert_true(crypto_equal(NULL, NULL, 0));
}

static void random_numbers_stay_below_their_bound_and_reach_all_values(void **state)
{
	unsigned seen[7] = {0};

	(void)state;
	for (int i = 0; i < 2000; i++) {
		uint64_t v = random_below(7);

		assert_true(v < 7);
		seen[v]++;
	}
	for (size_t i = 0; i < ARRAY_LEN(seen); i++)
		assert_true(seen[i] > 100);
	assert_int_equal(random_below(1), 0);
	assert_true(random_below(UINT64_MAX) < UINT64_MAX);
}

static void random_bytes_differ(void **state)
{
	uint8_t a[32] = {0}, b[32] = {0};

	(void)state;
	crypto_random(a, sizeof(a));
	crypto_random(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	crypto_random(a, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hmac_agrees_with_rfc_4231),
		cmocka_unit_test(empty_hmac_key_is_a_key),
		cmocka_unit_test(sha256_agrees_with_fips_180),
		cmocka_unit_test(ed25519_agrees_with_rfc_8032),
		cmocka_unit_test(ed25519_refuses_other_messages_and_keys_that_are_no_point),
		cmocka_unit_test(ed25519_keys_of_small_order_are_weak),
		cmocka_unit_test(hex_is_read_in_either_case_and_only_at_its_exact_length),
		cmocka_unit_test(base64_agrees_with_rfc_4648),
		cmocka_unit_test(base64_of_every_byte_survives),
		cmocka_unit_test(base64_refuses_what_is_not_canonical_text_and_appends_nothing),
		cmocka_unit_test(equal_looks_at_every_byte),
		cmocka_unit_test(random_numbers_stay_below_their_bound_and_reach_all_values),
		cmocka_unit_test(random_bytes_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
