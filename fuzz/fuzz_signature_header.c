/* SPDX-License-Identifier: MIT */
/*
 * Header lines and a body from nowhere against every recipe. The input is "Name: value" lines, an
 * empty line, and the body. Nothing is genuine unless the signature is the one that we would make.
 */
#include <stdio.h>

#include "base/crypto.h"
#include "base/limits.h"
#include "signature/signature.h"

#define NOW_S       INT64_C(1614265330)
#define SECRET      "It's a Secret to Everybody"
#define DISCORD_KEY "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"

struct request {
	struct slice names[32], values[32];
	size_t n;
	struct slice body;
};

static size_t find_header(void *ctx, const char *name, struct slice *ret)
{
	const struct request *r = ctx;
	size_t count = 0;

	for (size_t i = 0; i < r->n; i++)
		if (slice_eq_nocase(r->names[i], name) && count++ == 0)
			*ret = r->values[i];
	return count;
}

static void split(struct request *r, const char *p, size_t n)
{
	while (n > 0 && r->n < ARRAY_LEN(r->names)) {
		const char *end = memchr(p, '\n', n), *colon;
		size_t line = end == NULL ? n : (size_t)(end - p);

		colon = memchr(p, ':', line);
		if (line > 0 && colon != NULL) {
			size_t name_n = (size_t)(colon - p);

			r->names[r->n] = (struct slice){p, name_n};
			r->values[r->n++] =
				slice_trim((struct slice){colon + 1, line - name_n - 1});
		}
		p += MIN_OF(line + 1, n);
		n -= MIN_OF(line + 1, n);
		if (line == 0)
			break;
	}
	r->body = (struct slice){p, n};
}

static const struct setup {
	enum signature_recipe recipe;
	const char *header; /* as configured */
	const char *secret;
	const char *proof; /* the header with the signature; NULL = standard, which has two */
	const char *time;  /* the header with the time that is signed; NULL = none */
} setups[] = {
	{SIGNATURE_HEX, "X-Sig", SECRET, "X-Sig", NULL},
	{SIGNATURE_GITHUB, NULL, SECRET, "X-Hub-Signature-256", NULL},
	{SIGNATURE_LINEAR, NULL, SECRET, "Linear-Signature", NULL},
	{SIGNATURE_SENTRY, NULL, SECRET, "Sentry-Hook-Signature", NULL},
	{SIGNATURE_SLACK, NULL, SECRET, "X-Slack-Signature", "X-Slack-Request-Timestamp"},
	{SIGNATURE_STRIPE, NULL, SECRET, "Stripe-Signature", NULL},
	{SIGNATURE_STANDARD, NULL, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", NULL, NULL},
	{SIGNATURE_STANDARD, "svix-signature",
		"whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=", NULL, NULL},
	{SIGNATURE_DISCORD, NULL, DISCORD_KEY, "X-Signature-Ed25519", "X-Signature-Timestamp"},
	{SIGNATURE_GITLAB, NULL, SECRET, "X-Gitlab-Token", NULL},
	{SIGNATURE_BEARER, NULL, SECRET, "Authorization", NULL},
	{SIGNATURE_TOKEN, "X-Key", SECRET, "X-Key", NULL},
};

/* A header that a genuine request must have once, as a C string; NULL when it has a NUL. */
static char *header_once(struct request *r, const char *name)
{
	struct slice value = SLICE_NULL;

	must(find_header(r, name, &value) == 1 && value.n > 0);
	return memchr(value.p, '\0', value.n) == NULL ? slice_dup(value) : NULL;
}

/* Seconds since 1970 that were found near enough to now. */
static int64_t check_seconds(const char *text)
{
	uint64_t then = 0;

	must(text != NULL && slice_to_u64(slice_of(text), INT64_MAX / US_PER_SEC, &then));
	return (int64_t)then;
}

/* True when `given` has what we would sign at that time; times with leading zeros cannot be made
 * again. */
static bool is_ours(const struct signature *s, const struct request *r, const char *id,
	int64_t then_s, const char *given)
{
	struct strv made = STRV_NULL;
	const char *value;
	bool is_ours;

	signature_sign(s, r->body, id, then_s * US_PER_SEC, &made);
	must(made.n > 0);
	value = strchr(made.v[made.n - 1], ' ') + 1;
	/* Of a list only the digest, which is at its end, need be there. */
	if (strlen(value) > 64 && value[strlen(value) - 65] == '=')
		value += strlen(value) - 64;
	is_ours = strcasestr(given, value) != NULL;
	strv_fini(&made);
	return is_ours;
}

static void check_standard(const struct signature *s, struct request *r)
{
	bool is_svix = str_eq(signature_delivery_id_header(s, find_header, r), "svix-id");
	char *id = header_once(r, is_svix ? "svix-id" : "webhook-id");
	char *time = header_once(r, is_svix ? "svix-timestamp" : "webhook-timestamp");
	char *given = header_once(r, is_svix ? "svix-signature" : "webhook-signature");
	int64_t then_s = check_seconds(time);

	must(then_s >= NOW_S - 300 && then_s <= NOW_S + 300);
	if (id != NULL && given != NULL && strlen(time) == 10)
		must(is_ours(s, r, id, then_s, given));
	free(id);
	free(time);
	free(given);
}

static void check_discord(struct request *r, const char *given)
{
	char *time = header_once(r, "X-Signature-Timestamp");
	uint8_t key[ED25519_KEY_SIZE], sig[ED25519_SIG_SIZE];
	struct buf message = BUF_NULL;

	(void)check_seconds(time);
	must(given != NULL && hex_decode(slice_of(given), sig, sizeof(sig)));
	must(hex_decode(SLICE_LIT(DISCORD_KEY), key, sizeof(key)));
	buf_add_str(&message, time);
	buf_add_slice(&message, r->body);
	must(ed25519_verify(key, sig, message.p, message.n));
	buf_fini(&message);
	free(time);
}

/* The time of a list "t=...,v1=...", wherever it stands. */
static int64_t time_in_list(const char *list)
{
	const char *t = str_has_prefix(list, "t=") ? list : strstr(list, ",t=");
	size_t digits;
	char *text;
	int64_t then_s;

	must(t != NULL);
	t = strchr(t, '=') + 1;
	digits = strspn(t, "0123456789");
	text = xstrndup(t, digits);
	then_s = check_seconds(text);
	must(then_s >= NOW_S - 300 && then_s <= NOW_S + 300);
	free(text);
	return digits == 10 ? then_s : -1;
}

/* A digest, or a token that stands alone. */
static void check_plain(
	const struct setup *c, const struct signature *s, struct request *r, const char *given)
{
	char *time = c->time == NULL ? NULL : header_once(r, c->time);
	int64_t then_s = 0;

	if (c->recipe == SIGNATURE_STRIPE)
		then_s = time_in_list(given);
	else if (time != NULL)
		then_s = strlen(time) == 10 ? check_seconds(time) : -1;
	must(then_s < 0 || is_ours(s, r, NULL, then_s, given));
	free(time);
}

static void check_genuine(const struct setup *c, const struct signature *s, struct request *r)
{
	char *given;

	if (c->proof == NULL) {
		check_standard(s, r);
		return;
	}
	given = header_once(r, c->proof);
	if (c->recipe == SIGNATURE_DISCORD)
		check_discord(r, given);
	else if (given != NULL && c->recipe == SIGNATURE_BEARER)
		must(str_has_suffix(given, " " SECRET)); /* the scheme is free in form */
	else if (given != NULL)
		check_plain(c, s, r, given);
	free(given);
}

/* Made once: reading an Ed25519 key costs much more than an input. */
static const struct signature *recipe_of(size_t i)
{
	static struct signature *made[ARRAY_LEN(setups)];
	struct strv secrets = STRV_NULL;

	if (made[i] == NULL) {
		strv_add(&secrets, setups[i].secret);
		must(signature_new(&made[i], setups[i].recipe, setups[i].header, &secrets, -1,
			     NULL) == 0);
		strv_fini(&secrets);
	}
	return made[i];
}

static void try_recipe(size_t i, struct request *r)
{
	const struct signature *s = recipe_of(i);
	struct err why = CLEAN_ERR;
	int verdict = signature_check(s, find_header, r, r->body, NOW_S * US_PER_SEC, &why);

	must(verdict >= 0 && verdict < SIGNATURE_E_BAD_SECRET);
	must((verdict == 0) == (why.code == 0));
	if (verdict == 0)
		check_genuine(&setups[i], s, r);
}

/* The body as a secret: refused or usable, nothing else. */
static void try_secret(enum signature_recipe recipe, struct slice text)
{
	char *secret = slice_dup(text);
	struct strv secrets = STRV_NULL;
	struct signature *s = NULL;
	struct err e = CLEAN_ERR;
	int r;

	strv_take(&secrets, secret);
	r = signature_new(&s, recipe, NULL, &secrets, -1, &e);
	must((r == 0 && s != NULL) || (r == SIGNATURE_E_BAD_SECRET && e.code < 0));
	signature_free(s);
	strv_fini(&secrets);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request r = {.n = 0};

	split(&r, (const char *)data, size);
	for (size_t i = 0; i < ARRAY_LEN(setups); i++)
		try_recipe(i, &r);
	try_secret(SIGNATURE_STANDARD, r.body);
	try_secret(SIGNATURE_DISCORD, r.body);
	try_secret(SIGNATURE_GITLAB, r.body);
	return 0;
}
