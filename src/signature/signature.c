/* SPDX-License-Identifier: MIT */
/*
 * signature/signature.c - the table of recipes, and what all of them share.
 *
 * A recipe is a `struct signature_rule` in a file of its own; to add one, write the file and put
 * it into rules[]. Secrets are checked once, when the configuration is loaded: a secret that can
 * be nothing but a mistake (blank, or a reference that was never resolved) is refused for every
 * recipe, since a trigger that cannot be verified must not open.
 *
 * Surprise: a header that is there twice is refused even when both values are equal. Which of two
 * a proxy or a library looks at is not known, and no sender does it. Nor are values trimmed here:
 * HTTP has taken off the blanks around a field, so any that is left was meant.
 */
#include <ctype.h>
#include <errno.h>

#include "base/limits.h"
#include "signature/signature_internal.h"

static const struct signature_rule *const rules[] = {
	&signature_rule_hex,
	&signature_rule_github,
	&signature_rule_standard,
};

static const struct signature_rule *find(enum signature_recipe r)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (rules[i]->id == r)
			return rules[i];
	return NULL;
}

bool signature_recipe_from_name(struct slice name, enum signature_recipe *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		if (slice_eq_str(name, rules[i]->name)) {
			*ret = rules[i]->id;
			return true;
		}
	}
	return false;
}

const char *signature_recipe_name(enum signature_recipe r)
{
	const struct signature_rule *rule = find(r);

	return rule == NULL ? "none" : rule->name;
}

enum signature_recipe signature_recipe_from_header(const char *header)
{
	for (size_t i = 0; header != NULL && i < ARRAY_LEN(rules); i++)
		if (rules[i]->id != SIGNATURE_HEX && rules[i]->header_fits(header))
			return rules[i]->id;
	return SIGNATURE_HEX;
}

int64_t signature_tolerance(enum signature_recipe r)
{
	const struct signature_rule *rule = find(r);

	return rule == NULL ? -1 : rule->tolerance_us;
}

const char *signature_delivery_header(enum signature_recipe r, const char *header)
{
	const struct signature_rule *rule = find(r);

	if (rule == NULL)
		return NULL;
	if (r == SIGNATURE_STANDARD && header != NULL && strncasecmp(header, "svix-", 5) == 0)
		return "svix-id";
	return rule->delivery_header;
}

const char *signature_reason(int verdict)
{
	switch (verdict) {
	case 0:
		return "ok";
	case SIGNATURE_E_MISSING_HEADER:
		return "missing_header";
	case SIGNATURE_E_MALFORMED_HEADER:
		return "malformed_header";
	case SIGNATURE_E_BAD_SIGNATURE:
		return "bad_signature";
	case SIGNATURE_E_STALE_TIMESTAMP:
		return "stale_timestamp";
	case SIGNATURE_E_BAD_SECRET:
		return "bad_secret";
	default:
		return "unknown";
	}
}

int signature_header_once(const struct signature_message *m, const char *name, struct slice *ret)
{
	struct slice value = SLICE_NULL;
	size_t count = m->header(m->ctx, name, &value);

	if (count == 0)
		return SIGNATURE_E_MISSING_HEADER;
	if (count > 1 || value.n == 0)
		return SIGNATURE_E_MALFORMED_HEADER;
	*ret = value;
	return 0;
}

/* What is wrong with a secret whatever the recipe; NULL = nothing. */
static const char *secret_fault(struct slice secret)
{
	bool is_blank = true;

	if (secret.n == 0)
		return "is empty";
	for (size_t i = 0; i < secret.n && is_blank; i++)
		is_blank = isspace((unsigned char)secret.p[i]) != 0;
	if (is_blank)
		return "is blank";
	if (slice_has_prefix(secret, "${") && secret.p[secret.n - 1] == '}')
		return "is a reference to a variable that is not set";
	return NULL;
}

static int read_secrets(struct signature *s, const struct strv *secrets, struct err *e)
{
	size_t n = secrets == NULL ? 0 : secrets->n;

	if (n == 0) {
		(void)err_set(e, -EINVAL, "there is no secret");
		return SIGNATURE_E_BAD_SECRET;
	}
	s->keys = xcalloc(n, sizeof(*s->keys));
	for (s->key_count = 0; s->key_count < n; s->key_count++) {
		struct slice secret = slice_of(secrets->v[s->key_count]);
		const char *fault = secret_fault(secret);

		if (fault == NULL)
			fault = s->rule->key(&s->keys[s->key_count], secret);
		if (fault == NULL)
			continue;
		if (n == 1)
			(void)err_set(e, -EINVAL, "the secret %s", fault);
		else
			(void)err_set(
				e, -EINVAL, "secret %zu of %zu %s", s->key_count + 1, n, fault);
		return SIGNATURE_E_BAD_SECRET;
	}
	return 0;
}

static char *lower_case(const char *s)
{
	char *copy = xstrdup(s);

	for (char *p = copy; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return copy;
}

static void set_header(struct signature *s, const char *header)
{
	if (header == NULL)
		header = s->rule->header;
	if (header == NULL) {
		s->secret_headers[0] = "webhook-signature";
		s->secret_headers[1] = "svix-signature";
		return;
	}
	s->header = xstrdup(header);
	s->header_lower = lower_case(header);
	s->secret_headers[0] = s->header_lower;
	s->secret_headers[1] = s->rule->also_secret;
}

int signature_new(struct signature **ret, enum signature_recipe recipe, const char *header,
	const struct strv *secrets, int64_t tolerance_us, struct err *e)
{
	CLEANUP(signature_freep) struct signature *s = xcalloc(1, sizeof(*s));
	int r;

	s->rule = find(recipe);
	if (s->rule == NULL)
		return err_set(e, -EINVAL, "there is no such signature recipe");
	if (str_is_empty(header))
		header = NULL;
	if (recipe == SIGNATURE_HEX && header == NULL)
		return err_set(e, -EINVAL, "the recipe hex needs signature_header");
	if (recipe == SIGNATURE_STANDARD && header != NULL && !s->rule->header_fits(header))
		return err_set(e, -EINVAL,
			"the recipe standard reads webhook-signature or svix-signature, not %s",
			header);
	set_header(s, header);
	s->tolerance_us = tolerance_us < 0 ? s->rule->tolerance_us : tolerance_us;
	r = read_secrets(s, secrets, e);
	if (r != 0)
		return r;
	*ret = STEAL(s);
	return 0;
}

void signature_free(struct signature *s)
{
	if (s == NULL)
		return;
	/* The element at key_count may be half-built. */
	for (size_t i = 0; s->keys != NULL && i < s->key_count; i++)
		hmac_free(s->keys[i].hmac);
	free(s->keys);
	free(s->header);
	free(s->header_lower);
	free(s);
}

/* Rounds down, also before 1970. */
static int64_t whole_seconds(int64_t real_us)
{
	return real_us / US_PER_SEC - (real_us % US_PER_SEC < 0 ? 1 : 0);
}

const char *signature_delivery_id_header(
	const struct signature *s, signature_header_fn *header, void *ctx)
{
	const struct signature_message m = {header, ctx, SLICE_NULL, 0};

	return s->rule->delivery_id_header == NULL ? s->rule->delivery_header
						   : s->rule->delivery_id_header(s, &m);
}

int signature_verify(const struct signature *s, signature_header_fn *header, void *ctx,
	struct slice body, int64_t now_real_us)
{
	const struct signature_message m = {header, ctx, body, whole_seconds(now_real_us)};

	return s->rule->verify(s, &m);
}

void signature_sign(const struct signature *s, struct slice body, const char *id,
	int64_t now_real_us, struct strv *ret_headers)
{
	const struct signature_message m = {NULL, NULL, body, whole_seconds(now_real_us)};

	s->rule->sign(s, &m, id, ret_headers);
}

const char *const *signature_secret_headers(const struct signature *s)
{
	return s->secret_headers;
}
