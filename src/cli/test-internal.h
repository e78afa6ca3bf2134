/* SPDX-License-Identifier: MIT */
/*
 * cli/test-internal.h - between the files of `pylon test`.
 */
#ifndef PYLON_CLI_TEST_INTERNAL_H
#define PYLON_CLI_TEST_INTERNAL_H

#include "cli/commands-internal.h"
#include "config/config.h"
#include "signature/signature.h"

/* One request on its way to a pylon. */
struct test {
	const struct config *config;
	const struct pylon_config *pylon;
	const char *payload; /* as typed, NULL = the sample */
	bool wait, dry_run;
	int64_t now_us;
	enum signature_recipe recipe;
	struct signature *signature; /* NULL = unsigned */
	struct buf body;
	struct strv headers; /* "Name: value" */
	const char *host;
};

/* --- samples.c --- */

/* What a sender of this recipe would send, as near as templates need it: a JSON object into
 * t->body, the headers that tell its kind into t->headers. */
void sample_make(struct test *t);

/* --- request.c --- */

/* Fills body and headers. An exit status, with the reason told. */
int request_make(struct cli *c, struct test *t);
void request_fini(struct test *t);
/* True when the recipe wants a signature that we cannot make. */
bool request_is_unsignable(const struct test *t);
/* May the value of this header line be shown? Some recipes send the secret itself. */
bool request_shows(const struct test *t, const char *line);
/* The value of a header that is sent; NULL when there is none. */
const char *request_header(const struct test *t, const char *name);

/* --- preview.c --- */

/* Says what the pylon would make of the request. */
void preview_print(const struct test *t);
/* The same as members of `o`. */
void preview_json(const struct test *t, struct js *o);

#endif
