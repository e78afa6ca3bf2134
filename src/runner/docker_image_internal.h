/* SPDX-License-Identifier: MIT */
/*
 * Between docker_image.c (is it there? whom does it run as?), docker_build.c and docker_pull.c (how
 * it is made).
 */
#ifndef RUNNER_DOCKER_IMAGE_INTERNAL_H
#define RUNNER_DOCKER_IMAGE_INTERNAL_H

#include "base/json.h"
#include "runner/agent_image_internal.h"
#include "runner/docker_internal.h"
#include "runner/lines_internal.h"
#include "runner/pull_progress_internal.h"

/* One image that is being looked for, built or pulled. */
struct docker_image {
	struct list node; /* docker.images */
	struct docker *docker;
	char *name;
	const struct agent_image *recipe; /* NULL: not ours */
	struct list waiters;
	struct http_call *call; /* NULL: nothing is under way */
	int losses;
	bool is_finished; /* its waiters are being told */
	bool is_made;     /* built or pulled: what is there is looked at once more */
	int verdict; /* it fails with that as soon as the engine is known to be well; 0 = none */

	/* While it is made. */
	line_fn *on_line; /* what a line of the engine's stream means */
	struct lines lines;
	struct buf tail; /* building: what the present command printed last */
	struct pull_progress progress;
	int64_t told_at;    /* when that was last logged, mono */
	struct timer quiet; /* pulling: nothing came for too long */
	char *helper;       /* pulling: who may know a login; NULL = nobody */
	bool has_failed;
	char error[DOCKER_TEXT_MAX + 1];
};

/* docker_api.c */
struct http_call *docker_image_inspect(
	struct docker *d, const char *image, void *ctx, docker_done_fn *done);
/* What an image is built from. */
struct docker_context {
	const char *image;
	const char *network;       /* NULL = the engine's default */
	const char *args, *labels; /* JSON objects of strings */
	struct slice tar;
};
struct http_call *docker_build(struct docker *d, const struct docker_context *c,
	bool (*data)(void *ctx, struct slice data), docker_done_fn *done, void *ctx);
/* Where an image is pulled from. */
struct docker_source {
	const char *repository, *version; /* version: a tag or a digest */
	const char *auth;                 /* X-Registry-Auth; NULL = none */
};
struct http_call *docker_pull(struct docker *d, const struct docker_source *s,
	bool (*data)(void *ctx, struct slice data), docker_done_fn *done, void *ctx);

/* docker_image.c: data and end of a build or a pull. */
void docker_image_begin(struct docker_image *m, line_fn *on_line);
bool docker_image_data(void *image, struct slice data);
void docker_image_made(void *image, const struct http_result *res);
/* A line that tells of layers. */
void docker_image_progress(struct docker_image *m, const struct js *line);
/* The engine says in its stream that it failed. */
void docker_image_note_error(struct docker_image *m, const char *error);

/* docker_build.c */
void docker_image_build(struct docker_image *m);
/* Is what an inspect call showed made of the present recipe? */
bool docker_image_is_current(const struct docker_image *m, const struct js *seen);

/* docker_pull.c */
void docker_image_pull(struct docker_image *m);

#endif
