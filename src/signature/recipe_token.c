/* SPDX-License-Identifier: MIT */
/*
 * signature/recipe_token.c - a header that is the secret itself: `gitlab`, `bearer`, `token`.
 *
 * Nothing is signed here: whoever has seen one request can send any other. What is compared are
 * digests, so the time taken tells neither where two tokens differ nor how long ours is.
 *
 * `bearer` is RFC 6750 in the form of RFC 7235 section 2.1: the scheme in any case, one or more
 * spaces, the token.
 */
#include <ctype.h>

#include "signature/signature_internal.h"

/* HTTP takes blanks off both ends of a field and has no control characters inside (RFC 9110
 * section 5.5): such a secret could never arrive. */
static bool fits_header(struct slice secret)
{
	for (size_t i = 0; i < secret.n; i++)
		if (iscntrl((unsigned char)secret.p[i]) && secret.p[i] != '\t')
			return false;
	return slice_trim(secret).n == secret.n;
}

static const char *key(struct signature_key *ret, struct slice secret)
{
	if (!fits_header(secret))
		return "cannot stand in a header: it has blanks at an end or control characters";
	ret->token = slice_dup(secret);
	sha256(secret.p, secret.n, ret->token_sha256);
	return NULL;
}

/* Takes "Bearer " off the front. */
static bool skip_auth_scheme(const char *scheme, struct slice *value)
{
	size_t n = strlen(scheme);

	if (value->n <= n || strncasecmp(value->p, scheme, n) != 0 || value->p[n] != ' ')
		return false;
	while (n < value->n && value->p[n] == ' ')
		n++;
	*value = (struct slice){value->p + n, value->n - n};
	return value->n > 0;
}

static int verify(const struct signature *s, const struct signature_message *m)
{
	const char *scheme = s->rule->auth_scheme;
	struct slice value = SLICE_NULL;
	uint8_t given[SHA256_SIZE];
	bool is_genuine = false;
	int r = signature_header_once(m, s->header, &value);

	if (r != 0)
		return r;
	if (scheme != NULL && !skip_auth_scheme(scheme, &value))
		return REFUSE(m, SIGNATURE_E_MALFORMED_HEADER,
			"the value of %s is not \"%s\" and a token", s->header, scheme);
	sha256(value.p, value.n, given);
	for (size_t i = 0; i < s->key_count; i++)
		is_genuine |= crypto_equal(s->keys[i].token_sha256, given, sizeof(given));
	if (is_genuine)
		return 0;
	return REFUSE(m, SIGNATURE_E_BAD_SIGNATURE, "the token in %s is not the secret", s->header);
}

static void sign(const struct signature *s, const struct signature_message *m, const char *id,
	struct strv *ret_headers)
{
	const char *scheme = s->rule->auth_scheme;

	(void)m;
	signature_add_headers(s, id, NULL, ret_headers);
	strv_addf(ret_headers, "%s: %s%s%s", s->header, scheme == NULL ? "" : scheme,
		scheme == NULL ? "" : " ", s->keys[0].token);
}

const struct signature_scheme signature_scheme_token = {
	.key = key,
	.verify = verify,
	.sign = sign,
};
