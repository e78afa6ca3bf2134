/* SPDX-License-Identifier: MIT */
/*
 * base/id.h - names that are unique without asking anybody.
 *
 * Job, run, event and delivery ids are UUIDs of version 4 (RFC 9562 section 5.4) in lower-case
 * text, 36 characters and a NUL.
 */
#ifndef PYLON_BASE_ID_H
#define PYLON_BASE_ID_H

#include "base/str.h"

#define ID_SIZE       37 /* with the NUL */
#define ID_PREFIX_MIN 4  /* shortest prefix that a person may give */
#define TOKEN_SIZE    33 /* 128 random bits as lower hex, with the NUL */

struct id {
	char s[ID_SIZE];
};

void id_make(struct id *ret);
/* True for exactly 36 characters of the lower-case UUID form. */
bool id_is_valid(struct slice s);
/* True for a prefix of such an id of at least ID_PREFIX_MIN characters. */
bool id_is_prefix(struct slice s);
/* Fills 32 lower hex digits of fresh randomness. */
void token_make(char ret[TOKEN_SIZE]);
/* 1-63 characters of [a-z0-9._-] that start with a letter or digit: what a pylon may be called. */
bool name_is_valid(struct slice s);

#endif
