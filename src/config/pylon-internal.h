/* SPDX-License-Identifier: MIT */
/*
 * config/pylon-internal.h - between the files that make a pylon from its form.
 */
#ifndef PYLON_CONFIG_PYLON_INTERNAL_H
#define PYLON_CONFIG_PYLON_INTERNAL_H

#include "config/config-internal.h"

/* What goes into p is copied with xstrdup_or_null() also where it cannot be NULL: GCC's analyzer
 * takes an xstrdup() that is stored through two pointers for a leak. */
struct build {
	struct pylon_config *p;
	struct form *f;
	const struct global *g;
	struct report *r;
	struct buf *not_ready;
};

static inline const char *text_of(const struct build *b, unsigned key)
{
	return form_text(b->f, key);
}

static inline const struct node *node_of(const struct build *b, unsigned key)
{
	return form_node(b->f, key);
}

static inline bool has_word(const struct build *b, unsigned key, const char *word)
{
	const char *text = text_of(b, key);

	return text && strcmp(text, word) == 0;
}

/* Adds a reason why the pylon cannot run although its file is right. */
void pylon_not_ready(struct build *b, const char *fmt, ...) PRINTF(2, 3);

void pylon_build_trigger(struct build *b);
/* What fires by itself: its part of the trigger (pylon_schedule.c). */
void pylon_build_schedule(struct build *b);
/* What runs, and how it signs in (pylon_agent.c). */
void pylon_build_agent(struct build *b);
/* What nobody may see of all that; the last step (pylon_secrets.c). */
void pylon_build_secrets(struct build *b);

#endif
