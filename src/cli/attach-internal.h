/* SPDX-License-Identifier: MIT */
/*
 * cli/attach-internal.h - between the files of `pylon attach`.
 */
#ifndef PYLON_CLI_ATTACH_INTERNAL_H
#define PYLON_CLI_ATTACH_INTERNAL_H

#include "cli/commands-internal.h"

/* --- exec.c --- */

/* One program in a running container, asked for at the engine itself ("exec" of the Docker Engine
 * API; Podman serves the same). Functions return an exit status, with the reason told. */
struct exec {
	const char *socket, *container; /* borrowed */
	const char *const *command;     /* NULL-ended; NULL = a shell */
	bool has_terminal;
	/* its own */
	struct client *engine;
	char *base; /* "/v1.41" */
	char *id;
};
void exec_fini(struct exec *x);

/* Makes it known to the engine. */
int exec_create(struct exec *x);
/* Starts it: the tunnel carries its streams. */
int exec_start(struct exec *x, struct client_tunnel *ret);
/* Tells it how large the terminal is now; false when the engine did not take it (yet). */
bool exec_resize(struct exec *x);
/* After the tunnel has ended: the program's own exit status. */
int exec_status(struct exec *x);

/* --- pump.c --- */

/* Bytes between this process and the program, until the program closes its end. */
struct pump {
	struct client_tunnel *tunnel;
	int in, out, err;
	bool is_framed; /* two output streams in frames, else one raw */
	/* With a terminal: readable when its size has changed, else -1; resize() tells the new
	 * size, false = to be tried again soon. */
	int resized;
	bool (*resize)(void *ctx);
	void *ctx;
};
NODISCARD int pump_run(const struct pump *p, struct err *e);

#endif
