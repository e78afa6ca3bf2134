/* SPDX-License-Identifier: MIT */
/*
 * tests/signature/request.c - see request.h.
 */
#include "signature/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "base/limits.h"
#include "cmocka.h" /* quoted: it must follow the headers above */

size_t request_header(void *ctx, const char *name, struct slice *ret)
{
	const struct strv *lines = ctx;
	size_t count = 0, n = strlen(name);

	for (size_t i = 0; i < lines->n; i++) {
		const char *line = lines->v[i];

		if (strncasecmp(line, name, n) != 0 || line[n] != ':')
			continue;
		if (count++ == 0)
			*ret = slice_of(line + n + (line[n + 1] == ' ' ? 2 : 1));
	}
	return count;
}

struct signature *signature_of(enum signature_recipe recipe, const char *header, const char *secret)
{
	CLEANUP(strv_fini) struct strv secrets = STRV_NULL;
	struct signature *s = NULL;
	struct err e = CLEAN_ERR;

	strv_add(&secrets, secret);
	assert_int_equal(signature_new(&s, recipe, header, &secrets, -1, &e), 0);
	return s;
}

int request_verify(
	const struct signature *s, const char *body, int64_t now_s, const char *const *lines)
{
	CLEANUP(strv_fini) struct strv l = STRV_NULL;

	for (; *lines != NULL; lines++)
		strv_add(&l, *lines);
	return signature_verify(s, request_header, &l, slice_of(body), now_s * US_PER_SEC);
}
