/* SPDX-License-Identifier: MIT */
/*
 * signature/recipe_hmac.c - HMAC-SHA256 of the body, in hex, in one header: `hex` and `github`.
 *
 * The digits are decoded before they are compared, so their case does not matter. `github` insists
 * on "sha256=" (the header never comes without it; "sha1=" there is a downgrade); `hex` reads the
 * digits with or without it, since senders differ.
 */
#include "signature/signature_internal.h"

#define PREFIX "sha256="

static const char *key(struct signature_key *ret, struct slice secret)
{
	ret->hmac = hmac_new(secret.p, secret.n);
	return NULL;
}

static bool any_header(const char *header)
{
	(void)header;
	return true;
}

static bool github_header(const char *header)
{
	return strcasecmp(header, signature_rule_github.header) == 0;
}

static int verify(const struct signature *s, const struct signature_message *m)
{
	uint8_t given[SHA256_SIZE], wanted[SHA256_SIZE];
	struct slice value;
	bool is_genuine = false;
	int r = signature_header_once(m, s->header_lower, &value);

	if (r != 0)
		return r;
	if (slice_has_prefix(value, PREFIX))
		value = (struct slice){value.p + strlen(PREFIX), value.n - strlen(PREFIX)};
	else if (s->rule->id == SIGNATURE_GITHUB)
		return SIGNATURE_E_MALFORMED_HEADER;
	if (!hex_decode(value, given, sizeof(given)))
		return SIGNATURE_E_MALFORMED_HEADER;
	for (size_t i = 0; i < s->key_count; i++) {
		hmac_sign(s->keys[i].hmac, &m->body, 1, wanted);
		is_genuine |= crypto_equal(given, wanted, sizeof(wanted));
	}
	return is_genuine ? 0 : SIGNATURE_E_BAD_SIGNATURE;
}

static void sign(const struct signature *s, const struct signature_message *m, const char *id,
	struct strv *ret_headers)
{
	bool is_github = s->rule->id == SIGNATURE_GITHUB;
	uint8_t mac[SHA256_SIZE];
	char hex[SHA256_HEX_SIZE];

	hmac_sign(s->keys[0].hmac, &m->body, 1, mac);
	hex_encode(mac, sizeof(mac), hex);
	if (is_github && !str_is_empty(id))
		strv_addf(ret_headers, "X-GitHub-Delivery: %s", id);
	strv_addf(ret_headers, "%s: %s%s", s->header, is_github ? PREFIX : "", hex);
}

const struct signature_rule signature_rule_hex = {
	.id = SIGNATURE_HEX,
	.name = "hex",
	.tolerance_us = -1,
	.header_fits = any_header,
	.key = key,
	.verify = verify,
	.sign = sign,
};

/* https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries */
const struct signature_rule signature_rule_github = {
	.id = SIGNATURE_GITHUB,
	.name = "github",
	.header = "X-Hub-Signature-256",
	.delivery_header = "x-github-delivery",
	.tolerance_us = -1,
	.also_secret = "x-hub-signature", /* the same secret with SHA-1 */
	.header_fits = github_header,
	.key = key,
	.verify = verify,
	.sign = sign,
};
