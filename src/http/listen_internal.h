/* SPDX-License-Identifier: MIT */
/*
 * http/listen_internal.h - between listen.c (accepting), address.c (making the sockets) and
 * rebind.c (making one anew).
 */
#ifndef PYLON_HTTP_LISTEN_INTERNAL_H
#define PYLON_HTTP_LISTEN_INTERNAL_H

#include <sys/stat.h>

#include "http/server_internal.h"

/* Makes the Unix socket at `path`; its descriptor, and its file in *ret_st. address.c */
NODISCARD int listener_open_unix(const char *path, struct stat *ret_st, struct err *e);
/* From here on the file of l is made anew when somebody removes it. rebind.c */
void listener_watch(struct listener *l);

/* Watches a listening socket and owns it from here on; NULL (the socket is still the caller's) on
 * failure. */
struct listener *listener_add(struct http_server *s, int fd, struct err *e);
/* Puts another listening socket in the place of l->fd and owns it from here on. -errno: nothing has
 * changed. */
NODISCARD int listener_replace(struct listener *l, int fd, struct err *e);
/* Stops watching the folder. */
void listener_unwatch(struct listener *l);
/* Removes the file of a Unix socket, if it is still the one that we made. */
void listener_remove_file(const struct listener *l);

#endif
