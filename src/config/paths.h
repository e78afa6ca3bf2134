/* SPDX-License-Identifier: MIT */
/*
 * config/paths.h - where things live below $PYLON_HOME (docs/architecture.md has the tree).
 *
 * The folder of the daemon's own files is daemon/, or daemon-<namespace>/ when a namespace is set,
 * or the folder of an explicit socket path. The first of these that says something decides, so that
 * the environment wins over the file, and in either an explicit socket over a namespace:
 *
 *   --socket PATH, PYLON_DAEMON_SOCKET_PATH, NEON_PILOT_DAEMON_SOCKET_PATH
 *   PYLON_DAEMON_NAMESPACE, NEON_PILOT_DAEMON_NAMESPACE
 *   daemon.ipc.socketPath of config.yaml
 *   daemon/
 *
 * White space around a socket path does not count, "~" and "~/" stand for $HOME, and a relative
 * path begins at the working directory; that of config.yaml at $PYLON_HOME, because the daemon and
 * its clients have one home but many working directories.
 */
#ifndef PYLON_CONFIG_PATHS_H
#define PYLON_CONFIG_PATHS_H

#include "base/err.h"
#include "base/str.h"

struct paths {
	char *home;        /* absolute */
	char *daemon_dir;  /* folder of lock, logs, runtime.db */
	char *socket;      /* the local door, absolute */
	char *lock;        /* <daemon_dir>/lock */
	char *pylons_lock; /* pylons/.lock: everything shared by a home */
	char *jobs_dir;    /* workspaces and logs of jobs */
	char *pylons_dir;
	bool is_isolated;        /* a namespace or an explicit socket was given to this process */
	bool has_foreign_folder; /* daemon_dir is none of ours: somebody chose the socket's path */
};

/* `socket` is the --socket option or NULL. Reads the environment and, when that leaves it open, one
 * key of config.yaml; a file that cannot be read counts as none here (config_load() tells what is
 * wrong with it). -ENAMETOOLONG when the socket's path does not fit into a Unix address; *e says
 * what to set, and *p is filled all the same. */
NODISCARD int paths_init(struct paths *p, const char *home, const char *socket, struct err *e);
void paths_fini(struct paths *p);
/* Is the folder of an explicit socket, which is there, ours and nobody else's to write to? Who may
 * write there could put a socket of his own in its place. -EPERM with what to do. */
NODISCARD int paths_check_folder(const struct paths *p, struct err *e);
/* A namespace made safe for a path: every run of anything but [A-Za-z0-9._-] becomes one '-', then
 * leading and trailing '-' go, then at most 80 characters stay. NULL when nothing is left. */
char *paths_namespace(struct slice text);
/* The random id of this home in <home>/.id, made on first use; appended. */
NODISCARD int paths_home_id(const struct paths *p, struct buf *out, struct err *e);

#endif
