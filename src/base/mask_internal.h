/* SPDX-License-Identifier: MIT */
/*
 * The inside of a mask: which texts are looked for (mask_forms.c), the automaton made of them
 * (mask_build.c), and the search (mask.c).
 *
 * The automaton is that of Aho and Corasick ("Efficient string matching", 1975) in little memory:
 * a node for each beginning of a form, numbered level by level, so that the children of a node are
 * neighbours and one number says where they are. 13 bytes a node; the number of nodes is at most
 * the length of all forms together.
 */
#ifndef BASE_MASK_INTERNAL_H
#define BASE_MASK_INTERNAL_H

#include "base/mask.h"

/* Forms longer than this are not looked for (the values themselves are never that long). */
#define MASK_FORM_MAX KIB(32)
/* Bytes of all encoded forms together; those that do not fit any more are not looked for. Short
 * values come first, and of each value the likeliest forms, so it is the rare encodings of long
 * values that are given up. The values as they are always count, whatever their number. */
#define MASK_FORMS_MAX KIB(256)

/* Appends the texts to look for: each MASK_VALUE_MIN to MASK_FORM_MAX bytes long, without a
 * newline. The same text may come twice. */
void mask_forms(struct strv *ret, const struct strv *values);

/* One beginning of a form; node 0 is the empty one. */
struct mask_node {
	uint32_t first; /* child; the last one is in front of the next node's first */
	uint32_t fail;  /* the longest proper end of this text that is a beginning, too */
	uint16_t depth; /* bytes of this text */
	uint16_t found; /* bytes of the longest form that this text ends with; 0 = none */
};

/* The search jumps over places where no form can begin: it looks at the last two bytes of a window
 * as long as the shortest form may be, and `jump` says how far the window can be moved for them
 * (Wu and Manber, "A fast algorithm for multi-pattern searching", 1994). */
#define MASK_WINDOW   MASK_VALUE_MIN
#define MASK_JUMP_MAX (MASK_WINDOW - 1)

struct mask {
	unsigned refs;
	uint32_t count;
	struct mask_node *nodes; /* and one behind the last, for its `first` */
	unsigned char *bytes;    /* the last byte of each node's text */
	uint32_t roots[256];     /* the node of one byte; 0 = none */
	unsigned char jump[256 * 256];
};

static inline size_t mask_pair(const char *p)
{
	return (size_t)((unsigned char)p[0] << 8 | (unsigned char)p[1]);
}

/* The child of node `at` for byte c; 0 when there is none. */
static inline uint32_t mask_child(const struct mask *m, uint32_t at, unsigned char c)
{
	uint32_t low = m->nodes[at].first, end = m->nodes[at + 1].first, high = end;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (m->bytes[middle] < c)
			low = middle + 1;
		else
			high = middle;
	}
	return low < end && m->bytes[low] == c ? low : 0;
}

/* The node for the longest end of (text of node `at`, c) that is a beginning. */
static inline uint32_t mask_step(const struct mask *m, uint32_t at, unsigned char c)
{
	for (; at != 0; at = m->nodes[at].fail) {
		uint32_t next = mask_child(m, at, c);

		if (next != 0)
			return next;
	}
	return m->roots[c];
}

#endif
