/* SPDX-License-Identifier: MIT */
#include "http/caller.h"

enum { TURNS_MAX = 5000 };

int caller_setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct err e = CLEAN_ERR;

	f->w = world_new(false);
	f->client = http_client_new(f->w->loop, &e);
	assert_non_null(f->client);
	f->url = xasprintf("http://127.0.0.1:%u/x", f->w->port);
	*state = f;
	return 0;
}

int caller_teardown(void **state)
{
	struct fixture *f = *state;

	http_client_free(f->client);
	world_free(f->w);
	free(f->url);
	free(f);
	return 0;
}

void seen_fini(struct seen *s)
{
	buf_fini(&s->body);
	buf_fini(&s->text);
}

static void act_inside(struct seen *s)
{
	if (s->victim != NULL) {
		http_call_cancel(s->victim->call);
		s->victim->call = NULL;
		s->victim = NULL;
	}
	if (s->then != NULL)
		(void)http_call(s->then_client, s->then);
	s->then = NULL;
}

bool seen_data(void *ctx, struct slice data)
{
	struct seen *s = ctx;

	s->pieces++;
	buf_add_slice(&s->body, data);
	act_inside(s);
	return !s->refuse_data;
}

static void on_head(void *ctx, int status)
{
	struct seen *s = ctx;

	s->heads++;
	s->head_status = status;
	if (s->cancel_at_head)
		http_call_cancel(s->call);
}

static void on_done(void *ctx, const struct http_result *r)
{
	struct seen *s = ctx;

	s->done++;
	s->status = r->status;
	s->error = r->error;
	s->was_sent = r->was_sent;
	s->retry_after_us = r->retry_after_us;
	assert_int_equal(r->error != 0, r->text != NULL);
	buf_add_str(&s->text, r->text == NULL ? "" : r->text);
	if (r->body.n > 0)
		buf_add_slice(&s->body, r->body);
	act_inside(s);
	s->call = NULL;
}

struct http_spec spec_of(const struct fixture *f, const char *method, struct seen *s)
{
	*s = (struct seen){.done = 0};
	return (struct http_spec){.method = method,
		.url = f->url,
		.timeout_us = 5 * US_PER_SEC,
		.on_head = on_head,
		.on_done = on_done,
		.ctx = s};
}

void call_start(struct fixture *f, const struct http_spec *spec)
{
	struct seen *s = spec->ctx;

	s->call = http_call(f->client, spec);
	assert_int_equal(s->done, 0);
}

void call_wait(struct fixture *f, const struct seen *s)
{
	for (unsigned i = 0; i < TURNS_MAX && s->done == 0; i++)
		world_turn(f->w);
	assert_int_equal(s->done, 1);
}

void call_run(struct fixture *f, const struct http_spec *spec)
{
	call_start(f, spec);
	call_wait(f, spec->ctx);
}

void quiet_turns(struct fixture *f)
{
	for (int i = 0; i < 20; i++)
		world_turn(f->w);
}
