/* SPDX-License-Identifier: MIT */
/*
 * Images: is one there, and if it is one of ours (agent_image.c), building it.
 *
 * The classic builder answers with a stream of JSON objects, one a line; the build has failed if
 * one of them has an "error", whatever the status said. That error only names the command that
 * failed, so the end of what the command printed is told with it.
 */
#include <errno.h>

#include "base/json.h"
#include "base/log.h"
#include "runner/agent_image_internal.h"
#include "runner/docker_internal.h"

#define DIGEST_LABEL "pylon.agent.sha256"
/* A longer line of the builder is not read. */
#define BUILD_LINE_MAX KIB(64)
/* Of what a failed command printed; less than DOCKER_TEXT_MAX. */
#define BUILD_TAIL_MAX 300

struct image_waiter {
	struct list node;
	void (*done)(void *ctx, int rc, const char *text);
	void *ctx;
};

/* One image that is being looked for or built. */
struct docker_image {
	struct list node; /* docker.images */
	struct docker *docker;
	char *name;
	const struct agent_image *recipe; /* NULL: not ours */
	struct list waiters;
	struct http_call *call; /* NULL: not asked for yet */
	int losses;
	bool is_finished; /* its waiters are being told */
	struct buf line;
	bool is_line_skipped;
	struct buf tail; /* what the present command printed last */
	bool has_failed;
	char error[DOCKER_TEXT_MAX + 1];
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
	list_remove(&m->node);
	free_waiters(&m->waiters);
	buf_fini(&m->line);
	buf_fini(&m->tail);
	free(m->name);
	free(m);
}

/* Tells all who wait. One who is told may make another one forget (docker_image_unwait()), so the
 * image stays in its list until the last is told; or ask for it anew, which is another look. */
static void finish(struct docker_image *m, int rc, const char *text)
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
		it.done(it.ctx, rc, copy);
	}
	image_free(m);
}

/* The answer got lost. True when the image will be asked for again, or fail with the engine. */
static bool is_retried(struct docker_image *m)
{
	m->call = NULL;
	docker_link_doubt(m->docker);
	return ++m->losses < DOCKER_TRIES;
}

/* --- building --- */

/* What the builder says of its own. */
static bool is_builder_talk(const char *text)
{
	return str_has_prefix(text, " ---> ") || str_has_prefix(text, "Removing intermediate ");
}

static void on_build_output(struct docker_image *m, const char *text)
{
	if (str_has_prefix(text, "Step ")) {
		char step[DOCKER_TEXT_MAX + 1]; /* "Step 1/4 : FROM scratch" */

		buf_clear(&m->tail);
		docker_clean_text(slice_of(text), step);
		log_info(DOCKER_TAG, "image %s: %s", m->name, step);
	} else if (!is_builder_talk(text)) {
		buf_add_str(&m->tail, text);
		if (m->tail.n > BUILD_TAIL_MAX)
			buf_drop_front(&m->tail, m->tail.n - BUILD_TAIL_MAX);
	}
}

static void on_build_line(struct docker_image *m, struct slice line)
{
	CLEANUP(js_freep) struct js *j = js_parse(line.p, line.n, NULL);
	const char *error = js_get_str(j, "error");
	const char *text = js_get_str(j, "stream");

	if (error != NULL) {
		m->has_failed = true;
		docker_clean_text(slice_of(error), m->error);
	} else if (text != NULL) {
		on_build_output(m, text);
	}
}

static bool on_build_data(void *ctx, struct slice data)
{
	struct docker_image *m = ctx;

	while (data.n > 0) {
		const char *end = memchr(data.p, '\n', data.n);
		size_t n = end == NULL ? data.n : (size_t)(end - data.p);

		if (m->line.n + n > BUILD_LINE_MAX)
			m->is_line_skipped = true;
		if (!m->is_line_skipped)
			buf_add(&m->line, data.p, n);
		if (end == NULL)
			break;
		if (!m->is_line_skipped)
			on_build_line(m, buf_slice(&m->line));
		m->is_line_skipped = false;
		buf_clear(&m->line);
		data.p += n + 1;
		data.n -= n + 1;
	}
	return true;
}

static char *failure_text(const struct docker_image *m)
{
	char tail[DOCKER_TEXT_MAX + 1];

	docker_clean_text(buf_slice(&m->tail), tail);
	return xasprintf("image %s cannot be built: %s%s%s", m->name, m->error,
		*tail == '\0' ? "" : "; its last words: ", tail);
}

static void on_built(void *ctx, const struct http_result *res)
{
	CLEANUP(freep) char *text = NULL;
	struct docker_image *m = ctx;

	if (docker_is_lost(res) && is_retried(m))
		return;
	if (m->line.n > 0 && !m->is_line_skipped)
		on_build_line(m, buf_slice(&m->line));
	if (!m->has_failed && (res->status != 200 || res->error != 0)) {
		m->has_failed = true;
		docker_error_text(res, m->error);
	}
	if (!m->has_failed) {
		log_info(DOCKER_TAG, "image %s is built", m->name);
		finish(m, 0, "");
		return;
	}
	text = failure_text(m);
	finish(m, docker_is_lost(res) ? -ENOTCONN : -EIO, text);
}

static void build(struct docker_image *m)
{
	CLEANUP(agent_recipe_fini) struct agent_recipe recipe;
	CLEANUP(js_freep) struct js *labels = js_object();
	CLEANUP(buf_fini) struct buf args_json = BUF_NULL;
	CLEANUP(buf_fini) struct buf labels_json = BUF_NULL;

	agent_recipe_init(&recipe, m->recipe);
	m->has_failed = m->is_line_skipped = false;
	buf_clear(&m->line);
	buf_clear(&m->tail);
	js_set_str(labels, DIGEST_LABEL, recipe.digest);
	js_write(&labels_json, labels);
	js_write(&args_json, recipe.args);
	log_info(DOCKER_TAG, "image %s: building", m->name);
	m->call = docker_build(m->docker,
		&(struct docker_context){.image = m->name,
			.network = recipe.network,
			.args = buf_str(&args_json),
			.labels = buf_str(&labels_json),
			.tar = buf_slice(&recipe.tar)},
		on_build_data, on_built, m);
}

/* --- looking --- */

static bool is_current(const struct docker_image *m, struct slice body)
{
	CLEANUP(agent_recipe_fini) struct agent_recipe recipe;
	CLEANUP(js_freep) struct js *j = js_parse(body.p, body.n, NULL);
	const struct js *labels = js_get(js_get(j, "Config"), "Labels");

	agent_recipe_init(&recipe, m->recipe);
	return str_eq(js_get_str(labels, DIGEST_LABEL), recipe.digest);
}

static void on_missing(struct docker_image *m)
{
	CLEANUP(freep) char *text = NULL;

	if (m->recipe != NULL) {
		build(m);
		return;
	}
	text = xasprintf("image %s is not there; `docker pull %s` fetches it, or build it and give "
			 "it that name",
		m->name, m->name);
	finish(m, -ENOENT, text);
}

static void on_inspected(void *ctx, const struct http_result *res)
{
	struct docker_image *m = ctx;
	char text[DOCKER_TEXT_MAX + 1];

	m->call = NULL;
	if (res->status == 404 && res->error == 0) {
		on_missing(m);
	} else if (res->status == 200 && res->error == 0) {
		if (m->recipe != NULL && !is_current(m, res->body))
			build(m);
		else
			finish(m, 0, "");
	} else {
		if (docker_is_lost(res) && is_retried(m))
			return;
		docker_error_text(res, text);
		finish(m, docker_is_lost(res) ? -ENOTCONN : -EIO, text);
	}
}

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
	list_append(&d->images, &m->node);
	docker_wake(d);
	return m;
}

void docker_ensure_image(struct docker *d, const char *image,
	void (*done)(void *ctx, int rc, const char *text), void *ctx)
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

void docker_images_pump(struct docker *d)
{
	list_foreach (it, &d->images) {
		struct docker_image *m = list_entry(it, struct docker_image, node);

		if (docker_link_is_sure(d) && m->call == NULL)
			m->call = docker_image_inspect(d, m->name, m, on_inspected);
		if (d->is_up || !d->was_told)
			continue;
		http_call_cancel(m->call);
		finish(m, -ENOTCONN, d->why);
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
