/* SPDX-License-Identifier: MIT */
/*
 * signature/signature.h - how webhooks are signed, as a table of recipes.
 *
 * A recipe says which headers carry the signature, what bytes are signed and how the digest is
 * written. It is fixed when the configuration is loaded and never chosen by a request. Pure: no
 * clock, no I/O; the caller gives the time.
 *
 *   hex       HMAC-SHA256 of the body in hex in a header of the user's choice, "sha256=" optional
 *   github    the same in X-Hub-Signature-256, "sha256=" required
 *   linear    the same in Linear-Signature without a prefix; fresh by the body's own member
 *             webhookTimestamp (a whole number of milliseconds; without one it is stale)
 *   sentry    the same in Sentry-Hook-Signature without a prefix
 *   slack     HMAC-SHA256 of "v0:timestamp:body" as "v0=<hex>" in X-Slack-Signature, with
 *             X-Slack-Request-Timestamp
 *   stripe    HMAC-SHA256 of "timestamp.body" as "t=<timestamp>,v1=<hex>" in Stripe-Signature,
 *             several v1 while a secret is changed, other versions left aside
 *   discord   Ed25519 of timestamp and body in hex in X-Signature-Ed25519, with
 *             X-Signature-Timestamp; the secret is the application's public key in hex
 *   standard  Standard Webhooks 1.0: webhook-id, webhook-timestamp, webhook-signature (or svix-*),
 *             "v1,<base64>" HMAC over "id.timestamp.body", and "v1a,<base64>" Ed25519.
 *             Secrets: "whsec_" (optional) and base64, "whpk_" and a base64 Ed25519 public key,
 *             "whsk_" and a private one (seed, or seed and public key)
 *   gitlab    X-Gitlab-Token is the secret
 *   bearer    "Bearer <secret>" in Authorization
 *   token     a header of the user's choice is the secret (X-Telegram-Bot-Api-Secret-Token)
 *
 * A configured trigger.signature_header takes the place of the recipe's header with the signature,
 * as behind a gateway that renames it. Not so for slack, discord and standard: their header goes
 * with others, and any name but their own is a mistake.
 *
 * Hex is read in either case. Timestamps are ASCII digits and nothing else. Several secrets may be
 * active (rotation): any one may match; all are tried, so that the time taken does not tell which.
 */
#ifndef PYLON_SIGNATURE_SIGNATURE_H
#define PYLON_SIGNATURE_SIGNATURE_H

#include "base/err.h"
#include "base/str.h"

enum signature_recipe {
	SIGNATURE_NONE,
	SIGNATURE_HEX,
	SIGNATURE_GITHUB,
	SIGNATURE_GITLAB,
	SIGNATURE_SLACK,
	SIGNATURE_STRIPE,
	SIGNATURE_STANDARD,
	SIGNATURE_LINEAR,
	SIGNATURE_SENTRY,
	SIGNATURE_DISCORD,
	SIGNATURE_BEARER,
	SIGNATURE_TOKEN,
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
/* Default clock tolerance in microseconds, -1 = any timestamp, or none at all, will do. */
int64_t signature_tolerance(enum signature_recipe r);
/* Header with the sender's delivery id (X-GitHub-Delivery, webhook-id ...), NULL = none: the one
 * that a current sender uses. For `standard` the header family is that of `header` (webhook-* or
 * svix-*). */
const char *signature_delivery_header(enum signature_recipe r, const char *header);
/* "missing_header" ... ; "ok" for 0. */
const char *signature_reason(int verdict);

/* A recipe with its keys, ready for many requests. */
struct signature;

/* `header` is trigger.signature_header: required for `hex` and `token`, else NULL means the
 * recipe's own (for `standard` whichever of the two a request has). SIGNATURE_E_BAD_SECRET with *e
 * telling which secret is unusable and why: empty, blank or an unresolved ${...} for every recipe,
 * undecodable for `standard` and `discord`, unfit for a header where it is sent in one; -EINVAL
 * with *e for a header that cannot be. tolerance_us < 0: the recipe's default. A tolerance that is
 * given counts for every recipe whose timestamp is signed, thus for `discord` too; the others have
 * none that could be believed. */
NODISCARD int signature_new(struct signature **ret, enum signature_recipe recipe,
	const char *header, const struct strv *secrets, int64_t tolerance_us, struct err *e);
void signature_free(struct signature *s);
DEFINE_FREEP(struct signature, signature_free)

/* Looks a header up by name, ASCII case ignored: how many values it has, the first in
 * *ret_value. */
typedef size_t signature_header_fn(void *ctx, const char *name, struct slice *ret_value);

/* Name of the header with the delivery id of this request, NULL = none. For `standard` it is of the
 * family whose signature is verified, so that nobody can put an unsigned id beside a signed one;
 * for `gitlab` X-Gitlab-Event-UUID when there is no Idempotency-Key. */
const char *signature_delivery_id_header(
	const struct signature *s, signature_header_fn *header, void *ctx);

/* 0 = genuine; else a SIGNATURE_E_* condition. A header that the recipe reads must be there exactly
 * once. */
NODISCARD int signature_verify(const struct signature *s, signature_header_fn *header, void *ctx,
	struct slice body, int64_t now_real_us);
/* The same with the reason in words in *why, for those who run the receiver; it holds nothing of
 * the secrets and nothing of what was sent. */
NODISCARD int signature_check(const struct signature *s, signature_header_fn *header, void *ctx,
	struct slice body, int64_t now_real_us, struct err *why);

/* Makes the headers that a sender would send, as "Name: value" lines, with the first secret;
 * `id` is the delivery id, NULL or "" = none (`standard` needs one). None at all when the secret is
 * a public key, which cannot sign. */
void signature_sign(const struct signature *s, struct slice body, const char *id,
	int64_t now_real_us, struct strv *ret_headers);

/* Names of the headers whose values must never be kept (the signature's own), to be compared
 * without case; NULL-ended array, borrowed from s. */
const char *const *signature_secret_headers(const struct signature *s);

#endif
