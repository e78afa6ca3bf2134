/* SPDX-License-Identifier: MIT */
/*
 * image.c - questions about images: at the start; when a configuration names another; and when a
 * run must know whom its image runs as before its folders can be made.
 *
 * The doors open when the images that we build ourselves are there. They do not wait for others: a
 * registry that hangs would keep everybody's webhooks out.
 *
 * An answer may come long after its asker is gone (an image is being built or pulled), so a
 * question holds names and no pointers.
 */
#include <errno.h>

#include "engine/engine-internal.h"

struct image_task {
	struct list node;
	struct engine *engine;
	char *image;
	bool is_awaited;  /* the doors open when it is done */
	struct id run_id; /* whose start waits; "" = none's */
};

static void task_free(struct image_task *t)
{
	list_remove(&t->node);
	free(t->image);
	free(t);
}

void image_tasks_free(struct engine *e)
{
	list_foreach_safe (it, &e->image_tasks)
		task_free(list_entry(it, struct image_task, node));
}

static void set_image_problem(struct engine *e, const char *image, const char *text)
{
	for (size_t i = 0; i < e->pylon_count; i++)
		if (str_eq(e->pylons[i]->config->image, image))
			str_replace(&e->pylons[i]->image_problem, text);
}

static void image_done(void *ctx, int rc, const char *text, const struct runner_user *user)
{
	struct image_task *t = ctx;
	struct engine *e = t->engine;
	bool is_last = t->is_awaited && --e->images_pending == 0;
	struct live *v = engine_live(e, &t->run_id);

	if (rc < 0)
		log_warn(TAG, "image %s is not available: %s", t->image, text);
	if (rc != -EHOSTUNREACH) /* which says nothing of the image */
		set_image_problem(e, t->image, rc < 0 ? text : NULL);
	task_free(t);
	if (v != NULL)
		live_image_known(v, rc, text, user);
	if (is_last)
		engine_prepared(e);
}

static void ask(struct engine *e, const char *image, bool is_awaited, const struct id *run_id)
{
	struct image_task *t = xcalloc_held(1, sizeof(*t));

	t->engine = e;
	t->image = xstrdup_or_null(image);
	t->is_awaited = is_awaited;
	if (run_id != NULL)
		t->run_id = *run_id;
	list_append(&e->image_tasks, &t->node);
	e->images_pending += is_awaited ? 1 : 0;
	e->ports.runner->ops->ensure_image(e->ports.runner, t->image, image_done, t);
}

void live_ask_image(struct live *v)
{
	ask(v->engine, v->image, false, &v->run_id);
}

void pylon_check_image(struct pylon *p)
{
	str_replace(&p->image_problem, NULL);
	if (p->engine->containers.is_up && p->config->image != NULL && pylon_is_active(p))
		ask(p->engine, p->config->image, false, NULL);
}

static bool is_first_with_image(const struct engine *e, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (pylon_is_active(e->pylons[k]) &&
			str_eq(e->pylons[k]->config->image, e->pylons[i]->config->image))
			return false;
	return pylon_is_active(e->pylons[i]) && e->pylons[i]->config->image != NULL;
}

void engine_check_images(struct engine *e)
{
	e->images_pending = 1;
	for (size_t i = 0; i < e->pylon_count; i++)
		if (is_first_with_image(e, i))
			ask(e, e->pylons[i]->config->image,
				runner_can_build(e->pylons[i]->config->image), NULL);
	if (--e->images_pending == 0)
		engine_prepared(e);
}
