/* SPDX-License-Identifier: MIT */
/*
 * tests/template/render.h - one event for all tests of templates, and what a template makes of it.
 */
#ifndef PYLON_TESTS_TEMPLATE_RENDER_H
#define PYLON_TESTS_TEMPLATE_RENDER_H

#include "lib/t.h"
#include "template/template.h"

/* The event: see render.c. */
extern const char sample_body[];
struct template_event sample_event(void);

struct template *compile(const char *text);
int render(const char *text, size_t max, struct buf *out);
/* What it renders to, with more room than it needs. */
void check(const char *text, const char *expected);
void check_event(const char *text, const struct template_event *ev, const char *expected);
/* With a body of its own. */
void check_body(const char *text, const char *body, const char *expected);
/* It does not compile, with an error that begins so. */
void check_error(const char *text, const char *expected_prefix);

#endif
