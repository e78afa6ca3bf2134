/* SPDX-License-Identifier: MIT */
/*
 * config/paths.h - where things live below $PYLON_HOME (docs/architecture.md has the tree).
 *
 * The folder of the daemon's own files is daemon/, or daemon-<namespace>/ when a namespace is set,
 * or the folder of an explicit socket path. In order of precedence:
 *
 *   --socket PATH, PYLON_DAEMON_SOCKET_PATH, NEON_PILOT_DAEMON_SOCKET_PATH
 *   PYLON_DAEMON_NAMESPACE, NEON_PILOT_DAEMON_NAMESPACE
 *   daemon/
 *
 * A namespace is made safe for a path: anything but [A-Za-z0-9._-] becomes '-', leading and
 * trailing dots and dashes go; nothing left means no namespace.
 */
#ifndef PYLON_CONFIG_PATHS_H
#define PYLON_CONFIG_PATHS_H

#include "base/err.h"
#include "base/str.h"

struct paths {
	char *home;        /* absolute */
	char *daemon_dir;  /* folder of lock, logs, runtime.db */
	char *socket;      /* the local door */
	char *lock;        /* <daemon_dir>/lock */
	char *pylons_lock; /* pylons/.lock: everything shared by a home */
	char *jobs_dir;    /* workspaces and logs of jobs */
	char *pylons_dir;
	bool is_isolated; /* a namespace or an explicit socket was given */
};

/* `socket` is the --socket option or NULL. Reads the environment. -ENAMETOOLONG when the socket's
 * path does not fit into a Unix address; *e says what to set. */
NODISCARD int paths_init(struct paths *p, const char *home, const char *socket, struct err *e);
void paths_fini(struct paths *p);
/* The random id of this home in <home>/.id, made on first use; appended. */
NODISCARD int paths_home_id(const struct paths *p, struct buf *out, struct err *e);

#endif
