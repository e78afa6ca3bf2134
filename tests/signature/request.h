/* SPDX-License-Identifier: MIT */
/*
 * tests/signature/request.h - requests for the tests of recipes: header lines, a body, a time.
 */
#ifndef PYLON_TESTS_SIGNATURE_REQUEST_H
#define PYLON_TESTS_SIGNATURE_REQUEST_H

#include "signature/signature.h"

/* A signature_header_fn: ctx is a struct strv of "Name: value" lines. */
size_t request_header(void *ctx, const char *name, struct slice *ret);

/* The recipe with one secret and its default tolerance; the test fails when there is none. */
struct signature *signature_of(
	enum signature_recipe recipe, const char *header, const char *secret);

/* The verdict about NULL-ended lines. */
int request_verify(
	const struct signature *s, const char *body, int64_t now_s, const char *const *lines);

#define VERIFY(s, body, now, ...)                                                                  \
	request_verify(s, body, now, (const char *const[]){__VA_ARGS__, NULL})

#endif
