/* SPDX-License-Identifier: MIT */
/*
 * Is there an engine? Everything that depends on the answer asks is_up.
 *
 *   down --(retry timer)--> version asked --> up: events stream open, pings while runs are active
 *     ^                          |
 *     +--------------------------+   (no answer, or an engine that is too old)
 *
 * A lost call alone does not make the engine "down": it is doubted, which is asking for its version
 * at once while is_up stays true. So one broken connection does not disturb the other runs, and a
 * restart that nobody noticed is no restart. The events stream is there to notice an engine that
 * goes away at once (end of file) and containers that are removed by hand.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "runner/docker_internal.h"

/* A stream that lived this long was well. */
#define EVENTS_WELL_US (60 * US_PER_SEC)

static void open_events(struct docker *d);

static bool has_active_runs(const struct docker *d)
{
	list_foreach (it, &d->runs) {
		if (list_entry(it, struct docker_run, node)->phase != PHASE_OVER)
			return true;
	}
	return false;
}

static int64_t grow(int64_t *wait_us, const struct docker_timing *t)
{
	int64_t now = *wait_us;

	*wait_us = MIN_OF(now * 2, t->retry_max_us);
	return now;
}

static void cancel_calls(struct docker *d)
{
	http_call_cancel(d->version_call);
	http_call_cancel(d->events_call);
	http_call_cancel(d->ping_call);
	http_call_cancel(d->info_call);
	d->version_call = d->events_call = d->ping_call = d->info_call = NULL;
	timer_cancel(&d->events_retry);
	timer_cancel(&d->ping);
}

static void down(struct docker *d, const char *why)
{
	bool is_news = d->is_up || !d->was_told;

	cancel_calls(d);
	d->is_up = false;
	d->was_told = true;
	(void)str_copy(d->why, sizeof(d->why), why);
	timer_set_in(&d->retry, grow(&d->retry_us, &d->timing));
	list_foreach_safe (it, &d->runs)
		docker_run_away(list_entry(it, struct docker_run, node));
	docker_removals_away(d);
	docker_wake(d);
	if (is_news)
		d->ev.ready(d->ev.ctx, false, d->why);
}

/* --- version --- */

/* "1.41" -> 41; 0 for anything that is not version 1. */
static unsigned minor_of(const char *version)
{
	uint64_t minor;

	if (version == NULL || !str_has_prefix(version, "1.") ||
		!slice_to_u64(slice_of(version + 2), 9999, &minor))
		return 0;
	return (unsigned)minor;
}

/* The version to speak: what we know best, but what the engine still serves. An engine that has
 * dropped all versions we know is taken at its oldest: what is used here has been stable
 * since 1.40, and the alternative is not to work at all. 0 with why when there is none. */
static unsigned choose_version(const struct js *answer, char *why, size_t size)
{
	unsigned newest = minor_of(js_get_str(answer, "ApiVersion"));
	unsigned oldest = minor_of(js_get_str(answer, "MinAPIVersion"));
	unsigned ours = MIN_OF(newest, (unsigned)DOCKER_API_NEWEST);

	if (newest == 0) {
		(void)snprintf(why, size, "what answers there is no container engine");
		return 0;
	}
	if (newest < DOCKER_API_OLDEST) {
		(void)snprintf(why, size,
			"the container engine is too old: it speaks API 1.%u, needed is 1.%d",
			newest, DOCKER_API_OLDEST);
		return 0;
	}
	return MAX_OF(ours, oldest);
}

static bool is_podman(const struct js *answer)
{
	const struct js *parts = js_get(answer, "Components");

	for (size_t i = 0; i < js_len(parts); i++) {
		const char *name = js_get_str(js_at(parts, i), "Name");

		if (name != NULL && str_has_prefix(name, "Podman"))
			return true;
	}
	return false;
}

static void up(struct docker *d, const struct js *answer)
{
	char text[128];
	const char *version = js_get_str(answer, "Version");
	bool is_news = !d->is_up;

	d->is_up = d->was_told = true;
	d->retry_us = d->timing.retry_min_us;
	if (d->events_call == NULL && !timer_is_set(&d->events_retry))
		open_events(d);
	docker_wake(d);
	if (!is_news)
		return;
	(void)snprintf(text, sizeof(text), "%.64s (API 1.%u)", version == NULL ? "?" : version,
		d->engine.api_minor);
	d->ev.ready(d->ev.ctx, true, text);
}

/* curl's words for a Unix socket speak of ports. */
static void tell_unreachable(struct docker *d, const struct http_result *res)
{
	char why[ERR_TEXT_MAX], text[DOCKER_TEXT_MAX + 1];
	const char *path = d->socket_path;

	docker_error_text(res, text);
	if (res->error == -ECONNREFUSED) {
		if (access(path, W_OK) == 0)
			(void)str_copy(text, sizeof(text), "nobody answers there");
		else if (errno == EACCES)
			(void)str_copy(text, sizeof(text),
				"no permission to use it (is this user in the group docker?)");
		else
			(void)str_copy(text, sizeof(text), "there is no such socket");
	}
	(void)snprintf(why, sizeof(why), "container engine at %.90s: %.380s", path, text);
	down(d, why);
}

static void on_version(void *ctx, const struct http_result *res)
{
	CLEANUP(js_freep) struct js *answer = NULL;
	struct docker *d = ctx;
	char why[ERR_TEXT_MAX], text[DOCKER_TEXT_MAX + 1];
	unsigned minor;

	d->version_call = NULL;
	if (res->status != 200 || res->error != 0) {
		tell_unreachable(d, res);
		return;
	}
	answer = js_parse(res->body.p, res->body.n, NULL);
	minor = choose_version(answer, text, sizeof(text));
	if (minor == 0) {
		(void)snprintf(why, sizeof(why), "container engine at %.90s: %.380s",
			d->socket_path, text);
		down(d, why);
		return;
	}
	d->engine = (struct docker_engine){minor, is_podman(answer)};
	up(d, answer);
}

static void try_engine(struct docker *d)
{
	CLEANUP(buf_fini) struct buf path = BUF_NULL;

	if (!d->socket(d->socket_ctx, &path)) {
		down(d, "no socket of a container engine was found");
		return;
	}
	free(d->socket_path);
	d->socket_path = buf_steal(&path);
	d->version_call = docker_version(d, on_version);
}

static void on_retry(struct timer *t, void *ctx)
{
	(void)t;
	try_engine(ctx);
}

void docker_link_doubt(struct docker *d)
{
	if (d->is_up && d->version_call == NULL)
		d->version_call = docker_version(d, on_version);
}

/* --- users --- */

/* The engine's user namespaces: dockerd with userns-remap or rootless, Podman rootless. */
static bool maps_users(const struct js *info)
{
	const struct js *options = js_get(info, "SecurityOptions");

	for (size_t i = 0; i < js_len(options); i++) {
		const char *option = js_str(js_at(options, i));

		if (option != NULL && (str_has_prefix(option, "name=userns") ||
					      str_has_prefix(option, "name=rootless")))
			return true;
	}
	return false;
}

static void on_info(void *ctx, const struct http_result *res)
{
	CLEANUP(js_freep) struct js *info = NULL;
	struct docker *d = ctx;
	char text[DOCKER_TEXT_MAX + 1];

	d->info_call = NULL;
	if (res->status == 200 && res->error == 0)
		info = js_parse(res->body.p, res->body.n, NULL);
	d->has_our_users = js_is_object(info) && !maps_users(info);
	if (info == NULL) {
		docker_error_text(res, text);
		log_debug(DOCKER_TAG, "whether the engine maps users is not known: %s", text);
	}
	docker_wake(d);
}

/* Asked with each events stream, which ends with the engine's process: another one may have other
 * settings. Images wait for the answer, runs do not. */
static void ask_about_users(struct docker *d)
{
	http_call_cancel(d->info_call);
	d->has_our_users = false;
	d->info_call = docker_info(d, on_info);
}

/* --- events --- */

/* Removed by hand, or (Podman, whose wait call is slow to notice) ended. */
static void on_event(struct docker *d, const struct js *event)
{
	const char *action = js_get_str(event, "Action");
	const struct js *labels = js_get(js_get(event, "Actor"), "Attributes");
	const char *run = js_get_str(labels, "pylon.run");
	struct docker_run *r;
	struct id id;

	if (run == NULL || !id_is_valid(slice_of(run)) || !str_copy(id.s, sizeof(id.s), run))
		return;
	if (!str_eq(action, "destroy") && !str_eq(action, "remove") && !str_eq(action, "died"))
		return;
	r = docker_find(d, &id);
	if (r == NULL || r->phase != PHASE_FOLLOWING)
		return;
	/* Not here: inside a stream's own callback no other call is touched. */
	r->is_suspect = true;
	docker_wake(d);
}

static void on_event_line(void *ctx, struct slice line)
{
	CLEANUP(js_freep) struct js *event = js_parse(line.p, line.n, NULL);

	if (event != NULL)
		on_event(ctx, event);
}

static bool on_events_data(void *ctx, struct slice data)
{
	struct docker *d = ctx;

	lines_feed(&d->event_lines, data, on_event_line, d);
	return true;
}

static void on_events_end(void *ctx, const struct http_result *res)
{
	struct docker *d = ctx;

	d->events_call = NULL;
	if (loop_mono(d->loop) - d->events_since > EVENTS_WELL_US)
		d->events_retry_us = d->timing.retry_min_us;
	timer_set_in(&d->events_retry, grow(&d->events_retry_us, &d->timing));
	/* An engine that refuses events (a filtering proxy) is there all the same. */
	if (res->status == 0 || (res->status >= 200 && res->status < 300))
		docker_link_doubt(d);
}

static void open_events(struct docker *d)
{
	lines_reset(&d->event_lines);
	d->events_since = loop_mono(d->loop);
	d->events_call = docker_events(d, on_events_data, on_events_end);
	ask_about_users(d);
}

static void on_events_retry(struct timer *t, void *ctx)
{
	struct docker *d = ctx;

	(void)t;
	if (d->is_up && d->events_call == NULL)
		open_events(d);
}

/* --- pings --- */

static void on_ponged(void *ctx, const struct http_result *res)
{
	struct docker *d = ctx;

	d->ping_call = NULL;
	if (docker_is_lost(res))
		tell_unreachable(d, res);
}

static void on_ping(struct timer *t, void *ctx)
{
	struct docker *d = ctx;

	if (!d->is_up || !has_active_runs(d))
		return;
	if (d->ping_call == NULL)
		d->ping_call = docker_ping(d, on_ponged);
	timer_set_in(t, d->timing.ping_every_us);
}

void docker_link_watch(struct docker *d)
{
	if (d->is_up && !timer_is_set(&d->ping) && has_active_runs(d))
		timer_set_in(&d->ping, d->timing.ping_every_us);
}

bool docker_link_is_sure(const struct docker *d)
{
	return d->is_up && d->version_call == NULL;
}

void docker_link_init(struct docker *d)
{
	timer_init(&d->retry, d->loop, on_retry, d);
	timer_init(&d->events_retry, d->loop, on_events_retry, d);
	timer_init(&d->ping, d->loop, on_ping, d);
}

void docker_link_open(struct docker *d)
{
	d->retry_us = d->events_retry_us = d->timing.retry_min_us;
	timer_set_in(&d->retry, 0);
}

void docker_link_fini(struct docker *d)
{
	cancel_calls(d);
	timer_cancel(&d->retry);
	lines_fini(&d->event_lines);
	free(d->socket_path);
}
