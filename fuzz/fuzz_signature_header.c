/* SPDX-License-Identifier: MIT */
/*
 * Header lines and a body from nowhere against every recipe. The input is "Name: value" lines, an
 * empty line, and the body. Nothing is genuine unless the signature is the one that we would make.
 */
#include <stdio.h>

#include "base/crypto.h"
#include "base/limits.h"
#include "signature/signature.h"

#define NOW_S INT64_C(1614265330)

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

/* The words of the signature header that we make are among those that were sent. */
static void check_genuine(const struct signature *s, struct request *r)
{
	const char *id_header = signature_delivery_id_header(s, find_header, r);
	struct slice id = SLICE_NULL, time = SLICE_NULL, given = SLICE_NULL;
	struct strv made = STRV_NULL;
	char *id_text, *given_text;
	const char *mine;
	uint64_t then = 0;
	bool is_svix = str_eq(id_header, "svix-id");

	must(id_header != NULL && find_header(r, id_header, &id) == 1);
	must(find_header(r, is_svix ? "svix-timestamp" : "webhook-timestamp", &time) == 1);
	must(find_header(r, is_svix ? "svix-signature" : "webhook-signature", &given) == 1);
	must(slice_to_u64(time, INT64_MAX / US_PER_SEC, &then));
	must((int64_t)then >= NOW_S - 300 && (int64_t)then <= NOW_S + 300);
	id_text = slice_dup(id);
	given_text = slice_dup(given);
	/* Only the plain cases can be made again from C strings and without leading zeros. */
	if (strlen(id_text) == id.n && time.n == 10) {
		signature_sign(s, r->body, id_text, (int64_t)then * US_PER_SEC, &made);
		mine = strchr(made.v[2], ' ') + 1;
		must(strstr(given_text, mine) != NULL || strlen(given_text) != given.n);
	}
	free(id_text);
	free(given_text);
	strv_fini(&made);
}

static void try_recipe(
	enum signature_recipe recipe, const char *header, const char *secret, struct request *r)
{
	struct strv secrets = STRV_NULL;
	struct signature *s = NULL;
	int verdict;

	strv_add(&secrets, secret);
	must(signature_new(&s, recipe, header, &secrets, -1, NULL) == 0);
	verdict = signature_verify(s, find_header, r, r->body, NOW_S * US_PER_SEC);
	must(verdict >= 0 && verdict < SIGNATURE_E_BAD_SECRET);
	if (verdict == 0 && recipe == SIGNATURE_STANDARD)
		check_genuine(s, r);
	if (verdict == 0 && recipe != SIGNATURE_STANDARD) {
		struct strv made = STRV_NULL;
		struct slice given = SLICE_NULL;

		signature_sign(s, r->body, "", 0, &made);
		must(find_header(r, header == NULL ? "x-hub-signature-256" : header, &given) == 1);
		must(strncasecmp(given.p + given.n - 64, made.v[0] + strlen(made.v[0]) - 64, 64) ==
			0);
		strv_fini(&made);
	}
	signature_free(s);
	strv_fini(&secrets);
}

/* The body as a secret: refused or usable, nothing else. */
static void try_secret(struct slice text)
{
	char *secret = slice_dup(text);
	struct strv secrets = STRV_NULL;
	struct signature *s = NULL;
	struct err e = CLEAN_ERR;
	int r;

	strv_take(&secrets, secret);
	r = signature_new(&s, SIGNATURE_STANDARD, NULL, &secrets, -1, &e);
	must((r == 0 && s != NULL) || (r == SIGNATURE_E_BAD_SECRET && e.code < 0));
	signature_free(s);
	strv_fini(&secrets);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request r = {.n = 0};

	split(&r, (const char *)data, size);
	try_recipe(SIGNATURE_GITHUB, NULL, "It's a Secret to Everybody", &r);
	try_recipe(SIGNATURE_HEX, "X-Sig", "It's a Secret to Everybody", &r);
	try_recipe(SIGNATURE_STANDARD, NULL, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &r);
	try_recipe(SIGNATURE_STANDARD, "svix-signature",
		"whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=", &r);
	try_secret(r.body);
	return 0;
}
