/* SPDX-License-Identifier: MIT */
/*
 * Removing containers, and listing those of this home.
 *
 * A removal that is asked for is kept until the engine has done it: a few at a time, again when the
 * engine was away, and some times again when it refuses (a process that cannot die yet, a busy
 * mount). What is given up, or forgotten because the daemon ended, is found by the next survey.
 */
#include <errno.h>

#include "base/failpoint.h"
#include "base/json.h"
#include "base/log.h"
#include "runner/docker_internal.h"

enum {
	REMOVALS_AT_ONCE = 4,
	REMOVAL_TRIES = 6,
};

struct removal {
	struct list node; /* docker.removals */
	struct docker *docker;
	char *container;
	struct http_call *call;
	int tries;
	bool must_wait; /* until the retry timer */
};

struct survey {
	struct list node; /* docker.surveys */
	struct docker *docker;
	void (*each)(void *ctx, const struct runner_found *f);
	void (*done)(void *ctx, int rc, const char *text);
	void *ctx;
	struct http_call *call; /* NULL: not asked yet */
	int losses;
};

/* --- removing --- */

static void set_call(struct removal *m, struct http_call *call)
{
	m->docker->removing += (call != NULL) - (m->call != NULL);
	m->call = call;
}

static void removal_free(struct removal *m)
{
	if (m == NULL)
		return;
	http_call_cancel(m->call);
	set_call(m, NULL);
	list_remove(&m->node);
	free(m->container);
	free(m);
}

static void on_refused(struct removal *m, const struct http_result *res)
{
	struct docker *d = m->docker;
	char text[DOCKER_TEXT_MAX + 1];

	docker_error_text(res, text);
	if (++m->tries >= REMOVAL_TRIES) {
		log_warn(DOCKER_TAG, "container %s stays behind: %s", m->container, text);
		removal_free(m);
		return;
	}
	m->must_wait = true;
	if (!timer_is_set(&d->removal_retry))
		timer_set_in(&d->removal_retry, d->timing.settle_us);
}

static void on_removed(void *ctx, const struct http_result *res)
{
	struct removal *m = ctx;
	struct docker *d = m->docker;

	failpoint(FP_remove_after);
	set_call(m, NULL);
	if (docker_is_lost(res))
		docker_link_doubt(d);
	/* 409: it is being removed already. */
	if (res->status == 204 || res->status == 404 || res->status == 409)
		removal_free(m);
	else
		on_refused(m, res);
	docker_wake(d);
}

static void pump_removals(struct docker *d)
{
	list_foreach (it, &d->removals) {
		struct removal *m = list_entry(it, struct removal, node);

		if (!d->is_up || d->removing >= REMOVALS_AT_ONCE)
			return;
		if (m->call != NULL || m->must_wait)
			continue;
		failpoint(FP_remove_before);
		set_call(m, docker_delete(d, m->container, m, on_removed));
	}
}

void docker_remove(struct docker *d, const char *container)
{
	struct removal *m = xcalloc_held(1, sizeof(*m));

	m->docker = d;
	m->container = xstrdup(container);
	list_append(&d->removals, &m->node);
	docker_wake(d);
}

static void on_retry(struct timer *t, void *ctx)
{
	struct docker *d = ctx;

	(void)t;
	list_foreach (it, &d->removals)
		list_entry(it, struct removal, node)->must_wait = false;
	docker_wake(d);
}

void docker_removals_away(struct docker *d)
{
	list_foreach (it, &d->removals) {
		struct removal *m = list_entry(it, struct removal, node);

		http_call_cancel(m->call);
		set_call(m, NULL);
	}
}

/* --- surveys --- */

static void survey_free(struct survey *s)
{
	if (s == NULL)
		return;
	http_call_cancel(s->call);
	list_remove(&s->node);
	free(s);
}

/* Frees s first: whom it tells may free everything. */
static void survey_finish(struct survey *s, int rc, const char *text)
{
	void (*done)(void *ctx, int rc, const char *text) = s->done;
	void *ctx = s->ctx;

	s->call = NULL;
	survey_free(s);
	done(ctx, rc, text);
}

static bool take_id(const struct js *labels, const char *label, struct id *ret)
{
	const char *text = js_get_str(labels, label);

	return text != NULL && id_is_valid(slice_of(text)) &&
	       str_copy(ret->s, sizeof(ret->s), text);
}

static void tell_found(const struct survey *s, const struct js *entry)
{
	const struct js *labels = js_get(entry, "Labels");
	const char *state = js_get_str(entry, "State");
	struct runner_found found = {
		.container_id = js_get_str(entry, "Id"), .state = state == NULL ? "" : state};

	if (found.container_id == NULL || !take_id(labels, "pylon.run", &found.run_id) ||
		!take_id(labels, "pylon.job", &found.job_id)) {
		log_warn(DOCKER_TAG, "a container has this home's label but no run's");
		return;
	}
	s->each(s->ctx, &found);
}

static void on_listed(void *ctx, const struct http_result *res)
{
	CLEANUP(js_freep) struct js *list = NULL;
	struct survey *s = ctx;
	char text[DOCKER_TEXT_MAX + 1];

	s->call = NULL;
	if (docker_is_lost(res)) {
		docker_link_doubt(s->docker);
		if (++s->losses < DOCKER_TRIES)
			return; /* again, or -ENOTCONN, when the doubt is over */
	}
	if (res->status != 200 || res->error != 0) {
		docker_error_text(res, text);
		survey_finish(s, -EIO, text);
		return;
	}
	list = js_parse(res->body.p, res->body.n, NULL);
	if (!js_is_array(list)) {
		survey_finish(s, -EPROTO, "the engine's list of containers is unreadable");
		return;
	}
	for (size_t i = 0; i < js_len(list); i++)
		tell_found(s, js_at(list, i));
	survey_finish(s, 0, "");
}

void docker_survey(struct docker *d, void (*each)(void *ctx, const struct runner_found *f),
	void (*done)(void *ctx, int rc, const char *text), void *ctx)
{
	struct survey *s = xcalloc_held(1, sizeof(*s));

	s->docker = d;
	s->each = each;
	s->done = done;
	s->ctx = ctx;
	list_append(&d->surveys, &s->node);
	docker_wake(d);
}

static void pump_surveys(struct docker *d)
{
	list_foreach (it, &d->surveys) {
		struct survey *s = list_entry(it, struct survey, node);

		if (docker_link_is_sure(d) && s->call == NULL)
			s->call = docker_list(d, s, on_listed);
		if (d->is_up || !d->was_told)
			continue;
		http_call_cancel(s->call);
		survey_finish(s, -ENOTCONN, d->why);
		docker_wake(d);
		return;
	}
}

void docker_remove_pump(struct docker *d)
{
	pump_removals(d);
	pump_surveys(d);
}

void docker_remove_init(struct docker *d)
{
	list_init(&d->surveys);
	list_init(&d->removals);
	timer_init(&d->removal_retry, d->loop, on_retry, d);
}

void docker_remove_free(struct docker *d)
{
	timer_cancel(&d->removal_retry);
	list_foreach_safe (it, &d->surveys)
		survey_free(list_entry(it, struct survey, node));
	list_foreach_safe (it, &d->removals)
		removal_free(list_entry(it, struct removal, node));
}
