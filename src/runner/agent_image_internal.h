/* SPDX-License-Identifier: MIT */
/*
 * The agent images that this program can build itself: what they are made of.
 *
 * Their files (src/agents, and the static program of src/agent_mock) are bytes in this binary; the
 * build generates the definitions.
 */
#ifndef RUNNER_AGENT_IMAGE_INTERNAL_H
#define RUNNER_AGENT_IMAGE_INTERNAL_H

#include <stddef.h>

#include "base/crypto.h"
#include "base/json.h"
#include "base/str.h"

struct agent_image;

/* NULL when the name is not one of ours. */
const struct agent_image *agent_image_find(const char *image);
/* "uid:gid" that it runs as; NULL = what the image says. */
const char *agent_image_user(const struct agent_image *a);

/* How to build it now. Settings are taken from the environment: see docs/agents.md. */
struct agent_recipe {
	struct buf tar;               /* Dockerfile and files */
	struct js *args;              /* build arguments: an object of strings */
	const char *network;          /* of the build; NULL = the engine's default */
	char digest[SHA256_HEX_SIZE]; /* of all that decides what comes out */
};

/* `base_image` is used unless the environment names another; NULL = what the Dockerfile says. */
void agent_recipe_init(struct agent_recipe *r, const struct agent_image *a, const char *base_image);
void agent_recipe_fini(struct agent_recipe *r);

#define EMBEDDED(name)                                                                             \
	extern const unsigned char name##_bytes[];                                                 \
	extern const size_t name##_size

EMBEDDED(agent_js);
EMBEDDED(agent_claude_dockerfile);
EMBEDDED(agent_claude_js);
EMBEDDED(agent_opencode_dockerfile);
EMBEDDED(agent_opencode_js);
EMBEDDED(agent_mock_dockerfile);
EMBEDDED(agent_mock);

#undef EMBEDDED

#endif
