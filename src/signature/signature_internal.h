/* SPDX-License-Identifier: MIT */
/*
 * signature/signature_internal.h - what a recipe is made of.
 */
#ifndef PYLON_SIGNATURE_SIGNATURE_INTERNAL_H
#define PYLON_SIGNATURE_SIGNATURE_INTERNAL_H

#include "base/crypto.h"
#include "signature/signature.h"

/* One secret, ready to use: a MAC key, or an Ed25519 key of which at least the public half. */
struct signature_key {
	struct hmac *hmac;
	bool has_public, has_seed;
	uint8_t public[ED25519_KEY_SIZE];
	uint8_t seed[ED25519_KEY_SIZE];
};

/* One request as a recipe sees it. */
struct signature_message {
	signature_header_fn *header;
	void *ctx;
	struct slice body;
	int64_t now_s; /* whole seconds of wall time */
};

struct signature_rule {
	enum signature_recipe id;
	const char *name;
	const char *header; /* where the signature is, as the sender writes it; NULL = configured */
	const char *delivery_header; /* lower case; NULL = none */
	int64_t tolerance_us;        /* -1 = no timestamp */
	const char *also_secret;     /* one more header never to be kept; lower case; may be NULL */
	bool (*header_fits)(const char *header);
	/* Reads a secret that is not blank; NULL = fine, else what is wrong with it. */
	const char *(*key)(struct signature_key *ret, struct slice secret);
	const char *(*delivery_id_header)(
		const struct signature *s, const struct signature_message *m);
	int (*verify)(const struct signature *s, const struct signature_message *m);
	void (*sign)(const struct signature *s, const struct signature_message *m, const char *id,
		struct strv *ret_headers);
};

struct signature {
	const struct signature_rule *rule;
	char *header;       /* as configured, or the recipe's own; NULL = either of two families */
	char *header_lower; /* for looking it up */
	int64_t tolerance_us;
	struct signature_key *keys;
	size_t key_count;
	const char *secret_headers[4]; /* NULL-ended */
};

/* The value of a header that must be there exactly once: 0,
 * SIGNATURE_E_MISSING_HEADER or SIGNATURE_E_MALFORMED_HEADER (twice, or empty). */
int signature_header_once(const struct signature_message *m, const char *name, struct slice *ret);

extern const struct signature_rule signature_rule_hex, signature_rule_github,
	signature_rule_standard;

#endif
