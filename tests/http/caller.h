/* SPDX-License-Identifier: MIT */
/*
 * tests/http/caller.h - a client beside the world's server, and calls that remember what they were
 * told.
 */
#ifndef PYLON_TESTS_HTTP_CALLER_H
#define PYLON_TESTS_HTTP_CALLER_H

#include "http/client_internal.h"
#include "http/world.h"

struct fixture {
	struct world *w;
	struct http_client *client;
	char *url; /* of the server's TCP port */
};

/* One call and all that was told about it. */
struct seen {
	struct http_call *call;
	unsigned done, heads, pieces;
	int status, error, head_status;
	bool was_sent;
	int64_t retry_after_us;
	struct buf body, text;
	bool refuse_data;
	bool cancel_at_head;
	struct seen *victim; /* cancelled from inside on_data or on_done */
	struct http_client *then_client;
	const struct http_spec *then; /* started from inside */
};

/* For cmocka: *state becomes a struct fixture. */
int caller_setup(void **state);
int caller_teardown(void **state);

/* Resets *s and makes a call of the server's URL that reports to it. */
struct http_spec spec_of(const struct fixture *f, const char *method, struct seen *s);
bool seen_data(void *ctx, struct slice data);
void seen_fini(struct seen *s);
/* Starts; waits for the end; both. */
void call_start(struct fixture *f, const struct http_spec *spec);
void call_wait(struct fixture *f, const struct seen *s);
void call_run(struct fixture *f, const struct http_spec *spec);
void quiet_turns(struct fixture *f);

#endif
