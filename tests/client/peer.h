/* SPDX-License-Identifier: MIT */
/*
 * tests/client/peer.h - a server that says exactly what a test wants, in a process of its own.
 */
#ifndef PYLON_TESTS_CLIENT_PEER_H
#define PYLON_TESTS_CLIENT_PEER_H

#include "client/client.h"
#include "lib/t.h"

struct peer {
	char *dir, *path; /* a folder of the test's own, and the socket in it */
	int fd;           /* listens */
	pid_t pid;
	uint16_t port;
};

/* For cmocka_unit_test_setup_teardown(): *state becomes a struct peer. */
int peer_setup(void **state);
int peer_teardown(void **state);

void peer_listen(struct peer *p);
/* Listens on the Unix socket or on TCP, and serves `replies` one after the other, each on the
 * connection it has, or on a new one where the reply says "Connection: close" or has no length. */
void peer_start_unix(struct peer *p, const char *const *replies);
void peer_start_tcp(struct peer *p, const char *const *replies);
/* What it was sent, the n-th of them; free() it. */
char *peer_request(const struct peer *p, int n);

/* --- for a process that serves in its own way --- */

/* Reads one request into <dir>/request-<n>; false when the client has left. */
bool peer_read_request(int fd, const struct peer *p, int n);
/* In small pieces, so that every seam is met. */
void peer_send(int fd, const char *reply);

#endif
