/* SPDX-License-Identifier: MIT */
/*
 * The agent images that this program can build itself: what they are made of.
 *
 * An image carries the digest of its files and settings as a label, so that a newer program, or one
 * with other settings, builds it again. How the build reaches the network is not part of the
 * digest: it decides nothing about the image.
 */
#include <stdlib.h>

#include "runner/agent_image_internal.h"
#include "runner/runner.h"
#include "runner/tar_internal.h"

#define FILES_MAX 3
#define ARGS_MAX  2

struct agent_file {
	const char *name;
	mode_t mode;
	const unsigned char *bytes;
	const size_t *size;
};

/* A build argument that can be set; the Dockerfile has the default. */
struct agent_arg {
	const char *name, *variable;
};

struct agent_image {
	const char *name;
	const char *user; /* uid:gid of its USER; NULL = nobody is named there */
	struct agent_file files[FILES_MAX];
	struct agent_arg args[ARGS_MAX];
	bool is_offline;
};

#define FILE_OF(name, mode, embedded)                                                              \
	{                                                                                          \
		(name), (mode), embedded##_bytes, &embedded##_size                                 \
	}
#define BASE_NAME "BASE_IMAGE"
#define BASE_ARG                                                                                   \
	{                                                                                          \
		BASE_NAME, "PYLON_BASE_IMAGE"                                                      \
	}
/* Of the user "pylon" whom the Dockerfiles make. */
#define USER_PYLON "1000:1000"

static const struct agent_image images[] = {
	{"pylon/agent-claude", USER_PYLON,
		{FILE_OF("Dockerfile", 0644, agent_claude_dockerfile),
			FILE_OF("agent.js", 0644, agent_js),
			FILE_OF("claude.js", 0644, agent_claude_js)},
		{BASE_ARG, {"CLAUDE_CODE_VERSION", "PYLON_CLAUDE_CODE_VERSION"}}, false},
	{"pylon/agent-opencode", USER_PYLON,
		{FILE_OF("Dockerfile", 0644, agent_opencode_dockerfile),
			FILE_OF("agent.js", 0644, agent_js),
			FILE_OF("opencode.js", 0644, agent_opencode_js)},
		{BASE_ARG, {"OPENCODE_VERSION", "PYLON_OPENCODE_VERSION"}}, false},
	{"pylon/agent-mock", NULL,
		{FILE_OF("Dockerfile", 0644, agent_mock_dockerfile),
			FILE_OF("agent", 0755, agent_mock)},
		{{NULL, NULL}}, true},
};

/* Handed on as they are. Docker knows the first eight without an ARG, and keeps them out of the
 * image; npm's is declared by our Dockerfiles. */
static const char *const reach_args[] = {
	"HTTP_PROXY",
	"http_proxy",
	"HTTPS_PROXY",
	"https_proxy",
	"ALL_PROXY",
	"all_proxy",
	"NO_PROXY",
	"no_proxy",
	"NPM_CONFIG_REGISTRY",
};

static const char *setting(const char *variable)
{
	const char *value = secure_getenv(variable);

	return str_is_empty(value) ? NULL : value;
}

static bool is_named(const char *image, const char *name)
{
	size_t n = strlen(name);

	return strncmp(image, name, n) == 0 && (image[n] == '\0' || str_eq(image + n, ":latest"));
}

const struct agent_image *agent_image_find(const char *image)
{
	for (size_t i = 0; i < ARRAY_LEN(images); i++)
		if (is_named(image, images[i].name))
			return &images[i];
	return NULL;
}

bool runner_can_build(const char *image)
{
	return agent_image_find(image) != NULL;
}

const char *agent_image_user(const struct agent_image *a)
{
	return a->user;
}

static void add_files(struct buf *tar, const struct agent_image *a)
{
	for (size_t i = 0; i < FILES_MAX && a->files[i].name != NULL; i++) {
		const struct agent_file *f = &a->files[i];

		tar_add(tar, f->name, f->mode, (struct slice){(const char *)f->bytes, *f->size});
	}
	tar_end(tar);
}

static void set_args(struct js *args, const struct agent_image *a, const char *base_image)
{
	for (size_t i = 0; i < ARGS_MAX && a->args[i].name != NULL; i++) {
		const char *value = str_eq(a->args[i].name, BASE_NAME) ? base_image : NULL;

		if (value == NULL)
			value = setting(a->args[i].variable);
		if (value != NULL)
			js_set_str(args, a->args[i].name, value);
	}
}

static void set_reach(struct js *args)
{
	for (size_t i = 0; i < ARRAY_LEN(reach_args); i++)
		if (setting(reach_args[i]) != NULL)
			js_set_str(args, reach_args[i], setting(reach_args[i]));
}

void agent_recipe_init(struct agent_recipe *r, const struct agent_image *a, const char *base_image)
{
	CLEANUP(buf_fini) struct buf all = BUF_NULL;

	*r = (struct agent_recipe){.tar = BUF_NULL, .args = js_object()};
	add_files(&r->tar, a);
	set_args(r->args, a, base_image);
	buf_add_slice(&all, buf_slice(&r->tar));
	js_write(&all, r->args);
	sha256_hex(all.p, all.n, r->digest);
	if (a->is_offline) {
		r->network = "none";
	} else {
		set_reach(r->args);
		r->network = setting("PYLON_BUILD_NETWORK");
	}
}

void agent_recipe_fini(struct agent_recipe *r)
{
	buf_fini(&r->tar);
	js_freep(&r->args);
}
