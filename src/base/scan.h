/* SPDX-License-Identifier: MIT */
/*
 * base/scan.h - the strict scanner of webhook bodies.
 *
 * One pass over the raw bytes checks that they are one JSON text (RFC 8259) and makes an index of
 * its values as slices of the body, so that templates print numbers exactly as they were sent.
 * Refused: ill-formed UTF-8, a byte order mark, lone surrogate escapes, duplicate keys (after
 * unescaping), depth and member counts above the limits, anything after the value.
 *
 * The index borrows the body: keep the body as long as the index.
 */
#ifndef PYLON_BASE_SCAN_H
#define PYLON_BASE_SCAN_H

#include "base/err.h"
#include "base/str.h"

enum scan_type {
	SCAN_NULL,
	SCAN_FALSE,
	SCAN_TRUE,
	SCAN_NUMBER,
	SCAN_STRING,
	SCAN_ARRAY,
	SCAN_OBJECT,
};

/* Why a body was refused (positive conditions of scan_parse). */
enum {
	SCAN_E_SYNTAX = 1, /* not JSON */
	SCAN_E_UTF8,       /* bytes or escapes that are no Unicode text */
	SCAN_E_DEPTH,      /* deeper than SCAN_DEPTH_MAX */
	SCAN_E_SIZE,       /* more than SCAN_KEYS_MAX members, or SCAN_VALUES_MAX values, in all */
	SCAN_E_DUPLICATE,  /* one object has a key twice */
};

/* One value. Children of arrays and objects follow their parent in the index; `next` is the index
 * of the following sibling (0 = none). */
struct scan_node {
	enum scan_type type;
	struct slice raw; /* the bytes of the value; a string's are without its quotes */
	struct slice key; /* raw bytes of the member's name, in objects */
	bool has_escapes; /* raw (of a string) has backslashes */
	bool key_has_escapes;
	uint32_t children; /* how many */
	uint32_t next;
};

struct scan {
	struct scan_node *nodes; /* nodes[0] is the whole value */
	size_t n, size;
};

#define SCAN_NULL_INDEX ((struct scan){NULL, 0, 0})

/* Indexes n bytes. 0; or a SCAN_E_* condition with *e telling what and at which byte. */
NODISCARD int scan_parse(struct scan *ret, const char *p, size_t n, struct err *e);
void scan_fini(struct scan *s);

/* Member of an object by (unescaped) name, element of an array by index; NULL when absent. */
const struct scan_node *scan_member(
	const struct scan *s, const struct scan_node *obj, struct slice name);
const struct scan_node *scan_element(const struct scan *s, const struct scan_node *arr, size_t i);
/* First child and following sibling; NULL at the end. */
const struct scan_node *scan_first(const struct scan *s, const struct scan_node *parent);
const struct scan_node *scan_next(const struct scan *s, const struct scan_node *node);
/* Appends a string's text with its escapes resolved. */
void scan_unescape(struct buf *out, struct slice raw);
/* Appends a value as text: a string raw, anything else as compact JSON (white space left out). */
void scan_print(struct buf *out, const struct scan *s, const struct scan_node *node);

#endif
