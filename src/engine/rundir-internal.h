/* SPDX-License-Identifier: MIT */
/*
 * rundir-internal.h - the folder that is /run/pylon in the container, and the spec of its run.
 *
 * <home>/jobs/<run id>.run/ holds `prompt` and `event.json` (mounted read-only one by one) and
 * takes `result.json`. It is writable for any user of the container; its parent is ours alone
 * (0700).
 */
#ifndef PYLON_ENGINE_RUNDIR_INTERNAL_H
#define PYLON_ENGINE_RUNDIR_INTERNAL_H

#include "engine/engine-internal.h"

/* What came of the preparation: what a run is given beside its configuration. */
struct outfit {
	const char *folder;               /* the workspace on the host; borrowed */
	char *shared;                     /* cache that it borrows from; NULL = none */
	char *session;                    /* folder of the agent's sessions; NULL = none */
	const struct runner_agent *agent; /* with a session: where that goes */
	const char *user;                 /* whom to run as; NULL = as the image says */
	struct turn turn;                 /* with has_turn: what is told instead of the prompt */
	bool has_turn;
};

void outfit_fini(struct outfit *o);

struct rundir {
	struct runner_spec spec; /* borrows all below */
	struct strv env;
	struct runner_mount *mounts; /* their strings are in `paths` */
	struct strv paths;
	char *log_path;
};

/* Writes the folder's files and fills the spec. */
NODISCARD int rundir_make(struct rundir *rd, const struct live *v, const struct job *j,
	const struct event_record *ev, const struct outfit *o, struct err *err);
void rundir_fini(struct rundir *rd);
/* Is a variable of that name ("NAME=...") there? */
bool env_has(const struct strv *env, const char *assignment);
/* <home>/jobs/<run id>.run, appended. */
void rundir_path(const struct engine *e, const struct id *run_id, struct buf *out);
/* Removes the folder of a run. */
void rundir_remove(const struct engine *e, const struct id *run_id);

#endif
