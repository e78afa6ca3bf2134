/* SPDX-License-Identifier: MIT */
#ifndef SHIM_SHIM_H
#define SHIM_SHIM_H

/*
 * pylon-shim: keeps one detached command, so that the command outlives whoever started it, its
 * output is bounded on disk, and its end is known to whoever comes next.
 *
 *	pylon-shim [option...] --dir DIR -- CMD ARG...
 *
 *	--dir DIR             existing folder for the files below
 *	--timeout-ms N        stop the command after N ms of running (0, the default: never); the
 *	                      time that the machine sleeps does not count
 *	--grace-ms N          between SIGTERM and SIGKILL when stopping (SHIM_GRACE_MS)
 *	--cwd DIR             the command's working folder (the shim's)
 *	--nice N              added to the niceness (0), -40 to 40
 *	--rlimit NAME=N       soft and hard resource limit of the command; setrlimit(2)'s name in
 *	                      small letters without RLIMIT_, N a number or "unlimited"; the last of
 *	                      one name counts
 *	--log PATH            one log for both streams instead of stdout.log and stderr.log
 *	--log-head BYTES      the log's limits, as in base/spool.h: SHIM_LOG_HEAD, and
 *	--log-tail BYTES      SHIM_LOG_TAIL (at least 1)
 *	--die-with-parent     when the starting thread ends: as a SIGTERM to the shim (prctl(2)
 *	                      PR_SET_PDEATHSIG). A starter that may die before the shim runs sets
 *	                      this itself between fork and exec and looks at getppid() then
 *
 * Files, mode 0600:
 *
 *	DIR/status                   one JSON object, replaced by rename: a reader sees a whole one
 *	                             or none
 *	DIR/stdout.log, stderr.log   without --log: the command's output, appended by the command
 *	                             itself, unlimited
 *	PATH, PATH.a, .b, .mark      with --log: a spool (base/spool.h). It goes on behind the
 *	                             last mark of what is there; a mark follows each piece, so
 *	                             the spool may be opened again at any time after the shim
 *	PATH.streams                 which bytes of the spool are whose; begun anew by each shim
 *
 * The log. stdout and stderr are two pipes; what the shim reads is written in the order of arrival,
 * byte for byte. What was written to both within one turn of the shim (it reads at most
 * SHIM_PIECE bytes of each) has lost its order: stdout comes first. A line of PATH.streams is
 * "<offset> <1|2> <unix ms>\n": from this position of the stream on, until the next line's, the
 * bytes came from stdout (1) or stderr (2), the first of them at that time. It is there before its
 * bytes are, so the last line may have none yet. Positions before the first line are not the
 * command's. The file never grows beyond SHIM_STREAMS_MAX bytes: where the next line would,
 * "... more\n" ends it, and from the place of the next change on the sources are not known.
 * When the log cannot be written (disk full) the command is not held up: the bytes are lost and
 * counted.
 *
 * When the command has ended and its tree is dead, what the pipes still hold is read, to their end.
 * Somebody outside of the tree may hold them open: then until the grace is over, or a signal.
 *
 * status, by its "state":
 *
 *	all        "version" 1, "boot_id", "shim_pid", "shim_start"
 *	starting   nothing more: the command may or may not be running
 *	running    "pid", "pid_start", "started_real", "cgroup" (path of the folder, or null)
 *	exited     as running (unless there never was a process), and
 *	           "exit_code" or null, "signal" or null; "error" (text or null)
 *	           "timed_out", "stopped"   which of the two came first
 *	           "killed"                 how many left-over processes had to be killed
 *	           "left"                   true: some could not be
 *	           "log"                    null, or {"bytes": length of the spool,
 *	                                    "lost": bytes that could not be written,
 *	                                    "error": why the last of them could not, or null,
 *	                                    "is_cut": the pipes were not read to their end}
 *	           "ended_real"             when the tree was dead
 *	           "rusage"                 {"user_us", "system_us", "maxrss_kb"} of all processes
 *	                                    that were waited for
 *
 * *_real are microseconds since 1970. *_start is field 22 of /proc/PID/stat: together with boot_id
 * it proves that a pid is still the same process. Only the last status is synced to disk.
 *
 * The tree. The shim makes its own session, adopts every orphan among its descendants and kills
 * them all with the command: when "exited" stands in status, none is alive (unless "left"). Where
 * the shim's own cgroup is of version 2 and delegated (extended attribute "user.delegate" or
 * "trusted.delegate" is "1", as systemd sets it for Delegate=yes), the command gets a cgroup below
 * it, which is killed as a whole (cgroup.kill, Linux 5.14) and removed. What another daemon starts
 * on the command's behalf is not a descendant and not in the cgroup.
 *
 * Killed itself (SIGKILL), the shim takes the command's first process with it (PR_SET_PDEATHSIG).
 * The others of the tree are orphans then; their next output gets SIGPIPE. All that was in the log
 * by then is readable, and a later spool_open() goes on behind it; what was in the pipes (up to
 * 64 KiB each) is lost. Whoever comes next sees it like this: status says "starting" or "running",
 * and there is no process shim_pid that began at shim_start. Survivors are in "cgroup", or else
 * those whose environment says SHIM_KEEPER_ENV "=<shim_pid>.<shim_start>" in this boot.
 *
 * Signals to the shim: SIGTERM and SIGINT stop the command (SIGTERM to the whole tree, after the
 * grace SIGKILL); a second one skips the grace. All others are ignored.
 *
 * The command starts in a process group of its own with every signal at its default and unblocked,
 * stdin from /dev/null, no descriptor above 2, and the environment of the shim plus
 * SHIM_KEEPER_ENV.
 *
 * A command that cannot be started is exit_code 127 with the reason in "error". The shim itself
 * exits 0 when it could record the end, 1 when it could not, 2 for a bad command line.
 */

#define SHIM_STATUS_FILE    "status"
#define SHIM_STDOUT_FILE    "stdout.log"
#define SHIM_STDERR_FILE    "stderr.log"
#define SHIM_STREAMS_SUFFIX ".streams"
#define SHIM_KEEPER_ENV     "PYLON_KEEPER"

enum {
	SHIM_GRACE_MS = 10000,
	SHIM_EXIT_NO_EXEC = 127,
	SHIM_LOG_HEAD = 8 << 20,
	SHIM_LOG_TAIL = 8 << 20,
	SHIM_PIECE = 4 << 10,
	SHIM_STREAMS_MAX = 64 << 10,
};

#endif
