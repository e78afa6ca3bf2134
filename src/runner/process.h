/* SPDX-License-Identifier: MIT */
/*
 * runner/process.h - the port of runner.h for commands of this machine, each under a keeper of its
 * own (pylon-shim, src/shim/shim.h).
 *
 * A run is a folder, <dir>/<run id>/, in which its keeper writes how it goes. The command goes on
 * when this process ends, however it ends, and adopt() finds it again: a pid is believed only with
 * its start time and the boot it belongs to, and signals go through pidfds alone. After a reboot a
 * run that was under way is gone, and said to be.
 *
 * What means what here:
 *   ready()     once, up; images are of no matter to ensure_image()
 *   started()   the command runs; also told, just before exited(), when its end was seen first
 *   exited()    exit_code 127 with a text: it could not be executed, and why; was_timed_out also
 *               when its keeper stopped it while nobody was here; is_gone with a text: its keeper
 *               was killed (what is found of the command is killed then), or there was a reboot,
 *               or it was stopped before it was started
 *   refused()   nothing was started and nothing is left: the keeper cannot be executed or refuses
 *               its arguments (BAD_SPEC), no room (NO_SPACE), or no further process or descriptor
 *               is to be had just now (ENGINE_DOWN)
 *   container   the run id
 *   note()      nothing: the log is the keeper's, which also is why the mask of a run hides things
 *               in the end of its stdout only
 *   stop()      the keeper keeps the grace that the spec names when that is shorter
 *   survey()    the folders, without job ids. One whose run cannot have begun is removed, and never
 *               will begin
 *   forget(), remove()  the folder; a command that is still alive is killed first
 */
#ifndef PYLON_RUNNER_PROCESS_H
#define PYLON_RUNNER_PROCESS_H

#include "runner/runner.h"

struct runner_process_config {
	const char *dir;   /* of the runs' folders; made when missing */
	const char *shim;  /* path of pylon-shim */
	bool dies_with_us; /* commands end when this process does (for hosts that want that) */
};

/* Borrows the loop. */
struct runner *runner_process_new(
	struct loop *l, const struct runner_process_config *c, const struct runner_events *ev);

#endif
