/* SPDX-License-Identifier: MIT */
/*
 * tests/runner/fake_engine.h - a container engine on a Unix socket in the same loop.
 *
 * It knows a few containers and answers as dockerd does; a test moves them (fake_log(), fake_exit()
 * ...), takes the engine away and back, or answers by itself (`answer`), with whatever bytes it
 * likes.
 */
#ifndef PYLON_TESTS_RUNNER_FAKE_ENGINE_H
#define PYLON_TESTS_RUNNER_FAKE_ENGINE_H

#include "loop/loop.h"
#include "runner/runner.h"

struct fake_conn {
	struct list node;
	struct fake_engine *engine;
	int fd;
	struct watch watch;
	struct buf in;
	struct buf following; /* name of the container whose log is followed */
	struct buf waiting;   /* name of the container whose end is waited for */
	int64_t since_ns;
};

struct fake_record {
	unsigned char stream;
	int64_t at_ns;
	char *text;
};

struct fake_container {
	struct list node;
	char *name, *id, *body;
	char *run, *job; /* labels */
	const char *state;
	int exit_code;
	bool was_oom_killed;
	struct fake_record *records;
	size_t count;
	int follow_misses; /* records at the end that following does not show */
};

struct fake_request {
	struct fake_conn *conn;
	struct slice method;
	char *target;
	struct slice body;
};

struct fake_engine {
	struct loop *loop;
	char *path;
	int fd;
	struct watch watch;
	struct list conns, containers;
	const char *version;      /* JSON of GET /version */
	const char *image;        /* the only image there is; NULL = none */
	const char *image_labels; /* JSON */
	const char *image_user;   /* of it */
	const char *info;         /* JSON of GET /info */
	const char *build_log;    /* answer of a build */
	const char *pull_log;     /* answer of a pull; without an error in it the image is there */
	char *pulled;             /* its name */
	struct buf last_build;
	struct buf last_auth; /* X-Registry-Auth of the last request */
	bool is_mute;         /* accepts and never answers */
	int end_after_stop;   /* exit code that a stop leads to; -1: it is ignored */
	struct strv requests; /* "METHOD target" of each */
	/* True when it has answered by itself. */
	bool (*answer)(void *ctx, const struct fake_request *q);
	void *ctx;
};

struct fake_engine *fake_engine_new(struct loop *l, const char *path);
void fake_engine_free(struct fake_engine *f);

/* Goes away (closes everything; the socket's file stays) and comes back. */
void fake_engine_leave(struct fake_engine *f);
void fake_engine_return(struct fake_engine *f);

/* Containers. */
struct fake_container *fake_add(
	struct fake_engine *f, const char *run_id, const char *job_id, const char *state);
struct fake_container *fake_find(struct fake_engine *f, const char *name);
void fake_forget(struct fake_engine *f, struct fake_container *c);
/* One record of output; followers see it unless follow_misses counts it in. */
void fake_log(struct fake_engine *f, struct fake_container *c, unsigned char stream, int64_t at_ns,
	const char *text);
void fake_exit(struct fake_engine *f, struct fake_container *c, int code);

/* Answering. */
void fake_answer(struct fake_conn *c, int status, const char *body);
void fake_raw(struct fake_conn *c, const void *p, size_t n);
void fake_hang_up(struct fake_conn *c);
/* Says something on every open events stream. */
void fake_event(struct fake_engine *f, const char *json);

/* Streams of bytes, as builds and pulls are answered. */
void fake_begin_stream(struct fake_conn *c);
void fake_add_chunk(struct fake_conn *c, const void *p, size_t n);
void fake_end_stream(struct fake_conn *c);

/* For `answer`: the next `times` requests that begin so are answered so. */
struct fake_script {
	const char *prefix; /* of "METHOD path" without the version */
	int status;
	const char *body;
	int times;
};
bool fake_play(void *script, const struct fake_request *q);

/* How many requests began like this. */
unsigned fake_count(const struct fake_engine *f, const char *prefix);

#endif
