/* SPDX-License-Identifier: MIT */
/*
 * base/crypto.h - the little of libcrypto that the program uses, and text forms of bytes.
 *
 * HMAC-SHA256 (RFC 2104, FIPS 180-4) through a keyed template context that is duplicated for each
 * message, which is measurably faster than keying each time. Ed25519 (RFC 8032). All functions
 * that compare secrets take the same time for every content of equal length.
 */
#ifndef PYLON_BASE_CRYPTO_H
#define PYLON_BASE_CRYPTO_H

#include "base/err.h"
#include "base/str.h"

#define SHA256_SIZE      32
#define SHA256_HEX_SIZE  65 /* with the NUL */
#define ED25519_KEY_SIZE 32
#define ED25519_SIG_SIZE 64

/* A key ready for many messages. */
struct hmac;
struct hmac *hmac_new(const void *key, size_t n);
void hmac_free(struct hmac *h);
DEFINE_FREEP(struct hmac, hmac_free)
/* MAC of the concatenation of `count` pieces. */
void hmac_sign(
	const struct hmac *h, const struct slice *pieces, size_t count, uint8_t ret[SHA256_SIZE]);

void sha256(const void *p, size_t n, uint8_t ret[SHA256_SIZE]);
void sha256_hex(const void *p, size_t n, char ret[SHA256_HEX_SIZE]);

/* True when sig is key's signature of the message. */
bool ed25519_verify(const uint8_t key[ED25519_KEY_SIZE], const uint8_t sig[ED25519_SIG_SIZE],
	const void *msg, size_t n);
/* True for a public key under which signatures can be made without the private key: one of the few
 * points of small order, such as the all-zero key of a forgotten placeholder. */
bool ed25519_key_is_weak(const uint8_t key[ED25519_KEY_SIZE]);
/* The public key of a 32-byte private key (seed). */
void ed25519_public(const uint8_t seed[ED25519_KEY_SIZE], uint8_t ret[ED25519_KEY_SIZE]);
/* Makes a signature with a 32-byte private key (seed). */
void ed25519_sign(const uint8_t seed[ED25519_KEY_SIZE], const void *msg, size_t n,
	uint8_t ret[ED25519_SIG_SIZE]);

/* Constant-time comparison of n bytes. */
bool crypto_equal(const void *a, const void *b, size_t n);
/* Fills n random bytes from the kernel; aborts when the kernel has none. */
void crypto_random(void *p, size_t n);
/* A uniformly random number in [0, bound); bound > 0. For jitter, not for keys. */
uint64_t random_below(uint64_t bound);

/* Lower-case hex of n bytes, 2n characters and a NUL. */
void hex_encode(const void *p, size_t n, char *ret);
/* Value of a hex digit of either case, -1 when it is none. */
int hex_digit(char c);
/* Exactly 2n hex digits of either case into n bytes; false otherwise. */
bool hex_decode(struct slice hex, uint8_t *ret, size_t n);

/* Standard base64 (RFC 4648 section 4) with padding, appended. */
void base64_encode(struct buf *out, const void *p, size_t n);
/* Standard alphabet, padding optional, no white space, unused low bits of the last digit ignored;
 * false (and nothing appended) otherwise. */
bool base64_decode(struct buf *out, struct slice text);

#endif
