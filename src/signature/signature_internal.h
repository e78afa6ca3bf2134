/* SPDX-License-Identifier: MIT */
/*
 * signature/signature_internal.h - what a recipe is made of.
 *
 * A recipe is a row of data (recipes.c) over one of four schemes, the only places with code:
 * HMAC in hex, Ed25519 in hex, a shared token, and Standard Webhooks. A new sender is a new row
 * unless he has thought of something new.
 */
#ifndef PYLON_SIGNATURE_SIGNATURE_INTERNAL_H
#define PYLON_SIGNATURE_SIGNATURE_INTERNAL_H

#include "base/crypto.h"
#include "signature/signature.h"

/* How many signatures one header may list. Each costs work before anybody has proved anything. */
#define SIGNATURE_LIST_MAX 16

/* One secret, ready to use: a MAC key, a token that is sent as it is, or an Ed25519 key of which
 * at least the public half. */
struct signature_key {
	struct hmac *hmac;
	char *token;
	uint8_t token_sha256[SHA256_SIZE];
	bool has_public, has_seed;
	uint8_t public[ED25519_KEY_SIZE];
	uint8_t seed[ED25519_KEY_SIZE];
};

/* One request as a scheme sees it. */
struct signature_message {
	signature_header_fn *header;
	void *ctx;
	struct slice body;
	int64_t now_us;  /* wall time */
	struct err *why; /* NULL when nobody wants words */
};

/* Says in words why a request is refused; the value is the verdict. */
#define REFUSE(m, verdict, ...) ((void)err_set((m)->why, -EACCES, __VA_ARGS__), (verdict))

struct signature_scheme {
	/* Reads a secret that is not blank; NULL = fine, else what is wrong with it. */
	const char *(*key)(struct signature_key *ret, struct slice secret);
	int (*verify)(const struct signature *s, const struct signature_message *m);
	void (*sign)(const struct signature *s, const struct signature_message *m, const char *id,
		struct strv *ret_headers);
	/* NULL = the first of the rule's delivery_headers that the request has. */
	const char *(*delivery_id_header)(
		const struct signature *s, const struct signature_message *m);
};

/* What trigger.signature_header may be. */
enum signature_header_choice {
	HEADER_OWN,   /* only a header of the recipe: it goes with others that cannot be chosen */
	HEADER_OPEN,  /* any header in place of the recipe's */
	HEADER_ASKED, /* any header, and there is none by default */
};

/* Header names are written as the sender writes them; lists are NULL-ended. */
struct signature_rule {
	enum signature_recipe id;
	const char *name;
	const struct signature_scheme *scheme;
	enum signature_header_choice choice;
	const char *headers[3];          /* with the signature; each stands for the recipe */
	const char *also_secret;         /* one more header never to be kept; may be NULL */
	const char *delivery_headers[3]; /* with the delivery id, the best first */
	int64_t tolerance_us;            /* -1 = any timestamp, or none at all, will do */

	/* HMAC and Ed25519: what is signed is `lead`, the timestamp, `joint`, the body; without a
	 * joint the body alone. */
	const char *lead, *joint;
	const char *time_header; /* seconds since 1970 */
	const char *time_member; /* of the body: milliseconds since 1970 */
	/* HMAC: how the digits are written. */
	const char *prefix;
	bool is_prefix_optional;
	const char *list_time, *list_digest; /* "time=...,digest=...", not NULL = such a list */
	/* Token: the scheme in front of it (RFC 7235), any case. */
	const char *auth_scheme;
};

extern const struct signature_rule signature_rules[];
extern const size_t signature_rule_count;

struct signature {
	const struct signature_rule *rule;
	char *header; /* as configured, or the recipe's own; NULL = any of several own ones */
	int64_t tolerance_us;
	struct signature_key *keys;
	size_t key_count;
	const char *secret_headers[5]; /* NULL-ended */
};

extern const struct signature_scheme signature_scheme_hmac, signature_scheme_ed25519,
	signature_scheme_token, signature_scheme_standard;

/* The value of a header that must be there exactly once: 0,
 * SIGNATURE_E_MISSING_HEADER or SIGNATURE_E_MALFORMED_HEADER (twice, or empty). */
int signature_header_once(const struct signature_message *m, const char *name, struct slice *ret);

/* Checks a timestamp in units of `unit_us` that was found in `where`: not digits is `malformed`,
 * too far from now in either direction is SIGNATURE_E_STALE_TIMESTAMP. Without a tolerance
 * only the digits count. */
int signature_check_time(const struct signature *s, const struct signature_message *m,
	const char *where, struct slice time, int64_t unit_us, int malformed);

/* The bytes that are signed, in pieces, after the rule's lead and joint; returns how many. */
#define SIGNATURE_PIECES_MAX 4
size_t signature_pieces(const struct signature_rule *rule, struct slice time, struct slice body,
	struct slice ret[SIGNATURE_PIECES_MAX]);

/* The same in one piece. */
void signature_join(struct buf *out, const struct slice *pieces, size_t count);

/* Appends the delivery id's header, when there is an id and the recipe has such a header, and the
 * timestamp's. */
void signature_add_headers(
	const struct signature *s, const char *id, const char *time, struct strv *ret_headers);

/* Wall time in whole units since 1970, rounded down, also before 1970. */
int64_t signature_now(const struct signature_message *m, int64_t unit_us);

#endif
