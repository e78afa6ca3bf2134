/* SPDX-License-Identifier: MIT */
/*
 * config/env-internal.h - .env files, and `$NAME` in values.
 */
#ifndef PYLON_CONFIG_ENV_INTERNAL_H
#define PYLON_CONFIG_ENV_INTERNAL_H

#include "base/crypto.h"
#include "base/str.h"

struct env_var {
	char *name, *value;
};

/* One .env file, read. */
struct env_file {
	struct env_var *v; /* every line, in order */
	size_t n;
	bool first_wins;
	uint8_t digest[SHA256_SIZE]; /* of its text; zeros when there is no file */
};

#define ENV_FILE_NULL ((struct env_file){NULL, 0, false, {0}})

/* Lines of NAME=VALUE, white space around both cut off; lines without `=`, empty lines and lines
 * that begin with # mean nothing. No quotes, no escapes, no `export`. Of duplicates the first that
 * is not empty counts (the home's file) or the last (a pylon's). */
void env_parse(struct env_file *f, struct slice text, bool first_wins);
void env_file_fini(struct env_file *f);

/* Where names are looked up; borrowed. */
struct env {
	const struct env_file *own;  /* the pylon's; NULL in config.yaml */
	const struct env_file *home; /* the home's; may be NULL */
	const char *own_path;        /* the file to which a missing variable is best added */
};

/* The value: the pylon's own .env (an empty one counts), else the process environment, else the
 * home's .env, where an empty process variable yields to the file. NULL = set nowhere. */
const char *env_lookup(const struct env *e, struct slice name);

enum {
	ENV_E_UNSET = 1, /* a variable is set nowhere */
	ENV_E_SYNTAX,    /* `${` without an end, or with something that is no name */
};

/* Appends text with `$NAME` and `${NAME}` replaced; `$$` is a dollar, a `$` before anything else
 * stays. What is set nowhere is replaced by nothing. Returns 0, or the first fault with
 * *ret_name telling what can be told of the name: it is empty when the name may be a piece of a
 * secret in which somebody forgot to double a dollar. The whole text is appended in any case. */
NODISCARD int env_expand(
	const struct env *e, const char *text, struct buf *out, struct buf *ret_name);
/* True when env_expand() would look something up. */
bool env_has_reference(const char *text);
/* Appends the value of each variable that env_expand() would put in. */
void env_values(const struct env *e, const char *text, struct strv *out);

#endif
