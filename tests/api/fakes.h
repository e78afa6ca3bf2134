/* SPDX-License-Identifier: MIT */
/*
 * tests/api/fakes.h - an engine and an HTTP server that tests hold in their hands.
 *
 * Both replace the real ones at link time: every engine_* and http_* function that the api calls is
 * defined in fakes.c. A test makes a request, lets the doors admit and handle it, and looks at what
 * was answered or streamed.
 */
#ifndef PYLON_TESTS_API_FAKES_H
#define PYLON_TESTS_API_FAKES_H

#include "api/api.h"
#include "base/json.h"
#include "base/limits.h"
#include "lib/t.h"

#define JOB_1  "11111111-1111-4111-8111-111111111111"
#define JOB_2  "11112222-1111-4111-8111-111111111111"
#define TOKEN  "0123456789abcdef0123456789abcdef"
#define NOW_US INT64_C(1700000000000000)

/* One request and all that became of it. */
struct fake_request {
	struct http_request *req; /* NULL before fake_send() */
	/* what is sent */
	const char *method, *target, *body;
	const char *headers[8]; /* "Name: value" */
	bool is_local;
	/* what was answered */
	int status;
	char *text;
	char allow[80];
	/* when it was a stream */
	bool is_stream, has_ended, is_gone;
	bool blocks; /* the reader takes nothing more */
	struct http_stream *stream;
};

void fake_request_fini(struct fake_request *r);

/* The engine: what it is asked and what it says. */
struct fake_engine {
	char dir[256]; /* logs are <dir>/<id>.log */
	struct job jobs[8];
	size_t job_count;
	struct engine_status status;
	struct strv notes, keys; /* of the configuration */
	char calls[1024];        /* "admit /hook;webhook /hook;" ... */
	const char *progress[4]; /* lines; the first is told without a time */
	int container_result;
	const char *body; /* of every job's event; NULL = none */
	struct answer answer;
	bool answers_later;
	engine_answer_fn *waiting;
	void *waiting_ctx;
	void (*listener)(void *ctx, const struct engine_event *ev);
	void *listener_ctx;
};
extern struct fake_engine fake;

/* A fresh engine, loop and api; `*state` is a struct world. */
struct world {
	struct loop *loop;
	struct api *api;
	struct strv hosts;
	struct api_options options;
	int stops, reloads;
	bool reload_fails;
};
int world_setup(void **state);
int world_teardown(void **state);
/* Makes the api anew, with this token (NULL = none). */
void world_set_token(struct world *w, const char *token);

/* Lets the doors have it. */
void fake_send(struct world *w, struct fake_request *r);
/* The same, and expects this status. */
void expect(struct world *w, struct fake_request r, int status);
/* GET over the Unix socket. */
struct fake_request fake_get(struct world *w, const char *target);
struct fake_request fake_post(struct world *w, const char *target, const char *body);
struct js *fake_json(const struct fake_request *r);
/* The reader takes everything again. */
void fake_drain(struct fake_request *r);
/* The reader leaves. */
void fake_leave(struct fake_request *r);

void fake_job(const char *id, enum job_state state, int64_t created_at);
/* Makes the job added last one of background work. */
void fake_background(void);
void fake_event(struct world *w, const char *type, const char *job_id, const char *state);

#endif
