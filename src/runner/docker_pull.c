/* SPDX-License-Identifier: MIT */
/*
 * Pulling an image of others from where its name says.
 *
 * The engine answers with a stream of JSON objects, one a line, and with status 200 before it knows
 * how it ends: an "error" in the stream decides. It gives a registry that accepts and says nothing
 * all the time in the world, so a pull that is quiet for too long is given up here, unless
 * it waits for others; ending the call ends it in the engine.
 */
#include "base/log.h"
#include "runner/docker_image_internal.h"
#include "runner/image_name_internal.h"
#include "runner/registry_auth_internal.h"

static void on_pull_line(void *ctx, struct slice line)
{
	CLEANUP(js_freep) struct js *j = js_parse(line.p, line.n, NULL);
	struct docker_image *m = ctx;
	const char *error = js_get_str(j, "error");

	if (error != NULL)
		docker_image_note_error(m, error);
	else
		docker_image_progress(m, j);
}

void docker_image_pull(struct docker_image *m)
{
	CLEANUP(image_name_fini) struct image_name name;
	CLEANUP(registry_auth_fini) struct registry_auth auth;

	image_name_init(&name, m->name);
	registry_auth_find(&auth, name.registry);
	docker_image_begin(m, on_pull_line);
	free(m->helper);
	m->helper = STEAL(auth.helper);
	log_info(DOCKER_TAG, "image %s: pulling", m->name);
	timer_set_in(&m->quiet, m->docker->timing.quiet_us);
	m->call = docker_pull(m->docker,
		&(struct docker_source){.repository = name.repository,
			.version = name.version,
			.auth = auth.header},
		docker_image_data, docker_image_made, m);
}
