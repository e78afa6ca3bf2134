/* SPDX-License-Identifier: MIT */
/*
 * Names of images, by the grammar of the distribution project (package reference): a registry is
 * the first part when that has a dot or a colon or is "localhost"; a tag follows the last colon
 * behind the last slash; a digest follows an "@".
 */
#include "runner/image_name_internal.h"

#define DEFAULT_REGISTRY "docker.io"
#define DEFAULT_TAG      "latest"
#define UID_MAX          INT32_MAX /* what engines accept */

static bool is_registry(struct slice part)
{
	return memchr(part.p, '.', part.n) != NULL || memchr(part.p, ':', part.n) != NULL ||
	       slice_eq_str(part, "localhost");
}

static struct slice until(const char *s, const char *end)
{
	return (struct slice){s, (size_t)(end - s)};
}

void image_name_init(struct image_name *n, const char *image)
{
	const char *at = strchr(image, '@');
	const char *end = at == NULL ? image + strlen(image) : at;
	const char *slash = memchr(image, '/', (size_t)(end - image));
	const char *last = memrchr(image, '/', (size_t)(end - image));
	const char *path = last == NULL ? image : last;
	const char *colon = memrchr(path, ':', (size_t)(end - path));
	const char *version = DEFAULT_TAG;

	*n = (struct image_name){0};
	if (slash != NULL && is_registry(until(image, slash)))
		n->registry = slice_dup(until(image, slash));
	else
		n->registry = xstrdup(DEFAULT_REGISTRY);
	n->repository = slice_dup(until(image, colon == NULL ? end : colon));
	if (at != NULL)
		version = at + 1;
	else if (colon != NULL && colon[1] != '\0')
		version = colon + 1;
	n->version = xstrdup(version);
}

void image_name_fini(struct image_name *n)
{
	free(n->registry);
	free(n->repository);
	free(n->version);
	*n = (struct image_name){0};
}

/* A number, or root's name. */
static bool read_id(struct slice s, uint32_t *ret)
{
	uint64_t id = 0;

	if (!slice_eq_str(s, "root") && !slice_to_u64(s, UID_MAX, &id))
		return false;
	*ret = (uint32_t)id;
	return true;
}

struct runner_user image_user(const char *user)
{
	const char *all = user == NULL ? "" : user;
	const char *colon = strchr(all, ':');
	struct slice name = colon == NULL ? slice_of(all) : until(all, colon);
	struct slice group = colon == NULL ? SLICE_NULL : slice_of(colon + 1);
	struct runner_user ret = {.is_known = true};

	/* Nobody named is root. Without a group it is that of the image's /etc/passwd, or 0 for a
	 * number that is not in there. */
	if (name.n > 0 && !read_id(name, &ret.uid))
		return (struct runner_user){0};
	ret.is_root = ret.uid == 0;
	if (group.n > 0)
		ret.is_known = read_id(group, &ret.gid);
	return ret;
}
