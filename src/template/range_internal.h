/* SPDX-License-Identifier: MIT */
/*
 * template/range_internal.h - the rounds of a loop, one after the other.
 */
#ifndef PYLON_TEMPLATE_RANGE_INTERNAL_H
#define PYLON_TEMPLATE_RANGE_INTERNAL_H

#include "template/value_internal.h"

struct range {
	enum { RANGE_NOTHING, RANGE_LIST, RANGE_OBJECT, RANGE_NUMBER } type;
	size_t i;                           /* the next round */
	struct walk walk;                   /* RANGE_LIST; of an object only what it is of */
	const struct range_member *members; /* RANGE_OBJECT, sorted */
	size_t n;
	int64_t count; /* RANGE_NUMBER */
};

struct range range_start(struct rendering *r, const struct value *over);
/* False at the end, and when the rendering has stopped. ret_key may be NULL. */
bool range_next(struct rendering *r, struct range *g, struct value *ret_key, struct value *ret);

#endif
