/* SPDX-License-Identifier: MIT */
/*
 * Images: is one there, and whom does it run as? One that is missing is built when it is one of
 * ours (docker_build.c) and pulled when it is not (docker_pull.c), and then looked at once more.
 *
 * Nothing is remembered: an image can be removed or tagged anew at any time, and looking costs a
 * millisecond. However many ask for one image, it is looked for once. Nobody who waits holds a
 * place among the runs that are being started, so a slow image only keeps its own runs waiting. A
 * build or a pull that nobody waits for any more goes on: the next run of that image gains by it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "runner/docker_image_internal.h"
#include "runner/image_name_internal.h"

#define PROGRESS_EVERY_US (5 * US_PER_SEC)

struct image_waiter {
	struct list node;
	docker_image_fn *done;
	void *ctx;
};

static void free_waiters(struct list *waiters)
{
	list_foreach_safe (it, waiters) {
		list_remove(it);
		free(list_entry(it, struct image_waiter, node));
	}
}

static void image_free(struct docker_image *m)
{
	if (m == NULL)
		return;
	http_call_cancel(m->call);
	timer_cancel(&m->quiet);
	list_remove(&m->node);
	free_waiters(&m->waiters);
	lines_fini(&m->lines);
	buf_fini(&m->tail);
	free(m->helper);
	free(m->name);
	free(m);
}

/* Tells all who wait. One who is told may make another one forget (docker_image_unwait()), so the
 * image stays in its list until the last is told; or ask for it anew, which is another look. */
static void finish(struct docker_image *m, int rc, const char *text, const struct runner_user *user)
{
	CLEANUP(freep) char *copy = xstrdup(text);

	m->call = NULL;
	m->is_finished = true;
	while (!list_is_empty(&m->waiters)) {
		struct image_waiter *w = list_entry(m->waiters.next, struct image_waiter, node);
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what was freed has left the list */
		struct image_waiter it = *w;

		list_remove(&w->node);
		free(w);
		it.done(it.ctx, rc, copy, user);
	}
	image_free(m);
}

static void fail(struct docker_image *m, int rc, const char *text)
{
	struct runner_user nobody = {0};

	finish(m, docker_is_no_space(text) ? -ENOSPC : rc, text, &nobody);
}

/* Is it the image, its registry, or an engine that hangs or is going away? That is found out before
 * anybody is told; m->error says the rest. */
static void condemn(struct docker_image *m, int rc)
{
	m->call = NULL;
	m->verdict = rc;
	docker_link_doubt(m->docker);
	docker_wake(m->docker);
}

/* The answer got lost. True when the image will be asked for again, or fail with the engine. */
static bool is_retried(struct docker_image *m)
{
	m->call = NULL;
	docker_link_doubt(m->docker);
	return ++m->losses < DOCKER_TRIES;
}

/* --- making it --- */

void docker_image_begin(struct docker_image *m, line_fn *on_line)
{
	m->on_line = on_line;
	m->has_failed = false;
	m->progress.count = 0;
	m->told_at = loop_mono(m->docker->loop);
	lines_reset(&m->lines);
	buf_clear(&m->tail);
}

bool docker_image_data(void *image, struct slice data)
{
	struct docker_image *m = image;

	if (timer_is_set(&m->quiet))
		timer_set_in(&m->quiet, m->docker->timing.quiet_us);
	lines_feed(&m->lines, data, m->on_line, m);
	return true;
}

void docker_image_progress(struct docker_image *m, const struct js *line)
{
	int64_t now = loop_mono(m->docker->loop);
	char summary[PULL_SUMMARY_MAX];

	if (!pull_progress_take(&m->progress, line) || now - m->told_at < PROGRESS_EVERY_US)
		return;
	m->told_at = now;
	pull_progress_print(&m->progress, summary);
	log_info(DOCKER_TAG, "image %s: pulling, %s", m->name, summary);
}

void docker_image_note_error(struct docker_image *m, const char *error)
{
	m->has_failed = true;
	docker_clean_text(slice_of(error), m->error);
}

/* With what may explain it. */
static char *failure_text(const struct docker_image *m)
{
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	char tail[DOCKER_TEXT_MAX + 1];

	buf_printf(&out, "image %s cannot be %s: %s", m->name,
		m->recipe != NULL ? "built" : "pulled", m->error);
	docker_clean_text(buf_slice(&m->tail), tail);
	if (*tail != '\0')
		buf_printf(&out, "; its last words: %s", tail);
	if (m->helper != NULL)
		buf_printf(&out,
			"; a login in the credential helper %.64s is not used, `docker pull %s` "
			"uses it",
			m->helper, m->name);
	return buf_steal(&out);
}

static void fail_condemned(struct docker_image *m)
{
	CLEANUP(freep) char *text = failure_text(m);

	fail(m, m->verdict, text);
}

static void give_up(struct docker_image *m, int64_t after_us, const char *of_what)
{
	(void)snprintf(m->error, sizeof(m->error), "given up after %" PRId64 " s %s",
		after_us / US_PER_SEC, of_what);
	condemn(m, -ETIMEDOUT);
}

static void on_quiet(struct timer *t, void *ctx)
{
	struct docker_image *m = ctx;

	if (pull_progress_is_waiting(&m->progress)) {
		timer_set_in(t, m->docker->timing.quiet_us);
		return;
	}
	http_call_cancel(m->call);
	give_up(m, m->docker->timing.quiet_us, "without a word from its registry");
}

void docker_image_made(void *image, const struct http_result *res)
{
	struct docker_image *m = image;

	m->call = NULL;
	timer_cancel(&m->quiet);
	if (res->error == -ETIMEDOUT) {
		give_up(m, m->docker->timing.build_us, "in all");
		return;
	}
	if (docker_is_lost(res) && is_retried(m))
		return;
	lines_end(&m->lines, m->on_line, m);
	if (!m->has_failed && (res->status != 200 || res->error != 0)) {
		m->has_failed = true;
		docker_error_text(res, m->error);
	}
	if (m->has_failed) {
		condemn(m, docker_is_lost(res) ? -EHOSTUNREACH : -EIO);
		return;
	}
	log_info(DOCKER_TAG, "image %s is %s", m->name, m->recipe != NULL ? "built" : "pulled");
	m->is_made = true;
	docker_wake(m->docker);
}

static void make(struct docker_image *m)
{
	if (m->recipe != NULL)
		docker_image_build(m);
	else
		docker_image_pull(m);
}

/* --- looking --- */

static void on_missing(struct docker_image *m)
{
	if (m->is_made) {
		docker_image_note_error(m, "the engine does not have it afterwards");
		condemn(m, -ENOENT);
		return;
	}
	make(m);
}

static void on_present(struct docker_image *m, struct slice body)
{
	CLEANUP(js_freep) struct js *seen = js_parse(body.p, body.n, NULL);
	const char *user = js_get_str(js_get(seen, "Config"), "User");
	struct runner_user found;

	if (m->recipe != NULL && !m->is_made && !docker_image_is_current(m, seen)) {
		make(m);
		return;
	}
	if (m->recipe != NULL && agent_image_user(m->recipe) != NULL)
		user = agent_image_user(m->recipe);
	found = image_user(user);
	found.is_known = found.is_known && m->docker->has_our_users;
	finish(m, 0, "", &found);
}

static void on_inspected(void *ctx, const struct http_result *res)
{
	struct docker_image *m = ctx;

	m->call = NULL;
	if (res->status == 404 && res->error == 0) {
		on_missing(m);
	} else if (res->status == 200 && res->error == 0) {
		on_present(m, res->body);
	} else {
		if (docker_is_lost(res) && is_retried(m))
			return;
		docker_error_text(res, m->error);
		condemn(m, docker_is_lost(res) ? -EHOSTUNREACH : -EIO);
	}
}

/* --- who asks --- */

static struct docker_image *image_find(struct docker *d, const char *name)
{
	list_foreach (it, &d->images) {
		struct docker_image *m = list_entry(it, struct docker_image, node);

		if (!m->is_finished && str_eq(m->name, name))
			return m;
	}
	return NULL;
}

static struct docker_image *image_new(struct docker *d, const char *name)
{
	struct docker_image *m = xcalloc_held(1, sizeof(*m));

	m->docker = d;
	m->name = xstrdup(name);
	m->recipe = agent_image_find(name);
	list_init(&m->waiters);
	timer_init(&m->quiet, d->loop, on_quiet, m);
	list_append(&d->images, &m->node);
	docker_wake(d);
	return m;
}

void docker_ensure_image(struct docker *d, const char *image, docker_image_fn *done, void *ctx)
{
	struct image_waiter *w = xcalloc_held(1, sizeof(*w));
	struct docker_image *m = image_find(d, image);

	if (m == NULL)
		m = image_new(d, image);
	w->done = done;
	w->ctx = ctx;
	list_append(&m->waiters, &w->node);
}

void docker_image_unwait(struct docker *d, const void *ctx)
{
	list_foreach (it, &d->images) {
		struct docker_image *m = list_entry(it, struct docker_image, node);

		list_foreach_safe (wit, &m->waiters) {
			struct image_waiter *w = list_entry(wit, struct image_waiter, node);

			if (w->ctx != ctx)
				continue;
			list_remove(&w->node);
			free(w);
		}
	}
}

/* Goes on with m; true when its waiters were told and it is gone. */
static bool pump(struct docker *d, struct docker_image *m)
{
	if (!d->is_up && d->was_told) {
		http_call_cancel(m->call);
		fail(m, -EHOSTUNREACH, d->why);
		return true;
	}
	if (!docker_link_is_sure(d) || d->info_call != NULL || m->call != NULL)
		return false;
	if (m->verdict != 0) {
		fail_condemned(m);
		return true;
	}
	m->call = docker_image_inspect(d, m->name, m, on_inspected);
	return false;
}

void docker_images_pump(struct docker *d)
{
	list_foreach (it, &d->images) {
		if (!pump(d, list_entry(it, struct docker_image, node)))
			continue;
		/* Anything may have changed; the next turn goes on. */
		docker_wake(d);
		return;
	}
}

void docker_images_free(struct docker *d)
{
	list_foreach_safe (it, &d->images)
		image_free(list_entry(it, struct docker_image, node));
}
