/* SPDX-License-Identifier: MIT */
/*
 * signature/signature.c - what all recipes share: finding a recipe, reading its secrets, headers
 * and timestamps.
 *
 * The recipes themselves are rows in recipes.c. Secrets are checked once, when the configuration is
 * loaded: a secret that can be nothing but a mistake (blank, or a reference that was never
 * resolved) is refused for every recipe, since a trigger that cannot be verified must not open.
 *
 * Surprise: a header that is there twice is refused even when both values are equal. Which of two
 * a proxy or a library looks at is not known, and no sender does it. Nor are values trimmed here:
 * HTTP has taken off the blanks around a field, so any that is left was meant.
 */
#include <ctype.h>
#include <errno.h>

#include "base/limits.h"
#include "signature/signature_internal.h"

static const struct signature_rule *find(enum signature_recipe r)
{
	for (size_t i = 0; i < signature_rule_count; i++)
		if (signature_rules[i].id == r)
			return &signature_rules[i];
	return NULL;
}

static bool is_own_header(const struct signature_rule *rule, const char *header)
{
	for (size_t i = 0; rule->headers[i] != NULL; i++)
		if (strcasecmp(rule->headers[i], header) == 0)
			return true;
	return false;
}

bool signature_recipe_from_name(struct slice name, enum signature_recipe *ret)
{
	for (size_t i = 0; i < signature_rule_count; i++) {
		if (slice_eq_str(name, signature_rules[i].name)) {
			*ret = signature_rules[i].id;
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
	for (size_t i = 0; header != NULL && i < signature_rule_count; i++)
		if (is_own_header(&signature_rules[i], header))
			return signature_rules[i].id;
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
	return rule->delivery_headers[0];
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

/* --- for the schemes --- */

int signature_header_once(const struct signature_message *m, const char *name, struct slice *ret)
{
	struct slice value = SLICE_NULL;
	size_t count = m->header(m->ctx, name, &value);

	if (count == 0)
		return REFUSE(m, SIGNATURE_E_MISSING_HEADER, "there is no header %s", name);
	if (count > 1)
		return REFUSE(m, SIGNATURE_E_MALFORMED_HEADER, "the header %s is there %zu times",
			name, count);
	if (value.n == 0)
		return REFUSE(m, SIGNATURE_E_MALFORMED_HEADER, "the header %s is empty", name);
	*ret = value;
	return 0;
}

int64_t signature_now(const struct signature_message *m, int64_t unit_us)
{
	return m->now_us / unit_us - (m->now_us % unit_us < 0 ? 1 : 0);
}

int signature_check_time(const struct signature *s, const struct signature_message *m,
	const char *where, struct slice time, int64_t unit_us, int malformed)
{
	int64_t age, allowed = s->tolerance_us / unit_us;
	uint64_t then;

	if (!slice_to_u64(time, (uint64_t)(INT64_MAX / unit_us), &then))
		return REFUSE(m, malformed, "the timestamp in %s is not a number of %s in digits",
			where, unit_us == US_PER_SEC ? "seconds" : "milliseconds");
	age = signature_now(m, unit_us) - (int64_t)then;
	if (s->tolerance_us < 0 || (age <= allowed && age >= -allowed))
		return 0;
	return REFUSE(m, SIGNATURE_E_STALE_TIMESTAMP,
		"the timestamp in %s is %lld %s %s, at most %lld are allowed", where,
		(long long)(age < 0 ? -age : age), unit_us == US_PER_SEC ? "s" : "ms",
		age < 0 ? "in the future" : "old", (long long)allowed);
}

size_t signature_pieces(const struct signature_rule *rule, struct slice time, struct slice body,
	struct slice ret[SIGNATURE_PIECES_MAX])
{
	size_t n = 0;

	if (rule->joint != NULL) {
		ret[n++] = slice_of(rule->lead);
		ret[n++] = time;
		ret[n++] = slice_of(rule->joint);
	}
	ret[n++] = body;
	return n;
}

void signature_join(struct buf *out, const struct slice *pieces, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_add_slice(out, pieces[i]);
}

void signature_add_headers(
	const struct signature *s, const char *id, const char *time, struct strv *ret_headers)
{
	const struct signature_rule *rule = s->rule;

	if (rule->delivery_headers[0] != NULL && !str_is_empty(id))
		strv_addf(ret_headers, "%s: %s", rule->delivery_headers[0], id);
	if (rule->time_header != NULL)
		strv_addf(ret_headers, "%s: %s", rule->time_header, time);
}

/* --- making one --- */

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
			fault = s->rule->scheme->key(&s->keys[s->key_count], secret);
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

/* Says whether trigger.signature_header fits the recipe; NULL = it is not set. */
static int check_header(const struct signature_rule *rule, const char *header, struct err *e)
{
	const char *other = rule->headers[0] == NULL ? NULL : rule->headers[1];

	if (rule->choice == HEADER_ASKED && header == NULL)
		return err_set(e, -EINVAL, "the recipe %s needs signature_header", rule->name);
	if (rule->choice == HEADER_OWN && header != NULL && !is_own_header(rule, header))
		return err_set(e, -EINVAL, "the recipe %s reads %s%s%s, not %s", rule->name,
			rule->headers[0], other == NULL ? "" : " or ", other == NULL ? "" : other,
			header);
	return 0;
}

/* A recipe with several headers of its own takes whichever a request has. */
static void set_header(struct signature *s, const char *header)
{
	const struct signature_rule *rule = s->rule;
	size_t n = 0;

	if (header == NULL && rule->headers[1] == NULL)
		header = rule->headers[0];
	s->header = xstrdup_or_null(header);
	if (s->header != NULL && !is_own_header(rule, s->header))
		s->secret_headers[n++] = s->header;
	for (size_t i = 0; rule->headers[i] != NULL; i++)
		s->secret_headers[n++] = rule->headers[i];
	s->secret_headers[n] = rule->also_secret;
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
	r = check_header(s->rule, header, e);
	if (r != 0)
		return r;
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
	for (size_t i = 0; s->keys != NULL && i < s->key_count; i++) {
		hmac_free(s->keys[i].hmac);
		free(s->keys[i].token);
	}
	free(s->keys);
	free(s->header);
	free(s);
}

/* --- using it --- */

/* The first that the request has; the recipe's best when it has none. */
static const char *first_delivery_header(
	const struct signature_rule *rule, const struct signature_message *m)
{
	struct slice ignored;

	for (size_t i = 0; rule->delivery_headers[i] != NULL; i++)
		if (m->header(m->ctx, rule->delivery_headers[i], &ignored) > 0)
			return rule->delivery_headers[i];
	return rule->delivery_headers[0];
}

const char *signature_delivery_id_header(
	const struct signature *s, signature_header_fn *header, void *ctx)
{
	const struct signature_message m = {header, ctx, SLICE_NULL, 0, NULL};
	const struct signature_scheme *scheme = s->rule->scheme;

	return scheme->delivery_id_header == NULL ? first_delivery_header(s->rule, &m)
						  : scheme->delivery_id_header(s, &m);
}

int signature_check(const struct signature *s, signature_header_fn *header, void *ctx,
	struct slice body, int64_t now_real_us, struct err *why)
{
	const struct signature_message m = {header, ctx, body, now_real_us, why};

	return s->rule->scheme->verify(s, &m);
}

int signature_verify(const struct signature *s, signature_header_fn *header, void *ctx,
	struct slice body, int64_t now_real_us)
{
	return signature_check(s, header, ctx, body, now_real_us, NULL);
}

void signature_sign(const struct signature *s, struct slice body, const char *id,
	int64_t now_real_us, struct strv *ret_headers)
{
	const struct signature_message m = {NULL, NULL, body, now_real_us, NULL};

	s->rule->scheme->sign(s, &m, id, ret_headers);
}

const char *const *signature_secret_headers(const struct signature *s)
{
	return s->secret_headers;
}
