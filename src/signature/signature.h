/* SPDX-License-Identifier: MIT */
/*
 * signature/signature.h - how webhooks are signed, as a table of recipes.
 *
 * A recipe says which headers carry the signature, what bytes are signed and how the digest is
 * written. It is fixed when the configuration is loaded and never chosen by a request. Pure: no
 * clock, no I/O; the caller gives the time.
 *
 *   hex       HMAC-SHA256 of the body in hex in a header of the user's choice, "sha256=" optional
 *   github    the same in X-Hub-Signature-256, "sha256=" required (GitHub's webhook guide)
 *   standard  Standard Webhooks 1.0: webhook-id, webhook-timestamp, webhook-signature (or svix-*),
 *             "v1,<base64>" HMAC over "id.timestamp.body", and "v1a,<base64>" Ed25519.
 *             Secrets: "whsec_" (optional) and base64, "whpk_" and a base64 Ed25519 public key,
 *             "whsk_" and a private one (seed, or seed and public key)
 *
 * Several secrets may be active (rotation): any one may match; all are tried, so that the time
 * taken does not tell which.
 */
#ifndef PYLON_SIGNATURE_SIGNATURE_H
#define PYLON_SIGNATURE_SIGNATURE_H

#include "base/err.h"
#include "base/str.h"

enum signature_recipe {
	SIGNATURE_NONE,
	SIGNATURE_HEX,
	SIGNATURE_GITHUB,
	SIGNATURE_STANDARD,
};

/* Why a request was refused; the words of signature_reason() are stable. */
enum {
	SIGNATURE_E_MISSING_HEADER = 1,
	SIGNATURE_E_MALFORMED_HEADER,
	SIGNATURE_E_BAD_SIGNATURE,
	SIGNATURE_E_STALE_TIMESTAMP,
	SIGNATURE_E_BAD_SECRET,
};

/* "hex", "github" ...; false when there is no such recipe. */
bool signature_recipe_from_name(struct slice name, enum signature_recipe *ret);
const char *signature_recipe_name(enum signature_recipe r);
/* The recipe that a configured trigger.signature_header stands for (ASCII case ignored); HEX for
 * any header that is not known. */
enum signature_recipe signature_recipe_from_header(const char *header);
/* Default clock tolerance in microseconds, -1 = the recipe has no timestamp. */
int64_t signature_tolerance(enum signature_recipe r);
/* Header with the sender's delivery id (X-GitHub-Delivery, webhook-id ...), NULL = none. For
 * `standard` the header family is that of `header` (webhook-* or svix-*). */
const char *signature_delivery_header(enum signature_recipe r, const char *header);
/* "missing_header" ... ; "ok" for 0. */
const char *signature_reason(int verdict);

/* A recipe with its keys, ready for many requests. */
struct signature;

/* `header` is trigger.signature_header (required for HEX, else NULL means the recipe's own; for
 * `standard` it must be webhook-signature or svix-signature, and NULL means whichever of the two a
 * request has). SIGNATURE_E_BAD_SECRET with *e telling which secret is unusable and why: empty,
 * blank or an unresolved ${...} for every recipe, undecodable for `standard`; -EINVAL with *e for a
 * header that cannot be. tolerance_us < 0: the recipe's default. */
NODISCARD int signature_new(struct signature **ret, enum signature_recipe recipe,
	const char *header, const struct strv *secrets, int64_t tolerance_us, struct err *e);
void signature_free(struct signature *s);
DEFINE_FREEP(struct signature, signature_free)

/* Looks a header up by lower-case name: how many values it has, the first in *ret_value. */
typedef size_t signature_header_fn(void *ctx, const char *name, struct slice *ret_value);

/* Lower-case name of the header with the delivery id of this request, NULL = none: for `standard`
 * of the family whose signature is verified, so that nobody can put an unsigned id beside a signed
 * one. */
const char *signature_delivery_id_header(
	const struct signature *s, signature_header_fn *header, void *ctx);

/* 0 = genuine; else a SIGNATURE_E_* condition. A header that the recipe reads must be there exactly
 * once. */
NODISCARD int signature_verify(const struct signature *s, signature_header_fn *header, void *ctx,
	struct slice body, int64_t now_real_us);

/* Makes the headers that a sender would send, as "Name: value" lines, with the first secret;
 * `id` is the delivery id. None at all when the secret is a public key, which cannot sign. */
void signature_sign(const struct signature *s, struct slice body, const char *id,
	int64_t now_real_us, struct strv *ret_headers);

/* Lower-case names of the headers whose values must never be kept (the signature's own); NULL-ended
 * array, borrowed from s. */
const char *const *signature_secret_headers(const struct signature *s);

#endif
