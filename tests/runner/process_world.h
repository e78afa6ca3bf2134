/* SPDX-License-Identifier: MIT */
/*
 * tests/runner/process_world.h - a runner of processes with the real keeper, and what it told, on
 * one real loop.
 *
 * The keeper is $PYLON_SHIM, or the pylon-shim of the build that the test belongs to.
 */
#ifndef PYLON_TESTS_RUNNER_PROCESS_WORLD_H
#define PYLON_TESTS_RUNNER_PROCESS_WORLD_H

#include "lib/scratch.h"
#include "lib/t.h"
#include "runner/process_internal.h"

enum {
	PW_RUNS = 128,
};

/* What was told about one run. */
struct pw_told {
	unsigned started, outputs, exited, refused;
	struct runner_exit exit;
	char *text, *tail; /* never NULL after exited() or refused() */
	enum runner_refusal why;
	bool forgets_at_start; /* what the callback does */
};

struct pw {
	void *scratch;
	struct loop *loop;
	struct runner *runner;
	char *dir, *logs, *shim;
	bool dies_with_us;
	struct mask *mask; /* of runs; the world's own */
	struct pw_told told[PW_RUNS];
	unsigned ups, images, listed;
	int listed_rc;
	struct runner_user user;
	struct strv found;       /* "<number> <state>" */
	struct runner_spec spec; /* of the next start */
};

/* For cmocka: *state is a struct pw whose runner is open. */
int pw_setup(void **state);
int pw_teardown(void **state);
/* A new runner on the same folder; the old one is dropped as by kill -9. */
void pw_restart(struct pw *w);

/* In a child process, which must leave the parent's alone: a loop and a runner of its own. */
void pw_become_another(struct pw *w);

struct id pw_id(unsigned run);
/* These live as long as the world. */
const char *pw_folder(struct pw *w, unsigned run);
const char *pw_log(struct pw *w, unsigned run);

/* Starts sh -c SCRIPT, or another command, with the world's spec. */
void pw_sh(struct pw *w, unsigned run, const char *script);
void pw_start(struct pw *w, unsigned run, const char *const *argv);
/* sh -c SCRIPT, and waits until it runs. */
void pw_running(struct pw *w, unsigned run, const char *script);
void pw_adopt(struct pw *w, unsigned run);
void pw_stop(struct pw *w, unsigned run, int64_t grace_us);
void pw_forget(struct pw *w, unsigned run);
void pw_survey(struct pw *w);

/* The record of a run; fails the test when there is none. The caller ends it. */
void pw_record(struct pw *w, unsigned run, struct process_record *ret);
/* Replaces all of `from` in the record by `to`. */
void pw_forge(struct pw *w, unsigned run, const char *from, const char *to);
/* Puts a record into the run's folder, which is made. */
void pw_write_record(struct pw *w, unsigned run, const char *text, size_t n);
/* Takes a script for the keeper from now on; the runner is made anew. */
void pw_fake_keeper(struct pw *w, const char *script);
/* A process of this number that is more than a zombie. */
bool pw_is_alive(pid_t pid);
/* The number in a file; 0 when there is none yet. */
pid_t pw_read_pid(const char *path);

/* Turns the loop until the claim holds; fails the test after some seconds. */
#define PW_WAIT(w, claim)                                                                          \
	for (int64_t until_ = loop_mono((w)->loop) + 20 * US_PER_SEC; !(claim);                    \
		pw_turn((w), until_, #claim, __LINE__)) {                                          \
	}
void pw_turn(struct pw *w, int64_t until, const char *claim, int line);

#endif
