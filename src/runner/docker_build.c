/* SPDX-License-Identifier: MIT */
/*
 * Building an image of ours (agent_image.c).
 *
 * The classic builder answers with a stream of JSON objects, one a line; the build has failed if
 * one of them has an "error", whatever the status said. That error only names the command that
 * failed, so the end of what the command printed is told with it. A base image that is missing is
 * pulled by the builder, anonymously.
 */
#include "base/log.h"
#include "runner/docker_image_internal.h"

#define DIGEST_LABEL "pylon.agent.sha256"
/* Of what a failed command printed; less than DOCKER_TEXT_MAX. */
#define BUILD_TAIL_MAX 300

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

static void on_build_line(void *ctx, struct slice line)
{
	CLEANUP(js_freep) struct js *j = js_parse(line.p, line.n, NULL);
	struct docker_image *m = ctx;
	const char *error = js_get_str(j, "error");
	const char *text = js_get_str(j, "stream");

	if (error != NULL)
		docker_image_note_error(m, error);
	else if (text != NULL)
		on_build_output(m, text);
	else
		docker_image_progress(m, j);
}

void docker_image_build(struct docker_image *m)
{
	CLEANUP(agent_recipe_fini) struct agent_recipe recipe;
	CLEANUP(js_freep) struct js *labels = js_object();
	CLEANUP(buf_fini) struct buf args_json = BUF_NULL;
	CLEANUP(buf_fini) struct buf labels_json = BUF_NULL;

	agent_recipe_init(&recipe, m->recipe, m->docker->base_image);
	docker_image_begin(m, on_build_line);
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
		docker_image_data, docker_image_made, m);
}

bool docker_image_is_current(const struct docker_image *m, const struct js *seen)
{
	CLEANUP(agent_recipe_fini) struct agent_recipe recipe;
	const struct js *labels = js_get(js_get(seen, "Config"), "Labels");

	agent_recipe_init(&recipe, m->recipe, m->docker->base_image);
	return str_eq(js_get_str(labels, DIGEST_LABEL), recipe.digest);
}
