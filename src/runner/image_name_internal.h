/* SPDX-License-Identifier: MIT */
/*
 * What is written in the name of an image, and what an image says about its user. Pure.
 */
#ifndef RUNNER_IMAGE_NAME_INTERNAL_H
#define RUNNER_IMAGE_NAME_INTERNAL_H

#include "base/str.h"
#include "runner/runner.h"

/* "[registry/]path[:tag][@digest]". */
struct image_name {
	char *registry;   /* "docker.io" when the name has none */
	char *repository; /* registry and path as they were written */
	char *version;    /* the digest, else the tag, else "latest": never all tags at once */
};

void image_name_init(struct image_name *n, const char *image);
void image_name_fini(struct image_name *n);

/* Config.User of an image ("", "user", "user:group", by name or number) as the engine reads it.
 * is_known is false for names other than root's, which only the image's own /etc/passwd explains.
 */
struct runner_user image_user(const char *user);

#endif
