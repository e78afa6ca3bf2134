/* SPDX-License-Identifier: MIT */
/*
 * cli/construct-internal.h - between `pylon construct` and the templates that it knows.
 */
#ifndef PYLON_CLI_CONSTRUCT_INTERNAL_H
#define PYLON_CLI_CONSTRUCT_INTERNAL_H

#include "base/str.h"

/* A pylon.yaml to begin with. */
struct builtin {
	const char *name;
	const char *summary;
	/* Has @marks@ that builtin_write() replaces. */
	const char *text;
	bool is_webhook;
	bool takes_repo;       /* --repo and --ref mean something */
	const char *secret;    /* the variable of its secret; NULL = it has none */
	bool makes_secret;     /* we may choose it: it is typed into the sender's form */
	const char *secret_at; /* where the sender shows or asks for it */
};

extern const struct builtin builtins[];
extern const size_t builtin_count;

/* NULL when there is none of that name. */
const struct builtin *builtin_find(const char *name);
/* "sentry, github-pr ..." */
void builtin_list(struct buf *out);

struct builtin_values {
	const char *name, *path, *created, *timezone;
	const char *repo, *ref; /* NULL = not given */
};

/* Appends the text of the file. */
void builtin_write(struct buf *out, const struct builtin *b, const struct builtin_values *v);

#endif
