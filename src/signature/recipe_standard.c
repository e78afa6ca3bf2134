/* SPDX-License-Identifier: MIT */
/*
 * signature/recipe_standard.c - the scheme of Standard Webhooks 1.0 (standardwebhooks.com) and its
 * elder, Svix.
 *
 * What is signed is "id.timestamp.body", so an id with a dot could be shifted against the
 * timestamp and is refused, and a timestamp is ASCII digits only. The signature header is a list
 * separated by blanks, because a sender who changes his key signs with both; versions that are not
 * known are skipped. A signature is compared in its one canonical base64 spelling.
 *
 * Checking Ed25519 is slow enough (some 100 us) that the length of the list is bounded: it comes
 * from somebody who has not proved anything yet.
 */
#include "base/limits.h"
#include "signature/signature_internal.h"

#define MAC_TEXT_SIZE    44 /* base64 of 32 bytes */
#define SIG_TEXT_SIZE    88 /* base64 of 64 bytes */
#define PRIVATE_KEY_SIZE 64 /* seed and public key */

struct family {
	const char *id, *timestamp, *signature;
};

static const struct family families[] = {
	{"webhook-id", "webhook-timestamp", "webhook-signature"},
	{"svix-id", "svix-timestamp", "svix-signature"},
};

/* The signed parts of one request. */
struct envelope {
	struct slice id, timestamp, signatures;
	struct slice pieces[5]; /* id . timestamp . body */
};

static const struct family *family_of(const char *header)
{
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		if (strcasecmp(header, families[i].signature) == 0)
			return &families[i];
	return NULL;
}

static const struct family *configured_family(const struct signature *s)
{
	const struct family *f = family_of(s->header);

	must(f != NULL); /* signature_new() takes no other */
	return f;
}

/* The configured family; else the one that the request has, webhook-* first. */
static const struct family *choose(const struct signature *s, const struct signature_message *m)
{
	struct slice ignored;

	if (s->header != NULL)
		return configured_family(s);
	if (m->header(m->ctx, families[0].signature, &ignored) == 0 &&
		m->header(m->ctx, families[1].signature, &ignored) > 0)
		return &families[1];
	return &families[0];
}

static const char *delivery_id_header(const struct signature *s, const struct signature_message *m)
{
	return choose(s, m)->id;
}

static struct slice skip(struct slice s, size_t n)
{
	return (struct slice){s.p + n, s.n - n};
}

static const char *public_key(struct signature_key *ret, struct slice bytes)
{
	if (bytes.n != ED25519_KEY_SIZE)
		return "is no Ed25519 public key (32 bytes in base64 after whpk_)";
	memcpy(ret->public, bytes.p, ED25519_KEY_SIZE);
	if (ed25519_key_is_weak(ret->public))
		return "is a public key for which anybody can sign";
	ret->has_public = true;
	return NULL;
}

/* The seed alone, or the seed and the public key that belongs to it. */
static const char *private_key(struct signature_key *ret, struct slice bytes)
{
	if (bytes.n != ED25519_KEY_SIZE && bytes.n != PRIVATE_KEY_SIZE)
		return "is no Ed25519 private key (32 or 64 bytes in base64 after whsk_)";
	memcpy(ret->seed, bytes.p, ED25519_KEY_SIZE);
	ed25519_public(ret->seed, ret->public);
	if (bytes.n > ED25519_KEY_SIZE &&
		memcmp(bytes.p + ED25519_KEY_SIZE, ret->public, ED25519_KEY_SIZE) != 0)
		return "has a private and a public key that do not belong together";
	ret->has_seed = ret->has_public = true;
	return NULL;
}

static const char *key(struct signature_key *ret, struct slice secret)
{
	CLEANUP(buf_fini) struct buf bytes = BUF_NULL;
	bool is_public = slice_has_prefix(secret, "whpk_");
	bool is_private = slice_has_prefix(secret, "whsk_");

	if (is_public || is_private)
		secret = skip(secret, 5);
	else if (slice_has_prefix(secret, "whsec_"))
		secret = skip(secret, 6);
	if (!base64_decode(&bytes, secret))
		return "is not base64";
	if (bytes.n == 0)
		return "has nothing after its prefix";
	if (is_public)
		return public_key(ret, buf_slice(&bytes));
	if (is_private)
		return private_key(ret, buf_slice(&bytes));
	ret->hmac = hmac_new(bytes.p, bytes.n);
	return NULL;
}

static void pack(struct envelope *env, struct slice body)
{
	env->pieces[0] = env->id;
	env->pieces[1] = env->pieces[3] = SLICE_LIT(".");
	env->pieces[2] = env->timestamp;
	env->pieces[4] = body;
}

static int open_envelope(
	const struct signature *s, const struct signature_message *m, struct envelope *ret)
{
	const struct family *f = choose(s, m);
	int r = signature_header_once(m, f->id, &ret->id);

	if (r == 0)
		r = signature_header_once(m, f->timestamp, &ret->timestamp);
	if (r == 0)
		r = signature_header_once(m, f->signature, &ret->signatures);
	if (r == 0 && memchr(ret->id.p, '.', ret->id.n) != NULL)
		r = REFUSE(m, SIGNATURE_E_MALFORMED_HEADER,
			"the id in %s has a dot, which separates the parts that are signed", f->id);
	if (r == 0)
		r = signature_check_time(s, m, f->timestamp, ret->timestamp, US_PER_SEC,
			SIGNATURE_E_MALFORMED_HEADER);
	if (r == 0)
		pack(ret, m->body);
	return r;
}

static bool mac_fits(const struct signature_key *k, const struct envelope *env, struct slice text)
{
	CLEANUP(buf_fini) struct buf wanted = BUF_NULL;
	uint8_t mac[SHA256_SIZE];

	if (k->hmac == NULL)
		return false;
	hmac_sign(k->hmac, env->pieces, ARRAY_LEN(env->pieces), mac);
	base64_encode(&wanted, mac, sizeof(mac));
	return crypto_equal(wanted.p, text.p, MAC_TEXT_SIZE);
}

static bool signature_fits(
	const struct signature_key *k, const struct envelope *env, struct slice text)
{
	CLEANUP(buf_fini) struct buf sig = BUF_NULL;
	CLEANUP(buf_fini) struct buf again = BUF_NULL;
	CLEANUP(buf_fini) struct buf message = BUF_NULL;

	if (!k->has_public || !base64_decode(&sig, text) || sig.n != ED25519_SIG_SIZE)
		return false;
	base64_encode(&again, sig.p, sig.n);
	if (!slice_eq(buf_slice(&again), text))
		return false;
	signature_join(&message, env->pieces, ARRAY_LEN(env->pieces));
	return ed25519_verify(k->public, (const uint8_t *)sig.p, message.p, message.n);
}

/* Tries one word of the list with every key; *ret_is_known tells whether it is a signature at
 * all. */
static bool word_fits(const struct signature *s, const struct envelope *env, struct slice word,
	bool *ret_is_known)
{
	bool is_mac = slice_has_prefix(word, "v1,") && word.n == 3 + MAC_TEXT_SIZE;
	bool is_sig = slice_has_prefix(word, "v1a,") && word.n == 4 + SIG_TEXT_SIZE;
	bool fits = false;

	for (size_t i = 0; i < s->key_count && is_mac; i++)
		fits |= mac_fits(&s->keys[i], env, skip(word, 3));
	for (size_t i = 0; i < s->key_count && is_sig; i++)
		fits |= signature_fits(&s->keys[i], env, skip(word, 4));
	*ret_is_known = is_mac || is_sig;
	return fits;
}

static bool next_word(struct slice *rest, struct slice *ret)
{
	const char *blank;

	*rest = slice_trim(*rest);
	if (rest->n == 0)
		return false;
	blank = memchr(rest->p, ' ', rest->n);
	ret->p = rest->p;
	ret->n = blank == NULL ? rest->n : (size_t)(blank - rest->p);
	*rest = skip(*rest, ret->n);
	return true;
}

static int verify(const struct signature *s, const struct signature_message *m)
{
	const char *header = choose(s, m)->signature;
	struct envelope env;
	struct slice word;
	bool is_genuine = false, is_any_known = false, is_known;
	int r = open_envelope(s, m, &env);

	if (r != 0)
		return r;
	for (size_t i = 0; next_word(&env.signatures, &word); i++) {
		if (i == SIGNATURE_LIST_MAX)
			return REFUSE(m, SIGNATURE_E_MALFORMED_HEADER,
				"%s has more than %d signatures", header, SIGNATURE_LIST_MAX);
		is_genuine |= word_fits(s, &env, word, &is_known);
		is_any_known |= is_known;
	}
	if (!is_any_known)
		return REFUSE(m, SIGNATURE_E_MALFORMED_HEADER,
			"%s has neither v1,<44 base64 digits> nor v1a,<88 base64 digits>", header);
	if (is_genuine)
		return 0;
	return REFUSE(m, SIGNATURE_E_BAD_SIGNATURE,
		"no signature in %s is that of the id, the timestamp and %zu bytes of body", header,
		m->body.n);
}

/* Appends "v1,..." or "v1a,..."; false when the key cannot sign. */
static bool add_signature(
	const struct signature_key *k, const struct envelope *env, struct buf *out)
{
	CLEANUP(buf_fini) struct buf message = BUF_NULL;
	uint8_t sig[ED25519_SIG_SIZE];

	if (k->hmac != NULL) {
		hmac_sign(k->hmac, env->pieces, ARRAY_LEN(env->pieces), sig);
		buf_add_str(out, "v1,");
		base64_encode(out, sig, SHA256_SIZE);
		return true;
	}
	if (!k->has_seed)
		return false;
	signature_join(&message, env->pieces, ARRAY_LEN(env->pieces));
	ed25519_sign(k->seed, message.p, message.n, sig);
	buf_add_str(out, "v1a,");
	base64_encode(out, sig, sizeof(sig));
	return true;
}

static void sign(const struct signature *s, const struct signature_message *m, const char *id,
	struct strv *ret_headers)
{
	const struct family *f = s->header == NULL ? &families[0] : configured_family(s);
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	CLEANUP(freep) char *timestamp = xasprintf("%lld", (long long)signature_now(m, US_PER_SEC));
	struct envelope env = {slice_of(id), slice_of(timestamp), SLICE_NULL, {{NULL, 0}}};

	pack(&env, m->body);
	if (!add_signature(&s->keys[0], &env, &text))
		return;
	strv_addf(ret_headers, "%s: %s", f->id, id);
	strv_addf(ret_headers, "%s: %s", f->timestamp, timestamp);
	strv_addf(ret_headers, "%s: %s", f->signature, buf_str(&text));
}

const struct signature_scheme signature_scheme_standard = {
	.key = key,
	.verify = verify,
	.sign = sign,
	.delivery_id_header = delivery_id_header,
};
