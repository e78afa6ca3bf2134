/* SPDX-License-Identifier: MIT */
/*
 * tests/cli/server.h - a daemon, or a container engine, that answers by rules: a process of its own
 * on a Unix socket.
 */
#ifndef PYLON_TESTS_CLI_SERVER_H
#define PYLON_TESTS_CLI_SERVER_H

#include "cli/home.h"

struct rule {
	const char *request; /* how its first line begins: "GET /api/jobs" */
	int status;          /* answered with */
	const char *body;    /* this JSON, or */
	const char *raw;     /* exactly these bytes */
	size_t raw_n;
	int times; /* then it no longer applies; 0 = always */
};

struct server {
	char *path; /* of its socket; "<path>.log" has a line for each request and its body */
	pid_t pid;
};

/* One connection after the other, one request on each; the first rule that fits answers. */
void server_start(struct server *s, const char *path, const struct rule *rules, size_t count);
void server_stop(struct server *s);
/* What it was asked; free() it. */
char *server_log(const struct server *s);

#endif
