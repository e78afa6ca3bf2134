/* SPDX-License-Identifier: MIT */
/*
 * daemon/daemon.h - the wiring: `pylon start`.
 *
 * The only room that knows all others. It takes the locks, reads the configuration, makes the ports
 * and hands them to the engine, opens the doors when the engine is prepared, says so, and takes
 * everything down again in the right order when a signal comes. No decision about jobs is made
 * here.
 */
#ifndef PYLON_DAEMON_DAEMON_H
#define PYLON_DAEMON_DAEMON_H

#include "base/str.h"

struct daemon_options {
	const char *home;         /* absolute, or NULL: $PYLON_HOME, else ~/.pylon */
	const char *socket;       /* NULL unless --socket was given */
	const char *const *names; /* only these pylons; none = all that are enabled */
	size_t name_count;
	bool quiet;
	bool no_color;
	const char *version;
};

/* Runs in the foreground until SIGTERM or SIGINT. Returns the exit status: 0 stopped as asked, 1
 * could not start (another daemon, a port in use ...), 78 the configuration cannot be used. */
int daemon_main(const struct daemon_options *o);

#endif
