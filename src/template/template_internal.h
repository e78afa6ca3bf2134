/* SPDX-License-Identifier: MIT */
/*
 * template/template_internal.h - a compiled template.
 */
#ifndef PYLON_TEMPLATE_TEMPLATE_INTERNAL_H
#define PYLON_TEMPLATE_TEMPLATE_INTERNAL_H

#include "template/template.h"

/* A stretch of text, or a value's path without its first dot ("body.a.0"). */
struct part {
	bool is_path;
	struct slice text; /* in template's source */
};

struct template
{
	char *source; /* a copy: parts point into it */
	struct part *parts;
	size_t n, size;
};

#endif
