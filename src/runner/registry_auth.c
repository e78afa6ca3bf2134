/* SPDX-License-Identifier: MIT */
/*
 * Logins of registries: {"auths": {"registry": {"auth": base64("user:password")}}, "credsStore":
 * "helper", "credHelpers": {"registry": "helper"}}, as the docker command's documentation of its
 * configuration file says. The engine wants {"username", "password", "serveraddress"} as JSON in
 * URL-safe base64 (Docker Engine API, "Authentication").
 *
 * The file is read anew for each pull, so a login made meanwhile counts.
 */
#include <stdlib.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "runner/registry_auth_internal.h"

#define CONFIG_MAX KIB(256)
/* The key that the docker command uses for "docker.io". */
#define HUB     "docker.io"
#define HUB_KEY "index.docker.io"

/* "https://host/v1/" -> "host". */
static struct slice host_of(const char *key)
{
	const char *scheme = strstr(key, "://");
	const char *host = scheme == NULL ? key : scheme + 3;

	return (struct slice){host, strcspn(host, "/")};
}

static bool is_for(const char *key, const char *registry)
{
	struct slice host = host_of(key);

	return slice_eq_str(host, registry) ||
	       (str_eq(registry, HUB) && slice_eq_str(host, HUB_KEY));
}

struct search {
	const char *registry;
	const char *key; /* NULL = not found */
	const struct js *value;
};

static void compare(const char *key, const struct js *value, void *ctx)
{
	struct search *s = ctx;

	if (s->key == NULL && is_for(key, s->registry)) {
		s->key = key;
		s->value = value;
	}
}

static struct search find(const struct js *object, const char *registry)
{
	struct search s = {.registry = registry};

	js_each(object, compare, &s);
	return s;
}

/* The engine reads base64 with "-" and "_". */
static char *url_safe_base64(const struct js *j)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	struct buf out = BUF_NULL;

	js_write(&text, j);
	base64_encode(&out, text.p, text.n);
	for (size_t i = 0; i < out.n; i++) {
		if (out.p[i] == '+')
			out.p[i] = '-';
		else if (out.p[i] == '/')
			out.p[i] = '_';
	}
	return buf_steal(&out);
}

/* NULL when the entry holds no login (it is the helper's, or broken). */
static char *header_of(const struct search *s)
{
	CLEANUP(buf_fini) struct buf login = BUF_NULL;
	CLEANUP(js_freep) struct js *out = js_object();
	const char *auth = js_get_str(s->value, "auth");
	const char *token = js_get_str(s->value, "identitytoken");
	const char *colon;

	if (str_is_empty(auth) || !base64_decode(&login, slice_of(auth)))
		return NULL;
	colon = strchr(buf_str(&login), ':');
	if (colon == NULL)
		return NULL;
	js_set_strn(out, "username", login.p, (size_t)(colon - login.p));
	js_set_str(out, "password", colon + 1);
	if (!str_is_empty(token))
		js_set_str(out, "identitytoken", token);
	js_set_str(out, "serveraddress", s->key);
	return url_safe_base64(out);
}

void registry_auth_init(struct registry_auth *a, struct slice config, const char *registry)
{
	CLEANUP(js_freep) struct js *j = js_parse(config.p, config.n, NULL);
	struct search auth = find(js_get(j, "auths"), registry);
	struct search helper = find(js_get(j, "credHelpers"), registry);
	const char *name = js_str(helper.value);

	*a = (struct registry_auth){0};
	if (auth.key != NULL)
		a->header = header_of(&auth);
	if (name == NULL)
		name = js_get_str(j, "credsStore");
	if (a->header == NULL && !str_is_empty(name))
		a->helper = xstrdup(name);
}

void registry_auth_find(struct registry_auth *a, const char *registry)
{
	CLEANUP(buf_fini) struct buf path = BUF_NULL;
	CLEANUP(buf_fini) struct buf config = BUF_NULL;
	const char *folder = secure_getenv("DOCKER_CONFIG");
	const char *home = secure_getenv("HOME");

	*a = (struct registry_auth){0};
	if (!str_is_empty(folder))
		buf_printf(&path, "%s/config.json", folder);
	else if (!str_is_empty(home))
		buf_printf(&path, "%s/.docker/config.json", home);
	if (path.n > 0 && file_read(buf_str(&path), CONFIG_MAX, &config, NULL) == 0)
		registry_auth_init(a, buf_slice(&config), registry);
}

void registry_auth_fini(struct registry_auth *a)
{
	free(a->header);
	free(a->helper);
	*a = (struct registry_auth){0};
}
