/* SPDX-License-Identifier: MIT */
/*
 * tests/runner/world.h - a runner, a fake engine and what the runner told, on one real loop with
 * short waits.
 */
#ifndef PYLON_TESTS_RUNNER_WORLD_H
#define PYLON_TESTS_RUNNER_WORLD_H

#include "lib/scratch.h"
#include "lib/t.h"
#include "runner/docker_internal.h"
#include "runner/fake_engine.h"

#define RUN_1 "11111111-1111-4111-8111-111111111111"
#define RUN_2 "22222222-2222-4222-8222-222222222222"
#define RUN_3 "33333333-3333-4333-8333-333333333333"
#define JOB_1 "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"

/* An instant that the fake's records may have. */
#define T0_NS (INT64_C(4102444800) * INT64_C(1000000000))

/* The last thing told about one run. */
struct told {
	struct id id;
	unsigned started, exited, refused, outputs;
	char *container_id, *text, *tail;
	struct runner_exit exit;
	enum runner_refusal why;
};

struct world {
	void *scratch;
	struct loop *loop;
	struct http_client *client;
	struct fake_engine *engine;
	struct runner *runner;
	struct docker *docker;
	bool has_socket;
	const char *image; /* of runs */
	struct mask *mask; /* of runs; the world's own */
	unsigned ups, downs;
	char *ready_text;
	struct told runs[4];
	size_t run_count;
	unsigned images, surveys, found;
	int image_rc, survey_rc;
	char *image_text;
	struct runner_user image_user;
};

/* For cmocka: *state is a struct world whose runner is not opened yet. */
int world_setup(void **state);
int world_teardown(void **state);

/* Opens the runner and waits until it is up. */
void world_open(struct world *w);
/* A new runner process on the same home: the old one is dropped as by kill -9 (its spools stay). */
void world_restart(struct world *w);
struct told *world_run(struct world *w, const char *run_id);
char *world_log_path(struct world *w, const char *run_id);
/* The spooled log; the caller frees. */
char *world_log(struct world *w, const char *run_id);
void world_start(struct world *w, const char *run_id);
void world_adopt(struct world *w, const char *run_id);
void world_stop(struct world *w, const char *run_id, int64_t grace_us);
void world_ensure(struct world *w, const char *image);
void world_survey(struct world *w);
struct fake_container *world_container(struct world *w, const char *run_id);
/* Starts a run and waits until its log and its end are being waited for. */
struct fake_container *world_running(struct world *w, const char *run_id);
void world_forget(struct world *w, const char *run_id);
/* Lets the loop turn for a while in which nothing need happen. */
void world_pass(struct world *w, int64_t us);

/* Turns the loop until the claim holds; fails the test after some seconds. */
#define WAIT_FOR(w, claim)                                                                         \
	for (int64_t until_ = world_patience(w); !(claim);                                         \
		world_turn((w), until_, #claim, __LINE__)) {                                       \
	}
int64_t world_patience(const struct world *w);
void world_turn(struct world *w, int64_t until, const char *claim, int line);

#endif
