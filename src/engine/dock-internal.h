/* SPDX-License-Identifier: MIT */
/*
 * dock-internal.h - a port to runs, and what is known of it: whether it answers, whether it was
 * asked what is alive, how many of its slots are taken. There is one for containers and one for
 * processes of this machine; each pylon uses one.
 */
#ifndef PYLON_ENGINE_DOCK_INTERNAL_H
#define PYLON_ENGINE_DOCK_INTERNAL_H

#include "loop/loop.h"
#include "runner/runner.h"

struct engine;

struct dock {
	struct engine *engine;
	struct runner *runner; /* the caller's; NULL = nothing can run here */
	const char *name;      /* for people: "the container engine" */
	bool is_known;         /* it has said whether it is up */
	bool is_up;
	bool is_surveyed;
	char *text;                /* its version, or why it is away; NULL = not asked yet */
	int active;                /* runs starting or alive, claims under way included */
	struct timer hold;         /* armed: nothing is claimed, a start was just refused */
	struct timer survey_again; /* what is alive is to be asked (again) */
};

#endif
