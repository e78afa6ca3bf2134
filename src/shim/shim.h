/* SPDX-License-Identifier: MIT */
#ifndef SHIM_SHIM_H
#define SHIM_SHIM_H

/*
 * pylon-shim: keeps one detached command, so that the command outlives whoever started it and its
 *end is known to whoever comes next.
 *
 *	pylon-shim [--timeout-ms N] [--grace-ms N] [--cwd DIR] --dir DIR -- CMD ARG...
 *
 *	--dir DIR       existing folder for the files below
 *	--timeout-ms N  stop the command after N ms of running (0, the default: never). The time a
 *machine sleeps does not count.
 *	--grace-ms N    between SIGTERM and SIGKILL when stopping (default SHIM_GRACE_MS)
 *	--cwd DIR       the command's working folder (default: the shim's)
 *
 * Files in DIR, mode 0600:
 *
 *	stdout.log, stderr.log   the command's output, appended
 *	status                   one JSON object, replaced by rename, so a reader sees a whole one
 *or none
 *
 * status, by its "state":
 *
 *	all        "version" 1, "boot_id", "shim_pid", "shim_start"
 *	starting   nothing more: the command may or may not be running
 *	running    "pid", "pid_start", "started_real"
 *	exited     as running, and "exit_code" (or null), "signal" (or null), "timed_out",
 *"stopped", "error" (text or null), "killed" (how many left-over processes had to be killed),
 *"left" (true: some could not be), "ended_real", "rusage": { "user_us", "system_us", "maxrss_kb" }
 *of all waited-for processes
 *
 * *_real are microseconds since 1970. *_start is field 22 of /proc/PID/stat: together with boot_id
 *it proves that a pid is still the same process. Only the last status is synced to disk.
 *
 * The shim makes its own session, adopts every orphan among its descendants and has the command's
 *group killed with it: when "exited" stands in status, no descendant is alive (unless "left"). What
 *another daemon starts on the command's behalf is not a descendant.
 *
 * Signals to the shim: SIGTERM and SIGINT stop the command (SIGTERM to the whole tree, after the
 *grace SIGKILL); a second one skips the grace. All others are ignored. The command starts with
 *every signal at its default and unblocked, stdin from /dev/null and no descriptor above 2.
 *
 * A command that cannot be executed is exit_code 127 with the reason in "error". The shim itself
 *exits 0 when it could record the end, 1 when it could not, 2 for a bad command line.
 */

#define SHIM_STATUS_FILE "status"
#define SHIM_STDOUT_FILE "stdout.log"
#define SHIM_STDERR_FILE "stderr.log"

enum {
	SHIM_GRACE_MS = 10000,
	SHIM_EXIT_NO_EXEC = 127,
};

#endif
