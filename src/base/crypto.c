/* SPDX-License-Identifier: MIT */
/*
 * base/crypto.c - the only file that knows OpenSSL.
 *
 * Failures inside libcrypto can only mean that memory ran out or that the library is broken, so
 * they end the process (must()); what a peer sent is never the cause. A signature that does not
 * fit is an ordinary `false`.
 *
 * Surprises: fetching an algorithm by name costs more than hashing a small message, so SHA-256 is
 * fetched once and HMAC contexts are keyed once and duplicated; EVP_DecodeBlock() accepts white
 * space and stray padding, so base64 is our own.
 */
#include "base/crypto.h"

#include <errno.h>
#include <sys/random.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

struct hmac {
	EVP_MAC_CTX *keyed;
};

struct hmac *hmac_new(const void *key, size_t n)
{
	struct hmac *h = xcalloc(1, sizeof(*h));
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	must(mac != NULL);
	h->keyed = EVP_MAC_CTX_new(mac);
	EVP_MAC_free(mac);
	must(h->keyed != NULL);
	/* A NULL key would mean "keep the old one"; an empty key is a key. */
	must(EVP_MAC_init(h->keyed, n == 0 ? (const unsigned char *)"" : key, n, params) == 1);
	return h;
}

void hmac_free(struct hmac *h)
{
	if (h == NULL)
		return;
	EVP_MAC_CTX_free(h->keyed);
	free(h);
}

void hmac_sign(
	const struct hmac *h, const struct slice *pieces, size_t count, uint8_t ret[SHA256_SIZE])
{
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(h->keyed);
	size_t n = 0;

	must(ctx != NULL);
	for (size_t i = 0; i < count; i++) {
		if (pieces[i].n > 0)
			must(EVP_MAC_update(ctx, (const unsigned char *)pieces[i].p, pieces[i].n) ==
				1);
	}
	must(EVP_MAC_final(ctx, ret, &n, SHA256_SIZE) == 1);
	must(n == SHA256_SIZE);
	EVP_MAC_CTX_free(ctx);
}

static const EVP_MD *sha256_algorithm(void)
{
	static EVP_MD *algorithm; /* lives as long as the process */

	if (algorithm == NULL)
		algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
	must(algorithm != NULL);
	return algorithm;
}

void sha256(const void *p, size_t n, uint8_t ret[SHA256_SIZE])
{
	must(EVP_Digest(n == 0 ? "" : p, n, ret, NULL, sha256_algorithm(), NULL) == 1);
}

void sha256_hex(const void *p, size_t n, char ret[SHA256_HEX_SIZE])
{
	uint8_t digest[SHA256_SIZE];

	sha256(p, n, digest);
	hex_encode(digest, sizeof(digest), ret);
}

bool ed25519_verify(const uint8_t key[ED25519_KEY_SIZE], const uint8_t sig[ED25519_SIG_SIZE],
	const void *msg, size_t n)
{
	EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, ED25519_KEY_SIZE);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool is_genuine;

	must(ctx != NULL);
	/* A key that is no point of the curve is only noticed by the verification. */
	is_genuine = pkey != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
		     EVP_DigestVerify(ctx, sig, ED25519_SIG_SIZE, n == 0 ? "" : msg, n) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	if (!is_genuine)
		ERR_clear_error();
	return is_genuine;
}

/*
 * A signature (R, S) fits when R = S*B - h*A, h being a hash over R, A and the message (RFC 8032
 * section 5.1.7). With S = 0 and R = the neutral point that asks for h*A = 0: out of reach for an
 * honest key, but for one of order 1, 2, 4 or 8 every eighth message will do.
 */
bool ed25519_key_is_weak(const uint8_t key[ED25519_KEY_SIZE])
{
	const uint8_t forged[ED25519_SIG_SIZE] = {1};

	for (int c = 0; c < 64; c++) {
		uint8_t message = (uint8_t)c;

		if (ed25519_verify(key, forged, &message, sizeof(message)))
			return true;
	}
	return false;
}

static EVP_PKEY *ed25519_private(const uint8_t seed[ED25519_KEY_SIZE])
{
	EVP_PKEY *pkey =
		EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, ED25519_KEY_SIZE);

	must(pkey != NULL);
	return pkey;
}

void ed25519_public(const uint8_t seed[ED25519_KEY_SIZE], uint8_t ret[ED25519_KEY_SIZE])
{
	EVP_PKEY *pkey = ed25519_private(seed);
	size_t size = ED25519_KEY_SIZE;

	must(EVP_PKEY_get_raw_public_key(pkey, ret, &size) == 1);
	EVP_PKEY_free(pkey);
}

void ed25519_sign(const uint8_t seed[ED25519_KEY_SIZE], const void *msg, size_t n,
	uint8_t ret[ED25519_SIG_SIZE])
{
	EVP_PKEY *pkey = ed25519_private(seed);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t size = ED25519_SIG_SIZE;

	must(ctx != NULL);
	must(EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey) == 1);
	must(EVP_DigestSign(ctx, ret, &size, n == 0 ? "" : msg, n) == 1);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
}

bool crypto_equal(const void *a, const void *b, size_t n)
{
	return n == 0 || CRYPTO_memcmp(a, b, n) == 0;
}

void crypto_random(void *p, size_t n)
{
	char *at = p;

	while (n > 0) {
		ssize_t got = getrandom(at, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		must(got > 0);
		at += got;
		n -= (size_t)got;
	}
}

uint64_t random_below(uint64_t bound)
{
	uint64_t value, refused;

	must(bound > 0);
	/* The first (2^64 mod bound) values would make the low results likelier. */
	refused = (0 - bound) % bound;
	do
		crypto_random(&value, sizeof(value));
	while (value < refused);
	return value % bound;
}

void hex_encode(const void *p, size_t n, char *ret)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *bytes = p;

	for (size_t i = 0; i < n; i++) {
		ret[2 * i] = digits[bytes[i] >> 4];
		ret[2 * i + 1] = digits[bytes[i] & 15];
	}
	ret[2 * n] = '\0';
}

int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool hex_decode(struct slice hex, uint8_t *ret, size_t n)
{
	if (hex.n / 2 != n || hex.n % 2 != 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		int high = hex_digit(hex.p[2 * i]), low = hex_digit(hex.p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

void base64_encode(struct buf *out, const void *p, size_t n)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *bytes = p;

	buf_reserve(out, n / 3 * 4 + 4);
	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		uint32_t v = (uint32_t)bytes[i] << 16;
		char four[4];

		v |= left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
		v |= left > 2 ? bytes[i + 2] : 0;
		four[0] = digits[v >> 18];
		four[1] = digits[v >> 12 & 63];
		four[2] = '=';
		four[3] = '=';
		if (left > 1)
			four[2] = digits[v >> 6 & 63];
		if (left > 2)
			four[3] = digits[v & 63];
		buf_add(out, four, sizeof(four));
	}
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* Length without the padding; false when the padding is not what the length asks for. */
static bool base64_strip(struct slice text, size_t *ret)
{
	size_t n = text.n;

	while (n > 0 && text.n - n < 2 && text.p[n - 1] == '=')
		n--;
	*ret = n;
	return n % 4 != 1 && (n == text.n || text.n % 4 == 0);
}

bool base64_decode(struct buf *out, struct slice text)
{
	size_t start = out->n, digits;
	uint32_t v = 0;

	if (!base64_strip(text, &digits))
		return false;
	buf_reserve(out, digits / 4 * 3 + 3);
	for (size_t i = 0; i < digits; i++) {
		int d = base64_digit(text.p[i]);

		if (d < 0) {
			out->n = start;
			out->p[start] = '\0';
			return false;
		}
		v = v << 6 | (uint32_t)d;
		/* Digits 2, 3 and 4 of each four complete a byte. Left-over low bits are ignored:
		 * secrets in the wild are cut from longer ones. */
		if (i % 4 != 0)
			buf_add_char(out, (char)(v >> (6 - 2 * (i % 4)) & 0xff));
	}
	return true;
}
