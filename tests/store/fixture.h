/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the store share: a database in a folder of its own, and each transaction as one
 * call that asks for it, commits, and returns what `done` was told.
 */
#ifndef PYLON_TESTS_STORE_FIXTURE_H
#define PYLON_TESTS_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/limits.h"
#include "cmocka.h" /* quoted: it must follow the headers above */
#include "store/store_internal.h"

#define NOW INT64_C(1800000000000000)

struct fixture {
	char dir[64];
	char path[96];
	struct store *store;
	struct store_db *db;
	int wakes;
	int64_t mono; /* what store_commit() is told */
	bool has_room;
	int asked_for_room;
};

/* For cmocka: *state becomes a struct fixture with an open database. */
int fixture_setup(void **state);
int fixture_teardown(void **state);
/* Only the folder; f->db is NULL. */
int fixture_setup_folder(void **state);
void fixture_open(struct fixture *f);
void fixture_close(struct fixture *f);
static inline void fixture_reopen(struct fixture *f)
{
	fixture_close(f);
	fixture_open(f);
}

/* What `done` was told. As op.ctx. */
struct told {
	int times;
	int rc;
	int order; /* counts up over all operations of the process */
	char text[ERR_TEXT_MAX];
};
void tell_done(struct store_op *op, int rc, const struct err *e);
/* Commits at f->mono. */
int64_t commit(struct fixture *f);

/* A request that is ready for store_accept(): fresh ids, body {"n":1}, f's room. */
struct store_accept accept_request(struct fixture *f, const char *delivery_id);
/* Each of these runs one transaction and returns the rc of `done`; *_told variants do not exist on
 * purpose: a test that needs more builds its own request. */
int do_accept(struct fixture *f, struct store_accept *r);
/* A queued job. */
struct id make_job(struct fixture *f);
int do_claim(struct fixture *f, const struct id *job, struct id *ret_run);
int do_started(struct fixture *f, const struct id *job, const struct id *run);
int do_stopping(
	struct fixture *f, const struct id *job, const struct id *run, enum stop_reason why);
struct store_finish finish_request(
	const struct id *job, const struct id *run, enum job_state job_state);
int do_finish(struct fixture *f, struct store_finish *r);
struct store_move move_request(const struct id *job, enum job_state from, enum job_state to);
int do_move(struct fixture *f, struct store_move *r);
/* A job that went all the way to that end state. */
struct id make_finished(struct fixture *f, enum job_state end, int64_t at);
/* The state of the schedule "trigger". */
int do_schedule(struct fixture *f, int64_t epoch, int64_t decided_to);
/* An accept_request() as a schedule makes it. */
struct store_accept scheduled_request(struct fixture *f);
/* One instant: with a job it is to run, without one it is SKIPPED_CATCH_UP. */
struct store_occurrence instant(int64_t at, struct store_accept *job);
/* Of "trigger" in its first epoch, decided up to the last of them. */
struct store_occur occur_request(enum overlap overlap, struct store_occurrence *v, size_t n);
int do_occur(struct fixture *f, struct store_occur *r);
struct store_outgoing outgoing(const char *channel, int64_t due_at);
/* A completed job with one pending delivery per channel, due at `due`; ids in order. */
struct id make_deliveries(
	struct fixture *f, size_t n, const char *const *channels, int64_t due, struct id *ret);

struct job get_job(struct fixture *f, const struct id *id); /* job_fini() */
enum job_state state_of(struct fixture *f, const struct id *id);
/* First column of the first row, through a connection of its own. */
int64_t sql_value(const char *path, const char *sql);
void sql_run(const char *path, const char *sql);
/* Fails the test when one of these statements was never run or reads a table from end to end. */
void assert_indexed(struct fixture *f, const enum slot *slots, size_t n);
int64_t count_rows(const struct fixture *f, const char *what);
/* Fails the test when the database breaks a promise of the schema or SQLite. */
void assert_sound(struct fixture *f);
/* Runs fn in a child process and returns its wait status. */
int in_child(void (*fn)(struct fixture *f, void *ctx), struct fixture *f, void *ctx);
/* In a child: it is killed after so many statements more of the open database. */
void die_after(struct fixture *f, int statements);
/* For in_child(): opens the database and is killed after so many (an int) statements of all its
 * connections; ends by itself when it needs fewer. */
void open_and_die(struct fixture *f, void *statements);

#endif
