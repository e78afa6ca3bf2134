/* SPDX-License-Identifier: MIT */
/*
 * signature/recipe_hmac.c - the scheme of most senders: HMAC-SHA256 in hex over the body, or over
 * the body and a timestamp. What differs between them is in the rows of recipes.c.
 *
 * The digits are decoded before they are compared, so their case does not matter. A prefix that a
 * recipe asks for must be there: "sha1=" or "v1=" in its place is a downgrade, or a header that
 * somebody else meant.
 *
 * A list ("t=1492774577,v1=5257a8...,v0=6ffbb5...") may hold several digests, since a sender who
 * changes his secret signs with both; any one may fit. Other versions are left aside, and so are
 * digests that are none. A second timestamp is refused: which of them was signed is not known.
 *
 * A timestamp in the body is read only after the signature was found good, so that nothing unsigned
 * reaches the JSON scanner from here. A body without one is as good as an old one: stale.
 */
#include "base/limits.h"
#include "base/scan.h"
#include "signature/signature_internal.h"

/* What a request says of itself: when it was signed, and with which digests. */
struct claim {
	struct slice time;
	uint8_t macs[SIGNATURE_LIST_MAX][SHA256_SIZE];
	size_t mac_count;
};

static const char *key(struct signature_key *ret, struct slice secret)
{
	ret->hmac = hmac_new(secret.p, secret.n);
	return NULL;
}

/* --- reading the headers --- */

/* One digest after its prefix. */
static int read_digest(const struct signature *s, const struct signature_message *m,
	struct slice value, struct claim *ret)
{
	const struct signature_rule *rule = s->rule;
	size_t n = strlen(rule->prefix);

	if (slice_has_prefix(value, rule->prefix))
		value = (struct slice){value.p + n, value.n - n};
	else if (!rule->is_prefix_optional)
		return REFUSE(m, SIGNATURE_E_MALFORMED_HEADER,
			"the value of %s does not begin with %s", s->header, rule->prefix);
	if (!hex_decode(value, ret->macs[0], SHA256_SIZE))
		return REFUSE(m, SIGNATURE_E_MALFORMED_HEADER,
			"%s should have %d hex digits%s%s and nothing else", s->header,
			SHA256_SIZE * 2, *rule->prefix == '\0' ? "" : " after ", rule->prefix);
	ret->mac_count = 1;
	return 0;
}

/* Cuts the next item off a list: "name=value". False at its end; an item without '=' has a value
 * without bytes at NULL. */
static bool next_item(struct slice *rest, struct slice *ret_name, struct slice *ret_value)
{
	struct slice item = *rest;
	const char *comma, *equals;

	if (rest->p == NULL)
		return false;
	comma = memchr(item.p, ',', item.n);
	*rest = SLICE_NULL;
	if (comma != NULL) {
		size_t n = (size_t)(comma - item.p);

		*rest = (struct slice){comma + 1, item.n - n - 1};
		item.n = n;
	}
	equals = memchr(item.p, '=', item.n);
	*ret_name = item;
	*ret_value = SLICE_NULL;
	if (equals != NULL) {
		ret_name->n = (size_t)(equals - item.p);
		*ret_value = (struct slice){equals + 1, item.n - ret_name->n - 1};
	}
	return true;
}

static int take_item(const struct signature *s, const struct signature_message *m,
	struct slice name, struct slice value, struct claim *ret)
{
	const struct signature_rule *rule = s->rule;

	if (value.p == NULL)
		return REFUSE(m, SIGNATURE_E_MALFORMED_HEADER,
			"%s should be a list of name=value, separated by commas", s->header);
	if (slice_eq_str(name, rule->list_time) && ret->time.p != NULL)
		return REFUSE(m, SIGNATURE_E_MALFORMED_HEADER, "%s has %s= twice", s->header,
			rule->list_time);
	if (slice_eq_str(name, rule->list_time))
		ret->time = value;
	else if (slice_eq_str(name, rule->list_digest) &&
		 hex_decode(value, ret->macs[ret->mac_count], SHA256_SIZE))
		ret->mac_count++;
	return 0;
}

static int read_list(const struct signature *s, const struct signature_message *m,
	struct slice value, struct claim *ret)
{
	struct slice name, item;
	int r;

	for (size_t i = 0; next_item(&value, &name, &item); i++) {
		if (i == SIGNATURE_LIST_MAX)
			return REFUSE(m, SIGNATURE_E_MALFORMED_HEADER, "%s has more than %d items",
				s->header, SIGNATURE_LIST_MAX);
		r = take_item(s, m, name, item, ret);
		if (r != 0)
			return r;
	}
	if (ret->time.p == NULL || ret->mac_count == 0)
		return REFUSE(m, SIGNATURE_E_MALFORMED_HEADER,
			"%s should have %s= with the time and %s= with %d hex digits", s->header,
			s->rule->list_time, s->rule->list_digest, SHA256_SIZE * 2);
	return 0;
}

static int read_claim(
	const struct signature *s, const struct signature_message *m, struct claim *ret)
{
	struct slice value = SLICE_NULL;
	int r = signature_header_once(m, s->header, &value);

	if (r == 0 && s->rule->time_header != NULL)
		r = signature_header_once(m, s->rule->time_header, &ret->time);
	if (r != 0)
		return r;
	return s->rule->list_digest != NULL ? read_list(s, m, value, ret)
					    : read_digest(s, m, value, ret);
}

/* --- verifying --- */

static bool any_fits(const struct signature *s, const struct claim *claim, struct slice body)
{
	struct slice pieces[SIGNATURE_PIECES_MAX];
	size_t count = signature_pieces(s->rule, claim->time, body, pieces);
	uint8_t wanted[SHA256_SIZE];
	bool fits = false;

	for (size_t i = 0; i < s->key_count; i++) {
		hmac_sign(s->keys[i].hmac, pieces, count, wanted);
		for (size_t k = 0; k < claim->mac_count; k++)
			fits |= crypto_equal(claim->macs[k], wanted, sizeof(wanted));
	}
	return fits;
}

static int check_body_time(const struct signature *s, const struct signature_message *m)
{
	CLEANUP(scan_fini) struct scan scan = SCAN_NULL_INDEX;
	const char *name = s->rule->time_member;
	const struct scan_node *member = NULL;

	if (scan_parse(&scan, m->body.p, m->body.n, NULL) == 0)
		member = scan_member(&scan, scan.nodes, slice_of(name));
	if (member == NULL || member->type != SCAN_NUMBER)
		return REFUSE(m, SIGNATURE_E_STALE_TIMESTAMP,
			"the body has no number %s that says when it was sent", name);
	return signature_check_time(
		s, m, name, member->raw, US_PER_MS, SIGNATURE_E_STALE_TIMESTAMP);
}

static int verify(const struct signature *s, const struct signature_message *m)
{
	struct claim claim = {.time = SLICE_NULL, .mac_count = 0};
	const struct signature_rule *rule = s->rule;
	int r = read_claim(s, m, &claim);

	if (r == 0 && rule->joint != NULL)
		r = signature_check_time(s, m,
			rule->time_header != NULL ? rule->time_header : s->header, claim.time,
			US_PER_SEC, SIGNATURE_E_MALFORMED_HEADER);
	if (r != 0)
		return r;
	if (!any_fits(s, &claim, m->body))
		return REFUSE(m, SIGNATURE_E_BAD_SIGNATURE,
			"the signature in %s is another one than that of %s%zu bytes of body",
			s->header, rule->joint != NULL ? "the timestamp and " : "", m->body.n);
	return rule->time_member == NULL ? 0 : check_body_time(s, m);
}

/* --- signing --- */

static void sign(const struct signature *s, const struct signature_message *m, const char *id,
	struct strv *ret_headers)
{
	const struct signature_rule *rule = s->rule;
	CLEANUP(freep)
	char *time = xasprintf("%lld", (long long)signature_now(m, US_PER_SEC));
	struct slice pieces[SIGNATURE_PIECES_MAX];
	size_t count = signature_pieces(rule, slice_of(time), m->body, pieces);
	uint8_t mac[SHA256_SIZE];
	char hex[SHA256_HEX_SIZE];

	hmac_sign(s->keys[0].hmac, pieces, count, mac);
	hex_encode(mac, sizeof(mac), hex);
	signature_add_headers(s, id, time, ret_headers);
	if (rule->list_digest != NULL)
		strv_addf(ret_headers, "%s: %s=%s,%s=%s", s->header, rule->list_time, time,
			rule->list_digest, hex);
	else
		strv_addf(ret_headers, "%s: %s%s", s->header,
			rule->is_prefix_optional ? "" : rule->prefix, hex);
}

const struct signature_scheme signature_scheme_hmac = {
	.key = key,
	.verify = verify,
	.sign = sign,
};
