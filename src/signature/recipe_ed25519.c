/* SPDX-License-Identifier: MIT */
/*
 * signature/recipe_ed25519.c - an Ed25519 signature in hex over timestamp and body: `discord`.
 *
 * Nothing stands between the two, so a digit could be moved from one to the other and the signature
 * would still fit: a replay that looks new. The timestamp is digits only, and a body that begins
 * with a digit is refused (the sender's bodies are JSON objects), so there is one way to
 * read the signed bytes.
 *
 * The secret is the sender's public key: it verifies and cannot sign.
 */
#include "base/limits.h"
#include "signature/signature_internal.h"

static const char *key(struct signature_key *ret, struct slice secret)
{
	if (!hex_decode(secret, ret->public, ED25519_KEY_SIZE))
		return "is no Ed25519 public key (64 hex digits)";
	if (ed25519_key_is_weak(ret->public))
		return "is a public key for which anybody can sign";
	ret->has_public = true;
	return NULL;
}

static bool begins_with_digit(struct slice s)
{
	return s.n > 0 && s.p[0] >= '0' && s.p[0] <= '9';
}

static int read_headers(const struct signature *s, const struct signature_message *m,
	uint8_t ret_sig[ED25519_SIG_SIZE], struct slice *ret_time)
{
	const char *time_header = s->rule->time_header;
	struct slice value = SLICE_NULL;
	int r = signature_header_once(m, s->header, &value);

	if (r == 0)
		r = signature_header_once(m, time_header, ret_time);
	if (r == 0 && !hex_decode(value, ret_sig, ED25519_SIG_SIZE))
		r = REFUSE(m, SIGNATURE_E_MALFORMED_HEADER,
			"%s should have %d hex digits and nothing else", s->header,
			ED25519_SIG_SIZE * 2);
	if (r == 0)
		r = signature_check_time(
			s, m, time_header, *ret_time, US_PER_SEC, SIGNATURE_E_MALFORMED_HEADER);
	if (r == 0 && begins_with_digit(m->body))
		r = REFUSE(m, SIGNATURE_E_MALFORMED_HEADER,
			"the body begins with a digit, which could belong to the timestamp");
	return r;
}

static int verify(const struct signature *s, const struct signature_message *m)
{
	CLEANUP(buf_fini) struct buf message = BUF_NULL;
	struct slice time = SLICE_NULL, pieces[SIGNATURE_PIECES_MAX];
	uint8_t sig[ED25519_SIG_SIZE];
	bool is_genuine = false;
	size_t count;
	int r = read_headers(s, m, sig, &time);

	if (r != 0)
		return r;
	count = signature_pieces(s->rule, time, m->body, pieces);
	signature_join(&message, pieces, count);
	for (size_t i = 0; i < s->key_count; i++)
		is_genuine |= ed25519_verify(s->keys[i].public, sig, message.p, message.n);
	if (is_genuine)
		return 0;
	return REFUSE(m, SIGNATURE_E_BAD_SIGNATURE,
		"the signature in %s is not that of the timestamp and %zu bytes of body", s->header,
		m->body.n);
}

static void sign(const struct signature *s, const struct signature_message *m, const char *id,
	struct strv *ret_headers)
{
	(void)s;
	(void)m;
	(void)id;
	(void)ret_headers;
}

const struct signature_scheme signature_scheme_ed25519 = {
	.key = key,
	.verify = verify,
	.sign = sign,
};
