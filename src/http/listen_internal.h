/* SPDX-License-Identifier: MIT */
/*
 * http/listen_internal.h - between listen.c (accepting) and address.c (making the sockets).
 */
#ifndef PYLON_HTTP_LISTEN_INTERNAL_H
#define PYLON_HTTP_LISTEN_INTERNAL_H

#include "http/server_internal.h"

/* Watches a listening socket and owns it from here on; NULL (the socket is still the caller's) on
 * failure. */
struct listener *listener_add(struct http_server *s, int fd, struct err *e);
/* Removes the file of a Unix socket, if it is still the one that we made. */
void listener_remove_file(const struct listener *l);

#endif
