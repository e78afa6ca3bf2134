/* SPDX-License-Identifier: MIT */
/*
 * tests/api/lines.h - a client that speaks JSON lines, on a socket pair, with the fakes' engine.
 */
#ifndef PYLON_TESTS_API_LINES_H
#define PYLON_TESTS_API_LINES_H

#include "api/fakes.h"
#include "api/lines-internal.h"

/* world_setup() with a real loop: sockets need one. */
int lines_setup(void **state);

struct peer {
	int fd; /* ours */
	struct buf got;
	bool is_closed;
};

/* `first` is what the HTTP server had read. */
struct peer peer_open(struct world *w, const char *first);
void peer_fini(struct peer *p);
void turn(struct world *w);
/* Takes what has come. */
void peer_take(struct peer *p);
void peer_send(struct world *w, struct peer *p, struct slice s);
size_t count_lines(const struct peer *p);
/* Turns until n answers have come. */
void peer_wait(struct world *w, struct peer *p, size_t n);
void peer_wait_closed(struct world *w, struct peer *p);
/* Asks, and expects exactly that. */
void expect_text(struct world *w, struct peer *p, const char *text, const char *answer);

#endif
